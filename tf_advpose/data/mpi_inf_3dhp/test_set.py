"""The official test set of MPI-INF-3DHP: TS1 to TS6, with annot_data.mat and photos."""

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_advpose.data.columns import read_columns
from tf_advpose.data.mpi_inf_3dhp import examples
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_17, ROOT, from_dataset

PATTERN = "TS[1-6]/annot_data.mat"
SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
# Focal lengths and centre in pixels. The release names no intrinsics: these fit its 2D to its 3D joints.
INTRINSICS = {
    "TS1": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS2": (1503.8, 1501.3, 1015.2, 1038.7),
    "TS3": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS4": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS5": (1683.5, 1671.9, 939.9, 560.2),
    "TS6": (1684.0, 1672.7, 939.8, 560.1),
}
ACTIVITIES = (
    "Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching", "On the Floor", "Sports",
    "Miscellaneous",
)  # fmt: skip


def read_test_set(source: Path, skipped: collections.Counter) -> Iterator[dict]:
    """Reads the folder `source` of TS1 to TS6; sequences that are not there are counted in `skipped`.

    Raises:
      ValueError: an annot_data.mat is of another form, or its 2D and 3D joints disagree.
    """
    for sequence in SEQUENCES:
        path = source / sequence / "annot_data.mat"
        if not path.is_file():
            skipped[f"sequence {sequence} is not there"] += 1
            continue
        pixels, joints, universal, valid, activities = _load_mat(path)
        skipped["frames marked invalid"] += int(np.sum(~valid))
        intrinsics = np.array([*INTRINSICS[sequence], *np.zeros(5)])
        rows = np.flatnonzero(valid)
        labels = examples.people(pixels[rows], joints[rows], intrinsics, FROM_MPI_INF_3DHP_17, path)
        universal = from_dataset(universal[rows], FROM_MPI_INF_3DHP_17)
        universal -= universal[:, ROOT, None]
        for row, person, pose in zip(rows.tolist(), labels, universal, strict=True):
            yield {
                "image": path.parent / f"imageSequence/img_{row + 1:06d}.jpg",
                **person,
                "joints_3d_universal": pose,
                "example_id": f"{sequence}_{row + 1:06d}",
                "subject": sequence,
                "action": ACTIVITIES[activities[row] - 1],
                "sequence": sequence,
            }


def _load_mat(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """annot2 [N, 17, 2], annot3 and univ_annot3 [N, 17, 3], valid_frame [N], activity_annotation [N]."""
    shapes = {
        "valid_frame": (1,),
        "annot2": (1, 17, 2),
        "annot3": (1, 17, 3),
        "univ_annot3": (1, 17, 3),
        "activity_annotation": (1,),
    }
    arrays = read_columns(path, shapes, "a MATLAB 7.3 file")
    valid = arrays["valid_frame"][:, 0] == 1
    activities = arrays["activity_annotation"][:, 0].astype(int)
    if not np.isin(activities[valid], range(1, len(ACTIVITIES) + 1)).all():
        raise ValueError(f"{path}: activity_annotation of valid frames must be 1 to {len(ACTIVITIES)}.")
    pixels, joints, universal = (arrays[key][:, 0] for key in ("annot2", "annot3", "univ_annot3"))
    return pixels, joints, universal, valid, activities
