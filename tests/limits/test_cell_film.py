"""Film growth through the integrator against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cells_for_tests import THERMAL, electrode, final, simulate
from mossy.laws.growth_integrals import parabolic_thickness

YEAR = 365.25 * 86400.0
GROWTH = 9.585e-5 * 2.5e-22 * 2636.0 / 2
"""m2/s: V D c/n"""
SLOW = electrode(interphase={"solvent_diffusivity": "2.5e-22 m^2/s"})


def test_a_year_on_resting_lithium_grows_the_parabola():
    """44.92594503891932 nm, computed apart for a reaction that nothing holds back. On lithium the law holds it back by
    1/(1 + exp(-F 0.4 V/RT)) = 1 - 1.7e-7, which the thickness feels by -0.9e-7: within the 1e-6 asked for."""
    run = simulate(["rest for 365.25 d"], working=SLOW, numerics={"relative_tolerance": 1e-9})
    found = run.summary["interphase"]["working"]["thickness_nm"]
    assert found == pytest.approx(44.92594503891932, rel=1e-6)
    default = simulate(["rest for 365.25 d"], working=SLOW).summary["interphase"]["working"]["thickness_nm"]
    assert default == pytest.approx(found, rel=1e-6)  # the default tolerance
    held_back = 1.0 / (1.0 + math.exp(-0.4 / THERMAL))
    exact = 1e9 * math.sqrt(25e-18 + (44.92594503891932e-9**2 - 25e-18) * held_back)
    assert found == pytest.approx(exact, rel=2e-8)  # eta of the corroding metal, 2e-8 V, is left


def test_the_film_is_on_the_parabola_all_the_way():
    run = simulate(["rest for 365.25 d"], working=SLOW)
    time = run.cycling["test_time_second"].to_numpy()
    exact = [float(parabolic_thickness(t, 5e-9, GROWTH)) * 1e9 for t in time]
    # the dense output's own tolerance, an order above that of the steps' ends
    np.testing.assert_allclose(run.cycling["working_film_thickness_nm"].to_numpy(), exact, rtol=1e-5)


def test_a_thicker_film_is_a_larger_resistance_and_nothing_else():
    run = simulate(["rest for 365.25 d", "plate 0.1 mA/cm^2 for 10 s"], working=SLOW)
    end = final(run)
    assert -end["working_film_volt"] == pytest.approx(1.0 * end["working_film_thickness"] / 1e-6, rel=1e-9)
    assert end["counter_film_volt"] == pytest.approx(-1.0 * 5e-9 / 1e-6, rel=1e-9)
    assert run.cycling["working_film_resistance_ohm_cm2"][-1] == pytest.approx(449.259, rel=1e-4)


def test_with_the_metal_held_above_the_reduction_potential_nothing_grows():
    """Copper held at 0.5 V, 3.9 RT/F above U: growth at 1/(1 + e^3.9) of its full rate."""
    side = electrode(interphase={"solvent_diffusivity": "1e-20 m^2/s"}, initial_potential="0.5 V")
    run = simulate(["hold 0.5 V for 10 h"], cell={"working": "copper"}, working=side)
    held_back = 1.0 / (1.0 + math.exp(0.1 / THERMAL))
    exact = math.sqrt(25e-18 + 9.585e-5 * 1e-20 * 2636.0 * 36000.0 * held_back)
    assert final(run)["working_film_thickness"] == pytest.approx(exact, rel=1e-5)
