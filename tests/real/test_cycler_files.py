"""Cycler files of seven vendors: against exports of the same run, against the tables inside, against their charge."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.records import Record

NEWARE = (
    *("2-1-6_61_07005012.nda.zip", "TestFile.nda.zip", "nda_v22.nda.zip", "nda_v8.nda.zip", "new_nda_file.nda.zip"),
    *("21_10_7_85.ndax", "46_1_5_60_bts16.ndax", "TESTCELL0001-Test_Data_Collection_Ndc17.ndax", "interp-test.ndax"),
    *("Unit27_Example_Corrupt.ndax", "Unit27_Example_Data_File.ndax", "nw4-120-1-6-53.ndax", "scrubbed_ndc2.ndax"),
)
PAUSED = {"SIM", "TestFile"}
"""Exports of tests that were paused: their dates do not show the unit of their total time."""
WITHOUT_BINARY = {"SIM", "nda8", "empty"}
"""Exports whose binary the folder does not hold, and one that holds no points on either side."""
MEMBER_OF = {"nda": b"NEWARE"}


@pytest.fixture(scope="module")
def cyclers(mossy_data: Path) -> Path:
    return mossy_data / "arbin_maccor_pec"


@pytest.fixture(scope="module")
def neware(mossy_data: Path) -> Path:
    return mossy_data / "neware"


def one(path: Path, **options: str) -> Record:
    (record,) = readers.read(path, **options)
    return record


def column(record: Record, name: str) -> np.ndarray:
    return record.table[name].cast(float).fill_null(np.nan).to_numpy()


# --- Neware: the binary against the export of Neware's own program (BTSDA) --------------------------------------------


def test_every_export_has_its_binary(neware: Path) -> None:
    stems = {name.removesuffix(".zip").removesuffix(".nda").removesuffix(".ndax") for name in NEWARE}
    assert {path.stem for path in neware.glob("*.parquet")} - stems == WITHOUT_BINARY


@pytest.mark.parametrize("name", NEWARE)
def test_neware_binary_and_export_agree(name: str, neware: Path) -> None:
    """Counts and steps are the same; measured values agree to the last digit the export writes.

    The export writes 0.1 mV (half a digit: 0.05 mV), 1 uA, 1 mA s, 1 ms and 0.1 degC, and holds single precision,
    which of 1e6 mA s leaves 0.06; its largest currents and charges have six digits, so 5e-6 of them. It writes the
    charge of a step without sign, the binary's is compared by size.
    """
    record = one(neware / name)
    export = pl.read_parquet(neware / (name.split(".nda")[0] + ".parquet"))
    assert record.table.height == export.height
    for theirs, ours in (("Cycle Index", "cycle_count"), ("Step Index", "step_id"), ("Step Count", "step_count")):
        assert record.table[ours].to_list() == export[theirs].to_list(), theirs
    words = export["Step Type"].cast(pl.String).str.replace("Pulse Step", "Pulse").str.replace(" ", "_")
    assert record.table["step_type"].to_list() == words.to_list()
    scales = {
        "Time": ("step_time_second", 1.0, 1e-3, 0.0),
        "Total Time": ("test_time_second", 1.0, 1e-3, 0.0),
        "Voltage(mV)": ("voltage_volt", 1e3, 0.0503, 0.0),
        "Current(uA)": ("current_ampere", 1e6, 0.501, 5e-6),
        "Capacity(mAs)": ("step_net_capacity_ah", 3.6e6, 0.501, 5e-6),
        "Energy(mWs)": ("step_net_energy_wh", 3.6e6, 0.06, 5e-6),
        **dict.fromkeys(("T1", "T1(?)"), ("temperature_t1_celsius", 1.0, 0.0501, 0.0)),
        "T2(?)": ("temperature_t2_celsius", 1.0, 0.0501, 0.0),
    }
    for theirs, (ours, scale, digit, share) in scales.items():
        if theirs not in export.columns:
            continue
        truth, values = export[theirs].cast(float).to_numpy(), column(record, ours) * scale
        if theirs.startswith(("Capacity", "Energy")):
            truth, values = np.abs(truth), np.abs(values)
        assert np.abs(values - truth).max() <= digit + share * np.abs(truth).max(), theirs


@pytest.mark.parametrize("name", [name for name in NEWARE if name.split(".nda")[0] not in PAUSED])
def test_neware_export_is_read_like_its_binary(name: str, neware: Path) -> None:
    """To the digits of the export: 1 ms, 0.1 mV, 1 uA (half of each, and single precision of the largest)."""
    record, export = one(neware / name), one(neware / (name.split(".nda")[0] + ".parquet"))
    for column_name, digit in (("test_time_second", 5e-4), ("voltage_volt", 5.03e-5), ("current_ampere", 5.01e-7)):
        values, truth = column(record, column_name), column(export, column_name)
        assert np.abs(values - truth).max() <= 1.01 * digit + 5e-6 * np.abs(truth).max(), column_name
    ours, theirs = (each.metadata["charge_check"].get("vendor_ah", {}) for each in (record, export))
    size = max(ours.values(), default=0.0)
    assert {way: round(amount / (size or 1.0), 2) for way, amount in ours.items()} == {
        way: round(amount / (size or 1.0), 2) for way, amount in theirs.items()
    }


@pytest.mark.parametrize("name", NEWARE)
def test_neware_clock_differs_by_a_time_zone_only(name: str, neware: Path) -> None:
    """The export writes the clock of the computer it was made on: whole quarters of an hour from ours, in every row."""
    record = one(neware / name)
    export = pl.read_parquet(neware / (name.split(".nda")[0] + ".parquet"))
    offset = export["Date"].dt.epoch("ms").to_numpy() / 1e3 - column(record, "unix_time_second")
    assert np.ptp(offset) < 2e-3
    assert offset[0] / 900.0 == pytest.approx(round(offset[0] / 900.0), abs=1e-5)


@pytest.mark.parametrize("name", NEWARE)
def test_neware_signs_follow_the_words_of_the_step(name: str, neware: Path) -> None:
    """Charge is positive, as current and as charge of the step; a first row may hold the current before the step."""
    table = one(neware / name).table
    for word, sign in (("CC_Chg", 1.0), ("CC_DChg", -1.0)):
        rows = table.filter((pl.col("step_type") == word) & (pl.col("current_ampere") != 0.0))
        if rows.height:
            assert (rows["current_ampere"].to_numpy() * sign > 0.0).mean() > 0.99
            assert (rows["step_net_capacity_ah"].to_numpy() * sign >= 0.0).all()


def test_neware_metadata_is_kept(neware: Path) -> None:
    known = one(neware / "nw4-120-1-6-53.ndax").metadata
    assert known["start_time"] == "2025-04-07T12:44:13"
    assert (known["instrument"], known["channel"]) == ("Neware 27", "120-0-6")
    assert known["comments"] == "250403_kigr_gen9_06"
    assert len(known["source_sha256"]) == 64
    assert one(neware / "nda_v22.nda.zip").metadata["settings"]["active_mass_mg"] == "1.0"


def test_neware_file_without_points_is_refused(neware: Path) -> None:
    with pytest.raises(InputError, match="holds no data points"):
        readers.read(neware / "empty.ndax")


def test_neware_file_with_damaged_description_says_so(neware: Path) -> None:
    record = one(neware / "Unit27_Example_Corrupt.ndax")
    assert any("auxiliary channels" in text for text in record.metadata["warnings"])


@pytest.mark.parametrize("name", ["TestFile.nda.zip", "nda_v22.nda.zip", "new_nda_file.nda.zip", "interp-test.ndax"])
def test_neware_files_are_told_by_content_and_refused_when_cut(name: str, neware: Path, tmp_path: Path) -> None:
    content = (neware / name).read_bytes()
    if name.endswith(".zip"):
        with zipfile.ZipFile(neware / name) as archive:
            content = archive.read(archive.namelist()[0])
    renamed = tmp_path / "cell.dat"
    renamed.write_bytes(content)
    assert one(renamed).table.equals(one(neware / name).table)
    for share in (0.3, 0.9):
        path = tmp_path / ("cut.nda" if content.startswith(MEMBER_OF["nda"]) else "cut.ndax")
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match="cut short"):
            readers.read(path)


def test_the_long_neware_file_is_whole(cyclers: Path) -> None:
    table = one(cyclers / "20260302_IFE_BTS85_2_9_8_1.ndax").table
    assert table.height == 252_951
    assert table["record_index"].to_list() == list(range(1, 252_952))


# --- Arbin ------------------------------------------------------------------------------------------------------------

ARBIN = "20160805_test001_45_cc_01.res"
needs_mdbtools = pytest.mark.skipif(shutil.which("mdb-export") is None, reason="mdb-export (mdbtools) is not installed")


@needs_mdbtools
def test_arbin_points_are_those_of_the_database(cyclers: Path) -> None:
    """Row by row against mdb-export read by the csv module: the same text, so the same numbers."""
    command = ["mdb-export", str(cyclers / ARBIN), "Channel_Normal_Table"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    rows = sorted(csv.DictReader(io.StringIO(text)), key=lambda row: int(row["Data_Point"]))
    record = one(cyclers / ARBIN)
    names = {
        "Test_Time": "test_time_second",
        "Step_Time": "step_time_second",
        "Step_Index": "step_id",
        "Cycle_Index": "cycle_count",
        "Current": "current_ampere",
        "Voltage": "voltage_volt",
        "Charge_Capacity": "cycle_charging_capacity_ah",
        "Discharge_Capacity": "cycle_discharging_capacity_ah",
        "Charge_Energy": "cycle_charging_energy_wh",
        "Discharge_Energy": "cycle_discharging_energy_wh",
    }
    for theirs, ours in names.items():
        assert np.array_equal(column(record, ours), [float(row[theirs]) for row in rows]), theirs
    assert record.metadata["start_time"] == "2016-08-05T16:16:23"
    assert record.metadata["settings"]["Schedule_File_Name"].endswith("24h_rest_3cyc_C20_100cyc_c10_MR.sdu")


@needs_mdbtools
def test_arbin_charge_of_each_cycle_is_the_integral_of_the_current(cyclers: Path) -> None:
    """18 cycles, either way: 3e-4, as the current jumps between rows, of which there are about 500 a cycle."""
    record = one(cyclers / ARBIN)
    time, current, cycle = (column(record, name) for name in ("test_time_second", "current_ampere", "cycle_count"))
    compared = 0
    for number in range(1, 19):
        rows = cycle == number
        for sign, way in ((1.0, "charging"), (-1.0, "discharging")):
            counted = column(record, f"cycle_{way}_capacity_ah")[rows].max()
            integral = np.trapezoid(np.clip(sign * current[rows], 0.0, None), time[rows]) / 3600.0
            assert integral == pytest.approx(counted, rel=3e-4, abs=1e-12)
            compared += counted > 0.0
    assert compared == 35


@needs_mdbtools
def test_arbin_file_cut_short_is_refused(cyclers: Path, tmp_path: Path) -> None:
    content = (cyclers / ARBIN).read_bytes()
    for size in (5_000, 40_000, 900_000, 1_200_128, 1_500_000):
        (tmp_path / "cut.res").write_bytes(content[:size])
        with pytest.raises(InputError, match="damaged or cut short"):
            readers.read(tmp_path / "cut.res")


@needs_mdbtools
def test_arbin_packed_file_is_that_inside(mossy_data: Path, tmp_path: Path) -> None:
    packed = one(mossy_data / "bdf" / "mits7-0.res.gz")
    (tmp_path / "mits7-0.res").write_bytes(gzip.decompress((mossy_data / "bdf" / "mits7-0.res.gz").read_bytes()))
    inside = one(tmp_path / "mits7-0.res")
    assert packed.table.equals(inside.table)
    assert packed.metadata["origin"]["source_sha256"] == inside.metadata["source_sha256"]
    assert column(inside, "record_index").tolist() == list(range(1, 9))


def test_arbin_database_table_in_a_workbook(cyclers: Path) -> None:
    """29 rows of a cell at rest, then its discharge: 300 s a row, and the counter rises with the current's sign."""
    record = one(cyclers / "mock_data_001.xlsx")
    assert record.metadata["reader"] == "Arbin table"
    time, current = column(record, "test_time_second"), column(record, "current_ampere")
    assert np.diff(time[:12]) == pytest.approx(np.full(11, 300.0), abs=1e-3)
    counted = column(record, "discharging_capacity_ah")
    assert (np.diff(counted) >= 0.0).all()
    assert counted[-1] > 0.0 > current[-1]


