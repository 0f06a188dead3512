"""Thousands of small least-squares problems at once, each from several starts: Levenberg-Marquardt within bounds.

Each lane minimises |r(x)|^2 over a box by (J'J + lambda D^2) step = -J'r on the variables that are not held at a bound
they press against (D. P. Bertsekas, SIAM J. Control Optim. 20 (1982) 221), the step cut off at the box; D and lambda
are those of `numerics.fit`. Only lanes that still move are evaluated, in chunks of one size, so that one compiled
kernel serves one problem and ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mossy.backend import jax

CHUNK = 64
_LARGEST_DAMPING = 1e12
Behind = tuple[tuple[int, float], ...]
BEHIND: Behind = ((7, 3.0), (3, 30.0))
"""After so many iterations a lane above so many times the least cost is given up, the later the first."""
_NEAR = 0.02
Kernel = Callable[[Any, Any], tuple[Any, Any]]
Prior = tuple[np.ndarray, np.ndarray]


def kernel_of(linearised: Callable[[Any, Any], tuple[Any, Any]]) -> Kernel:
    """The compiled `linearised(x, data)` = (residuals (m,), their derivatives (n, m)) of one lane, for many lanes."""
    return jax.jit(jax.vmap(linearised))


@dataclass(frozen=True)
class Minima:
    """The best of each problem's starts: `values` (S, n), `cost` |r|^2 (S,), `normal` J'J (S, n, n), which variables
    are `held` at a bound (S, n), whether it `converged` (S,), the evaluations of all its starts.
    """

    values: np.ndarray
    cost: np.ndarray
    normal: np.ndarray
    held: np.ndarray
    converged: np.ndarray
    evaluations: np.ndarray

    def rows(self, rows: np.ndarray) -> Self:
        """Those of some problems."""
        return type(self)(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def replaced(self, rows: np.ndarray, others: Minima) -> Self:
        """The same with those of some problems replaced."""
        fields = {name: getattr(self, name).copy() for name in self.__dataclass_fields__}
        for name, values in fields.items():
            values[rows] = getattr(others, name)
        return type(self)(**fields)


@dataclass(frozen=True)
class RivalMinima(Minima):
    """The best of each problem's starts, and the best of those that ended elsewhere: where (S, n), its cost (S,), and
    whether it is a minimum too. The cost is inf where all starts ended at the best.
    """

    rival: np.ndarray
    rival_cost: np.ndarray
    rival_converged: np.ndarray


def minimise(
    kernel: Kernel,
    starts: np.ndarray,
    data: Any,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    tolerance: float = 1e-9,
    maximum_iterations: int = 60,
    floor: np.ndarray | float = 0.0,
    prior: Prior | None = None,
    known: tuple[np.ndarray, np.ndarray] | None = None,
    behind: Behind = BEHIND,
    report: Callable[[int, int], None] | None = None,
) -> RivalMinima:
    """The least |r|^2 of S problems from K starts each, and the next best.

    `starts` (S, K, n); `data` a tuple of arrays whose first axis is S; `lower` and `upper` (n,) or (S, n). A lane is
    done when what the undamped step promises is below `tolerance` of its cost or below `floor` (S,), when it comes to
    where another start of the same problem or its `known` point (x, cost) already is, or when it stays far `behind`
    them.
    `prior` (centre, weight), (S, n) each, adds |weight (x - centre)|^2 to the sum. `report(done, lanes)` is called as
    it goes. A lane without a finite residual ends with cost inf; nothing raises.
    """
    problems, count, _ = starts.shape
    lanes = _Lanes(kernel, starts, data, lower, upper, prior, np.broadcast_to(floor, problems))
    for iteration in range(maximum_iterations):
        if iteration % 2 == 1:
            lanes.merge(iteration, known, behind)
        moving = np.flatnonzero(~lanes.done)
        if report is not None:
            report(problems * count - len(moving), problems * count)
        if not len(moving):
            break
        lanes.advance(moving, tolerance)
    best, rival, rival_cost = lanes.two_best()
    return RivalMinima(
        lanes.x[best],
        lanes.cost[best],
        lanes.normal[best],
        lanes.held()[best],
        lanes.settled[best],
        lanes.evaluations.reshape(problems, count).sum(axis=1),
        lanes.x[rival],
        rival_cost,
        lanes.settled[rival],
    )


class _Lanes:
    """Every start of every problem, flat: where it stands, its derivatives, its damping."""

    def __init__(
        self,
        kernel: Kernel,
        starts: np.ndarray,
        data: Any,
        lower: np.ndarray,
        upper: np.ndarray,
        prior: Prior | None,
        floor: np.ndarray,
    ) -> None:
        problems, self.count, n = starts.shape
        self.kernel, self.data, self.prior = kernel, tuple(np.asarray(each) for each in data), prior
        self.problem = np.repeat(np.arange(problems), self.count)
        self.floor = floor[self.problem]
        self.lower, self.upper = (np.broadcast_to(each, (problems, n))[self.problem] for each in (lower, upper))
        self.x = np.clip(starts.reshape(-1, n), self.lower, self.upper)
        everyone = np.arange(len(self.x))
        self.cost, self.gradient, self.normal = self._evaluate(self.x, everyone)
        self.damping, self.growth = np.full(len(self.x), 1e-2), np.full(len(self.x), 2.0)
        self.largest = np.zeros_like(self.x)
        self.settled, self.done = np.zeros(len(self.x), dtype=bool), ~np.isfinite(self.cost)
        self.evaluations = np.ones(len(self.x), dtype=int)

    def _evaluate(self, x: np.ndarray, lanes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(|r|^2, J'r, J'J) at x for some lanes, the prior's share included."""
        owners = self.problem[lanes]
        parts = []
        for residual, slopes in _chunks(self.kernel, x, self.data, owners):
            cost = np.einsum("bm,bm->b", residual, residual)
            parts.append((cost, (slopes @ residual[:, :, None])[:, :, 0], slopes @ slopes.transpose(0, 2, 1)))
        cost, gradient, normal = (np.concatenate([part[k] for part in parts]) for k in range(3))
        if self.prior is not None:
            centre, weight = (each[owners] for each in self.prior)
            off = (x - centre) * weight
            cost, gradient = cost + np.sum(off**2, axis=1), gradient + off * weight
            normal = normal + (weight**2)[:, :, None] * np.eye(x.shape[1])
        good = np.isfinite(cost) & np.isfinite(gradient).all(axis=1) & np.isfinite(normal).all(axis=(1, 2))
        return (
            np.where(good, cost, np.inf),
            np.where(good[:, None], gradient, 0.0),
            np.where(good[:, None, None], normal, 0.0),
        )

    def held(self) -> np.ndarray:
        """Which variables stand at a bound and would leave the box along the negative gradient."""
        return ((self.x <= self.lower) & (self.gradient >= 0.0)) | ((self.x >= self.upper) & (self.gradient <= 0.0))

    def advance(self, lanes: np.ndarray, tolerance: float) -> None:
        """One damped step of some lanes, taken where it lowers the cost."""
        free = ~self.held()[lanes]
        normal = self.normal[lanes] * (free[:, :, None] & free[:, None, :])
        gradient = np.where(free, self.gradient[lanes], 0.0)
        self.largest[lanes] = np.maximum(self.largest[lanes], np.sqrt(np.einsum("bii->bi", normal)))
        size = np.where(free & (self.largest[lanes] > 0.0), self.largest[lanes], 1.0)
        scaled, slope = normal / (size[:, :, None] * size[:, None, :]), gradient / size
        eye = np.eye(normal.shape[1])
        fixed = eye * ~free[:, None, :]
        promise = np.einsum("bi,bi->b", slope, _solve(scaled + fixed + 1e-12 * eye, slope))
        cost = self.cost[lanes]
        arrived = promise <= np.maximum(tolerance * np.maximum(cost, 1e-300), self.floor[lanes])
        step = -_solve(scaled + fixed + self.damping[lanes, None, None] * eye, slope) / size
        trial = np.clip(self.x[lanes] + step, self.lower[lanes], self.upper[lanes])
        taken = trial - self.x[lanes]
        expected = -np.einsum("bi,bi->b", taken, 2.0 * gradient + np.einsum("bij,bj->bi", normal, taken))
        self._move(lanes, trial, expected, tolerance)
        self.settled[lanes] |= arrived
        self.done[lanes] |= arrived | (self.damping[lanes] >= _LARGEST_DAMPING)

    def _move(self, lanes: np.ndarray, trial: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
        cost, gradient, normal = self._evaluate(trial, lanes)
        self.evaluations[lanes] += 1
        gain = self.cost[lanes] - cost
        better = gain > 0.0
        ratio = np.clip(gain / np.maximum(expected, 1e-16 * np.abs(gain) + 1e-300), 0.0, 1.0)
        factor = np.where(better, np.maximum(1.0 - (2.0 * ratio - 1.0) ** 3, 1.0 / 9.0), self.growth[lanes])
        small = better & (gain <= tolerance * np.maximum(self.cost[lanes], 1e-300)) & (self.damping[lanes] < 1e-1)
        self.damping[lanes] = np.clip(self.damping[lanes] * factor, 1e-12, _LARGEST_DAMPING)
        self.growth[lanes] = np.where(better, 2.0, np.minimum(2.0 * self.growth[lanes], _LARGEST_DAMPING))
        kept = lanes[better]
        self.x[kept], self.cost[kept] = trial[better], cost[better]
        self.gradient[kept], self.normal[kept] = gradient[better], normal[better]
        self.settled[lanes] |= small
        self.done[lanes] |= small

    def merge(self, iteration: int, known: tuple[np.ndarray, np.ndarray] | None, behind: Behind) -> None:
        """Ends the lanes that have come to where a better start of their problem is, or that stay far behind it."""
        best = np.argmin(self.cost.reshape(-1, self.count), axis=1) + self.count * np.arange(len(self.x) // self.count)
        leader = np.repeat(best, self.count)
        self.done |= self._near(self.x[leader]) & (leader != np.arange(len(self.x)))
        least = self.cost[best]
        if known is not None:
            self.done |= self._near(np.repeat(known[0], self.count, axis=0))
            least = np.minimum(least, known[1])
        factor = next((factor for after, factor in behind if iteration >= after), np.inf)
        self.done |= self.cost > factor * np.repeat(least, self.count)

    def two_best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each problem the lane with the least cost, that with the least among those not near it, and its cost."""
        first = self.count * np.arange(len(self.x) // self.count)
        best = np.argmin(self.cost.reshape(-1, self.count), axis=1) + first
        elsewhere = ~self._near(self.x[np.repeat(best, self.count)])
        cost = np.where(elsewhere, self.cost, np.inf).reshape(-1, self.count)
        return best, np.argmin(cost, axis=1) + first, np.min(cost, axis=1)

    def _near(self, x: np.ndarray) -> np.ndarray:
        return np.all(np.abs(self.x - x) < _NEAR, axis=1)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution for each lane, least squares where its matrix has no inverse; no lane's depends on another's."""
    try:
        return np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        if len(matrix) == 1:
            return np.linalg.lstsq(matrix[0], right[0], rcond=None)[0][None]
        return np.concatenate([_solve(matrix[k : k + 1], right[k : k + 1]) for k in range(len(matrix))])


def linearised_at(kernel: Kernel, x: np.ndarray, data: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(residuals (B, m), Jacobians (B, m, n)) of lanes x (B, n), data of each (B, ...)."""
    parts = [(residual, slopes) for residual, slopes in _chunks(kernel, x, data, np.arange(len(x)))]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]).transpose(0, 2, 1)


def _chunks(
    kernel: Kernel, x: np.ndarray, data: tuple[np.ndarray, ...], owners: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The kernel at x, chunk by chunk, a short last chunk filled up; lane k has the data of row `owners[k]`."""
    for first in range(0, len(x), CHUNK):
        size = min(CHUNK, len(x) - first)
        rows = np.resize(np.arange(first, first + size), CHUNK)
        found = kernel(x[rows], tuple(each[owners[rows]] for each in data))
        yield np.asarray(found[0])[:size], np.asarray(found[1])[:size]


def padded(length: int) -> int:
    """The next length that shares a compiled kernel.

    >>> [padded(length) for length in (9, 40, 61, 65, 100, 129)]
    [32, 64, 64, 80, 128, 192]
    """
    return next((size for size in (32, 64, 80, 128) if length <= size), -(-length // 64) * 64)


__all__ = ["CHUNK", "Kernel", "Minima", "RivalMinima", "kernel_of", "linearised_at", "minimise", "padded"]
