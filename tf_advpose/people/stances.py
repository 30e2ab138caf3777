"""What poses are made of: standing, sitting, a stride, hands brought to a place. See `poses`.

Ranges are degrees and millimetres, drawn evenly; `rng` is the example's own random generator.
"""

import numpy as np
from scipy.spatial import ConvexHull

from tf_advpose.people import kinematics
from tf_advpose.people.body import RIG_INDEX, SIDES, Body, joint_positions, load_template, skin
from tf_advpose.people.kinematics import Pose, turn

LEFT, RIGHT = 0, 1
_ANKLE_OF_SITTING = -40.0  # mm from the height of the hips of who sits on the floor
_HULL_STEP = 6  # every so many vertices are enough to say how a body lies
_MASSES = {"pelvis": 0.14, "spine3": 0.16, "chest": 0.20, "head": 0.08} | {
    f"{side}_{part}": mass
    for side in SIDES
    for part, mass in (("forearm", 0.03), ("hand", 0.02), ("thigh", 0.05), ("shin", 0.08), ("foot", 0.03))
}


def degrees(rng: np.random.Generator, low, high) -> np.ndarray:
    """Angles drawn evenly between `low` and `high` degrees (any equal shape), in radians."""
    return np.radians(rng.uniform(low, high))


def one_side(rng: np.random.Generator) -> int:
    """LEFT or RIGHT."""
    return int(rng.integers(2))


def upright(rng, body: Body, width=(-40, 110), stagger=120, sink=(0.0, 0.02)) -> Pose:
    """Standing with the arms down; arguments as for `plant`."""
    pose = Pose(
        trunk=degrees(rng, (-6, -6, -8), (12, 6, 8)),
        neck=degrees(rng, (-12, -10, -40), (22, 10, 40)),
        arms=degrees(rng, [(6, -30, -10, 5)] * 2, [(22, 60, 30, 40)] * 2),
        root=turn(*degrees(rng, (-3, -4, 0), (8, 4, 0))),
    )
    plant(rng, pose, body, width, stagger, sink)
    return pose


def plant(rng, pose: Pose, body: Body, width, stagger: float, sink) -> None:
    """Puts both soles on the ground: feet `width` farther out than the hips and up to `stagger` before or
    behind them, the hips lowered by `sink` of the legs' length."""
    hips, length, _ = _legs(pose, body)
    ankles = hips.copy()
    ankles[:, 0] += np.array([1, -1]) * rng.uniform(*width, 2)
    ankles[:, 1] += rng.uniform(-stagger, stagger, 2)
    farthest = np.linalg.norm((ankles - hips)[:, :2], axis=1).max()
    straight = np.sqrt(max((0.995 * length) ** 2 - farthest**2, (0.3 * length) ** 2))
    ankles[:, 2] = hips[:, 2].mean() - straight + rng.uniform(*sink) * length
    outward = degrees(rng, (-5, -5), (35, 35))
    for side in (LEFT, RIGHT):
        kinematics.step(pose, body, side, ankles[side], outward[side])


def foot_before(pose: Pose, body: Body, side: int, share: float, sideways: float, outward: float) -> None:
    """Puts one foot before a body that sits on the floor: `share` of the leg's length away and `sideways`
    mm farther out than the hip, the knee turned `outward` radians from straight up."""
    hips, length, _ = _legs(pose, body)
    ankle = hips[side] + (sideways * (1 - 2 * side), -share * length, _ANKLE_OF_SITTING)
    kinematics.step(pose, body, side, ankle, outward)


def _legs(pose: Pose, body: Body) -> tuple[np.ndarray, float, float]:
    """Where the hips are [2, 3], and how long leg and shin are."""
    posed = joint_positions(body.joints, kinematics.rotations(pose, body))
    hip, knee, ankle = body.joints[[RIG_INDEX[f"left_{part}"] for part in ("thigh", "shin", "foot")]]
    shin = np.linalg.norm(ankle - knee)
    hips = posed[[RIG_INDEX["left_thigh"], RIG_INDEX["right_thigh"]]]
    return hips, np.linalg.norm(knee - hip) + shin, shin


def hand_at(
    rng, pose: Pose, body: Body, side: int, joint: str, offset, elbow, spread: float = 15.0
) -> None:
    """Brings one wrist to `offset` from a joint of the rig, in its turned frame, give or take `spread`.

    `offset` and `elbow`, where the elbow points in the chest's frame, are for the left hand: x outwards,
    y back, z up; they are mirrored for the right.
    """
    mirror = np.array([1 - 2 * side, 1, 1])
    turned = kinematics.rotations(pose, body)
    index = RIG_INDEX[joint]
    offset = np.asarray(offset, float) * mirror + rng.normal(0, spread, 3)
    target = joint_positions(body.joints, turned)[index] + turned[index] @ offset
    kinematics.reach(pose, body, side, target, np.asarray(elbow) * mirror + rng.normal(0, 0.15, 3))


