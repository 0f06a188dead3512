"""Neware exports of BTSDA and its forerunners: csv and workbooks, with English or Chinese headings.

The columns are those a person ticks: "Total Time" (of the test) and "Time" (of the step) as clocks ("25:00:30.5") or
in a unit that the heading names, "Current(mA)", "Voltage(V)", "Capacity(Ah)" (of the step, either way), "Chg. Cap.(Ah)"
and "DChg. Cap.(Ah)", "Date", "Step Type". Positive current charges, which is Mossy's sign; an export whose currents
have no sign takes it from the type of the step ("CC Chg", "CC DChg"). The counters of charge and discharge are named
by where they start anew. A total time that is a bare number, as a workbook keeps it, has the unit that agrees with
the dates; without either it is refused. Of a workbook the sheets with points are read ("record", "record1": one
record where the points are numbered through), not those with the sums of steps and cycles.

The headings are those that other readers name (cellpy's configuration `neware_txt_zero` and beep's `neware`; PyProBE;
the Battery Data Format's own package) and of files others made from such exports; no export itself was at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mossy.errors import InputError
from mossy.readers.accumulators import directions, name_by_scope, signed_current, split_by_direction
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.cycler_table import (
    OPTIONS,
    Dialect,
    Table,
    decode_headed,
    has_headings,
    header_among,
    plain,
    quantity_and_unit,
    table_under,
)
from mossy.readers.preamble import settings_in
from mossy.readers.sheets import in_sequence, joined, sheets_with, start_of, workbook_head
from mossy.readers.tables import records_in
from mossy.readers.time_units import UNITS, unit_told
from mossy.records import Record

_DIALECT: Dialect = {
    **dict.fromkeys(("datapoint", "recordid", "recordindex", "\u6570\u636e\u5e8f\u53f7"), ("record_index", "1")),
    **dict.fromkeys(("cycleindex", "cycleid", "cycle", "\u5faa\u73af\u53f7"), ("cycle_count", "1")),
    **dict.fromkeys(("stepindex", "stepid", "step", "\u5de5\u6b65\u53f7"), ("step_id", "1")),
    **dict.fromkeys(("steptype", "status", "\u5de5\u6b65\u7c7b\u578b"), ("__state", None)),
    **dict.fromkeys(("totaltime", "cumulativetime", "\u603b\u65f6\u95f4"), ("test_time_second", None)),
    **dict.fromkeys(("time", "relativetime", "\u65f6\u95f4"), ("step_time_second", None)),
    **dict.fromkeys(("current", "cur", "\u7535\u6d41"), ("current_ampere", None)),
    **dict.fromkeys(("voltage", "\u7535\u538b"), ("voltage_volt", None)),
    **dict.fromkeys(("capacity", "\u5bb9\u91cf"), ("__capacity", None)),
    **dict.fromkeys(("energy", "\u80fd\u91cf"), ("__energy", None)),
    **dict.fromkeys(
        ("chgcap", "chgcapacity", "chargecapacity", "capacitancechg", "\u5145\u7535\u5bb9\u91cf"),
        ("charging_capacity_ah", None),
    ),
    **dict.fromkeys(
        ("dchgcap", "dchgcapacity", "dischargecapacity", "capacitancedchg", "\u653e\u7535\u5bb9\u91cf"),
        ("discharging_capacity_ah", None),
    ),
    **dict.fromkeys(("chgenergy", "chargeenergy", "engychg", "\u5145\u7535\u80fd\u91cf"), ("charging_energy_wh", None)),
    **dict.fromkeys(
        ("dchgenergy", "dischargeenergy", "engydchg", "\u653e\u7535\u80fd\u91cf"), ("discharging_energy_wh", None)
    ),
    **dict.fromkeys(("date", "realtime", "absolutetime", "\u7edd\u5bf9\u65f6\u95f4"), ("__moment", None)),
    **dict.fromkeys(("power", "\u529f\u7387"), ("power_watt", None)),
    **{f"t{number}": (f"temperature_t{number}_celsius", "degC") for number in range(1, 6)},
}
_ONE_WAY = {"__capacity": "ging_capacity_ah", "__energy": "ging_energy_wh"}
_TOTAL = {"totaltime", "cumulativetime", "relativetime", "timehminsms", "\u603b\u65f6\u95f4"}
_OWN = _TOTAL | {
    *("steptype", "absolutetime", "realtime", "chgcap", "dchgcap", "capacitancechg", "capacitancedchg"),
    *("chgenergy", "dchgenergy", "engychg", "engydchg"),
    *("\u5de5\u6b65\u7c7b\u578b", "\u7edd\u5bf9\u65f6\u95f4", "\u5145\u7535\u5bb9\u91cf", "\u653e\u7535\u5bb9\u91cf"),
}
_PECS = "instructionname"
_POINTS = {name for name, (column, _) in _DIALECT.items() if column in ("record_index", "cycle_count", "step_id")}
_TRACE = ({"current", "cur", "\u7535\u6d41"}, {"voltage", "\u7535\u538b"})
_DAYS = UNITS | {"d": 86400.0}
"""A workbook keeps a time as a number of days."""
_AGAIN = 'export it from BTSDA with the columns "Total Time", "Current" and "Voltage"'


def sniff(path: Path, head: bytes) -> bool:
    """Headings in the way of Neware's programs, in text or in a workbook."""
    return has_headings(head, _is_newares, ",\t;") or _is_newares(workbook_head(path, head))


