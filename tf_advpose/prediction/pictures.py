"""What is drawn of the poses: overlays and views from three sides for photos, films for videos."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from tf_advpose import drawing
from tf_advpose.files import written_aside
from tf_advpose.prediction import poses

LARGEST_SIDE = 1600  # pixels of an overlay
VIEW_SIZE = 400  # pixels of a view
VIEWS = {  # degrees and elevation, see `drawing.draw_skeleton`
    "front": (drawing.FRONT_DEGREES, drawing.ELEVATION_DEGREES),
    "right side": (drawing.SIDE_DEGREES, drawing.ELEVATION_DEGREES),
    "above": (drawing.FRONT_DEGREES, 90.0),
}
MARGIN = 1.25  # of a person's box, for the width of the lines
FILM_HEIGHT = 480  # pixels; photo and skeleton stand side by side
FILM_WIDEST = 1280  # pixels of the photo
DEGREES_A_SECOND = 45.0  # by which the skeleton of a film turns
_CODEC = "mp4v"  # the only one of MP4 that every build of OpenCV writes


def overlay(photo: np.ndarray, records: np.ndarray) -> np.ndarray:
    """The photo with the joints of its people, reduced to at most `LARGEST_SIDE` pixels: uint8 RGB."""
    scale = min(1.0, LARGEST_SIDE / max(photo.shape[:2]))
    return _resized_overlay(photo, records, tuple(max(1, round(side * scale)) for side in photo.shape[:2]))


def views(records: np.ndarray) -> np.ndarray:
    """The people of one picture from the `VIEWS`, side by side, [H, 3 H, 3] uint8 RGB, named."""
    people = poses.scene(records)
    reach = drawing.reach_of(people)
    drawn = []
    for name, (degrees, elevation) in VIEWS.items():
        view = drawing.draw_skeleton(people, VIEW_SIZE, degrees, elevation, reach)
        cv2.putText(view, name, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (90, 90, 90), 1, cv2.LINE_AA)
        drawn.append(view)
    return np.concatenate(drawn, axis=1)


def write_photo(path: pathlib.Path, picture: np.ndarray) -> None:
    """Writes an RGB `picture` as PNG."""
    with written_aside(path) as aside:
        # OpenCV by itself cannot open every name on every system.
        cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tofile(aside)


@contextlib.contextmanager
def film(
    path: pathlib.Path, frames_per_second: float, width: int, height: int
) -> Iterator[Callable[[np.ndarray, np.ndarray], None]]:
    """Gives a function that adds a frame, [height, width, 3] uint8 RGB, and its records to an MP4.

    They stand side by side, the frame with the joints drawn, the people in 3D as one walks round them. The
    film appears as `path` when the block ends.

    Raises:
      OSError: no film can be written there, or not all of it was.
    """
    number, reach = 0, 0.0
    size = FILM_HEIGHT, 2 * round(min(FILM_HEIGHT * width / height, FILM_WIDEST) / 2)  # even, for codecs

    def add(frame: np.ndarray, records: np.ndarray) -> None:
        nonlocal number, reach
        people = poses.scene(records)
        reach = max(reach, drawing.reach_of(people))  # it must not pulse
        degrees = number / frames_per_second * DEGREES_A_SECOND
        turning = drawing.draw_skeleton(people, FILM_HEIGHT, degrees, reach=reach)
        shown = np.concatenate([_resized_overlay(frame, records, size), turning], axis=1)
        writer.write(cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
        number += 1

    with written_aside(path) as aside:
        writer = _open_film(aside, frames_per_second, size)
        try:
            yield add
        finally:
            writer.release()
        # OpenCV says nothing where the disk is full.
        written = int(cv2.VideoCapture(str(aside)).get(cv2.CAP_PROP_FRAME_COUNT))
        if written != number:
            raise OSError(f"of {number} frames {written} can be read again. Is the disk full?")


def _open_film(path: pathlib.Path, frames_per_second: float, size: tuple[int, int]) -> cv2.VideoWriter:
    height, width = size
    code = cv2.VideoWriter_fourcc(*_CODEC)
    writer = cv2.VideoWriter(str(path), code, frames_per_second, (width + FILM_HEIGHT, height))
    if not writer.isOpened():
        raise OSError(f"No film can be written to {path}.")
    return writer


def _resized_overlay(photo: np.ndarray, records: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The photo resized to `size`, height and width, with the joints of its people."""
    height, width = size
    scale = np.array([width / photo.shape[1], height / photo.shape[0]])
    drawn = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    for record in records:
        person_size = MARGIN * float((record["box"][2:] * scale).max())
        drawn = drawing.draw_joints(drawn, record["joints_2d"] * scale, person_size=person_size)
    return drawn
