"""The lab, after Human3.6M: seven subjects, one plain room, four fixed low cameras, everyday actions."""

import functools

import numpy as np

from tf_advpose.people import appearance, looks, photo, poses, things
from tf_advpose.people.appearance import Dressed
from tf_advpose.people.backdrop import Paint, Panel, Room
from tf_advpose.people.body import Body, draw_body
from tf_advpose.people.looks import Look
from tf_advpose.people.person import Person
from tf_advpose.people.render import Camera, Light, Tracer, render
from tf_advpose.people.textures import linear

SUBJECTS = {
    "train": ("S1", "S5", "S6", "S7", "S8"),
    "test": ("S9", "S11"),
    "validation": ("S2", "S3"),
}
_OUTFITS = 2  # of each subject
_SEED = 36  # subjects and outfits are the same in every run
_REACH = 1300.0  # mm from the room's middle where people are
_FILL, _SHIFT = (0.60, 0.68), 0.03  # see `photo.window`
_CHAIR = linear((0.30, 0.25, 0.20))
# Place in the room (mm), focal length and centre (pixels of a photo 1000 pixels wide).
_CAMERAS = (
    (2150.0, 4300.0, 1560.0, 1146.0, 511.0, 508.0),
    (-2050.0, 4350.0, 1620.0, 1149.0, 508.0, 504.0),
    (2080.0, -4280.0, 1490.0, 1146.0, 519.0, 502.0),
    (-2120.0, -4180.0, 1580.0, 1145.0, 514.0, 502.0),
)
VIEWS = len(_CAMERAS)
_ROOM = Room(
    extent=np.array([4200.0, 4800.0]),
    height=3200.0,
    floor=Paint(linear(((0.50, 0.38, 0.30), (0.45, 0.33, 0.26))), "mottled", 300.0, 3),
    wall=Paint(linear(((0.64, 0.64, 0.62), (0.60, 0.60, 0.59))), "mottled", 900.0, 5),
    panels=(
        Panel(0, -1200.0, -300.0, 0.0, 2100.0, linear((0.42, 0.36, 0.30))),
        Panel(1, 400.0, 2400.0, 700.0, 1500.0, linear((0.25, 0.27, 0.30))),
        Panel(2, -3500.0, -600.0, 0.0, 2500.0, linear((0.35, 0.36, 0.42))),
        Panel(3, -900.0, 1900.0, 900.0, 2300.0, linear((0.75, 0.75, 0.72))),
    ),
)
_LIGHT = Light(
    direction=np.array([0.24, -0.15, 0.96]),
    colour=np.array([0.85, 0.82, 0.77]),
    ambient=np.array([0.40, 0.40, 0.41]),
    size=0.15,
)


def camera(view: int) -> Camera:
    """One of the four cameras, with the intrinsics of its whole photo."""
    x, y, z, focal, cx, cy = _CAMERAS[view]
    intrinsics = np.array([focal, focal, cx, cy, 0, 0, 0, 0, 0])
    return photo.camera_at(np.array([x, y, z]), np.array([0.0, 0.0, 900.0]), intrinsics)


@functools.cache
def subject(name: str) -> tuple[Body, tuple[tuple[Look, Dressed], ...]]:
    """A subject's body and outfits."""
    number = [name for names in SUBJECTS.values() for name in names].index(name)
    rng = np.random.default_rng([_SEED, number])
    body, male = draw_body(rng, child_share=0.0)
    outfits = [looks.draw_look(rng, male) for _ in range(_OUTFITS)]
    return body, tuple((look, appearance.dress(body, look)) for look in outfits)


def render_pose(rng: np.random.Generator, split: str, number: int, size: int) -> list[dict]:
    """Examples of the split's pose `number`, as the four cameras see it."""
    name = SUBJECTS[split][number % len(SUBJECTS[split])]
    body, outfits = subject(name)
    look, dressed = outfits[rng.integers(len(outfits))]
    action, pose = poses.sample(rng, "lab", body)
    place, heading = rng.uniform(-_REACH, _REACH, 2), rng.uniform(0, 2 * np.pi)
    person = Person(body, look, dressed, action, pose, place, heading)
    chair = person.chair(_CHAIR)
    tracer = Tracer([person.surface] + ([things.surface(chair)] if chair else []))
    examples = []
    for view in range(VIEWS):
        whole = camera(view)
        square = photo.window(rng, person.box(whole), _FILL, _SHIFT)
        close = photo.cut_out(whole, square, size)
        picture = render(tracer, _ROOM, _LIGHT, close, size, rng)
        example = {"image": photo.develop(rng, picture, variety=0.3), **person.labels(close, size)}
        examples.append(
            example
            | {
                "example_id": f"lab-{split}-{number * VIEWS + view:06d}",
                "subject": name,
                "action": action,
                "sequence": f"{name}_{action}_{view}",
                "train_depth": True,
            }
        )
    return examples
