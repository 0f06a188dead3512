"""What the cycler did, told from current and voltage alone: steps, half-cycles, cycles, and what part each plays.

Never from step numbers, which every instrument counts its own way. `of(record)` gives the tables; which current plates
is taken from the record's `roles`, and where those are not known the tables tell of negative and positive current only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.cycler_steps.charge import interval_charges
from mossy.analysis.cycler_steps.half_cycles import half_cycle_table
from mossy.analysis.cycler_steps.labels import labelled
from mossy.analysis.cycler_steps.segments import segments
from mossy.analysis.cycler_steps.step_table import step_table
from mossy.errors import InputError
from mossy.records import MEAN_CURRENT, Cycling, Impedance

if TYPE_CHECKING:
    import polars as pl

DESCRIBE = "state it in a cell.toml beside the file; `mossy describe FILE > cell.toml` writes a draft"


@dataclass(frozen=True, eq=False)
class Trace:
    """The rows of a record that have a time and a current, as arrays: s, V (NaN where not known), A; `rows` their
    places in the record's table; `charge` (C) what passed in the interval that ends at each row, signed as the current.
    """

    time: np.ndarray
    voltage: np.ndarray
    current: np.ndarray
    charge: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps and half-cycles of a record.

    `table` has a row a step: step, kind ("plate", "strip", or "negative", "positive" where roles are not known; "rest",
    "hold", "pulse", "impedance"), current_sign, direction (+1 plates the electrode under study, -1 strips it, 0 no
    current, null not known), first_row, last_row (of `trace`), start_second, end_second, charge_coulomb (signed as the
    current), current_ampere (median), voltage_start_volt, voltage_end_volt, voltage_median_volt, half_cycle, cycle
    (both null where no half-cycle runs).
    `half_cycles` has a row a half-cycle, which are steps of one direction with the rests, pulses and holds among them:
    half_cycle, cycle, label, current_sign, direction, first_row, last_row, start_second, end_second, charge_coulomb
    (passed in its own direction, positive), current_ampere (of the step that carried most, positive),
    voltage_start_volt, voltage_end_volt, voltage_median_volt (while its current flows), rest_before_second,
    ended ("charge", "voltage", "file": what ended it as far as current and voltage tell).
    Cycles count from 1 and begin with plating for metal on a substrate and in anode-free cells, else with whatever came
    first; a strip before the first plate is cycle 0. `label` is "formation", "conditioning plate", "conditioning
    strip", "reservoir", "short strip", "short plate", "final strip", or null.
    """

    trace: Trace
    table: pl.DataFrame
    half_cycles: pl.DataFrame
    plating_sign: int | None
    kind: str | None
    notes: tuple[str, ...]

    def part(self, half_cycle: int) -> slice:
        """The rows of the trace of a half-cycle."""
        row = self.half_cycles.row(half_cycle, named=True)
        return slice(row["first_row"], row["last_row"] + 1)


def of(record: Cycling, spectra: Sequence[Impedance] = (), *, formation_cycles: int | None = None) -> Steps:
    """The steps of a cycling record. `spectra`, measured in the same test on the same clock, become steps of their own.

    `formation_cycles` overrules the metadata and what the currents suggest.
    Raises InputError where there is no current to tell steps from.

    >>> import polars as pl
    >>> t = [0.0, 1800.0, 3600.0, 3600.0, 5400.0, 7020.0]
    >>> table = pl.DataFrame({"test_time_second": t, "current_ampere": [-1e-3] * 3 + [1e-3] * 3})
    >>> roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    >>> found = of(Cycling(table, {"roles": roles, "cell_kind": "substrate"}))
    >>> found.half_cycles.select("cycle", "direction", "charge_coulomb").rows()
    [(1, 1, 3.6), (1, -1, 3.42)]
    """
    trace = trace_of(record)
    roles = record.metadata.get("roles") or {}
    sign = roles.get("plating_current_sign")
    kind = record.metadata.get("cell_kind")
    found = segments(trace.time, trace.voltage, trace.current)
    steps = step_table(trace, found, sign, [_span(each) for each in spectra])
    steps, halves = half_cycle_table(trace, steps, kind)
    given = record.metadata.get("formation_cycles") if formation_cycles is None else formation_cycles
    halves = labelled(halves, given, kind)
    return Steps(trace, steps, halves, sign, kind, tuple(_notes(trace, steps)))


def trace_of(record: Cycling) -> Trace:
    """The rows with time and current as arrays, with the charge of each interval."""
    import polars as pl

    if "current_ampere" not in record.table.columns:
        problem = "the record has no current: neither steps nor charges can be told"
        raise InputError(problem, key="current_ampere", remedy="export the current with the time and voltage")
    known = record.table["current_ampere"].is_not_null().to_numpy()
    rows = np.flatnonzero(known)
    if len(rows) < 2:
        raise InputError(f"{len(rows)} rows have a current", key="current_ampere", remedy="give a whole test")
    columns = record.table.filter(pl.col("current_ampere").is_not_null())
    time = columns["test_time_second"].cast(pl.Float64).to_numpy()
    current = columns["current_ampere"].cast(pl.Float64).to_numpy()
    if np.any(np.diff(time) < 0.0):
        place = int(np.flatnonzero(np.diff(time) < 0.0)[0])
        problem = f"the time goes back from {time[place]:.6g} to {time[place + 1]:.6g} s at row {rows[place + 1] + 1}"
        raise InputError(problem, key="test_time_second", remedy="mend the file: charges need times that rise")
    voltage = np.full(len(time), np.nan)
    if "voltage_volt" in columns.columns:
        voltage = columns["voltage_volt"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    mean = str(record.metadata.get("current", "")).startswith(MEAN_CURRENT)
    charge = interval_charges(time, current, mean=mean)
    charge[np.isin(rows, [gap["row"] - 1 for gap in record.metadata.get("gaps", [])])] = 0.0  # nobody counted it
    return Trace(time, voltage, current, charge, rows)


def plating_sign(steps: Steps) -> int:
    """Which current sign plates; InputError where it is not stated."""
    if steps.plating_sign is None:
        raise InputError("which current plates is not stated", key="plating_current", remedy=DESCRIBE)
    return steps.plating_sign


def _span(spectrum: Impedance) -> tuple[float, float]:
    if "test_time_second" not in spectrum.table.columns:
        raise InputError("a spectrum without times cannot be placed", key="spectra", remedy="leave it out")
    time: Any = spectrum.table["test_time_second"]
    return float(time.min()), float(time.max())


def _notes(trace: Trace, steps: pl.DataFrame) -> list[str]:
    gaps = np.diff(trace.time)
    usual = float(np.quantile(gaps, 0.99)) if len(gaps) else 0.0
    long = np.flatnonzero((gaps > 20.0 * max(usual, 1.0)) & (trace.charge[1:] != 0.0))
    notes = []
    if len(long):
        worst = long[np.argmax(gaps[long])]
        share = float(np.abs(trace.charge[1:][long]).sum() / np.abs(trace.charge).sum())
        notes.append(
            f"{len(long)} gaps in the recording while current flowed (the longest {gaps[worst] / 3600.0:.3g} h at "
            f"{trace.time[worst] / 3600.0:.4g} h) carry {100.0 * share:.2g} % of the charge, taken at the current after"
        )
    if not steps.height or not (steps["current_sign"] != 0).any():
        notes.append("no current flows anywhere in this record")
    return notes


__all__ = ["DESCRIBE", "Steps", "Trace", "of", "plating_sign", "trace_of"]
