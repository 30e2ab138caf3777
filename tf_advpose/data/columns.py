"""Labels that lie in an HDF5 file as columns, a row an example: `read_columns`."""

from pathlib import Path

import h5py
import numpy as np


def read_columns(path: Path, shapes: dict[str, tuple[int, ...] | None], kind: str) -> dict[str, np.ndarray]:
    """The columns of a file, as many rows of each.

    Args:
      shapes: of one row of each column; None: any.
      kind: what the file should be, for errors, such as "an HDF5 file".

    Raises:
      ValueError: it is no such file, lacks a column, or one has another shape.
    """
    try:
        with h5py.File(path) as file:
            columns = {key: file[key][:] for key in shapes}
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not {kind} with {', '.join(shapes)}: {error}") from None
    count = len(next(iter(columns.values())))
    for key, shape in shapes.items():
        if shape is not None and columns[key].shape != (count, *shape):
            raise ValueError(f"{path}: {key} has shape {columns[key].shape}, expected {(count, *shape)}.")
    return columns
