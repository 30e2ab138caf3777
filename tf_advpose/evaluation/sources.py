"""What makes predictions: the generator of a run, a SavedModel, a .tflite file."""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_advpose import work_folder
from tf_advpose.deploy import runtime
from tf_advpose.deploy.saved_model import METADATA_FILE
from tf_advpose.deploy.serving import read_out
from tf_advpose.evaluation.predictions import LABELS, Predictions, column
from tf_advpose.skeleton import JOINT_NAMES, mirror_order
from tf_advpose.startup import quiet_unless_it_fails

_PREDICTED = {
    "joints_2d": "predicted_joints_2d",
    "depth": "predicted_depth",
    "confidence": "confidence",
}

LABEL_IMAGE_SIZE = 256  # of crops that are read for their labels or photos alone

Outputs = dict[str, np.ndarray]  # joints_2d [B, P, 2] crop pixels, depth and confidence [B, P]


@dataclasses.dataclass(frozen=True)
class Model:
    """Something that finds joints in crops."""

    name: str
    image_size: int
    total_bone_length: float  # mm, mean of its training set
    predict: Callable[[tf.Tensor], Outputs]  # of image [B, S, S, 3] float32 in [0, 1]


def from_generator(generator: keras.Model, name: str, total_bone_length: float) -> Model:
    """A `Model` of a float32 generator, as `build_generator` makes it."""

    @tf.function(reduce_retracing=True)
    def predict(image):
        return read_out(generator(image, training=False))

    return Model(name, generator.input_shape[1], total_bone_length, predict)


def from_work_folder(work_dir: str, stage: str | None = None, weights: str = "last") -> Model:
    """The generator of a run, by `work_folder.load_generator`. Raises as that does."""
    generator = work_folder.load_generator(work_dir, stage, weights)
    stage = stage or work_folder.finished_stages(work_dir)[-1]
    name = f"{os.path.normpath(work_dir)} {stage}" + ("" if weights == "last" else f", {weights}")
    return from_generator(generator, name, work_folder.read_total_bone_length(work_dir))


def from_saved_model(folder: str) -> Model:
    """An exported SavedModel, the folder that holds saved_model.pb. Crops are rounded to uint8 for it.

    Raises:
      FileNotFoundError, ValueError: there is none, or a part of it is missing or damaged, or it was not
        exported by this project.
    """
    metadata_path = pathlib.Path(folder) / METADATA_FILE
    if not (pathlib.Path(folder) / "saved_model.pb").is_file():
        raise FileNotFoundError(f"{folder} holds no SavedModel: saved_model.pb not found.")
    if not metadata_path.is_file():
        raise ValueError(f"{folder} holds no {METADATA_FILE}: it was not exported by this project.")
    try:
        metadata = json.loads(metadata_path.read_text())
        loaded = tf.saved_model.load(folder)
    except (tf.errors.OpError, OSError, ValueError, IndexError) as error:  # the last where weights are cut
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"{folder} is not a whole SavedModel: {reason}. Copy or export it again."
        ) from None

    def predict(image):  # keeps `loaded`, whose signatures live no longer than it does
        return loaded.signatures["serving_default"](images=tf.cast(tf.round(image * 255.0), tf.uint8))

    return _exported(folder, metadata, predict)


def from_tflite(path: str) -> Model:
    """An exported .tflite file.

    Raises:
      FileNotFoundError, ValueError: there is none, or it was not exported by this project.
    """
    metadata = runtime.read_metadata(path)
    with quiet_unless_it_fails():  # it announces its delegate
        interpreter = Interpreter(model_path=path, num_threads=os.cpu_count())
        run = interpreter.get_signature_runner("serving_default")

    def predict(image):
        outputs = [run(image=one[None].numpy()) for one in image]
        return {name: np.concatenate([output[name] for output in outputs]) for name in _PREDICTED}

    return _exported(path, metadata, predict)


def open_models(
    work_dirs: list[str],
    stages: list[str],
    weights: list[str],
    saved_models: list[str],
    tflites: list[str],
) -> list[Model]:
    """The models of runs after each of the stages (none named: the last one finished), and exports."""
    models = [
        from_work_folder(*chosen) for chosen in itertools.product(work_dirs, stages or [None], weights)
    ]
    return [*models, *map(from_saved_model, saved_models), *map(from_tflite, tflites)]


def collect(model: Model, batches: Iterable[dict], mirror: bool = False) -> Predictions:
    """Runs `model` over finite labelled `batches` and keeps predictions and labels, no images.

    Args:
      batches: dictionaries of `image` and labels, as `pipeline.evaluation_batches` gives them.
      mirror: predict each crop and its mirror image, and take the mean of both read-outs.

    Raises:
      ValueError: there is no batch, or a prediction is not finite; names the example.
    """
    collected: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        outputs = _with_mirrored(model, batch["image"]) if mirror else model.predict(batch["image"])
        part = {ours: np.asarray(outputs[name]) for name, ours in _PREDICTED.items()}
        part |= {name: column(batch[name]) for name in LABELS}
        for name in _PREDICTED.values():
            finite = np.isfinite(part[name]).reshape(len(part[name]), -1).all(axis=1)
            if not finite.all():
                raise ValueError(
                    f"What {model.name} predicts for {part['example_id'][finite.argmin()]} is not finite: "
                    "its training has diverged. Evaluate an earlier stage."
                )
        for name, value in part.items():
            collected.setdefault(name, []).append(value)
    if not collected:
        raise ValueError("There is no example to evaluate: the split is empty.")
    return Predictions(
        crop_size=model.image_size,
        total_bone_length=model.total_bone_length,
        **{name: np.concatenate(values) for name, values in collected.items()},
    )


def labels_of(batches: Iterable[dict]) -> dict[str, np.ndarray]:
    """The labels alone that `collect` would keep, of other systems' predictions to be scored against."""
    parts = [{name: column(batch[name]) for name in LABELS} for batch in batches]
    return {name: np.concatenate([part[name] for part in parts]) for name in LABELS}


def crops_of(batches: Iterable[dict], names: list[str]) -> dict[str, np.ndarray]:
    """The crops of the examples with these `names`: {example_id: [S, S, 3] uint8}.

    Raises:
      ValueError: one of them is not in the split.
    """
    found = {}
    for batch in batches:
        for place, name in enumerate(column(batch["example_id"])):
            if name in names:
                found[name] = (255 * batch["image"][place].numpy()).round().astype(np.uint8)
    for name in names:
        if name not in found:
            raise ValueError(f"There is no photo of {name} in the split.")
    return found


def _exported(path: str, metadata: dict, predict: Callable) -> Model:
    if tuple(metadata["joint_names"]) != JOINT_NAMES:
        raise ValueError(
            f"{path} finds the joints {', '.join(metadata['joint_names'])}; expected are "
            f"{', '.join(JOINT_NAMES)}."
        )
    return Model(path, metadata["image_size"], metadata["total_bone_length"], predict)


def _with_mirrored(model: Model, image: tf.Tensor) -> Outputs:
    outputs = {name: np.asarray(value) for name, value in model.predict(image).items()}
    mirrored = {
        name: np.asarray(value)[:, mirror_order()]
        for name, value in model.predict(tf.reverse(image, axis=[2])).items()
    }
    x = model.image_size - mirrored["joints_2d"][..., 0]
    mirrored["joints_2d"] = np.stack([x, mirrored["joints_2d"][..., 1]], axis=-1)
    return {name: (outputs[name] + mirrored[name]) / 2 for name in _PREDICTED}
