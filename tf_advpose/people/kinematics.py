"""From anatomical angles to the rotations of the rig, and back from where a hand or foot should be.

All angles are radians, sides are ordered (left, right), and both sides use the same signs:

  trunk, neck  bend forward, lean to the left, turn to the left
  arms         elevation (0 hangs, pi points up), plane (0 sideways, pi/2 forward), twist (positive
               turns the bent forearm towards the midline), elbow flexion
  legs         hip flexion, abduction, outward rotation, knee flexion, lift of the toes

The rest pose differs from body to body; angles do not: zero is the upright body with straight arms and
legs hanging down.
"""

from dataclasses import dataclass, field
from math import cos, sin

import numpy as np

from tf_advpose.people.body import ELBOW_AXIS, RIG, RIG_INDEX, SIDES, Body, joint_positions

_SPINE = [RIG_INDEX[name] for name in ("spine1", "spine2", "spine3", "spine4", "chest")]
_NECK = [RIG_INDEX[name] for name in ("neck1", "neck2", "head")]
_CLAVICLES = [RIG_INDEX[f"{side}_clavicle"] for side in SIDES]
_ARMS = [[RIG_INDEX[f"{side}_{part}"] for part in ("upper_arm", "forearm", "hand")] for side in SIDES]
_LEGS = [[RIG_INDEX[f"{side}_{part}"] for part in ("thigh", "shin", "foot")] for side in SIDES]
# The shoulder girdle rises by this share of what the arm is lifted beyond _GIRDLE_FREE.
_GIRDLE_SHARE, _GIRDLE_FREE = 0.22, np.radians(35)

# (lowest, highest) degrees of every angle: the range of healthy adults.
LIMITS = {
    "trunk": np.radians([(-25, 80), (-30, 30), (-40, 40)]),
    "neck": np.radians([(-45, 50), (-35, 35), (-65, 65)]),
    "arms": np.radians([(0, 175), (-90, 130), (-90, 95), (0, 150)]),
    "legs": np.radians([(-25, 120), (-20, 65), (-30, 45), (0, 140), (-45, 25)]),
}
# Behind the frontal plane an arm cannot be lifted as far.
_BACKWARD_ELEVATION = np.radians(55)


@dataclass
class Pose:
    """One pose as anatomical angles, see the module's docstring.

    Attributes:
      trunk, neck: [3]. arms: [2, 4]. legs: [2, 5].
      root: [3, 3] rotation of the pelvis from the upright body that faces -y.
      seat: the pelvis rests on something as high as its underside.
      lift: millimetres between the ground and the lowest point of the body.
    """

    trunk: np.ndarray = field(default_factory=lambda: np.zeros(3))
    neck: np.ndarray = field(default_factory=lambda: np.zeros(3))
    arms: np.ndarray = field(default_factory=lambda: np.zeros((2, 4)))
    legs: np.ndarray = field(default_factory=lambda: np.zeros((2, 5)))
    root: np.ndarray = field(default_factory=lambda: np.eye(3))
    seat: bool = False
    lift: float = 0.0

    def clip(self) -> "Pose":
        """Moves every angle into its limits."""
        for name, limits in LIMITS.items():
            np.clip(getattr(self, name), limits[:, 0], limits[:, 1], out=getattr(self, name))
        backward = self.arms[:, 1] < 0
        highest = np.where(
            backward, np.pi - (np.pi - _BACKWARD_ELEVATION) * np.minimum(-self.arms[:, 1] / 0.5, 1), np.pi
        )
        self.arms[:, 0] = np.minimum(self.arms[:, 0], highest)
        return self


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """The rotation matrix [3, 3] about x, then y, then z of the fixed frame, radians."""
    cx, sx, cy, sy, cz, sz = cos(x), sin(x), cos(y), sin(y), cos(z), sin(z)
    return np.array(
        (
            (cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz),
            (cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz),
            (-sy, sx * cy, cx * cy),
        )
    )


def turn_about(axis: np.ndarray, angle: float) -> np.ndarray:
    """The rotation matrix [3, 3] about a unit `axis`."""
    (x, y, z), c, s = axis, cos(angle), sin(angle)
    d = 1 - c
    return np.array(
        (
            (c + x * x * d, x * y * d - z * s, x * z * d + y * s),
            (y * x * d + z * s, c + y * y * d, y * z * d - x * s),
            (z * x * d - y * s, z * y * d + x * s, c + z * z * d),
        )
    )


def rotations(pose: Pose, body: Body) -> np.ndarray:
    """Each joint's rotation [J, 3, 3] against rest, in the body's frame."""
    result = np.empty((len(RIG), 3, 3))
    pelvis = result[RIG_INDEX["pelvis"]] = pose.root
    result[_SPINE] = pelvis @ _shared(pose.trunk, len(_SPINE))
    chest = result[RIG_INDEX["chest"]]
    result[_NECK] = chest @ _shared(pose.neck, len(_NECK))
    for side, mirror in ((0, 1.0), (1, -1.0)):
        elevation, plane, twist, elbow = pose.arms[side]
        swing = chest @ _arm_swing(elevation, plane, twist, mirror)
        upper_arm, forearm, hand = _ARMS[side]
        result[_CLAVICLES[side]] = chest @ _girdle(elevation, plane, mirror)
        result[upper_arm] = swing @ body.zero[upper_arm]
        result[forearm] = result[hand] = swing @ turn(x=-elbow) @ body.zero[forearm]

        flexion, abduction, outward, knee, toes = pose.legs[side]
        thigh, shin, foot = _LEGS[side]
        swing = pelvis @ turn(x=-flexion) @ turn(y=-mirror * abduction) @ turn(z=mirror * outward)
        bent = swing @ turn(x=knee)
        result[thigh] = swing @ body.zero[thigh]
        result[shin] = bent @ body.zero[shin]
        result[foot] = bent @ turn(x=-toes)
    return result


