"""Readers of cycler files on small files whose content is known: units, signs, clocks, counters, refusals."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers import arbin, compressed
from mossy.records import Record
from workbooks_for_tests import workbook

STEP = 10.0
"""Seconds between rows: a charge of 2 A for 60 s, a rest of 20 s, a discharge of 1 A for 60 s."""
CURRENT = np.repeat([2.0, 0.0, -1.0], [7, 3, 7])
TIME = np.arange(17) * STEP
VOLTAGE = 3.0 + 0.01 * np.arange(17)
CHARGED = np.minimum(np.arange(17), 6) * STEP * 2.0 / 3600.0
DISCHARGED = np.clip(np.arange(17) - 10, 0, None) * STEP * 1.0 / 3600.0
STATE = np.repeat(["C", "R", "D"], [7, 3, 7])
STEP_ID = np.repeat([1, 2, 3], [7, 3, 7])
COUNTER = np.where(STATE == "C", CHARGED, np.where(STATE == "D", DISCHARGED, 0.0))
"""One counter of either direction, which starts anew at each step."""


def write(folder: Path, name: str, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes(("\n".join(lines) + end).encode(encoding))
    return path


def table(delimiter: str, headings: list[str], *columns: object, closing: str = "") -> list[str]:
    rows = zip(*columns, strict=True)
    return [delimiter.join(headings), *(delimiter.join(map(str, row)) + closing for row in rows)]


def check(record: Record, time: np.ndarray = TIME, current: np.ndarray = CURRENT) -> str:
    """Nothing where the trace is the one written; the numbers were written in full, so 1e-9 is rounding."""
    frame = record.table
    for name, truth in (("test_time_second", time), ("current_ampere", current), ("voltage_volt", VOLTAGE)):
        values = frame[name].to_numpy()
        if values.shape != truth.shape or not np.allclose(values, truth, rtol=1e-9, atol=1e-12):
            return f"{name}: {values}"
    return ""


def totals(record: Record, prefix: str = "") -> tuple[np.ndarray, np.ndarray]:
    frame = record.table
    return tuple(frame[f"{prefix}{way}_capacity_ah"].to_numpy() for way in ("charging", "discharging"))


# --- Arbin ------------------------------------------------------------------------------------------------------------

ARBIN = [
    *("Data_Point", "Test_Time(s)", "Date_Time", "Step_Time(s)", "Step_Index", "Cycle_Index", "Current(A)"),
    *("Voltage(V)", "Charge_Capacity(Ah)", "Discharge_Capacity(Ah)", "Internal_Resistance(Ohm)", "dV/dt(V/s)"),
]
POINTS = np.arange(1, 18)
DATES = ["01/31/2024 08:00:00.500"] * 17
ZERO = np.zeros(17)
RESISTANCE = np.where(POINTS > 8, 0.05, 0.0)


def arbin_columns(cycle: np.ndarray | int = 1) -> list[object]:
    cycles = np.broadcast_to(cycle, 17)
    return [POINTS, TIME, DATES, TIME, STEP_ID, cycles, CURRENT, VOLTAGE, CHARGED, DISCHARGED, RESISTANCE, ZERO]


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("comma", [False, True])
def test_arbin_csv_in_either_spelling_and_decimal_mark(spaced: bool, comma: bool, tmp_path: Path) -> None:
    headings = [name.replace("_", " ").replace("(", " (") if spaced else name for name in ARBIN]
    lines = table(";" if comma else ",", headings, *arbin_columns())
    lines = [lines[0], *(line.replace(".", ",") if comma else line for line in lines[1:])]
    (record,) = readers.read(write(tmp_path, "cell.csv", lines, "utf-8-sig"))
    assert check(record) == ""
    assert record.metadata["reader"] == "Arbin table"
    assert record.table["step_id"].to_list() == STEP_ID.tolist()
    assert np.allclose(totals(record), [CHARGED, DISCHARGED])
    assert record.table["internal_resistance_ohm"].null_count() == 8, "0 ohm is what Arbin writes before measuring"
    assert [name for name in record.metadata["columns_not_read"] if name.startswith("dV/dt")]


def test_arbin_start_is_the_date_of_the_first_row(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cell.csv", table(",", ARBIN, *arbin_columns())))
    assert record.metadata["start_time"] == "2024-01-31T08:00:00"


@pytest.mark.parametrize(
    ("cycle", "anew", "scope"),
    [
        (1, np.zeros(17, bool), ""),
        (np.where(POINTS > 10, 2, 1), POINTS > 10, "cycle_"),
        (1, POINTS > 10, "schedule_"),
    ],
)
def test_counters_are_named_by_where_they_start_anew(
    cycle: np.ndarray | int, anew: np.ndarray, scope: str, tmp_path: Path
) -> None:
    columns = arbin_columns(cycle)
    columns[8] = np.where(anew, 0.0, CHARGED)
    (record,) = readers.read(write(tmp_path, "cell.csv", table(",", ARBIN, *columns)))
    assert f"{scope}charging_capacity_ah" in record.table.columns
    assert f"{scope}discharging_capacity_ah" in record.table.columns


def test_arbin_points_that_come_twice_are_refused(tmp_path: Path) -> None:
    columns = arbin_columns()
    columns[0] = np.where(POINTS == 9, 8, POINTS)
    with pytest.raises(InputError, match="1 points come twice"):
        readers.read(write(tmp_path, "twice.csv", table(",", ARBIN, *columns)))


def test_arbin_last_line_cut_off_is_refused(tmp_path: Path) -> None:
    lines = table(",", ARBIN, *arbin_columns())
    with pytest.raises(InputError, match="looks cut short"):
        readers.read(write(tmp_path, "cut.csv", [*lines[:-1], lines[-1][:40]], end=""))


def test_arbin_workbook_joins_the_sheets_of_one_test(tmp_path: Path) -> None:
    rows = [list(row) for row in zip(*(list(column) for column in arbin_columns()), strict=True)]
    statistics = [[*ARBIN, "Vmax_On_Cycle(V)", "Charge_Time(s)", "DisCharge_Time(s)"], [*rows[0], 3.2, 60, 60]]
    sheets = {
        "Global_Info": [["Channel", 12], ["Test_Name", "cell"]],
        "Channel_1-012_1": [ARBIN, *rows[:9]],
        "Channel_1-012_2": [ARBIN, *rows[9:]],
        "Statistics_1-012": statistics,
    }
    (record,) = readers.read(workbook(tmp_path, "cell.xlsx", sheets))
    assert check(record) == ""
    assert record.metadata["reader"] == "Arbin table"


DATABASE = [
    *("Test_ID", "Data_Point", "Test_Time", "Step_Time", "DateTime", "Step_Index", "Cycle_Index", "Current"),
    *("Voltage", "Charge_Capacity", "Discharge_Capacity", "Internal_Resistance"),
]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that starts like a database, and an mdb-export that shows the tables of its folder."""
    if os.name != "posix":
        pytest.skip("the stand-in for mdb-export is a shell script")
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "mdb-export"
    missing = 'echo "Error: Table $2 does not exist in this database." >&2; exit 1'
    script.write_text(f'#!/bin/sh\n/bin/cat "${{1%/*}}/$2.csv" 2>/dev/null || {{ {missing}; }}\n')
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(programs))  # without mdb-count, which some systems lack
    path = tmp_path / "cell.res"
    path.write_bytes(b"\x00\x01\x00\x00Standard Jet DB\x00" + bytes(4096))
    return path


