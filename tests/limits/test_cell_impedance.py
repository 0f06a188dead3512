"""The linearised residual against the exact circuit: R + Z_d + two film arcs + two charge-transfer arcs.

Every R_ct is the local d eta/dJ of the charge-transfer law, taken from the law itself and not from the cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from cells_for_tests import (
    DIFFUSIVITY,
    FACTOR,
    POROSITY,
    SEPARATOR_RESISTANCE,
    TEMPERATURE,
    THERMAL,
    THICKNESS,
    TRANSFERENCE,
    case,
    electrode,
    polynomials,
    simulate,
)
from mossy.backend import jax
from mossy.laws import charge_transfer, transport
from mossy.laws.constants import FARADAY, VACUUM_PERMITTIVITY
from mossy.simulate import impedance

FREQUENCIES = np.geomspace(1e6, 1e-2, 81)  # the default sweep's, so that its compilation serves
WORKING: dict[str, Any] = {
    "exchange_current_density": 20.0,
    "symmetry": 0.4,
    "double_layer_capacitance": 0.3,
    "initial_thickness": 12e-9,
    "conductivity": 2e-6,
    "relative_permittivity": 10.0,
}
COUNTER: dict[str, Any] = {
    "exchange_current_density": 3.0,
    "symmetry": 0.7,
    "double_layer_capacitance": 2.0,
    "initial_thickness": 30e-9,
    "conductivity": 5e-7,
    "relative_permittivity": 25.0,
}
UNITS = {"exchange_current_density": "A/m^2", "double_layer_capacitance": "F/m^2"}
FILM_UNITS = {"initial_thickness": "m", "conductivity": "S/m", "relative_permittivity": ""}


def table(side: dict[str, Any]) -> dict[str, Any]:
    """The case's table of one electrode."""
    kinetics = {name: f"{side[name]!r} {unit}" for name, unit in UNITS.items()} | {"symmetry": side["symmetry"]}
    film = {name: f"{side[name]!r} {unit}".strip() for name, unit in FILM_UNITS.items()}
    return electrode(kinetics=kinetics, interphase=film | {"relative_permittivity": side["relative_permittivity"]})


def arc(resistance: float, capacitance: float, frequency: np.ndarray = FREQUENCIES) -> np.ndarray:
    """A resistance with a capacitance beside it."""
    return resistance / (1.0 + 2j * np.pi * frequency * resistance * capacitance)


def butler_volmer_resistance(side: dict[str, Any], overpotential: float) -> float:
    """d eta/dJ at an overpotential, ohm m2."""

    def current(eta: float) -> Any:
        return charge_transfer.butler_volmer(
            eta, side["exchange_current_density"], symmetry=side["symmetry"], temperature=TEMPERATURE
        )

    return 1.0 / float(jax.grad(current)(overpotential))


def circuit(resistances: tuple[float, float], contact: float = 0.0) -> np.ndarray:
    """Separator, contact and the four arcs, ohm m2, for the charge-transfer resistances of both electrodes."""
    total = np.full(len(FREQUENCIES), SEPARATOR_RESISTANCE + contact, dtype=complex)
    for side, charge_transfer_resistance in zip((WORKING, COUNTER), resistances, strict=True):
        film = side["initial_thickness"] / side["conductivity"]
        capacitance = VACUUM_PERMITTIVITY * side["relative_permittivity"] / side["initial_thickness"]
        total += arc(film, capacitance) + arc(charge_transfer_resistance, side["double_layer_capacitance"])
    return total


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """The largest relative error of a spectrum."""
    return float(np.max(np.abs(found - exact) / np.abs(exact)))


def spectrum(run: Any, label: str) -> np.ndarray:
    """One spectrum of a run, ohm m2."""
    return next(each.impedance for each in run.spectra if each.label == label)


STEPS = ["plate 3 mA/cm^2 for 10 s", "strip 3 mA/cm^2 for 10 s"]
AT = {"at": ["start", "cycle 1 step 1 during", "cycle 1 step 2 during", "cycle 1 step 1"]}


