"""Activation energies: a line with individual errors and scatter beyond them, a break in it, and the vector form.

All three are one model, y_s ~ N(X_s theta, S_s + diag(T)): what each spectrum says, y_s, with its own known covariance
S_s, scatters about a law by variances T that are estimated too. Scatter beyond the errors so widens the errors of the
law, and does not bias it as a hard law would.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy import stats

from mossy.analysis.impedance_physics import Measured
from mossy.errors import InputError, suggest
from mossy.laws.constants import FARADAY
from mossy.laws.impedance_physics import BOLTZMANN

FORMS = {"ln(sigma T)": (-1, 1), "ln(sigma)": (-1, 0), "ln(R)": (1, 0), "ln(R/T)": (1, -1)}
"""What is a straight line against 1/T: the sign of the activation energy in its slope, the power of T beside it."""


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


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """An Arrhenius line: ln(quantity) = `log_prefactor` -/+ E/(k T), in the unit of what was given.

    `scatter`: standard deviation of ln(quantity) about the line beyond the errors given; `chi_squared`, `freedom` and
    `p_value`: lack of fit of a line if the errors given were all (NaN without any); `freedom_of_energy`: of Student's
    t for its interval; `residuals`: measured less line, of ln(quantity).
    """

    form: str
    activation_energy: Measured
    log_prefactor: Measured
    scatter: float
    chi_squared: float
    freedom: int
    p_value: float
    freedom_of_energy: float
    residuals: np.ndarray
    covariance: np.ndarray

    @property
    def activation_energy_in_kilojoule(self) -> Measured:
        """The same, kJ/mol."""
        factor, energy = FARADAY / 1e3, self.activation_energy
        return dataclasses.replace(
            energy, value=energy.value * factor, standard_error=energy.standard_error * factor, unit="kJ/mol"
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two ends of the activation energy's interval, eV, by Student's t."""
        reach = float(stats.t.ppf(0.5 + level / 2, self.freedom_of_energy)) * self.activation_energy.standard_error
        return self.activation_energy.value - reach, self.activation_energy.value + reach

    def at(self, temperature: float) -> Measured:
        """The conductivity or resistance that the line gives at a temperature, K, with the error of the line."""
        sign, power = FORMS[self.form]
        slopes = np.array([1.0, sign / (BOLTZMANN * temperature)])
        log = float(slopes @ (self.log_prefactor.value, self.activation_energy.value))
        value = float(np.exp(log)) / temperature**power
        error = value * float(np.sqrt(slopes @ self.covariance @ slopes))
        return Measured(value, error, "as given", (*self.activation_energy.assumptions, "the line goes on to there"))


