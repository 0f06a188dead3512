"""Readers on files written here: every style of table, every way to be wrong, and never half a result."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mossy import readers
from mossy.errors import InputError
from mossy.readers import Reader, Request
from mossy.readers.headings import recognise
from mossy.records import Cycling, Impedance, Profile, Record

TIME = [0.0, 60.0, 3661.5]
VOLTAGE = [0.0125, -0.125, 1.0]
CURRENT = [1e-3, -2.5e-3, 0.0]


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def table(head: str, delimiter: str = ",", comma: bool = False, scale: tuple[float, ...] = (1.0, 1.0, 1.0)) -> str:
    rows = zip(
        *([x * s for x in column] for column, s in zip((TIME, VOLTAGE, CURRENT), scale, strict=True)), strict=True
    )
    lines = [delimiter.join(format(x, ".15g") for x in row) for row in rows]
    return "\n".join([head, *(line.replace(".", ",") if comma else line for line in lines)]) + "\n"


def check_trace(path: Path, **options: object) -> Record:
    (record,) = readers.read(path, **options)  # type: ignore[arg-type]
    assert isinstance(record, Cycling)
    assert record.table["test_time_second"].to_list() == pytest.approx(TIME, rel=1e-9)
    assert record.table["voltage_volt"].to_list() == pytest.approx(VOLTAGE, rel=1e-9)
    assert record.table["current_ampere"].to_list() == pytest.approx(CURRENT, rel=1e-9)
    return record


# --- headings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "name", "scale"),
    [
        ("time/s", "test_time_second", 1.0),
        ("Time (h)", "test_time_second", 3600.0),
        ("Elapsed Time (s)", "test_time_second", 1.0),
        ("Test Time / s", "test_time_second", 1.0),
        ("test_time_millisecond", "test_time_second", 1e-3),
        ("Ewe/V", "voltage_volt", 1.0),
        ("<Ewe>/V", "voltage_volt", 1.0),
        ("<Ewe/V>", "voltage_volt", 1.0),
        ("Voltage(mV)", "voltage_volt", 1e-3),
        ("<I>/mA", "current_ampere", 1e-3),
        ("I / µA", "current_ampere", 1e-6),
        ("-I/mA", "current_ampere", -1e-3),
        ("current_A", "current_ampere", 1.0),
        ("freq/Hz", "frequency_hertz", 1.0),
        ("Frequency (kHz)", "frequency_hertz", 1e3),
        ("f / mHz", "frequency_hertz", 1e-3),
        ("f / MHz", "frequency_hertz", 1e6),
        ("Re(Z)/Ohm", "real_impedance_ohm", 1.0),
        ("Z' (ohm)", "real_impedance_ohm", 1.0),
        ("Zs'[ohm]", "real_impedance_ohm", 1.0),
        ("Z' / kΩ", "real_impedance_ohm", 1e3),
        ("-Im(Z)/Ohm", "imaginary_impedance_ohm", -1.0),
        ("−Z'' (mOhm)", "imaginary_impedance_ohm", -1e-3),
        ('Z"/ohm', "imaginary_impedance_ohm", 1.0),
        ("Zim (ohms)", "imaginary_impedance_ohm", 1.0),
        ("c/(mol/L)", "concentration_mol_per_L", 1.0),
        ("Concentration [mol.m-3]", "concentration_mol_per_L", 1e-3),
        ("x/mm", "position_um", 1e3),
        ("(Q-Qo)/C", "net_capacity_ah", 1 / 3600),
        ("Cycle Count / 1", "cycle_count", 1.0),
        ("cycle number", "cycle_count", 1.0),
        ("Charging Capacity / mAh", "charging_capacity_ah", 1e-3),
        ("Ambient Temperature / degC", "ambient_temperature_celsius", 1.0),
        ("plating current density / A/m^2", "plating_current_density_mA_per_cm2", 0.1),
    ],
)
def test_headings_are_recognised_with_their_units(heading: str, name: str, scale: float) -> None:
    found = recognise(heading)
    assert found is not None
    assert found.name == name
    assert found.scale == pytest.approx(scale, rel=1e-12)


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "time",
            "Voltage",
            "TestTime",
            "current density / mA/cm^2",
            "time/V",
            "|Vac| (V)",
            "control/V/mA",
            "mode",
            "",
        ),
        *("Z'(a)", "t/s**9999999", "t/9**9**9", "E (V vs Li)", "Re(Zce)/Ohm", "I Range", "temperature_1_C", "12.5"),
    ],
)
def test_what_could_mean_something_else_is_not_recognised(heading: str) -> None:
    assert recognise(heading) is None


def test_kelvin_become_celsius() -> None:
    found = recognise("Ambient Temperature / K")
    assert found is not None
    assert 298.15 * found.scale + found.offset == pytest.approx(25.0, abs=1e-12)


# --- text tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        table("time/s,Ewe/V,<I>/mA", scale=(1, 1, 1e3)),
        table("Time (h);Potential (mV);Current (A)", ";", comma=True, scale=(1 / 3600, 1e3, 1)),
        table("t / min\tE / V\tI / mA", "\t", comma=True, scale=(1 / 60, 1, 1e3)),
        table("Time (s)   Voltage (V)   Current (A)", "   "),
        table("time/s Ewe/V I/mA", "  ", scale=(1, 1, 1e3)),
        "A title\nOperator:,somebody\n\n" + table("time/s,Ewe/V,I/A"),
        table("time/s,Ewe/V,I/A").replace("\n", "\r\n"),
        table("time/s,Ewe/V,I/A").replace("\n", "\r\r\n"),
        table("time/s,Ewe/V,I/A").replace("\n", "\n\n"),
        table("time/s,Ewe/V,I/A").replace("\n", ",\n"),
        '"time/s","Ewe/V","I/A"\n'
        + "".join(f'"{t}","{v}","{i}"\n' for t, v, i in zip(TIME, VOLTAGE, CURRENT, strict=True)),
        table("time/s,Ewe/V,I/A").rstrip("\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_every_style_of_table_gives_the_same_numbers(text: str, encoding: str, tmp_path: Path) -> None:
    check_trace(write(tmp_path, "trace.txt", text, encoding))


def test_a_headerless_file_is_read_with_a_column_map(tmp_path: Path) -> None:
    path = write(tmp_path, "bare.dat", table("", ";", comma=True, scale=(1 / 3600, 1, 1e3)))
    columns = {"test_time_second": (1, "h"), "voltage_volt": 2, "current_ampere": (3, "mA")}
    check_trace(path, columns=columns)


def test_a_column_map_goes_before_the_headings(tmp_path: Path) -> None:
    path = write(tmp_path, "named.csv", table("t,U,strom", scale=(1 / 60, 1, 1e3)))
    columns = {"test_time_second": ("t", "min"), "voltage_volt": "U", "current_ampere": ("strom", "mA")}
    check_trace(path, columns=columns)
    with pytest.raises(InputError, match="strom"):
        readers.read(path, columns=columns | {"current_ampere": ("Strom!", "mA")})


def test_a_profile_with_the_time_the_caller_knows(tmp_path: Path) -> None:
    path = write(tmp_path, "t=20.csv", "0.5, 1.9\n1.5, 1.8\n2.5, 1.7\n")
    columns = {"position_um": (1, "mm"), "concentration_mol_per_L": (2, "mol/L")}
    (profile,) = readers.read(path, kind="profile", columns=columns, constants={"test_time_second": "20 min"})
    assert isinstance(profile, Profile)
    assert profile.table["position_um"].to_list() == [500.0, 1500.0, 2500.0]
    assert profile.table["concentration_mol_per_L"].to_list() == [1.9, 1.8, 1.7]
    assert profile.table["test_time_second"].to_list() == [1200.0] * 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"columns": {"voltage": (1, "V")}}, "voltage_volt"),
        ({"columns": {"voltage_volt": (1, "furlong")}}, "not a unit"),
        ({"columns": {"voltage_volt": (1, "s")}}, "not a unit"),
        ({"columns": {"voltage_volt": (9, "V"), "test_time_second": (1, "s")}}, "columns"),
        ({"columns": {"voltage_volt": (0, "V")}}, "count columns from 1"),
        ({"columns": {"voltage_volt": (1, "V", "x")}}, "column and its unit"),
        ({"columns": "voltage_volt"}, "not a map"),
        ({"kind": "poem"}, "poem"),
        ({"kind": "impedance"}, "cycling"),
        ({"delimeter": ";"}, "delimiter"),
        ({"decimal": "x"}, "decimal mark"),
        ({"missing": "guess"}, "no way"),
        ({"constants": {"test_time_second": 20}}, "no unit"),
        ({"constants": {"poem": "20 s"}}, "poem"),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(wrong: dict[str, object], message: str, tmp_path: Path) -> None:
    path = write(tmp_path, "trace.txt", table("time/s,Ewe/V,I/A").replace("-0.125", ""))
    if "missing" not in wrong:
        path = write(tmp_path, "trace.txt", table("time/s,Ewe/V,I/A"))
    with pytest.raises(InputError, match=message):
        readers.read(path, **wrong)  # type: ignore[arg-type]


def test_two_candidates_for_one_column_are_not_chosen_between(tmp_path: Path) -> None:
    path = write(tmp_path, "two.csv", "time/s,Ewe/V,Voltage / V\n0,1,2\n1,1,2\n")
    with pytest.raises(InputError, match="both 'Ewe/V' and 'Voltage / V'"):
        readers.read(path)
    (record,) = readers.read(path, columns={"voltage_volt": "Voltage / V"})
    assert record.table["voltage_volt"].to_list() == [2.0, 2.0]


def test_a_missing_unit_is_no_reason_to_guess(tmp_path: Path) -> None:
    path = write(tmp_path, "unitless.csv", table("time,voltage / V,current / A"))
    with pytest.raises(InputError, match="without a unit: 'time'"):
        readers.read(path)


def test_corrupt_cells_are_named_by_line(tmp_path: Path) -> None:
    good = table("time/s,Ewe/V,I/A")
    with pytest.raises(InputError, match=r"line 3: '6o' in 'time/s'"):
        readers.read(write(tmp_path, "letter.csv", good.replace("\n60,", "\n6o,")))
    with pytest.raises(InputError, match="line 3 has 2 cell"):
        readers.read(write(tmp_path, "short.csv", good.replace("60,-0.125", "60")))
    with pytest.raises(InputError, match=r"line 4 has 1 cell.*cut short"):
        readers.read(write(tmp_path, "cut.csv", good[: good.index("3661") + 3]))
    with pytest.raises(InputError, match="names 2 columns"):
        readers.read(write(tmp_path, "header.csv", good.replace("time/s,Ewe/V,I/A", "time/s,Ewe/V")))
    with pytest.raises(InputError, match="mixes decimal marks"):
        readers.read(write(tmp_path, "marks.txt", "time/s\tEwe/V\n0.5\t1,234\n1.5\t1.5\n"))


@pytest.mark.parametrize(
    "data",
    [
        "time/s,Ewe/V,I/A\n0,1,2\n6o,1,2\n",
        "time/s,Ewe/V,I/A\n0,1,2\n60,1\n120,1,2\n180,1,2\n",
        "time/s,Ewe/V,I/A\n0,1,2\n60,1,2\n120,1",
        "time/s,Ewe/V\n0,1.0E+00\n1,2.0E+00\n2,2.0E",
        b"\xff\xfea\x00\x00\xd8",
        b"a\0b,c",
        "time/s,Ewe/V,I/A\n0,,2\n60,1,2\n",
        "t,v\n0,1\n",
    ],
)
def test_every_refusal_says_what_to_do(tmp_path: Path, data: str | bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(InputError) as refusal:
        readers.read(path)
    assert refusal.value.remedy


def test_the_columns_are_named_as_a_case_file_names_them(tmp_path: Path) -> None:
    """Most meet this message at the command line, where Python's own notation means nothing."""
    path = write(tmp_path, "bare.csv", "a,b\n0,1\n1,2\n")
    with pytest.raises(InputError, match=r'columns = \{ test_time_second = \["t", "h"\]'):
        readers.read(path)


