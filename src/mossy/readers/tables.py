"""A measured table with machine names -> the records it holds.

One file may hold several: a trace over time, and spectra within it. Points with frequency 0 are measured at direct
current; where there are some, the trace (every row: time, voltage, current) is a Cycling record of its own. A new
spectrum starts where the frequency turns back, after points at direct current, and where cycle, loop or label change.

Incomplete rows (an empty or NaN cell where a record needs a number) are never filled in and never silently dropped:
the file is refused with the place of each, unless the caller says `missing="drop"`, which is noted in the metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.errors import InputError, suggest
from mossy.readers.base import Request, columns_remedy, in_both
from mossy.readers.derived import with_spectrum
from mossy.readers.integrity import in_time_order
from mossy.readers.spectra import turned, warnings_of
from mossy.records import KINDS, TEXT_COLUMNS, Cycling, Impedance, Profile, Record, kind_named, known_names, unit_of

if TYPE_CHECKING:
    import polars as pl

LOOP = "__loop"
"""A column of the reader's own: the loop of the instrument's programme that a row belongs to."""
_SPECTRUM = ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")
_POLAR = ("absolute_impedance_ohm", "phase_degree")
_TRACE = ("voltage_volt", "current_ampere")
_NO_MEASUREMENT = {"voltage_volt": 1e5, "current_ampere": 1e6}
"""From here on a value is the mark of an overflow or of nothing measured (9.99e37 and its like), not a number."""
_DROP = f"{in_both('missing', 'drop')} leaves them out"
ESSENTIAL = frozenset({*_TRACE, *(name for kind in KINDS.values() for name in kind.required)})
"""The columns a record stands on: two candidates for one of them are never chosen between by guess."""


@dataclass(frozen=True)
class Measured:
    """A table as it was read: machine names and their units; where each row stands in the file; what else is known."""

    frame: pl.DataFrame
    places: Sequence[int]
    word: str = "line"
    metadata: dict[str, Any] = field(default_factory=dict)
    negated: str = ""
    """The heading of the column of Z'' (or its phase) where that says by itself that it holds the other sign."""
    may_lack: tuple[str, ...] = ()
    """Columns that the instrument itself does not know everywhere."""

    def at_rows(self, rows: np.ndarray) -> str:
        """The places of some rows, the first three in full."""
        shown = ", ".join(str(self.places[int(row)]) for row in rows[:3])
        return f"{self.word} {shown}" + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")

    def rows(self, keep: np.ndarray) -> Measured:
        """Some of the rows."""
        kept = np.flatnonzero(keep)
        return replace(self, frame=self.frame[kept.tolist()], places=[self.places[int(row)] for row in kept])

    def noting(self, **entries: Any) -> Measured:
        """The same with more metadata; warnings and dropped rows add up."""
        if not entries.get("warnings", True):
            del entries["warnings"]
        if "warnings" in entries:
            entries["warnings"] = [*self.metadata.get("warnings", []), *entries["warnings"]]
        if "dropped_rows" in entries:
            entries["dropped_rows"] += self.metadata.get("dropped_rows", 0)
        return replace(self, metadata=self.metadata | entries)


def records_in(measured: Measured, request: Request) -> list[Record]:
    """Every record a measured table holds, or those of the kind asked for."""
    if measured.frame.is_empty():
        raise InputError("holds no data points", remedy="give a file with at least one")
    measured = _whole_numbers(with_spectrum(measured, request))
    names = measured.frame.columns
    found: list[Record] = []
    if set(Profile.required) <= set(names):
        found.append(_profile(measured, request))
    elif set(_SPECTRUM) <= set(names):
        found += _trace_and_spectra(measured, request)
    elif "test_time_second" in names and set(_TRACE) & set(names):
        found.append(_cycling(measured, request))
    else:
        words = [*(name for name in names if name != "__rows"), *measured.metadata.get("columns_not_read", [])]
        raise InputError(_what_is_missing(measured), remedy=columns_remedy(words))
    if request.kind is not None:
        found = _of_kind(found, measured, request)
    return found


def _what_is_missing(measured: Measured) -> str:
    read = [name for name in measured.frame.columns if not name.startswith("__")]
    unread = measured.metadata.get("columns_not_read", [])
    found = f"the columns {', '.join(read)}" if read else "no column"
    others = f" (not recognised, or without a unit: {', '.join(map(repr, unread[:8]))})" if unread else ""
    kinds = "; ".join(f"{name}: {', '.join(kind.required)}" for name, kind in KINDS.items())
    return (
        f"{found} could be read{others}, too little for a record ({kinds}; cycling also voltage_volt or current_ampere)"
    )


def _of_kind(found: list[Record], measured: Measured, request: Request) -> list[Record]:
    kind = kind_named(request.kind or "")
    wanted = [record for record in found if isinstance(record, kind)]
    names = set(measured.frame.columns)
    if not wanted and kind is Cycling and "test_time_second" in names and set(_TRACE) & names:
        wanted = [_cycling(measured, request)]  # the direct current and voltage along a spectrum
    if not wanted:
        kinds = sorted({record.kind for record in found})
        remedy = "ask for " + " or ".join(f'kind = "{each}"' for each in kinds)
        raise InputError(f"holds {' and '.join(kinds)} data, no {request.kind} data", key="kind", remedy=remedy)
    return wanted


def _whole_numbers(measured: Measured) -> Measured:
    """Counts as integers where all of them are whole."""
    import polars as pl

    frame = measured.frame
    counts = []
    for name in frame.columns:
        if name.endswith(("_count", "_id", "_index")) and frame[name].dtype.is_float():
            values = frame[name].to_numpy()
            known = values[~np.isnan(values)]
            if np.isfinite(known).all() and (known == np.rint(known)).all():
                counts.append(frame[name].cast(pl.Int64, strict=False))
    return replace(measured, frame=frame.with_columns(counts)) if counts else measured


def _complete(measured: Measured, names: Sequence[str], request: Request) -> Measured:
    """Only rows with a finite number in each of the columns: the others refused, or dropped on request."""
    holes = {name: ~np.isfinite(measured.frame[name].to_numpy()) for name in names}
    bad = np.logical_or.reduce(list(holes.values()))
    if not bad.any():
        _told_to_drop(request)
        return measured
    if not _told_to_drop(request):
        where = [f"{name} at {measured.at_rows(np.flatnonzero(hole))}" for name, hole in holes.items() if hole.any()]
        remedy = f"fill them in, or delete those rows; {_DROP}"
        raise InputError(f"empty cells or NaN in {'; '.join(where)}", remedy=remedy)
    if bad.all():
        raise InputError(f"no row has all of {', '.join(names)}", remedy="give a file with at least one whole row")
    kept = measured.rows(~bad)
    return kept.noting(dropped_rows=int(bad.sum()), warnings=[f"{int(bad.sum())} incomplete rows were left out"])


def _told_to_drop(request: Request) -> bool:
    missing = request.options.get("missing", "refuse")
    if missing not in ("refuse", "drop"):
        remedy = suggest(missing, ["refuse", "drop"])
        raise InputError(f"'{missing}' is no way to treat it", key="missing", remedy=remedy)
    return bool(missing == "drop")


def _without_overflow(measured: Measured, names: Sequence[str], request: Request) -> Measured:
    """Only rows whose voltage and current are measurements: the others refused, or dropped on request."""
    for name in names:
        values, limit = measured.frame[name].to_numpy(), _NO_MEASUREMENT[name]
        bad = np.abs(values) > limit
        if not bad.any():
            continue
        unit = unit_of(name)
        first = f"{values[np.flatnonzero(bad)[0]]:.4g} {unit}"
        where = measured.at_rows(np.flatnonzero(bad))
        problem = f"{name} is {first} at {where}, which is no measurement (more than {limit:g} {unit})"
        if not _told_to_drop(request):
            remedy = f"correct those rows, or its unit if that is wrong; {_DROP}"
            raise InputError(problem, remedy=remedy)
        count = int(bad.sum())
        measured = measured.rows(~bad).noting(dropped_rows=count, warnings=[f"{count} rows were left out: {problem}"])
    return measured


def _ordered(frame: pl.DataFrame, first: Sequence[str], without: Sequence[str] = ()) -> pl.DataFrame:
    """The columns a record keeps: those of its kind first, then in the order of the standard."""
    order = [*first, *(name for name in known_names() if name not in first)]
    there = set(frame.columns).difference(without)
    return frame.select([name for name in order if name in there])


def _cycling(measured: Measured, request: Request) -> Record:
    """The trace over time; its current or voltage may be absent, or unknown at a point where the reader says so."""
    present = [name for name in _TRACE if name in measured.frame.columns]
    needed = [name for name in present if name not in measured.may_lack]
    measured = _complete(measured, ["test_time_second", *needed], request)
    measured = _without_overflow(measured, present, request)
    measured = _in_time_order(measured, request)
    per_area = tuple(f"{name}_cm2" for name in _SPECTRUM[1:])
    of_spectra = (
        *_SPECTRUM,
        *_POLAR,
        *per_area,
        *(f"{side}_{name}" for side in ("working", "counter") for name in _SPECTRUM[1:]),
    )
    metadata = {key: value for key, value in measured.metadata.items() if key != "impedance"}
    return Cycling(_ordered(measured.frame, ("test_time_second", *_TRACE), without=of_spectra), metadata)


def _in_time_order(measured: Measured, request: Request) -> Measured:
    step_time = measured.frame["step_time_second"] if "step_time_second" in measured.frame.columns else None
    time, keep, told = in_time_order(
        measured.frame["test_time_second"].to_numpy(),
        None if step_time is None else step_time.to_numpy(),
        request.options.get("times"),
        measured.at_rows,
    )
    if not told:
        return measured
    frame = measured.frame.with_columns(test_time_second=time)
    measured = replace(measured, frame=frame).noting(warnings=told)
    return measured if keep.all() else measured.rows(keep).noting(dropped_rows=int((~keep).sum()))


def _profile(measured: Measured, request: Request) -> Record:
    measured = _complete(measured, Profile.required, request)
    return Profile(_ordered(measured.frame, Profile.required), measured.metadata)


def _trace_and_spectra(measured: Measured, request: Request) -> list[Record]:
    """The spectra of a table, after the trace where some of its points are measured at direct current."""
    frequency = measured.frame["frequency_hertz"].fill_null(0.0).to_numpy()
    alternating = frequency != 0.0
    found: list[Record] = []
    names = set(measured.frame.columns)
    if not alternating.all():
        if not ("test_time_second" in names and set(_TRACE) & names):
            measured = _without_direct_current(measured, alternating, request)
            return _trace_and_spectra(measured, request)
        if request.kind != "impedance" or not alternating.any():
            found.append(_cycling(measured, request))
    if not alternating.any():
        return found
    starts = _restarts(measured, frequency)
    count = len(np.unique(starts[alternating]))
    for number, start in enumerate(np.unique(starts[alternating]), 1):
        spectrum = measured.rows(alternating & (starts == start)).noting(sweep=number, sweeps=count)
        found.append(_impedance(spectrum, request))
    return found


def _without_direct_current(measured: Measured, alternating: np.ndarray, request: Request) -> Measured:
    """The table without points of frequency 0 that say nothing: refused, or dropped on request."""
    places = measured.at_rows(np.flatnonzero(~alternating))
    if request.options.get("missing") != "drop" or not alternating.any():
        remedy = f"delete those rows, which without time and voltage or current say nothing; {_DROP}"
        raise InputError(f"the frequency is 0 or empty at {places}", remedy=remedy)
    dropped = int((~alternating).sum())
    warning = f"{dropped} points without a frequency were left out ({places})"
    return measured.rows(alternating).noting(dropped_rows=dropped, warnings=[warning])


def _restarts(measured: Measured, frequency: np.ndarray) -> np.ndarray:
    """For each row the row its spectrum starts at."""
    marks = [measured.frame[name] for name in ("cycle_count", LOOP, "label") if name in measured.frame.columns]
    changed = np.zeros(len(frequency), dtype=bool)
    for mark in marks:
        changed |= (mark != mark.shift(1)).fill_null(False).to_numpy()
    starts, start, direction = np.zeros(len(frequency), dtype=np.int64), 0, 0.0
    for row in range(1, len(frequency)):
        step = np.sign(frequency[row] - frequency[row - 1])
        turned = direction != 0.0 and step == -direction
        if changed[row] or turned or frequency[row - 1] == 0.0 or frequency[row] == 0.0:
            start, direction = row, 0.0
        elif direction == 0.0:
            direction = step
        starts[row] = start
    return starts


def _impedance(measured: Measured, request: Request) -> Record:
    measured = _complete(measured, _SPECTRUM, request)
    negative = np.flatnonzero(measured.frame["frequency_hertz"].to_numpy() < 0.0)
    if negative.size:
        raise InputError(f"the frequency is negative at {measured.at_rows(negative)}", remedy="check the column")
    if turned(request):
        measured = _turn(measured)
    frequency, real, imaginary = (measured.frame[name].cast(float).to_numpy() for name in _SPECTRUM)
    told = warnings_of(frequency, real + 1j * imaginary)
    if told:
        measured = measured.noting(warnings=told)
    spectrum = Impedance(_ordered(measured.frame, _SPECTRUM), measured.metadata)
    area = measured.metadata.get("electrode_area_square_metre")
    return spectrum.per_area(area) if area else spectrum


def _turn(measured: Measured) -> Measured:
    """The spectrum with Z'' of the other sign, and the phase with it where that had the sign of Z''."""
    if measured.negated:
        warning = f"Z'' was not turned: the heading '{measured.negated}' says its sign already, and it was read so"
        return measured.noting(warnings=[warning])
    names = [name for name in (_SPECTRUM[2], f"{_SPECTRUM[2]}_cm2") if name in measured.frame.columns]
    frame = measured.frame.with_columns([-measured.frame[name] for name in names])
    if "phase_degree" in frame.columns:
        agreement = (frame["imaginary_impedance_ohm"] * frame["phase_degree"]).sum()
        if agreement < 0.0:
            frame = frame.with_columns(phase_degree=-frame["phase_degree"])
    return replace(measured, frame=frame).noting(warnings=["Z'' was turned, as the caller asked: the file holds -Z''"])


def renumbered(found: Sequence[Record]) -> list[Record]:
    """Spectra that come from several tables of one file, numbered through."""
    count, number, out = sum(isinstance(record, Impedance) for record in found), 0, []
    for record in found:
        if isinstance(record, Impedance):
            number += 1
            record = record.with_metadata(sweep=number, sweeps=count)
        out.append(record)
    return out


def assemble(columns: dict[str, Any], *, height: int) -> pl.DataFrame:
    """A frame of the columns read: words as they are, everything else as floats."""
    import polars as pl

    kinds = {name: pl.String if name in TEXT_COLUMNS else pl.Float64 for name in columns}
    return pl.DataFrame(columns, schema=kinds) if columns else pl.DataFrame({"__rows": [0.0] * height})
