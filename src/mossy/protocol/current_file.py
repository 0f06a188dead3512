"""A current measured elsewhere: which file and columns a step names, and the file read into times and densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from mossy.protocol.text_table import Column, TextTable, find_file, kind_of_unit, quoted
from mossy.protocol.words import Reader, measure

FORM = "write it as in 'current from FILE.csv columns time in h and current in mA/cm^2'"
_STOPS = ("columns", "positive", "for", "until")


@dataclass(frozen=True)
class CurrentFile:
    """A file of current against time: its path as written, its columns (time first) and the sign that plates.

    `positive` is "plates" or "strips"; where nothing is said a column headed "plating ..." plates with its
    positive values and any other has the instrument's sign, whose positive current strips the working electrode.
    """

    file: str
    columns: tuple[Column, Column] | None = None
    positive: str = ""

    def __str__(self) -> str:
        columns = f" columns {self.columns[0]} and {self.columns[1]}" if self.columns else ""
        sign = f" positive {self.positive}" if self.positive else ""
        return f"current from {quoted(self.file)}{columns}{sign}"


def parse_current_file(reader: Reader) -> CurrentFile:
    """The words after "current": from FILE [columns A in UNIT and B in UNIT] [positive plates|strips]."""
    if not reader.accept("from"):
        remedy = "to plate or strip at a constant current use 'plate' or 'strip'; to follow a file " + FORM
        reader.fail(f"'from' is missing {reader.here()}", remedy)
    file, _ = reader.name_until(*_STOPS)
    if not file:
        reader.fail("the file's name is missing after 'from'", FORM)
    reader.accept(",")
    columns = _parse_columns(reader) if reader.accept("columns") else None
    reader.accept(",")
    positive = ""
    if reader.accept("positive"):
        positive = reader.accept("plates", "strips")
        if not positive:
            reader.fail(f"'positive' needs 'plates' or 'strips' {reader.here()}", "write 'positive plates'")
    return CurrentFile(file, columns, positive)


def _parse_columns(reader: Reader) -> tuple[Column, Column]:
    first = _parse_column(reader)
    reader.expect("and", FORM)
    second = _parse_column(reader)
    kinds = [kind_of_unit(column.unit) for column in (first, second)]
    for column, kind in zip((first, second), kinds, strict=True):
        if kind is None:
            reader.fail(f"'{column.unit}' is neither a unit of time nor of current", FORM)
    if kinds[0] == kinds[1]:
        reader.fail(f"'{first.unit}' and '{second.unit}' are both units of {kinds[0]}", FORM)
    return (first, second) if kinds[0] == "time" else (second, first)


def _parse_column(reader: Reader) -> Column:
    name, is_quoted = reader.name_until("in", "and", *_STOPS)
    if not name:
        reader.fail(f"a column's name or number is missing {reader.here()}", FORM)
    if not reader.accept("in"):
        reader.fail(f"the unit of column '{name}' is missing", FORM)
    unit, _ = reader.name_until("and", ",", *_STOPS)
    if not unit:
        reader.fail(f"the unit of column '{name}' is missing after 'in'", FORM)
    if is_quoted or not (name.isascii() and name.isdigit() and len(name) < 6):
        return Column(name, unit)
    if int(name) == 0:
        reader.fail("there is no column 0", "columns are counted from 1")
    return Column(int(name), unit)


def read_current(
    source: CurrentFile, folder: Path | str | None = None, area: float | None = None, key: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Times from the file's first (s) and plating current densities (A/m^2, positive plates) of a current file."""
    path = find_file(source.file, folder, key)
    table = TextTable(path, key)
    found = source.columns or table.find_columns()
    places = [table.place(column.name) for column in found]
    scales = [_scale(column, area, table.fail) for column in found]
    with np.errstate(over="ignore", invalid="ignore"):
        times, currents = (table.numbers(place) * scale for place, scale in zip(places, scales, strict=True))
        table.check_times(times)
    plates = source.positive == "plates" or (not source.positive and table.heading(places[1]).startswith("plating"))
    if not np.all(np.isfinite(currents)):
        table.fail("a current is too large to use")
    return times - times[0], currents if plates else -currents + 0.0  # + 0.0: no negative zeros


def _scale(column: Column, area: float | None, fail: Callable[..., NoReturn]) -> float:
    found = measure(f"1 {column.unit}", ("time", "current"), area)
    if found is None:
        remedy = "give the cell's area (cell.area), or a column in mA/cm^2"
        fail(f"the current is in '{column.unit}', for the whole cell, whose area is not known", remedy=remedy)
    return found[1]
