"""Exports of Neware's BTSDA, written here with its headings: clocks, words for steps, counters, workbooks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.records import Record
from workbooks_for_tests import workbook

DT = 30.0
CURRENT = np.repeat([0.0, -2.0, 0.0, 1.0], 40)
"""mA in each row: a rest, a discharge, a rest, a charge of twenty minutes."""
ROWS = len(CURRENT)
TIME = DT * np.arange(ROWS) + 86_000.0
"""The test runs past its first day."""
STEP = np.repeat([1, 2, 3, 4], 40)
IN_STEP = DT * (np.arange(ROWS) % 40)
PASSED = np.abs(CURRENT) * IN_STEP / 3600.0
VOLTAGE = 3.0 + 0.001 * np.arange(ROWS)
WORDS = np.repeat(["Rest", "CC DChg", "Rest", "CC Chg"], 40)
CHINESE_WORDS = np.repeat(["搁置", "恒流放电", "搁置", "恒流充电"], 40)
DATES = [f"2024-05-{1 + int(t // 86400):02d} {clock}" for t in TIME for clock in [f"{int(t % 86400 // 3600):02d}:"
         f"{int(t % 3600 // 60):02d}:{int(t % 60):02d}"]]  # fmt: skip


def clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"


def columns() -> dict[str, list[object]]:
    """An export as others describe it, in amperes and ampere hours, with times as clocks."""
    return {
        "DataPoint": list(range(1, ROWS + 1)),
        "Cycle Index": [1] * ROWS,
        "Step Index": STEP.tolist(),
        "Step Type": WORDS.tolist(),
        "Time": [clock(t) for t in IN_STEP],
        "Total Time": [clock(t) for t in TIME],
        "Current(A)": (1e-3 * CURRENT).tolist(),
        "Voltage(V)": VOLTAGE.tolist(),
        "Capacity(Ah)": (1e-3 * PASSED).tolist(),
        "Spec. Cap.(mAh/g)": [0.0] * ROWS,
        "Chg. Cap.(Ah)": (1e-3 * np.where(CURRENT > 0.0, PASSED, 0.0)).tolist(),
        "DChg. Cap.(Ah)": (1e-3 * np.where(CURRENT < 0.0, PASSED, 0.0)).tolist(),
        "Energy(Wh)": (3e-3 * PASSED).tolist(),
        "T1(℃)": [25.0] * ROWS,
        "Date": list(DATES),
    }


def renamed(names: dict[str, str], **values: list[object]) -> dict[str, list[object]]:
    return {names.get(name, name): values.get(name, column) for name, column in columns().items()}


def csv(folder: Path, table: dict[str, list[object]], encoding: str = "utf-8", mark: str = ",") -> Path:
    path = folder / "cell.csv"
    lines = [mark.join(table), *(mark.join(map(str, row)) for row in zip(*table.values(), strict=True))]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def rows(table: dict[str, list[object]]) -> list[list[object]]:
    return [list(table), *(list(row) for row in zip(*table.values(), strict=True))]


def check(path: Path) -> Record:
    """The numbers are those written, to the digits of the numbers; the charge is that of the counters."""
    (record,) = readers.read(path)
    frame = record.table
    assert record.metadata["reader"] == "Neware table"
    np.testing.assert_allclose(frame["test_time_second"].to_numpy(), TIME, rtol=1e-12)
    np.testing.assert_allclose(frame["current_ampere"].to_numpy(), 1e-3 * CURRENT, rtol=1e-12)
    np.testing.assert_allclose(frame["voltage_volt"].to_numpy(), VOLTAGE, rtol=1e-12)
    assert record.metadata["start_time"] == "2024-05-01T23:53:20"
    counted = record.metadata["charge_check"]["vendor_ah"]
    assert counted == pytest.approx({"charging": 1e-3 * PASSED[-1], "discharging": 2e-3 * PASSED[-1]}, rel=1e-9)
    assert "warnings" not in record.metadata
    return record


def test_the_columns_of_an_export_are_read(tmp_path: Path) -> None:
    record = check(csv(tmp_path, columns()))
    frame = record.table
    assert frame["step_type"].to_list() == WORDS.tolist()
    assert frame["step_id"].to_list() == STEP.tolist()
    np.testing.assert_allclose(frame["step_time_second"].to_numpy(), IN_STEP)
    np.testing.assert_allclose(frame["step_discharging_capacity_ah"].max(), 1e-3 * PASSED.max(), rtol=1e-12)
    assert set(frame["temperature_t1_celsius"]) == {25.0}
    assert record.metadata["columns_not_read"] == ["Capacity(Ah)", "Spec. Cap.(mAh/g)", "Date"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_chinese_headings(encoding: str, tmp_path: Path) -> None:
    names = {
        "DataPoint": "数据序号",
        "Cycle Index": "循环号",
        "Step Index": "工步号",
        "Step Type": "工步类型",
        "Time": "时间",
        "Total Time": "总时间",
        "Current(A)": "电流(A)",
        "Voltage(V)": "电压(V)",
        "Capacity(Ah)": "容量(Ah)",
        "Chg. Cap.(Ah)": "充电容量(Ah)",
        "DChg. Cap.(Ah)": "放电容量(Ah)",
        "Energy(Wh)": "能量(Wh)",
        "T1(℃)": "T1(℃)",
        "Date": "绝对时间",
    }
    table = renamed(names, **{"Step Type": CHINESE_WORDS.tolist()})
    del table["Spec. Cap.(mAh/g)"]
    check(csv(tmp_path, table, encoding))


def test_units_in_the_headings_and_the_step_s_own_counter_alone(tmp_path: Path) -> None:
    names = {
        "Time": "Time(min)",
        "Total Time": "Total Time(min)",
        "Current(A)": "Cur(mA)",
        "Capacity(Ah)": "CapaCity(mAh)",
    }
    minutes = {"Time": (IN_STEP / 60.0).tolist(), "Total Time": (TIME / 60.0).tolist()}
    table = renamed(names, **minutes, **{"Current(A)": CURRENT.tolist(), "Capacity(Ah)": PASSED.tolist()})
    for name in ("Chg. Cap.(Ah)", "DChg. Cap.(Ah)"):
        del table[name]
    frame = check(csv(tmp_path, table, mark="\t")).table
    assert frame["discharging_capacity_ah"][-1] == pytest.approx(1e-3 * PASSED[79], rel=1e-12)


def test_currents_without_sign_take_it_from_the_type_of_the_step(tmp_path: Path) -> None:
    record = check(csv(tmp_path, renamed({}, **{"Current(A)": (1e-3 * np.abs(CURRENT)).tolist()})))
    assert "without sign" in record.metadata["settings"]["current"]


def test_milliamperes_labelled_amperes_are_refused(tmp_path: Path) -> None:
    """The counters lack the first half minute of each step, which the rows count: 40/39 of a thousand."""
    with pytest.raises(InputError, match=r"differ by a factor 10\d\d, as where mA are labelled A"):
        readers.read(csv(tmp_path, renamed({}, **{"Current(A)": CURRENT.tolist()})))


@pytest.mark.parametrize(("scale", "unit"), [(86400.0, "d"), (1.0, "s")])
def test_a_workbook_s_sheets_of_points_are_one_record(scale: float, unit: str, tmp_path: Path) -> None:
    """Excel keeps a duration as a number of days, and a date too; the unit is the one that agrees with the dates."""
    serial = 45413.0 + TIME / 86400.0  # 2024-05-01
    numbers = {"Time": (IN_STEP / scale).tolist(), "Total Time": (TIME / scale).tolist(), "Date": serial.tolist()}
    points = rows(renamed({}, **numbers))
    steps = [
        ["Cycle Index", "Step Index", "Step Type", "Step Time", "Capacity(Ah)", "Oneset Volt.(V)"],
        [1, 1, "Rest", 1, 0, 3],
    ]
    sheets = {"unit": [["Current", "A"]], "step": steps, "record": points[:100], "record1": [points[0], *points[100:]]}
    record = check(workbook(tmp_path, "cell.xlsx", sheets))
    assert record.metadata["settings"]["unit of time"] == f"{unit}, by the wall clock"


def test_a_total_time_of_unknown_unit_is_refused_unless_it_is_said(tmp_path: Path) -> None:
    table = renamed({}, **{"Total Time": TIME.tolist(), "Date": [""] * ROWS})
    del table["Capacity(Ah)"]
    path = csv(tmp_path, table)
    with pytest.raises(InputError, match="the unit of its test time is not written") as caught:
        readers.read(path)
    assert "--columns" in caught.value.remedy
    (record,) = readers.read(path, columns={"test_time_second": ("Total Time", "s")})
    np.testing.assert_allclose(record.table["test_time_second"].to_numpy(), TIME)


def test_an_export_without_its_total_time_says_what_to_tick(tmp_path: Path) -> None:
    names = {"Time": "Time(h:min:s.ms)", "DataPoint": "Record ID", "Chg. Cap.(Ah)": "Capacitance_Chg(Ah)"}
    table = renamed(names)
    del table["Total Time"]
    with pytest.raises(InputError, match="it has no total time") as caught:
        readers.read(csv(tmp_path, table))
    assert '"Total Time"' in caught.value.remedy


def test_points_that_come_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="points come twice"):
        readers.read(csv(tmp_path, renamed({}, DataPoint=[1, *range(1, ROWS)])))


def test_a_person_s_own_table_is_not_taken_for_an_export(tmp_path: Path) -> None:
    """Its "Time" is that of the test."""
    names = {"Cycle Index": "Cycle", "Time": "Time (s)", "Current(A)": "Current (A)", "Voltage(V)": "Voltage (V)"}
    table = renamed(names, Time=TIME.tolist())
    del table["Total Time"]
    (record,) = readers.read(csv(tmp_path, table))
    assert record.metadata["reader"] == "text table"
    np.testing.assert_allclose(record.table["test_time_second"].to_numpy(), TIME)
    assert not re.search("columns", str(record.metadata.get("warnings")))
