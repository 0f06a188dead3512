"""Whether a record over time can be trusted: what contradicts itself is refused, what is doubtful is said.

`mossy.read` asks this of every cycling record that Mossy did not write itself. Nothing is corrected. Two options
belong to every file with a trace: `trust="current"` reads a file whose current and capacity contradict each other as
it stands, and `times` says what to do where the time goes back: `"drop"` leaves single rows with a wrong time out,
`"continue"` lets a run that was appended go on one sampling interval after the row before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.errors import InputError, suggest
from mossy.readers.base import in_both
from mossy.readers.charge import compared, counted, currents, gaps, integrated
from mossy.readers.charge_names import looks_like_charge
from mossy.records import MEAN_CURRENT, Cycling, Record

if TYPE_CHECKING:
    import polars as pl

_FEW = 0.02
"""The share of rows with a wrong time that may be left out."""
_WORKS_ON = 1e-3
"""A current below this share of the largest is no current: offsets of an instrument at rest."""
_MOST_AMPERE, _LEAST_VOLT, _MOST_VOLT = 1000.0, -10.0, 1000.0
_CLOCK = 5.0


def checked(record: Record, options: Mapping[str, Any] | None = None) -> Record:
    """A record with what was checked of it in its metadata; records of another kind than Cycling as they are.

    Adds to `metadata["warnings"]`, and where there is a current `charge_check`, `first_current`, `cycles_start_with`
    and `gaps` (`mossy.records` says what they mean). Raises InputError for a current and a capacity that contradict
    each other by a unit or by a lost sign.
    """
    options = options or {}
    trust = options.get("trust")
    if trust not in (None, "current"):
        raise InputError(f"{trust!r} is nothing to trust", key="trust", remedy=suggest(str(trust), ["current"]))
    if not isinstance(record, Cycling) or record.table.height < 2:
        return record
    table = record.table
    warnings = [*_implausible(table), *_twice(table), *_clock(table)]
    known: dict[str, Any] = {}
    if "current_ampere" in table.columns:
        means = str(record.metadata.get("current", "")).startswith(MEAN_CURRENT)
        passed, vendor = integrated(table, means), counted(table)
        gap = gaps(table, passed, vendor)
        if gap.any():
            passed, vendor = passed.within(~gap), vendor.within(~gap) if vendor else None
        current = currents(table)
        check, told = compared(current, passed, vendor, trust == "current")
        told += _unchecked(record) if vendor is None and current.any() else []
        known |= {"charge_check": check, **_first_currents(table)}
        warnings += told
        if gap.any():
            known["gaps"] = _gaps(table, gap)
            warnings += _missing(known["gaps"], check)
    earlier = record.metadata.get("warnings", [])
    if warnings:
        known["warnings"] = [*earlier, *(warning for warning in warnings if warning not in earlier)]
    return record.with_metadata(**known) if known else record


def _implausible(table: pl.DataFrame) -> list[str]:
    """Values that no cell has, and columns that say nothing."""
    told = []
    rows = table.height
    if "current_ampere" in table.columns:
        current = currents(table)
        largest = float(np.abs(current).max())
        if largest > _MOST_AMPERE:
            told.append(f"the current reaches {largest:.4g} A: see whether its unit is right")
        if not largest:
            told.append(f"the current is 0 A in all {rows} rows")
    if "voltage_volt" in table.columns and table["voltage_volt"].null_count() < rows:
        voltage = table["voltage_volt"].to_numpy()
        low, high = float(np.nanmin(voltage)), float(np.nanmax(voltage))
        if low < _LEAST_VOLT or high > _MOST_VOLT:
            told.append(f"the voltage goes from {low:.4g} to {high:.4g} V: a wrong unit, or an overloaded instrument")
        if low == high and rows >= 10:
            told.append(f"the voltage is {low:.4g} V in all {rows} rows")
    return told


def _unchecked(record: Record) -> list[str]:
    """Columns that might have shown a wrong unit of the current, and were not understood."""
    unread = [name for name in record.metadata.get("columns_not_read", []) if looks_like_charge(name)]
    if not unread:
        return []
    which = "the capacity column" if len(unread) == 1 else "the capacity columns"
    shown = ", ".join(f"'{name}'" for name in unread[:3]) + (f" and {len(unread) - 3} more" if len(unread) > 3 else "")
    was = "was" if len(unread) == 1 else "were"
    return [f"{which} {shown} {was} not read, so that the current's unit could not be checked"]


def _twice(table: pl.DataFrame) -> list[str]:
    """Rows that repeat the row before in every column; they carry no charge."""
    repeats = np.flatnonzero(np.diff(table["test_time_second"].to_numpy()) == 0.0) + 1
    for name in table.columns:
        if not repeats.size:
            return []
        column = table[name]
        same = column[repeats.tolist()].eq_missing(column[(repeats - 1).tolist()]).to_numpy()
        repeats = repeats[same]
    return [f"{len(repeats)} rows repeat the row before them (first: row {repeats[0] + 1})"] if repeats.size else []


def _clock(table: pl.DataFrame) -> list[str]:
    """Where the instrument's clock and the time of the test do not go on alike."""
    if "unix_time_second" not in table.columns or table["unix_time_second"].null_count():
        return []
    time = table["test_time_second"].to_numpy()
    apart = np.diff(table["unix_time_second"].to_numpy()) - np.diff(time)
    jumps = np.flatnonzero(np.abs(apart) > _CLOCK + 0.01 * np.diff(time))
    if not jumps.size:
        return []
    shown = ", ".join(f"{apart[row]:+.6g} s at row {row + 2} ({time[row + 1]:.6g} s)" for row in jumps[:3])
    more = f" and {len(jumps) - 3} more" if len(jumps) > 3 else ""
    return [f"the clock jumps against the time of the test: {shown}{more}; the test was paused or the clock was set"]


