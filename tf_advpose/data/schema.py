"""What one prepared example holds, whatever dataset it comes from.

An example is one person in a photo that was cut down to the person's surroundings. Coordinates are
pixels of that cut photo; the centre of its top-left pixel is (0.5, 0.5).
"""

import os
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tf_advpose import camera
from tf_advpose.skeleton import HEAD_TOP, NUM_JOINTS, ROOT, UPPER_NECK

CROP_MARGIN = 1.25  # the network's crop is this times the longer side of the box
# Augmentation enlarges the crop by up to 1.25 and turns it; at 30 degrees its corners reach 1.37
# times as far.
CUT_MARGIN = CROP_MARGIN * 1.75
# A crop is reduced by averaging blocks of whole pixels. Cut off at a multiple of their size, the photo has
# the same blocks as before; this is one of 2, 3, 4, 6, 8 and 12.
CUT_STEP = 24
MAX_JOINT_DEPTH_MM = 3000.0  # no joint of a person is farther than this from the pelvis
MAX_PHOTOS_AWAY = 10.0  # people may reach out of the photo, but not by this many times its longer side


def features() -> tfds.features.FeaturesDict:
    """The features of every builder of this package. See `make_example` for their meaning."""
    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
            "joints_2d": tfds.features.Tensor(shape=(NUM_JOINTS, 2), dtype=np.float32),
            "joint_weight": tfds.features.Tensor(shape=(NUM_JOINTS,), dtype=np.float32),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.float32),
            "head_size": np.float32,
            "joints_3d_absolute": tfds.features.Tensor(shape=(NUM_JOINTS, 3), dtype=np.float32),
            "joints_3d_universal": tfds.features.Tensor(shape=(NUM_JOINTS, 3), dtype=np.float32),
            "intrinsics": tfds.features.Tensor(shape=(9,), dtype=np.float32),
            "has_depth": np.bool_,
            "has_scale": np.bool_,
            "example_id": tfds.features.Text(),
            "subject": tfds.features.Text(),
            "action": tfds.features.Text(),
            "sequence": tfds.features.Text(),
        }
    )


