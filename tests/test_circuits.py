"""Circuits fitted to spectra: the truth found without a guess, honest errors, and what a person must be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from mossy.analysis.circuits import Circuit, CircuitFit
from mossy.analysis.circuits.moves import in_order, relaxations, second_solutions
from mossy.analysis.circuits.search import Task, bounds_of, iterated, search
from mossy.errors import InputError
from mossy.numerics.many import RivalMinima
from spectra_for_tests import CIRCUIT, FREQUENCY, NOISE, random_spectra

TWO_ARCS = {
    "R0": 10.0,
    "R1": 100.0,
    "Q1.Q": 1e-6,
    "Q1.alpha": 0.9,
    "R2": 300.0,
    "Q2.Q": 1e-4,
    "Q2.alpha": 0.8,
    "W1": 20.0,
}


@pytest.fixture(scope="module")
def two_arcs() -> Circuit:
    return Circuit("R0-p(R1,Q1)-p(R2,Q2)-W1")


@pytest.fixture(scope="module")
def one_arc() -> Circuit:
    return Circuit("R0-p(R1,C1)")


def noisy(circuit: Circuit, values: Any, seed: int = 1, noise: float = NOISE, frequency: Any = FREQUENCY) -> Any:
    """A spectrum with normal noise of both parts, its standard deviation `noise` |Z|."""
    clean, random = circuit.impedance(frequency, values), np.random.default_rng(seed)
    return frequency, clean + noise * np.abs(clean) * (random.standard_normal((2, clean.size)).T @ [1.0, 1.0j])


def deviations(fit: CircuitFit, truth: Any) -> np.ndarray:
    """(value - truth)/standard error of each parameter."""
    values = [truth[name] for name in fit.names] if isinstance(truth, dict) else truth
    return (fit.values - values) / np.sqrt(np.diagonal(fit.covariance))


def test_truth_is_found_without_a_guess(two_arcs):
    fit = two_arcs.fit(noisy(two_arcs, TWO_ARCS))
    assert fit.status == "done"
    assert fit.flags == ()
    assert np.all(np.abs(deviations(fit, TWO_ARCS)) < 3.5)  # 1 in 270 of 8 normal deviates
    assert fit.degrees_of_freedom == 2 * 65 - 8
    assert fit.chi_squared == pytest.approx(fit.degrees_of_freedom * NOISE**2, rel=0.5)  # 4 standard deviations
    assert 0.7 < fit.noise_ratio < 1.3
    np.testing.assert_allclose(fit.model, fit.impedance(FREQUENCY), rtol=1e-9)


def test_minimum_and_errors_are_those_of_scipy(two_arcs):
    """SciPy from the truth, its own differences for derivatives: 1e-3 on errors is what these leave."""
    frequency, impedance = noisy(two_arcs, TWO_ARCS)
    fit = two_arcs.fit((frequency, impedance))

    def residual(logs: np.ndarray) -> np.ndarray:
        r = (two_arcs.impedance(frequency, np.exp(logs)) - impedance) / np.abs(impedance)
        return np.concatenate([r.real, r.imag])

    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
    peer = optimize.least_squares(residual, np.log(list(TWO_ARCS.values())), jac="3-point", **tight)
    assert fit.chi_squared == pytest.approx(2.0 * peer.cost, rel=1e-9)
    np.testing.assert_allclose(fit.values, np.exp(peer.x), rtol=1e-5)
    errors = np.sqrt(np.diag(np.linalg.inv(peer.jac.T @ peer.jac)) * 2.0 * peer.cost / fit.degrees_of_freedom)
    relative = [each.relative_error for each in fit.parameters.values()]
    np.testing.assert_allclose(relative, errors, rtol=1e-3)


def test_noise_free_data_give_the_values_back(two_arcs):
    """To 1e-6: the search ends when a step promises less than 1e-10 of what is left."""
    fit = two_arcs.fit((FREQUENCY, two_arcs.impedance(FREQUENCY, TWO_ARCS)))
    np.testing.assert_allclose(fit.values, list(TWO_ARCS.values()), rtol=1e-6)


@pytest.mark.parametrize("swapped", [False, True])
def test_arcs_stand_in_the_order_of_their_time_constants(two_arcs, swapped):
    truth = dict(TWO_ARCS)
    if swapped:
        for name in ("R", "Q"):
            for key in [key for key in TWO_ARCS if key.startswith(f"{name}1")]:
                other = key.replace("1", "2", 1)
                truth[key], truth[other] = TWO_ARCS[other], TWO_ARCS[key]
    fit = two_arcs.fit(noisy(two_arcs, truth))
    assert np.all(np.abs(deviations(fit, TWO_ARCS)) < 3.5)


def test_initial_values_of_swapped_arcs_do_not_swap_them(two_arcs):
    wrong = dict(TWO_ARCS) | {"R1": 300.0, "Q1.Q": 1e-4, "Q1.alpha": 0.8, "R2": 100.0, "Q2.Q": 1e-6, "Q2.alpha": 0.9}
    fit = two_arcs.fit(noisy(two_arcs, TWO_ARCS), initial=wrong)
    assert np.all(np.abs(deviations(fit, TWO_ARCS)) < 3.5)


def test_result_knows_no_unit_of_ohm(two_arcs):
    """Ohm in thousands: resistances a thousandfold, Q a thousandth, everything else the same to rounding."""
    frequency, impedance = noisy(two_arcs, TWO_ARCS)
    fit, scaled = two_arcs.fit((frequency, impedance)), two_arcs.fit((frequency, 1e3 * impedance))
    powers = np.array([{"o": 1.0, "s": -1.0, "1": 0.0}[unit[0]] for unit in two_arcs.units.values()])
    np.testing.assert_allclose(scaled.values / fit.values, 1e3**powers, rtol=1e-4)
    assert scaled.chi_squared == pytest.approx(fit.chi_squared, rel=1e-8)


def test_result_knows_no_unit_of_time(two_arcs):
    """Hertz in thousandths: Q by 1000^-alpha, the diffusion's A by sqrt(1000)."""
    frequency, impedance = noisy(two_arcs, TWO_ARCS)
    fit, fast = two_arcs.fit((frequency, impedance)), two_arcs.fit((1e3 * frequency, impedance))
    expected = fit.values * [1.0, 1.0, 1e3 ** -fit.values[3], 1.0, 1.0, 1e3 ** -fit.values[6], 1.0, np.sqrt(1e3)]
    np.testing.assert_allclose(fast.values, expected, rtol=1e-3)
    assert fast.chi_squared == pytest.approx(fit.chi_squared, rel=1e-8)


