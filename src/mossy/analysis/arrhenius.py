"""Activation energies: a line with individual errors and scatter beyond them, and a break in it.

Both are the model of `mossy.analysis.random_effects` with one value at each temperature.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy import stats

from mossy.analysis.measured import Measured
from mossy.analysis.random_effects import random_effects
from mossy.errors import InputError, suggest
from mossy.laws.constants import FARADAY
from mossy.laws.impedance_physics import BOLTZMANN

FORMS = {"ln(sigma T)": (-1, 1), "ln(sigma)": (-1, 0), "ln(R)": (1, 0), "ln(R/T)": (1, -1)}
"""What is a straight line against 1/T: the sign of the activation energy in its slope, the power of T beside it."""
SIDE = 4
"""Fewest points on either side of a break."""
STRONG = 10.0
"""Difference of BIC from which a break is claimed: "very strong" of R. E. Kass, A. E. Raftery (1995)."""
_ROUNDING = 1e-10


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
