"""PEC csv exports: lines about the test, then a table of one or more cells.

Headings carry their unit, which the user of the program chooses: "Total Time (Hours in hh:mm:ss.xxx)" or
"(Seconds)", "Voltage (V)" or "(mV)". Positive current charges, which is Mossy's sign; a file whose discharge counter
rises while the current is positive writes currents without sign and is refused. Each cell of each test is a record
of its own. Checked against three files that hold a cell at rest, so the sign has not been seen on a current.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.accumulators import name_by_scope
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.cycler_table import OPTIONS, Dialect, Table, header_among, table_under
from mossy.readers.preamble import moment
from mossy.readers.tables import records_in
from mossy.readers.text_grid import decode
from mossy.records import Record

_DIALECT: Dialect = {
    "test": ("__test", "1"),
    "cell": ("__cell", "1"),
    "step": ("step_id", "1"),
    "instructionname": ("step_type", None),
    "cycle": ("cycle_count", "1"),
    "totaltime": ("test_time_second", None),
    "steptime": ("step_time_second", None),
    "realtime": ("__moment", None),
    "voltage": ("voltage_volt", None),
    "current": ("current_ampere", None),
    "chargecapacity": ("charging_capacity_ah", None),
    "dischargecapacity": ("discharging_capacity_ah", None),
    "chargeenergy": ("charging_energy_wh", None),
    "dischargeenergy": ("discharging_energy_wh", None),
    "internalresistance1": ("internal_resistance_ohm", None),
    "temp": ("temperature_t1_celsius", None),
    "stationtemperature": ("ambient_temperature_celsius", None),
}
_SIGNATURE = (b"Instruction Name", b"Total Time (", b"Charge Capacity (")
_ABOVE = (b"TestRegime Name:", b"Test:,")


def sniff(path: Path, head: bytes) -> bool:
    """The lines about the test, or the headings only PEC writes."""
    text = head.decode("utf-16", "ignore").encode() if head.startswith((b"\xff\xfe", b"\xfe\xff")) else head
    return all(mark in text[:4000] for mark in _ABOVE) or all(mark in text for mark in _SIGNATURE)


def read(path: Path, request: Request) -> list[Record]:
    """A record for each cell of each test."""
    lines = decode(read_bytes(path), path)
    header = header_among(lines, _DIALECT, ",;\t", 6)
    if header is None:
        raise InputError("has no table of data below its lines about the test", remedy="export the whole test")
    table = table_under(lines, header, _DIALECT, request)
    table.note(_about(lines[: header.index]))
    if "test_time_second" in table.unitless:
        raise InputError("the unit of its total time is not written", remedy="export it with the unit in the heading")
    parts = _cells(table)
    found: list[Record] = []
    for part in parts:
        _check_sign(part)
        name_by_scope(part)
        _start(part)
        found += records_in(part.measured(), request)
    return found


def _about(lines: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(",")
        if value.strip(", ") and len(line) < 400 and not line.startswith("#"):
            settings.setdefault(key.strip().rstrip(":"), value.strip(", "))
    return {"instrument": "PEC", "settings": settings}


def _cells(table: Table) -> list[Table]:
    """The table of each cell of each test, with its number among the settings."""
    keys = [values for name in ("__test", "__cell") if (values := table.numbers(name)) is not None]
    if not keys:
        return [table]
    _, first, member = np.unique(np.column_stack(keys), axis=0, return_index=True, return_inverse=True)
    parts = []
    for number in np.argsort(first):
        rows = np.flatnonzero(member.ravel() == number)
        columns = {name: values[rows.tolist()] for name, values in table.columns.items()}
        part = Table(columns, [table.places[int(row)] for row in rows], table.word, dict(table.metadata))
        if len(first) > 1:
            place = ", ".join(f"{name[2:]} {columns[name][0]:g}" for name in ("__test", "__cell") if name in columns)
            part.note({"settings": {"record": place}})
        parts.append(part)
    return parts


def _check_sign(part: Table) -> None:
    """Refuse currents that are positive while the charge discharged rises."""
    current, counter = part.numbers("current_ampere"), part.numbers("discharging_capacity_ah")
    if current is None or counter is None or (current < 0.0).any():
        return
    rising = np.flatnonzero(np.diff(counter) > 0.01 * np.nanmax(counter, initial=0.0)) + 1
    wrong = rising[current[rising] > 0.0]
    if wrong.size > 2:
        problem = f"the current is positive at {part.word} {part.places[int(wrong[0])]}, while the cell discharges"
        raise InputError(problem, remedy="the file's currents have no sign; export them with one")


def _start(part: Table) -> None:
    moments = part.words("__moment")
    start, note = moment(re.sub(r"\s+", " ", moments[0])) if moments else ("", "")
    part.note(({"start_time": start} if start else {}) | ({"warnings": [note]} if note else {}))


READER = Reader("PEC csv", (".csv",), sniff, read, OPTIONS)
