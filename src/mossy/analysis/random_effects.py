"""A law through values of known covariance with scatter beyond it: a linear model with random effects.

    y_s ~ N(X_s theta, S_s + diag(T)):

what each spectrum says, y_s, with its own known covariance S_s, scatters about a law by variances T that are estimated
too. Scatter beyond the errors so widens the errors of the law, and does not bias it as a hard law would.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy import stats

from mossy.errors import InputError
from mossy.numerics.threads import one_blas_thread


@dataclasses.dataclass(frozen=True, eq=False)
class RandomEffects:
    """The law theta (`coefficients`) with its covariance, the `variances` T about it, and the spectra shrunk to it.

    `degrees_of_freedom`: of Student's t for each coefficient; `estimates` E[b_s | y], b_s ~ N(X_s theta, diag(T)), and
    `estimate_covariances` with the errors of theta and T in them; `chi_squared`: of the best law if T were 0, its tail
    `p_value` (over `freedom`) is the lack of fit of a law without scatter; `log_likelihood` restricted. Leading axes:
    the batch.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    degrees_of_freedom: np.ndarray
    variances: np.ndarray
    estimates: np.ndarray
    estimate_covariances: np.ndarray
    chi_squared: np.ndarray
    freedom: np.ndarray
    log_likelihood: np.ndarray
    converged: np.ndarray

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the coefficients."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def p_value(self) -> np.ndarray:
        """Probability of a chi squared this large if the given covariances were all the scatter there is."""
        return np.asarray(stats.chi2.sf(self.chi_squared, self.freedom))

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """The two ends of each coefficient's interval, by Student's t."""
        reach = stats.t.ppf(0.5 + level / 2, self.degrees_of_freedom) * self.standard_errors
        return self.coefficients - reach, self.coefficients + reach


@one_blas_thread
def random_effects(
    values: Any, covariances: Any, design: Any, *, variances: Any = None, maximum_iterations: int = 200
) -> RandomEffects:
    """Fits y_s ~ N(X_s theta, S_s + diag(T)), theta by generalised least squares, T >= 0 by restricted likelihood.

        -2 ln L = sum ln|V_s| + ln|M| + sum r_s' V_s^-1 r_s,   V_s = S_s + diag(T),   M = sum X_s' V_s^-1 X_s

    Arguments: `values` y, (..., s, d): d parameters of each of s spectra; `covariances` S, (..., s, d, d), known;
    `design` X, (..., s, d, p); `variances`, (d,): T held at these numbers, NaN (default) where it is to be estimated.
    A parameter with infinite variance in a spectrum counts as not measured there, whatever its value.
    Result: `RandomEffects`. Raises InputError where the spectra do not determine theta.
    Method: Fisher scoring with halved steps inside T >= 0; the covariance of theta corrected for the error of T, and
    degrees of freedom by Satterthwaite's rule for each coefficient, as M. G. Kenward, J. H. Roger, Biometrics 53 (1997)
    983, doi 10.2307/2533558, give them for variances that enter linearly; a T that ends at 0 counts as known.
    Limits: intervals of 95 % held the truth in 92 to 97 % of simulations with 5 to 20 spectra.
    Source of the restricted likelihood: H. D. Patterson, R. Thompson, Biometrika 58 (1971) 545, doi
    10.1093/biomet/58.3.545; of the errors of the shrunk estimates: N. G. N. Prasad, J. N. K. Rao, J. Am. Stat. Assoc.
    85 (1990) 163, doi 10.1080/01621459.1990.10475320.

    >>> mean = random_effects([[1.0], [2.0], [3.0], [6.0]], np.full((4, 1, 1), 0.5), np.ones((4, 1, 1)))
    >>> round(float(mean.coefficients[0]), 6), round(float(mean.variances[0]), 6)  # variance 14/3 of which 0.5 is known
    (3.0, 4.166667)
    """
    problem, lead = _problem(values, covariances, design, variances)
    variance, converged = _restricted(problem, maximum_iterations)
    found = _solve(problem, variance)
    plain = _solve(problem, np.where(np.isnan(problem.held), problem.lowest, problem.held))
    weights = _variance_covariance(found, np.isnan(problem.held) & (variance > problem.lowest))
    covariance, freedom = _kenward_roger(found, weights)
    estimates, spread = _shrunk(problem, variance, found)
    many = problem.measured.sum(axis=(1, 2)) - problem.design.shape[-1]

    def shaped(each: np.ndarray) -> np.ndarray:
        return each.reshape((*lead, *each.shape[1:]))

    parts = (found.theta, covariance, freedom, variance, estimates, spread, plain.quadratic, many)
    return RandomEffects(*(shaped(each) for each in (*parts, -0.5 * found.objective, converged)))


