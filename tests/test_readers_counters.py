"""Counters of charge under the names that people and vendors give them, and the units they prove wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.accumulators import accumulated, by_rule
from mossy.readers.headings import recognise
from mossy.records import Cycling

DT, AMPERE, HALF = 10.0, 1e-3, 180
"""Half-hours of 1 mA, each after a rest of as many rows, twice down and up."""
DIRECTION = np.tile(np.repeat([0.0, -1.0, 0.0, 1.0], HALF), 2)
TIME = DT * np.arange(1, len(DIRECTION) + 1)
PASSED = AMPERE * np.abs(DIRECTION) * DT / 3600.0  # Ah in the interval that ends with each row
STEP = np.arange(len(TIME)) // HALF
CYCLE = np.arange(len(TIME)) // (4 * HALF)
TRUTH = 2 * HALF * AMPERE * DT / 3600.0
DIGITS = 1e-9


def anew(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums that start again with each group."""
    total = np.cumsum(values)
    first = np.searchsorted(group, group)
    return total - total[first] + values[first]


def written(folder: Path, columns: dict[str, np.ndarray], current: str = "Current (A)", factor: float = 1.0) -> Path:
    path = folder / "cell.csv"
    trace = {"Time (s)": TIME, current: factor * AMPERE * DIRECTION, "Voltage (V)": 0.04 * DIRECTION + 1e-6 * TIME}
    pl.DataFrame(trace | columns).write_csv(path, float_precision=9)
    return path


def read(path: Path) -> Cycling:
    (record,) = readers.read(path)
    assert isinstance(record, Cycling)
    return record


IN, OUT = np.where(DIRECTION > 0.0, PASSED, 0.0), np.where(DIRECTION < 0.0, PASSED, 0.0)


@pytest.mark.parametrize(
    ("charge", "discharge", "scale"),
    [
        ("Charge Capacity/Ah", "Discharge Capacity/Ah", 1.0),
        ("Charge Capacity (mAh)", "Discharge Capacity (mAh)", 1e3),
        ("Chg. Cap.(Ah)", "DChg. Cap.(Ah)", 1.0),
        ("Q charge/mA.h", "Q discharge/mA.h", 1e3),
        ("Capacitance_Chg(mAh)", "Capacitance_DChg(mAh)", 1e3),
        ("AhCha [Ah]", "AhDch [Ah]", 1.0),
        ("Ladekapazität [mAh]", "Entladekapazität [mAh]", 1e3),
        ("充电容量(mAh)", "放电容量(mAh)", 1e3),
        ("Charge (C)", "Discharge (C)", 3600.0),
    ],
)
@pytest.mark.parametrize("scope", ["", "cycle_", "step_"])
def test_counters_of_one_way_are_known_by_any_usual_name(
    charge: str, discharge: str, scale: float, scope: str, tmp_path: Path
) -> None:
    """The counters say what the current does, to the digits written: 1e-9 of 1 Ah a row, of a whole of 1e-3 Ah."""
    groups = {"": np.zeros_like(STEP), "cycle_": CYCLE, "step_": STEP}
    columns = {"Cycle": CYCLE, "Step": STEP, charge: scale * anew(IN, groups[scope])}
    record = read(written(tmp_path, columns | {discharge: scale * anew(OUT, groups[scope])}))
    assert {f"{scope}charging_capacity_ah", f"{scope}discharging_capacity_ah"} <= set(record.table.columns)
    assert record.metadata["charge_check"]["vendor_ah"] == pytest.approx(
        {"charging": TRUTH, "discharging": TRUTH}, rel=1e-5
    )
    assert "warnings" not in record.metadata


@pytest.mark.parametrize(
    "counter",
    [
        anew(PASSED, STEP),
        np.cumsum(PASSED),
        np.cumsum(IN - OUT),
        np.cumsum(OUT - IN),
        anew(IN - OUT, STEP),
    ],
    ids=["each step", "in total", "net", "net of discharge", "each step with its sign"],
)
@pytest.mark.parametrize("heading", ["Capacity (mAh)", "Q charge/discharge/mA.h", "Capacity/mA.h", "Q (mAh)"])
def test_a_bare_capacity_counts_by_the_rule_that_its_values_show(
    counter: np.ndarray, heading: str, tmp_path: Path
) -> None:
    """Without numbers of steps or cycles: the current's turns and rests are what it starts anew at."""
    record = read(written(tmp_path, {heading: 1e3 * counter}))
    assert record.metadata["charge_check"]["vendor_ah"] == pytest.approx(
        {"charging": TRUTH, "discharging": TRUTH}, rel=1e-5
    )
    assert "warnings" not in record.metadata
    assert "columns_not_read" not in record.metadata