def fill(database: Path, order: np.ndarray, tests: np.ndarray) -> None:
    columns = [TIME, TIME, ZERO + 45322.0, STEP_ID, ZERO.astype(int) + 1, CURRENT, VOLTAGE, CHARGED, DISCHARGED, ZERO]
    both = [tests, np.tile(POINTS, 2), *(np.tile(column, 2) for column in columns)]
    write(database.parent, "Channel_Normal_Table.csv", table(",", DATABASE, *(column[order] for column in both)))
    headings = ["Test_ID", "Test_Name", "Channel_Index", "Start_DateTime", "Serial_Number"]
    rows = table(",", headings, [1, 2], ['"one"', '"two"'], [3, 4], [45322.5, 45323.5], ['"176075"'] * 2)
    write(database.parent, "Global_Table.csv", rows)


TESTS = np.repeat([1, 2], 17)


def test_arbin_database_holds_a_record_for_each_test_in_order(database: Path) -> None:
    fill(database, np.random.default_rng(1).permutation(34), TESTS)
    first, second = readers.read(database)
    assert check(first) == check(second) == ""
    assert [record.metadata["channel"] for record in (first, second)] == ["3", "4"]
    assert first.metadata["start_time"] == "2024-01-31T12:00:00", "45322 is the 31st of January 2024 in Excel"
    assert first.metadata["instrument"] == "Arbin 176075"
    assert "internal_resistance_ohm" not in first.table.columns, "0 in every row: never measured"


