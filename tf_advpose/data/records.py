"""Record files: the same examples give the same bytes, and damage is found by name."""

from collections.abc import Iterable, Iterator

import tensorflow as tf
from tensorflow_datasets.core import file_adapters, writer


class RecordWriter(writer.ExampleWriter):
    """Writes TFRecords, the fields of each in one order; by itself TFDS's order changes from run to run."""

    def __init__(self):
        super().__init__(file_adapters.FileFormat.TFRECORD)

    def write(self, path: str, examples: Iterable[tuple[bytes, bytes]]):
        return super().write(path, _ordered(examples))


def _ordered(examples: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for key, example in examples:
        yield key, tf.train.Example.FromString(example).SerializeToString(deterministic=True)
