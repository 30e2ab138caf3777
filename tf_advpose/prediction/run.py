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
import os
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tf_advpose.deploy.runtime import Pose, PosePredictor
from tf_advpose.files import is_fresh
from tf_advpose.locks import only_run
from tf_advpose.prediction import bvh, pictures, poses, tables
from tf_advpose.prediction.cameras import Camera, absolute_joints
from tf_advpose.prediction.inputs import Source
from tf_advpose.prediction.people import People
from tf_advpose.prediction.reading import Picture, Reader, expected, in_lists
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

    Where an error stops it, what is finished is written too. Pictures that cannot be written are a problem
    of their input alone.

    Raises:
      FileExistsError: there is something in `folder`.
      OSError: it cannot be written, or another run is writing to it.
      ValueError: what the model predicts is not finite.
    """
    check_output(folder)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as resources:
        resources.enter_context(only_run(folder))
        check_output(folder)  # of a run that has ended since
        bar = resources.enter_context(ProgressBar("predict", expected(sources)))
        reader = Reader(sources, people, camera, settings.batch_size, bar.say)
        job = _Job(predictor, reader, folder, settings, resources)
        description = {"model": model, "camera": camera.describe()}
        try:
            for batch in in_lists(reader.pictures(), settings.batch_size):
                job.do(batch)
                bar.advance(len(batch))
                if interrupted.is_set():
                    break
        except Exception:
            job.write(description | {"complete": False})
            bar.say("Stopped by an error: what was finished is written.")
            raise
        complete = not interrupted.is_set()
        job.write(description | {"complete": complete})
    problems = {about["name"]: about["problem"] for about in reader.about if about["problem"]}
    return Summary(job.poses, sum(about["frames"] for about in reader.about), problems, complete)


def check_output(folder: str | os.PathLike) -> None:
    """Raises FileExistsError where there is something in `folder`; nothing is overwritten."""
    if not is_fresh(folder):
        raise FileExistsError(f"{folder} is not empty. Give another --output, or remove it.")


class _Job:
    """What is made of the pictures, some at a time."""

    def __init__(
        self,
        predictor: PosePredictor,
        reader: Reader,
        folder: pathlib.Path,
        settings: Settings,
        resources: contextlib.ExitStack,
    ):
        """`reader`: of the pictures; `resources` are closed in the end."""
        self.poses = 0
        self._predictor, self._about, self._leave_out = predictor, reader.about, reader.leave_out
        self._folder, self._settings = folder, settings
        self._pool = resources.enter_context(concurrent.futures.ThreadPoolExecutor())
        self._spool = resources.enter_context(contextlib.closing(poses.Spool(folder)))
        self._film = resources.enter_context(contextlib.ExitStack())  # the one that is being written
        self._add_to_film: Callable | None = None
        self._smoother: Smoother | None = None
        self._video = -1  # the source that film and smoother are of; none yet
        self._viewer = Viewer() if settings.viewer else None

    def do(self, batch: list[Picture]) -> None:
        """Finds the people of some pictures, keeps their poses, and draws."""
        asked = [
            (picture.pixels, box)
            for picture in batch
            for box in ([None] if picture.boxes is None else picture.boxes)
        ]
        found = iter(self._predictor.predict_many(asked))
        photos = []
        for picture in batch:
            records, about = self._records(picture, found), self._about[picture.source]
            if about["kind"] == "photo":
                photos.append((picture, records))
            else:
                records = self._next_frame(picture, records)
            self._spool.append(records)
            self.poses += len(records)
            about["frames"] += 1
            if self._viewer:
                frame = f", frame {picture.frame}" if about["kind"] == "video" else ""
                self._viewer.add(about["name"] + frame, picture.pixels, records)
        if self._settings.pictures:
            list(self._pool.map(self._draw_photo, photos))

    def _records(self, picture: Picture, found: Iterator[Pose]) -> np.ndarray:
        """The records of a picture, whose poses are the next of those `found`."""
        records = [np.zeros(0, poses.RECORD)]
        intrinsics = np.array(self._about[picture.source]["intrinsics"])
        length = self._predictor.metadata["total_bone_length"]
        for person in range(1 if picture.boxes is None else len(picture.boxes)):
            pose = next(found)
            absolute = absolute_joints(pose, self._predictor.crop_side(pose.box), length, intrinsics)
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
        return np.concatenate(records)

    def _next_frame(self, picture: Picture, records: np.ndarray) -> np.ndarray:
        """Puts a frame of a video into its film; its records, smoothed where that is asked for."""
        smoothing = self._settings.smoothing
        if picture.source != self._video:
            self._close_film()
            self._video = picture.source
            if smoothing:
                self._smoother = Smoother(smoothing, self._about[picture.source]["frames_per_second"])
            if self._settings.pictures:
                self._start_film()
        if smoothing:
            records = self._smoother.smooth(records)
        if self._add_to_film:
            self._add_to_film(picture.pixels, records)
        return records

    def _start_film(self) -> None:
        about = self._about[self._video]
        path = self._folder / "films" / f"{about['name']}.mp4"
        film = pictures.film(path, about["frames_per_second"], about["width"], about["height"])
        with self._problem_of(self._video):
            self._add_to_film = self._film.enter_context(film)

    def _close_film(self) -> None:
        self._add_to_film = None
        with self._problem_of(self._video):
            self._film.close()

    def _draw_photo(self, result: tuple[Picture, np.ndarray]) -> None:
        picture, records = result
        name = f"{self._about[picture.source]['name']}.png"
        with self._problem_of(picture.source):
            pictures.write_photo(
                self._folder / "overlays" / name, pictures.overlay(picture.pixels, records)
            )
            if len(records):
                pictures.write_photo(self._folder / "views" / name, pictures.views(records))

    @contextlib.contextmanager
    def _problem_of(self, source: int) -> Iterator[None]:
        """Makes what cannot be drawn a problem of its input."""
        try:
            yield
        except OSError as error:
            name = self._about[source]["name"]
            self._leave_out(source, f"The pictures of {name} cannot be written: {error}")

    def write(self, description: dict) -> None:
        """Writes the files of all poses; `description` says how they were found."""
        self._close_film()
        records, settings = self._spool.read(), self._settings
        smoothing = settings.smoothing.describe() if settings.smoothing else None
        everything = tables.header() | description | {"smoothing": smoothing, "sources": self._about}
        tables.write_json(self._folder / "poses.json", everything, records)
        tables.write_npz(self._folder / "poses.npz", everything, records)
        if settings.csv:
            tables.write_csv(self._folder / "poses.csv", self._about, records)
        if settings.bvh:
            self._write_bvh(records)
        if self._viewer and any(about["frames"] for about in self._about):  # else there is nothing to show
            self._viewer.write(self._folder / "viewer.html")

    def _write_bvh(self, records: np.ndarray) -> None:
        for number, person in np.unique(np.stack([records["source"], records["person"]], axis=1), axis=0):
            about = self._about[number]
            chosen = records[(records["source"] == number) & (records["person"] == person)]
            path = self._folder / "bvh" / f"{about['name']}.{person}.bvh"
            bvh.write(path, chosen, about["frames_per_second"])