def test_arbin_auxiliary_thermometers_are_told_by_their_unit(database: Path) -> None:
    fill(database, np.arange(34), TESTS)
    headings = ["Test_ID", "Data_Point", "Auxiliary_Index", "Data_Type", "X"]
    rows = table(",", headings, [1, 1, 1, 2], [1, 2, 1, 1], [0, 0, 0, 0], [1, 1, 0, 1], [25.5, 25.75, 3.3, 30.0])
    write(database.parent, "Auxiliary_Table.csv", rows)
    described = table(
        ",", ["Channel_Index", "Auxiliary_Index", "Data_Type", "Unit"], [3, 3], [0, 0], [0, 1], ["V", "C"]
    )
    write(database.parent, "Aux_Global_Data_Table.csv", described)
    first, second = readers.read(database)
    assert first.table["temperature_t1_celsius"].to_list()[:3] == [25.5, 25.75, None]
    assert second.table["temperature_t1_celsius"].to_list()[:2] == [30.0, None]


def test_arbin_database_with_a_lost_page_is_refused(database: Path) -> None:
    fill(database, np.delete(np.arange(34), [5, 6]), TESTS)
    with pytest.raises(InputError, match="points are missing after number 5"):
        readers.read(database)


def test_another_database_is_no_arbin_file(database: Path) -> None:
    with pytest.raises(InputError, match="has no Channel_Normal_Table: it is not of an Arbin cycler"):
        readers.read(database)


def test_without_mdb_export_it_is_said_what_to_install(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(database.parent / "nowhere"))
    with pytest.raises(InputError, match="apt install mdbtools"):
        readers.read(database)


def test_mdb_export_that_never_ends_is_stopped(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (database.parent / "programs" / "mdb-export").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(arbin, "_SECONDS", 0.2)
    with pytest.raises(InputError, match="could not be read in"):
        readers.read(database)


# --- Maccor -----------------------------------------------------------------------------------------------------------

MACCOR = [
    "Rec#",
    "Cyc#",
    "Step",
    "TestTime",
    "StepTime",
    "Amp-hr",
    "Watt-hr",
    "Amps",
    "Volts",
    "State",
    "ES",
    "DPt Time",
]


def clock_of(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60.0)
    return f"  0d {int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:05.2f}"


def maccor(
    time: list[object] | np.ndarray | None = None,
    state: np.ndarray = STATE,
    current: np.ndarray = np.abs(CURRENT),
    counter: np.ndarray = COUNTER,
    dates: list[str] | None = None,
    closing: str = "",
    heading: str = "TestTime",
) -> list[str]:
    times = [clock_of(t) for t in TIME] if time is None else time
    headings = [heading if name == "TestTime" else name for name in MACCOR]
    one = [POINTS, ZERO.astype(int), STEP_ID, times, times, counter, counter * 3, current, VOLTAGE, state, ZERO]
    lines = table("\t", headings, *one, dates or [""] * 17, closing=closing)
    return ["Today's Date 01/15/2025  Date of Test:\t01/31/2025\t Filename:\tC:\\a.001 Procedure: x.000", *lines]


def test_maccor_current_takes_its_sign_from_the_state(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor()))
    assert check(record) == ""
    assert record.metadata["reader"] == "Maccor text"
    assert record.metadata["start_time"] == "2025-01-31T00:00:00"
    assert "State" in record.metadata["settings"]["current"]
    assert record.table["step_type"].to_list() == STATE.tolist()


