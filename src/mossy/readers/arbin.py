"""Arbin .res files: Access databases, read through `mdb-export` of mdbtools, which is a program of its own.

The points of all tests stand in Channel_Normal_Table, in no order that is promised; Global_Table describes each test,
Auxiliary_Table holds further channels in rows of their own, whose unit Aux_Global_Data_Table says. Positive current
charges, which is Mossy's sign. mdb-export goes on past pages that a cut file lacks: its complaints, the number of
rows that the database states (mdb-count) and the numbering of the points are checked, so that a part of a file does
not pass for the whole. Checked against files of MITS 4.32 and 7.0.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.arbin_table import COLUMNS, finished, split_by_test
from mossy.readers.base import Reader, Request
from mossy.readers.cycler_table import Table, plain
from mossy.readers.headings import conversion
from mossy.readers.sheets import excel_moment
from mossy.readers.tables import records_in
from mossy.records import Record, unit_of

if TYPE_CHECKING:
    import polars as pl

_MAGIC = (b"\x00\x01\x00\x00Standard Jet DB", b"\x00\x01\x00\x00Standard ACE DB")
_SECONDS, _SECONDS_PER_MB = 10.0, 3.0
"""What mdb-export may take, ten times what it takes; on damaged pages it can go round for ever."""
_DAMAGE = re.compile(r"EOF|error|fail|unable|unrecogni|corrupt|invalid|cannot", re.IGNORECASE)
_POINTS = "Channel_Normal_Table"
_INSTALL = (
    "install mdbtools (apt install mdbtools, or brew install mdbtools), or export the test from MITS Pro as csv or xlsx"
)
_AGAIN = "copy the whole file again, or export the test from MITS Pro as csv"
_CELSIUS = ("c", "\u00b0c", "degc", "celsius")


def sniff(path: Path, head: bytes) -> bool:
    """The first bytes are those of an Access database."""
    return head.startswith(_MAGIC)


def read(path: Path, request: Request) -> list[Record]:
    """A record for each test of the database."""
    program = shutil.which("mdb-export")
    if program is None:
        raise InputError("is an Access database (Arbin .res), which the program mdb-export reads", remedy=_INSTALL)
    points = _rows(program, path, _POINTS)
    if points is None or points.is_empty():
        what = "holds no data points" if points is not None else f"has no {_POINTS}: it is not of an Arbin cycler"
        raise InputError(what, remedy="give the .res file of a test that was run")
    _check_count(path, points.height)
    tests = _rows(program, path, "Global_Table")
    auxiliary = _temperatures(program, path)
    found: list[Record] = []
    for part in split_by_test(_table(points)):
        _check_numbering(part)
        test = float(part.metadata["settings"]["Test_ID"])
        _add_temperatures(part, auxiliary, test)
        part.note(_about(tests, test))
        found += records_in(finished(part).measured(), request)
    return found


def _rows(program: str, path: Path, table: str) -> pl.DataFrame | None:
    """The rows of one table; None where the database has no such table."""
    import polars as pl

    done = _run(program, path, table)
    complaint = done.stderr.decode(errors="replace").strip()
    if done.returncode and "does not exist" in complaint and "EOF" not in complaint and "Unable" not in complaint:
        return None
    if done.returncode or _DAMAGE.search(complaint):
        first = complaint.splitlines()[0] if complaint else f"exit status {done.returncode}"
        raise InputError(f"is damaged or cut short (mdb-export: {first[:100]})", remedy=_AGAIN)
    try:
        return pl.read_csv(io.BytesIO(done.stdout), infer_schema_length=None, null_values=[""])
    except pl.exceptions.NoDataError:
        return None
    except Exception as error:  # noqa: BLE001  a damaged page makes rows of every kind, and polars raises as many
        raise InputError(f"{table} cannot be understood ({str(error)[:80]})", remedy=_AGAIN) from None


def _run(program: str, path: Path, table: str) -> subprocess.CompletedProcess[bytes]:
    limit = _SECONDS + _SECONDS_PER_MB * path.stat().st_size / 1e6
    try:
        return subprocess.run(
            [program, str(path.absolute()), table],
            capture_output=True,
            timeout=limit,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        problem = f"could not be read in {limit:.0f} s by mdb-export: it is damaged"
        raise InputError(problem, remedy=_AGAIN) from None
    except OSError as error:
        raise InputError(f"mdb-export cannot be run ({error.strerror or error})", remedy=_INSTALL) from None


def _check_count(path: Path, rows: int) -> None:
    """As many points as the database says it has; mdb-count comes with mdb-export, but need not be there."""
    program = shutil.which("mdb-count")
    stated = _run(program, path, _POINTS).stdout.strip() if program else b""
    if stated.isdigit() and int(stated) != rows:
        raise InputError(f"states {int(stated)} points, {rows} can be read: it is damaged or cut short", remedy=_AGAIN)


def _table(points: pl.DataFrame) -> Table:
    """The points with machine names; what is not read is listed."""
    columns: dict[str, pl.Series] = {}
    unread = []
    for values in points:
        name, unit = COLUMNS.get(plain(values.name), ("", None))
        if not name or name == "__moment" or not values.dtype.is_numeric() or name in columns:
            unread.append(values.name)
            continue
        scale, _ = conversion(unit or unit_of(name), name) if not name.startswith("__") else (1.0, 0.0)
        columns[name] = values if scale == 1.0 else values * scale
    missing = [name for name in ("__test", "record_index", "test_time_second") if name not in columns]
    if missing:
        raise InputError(f"{_POINTS} has no column of {', '.join(missing)}", remedy="export the test as csv")
    return Table(columns, range(1, points.height + 1), "point", {"instrument": "Arbin", "columns_not_read": unread})


def _check_numbering(part: Table) -> None:
    """The points of a test are numbered through: a gap is a page that was lost."""
    points = part.columns["record_index"].cast(float).to_numpy()
    gaps = np.flatnonzero(np.diff(points) > 1.0)
    if gaps.size:
        after = int(points[gaps[0]])
        raise InputError(f"points are missing after number {after}: the file is damaged", remedy=_AGAIN)


def _temperatures(program: str, path: Path) -> pl.DataFrame | None:
    """The points of the thermometers among the auxiliary channels: test, point, channel from 1, degC."""
    import polars as pl

    rows, described = (_rows(program, path, table) for table in ("Auxiliary_Table", "Aux_Global_Data_Table"))
    needed = {"Test_ID", "Data_Point", "Auxiliary_Index", "Data_Type", "X"}
    if rows is None or described is None or rows.is_empty() or described.is_empty() or not needed <= set(rows.columns):
        return None
    keys = ["Auxiliary_Index", "Data_Type"]
    if not {*keys, "Unit"} <= set(described.columns):
        return None
    celsius = described.filter(pl.col("Unit").cast(pl.String).str.strip_chars().str.to_lowercase().is_in(_CELSIUS))
    kept = rows.join(celsius.select(keys).unique(), on=keys, how="inner")
    return kept if not kept.is_empty() else None


def _add_temperatures(part: Table, auxiliary: pl.DataFrame | None, test: float) -> None:
    import polars as pl

    if auxiliary is None:
        return
    own = auxiliary.filter(pl.col("Test_ID") == test)
    points = pl.DataFrame({"Data_Point": part.columns["record_index"].cast(pl.Int64)})
    for number, channel in enumerate(own["Auxiliary_Index"].unique().sort().to_list()[:5], 1):
        one = own.filter(pl.col("Auxiliary_Index") == channel).select(pl.col("Data_Point").cast(pl.Int64), "X")
        joined = points.join(one.unique("Data_Point"), on="Data_Point", how="left", maintain_order="left")
        part.columns[f"temperature_t{number}_celsius"] = joined["X"].cast(pl.Float64)


def _about(tests: pl.DataFrame | None, test: float) -> dict[str, Any]:
    """What Global_Table says of a test. Its active mass is in g, and 0 where nobody entered one."""
    import polars as pl

    if tests is None or "Test_ID" not in tests.columns:
        return {}
    rows = tests.filter(pl.col("Test_ID") == test).to_dicts()
    if not rows:
        return {}
    settings = {key: str(value) for key, value in rows[0].items() if value not in (None, "")}
    found: dict[str, Any] = {"settings": settings}
    serial = settings.get("Serial_Number", "")
    found |= {"instrument": f"Arbin {serial}"} if serial else {}
    found |= {"channel": settings["Channel_Index"]} if "Channel_Index" in settings else {}
    found |= {"comments": settings["Comments"]} if "Comments" in settings else {}
    try:
        start = excel_moment(float(settings.get("Start_DateTime", "nan")))
    except ValueError:
        start = ""
    return found | ({"start_time": start} if start else {})


READER = Reader("Arbin .res", (".res",), sniff, read, ("missing",))
