"""Dresses and paints synthetic people.

Clothes are regions of the body's own mesh, pushed outwards and painted; skirts and long hair are
meshes of their own (`sheets`). Everything is painted by where a point lies on the resting body, so it
sticks to the body and its edges are sharp at any size.
"""

import functools
from dataclasses import dataclass

import numpy as np

from tf_advpose.people import sheets
from tf_advpose.people.body import RIG_INDEX, SIDES, Body, load_template, vertex_normals
from tf_advpose.people.looks import NOWHERE, Garment, Hat, Look
from tf_advpose.people.textures import folds, noise, pattern

# Columns of the fields that are interpolated over the mesh; see `Garment` for ARM, LEG and HEIGHT.
# X, Y, Z are where the point lies on the template at rest, mm; PART says which mesh it is on; CLOTH is 1
# where it is covered.
ARM, LEG, HEIGHT, HEAD, EYES, PART, X, Y, Z, CLOTH = range(10)
_BODY, _SKIRT, _HAIR, _COAT, _BRIM = 0.0, 1.0, 2.0, -1.0, -2.0
_ON_ARM = -0.15  # ARM above this is on an arm

# The hair's edge from forehead to nape: mm behind the head's middle, and how far above it hair begins.
_HAIR_EDGE = np.array([(-90, 62), (-50, 48), (-25, 5), (5, -8), (30, -20), (60, -75), (95, -85)]).T
_LONG_HAIR_EDGE = np.array([(-90, 62), (-50, 45), (-30, -20), (0, -110), (95, -130)]).T
# The same of hats, and how far they stand off.
_HAT_EDGES = {
    "cap": (np.array([(-90, 48), (0, 34), (95, 10)]).T, 12.0),
    "beanie": (np.array([(-90, 45), (0, 5), (95, -30)]).T, 14.0),
    "brim": (np.array([(-90, 48), (0, 40), (95, 30)]).T, 22.0),
    "helmet": (np.array([(-90, 40), (-30, 10), (0, -30), (95, -40)]).T, 30.0),
    "scarf": (np.array([(-90, 52), (-45, 40), (-35, -150), (95, -200)]).T, 14.0),
}
_BRIMS = {"cap": (np.radians(62), 70.0), "brim": (np.pi, 75.0)}  # to both sides of the front; mm wide
_EMBLEM = (105.0, 0.42, 0.86)  # half its width in mm, its lower and upper end as `Garment.low`
_SOLE = 24.0  # mm


@dataclass(frozen=True)
class Dressed:
    """A dressed person at rest: a mesh on the rig, [V, 3] mm, [F, 3], [V, J], and its fields [V, 10]."""

    vertices: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray
    fields: np.ndarray


@functools.cache
def _body_fields() -> np.ndarray:
    """The fields [V, 10] of the body's own mesh, bare."""
    template = load_template()
    rest, weights, joints = template.rest, template.weights, template.rest_joints
    fields = np.zeros((len(rest), 10), np.float32)
    fields[:, [ARM, LEG]] = NOWHERE
    for column, parts in ((ARM, ("upper_arm", "forearm", "hand")), (LEG, ("thigh", "shin", "foot"))):
        for side in SIDES:
            index = [RIG_INDEX[f"{side}_{part}"] for part in parts]
            first, second, third = joints[index]
            end = third - second if column == ARM else np.array([0, 0, -80.0])
            along = np.zeros(len(rest))
            for start, bone, lowest in (
                (first, second - first, NOWHERE),
                (second, third - second, 0),
                (third, end, 0),
            ):
                along += np.clip((rest - start) @ bone / (bone @ bone), lowest, 1)
            fields[:, column] += weights[:, index].sum(axis=1) * (along - NOWHERE)
    hip, shoulder = joints[RIG_INDEX["left_thigh"], 2], joints[RIG_INDEX["left_upper_arm"], 2]
    fields[:, HEIGHT] = (rest[:, 2] - hip) / (shoulder - hip)
    fields[:, HEAD] = weights[:, RIG_INDEX["head"]]
    fields[:, EYES] = template.eyes
    fields[:, PART] = _BODY
    fields[:, X : Z + 1] = rest
    return fields