def on_head(body: Body, x: float, y: float, z: float) -> np.ndarray:
    """The place `x`, `y`, `z` from the middle of the head, as the offset of `hand_at` from "head"."""
    middle = (body.joints[RIG_INDEX["neck2"]] + body.head_top) / 2
    return middle - body.joints[RIG_INDEX["head"]] + (x, y, z)


def seated(rng, body: Body) -> Pose:
    """On a chair, the feet on the floor."""
    pose = Pose(
        trunk=degrees(rng, (-5, -8, -12), (30, 8, 12)),
        neck=degrees(rng, (-12, -10, -40), (25, 10, 40)),
        arms=degrees(rng, [(10, 30, -10, 50)] * 2, [(45, 90, 50, 110)] * 2),
        root=turn(*degrees(rng, (-15, -3, 0), (10, 3, 0))),
        seat=True,
    )
    hips, length, shin = _legs(pose, body)
    ankles = hips + np.array([0.0, shin - length, -shin])
    ankles[:, 0] += np.array([1, -1]) * rng.uniform(-40, 150, 2)
    ankles[:, 1] += rng.uniform(-250, 200, 2)
    ankles[:, 2] += rng.uniform(-20, 60)
    outward = rng.uniform(-5, 25)
    for side in (LEFT, RIGHT):
        kinematics.step(pose, body, side, ankles[side], np.radians(outward))
    if rng.random() < 0.5:  # hands on the thighs
        for side in (LEFT, RIGHT):
            knee = f"{SIDES[side]}_shin"
            hand_at(rng, pose, body, side, knee, (0, 60, rng.uniform(125, 165)), (0.6, 0.4, -0.6), 25)
    return pose


def stooping(rng, body: Body) -> Pose:
    """Bent down, the hands towards the floor."""
    pose = upright(rng, body)
    pose.root = turn(x=degrees(rng, 20, 60))
    pose.trunk[0] = degrees(rng, 20, 60)
    plant(rng, pose, body, (0, 150), 150, (0.02, 0.25))
    pose.arms = degrees(rng, [(50, 70, -20, 0)] * 2, [(110, 95, 30, 40)] * 2)
    if rng.random() < 0.5:
        pose.arms[one_side(rng)] = degrees(rng, (10, 20, -10, 10), (70, 90, 30, 60))
    return pose


def gait(rng, stride: float, knee, elbow, lean) -> Pose:
    """One moment of a stride of `stride` radians, the arms against the legs; the knees and elbows bend
    within their ranges, the trunk leans forward."""
    phase = rng.uniform(0, 2 * np.pi)
    pose = Pose(root=turn(x=degrees(rng, *lean)))
    pose.trunk = degrees(rng, (-4, -4, -3), (8, 4, 3)) + [0, 0, 0.35 * stride * np.sin(phase)]
    pose.neck = degrees(rng, (-10, -8, -35), (15, 8, 35))
    arm_share = rng.uniform(0.6, 1.3)
    for side, shift in ((LEFT, 0.0), (RIGHT, np.pi)):
        swing = np.sin(phase + shift)
        # The knee bends most while its leg comes forward under the body.
        bend = max(np.cos(phase + shift), 0.0) ** 1.5
        pose.legs[side] = (
            stride * (swing + 0.2 + 0.35 * bend),
            degrees(rng, 0, 5),
            degrees(rng, -3, 12),
            np.radians(knee[0] + bend * (knee[1] - knee[0]) * rng.uniform(0.8, 1.1)),
            -0.25 * bend + 0.25 * max(swing, 0) - 0.3 * max(-swing, 0) * stride,
        )
        arm = -swing * stride * arm_share
        plane = np.radians(75) * np.sign(arm) if abs(arm) > 0.1 else 0.0
        pose.arms[side] = (
            abs(arm) + 0.12,
            plane,
            degrees(rng, 0, 25),
            degrees(rng, *elbow) + 0.4 * max(arm, 0),
        )
    return pose


def settle(pose: Pose, body: Body) -> float:
    """Turns the whole body until it lies or sits where it would not tip over, on the side that is nearest
    to being down already; returns by how many radians.

    That is a face of the convex hull under the centre of mass.
    """
    turned = kinematics.rotations(pose, body)
    posed = joint_positions(body.joints, turned)
    some = slice(None, None, _HULL_STEP)
    vertices = skin(body.vertices[some], load_template().weights[some], body.joints, turned, posed)
    centre = sum(mass * posed[RIG_INDEX[name]] for name, mass in _MASSES.items())
    normals, offsets = np.split(ConvexHull(vertices).equations, [3], axis=1)
    height = -(normals @ centre + offsets[:, 0])  # of the centre over each face
    with np.errstate(divide="ignore"):
        way = height / np.maximum(normals @ normals.T, 1e-9)  # along one face's normal to another
    stable = way.min(axis=1) > 0.999 * height
    down = normals[stable][normals[stable][:, 2].argmin()]
    axis = np.cross(down, (0, 0, -1))
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, -down[2])
    if sine > 1e-6:
        pose.root = kinematics.turn_about(axis / sine, angle) @ pose.root
    return angle
