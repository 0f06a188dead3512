"""Ivium files (.idf, .ids): text with control bytes between its lines.

A data set has lines of "key=value", then a line with `primary_data`, one with the number of columns, one with the
number of rows, and the rows. An impedance has three columns: Z' and Z'' in ohm and the frequency in Hz; an .ids file
holds several data sets. Other techniques have three columns too, so a data set is taken for a spectrum only where its
third column can be nothing but the frequencies of a sweep. Z'' is taken as the instrument's, negative for capacitive
arcs. The layout is the one that public readers of the format agree on; a file from an instrument was not at hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.preamble import known
from mossy.readers.spectra import SIGN_OPTION, are_frequencies
from mossy.readers.tables import Measured, assemble, records_in, renumbered
from mossy.readers.text_grid import is_number
from mossy.records import Record

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]+")
_MAGIC = re.compile(rb"[\x00-\x1f\xfb]*Version=\d+")


def sniff(path: Path, head: bytes) -> bool:
    """`Version=` behind nothing but control bytes, and Ivium's own words further down."""
    named = path.suffix.lower() in (".idf", ".ids") and b"Version=" in head[:200]
    return _MAGIC.match(head) is not None and (named or b"primary_data" in head or b"Method=" in head)


def read(path: Path, request: Request) -> list[Record]:
    """The spectra of every data set."""
    text = _CONTROL.sub(b"", read_bytes(path)).decode("latin-1")
    lines = re.sub(r"\r+\n|\r", "\n", text).split("\n")
    found: list[Record] = []
    settings: dict[str, str] = {}
    others = []
    place = 0
    while place < len(lines):
        line = lines[place].strip()
        place += 1
        if "primary_data" in line:
            rows = _rows(lines, place)
            place += 2 + len(rows)
            if rows.shape[1] == 3 and are_frequencies(rows[:, 2]):
                found += _spectrum(rows, place - len(rows) + 1, settings, request)
            else:
                others.append(settings.get("Method", settings.get("Technique", "unknown")))
            settings = {}
        elif "=" in line and len(settings) < 2000 and len(line) < 400:
            key, _, value = line.partition("=")
            settings.setdefault(key.strip(), value.strip())
    if not found:
        held = ", ".join(others) or "none"
        raise InputError(f"holds no impedance that can be told (data sets: {held})", remedy="export it as text (csv)")
    if others:
        warning = f"{len(others)} data sets that are no spectra were not read ({', '.join(others)})"
        found = [record.with_metadata(warnings=[*record.metadata.get("warnings", []), warning]) for record in found]
    return renumbered(found)


def _rows(lines: Sequence[str], place: int) -> np.ndarray:
    """The numbers of a data set whose line of column count is at an index."""
    counts = [line.strip() for line in lines[place : place + 2]]
    if len(counts) < 2 or not all(count.isdecimal() and len(count) < 8 for count in counts):
        problem = f"line {place + 1}: the numbers of columns and rows are missing"
        raise InputError(problem, remedy="copy the whole file again")
    width, height = map(int, counts)
    rows = []
    for number, line in enumerate(lines[place + 2 : place + 2 + height], place + 3):
        cells = line.split()
        if len(cells) != width or not all(map(is_number, cells)):
            raise InputError(f"line {number}: '{line.strip()[:40]}' is not {width} numbers", remedy="copy it again")
        rows.append([float(cell.replace(",", ".")) for cell in cells])
    if len(rows) < height or not rows:
        problem = f"says it has {height} rows from line {place + 3}, {len(rows)} follow: it is cut short"
        raise InputError(problem, remedy="copy the whole file again")
    return np.array(rows)


def _spectrum(rows: np.ndarray, first: int, settings: dict[str, str], request: Request) -> list[Record]:
    names = ("real_impedance_ohm", "imaginary_impedance_ohm", "frequency_hertz")
    columns = {name: rows[:, place] for place, name in enumerate(names)}
    metadata: dict[str, Any] = {"instrument": "Ivium", **known(settings), "settings": settings}
    technique = settings.get("Method") or settings.get("Technique")
    metadata |= {"technique": technique} if technique else {}
    metadata |= {"comments": settings["Title"]} if settings.get("Title") else {}
    places = list(range(first, first + len(rows)))
    return records_in(Measured(assemble(columns, height=len(rows)), places, "line", metadata), request)


READER = Reader("Ivium .idf", (".idf", ".ids"), sniff, read, ("missing", SIGN_OPTION))
