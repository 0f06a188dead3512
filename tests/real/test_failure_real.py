"""Failures and pairing on measured cells: Li|Li in LiTFSI-TEGDME plated one way, and sequences of several techniques.

Data of the datalab insitu plugin's example "LiLiTEGDMEinsitu_02" and of yadg's tests; the description is their README.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy.analysis import failure
from mossy.analysis.impedance_pairing import along, pair
from mossy.readers import read
from mossy.records import Cycling, Impedance, Record

NAME = "jr862_11_08_23_insitu-impedance-LiLi_1MLiTFSI_TEGDME-1mA"


@pytest.fixture(scope="module")
def voltage(mossy_data: Path) -> Record:
    """Time and voltage; the text export has no current."""
    (found,) = read(mossy_data / "lili_tegdme" / f"{NAME}_03_GCPL_C05.txt")
    return found


@pytest.fixture(scope="module")
def sweeps(mossy_data: Path) -> list[Impedance]:
    pytest.importorskip("galvani", reason="the extra [biologic] is not installed")
    found = read(mossy_data / "lili_tegdme" / f"{NAME}_02_GEIS_C05.mpr")
    return [each for each in found if isinstance(each, Impedance)]


@pytest.fixture(scope="module")
def first(mossy_data: Path) -> Cycling:
    pytest.importorskip("galvani", reason="the extra [biologic] is not installed")
    (found,) = read(mossy_data / "lili_tegdme" / f"{NAME}_01_GCPL_C05.mpr")
    assert isinstance(found, Cycling)
    return found


def test_the_spike_at_2546_s_is_a_collapse_and_nothing_more(voltage: Cycling) -> None:
    found = failure.examine(voltage)
    event = found.events[0]
    assert (event.kind, event.severity) == ("voltage collapse", "warning")
    assert event.time_second == pytest.approx(2546.02, abs=0.01)
    assert event.bracket[1] - event.bracket[0] < 1e-3
    assert "falls from 0.6634 to" in event.text
    assert any("current was not recorded: a change of current is not ruled out" in line for line in event.evidence)
    assert any("a film that breaks and a filament that reaches across both do so" in line for line in event.evidence)
    assert {each.kind for each in found.events} == {"voltage collapse"}
    assert "no current was recorded" in found.notes[0]
    # the flicker after the collapse of the arc is told as bursts, not one by one: 60 collapses
    assert len(found.events) < 25


def test_the_arc_s_collapse_may_be_a_short(voltage: Cycling, sweeps: list[Impedance]) -> None:
    shorts = [each for each in failure.events(voltage, sweeps) if "short" in each.kind]
    assert {each.kind for each in shorts} <= {"possible soft short", "soft short"}
    assert shorts[0].kind == "possible soft short"
    assert np.array(shorts[0].bracket) / 3600.0 == pytest.approx([23.30, 24.30], abs=0.005)
    assert any("for area growth or thinner film" in line for line in shorts[0].evidence)


def test_sweeps_of_a_linked_technique_share_the_first_one_s_clock(sweeps: list[Impedance], first: Cycling) -> None:
    found = pair(sweeps, first)
    assert found["clock"].unique().to_list() == ["one start time"]
    # after a quarter of an hour, then one an hour
    assert found["test_time_second"].to_numpy()[[0, -1]] / 3600.0 == pytest.approx([0.25, 44.34], abs=0.005)
    assert np.diff(found["test_time_second"].to_numpy()) == pytest.approx(3607.6, abs=0.1)
    # the first sweep follows ten minutes at 0.4 mA; the record ends there, and so no step is known of the others
    assert found.select("half_cycle", "state", "not_placed").row(0) == (0, "rest", None)
    assert found["half_cycle_capacity_mAh"][0] == pytest.approx(0.4 / 6.0, rel=0.01)
    assert found["not_placed"].null_count() == 1
    assert "1 h after the last row" in found["not_placed"][1]


def test_another_file_without_a_start_time_is_not_guessed(sweeps: list[Impedance], voltage: Cycling) -> None:
    found = pair(sweeps, voltage)
    assert found["test_time_second"].null_count() == 45
    assert "the record has no start time" in found["not_placed"][0]


def test_the_span_against_charge_with_the_current_the_settings_state(sweeps: list[Impedance], voltage: Cycling) -> None:
    """The settings file states 0.400 mA in steps of an hour; the trace and the sweeps count one time."""
    current = voltage.table.with_columns(current_ampere=pl.lit(4e-4))
    record = Cycling(current, {"cell_kind": "symmetric"})
    found = pair(sweeps, record, offset_second=0.0)
    assert found["half_cycle"].unique().to_list() == [None, 0]  # the first sweep comes before the trace
    charge = found["half_cycle_capacity_mAh"].to_numpy()[1:]
    # an hour a step, and the 7.6 s of each sweep counted as current: 0.2 %
    assert charge == pytest.approx(0.4 * np.arange(1, 45), rel=5e-3)
    spans = along(found, sweeps, "span", against="half_cycle_capacity_mAh")
    assert spans.height == 44
    values = along(found, sweeps, "span")["value"].to_numpy()
    assert values[[0, 24, 44]] == pytest.approx([63.0, 10.9, 2.7], abs=0.06)  # ohm, as the README has them


def test_cycling_and_four_spectra_of_one_file(mossy_data: Path) -> None:
    records = read(mossy_data / "biologic_pairs" / "mb.issue_223.mpt")
    (record,) = [each for each in records if isinstance(each, Cycling)]
    spectra = [each for each in records if isinstance(each, Impedance)]
    found = pair(spectra, record)
    assert found["clock"].to_list() == ["one file"] * 4
    assert found["half_cycle"].to_list() == [0, 1, 2, 3]
    assert found["cycle"].to_list() == [1, 1, 2, 2]
    assert found["state"].unique().to_list() == ["under current"]
    for each, time in zip(spectra, found["test_time_second"], strict=True):
        own = each.table["test_time_second"]
        assert own.min() < time < own.max()


def test_a_real_cell_whose_voltage_flickers_is_noisy_and_no_more(mossy_data: Path) -> None:
    """Neware, 25 cycles to 4.9 V: from cycle 16 on the discharges jump by some 20 mV from row to row."""
    (path,) = (mossy_data / "neware").rglob("nw4-120-1-6-53.ndax")
    (record,) = [each for each in read(path) if isinstance(each, Cycling)]
    found = failure.events(record)
    assert {each.kind for each in found} == {"noise"}
    assert found[0].cycle == 16
