"""One sample, everything its regions tell: elements, peaks, atomic percent, phases. Never raises for data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from mossy.analysis.xps.calibration import Calibration, allowed_shift, calibrate, calibrated
from mossy.analysis.xps.identify import Survey, identify
from mossy.analysis.xps.peaks import fit_peaks
from mossy.analysis.xps.peaks_results import PeakFit
from mossy.analysis.xps.quantify import AtomicComposition, quantify
from mossy.errors import InputError
from mossy.records import Photoemission

if TYPE_CHECKING:
    from mossy.analysis.xps.phase_results import PhaseFit
    from mossy.analysis.xps.phase_scale import Scale

T = TypeVar("T")
_LEVEL = re.compile(r"([A-Z][a-z]?)\s*_?([1-6][spdf])(\d/2)?")
_MAY_FAIL = ("survey", "atomic percent")
"""What a sample need not have the data for."""
WIDE = 100.0
"""eV: a region wider than this is a survey."""


@dataclass(frozen=True)
class Plan:
    """How samples are to be studied. `components` by core level, as text; `reference` of the energy scale, as
    `calibration.reference_named` takes it; `choices`: whether errors hold those of background and shape;
    `counting_time`, seconds at each energy in all sweeps, or "equal": of plain counts whose files do not say.
    """

    phases: tuple[str, ...] = ()
    layers: tuple[tuple[str, ...], ...] | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    background: str = "shirley"
    choices: bool = True
    reference: str | None = None
    scale: Scale | None = None
    mean_free_path: str | None = None
    counting_time: float | str | None = None
    peaks: bool = True


@dataclass(eq=False)
class SampleStudy:
    """What was found of a sample; None and a note where something could not be told."""

    name: str
    records: list[Photoemission]
    survey: Survey | None = None
    survey_record: Photoemission | None = None
    peaks: list[PeakFit] = field(default_factory=list)
    composition: AtomicComposition | None = None
    phases: PhaseFit | None = None
    calibration: Calibration | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    level: float | None = None
    failed: bool = False

    @property
    def faults(self) -> list[str]:
        """What is wrong with a fit or its data, without mere caveats."""
        told = [flag for fit in self.peaks for flag in _of(fit.region, fit.faults)]
        for part in (self.survey, self.composition, self.phases):
            told += part.faults if part is not None else ()
        return list(dict.fromkeys(told))

    @property
    def flags(self) -> list[str]:
        """Everything to look at before believing the numbers."""
        told = [flag for fit in self.peaks for flag in _of(fit.region, fit.flags)]
        for part in (self.survey, self.composition, self.phases):
            told += part.flags if part is not None else ()
        return list(dict.fromkeys(told))


def _of(region: str, flags: Sequence[str]) -> list[str]:
    return [flag if flag.startswith(region) else f"{region}: {flag}" for flag in flags]


def level_of(record: Photoemission) -> str | None:
    """The core level of a region as "C 1s"; None for a survey and what has no such name.

    >>> import polars as pl
    >>> table = pl.DataFrame({"binding_energy_electronvolt": [280.0, 290.0], "intensity_counts": [1.0, 2.0]})
    >>> level_of(Photoemission(table, {"region": "Na1s"})), level_of(Photoemission(table, {"region": "survey"}))
    ('Na 1s', None)
    """
    if span(record) > WIDE:
        return None
    match = _LEVEL.match(str(record.metadata.get("region", "")).strip())
    return f"{match[1]} {match[2]}" if match else None


def span(record: Photoemission) -> float:
    """How many eV a region spans."""
    energy = record.table["binding_energy_electronvolt"]
    return float(energy.max()) - float(energy.min())  # type: ignore[arg-type]


def study(name: str, records: Sequence[Photoemission], plan: Plan) -> SampleStudy:
    """A sample's regions, by a plan."""
    found = SampleStudy(name, list(records))
    found.warnings = _warnings(records)
    surveys = [each for each in records if span(each) > WIDE]
    if surveys:
        widest = found.survey_record = max(surveys, key=span)
        found.survey = _attempt(found, "survey", lambda: identify(widest))
    regions = _regions(found, [each for each in records if span(each) <= WIDE])
    if plan.reference is not None:
        regions = _on_reference(found, regions, plan)
    elements = found.survey.symbols if found.survey is not None else None
    if plan.peaks:
        for level, record in regions.items():
            fit = _attempt(found, level, lambda r=record, k=level: _peaks(r, k, plan, elements))  # type: ignore[misc]
            if fit is not None:
                found.peaks.append(fit)
        if found.peaks:
            found.composition = _attempt(found, "atomic percent", lambda: _composition(found.peaks, plan))
    if plan.phases or plan.layers:
        found.phases = _attempt(found, "phases", lambda: _phases(list(regions.values()), plan))
    return found


