"""Plain tables of a spectrum (.csv, .txt): a column of binding or kinetic energies in eV, a column of intensities.

Headings such as "Binding Energy (eV)", "BE/eV", "KE", "Counts", "CPS", "Intensity (cps)". An intensity whose unit is
not said, or the only column beside the energies whatever its name, is taken as counts where all of it is whole, else
as counts per second, with a warning. A table without headings is taken for a spectrum only by a caller who says that
it is one (kind="photoemission", or `columns`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, column_of, read_bytes
from mossy.readers.headings import conversion
from mossy.readers.photoemission.excitation import EXCITATION_OPTION
from mossy.readers.photoemission.levels import region_named
from mossy.readers.photoemission.regions import NO_LINE_END, Region, only_kind, record_of
from mossy.readers.text_grid import (
    DELIMITERS,
    Grid,
    Header,
    decode,
    find_nameless,
    find_numbers,
    grid_under,
    is_number,
    split_cells,
)
from mossy.records import Record

COLUMNS = (
    "binding_energy_electronvolt",
    "kinetic_energy_electronvolt",
    "intensity_counts",
    "intensity_counts_per_second",
    "transmission",
)
_HEADER_LINES = 200
_REMEDY = (
    'name the columns: columns={"binding_energy_electronvolt": 1, "intensity_counts": 2} in Python, '
    '--columns "binding_energy_electronvolt=1, intensity_counts=2" in a terminal (or kinetic_energy_electronvolt, '
    "intensity_counts_per_second)"
)
_UNIT = r"[\s_/,]*[(\[]?\s*(?P<unit>k?ev|electronvolts?)?\s*[)\]]?"
_BINDING = re.compile(rf"(?:binding[\s_]*energ(?:y|ies)|bindungsenergie|b\.?\s?e\.?){_UNIT}", re.IGNORECASE)
_KINETIC = re.compile(rf"(?:kinetic[\s_]*energ(?:y|ies)|kinetische\s*energie|k\.?\s?e\.?){_UNIT}", re.IGNORECASE)
_RATE = re.compile(
    r".*(?:\bcps\b|\bc/s\b|counts?\s*(?:/|per|\.)\s*s(?:ec(?:ond)?)?\b|counts?\s*s-1|intensity_counts_per_second).*",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"(?:raw\s*)?(?:intensity_)?counts?(?:\s*\(?(?:intensity|raw)\)?)?", re.IGNORECASE)
_INTENSITY = re.compile(r"(?:intensit(?:y|ies)|intensit\u00e4t|signal|int\.?)\b.*", re.IGNORECASE)


def scale_of(heading: str) -> tuple[str, float] | None:
    """The scale that a heading says, and the factor to eV.

    >>> scale_of("BE/eV"), scale_of("Kinetic Energy (keV)"), scale_of("Be (ppm)")
    (('binding', 1.0), ('kinetic', 1000.0), None)
    """
    for scale, pattern in (("binding", _BINDING), ("kinetic", _KINETIC)):
        match = pattern.fullmatch(heading.strip())
        if match:
            return scale, 1000.0 if (match["unit"] or "").lower() == "kev" else 1.0
    return None


def rate_of(heading: str) -> bool | str | None:
    """True for counts per second, False for counts, "unknown" for an intensity without a unit, None for neither.

    >>> rate_of("Counts / s"), rate_of("Counts"), rate_of("Intensity (a.u.)"), rate_of("Background")
    (True, False, 'unknown', None)
    """
    text = heading.strip()
    if _RATE.fullmatch(text) and not text.lower().startswith(("background", "envelope", "residual")):
        return True
    if _COUNTS.fullmatch(text):
        return False
    return "unknown" if _INTENSITY.fullmatch(text) else None


def sniff(path: Path, head: bytes) -> bool:
    """Text with a heading of binding or kinetic energies near its start."""
    if b"\0" in head:
        return False
    lines = head.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _header(lines) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The one spectrum of a table."""
    lines = decode(read_bytes(path), path)
    if request.columns:
        region = _mapped(lines, request)
    else:
        header = _header(lines)
        region = _headed(lines, header) if header else _nameless(lines)
    if lines[-1].strip():
        region.warnings.append(NO_LINE_END)
    return only_kind([record_of(region, request)], request)


def _header(lines: Sequence[str]) -> Header | None:
    for index, line in enumerate(lines[:_HEADER_LINES]):
        if not line.strip() or len(line) > 5000:
            continue
        for mark in DELIMITERS:
            cells = split_cells(line, mark)
            if len(cells) > 1 and not any(map(is_number, cells)) and any(map(_is_energy, cells)):
                while cells and not cells[-1]:
                    cells.pop()
                return Header(index, mark, tuple(cells))
    return None


def _is_energy(cell: str) -> bool:
    return len(cell) < 60 and scale_of(cell.replace("_electronvolt", "_ev")) is not None


