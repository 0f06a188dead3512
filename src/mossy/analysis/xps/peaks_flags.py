"""What must be said about a peak fit before its numbers are used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from mossy.analysis.xps.peaks_misfit import FLOOR, Misfit
from mossy.analysis.xps.peaks_model import GAUSSIAN, LOSSES, Model
from mossy.analysis.xps.peaks_region import Region
from mossy.analysis.xps.peaks_results import FittedComponent
from mossy.analysis.xps.peaks_solve import Solution
from mossy.materials.photoemission import survey_lines

USUAL_ELEMENTS = ("Li", "C", "N", "O", "F", "Na", "Mg", "P", "S", "Cl", "K", "Ca")
"""Elements of interphases; others are looked for only where a caller says they are there."""
_BY_CHANCE = 1e-3
_STRUCTURED = 4.0
_CORRELATED, _CLOSE = 0.9, 0.5
_EDGE = 1e-3
_FAINT = 0.1
_FEW_COUNTS = 50.0
_END_WIDTHS = 0.75


@dataclass(frozen=True)
class Facts:
    """What the flags are judged from."""

    region: Region
    model: Model
    solution: Solution
    components: Sequence[FittedComponent]
    background: np.ndarray
    """What lies under the lines, counts"""
    correlations: np.ndarray
    chi_squared: float
    freedom: int
    misfit: Misfit
    elements: Sequence[str]
    elements_found: bool
    """Whether the caller knows that the sample has them"""
    choices: bool
    asked: bool
    """Whether the caller named the components"""


@dataclass(frozen=True)
class Said:
    """One flag; a `fault` is something wrong with this fit or its data, else it is a caveat."""

    text: str
    fault: bool = True


def said_of(facts: Facts) -> tuple[Said, ...]:
    """Every flag of a fit, the gravest first."""
    judges = (_data, _misfit, _areas, _pairs, _bounds, _place, _overlaps)
    return tuple(said for judge in judges for said in judge(facts))


def _data(facts: Facts) -> Iterator[Said]:
    region = facts.region
    if not region.poisson:
        yield Said(
            "the counts behind the intensities are not known: errors are from the scatter about the model, and chi "
            "squared tells nothing; give counting_time (dwell time times sweeps, in seconds), or counts as measured",
            fault=False,
        )
    for each in region.warnings:
        if "Poisson errors are not known" not in each:
            yield Said(f"the record says: {each}", fault="saturated" in each)
    if region.poisson and region.counts.max() < _FEW_COUNTS:
        yield Said(f"at most {region.counts.max():.0f} counts at an energy: too few to tell lines or backgrounds apart")


def _misfit(facts: Facts) -> Iterator[Said]:
    if not facts.solution.converged:
        yield Said("the search did not settle: fewer components or tighter bounds may")
    residual = facts.solution.point.residual
    scatter = float(residual @ residual)
    together = float(residual[1:] @ residual[:-1]) / max(scatter, 1e-300) * math.sqrt(len(residual))
    reduced, poor = facts.chi_squared / facts.freedom, facts.misfit.poor
    within = (
        "" if poor else f" (but within {100.0 * FLOOR:g} % of the lines' height, as real lines deviate from shapes)"
    )
    noisy = facts.region.poisson and float(special.chdtrc(facts.freedom, facts.chi_squared)) < _BY_CHANCE
    if noisy:
        yield Said(
            f"reduced chi squared is {reduced:.2f}: the model does not describe the counts within their noise"
            f"{within}; errors are widened by its root",
            fault=poor,
        )
    if together > _STRUCTURED or (poor and not noisy):
        yield Said(
            f"the residuals are not noise (neighbours agree), most near {facts.misfit.energy:.1f} eV: a line is "
            f"missing, or another shape or background{within}",
            fault=poor,
        )


def _areas(facts: Facts) -> Iterator[Said]:
    found, region = facts.components, facts.region
    for each in found:
        if each.upper_limit is None:
            continue
        limit = f"below {each.upper_limit:.3g} {region.unit} (95 %)" if math.isfinite(each.upper_limit) else "unbounded"
        if each.area.value == 0.0:
            yield Said(f"{each.name}: not seen, its area is {limit}", fault=facts.asked)
        elif not each.determined:
            text = f"{each.name}: not determined ({each.area.value:.3g} +- {each.area.standard_error:.2g}), {limit}"
            yield Said(text, fault=facts.asked)
    if not any(each.determined for each in found):
        yield Said("no component's area is determined: do not quote them")
    for each in found:
        peak = each.curve.max() * region.per_unit
        under = facts.background[int(np.argmax(each.curve))]
        if 0.0 < peak < _FAINT * under:
            yield Said(
                f"{each.name}: faint, {100.0 * peak / under:.1f} % of what lies under it, so its area hangs on the "
                f"choice of background{'' if facts.choices else '; ask for uncertainty with choices'}",
                fault=False,
            )


def _pairs(facts: Facts) -> Iterator[Said]:
    found = facts.components
    for i, each in enumerate(found):
        for j, other in enumerate(found[:i]):
            apart = abs(each.position.value - other.position.value)
            width = 0.5 * (each.width.value + other.width.value)
            correlation = facts.correlations[i, j]
            if correlation < -_CORRELATED or apart < _CLOSE * width:
                yield Said(
                    f"{other.name} and {each.name} lie {apart:.2f} eV apart with widths of {width:.2f} eV (correlation "
                    f"of their areas {correlation:.2f}): quote their sum, not the two",
                    fault=False,
                )


def _bounds(facts: Facts) -> Iterator[Said]:
    model, theta = facts.model, facts.solution.theta
    for k, (name, value, low, high) in enumerate(zip(model.names, theta, model.lower, model.upper, strict=True)):
        if name == LOSSES:
            if value >= high * (1.0 - _EDGE):
                text = f"the losses of the background stand at their bound of {high:g}: another background may suit"
                yield Said(text, fault=False)
        elif min(value - low, high - value) < _EDGE * (high - low):
            # bounds of a line that is not seen say nothing about the fit
            moves = (model.slope[:, :, k] != 0.0).any(axis=1)
            seen = any(each.determined for each, moved in zip(facts.components, moves, strict=True) if moved)
            seen = seen and (facts.asked or "_width" in name)
            yield Said(
                f"{name} stands at its bound of {low if value - low < high - value else high:.4g} eV", fault=seen
            )


def _place(facts: Facts) -> Iterator[Said]:
    energy = facts.region.energy
    for each, v in zip(facts.components, facts.model.values(facts.solution.theta), strict=True):
        if each.area.value == 0.0:
            continue
        reach = _END_WIDTHS * max(v[GAUSSIAN], each.width.value)
        first, last = each.position.value, each.position.value + (each.splitting.value if each.ratio.value else 0.0)
        if first - reach < energy[0] or last + reach > energy[-1]:
            text = f"{each.name}: the region ends at {energy[0]:.1f} and {energy[-1]:.1f} eV, within or beside its line"
            yield Said(text, fault=each.determined)


def _overlaps(facts: Facts) -> Iterator[Said]:
    region = facts.region
    if region.level is None or region.excitation_energy is None:
        return
    low, high = region.energy[0], region.energy[-1]
    named = {region.level.name, *(each.level for each in facts.components)}
    for line in survey_lines(region.excitation_energy, facts.elements):
        half = 0.5 * line.width
        first, last = line.binding_energy - half, line.binding_energy + line.splitting + half
        if line.name not in named and first < high and last > low:
            kind = "Auger line" if line.kind == "Auger" else "core level"
            yield Said(
                f"{f'{line.element} was found' if facts.elements_found else f'if there is {line.element}'}, its {kind} "
                f"{line.name} (near {line.binding_energy:.0f} eV at this photon energy) reaches into this region: look "
                f"for the other lines of {line.element}",
                fault=facts.elements_found,
            )
