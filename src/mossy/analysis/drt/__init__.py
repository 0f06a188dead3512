"""The distribution of relaxation times of a spectrum, with what is no relaxation beside it.

    Z = R + i w L + 1/(i w C) + A (1 - i)/sqrt(w) + int gamma(ln tau)/(1 + i w tau) d ln tau,   all of them >= 0

is found by least squares weighted by 1/|Z|, with a penalty on the bend of gamma (A. N. Tikhonov), non-negative (C. L.
Lawson, R. J. Hanson, Solving Least Squares Problems, SIAM 1995, doi 10.1137/1.9781611971217):

    minimise   sum |Z_measured - Z|^2/|Z|^2 + lambda int (gamma''/S)^2 d ln tau,   S = median |Z|

C and A are kept where the evidence for them is larger than that without them and they are not negligible, L where the
cross-validation score needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mossy.analysis.drt.solve import (
    CAPACITANCE,
    DIFFUSION,
    FIXED,
    INDUCTANCE,
    RESISTANCE,
    Problem,
    Trial,
    inverse_among,
    solve,
    weighted_problem,
)
from mossy.analysis.drt.track import Peak, Track, find_peaks, track
from mossy.analysis.spectra import Spectrum, spectrum_of
from mossy.errors import InputError, suggest
from mossy.numerics.threads import one_blas_thread

FEWEST = 4
MOSTLY = 0.5  # of the points must have a positive real part
"""Distinct frequencies without which there is no distribution."""
PER_DECADE = 13
"""Time constants in a decade."""
COARSE = 8
"""Time constants in a decade while L, C and A are chosen."""
BEYOND = 0.5
"""Decades of time constants on either side of the measured ones."""
LARGEST_GRID = 400
SMALLEST_BRANCH = 0.01
"""Part of |Z| that C or A must reach somewhere to be kept."""
METHODS = ("gcv", "l_curve", "cross_validation")
_LAMBDAS = 10.0 ** np.arange(1.0, -7.1, -1.0)
_LEAST = 1e-9
_RISEN, _CHANCE, _DOUBT = 8.0, 4.0, 6.0


@dataclass(frozen=True, eq=False)
class Distribution:
    """`density` gamma at `time_constants` (s), ohm per ln tau, between `lower` and `upper` (95 %: Gaussian, cut at 0).

    `resistance` R, ohm; `inductance` L, H (0: none); `capacitance` C in series, F (infinite: none); `warburg` A,
    ohm/s^0.5 (0: none); `polarisation` int gamma d ln tau, ohm, with `polarisation_error`; `peaks` in rising tau;
    `model`, ohm; `residuals` (Z - model)/|Z|; `noise` of each part of Z relative to |Z|; `regularisation` lambda, and
    the `method` that chose it.
    """

    frequency: np.ndarray
    time_constants: np.ndarray
    density: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    resistance: float
    inductance: float
    capacitance: float
    warburg: float
    polarisation: float
    polarisation_error: float
    peaks: tuple[Peak, ...]
    model: np.ndarray
    residuals: np.ndarray
    noise: float
    regularisation: float
    method: str
    flags: tuple[str, ...]


@one_blas_thread
def distribution(spectrum: Any, *, regularisation: float | str = "gcv", time_constants: Any = None) -> Distribution:
    """The distribution of relaxation times of one spectrum.

    Arguments: `spectrum` an Impedance record, a Spectrum, or a pair (frequency in Hz, complex impedance in ohm);
    `regularisation` lambda > 0, or how it is chosen: "gcv" (generalised cross-validation: G. H. Golub, M. Heath, G.
    Wahba, Technometrics 21 (1979) 215, doi 10.1080/00401706.1979.10489751), "cross_validation" (each frequency left out
    in turn) or "l_curve" (largest curvature: P. C. Hansen, D. P. O'Leary, SIAM J. Sci. Comput. 14 (1993) 1487, doi
    10.1137/0914086); `time_constants` a logarithmic grid, s, in place of `PER_DECADE` a decade, `BEYOND` the ends.
    Raises InputError below `FEWEST` distinct frequencies, or for a grid that is not logarithmic.
    Validity: a spectrum that obeys the Kramers-Kronig relations, without inductive loops at low frequency.
    Limits: one ZARC R/(1 + (i w tau_0)^a) gives gamma = (R/2 pi) sin((1-a) pi)/(cosh(a ln(tau/tau_0)) - cos((1-a) pi)).
    The intervals are those of a smooth gamma without the bound at zero (M. B. Effat, F. Ciucci, Electrochim. Acta 247
    (2017) 1117, doi 10.1016/j.electacta.2017.07.050), the errors of resistances those with the bound, both at the
    lambda chosen: neither holds what smoothing takes off sharp maxima. On two ZARCs at 0.3 % noise the intervals cover
    92 %, and the peaks' resistances scatter by about twice their errors (measured on 60 spectra).

    >>> frequency = np.geomspace(1e5, 0.01, 57)
    >>> found = distribution((frequency, 5.0 + 100.0 / (1 + (2j * np.pi * frequency * 0.01) ** 0.8)))
    >>> round(found.resistance, 1), round(found.polarisation), [round(peak.time_constant, 4) for peak in found.peaks]
    (5.0, 100, [0.01])
    """
    known = spectrum_of(spectrum, fewest=FEWEST)
    if np.mean(known.impedance.real > 0.0) < MOSTLY:
        refusal = "most of Z' is not positive, which no non-negative distribution gives"
        raise InputError(refusal, remedy="check the sign and order of the columns")
    distinct = len(np.unique(known.frequency))
    if distinct < FEWEST:
        raise InputError(f"the spectrum has {distinct} distinct frequencies", remedy=f"give {FEWEST} or more")
    wanted = _wanted(regularisation)
    tau = _grid(known, time_constants)
    coarse = np.geomspace(tau[0], tau[-1], max(int(np.ceil(np.log10(tau[-1] / tau[0]) * COARSE)) + 1, 5))
    chosen = _choose(weighted_problem(known, coarse), wanted)
    problem = weighted_problem(known, tau)
    present = np.concatenate([chosen.present[:FIXED], np.ones(len(tau), dtype=bool)])
    near = None if wanted == "l_curve" else chosen  # the corner shows only on the whole curve
    trial = _refine(problem, _path(problem, present, wanted, near), wanted)
    return _result(known, problem, trial, regularisation if isinstance(regularisation, str) else "given")


def _wanted(regularisation: float | str) -> float | str:
    if isinstance(regularisation, str):
        if regularisation not in METHODS:
            problem = f"'{regularisation}' chooses no regularisation"
            raise InputError(problem, key="regularisation", remedy=suggest(regularisation, METHODS))
        return regularisation
    if not 0.0 < regularisation < np.inf:
        problem = f"the regularisation {regularisation} is not positive and finite"
        raise InputError(problem, key="regularisation", remedy="give a number such as 1e-3, or 'gcv'")
    return float(regularisation)


def _grid(spectrum: Spectrum, given: Any) -> np.ndarray:
    if given is None:
        omega = spectrum.angular_frequency
        low, high = -np.log10(omega.max()) - BEYOND, -np.log10(omega.min()) + BEYOND
        return np.logspace(low, high, min(int(np.ceil((high - low) * PER_DECADE)) + 1, LARGEST_GRID))
    tau = np.asarray(given, dtype=float)
    if tau.ndim != 1 or not 5 <= len(tau) <= LARGEST_GRID or not np.all(np.isfinite(tau) & (tau > 0.0)):
        problem = f"a grid of shape {tau.shape}"
        raise InputError(problem, key="time_constants", remedy=f"give 5 to {LARGEST_GRID} positive numbers, s")
    steps = np.diff(np.log(tau))
    if steps[0] <= 0.0 or np.ptp(steps) > 1e-6 * steps[0]:
        problem = "the time constants are not rising by one factor"
        raise InputError(problem, key="time_constants", remedy="give numpy.geomspace(first, last, number)")
    return tau


def _choose(problem: Problem, wanted: float | str) -> Trial:
    """The solution with those of C and A for which the evidence is clearly larger, and with L if the score needs it."""
    length = len(problem.measured)
    full = _smoothest(_path(problem, np.ones(len(problem.unit), dtype=bool), wanted), wanted, length)
    best, branches = full, [CAPACITANCE, DIFFUSION]

    def doubted(trial: Trial) -> float:
        return trial.evidence + _DOUBT * int(trial.free[branches].sum())

    if full.free[branches].any():
        plain, *fewer = (_without(problem, full, absent, wanted) for absent in (branches, [CAPACITANCE], [DIFFUSION]))
        best = min([full, *fewer], key=doubted)
        largest = np.abs(problem.rows[:, branches] * best.values[branches]).max()
        if largest < SMALLEST_BRANCH or plain.evidence < doubted(best):
            best = plain
    unused = [place for place in branches if not best.free[place]]
    present = best.present.copy()
    present[unused] = False
    best = replace(best, present=present)
    simpler = _without(problem, best, [INDUCTANCE], wanted)
    worse = length * np.log(simpler.cross_validation / best.cross_validation)
    return simpler if worse < np.log(length) else best


def _without(problem: Problem, trial: Trial, places: list[int], wanted: float | str) -> Trial:
    """The solution without some columns, at the lambda that is best then."""
    present = trial.present.copy()
    present[places] = False
    if not trial.free[places].any():
        return replace(trial, present=present)
    return _smoothest(_path(problem, present, wanted, near=trial), wanted, len(problem.measured))


def _path(problem: Problem, present: np.ndarray, wanted: float | str, near: Trial | None = None) -> list[Trial]:
    """Solutions from much to little smoothing, until the score has risen clearly; at the one lambda if it is given."""
    if isinstance(wanted, float):
        return [solve(problem, present, wanted, present)]
    values = _LAMBDAS if near is None else near.regularisation * 10.0 ** np.arange(3.0, -1.1, -1.0)
    values = np.maximum(values, _LEAST)
    trials: list[Trial] = []
    for value in np.unique(values)[::-1]:
        trials.append(solve(problem, present, float(value), trials[-1].free if trials else present))
        least = min(trial.cross_validation for trial in trials)
        if wanted != "l_curve" and len(problem.measured) * np.log(trials[-1].cross_validation / least) > _RISEN:
            break
    return trials


def _refine(problem: Problem, trials: list[Trial], wanted: float | str) -> Trial:
    """The smoothest solution whose score chance explains; for the L-curve its corner."""
    if isinstance(wanted, float):
        return trials[0]
    if wanted == "l_curve":
        return trials[1 + int(np.argmax(_curvature(trials)))] if len(trials) > 2 else trials[-1]
    best = min(trials, key=lambda trial: _score(trial, wanted))
    beside = [
        solve(problem, best.present, max(best.regularisation * 10.0 ** (third / 3.0), _LEAST), best.free)
        for third in (-1, 1, 2)
    ]
    return _smoothest([*trials, *beside], wanted, len(problem.measured))


def _smoothest(trials: list[Trial], wanted: float | str, length: int) -> Trial:
    """Of those whose score is the least, up to what chance explains, the one of largest lambda."""
    kind = "cross_validation" if wanted == "cross_validation" else "gcv"
    least = min(_score(trial, kind) for trial in trials)
    good = [trial for trial in trials if length * np.log(_score(trial, kind) / least) < _CHANCE]
    return max(good, key=lambda trial: trial.regularisation)


def _score(trial: Trial, wanted: str) -> float:
    return trial.cross_validation if wanted == "gcv" else trial.left_out


def _curvature(trials: list[Trial]) -> np.ndarray:
    """Of ln(misfit) against ln(bend), by the circle through three neighbours, positive at the corner."""
    points = np.log([[max(trial.squares, 1e-300), max(trial.bend, 1e-300)] for trial in trials])
    before, after = points[1:-1] - points[:-2], points[2:] - points[1:-1]
    twice_area = before[:, 1] * after[:, 0] - before[:, 0] * after[:, 1]
    lengths = [np.linalg.norm(side, axis=1) for side in (before, after, before + after)]
    return np.asarray(2.0 * twice_area / np.maximum(np.prod(lengths, axis=0), 1e-300))


def _result(spectrum: Spectrum, problem: Problem, trial: Trial, method: str) -> Distribution:
    values = trial.values * problem.unit
    residual = problem.measured - problem.rows @ trial.values
    variance = float(residual @ residual) / trial.freedom
    scale = float(problem.unit[-1])
    density = values[FIXED:]
    deviation = 1.96 * scale * np.sqrt(variance * np.diag(inverse_among(problem, trial, trial.present))[FIXED:])
    spread = scale**2 * variance * inverse_among(problem, trial, trial.free)[FIXED:, FIXED:]
    weights = np.full(len(density), problem.step)
    predicted = (problem.rows @ trial.values).reshape(-1, 2) * spectrum.modulus[:, None]
    model = predicted[:, 0] + 1j * predicted[:, 1]
    residuals = (spectrum.impedance - model) / spectrum.modulus
    noise = float(np.sqrt(variance))
    return Distribution(
        frequency=spectrum.frequency,
        time_constants=problem.tau,
        density=density,
        lower=np.maximum(density - deviation, 0.0),
        upper=density + deviation,
        resistance=float(values[RESISTANCE]),
        inductance=float(values[INDUCTANCE]),
        capacitance=float(1.0 / values[CAPACITANCE]) if values[CAPACITANCE] > 0.0 else np.inf,
        warburg=float(values[DIFFUSION]) / np.sqrt(2.0),
        polarisation=float(weights @ density),
        polarisation_error=float(np.sqrt(weights @ spread @ weights)),
        peaks=find_peaks(problem.tau, density, spread),
        model=model,
        residuals=residuals,
        noise=noise,
        regularisation=trial.regularisation,
        method=method,
        flags=spectrum.flags + _flags(spectrum, problem, density, residuals, noise),
    )


def _flags(
    spectrum: Spectrum, problem: Problem, density: np.ndarray, residuals: np.ndarray, noise: float
) -> tuple[str, ...]:
    omega = spectrum.angular_frequency
    flags = []
    for where, name in ((problem.tau > 1.0 / omega.min(), "slower"), (problem.tau < 1.0 / omega.max(), "faster")):
        share = float(density[where].sum() / max(density.sum(), 1e-300))
        if share > 0.05:
            flags.append(
                f"{100 * share:.0f} % of the polarisation is {name} than any frequency measured: not determined"
            )
    ordered = residuals[np.argsort(omega, kind="stable")]
    together = np.sum(ordered[1:] * ordered[:-1].conj()).real / np.sum(np.abs(ordered) ** 2)
    if together > max(3.0 / np.sqrt(2.0 * len(omega)), 0.3) and np.abs(residuals).max() > 0.005:
        flags.append(
            f"neighbouring residuals go together ({together:.2f}): no non-negative distribution fits; test the data"
        )
    if noise > 0.02:
        flags.append(f"the residuals are {100 * noise:.1f} % of |Z|")
    if len(omega) < 15:
        flags.append(f"{len(omega)} points resolve few processes")
    return tuple(flags)


__all__ = ["METHODS", "Distribution", "Peak", "Track", "distribution", "track"]
