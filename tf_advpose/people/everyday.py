"""Everyday photos: anyone in any outfit, pose, place and light, near or far, cut off and hidden at times.

Made to train networks for real photos: the same bodies as in the wild, but many more clothes, poses and
places, and pictures that come quickly. Each pose is seen three times, in other colours, places and light.
"""

from pathlib import Path

import cv2
import numpy as np

from tf_advpose import camera as cameras
from tf_advpose.people import anyone, belongings, materials, photo, scenery, shadows, sprites, wardrobe
from tf_advpose.people.person import Person
from tf_advpose.people.render import Camera, Light, Tracer, figure
from tf_advpose.skeleton import ROOT

VIEWS = 3
_NEAREST, _FARTHEST = 1700.0, 15000.0  # mm, from the camera to the person
_FACING_SHARE, _FACING_SPREAD = 0.3, 0.9  # so many turn to the camera, give or take so many radians
_FILL, _SHIFT = (0.55, 0.8), 0.07  # see `photo.window`
_CUT_SHARE, _CLOSE_SHARE = 0.2, 0.1  # of the people are cut off by the photo's edge, or seen from close by,
_FEWEST_JOINTS = 6  # which leaves so many
_PHOTO_SHARE = 0.7  # of the places are photos where there are any
_BEHIND, _IN_FRONT_SHARE = 5, 0.25  # up to so many things and people behind; something in front
_MOST_HIDDEN = 0.5  # of the person
_INTRINSICS = np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0, 0])  # of a focal length of one pixel


def render_pose(
    rng: np.random.Generator,
    split: str,
    number: int,
    size: int,
    train_depth: bool,
    photos: tuple[Path, ...] = (),
) -> list[dict]:
    """The examples of the split's pose `number`.

    Args:
      train_depth: the 3D joints are there to train on; otherwise for evaluation only.
      photos: what most people stand before. Empty: all places are drawn.
    """
    person, subject = anyone.draw_person(rng, split, np.zeros(2), heading=0.0)
    tracer = Tracer([person.surface] + belongings.draw(rng, person))
    domain = "everyday" if train_depth else "everyday_2d"
    examples = []
    for view in range(VIEWS):
        close, labels = _crop(rng, person, _camera(rng, person.joints[ROOT]), size)
        tracer.surfaces[0] = person.recoloured(wardrobe.recoloured(rng, person.look))
        picture = _photograph(rng, split, person, tracer, close, size, photos)
        examples.append(
            {"image": photo.snapshot(rng, picture), **labels}
            | {
                "example_id": f"{domain}-{split}-{number * VIEWS + view:07d}",
                "subject": subject,
                "action": person.action,
                "sequence": "",
                "train_depth": train_depth,
            }
        )
    return examples


def _camera(rng: np.random.Generator, middle: np.ndarray) -> Camera:
    """A camera round a person at `middle` [3] who faces -y; intrinsics of a focal length of one pixel.

    It stands in front more often than not, since that is how people have themselves photographed, but not
    much more often, since people seen from behind are harder to tell left from right; from knee height to
    the ceiling, tilted, near with a short lens or far with a long one."""
    distance = np.exp(rng.uniform(np.log(_NEAREST), np.log(_FARTHEST)))
    style = rng.random()
    if style < 0.55:
        height = rng.uniform(1000, 1900)
    elif style < 0.72:
        height = rng.uniform(150, 1000)
    else:
        height = middle[2] + distance * np.sin(rng.uniform(0.1, 0.7 if style < 0.92 else 1.2))
    facing = rng.random() < _FACING_SHARE
    azimuth = -np.pi / 2 + (rng.normal(0, _FACING_SPREAD) if facing else rng.uniform(0, 2 * np.pi))
    level = np.sqrt(max(distance**2 - (height - middle[2]) ** 2, (0.3 * distance) ** 2))
    centre = np.array([middle[0] + level * np.cos(azimuth), middle[1] + level * np.sin(azimuth), height])
    target = middle + rng.normal(0, 0.08 * distance, 3) * [1, 1, 0.5]
    roll = rng.normal(0, np.radians(4 if rng.random() < 0.85 else 15))
    return photo.camera_at(centre, target, _INTRINSICS, roll)


def _crop(rng: np.random.Generator, person: Person, camera: Camera, size: int) -> tuple[Camera, dict]:
    """The part of a camera's photo that becomes the picture, and the labels in it."""
    whole = person.box(camera)
    square = photo.window(rng, whole, _FILL, _SHIFT)
    style = rng.random()
    if style < _CUT_SHARE + _CLOSE_SHARE:
        keep = (0.4, 0.9) if style < _CUT_SHARE else (0.25, 0.45)
        cut = photo.window_cutting(rng, whole, _FILL, keep)
        x, y = (cameras.project(camera.to_camera(person.joints), camera.intrinsics) - cut[:2]).T / cut[2]
        if ((x > 0) & (x < 1) & (y > 0) & (y < 1)).sum() >= _FEWEST_JOINTS:
            square = cut
    close = photo.cut_out(camera, square, size)
    labels = person.labels(close, size)
    # Boxes are drawn by people, by detectors, and around all of the body even where the photo cuts it.
    box = labels["box"]
    if rng.random() < 0.25:
        box = np.concatenate([whole[:2] - square[:2], whole[2:]]) * size / square[2]
    centre = box[:2] + box[2:] / 2 + rng.normal(0, 0.04, 2) * box[2:].max()
    sides = box[2:] * np.exp(rng.normal(0, 0.07, 2)) * rng.uniform(0.9, 1.15)
    return close, labels | {"box": np.concatenate([centre - sides / 2, sides])}


