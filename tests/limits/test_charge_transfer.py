"""Charge transfer against its limits, an independent quadrature, and 13-digit reference values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc

from mossy.backend import jax, jnp
from mossy.laws.charge_transfer import butler_volmer, marcus_hush_chidsey
from mossy.laws.constants import FARADAY, GAS

TEMPERATURE = 298.15
THERMAL = GAS * TEMPERATURE / FARADAY  # V

# (k(u) - k(-u))/k(0), by adaptive quadrature in extended precision, 13 digits
REDUCED_OVERPOTENTIALS = (0.5, 1, 2, 4, 8, 12, 20)
REFERENCE = {
    8: (0.502531174193, 1.02015175752, 2.158099749912, 5.166891667929, 14.57291980841, 23.89218121053, 29.0592196181),
    10: (
        0.5029452608419,
        1.023514526716,
        2.186565208636,
        5.439663171708,
        17.61598328668,
        34.37617309593,
        50.99827898043,
    ),
    20: (
        0.5039210172271,
        1.031476299111,
        2.255252047793,
        6.149565089328,
        28.27153102334,
        92.82240795287,
        414.7115195097,
    ),
}
AT_EQUILIBRIUM = {8: 0.34389640888257, 10: 0.21558371988336, 20: 0.019113659027958}


def marcus(u, width, **others):
    """`marcus_hush_chidsey` for an exchange current density of 1, with its energies in units of R T."""
    return marcus_hush_chidsey(u * THERMAL, 1.0, reorganisation_energy=width * GAS * TEMPERATURE, **others)


def rate(u, width):
    """k(u)/k(0): without metal there is no way back."""
    return marcus(u, width, metal_activity=0.0)


def logarithm_of_integral(u, width):
    """ln k(u) from its definition, by adaptive quadrature of the integrand over its largest value."""

    def exponent(x):
        return -((x - width + u) ** 2) / (4 * width) - np.logaddexp(0.0, x)

    spread = math.sqrt(2 * width)
    peak = max(np.linspace(-abs(u) - 40, width + abs(u) + 40, 4001), key=exponent)
    height = exponent(peak)
    edges = sorted({peak + step * reach for step in (-1, 0, 1) for reach in (2, 8, 12 * spread, 12 * spread + 60)})
    pieces = [
        quad(lambda x: math.exp(exponent(x) - height), low, high, epsabs=0, epsrel=1e-12, limit=200)[0]
        for low, high in itertools.pairwise(edges)
    ]
    return height + math.log(sum(pieces))


@pytest.mark.parametrize("width", REFERENCE)
def test_marcus_hush_chidsey_reproduces_the_reference_table(width):
    found = marcus(np.array(REDUCED_OVERPOTENTIALS), width)
    # 1e-12: the table holds 13 digits
    np.testing.assert_allclose(found, REFERENCE[width], rtol=1e-12)


@pytest.mark.parametrize("width", [4, 10, 37, 100, 200])
def test_marcus_hush_chidsey_agrees_with_adaptive_quadrature_on_both_branches(width):
    u = np.array([-100.0, -60, -37, -20, -9, -3, -0.7, 0.7, 3, 9, 20, 37, 60, 100])
    expected = [logarithm_of_integral(each, width) - logarithm_of_integral(0.0, width) for each in u]
    # the logarithms reach 100, so 1e-10 in them is 1e-10 relative in the rate
    np.testing.assert_allclose(jnp.log(rate(u, width)), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("width", AT_EQUILIBRIUM)
def test_marcus_hush_chidsey_levels_off_at_the_area_of_the_gaussian(width):
    plateau = math.sqrt(4 * math.pi * width) / AT_EQUILIBRIUM[width]
    assert float(marcus(500.0, width)) == pytest.approx(plateau, rel=1e-12)
    assert float(marcus(-500.0, width)) == pytest.approx(-plateau, rel=1e-12)


def test_detailed_balance_is_exact():
    u = np.linspace(0.1, 60, 50)
    np.testing.assert_allclose(rate(u, 12.0) / rate(-u, 12.0), np.exp(u), rtol=1e-13)


def test_marcus_hush_chidsey_becomes_butler_volmer_as_the_reorganisation_energy_grows():
    u = np.array([-6.0, -2.0, 0.5, 3.0])
    limit = butler_volmer(u * THERMAL, 1.0)
    near, nearer = (np.asarray(marcus(u, width) / limit - 1) for width in (200.0, 400.0))
    # k(u)/k(0) = e^(u/2) (1 - u^2/(4 L) + O(1/L^2)): the distance halves with each doubling of L
    np.testing.assert_allclose(near / nearer, 2.0, rtol=0.05)
    np.testing.assert_allclose(near, -(u**2) / 800, rtol=0.1)


@pytest.mark.parametrize("volts", [-1e3, -5.0, 5.0, 1e3])
def test_marcus_hush_chidsey_and_its_slope_stay_finite_far_from_equilibrium(volts):
    value, slope = jax.value_and_grad(lambda eta: marcus_hush_chidsey(eta, 1.0, reorganisation_energy=25e3))(volts)
    assert math.copysign(1, value) == math.copysign(1, volts)
    assert math.isfinite(value)
    assert math.isfinite(slope)


@pytest.mark.parametrize("u", [-30.0, -2.0, 1e-3, 5.0, 30.0])
@pytest.mark.parametrize("activity", [0.0, 0.3, 1.0])
def test_gradients_of_marcus_hush_chidsey_follow_its_differences(u, activity):
    def law(u, width):
        return marcus(u, width, metal_activity=activity)

    step = 1e-4
    for place in (0, 1):
        at = jnp.array([u, 9.0])
        shift = jnp.zeros(2).at[place].set(step)
        slope = jax.grad(law, argnums=place)(*at)
        difference = (law(*(at + shift)) - law(*(at - shift))) / (2 * step)
        # central differences of a smooth function: step^2 from truncation, 1e-12 from rounding
        np.testing.assert_allclose(slope, difference, rtol=1e-7, atol=1e-11)


def test_branches_of_marcus_hush_chidsey_meet_smoothly_at_equilibrium():
    def law(u):
        return marcus(u, 9.0, metal_activity=0.4)

    slope, curvature = jax.grad(law), jax.grad(jax.grad(law))
    # d/du of k(u) - a k(-u) at 0 is (1 + a) k(0)/2, for k(u) exp(-u/2) is even
    assert float(slope(0.0)) == pytest.approx(0.7, rel=1e-12)
    assert float(slope(1e-9)) == pytest.approx(0.7, rel=1e-8)
    assert float(slope(-1e-9)) == pytest.approx(0.7, rel=1e-8)
    assert float(curvature(1e-9)) == pytest.approx(float(curvature(0.0)), rel=1e-7)
    assert float(curvature(-1e-9)) == pytest.approx(float(curvature(0.0)), rel=1e-7)


@pytest.mark.parametrize(("width", "fraction"), [(8, 0.328), (10, 0.2105), (20, 0.0207)])
def test_warning_about_pybamms_prefactor_holds(width, fraction):
    """The slope at equilibrium of PyBaMM's j0 sqrt(pi L) tanh(u/2) erfc(...), and what that makes of J0."""
    slope = math.sqrt(math.pi * width) / 2 * erfc((width - math.sqrt(1 + math.sqrt(width))) / (2 * math.sqrt(width)))
    assert slope == pytest.approx(fraction, rel=3e-3)
    assert float(jax.grad(lambda u: marcus(u, width))(0.0)) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("law", [butler_volmer, lambda eta, j0, **o: marcus(eta / THERMAL, 10.0, **o) * j0])