def test_order_of_points_makes_no_difference(two_arcs):
    frequency, impedance = noisy(two_arcs, TWO_ARCS)
    order = np.random.default_rng(0).permutation(len(frequency))
    fit, shuffled = two_arcs.fit((frequency, impedance)), two_arcs.fit((frequency[order], impedance[order]))
    np.testing.assert_allclose(shuffled.values, fit.values, rtol=1e-4)
    assert shuffled.chi_squared == pytest.approx(fit.chi_squared, rel=1e-9)
    np.testing.assert_allclose(shuffled.residuals, fit.residuals[order], atol=1e-7)


def test_a_batch_is_its_spectra_however_it_is_split(two_arcs):
    """Different lengths and grids in one call, each as if alone."""
    spectra = [noisy(two_arcs, TWO_ARCS, seed) for seed in range(5)]
    spectra.insert(2, noisy(two_arcs, TWO_ARCS, 9, frequency=np.logspace(5.5, -1.5, 70)))
    told: list[tuple[int, int]] = []
    together = two_arcs.fit_many(spectra, report=lambda *each: told.append(each))
    apart = [two_arcs.fit(each) for each in spectra]
    for left, right in zip(together, apart, strict=True):
        np.testing.assert_allclose(left.values, right.values, rtol=1e-6)
        assert left.chi_squared == pytest.approx(right.chi_squared, rel=1e-9)
    assert together[2].degrees_of_freedom == 2 * 70 - 8
    assert told[-1] == (6, 6)


def test_fixed_values_stay_and_the_others_have_their_own_minimum(one_arc):
    spectrum = noisy(one_arc, [10.0, 100.0, 1e-5])
    free, held = one_arc.fit(spectrum), one_arc.fit(spectrum, fixed={"R1": 100.0})
    assert held.parameters["R1"].value == pytest.approx(100.0, rel=1e-12)
    assert held.parameters["R1"].standard_error == 0.0
    assert held.parameters["R1"].note == "fixed"
    assert held.degrees_of_freedom == free.degrees_of_freedom + 1
    assert held.chi_squared >= free.chi_squared
    _, chi = free.profile("R1", [100.0])
    assert held.chi_squared == pytest.approx(chi[0], rel=1e-8)
    for name in ("R0", "C1"):
        assert held.parameters[name].standard_error <= 1.2 * free.parameters[name].standard_error