def reach(pose: Pose, body: Body, side: int, target: np.ndarray, elbow: np.ndarray) -> None:
    """Bends an arm of `pose` so that the wrist comes to `target` [3], or as near as it gets.

    Args:
      side: 0 is left.
      target: body's frame, millimetres.
      elbow: [3] where the elbow points, in the chest's frame.
    """
    mirror = 1.0 - 2.0 * side
    turned = rotations(pose, body)
    chest, clavicle = turned[RIG_INDEX["chest"]], _CLAVICLES[side]
    target = chest.T @ (target - joint_positions(body.joints, turned)[clavicle])
    upper_arm, forearm, hand = body.joints[_ARMS[side]]
    first, second = np.linalg.norm(forearm - upper_arm), np.linalg.norm(hand - forearm)
    for _ in range(3):  # the girdle moves with the arm, so the shoulder's place is found again
        shoulder = _girdle(*pose.arms[side, :2], mirror) @ (upper_arm - body.joints[clavicle])
        direction, along, out, bend = _two_bones(target - shoulder, first, second, elbow)
        elevation = np.arccos(np.clip(-direction[2], -1, 1))
        plane = np.arctan2(-direction[1], mirror * direction[0])
        zero = _shortest_turn(direction) @ ELBOW_AXIS
        axis = _bending_axis(direction, along, out)
        twist = mirror * np.arctan2(np.cross(zero, axis) @ direction, zero @ axis)
        pose.arms[side] = elevation, plane, twist, bend
    pose.clip()


def step(pose: Pose, body: Body, side: int, target: np.ndarray, outward: float) -> None:
    """Bends a leg of `pose` so that the ankle comes to `target` [3], or as near as it gets, with the
    knee turned `outward` radians and the sole level. Arguments as for `reach`."""
    mirror = 1.0 - 2.0 * side
    hip, knee, ankle = body.joints[_LEGS[side]]
    posed_hip = joint_positions(body.joints, rotations(pose, body))[_LEGS[side][0]]
    wish = np.array([mirror * sin(outward), -cos(outward), 0.15])
    direction, along, out, bend = _two_bones(
        pose.root.T @ (target - posed_hip), np.linalg.norm(knee - hip), np.linalg.norm(ankle - knee), wish
    )
    abduction = np.arcsin(np.clip(mirror * direction[0], -1, 1))
    flexion = np.arctan2(-direction[1], -direction[2])
    swing = turn(x=-flexion) @ turn(y=-mirror * abduction)
    axis = swing.T @ _bending_axis(direction, along, out)
    outward = np.arctan2(axis[1], axis[0])
    shin = pose.root @ swing @ turn(z=outward) @ turn(x=bend)
    # The sole is level when the foot's own y axis is.
    toes = np.arctan2(shin[2, 1], shin[2, 2])
    pose.legs[side] = flexion, abduction, mirror * outward, bend, toes
    pose.clip()


def _shared(bend: np.ndarray, count: int) -> np.ndarray:
    """`bend` [3], a rotation vector, shared out along a chain: rotations [count, 3, 3] so far."""
    angle = np.linalg.norm(bend)
    axis = bend / max(angle, 1e-9)
    return np.stack([turn_about(axis, angle * (link + 1) / count) for link in range(count)])


def _arm_swing(elevation: float, plane: float, twist: float, mirror: float) -> np.ndarray:
    """Turns the hanging arm to where the angles say, in the chest's frame; `mirror` -1 is the right."""
    across = sin(elevation)
    direction = np.array((mirror * across * cos(plane), -across * sin(plane), -cos(elevation)))
    return _shortest_turn(direction) @ turn(z=-mirror * twist)


def _girdle(elevation: float, plane: float, mirror: float) -> np.ndarray:
    """What the shoulder girdle adds when the arm is lifted, in the chest's frame."""
    lifted = max(elevation - _GIRDLE_FREE, 0.0) * _GIRDLE_SHARE
    return turn(y=-mirror * lifted * max(cos(plane), 0.3), z=-mirror * 0.1 * sin(plane) * sin(elevation))


def _shortest_turn(direction: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes the hanging limb to `direction`."""
    axis = np.array((direction[1], -direction[0], 0.0))  # DOWN x direction
    sine = np.hypot(direction[0], direction[1])
    if sine < 1e-6:
        axis, sine = np.array((1.0, 0.0, 0.0)), 1.0
    return turn_about(axis / sine, np.arccos(np.clip(-direction[2], -1, 1)))


def _two_bones(
    target: np.ndarray, first: float, second: float, wish: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Two bones from the origin towards `target` [3], the joint between them towards `wish` [3].

    Returns:
      The first bone's direction, the target's, the joint's at right angles to it, and the flexion.
    """
    reach = np.linalg.norm(target)
    distance = np.clip(reach, abs(first - second) + 1.0, first + second - 1.0)
    bend = np.pi - np.arccos((first**2 + second**2 - distance**2) / (2 * first * second))
    inner = np.arccos((first**2 + distance**2 - second**2) / (2 * first * distance))
    along = target / max(reach, 1e-6)
    out = wish - (wish @ along) * along
    out /= max(np.linalg.norm(out), 1e-6)
    return np.cos(inner) * along + np.sin(inner) * out, along, out, bend


def _bending_axis(direction: np.ndarray, along: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The axis that bends from the first bone towards the target, sound for straight limbs too."""
    axis = np.cross(direction, along - 0.01 * out)
    return axis / max(np.linalg.norm(axis), 1e-9)