# --- Maccor, Landt, PEC -----------------------------------------------------------------------------------------------


def test_maccor_charge_is_the_integral_of_the_signed_current(cyclers: Path) -> None:
    """2e-5: the counter has 8 decimals (1e-8 of 2.3 mAh a step), the current 5 digits."""
    record = one(cyclers / "maccor_002.txt")
    assert record.table.height == 7446
    time, current = column(record, "test_time_second"), column(record, "current_ampere")
    for sign, way in ((1.0, "charging"), (-1.0, "discharging")):
        integral = np.trapezoid(np.clip(sign * current, 0.0, None), time) / 3600.0
        assert integral == pytest.approx(column(record, f"{way}_capacity_ah")[-1], rel=2e-5)


def test_maccor_times_are_those_of_its_clock(cyclers: Path) -> None:
    """From the first row, 3:40:24 PM of the 11th, to the last, 7:10:13 AM of the 14th, by the file's dates."""
    time = column(one(cyclers / "maccor_002.txt"), "test_time_second")
    assert time[-1] - time[0] == pytest.approx(
        3 * 86400 - (15 * 3600 + 40 * 60 + 24) + 7 * 3600 + 10 * 60 + 13, abs=2.0
    )


def test_maccor_voltage_rises_in_charge_and_falls_in_discharge(cyclers: Path) -> None:
    table = one(cyclers / "maccor_002.txt").table
    for word, sign in (("C", 1.0), ("D", -1.0)):
        parts = table.filter(pl.col("step_type") == word).partition_by("cycle_count")
        assert all(sign * (part["voltage_volt"][-1] - part["voltage_volt"][0]) > 1.0 for part in parts)


