"""The metal's accounting: nothing is lost, and nothing strips that is not there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.laws.inventory import dense_thickness, metal_activity, metal_rates


def test_active_and_dead_metal_add_up_to_the_charge_transferred():
    current, side, fraction = np.meshgrid([-20.0, -1.0, -0.3, 0.0, 5.0], [0.0, 0.5, 2.0], [0.0, 0.05, 0.6])
    active, dead = metal_rates(current, side, fraction)
    np.testing.assert_allclose(active + dead, current, rtol=0, atol=1e-14)
    assert (np.asarray(dead) >= 0).all()


def test_stripping_isolates_its_fraction_of_what_it_removes():
    active, dead = metal_rates(-9.0, 0.0, 0.1)
    assert float(active) == pytest.approx(-10.0, rel=1e-15)
    assert float(dead / -active) == pytest.approx(0.1, rel=1e-15)


def test_plating_makes_no_dead_metal_and_ignores_the_side_reaction():
    assert [float(rate) for rate in metal_rates(7.0, 2.0, 0.3)] == [7.0, 0.0]


def test_corrosion_at_rest_isolates_nothing():
    active, dead = metal_rates(-0.5, 0.5, 0.3)
    assert float(active) == -0.5
    assert float(dead) == 0.0
    # with half of the dissolution feeding the side reaction only the other half leaves dead metal
    active, dead = metal_rates(-1.0, 0.5, 0.5)
    assert [float(active), float(dead)] == [-1.5, 0.5]


def test_cycling_efficiency_follows_the_isolated_fraction():
    """Of plated charge Q, 1 - f comes back when all active metal is stripped, whatever the path of the current."""
    fraction, active, back = 0.08, 100.0, 0.0
    while active > 1e-9:
        current = -min(3.0, (1 - fraction) * active)
        rates = metal_rates(current, 0.0, fraction)
        active += float(rates[0])
        back -= current
    assert back / 100.0 == pytest.approx(1 - fraction, rel=1e-9)


def test_metal_runs_out_as_its_inventory_does():
    activity = np.asarray(metal_activity(jnp.array([0.0, 2.0, 2e6]), 2.0))
    np.testing.assert_allclose(activity, [0.0, 0.5, 1 / (1 + 1e-6)], rtol=1e-15)


def test_an_undershoot_of_the_inventory_drives_itself_back():
    """Below 0 the activity is negative and its slope the one at 0, so that "stripping" there adds metal."""
    slope = jax.grad(metal_activity)
    assert float(metal_activity(-0.1, 2.0)) == pytest.approx(-0.05, rel=1e-15)
    for inventory in (-1.0, -1e-9, 0.0, 1e-9):
        assert float(slope(inventory, 2.0)) == pytest.approx(0.5, rel=1e-8)


@pytest.mark.parametrize("current", [-3.0, -0.5, 0.0, 4.0])
def test_gradients_are_finite_everywhere(current):
    slopes = jax.grad(lambda j: metal_rates(j, 0.5, 0.1)[0])(current), jax.grad(metal_activity)(current, 2.0)
    assert all(math.isfinite(slope) for slope in slopes)
    whole = jax.grad(lambda j: sum(metal_rates(j, 0.5, 0.1)))(current)
    assert float(whole) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(
    ("molar_volume", "charge_number", "micrometres"),
    [(13.021, 1, 4.8583), (23.784, 1, 8.8739), (45.542, 1, 16.9924), (13.995, 2, 2.6109), (26.276, 2, 4.9019)],
)
def test_dense_metal_is_as_thick_as_its_molar_volume_says(molar_volume, charge_number, micrometres):
    """Li, Na, K, Mg and Ca for 1 mAh/cm2."""
    found = dense_thickness(36000.0, molar_volume * 1e-6, charge_number) * 1e6
    # the table has five digits, of molar volumes with five digits
    assert found == pytest.approx(micrometres, rel=4e-5)
