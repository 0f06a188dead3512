"""Capacity that is left after n cycles, and the Coulombic efficiency that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from mossy.analysis.efficiency import trend
from mossy.analysis.efficiency.results import Result
from mossy.errors import InputError


@dataclass(frozen=True)
class Retention(Result):
    """The one efficiency per cycle that retention points tell of.

    `coulombic_efficiency` with `standard_error` and `interval` (95 %, Student's t), both None where one point without
    an error was given; `amplitude`: the ratio that the line has at n = 0; `single`: whether one efficiency describes
    the points (None where fewer than 6 points cannot tell), with `p_value` of the curvature found; `early` and `late`:
    the efficiency in the first and the last half where one does not do.
    """

    coulombic_efficiency: float
    standard_error: float | None
    interval: tuple[float, float] | None
    amplitude: float
    points: int
    single: bool | None
    p_value: float | None
    early: float | None
    late: float | None
    method: str
    notes: tuple[str, ...] = ()


def required(retention: float, cycles: float, excess: float = 0.0) -> float:
    """The average Coulombic efficiency that leaves a share of the capacity after n cycles.

        Q_n/Q_0 = CE^(n - n_e),   n_e = excess/(1 - CE)

    While excess metal lasts each cycle takes (1 - CE) Q_0 of it and the capacity stays; then the capacity falls.
    Arguments: `retention` Q_n/Q_0, above 0 and at most 1; `cycles` n; `excess` metal over what the positive electrode
    holds, as a share of that (N/P - 1). Result: 0 to 1; 0 where the excess feeds every cycle whole.
    Limits: retention^(1/n) without excess; 1 - excess/n for no fade at all.
    Source: the metal balance; for cells without excess as in J. Xiao and others, Nat. Energy 5 (2020) 561, doi
    10.1038/s41560-020-0648-z (unverified).

    >>> [round(required(0.8, n), 10) for n in (100, 500, 1000)]
    [0.9977710523, 0.9995538125, 0.9997768813]
    >>> round(required(1.0, 100, excess=1.0), 12)
    0.99
    """
    _check_retention(retention)
    _check("cycles", cycles, cycles > 0.0, "give a positive number of cycles")
    _check("excess", excess, excess >= 0.0, "give 0 or more, as a share of the positive electrode's capacity")
    if excess == 0.0:
        return float(retention ** (1.0 / cycles))
    if excess >= cycles:
        return 0.0
    if retention == 1.0:
        return 1.0 - excess / cycles

    def beyond(loss: float) -> float:
        return math.log1p(-loss) * (cycles - excess / loss) - math.log(retention)

    return 1.0 - float(optimize.brentq(beyond, excess / cycles, 1.0 - 1e-15, xtol=1e-15, rtol=1e-14))


def cycles_to(coulombic_efficiency: float, retention: float = 0.8, excess: float = 0.0) -> float:
    """How many cycles until a share of the capacity is left: n = excess/(1 - CE) + ln(Q_n/Q_0)/ln CE.

    Arguments as in `required`. Result: cycles, not rounded. Raises InputError for an efficiency of 1 or more, which
    would never get there: it was measured over too few cycles, or is not one.

    >>> round(cycles_to(0.99), 3), round(cycles_to(0.99, 0.8, excess=2.0), 3)
    (22.203, 222.203)
    """
    _check_retention(retention)
    _check("excess", excess, excess >= 0.0, "give 0 or more, as a share of the positive electrode's capacity")
    inside = 0.0 < coulombic_efficiency < 1.0
    _check(
        "coulombic_efficiency", coulombic_efficiency, inside, "give one between 0 and 1: no life follows from others"
    )
    return excess / (1.0 - coulombic_efficiency) + math.log(retention) / math.log(coulombic_efficiency)


def inventory(coulombic_efficiency: float, cycles: float, excess: float = 0.0) -> tuple[float, float]:
    """What is left after n cycles: (capacity as a share of the first, excess metal as such a share).

    Arguments as in `required`. Limits: (1, excess) for CE = 1 or n = 0; (CE^n, 0) without excess.

    >>> inventory(0.99, 100, excess=0.5)[1], round(inventory(0.99, 100, excess=0.5)[0], 6)
    (0.0, 0.605006)
    """
    _check("coulombic_efficiency", coulombic_efficiency, 0.0 < coulombic_efficiency <= 1.0, "give one up to 1")
    _check("cycles", cycles, cycles >= 0.0, "give 0 or more")
    _check("excess", excess, excess >= 0.0, "give 0 or more, as a share of the positive electrode's capacity")
    left = excess - (1.0 - coulombic_efficiency) * cycles
    if left >= 0.0:
        return 1.0, left
    return coulombic_efficiency ** (cycles - excess / (1.0 - coulombic_efficiency)), 0.0


def from_retention(
    cycles: Sequence[float] | np.ndarray | float,
    capacity_ratio: Sequence[float] | np.ndarray | float,
    *,
    standard_error: Sequence[float] | np.ndarray | float | None = None,
    amplitude: float | None = None,
) -> Retention:
    """The average Coulombic efficiency in Q_n/Q_0 = A CE^n, for cells whose capacity is their metal (no excess).

    A straight line through ln(Q_n/Q_0), by least squares whose errors hold whether the points scatter about it (noise
    of each measured capacity) or wander from it (an efficiency that varies from cycle to cycle); see `trend`.
    Arguments: `cycles` n, rising; `capacity_ratio`, above 0; `standard_error` of each ratio, if known; `amplitude` A: 1
    where the ratio is taken to the capacity at n = 0 and that is exact; fitted where not given, which needs 3 points.
    Raises InputError for ratios of 0 (a cell that died carries no efficiency: leave those points out), for too few, and
    for ratios that are all the same.
    Source: Q_n/Q_0 = CE^n; see `required`.

    >>> found = from_retention(np.arange(1, 21), 0.92 * 0.985 ** np.arange(1, 21))
    >>> round(found.coulombic_efficiency, 9), round(found.amplitude, 9), found.single
    (0.985, 0.92, True)
    >>> round(from_retention(100, 0.8, amplitude=1.0).coulombic_efficiency, 10)
    0.9977710523
    """
    x, y, variance = _points(cycles, capacity_ratio, standard_error, amplitude)
    given = standard_error is not None
    known = given and bool((variance > 0.0).all() if amplitude is None else (variance[1:] > 0.0).all())
    floor = 1.0 if known else trend_floor(y)
    value, covariance = trend.coefficients(x[:, None], x, y, variance, floor)
    degrees = len(x) - 2
    efficiency = float(np.exp(value[0]))
    error = efficiency * float(np.sqrt(covariance[0, 0])) if degrees > 0 or known else None
    interval = None
    if error is not None:
        reach = float(special.stdtrit(trend.student(degrees), 0.975)) if degrees > 0 else 1.96
        half = reach * error / efficiency
        interval = (efficiency * math.exp(-half), efficiency * math.exp(half))
    start = float(np.exp(np.average(y - value[0] * x, weights=1.0 / variance) if amplitude is None else y[0]))
    single, chance, early, late = _one_efficiency(x, y, variance, floor)
    notes = []
    if single is False:
        notes.append(f"one efficiency does not describe these points: {early:.5f} in the first half, {late:.5f} after")
    if efficiency > 1.0:
        notes.append("the capacity rises: no metal loss limits it")
    method = "slope of ln(Q_n/Q_0) against n, errors for scatter and wander"
    method += ", A fixed" if amplitude is not None else ", A fitted"
    count = len(x) - (amplitude is not None)
    return Retention(efficiency, error, interval, start, count, single, chance, early, late, method, tuple(notes))


def trend_floor(y: np.ndarray) -> float:
    """The least scatter that is believed: a part per million of what ln Q can be known to."""
    return 1e-9 * max(1.0, float(np.abs(y).max()))


def _one_efficiency(
    x: np.ndarray, y: np.ndarray, variance: np.ndarray, floor: float
) -> tuple[bool | None, float | None, float | None, float | None]:
    if len(x) < 6:
        return None, None, None, None
    bend = trend.curvature(x, y, variance, floor)
    span = float(np.ptp(x))
    if bend.p_value >= trend.SIGNIFICANT or abs(bend.value) * span**2 < 1e-6:
        return True, bend.p_value, None, None
    middle = len(x) // 2
    halves = (slice(None, middle + 1), slice(middle, None))
    early, late = (math.exp(float(np.polyfit(x[part], y[part], 1)[0])) for part in halves)
    return False, bend.p_value, early, late


def _points(
    cycles: Sequence[float] | np.ndarray | float,
    ratio: Sequence[float] | np.ndarray | float,
    error: Sequence[float] | np.ndarray | float | None,
    amplitude: float | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n, ln ratio and its variance; with the exact point at n = 0 before them where the amplitude is given."""
    x, value = np.atleast_1d(np.asarray(cycles, float)), np.atleast_1d(np.asarray(ratio, float))
    if x.shape != value.shape or x.ndim != 1:
        raise InputError(
            f"{x.size} cycles and {value.size} ratios", key="capacity_ratio", remedy="give as many of both"
        )
    if not np.isfinite(x).all() or (np.diff(x) <= 0.0).any():
        raise InputError("the cycles do not rise", key="cycles", remedy="give each cycle once, in order")
    bad = np.flatnonzero(~(np.isfinite(value) & (value > 0.0)))
    if len(bad):
        problem = f"a capacity ratio of {value[bad[0]]:g} at cycle {x[bad[0]]:g} has no logarithm"
        raise InputError(problem, key="capacity_ratio", remedy="leave out the cycles in which the cell was dead")
    if len(value) > 2 and (value == value[0]).all():
        problem = (
            f"all {len(value)} capacity ratios are {value[0]:g} to the last digit: copies of one value, not a fade"
        )
        raise InputError(problem, key="capacity_ratio", remedy="give that one with its own cycle and amplitude=1")
    relative = np.ones(len(x)) if error is None else np.broadcast_to(np.asarray(error, float), x.shape) / value
    if not (np.isfinite(relative) & (relative > 0.0)).all():
        raise InputError("an error is not positive", key="standard_error", remedy="leave it out where it is not known")
    if amplitude is None:
        if len(x) < 3:
            problem = f"{len(x)} points cannot tell an efficiency and an amplitude, with an error"
            raise InputError(
                problem, key="cycles", remedy="give 3 points, or amplitude=1 for ratios to the capacity at 0"
            )
        return x, np.log(value), relative**2
    _check("amplitude", amplitude, amplitude > 0.0, "give a positive one; 1 for ratios to the capacity at n = 0")
    later = x > 0.0
    if not later.any():
        raise InputError("no cycle after n = 0", key="cycles", remedy="give a capacity ratio of a later cycle")
    x, y, variance = x[later], np.log(value[later]), relative[later] ** 2
    return np.append(0.0, x), np.append(math.log(amplitude), y), np.append(0.0, variance)


def _check_retention(retention: float) -> None:
    _check("retention", retention, 0.0 < retention <= 1.0, "give a share of the first capacity, as 0.8")


def _check(key: str, value: float, good: bool, remedy: str) -> None:
    if not (math.isfinite(value) and good):
        raise InputError(f"{value} cannot be", key=key, remedy=remedy)
