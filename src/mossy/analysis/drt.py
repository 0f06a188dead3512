"""The distribution of relaxation times of a spectrum, with what is no relaxation beside it.

    Z = R + i w L + 1/(i w C) + A/sqrt(i w) + int gamma(ln tau)/(1 + i w tau) d ln tau,   all of them >= 0

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
from scipy import linalg, optimize
from scipy.linalg import lapack

from mossy.analysis.drt_track import Peak, Track, find_peaks, track
from mossy.analysis.spectra import Spectrum, spectrum_of
from mossy.errors import InputError, suggest

FEWEST = 4
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
FINEST = 1e-4
"""Noise relative to |Z| that every spectrum is taken to have at least: without any, every detail would count."""
METHODS = ("gcv", "l_curve", "cross_validation")
_LAMBDAS = 10.0 ** np.arange(1.0, -7.1, -1.0)
_LEAST = 1e-9
_R, _L, _C, _A, _FIXED = range(5)
_RISEN, _CHANCE, _DOUBT = 8.0, 4.0, 6.0
_PIVOTS, _PATIENCE = 80, 10


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


@dataclass(frozen=True, eq=False)
class _Problem:
    """Weighted real `rows`, two a point, scaled `columns` (R, L, C, A, gamma...) and what a unit of each stands for."""

    rows: np.ndarray
    measured: np.ndarray
    gram: np.ndarray
    target: np.ndarray
    penalty: np.ndarray
    unit: np.ndarray
    tau: np.ndarray
    step: float


@dataclass(frozen=True, eq=False)
class _Trial:
    """A solution at one lambda: columns `present`, `values`, `free` where above zero, and its scores, with `FINEST`
    noise added to `squares` and `left_out`. `evidence` is -2 ln of the Gaussian one over the free columns (D. J. C.
    MacKay, Neural Comput. 4 (1992) 415, doi 10.1162/neco.1992.4.3.415) less a constant.
    """

    regularisation: float
    present: np.ndarray
    values: np.ndarray
    free: np.ndarray
    squares: float
    bend: float
    freedom: float
    left_out: float
    evidence: float

    @property
    def cross_validation(self) -> float:
        """Generalised: the squares over the squared degrees of freedom."""
        return self.squares / self.freedom**2


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
    distinct = len(np.unique(known.frequency))
    if distinct < FEWEST:
        raise InputError(f"the spectrum has {distinct} distinct frequencies", remedy=f"give {FEWEST} or more")
    wanted = _wanted(regularisation)
    tau = _grid(known, time_constants)
    coarse = np.geomspace(tau[0], tau[-1], max(int(np.ceil(np.log10(tau[-1] / tau[0]) * COARSE)) + 1, 5))
    chosen = _choose(_problem(known, coarse), wanted)
    problem = _problem(known, tau)
    present = np.concatenate([chosen.present[:_FIXED], np.ones(len(tau), dtype=bool)])
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


def _problem(spectrum: Spectrum, tau: np.ndarray) -> _Problem:
    s = 1j * spectrum.angular_frequency[:, None]
    top, bottom = np.abs(s).max(), np.abs(s).min()
    step = float(np.log(tau[1] / tau[0]))
    scale = float(np.median(spectrum.modulus))
    fixed = [np.ones_like(s), s / top, bottom / s, np.sqrt(bottom / s)]
    columns = scale * np.concatenate([*fixed, step / (1.0 + s * tau)], axis=1)
    unit = scale * np.concatenate([[1.0, 1.0 / top, bottom, np.sqrt(bottom)], np.ones(len(tau))])
    weighted = columns / spectrum.modulus[:, None]
    rows = np.stack([weighted.real, weighted.imag], axis=1).reshape(-1, columns.shape[1])
    direction = spectrum.impedance / spectrum.modulus
    measured = np.stack([direction.real, direction.imag], axis=1).ravel()
    bends = np.diff(np.eye(len(tau)), n=2, axis=0) / step**1.5
    penalty = np.zeros((len(unit), len(unit)))
    penalty[_FIXED:, _FIXED:] = bends.T @ bends
    return _Problem(rows, measured, rows.T @ rows, rows.T @ measured, penalty, unit, tau, step)


def _choose(problem: _Problem, wanted: float | str) -> _Trial:
    """The solution with those of C and A for which the evidence is clearly larger, and with L if the score needs it."""
    length = len(problem.measured)
    full = _smoothest(_path(problem, np.ones(len(problem.unit), dtype=bool), wanted), wanted, length)
    best = full
    if full.free[[_C, _A]].any():
        plain, *branches = (_without(problem, full, absent, wanted) for absent in ([_C, _A], [_C], [_A]))
        best = min([full, *branches], key=lambda trial: trial.evidence + _DOUBT * int(trial.free[[_C, _A]].sum()))
        largest = np.abs(problem.rows[:, [_C, _A]] * best.values[[_C, _A]]).max()
        if largest < SMALLEST_BRANCH or plain.evidence < best.evidence + _DOUBT * int(best.free[[_C, _A]].sum()):
            best = plain
    unused = [place for place in (_C, _A) if not best.free[place]]
    present = best.present.copy()
    present[unused] = False
    best = replace(best, present=present)
    simpler = _without(problem, best, [_L], wanted)
    worse = length * np.log(simpler.cross_validation / best.cross_validation)
    return simpler if worse < np.log(length) else best


def _without(problem: _Problem, trial: _Trial, places: list[int], wanted: float | str) -> _Trial:
    """The solution without some columns, at the lambda that is best then."""
    present = trial.present.copy()
    present[places] = False
    if not trial.free[places].any():
        return replace(trial, present=present)
    return _smoothest(_path(problem, present, wanted, near=trial), wanted, len(problem.measured))


def _path(problem: _Problem, present: np.ndarray, wanted: float | str, near: _Trial | None = None) -> list[_Trial]:
    """Solutions from much to little smoothing, until the score has risen clearly; at the one lambda if it is given."""
    if isinstance(wanted, float):
        return [_solve(problem, present, wanted, present)]
    values = _LAMBDAS if near is None else near.regularisation * 10.0 ** np.arange(3.0, -1.1, -1.0)
    values = np.maximum(values, _LEAST)
    trials: list[_Trial] = []
    for value in np.unique(values)[::-1]:
        trials.append(_solve(problem, present, float(value), trials[-1].free if trials else present))
        least = min(trial.cross_validation for trial in trials)
        if wanted != "l_curve" and len(problem.measured) * np.log(trials[-1].cross_validation / least) > _RISEN:
            break
    return trials


def _refine(problem: _Problem, trials: list[_Trial], wanted: float | str) -> _Trial:
    """The smoothest solution whose score chance explains; for the L-curve its corner."""
    if isinstance(wanted, float):
        return trials[0]
    if wanted == "l_curve":
        return trials[1 + int(np.argmax(_curvature(trials)))] if len(trials) > 2 else trials[-1]
    best = min(trials, key=lambda trial: _score(trial, wanted))
    beside = [
        _solve(problem, best.present, max(best.regularisation * 10.0 ** (third / 3.0), _LEAST), best.free)
        for third in (-1, 1, 2)
    ]
    return _smoothest([*trials, *beside], wanted, len(problem.measured))


def _smoothest(trials: list[_Trial], wanted: float | str, length: int) -> _Trial:
    """Of those whose score is the least, up to what chance explains, the one of largest lambda."""
    kind = "cross_validation" if wanted == "cross_validation" else "gcv"
    least = min(_score(trial, kind) for trial in trials)
    good = [trial for trial in trials if length * np.log(_score(trial, kind) / least) < _CHANCE]
    return max(good, key=lambda trial: trial.regularisation)


def _score(trial: _Trial, wanted: str) -> float:
    return trial.cross_validation if wanted == "gcv" else trial.left_out


def _curvature(trials: list[_Trial]) -> np.ndarray:
    """Of ln(misfit) against ln(bend), by the circle through three neighbours, positive at the corner."""
    points = np.log([[max(trial.squares, 1e-300), max(trial.bend, 1e-300)] for trial in trials])
    before, after = points[1:-1] - points[:-2], points[2:] - points[1:-1]
    twice_area = before[:, 1] * after[:, 0] - before[:, 0] * after[:, 1]
    lengths = [np.linalg.norm(side, axis=1) for side in (before, after, before + after)]
    return np.asarray(2.0 * twice_area / np.maximum(np.prod(lengths, axis=0), 1e-300))


def _solve(problem: _Problem, present: np.ndarray, regularisation: float, start: np.ndarray) -> _Trial:
    matrix = problem.gram + regularisation * problem.penalty
    values, free, factor = _non_negative(matrix, problem.target, present, start & present)
    residual = problem.measured - problem.rows @ values
    hat = linalg.solve_triangular(factor, problem.rows[:, free].T, lower=True, check_finite=False)
    freedom = max(len(residual) - float((hat**2).sum()), 1e-3 * len(residual))
    pairs = hat.reshape(len(hat), -1, 2)
    blocks = (1.0 + 1e-9) * np.eye(2) - np.einsum("kia,kib->iab", pairs, pairs)
    left_out = np.linalg.solve(blocks, residual.reshape(-1, 2, 1))
    bend = float(values @ problem.penalty @ values)
    squares = float(residual @ residual) + len(residual) * FINEST**2
    bends = max(int(free[_FIXED:].sum()) - 2, 0)
    evidence = len(residual) * np.log(squares + regularisation * bend) - bends * np.log(regularisation)
    evidence += 2.0 * float(np.log(np.diag(factor)).sum())
    return _Trial(
        regularisation=regularisation,
        present=present,
        values=values,
        free=free,
        squares=squares,
        bend=bend,
        freedom=freedom,
        left_out=float((left_out**2).sum()) + len(residual) * FINEST**2,
        evidence=float(evidence),
    )


def _steadied(matrix: np.ndarray) -> np.ndarray:
    """With a trace of the diagonal added, because columns of neighbouring tau are almost equal."""
    return np.asarray(matrix + 1e-13 * np.trace(matrix) * np.eye(len(matrix)))


def _non_negative(
    matrix: np.ndarray, target: np.ndarray, present: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The minimum of x'Mx/2 - t'x over x >= 0, which x are free, and the Cholesky factor among these, by block
    principal pivoting (L. F. Portugal, J. J. Júdice, L. N. Vicente, Math. Comput. 63 (1994) 625, doi
    10.1090/S0025-5718-1994-1250776-4); should rounding make it go in circles, by the method of Lawson and Hanson.
    """
    steadied = _steadied(matrix)
    tolerance = 1e-10 * float(np.abs(target).max())
    free, fewest, patience = start.copy(), len(target) + 1, _PATIENCE
    for _ in range(_PIVOTS):
        values, factor = _among(steadied, target, free)
        slope = steadied @ values - target
        wrong = present & np.where(free, values < -1e-9 * np.abs(values).max(), slope < -tolerance)
        count = int(wrong.sum())
        if not count:
            return np.maximum(values, 0.0), free, factor
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        free = free ^ wrong if patience > 0 else free ^ (np.arange(len(free)) == np.flatnonzero(wrong)[-1])
    places = np.flatnonzero(present)
    root = linalg.cholesky(steadied[np.ix_(places, places)], lower=True, check_finite=False)
    whitened = linalg.solve_triangular(root, target[places], lower=True, check_finite=False)
    free = np.zeros(len(target), dtype=bool)
    free[places] = optimize.nnls(root.T, whitened, maxiter=30 * len(places))[0] > 0.0
    values, factor = _among(steadied, target, free)
    return np.maximum(values, 0.0), free, factor


