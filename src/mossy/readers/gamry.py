"""Gamry Framework files (.DTA): every spectrum (ZCURVE) of an impedance experiment.

A .DTA file is lines of tab-separated entries: `TAG<tab>type<tab>value<tab>label`, and tables, which open with
`NAME<tab>TABLE[<tab>rows]` and have a line of names, a line of units and rows that begin with a tab. Numbers have the
decimal mark of the computer that wrote them. ZCURVE tables are spectra; the open circuit before them is noted as a
voltage, and tables that are not read are listed. Gamry's Z'' is negative for capacitive arcs.

An aborted experiment is read up to where it was aborted, with a warning; a row that is not whole is an error, as the
file may have been cut. The area is 1 cm2 until somebody enters another, and -327.67 degC means no thermometer.
Checked against the files of two instruments (Framework 7.05 and 7.8.2, REF3000 and REF600P).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.biologic import number
from mossy.readers.preamble import area, moment
from mossy.readers.spectra import SIGN_OPTION
from mossy.readers.tables import records_in, renumbered
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
}
_UNITS = {"Time": "s", "Freq": "Hz", "Zreal": "ohm", "Zimag": "ohm", "Zmod": "ohm", "Idc": "A", "Vdc": "V"}
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
    """The spectra of one experiment."""
    lines = decode(read_bytes(path), path)
    content = _parse(lines)
    metadata = _metadata(content)
    curves = [table for table in content.tables if table[0].startswith("ZCURVE")]
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
    """The spectra under one ZCURVE, whose names and units stand on two lines."""
    if last - first < 2:
        raise InputError(f"line {first}: the table of impedances is cut short", remedy="copy the whole file again")
    names, units = ([cell.strip() for cell in lines[index].split("\t")] for index in (first, first + 1))
    for name, unit in zip(names, units, strict=False):
        if name in _UNITS and unit.lower() != _UNITS[name].lower():
            raise InputError(f"line {first + 2}: the unit of {name} is '{unit}', not {_UNITS[name]}")
    while names and not names[-1]:
        names.pop()
    absent = [name for name in ("Freq", "Zreal", "Zimag") if name not in names]
    if absent:
        problem = f"line {first + 1}: the table of impedances has no column {', '.join(absent)}"
        raise InputError(problem, remedy="export it again")
    header = Header(first + 1, "\t", tuple(_HEADINGS.get(name, name) for name in names))
    table = [*lines[:last], ""] if last < len(lines) or not lines[-1].strip() else lines
    measured = measure(
        [line if place < first + 2 else line.rstrip() for place, line in enumerate(table)], header, request
    )
    unread = [*metadata.get("columns_not_read", []), *measured.metadata.get("columns_not_read", [])]
    warnings = [*metadata.get("warnings", []), *measured.metadata.get("warnings", [])]
    if rows is not None and rows != len(measured.places):
        warnings.append(f"the table says it has {rows} rows, {len(measured.places)} follow")
    warnings += _stopped_short(measured.frame["frequency_hertz"].to_list(), metadata)
    frame = measured.frame
    if "temperature_t1_celsius" in frame.columns and (frame["temperature_t1_celsius"] < _NO_THERMOMETER).any():
        frame = frame.drop("temperature_t1_celsius")
    known = {
        key: value for key, value in {**metadata, "columns_not_read": unread, "warnings": warnings}.items() if value
    }
    return records_in(type(measured)(frame, measured.places, "line", known), request)


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
