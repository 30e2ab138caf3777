"""MPII's labels in the HDF5 files of pose-hg: train.h5 and valid.h5, or annot.h5 of everyone."""

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_advpose.data.columns import read_columns
from tf_advpose.data.mpii.examples import CENTRE_SHIFT, NO_CENTRE, NO_JOINT, SHARED_PHOTO, find, person
from tf_advpose.skeleton import NUM_JOINTS

PATTERNS = tuple(
    folder + name for name in ("train.h5", "annot.h5", "valid.h5") for folder in ("", "annot/")
)
SCALE_FACTOR = 1.25  # by which train.h5 and valid.h5 enlarge scales; their centres are moved down already

_HEAD_SHAPES = {"imgname": None, "person": (), "normalize": ()}  # of a row; None: any
_SHAPES = _HEAD_SHAPES | {"part": (NUM_JOINTS, 2), "visible": (NUM_JOINTS,), "center": (2,), "scale": ()}

Columns = dict[str, np.ndarray]


def read_hdf5(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads valid.h5 for validation, and train.h5 or else annot.h5 for train; `source` is one of them.

    The others, and images/, lie beside it or one folder up. Joints were cut to whole pixels when these
    files were made. In annot.h5 they may count from 0 or from 1, for its public readers disagree: which it
    is, is found by comparison with valid.h5. Without that, they are taken to count from 1, as there.

    Raises:
      ValueError: a file is not readable or of another form.
    """
    train, valid, everyone = (
        find(source, f"{name}.h5", f"annot/{name}.h5") for name in ("train", "valid", "annot")
    )
    images = find(source, "images")
    validation = _load(valid, _SHAPES) if valid.is_file() else None
    if split == "validation":
        if validation is not None:
            yield from _people(validation, images, skipped, adjusted=True)
        return
    if train.is_file():
        people = _load(train, _SHAPES)
    elif everyone.is_file():
        people = _load(everyone, _SHAPES | {"istrain": ()})
        people = _rows(people, people["istrain"] == 1)
        if validation is not None:
            people["part"] = people["part"] + _first_pixel(people, validation, everyone)
    else:
        return
    if validation is not None:
        in_validation = np.isin(people["names"], validation["names"])
        same = set(_keys(validation))
        if shared := sum(key not in same for key in _keys(_rows(people, in_validation))):
            skipped[SHARED_PHOTO] += shared
        people = _rows(people, ~in_validation)
    yield from _people(people, images, skipped, adjusted=train.is_file())


def validation_head_sizes(source: Path) -> dict[tuple[str, int], float]:
    """Head sizes of validation, by (photo, number from 1), of the valid.h5 near the file `source`, if any.

    Raises:
      ValueError: valid.h5 is not readable or of another form.
    """
    path = find(source, "valid.h5", "annot/valid.h5")
    if not path.is_file():
        return {}
    columns = _load(path, _HEAD_SHAPES)
    return dict(zip(_keys(columns), columns["normalize"].tolist(), strict=True))


def _people(people: Columns, images: Path, skipped: collections.Counter, adjusted: bool) -> Iterator[dict]:
    """The people of all rows; `adjusted`: centre and scale are those of train.h5 and valid.h5."""
    for row, (name, number) in enumerate(_keys(people)):
        joints, labelled, centre, scale = (
            people[key][row] for key in ("part", "labelled", "center", "scale")
        )
        if people["visible"][row].min() < 0 or not labelled.any():  # -1: nobody labelled this person
            skipped[NO_JOINT] += 1
            continue
        if not scale > 0:
            skipped[NO_CENTRE] += 1
            continue
        if adjusted:
            scale = scale / SCALE_FACTOR
            centre = centre - (0, CENTRE_SHIFT * scale)
        head_size = max(float(people["normalize"][row]), 0.0)
        yield person(images / name, number, joints, labelled.astype(float), centre, scale, head_size)


def _first_pixel(people: Columns, validation: Columns, path: Path) -> int:
    """What is to be added to the joints of annot.h5 so that they count from 1, as those of valid.h5."""
    rows = {key: row for row, key in enumerate(_keys(people))}
    pairs = [(row, rows[key]) for row, key in enumerate(_keys(validation)) if key in rows]
    if not pairs:
        raise ValueError(f"{path} has none of the people in valid.h5.")
    ours, theirs = np.array(pairs).T
    labelled = validation["labelled"][ours]
    offset = np.median((validation["part"][ours] - people["part"][theirs])[labelled])
    if offset not in (0, 1):
        raise ValueError(
            f"{path}: joints differ from those of the same people in valid.h5 by {offset:.0f}."
        )
    return int(offset)


def _keys(people: Columns) -> list[tuple[str, int]]:
    """Photo and number, from 1, of each row."""
    return list(zip(people["names"].tolist(), (people["person"].astype(int) + 1).tolist(), strict=True))


def _rows(people: Columns, chosen: np.ndarray) -> Columns:
    return {key: values[chosen] for key, values in people.items()}


def _load(path: Path, shapes: dict[str, tuple[int, ...] | None]) -> Columns:
    """The columns `shapes` of a file, the photos' "names" and, of joints, whether they are "labelled"."""
    columns = read_columns(path, shapes, "an HDF5 file")
    columns["names"] = np.array([_text(name) for name in columns["imgname"]])
    if "part" in columns:
        # What is missing is at (0, 0), or at (-1, -1) where the file counts from 0.
        joints = columns["part"]
        columns["labelled"] = ~((joints == 0).all(axis=-1) | (joints == -1).all(axis=-1))
    return columns


def _text(name: bytes | np.ndarray) -> str:
    """A name that is stored as text or, in annot.h5, as numbers of ASCII."""
    raw = name if isinstance(name, bytes) else np.asarray(name).astype(np.uint8).tobytes()
    return raw.rstrip(b"\0").decode()
