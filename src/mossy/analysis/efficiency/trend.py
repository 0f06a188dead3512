"""Slopes, curvature and knees of a series along cycles, with errors that hold when neighbouring cycles are alike.

The model is a level with drift,  y_k = l_k + e_k,  l_k = l_(k-1) + b (x_k - x_(k-1)) + w_k,  with white measurement
errors e of variance s2 and a random walk w of variance q s2 per unit of x: q = 0 is a straight line with independent
errors, a large q a random walk. Differences of y then have a tridiagonal covariance, so each q costs O(n); the results
are averaged over q, weighted by the restricted likelihood. Source: A. C. Harvey, Forecasting, Structural Time Series
Models and the Kalman Filter (1989), doi 10.1017/CBO9781107049994 (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from mossy.analysis.efficiency.results import Result

SIGNIFICANT = 0.01
"""Below this probability a departure is claimed."""
_MOST_KNEES, _EACH_SIDE = 60, 4
_TINY = 1e-300
_WALKS, _ALL_WALK = 10, 100.0


@dataclass(frozen=True)
class Slope(Result):
    """A coefficient per unit of x, its standard error, and how likely its size is if it is 0 (two-sided)."""

    value: float
    standard_error: float
    p_value: float


@dataclass(frozen=True)
class Knee(Result):
    """Where a series turns down: the cycle, between which cycles it lies (95 %), the slopes per cycle before and after,
    and how likely such a turn is anywhere in the series if there is none.
    """

    cycle: float
    earliest: float
    latest: float
    slope_before: float
    slope_after: float
    slope_after_standard_error: float
    p_value: float


@dataclass(frozen=True, eq=False)
class _Fit:
    """Over every walk: coefficients, their variances, log likelihoods."""

    coefficients: np.ndarray
    covariances: np.ndarray
    likelihood: np.ndarray


def coefficients(
    columns: np.ndarray, x: np.ndarray, y: np.ndarray, variance: np.ndarray | None = None, floor: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of `columns` (n, p) in y besides a constant, and their covariance, averaged over the walks.

    `variance`: of each y, relative, or absolute where `floor` is 1; `floor`: least standard deviation of the white
    errors, in units of those.
    """
    steps = np.diff(y)
    degrees = len(steps) - columns.shape[1]
    walks = _walks(len(x)) if degrees >= 2 else np.zeros(1)
    found = _over_walks(np.diff(columns, axis=0), steps, np.diff(x), _variances(variance, y), walks, floor)
    weight = np.exp(found.likelihood - found.likelihood.max())
    weight /= weight.sum()
    mean = weight @ found.coefficients
    spread = found.coefficients - mean
    covariance = np.einsum("k,kij->ij", weight, found.covariances + spread[:, :, None] * spread[:, None, :])
    return mean, covariance


def slope(x: np.ndarray, y: np.ndarray, floor: float = 0.0) -> Slope:
    """The drift of y along x.

    >>> found = slope(np.arange(50.0), 0.99 - 1e-4 * np.arange(50.0), floor=1e-6)
    >>> round(found.value, 9), found.p_value < 1e-6
    (-0.0001, True)
    """
    value, covariance = coefficients(x[:, None], x, y, floor=floor)
    return _tested(value[0], covariance[0, 0], len(x) - 2)


def curvature(x: np.ndarray, y: np.ndarray, variance: np.ndarray | None = None, floor: float = 0.0) -> Slope:
    """The coefficient of (x - mean)2 in y beside a slope."""
    centred = x - x.mean()
    value, covariance = coefficients(np.stack([centred, centred**2], axis=1), x, y, variance, floor)
    return _tested(value[1], covariance[1, 1], len(x) - 3)


def knee(x: np.ndarray, y: np.ndarray, floor: float = 0.0) -> Knee | None:
    """Where y turns down along x, or None where a straight line with a walk says as much.

    Two straight lines that meet at a point x_c against one, by the likelihood ratio, both with the walk that suits
    them best; the probability counts every x_c that was tried (Bonferroni). Claimed below `SIGNIFICANT`, and only where
    y falls after x_c, significantly, and faster than before it.

    >>> x = np.arange(60.0)
    >>> noise = np.random.default_rng(2).normal(0.0, 1e-3, 60)
    >>> found = knee(x, 0.99 - 2e-3 * np.maximum(x - 40.0, 0.0) + noise)
    >>> found.earliest <= 40.0 <= found.latest, knee(x, 0.99 + noise)
    (True, None)
    """
    count = len(x)
    if count < 2 * _EACH_SIDE + 2:
        return None
    places = np.unique(np.linspace(_EACH_SIDE, count - 1 - _EACH_SIDE, _MOST_KNEES).round().astype(int))
    places = places[places < count - 1]
    steps, gap, line = np.diff(y), np.diff(x), np.diff(x)[:, None]
    hinges = np.diff(np.maximum(x[:, None] - x[places], 0.0), axis=0)
    straight, bent = _scan(line, hinges, steps, gap, floor)
    best = bent.max(axis=0)
    gain = 2.0 * (best - straight.max())
    top = int(np.argmax(gain))
    degrees = len(steps) - 3
    statistic = np.expm1(np.minimum(gain[top] / len(steps), 500.0)) * degrees / 2.0
    chance = min(1.0, len(places) * float(special.fdtrc(2, degrees, max(statistic, 0.0))))
    if chance >= SIGNIFICANT:
        return None
    columns = np.stack([x, np.maximum(x - x[places[top]], 0.0)], axis=1)
    value, covariance = coefficients(columns, x, y, floor=floor)
    after, error = float(value.sum()), float(np.sqrt(covariance.sum()))
    if value[1] >= 0.0 or _tested(after, error**2, degrees).p_value >= SIGNIFICANT or after >= 0.0:
        return None
    held = x[places[gain >= gain[top] - special.chdtri(1, 0.05)]]
    ends = np.searchsorted(x, [held.min(), held.max()]) + np.array([-1, 1])
    spaced = len(places) < count - 2 * _EACH_SIDE
    low, high = (x[ends[0]], x[ends[1]]) if spaced else (held.min(), held.max())
    return Knee(float(x[places[top]]), float(low), float(high), float(value[0]), after, error, chance)