def test_bounds_are_kept_and_said(one_arc):
    spectrum = noisy(one_arc, [10.0, 100.0, 1e-5])
    fit = one_arc.fit(spectrum, bounds={"R1": (50.0, 90.0)})
    assert fit.parameters["R1"].value == pytest.approx(90.0, rel=1e-9)
    assert fit.parameters["R1"].note == "at its bound"
    assert any("R1 is at its bound" in flag for flag in fit.flags)
    assert fit.parameters["R0"].note == ""
    wide = one_arc.fit(spectrum, bounds={"R1": (1.0, 1e5)})
    assert wide.chi_squared == pytest.approx(one_arc.fit(spectrum).chi_squared, rel=1e-8)


def test_initial_values_find_what_they_are_near(two_arcs):
    spectra = [noisy(two_arcs, TWO_ARCS, seed) for seed in (1, 2)]
    plain = two_arcs.fit_many(spectra)
    for initial in (TWO_ARCS, [TWO_ARCS, TWO_ARCS]):
        helped = two_arcs.fit_many(spectra, initial=initial)
        for left, right in zip(plain, helped, strict=True):
            assert right.chi_squared == pytest.approx(left.chi_squared, rel=1e-9)


def test_standard_deviations_in_ohm_are_absolute(one_arc):
    """Twice the standard deviations: the same values, twice the errors, a quarter of chi squared."""
    frequency, impedance = noisy(one_arc, [10.0, 100.0, 1e-5])
    sigma = NOISE * np.abs(impedance)
    fit, wide = (one_arc.fit((frequency, impedance), weighting=factor * sigma) for factor in (1.0, 2.0))
    np.testing.assert_allclose(wide.values, fit.values, rtol=1e-7)
    np.testing.assert_allclose(wide.covariance, 4.0 * fit.covariance, rtol=1e-5)
    assert wide.chi_squared == pytest.approx(fit.chi_squared / 4.0, rel=1e-9)
    assert fit.reduced_chi_squared == pytest.approx(1.0, abs=0.5)  # 4 standard deviations of 127 degrees of freedom
    modulus = one_arc.fit((frequency, impedance))
    np.testing.assert_allclose(modulus.values, fit.values, rtol=1e-7)
    ratio = np.diagonal(modulus.covariance) / np.diagonal(fit.covariance)
    np.testing.assert_allclose(ratio, fit.reduced_chi_squared, rtol=1e-5)


def test_weighting_by_the_estimated_noise_is_near_the_true_one(two_arcs):
    """Errors from the noise that the Kramers-Kronig test finds: within 30 % of those of the true noise."""
    frequency, impedance = noisy(two_arcs, TWO_ARCS)
    found = two_arcs.fit((frequency, impedance), weighting="noise")
    true = two_arcs.fit((frequency, impedance), weighting=NOISE * np.abs(impedance))
    ratio = np.sqrt(np.diagonal(found.covariance) / np.diagonal(true.covariance))
    assert np.all(np.abs(np.log(ratio)) < np.log(1.3))
    assert np.all(np.abs(deviations(found, TWO_ARCS)) < 4.0)
    assert found.reduced_chi_squared == pytest.approx(1.0, abs=0.6)


def test_unit_weights_fit_the_largest_impedances(one_arc):
    frequency, impedance = noisy(one_arc, [10.0, 1e4, 1e-5])
    fit = one_arc.fit((frequency, impedance), weighting="unit")
    values = {name: each.value for name, each in fit.parameters.items()}

    def residual(x: np.ndarray) -> np.ndarray:
        r = one_arc.impedance(frequency, x) - impedance
        return np.concatenate([r.real, r.imag]) / 1e3

    peer = optimize.least_squares(residual, [10.0, 1e4, 1e-5], x_scale=[10.0, 1e4, 1e-5], xtol=1e-14, ftol=1e-14)
    np.testing.assert_allclose(list(values.values()), peer.x, rtol=1e-4)


def test_profile_of_a_nearly_linear_parameter_rises_as_its_error_says(two_arcs):
    """chi squared rises by 1.96^2 of its variance at 1.96 standard errors: within 5 % for errors of 0.2 %."""
    fit = two_arcs.fit(noisy(two_arcs, TWO_ARCS))
    here = fit.parameters["R1"]
    steps = np.array([-1.96, -1.0, 0.0, 1.0, 1.96])
    along, chi = fit.profile("R1", here.value + steps * here.standard_error)
    rise = (chi / fit.chi_squared - 1.0) * fit.degrees_of_freedom
    np.testing.assert_allclose(rise[[0, 1, 3, 4]], steps[[0, 1, 3, 4]] ** 2, rtol=0.05)
    assert abs(rise[2]) < 1e-6
    np.testing.assert_allclose(along, here.value + steps * here.standard_error)


