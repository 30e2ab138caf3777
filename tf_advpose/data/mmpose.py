"""The label files that MMPose's conversion scripts write for Human3.6M and MPI-INF-3DHP."""

import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tf_advpose.data import pickles

NUM_JOINTS = 17  # of either dataset, in that dataset's own order
MM_PER_METRE = 1000.0


def read_labels(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Reads an .npz label file.

    Returns:
      The N photos' names; their joints [N, 17, 2] in photo pixels; and [N, 17, 3] in the camera frame,
      absolute millimetres.

    Raises:
      ValueError: the file is not readable or not of this form.
    """
    try:
        with np.load(path) as arrays:
            names, part, joints = (arrays[key] for key in ("imgname", "part", "S"))
    except KeyError as error:
        raise ValueError(f"{path} lacks {error}: expected imgname, part, S.") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a readable .npz file: {error}") from None
    count = len(names)
    for key, value, wanted in (
        ("part", part, (count, NUM_JOINTS, 3)),
        ("S", joints, (count, NUM_JOINTS, 4)),
    ):
        if value.shape != wanted:
            raise ValueError(f"{path}: {key} has shape {value.shape}, expected {wanted}.")
    return [str(name) for name in names], part[..., :2], joints[..., :3] * MM_PER_METRE


def read_cameras(path: Path) -> dict:
    """Reads the intrinsics [9] of each camera of a cameras.pkl, by the file's own keys.

    Raises:
      FileNotFoundError, ValueError: the file is missing, or not of this form.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The cameras of the labels are missing: {path}.")
    try:
        with path.open("rb") as file:
            cameras = pickles.load(file)
        return {key: _intrinsics(values) for key, values in cameras.items()}
    except (pickle.UnpicklingError, EOFError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a table of cameras with f, c, k, p: {error!r}") from None


def _intrinsics(values: dict) -> np.ndarray:
    """f, c, k, p in one array; MPI-INF-3DHP's cameras have no k and p."""
    parts = [np.ravel(values["f"]), np.ravel(values["c"])]
    parts += [np.ravel(values.get("k", np.zeros(3))), np.ravel(values.get("p", np.zeros(2)))]
    if [part.size for part in parts] != [2, 2, 3, 2]:
        raise ValueError(f"sizes {[part.size for part in parts]}")
    return np.concatenate(parts).astype(np.float64)
