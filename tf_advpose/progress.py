"""One progress bar for all that takes long: live on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator

try:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
except ImportError:  # it comes with Keras, which a .tflite file does not need
    Console = None

LOG_INTERVAL = 15.0  # seconds between two lines where there is no terminal


class ProgressBar:
    """Shows how far `label` has come of `total`, its rate, and the time left.

    Use as a context manager; call `advance` after each piece of work.
    """

    def __init__(self, label: str, total: int, done: int = 0):
        self._label, self._total, self._done, self._start = label, total, done, done
        self._console = Console(file=sys.stderr) if Console else None
        self._live = None
        if self._console and self._console.is_terminal:
            self._live = Progress(
                TextColumn("{task.description:<24}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=self._console,
            )
            self._task = self._live.add_task(label, total=total, completed=done, note="")

    def __enter__(self) -> "ProgressBar":
        self._started = self._last_line = time.monotonic()
        if self._live:
            self._live.start()
        return self

    def __exit__(self, exception_type, *_):
        if self._live:
            self._live.stop()
        elif exception_type is None:
            self._print_line("")

    def advance(self, count: int = 1, note: str = "") -> None:
        """Counts `count` more pieces as done; `note` is shown behind the bar."""
        self._done += count
        if self._live:
            self._live.update(self._task, advance=count, note=note)
        elif time.monotonic() - self._last_line > LOG_INTERVAL:
            self._print_line(note)

    def say(self, line: str) -> None:
        """Prints a line above the bar, or into the log."""
        if self._console:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _print_line(self, note: str) -> None:
        self._last_line = time.monotonic()
        elapsed = self._last_line - self._started
        rate = (self._done - self._start) / max(elapsed, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        line = (
            f"{self._label}: {self._done}/{self._total}, {rate:.1f}/s, {elapsed:.0f} s, {left:.0f} s left"
        )
        print(f"{line}  {note}".rstrip(), file=sys.stderr, flush=True)


def track(items: Iterable, label: str, total: int) -> Iterator:
    """Yields `items`, showing the progress."""
    with ProgressBar(label, total) as bar:
        for item in items:
            yield item
            bar.advance()
