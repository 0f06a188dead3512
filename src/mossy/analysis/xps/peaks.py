"""Peaks of one region: constrained lines on a background inside the model, areas >= 0, errors that mean something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mossy.analysis.xps.backgrounds import background_named
from mossy.analysis.xps.components import DEFAULTS, Component, Free, checked, parse_components
from mossy.analysis.xps.peaks_choices import (
    Task,
    Tried,
    choice_covariance,
    choice_errors,
    kept_choices,
    tried_choices,
)
from mossy.analysis.xps.peaks_count import CAVEAT, MOST, counted_components, described
from mossy.analysis.xps.peaks_errors import Spread, spread_of, upper_limit
from mossy.analysis.xps.peaks_flags import USUAL_ELEMENTS, Facts, said_of
from mossy.analysis.xps.peaks_misfit import misfit_of
from mossy.analysis.xps.peaks_model import ASYMMETRY, GAUSSIAN, LORENTZIAN, POSITION, RATIO, SPLITTING, Model
from mossy.analysis.xps.peaks_region import Region, region_of
from mossy.analysis.xps.peaks_results import Choice, Estimate, FittedComponent, PeakFit, fractions
from mossy.analysis.xps.peaks_shapes import full_width, product_full_width
from mossy.analysis.xps.peaks_solve import Solution, solved
from mossy.errors import InputError, suggest
from mossy.numerics.threads import one_blas_thread
from mossy.records import Photoemission

UNCERTAINTIES = ("statistical", "with choices")
_SIGNIFICANT = 3.0
_SPARE_POINTS = 3


@one_blas_thread
def fit_peaks(
    record: Photoemission,
    components: str | int | Sequence[Component] | None = None,
    background: str = "shirley",
    *,
    window: tuple[float, float] | None = None,
    tolerance: float = 1.0,
    uncertainty: Literal["statistical", "with choices"] = "statistical",
    counting_time: float | None = None,
    elements: Sequence[str] | None = None,
) -> PeakFit:
    """The components of one region: I(E) = line(E) + (1 + k O) sum_j A_j L_j(E), with Poisson weights.

    Arguments: `record`, one region; `components`: a list of `Component`, their text form (see `components.GRAMMAR`), a
    number, "auto" (as many as the Bayesian information criterion asks for), or None: a rule of thumb for C 1s, O 1s and
    F 1s (with lines added where it leaves structure), "auto" for others. `background`: one of
    `backgrounds.BACKGROUNDS`; O integrates the lines from the low binding-energy end ("shirley") or takes Tougaard's
    losses. `window`: lowest and highest binding energy, eV.
    `tolerance`: how far a position given as a plain number may move, eV. `uncertainty`: "with choices" adds to the
    statistical error what other backgrounds, ends and line shapes make of the areas (`peaks_choices`).
    `counting_time`: seconds at each energy in all sweeps, where the record does not know. `elements` of the sample,
    for warnings of overlapping lines.

    Result: a `PeakFit`; areas in the record's intensity times eV (of both lines of a doublet), positions and widths
    (FWHM) in eV. Standard errors are for 68 %, widened by the root of the reduced chi squared where that is above 1;
    without a counting time they rest on the scatter alone. Errors hold where the likelihood is near a paraboloid.
    Method: variable projection, `peaks_solve`, where its sources stand.

    >>> import polars as pl
    >>> energy = np.linspace(280.0, 292.0, 121)
    >>> line = 2000.0 * np.exp(-4 * math.log(2) * (energy - 284.9) ** 2 / 1.44) + 300.0
    >>> table = pl.DataFrame({"binding_energy_electronvolt": energy, "intensity_counts": line})
    >>> fit = fit_peaks(Photoemission(table, {"region": "C 1s"}), "C-C 284.8 l=0!", background="linear")
    >>> round(fit["C-C"].position.value, 3), round(fit["C-C"].area.value), round(2000 * 1.2 * 1.06447)
    (284.9, 2555, 2555)
    """
    if uncertainty not in UNCERTAINTIES:
        problem = f"no uncertainty is called '{uncertainty}'"
        raise InputError(problem, key="uncertainty", remedy=suggest(str(uncertainty), UNCERTAINTIES))
    if not (math.isfinite(tolerance) and tolerance > 0.0):
        raise InputError(f"a tolerance of {tolerance} eV", key="tolerance", remedy="give eV above 0")
    background_named(background)
    region = region_of(record, counting_time)
    if window is not None:
        region = region.cut(*_ordered(window))
    chosen, notes = _components(components, region, background)
    asked = components is not None and not isinstance(components, int) and CAVEAT not in notes
    task = Task(region, tuple(chosen), background, tolerance)
    model, offset = task.model()
    _refuse(region, model, task)
    solution = solved(model, region.counts, offset)
    tried = tried_choices(task, model, solution) if uncertainty == "with choices" else []
    return _result(task, model, solution, tried, uncertainty, notes, elements, asked)


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    low, high = window
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise InputError(f"a window from {low} to {high} eV", key="window", remedy="give two binding energies")
    return min(low, high), max(low, high)


def _components(
    given: str | int | Sequence[Component] | None, region: Region, background: str
) -> tuple[list[Component], list[str]]:
    """The components, and what must be noted of how they were chosen."""
    if given is None and region.name in DEFAULTS:
        return _by_rule_of_thumb(region, background)
    if given is None or (isinstance(given, str) and given.strip().lower() == "auto"):
        return checked(counted_components(region, background)), [CAVEAT]
    if isinstance(given, str):
        return checked(parse_components(given)), []
    if isinstance(given, int):
        if not 1 <= given <= MOST:
            raise InputError(f"{given} components", key="components", remedy=f"give 1 to {MOST}, or name them")
        return checked(counted_components(region, background, given)), []
    return checked(given), []


def _by_rule_of_thumb(region: Region, background: str) -> tuple[list[Component], list[str]]:
    """The usual components; where they leave structure, with lines added, or those that the criterion chooses."""
    usual = DEFAULTS[region.name]
    note = f"no components were given: '{usual}' is a rule of thumb for interphases"
    named = checked(parse_components(usual))
    found, changed = described(region, named, background)
    if not changed:
        return checked(found), [note]
    names = {each.name for each in named}
    if not names & {each.name for each in found}:
        return checked(found), [f"{note}; it does not describe this region, so lines were counted instead", CAVEAT]
    lines = [each for each in found if each.name not in names]
    at = ", ".join(f"{each.position.start:.1f}" for each in lines if isinstance(each.position, Free))
    told = f"; it left structure, so {len(lines)} more {'line was' if len(lines) == 1 else 'lines were'} put at {at} eV"
    return checked(found), [note + (told if lines else "")]


def _refuse(region: Region, model: Model, task: Task) -> None:
    free = model.columns.shape[1] + model.ties.shape[1] + len(model.names)
    if len(region.counts) < free + _SPARE_POINTS:
        problem = f"{free} parameters for {len(region.counts)} points"
        raise InputError(problem, key=region.name, remedy="give fewer components, or tie their parameters")
    low, high = region.energy[0], region.energy[-1]
    for each, value in zip(task.components, model.values(model.start), strict=True):
        if not low - task.tolerance <= value[POSITION] <= high + task.tolerance:
            problem = f"a position of {value[POSITION]:.6g} eV, outside of {region.name} ({low:.6g} to {high:.6g} eV)"
            remedy = "give a binding energy within it; is the region charged, or on another scale?"
            raise InputError(problem, key=each.name, remedy=remedy)


def _result(
    task: Task,
    model: Model,
    solution: Solution,
    tried: list[Tried],
    uncertainty: str,
    notes: list[str],
    elements: Sequence[str] | None,
    asked: bool,
) -> PeakFit:
    region = task.region
    free = len(solution.linear) + len(solution.theta)
    freedom, chi_squared = len(region.counts) - free, solution.point.cost
    reduced = chi_squared / freedom
    spread = spread_of(model, solution, max(reduced, 1.0) if region.poisson else reduced)
    areas = model.ties @ solution.linear[: model.ties.shape[1]]
    kept = kept_choices(tried, reduced)
    counted = [each for each, keep in zip(tried, kept, strict=True) if keep]
    chosen_covariance = choice_covariance(counted, areas)
    values = model.values(solution.theta)
    found = _fitted(task, model, areas, values, spread, chosen_covariance, choice_errors(counted, values))
    lines, _ = model.lines(solution.theta)
    modelled = solution.modelled / region.per_unit
    names = (*(f"{each.name} area" for each in task.components), *model.names)
    background = modelled - (areas @ lines) / region.per_unit
    under = background * region.per_unit
    misfit = misfit_of(region, solution.modelled, solution.modelled - under, freedom)
    facts = Facts(
        region=region,
        model=model,
        solution=solution,
        components=found,
        background=under,
        correlations=spread.correlations,
        chi_squared=chi_squared,
        freedom=freedom,
        misfit=misfit,
        elements=elements or USUAL_ELEMENTS,
        elements_found=elements is not None,
        choices=bool(tried),
        asked=asked,
    )
    said = said_of(facts)
    losses = None
    if model.operator is not None:
        losses = Estimate(float(solution.theta[-1]), spread.losses)
    return PeakFit(
        region=region.name,
        background_name=task.background,
        unit=region.unit,
        energy=region.energy,
        measured=region.counts / region.per_unit,
        modelled=modelled,
        background=background,
        residuals=solution.point.residual,
        components=found,
        reduced_chi_squared=reduced,
        degrees_of_freedom=freedom,
        errors_known=region.poisson,
        losses=losses,
        parameter_names=names,
        correlations=spread.correlations,
        area_covariance=(spread.areas + chosen_covariance) / region.per_unit**2,
        uncertainty=uncertainty,
        choices=tuple(
            Choice(each.family, each.label, each.reduced_chi_squared, keep, each.areas / region.per_unit)
            for each, keep in zip(tried, kept, strict=True)
        ),
        status="done" if solution.converged else "not converged",
        flags=tuple(each.text for each in said),
        faults=tuple(each.text for each in said if each.fault),
        poor=misfit.poor,
        unexplained=misfit.unexplained / region.per_unit,
        notes=(*notes, *_notes(tried, kept)),
        excitation_energy=region.excitation_energy,
        seconds=region.seconds,
        transmission=region.transmission,
    )


def _notes(tried: list[Tried], kept: list[bool]) -> list[str]:
    left = [each.label for each, keep in zip(tried, kept, strict=True) if not keep]
    return [f"not counted among the choices, as they fit far worse: {', '.join(left)}"] if left else []


def _fitted(
    task: Task,
    model: Model,
    areas: np.ndarray,
    values: np.ndarray,
    spread: Spread,
    chosen_covariance: np.ndarray,
    chosen: np.ndarray,
) -> tuple[FittedComponent, ...]:
    per = task.region.per_unit
    covariance = spread.areas + chosen_covariance
    share, share_error = fractions(areas, covariance)
    lines = areas[:, None] * _curves(model, values) / per
    found = []
    for m, each in enumerate(task.components):
        statistical, choices = math.sqrt(spread.areas[m, m]), math.sqrt(chosen_covariance[m, m])
        total = math.hypot(statistical, choices)
        limit = None
        if areas[m] < _SIGNIFICANT * total:
            limit = upper_limit(areas[m], total, spread.toward[m]) / per
        errors = np.sqrt(np.diag(spread.values[m]))

        def estimate(key: int, m: int = m, errors: np.ndarray = errors) -> Estimate:
            return Estimate(float(values[m, key]), float(errors[key]), float(chosen[m, key]))

        found.append(
            FittedComponent(
                name=each.name,
                level=_level_name(task.region, each),
                shape=each.shape,
                area=Estimate(float(areas[m]) / per, statistical / per, choices / per),
                position=estimate(POSITION),
                width=_width(each, values[m], spread.values[m], float(chosen[m, GAUSSIAN])),
                gaussian_width=estimate(GAUSSIAN),
                lorentzian_width=estimate(LORENTZIAN),
                asymmetry=estimate(ASYMMETRY),
                splitting=estimate(SPLITTING),
                ratio=estimate(RATIO),
                fraction=Estimate(float(share[m]), float(share_error[m])),
                upper_limit=limit,
                curve=lines[m],
            )
        )
    return tuple(found)


def _level_name(region: Region, component: Component) -> str | None:
    level, single = region.level_of(component.name, component.level)
    if level is None or not single:
        return None if level is None else level.name
    named = (component.level, component.name, region.name)
    return next(each for each in named if each and "/" in each)


def _curves(model: Model, values: np.ndarray) -> np.ndarray:
    """The components (m, n) of unit area at given parameters."""
    held = Model(**{**model.__dict__, "base": values, "slope": np.zeros((*values.shape, 0))})
    return held.lines(np.empty(0))[0]


def _width(component: Component, values: np.ndarray, covariance: np.ndarray, choices: float) -> Estimate:
    """The FWHM of one line, with the error of its Gaussian and Lorentzian widths together."""
    if component.shape in ("product", "sum"):
        factor = product_full_width(component.mixing) if component.shape == "product" else 1.0
        error = math.sqrt(covariance[GAUSSIAN, GAUSSIAN])
        return Estimate(factor * float(values[GAUSSIAN]), factor * error, factor * choices)
    width, *by = full_width(float(values[GAUSSIAN]), float(values[LORENTZIAN]))
    pair = [GAUSSIAN, LORENTZIAN]
    inner = covariance[np.ix_(pair, pair)]
    variance = float(np.array(by) @ inner @ np.array(by)) if np.isfinite(inner).all() else math.inf
    return Estimate(width, math.sqrt(max(variance, 0.0)), choices)
