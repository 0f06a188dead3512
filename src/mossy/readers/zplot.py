"""ZPlot / ZView files (.z) and the Z60W text files that Autolab and others write for ZView.

Both have a header and the columns Freq(Hz), Ampl, Bias, Time(Sec), Z'(a), Z''(b), GD, Err, Range: `ZPLOT2 ASCII` with
"key: value" lines, the names above "End Comments" and tab-separated rows below; `Z60W Data File` with its header in
quotes, the number of points above the names and comma-separated rows. a and b are the real and the imaginary part in
ohm, Z'' negative for capacitive arcs. Read by content, whatever the extension (.z, .z60, .txt).

The columns Ampl and Bias are what was asked for, in the units of the control mode, and are not read. A time of 0 in
every row means that none was written. The surface area is 1 cm2 until somebody enters another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.biologic import number
from mossy.readers.preamble import area, known, moment, settings_in
from mossy.readers.spectra import SIGN_OPTION
from mossy.readers.tables import Measured, records_in
from mossy.readers.text import measure
from mossy.readers.text_grid import Header, decode, split_cells
from mossy.records import Record

_MAGIC = re.compile(rb"(?:\xef\xbb\xbf)?\s*\"?(?:ZPLOT2 ASCII|Z60W? Data File)", re.IGNORECASE)
_HEADINGS = {
    "freq(hz)": "Frequency (Hz)",
    "freq (hz)": "Frequency (Hz)",
    "time(sec)": "Time (s)",
    "z'(a)": "Z' (ohm)",
    "z''(b)": "Z'' (ohm)",
}
_CUT = "export it again"


def sniff(path: Path, head: bytes) -> bool:
    """The first line names the format."""
    return _MAGIC.match(head) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The spectra of one file."""
    lines = decode(read_bytes(path), path)
    header, metadata = _autolab(lines) if "60" in lines[0][:12] else _zplot(lines)
    measured = _without_empty_time(measure(lines, header, request))
    metadata = {**metadata, "warnings": [*metadata.get("warnings", []), *measured.metadata.get("warnings", [])]}
    metadata["columns_not_read"] = measured.metadata.get("columns_not_read", [])
    points = metadata.pop("points", None)
    if points is not None and points != len(measured.places):
        metadata["warnings"].append(f"the header says {points} points, {len(measured.places)} follow")
    metadata = {key: value for key, value in metadata.items() if value}
    return records_in(Measured(measured.frame, measured.places, "line", metadata), request)


def _zplot(lines: Sequence[str]) -> tuple[Header, dict[str, Any]]:
    end = next((place for place, line in enumerate(lines) if line.strip().lower() == "end comments"), None)
    names = next((place for place in range(end or 0, 0, -1) if "freq" in lines[place - 1].lower()[:12]), None)
    if end is None or names is None:
        raise InputError("has no line 'End Comments' below the names of its columns: it is cut short", remedy=_CUT)
    settings = settings_in(lines[1 : names - 1])
    metadata: dict[str, Any] = {
        "instrument": "ZPlot",
        "technique": settings.get("Experiment Type", ""),
        **known(settings),
    }
    start, note = moment(settings.get("Date", ""), settings.get("Time", ""))
    warnings = [note] if note else []
    metadata |= {"start_time": start} if start else {}
    open_circuit = number(settings.get("Open Circuit Potential (V)", ""))
    metadata |= {} if open_circuit is None else {"open_circuit_voltage_volt": open_circuit}
    square = number(settings.get("Surface Area", "")) or 0.0
    metadata |= area(square, "cm2")
    if square == 1.0:
        warnings.append("the surface area is 1 cm2, what ZPlot writes when nobody entered one")
    points = number(settings.get("Data Points", ""))
    written = tuple(split_cells(lines[names - 1], "\t"))
    header = Header(end, "\t", _translated(written))
    return header, {**metadata, "settings": settings, "warnings": warnings, "points": points and int(points)}


def _autolab(lines: Sequence[str]) -> tuple[Header, dict[str, Any]]:
    place = next((place for place, line in enumerate(lines[:60]) if "freq" in line.lower()[:12]), None)
    if place is None:
        raise InputError("names no columns ('Freq (Hz)'): it is cut short", remedy=_CUT)
    written = tuple(cell for cell in re.split(r"\s{2,}|\t|,", lines[place].strip().strip('"').strip()) if cell)
    written = tuple(word for cell in written for word in _apart(cell))
    points = lines[place - 1].strip().strip('"')
    comments = "\n".join(text for line in lines[1 : place - 2] if (text := line.strip().strip('"').strip()))
    metadata = {"technique": "impedance (Z60W)", "comments": comments}
    return Header(place, ",", _translated(written)), metadata | {"points": int(points) if points.isdecimal() else None}


def _apart(cell: str) -> list[str]:
    """Two names that stand one space apart; "Freq (Hz)" is one."""
    return [cell] if "(" in cell else cell.split()


def _translated(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_HEADINGS.get(name.strip().lower(), name.strip()) for name in names)


def _without_empty_time(measured: Measured) -> Measured:
    """A spectrum whose time was never written has none."""
    frame = measured.frame
    if "test_time_second" in frame.columns and (frame["test_time_second"] == 0.0).all():
        frame = frame.drop("test_time_second")
    return Measured(frame, measured.places, measured.word, measured.metadata)


READER = Reader("ZPlot .z", (".z", ".z60"), sniff, read, ("missing", "decimal", SIGN_OPTION))