def _shrunk(problem: _Problem, variance: np.ndarray, found: _Solution) -> tuple[np.ndarray, np.ndarray]:
    """Each spectrum's parameters drawn towards the law, and their covariance: g1 + g2 + 2 g3 of Prasad and Rao."""
    unit = np.eye(variance.shape[-1])
    shrink = variance[:, None, :, None] * found.inverse
    kept = unit - shrink
    law = np.einsum("bsdp,bp->bsd", problem.design, found.theta)
    left = kept @ problem.design
    prior = kept @ (unit * variance[:, None, :, None])
    weights = _variance_covariance(found, np.isnan(problem.held))
    uncertain = kept @ (weights[:, None] * found.inverse) @ np.swapaxes(kept, -1, -2)
    spread = prior + left @ found.phi[:, None] @ np.swapaxes(left, -1, -2) + 2.0 * uncertain
    return law + np.einsum("bsij,bsj->bsi", shrink, found.residual), spread


@dataclasses.dataclass(frozen=True, eq=False)
class _Problem:
    """Data with one batch axis; `measured` marks what has a finite variance, `lowest` is where T ends."""

    values: np.ndarray
    covariances: np.ndarray
    design: np.ndarray
    held: np.ndarray
    measured: np.ndarray
    lowest: np.ndarray

    def some(self, lanes: np.ndarray) -> _Problem:
        """These problems of the batch."""
        return _Problem(*(getattr(self, each.name)[lanes] for each in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True, eq=False)
class _Solution:
    """theta and what the likelihood's derivatives need: V^-1, V^-1 X, M^-1, residuals before and after V^-1."""

    theta: np.ndarray
    inverse: np.ndarray
    weighted: np.ndarray
    phi: np.ndarray
    residual: np.ndarray
    scaled: np.ndarray
    quadratic: np.ndarray
    objective: np.ndarray


def _problem(values: Any, covariances: Any, design: Any, variances: Any) -> tuple[_Problem, tuple[int, ...]]:
    y, s, x = (np.asarray(each, dtype=float) for each in (values, covariances, design))
    if y.ndim < 2 or s.ndim < 3 or x.ndim < 3:
        raise InputError(
            f"values {y.shape}, covariances {s.shape} and design {x.shape} have too few axes",
            remedy="give (spectra, parameters), (spectra, parameters, parameters), (spectra, parameters, coefficients)",
        )
    try:
        lead = np.broadcast_shapes(y.shape[:-2], s.shape[:-3], x.shape[:-3])
        y = np.broadcast_to(y, (*lead, *y.shape[-2:])).reshape(-1, *y.shape[-2:])
        s = np.broadcast_to(s, (*lead, *y.shape[-2:], y.shape[-1])).reshape(-1, *y.shape[-2:], y.shape[-1])
        x = np.broadcast_to(x, (*lead, *y.shape[-2:], x.shape[-1])).reshape(-1, *y.shape[-2:], x.shape[-1])
    except ValueError:
        raise InputError(
            f"values {y.shape}, covariances {s.shape} and design {x.shape} do not belong together",
            remedy="give (spectra, parameters), (spectra, parameters, parameters), (spectra, parameters, coefficients)",
        ) from None
    measured = np.isfinite(np.diagonal(s, axis1=-2, axis2=-1))
    both = measured[..., :, None] & measured[..., None, :]
    s = np.where(both, s, 0.0)
    y = np.where(measured, y, 0.0)
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(s)) and np.all(np.isfinite(x))):
        raise InputError("a value, covariance or entry of the design is not finite", remedy="leave that spectrum out")
    size = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1).clip(0.0))
    unit = s / np.where(size > 0, size, 1.0)[..., :, None] / np.where(size > 0, size, 1.0)[..., None, :]
    if np.any(np.linalg.eigvalsh(0.5 * (unit + np.swapaxes(unit, -1, -2))) < -1e-8):
        raise InputError("a covariance has a negative eigenvalue", remedy="give covariances as the fit returned them")
    held = np.full(y.shape[-1], np.nan) if variances is None else np.asarray(variances, dtype=float)
    held = np.broadcast_to(held, (len(y), y.shape[-1]))
    span = np.where(measured, y, np.nan)
    with np.errstate(invalid="ignore"):
        smallest = np.where(measured, size**2, np.inf).min(axis=1)
        scale = np.nan_to_num(np.ptp(np.where(measured, span, np.nanmean(span, axis=1, keepdims=True)), axis=1) ** 2)
    lowest = np.where(smallest > 1e-14 * scale, 0.0, 1e-14 * scale + 1e-300)
    return _Problem(y, 0.5 * (s + np.swapaxes(s, -1, -2)), x, held, measured, lowest), lead


