"""How accurate a model is for each of several groups of people."""

from collections.abc import Callable

import numpy as np

from tf_advpose.evaluation.protocols import pckh_by_group
from tf_advpose.evaluation.scores import Scores
from tf_advpose.skeleton import LEFT_SHOULDER, RIGHT_SHOULDER, ROOT, THORAX

ERRORS = ("mpjpe", "pa_mpjpe")  # mm


def by_group(scores: Scores, groups_of: Callable[[str], dict[str, str]]) -> dict[str, dict[str, dict]]:
    """The figures of the examples of each group.

    Args:
      scores: of examples that all have 2D labels, head sizes and 3D labels.
      groups_of: from an example's subject to the group that it belongs to, by kind, such as
        {"age": "old", "skin": "4"}; every subject has all kinds.

    Returns:
      {kind: {group: figures}}, groups sorted; the figures are "examples", "pckh", the mean PCKh@0.5 in
      percent, and `ERRORS` in mm.

    Raises:
      ValueError: an example lacks labels.
    """
    groups = [groups_of(subject) for subject in scores.predictions.subject]
    return {kind: by_name(scores, np.array([of[kind] for of in groups])) for kind in groups[0]}


def by_name(scores: Scores, names: np.ndarray) -> dict[str, dict]:
    """{group: figures} as in `by_group`, and raises as that does; `names` [N]: the examples' groups."""
    if not (scores.has_2d.all() and scores.has_3d.all()):
        raise ValueError("Expected examples that all have 2D labels, head sizes and 3D labels.")
    return {str(name): _figures(scores, names == name) for name in np.unique(names)}


def _figures(scores: Scores, chosen: np.ndarray) -> dict[str, float]:
    rule = scores.conventions.pckh
    return {
        "examples": int(chosen.sum()),
        "pckh": pckh_by_group(scores.head_distances[chosen], rule)["mean"],
        **{name: float(getattr(scores, name)[chosen].mean()) for name in ERRORS},
    }


def worst_over_best(of_kind: dict[str, dict], error: str, fewest: int = 1) -> float:
    """The largest of an error's values over the smallest, groups of fewer than `fewest` examples left out.

    `of_kind`: one of what `by_group` returns.
    """
    values = [figures[error] for figures in of_kind.values() if figures["examples"] >= fewest]
    return max(values) / min(values)


def seen_from(joints_3d: np.ndarray) -> np.ndarray:
    """Which side of each of N people the camera sees, by the way their chests face: "front" and "back" are
    within 60 degrees of its axis, the rest is "side".

    Args:
      joints_3d: [N, P, 3] mm in the camera's frame.
    """
    across = joints_3d[:, LEFT_SHOULDER] - joints_3d[:, RIGHT_SHOULDER]
    up = joints_3d[:, THORAX] - joints_3d[:, ROOT]
    ahead = np.cross(across, up)
    away = ahead[:, 2] / np.linalg.norm(ahead, axis=1)
    return np.select([away < -0.5, away > 0.5], ["front", "back"], "side")
