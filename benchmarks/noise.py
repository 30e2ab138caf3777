"""Batches of noise for steps whose speed or effect does not depend on what is in the pictures."""

import numpy as np
import tensorflow as tf

from tf_advpose.skeleton import NUM_JOINTS

CROP_MM = 2000.0  # that a crop shows, side to side


def random_batch(num_lab: int, num_wild: int, size: int) -> dict[str, tf.Tensor]:
    """Lab examples, then wild ones, as `pipeline.training_batches` has them; the same each time."""
    rng = np.random.default_rng(0)
    count = num_lab + num_wild
    batch = {
        "image": rng.uniform(0, 1, (count, size, size, 3)),
        "joints_2d": rng.uniform(2, size - 2, (count, NUM_JOINTS, 2)),
        "joint_weight": np.ones((count, NUM_JOINTS)),
        "depth": rng.normal(0, 0.3, (count, NUM_JOINTS)),
        "mm_per_pixel": np.full(count, CROP_MM / size),
    }
    batch = {name: tf.constant(value, tf.float32) for name, value in batch.items()}
    has_depth = tf.range(count) < num_lab
    return batch | {"has_depth": has_depth, "has_scale": has_depth}
