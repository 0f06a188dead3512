"""Scienta SES text (.txt): sections [Region n], [Info n] of "key=value" lines and [Data n] of numbers.

The slices of a detector image are added up. The scale is that of "Energy Scale"; the step time is in milliseconds, for
each of the sweeps. In ADC mode the detector does not count electrons, which is said.
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

_SECTION = re.compile(r"\[\s*(.*?)\s*(\d*)\s*\]")
_AGAIN = "export it again from SES"


@dataclass
class _Part:
    entries: dict[str, str] = field(default_factory=dict)
    rows: list[list[float]] = field(default_factory=list)


def sniff(path: Path, head: bytes) -> bool:
    """The section [Info] with the number of regions."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*\[Info\]\s*Number of Regions=", head) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The regions of a file."""
    parts, count = _parts(decode(read_bytes(path), path))
    if count != len(parts):
        raise InputError(f"says that it has {count} regions, but holds {len(parts)}: it is cut short", remedy=_AGAIN)
    found = [_record(number, part, request) for number, part in sorted(parts.items())]
    return only_kind(noted_overlaps(found), request)


def _parts(lines: Sequence[str]) -> tuple[dict[int, _Part], int]:
    parts: dict[int, _Part] = {}
    name, number, count = "", 0, 0
    for place, line in enumerate(lines, 1):
        text = line.strip()
        section = _SECTION.fullmatch(text)
        if section:
            name, number = section[1], int(section[2] or 0)
            if number:
                parts.setdefault(number, _Part())
        elif not text:
            continue
        elif name == "Data":
            try:
                parts[number].rows.append([float(word) for word in text.split()])
            except ValueError:
                problem = f"line {place}: '{text[:40]}' holds a word among its numbers"
                raise InputError(problem, remedy=_AGAIN) from None
        else:
            key, _, value = text.partition("=")
            if number:
                parts[number].entries[key.strip()] = value.strip()
            elif key == "Number of Regions":
                count = int(value) if value.strip().isdecimal() else 0
    return parts, count


def _record(number: int, part: _Part, request: Request) -> Photoemission:
    entries = part.entries
    where = f"region {number} ('{entries.get('Region Name', '')}'): "
    widths = {len(row) for row in part.rows}
    stated = entries.get("Dimension 1 size", "")
    if len(widths) != 1 or min(widths) < 2 or (stated.isdecimal() and int(stated) != len(part.rows)):
        problem = (
            f"{where}{len(part.rows)} rows of {sorted(widths)} columns, where {stated or 'some'} energies should be"
        )
        raise InputError(f"{problem}: it is cut short", remedy=_AGAIN)
    scale = entries.get("Energy Scale", "").lower()
    if scale not in ("binding", "kinetic"):
        raise InputError(f"{where}its energy scale is '{scale}', not kinetic or binding", remedy=_AGAIN)
    values = np.array(part.rows)
    region = Region(values[:, 0], values[:, 1:].sum(axis=1), scale, False, where, _metadata(entries))
    if values.shape[1] > 2:
        region.warnings.append(f"{values.shape[1] - 1} slices of the detector were added up")
    if entries.get("DetectorMode", "").upper() == "ADC":
        region.warnings.append("the detector was in ADC mode: its intensities are no counts, and have no Poisson error")
    return record_of(region, request)


def _metadata(entries: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"method": "XPS", **region_named(entries.get("Region Name", ""))}
    for name, key in (("Sample", "sample"), ("Instrument", "instrument")):
        if entries.get(name):
            found[key] = entries[name]
    numbers = {name: float(entries[name]) for name in _NUMBERS if re.fullmatch(r"[\d.]+", entries.get(name, ""))}
    found |= {_NUMBERS[name]: value for name, value in numbers.items() if _NUMBERS[name]}
    if "Step Time" in numbers and "Number of Sweeps" in numbers:
        found |= {"dwell_time_second": numbers["Step Time"] / 1000.0, "sweeps": int(numbers["Number of Sweeps"])}
    if re.fullmatch(r"\d{4}-\d\d-\d\d", entries.get("Date", "")):
        found["start_time"] = entries["Date"] + (f"T{entries['Time']}" if entries.get("Time") else "")
    names = ("Lens Mode", "Acquisition Mode", "DetectorMode")
    return found | {"settings": {name: entries[name] for name in names if entries.get(name)}}


_NUMBERS = {
    "Excitation Energy": "excitation_energy_electronvolt",
    "Pass Energy": "pass_energy_electronvolt",
    "Step Time": "",
    "Number of Sweeps": "",
}

READER = Reader("Scienta .txt", (".txt",), sniff, read, (EXCITATION_OPTION,))
