"""Examples of synthetic people, rendered in parallel processes: `generate`.

`lab` mirrors Human3.6M: few subjects with fixed bodies and outfits, one plain room, four fixed cameras,
everyday actions. `wild` mirrors MPII: anyone anywhere, cut off and hidden at times, wider poses.
"""

import functools
import itertools
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from tf_advpose.people import appearance, poses, scene
from tf_advpose.people.appearance import Dressed, Look
from tf_advpose.people.body import Body, load_template, make_body
from tf_advpose.people.person import Person
from tf_advpose.people.render import Camera, Tracer, render
from tf_advpose.skeleton import ROOT

DOMAINS = ("lab", "wild")
SPLITS = ("train", "test")
LAB_SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
_LAB_OUTFITS = 2
_WILD_BODIES = 400  # in each split; any of them in any outfit
_PEOPLE_SEED = 36  # bodies and the lab's outfits are the same whatever the seed
_LAB_REACH = 1300.0  # mm from the room's middle where its people are
# The person's longer side as a share of the picture, and how far off its middle the person is.
_LAB_FILL, _LAB_SHIFT = (0.60, 0.68), 0.03
_WILD_FILL, _WILD_SHIFT = (0.54, 0.72), 0.08
_CUT_SHARE = 0.2  # of the wild's people are cut off by the photo's edge
_INDOOR_SHARE = 0.45  # of the wild's people are in rooms
_READ_AHEAD = 16  # groups kept ready from each process


def generate(
    domain: str, split: str, count: int, *, size: int = 128, seed: int = 0, processes: int | None = None
) -> Iterator[dict]:
    """Renders examples of synthetic people; each is the keyword arguments of `schema.make_example`.

    The same arguments give the same bytes whatever `processes` is, and the first examples of a longer run
    are those of a shorter one. A terminal shows a progress bar.

    Args:
      domain: "lab" or "wild".
      split: "train" or "test".
      count: how many. In the lab, four in a row are one pose seen by the four cameras.
      size: the picture's side in pixels.
      seed: everything is drawn from it, but for the lab's subjects and room, which stay.
      processes: how many render at once. None: one a core.

    Raises:
      ValueError: an unknown domain or split, or a size, count or number of processes that cannot be.
      ModuleNotFoundError: an optional package is missing; says which pip commands to run.
      RuntimeError: a process that renders has died; it has said why on the terminal.
    """
    if domain not in DOMAINS or split not in SPLITS:
        raise ValueError(f"Expected a domain of {DOMAINS} and a split of {SPLITS}, got {domain!r}, {split!r}.")
    processes = os.cpu_count() if processes is None else processes
    if size < 16 or count < 0 or processes < 1:
        raise ValueError(
            "Expected a size of 16 pixels or more, a count of 0 or more and 1 process or more, "
            f"got {size}, {count}, {processes}."
        )
    # Once here, so that its cache is there and errors are told before any process starts.
    load_template()
    return _generate(domain, split, count, size, seed, processes)


