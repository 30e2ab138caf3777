"""Learning rates over a stage, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose.config import Config, StageConfig
from tf_advpose.training import optimizers, schedules


def rates(**settings) -> np.ndarray:
    """Those of the first eight steps."""
    stage = StageConfig(steps=8, wild_share=0.0, learning_rate=0.8, **settings)
    rate = schedules.learning_rate(stage)
    return np.array([schedules.rate_of_step(rate, step) for step in range(1, 9)])


COSINE = 0.4 * (1 + np.cos(np.pi * np.arange(8) / 8))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.8] * 8),
        ({"schedule": "cosine"}, COSINE),
        ({"schedule": "step", "drops": (2, 5)}, [0.8, 0.8, 0.08, 0.08, 0.08, 0.008, 0.008, 0.008]),
        ({"schedule": "step", "drops": (3,), "drop_factor": 0.5}, [0.8] * 3 + [0.4] * 5),
        ({"warm_up": 4}, [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8]),
        ({"warm_up": 2, "schedule": "cosine"}, COSINE * [0.5, 1, 1, 1, 1, 1, 1, 1]),
        ({"warm_up": 2, "schedule": "step", "drops": (1,)}, [0.4] + [0.08] * 7),
    ],
)
def test_rates_are_those_of_the_schedule(settings, expected):
    np.testing.assert_allclose(rates(**settings), expected, rtol=1e-5)


def test_optimizers_follow_the_schedule():
    """A step uses the rate that is logged for it."""
    stage = StageConfig(steps=8, wild_share=0.0, learning_rate=0.8, warm_up=4)
    optimizer = optimizers.generator_optimizer(Config(), stage)
    variable = keras.Variable(1.0)
    for step in range(1, 4):
        rate = schedules.rate_of_step(schedules.learning_rate(stage), step)
        assert float(optimizer.learning_rate) == pytest.approx(rate)
        optimizers.apply_gradients(optimizer, [tf.constant(1.0)], [variable])


def test_cosine_schedule_ends_at_zero():
    stage = StageConfig(steps=4, wild_share=0, learning_rate=0.1, schedule="cosine")
    optimizer = optimizers.generator_optimizer(Config(), stage)
    variable, rates = keras.Variable(1.0), []
    for _ in range(5):
        rates.append(float(optimizer.learning_rate))
        optimizers.apply_gradients(optimizer, [tf.constant(1.0)], [variable])
    np.testing.assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * np.arange(5) / 4)), atol=1e-7)
