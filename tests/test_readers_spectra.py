"""Spectra under headings of many hands: units, languages, admittance, angular frequency, per area, columns by text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.base import column_of, columns_from_text, columns_remedy
from mossy.readers.headings import conversion, recognise
from mossy.readers.many import read_many
from mossy.records import Record

FREQUENCY = np.geomspace(1e5, 0.1, 25)
IMPEDANCE = 5.0 + 20.0 / (1.0 + 2j * np.pi * FREQUENCY * 1e-3)
OMEGA, ADMITTANCE = 2.0 * np.pi * FREQUENCY, 1.0 / IMPEDANCE
SIZE, PHASE = np.abs(IMPEDANCE), np.degrees(np.angle(IMPEDANCE))
AREA = 1.54
"""cm2"""


def write(folder: Path, head: str, *columns: np.ndarray, comma: bool = False, encoding: str = "utf-8") -> Path:
    lines = [";".join(f"{value:.12e}" for value in row) for row in zip(*columns, strict=True)]
    text = "\n".join(line.replace(".", ",") if comma else line for line in lines)
    path = folder / "spectrum.csv"
    path.write_bytes(f"{head}\n{text}\n".encode(encoding))
    return path


def check(record: Record, impedance: np.ndarray = IMPEDANCE) -> str:
    """That a record is the spectrum, to the thirteen digits of the file; its warnings in one text."""
    table = record.table
    np.testing.assert_allclose(table["frequency_hertz"].to_numpy(), FREQUENCY, 1e-11)
    np.testing.assert_allclose(table["real_impedance_ohm"].to_numpy(), impedance.real, 1e-10)
    np.testing.assert_allclose(table["imaginary_impedance_ohm"].to_numpy(), impedance.imag, 1e-8)
    return "\n".join(record.metadata.get("warnings", []))


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("Frequenz (Hz);Realteil (Ohm);Imaginärteil (Ohm)", (FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag)),
        ("Frequenz/Hz;Realteil Z/Ohm;-Imaginärteil Z/Ohm", (FREQUENCY, IMPEDANCE.real, -IMPEDANCE.imag)),
        ("Frequenz/kHz;Impedanz/Ohm;Phase/Grad", (FREQUENCY / 1e3, SIZE, PHASE)),
        ("Zeit/s;Frequenz/Hz;Z'/Ohm;Z''/Ohm", (np.arange(25.0), FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_german_headings_with_decimal_commas(
    head: str, columns: tuple[np.ndarray, ...], encoding: str, tmp_path: Path
) -> None:
    (record,) = readers.read(write(tmp_path, head, *columns, comma=True, encoding=encoding))
    assert check(record) == ""


@pytest.mark.parametrize(
    ("head", "frequency", "sign"),
    [
        ("f (MHz);Re;-Im", FREQUENCY / 1e6, -1.0),
        ("f / mHz;Re;Im", FREQUENCY * 1e3, 1.0),
        ("f;Re;-Im", FREQUENCY, -1.0),
        ("Frequenz;Realteil;Imaginärteil", FREQUENCY, 1.0),
        ("omega (rad/s);Re;-Im", OMEGA, -1.0),
    ],
)
def test_parts_without_a_unit_beside_a_frequency_with_one(
    head: str, frequency: np.ndarray, sign: float, tmp_path: Path
) -> None:
    (record,) = readers.read(write(tmp_path, head, frequency, IMPEDANCE.real, sign * IMPEDANCE.imag))
    assert "columns without a unit were read" in check(record)


@pytest.mark.parametrize("head", ["omega (rad/s)", "ω / s^-1", "Kreisfrequenz [1/s]", "Angular Frequency (rad s-1)"])
def test_an_angular_frequency_is_divided_by_two_pi_and_that_is_said(head: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"{head};Z' (ohm);Z'' (ohm)", OMEGA, IMPEDANCE.real, IMPEDANCE.imag)
    (record,) = readers.read(path)
    assert check(record) == "the frequencies are the file's angular frequency divided by 2 pi"


def test_angles_per_second_are_never_hertz() -> None:
    assert conversion("rad/s", "frequency_hertz")[0] == pytest.approx(1.0 / (2.0 * math.pi), rel=1e-15)
    heading = recognise("Frequency (krad/s)")
    assert heading is not None
    assert heading.scale == pytest.approx(1e3 / (2.0 * math.pi), rel=1e-12)
    assert recognise("omega (Hz)") is None  # one of the two words is wrong


def test_a_frequency_beside_its_angular_frequency_goes_first(tmp_path: Path) -> None:
    head = "omega (rad/s);f (Hz);Z' (ohm);Z'' (ohm)"
    (record,) = readers.read(write(tmp_path, head, OMEGA, FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag))
    assert check(record) == ""


@pytest.mark.parametrize(
    ("head", "scale", "sign"),
    [
        ("f (Hz);Y' (S);Y'' (S)", 1.0, 1.0),
        ("f (Hz);Re(Y)/mS;-Im(Y)/mS", 1e3, -1.0),
        ("f (Hz);Y' (1/ohm);Y'' (1/ohm)", 1.0, 1.0),
        ("f (Hz);G/S;B/S", 1.0, 1.0),
    ],
)
def test_an_admittance_becomes_an_impedance_and_that_is_noted(
    head: str, scale: float, sign: float, tmp_path: Path
) -> None:
    path = write(tmp_path, head, FREQUENCY, scale * ADMITTANCE.real, sign * scale * ADMITTANCE.imag)
    (record,) = readers.read(path)
    assert check(record) == ""
    assert record.metadata["impedance"] == "from admittance"


def test_an_admittance_of_nothing_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "f (Hz);Y' (S);Y'' (S)", np.array([10.0, 1.0]), np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    with pytest.raises(InputError, match="the admittance is 0 at line 3"):
        readers.read(path)


UNITS = ("ohm cm2", "Ω·cm²", "Ohm*cm^2", "Ωcm²", "Ohm.cm2")


@pytest.mark.parametrize("unit", UNITS)
def test_an_impedance_per_area_needs_the_area(unit: str, tmp_path: Path) -> None:
    columns = (FREQUENCY, AREA * IMPEDANCE.real, -AREA * IMPEDANCE.imag)
    path = write(tmp_path, f"f (Hz);Z' ({unit});-Z'' ({unit})", *columns)
    with pytest.raises(InputError, match="the area is not known") as refusal:
        readers.read(path)
    assert 'area="1.54 cm^2"' in refusal.value.remedy
    (record,) = readers.read(path, area="1.54 cm^2")
    assert check(record) == ""
    assert record.metadata["impedance"] == "from columns in ohm cm2"
    np.testing.assert_allclose(record.table["imaginary_impedance_ohm_cm2"].to_numpy(), AREA * IMPEDANCE.imag, 1e-8)


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("f (Hz);|Z| (ohm cm2);Phase (deg)", (AREA * SIZE, PHASE)),
        ("f (Hz);Z' (ohm m2);Z'' (ohm m2)", (AREA * 1e-4 * IMPEDANCE.real, AREA * 1e-4 * IMPEDANCE.imag)),
        ("f (Hz);Y' (S/cm2);Y'' (S/cm2)", (ADMITTANCE.real / AREA, ADMITTANCE.imag / AREA)),
    ],
)
def test_the_area_may_stand_in_the_file(head: str, columns: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, f"Electrode area (cm2): {AREA}\n\n{head}", FREQUENCY, *columns))
    assert check(record) == ""
    assert record.metadata["electrode_area_square_metre"] == pytest.approx(AREA * 1e-4, rel=1e-12)


def test_the_callers_area_goes_before_that_of_the_file_and_that_is_said(tmp_path: Path) -> None:
    head = "Electrode area (cm2): 2\n\nf (Hz);Z' (ohm);Z'' (ohm)"
    path = write(tmp_path, head, FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag)
    (record,) = readers.read(path, area="1.54 cm^2")
    assert "states an electrode area of 2 cm2; 1.54 cm2 was used" in check(record)
    record.write(tmp_path / "own.parquet")
    (again,) = readers.read(tmp_path / "own.parquet", area="2 cm^2")
    np.testing.assert_allclose(again.table["real_impedance_ohm_cm2"].to_numpy(), 2.0 * IMPEDANCE.real, 1e-10)
    for wrong in ("1.54", "1.54 cm", "-1 cm^2"):
        with pytest.raises(InputError, match=r"area: "):
            readers.read(path, area=wrong)


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("f (Hz);Z' (ohm);-Z'' (ohm)", (IMPEDANCE.real, -IMPEDANCE.imag)),
        ("f (Hz);Z' (ohm);Z'' (negative) (ohm)", (IMPEDANCE.real, -IMPEDANCE.imag)),
        ("f;Re;-Im", (IMPEDANCE.real, -IMPEDANCE.imag)),
        ("f (Hz);|Z| (ohm);-Phase (deg)", (SIZE, -PHASE)),
        ("f (Hz);Y' (S);-Y'' (S)", (ADMITTANCE.real, -ADMITTANCE.imag)),
    ],
)
def test_a_minus_in_the_heading_is_not_undone(head: str, columns: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    path = write(tmp_path, head, FREQUENCY, *columns)
    check(readers.read(path)[0])
    (record,) = readers.read(path, imaginary_sign="positive")
    assert "was not turned: the heading '-" in check(record) or "(negative)" in check(record)


def test_a_minus_in_the_heading_counts_for_a_column_the_caller_names(tmp_path: Path) -> None:
    path = write(tmp_path, "ff;aa;-bb", FREQUENCY / 1e3, IMPEDANCE.real, -IMPEDANCE.imag)
    named = columns_from_text("frequency_hertz=1:kHz, real_impedance_ohm=aa, imaginary_impedance_ohm=-bb:ohm")
    assert check(readers.read(path, columns=named)[0]) == ""


def test_columns_per_area_turn_with_the_impedance(tmp_path: Path) -> None:
    head = "f (Hz);Z' (ohm cm2);Z'' (ohm cm2)"
    path = write(tmp_path, head, FREQUENCY, AREA * IMPEDANCE.real, -AREA * IMPEDANCE.imag)
    (record,) = readers.read(path, area="1.54 cm^2", imaginary_sign="positive")
    check(record)
    np.testing.assert_allclose(record.table["imaginary_impedance_ohm_cm2"].to_numpy(), AREA * IMPEDANCE.imag, 1e-8)


@pytest.mark.parametrize("head", ["Frequency;Z';Z''", "f;Re;Im", "Frequency (?);Z' (?);Z'' (?)"])
@pytest.mark.parametrize(("low", "high"), [(1e-4, 1e2), (1e-3, 1e3), (1e-2, 2e3)])
def test_frequencies_without_a_unit_that_may_be_kilohertz_are_told(
    head: str, low: float, high: float, tmp_path: Path
) -> None:
    kilohertz = np.geomspace(high, low, 25)
    (record,) = readers.read(write(tmp_path, head, kilohertz, IMPEDANCE.real, IMPEDANCE.imag))
    told = "\n".join(record.metadata["warnings"])
    assert "look like kHz" in told
    assert "1000 times" in told
    columns = columns_from_text("frequency_hertz=1:kHz,real_impedance_ohm=2,imaginary_impedance_ohm=3")
    (record,) = readers.read(tmp_path / "spectrum.csv", columns=columns)
    np.testing.assert_allclose(record.table["frequency_hertz"].to_numpy(), 1e3 * kilohertz, 1e-11)
    assert "kHz" not in "\n".join(record.metadata.get("warnings", []))


def test_a_map_of_columns_goes_to_each_file_of_a_folder_that_can_use_it(tmp_path: Path) -> None:
    write(tmp_path, "ff;aa;bb", FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag)
    columns = columns_from_text("frequency_hertz=ff,real_impedance_ohm=aa,imaginary_impedance_ohm=bb")
    (read,) = read_many([tmp_path], columns=columns)
    assert read.problem is None
    check(read.records[0])


# --- advice, and columns as text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "advised"),
    [
        ("Freq [unit];aa;bb", ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")),
        ("f (Hz);aa;bb", ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")),
        ("one;two;three", ("frequency_hertz", "imaginary_impedance_ohm", "test_time_second", "voltage_volt")),
    ],
)
def test_the_advice_for_an_unknown_table_names_what_it_may_be(
    head: str, advised: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        readers.read(write(tmp_path, head, FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag))
    assert all(name in refusal.value.remedy for name in advised)


def test_the_advice_for_a_trace_does_not_speak_of_spectra() -> None:
    assert "frequency_hertz" not in columns_remedy(["elapsed time", "cell voltage"])
    assert "test_time_second" in columns_remedy(["elapsed time", "cell voltage"])


def test_columns_from_text_are_those_of_python() -> None:
    text = 'frequency_hertz="f, raw":kHz , real_impedance_ohm=Zre (ohm), imaginary_impedance_ohm="4";'
    assert columns_from_text(text.replace(";", "")) == {
        "frequency_hertz": ("f, raw", "kHz"),
        "real_impedance_ohm": "Zre (ohm)",
        "imaginary_impedance_ohm": "4",
    }
    assert columns_from_text("label=Remark: now:") == {"label": ("Remark: now", "")}
    for name, given in columns_from_text("voltage_volt=3:mV,current_ampere=I:mA").items():
        assert column_of(name, given) == {"voltage_volt": (3, "mV"), "current_ampere": ("I", "mA")}[name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no column"),
        (" , ", "names no column"),
        ("frequency_hertz", "has no '='"),
        ("frequency=1", "did you mean 'frequency_hertz'"),
        ("frequency_hertz=", "does not name a column"),
        ("frequency_hertz=:kHz", "does not name a column"),
        ("frequency_hertz=0", "there is no column 0"),
        ("frequency_hertz=1:ohm", "columns.frequency_hertz: 'ohm' is not a unit of frequency_hertz"),
        ("frequency_hertz=1:", "columns.frequency_hertz: '' is not a unit of frequency_hertz"),
        ("frequency_hertz=1,frequency_hertz=2", "columns.frequency_hertz: is named twice"),
        ('frequency_hertz="1', "a quote is left open"),
    ],
)
def test_columns_from_text_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        columns_from_text(text)
    assert message in str(refusal.value)