def _generate(domain: str, split: str, count: int, size: int, seed: int, processes: int) -> Iterator[dict]:
    groups = -(-count // (scene.LAB_VIEWS if domain == "lab" else 1))
    processes = min(processes, groups)
    workers = [_Worker(domain, split, size, seed, first, groups, processes) for first in range(processes)]
    try:
        rendered = (example for group in range(groups) for example in workers[group % processes].next())
        yield from track(
            itertools.islice(rendered, count), f"Rendering {domain} {split}", total=count, transient=True
        )
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that renders every `step`-th group from `first` on, read ahead by a thread.

    Plain subprocesses, since those of `multiprocessing` would import the caller's script again, and
    TensorFlow with it.
    """

    def __init__(self, domain: str, split: str, size: int, seed: int, first: int, groups: int, step: int):
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        threads = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        task = (domain, split, str(size), str(seed), str(first), str(groups), str(step))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tf_advpose.people.dataset", *task],
            stdout=subprocess.PIPE,
            env=os.environ | threads | {"PYTHONPATH": path},
        )
        self._ready = queue.Queue(_READ_AHEAD)
        self._stopped = False
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> list[dict]:
        """The next group's examples."""
        examples = self._ready.get()
        if examples is None:
            raise RuntimeError("A process that renders synthetic people has died; see its message above.")
        return examples

    def stop(self) -> None:
        self._stopped = True
        self._process.kill()
        self._process.wait()
        while not self._ready.empty():
            self._ready.get_nowait()

    def _read(self) -> None:
        while not self._stopped:
            try:
                examples = pickle.load(self._process.stdout)
            except (EOFError, pickle.UnpicklingError):
                examples = None
            self._ready.put(examples)
            if examples is None:
                return


def render_group(domain: str, split: str, group: int, size: int, seed: int) -> list[dict]:
    """The examples of one pose: four views in the lab, one in the wild."""
    rng = np.random.default_rng([seed, DOMAINS.index(domain), SPLITS.index(split), group])
    return (_lab_group if domain == "lab" else _wild_group)(rng, split, group, size)


@functools.cache
def _lab_subject(subject: str) -> tuple[Body, tuple[tuple[Look, Dressed], ...]]:
    everyone = [name for names in LAB_SUBJECTS.values() for name in names]
    rng = np.random.default_rng([_PEOPLE_SEED, 0, everyone.index(subject)])
    body, male = _draw_body(rng, child_share=0.0)
    looks = [appearance.draw_look(rng, male) for _ in range(_LAB_OUTFITS)]
    return body, tuple((look, appearance.dress(body, look)) for look in looks)


@functools.cache
def _wild_body(split: str, number: int) -> tuple[Body, bool]:
    return _draw_body(np.random.default_rng([_PEOPLE_SEED, 1 + SPLITS.index(split), number]), child_share=0.12)


def _draw_body(rng: np.random.Generator, child_share: float) -> tuple[Body, bool]:
    """A body and whether it is a man's."""
    male = rng.random() < 0.5
    gender = 0.5 + (0.5 if male else -0.5) * rng.uniform(0.6, 1.0)
    age = rng.uniform(0.38, 0.6) if rng.random() < child_share else rng.uniform(0.62, 0.92)
    return make_body(np.array([gender, age, *np.clip(rng.normal(0.5, 0.18, 4), 0.05, 0.95)])), male


def _lab_group(rng: np.random.Generator, split: str, group: int, size: int) -> list[dict]:
    subjects = LAB_SUBJECTS[split]
    subject = subjects[group % len(subjects)]
    body, outfits = _lab_subject(subject)
    look, dressed = outfits[rng.integers(len(outfits))]
    action, pose = poses.sample(rng, "lab", body)
    place = rng.uniform(-_LAB_REACH, _LAB_REACH, 2)
    person = Person(body, look, dressed, pose, place, rng.uniform(0, 2 * np.pi))
    tracer = Tracer([person.surface, *scene.chair(person, scene.LAB_CHAIR)])
    room, light = scene.lab_room(), scene.lab_light()
    examples = []
    for view in range(scene.LAB_VIEWS):
        full = scene.lab_camera(view)
        window = _window(rng, person.box(full), _LAB_FILL, _LAB_SHIFT)
        camera = _cut_out(full, window, size)
        picture = render(tracer, room, light, camera, size, rng)
        examples.append(
            {"image": _develop(rng, picture, 0.3), **person.labels(camera, size)}
            | {
                "example_id": f"lab-{split}-{group * scene.LAB_VIEWS + view:06d}",
                "subject": subject,
                "action": action,
                "sequence": f"{subject}_{action}_{view}",
                "train_depth": True,
            }
        )
    return examples


def _wild_group(rng: np.random.Generator, split: str, group: int, size: int) -> list[dict]:
    body, male = _wild_body(split, int(rng.integers(_WILD_BODIES)))
    look = appearance.draw_look(rng, male)
    action, pose = poses.sample(rng, "wild", body)
    dressed = appearance.dress(body, look)
    person = Person(body, look, dressed, pose, np.zeros(2), rng.uniform(0, 2 * np.pi))
    middle = person.joints[ROOT]
    indoors = rng.random() < _INDOOR_SHARE
    full = scene.wild_camera(rng, middle)
    window = _window(rng, person.box(full), _WILD_FILL, _WILD_SHIFT)
    if rng.random() < _CUT_SHARE:
        window = _cut_off(rng, person.box(full), _WILD_FILL)
    camera = _cut_out(full, window, size)
    things = scene.chair(person, rng.uniform(0.02, 0.6, 3)) + scene.clutter(rng, full, middle)
    tracer = Tracer([person.surface, *things])
    backdrop = scene.wild_backdrop(rng, full, middle, indoors)
    picture = render(tracer, backdrop, scene.wild_light(rng, indoors), camera, size, rng)
    example = {"image": _develop(rng, picture, 1.0), **person.labels(camera, size)}
    names = {"example_id": f"wild-{split}-{group:06d}", "subject": "", "action": action, "sequence": ""}
    return [example | names | {"train_depth": False}]


def _window(rng: np.random.Generator, box: np.ndarray, fill, shift: float) -> np.ndarray:
    """The square (left, top, side) of a photo that becomes the picture, around the person's `box`."""
    side = box[2:].max() / rng.uniform(*fill)
    centre = box[:2] + box[2:] / 2 + rng.uniform(-shift, shift, 2) * side
    return np.array([*(centre - side / 2), side])


def _cut_off(rng: np.random.Generator, box: np.ndarray, fill) -> np.ndarray:
    """As `_window`, with one edge of the picture through the person, mostly the lower one."""
    axis = int(rng.random() < 0.75)  # 1: lower or upper edge
    far = axis == 0 and rng.random() < 0.5 or axis == 1 and rng.random() < 0.9
    visible = box.copy()
    visible[2 + axis] *= rng.uniform(0.4, 0.9)
    if not far:
        visible[axis] += box[2 + axis] - visible[2 + axis]
    window = _window(rng, visible, fill, 0.05)
    window[axis] = visible[axis] + visible[2 + axis] - window[2] if far else visible[axis]
    return window


def _cut_out(camera: Camera, window: np.ndarray, size: int) -> Camera:
    """The camera whose picture of `size` pixels is the square `window` of `camera`'s."""
    scale = size / window[2]
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2] *= scale
    intrinsics[2:4] = (intrinsics[2:4] - window[:2]) * scale
    return Camera(camera.rotation, camera.centre, intrinsics)


def _develop(rng: np.random.Generator, picture: np.ndarray, strength: float) -> np.ndarray:
    """What a camera makes of linear light: exposure, tone, blur and noise, uint8."""
    size = len(picture)
    blur = rng.uniform(0.2, 0.4 + 0.6 * strength) * size / 128
    picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture * np.exp(rng.normal(0, 0.2 * strength))
    picture = np.clip(picture, 0, 1) ** (1 / 2.2 * np.exp(rng.normal(0, 0.1 * strength)))
    noise = rng.uniform(0.002, 0.006 + 0.02 * strength)
    picture = picture + noise * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def _work(domain: str, split: str, size: str, seed: str, first: str, groups: str, step: str) -> None:
    """Writes pickled groups to standard output; the other end of `_Worker`."""
    cv2.setNumThreads(1)
    for group in range(int(first), int(groups), int(step)):
        pickle.dump(render_group(domain, split, group, int(size), int(seed)), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _work(*sys.argv[1:])
