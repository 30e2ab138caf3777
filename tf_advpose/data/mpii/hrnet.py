"""MPII's labels in the JSON of Simple Baselines and HRNet, and under MMPose's names for the same files."""

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from tf_advpose.data.mpii import bearpaw, hdf5
from tf_advpose.data.mpii.examples import NO_CENTRE, NO_JOINT, SHARED_PHOTO, find, person, rectangle_size
from tf_advpose.skeleton import NUM_JOINTS

_TRAIN = ("train.json", "mpii_train.json")
_VALIDATION = ("valid.json", "mpii_val.json")
_BOTH = ("trainval.json", "mpii_trainval.json")
_HEADS = ("gt_valid.mat", "mpii_gt_val.mat")
PATTERNS = tuple(
    folder + name for name in (*_VALIDATION, *_TRAIN, *_BOTH) for folder in ("annot/", "annotations/", "")
)

_KEYS = ("joints_vis", "joints", "image", "scale", "center")
MAX_DIFFERENCE = 1.0  # pixels; the joints of gt_valid.mat are the same but for a few


def read_hrnet(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads train.json for train, or else trainval.json without validation, and valid.json for validation.

    `source` is one of them; the others lie beside it, images/ beside it or one folder up. Head sizes of
    validation are those of gt_valid.mat or a valid.h5 there, in which people come in the same order.

    Raises:
      ValueError: a file is not readable or of another form.
    """
    train, valid, both = (find(source, *names) for names in (_TRAIN, _VALIDATION, _BOTH))
    validation = _load(valid) if valid.is_file() else []
    if split == "validation":
        records, head_sizes = validation, _head_sizes(source, validation)
    else:
        records = _load(train if train.is_file() else both) if train.is_file() or both.is_file() else []
        head_sizes = None
    images = find(source, "images")
    validation_photos = {record["image"] for record in validation}
    validation_people = {_who(record) for record in validation}
    numbers = collections.Counter()
    for row, record in enumerate(records):
        photo = record["image"]
        numbers[photo] += 1
        if split == "train" and _who(record) in validation_people:
            continue
        if split == "train" and photo in validation_photos:
            skipped[SHARED_PHOTO] += 1
            continue
        joints = np.array(record["joints"], np.float64)
        # Occluded joints have the mark 1 as well: what is missing has 0 and is at (-1, -1).
        joint_weight = (np.array(record["joints_vis"]) > 0) & (joints != -1).any(axis=-1)
        if not joint_weight.any():
            skipped[NO_JOINT] += 1
        elif record["scale"] <= 0:
            skipped[NO_CENTRE] += 1
        else:
            yield person(
                images / photo,
                numbers[photo],
                joints,
                joint_weight.astype(float),
                record["center"],
                record["scale"],
                None if head_sizes is None else head_sizes[row],
            )


def _who(record: dict) -> tuple[str, str]:
    return record["image"], str(record["joints"])


def _load(path: Path) -> list[dict]:
    return bearpaw.load_records(path, _KEYS, "joints", 2)


def _head_sizes(source: Path, records: list[dict]) -> list[float] | None:
    """Head sizes of the people of validation, if they are to be found."""
    path = find(source, *_HEADS)
    if path.is_file():
        return _read_head_sizes(path, records)
    sizes = hdf5.validation_head_sizes(source)
    names = [name for name, _ in sizes]
    return list(sizes.values()) if names == [record["image"] for record in records] else None


def _read_head_sizes(path: Path, records: list[dict]) -> list[float]:
    try:
        values = scipy.io.loadmat(path, variable_names=("headboxes_src", "pos_gt_src", "jnt_missing"))
        heads, joints, missing = (values[key] for key in ("headboxes_src", "pos_gt_src", "jnt_missing"))
    except Exception as error:  # SciPy raises many kinds, depending on what in the file is wrong
        raise ValueError(
            f"{path} is not a .mat file with headboxes_src, pos_gt_src and jnt_missing: {error!r}"
        ) from None
    count = len(records)
    for key, value, shape in (
        ("headboxes_src", heads, (2, 2, count)),
        ("pos_gt_src", joints, (NUM_JOINTS, 2, count)),
        ("jnt_missing", missing, (NUM_JOINTS, count)),
    ):
        if value.shape != shape:
            raise ValueError(f"{path}: {key} has shape {value.shape}, expected {shape}.")
    differences = np.abs(joints.transpose(2, 0, 1) - [record["joints"] for record in records])
    if np.median(differences[missing.T == 0]) > MAX_DIFFERENCE:
        raise ValueError(f"{path}: the people are not those of the label file, in its order.")
    return rectangle_size(heads[0].T, heads[1].T).tolist()
