"""The best fit of a circuit to spectra without a guess: dictionary starts, then arcs that are taken out and put back.

Least squares with several arcs has many minima, most of them with two arcs on one relaxation while a small one goes
without. So from each minimum every arc in turn is taken out, the others are fitted again, and the arc returns where the
residual asks for it most: at the atom a of its dictionary with the largest gain (a.r)^2/|a|^2, both a and the residual
r taken at right angles to the Jacobian of all that can still adjust (orthogonal matching pursuit in the tangent space).
This is repeated while it helps; where parts differ in kind, so are the moves of `moves`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mossy.analysis.circuits.form import FittedForm
from mossy.analysis.circuits.model import Model
from mossy.analysis.circuits.moves import assignments, exchanged, in_order, moved
from mossy.analysis.circuits.start import Block, Dictionary, blocks_of
from mossy.numerics.many import Kernel, RivalMinima, kernel_of, linearised_at, minimise, padded

_MARGIN = np.log(1e3)
_ABSENT = np.log(1e6)  # how far below the smallest impedance a resistance may go
_EXACT = 1e-24  # of the squares of the data: what is left of them when a fit is exact
_ROUNDS = 4
_LOOSE = 1e-3
_RIVAL = 1.5
_SAME = 0.05
_NESTED = 16
_EXPLORED = 2
_FEW = 3  # like arcs that one beginning finds
_MORE = (1, 2)
POOL = 4
TRACKS = 6
AWAY = 3.0  # factor in time constant between two places where an arc is tried
WAYS = 2
Known = tuple[np.ndarray, np.ndarray]
Exchange = Callable[["Task", np.ndarray, np.ndarray], np.ndarray]
"""(task of some spectra, their rows, where they stand (S, n)) -> starts (S, K, n)."""


@dataclass(frozen=True)
class Task:
    """S spectra of m points on one frequency grid: `frequency` (m,), `impedance` (S, m), `weight` (S, m) of both parts,
    and the bounds (S, n) of what is iterated.
    """

    frequency: np.ndarray
    impedance: np.ndarray
    weight: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @property
    def omega(self) -> np.ndarray:
        """Angular frequencies, rad/s."""
        return 2.0 * np.pi * self.frequency

    def data(self) -> tuple[np.ndarray, ...]:
        """What the residual takes, filled up to a length that shares its compiled code."""
        short = padded(len(self.frequency)) - len(self.frequency)
        omega = np.broadcast_to(
            np.pad(self.omega, (0, short), mode="edge"), (len(self.impedance), short + len(self.frequency))
        )
        filled = np.pad(self.impedance, ((0, 0), (0, short)), mode="edge")
        weight = np.pad(self.weight, ((0, 0), (0, short)))
        return omega, filled.real, filled.imag, weight, weight

    def part(self, rows: Any) -> Task:
        """Some of the spectra."""
        return Task(self.frequency, self.impedance[rows], self.weight[rows], self.lower[rows], self.upper[rows])


def bounds_of(
    model: Model, frequency: np.ndarray, impedance: np.ndarray, own: dict[int, tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper) of what is iterated, (S, n): what data can tell, a factor 1000 beyond; `own` bounds by place."""
    sizes, times = np.log(np.abs(impedance)), -np.log(2.0 * np.pi * frequency)
    ends = [(sizes.min(axis=1), sizes.max(axis=1)), (times.min(), times.max())]
    lower, upper = np.empty((2, len(impedance), len(model.parameters)))
    for place, parameter in enumerate(model.parameters):
        spec = parameter.spec
        if place in own:
            low, high = own[place]
            lower[:, place], upper[:, place] = np.log([low, high]) if spec.logarithmic else (low, high)
        elif spec.decades is not None:
            lower[:, place], upper[:, place] = np.log(spec.decades)
        elif spec.bounds is not None:
            lower[:, place], upper[:, place] = spec.bounds
        else:
            corners = [spec.impedance * size + spec.time * time for size in ends[0] for time in ends[1]]
            lower[:, place] = np.min(corners, axis=0) - (_ABSENT if spec.impedance == 1.0 else _MARGIN)
            upper[:, place] = np.max(corners, axis=0) + _MARGIN
    return lower, upper


def iterated(model: Model, values: np.ndarray) -> np.ndarray:
    """What is iterated, from values: logarithms of those that span decades."""
    log = model.logarithmic
    return np.where(log, np.log(np.where(log, np.maximum(values, 1e-300), 1.0)), values)


