"""What differs between the two directions of the current in a symmetric cell: an offset, or a resistance."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.overpotential.level import Levels, levels
from mossy.analysis.overpotential.pieces import NORMAL, Pieces, check_kind, pieces_of, steps_of
from mossy.errors import InputError
from mossy.records import Cycling

_APART, _TAIL = 0.2, 0.2
"""Currents must differ by this share to tell an offset by; what counts of a rest is this last share of it."""


@dataclass(frozen=True)
class Pair:
    """Two neighbouring half-cycles of one current and opposite signs. `excess_mV` is the plateau with positive current
    less that with negative, both taken positive."""

    cycle: int
    current_mA: float
    positive_mV: float
    negative_mV: float
    excess_mV: float
    standard_error_mV: float | None


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and how it was told."""

    value: float
    standard_error: float
    method: str


@dataclass(frozen=True)
class Asymmetry:
    """`excess_mV`: over all pairs; `drift_mV_per_cycle` its trend, None below four pairs. `offset_mV` is a voltage that
    the current does not change, `resistance_difference_ohm` that with positive current less that with negative; both
    None, with the reason in `notes`, where the record cannot tell the one from the other.
    """

    pairs: tuple[Pair, ...]
    excess_mV: Estimate
    drift_mV_per_cycle: Estimate | None
    offset_mV: Estimate | None
    resistance_difference_ohm: Estimate | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def asymmetry(record: Cycling, steps: Steps | None = None) -> Asymmetry:
    """The two directions of the current compared, pair by pair.

    V(+I) = V0 + R+ I and V(-I) = V0 - R- I, so the excess |V(+I)| - |V(-I)| = 2 V0 + (R+ - R-) I: an offset V0, of the
    instrument or of two electrodes of unlike potential, looks like a difference of resistances at one current. They are
    told apart by rests (the offset is the voltage without current: the mean of rests after either sign, so that what
    has not relaxed cancels) or by two levels of current (the excess against I: the intercept is 2 V0). In R+ one
    electrode dissolves and the other grows, in R- the other way round: two electrodes alike have R+ = R- however unlike
    growth and dissolution are. Needs a symmetric cell; InputError for others and without a pair.

    >>> import polars as pl
    >>> t = np.arange(0.0, 800.0)
    >>> sign = np.where((t // 200) % 2 == 0, 1.0, -1.0)
    >>> table = {"test_time_second": t, "voltage_volt": 0.002 + 0.05 * sign, "current_ampere": 1e-3 * sign}
    >>> found = asymmetry(Cycling(pl.DataFrame(table), {"cell_kind": "symmetric"}))
    >>> round(found.excess_mV.value, 3), found.offset_mV
    (4.0, None)
    """
    steps = steps_of(record, steps)
    pieces = pieces_of(steps)
    check_kind(steps, pieces)
    if steps.kind != "symmetric":
        unlike = f"the two sides of a cell of kind '{steps.kind}' are unlike by make"
        problem = unlike if steps.kind else "what kind of cell this is is not stated"
        raise InputError(problem, key="cell_kind", remedy="the comparison is for a symmetric cell: state cell_kind")
    found = levels(pieces.polarisation, pieces.weight, pieces.piece, pieces.fraction, len(pieces))
    pairs = _pairs(pieces, found)
    if not pairs:
        problem = "no two neighbouring half-cycles have one current and opposite signs"
        raise InputError(problem, key="record", remedy="give a test that cycles both ways")
    excess = np.array([each.excess_mV for each in pairs])
    errors = np.array([each.standard_error_mV or 0.0 for each in pairs])
    current = np.array([each.current_mA for each in pairs])
    mean = Estimate(*_mean(excess, errors), "median over the pairs, error from their scatter")
    offset, notes = _offset(steps, current, excess)
    difference = None
    if offset is not None:
        own = (excess - 2.0 * offset.value) / current
        value, error = _mean(own, errors / current)
        error = float(np.hypot(error, 2.0 * offset.standard_error / float(np.median(current))))
        difference = Estimate(value, error, "excess without the offset, over the current")
    return Asymmetry(tuple(pairs), mean, _drift(pairs), offset, difference, tuple(notes))


