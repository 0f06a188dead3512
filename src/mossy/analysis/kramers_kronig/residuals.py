"""What the model of the Kramers-Kronig test leaves: violations of known form, noise, and points that stand off.

How they decide is said in `mossy.analysis.kramers_kronig`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mossy.analysis.kramers_kronig.model import SHARE_OUT, Batch, Solution, real_rows

ALARM = 0.01
"""Probability of rejecting a valid spectrum."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of each form of violation added alone (rows, forms): amplitude, its error, Student t, the chance of one as large
    with all forms tried, and the largest part of |Z| that it explains. `remainder`: the residual without the strongest.
    """

    amplitude: np.ndarray
    error: np.ndarray
    student: np.ndarray
    chance: np.ndarray
    explained: np.ndarray
    remainder: np.ndarray


def backward_times(omega: np.ndarray) -> np.ndarray:
    """Time constants of the arcs that run backwards, s: every half decade of the range."""
    return np.asarray(10.0 ** np.arange(-np.log10(omega.max()), -np.log10(omega.min()) + 1e-9, 0.5))


def _violations(batch: Batch, model: np.ndarray) -> np.ndarray:
    """Forms of violation, complex (rows, points, forms): two drifts, then arcs that run backwards in time."""
    backwards = 1.0 / (1.0 - 1j * batch.omega[:, None] * backward_times(batch.omega))
    along = np.linspace(0.0, 1.0, len(batch.omega))
    drifts = model[:, :, None] * np.stack([batch.time, along], axis=1)
    return np.concatenate([drifts, np.abs(model)[:, :, None] * backwards], axis=2)


def weigh_violations(batch: Batch, solution: Solution) -> Evidence:
    """Each form added alone to the columns of the model, by its part orthogonal to them."""
    forms = _violations(batch, solution.model)
    weights = np.repeat(batch.weights, 2, axis=1)
    added = real_rows(forms) * weights[:, :, None]
    basis = solution.basis
    outside = added - basis @ (np.swapaxes(basis, 1, 2) @ added)
    norm = (outside**2).sum(axis=1)
    seen = norm > 1e-9 * (added**2).sum(axis=1)
    norm = np.where(seen, norm, 1.0)
    residual = solution.residual.reshape(len(weights), -1)
    product = np.where(seen, np.einsum("bik,bi->bk", outside, residual), 0.0)
    rest = np.maximum((residual**2).sum(axis=1)[:, None] - product**2 / norm, 1e-300)
    spread = np.sqrt(rest / (solution.freedom[:, None] - 1))
    amplitude = product / norm
    error = np.where(seen, spread / np.sqrt(norm), np.inf)
    to_modulus = np.repeat(batch.sigma / np.abs(solution.model), 2, axis=1)
    explained = np.abs(amplitude) * np.abs(outside * to_modulus[:, :, None]).max(axis=1)
    student = product / np.sqrt(norm) / spread
    arcs = student.shape[1] - 2
    tried = np.array([4.0, 4.0] + [2.0 * arcs] * arcs)
    chance = np.minimum(1.0, 2.0 * stats.t.sf(np.abs(student), solution.freedom[:, None] - 1) * tried)
    strongest = (np.arange(len(chance)), chance.argmin(axis=1))
    size = np.where(chance[strongest] < ALARM, amplitude[strongest], 0.0)
    remainder = residual - size[:, None] * np.swapaxes(outside, 1, 2)[strongest]
    return Evidence(amplitude, error, student, chance, explained, remainder.reshape(solution.residual.shape))


def estimate_noise(batch: Batch, solution: Solution, evidence: Evidence) -> np.ndarray:
    """(proportional, additive in ohm) of each spectrum: the additive part by likelihood, where that gains 3, on a grid
    that is then made finer; a violation that is found counts as no noise.
    """
    modulus = np.abs(batch.impedance)
    freedom = np.where(batch.kept[..., None], 1.0 - np.einsum("bikk->bik", solution.leverage), 0.0)
    squares = (evidence.remainder * batch.sigma[..., None]) ** 2 / np.maximum(freedom, 1e-9)
    low, span = modulus.min(axis=1) / 3.0, 30.0 * modulus.max(axis=1) / modulus.min(axis=1)
    gain, scale = _likelihood(squares, freedom, modulus, np.zeros_like(low))
    gain, place = gain + 3.0, np.full_like(low, np.nan)
    centre = np.zeros_like(low)
    for shares in (np.linspace(0.0, 1.0, 10), np.linspace(-0.08, 0.08, 5)):
        for tried in centre + shares[:, None]:
            found, size = _likelihood(squares, freedom, modulus, low * span**tried)
            better = found > gain
            gain, scale, place = (
                np.where(better, new, old) for new, old in ((found, gain), (size, scale), (tried, place))
            )
        centre = place
        if not np.isfinite(place).any():
            break
    additive = np.where(np.isfinite(place), low * span**place, 0.0)
    return np.stack([scale, scale * additive], axis=1)


def _likelihood(
    squares: np.ndarray, freedom: np.ndarray, modulus: np.ndarray, ratio: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of additive over proportional noise, with Student's t of 4 degrees of freedom, which outliers hardly move; and
    the proportional noise then, from the squares with the large ones cut.
    """
    shape = modulus**2 + ratio[:, None] ** 2
    unit = squares / shape[..., None]
    total = freedom.sum(axis=(1, 2))
    scale = np.maximum((freedom * unit).sum(axis=(1, 2)) / total, 1e-300)
    for _ in range(5):
        pull = 5.0 / (4.0 + unit / scale[:, None, None])
        scale = np.maximum((freedom * pull * unit).sum(axis=(1, 2)) / total, 1e-300)
    spread = freedom.sum(axis=2) * np.log(shape * scale[:, None])
    tails = 5.0 * (freedom * np.log1p(unit / (4.0 * scale[:, None, None]))).sum(axis=2)
    core = np.minimum(unit, 9.0 * 1.5 * scale[:, None, None])
    return -0.5 * (spread + tails).sum(axis=1), np.sqrt((freedom * core).sum(axis=(1, 2)) / total)


