"""From photos and videos to a folder of poses and pictures, some pictures at a time.

The folder gets
  poses.json, poses.npz                everything, see `tables`
  poses.csv                            where asked for
  overlays/<name>.png, views/<name>.png   of each photo
  films/<name>.mp4                     of each video
  bvh/<name>.<person>.bvh              where asked for
  viewer.html                          where asked for
where <name> is `Source.name`, with its ending and its folders.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import math
import os
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tf_advpose.data import video
from tf_advpose.deploy import runtime
from tf_advpose.deploy.runtime import PosePredictor
from tf_advpose.files import is_fresh
from tf_advpose.prediction import bvh, pictures, poses, tables
from tf_advpose.prediction.cameras import Camera, absolute_joints
from tf_advpose.prediction.inputs import Source
from tf_advpose.prediction.people import Boxes, People
from tf_advpose.prediction.smoothing import OneEuro, Smoother
from tf_advpose.prediction.viewer import Viewer
from tf_advpose.progress import ProgressBar


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is made of the poses."""

    pictures: bool = True  # overlays, views and films
    viewer: bool = False
    csv: bool = False
    bvh: bool = False
    smoothing: OneEuro | None = None  # of videos
    batch_size: int = 8  # pictures that are held at a time


@dataclasses.dataclass(frozen=True)
class Summary:
    """How it went."""

    poses: int
    pictures: int
    problems: dict[str, str]  # by the name of the input: why it, or a part of it, was left out
    complete: bool  # False: interrupted


def run(
    predictor: PosePredictor,
    sources: Sequence[Source],
    people: People,
    camera: Camera,
    folder: str | os.PathLike,
    settings: Settings,
    model: dict,
    interrupted: threading.Event,
) -> Summary:
    """Finds the people of all `sources` and fills `folder`, which is new or empty.

    Args:
      model: what the files say of the model.
      interrupted: where it is set, the rest is left, and what is finished is written.

    Raises:
      FileExistsError: there is something in `folder`.
      OSError: it cannot be written.
      ValueError: what the model predicts is not finite.
    """
    check_output(folder)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as resources:
        job = _Job(predictor, sources, people, camera, pathlib.Path(folder), settings, resources)
        bar = resources.enter_context(ProgressBar("predict", _expected(sources)))
        for batch in _in_lists(job.pictures(bar.say), settings.batch_size):
            job.do(batch, bar.say)
            bar.advance(len(batch))
            if interrupted.is_set():
                break
        job.write(model, complete=not interrupted.is_set())
    return job.summary(complete=not interrupted.is_set())


def check_output(folder: str | os.PathLike) -> None:
    """Raises FileExistsError where there is something in `folder`; nothing is overwritten."""
    if not is_fresh(folder):
        raise FileExistsError(f"{folder} is not empty. Give another --output, or remove it.")


@dataclasses.dataclass(frozen=True)
class _Picture:
    source: int
    frame: int
    pixels: np.ndarray  # [H, W, 3] uint8 RGB
    boxes: Boxes


