"""Damaged files: refused, or every row that is left as it was."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mossy import readers
from mossy.errors import InputError
from mossy.readers import text_grid
from mossy.readers.many import read_many
from mossy.records import Record


def ec_lab(table: pl.DataFrame) -> str:
    names = "mode\ttime/s\tEwe/V\t<I>/mA\t(Q-Qo)/mA.h\t"
    header = ["EC-Lab ASCII FILE", "Nb header lines : 5 ", "", "GCPL", names]
    rows = [
        "1\t" + "\t".join(f"{x:.7E}"[:-2] + f"0{f'{x:.7E}'[-2:]}" for x in (t, u, i * 1e3, q * 1e3))
        for t, u, i, q in table.select("test_time_second", "voltage_volt", "current_ampere", "net_capacity_ah").rows()
    ]
    return "\r\n".join([*header, *rows])


def columns_of(table: pl.DataFrame, delimiter: str, comma: bool, above: str = "") -> str:
    names = delimiter.join(["Time (s)", "Voltage (V)", "Current (mA)", "Net Capacity (mAh)"])
    rows = [
        delimiter.join((f"{t:.1f}", f"{u:.6f}", f"{i * 1e3:.4f}", f"{q * 1e3:.6f}"))
        for t, u, i, q in table.select("test_time_second", "voltage_volt", "current_ampere", "net_capacity_ah").rows()
    ]
    return above + "\n".join([names, *((row.replace(".", ",") if comma else row) for row in rows)]) + "\n"


TIME = 150.0 * np.arange(1.0, 25.0)
CURRENT = np.repeat([-1e-3, 1e-3], 12)
SMALL = pl.DataFrame(
    {"test_time_second": TIME, "voltage_volt": 40.0 * CURRENT + 1e-6 * np.sin(TIME / 77.0), "current_ampere": CURRENT}
    | {"net_capacity_ah": np.cumsum(CURRENT) * 150.0 / 3600.0, "step_count": np.repeat([1, 2], 12)}
)
FILES = {
    "cell.bdf.csv": SMALL.write_csv().encode(),
    "comma.csv": columns_of(SMALL, ",", False, "Cycler 7\nOperator: me\n\n").encode(),
    "german.csv": columns_of(SMALL, ";", True).encode(),
    "tabs.txt": columns_of(SMALL, "\t", False).encode("utf-16"),
    "spaces.txt": columns_of(SMALL, "   ", False).replace(" (", "/").replace(")", "").encode(),
    "cell.mpt": ec_lab(SMALL).encode("latin-1"),
}


def read_one(folder: Path, name: str, data: bytes) -> Record | None:
    """The record of some bytes, None where they are refused; any other outcome fails the test."""
    path = folder / name
    path.write_bytes(data)
    try:
        (record,) = readers.read(path)
    except InputError as error:
        told = str(error)
    else:
        return record
    assert str(path) in told
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused_or_whole_as_far_as_it_goes(name: str, tmp_path: Path) -> None:
    """Only a cut between two rows leaves a whole, shorter table; one within the last number of a table is said.

    EC-Lab ends its files without a line end: a cut within the last number is told from the form of two others.
    """
    data = FILES[name]
    intact = read_one(tmp_path, name, data)
    assert intact is not None
    assert intact.table.height == SMALL.height
    for end in (*range(1, len(data) - 160, 13), *range(len(data) - 160, len(data))):
        record = read_one(tmp_path, name, data[:end])
        if record is None:
            continue
        rows = record.table.height
        warned = any("line end" in warning for warning in record.metadata.get("warnings", []))
        after = data[:end].decode("utf-16" if name == "tabs.txt" else "latin-1", errors="ignore")
        complete = after.endswith("\n") or name == "cell.mpt"
        assert complete or warned, end
        assert rows >= 1
        certain = rows if complete and not (name == "cell.mpt" and rows < 3) else rows - 1
        assert record.table[:certain].equals(intact.table[:certain].select(record.table.columns)), end


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0.0, 1.0), byte=st.integers(0, 255), insert=st.booleans())
def test_a_damaged_byte_spoils_no_more_than_its_row(
    name: str, place: float, byte: int, insert: bool, tmp_path: Path
) -> None:
    """Refused, or every other row as it was: nothing is shifted, lost or half read."""
    data = FILES[name]
    start = len(data) // 3  # below the header of each
    at = start + int(place * (len(data) - 1 - start))
    record = read_one(tmp_path, name, data[:at] + bytes([byte]) + data[at + (0 if insert else 1) :])
    intact = read_one(tmp_path, name, data)
    if record is None or intact is None:
        return
    assert record.table.height == intact.table.height
    changed = np.zeros(SMALL.height, dtype=bool)
    for column in intact.table.columns:
        changed |= record.table[column].ne_missing(intact.table[column]).to_numpy()
    assert np.count_nonzero(changed) <= 1


@pytest.mark.parametrize("name", FILES)
def test_zero_bytes_headers_alone_and_other_names(name: str, tmp_path: Path) -> None:
    data = FILES[name]
    intact = read_one(tmp_path, name, data)
    assert intact is not None
    middle = len(data) // 2
    if name != "tabs.txt":
        assert read_one(tmp_path, name, data[:middle] + bytes(7) + data[middle:]) is None
        assert read_one(tmp_path, name, data[:middle] + bytes(512)) is None
    rows = [place for place in range(len(data)) if data[place : place + 1] == b"\n"]
    header = {"cell.mpt": 5, "comma.csv": 4}.get(name, 1)
    assert read_one(tmp_path, name, data[: rows[header - 1] + (2 if name == "tabs.txt" else 1)]) is None
    for other in ("renamed.mpr", "renamed.nda", "renamed.res", "renamed", "renamed.xlsx"):
        record = read_one(tmp_path, other, data)
        assert record is None or record.table.equals(intact.table)


def test_mixed_encodings_leave_the_numbers_alone(tmp_path: Path) -> None:
    """A heading in Latin-1 under a comment in UTF-8: one of the two is misspelt, the unit is not."""
    data = "Prüfer: Jörg\n".encode() + "time/s;Ewe/V;I/µA\n0;3,5;1,5\n1;3,6;1,5\n".encode("latin-1")
    record = read_one(tmp_path, "mixed.csv", data)
    assert record is not None
    assert record.table["current_ampere"].to_list() == pytest.approx([1.5e-6, 1.5e-6], rel=1e-12)


CELL = st.one_of(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: f"{x:.6g}"),
    st.sampled_from(
        ["", " ", "nan", "inf", "1e5", " 2", "3 ", "+4", ".5", "6.", "--", "x", "1_0", "0x1", "NaN", "7,5"]
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", "\t", ";"]),
    blank=st.integers(0, 6),
)
def test_the_fast_way_to_cut_a_table_into_cells_is_the_careful_one(
    rows: list[list[str]], delimiter: str, blank: int
) -> None:
    lines = ["a", *(delimiter.join(row) for row in rows)]
    lines.insert(min(blank + 1, len(lines)), "  ")

    def told() -> list[Any]:
        try:
            grid = text_grid.grid_under(lines, text_grid.Header(0, delimiter, ()), None)
        except InputError as error:
            return [error.problem]
        found: list[Any] = [list(grid.lines), [grid.words(place).to_list() for place in range(grid.width)]]
        for place in range(grid.width):
            try:
                numbers = grid.numbers(place, "a")
                found.append(None if numbers is None else numbers.to_list())
            except InputError as error:
                found.append(error.problem)
        return found

    fast = told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_grid, "_regular", lambda body, delimiter: None)
        assert told() == fast


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    """Opening a named pipe waits for a writer that never comes."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nothing.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.csv"))
        reasons = {each.path.name: (each.skipped, each.problem) for each in read_many([tmp_path])}
    lost = (True, "skipped: a link that leads nowhere")
    pipe = {"pipe.csv": (True, "skipped: a named pipe"), "socket.csv": (True, "skipped: a socket")}
    assert reasons == pipe | dict.fromkeys(("dangling.csv", "loop.csv"), lost)
    with pytest.raises(InputError, match="is a named pipe"):
        readers.read(tmp_path / "pipe.csv")
    (named,) = read_many([tmp_path / "pipe.csv"])
    assert "is a named pipe" in str(named.problem)