def test_equilibrium_is_at_zero_for_every_concentration_and_shifts_with_the_metals_activity(law):
    ratios = np.array([0.0, 1e-3, 1.0, 2.0])
    np.testing.assert_array_equal(law(0.0, 10.0, concentration_ratio=ratios), 0.0)
    activity = 0.2
    assert float(law(THERMAL * math.log(activity), 10.0, metal_activity=activity)) == pytest.approx(0.0, abs=1e-13)
    assert np.all(np.asarray(law(np.linspace(-0.5, 0.5, 11), 10.0, metal_activity=0.0)) >= 0)


@pytest.mark.parametrize("symmetry", [0.3, 0.5, 0.7])
def test_butler_volmer_has_its_linear_and_tafel_limits(symmetry):
    def current(eta):
        return butler_volmer(eta, 10.0, symmetry=symmetry, charge_number=2, temperature=333.15)

    reciprocal_volt = 2 * FARADAY / (GAS * 333.15)
    assert float(jax.grad(current)(0.0)) == pytest.approx(10.0 * reciprocal_volt, rel=1e-13)
    decades = jax.grad(lambda eta: jnp.log(jnp.abs(current(eta))))
    # the other branch is down by exp(-2 F 0.5 V/(R T)) = 1e-15
    assert float(decades(0.5)) == pytest.approx(symmetry * reciprocal_volt, rel=1e-12)
    assert float(decades(-0.5)) == pytest.approx((symmetry - 1) * reciprocal_volt, rel=1e-12)