def test_maccor_counter_becomes_totals_of_either_direction(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor()))
    assert np.allclose(totals(record), [CHARGED, DISCHARGED])
    going_on = np.where(STATE == "D", CHARGED + DISCHARGED, CHARGED)
    (record,) = readers.read(write(tmp_path, "on.txt", maccor(counter=going_on)))
    assert np.allclose(totals(record), [CHARGED, DISCHARGED]), "a counter that never starts anew gives the same totals"


def test_maccor_counter_without_a_rule_is_left_out(tmp_path: Path) -> None:
    wild = np.where(POINTS == 4, 0.0, COUNTER)
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor(counter=wild)))
    assert "charging_capacity_ah" not in record.table.columns
    assert any("follows no rule" in text for text in record.metadata["warnings"])


@pytest.mark.parametrize(("unit", "seconds"), [("s", 1.0), ("min", 60.0), ("h", 3600.0)])
def test_maccor_unit_of_time_is_told_by_the_wall_clock(unit: str, seconds: float, tmp_path: Path) -> None:
    dates = [f"1/31/2025 8:{int(t // 60):02d}:{int(t % 60):02d} AM" for t in TIME]
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor(TIME / seconds, dates=dates)))
    assert check(record) == ""
    assert record.metadata["settings"]["unit of time"] == f"{unit}, by the wall clock"


def test_maccor_unit_of_time_is_told_by_the_charge(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor(TIME / 60.0)))
    assert check(record) == ""
    assert record.metadata["settings"]["unit of time"] == "min, by the charge"


def test_maccor_unit_of_time_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "cell.txt", maccor(TIME / 60.0, counter=ZERO))
    with pytest.raises(InputError, match=r'unit of its test time is not written.*time_unit="min"'):
        readers.read(path)
    (record,) = readers.read(path, time_unit="min")
    assert check(record) == ""
    with pytest.raises(InputError, match="no unit of time"):
        readers.read(path, time_unit="fortnight")


def test_maccor_unit_in_the_heading_needs_nothing_else(tmp_path: Path) -> None:
    lines = maccor(TIME / 60.0, counter=ZERO, heading="Test (Min)")
    lines = [line.replace("StepTime", "Step (Min)") for line in lines]
    (record,) = readers.read(write(tmp_path, "cell.txt", lines))
    assert check(record) == ""
    assert record.table["step_id"].to_list() == STEP_ID.tolist(), "'Step' is the number, 'Step (Min)' the time"


def test_maccor_rows_closed_by_a_tab_are_whole_with_and_without_it(tmp_path: Path) -> None:
    lines = maccor(closing="\t")
    (record,) = readers.read(write(tmp_path, "cell.txt", [*lines[:-1], lines[-1][:-1]]))
    assert check(record) == ""


def test_maccor_last_line_cut_off_is_refused(tmp_path: Path) -> None:
    lines = maccor(closing="\t")
    with pytest.raises(InputError, match="looks cut short"):
        readers.read(write(tmp_path, "cut.txt", [*lines[:-1], "\t".join(lines[-1].split("\t")[:6])], end=""))


