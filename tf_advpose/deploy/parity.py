"""Does an export compute what the Keras model computes? Measured on crops, output by output."""

import contextlib
import os
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_advpose.deploy.serving import read_out, to_image

UNITS = {"joints_2d": "px", "depth": "half-crops", "confidence": "peak"}
# What rounding explains: other kernels, batch norm folded into convolutions. Measured are some 1e-4.
FLOAT32_LIMITS = {"joints_2d": 0.05, "depth": 1e-3, "confidence": 1e-3}
# `decode` chooses the highest cell; where the next is as high but for this, rounding may choose either.
TIE = 1e-4
BATCH_SIZE = 16  # crops that go through a model at a time

Outputs = dict[str, np.ndarray]  # those of `read_out`, for N crops


def keras_outputs(generator: keras.Model, crops: np.ndarray) -> tuple[Outputs, np.ndarray]:
    """What `generator` makes of `crops` [N, S, S, 3] uint8.

    Returns:
      Its outputs, and [N, P] bool: the joints whose highest cell stands out by more than `TIE`. The others'
      place is a matter of rounding.
    """

    @tf.function(reduce_retracing=True)
    def run(images):
        outputs = generator(to_image(images), training=False)
        return read_out(outputs), outputs["heatmaps"][-1]

    parts, decided = [], []
    for batch in _batches(crops):
        with _true_float32():
            outputs, heatmaps = run(batch)
        parts.append(outputs)
        cells = np.reshape(heatmaps, [len(batch), -1, heatmaps.shape[-1]])  # [B, H*W, P]
        next_highest, highest = np.moveaxis(np.partition(cells, -2, axis=1)[:, -2:], 1, 0)
        decided.append(highest - next_highest > TIE)
    return _joined(parts), np.concatenate(decided)


def saved_model_outputs(folder: str | os.PathLike, crops: np.ndarray) -> Outputs:
    """What the SavedModel in `folder` makes of `crops` [N, S, S, 3] uint8."""
    loaded = tf.saved_model.load(str(folder))  # its signatures live no longer than this reference
    serve = loaded.signatures["serving_default"]
    with _true_float32():
        return _joined([serve(images=tf.constant(batch)) for batch in _batches(crops)])


def tflite_outputs(path: str | os.PathLike, crops: np.ndarray) -> Outputs:
    """What the .tflite file at `path` makes of `crops` [N, S, S, 3] uint8."""
    interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    run = interpreter.get_signature_runner("serving_default")
    return _joined([run(image=to_image(crop[None]).numpy()) for crop in crops])


def differences(reference: Outputs, decided: np.ndarray, outputs: Outputs) -> dict[str, dict[str, float]]:
    """How far `outputs` are from `reference`.

    Args:
      reference, decided: from `keras_outputs`.
      outputs: an export's, of the same crops.

    Returns:
      For each output its "largest" and its "mean" difference, in `UNITS`; those of joints_2d among
      `decided` joints.

    Raises:
      ValueError: no joint is decided, so there is nothing to compare.
    """
    if not decided.any():
        raise ValueError(
            "The generator's heatmaps are flat, or not numbers, on all crops, so no export can be checked. "
            "Train it longer, or export an earlier stage."
        )
    result = {}
    for name in UNITS:
        difference = np.abs(outputs[name] - reference[name])
        if name == "joints_2d":
            difference = difference[decided]
        result[name] = {"largest": float(difference.max()), "mean": float(difference.mean())}
    return result


def check(artefact: str, measured: dict[str, dict[str, float]], limits: dict[str, float]) -> None:
    """Raises ValueError where a largest difference of `measured` is beyond `limits`; names the output."""
    for name, limit in limits.items():
        largest = measured[name]["largest"]
        if not largest <= limit:  # also where it is not a number
            raise ValueError(
                f"{artefact} deviates from the Keras model: {name} by up to {largest:.3g} {UNITS[name]}, "
                f"allowed are {limit:.3g}. It was not exported."
            )


def table(measured: dict[str, dict[str, dict[str, float]]], limits: dict[str, float]) -> str:
    """The differences of several artefacts, largest and mean, a line each."""
    rows = [("", *(f"{name} ({unit})" for name, unit in UNITS.items()))]
    for artefact, outputs in measured.items():
        cells = (f"{outputs[name]['largest']:.1e} (mean {outputs[name]['mean']:.1e})" for name in UNITS)
        rows.append((artefact, *cells))
    rows.append(("limit", *(f"{limits[name]:.1e}" for name in UNITS)))
    return "\n".join("  ".join([row[0].ljust(18), *(cell.rjust(24) for cell in row[1:])]) for row in rows)


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
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in UNITS}