@pytest.mark.parametrize("symmetry", [0.3, 0.7])
def test_salt_speeds_both_directions_alike(symmetry):
    def current(eta, ratio):
        return butler_volmer(eta, 10.0, symmetry=symmetry, concentration_ratio=ratio)

    for eta in (-0.05, 0.05):
        assert float(current(eta, 0.25) / current(eta, 1.0)) == pytest.approx(0.25 ** (1 - symmetry), rel=1e-13)
    assert float(marcus(2.0, 10.0, concentration_ratio=0.25) / marcus(2.0, 10.0)) == pytest.approx(0.5, rel=1e-13)


@pytest.mark.parametrize("ratio", [-0.1, 0.0, 1e-30])
def test_a_depleted_surface_gives_no_current_and_no_nan(ratio):
    for law in (
        lambda r: butler_volmer(0.1, 10.0, concentration_ratio=r),
        lambda r: marcus(4.0, 10.0, concentration_ratio=r),
    ):
        value, slope = jax.value_and_grad(law)(ratio)
        assert 0 <= float(value) < 1e-3
        assert math.isfinite(slope)


def test_charge_number_and_temperature_enter_only_through_the_reduced_overpotential():
    eta, energy = 0.07, 20e3
    one = marcus_hush_chidsey(eta, 1.0, reorganisation_energy=energy, temperature=280.0, charge_number=2)
    same = marcus_hush_chidsey(2 * eta, 1.0, reorganisation_energy=energy, temperature=280.0)
    scaled = marcus_hush_chidsey(4 * eta, 1.0, reorganisation_energy=2 * energy, temperature=560.0)
    assert float(one) == pytest.approx(float(same), rel=1e-14)
    assert float(one) == pytest.approx(float(scaled), rel=1e-13)


def test_laws_broadcast_compile_and_batch():
    eta = jnp.linspace(-0.2, 0.2, 12).reshape(3, 4)
    energies = jnp.array([15e3, 20e3, 25e3, 30e3])
    whole = jax.jit(lambda e, w: marcus_hush_chidsey(e, 5.0, reorganisation_energy=w))(eta, energies)
    assert whole.shape == (3, 4)
    single = marcus_hush_chidsey(float(eta[2, 1]), 5.0, reorganisation_energy=20e3)
    assert float(whole[2, 1]) == pytest.approx(float(single), rel=1e-13)
    batch = jax.vmap(lambda e: marcus_hush_chidsey(e, 5.0, reorganisation_energy=20e3))(eta[:, 1])
    np.testing.assert_allclose(batch, whole[:, 1], rtol=1e-13)
