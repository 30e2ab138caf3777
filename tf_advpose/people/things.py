"""Things that stand around synthetic people: simple meshes of furniture, trees, cars and posts.

A thing is a list of parts, each of them vertices [V, 3] (mm, z up, standing on z = 0 about the origin),
triangles [F, 3] and a colour [3], linear.
"""

import functools

import numpy as np

from tf_advpose.people.render import Surface
from tf_advpose.people.textures import linear, noise

Part = tuple[np.ndarray, np.ndarray, np.ndarray]

_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_BOX = np.array(
    (
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    )
)  # fmt: skip
_SEGMENTS = 10
_CIRCLE = np.stack([f(np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS) for f in (np.cos, np.sin)], axis=1)
_ARC = np.stack([f(np.linspace(-np.pi / 2, np.pi / 2, 6)) for f in (np.cos, np.sin)])
# Wood, stone, cloth, paint and plants, as seen on a screen.
_PALETTE = linear(
    (
        (0.55, 0.40, 0.26), (0.38, 0.26, 0.17), (0.72, 0.58, 0.40), (0.25, 0.18, 0.13), (0.60, 0.58, 0.55),
        (0.42, 0.42, 0.43), (0.20, 0.20, 0.22), (0.82, 0.80, 0.76), (0.93, 0.92, 0.90), (0.22, 0.28, 0.40),
        (0.35, 0.45, 0.58), (0.60, 0.22, 0.18), (0.72, 0.35, 0.20), (0.80, 0.68, 0.35), (0.30, 0.38, 0.25),
        (0.45, 0.50, 0.35), (0.50, 0.30, 0.35), (0.65, 0.60, 0.50), (0.30, 0.42, 0.42), (0.70, 0.50, 0.48),
    )
)  # fmt: skip
_LEAVES = linear((0.25, 0.36, 0.14))


