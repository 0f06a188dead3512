"""Nonlinear least squares for many problems at once: Levenberg-Marquardt, analytic Jacobians, bounds by transforms.

Each lane of a batch minimises sum r_i(x)^2 by (J'J + lambda D^2) step = -J'r. D holds the largest norm yet seen of each
column of J (J. J. Moré, Lect. Notes Math. 630 (1978) 105), so that a parameter which has ceased to act, on a plateau or
against a bound, does not fly off; lambda follows the ratio of the gain to the gain expected (H. B. Nielsen, report
IMM-REP-1999-05, Technical University of Denmark). A parameter with finite bounds is the logistic function of what is
iterated; where both bounds are positive, of its logarithm. A lane never raises: one that cannot go on says so in its
message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.numerics.threads import one_blas_thread

Evaluate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
_LARGEST_DAMPING = 1e12


@dataclasses.dataclass(frozen=True)
class Fit:
    """Results with one row per lane. `covariance` is scaled by the reduced chi squared unless the weights are absolute.

    `at_bound` marks values within a thousandth of their range from a bound; `identified` is False where the data do not
    determine a parameter (the Jacobian has no rank there) and its standard error is infinite. `interrupted`: from the
    keyboard, before every lane had come to its end.
    """

    values: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    chi_squared: np.ndarray
    converged: np.ndarray
    at_bound: np.ndarray
    identified: np.ndarray
    iterations: np.ndarray
    messages: list[str]
    interrupted: bool = False

    @property
    def standard_errors(self) -> np.ndarray:
        """Square roots of the covariance's diagonal."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    @property
    def correlations(self) -> np.ndarray:
        """The covariance over the standard errors; NaN for what is not identified."""
        errors = self.standard_errors
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = self.covariance / (errors[:, :, None] * errors[:, None, :])
        return np.where(self.identified[:, :, None] & self.identified[:, None, :], ratio, np.nan)

    @property
    def degrees_of_freedom(self) -> int:
        """Residuals minus parameters."""
        return self.residuals.shape[1] - self.values.shape[1]


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The map from what is iterated to the parameters: identity, logistic, or the exponential of a logistic."""

    lower: np.ndarray
    upper: np.ndarray

    @property
    def logarithmic(self) -> np.ndarray:
        """Which parameters are iterated as logarithms: those with two positive finite bounds."""
        return (self.lower > 0.0) & np.isfinite(self.upper)

    @property
    def bounded(self) -> np.ndarray:
        """Which parameters have two finite bounds; the others are free."""
        return np.isfinite(self.lower) & np.isfinite(self.upper)

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.where(self.bounded, self.lower, 0.0), np.where(self.bounded, self.upper, 1.0)
        log = self.logarithmic
        return np.where(log, np.log(np.where(log, low, 1.0)), low), np.where(
            log, np.log(np.where(log, high, 1.0)), high
        )

    def inward(self, values: np.ndarray) -> np.ndarray:
        """What is iterated, from parameters (kept a millionth of the range inside their bounds)."""
        low, high = self._ends()
        shown = np.where(self.logarithmic, np.log(np.where(self.logarithmic, values, 1.0)), values)
        fraction = np.clip((shown - low) / (high - low), 1e-6, 1.0 - 1e-6)
        return np.where(self.bounded, np.log(fraction / (1.0 - fraction)), values)

    def outward(self, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(parameters, their derivatives with respect to what is iterated)."""
        low, high = self._ends()
        fraction = 1.0 / (1.0 + np.exp(-np.clip(inner, -40.0, 40.0)))
        shown = low + (high - low) * fraction
        slope = (high - low) * fraction * (1.0 - fraction)
        values = np.where(self.logarithmic, np.exp(np.where(self.logarithmic, shown, 0.0)), shown)
        slope = np.where(self.logarithmic, values * slope, slope)
        return np.where(self.bounded, values, inner), np.where(self.bounded, slope, 1.0)


