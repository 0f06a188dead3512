"""Tables that cyclers export: a vendor's own headings, times as clocks, words for the state of a step.

A dialect maps a vendor's quantity, in plain letters, to a machine name and to the unit it has where the heading gives
none. Names that start with two underscores are the reader's own: `__capacity` and `__energy` count either direction,
`__state` and `__moment` are words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Request, column_of
from mossy.readers.headings import conversion
from mossy.readers.tables import ESSENTIAL, Measured, assemble
from mossy.readers.text_grid import Grid, Header, decode, grid_under, split_cells
from mossy.records import TEXT_COLUMNS, unit_of

if TYPE_CHECKING:
    import polars as pl

Dialect = Mapping[str, tuple[str, str | None]]
"""Quantity in plain letters -> (machine name, unit where the heading has none; None where it must have one)."""
OPTIONS = ("columns", "missing", "decimal")
WORDS = frozenset({"__state", "__moment", "__group"})
_STANDS_FOR = {"__capacity": "net_capacity_ah", "__energy": "net_energy_wh"}
_UNITS = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours", "decimal hours"), "h"),
}
_TIMES = ("test_time_second", "step_time_second")
_CLOCK = r"^(?:(\d+)\s*[dD]\w*\s+|(\d+)-)?(\d+):(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)$"
_THOUSANDS = r"^\d{1,3}(?:,\d{3})+$"


@dataclass
class Table:
    """A vendor's table as it was read: columns by machine name, where each row stands, what else is known."""

    columns: dict[str, pl.Series]
    places: Sequence[int]
    word: str = "line"
    metadata: dict[str, Any] = field(default_factory=dict)
    unitless: frozenset[str] = frozenset()
    """The times whose unit nothing says."""

    def numbers(self, name: str) -> np.ndarray | None:
        """A column as floats, NaN where a cell is empty; None where the table has no such column."""
        values = self.columns.get(name)
        return None if values is None else values.cast(float).fill_null(np.nan).to_numpy()

    def words(self, name: str) -> list[str]:
        """A column of words; none where the table has no such column."""
        return [word or "" for word in self.columns[name].to_list()] if name in self.columns else []

    def warn(self, text: str) -> None:
        """Note what a person should look at."""
        self.metadata["warnings"] = [*self.metadata.get("warnings", []), text]

    def note(self, entries: Mapping[str, Any]) -> None:
        """Add metadata; warnings and settings join those that are there."""
        warnings = [*self.metadata.get("warnings", []), *entries.get("warnings", [])]
        settings = self.metadata.get("settings", {}) | entries.get("settings", {})
        self.metadata |= {**entries, "warnings": warnings, "settings": settings}

    def measured(self) -> Measured:
        """The table for `records_in`, without the columns of the reader's own."""
        kept = {name: values for name, values in self.columns.items() if not name.startswith("__")}
        metadata = {key: value for key, value in self.metadata.items() if value}
        return Measured(assemble(kept, height=len(self.places)), self.places, self.word, metadata)


_HEADINGS_WITHIN, _BEGINNING = 60, 65536
_WORD = re.compile(r"[^\W\d_]{2}")


@functools.lru_cache(maxsize=8)
def heading_lines(head: bytes, encoding: str = "utf-8") -> tuple[str, ...]:
    """The lines among the first of a file that could be headings, as text: at least four words; none of binary data."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        lines = head.decode("utf-16", errors="ignore").split("\n", _HEADINGS_WITHIN)
    elif b"\0" in head:
        return ()
    else:
        start = head.replace(b"\r", b"\n") if b"\n" not in head else head
        first = b"\n".join(start.split(b"\n", _HEADINGS_WITHIN)[:_HEADINGS_WITHIN])
        lines = first.decode(encoding, "replace").split("\n")
    return tuple(line.strip("\r\ufeff") for line in lines[:_HEADINGS_WITHIN] if len(_WORD.findall(line)) > 3)


def has_headings(head: bytes, known: Callable[[Sequence[str]], bool], delimiters: str) -> bool:
    """Whether one of the first lines, cut into cells, is known; Chinese Windows writes GB 18030."""
    return any(
        known(split_cells(line, mark))
        for encoding in ("utf-8", *(() if head[:_BEGINNING].isascii() else ("gb18030",)))
        for line in heading_lines(head, encoding)
        for mark in delimiters
        if mark in line
    )


def decode_headed(data: bytes, path: Path, known: Callable[[Sequence[str]], bool], delimiters: str) -> list[str]:
    """The lines of a text file; of one that is no UTF-8 but has known headings in GB 18030, by that."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        lines = heading_lines(data[:_BEGINNING], "gb18030")
        if b"\0" not in data and any(known(split_cells(line, mark)) for line in lines for mark in delimiters):
            return decode(data.decode("gb18030", errors="replace").encode(), path)
    return decode(data, path)