@functools.cache
def _face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On the template at rest: the middle of the head, of the left eye and of the mouth, [3] each."""
    template = load_template()
    middle = (template.rest_joints[RIG_INDEX["neck2"]] + template.rest[template.rest[:, 2].argmax()]) / 2
    left_eye = (template.eyes > 0.5) & (template.rest[:, 0] > 0)
    mouth = np.average(template.rest, axis=0, weights=template.lips * (np.abs(template.rest[:, 0]) < 15))
    return middle, template.rest[left_eye].mean(axis=0), mouth


def dress(body: Body, look: Look) -> Dressed:
    """Pushes clothes and hair off the skin and adds skirt, coat, long hair and the hat's brim."""
    template, fields = load_template(), _body_fields().copy()
    crumpled = 0.5 + noise(fields[:, X] / 4000, fields[:, Z] / 4000, look.seed)
    loose = look.bottom.loose + look.bottom.flare * np.clip(fields[:, LEG] - 1, 0, 1)
    push = np.where(_wears(look.bottom, fields), loose * crumpled, 0.0)
    for garment in (look.top, look.jacket):
        if garment is not None:
            push = np.where(_wears(garment, fields), np.maximum(push + 2, garment.loose * crumpled), push)
    fields[:, CLOTH] = push > 0
    push = np.maximum(push, np.clip(0.4 * _above_hair_edge(look, fields), 0, look.hair_volume))
    if look.hat is not None:
        above = _above_hat_edge(look.hat, fields)
        push = np.maximum(push, np.clip(1.5 * above, 0, _HAT_EDGES[look.hat.kind][1]))
    push = np.where(fields[:, LEG] > look.shoe_height, np.maximum(push, 6.0), push)
    vertices = body.vertices + push[:, None] * _rest_normals(body)
    parts = [(vertices, template.triangles, template.weights, fields)]
    if look.skirt:
        parts.append(_sheet(sheets.skirt(body, look.skirt, look.bottom.high, look.bottom.loose), _SKIRT))
    if look.coat:
        parts.append(_sheet(sheets.skirt(body, look.coat, 0.3, look.jacket.loose + 10), _COAT))
    if look.hair_length:
        parts.append(_sheet(sheets.long_hair(body, look.hair_length, look.hair_volume), _HAIR))
    if look.hat is not None and look.hat.kind in _BRIMS:
        parts.append(_sheet(sheets.brim(body, *_BRIMS[look.hat.kind], look.hat.heading), _BRIM))
    vertices, triangles, weights, fields = zip(*parts, strict=True)
    starts = np.cumsum([0] + [len(part) for part in vertices[:-1]])
    return Dressed(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate([part + start for part, start in zip(triangles, starts, strict=True)]).astype(
            np.int32
        ),
        np.concatenate(weights).astype(np.float32),
        np.concatenate(fields),
    )


@functools.lru_cache(maxsize=1024)
def _rest_normals(body: Body) -> np.ndarray:
    return vertex_normals(body.vertices, load_template().triangles)


def _sheet(sheet: tuple[np.ndarray, np.ndarray, np.ndarray], part: float) -> tuple:
    vertices, triangles, weights = sheet
    fields = np.zeros((len(vertices), 10), np.float32)
    fields[:, [ARM, LEG]] = NOWHERE
    fields[:, PART] = part
    fields[:, X : Z + 1] = vertices
    fields[:, CLOTH] = part in (_SKIRT, _COAT)
    return vertices, triangles, weights, fields


def paint(look: Look, fields: np.ndarray) -> np.ndarray:
    """The colour [N, 3] of points of the dressed mesh with interpolated `fields` [N, 10]."""
    colour = _paint_head(look, fields)
    if look.legwear is not None:
        colour[fields[:, LEG] > look.legwear_from] = look.legwear
    for number, garment in enumerate((look.bottom, look.top, look.jacket)):
        if garment is None:
            continue
        worn = _wears(garment, fields)
        if garment is look.jacket:  # open at the front
            worn &= (np.abs(fields[:, X]) > 45) | (fields[:, Y] > 0) | (fields[:, ARM] > _ON_ARM)
        if garment is look.bottom:
            worn |= np.abs(fields[:, PART] - _SKIRT) < 0.5
        if garment is look.jacket and look.coat:
            worn |= np.abs(fields[:, PART] - _COAT) < 0.5
        colour[worn] = _cloth(garment, fields[worn], look.seed + number)
        if garment is look.top and look.emblem is not None:
            _print_emblem(look.emblem, fields, worn, colour)
    colour[fields[:, LEG] > look.shoe_height] = look.shoe
    if look.sole is not None:
        soles = (fields[:, LEG] > look.shoe_height) & (
            fields[:, Z] < load_template().rest[:, 2].min() + _SOLE
        )
        colour[soles] = look.sole
    if look.gloves is not None:
        colour[fields[:, ARM] > 2.0] = look.gloves
    return colour


def relief(look: Look, fields: np.ndarray) -> np.ndarray:
    """What the folds of the cloth add to the normals [N, 3] of points with `fields` [N, 10]."""
    around, height = fields[:, X] + 0.7 * fields[:, Y], fields[:, Z]
    slopes = folds(around / 900, height / 1300, look.seed) * (look.folds * fields[:, CLOTH, None])
    c, s = np.cos(look.seed), np.sin(look.seed)
    return np.stack([c * slopes[:, 0], s * slopes[:, 0], slopes[:, 1]], axis=1)


def _print_emblem(emblem: np.ndarray, fields: np.ndarray, worn: np.ndarray, colour: np.ndarray) -> None:
    """Prints it on the chest and the back."""
    half, low, high = _EMBLEM
    across, up = fields[:, X] / half, (fields[:, HEIGHT] - low) / (high - low)
    there = worn & (np.abs(across) < 1) & (up > 0) & (up < 1) & (fields[:, ARM] < _ON_ARM)
    row = ((1 - up[there]) * emblem.shape[0]).astype(int)
    column = ((across[there] + 1) / 2 * emblem.shape[1]).astype(int)
    # A point just inside the print's edge may come out on it by rounding.
    colour[there] = emblem[np.minimum(row, len(emblem) - 1), np.minimum(column, emblem.shape[1] - 1)]


