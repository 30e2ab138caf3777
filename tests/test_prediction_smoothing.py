"""The One-Euro filter: its formula, still where joints rest, close where they move, people apart."""

import numpy as np
import pytest

from tf_advpose.prediction.poses import RECORD
from tf_advpose.prediction.smoothing import SMOOTHED, OneEuro, Smoother

RATE = 25.0


def records(frame: int, people: list[int], metres: np.ndarray | float) -> np.ndarray:
    """One frame, whose coordinates are all moved by `metres`; two millimetres are a pixel."""
    found = np.zeros(len(people), RECORD)
    found["frame"], found["person"] = frame, people
    base = np.random.default_rng(0).uniform(-500, 500, (16, 3))
    found["joints_3d"] = base + 1000 * metres
    found["joints_3d_absolute"] = base + [0, 0, 4000] + 1000 * metres
    found["joints_2d"] = (base[:, :2] + 1000 * metres) / 2
    found["confidence"] = 0.5
    return found


def test_it_is_the_papers_formula():
    settings = OneEuro(min_cutoff=1.3, beta=0.7, derivative_cutoff=0.9)
    smoother, rng = Smoother(settings, RATE), np.random.default_rng(1)
    given = rng.normal(0, 0.2, 12)
    found = [
        smoother.smooth(records(frame, [0], value))["joints_3d"][0, 3, 1]
        for frame, value in enumerate(given)
    ]
    base = records(0, [0], 0.0)["joints_3d"][0, 3, 1] / 1000

    def weight(cutoff):  # Eq. 2 and 3 of the paper
        return 1 / (1 + 1 / (2 * np.pi * cutoff) * RATE)

    value, speed, expected = given[0] + base, 0.0, [given[0] + base]
    for raw in given[1:] + base:
        change = (raw - value) * RATE
        speed = weight(0.9) * change + (1 - weight(0.9)) * speed
        share = weight(1.3 + 0.7 * abs(speed))
        value = share * raw + (1 - share) * value
        expected.append(value)
    np.testing.assert_allclose(np.array(found) / 1000, expected, atol=1e-4)


@pytest.mark.parametrize("name", SMOOTHED)
def test_rest_becomes_calm_and_a_step_is_followed(name):
    smoother, rng = Smoother(OneEuro(), RATE), np.random.default_rng(0)
    given, found = [], []
    for frame in range(200):
        value = rng.normal(0, 0.01) + (frame >= 100)  # one metre to the side
        given.append(records(frame, [0], value)[name][0, 0, 0])
        found.append(smoother.smooth(records(frame, [0], value))[name][0, 0, 0])
    assert np.std(found[50:100]) < 0.5 * np.std(given[50:100])
    step = np.mean(given[100:]) - np.mean(given[:100])
    assert abs(found[105] - given[105]) < 0.15 * step, "a fifth of a second later it must be there"


def test_people_and_gaps_are_kept_apart():
    """Someone who comes later starts as they are; after a long gap little is left of what was before."""
    smoother = Smoother(OneEuro(), RATE)
    smoother.smooth(records(0, [0], 0.0))
    both = smoother.smooth(records(1, [0, 1], 1.0))
    raw = records(1, [0, 1], 1.0)
    np.testing.assert_allclose(both["joints_3d"][1], raw["joints_3d"][1], atol=1e-3)
    assert np.abs(both["joints_3d"][0] - raw["joints_3d"][0]).min() > 100
    late = smoother.smooth(records(1 + 25 * 60, [1], 2.0))
    np.testing.assert_allclose(late["joints_3d"][0], records(0, [1], 2.0)["joints_3d"][0], atol=20)


def test_what_is_not_smoothed_stays():
    smoother = Smoother(OneEuro(), RATE)
    for frame in range(3):
        given = records(frame, [0], 0.3 * frame)
        found = smoother.smooth(given)
        for name in RECORD.names:
            if name not in SMOOTHED:
                np.testing.assert_array_equal(found[name], given[name])


@pytest.mark.parametrize("wrong", [{"min_cutoff": 0.0}, {"beta": -1.0}, {"derivative_cutoff": 0.0}])
def test_settings_that_make_no_filter_are_refused(wrong):
    with pytest.raises(ValueError, match="cutoffs above 0 and beta of at least 0"):
        OneEuro(**wrong)
