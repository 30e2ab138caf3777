"""What a pose is scored by: MPJPE and its aligned forms, 3D PCK and AUC, PCKh, velocity error.

Every metric takes `predicted` and `target` and returns one value for each pose and joint in float64;
the mean over poses, joints, actions or limbs is the caller's, `np.nanmean`. A `weight` [N, P] of 0
leaves a joint out: its coordinates are not looked at, not even by an alignment, and its value is NaN.
None: every joint counts. Nothing is aligned but what a function names: subtract the root first where
errors are to be root-relative.

Raises, in every function: ValueError where shapes disagree or where a joint that counts is not finite
(its NaN would pass for a joint that was left out).
"""

import numpy as np

PCK3D_THRESHOLD_MM = 150.0
AUC3D_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)  # 31, as MPI-INF-3DHP's own evaluation has them
PCKH_THRESHOLD = 0.5


def mpjpe(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Distance of each joint from its target (Protocol #1 of Sec. 5): [N, P, 3] mm -> [N, P] mm."""
    predicted, target, counts = _checked(predicted, target, weight, dimensions=3)
    return _distances(predicted, target, counts)


def pa_mpjpe(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """`mpjpe` after the best similarity for each pose (Protocol #2 of Sec. 5): [N, P, 3] mm -> [N, P] mm.

    Rotation, scale and translation minimise the squared error (Procrustes). There is no reflection: a
    mirrored pose is not set right. A prediction whose joints coincide is moved to the target's centre.
    """
    predicted, target, counts = _checked(predicted, target, weight, dimensions=3)
    joints = np.maximum(counts.sum(axis=1), 1)[:, None, None]
    predicted_centre = predicted.sum(axis=1, keepdims=True) / joints
    target_centre = target.sum(axis=1, keepdims=True) / joints
    source = np.where(counts[..., None], predicted - predicted_centre, 0.0)
    goal = np.where(counts[..., None], target - target_centre, 0.0)

    left, stretch, right = np.linalg.svd(np.einsum("npi,npj->nij", source, goal))
    # Where the best orthogonal map is a reflection, the direction that matters least is turned back.
    handedness = np.ones_like(stretch)
    handedness[:, 2] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    rotation = (left * handedness[:, None, :]) @ right  # row vectors: source @ rotation
    scale = _ratio(np.sum(stretch * handedness, axis=1), np.sum(source**2, axis=(1, 2)))
    aligned = scale[:, None, None] * (source @ rotation) + target_centre
    return _distances(aligned, target, counts)


def n_mpjpe(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """`mpjpe` after the best scale about the origin for each pose: [N, P, 3] mm -> [N, P] mm.

    Meant for root-relative joints. The scale is the least-squares one, as published.
    """
    predicted, target, counts = _checked(predicted, target, weight, dimensions=3)
    scale = _ratio(np.sum(predicted * target, axis=(1, 2)), np.sum(predicted**2, axis=(1, 2)))
    return _distances(scale[:, None, None] * predicted, target, counts)


def pck3d(
    predicted: np.ndarray,
    target: np.ndarray,
    threshold: float = PCK3D_THRESHOLD_MM,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """1 where a joint is strictly nearer than `threshold` mm to its target, else 0: [N, P, 3] -> [N, P]."""
    return _hits(mpjpe(predicted, target, weight), threshold)


def auc3d(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The share of the 31 thresholds 0, 5, ..., 150 mm that a joint meets: [N, P, 3] mm -> [N, P].

    No joint is strictly nearer than 0 mm, so that a perfect joint has 30 / 31.
    """
    distances = mpjpe(predicted, target, weight)
    return _hits(distances[..., None], AUC3D_THRESHOLDS_MM).mean(axis=-1)


def pckh(
    predicted: np.ndarray,
    target: np.ndarray,
    head_size: np.ndarray,
    threshold: float = PCKH_THRESHOLD,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """1 where a joint is strictly nearer than `threshold` head sizes to its target, else 0.

    Args:
      predicted, target: [N, P, 2] pixels; the same pixels for both, whichever they are.
      head_size: [N] in those pixels.
      threshold: in head sizes.
      weight: [N, P].

    Returns:
      [N, P].

    Raises:
      ValueError: also where a pose with joints that count has no positive head size.
    """
    predicted, target, counts = _checked(predicted, target, weight, dimensions=2)
    head_size = np.asarray(head_size, np.float64)
    if head_size.shape != counts.shape[:1]:
        raise ValueError(f"Expected head_size of shape {counts.shape[:1]}, got {head_size.shape}.")
    unusable = counts.any(axis=1) & ~((head_size > 0) & np.isfinite(head_size))
    if unusable.any():
        pose = int(unusable.argmax())
        raise ValueError(f"head_size of pose {pose} is {head_size[pose]}; weigh poses without one with 0.")
    relative = _distances(predicted, target, counts) / np.where(counts.any(axis=1), head_size, 1.0)[:, None]
    return _hits(relative, threshold)


def velocity_error(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`mpjpe` of the movement from each frame to the next: [N, P, 3] mm -> [N - 1, P] mm a frame.

    The poses are the frames of one sequence, in order.
    """
    predicted, target, counts = _checked(predicted, target, None, dimensions=3)
    return _distances(np.diff(predicted, axis=0), np.diff(target, axis=0), counts[1:])


def _checked(
    predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None, dimensions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`predicted`, `target` in float64, 0 where a joint does not count, and [N, P] bool: which do."""
    predicted, target = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    if predicted.ndim != 3 or predicted.shape[2] != dimensions or predicted.shape != target.shape:
        raise ValueError(
            f"Expected predicted and target of one shape [N, P, {dimensions}], got {predicted.shape} "
            f"and {target.shape}."
        )
    weight = np.ones(predicted.shape[:2]) if weight is None else np.asarray(weight)
    if weight.shape != predicted.shape[:2]:
        raise ValueError(f"Expected weight of shape {predicted.shape[:2]}, got {weight.shape}.")
    counts = weight > 0
    for name, joints in (("predicted", predicted), ("target", target)):
        unusable = counts & ~np.isfinite(joints).all(axis=-1)
        if unusable.any():
            pose, joint = np.argwhere(unusable)[0]
            raise ValueError(
                f"{name} is not finite at joint {joint} of pose {pose}: {joints[pose, joint]}."
            )
    return np.where(counts[..., None], predicted, 0.0), np.where(counts[..., None], target, 0.0), counts


def _distances(predicted: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.where(counts, np.linalg.norm(predicted - target, axis=-1), np.nan)


def _hits(distances: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    return np.where(np.isnan(distances), np.nan, distances < threshold)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """`numerator` / `denominator`, 0 where the denominator is 0: joints that coincide have no scale."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
