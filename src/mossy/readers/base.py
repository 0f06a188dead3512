"""What a reader is, and what it is asked."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.readers.headings import conversion
from mossy.records import TEXT_COLUMNS, Record, kind_named, known_names, unit_of

ColumnMap = Mapping[str, "str | int | tuple[str | int, str]"]


@dataclass(frozen=True)
class Request:
    """What the caller of `mossy.read` asked for beyond the path.

    `columns` maps a machine name to a column of the file: its heading or its number from 1, alone or with its unit
    ("t", 1, ("t", "h"), (1, "mm")). `options` are those of the reader, checked before it is called.
    """

    kind: str | None = None
    columns: ColumnMap | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind is not None:
            kind_named(self.kind)
        if self.columns is None:
            return
        if not isinstance(self.columns, Mapping):
            raise InputError("is not a map of names to columns", key="columns", remedy=_COLUMNS_REMEDY)
        for name, given in self.columns.items():
            if name not in known_names():
                raise InputError(
                    f"'{name}' is not a column Mossy knows", key="columns", remedy=suggest(name, known_names())
                )
            column_of(name, given)


@dataclass(frozen=True)
class Reader:
    """One file format.

    `sniff(path, head)` tells from the name and the first bytes, without parsing, whether the file is of this format.
    `read(path, request)` returns every record of the file or raises InputError: never half a result, and only what
    the file itself knows. The caller stamps where the file came from. `options` are the names it understands,
    "columns" among them if it can use a column map.
    """

    name: str
    extensions: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    read: Callable[[Path, Request], list[Record]]
    options: tuple[str, ...] = ()


def in_both(name: str, value: str) -> str:
    """An option as it is written in Python and in a terminal.

    >>> in_both("missing", "drop")
    'missing="drop" (--missing drop)'
    """
    return f'{name}="{value}" (--{name} {value})'


_TRACE_EXAMPLE = (
    'columns = { test_time_second = ["t", "h"], voltage_volt = [2, "V"] } in a case file, '
    'columns={"test_time_second": ("t", "h"), "voltage_volt": (2, "V")} in Python, '
    '--columns "test_time_second=t:h, voltage_volt=2:V" in a terminal'
)
_SPECTRUM_EXAMPLE = (
    'columns={"frequency_hertz": (1, "kHz"), "real_impedance_ohm": ("Zre", "ohm"), "imaginary_impedance_ohm": 3} in '
    'Python, --columns "frequency_hertz=1:kHz, real_impedance_ohm=Zre:ohm, imaginary_impedance_ohm=3" in a terminal'
)
_COLUMNS_REMEDY = f"write {_TRACE_EXAMPLE}"
_TEXT_REMEDY = 'write "frequency_hertz=1:kHz, real_impedance_ohm=Zre:ohm, imaginary_impedance_ohm=3"'
_OF_SPECTRA = re.compile(
    r"fr[e\u00e9]q|hertz|hz\b|omega|\u03c9|\u03a9|ohm|imp[e\u00e9]dan|admittan|\bz|\b(?:f|re|im)\b", re.IGNORECASE
)
_OF_TRACES = re.compile(r"time|zeit|volt|spannung|potential|curr|strom|ampere|ewe|capacity", re.IGNORECASE)


def columns_remedy(words: Iterable[str]) -> str:
    """How to name the columns of a table with these headings: as a trace over time, as a spectrum, or as either.

    >>> ["frequency_hertz" in columns_remedy(words) for words in (["time", "Voltage"], ["freq"], ["a", "b"])]
    [False, True, True]
    """
    text = " ".join(words)
    remedy = "name the columns by their heading or number, with units: "
    if _OF_SPECTRA.search(text):
        return f"{remedy}for a spectrum {_SPECTRUM_EXAMPLE}; for a trace over time {_TRACE_EXAMPLE}"
    if _OF_TRACES.search(text):
        return remedy + _TRACE_EXAMPLE
    return f"{remedy}for a trace over time {_TRACE_EXAMPLE}; for a spectrum {_SPECTRUM_EXAMPLE}"


_CHUNK = re.compile(r"(?:[^,;\"]|\"[^\"]*\")+")
_COLUMN = re.compile(r"(?:\"([^\"]*)\"|(.*?))\s*(?::\s*([^:\"]*))?")


def columns_from_text(text: str) -> ColumnMap:
    """A column map out of a line of text: name=column or name=column:unit, with commas between.

    A column is its number from 1 or its heading; a heading with a comma, a semicolon, a colon or of digits alone
    stands in double quotes. Without a unit the column is in that of the name.

    >>> columns_from_text("frequency_hertz=1:kHz, real_impedance_ohm=Zre:ohm, imaginary_impedance_ohm=4")
    {'frequency_hertz': (1, 'kHz'), 'real_impedance_ohm': ('Zre', 'ohm'), 'imaginary_impedance_ohm': 4}
    >>> columns_from_text('voltage_volt="E: cell, raw":mV')
    {'voltage_volt': ('E: cell, raw', 'mV')}
    """
    if text.count('"') % 2:
        raise InputError(f"a quote is left open in '{text}'", key="columns", remedy=_TEXT_REMEDY)
    found: dict[str, str | int | tuple[str | int, str]] = {}
    for chunk in filter(str.strip, _CHUNK.findall(text)):
        name, equals, given = (part.strip() for part in chunk.partition("="))
        if not equals:
            raise InputError(f"'{chunk.strip()}' has no '='", key="columns", remedy=_TEXT_REMEDY)
        if name not in known_names():
            problem = f"'{name}' is not a column Mossy knows"
            raise InputError(problem, key="columns", remedy=suggest(name, known_names()))
        if name in found:
            raise InputError("is named twice", key=f"columns.{name}", remedy="name each column once")
        found[name] = _column_from_text(name, given)
    if not found:
        raise InputError("names no column", key="columns", remedy=_TEXT_REMEDY)
    return found


def _column_from_text(name: str, given: str) -> str | int | tuple[str | int, str]:
    match = _COLUMN.fullmatch(given)
    quoted, plain, unit = match.groups() if match else (None, "", None)
    key = f"columns.{name}"
    if not (quoted or plain):
        raise InputError(f"'{given}' does not name a column", key=key, remedy=_TEXT_REMEDY)
    column: str | int = int(plain) if quoted is None and re.fullmatch(r"\d{1,6}", plain) else quoted or plain
    column_of(name, column)
    if unit is None:
        return column
    try:
        if name not in TEXT_COLUMNS:
            conversion(unit.strip(), name)
    except InputError as error:
        raise error.at(key) from None
    return column, unit.strip()


def column_of(name: str, given: str | int | tuple[str | int, str]) -> tuple[str | int, str]:
    """The column and the unit a caller named for a machine name; without a unit, that of the name.

    >>> column_of("test_time_second", ("t", "h")), column_of("voltage_volt", 2)
    (('t', 'h'), (2, 'V'))
    """
    pair = given if isinstance(given, tuple | list) else (given, unit_of(name))
    if (
        len(pair) != 2
        or not isinstance(pair[0], str | int)
        or isinstance(pair[0], bool)
        or not isinstance(pair[1], str)
    ):
        raise InputError(
            f"{given!r} does not name a column and its unit", key=f"columns.{name}", remedy=_COLUMNS_REMEDY
        )
    if isinstance(pair[0], int) and pair[0] < 1:
        raise InputError(f"there is no column {pair[0]}", key=f"columns.{name}", remedy="count columns from 1")
    return pair[0], pair[1]


_KINDS_OF_FILE = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def no_regular_file(path: Path) -> str:
    """What a path is where it is neither a file nor a folder; nothing where it is one, or where nothing is there.

    >>> no_regular_file(Path("/dev/null")), no_regular_file(Path("no such file"))
    ('a device', '')
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return "a link that leads nowhere" if path.is_symlink() else ""
    return next((words for is_one, words in _KINDS_OF_FILE.items() if is_one(mode)), "")


def read_bytes(path: Path) -> bytes:
    """The whole file, or a clear refusal; what is no regular file (a pipe, a device) is not opened, as it may wait."""
    why = no_regular_file(path)
    if why:
        raise InputError(f"is {why}", file=path, remedy="give the path of a file that can be read")
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(problem, file=path, remedy="give the path of a file that can be read") from None
