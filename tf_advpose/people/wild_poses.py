"""What only the wild's people do: sport, dance, climbing, lying.

A family is a function (rng, body) -> Pose; its name is the example's action.
"""

import numpy as np

from tf_advpose.people import stances
from tf_advpose.people.kinematics import Pose, turn
from tf_advpose.people.stances import LEFT, RIGHT, degrees, hand_at


def running(rng, body):
    pose = stances.gait(rng, stride=degrees(rng, 35, 60), knee=(15, 115), elbow=(70, 115), lean=(5, 22))
    pose.lift = max(rng.uniform(-80, 120), 0.0)
    return pose


def crouching(rng, body):
    pose = stances.upright(rng, body)
    pose.root = turn(*degrees(rng, (0, -8, 0), (40, 8, 0)))
    pose.trunk = degrees(rng, (0, -15, -25), (45, 15, 25))
    stances.plant(rng, pose, body, (-10, 300), 300, (0.3, 0.62))
    pose.arms = degrees(rng, [(20, 30, -20, 20)] * 2, [(75, 95, 40, 100)] * 2)
    return pose


def lunging(rng, body):
    pose = stances.upright(rng, body)
    pose.trunk = degrees(rng, (-10, -20, -30), (40, 20, 30))
    front = stances.one_side(rng)
    pose.legs[front] = degrees(rng, (60, 0, -5, 55, -5), (100, 25, 25, 100, 15))
    pose.legs[1 - front] = degrees(rng, (-25, 0, -5, 5, -20), (-5, 25, 25, 50, 10))
    pose.arms = degrees(rng, [(10, -20, -40, 0)] * 2, [(165, 100, 60, 110)] * 2)
    return pose


def kicking(rng, body):
    pose = stances.upright(rng, body)
    pose.root = turn(*degrees(rng, (-30, -12, -20), (5, 12, 20)))
    stances.plant(rng, pose, body, (-30, 50), 60, (0.0, 0.06))
    leg = stances.one_side(rng)
    pose.legs[leg] = degrees(rng, (35, 0, -5, 0, -40), (115, 50, 30, 70, 10))
    pose.arms = degrees(rng, [(25, -40, -30, 5)] * 2, [(90, 70, 50, 80)] * 2)
    pose.lift = max(rng.uniform(-300, 150), 0.0)
    return pose


def jumping(rng, body):
    pose = stances.upright(rng, body)
    pose.root = turn(*degrees(rng, (-25, -20, -15), (35, 20, 15)))
    pose.trunk = degrees(rng, (-25, -15, -25), (40, 15, 25))
    if rng.random() < 0.4:  # a star
        pose.legs = degrees(rng, [(-5, 15, 0, 0, -40)] * 2, [(25, 50, 25, 40, 0)] * 2)
    else:
        pose.legs = degrees(rng, [(-20, 0, -5, 15, -40)] * 2, [(110, 35, 25, 125, 0)] * 2)
    pose.arms = degrees(rng, [(40, -20, -40, 0)] * 2, [(170, 95, 50, 90)] * 2)
    pose.lift = rng.uniform(80, 700)
    return pose


def throwing(rng, body):
    """A ball thrown, a racket or a bat swung."""
    pose = stances.upright(rng, body, width=(40, 280), stagger=320, sink=(0.01, 0.12))
    pose.trunk = degrees(rng, (-20, -25, -40), (40, 25, 40))
    if rng.random() < 0.55:
        side = stances.one_side(rng)
        pose.arms[side] = degrees(rng, (70, -20, -70, 10), (165, 70, 10, 120))
        pose.arms[1 - side] = degrees(rng, (20, -10, -20, 10), (100, 110, 50, 90))
    else:  # both hands on one grip
        grip = np.array([rng.uniform(-380, 380), rng.uniform(-480, -250), rng.uniform(-250, 350)])
        for side in (LEFT, RIGHT):
            place = grip * [1 - 2 * side, 1, 1] + (45, 0, 60 * side)
            hand_at(rng, pose, body, side, "spine4", place, (0.6, 0.2, -1.0))
    return pose


def dancing(rng, body):
    pose = stances.upright(rng, body, width=(-40, 250), stagger=300, sink=(0.0, 0.15))
    pose.root = turn(*degrees(rng, (-15, -15, 0), (20, 15, 0)))
    pose.trunk = degrees(rng, (-20, -28, -35), (25, 28, 35))
    stances.plant(rng, pose, body, (-40, 250), 300, (0.0, 0.18))
    pose.arms = degrees(rng, [(20, -40, -60, 0)] * 2, [(170, 110, 60, 120)] * 2)
    if rng.random() < 0.35:  # one leg lifted
        pose.legs[stances.one_side(rng)] = degrees(rng, (-25, 0, 0, 0, -40), (95, 60, 40, 120, 0))
    return pose