def _paint_head(look: Look, fields: np.ndarray) -> np.ndarray:
    """Skin, face and hair, [N, 3]."""
    middle, eye, mouth = _face()
    x, y, z = fields[:, X], fields[:, Y], fields[:, Z]
    colour = look.skin * (0.92 + 0.16 * noise(x / 300, z / 300, look.seed))[:, None]
    head = np.nonzero((fields[:, HEAD] > 0.5) | (fields[:, PART] > 1.5) | (fields[:, PART] < _COAT - 0.5))[
        0
    ]
    x, y, z = np.abs(x[head]), y[head], z[head]
    face = colour[head]
    front = y < middle[1] - 20
    if look.beard:
        bearded = (z < mouth[2] + 14 + 0.6 * np.maximum(y - mouth[1] - 30, 0)) & (y < middle[1] + 15)
        face[bearded] = face[bearded] * (1 - look.beard) + look.hair * look.beard
    lips = front & (((x / 26) ** 2 + ((z - mouth[2]) / 8) ** 2) < 1)
    face[lips] *= (0.8, 0.5, 0.5)
    if look.sockets:
        round_eyes = front & (np.hypot((x - eye[0]) / 21, (z - eye[2] - 5) / 14) < 1)
        face[round_eyes] *= 1 - look.sockets
    brows = front & (np.abs(x - eye[0]) < 20) & (np.abs(z - eye[2] - 23) < 4)
    face[brows] = 0.5 * face[brows] + 0.5 * look.hair
    white = fields[head, EYES] > 0.5
    face[white] = np.where((np.hypot(x - eye[0], z - eye[2]) < 7)[white, None], 0.03, 0.5)
    shade = 0.75 + 0.5 * noise(fields[head, X] / 60, (y + z) / 300, look.seed + 1)
    hairy = _above_hair_edge(look, fields[head]) > 0
    face[hairy] = look.hair * shade[hairy, None]
    if look.glasses:
        rims = front & (np.abs(x - eye[0]) < 19) & (np.abs(z - eye[2]) < 13)
        face[rims] *= 1 - look.glasses
    if look.hat is not None:
        hat = (_above_hat_edge(look.hat, fields[head]) > 0) | (fields[head, PART] < _COAT - 0.5)
        face[hat] = look.hat.colour * (0.6 + 0.4 * shade[hat, None])
    colour[head] = face
    return colour


def _wears(garment: Garment, fields: np.ndarray) -> np.ndarray:
    """True [N] where a garment covers the body."""
    arm, height = fields[:, ARM], fields[:, HEIGHT]
    neck_y = load_template().rest_joints[RIG_INDEX["neck1"], 1] + 20
    off_neck = np.hypot(fields[:, X], fields[:, Y] - neck_y) > garment.neck
    trunk = (
        (height > garment.low) & ((height < garment.high) | off_neck) & (fields[:, LEG] <= NOWHERE + 0.05)
    )
    legs = (fields[:, LEG] < garment.hem) & (height < garment.high)
    long_top = (height > garment.low) & (height < garment.high)
    off_arm = (arm < _ON_ARM) & (fields[:, HEAD] < 0.3) & (np.abs(fields[:, PART]) < 0.5)
    return off_arm & (trunk | legs | long_top) | (arm >= _ON_ARM) & (arm < garment.sleeve)


def _above_hair_edge(look: Look, fields: np.ndarray) -> np.ndarray:
    """How far [N] a point lies inside the hair, mm; negative where no hair grows."""
    if not look.hair_volume:
        return np.full(len(fields), -1.0)
    x, y, z = (fields[:, X : Z + 1] - _face()[0]).T
    edge = np.interp(y, *(_LONG_HAIR_EDGE if look.hair_length else _HAIR_EDGE))
    ears = (np.abs(x) > 68) & (z < 15) & (look.hair_length == 0)
    inside = np.where((fields[:, HEAD] > 0.5) & ~ears, z - edge, -1.0)
    return np.where(fields[:, PART] > 1.5, 1.0, inside)


def _above_hat_edge(hat: Hat, fields: np.ndarray) -> np.ndarray:
    """How far [N] a point lies under a hat, mm; negative outside."""
    _, y, z = (fields[:, X : Z + 1] - _face()[0]).T
    edge = np.interp(y * np.cos(hat.heading), *_HAT_EDGES[hat.kind][0])
    return np.where(fields[:, HEAD] > 0.3, z - edge, -1.0)


def _cloth(garment: Garment, fields: np.ndarray, seed: int) -> np.ndarray:
    around, z = np.arctan2(fields[:, X], -fields[:, Y]) * 150, fields[:, Z]
    across, along = (z, around) if garment.turned else (around, z)
    share = pattern(garment.kind, across / garment.scale, along / garment.scale, seed)[:, None]
    colour = garment.colours[0] * (1 - share) + garment.colours[1] * share
    return colour * (0.85 + 0.3 * noise(around / 400, z / 400, seed))[:, None]
