"""Activation energies: known lines found, errors that cover the truth, breaks only where the data ask for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from mossy.analysis import arrhenius
from mossy.errors import InputError
from mossy.laws.impedance_physics import BOLTZMANN, arrhenius_conductivity, arrhenius_conductivity_temperature

KELVIN = np.linspace(270.0, 350.0, 9)
INVERSE = 1.0 / (BOLTZMANN * KELVIN)
ERRORS = np.array([0.02, 0.05, 0.01, 0.03, 0.02, 0.04, 0.02, 0.06, 0.02])


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("ln(sigma T)", arrhenius_conductivity_temperature(KELVIN, 4e5, 0.52)),
        ("ln(sigma)", arrhenius_conductivity(KELVIN, 4e5, 0.52)),
        ("ln(R)", 1.0 / arrhenius_conductivity(KELVIN, 4e5, 0.52)),
        ("ln(R/T)", 1.0 / arrhenius_conductivity_temperature(KELVIN, 4e5, 0.52)),
    ],
)
def test_an_exact_line_of_each_form_is_found(form, values):
    line = arrhenius.fit(KELVIN, np.asarray(values), 0.01 * np.asarray(values), form=form)
    assert line.activation_energy.value == pytest.approx(0.52, rel=1e-9)
    sign = arrhenius.FORMS[form][0]
    assert line.log_prefactor.value == pytest.approx(-sign * np.log(4e5), rel=1e-9)
    assert line.scatter == pytest.approx(0.0, abs=1e-6)
    assert line.at(300.0).value == pytest.approx(float(np.interp(300.0, KELVIN, values)), rel=1e-9)


def noisy(seed, scatter=0.0, errors=ERRORS):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=len(KELVIN)) * errors + rng.normal(size=len(KELVIN)) * scatter
    values = np.asarray(arrhenius_conductivity_temperature(KELVIN, 4e5, 0.52)) * np.exp(noise)
    return values, values * errors


def test_without_scatter_it_is_the_weighted_line_of_curve_fit():
    values, errors = noisy(1)
    line = arrhenius.fit(KELVIN, values, errors, scatter=False)
    (_, energy), covariance = curve_fit(
        lambda x, a, e: a - e * x, INVERSE, np.log(values * KELVIN), sigma=ERRORS, absolute_sigma=True
    )
    assert line.activation_energy.value == pytest.approx(energy, rel=1e-6)  # curve_fit's own tolerance
    assert line.activation_energy.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-4)


def test_without_errors_it_is_the_plain_line_of_curve_fit():
    values, _ = noisy(2)
    line = arrhenius.fit(KELVIN, values)
    (_, energy), covariance = curve_fit(lambda x, a, e: a - e * x, INVERSE, np.log(values * KELVIN))
    assert line.activation_energy.value == pytest.approx(energy, rel=1e-6)
    assert line.activation_energy.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-4)
    assert line.freedom_of_energy == pytest.approx(len(KELVIN) - 2, rel=1e-6)
    assert np.isnan(line.chi_squared)


def test_energy_in_kilojoule_per_mole():
    line = arrhenius.fit(KELVIN, *noisy(3))
    joule = line.activation_energy_in_kilojoule
    assert joule.value / line.activation_energy.value == pytest.approx(96.48533212, rel=1e-10)
    assert joule.standard_error / line.activation_energy.standard_error == pytest.approx(96.48533212, rel=1e-10)


def test_scatter_beyond_the_errors_widens_the_error_and_shows_as_lack_of_fit():
    values, errors = noisy(5, scatter=0.3)
    hard, soft = (arrhenius.fit(KELVIN, values, errors, scatter=each) for each in (False, True))
    assert hard.p_value < 1e-6
    assert 0.1 < soft.scatter < 0.6
    assert soft.activation_energy.standard_error > 4.0 * hard.activation_energy.standard_error


@pytest.mark.parametrize("scatter", [0.0, 0.03, 0.3])
def test_intervals_of_the_energy_cover_the_truth(scatter):
    held = [
        low < 0.52 < high
        for low, high in (arrhenius.fit(KELVIN, *noisy(seed, scatter)).interval() for seed in range(400))
    ]
    # 400 draws: 1.1 % of standard deviation; three of them, and what nine points leave to the approximation
    assert 0.915 < np.mean(held) < 0.985


def test_a_prediction_has_the_error_of_its_simulations():
    at = [arrhenius.fit(KELVIN, *noisy(seed), scatter=False).at(250.0) for seed in range(800)]
    spread = np.std(np.log([each.value for each in at]))
    # 800 draws give a standard deviation to 2.5 %
    assert np.mean([each.standard_error / each.value for each in at]) == pytest.approx(spread, rel=0.08)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "ln(sigmaT)"}, "ln\\(sigma T\\)"),
        ({"temperature": [300.0, 310.0]}, "at least 3"),
        ({"values": [1.0, -1.0, 2.0, 3.0]}, "above zero"),
        ({"temperature": [25.0, -5.0, 45.0, 60.0]}, "in K"),
        ({"standard_errors": [0.1, 0.0, 0.1, 0.1]}, "is 0"),
        ({"standard_errors": None, "scatter": False}, "nothing weighs"),
        ({"values": "abc"}, "numbers"),
    ],
)
def test_what_is_no_series_is_refused(change, message):
    given = {
        "temperature": [300.0, 310.0, 320.0, 330.0],
        "values": [1.0, 2.0, 3.0, 4.0],
        "standard_errors": [0.1, 0.1, 0.1, 0.1],
    }
    with pytest.raises(InputError, match=message):
        arrhenius.fit(**given | change)


def broken(seed, energies=(0.6, 0.4), points=12, noise=0.04, corner=300.0):
    kelvin = np.linspace(250.0, 350.0, points)
    away = 1.0 / (BOLTZMANN * kelvin) - 1.0 / (BOLTZMANN * corner)
    log = -np.where(away > 0.0, *energies) * away + noise * np.random.default_rng(seed).normal(size=points)
    return kelvin, np.exp(log) / kelvin


@pytest.mark.parametrize("errors", [None, 0.04], ids=["no errors", "errors"])
def test_a_break_is_found_with_its_temperature_and_energies(errors):
    inside = []
    for seed in range(40):
        kelvin, values = broken(seed)
        found = arrhenius.with_break(kelvin, values, None if errors is None else errors * values)
        assert found.supported
        inside.append(
            [
                abs(each.value - truth) < 2.0 * each.standard_error
                for each, truth in ((found.temperature, 300.0), (found.below, 0.6), (found.above, 0.4))
            ]
        )
    # two standard errors with five to eight degrees of freedom hold 90 to 93 %; 40 draws: 4.5 % of standard deviation
    assert np.all(np.mean(inside, axis=0) > 0.77)


def test_a_break_of_resistances_has_the_same_energies():
    kelvin, values = broken(7)
    conductivity, resistance = (
        arrhenius.with_break(kelvin, each, form=form)
        for each, form in ((values, "ln(sigma T)"), (1.0 / values, "ln(R/T)"))
    )
    assert resistance.below.value == pytest.approx(conductivity.below.value, rel=1e-6)
    assert resistance.above.value == pytest.approx(conductivity.above.value, rel=1e-6)
    assert resistance.temperature.value == pytest.approx(conductivity.temperature.value, rel=1e-9)


@pytest.mark.parametrize("points", [8, 12, 20])
def test_noise_about_one_line_is_no_break(points):
    claimed = [arrhenius.with_break(*broken(seed, energies=(0.5, 0.5), points=points)).supported for seed in range(100)]
    # at most 1 % in 200 draws of each kind; 4 of 100 are then three standard deviations off
    assert np.mean(claimed) <= 0.04


def test_an_unsupported_break_gives_no_numbers_but_the_reason():
    few = arrhenius.with_break(*broken(1, points=7))
    assert not few.supported
    assert few.temperature.value is None
    assert "too few" in few.temperature.reason
    straight = arrhenius.with_break(*broken(1, energies=(0.5, 0.5)))
    assert straight.below.value is None
    assert "BIC" in straight.reason
    assert straight.line.activation_energy.value == pytest.approx(0.5, abs=0.05)


def test_exact_data_on_one_line_are_no_break():
    assert not arrhenius.with_break(*broken(1, energies=(0.5, 0.5), noise=0.0)).supported
