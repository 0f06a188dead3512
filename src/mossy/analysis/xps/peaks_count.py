"""How many lines a region holds, where nobody says: one more for as long as the Bayesian information criterion falls.

The variance in it is that of the noise and of `peaks_misfit.floor_of`, by which real lines deviate from any shape; one
more line must lower it by 10, which is called very strong evidence. Not kept are lines whose areas are not five
standard errors above 0 or are below 2 % of the largest, the weaker of two closer than half their width, shoulders of a
tenth of the line that they stand at, and lines at the very end of a region. Metals that are seen as such get a
Doniach-Sunjic line where that takes fewer lines.
A criterion counts lines, not chemical states: states closer than their width make one.

Sources: G. Schwarz, Ann. Stat. 6 (1978) 461, doi 10.1214/aos/1176344136; the 10: R. E. Kass, A. E. Raftery, J. Am.
Stat. Assoc. 90 (1995) 773, doi 10.1080/01621459.1995.10476572 (unverified).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mossy.analysis.xps.backgrounds import BACKGROUNDS, static_shirley
from mossy.analysis.xps.components import Component, Free, Link
from mossy.analysis.xps.peaks_errors import spread_of
from mossy.analysis.xps.peaks_misfit import FLOOR, POOR, Misfit, floor_of, misfit_of
from mossy.analysis.xps.peaks_model import GAUSSIAN, LORENTZIAN, POSITION, SHARED_WIDTH, Model, compiled
from mossy.analysis.xps.peaks_region import Region
from mossy.analysis.xps.peaks_shapes import full_width
from mossy.analysis.xps.peaks_solve import Solution, solved

MOST = 6
MOST_ADDED = 3
CAVEAT = (
    "the number of components was chosen by the Bayesian information criterion, with a systematic error of "
    f"{100.0 * FLOOR:g} % of the lines' height: it says how many lines are needed, not which chemical states there are"
)
METALS = ("Cu", "Ni", "Pd", "Ag", "Pt", "Au")
"""Elements that are mostly there as metals, whose own lines are asymmetric."""
_MATCHED = 1.2
"""eV: FWHM of the line that is looked for in the residuals"""
_ROOM, _LEFT_ROOM = 1.5, 0.5
_NOTHING_LEFT = 1.5
"""Standard errors, with the floor, of what is left: below no line is looked for"""
_SIGNIFICANT, _SMALLEST, _CLOSEST, _HALF_WIDTHS = 5.0, FLOOR, 0.5, 0.75
_STRONG = 10.0
_SHOULDER, _SHOULDER_WIDTHS = 0.1, 1.5
_ASYMMETRY, _LIFETIME = Free(0.05, 0.0, 0.3), Free(0.35, 0.05, 1.0)


@dataclass(frozen=True)
class Tried:
    """Components with their fit, its criterion and what it leaves."""

    components: tuple[Component, ...]
    model: Model
    solution: Solution
    criterion: float
    misfit: Misfit


class Counting:
    """The fits of one region, with a variance that has the systematic floor in it."""

    def __init__(self, region: Region, background: str, tolerance: float = _ROOM) -> None:
        self.region, self.background, self.tolerance = region, BACKGROUNDS[background], tolerance
        under = self.background.static
        self.level = static_shirley(region.energy, region.counts)
        self.offset = np.zeros_like(region.counts) if under is None else under(region.energy, region.counts)
        self.floor = floor_of(region.energy, np.convolve(region.counts - self.level, np.full(5, 0.2), "same"))

    def tried(self, components: Sequence[Component], start: Tried | None = None) -> Tried | None:
        """The fit of components, from another's parameters where these are alike; None where the points do not do."""
        region = self.region
        model = compiled(components, region, self.background, self.tolerance)
        freedom = len(region.counts) - model.columns.shape[1] - model.ties.shape[1] - len(model.names)
        if freedom <= 2:
            return None
        known = dict(zip(start.model.names, start.solution.theta, strict=True)) if start is not None else {}
        begin = [known.get(name, at) for name, at in zip(model.names, _started(model), strict=True)]
        solution = solved(model, region.counts, self.offset, np.array(begin), floor=self.floor)
        cost = solution.point.cost
        free, points = len(region.counts) - freedom, len(region.counts)
        weight = cost if region.poisson else points * math.log(cost / points)
        under = self.offset + model.columns @ solution.linear[model.ties.shape[1] :]
        misfit = misfit_of(region, solution.modelled, solution.modelled - under, freedom)
        criterion = weight + free * math.log(points)
        return Tried(tuple(components), model, solution, criterion, misfit)


