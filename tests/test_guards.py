"""The guards: the first step that went wrong is named, and a game that is no game is told of once."""

import json

import pytest
import tensorflow as tf

from tf_advpose.training import guards
from tf_advpose.training.guards import WATCHED_STEPS, Guard, NotFinite

GOOD = {"pose_loss": 0.5, "depth_loss": 0.1, "generator_gradient_norm": 2.0}


def accuracies(real: float, fake: float) -> dict:
    return {"accuracy_real": real, "accuracy_fake_lab": fake, "accuracy_fake_wild": fake}


def verdicts(guard: Guard, metrics: dict, steps: int) -> list[str]:
    """What the guard says over `steps` like steps, read one by one."""
    said = []
    for step in range(steps):
        guard.add(step, metrics)
        said.append(guard.check())
    return [line for line in said if line]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_first_step_that_is_not_finite_is_named(value):
    """With its player and its terms, wherever the metrics are read."""
    guard = Guard(gradients_may_overflow=False)
    guard.add(6, GOOD)
    guard.add(7, GOOD | {"depth_loss": tf.constant(value), "discriminator_loss": tf.constant(value)})
    guard.add(8, dict.fromkeys(GOOD, float("nan")))
    with pytest.raises(NotFinite) as raised:
        guard.check()
    assert raised.value.step == 7
    assert str(raised.value) == (
        "step 7: not finite: depth_loss (of the generator), discriminator_loss (of the discriminator)"
    )
    assert guard.check() == ""


def test_gradients_may_overflow_under_a_loss_scale_alone():
    """There the step is skipped; elsewhere it has already spoilt the weights."""
    overflow = GOOD | {"generator_gradient_norm": float("inf")}
    scaled, plain = Guard(gradients_may_overflow=True), Guard(gradients_may_overflow=False)
    for guard in (scaled, plain):
        guard.add(1, overflow)
    assert scaled.check() == ""
    with pytest.raises(NotFinite, match="generator_gradient_norm"):
        plain.check()


@pytest.mark.parametrize(
    ("real", "fake", "said"),
    [
        (1.0, 1.0, "won: accuracy 1.000"),
        (0.5, 0.5, "lost: accuracy 0.500"),
        (1.0, 0.0, "lost: accuracy 0.500"),  # takes everything for real
        (0.8, 0.7, None),
        (0.98, 0.99, None),
    ],
)
def test_a_discriminator_that_has_won_or_lost_is_told_of_once(real, fake, said):
    guard = Guard(gradients_may_overflow=False)
    assert not verdicts(guard, accuracies(real, fake), WATCHED_STEPS - 1)
    lines = verdicts(guard, accuracies(real, fake), WATCHED_STEPS)
    assert len(lines) == bool(said)
    if said:
        assert said in lines[0]
        assert not verdicts(guard, accuracies(0.75, 0.75), WATCHED_STEPS)
        assert len(verdicts(guard, accuracies(real, fake), WATCHED_STEPS)) == 1  # once more


def test_evidence_is_json(tmp_path):
    problem = NotFinite(3, {"pose_loss": float("nan"), "heatmap_loss": 0.25}, ["pose_loss"])
    path = guards.save_evidence(tmp_path, problem, ["lab-7", "wild-1"])
    assert json.loads(path.read_text()) == {
        "step": 3,
        "metrics": {"pose_loss": "nan", "heatmap_loss": 0.25},
        "example_ids": ["lab-7", "wild-1"],
    }
