"""Records: what they refuse, and that nothing is lost on the way to a file and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

from mossy.errors import InputError
from mossy.records import (
    ADDITIONS,
    BATTERY_DATA_FORMAT,
    KINDS,
    Cycling,
    Impedance,
    Profile,
    Record,
    kind_named,
    known_names,
    unit_of,
)

TRACE = {"test_time_second": [0.0, 1.0], "voltage_volt": [0.1, 0.2], "current_ampere": [1e-3, -1e-3]}
SPECTRUM = {
    "frequency_hertz": [1e3, 1.0],
    "real_impedance_ohm": [1.0, 2.0],
    "imaginary_impedance_ohm": [-0.1, -0.5],
}
PROFILE = {"test_time_second": [60.0, 60.0], "position_um": [0.0, 5.0], "concentration_mol_per_L": [1.2, 0.8]}
TABLES = {"cycling": TRACE, "impedance": SPECTRUM, "profile": PROFILE}


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_a_record_survives_parquet_with_its_kind_and_metadata(kind: str, tmp_path: Path) -> None:
    metadata = {"roles": {"under_study": "working"}, "warnings": ["α ≠ 1"], "electrode_area_square_metre": 1.13e-4}
    record = KINDS[kind](pl.DataFrame(TABLES[kind]), metadata)
    record.write(tmp_path / "x.parquet")
    back = Record.read_parquet(tmp_path / "x.parquet")
    assert type(back) is KINDS[kind]
    assert back.metadata == metadata
    assert back.table.equals(record.table)
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_csv_holds_every_bit_of_the_numbers(tmp_path: Path) -> None:
    third = Cycling(pl.DataFrame(TRACE | {"voltage_volt": [1 / 3, -math.pi]}))
    third.write(tmp_path / "x.csv")
    assert pl.read_csv(tmp_path / "x.csv").equals(third.table)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end in \.parquet or \.csv"):
        Cycling(pl.DataFrame(TRACE)).write(tmp_path / "x.xlsx")


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Cycling(pl.DataFrame(TRACE)).write(tmp_path / "nowhere" / "x.csv")


def test_metadata_json_cannot_hold_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    for value in (math.nan, {1, 2}):
        with pytest.raises(InputError, match="JSON"):
            Cycling(pl.DataFrame(TRACE), {"x": value}).write(tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_each_required_column_is_missed_by_name(kind: str) -> None:
    for name in KINDS[kind].required:
        with pytest.raises(InputError, match=name):
            KINDS[kind](pl.DataFrame(TABLES[kind]).drop(name))


@pytest.mark.parametrize("kind", sorted(TABLES))
@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_holes_in_required_columns_are_refused(kind: str, bad: float | None) -> None:
    for name in KINDS[kind].required:
        with pytest.raises(InputError, match=name):
            KINDS[kind](pl.DataFrame(TABLES[kind] | {name: [1.0, bad]}))


def test_text_is_no_number_and_no_rows_are_no_record() -> None:
    with pytest.raises(InputError, match="not numbers"):
        Cycling(pl.DataFrame(TRACE | {"test_time_second": ["0", "1"]}))
    with pytest.raises(InputError, match="without rows"):
        Cycling(pl.DataFrame(TRACE).clear())


def test_cycling_needs_voltage_or_current_and_names_the_absent_one() -> None:
    table = pl.DataFrame(TRACE)
    assert Cycling(table).metadata == {}
    assert Cycling(table.drop("current_ampere")).metadata["absent"] == ["current_ampere"]
    assert Cycling(table.drop("voltage_volt")).metadata["absent"] == ["voltage_volt"]
    with pytest.raises(InputError, match="needs one"):
        Cycling(table.drop("voltage_volt", "current_ampere"))


def test_a_spectrum_has_positive_frequencies_only() -> None:
    for frequency in (0.0, -1.0):
        with pytest.raises(InputError, match="positive"):
            Impedance(pl.DataFrame(SPECTRUM | {"frequency_hertz": [1e3, frequency]}))


def test_per_area_is_ohm_times_square_centimetres() -> None:
    spectrum = Impedance(pl.DataFrame(SPECTRUM)).per_area(2e-4)
    assert spectrum.table["real_impedance_ohm_cm2"].to_list() == pytest.approx([2.0, 4.0], rel=1e-15)
    assert spectrum.table["imaginary_impedance_ohm_cm2"].to_list() == pytest.approx([-0.2, -1.0], rel=1e-15)
    assert spectrum.metadata["electrode_area_square_metre"] == 2e-4
    with pytest.raises(InputError, match="positive area"):
        spectrum.per_area(0.0)


def test_the_metadata_given_is_not_changed() -> None:
    given: dict[str, object] = {}
    Cycling(pl.DataFrame(TRACE).drop("current_ampere"), given)
    assert given == {}


def test_only_files_mossy_wrote_come_back_as_records(tmp_path: Path) -> None:
    pl.DataFrame(TRACE).write_parquet(tmp_path / "foreign.parquet")
    with pytest.raises(InputError, match=r"mossy\.read"):
        Record.read_parquet(tmp_path / "foreign.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"broken\.parquet"):
        Record.read_parquet(tmp_path / "broken.parquet")
    for note in ("", "[]", '{"kind": "poem"}', json.dumps({"kind": "cycling", "metadata": 3})):
        pl.DataFrame(TRACE).write_parquet(tmp_path / "odd.parquet", metadata={"mossy": note})
        with pytest.raises(InputError, match="cannot be understood"):
            Record.read_parquet(tmp_path / "odd.parquet")
    Cycling(pl.DataFrame(TRACE)).write(tmp_path / "trace.parquet")
    with pytest.raises(InputError, match="not impedance"):
        Impedance.read_parquet(tmp_path / "trace.parquet")


def test_kinds_are_told_by_name() -> None:
    assert kind_named("profile") is Profile
    with pytest.raises(InputError, match="impedance"):
        kind_named("impedence")


def test_every_quantity_ends_in_a_unit_that_pint_knows() -> None:
    import pint

    registry = pint.UnitRegistry()
    for name in known_names():
        registry.parse_units(unit_of(name).replace("1", "dimensionless"))
    counts = [name for name in known_names() if unit_of(name) == "1"]
    bare = {"label", "intensity_counts", "transmission"}
    assert all(name.endswith(("_count", "_id", "_index", "_type")) or name in bare for name in counts)
    assert not set(ADDITIONS) & set(BATTERY_DATA_FORMAT)
