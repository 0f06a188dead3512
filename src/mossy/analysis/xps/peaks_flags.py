"""What must be said about a peak fit before its numbers are used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

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
    elements: Sequence[str]
    choices: bool


def flags_of(facts: Facts) -> tuple[str, ...]:
    """Every flag of a fit, the gravest first."""
    judges = (_data, _misfit, _areas, _pairs, _bounds, _place, _overlaps)
    return tuple(flag for judge in judges for flag in judge(facts))


def _data(facts: Facts) -> Iterator[str]:
    region = facts.region
    if not region.poisson:
        yield (
            "the counts behind the intensities are not known: errors are from the scatter about the model, and chi "
            "squared tells nothing; give counting_time (dwell time times sweeps, in seconds), or counts as measured"
        )
    yield from (f"the record says: {each}" for each in region.warnings if "Poisson errors are not known" not in each)
    if region.poisson and region.counts.max() < _FEW_COUNTS:
        yield f"at most {region.counts.max():.0f} counts at an energy: too few to tell lines or backgrounds apart"


def _misfit(facts: Facts) -> Iterator[str]:
    if not facts.solution.converged:
        yield "the search did not settle: fewer components or tighter bounds may"
    residual = facts.solution.point.residual
    scatter = float(residual @ residual)
    together = float(residual[1:] @ residual[:-1]) / max(scatter, 1e-300) * math.sqrt(len(residual))
    reduced = facts.chi_squared / facts.freedom
    if facts.region.poisson:
        chance = float(special.chdtrc(facts.freedom, facts.chi_squared))
        if chance < _BY_CHANCE:
            yield (
                f"reduced chi squared is {reduced:.2f}: the model does not describe the counts within their noise; "
                "errors are widened by its root"
            )
    if together > _STRUCTURED:
        worst = facts.region.energy[int(np.argmax(np.abs(np.convolve(residual, np.ones(5), "same"))))]
        yield (
            f"the residuals are not noise (neighbours agree), most near {worst:.1f} eV: a line is missing, or another "
            "shape or background"
        )


def _areas(facts: Facts) -> Iterator[str]:
    found, region = facts.components, facts.region
    for each in found:
        if each.upper_limit is None:
            continue
        limit = f"below {each.upper_limit:.3g} {region.unit} (95 %)" if math.isfinite(each.upper_limit) else "unbounded"
        if each.area.value == 0.0:
            yield f"{each.name}: not seen, its area is {limit}"
        elif not each.determined:
            yield f"{each.name}: not determined ({each.area.value:.3g} +- {each.area.standard_error:.2g}), {limit}"
    if not any(each.determined for each in found):
        yield "no component's area is determined: do not quote them"
    for each in found:
        peak = each.curve.max() * region.per_unit
        under = facts.background[int(np.argmax(each.curve))]
        if 0.0 < peak < _FAINT * under:
            yield (
                f"{each.name}: faint, {100.0 * peak / under:.1f} % of what lies under it, so its area hangs on the "
                f"choice of background{'' if facts.choices else '; ask for uncertainty with choices'}"
            )


def _pairs(facts: Facts) -> Iterator[str]:
    found = facts.components
    for i, each in enumerate(found):
        for j, other in enumerate(found[:i]):
            apart = abs(each.position.value - other.position.value)
            width = 0.5 * (each.width.value + other.width.value)
            correlation = facts.correlations[i, j]
            if correlation < -_CORRELATED or apart < _CLOSE * width:
                yield (
                    f"{other.name} and {each.name} lie {apart:.2f} eV apart with widths of {width:.2f} eV (correlation "
                    f"of their areas {correlation:.2f}): quote their sum, not the two"
                )


def _bounds(facts: Facts) -> Iterator[str]:
    model, theta = facts.model, facts.solution.theta
    for name, value, low, high in zip(model.names, theta, model.lower, model.upper, strict=True):
        if name == LOSSES:
            if value >= high * (1.0 - _EDGE):
                yield f"the losses of the background stand at their bound of {high:g}: another background may suit"
        elif min(value - low, high - value) < _EDGE * (high - low):
            yield f"{name} stands at its bound of {low if value - low < high - value else high:.4g} eV"


def _place(facts: Facts) -> Iterator[str]:
    energy = facts.region.energy
    for each, v in zip(facts.components, facts.model.values(facts.solution.theta), strict=True):
        if each.area.value == 0.0:
            continue
        reach = _END_WIDTHS * max(v[GAUSSIAN], each.width.value)
        first, last = each.position.value, each.position.value + (each.splitting.value if each.ratio.value else 0.0)
        if first - reach < energy[0] or last + reach > energy[-1]:
            yield f"{each.name}: the region ends at {energy[0]:.1f} and {energy[-1]:.1f} eV, within or beside its line"


def _overlaps(facts: Facts) -> Iterator[str]:
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
            yield (
                f"if there is {line.element}, its {kind} {line.name} (near {line.binding_energy:.0f} eV at this photon "
                f"energy) reaches into this region: look for the other lines of {line.element}"
            )
