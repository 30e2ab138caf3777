"""Draws the surroundings of a synthetic person: place, light, things, and the camera."""

import itertools

import numpy as np

from tf_advpose.people.backdrop import Outdoors, Paint, Room
from tf_advpose.people.person import Person
from tf_advpose.people.render import Camera, Light, Surface
from tf_advpose.people.textures import linear, noise

LAB_VIEWS = 4
LAB_CHAIR = linear((0.3, 0.25, 0.2))
_UP = np.array([0.0, 0.0, 1.0])


def look_at(centre: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """World-to-camera rotation [3, 3] of a camera at `centre` that faces `target`: rows right, down,
    forward; `roll` radians about the line of sight."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, _UP)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, -s * right + c * down, forward])


def lab_room() -> Room:
    """The lab's one plain room."""
    return Room(
        extent=np.array([4200.0, 4800.0]),
        height=3200.0,
        floor=Paint(linear([(0.5, 0.38, 0.3), (0.45, 0.33, 0.26)]), "mottled", 300.0, 3),
        wall=Paint(linear([(0.62, 0.62, 0.6), (0.56, 0.56, 0.55)]), "mottled", 500.0, 5),
        panels=(
            (0, -1200.0, -300.0, 0.0, 2100.0, linear((0.42, 0.36, 0.3)), 0),
            (1, 400.0, 2400.0, 700.0, 1500.0, linear((0.25, 0.27, 0.3)), 0),
            (2, -3500.0, -600.0, 0.0, 2500.0, linear((0.35, 0.36, 0.42)), 0),
            (3, -900.0, 1900.0, 900.0, 2300.0, linear((0.75, 0.75, 0.72)), 0),
        ),
    )


def lab_light() -> Light:
    """Lamps on the lab's ceiling, as one soft light."""
    return Light(_unit((0.25, -0.15, 1.0)), np.array([0.62, 0.6, 0.56]), np.array([0.42, 0.42, 0.43]), 0.22)


# Width and height of the lab's pictures in pixels, and each camera's place (mm), focal length and centre.
LAB_PIXELS = 1000
_LAB_CAMERAS = (
    (2150.0, 4300.0, 1560.0, 1146.0, 511.0, 508.0),
    (-2050.0, 4350.0, 1620.0, 1149.0, 508.0, 504.0),
    (2080.0, -4280.0, 1490.0, 1146.0, 519.0, 502.0),
    (-2120.0, -4180.0, 1580.0, 1145.0, 514.0, 502.0),
)


def lab_camera(number: int) -> Camera:
    """One of the lab's four fixed cameras, with the intrinsics of its whole picture."""
    x, y, z, focal, cx, cy = _LAB_CAMERAS[number]
    centre = np.array([x, y, z])
    rotation = look_at(centre, np.array([0.0, 0.0, 900.0]))
    return Camera(rotation, centre, np.array([focal, focal, cx, cy, 0, 0, 0, 0, 0]))


def wild_camera(rng: np.random.Generator, middle: np.ndarray) -> Camera:
    """A camera anywhere round a person whose `middle` [3] is given: from the ground to high above, tilted,
    near with a short or far with a long lens; intrinsics for a focal length of one pixel."""
    distance = np.exp(rng.uniform(np.log(1900), np.log(12000)))
    style = rng.random()
    if style < 0.6:
        height = rng.uniform(1000, 2000)
    elif style < 0.8:
        height = rng.uniform(150, 1000)
    else:
        height = middle[2] + distance * np.sin(rng.uniform(0.1, 0.8))
    azimuth = rng.uniform(0, 2 * np.pi)
    level = np.sqrt(max(distance**2 - (height - middle[2]) ** 2, (0.4 * distance) ** 2))
    centre = np.array([level * np.cos(azimuth), level * np.sin(azimuth), height])
    centre[:2] += middle[:2]
    # The person is seldom in the middle of the photo.
    target = middle + rng.normal(0, 0.12 * distance, 3) * [1, 1, 0.5]
    rotation = look_at(centre, target, rng.normal(0, np.radians(4)))
    return Camera(rotation, centre, np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0, 0]))


