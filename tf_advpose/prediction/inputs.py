"""Which photos and videos are meant by what a user names: a file, a folder or a pattern."""

import dataclasses
import glob
import os
from pathlib import Path

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
_WILDCARDS = "*?["


@dataclasses.dataclass(frozen=True)
class Source:
    """A photo or a video."""

    path: Path
    name: str  # its path below the folder that was named, "/" between folders; no two have the same

    @property
    def is_video(self) -> bool:
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def find(given: str) -> list[Source]:
    """The photos and videos that `given` names, by name.

    Args:
      given: a file; a folder, which is searched with all folders in it; or a pattern with *, ?, [] and **
        (any folders). Files in folders or by patterns are left alone where their ending is neither in
        `PHOTO_SUFFIXES` nor in `VIDEO_SUFFIXES`, or where their name starts with a dot.

    Raises:
      FileNotFoundError: there is no such file, or no photo or video among them.
      ValueError: the one file named is neither photo nor video.
    """
    path = Path(given).expanduser()
    if path.is_file():
        if not _is_wanted(path):
            endings = ", ".join(PHOTO_SUFFIXES + VIDEO_SUFFIXES)
            raise ValueError(f"{path} is no photo or video: expected a file that ends in {endings}.")
        return [Source(path, path.name)]
    if path.is_dir():
        start, files = path, (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    elif any(wildcard in given for wildcard in _WILDCARDS):
        # A pattern with more than one ** finds a file several times.
        start, files = _fixed_part(path), set(map(Path, glob.glob(str(path), recursive=True)))
    else:
        raise FileNotFoundError(f"Input not found: {given}")
    found = [Source(file, file.relative_to(start).as_posix()) for file in files if _is_wanted(file)]
    if not found:
        raise FileNotFoundError(f"There is no photo or video among {given}.")
    return sorted(found, key=lambda source: source.name)


def _is_wanted(path: Path) -> bool:
    known = path.suffix.lower() in PHOTO_SUFFIXES + VIDEO_SUFFIXES
    return known and not path.name.startswith(".") and path.is_file()


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern that stand before its first wildcard."""
    parts = pattern.parts[:-1]
    wild = (number for number, part in enumerate(parts) if any(sign in part for sign in _WILDCARDS))
    return Path(*parts[: next(wild, len(parts))])
