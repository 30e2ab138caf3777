"""Checkpoints of a stage: written aside, then renamed; read back from the newest that is whole."""

import os
import pathlib
import shutil
from collections.abc import Callable

import tensorflow as tf

from tf_advpose.work_folder import checkpoint_path, kept_checkpoints

KEPT = 2
ASIDE = "incomplete"


class Checkpoints:
    """What a stage goes on from, in `folder`: ckpt-<step>.data-*, and ckpt-<step>.index, which counts."""

    def __init__(self, folder: pathlib.Path, **state):
        """`state`: all that a step changes, by name: models and optimisers."""
        self._folder = folder
        self._step = tf.Variable(0, dtype=tf.int64)
        self._checkpoint = tf.train.Checkpoint(step=self._step, **state)

    def save(self, step: int) -> None:
        """Writes the state as it is after `step`, and drops all but the newest `KEPT`."""
        self._step.assign(step)
        aside = self._folder / ASIDE
        shutil.rmtree(aside, ignore_errors=True)  # of a run that was killed
        self._checkpoint.write(str(checkpoint_path(aside, step)))
        for path in sorted(aside.iterdir()):  # the index behind the data
            os.replace(path, self._folder / path.name)
        aside.rmdir()
        for old in kept_checkpoints(self._folder)[KEPT:]:
            for path in sorted(self._folder.glob(f"ckpt-{old}.*"), reverse=True):  # the index first
                path.unlink()

    def restore(self, report: Callable[[str], None]) -> int | None:
        """Sets the state to that of the newest checkpoint which is whole.

        Args:
          report: told of every damaged one, in a line.

        Returns:
          Its step; None where there is no checkpoint yet.

        Raises:
          ValueError: there are checkpoints, all of them damaged.
        """
        steps = kept_checkpoints(self._folder)
        for step in steps:
            path = checkpoint_path(self._folder, step)
            try:
                self._checkpoint.read(str(path)).assert_existing_objects_matched()
            except (tf.errors.OpError, IndexError, AssertionError, ValueError) as error:
                report(f"{path} is damaged, the one before it is tried ({type(error).__name__}).")
            else:
                return int(self._step)
        if steps:
            raise ValueError(
                f"No checkpoint in {self._folder} can be read. Remove that folder to start the stage again."
            )
        return None
