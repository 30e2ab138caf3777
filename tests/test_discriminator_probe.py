"""Spoiled poses are spoiled as their names say, and counted for a discriminator that is known."""

import keras
import numpy as np
import pytest

from tf_advpose.evaluation import discriminator_probe
from tf_advpose.models import build_discriminator
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS, bone_lengths

KNEE, ANKLE, HIP = (JOINT_NAMES.index(name) for name in ("right_knee", "right_ankle", "right_hip"))
SIZE = 64


@pytest.fixture
def pose():
    """Any pose well inside the crop, in half-crop units: [P, 3]."""
    return np.random.default_rng(3).uniform([0.6, 0.6, -0.4], [1.4, 1.4, 0.4], (NUM_JOINTS, 3))


def test_one_limb_alone_changes(pose):
    for spoil in (
        discriminator_probe.stretch,
        discriminator_probe.bend_back,
        discriminator_probe.flip_depth_of_limb,
    ):
        changed = (spoil(pose, ANKLE) != pose).any(axis=1)
        assert np.flatnonzero(changed).tolist() == [ANKLE], spoil


def test_a_limb_is_stretched_bent_and_flipped(pose):
    shin = next(number for number, bone in enumerate(BONES) if bone == (ANKLE, KNEE))
    lengths = bone_lengths(pose)
    stretched = bone_lengths(discriminator_probe.stretch(pose, ANKLE)) / lengths
    np.testing.assert_allclose(stretched[shin], discriminator_probe.STRETCH)

    bent = discriminator_probe.bend_back(pose, ANKLE)
    np.testing.assert_allclose(bone_lengths(bent), lengths)
    thigh, before, after = pose[KNEE] - pose[HIP], pose[ANKLE] - pose[KNEE], bent[ANKLE] - bent[KNEE]
    np.testing.assert_allclose(after @ thigh, before @ thigh)
    np.testing.assert_allclose(np.cross(after, thigh), -np.cross(before, thigh))

    flipped = discriminator_probe.flip_depth_of_limb(pose, ANKLE)
    np.testing.assert_allclose(bone_lengths(flipped), lengths)
    np.testing.assert_array_equal(flipped[:, :2], pose[:, :2])


def test_sides_change_places_and_depths_their_sign(pose):
    swapped = discriminator_probe.swap_sides(pose, ANKLE)
    np.testing.assert_array_equal(swapped[ANKLE], pose[JOINT_NAMES.index("left_ankle")])
    np.testing.assert_array_equal(discriminator_probe.mirror_depth(pose, ANKLE)[:, 2], -pose[:, 2])


def batch_of(pose: np.ndarray, count: int = 4) -> dict:
    """A batch for evaluation of so many times the same pose, in an image of nothing."""
    return {
        "image": np.zeros((count, SIZE, SIZE, 3), np.float32),
        "joints_2d": np.tile(pose[:, :2] * SIZE / 2, (count, 1, 1)).astype(np.float32),
        "depth": np.tile(pose[:, 2], (count, 1)).astype(np.float32),
        "joint_weight": np.ones((count, NUM_JOINTS), np.float32),
    }


def test_our_discriminators_are_probed(pose):
    """With all three branches, as they are built."""
    discriminator = build_discriminator(image_size=SIZE, width=4, dense_width=8)
    found = discriminator_probe.probe(discriminator, [batch_of(pose), batch_of(pose)])
    assert list(found) == ["true", *discriminator_probe.WAYS]
    assert found["true"]["poses"] == found["one lower limb stretched"]["poses"] == 8


def test_a_discriminator_of_depths_signs_is_seen_through(pose):
    """It calls a pose fake whose joints are behind the pelvis: it tells mirrored depths alone."""
    geometry = keras.Input((6, NUM_JOINTS, NUM_JOINTS), name="geometry")
    behind = keras.ops.mean(geometry[:, 2, :, JOINT_NAMES.index("pelvis")], axis=1, keepdims=True)
    discriminator = keras.Model({"geometry": geometry}, {"logit": -behind})
    pose[:, 2] = np.where(np.arange(NUM_JOINTS) == JOINT_NAMES.index("pelvis"), 0, -0.3)
    found = discriminator_probe.probe(discriminator, [batch_of(pose)])
    assert found["true"] == {"called_fake": 0, "poses": 4}
    assert found["all depths mirrored"] == {"told": 100, "called_fake": 100, "poses": 4}
    assert found["left and right swapped"]["called_fake"] == 0
    assert found["one lower limb flipped in depth"]["poses"] == 0, "all shins and forearms are level"


def test_one_that_sees_no_pose_prefers_none(pose):
    """Equal verdicts are half right: 50 % says that it cannot tell."""
    discriminator = build_discriminator(image_size=SIZE, sources=("image",), width=4, dense_width=8)
    found = discriminator_probe.probe(discriminator, [batch_of(pose)])
    assert [found[way]["told"] for way in discriminator_probe.WAYS] == [50] * len(discriminator_probe.WAYS)
