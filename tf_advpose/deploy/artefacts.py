"""From a finished run to its exports, checked against the Keras model before anyone can find them."""

import pathlib

import keras
import numpy as np

from tf_advpose.data import pipeline
from tf_advpose.deploy import parity, saved_model, tflite
from tf_advpose.deploy.serving import describe
from tf_advpose.files import write_json
from tf_advpose.training import work_folder

TFLITE_FILE = "pose_float32.tflite"
PARITY_FILE = "parity.json"
PARITY_EXAMPLES = 32


def export(
    work_dir: str,
    output: str,
    parity_data: str,
    *,
    parity_split: str = "test",
    data_dir: str = "data",
    version: int = 1,
    stage: str | None = None,
    parity_examples: int = PARITY_EXAMPLES,
) -> tuple[pathlib.Path, dict]:
    """Exports the generator of a run, named after its work folder.

    Args:
      work_dir: the run's work folder.
      output: folder of all exports.
      parity_data, parity_split, data_dir: a prepared split, whose crops the exports are compared on.
      version: whole number; a run may have several exports.
      stage: whose weights; None: the last finished one's.
      parity_examples: how many crops at most.

    Returns:
      The folder `<output>/<name of work_dir>/<version>`, which holds the SavedModel, `TFLITE_FILE` and
      `PARITY_FILE`; and what `PARITY_FILE` says, see `write`.

    Raises:
      FileNotFoundError: no run, the stage is not finished, or the dataset is not prepared.
      FileExistsError: there is such a version already.
      ValueError: the dataset or split is unknown, or an export deviates from the Keras model.
      In all cases no file of the export is left behind.
    """
    config = work_folder.open_run(work_dir)
    folder = saved_model.version_folder(output, pathlib.Path(work_dir).resolve().name, version)
    generator = work_folder.load_generator(work_dir, stage)
    stage = stage or work_folder.finished_stages(work_dir)[-1]
    metadata = describe(config, stage, work_folder.read_total_bone_length(work_dir))
    crops = read_crops(parity_data, parity_split, data_dir, config.generator.image_size, parity_examples)
    with saved_model.written_aside(folder) as aside:
        report = {"data": parity_data, "split": parity_split, **write(generator, metadata, crops, aside)}
        write_json(aside / PARITY_FILE, report)
    return folder, report


def read_crops(data: str, split: str, data_dir: str, image_size: int, count: int) -> np.ndarray:
    """The first `count` crops of a prepared split, fewer where it has fewer: [N, S, S, 3] uint8.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, or lacks the split.
    """
    batches, _ = pipeline.evaluation_batches(data, split, data_dir, image_size, batch_size=count)
    image = next(iter(batches))["image"].numpy()
    return np.rint(image * 255).astype(np.uint8)


def write(generator: keras.Model, metadata: dict, crops: np.ndarray, folder: pathlib.Path) -> dict:
    """Writes SavedModel and .tflite of a float32 `generator` into `folder` and compares them with it.

    Args:
      generator: as `build_generator` makes it.
      metadata: from `describe`.
      crops: [N, S, S, 3] uint8 to compare on.

    Returns:
      "examples": N; "joints": how many joints they have, and "undecided_joints": how many of them are
      left out of the comparison of joints_2d; "limits"; "differences": by artefact, from `parity`.

    Raises:
      ValueError: an artefact deviates from `generator`.
    """
    saved_model.write(generator, metadata, folder)
    (folder / TFLITE_FILE).write_bytes(tflite.convert(generator, metadata))
    reference, decided = parity.keras_outputs(generator, crops)
    outputs = {
        "saved_model": parity.saved_model_outputs(folder, crops),
        "tflite_float32": parity.tflite_outputs(folder / TFLITE_FILE, crops),
    }
    measured = {name: parity.differences(reference, decided, outputs[name]) for name in outputs}
    for name, differences in measured.items():
        parity.check(name, differences, parity.FLOAT32_LIMITS)
    return {
        "examples": len(crops),
        "joints": decided.size,
        "undecided_joints": int((~decided).sum()),
        "limits": parity.FLOAT32_LIMITS,
        "differences": measured,
    }