@functools.lru_cache(maxsize=128)
def kernel_for(form: FittedForm) -> Kernel:
    """The kernel of a circuit's least squares, compiled once a circuit and padded length."""
    return kernel_of(form.model.linearised)


def search(
    form: FittedForm, task: Task, fixed: dict[int, float], starts: np.ndarray | None = None, *, beginnings: int = 0
) -> RivalMinima:
    """The best minimum found for each spectrum, and the next best; `starts` (S, K, n) of the model's values join the
    dictionary's own.
    """
    blocks = blocks_of(form.model, task.omega, fixed)
    arcs = [
        block for block in blocks if block.is_arc and np.all(task.lower[0, block.places] < task.upper[0, block.places])
    ]
    nested = any(len(block.values) > 1 and not block.is_arc for block in blocks)
    unlike = nested or len({id(arc.atoms) for arc in arcs}) > 1
    dictionary = Dictionary(form.model, blocks, task.impedance, task.weight)
    count = beginnings + (_NESTED if nested else 1 if len(arcs) > 1 else 2)
    begun = iterated(form.model, dictionary.beginnings(range(count)))
    if starts is not None:
        begun = np.concatenate([iterated(form.model, starts), begun], axis=1)
    ground = Ground(form, arcs if len(arcs) > 1 or nested else [])
    pool = Pool.of(ground.descend(task, begun, 20), POOL if unlike else 2)
    settle(ground, task, pool)
    if unlike:
        exchange = functools.partial(_exchanged, form, None if nested else dictionary, blocks)
        _explore(ground, task, pool, exchange)
    elif len(arcs) > _FEW:
        _on_tracks(ground, task, pool, np.arange(len(pool.x)), functools.partial(_elsewhere, form.model, dictionary))
    pool.x = in_order(form.model, pool.x, task.lower, task.upper)
    exact = _EXACT * np.sum((task.weight * np.abs(task.impedance)) ** 2, axis=1)
    limits = {"tolerance": 1e-10, "maximum_iterations": 250, "floor": exact}
    last = minimise(ground.kernel, pool.within(_RIVAL), task.data(), task.lower, task.upper, **limits)
    return replace(last, evaluations=pool.evaluations + last.evaluations)


@dataclass(frozen=True)
class Ground:
    """What is searched: a circuit and those of its arcs that may be taken out and put back."""

    form: FittedForm
    arcs: list[Block]

    @property
    def kernel(self) -> Kernel:
        """The compiled least squares."""
        return kernel_for(self.form)

    def descend(
        self,
        task: Task,
        starts: np.ndarray,
        iterations: int = 16,
        known: Known | None = None,
    ) -> RivalMinima:
        """Loosely to the least minimum from starts (S, K, n)."""
        return minimise(
            self.kernel,
            starts,
            task.data(),
            task.lower,
            task.upper,
            tolerance=_LOOSE,
            maximum_iterations=iterations,
            known=known,
        )


class Pool:
    """The best distinct vectors found so far for each spectrum: `x` (S, P, n) and `cost` (S, P), ascending, inf for
    none; the `evaluations` (S,) so far.
    """

    def __init__(self, x: np.ndarray, cost: np.ndarray, evaluations: np.ndarray) -> None:
        self.x, self.cost, self.evaluations = x, cost, evaluations

    @classmethod
    def of(cls, found: RivalMinima, size: int) -> Pool:
        """With room for `size` vectors a spectrum."""
        x = np.repeat(found.values[:, None, :], size, axis=1)
        cost = np.full(x.shape[:2], np.inf)
        cost[:, 0] = found.cost
        return cls(x, cost, found.evaluations.copy())

    def offer(self, rows: np.ndarray, x: np.ndarray, cost: np.ndarray) -> np.ndarray:
        """Takes in vectors (B, K, n) of cost (B, K) for some spectra; which of them have a lower least cost now, by
        more than is worth another round.
        """
        before, size = self.cost[rows, 0], self.cost.shape[1]
        every, costs = np.concatenate([self.x[rows], x], axis=1), np.concatenate([self.cost[rows], cost], axis=1)
        order = np.argsort(costs, axis=1, kind="stable")
        every, costs = np.take_along_axis(every, order[:, :, None], axis=1), np.take_along_axis(costs, order, axis=1)
        for place in range(1, costs.shape[1]):
            gap = np.max(np.abs(every[:, :place] - every[:, place : place + 1]), axis=2)
            same = (gap < _SAME) & np.isfinite(costs[:, :place])
            costs[:, place] = np.where(same.any(axis=1), np.inf, costs[:, place])
        order = np.argsort(costs, axis=1, kind="stable")[:, :size]
        self.x[rows] = np.take_along_axis(every, order[:, :, None], axis=1)
        self.cost[rows] = np.take_along_axis(costs, order, axis=1)
        return np.asarray(self.cost[rows, 0] < before * (1.0 - 1e-3))

    def within(self, factor: float) -> np.ndarray:
        """The vectors (S, P, n) of at most `factor` times the least cost, NaN for the others."""
        return np.where((self.cost <= factor * self.cost[:, :1])[:, :, None], self.x, np.nan)


