"""How a voltage relaxes once the current is off: exponentials, the law of a finite diffusion layer, and which it is.

    y(t) = y_inf + a_1 g_1(t/tau_1) + a_2 g_2(t/tau_2)

with g an exponential (a resistance with a capacitance: charge transfer with its double layer, a film) or G, the decay
of the difference between the two faces of a layer of thickness L that starts from the steady, linear profile,

    G(x) = (8/pi^2) sum over odd n of exp(-n^2 x)/n^2,    x = t/tau,  tau = L^2/(pi^2 D),

which begins as 1 - 4 pi^(-3/2) x^(1/2). All rests are fitted at once; amplitudes must not be negative.

Source: G is the solution of the diffusion equation with closed faces (H. S. Carslaw, J. C. Jaeger, Conduction of Heat
in Solids, 2nd ed., Oxford 1959, section 3.4; cited from memory, unverified; the tests check it against its own limits).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MODELS = ("constant", "exponential", "diffusion", "two exponentials", "exponential and diffusion")
_KINDS: tuple[tuple[str, ...], ...] = ((), ("e",), ("d",), ("e", "e"), ("e", "d"))
_GRID, _ROUNDS, _SETTLED = 10, 8, 1e-4
_FLOOR = 5e-3
"""No model is taken to describe a relaxation better than to this share of its size."""
APART = 6.0
"""Bayesian information criterion by which one explanation must beat another of a different kind."""
_SMALLEST = 1e-6  # V


def finite_diffusion(x: np.ndarray) -> np.ndarray:
    """G(x), from 1 at x = 0 to 0; the square-root law below x = 0.3, where it is exact to 1e-4, four terms above.

    >>> finite_diffusion(np.array([0.0, 0.01, 1.0, 50.0])).round(4).tolist()
    [1.0, 0.9282, 0.2982, 0.0]
    """
    late = np.maximum(x, 0.3)
    total = sum(np.exp(-float(n * n) * late) / (n * n) for n in (1, 3, 5, 7))
    return np.where(x < 0.3, 1.0 - 4.0 * np.pi**-1.5 * np.sqrt(x), 8.0 / np.pi**2 * total)


def _diffusion_slope(x: np.ndarray) -> np.ndarray:
    """-x dG/dx."""
    late = np.maximum(x, 0.3)
    total = sum(np.exp(-float(n * n) * late) for n in (1, 3, 5, 7))
    return np.where(x < 0.3, 2.0 * np.pi**-1.5 * np.sqrt(x), 8.0 / np.pi**2 * late * total)


@dataclass(frozen=True, eq=False)
class Relaxations:
    """Fits of K rests, V and s.

    `model` (K) is a place in `MODELS`; `limit` its value at infinite time, `start` at time 0, `first` at the first
    sample; `interphase` and `concentration` the sums of its exponential and diffusive amplitudes, 0 where it has none;
    `times` (K, 2) its time constants, NaN where it has fewer. `told_apart` is False where a model of another kind,
    `rival`, explains the rest nearly as well.
    """

    model: np.ndarray
    limit: np.ndarray
    start: np.ndarray
    first: np.ndarray
    interphase: np.ndarray
    concentration: np.ndarray
    limit_variance: np.ndarray
    start_variance: np.ndarray
    relaxing_variance: np.ndarray
    interphase_variance: np.ndarray
    concentration_variance: np.ndarray
    times: np.ndarray
    told_apart: np.ndarray
    rival: np.ndarray


@dataclass(frozen=True, eq=False)
class _Fit:
    parameters: np.ndarray
    """(K, 1 + n): limit and amplitudes"""
    times: np.ndarray
    """(K, n)"""
    misfit: np.ndarray
    hessian: np.ndarray
    """(K, 1 + 2n, 1 + 2n): the inverse of the covariance, where the variances are right"""


def fit(time: np.ndarray, value: np.ndarray, variance: np.ndarray) -> Relaxations:
    """Fits K relaxations: times (K, B) from the interruption, values, and their variances; padding has variance inf.

    The model is chosen by chi^2 + k ln N, with chi^2 scaled so that the best one has at most one per degree of freedom,
    and the simpler of two of which one holds the other where they are within `APART`.
    """
    used = np.isfinite(variance)
    size = np.ptp(np.where(used, value, value[:, :1]), axis=1)
    floor = np.maximum(_FLOOR * size, _SMALLEST)[:, None]
    weight = np.where(used, 1.0 / (np.where(used, variance, 1.0) + floor**2), 0.0)
    positive = np.where(used & (time > 0.0), time, np.inf).min(axis=1)
    longest = np.where(used, time, 0.0).max(axis=1)
    bounds = np.log(0.3 * positive), np.log(3.0 * longest)
    fits = [_fit(kinds, time, value, weight, bounds) for kinds in _KINDS]
    count = used.sum(axis=1)
    return _choose(fits, time, count)


def _shape(kind: str, x: np.ndarray) -> np.ndarray:
    return np.exp(-x) if kind == "e" else finite_diffusion(x)


def _slope(kind: str, x: np.ndarray) -> np.ndarray:
    return x * np.exp(-x) if kind == "e" else _diffusion_slope(x)


def _fit(
    kinds: tuple[str, ...],
    time: np.ndarray,
    value: np.ndarray,
    weight: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
) -> _Fit:
    """The best of a grid of time constants, then Gauss-Newton with damping, the linear parameters solved exactly."""
    count = len(value)
    if not kinds:
        limit = (weight * value).sum(axis=1) / weight.sum(axis=1)
        misfit = (weight * (value - limit[:, None]) ** 2).sum(axis=1)
        return _Fit(limit[:, None], np.zeros((count, 0)), misfit, weight.sum(axis=1)[:, None, None])
    logs = _grid_start(kinds, time, value, weight, bounds)
    parameters, misfit = _linear(kinds, logs, time, value, weight)
    parameters = np.nan_to_num(parameters)
    damping = np.full(count, 1e-2)
    low, high = bounds[0][:, None], bounds[1][:, None]
    for _ in range(_ROUNDS):
        jacobian = _jacobian(kinds, parameters, logs, time)
        residual = value - _model(kinds, parameters, logs, time)
        hessian = _weighted(jacobian, weight, jacobian)
        gradient = _weighted(jacobian, weight, residual[..., None])[..., 0]
        diagonal = np.einsum("kii->ki", hessian)
        diagonal += damping[:, None] * diagonal + 1e-12 * diagonal.max(axis=1, keepdims=True)
        move = np.linalg.solve(hessian, gradient[..., None])[..., 0][:, -len(kinds) :]
        tried = np.clip(logs + np.clip(move, -1.0, 1.0), low, high)
        new, error = _linear(kinds, tried, time, value, weight)
        better = error < misfit
        gain = np.where(better, misfit, 0.0) - np.where(better, error, 0.0)
        logs = np.where(better[:, None], tried, logs)
        parameters = np.where(better[:, None], new, parameters)
        misfit = np.where(better, error, misfit)
        damping = np.where(better, 0.2 * damping, 8.0 * damping)
        if not (better & (gain > _SETTLED * misfit)).any():
            break
    jacobian = _jacobian(kinds, parameters, logs, time)
    return _Fit(parameters, np.exp(logs), misfit, _weighted(jacobian, weight, jacobian))


def _weighted(left: np.ndarray, weight: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left^T W right, rest by rest."""
    return np.swapaxes(left * weight[..., None], 1, 2) @ right


