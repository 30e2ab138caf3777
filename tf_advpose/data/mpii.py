"""MPII Human Pose: people in everyday photos, with 2D joints."""

import collections
import functools
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from tf_advpose.data import photos
from tf_advpose.skeleton import HEAD_TOP, NUM_JOINTS, UPPER_NECK

PERSON_HEIGHT = 200.0  # pixels that `scale` 1 stands for
CENTRE_SHIFT = 15.0  # the labelled centre is that of the trunk; times scale, downwards
HEAD_SIZE_SHARE = 0.6  # of the head rectangle's diagonal
# The authors placed the head joints in the head rectangle, 0.8 of its diagonal apart.
HEAD_SIZE_PER_HEAD_BONE = HEAD_SIZE_SHARE / 0.8
FIRST_PIXEL_CENTRE = 0.5  # labels count from 1, ours from 0.5

_MAT = "mpii_human_pose_v1_u12_1.mat"
_JSON = ("mpii_annotations.json", "mpii_annotations.json.gz")
_HDF5 = "valid.h5"
_JSON_KEYS = ("img_paths", "isValidation", "objpos", "scale_provided", "joint_self", "people_index")


class Mpii(photos.PhotoDataset):
    """MPII Human Pose (Andriluka et al., CVPR 2014): 2D joints of people in frames of YouTube videos.

    Licence: for research; the authors hold no rights in the photos.
    To obtain: http://human-pose.mpi-inf.mpg.de, images/ and mpii_human_pose_v1_u12_1.mat. Beside or
    instead of the .mat, mpii_annotations.json(.gz) and valid.h5 of the public pose projects.

    Splits: of the people with joints, validation is Tompson's 2,958, by the list in mpii_annotations.json
    or valid.h5; train is those in photos without any of them, 22,246. The .mat holds no such list: alone,
    it puts everyone in train and there is no validation split. Boxes are about the labelled centre moved
    down by 15 scale, and 200 scale wide, so that crops are 250 scale wide. Head size is 0.6 of the head
    rectangle's diagonal, from the .mat or, for validation, valid.h5; without these 0.75 of the head bone,
    which is the same but for a few people, and unknown where the head is not labelled. Occluded joints
    count as labelled.

    Left out: the official test split, whose joints are withheld; people without joints, centre or scale;
    people in train who share a photo with one in validation.
    """

    name = "mpii"
    SPLITS = ("train", "validation")
    HOMEPAGE = "http://human-pose.mpi-inf.mpg.de"
    CITATION = """@inproceedings{andriluka2014mpii,
  title={2D Human Pose Estimation: New Benchmark and State of the Art Analysis},
  author={Andriluka, Mykhaylo and Pishchulin, Leonid and Gehler, Peter and Schiele, Bernt},
  booktitle={IEEE Conference on Computer Vision and Pattern Recognition}, year={2014}}"""

    @staticmethod
    def find_layout(source: Path) -> tuple[photos.Reader, Path]:
        # The archive of the .mat unpacks into a folder of its own.
        patterns = (_MAT, f"mpii_human_pose_v1_u12_2/{_MAT}", *_JSON)
        expected = f"{_MAT} or {_JSON[0]}(.gz)"
        labels = source if source.is_file() else photos.find_labels(source, patterns, expected)
        return (read_mat if labels.suffix == ".mat" else read_json), labels


