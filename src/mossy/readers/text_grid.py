"""A text file as a grid of cells: its encoding, header line, delimiter and decimal mark told, every row checked.

The delimiter is a tab, a semicolon, a comma or white space. A row with another number of cells than the rest is an
error that names its line: a file cut short must not pass for a shorter one. A regular table is cut into cells by
polars' parser, once it is sure that every row has as many; any other by a slower way that can say what is wrong.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mossy.errors import InputError

if TYPE_CHECKING:
    import polars as pl

DELIMITERS = ("\t", ";", ",", "  ", " ")
"""Tried in this order; two spaces stand for two or more, one for any white space."""
_WHITE = ("  ", " ")
_HEADER_LINES = 400
_NAMELESS_LINES = 20_000
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_CUT = "export or copy the whole file again, or delete its last line"
_NAMELESS = {"", "nan", "na", "n/a", "null", "none", "-", "--", "xxx", "#n/a", "-nan", "nan(ind)", "-nan(ind)"}


def decode(data: bytes, path: Path) -> list[str]:
    """The lines of a text file, whatever its encoding and line ends."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            problem = "starts as UTF-16 text and goes on as something else"
            raise InputError(problem, file=path, remedy="save it as text in UTF-8") from None
    elif b"\0" in data:
        remedy = "export the measurement as text, or save it in UTF-8"
        raise InputError("is not text (it holds zero bytes)", file=path, remedy=remedy)
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # what instruments under Windows write: every byte is a letter
    if not text.strip():
        raise InputError("is empty", file=path, remedy="give a file with a table in it")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text:
        text = re.sub(r"\r+\n|\r", "\n", text)
    return text.split("\n")


def split_cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without the white space around them."""
    if delimiter in _WHITE:
        return re.split(r"\t|\s{2,}" if delimiter == "  " else r"\s+", line.strip())
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return [cell.strip() for cell in line.split(delimiter)]


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with either decimal mark.

    >>> is_number("-1,5E-003"), is_number("1.5.2"), is_number("")
    (True, False, False)
    """
    return _NUMBER.fullmatch(cell) is not None


@dataclass(frozen=True)
class Header:
    """Where the names of the columns stand (index of the line, -1 where there are none), and the delimiter."""

    index: int
    delimiter: str
    names: tuple[str, ...]


def find_header(lines: Sequence[str], known: Callable[[str], bool], delimiter: str | None) -> Header | None:
    """The line with the most known column names, the first of them; at least two, or None."""
    best: Header | None = None
    most = 1
    for index, line in enumerate(lines[:_HEADER_LINES]):
        if best is not None and index > best.index + 20:
            break
        if not line.strip() or len(line) > 20_000:
            continue
        for mark in DELIMITERS if delimiter is None else (delimiter,):
            cells = split_cells(line, mark)
            if len(cells) < 2 or any(map(is_number, cells[:3])):
                continue
            count = sum(known(cell) for cell in cells if len(cell) < 80)
            if count > most:
                best, most = Header(index, mark, _without_tail(cells)), count
    return best


def find_names_above_units(lines: Sequence[str], known: Callable[[str], bool], delimiter: str | None) -> Header | None:
    """Two lines, names over units, that make at least two known headings together; or None."""
    for index, (line, below) in enumerate(itertools.pairwise(lines[:_HEADER_LINES])):
        if not line.strip() or not below.strip() or len(line) + len(below) > 20_000:
            continue
        for mark in DELIMITERS if delimiter is None else (delimiter,):
            names, units = _without_tail(split_cells(line, mark)), split_cells(below, mark)
            if len(names) < 2 or len(units) < len(names) or any(map(is_number, (*names[:3], *units[:3]))):
                continue
            joined = tuple(f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=False))
            if sum(known(heading) for heading in joined if len(heading) < 80) > 1:
                return Header(index + 1, mark, joined)
    return None


