"""What is kept of many cells: tables in Parquet, views of them in DuckDB, and which results need not be made again.

`cells.parquet` has a row a cell, `cycles.parquet` a row a cycle, `events.parquet` a row an event, `files.parquet` a row
a file with what became of it. `mossy.duckdb` has a view of each under its name, which names the folder: where that was
moved, the next run of the command writes the views anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.version import __version__

if TYPE_CHECKING:
    import polars as pl

TABLES = ("cells", "cycles", "events", "files")
_CELLS: dict[str, type] = {
    "cell": str,
    "status": str,
    "kind": str,
    "files": int,
    "rows": int,
    "start_time": str,
    "duration_hour": float,
    "area_cm2": float,
    "half_cycles": int,
    "cycles": int,
    "average_coulombic_efficiency": float,
    "average_coulombic_efficiency_standard_error": float,
    "efficiency_method": str,
    "first_coulombic_efficiency": float,
    "plating_plateau_mV": float,
    "stripping_plateau_mV": float,
    "critical_current_last_good": float,
    "critical_current_first_bad": float,
    "critical_current_unit": str,
    "events": int,
    "first_event": str,
    "duplicate_of": str,
    "warnings": str,
    "missing": str,
    "notes": str,
    "no_efficiency": str,
    "report": str,
    "fingerprint": str,
}
_CYCLES: dict[str, type] = {
    "cell": str,
    "cycle": int,
    "label": str,
    "start_second": float,
    "plated_mAh": float,
    "stripped_mAh": float,
    "coulombic_efficiency": float,
    "standard_error": float,
    "complete": bool,
    "plating_plateau_mV": float,
    "stripping_plateau_mV": float,
}
_EVENTS: dict[str, type] = {
    "cell": str,
    "kind": str,
    "time_second": float,
    "cycle": int,
    "severity": str,
    "text": str,
}
_FILES: dict[str, type] = {
    "file": str,
    "status": str,
    "reason": str,
    "cell": str,
    "records": int,
    "rows": int,
    "sha256": str,
}
SCHEMAS = {"cells": _CELLS, "cycles": _CYCLES, "events": _EVENTS, "files": _FILES}


@dataclass
class Rows:
    """Rows of each table, as they will be written."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    cycles: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Rows) -> None:
        """Appends the rows of another."""
        for name in TABLES:
            getattr(self, name).extend(getattr(other, name))


def fingerprint(files: Iterable[Path], descriptions: Iterable[Path], options: Mapping[str, Any]) -> str:
    """What a result depends on: the files' names, sizes and times of change, what describes them, options, version."""
    stamp = [__version__, json.dumps(options, sort_keys=True, default=str)]
    for file in (*files, *descriptions):
        with contextlib.suppress(OSError):
            state = file.stat()
            stamp.append(f"{file.absolute()} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(stamp).encode()).hexdigest()[:32]


def earlier(folder: Path) -> dict[str, Rows]:
    """The rows of an earlier run by fingerprint; empty where there are none, or none that this version wrote."""
    import polars as pl

    try:
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    except (OSError, pl.exceptions.PolarsError):
        return {}
    if any(tables[name].columns != list(SCHEMAS[name]) for name in TABLES):
        return {}
    cells = tables["cells"].to_dicts()
    found = {row["fingerprint"]: Rows(cells=[row]) for row in cells}
    of = {row["cell"]: row["fingerprint"] for row in cells}
    for name in TABLES[1:]:
        for row in tables[name].to_dicts():
            mark = of.get(row["cell"])
            if mark in found:
                getattr(found[mark], name).append(row)
    return found


def write(folder: Path, rows: Rows) -> str | None:
    """The four tables and the views of them; an interrupted run leaves whole tables or the earlier ones. Returns what
    kept the views from being written, or nothing.
    """
    for name in TABLES:
        table = _frame(getattr(rows, name), SCHEMAS[name])
        part = folder / f"{name}.parquet.part"
        try:
            table.write_parquet(part)
            part.replace(folder / f"{name}.parquet")
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror or error})", file=part) from None
    return _views(folder)


def _frame(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, type]) -> pl.DataFrame:
    import polars as pl

    kinds = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
    columns = {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=kinds[kind], strict=False)
        for name, kind in schema.items()
    }
    return pl.DataFrame(columns)


def _views(folder: Path) -> str | None:
    """A DuckDB file whose views read the tables beside it; what kept it from being written, or nothing."""
    import duckdb

    path = folder / "mossy.duckdb"
    for last in (False, True):
        try:
            with contextlib.closing(duckdb.connect(str(path))) as connection:
                for name in TABLES:
                    table = str((folder / f"{name}.parquet").absolute()).replace("'", "''")
                    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{table}')")
            return None
        except duckdb.Error as error:
            if last:
                reason = str(error).splitlines()[0]
                return f"{path} could not be written ({reason}); the tables beside it are whole"
            with contextlib.suppress(OSError):
                path.unlink()  # it holds views only: whatever it was, it can be made anew
    return None
