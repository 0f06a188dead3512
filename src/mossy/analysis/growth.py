"""Which growth law a film follows: charge lost against time and potential, and every law's own course fitted to it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.laws.constants import FARADAY, GAS
from mossy.laws.growth_integrals import dissolving_thickness
from mossy.numerics.fit import least_squares

RIVAL = 0.05
"""Weight from which on another law is a rival of the best."""
HOLDS = {
    "reaction_limited": ("reaction_diffusion", "electron_tunnelling"),
    "solvent_diffusion": ("reaction_diffusion", "electron_migration"),
    "interstitial_diffusion": ("interstitial_diffusion against dissolution",),
}
"""Laws with one more parameter of which a law is a limit: no data can rule them out, and they are no rivals."""
_Course = Callable[[Any, Any, Any, Any], Any]


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A law fitted to the data: its parameters with standard errors, its misfit, and its weight among all."""

    law: str
    parameters: dict[str, tuple[float, float]]
    chi_squared: float
    akaike: float
    weight: float


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """What the data say. Q goes as t^`exponent` exp(-`potential_slope` F phi/(R T)); candidates, the best first."""

    exponent: float
    exponent_error: float
    potential_slope: float
    potential_slope_error: float
    candidates: tuple[Candidate, ...]
    points: int

    @property
    def fits(self) -> bool:
        """Whether the best law passes through the data: chi-squared within the 99.9 % that chance explains."""
        freedom = max(self.points - len(self.best.parameters), 1)
        return bool(self.best.chi_squared <= stats.chi2.ppf(0.999, freedom))

    @property
    def best(self) -> Candidate:
        """The law of the largest weight."""
        return self.candidates[0]

    @property
    def rivals(self) -> tuple[str, ...]:
        """The other laws that the data allow."""
        more_general = HOLDS.get(self.best.law, ())
        others = [each for each in self.candidates[1:] if each.weight > RIVAL]
        return tuple(each.law for each in others if each.law not in more_general)

    @property
    def told_apart(self) -> bool:
        """Whether the best law fits and the data allow no other, or a more general one of which it is a limit."""
        return self.fits and not self.rivals


def _reaction(t: Any, phi: Any, u: Any, p: Any) -> Any:
    return p[0] * t * jnp.exp(-p[1] * u)


def _solvent(t: Any, phi: Any, u: Any, p: Any) -> Any:
    return p[0] * t / (jnp.sqrt(p[1] ** 2 + p[0] * t) + p[1])


def _interstitial(t: Any, phi: Any, u: Any, p: Any) -> Any:
    return _solvent(t, phi, u, (p[0] * jnp.exp(-u), p[1]))


def _migration(t: Any, phi: Any, u: Any, p: Any) -> Any:
    return _solvent(t, phi, u, (p[0] * jnp.maximum(p[2] - phi, 1e-6), p[1]))


def _tunnelling(t: Any, phi: Any, u: Any, p: Any) -> Any:
    return p[1] * jnp.log1p(p[0] * t * jnp.exp(-p[2] * u) / p[1])


def _both(t: Any, phi: Any, u: Any, p: Any) -> Any:
    velocity = p[0] * jnp.exp(-p[2] * u)
    return 2.0 * velocity * t / (1.0 + jnp.sqrt(1.0 + 2.0 * velocity**2 * t / p[1]))


def _dissolving(t: Any, phi: Any, u: Any, p: Any) -> Any:
    growth = 0.5 * p[0] * jnp.exp(-u)
    return dissolving_thickness(t, 0.0, growth, p[1]) + p[1] * t


@dataclasses.dataclass(frozen=True)
class Law:
    """The course Q(t, phi, u, parameters) of a law; each parameter's name with what scales it, a key of `_scales`."""

    course: _Course
    parameters: dict[str, str]


