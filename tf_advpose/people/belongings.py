"""What everyday people sit on, hold and carry: see `things` for what a part is."""

import numpy as np

from tf_advpose.people import kinematics, things
from tf_advpose.people.body import SIDES
from tf_advpose.people.person import Person
from tf_advpose.people.render import Surface
from tf_advpose.people.things import Part
from tf_advpose.skeleton import JOINT_NAMES, ROOT, THORAX

_HELD_SHARE, _RUCKSACK_SHARE = 0.25, 0.07  # of the people hold something, and carry a rucksack
_GRIP = 70.0  # mm, from the wrist to the middle of the hand
_BACKREST = 450.0  # mm, its height over the seat
_FOREARMS = [[JOINT_NAMES.index(f"{side}_{part}") for part in ("elbow", "wrist")] for side in SIDES]
_SHOULDERS = [JOINT_NAMES.index(f"{side}_shoulder") for side in SIDES]


def draw(rng: np.random.Generator, person: Person) -> list[Surface]:
    """The surface of all that belongs to a person, alone in a list; none where nothing does."""
    parts = _seat(rng, person)
    if rng.random() < _HELD_SHARE:
        parts += _held(rng, person)
    if rng.random() < _RUCKSACK_SHARE:
        parts += _rucksack(rng, person)
    return [things.surface(parts)] if parts else []


def _seat(rng: np.random.Generator, person: Person) -> list[Part]:
    """A stool, a chair, a block or a bench under who sits."""
    if person.seat is None:
        return []
    (x, y, height), colour = person.seat, things.any_colour(rng)
    style = rng.random()
    if style < 0.3:
        return person.chair(colour)
    parts = things.stool(height, colour)
    if style < 0.7:
        parts.append(_backrest(person, height, colour))
    elif style < 0.9:
        width = rng.uniform(350, 2000)
        parts = [things.box(width, rng.uniform(350, 700), height, colour, (0, 0, 0))]
    else:
        parts = [things.ball(height / 2, colour, (0, 0, height / 2))]
    return things.moved(parts, np.array([x, y, 0.0]), person.heading)


def _backrest(person: Person, height: float, colour: np.ndarray) -> Part:
    """As near behind the back as it can be."""
    turned = (person.vertices - person.seat) @ kinematics.turn(z=person.heading)
    x, y, z = turned.T
    behind = y[(np.abs(x) < 200) & (z > 60) & (z < _BACKREST)]
    back = max(behind.max(initial=180.0) + 15, 180.0)
    return things.box(420, 35, _BACKREST, colour, (0, back, height))


def _held(rng: np.random.Generator, person: Person) -> list[Part]:
    """A ball, bag, phone, or a stick, bat, racket or umbrella in one hand."""
    elbow, wrist = person.joints[_FOREARMS[rng.integers(2)]]
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    hand, colour = wrist + _GRIP * along, things.any_colour(rng)
    style = rng.random()
    if style < 0.2:
        radius = rng.uniform(35, 130)
        return [things.ball(radius, colour, hand + (radius + 15) * along)]
    if style < 0.35:
        width, depth, height = rng.uniform((120, 50, 180), (450, 250, 500))
        return [things.box(width, depth, height, colour, hand - (0, 0, height + 20))]
    if style < 0.5:
        return [things.box(*rng.uniform((50, 20, 60), (240, 60, 260)), colour, hand - (0, 0, 40))]
    aside = np.cross(along, rng.normal(0, 1, 3))
    aside /= np.linalg.norm(aside)
    if (aside @ (hand - person.joints[ROOT])) < 0:  # away from the body
        aside = -aside
    length, radius = rng.uniform(350, 1500), rng.uniform(9, 28)
    frame = _frame(aside)
    parts = [things.round_body((radius, radius), (-0.15 * length, length), colour)]
    if rng.random() < 0.4:  # a racket, a brush, an umbrella
        head = things.ball(rng.uniform(60, 160), things.any_colour(rng))
        parts.append((head[0] * (1, rng.uniform(0.1, 1), 1) + (0, 0, length), *head[1:]))
    return [(vertices @ frame.T + hand, *rest) for vertices, *rest in parts]


def _rucksack(rng: np.random.Generator, person: Person) -> list[Part]:
    """On the back, over the spine."""
    left, right = person.joints[_SHOULDERS]
    up = person.joints[THORAX] - person.joints[ROOT]
    back = np.cross(up, left - right)
    back /= np.linalg.norm(back)
    vertices, triangles, colour = things.ball(rng.uniform(140, 190), things.any_colour(rng))
    vertices = vertices * (1, 0.65, rng.uniform(1.2, 1.7))
    across = (left - right) / np.linalg.norm(left - right)
    frame = np.stack([across, back, np.cross(across, back)], axis=1)
    place = person.joints[ROOT] + 0.68 * up + 190 * back
    return [(vertices @ frame.T + place, triangles, colour)]


def _frame(axis: np.ndarray) -> np.ndarray:
    """A rotation [3, 3] that takes z to the unit vector `axis`."""
    other = np.eye(3)[np.abs(axis).argmin()]
    first = np.cross(other, axis)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(axis, first), axis], axis=1)
