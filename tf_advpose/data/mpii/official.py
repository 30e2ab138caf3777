"""MPII's labels as its authors give them: the .mat file."""

import collections
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from tf_advpose.data.mpii import bearpaw, hdf5
from tf_advpose.data.mpii.examples import NO_CENTRE, NO_JOINT, SHARED_PHOTO, find, person, rectangle_size
from tf_advpose.skeleton import NUM_JOINTS

_NAME = "mpii_human_pose_v1_u12_1.mat"
PATTERNS = (_NAME, f"mpii_human_pose_v1_u12_2/{_NAME}")  # the archive unpacks into a folder


def read_mat(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads the official release, the file `source`.

    The validation list, if there is one, and images/ lie beside it or one folder up.

    Raises:
      ValueError: `source` is not that file.
    """
    release = _load_mat(source)
    validation = validation_people(source)
    validation_photos = {photo for photo, _ in validation}
    images = find(source, "images")
    for entry, labelled in zip(
        np.atleast_1d(release.annolist), np.atleast_1d(release.img_train), strict=True
    ):
        name = str(entry.image.name)
        if not labelled:
            if split == "train":  # once
                skipped["a photo of the test split, which has no labels"] += 1
            continue
        for number, rect in enumerate(np.atleast_1d(entry.annorect), start=1):
            if ((name, number) in validation) != (split == "validation"):
                continue
            points = getattr(getattr(rect, "annopoints", None), "point", None)
            centre, scale = getattr(rect, "objpos", None), getattr(rect, "scale", ())
            if points is None or not np.size(points):
                skipped[NO_JOINT] += 1
            elif not hasattr(centre, "x") or not np.size(scale):
                skipped[NO_CENTRE] += 1
            elif split == "train" and name in validation_photos:
                skipped[SHARED_PHOTO] += 1
            else:
                joints, joint_weight = np.zeros((NUM_JOINTS, 2)), np.zeros(NUM_JOINTS)
                for point in np.atleast_1d(points):
                    joints[int(point.id)] = point.x, point.y
                    joint_weight[int(point.id)] = 1
                where = (centre.x, centre.y), scale
                yield person(images / name, number, joints, joint_weight, *where, _head_size(rect))


def validation_people(source: Path) -> set[tuple[str, int]]:
    """Who is in validation, (photo, number from 1), by a list near the file `source`; empty without one."""
    path = find(source, *bearpaw.NAMES)
    if path.is_file():
        return bearpaw.validation_people(path)
    return set(hdf5.validation_head_sizes(source))


def _head_size(rect) -> float:
    corners = [getattr(rect, corner, np.empty(0)) for corner in ("x1", "y1", "x2", "y2")]
    if not all(np.size(corner) for corner in corners):
        return 0.0
    x1, y1, x2, y2 = (float(corner) for corner in corners)
    return float(rectangle_size(np.array([x1, y1]), np.array([x2, y2])))


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
