"""Maccor text exports: tab- or comma-separated tables under one or more lines about the test.

Headings differ by program and site ("Amp-hr", "Cap. [Ah]", "Capacity(Ah)"; "State" or "Md"). Current and charge are
written without sign: that of a row is the sign of its state, C (charge) or D (discharge), and S ends the step before
it. A few exports do write negative currents; those are kept. Positive current charges, which is Mossy's sign.

Test times are clocks ("0d 00:00:01.00"), or numbers whose unit some exports leave out: it is then told from the
wall clock of the rows, else from charge and current; a file that shows neither is refused unless the caller says
`time_unit="min"`. The charge counter starts anew at each step or each turn of the current, which is told from the
file; what a record holds are its totals. Checked against a file of "Maccor #4" (its times are minutes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.readers.accumulators import directions, signed_current, split_by_direction
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.cycler_table import OPTIONS, Dialect, Table, has_headings, header_among, plain, table_under
from mossy.readers.preamble import moment, settings_in
from mossy.readers.tables import records_in
from mossy.readers.text_grid import decode
from mossy.readers.time_units import UNITS, unit_told
from mossy.records import Record

_DIALECT: Dialect = {
    **dict.fromkeys(("rec", "recno"), ("record_index", "1")),
    **dict.fromkeys(("cyc", "cyclec", "cycle"), ("cycle_count", "1")),
    "step": ("step_id", "1"),
    **dict.fromkeys(("test", "testtime"), ("test_time_second", None)),
    **dict.fromkeys(("steptime", "stepsec", "stepmin", "stephr"), ("step_time_second", None)),
    **dict.fromkeys(("amphr", "cap", "capacity"), ("__capacity", "A*h")),
    "mamphr": ("__capacity", "mA*h"),
    **dict.fromkeys(("watthr", "ener", "energy"), ("__energy", "W*h")),
    "mwatthr": ("__energy", "mW*h"),
    **dict.fromkeys(("amps", "current"), ("current_ampere", "A")),
    "mamps": ("current_ampere", "mA"),
    **dict.fromkeys(("volts", "voltage"), ("voltage_volt", "V")),
    "mvolts": ("voltage_volt", "mV"),
    **dict.fromkeys(("state", "md", "mode"), ("__state", None)),
    "dpttime": ("__moment", None),
    **dict.fromkeys(("acimp", "acr"), ("ac_internal_resistance_ohm", "ohm")),
    "dcir": ("dc_internal_resistance_ohm", "ohm"),
    "temp1": ("temperature_t1_celsius", "degC"),
}
_OWN = {
    "rec",
    "cyc",
    "cyclep",
    "cyclec",
    "amphr",
    "mamphr",
    "watthr",
    "mwatthr",
    "amps",
    "mamps",
    "volts",
    "mvolts",
} | {*("es", "md", "dpttime", "evtemp", "capah", "enerwh", "acimpohms", "dcirohms")}
_TIME_REMEDY = 'say it, as in time_unit="min" (--columns test_time_second=HEADING:min); one of s, min, h'
_ENDS_STEP = ("S", "s")
_DATE_OF_TEST = re.compile(r"(?:Date of Test:?|Started)\s*[\t,]?\s*([^\t]+)")


def sniff(path: Path, head: bytes) -> bool:
    """A line with at least four headings that only Maccor writes."""
    return has_headings(head, _is_maccors, "\t,")


def _is_maccors(cells: Sequence[str]) -> bool:
    return len({plain(cell) for cell in cells} & _OWN) > 3


def read(path: Path, request: Request) -> list[Record]:
    """The trace of one test."""
    lines = decode(read_bytes(path), path)
    header = header_among(lines, _DIALECT, "\t,", 4)
    if header is None:
        raise InputError("has no line of column headings", remedy="export the whole test with its headings")
    table = table_under(lines, header, _DIALECT, request)
    table.note(_about(lines[: header.index]))
    heading = next((cell for cell in header.names if _DIALECT.get(plain(cell), ("",))[0] == "__state"), "")
    words = table.words("__state")
    signs = directions(words, _ENDS_STEP) if words else None
    if signs is not None:
        table.columns["step_type"] = table.columns["__state"]
    _seconds(table, request)
    signed_current(table, signs, heading)
    if signs is not None:
        split_by_direction(table, signs)
    _start(table)
    return records_in(table.measured(), request)


def _about(lines: Sequence[str]) -> dict[str, Any]:
    """What the lines above the table say of the test."""
    settings: dict[str, str] = {}
    found: dict[str, Any] = {"instrument": "Maccor"}
    for line in lines:
        settings |= settings_in(["".join(letter for letter in line if letter.isprintable() or letter == "\t").strip()])
    tester, channel = (settings.get(key, "").strip() for key in ("Tester", "Channel"))
    found |= {"instrument": tester if "maccor" in tester.lower() else f"Maccor {tester}"} if tester else {}
    found |= {"channel": channel} if channel else {}
    comment = settings.get("Description") or settings.get("Comment/Barcode") or ""
    text = re.sub(r"\s{2,}.*", "", comment).strip()  # padded with what the program's memory held
    found |= {"comments": text} if text else {}
    dated = next((match[1] for line in lines if (match := _DATE_OF_TEST.search(line))), "")
    start, note = moment(dated)
    found |= {"start_time": start} if start else {}
    found |= {"warnings": [note]} if note else {}
    return found | ({"settings": settings} if settings else {})


def _start(table: Table) -> None:
    """The start of the test from its first row, where the lines above do not say it."""
    moments = table.words("__moment")
    if "start_time" in table.metadata or not moments:
        return
    start, note = moment(moments[0])
    if start:
        table.metadata["start_time"] = start
    if note:
        table.warn(note)


def _seconds(table: Table, request: Request) -> None:
    """Times in seconds, where the export says no unit."""
    given = request.options.get("time_unit")
    if given is not None and given not in UNITS:
        raise InputError(f"{given!r} is no unit of time", key="time_unit", remedy=suggest(str(given), UNITS))
    if not table.unitless:
        return
    if given is not None:
        unit, how = str(given), "as the caller says"
    else:
        unit, how = unit_told(table, UNITS, _TIME_REMEDY)
    for name in table.unitless:
        table.columns[name] = table.columns[name] * UNITS[unit]
    table.note({"settings": {"unit of time": f"{unit}, {how}"}})


READER = Reader("Maccor text", (".txt", ".csv"), sniff, read, (*OPTIONS, "time_unit"))
