"""Writes files so that they appear under their names only when they are complete."""

import contextlib
import json
import os
import pathlib
import re
from collections.abc import Iterator

ASIDE_PREFIX = "incomplete-"
_NUMBERS = re.compile(r"\[\n([^\[\]{}\"]*)\]")  # a list that holds nothing else, in JSON


@contextlib.contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields where to write; renames that to `path` in the end, or removes it where writing fails."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{ASIDE_PREFIX}{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def is_fresh(folder: str | os.PathLike) -> bool:
    """Whether `folder` is missing or empty, but for halves of files that a killed process left there."""
    folder = pathlib.Path(folder)
    return not folder.exists() or all(path.name.startswith(ASIDE_PREFIX) for path in folder.iterdir())


def write_json(path: str | os.PathLike, values: dict) -> None:
    """Writes `values` as JSON, lists of numbers on a line each.

    Raises:
      ValueError: a number that JSON does not have, such as NaN.
    """
    text = numbers_on_a_line(json.dumps(values, indent=2, allow_nan=False))
    with written_aside(path) as aside:
        aside.write_text(text + "\n")


def numbers_on_a_line(text: str) -> str:
    """Indented JSON with each list of numbers on a line."""
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
