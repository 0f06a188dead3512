"""What a voltage without a current still tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis.overpotential.level import known, levels
from mossy.analysis.overpotential.pieces import fractions
from mossy.errors import InputError

_GAP = 20.0
"""An interval this many times the usual longest one is a gap: the trace says nothing about it."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of one sign of voltage: median of |V|, spread, and the standard error of the median; mV."""

    start_second: float
    end_second: float
    sign: int
    rows: int
    voltage_mV: float
    spread_mV: float | None
    standard_error_mV: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def trace_features(time: Any, voltage: Any, every: float | None = None, least: float = 60.0) -> tuple[Stretch, ...]:
    """The levels of a voltage alone: cut where its sign changes, and into pieces of `every` seconds where given.

    Medians over the time between 20 and 80 % of each stretch, weighted by time (an instrument that records on change
    writes most rows where the voltage is not level). There is no current here: a stretch is no half-cycle, its level no
    resistance, and its sign tells the direction of the current only in a symmetric cell without an offset. Stretches
    shorter than `least` seconds are left out. InputError where times go back or nothing is left.

    >>> t = np.arange(0.0, 7200.0, 10.0)
    >>> [(s.sign, round(s.voltage_mV, 6)) for s in trace_features(t, np.where(t < 3600.0, 0.05, -0.04))]
    [(1, 50.0), (-1, 40.0)]
    """
    time, voltage = np.asarray(time, dtype=float), np.asarray(voltage, dtype=float)
    _check(time, voltage, every)
    step = np.diff(time, prepend=time[:1])
    usual = float(np.quantile(step, 0.99))
    weight = np.where(step > _GAP * usual, 0.0, step)
    sign = np.sign(voltage)
    sign[sign == 0.0] = 1.0
    cut = sign[1:] != sign[:-1]
    if every is not None:
        window = ((time - time[0]) // every).astype(int)
        cut = cut | (window[1:] != window[:-1])
    group = np.concatenate([[0], np.cumsum(cut)])
    passed = np.bincount(group, weight)
    long = passed >= least
    if not long.any():
        problem = f"no stretch of one sign lasts {least:g} s"
        raise InputError(problem, key="voltage", remedy="give a smaller `least`")
    number = np.cumsum(long) - 1
    rows = long[group] & (weight > 0.0)
    of, w = number[group[rows]], weight[rows]
    total, fraction = fractions(w, of, int(long.sum()))
    found = levels(sign[rows] * voltage[rows], w, of, fraction, len(total))
    edges = np.searchsorted(of, np.arange(len(total) + 1))
    inside, signs = time[rows], sign[rows]
    return tuple(
        Stretch(
            start_second=float(inside[edges[k]] - w[edges[k]]),
            end_second=float(inside[edges[k + 1] - 1]),
            sign=int(signs[edges[k]]),
            rows=int(edges[k + 1] - edges[k]),
            voltage_mV=1e3 * float(found.median[k]),
            spread_mV=known(1e3 * found.spread[k]),
            standard_error_mV=known(1e3 * found.standard_error[k]),
        )
        for k in range(len(total))
    )


def _check(time: np.ndarray, voltage: np.ndarray, every: float | None) -> None:
    if time.ndim != 1 or time.shape != voltage.shape or len(time) < 5:
        problem = f"{time.shape} times and {voltage.shape} voltages"
        raise InputError(problem, key="voltage", remedy="give two columns of one length, of five rows or more")
    if not (np.isfinite(time).all() and np.isfinite(voltage).all()):
        raise InputError("a time or voltage is not finite", key="voltage", remedy="leave such rows out")
    if np.any(np.diff(time) < 0.0):
        row = int(np.flatnonzero(np.diff(time) < 0.0)[0]) + 2
        raise InputError(f"the time goes back at row {row}", key="time", remedy="sort or mend the file")
    if every is not None and not every > 0.0:
        raise InputError(f"pieces of {every:g} s", key="every", remedy="give a positive time, s")