def settle(ground: Ground, task: Task, pool: Pool) -> None:
    """Takes arcs out and puts them back while that helps."""
    active = np.arange(len(pool.x)) if ground.arcs else np.arange(0)
    for _ in range(_ROUNDS):
        if not len(active):
            break
        part, x, cost = task.part(active), pool.x[active, 0], pool.cost[active, 0]
        found = ground.descend(part, _relocated(ground.form, ground.arcs, part, x), known=(x, cost))
        pool.evaluations[active] += found.evaluations
        active = active[pool.offer(active, found.values[:, None], found.cost[:, None])]


def _explore(ground: Ground, task: Task, pool: Pool, exchange: Exchange) -> None:
    """For parts of unlike kind: every assignment of the relaxations to them on a track of its own, then long leaps;
    again where these led to somewhere better.
    """
    active = np.arange(len(pool.x))
    for _ in range(_EXPLORED):
        if not len(active):
            break
        _on_tracks(ground, task, pool, active, exchange)
        active = active[_leap(ground, task, pool, active)]


def _on_tracks(ground: Ground, task: Task, pool: Pool, rows: np.ndarray, exchange: Exchange) -> None:
    """From each assignment down to its minimum; the arcs of the best `TRACKS` are settled each for itself.

    Settling only the best loses it: with an arc on another's relaxation, the right assignment may begin worse.
    """
    starts = exchange(task.part(rows), rows, pool.x[rows, 0])
    if not starts.shape[1]:
        return
    lanes, count, n = starts.shape
    each = np.repeat(rows, count)
    found = ground.descend(task.part(each), starts.reshape(-1, 1, n), 12)
    pool.evaluations[rows] += found.evaluations.reshape(lanes, count).sum(axis=1)
    x, cost = found.values.reshape(starts.shape), found.cost.reshape(lanes, count)
    x, cost = np.concatenate([pool.x[rows], x], axis=1), np.concatenate([pool.cost[rows], cost], axis=1)
    best = np.argsort(cost, axis=1, kind="stable")[:, :TRACKS]
    lane = np.arange(lanes)[:, None]
    kept = np.isfinite(cost[lane, best])
    owner = np.repeat(rows, best.shape[1]).reshape(best.shape)[kept]
    values, costs = x[lane, best][kept], cost[lane, best][kept]
    tracks = Pool(values[:, None].copy(), costs[:, None].copy(), np.zeros(len(owner), dtype=int))
    settle(ground, task.part(owner), tracks)
    np.add.at(pool.evaluations, owner, tracks.evaluations)
    x, cost = x[lane, best], np.full(best.shape, np.inf)
    x[kept], cost[kept] = tracks.x[:, 0], tracks.cost[:, 0]
    pool.offer(rows, x, cost)


def _leap(ground: Ground, task: Task, pool: Pool, rows: np.ndarray) -> np.ndarray:
    """Long moves from the best (`moves.moved`); which spectra they helped."""
    helped = np.zeros(len(rows), dtype=bool)
    active = np.arange(len(rows))
    for _ in range(_ROUNDS):
        if not len(active):
            break
        here = rows[active]
        part, x, cost = task.part(here), pool.x[here, 0], pool.cost[here, 0]
        found = ground.descend(part, moved(ground.form, x, part.lower, part.upper), known=(x, cost))
        pool.evaluations[here] += found.evaluations
        active = active[pool.offer(here, found.values[:, None], found.cost[:, None])]
        helped[active] = True
    return helped


