"""The voltage of a symmetric cell taken apart by its rests, and held against the parts the model itself knows.

    python examples/symmetric_overpotential.py results/symmetric_overpotential.png

A simulated Li||Li cell of 1 cm2 with slow salt is read as a cycler would see it, from 1 ms after each switch and with
20 uV of noise. Film and double layer are faster than that: they jump with the electrolyte and the contact. What relaxes
does so by the law of a finite diffusion layer, and is the concentration's part.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mossy.analysis import overpotential
from mossy.analysis.overpotential.relaxation import finite_diffusion
from mossy.case import parse_case, run
from mossy.records import Cycling

NOISE = 2e-5  # V
SIDE = {
    "kinetics": {"exchange_current_density": "20 mA/cm^2"},
    "interphase": {"conductivity": "1e-5 S/m", "growth": "solvent_diffusion", "solvent_diffusivity": "0 m^2/s"},
    "dead_metal": {"isolated_fraction": 0.0},
}
CASE = {
    "cell": {
        "working": "lithium",
        "counter": "lithium",
        "electrolyte": "custom",
        "model": "planar",
        "area": "1 cm^2",
        "contact_resistance": "2 ohm*cm^2",
    },
    "electrolyte": {
        "concentration": "1 mol/L",
        "diffusivity": "3e-11 m^2/s",
        "transference_number": 0.38,
        "conductivity": "1 S/m",
        "thermodynamic_factor": 1.0,
    },
    "working": SIDE,
    "counter": SIDE,
    "protocol": {"steps": ["strip 3 mA/cm^2 for 10 min", "rest for 5 min"]},
}


def measured(table: pl.DataFrame) -> Cycling:
    """The run as a cycler writes it: every 10 s under current, and from 1 ms on at rest."""
    flowing = table.filter(pl.col("current_ampere") != 0.0)
    resting = table.filter((pl.col("current_ampere") == 0.0) & (pl.col("test_time_second") >= 600.0))
    on, off = np.linspace(10.0, 600.0, 60), 600.0 + np.geomspace(1e-3, 300.0, 60)
    voltage = [
        np.interp(times, part["test_time_second"].to_numpy(), part["voltage_volt"].to_numpy())
        for times, part in ((on, flowing), (off, resting))
    ]
    noise = np.random.default_rng(0).normal(0.0, NOISE, 120)
    columns = {
        "test_time_second": np.concatenate([on, off]),
        "voltage_volt": np.concatenate(voltage) + noise,
        "current_ampere": np.repeat([3e-3, 0.0], 60),
    }
    return Cycling(pl.DataFrame(columns), {"cell_kind": "symmetric", "electrode_area_square_metre": 1e-4})


def draw(path: Path, record: Cycling, found: overpotential.Interruption) -> None:
    """The rest on a logarithmic clock, the law, and the parts."""
    table = record.table.filter(pl.col("test_time_second") > found.time_second)
    seconds = table["test_time_second"].to_numpy() - found.time_second
    figure, axes = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
    axes.axhline(found.total.mV, color="black", linewidth=0.8, label="under current")
    axes.semilogx(seconds, 1e3 * table["voltage_volt"].to_numpy(), "o", markersize=4, label="at rest")
    times = np.geomspace(1e-3, 300.0, 200)
    relaxing = found.relaxing.mV * finite_diffusion(times / found.time_constants_second[-1])
    axes.semilogx(times, found.unrelaxed.mV + relaxing, label="finite diffusion layer")
    top = found.total.mV - found.ohmic.mV
    axes.annotate(
        f"jump within 1 ms:\n{found.ohmic.mV:.1f} ± {found.ohmic.standard_error_mV:.1f} mV", (1.3e-3, top + 12.0)
    )
    axes.annotate(f"concentration:\n{found.relaxing.mV:.1f} mV", (1.3e-3, 0.4 * top))
    axes.set_xlabel("time since the interruption / s")
    axes.set_ylabel("cell voltage / mV")
    axes.set_ylim(-2.0, 1.1 * found.total.mV)
    axes.legend(loc="center right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(path: str = "results/symmetric_overpotential.png") -> overpotential.Interruption:
    """Simulates, measures, splits, and asserts that both parts are the model's own within their errors."""
    table = run(parse_case(CASE).check()).cycling
    truth = table.filter(pl.col("current_ampere") != 0.0).row(-1, named=True)
    record = measured(table)
    plateau = overpotential.plateaus(record).plateaus[0]
    found = overpotential.split(record).interruptions[0]
    draw(Path(path), record, found)
    salt = 1e3 * truth["concentration_volt"]
    assert found.relaxation == "diffusion"
    assert found.concentration is not None
    # 21.0 mV of 67.9: the diffusion potential, within the error that the split states (0.3 mV)
    assert abs(found.concentration.mV - salt) < 3.0 * (found.concentration.standard_error_mV or 0.0)
    assert abs(found.ohmic.mV - (1e3 * truth["voltage_volt"] - salt)) < 3.0 * (found.ohmic.standard_error_mV or 0.0)
    print(f"plateau        {plateau.cell_voltage_mV:6.2f} mV, {plateau.resistance_ohm_cm2:.2f} ohm cm2")
    print(f"jump in 1 ms   {found.ohmic.mV:6.2f} ± {found.ohmic.standard_error_mV:.2f} mV")
    print(f"concentration  {found.concentration.mV:6.2f} ± {found.concentration.standard_error_mV:.2f} mV ({salt:.2f})")
    print(f"picture: {path}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
