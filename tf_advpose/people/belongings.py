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
_WHEELCHAIR_SHARE, _WHEELCHAIR_HIGHEST = 0.12, 600.0  # of who sits on a seat; mm, of one that may be such
_SPOKES = 5  # diameters of a wheel
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
    """A wheelchair, a stool, a chair, a block or a bench under who sits."""
    if person.seat is None:
        return []
    (x, y, height), colour = person.seat, things.any_colour(rng)
    style = rng.random()
    if style < 0.3:
        return person.chair(colour)
    parts = things.stool(height, colour)
    if rng.random() < _WHEELCHAIR_SHARE and height < _WHEELCHAIR_HIGHEST:
        parts = _wheelchair(rng, person, height, colour)
    elif style < 0.7:
        parts.append(_backrest(person, height, colour))
    elif style < 0.9:
        width = rng.uniform(350, 2000)
        parts = [things.box(width, rng.uniform(350, 700), height, colour, (0, 0, 0))]
    else:
        parts = [things.ball(height / 2, colour, (0, 0, height / 2))]
    return things.moved(parts, np.array([x, y, 0.0]), person.heading)


def _backrest(person: Person, height: float, colour: np.ndarray) -> Part:
    """As near behind the back as it can be."""
    return things.box(420, 35, _BACKREST, colour, (0, _behind_back(person), height))


def _behind_back(person: Person) -> float:
    """How many mm behind the seat's middle nothing is left of a sitting person's back."""
    turned = (person.vertices - person.seat) @ kinematics.turn(z=person.heading)
    x, y, z = turned.T
    behind = y[(np.abs(x) < 200) & (z > 60) & (z < _BACKREST)]
    return max(behind.max(initial=180.0) + 15, 180.0)


def _wheelchair(rng: np.random.Generator, person: Person, height: float, colour: np.ndarray) -> list[Part]:
    """One that is driven by hand, its seat at `height`."""
    back, metal = _behind_back(person), things.any_colour(rng)
    radius = rng.uniform(0.58, 0.72) * height
    lean = rng.uniform(0, 0.2)  # of the wheels, which stand farther apart below
    parts = [things.box(430, 220 + back, 40, colour, (0, (back - 220) / 2, height - 40))]
    parts.append(things.box(420, 35, rng.uniform(250, _BACKREST), colour, (0, back, height)))
    handles, armrests, solid = rng.random() < 0.6, rng.random() < 0.5, rng.random() < 0.25
    for side in (-1, 1):
        tilt = kinematics.turn(y=side * (np.pi / 2 - lean))
        hub = np.array([side * (250 + lean * radius), back - 130, radius])
        wheel = _wheel(rng, radius, metal, solid)
        parts += [(vertices @ tilt.T + hub, *rest) for vertices, *rest in wheel]
        parts.append(things.ball(60, metal, (side * 170, -300, 60)))
        parts.append(things.box(28, 28, height - 100, metal, (side * 150, -230, 80)))
        parts.append(things.box(150, 160, 20, metal, (side * 90, -330, 70)))
        if handles:
            parts.append(things.box(30, 130, 30, metal, (side * 190, back + 65, height + _BACKREST)))
            parts.append(things.box(30, 30, _BACKREST, metal, (side * 190, back + 20, height)))
        if armrests:
            parts.append(things.box(45, 330, 40, metal, (side * 245, back - 200, height + 190)))
    return parts


def _wheel(rng: np.random.Generator, radius: float, colour: np.ndarray, solid: bool) -> list[Part]:
    """A wheel about the origin, its axis z: a tyre with spokes or, `solid`, a disc of another colour."""
    inner, half = radius - rng.uniform(25, 45), rng.uniform(12, 22)
    profile = (radius, radius, inner, inner, radius), (-half, half, half, -half, -half)
    tyre = things.round_body(*profile, np.full(3, rng.uniform(0.01, 0.06)))
    if solid:
        return [tyre, things.round_body((0, inner, inner, 0), (-8, -8, 8, 8), things.any_colour(rng))]
    spokes = [
        (vertices @ kinematics.turn(z=turned).T, *rest)
        for turned in np.arange(_SPOKES) * np.pi / _SPOKES
        for vertices, *rest in [things.box(2 * inner, 6, 6, colour)]
    ]
    return [tyre, *spokes]


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