def test_incomplete_rows_are_refused_or_dropped_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, "holes.csv", "time/s,Ewe/V,I/A,P/W\n0,1,2,\n1,,2,3\n2,NaN,2,3\n3,1,2,XXX\n")
    with pytest.raises(InputError, match=r'voltage_volt at line 3, 4; .*missing="drop"'):
        readers.read(path)
    (record,) = readers.read(path, missing="drop")
    assert record.table["test_time_second"].to_list() == [0.0, 3.0]
    assert record.table["power_watt"].to_list() == [None, None]
    assert record.metadata["dropped_rows"] == 2
    assert record.metadata["warnings"] == ["2 incomplete rows were left out"]


def test_what_is_not_read_is_listed(tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "more.csv", "time/s,Ewe/V,mode,note\n0,1,3,a\n1,1,3,b\n"))
    assert record.metadata["columns_not_read"] == ["mode", "note"]


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "back.csv", "time/s,Ewe/V\n0,1\n5,1\n3,1\n")
    with pytest.raises(InputError, match=r"goes back at line 4: 1 of 3 rows .*times=\"drop\""):
        readers.read(path)
    (record,) = readers.read(path, times="drop")
    assert record.table["test_time_second"].to_list() == [0.0, 5.0]


# --- spectra ----------------------------------------------------------------------------------------------------------

