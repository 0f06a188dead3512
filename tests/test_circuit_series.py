"""Series of spectra: trends recovered, soft ties that shrink only what is uncertain, hard ties against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.series import SeriesFit
from mossy.analysis.circuits.trends import BOLTZMANN, compare
from mossy.errors import InputError

FREQUENCY = np.logspace(5, 0, 40)
KELVIN = np.linspace(280.0, 350.0, 8)
ENERGY, RESISTANCE = 0.6, 200.0
"""eV, and ohm at 315 K."""
LAWS = {"R0": "constant", "R1": "arrhenius", "Q1.Q": "constant", "Q1.alpha": "constant"}
NOISE = 0.003


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return Circuit("R0-p(R1,Q1)")


def resistance(kelvin: np.ndarray) -> np.ndarray:
    """R = (T/A) exp(E/kT), a line of ln(sigma T)."""
    return RESISTANCE * kelvin / 315.0 * np.exp(ENERGY / BOLTZMANN * (1.0 / kelvin - 1.0 / 315.0))


def truth(scatter: float, random: np.random.Generator) -> np.ndarray:
    """(8, 4) values of the circuit, logarithms of R1 and Q scattered by `scatter` about their trends."""
    shift = scatter * random.standard_normal((2, len(KELVIN)))
    rows = [np.full(8, 20.0), resistance(KELVIN) * np.exp(shift[0]), 1e-5 * np.exp(shift[1]), np.full(8, 0.85)]
    return np.stack(rows, axis=1)


def measured(circuit: Circuit, values: np.ndarray, random: np.random.Generator) -> list[Any]:
    clean = np.array([circuit.impedance(FREQUENCY, each) for each in values])
    noise = random.standard_normal((2, *clean.shape))
    return [(FREQUENCY, each) for each in clean + NOISE * np.abs(clean) * (noise[0] + 1j * noise[1])]


def series(circuit: Circuit, scatter: float = 0.0, seed: int = 0, **options: Any) -> tuple[np.ndarray, SeriesFit]:
    random = np.random.default_rng(seed)
    values = truth(scatter, random)
    spectra = measured(circuit, values, random)
    options = {"coordinate": KELVIN, "kind": "temperature", "trends": LAWS} | options
    return values, circuit.fit_series(spectra, **options)


def test_free_ties_are_the_separate_fits(circuit):
    values, found = series(circuit, ties="free")
    alone = circuit.fit_many(measured(circuit, values, _after(0)))
    for fit, other in zip(found.fits, alone, strict=True):
        np.testing.assert_allclose(fit.values, other.values, rtol=1e-9)
    assert found.chi_squared == pytest.approx(sum(fit.chi_squared for fit in alone))
    assert (found.free_parameters, found.data) == (32, 8 * 80)


def _after(seed: int) -> np.random.Generator:
    """The generator after `truth` has drawn."""
    random = np.random.default_rng(seed)
    truth(0.0, random)
    return random


@pytest.mark.parametrize("ties", ["free", "soft", "hard"])
def test_activation_energy_of_a_true_line_is_found_with_every_tie(circuit, ties):
    """In ln(sigma T), as named: 3.5 errors, and errors below 1 meV as eight resistances to 0.3 % over 70 K give."""
    _, found = series(circuit, ties=ties)
    value, error = found.trends["R1"].coefficients["activation_energy"]
    assert abs(value - ENERGY) < 3.5 * error
    assert 1e-5 < error < 1e-3
    assert found.trends["R1"].at_data == pytest.approx(np.log(resistance(KELVIN)), abs=0.01)


def test_soft_ties_cover_the_truth_and_never_widen_errors(circuit):
    """30 series with a scatter of 5 % beyond the noise: the energy within 1 and 1.96 errors as often as a normal
    deviate of 30 (20.5 and 28.5 of 30, standard deviations 2.6 and 1.2), each value's error at most the separate one.
    """
    inside = []
    for seed in range(30):
        _, soft = series(circuit, 0.05, seed)
        value, error = soft.trends["R1"].coefficients["activation_energy"]
        inside.append(abs(value - ENERGY) / error)
        assert soft.trends["R1"].scatter == pytest.approx(0.05, abs=0.05)
    assert 13 <= np.sum(np.array(inside) < 1.0) <= 28
    assert np.sum(np.array(inside) < 1.96) >= 25


def test_soft_ties_take_from_the_neighbours_only_what_a_spectrum_cannot_tell(circuit):
    """Spectra that end above the arc's top say little of R1: there the trend does; elsewhere nothing moves. Against
    the truth, tied values are nearer, and their errors cover it.
    """
    random = np.random.default_rng(4)
    values = truth(0.0, random)
    spectra = measured(circuit, values, random)
    for place in (2, 5):
        spectra[place] = tuple(each[:12] for each in spectra[place])
    options = {"coordinate": KELVIN, "kind": "temperature", "trends": LAWS}
    free, soft = (circuit.fit_series(spectra, ties=ties, **options) for ties in ("free", "soft"))
    name = circuit.names.index("R1")
    before, after = free.values("R1"), soft.values("R1")
    for place in (2, 5):
        assert after[1][place] < 0.5 * before[1][place]
        assert abs(after[0][place] - values[place, name]) < 3.5 * after[1][place]
        assert abs(after[0][place] - values[place, name]) < abs(before[0][place] - values[place, name])
    assert np.all(after[1] <= before[1] * 1.05)


def test_scatter_beyond_the_errors_is_measured_and_flagged(circuit):
    _, found = series(circuit, 0.2, 3)
    assert 0.08 < found.trends["R1"].scatter < 0.4  # a standard deviation of 0.2 from eight: within a factor 2
    assert any("R1 scatters about its arrhenius trend" in flag for flag in found.flags)
    free = found.fits
    np.testing.assert_allclose([fit.values[1] for fit in free], truth(0.2, np.random.default_rng(3))[:, 1], rtol=0.03)
    _, calm = series(circuit, 0.0, 3)
    assert calm.flags == ()


def test_hard_ties_are_one_least_squares_problem_of_scipy(circuit):
    """R1 on its line, alpha and Q constant, R0 free: an independent model, SciPy's own derivatives."""
    laws = {name: law for name, law in LAWS.items() if name != "R0"}
    values, found = series(circuit, ties="hard", trends=laws)
    spectra = [fit.spectrum.impedance for fit in found.fits]
    omega = 2.0 * np.pi * FREQUENCY

    def residual(z: np.ndarray) -> np.ndarray:
        level, energy, log_q, alpha = z[:4]
        parts = []
        for r0, kelvin, measured_z in zip(np.exp(z[4:]), KELVIN, spectra, strict=True):
            r1 = np.exp(level + energy / BOLTZMANN * (1.0 / kelvin - 1.0 / 315.0)) * kelvin
            model = r0 + r1 / (1.0 + r1 * np.exp(log_q) * (1j * omega) ** alpha)
            r = (model - measured_z) / np.abs(measured_z)
            parts += [r.real, r.imag]
        return np.concatenate(parts)

    begun = np.r_[np.log(RESISTANCE / 315.0), ENERGY, np.log(1e-5), 0.85, np.log(values[:, 0])]
    peer = optimize.least_squares(residual, begun, jac="3-point", xtol=1e-14, ftol=1e-14, gtol=1e-14, x_scale="jac")
    assert found.chi_squared == pytest.approx(2.0 * peer.cost, rel=1e-7)
    assert found.free_parameters == 4 + 8
    spread = np.linalg.inv(peer.jac.T @ peer.jac) * 2.0 * peer.cost / (8 * 80 - 12)
    value, error = found.trends["R1"].coefficients["activation_energy"]
    assert value == pytest.approx(peer.x[1], abs=0.01 * error)
    assert error == pytest.approx(np.sqrt(spread[1, 1]), rel=1e-2)
    for fit, r0, variance in zip(found.fits, peer.x[4:], np.diagonal(spread)[4:], strict=True):
        assert fit.parameters["R0"].value == pytest.approx(np.exp(r0), rel=1e-5)
        assert fit.parameters["R0"].relative_error == pytest.approx(np.sqrt(variance), rel=1e-2)
        assert fit.parameters["Q1.alpha"].value == pytest.approx(peer.x[3], rel=1e-6)


