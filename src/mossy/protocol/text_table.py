"""A text table of numbers: its file found, its separator and header told, its columns read or refused line by line."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from mossy.errors import InputError, suggest
from mossy.protocol.words import measure

_TIMES = ("test time", "time", "t", "elapsed time", "total time")
_CURRENTS = ("plating current density", "current density", "current", "<i>", "i", "j")
_OTHER_TIMES = ("step", "unix", "date", "cycle", "system")


@dataclass(frozen=True)
class Column:
    """A column as a step names it: by its header or by its number from 1; its unit."""

    name: str | int
    unit: str

    def __str__(self) -> str:
        name = self.name if isinstance(self.name, int) else quoted(self.name)
        return f"{name} in {self.unit}"


def quoted(name: str) -> str:
    """A name in whichever quotes it does not hold itself."""
    for mark in "'\"":
        if mark not in name:
            return f"{mark}{name}{mark}"
    return name


def find_file(name: str, folder: Path | str | None, key: str) -> Path:
    """The path of a file named in a case: `~` and $VARIABLES filled in, relative to the case's folder."""
    for variable in re.findall(r"\$\{?(\w+)", name):
        if variable not in os.environ:
            remedy = f"set the environment variable {variable} or write the whole path"
            raise InputError(f"'{name}' uses ${variable}, which is not set", key=key, remedy=remedy)
    try:
        path = Path(folder or ".") / Path(os.path.expandvars(name)).expanduser()
        usable, exists = path.is_file(), path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"'{name}' is not a usable file name ({error})", key=key) from None
    if not usable:
        what = "is not a file" if exists else "does not exist"
        raise InputError(f"the file '{path}' {what}", key=key, remedy="give a path from the case file's folder")
    return path