def _walks(count: int) -> np.ndarray:
    """The variances q that are averaged over: none, and from what adds up to one error in n points to a walk alone.

    Smaller walks would draw the average to a line's error, which holds the truth too seldom where points wander a bit.
    """
    return np.concatenate([[0.0], np.geomspace(1.0 / count, _ALL_WALK, _WALKS)])


def _tested(value: float, variance: float, degrees: int) -> Slope:
    error = float(np.sqrt(max(variance, 0.0)))
    if error == 0.0:
        return Slope(float(value), error, 0.0 if value else 1.0)
    return Slope(float(value), error, float(2.0 * special.stdtr(student(degrees), -abs(value) / error)))


def student(degrees: int) -> float:
    """The degrees of freedom for Student's t: two variances, of errors and walk, share the differences."""
    return max(0.5 * degrees, 1.0)


def _variances(variance: np.ndarray | None, y: np.ndarray) -> np.ndarray:
    return np.ones(len(y)) if variance is None else variance


def _factor(gap: np.ndarray, variance: np.ndarray, walk: float) -> np.ndarray:
    """Cholesky factor of the covariance of the differences, banded."""
    banded = np.zeros((2, len(gap)))
    banded[1] = variance[:-1] + variance[1:] + walk * gap * float(np.median(variance[variance > 0.0]))
    banded[0, 1:] = -variance[1:-1]
    return linalg.cholesky_banded(banded, check_finite=False)


def _over_walks(
    columns: np.ndarray, steps: np.ndarray, gap: np.ndarray, variance: np.ndarray, walks: np.ndarray, floor: float
) -> _Fit:
    count, width = columns.shape
    both = np.concatenate([columns, steps[:, None]], axis=1)
    values, covariances, likelihoods = [], [], []
    for walk in walks:
        factor = _factor(gap, variance, float(walk))
        gram = both.T @ linalg.cho_solve_banded((factor, False), both, check_finite=False)
        inverse = np.linalg.inv(gram[:width, :width])
        value = inverse @ gram[:width, width]
        left = max(gram[width, width] - gram[width, :width] @ value, 0.0)
        degrees = count - width
        scale = max(left / degrees if degrees else 0.0, floor**2)
        level = 2.0 * np.log(factor[1]).sum() + np.linalg.slogdet(gram[:width, :width])[1]
        values.append(value)
        covariances.append(inverse * scale)
        likelihoods.append(-0.5 * (level + degrees * np.log(left + degrees * floor**2 + _TINY)))
    return _Fit(np.array(values), np.array(covariances), np.array(likelihoods))


def _scan(
    line: np.ndarray, hinges: np.ndarray, steps: np.ndarray, gap: np.ndarray, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihood of the line for each walk, and with each hinge added."""
    variance, count = np.ones(len(steps) + 1), len(steps)
    every = np.concatenate([line, steps[:, None], hinges], axis=1)
    straight, bent = [], []
    for walk in _walks(count + 1):
        factor = _factor(gap, variance, float(walk))
        solved = linalg.cho_solve_banded((factor, False), every, check_finite=False)
        against = every[:, :2].T @ solved
        left = against[1, 1] - against[0, 1] ** 2 / against[0, 0]
        own = np.einsum("ij,ij->j", hinges, solved[:, 2:]) - against[0, 2:] ** 2 / against[0, 0]
        shared = against[1, 2:] - against[0, 2:] * against[0, 1] / against[0, 0]
        less = np.maximum(left - shared**2 / np.maximum(own, _TINY), 0.0)
        level, least = 2.0 * np.log(factor[1]).sum(), count * floor**2 + _TINY
        straight.append(-0.5 * (level + count * np.log(max(left, 0.0) + least)))
        bent.append(-0.5 * (level + count * np.log(less + least)))
    return np.array(straight), np.array(bent)