def counted_components(region: Region, background: str, number: int | None = None) -> list[Component]:
    """Components at their found positions; `number` of them, or as many as the criterion asks for."""
    counting = Counting(region, background)
    if number is not None:
        return _renamed(_grown(counting, [], number)[-1])
    found = _best(counting, _grown(counting, [], MOST), ())
    if region.level is not None and region.level.element in METALS and len(found.components) > 1:
        metallic = _best(counting, _grown(counting, [], len(found.components) - 1, metallic=True), ())
        if metallic.misfit.reduced < max(POOR, found.misfit.reduced):
            found = metallic
    return _renamed(found)


def described(region: Region, components: Sequence[Component], background: str) -> tuple[list[Component], bool]:
    """Named components, with lines added where the residuals are largest if they leave structure; whether any were.

    Where the lines that the criterion chooses by itself describe the region better, it is those.
    """
    counting = Counting(region, background, 1.0)
    named = tuple(each.name for each in components)
    plain = _scanned(counting, components)
    if plain is None:
        return list(components), False
    if not plain.misfit.poor and plain.misfit.significance < _NOTHING_LEFT:
        return _moved(plain, _LEFT_ROOM), False
    added = _best(counting, [plain, *_grown(counting, components, MOST_ADDED)], named)
    free = counted_components(region, background)
    alone = counting.tried(free)
    if added.misfit.poor and alone is not None and alone.criterion < added.criterion:
        return free, True
    return _moved(added, _LEFT_ROOM), len(added.components) > len(components)


def _scanned(counting: Counting, components: Sequence[Component]) -> Tried | None:
    """The fit of components from the best of a few starts."""
    first = counting.tried(components)
    if first is None:
        return None
    again = solved(first.model, counting.region.counts, counting.offset, floor=counting.floor)
    return min(first, counting.tried(components, replace(first, solution=again)) or first, key=lambda t: t.criterion)


def _grown(counting: Counting, named: Sequence[Component], most: int, metallic: bool = False) -> list[Tried]:
    """Fits with 1, 2, ... lines beside the named ones, each put where most was left."""
    region = counting.region
    last = _scanned(counting, named) if named else None
    residual = (region.counts - counting.level) / np.sqrt(np.maximum(counting.level, 1.0))
    found: list[Tried] = []
    for size in range(1, most + 1):
        taken: list[float] = []
        if last is not None:
            values, residual = last.model.values(last.solution.theta), last.solution.point.residual
            areas = last.model.ties @ last.solution.linear[: last.model.ties.shape[1]]
            taken = [float(at) for at, area in zip(values[:, POSITION], areas, strict=True) if area > 0.0]
        at = _strongest(region.energy, residual, taken)
        line = _line(size, at, region)
        if metallic and size == 1:
            line = replace(line, shape="metallic", asymmetry=_ASYMMETRY, lorentzian_width=_LIFETIME)
        before = list(named) if last is None else _moved(last, _ROOM) if not named else list(last.components)
        now = counting.tried([*before, line], last)
        if (
            named
            and (again := _scanned(counting, [*before, line]))
            and (now is None or again.criterion < now.criterion)
        ):
            now = again
        if now is None:
            break
        found.append(now)
        last = now
    return found


