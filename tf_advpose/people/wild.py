"""The wild, after MPII: anyone in any outfit, pose, place and light, cluttered, cut off and hidden at
times, seen by all sorts of cameras."""

import functools

import numpy as np

from tf_advpose.people import appearance, looks, photo, places, poses, things
from tf_advpose.people.body import Body, draw_body
from tf_advpose.people.person import Person
from tf_advpose.people.render import Camera, Tracer, render
from tf_advpose.people.things import Part
from tf_advpose.skeleton import ROOT

_BODIES = {"train": 400, "test": 100, "validation": 50}  # different people; any of them in any outfit
_SEED = {"train": 2014, "test": 2015, "validation": 2016}  # the bodies are the same in every run
_CHILD_SHARE = 0.12
_FILL, _SHIFT = (0.54, 0.72), 0.08  # see `photo.window`
_CUT_SHARE = 0.2  # of the people are cut off by the photo's edge,
_FEWEST_JOINTS = 6  # which leaves so many
_INDOOR_SHARE = 0.45
_COMPANY_SHARE = 0.25  # of the people have somebody near
_IN_FRONT_SHARE = 0.25  # of the people have something before them
_NEAREST, _FARTHEST = 1900.0, 12000.0  # mm, from the camera to the person


def render_pose(
    rng: np.random.Generator, split: str, number: int, size: int, train_depth: bool
) -> list[dict]:
    """The example of the split's pose `number`, alone in a list.

    `train_depth`: the 3D joints are there to train on; otherwise for evaluation only.
    """
    person = _somebody(rng, split, np.zeros(2))
    middle = person.joints[ROOT]
    whole = _camera(rng, middle)
    close = photo.cut_out(whole, photo.window(rng, person.box(whole), _FILL, _SHIFT), size)
    if rng.random() < _CUT_SHARE:
        cut = photo.cut_out(whole, photo.window_cutting(rng, person.box(whole), _FILL), size)
        if person.labels(cut, size)["joint_weight"].sum() >= _FEWEST_JOINTS:
            close = cut
    indoors = rng.random() < _INDOOR_SHARE
    parts = person.chair(things.any_colour(rng)) + _clutter(rng, whole, middle, indoors)
    surfaces = [person.surface, things.surface(parts)]
    if rng.random() < _COMPANY_SHARE:
        surfaces.append(_somebody(rng, split, _beside(rng, whole, middle)).surface)
    place = places.room(rng, np.stack([whole.centre, middle])) if indoors else places.outdoors(rng)
    picture = render(Tracer(surfaces), place, places.light(rng, indoors), close, size, rng)
    return [
        {
            "image": photo.develop(rng, picture, variety=1.0),
            **person.labels(close, size),
            "example_id": f"wild-{split}-{number:06d}",
            "subject": "",
            "action": person.action,
            "sequence": "",
            "train_depth": train_depth,
        }
    ]


@functools.cache
def _body(split: str, number: int) -> tuple[Body, bool]:
    return draw_body(np.random.default_rng([_SEED[split], number]), _CHILD_SHARE)


def _somebody(rng: np.random.Generator, split: str, place: np.ndarray) -> Person:
    """Anyone, doing anything at `place`."""
    body, male = _body(split, int(rng.integers(_BODIES[split])))
    look = looks.draw_look(rng, male)
    action, pose = poses.sample(rng, "wild", body)
    dressed = appearance.dress(body, look)
    return Person(body, look, dressed, action, pose, place, heading=rng.uniform(0, 2 * np.pi))


def _camera(rng: np.random.Generator, middle: np.ndarray) -> Camera:
    """A camera round a person at `middle` [3], with intrinsics for a focal length of one pixel: from the
    ground to high above, tilted, near with a short lens or far with a long one."""
    distance = np.exp(rng.uniform(np.log(_NEAREST), np.log(_FARTHEST)))
    style = rng.random()
    if style < 0.6:
        height = rng.uniform(1000, 2000)
    elif style < 0.8:
        height = rng.uniform(150, 1000)
    else:
        height = middle[2] + distance * np.sin(rng.uniform(0.1, 0.8))
    azimuth = rng.uniform(0, 2 * np.pi)
    level = np.sqrt(max(distance**2 - (height - middle[2]) ** 2, (0.4 * distance) ** 2))
    centre = np.array([middle[0] + level * np.cos(azimuth), middle[1] + level * np.sin(azimuth), height])
    # The person is seldom in the middle of the photo.
    target = middle + rng.normal(0, 0.12 * distance, 3) * [1, 1, 0.5]
    intrinsics = np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0, 0])
    return photo.camera_at(centre, target, intrinsics, roll=rng.normal(0, np.radians(4)))


def _clutter(rng: np.random.Generator, camera: Camera, middle: np.ndarray, indoors: bool) -> list[Part]:
    """Things behind and beside the person at `middle`, and sometimes one in front."""
    distance, ahead, aside = _line_of_sight(camera, middle)
    kinds = things.INDOORS if indoors else things.OUTDOORS
    parts = []
    for _ in range(rng.integers(1, 8)):
        far = rng.uniform(0.9 * distance, distance + 6000)
        sideways = rng.normal(0, 0.3 * far)
        if far < distance + 1500:  # clear of the person
            sideways += np.copysign(1300, sideways)
        place = camera.centre[:2] + far * ahead + sideways * aside
        thing = kinds[rng.integers(len(kinds))](rng)
        parts += things.moved(thing, np.append(place, 0.0), rng.uniform(0, 2 * np.pi))
    if rng.random() < _IN_FRONT_SHARE:
        near = rng.uniform(0.45, 0.85)
        thing = things.IN_FRONT[rng.integers(len(things.IN_FRONT))](rng)
        # Made to reach from the ground to somewhere near the line of sight, and no wider than a person.
        sight = camera.centre[2] + (middle[2] - camera.centre[2]) * near
        top = max(sight + rng.uniform(-700, 250) * near, 200.0)
        thing = things.fitted(thing, 450 * near, top)
        place = camera.centre[:2] + near * distance * ahead + rng.normal(0, 300) * near * aside
        parts += things.moved(thing, np.append(place, 0.0), rng.uniform(0, 2 * np.pi))
    return parts


def _beside(rng: np.random.Generator, camera: Camera, middle: np.ndarray) -> np.ndarray:
    """A place (x, y) for somebody else: in view, to the person's side or behind."""
    _, ahead, aside = _line_of_sight(camera, middle)
    sideways = rng.choice([-1, 1]) * rng.uniform(550, 1700)
    return middle[:2] + sideways * aside + rng.uniform(-100, 2500) * ahead


def _line_of_sight(camera: Camera, middle: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """On the ground from the camera to `middle`: the distance, its direction [2], and sideways [2]."""
    way = middle[:2] - camera.centre[:2]
    distance = np.linalg.norm(way)
    return distance, way / distance, np.array([-way[1], way[0]]) / distance
