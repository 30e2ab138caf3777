"""From MPI-INF-3DHP's 2D and 3D joints to ours, in whichever layout they come."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data.agreement import pixels_off
from tf_advpose.skeleton import THORAX, from_dataset

# The lens distortion that the intrinsics leave out moves joints by up to two pixels.
MAX_PROJECTION_ERROR = 10.0  # pixels


def people(
    pixels: np.ndarray,
    joints: np.ndarray,
    intrinsics: np.ndarray,
    index_map: tuple[int | None, ...],
    where: Path | str,
) -> Iterator[dict]:
    """`labels` of N people, after a `check` of all of them together."""
    check(pixels, joints, intrinsics, where)
    yield from labels(pixels, joints, intrinsics, index_map)


def check(pixels: np.ndarray, joints: np.ndarray, intrinsics: np.ndarray, where: Path | str) -> None:
    """Raises ValueError where the 2D and 3D joints of N people do not belong together.

    Args:
      pixels: [N, J, 2], annot2.
      joints: [N, J, 3] mm, camera frame, annot3.
      intrinsics: [9], of the one camera before which they are.
      where: names the labels in errors.
    """
    error = pixels_off(camera.project(joints, intrinsics), pixels)
    if error > MAX_PROJECTION_ERROR:
        raise ValueError(
            f"{where}: the 2D joints are {error:.1f} pixels off the projected 3D joints, which should be "
            "annot3 in the camera frame."
        )


def labels(
    pixels: np.ndarray, joints: np.ndarray, intrinsics: np.ndarray, index_map: tuple[int | None, ...]
) -> Iterator[dict]:
    """The labels of N people, as arguments of `schema.make_example`.

    Args:
      pixels, joints, intrinsics: as in `check`.
      index_map: which of the J is each of our joints.
    """
    absolute = from_dataset(joints, index_map)
    joints_2d = camera.project(absolute, intrinsics)
    for joint, index in enumerate(index_map):
        if joint != THORAX:
            joints_2d[:, joint] = pixels[:, index]
    for ours, pose in zip(joints_2d, absolute, strict=True):
        yield {"joints_2d": ours, "joints_3d_absolute": pose, "intrinsics": intrinsics}
