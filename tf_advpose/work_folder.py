"""What a run leaves on disk, and how to open it again.

A work folder holds
  config.json                      the run's configuration; locked while a process trains here
  training_set.json                "total_bone_length": mean over the lab training set, mm
  <stage>/generator.weights.h5     of each finished stage; <stage>/discriminator.weights.h5 likewise
  <stage>/checkpoints/             to go on from, while a stage is unfinished
  pretrain_2d/initial_hourglass.json          "source": whose weights took the place of this stage's
  <stage>/metrics.jsonl, events.*  one line per logged step, and the same for TensorBoard
  <stage>/generator_average.weights.h5        with `average_decay`: the moving averages at its end
  <stage>/generator_best.weights.h5, best.json, validation.jsonl    with `validate_on`: the best so far, the
                                   step it is of, and all scores
Files appear under these names only when they are complete.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil

import keras
import numpy as np

from tf_advpose import config as configuration
from tf_advpose.config import STAGES, Config
from tf_advpose.files import is_fresh, write_json, written_aside
from tf_advpose.models import build_discriminator, build_generator

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"  # folder of a stage
TRAINING_SET_FILE = "training_set.json"
HOURGLASS_FILE = "initial_hourglass.json"
METRICS_FILE = "metrics.jsonl"
VALIDATION_FILE = "validation.jsonl"
GENERATOR_WEIGHTS = {"last": "generator", "average": "generator_average", "best": "generator_best"}


def create(work_dir: str, config: Config, total_bone_length: float) -> None:
    """Starts a work folder, or reopens one of the same configuration to go on.

    Raises:
      FileExistsError: the folder holds another run, or something else.
    """
    check_same_run(work_dir, config)
    folder = pathlib.Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    training_set = {"lab": config.lab, "total_bone_length": total_bone_length}
    for name, values in ((CONFIG_FILE, dataclasses.asdict(config)), (TRAINING_SET_FILE, training_set)):
        # A run killed between the two has but the first.
        if not (folder / name).exists():
            write_json(folder / name, values)


def check_same_run(work_dir: str, config: Config) -> None:
    """Raises FileExistsError where `work_dir` holds anything but a run of this very configuration."""
    folder = pathlib.Path(work_dir)
    if is_fresh(folder):
        return
    if not (folder / CONFIG_FILE).exists():
        raise FileExistsError(f"{work_dir} is not empty and holds no run. Give another --work_dir.")
    theirs, ours = dataclasses.asdict(open_run(work_dir)), dataclasses.asdict(config)
    different = [name for name in ours if ours[name] != theirs[name]]
    if different:
        raise FileExistsError(
            f"{work_dir} already holds another run; its {', '.join(different)} differ. "
            "Give another --work_dir, or the same settings to go on."
        )


def open_run(work_dir: str) -> Config:
    """The configuration of the run in `work_dir`.

    Raises:
      FileNotFoundError, ValueError: no run there, or a damaged one.
    """
    path = _file_of_run(work_dir, CONFIG_FILE)
    try:
        return configuration.from_dict(json.loads(path.read_text()))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a run's configuration: {error}") from None


def read_total_bone_length(work_dir: str) -> float:
    """Mean summed bone length of the run's lab training set, mm.

    Raises:
      FileNotFoundError, ValueError: no run there, or a damaged one.
    """
    path = _file_of_run(work_dir, TRAINING_SET_FILE)
    try:
        return float(json.loads(path.read_text())["total_bone_length"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no 'total_bone_length': {error}") from None


def _file_of_run(work_dir: str, name: str) -> pathlib.Path:
    """The path of a file that every run has; raises FileNotFoundError where there is none."""
    path = pathlib.Path(work_dir) / name
    if not path.is_file():
        raise FileNotFoundError(f"{work_dir} holds no run: {name} not found.")
    return path


def read_metrics(
    work_dir: str | os.PathLike, stage: str, file: str = METRICS_FILE
) -> dict[str, np.ndarray]:
    """What was logged of a stage: each metric, and "step", as an array over the logged steps.

    Nothing where no step is logged yet.
    """
    # Behind the last newline is half a line, of a training that goes on, or nothing.
    lines = (pathlib.Path(work_dir) / stage / file).read_text().split("\n")[:-1]
    logged = [json.loads(line) for line in lines]
    return {name: np.array([entry[name] for entry in logged]) for name in (logged[0] if logged else ())}


def new_generator(config: Config) -> keras.Model:
    """The generator of a configuration, with new weights."""
    return build_generator(**dataclasses.asdict(config.generator))


def new_discriminator(config: Config) -> keras.Model:
    """The discriminator of a configuration, with new weights."""
    settings = dataclasses.asdict(config.discriminator)
    settings.pop("redraw_heatmaps")
    return build_discriminator(**settings, image_size=config.generator.image_size)


def finished_stages(work_dir: str) -> list[str]:
    """The stages whose final weights are there, in their order."""
    return [stage for stage in STAGES if weights_path(work_dir, stage, "generator").is_file()]


def has_begun(work_dir: str) -> bool:
    """Whether a run has weights of its own there, of a finished stage or a checkpoint."""
    folders = [pathlib.Path(work_dir) / stage / CHECKPOINTS for stage in STAGES]
    return bool(finished_stages(work_dir)) or any(map(kept_checkpoints, folders))


def stages_in_common(config: Config, other: str) -> list[str]:
    """The leading stages that `other` has finished under the very settings of `config`.

    Stages that both leave out, which have no steps, are passed over.

    Raises:
      FileNotFoundError, ValueError: `other` holds no run, or its first stage is none of them.
    """
    ours, theirs = dataclasses.asdict(config), dataclasses.asdict(open_run(other))
    # What the last stage does, and what is logged, is no matter to the earlier ones.
    free = {"preset", "discriminator", "lambda_adversarial", "discriminator_learning_rate", *STAGES}
    free |= {"freeze_hourglass", "log_every", "checkpoint_every"}
    free |= {"validate_on", "validate_every", "best_by"}
    different = [name for name in ours if name not in free and ours[name] != theirs[name]]
    if different:
        raise ValueError(f"No stage of {other} can be taken over: its {', '.join(different)} differ.")
    common = []
    pretraining = [stage for stage in STAGES[:-1] if ours[stage]["steps"] or theirs[stage]["steps"]]
    for stage in pretraining:
        needed = {stage} if stage == STAGES[0] else {stage, "freeze_hourglass"}
        finished = weights_path(other, stage, "generator").is_file()
        if not finished or any(ours[name] != theirs[name] for name in needed):
            break
        common.append(stage)
    if not common:
        first = pretraining[0] if pretraining else STAGES[0]
        raise ValueError(f"{other} has not finished {first} under the same settings.")
    return common


def take_over_stages(work_dir: str, other: str) -> list[str]:
    """Copies the `stages_in_common` of `other`, those aside that `work_dir` has finished itself.

    The run in `work_dir` then starts behind them, with the weights that it would have trained itself.

    Returns:
      The names of the stages taken over.

    Raises:
      FileNotFoundError, ValueError: as `stages_in_common`.
    """
    stages = stages_in_common(open_run(work_dir), other)
    for stage in stages:
        target = weights_path(work_dir, stage, "generator")
        if not target.exists():
            if stage == STAGES[0] and (source := initial_hourglass(other)):
                write_json(target.with_name(HOURGLASS_FILE), {"source": source})
            with written_aside(target) as aside:
                shutil.copyfile(weights_path(other, stage, "generator"), aside)
    return stages


def initial_hourglass(work_dir: str) -> str | None:
    """What took the place of the first stage: a checkpoint or a work folder. None: nothing did."""
    path = pathlib.Path(work_dir) / STAGES[0] / HOURGLASS_FILE
    return json.loads(path.read_text())["source"] if path.exists() else None


def load_generator(work_dir: str, stage: str | None = None, weights: str = "last") -> keras.Model:
    """The generator as it was after `stage`, or after the last finished stage, in float32.

    `weights`: "last"; "average", their moving average, or "best", those that validated best, if kept.

    Raises:
      FileNotFoundError: no run, the stage is not finished, or such weights were not kept.
      ValueError: the weights are those of another architecture.
    """
    config = open_run(work_dir)
    finished = finished_stages(work_dir)
    if not finished or (stage is not None and stage not in finished):
        wanted = f"stage {stage!r}" if stage else "any stage"
        there = ", ".join(finished) or "none"
        raise FileNotFoundError(f"{work_dir} has no weights of {wanted}. Finished stages: {there}.")
    if weights not in GENERATOR_WEIGHTS:
        raise ValueError(f"weights must be one of {', '.join(GENERATOR_WEIGHTS)}, got {weights!r}.")
    path = weights_path(work_dir, stage or finished[-1], GENERATOR_WEIGHTS[weights])
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} was not kept: average weights are kept with --config.average_decay, best ones with "
            "--config.validate_on."
        )
    generator = new_generator(config)
    load_weights(generator, path)
    return generator


def load_discriminator(work_dir: str) -> keras.Model:
    """The discriminator of a finished run, in float32.

    Raises:
      FileNotFoundError, ValueError: no run, or it is not finished, or had none of its architecture.
    """
    discriminator = new_discriminator(open_run(work_dir))
    load_weights(discriminator, weights_path(work_dir, STAGES[-1], "discriminator"))
    return discriminator


def weights_path(work_dir: str, stage: str, player: str) -> pathlib.Path:
    """Where the weights of a player are after a stage.

    Args:
      player: "generator" or "discriminator", as they were in the end; "generator_average", the moving
        average of its weights; "generator_best", the weights that validated best.
    """
    return pathlib.Path(work_dir) / stage / f"{player}.weights.h5"


def kept_checkpoints(folder: pathlib.Path) -> list[int]:
    """The steps of the checkpoints in `folder`, the newest first."""
    names = (re.fullmatch(r"ckpt-(\d+)\.index", path.name) for path in folder.glob("ckpt-*"))
    return sorted((int(name[1]) for name in names if name), reverse=True)


def checkpoint_path(folder: pathlib.Path, step: int) -> pathlib.Path:
    """Where the checkpoint of a step lies, as `tf.train.Checkpoint` names it."""
    return folder / f"ckpt-{step}"


def load_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Loads a weights file.

    Raises:
      FileNotFoundError: no such file.
      ValueError: it is damaged, or of another architecture.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"Weights not found: {path}")
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} does not fit the {model.name} of this run's configuration: {reason}"
        ) from None


def save_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a weights file aside, then renames it."""
    with written_aside(path) as aside:
        model.save_weights(aside)