def _elsewhere(model: Model, dictionary: Dictionary, task: Task, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """More of the dictionary's beginnings (S, K, n)."""
    return np.clip(iterated(model, dictionary.beginnings(_MORE)), task.lower[:, None, :], task.upper[:, None, :])


def _exchanged(
    form: FittedForm, dictionary: Dictionary | None, blocks: list[Block], task: Task, rows: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Starts (S, K, n) with the relaxations of unlike parts exchanged: by the dictionary where all parts are in it by
    their time constants, else by the values themselves.
    """
    free = np.all(task.lower < task.upper, axis=0)
    if dictionary is None:
        found = exchanged(form, x, free)
    else:
        found, own = [], dictionary.part(rows)
        arcs = [k for k, block in enumerate(blocks) if block.is_arc and free[block.places[:2]].all()]
        times = np.stack([x[:, blocks[k].places[1]] for k in arcs], axis=1)
        for order in assignments([f"{id(blocks[k].atoms)}" for k in arcs]):
            wanted = np.full((len(x), len(blocks)), np.nan)
            wanted[:, arcs] = times[:, order]
            found.append(iterated(form.model, own.around(wanted)))
    stacked = np.stack(found, axis=1) if found else np.empty((len(x), 0, x.shape[1]))
    return np.clip(stacked, task.lower[:, None, :], task.upper[:, None, :])


def _relocated(form: FittedForm, arcs: list[Block], task: Task, x: np.ndarray) -> np.ndarray:
    """For each arc the vector with it taken out, the rest fitted again, and put back where it is wanted: (S, J, n)."""
    count, moves = len(x), len(arcs)
    out = np.repeat(x[:, None, :], moves, axis=1)
    lower, upper = (np.repeat(each[:, None, :], moves, axis=1) for each in (task.lower, task.upper))
    for move, arc in enumerate(arcs):
        out[:, move, arc.places[0]] = lower[:, move, arc.places[0]]
        for ends in (lower, upper):
            ends[:, move, arc.places] = out[:, move, arc.places]
    flat = [each.reshape(count * moves, -1) for each in (out, lower, upper)]
    data = tuple(np.repeat(each, moves, axis=0) for each in task.data())
    kernel = kernel_for(form)
    rest = minimise(kernel, flat[0][:, None, :], data, flat[1], flat[2], tolerance=1e-3, maximum_iterations=7).values
    residual, jacobian = linearised_at(kernel, rest, data)
    back = np.repeat(rest.reshape(count, moves, -1), WAYS, axis=1)
    for move, arc in enumerate(arcs):
        rows = np.arange(move, count * moves, moves)
        for way, (atom, size) in enumerate(_wanted(arc, task, residual[rows], jacobian[rows])):
            whole = np.ones((count, x.shape[1]))
            whole[:, arc.places] = arc.values[atom] * size[:, None] ** arc.powers
            back[:, WAYS * move + way, arc.places] = iterated(form.model, whole)[:, arc.places]
    return back


def _wanted(
    arc: Block, task: Task, residual: np.ndarray, jacobian: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Which atoms lower each spectrum's residual most with everything else free to adjust, and their amplitudes.

    First the best, then the best of those a factor `AWAY` in time constant from the ones before.
    """
    points, length = len(task.frequency), padded(len(task.frequency))
    kept = np.r_[0:points, length : length + points]
    residual, jacobian = residual[:, kept], jacobian[:, kept]
    atoms = np.concatenate([arc.atoms.real, arc.atoms.imag], axis=1)
    weighted = atoms[None] * np.concatenate([task.weight, task.weight], axis=1)[:, None, :]
    size = np.sqrt(np.einsum("bmi,bmi->bi", jacobian, jacobian))
    scaled = jacobian / np.where(size > 0.0, size, 1.0)[:, None, :]
    normal = scaled.transpose(0, 2, 1) @ scaled + 1e-9 * np.eye(jacobian.shape[2])
    cross = weighted @ scaled
    gradient = np.einsum("bmi,bm->bi", scaled, residual)
    solved = np.linalg.solve(normal, np.concatenate([cross.transpose(0, 2, 1), gradient[:, :, None]], axis=2))
    whole = np.einsum("bkm,bkm->bk", weighted, weighted)
    left = np.maximum(whole - np.einsum("bkn,bnk->bk", cross, solved[:, :, :-1]), 1e-6 * whole)
    pull = np.einsum("bkn,bn->bk", cross, solved[:, :, -1]) - np.einsum("bkm,bm->bk", weighted, residual)
    gain = np.where(pull > 0.0, pull**2 / left, 0.0)
    rows, largest = np.arange(len(gain)), np.max(np.abs(task.impedance), axis=1)
    for _ in range(WAYS):
        best = np.argmax(gain, axis=1)
        yield best, np.clip(pull[rows, best] / left[rows, best], 1e-4 * largest, largest)
        gain = np.where(np.abs(arc.times[None, :] - arc.times[best][:, None]) > np.log(AWAY), gain, -1.0)
