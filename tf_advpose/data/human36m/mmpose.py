"""Human3.6M as MMPose's preprocess_h36m.py leaves it: .npz labels, cameras.pkl, extracted photos."""

import collections
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data import mmpose
from tf_advpose.data.agreement import pixels_off
from tf_advpose.data.human36m import examples
from tf_advpose.data.human36m.views import SUBJECTS, View, find_view
from tf_advpose.skeleton import FROM_HUMAN36M_17, from_dataset

# The labels are themselves projections: whatever is farther off does not belong together.
MAX_PROJECTION_ERROR = 1.0  # pixels

FILES = ("h36m_train.npz", "h36m_test.npz", "h36m_body3d.npz")


def read_mmpose(
    source: Path,
    split: str,
    skipped: collections.Counter,
    steps: Mapping[str, int] = examples.STEPS,
) -> Iterator[dict]:
    """Reads the folder `source` of the label files.

    Either cameras.pkl and the photos lie there too, or cameras.pkl lies one folder up and images/ two.

    Args:
      steps: of each split, how many frames further the next one is. Labels at 10 frames a second are every
        fifth frame: of these, the first at or after each step.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or 2D and 3D disagree.
    """
    flat = (source / "cameras.pkl").is_file()
    cameras = mmpose.read_cameras((source if flat else source.parent) / "cameras.pkl")
    images = source if flat else source.parent.parent / "images"
    for path in (source / file for file in FILES if (source / file).is_file()):
        names, pixels, joints = mmpose.read_labels(path)
        views, frames = _parse_names(names, path)
        spacing = max(np.gcd.reduce(frames), 1)  # 5 at 10 frames a second, 1 at 50
        for view, rows in views.items():
            if view.subject not in SUBJECTS[split]:
                continue
            rows = rows[examples.select(frames[rows], steps[split], view, skipped, spacing)]
            if (view.subject, view.camera) not in cameras:
                raise ValueError(f"{path}: cameras.pkl has no camera {view.subject}, {view.camera}.")
            intrinsics = cameras[view.subject, view.camera]
            error = pixels_off(camera.project(joints[rows], intrinsics), pixels[rows])
            if error > MAX_PROJECTION_ERROR:
                raise ValueError(
                    f"{path}: part of {view.name} is {error:.1f} pixels off the projection of S, which "
                    "should be metres in the camera frame, by cameras.pkl."
                )
            poses = from_dataset(joints[rows], FROM_HUMAN36M_17)
            photos = [images / names[row] for row in rows]
            yield from examples.people(view, frames[rows], poses, intrinsics, photos)


def _parse_names(names: list[str], path: Path) -> tuple[dict[View, np.ndarray], np.ndarray]:
    """The rows of each view, and the frame, from 0, of each row.

    A photo is named such as S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg.
    """
    rows, frames = collections.defaultdict(list), []
    for row, name in enumerate(names):
        match = re.fullmatch(r"(?:.*/)?(S\d+)_([^/]+)\.(\d+)/[^/]+_(\d+)\.\w+", name)
        if not match:
            raise ValueError(
                f"{path}: expected photos named S1/S1_Directions_1.54138969/..., found {name!r}."
            )
        subject, sequence, camera_id, frame = match.groups()
        rows[find_view(subject, sequence, camera_id, path)].append(row)
        frames.append(int(frame) - 1)
    return {view: np.array(of_view) for view, of_view in rows.items()}, np.array(frames)