def _best(counting: Counting, found: Sequence[Tried], named: Sequence[str]) -> Tried:
    """The fit that the criterion prefers, of those without lines that are not to be kept."""
    kept = [_kept(counting, each, named) for each in found]
    least = min(each.criterion for each in kept)
    return min((each for each in kept if each.criterion <= least + _STRONG), key=lambda each: len(each.components))


def _kept(counting: Counting, tried: Tried, named: Sequence[str]) -> Tried:
    """Without lines (beside the named) that are not determined, too small, or too close to a stronger one."""
    while len(tried.components) > 1:
        model, solution, reduced = tried.model, tried.solution, tried.misfit.reduced
        scale = max(reduced, 1.0) if counting.region.poisson else solution.point.cost / len(counting.floor)
        spread = spread_of(model, solution, scale)
        areas = model.ties @ solution.linear[: model.ties.shape[1]]
        errors, values = np.sqrt(np.diag(spread.areas)), model.values(solution.theta)
        doubtful = [
            k
            for k, each in enumerate(tried.components)
            if each.name not in named
            and (
                areas[k] < _SIGNIFICANT * errors[k]
                or areas[k] < _SMALLEST * areas.max()
                or _hidden(k, areas, values)
                or _at_end(k, values, model.energy)
            )
        ]
        if not doubtful:
            return tried
        worst = min(doubtful, key=lambda k: areas[k])
        again = counting.tried([each for k, each in enumerate(tried.components) if k != worst], tried)
        if again is None:
            return tried
        tried = again
    return tried


def _hidden(k: int, areas: np.ndarray, values: np.ndarray) -> bool:
    """Whether a line is closer than half a width to one that is stronger, or a mere shoulder of it."""
    width = full_width(float(values[k, GAUSSIAN]), float(values[k, LORENTZIAN]))[0]
    apart = np.abs(values[:, POSITION] - values[k, POSITION])
    close = (apart < _CLOSEST * width) & (areas > areas[k])
    shoulder = (apart < _SHOULDER_WIDTHS * width) & (_SHOULDER * areas > areas[k])
    return bool(np.any(close | shoulder))


def _at_end(k: int, values: np.ndarray, energy: np.ndarray) -> bool:
    """Whether a line is not half within the region: it may be a slope of the background."""
    reach = _HALF_WIDTHS * full_width(float(values[k, GAUSSIAN]), float(values[k, LORENTZIAN]))[0]
    return bool(values[k, POSITION] - reach < energy[0] or values[k, POSITION] + reach > energy[-1])


def _line(number: int, at: float, region: Region) -> Component:
    return Component(f"line {number}", _around(at, _ROOM, region.energy))


def _around(at: float, room: float, energy: np.ndarray) -> Free:
    at = float(np.clip(at, energy[0] + 1e-6, energy[-1] - 1e-6))
    return Free(at, max(at - room, float(energy[0])), min(at + room, float(energy[-1])))


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
    if SHARED_WIDTH in model.names:
        start[model.names.index(SHARED_WIDTH)] = _MATCHED
    return start


def _moved(tried: Tried, room: float) -> list[Component]:
    """The components with their free positions where they were found."""
    model, theta = tried.model, tried.solution.theta
    known = dict(zip(model.names, theta, strict=True))
    moved = []
    for each, at in zip(tried.components, model.values(theta)[:, POSITION], strict=True):
        position = each.position
        if isinstance(position, Link) and isinstance(position.offset, Free):
            found = float(known[f"{each.name}.offset of position"])
            position = replace(position, offset=replace(position.offset, start=found))
        elif isinstance(position, Free):
            position = _around(float(at), room, model.energy)
        moved.append(replace(each, position=position))
    return moved


def _renamed(tried: Tried) -> list[Component]:
    """Numbered by rising binding energy."""
    ordered = sorted(_moved(tried, _LEFT_ROOM), key=lambda each: each.position.start)  # type: ignore[union-attr]
    return [replace(each, name=f"line {number}") for number, each in enumerate(ordered, 1)]
