"""BioLogic EC-Lab and BT-Lab text exports (.mpt): the header's settings, a trace, and the spectra within it.

The header says how many lines it has; without one (a bare table) the generic text reader is asked. Files are
Latin-1, with points or commas as decimal mark, and name their last column without a line end below it, so a file that
was cut short is told by its last row, and by the header's list of loops.
Times must be exported as elapsed seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, in_both, read_bytes
from mossy.readers.biologic import area, choose, measured, number, start_time
from mossy.readers.spectra import are_frequencies
from mossy.readers.tables import records_in
from mossy.readers.text_grid import Header, decode, grid_under, is_number, split_cells
from mossy.records import MEAN_CURRENT, Record

_MAGIC = re.compile(rb"\s*(EC|BT)-Lab ASCII FILE", re.IGNORECASE)
_COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)", re.IGNORECASE)
_LOOP = re.compile(r"Loop (\d+) from point number (\d+) to (\d+)")
_CUT_EXPONENT = re.compile(r"E[+-]?\d?\s*$")
_NAME_WIDTH = 20
_KEPT = {
    "Electrode material": "electrode_material",
    "Electrolyte": "electrolyte",
    "Comments": "comments",
    "Reference electrode": "reference_electrode",
    "Run on channel": "channel",
}


def sniff(path: Path, head: bytes) -> bool:
    """The first line names the format."""
    return _MAGIC.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The trace and the spectra of one technique."""
    lines = decode(read_bytes(path), path)
    count = _header_lines(lines)
    metadata = _metadata(lines[: count - 1])
    header = Header(count - 1, "\t", tuple(split_cells(lines[count - 1], "\t")))
    if not any(line.strip() for line in lines[count:]):
        technique = metadata.get("technique", "unknown")
        raise InputError(f"holds no data points (technique: {technique})", remedy="give a file with at least one")
    header = _trimmed(header)
    if _lacks_frequency(lines, header):
        header = _with_frequency(header, request)
        metadata["warnings"] = [
            "the first column has no name: it was taken for freq/Hz, because it is spaced like a sweep"
        ]
    grid = grid_under(lines, header, request.options.get("decimal"))
    if _CUT_EXPONENT.search(lines[grid.lines[-1] - 1]):
        problem = f"line {grid.lines[-1]} ends within its last number: the file is cut short"
        raise InputError(problem, remedy="export it again")
    chosen = choose(header.names)
    if len(chosen) < 2:
        raise InputError(f"line {count} names no columns that can be recognised", remedy="export with column names")
    columns: dict[str, Any] = {}
    for name, (place, factor) in chosen.items():
        if place >= grid.width:
            continue
        if name == "test_time_second":
            _refuse_dates(grid.cells.item(0, place), grid.lines[0])
        values = grid.numbers(place, header.names[place])
        if values is not None:
            columns[name] = values if factor == 1.0 else values * factor
    if "<I>" in header.names[chosen.get("current_ampere", (0, 1.0))[0]] and "frequency_hertz" not in columns:
        metadata["current"] = MEAN_CURRENT
    read_places = {chosen[name][0] for name in columns}
    metadata["columns_not_read"] = [
        name for place, name in enumerate(header.names) if name and place not in read_places
    ]
    loops = _loops(lines[:count], len(grid.lines))
    return records_in(measured(columns, loops, grid.lines, "line", metadata), request)


def _header_lines(lines: Sequence[str]) -> int:
    """How many lines the header has, the names of the columns last."""
    found = next((match for line in lines[:5] if (match := _COUNT.search(line))), None)
    if found is None:
        raise InputError("does not say how many header lines it has ('Nb header lines')", remedy="export it again")
    count = int(found[1])
    if not 2 < count <= len(lines):
        problem = f"says it has {count} header lines, but has {len(lines)} in all: it is cut short"
        raise InputError(problem, remedy="export it again")
    return count


