"""What a reader is, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.records import Record, kind_named, known_names, unit_of

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


COLUMNS_EXAMPLE = (
    'columns = { test_time_second = ["t", "h"], voltage_volt = [2, "V"] } in a case file, '
    'columns={"test_time_second": ("t", "h"), "voltage_volt": (2, "V")} in Python'
)
_COLUMNS_REMEDY = f"write {COLUMNS_EXAMPLE}"


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


def read_bytes(path: Path) -> bytes:
    """The whole file, or a clear refusal."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(problem, file=path, remedy="give the path of a file that can be read") from None