def _among(matrix: np.ndarray, target: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The solution with only some columns free, and the lower Cholesky factor of their matrix."""
    places = np.flatnonzero(free)
    values = np.zeros(len(target))
    if not len(places):
        return values, np.zeros((0, 0))
    factor, solution, _ = lapack.dposv(matrix[np.ix_(places, places)], target[places], lower=1)
    values[places] = solution
    return values, np.tril(factor)


def _result(spectrum: Spectrum, problem: _Problem, trial: _Trial, method: str) -> Distribution:
    values = trial.values * problem.unit
    residual = problem.measured - problem.rows @ trial.values
    variance = float(residual @ residual) / trial.freedom
    scale = float(problem.unit[-1])
    density = values[_FIXED:]
    deviation = 1.96 * scale * np.sqrt(variance * np.diag(_inverse(problem, trial, trial.present))[_FIXED:])
    spread = scale**2 * variance * _inverse(problem, trial, trial.free)[_FIXED:, _FIXED:]
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
        resistance=float(values[_R]),
        inductance=float(values[_L]),
        capacitance=float(1.0 / values[_C]) if values[_C] > 0.0 else np.inf,
        warburg=float(values[_A]),
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


def _inverse(problem: _Problem, trial: _Trial, among: np.ndarray) -> np.ndarray:
    """The inverse of the normal matrix among some columns, zero elsewhere."""
    chosen = np.ix_(among, among)
    matrix = _steadied(problem.gram + trial.regularisation * problem.penalty)
    factor = linalg.cholesky(matrix[chosen], lower=True, check_finite=False)
    root = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    found = np.zeros_like(problem.gram)
    found[chosen] = root.T @ root
    return found


def _flags(
    spectrum: Spectrum, problem: _Problem, density: np.ndarray, residuals: np.ndarray, noise: float
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