def _trimmed(header: Header) -> Header:
    """The header without the names EC-Lab hangs on behind the columns it writes."""
    names = header.names
    if "" in names:
        names = names[: names.index("")]
    return Header(header.index, header.delimiter, names)


def _lacks_frequency(lines: Sequence[str], header: Header) -> bool:
    """Whether the first of the columns has no name and can only be the frequency.

    The names then belong one column further right, which |Z| = hypot(Re, Im) proves to the digits of the file.
    """
    needed = ("Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm")
    if "freq/Hz" in header.names or not set(needed) <= set(header.names):
        return False
    rows = [line.rstrip("\t\r").replace(",", ".").split("\t") for line in lines[header.index + 1 :] if line.strip()]
    if any(len(cells) != len(header.names) + 1 for cells in rows):
        return False
    places = [0, *(header.names.index(name) + 1 for name in needed)]
    words = [[cells[place].strip() for place in places] for cells in rows]
    if not words or not all(is_number(word) for row in words for word in row):
        return False
    frequency, real, imaginary, size = np.array([[float(word) for word in row] for row in words]).T
    return are_frequencies(frequency) and bool(np.allclose(np.hypot(real, imaginary), size, rtol=1e-5))


def _with_frequency(header: Header, request: Request) -> Header:
    if request.options.get("missing") != "drop":
        count = len(header.names)
        raise InputError(
            f"line {header.index + 1} names {count} columns, the rows below have {count + 1} cells: the first column, "
            "by its spacing the frequency, has no name",
            remedy=f'begin that line with "freq/Hz" and a tab; {in_both("missing", "drop")} takes it for the frequency',
        )
    return Header(header.index, header.delimiter, ("freq/Hz", *header.names))


def _refuse_dates(cell: str | None, line: int) -> None:
    if cell and re.match(r"\s*\d+[/.-]\d+[/.-]\d{4}", cell):
        remedy = "export it with the time format 'elapsed'"
        raise InputError(f"line {line}: the time is written as a date ('{cell.strip()[:30]}')", remedy=remedy)


def _loops(header: Sequence[str], rows: int) -> list[int]:
    """The rows where loops begin; their last point says how long the file must be."""
    found = [(int(match[2]), int(match[3])) for line in header if (match := _LOOP.match(line.strip()))]
    if found and max(last for _, last in found) + 1 > rows:
        said = max(last for _, last in found) + 1
        problem = f"its header lists {said} points, but only {rows} follow: it is cut short"
        raise InputError(problem, remedy="export it again")
    return [first for first, _ in found]


def _metadata(header: Sequence[str]) -> dict[str, Any]:
    """What the header says, as it says it, and the few entries that have a meaning for every instrument."""
    settings: dict[str, Any] = {}
    for line in header[2:]:
        key, colon, value = line.partition(" :")
        if colon and len(key) < 60:
            earlier = settings.get(key.strip())
            value = value.strip()
            settings[key.strip()] = f"{earlier}\n{value}" if earlier and value else (value or earlier or "")
        elif line[:1].strip() and len(line) > _NAME_WIDTH and line[_NAME_WIDTH:].strip():
            parts = [line[start : start + _NAME_WIDTH].strip() for start in range(_NAME_WIDTH, len(line), _NAME_WIDTH)]
            settings[line[:_NAME_WIDTH].strip()] = parts
    metadata: dict[str, Any] = {name: settings[key] for key, name in _KEPT.items() if settings.get(key)}
    technique = next((line.strip() for line in header[2:5] if line.strip()), "")
    if technique and " :" not in technique:
        metadata["technique"] = technique
    metadata["instrument"] = f"BioLogic {settings.get('Device', '')}".strip()
    started = start_time(str(settings.get("Acquisition started on", "")))
    if started:
        metadata["start_time"] = started
    metadata |= area(number(str(settings.get("Electrode surface area", ""))) or 0.0)
    if settings:
        metadata["settings"] = settings
    return metadata


READER = Reader("BioLogic .mpt", (".mpt",), sniff, read, ("missing", "decimal"))
