"""What a record over time is checked for, and two files of one test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.integrity import checked
from mossy.readers.many import duplicates, read_many
from mossy.records import Cycling

HOURS, MINUTES = 3600.0, 60.0


def plated_and_stripped(cycles: int = 3, dt: float = 10.0, ampere: float = 1e-3) -> pl.DataFrame:
    """Half-hours at constant current, first negative; each row's charge counted by the instrument up to that row."""
    half = int(1800 / dt)
    rows = 2 * cycles * half
    step = np.arange(rows) // half
    current = np.where(step % 2 == 0, -ampere, ampere)
    time = np.arange(1, rows + 1) * dt
    charge = np.cumsum(current) * dt / HOURS
    voltage = 40.0 * current + 1e-6 * np.sin(time / 77.0)
    return pl.DataFrame(
        {"test_time_second": time, "voltage_volt": voltage, "current_ampere": current, "net_capacity_ah": charge}
        | {"step_count": step + 1, "cycle_count": step // 2 + 1}
    )


def counted_by(table: pl.DataFrame, scope: str) -> pl.DataFrame:
    """The same with the charge counted each way, in all or anew for each cycle or step, or both ways as one."""
    group = {"step_": "step_count", "cycle_": "cycle_count"}.get(scope)
    change = pl.col("current_ampere") * 10.0 / HOURS
    ways = {"charging": change.clip(lower_bound=0.0), "discharging": (-change).clip(lower_bound=0.0)}
    if scope == "cumulative":
        ways = {"cumulative": change.abs()}
        scope = ""
    summed = [way.cum_sum().over(group) if group else way.cum_sum() for way in ways.values()]
    names = [f"{scope}{way}_capacity_ah" for way in ways]
    return table.drop("net_capacity_ah").with_columns(
        column.alias(name) for column, name in zip(summed, names, strict=True)
    )


# --- the charge -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["net", "", "schedule_", "cycle_", "step_", "cumulative"])
def test_the_charge_is_that_which_the_instrument_counted_in_whichever_column(scope: str) -> None:
    """Constant currents: the integral is exact, but for the rounding of sums; the first row's charge is before it."""
    table = plated_and_stripped()
    record = checked(Cycling(table if scope == "net" else counted_by(table, scope)))
    check = record.metadata["charge_check"]
    whole = 3 * 0.5e-3
    assert check["integrated_ah"]["charging"] == pytest.approx(whole, rel=1e-12)
    assert check["integrated_ah"]["discharging"] == pytest.approx(whole - 1e-3 * 10.0 / HOURS, rel=1e-12)
    assert check["vendor_ah"] == pytest.approx(check["integrated_ah"], rel=1e-10)
    assert abs(check["relative_difference"]) < 1e-10
    assert "warnings" not in record.metadata
    assert (record.metadata["first_current"], record.metadata["cycles_start_with"]) == ("discharge", "discharge")
    assert record.table.equals(checked(record).table)


def test_a_disagreement_is_said_with_both_numbers_and_corrected_nowhere() -> None:
    table = plated_and_stripped().with_columns(pl.col("net_capacity_ah") * 0.9)
    record = checked(Cycling(table))
    (warning,) = record.metadata["warnings"]
    assert "differ by 11 %" in warning
    assert "0.0015 Ah charging" in warning
    assert "0.00135 Ah charging" in warning
    assert record.metadata["charge_check"]["relative_difference"] == pytest.approx(1.0 / 0.9 - 1.0, rel=1e-9)
    assert record.table.equals(table)


def test_a_current_written_too_coarsely_is_named_as_the_reason() -> None:
    """0.178 mA written as 0.0002 A, as some cyclers export: a charge 12 % too large."""
    table = plated_and_stripped(ampere=0.178e-3)
    record = checked(Cycling(table.with_columns(pl.col("current_ampere").round(4))))
    assert "written in steps of" not in record.metadata["warnings"][0]  # one size of current alone does not show it
    rest = table.with_columns(current_ampere=pl.when(pl.col("step_count") > 4).then(0.0).otherwise("current_ampere"))
    rest = rest.with_columns(net_capacity_ah=(pl.col("current_ampere") * 10.0 / HOURS).cum_sum())
    record = checked(Cycling(rest.with_columns(pl.col("current_ampere").round(4))))
    assert "the current is written in steps of 0.0002 A" in record.metadata["warnings"][0]


def test_what_the_sampling_leaves_open_is_no_disagreement() -> None:
    """A current that decays between rows 600 s apart: trapezoid and truth differ by 2 %, less than rows leave open."""
    fine = np.arange(0.0, 7201.0, 1.0)
    decay = 1e-3 * np.exp(-fine / 1200.0)
    charge = np.concatenate([[0.0], np.cumsum(0.5 * (decay[1:] + decay[:-1]))]) / HOURS
    table = {"test_time_second": fine, "voltage_volt": 4.2 + 1e-6 * fine, "current_ampere": decay}
    frame = pl.DataFrame(table | {"net_capacity_ah": charge})
    coarse = checked(Cycling(frame[::600])).metadata
    assert coarse["charge_check"]["relative_difference"] > 0.015
    assert "warnings" not in coarse
    (told,) = checked(Cycling(frame[::1800])).metadata["warnings"]  # 18 %: left open by the rows, but worth a word
    assert "the rows are too far apart, or too coarse, to integrate" in told
    wrong = checked(Cycling(frame.with_columns(pl.col("net_capacity_ah") * 0.98))).metadata
    assert "differ by 2 %" in wrong["warnings"][0]


@pytest.mark.parametrize(
    ("scale", "factor", "words"),
    [
        ({"current_ampere": 1e3}, "1000", "mA are labelled A"),
        ({"net_capacity_ah": 1e3}, "0.001", "mAh are labelled Ah"),
        ({"current_ampere": 1e6}, "1e+06", "uA are labelled A"),
        ({"net_capacity_ah": 3600.0}, "0.0002778", "A s are labelled Ah"),
        ({"test_time_second": 1 / 60.0}, "0.01667", "minutes are labelled seconds"),
        ({"test_time_second": 1 / 3600.0}, "0.0002778", "hours are labelled seconds"),
    ],
)
def test_units_that_contradict_each_other_are_refused(
    scale: dict[str, float], factor: str, words: str, tmp_path: Path
) -> None:
    table = plated_and_stripped().with_columns(pl.col(name) * by for name, by in scale.items())
    path = tmp_path / "cell.bdf.csv"
    table.write_csv(path)
    with pytest.raises(InputError, match=f"factor {factor}".replace("+", r"\+")) as refusal:
        readers.read(path)
    assert words in str(refusal.value)
    assert "by integrating the current" in str(refusal.value)
    assert 'trust="current"' in str(refusal.value)
    (record,) = readers.read(path, trust="current")
    assert words in record.metadata["warnings"][0]
    assert record.table["current_ampere"].to_list() == pytest.approx(table["current_ampere"].to_list())


def test_naming_the_unit_mends_a_wrong_heading(tmp_path: Path) -> None:
    """Minutes, mA and mAh in columns that the caller declares."""
    table = plated_and_stripped()
    scales = {"test_time_second": 1 / MINUTES, "current_ampere": 1e3, "net_capacity_ah": 1e3}
    names = {"test_time_second": "t", "voltage_volt": "U", "current_ampere": "Current (A)", "net_capacity_ah": "Q"}
    written = table.with_columns(pl.col(name) * by for name, by in scales.items()).rename(names)
    path = tmp_path / "mine.csv"
    written.write_csv(path)
    columns: dict[str, Any] = {"test_time_second": ("t", "min"), "voltage_volt": "U"}
    columns |= {"net_capacity_ah": ("Q", "mA.h")}
    with pytest.raises(InputError, match="mA are labelled A"):
        readers.read(path, columns=columns)
    (record,) = readers.read(path, columns=columns | {"current_ampere": ("Current (A)", "mA")})
    for name in ("test_time_second", "current_ampere", "net_capacity_ah"):
        assert record.table[name].to_numpy() == pytest.approx(table[name].to_numpy(), rel=1e-12)
    assert abs(record.metadata["charge_check"]["relative_difference"]) < 1e-9


def test_a_net_count_that_was_set_to_zero_counts_on_from_there() -> None:
    """As where a programme loops; a count that comes back to exactly zero by itself is none."""
    table = plated_and_stripped(dt=150.0)
    assert table["net_capacity_ah"][23] == pytest.approx(0.0, abs=1e-18)
    exact = table.with_columns(pl.col("net_capacity_ah").round(12))
    assert abs(checked(Cycling(exact)).metadata["charge_check"]["relative_difference"]) < 1e-6
    at_zero = table["net_capacity_ah"][17]
    set_to_zero = pl.col("net_capacity_ah") - at_zero * (pl.col("test_time_second") >= 2700.0)
    record = checked(Cycling(table.with_columns(set_to_zero)))
    assert "warnings" not in record.metadata
    lost = 1e-3 * 150.0 / HOURS  # the interval in which it was set
    assert record.metadata["charge_check"]["vendor_ah"]["charging"] == pytest.approx(1.5e-3 - lost, rel=1e-9)


def test_a_current_without_its_sign_is_refused() -> None:
    table = counted_by(plated_and_stripped(), "step_").with_columns(pl.col("current_ampere").abs())
    with pytest.raises(InputError, match="never negative although charge was taken out"):
        checked(Cycling(table))
    assert "sign is lost" in checked(Cycling(table), {"trust": "current"}).metadata["warnings"][0]


def test_a_sign_the_other_way_round_is_said_and_kept() -> None:
    table = counted_by(plated_and_stripped(), "").with_columns(-pl.col("current_ampere"))
    record = checked(Cycling(table))
    assert "positive current is what" in record.metadata["warnings"][0]
    assert record.table.equals(table)
    assert abs(record.metadata["charge_check"]["relative_difference"]) < 1e-10


def test_charge_counted_at_rest_says_nothing_of_the_sign() -> None:
    """An instrument that integrates its own offset, of which a row now and then shows the last digit."""
    time = 10.0 * np.arange(500.0)
    current = np.where(np.arange(500) % 40 == 0, -1e-6, 0.0)
    table = {"test_time_second": time, "voltage_volt": 3.7 + 1e-6 * time, "current_ampere": current}
    table |= {"charging_capacity_ah": 1e-9 * time, "discharging_capacity_ah": 2e-9 * time}
    (warning,) = checked(Cycling(pl.DataFrame(table))).metadata["warnings"]
    assert "two counts of the charge differ" in warning


def test_a_gap_is_in_neither_count_and_said_where_charge_would_matter() -> None:
    table = plated_and_stripped()
    jumped = table.with_columns(
        test_time_second=pl.col("test_time_second") + 900.0 * (pl.col("test_time_second") > 400.0)
    )
    record = checked(Cycling(jumped))
    (gap,) = record.metadata["gaps"]
    assert (gap["row"], gap["start_second"], gap["duration_second"]) == (41, 400.0, 910.0)
    assert gap["charge_ah"] == pytest.approx(-1e-3 * 910.0 / HOURS, rel=1e-12)
    assert "1 gaps without a row" in record.metadata["warnings"][0]
    assert abs(record.metadata["charge_check"]["relative_difference"]) < 1e-10


def test_a_long_interval_that_the_instrument_counted_through_is_no_gap() -> None:
    """Rows written on a change of voltage only, as on a flat plateau."""
    table = plated_and_stripped()
    sparse = table.filter(~pl.col("test_time_second").is_between(400.0, 1300.0))
    record = checked(Cycling(sparse))
    assert "gaps" not in record.metadata
    assert "warnings" not in record.metadata
    without = checked(Cycling(sparse.drop("net_capacity_ah")))
    assert len(without.metadata["gaps"]) == 1


# --- times, clocks, columns that say nothing --------------------------------------------------------------------------


def written(folder: Path, table: pl.DataFrame, name: str = "cell.bdf.csv") -> Path:
    table.write_csv(folder / name)
    return folder / name


def test_rows_with_the_time_of_their_step_are_refused_or_left_out(tmp_path: Path) -> None:
    table = plated_and_stripped()
    first = (pl.col("step_count") != pl.col("step_count").shift(1)).fill_null(False)
    bug = table.with_columns(test_time_second=pl.when(first).then(0.0).otherwise("test_time_second"))
    path = written(tmp_path, bug)
    with pytest.raises(InputError, match=r"line 182, 362, 542 and 2 more: 5 of 1080 rows .* hold 0 s"):
        readers.read(path)
    (record,) = readers.read(path, times="drop")
    assert record.metadata["dropped_rows"] == 5
    assert record.table["test_time_second"].to_list() == table.filter(~first.alias("x"))["test_time_second"].to_list()
    with pytest.raises(InputError, match="is no way to treat it"):
        readers.read(path, times="sort")


def test_a_run_appended_to_another_is_refused_or_goes_on(tmp_path: Path) -> None:
    table = plated_and_stripped().drop("net_capacity_ah")
    path = written(tmp_path, pl.concat([table, table]))
    with pytest.raises(InputError, match=r"line 1082: from 10800 s to 10 s, as where a clock was set"):
        readers.read(path)
    with pytest.raises(InputError, match="clock"):
        readers.read(path, times="drop")
    (record,) = readers.read(path, times="continue")
    assert record.table["test_time_second"].to_numpy() == pytest.approx(10.0 * np.arange(1, 2161), rel=1e-12)
    assert "the pause is not known" in record.metadata["warnings"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"current_ampere": pl.col("current_ampere") * 2e6}, "the current reaches 2000 A"),
        ({"voltage_volt": pl.col("voltage_volt") * 1e6 + 3.7e3}, "a wrong unit, or an overloaded instrument"),
        ({"current_ampere": pl.lit(0.0)}, "the current is 0 A in all 1080 rows"),
        ({"voltage_volt": pl.lit(3.7)}, "the voltage is 3.7 V in all 1080 rows"),
        (
            {"unix_time_second": pl.col("test_time_second") + 1.7e9 - 3600.0 * (pl.col("test_time_second") > 5e3)},
            "the clock jumps against the time of the test: -3600 s at row 501",
        ),
    ],
)
def test_what_is_doubtful_is_said(change: dict[str, pl.Expr], words: str) -> None:
    record = checked(Cycling(plated_and_stripped().drop("net_capacity_ah").with_columns(**change)))
    assert any(words in warning for warning in record.metadata["warnings"])


