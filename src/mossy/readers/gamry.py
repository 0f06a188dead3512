"""Gamry Framework files (.DTA): every spectrum (ZCURVE) of an impedance experiment, the trace (CURVE) of any other.

A .DTA file is lines of tab-separated entries: `TAG<tab>type<tab>value<tab>label`, and tables, which open with
`NAME<tab>TABLE[<tab>rows]` and have a line of names, a line of units and rows that begin with a tab. Numbers have the
decimal mark of the computer that wrote them. ZCURVE tables are spectra; the open circuit before them is noted as a
voltage, and tables that are not read are listed. Gamry's Z'' is negative for capacitive arcs. CURVE tables (T, Vf, Im)
of chronopotentiometry, chronoamperometry, voltammetry and charge-discharge are traces: those whose time goes on are
one, counted as its cycles. Their current is anodic where the file's CONVENTION is 1, which is Mossy's sign; a file that
states another convention is refused (that 1 means anodic is unverified: it is what the files at hand state).

An aborted experiment is read up to where it was aborted, with a warning; a row that is not whole is an error, as the
file may have been cut. The area is 1 cm2 until somebody enters another, and -327.67 degC means no thermometer.
Spectra were checked against the files of two instruments (Framework 7.05 and 7.8.2, REF3000 and REF600P), traces
against Gamry's description of its files (help.gamry.com).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.biologic import number
from mossy.readers.preamble import area, moment
from mossy.readers.spectra import SIGN_OPTION
from mossy.readers.tables import Measured, records_in, renumbered
from mossy.readers.text import measure
from mossy.readers.text_grid import Header, decode
from mossy.records import Record

_HEADINGS = {
    "Time": "Time (s)",
    "Freq": "Frequency (Hz)",
    "Zreal": "Zreal (ohm)",
    "Zimag": "Zimag (ohm)",
    "Zmod": "|Z| (ohm)",
    "Zphz": "Phase (deg)",
    "Idc": "Current (A)",
    "Vdc": "Voltage (V)",
    "Temp": "Temperature (degC)",
    "T": "Time (s)",
    "Vf": "Voltage (V)",
    "Im": "Current (A)",
    "Pwr": "Power (W)",
}
_UNITS = {
    **dict.fromkeys(("Time", "T"), "s"),
    "Freq": "Hz",
    **dict.fromkeys(("Zreal", "Zimag", "Zmod"), "ohm"),
    **dict.fromkeys(("Idc", "Im"), "A"),
    "Vdc": "V",
    "Pwr": "W",
}
_ANODIC = "1"
_NO_THERMOMETER = -300.0


@dataclass
class _File:
    """The entries of a file and where its tables are: name, declared rows, first and last line (index)."""

    entries: dict[str, list[str]] = field(default_factory=dict)
    tables: list[tuple[str, int | None, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sniff(path: Path, head: bytes) -> bool:
    """The word EXPLAIN, alone on the first line."""
    return re.match(rb"(?:\xef\xbb\xbf)?EXPLAIN\s*\r?\n\s*TAG\t", head) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The spectra of one experiment, or its traces."""
    lines = decode(read_bytes(path), path)
    content = _parse(lines)
    metadata = _metadata(content)
    curves = [table for table in content.tables if table[0].startswith("ZCURVE")]
    traces = [table for table in content.tables if re.fullmatch(r"CURVE\d*", table[0])]
    if traces and not curves:
        return _traces(lines, traces, content, metadata, request)
    if not curves:
        held = ", ".join(name for name, *_ in content.tables) or "none"
        raise InputError(f"holds no impedance (ZCURVE) but the tables: {held}", remedy="give an impedance experiment")
    found: list[Record] = []
    for _, rows, first, last in curves:
        found += _curve(lines, first, last, rows, metadata, request)
    return renumbered(found)


def _parse(lines: Sequence[str]) -> _File:
    content = _File()
    index = 0
    while index < len(lines):
        cells = lines[index].rstrip().split("\t")
        index += 1
        if not cells[0].strip():
            continue
        if len(cells) > 1 and cells[1].strip() == "TABLE":
            first = index
            while index < len(lines) and (lines[index].startswith("\t") or not lines[index].strip()):
                index += 1
            declared = cells[2].strip() if len(cells) > 2 else ""
            content.tables.append((cells[0].strip(), int(declared) if declared.isdecimal() else None, first, index))
        elif len(cells) > 2 and cells[1].strip() == "NOTES":
            while index < len(lines) and lines[index].startswith("\t"):
                content.notes.append(lines[index].strip())
                index += 1
        elif len(cells) > 1:
            content.entries.setdefault(cells[0].strip(), [cell.strip() for cell in cells[1:]])
    return content


def _metadata(content: _File) -> dict[str, Any]:
    def entry(key: str, place: int = 1) -> str:
        cells = content.entries.get(key, [])
        return cells[place] if len(cells) > place else ""

    metadata: dict[str, Any] = {"instrument": f"Gamry {entry('PSTAT')}".strip()}
    metadata |= {"technique": entry("TITLE")} if entry("TITLE") else {}
    notes = "\n".join(note for note in content.notes if note)
    metadata |= {"comments": notes} if notes else {}
    warnings = []
    start, note = moment(entry("DATE"), entry("TIME"))
    metadata |= {"start_time": start} if start else {}
    warnings += [note] if note else []
    square = number(entry("AREA")) or 0.0
    metadata |= area(square, "cm2")
    if square == 1.0:
        warnings.append("the electrode area is 1 cm2, what Gamry writes when nobody entered one")
    open_circuit = number(entry("EOC"))
    metadata |= {} if open_circuit is None else {"open_circuit_voltage_volt": open_circuit}
    if entry("EXPERIMENTABORTED") == "T":
        warnings.append("the experiment was aborted")
    others = [name if rows is None else f"{name} ({rows} rows)" for name, rows, *_ in content.tables]
    others = [name for name in others if not name.startswith("ZCURVE")]
    metadata |= {"columns_not_read": others} if others else {}
    metadata |= {"warnings": warnings} if warnings else {}
    settings = {key: cells[1:-1] if len(cells) > 3 else cells[1] for key, cells in content.entries.items() if cells[1:]}
    return metadata | ({"settings": settings} if settings else {})