def test_profile_without_values_spans_three_errors(one_arc):
    fit = one_arc.fit(noisy(one_arc, [10.0, 100.0, 1e-5]))
    along, chi = fit.profile("C1")
    here = fit.parameters["C1"]
    assert (along[0], along[-1]) == pytest.approx(
        (here.value - 3 * here.standard_error, here.value + 3 * here.standard_error)
    )
    assert np.argmin(chi) == 10
    assert chi[10] == pytest.approx(fit.chi_squared, rel=1e-8)
    with pytest.raises(InputError, match="'R2' is no parameter of R0-p"):
        fit.profile("R2")
    with pytest.raises(InputError, match="finite values"):
        fit.profile("R1", [-1.0])
    with pytest.raises(InputError, match="was not fitted"):
        one_arc.fit_many([([1.0], [1.0])])[0].profile("R1")


def test_profile_holds_what_the_fit_held(one_arc):
    fit = one_arc.fit(noisy(one_arc, [10.0, 100.0, 1e-5]), fixed={"R0": 10.3})
    here = fit.parameters["R1"]
    _, chi = fit.profile("R1", here.value + np.array([-1.0, 0.0, 1.0]) * here.standard_error)
    rise = (chi / fit.chi_squared - 1.0) * fit.degrees_of_freedom
    np.testing.assert_allclose(rise, [1.0, 0.0, 1.0], atol=0.02)  # freed again, R0 would lower chi squared by far


def test_criteria_prefer_the_circuit_that_made_the_data(two_arcs):
    """One arc too few has no chance; one too many gains less than BIC asks for (ln 130 = 4.9 a parameter)."""
    spectrum = noisy(two_arcs, TWO_ARCS)
    few, right, many = (Circuit(text).fit(spectrum) for text in ("R0-p(R1,Q1)-W1", two_arcs.text, CIRCUIT))
    assert right.bic == min(few.bic, right.bic, many.bic)
    assert few.aic > right.aic + 100.0
    assert any("lack of fit" in flag for flag in few.flags)
    assert many.chi_squared <= right.chi_squared * (1.0 + 1e-9)
    assert any("R" in flag for flag in many.flags)  # what the extra arc is, is not determined


def test_what_the_data_do_not_tell_is_infinite_and_said():
    """Two resistors in series: only their sum; a capacitor far below the lowest frequency: nothing at all."""
    circuit = Circuit("R1-R2-C1")
    fit = circuit.fit(noisy(circuit, [3.0, 4.0, 1e-3]))
    assert fit.parameters["R1"].value + fit.parameters["R2"].value == pytest.approx(7.0, rel=0.01)
    for name in ("R1", "R2"):
        assert np.isinf(fit.parameters[name].standard_error)
        assert fit.parameters[name].note == "not determined"
        assert not fit.parameters[name].determined
        assert any(f"{name} is not determined" in flag for flag in fit.flags)
    assert fit.parameters["C1"].determined
    assert abs(fit.values[2] / 1e-3 - 1.0) < 4.0 * fit.parameters["C1"].relative_error


def test_what_has_run_away_is_said(one_arc):
    """An arc where the data have none."""
    fit = one_arc.fit(noisy(Circuit("R0"), [10.0]))
    assert fit.parameters["R0"].value == pytest.approx(10.0, rel=0.01) or not fit.parameters["R0"].determined
    assert not fit.parameters["C1"].determined or fit.parameters["R1"].value < 0.1
    assert fit.flags


def test_lack_of_fit_is_said_with_its_size(one_arc):
    fit = one_arc.fit(noisy(Circuit("R0-p(R1,Q1)"), [10.0, 100.0, 1e-4, 0.7]))
    assert fit.noise_ratio > 5.0
    assert any("lack of fit" in flag and f"{fit.noise_ratio:.1f} times" in flag for flag in fit.flags)


def test_inseparable_parameters_are_named():
    circuit = Circuit("R0-p(R1,Q1)")
    high = np.logspace(6, 5, 40)  # the arc's top lies at 15 Hz: only Q shows
    fit = circuit.fit(noisy(circuit, [1.0, 1e4, 1e-6, 0.9], frequency=high))
    assert fit.parameters["R1"].relative_error > 0.5
    assert any("R1" in flag for flag in fit.flags)
    assert fit.parameters["Q1.Q"].relative_error < 0.05
    assert abs(fit.parameters["Q1.Q"].value / 1e-6 - 1.0) < 3.5 * fit.parameters["Q1.Q"].relative_error


