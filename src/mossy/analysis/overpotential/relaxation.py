"""How a voltage relaxes once the current is off: exponentials, and the law of a finite diffusion layer.

    y(t) = y_inf + a_1 g_1(t/tau_1) + a_2 g_2(t/tau_2)

with g an exponential (a resistance with a capacitance: charge transfer with its double layer, a film) or G, the decay
of the difference between the two faces of a layer of thickness L that starts from the steady, linear profile,

    G(x) = (8/pi^2) sum over odd n of exp(-n^2 x)/n^2,    x = t/tau,  tau = L^2/(pi^2 D),

which begins as 1 - 4 pi^(-3/2) x^(1/2). All rests are fitted at once; amplitudes must not be negative. Which of the
laws holds is chosen in `relaxation_choice`.

Source: G is the solution of the diffusion equation with closed faces (H. S. Carslaw, J. C. Jaeger, Conduction of Heat
in Solids, 2nd ed., Oxford 1959, section 3.4; cited from memory, unverified; the tests check it against its own limits).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_GRID, _ROUNDS, _SETTLED, _STUCK = 10, 12, 1e-4, 1e3


def finite_diffusion(x: np.ndarray) -> np.ndarray:
    """G(x), from 1 at x = 0 to 0; the square-root law below x = 0.3, where it is exact to 1e-4, four terms above.

    >>> finite_diffusion(np.array([0.0, 0.01, 1.0, 50.0])).round(4).tolist()
    [1.0, 0.9282, 0.2982, 0.0]
    """
    one, nine, twenty_five, forty_nine = _late_terms(np.maximum(x, 0.3))
    total = one + nine / 9.0 + twenty_five / 25.0 + forty_nine / 49.0
    return np.where(x < 0.3, 1.0 - 4.0 * np.pi**-1.5 * np.sqrt(x), 8.0 / np.pi**2 * total)


def _late_terms(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """exp(-n^2 x) of n = 1, 3, 5, 7 by powers of one exponential, which is what takes the time."""
    one = np.exp(-x)
    two = one * one
    eight = two * two * two * two
    nine, sixteen = eight * one, eight * eight
    return one, nine, sixteen * nine, sixteen * sixteen * nine * eight


def _diffusion_slope(x: np.ndarray) -> np.ndarray:
    """-x dG/dx."""
    late = np.maximum(x, 0.3)
    return np.where(x < 0.3, 2.0 * np.pi**-1.5 * np.sqrt(x), 8.0 / np.pi**2 * late * sum(_late_terms(late)))


@dataclass(frozen=True, eq=False)
class Fit:
    """One law fitted to K rests."""

    parameters: np.ndarray
    """(K, 1 + n): limit and amplitudes"""
    times: np.ndarray
    """(K, n)"""
    misfit: np.ndarray
    hessian: np.ndarray
    """(K, 1 + 2n, 1 + 2n): the inverse of the covariance, where the variances are right"""


@dataclass(frozen=True, eq=False)
class Grid:
    """Logarithms (K, G) of time constants to start from, in order, and the shape (K, G, B) of each kind with them."""

    logs: np.ndarray
    shapes: dict[str, np.ndarray]

    def of(self, rests: np.ndarray) -> Grid:
        """That of some rests."""
        return Grid(self.logs[rests], {kind: each[rests] for kind, each in self.shapes.items()})

    def also(self, logs: np.ndarray, time: np.ndarray) -> Grid:
        """With time constants found before: a process of little size shows only beside the right one of a large."""
        added = _shapes_at(logs, time)
        every = np.concatenate([self.logs, logs], axis=1)
        order = np.argsort(every, axis=1)
        shapes = {
            kind: np.take_along_axis(np.concatenate([each, added[kind]], axis=1), order[:, :, None], axis=1)
            for kind, each in self.shapes.items()
        }
        return Grid(np.take_along_axis(every, order, axis=1), shapes)


def grid_of(time: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]) -> Grid:
    """A grid even in the logarithm between two bounds."""
    logs = bounds[0][:, None] + (bounds[1] - bounds[0])[:, None] * (np.arange(_GRID) + 0.5) / _GRID
    return Grid(logs, _shapes_at(logs, time))


def _shapes_at(logs: np.ndarray, time: np.ndarray) -> dict[str, np.ndarray]:
    x = time[:, None, :] * np.exp(-logs)[:, :, None]
    return {kind: _shape(kind, x) for kind in "ed"}


def gradient(kinds: tuple[str, ...], fitted: Fit, time: np.ndarray) -> np.ndarray:
    """(K, 1 + 2n): of each rest's law at a time of its own, by limit, amplitudes and logarithms of time constants."""
    if not kinds:
        return np.ones((len(time), 1))
    return _jacobian(kinds, fitted.parameters, np.log(fitted.times), time[:, None])[:, 0]


def left(kinds: tuple[str, ...], fitted: Fit, time: np.ndarray) -> np.ndarray:
    """(K, n): what each process has left at a time of each rest's own, V."""
    if not kinds:
        return np.zeros((len(time), 0))
    return _columns(kinds, np.log(fitted.times), time[:, None])[:, 0] * fitted.parameters[:, 1:]


def _shape(kind: str, x: np.ndarray) -> np.ndarray:
    return np.exp(-x) if kind == "e" else finite_diffusion(x)