@pytest.mark.parametrize(
    ("columns", "factor"),
    [
        ({"Charge Capacity/mAh": 1e3 * np.cumsum(IN), "Discharge Capacity/mAh": 1e3 * np.cumsum(OUT)}, 1e3),
        ({"Capacity (mAh)": 1e3 * np.cumsum(PASSED)}, 1e3),
        ({"Capacity (mAh)": 1e3 * anew(PASSED, STEP)}, 1e3),
        ({"Q/mA.h": 1e3 * np.cumsum(IN - OUT)}, 1e3),
        ({"Chg. Cap.(Ah)": 1e3 * np.cumsum(IN), "DChg. Cap.(Ah)": 1e3 * np.cumsum(OUT)}, 1.0),
    ],
)
def test_milliamperes_labelled_amperes_are_refused_by_any_counter(
    columns: dict[str, np.ndarray], factor: float, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"differ by a factor (1000|0\.001)") as caught:
        read(written(tmp_path, columns, factor=factor))
    assert 'trust="current" (--trust current)' in caught.value.remedy


def test_a_disagreement_of_five_percent_is_said(tmp_path: Path) -> None:
    record = read(written(tmp_path, {"Capacity (mAh)": 950.0 * anew(PASSED, STEP)}))
    assert any("differ by 5.3 %" in text for text in record.metadata["warnings"])


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"Capacity (mAh)": np.full(len(TIME), 5.0)}, "it stands still while a current flows"),
        ({"Charge Capacity (mAh)": 1.0 + CYCLE}, "it stands still while a current flows"),
        ({"Capacity (mAh)": 1e3 * anew(PASSED, np.arange(len(TIME)) // 77)}, "where it starts anew follows no rule"),
        ({"Spec. Cap. (mAh/g)": np.cumsum(PASSED)}, ""),
    ],
)
def test_what_is_no_counter_is_left_out_and_that_is_said(
    columns: dict[str, np.ndarray], why: str, tmp_path: Path
) -> None:
    record = read(written(tmp_path, columns))
    heading = next(iter(columns))
    assert not [name for name in record.table.columns if "capacity" in name]
    assert record.metadata["columns_not_read"] == [heading]
    told = record.metadata["warnings"]
    unchecked = f"the capacity column '{heading}' was not read, so that the current's unit could not be checked"
    assert unchecked in told
    assert any(text.startswith(f"the column '{heading}' was not read: {why}") for text in told) == bool(why)


def test_a_capacity_of_the_standard_goes_before_other_names(tmp_path: Path) -> None:
    columns = {"net_capacity_ah": np.cumsum(IN - OUT), "Capacity (mAh)": np.full(len(TIME), 7.0)}
    record = read(written(tmp_path, columns))
    assert record.metadata["charge_check"]["column"] == "net_capacity_ah"
    assert record.metadata["columns_not_read"] == ["Capacity (mAh)"]
    assert "warnings" not in record.metadata


def test_energies_are_named_with_their_charges(tmp_path: Path) -> None:
    columns = {"Cycle": CYCLE, "Charge Capacity (Ah)": anew(IN, CYCLE), "Charge Energy (mWh)": 3e3 * anew(IN, CYCLE)}
    table = read(written(tmp_path, columns)).table
    energy, charge = table["cycle_charging_energy_wh"].to_numpy(), table["cycle_charging_capacity_ah"].to_numpy()
    np.testing.assert_allclose(energy, 3.0 * charge, atol=4.0 * DIGITS)


@pytest.mark.parametrize("heading", ["Energy (eV)", "Charge (e)", "Capacity (%)", "Capacity (mAh/g)", "dQ/mA.h", "cap"])
def test_other_quantities_of_such_names_are_no_counters(heading: str) -> None:
    assert recognise(heading) is None


def test_an_inconsistent_counter_is_not_split() -> None:
    """It starts anew at one turn and goes on at the next: what passed there cannot be told."""
    counter, signs = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 2.0]), np.array([1.0, 1.0, -1.0, -1.0, 1.0, 1.0])
    never = np.zeros(5, dtype=bool)
    assert accumulated(counter, signs, never, never) is None
    assert by_rule(counter, signs, never, never) is None


# --- values that are no measurement -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("current_ampere", 9.99e34, r"9\.99e\+34 A at line 302"), ("voltage_volt", -9.9e37, r"-9\.9e\+37 V at line 302")],
)
def test_overflow_is_refused_with_its_place_and_can_be_left_out(
    name: str, value: float, words: str, tmp_path: Path
) -> None:
    path = written(tmp_path, {})
    heading = {"current_ampere": "Current (A)", "voltage_volt": "Voltage (V)"}[name]
    table = pl.read_csv(path).with_columns(
        pl.when(pl.int_range(pl.len()) == 300).then(value).otherwise(pl.col(heading)).alias(heading)
    )
    table.write_csv(path)
    with pytest.raises(InputError, match=rf"{name} is {words}, which is no measurement.*--missing drop"):
        readers.read(path)
    (record,) = readers.read(path, missing="drop")
    assert record.table.height == len(TIME) - 1
    assert record.metadata["dropped_rows"] == 1
    assert any("1 rows were left out" in text and "no measurement" in text for text in record.metadata["warnings"])