def test_assumed_values_of_the_simulators_elements_stay_unless_asked_for():
    circuit = Circuit("F1-K1")
    values = {
        "F1.thickness": 2e-8,
        "F1.conductivity": 5e-7,
        "F1.permittivity": 10.0,
        "F1.area": 1e-4,
        "K1.exchange_current_density": 3.0,
        "K1.area": 1e-4,
        "K1.temperature": 298.15,
    }
    spectrum = noisy(circuit, values)
    fit = circuit.fit(spectrum)
    for name in ("F1.permittivity", "F1.area", "K1.area", "K1.temperature"):
        assert fit.parameters[name].note == "fixed"
    for name in ("F1.thickness", "F1.conductivity", "K1.exchange_current_density"):
        each = fit.parameters[name]
        assert abs(each.value - values[name]) < 3.5 * each.standard_error
        assert each.relative_error < 0.02
    warm = circuit.fit(spectrum, fixed={"K1.temperature": 350.0})
    ratio = warm.parameters["K1.exchange_current_density"].value / fit.parameters["K1.exchange_current_density"].value
    assert ratio == pytest.approx(350.0 / 298.15, rel=1e-4)
    _, chi = fit.profile("F1.thickness", [fit.parameters["F1.thickness"].value * 1.1])
    assert chi[0] > 2.0 * fit.chi_squared


def test_one_bad_spectrum_is_refused_and_stops_no_other(one_arc):
    good = noisy(one_arc, [10.0, 100.0, 1e-5])
    nan = (good[0], np.where(np.arange(65) == 3, np.nan, good[1]))
    bad = [
        nan,
        (good[0][:1], good[1][:1]),
        ([0.0, 1.0, 2.0], [1, 2, 3]),
        (good[0], good[1][1:]),
        None,
        "text",
        ([], []),
    ]
    fits = one_arc.fit_many([good, *bad, good])
    assert [fit.status for fit in fits] == ["done", *["refused"] * len(bad), "done"]
    for number, fit in enumerate(fits[1:-1], 2):
        assert f"spectrum {number}" in fit.flags[0]
        assert all(np.isnan(each.value) and np.isinf(each.standard_error) for each in fit.parameters.values())
        assert np.isnan(fit.relative_rms)
    assert "point 4" in fits[1].flags[0]
    np.testing.assert_array_equal(fits[0].values, fits[-1].values)
    assert one_arc.fit_many([]) == []


def test_more_parameters_than_data_are_refused(two_arcs):
    few = ([100.0, 10.0, 1.0], [1 - 1j, 2 - 1j, 3 - 1j])
    with pytest.raises(InputError, match="8 free parameters for 3 points"):
        two_arcs.fit(few)
    good = noisy(two_arcs, TWO_ARCS)
    fits = two_arcs.fit_many([few, good])
    assert [fit.status for fit in fits] == ["refused", "done"]
    assert "8 free parameters for 3 points" in fits[0].flags[0]
    exact = ([1e3, 100.0, 10.0, 1.0], np.array([1 - 1j, 2 - 1j, 3 - 1j, 4 - 1j]))
    with pytest.raises(InputError, match="8 free parameters for 4 points"):
        two_arcs.fit(exact)


def test_repeated_frequencies_count_and_are_flagged(one_arc):
    frequency, impedance = noisy(one_arc, [10.0, 100.0, 1e-5], frequency=np.logspace(5, 0, 40))
    fit = one_arc.fit((np.tile(frequency, 2), np.tile(impedance, 2)))
    once = one_arc.fit((frequency, impedance))
    np.testing.assert_allclose(fit.values, once.values, rtol=1e-5)
    assert fit.chi_squared == pytest.approx(2.0 * once.chi_squared, rel=1e-9)
    assert any("40 frequencies are repeated" in flag for flag in fit.flags)


def test_one_frequency_repeated_stops_no_other_spectrum(one_arc):
    good = noisy(one_arc, [10.0, 100.0, 1e-5])
    fits = one_arc.fit_many([good, (np.full(65, 10.0), good[1]), good])
    assert [fits[0].status, fits[2].status] == ["done", "done"]
    assert all(not each.determined for each in fits[1].parameters.values())


def test_flipped_sign_is_flagged(one_arc):
    frequency, impedance = noisy(one_arc, [10.0, 100.0, 1e-5])
    fit = one_arc.fit((frequency, impedance.conj()))
    assert any("may hold -Z''" in flag for flag in fit.flags)


