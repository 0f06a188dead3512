"""How the efficiency goes along cycles: how long until steady, drifts, knees, sudden drops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.efficiency import trend
from mossy.analysis.efficiency.results import Result
from mossy.analysis.efficiency.trend import Knee, Slope

RESOLUTION = 1e-6
"""Differences of efficiency below this are not looked at: no cycler measures them."""
_APART, _DROP, _NEIGHBOURS = 3.0, 6.0, 5
_LEAST = 6
_MAD = 1.4826


@dataclass(frozen=True)
class Settling(Result):
    """The irreversible loss of the first cycles beside the steady one.

    `unsettled_cycles`: how many first cycles lie apart from the steady level, each by more than three standard errors;
    `settled`: whether the level was reached before half of the cycles were over; `steady_coulombic_efficiency` of the
    second half with its standard error; `first_loss_mAh` of the first cycle beyond the steady loss; `excess_loss_mAh`
    of all unsettled cycles beyond it (0 where there are none); `apart`: by how many standard errors the first is apart.
    """

    unsettled_cycles: int
    settled: bool
    steady_coulombic_efficiency: float
    steady_standard_error: float
    first_loss_mAh: float
    first_loss_standard_error_mAh: float
    excess_loss_mAh: float
    excess_loss_standard_error_mAh: float
    apart: float


@dataclass(frozen=True)
class Drop(Result):
    """A sudden fall of the efficiency: at which cycle, from what to what, and whether it came back in the next cycles
    (None at the end of the record).
    """

    cycle: int
    before: float
    after: float
    deviations: float
    recovered: bool | None


@dataclass(frozen=True)
class Course(Result):
    """What a series of efficiencies tells besides its average; each is None where there are too few cycles."""

    settling: Settling | None
    drift: Slope | None
    knee: Knee | None
    drops: tuple[Drop, ...]


def course(cycle: np.ndarray, efficiency: np.ndarray, error: np.ndarray, plated: np.ndarray) -> Course:
    """The course of whole cycles: their numbers, efficiencies, random errors and plated charges (mAh).

    Drift and knee are those of the settled cycles.
    """
    settled = settling(efficiency, error, plated)
    first = settled.unsettled_cycles if settled is not None and settled.settled else 0
    x, y = cycle[first:].astype(float), efficiency[first:]
    floor = max(float(np.median(error[first:])) if len(y) else 0.0, RESOLUTION)
    drift = trend.slope(x, y, floor) if len(y) >= _LEAST else None
    return Course(settled, drift, trend.knee(x, y, floor), drops(cycle, efficiency, error))


def settling(efficiency: np.ndarray, error: np.ndarray, plated: np.ndarray) -> Settling | None:
    """What the first cycles lost beyond the steady loss, or None for fewer than 6 cycles.

    The steady level is the median of the second half, as a straight line where that half drifts significantly.
    """
    count = len(efficiency)
    if count < _LEAST:
        return None
    half = count // 2
    late, place = efficiency[half:], np.arange(count)
    typical = float(np.median(error[half:]))
    drift = trend.slope(place[half:].astype(float), late, max(typical, RESOLUTION)) if len(late) >= _LEAST else None
    pitch = drift.value if drift is not None and drift.p_value < trend.SIGNIFICANT else 0.0
    level = float(np.median(late - pitch * place[half:]))
    line = level + pitch * place
    scatter = _MAD * float(np.median(np.abs(late - line[half:])))
    one = np.sqrt(np.maximum(scatter, RESOLUTION) ** 2 + error**2)
    steady_error = 1.2533 * float(np.hypot(scatter, typical)) / np.sqrt(len(late))  # of a median
    reach = drift.standard_error * (half - place) if drift is not None and pitch else np.zeros(count)
    doubt = np.sqrt(one**2 + steady_error**2 + np.maximum(reach, 0.0) ** 2)
    away = (line - efficiency) / doubt
    apart = np.abs(away) > _APART
    first = int(np.argmin(apart)) if not apart.all() else count
    first_loss = float((line[0] - efficiency[0]) * plated[0])
    excess = float(((line - efficiency) * plated)[:first].sum())
    excess_error = float(np.hypot(np.linalg.norm((one * plated)[:first]), steady_error * plated[:first].sum()))
    return Settling(
        first,
        first < half,
        float(np.median(line[half:])),
        steady_error,
        first_loss,
        float(doubt[0] * plated[0]),
        excess,
        excess_error,
        float(away[0]),
    )


def drops(cycle: np.ndarray, efficiency: np.ndarray, error: np.ndarray) -> tuple[Drop, ...]:
    """Cycles whose efficiency lies below the median of the five before by more than six of their usual deviations.

    The deviation is a robust one of successive differences of the whole series, and at least the charges' error.

    >>> steady = 0.99 + 1e-4 * np.sin(np.arange(20.0) ** 2)
    >>> steady[12] = 0.9
    >>> [(each.cycle, each.recovered) for each in drops(np.arange(1, 21), steady, np.zeros(20))]
    [(13, True)]
    """
    count = len(efficiency)
    if count < _NEIGHBOURS + 1:
        return ()
    windows = np.lib.stride_tricks.sliding_window_view(efficiency[:-1], _NEIGHBOURS)
    before = np.median(windows, axis=1)
    usual = _MAD * float(np.median(np.abs(np.diff(efficiency)))) / np.sqrt(2.0)
    deviation = np.maximum(np.hypot(usual, error[_NEIGHBOURS:]), RESOLUTION)
    deep = (before - efficiency[_NEIGHBOURS:]) / deviation
    found: list[Drop] = []
    last = -_NEIGHBOURS
    for k in np.flatnonzero(deep > _DROP):
        place = int(k) + _NEIGHBOURS
        if place - last < _NEIGHBOURS:  # the same fall, seen again while the window still holds what was before it
            continue
        last = place
        after = efficiency[place + 1 : place + 3]
        recovered = bool(after.max() > 0.5 * (before[k] + efficiency[place])) if len(after) else None
        now = float(efficiency[place])
        found.append(Drop(int(cycle[place]), float(before[k]), now, float(deep[k]), recovered))
    return tuple(found)