FREQUENCY = np.geomspace(1e4, 1.0, 9)


def arc(resistance: float) -> np.ndarray:
    return 5.0 + resistance / (1.0 + 2j * np.pi * FREQUENCY * 1e-3)


def spectrum_text(head: str, *arcs: np.ndarray, negate: bool = True) -> str:
    sign = -1.0 if negate else 1.0
    rows = [f"{f:.9e}\t{z.real:.9e}\t{sign * z.imag:.9e}" for arc in arcs for f, z in zip(FREQUENCY, arc, strict=True)]
    return "\n".join([head, *rows]) + "\n"


def test_sweeps_are_split_where_the_frequency_turns_back(tmp_path: Path) -> None:
    arcs = [arc(resistance) for resistance in (10.0, 20.0, 30.0)]
    path = write(tmp_path, "sweeps.txt", spectrum_text("freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm", *arcs))
    found = readers.read(path)
    assert [record.metadata["sweep"] for record in found] == [1, 2, 3]
    for record, z in zip(found, arcs, strict=True):
        assert isinstance(record, Impedance)
        assert record.metadata["sweeps"] == 3
        assert record.table["frequency_hertz"].to_numpy() == pytest.approx(FREQUENCY, rel=1e-8)
        assert record.table["real_impedance_ohm"].to_numpy() == pytest.approx(z.real, rel=1e-8)
        assert record.table["imaginary_impedance_ohm"].to_numpy() == pytest.approx(z.imag, rel=1e-8)
        assert "warnings" not in record.metadata


