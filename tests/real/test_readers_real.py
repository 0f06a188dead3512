"""Readers on instrument files: the binary against the instrument's own text export, and numbers known from outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.records import Cycling, Impedance, Profile, Record, known_names

SINGLE = 2.0**-23
"""Both files hold most columns in single precision, the text with 8 digits: they may differ by its last place."""

COMPARABLE = (
    *("ca.issue_149", "coc.issue_185", "cov.issue_185", "cp.issue_149", "cp.issue_61", "cp", "cva.issue_202"),
    *("gcpl.issue_149", "gcpl.issue_226.CxN", "gcpl.issue_226.I", "geis.issue_149", "geis", "lsv.issue_195", "lsv"),
    *("mb.issue_223", "mb.issue_95", "mb.issue_95.de", "ocv.issue_149", "ocv", "ocv.old", "peis.issue_149", "peis"),
    *(
        "peis.issue_225.ewe_ece",
        "peis.issue_225.no_ece",
        "peis.issue_225.with_ece",
        "vsp_ocv_with",
        "vsp_ocv_wo",
        "zir",
    ),
)
WITHOUT_POINTS = ("wait", "wait.old")
"""Text exports whose technique recorded nothing: header only, on both sides."""
WITHOUT_TEXT = {"bcd.issue_241", "ca", "cv", "mb", "mb.issue_149", "vsp_peis_with"}
"""Binaries that the folder holds no text export of."""


@pytest.fixture(scope="module")
def pairs(mossy_data: Path) -> Path:
    pytest.importorskip("galvani", reason="the extra [biologic] is not installed")
    return mossy_data / "biologic_pairs"


def binary_of(stem: str) -> str:
    """Two exports, a German one and one of an older version, belong to the binary of the plain name."""
    return stem.removesuffix(".de").removesuffix(".old") + ".mpr"


def test_every_file_of_the_pairs_is_accounted_for(pairs: Path) -> None:
    texts = {path.stem for path in pairs.glob("*.mpt")}
    assert texts == {*COMPARABLE, *WITHOUT_POINTS}
    assert {path.stem for path in pairs.glob("*.mpr")} - {binary_of(stem)[:-4] for stem in texts} == WITHOUT_TEXT


@pytest.mark.parametrize("stem", COMPARABLE)
def test_binary_and_text_agree_to_the_precision_of_the_text(stem: str, pairs: Path) -> None:
    binary, text = readers.read(pairs / binary_of(stem)), readers.read(pairs / f"{stem}.mpt")
    assert [record.kind for record in binary] == [record.kind for record in text]
    for left, right in zip(binary, text, strict=True):
        shared = [name for name in left.table.columns if name in right.table.columns]
        assert {*left.required, "test_time_second", "voltage_volt"} <= set(shared)
        assert ("current_ampere" in left.table.columns) == ("current_ampere" in right.table.columns)
        for name in shared:
            compare(name, left, right)


def compare(name: str, left: Record, right: Record) -> None:
    """Relative to the value, except where it is a difference or a projection: then to what it was computed from."""
    scale = 0.0
    if name == "voltage_volt" and "counter_potential_volt" in left.table.columns:
        scale = np.abs(left.table["counter_potential_volt"].to_numpy()).max()
    if left.metadata.get("impedance") == "from modulus and phase" and "imaginary" in name:
        scale = np.abs(left.table["real_impedance_ohm"].to_numpy()).max()
    given = left.table[name].cast(float).to_numpy()
    np.testing.assert_allclose(given, right.table[name].cast(float).to_numpy(), SINGLE, SINGLE * scale, err_msg=name)


@pytest.mark.parametrize("stem", [stem for stem in COMPARABLE if stem != "vsp_ocv_with"])  # its text has no header
def test_binary_and_text_agree_on_the_settings(stem: str, pairs: Path) -> None:
    binary, text = readers.read(pairs / binary_of(stem))[0].metadata, readers.read(pairs / f"{stem}.mpt")[0].metadata
    for name in ("technique", "start_time", "electrode_area_square_metre", "electrolyte", "electrode_material"):
        assert binary.get(name) == text.get(name), name
    assert binary.get("comments", "").split() == text.get("comments", "").split()


@pytest.mark.parametrize("name", ["wait.mpr", "wait.mpt", "wait.old.mpt"])
def test_a_technique_that_recorded_nothing_is_told(name: str, pairs: Path) -> None:
    with pytest.raises(InputError, match=r"no data points \(technique: Wait\)"):
        readers.read(pairs / name)


@pytest.mark.parametrize("stem", sorted(WITHOUT_TEXT))
def test_binaries_without_text_are_read_whole(stem: str, pairs: Path) -> None:
    found = readers.read(pairs / f"{stem}.mpr")
    assert all(record.table.height for record in found)
    assert all(set(record.table.columns) <= set(known_names()) for record in found)


@pytest.mark.parametrize(
    ("name", "sweeps", "points"),
    [
        ("eis_biologic/PEIS.mpr", 4, 61),
        ("eis_biologic/PEIS-0.mpr", 1, 60),
        ("biologic_pairs/vsp_peis_with.mpr", 32, 70),
    ],
)
def test_sweeps_of_multi_sweep_files(name: str, sweeps: int, points: int, mossy_data: Path, pairs: Path) -> None:
    found = readers.read(mossy_data / name)
    assert [record.table.height for record in found] == [points] * sweeps
    assert [record.metadata["sweep"] for record in found] == list(range(1, sweeps + 1))


def test_modulo_bat_holds_a_trace_and_sixteen_sweeps(pairs: Path) -> None:
    trace, *sweeps = readers.read(pairs / "mb.issue_149.mpr")
    assert isinstance(trace, Cycling)
    assert trace.table.height == 564
    assert [record.table.height for record in sweeps] == [13] * 16


# --- Li|Li in TEGDME --------------------------------------------------------------------------------------------------

STEM = "jr862_11_08_23_insitu-impedance-LiLi_1MLiTFSI_TEGDME-1mA"


def test_the_sweeps_of_a_lithium_cell_lose_their_arc(mossy_data: Path, pairs: Path) -> None:
    """The folder's README: 9 points, 500-0.8 Hz; the span falls from 63 to 10.9 ohm at 24.3 h and 2.7 ohm at 44.3 h."""
    sweeps = readers.read(mossy_data / "lili_tegdme" / f"{STEM}_02_GEIS_C05.mpr")
    assert len(sweeps) == 45
    spans, hours = [], []
    for sweep in sweeps:
        assert isinstance(sweep, Impedance)
        frequency, real = (sweep.table[name].to_numpy() for name in ("frequency_hertz", "real_impedance_ohm"))
        assert len(frequency) == 9
        assert (frequency[0], frequency[-1]) == pytest.approx((500.0, 0.8), rel=1e-3)
        assert (sweep.table["imaginary_impedance_ohm"] < 0.0).sum() >= 8  # one point of sweep 17 is an outlier
        spans.append(real[-1] - real[0])
        hours.append(sweep.table["test_time_second"][0] / 3600.0)
    assert (round(spans[0]), round(spans[24], 1), round(spans[44], 1)) == (63, 10.9, 2.7)
    assert (round(hours[24], 1), round(hours[44], 1)) == (24.3, 44.3)
    assert "electrode_area_square_metre" not in sweeps[0].metadata  # the file says 0.001 cm2: nobody entered it


