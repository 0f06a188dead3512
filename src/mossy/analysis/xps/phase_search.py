"""The best fit of samples of one structure: continuation from wide to true errors, then lines that change places.

With the counting errors widened tenfold the priors lead, and every line comes near the peak that is its own; with the
true errors it settles there. Where the fit stays poor two lines of a region may have taken each other's peak, or one a
stranger's: pairs are exchanged, and single lines put back to where the library has them, as long as that helps.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from mossy.analysis.xps.phase_model import Data, Structure, kernel_for, result_for
from mossy.analysis.xps.phase_problem import Problem
from mossy.numerics.many import CHUNK, Minima, minimise

_FEW = 4
"""Lanes that one small compiled model takes."""
_WIDENED = 0.1
_POOR = 2.5
"""Standard deviations of chi squared above its expectation, from where lines are exchanged."""
_ROUNDS = 3
_NEAR = 3.0
"""eV between lines that may have been taken for each other."""
_MOVED = 0.05


def best(problems: list[Problem]) -> tuple[Minima, list[Data], list[tuple[np.ndarray, ...]]]:
    """The least cost of each, with the errors that the model expects: (minima, data with those errors, curves)."""
    data = [each.data for each in problems]
    count = max(len(each.starts) for each in problems)
    starts = np.full((len(problems), count, problems[0].structure.length), np.nan)
    for place, each in enumerate(problems):
        starts[place, : len(each.starts)] = each.starts
    wide = _minimised(problems, starts, [_scaled(each, _WIDENED) for each in data], 1e-3, 25)
    rival = np.where(np.isfinite(wide.rival_cost)[:, None], wide.rival, np.nan)
    found: Minima = _minimised(problems, np.stack([wide.values, rival], axis=1), data, 1e-5, 40)
    found = _exchanged(problems, found, data)
    curves = results(problems, found.values, data)
    data = [each.weighted(modelled(each, *one[:2])) for each, one in zip(problems, curves, strict=True)]
    last = _minimised(problems, found.values[:, None], data, 1e-8, 100)
    last = replace(last, evaluations=last.evaluations + found.evaluations + wide.evaluations)
    return last, data, results(problems, last.values, data)


def modelled(problem: Problem, lines: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """Counts (regions, points); the backgrounds hold the losses already."""
    where = np.array([each.region for each in problem.described.components])
    peaks = np.stack([lines[where == place].sum(axis=0) for place in range(len(problem.regions))])
    return np.asarray(backgrounds + peaks)


def results(problems: list[Problem], values: np.ndarray, data: list[Data]) -> list[tuple[np.ndarray, ...]]:
    """`phase_model.result_for` of each."""
    result = result_for(problems[0].structure, problems[0].described.film_layers)
    width = 1 if len(problems) == 1 else CHUNK
    found: list[tuple[np.ndarray, ...]] = []
    for first in range(0, len(problems), width):
        last = min(first + width, len(problems))
        rows = np.resize(np.arange(first, last), width)
        parts = result(values[rows], tuple(np.stack([data[row][k] for row in rows]) for k in range(len(data[0]))))
        arrays = [np.asarray(part) for part in parts]
        found += [tuple(each[k] for each in arrays) for k in range(last - first)]
    return found


def _scaled(data: Data, factor: float) -> Data:
    found = list(data)
    found[2] = data[2] * factor
    return tuple(found)


def _minimised(
    problems: list[Problem],
    starts: np.ndarray,
    data: list[Data],
    tolerance: float,
    iterations: int,
    known: tuple[np.ndarray, np.ndarray] | None = None,
) -> Any:
    structure = problems[0].structure
    lanes = starts.shape[0] * starts.shape[1]
    kernel = functools.partial(_first_lanes, structure, _FEW if lanes <= _FEW else CHUNK)
    centre, spread, lower, upper = (
        np.stack([getattr(each, name) for each in problems]) for name in ("centre", "spread", "lower", "upper")
    )
    return minimise(
        kernel,
        starts,
        tuple(np.stack(each) for each in zip(*data, strict=True)),
        lower,
        upper,
        tolerance=tolerance,
        maximum_iterations=iterations,
        prior=(centre, 1.0 / spread),
        known=known,
    )


def _first_lanes(structure: Structure, lanes: int, x: np.ndarray, data: Data) -> Any:
    """The model of the first lanes of a chunk: `minimise` fills its chunks up with copies of them."""
    return kernel_for(structure)(x[:lanes], tuple(each[:lanes] for each in data))


def _exchanged(problems: list[Problem], found: Minima, data: list[Data]) -> Minima:
    """Lines exchanged and put back in the samples that are fitted poorly."""
    points = np.array([each.points for each in problems])
    limit = points + _POOR * np.sqrt(2.0 * points)
    active = np.flatnonzero(found.cost > limit)
    for _ in range(_ROUNDS):
        if not len(active):
            break
        part = [problems[each] for each in active]
        moved = [_moved(each, x) for each, x in zip(part, found.values[active], strict=True)]
        starts = np.full((len(part), max(map(len, moved)), found.values.shape[1]), np.nan)
        for place, each in enumerate(moved):
            starts[place, : len(each)] = each
        known = found.values[active], found.cost[active]
        tried = _minimised(part, starts, [data[each] for each in active], 1e-3, 30, known)
        better = tried.cost < found.cost[active] * (1.0 - 1e-4)
        evaluations = found.evaluations.copy()
        evaluations[active] += tried.evaluations
        found = found.replaced(active[better], tried.rows(np.flatnonzero(better)))
        found = replace(found, evaluations=evaluations)
        active = active[better]
        active = active[found.cost[active] > limit[active]]
    return found


def _moved(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Vectors (moves, n) with the places of two lines of a region exchanged, or one line put back to its own."""
    structure, sample = problem.structure, problem.described
    place = problem.data[6] + structure.moves[0] @ x
    steps: list[dict[int, float]] = []
    for k, one in enumerate(sample.components):
        for other, two in enumerate(sample.components[:k]):
            gap = place[other] - place[k]
            if one.region == two.region and one.line != two.line and _MOVED < abs(gap) < _NEAR:
                steps.append({one.line: gap, two.line: -gap})
    offsets = x[structure.slices["offsets"]]
    steps += [{line: -float(offset)} for line, offset in enumerate(offsets) if abs(offset) > _MOVED]
    found = np.repeat(x[None], max(len(steps), 1), axis=0)
    for row, step in zip(found, steps, strict=False):
        own = row[structure.slices["offsets"]]
        for line, distance in step.items():
            own[line] += distance
            own[[child for child, parent in enumerate(structure.parents) if parent == line]] -= distance
    return np.clip(found, problem.lower, problem.upper)
