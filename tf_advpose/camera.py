"""The pinhole camera with Human3.6M's lens distortion, and the way from crop pixels to millimetres.

`intrinsics` are nine numbers, as Human3.6M gives them: focal lengths fx, fy, centre cx, cy, radial
coefficients k1, k2, k3 and tangential coefficients p1, p2. Points are in the camera frame: x right,
y down, z away from the camera, millimetres. Image points are pixels; the centre of the top-left pixel
is (0.5, 0.5).
"""

import numpy as np

UNDISTORT_ITERATIONS = 20


def _distort(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Applies the lens to normalised image `points` [..., N, 2]; `intrinsics` [..., 9].

    Human3.6M adds the tangential factor p2 x + p1 y once, OpenCV twice: they are not the same lens.
    """
    radial, tangential = intrinsics[..., None, 4:7], intrinsics[..., None, 7:9]
    squared = np.sum(points**2, axis=-1, keepdims=True)
    powers = np.concatenate([squared, squared**2, squared**3], axis=-1)
    factor = 1 + np.sum(radial * powers, -1, keepdims=True)
    factor = factor + np.sum(tangential * points[..., ::-1], -1, keepdims=True)
    return points * factor + tangential[..., ::-1] * squared


def project(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Projects camera-frame `points` [..., N, 3] to image pixels [..., N, 2]; `intrinsics` [..., 9]."""
    normalised = points[..., :2] / points[..., 2:]
    return _distort(normalised, intrinsics) * intrinsics[..., None, 0:2] + intrinsics[..., None, 2:4]


def back_project(pixels: np.ndarray, z: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """The camera-frame points [..., N, 3] seen at `pixels` [..., N, 2] at the distances `z` [..., N] mm.

    The lens is inverted by Newton's method along the radius; Human3.6M's lenses converge below 1e-6
    pixels within their photos. Pixels beyond all that the lens shows get the ray of its edge.
    """
    distorted = (pixels - intrinsics[..., None, 2:4]) / intrinsics[..., None, 0:2]
    radial = intrinsics[..., None, 4:7] * np.array([3.0, 5.0, 7.0])
    points, edge = distorted, _edge(intrinsics)
    for _ in range(UNDISTORT_ITERATIONS):
        squared = np.sum(points**2, axis=-1, keepdims=True)
        powers = np.concatenate([squared, squared**2, squared**3], axis=-1)
        slope = 1 + np.sum(radial * powers, axis=-1, keepdims=True)
        # Without the slope the steps overshoot for crops that reach beyond the photo's edge.
        points = points + (distorted - _distort(points, intrinsics)) / np.maximum(slope, 1)
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        points = points * np.minimum(edge / np.maximum(radius, 1e-12), 1)
    return np.concatenate([points * z[..., None], z[..., None]], axis=-1)


def _edge(intrinsics: np.ndarray) -> np.ndarray:
    """The radius [..., 1, 1] up to which a lens takes what is farther out farther out; inf: everywhere."""
    lenses, number = np.unique(intrinsics[..., 4:7].reshape(-1, 3), axis=0, return_inverse=True)
    edges = np.full(len(lenses), np.inf)
    for lens, (k1, k2, k3) in enumerate(lenses):
        turns = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])  # where the radius's slope is 0, of its square
        turns = turns.real[(np.abs(turns.imag) < 1e-9) & (turns.real > 0)]
        edges[lens] = np.sqrt(turns.min(initial=np.inf))
    return edges[number].reshape(*intrinsics.shape[:-1], 1, 1)


def tight_box(points: np.ndarray) -> np.ndarray:
    """The smallest box (x, y, width, height) around image `points` [N, 2]."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate([low, high - low])


def mm_per_pixel(root_depth: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Millimetres that one image pixel spans at `root_depth` [...] mm; `intrinsics` [..., 9]."""
    return root_depth / intrinsics[..., :2].mean(axis=-1)


def joints_from_crop(
    joints_2d: np.ndarray,
    depth: np.ndarray,
    mm_per_pixel: np.ndarray,
    root_depth: np.ndarray,
    intrinsics: np.ndarray,
    crop_to_image: np.ndarray,
    crop_size: int,
) -> np.ndarray:
    """Camera-frame joints, absolute, [N, P, 3] mm, from what the network predicts in a crop.

    Args:
      joints_2d: [N, P, 2] crop pixels.
      depth: [N, P] half-crop units, relative to the root.
      mm_per_pixel: [N] millimetres one crop pixel spans at the root's depth.
      root_depth: [N] millimetres.
      intrinsics: [N, 9] of the image that the crop was cut from.
      crop_to_image: [N, 2, 3] affine map from crop to image pixels.
      crop_size: side of the crop in pixels.
    """
    z = root_depth[:, None] + depth * (crop_size / 2) * mm_per_pixel[:, None]
    pixels = np.einsum("nij,npj->npi", crop_to_image[:, :, :2], joints_2d) + crop_to_image[:, None, :, 2]
    return back_project(pixels, z, intrinsics)
