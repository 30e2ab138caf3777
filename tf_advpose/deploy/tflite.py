"""Exports as a .tflite file for phones, browsers and small computers."""

import json
import os
import tempfile

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tf_advpose.deploy.serving import read_out

METADATA_NAME = "metadata.json"
_FILE_IDENTIFIER = b"TFL3"


def convert(generator: keras.Model, metadata: dict) -> bytes:
    """A .tflite file of a float32 `generator`, decoding included, made of built-in operations only.

    Its signature `serving_default` takes "image" [1, S, S, 3] float32 in [0, 1] and returns what
    `read_out` does. `metadata` is in it as a JSON buffer named `METADATA_NAME`.
    """
    size = generator.input_shape[1]
    module = tf.Module()
    module.weights = [variable.value for variable in generator.variables]
    # A batch of any size would not load in browsers. The way over a SavedModel is no detour: the converter
    # makes NaN of the weights when it gets the function itself.
    signature = tf.function(
        lambda image: read_out(generator(image, training=False)),
        input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32, name="image")],
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": signature})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        return _with_metadata(converter.convert(), metadata)


def read_metadata(path: str | os.PathLike) -> dict:
    """What `convert` stored as metadata.

    Raises:
      ValueError: the file holds none.
    """
    with open(path, "rb") as file:
        model = schema.Model.GetRootAs(file.read())
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    raise ValueError(f"{path} holds no {METADATA_NAME}: it was not exported by this project.")


def _with_metadata(tflite: bytes, metadata: dict) -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite))
    buffer = schema.BufferT(data=np.frombuffer(json.dumps(metadata).encode(), np.uint8))
    model.buffers.append(buffer)
    model.metadata.append(schema.MetadataT(name=METADATA_NAME, buffer=len(model.buffers) - 1))
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())
