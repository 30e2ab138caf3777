"""Pickles from other people's hands: plain values and NumPy arrays are read, nothing is run."""

import pickle
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_NUMPY_NAMES = ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")


def load(file: BinaryIO):
    """Reads one pickle.

    Raises:
      pickle.UnpicklingError: it names anything but plain Python values and NumPy arrays.
    """
    return _ArraysOnly(file, encoding="latin1").load()  # the encoding is that of Python 2's arrays


def load_npz_object(path: Path, key: str):
    """Reads the Python object `key` that `numpy.savez` put into an .npz file.

    Raises:
      ValueError: the file is not readable, lacks `key`, or holds more than plain values and arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if f"{key}.npy" not in archive.namelist():
                raise ValueError(f"it has {', '.join(archive.namelist())}")
            with archive.open(f"{key}.npy") as file:
                version = np.lib.format.read_magic(file)
                shape, _, dtype = _HEADER_READERS[version](file)
                if shape or not dtype.hasobject:
                    raise ValueError(f"that is an array of shape {shape}, not an object")
                return load(file).item()
    except Exception as error:  # of many kinds, depending on what in the file is wrong
        raise ValueError(f"{path} is not a readable .npz file with the object {key}: {error}") from None


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        of_numpy = module.partition(".")[0] == "numpy" and name in _NUMPY_NAMES
        if of_numpy or (module, name) == ("_codecs", "encode"):  # bytes, in pickles that Python 2 can read
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in it")