def with_jacobian(residual: Callable[[Any], Any]) -> Evaluate:
    """`evaluate` for `least_squares` from a JAX function of one lane's parameters, by forward derivatives."""

    def both(x: Any) -> tuple[Any, Any]:
        value = residual(x)
        return value, value

    batched = jax.jit(jax.vmap(jax.jacfwd(both, has_aux=True)))

    def evaluate(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes, values = batched(jnp.asarray(x))
        return np.asarray(values), np.asarray(slopes)

    return evaluate


@one_blas_thread
def least_squares(
    evaluate: Evaluate,
    initial: Any,
    lower: Any = None,
    upper: Any = None,
    *,
    maximum_iterations: int = 100,
    tolerance: float = 1e-10,
    absolute_weights: bool = False,
    report: Callable[[int, np.ndarray], None] | None = None,
) -> Fit:
    """Minimises the sum of squares of every lane. `evaluate(x)` of shape (B, n) gives r (B, m) and dr/dx (B, m, n).

    A lane has converged when an accepted step lowers its sum of squares by less than `tolerance` of it, or when the
    gradient is at right angles to the residual to within it. `report(iteration, chi_squared)` is called as it goes; an
    interrupt from the keyboard ends the search and keeps the best values found so far.

    >>> line = with_jacobian(lambda p: p[0] + p[1] * jnp.arange(5.0) - jnp.array([1.0, 3.0, 5.0, 7.0, 9.0]))
    >>> [round(float(v), 6) for v in least_squares(line, [[0.0, 0.0]]).values[0]]
    [1.0, 2.0]
    """
    start = np.atleast_2d(np.asarray(initial, dtype=float))
    lanes, count = start.shape
    limits = [
        np.broadcast_to(np.full(count, default) if given is None else np.asarray(given, dtype=float), (count,))
        for given, default in ((lower, -np.inf), (upper, np.inf))
    ]
    bounds = Bounds(*limits)
    if np.any(np.isfinite(bounds.lower) != np.isfinite(bounds.upper)):
        raise InputError("a parameter has one bound", key="lower, upper", remedy="give both bounds or neither")
    state = _State(bounds.inward(start), bounds, evaluate)
    progress = _Lanes.begin(lanes)
    interrupted = False
    try:
        _iterate(state, progress, maximum_iterations, tolerance, report)
    except KeyboardInterrupt:
        interrupted = True
    return _finish(state, bounds, progress, absolute_weights, interrupted)


@dataclasses.dataclass
class _Lanes:
    """How far each lane has come: its damping and how fast that grows, whether it is done, its iterations."""

    damping: np.ndarray
    growth: np.ndarray
    done: np.ndarray
    iterations: np.ndarray

    @classmethod
    def begin(cls, count: int) -> _Lanes:
        """Before the first iteration."""
        return cls(np.full(count, 1e-3), np.full(count, 2.0), np.zeros(count, dtype=bool), np.zeros(count, dtype=int))


def _iterate(
    state: _State,
    lanes: _Lanes,
    maximum_iterations: int,
    tolerance: float,
    report: Callable[[int, np.ndarray], None] | None,
) -> None:
    """Moves every lane until all are done, or stuck, or the iterations are used up."""
    for iteration in range(maximum_iterations):
        if report is not None:
            report(iteration, state.cost)
        step, expected, cosine = state.proposal(lanes.damping)
        lanes.done |= cosine < tolerance
        if np.all(lanes.done | (lanes.damping >= _LARGEST_DAMPING)):
            break
        gain = state.move(np.where(lanes.done[:, None], 0.0, step), ~lanes.done)
        better = gain > 0.0
        lanes.iterations += ~lanes.done
        finished = better & (gain <= tolerance * np.maximum(state.cost, 1e-300))
        ratio = np.clip(gain / np.maximum(expected, 1e-300), 0.0, 1.0)
        factor = np.where(better, np.maximum(1.0 - (2.0 * ratio - 1.0) ** 3, 1.0 / 9.0), lanes.growth)
        lanes.damping = np.clip(lanes.damping * factor, 1e-12, _LARGEST_DAMPING)
        lanes.growth = np.where(better, 2.0, np.minimum(2.0 * lanes.growth, _LARGEST_DAMPING))
        lanes.done |= finished | (state.cost <= 1e-28)


class _State:
    """Where each lane stands: what is iterated, residuals, Jacobian in it, and the sum of squares."""

    def __init__(self, inner: np.ndarray, bounds: Bounds, evaluate: Evaluate) -> None:
        self.inner, self.bounds, self.evaluate = inner, bounds, evaluate
        self.residuals, self.jacobian, self.slope = self._at(inner)
        self.cost = _sum_of_squares(self.residuals)
        self.largest = np.zeros_like(inner)

    def _at(self, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, slope = self.bounds.outward(inner)
        residuals, jacobian = self.evaluate(values)
        return residuals, jacobian, slope

    def proposal(self, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The damped step of each lane, what it should gain, and the largest cosine of the residual with a column."""
        alive = np.isfinite(self.cost)
        jacobian = np.where(alive[:, None, None], _finite(self.jacobian * self.slope[:, None, :]), 0.0)
        residuals = np.where(alive[:, None], self.residuals, 0.0)
        normal = np.einsum("bmi,bmj->bij", jacobian, jacobian)
        gradient = np.einsum("bmi,bm->bi", jacobian, residuals)
        column = np.sqrt(np.einsum("bii->bi", normal))
        self.largest = np.maximum(self.largest, column)
        size = np.where(self.largest > 0.0, self.largest, 1.0)
        scaled = normal / (size[:, :, None] * size[:, None, :])
        scaled = scaled + damping[:, None, None] * np.eye(normal.shape[1])
        step = -np.linalg.solve(scaled, (gradient / size)[:, :, None])[:, :, 0] / size
        length = np.sqrt(np.maximum(np.sum(residuals**2, axis=1), 1e-300))
        cosine = np.max(np.abs(gradient) / np.where(column > 0.0, column, 1.0), axis=1) / length
        step = np.clip(step, -5.0 * (1.0 + np.abs(self.inner)), 5.0 * (1.0 + np.abs(self.inner)))
        expected = -np.einsum("bi,bi->b", step, 2.0 * gradient + np.einsum("bij,bj->bi", normal, step))
        return step, expected, cosine

    def move(self, step: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Takes the step in the lanes it improves; how much each gained (negative where it was refused)."""
        inner = self.inner + step
        residuals, jacobian, slope = self._at(inner)
        cost = _sum_of_squares(residuals)
        finite = np.isfinite(self.cost) & np.isfinite(cost)
        gain = np.where(active & finite, np.where(finite, self.cost, 0.0) - np.where(finite, cost, 0.0), -1.0)
        better = gain > 0.0
        self.inner = np.where(better[:, None], inner, self.inner)
        self.residuals = np.where(better[:, None], residuals, self.residuals)
        self.jacobian = np.where(better[:, None, None], jacobian, self.jacobian)
        self.slope = np.where(better[:, None], slope, self.slope)
        self.cost = np.where(better, cost, self.cost)
        return gain


def _sum_of_squares(residuals: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.sum(residuals**2, axis=1)
    return np.where(np.isfinite(total), total, np.inf)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, 0.0)


def _finish(state: _State, bounds: Bounds, progress: _Lanes, absolute_weights: bool, interrupted: bool) -> Fit:
    values, _ = bounds.outward(state.inner)
    lanes, count = values.shape
    freedom = max(state.residuals.shape[1] - count, 1)
    covariance, identified = np.full((lanes, count, count), np.inf), np.zeros((lanes, count), dtype=bool)
    alive = np.isfinite(state.cost)
    variance = np.where(alive & (not absolute_weights), np.where(alive, state.cost, 1.0) / freedom, 1.0)
    for lane in range(lanes):
        covariance[lane], identified[lane] = _covariance(_finite(state.jacobian[lane]) * alive[lane], variance[lane])
    low, high = bounds._ends()
    shown = np.where(bounds.logarithmic, np.log(np.where(bounds.logarithmic, values, 1.0)), values)
    near = np.minimum(shown - low, high - shown) < 1e-3 * (high - low)
    converged = (progress.done | (progress.damping >= _LARGEST_DAMPING)) & alive
    reason = "interrupted" if interrupted else "iterations"
    messages = [
        "converged" if good else "not converged: " + (reason if finite else "no finite residuals")
        for good, finite in zip(converged, alive, strict=True)
    ]
    return Fit(
        values,
        covariance,
        state.residuals,
        state.cost,
        converged,
        near & bounds.bounded,
        identified,
        progress.iterations,
        messages,
        interrupted and not converged.all(),
    )


def _covariance(jacobian: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """variance (J'J)^-1 by singular values of the scaled Jacobian; infinite along what the data do not determine."""
    size = np.sqrt(np.sum(jacobian**2, axis=0))
    scale = np.where(size > 0.0, size, 1.0)
    _, singular, right = np.linalg.svd(jacobian / scale, full_matrices=jacobian.shape[0] < jacobian.shape[1])
    singular = np.pad(singular, (0, len(right) - len(singular)))
    known = singular > 1e-10 * max(float(singular.max(initial=0.0)), 1e-300)
    inverse = np.where(known, 1.0 / np.where(known, singular, 1.0), 0.0)
    covariance = (right.T * inverse**2) @ right / np.outer(scale, scale) * variance
    undetermined = (np.abs(right[~known]) > 1e-6).any(axis=0) | (size == 0.0)
    covariance[undetermined, undetermined] = np.inf
    return covariance, ~undetermined


def profile_likelihood(
    evaluate: Evaluate, fit: Fit, parameter: int, values: Any, lower: Any = None, upper: Any = None
) -> np.ndarray:
    """The least sum of squares of lane 0 with one parameter held at each of `values`, all others fitted again.

    The 95 % interval is where it stays below chi_squared (1 + 3.84/degrees of freedom), whatever the curve's shape.
    """
    held = np.asarray(values, dtype=float)
    others = [k for k in range(fit.values.shape[1]) if k != parameter]

    def whole(x: np.ndarray) -> np.ndarray:
        full = np.empty((len(held), fit.values.shape[1]))
        full[:, parameter], full[:, others] = held, x
        return full

    def inner(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        residuals, jacobian = evaluate(whole(x))
        return residuals, jacobian[:, :, others]

    if not others:
        return _sum_of_squares(evaluate(held[:, None])[0])
    limits = [None if given is None else np.asarray(given, dtype=float)[others] for given in (lower, upper)]
    start = np.repeat(fit.values[:1, others], len(held), axis=0)
    found = least_squares(inner, start, *limits)
    if found.interrupted:
        raise KeyboardInterrupt
    return found.chi_squared
