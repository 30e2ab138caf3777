"""Human3.6M as its authors give it: poses in CDF files, videos, the cameras in metadata.xml."""

import collections
from collections.abc import Iterator, Mapping
from pathlib import Path

import cdflib
import numpy as np

from tf_advpose import camera
from tf_advpose.data.agreement import pixels_off
from tf_advpose.data.human36m import calibration, examples
from tf_advpose.data.human36m.views import CAMERAS, SUBJECTS, View, find_view

NUM_JOINTS = 32  # of the motion capture, some of them twice
# The release's 2D joints are its 3D joints, projected: whatever is farther off does not belong together.
MAX_PROJECTION_ERROR = 1.0  # pixels

# The archives unpack to MyPoseFeatures; h36m-fetch names the folders after the archives.
_FOLDERS = ("MyPoseFeatures/{}", "Poses_{}")
_IN_CAMERA, _IN_WORLD, _IN_PHOTO = "D3_Positions_mono", "D3_Positions", "D2_Positions"
PATTERNS = tuple(
    f"S*/{folder.format(kind)}/*.cdf" for kind in (_IN_CAMERA, _IN_WORLD) for folder in _FOLDERS
)


def read_official(
    source: Path,
    split: str,
    skipped: collections.Counter,
    steps: Mapping[str, int] = examples.STEPS,
) -> Iterator[dict]:
    """Reads the folder `source` of the subjects' folders S1 to S11, which hold poses and videos.

    Joints come from D3_Positions_mono, in the camera's frame, or, without it, from D3_Positions, in the
    world's. If D2_Positions is there too, it must agree. Cameras are those of metadata.xml, if there is
    one, or of the public calibration.

    Args:
      steps: of each split, how many frames further the next one is.

    Raises:
      ValueError: a file is not readable or of another form, or 2D and 3D disagree.
    """
    cameras = calibration.find(source)
    for subject in SUBJECTS[split]:
        folder = _pose_folder(source / subject, _IN_CAMERA) or _pose_folder(source / subject, _IN_WORLD)
        if folder is None:
            skipped[f"subject {subject} is not there"] += 1
            continue
        for path in sorted(folder.glob("*.cdf")):
            if path.stem.startswith("_ALL"):  # recordings of no action
                continue
            poses = read_poses(path, 3)
            for view in _views(subject, path):
                lens = cameras[subject, view.camera]
                joints = poses if _IN_CAMERA in folder.name else lens.to_camera(poses)
                _check_pixels(source / subject, view, joints, lens.intrinsics)
                yield from examples.filmed_people(source, view, joints, lens, steps[split], skipped, path)


def read_poses(path: Path, dimensions: int) -> np.ndarray:
    """Reads the joints [N, 32, dimensions] of a CDF file.

    The variable Pose is [1, N, 32 * dimensions]. Whether files come without the first axis, or column by
    column, depends on who wrote them and on cdflib's version, so all of these are understood.

    Raises:
      ValueError: the file is not readable or of another form.
    """
    try:
        values = np.asarray(cdflib.CDF(path).varget("Pose"), np.float64)
    except Exception as error:  # cdflib raises many kinds, depending on what in the file is wrong
        raise ValueError(f"{path} is not a readable CDF file with the variable Pose: {error}") from None
    width = NUM_JOINTS * dimensions
    rows = values[0] if values.ndim == 3 and len(values) == 1 else values
    if rows.ndim == 2 and rows.shape[1] != width and rows.shape[0] == width:
        rows = rows.T
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"{path}: Pose has shape {values.shape}, expected (1, frames, {width}).")
    return rows.reshape(-1, NUM_JOINTS, dimensions)


def _pose_folder(subject: Path, kind: str) -> Path | None:
    folders = (subject / folder.format(kind) for folder in _FOLDERS)
    return next((folder for folder in folders if folder.is_dir()), None)


def _views(subject: str, path: Path) -> list[View]:
    """The views that a pose file is of: "Directions 1.54138969.cdf" of one, "Directions 1.cdf" of all."""
    sequence, _, number = path.stem.partition(".")
    return [find_view(subject, sequence, each, path) for each in ([number] if number else CAMERAS)]


def _check_pixels(folder: Path, view: View, joints: np.ndarray, intrinsics: np.ndarray) -> None:
    """Checks `joints` [N, 32, 3] against the file of 2D joints, if there is one."""
    pixel_folder = _pose_folder(folder, _IN_PHOTO)
    path = pixel_folder / f"{view.sequence}.{view.camera}.cdf" if pixel_folder else folder
    if not path.is_file():
        return
    pixels = read_poses(path, 2)
    if len(pixels) != len(joints):
        raise ValueError(f"{path} has {len(pixels)} frames, the file of its 3D joints {len(joints)}.")
    error = pixels_off(camera.project(joints, intrinsics), pixels)
    if error > MAX_PROJECTION_ERROR:
        raise ValueError(f"{path}: the 2D joints are {error:.1f} pixels off the projected 3D joints.")