def _headed(lines: Sequence[str], header: Header) -> Region:
    grid = grid_under(lines, header, None)
    scales = [(place, scale_of(name.replace("_electronvolt", "_ev"))) for place, name in enumerate(header.names)]
    energies = {found[0]: (place, found[1]) for place, found in reversed(scales) if found}
    scale = "binding" if "binding" in energies else "kinetic"
    taken = {place for place, found in scales if found}
    others = [place for place in range(len(header.names)) if place not in taken and header.names[place]]
    rates = {place: rate_of(header.names[place]) for place in others}
    known = [place for place in others if rates[place] is not None] or (others if len(others) == 1 else [])
    counted = [place for place in known if rates[place] is False] or known
    if len(counted) != 1:
        which = ", ".join(repr(header.names[place]) for place in (counted or others)[:6]) or "no other column"
        raise InputError(f"which column holds the intensities is not plain: {which}", remedy=_REMEDY)
    place = counted[0]
    region = Region(
        _column(grid, energies[scale][0], header.names[energies[scale][0]]) * energies[scale][1],
        _column(grid, place, header.names[place]),
        scale,
        rates[place] is True,
        metadata=_said(lines[: header.index]),
    )
    if rates[place] not in (True, False):
        _settle_unit(region, f"the intensities ('{header.names[place]}') have no unit")
    unread = [name for each, name in enumerate(header.names) if name and each not in (energies[scale][0], place)]
    if unread:
        region.metadata["columns_not_read"] = unread
    return region


def _column(grid: Grid, place: int, heading: str) -> np.ndarray:
    values = grid.numbers(place, heading)
    if values is None:
        raise InputError(f"'{heading}' holds no numbers", remedy="check the file and its delimiter")
    if values.null_count():
        line = grid.lines[int(values.is_null().arg_max() or 0)]
        raise InputError(f"line {line}: '{heading}' is empty", remedy="fill it in, or delete the row")
    return values.to_numpy()


def _settle_unit(region: Region, problem: str) -> None:
    whole = bool((region.intensity == np.rint(region.intensity)).all() and (region.intensity >= 0.0).all())
    region.per_second = not whole
    taken = "counts, as all of them are whole" if whole else "counts per second"
    region.warnings.append(f"{problem}: they were taken as {taken}; in Python, columns={{...}} says what they are")


def _said(lines: Sequence[str]) -> dict[str, str]:
    """A region named alone on a line above the table."""
    names = [region_named(line.strip(" ,;\t#")) for line in lines if line.strip()]
    return next((name for name in names if "element" in name or name.get("region") == "survey"), {})


def _mapped(lines: Sequence[str], request: Request) -> Region:
    """The columns that the caller names, by heading or number."""
    given = {name: column_of(name, each) for name, each in (request.columns or {}).items()}
    strange = [name for name in given if name not in COLUMNS]
    energies = [name for name in COLUMNS[:2] if name in given]
    intensities = [name for name in COLUMNS[2:4] if name in given]
    if strange or len(energies) != 1 or len(intensities) != 1:
        raise InputError("a spectrum has one column of energies and one of intensities", key="columns", remedy=_REMEDY)
    places, header = _places(lines, {name: column for name, (column, _) in given.items()})
    grid = grid_under(lines, header, None)
    values = {name: _column(grid, place, f"column {place + 1}") for name, place in places.items()}
    energy = values[energies[0]] * _energy_factor(given[energies[0]][1], energies[0])
    return Region(
        energy,
        values[intensities[0]],
        energies[0].partition("_")[0],
        intensities[0] == COLUMNS[3],
        transmission=values.get("transmission"),
    )


def _energy_factor(unit: str, name: str) -> float:
    try:
        return conversion(unit, name)[0]
    except InputError as error:
        raise error.at(f"columns.{name}") from None


def _places(lines: Sequence[str], columns: dict[str, str | int]) -> tuple[dict[str, int], Header]:
    words = {column.strip() for column in columns.values() if isinstance(column, str)}
    if not words:
        places = {name: int(column) - 1 for name, column in columns.items()}
        header = find_numbers(lines, list(places.values()), None)
        if header is None:
            raise InputError("the columns named hold no numbers", key="columns", remedy=_REMEDY)
        return places, header
    for index, line in enumerate(lines[:_HEADER_LINES]):
        for mark in DELIMITERS:
            cells = split_cells(line, mark)
            if words <= set(cells):
                places = {
                    name: cells.index(column.strip()) if isinstance(column, str) else column - 1
                    for name, column in columns.items()
                }
                return places, Header(index, mark, tuple(cells))
    shown = ", ".join(map(repr, sorted(words)))
    raise InputError(f"no line names the columns {shown}", key="columns", remedy=_REMEDY)


def _nameless(lines: Sequence[str]) -> Region:
    """Two columns of numbers that the caller says are a spectrum."""
    found = find_nameless(lines, 2, None)
    if found is None:
        first = next(line.strip() for line in lines if line.strip())
        problem = f"no table with a column of binding or kinetic energies was found; it starts with '{first[:60]}'"
        raise InputError(problem, remedy=_REMEDY)
    numbers = found[1]
    region = Region(numbers[:, 0], numbers[:, 1], "binding", False)
    _settle_unit(
        region,
        "the file has no headings; its first column was taken as binding energies in eV; the intensities have no unit",
    )
    return region


READER = Reader("photoemission table", (".csv", ".txt", ".dat", ".asc"), sniff, read, ("columns", EXCITATION_OPTION))
