"""Weights of the 2D module from elsewhere, in place of the stage `pretrain_2d`."""

import os
import pathlib

import keras

from tf_advpose import work_folder
from tf_advpose.config import STAGES
from tf_advpose.files import is_fresh, write_json
from tf_advpose.models import load_pytorch_hourglass
from tf_advpose.models.generator import hourglass_layers
from tf_advpose.training import initial_weights


def load(generator: keras.Model, source: str) -> None:
    """Sets the weights of the hourglass in `generator`; its depth module stays as it is.

    Args:
      source: a public PyTorch checkpoint, or the work folder of a run, of which the last finished stage
        is taken.

    Raises:
      ImportError: PyTorch is needed, and not installed.
      FileNotFoundError, ValueError: nothing to load there, or it does not fit, with the layers named; no
        weight is changed.
    """
    if not os.path.isdir(source):
        load_pytorch_hourglass(generator, source)
        return
    other = work_folder.load_generator(source)
    initial_weights.copy(hourglass_layers(other), hourglass_layers(generator), f"The hourglass of {source}")


def is_taken(work_dir: str, source: str) -> bool:
    """Whether the run in `work_dir` has already started from `source`.

    Raises:
      FileExistsError: it has started otherwise.
    """
    folder = pathlib.Path(work_dir) / STAGES[0]
    if is_fresh(folder):
        return False
    theirs = work_folder.initial_hourglass(work_dir)
    if theirs != source:
        began = f"from {theirs}" if theirs else "without an initial hourglass"
        raise FileExistsError(f"The run in {work_dir} started {began}. Give another --work_dir.")
    return work_folder.weights_path(work_dir, STAGES[0], "generator").is_file()


def keep(work_dir: str, generator: keras.Model, source: str) -> None:
    """Makes `generator`, as loaded from `source`, the outcome of the stage that is left out."""
    path = work_folder.weights_path(work_dir, STAGES[0], "generator")
    write_json(path.with_name(work_folder.HOURGLASS_FILE), {"source": source})
    work_folder.save_weights(generator, path)
