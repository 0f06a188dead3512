"""Impedance files of nine instrument families: every one reads to the numbers of its own columns, or says why not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.many import read_many
from mossy.records import Impedance, Record

SPECTRUM = ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")


@pytest.fixture(scope="module")
def folder(mossy_data: Path) -> Path:
    return mossy_data / "eis_instruments"


def columns_of(path: Path, first: int, last: int | None, mark: str | None, places: tuple[int, int, int]) -> np.ndarray:
    """Three columns of the lines of a file, as numpy's own reader sees them; lines from 1, the last one included."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\r\n", "\n").replace("\r\n", "\n")
    rows = "\n".join(text.split("\n")[first - 1 : last])
    return np.loadtxt(io.StringIO(rows), delimiter=mark, usecols=places, comments=None)


WHERE = {
    **{
        f"Circuit{circuit}_EIS_{run}.z": (124, None, "\t", (0, 4, 5), 1.0, 48 + extra)
        for circuit, extra in ((1, 0), (2, 8), (3, 5))
        for run in (1, 2)
    },
    "exampleDataZPlot.z": (124, None, "\t", (0, 4, 5), 1.0, 21),
    "exampleData.csv": (1, None, ",", (0, 1, 2), 1.0, 66),
    "exampleDataAutolab.txt": (12, None, ",", (0, 4, 5), 1.0, 41),
    "exampleDataBioLogic.mpt": (62, None, "\t", (0, 1, 2), -1.0, 43),
    "exampleDataBioLogic_MissingFreq.mpt": (62, None, "\t", (0, 1, 2), -1.0, 43),
    "exampleDataCHInstruments.txt": (19, None, ",", (0, 1, 2), 1.0, 73),
    "exampleDataGamry.DTA": (449, None, "\t", (3, 4, 5), 1.0, 72),
    "exampleDataGamryABORT.DTA": (100, 171, "\t", (3, 4, 5), 1.0, 72),
    "exampleDataParstat.txt": (783, None, "\t", (3, 4, 5), 1.0, 31),
    "exampleDataPowersuite.txt": (2, None, "\t", (0, 1, 2), 1.0, 30),
    "exampleDataVersaStudio.par": (117, 177, ",", (9, 14, 15), 1.0, 61),
}
"""File -> first and last line of its points, delimiter, columns of f, Z' and Z'' from 0, sign of Z'', points."""


def test_every_file_is_accounted_for(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*WHERE, "LICENSE"}


@pytest.mark.parametrize("name", sorted(WHERE))
def test_every_file_reads_to_its_own_columns(name: str, folder: Path) -> None:
    first, last, mark, places, sign, points = WHERE[name]
    (spectrum,) = readers.read(folder / name, kind="impedance", missing="drop")
    raw = columns_of(folder / name, first, last, mark, places)
    assert len(raw) == points
    for place, (column, factor) in enumerate(zip(SPECTRUM, (1.0, 1.0, sign), strict=True)):
        np.testing.assert_array_equal(spectrum.table[column].to_numpy(), factor * raw[:, place])


def warnings_of(record: Record) -> str:
    return "\n".join(record.metadata.get("warnings", []))


def test_gamry_metadata(folder: Path) -> None:
    (spectrum,) = readers.read(folder / "exampleDataGamry.DTA")
    assert isinstance(spectrum, Impedance)
    known = {key: spectrum.metadata[key] for key in ("instrument", "technique", "start_time", "comments")}
    assert known == {
        "instrument": "Gamry REF3000-34128",
        "technique": "Potentiostatic EIS",
        "start_time": "2018-04-23T16:43:15",
        "comments": "-50mV +5.66X10^-4 D8",
    }
    assert spectrum.metadata["open_circuit_voltage_volt"] == -0.2919803
    assert spectrum.metadata["electrode_area_square_metre"] == 1e-4
    assert "nobody entered one" in warnings_of(spectrum)
    assert spectrum.table.row(0, named=True)["voltage_volt"] == -0.3413299
    assert spectrum.table.row(-1, named=True)["test_time_second"] == 861.0
    assert "OCVCURVE (387 rows)" in spectrum.metadata["columns_not_read"]


