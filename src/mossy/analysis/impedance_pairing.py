"""Where in a test each spectrum was measured: cycle, half-cycle, step, charge passed, temperature, current or rest.

A spectrum and a cycling record share a clock where both come from one file. From two files they are placed by their
start times, t = t_spectrum + (start of the spectrum's file - start of the record's file); the linked techniques of one
EC-Lab run carry the same start time and count one time, so that nothing is shifted there. Where neither is known the
spectrum is listed as not placed, with the reason, and never put anywhere by a guess: `offset_second` states the clock
where a person knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis import cycler_steps
from mossy.analysis.cycler_steps import Steps
from mossy.errors import InputError, suggest
from mossy.records import Cycling, Impedance

if TYPE_CHECKING:
    import polars as pl

FLOWS = 1e-3
"""A direct current above this share of the test's largest common one is a current, below it is rest."""
TEMPERATURES = ("surface_temperature_celsius", "temperature_t1_celsius", "ambient_temperature_celsius")
"""The columns a temperature is taken from, in this order."""
_HOUR = 3600.0
_SCHEMA: dict[str, Any] = {
    "spectrum": int,
    "sweep": int,
    "clock": str,
    "not_placed": str,
    "test_time_second": float,
    "duration_second": float,
    "cycle": int,
    "half_cycle": int,
    "step": int,
    "direction": int,
    "half_cycle_capacity_mAh": float,
    "half_cycle_capacity_mAh_per_cm2": float,
    "passed_capacity_mAh": float,
    "state": str,
    "direct_current_ampere": float,
    "direct_voltage_volt": float,
    "temperature_celsius": float,
}


def pair(
    spectra: Sequence[Impedance],
    record: Cycling | None = None,
    steps: Steps | None = None,
    *,
    offset_second: float | None = None,
) -> pl.DataFrame:
    """Each spectrum placed in the test, a row a spectrum, in the order given.

    Arguments: `spectra`; `record`, the cycling of the same cell; its `steps`, computed where not given; `offset_second`
    to be added to the times of the spectra so that they count as the record's, 0 where they already do: it overrules
    start times.
    Result, null where not known: spectrum (from 0), sweep, clock ("one file", "one start time", "start times",
    "stated"), not_placed (the reason), test_time_second (the middle, by the record's clock), duration_second, cycle,
    half_cycle (that a spectrum lies in or, between two, follows), step, direction (+1 plates the electrode under study,
    -1 strips it) of that half-cycle, half_cycle_capacity_mAh (passed in it so far, positive; per cm2 where the area is
    known), passed_capacity_mAh (all charge so far, either way), state ("under current", "rest"), direct_current_ampere
    and direct_voltage_volt (the spectrum's own medians, else the record's beside it), temperature_celsius.
    A spectrum outside the record's time is placed by its clock alone, and not_placed says how far outside it is.
    Raises InputError for no spectra, or an offset that is not finite.

    >>> import polars as pl
    >>> times = {"test_time_second": [1800.0, 1810.0], "frequency_hertz": [1e3, 1.0]}
    >>> z = {"real_impedance_ohm": [5.0, 90.0], "imaginary_impedance_ohm": [-1.0, -5.0]}
    >>> cell = {"test_time_second": [0.0, 3600.0], "current_ampere": [-1e-3, -1e-3]}
    >>> found = pair([Impedance(pl.DataFrame(times | z))], Cycling(pl.DataFrame(cell)), offset_second=0.0)
    >>> found.select("cycle", "half_cycle", "state", "clock").rows()
    [(1, 0, 'under current', 'stated')]
    """
    import polars as pl

    if not len(spectra):
        raise InputError("no spectrum was given", key="spectra", remedy="give at least one")
    if offset_second is not None and not np.isfinite(offset_second):
        raise InputError(f"an offset of {offset_second} s", key="offset_second", remedy="give a finite number")
    if record is not None and steps is None and "current_ampere" in record.table.columns:
        steps = cycler_steps.of(record)
    place = None if record is None or steps is None else _Places.of(record, steps)
    rows = [_row(number, each, record, place, offset_second) for number, each in enumerate(spectra)]
    return pl.DataFrame(rows, schema=_SCHEMA)