def test_maccor_end_of_step_marker_means_what_the_row_before_meant(tmp_path: Path) -> None:
    state = np.where((POINTS == 7) | (POINTS == 17), "S", STATE)
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor(state=state)))
    assert check(record) == ""


def test_maccor_unsigned_current_in_an_unknown_state_is_refused(tmp_path: Path) -> None:
    state = np.where(POINTS == 3, "X", STATE)
    with pytest.raises(InputError, match="line 5: a current flows, but 'State' does not say whether it charges"):
        readers.read(write(tmp_path, "cell.txt", maccor(state=state)))


def test_maccor_signed_current_stays_as_it_is(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cell.txt", maccor(current=CURRENT)))
    assert check(record) == ""
    assert "current" not in record.metadata["settings"]


def test_maccor_of_another_site_with_commas_and_bytes_of_no_letters(tmp_path: Path) -> None:
    headings = ["Rec", "Cycle P", "Cycle C", "Step", "TestTime", "StepTime", "Cap. [Ah]", "Ener. [Wh]", "Current [A]"]
    headings += ["Voltage [V]", "Md", "ES", "DPT Time"]
    dates = [f"1/31/2025 8:{int(t // 60):02d}:{int(t % 60):02d} AM" for t in TIME]
    one = [POINTS, ZERO, ZERO + 1, STEP_ID, TIME / 60, TIME / 60, COUNTER, COUNTER, abs(CURRENT), VOLTAGE, STATE, ZERO]
    body = table("\t", headings, *one, dates, closing="\t")
    body = [body[0], "", *(line.replace(".", ",") for line in body[1:])]
    head = ["Name:\tcell", "Tester\tMaccor #4", "Description\tcapacity test      \x04  \xff\xff"]
    (record,) = readers.read(write(tmp_path, "cell.txt", [*head, *body], "latin-1"))
    assert check(record) == ""
    assert (record.metadata["instrument"], record.metadata["comments"]) == ("Maccor #4", "capacity test")


# --- Landt ------------------------------------------------------------------------------------------------------------

LANDT = ["Record", "TestTime/Sec", "StepTime/Sec", "Current/mA", "Capacity/mAh", "SpeCap/mAh/g", "Voltage/V", "SysTime"]
LANDT += ["Cycle-Index", "Step-Index", "Step-State"]
CHINESE = ["记录序号", "测试时间/Sec", "步骤时间/Sec", "电流/mA", "容量/mAh", "比容量/mAh/g", "电压/V", "系统时间"]
CHINESE += ["循环序号", "步次", "状态"]


def landt_columns(state: dict[str, str], signed: bool = True, time: np.ndarray = TIME) -> list[object]:
    current = 1e3 * (CURRENT if signed else np.abs(CURRENT))
    dates = ["2024-01-31 08:00:00"] * 17
    words = [state[each] for each in STATE]
    return [POINTS, time, time, current, 1e3 * COUNTER, COUNTER, VOLTAGE, dates, ZERO + 1, STEP_ID, words]


CODES = {"C": "C_CC", "R": "R", "D": "D_CC"}
WORDS = {"C": "恒流充电", "R": "静置", "D": "恒流放电"}


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("headings", "state", "encoding"),
    [(LANDT, CODES, "utf-8"), (CHINESE, WORDS, "utf-8-sig"), (CHINESE, WORDS, "gb18030")],
)
def test_landt_csv(headings: list[str], state: dict[str, str], encoding: str, signed: bool, tmp_path: Path) -> None:
    lines = table(",", headings, *landt_columns(state, signed))
    (record,) = readers.read(write(tmp_path, "cell.csv", lines, encoding))
    assert check(record) == ""
    assert record.metadata["reader"] == "Landt table"
    assert record.metadata["start_time"] == "2024-01-31T08:00:00"
    assert np.allclose(totals(record), [CHARGED, DISCHARGED])
    assert record.table["step_type"].to_list() == [state[each] for each in STATE]