def _warnings(records: Sequence[Photoemission]) -> list[str]:
    """What the files warn of, once, with the regions it is about unless it is about all."""
    told: dict[str, list[str]] = {}
    for each in records:
        for text in each.metadata.get("warnings", []):
            told.setdefault(text, []).append(str(each.metadata.get("region", "a region")))
    return [text if len(of) == len(records) else f"{', '.join(dict.fromkeys(of))}: {text}" for text, of in told.items()]


def _attempt(found: SampleStudy, what: str, call: Callable[[], T]) -> T | None:
    try:
        return call()
    except InputError as error:
        found.failed |= what not in _MAY_FAIL
        found.notes.append(f"{what}: {error.problem}{f'; {error.remedy}' if error.remedy else ''}")
        return None


def _regions(found: SampleStudy, narrow: Sequence[Photoemission]) -> dict[str, Photoemission]:
    """The narrow regions by core level; of two of one level the later, which is said."""
    regions: dict[str, Photoemission] = {}
    for record in narrow:
        level = level_of(record)
        if level is None:
            found.notes.append(f"'{record.metadata.get('region', 'a region')}' names no core level and was left out")
            continue
        if level in regions:
            source = record.metadata.get("source_path", "the last")
            found.notes.append(f"{level} is there twice: {source} is taken")
            found.failed = True
        regions[level] = record.with_metadata(region=level)  # type: ignore[assignment]
    told: dict[str, list[str]] = {}
    for level, record in regions.items():
        if record.metadata.get("region_from"):
            told.setdefault(record.metadata["region_from"], []).append(level)
    found.notes += [f"told by {source}, not by the file: {', '.join(levels)}" for source, levels in told.items()]
    return regions


def _peaks(record: Photoemission, level: str, plan: Plan, elements: Sequence[str] | None) -> PeakFit:
    return fit_peaks(
        record,
        plan.components.get(level),
        plan.background,
        uncertainty="with choices" if plan.choices else "statistical",
        counting_time=_seconds(record, plan),
        elements=elements,
    )


def _seconds(record: Photoemission, plan: Plan) -> float | None:
    """The counting time of a region whose file does not say; one second each where all are known to be equal."""
    if record.metadata.get("dwell_time_second") or plan.counting_time is None:
        return None
    return 1.0 if plan.counting_time == "equal" else float(plan.counting_time)


def _composition(peaks: Sequence[PeakFit], plan: Plan) -> AtomicComposition:
    more = {"mean_free_path": plan.mean_free_path} if plan.mean_free_path is not None else {}
    return quantify(peaks, **more)  # type: ignore[arg-type]


def _phases(records: Sequence[Photoemission], plan: Plan) -> PhaseFit:
    from mossy.analysis.xps.phase_fit import fit_phases

    background = plan.background if plan.background in ("shirley", "tougaard", "linear") else "shirley"
    layers: Any = plan.layers
    known = any(record.metadata.get("dwell_time_second") for record in records)
    return fit_phases(
        records,
        plan.phases or None,
        layers,
        background=background,
        scale=plan.scale,
        counting_time=None if known else plan.counting_time,
    )


def _on_reference(found: SampleStudy, regions: dict[str, Photoemission], plan: Plan) -> dict[str, Photoemission]:
    """The regions moved so that the reference line is where it belongs."""
    from mossy.analysis.xps.calibration import reference_named

    def shifted() -> dict[str, Photoemission]:
        reference = reference_named(str(plan.reference))
        element, orbital = reference.level.split()
        level = f"{element} {orbital[:2]}"
        if level not in regions:
            remedy = f"choose one in {', '.join(regions) or 'a region that is there'}"
            raise InputError(f"the reference lies in {level}, which was not measured", key="reference", remedy=remedy)
        fit = _peaks(regions[level], level, plan, None)
        names = [each for each in fit.components if each.area.value > 0.0]
        nearest = min(names, key=lambda each: abs(each.position.value - reference.binding_energy))
        shift = reference.binding_energy - nearest.position.value
        if abs(shift) > allowed_shift(reference):
            problem = f"the nearest line, {nearest.name}, lies {-shift:+.2f} eV from {reference.name}: another line"
            raise InputError(problem, key="reference", remedy="choose a reference that the sample has")
        found.calibration = calibrate(fit, str(plan.reference), nearest.name)
        return {key: calibrated(record, found.calibration) for key, record in regions.items()}

    return _attempt(found, "energy scale", shifted) or regions
