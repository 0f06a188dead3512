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
from mossy.readers.derived import stated_area
from mossy.readers.headings import recognise
from mossy.readers.tables import Measured, assemble, records_in
from mossy.readers.text import OPTIONS, choose_columns, constants, measure, sign_said
from mossy.readers.text_grid import Header, decode, split_cells
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
    chosen = choose_columns([name.strip() for name in table.columns], table.width, request)
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
    columns |= constants(request, table.height)
    read = {chosen[name][0] for name in columns if name in chosen}
    unread = [name for place, name in enumerate(table.columns) if place not in read]
    metadata = {"columns_not_read": unread} if unread else {}
    said = sign_said(table.columns, chosen)
    return Measured(assemble(columns, height=table.height), range(1, table.height + 1), "row", metadata, said)


READER = Reader("Battery Data Format", (".bdf.csv", ".bdf.parquet", ".parquet", ".csv"), sniff, read, OPTIONS)