def _first_currents(table: pl.DataFrame) -> dict[str, str]:
    """With which current the test starts, and with which the instrument's own cycles do."""
    current = currents(table)
    flows = np.flatnonzero(np.abs(current) > _WORKS_ON * np.abs(current).max())
    if not flows.size:
        return {}
    words = {True: "charge", False: "discharge"}
    found = {"first_current": words[bool(current[flows[0]] > 0.0)]}
    if "cycle_count" in table.columns and not table["cycle_count"].null_count():
        cycle = table["cycle_count"].to_numpy()[flows]
        opens = np.flatnonzero(np.diff(cycle, prepend=cycle[0] - 1))
        into = current[flows[opens]] > 0.0
        later = into[1:] if len(into) > 2 else into
        found["cycles_start_with"] = words[bool(later[0])] if (later == later[0]).all() else "either"
    return found


def _gaps(table: pl.DataFrame, gap: np.ndarray) -> list[dict[str, float]]:
    time, current = table["test_time_second"].to_numpy(), currents(table)
    return [
        {
            "row": int(row) + 2,
            "start_second": float(time[row]),
            "duration_second": float(time[row + 1] - time[row]),
            "charge_ah": float(current[row + 1] * (time[row + 1] - time[row]) / 3600.0),
        }
        for row in np.flatnonzero(gap)
    ]


def _missing(found: list[dict[str, float]], check: dict[str, Any]) -> list[str]:
    """Gaps in which charge would matter."""
    total = sum(check["integrated_ah"].values())
    heavy = [gap for gap in found if abs(gap["charge_ah"]) > 1e-3 * total]
    if not heavy:
        return []
    longest = max(heavy, key=lambda gap: gap["duration_second"])
    charge = sum(abs(gap["charge_ah"]) for gap in heavy)
    return [
        f"{len(heavy)} gaps without a row (the longest {longest['duration_second']:.6g} s before row {longest['row']}, "
        f"at {longest['start_second']:.6g} s): had the current after them flowed all the while, it would be "
        f"{charge:.4g} Ah, beside {total:.4g} Ah in the rest of the record"
    ]


def in_time_order(
    time: np.ndarray, step_time: np.ndarray | None, wish: Any, at: Callable[[np.ndarray], str]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(times, rows to keep, warnings) of a trace; refuses times that go back, unless `wish` says what to do."""
    every = np.ones(len(time), dtype=bool)
    if wish not in (None, "drop", "continue"):
        raise InputError(
            f"'{wish}' is no way to treat it", key="times", remedy=suggest(str(wish), ["drop", "continue"])
        )
    falls = np.flatnonzero(np.diff(time) < 0.0) + 1
    if not falls.size:
        return time, every, []
    behind = time < np.maximum.accumulate(time)
    stray = np.flatnonzero(behind)
    where = f"the time goes back at {at(falls)}"
    if len(stray) <= max(_FEW * len(time), len(falls)):
        zero = (time[stray] == 0.0).all() or (step_time is not None and (time[stray] == step_time[stray]).all())
        looks = " (they hold 0 s, or the time within their step, in place of the time of the test)" if zero else ""
        problem = f"{where}: {len(stray)} of {len(time)} rows have a time before that of the rows around them{looks}"
        if wish == "drop":
            return time, ~behind, [f"{len(stray)} rows were left out: {problem}"]
        remedy = f"correct their times; {in_both('times', 'drop')} leaves them out"
        raise InputError(problem, key="test_time_second", remedy=remedy)
    begins = time[falls[0]]
    problem = f"{where}: from {time[falls[0] - 1]:.6g} s to {begins:.6g} s, as where a clock was set or a run appended"
    if wish != "continue":
        go_on = in_both("times", "continue")
        remedy = f"give each run as a file; {go_on} puts each one sampling interval after the last"
        raise InputError(problem, key="test_time_second", remedy=remedy)
    interval = np.diff(time)
    interval[falls - 1] = np.median(interval[interval > 0.0])
    onward = time[0] + np.concatenate([[0.0], np.cumsum(interval)])
    return onward, every, [f"{problem}; what follows was put on one sampling interval later: the pause is not known"]
