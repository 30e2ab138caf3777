"""What synthetic people do: families of poses, everyday ones for the lab and wider ones for the wild.

A family is a function (rng, body) -> Pose; its name is the example's action. `sample` draws from one
family, moves every angle into its limits and rejects poses with a limb through the body.
"""

import numpy as np

from tf_advpose.people import collision, stances
from tf_advpose.people.body import Body
from tf_advpose.people.kinematics import Pose, turn
from tf_advpose.people.stances import LEFT, RIGHT, degrees, hand_at


def standing(rng, body):
    return stances.upright(rng, body)


def waiting(rng, body):
    pose = stances.upright(rng, body, sink=(0.0, 0.04))
    style = rng.integers(4)
    if style == 0:  # arms folded
        for side in (LEFT, RIGHT):
            hand_at(rng, pose, body, side, "chest", (-110, -190, -60 + 40 * side), (15, 40))
    elif style == 1:  # hands behind the back
        for side in (LEFT, RIGHT):
            hand_at(rng, pose, body, side, "pelvis", (40, 190, 60), (60, 100))
    elif style == 2:  # hands in the pockets
        for side in (LEFT, RIGHT):
            hand_at(rng, pose, body, side, "pelvis", (220, -60, 10), (40, 90))
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
    hand_at(rng, pose, body, side, "head", stances.head_offset(body, 20, -170, -70), (20, 70), 25)
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
    pose = stances.seated(rng, body) if choice < 0.25 else walking(rng, body) if choice < 0.5 else stances.upright(rng, body)
    side = stances.one_side(rng)
    hand_at(rng, pose, body, side, "head", stances.head_offset(body, 105, -60, -40), (15, 70), 12)
    pose.neck[1] += (1 - 2 * side) * degrees(rng, -5, 15)
    return pose


def photographing(rng, body):
    pose = stances.upright(rng, body, sink=(0.0, 0.1))
    distance = rng.uniform(170, 330)
    for side in (LEFT, RIGHT):
        hand_at(rng, pose, body, side, "head", stances.head_offset(body, 60, -distance, -20), (10, 60), 12)
    return pose


def posing(rng, body):
    pose = stances.upright(rng, body, stagger=250)
    for side in (LEFT, RIGHT):
        style = rng.integers(4)
        if style == 0:  # on the hip
            hand_at(rng, pose, body, side, "pelvis", (205, -10, 110), (80, 110))
        elif style == 1:  # behind the head
            hand_at(rng, pose, body, side, "head", stances.head_offset(body, 60, 110, 0), (85, 130))
        elif style == 2:
            pose.arms[side] = degrees(rng, (10, -20, -30, 0), (90, 60, 50, 60))
    return pose


def carrying(rng, body):
    pose = walking(rng, body) if rng.random() < 0.5 else stances.upright(rng, body)
    height, distance = rng.uniform(-150, 80), rng.uniform(250, 380)
    for side in (LEFT, RIGHT):
        hand_at(rng, pose, body, side, "spine4", (rng.uniform(90, 200), -distance, height), (15, 50), 20)
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
        trunk=degrees(rng, (0, -8, -12), (30, 8, 12)),
        neck=degrees(rng, (-12, -10, -40), (25, 10, 40)),
        arms=degrees(rng, [(15, 30, -10, 20)] * 2, [(50, 80, 50, 80)] * 2),
        root=turn(x=degrees(rng, -30, 0)),
    )
    tilt = np.arctan2(pose.root[1, 2], pose.root[2, 2])
    style = rng.integers(3)
    for side in (LEFT, RIGHT):
        if style == 0:  # stretched
            pose.legs[side] = degrees(rng, (84, 2, -5, 0), (90, 25, 25, 15)).tolist() + [0.0]
        elif style == 1:  # cross-legged
            pose.legs[side] = degrees(rng, (95, 38, 20, 95), (108, 55, 45, 115)).tolist() + [0.0]
        else:  # drawn up
            pose.legs[side] = degrees(rng, (112, 0, -10, 90), (120, 18, 15, 125)).tolist() + [0.0]
    pose.legs[:, 0] += min(tilt, 0.0) * (1 if style == 0 else 0)
    if rng.random() < 0.4:  # leaning back on the hands
        for side in (LEFT, RIGHT):
            hand_at(rng, pose, body, side, "pelvis", (220, 230, -60), (60, 110), 30)
    return pose


def walking(rng, body):
    return stances.gait(rng, stride=degrees(rng, 14, 30), knee=(5, 55), elbow=(5, 40), lean=(-2, 8))


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
            hand_at(rng, pose, body, side, "spine4", grip * [1 - 2 * side, 1, 1] + (25, 0, 40 * side), (10, 60))
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
    # On the back, on the stomach or on the side.
    pose.root = turn(x=degrees(rng, -95, -80), z=0.0) if rng.random() < 0.5 else turn(x=degrees(rng, 80, 95))
    if rng.random() < 0.35:
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
    pose.lift = rng.uniform(0, 300)
    pose.seat = False
    return pose


LAB_FAMILIES = (
    carrying, directions, discussion, eating, greeting, phoning, photographing, posing,
    reaching, sitting, sitting_down, standing, waiting, walking,
)  # fmt: skip
WILD_FAMILIES = LAB_FAMILIES + (
    running, crouching, lunging, kicking, jumping, throwing, dancing, balancing, lying,
    on_hands, upside_down, climbing, riding,
)  # fmt: skip
# The share of the families beyond the lab's among the wild's examples.
_WILD_SHARE = 0.6
_ATTEMPTS = 30


def sample(rng: np.random.Generator, domain: str, body: Body) -> tuple[str, Pose]:
    """The name of a family and a pose from it: angles in their limits, no limb through the body.

    Raises:
      RuntimeError: no such pose was found, which says that a family is broken.
    """
    families = LAB_FAMILIES
    if domain == "wild" and rng.random() < _WILD_SHARE:
        families = WILD_FAMILIES[len(LAB_FAMILIES) :]
    family = families[rng.integers(len(families))]
    for _ in range(_ATTEMPTS):
        pose = family(rng, body).clip()
        if domain == "wild":
            _vary(rng, pose)
        if not collision.collides(pose, body):
            return family.__name__, pose
    raise RuntimeError(f"No pose of the family {family.__name__} is free of collisions.")


def _vary(rng: np.random.Generator, pose: Pose) -> None:
    """Moves every angle a little, so that the wild's poses fill the space between the families."""
    pose.trunk += rng.normal(0, np.radians(5), 3)
    pose.neck += rng.normal(0, np.radians(6), 3)
    pose.arms += rng.normal(0, np.radians(6), (2, 4))
    pose.clip()
