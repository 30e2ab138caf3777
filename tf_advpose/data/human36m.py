"""Human3.6M: people in a laboratory, with 3D joints from motion capture."""

import collections
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data import mmpose, photos
from tf_advpose.skeleton import FROM_HUMAN36M_17, from_dataset

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}  # Sec. 5
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases",
    "Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip
_OTHER_SPELLINGS = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
CORRUPT_VIDEOS = ("S11_Directions.54138969",)

# The labels are themselves projections: whatever is farther off does not belong together.
MAX_PROJECTION_ERROR = 1.0  # pixels

_LABEL_FILES = ("h36m_train.npz", "h36m_test.npz", "h36m_body3d.npz")
# Neighbouring frames at 50 Hz hardly differ: 10 Hz is taken where both are there.
_LABEL_FOLDERS = ("", "annotation_body3d/fps10/", "annotation_body3d/fps50/")


class Human36m(photos.PhotoDataset):
    """Human3.6M (Ionescu et al., PAMI 2014): 3D joints of people in a laboratory, four cameras.

    Licence: academic use only, by agreement with the authors; photos and labels must not be passed on.
    To obtain: register at http://vision.imar.ro/human3.6m, then convert with MMPose's preprocess_h36m.py,
    which gives images/ and annotation_body3d/.

    Splits: train is S1, S5, S6, S7, S8; test is S9 and S11. Actions are named by one spelling each
    (Photo, WalkDog, WalkTogether), sequences by their folder. Joints are the sixteen of MPII's order; the
    thorax is the middle of the shoulders. Boxes are tight around the joints. Where labels at 10 and at 50
    frames a second are there, those at 10 are taken.

    Left out: camera 54138969 of S11's second Directions, whose video is corrupt, and other subjects,
    whose joints are withheld. Kept: parts of S9's Greeting, SittingDown and Waiting, where the joints are
    known to be shifted against the photo.
    """

    name = "human36m"
    HOMEPAGE = "http://vision.imar.ro/human3.6m"
    CITATION = """@article{ionescu2014human36m,
  title={Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human Sensing in Natural
         Environments},
  author={Ionescu, Catalin and Papava, Dragos and Olaru, Vlad and Sminchisescu, Cristian},
  journal={IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume={36}, number={7}, pages={1325--1339}, year={2014}}"""

    @staticmethod
    def find_layout(source: Path) -> tuple[photos.Reader, Path]:
        patterns = [folder + file for folder in _LABEL_FOLDERS for file in _LABEL_FILES]
        expected = (
            "annotation_body3d/fps10 (or fps50) of MMPose, or h36m_train.npz and cameras.pkl themselves"
        )
        return read_mmpose, photos.find_labels(source, patterns, expected).parent


def read_mmpose(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads MMPose's layout: .npz labels, cameras.pkl, photos in a folder for each sequence.

    Args:
      source: the folder of the label files. Either cameras.pkl and the photos lie there too, or cameras.pkl
        one folder up and the photos in images/ two folders up.
      split: "train" or "test".
      skipped: counts what is left out.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or 2D and 3D disagree.
    """
    flat = (source / "cameras.pkl").is_file()
    cameras = mmpose.read_cameras((source if flat else source.parent) / "cameras.pkl")
    images = source if flat else source.parent.parent / "images"
    for file in _LABEL_FILES:
        path = source / file
        if not path.is_file():
            continue
        for row, (name, joints_2d, joints) in enumerate(zip(*mmpose.read_labels(path), strict=True)):
            subject, action, camera_id = _parse_name(name, path)
            sequence = name.split("/")[-2]
            if subject not in SUBJECTS[split]:
                continue
            if sequence in CORRUPT_VIDEOS:
                skipped["the video is corrupt"] += 1
                continue
            if (subject, camera_id) not in cameras:
                raise ValueError(f"{path}, row {row}: cameras.pkl has no camera {subject}, {camera_id}.")
            intrinsics = cameras[subject, camera_id]
            error = np.abs(camera.project(joints, intrinsics) - joints_2d).max()
            if not error <= MAX_PROJECTION_ERROR:
                raise ValueError(
                    f"{path}, row {row} ({name}): part is {error:.1f} pixels off the projection of S, "
                    f"which should be metres in the camera frame, by cameras.pkl."
                )
            joints = from_dataset(joints, FROM_HUMAN36M_17)
            yield {
                "image": images / name,
                "joints_2d": camera.project(joints, intrinsics),
                "joints_3d_absolute": joints,
                "intrinsics": intrinsics,
                "example_id": Path(name).stem,
                "subject": subject,
                "action": action,
                "sequence": sequence,
            }


def canonical_action(name: str) -> str:
    """The one spelling in `ACTIONS` of an action as files name it, such as "TakingPhoto 1".

    Raises:
      ValueError: it is none of the fifteen.
    """
    action = re.sub(r"[ _]\d+$", "", name)
    action = _OTHER_SPELLINGS.get(action, action)
    if action not in ACTIONS:
        raise ValueError(f"{name!r} is no action of Human3.6M: {', '.join(ACTIONS)}.")
    return action


def _parse_name(name: str, path: Path) -> tuple[str, str, str]:
    """Subject, action and camera of a photo such as S1/S1_Directions_1.54138969/S1_..._000001.jpg."""
    match = re.fullmatch(r"(?:.*/)?(S\d+)_([^/]+)\.(\d+)/[^/]+", name)
    if not match:
        raise ValueError(f"{path}: expected photos named S1/S1_Directions_1.54138969/..., found {name!r}.")
    return match[1], canonical_action(match[2]), match[3]