def fit(
    temperature: Any, values: Any, standard_errors: Any = None, *, form: str = "ln(sigma T)", scatter: bool = True
) -> Line:
    """Activation energy of a conductivity or resistance, with the scatter beyond its errors in the error.

        ln(sigma T), ln(sigma), ln(R) or ln(R/T) = ln A -/+ E/(k T) + u + e,   u ~ N(0, T),   e ~ N(0, (s/value)^2)

    Arguments: `temperature`, K; `values`, conductivities or resistances in any unit, above zero; `standard_errors` s of
    each by itself, in the same unit, or None: equal weights, errors from the scatter alone; `form`, a key of `FORMS`;
    `scatter` False: the errors given are all there is, T = 0. Result: `Line`.
    Raises InputError for fewer than three temperatures (two with `scatter` False), a value or temperature not above 0.
    Limits: an error that all values share, of the area or thickness, belongs into the prefactor and must be left out
    of s, or it dilutes the weights. Temperatures are taken as exact: an error common to all, dT, changes E by
    2 dT/T of itself.
    Source: the form is by S. Arrhenius, Z. Phys. Chem. 4 (1889) 226, doi 10.1515/zpch-1889-0416; `random_effects`.

    >>> kelvin, siemens = [300.0, 320.0, 340.0, 360.0], [1.00e-6, 4.03e-6, 1.45e-5, 4.48e-5]
    >>> line = fit(kelvin, siemens, [1e-8, 4e-8, 1.4e-7, 4e-7])
    >>> print(line.activation_energy, "|", line.activation_energy_in_kilojoule)
    0.61888 +/- 0.0042 eV | 59.7128 +/- 0.41 kJ/mol
    """
    inverse, log, variance = _points(temperature, values, standard_errors, form, 3 if scatter else 2)
    if standard_errors is None and not scatter:
        raise InputError(
            "without errors and without scatter nothing weighs the points", remedy="give standard_errors or scatter"
        )
    centre = float(np.mean(inverse))
    sign = FORMS[form][0]
    design = np.stack([np.ones_like(inverse), sign * (inverse - centre)], axis=1)[:, None, :]
    found = random_effects(log[:, None], variance[:, None, None], design, variances=[np.nan if scatter else 0.0])
    back = np.array([[1.0, -sign * centre], [0.0, 1.0]])
    prefactor, energy = back @ found.coefficients
    covariance = back @ found.covariance @ back.T
    known = standard_errors is not None
    text = (
        f"Arrhenius form {form}",
        "weights from the errors given" + (" and the scatter about the line" if scatter else "")
        if known
        else "equal weights, errors from the scatter about the line",
    )
    return Line(
        form,
        Measured(float(energy), float(np.sqrt(covariance[1, 1])), "eV", text),
        Measured(float(prefactor), float(np.sqrt(covariance[0, 0])), "1", text),
        float(np.sqrt(found.variances[0])),
        float(found.chi_squared) if known else np.nan,
        int(found.freedom),
        float(found.p_value) if known else np.nan,
        float(found.degrees_of_freedom[1]),
        log - design[:, 0] @ found.coefficients,
        covariance,
    )