def make_example(
    image: np.ndarray,
    joints_2d: np.ndarray,
    *,
    example_id: str,
    joint_weight: np.ndarray | None = None,
    box: np.ndarray | None = None,
    head_size: float | None = None,
    joints_3d_absolute: np.ndarray | None = None,
    joints_3d_universal: np.ndarray | None = None,
    intrinsics: np.ndarray | None = None,
    train_depth: bool = True,
    subject: str = "",
    action: str = "",
    sequence: str = "",
) -> dict:
    """Checks the labels of one person, cuts the photo to its surroundings, and encodes it as JPEG.

    Args:
      image: [H, W, 3] uint8 RGB photo.
      joints_2d: [P, 2] photo pixels.
      example_id: names the example in tables and error messages; unique within its split.
      joint_weight: [P], 1 where `joints_2d` is labelled, else 0. None: all are.
      box: (x, y, width, height) in photo pixels. None: the tight box of the labelled joints.
      head_size: what PCKh measures distances in, pixels; 0 where unknown. None: the head bone, upper
        neck to head top, in 3D at the pelvis's distance where 3D is known, else in the photo, 0 unless
        both ends are labelled.
      joints_3d_absolute: [P, 3] camera-frame millimetres, with `intrinsics` [9] of the photo. None: no
        3D labels.
      joints_3d_universal: [P, 3] millimetres, root-relative, what MPI-INF-3DHP's official script measures
        3D PCK by: the same pose with the body of its universal skeleton. None: stored as zeros.
      train_depth: False keeps the 3D joints for evaluation only.

    Returns:
      A dictionary of `features`. `has_scale` says that 3D joints and intrinsics are known, `has_depth`
      that training may use them.

    Raises:
      ValueError: a shape is wrong, a label is not finite, or a joint is absurdly far from the photo or from
        the pelvis.
    """
    joint_weight = np.ones(NUM_JOINTS) if joint_weight is None else np.asarray(joint_weight)
    _check("image", image, (None, None, 3), example_id)
    _check("joints_2d", joints_2d, (NUM_JOINTS, 2), example_id)
    _check("joint_weight", joint_weight, (NUM_JOINTS,), example_id)
    if not joint_weight.any():
        raise ValueError(f"{example_id}: no joint is labelled; leave such people out.")
    box = camera.tight_box(joints_2d[joint_weight > 0]) if box is None else np.asarray(box, np.float64)
    _check("box", box, (4,), example_id)
    if box[2:].max() < 1:
        raise ValueError(f"{example_id}: the box {box.tolist()} is smaller than a pixel.")
    _check_near_photo(image, joints_2d[joint_weight > 0], box, example_id)
    has_scale = joints_3d_absolute is not None
    if has_scale:
        _check("joints_3d_absolute", joints_3d_absolute, (NUM_JOINTS, 3), example_id)
        _check("intrinsics", intrinsics, (9,), example_id)
        reach = np.abs(joints_3d_absolute - joints_3d_absolute[ROOT]).max()
        if reach > MAX_JOINT_DEPTH_MM or joints_3d_absolute[ROOT, 2] <= 0:
            raise ValueError(
                f"{example_id}: 3D joints must be millimetres in front of the camera, at most "
                f"{MAX_JOINT_DEPTH_MM:.0f} mm from the pelvis; the farthest is {reach:.0f} mm away and "
                f"the pelvis at z = {joints_3d_absolute[ROOT, 2]:.0f} mm."
            )
    if joints_3d_universal is None:
        joints_3d_universal = np.zeros((NUM_JOINTS, 3))
    _check("joints_3d_universal", joints_3d_universal, (NUM_JOINTS, 3), example_id)
    if head_size is None:
        head_size = _head_bone_pixels(joints_2d, joint_weight, joints_3d_absolute, intrinsics)

    cut, offset = _cut(image, box)
    cut_intrinsics = np.zeros(9) if intrinsics is None else np.array(intrinsics, np.float64)
    cut_intrinsics[2:4] -= offset
    return {
        "image": cut,
        "joints_2d": (joints_2d - offset).astype(np.float32),
        "joint_weight": joint_weight.astype(np.float32),
        "box": np.concatenate([box[:2] - offset, box[2:]]).astype(np.float32),
        "head_size": np.float32(head_size),
        "joints_3d_absolute": np.asarray(
            joints_3d_absolute if has_scale else np.zeros((NUM_JOINTS, 3)), np.float32
        ),
        "joints_3d_universal": np.asarray(joints_3d_universal, np.float32),
        "intrinsics": cut_intrinsics.astype(np.float32),
        "has_depth": bool(has_scale and train_depth),
        "has_scale": has_scale,
        "example_id": example_id,
        "subject": subject,
        "action": action,
        "sequence": sequence,
    }


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Reads a JPEG or PNG as [H, W, 3] uint8 RGB, as stored: orientation tags are not applied.

    Raises:
      FileNotFoundError, ValueError: naming the file.
    """
    try:
        encoded = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"Image not found: {path}") from None
    try:
        return tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        raise ValueError(f"Not a readable JPEG or PNG: {path}") from None


def _check(name: str, value: np.ndarray, shape: tuple, example_id: str) -> None:
    actual = np.shape(value)
    if len(actual) != len(shape) or any(
        wanted not in (None, given) for wanted, given in zip(shape, actual, strict=True)
    ):
        raise ValueError(f"{example_id}: {name} has shape {actual}, expected {shape}.")
    if not np.isfinite(value).all():
        raise ValueError(f"{example_id}: {name} is not finite: {np.asarray(value).tolist()}")


def _check_near_photo(image: np.ndarray, labelled: np.ndarray, box: np.ndarray, example_id: str) -> None:
    height, width = image.shape[:2]
    limit = MAX_PHOTOS_AWAY * max(height, width)
    farthest = max(np.abs(labelled).max(), np.abs(box[:2]).max(), np.abs(box[:2] + box[2:]).max())
    if farthest > limit:
        raise ValueError(
            f"{example_id}: joints and box must be pixels of the photo, which is {width} x {height}; "
            f"one is at {farthest:.0f}."
        )


def _head_bone_pixels(joints_2d, joint_weight, joints_3d_absolute, intrinsics) -> float:
    if joints_3d_absolute is None:
        if not (joint_weight[HEAD_TOP] and joint_weight[UPPER_NECK]):
            return 0.0
        return float(np.linalg.norm(joints_2d[HEAD_TOP] - joints_2d[UPPER_NECK]))
    millimetres = np.linalg.norm(joints_3d_absolute[HEAD_TOP] - joints_3d_absolute[UPPER_NECK])
    return float(millimetres / camera.mm_per_pixel(joints_3d_absolute[ROOT, 2], np.asarray(intrinsics)))


def _cut(image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of `image` within reach of augmentation, and its top-left corner (x, y)."""
    height, width = image.shape[:2]
    centre = box[:2] + box[2:] / 2
    reach = CUT_MARGIN * box[2:].max() / 2
    # Boxes may lie partly, even wholly, outside the photo: at least one pixel is kept.
    start = np.floor((centre - reach) / CUT_STEP) * CUT_STEP
    left, top = np.clip(start, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(centre + reach), [left + 1, top + 1], [width, height]).astype(int)
    return image[top:bottom, left:right], np.array([left, top], np.float64)
