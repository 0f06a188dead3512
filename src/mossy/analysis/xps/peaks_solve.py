"""Variable projection: areas and straight backgrounds solved for, the rest moved by Levenberg and Marquardt's method.

For any positions and widths the areas follow from a linear problem with weights >= 0; what is left to search is small.
The derivative of the projected residual is Kaufman's. Each point is weighed by the variance its modelled count has as a
Poisson variable, renewed until it settles, so that the minimum is that of the Poisson likelihood and weak lines are
not biased by weights taken from noise.

Sources: G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413, doi 10.1137/0710036; L. Kaufman, BIT 15 (1975) 49,
doi 10.1007/BF01932995; weights >= 0: C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from mossy.analysis.xps.peaks_model import POSITION, SHARED_WIDTH, Model

_ROUNDS = 4
_ITERATIONS = 60
_SETTLED, _WEIGHTS_SETTLED = 1e-9, 1e-6
_LEAST_VARIANCE = 1.0
_SMALLEST = 1e-12
_SCAN_WIDTHS = (0.9, 1.3, 1.9)
_SCAN_STEP, _SCAN_MOST = 0.3, 15


@dataclass
class Point:
    """The linear solution at one theta: `weights` of the columns, residuals and derivatives, all divided by errors."""

    theta: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    residual: np.ndarray
    slopes: np.ndarray
    jacobian: np.ndarray

    @property
    def cost(self) -> float:
        """The sum of squares."""
        return float(self.residual @ self.residual)


@dataclass(frozen=True)
class Solution:
    """Where a search ended: `linear` weights of the columns (areas first), modelled counts and their errors."""

    theta: np.ndarray
    linear: np.ndarray
    modelled: np.ndarray
    error: np.ndarray
    point: Point
    converged: bool


def solved(
    model: Model,
    counts: np.ndarray,
    offset: np.ndarray,
    start: np.ndarray | None = None,
    floor: np.ndarray | float = 0.0,
) -> Solution:
    """The best parameters of a model; `offset` (n,) is a background that was fixed beforehand.

    Without a start, a few common shifts and widths are tried first. `floor` (n,): a systematic error of the counts,
    added in quadrature to that of the noise.
    """
    error = _error(_smoothed(counts), floor)
    wanted = counts - offset
    theta = _scanned(model, wanted, error) if start is None else np.clip(start, model.lower, model.upper)
    converged = False
    for _ in range(_ROUNDS):
        point, converged = _descended(model, wanted, error, theta)
        theta = point.theta
        modelled = offset + (point.columns @ point.weights) * error
        renewed = _error(modelled, floor)
        moved = np.max(np.abs(renewed / error - 1.0))
        error = renewed
        if moved < _WEIGHTS_SETTLED:
            break
    point = evaluated(model, theta, wanted, error)
    modelled = offset + (point.columns @ point.weights) * error
    return Solution(theta, point.weights, modelled, error, point, converged)


def evaluated(model: Model, theta: np.ndarray, wanted: np.ndarray, error: np.ndarray) -> Point:
    """The linear solution and the derivatives at one theta."""
    basis, lines, slopes = model.basis(theta)
    columns = basis / error[:, None]
    weights, q = _non_negative(columns, wanted / error)
    areas = model.ties @ weights[: model.ties.shape[1]]
    by = model.by_theta(theta, areas, lines, slopes) / error[:, None]
    residual = wanted / error - columns @ weights
    return Point(theta, weights, columns, residual, by, by - q @ (q.T @ by))


def _non_negative(columns: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights >= 0 that come nearest, and an orthonormal basis of the columns in use."""
    scale = np.maximum(np.sqrt(np.einsum("ij,ij->j", columns, columns)), _SMALLEST)
    q, r = np.linalg.qr(columns / scale)
    seen = q.T @ wanted
    if np.abs(np.diag(r)).min(initial=1.0) > _SMALLEST:
        weights = np.linalg.solve(r, seen)
        if weights.min(initial=0.0) >= 0.0:
            return weights / scale, q
    weights, _ = optimize.nnls(r, seen)
    used = weights > 0.0
    inner, _ = np.linalg.qr(r[:, used])
    return weights / scale, q @ inner


