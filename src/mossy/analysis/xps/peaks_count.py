"""How many lines a region holds, where nobody says: one more for as long as the Bayesian information criterion falls.

A criterion counts lines that the noise does not explain, not chemical states: a wrong line shape or background makes
lines too, and states closer than their width make one.

Source: G. Schwarz, Ann. Stat. 6 (1978) 461, doi 10.1214/aos/1176344136.
"""

from __future__ import annotations

import math

import numpy as np

from mossy.analysis.xps.backgrounds import BACKGROUNDS, static_shirley
from mossy.analysis.xps.components import Component, Free
from mossy.analysis.xps.peaks_model import SHARED_WIDTH, Model, compiled
from mossy.analysis.xps.peaks_region import Region
from mossy.analysis.xps.peaks_solve import Solution, solved

MOST = 6
CAVEAT = (
    "the number of components was chosen by the Bayesian information criterion: it says how many lines the noise asks "
    "for, not which chemical states there are"
)
_MATCHED = 1.2
"""eV: FWHM of the line that is looked for in the residuals"""
_ROOM = 1.5


def counted_components(region: Region, background: str, number: int | None = None) -> list[Component]:
    """Components at their found positions; `number` of them, or as many as the criterion asks for."""
    counts = region.counts
    under = BACKGROUNDS[background].static
    offset = np.zeros_like(counts) if under is None else under(region.energy, counts)
    level = static_shirley(region.energy, counts)
    residual = (counts - level) / np.sqrt(np.maximum(level, 1.0))
    components: list[Component] = []
    best, least = components, math.inf
    for size in range(1, (number or MOST) + 1):
        at = _strongest(region.energy, residual, [float(each.position.start) for each in components])  # type: ignore[union-attr]
        components = [*components, _line(size, at, region)]
        model = compiled(components, region, BACKGROUNDS[background], _ROOM)
        if len(counts) <= model.columns.shape[1] + model.ties.shape[1] + len(model.names) + 2:
            break
        solution = solved(model, counts, offset, _started(model))
        components = _moved(components, model, solution)
        residual = solution.point.residual
        criterion = _criterion(region, model, solution)
        if number is not None or criterion < least:
            best, least = components, criterion
    return _renamed(best)


def _line(number: int, at: float, region: Region) -> Component:
    return Component(f"line {number}", Free(at, max(at - _ROOM, region.energy[0]), min(at + _ROOM, region.energy[-1])))


def _strongest(energy: np.ndarray, residual: np.ndarray, taken: list[float]) -> float:
    """Where a line of usual width would take most of the residual."""
    kernel = np.exp(-4.0 * math.log(2.0) * ((energy[:, None] - energy) / _MATCHED) ** 2)
    gain = kernel @ residual / np.sqrt(np.einsum("ij,ij->i", kernel, kernel))
    for place in taken:
        gain = np.where(np.abs(energy - place) < 0.25 * _MATCHED, -np.inf, gain)
    inner = slice(1, -1)
    return float(energy[inner][int(np.argmax(gain[inner]))])


def _started(model: Model) -> np.ndarray:
    start = model.start.copy()
    start[model.names.index(SHARED_WIDTH)] = _MATCHED
    return start


def _moved(components: list[Component], model: Model, solution: Solution) -> list[Component]:
    positions = model.values(solution.theta)[:, 0]
    low, high = model.energy[0], model.energy[-1]
    return [
        Component(each.name, Free(float(at), max(float(at) - _ROOM, low), min(float(at) + _ROOM, high)))
        for each, at in zip(components, np.clip(positions, low + 1e-6, high - 1e-6), strict=True)
    ]


def _renamed(components: list[Component]) -> list[Component]:
    """Numbered by rising binding energy."""
    ordered = sorted(components, key=lambda each: each.position.start)  # type: ignore[union-attr]
    return [Component(f"line {number}", each.position) for number, each in enumerate(ordered, 1)]


def _criterion(region: Region, model: Model, solution: Solution) -> float:
    points, free = len(region.counts), len(solution.linear) + len(solution.theta)
    cost = solution.point.cost
    return (cost if region.poisson else points * math.log(cost / points)) + free * math.log(points)