class _Job:
    """What one run knows so far."""

    def __init__(
        self,
        predictor: PosePredictor,
        sources: Sequence[Source],
        people: People,
        camera: Camera,
        folder: pathlib.Path,
        settings: Settings,
        resources: contextlib.ExitStack,
    ):
        self._predictor, self._sources, self._people, self._camera = predictor, sources, people, camera
        self._folder, self._settings = folder, settings
        self._pool = resources.enter_context(concurrent.futures.ThreadPoolExecutor())
        self._spool = resources.enter_context(contextlib.closing(poses.Spool(folder)))
        self._film = resources.enter_context(contextlib.ExitStack())  # the one that is being written
        self._add_to_film: Callable | None = None
        self._smoother: Smoother | None = None
        self._viewer = Viewer() if settings.viewer else None
        self._about = [_unread(source) for source in sources]
        self._poses = 0

    def pictures(self, say: Callable[[str], None]) -> Iterator[_Picture]:
        """Reads all pictures; of what cannot be read it says so, and goes on."""
        for is_video, members in itertools.groupby(
            enumerate(self._sources), lambda member: member[1].is_video
        ):
            yield from (self._frames if is_video else self._photos)(members, say)

    def _photos(self, members: Iterable[tuple[int, Source]], say: Callable) -> Iterator[_Picture]:
        for some in _in_lists(members, self._settings.batch_size):
            for (number, source), photo in zip(
                some, self._pool.map(_read, [source.path for _, source in some]), strict=True
            ):
                if isinstance(photo, Exception):
                    self._note_problem(number, str(photo), say)
                    continue
                self._describe(number, photo)
                yield _Picture(number, 0, photo, self._people.boxes(source, 0))

    def _frames(self, members: Iterable[tuple[int, Source]], say: Callable) -> Iterator[_Picture]:
        for number, source in members:
            rate = video.frame_rate(source.path)
            decoded = 0
            try:
                for decoded, pixels in enumerate(video.read_upright(source.path), start=1):  # noqa: B007
                    if decoded == 1:
                        self._describe(number, pixels, rate)
                    yield _Picture(number, decoded - 1, pixels, self._people.boxes(source, decoded - 1))
            except (OSError, ValueError) as error:
                self._note_problem(number, str(error), say)
                continue
            announced = video.length(source.path)
            if announced < math.inf and decoded < announced - rate:  # headers may be wrong by a little
                text = f"The video is damaged, it ends after {decoded} of {announced:.0f} frames"
                self._note_problem(number, f"{text}: {source.path}", say)

    def do(self, batch: list[_Picture], say: Callable[[str], None]) -> None:
        """Finds the people of some pictures, keeps their poses, and draws."""
        usable = [picture for picture in batch if self._has_usable_boxes(picture, say)]
        asked = [
            (picture.pixels, box)
            for picture in usable
            for box in ([None] if picture.boxes is None else picture.boxes)
        ]
        found = iter(self._predictor.predict_many(asked))
        results = [(picture, self._records(picture, found)) for picture in usable]
        for _, records in results:
            self._spool.append(records)
            self._poses += len(records)
        if self._settings.pictures:
            self._draw(results)
        for picture, records in results:
            about = self._about[picture.source]
            about["frames"] += 1
            if self._viewer:
                frame = f", frame {picture.frame}" if about["kind"] == "video" else ""
                self._viewer.add(about["name"] + frame, picture.pixels, records)

    def _has_usable_boxes(self, picture: _Picture, say: Callable) -> bool:
        try:
            for box in picture.boxes or []:
                runtime.check_box(picture.pixels, box)
        except ValueError as error:
            source = self._sources[picture.source]
            frame = f", frame {picture.frame}" if source.is_video else ""
            self._note_problem(picture.source, f"{error} ({source.path}{frame})", say)
            return False
        return True

    def _records(self, picture: _Picture, found: Iterator[runtime.Pose]) -> np.ndarray:
        """The records of a picture, whose poses are the next of those `found`."""
        records = [np.zeros(0, poses.RECORD)]
        about = self._about[picture.source]
        for person in range(1 if picture.boxes is None else len(picture.boxes)):
            pose = next(found)
            absolute = absolute_joints(
                pose,
                self._predictor.crop_side(pose.box),
                self._predictor.metadata["total_bone_length"],
                np.array(about["intrinsics"]),
            )
            records.append(
                poses.record(
                    pose,
                    absolute,
                    source=picture.source,
                    frame=picture.frame,
                    person=person,
                    box_given=picture.boxes is not None,
                )
            )
        records = np.concatenate(records)
        if about["kind"] == "video" and self._settings.smoothing:
            if picture.frame == 0:
                self._smoother = Smoother(self._settings.smoothing, about["frames_per_second"])
            records = self._smoother.smooth(records)
        return records

    def _draw(self, results: list[tuple[_Picture, np.ndarray]]) -> None:
        photos = [result for result in results if not self._sources[result[0].source].is_video]
        list(self._pool.map(self._draw_photo, photos))
        for picture, records in results:
            if not self._sources[picture.source].is_video:
                continue
            if picture.frame == 0:
                self._film.close()
                about = self._about[picture.source]
                path = self._folder / "films" / f"{about['name']}.mp4"
                self._add_to_film = self._film.enter_context(
                    pictures.film(path, about["frames_per_second"])
                )
            self._add_to_film(picture.pixels, records)

    def _draw_photo(self, result: tuple[_Picture, np.ndarray]) -> None:
        picture, records = result
        name = f"{self._sources[picture.source].name}.png"
        pictures.write_photo(self._folder / "overlays" / name, pictures.overlay(picture.pixels, records))
        if len(records):
            pictures.write_photo(self._folder / "views" / name, pictures.views(records))

    def write(self, model: dict, complete: bool) -> None:
        """Writes the files of all poses."""
        self._film.close()
        records, settings = self._spool.read(), self._settings
        run = {
            "complete": complete,
            "camera": self._camera.describe(),
            "smoothing": settings.smoothing.describe() if settings.smoothing else None,
            "sources": self._about,
        }
        description = tables.header(model, run)
        tables.write_json(self._folder / "poses.json", description, records)
        tables.write_npz(self._folder / "poses.npz", description, records)
        if settings.csv:
            tables.write_csv(self._folder / "poses.csv", self._about, records)
        if settings.bvh:
            self._write_bvh(records)
        if self._viewer:
            self._viewer.write(self._folder / "viewer.html")

    def _write_bvh(self, records: np.ndarray) -> None:
        for number, person in np.unique(np.stack([records["source"], records["person"]], axis=1), axis=0):
            about = self._about[number]
            chosen = records[(records["source"] == number) & (records["person"] == person)]
            path = self._folder / "bvh" / f"{about['name']}.{person}.bvh"
            bvh.write(path, chosen, about["frames_per_second"])

    def summary(self, complete: bool) -> Summary:
        problems = {about["name"]: about["problem"] for about in self._about if about["problem"]}
        return Summary(self._poses, sum(about["frames"] for about in self._about), problems, complete)

    def _describe(self, number: int, pixels: np.ndarray, frames_per_second: float | None = None) -> None:
        height, width = pixels.shape[:2]
        self._about[number] |= {
            "width": width,
            "height": height,
            "frames_per_second": frames_per_second,
            "intrinsics": self._camera.intrinsics(width, height).tolist(),
        }

    def _note_problem(self, number: int, text: str, say: Callable[[str], None]) -> None:
        """Says the first problem of an input, and keeps it."""
        if self._about[number]["problem"] is None:
            self._about[number]["problem"] = text
            say(f"left out: {text}")


def _unread(source: Source) -> dict:
    """What the files say of an input; `frames` counts those whose people were looked for."""
    empty = dict.fromkeys(("width", "height", "frames_per_second", "intrinsics", "problem"))
    return {"name": source.name, "kind": "video" if source.is_video else "photo", "frames": 0, **empty}


def _read(path: pathlib.Path) -> np.ndarray | Exception:
    try:
        return runtime.read_photo(path)
    except (OSError, ValueError) as error:
        return error


def _expected(sources: Sequence[Source]) -> int:
    """About how many pictures there are."""
    counts = (video.length(source.path) if source.is_video else 1 for source in sources)
    return round(sum(count if count < math.inf else 1 for count in counts))


def _in_lists(items: Iterable, length: int) -> Iterator[list]:
    items = iter(items)
    while some := list(itertools.islice(items, length)):
        yield some