def test_an_aborted_gamry_experiment_is_read_as_far_as_it_went(folder: Path) -> None:
    (spectrum,) = readers.read(folder / "exampleDataGamryABORT.DTA")
    assert "the experiment was aborted" in warnings_of(spectrum)
    assert "ends at 0.0158898 Hz, planned was 0.001 Hz" in warnings_of(spectrum)
    assert "temperature_t1_celsius" not in spectrum.table.columns  # -327.63 degC: no thermometer


def test_other_metadata(folder: Path) -> None:
    (versa,) = readers.read(folder / "exampleDataVersaStudio.par")
    assert versa.metadata["instrument"] == "Princeton VersaSTAT4-400"
    assert versa.metadata["start_time"] == "2018-07-19T09:40:30"
    assert versa.metadata["open_circuit_voltage_volt"] == 6.404e-3
    (zplot,) = readers.read(folder / "exampleDataZPlot.z")
    assert zplot.metadata["start_time"] == "2018-10-12T11:04:34"
    assert "was read as month, day, year" in warnings_of(zplot)
    assert "the header says 56 points, 21 follow" in warnings_of(zplot)
    (chi,) = readers.read(folder / "exampleDataCHInstruments.txt")
    assert (chi.metadata["instrument"], chi.metadata["start_time"]) == ("CH Instruments CHI660E", "2020-02-20T15:55:08")
    (nameless,) = readers.read(folder / "exampleData.csv")
    assert "frequency in Hz, Z' and Z'' in ohm" in warnings_of(nameless)
    (powersuite,) = readers.read(folder / "exampleDataPowersuite.txt")
    assert "without a unit were read: 'Frequency' as Hz" in warnings_of(powersuite)


def test_no_real_file_is_told_to_have_the_wrong_sign_or_unit(folder: Path) -> None:
    for name in WHERE:
        (spectrum,) = readers.read(folder / name, kind="impedance", missing="drop")
        assert "holds -Z''" not in warnings_of(spectrum), name
        assert "look like kHz" not in warnings_of(spectrum), name


def test_a_header_without_the_frequency_is_refused_with_the_reason(folder: Path) -> None:
    with pytest.raises(InputError, match="names 17 columns, the rows below have 18 cells: the first column") as refusal:
        readers.read(folder / "exampleDataBioLogic_MissingFreq.mpt")
    assert "freq/Hz" in refusal.value.remedy
    good = readers.read(folder / "exampleDataBioLogic.mpt")[0].table
    (mended,) = readers.read(folder / "exampleDataBioLogic_MissingFreq.mpt", missing="drop")
    assert mended.table.equals(good)
    assert "no name" in warnings_of(mended)


def test_folders_are_read_whole_and_in_natural_order(mossy_data: Path) -> None:
    found = read_many([mossy_data / "solid_electrolyte_series"], kind="impedance")
    assert [file.path.name for file in found if file.records] == [
        f"s04147-{celsius}deg.txt" for celsius in range(140, 201, 10)
    ]
    assert {file.path.name for file in found if file.skipped} == {"LICENSE.txt"}
    assert all(bool(file.records) != bool(file.problem) for file in found)


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A file cut somewhere, or with some of its bytes changed."""
    if random.random() < 0.5:
        return data[: int(random.integers(0, len(data)))]
    changed = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, 8))):
        changed[place] = int(random.integers(0, 256))
    return bytes(changed)


def reads_or_says_why(path: Path) -> bool:
    try:
        found = readers.read(path)
    except InputError as error:
        return bool(error.problem)
    return all(np.isfinite(record.table[name].to_numpy()).all() for record in found for name in record.required)


@pytest.mark.parametrize("name", sorted({*WHERE} - {"Circuit1_EIS_2.z", "Circuit2_EIS_2.z", "Circuit3_EIS_2.z"}))
def test_damaged_files_raise_input_errors_only(name: str, folder: Path, tmp_path: Path) -> None:
    data, random = (folder / name).read_bytes(), np.random.default_rng(20260714)
    path = tmp_path / name
    for _ in range(40):
        path.write_bytes(damaged(data, random))
        assert reads_or_says_why(path)
