"""Impedance files written here: signs, units, sweeps and damage, each against the spectrum it was made of."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.many import read_many
from mossy.readers.spectra import are_frequencies, follows_modulus
from mossy.records import Record

FREQUENCY = np.geomspace(1e5, 0.1, 25)
IMPEDANCE = 5.0 + 20.0 / (1.0 + 2j * np.pi * FREQUENCY * 1e-3)
"""R0 = 5 ohm and an arc of 20 ohm with a time constant of 1 ms."""
DIGITS = 1e-9
"""Files below are written with ten digits or more."""


def check(record: Record, frequency: np.ndarray = FREQUENCY, impedance: np.ndarray = IMPEDANCE) -> str:
    """That a record is the spectrum; its warnings in one text."""
    table = record.table
    np.testing.assert_allclose(table["frequency_hertz"].to_numpy(), frequency, DIGITS)
    np.testing.assert_allclose(table["real_impedance_ohm"].to_numpy(), impedance.real, DIGITS)
    np.testing.assert_allclose(table["imaginary_impedance_ohm"].to_numpy(), impedance.imag, DIGITS)
    return "\n".join(record.metadata.get("warnings", []))


def rows(mark: str, *columns: np.ndarray, comma: bool = False) -> list[str]:
    lines = [mark.join(f"{value:.12e}" for value in row) for row in zip(*columns, strict=True)]
    return [line.replace(".", ",") if comma else line for line in lines]


def spectrum_rows(mark: str = "\t", sign: float = 1.0, scale: float = 1.0, comma: bool = False) -> list[str]:
    return rows(mark, FREQUENCY * scale, IMPEDANCE.real, sign * IMPEDANCE.imag, comma=comma)


def write(folder: Path, name: str, lines: list[str], encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


# --- text tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_nova_export_with_semicolons_and_decimal_commas(encoding: str, tmp_path: Path) -> None:
    size, phase = np.abs(IMPEDANCE), np.degrees(np.angle(IMPEDANCE))
    head = '"Index";"Frequency (Hz)";"Z\' (Ω)";"-Z\'\' (Ω)";"Z (Ω)";"-Phase (°)";"Time (s)"'
    time = np.arange(25.0)
    body = rows(";", time + 1, FREQUENCY, IMPEDANCE.real, -IMPEDANCE.imag, size, -phase, time, comma=True)
    (record,) = readers.read(write(tmp_path, "nova.csv", [head, *body], encoding))
    assert check(record) == ""
    np.testing.assert_allclose(record.table["phase_degree"].to_numpy(), phase, 1e-9)
    assert record.table["test_time_second"].to_list() == time.tolist()


@pytest.mark.parametrize(
    ("head", "sign", "scale"),
    [
        ("Frequency (kHz)\tZ' (ohm)\tZ'' (ohm)", 1.0, 1e-3),
        ("freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm", -1.0, 1.0),
        ("freq/Hz\tZ' / ohm\tZ'' (negative) / ohm", -1.0, 1.0),
        ("f / mHz\tZreal (Ohm)\tminus Zimag (Ohm)", -1.0, 1e3),
        ("Freq\tZreal\tZimag\nHz\tohm\tohm", 1.0, 1.0),
        ("Freq\tZreal\t-Zimag\nkHz\tohm\tohm", -1.0, 1e-3),
    ],
)
def test_headings_say_unit_and_sign(head: str, sign: float, scale: float, tmp_path: Path) -> None:
    path = write(tmp_path, "named.txt", [*head.split("\n"), *spectrum_rows(sign=sign, scale=scale)])
    assert check(readers.read(path)[0]) == ""


def test_columns_in_any_order_and_more_of_them(tmp_path: Path) -> None:
    body = rows(",", IMPEDANCE.imag, np.full(25, 3.0), FREQUENCY, IMPEDANCE.real)
    (record,) = readers.read(write(tmp_path, "order.csv", ["Zimag (ohm),gain,Frequency (Hz),Zreal (ohm)", *body]))
    assert check(record) == ""
    assert record.metadata["columns_not_read"] == ["gain"]


@pytest.mark.parametrize("head", ["Frequency\tZre\tZimg", "freq\tZ'\tZ''", "Frequency (?)\tZ' (?)\tZ'' (?)"])
def test_names_without_units_are_read_as_hertz_and_ohm_and_said(head: str, tmp_path: Path) -> None:
    (record,) = readers.read(write(tmp_path, "bare.txt", [head, *spectrum_rows()]))
    assert "columns without a unit were read" in check(record)


def test_frequencies_of_unknown_unit_that_look_like_kilohertz_are_told(tmp_path: Path) -> None:
    low = [*rows("\t", np.geomspace(1e3, 1e-5, 25), IMPEDANCE.real, IMPEDANCE.imag)]
    (record,) = readers.read(write(tmp_path, "low.txt", ["Frequency\tZre\tZimg", *low]))
    assert "look like kHz" in "\n".join(record.metadata["warnings"])
    (record,) = readers.read(write(tmp_path, "said.txt", ["Frequency / Hz\tZre / ohm\tZimg / ohm", *low]))
    assert "kHz" not in "\n".join(record.metadata.get("warnings", []))


@pytest.mark.parametrize(("mark", "comma"), [(",", False), (";", True), ("\t", True), (" ", False)])
def test_three_nameless_columns_are_a_spectrum_where_that_is_unmistakable(
    mark: str, comma: bool, tmp_path: Path
) -> None:
    (record,) = readers.read(write(tmp_path, "nameless.csv", spectrum_rows(mark, comma=comma)))
    assert "frequency in Hz, Z' and Z'' in ohm" in check(record)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{t},{3.7 - t * 1e-3},0.1" for t in range(1, 40)],  # a trace: the first column is spaced evenly
        [f"{10**t},1,-1" for t in range(4)],  # too few to tell
        [f"{10.0**-t},-1,-1" for t in range(9)],  # Z' of a passive cell is not negative
        [f"{10.0**-t},1,-1,0" for t in range(9)],
        [f"{10.0 ** (-1) ** t},1,-1" for t in range(9)],
    ],
)
def test_other_nameless_columns_are_not_guessed(lines: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table with columns"):
        readers.read(write(tmp_path, "nameless.csv", lines))


def test_what_is_above_the_table_becomes_metadata(tmp_path: Path) -> None:
    above = ["Start date;2024-05-06", "Electrode area (cm2);0,785", "Temperature: 333.15 K", "Operator: nobody", ""]
    (record,) = readers.read(
        write(tmp_path, "above.txt", [*above, "freq/Hz;Z'/ohm;Z''/ohm", *spectrum_rows(";", comma=True)])
    )
    check(record)
    assert record.metadata["electrode_area_square_metre"] == 0.785e-4
    assert record.metadata["temperature_celsius"] == 60.0
    assert record.metadata["start_time"] == "2024-05-06T00:00:00"
    assert record.metadata["settings"]["Operator"] == "nobody"
    np.testing.assert_allclose(record.table["real_impedance_ohm_cm2"].to_numpy(), IMPEDANCE.real * 0.785, 1e-12)


# --- sign and flags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "impedance",
    [
        IMPEDANCE,
        10.0 + 1.0 / (1j * FREQUENCY),
        3.0 / (1j * FREQUENCY) ** 0.5,
        IMPEDANCE * (1.0 + 1e-3 * np.sin(np.arange(25.0))),
    ],
)
def test_positive_z_of_capacitive_arcs_is_detected_said_and_turned_on_request(
    impedance: np.ndarray, tmp_path: Path
) -> None:
    body = rows("\t", FREQUENCY, impedance.real, -impedance.imag)
    path = write(tmp_path, "positive.txt", ["freq/Hz\tZ'/ohm\tZ''/ohm", *body])
    (record,) = readers.read(path)
    assert "the file holds -Z''" in check(record, impedance=impedance.conj())
    (turned,) = readers.read(path, imaginary_sign="positive")
    assert check(turned, impedance=impedance) == "Z'' was turned, as the caller asked: the file holds -Z''"


def test_an_inductance_is_not_taken_for_a_wrong_sign(tmp_path: Path) -> None:
    coil = 0.01 + 1j * FREQUENCY * 1e-6
    (record,) = readers.read(
        write(tmp_path, "coil.txt", ["freq/Hz\tZ'/ohm\tZ''/ohm", *rows("\t", FREQUENCY, coil.real, coil.imag)])
    )
    assert "an inductance" in check(record, impedance=coil)
    assert follows_modulus(FREQUENCY, coil) > 0.99


def test_the_phase_is_turned_with_the_imaginary_part(tmp_path: Path) -> None:
    phase = np.degrees(np.angle(IMPEDANCE))
    for sign in (1.0, -1.0):
        body = rows("\t", FREQUENCY, IMPEDANCE.real, -IMPEDANCE.imag, sign * phase)
        path = write(tmp_path, "phase.txt", ["freq/Hz\tZ'/ohm\tZ''/ohm\tPhase/deg", *body])
        (record,) = readers.read(path, imaginary_sign="positive")
        np.testing.assert_allclose(record.table["phase_degree"].to_numpy(), phase, 1e-9)


def test_a_sign_that_is_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "sign.txt", ["freq/Hz\tZ'/ohm\tZ''/ohm", *spectrum_rows()])
    with pytest.raises(InputError, match="no sign"):
        readers.read(path, imaginary_sign="up")


def test_one_point_repeated_and_zero_frequencies(tmp_path: Path) -> None:
    head = "freq/Hz,Z'/ohm,Z''/ohm"
    (one,) = readers.read(write(tmp_path, "one.csv", [head, "10,1,-1"]))
    assert one.metadata["warnings"] == ["one point is no spectrum"]
    (twice,) = readers.read(write(tmp_path, "twice.csv", [head, "100,1,-1", "10,2,-1", "10,2,-1", "1,3,-1"]))
    assert twice.metadata["warnings"] == ["points that repeat a frequency: 1"]
    path = write(tmp_path, "zero.csv", [head, "100,1,-1", "0,1,-1", "10,,-1", "1,3,-1"])
    with pytest.raises(InputError, match="frequency is 0 or empty at line 3"):
        readers.read(path)
    (dropped,) = readers.read(path, missing="drop")
    assert dropped.table["frequency_hertz"].to_list() == [100.0, 1.0]
    assert dropped.metadata["dropped_rows"] == 2


def test_only_a_sweep_looks_like_one() -> None:
    assert are_frequencies(FREQUENCY)
    assert are_frequencies(FREQUENCY[::-1])
    assert not are_frequencies(np.repeat(FREQUENCY, 2))
    assert not are_frequencies(np.linspace(0.1, 100.0, 50))
    assert not are_frequencies(np.geomspace(1.0, 5.0, 50))
    assert not are_frequencies([1.0, np.nan, 100.0, 1e3, 1e4, 1e5])


# --- Gamry, ZPlot, VersaStudio ----------------------------------------------------------------------------------------


def dta(*curves: list[str], decimal: str = ".", extra: tuple[str, ...] = (), area: str = "2.00000E-002") -> list[str]:
    head = ["EXPLAIN", "TAG\tEISPOT", "TITLE\tLABEL\tHybrid EIS\tTest", "DATE\tLABEL\t23.4.2018\tDate"]
    head += ["TIME\tLABEL\t16:43:15\tTime", "NOTES\tNOTES\t1\tNotes", "\tLi|Li", "PSTAT\tPSTAT\tREF600\tPstat"]
    head += [f"AREA\tQUANT\t{area.replace('.', decimal)}\tArea (cm^2)", f"EOC\tQUANT\t0{decimal}369\tOCP (V)"]
    head += ["OCVCURVE\tTABLE\t1", "\tPt\tT\tVf", "\t#\ts\tV vs. Ref.", f"\t0\t0{decimal}25\t0{decimal}37", *extra]
    for number, curve in enumerate(curves):
        head += [f"ZCURVE{number or ''}\tTABLE", "\tPt\tTime\tFreq\tZreal\tZimag\tIdc\tVdc\tTemp"]
        head += ["\t#\ts\tHz\tohm\tohm\tA\tV\tdeg C", *curve]
    return head


def dta_rows(factor: float = 1.0, comma: bool = False, temperature: float = 25.0) -> list[str]:
    count, zero = np.arange(25.0), np.zeros(25)
    z = factor * IMPEDANCE
    body = rows("\t", count, count * 2, FREQUENCY, z.real, z.imag, zero - 1e-6, zero + 0.3, zero + temperature)
    return ["\t" + (line.replace(".", ",") if comma else line) for line in body]


@pytest.mark.parametrize("comma", [False, True])
def test_gamry_spectra_with_either_decimal_mark(comma: bool, tmp_path: Path) -> None:
    lines = dta(dta_rows(1.0, comma), dta_rows(2.0, comma), decimal="," if comma else ".")
    first, second = readers.read(write(tmp_path, "eis.DTA", lines, "latin-1"))
    assert check(first) == check(second, impedance=2.0 * IMPEDANCE) == ""
    assert [record.metadata["sweep"] for record in (first, second)] == [1, 2]
    assert [record.metadata["sweeps"] for record in (first, second)] == [2, 2]
    assert first.metadata["electrode_area_square_metre"] == 2e-6
    assert first.metadata["open_circuit_voltage_volt"] == 0.369
    assert first.metadata["start_time"] == "2018-04-23T16:43:15"
    assert first.metadata["comments"] == "Li|Li"
    assert set(first.table["temperature_t1_celsius"]) == {25.0}
    assert set(first.table["voltage_volt"]) == {0.3}


def test_gamry_files_that_are_not_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no impedance .ZCURVE. but the tables: OCVCURVE"):
        readers.read(write(tmp_path, "ocv.DTA", dta()))
    with pytest.raises(InputError, match="cut short"):
        readers.read(write(tmp_path, "cut.DTA", [*dta(dta_rows())[:-1], "\t24\t48.0\t0.1"]))
    with pytest.raises(InputError, match="no data points"):
        readers.read(write(tmp_path, "none.DTA", dta([])))
    with pytest.raises(InputError, match="the unit of Freq is 'kHz'"):
        readers.read(write(tmp_path, "unit.DTA", [line.replace("Hz", "kHz") for line in dta(dta_rows())]))
    with pytest.raises(InputError, match="has no column Freq"):
        readers.read(write(tmp_path, "name.DTA", [line.replace("\tFreq", "\tFrek") for line in dta(dta_rows())]))
    (record,) = readers.read(write(tmp_path, "cold.DTA", dta(dta_rows(temperature=-327.67))))
    assert "temperature_t1_celsius" not in record.table.columns


def zplot(*lines: str) -> list[str]:
    head = ["ZPLOT2 ASCII", "  Measured Data, ZPlot:       3.2c", "  Date: 2018-10-12", *lines]
    return [*head, "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange", "End Comments"]


def zplot_rows(mark: str = "\t", time: float = 1.0) -> list[str]:
    zero = np.zeros(25)
    return rows(mark, FREQUENCY, zero, zero, time * np.arange(25.0), IMPEDANCE.real, IMPEDANCE.imag, zero, zero, zero)


def test_zplot_by_content_area_and_count(tmp_path: Path) -> None:
    lines = [*zplot("  Surface Area: 0.5", "  Data Points: 25"), *zplot_rows()]
    (record,) = readers.read(write(tmp_path, "renamed.dat", lines))
    assert check(record) == ""
    assert record.metadata["reader"] == "ZPlot .z"
    assert record.metadata["electrode_area_square_metre"] == 0.5e-4
    assert record.table["test_time_second"][1] == 1.0
    (fewer,) = readers.read(write(tmp_path, "fewer.z", lines[:-1]))
    assert fewer.metadata["warnings"] == ["the header says 25 points, 24 follow"]
    (timeless,) = readers.read(write(tmp_path, "timeless.z", [*zplot(), *zplot_rows(time=0.0)]))
    assert "test_time_second" not in timeless.table.columns
    with pytest.raises(InputError, match="End Comments"):
        readers.read(write(tmp_path, "cut.z", zplot()[:-1]))
    with pytest.raises(InputError, match="cut short"):
        readers.read(write(tmp_path, "cut.z", [*zplot(), *zplot_rows(), "1.0\t0.0"]))


def test_z60w(tmp_path: Path) -> None:
    head = ['"Z60W Data File: Version 1.1"', *['""'] * 7, "0,2,0,1,0.1,10000", "25"]
    names = "\"  Freq (Hz)    Ampl     Bias   Time(Sec)   Z'(a)    Z''(b)    GD   Err   Range\""
    (record,) = readers.read(write(tmp_path, "a.z60", [*head, names, *zplot_rows(",")], "utf-8-sig"))
    assert check(record) == ""
    assert record.metadata["columns_not_read"] == ["Ampl", "Bias", "GD", "Err", "Range"]


def par(*segments: list[str], area: str = "0.2") -> list[str]:
    lines = ["<Application>", "Name=VersaStudio", "</Application>", "<Action0>", f"Working Electrode Area (cm2)={area}"]
    lines += ["Name=Common", "</Action0>", "<Experiment>", "TimeAcquired=9:40:30 PM", "DateAcquired=July 19, 2018"]
    lines += ["</Experiment>"]
    for number, body in enumerate(segments, 1):
        names = "Segment #, E(V), I(A), Elapsed Time(s), Frequency(Hz), Z Real, Z Imag, Status, 0"
        lines += [f"<Segment{number}>", "Type=2", f"Definition={names}", *body, f"</Segment{number}>"]
    return lines


def test_versastudio_segments(tmp_path: Path) -> None:
    zero = np.zeros(25)
    spectrum = rows(",", zero, zero + 0.1, zero, zero, FREQUENCY, IMPEDANCE.real, IMPEDANCE.imag, zero)
    direct = rows(",", zero, zero + 0.2, zero + 1e-3, np.arange(25.0), zero, zero, zero, zero)
    first, trace, second = readers.read(write(tmp_path, "run.par", par(spectrum, direct, spectrum)))
    assert (trace.kind, trace.table["test_time_second"].to_list()) == ("cycling", list(range(25)))
    assert check(first) == check(second) == ""
    assert [(record.metadata["sweep"], record.metadata["sweeps"]) for record in (first, second)] == [(1, 2), (2, 2)]
    assert first.metadata["start_time"] == "2018-07-19T21:40:30"
    assert first.metadata["electrode_area_square_metre"] == 0.2e-4
    with pytest.raises(InputError, match="<Segment1> never ends"):
        readers.read(write(tmp_path, "cut.par", par(spectrum)[:-1]))
    with pytest.raises(InputError, match="no segment"):
        readers.read(write(tmp_path, "empty.par", par()))


# --- Zahner and Ivium -------------------------------------------------------------------------------------------------


def ism(frequency: np.ndarray = FREQUENCY, impedance: np.ndarray = IMPEDANCE, start: float = 0.0) -> bytes:
    """Zahner's layout (see the reader): big-endian numbers, strings with their case swapped."""
    data = b"\x00\x00\xff\xff\xff\xfe" + (len(frequency) - 1).to_bytes(6, "big")
    for numbers in (frequency, np.abs(impedance), np.angle(impedance), start + np.arange(len(frequency))):
        data += np.asarray(numbers, ">f8").tobytes()
    data += np.full(len(frequency), 1000, ">i2").tobytes()
    for text in ("", "Zennium", "0 V", "", "60 C", "", "Cell A", "", "", "", "1.13 cm2"):
        data += struct.pack(">h", len(text)) + text.swapcase().encode()
    return data


