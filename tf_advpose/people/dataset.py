"""Examples of synthetic people, rendered in parallel processes: `generate`."""

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

from tf_advpose.people import everyday, lab, scenery, wild
from tf_advpose.people.body import load_template
from tf_advpose.progress import track

VIEWS = {
    "lab": lab.VIEWS,
    "wild": 1,
    "everyday": everyday.VIEWS,
    "everyday_2d": everyday.VIEWS,
    "wild_3d": 1,
}  # of a pose
DOMAINS = tuple(VIEWS)
SPLITS = ("train", "test", "validation")
_READ_AHEAD = 16  # poses kept ready from each process


def generate(
    domain: str,
    split: str,
    count: int,
    *,
    size: int = 128,
    seed: int = 0,
    processes: int | None = None,
    backgrounds: str | None = None,
) -> Iterator[dict]:
    """Renders examples of synthetic people; each is the keyword arguments of `schema.make_example`.

    The same arguments give the same bytes whatever `processes` is, and the first examples of a longer run
    are those of a shorter one. Progress is shown.

    Args:
      domain: one of `DOMAINS`.
      split: one of `SPLITS`.
      count: how many. In the lab, four in a row are one pose seen by the four cameras; of everyday people,
        three are one pose in three places.
      size: the picture's side in pixels.
      seed: poses, places, cameras and looks are drawn from it; bodies and the lab stay.
      processes: how many render at once. None: one a core.
      backgrounds: a folder of photos, of which most everyday people stand before one. None: all places are
        drawn.

    Raises:
      ValueError: an unknown domain or split, or a size, count or number of processes that cannot be; or
        backgrounds for a domain that has its own.
      FileNotFoundError: there are no photos in the folder of backgrounds.
      ModuleNotFoundError: an optional package is missing; says which pip commands to run.
      RuntimeError: a process that renders has died; it has said why on standard error.
    """
    if domain not in DOMAINS or split not in SPLITS:
        raise ValueError(
            f"Expected a domain of {DOMAINS} and a split of {SPLITS}, got {domain!r}, {split!r}."
        )
    processes = os.cpu_count() if processes is None else processes
    if size < 16 or count < 0 or processes < 1:
        raise ValueError(
            "Expected a size of 16 pixels or more, a count of 0 or more and 1 process or more, "
            f"got {size}, {count} and {processes}."
        )
    if backgrounds is not None:
        if not domain.startswith("everyday"):
            raise ValueError(
                f"Expected no folder of backgrounds for the domain {domain}, got {backgrounds}."
            )
        scenery.find_photos(backgrounds)
    # Once here, so that its cache is there and errors are told before any process starts.
    load_template()
    return _generate(domain, split, count, size, seed, processes, backgrounds)


def render_pose(
    domain: str, split: str, number: int, size: int, seed: int, photos: tuple[Path, ...] = ()
) -> list[dict]:
    """The examples of one pose, `VIEWS[domain]` of them; `photos` are backgrounds of everyday people."""
    drawn_as = DOMAINS.index("wild" if domain == "wild_3d" else domain)  # the same pictures
    rng = np.random.default_rng([seed, drawn_as, SPLITS.index(split), number])
    if domain == "lab":
        return lab.render_pose(rng, split, number, size)
    if domain.startswith("wild"):
        return wild.render_pose(rng, split, number, size, train_depth=domain == "wild_3d")
    return everyday.render_pose(rng, split, number, size, train_depth=domain == "everyday", photos=photos)


def _generate(
    domain: str, split: str, count: int, size: int, seed: int, processes: int, backgrounds: str | None
) -> Iterator[dict]:
    poses = -(-count // VIEWS[domain])
    workers = [
        _Worker(domain, split, size, seed, first, poses, processes, backgrounds or "")
        for first in range(min(processes, poses))
    ]
    try:
        examples = (example for pose in range(poses) for example in workers[pose % processes].next())
        yield from track(itertools.islice(examples, count), f"Rendering {domain} {split}", count)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that does a task, the arguments of `_work`, and a thread that reads ahead.

    A plain subprocess, since those of `multiprocessing` would run the caller's script again and import
    TensorFlow with it.
    """

    def __init__(self, *task: str | int):
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        one_thread = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *map(str, task)],
            stdout=subprocess.PIPE,
            env=os.environ | one_thread | {"PYTHONPATH": path},
            start_new_session=True,  # an interrupt ends the caller, which ends this
        )
        self._ready = queue.Queue(_READ_AHEAD)
        self._stopped = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self) -> list[dict]:
        """The next pose's examples."""
        examples = self._ready.get()
        if examples is None:
            raise RuntimeError("A process that renders synthetic people has died; it says why above.")
        return examples

    def stop(self) -> None:
        """Ends the process, whether or not it has finished."""
        self._stopped = True
        self._process.kill()
        while self._reader.is_alive():  # it may wait for room in the queue
            while not self._ready.empty():
                self._ready.get_nowait()
            self._reader.join(0.01)
        self._process.stdout.close()
        self._process.wait()

    def _read(self) -> None:
        while not self._stopped:
            try:
                examples = pickle.load(self._process.stdout)
            except (EOFError, pickle.UnpicklingError):
                examples = None
            self._ready.put(examples)
            if examples is None:
                return


def _work(domain: str, split: str, *arguments: str) -> None:
    """Writes each pose's examples, pickled, to standard output: the other end of `_Worker`.

    The arguments are the size, the seed, the first pose, how many there are, every how many-th is rendered
    here, and the folder of backgrounds, "" where there is none.
    """
    size, seed, first, poses, step = map(int, arguments[:-1])
    photos = scenery.find_photos(arguments[-1]) if arguments[-1] else ()
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # whatever else is printed must not mix with it
    cv2.setNumThreads(1)
    for number in range(first, poses, step):
        pickle.dump(render_pose(domain, split, number, size, seed, photos), output)
        output.flush()


if __name__ == "__main__":
    _work(*sys.argv[1:])
