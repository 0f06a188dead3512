"""Battery Data Format files: csv or parquet with machine names ("voltage_volt") or labels ("Voltage / V").

Records that Mossy wrote are such files too: from parquet their kind and metadata come back. Names of older versions
of the format (milliseconds, `cycle_dimensionless`) are converted. `step_index` stays as the file calls it: versions
of the format disagree whether it numbers steps or rows.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.counters import counted_columns
from mossy.readers.cycler_table import plain
from mossy.readers.derived import stated_area
from mossy.readers.headings import recognise
from mossy.readers.tables import Measured, assemble, records_in
from mossy.readers.text import OPTIONS, choose_columns, constants, measure, sign_said, why_left_out
from mossy.readers.text_grid import Header, decode, split_cells
from mossy.readers.time_units import UNITS, unit_that_fits
from mossy.records import TEXT_COLUMNS, Impedance, Record, known_names

if TYPE_CHECKING:
    import polars as pl

_PARQUET = b"PAR1"
_AGAIN = "export or copy the whole file again"
_LABEL = re.compile(r"[A-Z][A-Za-z0-9 ]* / \S+")


def sniff(path: Path, head: bytes) -> bool:
    """Parquet, or a first line of which the first cells are names of the format."""
    if head.startswith(_PARQUET):
        return True
    if not path.name.lower().endswith(".csv") or b"\0" in head:
        return False
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("latin-1").strip()
    cells = split_cells(first, ",")
    return len(cells) > 1 and sum(map(_is_name, cells)) > len(cells) / 2


def _is_name(cell: str) -> bool:
    """Whether a heading is written the way the format has it: as a machine name or as a label with its unit."""
    return cell in known_names() or (_LABEL.fullmatch(cell) is not None and recognise(cell) is not None)


def read(path: Path, request: Request) -> list[Record]:
    """The records of a csv or parquet file."""
    data = read_bytes(path)
    if data.startswith(_PARQUET):
        return _read_parquet(path, data, request)
    lines = decode(data, path)
    return records_in(measure(lines, Header(0, ",", tuple(split_cells(lines[0], ","))), request), request)


def _read_parquet(path: Path, data: bytes, request: Request) -> list[Record]:
    import polars as pl

    try:
        table = pl.read_parquet(io.BytesIO(data))
        own = "mossy" in pl.read_parquet_metadata(io.BytesIO(data))
    except Exception as error:  # noqa: BLE001  the parser panics as well as raises on damaged files
        raise InputError(f"is not a whole parquet file ({str(error)[:80]})", remedy=_AGAIN) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise InputError("is not a whole parquet file", remedy=_AGAIN) from None
    if own and request.columns is None and not request.options.get("constants"):
        record = Record.read_parquet(path)
        area = stated_area(request)
        if area and isinstance(record, Impedance):
            record = record.per_area(area)
        if request.kind in (None, record.kind):
            return [record]
    return records_in(_measure(table, request), request)


def _measure(table: pl.DataFrame, request: Request) -> Measured:
    """A parquet table in machine names and their units."""
    columns: dict[str, Any] = {}
    table, by_dates = _with_times(table.rename(str.strip))
    chosen = choose_columns(table.columns, table.width, request)
    for name, (place, scale, offset) in chosen.items():
        values = table.to_series(place)
        if name in TEXT_COLUMNS:
            columns[name] = values.cast(str)
        elif values.dtype.is_numeric():
            plain = values.cast(float)
            columns[name] = plain if (scale, offset) == (1.0, 0.0) else plain * scale + offset
        elif values.dtype.is_temporal() and name == "unix_time_second":
            columns[name] = values.dt.epoch("us") / 1e6
        elif name in (request.columns or {}):
            problem = f"'{values.name}' holds {values.dtype}, not numbers"
            raise InputError(problem, key=f"columns.{name}", remedy="name a column of numbers")
    read = set(columns)
    columns |= constants(request, table.height)
    places = range(1, table.height + 1)
    columns, left_out, told = counted_columns(columns, places)
    kept = {chosen[name][0] for name in read.difference(left_out)}
    unread = [name for place, name in enumerate(table.columns) if place not in kept]
    metadata = {"columns_not_read": unread} if unread else {}
    said = sign_said(table.columns, chosen)
    measured = Measured(assemble(columns, height=table.height), places, "row", metadata, said)
    return measured.noting(warnings=by_dates + told + why_left_out(table.columns, chosen, left_out))


def _with_times(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The table with headings that say the unit of durations, and of a total time that agrees with the dates.

    Tables of Neware's exports keep "Total Time" and "Time" (that of the step) as bare numbers, beside "Date".
    """
    durations = [name for name in table.columns if str(table[name].dtype).startswith("Duration")]
    table = table.with_columns([table[name].dt.total_microseconds() / 1e6 for name in durations])
    names = {name: f"{name} (s)" for name in durations if recognise(f"{name} (s)")}
    bare = [name for name in table.columns if plain(name) == "totaltime" and table[name].dtype.is_numeric()]
    dates = [values for values in table if str(values.dtype).startswith("Datetime") and not values.null_count()]
    if len(bare) != 1 or len(dates) != 1 or names or not table.height:
        return table.rename(names), []
    total, date = table[bare[0]], dates[0]
    span = float(total[-1] - total[0]) if not total.null_count() else 0.0
    unit = unit_that_fits(span, (date[-1] - date[0]).total_seconds(), UNITS)
    if not unit:
        return table, []
    names = {bare[0]: f"{bare[0]} ({unit})"} | {name: f"Step Time ({unit})" for name in table.columns if name == "Time"}
    return table.rename(names), [f"the unit of '{bare[0]}' is not written; by the dates in '{date.name}' it is {unit}"]


READER = Reader("Battery Data Format", (".bdf.csv", ".bdf.parquet", ".parquet", ".csv"), sniff, read, OPTIONS)
