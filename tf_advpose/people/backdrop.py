"""Where synthetic people are: rooms and open places, painted by where a ray meets floor, wall or sky.

The world's frame: millimetres, z up, the ground at z = 0. Colours are linear light.
"""

from dataclasses import dataclass

import numpy as np

from tf_advpose.people.textures import noise, pattern

_SHADOWS_REACH = 4e4  # mm from the camera; beyond nobody sees them
_HORIZON = 4e5  # mm


@dataclass(frozen=True)
class Paint:
    """A surface's two colours [2, 3] in a pattern that repeats every `scale` mm."""

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
class Panel:
    """A door, window, poster or board on a wall: 0 to 3 is +x, -x, +y, -y; edges in mm, from the wall's
    middle and the floor; a `glowing` one, a window or a screen, takes no shadow."""

    wall: int
    left: float
    right: float
    bottom: float
    top: float
    colour: np.ndarray
    glowing: bool = False


@dataclass(frozen=True)
class Room:
    """Floor, four walls at plus and minus `extent` (x, y) mm, and a ceiling at `height` mm."""

    extent: np.ndarray
    height: float
    floor: Paint
    wall: Paint
    panels: tuple[Panel, ...]

    def look(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Colours, points and normals [N, 3] where rays from `origin` [3] along `directions` [N, 3] end;
        points are NaN where no shadow falls."""
        high = np.append(self.extent, self.height).astype(np.float32)
        low = np.append(-self.extent, 0.0).astype(np.float32)
        with np.errstate(divide="ignore"):
            reach = np.where(directions > 0, high - origin, low - origin) / directions
        reach[directions == 0] = np.inf
        axis = reach.argmin(axis=1)
        distance = np.take_along_axis(reach, axis[:, None], axis=1)[:, 0]
        points = origin + distance[:, None] * directions
        sign = np.take_along_axis(np.sign(directions), axis[:, None], axis=1)
        normals = np.zeros_like(points)
        np.put_along_axis(normals, axis[:, None], -sign, axis=1)

        x, y, z = points.T
        colours = np.full_like(points, 0.7)  # the ceiling
        floor, wall = (axis == 2) & (sign[:, 0] < 0), axis < 2
        colours[floor] = self.floor.at(x[floor], y[floor], distance[floor])
        along = np.where(axis == 0, y, x)
        colours[wall] = self.wall.at(along[wall], z[wall], distance[wall])
        colours[wall & (z < 90)] *= 0.6  # skirting board
        number = np.where(wall, 2 * axis + (sign[:, 0] < 0), -1)
        dark = np.zeros(len(points), bool)
        for panel in self.panels:
            inside = (number == panel.wall) & (along > panel.left) & (along < panel.right)
            inside &= (z > panel.bottom) & (z < panel.top)
            shade = 0.9 + 0.2 * noise(along[inside] / 3000, z[inside] / 3000, panel.wall)
            colours[inside] = panel.colour * shade[:, None]
            dark[inside] = panel.glowing
        points[dark] = np.nan
        return colours, points, normals


@dataclass(frozen=True)
class Row:
    """A row of trees, hills or houses around a place: how far away, how low and high its top lies, how
    rough that is, all mm; `houses` have level tops and windows."""

    distance: float
    lowest: float
    highest: float
    roughness: float
    paint: Paint
    houses: bool = False


@dataclass(frozen=True)
class Outdoors:
    """Ground to the horizon, `sky` [2, 3] (its colours at the horizon and above) with a share of `clouds`,
    and rows from far to near before it."""

    ground: Paint
    sky: np.ndarray
    clouds: float
    rows: tuple[Row, ...]
    seed: int

    def look(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Room.look`."""
        directions = directions / np.sqrt(np.einsum("nk,nk->n", directions, directions))[:, None]
        up = directions[:, 2]
        level = np.hypot(directions[:, 0], directions[:, 1]) + 1e-6
        azimuth = np.arctan2(directions[:, 1], directions[:, 0])
        colours = self._sky(directions)
        with np.errstate(divide="ignore"):
            reach = np.where(up < -1e-4, -origin[2] / up, np.inf)
        points, normals = np.full_like(directions, np.nan), np.zeros_like(directions)
        normals[:, 2] = 1
        ground = np.nonzero(reach < _HORIZON)[0]
        met = origin + reach[ground, None] * directions[ground]
        colours[ground] = self.ground.at(met[:, 0], met[:, 1], reach[ground])
        near = reach[ground] < _SHADOWS_REACH
        points[ground[near]] = met[near]
        for row in self.rows:
            along, height = azimuth * row.distance, origin[2] + up / level * row.distance
            shape = np.floor(along / 9000) / 40 if row.houses else azimuth / 2
            top = row.lowest + (row.highest - row.lowest) * noise(shape, shape * 0.3, self.seed)
            top = top + row.roughness * (noise(azimuth * 6, azimuth, self.seed + 1) - 0.5)
            hit = (height < top) & (height > 0) & (reach * level > row.distance)
            seen_from = np.full(hit.sum(), 0.2 * row.distance)
            colours[hit] = row.paint.at(along[hit], height[hit], seen_from)
            if row.houses:
                pane = hit & (np.mod(along, 3000) < 1400) & (np.mod(height, 3200) > 1300)
                colours[pane] = colours[pane] * 0.35 + 0.05
            points[hit] = np.nan
        return colours, points, normals

    def _sky(self, directions: np.ndarray) -> np.ndarray:
        up = directions[:, 2]
        horizon = ((1 - np.clip(up, 0, 1)) ** 3)[:, None]
        blue = self.sky[0] * horizon + self.sky[1] * (1 - horizon)
        high = np.maximum(up, 0.03) * 12
        cloud = noise(directions[:, 0] / high, directions[:, 1] / high, self.seed)
        cloud = np.clip((cloud - 0.75 + 0.5 * self.clouds) * 3, 0, 0.9)[:, None]
        return (blue * (1 - cloud) + 0.9 * cloud).astype(np.float32)
