"""The camera's side of a picture: where it stands, which part of its photo becomes the picture, and what
it makes of the light."""

import cv2
import numpy as np

from tf_advpose.people.render import Camera

_UP = np.array([0.0, 0.0, 1.0])


def camera_at(centre: np.ndarray, target: np.ndarray, intrinsics: np.ndarray, roll: float = 0.0) -> Camera:
    """A camera at `centre` [3] that faces `target` [3], tilted by `roll` radians."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, _UP)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return Camera(np.stack([c * right + s * down, -s * right + c * down, forward]), centre, intrinsics)


def window(
    rng: np.random.Generator, box: np.ndarray, fill: tuple[float, float], shift: float
) -> np.ndarray:
    """The square (left, top, side) of a photo, in its pixels, that becomes the picture.

    Args:
      box: (x, y, width, height) of the person, whose longer side takes a share `fill` of the square.
      shift: how far off the middle the person may be, as a share of the square.
    """
    side = box[2:].max() / rng.uniform(*fill)
    centre = box[:2] + box[2:] / 2 + rng.uniform(-shift, shift, 2) * side
    return np.array([*(centre - side / 2), side])


def window_cutting(rng: np.random.Generator, box: np.ndarray, fill: tuple[float, float]) -> np.ndarray:
    """As `window`, with one edge of the picture through the person, mostly the lower one."""
    axis = int(rng.random() < 0.75)  # 0: left or right edge, 1: upper or lower
    lower = rng.random() < (0.9 if axis else 0.5)
    visible = box.copy()
    longer = box[2 + axis] >= box[3 - axis]
    visible[2 + axis] *= rng.uniform(0.4 if longer else 0.65, 0.9)
    if not lower:
        visible[axis] += box[2 + axis] - visible[2 + axis]
    square = window(rng, visible, fill, shift=0.05)
    square[axis] = visible[axis] + visible[2 + axis] - square[2] if lower else visible[axis]
    return square


def cut_out(camera: Camera, square: np.ndarray, size: int) -> Camera:
    """The camera whose picture of `size` pixels is the `square` of `camera`'s photo."""
    scale = size / square[2]
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2] *= scale
    intrinsics[2:4] = (intrinsics[2:4] - square[:2]) * scale
    return Camera(camera.rotation, camera.centre, intrinsics)


def develop(rng: np.random.Generator, picture: np.ndarray, variety: float) -> np.ndarray:
    """What a camera makes of linear light [S, S, 3]: exposure, tone, blur and noise, as uint8.

    `variety` 0 is one good camera, 1 all sorts of them.
    """
    blur = rng.uniform(0.2, 0.35 + 0.4 * variety) * len(picture) / 128
    picture = cv2.GaussianBlur(picture, (0, 0), blur) * np.exp(rng.normal(0, 0.2 * variety))
    tone = np.exp(rng.normal(0, 0.1 * variety)) / 2.2
    picture = np.clip(picture, 0, 1) ** np.float32(tone)
    grain = rng.uniform(0.002, 0.006 + 0.012 * variety)
    picture = picture + np.float32(grain) * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
