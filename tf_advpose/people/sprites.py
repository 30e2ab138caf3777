"""Cut-outs of other people and of things, rendered once and put into many photos.

A cut-out is an image of screen colours in [0, 255] multiplied by its cover, and that: [H, W, 4] uint8.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from tf_advpose import camera as cameras
from tf_advpose.people import anyone, belongings, materials, photo, places, things
from tf_advpose.people.render import Camera, Light, Tracer, figure

COUNTS = {"person": 500, "indoors": 200, "outdoors": 200}
_SEED = {"train": 31, "test": 32, "validation": 33}
_TALLEST = 176  # pixels
_DISTANCE = 6000.0  # mm, from where they are seen
_INTRINSICS = np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0, 0])


@dataclass(frozen=True)
class Sprite:
    """A cut-out and smaller copies of it, the point (x, y) of the first at which it touches the ground, and
    how many mm a pixel of the first is wide."""

    levels: tuple[np.ndarray, ...]
    foot: np.ndarray
    mm_per_pixel: float


@functools.cache
def sprite(kind: str, split: str, number: int) -> Sprite:
    """One of the `COUNTS[kind]` cut-outs of a kind; the splits have different ones."""
    rng = np.random.default_rng([_SEED[split], list(COUNTS).index(kind), number])
    if kind == "person":
        person, _ = anyone.draw_person(rng, split, np.zeros(2), rng.uniform(0, 2 * np.pi))
        surfaces = [person.surface] + belongings.draw(rng, person)
    else:
        makers = things.INDOORS if kind == "indoors" else things.OUTDOORS
        thing = makers[rng.integers(len(makers))](rng)
        surfaces = [things.surface(things.moved(thing, np.zeros(3), rng.uniform(0, 2 * np.pi)))]
    level = rng.uniform(0, 0.35)
    centre = np.array([0, -_DISTANCE * np.cos(level), 900 + _DISTANCE * np.sin(level)])
    whole = photo.camera_at(centre, np.array([0, 0, 800.0]), _INTRINSICS)
    pixels = (part := whole.to_camera(np.concatenate([surface.vertices for surface in surfaces])))[:, :2]
    box = cameras.tight_box(pixels / part[:, 2:])
    side = max(box[2:])
    close = photo.cut_out(whole, np.array([*box[:2], side]), _TALLEST)
    width, height = np.ceil(box[2:] / side * _TALLEST).astype(int)
    light = draw_light(rng, indoors=rng.random() < 0.5)
    image = to_screen(figure(Tracer(surfaces), light, close, (0, 0, width, height), rng))
    ground = close.to_camera(np.zeros(3))
    foot = close.intrinsics[:2] * ground[:2] / ground[2] + close.intrinsics[2:4]
    levels = materials.pyramid(np.clip(image + 0.5, 0, 255).astype(np.uint8))
    return Sprite(levels, foot, ground[2] / close.intrinsics[0])


def draw(rng: np.random.Generator, kind: str, split: str) -> Sprite:
    """Any cut-out of a kind."""
    return sprite(kind, split, int(rng.integers(COUNTS[kind])))


def layer(size: int, cut: Sprite, foot: np.ndarray, scale: float, mirror: bool) -> np.ndarray:
    """A cut-out in a picture of `size` pixels, `scale` times as large, its foot at `foot` (x, y), for
    `cover`."""
    level = int(np.clip(np.floor(-np.log2(max(scale, 1e-3))), 0, len(cut.levels) - 1))
    scale *= 2**level
    turned = -scale if mirror else scale
    at = cut.foot / 2**level
    warp = np.array([[turned, 0, foot[0] - turned * at[0]], [0, scale, foot[1] - scale * at[1]]])
    return cv2.warpAffine(cut.levels[level], warp, (size, size), flags=cv2.INTER_LINEAR)


def cover(picture: np.ndarray, layer: np.ndarray) -> None:
    """Lays a `layer` [H, W, 4] of multiplied screen colours, in [0, 255], over `picture` [H, W, 3]."""
    picture *= 1 - layer[..., 3:] * np.float32(1 / 255)
    picture += layer[..., :3]


def to_screen(figure_: np.ndarray) -> np.ndarray:
    """What `render.figure` gives as multiplied screen colours in [0, 255], [H, W, 4] float32."""
    result = np.zeros_like(figure_)
    solid = figure_[..., 3] > 0
    cover_ = figure_[solid, 3:]
    shown = np.minimum(figure_[solid, :3] / cover_, 1) ** np.float32(1 / 2.2)
    result[solid] = 255 * np.concatenate([shown * cover_, cover_], axis=1)
    return result


def draw_light(rng: np.random.Generator, indoors: bool) -> Light:
    """Light from above, and a weaker one from anywhere."""
    light = places.light(rng, indoors)
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.9)
    level = np.sqrt(1 - height**2)
    towards = np.array([np.cos(azimuth) * level, np.sin(azimuth) * level, height])
    fill = rng.uniform(0, 0.7) * light.ambient.mean() * np.exp(rng.normal(0, 0.1, 3))
    return Light(light.direction, 1.2 * light.colour, light.ambient, light.size, (towards, fill))


def lens_of(camera: Camera, place: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Where a camera sees the `place` [3], pixels; how many pixels wide a mm is there; how far it is."""
    x, y, z = camera.to_camera(place)
    return camera.intrinsics[:2] * (x, y) / z + camera.intrinsics[2:4], camera.intrinsics[0] / z, z