def test_up_and_down_sweeps_and_a_repeated_point(tmp_path: Path) -> None:
    frequencies = [10, 100, 1000, 500, 50, 5, 5, 2, 9, 90]
    rows = "".join(f"{f},1,-1\n" for f in frequencies)
    found = readers.read(write(tmp_path, "turns.csv", "Frequency (Hz),Z' (ohm),Z'' (ohm)\n" + rows))
    assert [record.table["frequency_hertz"].to_list() for record in found] == [
        [10, 100, 1000],
        [500, 50, 5, 5, 2],
        [9, 90],
    ]


def test_modulus_and_phase_are_as_good_as_both_parts(tmp_path: Path) -> None:
    z = arc(10.0)
    rows = "".join(
        f"{f:.12e},{abs(x):.12e},{np.degrees(np.angle(x)):.12e}\n" for f, x in zip(FREQUENCY, z, strict=True)
    )
    (record,) = readers.read(write(tmp_path, "polar.csv", "freq/Hz,|Z|/Ohm,Phase(Z)/deg\n" + rows))
    assert record.table["real_impedance_ohm"].to_numpy() == pytest.approx(z.real, rel=1e-10)
    assert record.table["imaginary_impedance_ohm"].to_numpy() == pytest.approx(z.imag, rel=1e-10)
    assert record.metadata["impedance"] == "from modulus and phase"


def test_a_sign_that_is_probably_wrong_is_told_not_mended(tmp_path: Path) -> None:
    path = write(tmp_path, "sign.txt", spectrum_text("freq/Hz\tZ'/ohm\tZ''/ohm", arc(10.0), negate=True))
    (record,) = readers.read(path)
    assert record.table["imaginary_impedance_ohm"].to_numpy() == pytest.approx(-arc(10.0).imag, rel=1e-8)
    assert "check before trusting" in record.metadata["warnings"][0]


