"""Prepared datasets: made once, as TFRecord shards with a description, and opened by name."""

import contextlib
import io
import tempfile
from pathlib import Path

import tensorflow_datasets as tfds

from tf_advpose.data.human36m import Human36m
from tf_advpose.data.mpi_inf_3dhp import MpiInf3dhp
from tf_advpose.data.mpii import Mpii
from tf_advpose.data.synthetic_people import SyntheticPeople

BUILDERS = {
    "human36m": Human36m,
    "mpii": Mpii,
    "mpi_inf_3dhp": MpiInf3dhp,
    "synthetic_people/lab": SyntheticPeople,
    "synthetic_people/wild": SyntheticPeople,
}


def prepare(name: str, data_dir: str, **arguments) -> tfds.core.DatasetBuilder:
    """Makes the dataset `name` in `data_dir`; it gets its final name once it is complete.

    Args:
      name: a key of `BUILDERS`.
      data_dir: where prepared datasets lie; made if need be.
      **arguments: of the builder: `source` and `skip_missing` for datasets of photos, what is to be made
        for synthetic people.

    Returns:
      The builder, whose `info` describes what was made.

    Raises:
      FileExistsError: it is there already; nothing is changed.
      FileNotFoundError, ValueError: the source is not as expected.
    """
    check_absent(name, data_dir)
    # Its place is taken by this package's own, which know how far there is to go.
    tfds.disable_progress_bar()
    builder = BUILDERS[name](
        config=name.partition("/")[2] or None, data_dir=str(Path(data_dir).expanduser()), **arguments
    )
    # TFDS announces downloads, on stdout and by making a folder, where there are none.
    with tempfile.TemporaryDirectory() as unused, contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare(
            download_dir=unused, download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
    return builder


def check_absent(name: str, data_dir: str) -> None:
    """Raises FileExistsError if the dataset `name`, a key of `BUILDERS`, is already in `data_dir`."""
    folder = _folder(name, data_dir)
    if folder.exists():
        otherwise = " The other domain alone is made with --domain." if "/" in name else ""
        raise FileExistsError(
            f"{name} is already prepared in {folder}. Delete that folder to make it anew.{otherwise}"
        )


def open_builder(name: str, data_dir: str) -> tfds.core.DatasetBuilder:
    """Opens the prepared dataset `name`, a key of `BUILDERS`, in `data_dir`.

    Raises:
      ValueError: the name is unknown.
      FileNotFoundError: the dataset is not prepared; says which command prepares it.
    """
    folder = _folder(name, data_dir)
    if not folder.is_dir():
        dataset, _, domain = name.partition("/")
        command = f"people --domain={domain}" if domain else f"{dataset} --source=..."
        raise FileNotFoundError(
            f"{name} is not prepared in {folder}. Run: python prepare.py {command} --data_dir={data_dir}"
        )
    return tfds.builder_from_directory(folder)


def summary(builder: tfds.core.DatasetBuilder) -> str:
    """What a prepared dataset holds and what was left out of its source, a line each."""
    metadata = builder.info.metadata
    lines = [f"{builder.info.full_name} in {builder.data_dir} (layout: {metadata['layout']})"]
    lines += [f"  {split}: {info.num_examples} examples" for split, info in builder.info.splits.items()]
    lines += [f"  left out: {reason}: {count}" for reason, count in metadata["skipped"].items()]
    left_over = Path(builder.data_dir).parent.glob("incomplete.*")
    lines += [f"  of an interrupted run, may be deleted: {path}" for path in sorted(left_over)]
    return "\n".join(lines)


def _folder(name: str, data_dir: str) -> Path:
    """Where the dataset `name` lies in `data_dir` once it is complete."""
    if name not in BUILDERS:
        raise ValueError(f"Unknown dataset {name!r}. Known: {', '.join(BUILDERS)}.")
    return Path(data_dir).expanduser() / name / str(BUILDERS[name].VERSION)