def _deletion_squares(batch: Batch, solution: Solution) -> np.ndarray:
    """By how much the sum of squares falls when a point is left out, both parts together; 0 for those left out."""
    inverse = np.linalg.inv((1.0 + 1e-9) * np.eye(2) - solution.leverage)
    return np.einsum("bik,bikl,bil->bi", solution.residual, inverse, solution.residual)


def keep_points(batch: Batch, solution: Solution, evidence: Evidence) -> np.ndarray:
    """Which points to go on with. An outlier is a point whose leaving out explains more than a violation would, and
    which stands off, on the scale of the median, as one point in a hundred spectra does. A neighbour waits its turn;
    of the two points at either end only one may go, or the model would have to reach for the end.
    """
    squares = _deletion_squares(batch, solution)
    length = squares.shape[1]
    middle = np.nanmedian(np.where(batch.kept, squares, np.nan), axis=1, keepdims=True)
    scale = np.maximum(middle / stats.chi2.median(2), 1e-300)
    freedom = solution.freedom[:, None]
    chance = length * stats.f.sf(0.5 * squares / scale, 2, 0.45 * freedom)
    rest = np.maximum((solution.residual**2).sum(axis=(1, 2))[:, None] - squares, 1e-300) / np.maximum(freedom - 2, 1)
    plain = length * stats.f.sf(0.5 * squares / rest, 2, np.maximum(freedom - 2, 1))
    least = evidence.chance.min(axis=1, keepdims=True)
    preferred = (least > ALARM) | (plain.min(axis=1, keepdims=True) < least)
    beside = np.pad(squares, ((0, 0), (1, 1)))
    peak = squares >= np.maximum(beside[:, :-2], beside[:, 2:])
    peak[:, [1, -2]] &= batch.kept[:, [0, -1]]
    peak[:, [0, -1]] &= batch.kept[:, [1, -2]] & ~peak[:, [1, -2]]
    room = ((~batch.kept).sum(axis=1, keepdims=True) < int(SHARE_OUT * length)) & (freedom > 6)
    return np.asarray(batch.kept & ~((chance < ALARM) & preferred & peak & room))