def test_direct_current_points_are_the_trace_not_part_of_a_spectrum(tmp_path: Path) -> None:
    head = "time/s,Ewe/V,I/A,freq/Hz,Z'/ohm,Z''/ohm\n"
    text = head + "0,1,0.1,0,0,0\n1,1,0.1,0,0,0\n2,1,0,100,5,-1\n3,1,0,10,6,-2\n4,2,0.1,0,0,0\n5,2,0,100,7,-1\n"
    path = write(tmp_path, "mixed.csv", text)
    trace, first, second = readers.read(path)
    assert (trace.kind, first.kind, second.kind) == ("cycling", "impedance", "impedance")
    assert trace.table["test_time_second"].to_list() == [0, 1, 2, 3, 4, 5]
    assert "frequency_hertz" not in trace.table.columns
    assert first.table["real_impedance_ohm"].to_list() == [5.0, 6.0]
    assert second.table["real_impedance_ohm"].to_list() == [7.0]
    assert second.table["voltage_volt"].to_list() == [2.0]
    assert [record.kind for record in readers.read(path, kind="cycling")] == ["cycling"]
    assert len(readers.read(path, kind="impedance")) == 2
    with pytest.raises(InputError, match="frequency is 0 or empty at line 3"):
        readers.read(write(tmp_path, "zero.csv", "freq/Hz,Z'/ohm,Z''/ohm\n1,1,-1\n0,1,-1\n"))
    with pytest.raises(InputError, match="negative at line 2"):
        readers.read(write(tmp_path, "minus.csv", "freq/Hz,Z'/ohm,Z''/ohm\n-1,1,-1\n2,1,-1\n"))


# --- Battery Data Format ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", ["test_time_second,voltage_volt,current_ampere", "Test Time / s,Voltage / V,Current / A"]
)
def test_battery_data_format_csv(head: str, tmp_path: Path) -> None:
    record = check_trace(write(tmp_path, "cell.bdf.csv", table(head)))
    assert record.metadata["reader"] == "Battery Data Format"


def test_battery_data_format_parquet_and_its_old_names(tmp_path: Path) -> None:
    path = tmp_path / "old.bdf.parquet"
    milliseconds = [round(t * 1000) for t in TIME]
    frame = {"test_time_millisecond": milliseconds, "voltage_volt": VOLTAGE, "current_ampere": CURRENT}
    frame |= {"cycle_dimensionless": [0, 0, 1], "date_time_millisecond": [1719933538046 + t for t in milliseconds]}
    pl.DataFrame(frame).write_parquet(path)
    record = check_trace(path)
    assert record.table["cycle_count"].to_list() == [0, 0, 1]
    assert record.table["unix_time_second"][0] == pytest.approx(1719933538.046, abs=1e-4)


def test_mossys_own_files_come_back_with_kind_metadata_and_origin(tmp_path: Path) -> None:
    raw = write(tmp_path, "trace.csv", table("time/s,Ewe/V,I/A"))
    first = readers.read(raw)[0].with_metadata(roles={"under_study": "working"})
    first.write(tmp_path / "kept.parquet")
    (back,) = readers.read(tmp_path / "kept.parquet")
    assert back.table.equals(first.table)
    assert back.metadata["roles"] == {"under_study": "working"}
    assert back.metadata["origin"]["source_sha256"] == hashlib.sha256(raw.read_bytes()).hexdigest()
    assert back.metadata["source_path"] == str(tmp_path / "kept.parquet")
    first.write(tmp_path / "kept.csv")
    check_trace(tmp_path / "kept.csv")


def test_durations_in_parquet_have_their_unit_in_their_type(tmp_path: Path) -> None:
    path = tmp_path / "cell.parquet"
    trace = pl.DataFrame({"Time": TIME, "Voltage / V": VOLTAGE, "Current / A": CURRENT})
    for unit in ("ms", "us", "ns"):
        milliseconds = pl.duration(milliseconds=pl.col("Time") * 1e3, time_unit=unit)  # type: ignore[arg-type]
        trace.with_columns(milliseconds.alias("Time")).write_parquet(path)
        check_trace(path)


