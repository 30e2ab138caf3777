"""Exports as a SavedModel, in the folders that TensorFlow Serving reads: <output>/<name>/<version>/."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_advpose.deploy.serving import PoseEstimator
from tf_advpose.training.work_folder import write_json

METADATA_FILE = "assets.extra/metadata.json"  # servers carry assets.extra along and leave it alone


@contextlib.contextmanager
def new_version(output: str, name: str, version: int) -> Iterator[pathlib.Path]:
    """Gives a folder to write into, which becomes `<output>/<name>/<version>` when the block ends.

    Where the block raises, nothing of it is left. Servers look at whole numbers alone, so they never see an
    unfinished version.

    Raises:
      FileExistsError: there is such a version already; nothing is overwritten.
    """
    final = pathlib.Path(output) / name / str(version)
    if final.exists():
        raise FileExistsError(f"{final} exists. Give another --version, or remove it.")
    aside = final.with_name(f"incomplete-{version}-{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        yield aside
        os.replace(aside, final)
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
