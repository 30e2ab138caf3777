"""Serves an exported SavedModel with KServe's Python server: TensorFlow Serving's REST interface.

  python -m venv kserve && kserve/bin/pip install "kserve>=0.21,<0.22" "tensorflow-cpu>=2.21,<2.22"
  kserve/bin/python examples/serve_kserve.py --saved_model=exports/full/1 --name=full --port=8501

Needs nothing of this repository. What is wrong with a request is answered with status 400 and the reason.
"""

import asyncio
import base64
import binascii
import sys

import kserve
import numpy as np
import tensorflow as tf
from absl import app, flags
from kserve.errors import InvalidInput
from kserve.protocol.rest.server import RESTServer

FLAGS = flags.FLAGS
flags.DEFINE_string("saved_model", None, "Folder of the exported version.", required=True)
flags.DEFINE_string("name", "pose", "Name of the model in its address.")
flags.DEFINE_string("host", "127.0.0.1", "Address to listen on; 0.0.0.0 for all, as in a container.")
flags.DEFINE_integer("port", 8501, "Port.")


class ServedModel(kserve.Model):
    """The signatures of a SavedModel, behind POST /v1/models/NAME:predict."""

    def __init__(self, name: str, folder: str):
        super().__init__(name)
        self._loaded = tf.saved_model.load(folder)
        self.ready = True

    async def predict(self, payload: dict, headers=None, response_headers=None) -> dict:
        """`payload`: "instances", a dictionary of inputs each, and "signature_name" where it is another."""
        return await asyncio.to_thread(self._predict, payload)

    def _predict(self, payload: dict) -> dict:
        if not isinstance(payload, dict):  # bytes, where the header says that they are something else
            raise InvalidInput("A request is a JSON object, sent with Content-Type: application/json.")
        name = payload.get("signature_name", "serving_default")
        instances = payload.get("instances")
        if not isinstance(instances, list) or not instances:
            raise InvalidInput("A request needs a list of one or more 'instances'.")
        if not isinstance(name, str) or name not in self._loaded.signatures:
            raise InvalidInput(f"No signature {name!r}; there are {', '.join(self._loaded.signatures)}.")
        signature = self._loaded.signatures[name]
        inputs = {
            key: _tensor(key, instances, spec)
            for key, spec in signature.structured_input_signature[1].items()
        }
        try:
            outputs = {key: value.numpy().tolist() for key, value in signature(**inputs).items()}
        except tf.errors.InvalidArgumentError as error:
            raise InvalidInput(_reason(error)) from None
        rows = zip(*outputs.values(), strict=True)
        return {"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]}


def _tensor(key: str, instances: list, spec: tf.TensorSpec) -> tf.Tensor:
    """The input `key` of all `instances`; raises InvalidInput where it is missing or of another kind."""
    try:
        values = [instance[key] for instance in instances]
        if spec.dtype == tf.string:
            values = np.array([base64.b64decode(value["b64"], validate=True) for value in values], object)
        else:
            values = np.array(values).reshape([len(values), *np.shape(values)[1:]])
            if values.dtype.kind not in "iuf" or (spec.dtype == tf.uint8 and values.dtype.kind == "f"):
                raise ValueError(f"numbers of the type {values.dtype}")
            if spec.dtype == tf.uint8 and values.size and (values.min() < 0 or values.max() > 255):
                raise ValueError("numbers outside 0 to 255")
            values = values.astype(spec.dtype.as_numpy_dtype)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidInput(f"Every instance needs {key!r} as {spec}: {error}") from None
    if not spec.shape.is_compatible_with(values.shape):
        raise InvalidInput(f"{key!r} has the shape {list(values.shape)}, expected {spec.shape}.")
    return tf.constant(values, spec.dtype)


def _reason(error: tf.errors.InvalidArgumentError) -> str:
    """What the model says of a request, without where in its graph it says so."""
    lines = [line.strip() for line in error.message.splitlines()]
    return [line for line in lines if line and not line.startswith("[[")][-1]


def main(_) -> None:
    try:
        model = ServedModel(FLAGS.name, FLAGS.saved_model)
    except (OSError, ValueError, IndexError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        sys.exit(f"error: {FLAGS.saved_model} is not a whole SavedModel; copy or export it again: {reason}")
    server = kserve.ModelServer()
    server.register_model(model)
    # What ModelServer.start would start; it has no argument for the address.
    rest = RESTServer(
        "kserve.model_server:app", server.dataplane, server.model_repository_extension, FLAGS.port
    )
    rest.config.host = FLAGS.host
    rest.run()


if __name__ == "__main__":
    app.run(main)
