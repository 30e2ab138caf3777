"""What the Keras model and its exports make of the same crops."""

import contextlib
import os
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_advpose.deploy.serving import read_out, to_image
from tf_advpose.startup import quiet_unless_it_fails

NAMES = ("joints_2d", "depth", "confidence")
BATCH_SIZE = 16  # crops that go through a model at a time

Outputs = dict[str, np.ndarray]  # those of `read_out`, for N crops


def of_keras(generator: keras.Model, crops: np.ndarray) -> tuple[Outputs, np.ndarray]:
    """What `generator` makes of `crops` [N, S, S, 3] uint8.

    Returns:
      Its outputs, and [N, P]: by how much the highest heatmap cell of each joint, which `decode` chooses,
      stands out.
    """

    @tf.function(reduce_retracing=True)
    def run(images):
        outputs = generator(to_image(images), training=False)
        return read_out(outputs), outputs["heatmaps"][-1]

    parts, leads = [], []
    for batch in _batches(crops):
        with _true_float32():
            outputs, heatmaps = run(batch)
        parts.append(outputs)
        cells = np.reshape(heatmaps, [len(batch), -1, heatmaps.shape[-1]])  # [B, H*W, P]
        next_highest, highest = np.moveaxis(np.partition(cells, -2, axis=1)[:, -2:], 1, 0)
        leads.append(highest - next_highest)
    return _joined(parts), np.concatenate(leads)


def of_saved_model(folder: str | os.PathLike, crops: np.ndarray) -> Outputs:
    """What the SavedModel in `folder` makes of `crops` [N, S, S, 3] uint8."""
    loaded = tf.saved_model.load(str(folder))  # its signatures live no longer than this reference
    serve = loaded.signatures["serving_default"]
    with _true_float32():
        return _joined([serve(images=tf.constant(batch)) for batch in _batches(crops)])


def of_tflite(path: str | os.PathLike, crops: np.ndarray) -> Outputs:
    """What the .tflite file at `path` makes of `crops` [N, S, S, 3] uint8."""
    with quiet_unless_it_fails():  # it announces its delegate
        interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
        run = interpreter.get_signature_runner("serving_default")
        return _joined([run(image=to_image(crop[None]).numpy()) for crop in crops])


@contextlib.contextmanager
def _true_float32() -> Iterator[None]:
    """Keeps GPUs from rounding the factors of float32 products to 10 bits, as TensorFlow lets them."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def _batches(crops: np.ndarray) -> list[np.ndarray]:
    return [crops[start : start + BATCH_SIZE] for start in range(0, len(crops), BATCH_SIZE)]


def _joined(parts: list[dict]) -> Outputs:
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in NAMES}
