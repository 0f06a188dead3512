"""The unit of a test time that a file does not write, told from its wall clock, or from charge and current."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import numpy as np

from mossy.errors import InputError
from mossy.readers.cycler_table import Table
from mossy.readers.sheets import moment_in

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_NEAR = 0.02


def unit_told(table: Table, units: Mapping[str, float], remedy: str) -> tuple[str, str]:
    """(the one unit of the test time that fits the wall clock, or charge and current, to 2 %; by which it was told)."""
    time = table.numbers("test_time_second")
    if time is not None:
        unit = unit_that_fits(float(time[-1] - time[0]), _by_wall_clock(table), units)
        if unit:
            return unit, "by the wall clock"
        unit = unit_that_fits(1.0, _by_charge(table), units)
        if unit:
            return unit, "by the charge"
    problem = "the unit of its test time is not written, and neither dates nor charges show it"
    raise InputError(problem, remedy=remedy)


def unit_that_fits(span: float, seconds: float, units: Mapping[str, float]) -> str:
    """The unit in which a span of time is so many seconds, to 2 %; nothing where none is.

    >>> unit_that_fits(2.0, 7190.0, UNITS), unit_that_fits(2.0, 100.0, UNITS)
    ('h', '')
    """
    fits = [unit for unit, scale in units.items() if abs(seconds - scale * span) < _NEAR * scale * span]
    return fits[0] if len(fits) == 1 else ""


def _by_wall_clock(table: Table) -> float:
    """The seconds between the first and the last row by their dates; NaN where these say nothing."""
    moments = table.words("__moment")
    ends = [moment_in(moments[place])[0] for place in (0, -1)] if moments else []
    if len(ends) < 2 or not all(ends):
        return float("nan")
    first, last = (datetime.datetime.fromisoformat(each) for each in ends)
    return (last - first).total_seconds()


def _by_charge(table: Table) -> float:
    """The seconds in one unit of time, by the charge counted while the counter rises; NaN where none is."""
    time, current, charge = (table.numbers(name) for name in ("test_time_second", "current_ampere", "__capacity"))
    if time is None or current is None or charge is None:
        return float("nan")
    counted, passed = np.diff(charge), np.diff(time) * np.abs(current[1:])
    rising = (counted > 0.0) & (passed > 0.0) & (current[1:] * current[:-1] > 0.0)
    return float(3600.0 * counted[rising].sum() / passed[rising].sum()) if rising.any() else float("nan")