class TextTable:
    """A text table: its heading, its rows as text and the line each stands on."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        try:
            raw = path.read_bytes()
        except OSError as error:
            self.fail(f"cannot be read ({error.strerror})")
        lines = _decode(raw).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        numbered = [(number, line.strip(" ")) for number, line in enumerate(lines, 1) if line.strip()]
        body = [(number, line) for number, line in numbered if not line.startswith("#")]
        if not body:
            self.fail("is empty", remedy="give a file with a time and a current column")
        self.separator = next((mark for mark in ";\t," if mark in body[0][1]), None)
        comments = [line.lstrip("# ") for number, line in numbered if number < body[0][0]]
        self.head: list[str] = []
        if not all(self._is_number(cell) for cell in self._cells(body[0][1]) if cell):
            self.head = self._cells(body.pop(0)[1])
        elif comments:
            self.head = self._cells(comments[-1])
        self.lines = [number for number, _ in body]
        self.rows = [self._cells(line) for _, line in body]

    def fail(self, problem: str, *, line: int = 0, remedy: str = "") -> NoReturn:
        """Refuse the file, naming it and the line."""
        where = f" line {line}" if line else ""
        raise InputError(f"the file '{self.path}'{where}: {problem}", key=self.key, remedy=remedy)

    def _cells(self, line: str) -> list[str]:
        if self.separator is None:
            return line.split()
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=self.separator), [])]
        except csv.Error as error:
            self.fail(f"is not a table of text ({error})")

    def _number(self, cell: str) -> float:
        return float(cell if self.separator == "," else cell.replace(",", "."))

    def _is_number(self, cell: str) -> bool:
        try:
            self._number(cell)
        except ValueError:
            return False
        return True

    def heading(self, place: int) -> str:
        """The name of a column without its unit, in lower case; nothing where the file has no header."""
        return split_heading(self.head[place])[0] if place < len(self.head) else ""

    def place(self, name: str | int) -> int:
        """The index of a column named by its header or by its number from 1."""
        if isinstance(name, int):
            width = len(self.rows[0]) if self.rows else len(self.head)
            if name > width:
                self.fail(f"there is no column {name}", remedy=f"it has {width} columns")
            return name - 1
        if not self.head:
            self.fail(f"has no header line, so no column '{name}'", remedy="name the columns by number, from 1")
        bare = [split_heading(cell)[0] for cell in self.head]
        for names in ([cell.lower() for cell in self.head], bare):
            if name.lower() in names:
                return names.index(name.lower())
        return self.fail(f"has no column '{name}'", remedy=suggest(name, bare))

    def find_columns(self) -> tuple[Column, Column]:
        """The time and the current column by what the header says."""
        if not self.head:
            remedy = "name the columns in the step: 'columns 1 in h and 2 in mA/cm^2'"
            self.fail("has no header line that names its columns and units", remedy=remedy)
        parts = [split_heading(cell) for cell in self.head]
        columns = [(name, Column(place + 1, unit)) for place, (name, unit) in enumerate(parts)]
        times = [entry for entry in columns if kind_of_unit(entry[1].unit) == "time"]
        times = [entry for entry in times if not entry[0].startswith(_OTHER_TIMES)]
        currents = [entry for entry in columns if kind_of_unit(entry[1].unit) == "current"]
        return self._choose(times, _TIMES, "time"), self._choose(currents, _CURRENTS, "current")

    def _choose(self, columns: Sequence[tuple[str, Column]], names: Sequence[str], what: str) -> Column:
        for wanted in names:
            for name, column in columns:
                if name == wanted:
                    return column
        alike = [column for name, column in columns if what in name]
        if len(alike) == 1:
            return alike[0]
        how_many = "no column" if not alike else f"{len(alike)} columns"
        shown = ", ".join(f"'{cell}'" for cell in self.head)
        problem = f"{how_many} of {what} with a unit can be told from its header ({shown})"
        return self.fail(problem, remedy="name them in the step: 'columns 1 in h and 2 in mA/cm^2'")

    def numbers(self, place: int) -> np.ndarray:
        """One column as floats; NaN, infinities and empty cells are refused with their line."""
        values = np.empty(len(self.rows))
        for index, (line, row) in enumerate(zip(self.lines, self.rows, strict=True)):
            if place >= len(row):
                self.fail(f"has {len(row)} columns where column {place + 1} is needed", line=line)
            try:
                values[index] = self._number(row[place])
            except ValueError:
                self.fail(f"'{row[place][:40]}' in column {place + 1} is not a number", line=line)
            if not np.isfinite(values[index]):
                self.fail(f"'{row[place]}' in column {place + 1} is not a finite number", line=line)
        return values

    def check_times(self, times: np.ndarray) -> None:
        """Two points at least, each later than the one before."""
        if len(times) < 2:
            self.fail("has fewer than two points", remedy="give the current at two times at least")
        falls = np.flatnonzero(~(np.diff(times) > 0.0))
        if falls.size:
            line = self.lines[falls[0] + 1]
            self.fail("its time is not later than the one before", line=line, remedy="sort the rows, each time once")
        if not np.isfinite(times[-1] - times[0]):
            self.fail("its times are too large to use")


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def split_heading(cell: str) -> tuple[str, str]:
    """The name (lower case, spaces for underscores) and the unit of a header cell.

    >>> split_heading("current density / mA/cm^2"), split_heading("Time (h)"), split_heading("test_time_second")
    (('current density', 'mA/cm^2'), ('time', 'h'), ('test time', 'second'))
    """
    for opening, closing in ("()", "[]"):
        if cell.endswith(closing) and opening in cell and "/" not in cell[: cell.find(opening)]:
            name, unit = cell[:-1].split(opening, 1)
            return _plain(name), unit.strip()
    if "/" in cell:
        name, unit = cell.split("/", 1)
        return _plain(name), unit.strip()
    words = cell.split("_")
    for count in range(1, min(len(words), 6)):
        unit = " ".join(words[count:])
        if kind_of_unit(unit):
            return _plain(" ".join(words[:count])), unit
    return _plain(cell), ""


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def kind_of_unit(unit: str) -> str | None:
    """ "time" or "current" (per area or of the whole cell), or None for any other unit."""
    found = measure(f"1 {unit}", ("time", "current"), 1.0)
    return found[0] if found else None
