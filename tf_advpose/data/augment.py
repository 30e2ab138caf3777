"""Random changes to a training crop, stateless: the same seed gives the same change."""

import tensorflow as tf

from tf_advpose.config import AugmentationConfig
from tf_advpose.data import crop as cropping


def random_crop_to_image(
    box: tf.Tensor, size: int, config: AugmentationConfig, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """A crop around `box` [4], randomly scaled, turned, shifted and mirrored.

    Args:
      box: (x, y, width, height) in photo pixels.
      size: side of the crop in pixels.
      seed: [2] int64.

    Returns:
      crop_to_image [2, 3] and whether the crop is mirrored, a bool scalar.
    """
    uniform = tf.random.stateless_uniform([6], seed)
    signed = 2 * uniform - 1
    rotation = tf.where(uniform[5] < config.rotation_probability, signed[1] * config.rotation, 0.0)
    mirror = uniform[2] < config.mirror_probability
    affine = cropping.crop_to_image(
        box,
        size,
        scale=1 + signed[0] * config.scale,
        rotation=rotation,
        shift=signed[3:5] * config.shift,
        mirror=mirror,
    )
    return affine, mirror


def random_colour(image: tf.Tensor, config: AugmentationConfig, seed: tf.Tensor) -> tf.Tensor:
    """Changes each channel's gain and the contrast of `image` [S, S, 3] in [0, 1]; `seed` [2] int64."""
    signed = tf.random.stateless_uniform([4], seed + [0, 1 << 40], minval=-1.0)
    image = image * (1 + signed[:3] * config.colour)
    mean = tf.reduce_mean(image)
    image = (image - mean) * (1 + signed[3] * config.contrast) + mean
    return tf.clip_by_value(image, 0.0, 1.0)