@pytest.fixture(scope="module")
def asymmetric():
    return simulate(STEPS, working=table(WORKING), counter=table(COUNTER), impedance=AT)


def test_at_rest_the_point_cell_is_the_circuit(asymmetric):
    """1e-9 is the contract; the foil's activity differs from 1 by 5e-10, which alone enters R_ct at this level."""
    exact = circuit(tuple(THERMAL / side["exchange_current_density"] for side in (WORKING, COUNTER)))
    assert relative(spectrum(asymmetric, "start"), exact) < 1e-9


@pytest.mark.parametrize(("label", "current"), [("cycle 1 step 1 during", 30.0), ("cycle 1 step 2 during", -30.0)])
def test_under_current_each_charge_transfer_resistance_is_the_local_slope(asymmetric, label, current):
    """10 s are 10^4 time constants of the slowest arc, so eta is where J_ct(eta) = J."""
    resistances = []
    for side, sign in ((WORKING, 1.0), (COUNTER, -1.0)):
        a, j0 = side["symmetry"], side["exchange_current_density"]
        u = brentq(lambda x, a=a, j=sign * current / j0: np.exp(a * x) - np.exp((a - 1) * x) - j, -50, 50, xtol=1e-15)
        resistances.append(butler_volmer_resistance(side, u * THERMAL))
    assert relative(spectrum(asymmetric, label), circuit(tuple(resistances))) < 1e-9
    at_rest = circuit(tuple(THERMAL / side["exchange_current_density"] for side in (WORKING, COUNTER)))
    assert relative(at_rest, circuit(tuple(resistances))) > 0.05  # the current is large enough to tell


def test_after_a_step_the_double_layers_are_still_charged(asymmetric):
    """Off the current an instant ago: eta, and with it every slope, is that of the current. Not the resting cell."""
    after, during = spectrum(asymmetric, "cycle 1 step 1"), spectrum(asymmetric, "cycle 1 step 1 during")
    assert relative(after, during) < 1e-9


@pytest.mark.parametrize("current", [0.0, 50.0, -50.0])
def test_marcus_hush_chidsey_has_its_own_local_slope(current):
    energy, j0 = 0.3 * FARADAY, 20.0
    side = electrode(
        kinetics={
            "law": "marcus_hush_chidsey",
            "reorganisation_energy": "0.3 eV",
            "double_layer_capacitance": "0.3 F/m^2",
        },
    )
    cell = case(["rest for 1 s"], working=side, counter=side).build()

    def law(eta: Any) -> Any:
        return charge_transfer.marcus_hush_chidsey(eta, j0, reorganisation_energy=energy, temperature=TEMPERATURE)

    total = np.full(len(FREQUENCIES), SEPARATOR_RESISTANCE, dtype=complex)
    state = cell.initial().at[10].set(current)
    for place, sign in ((0, 1.0), (5, -1.0)):
        eta = brentq(lambda x, j=sign * current: float(law(x)) - j, -1.0, 1.0, xtol=1e-15)
        state = state.at[place].set(eta).at[place + 1].set(sign * current * 5e-9 / 1e-6)
        total += arc(1.0 / float(jax.grad(law)(eta)), 0.3) + arc(5e-3, VACUUM_PERMITTIVITY * 10.0 / 5e-9)
    assert relative(impedance(cell, state, FREQUENCIES), total) < 1e-9


def test_contact_resistance_adds_itself():
    run = simulate(
        STEPS, working=table(WORKING), counter=table(COUNTER), impedance=AT, cell={"contact_resistance": "7 ohm cm^2"}
    )
    exact = circuit(tuple(THERMAL / side["exchange_current_density"] for side in (WORKING, COUNTER)), 7e-4)
    assert relative(spectrum(run, "start"), exact) < 1e-9


