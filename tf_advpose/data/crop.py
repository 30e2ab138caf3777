"""The one way from a photo to the network's crop: area reduction, then one bilinear warp."""

import math

import tensorflow as tf

from tf_advpose.data.schema import CROP_MARGIN

FACTOR_TOLERANCE = 1e-3


def crop_to_image(
    box: tf.Tensor,
    size: int,
    *,
    scale: tf.Tensor | float = 1.0,
    rotation: tf.Tensor | float = 0.0,
    shift: tf.Tensor | tuple[float, float] = (0.0, 0.0),
    mirror: tf.Tensor | bool = False,
) -> tf.Tensor:
    """The affine map from crop pixels to photo pixels.

    Args:
      box: [4] (x, y, width, height) in photo pixels.
      size: side of the crop in pixels.
      scale: factor on the crop's side; above 1 the person gets smaller.
      rotation: degrees by which the crop's frame is turned, clockwise as seen in the photo.
      shift: (x, y) by which the crop's centre is moved, in sides of the crop.
      mirror: turn left and right about.

    Returns:
      [2, 3] float32.
    """
    side = CROP_MARGIN * tf.maximum(box[2], box[3]) * scale
    angle = rotation * (math.pi / 180)
    pixels = side / size
    flip = tf.where(mirror, -1.0, 1.0)
    cosine, sine = tf.cos(angle) * pixels, tf.sin(angle) * pixels
    linear = tf.stack([tf.stack([cosine * flip, -sine]), tf.stack([sine * flip, cosine])])
    centre = box[:2] + box[2:] / 2 + tf.convert_to_tensor(shift) * side
    offset = centre - tf.linalg.matvec(linear, tf.fill([2], size / 2))
    return tf.concat([linear, offset[:, None]], axis=1)


def invert(affine: tf.Tensor) -> tf.Tensor:
    """The inverse of an affine map [2, 3]."""
    linear = tf.linalg.inv(affine[:, :2])
    return tf.concat([linear, -tf.linalg.matmul(linear, affine[:, 2:])], axis=1)


def transform(points: tf.Tensor, affine: tf.Tensor) -> tf.Tensor:
    """Applies `affine` [2, 3] to `points` [N, 2]."""
    return tf.linalg.matmul(points, affine[:, :2], transpose_b=True) + affine[:, 2]


def crop_jpeg(encoded: tf.Tensor, crop_to_image: tf.Tensor, size: int) -> tf.Tensor:
    """`crop` of a JPEG photo, of which only the part that the crop shows is decoded."""
    shape = tf.io.extract_jpeg_shape(encoded)[:2]
    corner, extent = _window(crop_to_image, size, shape)
    part = tf.io.decode_and_crop_jpeg(
        encoded, tf.concat([corner, extent], axis=0), channels=3, dct_method="INTEGER_ACCURATE"
    )
    offset = crop_to_image[:, 2] - tf.cast(corner[::-1], tf.float32)
    return crop(part, tf.concat([crop_to_image[:, :2], offset[:, None]], axis=1), size)


def crop(image: tf.Tensor, crop_to_image: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts a crop out of a photo; black where the photo ends.

    The photo is first reduced, by averaging blocks of pixels, by the largest whole factor that leaves it no
    coarser than the crop, so that large people do not alias.

    Args:
      image: [H, W, 3] uint8 or float.
      crop_to_image: [2, 3], of the photo.
      size: side of the crop in pixels.

    Returns:
      [size, size, 3] float32 in the photo's range.
    """
    shape = tf.shape(image)[:2]
    factor = _reduction(crop_to_image, shape)
    reduced_shape = shape // factor
    whole = image[: reduced_shape[0] * factor, : reduced_shape[1] * factor]
    reduced = tf.cond(
        factor > 1,
        lambda: tf.image.resize(whole, reduced_shape, method="area"),
        lambda: tf.cast(image, tf.float32),
    )
    linear = crop_to_image[:, :2] / tf.cast(factor, tf.float32)
    offset = crop_to_image[:, 2] / tf.cast(factor, tf.float32)
    # The operation counts from the centre of the first pixel, which is (0.5, 0.5) here.
    offset = offset + tf.linalg.matvec(linear, [0.5, 0.5]) - 0.5
    projective = tf.concat([tf.concat([linear, offset[:, None]], axis=1), tf.zeros([1, 3])], axis=0)
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=reduced[None],
        transforms=tf.reshape(projective, [1, 9])[:, :8],
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    return tf.ensure_shape(warped[0], [size, size, 3])


def _reduction(crop_to_image: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """The factor by which a photo of `shape` [2] is reduced before it is warped."""
    pixels = tf.sqrt(tf.abs(tf.linalg.det(crop_to_image[:, :2])))
    # A turned frame's whole factor comes out of float32 a hair too small.
    return tf.clip_by_value(tf.cast(pixels + FACTOR_TOLERANCE, tf.int32), 1, tf.reduce_min(shape))


def _window(crop_to_image: tf.Tensor, size: int, shape: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Corner and extent, each [2] int32 (y, x), of the part of a photo of `shape` that a crop shows.

    Blocks of the reduced photo are wholly in or out, and one more is in for interpolation.
    """
    factor = _reduction(crop_to_image, shape)
    corners = transform(size * tf.constant([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), crop_to_image)
    corners = corners[:, ::-1]  # y, x
    blocks = corners / tf.cast(factor, tf.float32)
    first = tf.cast(tf.floor(tf.reduce_min(blocks, axis=0)), tf.int32) - 1
    last = tf.cast(tf.math.ceil(tf.reduce_max(blocks, axis=0)), tf.int32) + 1
    # A crop beside the photo still needs a block of it.
    first = tf.clip_by_value(first, 0, shape // factor - 1)
    last = tf.clip_by_value(last, first + 1, shape // factor)
    corner = first * factor
    # At the photo's edge all that is left, as `crop` has it.
    extent = tf.where(last == shape // factor, shape - corner, (last - first) * factor)
    return corner, extent