def _points(
    temperature: Any, values: Any, errors: Any, form: str, fewest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(1/(k T) in 1/eV, ln of what is linear in it, its variance), in rising order of 1/T, checked."""
    if form not in FORMS:
        raise InputError(f"{form!r} is no Arrhenius form", key="form", remedy=suggest(form, FORMS))
    try:
        t, v = np.asarray(temperature, dtype=float), np.asarray(values, dtype=float)
        s = np.zeros_like(v) if errors is None else np.asarray(errors, dtype=float)
        s = np.broadcast_to(s, v.shape)
    except (TypeError, ValueError):
        raise InputError("temperatures, values and errors must be arrays of numbers of one length") from None
    if t.ndim != 1 or t.shape != v.shape or len(np.unique(t)) < fewest:
        raise InputError(
            f"temperatures {t.shape} and values {v.shape}: at least {fewest} different temperatures are needed",
            remedy="give one value for each temperature",
        )
    if not (np.all(t > 0.0) and np.all(v > 0.0) and np.all(np.isfinite(t + v)) and np.all(np.isfinite(s) & (s >= 0.0))):
        raise InputError(
            "temperatures and values must be finite and above zero, errors finite and not negative",
            remedy="leave out what was not measured; temperatures are in K",
        )
    if errors is not None and np.any(s == 0.0):
        raise InputError("a standard error is 0", key="standard_errors", remedy="give them all, or none")
    return 1.0 / (BOLTZMANN * t), np.log(v * t ** FORMS[form][1]), (s / v) ** 2


@dataclasses.dataclass(frozen=True, eq=False)
class Break:
    """One line against two that meet: `supported` says whether the data ask for the second, `reason` why or why not.

    `temperature` of the break, K, and the activation energies `below` and `above` it, eV, have the value None unless
    the break is supported. `evidence` is the BIC of the one line less that of the two.
    """

    supported: bool
    reason: str
    line: Line
    temperature: Measured
    below: Measured
    above: Measured
    evidence: float


SIDE = 4
"""Fewest points on either side of a break."""
_ROUNDING = 1e-10
STRONG = 10.0
"""Difference of BIC from which a break is claimed: "very strong" of R. E. Kass, A. E. Raftery (1995)."""


def with_break(temperature: Any, values: Any, standard_errors: Any = None, *, form: str = "ln(sigma T)") -> Break:
    """Whether an Arrhenius plot is one line or two that meet at a break, and where.

        ln = a + E_1 min(x - x_b, 0) + E_2 max(x - x_b, 0),   x = -/+ 1/(k T)
        BIC = -2 ln L + (number of parameters) ln n,   L with the scatter about the line at its most likely

    Arguments: as `fit`. Result: `Break`.
    Limits: a break needs at least `SIDE` points on either side and a BIC lower by `STRONG`, which noise about one line
    reaches in at most 1 % of simulations with 8 to 25 points; a smooth curve (Vogel, Fulcher and Tammann) is nearer to
    two lines than to one, and is not told from a break here.
    Source: G. Schwarz, Ann. Stat. 6 (1978) 461, doi 10.1214/aos/1176344136; R. E. Kass, A. E. Raftery, J. Am. Stat.
    Assoc. 90 (1995) 773, doi 10.1080/01621459.1995.10476572.
    """
    line = fit(temperature, values, standard_errors, form=form)
    inverse, log, variance = _points(temperature, values, standard_errors, form, 3)
    order = np.argsort(inverse)
    x, y, variance = inverse[order], log[order], variance[order]
    if len(np.unique(x)) < 2 * SIDE:
        return _no_break(line, f"{len(np.unique(x))} temperatures are too few: a break needs {2 * SIDE}", 0.0)
    candidates = np.linspace(x[SIDE - 1], x[-SIDE], 401)
    extra = np.maximum(np.geomspace(1e-4, 10.0, 61) * float(np.var(line.residuals)), _ROUNDING**2)
    if standard_errors is not None:
        extra = np.concatenate([[0.0], extra])
    weights = 1.0 / (variance + extra[:, None])
    one = _deviance(np.stack([np.ones_like(x), x - x.mean()], axis=1)[None], y, weights)
    two = _deviance(_broken(x, candidates), y, weights)
    place = int(np.argmin(two))
    evidence = float(one[0] - two[place] - 2.0 * np.log(len(x)))
    if evidence < STRONG:
        return _no_break(line, f"two lines lower the BIC by {evidence:.1f}, less than {STRONG:g}", evidence)
    return _described(line, x, y, variance, float(candidates[place]), evidence)


def _broken(x: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Designs (break, point, 3) of two lines that meet."""
    away = x - breaks[:, None]
    return np.stack([np.ones_like(away), np.minimum(away, 0.0), np.maximum(away, 0.0)], axis=-1)


def _deviance(designs: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """-2 ln L of each design (m, n, p), at the best of the weightings (w, n)."""
    normal = np.einsum("mnp,wn,mnq->wmpq", designs, weights, designs)
    right = np.einsum("mnp,wn,n->wmp", designs, weights, y)
    theta = np.linalg.solve(normal, right[..., None])[..., 0]
    misfit = np.einsum("wn,wmn->wm", weights, (y - np.einsum("mnp,wmp->wmn", designs, theta)) ** 2)
    return np.asarray((misfit - np.log(weights).sum(axis=1)[:, None]).min(axis=0))


def _no_break(line: Line, reason: str, evidence: float) -> Break:
    place, below, above = (Measured(None, np.nan, unit, (), reason) for unit in ("K", "eV", "eV"))
    return Break(False, reason, line, place, below, above, evidence)


def _described(line: Line, x: np.ndarray, y: np.ndarray, variance: np.ndarray, place: float, evidence: float) -> Break:
    """The break with errors, from the model made linear in its place too."""
    first = random_effects(y[:, None], variance[:, None, None], _broken(x, np.array([place]))[0][:, None, :])
    slopes = first.coefficients[1:]
    columns = _broken(x, np.array([place]))[0]
    moved = -np.where(x < place, slopes[0], slopes[1])
    design = np.concatenate([columns, moved[:, None]], axis=1)[:, None, :]
    found = random_effects(y[:, None], variance[:, None, None], design)
    errors = found.standard_errors
    hot = 1.0 / (BOLTZMANN * place)
    sign = FORMS[line.form][0]
    text = (*line.activation_energy.assumptions, "two lines that meet")
    return Break(
        True,
        f"two lines lower the BIC by {evidence:.1f}",
        line,
        Measured(hot, float(hot * errors[3] / place), "K", text),
        Measured(float(sign * found.coefficients[2]), float(errors[2]), "eV", text),
        Measured(float(sign * found.coefficients[1]), float(errors[1]), "eV", text),
        evidence,
    )
