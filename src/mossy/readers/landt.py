"""Landt (LANHE, LAND) exports: csv and workbooks with English or Chinese headings.

Positive current charges, which is Mossy's sign; an export whose currents have no sign takes it from the state of the
step ("C_CC", "D_CC", "discharge CC", 恒流放电). One capacity column counts either direction; a record holds its totals.
The csv of newer programs names its columns `test_time_s`, `current_A`, `charge_capacity_Ah`, and calls the number of
the row `channel_index`; its charge and discharge counters are named by where they start anew. A thermometer that
reads 0 in every row was not connected and is not read.

Checked against a csv file and the Battery Data Format file that others made of it. The workbook headings are those
that other readers name (cellpy's configuration of instruments; the LandParser of Dqdv, University of Washington).
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
from mossy.readers.preamble import moment, settings_in
from mossy.readers.sheets import sheets_with, workbook_head
from mossy.readers.tables import records_in, renumbered
from mossy.records import Record

_DIALECT: Dialect = {
    **dict.fromkeys(("record", "index", "\u8bb0\u5f55\u5e8f\u53f7"), ("record_index", "1")),
    **dict.fromkeys(("testtime", "\u6d4b\u8bd5\u65f6\u95f4"), ("test_time_second", None)),
    "testtimes": ("test_time_second", "s"),
    **dict.fromkeys(("steptime", "\u6b65\u9aa4\u65f6\u95f4", "\u5de5\u6b65\u65f6\u95f4"), ("step_time_second", None)),
    "steptimes": ("step_time_second", "s"),
    **dict.fromkeys(("current", "\u7535\u6d41"), ("current_ampere", None)),
    "currenta": ("current_ampere", "A"),
    "currentma": ("current_ampere", "mA"),
    **dict.fromkeys(("voltage", "\u7535\u538b"), ("voltage_volt", None)),
    "voltagev": ("voltage_volt", "V"),
    **dict.fromkeys(("capacity", "\u5bb9\u91cf"), ("__capacity", None)),
    **dict.fromkeys(("energy", "\u80fd\u91cf"), ("__energy", None)),
    "chargecapacityah": ("charging_capacity_ah", "A*h"),
    "dischargecapacityah": ("discharging_capacity_ah", "A*h"),
    "chargeenergywh": ("charging_energy_wh", "W*h"),
    "dischargeenergywh": ("discharging_energy_wh", "W*h"),
    **dict.fromkeys(("cycleindex", "cycle", "cycleno", "\u5faa\u73af\u5e8f\u53f7"), ("cycle_count", "1")),
    **dict.fromkeys(("stepindex", "step", "stepno", "\u6b65\u6b21", "\u5de5\u6b65\u5e8f\u53f7"), ("step_id", "1")),
    **dict.fromkeys(
        ("state", "stepstate", "stepstatus", "stepname", "\u72b6\u6001", "\u5de5\u6b65\u72b6\u6001"), ("__state", None)
    ),
    **dict.fromkeys(("systime", "datetimeisostring", "\u7cfb\u7edf\u65f6\u95f4"), ("__moment", None)),
    "auxtemp": ("temperature_t1_celsius", "degC"),
    **{f"temperature{number}c": (f"temperature_t{number}_celsius", "degC") for number in (1, 2, 3)},
}
_THERMOMETERS = ("temperature_t1_celsius", "temperature_t2_celsius", "temperature_t3_celsius")
_NEWER = {"channelindex", "datetimeisostring", "testtimes", "steptimes", "stepname"}
_OLDER = {"systime", "specap", "scapacity", "socdod", "auxtemp", "auxvolt", "specenergy", "speenergy", "senergy"}
_TIME = {"testtime", "\u6d4b\u8bd5\u65f6\u95f4"}
_CHINESE = {"\u7535\u6d41", "\u7535\u538b", "\u5bb9\u91cf", "\u80fd\u91cf", "\u7cfb\u7edf\u65f6\u95f4"}


def sniff(path: Path, head: bytes) -> bool:
    """Headings in the way of Landt's programs, in text or in a workbook."""
    return has_headings(head, _is_landts, ",\t") or _is_landts(workbook_head(path, head))


def _is_landts(cells: Sequence[str]) -> bool:
    found = {name for cell in cells if len(cell) < 80 for name in (plain(cell), plain(quantity_and_unit(cell)[0]))}
    newer, older = len(found & _NEWER) > 3, len(found & _OLDER) > 1 and "current" in found
    return newer or (bool(found & _TIME) and (older or len(found & _CHINESE) > 2))


def read(path: Path, request: Request) -> list[Record]:
    """The trace of each table: one of a csv file, those of a workbook's sheets."""
    data = read_bytes(path)
    if data.startswith(b"PK"):
        found: list[Record] = []
        for name, lines in sheets_with(data, _is_landts).items():
            try:
                found += _records(lines, request, f"sheet '{name}' row")
            except InputError as error:
                raise InputError(f"sheet '{name}': {error.problem}", key=error.key, remedy=error.remedy) from None
        return renumbered(found)
    return _records(decode_headed(data, path, _is_landts, ",\t"), request, "line")


def _records(lines: Sequence[str], request: Request, word: str) -> list[Record]:
    header = header_among(lines, _DIALECT, "\t,", 4)
    if header is None:
        raise InputError("has no line of column headings", remedy="export the record table with its headings")
    table = table_under(lines, header, _DIALECT, request, word)
    if "test_time_second" in table.unitless:
        remedy = 'export "TestTime/Sec.", or say it, as in columns={"test_time_second": ("TestTime", "h")} '
        remedy += "(--columns test_time_second=TestTime:h)"
        raise InputError("the unit of its test time is not written", key="columns", remedy=remedy)
    about = [line.rstrip(", \t") for line in lines[: header.index]]
    table.note({"instrument": "Landt", "settings": settings_in(about)} | _start(table))
    _without_idle_thermometers(table)
    words = table.words("__state")
    if words:
        table.columns["step_type"] = table.columns["__state"]
    signs = directions(words) if words else None
    named = next((cell for cell in header.names if _DIALECT.get(plain(cell), ("",))[0] == "__state"), "")
    signed_current(table, signs, named)
    name_by_scope(table)
    current = table.numbers("current_ampere")
    if signs is None and current is not None:
        signs = np.sign(current)
    if signs is not None:
        split_by_direction(table, signs)
    return records_in(table.measured(), request)


def _start(table: Table) -> dict[str, object]:
    moments = table.words("__moment")
    start, note = moment(moments[0]) if moments else ("", "")
    return ({"start_time": start} if start else {}) | ({"warnings": [note]} if note else {})


def _without_idle_thermometers(table: Table) -> None:
    """Leave out the thermometers that were not connected."""
    for name in _THERMOMETERS:
        values = table.numbers(name)
        if values is not None and not np.nan_to_num(values).any():
            del table.columns[name]
            table.metadata["columns_not_read"].append(f"{name} (0 in every row)")


READER = Reader("Landt table", (".csv", ".txt", ".xlsx"), sniff, read, OPTIONS)