def along(
    pairs: pl.DataFrame,
    spectra: Sequence[Impedance],
    quantity: str | Callable[[Impedance], float] = "span",
    against: str = "test_time_second",
) -> pl.DataFrame:
    """A quantity of each spectrum against a column of `pair`, in its order, to be drawn or fitted.

    `quantity`: "low", "high", Re Z (ohm) at the lowest and the highest frequency that all spectra share, interpolated
    in ln f; "span", their difference; or a function of a spectrum. Columns: spectrum, `against`, value; spectra for
    which `against` is not known are left out. Raises InputError for another name, or spectra without a common range.

    >>> import polars as pl
    >>> z = {"real_impedance_ohm": [5.0, 90.0], "imaginary_impedance_ohm": [-1.0, -5.0], "frequency_hertz": [1e3, 1.0]}
    >>> spectrum = Impedance(pl.DataFrame(z | {"test_time_second": [0.0, 10.0]}))
    >>> along(pair([spectrum], offset_second=0.0), [spectrum]).rows()
    [(0, 5.0, 85.0)]
    """
    import polars as pl

    if pairs.height != len(spectra):
        raise InputError(f"{pairs.height} rows for {len(spectra)} spectra", remedy="give the spectra that were paired")
    if against not in pairs.columns:
        raise InputError(f"'{against}' is no column", key="against", remedy=suggest(against, pairs.columns))
    values = [float(quantity(each)) for each in spectra] if callable(quantity) else _named(quantity, spectra)
    found = pairs.select("spectrum", against).with_columns(pl.Series("value", values, dtype=pl.Float64))
    return found.drop_nulls(against)


def _named(quantity: str, spectra: Sequence[Impedance]) -> list[float]:
    if quantity not in ("span", "low", "high"):
        raise InputError(
            f"'{quantity}' is no quantity", key="quantity", remedy=suggest(quantity, ("span", "low", "high"))
        )
    parts = [
        (each.table["frequency_hertz"].to_numpy(), each.table["real_impedance_ohm"].to_numpy()) for each in spectra
    ]
    lowest = max(float(frequency.min()) for frequency, _ in parts)
    highest = min(float(frequency.max()) for frequency, _ in parts)
    if not lowest < highest:
        problem = f"the spectra share no range of frequencies: one begins at {lowest:g} Hz, one ends at {highest:g} Hz"
        raise InputError(problem, key="spectra", remedy="leave out those that were measured elsewhere")
    found = []
    for frequency, real in parts:
        order = np.argsort(frequency)
        low, high = np.interp(np.log([lowest, highest]), np.log(frequency[order]), real[order])
        found.append({"low": low, "high": high, "span": low - high}[quantity])
    return [float(each) for each in found]


@dataclass(frozen=True, eq=False)
class _Places:
    """What a moment of the test is looked up in: rows of the trace with their step, and charges."""

    steps: Steps
    step_of: np.ndarray
    passed: np.ndarray
    area: float | None
    usual: float
    temperature: np.ndarray | None

    @classmethod
    def of(cls, record: Cycling, steps: Steps) -> _Places:
        first = steps.table["first_row"].to_numpy()
        rows = np.arange(len(steps.trace.time))
        size = np.abs(steps.trace.current)
        flowing = size[size > 0.0]
        name = next((each for each in TEMPERATURES if each in record.table.columns), None)
        celsius = None
        if name is not None:
            celsius = record.table[name].cast(float).fill_null(float("nan")).to_numpy()[steps.trace.rows]
        return cls(
            steps,
            np.searchsorted(first, rows, side="right") - 1,
            np.cumsum(np.abs(steps.trace.charge)),
            record.metadata.get("electrode_area_square_metre"),
            float(np.quantile(flowing, 0.95)) if len(flowing) else 0.0,
            celsius,
        )

    def at(self, second: float, start: float, end: float) -> dict[str, Any]:
        """The entries of a spectrum measured around a moment."""
        trace = self.steps.trace
        after = int(np.searchsorted(trace.time, second, side="right"))
        before = after - 1
        if before < 0 or after > len(trace.time) - 1:
            return self._outside(start, end)
        step = int(self.step_of[before])
        within = step == int(self.step_of[after])
        entries: dict[str, Any] = {"step": step, "passed_capacity_mAh": float(self.passed[before]) / 3.6}
        if within:
            entries |= {"direct_current_ampere": float(trace.current[before])}
            if np.isfinite(trace.voltage[before]):
                entries |= {"direct_voltage_volt": float(trace.voltage[before])}
        return entries | self._half_cycle(before) | self._celsius(before)

    def _outside(self, start: float, end: float) -> dict[str, Any]:
        """A spectrum beyond the first or last row; one that begins where the record ends belongs to its end."""
        trace = self.steps.trace
        first, last = float(trace.time[0]), float(trace.time[-1])
        usual = float(np.median(np.diff(trace.time)))
        if end >= first and start - last <= max(usual, 1.0):
            row = len(trace.time) - 1 if start > first else 0
            entries = {"step": int(self.step_of[row]), "passed_capacity_mAh": float(self.passed[row]) / 3.6}
            return entries | self._half_cycle(row) | self._celsius(row)
        away = (start - last, "after the last") if start > last else (first - end, "before the first")
        return {"not_placed": f"{away[0] / _HOUR:.3g} h {away[1]} row of the record: no step is known there"}

    def _half_cycle(self, row: int) -> dict[str, Any]:
        halves = self.steps.half_cycles
        place = int(np.searchsorted(halves["first_row"].to_numpy(), row, side="right")) - 1
        if place < 0:
            return {"half_cycle_capacity_mAh": None}
        half = halves.row(place, named=True)
        part = slice(half["first_row"], min(row, half["last_row"]) + 1)
        milliampere_hours = float(self.steps.trace.charge[part].sum()) * half["current_sign"] / 3.6
        return {
            "half_cycle": half["half_cycle"],
            "cycle": half["cycle"],
            "direction": half["direction"],
            "half_cycle_capacity_mAh": milliampere_hours,
            "half_cycle_capacity_mAh_per_cm2": milliampere_hours / (1e4 * self.area) if self.area else None,
        }

    def _celsius(self, row: int) -> dict[str, Any]:
        if self.temperature is None or not np.isfinite(self.temperature[row]):
            return {}
        return {"temperature_celsius": float(self.temperature[row])}