WRONG = [
    ({"fixed": {"R7": 1.0}}, "'R7' is no parameter"),
    ({"fixed": {"R1": -1.0}}, "not finite and positive"),
    ({"fixed": {"R1": float("nan")}}, "not finite and positive"),
    ({"fixed": {"Q1.alpha": 1.5}}, "outside 0.3 to 1.0"),
    ({"bounds": {"R1": (5.0, 1.0)}}, "is no range"),
    ({"bounds": {"R1": (1.0,)}}, "is no range"),
    ({"bounds": {"R1": 3.0}}, "is no range"),
    ({"bounds": {"Q1": (0.1, 1.0)}}, "did you mean 'Q1.Q'"),
    ({"initial": {"R0": 1.0}}, "no value for R1"),
    ({"initial": {**TWO_ARCS, "R1": float("nan")}}, "not finite"),
    ({"initial": {**TWO_ARCS, "R1": -5.0}}, "R1"),
    ({"weighting": "modulos"}, "did you mean 'modulus'"),
    ({"weighting": np.ones(3)}, "standard deviations of shape"),
    ({"weighting": np.zeros(65)}, "standard deviations"),
    ({"weighting": [[1.0], [1.0, 2.0]]}, "standard deviations"),
    ({"fixed": {"R1": "much"}}, "'much' is no number"),
    ({"bounds": {"R1": ("a", "b")}}, "'a' is no number"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_wrong_options_are_input_errors(two_arcs, options, words):
    with pytest.raises(InputError, match=words):
        two_arcs.fit(noisy(two_arcs, TWO_ARCS), **options)


def test_impedance_wants_every_value_and_sound_frequencies(one_arc):
    with pytest.raises(InputError, match="2 values for 3 parameters"):
        one_arc.impedance(1.0, [1.0, 2.0])
    with pytest.raises(InputError, match="no value for C1"):
        one_arc.impedance(1.0, {"R0": 1.0, "R1": 2.0})
    with pytest.raises(InputError, match="did you mean 'R0'"):
        one_arc.impedance(1.0, {"R0": 1.0, "R1": 2.0, "C1": 1.0, "R00": 1.0})
    for frequency in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="frequency"):
            one_arc.impedance(frequency, [1.0, 2.0, 3.0])


def monte_carlo(count: int, seed: int) -> tuple[float, float, float]:
    """(share at the global optimum, shares of truths within 1 and 1.96 standard errors) of random spectra.

    The optimum is what the search reaches with the truth among its starts, within the same bounds.
    Parameters at a bound, or whose error is above their value, are not counted.
    """
    truth, _, spectra = random_spectra(count, seed)
    circuit = Circuit(CIRCUIT)
    fits = circuit.fit_many([(FREQUENCY, each) for each in spectra])
    starts = [dict(zip(circuit.names, row, strict=True)) for row in truth]
    started = circuit.fit_many([(FREQUENCY, each) for each in spectra], initial=starts)
    best = np.array([fit.chi_squared for fit in started])
    chi = np.array([fit.chi_squared for fit in fits])
    deviation = np.array([deviations(fit, row) for fit, row in zip(fits, truth, strict=True)])
    counted = np.array([[each.note == "" for each in fit.parameters.values()] for fit in fits])
    assert counted.mean() > 0.95
    size = np.abs(deviation[counted])
    return float(np.mean(chi <= best * (1.0 + 1e-6))), float(np.mean(size < 1.0)), float(np.mean(size < 1.96))


def test_random_spectra_of_three_arcs_end_at_the_global_optimum():
    """100 of the 1,000 below: at least 98, as 99.5 % are asked for; coverage within 4 and 3 % (700 free numbers)."""
    reached, one, two = monte_carlo(100, 5)
    assert reached >= 0.98
    assert one == pytest.approx(0.68, abs=0.05)
    assert two == pytest.approx(0.95, abs=0.03)


def test_parts_of_unlike_kind_end_at_the_optimum_too():
    """An arc in series with a Randles circuit, whose relaxations may trade places: at least 22 of 24 within 1 % of the
    fit that has the truth among its starts (58 of 60 seen; without exchanging parts 51 of 60).
    """
    circuit, random = Circuit("R0-p(R1,Q1)-p(Q2,R2-W1)"), np.random.default_rng(3)
    ranges = {"ohm": (0.5, 3.0), "s^alpha/ohm": (-5.5, -3.0), "ohm/s^0.5": (0.0, 2.5), "1": np.log10((0.7, 1.0))}
    limits = np.array([ranges[unit] for unit in circuit.units.values()])
    truth = 10.0 ** random.uniform(*limits.T, (24, len(limits)))
    spectra = [noisy(circuit, row, seed, frequency=np.logspace(5, -2, 50)) for seed, row in enumerate(truth)]
    found = circuit.fit_many(spectra)
    best = circuit.fit_many(spectra, initial=[dict(zip(circuit.names, row, strict=True)) for row in truth])
    ratio = np.array([left.chi_squared / right.chi_squared for left, right in zip(found, best, strict=True)])
    assert np.sum(ratio < 1.01) >= 22


UNLIKE = {
    "R0-p(R1,Q1)-p(R2,Q2)-Ws1": 23,
    "R0-p(R1,Q1)-p(R2,C2)-G1": 23,
    "R0-p(R1,Q1)-p(R2-Ws1,C2)": 22,
}
"""Circuits of unlike parts -> how many of 24 random spectra must end at the optimum."""


def random_truths(circuit: Circuit, count: int, seed: int) -> np.ndarray:
    """Resistances within a factor 30; time constants (R C of a capacity) at random, half a decade or more apart."""
    random, omega = np.random.default_rng(seed), 2.0 * np.pi * FREQUENCY
    timed = [name for name in circuit.names if name.endswith((".tau", ".Q")) or name[0] == "C"]
    truths = []
    while len(truths) < count:
        times = 10.0 ** random.uniform(0.3 - np.log10(omega[0]), -0.3 - np.log10(omega[-1]), len(timed))
        if np.min(np.diff(np.sort(np.log10(times)))) < 0.5:
            continue
        values = dict.fromkeys(circuit.names, 0.0)
        for name in circuit.names:
            unit = circuit.units[name]
            if unit == "ohm":
                values[name] = 10.0 * 100.0 ** random.uniform() if name == "R0" else 100.0 * 30.0 ** random.uniform()
            elif unit == "1":
                values[name] = random.uniform(0.7, 1.0)
        for name, time in zip(timed, times, strict=True):
            resistance = values.get(f"R{name[1]}", 1.0)
            power = values.get(f"{name[:2]}.alpha", 1.0)
            values[name] = time if name.endswith("tau") else time**power / resistance
        truths.append(list(values.values()))
    return np.array(truths)


@pytest.mark.parametrize("text", UNLIKE)
def test_unlike_parts_do_not_stay_on_each_others_relaxation(text):
    """Within 1 % of the fit that has the truth among its starts. Of 200 others each, 2, 0 and 7 were above the best
    that was ever found for them; where only the best was searched on and relaxations stayed, 54, 85 and 35.
    """
    circuit = Circuit(text)
    truth = random_truths(circuit, 24, 7)
    spectra = [noisy(circuit, row, seed) for seed, row in enumerate(truth)]
    found = circuit.fit_many(spectra)
    best = circuit.fit_many(spectra, initial=[dict(zip(circuit.names, row, strict=True)) for row in truth])
    ratio = np.array([left.chi_squared / right.chi_squared for left, right in zip(found, best, strict=True)])
    assert np.sum(ratio < 1.01) >= UNLIKE[text]


def searched(circuit: Circuit, spectra: list[Any]) -> RivalMinima:
    """The two best minima of spectra on `FREQUENCY`."""
    impedance = np.stack([each[1] for each in spectra])
    form = circuit._form
    task = Task(FREQUENCY, impedance, 1.0 / np.abs(impedance), *bounds_of(form.model, FREQUENCY, impedance, {}))
    return search(form, task, {})


def test_a_second_assignment_that_fits_as_well_is_said():
    """Two ideal arcs: either may be that with the exponent. A depressed one may not: no second solution there."""
    circuit, freedom = Circuit("R0-p(R1,Q1)-p(R2,C2)"), 2 * 65 - 6
    ideal = noisy(circuit, [10.0, 100.0, 1e-6, 1.0, 300.0, 1e-4])
    depressed = noisy(circuit, [10.0, 100.0, 1e-6, 0.8, 300.0, 1e-4])
    said = second_solutions(circuit._form, searched(circuit, [ideal, depressed]), freedom, False)
    assert said == ["another solution fits as well: p(R1,Q1) and p(R2,C2) exchanged", ""]


def test_a_search_does_not_depend_on_the_spectra_beside_it():
    circuit = Circuit("R0-p(R1,Q1)-p(R2-Ws1,C2)")
    spectra = [noisy(circuit, row, seed) for seed, row in enumerate(random_truths(circuit, 5, 11))]
    together, backwards, alone = (searched(circuit, each) for each in (spectra, spectra[::-1], spectra[3:4]))
    np.testing.assert_array_equal(together.cost, backwards.cost[::-1])
    np.testing.assert_allclose(together.values[3:4], alone.values, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(together.cost[3:4], alone.cost, rtol=1e-9)


MIRRORED = {
    "R0-T1": [10.0, 300.0, 1e-5, 150.0, 450.0, 1e-7],
    "R0-rails(R1,R2,Q1)": [10.0, 300.0, 100.0, 1e-4, 0.9],
}


@pytest.mark.parametrize("text", MIRRORED)
def test_mirrored_parts_have_one_way_round_and_the_same_impedance(text):
    circuit = Circuit(text)
    model, x = circuit._form.model, iterated(circuit._form.model, np.array(MIRRORED[text]))
    wide = np.full((1, len(x)), 100.0)
    turned = in_order(model, x[None, None], -wide, wide)[0, 0]
    values = np.asarray(model.from_iterated(turned))
    assert np.max(np.abs(turned - x)) > 1.0
    np.testing.assert_allclose(
        circuit.impedance(FREQUENCY, values), circuit.impedance(FREQUENCY, MIRRORED[text]), rtol=1e-12
    )
    np.testing.assert_array_equal(in_order(model, turned[None, None], -wide, wide)[0, 0], turned)
    np.testing.assert_array_equal(in_order(model, x[None, None], x[None], x[None])[0, 0], x)  # the bounds forbid it


@pytest.mark.parametrize(("text", "words"), [("R0-T1", "which layer of T1"), ("R0-rails(R1,R2,Q1)", "rails R1 and R2")])
def test_what_no_data_can_tell_of_mirrored_parts_is_said(text, words):
    """Both ways round give the same numbers; what is fixed by hand is not turned, nor spoken of."""
    circuit = Circuit(text)
    model = circuit._form.model
    x, wide = iterated(model, np.array(MIRRORED[text])), np.full((1, len(MIRRORED[text])), 100.0)
    other = np.asarray(model.from_iterated(in_order(model, x[None, None], -wide, wide)[0, 0]))
    fits = [circuit.fit(noisy(circuit, values)) for values in (MIRRORED[text], list(other))]
    places = [1, 2] if "T" in text else [1, 2, 3, 4]  # R_liquid and R_solid only together
    np.testing.assert_allclose(fits[0].values[places], fits[1].values[places], rtol=1e-5)
    assert np.all(np.abs(deviations(fits[0], other)[places]) < 3.5)
    assert all(any(words in flag for flag in fit.flags) for fit in fits)
    name = circuit.names[1]
    held = circuit.fit(noisy(circuit, MIRRORED[text]), fixed={name: MIRRORED[text][1]})
    assert not any(words in flag for flag in held.flags)
    assert held.parameters[name].value == pytest.approx(300.0)


def test_relaxations_are_read_and_written_the_same():
    """An arc, a resistor with a capacity and diffusion of one part: tau = R C, (R Q)^(1/alpha)."""
    model = Circuit("p(R1,Q1)-p(R2-Ws1,Q2)")._form.model
    values = np.array([100.0, 1e-3, 0.9, 300.0, 50.0, 1e-2, 1e-5, 0.8])
    x = iterated(model, values)[None]
    found = {each.kind.split("'")[-1]: each for each in relaxations(model)}
    pairs = np.array([each.read(x)[0] for each in relaxations(model)])
    np.testing.assert_allclose(np.exp(pairs[:, 0]), [100.0, 300.0, 50.0], rtol=1e-12)
    np.testing.assert_allclose(np.exp(pairs[:, 1]), [1e-3, (300.0 * 1e-5) ** 1.25, 1e-2], rtol=1e-12)
    assert len(found) == 3
    for each in relaxations(model):
        changed = x.copy()
        each.write(changed, np.log([[20.0, 0.5]]))
        np.testing.assert_allclose(each.read(changed), np.log([[20.0, 0.5]]), rtol=1e-12)
        assert np.sum(changed != x) == 2


@pytest.mark.slow
def test_random_spectra_by_the_thousand_reach_what_the_fit_from_the_truth_reaches():
    """3,000, as the count of misses in 1,000 scatters by a third: 0.4 % seen."""
    each = np.array([monte_carlo(1000, seed) for seed in (0, 1, 2)])
    reached, one, two = each.mean(axis=0)
    assert reached >= 0.995
    assert one == pytest.approx(0.68, abs=0.03)
    assert two == pytest.approx(0.95, abs=0.02)
