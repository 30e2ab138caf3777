"""Writes files so that they appear under their names only when they are complete."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields where to write; renames that to `path` in the end, or removes it where writing fails."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"incomplete-{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, values: dict) -> None:
    """Writes `values` as JSON; raises ValueError for a number that JSON does not have, such as NaN."""
    text = json.dumps(values, indent=2, allow_nan=False)
    with written_aside(path) as aside:
        aside.write_text(text + "\n")
