"""What poses are made of: standing, sitting, a stride, hands brought to a place. See `poses`.

Ranges are degrees, drawn evenly; `rng` is the example's own random generator.
"""

import numpy as np

from tf_advpose.people import kinematics
from tf_advpose.people.body import RIG_INDEX, Body, joint_positions
from tf_advpose.people.kinematics import Pose, turn

LEFT, RIGHT = 0, 1


def degrees(rng: np.random.Generator, low, high) -> np.ndarray:
    return np.radians(rng.uniform(low, high))


def upright(rng: np.random.Generator, body: Body, width=(-20, 160), stagger=160, sink=(0.0, 0.02)) -> Pose:
    """Both soles on the ground: feet `width` mm farther out than the hips, up to `stagger` mm before
    or behind them, the hips lowered by `sink` of the leg's length."""
    pose = Pose(
        trunk=degrees(rng, (-6, -6, -8), (12, 6, 8)),
        neck=degrees(rng, (-12, -10, -40), (22, 10, 40)),
        arms=degrees(rng, [(4, -30, -10, 5)] * 2, [(20, 60, 30, 40)] * 2),
        root=turn(*degrees(rng, (-3, -4, 0), (8, 4, 0))),
    )
    plant(rng, pose, body, width, stagger, sink)
    return pose


def plant(rng: np.random.Generator, pose: Pose, body: Body, width, stagger: float, sink) -> None:
    hips, length = hips_and_leg(pose, body)
    ankles = hips.copy()
    ankles[:, 0] += np.array([1, -1]) * rng.uniform(*width, 2)
    ankles[:, 1] += rng.uniform(-stagger, stagger, 2)
    farthest = np.linalg.norm((ankles - hips)[:, :2], axis=1).max()
    straight = np.sqrt(max((0.995 * length) ** 2 - farthest**2, (0.3 * length) ** 2))
    ankles[:, 2] = hips[:, 2].mean() - straight + rng.uniform(*sink) * length
    outward = degrees(rng, (-5, -5), (35, 35))
    for side in (LEFT, RIGHT):
        kinematics.step(pose, body, side, ankles[side], outward[side])


def hips_and_leg(pose: Pose, body: Body) -> tuple[np.ndarray, float]:
    joints = joint_positions(body.joints, kinematics.rotations(pose, body))
    thigh, shin, foot = (RIG_INDEX[f"left_{part}"] for part in ("thigh", "shin", "foot"))
    length = np.linalg.norm(body.joints[shin] - body.joints[thigh]) + np.linalg.norm(
        body.joints[foot] - body.joints[shin]
    )
    return joints[[thigh, RIG_INDEX["right_thigh"]]], length


def place(pose: Pose, body: Body, name: str, offset) -> np.ndarray:
    """The point at `offset` mm from a joint of the rig, in that joint's turned frame."""
    turned = kinematics.rotations(pose, body)
    joint = RIG_INDEX[name]
    return joint_positions(body.joints, turned)[joint] + turned[joint] @ np.asarray(offset, float)


def hand_at(rng, pose: Pose, body: Body, side: int, name: str, offset, swivel=(20, 60), spread=15.0) -> None:
    """Brings one hand to a place on the body; `offset` is for the left hand, mirrored for the right."""
    offset = np.asarray(offset, float) * [1 - 2 * side, 1, 1] + rng.normal(0, spread, 3)
    kinematics.reach(pose, body, side, place(pose, body, name, offset), degrees(rng, *swivel))


def head_offset(body: Body, x: float, y: float, z: float) -> np.ndarray:
    """A point on the head, millimetres from its middle, as an offset for `_hand_at`."""
    middle = (body.joints[RIG_INDEX["neck2"]] + body.head_top) / 2
    return middle - body.joints[RIG_INDEX["head"]] + (x, y, z)


def one_side(rng: np.random.Generator) -> int:
    return int(rng.integers(2))


def seated(rng: np.random.Generator, body: Body) -> Pose:
    pose = upright(rng, body)
    pose.seat = True
    pose.root = turn(*degrees(rng, (-15, -3, 0), (10, 3, 0)))
    pose.trunk = degrees(rng, (-5, -8, -12), (30, 8, 12))
    spread = degrees(rng, -2, 22)
    for side in (LEFT, RIGHT):
        thigh = np.radians(90) + degrees(rng, -12, 8) + np.arctan2(pose.root[1, 2], pose.root[2, 2])
        pose.legs[side] = (thigh, spread + degrees(rng, -5, 8), degrees(rng, -8, 15), degrees(rng, 60, 110), 0.0)
    style = rng.random()
    if style < 0.4:  # hands on the thighs
        for side in (LEFT, RIGHT):
            name = ("left_shin", "right_shin")[side]
            hand_at(rng, pose, body, side, name, (0, -50, rng.uniform(80, 250)), (20, 60), 25)
    elif style < 0.7:
        pose.arms = degrees(rng, [(10, 40, -10, 50)] * 2, [(45, 90, 50, 100)] * 2)
    return pose


def stooping(rng, body):
    pose = upright(rng, body)
    pose.root = turn(x=degrees(rng, 20, 60))
    pose.trunk[0] = degrees(rng, 20, 60)
    plant(rng, pose, body, (0, 150), 150, (0.02, 0.25))
    pose.arms = degrees(rng, [(50, 70, -20, 0)] * 2, [(110, 95, 30, 40)] * 2)
    if rng.random() < 0.5:
        pose.arms[one_side(rng)] = degrees(rng, (10, 20, -10, 10), (70, 90, 30, 60))
    return pose


def gait(rng, stride: float, knee, elbow, lean) -> Pose:
    """One moment of a stride, the arms against the legs."""
    phase = rng.uniform(0, 2 * np.pi)
    pose = Pose(root=turn(x=degrees(rng, *lean)))
    pose.trunk = degrees(rng, (-4, -4, -3), (8, 4, 3)) + [0, 0, 0.35 * stride * np.sin(phase)]
    pose.neck = degrees(rng, (-10, -8, -35), (15, 8, 35))
    swing_arm = rng.uniform(0.6, 1.3)
    for side, shift in ((LEFT, 0.0), (RIGHT, np.pi)):
        swing = np.sin(phase + shift)
        # The knee bends most while its leg comes forward under the body.
        bend = max(np.cos(phase + shift), 0.0) ** 1.5
        hip = stride * (swing + 0.2) + 0.35 * bend * stride
        pose.legs[side] = (
            hip,
            degrees(rng, 0, 5),
            degrees(rng, -3, 12),
            np.radians(knee[0]) + bend * np.radians(knee[1] - knee[0]) * rng.uniform(0.8, 1.1),
            -0.25 * bend + 0.25 * max(swing, 0) - 0.3 * max(-swing, 0) * stride,
        )
        arm = -swing * stride * swing_arm
        pose.arms[side] = (
            abs(arm) + np.radians(6),
            np.radians(75) * np.sign(arm) if abs(arm) > 0.1 else 0.0,
            degrees(rng, 0, 25),
            degrees(rng, *elbow) + 0.4 * max(arm, 0),
        )
    return pose
