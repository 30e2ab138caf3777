"""Angles mean what they say, on both sides alike, and hands and feet come to where they are sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose.people import kinematics
from tf_advpose.people.body import RIG, RIG_INDEX, Body, joint_positions, make_body
from tf_advpose.people.kinematics import LIMITS, Pose

SIDES = ((0, "left", 1), (1, "right", -1))


@pytest.fixture(scope="module")
def person() -> Body:
    return make_body(np.array([0.3, 0.7, 0.5, 0.5, 0.5, 0.5]))


def posed(pose: Pose, person: Body) -> dict[str, np.ndarray]:
    places = joint_positions(person.joints, kinematics.rotations(pose, person))
    return dict(zip(RIG, places, strict=True))


def test_zero_is_upright_with_hanging_straight_limbs(person):
    joints = posed(Pose(), person)
    for _, side, _ in SIDES:
        for chain in (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot")):
            x, y, _ = np.ptp([joints[f"{side}_{part}"] for part in chain], axis=0)
            assert x < 1 and y < 1, f"{side} {chain} hangs straight down"


@pytest.mark.parametrize(("side", "name", "out"), SIDES)
def test_arm_angles(person, side, name, out):
    pose = Pose()
    pose.arms[side] = np.radians((90, 0, 0, 0))
    joints = posed(pose, person)
    reach = joints[f"{name}_hand"] - joints[f"{name}_upper_arm"]
    assert out * reach[0] > 0.99 * np.linalg.norm(reach), "lifted sideways"

    pose.arms[side] = np.radians((90, 90, 0, 90))
    joints = posed(pose, person)
    arm = joints[f"{name}_forearm"] - joints[f"{name}_upper_arm"]
    forearm = joints[f"{name}_hand"] - joints[f"{name}_forearm"]
    assert -arm[1] > 0.99 * np.linalg.norm(arm), "lifted forward"
    assert forearm[2] > 0.99 * np.linalg.norm(forearm), "and bent upwards"

    pose.arms[side] = np.radians((0, 0, 90, 90))
    joints = posed(pose, person)
    forearm = joints[f"{name}_hand"] - joints[f"{name}_forearm"]
    assert -out * forearm[0] > 0.99 * np.linalg.norm(forearm), "turned inwards across the belly"


@pytest.mark.parametrize(("side", "name", "out"), SIDES)
def test_leg_angles(person, side, name, out):
    pose = Pose()
    pose.legs[side] = np.radians((90, 0, 0, 90, 0))
    joints = posed(pose, person)
    thigh = joints[f"{name}_shin"] - joints[f"{name}_thigh"]
    shin = joints[f"{name}_foot"] - joints[f"{name}_shin"]
    assert -thigh[1] > 0.99 * np.linalg.norm(thigh), "the hip bends forward"
    assert -shin[2] > 0.99 * np.linalg.norm(shin), "the knee backward"

    pose.legs[side] = np.radians((0, 40, 0, 0, 0))
    thigh = np.subtract(posed(pose, person)[f"{name}_shin"], joints[f"{name}_thigh"])
    assert out * thigh[0] == pytest.approx(np.sin(np.radians(40)) * np.linalg.norm(thigh), rel=0.01)


def test_trunk_and_neck_angles(person):
    up = posed(Pose(), person)
    for angle, axis, sign in ((0, 1, -1), (1, 0, 1)):  # forward is -y, left is +x
        trunk = np.zeros(3)
        trunk[angle] = 0.4
        moved = posed(Pose(trunk=trunk), person)["head"] - up["head"]
        assert sign * moved[axis] > 50
    turned = posed(Pose(trunk=np.array([0, 0, 0.5])), person)
    assert turned["left_upper_arm"][1] > turned["right_upper_arm"][1], (
        "turned left, the left shoulder goes back"
    )


def test_poses_mirror(person):
    """The right side does with its angles what the left does with the same."""
    arms, legs = (
        np.radians([(60, 30, 20, 50), (10, 5, 0, 15)]),
        np.radians([(50, 20, 10, 60, 5), (5, 2, 0, 9, 0)]),
    )
    here = posed(Pose(arms=arms, legs=legs), person)
    there = posed(Pose(arms=arms[::-1], legs=legs[::-1]), person)
    for name in here:
        other = name.replace("left", "*").replace("right", "left").replace("*", "right")
        np.testing.assert_allclose(here[name] * (-1, 1, 1), there[other], atol=1.0)


@given(st.tuples(*[st.floats(0, 1)] * 4), st.integers(0, 1))
@settings(max_examples=60)
def test_reach_brings_the_wrist_to_any_place_an_arm_can_take_it(person, shares, side):
    low, high = LIMITS["arms"].T
    pose = Pose(trunk=np.array([0.2, -0.1, 0.1]), root=kinematics.turn(x=0.2, z=0.4))
    # Straight up, the plane in which an arm is lifted means nothing.
    pose.arms[side] = low + np.array(shares) * (0.85, 1, 1, 0.9) * (high - low)
    pose.arms[side, 3] += 0.1
    pose.clip()
    name = f"{('left', 'right')[side]}_hand"
    before = posed(pose, person)
    chest = kinematics.rotations(pose, person)[RIG_INDEX["chest"]]
    elbow = before[name.replace("hand", "forearm")] - before[name.replace("hand", "upper_arm")]
    pose.arms[side] = 0.3, 0.3, 0.0, 0.5
    kinematics.reach(pose, person, side, before[name], chest.T @ elbow)
    assert np.linalg.norm(posed(pose, person)[name] - before[name]) < 15


@pytest.mark.parametrize("side", (0, 1))
def test_step_puts_the_ankle_down_with_a_level_sole(person, side):
    pose = Pose(root=kinematics.turn(x=0.3, y=0.05))
    foot = f"{('left', 'right')[side]}_foot"
    target = posed(pose, person)[foot.replace("foot", "thigh")] + [60, -100, -780]
    kinematics.step(pose, person, side, target, outward=0.2)
    np.testing.assert_allclose(posed(pose, person)[foot], target, atol=2.0)
    sole = kinematics.rotations(pose, person)[RIG_INDEX[foot]]
    assert abs(sole[2, 1]) < 0.01, "neither toes nor heel up"


def test_clip_moves_wild_angles_into_their_limits():
    rng = np.random.default_rng(0)
    pose = Pose(
        *(rng.normal(0, 4, np.shape(getattr(Pose(), name))) for name in ("trunk", "neck", "arms", "legs"))
    )
    pose.clip()
    for name, limits in LIMITS.items():
        assert (getattr(pose, name) >= limits[:, 0]).all() and (getattr(pose, name) <= limits[:, 1]).all()


@given(st.tuples(*[st.floats(-4, 4)] * 3))
@settings(max_examples=30)
def test_turns_agree_with_scipy(angles):
    np.testing.assert_allclose(
        kinematics.turn(*angles), Rotation.from_euler("xyz", angles).as_matrix(), atol=1e-12
    )
    axis = np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(
        kinematics.turn_about(axis, angles[0]),
        Rotation.from_rotvec(axis * angles[0]).as_matrix(),
        atol=1e-12,
    )
