"""Random but legal parameters, thousands of them: none raises, none gives NaN without a status, balances hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

import mossy
from mossy.case import Case, parse_case
from mossy.numerics.status import Status

LOGARITHMIC = {
    "protocol.values.current": (0.02, 20.0),
    "working.kinetics.exchange_current_density": (0.1, 1000.0),
    "counter.kinetics.exchange_current_density": (0.1, 1000.0),
    "working.interphase.conductivity": (1e-8, 1e-4),
    "working.interphase.initial_thickness": (0.5e-9, 2e-7),
    "working.interphase.solvent_diffusivity": (1e-24, 1e-16),
    "working.kinetics.double_layer_capacitance": (1e-3, 10.0),
    "electrolyte.diffusivity": (1e-12, 1e-9),
    "electrolyte.conductivity": (1e-3, 3.0),
    "electrolyte.concentration": (100.0, 3000.0),
    "cell.separator.thickness": (5e-6, 1e-3),
}
LINEAR = {
    "electrolyte.transference_number": (0.02, 0.98),
    "cell.separator.porosity": (0.2, 0.95),
    "working.dead_metal.isolated_fraction": (0.0, 0.9),
    "working.kinetics.symmetry": (0.2, 0.8),
    "cell.temperature": (233.0, 363.0),
}


def copper() -> Case:
    return parse_case(
        {
            "cell": {"working": "copper", "counter": "lithium", "electrolyte": "custom"},
            "electrolyte": {
                "diffusivity": "3e-10 m^2/s",
                "transference_number": 0.38,
                "conductivity": "1 S/m",
                "thermodynamic_factor": 1.0,
            },
            "working": {
                "interphase": {"growth": "solvent_diffusion", "initial_thickness": "5 nm"},
                "dead_metal": {"isolated_fraction": 0.05},
            },
            "protocol": {
                "repeat": 2,
                "values": {"current": "1 mA/cm^2"},
                "steps": [
                    "plate {current} for 0.3 mAh/cm^2 or until -1 V",
                    "rest for 10 min",
                    "hold 0.1 V for 1 min",
                    "strip {current} until 1 V",
                ],
            },
            "numerics": {"nodes": 20, "relative_tolerance": 1e-5},
        }
    )


def random_sets(count: int, seed: int) -> dict[str, np.ndarray]:
    """Sobol points of the ranges above."""
    paths = [*LOGARITHMIC, *LINEAR]
    unit = qmc.Sobol(len(paths), rng=seed).random(1 << (count - 1).bit_length())[:count]
    low, high = (np.array([{**LOGARITHMIC, **LINEAR}[path][k] for path in paths]) for k in (0, 1))
    many = len(LOGARITHMIC)
    values = low + unit * (high - low)
    values[:, :many] = low[:many] * (high[:many] / low[:many]) ** unit[:, :many]
    return {path: values[:, k] for k, path in enumerate(paths)}


@pytest.mark.parametrize("count", [64, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_sets_end_in_physics(count: int):
    batch = mossy.run_batch(copper(), random_sets(count, seed=1), saves=count < 1000)
    done = batch.status == Status.DONE
    assert done.mean() >= 0.995, batch.summary["message"].value_counts()
    worst = batch.final["balances"][done].max(axis=0)
    assert worst.max() < 1e-7, worst
    numbers = np.concatenate(
        [np.atleast_2d(values.reshape(count, -1)[done]) for values in batch.final.values()], axis=1
    )
    assert np.isfinite(numbers).all()
    known = batch.cycles["coulombic_efficiency"].drop_nulls()  # above 1 where a double layer gave more than metal did
    assert (known.is_finite() & (known >= 0.0)).all()
