"""Arbin exports as text or workbook: csv, the sheets of MITS Pro, a table of Arbin's own database.

Headings come with their unit ("Test_Time(s)", "Current (A)"); the tables of the database have none, and their units
are those of the database: s, A, V, Ah, Wh, ohm. Positive current charges, which is Mossy's sign. The counters of
charge start anew where the schedule says so, and are named by where they do. A long test fills several sheets whose
points are numbered through: they are one record. Sheets of statistics per cycle are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mossy.errors import InputError
from mossy.readers.accumulators import name_by_scope
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.cycler_table import OPTIONS, Dialect, Table, has_headings, header_among, plain, table_under
from mossy.readers.preamble import settings_in
from mossy.readers.sheets import in_sequence, joined, sheets_with, start_of, workbook_head
from mossy.readers.tables import records_in
from mossy.readers.text_grid import decode
from mossy.records import Record

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Dialect = {
    "testid": ("__test", "1"),
    "datapoint": ("record_index", "1"),
    "testtime": ("test_time_second", "s"),
    "steptime": ("step_time_second", "s"),
    **dict.fromkeys(("datetime",), ("__moment", None)),
    **dict.fromkeys(("stepindex", "stepid"), ("step_id", "1")),
    **dict.fromkeys(("cycleindex", "cycleid"), ("cycle_count", "1")),
    "current": ("current_ampere", "A"),
    "voltage": ("voltage_volt", "V"),
    "power": ("power_watt", "W"),
    "chargecapacity": ("charging_capacity_ah", "A*h"),
    "dischargecapacity": ("discharging_capacity_ah", "A*h"),
    "chargeenergy": ("charging_energy_wh", "W*h"),
    "dischargeenergy": ("discharging_energy_wh", "W*h"),
    "internalresistance": ("internal_resistance_ohm", "ohm"),
    **dict.fromkeys(("acr", "acimpedance"), ("ac_internal_resistance_ohm", "ohm")),
    **{f"auxtemperature{number}": (f"temperature_t{number}_celsius", None) for number in range(1, 6)},
    **{f"temperaturec{number}": (f"temperature_t{number}_celsius", "degC") for number in range(1, 6)},
}
"""What Arbin calls its quantities, in plain letters, and the units of its database."""
_POINTS = {"datapoint", "testtime", "current", "voltage"}
_ARBINS = {"stepindex", "cycleindex", "cycleid", "stepid", "chargecapacity", "dischargecapacity"}
_STATISTICS = {"vmaxoncycle", "chargetime", "dischargetime"}


def sniff(path: Path, head: bytes) -> bool:
    """A line with the headings of Arbin's points, in text or in a workbook."""
    return has_headings(head, _is_arbins, ",\t;") or _is_arbins(workbook_head(path, head), statistics=True)


def _is_arbins(cells: Sequence[str], *, statistics: bool = False) -> bool:
    found = {plain(re.sub(r"\s*\(.*", "", cell)) for cell in cells if len(cell) < 80}
    return found >= _POINTS and len(found & _ARBINS) > 2 and (statistics or len(found & _STATISTICS) < 2)


def read(path: Path, request: Request) -> list[Record]:
    """A record for each test of a file."""
    data = read_bytes(path)
    if not data.startswith(b"PK"):
        return _records(_table(decode(data, path), request, "line"), request)
    found: list[Record] = []
    for tables in in_sequence([(name, _table(lines, request, f"sheet '{name}' row")) for name, lines in _of(data)]):
        found += _records(joined(tables), request)
    return found


def _of(data: bytes) -> list[tuple[str, list[str]]]:
    return list(sheets_with(data, _is_arbins).items())


def _table(lines: Sequence[str], request: Request, word: str) -> Table:
    header = header_among(lines, COLUMNS, ",\t;", 5)
    if header is None:
        raise InputError("has no line of column headings", remedy="export the channel's data with its headings")
    table = table_under(lines, header, COLUMNS, request, word)
    table.note({"instrument": "Arbin", "settings": settings_in(line.rstrip(",; \t") for line in lines[: header.index])})
    table.note(start_of(table.words("__moment")))
    return table


def _records(table: Table, request: Request) -> list[Record]:
    return [record for part in split_by_test(table) for record in records_in(finished(part).measured(), request)]


def split_by_test(table: Table) -> list[Table]:
    """The table of each test, the points of each in their order."""
    tests, points = table.numbers("__test"), table.numbers("record_index")
    tests = np.zeros(len(table.places)) if tests is None else tests
    found = []
    for test in np.unique(tests).tolist():
        rows = np.flatnonzero(tests == test)
        if points is not None and (np.diff(points[rows]) < 0.0).any():
            rows = rows[np.argsort(points[rows], kind="stable")]
        whole = len(rows) == len(tests) and (np.diff(rows) == 1).all()
        order = rows.tolist()
        columns = table.columns if whole else {name: values[order] for name, values in table.columns.items()}
        places = table.places if whole else [table.places[row] for row in order]
        part = Table(columns, places, table.word, dict(table.metadata))
        if "__test" in table.columns:
            part.note({"settings": {"Test_ID": f"{test:g}"}})
        found.append(part)
    return found


def finished(table: Table) -> Table:
    """The table of one test: each point once, counters by their scope, resistances only where they were measured."""
    points = table.numbers("record_index")
    if points is not None and (repeated := len(points) - len(np.unique(points))):
        raise InputError(f"{repeated} points come twice (Data_Point)", remedy="export or copy the whole file again")
    name_by_scope(table)
    for name in ("internal_resistance_ohm", "ac_internal_resistance_ohm"):
        if name in table.columns:
            _unmeasured_left_out(table, name)
    return table


def _unmeasured_left_out(table: Table, name: str) -> None:
    """Arbin writes 0 ohm until a resistance is measured."""
    values: pl.Series = table.columns[name].cast(float)
    if not (values.fill_null(0.0) != 0.0).any():
        del table.columns[name]
        table.metadata["columns_not_read"] = [*table.metadata.get("columns_not_read", []), f"{name} (never measured)"]
    else:
        table.columns[name] = values.set(values == 0.0, None)


READER = Reader("Arbin table", (".csv", ".xlsx", ".txt"), sniff, read, OPTIONS)
