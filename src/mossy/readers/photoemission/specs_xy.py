"""SPECS SpecsLab Prodigy text (.xy): regions of comments "# Key: value" and two or more columns of numbers.

Scans stored apart are averaged (counts/s) or added up (counts), over the scans of one cycle; cycles are records of
their own. Files with each channel of the detector apart, or without their comments, are refused.
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
from mossy.readers.photoemission.regions import Region, noted_overlaps, only_kind, record_of
from mossy.readers.text_grid import decode
from mossy.records import Photoemission, Record

_NUMBERS = {
    "Excitation Energy": "excitation_energy_electronvolt",
    "Pass Energy": "pass_energy_electronvolt",
    "Eff. Workfunction": "analyser_work_function_electronvolt",
}
_AGAIN = "export it again, with its metadata"


@dataclass
class _Part:
    """A region: its entries, and the scans of each cycle (line they start at, rows)."""

    entries: dict[str, str]
    scans: dict[int, list[tuple[int, list[list[float]]]]] = field(default_factory=dict)


def sniff(path: Path, head: bytes) -> bool:
    """Comments of SpecsLab's export."""
    return b"XY-Serializer Export Settings" in head[:4096] or (b"SpecsLab" in head[:512] and b"# Region:" in head)


def read(path: Path, request: Request) -> list[Record]:
    """The regions of a file; each cycle of a region by itself."""
    settings, parts = _parts(decode(read_bytes(path), path))
    if settings.get("Separate Channel Data", "no") == "yes":
        remedy = 'export it with "Separate Channel Data: no"'
        raise InputError("holds each channel of the detector apart, at energies of its own", remedy=remedy)
    found = [
        _record(part, cycle, scans, settings, request) for part in parts for cycle, scans in sorted(part.scans.items())
    ]
    if not found:
        raise InputError("holds no region with data", remedy=_AGAIN)
    return only_kind(noted_overlaps(found), request)


def _parts(lines: Sequence[str]) -> tuple[dict[str, str], list[_Part]]:
    settings: dict[str, str] = {}
    parts: list[_Part] = []
    group, cycle = "", 0
    rows: list[list[float]] | None = None
    for place, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            rows = None
            key, _, value = (word.strip() for word in text.lstrip("#").partition(":"))
            if key == "Group":
                group = value
            elif key == "Region":
                parts.append(_Part({"Group": group, "Region": value}))
            elif key == "Cycle":
                cycle = int(re.sub(r"\D.*", "", value) or 0)
            else:
                (parts[-1].entries if parts else settings).setdefault(key, value)
        elif text:
            if not parts:
                raise InputError(f"line {place}: numbers before the name of a region", remedy=_AGAIN)
            if rows is None:
                rows = []
                parts[-1].scans.setdefault(cycle, []).append((place, rows))
            rows.append(_row(text, place))
    return settings, parts


def _row(text: str, place: int) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        raise InputError(f"line {place}: '{text[:40]}' holds a word among its numbers", remedy=_AGAIN) from None


def _record(
    part: _Part, cycle: int, scans: list[tuple[int, list[list[float]]]], settings: dict[str, str], request: Request
) -> Photoemission:
    where = f"region '{part.entries['Region']}': "
    tables = [_table(rows, line, where, part.entries.get("Values/Curve", "")) for line, rows in scans]
    first = tables[0]
    for (line, _), table in zip(scans, tables, strict=True):
        if table.shape != first.shape or not np.array_equal(table[:, 0], first[:, 0]):
            problem = f"{where}the scan at line {line} has other energies than the first"
            raise InputError(problem, remedy="export each curve as a region, or the file again")
    axis = settings.get("Energy Axis", "").lower()
    scale = next((each for each in ("kinetic", "binding") if axis.startswith(each)), None)
    if scale is None:
        problem = f"{where}its energy axis is '{axis}', not a kinetic or binding energy"
        raise InputError(problem, remedy=_AGAIN)
    labels = part.entries.get("ColumnLabels", "")
    per_second = "/s" in labels or "per Second" in settings.get("Count Rate", "")
    stack = np.array([table[:, 1] for table in tables])
    intensity = stack.mean(axis=0) if per_second else stack.sum(axis=0)
    metadata = _metadata(part, cycle, len(tables))
    region = Region(first[:, 0], intensity, scale, per_second, where, metadata)
    if first.shape[1] > 2:
        metadata["columns_not_read"] = labels.split()[2:] or [f"column {n + 1}" for n in range(2, first.shape[1])]
    return record_of(region, request)


def _table(rows: list[list[float]], line: int, where: str, stated: str) -> np.ndarray:
    widths = {len(row) for row in rows}
    if stated.isdecimal() and int(stated) != len(rows):
        problem = f"{where}{len(rows)} rows from line {line}, where the file says {stated}"
        raise InputError(problem, remedy="export it again: it may be cut short")
    if len(widths) > 1 or min(widths) < 2:
        problem = f"{where}the rows from line {line} have {min(widths)} to {max(widths)} columns"
        raise InputError(problem, remedy="export it again: it may be cut short")
    return np.array(rows)


def _metadata(part: _Part, cycle: int, scans: int) -> dict[str, Any]:
    entries = part.entries
    found: dict[str, Any] = {"method": entries.get("Analysis Method", "XPS").upper(), **region_named(entries["Region"])}
    if entries["Group"]:
        found["sample"] = entries["Group"]
    if entries.get("Analyzer"):
        found["instrument"] = f"SPECS {entries['Analyzer']}"
    for name, key in _NUMBERS.items():
        if re.fullmatch(r"[\d.]+", entries.get(name, "")):
            found[key] = float(entries[name])
    stated = entries.get("Number of Scans", "")
    sweeps = scans if scans > 1 else int(stated) if stated.isdecimal() else 1
    if re.fullmatch(r"[\d.]+", entries.get("Dwell Time", "")):
        found |= {"dwell_time_second": float(entries["Dwell Time"]), "sweeps": max(sweeps, 1)}
    date = re.fullmatch(r"(\d\d)/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)( UTC)?", entries.get("Acquisition Date", ""))
    if date:
        found["start_time"] = f"20{date[3]}-{date[1]}-{date[2]}T{date[4]}" + ("+00:00" if date[5] else "")
    names = ("Analyzer Lens", "Analyzer Slit", "Scan Mode", "Source")
    return found | {"settings": {name: entries[name] for name in names if entries.get(name)} | {"cycle": cycle}}


READER = Reader("SPECS .xy", (".xy",), sniff, read, (EXCITATION_OPTION,))
