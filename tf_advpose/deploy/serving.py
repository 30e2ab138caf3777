"""What an export computes: the generator, from crops or photos to joints."""

import json

import keras
import tensorflow as tf

from tf_advpose.deploy import photo
from tf_advpose.heatmaps import decode
from tf_advpose.skeleton import ROOT

MAX_BATCH = 64  # examples of one request
PHOTOS_AT_A_TIME = 2  # that are decoded of one request, for they may be large


def to_image(images: tf.Tensor) -> tf.Tensor:
    """Crops in [0, 255], uint8 or float, to what the generator takes: float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0


def read_out(outputs: dict) -> dict[str, tf.Tensor]:
    """The joints in the `outputs` of a generator.

    Returns:
      "joints_2d": [B, P, 2] crop pixels; "depth": [B, P] half-crop units, relative to the root;
      "confidence": [B, P]. All float32.
    """
    joints_2d, confidence = decode(outputs["heatmaps"][-1])
    return {
        "joints_2d": joints_2d,
        "depth": tf.cast(outputs["depth"], tf.float32),
        "confidence": confidence,
    }


def weak_perspective(
    joints_2d: tf.Tensor, depth: tf.Tensor, mm_per_pixel: tf.Tensor, crop_size: int
) -> tf.Tensor:
    """Millimetres from what the network predicts in a crop, as if all joints were at the root's distance.

    Args:
      joints_2d: [B, P, 2] crop pixels.
      depth: [B, P] half-crop units.
      mm_per_pixel: [B] at the root's depth; x, y and z share this scale.
      crop_size: side of the crop in pixels.

    Returns:
      [B, P, 3] float32 in the camera frame, relative to the root.
    """
    pixels = tf.concat([joints_2d, depth[..., None] * (crop_size / 2)], axis=-1)  # [B, P, 3]
    return (pixels - pixels[:, ROOT, None]) * mm_per_pixel[:, None, None]


class PoseEstimator(tf.Module):
    """A float32 generator behind the signatures of the SavedModel, for batches of 1 to `MAX_BATCH`.

      serving_default(images)                      -> joints_2d, depth, confidence
      from_crops_with_scale(images, mm_per_pixel)  -> the same and joints_3d
      from_jpeg(bytes, box)                        -> as serving_default, joints_2d in photo pixels

    `images` are [B, S, S, 3] uint8, `mm_per_pixel` [B] float32, `bytes` [B] encoded photos, JPEG or PNG,
    and `box` [B, 4] float32, one person in each. The outputs are those of `read_out` and
    `weak_perspective`. What cannot be answered raises InvalidArgumentError, see `photo`.

    A loaded SavedModel has the variables `joint_names` [P] string, `bones` [P - 1, 2] int32, (child,
    parent), and `metadata`, a string of JSON.
    """

    def __init__(self, generator: keras.Model, metadata: dict):
        super().__init__()
        # Not the Keras model itself: its layers would be stored beside the signatures, for nothing.
        self._weights = [variable.value for variable in generator.variables]
        self.joint_names = tf.Variable(metadata["joint_names"], trainable=False)
        self.bones = tf.Variable(metadata["bones"], trainable=False)
        self.metadata = tf.Variable(json.dumps(metadata), trainable=False)
        crop_size = generator.input_shape[1]
        images_spec = tf.TensorSpec([None, crop_size, crop_size, 3], tf.uint8, name="images")
        scale_spec = tf.TensorSpec([None], tf.float32, name="mm_per_pixel")
        bytes_spec = tf.TensorSpec([None], tf.string, name="bytes")
        box_spec = tf.TensorSpec([None, 4], tf.float32, name="box")

        @tf.function(input_signature=[tf.TensorSpec(images_spec.shape, tf.float32)])
        def estimate(image):  # once in the graph, for all signatures
            return read_out(generator(image, training=False))

        @tf.function(input_signature=[images_spec])
        def serving_default(images):
            return estimate(to_image(of_allowed_size(images)))

        @tf.function(input_signature=[images_spec, scale_spec])
        def from_crops_with_scale(images, mm_per_pixel):
            outputs = serving_default(images)
            mm_per_pixel = as_many(mm_per_pixel, images)
            joints_3d = weak_perspective(outputs["joints_2d"], outputs["depth"], mm_per_pixel, crop_size)
            return {**outputs, "joints_3d": joints_3d}

        @tf.function(input_signature=[bytes_spec, box_spec])
        def from_jpeg(bytes, box):
            crops, crop_to_image = tf.map_fn(
                lambda request: photo.crop_person(photo.decode(request[0]), request[1], crop_size),
                (of_allowed_size(bytes), as_many(box, bytes)),
                fn_output_signature=(
                    tf.TensorSpec([crop_size, crop_size, 3], tf.float32),
                    tf.TensorSpec([2, 3], tf.float32),
                ),
                parallel_iterations=PHOTOS_AT_A_TIME,
            )
            outputs = estimate(to_image(crops))
            joints_2d = tf.einsum("bij,bpj->bpi", crop_to_image[:, :, :2], outputs["joints_2d"])
            return {**outputs, "joints_2d": joints_2d + crop_to_image[:, None, :, 2]}

        self.serving_default = serving_default
        self.from_crops_with_scale = from_crops_with_scale
        self.from_jpeg = from_jpeg


def of_allowed_size(batch: tf.Tensor) -> tf.Tensor:
    """`batch`, unless it is empty or so large that it would exhaust a server's memory."""
    count = tf.shape(batch)[0]
    allowed = (count >= 1) & (count <= MAX_BATCH)
    return photo.checked(batch, allowed, f"A batch must have 1 to {MAX_BATCH} examples.")


def as_many(values: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """`values`, unless there are not as many as there are examples in `batch`."""
    message = "All inputs must have the same number of examples."
    return photo.checked(values, tf.shape(values)[0] == tf.shape(batch)[0], message)
