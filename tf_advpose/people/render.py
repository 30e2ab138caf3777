"""Renders a picture: rays on the CPU through embree, Lambert's law, one light with shadow, ambient light.

The world's frame: millimetres, z up, the ground at z = 0.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_SAMPLES = 2  # rays a pixel's side for meshes
_OFFSET = 2.0  # mm, lifts the starts of shadow rays off their surface
_FAR = 1e6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `rotation` [3, 3] (world to camera), `centre` [3] in the world, `intrinsics` [9]
    of the picture."""

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
      vertices: [V, 3]. triangles: [F, 3]. normals: [V, 3]; None: each triangle is flat.
      fields: [V, K], interpolated and given to `paint`.
      paint: [N, K] fields -> [N, 3] colours, linear.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray | None
    fields: np.ndarray
    paint: object


@dataclass(frozen=True)
class Light:
    """A far light: `direction` [3] towards it, its colour and that of the ambient light [3], and its
    `size`, the tangent of its radius as seen from the ground."""

    direction: np.ndarray
    colour: np.ndarray
    ambient: np.ndarray
    size: float


class Tracer:
    """Surfaces made ready for rays; one tracer serves every camera that sees the same surfaces."""

    def __init__(self, surfaces: list[Surface]):
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self.surfaces = surfaces
        starts = np.cumsum([0] + [len(surface.vertices) for surface in surfaces])
        self._vertices = np.concatenate([surface.vertices for surface in surfaces]).astype(np.float32)
        self._triangles = np.concatenate(
            [surface.triangles + start for surface, start in zip(surfaces, starts, strict=False)]
        ).astype(np.int32)
        self._owner = np.repeat(np.arange(len(surfaces)), [len(surface.triangles) for surface in surfaces])
        self._starts = starts
        self._scene = EmbreeScene()
        TriangleMesh(self._scene, self._vertices, self._triangles)

    def first(self, origins: np.ndarray, directions: np.ndarray) -> dict:
        """What rays [N, 3] hit first: embree's primID (-1: nothing), tfar, u, v, Ng."""
        return self._scene.run(origins, directions, output=True)

    def hidden(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """True [N] where a ray hits something."""
        return self._scene.run(origins, directions, query="OCCLUDED") >= 0

    def shade(self, hits: dict, directions: np.ndarray, light: Light, rng: np.random.Generator, centre) -> np.ndarray:
        """The colours [N, 3] of the rays' hits (zeros where nothing was hit)."""
        colours = np.zeros((len(directions), 3), np.float32)
        hit = np.nonzero(hits["primID"] >= 0)[0]
        primitive = hits["primID"][hit]
        u, v = hits["u"][hit, None], hits["v"][hit, None]
        points = centre + hits["tfar"][hit, None] * directions[hit]
        corners = self._triangles[primitive]
        albedo = np.empty((len(hit), 3), np.float32)
        normals = np.empty((len(hit), 3), np.float32)
        owner = self._owner[primitive]
        for index, surface in enumerate(self.surfaces):
            own = np.nonzero(owner == index)[0]
            if not len(own):
                continue
            a, b, c = (corners[own] - self._starts[index]).T
            weights = 1 - u[own] - v[own], u[own], v[own]
            fields = sum(weight * surface.fields[corner] for weight, corner in zip(weights, (a, b, c), strict=True))
            albedo[own] = surface.paint(fields)
            if surface.normals is None:
                normals[own] = hits["Ng"][hit[own]]
            else:
                normals[own] = sum(
                    weight * surface.normals[corner] for weight, corner in zip(weights, (a, b, c), strict=True)
                )
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        facing = np.einsum("nk,nk->n", normals, directions[hit]) > 0
        normals[facing] *= -1
        colours[hit] = albedo * self.irradiance(points, normals, light, rng)
        return colours

    def irradiance(self, points: np.ndarray, normals: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
        """The light [N, 3] that falls on `points` [N, 3] with `normals` [N, 3]."""
        origins = (points + _OFFSET * normals).astype(np.float32)
        towards = light.direction + light.size * rng.normal(size=points.shape)
        towards = (towards / np.linalg.norm(towards, axis=1, keepdims=True)).astype(np.float32)
        direct = np.maximum(np.einsum("nk,nk->n", normals, towards), 0)
        direct[self.hidden(origins, towards)] = 0
        # One more ray into a random direction says how open the surroundings are.
        around = normals + rng.normal(size=points.shape) * 0.58
        around = (around / np.linalg.norm(around, axis=1, keepdims=True)).astype(np.float32)
        open_sky = np.where(self.hidden(origins, around), 0.25, 1.0) * (0.75 + 0.25 * normals[:, 2])
        return direct[:, None] * light.colour + open_sky[:, None] * light.ambient


def pixel_directions(camera: Camera, size: int, samples: int) -> np.ndarray:
    """Unit rays in the world through a picture's samples, [size * samples, size * samples, 3] float32."""
    fx, fy, cx, cy = camera.intrinsics[:4]
    steps = (np.arange(size * samples) + 0.5) / samples
    rays = np.empty((len(steps), len(steps), 3), np.float32)
    rays[:, :, 0] = (steps - cx) / fx
    rays[:, :, 1] = ((steps - cy) / fy)[:, None]
    rays[:, :, 2] = 1
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    return rays @ camera.rotation.astype(np.float32)


def render(tracer: Tracer, backdrop, light: Light, camera: Camera, size: int, rng: np.random.Generator) -> np.ndarray:
    """The picture [size, size, 3] float32, linear light.

    Args:
      backdrop: has `look(origin, directions) -> colours, points, normals`, where points are where the
        ray meets something that shadows fall on (NaN: the sky).
    """
    origin = camera.centre.astype(np.float32)
    coarse = pixel_directions(camera, size, 1).reshape(-1, 3)
    albedo, points, normals = backdrop.look(origin, coarse)
    solid = np.nonzero(np.isfinite(points[:, 0]))[0]
    lit = np.ones((size * size, 3), np.float32)
    lit[solid] = tracer.irradiance(points[solid], normals[solid], light, rng)
    # One ray a pixel leaves soft shadows grainy.
    behind = albedo.reshape(size, size, 3) * cv2.GaussianBlur(lit.reshape(size, size, 3), (0, 0), size / 128)

    rays = pixel_directions(camera, size, _SAMPLES).reshape(-1, 3)
    origins = np.broadcast_to(origin, rays.shape).astype(np.float32)
    hits = tracer.first(origins, rays)
    colours = tracer.shade(hits, rays, light, rng, origin).reshape(size, _SAMPLES, size, _SAMPLES, 3)
    covered = (hits["primID"] >= 0).reshape(size, _SAMPLES, size, _SAMPLES).mean(axis=(1, 3))
    return colours.mean(axis=(1, 3)) + behind * (1 - covered[:, :, None])
