"""Human3.6M as Zhou's pose-hg-3d prepares it: photos cut to 224 pixels, a matlab_meta.mat for each view."""

import collections
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import scipy.io

from tf_advpose import camera
from tf_advpose.data.agreement import pixels_off
from tf_advpose.data.human36m import calibration, examples
from tf_advpose.data.human36m.views import SUBJECTS, View, numbered_view
from tf_advpose.skeleton import FROM_HUMAN36M_17, from_dataset

PATTERNS = ("images/s_*/matlab_meta.mat",)
NUM_JOINTS = 17
SPACING = 5  # only every fifth frame is labelled
# The 2D joints are the projected 3D joints, cut and scaled.
MAX_PROJECTION_ERROR = 1.0  # pixels of the cut photo


def read_zhou(
    source: Path,
    split: str,
    skipped: collections.Counter,
    steps: Mapping[str, int] = examples.STEPS,
) -> Iterator[dict]:
    """Reads images/s_01_act_02_subact_01_ca_01/ and so on in the folder `source`.

    How a photo was cut is found by comparing its 2D joints, in the cut photo, with the projected 3D joints:
    whether the boxes in the file include their last pixel is not documented.

    Args:
      steps: of each split, how many frames further the next one is; of the labelled frames, which are every
        fifth, the first at or after each step.

    Raises:
      ValueError: a file is not readable or of another form, or 2D and 3D disagree.
    """
    cameras = calibration.published()
    for path in sorted(source.glob(PATTERNS[0])):
        view = _view(path)
        if view.subject not in SUBJECTS[split]:
            continue
        joints, pixels = _read(path)
        frames = np.flatnonzero(joints.any(axis=(1, 2)))
        frames = frames[examples.select(frames, steps[split], view, skipped, SPACING)]
        folder = path.parent
        images = [folder / f"{folder.name}_{frame + 1:06d}.jpg" for frame in frames.tolist()]
        joints = joints[frames]
        intrinsics = _cut(cameras[view.subject, view.camera].intrinsics, joints, pixels[frames], path)
        yield from examples.people(view, frames, from_dataset(joints, FROM_HUMAN36M_17), intrinsics, images)


def _view(path: Path) -> View:
    numbers = re.fullmatch(r"s_(\d+)_act_(\d+)_subact_(\d+)_ca_(\d+)", path.parent.name)
    if not numbers:
        raise ValueError(f"{path}: expected a folder named s_01_act_02_subact_01_ca_01.")
    return numbered_view(*map(int, numbers.groups()), path)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Joints [N, 17, 3], camera frame, mm, and [N, 17, 2], pixels of the cut photo; zeros: not labelled."""
    try:
        values = scipy.io.loadmat(path, variable_names=("Y3d_mono", "Y2d"))
        joints, pixels = values["Y3d_mono"], values["Y2d"]
    except Exception as error:  # SciPy raises many kinds, depending on what in the file is wrong
        raise ValueError(f"{path} is not a .mat file with Y3d_mono and Y2d: {error!r}") from None
    count = joints.shape[-1]
    for name, value, rows in (("Y3d_mono", joints, NUM_JOINTS * 3), ("Y2d", pixels, NUM_JOINTS * 2)):
        if value.shape != (rows, count):
            raise ValueError(f"{path}: {name} has shape {value.shape}, expected {(rows, count)}.")
    return tuple(value.reshape(NUM_JOINTS, -1, count).transpose(2, 0, 1) for value in (joints, pixels))


def _cut(intrinsics: np.ndarray, joints: np.ndarray, pixels: np.ndarray, path: Path) -> np.ndarray:
    """The intrinsics [N, 9] of the cut photos in which `joints` [N, 17, 3] are at `pixels` [N, 17, 2]."""
    whole = camera.project(joints, intrinsics)
    centre, cut_centre = whole.mean(axis=1, keepdims=True), pixels.mean(axis=1, keepdims=True)
    from_centre, cut_from_centre = whole - centre, pixels - cut_centre
    scale = np.sum(from_centre * cut_from_centre, axis=(1, 2)) / np.sum(from_centre**2, axis=(1, 2))
    scale = scale[:, None, None]
    error = pixels_off(from_centre * scale, cut_from_centre)
    if error > MAX_PROJECTION_ERROR:
        raise ValueError(
            f"{path}: Y2d is {error:.1f} pixels off the projection of Y3d_mono, cut and scaled."
        )
    scale, offset = scale[:, 0], (cut_centre - centre * scale)[:, 0]
    lens = np.broadcast_to(intrinsics, (len(joints), 9))
    return np.concatenate([lens[:, :2] * scale, lens[:, 2:4] * scale + offset, lens[:, 4:]], axis=1)
