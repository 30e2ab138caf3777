"""Reads photos and videos, picture by picture, and keeps what is to be said of each input."""

import concurrent.futures
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tf_advpose.data import video
from tf_advpose.deploy import runtime
from tf_advpose.prediction.cameras import Camera
from tf_advpose.prediction.inputs import Source
from tf_advpose.prediction.people import Boxes, People


@dataclasses.dataclass(frozen=True)
class Picture:
    """A photo, or a frame of a video."""

    source: int  # its place among the inputs
    frame: int
    pixels: np.ndarray  # [H, W, 3] uint8 RGB, upright
    boxes: Boxes  # of its people; none lies wholly outside


class Reader:
    """All pictures of the `sources`, and `about`, what the files say of each of those.

    An entry of `about` is `tables`' of `sources`; `frames` is to be counted by who takes the pictures.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        people: People,
        camera: Camera,
        photos_at_a_time: int,
        say: Callable[[str], None],
    ):
        self.about = [_unread(source) for source in sources]
        self._sources, self._people, self._camera = sources, people, camera
        self._photos_at_a_time, self._say = photos_at_a_time, say

    def pictures(self) -> Iterator[Picture]:
        """Reads on; what cannot be used is told by `say`, kept as the input's problem, and left out."""
        members = itertools.groupby(enumerate(self._sources), lambda member: member[1].is_video)
        for is_video, some in members:
            yield from self._frames(some) if is_video else self._photos(some)

    def _photos(self, members: Iterable[tuple[int, Source]]) -> Iterator[Picture]:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for some in in_lists(members, self._photos_at_a_time):
                photos = pool.map(_read, [source.path for _, source in some])
                for (number, _), photo in zip(some, photos, strict=True):
                    if isinstance(photo, Exception):
                        self.leave_out(number, str(photo))
                    else:
                        self._describe(number, photo)
                        yield from self._with_boxes(number, 0, photo)

    def _frames(self, members: Iterable[tuple[int, Source]]) -> Iterator[Picture]:
        for number, source in members:
            decoded, rate = 0, 0.0
            try:
                for pixels in video.read_upright(source.path):
                    if not decoded:
                        rate = video.frame_rate(source.path)
                        self._describe(number, pixels, rate)
                    yield from self._with_boxes(number, decoded, pixels)
                    decoded += 1
            except (OSError, ValueError) as error:
                self.leave_out(number, str(error))
                continue
            announced = video.length(source.path)
            if announced < math.inf and decoded < announced - rate:  # headers may be wrong by a little
                text = f"The video is damaged, it ends after {decoded} of {announced:.0f} frames"
                self.leave_out(number, f"{text}: {source.path}")

    def _with_boxes(self, number: int, frame: int, pixels: np.ndarray) -> Iterator[Picture]:
        """The picture, unless one of its boxes lies outside."""
        source = self._sources[number]
        boxes = self._people.boxes(source, frame)
        try:
            for box in boxes or []:
                runtime.check_box(pixels, box)
        except ValueError as error:
            where = f"{source.path}, frame {frame}" if source.is_video else source.path
            self.leave_out(number, f"{error} ({where})")
        else:
            yield Picture(number, frame, pixels, boxes)

    def _describe(self, number: int, pixels: np.ndarray, frames_per_second: float | None = None) -> None:
        height, width = pixels.shape[:2]
        self.about[number] |= {
            "width": width,
            "height": height,
            "frames_per_second": frames_per_second,
            "intrinsics": self._camera.intrinsics(width, height).tolist(),
        }

    def leave_out(self, number: int, text: str) -> None:
        """Tells the first problem of an input, and keeps it."""
        if self.about[number]["problem"] is None:
            self.about[number]["problem"] = text
            self._say(f"left out: {text}")


def expected(sources: Sequence[Source]) -> int:
    """About how many pictures there are."""
    counts = (video.length(source.path) if source.is_video else 1 for source in sources)
    return round(sum(count if count < math.inf else 1 for count in counts))


def in_lists(items: Iterable, length: int) -> Iterator[list]:
    """The items, `length` at a time."""
    items = iter(items)
    while some := list(itertools.islice(items, length)):
        yield some


def _unread(source: Source) -> dict:
    empty = dict.fromkeys(("width", "height", "frames_per_second", "intrinsics", "problem"))
    return {"name": source.name, "kind": "video" if source.is_video else "photo", "frames": 0, **empty}


def _read(path) -> np.ndarray | Exception:
    try:
        return runtime.read_photo(path)
    except (OSError, ValueError) as error:
        return error