def read_mat(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads the official release, the file `source`.

    The validation list, if there is one, and images/ lie beside it or one folder up.

    Raises:
      ValueError: `source` is not that file.
    """
    release = _load_mat(source)
    validation = _validation_people(source)
    validation_photos = {photo for photo, _ in validation}
    images = _find(source, "images")
    for entry, labelled in zip(
        np.atleast_1d(release.annolist), np.atleast_1d(release.img_train), strict=True
    ):
        name = str(entry.image.name)
        if not labelled:
            if split == "train":  # once
                skipped["a photo of the test split, which has no labels"] += 1
            continue
        for number, person in enumerate(np.atleast_1d(entry.annorect), start=1):
            if ((name, number) in validation) != (split == "validation"):
                continue
            points = getattr(getattr(person, "annopoints", None), "point", None)
            centre, scale = getattr(person, "objpos", None), getattr(person, "scale", ())
            if points is None or not np.size(points):
                skipped["no joint is labelled"] += 1
            elif not hasattr(centre, "x") or not np.size(scale):
                skipped["no centre or scale is labelled"] += 1
            elif split == "train" and name in validation_photos:
                skipped["shares a photo with someone in validation"] += 1
            else:
                joints, joint_weight = np.zeros((NUM_JOINTS, 2)), np.zeros(NUM_JOINTS)
                for point in np.atleast_1d(points):
                    joints[int(point.id)] = point.x, point.y
                    joint_weight[int(point.id)] = 1
                yield {
                    **_labels(images / name, number, joints, joint_weight, (centre.x, centre.y), scale),
                    "head_size": _head_size(person),
                }


def read_json(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads mpii_annotations.json, plain or gzipped, the file `source`.

    valid.h5, if there is one, and images/ lie beside it or one folder up. All its people have joints, so
    `skipped` stays as it is.

    Raises:
      ValueError: `source` is not such a file.
    """
    head_sizes = _head_sizes(source)
    images = _find(source, "images")
    for record in _load_json(source):
        if bool(record["isValidation"]) != (split == "validation"):
            continue
        name, number = record["img_paths"], int(record["people_index"])
        # Occluded joints have the mark 0 as well: what is missing is at (0, 0).
        joints = np.array(record["joint_self"], np.float64)[:, :2]
        joint_weight = joints.any(axis=-1).astype(np.float64)
        head_size = head_sizes.get((name, number))
        if head_size is None and joint_weight[HEAD_TOP] and joint_weight[UPPER_NECK]:
            head_bone = np.linalg.norm(joints[HEAD_TOP] - joints[UPPER_NECK])
            head_size = HEAD_SIZE_PER_HEAD_BONE * head_bone
        centre, scale = record["objpos"], record["scale_provided"]
        yield {
            **_labels(images / name, number, joints, joint_weight, centre, scale),
            "head_size": head_size or 0.0,
        }


def _labels(photo: Path, number: int, joints, joint_weight, centre, scale) -> dict:
    """What both layouts say of person `number` (from 1) in `photo`; `joints` [P, 2] count pixels from 1."""
    x, y = centre[0], centre[1] + CENTRE_SHIFT * scale
    side = PERSON_HEIGHT * scale
    box = np.array([x - side / 2, y - side / 2, side, side], np.float64)
    box[:2] -= FIRST_PIXEL_CENTRE
    return {
        "image": photo,
        "joints_2d": joints - FIRST_PIXEL_CENTRE,
        "joint_weight": joint_weight,
        "box": box,
        "example_id": f"{photo.stem}_{number}",
    }


def _find(source: Path, name: str) -> Path:
    """The path of `name` beside the label file `source` or, if it is only there, one folder up."""
    beside, above = source.parent / name, source.resolve().parents[1] / name
    return above if above.exists() and not beside.exists() else beside


def _head_size(person) -> float:
    corners = [getattr(person, corner, np.empty(0)) for corner in ("x1", "y1", "x2", "y2")]
    if not all(np.size(corner) for corner in corners):
        return 0.0
    x1, y1, x2, y2 = (float(corner) for corner in corners)
    return HEAD_SIZE_SHARE * float(np.hypot(x2 - x1, y2 - y1))


@functools.lru_cache(maxsize=1)
def _load_mat(path: Path):
    """The RELEASE structure; the last file is kept, for every split reads it."""
    try:
        release = scipy.io.loadmat(path, struct_as_record=False, squeeze_me=True)["RELEASE"]
        if np.size(release.annolist) != np.size(release.img_train):
            raise ValueError("annolist and img_train differ in length")
    except Exception as error:  # SciPy raises many kinds, depending on what in the file is wrong
        raise ValueError(
            f"{path} is not MPII's release, a .mat file with RELEASE.annolist and .img_train: {error!r}"
        ) from None
    return release


@functools.lru_cache(maxsize=1)
def _load_json(path: Path) -> list[dict]:
    """All records; the last file is kept, for every split reads it."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            records = json.load(file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is not readable JSON: {error}") from None
    if not isinstance(records, list) or not records:
        raise ValueError(f"{path}: expected a list of people, got {type(records).__name__}.")
    for row, record in enumerate(records):
        lacking = [key for key in _JSON_KEYS if key not in record]
        if lacking:
            raise ValueError(f"{path}, record {row} lacks {', '.join(lacking)}.")
        if np.shape(record["joint_self"]) != (NUM_JOINTS, 3):
            shape = np.shape(record["joint_self"])
            raise ValueError(f"{path}, record {row}: joint_self is {shape}, expected {(NUM_JOINTS, 3)}.")
    return records


def _validation_people(source: Path) -> set[tuple[str, int]]:
    """Who is in validation, as (photo, number from 1), by the list beside `source`; empty without one."""
    for path in (_find(source, name) for name in _JSON):
        if path.is_file():
            records = _load_json(path)
            return {(r["img_paths"], int(r["people_index"])) for r in records if r["isValidation"]}
    return set(_head_sizes(source))


def _head_sizes(source: Path) -> dict[tuple[str, int], float]:
    """Head sizes of validation, by (photo, number from 1), of the valid.h5 beside `source`, if any."""
    path = _find(source, _HDF5)
    if not path.is_file():
        return {}
    try:
        with h5py.File(path) as file:
            names, people, sizes = (file[key][:] for key in ("imgname", "person", "normalize"))
        keys = [(name.decode(), int(person) + 1) for name, person in zip(names, people, strict=True)]
        return dict(zip(keys, sizes.tolist(), strict=True))
    except (OSError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} lacks imgname, person, normalize of equal length: {error}") from None
