"""What a pose is scored by: MPJPE and its aligned forms, 3D PCK and AUC, PCKh, sides, velocity error.

Every metric takes `predicted` and `target` and returns one value for each pose and joint in float64;
the mean over poses, joints, actions or limbs is the caller's, `np.nanmean`. A `weight` [N, P] of 0
leaves a joint out: its coordinates are not looked at, not even by an alignment, and its value is NaN.
None: every joint counts. Nothing is aligned but what a function names: subtract the root first where
errors are to be root-relative. Beside input and result, a metric needs the memory of `CHUNK_POSES`
poses, however many there are.

Raises, in every function: ValueError where shapes disagree or where a joint that counts is not finite
(its NaN would pass for a joint that was left out).
"""

import functools
from collections.abc import Callable

import numpy as np

from tf_advpose.skeleton import mirror_order

PCK3D_THRESHOLD_MM = 150.0
AUC3D_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)  # 31, as MPI-INF-3DHP's own evaluation has them
PCKH_THRESHOLD = 0.5
CHUNK_POSES = 2048  # at a time: their float64 copies stay in the processor's cache


def mpjpe(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Distance of each joint from its target (Protocol #1 of Sec. 5): [N, P, 3] mm -> [N, P] mm."""
    return _in_chunks(_distances, predicted, target, weight, dimensions=3)


def pa_mpjpe(
    predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None, scale: bool = True
) -> np.ndarray:
    """`mpjpe` after the best alignment of each pose (Protocol #2 of Sec. 5): [N, P, 3] mm -> [N, P] mm.

    Rotation, translation and, unless `scale` is False, scale minimise the squared error (Procrustes).
    There is no reflection: a mirrored pose is not set right. A prediction whose joints coincide is moved
    to the target's centre.
    """
    aligned = functools.partial(_procrustes_distances, with_scale=scale)
    return _in_chunks(aligned, predicted, target, weight, dimensions=3)


def n_mpjpe(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """`mpjpe` after the best scale about the origin for each pose: [N, P, 3] mm -> [N, P] mm.

    Meant for root-relative joints. The scale is the least-squares one, as published.
    """
    return _in_chunks(_scaled_distances, predicted, target, weight, dimensions=3)


def pck3d(
    predicted: np.ndarray,
    target: np.ndarray,
    threshold: float = PCK3D_THRESHOLD_MM,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """1 where a joint is strictly nearer than `threshold` mm to its target, else 0: [N, P, 3] -> [N, P]."""
    return within(mpjpe(predicted, target, weight), threshold)


def auc3d(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The share of the 31 thresholds 0, 5, ..., 150 mm that a joint meets: [N, P, 3] mm -> [N, P].

    No joint is strictly nearer than 0 mm, so that a perfect joint has 30 / 31.
    """
    return share_of_thresholds(mpjpe(predicted, target, weight), AUC3D_THRESHOLDS_MM)


def pckh_distances(
    predicted: np.ndarray, target: np.ndarray, head_size: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """Distance of each joint from its target in head sizes.

    Args:
      predicted, target: [N, P, 2] pixels; the same pixels for both, whichever they are.
      head_size: [N] in those pixels.
      weight: [N, P].

    Returns:
      [N, P].

    Raises:
      ValueError: also where a pose with joints that count has no positive head size.
    """
    distances = _in_chunks(_distances, predicted, target, weight, dimensions=2)
    counts = ~np.isnan(distances).all(axis=1)
    head_size = np.asarray(head_size, np.float64)
    if head_size.shape != counts.shape:
        raise ValueError(f"Expected head_size of shape {counts.shape}, got {head_size.shape}.")
    unusable = counts & ~((head_size > 0) & np.isfinite(head_size))
    if unusable.any():
        pose = int(unusable.argmax())
        raise ValueError(f"head_size of pose {pose} is {head_size[pose]}; weigh poses without one with 0.")
    return distances / np.where(counts, head_size, 1.0)[:, None]


def pckh(
    predicted: np.ndarray,
    target: np.ndarray,
    head_size: np.ndarray,
    threshold: float = PCKH_THRESHOLD,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """1 where a joint is strictly nearer than `threshold` head sizes to its target, else 0: [N, P].

    Arguments and errors are those of `pckh_distances`.
    """
    return within(pckh_distances(predicted, target, head_size, weight), threshold)


def on_other_side(
    predicted: np.ndarray, target: np.ndarray, least_apart: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """1 where a joint is strictly nearer to its mirror partner's target than to its own, else 0: [N, P].

    Args:
      predicted, target: [N, P, 2] pixels.
      least_apart: [N] pixels; partners whose targets are nearer to each other cannot be told apart and do
        not count.
      weight: [N, P]; partners count where both do.

    Returns:
      [N, P], NaN for what does not count and for joints without a partner.
    """
    order = mirror_order()
    counts = np.broadcast_to(order != np.arange(len(order)), np.shape(target)[:2])
    if weight is not None:
        counts = counts & (weight > 0) & (weight[:, order] > 0)
    partners = target[:, order]
    own = _in_chunks(_distances, predicted, target, counts, dimensions=2)
    other = _in_chunks(_distances, predicted, partners, counts, dimensions=2)
    between = _in_chunks(_distances, target, partners, counts, dimensions=2)
    return np.where(between >= least_apart[:, None], other < own, np.nan)


def velocity_error(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`mpjpe` of the movement from each frame to the next: [N, P, 3] mm -> [N - 1, P] mm a frame.

    The poses are the frames of one sequence, in order.
    """
    predicted, target = _same_shape(predicted, target, dimensions=3)
    predicted, target, counts = _counting(predicted, target, np.ones(predicted.shape[:2]), first=0)
    return _distances(np.diff(predicted, axis=0), np.diff(target, axis=0), counts[1:])


def within(distances: np.ndarray, threshold: float, inclusive: bool = False) -> np.ndarray:
    """1 where a distance is below `threshold`, or `inclusive`ly at it, else 0; NaN stays NaN."""
    hits = distances <= threshold if inclusive else distances < threshold
    return np.where(np.isnan(distances), np.nan, hits)


def share_of_thresholds(distances: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of the rising `thresholds` that each distance is strictly below; NaN stays NaN."""
    met = len(thresholds) - np.searchsorted(thresholds, distances, side="right")
    return np.where(np.isnan(distances), np.nan, met / len(thresholds))


def _in_chunks(
    score: Callable,
    predicted: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    dimensions: int,
) -> np.ndarray:
    """`score` of predicted, target and which joints count, some poses at a time: [N, P]."""
    predicted, target = _same_shape(predicted, target, dimensions)
    if weight is not None:
        weight = np.asarray(weight)
        if weight.shape != predicted.shape[:2]:
            raise ValueError(f"Expected weight of shape {predicted.shape[:2]}, got {weight.shape}.")
    values = np.empty(predicted.shape[:2])
    for first in range(0, len(values), CHUNK_POSES):
        chunk = slice(first, first + CHUNK_POSES)
        counts = np.ones(values[chunk].shape, bool) if weight is None else weight[chunk]
        values[chunk] = score(*_counting(predicted[chunk], target[chunk], counts, first))
    return values


def _same_shape(
    predicted: np.ndarray, target: np.ndarray, dimensions: int
) -> tuple[np.ndarray, np.ndarray]:
    predicted, target = np.asarray(predicted), np.asarray(target)
    if predicted.ndim != 3 or predicted.shape[2] != dimensions or predicted.shape != target.shape:
        raise ValueError(
            f"Expected predicted and target of one shape [N, P, {dimensions}], got {predicted.shape} "
            f"and {target.shape}."
        )
    return predicted, target


def _counting(
    predicted: np.ndarray, target: np.ndarray, weight: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`predicted`, `target` in float64, 0 where a joint does not count, and [N, P] bool: which do.

    `first` is the number of the first pose, for the error message.
    """
    predicted, target = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    counts = weight > 0
    for name, joints in (("predicted", predicted), ("target", target)):
        if np.isfinite(joints).all():
            continue
        unusable = counts & ~np.isfinite(joints).all(axis=-1)
        if unusable.any():
            pose, joint = np.argwhere(unusable)[0]
            raise ValueError(
                f"{name} is not finite at joint {joint} of pose {first + pose}: {joints[pose, joint]}."
            )
    return _kept(predicted, counts), _kept(target, counts), counts


def _kept(joints: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`joints`, 0 where one does not count."""
    return joints if counts.all() else np.where(counts[..., None], joints, 0.0)


def _distances(predicted: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    difference = predicted - target
    return np.where(counts, np.sqrt(np.einsum("npi,npi->np", difference, difference)), np.nan)


def _scaled_distances(predicted: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
    product = np.einsum("npi,npi->n", predicted, target)
    scale = _ratio(product, np.einsum("npi,npi->n", predicted, predicted))
    return _distances(scale[:, None, None] * predicted, target, counts)


def _procrustes_distances(
    predicted: np.ndarray, target: np.ndarray, counts: np.ndarray, with_scale: bool
) -> np.ndarray:
    source, goal = _centred(predicted, counts), _centred(target, counts)
    left, stretch, right = np.linalg.svd(source.transpose(0, 2, 1) @ goal)
    # Where the best orthogonal map is a reflection, the direction that matters least is turned back.
    handedness = np.ones_like(stretch)
    handedness[:, 2] = np.sign(_determinants(left) * _determinants(right))
    rotation = (left * handedness[:, None, :]) @ right  # row vectors: source @ rotation
    aligned = source @ rotation
    if with_scale:
        scale = _ratio(np.sum(stretch * handedness, axis=1), np.einsum("npi,npi->n", source, source))
        aligned *= scale[:, None, None]
    return _distances(aligned, goal, counts)


def _centred(joints: np.ndarray, counts: np.ndarray) -> np.ndarray:
    centre = np.einsum("npi->ni", joints) / np.maximum(counts.sum(axis=1), 1)[:, None]
    return _kept(joints - centre[:, None], counts)


def _determinants(matrices: np.ndarray) -> np.ndarray:
    """Those of [N, 3, 3]; written out, as np.linalg.det factorises each."""
    (a, b, c), (d, e, f), (g, h, i) = np.moveaxis(matrices, 0, -1)
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """`numerator` / `denominator`, 0 where the denominator is 0: joints that coincide have no scale."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