def test_the_area_divides_the_whole_cells_ohms():
    small, large = (
        simulate(STEPS, working=table(WORKING), counter=table(COUNTER), impedance=AT, cell={"area": area})
        for area in ("1 cm^2", "5 cm^2")
    )
    ohm = [np.array(run.impedance["real_impedance_ohm"]) for run in (small, large)]
    np.testing.assert_allclose(ohm[0], 5.0 * ohm[1], rtol=1e-12)
    np.testing.assert_allclose(ohm[0], np.array(large.impedance["real_impedance_ohm_cm2"]), rtol=1e-12)
    current = [run.cycling["current_ampere"].to_numpy()[-1] for run in (small, large)]
    assert current == pytest.approx([3e-3, 15e-3], rel=1e-12)  # an instrument's sign: stripping is positive


def test_the_films_arc_moves_with_its_conductivity():
    """Its peak is at kappa/(2 pi eps0 eps_r), whatever its thickness. Charge transfer is short-circuited to see it."""
    frequency = np.geomspace(1e2, 1e6, 81)
    step = np.log(frequency[1] / frequency[0])
    peaks = []
    for conductivity, thickness in ((1e-6, 5e-9), (1e-5, 5e-9), (1e-5, 50e-9)):
        film = {"conductivity": f"{conductivity} S/m", "initial_thickness": f"{thickness} m"}
        side = electrode(kinetics={"exchange_current_density": "1e7 A/m^2"}, interphase=film)
        cell = case(["rest for 1 s"], working=side, counter=side).build()
        peak = frequency[np.argmax(-impedance(cell, cell.initial(), frequency).imag)]
        exact = conductivity / (2.0 * np.pi * VACUUM_PERMITTIVITY * 10.0)
        assert np.log(peak / exact) == pytest.approx(0.0, abs=0.51 * step)
        peaks.append(peak)
    assert peaks[1] / peaks[0] == pytest.approx(10.0, rel=0.15)  # one decade, to a point of the sweep


def test_with_diffusion_the_planar_cell_is_the_circuit_and_the_finite_warburg_element():
    """Within 1e-3 R_d while omega porosity L2/D_eff <= 1000, the contract at 50 nodes; and R_d at the low end."""
    diffusivity = DIFFUSIVITY * FACTOR
    cell = case(
        ["rest for 1 s"], model="planar", electrolyte=polynomials(), working=table(WORKING), counter=table(COUNTER)
    ).build()
    frequency = np.geomspace(1e-5, 1000.0, 81) * diffusivity / (POROSITY * THICKNESS**2) / (2.0 * np.pi)
    resistance = float(transport.concentration_resistance(THICKNESS, 1000.0, diffusivity, TEMPERATURE, TRANSFERENCE))
    exact = np.asarray(transport.concentration_impedance(frequency, THICKNESS, diffusivity, resistance, POROSITY))
    exact = exact + SEPARATOR_RESISTANCE
    for side in (WORKING, COUNTER):
        film = side["initial_thickness"] / side["conductivity"]
        capacitance = VACUUM_PERMITTIVITY * side["relative_permittivity"] / side["initial_thickness"]
        exact = exact + arc(film, capacitance, frequency)
        exact = exact + arc(THERMAL / side["exchange_current_density"], side["double_layer_capacitance"], frequency)
    error = np.abs(impedance(cell, cell.initial(), frequency) - exact) / resistance
    assert error.max() < 1e-3
    assert error[0] < 1e-6  # steady: the volumes hold a straight line exactly; R_ct's activity is what is left


def test_thermodynamic_factor_and_transference_scale_the_diffusion_resistance():
    """R_d = 2 R T (1 - t+)^2 chi L/(F^2 D c): the same cell with t+ = 0.1 and chi = 1.7."""
    found = []
    for transference, chi in ((TRANSFERENCE, 1.0), (0.1, 1.7)):
        electrolyte = polynomials(transference_number=(transference, 0.0), thermodynamic_factor=(chi, 0.0))
        cell = case(["rest for 1 s"], model="planar", electrolyte=electrolyte).build()
        ends = impedance(cell, cell.initial(), np.full(81, 1e-7))[0].real
        found.append(ends - SEPARATOR_RESISTANCE - 2.0 * (THERMAL / 20.0 + 5e-3))
    exact = (0.9 / 0.62) ** 2 * 1.7
    assert found[1] / found[0] == pytest.approx(exact, rel=1e-5)
