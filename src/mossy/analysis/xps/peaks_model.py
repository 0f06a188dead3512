"""Components compiled: one vector of free parameters -> the columns of a linear problem, and their derivatives.

Every parameter of a component is affine in the free ones (ties are), so V = base + slope theta holds them all; areas
that are tied share a column. Losses (Shirley, Tougaard) act on the columns as (1 + k O), k the last free parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mossy.analysis.xps import peaks_shapes
from mossy.analysis.xps.backgrounds import Background
from mossy.analysis.xps.components import Component, Fixed, Free, Link, Quantity
from mossy.analysis.xps.peaks_region import Region
from mossy.errors import InputError

KEYS = ("position", "gaussian_width", "lorentzian_width", "asymmetry", "splitting", "ratio")
POSITION, GAUSSIAN, LORENTZIAN, ASYMMETRY, SPLITTING, RATIO = range(6)
LOSSES = "background losses"
SHARED_WIDTH = "shared gaussian_width"
_WIDTH_START, _WIDTHS = 1.2, (0.25, 4.0)
_LORENTZIANS, _ASYMMETRIES, _RATIOS = (0.0, 3.0), (0.0, 0.45), (0.1, 2.0)
_SPLITTING_WITHIN = 0.2
_LOSSES_START = 0.1
"""Of the range of the losses' amplitude"""


@dataclass
class _Collected:
    """The free parameters as they are collected."""

    names: list[str] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, name: str, start: float, lower: float, upper: float) -> str:
        """The parameter's name, entered if it is new."""
        if name not in self.names:
            if not lower <= start <= upper or not lower < upper:
                problem = f"starts at {start:g}, with bounds {lower:g} and {upper:g}"
                raise InputError(problem, key=name, remedy="give a start between a lower and a higher bound")
            self.names.append(name)
            self.start.append(start)
            self.lower.append(lower)
            self.upper.append(upper)
        return name


Affine = tuple[float, dict[str, float]]
"""A constant and the coefficients of free parameters."""


