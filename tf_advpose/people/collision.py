"""Rejects poses in which a limb passes through the body.

Trunk, head and limbs are capsules (a segment and a radius). The trunk's lie crosswise, one at each
height, so that together they are as wide and as flat as a trunk is. Two capsules collide where they
overlap by more than flesh gives way.
"""

import functools
from dataclasses import dataclass

import numpy as np

from tf_advpose.people import kinematics
from tf_advpose.people.body import RIG_INDEX, SIDES, Body, joint_positions, load_template
from tf_advpose.people.kinematics import Pose

_TOUCH = 0.75  # capsules may come this near, as a share of the sum of their radii
_SLAB = 45.0  # mm above and below a joint where the trunk is measured
_HALF = 0.45  # an upper arm or thigh may touch the trunk before this share of its length
_HEAD_RADIUS = 85.0  # mm
_HAND_LENGTH, _HAND_RADIUS = 100.0, 24.0  # mm; measured flat, as hands touch
_TINY = 1e-12  # mm^2, in place of the square of a segment without length
_TRUNK = ("pelvis", "spine2", "spine4", "chest")
_ARM, _LEG = ("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot")
_NAMES = _TRUNK + ("head",) + tuple(f"{side}_{part}" for side in SIDES for part in _ARM + _LEG)


def _pairs() -> np.ndarray:
    """Which capsules must keep apart, [2, N] indices into `_NAMES`."""
    pairs = []
    for side, other in (("left", "right"), ("right", "left")):
        for part in ("forearm", "hand"):
            pairs += [(f"{side}_{part}", name) for name in _TRUNK + ("head",)]
            pairs += [(f"{side}_{part}", f"{leg_side}_{leg}") for leg_side in SIDES for leg in _LEG]
            pairs += [(f"{side}_{part}", f"{other}_{arm}") for arm in _ARM]
        pairs += [(f"{side}_upper_arm", name) for name in ("pelvis", "spine2", "spine4", "head")]
        pairs += [(f"{side}_thigh", name) for name in ("chest", "head", f"{other}_thigh")]
        for part in ("shin", "foot"):
            pairs += [(f"{side}_{part}", name) for name in _TRUNK + ("head",)]
            pairs += [(f"{side}_{part}", f"{other}_{leg}") for leg in _LEG]
    return np.array([[_NAMES.index(name) for name in pair] for pair in pairs]).T


_FIRST, _SECOND = _pairs()


@dataclass(frozen=True)
class Capsules:
    """A body's capsules at rest, in `_NAMES`' order: the rig's joint each follows [N], and from where
    [N, 3] to where [N, 3] it goes with which radius [N], millimetres."""

    joints: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    radii: np.ndarray


@functools.lru_cache(maxsize=1024)
def measure(body: Body) -> Capsules:
    """Fits capsules to a body at rest."""
    owner = load_template().weights.argmax(axis=1)
    joint = dict(zip(RIG_INDEX, body.joints, strict=True))
    on_trunk = np.isin(owner, [index for name, index in RIG_INDEX.items() if "_" not in name])
    capsules = []
    for name in _TRUNK:
        near = on_trunk & (np.abs(body.vertices[:, 2] - joint[name][2]) < _SLAB)
        low, high = body.vertices[near].min(axis=0), body.vertices[near].max(axis=0)
        half_width, half_depth = (high - low)[:2] / 2
        centre = np.array([0, (low[1] + high[1]) / 2, joint[name][2]])
        side = np.array([max(half_width - half_depth, 1.0), 0, 0])
        capsules.append((name, centre - side, centre + side, half_depth))
    capsules.append(("head", joint["neck2"], body.head_top - (0, 0, _HEAD_RADIUS), _HEAD_RADIUS))
    for side in SIDES:
        for upper, middle, end in (_ARM, _LEG):
            first, second, third = (joint[f"{side}_{part}"] for part in (upper, middle, end))
            if end == "hand":
                tip = third + (third - second) / np.linalg.norm(third - second) * _HAND_LENGTH
            else:
                own = body.vertices[owner == RIG_INDEX[f"{side}_foot"]]
                tip = np.array([third[0], own[:, 1].min(), own[:, 2].min() + 30])
            for part, start, stop in (
                (upper, first + _HALF * (second - first), second),
                (middle, second, third),
                (end, third, tip),
            ):
                own = body.vertices[owner == RIG_INDEX[f"{side}_{part}"]].astype(float)
                bone = np.broadcast_to(start, own.shape), np.broadcast_to(stop, own.shape)
                radius = _HAND_RADIUS if part == "hand" else np.median(segment_distance(own, own, *bone))
                capsules.append((f"{side}_{part}", start, stop, radius))
    names, starts, ends, radii = zip(*capsules, strict=True)
    order = [names.index(name) for name in _NAMES]
    return Capsules(
        np.array([RIG_INDEX[name] for name in _NAMES]),
        np.array(starts)[order],
        np.array(ends)[order],
        np.array(radii)[order],
    )


def collides(pose: Pose, body: Body) -> bool:
    """True where an arm or leg of the posed body passes through trunk, head or another limb."""
    capsules = measure(body)
    turned = kinematics.rotations(pose, body)
    posed = joint_positions(body.joints, turned)
    rest, moved, turned = body.joints[capsules.joints], posed[capsules.joints], turned[capsules.joints]
    starts = np.einsum("njk,nk->nj", turned, capsules.starts - rest) + moved
    ends = np.einsum("njk,nk->nj", turned, capsules.ends - rest) + moved
    distance = segment_distance(starts[_FIRST], ends[_FIRST], starts[_SECOND], ends[_SECOND])
    return bool(np.any(distance < _TOUCH * (capsules.radii[_FIRST] + capsules.radii[_SECOND])))


def segment_distance(p: np.ndarray, q: np.ndarray, r: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The distances [N] between the segments from `p` to `q` and from `r` to `s`, all [N, 3]."""
    u, v, w = q - p, s - r, p - r
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    determinant = uu * vv - uv * uv
    skew = determinant > 1e-9 * uu * vv  # of parallel segments any point will do to start from
    along = np.where(skew, np.clip((uv * vw - vv * uw) / np.where(skew, determinant, 1), 0, 1), 0)
    across = np.clip((uv * along + vw) / np.maximum(vv, _TINY), 0, 1)
    along = np.clip((uv * across - uw) / np.maximum(uu, _TINY), 0, 1)
    return np.linalg.norm(w + along[:, None] * u - across[:, None] * v, axis=-1)