def test_landt_export_is_what_others_made_of_it(mossy_data: Path) -> None:
    """The Battery Data Format file of the same test holds the same digits; its 0 degC is no thermometer."""
    stem = "SINTEF__LiGrR2032__2024-04-30__25degC__Landt"
    ours, theirs = (one(mossy_data / "bdf" / f"{stem}{ending}") for ending in (".csv", ".bdf.csv"))
    assert ours.metadata["reader"] == "Landt table"
    pairs = {
        **{name: name for name in ("test_time_second", "voltage_volt", "current_ampere")},
        "step_id": "step_index",
        "step_charging_capacity_ah": "charging_capacity_ah",
        "step_discharging_capacity_ah": "discharging_capacity_ah",
    }
    for left, right in pairs.items():
        assert np.array_equal(column(ours, left), column(theirs, right)), left
    assert set(column(theirs, "ambient_temperature_celsius")) == {0.0}
    assert not [name for name in ours.table.columns if "celsius" in name]


def test_landt_charge_agrees_within_the_digit_of_the_current(mossy_data: Path) -> None:
    """The current is written in steps of 0.1 mA, so it is known to 0.05 mA, and the charge to that times the time."""
    table = one(mossy_data / "bdf" / "SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv").table
    compared = 0
    for part in table.partition_by("cycle_count", "step_id"):
        time, current = part["test_time_second"].to_numpy(), part["current_ampere"].to_numpy()
        for sign, way in ((1.0, "charging"), (-1.0, "discharging")):
            counted = float(part[f"step_{way}_capacity_ah"].max())
            integral = float(np.trapezoid(np.clip(sign * current, 0.0, None), time)) / 3600.0
            assert abs(integral - counted) <= 0.05e-3 * float(np.ptp(time)) / 3600.0 + 0.05e-3
            compared += counted > 0.0
    assert compared == 3, "discharge, charge, discharge"


