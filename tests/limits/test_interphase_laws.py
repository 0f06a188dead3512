"""Film laws against their closed forms, their switch, and Faraday's law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import lambertw

from mossy.backend import jax, jnp
from mossy.laws import growth_integrals, interphase
from mossy.laws.constants import FARADAY, GAS

YEAR = 365.25 * 86400
SOLVENT = {"solvent_diffusivity": 2.5e-22, "solvent_concentration": 2636.0}
FILM = {"film_molar_volume": 9.585e-5, "metal_per_formula": 2}
PER_CHARGE = 9.585e-5 / (2 * FARADAY)
GROWTH = 9.585e-5 * 2.5e-22 * 2636.0 / 2
TUNNELLING = {"side_exchange_current_density": 1.5e-7, "side_symmetry": 0.5}


def test_film_grows_to_the_reference_thickness_in_a_year():
    found = growth_integrals.parabolic_thickness(YEAR, 5e-9, GROWTH)
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
    from_nothing = np.asarray(growth_integrals.parabolic_thickness(times, 0.0, GROWTH))
    np.testing.assert_allclose(from_nothing, from_nothing[1] * np.array([0, 1, 2, 4]), rtol=1e-14)
    assert float(growth_integrals.parabolic_thickness(0.0, 5e-9, GROWTH)) == pytest.approx(5e-9, rel=1e-15)


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


def grown(law, start, time=YEAR, loss=0.0):
    """A law of thickness integrated to 1e-12 by a high-order method that knows nothing of closed forms."""

    def rate(_, thickness):
        return PER_CHARGE * np.asarray(law(thickness)) * 1e9 - loss * 1e9

    def scaled(t, nanometres):
        return rate(t, nanometres * 1e-9)

    run = solve_ivp(scaled, (0, time), [start * 1e9], method="DOP853", rtol=3e-14, atol=1e-15)
    return run.y[0, -1]


CLOSED = {
    "interstitial": (
        lambda L: interphase.interstitial_diffusion(
            L, 0.0, interstitial_diffusivity=1e-20, interstitial_concentration=15.0
        ),
        5e-9,
        21.87965708140783,
    ),
    "interstitial at 0.1 V": (
        lambda L: interphase.interstitial_diffusion(
            L, 0.1, interstitial_diffusivity=1e-20, interstitial_concentration=15.0
        ),
        5e-9,
        5.85288824056161,
    ),
    "migration": (
        lambda L: interphase.electron_migration(L, 0.0, electron_conductivity=8.95e-14, reduction_potential=0.4),
        5e-9,
        33.87215486631499,
    ),
    "tunnelling": (
        lambda L: interphase.electron_tunnelling(L, 0.0, inverse_tunnelling_length=1e10, **TUNNELLING),
        0.0,
        0.31991771023357835,
    ),
    "tunnelling through more": (
        lambda L: interphase.electron_tunnelling(L, 0.0, inverse_tunnelling_length=1e9, **TUNNELLING),
        1e-9,
        1.6232455275,
    ),
}


@pytest.mark.parametrize(("law", "start", "nanometres"), CLOSED.values(), ids=CLOSED)
def test_every_growth_law_reaches_its_reference(law, start, nanometres):
    # the references' own digits: ten, and R T/F rounded to eleven where it sits in an exponent
    digits = {1.6232455275: 1e-10, 5.85288824056161: 2e-11}.get(nanometres, 1e-12)
    assert grown(law, start) == pytest.approx(nanometres, rel=digits)


def test_reaction_limited_growth_is_linear():
    law = {"side_exchange_current_density": 1e-7, "side_symmetry": 0.5, "reduction_potential": 0.4}
    side = float(interphase.reaction_limited(5e-9, 0.3, **law))
    assert side == pytest.approx(1e-7 * math.exp(0.5 * 0.1 * FARADAY / (GAS * 298.15)), rel=1e-14)
    found = grown(lambda L: interphase.reaction_limited(L, 0.3, **law), 5e-9)
    assert found == pytest.approx(5.0 + PER_CHARGE * side * YEAR * 1e9, rel=1e-13)


@pytest.mark.parametrize(("time", "nanometres"), [(86400.0, 273.478), (YEAR, 5240.468)])
def test_reaction_and_diffusion_follow_deal_and_grove(time, nanometres):
    law = {
        "reaction_rate_constant": 1e-12,
        "solvent_diffusivity": 2e-18,
        "solvent_concentration": 4541.0,
        "side_symmetry": 0.5,
        "reduction_potential": 0.4,
    }
    velocity = PER_CHARGE * float(interphase.reaction_diffusion(0.0, 0.0, **law))
    exact = growth_integrals.linear_parabolic_thickness(time, 5e-9, velocity, 9.585e-5 / 2 * 4541 * 2e-18)
    found = grown(lambda L: interphase.reaction_diffusion(L, 0.0, **law), 5e-9, time)
    assert found == pytest.approx(float(exact) * 1e9, rel=1e-12)
    assert found == pytest.approx(nanometres, abs=6e-4)


def test_the_crossover_has_three_regimes():
    law = {
        "side_exchange_current_density": 1e-3,
        "side_symmetry": 0.22,
        "interstitial_diffusivity": 1e-20,
        "interstitial_concentration": 15.0,
        "ion_conductivity": 1e-7,
        "tunnelling_length": 2e-9,
    }

    def side(thickness, current):
        crossover = interphase.diffusion_migration_crossover
        return float(crossover(thickness, 0.0, film_current_density=current, **law))

    assert side(1.5e-9, 0.0) == pytest.approx(1e-3, rel=1e-15)  # reaction: thinner than electrons tunnel
    diffusion = FARADAY * 1e-20 * 15.0 / 1e-3
    assert side(100e-9, 0.0) == pytest.approx(1e-3 / (1 + 98e-9 / diffusion), rel=1e-13)
    thick = side(1e-3, 10.0), side(2e-3, 10.0)
    assert thick[1] == pytest.approx(thick[0], rel=1e-3)  # migration while plating: no longer falls with thickness
    assert side(100e-9, 10.0) > side(100e-9, 0.0) > side(100e-9, -0.01)
    assert side(1e-3, -10.0) == 0.0


@pytest.mark.parametrize(
    ("time", "of_steady"), [(0.1, 0.383183168208295), (1.0, 0.8414056604369606), (3.0, 0.9813393709113166)]
)
def test_growth_against_dissolution_follows_lambert(time, of_steady):
    assert float(growth_integrals.dissolving_thickness(time, 0.0, 1.0, 1.0)) == pytest.approx(of_steady, rel=1e-12)
    steady, loss = 2e-9, 1e-17
    from_tenth = growth_integrals.dissolving_thickness(time * steady / loss, 0.1 * steady, steady * loss, loss)
    exact = 1 + np.real(lambertw(-0.9 * math.exp(-0.9 - time)))
    assert float(from_tenth) / steady == pytest.approx(exact, rel=1e-12)
    assert float(interphase.dissolution_rate(1e-9, loss)) == loss


def test_dissolution_ends_with_the_film_and_with_saturation():
    assert float(interphase.dissolution_rate(-1e-12, 1e-15)) == 0.0
    assert float(interphase.dissolution_rate(0.5e-10, 1e-15)) == pytest.approx(0.5e-15)
    assert float(interphase.dissolution_rate(1e-9, 1e-15, saturation=0.75)) == pytest.approx(0.25e-15)
    assert float(interphase.dissolution_rate(1e-9, 1e-15, saturation=1.5)) == 0.0