@pytest.mark.parametrize("scale", [1.0, 60.0, 3600.0])
def test_a_total_time_in_parquet_has_the_unit_that_agrees_with_its_dates(scale: float, tmp_path: Path) -> None:
    """As in the tables of a Neware export, where "Time" is that of the step; a pause leaves the unit open."""
    path = tmp_path / "cell.parquet"
    start = pl.lit("2024-05-01 12:00:00").str.to_datetime(time_unit="ms")
    date = start + pl.duration(milliseconds=pl.Series(TIME) * 1e3)
    trace = pl.DataFrame({"Time": [0.0, 1.0, 0.0], "Total Time": np.array(TIME) / scale, "Voltage(V)": VOLTAGE})
    trace = trace.with_columns(pl.Series("Current(A)", CURRENT), date.alias("Date"))
    trace.write_parquet(path)
    record = check_trace(path)
    assert record.table["step_time_second"].to_list() == [0.0, scale, 0.0]
    assert any(
        "the unit of 'Total Time' is not written; by the dates in 'Date'" in w for w in record.metadata["warnings"]
    )
    paused = pl.when(pl.int_range(pl.len()) == 2).then(pl.duration(hours=1)).otherwise(pl.duration(hours=0))
    trace.with_columns(pl.col("Date") + paused).write_parquet(path)
    with pytest.raises(InputError, match="'Total Time'"):
        readers.read(path)


def test_spectra_under_one_another_in_parquet_are_told_apart_by_label(tmp_path: Path) -> None:
    frame = {"frequency_hertz": [100.0, 10.0, 1.0, 0.1], "real_impedance_ohm": [1.0] * 4}
    frame |= {"imaginary_impedance_ohm": [-1.0] * 4, "label": ["start", "start", "end", "end"]}  # type: ignore[dict-item]
    pl.DataFrame(frame).write_parquet(tmp_path / "impedance.parquet")
    found = readers.read(tmp_path / "impedance.parquet")
    assert [record.table["label"].to_list() for record in found] == [["start", "start"], ["end", "end"]]


# --- BioLogic text ----------------------------------------------------------------------------------------------------


def mpt(columns: str, rows: list[str], extra: tuple[str, ...] = (), decimal: str = ".", technique: str = "Test") -> str:
    header = ["", technique, "", "Run on channel : 3 (SN 1)", "Acquisition started on : 03/02/2021 16:17:59.000"]
    header += [
        "Device : SP-240 (SN 0200)",
        "Electrolyte : 1 M LiPF6 \xb5",
        f"Electrode surface area : 1{decimal}130 cm\xb2",
    ]
    header += [
        "Comments : one",
        "Comments : two",
        "Is                  0.000               0.400               ",
        *extra,
        "",
    ]
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {len(header) + 3}  ", *header, columns, *rows]
    return "\r\n".join(lines)


GEIS = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\ttime/s\t<Ewe>/V\t<I>/mA\tcycle number\t"


def geis_rows(decimal: str = ".") -> list[str]:
    numbers = [(f, 5.0, 2.0, t, 0.01, -0.4, c) for t, (f, c) in enumerate([(100, 1), (10, 1), (100, 2), (10, 2)])]
    return ["\t".join(f"{x:.7E}".replace(".", decimal) for x in row) for row in numbers]


@pytest.mark.parametrize("decimal", [".", ","])
def test_mpt_sweeps_signs_units_and_settings(decimal: str, tmp_path: Path) -> None:
    path = write(tmp_path, "geis.mpt", mpt(GEIS, geis_rows(decimal), decimal=decimal), "latin-1")
    first, second = readers.read(path)
    assert first.table["imaginary_impedance_ohm"].to_list() == [-2.0, -2.0]
    assert first.table["current_ampere"].to_list() == pytest.approx([-4e-4, -4e-4])
    assert first.table["voltage_volt"].to_list() == pytest.approx([0.01, 0.01])
    assert second.table["test_time_second"].to_list() == [2.0, 3.0]
    assert second.table["cycle_count"].to_list() == [2, 2]
    assert first.table["real_impedance_ohm_cm2"].to_list() == pytest.approx([5.65, 5.65])
    known = {key: first.metadata[key] for key in ("technique", "instrument", "start_time", "electrolyte", "comments")}
    assert known == {
        "technique": "Test",
        "instrument": "BioLogic SP-240 (SN 0200)",
        "start_time": "2021-03-02T16:17:59",
        "electrolyte": "1 M LiPF6 \xb5",
        "comments": "one\ntwo",
    }
    assert first.metadata["settings"]["Is"] == ["0.000", "0.400"]
    assert first.metadata["electrode_area_square_metre"] == pytest.approx(1.13e-4)


