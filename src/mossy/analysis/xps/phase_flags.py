"""What a person should look at before believing a phase fit, and what it assumed."""

from __future__ import annotations

import numpy as np

from mossy.analysis.xps.phase_problem import REFERENCE_BINDING_ENERGY, Problem
from mossy.analysis.xps.phase_results import PhaseFit
from mossy.analysis.xps.phase_scale import Scale
from mossy.analysis.xps.phase_start import DEEPEST
from mossy.materials.photoemission import film, overlaps

_POOR = 1.5
_BOUND = 0.98
_DEEP = 3.0


def flags_of(problem: Problem, fit: PhaseFit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(faults: what is wrong with this fit or its data; caveats: what holds for any such fit)."""
    single, alone = _resting(problem, fit)
    faults = (*_quality(fit), *problem.faults, *_energies(problem, fit), *_exchanged(fit), *single)
    caveats = (*_undetermined(problem, fit), *_tied(problem), *_overlapping(problem), *alone)
    return tuple(dict.fromkeys(faults)), (*caveats, *_composition(problem, fit))


def _quality(fit: PhaseFit) -> list[str]:
    found = ["the fit has not converged: no amounts are given"] if fit.status == "not converged" else []
    if fit.status == "poor fit":
        what = f"poor fit: reduced chi squared {fit.reduced_chi_squared:.3g}"
        found.append(f"{what}; the phases do not explain the spectra, and the errors do not hold")
    for region in fit.regions:
        poor = region.chi_squared / len(region.energy)
        if poor > _POOR:
            problem_ = f"{region.name}: squared residuals are {poor:.1f} times the counting error"
            found.append(f"{problem_}; a phase, a satellite or another line shape is missing")
    return found


def _energies(problem: Problem, fit: PhaseFit) -> list[str]:
    """Charging beyond its prior, and lines far from where the library has them."""
    found = []
    at, sample = problem.structure.slices, problem.described
    values = np.array([each.value for each in fit.parameters.values()])
    for place, name in enumerate(sample.domains):
        k = at["shifts"].start + place
        if abs(values[k]) > 2.0 * problem.spread[k]:
            what = f"the {name} is shifted by {values[k]:+.2f} eV, beyond {problem.spread[k]:g} eV that were expected"
            found.append(f"{what}: charging, a floating film, or lines assigned one too far")
    for place, line in enumerate(sample.lines):
        k = at["offsets"].start + place
        seen = any(each.line == place for each in sample.components)
        if seen and abs(values[k]) > 2.5 * problem.spread[k] and _may_be_there(fit, line.line.phase):
            spread = f"± {problem.spread[k]:g} eV"
            what = f"{line.line.label} lies {values[k]:+.2f} eV from where the library expects it ({spread})"
            found.append(f"{what}: is it that phase?")
    return found


def _undetermined(problem: Problem, fit: PhaseFit) -> list[str]:
    start, errors = problem.structure.slices["shifts"].start, np.sqrt(np.diagonal(fit.covariance))
    return [
        f"the shift of the {name} is not determined by the data"
        for k, name in enumerate(problem.described.domains, start)
        if errors[k] > 0.9 * problem.spread[k]
    ]


def _may_be_there(fit: PhaseFit, phase: str) -> bool:
    """Whether a phase was found, or is none of those whose amount is known."""
    amount = fit.amounts.get(phase)
    return amount is None or amount.upper_limit is None


def _resting(problem: Problem, fit: PhaseFit) -> tuple[list[str], list[str]]:
    """(phases told by one line though their metal was not measured, other phases told by one region alone)."""
    sample = problem.described
    single, alone = [], []
    for place, phase in enumerate(sample.phases):
        lines = {each.line for each in sample.components if sample.lines[each.line].phase == place}
        regions = {each.region for each in sample.components if sample.lines[each.line].phase == place}
        elements = {sample.lines[each].line.element for each in lines}
        if len(problem.regions) < 2 or len(regions) > 1 or not _may_be_there(fit, phase.name):
            continue
        where = problem.regions[next(iter(regions))].name
        metal = {line.element for line in film(phase.metal).lines} if phase.metal else set()
        if len(lines) == 1 and metal and not metal & elements:
            what = f"{phase.name} is identified by a single line, in {where}, and {phase.metal} was not measured"
            single.append(f"{what}: any compound with a line there would look the same")
        elif phase.domain != "metal":
            alone.append(f"{phase.name} rests on {where} alone")
    return single, alone


def _tied(problem: Problem) -> list[str]:
    """Domains in which one phase alone says where they are: its own place and the shift are one unknown."""
    sample = problem.described
    found = []
    for place, name in enumerate(sample.domains):
        phases = {sample.lines[each.line].phase for each in sample.components if each.domain == place}
        if len(phases) == 1 and len(sample.domains) > 1:
            what = f"{sample.phases[phases.pop()].name} alone is in the {name}"
            found.append(f"{what}: only the sum of its shift and of the places of its lines is measured")
    return found


def _exchanged(fit: PhaseFit) -> list[str]:
    found = []
    names = list(fit.amounts)
    for group in fit.indistinguishable:
        places = [names.index(each) for each in group]
        total = sum(fit.amounts[each].value for each in group)
        error = float(np.sqrt(max(fit.amounts_covariance[np.ix_(places, places)].sum(), 0.0)))
        what = f"{', '.join(group)} cannot be told apart by these data"
        found.append(f"{what}: together {total:.2g} ± {error:.1g} mole fraction, but not what each has of it")
    return found


def _overlapping(problem: Problem) -> list[str]:
    """Lines of other levels of the elements present that reach into a region."""
    found = []
    sample = problem.described
    elements = sorted({line.element for phase in sample.phases for line in phase.lines})
    for place, region in enumerate(problem.regions):
        inside = {sample.lines[each.line].line.orbital: None for each in sample.components if each.region == place}
        for level in inside:
            for other in overlaps(level, region.photon_energy, elements):
                low, high = other.binding_energy - other.width / 2.0, other.binding_energy + other.width / 2.0
                if other.name in inside:
                    one, two = sorted((other.name, level))
                    text = f"{region.name}: {two} lies over {one}; they are fitted together"
                elif other.kind == "Auger" and high > region.energy[0] and low < region.energy[-1]:
                    where = f"the Auger line {other.name} (near {other.binding_energy:.0f} eV)"
                    text = f"{region.name}: {where} lies over it and is not in the model"
                else:
                    continue
                found.append(text)
    return list(dict.fromkeys(found))


def _composition(problem: Problem, fit: PhaseFit) -> list[str]:
    sample = problem.described
    found = []
    for phase in sample.phases:
        if _may_be_there(fit, phase.name):
            found += [flag if flag.startswith(phase.name) else f"{phase.name}: {flag}" for flag in phase.flags]
    for entry in sample.entries:
        phase = sample.phases[entry.phase]
        if phase.domain == "metal" and entry.layer in sample.finite:
            amount = fit.amounts.get(phase.name)
            if amount is not None and amount.upper_limit is None:
                found.append(f"metallic {phase.name} inside the film: grains, or a film that does not cover it")
    for layer in fit.layers:
        depth = layer.thickness_over_path
        if depth is not None and (depth.value > 0.95 * DEEPEST or depth.value - 2.0 * depth.standard_error > _DEEP):
            found.append(f"{layer.name} is thicker than {_DEEP:g} mean free paths: hardly anything below shows")
    return found


def notes_of(problem: Problem, fit: PhaseFit, scale: Scale | None) -> tuple[str, ...]:
    """What was assumed."""
    notes = [*dict.fromkeys(problem.notes)]
    photon = problem.regions[0].photon_energy
    where = f"C 1s electrons ({photon - REFERENCE_BINDING_ENERGY:.0f} eV)"
    if problem.described.finite:
        if scale is None:
            notes.append(
                f"thickness is over the mean free path of {where}; photoemission alone cannot tell nm or nmol/cm2: the"
                " mean free path and every amount are exactly confounded. Give scale= a charge, a capacitance or a path"
            )
        else:
            notes.append(f"nm and nmol/cm2 rest on the {scale.text}, known to {100 * scale.relative_error:.0f} %")
    factor = f" x {problem.attenuation_scale:g}" if problem.attenuation_scale != 1.0 else ""
    notes.append(f"mean free paths: JTP{factor}; their scale changes neither the fit nor any fraction")
    if fit.reduced_chi_squared > 1.0:
        notes.append(f"errors are widened by the root of the reduced chi squared, {fit.reduced_chi_squared:.2f}")
    unverified = sorted({line.line.phase for line in problem.described.lines if line.line.status == "unverified"})
    if unverified:
        notes.append(f"positions from memory, to be checked: {', '.join(unverified)}")
    return tuple(notes)
