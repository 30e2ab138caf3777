"""Frames of videos: decoded once, one after the other, only those kept that are wanted."""

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from cv2.utils import logging

# FFmpeg reports damage on standard error, in many lines; here it comes as an exception.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
USUAL_FRAME_RATE = 25.0
MAX_FRAME_RATE = 1000.0  # more is no rate but the header's clock
_ONE_THREAD = [cv2.CAP_PROP_N_THREADS, 1]  # several videos are decoded at a time, by as many processes


@dataclasses.dataclass(frozen=True)
class VideoFrame:
    """One frame of a video, in place of a photo."""

    path: Path
    index: int  # from 0


def read_frames(path: Path, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """Yields the frames `indices` of a video, [H, W, 3] uint8 RGB.

    Args:
      path: of the video.
      indices: from 0, ascending; one may be there several times.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it is not a video, or not one frame of it can be decoded.
      EOFError: it ends, or is damaged, before the last of `indices`; says after how many frames.
    """
    if not path.is_file():
        raise FileNotFoundError(f"Video not found: {path}")
    video = _open(path)
    try:
        decoded, frame = 0, None
        for index in indices:
            while decoded <= index:
                if not video.grab():
                    if not decoded:
                        raise ValueError(f"Not a readable video: {path}")
                    raise EOFError(
                        f"{path} ends after {decoded} frames; its labels go on to {indices[-1]}."
                    )
                decoded, frame = decoded + 1, None
            if frame is None:
                frame = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
            yield frame
    finally:
        video.release()


def read_upright(path: Path) -> Iterator[np.ndarray]:
    """Yields every frame of a video, turned as its header says: [H, W, 3] uint8 RGB.

    Raises:
      FileNotFoundError, ValueError: there is no such file; not one frame of it can be decoded.
    """
    if not path.is_file():
        raise FileNotFoundError(f"Video not found: {path}")
    video = _open(path, upright=True)
    try:
        decoded, frame = video.read()
        if not decoded:
            raise ValueError(f"Not a readable video: {path}")
        while decoded:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            decoded, frame = video.read()
    finally:
        video.release()


def _open(path: Path, upright: bool = False) -> cv2.VideoCapture:
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, _ONE_THREAD)
    finally:
        logging.setLogLevel(level)
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, float(upright))  # else as stored, like photos
    return video


def length(path: Path) -> float:
    """How many frames the header of a video announces; infinite if it cannot be read or announces none."""
    if not path.is_file():
        return math.inf
    video = _open(path)
    frames = video.get(cv2.CAP_PROP_FRAME_COUNT)
    video.release()
    return frames if frames > 0 else math.inf


def frame_rate(path: Path) -> float:
    """Frames a second, as the header of a video says; `USUAL_FRAME_RATE` where it does not."""
    video = _open(path)
    rate = video.get(cv2.CAP_PROP_FPS)
    video.release()
    return rate if 0 < rate < MAX_FRAME_RATE else USUAL_FRAME_RATE
