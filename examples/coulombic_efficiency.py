"""One lithium-copper cell, three ways to its Coulombic efficiency, and what it means for a cell's life.

    python examples/coulombic_efficiency.py

Copper that loses 2 % of what it strips to isolated metal, and some more to a growing film, is simulated through full
cycles and through the modified reservoir protocol of B. D. Adams and others (Adv. Energy Mater. 8 (2018) 1702097, doi
10.1002/aenm.201702097), with a cycler's noise on the current. The analysis sees time, voltage and current only; the
inventory of the simulator is the truth it is held against.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import mossy
from mossy.analysis import efficiency
from mossy.case import parse_case
from mossy.records import Cycling
from mossy.simulate import Run

NOISE, EVERY = 5e-6, 30.0
"""A, half a per cent of the current; s between rows"""
PLATE, STRIP = "plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 until 1 V"
FULL = [PLATE, STRIP] * 10
RESERVOIR = [
    *("plate 1 mA/cm^2 for 5 h", STRIP, "plate 1 mA/cm^2 for 5 h"),
    *["strip 1 mA/cm^2 for 1 h", PLATE] * 10,
    STRIP,
]


def simulated(steps: list[str]) -> Run:
    """A run of the cell through a protocol."""
    film = {"growth": "solvent_diffusion", "solvent_diffusivity": "1e-19 m^2/s"}
    working = {"interphase": film, "dead_metal": {"isolated_fraction": 0.02}}
    cell = {"working": "copper", "counter": "lithium", "model": "point"}
    return mossy.run(parse_case({"cell": cell, "working": working, "protocol": {"steps": steps}}).check())


def measured(run: Run, seed: int) -> Cycling:
    """What a cycler writes of it: a 1 cm2 cell, a row every half minute and when a step ends, noise on the current."""
    table = run.cycling.select("test_time_second", "voltage_volt", "current_ampere", "step_count")
    end = pl.col("step_count") != pl.col("step_count").shift(-1, fill_value=-1)
    table = table.filter(end | ((pl.col("test_time_second") // EVERY).diff().fill_null(1.0) > 0.0)).drop("step_count")
    current = table["current_ampere"].to_numpy()
    noisy = current + np.random.default_rng(seed).normal(0.0, NOISE, len(current))
    roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    metadata = {"roles": roles, "cell_kind": "substrate", "electrode_area_square_metre": 1e-4}
    return Cycling(table.with_columns(pl.Series("current_ampere", noisy)), metadata)


def lost(run: Run) -> float:
    """mAh/cm2 that the simulator's inventory lost."""
    last = run.cycling.tail(1)
    return float(last["working_dead_mAh_per_cm2"][0] + last["working_film_charge_mAh_per_cm2"][0])


def main() -> tuple[efficiency.PerCycle, efficiency.Reservoir]:
    """Simulates, measures, prints, and asserts that the truth is inside the errors."""
    accuracy = efficiency.Accuracy(gain=0.0, offset=0.0)
    run = simulated(FULL)
    dead = float(run.cycling["working_dead_mAh_per_cm2"][-1])
    titrated = efficiency.Titration(dead, 0.02 * dead)
    cycles = efficiency.per_cycle(measured(run, 1), current_accuracy=accuracy, titration=titrated)
    average, split = cycles.average, cycles.balance.split
    assert average is not None
    assert split is not None
    truth = 1.0 - lost(run) / 10.0
    print(f"full cycles: {average.value:.5f} +- {average.standard_error:.5f}, the inventory says {truth:.5f}")
    print(
        f"lost: {split.lost_mAh:.4f} mAh/cm2, of which dead metal {100.0 * split.dead_share:.0f} %, the film the rest"
    )
    # ten platings of 1 mAh/cm2; the double layer keeps 1e-6 of them
    assert abs(average.value - truth) < 2.0 * average.standard_error < 0.005

    drawn = simulated(RESERVOIR)
    found = efficiency.modified_reservoir(measured(drawn, 2), current_accuracy=accuracy)
    conditioning = simulated(RESERVOIR[:2])
    truth = 1.0 - (lost(drawn) - lost(conditioning)) / 15.0
    value, error = found.coulombic_efficiency, found.standard_error
    assert value is not None
    assert error is not None
    print(f"modified reservoir: {value:.5f} +- {error:.5f}, the inventory says {truth:.5f}")
    assert abs(value - truth) < 2.0 * error < 0.005
    # short cycles strip but once what was plated once: the film costs less than in full cycles of 1 mAh/cm2
    assert abs(value - 0.979) < 0.003

    life, needed = efficiency.cycles_to(value), efficiency.required(0.8, 500)
    print(f"without excess metal: 80 % after {life:.0f} cycles; 500 cycles need {needed:.5f}")
    return cycles, found


if __name__ == "__main__":
    main()