def test_mpt_three_electrodes_give_the_whole_cell_and_each_electrode(tmp_path: Path) -> None:
    columns = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\ttime/s\t<Ewe>/V\t<Ece>/V\tRe(Zce)/Ohm\t-Im(Zce)/Ohm"
    columns += "\tRe(Zwe-ce)/Ohm\t-Im(Zwe-ce)/Ohm"
    rows = ["1.0E+002\t1.0E+000\t1.0E-001\t0.0E+000\t3.0E+000\t1.0E+000\t2.0E+000\t2.0E-001\t3.0E+000\t3.0E-001"] * 2
    (record,) = readers.read(write(tmp_path, "three.mpt", mpt(columns, rows), "latin-1"))
    row = record.table.row(0, named=True)
    assert (row["real_impedance_ohm"], row["imaginary_impedance_ohm"]) == (3.0, -0.3)
    assert (row["working_real_impedance_ohm"], row["working_imaginary_impedance_ohm"]) == (1.0, -0.1)
    assert (row["counter_real_impedance_ohm"], row["counter_imaginary_impedance_ohm"]) == (2.0, -0.2)
    assert (row["voltage_volt"], row["working_potential_volt"], row["counter_potential_volt"]) == (2.0, 3.0, 1.0)
    assert (record.metadata["voltage"], record.metadata["impedance"]) == ("Ewe - Ece", "Zwe-ce")


def test_mpt_area_nobody_entered_is_unknown(tmp_path: Path) -> None:
    text = mpt(GEIS, geis_rows()).replace("1.130 cm", "0.001 cm")
    record = readers.read(write(tmp_path, "area.mpt", text, "latin-1"))[0]
    assert "electrode_area_square_metre" not in record.metadata
    assert "real_impedance_ohm_cm2" not in record.table.columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (mpt(GEIS, []), "no data points .technique: Test"),
        (mpt(GEIS, geis_rows())[:120], "cut short"),
        (mpt(GEIS, geis_rows())[:-40], "cut short"),
        (mpt(GEIS, geis_rows())[:-2], "ends within its last number"),
        (mpt(GEIS, geis_rows(), ("Loop 0 from point number 0 to 9",)), "lists 10 points, but only 4"),
        (mpt(GEIS, geis_rows()).replace("Nb header lines", "Lines"), "Nb header lines"),
        (mpt("time/s\tEwe/V", ["03/02/2021 16:17:59.0\t1.0"]), "time is written as a date"),
        (mpt("mode\terror", ["1\t0"]), "no columns"),
    ],
)
def test_mpt_that_is_not_whole_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        readers.read(write(tmp_path, "bad.mpt", text, "latin-1"))


def test_a_column_map_for_a_file_that_names_its_own_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "geis.mpt", mpt(GEIS, geis_rows()), "latin-1")
    with pytest.raises(InputError, match="'columns' is not an option"):
        readers.read(path, columns={"voltage_volt": 1})


def test_mpt_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, "renamed.txt", mpt(GEIS, geis_rows()), "latin-1")
    assert readers.read(path)[0].metadata["reader"] == "BioLogic .mpt"


# --- BioLogic binary: see tests/real for files ------------------------------------------------------------------------


def test_mpr_without_galvani_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0\0\0\0")
    monkeypatch.setitem(sys.modules, "galvani", None)
    with pytest.raises(InputError, match=r"pip install 'mossy\[biologic\]'"):
        readers.read(path)


def test_damaged_mpr_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("galvani")
    path = tmp_path / "x.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0\0\0\0MODULE")
    with pytest.raises(InputError, match=r"not a whole \.mpr file"):
        readers.read(path)


# --- the registry -----------------------------------------------------------------------------------------------------


