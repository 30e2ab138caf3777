"""Checkpoints: whole or not there, and a damaged one does not end a run."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tf_advpose.training import checkpoints
from tf_advpose.training.checkpoints import Checkpoints


@pytest.fixture
def weights() -> tf.Variable:
    return tf.Variable(np.zeros(1000, np.float32))


@pytest.fixture
def kept(tmp_path, weights) -> Checkpoints:
    """Of steps 10 and 20; the weights are the step."""
    kept = Checkpoints(tmp_path / "checkpoints", model=tf.train.Checkpoint(weights=weights))
    for step in (10, 20):
        weights.assign(np.full(1000, step))
        kept.save(step)
    return kept


def files(folder: pathlib.Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob(pattern))


def test_the_newest_two_are_kept(kept, weights, tmp_path):
    kept.save(30)
    assert files(tmp_path, "*.index") == ["ckpt-20.index", "ckpt-30.index"]
    assert len(files(tmp_path)) == 4
    assert kept.restore(report=pytest.fail) == 30


def test_there_is_none_at_first(tmp_path, weights):
    assert Checkpoints(tmp_path / "none", model=tf.train.Checkpoint(weights=weights)).restore(print) is None


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_newest_one_is_reported_and_the_one_before_it_used(kept, weights, tmp_path, part, damage):
    path = tmp_path / "checkpoints" / f"ckpt-20.{part}"
    content = bytearray(path.read_bytes())
    content[10] ^= 0x40  # there is padding farther back
    damaged = {"truncated": content[: len(content) // 2], "flipped": content, "empty": b""}
    path.write_bytes(bytes(damaged[damage]))
    reports = []
    assert kept.restore(reports.append) == 10
    (report,) = reports
    assert "ckpt-20 is damaged" in report and "\n" not in report
    np.testing.assert_array_equal(weights, np.full(1000, 10))
    # The run goes on, and writes that step anew.
    weights.assign(np.full(1000, 21))
    kept.save(20)
    assert kept.restore(pytest.fail) == 20
    np.testing.assert_array_equal(weights, np.full(1000, 21))


def test_that_none_can_be_read_is_an_error(kept, tmp_path):
    for path in (tmp_path / "checkpoints").glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="No checkpoint in .* can be read. Remove that folder"):
        kept.restore(lambda _: None)


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_one_that_was_being_written_does_not_count(kept, weights, tmp_path, renames, monkeypatch):
    """Killed before, between and behind the renames of its two files."""
    replace, done = os.replace, []

    def die(*names):
        if len(done) == renames:
            raise KeyboardInterrupt
        replace(*names)
        done.append(names)

    weights.assign(np.full(1000, 30))
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.os, "replace", die)
        if renames < 2:
            with pytest.raises(KeyboardInterrupt):
                kept.save(30)
        else:
            kept.save(30)
    assert kept.restore(pytest.fail) == (30 if renames == 2 else 20)
    kept.save(40)
    assert files(tmp_path, "*.index")[-1] == "ckpt-40.index"
    assert not files(tmp_path, "incomplete*")