def any_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour [3] that things have, linear."""
    colour = _PALETTE[rng.integers(len(_PALETTE))] * rng.uniform(0.6, 1.4) * np.exp(rng.normal(0, 0.1, 3))
    return np.clip(colour, 0.01, 0.9)


def surface(parts: list[Part]) -> Surface:
    """One mesh of many parts, each mottled in its colour."""
    counts = [len(vertices) for vertices, _, _ in parts]
    starts = np.cumsum([0] + counts)
    vertices = np.concatenate([vertices for vertices, _, _ in parts]).astype(np.float32)
    triangles = np.concatenate(
        [triangles + start for (_, triangles, _), start in zip(parts, starts, strict=False)]
    )
    colours = np.repeat([colour for _, _, colour in parts], counts, axis=0)
    return Surface(vertices, triangles, None, np.hstack([vertices, colours]).astype(np.float32), _paint)


def _paint(fields: np.ndarray) -> np.ndarray:
    x, y, z = fields[:, :3].T
    return fields[:, 3:] * (0.75 + 0.5 * noise((x + 0.7 * y) / 2500, (z + 0.4 * y) / 2500, 2))[:, None]


def moved(thing: list[Part], place: np.ndarray, heading: float) -> list[Part]:
    """A thing turned by `heading` radians about the vertical and put at `place` [3]."""
    c, s = np.cos(heading), np.sin(heading)
    turned = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return [(vertices @ turned + place, triangles, colour) for vertices, triangles, colour in thing]


def fitted(thing: list[Part], half_width: float, height: float) -> list[Part]:
    """A thing made `height` mm high and, where it is wider, at most `half_width` mm wide to each side."""
    highest = max(vertices[:, 2].max() for vertices, _, _ in thing)
    widest = max(np.abs(vertices[:, :2]).max() for vertices, _, _ in thing)
    across = min(1.0, half_width / widest)
    return [(vertices * (across, across, height / highest), *rest) for vertices, *rest in thing]


def box(width: float, depth: float, height: float, colour: np.ndarray, at=(0.0, 0.0, 0.0)) -> Part:
    """A box that stands on `at`."""
    return _CORNERS * (width, depth, height) + at, _BOX, colour


def round_body(radii, heights, colour: np.ndarray, at=(0.0, 0.0, 0.0)) -> Part:
    """A body of rings, with the given radius at each height over `at`."""
    rings = np.empty((len(radii), _SEGMENTS, 3))
    rings[:, :, :2] = np.asarray(radii)[:, None, None] * _CIRCLE
    rings[:, :, 2] = np.asarray(heights)[:, None]
    return rings.reshape(-1, 3) + at, _tube(len(radii)), colour


@functools.cache
def _tube(rings: int) -> np.ndarray:
    ring, segment = np.meshgrid(np.arange(rings - 1), np.arange(_SEGMENTS), indexing="ij")
    here, right = ring * _SEGMENTS + segment, ring * _SEGMENTS + (segment + 1) % _SEGMENTS
    above, right_above = here + _SEGMENTS, right + _SEGMENTS
    return np.stack([here, right, above, right, right_above, above], axis=-1).reshape(-1, 3)


def ball(radius: float, colour: np.ndarray, at=(0.0, 0.0, 0.0), squash: float = 1.0) -> Part:
    """A ball about `at`, `squash` times as high as wide."""
    return round_body(radius * _ARC[0], squash * radius * _ARC[1], colour, at)


def stool(height: float, colour: np.ndarray) -> list[Part]:
    """A seat on four legs, `height` mm high."""
    legs = [box(40, 40, height - 50, colour, (x, y, 0)) for x in (-180, 180) for y in (-180, 180)]
    return [box(420, 420, 50, colour, (0, 0, height - 50)), *legs]


def crate(rng) -> list[Part]:
    width, depth, height = rng.uniform((200, 200, 250), (1000, 1000, 1900))
    return [box(width, depth, height, any_colour(rng))]


def table(rng) -> list[Part]:
    colour, height = any_colour(rng), rng.uniform(650, 900)
    width, depth = rng.uniform((800, 600), (1900, 1000))
    legs = [
        box(60, 60, height, colour, (x * (width / 2 - 60), y * (depth / 2 - 60), 0))
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    things = [
        box(
            *rng.uniform(60, 350, 3),
            any_colour(rng),
            (*(rng.uniform(-0.4, 0.4, 2) * (width, depth)), height),
        )
        for _ in range(rng.integers(4))
    ]
    return [box(width, depth, 40, colour, (0, 0, height)), *legs, *things]


def shelf(rng) -> list[Part]:
    colour, height, width = any_colour(rng), rng.uniform(1200, 2300), rng.uniform(600, 1600)
    parts = [box(width, 40, height, colour, (0, 150, 0))]
    for z in np.arange(0, height, 380):
        parts.append(box(width, 320, 30, colour, (0, 0, z)))
        for x in np.arange(-width / 2 + 80, width / 2 - 40, 150):
            if rng.random() < 0.7:
                parts.append(
                    box(rng.uniform(40, 140), 200, rng.uniform(120, 320), any_colour(rng), (x, 0, z + 30))
                )
    return parts


def sofa(rng) -> list[Part]:
    colour, width = any_colour(rng), rng.uniform(900, 2200)
    arms = [box(180, 850, 620, colour, (x * (width / 2 + 90), 0, 0)) for x in (-1, 1)]
    return [box(width, 850, 420, colour), box(width + 360, 220, 850, colour, (0, 350, 0)), *arms]


def lamp(rng) -> list[Part]:
    height = rng.uniform(1200, 1800)
    shade = round_body((220, 120), (height, height + 280), any_colour(rng))
    return [round_body((160, 20, 18), (0, 30, height), any_colour(rng)), shade]


def plant(rng) -> list[Part]:
    pot = round_body((120, 180, 0), (0, 320, 300), any_colour(rng))
    return [pot, *_foliage(rng, 330, 330, 320)]


def post(rng) -> list[Part]:
    radius = rng.uniform(35, 160)
    return [round_body((radius, radius), (0, rng.uniform(900, 5000)), any_colour(rng))]


def tree(rng) -> list[Part]:
    height, radius = rng.uniform(1600, 3500), rng.uniform(70, 220)
    bark = linear((0.32, 0.25, 0.18)) * rng.uniform(0.6, 1.4)
    trunk = round_body((1.3 * radius, radius, 0.8 * radius), (0, 400, height + 500), bark)
    return [trunk, *_foliage(rng, height, 1500, 1700)]


def bush(rng) -> list[Part]:
    size = rng.uniform(350, 900)
    return _foliage(rng, 0.5 * size, size, 0.8 * size)


def _foliage(rng, bottom: float, width: float, height: float) -> list[Part]:
    colour = _LEAVES * rng.uniform(0.5, 1.6) * np.exp(rng.normal(0, 0.15, 3))
    return [
        ball(
            rng.uniform(0.3, 0.55) * width,
            colour * rng.uniform(0.7, 1.3),
            rng.uniform((-0.4 * width, -0.4 * width, bottom), (0.4 * width, 0.4 * width, bottom + height)),
            rng.uniform(0.6, 1.1),
        )
        for _ in range(6)
    ]


def car(rng) -> list[Part]:
    colour, dark = any_colour(rng), linear((0.12, 0.12, 0.13))
    wheels = [ball(310, dark, (x, y, 310)) for x in (-1350, 1350) for y in (-800, 800)]
    glass = box(2300, 1500, 550, linear((0.2, 0.24, 0.28)), (150, 0, 900))
    roof = box(1900, 1480, 60, colour, (150, 0, 1440))
    return [box(4300, 1750, 650, colour, (0, 0, 260)), glass, roof, *wheels]


def fence(rng) -> list[Part]:
    colour, height, length = any_colour(rng), rng.uniform(700, 1400), rng.uniform(2000, 6000)
    rails = [box(length, 30, 60, colour, (0, 0, share * height)) for share in (0.3, 0.85)]
    return rails + [box(60, 40, height, colour, (x, 0, 0)) for x in np.arange(-length / 2, length / 2, 220)]


INDOORS = (crate, table, table, shelf, sofa, lamp, plant, post)
OUTDOORS = (crate, tree, tree, bush, bush, post, car, fence)
IN_FRONT = (crate, post, bush, table, plant, fence, lamp)
