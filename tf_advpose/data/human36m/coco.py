"""Human3.6M in the COCO-like JSON of 3DMPPE and I2L-MeshNet, with folders of extracted frames."""

import collections
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data.agreement import pixels_off
from tf_advpose.data.human36m import calibration, examples
from tf_advpose.data.human36m.views import SUBJECTS, View, numbered_view
from tf_advpose.skeleton import FROM_HUMAN36M_17, from_dataset

PATTERNS = ("annotations/Human36M_subject*_data.json", "annotations/Human36M_subject*_joint_3d.json")
# The file's boxes have a margin, but were made without the lens distortion.
BOX_TOLERANCE = 10.0  # pixels
NUM_JOINTS = 17

_VIEW_KEYS = ("subject", "action_idx", "subaction_idx", "cam_idx")


def read_coco(
    source: Path,
    split: str,
    skipped: collections.Counter,
    steps: Mapping[str, int] = examples.STEPS,
) -> Iterator[dict]:
    """Reads annotations/Human36M_subject*_data.json and _joint_3d.json in the folder `source`, and images/.

    The third file, _camera.json, is not read: it repeats the public calibration without the lens
    distortion, and what its t means, the camera's place or -R times that, has changed between releases. The
    boxes must be about the joints as the public calibration projects them.

    Args:
      steps: of each split, how many frames further the next one is.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or boxes and joints disagree.
    """
    cameras = calibration.published()
    for subject in SUBJECTS[split]:
        path = source / f"annotations/Human36M_subject{subject[1:]}_data.json"
        if not path.is_file():
            skipped[f"subject {subject} is not there"] += 1
            continue
        joints_path = path.with_name(path.name.replace("_data", "_joint_3d"))
        world = _load(joints_path)
        for view, labels in _read_views(path).items():
            lens = cameras[view.subject, view.camera]
            frames = np.array(sorted(labels))
            frames = frames[examples.select(frames, steps[split], view, skipped)]
            if not len(frames):
                continue
            names, boxes = ([labels[frame][part] for frame in frames.tolist()] for part in range(2))
            joints = lens.to_camera(_joints(world, view, frames, joints_path))
            _check_boxes(joints, lens.intrinsics, boxes, path)
            joints = from_dataset(joints, FROM_HUMAN36M_17)
            images = [source / "images" / name for name in names]
            yield from examples.people(view, frames, joints, lens.intrinsics, images)


def _read_views(path: Path) -> dict[View, dict[int, tuple[str, list]]]:
    """The photo and the box of each frame, from 0, of each view in a file ..._data.json."""
    data = _load(path)
    try:
        boxes = {annotation["image_id"]: annotation["bbox"] for annotation in data["annotations"]}
        views = collections.defaultdict(dict)
        for image in data["images"]:
            view = numbered_view(*(image[key] for key in _VIEW_KEYS), path)
            views[view][image["frame_idx"]] = image["file_name"], boxes[image["id"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the images and annotations of 3DMPPE; {error!r}.") from None
    return views


def _joints(world: dict, view: View, frames: np.ndarray, path: Path) -> np.ndarray:
    """The joints [N, 17, 3], world mm, of a view's `frames`, from the contents of ..._joint_3d.json."""
    action, subaction = view.numbers
    try:
        poses = world[str(action)][str(subaction)]
        joints = np.array([poses[str(frame)] for frame in frames.tolist()], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: no joints of {view.sequence}, by action, subaction, frame: {error!r}."
        ) from None
    if joints.shape[1:] != (NUM_JOINTS, 3):
        raise ValueError(
            f"{path}: joints of {view.sequence} have shape {joints.shape[1:]}, expected {(NUM_JOINTS, 3)}."
        )
    return joints


def _check_boxes(joints: np.ndarray, intrinsics: np.ndarray, boxes: list, path: Path) -> None:
    """Checks that `joints` [N, 17, 3], camera frame, are in their boxes (x, y, width, height)."""
    corners, sizes = np.split(np.array(boxes, np.float64)[:, None], 2, axis=-1)
    pixels = camera.project(joints, intrinsics)
    outside = pixels_off(np.clip(pixels, corners, corners + sizes), pixels)
    if outside > BOX_TOLERANCE:
        raise ValueError(
            f"{path}: joints are {outside:.0f} pixels outside their boxes; expected boxes of the joints in "
            "_joint_3d.json, world millimetres, as the public calibration of the cameras projects them."
        )


def _load(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f"Labels are missing: {path}.")
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not readable JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a dictionary, got {type(values).__name__}.")
    return values
