"""People whose predictions are known, for tests of what is made of predictions."""

import dataclasses

import numpy as np

from tf_advpose import camera
from tf_advpose.evaluation.predictions import Predictions
from tf_advpose.skeleton import NUM_JOINTS, ROOT

LENS = np.array([1145.0, 1144.0, 512.0, 515.0, -0.21, 0.25, -0.003, -0.0014, -0.001])
CROP_SIZE = 256


def perfect_predictions(joints: np.ndarray, intrinsics: np.ndarray) -> Predictions:
    """What a faultless generator predicts of absolute `joints` [N, P, 3] mm seen by `intrinsics` [N, 9]."""
    count = len(joints)
    pixels = camera.project(joints, intrinsics)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    side = 1.25 * (high - low).max(axis=1)
    corner = (low + high) / 2 - side[:, None] / 2
    image_pixels = side / CROP_SIZE
    crop_to_image = np.concatenate([image_pixels[:, None, None] * np.eye(2), corner[..., None]], axis=-1)
    joints_2d = (pixels - corner[:, None]) / image_pixels[:, None, None]
    mm_per_pixel = image_pixels * camera.mm_per_pixel(joints[:, ROOT, 2], intrinsics)
    relative = joints - joints[:, ROOT, None]
    names = np.array([f"example {number}" for number in range(count)])
    return Predictions(
        example_id=names,
        subject=np.full(count, "S9"),
        action=np.where(np.arange(count) % 3 == 0, "Walking", "Sitting"),
        sequence=np.full(count, ""),
        predicted_joints_2d=joints_2d,
        predicted_depth=relative[..., 2] / (mm_per_pixel * CROP_SIZE / 2)[:, None],
        confidence=np.ones((count, NUM_JOINTS)),
        joints_2d=joints_2d,
        joint_weight=np.ones((count, NUM_JOINTS)),
        head_size=np.full(count, 20.0),
        has_scale=np.ones(count, bool),
        joints_3d=relative,
        joints_3d_universal=np.zeros_like(relative),
        mm_per_pixel=mm_per_pixel,
        root_depth=joints[:, ROOT, 2],
        intrinsics=intrinsics,
        crop_to_image=crop_to_image,
        crop_size=CROP_SIZE,
        total_bone_length=4000.0,
    )


def random_people(count: int = 6, seed: int = 0) -> Predictions:
    joints = np.random.default_rng(seed).normal(scale=300, size=(count, NUM_JOINTS, 3)) + [0, 0, 4000]
    return perfect_predictions(joints, np.tile(LENS, (count, 1)))


def moved(predictions: Predictions, **changes: np.ndarray) -> Predictions:
    """`predictions` with `changes` added to its fields."""
    sums = {name: getattr(predictions, name) + change for name, change in changes.items()}
    return dataclasses.replace(predictions, **sums)


def with_errors(predictions: Predictions, millimetres: np.ndarray) -> Predictions:
    """The same people as a system that predicts millimetres sees them, off by `millimetres` [N, P, 3]."""
    return dataclasses.replace(
        predictions,
        predicted_joints_3d=predictions.joints_3d + millimetres,
        predicted_joints_2d=None,
        predicted_depth=None,
        confidence=None,
    )