def test_rows_written_twice_are_said() -> None:
    table = plated_and_stripped()
    record = checked(Cycling(pl.concat([table[:100], table[99:]])))
    assert record.metadata["warnings"] == ["1 rows repeat the row before them (first: row 101)"]


def test_a_record_of_mossys_own_keeps_what_was_found(tmp_path: Path) -> None:
    path = written(tmp_path, plated_and_stripped().with_columns(pl.col("net_capacity_ah") * 0.9))
    (first,) = readers.read(path)
    first.write(tmp_path / "kept.parquet")
    (again,) = readers.read(tmp_path / "kept.parquet")
    assert again.metadata["warnings"] == first.metadata["warnings"]
    assert again.metadata["charge_check"] == first.metadata["charge_check"]


# --- two files of one test --------------------------------------------------------------------------------------------


def test_copies_parts_and_other_formats_of_one_test_are_told(tmp_path: Path) -> None:
    table = plated_and_stripped()
    whole = written(tmp_path, table, "a.bdf.csv")
    (tmp_path / "copy.csv").write_bytes(whole.read_bytes())
    written(tmp_path, table[:500], "part.bdf.csv")
    table.with_columns(pl.col(pl.Float64).cast(pl.Float32)).write_parquet(tmp_path / "single.bdf.parquet")
    written(tmp_path, table.with_columns(pl.col("voltage_volt") * 1.001), "other.bdf.csv")
    written(tmp_path, table[:8], "few.bdf.csv")
    found = read_many([tmp_path])
    kept = {each.path.name: each.duplicate_of.name for each in found if each.duplicate_of}
    assert kept == dict.fromkeys(("copy.csv", "part.bdf.csv", "single.bdf.parquet"), "a.bdf.csv")
    told = duplicates(found)
    assert len(told) == 3
    assert sum("the same bytes" in each for each in told) == 1
    assert sum("its 500 rows are the first of 1080" in each for each in told) == 1
    assert all(each.records for each in found)