@pytest.mark.parametrize(("name", "rows"), [("Test25195.csv", 19), ("Test25205.csv", 489), ("Test25209.csv", 281)])
def test_pec_cell_at_rest_passes_no_charge(name: str, rows: int, cyclers: Path) -> None:
    """The current is written in steps of 1 uA and is 0: integral and counters stay under 2 uA times the time."""
    record = one(cyclers / name, trust="current")
    assert (record.metadata["reader"], record.table.height) == ("PEC csv", rows)
    time, current = column(record, "test_time_second"), column(record, "current_ampere")
    most = 2e-6 * np.ptp(time) / 3600.0 + 1e-6
    assert abs(np.trapezoid(current, time)) / 3600.0 <= most
    assert column(record, "charging_capacity_ah").max() <= most
    assert column(record, "discharging_capacity_ah").max() <= most
    assert set(record.table["step_type"]) == {"Idle"}


def test_pec_times_are_those_of_its_clock(cyclers: Path) -> None:
    """Test 25205 runs from 17:45:08 to 13:27:07 of the next day, by its own dates."""
    time = column(one(cyclers / "Test25205.csv", trust="current"), "test_time_second")
    assert time[-1] == pytest.approx(86400 - (17 * 3600 + 45 * 60 + 8) + 13 * 3600 + 27 * 60 + 7, abs=1.0)


