"""From predictions to the score of every example and joint, by the chosen conventions.

Nothing is averaged here but over joints where a metric is over a subset of them.
"""

import dataclasses
import re

import numpy as np

from tf_advpose import metrics
from tf_advpose.evaluation.conventions import Conventions
from tf_advpose.evaluation.predictions import (
    Predictions,
    absolute_from_camera,
    depth_in_mm,
    joints_from_bones,
    joints_from_camera,
    true_root,
)
from tf_advpose.skeleton import (
    LEFT_HIP,
    NUM_JOINTS,
    PCKH_JOINTS,
    RIGHT_HIP,
    ROOT,
    THORAX,
    UPPER_NECK,
)

GIVEN = "given"  # the scale of a system that predicts millimetres itself
EVEN_SHARE = 0.5  # of neighbouring frames must be the smallest step apart, or there is no such step
HIP_SHIFT = 0.2  # of the way from pelvis to neck: MPI-INF-3DHP's hips are higher than Human3.6M's
# What Zhou et al. (ICCV 2017) measure a skeleton's size by; unlike `BONES` it has no thorax.
ZHOU_BONES = (
    (0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5),
    (10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15),
    (6, 8), (8, 9),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Velocity:
    """Errors of the movement between neighbouring frames, or why there are none."""

    errors: np.ndarray  # [N] mm a step, mean over joints; NaN for an example without a successor
    frame_step: int = 0  # frames from one pose to the next
    skipped: str = ""  # why there are no errors


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of N examples, NaN for those without labels; None where no example has them."""

    predictions: Predictions
    conventions: Conventions
    has_2d: np.ndarray  # [N] bool: 2D labels and a head size
    has_3d: np.ndarray  # [N] bool
    head_distances: np.ndarray | None = None  # [N, P] head sizes
    scale: str = ""  # what gave millimetres: "camera", "bones" or GIVEN
    mpjpe: np.ndarray | None = None  # [N, P] mm, as the next four
    pa_mpjpe: np.ndarray | None = None
    pa_mpjpe_rigid: np.ndarray | None = None
    n_mpjpe: np.ndarray | None = None
    depth_error: np.ndarray | None = None
    pck3d_skeleton: str = ""
    pck3d_distances: np.ndarray | None = None  # [N, joints] mm
    velocity: Velocity | None = None


def score(predictions: Predictions, conventions: Conventions) -> Scores:
    """Scores `predictions`, 3D where the scale is known and 2D where a head size is.

    Raises:
      ValueError: the split is empty, there is nothing to score against, or the read-out lacks something.
    """
    if not len(predictions):
        raise ValueError("There is no example to evaluate: the split is empty.")
    has_2d, has_3d = _has_2d(predictions), _has_3d(predictions)
    if not (has_2d.any() or has_3d.any()):
        raise ValueError(
            "There is nothing to score: no example has 3D labels, or 2D labels and a head size, for what "
            "was predicted."
        )
    found = {}
    if has_2d.any():
        found["head_distances"] = _spread(_head_distances(predictions.where(has_2d)), has_2d)
    if has_3d.any():
        scaled = predictions.where(has_3d)
        found["scale"], joints_3d = read_out(scaled, conventions)
        found["pck3d_skeleton"] = pck3d_skeleton(scaled, conventions)
        errors = _score_3d(scaled, joints_3d, conventions)
        found |= {name: _spread(values, has_3d) for name, values in errors.items()}
        velocity = _velocity(scaled, joints_3d)
        found["velocity"] = dataclasses.replace(velocity, errors=_spread(velocity.errors, has_3d))
    return Scores(predictions, conventions, has_2d, has_3d, **found)


def read_out(scaled: Predictions, conventions: Conventions) -> tuple[str, np.ndarray]:
    """Which scale was used, and the predicted joints [N, P, 3] mm, root-relative, of examples with 3D.

    Raises:
      ValueError: "bones" without a length, or millimetres that are given cannot be aligned in depth alone.
    """
    if scaled.predicted_joints_3d is not None:
        if conventions.root_align == "depth":
            raise ValueError(
                "root_align='depth' needs predictions in crops with their cameras; these are root-relative "
                "millimetres."
            )
        joints = scaled.predicted_joints_3d.astype(np.float64)
        return GIVEN, joints - joints[:, ROOT, None]
    from_crops = joints_from_camera if conventions.scale == "camera" else joints_from_bones
    return conventions.scale, from_crops(scaled)


def pck3d_poses(
    scaled: Predictions, joints_3d: np.ndarray, conventions: Conventions
) -> tuple[np.ndarray, np.ndarray]:
    """The predicted and true joints that 3D PCK compares, by its conventions: two [N, joints, 3] mm."""
    target = scaled.joints_3d
    if pck3d_skeleton(scaled, conventions) == "universal":
        target = scaled.joints_3d_universal
        if scaled.predicted_joints_3d is None and conventions.scale == "camera":
            joints_3d = _universal_size(scaled) * joints_3d
    if conventions.pck3d == "zhou":
        joints_3d = _as_zhou_measures(joints_3d, target)
    joints = list(PCKH_JOINTS) if conventions.pck3d_joints == "14" else slice(None)
    return joints_3d[:, joints], target[:, joints]


def pck3d_skeleton(scaled: Predictions, conventions: Conventions) -> str:
    """What 3D PCK compares with: of `PCK3D_SKELETONS` the one chosen, or "true" where there is no other."""
    universal = scaled.joints_3d_universal
    if universal is None or not universal.any(axis=(1, 2)).all():
        return "true"
    return conventions.pck3d_skeleton


def _has_2d(predictions: Predictions) -> np.ndarray:
    if predictions.predicted_joints_2d is None or predictions.head_size is None:
        return np.zeros(len(predictions), bool)
    return (predictions.head_size > 0) & predictions.joint_weight.any(axis=1)


def _has_3d(predictions: Predictions) -> np.ndarray:
    predicted = predictions.predicted_joints_3d is not None or predictions.predicted_depth is not None
    if not predicted or predictions.has_scale is None:
        return np.zeros(len(predictions), bool)
    return predictions.has_scale


def _head_distances(measured: Predictions) -> np.ndarray:
    return metrics.pckh_distances(
        measured.predicted_joints_2d, measured.joints_2d, measured.head_size, measured.joint_weight
    )


def _score_3d(
    scaled: Predictions, joints_3d: np.ndarray, conventions: Conventions
) -> dict[str, np.ndarray]:
    target = scaled.joints_3d
    aligned = joints_3d
    if conventions.root_align == "depth":
        aligned = absolute_from_camera(scaled) - true_root(scaled)[:, None]
    from_crop = scaled.predicted_joints_3d is None
    depth = depth_in_mm(scaled) if from_crop else joints_3d[..., 2]
    return {
        "mpjpe": metrics.mpjpe(aligned, target),
        "pa_mpjpe": metrics.pa_mpjpe(joints_3d, target),
        "pa_mpjpe_rigid": metrics.pa_mpjpe(joints_3d, target, scale=False),
        "n_mpjpe": metrics.n_mpjpe(joints_3d, target),
        "depth_error": np.abs(depth - target[..., 2]),
        "pck3d_distances": metrics.mpjpe(*pck3d_poses(scaled, joints_3d, conventions)),
    }


def _universal_size(scaled: Predictions) -> np.ndarray:
    """How large the universal skeleton is, the true one being 1: [N, 1, 1].

    The median over joints, because a few of TS6's differ by more than size.
    """
    joints = np.arange(NUM_JOINTS) != ROOT
    universal, true = (
        np.linalg.norm(pose[:, joints], axis=-1) for pose in (scaled.joints_3d_universal, scaled.joints_3d)
    )
    return np.median(universal / true, axis=1)[:, None, None]


def _as_zhou_measures(joints_3d: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Predicted joints with hips where MPI-INF-3DHP has them, and bones of the true length together."""
    joints = joints_3d.copy()
    shift = HIP_SHIFT * (joints[:, UPPER_NECK] - joints[:, ROOT])
    joints[:, [ROOT, RIGHT_HIP, LEFT_HIP]] += shift[:, None]
    joints[:, THORAX] = (joints[:, ROOT] + joints[:, UPPER_NECK]) / 2
    joints -= joints[:, ROOT, None]
    start, end = np.array(ZHOU_BONES).T
    length, true_length = (
        np.linalg.norm(pose[:, start] - pose[:, end], axis=-1).sum(axis=-1) for pose in (joints, target)
    )
    scale = np.where(length > 0, true_length / np.maximum(length, 1e-9), 0.0)
    return scale[:, None, None] * joints


def _velocity(scaled: Predictions, joints_3d: np.ndarray) -> Velocity:
    """Velocity errors within sequences, between poses that are one frame step apart."""
    nothing = np.full(len(scaled), np.nan)
    numbers = [re.search(r"(\d+)$", name) for name in scaled.example_id]
    if not (scaled.sequence != "").all() or not all(numbers):
        return Velocity(nothing, skipped="sequences or frame numbers are not known")
    frame = np.array([int(number[1]) for number in numbers])
    _, sequence = np.unique(scaled.sequence, return_inverse=True)
    order = np.lexsort([frame, sequence])
    steps = np.diff(frame[order])
    neighbours = (np.diff(sequence[order]) == 0) & (steps > 0)
    if not neighbours.any():
        return Velocity(nothing, skipped="no sequence has two frames")
    step = int(steps[neighbours].min())
    apart = neighbours & (steps == step)
    if apart.sum() < EVEN_SHARE * neighbours.sum():
        return Velocity(nothing, skipped="the frames of a sequence are not evenly apart")
    errors = metrics.velocity_error(joints_3d[order], scaled.joints_3d[order]).mean(axis=1)
    nothing[order[:-1]] = np.where(apart, errors, np.nan)
    return Velocity(nothing, step)


def _spread(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """`values` of the chosen examples among all, NaN for the others."""
    spread = np.full((len(chosen), *values.shape[1:]), np.nan)
    spread[chosen] = values
    return spread