def wild_light(rng: np.random.Generator, indoors: bool) -> Light:
    """Sun, clouds or lamps."""
    height = rng.uniform(0.6, 1.4) if indoors else rng.uniform(0.25, 1.4)
    azimuth = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)])
    share = rng.uniform(0.15, 0.85)
    warmth = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.09) * np.array([1.0, 0.1, -1.0])
    brightness = np.exp(rng.normal(0.12, 0.28))
    size = rng.uniform(0.1, 0.4) if indoors else rng.choice([0.02, 0.3])
    return Light(direction, 1.25 * brightness * share * warmth, 1.05 * brightness * (1 - share) * (2 - warmth), size)


def wild_backdrop(rng: np.random.Generator, camera: Camera, middle: np.ndarray, indoors: bool) -> Room | Outdoors:
    """A cluttered room, or a street, park, field or beach."""
    if indoors:
        return _wild_room(rng, camera, middle)
    seed = int(rng.integers(1000))
    kind = rng.choice(["park", "street", "sand", "court", "snow"], p=[0.35, 0.3, 0.12, 0.15, 0.08])
    grey = rng.uniform(0.3, 0.6)
    ground = {
        "park": Paint(linear([(0.25, 0.4, 0.15), (0.45, 0.5, 0.25)]) * rng.uniform(0.6, 1.5), "mottled", 120.0, seed),
        "street": Paint(
            linear([(grey, grey, grey), (grey + 0.1,) * 3]),
            str(rng.choice(["mottled", "bricks", "checks"])),
            rng.uniform(150, 900),
            seed,
        ),
        "sand": Paint(linear([(0.8, 0.7, 0.5), (0.65, 0.55, 0.4)]), "mottled", 300.0, seed),
        "court": Paint(np.stack([_any_colour(rng), linear((0.9, 0.9, 0.85))]), str(rng.choice(["mottled", "planks"])), 1500.0, seed),
        "snow": Paint(linear([(0.92, 0.93, 0.96), (0.8, 0.83, 0.9)]), "mottled", 500.0, seed),
    }[kind]
    blue = rng.random() < 0.6
    sky = linear([(0.75, 0.82, 0.9), (0.3, 0.5, 0.8)] if blue else [(0.85, 0.85, 0.85), (0.7, 0.72, 0.75)])
    rows = []
    if rng.random() < 0.7:
        rows.append((2e5, 0.0, rng.uniform(5e3, 6e4), Paint(linear([(0.45, 0.52, 0.55), (0.4, 0.47, 0.5)]), "mottled", 2e4, seed), 4e3, False))
    if kind in ("street", "court") and rng.random() < 0.8:
        paint = Paint(np.stack([_any_colour(rng), _any_colour(rng)]), "blocks", 9000.0, seed)
        rows.append((rng.uniform(1.2e4, 5e4), 4e3, 2.2e4, paint, 0.0, True))
    elif rng.random() < 0.8:
        paint = Paint(linear([(0.12, 0.22, 0.08), (0.3, 0.38, 0.15)]) * rng.uniform(0.7, 1.4), "mottled", 900.0, seed)
        rows.append((rng.uniform(1e4, 5e4), 1e3, rng.uniform(4e3, 1.2e4), paint, 6e3, False))
    return Outdoors(ground, sky, rng.uniform(0, 1), tuple(rows), seed)


