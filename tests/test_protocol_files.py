"""A current from a file: separators, headers, signs, and what a bad file is told."""

from pathlib import Path

import numpy as np
import pytest

from mossy.errors import InputError
from mossy.protocol import ProtocolTable, compile_protocol, parse_step

TIMES, PLATED = [0.0, 1800.0, 3600.0], [-10.0, -20.0, 5.0]  # 1, 2, -0.5 mA/cm^2 of an instrument strip, strip, plate


def write(folder: Path, text: str, name: str = "current.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "time / h,current density / mA/cm^2\n0,1\n0.5,2\n1,-0.5\n",
        "time / h;current density / mA/cm^2\n0;1\n0,5;2\n1;-0,5\n",
        "Time (h)\tCurrent density (mA/cm^2)\n0\t1\n0.5\t2\n1\t-0.5\n",
        "time[min] j[A/m^2]\n 0  10\n 30 20\n 60 -5\n",
        "\ufefftest_time_second,step_time_second,current_ampere,voltage_volt\n0,0,1e-3,1\n1800,0,2e-3,1\n3600,0,-5e-4,1",
        "time/s\tEwe/V\t<I>/mA\t\n0\t0\t1\t\n1800\t0\t2\t\n3600\t0\t-0.5\t\n",
        "# a comment\n# time/h current/mA\n\n0 1\n0.5 2\n\n1 -0.5\n",
        '"time / h","current density / (mA/cm^2)"\r\n0,1\r\n0.5,2\r\n1,-0.5\r\n',
        "time / h,plating_current_density_ampere_per_square_meter\n0,-10\n0.5,-20\n1,5\n",
        "time / h,cell current / mA\n10,1\n10.5,2\n11,-0.5\n",  # the file's first time is the step's start
    ],
)
def test_header_names_columns_and_units(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    step = parse_step("current from current.csv", area=1e-4, folder=tmp_path)
    assert step.table is not None
    # Unit conversion is one product and the first time one difference: a few roundings.
    np.testing.assert_allclose(step.table[0], TIMES, rtol=1e-14)
    np.testing.assert_allclose(step.table[1], PLATED, rtol=1e-14)


@pytest.mark.parametrize(
    "words",
    [
        "columns 1 in h and 2 in mA/cm^2",
        "columns 2 in mA/cm^2 and 1 in h",
        "columns a in h and my b in mA cm^-2",
        "columns 'a' in h and 'my b' in mA",
        "columns A in h, and my b in mA, positive strips",
    ],
)
def test_columns_named_by_the_step(tmp_path: Path, words: str) -> None:
    write(tmp_path, "a,my b\n0,1\n0.5,2\n1,-0.5\n")
    step = parse_step(f"current from current.csv {words.replace(', and', ' and')}", area=1e-4, folder=tmp_path)
    assert step.table is not None
    np.testing.assert_allclose(step.table[1], PLATED, rtol=1e-14)
    again = parse_step(str(step), area=1e-4, folder=tmp_path)
    assert again == step
    np.testing.assert_array_equal(again.table, step.table)


def test_numbered_columns_need_no_header_and_the_sign_can_be_said(tmp_path: Path) -> None:
    write(tmp_path, "0, 1\n0.5, 2\n1, -0.5\n")
    text = "current from current.csv columns 1 in h and 2 in mA/cm^2 positive plates for 0.75 h or until -1 V"
    step = parse_step(text, folder=tmp_path)
    assert step.table is not None
    assert step.table[1].tolist() == [10.0, 20.0, -5.0]
    assert (step.ends.time, step.ends.voltage) == (2700.0, -1.0)
    assert parse_step(str(step), folder=tmp_path) == step


def test_plating_column_can_be_overruled(tmp_path: Path) -> None:
    write(tmp_path, "time / s,plating current density / A/m^2\n0,1\n1,1\n")
    step = parse_step("current from current.csv positive strips", folder=tmp_path)
    assert step.table is not None
    assert step.table[1].tolist() == [-1.0, -1.0]


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "time/s,current density/A/m^2\n0,1\n1,1\n", "my file, for one.csv")
    monkeypatch.setenv("MOSSY_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "'$MOSSY_DATA/my file, for one.csv'",
        '"${MOSSY_DATA}/my file, for one.csv"',
        "'~/my file, for one.csv'",
    ):
        step = parse_step(f"current from {name}", folder="/elsewhere")
        assert parse_step(str(step), folder="/elsewhere") == step