def test_a_tie_that_is_wrong_is_rejected_and_one_that_is_right_preferred(circuit):
    free, right, wrong = (
        series(circuit, ties=ties, trends=laws)[1]
        for ties, laws in (("free", LAWS), ("hard", LAWS), ("hard", LAWS | {"R1": "constant"}))
    )
    ranked = compare([wrong, free, right])
    assert [one.free_parameters for one in ranked] == [5, 32, 4]
    assert [one.rejected for one in ranked] == [False, False, True]
    assert ranked[0].p_value > 1e-3
    assert ranked[0].weight > 0.9


def test_order_of_the_spectra_makes_no_difference(circuit):
    random = np.random.default_rng(1)
    spectra = measured(circuit, truth(0.05, random), random)
    order = np.array([3, 0, 7, 1, 6, 2, 5, 4])
    options = {"kind": "temperature", "trends": LAWS}
    plain = circuit.fit_series(spectra, coordinate=KELVIN, **options)
    mixed = circuit.fit_series([spectra[k] for k in order], coordinate=KELVIN[order], **options)
    for name in LAWS:
        for key, (value, error) in plain.trends[name].coefficients.items():
            assert mixed.trends[name].coefficients[key] == pytest.approx((value, error), rel=1e-3)
    np.testing.assert_allclose(mixed.values("R1")[0], plain.values("R1")[0][order], rtol=1e-5)


