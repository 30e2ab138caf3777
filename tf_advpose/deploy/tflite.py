"""Exports as .tflite files for phones, browsers and small computers, in four number formats.

Each has two signatures. `serving_default` takes "image" [1, S, S, 3] float32 in [0, 1] and returns what
`read_out` does. `heatmaps_and_depth` takes the same and ends before the read-out, for delegates of GPUs
that do not know its operations: "heatmaps" [1, S/4, S/4, P] and "depth" [1, P]. Both use the same weights.
All inputs and outputs are float32, and so are, in every format, the read-out and, where a softmax makes the
last heatmaps, it and the convolution before it: in int8 steps of its logits would be factors of the peaks.
Only built-in operations occur.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tf_advpose.deploy import saved_model, tflite_graph
from tf_advpose.deploy.serving import read_out, to_image
from tf_advpose.models.blocks import SpatialSoftmax
from tf_advpose.startup import quiet_unless_it_fails

FORMATS = ("float32", "float16", "dynamic", "int8")
JOINTS_SIGNATURE, MAPS_SIGNATURE = "serving_default", "heatmaps_and_depth"


def convert(
    generator: keras.Model, metadata: dict, crops: np.ndarray, formats: tuple[str, ...] = FORMATS
) -> dict[str, bytes]:
    """A .tflite file of a float32 `generator` in each of `formats`.

    "float16" stores weights so and computes in float32 where the device cannot do better; "dynamic" stores
    weights in int8 and computes with them where it can; "int8" computes in int8 up to heatmaps and depths.

    Args:
      generator: as `build_generator` makes it.
      metadata: to be stored in the files as JSON.
      crops: [N, S, S, 3] uint8, as the model will meet them; the ranges of "int8" are measured on them.

    Raises:
      OSError: what goes through a temporary folder cannot be written there.
    """

    maps = generator.output["heatmaps"][-1]
    logits = _logits(generator)
    last = logits.input if logits else maps
    body = keras.Model(
        generator.input, {"features" if logits else "heatmaps": last, "depth": generator.output["depth"]}
    )

    def network(image):
        return body(image, training=False)

    def joints(heatmaps, depth):
        return read_out({"heatmaps": [heatmaps], "depth": depth})

    rows, columns, num_joints = maps.shape[1:]
    # A batch of any size would not load in browsers.
    image_spec = tf.TensorSpec([1, *generator.input_shape[1:]], tf.float32, name="image")
    maps_spec = tf.TensorSpec([1, rows, columns, num_joints], tf.float32, name="heatmaps")
    depth_spec = tf.TensorSpec([1, num_joints], tf.float32, name="depth")
    # Apart, because the converter would quantise softmax and read-out too.
    with _saved(network, [image_spec], generator.variables) as folder:
        networks = {number_format: _converted(folder, number_format, crops) for number_format in formats}
    if logits:
        head = keras.Model(last, {"heatmaps": maps})
        features_spec = tf.TensorSpec([1, *last.shape[1:]], tf.float32, name="features")
        with _saved(lambda features: head(features), [features_spec], head.variables) as folder:
            tail = _converted(folder)
        networks = {name: tflite_graph.extend(part, tail) for name, part in networks.items()}
    with _saved(joints, [maps_spec, depth_spec], []) as folder:
        tail = _converted(folder)
    signatures, text = (JOINTS_SIGNATURE, MAPS_SIGNATURE), json.dumps(metadata).encode()
    return {name: tflite_graph.join(part, tail, signatures, text) for name, part in networks.items()}


def _logits(generator: keras.Model) -> keras.layers.Layer | None:
    """The convolution before the softmax that makes the last heatmaps, where one does."""
    softmaxes = [layer for layer in generator.layers if isinstance(layer, SpatialSoftmax)]
    if not softmaxes:
        return None
    return next(layer for layer in generator.layers if layer.output is softmaxes[-1].input)


@contextlib.contextmanager
def _saved(function: Callable, specs: list[tf.TensorSpec], variables: list) -> Iterator[str]:
    """A folder with a SavedModel of `function`, while the block lasts.

    It is no detour: the converter makes NaN of the weights when it gets the function itself.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in variables]
    signature = tf.function(function, input_signature=specs)
    with tempfile.TemporaryDirectory() as folder:
        with saved_model.write_errors_told():
            tf.saved_model.save(module, folder, signatures={JOINTS_SIGNATURE: signature})
        yield folder


def _converted(folder: str, number_format: str = "float32", crops: np.ndarray | None = None) -> bytes:
    """The SavedModel in `folder` as a .tflite file with one signature."""
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[JOINTS_SIGNATURE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if number_format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if number_format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if number_format == "int8":
        converter.representative_dataset = lambda: (
            {"image": to_image(crop[None]).numpy()} for crop in crops
        )
    with quiet_unless_it_fails():  # it calls an interpreter that it says is outdated
        return converter.convert()
