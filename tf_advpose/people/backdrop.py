"""Where synthetic people are: rooms and open places, painted by where a ray meets floor, wall or sky.

The world's frame: millimetres, z up, the ground at z = 0.
"""

from dataclasses import dataclass

import numpy as np

from tf_advpose.people.textures import linear, noise, pattern

_NAN = np.float32(np.nan)


@dataclass(frozen=True)
class Paint:
    """A surface's two colours [2, 3] in a pattern of `scale` mm, seen less the farther it is away."""

    colours: np.ndarray
    kind: str
    scale: float
    seed: int

    def at(self, u: np.ndarray, v: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Colours [N, 3] at surface coordinates `u`, `v` [N] mm, seen from `distance` [N] mm."""
        share = pattern(self.kind, u / self.scale, v / self.scale, self.seed)
        # A pixel far away covers many repeats and shows their mean.
        fade = np.clip(1.5 - distance / (150 * self.scale), 0, 1)
        share = (0.4 + fade * (share - 0.4))[:, None]
        colour = self.colours[0] * (1 - share) + self.colours[1] * share
        return colour * (0.8 + 0.4 * noise(u / 6000, v / 6000, self.seed + 1))[:, None]


@dataclass(frozen=True)
class Room:
    """A box with floor, four walls and ceiling: half its `extent` (x, y), `height`, and `panels`.

    Attributes:
      panels: (wall, left, right, bottom, top, colour [3], glow): doors, windows, posters and shelves;
        wall 0..3 is +x, -x, +y, -y; glow 1 means it shines by itself.
    """

    extent: np.ndarray
    height: float
    floor: Paint
    wall: Paint
    panels: tuple = ()

    def look(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Colours, points and normals [N, 3] that rays from `origin` [3] along `directions` [N, 3] meet."""
        high = np.append(self.extent, self.height).astype(np.float32)
        low = np.append(-self.extent, 0.0).astype(np.float32)
        with np.errstate(divide="ignore"):
            reach = np.where(directions > 0, high - origin, low - origin) / directions
        axis = reach.argmin(axis=1)
        distance = np.take_along_axis(reach, axis[:, None], axis=1)[:, 0]
        points = origin + distance[:, None] * directions
        normals = np.zeros_like(points)
        sign = np.take_along_axis(np.sign(directions), axis[:, None], axis=1)
        np.put_along_axis(normals, axis[:, None], -sign, axis=1)
        colours = np.empty_like(points)
        x, y, z = points.T
        floor, ceiling = (axis == 2) & (directions[:, 2] < 0), (axis == 2) & (directions[:, 2] > 0)
        colours[floor] = self.floor.at(x[floor], y[floor], distance[floor])
        colours[ceiling] = 0.7
        wall = axis < 2
        along = np.where(axis == 0, y, x)
        colours[wall] = self.wall.at(along[wall], z[wall], distance[wall])
        which = np.where(wall, 2 * axis + (sign[:, 0] < 0), -1)
        colours[wall & (z < 90)] *= 0.6  # skirting board
        for number, left, right, bottom, top, colour, glow in self.panels:
            inside = (which == number) & (along > left) & (along < right) & (z > bottom) & (z < top)
            colours[inside] = colour * (0.9 + 0.2 * noise(along[inside] / 3000, z[inside] / 3000, number)[:, None])
            points[inside & bool(glow)] = _NAN
        return colours, points, normals


@dataclass(frozen=True)
class Outdoors:
    """Ground to the horizon, the sky, and two rows of silhouettes (trees, hills or houses) before it.

    Attributes:
      sky: [2, 3] colours at the horizon and above. clouds: their share.
      rows: (distance mm, lowest and highest top mm, paint, roughness, windows) from far to near.
    """

    ground: Paint
    sky: np.ndarray
    clouds: float
    rows: tuple
    seed: int

    def look(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Room.look`; points are NaN where nothing near enough for a shadow is met."""
        directions = directions / np.sqrt(np.einsum("nk,nk->n", directions, directions))[:, None]
        up = directions[:, 2]
        azimuth = np.arctan2(directions[:, 1], directions[:, 0])
        rise = np.clip(up, 0, 1)[:, None]
        colours = self.sky[0] * (1 - rise) ** 3 + self.sky[1] * (1 - (1 - rise) ** 3)
        high = np.maximum(up, 0.03)
        cloud = noise(directions[:, 0] / high / 12, directions[:, 1] / high / 12, self.seed)
        cloud = np.clip((cloud - 0.75 + 0.5 * self.clouds) * 3, 0, 0.9)[:, None]
        colours = (colours * (1 - cloud) + cloud * 0.9).astype(np.float32)
        points = np.full_like(directions, _NAN)
        normals = np.zeros_like(directions)
        normals[:, 2] = 1
        level = np.hypot(directions[:, 0], directions[:, 1]) + 1e-6
        with np.errstate(divide="ignore"):
            reach = np.where(up < -1e-4, -origin[2] / up, np.inf)
        ground = np.nonzero(reach < 4e5)[0]
        met = origin + reach[ground, None] * directions[ground]
        colours[ground] = self.ground.at(met[:, 0], met[:, 1], reach[ground])
        near = reach[ground] < 4e4
        points[ground[near]] = met[near]
        for distance, lowest, highest, paint, roughness, windows in self.rows:
            along = azimuth * distance
            cell = np.floor(along / 9000) / 40 if windows else azimuth / 2
            top = lowest + (highest - lowest) * np.clip(noise(cell, cell * 0.3, self.seed), 0, 1)
            if not windows:
                top = top + roughness * (noise(azimuth * 6, azimuth, self.seed + 1) - 0.5)
            height = origin[2] + up / level * distance
            hit = (height < top) & (height > 0) & (reach * level > distance)
            colours[hit] = paint.at(along[hit], height[hit], np.full(hit.sum(), 0.2 * distance))
            if windows:
                pane = hit & (np.mod(along, 3000) < 1400) & (np.mod(height, 3200) > 1300)
                colours[pane] = colours[pane] * 0.35 + 0.05
        return colours, points, normals
