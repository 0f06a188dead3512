"""The best fit of samples of one structure: continuation from wide to true errors, then lines that change places.

With the counting errors widened tenfold the priors lead, and every line comes near the peak that is its own; with the
true errors it settles there. Two lines of a region may yet have taken each other's peak, or one a stranger's: the best
of all moves (`phase_moves`) are followed to their minima, as long as that helps.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from mossy.analysis.xps.phase_model import Data, kernel_for, result_for
from mossy.analysis.xps.phase_moves import best_moves, with_all_phases
from mossy.analysis.xps.phase_problem import Problem
from mossy.analysis.xps.phase_start import FIRST
from mossy.numerics.many import Minima, minimise

_LANES = 2
"""That the compiled model takes at a time."""
_WIDENED = 0.1
_ROUNDS, _TRIED = 4, 4
"""How often lines are moved at most, and how many of the best moves are followed."""
_POOR = 5.0
"""Standard deviations of chi squared above its expectation, from where the other starts are tried too."""
_GAIN = 0.5
"""Of the cost, from where a move has helped."""


def best(problems: list[Problem]) -> tuple[Minima, list[Data], list[tuple[np.ndarray, ...]]]:
    """The least cost of each, with the errors that the model expects: (minima, data with those errors, curves)."""
    data = [each.data for each in problems]
    found = _searched(problems, data, slice(0, FIRST))
    points = np.array([each.points for each in problems])
    poor = np.flatnonzero(found.cost > points + _POOR * np.sqrt(2.0 * points))
    if len(poor):
        again = _searched([problems[k] for k in poor], [data[k] for k in poor], slice(FIRST, None))
        spent = found.evaluations.copy()
        spent[poor] += again.evaluations
        better = again.cost < found.cost[poor]
        found = found.replaced(poor[better], again.rows(np.flatnonzero(better)))
        found = replace(found, evaluations=spent)
    curves = results(problems, found.values, data)
    data = [each.weighted(modelled(each, *one[:2])) for each, one in zip(problems, curves, strict=True)]
    last = _minimised(problems, found.values[:, None], data, 1e-8, 100)
    last = replace(last, evaluations=last.evaluations + found.evaluations)
    return last, data, results(problems, last.values, data)


def _searched(problems: list[Problem], data: list[Data], which: slice) -> Minima:
    """From some of the starts of each."""
    count = max(len(each.starts[which]) for each in problems)
    starts = np.full((len(problems), count, problems[0].structure.length), np.nan)
    for place, each in enumerate(problems):
        starts[place, : len(each.starts[which])] = each.starts[which]
    wide = _minimised(problems, starts, [_scaled(each, _WIDENED) for each in data], 1e-3, 25)
    rival = np.where(np.isfinite(wide.rival_cost)[:, None], wide.rival, np.nan)
    found: Minima = _minimised(problems, np.stack([wide.values, rival], axis=1), data, 1e-5, 40)
    found = _rearranged(problems, found, data)
    return replace(found, evaluations=found.evaluations + wide.evaluations)


def modelled(problem: Problem, lines: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """Counts (regions, points); the backgrounds hold the losses already."""
    where = np.array([each.region for each in problem.described.components])
    peaks = np.stack([lines[where == place].sum(axis=0) for place in range(len(problem.regions))])
    return np.asarray(backgrounds + peaks)


def results(problems: list[Problem], values: np.ndarray, data: list[Data]) -> list[tuple[np.ndarray, ...]]:
    """`phase_model.result_for` of each."""
    result = result_for(problems[0].structure, problems[0].described.film_layers)
    return [tuple(np.asarray(part) for part in result(x, own)) for x, own in zip(values, data, strict=True)]


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
    kernel = functools.partial(_without_copies, kernel_for(structure))
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


def _without_copies(kernel: Any, x: np.ndarray, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """The model of the first lanes of a chunk, up to where `minimise` has filled it up with copies of them.

    Told apart by their vectors and a few counts: no two starts of a sample are the same.
    """
    told = np.concatenate([x, data[1][:, 0, :4]], axis=1)
    counts = range(1, len(x) + 1)
    lanes = next(k for k in counts if np.array_equal(told, np.resize(told[:k], told.shape), equal_nan=True))
    return _evaluated(kernel, x[:lanes], tuple(each[:lanes] for each in data))


def _evaluated(kernel: Any, x: np.ndarray, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """(residuals (lanes, m), derivatives (lanes, n, m)), a few lanes at a time: more are no faster on a CPU."""
    parts = []
    for first in range(0, len(x), _LANES):
        rows = np.resize(np.arange(first, min(first + _LANES, len(x))), _LANES)
        parts.append([np.asarray(part) for part in kernel(x[rows], tuple(each[rows] for each in data))])
    residuals, slopes = (np.concatenate([part[k] for part in parts]) for k in range(2))
    return residuals[: len(x)], slopes[: len(x)]


def _rearranged(problems: list[Problem], found: Minima, data: list[Data]) -> Minima:
    """Lines moved to where they might belong, as long as that helps."""
    active = np.arange(len(problems))
    for _ in range(_ROUNDS):
        if not len(active):
            break
        part, known = [problems[each] for each in active], (found.values[active], found.cost[active])
        own = [data[each] for each in active]
        whole = np.stack([with_all_phases(*pair) for pair in zip(part, known[0], strict=True)])
        areas = [each[2] for each in results(part, whole, own)]
        stacked = tuple(np.stack(each) for each in zip(*own, strict=True))
        linear = zip(*_evaluated(kernel_for(part[0].structure), whole, stacked), strict=True)
        moved = zip(part, own, whole, areas, linear, strict=True)
        starts = np.stack([best_moves(*each, count=_TRIED) for each in moved])
        tried = _minimised(part, starts, own, 1e-4, 30, known)
        better = tried.cost < known[1] - _GAIN
        evaluations = found.evaluations.copy()
        evaluations[active] += tried.evaluations
        found = replace(found.replaced(active[better], tried.rows(np.flatnonzero(better))), evaluations=evaluations)
        active = active[better]
    return found