def test_the_sweep_before_the_run(mossy_data: Path, pairs: Path) -> None:
    (sweep,) = readers.read(mossy_data / "lili_tegdme" / f"{STEM}-prerun_C05.mpr")
    frequency = sweep.table["frequency_hertz"].to_numpy()
    assert len(frequency) == 15
    assert (frequency[0], frequency[-1]) == pytest.approx((1e4, 0.1), rel=1e-3)


def test_the_first_plating_of_the_lithium_cell(mossy_data: Path, pairs: Path) -> None:
    """The protocol (the .mps beside it): five minutes of rest, then 0.4 mA for ten minutes."""
    (trace,) = readers.read(mossy_data / "lili_tegdme" / f"{STEM}_01_GCPL_C05.mpr")
    current = trace.table["current_ampere"].to_numpy()
    assert np.median(current[trace.table["step_id"].to_numpy() == 1]) == pytest.approx(4e-4, rel=2e-3)
    charge = trace.table["net_capacity_ah"].to_numpy()[-1]
    assert charge == pytest.approx(4e-4 / 6.0, rel=2e-3)
    time = trace.table["test_time_second"].to_numpy()
    assert np.sum(current[1:] * np.diff(time)) / 3600.0 == pytest.approx(charge, rel=1e-6)


def test_the_voltage_trace_of_the_lithium_cell(mossy_data: Path) -> None:
    """At 2546 s the voltage spikes from 0.12 to 0.66 V and collapses (the folder's README)."""
    (trace,) = readers.read(mossy_data / "lili_tegdme" / f"{STEM}_03_GCPL_C05.txt")
    assert isinstance(trace, Cycling)
    assert trace.table.height == 76807
    assert trace.metadata["absent"] == ["current_ampere"]
    near = trace.table.filter(pl.col("test_time_second").is_between(2500.0, 2600.0))
    spike = near.row(near["voltage_volt"].arg_max() or 0, named=True)
    assert spike["test_time_second"] == pytest.approx(2546.0, abs=1.0)
    assert spike["voltage_volt"] == pytest.approx(0.66, abs=0.005)


