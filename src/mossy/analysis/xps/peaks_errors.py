"""The covariance of a peak fit: of areas and free parameters together, at bounds as well as away from them.

An area that the fit put at 0 stays in the covariance, as if it might move either way: a line that the data cannot tell
from its neighbours then has a large error and a high correlation, never a confident 0. Its upper limit is the 95 %
quantile of a Gaussian (the Newton step away from the bound, with that error) cut off at 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from mossy.analysis.xps.peaks_model import Model
from mossy.analysis.xps.peaks_solve import Solution

_SINGULAR = 1e-11
"""Of the largest eigenvalue of the scaled normal matrix: directions the data do not see."""
_LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """Covariances in the counts of the fit: of areas (m, m), of each component's parameters (m, 6, 6); correlations.

    `toward` (m,): the Newton step of each area, 0 but for areas at the bound.
    """

    areas: np.ndarray
    values: np.ndarray
    losses: float
    correlations: np.ndarray
    toward: np.ndarray


def spread_of(model: Model, solution: Solution, scale: float) -> Spread:
    """The spread of a solution; `scale` multiplies every variance (1 where the counts' own errors are right)."""
    point = solution.point
    free_areas, count = model.ties.shape[1], len(point.weights)
    jacobian = np.concatenate([point.columns, point.slopes], axis=1)
    covariance, step = _inverse(jacobian, point.residual)
    covariance = covariance * scale
    areas = _carried(model.ties, covariance[:free_areas, :free_areas])
    by_theta = covariance[count:, count:]
    values = np.stack([_carried(each, by_theta) for each in model.slope])
    names = [*range(free_areas), *range(count, len(covariance))]
    lifted = np.zeros((len(model.components) + len(model.names), len(names)))
    lifted[: len(model.components), :free_areas] = model.ties
    lifted[len(model.components) :, free_areas:] = np.eye(len(model.names))
    total = _carried(lifted, covariance[np.ix_(names, names)])
    losses = math.sqrt(by_theta[-1, -1]) if model.operator is not None else 0.0
    return Spread(areas, values, losses, _correlations(total), model.ties @ step[:free_areas])


def _inverse(jacobian: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(J'J)^-1, infinite for what the data do not determine, and the Newton step."""
    scale = np.sqrt(np.einsum("ij,ij->j", jacobian, jacobian))
    seen = scale > 1e-9 * scale.max()
    covariance = np.diag(np.where(seen, 0.0, np.inf))
    step = np.zeros(len(scale))
    if not seen.any():
        return covariance, step
    scaled = jacobian[:, seen] / scale[seen]
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    good = values > _SINGULAR * values[-1]
    kept = vectors[:, good]
    inverse = (kept / values[good]) @ kept.T
    step[seen] = inverse @ (scaled.T @ residual) / scale[seen]
    lost = (np.abs(vectors[:, ~good]) > 1e-3).any(axis=1)
    inverse[lost, lost] = np.inf
    covariance[np.ix_(seen, seen)] = inverse / np.outer(scale[seen], scale[seen])
    return covariance, step


def _carried(by: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """by C by', where an infinite variance stays one instead of turning into 0 x infinity."""
    unknown = np.isinf(np.diag(covariance))
    finite = np.where(np.isinf(covariance), 0.0, covariance)
    out = by @ finite @ by.T
    touched = (np.abs(by[:, unknown]) > 0.0).any(axis=1)
    out[touched, touched] = np.inf
    return out


def _correlations(covariance: np.ndarray) -> np.ndarray:
    """Correlations; 0 with anything that is held or not determined."""
    error = np.sqrt(np.diag(covariance))
    usable = np.isfinite(error) & (error > 0.0)
    out = np.eye(len(error))
    inside = np.ix_(usable, usable)
    out[inside] = covariance[inside] / np.outer(error[usable], error[usable])
    return out


def upper_limit(area: float, error: float, toward: float) -> float:
    """With 95 % probability the area is below: a Gaussian about the unbounded value, cut off at 0.

    >>> round(upper_limit(0.0, 1.0, 0.0), 3), round(upper_limit(10.0, 1.0, 0.0), 3)
    (1.96, 11.645)
    """
    if not math.isfinite(error) or error == 0.0:
        return math.inf if error else area
    centre = (area if area > 0.0 else min(toward, 0.0)) / error
    beyond = (1.0 - _LEVEL) * float(special.ndtr(centre))
    return max(error * (centre - float(special.ndtri(beyond))), area)
