"""The planar cell converges at the order its finite volumes declare: 2 in the number of nodes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from cells_for_tests import (
    DIFFUSIVITY,
    FACTOR,
    LIMIT,
    POROSITY,
    TEMPERATURE,
    THICKNESS,
    TRANSFERENCE,
    case,
    electrode,
    final,
    observed_order,
    polynomials,
    simulate,
)
from mossy.laws import transport
from mossy.laws.constants import FARADAY, GAS
from mossy.simulate import impedance
from mossy.simulate.drive import DEPLETED

NODES = (25, 50, 100)
SHARP = {"relative_tolerance": 1e-9}
UNEVEN = {
    "diffusivity": (3e-10, -1e-10),
    "conductivity": (1.0, 0.2, -0.5),
    "transference_number": (0.38, -0.1),
    "thermodynamic_factor": (1.0, 0.6),
}
"""Polynomials of c/c0 - 1"""


def test_depletion_time_converges_at_second_order():
    """Against the time at which c falls to DEPLETED, which the series gives for a ratio larger by 1/(1 - DEPLETED)."""
    errors = []
    exact = transport.depletion_time_finite_cell(1.1 / (1.0 - DEPLETED), THICKNESS, DIFFUSIVITY * FACTOR / POROSITY)
    for nodes in NODES:
        run = simulate(
            [f"plate {1.1 * LIMIT!r} A/m^2 for 1 min"],
            model="planar",
            electrolyte=polynomials(),
            numerics={"nodes": nodes, **SHARP},
        )
        errors.append(run.summary["events"][-1]["time_s"] / exact - 1.0)
    assert 1.7 < -observed_order(NODES, np.array(errors)) < 2.6
    assert abs(errors[-1]) < 1e-4


def steady(current: float) -> tuple[float, float]:
    """(ohmic, concentration) volts of the steady cell with UNEVEN properties, by shooting: no mesh in common."""

    def value(name: str, c: float) -> float:
        return float(sum(a * (c - 1.0) ** k for k, a in enumerate(UNEVEN[name])))

    def along(x: float, y: np.ndarray) -> list[float]:
        anions = 1.0 - value("transference_number", y[0])
        slope = current * THICKNESS * anions / (FARADAY * value("diffusivity", y[0]) * FACTOR * 1000.0)
        coefficient = 2.0 * GAS * TEMPERATURE / FARADAY * anions * value("thermodynamic_factor", y[0])
        ohmic = current * THICKNESS / (value("conductivity", y[0]) * FACTOR)
        return [slope, y[0], ohmic, coefficient * slope / y[0]]

    def through(start: float) -> np.ndarray:
        return solve_ivp(along, (0.0, 1.0), [start, 0.0, 0.0, 0.0], rtol=1e-12, atol=1e-14, method="DOP853").y[:, -1]

    start = brentq(lambda c: through(c)[1] - 1.0, 0.3, 1.0, xtol=1e-14)
    return -float(through(start)[2]), -float(through(start)[3])


def test_steady_voltage_with_uneven_properties_converges_at_second_order():
    current = 0.4 * LIMIT
    exact = steady(current)
    errors = []
    for nodes in NODES:
        run = simulate(
            [f"plate {current!r} A/m^2 for 10 min"],
            model="planar",
            electrolyte=polynomials(**UNEVEN),
            numerics={"nodes": nodes, **SHARP},
        )
        end = final(run)
        errors.append([end["ohmic_volt"] - exact[0], end["concentration_volt"] - exact[1]])
    for part in np.array(errors).T:
        assert 1.8 < -observed_order(NODES, part) < 2.3
        assert abs(part[1]) < 1e-5  # 0.01 mV at the default 50 nodes


def test_diffusion_impedance_converges_at_second_order():
    """At omega porosity L2/D_eff of 10, where the real and imaginary parts are alike."""
    diffusivity = DIFFUSIVITY * FACTOR
    frequency = 10.0 * diffusivity / (POROSITY * THICKNESS**2) / (2.0 * np.pi)
    none = electrode(kinetics={"double_layer_capacitance": "0 F/m^2"}, interphase={"conductivity": "1e6 S/m"})
    resistance = transport.concentration_resistance(THICKNESS, 1000.0, diffusivity, TEMPERATURE, TRANSFERENCE)
    exact = complex(transport.concentration_impedance(frequency, THICKNESS, diffusivity, resistance, POROSITY))
    charge_transfer = 2.0 * GAS * TEMPERATURE / (FARADAY * 20.0)
    errors = []
    for nodes in NODES:
        cell = case(
            ["rest for 1 s"],
            model="planar",
            electrolyte=polynomials(),
            working=none,
            counter=none,
            numerics={"nodes": nodes},
        ).build()
        found = impedance(cell, cell.initial(), np.full(81, frequency))[0]
        errors.append(abs(found - THICKNESS / FACTOR - charge_transfer - exact))
    assert -observed_order(NODES, errors) == pytest.approx(2.0, abs=0.2)
    assert errors[1] < 1e-3 * resistance
