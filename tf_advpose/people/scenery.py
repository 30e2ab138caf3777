"""What is behind a person of the everyday domain: a ground and walls of pictures, or a photo.

Cheap, since each plane is one look-up of `materials` per pixel. World's frame, millimetres; pictures are
screen colours in [0, 255], float32.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tf_advpose.people import materials
from tf_advpose.people.render import Camera

_ABSTRACT_SHARE = 0.15  # of the places are a picture without ground
_CORNER_SHARE = 0.35  # of the places have two walls
_LONGEST = 640  # pixels of a photo that are kept
_SUFFIXES = (".jpg", ".jpeg", ".png")
_NEVER = 1e9


@dataclass(frozen=True)
class Plane:
    """A picture on a plane through `point` [3] with edges along `across` and `up` [3], unit vectors; a
    texel is `texel` mm wide and `point` is at the texel `start` (x, y)."""

    point: np.ndarray
    across: np.ndarray
    up: np.ndarray
    picture: tuple[np.ndarray, ...]
    texel: float
    start: np.ndarray

    def reach(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """How many times `rays` [N, 3] from `origin` have to be taken to meet the plane, [N]."""
        normal = np.cross(self.across, self.up).astype(np.float32)
        towards = rays @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.float32((self.point - origin) @ normal) / towards
        return np.where(reach > 0, reach, np.float32(_NEVER))

    def look(self, points: np.ndarray, footprint: float) -> np.ndarray:
        """The colours [N, 3] at `points` [N, 3] of the plane, of which a pixel sees `footprint` mm."""
        level = int(np.clip(np.round(np.log2(max(footprint / self.texel, 1e-3))), 0, len(self.picture) - 1))
        scale = 1 / (self.texel * 2**level)
        away = (points - self.point.astype(np.float32)) * np.float32(scale)
        x = away @ self.across.astype(np.float32) + np.float32(self.start[0] / 2**level)
        y = -(away @ self.up.astype(np.float32)) + np.float32(self.start[1] / 2**level)
        # Far away in a plane that is seen flat the numbers are beyond what remap takes.
        x, y = np.clip(x, -16000, 16000), np.clip(y, -16000, 16000)
        columns = 256  # remap wants less than 32768 rows
        pad = -len(x) % columns
        grid = [np.pad(part, (0, pad)).reshape(-1, columns) for part in (x, y)]
        colours = cv2.remap(self.picture[level], *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return colours.reshape(-1, 3)[: len(x)]


@dataclass(frozen=True)
class Place:
    """Planes, the ground first."""

    planes: tuple[Plane, ...]

    def look(self, camera: Camera, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The picture [size, size, 3], and where in it the ground is, [size, size] bool."""
        fx, fy, cx, cy = camera.intrinsics[:4]
        right, down, forward = camera.rotation.astype(np.float32)
        x, y = (
            ((np.arange(size) + 0.5 - c) / f).astype(np.float32)[:, None] for c, f in ((cx, fx), (cy, fy))
        )
        rays = ((y * down)[:, None] + x * right + forward).reshape(-1, 3)
        origin = camera.centre.astype(np.float32)
        reaches = np.stack([plane.reach(origin, rays) for plane in self.planes])
        nearest, reach = reaches.argmin(axis=0), reaches.min(axis=0)
        picture = np.full((size * size, 3), 128, np.float32)
        for index, plane in enumerate(self.planes):
            seen = np.nonzero((nearest == index) & (reach < _NEVER))[0]
            if len(seen):
                points = origin + reach[seen, None] * rays[seen]
                picture[seen] = plane.look(points, float(np.median(reach[seen])) / fx)
        return picture.reshape(size, size, 3), (nearest == 0).reshape(size, size)