def _columns(kinds: tuple[str, ...], logs: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(K, B, n)"""
    return np.stack([_shape(kind, time * np.exp(-logs[:, k : k + 1])) for k, kind in enumerate(kinds)], axis=2)


def _model(kinds: tuple[str, ...], parameters: np.ndarray, logs: np.ndarray, time: np.ndarray) -> np.ndarray:
    return parameters[:, :1] + np.einsum("kbn,kn->kb", _columns(kinds, logs, time), parameters[:, 1:])


def _jacobian(kinds: tuple[str, ...], parameters: np.ndarray, logs: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(K, B, 1 + 2n): limit, amplitudes, logarithms of the time constants."""
    shapes = _columns(kinds, logs, time)
    slopes = [
        parameters[:, 1 + k : 2 + k] * _slope(kind, time * np.exp(-logs[:, k : k + 1])) for k, kind in enumerate(kinds)
    ]
    return np.concatenate([np.ones((*time.shape, 1)), shapes, np.stack(slopes, axis=2)], axis=2)


def _linear(
    kinds: tuple[str, ...], logs: np.ndarray, time: np.ndarray, value: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Limit and amplitudes for given time constants, and the misfit: infinite where an amplitude is negative."""
    columns = _columns(kinds, logs, time)
    total = weight.sum(axis=1)
    middle = np.einsum("kb,kbn->kn", weight, columns) / total[:, None]
    level = (weight * value).sum(axis=1) / total
    centred = columns - middle[:, None, :]
    gram = _weighted(centred, weight, centred)
    right = _weighted(centred, weight, (value - level[:, None])[..., None])[..., 0]
    amplitudes = _solve(gram, right)
    limit = level - (middle * amplitudes).sum(axis=1)
    residual = value - level[:, None] - np.einsum("kbn,kn->kb", centred, amplitudes)
    misfit = (weight * residual**2).sum(axis=1)
    wrong = (amplitudes < 0.0).any(axis=1) | ~np.isfinite(amplitudes).all(axis=1)
    return np.column_stack([limit, amplitudes]), np.where(wrong, np.inf, misfit)


def _solve(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One or two unknowns in closed form; NaN where they cannot be told apart."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if right.shape[-1] == 1:
            return np.where(gram[..., 0] > 0.0, right / gram[..., 0], np.nan)
        a, b, c = gram[..., 0, 0], gram[..., 0, 1], gram[..., 1, 1]
        determinant = a * c - b * b
        found = np.stack([c * right[..., 0] - b * right[..., 1], a * right[..., 1] - b * right[..., 0]], axis=-1)
        return np.where((determinant > 1e-9 * a * c)[..., None], found / determinant[..., None], np.nan)


def _grid_start(
    kinds: tuple[str, ...],
    time: np.ndarray,
    value: np.ndarray,
    weight: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Logarithms of the time constants of the best point of a grid, the first the shorter."""
    grid = bounds[0][:, None] + (bounds[1] - bounds[0])[:, None] * (np.arange(_GRID) + 0.5) / _GRID
    x = time[:, None, :] * np.exp(-grid)[:, :, None]
    total = weight.sum(axis=1)
    target = value - ((weight * value).sum(axis=1) / total)[:, None]
    shapes = []
    for kind in kinds:
        shape = _shape(kind, x)
        shapes.append(shape - (shape @ weight[:, :, None]) / total[:, None, None])
    own = [(s * s @ weight[:, :, None])[..., 0] for s in shapes]
    right = [(s @ (weight * target)[:, :, None])[..., 0] for s in shapes]
    if len(kinds) == 1:
        amplitude = right[0] / np.maximum(own[0], 1e-300)
        gain = np.where(amplitude > 0.0, amplitude * right[0], -1.0)
        return np.take_along_axis(grid, gain.argmax(axis=1)[:, None], axis=1)
    cross = (shapes[0] * weight[:, None, :]) @ np.swapaxes(shapes[1], 1, 2)
    first, second = np.triu_indices(_GRID, 1)
    gram = np.empty((len(value), len(first), 2, 2))
    gram[..., 0, 0], gram[..., 1, 1] = own[0][:, first], own[1][:, second]
    gram[..., 0, 1] = gram[..., 1, 0] = cross[:, first, second]
    both = np.stack([right[0][:, first], right[1][:, second]], axis=-1)
    amplitudes = _solve(gram, both)
    good = (amplitudes > 0.0).all(axis=-1)
    gain = np.where(good, (np.nan_to_num(amplitudes) * both).sum(axis=-1), -1.0)
    best = gain.argmax(axis=1)[:, None]
    return np.column_stack(
        [np.take_along_axis(grid, first[best], axis=1), np.take_along_axis(grid, second[best], axis=1)]
    )


_WITHIN = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 1, 0], [1, 1, 1, 0, 1]], dtype=bool)
"""Whether the model of the column is the model of the row without some of its parts."""