LAWS = {
    "reaction_limited": Law(_reaction, {"rate_C_per_m2_s": "rate", "side_symmetry": "symmetry"}),
    "solvent_diffusion": Law(_solvent, {"parabolic_C2_per_m4_s": "parabola", "initial_C_per_m2": "charge"}),
    "interstitial_diffusion": Law(
        _interstitial, {"parabolic_at_0_V_C2_per_m4_s": "parabola", "initial_C_per_m2": "charge"}
    ),
    "electron_migration": Law(
        _migration,
        {
            "parabolic_per_volt_C2_per_m4_s": "parabola",
            "initial_C_per_m2": "charge",
            "reduction_potential_V": "potential",
        },
    ),
    "electron_tunnelling": Law(
        _tunnelling, {"rate_C_per_m2_s": "rate", "charge_per_efold_C_per_m2": "charge", "side_symmetry": "symmetry"}
    ),
    "reaction_diffusion": Law(
        _both, {"rate_C_per_m2_s": "rate", "parabolic_C2_per_m4_s": "parabola", "side_symmetry": "symmetry"}
    ),
    "interstitial_diffusion against dissolution": Law(
        _dissolving, {"parabolic_at_0_V_C2_per_m4_s": "parabola", "dissolution_C_per_m2_s": "rate"}
    ),
}


def mechanism(
    time: Any,
    potential: Any,
    charge: Any,
    *,
    relative_error: float,
    temperature: float = 298.15,
) -> Mechanism:
    """Ranks the growth laws by how well each one's own course Q(t, phi) follows the charge lost.

        ln Q = ln A + n ln t - s F phi/(R T)          (exponent n and slope s, by weighted linear least squares)
        weight_i = exp(-AIC_i/2)/sum_j exp(-AIC_j/2),   AIC = chi^2 + 2 (number of parameters)

    Arguments: `time` t since the film began, s; `potential` phi of the metal or substrate against its metal, V, held
    constant; `charge` Q lost by then, C/m2; arrays of one length, points of several potentials together;
    `relative_error` standard error of ln Q; `temperature`, K. Result: a `Mechanism`.
    Raises InputError for fewer than six points, or values that are not finite and positive.
    Limits: n = 1, s = alpha for a reaction; n = 1/2 for solvent (s = 0) and interstitials (s = 1/2) in thick films;
    n -> 0 for tunnelling; with dissolution n goes from 1/2 to 1.
    Source: the comparison of F. Single, A. Latz, B. Horstmann, ChemSusChem 11 (2018) 1950, doi 10.1002/cssc.201800077;
    weights of H. Akaike as in K. P. Burnham, D. R. Anderson, Sociol. Methods Res. 33 (2004) 261.

    >>> t, phi = np.tile([1e3, 1e4, 1e5, 1e6], 2), np.repeat([0.05, 0.1], 4)
    >>> lost = np.sqrt(t * np.exp(-phi * FARADAY / (GAS * 298.15)))
    >>> found = mechanism(t, phi, lost, relative_error=0.02)
    >>> found.best.law, round(found.exponent, 3), round(found.potential_slope, 3)
    ('interstitial_diffusion', 0.5, 0.5)
    """
    try:
        t, phi, q = (np.asarray(each, dtype=float) for each in (time, potential, charge))
        phi = np.broadcast_to(phi, t.shape) if phi.ndim == 0 else phi
        relative_error, temperature = float(relative_error), float(temperature)
    except (TypeError, ValueError):
        raise InputError("times, potentials and charges must be numbers", remedy="give arrays of floats") from None
    _check(t, phi, q, relative_error)
    if not 0.0 < temperature < 2000.0:
        raise InputError(f"{temperature} K is no temperature of a cell", remedy="give it in K, as in 298.15")
    u = FARADAY * phi / (GAS * temperature)
    slopes, errors = _slopes(t, u, q, relative_error)
    fits = [_fit(law, t, phi, u, q, relative_error) for law in LAWS]
    best = min(akaike for _, _, _, akaike in fits)
    weights = np.array([np.exp(-0.5 * (akaike - best)) for _, _, _, akaike in fits])
    weights /= weights.sum()
    found = [Candidate(*fit, weight=float(weight)) for fit, weight in zip(fits, weights, strict=True)]
    found.sort(key=lambda each: each.akaike)
    return Mechanism(slopes[1], errors[1], slopes[2], errors[2], tuple(found), len(t))


