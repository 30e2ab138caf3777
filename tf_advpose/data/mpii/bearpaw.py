"""MPII's labels in mpii_annotations.json, as bearpaw's and anibali's projects have them."""

import collections
import functools
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_advpose.data.mpii import hdf5
from tf_advpose.data.mpii.examples import find, person
from tf_advpose.skeleton import NUM_JOINTS

NAMES = ("mpii_annotations.json", "mpii_annotations.json.gz")
_KEYS = ("img_paths", "isValidation", "objpos", "scale_provided", "joint_self", "people_index")


def read_json(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads mpii_annotations.json, plain or gzipped, the file `source`.

    valid.h5, if there is one, and images/ lie beside it or one folder up. All its people have joints, so
    `skipped` stays as it is.

    Raises:
      ValueError: `source` is not such a file.
    """
    head_sizes = hdf5.validation_head_sizes(source)
    images = find(source, "images")
    for record in load_records(source, _KEYS, "joint_self", 3):
        if bool(record["isValidation"]) != (split == "validation"):
            continue
        name, number = record["img_paths"], int(record["people_index"])
        # Occluded joints have the mark 0 as well: what is missing is at (0, 0).
        joints = np.array(record["joint_self"], np.float64)[:, :2]
        joint_weight = joints.any(axis=-1).astype(np.float64)
        where = record["objpos"], record["scale_provided"]
        head_size = head_sizes.get((name, number))
        yield person(images / name, number, joints, joint_weight, *where, head_size)


def validation_people(path: Path) -> set[tuple[str, int]]:
    """Who is in validation, as (photo, number from 1)."""
    return {
        (r["img_paths"], int(r["people_index"]))
        for r in load_records(path, _KEYS, "joint_self", 3)
        if r["isValidation"]
    }


@functools.lru_cache(maxsize=3)
def load_records(path: Path, keys: tuple[str, ...], joints: str, columns: int) -> list[dict]:
    """All records of a JSON file, plain or gzipped; the last files are kept, for every split reads them.

    Raises:
      ValueError: the file is not readable, or a record lacks one of `keys` or has other `joints` than
        [16, columns].
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            records = json.load(file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is not readable JSON: {error}") from None
    if not isinstance(records, list) or not records:
        raise ValueError(f"{path}: expected a list of people, got {type(records).__name__}.")
    for row, record in enumerate(records):
        lacking = [key for key in keys if key not in record]
        if lacking:
            raise ValueError(f"{path}, record {row} lacks {', '.join(lacking)}.")
        if np.shape(record[joints]) != (NUM_JOINTS, columns):
            shape = np.shape(record[joints])
            raise ValueError(
                f"{path}, record {row}: {joints} is {shape}, expected {(NUM_JOINTS, columns)}."
            )
    return records
