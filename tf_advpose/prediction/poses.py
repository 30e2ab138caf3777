"""The poses found, as records of one size, kept in a file while they grow."""

import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_advpose.deploy.runtime import Pose
from tf_advpose.files import ASIDE_PREFIX
from tf_advpose.skeleton import NUM_JOINTS, ROOT

RECORD = np.dtype(
    [
        ("source", np.int32),  # its place among the inputs
        ("frame", np.int32),  # of a video, from 0; of a photo, 0
        ("person", np.int32),  # in the picture, from 0
        ("box", np.float32, 4),  # (x, y, width, height), picture pixels
        ("box_given", np.bool_),  # False: found, see `PosePredictor.predict`
        ("joints_2d", np.float32, (NUM_JOINTS, 2)),  # picture pixels
        ("confidence", np.float32, NUM_JOINTS),
        ("joints_3d", np.float32, (NUM_JOINTS, 3)),  # mm, camera frame, relative to the root
        ("joints_3d_absolute", np.float32, (NUM_JOINTS, 3)),  # mm, camera frame
    ]
)
_AT_A_TIME = 1024


def record(
    pose: Pose, absolute: np.ndarray, *, source: int, frame: int, person: int, box_given: bool
) -> np.ndarray:
    """One pose as a record: [1] `RECORD`; `absolute` is its `joints_3d_absolute`.

    Raises:
      ValueError: it is not finite.
    """
    if not all(np.isfinite(part).all() for part in (pose.joints_2d, pose.joints_3d, absolute)):
        raise ValueError("What the model predicts is not finite: its training has diverged.")
    values = (source, frame, person, pose.box, box_given, pose.joints_2d, pose.confidence, pose.joints_3d)
    return np.array([(*values, absolute)], RECORD)


class Spool:
    """Records in a file of an output folder, which is there until `close`."""

    def __init__(self, folder: str | os.PathLike):
        self._path = pathlib.Path(folder) / f"{ASIDE_PREFIX}poses.bin"
        self._file = self._path.open("wb")

    def append(self, records: np.ndarray) -> None:
        self._file.write(records.tobytes())

    def read(self) -> np.ndarray:
        """All records so far, [N] `RECORD`, not in memory but mapped."""
        self._file.flush()
        if not self._path.stat().st_size:
            return np.zeros(0, RECORD)  # nothing cannot be mapped
        return np.memmap(self._path, RECORD, mode="r")

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def in_parts(records: np.ndarray) -> Iterator[np.ndarray]:
    """The records, some at a time, in memory."""
    for start in range(0, len(records), _AT_A_TIME):
        yield np.array(records[start : start + _AT_A_TIME])


def scene(records: np.ndarray) -> np.ndarray:
    """The people of one picture as they stand to each other: [N, P, 3] mm, about their middle.

    Each has the shape of `joints_3d`; the places are those of `joints_3d_absolute`.
    """
    places = records["joints_3d_absolute"][:, ROOT].astype(np.float64)
    middle = places.sum(axis=0) / max(len(places), 1)
    return records["joints_3d"] + (places - middle)[:, None]
