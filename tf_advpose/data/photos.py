"""Datasets of photos on the user's disk: what Human3.6M, MPII and MPI-INF-3DHP share.

A layout is one way in which a dataset lies in files. Each layout has one reader,

    read_<layout>(source: Path, split: str, skipped: Counter) -> Iterator[dict]

which yields, person by person, the arguments of `schema.make_example` with the photo's path or its
`VideoFrame` in place of the photo, and counts in `skipped`, by reason, what it leaves out. People of one
photo follow each other, and so do the frames of one video, in ascending order.
"""

import collections
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from tf_advpose.data import schema
from tf_advpose.progress import track

Reader = Callable[[Path, str, collections.Counter], Iterator[dict]]

MISSING_PHOTO = "the photo is missing"
_ENTRIES_SHOWN = 6


@dataclasses.dataclass(frozen=True)
class VideoFrame:
    """One frame of a video, in place of a photo."""

    path: Path
    index: int  # from 0


class PhotoDataset(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A dataset whose labels are read by a layout's reader; its docstring is the dataset's card."""

    VERSION = tfds.core.Version("1.0.0")
    SPLITS = ("train", "test")
    HOMEPAGE: str
    CITATION: str

    def __init__(self, *, source: str, skip_missing: bool = False, **kwargs):
        """A builder that reads the folder or label file `source`.

        With `skip_missing`, people whose photo is missing are left out and counted; without, they are an
        error.
        """
        self._source = Path(source).expanduser()
        self._skip_missing = skip_missing
        super().__init__(**kwargs)

    @staticmethod
    def find_layout(source: Path) -> tuple[Reader, Path]:
        """The reader for what is in `source`, and where that reader is to start."""
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        return dataset_info(self)

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        reader, start = self.find_layout(self._source)
        skipped = collections.Counter()
        counts, missing = {}, []
        for split in self.SPLITS:
            counts[split] = 0
            for person in reader(start, split, skipped):
                if person["image"].is_file():
                    counts[split] += 1
                else:
                    missing.append(person["image"])
        if missing and not self._skip_missing:
            people = sum(counts.values()) + len(missing)
            raise FileNotFoundError(
                f"Of {people} labelled people of {self.name}, {len(missing)} have no photo; the first is "
                f"{missing[0]}. Complete the photos, or leave these people out (--skip_missing)."
            )
        if missing:
            skipped[MISSING_PHOTO] = len(missing)
        if not any(counts.values()):
            reasons = "; ".join(f"{reason}: {count}" for reason, count in skipped.items())
            raise ValueError(f"Not one example is left of {start}; left out: {reasons or 'nothing'}.")
        self.info.metadata.update(layout=reader.__name__.removeprefix("read_"), skipped=dict(skipped))
        # The readers run once more: the labels of a million photos need not be held in memory.
        return {
            split: self._generate_examples(reader(start, split, collections.Counter()), split, count)
            for split, count in counts.items()
            if count
        }

    def _generate_examples(self, people: Iterable[dict], split: str, count: int) -> Iterator:
        present = (person for person in people if person["image"].is_file())
        for person in track(present, f"{self.name} {split}", count):
            photo = schema.read_image(str(person.pop("image")))
            yield person["example_id"], schema.make_example(photo, **person)


def dataset_info(builder: tfds.core.DatasetBuilder) -> tfds.core.DatasetInfo:
    """What TFDS stores beside the examples; the builder's docstring describes them."""
    return tfds.core.DatasetInfo(
        builder=builder,
        description=inspect.cleandoc(type(builder).__doc__),
        features=schema.features(),
        homepage=builder.HOMEPAGE,
        citation=builder.CITATION,
        metadata=tfds.core.MetadataDict(),
    )


def find_labels(source: Path, patterns: Sequence[str], expected: str) -> Path:
    """The first file in the folder `source` that matches one of the glob `patterns`.

    Raises:
      FileNotFoundError: there is no such folder; says what is `expected` in it.
      ValueError: it holds no such file; says what is `expected`, what is there, and where it is if that
        is one folder up or down.
    """
    if not source.is_dir():
        what = "is a file, not a folder" if source.is_file() else "does not exist"
        raise FileNotFoundError(f"{source} {what}: expected a folder with {expected}.")
    for pattern in patterns:
        if found := sorted(source.glob(pattern)):
            return found[0]
    neighbours = (source.resolve().parent, *sorted(path for path in source.glob("*") if path.is_dir()))
    for folder in neighbours:
        if any(any(folder.glob(pattern)) for pattern in patterns):
            raise ValueError(
                f"{source} is the wrong folder level: expected one with {expected}, which is {folder}."
            )
    entries = sorted(path.name for path in source.glob("*"))
    shown = ", ".join(entries[:_ENTRIES_SHOWN]) + (", ..." if len(entries) > _ENTRIES_SHOWN else "")
    raise ValueError(f"No labels in {source}: expected {expected}; found {shown or 'nothing'}.")
