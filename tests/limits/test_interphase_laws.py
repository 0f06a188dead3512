"""Film laws against their closed forms, their switch, and Faraday's law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mossy.backend import jax, jnp
from mossy.laws import interphase
from mossy.laws.constants import FARADAY, GAS

YEAR = 365.25 * 86400
SOLVENT = {"solvent_diffusivity": 2.5e-22, "solvent_concentration": 2636.0}
FILM = {"film_molar_volume": 9.585e-5, "metal_per_formula": 2}


def test_film_grows_to_the_reference_thickness_in_a_year():
    found = interphase.solvent_diffusion_thickness(YEAR, 5e-9, **SOLVENT, **FILM)
    assert float(found) == pytest.approx(44.92594503891932e-9, rel=1e-13)


def test_rate_laws_integrate_to_the_closed_form():
    def growth(time, thickness):
        side = interphase.solvent_diffusion(thickness, 0.0, reduction_potential=2.0, **SOLVENT)
        return np.asarray(interphase.film_growth_rate(side, **FILM))

    run = solve_ivp(growth, (0, YEAR), [5e-9], method="LSODA", rtol=1e-10, atol=1e-20)
    # reduction at 2 V leaves out exp(-78) of the rate; the rest is the integrator's tolerance
    assert run.y[0, -1] == pytest.approx(44.92594503891932e-9, rel=1e-8)


def test_thickness_grows_with_the_square_root_of_time():
    times = np.array([0.0, 1e4, 4e4, 16e4])
    from_nothing = np.asarray(interphase.solvent_diffusion_thickness(times, 0.0, **SOLVENT, **FILM))
    np.testing.assert_allclose(from_nothing, from_nothing[1] * np.array([0, 1, 2, 4]), rtol=1e-14)
    assert float(interphase.solvent_diffusion_thickness(0.0, 5e-9, **SOLVENT, **FILM)) == pytest.approx(5e-9, rel=1e-15)


def test_film_binds_the_metal_that_the_side_charge_pays_for():
    side, volume, atoms, charge_number = 3e-4, 2.5e-5, 3, 2
    rate = interphase.film_growth_rate(side, volume, atoms, charge_number)
    assert rate * atoms * charge_number * FARADAY / volume == pytest.approx(side, rel=1e-15)


def test_solvent_reduction_switches_off_above_its_potential():
    def side(potential):
        return interphase.solvent_diffusion(5e-9, potential, reduction_potential=0.4, **SOLVENT)

    full = FARADAY * 2.5e-22 * 2636.0 / 5e-9
    assert float(side(-1.0)) == pytest.approx(full, rel=1e-15)
    assert float(side(0.4)) == pytest.approx(full / 2, rel=1e-15)
    decade = GAS * 298.15 / FARADAY * math.log(10)
    assert float(side(0.4 + 10 * decade) / side(0.4 + 11 * decade)) == pytest.approx(10.0, rel=1e-9)


@pytest.mark.parametrize("potential", [-1e3, -2.0, 0.4, 3.0, 1e3])
def test_solvent_reduction_and_its_slope_never_overflow(potential):
    def side(potential):
        return interphase.solvent_diffusion(5e-9, potential, reduction_potential=0.4, **SOLVENT)

    value, slope = jax.value_and_grad(side)(potential)
    assert math.isfinite(value)
    assert math.isfinite(slope)
    assert value >= 0
    assert slope <= 0


def test_relaxation_time_of_a_film_does_not_depend_on_its_thickness():
    thickness = jnp.array([2e-9, 20e-9])
    time = interphase.film_resistance(thickness, 5e-6) * interphase.film_capacitance(thickness, 10.0)
    np.testing.assert_allclose(time, 8.8541878128e-12 * 10.0 / 5e-6, rtol=1e-15)
    assert interphase.film_resistance(20e-9, 5e-6) == pytest.approx(4e-3, rel=1e-15)
