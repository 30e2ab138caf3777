"""The losses of Eq. 2 to 5, in float32, the discriminator's from logits.

The paper sums squared errors. Sums over pixels would drown lambda = 1e-4, so each term is a mean, as
in the public training code of the backbone; the exact denominators are in the docstrings.
"""

import tensorflow as tf

DEPTH_WEIGHT = 0.1  # of the depth term against the heatmap term, with means instead of sums
LAMBDA_ADVERSARIAL = 1e-4  # Sec. 4.2
_TINY = 1e-30  # keeps logarithms finite


def heatmap_loss(predicted: list[tf.Tensor], target: tf.Tensor, joint_weight: tf.Tensor) -> tf.Tensor:
    """First term of Eq. 2, summed over the stacks: squared error / (batch x joints x cells).

    Args:
      predicted: [B, H, W, P] a stack.
      target: [B, H, W, P] float32.
      joint_weight: [B, P]; joints of weight 0 add nothing, the denominator stays.

    Returns:
      Scalar float32.
    """
    weight = joint_weight[:, None, None, :]
    return tf.add_n(
        [tf.reduce_mean(weight * tf.square(tf.cast(stack, tf.float32) - target)) for stack in predicted]
    )


def heatmap_cross_entropy(
    predicted: list[tf.Tensor], target: tf.Tensor, joint_weight: tf.Tensor
) -> tf.Tensor:
    """In place of the first term of Eq. 2: which cell is the joint in?

    The cross-entropy of each map as a distribution over its cells, in nats, summed over the stacks;
    divided by (batch x joints).

    Args:
      predicted: [B, H, W, P] a stack, from a generator with `softmax_heatmaps`.
      target: [B, H, W, P] float32.
      joint_weight: [B, P]; joints of weight 0 add nothing, the denominator stays.

    Returns:
      Scalar float32.
    """
    truth = joint_weight[:, None, None, :] * _as_distributions(target)

    def of_stack(stack: tf.Tensor) -> tf.Tensor:
        entropies = -tf.reduce_sum(truth * tf.math.log(_as_distributions(stack) + _TINY), axis=[1, 2])
        return tf.reduce_mean(entropies)

    return tf.add_n([of_stack(stack) for stack in predicted])


def _as_distributions(maps: tf.Tensor) -> tf.Tensor:
    """[B, H, W, P] -> float32 of sum 1 over the cells of each map."""
    maps = tf.cast(maps, tf.float32)
    return tf.math.divide_no_nan(maps, tf.reduce_sum(maps, axis=[1, 2], keepdims=True))


def depth_loss(predicted: tf.Tensor, target: tf.Tensor, has_depth: tf.Tensor) -> tf.Tensor:
    """Second term of Eq. 2: squared error / (examples with depth x joints), 0 where there are none.

    Args:
      predicted, target: [B, P] half-crop units.
      has_depth: [B] bool.

    Returns:
      Scalar float32.
    """
    labelled = tf.cast(has_depth, tf.float32)
    error = tf.reduce_mean(tf.square(tf.cast(predicted, tf.float32) - target), axis=1)
    return tf.math.divide_no_nan(tf.reduce_sum(labelled * error), tf.reduce_sum(labelled))


def _cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    logits = tf.cast(logits, tf.float32)
    labels = label * tf.ones_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Eq. 3 with equal weight for both halves: mean over real [R, 1] plus mean over fakes [B, 1]."""
    return _cross_entropy(real_logits, 1.0) + _cross_entropy(fake_logits, 0.0)


def adversarial_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Eq. 4: how far the fakes [B, 1] are from being taken for real; mean over the batch."""
    return _cross_entropy(fake_logits, 1.0)