def test_the_source_is_stamped(tmp_path: Path) -> None:
    path = write(tmp_path, "trace.txt", table("time/s,Ewe/V,I/A"))
    metadata = check_trace(path).metadata
    assert metadata["source_path"] == str(path)
    assert metadata["source_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert metadata["reader"] == "text table"


def test_a_registered_reader_is_asked_first_and_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = readers.names()
    monkeypatch.setattr(readers, "_registry", list(readers._registry))

    def read(path: Path, request: Request) -> list[Record]:
        return [Cycling(pl.DataFrame({"test_time_second": [0.0], "voltage_volt": [1.0]}))]

    ours = Reader("ours", (".ours",), lambda path, head: head.startswith(b"OURS"), read, ("depth",))
    readers.register(ours)
    assert readers.names() == ["ours", *names]
    with pytest.raises(InputError, match="registered already"):
        readers.register(ours)
    path = write(tmp_path, "x.ours", "OURS\n")
    assert readers.read(path, depth=3)[0].metadata["reader"] == "ours"
    with pytest.raises(InputError, match="depth"):
        readers.read(path, dept=3)


def test_files_that_are_no_files(tmp_path: Path) -> None:
    write(tmp_path, "empty.csv", "")
    write(tmp_path, "blank.csv", " \n\n")
    write(tmp_path, "header.csv", "time/s,Ewe/V\n")
    write(tmp_path, "fake.mpr", "time/s,Ewe/V\n")
    (tmp_path / "binary.mpt").write_bytes(bytes(range(256)))
    for name, message in {
        "empty.csv": "is empty",
        "blank.csv": "is empty",
        "header.csv": "no data points",
        "nothing.csv": "cannot be read",
        "binary.mpt": "named like a BioLogic .mpt file",
        "": "folder",
        "nul\0.csv": "null",
        "x" * 5000: "too long|not a file name|cannot be read",
    }.items():
        with pytest.raises(InputError, match=message):
            readers.read(tmp_path / name)
    with pytest.raises(InputError):
        readers.read(3)  # type: ignore[arg-type]


TABLE_LIKE = st.text('0123456789.,;\t\n "eE-+naXZ/', max_size=300).map(str.encode)
EXTENSIONS = (
    *(
        ".mpr",
        ".mpt",
        ".parquet",
        ".bdf.csv",
        ".csv",
        ".txt",
        ".dat",
        ".z",
        ".dta",
        ".par",
        ".ism",
        ".idf",
        ".xlsx",
        "",
    ),
)
STARTS = (
    b"",
    b"EC-Lab ASCII FILE\nNb header lines : 3\n",
    b"PAR1",
    b"BIO-LOGIC MODULAR FILE",
    b"time/s,Ewe/V\n1,2\n",
    b"\xff\xfe",
    b"EXPLAIN\nTAG\tEISPOT\nZCURVE\tTABLE\n\tFreq\tZreal\tZimag\n",
    b"ZPLOT2 ASCII\nFreq(Hz)\tZ'(a)\tZ''(b)\nEnd Comments\n",
    b'"Z60W Data File"\n',
    b"<Application>\nName=VersaStudio\n</Application>\n<Segment1>\nDefinition=Frequency(Hz),Z Real,Z Imag\n",
    b"\x00\x00\xff\xff\xff\xfe\x00\x00\x00\x00\x00\x02",
    b"\x00Version=11\nMethod=Impedance\nprimary_data\n3\n",
    b"PK\x03\x04xl/",
    b"Frequency\tZre\tZimg\n",
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extension=st.sampled_from(EXTENSIONS), start=st.sampled_from(STARTS), rest=st.binary(max_size=300) | TABLE_LIKE)
def test_whatever_the_bytes_only_input_errors_come_out(
    extension: str, start: bytes, rest: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"fuzz{extension}"
    path.write_bytes(start + rest)
    try:
        records = readers.read(path)
    except InputError as error:
        records, told = [], str(error)
    else:
        told = str(path)
    assert str(path) in told
    assert all(record.table.height for record in records)


def test_importing_the_readers_loads_no_heavy_package() -> None:
    code = "import sys, mossy.records, mossy.readers; print({'polars', 'pint', 'jax', 'galvani'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_a_quarter_of_a_million_rows_take_no_more_than_a_second_or_two(tmp_path: Path) -> None:
    import time

    rows = "".join(f"{t},{0.1 + t * 1e-9:.9f},-0.001\n" for t in range(250_000))
    path = write(tmp_path, "long.csv", "time/s,Ewe/V,I/A\n" + rows)
    start = time.perf_counter()
    (record,) = readers.read(path)
    assert record.table.height == 250_000
    assert time.perf_counter() - start < 3.0  # 0.3 s on an idle core; the rest is for busy ones
