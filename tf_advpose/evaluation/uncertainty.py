"""How sure an average is: bootstrap intervals, and the difference of two models on the same examples.

Frames of one sequence resemble each other, so whole sequences are drawn where they are known; single
examples else. Two models are compared on the same draws.
"""

import dataclasses

import numpy as np

DRAWS = 1000
CONFIDENCE = 0.95
SEED = 0  # the same examples, the same intervals
_DRAWS_AT_A_TIME = 50

Interval = tuple[float, float] | None  # None: there is but one to draw from, which says nothing


@dataclasses.dataclass(frozen=True)
class Average:
    """A mean of means, kept so that it can be drawn anew: of cells, each a sum over its count.

    A mean over everything is one cell; a mean of actions' means has a cell an action.
    """

    sums: np.ndarray  # [N, cells]
    counts: np.ndarray  # [N, cells]

    def value(self) -> float:
        """NaN where nothing counts."""
        return float(_mean_of_cells(self.sums.sum(axis=0), self.counts.sum(axis=0)))


def average(values: np.ndarray, cell: np.ndarray | None = None) -> Average:
    """The `Average` of `values` [N] or [N, M], NaN ones left out.

    `cell` [N] int, -1 for none, names the cell of each example; None: all are in one.
    """
    values = values.reshape(len(values), -1)
    counts = (~np.isnan(values)).sum(axis=1, dtype=np.float64)
    sums = np.nansum(values, axis=1)
    if cell is None:
        return Average(sums[:, None], counts[:, None])
    inside = cell[:, None] == np.arange(cell.max() + 1)
    return Average(sums[:, None] * inside, counts[:, None] * inside)


def average_of_columns(values: np.ndarray) -> Average:
    """The mean of the columns' means of `values` [N, M], NaN ones left out."""
    return Average(np.nan_to_num(values), (~np.isnan(values)).astype(np.float64))


def drawn_by(sequence: np.ndarray) -> tuple[str, np.ndarray]:
    """What is drawn, "sequence" or "example", and [N] int: which of them each example belongs to."""
    names, group = np.unique(sequence, return_inverse=True)
    if "" in names or len(names) < 2:
        return "example", np.arange(len(sequence))
    return "sequence", group


def intervals(averages: dict[str, Average], group: np.ndarray) -> dict[str, Interval]:
    """The 95 % percentile bootstrap interval of each average."""
    drawn = _draw(averages, group)
    return {name: _interval(values, group) for name, values in drawn.items()}


def paired_intervals(
    first: dict[str, Average], second: dict[str, Average], group: np.ndarray
) -> dict[str, Interval]:
    """The intervals of second minus first, both averaged over the same draws of the same examples."""
    drawn_first, drawn_second = _draw(first, group), _draw(second, group)
    return {name: _interval(drawn_second[name] - drawn_first[name], group) for name in drawn_first}


def _draw(averages: dict[str, Average], group: np.ndarray) -> dict[str, np.ndarray]:
    """Each average over `DRAWS` draws of groups with replacement."""
    groups = int(group.max()) + 1
    by_group = {
        name: [_sum_by_group(part, group, groups) for part in (one.sums, one.counts)]
        for name, one in averages.items()
    }
    drawn = {name: [] for name in averages}
    generator = np.random.default_rng(SEED)
    for first in range(0, DRAWS, _DRAWS_AT_A_TIME):
        times = min(_DRAWS_AT_A_TIME, DRAWS - first)
        taken = generator.multinomial(groups, np.full(groups, 1 / groups), size=times).astype(np.float64)
        for name, (sums, counts) in by_group.items():
            drawn[name].append(_mean_of_cells(taken @ sums, taken @ counts))
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def _sum_by_group(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    columns = [np.bincount(group, column, minlength=groups) for column in values.T]
    return np.stack(columns, axis=-1)


def _mean_of_cells(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over the last axis of sums / counts; cells that a draw leaves empty are left out."""
    filled = counts > 0
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=filled)
    cells = filled.sum(axis=-1)
    return np.where(cells > 0, means.sum(axis=-1) / np.maximum(cells, 1), np.nan)


def _interval(drawn: np.ndarray, group: np.ndarray) -> Interval:
    values = drawn[~np.isnan(drawn)]  # a draw may hold none of the few examples with labels
    if not len(values) or group.max() == 0:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