# --- Battery Data Format ----------------------------------------------------------------------------------------------


def test_the_standards_own_sample(mossy_data: Path) -> None:
    (record,) = readers.read(mossy_data / "bdf" / "sample.bdf.csv")
    assert record.table.rows() == [(0.0, 3.7, 0.1), (1.0, 3.6, 0.1), (2.0, 3.5, 0.1)]


def test_the_legacy_parquet(mossy_data: Path) -> None:
    path = mossy_data / "bdf" / "legacy.bdf.parquet"
    (record,) = readers.read(path)
    raw = pl.read_parquet(path)
    assert record.table.height == raw.height == 5000
    time = raw["test_time_millisecond"].to_numpy() / 1000.0
    np.testing.assert_allclose(record.table["test_time_second"].to_numpy(), time, rtol=1e-15)
    assert record.table["voltage_volt"].equals(raw["voltage_volt"])
    assert record.table["cycle_count"].to_list() == raw["cycle_dimensionless"].to_list()


def test_landt_raw_and_its_battery_data_format_twin_agree(mossy_data: Path) -> None:
    stem = mossy_data / "bdf" / "SINTEF__LiGrR2032__2024-04-30__25degC__Landt"
    (raw,), (twin,) = readers.read(f"{stem}.csv"), readers.read(f"{stem}.bdf.csv")
    assert (raw.metadata["reader"], twin.metadata["reader"]) == ("Landt table", "Battery Data Format")
    for name in ("test_time_second", "voltage_volt", "current_ampere"):
        assert raw.table[name].equals(twin.table[name])


def test_the_time_bug_is_told(mossy_data: Path) -> None:
    """The first row of all steps but the first holds the time within its step, 0 s: 19 of 20 steps."""
    (path,) = (mossy_data / "bdf").glob("*Time_Bug.bdf.csv")
    with pytest.raises(InputError, match=r"goes back at line 724, 1467, 1649 and 16 more: 19 of 13086 .* hold 0 s"):
        readers.read(path)
    (record,) = readers.read(path, times="drop")
    assert record.table.height == 13086 - 19
    assert (record.table["test_time_second"].diff().drop_nulls() > 0.0).all()
    assert record.metadata["dropped_rows"] == 19


