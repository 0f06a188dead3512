"""From the vector that fits best, its covariance and the model's curves to what a person reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mossy.analysis.xps.phase_flags import flags_of, notes_of
from mossy.analysis.xps.phase_model import Data
from mossy.analysis.xps.phase_problem import Problem
from mossy.analysis.xps.phase_results import (
    Amount,
    FittedLayer,
    FittedRegion,
    PhaseComponent,
    PhaseFit,
    indistinguishable,
    limited,
)
from mossy.analysis.xps.phase_scale import Scale
from mossy.analysis.xps.phase_search import modelled
from mossy.analysis.xps.phase_start import DEEPEST
from mossy.numerics.many import Minima

_VAGUE = {"amounts": 1.0, "patches": 1.0, "depths": 4.0}
"""How wide these may be at most where the data say nothing: an amount is a part of 1, a depth some mean free paths."""
POOR_FIT = 5.0
"""Reduced chi squared from where a fit is called poor, if the errors of the counts are known."""
_UNITS = {"shifts": "eV", "offsets": "eV", "depths": "mean free paths"}


def fit_of(
    problem: Problem,
    minimum: Minima,
    data: Data,
    result: tuple[np.ndarray, ...],
    scale: Scale | None,
) -> PhaseFit:
    """The fit of one sample, from one row of minima and `phase_model.result_for`."""
    lines, backgrounds, areas, values, slopes = result
    x = minimum.values[0]
    regions = _regions(problem, x, data, lines, backgrounds, areas)
    chi_squared = sum(region.chi_squared for region in regions)
    covariance, freedom = _covariance(problem, minimum, chi_squared)
    found = _Quantities(problem, values, slopes, covariance)
    amounts = found.film_amounts()
    scaled = found.scaled(scale)
    known = all(region.excess == 1.0 for region in problem.regions)
    poor = "poor fit" if known and chi_squared > POOR_FIT * freedom else "done"
    fit = PhaseFit(
        status=poor if minimum.converged[0] else "not converged",
        amounts=amounts,
        areal_amounts=scaled[0],
        layers=found.layers(x, covariance, scaled[1]),
        regions=regions,
        shifts=dict(zip(problem.described.domains, _parameters(problem, x, covariance, "shifts"), strict=True)),
        patches=found.patches(),
        parameters=_all_parameters(problem, x, covariance),
        covariance=covariance,
        amounts_covariance=found.film_covariance,
        indistinguishable=indistinguishable(
            list(amounts), np.array([each.value for each in amounts.values()]), found.film_covariance
        ),
        chi_squared=chi_squared,
        points=problem.points,
        degrees_of_freedom=freedom,
        evaluations=int(minimum.evaluations[0]),
    )
    fit, withheld = _known(problem, fit)
    faults, caveats = flags_of(problem, fit)
    notes = (*withheld, *notes_of(problem, fit, scale))
    return replace(fit, flags=tuple(dict.fromkeys((*faults, *caveats))), faults=faults, notes=notes)


def _known(problem: Problem, fit: PhaseFit) -> tuple[PhaseFit, list[str]]:
    """The fit without what it cannot know, and why that is not given."""
    none = {"amounts": {}, "areal_amounts": {}, "amounts_covariance": np.zeros((0, 0)), "indistinguishable": ()}
    if fit.status == "not converged":
        fit = replace(fit, **none, layers=(), patches={})  # type: ignore[arg-type]
        return fit, ["no amounts are given, for the fit has not converged"]
    endless = [layer for layer in fit.layers if layer.thickness_over_path and _endless(layer.thickness_over_path)]
    told = [_thicker(layer.name, layer.thickness_over_path) for layer in endless if layer.thickness_over_path]
    if endless and len(problem.described.film_layers) > 1:
        told.append("no amounts of the whole film, for its bottom is not seen: the fractions are those of each layer")
        fit = replace(fit, **none)  # type: ignore[arg-type]
    return fit, told


def _endless(depth: Amount) -> bool:
    """Whether what comes through from below, exp(-d) of it, is less than two of its errors above zero."""
    return depth.standard_error >= 0.5 or depth.value > 0.95 * DEEPEST


def _thicker(name: str, depth: Amount) -> str:
    through = np.exp(-depth.value)
    most = limited(through, through * depth.standard_error, "", 1.0).upper_limit
    bound = f": thicker than {-np.log(most):.1f} mean free paths (95 %)" if most is not None and most < 0.9 else ""
    return f"the bottom of {name} is not seen{bound}"


def _covariance(problem: Problem, minimum: Minima, chi_squared: float) -> tuple[np.ndarray, float]:
    """The posterior's, held amounts included, times the reduced chi squared where that is above 1; and the degrees of
    freedom, points less what the data rather than the priors determine.
    """
    structure, normal = problem.structure, minimum.normal[0]
    prior = 1.0 / problem.spread**2
    vague = np.zeros(len(normal))
    for name, width in _VAGUE.items():
        vague[structure.slices[name]] = 1.0 / width**2
    fixed = problem.lower == problem.upper
    beyond = minimum.held[0] & ~np.isin(np.arange(len(normal)), _inside(problem))
    free = np.flatnonzero(~fixed & ~beyond)
    kept = normal[np.ix_(free, free)] + np.diag(vague[free])
    size = 1.0 / np.sqrt(np.maximum(np.diagonal(kept), 1e-300))
    inverse = np.linalg.pinv(kept * np.outer(size, size), rcond=1e-13, hermitian=True) * np.outer(size, size)
    determined = len(free) - float(np.sum((prior + vague)[free] * np.diagonal(inverse)))
    sums = len(structure.stacks and {layer for stack in structure.stacks for layer in stack}) + bool(structure.sizes[1])
    freedom = max(problem.points - max(determined - sums, 0.0), 1.0)
    covariance = np.zeros_like(normal)
    covariance[np.ix_(free, free)] = inverse * max(1.0, chi_squared / freedom)
    return covariance, freedom


def _inside(problem: Problem) -> np.ndarray:
    """The places of the amounts, areas of patches and depths, whose errors count at a bound too."""
    return np.arange(problem.structure.slices["depths"].stop)


def _all_parameters(problem: Problem, x: np.ndarray, covariance: np.ndarray) -> dict[str, Amount]:
    groups = [_parameters(problem, x, covariance, name) for name in problem.structure.slices]
    return dict(zip(problem.names, [each for group in groups for each in group], strict=True))


def _parameters(problem: Problem, x: np.ndarray, covariance: np.ndarray, group: str) -> list[Amount]:
    """Those of one group; widths as widths, not as their logarithms."""
    at = problem.structure.slices[group]
    errors = np.sqrt(np.diagonal(covariance))[at]
    values, unit = x[at], _UNITS.get(group, "")
    if group == "widths":
        values, errors, unit = np.exp(values), np.exp(values) * errors, "eV"
    return [Amount(float(value), float(error), unit) for value, error in zip(values, errors, strict=True)]


def _regions(
    problem: Problem, x: np.ndarray, data: Data, lines: np.ndarray, backgrounds: np.ndarray, areas: np.ndarray
) -> tuple[FittedRegion, ...]:
    structure, sample = problem.structure, problem.described
    model = modelled(problem, lines, backgrounds)
    places = data[6] + structure.moves[0] @ x
    found = []
    for number, region in enumerate(problem.regions):
        points = len(region.energy)
        components = tuple(
            PhaseComponent(
                sample.phases[sample.lines[each.line].phase].name,
                sample.lines[each.line].line.orbital,
                sample.lines[each.line].line.environment,
                sample.domains[each.domain],
                float(places[k]),
                float(areas[k]),
                lines[k, :points],
            )
            for k, each in enumerate(sample.components)
            if each.region == number
        )
        width = float(np.exp(x[structure.slices["widths"].start + structure.regions[number][1]]))
        fitted = model[number, :points]
        residual = (region.counts - fitted) * data[2][number, :points]
        background = backgrounds[number, :points]
        found.append(
            FittedRegion(region.name, region.energy, region.counts, fitted, background, residual, components, width)
        )
    return tuple(found)


class _Quantities:
    """The vector of `phase_model.quantities` with its covariance, taken apart."""

    def __init__(self, problem: Problem, values: np.ndarray, slopes: np.ndarray, covariance: np.ndarray) -> None:
        self.problem, self.sample, self.values = problem, problem.described, values
        self.slopes, self.inner = slopes, covariance
        sample = self.sample
        counts = (len(sample.entries), len(sample.entries), len(sample.patches), len(sample.finite), len(sample.layers))
        ends = np.cumsum((0, *counts, len(sample.phases)))
        keys = ("volumes", "moles", "patches", "thickness", "paths", "amounts")
        self.at = {key: np.arange(ends[k], ends[k + 1]) for k, key in enumerate(keys)}
        names = [phase.name for phase in sample.phases]
        self.film = [names[place] for place in sample.film_phases]
        raw = values[self.at["amounts"]][list(sample.film_phases)]
        rows = slopes[self.at["amounts"]][list(sample.film_phases)]
        self.raw, self.rows = raw, rows
        total = raw.sum()
        self.fractions = raw / total
        jacobian = (rows - self.fractions[:, None] * rows.sum(axis=0)) / total
        self.film_covariance = jacobian @ covariance @ jacobian.T

    def film_amounts(self) -> dict[str, Amount]:
        """Mole fraction of each phase in the film."""
        errors = np.sqrt(np.maximum(np.diagonal(self.film_covariance), 0.0))
        return {
            name: limited(float(value), float(error), "mole fraction", 1.0)
            for name, value, error in zip(self.film, self.fractions, errors, strict=True)
        }

    def _error(self, place: int) -> float:
        row = self.slopes[place]
        return float(np.sqrt(max(row @ self.inner @ row, 0.0)))

    def patches(self) -> dict[str, Amount]:
        """Part of the area of each patch, where there are several."""
        if len(self.sample.patches) < 2:
            return {}
        return {
            name: limited(float(self.values[place]), self._error(place), "part of the area", 1.0)
            for name, place in zip(self.sample.patches, self.at["patches"], strict=True)
        }

    def scaled(self, scale: Scale | None) -> tuple[dict[str, Amount], list[Amount]]:
        """(nmol/cm2 of each phase in the film, thickness of each finite layer, nm), with the error of the scale."""
        if scale is None or not len(self.at["thickness"]):
            return {}, []
        thick, rows = self.values[self.at["thickness"]], self.slopes[self.at["thickness"]]
        factor, along, deep = scale.of(self.film, self.raw, thick)
        common = along @ self.rows + deep @ rows

        def one(value: float, row: np.ndarray, unit: str) -> Amount:
            slope = factor * (row + value * common)
            error = float(np.sqrt(max(slope @ self.inner @ slope, 0.0) + (factor * value * scale.relative_error) ** 2))
            return limited(factor * value, error, unit)

        each = zip(self.film, self.raw, self.rows, strict=True)
        amounts = {name: one(float(value), row, "nmol/cm2") for name, value, row in each}
        return amounts, [one(float(value), row, "nm") for value, row in zip(thick, rows, strict=True)]

    def layers(self, x: np.ndarray, covariance: np.ndarray, thicknesses: list[Amount]) -> tuple[FittedLayer, ...]:
        """What each layer is made of and how thick it is."""
        sample, start = self.sample, self.problem.structure.slices["depths"].start
        found = []
        for layer, (patch, number) in enumerate(sample.layers):
            members = sample.members(layer)
            place = sample.finite.index(layer) if layer in sample.finite else None
            depth = None
            if place is not None:
                k = start + place
                depth = limited(float(x[k]), float(np.sqrt(covariance[k, k])), "mean free paths")
            name = " of ".join(filter(None, (f"layer {number + 1}", sample.patches[patch])))
            found.append(
                FittedLayer(
                    name,
                    self._of_layer(members, "moles", "mole fraction"),
                    self._of_layer(members, "volumes", "volume fraction"),
                    depth,
                    thicknesses[place] if place is not None and thicknesses else None,
                    float(self.values[self.at["paths"][layer]]),
                )
            )
        return tuple(found)

    def _of_layer(self, members: tuple[int, ...], key: str, unit: str) -> dict[str, Amount]:
        found = {}
        for member in members:
            place = self.at[key][member]
            name = self.sample.phases[self.sample.entries[member].phase].name
            found[name] = limited(float(self.values[place]), self._error(place), unit, 1.0)
        return found