def balancing(rng, body):
    """On one leg, the other raised, the trunk leaning: yoga, skating, gymnastics."""
    pose = stances.upright(rng, body)
    lean = degrees(rng, 0, 85)
    pose.root = turn(x=lean)
    stances.plant(rng, pose, body, (-90, -40), 30, (0.0, 0.08))
    free = stances.one_side(rng)
    pose.legs[free] = degrees(rng, (-25, 0, 0, 0, -40), (20, 40, 20, 60, 0))
    pose.neck[0] = -0.5 * lean
    pose.arms = degrees(rng, [(30, -30, -30, 0)] * 2, [(175, 100, 40, 40)] * 2)
    return pose


def lying(rng, body):
    pose = Pose(
        trunk=degrees(rng, (-10, -15, -20), (20, 15, 20)),
        neck=degrees(rng, (-15, -15, -40), (25, 15, 40)),
        arms=degrees(rng, [(5, 0, -40, 0)] * 2, [(160, 60, 60, 110)] * 2),
        legs=degrees(rng, [(-5, 0, -5, 0, -40)] * 2, [(60, 30, 35, 90, 0)] * 2),
    )
    pose.root = turn(x=rng.choice([-1, 1]) * degrees(rng, 80, 95))  # on the back or on the stomach
    if rng.random() < 0.35:  # on one side
        pose.root = pose.root @ turn(z=degrees(rng, -100, 100))
    return pose


def on_hands(rng, body):
    """Push-ups and crawling: the trunk level, hands and knees or feet on the ground."""
    lean = degrees(rng, 60, 100)
    pose = Pose(
        trunk=degrees(rng, (-10, -8, -8), (25, 8, 8)),
        neck=degrees(rng, (-45, -10, -30), (10, 10, 30)),
        root=turn(x=lean),
    )
    pose.arms = degrees(rng, [(70, 60, -10, 0)] * 2, [(100, 95, 40, 60)] * 2)
    if rng.random() < 0.5:  # straight as a board
        pose.legs = degrees(rng, [(0, 0, 0, 0, -10)] * 2, [(25, 12, 10, 10, 20)] * 2)
    else:
        pose.legs = degrees(rng, [(60, 0, -5, 70, -45)] * 2, [(110, 15, 10, 120, -20)] * 2)
    return pose


def upside_down(rng, body):
    """Handstands and cartwheels."""
    pose = Pose(
        trunk=degrees(rng, (-20, -12, -15), (15, 12, 15)),
        neck=degrees(rng, (-45, -10, -20), (0, 10, 20)),
        arms=degrees(rng, [(145, 20, -30, 0)] * 2, [(175, 95, 30, 25)] * 2),
        legs=degrees(rng, [(-25, 0, -5, 0, -45)] * 2, [(60, 50, 20, 70, 0)] * 2),
    )
    pose.root = turn(y=degrees(rng, 110, 250)) @ turn(x=degrees(rng, -20, 20))
    return pose


def climbing(rng, body):
    pose = stances.upright(rng, body)
    pose.root = turn(x=degrees(rng, -15, 20))
    pose.legs = degrees(rng, [(0, 5, 5, 10, -20)] * 2, [(115, 55, 40, 130, 20)] * 2)
    pose.arms = degrees(rng, [(70, 10, -40, 0)] * 2, [(172, 95, 40, 110)] * 2)
    pose.neck[0] = degrees(rng, -40, 0)
    pose.lift = rng.uniform(0, 900)
    return pose


def riding(rng, body):
    """On a bicycle or a horse: seated, the trunk bent over the hands."""
    pose = stances.seated(rng, body)
    pose.root = turn(x=degrees(rng, 0, 45))
    pose.trunk[0] = degrees(rng, 5, 45)
    for side in (LEFT, RIGHT):
        pose.legs[side] = degrees(rng, (45, 3, -5, 30, -20), (110, 25, 15, 110, 10))
        pose.arms[side] = degrees(rng, (50, 65, -10, 5), (90, 95, 30, 60))
    pose.neck[0] = degrees(rng, -40, 0)
    return pose


FAMILIES = (
    running, crouching, lunging, kicking, jumping, throwing, dancing, balancing, lying,
    on_hands, upside_down, climbing, riding,
)  # fmt: skip
ON_THE_GROUND = (lying, on_hands)
