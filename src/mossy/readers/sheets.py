"""Workbooks of a vendor's own: a look at their headings without reading the cells, their sheets as lines, the moments
in their cells, and a long test that fills several sheets."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.readers.cycler_table import Table
from mossy.readers.preamble import moment
from mossy.readers.workbook import _sheets

_PARTS = ("xl/sharedStrings.xml", *(f"xl/worksheets/sheet{number}.xml" for number in range(1, 9)))
_LOOK = 100_000


def workbook_head(path: Path, head: bytes) -> list[str]:
    """The first words of a workbook, as far as they are needed to tell whose it is; none for any other file."""
    if not head.startswith(b"PK\x03\x04"):
        return []
    words: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" not in names:
                return []
            for part in _PARTS:
                if part in names:
                    with archive.open(part) as stream:
                        text = stream.read(_LOOK).decode("utf-8", errors="ignore")
                    words += re.findall(r"<(?:\w+:)?t(?: [^>]*)?>([^<]{1,80})</", text)
    except Exception:  # noqa: BLE001  damaged archives raise a dozen kinds; the reader that takes the file says which
        return []
    return words


def sheets_with(data: bytes, known: Callable[[Sequence[str]], bool]) -> dict[str, list[str]]:
    """The sheets that have a line of a vendor's headings, as lines of cells between tabs."""
    sheets = _sheets(data)
    found = {name: lines for name, lines in sheets.items() if any(known(line.split("\t")) for line in lines[:60])}
    if not found:
        shown = ", ".join(map(repr, sheets)) or "none"
        raise InputError(f"has no sheet with measured points (sheets: {shown})", remedy="export the record table")
    return found


def excel_moment(serial: float) -> str:
    """The date and time of Excel's day number, ISO 8601; empty where it is no likely one.

    >>> excel_moment(42587.67804398148), excel_moment(1.0)
    ('2016-08-05T16:16:23', '')
    """
    import datetime

    if not 20_000.0 < serial < 80_000.0:  # 1954 to 2119
        return ""
    epoch = datetime.datetime(1899, 12, 30)
    return (epoch + datetime.timedelta(seconds=round(serial * 86400.0))).isoformat()


def moment_in(cell: str) -> tuple[str, str]:
    """(ISO 8601, a note as `preamble.moment` has it) of a date in words or of Excel's number of it; else empty.

    >>> moment_in("2024-05-01 12:00:30"), moment_in("42587.67804398148"), moment_in("12")
    (('2024-05-01T12:00:30', ''), ('2016-08-05T16:16:23', ''), ('', ''))
    """
    if re.fullmatch(r"\d{5}(?:[.,]\d+)?", cell):
        return excel_moment(float(cell.replace(",", "."))), ""
    return moment(cell)


def start_of(moments: Sequence[str]) -> dict[str, Any]:
    """The start of a test as metadata, from the moments of its rows."""
    start, note = moment_in(moments[0]) if moments else ("", "")
    return ({"start_time": start} if start else {}) | ({"warnings": [note]} if note else {})


def in_sequence(tables: Sequence[tuple[str, Table]]) -> list[list[tuple[str, Table]]]:
    """Tables whose points are numbered through, together."""
    groups: list[list[tuple[str, Table]]] = []
    for name, table in tables:
        before = groups[-1][-1][1] if groups else None
        if before is not None and set(before.columns) == set(table.columns) and _follows(before, table):
            groups[-1].append((name, table))
        else:
            groups.append([(name, table)])
    return groups


def _follows(before: Table, table: Table) -> bool:
    last, first = before.numbers("record_index"), table.numbers("record_index")
    return last is not None and first is not None and bool(first[0] == last[-1] + 1.0)


def joined(tables: Sequence[tuple[str, Table]]) -> Table:
    """The tables of several sheets as one."""
    import polars as pl

    first = tables[0][1]
    if len(tables) == 1:
        return first
    columns = {name: pl.concat([table.columns[name] for _, table in tables]) for name in first.columns}
    places = list(range(1, sum(len(table.places) for _, table in tables) + 1))
    whole = Table(columns, places, "point", dict(first.metadata), first.unitless)
    whole.note({"settings": {"sheets": ", ".join(name for name, _ in tables)}})
    return whole
