"""From the simulator's cell through the text file of each vendor to the efficiency: the truth must come out again.

The cell loses a known share of its metal at every strip and a known film; what the cycler file says is written with
noise, with either sign of the current, and without its last strip.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import mossy
from mossy.analysis import cycler_steps, efficiency
from mossy.analysis.cell_description import CellDescription
from mossy.analysis.cycling_study import study
from mossy.case import parse_case
from mossy.records import Cycling
from vendor_texts import VENDORS, written

LOST = 0.03
CELL = {
    "cell": {"model": "point", "working": "copper", "counter": "lithium", "area": "1 cm^2"},
    "working": {"dead_metal": {"isolated_fraction": LOST}},
}
NOISE = 2e-7
"""A: two parts in ten thousand of the current."""


def simulated(**protocol: object) -> pl.DataFrame:
    run = mossy.run(parse_case(CELL | {"protocol": protocol}))
    assert run.summary["status"] == "done"
    return run.cycling


@pytest.fixture(scope="module")
def cycled() -> pl.DataFrame:
    steps = ["plate 1 mA/cm^2 for 1 h", "rest for 5 min", "strip 1 mA/cm^2 until 1 V", "rest for 5 min"]
    return simulated(repeat=8, steps=steps)


@pytest.fixture(scope="module")
def reservoir() -> pl.DataFrame:
    return simulated(standard="modified reservoir", parameters={"cycles": 6, "current": "1 mA/cm^2"})


def sampled(table: pl.DataFrame, *, sign: float = 1.0, noise: float = NOISE, seed: int = 0) -> Cycling:
    """What a cycler records of a run: time, voltage, current; `sign` -1 where its leads are the other way round."""
    current = table["current_ampere"].to_numpy()
    random = np.random.default_rng(seed)
    current = np.where(current == 0.0, 0.0, current + noise * random.standard_normal(len(current)))
    columns = {"test_time_second": table["test_time_second"], "voltage_volt": sign * table["voltage_volt"]}
    return Cycling(pl.DataFrame(columns | {"current_ampere": sign * current}))


def said(sign: float) -> CellDescription:
    """What a cell.toml would say; lithium on the red lead is then the counter of the simulation."""
    word, electrode = ("negative", "working") if sign > 0 else ("positive", "counter")
    return CellDescription.model_validate(
        {"kind": "substrate", "electrode_under_study": electrode, "plating_current": word, "area": "1 cm^2"}
    )


def truth_of(table: pl.DataFrame) -> float:
    """Efficiency from the inventories: what became dead or film of what was plated, by the last row."""
    last = table[-1]
    dead, film = last["working_dead_mAh_per_cm2"][0], last["working_film_charge_mAh_per_cm2"][0]
    active = last["working_active_mAh_per_cm2"][0]
    first_film = table["working_film_charge_mAh_per_cm2"][0]
    plated = charge(table, -1)
    return 1.0 - (dead + film - first_film + active) / plated


def charge(table: pl.DataFrame, sign: int) -> float:
    """mAh of one sign of current, by the trapezoid within each step (the current is constant there)."""
    time, current = table["test_time_second"].to_numpy(), table["current_ampere"].to_numpy()
    mean = 0.5 * (current[1:] + current[:-1])
    same = current[1:] == current[:-1]
    return (
        float(np.sum(np.where(same, mean, current[1:]) * np.diff(time) * (np.sign(current[1:]) == sign))) * sign / 3.6
    )


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_cycle_by_cycle(cycled, vendor, sign, tmp_path):
    (record,) = mossy.read(written(sampled(cycled, sign=sign), vendor, tmp_path))
    found = study("cell", [record], said(sign))
    assert found.average is not None, found.notes
    truth = truth_of(cycled)
    assert abs(found.average["value"] - truth) < 4.0 * found.average["standard_error"]
    assert found.average["standard_error"] < 0.005
    assert len(found.per_cycle.cycles) == 8
    assert found.events == ()


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_reservoir_protocol(reservoir, vendor, sign, tmp_path):
    (record,) = mossy.read(written(sampled(reservoir, sign=sign), vendor, tmp_path))
    found = study("cell", [record], said(sign))
    assert isinstance(found.efficiencies, efficiency.Reservoir), found.notes
    assert abs(found.average["value"] - (1.0 - LOST)) < 4.0 * found.average["standard_error"] + 2e-4  # the film's share
    assert found.efficiencies.short_cycles == 6


@pytest.mark.parametrize("vendor", VENDORS)
def test_without_the_last_strip_the_last_cycle_does_not_count(cycled, vendor, tmp_path):
    last_plate = cycled.filter(pl.col("current_ampere") < 0)["test_time_second"].max()
    cut = cycled.filter(pl.col("test_time_second") <= last_plate)
    (record,) = mossy.read(written(sampled(cut), vendor, tmp_path))
    found = study("cell", [record], said(1.0))
    assert [each.complete for each in found.per_cycle.cycles] == [True] * 7 + [False]
    whole = cycled.filter(pl.col("cycle_count") <= 7)
    assert abs(found.average["value"] - truth_of(whole)) < 4.0 * found.average["standard_error"]


def test_without_the_last_strip_a_reservoir_gives_bounds_only(reservoir):
    last_plate = reservoir.filter(pl.col("current_ampere") < 0)["test_time_second"].max()
    found = study("cell", [sampled(reservoir.filter(pl.col("test_time_second") <= last_plate))], said(1.0))
    assert found.average is None
    low, high = found.efficiencies.bounds
    assert low <= 1.0 - LOST <= high


def test_without_noise_the_charges_are_exact(cycled):
    record = sampled(cycled, noise=0.0)
    found = efficiency.per_cycle(said(1.0).applied(record))
    assert found.balance.plated_mAh == pytest.approx(charge(cycled, -1), rel=1e-9)
    assert found.balance.stripped_mAh == pytest.approx(charge(cycled, 1), rel=1e-9)
    assert found.average.value == pytest.approx(truth_of(cycled), rel=1e-6)  # the double layer keeps a few uC
    halves = cycler_steps.of(said(1.0).applied(record)).half_cycles
    assert halves["charge_coulomb"][0] == pytest.approx(3.6, rel=1e-9)
