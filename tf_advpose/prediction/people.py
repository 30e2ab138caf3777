"""Where people are in the pictures, as a user says it: one box for all, or a file of boxes.

A file of boxes is JSON, one entry for each input by its name, see `inputs.Source`:

  {
    "a.jpg": [[410, 120, 260, 540], [80, 130, 240, 500]],   several people
    "empty.jpg": [],                                        nobody
    "whole.jpg": null,                                      one person, whose box is to be found
    "walk.mp4": [[300, 80, 200, 420]],                      the same boxes in every frame
    "run.mp4": {"0": [[300, 80, 200, 420]], "1": ...}       by frame, from 0; nobody in the others
  }

A box is (x, y, width, height) in pixels of the upright picture. The people of a video are told apart by
their places in its lists.
"""

import json
import math
import os
import pathlib
from collections.abc import Sequence

from tf_advpose.prediction.inputs import Source

Box = list[float]
Boxes = list[Box] | None  # None: one person, whose box is to be found


def parse_box(text: str) -> Box:
    """A box from "x,y,width,height"; raises ValueError where it is none."""
    try:
        box = [float(number) for number in text.split(",")]
    except ValueError:
        box = []
    return _checked_box(box, f"--box={text}")


class People:
    """The boxes of every picture."""

    def __init__(self, box: Box | None = None, by_name: dict | None = None):
        """`box`: the same for all; `by_name`: as in a file. Neither: all boxes are to be found."""
        self._box, self._by_name = box, by_name

    def boxes(self, source: Source, frame: int) -> Boxes:
        """The boxes of the people in a frame of `source`; a photo has frame 0 alone."""
        if self._box is not None:
            return [self._box]
        if self._by_name is None:
            return None
        boxes = self._by_name[source.name]
        return boxes.get(str(frame), []) if isinstance(boxes, dict) else boxes


def read(path: str | os.PathLike, sources: Sequence[Source]) -> People:
    """Reads a file of boxes for `sources`.

    Raises:
      FileNotFoundError, ValueError: there is none; it is not as described above; it lacks an input, or has
        one that is not there. Says where in the file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"File of boxes not found: {path}")
    try:
        by_name = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(by_name, dict):
        raise ValueError(f'{path}: expected {{"<input>": [[x, y, width, height], ...], ...}}.')
    is_video = {source.name: source.is_video for source in sources}
    for name, boxes in by_name.items():
        if name not in is_video:
            raise ValueError(
                f"{path} has boxes of {name!r}, which is none of the {len(sources)} inputs; the first of "
                f"those is {sources[0].name!r}. Names are paths below the folder given as input."
            )
        _check_entry(boxes, is_video[name], f"{path}, {name!r}")
    missing = [name for name in is_video if name not in by_name]
    if missing:
        raise ValueError(
            f"{path} lacks {len(missing)} of {len(sources)} inputs; the first is {missing[0]!r}. Give it "
            "[] for nobody, or null for one person whose box is to be found."
        )
    return People(by_name=by_name)


def _check_entry(boxes, is_video: bool, where: str) -> None:
    if isinstance(boxes, dict):
        if not is_video:
            raise ValueError(f"{where}: a photo has no frames; expected a list of boxes.")
        for frame, of_frame in boxes.items():
            if not (frame.isdecimal() and str(int(frame)) == frame):
                raise ValueError(f"{where}: expected the numbers of frames, from 0, got {frame!r}.")
            _check_list(of_frame, f"{where}, frame {frame}")
    elif boxes is not None:
        _check_list(boxes, where)


def _check_list(boxes, where: str) -> None:
    if not isinstance(boxes, list):
        raise ValueError(f"{where}: expected a list of boxes [x, y, width, height], got {boxes!r}.")
    for box in boxes:
        _checked_box(box, where)


def _checked_box(box, where: str) -> Box:
    numbers = isinstance(box, list) and all(type(value) in (int, float) for value in box)
    if not numbers or len(box) != 4 or not all(abs(value) < math.inf for value in box) or min(box[2:]) <= 0:
        raise ValueError(
            f"{where}: a box is x, y, width, height in pixels, numbers, the last two above 0; got {box}."
        )
    return box
