"""What a person should look at before believing a phase fit, and what it assumed."""

from __future__ import annotations

import numpy as np

from mossy.analysis.xps.phase_problem import REFERENCE_BINDING_ENERGY, Problem
from mossy.analysis.xps.phase_results import PhaseFit
from mossy.analysis.xps.phase_scale import Scale
from mossy.analysis.xps.phase_start import DEEPEST
from mossy.materials.photoemission import overlaps

_POOR = 1.5
_BOUND = 0.98
_DEEP = 3.0


def flags_of(problem: Problem, fit: PhaseFit) -> tuple[str, ...]:
    """All of them."""
    return (
        *_quality(problem, fit),
        *_energies(problem, fit),
        *_exchanged(fit),
        *_overlapping(problem),
        *_composition(problem, fit),
    )


def _quality(problem: Problem, fit: PhaseFit) -> list[str]:
    found = [] if fit.status == "done" else ["the fit has not converged"]
    for region in fit.regions:
        poor = region.chi_squared / len(region.energy)
        if poor > _POOR:
            problem_ = f"{region.name}: squared residuals are {poor:.1f} times the counting error"
            found.append(f"{problem_}; a phase, a satellite or another line shape is missing")
    return found


def _energies(problem: Problem, fit: PhaseFit) -> list[str]:
    """Charging beyond its prior, lines far from where the library has them, and what only a shift could tell."""
    found = []
    at, sample = problem.structure.slices, problem.described
    spread, errors = problem.spread, np.sqrt(np.diagonal(fit.covariance))
    values = np.array([each.value for each in fit.parameters.values()])
    for place, name in enumerate(sample.domains):
        k = at["shifts"].start + place
        if abs(values[k]) > 2.0 * spread[k]:
            what = f"the {name} is shifted by {values[k]:+.2f} eV, beyond {spread[k]:g} eV that were expected"
            found.append(f"{what}: charging, a floating film, or lines assigned one too far")
        if errors[k] > 0.9 * spread[k]:
            found.append(f"the shift of the {name} is not determined by the data")
    for place, line in enumerate(sample.lines):
        k = at["offsets"].start + place
        seen = any(each.line == place for each in sample.components)
        detected = fit.amounts.get(line.line.phase)
        if seen and abs(values[k]) > 2.5 * spread[k] and (detected is None or detected.upper_limit is None):
            what = f"{line.line.label} lies {values[k]:+.2f} eV from where the library expects it (± {spread[k]:g} eV)"
            found.append(f"{what}: is it that phase?")
    return found + _tied(problem)


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
        amount = fit.amounts.get(phase.name)
        if amount is None or amount.upper_limit is None:
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
