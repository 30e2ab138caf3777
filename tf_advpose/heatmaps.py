"""Draws joints as heatmaps and reads joints off heatmaps; the two are inverse to each other."""

import tensorflow as tf

STRIDE = 4  # crop pixels a heatmap cell spans
SIGMA = 1.0  # cells; Sec. 4.1 sets the Gaussian's variance to the identity
WINDOW = 3  # `decode` averages over the cells at most this far from the highest one


def draw(joints_2d: tf.Tensor, size: int) -> tf.Tensor:
    """Draws one unnormalised Gaussian of peak 1 a joint (Sec. 4.1).

    Args:
      joints_2d: [B, P, 2] crop pixels.
      size: side of the heatmaps in cells, a quarter of the crop's.

    Returns:
      [B, size, size, P] float32.
    """
    cells = tf.cast(joints_2d, tf.float32) / STRIDE - 0.5  # in units of cells, from the first cell's centre
    axis = tf.range(size, dtype=tf.float32)
    profile = tf.exp(-tf.square(axis - cells[..., None]) / (2 * SIGMA**2))  # [B, P, 2, size]
    return tf.einsum("bpw,bph->bhwp", profile[:, :, 0], profile[:, :, 1])


def decode(heatmaps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads the joints off heatmaps: the only read-out in this project.

    The highest cell is found (no gradient flows through that choice); the joint is the mean position of
    the cells at most `WINDOW` away from it, weighted by max(heatmap, 0) (gradients flow here), or the
    highest cell's centre where no weight is positive.

    Args:
      heatmaps: [B, H, W, P], any float type.

    Returns:
      joints_2d: [B, P, 2] float32 crop pixels.
      confidence: [B, P] float32, the heatmap's peak.
    """
    heatmaps = tf.cast(heatmaps, tf.float32)
    height, width, num_joints = heatmaps.shape[1:]
    flat = tf.reshape(heatmaps, [-1, height * width, num_joints])  # [B, H*W, P]
    highest = tf.argmax(flat, axis=1, output_type=tf.int32)
    row, column = tf.cast(highest // width, tf.float32), tf.cast(highest % width, tf.float32)

    rows, columns = tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32)
    near_rows = tf.cast(tf.abs(rows[:, None] - row[:, None]) <= WINDOW, tf.float32)  # [B, H, P]
    near_columns = tf.cast(tf.abs(columns[:, None] - column[:, None]) <= WINDOW, tf.float32)  # [B, W, P]
    weight = tf.nn.relu(heatmaps) * near_rows[:, :, None] * near_columns[:, None, :]
    total = tf.reduce_sum(weight, axis=[1, 2])
    y = tf.reduce_sum(tf.reduce_sum(weight, axis=2) * rows[:, None], axis=1)
    x = tf.reduce_sum(tf.reduce_sum(weight, axis=1) * columns[:, None], axis=1)

    positive = total > 0
    safe_total = tf.where(positive, total, 1.0)
    cells = tf.stack(
        [tf.where(positive, x / safe_total, column), tf.where(positive, y / safe_total, row)], axis=-1
    )
    return (cells + 0.5) * STRIDE, tf.reduce_max(flat, axis=1)
