"""Renders pictures: rays on the CPU through embree, Lambert's law, a light with shadow, ambient light.

The world's frame: millimetres, z up, the ground at z = 0. Colours are linear light.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

_SAMPLES = 2  # rays a pixel's side where meshes are seen
_DIAGONAL = (0.25, 0.75)  # where `figure` samples a pixel, in x and in y
_LIFT = 2.0  # mm, lifts the starts of shadow rays off their surface
_HIDDEN_AMBIENT = 0.25  # the share of ambient light that comes from what hides the rest


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `rotation` [3, 3] from world to camera, `centre` [3] in the world, and the
    `intrinsics` [9] of its picture."""

    rotation: np.ndarray
    centre: np.ndarray
    intrinsics: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points [..., 3] in the camera's frame."""
        return (points - self.centre) @ self.rotation.T


@dataclass(frozen=True)
class Surface:
    """A mesh in the world and how it is painted.

    Attributes:
      vertices: [V, 3]. triangles: [F, 3].
      normals: [V, 3]; None: each triangle is flat.
      fields: [V, K] float32, interpolated and given to `paint`: [N, K] -> colours [N, 3].
      relief: [N, K] -> [N, 3], what folds add to the interpolated normals; None: nothing.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray | None
    fields: np.ndarray
    paint: Callable[[np.ndarray], np.ndarray]
    relief: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Light:
    """A far light: `direction` [3] towards it, its colour and that of the ambient light [3], and the
    `size` of the light: the tangent of its radius. `fill` are the direction and colour [3] of a weaker one
    that casts no shadow."""

    direction: np.ndarray
    colour: np.ndarray
    ambient: np.ndarray
    size: float
    fill: tuple[np.ndarray, np.ndarray] | None = None


class Tracer:
    """Surfaces made ready for rays; one tracer serves every camera that sees the same surfaces."""

    def __init__(self, surfaces: list[Surface]):
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self.surfaces = surfaces
        self._starts = np.cumsum([0] + [len(surface.vertices) for surface in surfaces])
        vertices = np.concatenate([surface.vertices for surface in surfaces]).astype(np.float32)
        self._triangles = np.concatenate(
            [surface.triangles + start for surface, start in zip(surfaces, self._starts, strict=False)]
        ).astype(np.int32)
        self._owner = np.repeat(np.arange(len(surfaces)), [len(surface.triangles) for surface in surfaces])
        self._scene = EmbreeScene()
        TriangleMesh(self._scene, vertices, self._triangles)

    def hidden(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """True [N] where a ray from `origins` along `directions` [N, 3] hits something."""
        rays = (array.astype(np.float32, copy=False) for array in (origins, directions))
        return self._scene.run(*rays, query="OCCLUDED") >= 0

    def meet(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, ...]:
        """What rays from `origin` [3] along `directions` [N, 3] meet: the numbers of the rays that hit
        something [H], and there colours, unit normals towards the camera and points [H, 3]."""
        hits = self._scene.run(np.repeat(origin[None], len(directions), axis=0), directions, output=True)
        hit = np.nonzero(hits["primID"] >= 0)[0]
        owner, corners = self._owner[hits["primID"][hit]], self._triangles[hits["primID"][hit]]
        u, v = hits["u"][hit], hits["v"][hit]
        weights = np.stack([1 - u - v, u, v], axis=1)
        albedo, normals = np.empty((len(hit), 3), np.float32), hits["Ng"][hit]
        for index, surface in enumerate(self.surfaces):
            own = np.nonzero(owner == index)[0]
            around = corners[own] - self._starts[index]
            fields = np.einsum("nc,nck->nk", weights[own], surface.fields[around])
            albedo[own] = surface.paint(fields)
            if surface.normals is not None:
                normals[own] = np.einsum("nc,nck->nk", weights[own], surface.normals[around])
            if surface.relief is not None:
                normals[own] += surface.relief(fields)
        normals *= -np.sign(_dot(normals, directions[hit]))[:, None]  # towards the camera
        return hit, albedo, _unit(normals), origin + hits["tfar"][hit, None] * directions[hit]

    def shade(
        self, origin: np.ndarray, directions: np.ndarray, light: Light, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The colours [N, 3] that rays from `origin` [3] along `directions` [N, 3] see, and which of them
        hit something [N]; zeros where nothing was hit."""
        hit, albedo, normals, points = self.meet(origin, directions)
        colours, solid = np.zeros((len(directions), 3), np.float32), np.zeros(len(directions), bool)
        colours[hit] = albedo * irradiance(normals, light, *self.visible(points, normals, light, rng))
        solid[hit] = True
        return colours, solid

    def visible(
        self, points: np.ndarray, normals: np.ndarray, light: Light, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """How much of the light and of its surroundings `points` [N, 3] see, [N] each: one ray towards a
        random place on the light and one into a random direction, so it is grainy."""
        starts = points + _LIFT * normals
        scatter = rng.standard_normal((2, len(points), 3), np.float32)
        towards = light.direction.astype(np.float32) + light.size * scatter[0]
        direct = np.where(self.hidden(starts, towards), 0.0, 1.0)
        around = normals + 0.58 * scatter[1]
        ambient = np.where(self.hidden(starts, around), _HIDDEN_AMBIENT, 1.0)
        return direct.astype(np.float32), ambient.astype(np.float32)


def render(
    tracer: Tracer, backdrop, light: Light, camera: Camera, size: int, rng: np.random.Generator
) -> np.ndarray:
    """The picture [size, size, 3] float32, linear light.

    Args:
      backdrop: has `look(origin, directions) -> colours, points, normals`, [N, 3] each, where points are
        what the rays meet that shadows fall on (NaN: none).
    """
    origin = camera.centre.astype(np.float32)
    rays, offsets = _rays(camera, size)
    picture = _behind(tracer, backdrop, light, origin, rays, rng).reshape(size, size, 3)

    seen = tracer.hidden(np.repeat(origin[None], len(rays), axis=0), rays).reshape(size, size)
    seen = cv2.dilate(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    some = rays.reshape(size, size, 3)[seen]
    colours, hit = tracer.shade(origin, (some + offsets[:, None]).reshape(-1, 3), light, rng)
    uncovered = 1 - hit.reshape(len(offsets), -1).mean(axis=0, dtype=np.float32)
    picture[seen] = colours.reshape(len(offsets), -1, 3).mean(axis=0) + picture[seen] * uncovered[:, None]
    return picture


def figure(
    tracer: Tracer, light: Light, camera: Camera, region: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The surfaces alone, in a part of the camera's picture.

    Args:
      region: (left, top, width, height), whole pixels.

    Returns:
      [height, width, 4] float32: linear light, multiplied by how much of the pixel is covered, and that.
    """
    left, top, width, height = (int(edge) for edge in region)
    fx, fy, cx, cy = camera.intrinsics[:4]
    right, down, forward = camera.rotation.astype(np.float32)
    rays = []
    for place in _DIAGONAL:
        x, y = (
            ((start + np.arange(count) + place - c) / f).astype(np.float32)[:, None]
            for start, count, c, f in ((left, width, cx, fx), (top, height, cy, fy))
        )
        rays.append(((y * down)[:, None] + x * right + forward).reshape(-1, 3))
    hit, albedo, normals, points = tracer.meet(camera.centre.astype(np.float32), np.concatenate(rays))
    # What a pixel sees of the light is found from its first sample and smoothed over its neighbours.
    first = np.searchsorted(hit, height * width)
    seen = np.zeros((height * width, 3), np.float32)
    lit = tracer.visible(points[:first], normals[:first], light, rng)
    seen[hit[:first]] = np.stack([*lit, np.ones(first, np.float32)], axis=1)
    seen = cv2.GaussianBlur(seen.reshape(height, width, 3), (5, 5), 1.0).reshape(-1, 3)
    direct, ambient, known = seen[hit % (height * width)].T
    known = np.maximum(known, 1e-3)
    result = np.zeros((len(_DIAGONAL), height * width, 4), np.float32)
    shown = albedo * irradiance(normals, light, direct / known, ambient / known)
    result.reshape(-1, 4)[hit] = np.concatenate([shown, np.ones((len(hit), 1), np.float32)], axis=1)
    return result.mean(axis=0).reshape(height, width, 4)


def _behind(tracer: Tracer, backdrop, light: Light, origin, rays, rng) -> np.ndarray:
    """The backdrop as the `rays` [size * size, 3] see it, with the meshes' shadows on it."""
    size = round(len(rays) ** 0.5)
    colours, points, normals = backdrop.look(origin, rays)
    # Shadows are soft: a quarter of the pixels is enough, and a blur takes the grain away.
    thinned = np.arange(size * size).reshape(size, size)[::2, ::2]
    some = thinned[np.isfinite(points[thinned, 0])]
    maps = np.ones((size * size, 2), np.float32)
    maps[some] = np.stack(tracer.visible(points[some], normals[some], light, rng), axis=1)
    maps = cv2.GaussianBlur(maps.reshape(size, size, 2)[::2, ::2], (0, 0), 0.8 * size / 128)
    maps = cv2.resize(maps, (size, size)).reshape(-1, 2)
    solid = np.isfinite(points[:, 0])
    colours[solid] *= irradiance(normals[solid], light, *maps[solid].T)
    return colours


def irradiance(normals: np.ndarray, light: Light, direct: np.ndarray, ambient: np.ndarray) -> np.ndarray:
    """The light [N, 3] on surfaces with `normals` [N, 3] that see so much of light and surroundings [N]."""
    facing = np.maximum(normals @ light.direction.astype(np.float32), 0) * direct
    upward = ambient * (0.75 + 0.25 * normals[:, 2])
    result = facing[:, None] * light.colour.astype(np.float32)
    result += upward[:, None] * light.ambient.astype(np.float32)
    if light.fill is not None:
        direction, colour = (array.astype(np.float32) for array in light.fill)
        result += (np.maximum(normals @ direction, 0) * ambient)[:, None] * colour
    return result


def _rays(camera: Camera, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rays in the world through the pixels' centres, [size * size, 3] float32, as long as they reach one
    millimetre deep, and what leads from them to the samples of a pixel [samples, 3]."""
    fx, fy, cx, cy = camera.intrinsics[:4]
    right, down, forward = camera.rotation.astype(np.float32)
    x, y = ((np.arange(size) + 0.5 - c).astype(np.float32)[:, None] for c in (cx, cy))
    rays = (y / np.float32(fy) * down)[:, None] + x / np.float32(fx) * right + forward
    steps = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5).astype(np.float32)[:, None]
    offsets = (steps / np.float32(fy) * down)[:, None] + steps / np.float32(fx) * right
    return rays.reshape(-1, 3), offsets.reshape(-1, 3)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nk,nk->n", a, b)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt(_dot(vectors, vectors) + 1e-12)[:, None]
