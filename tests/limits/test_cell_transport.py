"""Salt transport of the planar cell against the exact solutions of the finite cell, at the default 50 nodes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from cells_for_tests import (
    DIFFUSIVITY,
    FACTOR,
    LIMIT,
    MILLIAMPERE_HOUR,
    POROSITY,
    TEMPERATURE,
    THICKNESS,
    TRANSFERENCE,
    case,
    electrode,
    final,
    kinds,
    polynomials,
    simulate,
)
from mossy.cells import PARTS
from mossy.laws import transport
from mossy.numerics.status import Status

AT_ONCE = electrode(
    kinetics={"exchange_current_density": "1e9 A/m^2", "double_layer_capacitance": "0 F/m^2"},
    interphase={"conductivity": "1e6 S/m"},
)
"""Next to no resistance, no capacitance: what is left is the electrolyte."""


@pytest.mark.parametrize("ratio", [1.05, 1.1, 1.2, 2.0, 3.0])
def test_a_current_above_the_limit_empties_the_salt_when_the_series_says(ratio):
    """0.2 % is the contract; at 50 nodes the walls' third-order values leave 0.02 to 0.11 %, always early."""
    run = simulate([f"plate {ratio * LIMIT!r} A/m^2 for 1 h"], model="planar", electrolyte=polynomials())
    event = run.summary["events"][-1]
    exact = transport.depletion_time_finite_cell(ratio, THICKNESS, DIFFUSIVITY * FACTOR / POROSITY)
    assert (event["kind"], event["electrode"]) == ("depletion", "working")
    assert run.status == Status.DONE
    assert event["time_s"] == pytest.approx(exact, rel=2e-3)


def test_stripping_empties_the_salt_at_the_counter_electrode():
    run = simulate([f"strip {1.2 * LIMIT!r} A/m^2 for 1 h"], model="planar", electrolyte=polynomials())
    assert run.summary["events"][-1]["electrode"] == "counter"


@pytest.mark.parametrize("ratio", [0.9, 0.99])
def test_below_the_limit_the_salt_never_runs_out(ratio):
    run = simulate([f"plate {ratio * LIMIT!r} A/m^2 for 10 min"], model="planar", electrolyte=polynomials())
    assert kinds(run) == ["time"]
    surface = run.cycling["working_surface_concentration_mol_per_L"].to_numpy()
    # the steady profile is a straight line, which the volumes and the parabola at the wall both hold exactly
    assert surface[-1] == pytest.approx(1.0 - ratio, rel=1e-6)


def test_the_steady_profile_is_the_straight_line():
    run = simulate([f"plate {0.5 * LIMIT!r} A/m^2 for 10 min"], model="planar", electrolyte=polynomials())
    profile = run.profiles_at([600.0])
    x = profile["position_um"].to_numpy() / (THICKNESS * 1e6)
    np.testing.assert_allclose(profile["concentration_mol_per_L"].to_numpy(), 0.5 + x, rtol=0, atol=1e-8)


def test_the_steady_concentration_overpotential_is_the_closed_form():
    """35.00046710655889 mV, computed apart: (2RT/F)(1 - t+) ln 3. The midpoint rule along ln c leaves some nV."""
    run = simulate(
        [f"plate {0.5 * LIMIT!r} A/m^2 for 10 min"],
        model="planar",
        electrolyte=polynomials(),
        working=AT_ONCE,
        counter=AT_ONCE,
    )
    end = final(run)
    assert -end["concentration_volt"] * 1e3 == pytest.approx(35.00046710655889, abs=0.01)
    exact = float(transport.steady_concentration_overpotential(0.5, TEMPERATURE, TRANSFERENCE))
    ohmic = 0.5 * LIMIT * THICKNESS / FACTOR
    # the two electrodes: RT/F x J/J0 each, 1e-8 V
    assert -end["voltage"] == pytest.approx(exact + ohmic, abs=1e-6)


