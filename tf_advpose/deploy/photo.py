"""From an encoded photo and a person's box to the network's crop, inside the graph of a server.

Whatever is wrong with a request raises `tf.errors.InvalidArgumentError` when the graph runs, before memory
is spent on it.
"""

import tensorflow as tf

from tf_advpose.data import crop as cropping

MIN_SIDE = 16  # pixels; nobody is recognised in less
MAX_PIXELS = 64_000_000  # 192 MB when decoded
JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_PNG_SIZE_AT = 16  # bytes from the start: width and height, big-endian


def checked(value: tf.Tensor, condition: tf.Tensor, message: str) -> tf.Tensor:
    """`value`, which no later operation gets unless `condition` holds."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(value)


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG as the training pipeline does: scalar string -> [H, W, 3] uint8 RGB.

    The size is read in the header first, so that a small file cannot ask for much memory.
    """
    # Zeros behind the end spare every later look a test of the length.
    head = tf.strings.join([tf.strings.substr(encoded, 0, _PNG_SIZE_AT + 8), b"\0" * (_PNG_SIZE_AT + 8)])
    is_jpeg = tf.strings.substr(head, 0, len(JPEG_START)) == JPEG_START
    is_png = tf.strings.substr(head, 0, len(PNG_START)) == PNG_START
    encoded = checked(encoded, is_jpeg | is_png, "The photo is neither JPEG nor PNG.")
    png_size = tf.io.decode_raw(
        tf.strings.substr(head, _PNG_SIZE_AT, 8), tf.int32, little_endian=False
    )  # width, height
    size = tf.cond(is_jpeg, lambda: tf.io.extract_jpeg_shape(encoded)[:2], lambda: png_size)
    size = tf.cast(tf.ensure_shape(size, [2]), tf.int64)
    encoded = checked(
        encoded, tf.reduce_min(size) >= MIN_SIDE, f"The photo is less than {MIN_SIDE} pixels wide or high."
    )
    encoded = checked(
        encoded, size[0] * size[1] <= MAX_PIXELS, f"The photo has more than {MAX_PIXELS} pixels."
    )
    photo = tf.cond(
        is_jpeg,
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(encoded, channels=3),
    )
    return tf.ensure_shape(photo, [None, None, 3])


def crop_person(photo: tf.Tensor, box: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the crop of one person out of a photo.

    Args:
      photo: [H, W, 3] uint8.
      box: [4] float32 (x, y, width, height) in photo pixels.
      size: side of the crop.

    Returns:
      The crop [size, size, 3] float32 in [0, 255], and its map to photo pixels [2, 3].
    """
    shape = tf.cast(tf.shape(photo)[:2], tf.float32)
    inside = (box[0] < shape[1]) & (box[1] < shape[0]) & (box[0] + box[2] > 0) & (box[1] + box[3] > 0)
    usable = tf.reduce_all(tf.math.is_finite(box)) & tf.reduce_all(box[2:] > 0)
    box = checked(box, usable, "The box must be four numbers, its width and height above 0.")
    box = checked(box, inside, "The box lies outside the photo.")
    affine = cropping.crop_to_image(box, size)
    part, corner = _surroundings(photo, affine, size)
    moved = tf.concat([affine[:, :2], (affine[:, 2] - corner)[:, None]], axis=1)
    return cropping.crop(part, moved, size), affine


def _surroundings(photo: tf.Tensor, crop_to_image: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The part of a photo that a crop shows, and its corner (x, y): `crop` would convert all of the photo.

    The corner is a multiple of the factor by which `crop` reduces, so that its blocks stay the same.
    """
    pixels = crop_to_image[0, 0]
    height_width = tf.cast(tf.shape(photo)[:2], tf.float32)
    block = tf.floor(tf.clip_by_value(pixels + cropping.FACTOR_TOLERANCE, 1, tf.reduce_min(height_width)))
    x_y = crop_to_image[:, 2]
    start = tf.floor(x_y / block - 1) * block  # a block more at either side: the warp interpolates
    end = tf.math.ceil((x_y + pixels * size) / block + 1) * block
    # Of a person beyond the photo's edge a block is kept, as `crop` reduces by no more than there is.
    limit = tf.reverse(height_width, [0])
    start = tf.clip_by_value(start, 0, (limit // block - 1) * block)
    end = tf.clip_by_value(end, start + block, limit)
    start, end = tf.cast(start, tf.int32), tf.cast(end, tf.int32)
    return photo[start[1] : end[1], start[0] : end[0]], tf.cast(start, tf.float32)