@dataclass(frozen=True)
class Model:
    """`base` (m, 6) and `slope` (m, 6, p) of the components' parameters; `ties` (m, g): areas from the free ones."""

    components: tuple[Component, ...]
    names: tuple[str, ...]
    start: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    base: np.ndarray
    slope: np.ndarray
    ties: np.ndarray
    mixing: np.ndarray
    energy: np.ndarray
    columns: np.ndarray
    operator: np.ndarray | None

    def values(self, theta: np.ndarray) -> np.ndarray:
        """(m, 6): every parameter of every component."""
        return self.base + self.slope @ theta

    def lines(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The components (m, n), of unit area, and their derivatives by their own parameters (m, 6, n)."""
        v = self.values(theta)
        value = np.empty((len(v), len(self.energy)))
        slopes = np.zeros((len(v), 6, len(self.energy)))
        for shape in {each.shape for each in self.components}:
            rows = np.array([k for k, each in enumerate(self.components) if each.shape == shape])
            value[rows], slopes[rows] = _doublets(shape, self.energy, v[rows], self.mixing[rows])
        return value, slopes

    def basis(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The linear columns (n, g + b), the components with their losses (n, m) and what makes derivatives."""
        lines, slopes = self.lines(theta)
        shown = lines.T
        if self.operator is not None:
            shown = shown + theta[-1] * (self.operator @ shown)
        return np.concatenate([shown @ self.ties, self.columns], axis=1), lines.T, slopes

    def by_theta(self, theta: np.ndarray, areas: np.ndarray, lines: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The derivatives (n, p) of the modelled counts by the free parameters, at the components' areas (m,)."""
        weights = areas[:, None, None] * self.slope
        found = np.tensordot(slopes, weights, axes=([0, 1], [0, 1]))
        if self.operator is not None:
            found = found + theta[-1] * (self.operator @ found)
            found[:, -1] = self.operator @ (lines @ areas)
        return found


def _doublets(shape: str, energy: np.ndarray, v: np.ndarray, mixing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components of one shape: stronger and weaker line together, of area 1; derivatives by the six parameters."""
    ratio = v[:, RATIO : RATIO + 1]
    value, *by = _shape(shape, energy, v, v[:, POSITION], mixing)
    slopes = np.zeros((len(v), 6, len(energy)))
    if not ratio.any():
        for key, each in zip((POSITION, GAUSSIAN, LORENTZIAN, ASYMMETRY), by, strict=True):
            slopes[:, key] = each
        return value, slopes
    weaker, *also = _shape(shape, energy, v, v[:, POSITION] + v[:, SPLITTING], mixing)
    strong, weak = 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)
    for key, first, second in zip((POSITION, GAUSSIAN, LORENTZIAN, ASYMMETRY), by, also, strict=True):
        slopes[:, key] = strong * first + weak * second
    slopes[:, SPLITTING] = weak * also[0]
    slopes[:, RATIO] = (weaker - value) / (1.0 + ratio) ** 2
    return strong * value + weak * weaker, slopes


def _shape(
    shape: str, energy: np.ndarray, v: np.ndarray, position: np.ndarray, mixing: np.ndarray
) -> peaks_shapes.Derivatives:
    at, width, lorentzian = position[:, None], v[:, GAUSSIAN, None], v[:, LORENTZIAN, None]
    if shape == "voigt":
        return peaks_shapes.voigt(energy, at, width, lorentzian)
    if shape == "metallic":
        return peaks_shapes.metallic(energy, at, width, lorentzian, v[:, ASYMMETRY, None])
    line = peaks_shapes.product if shape == "product" else peaks_shapes.mixed_sum
    return line(energy, at, width, mixing[:, None])


def compiled(components: Sequence[Component], region: Region, background: Background, tolerance: float) -> Model:
    """The model of components that `components.checked` has passed."""
    free = _Collected()
    by_name = {each.name: each for each in components}
    resolved = [[_resolved(each, key, by_name, region, free, tolerance) for key in KEYS] for each in components]
    if background.operator is not None:
        low, high = background.amplitude
        free.add(LOSSES, low + _LOSSES_START * (high - low), low, high)
    place = {name: k for k, name in enumerate(free.names)}
    base = np.array([[constant for constant, _ in row] for row in resolved])
    slope = np.zeros((*base.shape, len(free.names)))
    for m, row in enumerate(resolved):
        for k, (_, coefficients) in enumerate(row):
            for name, coefficient in coefficients.items():
                slope[m, k, place[name]] += coefficient
    return Model(
        components=tuple(components),
        names=tuple(free.names),
        start=np.array(free.start),
        lower=np.array(free.lower),
        upper=np.array(free.upper),
        base=base,
        slope=slope,
        ties=_area_ties(components),
        mixing=np.array([each.mixing for each in components]),
        energy=region.energy,
        columns=background.columns(region.energy),
        operator=None if background.operator is None else background.operator(region.energy),
    )


def _area_ties(components: Sequence[Component]) -> np.ndarray:
    names = [each.name for each in components]
    leaders = [k for k, each in enumerate(components) if each.area is None]
    ties = np.zeros((len(components), len(leaders)))
    for m, each in enumerate(components):
        factor, link = 1.0, each.area
        while link is not None:
            if link.factor <= 0.0:
                problem = f"an area of {link.factor:g} times that of '{link.to}'"
                raise InputError(problem, key=f"{each.name}.area", remedy="give a factor above 0")
            factor, other = factor * link.factor, components[names.index(link.to)]
            each, link = other, other.area
        ties[m, leaders.index(names.index(each.name))] = factor
    return ties


def _resolved(
    component: Component, key: str, by_name: dict[str, Component], region: Region, free: _Collected, tolerance: float
) -> Affine:
    given: Quantity | None = getattr(component, key)
    label = f"{component.name}.{key}"
    if isinstance(given, Link):
        constant, coefficients = _resolved(by_name[given.to], key, by_name, region, free, tolerance)
        constant, coefficients = given.factor * constant, {k: given.factor * v for k, v in coefficients.items()}
        if isinstance(given.offset, Free):
            start = given.offset.start
            lower, upper = _bounds(given.offset, start - tolerance, start + tolerance)
            coefficients[free.add(f"{component.name}.offset of {key}", start, lower, upper)] = 1.0
            return constant, coefficients
        return constant + given.offset, coefficients
    if isinstance(given, Fixed):
        return given.value, {}
    if given is None:
        return _by_default(component, key, region, free)
    quantity = given if isinstance(given, Free) else Free(float(given))
    lower, upper = _bounds(quantity, *_usual(key, quantity.start, tolerance))
    return 0.0, {free.add(label, quantity.start, lower, upper): 1.0}


def _by_default(component: Component, key: str, region: Region, free: _Collected) -> Affine:
    level, single_line = region.level_of(component.name, component.level)
    if key == "gaussian_width":
        return 0.0, {free.add(SHARED_WIDTH, _WIDTH_START, *_WIDTHS): 1.0}
    if key == "lorentzian_width":
        return (level.natural_width if level is not None else 0.0), {}
    split = component.doublet
    if split is None:
        asked = component.splitting is not None or component.ratio is not None
        split = asked or (level is not None and level.splitting > 0.0 and not single_line)
    if not split:
        return 0.0, {}
    if level is None or level.splitting == 0.0:
        problem = f"a doublet, but the library knows no {key} for '{region.name}'"
        raise InputError(problem, key=component.name, remedy="give splitting= and ratio= yourself, or doublet=no")
    return (level.splitting if key == "splitting" else level.ratio), {}


def _bounds(quantity: Free, lower: float, upper: float) -> tuple[float, float]:
    return (
        lower if quantity.lower is None else quantity.lower,
        upper if quantity.upper is None else quantity.upper,
    )


def _usual(key: str, start: float, tolerance: float) -> tuple[float, float]:
    """The bounds of a free parameter whose component gives none."""
    if key == "position":
        return start - tolerance, start + tolerance
    if key == "splitting":
        return (1.0 - _SPLITTING_WITHIN) * start, (1.0 + _SPLITTING_WITHIN) * start
    kinds = {"gaussian_width": _WIDTHS, "lorentzian_width": _LORENTZIANS, "asymmetry": _ASYMMETRIES, "ratio": _RATIOS}
    return kinds[key]