def _row(
    number: int, spectrum: Impedance, record: Cycling | None, places: _Places | None, offset: float | None
) -> dict[str, Any]:
    entries: dict[str, Any] = dict.fromkeys(_SCHEMA)
    entries |= {"spectrum": number, "sweep": spectrum.metadata.get("sweep")}
    shift, clock, reason = _clock(spectrum, record, offset)
    entries |= {"clock": clock, "not_placed": reason}
    own = _own(spectrum)
    if "test_time_second" not in spectrum.table.columns or not spectrum.table["test_time_second"].drop_nulls().len():
        return entries | own | {"clock": None, "not_placed": "the spectrum has no times"}
    time = spectrum.table["test_time_second"].drop_nulls().to_numpy()
    start, end = float(time.min()), float(time.max())
    entries["duration_second"] = end - start
    if shift is None:
        return entries | own
    middle = 0.5 * (start + end) + shift
    entries["test_time_second"] = middle
    if places is None:
        missing = "there is no cycling record" if record is None else "the record has no current: no steps are known"
        return entries | own | ({"not_placed": missing} if reason is None else {})
    entries |= places.at(middle, start + shift, end + shift)
    entries |= own
    return entries | {"state": _state(entries["direct_current_ampere"], places)}


def _own(spectrum: Impedance) -> dict[str, Any]:
    """What the spectrum itself says of its direct current, voltage and temperature."""
    found: dict[str, Any] = {}
    for column, name in (("current_ampere", "direct_current_ampere"), ("voltage_volt", "direct_voltage_volt")):
        if column in spectrum.table.columns and spectrum.table[column].drop_nulls().len():
            found[name] = float(np.median(spectrum.table[column].drop_nulls().to_numpy()))
    celsius = spectrum.metadata.get("temperature_celsius")
    return found | ({"temperature_celsius": float(celsius)} if celsius is not None else {})


def _state(current: float | None, places: _Places) -> str | None:
    if current is None:
        return None
    return "under current" if abs(current) > FLOWS * places.usual else "rest"


def _clock(
    spectrum: Impedance, record: Cycling | None, offset: float | None
) -> tuple[float | None, str | None, str | None]:
    """(s to be added to the spectrum's times, what the clock rests on, why there is none)."""
    if offset is not None:
        return offset, "stated", None
    if record is None:
        return 0.0, None, None
    one, other = spectrum.metadata, record.metadata
    for key in ("source_sha256", "source_path"):
        if one.get(key) is not None and one.get(key) == other.get(key):
            return 0.0, "one file", None
    starts = [_moment(each.get("start_time")) for each in (one, other)]
    if starts[0] is not None and starts[1] is not None:
        apart = _seconds_between(starts[0], starts[1])
        if apart is None:
            return None, None, "one start time has a time zone and the other has none: state offset_second"
        return apart, "one start time" if apart == 0.0 else "start times", None
    missing = {
        (True, True): "neither it nor the record has a start time",
        (True, False): "it has no start time",
        (False, True): "the record has no start time",
    }[starts[0] is None, starts[1] is None]
    return None, None, f"it comes from another file than the record, and {missing}: state offset_second"


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _seconds_between(one: datetime, other: datetime) -> float | None:
    if (one.tzinfo is None) != (other.tzinfo is None):
        return None
    return (one - other).total_seconds()


__all__ = ["FLOWS", "TEMPERATURES", "along", "pair"]
