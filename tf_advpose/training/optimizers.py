"""The optimisers of both players, and the one way their gradients are applied."""

import keras
import tensorflow as tf

from tf_advpose.config import Config, StageConfig

# PyTorch's RMSprop adds 1e-8 outside the root, Keras its epsilon inside.
RMSPROP_RHO = 0.99
RMSPROP_EPSILON = 1e-16
DISCRIMINATOR_BETA_1 = 0.5


def generator_optimizer(config: Config, stage: StageConfig) -> keras.optimizers.Optimizer:
    """The configured optimiser at the stage's learning rate, loss-scaled under `mixed_float16`."""
    rate = stage.learning_rate
    if stage.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=stage.steps)
    if config.generator_optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    else:
        optimizer = keras.optimizers.RMSprop(rate, rho=RMSPROP_RHO, epsilon=RMSPROP_EPSILON)
    return _loss_scaled(optimizer, config.policy)


def discriminator_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """Adam, loss-scaled under `mixed_float16`, with a scale of its own."""
    optimizer = keras.optimizers.Adam(config.discriminator_learning_rate, beta_1=DISCRIMINATOR_BETA_1)
    return _loss_scaled(optimizer, config.policy)


def _loss_scaled(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: list[tf.Tensor], variables: list
) -> None:
    """Updates `variables` by the sum of `gradients` over all replicas.

    Keras 3 looks for overflows before it sums over replicas, each replica for itself; one replica would
    then skip a step that the others take. Here the sum comes first.
    """
    replicas = tf.distribute.get_replica_context()
    count = replicas.num_replicas_in_sync
    if count > 1:
        gradients = replicas.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        # `apply` sums once more.
        gradients = [gradient / count for gradient in gradients]
    optimizer.apply(gradients, variables)
