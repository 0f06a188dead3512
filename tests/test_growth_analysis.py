"""Which law a film follows: each law's own course, with noise, is told from the others; what cannot be told is not."""

from __future__ import annotations

import numpy as np
import pytest

from mossy.analysis.growth import LAWS, mechanism
from mossy.errors import InputError
from mossy.laws.constants import FARADAY, GAS

THERMAL = GAS * 298.15 / FARADAY
TRUTHS = {
    "reaction_limited": (1e-4, 0.5),
    "solvent_diffusion": (1e-2, 5.0),
    "interstitial_diffusion": (1e-1, 5.0),
    "electron_migration": (1e-2, 5.0, 0.25),
    "electron_tunnelling": (1e-1, 10.0, 0.5),
    "reaction_diffusion": (3e-2, 3e-2, 0.6),
    "interstitial_diffusion against dissolution": (1e-1, 2e-5),
}
TIME = np.tile(np.geomspace(3e2, 3e6, 12), 3)
POTENTIAL = np.repeat([0.02, 0.05, 0.1], 12)


def lost(law, seed):
    course = LAWS[law].course(TIME, POTENTIAL, POTENTIAL / THERMAL, TRUTHS[law])
    noise = np.random.default_rng(seed).normal(0.0, 0.02, TIME.size)
    return np.asarray(course) * np.exp(noise)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_told_from_the_others_and_its_parameters_found(law):
    found = mechanism(TIME, POTENTIAL, lost(law, 1), relative_error=0.02)
    assert found.best.law == law
    assert found.told_apart
    assert found.best.chi_squared < 2.0 * TIME.size
    for (value, error), truth in zip(found.best.parameters.values(), TRUTHS[law], strict=True):
        assert abs(value - truth) < 4.0 * error
        assert error < 0.5 * abs(truth)


def test_standard_errors_cover_the_truth():
    """The truth lies within one standard error about two times in three, 0.68 give or take three binomial errors."""
    law = "interstitial_diffusion"
    hits = []
    for seed in range(100):
        found = mechanism(TIME, POTENTIAL, lost(law, seed), relative_error=0.02)
        entry = next(each for each in found.candidates if each.law == law)
        value, error = entry.parameters["parabolic_at_0_V_C2_per_m4_s"]
        hits.append(abs(value - TRUTHS[law][0]) < error)
    assert abs(np.mean(hits) - 0.68) <= 0.14


def test_exponent_and_slope_are_those_of_a_power_law():
    charge = 3.0 * TIME**0.5 * np.exp(-0.5 * POTENTIAL / THERMAL)
    found = mechanism(TIME, POTENTIAL, charge, relative_error=0.02)
    assert found.exponent == pytest.approx(0.5, abs=1e-9)
    assert found.potential_slope == pytest.approx(0.5, abs=1e-9)
    assert 0.0 < found.exponent_error < 0.01


def test_one_potential_does_not_tell_what_a_film_feels_of_it():
    one = POTENTIAL == 0.05
    found = mechanism(TIME[one], POTENTIAL[one], lost("solvent_diffusion", 2)[one], relative_error=0.02)
    assert not found.told_apart
    assert np.isinf(found.potential_slope_error)
    assert sum(each.weight for each in found.candidates) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("time", "potential", "charge", "error"),
    [
        ([1.0] * 3, [0.1] * 3, [1.0] * 3, 0.1),
        ([1.0] * 6, [0.1] * 5, [1.0] * 6, 0.1),
        ([0.0] * 6, [0.1] * 6, [1.0] * 6, 0.1),
        ([1.0] * 6, [0.1] * 6, [float("nan")] * 6, 0.1),
        ([1.0] * 6, [0.1] * 6, [1.0] * 6, 0.0),
    ],
)
def test_data_that_say_nothing_are_refused(time, potential, charge, error):
    with pytest.raises(InputError) as found:
        mechanism(time, potential, charge, relative_error=error)
    assert found.value.remedy