def test_zahner_binary(tmp_path: Path) -> None:
    path = tmp_path / "eis.ism"
    path.write_bytes(ism(start=1.2e9))
    (record,) = readers.read(path)
    assert check(record) == ""
    assert record.metadata["temperature_celsius"] == 60.0
    assert record.metadata["electrode_area_square_metre"] == 1.13e-4
    assert record.metadata["comments"] == "Cell A"
    assert record.metadata["start_time"] == "2018-01-09T21:20:00"  # 1.2e9 s after 1980-01-01
    assert record.table["test_time_second"].to_list() == list(range(25))
    path.write_bytes(ism()[:500])
    with pytest.raises(InputError, match="cut short"):
        readers.read(path)


def test_zahner_keeps_the_way_up_as_a_sweep_of_its_own(tmp_path: Path) -> None:
    frequency = np.concatenate([FREQUENCY[8:0:-1], FREQUENCY])
    impedance = 5.0 + 20.0 / (1.0 + 2j * np.pi * frequency * 1e-3)
    path = tmp_path / "eis.ism"
    path.write_bytes(ism(frequency, impedance))
    up, down = readers.read(path)
    check(up, frequency[:9], impedance[:9])
    check(down, frequency[9:], impedance[9:])


def idf(*spectra: np.ndarray, comma: bool = False) -> bytes:
    text = "Version=11\r\n"
    for number, z in enumerate(spectra, 1):
        text += f"Title=sweep {number}\r\nMethod=Impedance\r\nprimary_data\r\n3\r\n{len(z)}\r\n"
        text += "\r\n".join(rows(" ", z.real, z.imag, FREQUENCY[: len(z)], comma=comma)) + "\r\n"
    return b"\0" * 16 + b"\xfb\0\0\0\r\0" + text.encode("latin-1")