def find_nameless(lines: Sequence[str], count: int, delimiter: str | None) -> tuple[Header, np.ndarray] | None:
    """A file of nothing but `count` columns of numbers: where they start, without names, and the numbers."""
    first = next(index for index, line in enumerate(lines) if line.strip())
    if delimiter is None and re.search(r"[^\s\d.,;eE+-]", lines[first]):
        return None
    filled = [line for line in lines if line.strip()]
    if len(filled) > _NAMELESS_LINES:
        return None
    for mark in DELIMITERS if delimiter is None else (delimiter,):
        rows = []
        for line in filled:
            cells = split_cells(line, mark)
            cells = cells[:-1] if len(cells) == count + 1 and not cells[-1] else cells
            if len(cells) != count or not all(map(is_number, cells)):
                break
            rows.append([float(cell.replace(",", ".")) for cell in cells])
        if len(rows) == len(filled):
            return Header(first - 1, mark, ()), np.array(rows)
    return None


def find_numbers(lines: Sequence[str], places: Sequence[int], delimiter: str | None) -> Header | None:
    """The line before the first of the data, for a file whose columns are named by number (indices `places`)."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    middle = filled[len(filled) // 2 :][:20]
    for mark in DELIMITERS if delimiter is None else (delimiter,):
        sample = [split_cells(lines[index], mark) for index in middle]
        if all(max(places) < len(cells) and all(is_number(cells[place]) for place in places) for cells in sample):
            for index in filled:
                cells = split_cells(lines[index], mark)
                if max(places) < len(cells) and all(is_number(cells[place]) for place in places):
                    return Header(index - 1, mark, ())
    return None


def _without_tail(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return tuple(cells)


@dataclass(frozen=True)
class Grid:
    """The rows under a header as cells of text, and the line each stands on, from 1."""

    cells: pl.DataFrame
    lines: Sequence[int]
    delimiter: str
    decimal: str | None

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return self.cells.width

    def words(self, place: int) -> pl.Series:
        """One column as text."""
        return self.cells.to_series(place).fill_null("").str.strip_chars()

    def numbers(self, place: int, heading: str) -> pl.Series | None:
        """One column as floats, empty cells null; None where no cell is a number. Anything else names its line."""
        import polars as pl

        values = self.cells.to_series(place).cast(pl.Float64, strict=False).rechunk()
        if (
            values.null_count() == 0 and np.isfinite(values.to_numpy()).all()
        ):  # then no cell has a comma, white space or a word
            return values
        words = self.words(place)
        plain = words.str.replace(",", ".", literal=True) if self._commas(words, heading) else words
        values = plain.cast(pl.Float64, strict=False)
        values = values.set(~values.fill_null(0.0).is_finite(), None)
        if values.null_count():
            empty = words.str.to_lowercase().is_in(list(_NAMELESS))
            wrong = (values.is_null() & ~empty).to_numpy()
            if values.null_count() == len(values):
                return None
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                more = f" (and on {int(wrong.sum()) - 1} more lines)" if wrong.sum() > 1 else ""
                problem = f"line {self.lines[row]}: '{words[row][:40]}' in '{heading}' is not a number{more}"
                raise InputError(problem, remedy="write a number there, or leave the cell empty")
        return values

    def _commas(self, words: pl.Series, heading: str) -> bool:
        """Whether the decimal mark of a column is a comma."""
        if self.delimiter == "," or self.decimal == ".":
            return False
        commas, points = words.str.contains(",", literal=True), words.str.contains(".", literal=True)
        if commas.any() and points.any():
            row = int(np.flatnonzero(commas.to_numpy())[0])
            problem = f"line {self.lines[row]}: '{words[row][:40]}' in '{heading}' mixes decimal marks"
            raise InputError(problem, remedy="write numbers without a mark for thousands")
        return bool(commas.any())


def grid_under(lines: Sequence[str], header: Header, decimal: str | None) -> Grid:
    """The rows below a header line, each with the same number of cells, or the line that has not."""
    body = list(lines[header.index + 1 :])
    while body and not body[-1].strip():
        body.pop()
    if not body:
        raise InputError("holds no data points below its header", remedy="give a file with at least one")
    places: Sequence[int] = range(header.index + 2, header.index + 2 + len(body))
    cells = _regular(body, header.delimiter)
    if cells is None:
        filled = [index for index, line in enumerate(body) if line.strip()]
        places = [places[index] for index in filled]
        cells = _careful([body[index] for index in filled], header.delimiter, places)
    grid = Grid(cells, places, header.delimiter, decimal)
    _check_last_cell(grid, lines)
    _check_width(grid, header)
    return grid


def _regular(body: Sequence[str], delimiter: str) -> pl.DataFrame | None:
    """The cells of rows of one width, by polars' parser; None where a row has or might have another one.

    The parser fills short rows up and refuses long ones: if none is longer than the first, as many delimiters in all
    as the first row has times their number prove that none is shorter. Quotes are left to the careful way.
    """
    import polars as pl

    text = "\n".join(body)
    width = body[0].count(delimiter) + 1
    if len(delimiter) != 1 or delimiter == " " or not delimiter.isascii() or '"' in text:
        return None
    if text.count(delimiter) != (width - 1) * len(body):
        return None
    if (width == 1 or delimiter == "\t") and not all(map(str.strip, body)):  # other empty lines lack delimiters
        return None
    schema = {f"{place}": pl.String for place in range(width)}
    try:
        cells = pl.read_csv(text.encode(), has_header=False, separator=delimiter, quote_char=None, schema=schema)
    except (pl.exceptions.PolarsError, UnicodeEncodeError):
        return None
    return cells if cells.height == len(body) else None


def _careful(body: Sequence[str], delimiter: str, places: Sequence[int]) -> pl.DataFrame:
    """The cells of any rows; the first with another number than most is refused."""
    import polars as pl

    column = pl.Series(body)
    if delimiter in _WHITE:
        cells = column.str.strip_chars().str.replace_all(r"\s+", "\t").str.split("\t")
    elif any('"' in line for line in body):
        cells = pl.Series([split_cells(line, delimiter) for line in body])
    else:
        cells = column.str.split(delimiter)
    widths = cells.list.len().to_numpy()
    width = int(np.bincount(widths).argmax())
    wrong = np.flatnonzero(widths != width)
    if wrong.size:
        row = int(wrong[0])
        short = row == len(widths) - 1 and widths[row] < width
        cut, remedy = (" (the file looks cut short)", _CUT) if short else ("", "mend that line")
        problem = f"line {places[row]} has {widths[row]} cell(s) where the others have {width}{cut}"
        raise InputError(problem, remedy=remedy)
    return pl.DataFrame([cells.list.get(place).alias(f"{place}") for place in range(width)])


def _check_width(grid: Grid, header: Header) -> None:
    """The names must stand above the columns they name: as many, but for empty columns at the end."""
    count = len(header.names)
    if not count:
        return
    tail = [grid.words(place) for place in range(count, grid.width)]
    if grid.width < count or not all((words == "").all() for words in tail):
        problem = f"line {header.index + 1} names {count} columns, the rows below have {grid.width} cells"
        raise InputError(problem, remedy="mend the header, so that each column has its name")


def _check_last_cell(grid: Grid, lines: Sequence[str]) -> None:
    """A last number in 1.234E+005 style, shorter than all others and without a line end, was cut off."""
    words = grid.words(grid.width - 1)
    if lines[-1].strip() == "" or len(words) < 3 or not words[:-1].str.contains("[eE]").all():
        return
    lengths = words.str.len_chars().to_numpy() - words.str.starts_with("-").to_numpy()
    if len(np.unique(lengths[:-1])) == 1 and lengths[-1] < lengths[0]:
        raise InputError(f"line {grid.lines[-1]} ends within its last number: the file is cut short", remedy=_CUT)
