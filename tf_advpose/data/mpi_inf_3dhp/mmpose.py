"""MPI-INF-3DHP as MMPose's preprocess_mpi_inf_3dhp.py leaves it: .npz labels, cameras, extracted photos."""

import collections
from collections.abc import Iterator
from pathlib import Path

from tf_advpose.data import mmpose
from tf_advpose.data.mpi_inf_3dhp import examples
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_17

_FILES = {
    "test": ("mpi_inf_3dhp_test_valid.npz", "mpi_inf_3dhp_test.npz"),
    "train": ("mpi_inf_3dhp_train.npz",),
}
PATTERNS = (*_FILES["test"], *_FILES["train"])


def read_mmpose(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads MMPose's layout: .npz labels and cameras_<split>.pkl, photos there or in ../images.

    Nothing is left out, so `skipped` stays as it is. Activities are not part of the layout.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or 2D and 3D disagree.
    """
    path = next((source / file for file in _FILES[split] if (source / file).is_file()), None)
    if path is None:
        return
    images = source.parent / "images" if source.name == "annotations" else source
    cameras = mmpose.read_cameras(source / f"cameras_{split}.pkl")
    names, pixels, joints = mmpose.read_labels(path)
    sequences = [name.rpartition("_")[0] for name in names]
    rows = collections.defaultdict(list)
    for row, sequence in enumerate(sequences):
        rows[sequence].append(row)
    for sequence, own in rows.items():
        if sequence not in cameras:
            raise ValueError(f"{path}: cameras_{split}.pkl has no camera {sequence!r} of {names[own[0]]}.")
        examples.check(pixels[own], joints[own], cameras[sequence], f"{path}, {sequence}")
    for row, (name, sequence) in enumerate(zip(names, sequences, strict=True)):
        (person,) = examples.labels(
            pixels[row, None], joints[row, None], cameras[sequence], FROM_MPI_INF_3DHP_17
        )
        yield {
            "image": images / name,
            **person,
            "example_id": Path(name).stem,
            "subject": sequence.partition("_")[0],
            "sequence": sequence,
        }
