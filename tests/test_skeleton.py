"""The skeleton is one tree, left mirrors right, and other datasets' joints land where they belong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from tf_advpose import skeleton
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS, ROOT

# Which of Human3.6M's 32 joints its 17-joint form holds, and of MPI-INF-3DHP's 28 its 17.
HUMAN36M_17_IN_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
MPI_INF_3DHP_17_IN_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


def test_mpii_order():
    """Public checkpoints and MPII's labels depend on this order."""
    legs = ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle")
    trunk = ("pelvis", "thorax", "upper_neck", "head_top")
    arms = ("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist")
    assert legs + trunk + arms == JOINT_NAMES


def test_bones_are_a_tree_that_hangs_on_the_pelvis():
    parent_of = dict(BONES)
    assert len(BONES) == len(parent_of) == NUM_JOINTS - 1
    for joint in range(NUM_JOINTS):
        path = [joint]
        while path[-1] != ROOT:
            path.append(parent_of[path[-1]])
            assert len(path) <= NUM_JOINTS, f"{JOINT_NAMES[joint]} hangs in a loop"


def test_mirror_exchanges_the_sides_by_name():
    exchanged = {"right": "left", "left": "right"}
    order = skeleton.mirror_order()
    for joint, name in enumerate(JOINT_NAMES):
        side, _, part = name.partition("_")
        expected = f"{exchanged[side]}_{part}" if side in exchanged else name
        assert JOINT_NAMES[order[joint]] == expected


@given(hnp.arrays(np.float64, (NUM_JOINTS, 2)))
def test_mirroring_twice_is_the_identity(joints):
    order = skeleton.mirror_order()
    np.testing.assert_array_equal(joints[order][order], joints)


def test_bones_and_groups_are_as_symmetric_as_the_body():
    order = skeleton.mirror_order()
    assert {(order[child], order[parent]) for child, parent in BONES} == set(BONES)
    for joints in (*skeleton.LIMB_GROUPS.values(), *skeleton.PCKH_GROUPS.values()):
        assert {order[joint] for joint in joints} == set(joints)


def test_groups_name_their_joints():
    limb_ends = {"upper_arms": "elbow", "lower_arms": "wrist", "upper_legs": "knee", "lower_legs": "ankle"}
    for limb, joints in skeleton.LIMB_GROUPS.items():
        assert {JOINT_NAMES[joint] for joint in joints} == {
            f"{s}_{limb_ends[limb]}" for s in ("right", "left")
        }
    for group, joints in skeleton.PCKH_GROUPS.items():
        assert all(group in JOINT_NAMES[joint] for joint in joints)
    grouped = {joint for joints in skeleton.PCKH_GROUPS.values() for joint in joints}
    assert set(skeleton.PCKH_JOINTS) == grouped | {skeleton.UPPER_NECK}
    assert len(skeleton.PCKH_JOINTS) == 14


@pytest.mark.parametrize(
    ("small", "large", "contained"),
    [
        (skeleton.FROM_HUMAN36M_17, skeleton.FROM_HUMAN36M_32, HUMAN36M_17_IN_32),
        (skeleton.FROM_MPI_INF_3DHP_17, skeleton.FROM_MPI_INF_3DHP_28, MPI_INF_3DHP_17_IN_28),
    ],
    ids=["human36m", "mpi_inf_3dhp"],
)
def test_both_forms_of_a_dataset_give_the_same_pose(small, large, contained):
    full = np.random.default_rng(0).normal(size=(4, 32, 3))
    np.testing.assert_array_equal(
        skeleton.from_dataset(full[:, contained], small), skeleton.from_dataset(full, large)
    )


def test_from_dataset_reorders_and_fills_the_thorax():
    joints = np.arange(17.0)[:, None] * [1.0, 10.0, 100.0]
    ours = skeleton.from_dataset(joints, skeleton.FROM_HUMAN36M_17)
    np.testing.assert_array_equal(ours[skeleton.PELVIS], [0, 0, 0])
    np.testing.assert_array_equal(ours[skeleton.HEAD_TOP], [10, 100, 1000])
    np.testing.assert_array_equal(ours[skeleton.THORAX], [12.5, 125, 1250])  # between joints 11 and 14


def test_with_thorax_leaves_its_argument_alone():
    joints = np.random.default_rng(0).normal(size=(2, NUM_JOINTS, 3))
    before = joints.copy()
    changed = skeleton.with_thorax(joints)
    np.testing.assert_array_equal(joints, before)
    others = [joint for joint in range(NUM_JOINTS) if joint != skeleton.THORAX]
    np.testing.assert_array_equal(changed[:, others], before[:, others])


def test_from_dataset_refuses_too_few_joints_and_flat_ones():
    with pytest.raises(ValueError, match="28 or more, 3.*17, 3"):
        skeleton.from_dataset(np.zeros((17, 3)), skeleton.FROM_HUMAN36M_32)
    with pytest.raises(ValueError, match="17, 2"):
        skeleton.from_dataset(np.zeros((17, 2)), skeleton.FROM_HUMAN36M_17)


def test_bone_lengths():
    """Each joint lies (3, 4, 5) from the one before, so a bone is sqrt(50) long for each number between."""
    joints = np.arange(float(NUM_JOINTS))[:, None] * [3.0, 4.0, 5.0]
    expected = [np.sqrt(50) * abs(child - parent) for child, parent in BONES]
    np.testing.assert_allclose(skeleton.bone_lengths(joints), expected)
    np.testing.assert_allclose(
        skeleton.bone_lengths(joints[None, :, :2]), [np.array(expected) / np.sqrt(2)]
    )


def test_real_human36m_legs_have_their_known_lengths(samples):
    """S1's hips, thighs and shins measure 132.9, 442.9 and 454.2 mm, left and right."""
    frames = np.load(samples / "h36m_mmpose/h36m_body3d.npz")
    joints = skeleton.from_dataset(frames["S"][0, :, :3] * 1000, skeleton.FROM_HUMAN36M_17)
    np.testing.assert_allclose(skeleton.bone_lengths(joints)[:6], [132.9, 442.9, 454.2] * 2, atol=0.1)


def test_real_knees_bend_forwards(samples):
    """Were left and right exchanged, people would walk with their knees bent backwards."""
    poses = np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz")["joints_3d_cam"]
    poses = skeleton.from_dataset(poses, skeleton.FROM_HUMAN36M_17).astype(np.float64)
    joint = {name: poses[:, index] for index, name in enumerate(JOINT_NAMES)}
    upwards = joint["thorax"] - joint["pelvis"]
    forwards = np.cross(joint["right_hip"] - joint["left_hip"], -upwards)
    for side in ("right", "left"):
        hip, knee, ankle = (joint[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        bend = np.sum((knee - (hip + ankle) / 2) * forwards, axis=-1)
        assert np.mean(bend > 0) > 0.9
