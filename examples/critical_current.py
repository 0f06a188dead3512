"""The critical current of a symmetric cell from a stepped-current test, against the limiting current of its salt.

A Li|Li cell with 0.1 mol/L of salt in a 0.2 mm separator is run at 0.2, 0.4, ... 1.6 mA/cm2, an hour either way. Above
the limiting current of 1.18 mA/cm2 no salt is left at the plated electrode, and the voltage runs away. The analysis
sees time, current and voltage alone, and has to find the two steps that hold this number.

Run: python examples/critical_current.py
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mossy.analysis import critical_current
from mossy.analysis.critical_current import CriticalCurrent
from mossy.case import parse_case, run
from mossy.laws.transport import limiting_current
from mossy.records import Cycling

THICKNESS, POROSITY, BRUGGEMAN = 200e-6, 0.4, 1.5
CONCENTRATION, DIFFUSIVITY, TRANSFERENCE = 100.0, 3e-10, 0.38
CURRENTS = tuple(round(0.2 * step, 1) for step in range(1, 9))
"""mA/cm2"""
NOISE = 2e-4
"""V"""


def limit() -> float:
    """The limiting current, mA/cm2."""
    diffusivity = DIFFUSIVITY * POROSITY**BRUGGEMAN
    return float(limiting_current(THICKNESS, CONCENTRATION, diffusivity, TRANSFERENCE)) / 10.0


def measured() -> Cycling:
    """What a cycler would write of the cell: time, voltage with noise, and current, of 1 cm2."""
    steps = [f"{way} {j} mA/cm^2 for 1 h or until {v} V" for j in CURRENTS for way, v in (("plate", -2), ("strip", 2))]
    separator = {"thickness": "200 um", "porosity": POROSITY, "bruggeman": BRUGGEMAN}
    electrolyte = {
        "concentration": "0.1 mol/L",
        "diffusivity": "3e-10 m^2/s",
        "transference_number": TRANSFERENCE,
        "conductivity": "0.3 S/m",
        "thermodynamic_factor": 1.0,
    }
    cell = {"working": "lithium", "counter": "lithium", "electrolyte": "custom", "model": "planar", "area": "1 cm^2"}
    still = {"interphase": {"growth": "none"}}
    tables = {"cell": cell | {"separator": separator}, "electrolyte": electrolyte, "working": still, "counter": still}
    found = run(parse_case(tables | {"protocol": {"repeat": 1, "steps": steps}}).check())
    table = found.cycling.select("test_time_second", "voltage_volt", "current_ampere")
    noise = NOISE * np.random.default_rng(6).standard_normal(table.height)
    roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    known = {"roles": roles, "cell_kind": "symmetric", "electrode_area_square_metre": 1e-4}
    return Cycling(table.with_columns(pl.col("voltage_volt") + noise), known)


def main() -> CriticalCurrent:
    """The critical current as found."""
    found = critical_current.find(measured())
    one = found.limit
    print(
        f"{one.verdict}: {one.last_good_mA_per_cm2} to {one.first_bad_mA_per_cm2} mA/cm2, {one.rule} ({one.direction})"
    )
    for line in (*one.evidence, *found.notes):
        print(f"  {line}")
    print(f"limiting current of the salt: {limit():.3f} mA/cm2")
    return found


if __name__ == "__main__":
    result = main().limit
    assert result.last_good_mA_per_cm2 is not None
    assert result.first_bad_mA_per_cm2 is not None
    assert result.last_good_mA_per_cm2 < limit() < result.first_bad_mA_per_cm2  # the interval holds the truth
    assert result.rule == "voltage divergence"
