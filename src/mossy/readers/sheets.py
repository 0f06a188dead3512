"""Workbooks of a vendor's own: a look at their headings without reading the cells, and their sheets as lines."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mossy.errors import InputError
from mossy.readers.workbook import _sheets

_PARTS = ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml")
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