def test_growth_has_its_exponent(circuit):
    """R1 with the square root of time, as a film that grows by diffusion: ln R1 = a + n ln t."""
    time, random = np.geomspace(1.0, 1e4, 8), np.random.default_rng(2)
    values = np.stack([np.full(8, 20.0), 50.0 * np.sqrt(time), np.full(8, 1e-5), np.full(8, 0.85)], axis=1)
    spectra = measured(circuit, values, random)
    found = circuit.fit_series(spectra, coordinate=time, kind="time", trends={"R1": "power"})
    value, error = found.trends["R1"].coefficients["exponent"]
    assert abs(value - 0.5) < 3.5 * error
    assert error < 2e-3
    assert set(found.trends) == {"R1"}


def test_default_trends_along_time_are_smooth_and_along_temperature_lines(circuit):
    _, found = series(circuit, trends=None)
    assert {name: trend.law for name, trend in found.trends.items()} == {
        "R0": "arrhenius",
        "R1": "arrhenius",
        "Q1.Q": "linear",
        "Q1.alpha": "constant",
    }
    _, along = series(circuit, trends=None, coordinate=np.arange(8.0), kind="time")
    assert {trend.law for trend in along.trends.values()} == {"smooth"}


def test_lengths_and_grids_may_differ_within_a_series(circuit):
    random = np.random.default_rng(6)
    values = truth(0.0, random)
    spectra = measured(circuit, values, random)
    spectra[1] = tuple(each[::-1] for each in spectra[1])
    spectra[4] = tuple(each[3:] for each in spectra[4])
    for ties in ("soft", "hard"):
        found = circuit.fit_series(spectra, coordinate=KELVIN, kind="temperature", trends=LAWS, ties=ties)
        value, error = found.trends["R1"].coefficients["activation_energy"]
        assert abs(value - ENERGY) < 3.5 * error
        assert [len(fit.residuals) for fit in found.fits] == [40, 40, 40, 40, 37, 40, 40, 40]
        np.testing.assert_allclose(found.values("R1")[0], values[:, 1], rtol=0.01)


