"""What a synthetic person looks like: skin, face, hair and clothes on the body's mesh.

Clothes are regions of the body's own mesh, pushed outwards and painted; skirts and long hair are
meshes of their own. Everything is painted by where a point lies on the resting body, so it sticks to
the body and its edges are sharp at any size.
"""

import functools
from dataclasses import dataclass

import numpy as np

from tf_advpose.people.body import DOWN, RIG_INDEX, SIDES, Body, load_template, vertex_normals
from tf_advpose.people.textures import linear, noise, pattern

# Columns of the fields that are interpolated over the mesh.
ARM, LEG, HEIGHT, HEAD, EYES, LIPS, PART, X, Y, Z = range(10)
# Parts of the mesh.
SKIN_PART, SKIRT_PART, HAIR_PART = 0.0, 1.0, 2.0

_SKIN_TONES = linear(
    [(0.98, 0.84, 0.75), (0.93, 0.75, 0.63), (0.85, 0.65, 0.50), (0.72, 0.51, 0.37), (0.52, 0.34, 0.24), (0.33, 0.21, 0.15)]
)
_HAIR_COLOURS = linear(
    [(0.07, 0.06, 0.05), (0.14, 0.10, 0.08), (0.30, 0.20, 0.13), (0.48, 0.33, 0.2), (0.75, 0.6, 0.38), (0.45, 0.2, 0.1), (0.7, 0.7, 0.7)]
)
_NEUTRALS = linear(
    [(0.08, 0.08, 0.09), (0.25, 0.25, 0.27), (0.55, 0.55, 0.55), (0.92, 0.92, 0.9), (0.16, 0.2, 0.33), (0.3, 0.38, 0.52), (0.6, 0.52, 0.4), (0.35, 0.27, 0.2)]
)


@dataclass(frozen=True)
class Garment:
    """One garment: two colours in a pattern, `loose` mm off the skin, and where it ends.

    Attributes:
      sleeve: along the arm: 0 shoulder, 1 elbow, 2 wrist; below 0 sleeveless.
      hem: along the leg: 0 hip, 1 knee, 2 ankle.
      low, high: heights on the trunk: 0 hips, 1 shoulders.
    """

    colours: np.ndarray
    kind: str
    scale: float
    angle: float
    loose: float
    sleeve: float = -0.1
    hem: float = 0.0
    low: float = 0.0
    high: float = 1.1


@dataclass(frozen=True)
class Look:
    """All of a person's appearance; drawn by `draw_look`, fixed for a subject of the lab."""

    skin: np.ndarray
    hair: np.ndarray
    hairline: float
    hair_volume: float
    hair_length: float
    beard: float
    top: Garment
    bottom: Garment
    skirt: float
    jacket: Garment | None
    shoe: np.ndarray
    shoe_height: float
    seed: int


@dataclass(frozen=True)
class Dressed:
    """A dressed person at rest: the mesh on the rig and the fields that `paint` takes."""

    vertices: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray
    fields: np.ndarray


def draw_look(rng: np.random.Generator, male: bool) -> Look:
    """Draws skin, hair and outfit."""
    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    low = int(tone)
    skin = _SKIN_TONES[low] + (tone - low) * (_SKIN_TONES[min(low + 1, len(_SKIN_TONES) - 1)] - _SKIN_TONES[low])
    dark_hair = rng.random() < 0.3 + 0.12 * tone
    hair = _HAIR_COLOURS[rng.integers(3 if dark_hair else len(_HAIR_COLOURS))] * rng.uniform(0.7, 1.3)
    bald = male and rng.random() < 0.12
    sleeve = rng.choice([-0.1, rng.uniform(0.3, 0.75), rng.uniform(1.75, 1.98)], p=[0.12, 0.43, 0.45])
    skirt = rng.uniform(0.35, 1.3) if not male and rng.random() < 0.3 else 0.0
    hem = rng.choice([rng.uniform(0.35, 0.95), rng.uniform(1.7, 2.0)], p=[0.3, 0.7])
    top = _garment(rng, loose=rng.uniform(3, 22), sleeve=sleeve, low=rng.uniform(-0.22, 0.25), high=rng.uniform(0.97, 1.14))
    jacket = None
    if rng.random() < 0.22:
        jacket = _garment(rng, loose=rng.uniform(14, 34), sleeve=rng.uniform(1.8, 2.0), low=rng.uniform(-0.35, 0.1))
    return Look(
        skin=skin,
        hair=hair,
        hairline=2.0 if bald else rng.uniform(-0.1, 0.15),
        hair_volume=0.0 if bald else rng.uniform(4, 18) if male else rng.uniform(8, 30),
        hair_length=0.0 if male and rng.random() < 0.9 else rng.choice([0.0, rng.uniform(80, 420)], p=[0.35, 0.65]),
        beard=rng.uniform(0.4, 0.9) if male and rng.random() < 0.3 else 0.0,
        top=top,
        bottom=_garment(rng, loose=rng.uniform(2, 26), hem=min(hem, 0.3) if skirt else hem, high=rng.uniform(0.2, 0.42)),
        skirt=skirt,
        jacket=jacket,
        shoe=_colour(rng, 0.65),
        shoe_height=rng.choice([1.95, rng.uniform(1.3, 1.85)], p=[0.8, 0.2]),
        seed=int(rng.integers(1 << 16)),
    )