def _wild_room(rng: np.random.Generator, camera: Camera, middle: np.ndarray) -> Room:
    seed = int(rng.integers(1000))
    farthest = np.abs(np.stack([camera.centre, middle]))[:, :2].max(axis=0)
    extent = farthest + rng.uniform(900, 4000, 2)
    height = max(rng.uniform(2500, 5000), camera.centre[2] + 400)
    floor = str(rng.choice(["planks", "checks", "mottled", "bricks", "stripes"]))
    wall = str(rng.choice(["mottled", "bricks", "stripes", "plain", "dots"]))
    pale = linear(rng.uniform(0.55, 0.95) * np.array([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)]))
    panels = []
    for _ in range(rng.integers(4, 16)):
        number = int(rng.integers(4))
        half = extent[1 if number < 2 else 0]
        left, width = rng.uniform(-half, half), rng.uniform(250, 2200)
        glow = int(rng.random() < 0.2)
        colour = linear((0.9, 0.95, 1.0)) * rng.uniform(0.8, 1.6) if glow else _any_colour(rng)
        bottom = rng.choice([0.0, rng.uniform(300, 1600)])
        panels.append((number, left, left + width, bottom, bottom + rng.uniform(300, 2000), colour, glow))
    return Room(
        extent,
        height,
        Paint(np.stack([_any_colour(rng), _any_colour(rng)]), floor, rng.uniform(250, 1200), seed),
        Paint(np.stack([pale, pale * rng.uniform(0.6, 0.95)]), wall, rng.uniform(150, 800), seed + 1),
        tuple(panels),
    )


def _any_colour(rng: np.random.Generator) -> np.ndarray:
    base = rng.uniform(0.1, 0.85)
    return linear(np.clip(base + rng.normal(0, 0.12, 3), 0.03, 0.95))


def _unit(vector) -> np.ndarray:
    vector = np.asarray(vector, float)
    return vector / np.linalg.norm(vector)


def box(centre, extent, heading: float, colour: np.ndarray, seed: int = 0) -> Surface:
    """A box of `extent` (x, y, z) mm about `centre`, turned by `heading`, in a mottled `colour`."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * extent
    c, s = np.cos(heading), np.sin(heading)
    vertices = corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + centre
    triangles = np.array(
        [
            (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
            (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
        ]
    )  # fmt: skip
    return Surface(vertices, triangles, None, vertices.astype(np.float32), _mottled(colour, seed))


def _mottled(colour: np.ndarray, seed: int):
    def paint(points: np.ndarray) -> np.ndarray:
        return colour * (0.8 + 0.4 * noise((points[:, 0] + points[:, 1]) / 1500, points[:, 2] / 1500, seed))[:, None]

    return paint


def chair(person: Person, colour: np.ndarray) -> list[Surface]:
    """The stool under a person who sits; nothing where nobody does."""
    if person.seat is None:
        return []
    x, y, height = person.seat
    parts = [box((x, y, height - 25), (420, 420, 50), person.heading, colour)]
    c, s = np.cos(person.heading), np.sin(person.heading)
    for right, back in itertools.product((-180, 180), repeat=2):
        foot = (x + c * right - s * back, y + s * right + c * back, (height - 50) / 2)
        parts.append(box(foot, (40, 40, height - 50), person.heading, colour))
    return parts


def clutter(rng: np.random.Generator, camera: Camera, middle: np.ndarray) -> list[Surface]:
    """Things behind and beside the person, and sometimes one in front."""
    things = []
    line = middle - camera.centre
    distance = np.linalg.norm(line[:2])
    ahead = line[:2] / distance
    side = np.array([-ahead[1], ahead[0]])
    for _ in range(rng.integers(0, 7)):
        far = distance + rng.uniform(700, 5000)
        place = camera.centre[:2] + far * ahead + rng.normal(0, 0.3 * far) * side
        extent = rng.uniform((150, 150, 200), (1300, 1300, 2000))
        things.append(box((*place, extent[2] / 2), extent, rng.uniform(0, np.pi), _any_colour(rng), int(rng.integers(99))))
    if rng.random() < 0.3:
        near = distance - rng.uniform(450, 0.55 * distance)
        place = camera.centre[:2] + near * ahead + rng.normal(0, 160) * side * near / distance
        extent = rng.uniform((80, 80, 200), (500, 500, 1000)) * near / distance
        height = camera.centre[2] + (middle[2] - camera.centre[2]) * near / distance + rng.normal(0, 350) * near / distance
        if rng.random() < 0.6:  # standing on the ground
            extent[2] = max(height, 150)
            height = extent[2] / 2
        things.append(box((*place, height), extent, rng.uniform(0, np.pi), _any_colour(rng), 7))
    return things
