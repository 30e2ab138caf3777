"""What an export computes, and what it says of itself."""

import dataclasses

import keras
import tensorflow as tf

from tf_advpose.config import Config
from tf_advpose.data.schema import CROP_MARGIN
from tf_advpose.heatmaps import decode
from tf_advpose.skeleton import BONES, JOINT_NAMES, ROOT

UNITS = {
    "images": "square RGB crops, uint8",
    "image": "square RGB crop, float32 in [0, 1]",
    "mm_per_pixel": "millimetres one crop pixel spans at the root's depth",
    "joints_2d": "crop pixels, x right, y down; the centre of the top-left pixel is (0.5, 0.5)",
    "depth": "half the crop's width at the root's depth is 1; relative to the root, positive away from the "
    "camera",
    "confidence": "the heatmap's peak, about 1 for a joint that is surely found",
    "joints_3d": "millimetres, relative to the root; x right, y down, z away from the camera",
    "total_bone_length": "millimetres, all bones together, mean over the training set",
    "crop_margin": "the crop's side, in longer sides of the person's box; the two share their centre",
}


def describe(config: Config, stage: str, total_bone_length: float) -> dict:
    """What a user of an export has to know, to be stored inside it as JSON.

    Args:
      config: of the training run.
      stage: whose weights are exported.
      total_bone_length: millimetres, mean over the lab training set.
    """
    return {
        "joint_names": list(JOINT_NAMES),
        "bones": [list(bone) for bone in BONES],  # (child, parent)
        "root": JOINT_NAMES[ROOT],
        "image_size": config.generator.image_size,
        "crop_margin": CROP_MARGIN,
        "total_bone_length": total_bone_length,
        "units": UNITS,
        "stage": stage,
        "config": dataclasses.asdict(config),
    }


def to_image(images: tf.Tensor) -> tf.Tensor:
    """Crops as users have them, uint8, to what the generator takes: float32 in [0, 1]."""
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
    """A float32 generator behind the signatures of the SavedModel, for batches of any size.

      serving_default(images)                      -> joints_2d, depth, confidence
      from_crops_with_scale(images, mm_per_pixel)  -> the same and joints_3d

    `images` are [B, S, S, 3] uint8, `mm_per_pixel` [B] float32; the outputs are those of `read_out` and
    `weak_perspective`. A loaded SavedModel has its variables `joint_names` [P] string and `bones`
    [P - 1, 2] int32, (child, parent).
    """

    def __init__(self, generator: keras.Model):
        super().__init__()
        # Not the Keras model itself: its layers would be stored beside the signatures, for nothing.
        self._weights = [variable.value for variable in generator.variables]
        self.joint_names = tf.Variable(JOINT_NAMES, trainable=False)
        self.bones = tf.Variable(BONES, trainable=False)
        crop_size = generator.input_shape[1]
        images_spec = tf.TensorSpec([None, crop_size, crop_size, 3], tf.uint8, name="images")
        scale_spec = tf.TensorSpec([None], tf.float32, name="mm_per_pixel")

        @tf.function(input_signature=[images_spec])
        def serving_default(images):
            return read_out(generator(to_image(images), training=False))

        @tf.function(input_signature=[images_spec, scale_spec])
        def from_crops_with_scale(images, mm_per_pixel):
            outputs = serving_default(images)
            joints_3d = weak_perspective(outputs["joints_2d"], outputs["depth"], mm_per_pixel, crop_size)
            return {**outputs, "joints_3d": joints_3d}

        self.serving_default = serving_default
        self.from_crops_with_scale = from_crops_with_scale