def _choose(fits: list[_Fit], time: np.ndarray, count: np.ndarray) -> Relaxations:
    """The simplest model within the best that is not clearly worse; rivals are those that share no such relation."""
    number = np.array([1 + 2 * len(kinds) for kinds in _KINDS])
    misfit = np.stack([each.misfit for each in fits], axis=1)
    # an exponential slower than the diffusion is not the interphase
    misfit[:, 4] = np.where(fits[4].times[:, 0] < fits[4].times[:, 1], misfit[:, 4], np.inf)
    misfit = np.where(count[:, None] > number, misfit, np.inf)
    misfit[:, 0] = fits[0].misfit
    scale = np.maximum((misfit / np.maximum(count[:, None] - number, 1)).min(axis=1), 1.0)
    criterion = misfit / scale[:, None] + number * np.log(np.maximum(count, 1))[:, None]
    behind = criterion - criterion.min(axis=1, keepdims=True)
    allowed = _WITHIN[criterion.argmin(axis=1)] & (behind <= APART)
    model = np.where(allowed, behind + 1e3 * number, np.inf).argmin(axis=1)
    of_rivals = np.where(_WITHIN[model] | _WITHIN.T[model], np.inf, criterion)
    lead = of_rivals.min(axis=1) - np.take_along_axis(criterion, model[:, None], axis=1)[:, 0]
    near = _WITHIN.T[model] & (behind <= APART)
    return _gathered(fits, model, scale, time, near, (lead >= APART, of_rivals.argmin(axis=1)))


