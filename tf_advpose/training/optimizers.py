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
    return _reduced_outside(optimizer, config.policy)


def discriminator_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """Adam, loss-scaled under `mixed_float16`, with a scale of its own."""
    optimizer = keras.optimizers.Adam(config.discriminator_learning_rate, beta_1=DISCRIMINATOR_BETA_1)
    return _reduced_outside(optimizer, config.policy)


def _reduced_outside(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    """Loss-scaled where the policy needs it; does not sum gradients over replicas, as Keras' own do.

    There is no public switch for that. Summed twice, every gradient would cross the network twice.
    """
    if not callable(getattr(optimizer, "_all_reduce_sum_gradients", None)):
        raise RuntimeError(
            f"Keras {keras.__version__} sums gradients in a way that is not known here. "
            "Install the version that requirements.txt names."
        )
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
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
    """Updates `variables` by the mean of `gradients`, still loss-scaled, over all replicas.

    Keras 3 clips and looks for overflows before it reduces over replicas, each replica for itself; one
    replica would then skip a step that the others take. Here the mean comes first.

    Args:
      optimizer: of this module.
      largest_norm: gradients of a larger global norm are shortened to it; 0 leaves them as they are.

    Returns:
      The global norm before that, without the loss scale, a float32 scalar.
    """
    replicas = tf.distribute.get_replica_context()
    if replicas.num_replicas_in_sync > 1:
        gradients = replicas.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
    scale = loss_scale(optimizer)
    norm = tf.linalg.global_norm(gradients)
    if largest_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, largest_norm * scale, use_norm=norm)
    optimizer.apply(gradients, variables)
    return norm / scale