def _solve(problem: _Problem, variance: np.ndarray) -> _Solution:
    """Generalised least squares at given T."""
    full = problem.covariances + np.eye(variance.shape[-1]) * variance[:, None, :, None]
    gone = ~problem.measured
    full = np.where(gone[..., :, None] & np.eye(variance.shape[-1], dtype=bool), 1.0, full)
    full = np.where((gone[..., :, None] ^ gone[..., None, :]), 0.0, full)
    inverse = np.linalg.inv(full) * problem.measured[..., :, None] * problem.measured[..., None, :]
    weighted = inverse @ problem.design
    normal = np.einsum("bsdp,bsdq->bpq", problem.design, weighted)
    size = np.sqrt(np.einsum("bpp->bp", normal))
    if np.any(size <= 0.0):
        raise InputError("a coefficient acts on nothing that was measured", key="design", remedy="leave it out")
    unit = normal / size[:, :, None] / size[:, None, :]
    if np.any(np.linalg.cond(unit) > 1e13):
        raise InputError(
            "the spectra do not determine the coefficients", key="design", remedy="give more spectra, or fewer columns"
        )
    phi = np.linalg.inv(unit) / size[:, :, None] / size[:, None, :]
    theta = np.einsum("bpq,bsdq,bsd->bp", phi, weighted, problem.values)
    residual = problem.values - np.einsum("bsdp,bp->bsd", problem.design, theta)
    scaled = np.einsum("bsij,bsj->bsi", inverse, residual)
    quadratic = np.einsum("bsd,bsd->b", residual, scaled)
    determinants = np.linalg.slogdet(full)[1].sum(axis=1) + np.linalg.slogdet(unit)[1] + 2.0 * np.log(size).sum(axis=1)
    return _Solution(theta, inverse, weighted, phi, residual, scaled, quadratic, determinants + quadratic)


def _outer(found: _Solution) -> np.ndarray:
    """M_i = sum over spectra of b_si b_si', b_si row i of V_s^-1 X_s: how M falls as T_i grows."""
    return np.asarray(np.einsum("bsip,bsiq->bipq", found.weighted, found.weighted))


def _score(found: _Solution) -> np.ndarray:
    """Derivative of the restricted log likelihood by each T."""
    leverage = np.einsum("bsip,bpq,bsiq->bsi", found.weighted, found.phi, found.weighted)
    trace = np.einsum("bsii->bsi", found.inverse) - leverage
    return np.asarray(0.5 * (found.scaled**2 - trace).sum(axis=1))


