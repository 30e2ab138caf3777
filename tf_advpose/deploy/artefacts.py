"""From a finished run to its exports, checked against the Keras model before anyone can find them."""

import pathlib

import keras
import numpy as np

from tf_advpose import work_folder
from tf_advpose.deploy import card, examples, outputs, parity, saved_model, scores, tflite
from tf_advpose.deploy.examples import Examples
from tf_advpose.deploy.metadata import describe
from tf_advpose.files import write_json

PARITY_FILE = "parity.json"
PARITY_TABLE_FILE = "parity.md"
PARITY_EXAMPLES = 500
CALIBRATION_EXAMPLES = 200


def tflite_file(number_format: str) -> str:
    """The name of a .tflite file in an export."""
    return f"pose_{number_format}.tflite"


def export(
    work_dir: str,
    output: str,
    parity_data: str,
    *,
    parity_split: str = "test",
    data_dir: str = "data",
    version: int = 1,
    stage: str | None = None,
    weights: str = "last",
    parity_examples: int = PARITY_EXAMPLES,
) -> tuple[pathlib.Path, dict]:
    """Exports the generator of a run, named after its work folder.

    Args:
      work_dir: the run's work folder.
      output: folder of all exports.
      parity_data, parity_split, data_dir: a prepared split, on whose examples the exports are compared.
        The ranges of int8 are measured on crops of its training split, if it has one.
      version: whole number; a run may have several exports.
      stage, weights: which weights, as `work_folder.load_generator` takes them.
      parity_examples: how many examples at most.

    Returns:
      The folder `<output>/<name of work_dir>/<version>`, which holds the SavedModel, a .tflite file for
      each of `tflite.FORMATS`, a model card, `PARITY_FILE` and `PARITY_TABLE_FILE`; and what `PARITY_FILE`
      says, see `write`.

    Raises:
      FileNotFoundError: no run, the stage is not finished, or the dataset is not prepared.
      FileExistsError: there is such a version already.
      ValueError: the dataset or split is unknown or damaged, or an export deviates from the Keras model.
      OSError: it cannot be written, as on a full disk.
      In all cases no file of the export is left behind.
    """
    config = work_folder.open_run(work_dir)
    folder = saved_model.version_folder(output, pathlib.Path(work_dir).resolve().name, version)
    generator = work_folder.load_generator(work_dir, stage, weights)
    stage = stage or work_folder.finished_stages(work_dir)[-1]
    metadata = describe(
        config,
        stage,
        work_folder.read_total_bone_length(work_dir),
        weights,
        work_folder.initial_hourglass(work_dir),
    )
    size = config.generator.image_size
    compared = examples.read(parity_data, parity_split, data_dir, size, parity_examples)
    split = examples.calibration_split(parity_data, data_dir, otherwise=parity_split)
    calibration = examples.read(parity_data, split, data_dir, size, CALIBRATION_EXAMPLES)
    with saved_model.written_aside(folder) as aside:
        report = write(generator, metadata, compared, calibration, aside)
    return folder, report


def write(
    generator: keras.Model,
    metadata: dict,
    compared: Examples,
    calibration: Examples,
    folder: pathlib.Path,
) -> dict:
    """Writes SavedModel, .tflite files, reports and card of a float32 `generator` into `folder`.

    Args:
      generator: as `build_generator` makes it.
      metadata: from `describe`.
      compared: examples to compare on.
      calibration: examples to measure the ranges of int8 on.

    Returns:
      "data", "split", "examples": what was compared on; "calibration": the same of `calibration`;
      "joints": how many joints there are; by artefact "undecided_joints", how many of them are left out
      where places are compared, "limits", by which it was judged, "differences" and "scores", see `parity`
      and `scores`.

    Raises:
      ValueError: an artefact deviates from `generator`; nothing is compared then.
    """
    saved_model.write(generator, metadata, folder)
    for number_format, content in tflite.convert(generator, metadata, calibration.crops).items():
        (folder / tflite_file(number_format)).write_bytes(content)
    report = {
        "data": compared.data,
        "split": compared.split,
        "examples": len(compared.crops),
        "calibration": {
            "data": calibration.data,
            "split": calibration.split,
            "examples": len(calibration.crops),
        },
        **_compare(generator, metadata["total_bone_length"], compared, folder),
    }
    write_json(folder / PARITY_FILE, report)
    (folder / PARITY_TABLE_FILE).write_text(card.parity_report(report))
    (folder / saved_model.CARD_FILE).write_text(card.model_card(metadata, report))
    return report


def _compare(
    generator: keras.Model, total_bone_length: float, compared: Examples, folder: pathlib.Path
) -> dict:
    """The part of the report that is measured; raises ValueError where an artefact deviates."""
    expected, lead = outputs.of_keras(generator, compared.crops)
    reference = compared.predictions(expected)
    scale = parity.mm_per_pixel(reference, total_bone_length)
    differences, changes, undecided, judging = {}, {}, {}, {}
    for artefact, limits in parity.LIMITS.items():
        if artefact == "saved_model":
            found = outputs.of_saved_model(folder, compared.crops)
        else:
            path = folder / tflite_file(artefact.removeprefix("tflite_"))
            found = outputs.of_tflite(path, compared.crops)
        exported = compared.predictions(found)
        decided = lead > parity.tie(artefact, expected["confidence"])
        undecided[artefact] = int(np.sum(~decided))
        measured = parity.differences(reference, decided, exported, scale)
        parity.check_outputs(artefact, measured, limits)
        change = scores.changes(reference, exported)
        judging[artefact] = parity.judging(limits, change)
        parity.check_scores(artefact, change, measured, judging[artefact])
        differences[artefact], changes[artefact] = measured, change
    return {
        "joints": lead.size,
        "undecided_joints": undecided,
        "limits": judging,
        "differences": differences,
        "scores": changes,
    }
