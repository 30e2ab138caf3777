"""Intervals: known spreads, whole sequences, and pairs of models that share their luck."""

import dataclasses

import numpy as np
from evaluated_people import random_people, with_errors
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose.evaluation import conventions, protocols, uncertainty
from tf_advpose.evaluation.scores import score
from tf_advpose.skeleton import PELVIS


def test_averages_know_their_cells():
    values = np.array([[1.0, 3.0], [np.nan, 5.0], [10.0, 10.0]])
    np.testing.assert_allclose(uncertainty.average(values).value(), 29 / 5)
    np.testing.assert_allclose(uncertainty.average(values, np.array([0, 0, 1])).value(), (3 + 10) / 2)
    np.testing.assert_allclose(uncertainty.average(values, np.array([0, -1, 0])).value(), 6)
    np.testing.assert_allclose(uncertainty.average_of_columns(values).value(), (5.5 + 6) / 2)
    assert np.isnan(uncertainty.average(np.full((2, 2), np.nan)).value())


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_an_interval_of_examples_is_as_wide_as_theory_says(seed):
    values = np.random.default_rng(seed).normal(50, 10, size=(200, 1))
    one = {"error": uncertainty.average(values)}
    (low, high) = uncertainty.intervals(one, np.arange(200))["error"]
    assert low < values.mean() < high
    np.testing.assert_allclose(high - low, 2 * 1.96 * values.std() / np.sqrt(200), rtol=0.15)


def test_frames_of_a_sequence_do_not_count_as_so_many_witnesses():
    """Ten sequences whose hundred frames all agree say no more than ten frames."""
    levels = np.random.default_rng(1).normal(50, 10, size=10)
    values = np.repeat(levels, 100)[:, None]
    one = {"error": uncertainty.average(values)}
    by_name = np.repeat([f"S{number}" for number in range(10)], 100)
    unit, group = uncertainty.drawn_by(by_name)
    assert unit == "sequence" and group.max() == 9
    wide, narrow = (
        np.ptp(uncertainty.intervals(one, draws)["error"]) for draws in (group, np.arange(1000))
    )
    assert wide > 5 * narrow
    frames = {"error": uncertainty.average(levels[:, None])}
    np.testing.assert_allclose(wide, np.ptp(uncertainty.intervals(frames, np.arange(10))["error"]))


def test_unknown_or_single_sequences_are_drawn_by_example():
    assert uncertainty.drawn_by(np.array(["a", "", "b"]))[0] == "example"
    assert uncertainty.drawn_by(np.array(["a", "a"]))[0] == "example"


def test_one_example_has_no_interval():
    assert uncertainty.intervals({"error": uncertainty.average(np.ones((1, 3)))}, np.zeros(1, int)) == {
        "error": None
    }


def people_with_error(size: float, seed: int):
    """Thirty people whose errors differ widely, and by `size` mm from those of another size."""
    people = random_people(30)
    generator = np.random.default_rng(0)
    errors = np.zeros(people.joints_3d.shape)
    errors[..., 0] = generator.uniform(0, 400, size=(30, 1)) + size
    errors[..., 0] += np.random.default_rng(seed).normal(scale=0.5, size=(30, 16))
    errors[:, PELVIS] = 0
    return dataclasses.replace(with_errors(people, errors), head_size=None)


def test_a_small_difference_of_two_models_shows_in_pairs():
    """Alone each model's interval is far wider than the 3 mm between them."""
    first, second = (score(people_with_error(size, seed=int(size)), conventions.PAPERS) for size in (3, 0))
    found = protocols.compare(first, second)["mpjpe"]
    np.testing.assert_allclose(found["difference"], -3 * 15 / 16, atol=0.2)
    low, high = found["interval"]
    assert low < found["difference"] < high < 0
    assert high - low < 0.5
    low, high = protocols.summarise(first)["intervals"]["mpjpe"]
    assert high - low > 30


def test_a_model_does_not_differ_from_itself():
    scores = score(people_with_error(0, seed=1), conventions.PAPERS)
    for name, found in protocols.compare(scores, scores).items():
        assert (found["difference"], found["interval"]) == (0, (0, 0)), name
    again = score(people_with_error(0, seed=1), conventions.PAPERS)
    assert protocols.summarise(scores) == protocols.summarise(again), "intervals are repeatable"
