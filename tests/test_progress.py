import io
import sys

import pytest

from tf_advpose import progress


class Clock:
    """Stands for `time`, and moves only when told to."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_in_a_log_there_is_a_line_now_and_then_and_one_at_the_end(clock, capsys):
    with progress.ProgressBar("photos", 100) as bar:
        for _ in range(100):
            clock.now += 1.0
            bar.advance(note="mpii")
    written = capsys.readouterr()
    assert written.out == ""  # which is for results
    lines = written.err.splitlines()
    assert len(lines) == 100 // 16 + 1  # the first second beyond 15 is the 16th
    assert lines[0] == "photos: 16/100, 1.0/s, 16 s, 84 s left  mpii"
    assert lines[-1] == "photos: 100/100, 1.0/s, 100 s, 0 s left"


def test_the_rate_of_a_resumed_run_counts_its_own_steps(clock, capsys):
    """Else a run resumed at step 900 would promise to end at once."""
    with progress.ProgressBar("adversarial", 1000, done=900) as bar:
        clock.now += 20.0
        bar.advance(10)
    assert capsys.readouterr().err.startswith("adversarial: 910/1000, 0.5/s, 20 s, 180 s left")


def test_work_that_fails_is_not_reported_as_finished(clock, capsys):
    with pytest.raises(KeyError), progress.ProgressBar("photos", 5) as bar:
        bar.advance()
        raise KeyError
    assert capsys.readouterr().err == ""


def test_nothing_to_do_is_no_division_by_zero(clock, capsys):
    assert list(progress.track([], "photos", 0)) == []
    assert capsys.readouterr().err == "photos: 0/0, 0.0/s, 0 s, 0 s left\n"


def test_track_yields_everything_in_order_and_counts_it(clock, capsys):
    assert list(progress.track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert "letters: 3/3" in capsys.readouterr().err


def test_on_a_terminal_there_is_one_live_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.ProgressBar("photos", 7, done=2) as bar:
        bar.advance(5, note="mpii")
    assert all(text in terminal.getvalue() for text in ("photos", "7/7", "mpii"))
    assert " s left" not in terminal.getvalue()