def _photograph(
    rng: np.random.Generator,
    split: str,
    person: Person,
    tracer: Tracer,
    camera: Camera,
    size: int,
    photos: tuple[Path, ...],
) -> np.ndarray:
    """The picture [size, size, 3], screen colours in [0, 255], before the camera spoils it."""
    middle = person.joints[ROOT]
    indoors = bool(rng.random() < 0.5)
    light = sprites.draw_light(rng, indoors)
    before_photo = bool(photos) and rng.random() < _PHOTO_SHARE
    place = None if before_photo else scenery.draw_place(rng, split, camera, middle)
    if place is None:
        picture = scenery.draw_flat(rng, split, size, photos if before_photo else ())
        ground = np.ones((size, size), bool)
    else:
        picture, ground = place.look(camera, size)
        picture *= np.float32(np.exp(rng.normal(0, 0.15)))
    if place is not None or rng.random() < 0.5:
        shade = shadows.on_ground(person.limbs(), light, camera, size)
        picture *= np.where(ground[..., None], shade, 1)
    others = rng.integers(_BEHIND + 1) if not before_photo else rng.integers(2)
    _add_others(rng, split, camera, middle, picture, int(others), indoors)
    if rng.random() < 0.3:  # the background is out of focus
        sigma = np.exp(rng.uniform(np.log(0.4), np.log(2.5))) * size / 128
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    layer, region = _figure(rng, tracer, light, camera, size)
    left, top, width, height = region
    part = picture[top : top + height, left : left + width]
    sprites.cover(part, layer)
    if rng.random() < _IN_FRONT_SHARE:
        _hide_partly(rng, split, picture, layer[..., 3] / 255, region, indoors)
    return picture


def _figure(
    rng: np.random.Generator, tracer: Tracer, light: Light, camera: Camera, size: int
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """What `tracer` holds, as a layer of screen colours, and which part of the picture that is."""
    vertices = np.concatenate([surface.vertices for surface in tracer.surfaces])
    seen = camera.to_camera(vertices)
    pixels = seen[:, :2] / np.maximum(seen[:, 2:], 1) * camera.intrinsics[:2] + camera.intrinsics[2:4]
    low = np.clip(np.floor(pixels.min(axis=0)), 0, size - 1).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)), low + 1, size).astype(int)
    region = (*low, *(high - low))
    return sprites.to_screen(figure(tracer, light, camera, region, rng)), region


def _add_others(
    rng: np.random.Generator,
    split: str,
    camera: Camera,
    middle: np.ndarray,
    picture: np.ndarray,
    count: int,
    indoors: bool,
) -> None:
    """Puts people and things beside and behind the person at `middle` into the picture, far ones first."""
    way = middle[:2] - camera.centre[:2]
    distance = max(float(np.linalg.norm(way)), 1.0)
    ahead, aside = way / distance, np.array([-way[1], way[0]]) / distance
    reach = len(picture) / camera.intrinsics[0]  # the picture's width over its distance
    for far in sorted(rng.uniform(1.02, 2.5, count), reverse=True):
        kind = "person" if rng.random() < 0.4 else "indoors" if indoors else "outdoors"
        sideways = rng.normal(0, 0.45 * reach * far * distance)
        place = np.append(camera.centre[:2] + far * distance * ahead + sideways * aside, 0.0)
        cut = sprites.draw(rng, kind, split)
        foot, pixels_per_mm, depth = sprites.lens_of(camera, place)
        if depth > 500:
            scale, mirror = cut.mm_per_pixel * pixels_per_mm, bool(rng.random() < 0.5)
            sprites.cover(picture, sprites.layer(len(picture), cut, foot, scale, mirror))


def _hide_partly(
    rng: np.random.Generator,
    split: str,
    picture: np.ndarray,
    cover: np.ndarray,
    region: tuple[int, int, int, int],
    indoors: bool,
) -> None:
    """Puts something into the picture in front of the person, whose `cover` [H, W] is in its part `region`;
    nothing where that would hide most of the person."""
    size = len(picture)
    left, top, width, height = region
    at = np.array([left, top]) + rng.uniform(0, 1, 2) * (width, height)
    if rng.random() < 0.6:
        kind = "person" if rng.random() < 0.3 else "indoors" if indoors else "outdoors"
        cut = sprites.draw(rng, kind, split)
        scale = max(width, height) * rng.uniform(0.3, 1.3) / len(cut.levels[0])
        foot = at + (0, rng.uniform(0.3, 1.0) * scale * len(cut.levels[0]))
        layer = sprites.layer(size, cut, foot, scale, bool(rng.random() < 0.5))
    else:
        mask = np.zeros((size, size, 3), np.uint8)
        half = rng.uniform(0.03, 0.4, 2) * max(width, height)
        materials.shape(rng, mask, at, half, np.full(3, 255.0))
        cloth = scenery.draw_flat(rng, split, size)
        share = (mask[..., :1] > 0).astype(np.float32)
        layer = np.concatenate([cloth * share, 255 * share], axis=2)
    hidden = layer[top : top + height, left : left + width, 3] / 255
    if (hidden * cover).sum() > _MOST_HIDDEN * cover.sum():
        return
    sprites.cover(picture, layer)
