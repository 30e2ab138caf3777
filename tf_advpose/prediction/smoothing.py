"""Smoothing along a video by the One-Euro filter: firm where joints rest, close behind where they move.

G. Casiez, N. Roussel, D. Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012.
"""

import dataclasses

import numpy as np

SMOOTHED = ("joints_2d", "joints_3d", "joints_3d_absolute")


@dataclasses.dataclass(frozen=True)
class OneEuro:
    """The filter's parameters; their names are the paper's."""

    min_cutoff: float = 1.0  # Hz: what passes of a joint at rest
    beta: float = 2.0  # by how many Hz that grows with each metre a second
    derivative_cutoff: float = 1.0  # Hz: what passes of the speed

    def __post_init__(self):
        if not (self.min_cutoff > 0 and self.beta >= 0 and self.derivative_cutoff > 0):
            raise ValueError(f"A One-Euro filter needs cutoffs above 0 and beta of at least 0; got {self}.")

    def describe(self) -> dict:
        return {"filter": "one_euro", **dataclasses.asdict(self), "fields": list(SMOOTHED)}


class Smoother:
    """The filter along one video; its people are told apart by their numbers."""

    def __init__(self, settings: OneEuro, frames_per_second: float):
        self._settings, self._rate = settings, frames_per_second
        self._filters: dict[int, _Filter] = {}

    def smooth(self, records: np.ndarray) -> np.ndarray:
        """The records of one frame, of which `SMOOTHED` is smoothed; later frames come later."""
        records = records.copy()
        for record in records:
            one = self._filters.setdefault(int(record["person"]), _Filter(self._settings))
            one.smooth(record, int(record["frame"]) / self._rate)
        return records


class _Filter:
    """The filter of one person."""

    def __init__(self, settings: OneEuro):
        self._settings = settings
        self._time = 0.0
        self._value: np.ndarray | None = None
        self._speed: np.ndarray | float = 0.0
        self._unit = 1.0  # metres a pixel, in the person's first frame

    def smooth(self, record: np.void, time: float) -> None:
        """Smooths a record in place, at `time` in seconds."""
        if self._value is None:
            self._unit = _metres_per_pixel(record)
        value = np.concatenate(
            [record["joints_2d"] * self._unit] + [record[name] / 1000 for name in SMOOTHED[1:]],
            axis=1,
        ).astype(np.float64)  # [P, 2 + 3 + 3] metres
        value = self._next(value, time)
        record["joints_2d"] = value[:, :2] / self._unit
        record["joints_3d"] = value[:, 2:5] * 1000
        record["joints_3d_absolute"] = value[:, 5:] * 1000

    def _next(self, value: np.ndarray, time: float) -> np.ndarray:
        if self._value is not None:
            elapsed = time - self._time
            speed = (value - self._value) / elapsed
            self._speed += _weight(self._settings.derivative_cutoff, elapsed) * (speed - self._speed)
            cutoff = self._settings.min_cutoff + self._settings.beta * np.abs(self._speed)
            value = self._value + _weight(cutoff, elapsed) * (value - self._value)
        self._value, self._time = value, time
        return value


def _weight(cutoff: np.ndarray | float, elapsed: float) -> np.ndarray | float:
    """That of a new value in a low-pass filter of first order."""
    step = 2 * np.pi * cutoff * elapsed
    return step / (step + 1)


def _metres_per_pixel(record: np.void) -> float:
    in_picture, in_metres = np.ptp(record["joints_2d"], axis=0), np.ptp(record["joints_3d"][:, :2], axis=0)
    return float(in_metres.max() / 1000 / max(in_picture.max(), 1.0))