def plain(quantity: str) -> str:
    """A quantity without case, spaces and signs, for comparison.

    >>> plain("Test_Time"), plain("Cap."), plain("Rec#"), plain("Amp-hr"), plain("SOC|DOD")
    ('testtime', 'cap', 'rec', 'amphr', 'socdod')
    """
    return re.sub(r"[\W_]+", "", quantity.lower())


def quantity_and_unit(heading: str) -> tuple[str, str]:
    """A heading apart: the unit stands in brackets at its end or after the first slash.

    >>> quantity_and_unit("Current(A)"), quantity_and_unit("SpeCap/mAh/g"), quantity_and_unit("Cap. [Ah]")
    (('Current', 'A'), ('SpeCap', 'mAh/g'), ('Cap.', 'Ah'))
    """
    heading = heading.strip().strip('"').strip()
    bracketed = re.fullmatch(r"(.*?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]", heading)
    if bracketed and bracketed[1]:
        return bracketed[1], bracketed[2]
    quantity, _, unit = heading.partition("/")
    return quantity.strip(), unit.strip()


def header_among(lines: Sequence[str], dialect: Dialect, delimiters: str, least: int) -> Header | None:
    """The line with most headings of the dialect, at least so many, among the first few hundred."""
    best, most = None, least - 1
    for index, line in enumerate(lines[:400]):
        if best is not None and index > best.index + 20:
            break
        for mark in delimiters:
            cells = split_cells(line, mark) if len(line) < 20_000 else []
            count = sum(bool({plain(cell), plain(quantity_and_unit(cell)[0])} & set(dialect)) for cell in cells)
            if count > most:
                best, most = Header(index, mark, tuple(cells)), count
    return best


def table_under(lines: Sequence[str], header: Header, dialect: Dialect, request: Request, word: str = "line") -> Table:
    """The table below a header; the caller's own map of columns goes before the dialect.

    A row that ends in one more delimiter than its neighbours is whole: some programs close every row but the last.
    """
    decimal = request.options.get("decimal")
    if decimal not in (None, ".", ","):
        raise InputError(f"{decimal!r} is not a decimal mark", key="decimal", remedy='write decimal="," or "."')
    names = tuple(header.names)
    while names and not names[-1]:
        names = names[:-1]
    header = Header(header.index, header.delimiter, names)
    grid = grid_under(_without_closing(lines, header), header, decimal)
    chosen = _choose(names, grid, dialect, request)
    columns = {name: _column(grid, name, place, unit, names) for name, (place, unit) in chosen.items()}
    kept = {name: values for name, values in columns.items() if values is not None}
    read = {chosen[name][0] for name in kept if name not in ("__moment", "__group")}
    unread = [name for place, name in enumerate(names) if place not in read and name]
    unitless = frozenset(
        name for name in _TIMES if name in kept and chosen[name][1] is None and not _is_clock(grid, chosen[name][0])
    )
    table = Table(kept, grid.lines, word, {"columns_not_read": unread}, unitless)
    if lines[-1].strip():
        table.warn("the last line has no line end: see whether the file was cut short")
    return table


