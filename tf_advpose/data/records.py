"""Record files: the same examples give the same bytes, and damage is found by name."""

import os
import struct
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf
from tensorflow_datasets.core import file_adapters, writer

# A TFRecord is its length (8 bytes), the length's checksum (4), the record, the record's checksum (4).
_BEFORE, _AROUND = 12, 16
_ADVICE = "Delete the dataset's folder and prepare it again."


class RecordWriter(writer.ExampleWriter):
    """Writes TFRecords, the fields of each in one order; by itself TFDS's order changes from run to run."""

    def __init__(self):
        super().__init__(file_adapters.FileFormat.TFRECORD)

    def write(self, path: str, examples: Iterable[tuple[bytes, bytes]]):
        return super().write(path, _ordered(examples))


def _ordered(examples: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for key, example in examples:
        yield key, tf.train.Example.FromString(example).SerializeToString(deterministic=True)


def check_complete(files: Sequence[str], lengths: Sequence[int], num_bytes: int) -> None:
    """Compares the sizes of a split's files with what it should hold; reads nothing if they are right.

    Args:
      files: TFRecord files.
      lengths: how many records each should have.
      num_bytes: of all records together.

    Raises:
      FileNotFoundError, ValueError: a file is missing or truncated; names it.
    """
    for file in files:
        if not os.path.isfile(file):
            raise FileNotFoundError(f"Part of a prepared dataset is missing: {file}. {_ADVICE}")
    if sum(map(os.path.getsize, files)) == num_bytes + _AROUND * sum(lengths):
        return
    for file, length in zip(files, lengths, strict=True):
        found = _count_whole(file)
        if found != length:
            raise ValueError(f"{file} is truncated: it has {found} whole records of {length}. {_ADVICE}")
    raise ValueError(f"{os.path.dirname(files[0])} is not as it was when it was prepared. {_ADVICE}")


def find_damage(files: Iterable[str]) -> str | None:
    """Reads `files` with their checksums; says which one is damaged, or None if none is."""
    for file in files:
        try:
            for _ in tf.data.TFRecordDataset(file).batch(64):
                pass
        except tf.errors.DataLossError as error:
            reason = error.message.rpartition("}}")[2].partition("[")[0].strip()
            return f"{file} is damaged: {reason}. {_ADVICE}"
    return None


def _count_whole(file: str) -> int:
    """How many records `file` has, up to where it has been cut off."""
    size, end, count = os.path.getsize(file), 0, 0
    with open(file, "rb") as stream:
        while end + _BEFORE <= size:
            stream.seek(end)
            end += struct.unpack("<Q", stream.read(8))[0] + _AROUND
            count += end <= size
    return count
