"""Datasets of photos on the user's disk: what Human3.6M, MPII and MPI-INF-3DHP share.

A layout is one way in which a dataset lies in files. Each layout has one reader,

    read_<layout>(source: Path, split: str, skipped: Counter) -> Iterator[dict]

which yields, person by person, the arguments of `schema.make_example` with the photo's path or its
`VideoFrame` in place of the photo, and counts in `skipped`, by reason, what it leaves out. People of one
photo follow each other, and so do the frames of one video, in ascending order. What else a reader takes is
bound by `functools.partial`, and is stored with the dataset.
"""

import collections
import functools
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from tf_advpose.data import groups, records, schema, workers
from tf_advpose.data.video import VideoFrame
from tf_advpose.progress import ProgressBar

__all__ = ["PhotoDataset", "Reader", "VideoFrame", "dataset_info", "find_labels"]

Reader = Callable[[Path, str, collections.Counter], Iterator[dict]]

EXAMPLES_PER_PROCESS = 500  # for fewer it does not pay to start one
_NAMES_KEPT = 3  # of what was left out for one reason
_ENTRIES_SHOWN = 6


class PhotoDataset(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A dataset whose labels are read by a layout's reader; its docstring is the dataset's card."""

    VERSION = tfds.core.Version("2.0.0")
    SPLITS = ("train", "test")
    HOMEPAGE: str
    CITATION: str
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Obtain it from its owners, as its description says."

    def __init__(
        self, *, source: str | None = None, lenient: bool = False, processes: int | None = None, **kwargs
    ):
        """A builder that reads the folder or label file `source`.

        Args:
          source: None: the folder that `tfds build` calls --manual_dir.
          lenient: leave out, count and name what cannot be used; otherwise the first such is an error.
          processes: at most so many make examples at a time; the examples are the same. None: one a core.
        """
        self._source = source
        self._lenient = lenient
        self._processes = processes or os.cpu_count()
        super().__init__(**kwargs)

    @staticmethod
    def find_layout(source: Path) -> tuple[Reader, Path]:
        """The reader for what is in `source`, and where that reader is to start."""
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        return dataset_info(self)

    def _example_writer(self) -> records.RecordWriter:
        return records.RecordWriter()

    def _download_and_prepare(self, dl_manager, download_config: tfds.download.DownloadConfig) -> None:
        self._by_beam = download_config.beam_options is not None
        super()._download_and_prepare(dl_manager, download_config)
        for key in ("skipped", "skipped_first"):  # in no order of arrival
            self.info.metadata[key] = dict(sorted(self.info.metadata[key].items()))

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        reader, start = self.find_layout(Path(self._source or dl_manager.manual_dir).expanduser())
        named = getattr(reader, "func", reader).__name__
        self.info.metadata.update(
            layout=named.removeprefix("read_"),
            settings=getattr(reader, "keywords", {}),
            skipped=collections.Counter(),
            skipped_first={},
        )
        counts = self._check_labels(reader, start)
        # The readers run once more: the labels of a million photos need not be held in memory.
        return {
            split: self._generate_examples(functools.partial(_present, reader, start, split), split, count)
            for split, count in counts.items()
            if count
        }

    def _check_labels(self, reader: Reader, start: Path) -> dict[str, int]:
        """Reads all labels before the first photo; counts the people of each split who have their photo."""
        counts, missing = collections.Counter(), []
        for split in self.SPLITS:
            ids = set()
            for group in groups.gather(reader(start, split, self.info.metadata["skipped"])):
                for person in group.people:
                    if person["example_id"] in ids:
                        raise ValueError(
                            f"Two {split} examples of {start} are called {person['example_id']}."
                        )
                    ids.add(person["example_id"])
                if group.file.is_file():
                    counts[split] += len(group.people)
                else:
                    missing.append(groups.missing(group))
        people = sum(skipped.people for skipped in missing)
        if missing and not self._lenient:
            raise FileNotFoundError(
                f"Of {counts.total() + people} labelled people of {self.name}, {people} have no photo or "
                f"video; the first is {missing[0].where}. Complete them, or leave them out (--lenient)."
            )
        for skipped in missing:
            self._note_skipped(skipped)
        if not counts.total():
            raise ValueError(f"Not one example is left of {start}; left out: {self._reasons()}.")
        return counts

    def _generate_examples(self, read: Callable[[], Iterator[groups.Group]], split: str, count: int):
        """The examples of a split: an iterator that makes them here, or a Beam transform."""
        make = functools.partial(groups.make_examples, lenient=self._lenient)
        if not self._by_beam:
            return self._make_here(read, make, split, count)
        from tf_advpose.data import beam_pipeline

        return beam_pipeline.examples(read, make, self._skipped_path(split))

    def _make_here(self, read, make, split: str, count: int) -> Iterator[tuple[str, dict]]:
        processes = min(self._processes, -(-count // EXAMPLES_PER_PROCESS))
        made = 0
        with ProgressBar(f"{self.name} {split}", count) as bar:
            for result in workers.run(make, read(), processes):
                if isinstance(result, groups.Skipped):
                    self._note_skipped(result)
                    bar.advance(result.people)
                else:
                    yield result
                    made += 1
                    bar.advance()
        if not made:
            raise ValueError(
                f"Not one example is left of the split {split!r}; left out: {self._reasons()}."
            )

    def _process_pipeline_result(self, pipeline_result) -> None:
        from tf_advpose.data import beam_pipeline

        for path in map(self._skipped_path, self.SPLITS):
            if path.exists():
                for skipped in beam_pipeline.read_skipped(path):
                    self._note_skipped(skipped)

    def _skipped_path(self, split: str) -> Path:
        """Where Beam leaves what was left out, until it has finished."""
        return Path(self.data_dir) / f"skipped-{split}.json"

    def _note_skipped(self, skipped: groups.Skipped) -> None:
        """Counts it, and keeps its name if that is among the first, whatever order they come in."""
        counts, first = self.info.metadata["skipped"], self.info.metadata["skipped_first"]
        counts[skipped.reason] += skipped.people
        names = first.get(skipped.reason, [])
        first[skipped.reason] = sorted({*names, skipped.where})[:_NAMES_KEPT]

    def _reasons(self) -> str:
        skipped = self.info.metadata["skipped"]
        return "; ".join(f"{reason}: {count}" for reason, count in skipped.items()) or "nothing"


def _present(reader: Reader, start: Path, split: str) -> Iterator[groups.Group]:
    """The groups of a split that have their file; what is left out has been counted before."""
    for group in groups.gather(reader(start, split, collections.Counter())):
        if group.file.is_file():
            yield group


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
