"""The optimisers of both players, and how their gradients are applied."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose.config import Config, StageConfig
from tf_advpose.training import optimizers


def test_optimizers_are_those_of_the_public_code():
    """RMSprop 2.5e-4, rho 0.99 for the generator, Adam 1e-4, beta_1 0.5 for the discriminator."""
    config = Config()
    player = optimizers.generator_optimizer(config, config.adversarial)
    assert isinstance(player, keras.optimizers.RMSprop)
    assert (float(player.learning_rate), player.rho) == (pytest.approx(2.5e-4), 0.99)
    opponent = optimizers.discriminator_optimizer(config)
    assert isinstance(opponent, keras.optimizers.Adam)
    assert (float(opponent.learning_rate), opponent.beta_1) == (pytest.approx(1e-4), 0.5)


def test_rmsprop_steps_as_pytorchs_does():
    """sqrt(mean square) + 1e-8 below the line there: also small gradients move by the full step."""
    variable = keras.Variable([1.0, 1.0, 1.0])
    stage = StageConfig(steps=5, wild_share=0, learning_rate=0.01)
    optimizer = optimizers.generator_optimizer(Config(), stage)
    gradient, square, expected = np.array([2.0, 1e-5, 0.0]), np.zeros(3), np.ones(3)
    for _ in range(3):
        optimizers.apply_gradients(optimizer, [tf.constant(gradient, tf.float32)], [variable])
        square = 0.99 * square + 0.01 * gradient**2
        expected -= 0.01 * gradient / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(variable.numpy(), expected, atol=2e-3)
    assert expected[1] < 0.8


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_gradients_are_cut_to_the_largest_norm(policy):
    """Of the gradients without the loss scale; the norm that is told is the one before."""
    variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    optimizer = optimizers.discriminator_optimizer(Config(policy=policy))
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    optimizer.build(variables)
    scale = optimizers.loss_scale(optimizer)
    gradients = [tf.constant([3.0, 0.0]) * scale, tf.constant([4.0]) * scale]
    norm = optimizers.apply_gradients(optimizer, gradients, variables, largest_norm=1.0)
    assert float(norm) == pytest.approx(5.0)
    first_moments = [variable.numpy() for variable in inner.variables if "momentum" in variable.path]
    np.testing.assert_allclose(np.concatenate(first_moments), [0.3, 0, 0.4], rtol=1e-5)  # (1 - beta_1) * g
