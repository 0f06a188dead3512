"""Sweeps: steps in which the voltage, and not the current, is what the instrument set."""

from __future__ import annotations

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.errors import InputError

_VARIES, _SHARE = 0.05, 0.2
"""A current is not constant where more than the second share of its rows are off its median by the first."""
_RANGE, _FOLLOWS = 0.02, 0.2
"""V that a sweep covers at least, and the share of the largest current by which the current changes along it."""
_BLOCKS, _LEAST, _EVEN, _MOST = 24, 16, 0.1, 0.75
"""Blocks of a step, rows of one at least, and the share of its rates of voltage that are even to the third number."""


def swept(steps: Steps) -> np.ndarray:
    """Of each step, whether its voltage, or that of its half-cycle, runs evenly in time while the current changes.

    Cut into `_BLOCKS` blocks of equal numbers of rows, means of time and voltage give the rate |dV/dt| from block to
    block; three of four of them are within 10 % of their median in a sweep, which may turn once or twice. A current
    that is ramped through an ohmic cell does the same: neither has a plateau.
    """
    table, halves, trace = steps.table, steps.half_cycles, steps.trace
    first, last = table["first_row"].to_numpy(), table["last_row"].to_numpy()
    usual = np.repeat(table["current_ampere"].to_numpy(), last - first + 1)
    flows = np.repeat(table["current_sign"].to_numpy() != 0, last - first + 1)
    found = _swept(steps, first, last, flows & (np.abs(trace.current - usual) > _VARIES * np.abs(usual)), flows)
    if halves.height:
        begin, end = halves["first_row"].to_numpy(), halves["last_row"].to_numpy()
        number = np.clip(np.searchsorted(begin, np.arange(len(trace.time)), side="right") - 1, 0, None)
        size = halves["current_ampere"].to_numpy()[number]
        off = flows & (np.abs(np.abs(trace.current) - size) > _VARIES * size)
        whole = np.flatnonzero(_swept(steps, begin, end, off, flows))
        found |= np.isin(table["half_cycle"].fill_null(-1).to_numpy(), whole)
    return found & (table["current_sign"].to_numpy() != 0)


def _swept(steps: Steps, first: np.ndarray, last: np.ndarray, off: np.ndarray, flows: np.ndarray) -> np.ndarray:
    """Of stretches of rows, by the rows whose current is off and those with current."""
    trace, found = steps.trace, np.zeros(len(first), dtype=bool)
    total = [np.concatenate([[0], np.cumsum(each)]) for each in (off, flows)]
    away, flowing = (each[last + 1] - each[first] for each in total)
    for k in np.flatnonzero((away > _SHARE * flowing) & (flowing >= _LEAST)):
        rows = slice(first[k], last[k] + 1)
        found[k] = _even(trace.time[rows], trace.voltage[rows], trace.current[rows])
    return found


def _even(time: np.ndarray, voltage: np.ndarray, current: np.ndarray) -> bool:
    known = np.isfinite(voltage)
    time, voltage, current = time[known], voltage[known], current[known]
    if len(time) < _LEAST or np.ptp(voltage) < _RANGE:
        return False
    edges = np.linspace(0, len(time), min(_BLOCKS, len(time) // 2) + 1).astype(int)[:-1]
    rows = np.diff(np.append(edges, len(time)))
    t, v, i = (np.add.reduceat(each, edges) / rows for each in (time, voltage, current))
    rate = np.abs(np.diff(v)) / np.maximum(np.diff(t), 1e-12)
    middle = float(np.median(rate))
    even = middle > 0.0 and float(np.mean(np.abs(rate - middle) <= _EVEN * middle)) >= _MOST
    return even and float(np.ptp(i)) > _FOLLOWS * float(np.max(np.abs(i)))


def check_sweep(steps: Steps) -> np.ndarray:
    """The steps that are swept, in a test of others; InputError where it is one of sweeps."""
    found = swept(steps)
    if _mostly(steps, found):
        problem = "the voltage is swept in time and the current follows it, as in cyclic voltammetry"
        remedy = "plateaus, shapes and parts of a polarisation are of constant currents: give a test that has them"
        raise InputError(problem, key="record", remedy=remedy)
    return found


def is_sweep(steps: Steps) -> bool:
    """Whether a test is one of sweeps, as cyclic voltammetry: most of its charge passes while the voltage is swept.

    >>> import polars as pl
    >>> from mossy.analysis import cycler_steps
    >>> from mossy.records import Cycling
    >>> t = np.arange(0.0, 1200.0)
    >>> volt = 0.2 - np.abs(0.4 - 0.4 * (t % 600.0) / 300.0)
    >>> current = 1e-3 * np.sinh(20.0 * volt)
    >>> table = pl.DataFrame({"test_time_second": t, "voltage_volt": volt, "current_ampere": current})
    >>> is_sweep(cycler_steps.of(Cycling(table)))
    True
    >>> is_sweep(cycler_steps.of(Cycling(table.with_columns(current_ampere=pl.lit(1e-3)))))
    False
    """
    return _mostly(steps, swept(steps))


def _mostly(steps: Steps, found: np.ndarray) -> bool:
    if not found.any():
        return False
    charge = np.add.reduceat(np.abs(steps.trace.charge), steps.table["first_row"].to_numpy())
    return bool(charge[found].sum() > 0.5 * charge.sum())
