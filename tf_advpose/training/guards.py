"""Watches over the metrics of every step: numbers that are not finite, and a game that is no game.

Reading a metric waits for the step that computes it. So the metrics of all steps are kept as they come, and
read together where the run waits anyway: when it logs, and before a checkpoint, which is therefore good.
"""

import collections
import math
import pathlib

from tf_advpose.files import write_json
from tf_advpose.training.steps import Metrics

WATCHED_STEPS = 500  # of the discriminator's accuracy
WON, LOST = 0.99, 0.55  # mean accuracy over real and predicted poses; 0.5 is what guessing gets


class NotFinite(Exception):
    """A step gave a loss or a gradient that is not finite."""

    def __init__(self, step: int, metrics: dict[str, float], names: list[str]):
        """`names`: those of `metrics` that are not finite."""
        self.step, self.metrics = step, metrics
        found = ", ".join(f"{name} (of the {_player(name)})" for name in names)
        super().__init__(f"step {step}: not finite: {found}")


def _player(metric: str) -> str:
    return "discriminator" if metric.startswith("discriminator") else "generator"


class Guard:
    """Reads what the steps of a stage have returned."""

    def __init__(self, gradients_may_overflow: bool):
        """`gradients_may_overflow`: as they may under a loss scale, which then skips the step."""
        self._checked = ("_loss",) if gradients_may_overflow else ("_loss", "_gradient_norm")
        self._unread: list[tuple[int, Metrics]] = []
        self._accuracies: collections.deque[float] = collections.deque(maxlen=WATCHED_STEPS)
        self._verdict = ""

    def add(self, step: int, metrics: Metrics) -> None:
        """Takes the metrics of a step, without waiting for them."""
        self._unread.append((step, metrics))

    def check(self) -> str:
        """Reads all metrics taken since the last time.

        Returns:
          A line where the discriminator has won or lost since the last time, else an empty one.

        Raises:
          NotFinite: of the first step that has a number which is not finite.
        """
        unread, self._unread = self._unread, []
        for step, metrics in unread:
            values = {name: float(value) for name, value in metrics.items()}
            checked = [name for name in values if name.endswith(self._checked)]
            if bad := [name for name in checked if not math.isfinite(values[name])]:
                raise NotFinite(step, values, bad)
            if "accuracy_real" in values:
                self._accuracies.append(_accuracy(values))
        return self._new_verdict()

    def _new_verdict(self) -> str:
        if len(self._accuracies) < WATCHED_STEPS:
            return ""
        mean = sum(self._accuracies) / WATCHED_STEPS
        verdict = "won" if mean > WON else "lost" if mean < LOST else ""
        is_new, self._verdict = verdict != self._verdict, verdict
        if not verdict or not is_new:
            return ""
        return f"the discriminator has {verdict}: accuracy {mean:.3f} over the last {WATCHED_STEPS} steps"


def _accuracy(values: dict[str, float]) -> float:
    """The mean of the shares of real and of predicted poses that the discriminator knew."""
    fakes = [values[name] for name in values if name.startswith("accuracy_fake")]
    return (values["accuracy_real"] + sum(fakes) / len(fakes)) / 2


def save_evidence(folder: pathlib.Path, problem: NotFinite, example_ids: list[str]) -> pathlib.Path:
    """Writes what is known of a step that went wrong, and returns where."""
    path = folder / f"not_finite_step_{problem.step}.json"
    # JSON has no NaN.
    metrics = {
        name: value if math.isfinite(value) else str(value) for name, value in problem.metrics.items()
    }
    write_json(path, {"step": problem.step, "metrics": metrics, "example_ids": example_ids})
    return path