@pytest.mark.parametrize("comma", [False, True])
def test_ivium_data_sets(comma: bool, tmp_path: Path) -> None:
    path = tmp_path / "eis.ids"
    path.write_bytes(idf(IMPEDANCE, 2.0 * IMPEDANCE, comma=comma))
    first, second = readers.read(path)
    assert check(first) == check(second, impedance=2.0 * IMPEDANCE) == ""
    assert (second.metadata["sweep"], second.metadata["sweeps"]) == (2, 2)
    assert (second.metadata["comments"], second.metadata["technique"]) == ("sweep 2", "Impedance")
    path.write_bytes(idf(IMPEDANCE)[:-200])
    with pytest.raises(InputError, match=r"cut short|is not 3 numbers"):
        readers.read(path)


def test_ivium_data_of_other_techniques_are_not_taken_for_spectra(tmp_path: Path) -> None:
    path = tmp_path / "cv.idf"
    path.write_bytes(idf(np.full(4, 1.0 + 1j)))
    with pytest.raises(InputError, match="no impedance that can be told"):
        readers.read(path)


# --- workbooks --------------------------------------------------------------------------------------------------------

Rows = list[list[str | float]]
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def sheet_xml(table: Rows, words: list[str]) -> str:
    """The cells of one sheet; words shared, None left out."""
    lines = []
    for number, row in enumerate(table, 1):
        cells = []
        for place, value in enumerate(row):
            where = f"{chr(ord('A') + place)}{number}"
            if isinstance(value, str) and value:
                words.append(value)
                cells.append(f'<c r="{where}" t="s"><v>{len(words) - 1}</v></c>')
            elif not isinstance(value, str):
                cells.append(f'<c r="{where}"><v>{value!r}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>' if cells else "")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet {MAIN}><sheetData>{"".join(lines)}</sheetData></worksheet>'
    )


