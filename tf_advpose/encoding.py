"""What the discriminator sees of a pose: E(S, z) of Eq. 3, the same for real poses and for predictions."""

import tensorflow as tf

from tf_advpose import heatmaps as heatmap_codec


def geometric_descriptor(joints: tf.Tensor) -> tf.Tensor:
    """Differences of every pair of joints and their squares (Eq. 1).

    Args:
      joints: [B, P, 3], x, y and z in one unit.

    Returns:
      [B, 6, P, P]: dx, dy, dz, dx^2, dy^2, dz^2 of joint i (row) from joint j (column).
    """
    coordinates = tf.transpose(joints, [0, 2, 1])  # [B, 3, P]
    difference = coordinates[:, :, :, None] - coordinates[:, :, None, :]
    return tf.concat([difference, tf.square(difference)], axis=1)


def depth_maps(heatmaps: tf.Tensor, depth: tf.Tensor) -> tf.Tensor:
    """Each joint's depth at the joint's location (Sec. 3.2.1): its depth times its heatmap.

    Args:
      heatmaps: [B, H, W, P].
      depth: [B, P] half-crop units.

    Returns:
      [B, H, W, P].
    """
    return heatmaps * depth[:, None, None, :]


def encode_pose(
    heatmaps: tf.Tensor, depth: tf.Tensor, visible: tf.Tensor, *, redraw: bool = False
) -> dict[str, tf.Tensor]:
    """E(S, z): the geometric descriptor, and heatmaps with depth maps.

    Real poses come as heatmaps drawn from the labels, so that both kinds take the same way.

    Args:
      heatmaps: [B, H, W, P].
      depth: [B, P] half-crop units.
      visible: [B, P] float32, 0 for joints to leave out, such as those outside the crop.
      redraw: show the maps drawn anew from the decoded joints, so that the texture of predicted
        heatmaps tells nothing.

    Returns:
      "geometry": [B, 6, P, P] in half-crop units, 0 where either joint is left out.
      "maps": [B, H, W, 2 P].
    """
    heatmaps, depth = tf.cast(heatmaps, tf.float32), tf.cast(depth, tf.float32)
    joints_2d, _ = heatmap_codec.decode(heatmaps)
    half_crop = heatmaps.shape[2] * heatmap_codec.STRIDE / 2
    joints = tf.concat([joints_2d / half_crop, depth[..., None]], axis=-1)
    pairs = visible[:, None, :, None] * visible[:, None, None, :]
    if redraw:
        heatmaps = heatmap_codec.draw(joints_2d, heatmaps.shape[1])
    heatmaps = heatmaps * visible[:, None, None, :]
    return {
        "geometry": geometric_descriptor(joints) * pairs,
        "maps": tf.concat([heatmaps, depth_maps(heatmaps, depth)], axis=-1),
    }