def _is_newares(cells: Sequence[str]) -> bool:
    short = [cell for cell in cells if len(cell) < 80]
    found = {plain(quantity_and_unit(cell)[0]) for cell in short} | {plain(cell) for cell in short}
    points = found & _POINTS and all(found & names for names in _TRACE)
    return bool(points and found & _TOTAL and len(found & _OWN) > 1 and _PECS not in found)


def read(path: Path, request: Request) -> list[Record]:
    """The trace of a test; of each test in a workbook."""
    data = read_bytes(path)
    if not data.startswith(b"PK"):
        return _records(_table(decode_headed(data, path, _is_newares, ",\t;"), request, "line"), request)
    found: list[Record] = []
    sheets = sheets_with(data, _is_newares)
    for tables in in_sequence(
        [(name, _table(lines, request, f"sheet '{name}' row")) for name, lines in sheets.items()]
    ):
        found += _records(joined(tables), request)
    return found


def _table(lines: Sequence[str], request: Request, word: str) -> Table:
    header = header_among(lines, _DIALECT, ",\t;", 4)
    if header is None:
        raise InputError("has no line of column headings", remedy=_AGAIN)
    table = table_under(lines, header, _DIALECT, request, word)
    table.note(
        {"instrument": "Neware", "settings": settings_in(line.rstrip(",; \t") for line in lines[: header.index])}
    )
    for either, ending in _ONE_WAY.items():
        if either in table.columns and any(name.endswith(ending) for name in table.columns):
            del table.columns[either]
            unread = [cell for cell in header.names if _named(cell) == either]
            table.metadata["columns_not_read"] = [*unread, *table.metadata["columns_not_read"]]
    return table


def _named(heading: str) -> str:
    return _DIALECT.get(plain(quantity_and_unit(heading)[0]), ("", None))[0]


def _records(table: Table, request: Request) -> list[Record]:
    if "test_time_second" not in table.columns:
        raise InputError("it has no total time (its 'Time' is that of each step)", remedy=_AGAIN)
    points = table.numbers("record_index")
    if points is not None and len(np.unique(points)) < len(points):
        raise InputError("points come twice", remedy="export the test again, or remove what was pasted twice")
    _seconds(table)
    table.note(start_of(table.words("__moment")))
    signs = None
    if "__state" in table.columns:
        table.columns["step_type"] = table.columns["__state"]
        signs = directions(table.words("__state"))
    signed_current(table, signs, "Step Type")
    name_by_scope(table)
    current = table.numbers("current_ampere")
    if signs is None and current is not None:
        signs = np.sign(current)
    if signs is not None:
        split_by_direction(table, signs)
    return records_in(table.measured(), request)


def _seconds(table: Table) -> None:
    """Times in seconds, where they are bare numbers."""
    if "test_time_second" not in table.unitless:
        for name in table.unitless:
            del table.columns[name]
        return
    unit, how = unit_told(table, _DAYS, 'say it, as in --columns "test_time_second=Total Time:h"; or ' + _AGAIN)
    for name in table.unitless:
        table.columns[name] = table.columns[name] * _DAYS[unit]
    table.note({"settings": {"unit of time": f"{unit}, {how}"}})


READER = Reader("Neware table", (".csv", ".xlsx", ".txt"), sniff, read, OPTIONS)
