"""Tables that CasaXPS exports (.txt, .csv): spectra with the components, background and envelope of a fit beside them.

Two layouts. In one ("rows of tables") each region has a title "Cycle 3:sample:region", lines of names, positions,
widths, areas and shapes of the components, and the table twice: over kinetic energy in counts, over binding energy in
counts/s. In the other a table has names such as "BE_C 1s 1", "CPS_C 1s 1", "C 1s_2_C 1s 1", "Background_C 1s 1".
Above both stands "Characteristic Energy eV" (the photon energy) and, where it is known, "Acquisition Time s": dwell
time times sweeps. The curves of components stand on the background in the file; here they are without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.photoemission.excitation import EXCITATION_OPTION
from mossy.readers.photoemission.levels import region_named
from mossy.readers.photoemission.regions import NO_LINE_END, Region, noted_overlaps, only_kind, record_of, told
from mossy.readers.text_grid import decode, split_cells
from mossy.records import Photoemission, Record

_MARK = "Characteristic Energy eV"
_TIME = "Acquisition Time s"
_TITLE = re.compile(r"Cycle\s+(\d+):(.*):([^:]*)")
_ENERGIES = {"B.E.": "binding", "BE": "binding", "K.E.": "kinetic", "KE": "kinetic"}
_INTENSITIES = {"Counts": False, "CPS": True}
_ABOVE = ("Name", "Position", "FWHM", "Area", "Lineshape")


@dataclass
class _Table:
    """One region: the line of its title, what stands above its table, the names of its columns, its numbers."""

    line: int
    title: str = ""
    photon: float | None = None
    time: float | None = None
    above: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)


def sniff(path: Path, head: bytes) -> bool:
    """The words that stand above every table."""
    return _MARK.encode() in head and b"\0" not in head


def read(path: Path, request: Request) -> list[Record]:
    """The regions of a file, in its order."""
    lines = decode(read_bytes(path), path)
    found = [_record(table, request) for table in _tables(lines)]
    if lines[-1].strip():
        found[-1] = told(found[-1], NO_LINE_END)
    return only_kind(noted_overlaps(found), request)


def _tables(lines: Sequence[str]) -> list[_Table]:
    delimiter = "\t" if any("\t" in line for line in lines if _MARK in line) else ","
    starts = [index for index, line in enumerate(lines) if _MARK in line]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        table = _Table(start + 1)
        before = lines[start - 1].strip().strip(",") if start else ""
        table.title = before if _TITLE.fullmatch(before) else ""
        _head(table, split_cells(lines[start], delimiter))
        _body(table, lines, start + 1, end, delimiter)
        found.append(table)
    return found


def _head(table: _Table, cells: list[str]) -> None:
    for name, value in zip(cells, [*cells[1:], ""], strict=True):
        if name in (_MARK, _TIME) and value:
            number = _number(value, table.line)
            if name == _MARK:
                table.photon = number
            else:
                table.time = number


def _body(table: _Table, lines: Sequence[str], start: int, end: int, delimiter: str) -> None:
    for place in range(start, end):
        cells = split_cells(lines[place], delimiter)
        if not any(cells) or _TITLE.fullmatch(lines[place].strip()):
            if table.rows:
                return
        elif not table.names:
            if cells[0] in _ABOVE:
                table.above[cells[0]] = cells
            elif cells[0].partition("_")[0] in _ENERGIES:
                table.names = cells
        elif len(cells) != len(table.names):
            problem = f"line {place + 1} has {len(cells)} cells where the table has {len(table.names)} columns"
            raise InputError(problem, remedy="export it again: it may be cut short")
        else:
            table.rows.append([_number(cell, place + 1) if cell else np.nan for cell in cells])
    if not table.rows:
        problem = f"no table of K.E. or B.E. below line {table.line}"
        raise InputError(problem, remedy="export the region with its data")


def _number(word: str, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"line {line}: '{word[:40]}' is not a number", remedy="export it again") from None


def _record(table: _Table, request: Request) -> Photoemission:
    values = np.array(table.rows)
    tag = table.names[0].partition("_")[2]  # "C 1s 1" of "BE_C 1s 1"; nothing in the other layout
    kinds = [name.removesuffix(f"_{tag}") if tag else name for name in table.names]
    energies = {_ENERGIES[kind]: place for place, kind in enumerate(kinds) if kind in _ENERGIES}
    intensities = {_INTENSITIES[kind]: place for place, kind in enumerate(kinds) if kind in _INTENSITIES}
    where = f"'{table.title or tag}' (line {table.line}): "
    if not intensities:
        raise InputError(f"{where}no column of counts or CPS", remedy="export the region with its data")
    scale = "binding" if "binding" in energies else "kinetic"
    metadata = _metadata(table, tag)
    if len(energies) == 2 and table.photon is not None:
        shift = values[0, energies["binding"]] - (table.photon - values[0, energies["kinetic"]])
        if abs(shift) > 2e-3:
            metadata["charge_correction_electronvolt"] = round(float(shift), 4)
    per_second = False not in intensities
    region = Region(values[:, energies[scale]], values[:, intensities[per_second]], scale, per_second, where, metadata)
    fit = _fit(table, kinds, values, energies[scale], per_second)
    if fit:
        metadata["fit"] = fit
    return record_of(region, request)


def _metadata(table: _Table, tag: str) -> dict[str, Any]:
    title = _TITLE.fullmatch(table.title)
    found: dict[str, Any] = {"method": "XPS"}
    if title:
        found |= {"sample": title[2].strip()} if title[2].strip() else {}
        found |= region_named(title[3]) | {"settings": {"cycle": int(title[1])}}
    else:
        found |= region_named(re.sub(r"\s+\d+$", "", tag))
    if table.photon:
        found["excitation_energy_electronvolt"] = table.photon
    if table.time:
        found |= {"dwell_time_second": table.time, "sweeps": 1}
    return found


def _fit(table: _Table, kinds: list[str], values: np.ndarray, energy: int, per_second: bool) -> dict[str, Any] | None:
    """Components, background and envelope in counts/s, from the last columns of each name (those over B.E.)."""
    backgrounds = [place for place, kind in enumerate(kinds) if kind.startswith("Background")]
    if not backgrounds:
        return None
    last = backgrounds[-1]
    first = max(place for place, kind in enumerate(kinds) if kind in _INTENSITIES and place < last) + 1
    in_counts = kinds[first - 1] == "Counts"
    if in_counts and not table.time:
        return None
    scale = 1.0 / table.time if in_counts and table.time else 1.0
    background = values[:, last] * scale
    fit: dict[str, Any] = {"software": "CasaXPS", "area_unit": "counts/s*eV", "background": background.tolist()}
    envelopes = [place for place, kind in enumerate(kinds) if kind.startswith("Envelope")]
    if envelopes:
        fit["envelope"] = (values[:, envelopes[-1]] * scale).tolist()
    positions = values[:, energy]
    fit["components"] = [
        _component(table, number, kinds[place], values[:, place] * scale - background, positions)
        for number, place in enumerate(range(first, last))
    ]
    return fit


def _component(table: _Table, number: int, kind: str, curve: np.ndarray, energy: np.ndarray) -> dict[str, Any]:
    """A component: its numbers as the file lists them, else what its curve shows."""
    found: dict[str, Any] = {"name": re.sub(r"_\d+$", "", kind), "curve": curve.tolist()}
    listed = {name: cells[number + 2] for name, cells in table.above.items() if len(cells) > number + 2}
    if listed.get("Lineshape"):
        found["shape"] = listed["Lineshape"]
    for name, key in (("Position", "position_electronvolt"), ("FWHM", "width_electronvolt"), ("Area", "area")):
        if listed.get(name):
            found[key] = _number(listed[name], table.line)
    if "area" not in found:
        order = np.argsort(energy)
        found["area"] = float(np.trapezoid(curve[order], energy[order]))
        found["area_of"] = "the curve within the region"
    if "position_electronvolt" not in found and curve.max() > 0.0:
        found["position_electronvolt"] = float(energy[np.argmax(curve)])
    return found


READER = Reader("CasaXPS table", (".txt", ".csv"), sniff, read, (EXCITATION_OPTION,))
