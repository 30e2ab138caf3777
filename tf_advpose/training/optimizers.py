"""The optimisers of both players, and the one way their gradients are applied."""

import keras
import tensorflow as tf

from tf_advpose.config import Config, StageConfig
from tf_advpose.training.schedules import learning_rate

# PyTorch's RMSprop adds 1e-8 outside the root, Keras its epsilon inside.
RMSPROP_RHO = 0.99
RMSPROP_EPSILON = 1e-16
DISCRIMINATOR_BETA_1 = 0.5


def generator_optimizer(config: Config, stage: StageConfig) -> keras.optimizers.Optimizer:
    """The configured optimiser on the stage's schedule, loss-scaled under `mixed_float16`."""
    rate, average = learning_rate(stage), {}
    if config.average_decay:
        average = {"use_ema": True, "ema_momentum": config.average_decay}
    if config.generator_optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, **average)
    else:
        optimizer = keras.optimizers.RMSprop(rate, rho=RMSPROP_RHO, epsilon=RMSPROP_EPSILON, **average)
    return _loss_scaled(optimizer, config.policy)


def discriminator_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """Adam, loss-scaled under `mixed_float16`, with a scale of its own."""
    optimizer = keras.optimizers.Adam(config.discriminator_learning_rate, beta_1=DISCRIMINATOR_BETA_1)
    return _loss_scaled(optimizer, config.policy)


def _loss_scaled(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer


def loss_scale(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | float:
    """What `optimizer.scale_loss` multiplies by; 1 where it does not scale."""
    is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return tf.convert_to_tensor(optimizer.dynamic_scale) if is_scaled else 1.0


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    gradients: list[tf.Tensor],
    variables: list,
    largest_norm: float = 0.0,
) -> tf.Tensor:
    """Updates `variables` by the sum of `gradients`, still loss-scaled, over all replicas.

    Keras 3 clips and looks for overflows before it sums over replicas, each replica for itself; one
    replica would then skip a step that the others take. Here the sum comes first.

    Args:
      largest_norm: gradients of a larger global norm are shortened to it; 0 leaves them as they are.

    Returns:
      The global norm before that, without the loss scale, a float32 scalar.
    """
    replicas = tf.distribute.get_replica_context()
    count = replicas.num_replicas_in_sync
    if count > 1:
        gradients = replicas.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    scale = loss_scale(optimizer)
    scaled_norm = tf.linalg.global_norm(gradients)
    if largest_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, largest_norm * scale, use_norm=scaled_norm)
    norm = scaled_norm / scale
    if count > 1:
        # `apply` sums once more.
        gradients = [gradient / count for gradient in gradients]
    optimizer.apply(gradients, variables)
    return norm
