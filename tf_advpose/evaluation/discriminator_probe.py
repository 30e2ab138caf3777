"""What a discriminator has learned: does it tell true poses from the same poses with one thing wrong?"""

from collections.abc import Callable, Iterable

import keras
import numpy as np

from tf_advpose import heatmaps
from tf_advpose.encoding import encode_pose
from tf_advpose.skeleton import BONES, LIMB_GROUPS, mirror_order

STRETCH = 1.6
LEAST_CHANGE = 0.1  # half-crop units that a joint must move, or the pose is as good as unspoiled
LOWER_LIMBS = (*LIMB_GROUPS["lower_legs"], *LIMB_GROUPS["lower_arms"])  # by their far ends
_PARENT = dict(BONES)


def stretch(joints: np.ndarray, limb: int) -> np.ndarray:
    """Makes the bone towards the joint `limb` longer: a pose [P, 3]."""
    return _with(joints, limb, _towards(joints, limb) * STRETCH)


def bend_back(joints: np.ndarray, limb: int) -> np.ndarray:
    """Bends elbow or knee, the parent of `limb`, by the same angle to the other side: a pose [P, 3]."""
    upper = _towards(joints, _PARENT[limb])
    upper = upper / np.linalg.norm(upper)
    lower = _towards(joints, limb)
    return _with(joints, limb, 2 * (lower @ upper) * upper - lower)


def flip_depth_of_limb(joints: np.ndarray, limb: int) -> np.ndarray:
    """Turns a lower limb towards the camera instead of away, or back: the same picture, [P, 3]."""
    return _with(joints, limb, _towards(joints, limb) * [1, 1, -1])


def mirror_depth(joints: np.ndarray, limb: int) -> np.ndarray:
    """Turns the whole pose about the pelvis's depth: the same picture, [P, 3]."""
    return joints * [1, 1, -1]


def swap_sides(joints: np.ndarray, limb: int) -> np.ndarray:
    """Calls left joints right ones and right ones left: [P, 3]."""
    return joints[mirror_order()]


WAYS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "one lower limb stretched": stretch,
    "one elbow or knee bent to the other side": bend_back,
    "one lower limb flipped in depth": flip_depth_of_limb,
    "all depths mirrored": mirror_depth,
    "left and right swapped": swap_sides,
}


def probe(discriminator: keras.Model, batches: Iterable[dict]) -> dict[str, dict]:
    """Shows true poses to a discriminator, and each spoiled in each of `WAYS`.

    Args:
      discriminator: as `build_discriminator` makes it.
      batches: of `pipeline.evaluation_batches`, with depth labels.

    Returns:
      {way: "poses": how many it spoiled, moving a joint by `LEAST_CHANGE` or more; "told": of how many
      percent of them the spoiled pose has the lower logit, equal ones counting half; "called_fake": of how
      many a logit below 0};
      under "true" the last of the true poses. None in place of percents of nothing.
    """
    logits = {way: [] for way in ("true", *WAYS)}
    for batch in batches:
        image, joints, visible = _poses(batch)
        logits["true"].append(_logits(discriminator, image, joints, visible))
        for way, spoil in WAYS.items():
            limbs = np.resize(LOWER_LIMBS, len(joints))
            spoiled = np.stack([spoil(pose, limb) for pose, limb in zip(joints, limbs, strict=True)])
            changed = np.linalg.norm(spoiled - joints, axis=-1).max(axis=1) >= LEAST_CHANGE
            found = _logits(discriminator, image, spoiled, visible)
            logits[way].append(np.where(changed, found, np.nan))
    logits = {way: np.concatenate(found) for way, found in logits.items()}
    true = logits.pop("true")
    results = {"true": {"called_fake": _percent(true < 0), "poses": len(true)}}
    for way, found in logits.items():
        counted = ~np.isnan(found)
        results[way] = {
            "told": _percent((1 + np.sign(true - found)[counted]) / 2),
            "called_fake": _percent(found[counted] < 0),
            "poses": int(counted.sum()),
        }
    return results


def _poses(batch: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The images; x and y from the crop's corner and depth in half-crop units; 1 for joints in the crop."""
    image, joints_2d, depth, weight = (
        np.asarray(batch[name]) for name in ("image", "joints_2d", "depth", "joint_weight")
    )
    size = image.shape[1]
    inside = ((joints_2d >= 0) & (joints_2d <= size)).all(axis=-1)
    joints = np.concatenate([joints_2d / (size / 2), depth[..., None]], axis=-1)
    return image, joints, (weight * inside).astype(np.float32)


def _logits(
    discriminator: keras.Model, image: np.ndarray, joints: np.ndarray, visible: np.ndarray
) -> np.ndarray:
    """[B] of poses [B, P, 3] as `_poses` gives them."""
    size = image.shape[1]
    maps = heatmaps.draw(joints[..., :2] * (size / 2), size // heatmaps.STRIDE)
    sources = {"image": image, **encode_pose(maps, joints[..., 2], visible)}
    shown = {source: keras.ops.convert_to_tensor(sources[source]) for source in discriminator.input}
    return np.asarray(discriminator(shown, training=False)["logit"])[:, 0]


def _towards(joints: np.ndarray, joint: int) -> np.ndarray:
    """The bone towards `joint`, from its parent."""
    return joints[joint] - joints[_PARENT[joint]]


def _with(joints: np.ndarray, limb: int, bone: np.ndarray) -> np.ndarray:
    changed = joints.copy()
    changed[limb] = joints[_PARENT[limb]] + bone
    return changed


def _percent(hits: np.ndarray) -> float | None:
    return 100 * float(np.mean(hits)) if len(hits) else None