def _colour(rng: np.random.Generator, neutral: float = 0.45) -> np.ndarray:
    if rng.random() < neutral:
        return np.clip(_NEUTRALS[rng.integers(len(_NEUTRALS))] * rng.uniform(0.75, 1.25), 0, 0.9)
    hue, saturation, value = rng.random(), rng.uniform(0.25, 0.95), rng.uniform(0.2, 0.95)
    wheel = np.clip(np.abs(np.mod(hue + np.array([0, 2 / 3, 1 / 3]), 1) * 6 - 3) - 1, 0, 1)
    return linear(value * (1 - saturation + saturation * wheel))


def _garment(rng: np.random.Generator, **where: float) -> Garment:
    kind = rng.choice(["plain", "stripes", "checks", "dots", "mottled", "blocks"], p=[0.6, 0.13, 0.1, 0.04, 0.1, 0.03])
    return Garment(
        colours=np.stack([_colour(rng), _colour(rng, 0.6)]),
        kind=str(kind),
        scale=rng.uniform(25, 110),
        angle=rng.choice([0.0, np.pi / 2]),
        **where,
    )


@functools.cache
def body_fields() -> np.ndarray:
    """The fields [V, 10] of the body's own mesh: see the column names."""
    template = load_template()
    rest, weights = template.rest, template.weights
    joints = template.rest_joints
    fields = np.zeros((len(rest), 10), np.float32)
    fields[:, [ARM, LEG]] = -0.3
    for side in SIDES:
        for column, parts in ((ARM, ("upper_arm", "forearm", "hand")), (LEG, ("thigh", "shin", "foot"))):
            index = [RIG_INDEX[f"{side}_{part}"] for part in parts]
            first, second, third = joints[index]
            if column == ARM:
                third_axis = third - second
            else:
                third_axis = np.array([0, 0, -1.0]) * 80
            along = np.zeros(len(rest))
            for number, (start, axis) in enumerate(((first, second - first), (second, third - second), (third, third_axis))):
                share = np.clip((rest - start) @ axis / (axis @ axis), -0.3 if number == 0 else 0.0, 1.0)
                along = share if number == 0 else along + np.maximum(share, 0)
            owned = weights[:, index].sum(axis=1)
            fields[:, column] += owned * (along + 0.3)
    hip, shoulder = joints[RIG_INDEX["left_thigh"]][2], joints[RIG_INDEX["left_upper_arm"]][2]
    fields[:, HEIGHT] = (rest[:, 2] - hip) / (shoulder - hip)
    fields[:, HEAD] = weights[:, RIG_INDEX["head"]]
    fields[:, EYES], fields[:, LIPS] = template.eyes, template.lips
    middle = (joints[RIG_INDEX["neck2"]] + template.rest[template.rest[:, 2].argmax()]) / 2
    fields[:, [X, Y, Z]] = rest
    on_head = weights[:, RIG_INDEX["head"]] > 0.5
    fields[on_head, X:] -= np.float32(middle)
    return fields