def test_landt_workbook(tmp_path: Path) -> None:
    rows = [list(row) for row in zip(*(list(column) for column in landt_columns(WORDS)), strict=True)]
    sheets = {"循环表": [["循环序号", "充电容量/mAh"], [1, 33.3]], "记录表": [CHINESE, *rows]}
    (record,) = readers.read(workbook(tmp_path, "cell.xlsx", sheets))
    assert check(record) == ""
    assert np.allclose(totals(record), [CHARGED, DISCHARGED])


def test_landt_time_without_a_unit_is_refused(tmp_path: Path) -> None:
    lines = table(",", [name.replace("TestTime/Sec", "TestTime") for name in LANDT], *landt_columns(CODES))
    path = write(tmp_path, "cell.csv", lines)
    with pytest.raises(InputError, match="unit of its test time is not written"):
        readers.read(path)
    (record,) = readers.read(path, columns={"test_time_second": ("TestTime", "s")})
    assert check(record) == ""


def test_landt_time_as_days_and_clock(tmp_path: Path) -> None:
    columns = landt_columns(CODES)
    columns[1] = [f"1-00:{int(t // 60):02d}:{int(t % 60):02d}" for t in TIME]
    lines = table(",", [name.replace("TestTime/Sec", "TestTime") for name in LANDT], *columns)
    (record,) = readers.read(write(tmp_path, "cell.csv", lines))
    assert check(record, TIME + 86400.0) == ""


# --- PEC --------------------------------------------------------------------------------------------------------------

PEC = ["Test", "Cell", "Step", "Instruction Name", "Cycle", "Total Time (Hours in hh:mm:ss.xxx)", "Step Time (Seconds)"]
PEC += [
    "Real Time",
    "Voltage (mV)",
    "Current (mA)",
    "Charge Capacity (mAh)",
    "Discharge Capacity (mAh)",
    "Temp (°C)",
    "",
]


def pec(current: np.ndarray = CURRENT, cells: int = 1) -> list[str]:
    times = [f"{30 + int(t // 3600):02d}:{int(t % 3600 // 60):02d}:{t % 60:06.3f}" for t in TIME]
    names = [{"C": "Charge CC", "R": "Idle", "D": "Discharge CC"}[each] for each in STATE]
    dates = ["01/31/2026 08:00:00"] * 17
    one = [TIME, dates, 1e3 * VOLTAGE, 1e3 * current, 1e3 * CHARGED, 1e3 * DISCHARGED, ZERO + 21.5, [""] * 17]
    lines = ["Test:,7", "TestRegime Name:,x", "Start Time:,01/31/2026 07:55:00"]
    for number in range(1, cells + 1):
        body = table(",", PEC, ZERO.astype(int) + 7, ZERO.astype(int) + number, STEP_ID, names, ZERO, times, *one)
        lines += body if number == 1 else body[1:]
    return lines


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_pec_units_are_those_of_the_headings(encoding: str, tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "Test7.csv", pec(), encoding))
    assert check(record, TIME + 30 * 3600.0) == ""
    assert record.metadata["reader"] == "PEC csv"
    assert record.metadata["start_time"] == "2026-01-31T08:00:00"
    assert np.allclose(totals(record), [CHARGED, DISCHARGED])
    assert set(record.table["temperature_t1_celsius"]) == {21.5}


def test_pec_cells_are_records_of_their_own(tmp_path: Path) -> None:
    first, second = readers.read(write(tmp_path, "Test7.csv", pec(cells=2)))
    assert check(first, TIME + 30 * 3600.0) == check(second, TIME + 30 * 3600.0) == ""
    assert [record.metadata["settings"]["record"] for record in (first, second)] == ["test 7, cell 1", "test 7, cell 2"]


def test_pec_currents_without_sign_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the current is positive at line .* while the cell discharges"):
        readers.read(write(tmp_path, "Test7.csv", pec(np.abs(CURRENT))))