def _curve(
    lines: Sequence[str], first: int, last: int, rows: int | None, metadata: dict[str, Any], request: Request
) -> list[Record]:
    """The spectra under one ZCURVE."""
    measured = _table(lines, first, last, ("Freq", "Zreal", "Zimag"), "impedances", request)
    unread = [*metadata.get("columns_not_read", []), *measured.metadata.get("columns_not_read", [])]
    warnings = [*metadata.get("warnings", []), *measured.metadata.get("warnings", []), *_rows_missing(rows, measured)]
    warnings += _stopped_short(measured.frame["frequency_hertz"].to_list(), metadata)
    known = {
        key: value for key, value in {**metadata, "columns_not_read": unread, "warnings": warnings}.items() if value
    }
    return records_in(Measured(measured.frame, measured.places, "line", known), request)


def _table(
    lines: Sequence[str], first: int, last: int, needed: tuple[str, ...], what: str, request: Request
) -> Measured:
    """One table, whose names and units stand on two lines."""
    if last - first < 2:
        raise InputError(f"line {first}: the table of {what} is cut short", remedy="copy the whole file again")
    names, units = ([cell.strip() for cell in lines[index].split("\t")] for index in (first, first + 1))
    for name, unit in zip(names, units, strict=False):
        if name in _UNITS and unit.lower() != _UNITS[name].lower():
            raise InputError(f"line {first + 2}: the unit of {name} is '{unit}', not {_UNITS[name]}")
    while names and not names[-1]:
        names.pop()
    absent = [name for name in needed if name not in names]
    if absent:
        problem = f"line {first + 1}: the table of {what} has no column {', '.join(absent)}"
        raise InputError(problem, remedy="export it again")
    header = Header(first + 1, "\t", tuple(_HEADINGS.get(name, name) for name in names))
    table = [*lines[:last], ""] if last < len(lines) or not lines[-1].strip() else lines
    measured = measure(
        [line if place < first + 2 else line.rstrip() for place, line in enumerate(table)], header, request
    )
    frame = measured.frame
    if "temperature_t1_celsius" in frame.columns and (frame["temperature_t1_celsius"] < _NO_THERMOMETER).any():
        frame = frame.drop("temperature_t1_celsius")
    return replace(measured, frame=frame)


def _rows_missing(rows: int | None, measured: Measured) -> list[str]:
    found = len(measured.places)
    return [f"the table says it has {rows} rows, {found} follow"] if rows is not None and rows != found else []


def _traces(
    lines: Sequence[str],
    tables: Sequence[tuple[str, int | None, int, int]],
    content: _File,
    metadata: dict[str, Any],
    request: Request,
) -> list[Record]:
    """The traces under CURVE tables: those whose time goes on are one."""
    convention = content.entries.get("CONVENTION", ["", _ANODIC])[1]
    if convention != _ANODIC:
        problem = f"states the current convention {convention}, not {_ANODIC} (anodic currents positive)"
        raise InputError(problem, key="CONVENTION", remedy="export the data with anodic currents positive")
    names = {name for name, *_ in tables}
    others = [name for name in metadata.get("columns_not_read", []) if name.split(" ")[0] not in names]
    groups: list[list[Measured]] = []
    for _, rows, first, last in tables:
        measured = _table(lines, first, last, ("T", "Vf", "Im"), "the trace", request)
        measured = measured.noting(warnings=_rows_missing(rows, measured))
        if groups and measured.frame["test_time_second"][0] >= groups[-1][-1].frame["test_time_second"][-1]:
            groups[-1].append(measured)
        else:
            groups.append([measured])
    about = {**metadata, "columns_not_read": others}
    return [record for group in groups for record in records_in(_joined(group, about), request)]


def _joined(group: Sequence[Measured], about: dict[str, Any]) -> Measured:
    """Tables of one trace, each of them a cycle where there are several."""
    import polars as pl

    frames = [
        each.frame.with_columns(pl.lit(float(number)).alias("cycle_count")) if len(group) > 1 else each.frame
        for number, each in enumerate(group, 1)
    ]
    unread = [*about["columns_not_read"], *group[0].metadata.get("columns_not_read", [])]
    warnings = [*about.get("warnings", []), *(text for each in group for text in each.metadata.get("warnings", []))]
    known = {**about, "columns_not_read": unread, "warnings": warnings}
    places = [place for each in group for place in each.places]
    frame = pl.concat(frames, how="diagonal")
    return Measured(frame, places, "line", {key: value for key, value in known.items() if value})


def _stopped_short(frequency: Sequence[float | None], metadata: dict[str, Any]) -> list[str]:
    """A warning where a sweep ends before the frequency it was to reach."""
    settings = metadata.get("settings", {})
    start, planned = (number(str(settings.get(key, ""))) for key in ("FREQINIT", "FREQFINAL"))
    reached = frequency[-1]
    if not start or not planned or not reached:
        return []
    short = reached > 2.0 * planned if planned < start else reached < 0.5 * planned
    return [f"the sweep ends at {reached:g} Hz, planned was {planned:g} Hz"] if short else []


READER = Reader("Gamry .DTA", (".dta",), sniff, read, ("missing", "decimal", SIGN_OPTION))
