"""Both players of a small run, a batch of noise for them, and which of their weights a step has changed."""

import dataclasses

import drawn_people
import keras
import noise
import numpy as np
import tensorflow as tf

from tf_advpose import work_folder
from tf_advpose.config import Config, StageConfig
from tf_advpose.training import optimizers, steps

NUM_LAB, NUM_WILD = 2, 2


def random_batch() -> dict[str, tf.Tensor]:
    return noise.random_batch(NUM_LAB, NUM_WILD, size=32)


@dataclasses.dataclass
class Players:
    """Both players with an optimiser each."""

    config: Config
    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer

    def supervised_step(self, batch: dict) -> dict:
        return steps.supervised_step(self.generator, self.generator_optimizer, batch, self.config, NUM_LAB)

    def adversarial_step(self, batch: dict) -> dict:
        return steps.adversarial_step(
            self.generator,
            self.discriminator,
            self.generator_optimizer,
            self.discriminator_optimizer,
            batch,
            NUM_LAB,
            self.config,
        )


def new_players(policy: str = "float32", plain: bool = False, **changes) -> Players:
    """The same players each time; a `plain` generator where its own layers do not matter."""
    config = drawn_people.small_config(policy=policy, **changes)
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        generator = drawn_people.plain_generator() if plain else work_folder.new_generator(config)
        discriminator = work_folder.new_discriminator(config)
    finally:
        keras.config.set_dtype_policy("float32")
    stage = StageConfig(steps=10, wild_share=0.5, learning_rate=1e-3)
    players = Players(
        config,
        generator,
        discriminator,
        optimizers.generator_optimizer(config, stage),
        optimizers.discriminator_optimizer(config),
    )
    players.generator_optimizer.build(generator.trainable_variables)
    players.discriminator_optimizer.build(discriminator.trainable_variables)
    return players


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.variables}


def changed(before: dict, after: dict) -> set[str]:
    """The names of the variables that are no longer the same."""
    return {name for name, value in before.items() if not np.array_equal(value, after[name])}


def trainable(model: keras.Model) -> set[str]:
    return {variable.path for variable in model.trainable_variables}


def assert_close(one: dict, other: dict):
    """Equal but for the order in which sums were taken."""
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-6, err_msg=name)