# --- what is no measurement, or does not say its units ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps.csv", "steps_short.csv", "custom_data_001.csv"])
def test_tables_that_say_too_little_are_refused_with_a_way_out(name: str, cyclers: Path) -> None:
    with pytest.raises(InputError, match=r"name the columns by their heading or number"):
        readers.read(cyclers / name)


def test_the_custom_table_is_read_once_its_units_are_said(cyclers: Path) -> None:
    columns = {
        "test_time_second": ("test_time", "s"),
        "voltage_volt": ("voltage", "V"),
        "current_ampere": ("current", "A"),
    }
    (record,) = readers.read(cyclers / "custom_data_001.csv", columns=columns, missing="drop", times="continue")
    assert record.table["voltage_volt"].max() < 5.0


NO_MEASUREMENTS = {"steps.csv", "steps_short.csv", "custom_data_001.csv", "empty.ndax", "bdf-ontology-snapshot.ttl"}
DOUBTFUL = {"Test25209.csv", "SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv"}
"""Read or refused by what `mossy.readers.integrity` makes of charge at the resolution, and of times that go back."""


def test_every_file_reads_or_is_refused_with_a_reason(mossy_data: Path) -> None:
    refused: dict[str, InputError] = {}
    for folder in ("arbin_maccor_pec", "neware", "bdf"):
        for path in sorted((mossy_data / folder).iterdir()):
            try:
                assert all(record.table.height for record in readers.read(path)), path.name
            except InputError as error:
                refused[path.name] = error
    exports = {f"{stem}.parquet" for stem in (*PAUSED, "empty")}
    lacking = {ARBIN, "mits7-0.res.gz"} if shutil.which("mdb-export") is None else set()
    assert set(refused) - DOUBTFUL == NO_MEASUREMENTS | exports | lacking
    assert [name for name, error in refused.items() if not (error.problem and error.remedy)] == []