def _descended(model: Model, wanted: np.ndarray, error: np.ndarray, theta: np.ndarray) -> tuple[Point, bool]:
    """Levenberg-Marquardt within bounds; a parameter at its bound that would leave is held."""
    point, damping = evaluated(model, theta, wanted, error), 1e-3
    for _ in range(_ITERATIONS):
        gradient = -point.jacobian.T @ point.residual
        normal = point.jacobian.T @ point.jacobian
        out = ((point.theta <= model.lower) & (gradient > 0.0)) | ((point.theta >= model.upper) & (gradient < 0.0))
        free = ~out & (np.diag(normal) > _SMALLEST * max(normal.trace(), _SMALLEST))
        if not free.any():
            return point, True
        inside, slope = normal[np.ix_(free, free)], gradient[free]
        promised = 0.0
        while damping < 1e12:
            step = np.linalg.solve(inside + damping * np.diag(np.diag(inside)), -slope)
            trial = point.theta.copy()
            trial[free] += step
            trial = np.clip(trial, model.lower, model.upper)
            promised = -float(slope @ step)
            if promised <= _SETTLED * max(point.cost, 1.0):
                return point, True
            tried = evaluated(model, trial, wanted, error)
            if tried.cost < point.cost:
                break
            damping *= 6.0
        else:
            return point, promised <= 1e-4 * max(point.cost, 1.0)
        gained, point, damping = point.cost - tried.cost, tried, max(damping / 8.0, 1e-12)
        if gained <= _SETTLED * max(point.cost, 1.0):
            return point, True
    return point, False


def _scanned(model: Model, wanted: np.ndarray, error: np.ndarray) -> np.ndarray:
    """A start: the best of a few common shifts of all free positions, and of a few widths if all share one."""
    leaders = [k for k, name in enumerate(model.names) if name.endswith(".position")]
    reach = max((min(model.upper[k] - model.start[k], model.start[k] - model.lower[k]) for k in leaders), default=0.0)
    steps = int(min(np.ceil(max(reach, 0.0) / _SCAN_STEP), _SCAN_MOST))
    shifts = np.linspace(-reach, reach, 2 * steps + 1) if steps else np.zeros(1)
    widths = _SCAN_WIDTHS if SHARED_WIDTH in model.names else (None,)
    best, least = model.start, np.inf
    for width in widths:
        for shift in shifts:
            theta = model.start.copy()
            theta[leaders] += shift
            if width is not None:
                theta[model.names.index(SHARED_WIDTH)] = width
            theta = np.clip(theta, model.lower, model.upper)
            basis, _, _ = model.basis(theta)
            weights, _ = _non_negative(basis / error[:, None], wanted / error)
            cost = float(np.sum(((wanted - basis @ weights) / error) ** 2))
            if cost < least:
                best, least = theta, cost
    return best


def _smoothed(counts: np.ndarray) -> np.ndarray:
    """Means of five neighbours: the first guess at the variances."""
    padded = np.pad(counts, 2, mode="edge")
    return np.convolve(padded, np.full(5, 0.2), mode="valid")


def _error(modelled: np.ndarray, floor: np.ndarray | float) -> np.ndarray:
    return np.sqrt(np.maximum(modelled, _LEAST_VARIANCE) + np.square(floor))


def position_spans(model: Model, theta: np.ndarray, width: float) -> tuple[float, float]:
    """The binding energies between which the lines lie, `width` of their own beyond the outermost positions."""
    v = model.values(theta)
    half = width * np.maximum(v[:, 1], v[:, 2])
    return float(np.min(v[:, POSITION] - half)), float(np.max(v[:, POSITION] + v[:, 4] + half))
