"""What the lab's people do: everyday actions.

A family is a function (rng, body) -> Pose; its name is the example's action.
"""

import numpy as np

from tf_advpose.people import stances
from tf_advpose.people.kinematics import Pose, turn
from tf_advpose.people.stances import LEFT, RIGHT, degrees, hand_at


def standing(rng, body):
    return stances.upright(rng, body)


def waiting(rng, body):
    pose = stances.upright(rng, body, sink=(0.0, 0.04))
    style = rng.integers(4)
    lower = stances.one_side(rng)
    for side in (LEFT, RIGHT):
        if style == 0:  # arms folded
            front = (-60, -225, -110) if side == lower else (-70, -265, -60)
            hand_at(rng, pose, body, side, "chest", front, (1.0, -0.1, -0.6))
        elif style == 1:  # hands behind the back
            hand_at(rng, pose, body, side, "pelvis", (60, 160, 40 + 50 * (side == lower)), (1.0, 0.3, 0.0))
        elif style == 2:  # hands in the pockets
            hand_at(rng, pose, body, side, "pelvis", (225, -40, 30), (0.8, 1.0, 0.2))
    return pose


def directions(rng, body):
    pose = stances.upright(rng, body)
    for side in rng.permutation(2)[: rng.integers(1, 3)]:
        pose.arms[side] = degrees(rng, (50, -15, -40, 0), (120, 110, 50, 35))
        pose.neck[2] = (1 - 2 * side) * degrees(rng, -10, 60)
    return pose


def discussion(rng, body):
    pose = stances.upright(rng, body)
    pose.arms = degrees(rng, [(5, 10, -30, 50)] * 2, [(50, 95, 60, 125)] * 2)
    if rng.random() < 0.4:
        pose.arms[stances.one_side(rng)] = degrees(rng, (4, -20, -10, 5), (18, 50, 30, 40))
    return pose


def eating(rng, body):
    pose = stances.seated(rng, body) if rng.random() < 0.7 else stances.upright(rng, body)
    pose.neck[0] = degrees(rng, 0, 30)
    side = stances.one_side(rng)
    hand_at(rng, pose, body, side, "head", stances.on_head(body, 80, -185, -150), (0.5, -0.3, -1.0), 25)
    if rng.random() < 0.6:
        pose.arms[1 - side] = degrees(rng, (15, 40, 0, 60), (45, 90, 50, 100))
    return pose


def greeting(rng, body):
    pose = stances.upright(rng, body)
    side = stances.one_side(rng)
    if rng.random() < 0.6:
        pose.arms[side] = degrees(rng, (60, -10, -70, 40), (130, 60, -20, 120))
    else:
        pose.arms[side] = degrees(rng, (25, 60, -20, 15), (65, 100, 30, 70))
        pose.trunk[0] += degrees(rng, 0, 25)
    return pose


def phoning(rng, body):
    choice = rng.random()
    stance = stances.seated if choice < 0.25 else walking if choice < 0.5 else stances.upright
    pose = stance(rng, body)
    side = stances.one_side(rng)
    hand_at(rng, pose, body, side, "head", stances.on_head(body, 120, -75, -110), (0.6, -0.4, -1.0), 12)
    pose.neck[1] += (1 - 2 * side) * degrees(rng, -5, 15)
    return pose


def photographing(rng, body):
    pose = stances.upright(rng, body, sink=(0.0, 0.1))
    distance = rng.uniform(200, 340)
    place = stances.on_head(body, 90, -distance, -90)
    for side in (LEFT, RIGHT):
        hand_at(rng, pose, body, side, "head", place, (0.5, -0.1, -1.0), 12)
    return pose


def posing(rng, body):
    pose = stances.upright(rng, body, stagger=250)
    for side in (LEFT, RIGHT):
        style = rng.integers(4)
        if style == 0:  # on the hip
            hand_at(rng, pose, body, side, "pelvis", (230, 0, 130), (1.0, 0.4, 0.2))
        elif style == 1:  # behind the head
            hand_at(rng, pose, body, side, "head", stances.on_head(body, 90, 105, 0), (1.0, -0.3, 0.4))
        elif style == 2:
            pose.arms[side] = degrees(rng, (10, -20, -30, 0), (90, 60, 50, 60))
    return pose


def carrying(rng, body):
    pose = walking(rng, body) if rng.random() < 0.5 else stances.upright(rng, body)
    place = rng.uniform((90, -380, -150), (200, -250, 80))
    for side in (LEFT, RIGHT):
        hand_at(rng, pose, body, side, "spine4", place, (0.5, 0.3, -1.0), 20)
    return pose


def reaching(rng, body):
    if rng.random() < 0.5:  # up to a shelf
        pose = stances.upright(rng, body, stagger=200)
        for side in rng.permutation(2)[: rng.integers(1, 3)]:
            pose.arms[side] = degrees(rng, (110, 20, -30, 0), (170, 95, 40, 50))
        pose.neck[0] = degrees(rng, -35, 0)
        return pose
    return stances.stooping(rng, body)  # down to the floor


def sitting(rng, body):
    return stances.seated(rng, body)


def sitting_down(rng, body):
    """On the floor: legs stretched, crossed or drawn up."""
    pose = Pose(
        trunk=degrees(rng, (0, -8, -12), (35, 8, 12)),
        neck=degrees(rng, (-12, -10, -40), (25, 10, 40)),
        arms=degrees(rng, [(15, 30, -10, 20)] * 2, [(50, 80, 50, 80)] * 2),
        root=turn(x=degrees(rng, -30, 5)),
    )
    # How far the feet are before the hips (as a share of the leg) and to the side, where the knees point.
    nearest, farthest, sideways, outward = (
        (0.90, 0.98, (0, 220), (-10, 30)),  # stretched
        (0.35, 0.45, (-90, -30), (60, 80)),  # crossed
        (0.35, 0.65, (-40, 120), (-5, 15)),  # drawn up
    )[rng.integers(3)]
    for side in (LEFT, RIGHT):
        away = rng.uniform(nearest, farthest), rng.uniform(*sideways)
        stances.foot_before(pose, body, side, *away, outward=degrees(rng, *outward))
    pose.legs[:, 4] = degrees(rng, [-35] * 2, [0] * 2)
    if rng.random() < 0.4:  # leaning back on the hands
        lean = np.arctan2(pose.root[2, 1], pose.root[2, 2])
        behind = rng.uniform(200, 300)
        floor = (-60 - np.sin(lean) * behind) / np.cos(lean)
        for side in (LEFT, RIGHT):
            hand_at(rng, pose, body, side, "pelvis", (250, behind, floor), (0.5, 1.0, 0.3), 20)
    return pose


def walking(rng, body):
    return stances.gait(rng, stride=degrees(rng, 14, 30), knee=(5, 55), elbow=(5, 40), lean=(-2, 8))


FAMILIES = (
    carrying, directions, discussion, eating, greeting, phoning, photographing, posing,
    reaching, sitting, sitting_down, standing, waiting, walking,
)  # fmt: skip
ON_THE_GROUND = (sitting_down,)  # these poses lie as a body falls