def _pairs(pieces: Pieces, found: Levels) -> list[Pair]:
    pairs = []
    k = 0
    while k + 1 < len(pieces):
        one, other = (k, k + 1) if pieces.sign[k] > 0 else (k + 1, k)
        alike = abs(pieces.current[k] - pieces.current[k + 1]) <= 0.05 * pieces.current[k]
        if pieces.sign[k] == pieces.sign[k + 1] or not alike:
            k += 1
            continue
        plus, minus = 1e3 * float(found.median[one]), 1e3 * float(found.median[other])
        error = 1e3 * float(np.hypot(found.standard_error[one], found.standard_error[other]))
        known = error if np.isfinite(error) else None
        current = 1e3 * float(pieces.current[k])
        pairs.append(Pair(pieces.table[k]["cycle"], current, plus, minus, plus - minus, known))
        k += 2
    return pairs


def _mean(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Median of the values, and its error from their scatter and their own errors, the larger."""
    middle = float(np.median(values))
    own = float(np.sqrt((errors**2).sum())) / len(values)
    if len(values) < 3:
        return middle, max(own, float(np.ptp(values)) / 2.0)
    scatter = NORMAL * float(np.median(np.abs(values - middle)))
    return middle, 1.2533 * max(own, scatter / len(values) ** 0.5)


def _drift(pairs: list[Pair]) -> Estimate | None:
    """The least-squares trend of the excess over the cycles."""
    if len(pairs) < 4:
        return None
    cycle, excess = np.array([each.cycle for each in pairs], float), np.array([each.excess_mV for each in pairs])
    x = cycle - cycle.mean()
    if not x.any():
        return None
    slope = float(x @ excess / (x @ x))
    residual = excess - excess.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (len(pairs) - 2) / (x @ x)))
    return Estimate(slope, error, "least squares over the cycles")


def _offset(steps: Steps, current: np.ndarray, excess: np.ndarray) -> tuple[Estimate | None, list[str]]:
    if np.ptp(current) > _APART * current.max():
        return _from_currents(current, excess), []
    rests = _rests(steps)
    if rests is None:
        note = (
            "one level of current and no rests after both signs: an offset and a difference of resistances look alike"
        )
        return None, [note]
    return rests, []


def _from_currents(current: np.ndarray, excess: np.ndarray) -> Estimate | None:
    """Half the intercept of the excess against the current."""
    if len(current) < 3:
        return None
    design = np.column_stack([np.ones(len(current)), current])
    solution, *_ = np.linalg.lstsq(design, excess, rcond=None)
    residual = excess - design @ solution
    variance = float(residual @ residual) / (len(current) - 2)
    error = float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0]))
    return Estimate(0.5 * float(solution[0]), 0.5 * error, "intercept of the excess against the current, halved")


def _rests(steps: Steps) -> Estimate | None:
    """The mean of rests after positive and after negative current, each by the median of its last fifth."""
    table, trace = steps.table.rows(named=True), steps.trace
    ends: dict[int, list[float]] = {1: [], -1: []}
    for before, rest in itertools.pairwise(table):
        if rest["kind"] != "rest" or before["current_sign"] == 0:
            continue
        rows = slice(rest["first_row"], rest["last_row"] + 1)
        late = trace.time[rows] >= rest["end_second"] - _TAIL * (rest["end_second"] - rest["start_second"])
        voltage = trace.voltage[rows][late]
        if len(voltage) and np.isfinite(voltage).all():
            ends[before["current_sign"]].append(1e3 * float(np.median(voltage)))
    if not (ends[1] and ends[-1]):
        return None
    (plus, plus_error), (minus, minus_error) = (_mean(np.array(ends[s]), np.zeros(len(ends[s]))) for s in (1, -1))
    # what has not relaxed cancels only as far as both directions are alike: half of what is left is its error
    error = float(np.hypot(0.5 * np.hypot(plus_error, minus_error), 0.25 * abs(plus - minus)))
    return Estimate(
        0.5 * (plus + minus), error, "voltage at the end of rests, mean of both signs of the current before"
    )