def _without_closing(lines: Sequence[str], header: Header) -> list[str]:
    mark, closed = header.delimiter, len(header.names)
    start = header.index + 1
    below = [
        line[: line.rindex(mark)] if line.endswith(mark) and line.count(mark) == closed else line
        for line in (each.rstrip("\r ") for each in lines[start:])
    ]
    return [*lines[:start], *below]


def _choose(names: Sequence[str], grid: Grid, dialect: Dialect, request: Request) -> dict[str, tuple[int, str | None]]:
    """Machine name -> (index of the column, its unit or None where nothing says it)."""
    chosen: dict[str, tuple[int, str | None]] = {}
    for name, given in (request.columns or {}).items():
        column, unit = column_of(name, given)
        if isinstance(column, int):
            place = column - 1
        else:
            place = names.index(column.strip()) if column.strip() in names else -1
        if not 0 <= place < grid.width:
            shown = ", ".join(filter(None, names))
            raise InputError(f"there is no column {column!r}", key=f"columns.{name}", remedy=f"it has {shown}")
        chosen[name] = (place, unit)
    taken = {place for place, _ in chosen.values()}
    for place, heading in enumerate(names):
        quantity, unit = quantity_and_unit(heading)
        name, usual = dialect.get(plain(heading)) or dialect.get(plain(quantity)) or ("", None)
        if name and name not in chosen and place not in taken:
            chosen[name] = (place, _UNITS.get(unit.lower().rstrip("."), unit) if unit else usual)
    return chosen


def _column(grid: Grid, name: str, place: int, unit: str | None, names: Sequence[str]) -> pl.Series | None:
    heading = names[place] if place < len(names) else f"column {place + 1}"
    words = grid.words(place)
    if name in WORDS or name in TEXT_COLUMNS:
        return words
    if name in _TIMES and _is_clock(grid, place):
        return clock(words, heading, grid.lines)
    if unit_of(name) == "1" and name not in _STANDS_FOR and words.str.contains(_THOUSANDS).any():
        words = words.str.replace_all(",", "", literal=True)
        return words.cast(float, strict=False)
    values = grid.numbers(place, heading)
    if values is None:
        if name in ESSENTIAL:
            raise InputError(f"'{heading}' holds no numbers", remedy="check the file and its delimiter")
        return None
    if unit is None:
        return values if name in _TIMES else None
    try:
        scale, offset = conversion(unit, _STANDS_FOR.get(name, name))
    except InputError as error:
        if name in ESSENTIAL:
            raise InputError(f"'{heading}': {error.problem}", remedy=error.remedy) from None
        return None
    return values if (scale, offset) == (1.0, 0.0) else values * scale + offset


def _is_clock(grid: Grid, place: int) -> bool:
    return bool(grid.words(place).head(200).str.contains(":", literal=True).any())


def clock(words: pl.Series, heading: str, places: Sequence[int]) -> pl.Series:
    """Durations in seconds out of "12:34:56.7", "0d 00:00:01.00" or "1-02:03:04"; empty cells stay empty.

    >>> import polars as pl
    >>> clock(pl.Series(["  1d 00:00:01.50", "30:00:00", "1-00:00:02", ""]), "Test Time", [2, 3, 4, 5]).to_list()
    [86401.5, 108000.0, 86402.0, None]
    """
    import polars as pl

    parts = words.str.strip_chars().str.extract_groups(_CLOCK).struct.unnest()
    day, dash, hour, minute, second = (
        parts.to_series(place).str.replace(",", ".", literal=True).cast(pl.Float64) for place in range(5)
    )
    seconds = day.fill_null(0.0) * 86400.0 + dash.fill_null(0.0) * 86400.0 + hour * 3600.0 + minute * 60.0 + second
    wrong = np.flatnonzero((seconds.is_null() & (words.str.strip_chars() != "")).to_numpy())
    if wrong.size:
        row = int(wrong[0])
        problem = f"line {places[row]}: '{words[row][:40]}' in '{heading}' is not a time"
        raise InputError(problem, remedy="write it as hours:minutes:seconds, or all as numbers")
    return seconds.alias(words.name)
