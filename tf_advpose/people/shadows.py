"""Shadows of a person on the ground, drawn as the shadows of the limbs' convex hulls."""

import cv2
import numpy as np

from tf_advpose.people.render import Camera, Light

_LOWEST_LIGHT = 0.3  # sine of its height; longer shadows are drawn as long as this
_CONTACT = 140.0  # mm; what is as near to the ground keeps light from the sides off it
_NEAREST = 100.0  # mm before the camera
_BITS = 4  # of sub-pixel positions


def on_ground(hulls: list[np.ndarray], light: Light, camera: Camera, size: int) -> np.ndarray:
    """What is left of a ground's screen brightness, [size, size, 1] in [0, 1].

    Args:
      hulls: of each part of the body, points [N, 3] in the world.
    """
    towards = light.direction.copy()
    towards[2] = max(towards[2], _LOWEST_LIGHT)
    direct, ambient = light.colour.mean() * towards[2], light.ambient.mean()
    scale = camera.intrinsics[0] / max(float(camera.to_camera(hulls[0])[:, 2].mean()), _NEAREST)
    slope = towards / towards[2]
    cast = _mask([points - points[:, 2:] * slope for points in hulls], camera, size)
    cast = _soften(cast, (15 + 700 * light.size) * scale)
    low = [points[points[:, 2] < _CONTACT] for points in hulls if points[:, 2].min() < _CONTACT]
    contact = _mask([points * (1, 1, 0) for points in low if len(points) > 2], camera, size)
    contact = _soften(contact, 70 * scale)
    left = 1 - cast * direct / (direct + ambient)
    return ((left * (1 - 0.55 * contact)) ** np.float32(1 / 2.2))[..., None]


def _mask(parts: list[np.ndarray], camera: Camera, size: int) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    if not parts:
        return mask
    seen = camera.to_camera(np.concatenate(parts))
    pixels = seen[:, :2] / np.maximum(seen[:, 2:], 1) * camera.intrinsics[:2] + camera.intrinsics[2:4]
    pixels = (np.clip(pixels, -4 * size, 5 * size) * 2**_BITS).astype(np.int32)
    start = 0
    for part in parts:
        own = slice(start, start := start + len(part))
        if seen[own, 2].min() > _NEAREST:
            cv2.fillConvexPoly(mask, cv2.convexHull(pixels[own]), 255, cv2.LINE_AA, _BITS)
    return mask


def _soften(mask: np.ndarray, sigma: float) -> np.ndarray:
    sigma = float(np.clip(sigma, 0.5, 0.08 * len(mask)))
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma)
