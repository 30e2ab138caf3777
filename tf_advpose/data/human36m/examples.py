"""From the joints of one view of Human3.6M to the people in its photos: what its layouts share."""

import collections
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data import photos, video
from tf_advpose.data.human36m.calibration import Camera
from tf_advpose.data.human36m.views import CORRUPT_VIEWS, View
from tf_advpose.skeleton import FROM_HUMAN36M_32, from_dataset

# The literature trains on every fifth of 50 frames a second and tests on every 64th.
STEPS: Mapping[str, int] = {"train": 5, "test": 64}
PHOTO_SIZE = (1000, 1002)  # pixels; two of the four cameras have two rows fewer


def select(
    frames: np.ndarray, step: int, view: View, skipped: collections.Counter, spacing: int = 1
) -> np.ndarray:
    """Which of a view's labelled `frames` [N], from 0, to take: [N] bool; of a corrupt view none, counted.

    With every frame labelled, it is those that `step` divides. Where a layout has only every `spacing`-th,
    it is the first at or after each of these.
    """
    chosen = frames % step < spacing
    if view in CORRUPT_VIEWS:
        skipped[CORRUPT_VIEWS[view]] += int(chosen.sum())
        return np.zeros_like(chosen)
    return chosen


def people(
    view: View,
    frames: np.ndarray,
    joints: np.ndarray,
    intrinsics: np.ndarray,
    images: Sequence[Path | photos.VideoFrame],
) -> Iterator[dict]:
    """The arguments of `schema.make_example` for `frames` [N], from 0, of a view.

    Args:
      joints: [N, 16, 3] camera frame, mm.
      intrinsics: of all photos [9] or of each [N, 9].
      images: the N photos.
    """
    joints_2d = camera.project(joints, intrinsics)
    intrinsics = np.broadcast_to(intrinsics, (len(frames), 9))
    for frame, image, pose, pixels, lens in zip(
        frames.tolist(), images, joints, joints_2d, intrinsics, strict=True
    ):
        yield {
            "image": image,
            "joints_2d": pixels,
            "joints_3d_absolute": pose,
            "intrinsics": lens,
            "example_id": f"{view.name}_{frame + 1:06d}",
            "subject": view.subject,
            "action": view.action,
            "sequence": view.name,
        }


def filmed_people(
    source: Path,
    view: View,
    joints: np.ndarray,
    lens: Camera,
    step: int,
    skipped: collections.Counter,
    where: Path | str,
) -> Iterator[dict]:
    """`people` of the motion-captured `joints` [N, 32, 3] of every frame, camera frame, mm.

    Photos that preprocessing extracted are taken where there are any in the folder `source`, as
    images/S1/<view>/<view>_000001.jpg or images/s_01_act_02_subact_01_ca_01/; otherwise it is the video,
    S1/Videos/<sequence>.<camera>.mp4. Videos are mostly longer than their labels. Where one is shorter, the
    frames that it lacks are left out and counted.

    Raises:
      ValueError: half of the joints are outside the photo; names the labels, `where`.
    """
    _check_in_view(joints, lens.intrinsics, where)
    frames = np.flatnonzero(select(np.arange(len(joints)), step, view, skipped))
    folders = (source / "images" / view.subject / view.name, source / "images" / view.numbered)
    if folder := next((folder for folder in folders if folder.is_dir()), None):
        images = [folder / f"{folder.name}_{frame + 1:06d}.jpg" for frame in frames.tolist()]
    else:
        film = source / view.subject / "Videos" / f"{view.sequence}.{view.camera}.mp4"
        within = frames < video.length(film)
        if not within.all():
            skipped["labels beyond the end of their video"] += int(np.sum(~within))
        frames = frames[within]
        images = [photos.VideoFrame(film, frame) for frame in frames.tolist()]
    yield from people(view, frames, from_dataset(joints[frames], FROM_HUMAN36M_32), lens.intrinsics, images)


def _check_in_view(joints: np.ndarray, intrinsics: np.ndarray, where: Path | str) -> None:
    # What is not finite is for the check of the single example.
    finite = joints[np.isfinite(joints).all(axis=-1)]
    pixels = camera.project(finite, intrinsics)
    seen = (finite[:, 2] > 0) & (pixels > 0).all(axis=-1) & (pixels < PHOTO_SIZE).all(axis=-1)
    if len(finite) and seen.mean() < 0.5:
        raise ValueError(
            f"{where}: {1 - seen.mean():.0%} of the joints are outside the photo: not in the units or the "
            "frame that this layout has, or not of this subject and camera."
        )
