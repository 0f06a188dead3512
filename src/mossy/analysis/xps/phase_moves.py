"""Lines that sit on the wrong peak: where each might go, judged without a fit.

A line moves to another place within its prior, alone or with those tied to it; two lines of a region exchange places.
With r the weighted residuals after the move (the priors' among them) and J the derivatives of everything that can still
adjust, the cost that is left is |r|^2 - r'J (J'J)^-1 J'r: hundreds of moves cost less than one step of the fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import voigt_profile

from mossy.analysis.xps.phase_model import DATA, Data
from mossy.analysis.xps.phase_problem import Problem

REACH = 2.5
"""Spreads of a line's prior within which it is tried."""
_PLACES = 11
_NEAR, _SAME = 3.0, 0.05
"""eV between lines that may have been taken for each other, and that are on one place."""
_PRESENT = 0.05
"""The amount that a phase is given before its lines are moved: one that is absent has no place."""
_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class Move:
    """Changes of own offsets by line, the lines whose place changes with them, and what kind of move it is."""

    offsets: dict[int, float]
    moved: dict[int, float]
    kind: tuple[int, ...]


def with_all_phases(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The vector with at least a little of every phase."""
    found = x.copy()
    amounts = found[problem.structure.slices["amounts"]]
    amounts[:] = np.maximum(amounts, _PRESENT)
    return np.clip(found, problem.lower, problem.upper)


def best_moves(
    problem: Problem,
    data: Data,
    x: np.ndarray,
    areas: np.ndarray,
    linearised: tuple[np.ndarray, np.ndarray],
    count: int,
) -> np.ndarray:
    """The vectors (count, n) after the most promising moves of different kinds; NaN where there are fewer.

    `areas` of the components, and `linearised` (residuals (m,), derivatives (n, m)) of the model at x, without priors.
    """
    judged: dict[tuple[int, ...], tuple[float, Move]] = {}
    judge = _Judge(problem, data, x, areas, *linearised)
    for move in _moves(problem, x, judge.places):
        cost = judge.cost(move)
        if move.kind not in judged or cost < judged[move.kind][0]:
            judged[move.kind] = (cost, move)
    found = np.full((count, len(x)), np.nan)
    best = sorted(judged.values(), key=lambda pair: pair[0])[:count]
    start = problem.structure.slices["offsets"].start
    for row, (_, move) in zip(found, best, strict=False):
        row[:] = x
        for line, change in move.offsets.items():
            row[start + line] += change
    return np.clip(found, problem.lower, problem.upper)


def _moves(problem: Problem, x: np.ndarray, places: np.ndarray) -> Iterator[Move]:
    structure, sample = problem.structure, problem.described
    offsets = x[structure.slices["offsets"]]
    children = {
        line: [child for child, parent in enumerate(structure.parents) if parent == line]
        for line in range(len(structure.parents))
    }
    seen = {each.line for each in sample.components}
    for line, of in enumerate(sample.lines):
        for target in np.linspace(-REACH, REACH, _PLACES) * of.spread:
            step = float(target - offsets[line])
            if abs(step) < _SAME:
                continue
            if line in seen:
                kept = {child: -step for child in children[line]}
                yield Move({line: step, **kept}, {line: step}, (line,))
            if children[line]:
                yield Move({line: step}, dict.fromkeys(_descent(line, children), step), (line, line))
    for k, one in enumerate(sample.components):
        for other, two in enumerate(sample.components[:k]):
            gap = float(places[other] - places[k])
            if one.region == two.region and one.line != two.line and _SAME < abs(gap) < _NEAR:
                changes = {one.line: gap, two.line: -gap}
                steps = dict(changes)
                for line, change in changes.items():
                    for child in children[line]:
                        steps[child] = steps.get(child, 0.0) - change
                yield Move(steps, changes, (one.line, two.line, -1))


def _descent(line: int, children: dict[int, list[int]]) -> list[int]:
    found = [line]
    for child in children[line]:
        found += _descent(child, children)
    return found


class _Judge:
    """The linearised problem at one vector."""

    def __init__(
        self,
        problem: Problem,
        data: Data,
        x: np.ndarray,
        areas: np.ndarray,
        residual: np.ndarray,
        jacobian: np.ndarray,
    ) -> None:
        structure = problem.structure
        self.problem, self.data, self.areas = problem, dict(zip(DATA, data, strict=True)), areas
        self.places = self.data["base"] + structure.moves[0] @ x
        self.sigma = np.exp(structure.moves[1] @ x) / _SIGMA
        self.first = structure.slices["offsets"].start
        self.inverse_spread = 1.0 / problem.spread
        self.off = (x - problem.centre) * self.inverse_spread
        self.points = self.data["energy"].shape[1]
        self.blocks = [slice(k * self.points, (k + 1) * self.points) for k in range(len(problem.regions))]
        self.residual, self.jacobian = residual, jacobian
        self.normal = jacobian @ jacobian.T + np.diag(self.inverse_spread**2)
        self.gradient = jacobian @ residual + self.off * self.inverse_spread
        self.squares = float(residual @ residual + self.off @ self.off)
        held = ((x <= problem.lower) & (self.gradient > 0.0)) | ((x >= problem.upper) & (self.gradient < 0.0))
        self.free = ~held & (np.diagonal(self.normal) > 0.0)
        self.at_rest = [self._curve(k, 0.0) for k in range(len(structure.components))]
        self.inverses: dict[tuple[int, ...], np.ndarray] = {}

    def cost(self, move: Move) -> float:
        """What is left after the move when all but the moved lines' offsets adjust."""
        squares, gradient = self.squares, self.gradient.copy()
        for region, change in self._changes(move).items():
            block = self.blocks[region]
            squares += float(change @ (2.0 * self.residual[block] + change))
            gradient += self.jacobian[:, block] @ change
        for line, distance in move.offsets.items():
            place = self.first + line
            step = distance * self.inverse_spread[place]
            squares += float(step * (2.0 * self.off[place] + step))
            gradient[place] += step * self.inverse_spread[place]
        key = tuple(sorted(move.moved))
        if key not in self.inverses:
            self.inverses[key] = self._inverse(key)
        return squares - float(gradient @ self.inverses[key] @ gradient)

    def _inverse(self, moved: tuple[int, ...]) -> np.ndarray:
        """Of the normal matrix of what may adjust, zero elsewhere."""
        free = self.free.copy()
        free[[self.first + line for line in moved]] = False
        kept = np.flatnonzero(free)
        size = 1.0 / np.sqrt(np.diagonal(self.normal)[kept])
        scaled = self.normal[np.ix_(kept, kept)] * np.outer(size, size) + 1e-9 * np.eye(len(kept))
        inverse = np.zeros_like(self.normal)
        inverse[np.ix_(kept, kept)] = np.linalg.inv(scaled) * np.outer(size, size)
        return inverse

    def _changes(self, move: Move) -> dict[int, np.ndarray]:
        """Weighted change of the model in each region that the move touches."""
        found: dict[int, np.ndarray] = {}
        for k, each in enumerate(self.problem.described.components):
            if each.line in move.moved:
                change = self._curve(k, move.moved[each.line]) - self.at_rest[k]
                found[each.region] = found.get(each.region, 0.0) + change
        return found

    def _curve(self, component: int, distance: float) -> np.ndarray:
        """The weighted line of a component, `distance` from where it is, without its losses."""
        region = self.problem.structure.components[component][0]
        energy = self.data["energy"][region] - self.places[component] - distance
        sigma, gamma = self.sigma[component], 0.5 * self.data["lorentzian"][component]
        shape = voigt_profile(energy, sigma, gamma)
        ratio = self.data["ratio"][component]
        if ratio > 0.0:
            second = voigt_profile(energy - self.data["splitting"][component], sigma, gamma)
            shape = (shape + ratio * second) / (1.0 + ratio)
        scale = self.areas[component] * self.data["transmission"][region] * self.data["weight"][region]
        return np.asarray(scale * shape)