def xlsx(path: Path, sheets: dict[str, Rows], spoil: Callable[[str], str | bytes] = str) -> Path:
    words: list[str] = []
    bodies = [sheet_xml(table, words) for table in sheets.values()]
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
    links = "".join(f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1))
    shared = "".join(f"<si><t>{word.replace('&', '&amp;')}</t></si>" for word in words)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>')
        relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{relations}">{links}</Relationships>')
        archive.writestr("xl/sharedStrings.xml", spoil(f"<sst {MAIN}>{shared}</sst>"))
        for number, body in enumerate(bodies, 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", body)
    return path


def cells(sign: float = 1.0, factor: float = 1.0) -> Rows:
    z = factor * IMPEDANCE
    return [[float(f), float(x.real), sign * float(x.imag)] for f, x in zip(FREQUENCY, z, strict=True)]


def test_every_sheet_of_a_workbook_is_searched(tmp_path: Path) -> None:
    notes: Rows = [["Cell 7"], [], ["a remark, not a table"]]
    head: Rows = [["Electrode area (cm2)", 2.0], [], ["Frequency (kHz)", "Z' (ohm)", "-Z'' (ohm)"]]
    kilo = [[row[0] / 1e3, *row[1:]] for row in cells(-1.0)]  # type: ignore[operator]
    second: Rows = [["freq/Hz", "Re(Z)/Ohm", "Im(Z)/Ohm"], *cells(1.0, 3.0)]
    path = xlsx(tmp_path / "book.xlsx", {"notes": notes, "first": [*head, *kilo], "second": second})
    one, two = readers.read(path)
    assert "sheet 'notes' was not read" in check(one)
    check(two, impedance=3.0 * IMPEDANCE)
    assert (one.metadata["sweep"], two.metadata["sweep"], two.metadata["sweeps"]) == (1, 2, 2)
    assert one.metadata["electrode_area_square_metre"] == 2e-4
    assert one.metadata["reader"] == "Excel .xlsx"


def test_a_nameless_sheet_and_numbers_kept_as_words(tmp_path: Path) -> None:
    (record,) = readers.read(xlsx(tmp_path / "bare.xlsx", {"a": cells()}))
    assert "no headings" in check(record)
    commas: Rows = [[repr(x).replace(".", ",") for x in row] for row in cells()]
    words: Rows = [["freq/Hz", "Z'/ohm", "Z''/ohm"], *commas]
    (record,) = readers.read(xlsx(tmp_path / "words.xlsx", {"a": words}))
    check(record)


def test_corrupt_cells_of_a_workbook_are_named_by_sheet_and_row(tmp_path: Path) -> None:
    table: Rows = [["freq/Hz", "Z'/ohm", "Z''/ohm"], *cells()]
    table[4][1] = "n.d."
    with pytest.raises(InputError, match=r"sheet 'a': line 5: 'n\.d\.'"):
        readers.read(xlsx(tmp_path / "bad.xlsx", {"a": table}))
    table[4][1] = ""
    with pytest.raises(InputError, match=r"real_impedance_ohm at sheet 'a' row 5"):
        readers.read(xlsx(tmp_path / "hole.xlsx", {"a": table}))
    with pytest.raises(InputError, match="no sheet with data"):
        readers.read(xlsx(tmp_path / "empty.xlsx", {"a": []}))


def test_attacks_on_the_archive_are_refused(tmp_path: Path) -> None:
    table: dict[str, Rows] = {"a": [["freq/Hz", "Z'/ohm", "Z''/ohm"], *cells()]}

    def entities(text: str) -> str:
        return '<!DOCTYPE sst [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + text.replace("freq", "&b;freq")

    for encoding in ("utf-8", "utf-16"):
        path = xlsx(tmp_path / "entity.xlsx", table, entities)
        if encoding == "utf-16":
            path = xlsx(tmp_path / "entity16.xlsx", table, lambda text: entities(text).encode("utf-16"))
        with pytest.raises(InputError, match="document type definition"):
            readers.read(path)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part:
        for _ in range(21):
            part.write(b" " * 10_000_000)
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(InputError, match="unpacks to more than 200 MB"):
        readers.read(bomb)


# --- damage and many files --------------------------------------------------------------------------------------------


def samples(folder: Path) -> list[Path]:
    (folder / "eis.ism").write_bytes(ism())
    (folder / "eis.ids").write_bytes(idf(IMPEDANCE, IMPEDANCE))
    return [
        folder / "eis.ism",
        folder / "eis.ids",
        write(folder, "eis.dta", dta(dta_rows(), dta_rows())),
        write(folder, "eis.z", [*zplot(), *zplot_rows()]),
        write(folder, "eis.par", par(rows(",", *[FREQUENCY] * 8))),
        xlsx(folder / "eis.xlsx", {"a": [["freq/Hz", "Z'/ohm", "Z''/ohm"], *cells()]}),
        write(folder, "eis.txt", ["freq/Hz;Z'/ohm;Z''/ohm", *spectrum_rows(";", comma=True)], "utf-16"),
        write(folder, "eis.csv", spectrum_rows(",")),
    ]


def reads_or_says_why(path: Path) -> bool:
    try:
        return all(record.table.height for record in readers.read(path))
    except InputError as error:
        return bool(error.problem)


def test_truncated_and_flipped_files_raise_input_errors_only(tmp_path: Path) -> None:
    random = np.random.default_rng(20260714)
    for path in samples(tmp_path):
        data = path.read_bytes()
        assert readers.read(path)
        for turn in range(60):
            changed = bytearray(data)
            for place in random.integers(0, len(data), 1 + turn % 6):
                changed[place] = int(random.integers(0, 256))
            path.write_bytes(data[: int(random.integers(0, len(data)))] if turn % 2 else bytes(changed))
            assert reads_or_says_why(path)


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    (folder / "deep").mkdir(parents=True)
    good = ["freq/Hz\tZ'/ohm\tZ''/ohm", *spectrum_rows()]
    for name in ("run10.txt", "run2.txt", "deep/run1.txt"):
        write(folder, name, good)
    write(folder, "run3.txt", ["nothing here"])
    write(folder, "trace.csv", ["time/s,Ewe/V", "0,1", "1,1"])
    for name in ("README.md", "LICENSE", "setup.mps", "figure.png", ".hidden.txt", "make.py"):
        write(folder, name, ["x"])
    found = read_many([folder, folder / "run2.txt", tmp_path / "absent.z", folder / "LICENSE"], kind="impedance")
    assert [file.path.name for file in found if file.records] == ["run2.txt", "run10.txt", "run1.txt"]
    assert [file.path.name for file in found if file.skipped] == [
        *(".hidden.txt", "figure.png", "LICENSE", "make.py", "README.md", "setup.mps")
    ]
    failed = {file.path.name: file.problem for file in found if not file.records and not file.skipped}
    assert set(failed) == {"run3.txt", "trace.csv", "absent.z"}
    assert "holds cycling data, no impedance data" in (failed["trace.csv"] or "")
    assert "cannot be read" in (failed["absent.z"] or "")


def test_options_of_many_files_go_to_the_readers_that_know_them(tmp_path: Path) -> None:
    first = write(tmp_path, "a.txt", ["freq/Hz\tZ'/ohm\tZ''/ohm", *spectrum_rows(sign=-1.0)])
    found = read_many([first], imaginary_sign="positive", missing="drop")
    check(found[0].records[0])
    with pytest.raises(InputError, match="not an option of any reader"):
        read_many([first], imaginary="positive")
    with pytest.raises(InputError, match="not a kind"):
        read_many([first], kind="impedence")