def draw_place(rng: np.random.Generator, split: str, camera: Camera, middle: np.ndarray) -> Place | None:
    """A place round a person at `middle` [3] whom `camera` faces; None: a picture without ground."""
    if rng.random() < _ABSTRACT_SHARE:
        return None
    side = np.exp(rng.uniform(np.log(1200), np.log(14000)))
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    ground = Plane(
        np.zeros(3),
        np.array([c, s, 0.0]),
        np.array([-s, c, 0.0]),
        _any(rng, "ground", split),
        side / materials.SIDE,
        rng.uniform(0, materials.SIDE, 2),
    )
    ahead = np.arctan2(*(middle - camera.centre)[1::-1])  # the heading from the camera to the person
    far = rng.random() < 0.5
    behind = np.exp(rng.uniform(np.log(6000), np.log(50000))) if far else rng.uniform(500, 4500)
    headings = [ahead + rng.normal(0, 0.35)]
    if rng.random() < _CORNER_SHARE:
        headings.append(headings[0] + rng.choice([-1, 1]) * np.pi / 2)
    walls = [_wall(rng, split, middle, heading, behind, number) for number, heading in enumerate(headings)]
    return Place((ground, *walls))


def _wall(rng, split: str, middle: np.ndarray, heading: float, behind: float, number: int) -> Plane:
    """A wall that looks at the person from `behind` mm away, in the direction `heading`."""
    if number:
        behind = rng.uniform(900, 4500)
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    side = max(0.9 * behind, 3500.0) * np.exp(rng.normal(0, 0.25))
    kind = "vista" if rng.random() < 0.85 else "wall"
    foot = np.append(middle[:2] + behind * ahead[:2], 0.0)
    across, up = np.array([ahead[1], -ahead[0], 0.0]), np.array([0, 0, 1.0])
    start = np.array([rng.uniform(0, materials.SIDE), materials.SIDE])
    return Plane(foot, across, up, _any(rng, kind, split), side / materials.SIDE, start)


def _any(rng: np.random.Generator, kind: str, split: str) -> tuple[np.ndarray, ...]:
    return materials.picture(kind, split, int(rng.integers(materials.COUNTS[kind])))


def draw_flat(rng: np.random.Generator, split: str, size: int, photos: tuple[Path, ...] = ()) -> np.ndarray:
    """Some part [size, size, 3] of one of `photos`, if there are any, or else of a drawn picture."""
    levels = _photo(photos[rng.integers(len(photos))]) if photos else _any(rng, "vista", split)
    height, width = levels[0].shape[:2]
    side = min(height, width) * (rng.uniform(0.35, 1.0) if photos else rng.uniform(0.5, 1.0))
    left, top = rng.uniform(0, 1, 2) * (width - side, height - side)
    level = int(np.clip(np.floor(np.log2(side / size)), 0, len(levels) - 1))
    scale = side / size / 2**level
    mirror = rng.random() < 0.5
    offset = np.array([left + (side if mirror else 0), top]) / 2**level
    warp = np.array([[-scale if mirror else scale, 0, offset[0]], [0, scale, offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(levels[level], warp, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return part.astype(np.float32)


@functools.lru_cache(maxsize=2000)
def _photo(path: Path) -> tuple[np.ndarray, ...]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise _unreadable(path)
    scale = _LONGEST / max(image.shape)
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return materials.pyramid(image)


def _unreadable(path: Path) -> ValueError:
    return ValueError(f"Not a readable JPEG or PNG: {path}. Take it out of the folder of backgrounds.")


def find_photos(folder: str | Path) -> tuple[Path, ...]:
    """The photos in `folder` and the folders in it, in the order of their names.

    Hidden files, such as those that macOS leaves beside others, are no photos.

    Raises:
      FileNotFoundError: there is no such folder, or no JPEG or PNG in it.
      ValueError: a file does not begin as a photo; names it.
    """
    paths = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    for path in paths:
        if not cv2.haveImageReader(str(path)):
            raise _unreadable(path)
    if not paths:
        raise FileNotFoundError(
            f"Expected a folder with photos (JPEG or PNG) for backgrounds, got {folder}."
        )
    return tuple(paths)
