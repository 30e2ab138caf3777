"""What everyday people do besides what the lab's and the wild's do.

A family is a function (rng, body) -> Pose; its name is the example's action.
"""

import numpy as np

from tf_advpose.people import stances
from tf_advpose.people.kinematics import LIMITS, Pose, turn
from tf_advpose.people.stances import LEFT, RIGHT, degrees, hand_at


def gesturing(rng, body):
    """Upright, the arms anywhere they go."""
    pose = stances.upright(rng, body, width=(-40, 200), stagger=250, sink=(0.0, 0.08))
    pose.trunk = degrees(rng, (-12, -18, -30), (30, 18, 30))
    low, high = LIMITS["arms"].T
    pose.arms = low + rng.uniform(0, 1, (2, 4)) * (high - low)
    return pose


def squatting(rng, body):
    """Low down on both feet, the arms before the knees, on them or on the ground."""
    pose = stances.upright(rng, body)
    pose.root = turn(*degrees(rng, (10, -5, 0), (45, 5, 0)))
    pose.trunk = degrees(rng, (10, -10, -20), (50, 10, 20))
    stances.plant(rng, pose, body, (20, 200), 120, (0.5, 0.68))
    pose.arms = degrees(rng, [(30, 60, -10, 5)] * 2, [(75, 100, 40, 80)] * 2)
    pose.neck[0] = degrees(rng, -35, 20)
    return pose


def kneeling(rng, body):
    """On one knee or on both."""
    pose = Pose(
        trunk=degrees(rng, (-5, -12, -20), (40, 12, 20)),
        neck=degrees(rng, (-25, -10, -40), (25, 10, 40)),
        arms=degrees(rng, [(10, -10, -20, 5)] * 2, [(70, 95, 50, 100)] * 2),
        root=turn(x=degrees(rng, -5, 20)),
    )
    lean = np.arctan2(pose.root[2, 1], pose.root[2, 2])
    sitting = degrees(rng, 0, 75) if rng.random() < 0.5 else 0.0  # back towards the heels
    for side in (LEFT, RIGHT):
        flexion = lean + sitting
        pose.legs[side] = (flexion, degrees(rng, 0, 18), degrees(rng, -5, 15), np.pi / 2 + sitting, -0.7)
    if rng.random() < 0.5:
        pose.legs[stances.one_side(rng)] = degrees(rng, (75, 0, 0, 70, -5), (105, 20, 20, 105, 10)) + [
            lean, 0, 0, 0, 0,
        ]  # fmt: skip
    return pose


def bracing(rng, body):
    """Out of breath: bent forward, the hands on the knees."""
    pose = stances.upright(rng, body)
    pose.root = turn(x=degrees(rng, 25, 50))
    pose.trunk = degrees(rng, (10, -8, -8), (40, 8, 8))
    stances.plant(rng, pose, body, (0, 160), 80, (0.05, 0.25))
    pose.neck[0] = degrees(rng, -40, 15)
    for side in (LEFT, RIGHT):
        knee = ("left_shin", "right_shin")[side]
        hand_at(rng, pose, body, side, knee, (20, -60, rng.uniform(110, 170)), (1.0, 0.3, 0.0), 20)
    return pose


def lounging(rng, body):
    """On a sofa: leaning back, the legs stretched or one over the other."""
    pose = stances.seated(rng, body)
    back = degrees(rng, 8, 32)
    pose.root = turn(x=-back)
    pose.neck[0] += 0.6 * back
    knees = degrees(rng, 15, 90)
    for side in (LEFT, RIGHT):
        pose.legs[side] = degrees(rng, (75, 2, -5, 0, -25), (90, 22, 15, 10, 0)) + [-back, 0, 0, knees, 0]
    if rng.random() < 0.4:
        over = stances.one_side(rng)
        pose.legs[over] += degrees(rng, (22, -8, 0, 0, -10), (38, 0, 25, 30, 0))
    return pose


def leaning(rng, body):
    """Against a wall or a rail, forward or to a side."""
    pose = stances.upright(rng, body, stagger=200)
    pose.root = turn(*degrees(rng, (-22, -22, 0), (25, 22, 0)))
    pose.legs = pose.legs + degrees(rng, [(-8, -8, 0, 0, 0)] * 2, [(15, 10, 0, 25, 0)] * 2)
    side = stances.one_side(rng)
    pose.arms[side] = degrees(rng, (40, 0, -20, 0), (110, 95, 40, 90))
    return pose


def climbing_stairs(rng, body):
    """One foot high on a step."""
    pose = stances.upright(rng, body)
    pose.root = turn(x=degrees(rng, 0, 20))
    high, low = (LEFT, RIGHT) if rng.random() < 0.5 else (RIGHT, LEFT)
    pose.legs[high] = degrees(rng, (40, -3, -5, 40, 0), (95, 15, 15, 100, 15))
    pose.legs[low] = degrees(rng, (-18, -2, -5, 0, -20), (15, 10, 10, 30, 10))
    pose.arms = degrees(rng, [(5, -25, -20, 5)] * 2, [(60, 90, 40, 90)] * 2)
    return pose


def gliding(rng, body):
    """Skis, skates, a board: knees bent, trunk forward, arms out."""
    pose = stances.upright(rng, body)
    pose.root = turn(*degrees(rng, (5, -20, 0), (55, 20, 0)))
    pose.trunk = degrees(rng, (0, -20, -35), (35, 20, 35))
    stances.plant(rng, pose, body, (-50, 260), 300, (0.08, 0.4))
    pose.arms = degrees(rng, [(20, -30, -30, 10)] * 2, [(95, 90, 50, 100)] * 2)
    pose.neck[0] = degrees(rng, -45, 0)
    pose.root = turn(y=degrees(rng, -25, 25)) @ pose.root
    return pose


def working(rng, body):
    """Both hands on something before the body, standing, bent or sitting."""
    choice = rng.random()
    if choice < 0.3:
        pose = stances.seated(rng, body)
    else:
        pose = stances.upright(rng, body, width=(-20, 150), stagger=250, sink=(0.0, 0.15))
        pose.trunk[0] = degrees(rng, 0, 55)
    pose.neck[0] = degrees(rng, 0, 40)
    middle = rng.uniform((-150, -480, -260), (150, -220, 200))
    for side in (LEFT, RIGHT):
        apart = (rng.uniform(40, 170), 0, 0)
        hand_at(
            rng, pose, body, side, "spine4", middle * [1 - 2 * side, 1, 1] + apart, (0.7, 0.3, -1.0), 40
        )
    return pose


def free(rng, body):
    """Anything that joints can do, in any direction."""
    pose = Pose()
    for name, limits in LIMITS.items():
        low, high = limits.T
        share = rng.beta(1.6, 1.6, np.shape(getattr(pose, name)))
        setattr(pose, name, low + share * (high - low))
    pose.trunk *= 0.6
    pose.root = turn(*degrees(rng, (-60, -50, 0), (80, 50, 0)))
    pose.lift = max(rng.uniform(-300, 500), 0.0)
    return pose


FAMILIES = (
    gesturing, squatting, kneeling, bracing, lounging, leaning, climbing_stairs, gliding, working, free,
)  # fmt: skip
