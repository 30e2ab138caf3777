"""Skirts and long hair: grids of vertices hung around the resting body and fixed to its rig."""

import numpy as np

from tf_advpose.people.body import RIG, RIG_INDEX, Body, load_template

_COLUMNS, _ROWS = 24, 8


def skirt(body: Body, hem: float, waist: float, loose: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A skirt from the height `waist` (0 hips, 1 shoulders) to `hem` (1 knees, 2 ankles).

    Args:
      loose: mm off the body at the hem.

    Returns:
      Vertices [V, 3] mm, triangles [F, 3] and weights on the rig [V, J].
    """
    hip, knee, ankle, shoulder = (
        body.joints[RIG_INDEX[f"left_{part}"], 2] for part in ("thigh", "shin", "foot", "upper_arm")
    )
    top = hip + waist * (shoulder - hip)
    bottom = np.interp(hem, (0, 1, 2), (hip, knee, ankle))
    arms = load_template().weights[
        :, [RIG_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("forearm", "hand")]
    ]
    trunk = body.vertices[arms.sum(axis=1) < 0.1]
    angles = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    rows, half_width, half_depth = [], 0.0, 0.0
    for z in np.linspace(top, bottom, _ROWS):
        near = trunk[np.abs(trunk[:, 2] - z) < 40]
        low, high = near.min(axis=0), near.max(axis=0)
        # Cloth hangs straight down from the widest place above.
        half_width = max(half_width, (high[0] - low[0]) / 2)
        half_depth = max(half_depth, (high[1] - low[1]) / 2)
        share = (top - z) / (top - bottom)
        out = 6 + (2 * loose + 25) * share
        folds = 1 + 0.06 * share * np.cos(8 * angles)
        x, y = (half_width + out) * folds * np.sin(angles), (half_depth + out) * folds * np.cos(angles)
        rows.append(np.stack([x, y + (low[1] + high[1]) / 2, np.full_like(x, z)], axis=1))
    vertices = np.concatenate(rows)
    weights = np.zeros((len(vertices), len(RIG)))
    down = np.clip((hip + 60 - vertices[:, 2]) / (hip - knee), 0, 1) ** 0.7
    calf = 0.6 * np.clip((knee - vertices[:, 2]) / (knee - ankle), 0, 1)
    left = np.clip(0.5 + vertices[:, 0] / 180, 0, 1)
    weights[:, RIG_INDEX["pelvis"]] = 1 - 0.9 * down
    for side, share in (("left", left), ("right", 1 - left)):
        weights[:, RIG_INDEX[f"{side}_thigh"]] = 0.9 * down * share * (1 - calf)
        weights[:, RIG_INDEX[f"{side}_shin"]] = 0.9 * down * share * calf
    return vertices, _grid(_ROWS, _COLUMNS, closed=True), weights


def long_hair(body: Body, length: float, volume: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hair that hangs behind the head, `length` mm below its middle; returns as `skirt` does."""
    middle = (body.joints[RIG_INDEX["neck2"]] + body.head_top) / 2
    angles = np.radians(np.linspace(-115, 115, _COLUMNS))
    rows = []
    for share in np.linspace(0, 1, _ROWS):
        narrow = 1 - 0.25 * share
        x = (78 + volume) * narrow * np.sin(angles)
        y = 15 + (85 + 1.2 * volume + 30 * np.sin(np.pi * share)) * np.cos(angles)
        z = 30 - share * (length + 30) + 12 * np.sin(5 * angles) * share
        rows.append(middle + np.stack([x, y, z * np.ones_like(x)], axis=1))
    vertices = np.concatenate(rows)
    weights = np.zeros((len(vertices), len(RIG)))
    hanging = 0.6 * np.clip((middle[2] - 120 - vertices[:, 2]) / 250, 0, 1)
    weights[:, RIG_INDEX["head"]] = 1 - hanging
    weights[:, RIG_INDEX["chest"]] = hanging
    return vertices, _grid(_ROWS, _COLUMNS, closed=False), weights


def brim(
    body: Body, spread: float, width: float, heading: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A hat's brim, `width` mm wide, `spread` radians to both sides of `heading` (0 is the front); returns
    as `skirt` does."""
    middle = (body.joints[RIG_INDEX["neck2"]] + body.head_top) / 2
    angles = heading + np.linspace(-spread, spread, _COLUMNS)
    rows = []
    for share in (0.0, 0.5, 1.0):
        out = share * width * np.cos((angles - heading) * min(1.0, 1.2 / spread)) ** 0.5
        x, y = (76 + out) * np.sin(angles), -(92 + out) * np.cos(angles)
        rows.append(middle + np.stack([x, y, np.full_like(x, 46 - 14 * share)], axis=1))
    vertices = np.concatenate(rows)
    weights = np.zeros((len(vertices), len(RIG)))
    weights[:, RIG_INDEX["head"]] = 1
    return vertices, _grid(3, _COLUMNS, closed=False), weights


def _grid(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles [F, 3] between the vertices of a grid; `closed` joins the last column to the first."""
    row, column = np.meshgrid(
        np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij"
    )
    here, right = row * columns + column, row * columns + (column + 1) % columns
    triangles = np.stack([here, right, here + columns, right, right + columns, here + columns], axis=-1)
    return triangles.reshape(-1, 3)
