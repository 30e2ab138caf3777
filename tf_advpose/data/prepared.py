"""Prepared datasets: made once, as TFRecord shards with a description, and opened by name."""

import contextlib
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from tf_advpose.data.human36m.builder import Human36m
from tf_advpose.data.mpi_inf_3dhp.builder import MpiInf3dhp
from tf_advpose.data.mpii.builder import Mpii
from tf_advpose.data.synthetic_people import SyntheticPeople
from tf_advpose.locks import only_run

BUILDERS = {
    "human36m": Human36m,
    "mpii": Mpii,
    "mpi_inf_3dhp": MpiInf3dhp,
    "synthetic_people/lab": SyntheticPeople,
    "synthetic_people/wild": SyntheticPeople,
    "synthetic_people/everyday": SyntheticPeople,
    "synthetic_people/everyday_2d": SyntheticPeople,
    "synthetic_people/wild_3d": SyntheticPeople,
}
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LEFT_OVER = "incomplete.*"  # what TFDS calls a dataset until it is complete


def prepare(
    name: str, data_dir: str, beam: list[str] | None = None, **arguments
) -> tfds.core.DatasetBuilder:
    """Makes the dataset `name` in `data_dir`; it gets its final name once it is complete.

    What earlier runs have left behind, because they were killed, is removed.

    Args:
      name: a key of `BUILDERS`.
      data_dir: where prepared datasets lie; made if need be.
      beam: flags of an Apache Beam pipeline, which then makes the examples. None: this machine makes them.
      **arguments: of the builder.

    Returns:
      The builder, whose `info` describes what was made.

    Raises:
      FileExistsError: it is there already; nothing is changed.
      FileNotFoundError, ValueError, EOFError: the source is not as expected.
      OSError: the disk is full, or another run is making this dataset now.
    """
    check_absent(name, data_dir)
    # Its place is taken by this package's own, which know how far there is to go.
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    if beam is not None:
        from tf_advpose.data import beam_pipeline

        config.beam_options = beam_pipeline.options(beam)
    builder = BUILDERS[name](
        config=name.partition("/")[2] or None, data_dir=str(Path(data_dir).expanduser()), **arguments
    )
    folder = _folder(name, data_dir).parent
    folder.mkdir(parents=True, exist_ok=True)
    # TFDS announces downloads, on stdout and by making a folder, where there are none.
    with (
        only_run(folder),
        _told_of_full_disk(folder),
        tempfile.TemporaryDirectory() as unused,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for left_over in folder.glob(_LEFT_OVER):
            shutil.rmtree(left_over)
        builder.download_and_prepare(download_dir=unused, download_config=config)
    return builder


def check_absent(name: str, data_dir: str) -> None:
    """Raises FileExistsError if the dataset `name`, a key of `BUILDERS`, is already in `data_dir`."""
    folder = _folder(name, data_dir)
    if folder.exists():
        otherwise = " The other domain alone is made with --domain." if "/" in name else ""
        raise FileExistsError(
            f"{name} is already prepared in {folder}. Delete that folder to make it anew.{otherwise}"
        )


def prepare_people_once(data_dir: str, domains: Sequence[str] = ("lab", "wild"), **making: int) -> None:
    """Renders synthetic people from seed 0 on all cores, each domain unless it is there.

    Args:
      data_dir: where prepared datasets lie; made if need be.
      making: how many and how large, as `SyntheticPeople` takes it.

    Raises:
      ValueError: a domain is there, but made otherwise.
    """
    for name in (f"synthetic_people/{domain}" for domain in domains):
        try:
            metadata = open_builder(name, data_dir).info.metadata
        except FileNotFoundError:
            prepare(name, data_dir, seed=0, processes=os.cpu_count(), **making)
            continue
        wanted = {"seed": 0, "backgrounds": None, **making}
        found = {key: metadata.get(key) for key in wanted}
        if found != wanted:
            raise ValueError(
                f"Expected {name} in {_folder(name, data_dir)} made with {wanted}, got {found}. Choose "
                "another folder, or delete that one to have it made anew."
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
        others = ", ".join(sorted(path.name for path in folder.parent.glob("[0-9]*.*.*")))
        outdated = f" (what is there is of another version, {others})" if others else ""
        raise FileNotFoundError(
            f"{name} is not prepared in {folder}{outdated}. Run: python prepare.py {command} "
            f"--data_dir={data_dir}"
        )
    return tfds.builder_from_directory(folder)


def summary(builder: tfds.core.DatasetBuilder) -> str:
    """What a prepared dataset holds and what was left out of its source, a line each."""
    metadata = builder.info.metadata
    lines = [f"{builder.info.full_name} in {builder.data_dir} (layout: {metadata['layout']})"]
    lines += [f"  {split}: {info.num_examples} examples" for split, info in builder.info.splits.items()]
    for reason, count in sorted(metadata["skipped"].items()):
        lines.append(f"  left out: {reason}: {count}")
        lines += [f"    {where}" for where in metadata.get("skipped_first", {}).get(reason, [])]
    return "\n".join(lines)


def _folder(name: str, data_dir: str) -> Path:
    """Where the dataset `name` lies in `data_dir` once it is complete."""
    if name not in BUILDERS:
        raise ValueError(f"Unknown dataset {name!r}. Known: {', '.join(BUILDERS)}.")
    builder, domain = BUILDERS[name], name.partition("/")[2]
    versions = {config.name: config.version for config in builder.BUILDER_CONFIGS}
    return Path(data_dir).expanduser() / name / str(versions.get(domain) or builder.VERSION)


@contextlib.contextmanager
def _told_of_full_disk(folder: Path) -> Iterator[None]:
    """Turns all that becomes of a full disk in TensorFlow, TFDS and Beam into an OSError that says so."""
    try:
        yield
    except (OSError, RuntimeError, tf.errors.OpError) as error:
        if any(os.strerror(number) in str(error) for number in _DISK_FULL):
            raise OSError(
                f"The disk is full: nothing more fits in {folder}, and nothing is kept. Make room, or "
                "choose another --data_dir."
            ) from error
        raise
