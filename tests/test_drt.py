"""Distributions of relaxation times against their closed forms, with noise, beside L, C and diffusion, and tracked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import mossy
from mossy.analysis import drt
from mossy.analysis.drt.track import Peak, find_peaks
from mossy.errors import InputError

FREQUENCY = np.geomspace(1e6, 1e-2, 65)
S = 2j * np.pi * FREQUENCY


def zarc(resistance: float, tau: float, alpha: float) -> np.ndarray:
    return resistance / (1.0 + (S * tau) ** alpha)


def zarc_density(tau: np.ndarray, resistance: float, centre: float, alpha: float) -> np.ndarray:
    """R. M. Fuoss and J. G. Kirkwood's form of K. S. Cole and R. H. Cole's distribution."""
    turn = (1.0 - alpha) * np.pi
    height = np.sin(turn) / (np.cosh(alpha * np.log(tau / centre)) - np.cos(turn))
    return resistance / (2.0 * np.pi) * height


def noisy(rng: np.random.Generator, impedance: np.ndarray, noise: float) -> np.ndarray:
    return impedance + noise * np.abs(impedance) * (rng.normal(size=65) + 1j * rng.normal(size=65))


def test_density_of_two_zarcs() -> None:
    """Against the closed form, whose own integral and impedance are checked first."""
    arcs = [(100.0, 1e-4, 0.85), (50.0, 0.1, 0.8)]
    fine = np.geomspace(1e-12, 1e8, 20001)
    gamma = sum(zarc_density(fine, resistance, tau, alpha) for resistance, tau, alpha in arcs)
    exact = 10.0 + sum(zarc(*arc) for arc in arcs)
    direct = 10.0 + np.trapezoid(gamma / (1.0 + S[:, None] * fine), np.log(fine), axis=1)
    assert direct == pytest.approx(exact, rel=1e-5)

    found = drt.distribution((FREQUENCY, exact))
    truth = sum(zarc_density(found.time_constants, resistance, tau, alpha) for resistance, tau, alpha in arcs)
    assert found.polarisation == pytest.approx(150.0, rel=0.002)
    assert found.resistance == pytest.approx(10.0, rel=0.005)
    assert np.abs(found.density - truth).max() < 0.1 * truth.max()  # smoothed as if there were 0.01 % noise
    assert [peak.time_constant for peak in found.peaks] == pytest.approx([1e-4, 0.1], rel=0.02)
    assert [peak.resistance for peak in found.peaks] == pytest.approx([100.0, 50.0], rel=0.03)
    assert found.inductance == 0.0
    assert np.isinf(found.capacitance)
    assert not found.flags


def test_relaxations_are_narrow() -> None:
    """Two RC elements: no wider than a few steps of the grid, which puts each between two of its points."""
    found = drt.distribution((FREQUENCY, 10.0 + zarc(100.0, 1e-4, 1.0) + zarc(50.0, 0.1, 1.0)))
    assert [peak.time_constant for peak in found.peaks] == pytest.approx([1e-4, 0.1], rel=0.02)
    assert [peak.resistance for peak in found.peaks] == pytest.approx([100.0, 50.0], rel=0.002)
    assert max(peak.width for peak in found.peaks) < 0.4


def test_finite_diffusion() -> None:
    """R tanh(q)/q, q = sqrt(s tau): relaxations at tau/((n - 1/2) pi)^2 of 2 R/((n - 1/2) pi)^2; the first is 81 %."""
    q = np.sqrt(3.0 * S)
    found = drt.distribution((FREQUENCY, 10.0 + 60.0 * np.tanh(q) / q))
    assert found.polarisation == pytest.approx(60.0, rel=0.002)
    slowest = found.peaks[-1]
    assert slowest.time_constant == pytest.approx(3.0 * 4.0 / np.pi**2, rel=0.02)
    assert slowest.resistance == pytest.approx(60.0 * 8.0 / np.pi**2, rel=0.02)
    assert found.warburg == 0.0


@pytest.mark.parametrize("noise", [0.0, 0.0003])
def test_what_is_no_relaxation(noise: float) -> None:
    """Each of L, C and A is found, to what the noise allows, and none where it is not."""
    rng = np.random.default_rng(3)
    arc = 10.0 + zarc(100.0, 1e-4, 0.85)
    blocked = drt.distribution((FREQUENCY, noisy(rng, arc + 1e-6 * S + 1.0 / (0.02 * S), noise)))
    assert blocked.inductance == pytest.approx(1e-6, rel=0.01)
    assert blocked.capacitance == pytest.approx(0.02, rel=0.005)
    assert blocked.polarisation == pytest.approx(100.0, rel=0.01)
    diffusing = drt.distribution((FREQUENCY, noisy(rng, arc + 5.0 / np.sqrt(S), noise)))
    wanted = 5.0 / np.sqrt(2.0)  # the slowest relaxations can stand for a part of it
    assert diffusing.warburg == pytest.approx(wanted, rel=0.15)
    assert np.isinf(diffusing.capacitance)
    assert diffusing.inductance == 0.0
    plain = drt.distribution((FREQUENCY, noisy(rng, arc, noise)))
    assert plain.inductance == 0.0
    assert np.isinf(plain.capacitance)
    assert plain.polarisation == pytest.approx(100.0, rel=0.005)


def test_intervals_and_errors_cover() -> None:
    """At 0.3 % noise the 95 % intervals hold gamma at 85 to 99 % of the time constants, on the average of 30 spectra:
    smoothing takes something off sharp maxima. It also adds to the errors of the peaks, which are those at one lambda:
    measured on 60 spectra, resistances scatter by 1.6 ohm and time constants by 2 and 7 %.
    """
    rng = np.random.default_rng(6)
    arcs = [(100.0, 1e-4, 0.85), (50.0, 0.1, 0.8)]
    covered, noises, peaks = [], [], []
    for _ in range(30):
        found = drt.distribution((FREQUENCY, noisy(rng, 10.0 + sum(zarc(*arc) for arc in arcs), 0.003)))
        truth = sum(zarc_density(found.time_constants, resistance, tau, alpha) for resistance, tau, alpha in arcs)
        covered.append(np.mean((found.lower <= truth) & (truth <= found.upper)))
        noises.append(found.noise)
        assert abs(found.polarisation - 150.0) < 4.0 * found.polarisation_error + 0.3
        if len(found.peaks) == 2:
            peaks.append([(peak.resistance, np.log(peak.time_constant)) for peak in found.peaks])
    assert 0.85 < np.mean(covered) < 0.99
    assert np.mean(noises) == pytest.approx(0.003, rel=0.05)
    assert len(peaks) >= 27  # the others have a shoulder that is taken for a third
    assert np.mean(peaks, axis=0) == pytest.approx(np.array([(100.0, np.log(1e-4)), (50.0, np.log(0.1))]), rel=0.02)
    assert np.std(peaks, axis=0)[:, 0].max() < 2.5


@pytest.mark.parametrize("method", [*drt.METHODS, 1e-3])
def test_regularisations_agree(method: str | float) -> None:
    """What is well determined does not hang on how lambda was chosen."""
    rng = np.random.default_rng(12)
    found = drt.distribution(
        (FREQUENCY, noisy(rng, 10.0 + zarc(100.0, 1e-4, 0.85) + zarc(50.0, 0.1, 0.8), 0.002)), regularisation=method
    )
    assert found.polarisation == pytest.approx(150.0, rel=0.01)
    assert found.peaks[0].time_constant == pytest.approx(1e-4, rel=0.1)
    assert found.method == (method if isinstance(method, str) else "given")
    if not isinstance(method, str):
        assert found.regularisation == method


def test_the_least_squares_are_the_least() -> None:
    """The pivoting's minimum against SciPy's non-negative least squares of the stacked problem."""
    rng = np.random.default_rng(5)
    measured = noisy(rng, 10.0 + zarc(100.0, 1e-4, 0.85), 0.002)
    weight, size = 1e-3, np.median(np.abs(measured))
    found = drt.distribution((FREQUENCY, measured), regularisation=weight)
    tau, step = found.time_constants, np.log(found.time_constants[1] / found.time_constants[0])
    columns = np.concatenate([np.ones((65, 1)), step / (1.0 + S[:, None] * tau)], axis=1) / np.abs(measured)[:, None]
    bends = np.pad(np.diff(np.eye(len(tau)), n=2, axis=0), ((0, 0), (1, 0))) * np.sqrt(weight / step**3) / size
    target = measured / np.abs(measured)
    matrix = np.concatenate([columns.real, columns.imag, bends])
    exact, _ = optimize.nnls(matrix, np.concatenate([target.real, target.imag, np.zeros(len(bends))]), maxiter=10000)
    assert found.density == pytest.approx(exact[1:], abs=1e-5 * exact.max())


def test_scale_and_speed_of_the_process() -> None:
    """1,000 times the impedance at 100 times the frequency is the same distribution, moved."""
    rng = np.random.default_rng(8)
    measured = noisy(rng, 10.0 + zarc(100.0, 1e-3, 0.8) + 1.0 / (0.02 * S), 0.002)
    one = drt.distribution((FREQUENCY, measured))
    other = drt.distribution((100.0 * FREQUENCY, 1e3 * measured))
    assert other.regularisation == pytest.approx(one.regularisation)
    assert 100.0 * other.time_constants == pytest.approx(one.time_constants)
    assert other.density == pytest.approx(1e3 * one.density, abs=1e-3 * other.density.max())
    assert other.capacitance == pytest.approx(one.capacitance / 1e5, rel=1e-4)


def test_what_no_distribution_describes_is_flagged() -> None:
    """An inductive loop at low frequency is a negative relaxation."""
    found = drt.distribution((FREQUENCY, 10.0 + zarc(100.0, 1e-3, 0.9) - zarc(20.0, 1.0, 1.0)))
    assert any("no non-negative distribution" in flag for flag in found.flags)
    slow = drt.distribution((FREQUENCY, 10.0 + zarc(100.0, 300.0, 1.0)))
    assert any("not determined" in flag for flag in slow.flags) or np.isfinite(slow.capacitance)


@pytest.mark.parametrize("points", [4, 6, 9])
def test_few_points(points: int) -> None:
    frequency = np.geomspace(500.0, 0.8, points)
    found = drt.distribution((frequency, 120.0 + 60.0 / (1.0 + 2j * np.pi * frequency * 0.01)))
    assert found.polarisation == pytest.approx(60.0, rel=0.03)
    assert found.peaks[0].time_constant == pytest.approx(0.01, rel=0.1)
    assert f"{points} points resolve few processes" in found.flags


def test_bad_input_is_refused() -> None:
    sound = (FREQUENCY, 1.0 + 1.0 / S)
    with pytest.raises(InputError, match="3 points; at least 4"):
        drt.distribution(([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="1 distinct"):
        drt.distribution((np.full(9, 10.0), np.ones(9)))
    with pytest.raises(InputError, match="did you mean 'l_curve'"):
        drt.distribution(sound, regularisation="lcurve")
    with pytest.raises(InputError, match="not positive"):
        drt.distribution(sound, regularisation=-1.0)
    with pytest.raises(InputError, match="rising by one factor"):
        drt.distribution(sound, time_constants=np.linspace(1.0, 2.0, 50))


def test_shoulders_are_no_peaks() -> None:
    """A dent less deep than the errors does not part a peak in two."""
    tau = np.geomspace(1e-4, 1.0, 61)
    gamma = np.exp(-0.5 * np.log(tau / 0.01) ** 2)
    gamma[30] -= 0.05
    assert len(find_peaks(tau, gamma, 0.02**2 * np.eye(61))) == 1
    assert len(find_peaks(tau, gamma, 1e-6**2 * np.eye(61))) == 2


class Listed:
    """A distribution of which only the peaks are known."""

    def __init__(self, *peaks: tuple[float, float]) -> None:
        self.peaks = tuple(Peak(tau, 0.16 / tau, resistance, 0.1, 1.0) for tau, resistance in peaks)


def test_peaks_are_followed() -> None:
    """One process slows down past where another was, one is born, one dies and one is missing once."""
    series = [
        Listed((1e-4, 5.0), (1e-2, 10.0), (1.0, 3.0)),
        Listed((1e-4, 5.0), (2e-2, 12.0), (2.0, 3.0)),
        Listed((4e-2, 14.0), (4.0, 3.0)),
        Listed((1e-4, 5.0), (8e-2, 16.0), (8.0, 3.0)),
        Listed((1e-4, 5.0), (1e-3, 1.0), (0.16, 18.0)),
    ]
    tracks = drt.track(series, coordinate=[0.0, 1.0, 2.0, 3.0, 4.0])
    assert [each.numbers for each in tracks] == [[0, 1, 3, 4], [4], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
    assert [(each.born, each.died) for each in tracks] == [(False, False), (True, False), (False, False), (False, True)]
    assert tracks[2].resistances.tolist() == [10.0, 12.0, 14.0, 16.0, 18.0]
    assert tracks[0].coordinate == [0.0, 1.0, 3.0, 4.0]
    with pytest.raises(InputError, match="5 distributions"):
        drt.track(series, coordinate=[1.0])


def test_a_growing_film_is_tracked() -> None:
    """From spectra to tracks: an arc that grows fivefold and slows down fivefold beside one that stays.

    A shoulder taken for a peak (up to 5 % of the resistance, in one of these spectra) is a track of one spectrum.
    """
    rng = np.random.default_rng(14)
    grown = np.geomspace(1.0, 5.0, 8)
    spectra = [noisy(rng, 5.0 + zarc(20.0 * g, 1e-4 * g, 0.9) + zarc(50.0, 0.3, 0.9), 0.001) for g in grown]
    tracks = drt.track([drt.distribution((FREQUENCY, each)) for each in spectra], coordinate=grown)
    film, reaction = (each for each in tracks if len(each.numbers) == 8)
    assert film.resistances == pytest.approx(20.0 * grown, rel=0.06)
    assert film.time_constants == pytest.approx(1e-4 * grown, rel=0.05)
    assert reaction.resistances == pytest.approx(50.0, rel=0.06)
    assert len(tracks) <= 3


def test_real_spectra(mossy_data: Path) -> None:
    """The two-arc dummy circuits measured twice give the same peaks; sweeps of nine points do work and say so."""
    for circuit in (1, 2, 3):
        runs = [mossy.read(mossy_data / "eis_instruments" / f"Circuit{circuit}_EIS_{run}.z")[0] for run in (1, 2)]
        one, two = (drt.distribution(each) for each in runs)
        assert len(one.peaks) == len(two.peaks)
        assert one.polarisation == pytest.approx(two.polarisation, rel=0.01)
        for first, second in zip(one.peaks, two.peaks, strict=True):
            assert first.time_constant == pytest.approx(second.time_constant, rel=0.1)
    file = next((mossy_data / "lili_tegdme").glob("*_02_GEIS_C05.mpr"))
    sweep = next(each for each in mossy.read(file) if each.kind == "impedance")
    found = drt.distribution(sweep)
    assert np.abs(found.residuals).max() < 0.02
    assert any("9 points" in flag for flag in found.flags)
