"""The one-way Li|Li cell in TEGDME: 0.4 mA for 45 h, a sweep each hour, the voltage as text without a current."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy import readers
from mossy.analysis import overpotential
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

NAME = "jr862_11_08_23_insitu-impedance-LiLi_1MLiTFSI_TEGDME-1mA"
CURRENT = 4e-4
"""A: the protocol's own setting, which the voltage's text export leaves out"""
HOUR = 3608.0
"""s from one sweep to the next"""


@pytest.fixture(scope="module")
def folder(mossy_data: Path) -> Path:
    pytest.importorskip("galvani", reason="the extra [biologic] is not installed")
    return mossy_data / "lili_tegdme"


@pytest.fixture(scope="module")
def first(folder: Path) -> Cycling:
    """Five minutes of rest, ten of 0.4 mA."""
    record = readers.read(folder / f"{NAME}_01_GCPL_C05.mpr")[0]
    return Cycling(record.table, record.metadata | {"cell_kind": "symmetric"})


@pytest.fixture(scope="module")
def voltage(folder: Path) -> Cycling:
    record = readers.read(folder / f"{NAME}_03_GCPL_C05.txt")[0]
    assert isinstance(record, Cycling)
    return record


@pytest.fixture(scope="module")
def sweeps(folder: Path) -> list[Impedance]:
    found = readers.read(folder / f"{NAME}_02_GEIS_C05.mpr")
    return [each for each in found if isinstance(each, Impedance)]


def test_the_first_ten_minutes(first: Cycling) -> None:
    """136 mV at 0.4 mA, 341 ohm of the whole cell: numbers read from the trace by eye, 154 to 130 mV and falling."""
    (plateau,) = overpotential.plateaus(first).plateaus
    assert plateau.current_mA == pytest.approx(0.4, rel=2e-3)
    assert plateau.cell_voltage_mV == pytest.approx(136.0, abs=1.0)
    assert plateau.resistance_ohm == pytest.approx(341.0, abs=3.0)
    assert plateau.charge_mAh == pytest.approx(0.4 * 10.0 / 60.0, rel=1e-3)
    assert plateau.resistance_ohm_cm2 is None  # the instrument's area, 0.001 cm2, is its default: the file has none


def test_the_trace_begins_with_a_peak_and_falls(first: Cycling) -> None:
    """The largest reading is 298 mV, 162 above the plateau, within the first tenths of a second; then it only falls."""
    (found,) = overpotential.shape(first).shapes
    assert found.shape == "falling"
    assert found.peak_mV is not None
    assert found.peak_mV + found.plateau_mV == pytest.approx(1e3 * first.table["voltage_volt"].max(), rel=1e-6)
    assert found.peak_mV == pytest.approx(162.0, abs=1.5)
    assert found.rise_mV == 0.0


def test_the_first_sweep_beside_the_plateau(first: Cycling, sweeps: list[Impedance]) -> None:
    """Z' is 203 ohm at 500 Hz, 233 ohm at the arc's end at 20 Hz; 108 of the plateau's 341 ohm are slower than that."""
    found = overpotential.split(first, sweeps[:1])
    (read,) = found.spectra
    real = sweeps[0].table["real_impedance_ohm"].to_numpy()
    assert read.ohmic.ohm == pytest.approx(real[0], rel=1e-9)
    assert "at most" in read.ohmic.method
    assert read.end_hertz == pytest.approx(20.0, rel=0.01)
    assert read.charge_transfer_and_film.ohm == pytest.approx(real[4] - real[0], rel=1e-9)
    assert read.remainder.ohm == pytest.approx(340.6 - real[4], abs=0.5)
    # 0.2 ms after the current is on the cell shows 345 ohm at most: film and charge transfer are in it
    (jump,) = found.jumps
    assert jump.switch == "on"
    assert jump.resolution_second == pytest.approx(2e-4, rel=0.01)
    assert jump.resistance_ohm > read.ohmic.ohm


def test_the_voltage_alone_is_described_but_not_called_a_resistance(voltage: Cycling) -> None:
    with pytest.raises(InputError, match="no current"):
        overpotential.plateaus(voltage)
    table = voltage.table
    hours = overpotential.trace_features(table["test_time_second"], table["voltage_volt"], every=HOUR)
    level = np.array([each.voltage_mV for each in hours])
    assert len(level) == 45
    assert {each.sign for each in hours} == {1}
    # looked at: 107 mV, then 77 in the second hour, up to 136 in the 19th, down to 57 in the 25th, 49 at the end
    assert level[[0, 1, 18, 24, 44]] == pytest.approx([106.5, 76.8, 135.8, 56.6, 48.5], abs=1.0)
    assert level.argmax() == 18
    assert level[36:].mean() < 0.7 * level[:20].mean()


def test_the_hourly_plateaus_follow_the_sweeps(voltage: Cycling, sweeps: list[Impedance]) -> None:
    """With the protocol's current: plateau and sweep, measured apart, rise for 20 h and then fall together."""
    known = Cycling(voltage.table.with_columns(pl.lit(CURRENT).alias("current_ampere")), {"cell_kind": "symmetric"})
    found = overpotential.split(known, sweeps[1:])
    total = np.array([each.total.ohm for each in found.spectra])
    fast = np.array([each.ohmic.ohm + each.charge_transfer_and_film.ohm for each in found.spectra])
    assert len(total) == 44
    # 0.75; two series of 44 that know nothing of each other exceed 0.48 once in a thousand
    assert np.corrcoef(total, fast)[0, 1] > 0.6
    early, late = slice(2, 20), slice(28, 44)
    assert np.median(total[late]) < 0.75 * np.median(total[early])
    assert np.median(fast[late]) < 0.85 * np.median(fast[early])
    assert all(any("intercept is not reached" in note for note in each.notes) for each in found.spectra)
