"""Exports as a SavedModel, in the folders that TensorFlow Serving reads: <output>/<name>/<version>/."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_advpose.deploy import warmup
from tf_advpose.deploy.serving import PoseEstimator
from tf_advpose.errors import reason_of
from tf_advpose.files import write_json

METADATA_FILE = "assets.extra/metadata.json"  # servers carry assets.extra along and leave it alone
CARD_FILE = "assets.extra/model_card.md"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"  # TensorFlow Serving's own name for it


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
    made = [parent for parent in aside.parents if not parent.exists()]
    try:
        aside.mkdir(parents=True)
        yield aside
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in made:  # those that hold nothing; another export may have come into them
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextlib.contextmanager
def write_errors_told() -> Iterator[None]:
    """Within it what TensorFlow cannot write, as on a full disk, is an OSError that says so."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"The export could not be written: {reason_of(error.message)}") from None


@write_errors_told()
def write(generator: keras.Model, metadata: dict, folder: pathlib.Path) -> None:
    """Writes a SavedModel of a float32 `generator` into `folder`.

    Its signatures are those of `PoseEstimator`; `metadata` lies in it as `METADATA_FILE`, and an example
    request to each signature, which servers replay before they answer anybody, as `WARMUP_FILE`.

    Raises:
      OSError: it cannot be written.
    """
    estimator = PoseEstimator(generator, metadata)
    signatures = {
        name: getattr(estimator, name) for name in ("serving_default", "from_crops_with_scale", "from_jpeg")
    }
    tf.saved_model.save(estimator, str(folder), signatures=signatures)
    write_json(folder / METADATA_FILE, metadata)
    with tf.io.TFRecordWriter(str(folder / WARMUP_FILE)) as writer:
        for record in warmup.records(metadata["image_size"]):
            writer.write(record)