def _gathered(
    fits: list[_Fit],
    model: np.ndarray,
    scale: np.ndarray,
    time: np.ndarray,
    near: np.ndarray,
    verdict: tuple[np.ndarray, np.ndarray],
) -> Relaxations:
    """The chosen model's values. Where a larger model is as good, its difference counts in the amplitudes' errors."""
    count = len(model)
    every = np.arange(count)
    sums = {
        letter: np.stack([_sum(kinds, each, letter) for kinds, each in zip(_KINDS, fits, strict=True)], 1)
        for letter in "ed"
    }
    own = {letter: sums[letter][every, model] for letter in "ed"}
    spread = {letter: np.where(near, sums[letter] - own[letter][:, None], 0.0) for letter in "ed"}
    variance = {letter: (spread[letter] ** 2).max(axis=1) for letter in "ed"}
    limit, start, first, limit_variance, start_variance, relaxing_variance = np.zeros((6, count))
    times = np.full((count, 2), np.nan)
    for place, (kinds, each) in enumerate(zip(_KINDS, fits, strict=True)):
        rows = np.flatnonzero(model == place)
        if not len(rows):
            continue
        n = len(kinds)
        parameters = each.parameters[rows]
        covariance = np.linalg.pinv(each.hessian[rows], hermitian=True) * scale[rows, None, None]
        limit[rows], start[rows] = parameters[:, 0], parameters.sum(axis=1)
        limit_variance[rows] = covariance[:, 0, 0]
        start_variance[rows] = covariance[:, : 1 + n, : 1 + n].sum(axis=(1, 2))
        relaxing_variance[rows] = covariance[:, 1 : 1 + n, 1 : 1 + n].sum(axis=(1, 2))
        for letter in "ed":
            at = [1 + k for k, kind in enumerate(kinds) if kind == letter]
            variance[letter][rows] += covariance[:, at][:, :, at].sum(axis=(1, 2))
        first[rows] = _model(kinds, parameters, np.log(each.times[rows]), time[rows, :1])[:, 0] if n else limit[rows]
        times[rows, :n] = each.times[rows]
    return Relaxations(
        model=model,
        limit=limit,
        start=start,
        first=first,
        interphase=own["e"],
        concentration=own["d"],
        limit_variance=limit_variance,
        start_variance=start_variance,
        relaxing_variance=relaxing_variance,
        interphase_variance=variance["e"],
        concentration_variance=variance["d"],
        times=times,
        told_apart=verdict[0],
        rival=verdict[1],
    )


def _sum(kinds: tuple[str, ...], fitted: _Fit, letter: str) -> np.ndarray:
    """The amplitudes of one kind together; 0 where the model has none."""
    at = [1 + k for k, kind in enumerate(kinds) if kind == letter]
    return np.nan_to_num(fitted.parameters[:, at].sum(axis=1))
