"""Phases of an interphase from all core levels at once: amounts tied by stoichiometry, layers by attenuation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.xps.phase_problem import Problem, problem_of
from mossy.analysis.xps.phase_regions import regions_of
from mossy.analysis.xps.phase_report import fit_of
from mossy.analysis.xps.phase_results import PhaseFit, refused
from mossy.analysis.xps.phase_sample import Sample, described
from mossy.analysis.xps.phase_scale import Scale
from mossy.analysis.xps.phase_search import best
from mossy.errors import InputError
from mossy.materials.photoemission import FilmPhase
from mossy.numerics.threads import one_blas_thread

if TYPE_CHECKING:
    from mossy.records import Photoemission


def fit_phases(
    records: Sequence[Photoemission] | Photoemission,
    phases: Sequence[str | FilmPhase] | None = None,
    layers: Sample | None = None,
    *,
    excitation: float | str | None = None,
    background: str | Mapping[str, str] = "shirley",
    scale: Scale | None = None,
    attenuation_scale: float = 1.0,
    widths: str = "region",
    shifts: str = "domain",
    shift_spread: Mapping[str, float] | None = None,
    line_error: float = 0.05,
    emission_angle: float | None = None,
    transmission_exponent: float | None = None,
    counting_time: float | str | Mapping[str, float] | None = None,
) -> PhaseFit:
    """The amounts of phases that explain every region of one sample.

    The area of a line is sigma x atoms x density of its phase, times what escapes of each layer (`layer_intensity`);
    one shift moves all lines of an electrical domain, within the library's spread of each; counts are Poisson.

    `phases` by name, or from the library with positions of your own (`film(...)`, `CoreLine.at`). `layers`, outermost
    first, each a list of phases: the last has no end; without, one film of all phases, on the metal where that is among
    them. A dictionary of such lists is a coarse mosaic: patches side by side. `excitation`: "Al Ka" or eV, where the
    records do not know. `background`: "shirley" (active), "tougaard" or "linear", of all or by region. `scale`:
    `areal_charge`, `film_capacitance` or `known_path`; without one only thickness over mean free path and mole
    fractions are reported. `attenuation_scale` multiplies every mean free path (JTP): only lengths in nm change.
    `widths`: one Gaussian width a "region", or "shared". `shifts`: one a "domain", or of the film one a "layer".
    `shift_spread`: prior of the shifts, eV ({"film": 1.0, "metal": 0.2}). `line_error`: of the sensitivity of each core
    level, relative. `emission_angle`, degrees, where the records do not know or differ. `transmission_exponent` n: the
    analyser's is KE^-n where the records do not have it; None: n is 0.5 ± 0.3, and that is in the errors.
    `counting_time`, s at each energy in all sweeps, of all or by region, where records of counts do not have it;
    "equal": unknown, but the same for all. Without, only ratios of lines within a region tell of amounts.

    Raises `InputError` for records or phases that cannot be used. Never for a poor fit: see `status` and `faults`.

    >>> from mossy.analysis.xps import Layer, Stack, fit_phases, simulate_spectra
    >>> truth = Stack((Layer({"LiF": 0.4, "Li2CO3": 0.6}),))
    >>> records = simulate_spectra(truth, ["C 1s", "O 1s", "F 1s"], seed=1)
    >>> fit = fit_phases(records, ["LiF", "Li2CO3"])
    >>> abs(fit.amounts["LiF"].value - truth.mole_fractions["LiF"]) < 3 * fit.amounts["LiF"].standard_error
    True
    """
    problem = _problem(
        records,
        phases,
        layers,
        scale,
        excitation=excitation,
        background=background,
        attenuation_scale=attenuation_scale,
        widths=widths,
        shifts=shifts,
        shift_spread=shift_spread,
        line_error=line_error,
        emission_angle=emission_angle,
        transmission_exponent=transmission_exponent,
        counting_time=counting_time,
    )
    (fit,) = _solved([problem], scale)
    return fit


def fit_phases_many(
    samples: Sequence[Sequence[Photoemission] | Photoemission],
    phases: Sequence[str | FilmPhase] | None = None,
    layers: Sample | None = None,
    *,
    scale: Scale | None = None,
    **options: Any,
) -> list[PhaseFit]:
    """`fit_phases` of many samples together; never raises for one of them: its status is then "refused".

    >>> fit_phases_many([[]], ["LiF"])[0].flags
    ('records: there is no region to fit; give the detailed regions of core levels, not the survey alone',)
    """
    found: list[PhaseFit | None] = [None] * len(samples)
    groups: dict[tuple[Any, ...], list[int]] = {}
    problems: dict[int, Problem] = {}
    for place, records in enumerate(samples):
        try:
            problem = problems[place] = _problem(records, phases, layers, scale, **options)
        except InputError as reason:
            found[place] = refused(str(reason))
        else:
            groups.setdefault((problem.structure, problem.data[0].shape), []).append(place)
    for places in groups.values():
        for place, fit in zip(places, _solved([problems[each] for each in places], scale), strict=True):
            found[place] = fit
    return [fit for fit in found if fit is not None]


def _problem(
    records: Sequence[Photoemission] | Photoemission,
    phases: Sequence[str | FilmPhase] | None,
    layers: Sample | None,
    scale: Scale | None,
    *,
    excitation: float | str | None = None,
    emission_angle: float | None = None,
    transmission_exponent: float | None = None,
    counting_time: float | str | Mapping[str, float] | None = None,
    shifts: str = "domain",
    **options: Any,
) -> Problem:
    measured = regions_of(
        records,
        excitation=excitation,
        emission_angle=emission_angle,
        transmission_exponent=transmission_exponent,
        counting_time=counting_time,
    )
    sample = described(phases, layers, measured.regions, shifts=shifts)
    if scale is not None:
        names = [sample.phases[place].name for place in sample.film_phases]
        scale.of(names, np.ones(len(names)), np.ones(len(sample.finite)))
    return problem_of(sample, measured, **options)


@one_blas_thread
def _solved(problems: list[Problem], scale: Scale | None) -> list[PhaseFit]:
    """The fits of problems of one structure."""
    minima, data, curves = best(problems)
    return [fit_of(each, minima.rows(np.array([k])), data[k], curves[k], scale) for k, each in enumerate(problems)]