def dress(body: Body, look: Look) -> Dressed:
    """Pushes the clothes' vertices off the skin and adds skirt and hair."""
    template = load_template()
    fields = body_fields()
    normals = vertex_normals(body.vertices, template.triangles)
    push = np.zeros(len(fields), np.float32)
    for garment in (look.bottom, look.top, look.jacket):
        if garment is not None:
            worn = _wears_top(garment, fields) if garment is not look.bottom else _wears_bottom(garment, fields)
            folds = 0.6 + 0.8 * noise(fields[:, X] / 500 + look.seed, fields[:, Z] / 500, look.seed)
            push = np.where(worn, np.maximum(push, garment.loose * folds), push)
    scalp = _scalp(look, fields)
    push = np.where(scalp > 0, look.hair_volume * np.minimum(scalp * 4, 1), push)
    shoes = fields[:, LEG] > look.shoe_height
    push = np.where(shoes, np.maximum(push, 6.0), push)
    vertices = body.vertices + push[:, None] * normals
    return Dressed(vertices, template.triangles, template.weights, fields)


def paint(look: Look, fields: np.ndarray) -> np.ndarray:
    """The colour [N, 3] of points of the dressed mesh with interpolated `fields` [N, 10]."""
    x, y, z = fields[:, X], fields[:, Y], fields[:, Z]
    colour = look.skin * (0.92 + 0.16 * noise(x / 300, z / 300, look.seed))[:, None]
    on_head = fields[:, HEAD] > 0.5
    lips = np.clip(fields[:, LIPS] * 1.5 - 0.5, 0, 1)[:, None] * on_head[:, None]
    colour = colour * (1 - lips * [0.15, 0.45, 0.4])
    colour = np.where((fields[:, EYES] > 0.5)[:, None], [0.05, 0.04, 0.035], colour)
    if look.beard:
        bearded = on_head & (z < -25) & (y < 10) & (fields[:, LIPS] < 0.7)
        colour = np.where(bearded[:, None], colour * (1 - look.beard) + look.hair * look.beard, colour)
    shade = (0.75 + 0.5 * noise(x / 60, (y + z) / 300, look.seed + 1))[:, None]
    colour = np.where((_scalp(look, fields) > 0)[:, None], look.hair * shade, colour)
    colour = np.where(_wears_bottom(look.bottom, fields)[:, None], _cloth(look.bottom, fields, look.seed), colour)
    colour = np.where(_wears_top(look.top, fields)[:, None], _cloth(look.top, fields, look.seed + 1), colour)
    if look.jacket is not None:
        worn = _wears_top(look.jacket, fields) & ~((np.abs(x) < 45) & (y < 0) & (fields[:, ARM] < -0.2))
        colour = np.where(worn[:, None], _cloth(look.jacket, fields, look.seed + 2), colour)
    return np.where((fields[:, LEG] > look.shoe_height)[:, None], look.shoe, colour)


def _wears_top(garment: Garment, fields: np.ndarray) -> np.ndarray:
    arm, height = fields[:, ARM], fields[:, HEIGHT]
    trunk = (arm < -0.15) & (height > garment.low) & (height < garment.high) & (fields[:, HEAD] < 0.5)
    return trunk | ((arm >= -0.15) & (arm < garment.sleeve))


def _wears_bottom(garment: Garment, fields: np.ndarray) -> np.ndarray:
    return (fields[:, ARM] < -0.15) & (fields[:, HEIGHT] < garment.high) & (fields[:, LEG] < garment.hem)


def _scalp(look: Look, fields: np.ndarray) -> np.ndarray:
    """Positive where hair grows: above a plane that falls towards the back of the head."""
    y, z = fields[:, Y] / 100, fields[:, Z] / 100
    grows = z - 0.45 + 0.75 * np.clip(y + 0.15, -0.5, 1.2) - look.hairline
    return np.where((fields[:, HEAD] > 0.5) & (z > -0.75), grows, -1.0)


def _cloth(garment: Garment, fields: np.ndarray, seed: int) -> np.ndarray:
    around = np.arctan2(fields[:, X], -fields[:, Y]) * 150
    u, v = around / garment.scale, fields[:, Z] / garment.scale
    if garment.angle:
        u, v = v, u
    share = pattern(garment.kind, u, v, seed)[:, None]
    colour = garment.colours[0] * (1 - share) + garment.colours[1] * share
    return colour * (0.85 + 0.3 * noise(around / 400, fields[:, Z] / 400, seed))[:, None]