def test_assumed_values_of_the_simulators_elements_stay_in_a_series():
    """The area and permittivity of a film are given, not fitted, with every tie."""
    circuit, random = Circuit("R0-F1"), np.random.default_rng(0)
    thickness = np.linspace(10e-9, 40e-9, 6)
    values = [[20.0, each, 5e-7, 10.0, 1e-4] for each in thickness]
    spectra = measured(circuit, np.array(values), random)
    for ties in ("free", "soft", "hard"):
        laws = {"R0": "constant", "F1.conductivity": "constant"}
        found = circuit.fit_series(spectra, coordinate=np.arange(6.0), kind="time", ties=ties, trends=laws)
        for fit in found.fits:
            assert fit.parameters["F1.area"].value == pytest.approx(1e-4, rel=1e-9)
            assert fit.parameters["F1.permittivity"].value == pytest.approx(10.0, rel=1e-9)
        np.testing.assert_allclose(found.values("F1.thickness")[0], thickness, rtol=0.02)


def test_table_holds_every_value_with_its_error(circuit):
    _, found = series(circuit)
    table = found.table()
    assert table["temperature_kelvin"].to_list() == KELVIN.tolist()
    np.testing.assert_array_equal(table["R1"].to_numpy(), found.values("R1")[0])
    assert table["R1_standard_error"].to_numpy() == pytest.approx(found.values("R1")[1])
    assert len(table) == 8


WRONG = [
    ({"ties": "sofd"}, "did you mean 'soft'"),
    ({"trends": {"R7": "linear"}}, "'R7' is no parameter"),
    ({"trends": {"R1": "aarhenius"}}, "did you mean 'arrhenius'"),
    ({"kind": "time"}, "an Arrhenius trend along time"),
    ({"kind": "tempratur"}, "did you mean 'temperature'"),
    ({"coordinate": KELVIN[:3]}, "a coordinate of shape"),
    ({"coordinate": np.where(KELVIN < 290.0, np.nan, KELVIN)}, "one finite number"),
    ({"coordinate": KELVIN - 300.0}, "give kelvin"),
    ({"coordinate": "temperature"}, "do not say their temperature"),
    ({"coordinate": np.arange(8.0), "kind": "cycle", "trends": {"R1": "power"}}, "from a coordinate of 0"),
    ({"weighting": "modulos"}, "did you mean 'modulus'"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_wrong_options_are_input_errors(circuit, options, words):
    with pytest.raises(InputError, match=words):
        series(circuit, **options)


def test_a_series_says_which_spectrum_is_bad(circuit):
    random = np.random.default_rng(0)
    spectra = measured(circuit, truth(0.0, random), random)
    broken = [*spectra[:3], (FREQUENCY[:2], spectra[3][1][:2]), *spectra[4:]]
    with pytest.raises(InputError, match="spectrum 4"):
        circuit.fit_series(broken, coordinate=KELVIN, kind="temperature")
    with pytest.raises(InputError, match="no spectrum"):
        circuit.fit_series([])
    with pytest.raises(InputError, match="spectrum 2"):
        circuit.fit_series([spectra[0], (FREQUENCY, spectra[1][1] * np.nan)])
    alone = circuit.fit_series(spectra[:1])
    assert alone.trends == {}
    assert alone.fits[0].parameters["R0"].value == pytest.approx(20.0, rel=0.01)


def test_profile_of_a_fit_in_a_series_is_that_of_its_spectrum(circuit):
    _, found = series(circuit)
    fit = found.fits[2]
    _, chi = fit.profile("R1", [fit.parameters["R1"].value])
    alone = circuit.fit(fit.spectrum)
    assert alone.chi_squared <= chi[0] * (1.0 + 1e-9)
    assert chi[0] <= fit.chi_squared * (1.0 + 1e-9)