# --- packed files -----------------------------------------------------------------------------------------------------


def packed(folder: Path, name: str, **files: bytes) -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in files.items():
            archive.writestr(key.replace("_csv", ".csv"), content)
    return folder / name


CSV = ("\n".join(table(",", ARBIN, *arbin_columns())) + "\n").encode()


def test_a_file_packed_alone_is_read_as_the_file_inside(tmp_path: Path) -> None:
    (tmp_path / "cell.csv.gz").write_bytes(gzip.compress(CSV))
    for path in (tmp_path / "cell.csv.gz", packed(tmp_path, "cell.zip", cell_csv=CSV)):
        (record,) = readers.read(path)
        assert check(record) == ""
        assert record.metadata["source_path"] == str(path)
        assert record.metadata["origin"]["source_path"] == "cell.csv"
        assert record.metadata["origin"]["reader"] == "Arbin table"
        assert record.metadata["source_sha256"] != record.metadata["origin"]["source_sha256"]


def test_options_reach_the_file_inside(tmp_path: Path) -> None:
    content = ("\n".join(maccor(TIME / 60.0, counter=ZERO)) + "\n").encode()
    (tmp_path / "cell.txt.gz").write_bytes(gzip.compress(content))
    (record,) = readers.read(tmp_path / "cell.txt.gz", time_unit="min")
    assert check(record) == ""
    with pytest.raises(InputError, match="'time_unit' is not an option of the Arbin table reader"):
        readers.read(packed(tmp_path, "a.zip", cell_csv=CSV), time_unit="min")


def test_archives_that_are_not_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds 2 files \(a.csv, b.csv\)"):
        readers.read(packed(tmp_path, "two.zip", a_csv=CSV, b_csv=CSV))
    with pytest.raises(InputError, match="holds no file"):
        readers.read(packed(tmp_path, "none.zip"))
    (tmp_path / "twice.gz").write_bytes(gzip.compress(gzip.compress(CSV)))
    with pytest.raises(InputError, match="an archive again"):
        readers.read(tmp_path / "twice.gz")
    (tmp_path / "empty.csv.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match="which is empty"):
        readers.read(tmp_path / "empty.csv.gz")


def test_what_a_computer_adds_to_an_archive_does_not_count(tmp_path: Path) -> None:
    litter = {"__MACOSX/._cell.csv": b"x", ".DS_Store": b"x", "cell.csv": CSV}
    (record,) = readers.read(packed(tmp_path, "cell.zip", **litter))
    assert check(record) == ""


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(CSV)
    for name, content in (
        ("cut.csv.gz", whole[:-20]),
        ("wrong.csv.gz", whole[:60] + b"\x00\xff\x00\xff" + whole[64:]),
        ("cut.zip", packed(tmp_path, "whole.zip", cell_csv=CSV).read_bytes()[:-30]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="damaged archive"):
            readers.read(tmp_path / name)


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "LARGEST", 100_000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bytes(200_000)))
    for path in (tmp_path / "bomb.csv.gz", packed(tmp_path, "bomb.zip", bomb_csv=bytes(200_000))):
        with pytest.raises(InputError, match="unpacks to more than"):
            readers.read(path)


def test_a_member_name_never_leaves_the_folder(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../evil.csv", CSV)
    (tmp_path / "evil.zip").write_bytes(stream.getvalue())
    (record,) = readers.read(tmp_path / "evil.zip")
    assert record.metadata["origin"]["source_path"] == "evil.csv"
    assert not (tmp_path.parent / "evil.csv").exists()


# --- Neware, Gamry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("short.nda", b"NEWARE" + bytes(20), "ends within its header"),
        ("noise.nda", b"NEWARE" + bytes(8) + b"\x1d" + bytes(3000), "damaged, cut short or of an unknown version"),
        ("unknown.nda", b"NEWARE" + bytes(8) + b"\xfe" + bytes(3000), "unknown version"),
    ],
)
def test_neware_files_that_cannot_be_parsed_are_refused(name: str, content: bytes, match: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=match):
        readers.read(tmp_path / name)


