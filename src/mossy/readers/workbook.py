"""Excel workbooks (.xlsx): every sheet as a text table, without a spreadsheet package.

A workbook is a zip archive of XML (ECMA-376): `xl/workbook.xml` names the sheets, `xl/_rels/workbook.xml.rels` their
files, `xl/sharedStrings.xml` the words, `xl/worksheets/sheet*.xml` the cells. Only these are opened; a document type
definition (the way to entity attacks) and an archive that unpacks to more than 200 MB are refused. Cells hold values,
not formulas; dates stay the numbers Excel keeps. Every sheet is searched for a table; those without one are named in
the warnings.
"""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.tables import records_in, renumbered
from mossy.readers.text import OPTIONS, measured_in
from mossy.records import Record

_LARGEST = 200_000_000
_MOST_CELLS = 5_000_000
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_AGAIN = "save it again, or export the sheet as csv"


def sniff(path: Path, head: bytes) -> bool:
    """A zip archive with the parts of a workbook, or named like one."""
    return head.startswith(b"PK\x03\x04") and (b"xl/" in head or path.suffix.lower() in (".xlsx", ".xlsm"))


def read(path: Path, request: Request) -> list[Record]:
    """The records of every sheet."""
    sheets = _sheets(read_bytes(path))
    inner = dataclasses.replace(request, options={**request.options, "delimiter": "\t"})
    found: list[Record] = []
    refused: dict[str, InputError] = {}
    for name, lines in sheets.items():
        try:
            measured = measured_in(lines, inner) if any(line.strip() for line in lines) else None
            found += records_in(dataclasses.replace(measured, word=f"sheet '{name}' row"), inner) if measured else []
        except InputError as error:
            refused[name] = error
    if not found:
        if not refused:
            raise InputError("has no sheet with data", remedy="give a workbook with a table in it")
        name, first = next(iter(refused.items()))
        raise InputError(f"sheet '{name}': {first.problem}", key=first.key, remedy=first.remedy)
    broken = [f"sheet '{name}' was not read: {each.problem}" for name, each in refused.items()]
    if broken:
        found = [record.with_metadata(warnings=[*record.metadata.get("warnings", []), *broken]) for record in found]
    return renumbered(found)


def _sheets(data: bytes) -> dict[str, list[str]]:
    """The rows of each sheet as lines of cells between tabs; a line for every row, empty ones too."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _LARGEST:
                raise InputError(f"unpacks to more than {_LARGEST // 10**6} MB", remedy=_AGAIN)
            names = set(archive.namelist())
            book = _xml(archive, "xl/workbook.xml")
            links = {link.get("Id"): link.get("Target", "") for link in _xml(archive, "xl/_rels/workbook.xml.rels")}
            words = _words(archive) if "xl/sharedStrings.xml" in names else []
            sheets = {}
            for sheet in book.iter(f"{_MAIN}sheet"):
                target = links.get(sheet.get(_ID)) or ""
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                if part in names and "worksheets/" in part:
                    sheets[sheet.get("name", part)] = _lines(_xml(archive, part), words)
            return sheets
    except InputError:
        raise
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, EOFError, OSError) as error:
        raise InputError(f"is not a whole workbook ({error})", remedy=_AGAIN) from None
    except (RuntimeError, NotImplementedError, MemoryError, OverflowError) as error:
        raise InputError(f"cannot be unpacked ({error})", remedy=_AGAIN) from None
    except Exception as error:  # noqa: BLE001  damaged archives make zlib and zipfile raise kinds of their own
        raise InputError(f"is not a whole workbook ({type(error).__name__})", remedy=_AGAIN) from None


class _WithoutDoctype(ElementTree.TreeBuilder):
    """A tree of elements that stops at a document type definition, before any entity in it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InputError(f"holds a document type definition ('{name[:20]}')", remedy=_AGAIN)


def _xml(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    with archive.open(part) as stream:
        text = stream.read(_LARGEST + 1)  # what the archive says of its size need not be true
    if len(text) > _LARGEST:
        raise InputError(f"unpacks to more than {_LARGEST // 10**6} MB", remedy=_AGAIN)
    return ElementTree.fromstring(text, ElementTree.XMLParser(target=_WithoutDoctype()))


def _words(archive: zipfile.ZipFile) -> list[str]:
    shared = _xml(archive, "xl/sharedStrings.xml")
    return ["".join(part.text or "" for part in item.iter(f"{_MAIN}t")) for item in shared.iter(f"{_MAIN}si")]


def _lines(sheet: ElementTree.Element, words: list[str]) -> list[str]:
    cells: dict[int, dict[int, str]] = {}
    count = row_number = 0
    for row in sheet.iter(f"{_MAIN}row"):
        row_number = int(row.get("r") or row_number + 1)
        column = 0
        for cell in row.iter(f"{_MAIN}c"):
            match = _CELL.fullmatch(cell.get("r") or "")
            column = _column(match[1]) if match else column + 1
            text = _text(cell, words)
            count += 1
            if text:
                cells.setdefault(row_number, {})[column] = text
        if not 0 < row_number <= _MOST_ROWS or column > _MOST_COLUMNS or count > _MOST_CELLS:
            raise InputError("a sheet has more cells than can be read", remedy="export its table as csv")
    if not cells:
        return []
    last = max(max(row) for row in cells.values())
    if last * len(cells) > _MOST_CELLS:
        raise InputError("a sheet has more cells than can be read", remedy="export its table as csv")
    rows = (cells.get(number) for number in range(1, max(cells) + 1))
    return ["\t".join(row.get(place, "") for place in range(1, last + 1)) if row else "" for row in rows] + [""]


def _column(letters: str) -> int:
    """The number of a column from 1.

    >>> _column("A"), _column("AB")
    (1, 28)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _text(cell: ElementTree.Element, words: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        text = "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
    else:
        value = cell.find(f"{_MAIN}v")
        text = (value.text or "") if value is not None else ""
        if kind == "s" and text:
            place = int(text)
            if not 0 <= place < len(words):
                raise InputError(f"a cell names word {place} of {len(words)}", remedy=_AGAIN)
            text = words[place]
    return re.sub(r"\s+", " ", text).strip()


READER = Reader(
    "Excel .xlsx", (".xlsx", ".xlsm"), sniff, read, tuple(option for option in OPTIONS if option != "delimiter")
)