def _check(t: np.ndarray, phi: np.ndarray, q: np.ndarray, relative_error: float) -> None:
    if not t.shape == phi.shape == q.shape or t.ndim != 1 or t.size < 6:
        sizes = ", ".join(f"{name} {each.shape}" for name, each in (("time", t), ("potential", phi), ("charge", q)))
        raise InputError(
            f"at least six points, arrays of one length, are needed; got {sizes}", remedy="give more points"
        )
    if not (np.all(np.isfinite(phi)) and np.all(t > 0) and np.all(q > 0) and np.all(np.isfinite(t + q))):
        remedy = "leave out points at time zero and points without loss"
        raise InputError("times and charges must be finite and above zero, potentials finite", remedy=remedy)
    if not 0.0 < relative_error <= 10.0:
        raise InputError(
            f"the relative error {relative_error} is not above zero and at most 10", remedy="give that of the charge"
        )


def _slopes(t: np.ndarray, u: np.ndarray, q: np.ndarray, relative_error: float) -> tuple[list[float], list[float]]:
    """(intercept, exponent, potential slope) and errors; a single potential leaves the slope undetermined."""
    varied = np.ptp(u) > 1e-9
    columns = [np.ones_like(t), np.log(t)] + ([-u] if varied else [])
    design = np.stack(columns, axis=1)
    values, *_ = np.linalg.lstsq(design, np.log(q), rcond=None)
    errors = relative_error * np.sqrt(np.diag(np.linalg.pinv(design.T @ design)))
    return [*map(float, values), *([] if varied else [0.0])], [*map(float, errors), *([] if varied else [np.inf])]


@functools.cache
def _linearised(name: str) -> Callable[..., tuple[Any, Any]]:
    """(derivatives, residuals) of many sets of parameters of a law; compiled once, whatever the data."""
    law = LAWS[name]

    def both(p: Any, t: Any, phi: Any, u: Any, log_charge: Any, relative_error: Any) -> tuple[Any, Any]:
        value = (jnp.log(jnp.maximum(law.course(t, phi, u, p), 1e-300)) - log_charge) / relative_error
        return value, value

    return jax.jit(jax.vmap(jax.jacfwd(both, has_aux=True), in_axes=(0, *(None,) * 5)))


def _fit(
    name: str, t: np.ndarray, phi: np.ndarray, u: np.ndarray, q: np.ndarray, relative_error: float
) -> tuple[str, dict[str, tuple[float, float]], float, float]:
    law = LAWS[name]
    regions = [_scales(t, phi, u, q)[kind] for kind in law.parameters.values()]
    lower, upper = np.array(regions).T

    def evaluate(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes, values = _linearised(name)(p, t, phi, u, np.log(q), relative_error)
        return np.asarray(values), np.asarray(slopes)

    positive = np.where(lower > 0, lower, 1.0)
    starts = [
        np.where(lower > 0, positive ** (1 - share) * np.abs(upper) ** share, lower + share * (upper - lower))
        for share in (0.3, 0.45, 0.55, 0.7)
    ]
    fit = least_squares(evaluate, starts, lower, upper, maximum_iterations=300, absolute_weights=True)
    lane = int(np.argmin(np.where(np.isfinite(fit.chi_squared), fit.chi_squared, np.inf)))
    chi = float(fit.chi_squared[lane])
    pairs = zip(fit.values[lane], fit.standard_errors[lane], strict=True)
    parameters = {each: (float(v), float(e)) for each, (v, e) in zip(law.parameters, pairs, strict=True)}
    return name, parameters, chi, chi + 2.0 * len(parameters)


def _scales(t: np.ndarray, phi: np.ndarray, u: np.ndarray, q: np.ndarray) -> dict[str, tuple[float, float]]:
    """Bounds of each kind of parameter, from the sizes of the data."""
    lift, top = float(np.exp(np.max(np.abs(u)))), float(np.max(phi))
    sizes = {"rate": float(np.max(q / t)), "parabola": float(np.max(q**2 / t)), "charge": float(np.max(q))}
    found = {kind: (size * 1e-6 / lift, size * 1e4 * lift) for kind, size in sizes.items()}
    return found | {"symmetry": (0.05, 0.95), "potential": (top + 1e-3, top + 5.0)}


__all__ = ["LAWS", "Candidate", "Law", "Mechanism", "mechanism"]
