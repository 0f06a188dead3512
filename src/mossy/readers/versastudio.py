"""VersaStudio files (.par) of Princeton Applied Research: the segments of an experiment.

Sections stand between `<Name>` and `</Name>`, with "key=value" lines in them. A segment names its columns in
`Definition=` and has comma-separated rows below. A row with a frequency is a point of a spectrum; one without is
measured at direct current. The working electrode area is 1 cm2 until somebody enters another. Z'' is negative for
capacitive arcs. Checked against a file of VersaStudio 2.52 (VersaSTAT 4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.biologic import number
from mossy.readers.preamble import area, moment, settings_in
from mossy.readers.spectra import SIGN_OPTION
from mossy.readers.tables import Measured, records_in, renumbered
from mossy.readers.text import measure
from mossy.readers.text_grid import Header, decode, split_cells
from mossy.records import Record

_HEADINGS = {
    "E(V)": "Voltage (V)",
    "I(A)": "Current (A)",
    "Elapsed Time(s)": "Time (s)",
    "Frequency(Hz)": "Frequency (Hz)",
    "Z Real": "Zreal (ohm)",
    "Z Imag": "Zimag (ohm)",
}
_SECTION = re.compile(r"<(/?)([A-Za-z]+\d*)>")


def sniff(path: Path, head: bytes) -> bool:
    """An application section that names VersaStudio."""
    return b"<Application>" in head[:200] and b"VersaStudio" in head[:600]


def read(path: Path, request: Request) -> list[Record]:
    """The records of every segment."""
    lines = decode(read_bytes(path), path)
    sections = _sections(lines)
    metadata = _metadata(lines, sections)
    segments = [(name, first, last) for name, first, last in sections if re.fullmatch(r"Segment\d+", name)]
    if not segments:
        raise InputError("holds no segment with data", remedy="give the file of an experiment that was run")
    found: list[Record] = []
    for name, first, last in segments:
        found += _segment(lines, name, first, last, metadata, request)
    return renumbered(found)


def _sections(lines: Sequence[str]) -> list[tuple[str, int, int]]:
    """(name, first line, line of its end) of each section, indices; one that never ends is an error."""
    found, name, first = [], "", 0
    for place, line in enumerate(lines):
        match = _SECTION.fullmatch(line.strip())
        if match and not match[1] and not name:
            name, first = match[2], place + 1
        elif match and match[1] and match[2] == name:
            found.append((name, first, place))
            name = ""
    if name:
        raise InputError(
            f"line {first}: the section <{name}> never ends: the file is cut short", remedy="export it again"
        )
    return found


def _metadata(lines: Sequence[str], sections: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    wanted = re.compile(r"Application|Action\d+|Instrument|Experiment")
    for name, first, last in sections:
        if wanted.fullmatch(name):
            settings[name] = settings_in(lines[first:last])
    common, instrument = settings.get("Action0", {}), settings.get("Instrument", {})
    when = settings.get("Experiment", {})
    described = f"{instrument.get('Type', '')}{instrument.get('Model', '')}"
    metadata: dict[str, Any] = {"instrument": f"Princeton {described}".strip(), "settings": settings}
    technique = ", ".join(
        part["Name"] for name, part in settings.items() if name != "Action0" and name[:6] == "Action" and "Name" in part
    )
    metadata |= {"technique": technique} if technique else {}
    metadata |= {"reference_electrode": common["Reference Electrode"]} if "Reference Electrode" in common else {}
    start, note = moment(when.get("DateAcquired", ""), when.get("TimeAcquired", ""))
    metadata |= {"start_time": start} if start else {}
    warnings = [note] if note else []
    square = number(common.get("Working Electrode Area (cm2)", "")) or 0.0
    metadata |= area(square, "cm2")
    if square == 1.0:
        warnings.append("the electrode area is 1 cm2, what VersaStudio writes when nobody entered one")
    open_circuit = re.fullmatch(r"(\S+) (m?)V", common.get("Measured Open Circuit", ""))
    if open_circuit and (value := number(open_circuit[1])) is not None:
        metadata["open_circuit_voltage_volt"] = float(f"{value * (1e-3 if open_circuit[2] else 1.0):.9g}")
    return metadata | ({"warnings": warnings} if warnings else {})


def _segment(
    lines: Sequence[str], name: str, first: int, last: int, metadata: dict[str, Any], request: Request
) -> list[Record]:
    place = next((place for place in range(first, last) if lines[place].startswith("Definition=")), None)
    if place is None:
        raise InputError(f"line {first}: <{name}> does not define its columns", remedy="export it again")
    written = split_cells(lines[place].removeprefix("Definition="), ",")
    while written and written[-1].isdecimal():  # VersaStudio closes the definition with a number
        written.pop()
    header = Header(place, ",", tuple(_HEADINGS.get(cell, cell) for cell in written))
    measured = measure([*lines[:last], ""], header, request)
    unread = measured.metadata.get("columns_not_read", [])
    known = {**metadata, **({"columns_not_read": unread} if unread else {})}
    return records_in(Measured(measured.frame, measured.places, "line", known), request)


READER = Reader("VersaStudio .par", (".par",), sniff, read, ("missing", "decimal", SIGN_OPTION))