@pytest.mark.parametrize(
    "change",
    [
        pl.when(pl.int_range(pl.len()).is_between(400, 700)).then(1.2).otherwise(1.0) * pl.col("current_ampere"),
        pl.when(pl.int_range(pl.len()) == 777).then(0.5).otherwise(pl.col("current_ampere")),
        pl.when(pl.int_range(pl.len()) == 1074).then(1.01e-3).otherwise(pl.col("current_ampere")),
    ],
    ids=["some rows", "one row", "one row near the end"],
)
@pytest.mark.parametrize("rows", [1080, 1079])
def test_a_test_of_which_some_rows_differ_is_another(change: pl.Expr, rows: int, tmp_path: Path) -> None:
    table = plated_and_stripped().drop("net_capacity_ah")
    written(tmp_path, table, "a.bdf.csv")
    written(tmp_path, table.with_columns(current_ampere=change)[:rows], "b.bdf.csv")
    found = read_many([tmp_path])
    assert [each.duplicate_of for each in found] == [None, None]
    assert duplicates(found) == []


def test_which_of_two_copies_is_kept_does_not_hang_on_the_order_they_come_in(tmp_path: Path) -> None:
    first = written(tmp_path, plated_and_stripped(), "a.bdf.csv")
    second = tmp_path / "b.bdf.csv"
    second.write_bytes(first.read_bytes())
    for order in ([first, second], [second, first]):
        assert {each.path: each.duplicate_of for each in read_many(order)} == {first: None, second: first}


def test_counters_at_rest_are_no_wrong_unit(tmp_path: Path) -> None:
    """Noise at rest counts a little both ways; a current below its own digits then stands in no ratio to it."""
    time = np.arange(0.0, 3600.0, 60.0)
    current = np.where(time == 600.0, -1e-6, 0.0)
    charged, discharged = 5e-6 * time / time[-1], 9e-6 * time / time[-1]
    lines = ["test_time_second,voltage_volt,current_ampere,charging_capacity_ah,discharging_capacity_ah"]
    rows = zip(time, 3.0 + 1e-4 * time, current, charged, discharged, strict=True)
    lines += [",".join(f"{value:.12g}" for value in row) for row in rows]
    path = tmp_path / "rest.bdf.csv"
    path.write_text("\n".join(lines) + "\n")
    (record,) = readers.read(path)
    assert record.table.height == 60
    assert any("two counts of the charge differ" in each for each in record.metadata["warnings"])
