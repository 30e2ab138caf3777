"""From labels to prepared examples, photo by photo and video by video, so that each is decoded once.

Every way of preparing, in one process, in many, or on many machines, does its work by `make_examples`.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from tf_advpose.data import schema, video

BAD_LABELS = "the labels are not finite, or absurd"
_ADVICE = "(--lenient leaves out what cannot be used.)"


@dataclasses.dataclass(frozen=True)
class Group:
    """The people whose pictures come from one file."""

    file: Path
    frames: tuple[int, ...] | None  # of a video, one for each of `people`; None: the file is a photo
    people: list[dict]  # arguments of `schema.make_example` but for the image

    @property
    def kind(self) -> str:
        return "photo" if self.frames is None else "video"

    def where(self, number: int) -> str:
        """Names the picture of one of `people`."""
        return str(self.file) if self.frames is None else f"{self.file}, frame {self.frames[number]}"


@dataclasses.dataclass(frozen=True)
class Skipped:
    """What is left out of a group."""

    reason: str
    where: str
    people: int = 1


def gather(people: Iterable[dict]) -> Iterator[Group]:
    """The groups of what a reader yields (see `photos`), in its order.

    Raises:
      ValueError: the frames of a video do not ascend, so that one pass does not give them.
    """
    for file, members in itertools.groupby(people, lambda person: file_of(person["image"])):
        members = list(members)
        images = [person.pop("image") for person in members]
        frames = None
        if isinstance(images[0], video.VideoFrame):
            frames = tuple(image.index for image in images)
            if frames[0] < 0 or list(frames) != sorted(frames):
                raise ValueError(f"Expected ascending frames of {file}, got {frames[:5]}...")
        yield Group(file, frames, members)


def file_of(image: Path | video.VideoFrame) -> Path:
    """The file that a photo or a frame is in."""
    return image.path if isinstance(image, video.VideoFrame) else image


def make_examples(group: Group, lenient: bool) -> Iterator[tuple[str, dict] | Skipped]:
    """Makes the examples of a group, each with its id, their images encoded as the schema has them.

    Args:
      group: whose file is read now.
      lenient: yield `Skipped` for what cannot be used; otherwise it is an error.

    Raises:
      FileNotFoundError, ValueError, EOFError: the photo or video is missing, not readable, or ends before
        its labels; ValueError: a label cannot be used. All name the file.
    """
    pictures = _pictures(group)
    for number, person in enumerate(group.people):
        try:
            picture = next(pictures)
        except (FileNotFoundError, ValueError, EOFError) as error:
            if not lenient:
                raise type(error)(f"{error} {_ADVICE}") from None
            yield _unreadable(group, error, len(group.people) - number)
            return
        try:
            example = schema.make_example(picture, **person)
        except ValueError as error:
            if not lenient:
                raise ValueError(f"{group.where(number)}: {error} {_ADVICE}") from None
            yield Skipped(BAD_LABELS, f"{group.where(number)} ({person['example_id']})")
            continue
        yield person["example_id"], example | {"image": _image_feature().encode_example(example["image"])}


def missing(group: Group) -> Skipped:
    """What is left out of a group whose file is not there: all of it."""
    return Skipped(f"the {group.kind} is missing", str(group.file), len(group.people))


def _unreadable(group: Group, error: Exception, people: int) -> Skipped:
    if isinstance(error, FileNotFoundError):
        return missing(group)
    ended = isinstance(error, EOFError)
    reason = "the video ends before its labels" if ended else f"the {group.kind} is not readable"
    return Skipped(reason, str(group.file), people)


def _pictures(group: Group) -> Iterator[np.ndarray]:
    """The picture of each person in turn."""
    if group.frames is None:
        yield from itertools.repeat(schema.read_image(group.file))
    else:
        yield from video.read_frames(group.file, group.frames)


@functools.cache
def _image_feature() -> tfds.features.Image:
    return schema.features()["image"]