def test_neware_archives_that_are_no_test_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "noise.ndax", "w") as archive:
        archive.writestr("data.ndc", bytes(range(256)) * 40)
    with pytest.raises(InputError, match="damaged, cut short or of an unknown version"):
        readers.read(tmp_path / "noise.ndax")
    (tmp_path / "cut.ndax").write_bytes((tmp_path / "noise.ndax").read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged or cut short"):
        readers.read(tmp_path / "cut.ndax")
    (tmp_path / "text.ndax").write_text("hello")
    with pytest.raises(InputError):
        readers.read(tmp_path / "text.ndax")


def dta(*curves: tuple[np.ndarray, np.ndarray], convention: str = "1") -> list[str]:
    lines = ["EXPLAIN", "TAG\tPWR800_CHARGE", "TITLE\tLABEL\tCharge\tTest", "PSTAT\tPSTAT\tREF600\tPstat"]
    lines += ["OCVCURVE\tTABLE\t1", "\tPt\tT\tVf", "\t#\ts\tV vs. Ref.", "\t0\t0.25\t0.37"]
    lines += [f"CONVENTION\tIQUANT\t{convention}\tCurrent Convention"]
    for number, (time, current) in enumerate(curves, 1):
        name = "CURVE" if len(curves) == 1 else f"CURVE{number}"
        lines += [f"{name}\tTABLE\t17", "\tPt\tT\tVf\tIm\tVu\tOver\tTemp", "\t#\ts\tV vs. Ref.\tA\tV\tbits\tdeg C"]
        lines += [
            f"\t{p}\t{t}\t{v}\t{i}\t0\t...........\t-327.67"
            for p, t, v, i in zip(POINTS, time, VOLTAGE, current, strict=True)
        ]
    return lines


def test_gamry_trace(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "charge.DTA", dta((TIME, CURRENT))))
    assert (record.kind, check(record)) == ("cycling", "")
    assert "cycle_count" not in record.table.columns
    assert "temperature_t1_celsius" not in record.table.columns, "-327.67 degC means no thermometer"
    assert any("OCVCURVE" in name for name in record.metadata["columns_not_read"])


def test_gamry_curves_whose_time_goes_on_are_the_cycles_of_one_trace(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "cv.DTA", dta((TIME, CURRENT), (TIME + 160.0, CURRENT))))
    assert record.table["cycle_count"].to_list() == [1] * 17 + [2] * 17
    first, second = readers.read(write(tmp_path, "two.DTA", dta((TIME, CURRENT), (TIME, CURRENT))))
    assert check(first) == check(second) == ""


def test_gamry_current_of_another_convention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="states the current convention 0"):
        readers.read(write(tmp_path, "charge.DTA", dta((TIME, CURRENT), convention="0")))


# --- whose file it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "reader"),
    [
        (table(",", ARBIN, *arbin_columns()), "Arbin table"),
        (maccor(), "Maccor text"),
        (table(",", LANDT, *landt_columns(CODES)), "Landt table"),
        (pec(), "PEC csv"),
    ],
)
@pytest.mark.parametrize("name", ["cell.dat", "cell.csv", "cell.txt", "cell"])
def test_the_content_tells_the_vendor_whatever_the_name(
    lines: list[str], reader: str, name: str, tmp_path: Path
) -> None:
    (record,) = readers.read(write(tmp_path, name, lines))
    assert record.metadata["reader"] == reader


def test_a_table_of_nobody_is_left_to_the_text_reader(tmp_path: Path) -> None:
    lines = table(",", ["Time (s)", "Voltage (V)", "Current (A)"], TIME, VOLTAGE, CURRENT)
    (record,) = readers.read(write(tmp_path, "cell.csv", lines))
    assert (record.metadata["reader"], check(record)) == ("text table", "")