# --- other text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [20, 151, 314, 412, 511, 609, 707, 871, 1100])
def test_salt_profiles_of_peo_cells(minutes: int, mossy_data: Path) -> None:
    path = mossy_data / "peo_litfsi_profiles" / f"t={minutes:04d}.csv"
    columns = {"position_um": (1, "mm"), "concentration_mol_per_L": (2, "mol/L")}
    constants = {"test_time_second": f"{minutes} min"}
    (profile,) = readers.read(path, kind="profile", columns=columns, constants=constants)
    raw = np.loadtxt(path, delimiter=",")
    assert isinstance(profile, Profile)
    np.testing.assert_allclose(profile.table["position_um"].to_numpy(), raw[:, 0] * 1000.0, rtol=1e-15)
    np.testing.assert_array_equal(profile.table["concentration_mol_per_L"].to_numpy(), raw[:, 1])
    assert set(profile.table["test_time_second"]) == {60.0 * minutes}


@pytest.mark.parametrize("celsius", [140, 150, 160, 170, 180, 190, 200])
def test_solid_electrolyte_series(celsius: int, mossy_data: Path) -> None:
    path = mossy_data / "solid_electrolyte_series" / f"s04147-{celsius}deg.txt"
    (spectrum,) = readers.read(path)
    raw = np.loadtxt(path, skiprows=3)
    for place, name in enumerate(Impedance.required):
        np.testing.assert_array_equal(spectrum.table[name].to_numpy(), raw[:, place])


def test_text_exports_of_other_instruments(mossy_data: Path) -> None:
    folder = mossy_data / "eis_instruments"
    (chi,) = readers.read(folder / "exampleDataCHInstruments.txt")
    assert chi.table.row(0)[:3] == (9.961e4, 9.891e1, -2.748)
    trace, spectrum = readers.read(folder / "exampleDataParstat.txt")
    assert (trace.kind, trace.table.height, spectrum.kind, spectrum.table.height) == ("cycling", 812, "impedance", 31)
    assert spectrum.table.row(-1)[:3] == (10.0, 0.0270946491457229, -0.00399791080333837)
    with pytest.raises(InputError, match="names 17 columns, the rows below have 18"):
        readers.read(folder / "exampleDataBioLogic_MissingFreq.mpt")
    units = {"frequency_hertz": "Frequency", "real_impedance_ohm": "Zre", "imaginary_impedance_ohm": "Zimg"}
    (named,) = readers.read(folder / "exampleDataPowersuite.txt", columns=units)
    assert named.table.row(0)[:3] == (0.1, 423929.46, -49014.063)


def test_every_file_reads_or_is_refused_with_a_reason(mossy_data: Path) -> None:
    """Nothing but records and InputError comes out, whatever the vendor, and never a table without rows."""
    for path in sorted(mossy_data.rglob("*")):
        if path.is_dir():
            continue
        try:
            found = readers.read(path)
        except InputError as error:
            found, reason = [], error.problem
        else:
            reason = "read"
        assert reason, path
        for record in found:
            assert set(record.table.columns) <= set(known_names()), path
            assert record.metadata["source_sha256"], path


@pytest.mark.parametrize("name", ["peis.mpr", "mb.issue_223.mpr", "geis.issue_149.mpt", "ocv.mpt"])
def test_files_cut_short_are_refused(name: str, pairs: Path, tmp_path: Path) -> None:
    """Cut anywhere but at the end of a row, where only the header's list of loops could tell."""
    data = (pairs / name).read_bytes()
    path = tmp_path / name
    for share in np.linspace(0.01, 0.985, 40):
        end = int(len(data) * share)
        if data[end - 1 : end + 1].strip(b"\r\n") == data[end - 1 : end + 1]:
            path.write_bytes(data[:end])
            with pytest.raises(InputError):
                readers.read(path)
