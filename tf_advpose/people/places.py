"""Draws the wild's places and their light: rooms, streets, parks, courts, sand and snow."""

import numpy as np

from tf_advpose.people.backdrop import Outdoors, Paint, Panel, Room, Row
from tf_advpose.people.render import Light
from tf_advpose.people.textures import linear
from tf_advpose.people.things import any_colour

_GRASS = linear(((0.25, 0.40, 0.15), (0.45, 0.50, 0.25)))
_LEAVES = linear(((0.12, 0.22, 0.08), (0.30, 0.38, 0.15)))
_SAND = linear(((0.80, 0.70, 0.50), (0.65, 0.55, 0.40)))
_SNOW = linear(((0.92, 0.93, 0.96), (0.80, 0.83, 0.90)))
_HILLS = linear(((0.45, 0.52, 0.55), (0.40, 0.47, 0.50)))
_BLUE_SKY = linear(((0.75, 0.82, 0.90), (0.30, 0.50, 0.80)))
_GREY_SKY = linear(((0.85, 0.85, 0.85), (0.70, 0.72, 0.75)))


def light(rng: np.random.Generator, indoors: bool) -> Light:
    """Sun, clouds or lamps."""
    height, azimuth = rng.uniform(0.6 if indoors else 0.25, 1.4), rng.uniform(0, 2 * np.pi)
    level = np.cos(height)
    share = rng.uniform(0.15, 0.85)
    warmth = 1 + rng.normal(0, 0.09) * np.array([1.0, 0.1, -1.0])
    brightness = np.exp(rng.normal(0.12, 0.28))
    return Light(
        direction=np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(height)]),
        colour=1.25 * brightness * share * warmth,
        ambient=1.05 * brightness * (1 - share) * (2 - warmth),
        size=rng.uniform(0.1, 0.4) if indoors else rng.choice([0.02, 0.3]),
    )


def room(rng: np.random.Generator, inside: np.ndarray) -> Room:
    """A room that holds the points `inside` [N, 3]."""
    seed = int(rng.integers(1000))
    extent = np.abs(inside[:, :2]).max(axis=0) + rng.uniform(900, 4000, 2)
    floor = str(rng.choice(["planks", "checks", "mottled", "bricks", "stripes"]))
    wall = str(rng.choice(["mottled", "bricks", "stripes", "plain", "dots"]))
    pale = linear(rng.uniform(0.55, 0.95) * np.array([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)]))
    return Room(
        extent=extent,
        height=max(rng.uniform(2500, 5000), inside[:, 2].max() + 400),
        floor=Paint(_pair(rng), floor, rng.uniform(250, 1200), seed),
        wall=Paint(np.stack([pale, pale * rng.uniform(0.6, 0.95)]), wall, rng.uniform(150, 800), seed + 1),
        panels=tuple(_panel(rng, extent) for _ in range(rng.integers(4, 16))),
    )


def _panel(rng: np.random.Generator, extent: np.ndarray) -> Panel:
    wall = int(rng.integers(4))
    half = extent[1 if wall < 2 else 0]
    left, bottom = rng.uniform(-half, half), rng.choice([0.0, rng.uniform(300, 1600)])
    glowing = bool(rng.random() < 0.2)
    colour = linear((0.9, 0.95, 1.0)) * rng.uniform(0.8, 1.6) if glowing else any_colour(rng)
    right, top = left + rng.uniform(250, 2200), bottom + rng.uniform(300, 2000)
    return Panel(wall, left, right, bottom, top, colour, glowing)


def outdoors(rng: np.random.Generator) -> Outdoors:
    """A park, street, court, beach or field of snow."""
    seed = int(rng.integers(1000))
    kind = str(rng.choice(["park", "street", "court", "sand", "snow"], p=[0.35, 0.3, 0.15, 0.12, 0.08]))
    rows = []
    if rng.random() < 0.7:
        rows.append(Row(2e5, 0.0, rng.uniform(5e3, 6e4), 4e3, Paint(_HILLS, "mottled", 2e4, seed)))
    distance = rng.uniform(1e4, 5e4)
    if kind in ("street", "court") and rng.random() < 0.8:
        rows.append(Row(distance, 4e3, 2.2e4, 0.0, Paint(_pair(rng), "blocks", 9000.0, seed), houses=True))
    elif rng.random() < 0.8:
        trees = Paint(_LEAVES * rng.uniform(0.7, 1.4), "mottled", 900.0, seed)
        rows.append(Row(distance, 1e3, rng.uniform(4e3, 1.2e4), 3e3, trees))
    return Outdoors(
        ground=_ground(rng, kind, seed),
        sky=_BLUE_SKY if rng.random() < 0.6 else _GREY_SKY,
        clouds=rng.uniform(0, 1),
        rows=tuple(rows),
        seed=seed,
    )


def _ground(rng: np.random.Generator, kind: str, seed: int) -> Paint:
    if kind == "park":
        return Paint(_GRASS * rng.uniform(0.6, 1.5), "mottled", 120.0, seed)
    if kind == "street":
        grey = rng.uniform(0.3, 0.6)
        paving = str(rng.choice(["mottled", "bricks", "checks"]))
        return Paint(linear(((grey,) * 3, (grey + 0.1,) * 3)), paving, rng.uniform(150, 900), seed)
    if kind == "court":
        lines = np.stack([any_colour(rng), linear((0.9, 0.9, 0.85))])
        return Paint(lines, str(rng.choice(["mottled", "planks"])), 1500.0, seed)
    return Paint(_SAND if kind == "sand" else _SNOW, "mottled", 400.0, seed)


def _pair(rng: np.random.Generator) -> np.ndarray:
    """Two colours [2, 3], mostly shades of one."""
    first = any_colour(rng)
    second = any_colour(rng) if rng.random() < 0.2 else first * rng.uniform(0.4, 0.85)
    return np.stack([first, second])
