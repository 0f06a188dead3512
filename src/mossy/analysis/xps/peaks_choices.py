"""How much the areas hang on what an analyst chooses: background, ends of the region, line shape, one width or several.

Each choice is made alone, from the fit that was asked for. One with a reduced chi squared of more than 1.5 times the
best (of those with as many parameters) is not counted: nobody would keep it. The error of a family of choices is the
root mean square of what they change; those of the families are added in quadrature, to each other and to the
statistical error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mossy.analysis.xps.backgrounds import BACKGROUNDS
from mossy.analysis.xps.components import Component, Fixed, Free
from mossy.analysis.xps.peaks_model import GAUSSIAN, SHARED_WIDTH, Model, compiled
from mossy.analysis.xps.peaks_region import Region
from mossy.analysis.xps.peaks_solve import Solution, position_spans, solved

_BACKGROUNDS = ("shirley", "shirley on a constant", "tougaard", "linear", "static shirley")
_TRIMMED = 0.1
_LINE_NEEDS = 1.5
"""Of the lines' own widths that an end must leave beyond the outermost"""
_WORSE = 1.5


@dataclass(frozen=True)
class Task:
    """All that a fit depends on."""

    region: Region
    components: tuple[Component, ...]
    background: str
    tolerance: float

    def model(self) -> tuple[Model, np.ndarray]:
        """The compiled model, and the background that is fixed beforehand."""
        background = BACKGROUNDS[self.background]
        model = compiled(self.components, self.region, background, self.tolerance)
        counts = self.region.counts
        offset = np.zeros_like(counts) if background.static is None else background.static(self.region.energy, counts)
        return model, offset


@dataclass(frozen=True)
class Tried:
    """One choice: areas (m,) and parameters (m, 6) of the components under it."""

    family: str
    label: str
    reduced_chi_squared: float
    areas: np.ndarray
    values: np.ndarray


def tried_choices(task: Task, model: Model, solution: Solution) -> list[Tried]:
    """The fit repeated under every choice that its lines allow."""
    found = []
    for family, label, other in _others(task, model, solution):
        again, offset = other.model()
        known = dict(zip(model.names, solution.theta, strict=True))
        start = np.array([known.get(name, begin) for name, begin in zip(again.names, again.start, strict=True)])
        if family == "line shape":
            start = np.clip(start, again.lower, again.upper)
        end = solved(again, other.region.counts, offset, start)
        freedom = max(len(other.region.counts) - len(end.linear) - len(end.theta), 1)
        areas = again.ties @ end.linear[: again.ties.shape[1]]
        found.append(Tried(family, label, end.point.cost / freedom, areas, again.values(end.theta)))
    return found


def kept_choices(tried: Sequence[Tried], own: float) -> list[bool]:
    """Which choices count, given the reduced chi squared of the fit itself."""
    alike = [each.reduced_chi_squared for each in tried if each.family in ("background", "line shape")]
    best = min([own, *alike])
    return [each.reduced_chi_squared <= _WORSE * best for each in tried]


def choice_covariance(tried: Sequence[Tried], areas: np.ndarray) -> np.ndarray:
    """(m, m) of the areas: for each family the mean of what its choices change, squared."""
    total = np.zeros((len(areas), len(areas)))
    for family in {each.family for each in tried}:
        changes = np.array([each.areas - areas for each in tried if each.family == family])
        total += changes.T @ changes / len(changes)
    return total


def choice_errors(tried: Sequence[Tried], values: np.ndarray) -> np.ndarray:
    """(m, 6): the same of the components' other parameters; a width means the same only while its shape does."""
    total = np.zeros_like(values)
    for family in {each.family for each in tried}:
        changes = np.array([each.values - values for each in tried if each.family == family])
        squares = np.mean(changes**2, axis=0)
        if family == "line shape":
            squares[:, GAUSSIAN:] = 0.0
        total += squares
    return np.sqrt(total)


def _others(task: Task, model: Model, solution: Solution) -> Iterator[tuple[str, str, Task]]:
    for name in _BACKGROUNDS:
        if name != task.background:
            yield "background", name, replace(task, background=name)
    energy = task.region.energy
    low, high = position_spans(model, solution.theta, _LINE_NEEDS)
    cut = _TRIMMED * (energy[-1] - energy[0])
    ends = {
        "from a tenth above the lower end": (energy[0] + cut, energy[-1]),
        "to a tenth below the upper end": (energy[0], energy[-1] - cut),
    }
    for label, (first, last) in ends.items():
        if first <= low and last >= high:
            yield "ends", label, replace(task, region=task.region.cut(first, last))
    yield from _shapes(task)
    yield from _own_widths(task, model, solution)


def _shapes(task: Task) -> Iterator[tuple[str, str, Task]]:
    """Voigt lines as Gaussian-Lorentzian products (the field's habit) and sums, and the other way round."""
    symmetric = [each.shape for each in task.components if each.shape != "metallic"]
    if not symmetric:
        return
    for shape in ("voigt", "product", "sum"):
        if any(each != shape for each in symmetric):
            yield "line shape", shape, replace(task, components=tuple(_as(each, shape) for each in task.components))


def _own_widths(task: Task, model: Model, solution: Solution) -> Iterator[tuple[str, str, Task]]:
    """A width for each line, where several share one: half as wide to twice as wide."""
    if sum(each.gaussian_width is None for each in task.components) < 2:
        return
    shared = float(solution.theta[model.names.index(SHARED_WIDTH)])
    own = Free(shared, 0.5 * shared, 2.0 * shared)
    freed = tuple(replace(each, gaussian_width=each.gaussian_width or own) for each in task.components)
    yield "widths", "a width for each line", replace(task, components=freed)


def _as(component: Component, shape: str) -> Component:
    if component.shape == "metallic" or component.shape == shape:
        return component
    if shape == "voigt":
        return replace(component, shape=shape)
    return replace(component, shape=shape, lorentzian_width=Fixed(0.0))
