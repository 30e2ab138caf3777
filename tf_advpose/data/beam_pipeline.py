"""Preparation on many machines, as an Apache Beam pipeline; needs requirements-beam.txt.

The machines read the source and write the dataset in place: both folders must lie where all of them see
them, under the same names, and this package must be installed on each.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

try:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"--beam needs packages of its own ({error}): pip install -r requirements-beam.txt"
    ) from None

from tf_advpose.data import groups


def options(flags: list[str]) -> PipelineOptions:
    """The options of a pipeline, such as ["--runner=FlinkRunner", "--flink_master=host:8081"]."""
    return PipelineOptions(flags)


def examples(
    read: Callable[[], Iterable[groups.Group]],
    make: Callable[[groups.Group], Iterable],
    skipped: Path,
) -> beam.PTransform:
    """A transform that gives the examples, with their ids, of one split.

    Args:
      read: gives the split's groups; one machine runs it.
      make: `groups.make_examples`, or a partial of it; all machines run it.
      skipped: JSON file to which is written what was left out; see `read_skipped`.
    """

    def expand(pipeline):
        results = (
            pipeline
            | "Start" >> beam.Create([None])
            | "Read labels" >> beam.FlatMap(lambda _: read())
            | "Spread" >> beam.Reshuffle()
            | "Make examples" >> beam.FlatMap(make)
        )
        _ = (
            results
            | "Left out" >> beam.Filter(_is_skipped)
            | "Collect" >> beam.combiners.ToList()
            | "Write what was left out" >> beam.Map(_write_skipped, skipped)
        )
        return results | "Examples" >> beam.Filter(lambda result: not _is_skipped(result))

    return beam.ptransform_fn(expand)()


def read_skipped(path: Path) -> list[groups.Skipped]:
    """Reads, and removes, what `examples` has written."""
    records = json.loads(path.read_text())
    path.unlink()
    return [groups.Skipped(*record) for record in records]


def _is_skipped(result: tuple | groups.Skipped) -> bool:
    return isinstance(result, groups.Skipped)


def _write_skipped(skipped: list[groups.Skipped], path: Path) -> None:
    path.write_text(json.dumps([(one.reason, one.where, one.people) for one in skipped]))