def test_segments_follow_their_own_tables(tmp_path: Path) -> None:
    write(tmp_path, "time/h,current density/mA/cm^2\n0,1\n0.5,2\n1,-0.5\n", "a.csv")
    write(tmp_path, "time/s,current density/A/m^2\n0,-1\n1,-3\n", "b.csv")
    table = ProtocolTable(
        steps=["current from a.csv for 0.25 h", "rest for 1 h", "current from b.csv for 9 h"], repeat=2
    )
    schedule = compile_protocol(table, folder=tmp_path)
    first, _, second = schedule.segments[:3]
    assert (first.mode, first.value, first.duration, first.voltage_direction) == ("table", 0.0, 900.0, 0)
    assert (second.mode, second.value, second.duration) == ("table", 1.0, 1.0)  # the file's end comes first
    arrays = schedule.arrays()
    assert arrays["table_time"].tolist() == [TIMES, [0.0, 1.0, 1.0]]
    assert arrays["table_current"].tolist() == [PLATED, [1.0, 3.0, 3.0]]


HEAD = "time / h,current density / mA/cm^2\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty"]),
        ("\n\n", ["is empty"]),
        (HEAD, ["fewer than two points"]),
        (HEAD + "0,1\n", ["fewer than two points"]),
        (HEAD + "0,1\n1,nan\n", ["line 3", "'nan' in column 2 is not a finite number"]),
        (HEAD + "0,1\n\ninf,1\n", ["line 4", "not a finite number"]),
        (HEAD + "0,1\n1,\n", ["line 3", "'' in column 2 is not a number"]),
        (HEAD + "0,1\n1,one\n", ["line 3", "'one'"]),
        (HEAD + "0,1\n1\n", ["line 3", "has 1 columns"]),
        (HEAD + "0,1\n2,1\n1,1\n", ["line 4", "not later"]),
        (HEAD + "0,1\n0,2\n1,1\n", ["line 3", "not later"]),
        (HEAD + "0,1\n1e308,2\n", ["times are too large"]),
        (HEAD + "0,1e308\n1,2\n", ["too large"]),
        ("0,1\n1,1\n", ["no header line", "columns 1 in h"]),
        ("a,b\n0,1\n1,1\n", ["no column of time", "'a', 'b'"]),
        ("time / h,b\n0,1\n1,1\n", ["no column of current"]),
        ("time / h,cell current / mA,my current / mA\n0,1,1\n1,1,1\n", ["2 columns of current"]),
        ("time / h,current / mA\n0,1\n1,1\n", ["'mA'", "area is not known"]),
    ],
)
def test_bad_file(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        parse_step("current from current.csv", key="protocol.steps[0]", folder=tmp_path)
    for part in ["protocol.steps[0]: ", str(path), *parts]:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("current.csv columns tim in h and 2 in mA/cm^2", ["no column 'tim'", "did you mean 'time'?"]),
        ("current.csv columns 1 in h and 3 in mA/cm^2", ["no column 3", "2 columns"]),
        ("current.csv columns 0 in h and 2 in mA/cm^2", ["counted from 1"]),
        ("current.csv columns 1 in h", ["'and' is missing"]),
        ("current.csv columns 1 and 2", ["unit of column '1' is missing"]),
        ("current.csv columns 1 in and 2 in mA", ["missing after 'in'"]),
        ("current.csv columns in h and 2 in mA", ["name or number is missing"]),
        ("current.csv columns 1 in h and 2 in V", ["'V' is neither"]),
        ("current.csv columns 1 in h and 2 in min", ["both units of time"]),
        ("current.csv positive", ["'plates' or 'strips'"]),
        ("current.csv positive plate", ["'plates' or 'strips'"]),
        ("current.csv until 1 mA/cm^2", ["the file sets the current"]),
        ("", ["file's name is missing"]),
        ("nowhere.csv", ["nowhere.csv' does not exist"]),
        (".", ["is not a file"]),
        ("a\0b", ["a\0b"]),
        ("~no_such_person/x.csv", ["is not a usable file name"]),
        ("$NO_SUCH_VARIABLE/x.csv", ["$NO_SUCH_VARIABLE, which is not set"]),
    ],
)
def test_bad_words(tmp_path: Path, words: str, parts: list[str]) -> None:
    write(tmp_path, HEAD + "0,1\n1,1\n")
    with pytest.raises(InputError) as caught:
        parse_step(f"current from {words}", key="protocol.steps[0]", folder=tmp_path)
    for part in ["protocol.steps[0]: ", *parts]:
        assert part in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "current.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match=r"current\.csv"):
        parse_step("current from current.csv", folder=tmp_path)
    write(tmp_path, HEAD + "0," + "1" * 200_000 + "\n")
    with pytest.raises(InputError, match=r"current\.csv"):
        parse_step("current from current.csv", folder=tmp_path)


def test_from_is_asked_for() -> None:
    with pytest.raises(InputError, match="'from' is missing before '1'"):
        parse_step("current 1 mA/cm^2 for 1 h")
