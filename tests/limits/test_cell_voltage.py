"""The voltage and its parts in steady state, and the algebraic limits of the two capacitances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from cells_for_tests import (
    FACTOR,
    LIMIT,
    SEPARATOR_RESISTANCE,
    TEMPERATURE,
    THERMAL,
    THICKNESS,
    TRANSFERENCE,
    electrode,
    final,
    polynomials,
    seen_at,
    simulate,
)
from mossy.cells import PARTS
from mossy.laws import transport
from mossy.numerics.status import Status

WORKING = electrode(
    kinetics={"exchange_current_density": "5 A/m^2", "symmetry": 0.3},
    interphase={"initial_thickness": "20 nm", "conductivity": "4e-6 S/m"},
)
COUNTER = electrode(
    kinetics={"exchange_current_density": "50 A/m^2", "symmetry": 0.6},
    interphase={"initial_thickness": "8 nm", "conductivity": "1e-6 S/m"},
)


def overpotential(current: float, exchange: float, symmetry: float, ratio: float = 1.0) -> float:
    """Of Butler-Volmer's law, by bisection, V."""
    scaled = current / (exchange * ratio ** (1.0 - symmetry))
    return THERMAL * brentq(lambda u: np.exp(symmetry * u) - np.exp((symmetry - 1) * u) - scaled, -99, 99, xtol=1e-14)


def parts_of(run) -> np.ndarray:
    return np.stack([run.cycling[f"{name}_volt"].to_numpy() for name in PARTS])


@pytest.mark.parametrize("model", ["point", "planar"])
def test_the_parts_add_up_to_the_voltage(model):
    steps = ["plate 5 mA/cm^2 for 1 min", "rest for 1 min", "strip 2 mA/cm^2 for 1 min", "hold 0.1 V for 10 s"]
    electrolyte = polynomials() if model == "planar" else {}
    run = simulate(steps, model=model, electrolyte=electrolyte, working=WORKING, counter=COUNTER)
    np.testing.assert_allclose(parts_of(run).sum(axis=0), run.cycling["voltage_volt"].to_numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_each_part_has_its_own_value_in_the_steady_planar_cell(sign):
    ratio = 0.4 * sign
    current = ratio * LIMIT
    word = "plate" if sign > 0 else "strip"
    run = simulate(
        [f"{word} {abs(current)!r} A/m^2 for 10 min"],
        model="planar",
        electrolyte=polynomials(),
        working=WORKING,
        counter=COUNTER,
        cell={"contact_resistance": "3 ohm cm^2"},
    )
    end = final(run)
    exact = {
        "ohmic": -current * SEPARATOR_RESISTANCE,
        "concentration": -float(transport.steady_concentration_overpotential(ratio, TEMPERATURE, TRANSFERENCE)),
        "contact": -current * 3e-4,
        "working_charge_transfer": -overpotential(current, 5.0, 0.3, 1.0 - ratio),
        "working_film": -current * 20e-9 / 4e-6,
        "counter_charge_transfer": overpotential(-current, 50.0, 0.6, 1.0 + ratio),
        "counter_film": -current * 8e-9 / 1e-6,
    }
    for name, value in exact.items():
        # the surface concentrations have the volumes' accuracy, which is rounding for a straight line
        assert end[f"{name}_volt"] == pytest.approx(value, rel=1e-7), name
    assert end["voltage"] == pytest.approx(sum(exact.values()), rel=1e-7)


def test_the_point_cell_is_the_planar_one_without_gradients():
    """At a hundred-thousandth of the limiting current they differ by that much of the thermal voltage."""
    volts = []
    for model in ("point", "planar"):
        electrolyte = polynomials() if model == "planar" else {}
        run = simulate(["plate 0.01 A/m^2 for 1 min"], model=model, electrolyte=electrolyte)
        volts.append(run.cycling["voltage_volt"][-1])
    assert abs(volts[0] - volts[1]) < 3e-5 * THERMAL
    resistance = transport.concentration_resistance(THICKNESS, 1000.0, 3e-10 * FACTOR, TEMPERATURE, TRANSFERENCE)
    assert volts[0] - volts[1] == pytest.approx(0.01 * float(resistance), rel=1e-4)


TIMES = np.concatenate([np.linspace(0.5, 10.0, 20), np.linspace(10.5, 20.0, 20)])
STEPS = ["plate 5 mA/cm^2 for 10 s", "strip 20 mA/cm^2 for 10 s"]


@pytest.mark.parametrize("model", ["point", "planar"])
@pytest.mark.parametrize(
    ("capacitance", "permittivity"), [("0 F/m^2", 10), ("0.1 F/m^2", 0), ("0 F/m^2", 0)], ids=["C", "eps", "both"]
)
def test_no_capacitance_is_the_limit_of_a_small_one(model, capacitance, permittivity):
    """A millionth of the default capacitances, whose time constants are nanoseconds: 0.5 s later they are forgotten."""
    volts = []
    for c, eps in ((capacitance, permittivity), (_small(capacitance), permittivity or 1e-5)):
        side = electrode(kinetics={"double_layer_capacitance": c}, interphase={"relative_permittivity": eps})
        electrolyte = polynomials() if model == "planar" else {}
        run = simulate(STEPS, model=model, electrolyte=electrolyte, working=side, counter=side)
        assert run.status == Status.DONE
        volts.append(seen_at(run, TIMES)["voltage"])
    np.testing.assert_allclose(volts[0], volts[1], rtol=0, atol=2e-6)  # a few times the integrator's tolerance


def _small(capacitance: str) -> str:
    return "1e-7 F/m^2" if capacitance.startswith("0 ") else capacitance


def test_without_capacitance_the_voltage_jumps_to_its_value():
    side = electrode(
        kinetics={"double_layer_capacitance": "0 F/m^2", "exchange_current_density": "0.1 A/m^2"},
        interphase={"relative_permittivity": 0},
    )
    run = simulate(["plate 100 mA/cm^2 for 1 s"], working=side, counter=side)
    current = 1000.0
    exact = -current * (SEPARATOR_RESISTANCE + 2.0 * 5e-3) - 2.0 * overpotential(current, 0.1, 0.5)
    assert run.status == Status.DONE
    assert run.cycling["voltage_volt"][0] == pytest.approx(exact, rel=1e-9)
