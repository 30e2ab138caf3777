"""Exports as a SavedModel, in the folders that TensorFlow Serving reads: <output>/<name>/<version>/."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_advpose.deploy.serving import PoseEstimator
from tf_advpose.files import write_json

METADATA_FILE = "assets.extra/metadata.json"  # servers carry assets.extra along and leave it alone


def version_folder(output: str, name: str, version: int) -> pathlib.Path:
    """The folder of a version that is yet to be written.

    Raises:
      FileExistsError: there is such a version already; nothing is overwritten.
    """
    folder = pathlib.Path(output) / name / str(version)
    if folder.exists():
        raise FileExistsError(f"{folder} exists. Give another --version, or remove it.")
    return folder


@contextlib.contextmanager
def written_aside(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write into, which becomes `folder` when the block ends, and vanishes if it raises.

    Servers look at folders named by whole numbers alone, so they never load an unfinished version.
    """
    aside = folder.with_name(f"incomplete-{folder.name}-{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        yield aside
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write(generator: keras.Model, metadata: dict, folder: pathlib.Path) -> None:
    """Writes a SavedModel of a float32 `generator` into `folder`.

    Its signatures are those of `PoseEstimator`; `metadata` lies in it as `METADATA_FILE`.
    """
    estimator = PoseEstimator(generator)
    signatures = {
        "serving_default": estimator.serving_default,
        "from_crops_with_scale": estimator.from_crops_with_scale,
    }
    tf.saved_model.save(estimator, str(folder), signatures=signatures)
    metadata_path = folder / METADATA_FILE
    metadata_path.parent.mkdir()
    write_json(metadata_path, metadata)
