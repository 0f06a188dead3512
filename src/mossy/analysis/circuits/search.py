"""The best fit of a circuit to spectra without a guess: dictionary starts, then arcs that are taken out and put back.

Least squares with several arcs has many minima, most of them with two arcs on one relaxation while a small one goes
without. So from each minimum every arc in turn is taken out, the others are fitted again, and the arc returns where the
residual asks for it most: at the atom a of its dictionary with the largest gain (a.r)^2/|a|^2, both a and the residual
r taken at right angles to the Jacobian of all that can still adjust (orthogonal matching pursuit in the tangent space).
This is repeated while it helps; where parts differ in kind, so are the moves of `moves`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mossy.analysis.circuits.form import FittedForm
from mossy.analysis.circuits.model import Model
from mossy.analysis.circuits.moves import moved
from mossy.analysis.circuits.start import Block, blocks_of, starts_of
from mossy.numerics.many import Kernel, Minima, kernel_of, linearised_at, minimise, padded

_MARGIN = np.log(1e3)
_ABSENT = np.log(1e6)  # how far below the smallest impedance a resistance may go
_EXACT = 1e-24  # of the squares of the data: what is left of them when a fit is exact
_ROUNDS = 4
_LOOSE = 1e-3
_RIVAL = 1.5
AWAY = 3.0  # factor in time constant between two places where an arc is tried
WAYS = 2


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
) -> Minima:
    """The best minimum found for each spectrum; `starts` (S, K, n) of the model's values join the dictionary's own."""
    blocks = blocks_of(form.model, task.omega, fixed)
    kernel = kernel_for(form)
    model, data = form.model, task.data()
    arcs = [
        block for block in blocks if block.is_arc and np.all(task.lower[0, block.places] < task.upper[0, block.places])
    ]
    nested = any(len(block.values) > 1 and not block.is_arc for block in blocks)
    count = beginnings or (16 if nested else 1 if len(arcs) > 1 else 2)
    begun = iterated(model, starts_of(model, blocks, task.impedance, task.weight, count))
    if starts is not None:
        begun = np.concatenate([iterated(model, starts), begun], axis=1)
    first = minimise(kernel, begun, data, task.lower, task.upper, tolerance=_LOOSE, maximum_iterations=20)
    x, cost, evaluations = first.values.copy(), first.cost.copy(), first.evaluations.copy()
    second, next_cost = x.copy(), np.full(len(x), np.inf)
    active = np.arange(len(x)) if len(arcs) > 1 or (arcs and nested) else np.arange(0)
    for _ in range(_ROUNDS):
        if not len(active):
            break
        part = task.part(active)
        placed = _relocated(form, arcs, part, x[active])
        known = x[active], cost[active]
        found = minimise(
            kernel, placed, part.data(), part.lower, part.upper, tolerance=_LOOSE, maximum_iterations=16, known=known
        )
        evaluations[active] += found.evaluations
        better = found.cost < cost[active]
        worse_cost = np.where(better, cost[active], found.cost)
        worse = np.where(better[:, None], x[active], found.values)
        kept = worse_cost < next_cost[active]
        second[active[kept]], next_cost[active[kept]] = worse[kept], worse_cost[kept]
        much = found.cost < cost[active] * (1.0 - 1e-3)
        x[active[better]], cost[active[better]] = found.values[better], found.cost[better]
        active = active[much]
    if nested or len({id(arc.atoms) for arc in arcs}) > 1:
        evaluations += _leave(form, task, x, cost)
    both = np.stack([x, np.where((next_cost < _RIVAL * cost)[:, None], second, x)], axis=1)
    exact = _EXACT * np.sum((task.weight * np.abs(task.impedance)) ** 2, axis=1)
    last = minimise(kernel, both, data, task.lower, task.upper, tolerance=1e-10, maximum_iterations=250, floor=exact)
    return replace(last, evaluations=evaluations + last.evaluations)


def _leave(form: FittedForm, task: Task, x: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Moves out of local minima (`moves`) while they help; changes x and its cost; the evaluations (S,)."""
    evaluations, active = np.zeros(len(x), dtype=int), np.arange(len(x))
    for _ in range(_ROUNDS):
        if not len(active):
            break
        part = task.part(active)
        found = minimise(
            kernel_for(form),
            moved(form, x[active], part.lower, part.upper),
            part.data(),
            part.lower,
            part.upper,
            tolerance=_LOOSE,
            maximum_iterations=16,
            known=(x[active], cost[active]),
        )
        evaluations[active] += found.evaluations
        better, much = found.cost < cost[active], found.cost < cost[active] * (1.0 - 1e-3)
        x[active[better]], cost[active[better]] = found.values[better], found.cost[better]
        active = active[much]
    return evaluations


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