def _slope(kind: str, x: np.ndarray) -> np.ndarray:
    return x * np.exp(-x) if kind == "e" else _diffusion_slope(x)


def fit(
    kinds: tuple[str, ...],
    time: np.ndarray,
    value: np.ndarray,
    weight: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    grid: Grid,
) -> Fit:
    """The best of a grid of time constants, then Gauss-Newton with damping, the linear parameters solved exactly;
    `bounds` of their logarithms."""
    count = len(value)
    if not kinds:
        limit = (weight * value).sum(axis=1) / weight.sum(axis=1)
        misfit = (weight * (value - limit[:, None]) ** 2).sum(axis=1)
        return Fit(limit[:, None], np.zeros((count, 0)), misfit, weight.sum(axis=1)[:, None, None])
    logs = _grid_start(kinds, value, weight, grid)
    parameters, misfit = _linear(kinds, logs, time, value, weight)
    parameters = np.nan_to_num(parameters)
    damping, going = np.full(count, 1e-2), np.arange(count)
    for _ in range(_ROUNDS):
        of = time[going], value[going], weight[going]
        move = _move(kinds, parameters[going], logs[going], damping[going], *of)
        tried = np.clip(logs[going] + np.clip(move, -1.0, 1.0), bounds[0][going, None], bounds[1][going, None])
        new, error = _linear(kinds, tried, *of)
        better = error < misfit[going]
        settled = better & (misfit[going] <= (1.0 + _SETTLED) * error)
        taken = going[better]
        logs[taken], parameters[taken], misfit[taken] = tried[better], new[better], error[better]
        damping[going] *= np.where(better, 0.2, 8.0)
        going = going[~settled & (damping[going] < _STUCK)]
        if not len(going):
            break
    jacobian = _jacobian(kinds, parameters, logs, time)
    return Fit(parameters, np.exp(logs), misfit, _weighted(jacobian, weight, jacobian))


def _move(
    kinds: tuple[str, ...],
    parameters: np.ndarray,
    logs: np.ndarray,
    damping: np.ndarray,
    time: np.ndarray,
    value: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """The step of Gauss and Newton, damped, in the logarithms of the time constants."""
    jacobian, n = _jacobian(kinds, parameters, logs, time), len(kinds)
    residual = value - (jacobian[..., : 1 + n] @ parameters[..., None])[..., 0]
    hessian = _weighted(jacobian, weight, jacobian)
    diagonal = np.einsum("kii->ki", hessian)
    diagonal += damping[:, None] * diagonal + 1e-12 * diagonal.max(axis=1, keepdims=True)
    return np.linalg.solve(hessian, _weighted(jacobian, weight, residual[..., None]))[:, -n:, 0]


def _weighted(left: np.ndarray, weight: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left^T W right, rest by rest."""
    return np.swapaxes(left * weight[..., None], 1, 2) @ right


def _columns(kinds: tuple[str, ...], logs: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(K, B, n)"""
    return np.stack([_shape(kind, time * np.exp(-logs[:, k : k + 1])) for k, kind in enumerate(kinds)], axis=2)


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
    """Limit and amplitudes for given time constants, and the misfit.

    It is infinite where an amplitude is negative, or where the first process, the interphase's, is the slower one.
    """
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
    wrong = (
        (amplitudes < 0.0).any(axis=1)
        | ~np.isfinite(amplitudes).all(axis=1)
        | (np.diff(logs, axis=1) < 0.0).any(axis=1)
    )
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


def _grid_start(kinds: tuple[str, ...], value: np.ndarray, weight: np.ndarray, grid: Grid) -> np.ndarray:
    """Logarithms of the time constants of the best point of a grid, the first the shorter."""
    total = weight.sum(axis=1)
    target = value - ((weight * value).sum(axis=1) / total)[:, None]
    centred = {}
    for kind in dict.fromkeys(kinds):
        shape = grid.shapes[kind]
        centred[kind] = shape - (shape @ weight[:, :, None]) / total[:, None, None]
    shapes = [centred[kind] for kind in kinds]
    own = [(s * s @ weight[:, :, None])[..., 0] for s in shapes]
    right = [(s @ (weight * target)[:, :, None])[..., 0] for s in shapes]
    if len(kinds) == 1:
        amplitude = right[0] / np.maximum(own[0], 1e-300)
        gain = np.where(amplitude > 0.0, amplitude * right[0], -1.0)
        return np.take_along_axis(grid.logs, gain.argmax(axis=1)[:, None], axis=1)
    cross = (shapes[0] * weight[:, None, :]) @ np.swapaxes(shapes[1], 1, 2)
    first, second = np.triu_indices(grid.logs.shape[1], 1)
    gram = np.empty((len(value), len(first), 2, 2))
    gram[..., 0, 0], gram[..., 1, 1] = own[0][:, first], own[1][:, second]
    gram[..., 0, 1] = gram[..., 1, 0] = cross[:, first, second]
    both = np.stack([right[0][:, first], right[1][:, second]], axis=-1)
    amplitudes = _solve(gram, both)
    good = (amplitudes > 0.0).all(axis=-1)
    gain = np.where(good, (np.nan_to_num(amplitudes) * both).sum(axis=-1), -1.0)
    best = gain.argmax(axis=1)[:, None]
    return np.column_stack(
        [np.take_along_axis(grid.logs, first[best], axis=1), np.take_along_axis(grid.logs, second[best], axis=1)]
    )
