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


def window_cutting(
    rng: np.random.Generator,
    box: np.ndarray,
    fill: tuple[float, float],
    keep: tuple[float, float] = (0.4, 0.9),
) -> np.ndarray:
    """As `window`, with one edge of the picture through the person, mostly the lower one; where that cuts
    the longer side of the box, a share `keep` of it is left."""
    axis = int(rng.random() < 0.75)  # 0: left or right edge, 1: upper or lower
    lower = rng.random() < (0.9 if axis else 0.5)
    visible = box.copy()
    longer = box[2 + axis] >= box[3 - axis]
    visible[2 + axis] *= rng.uniform(*(keep if longer else (0.65, 0.9)))
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


def snapshot(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """What any camera and its user make of screen colours [S, S, 3] in [0, 255]: exposure and tint, lack of
    focus, shake, few pixels, noise and JPEG, as uint8."""
    size = len(picture)
    brightness = (np.exp(rng.normal(4.75, 0.2)) / (picture.mean() + 8)) ** 0.7  # exposure is mostly right
    contrast, tint = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.06, 3))
    picture = picture * (tint * brightness * contrast).astype(np.float32) + np.float32(118 * (1 - contrast))
    if rng.random() < 0.35:  # pale or strong colours; some photos are grey
        grey = picture.mean(axis=2, keepdims=True)
        picture = grey + np.float32(0 if rng.random() < 0.1 else rng.uniform(0.4, 1.4)) * (picture - grey)
    if rng.random() < 0.1:
        picture = _shaken(rng, picture)
    sigma = np.exp(rng.uniform(np.log(0.2), np.log(0.7))) * size / 128
    picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    if rng.random() < 0.12:  # a person far away in a small photo
        few = int(size / rng.uniform(1.3, 2.6))
        small = cv2.resize(picture, (few, few), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    noise = rng.standard_normal(picture.shape, np.float32)
    picture = picture + np.float32(np.exp(rng.normal(0.7, 0.8))) * noise
    picture = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.uniform(35, 95))
        _, encoded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
        picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return picture


def _shaken(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    reach = rng.uniform(2, 7) * len(picture) / 128
    side = 2 * int(reach / 2) + 3
    kernel = np.zeros((side, side), np.float32)
    turn = rng.uniform(0, np.pi)
    half = np.array([np.cos(turn), np.sin(turn)]) * reach / 2
    ends = [(side // 2 + sign * half).round().astype(int).tolist() for sign in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())