def test_capacitive_current_carries_no_anions_either():
    """The salt removed at the plating side depends on the current alone, not on how much of it charges the metal."""
    step = [f"plate {2.0 * LIMIT!r} A/m^2 for 1 s"]
    times = []
    for capacitance in ("0 F/m^2", "1000 F/m^2"):
        side = electrode(kinetics={"double_layer_capacitance": capacitance})
        run = simulate(step, model="planar", electrolyte=polynomials(), working=side, counter=side)
        times.append(run.summary["events"][-1]["time_s"])
    # 1000 F/m2 takes 20 % of the charge passed here; 1e-5 is the integrator's part
    assert times[0] == pytest.approx(times[1], rel=1e-5)


def test_salt_is_conserved_when_every_property_depends_on_it():
    uneven = polynomials((3e-10, -1e-10), (1.0, 0.2, -0.5), (0.38, -0.1), (1.0, 0.6))
    steps = ["plate 20 mA/cm^2 for 2 min", "rest for 10 s", "strip 20 mA/cm^2 for 2 min"]
    run = simulate(steps, model="planar", electrolyte=uneven)
    assert run.status == Status.DONE
    assert run.summary["balances"]["salt"] < 1e-12


@pytest.mark.parametrize(("cation", "anion"), [(2, 1), (1, 2), (3, 1), (2, 2)])
def test_the_straight_line_is_steady_for_any_salt(cation, anion):
    """At r times the limiting current of a salt with nu+ z+ = nu- z- the line falls to 1 - r at the wall."""
    common = math.gcd(cation, anion)
    cations, anions = anion // common, cation // common
    cell = case(["rest for 1 s"], model="planar").build()
    salt = dataclasses.replace(
        cell.electrolyte, charge_number=cation, cations_per_formula=cations, anions_per_formula=anions
    )
    cell = dataclasses.replace(cell, electrolyte=salt)
    ratio, ions = 0.5, {"charge_number": cation, "cations_per_formula": cations}
    current = ratio * float(transport.limiting_current(THICKNESS, 1000.0, DIFFUSIVITY * FACTOR, TRANSFERENCE, **ions))
    faces = np.asarray(cell.profile(cell.initial())[0][1:-1]) / THICKNESS  # the volumes' centres
    state = cell.initial().at[: cell.nodes].set(1.0 - ratio + 2.0 * ratio * faces).at[cell.nodes + 10].set(current)
    rate = np.asarray(cell.interior_residual(state)) / POROSITY
    moved = current / (cation * cations * 96485.33212 * 1000.0 * THICKNESS)  # 1/s: what the current alone would change
    assert np.abs(rate).max() < 1e-9 * moved * cell.nodes
    assert float(cell.surfaces(state).working) == pytest.approx(1.0 - ratio, rel=1e-12)
    exact = transport.steady_concentration_overpotential(
        ratio, TEMPERATURE, TRANSFERENCE, anions_per_formula=anions, **ions
    )
    # the path integral's error cancels where (1 - t+) chi is constant: what is left is rounding
    assert -float(cell.parts(state)[PARTS.index("concentration")]) == pytest.approx(float(exact), rel=1e-12)


def test_a_long_rest_brings_the_salt_back():
    steps = [f"plate {0.8 * LIMIT!r} A/m^2 for 1 min", "rest for 5 min"]
    run = simulate(steps, model="planar", electrolyte=polynomials())
    surfaces = [run.cycling[f"{side}_surface_concentration_mol_per_L"][-1] for side in ("working", "counter")]
    assert surfaces == pytest.approx([1.0, 1.0], abs=1e-6)
    assert run.cycling["voltage_volt"][-1] == pytest.approx(0.0, abs=1e-7)
    assert run.summary["cycles"][0]["plated_mAh_per_cm2"] == pytest.approx(
        0.8 * LIMIT * 60 / MILLIAMPERE_HOUR, rel=1e-12
    )