def _expected_information(found: _Solution) -> np.ndarray:
    """Expected information about T, tr(P V_i P V_j)/2, without forming P."""
    cross = np.einsum("bsip,bpq,bsjq->bsij", found.weighted, found.phi, found.weighted)
    own = (found.inverse * (found.inverse - 2.0 * cross)).sum(axis=1)
    turned = found.phi[:, None] @ _outer(found)
    return np.asarray(0.5 * (own + np.einsum("bipq,bjqp->bij", turned, turned)))


def _restricted(problem: _Problem, maximum_iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """T of the largest restricted likelihood, and which problems of the batch came to their end."""
    free, lowest = np.isnan(problem.held), problem.lowest
    spread = np.where(problem.measured, problem.values**2, 0.0).sum(axis=1) / np.maximum(
        problem.measured.sum(axis=1), 1
    )
    plain = _solve(problem, np.where(free, np.maximum(spread, lowest) + 1e-300, problem.held))
    start = np.where(problem.measured, plain.residual**2, 0.0).sum(axis=1) / np.maximum(problem.measured.sum(axis=1), 1)
    variance = np.where(free, np.maximum(start, lowest), problem.held)
    done = ~free.any(axis=1)
    for _ in range(maximum_iterations):
        lanes = np.flatnonzero(~done)
        if not lanes.size:
            break
        variance[lanes], gain = _climb(problem.some(lanes), variance[lanes])
        done[lanes] = gain < 1e-9
    return variance, done


def _climb(problem: _Problem, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step of Fisher scoring, halved until it gains: (T, what -2 ln L lost)."""
    found, free = _solve(problem, variance), np.isnan(problem.held)
    score = _score(found)
    active = free & ~((variance <= problem.lowest) & (score <= 0.0))
    information = _restrict(_expected_information(found), active)
    step = np.linalg.solve(information, (score * active)[..., None])[..., 0] * active
    gain, length = np.zeros(len(variance)), 1.0
    for _ in range(30):
        lanes = np.flatnonzero(gain <= 0.0)
        if not lanes.size:
            break
        trial = np.maximum(variance[lanes] + length * step[lanes], problem.lowest[lanes])
        trial = np.where(free[lanes], trial, problem.held[lanes])
        gain[lanes] = found.objective[lanes] - _solve(problem.some(lanes), trial).objective
        variance[lanes] = np.where(gain[lanes, None] > 0.0, trial, variance[lanes])
        length *= 0.5
    return variance, np.maximum(gain, 0.0)


def _restrict(matrix: np.ndarray, active: np.ndarray) -> np.ndarray:
    """The matrix with the rows and columns that do not take part replaced by those of the unit matrix."""
    both = active[:, :, None] & active[:, None, :]
    return np.where(both, matrix, 0.0) + np.eye(active.shape[1]) * ~active[:, :, None]


def _variance_covariance(found: _Solution, free: np.ndarray) -> np.ndarray:
    """Covariance of the estimated T, zero for what is held."""
    free = free & (np.einsum("bii->bi", _expected_information(found)) > 0.0)
    inverse = np.linalg.pinv(_restrict(_expected_information(found), free))
    return np.asarray(inverse * free[:, :, None] * free[:, None, :])


def _kenward_roger(found: _Solution, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(covariance of theta with the error of T in it, degrees of freedom of each coefficient)."""
    outer = _outer(found)
    second = np.einsum("bsip,bsij,bsjq->bijpq", found.weighted, found.inverse, found.weighted)
    second = second - np.einsum("bipq,bqr,bjrs->bijps", outer, found.phi, outer)
    added = found.phi @ np.einsum("bij,bijpq->bpq", weights, second) @ found.phi
    covariance = found.phi + added + np.swapaxes(added, -1, -2)
    slope = np.einsum("bpq,biqr,brp->bip", found.phi, outer, found.phi)
    spread = np.einsum("bip,bij,bjp->bp", slope, weights, slope)
    with np.errstate(divide="ignore"):
        freedom = 2.0 * np.einsum("bpp->bp", found.phi) ** 2 / spread
    return covariance, np.maximum(freedom, 1.0)


__all__ = ["RandomEffects", "random_effects"]
