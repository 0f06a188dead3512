"""Which elements a survey shows: lines above a smooth background, and elements whose lines are there together.

An element is believed by its set of lines. Its strongest core level must be seen, and so must every other level whose
cross section makes one expect it; a peak that only one element's set explains belongs to it, one that two sets explain
is said to be ambiguous. An element whose strongest line would lie under a line of one that was found is not listed, as
nothing speaks for or against it; a note names it. Between equals, elements of interphases come first, and others need
more than one line. A line that is missed would have been seen.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.xps.identify_peaks import SEEN, WIDTH, Peaks, found_peaks
from mossy.analysis.xps.peaks_flags import USUAL_ELEMENTS
from mossy.analysis.xps.peaks_region import Region, region_of
from mossy.errors import InputError
from mossy.materials.cross_sections import photoionisation_cross_section
from mossy.materials.photoemission import SurveyLine, orbital, photoemission_phases, survey_lines
from mossy.materials.photoemission import lines as phase_lines
from mossy.records import Photoemission

_FAINT = 10.0
"""Standard errors below which one line alone proves no element."""
_EXPECTED = 3.0
"""A line is missed only where it should stand this many times above what is seen."""
_HIDDEN = 5.0
"""A peak this many times as high as a line should be is another's, and may hide the line."""
_RESOLVED = 5.0
"""eV: splitting beyond which the filter shows both lines of a doublet"""
_TOLERANCE = 2.0
"""eV beyond the binding energies that the library's phases have"""
_OXIDISED = 4.0
"""eV that compounds may lie above the element where the library has no phase of it"""
_VALENCE = 35.0
"""eV: levels below are bands rather than lines; nothing is expected of them, and none proves an element"""
_SPAN = 50.0
_UNEXPLAINED = "satellites, levels that the library lacks, elements that were not looked for"
_CHARGED = 1.0


@dataclass(frozen=True)
class FoundLine:
    """A peak of the survey, eV; `significance` in standard errors; `lines` that explain it, the likeliest first.

    `ambiguous`: lines of two elements that were found explain it, or only lines of elements that are merely possible.
    `loss_of`: the energy of a stronger peak whose electrons may make this one by losing energy.
    """

    binding_energy: float
    significance: float
    lines: tuple[str, ...]
    ambiguous: bool
    loss_of: float | None


@dataclass(frozen=True)
class FoundElement:
    """An element with its lines seen and missed; `status`: "found" (its set is whole and its own) or "possible"."""

    element: str
    status: str
    seen: tuple[str, ...]
    missed: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Survey:
    """What a survey shows, `background` in its own intensity.

    `offset`: median distance of found main lines from the energies they may have, eV.
    """

    lines: tuple[FoundLine, ...]
    elements: tuple[FoundElement, ...]
    offset: float
    flags: tuple[str, ...]
    energy: np.ndarray
    background: np.ndarray
    faults: tuple[str, ...] = ()
    """Those of `flags` that say that something is wrong with this survey, without mere caveats"""
    notes: tuple[str, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The elements found, for other functions."""
        return tuple(each.element for each in self.elements if each.status == "found")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, without curves."""
        return {
            "elements": [dict(each.__dict__) for each in self.elements],
            "lines": [dict(each.__dict__) for each in self.lines],
            "offset_electronvolt": self.offset,
            "flags": list(self.flags),
            "faults": list(self.faults),
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """Tables for a terminal."""
        rows = [f"{'element':9s}{'':10s}lines seen"]
        for each in self.elements:
            missed = f" (missed: {', '.join(each.missed)})" if each.missed else ""
            rows.append(f"{each.element:9s}{each.status:10s}{', '.join(each.seen)}{missed} {each.note}".rstrip())
        rows.append(f"{'eV':>8s}{'sigma':>8s}  line")
        for line in self.lines:
            names = " or ".join(line.lines) or "not explained"
            names += f" (or a loss of the peak at {line.loss_of:.1f} eV)" if line.loss_of is not None else ""
            rows.append(f"{line.binding_energy:8.1f}{line.significance:8.0f}  {names}")
        return "\n".join([*rows, *(f"! {flag}" for flag in self.flags), *(f"- {note}" for note in self.notes)])


@dataclass(frozen=True)
class _Line:
    """A line with the energies at which its peak may stand, and how high it should stand (C 1s: about 1)."""

    name: str
    element: str
    low: float
    high: float
    height: float
    splitting: float
    ratio: float
    auger: bool


def identify(
    survey: Photoemission, *, elements: Iterable[str] | None = None, counting_time: float | None = None
) -> Survey:
    """The elements of a survey.

    Arguments: `survey`, a wide region; `elements`, the only ones to look for (None: all of the library's);
    `counting_time` in seconds where the record does not know (else the noise is taken from the scatter).
    Validity: lines within 2 eV of where the library's phases have them: calibrate a charged survey first. H and He have
    no lines; levels below 35 eV prove nothing.

    >>> import polars as pl
    >>> energy = np.arange(20.0, 1200.0, 1.0)
    >>> heights = {"C 1s": (285.0, 3e4), "F 1s": (685.5, 8e4), "F KLL": (831.0, 2e4), "Na 1s": (1071.0, 9e4)}
    >>> counts = 1e4 + sum(high * np.exp(-((energy - at) ** 2) / 2.0) for at, high in heights.values())
    >>> table = pl.DataFrame({"binding_energy_electronvolt": energy, "intensity_counts": counts})
    >>> survey = Photoemission(table, {"region": "survey", "excitation_energy_electronvolt": 1486.6})
    >>> found = {each.element: each.status for each in identify(survey).elements}
    >>> found["C"], found["F"], found["Na"]
    ('found', 'found', 'possible')
    >>> next(each.missed for each in identify(survey).elements if each.element == "Na")
    ('Na 2s',)
    """
    region = region_of(survey, counting_time)
    if region.energy[-1] - region.energy[0] < _SPAN:
        problem = f"'{region.name}' spans {region.energy[-1] - region.energy[0]:.0f} eV"
        raise InputError(problem, key="survey", remedy=f"give a survey of {_SPAN:g} eV or more")
    if region.excitation_energy is None:
        remedy = 'read the file with excitation="Al Ka"'
        raise InputError("the photon energy is not known, so Auger lines have no place", key=region.name, remedy=remedy)
    table = _table(region.excitation_energy, elements, region.energy)
    peaks = found_peaks(region.energy, region.counts, region.poisson)
    seen = _elements(table, peaks)
    first, hidden = _in_sight(seen, [each for each in seen if each.element in USUAL_ELEMENTS], table, peaks)
    rivals = _rivals(first, table, peaks)
    found, more = _in_sight(rivals, rivals, table, peaks)
    offset = _offset(table, peaks, found)
    lines = _explained(table, peaks, found)
    background = peaks.background * peaks.per_count / region.per_unit
    faults, flags = _faults(found, offset, region), _flags(lines, region)
    notes = _hidden_note([*hidden, *more])
    return Survey(lines, tuple(found), offset, (*faults, *flags), peaks.energy, background, faults, notes)


def _table(photon: float, elements: Iterable[str] | None, energy: np.ndarray) -> list[_Line]:
    table = []
    for each in survey_lines(photon, elements):
        if not energy[0] < each.binding_energy < energy[-1]:
            continue
        if each.kind == "Auger":
            half = 0.5 * each.width + _TOLERANCE
            low, high, height, ratio = each.binding_energy - half, each.binding_energy + half, 0.0, 0.0
        else:
            below, above = _chemical_shifts().get(each.element, (0.0, _OXIDISED))
            low, high = each.binding_energy + below - _TOLERANCE, each.binding_energy + above + _TOLERANCE
            ratio = orbital(each.name).ratio
            height = _cross_section(each, photon) / (1.0 + ratio) * WIDTH / (WIDTH + each.width)
        table.append(_Line(each.name, each.element, low, high, height, each.splitting, ratio, each.kind == "Auger"))
    return table


@functools.cache
def _chemical_shifts() -> dict[str, tuple[float, float]]:
    """How far the library's phases move the lines of each element down and up, eV; all its levels move alike."""
    found: dict[str, tuple[float, float]] = {}
    for phase in photoemission_phases():
        for line in phase_lines(phase):
            if line.known:
                moved = line.position - orbital(line.orbital).binding_energy
                low, high = found.get(line.element, (0.0, 0.0))
                found[line.element] = (min(low, moved), max(high, moved))
    return found


def _elements(table: Sequence[_Line], peaks: Peaks) -> list[FoundElement]:
    """Elements whose strongest level is seen, with what else of their sets is seen and what is missed."""
    found = []
    for element in dict.fromkeys(each.element for each in table):
        own = [each for each in table if each.element == element]
        main = max(own, key=lambda each: each.height)
        place = peaks.between(main.low, main.high) if main.height > 0.0 else None
        if place is not None:
            found.append(_element(main, [each for each in own if each is not main], place, peaks))
    return found


def _element(main: _Line, others: Sequence[_Line], place: int, peaks: Peaks) -> FoundElement:
    seen, missed, notes = [main.name], [], []
    strength = float(peaks.significance[place])
    per_height = strength * _noise(peaks, place) / main.height
    for each in others:
        at = peaks.between(each.low, each.high)
        middle = int(np.argmin(np.abs(peaks.energy - 0.5 * (each.low + each.high))))
        expected = per_height * each.height / _noise(peaks, middle)
        most = strength if each.auger else _HIDDEN * expected
        if at is not None and peaks.significance[at] <= most:
            seen.append(each.name)
        elif at is None and each.low > _VALENCE and expected > _EXPECTED * SEEN:
            missed.append(each.name)
    second = float(peaks.energy[place]) + main.splitting
    resolved = main.ratio > 0.0 and main.splitting > _RESOLVED and second < peaks.energy[-1]
    absent = peaks.between(second - _TOLERANCE, second + _TOLERANCE) is None
    if resolved and absent and main.ratio * strength > _EXPECTED * SEEN:
        missed.append(f"weaker line of {main.name}")
    loss = peaks.loss_of(place)
    if loss is not None and len(seen) == 1:
        notes.append(f"its line may be a loss of the peak at {loss:.1f} eV")
    alone = len(seen) == 1 and not (resolved and not absent)
    if alone and (strength < _FAINT or main.element not in USUAL_ELEMENTS):
        notes.append(f"one {'faint ' if strength < _FAINT else ''}line only")
    if main.low < _VALENCE - _TOLERANCE:
        notes.append("its main line lies among the valence bands")
    status = "possible" if missed or notes else "found"
    return FoundElement(main.element, status, tuple(seen), tuple(missed), "; ".join(notes))


def _noise(peaks: Peaks, place: int) -> float:
    return math.sqrt(max(float(peaks.background[place]), 1.0))


def _cross_section(line: SurveyLine, photon: float) -> float:
    """Relative to C 1s; 0 where it is not known, so that nothing is expected of it."""
    try:
        return photoionisation_cross_section(line.name, photon).relative
    except InputError:
        return 0.0


def _rivals(found: list[FoundElement], table: Sequence[_Line], peaks: Peaks) -> list[FoundElement]:
    """The elements; one all of whose peaks others explain is only possible.

    Others are, of an element that interphases do not have, all found ones of those that they have; then all that are
    better supported.
    """
    peaks_of = _peaks_of(found, table, peaks)
    usual = [each for each in found if each.element in USUAL_ELEMENTS and each.status == "found"]
    first = [each if each.element in USUAL_ELEMENTS else _doubted(each, usual, peaks_of) for each in found]
    return [
        _doubted(one, [each for each in first if each is not one and _outranks(each, one, peaks_of, peaks)], peaks_of)
        for one in first
    ]


def _peaks_of(found: Sequence[FoundElement], table: Sequence[_Line], peaks: Peaks) -> dict[str, set[int]]:
    """Every peak that the lines seen of each element may be."""
    lines = {each.name: each for each in table}
    return {
        each.element: set().union(*(peaks.all_between(lines[name].low, lines[name].high) for name in each.seen))
        for each in found
    }


def _in_sight(
    found: Sequence[FoundElement], by: Sequence[FoundElement], table: Sequence[_Line], peaks: Peaks
) -> tuple[list[FoundElement], list[str]]:
    """The elements whose strongest line does not lie under a line of those of `by` that are found; the others' names.

    An element that is found by itself gives way only if interphases do not have it. Nor is a line that may be a loss,
    and stands alone, in sight.
    """
    lines, peaks_of = {each.name: each for each in table}, _peaks_of(found, table, peaks)
    kept, hidden = [], []
    for one in found:
        main = lines[one.seen[0]]
        place = peaks.between(main.low, main.high)
        usual = one.element in USUAL_ELEMENTS
        others = [
            each.element
            for each in by
            if each.status == "found"
            and each.element != one.element
            and (one.status != "found" or (each.element in USUAL_ELEMENTS and not usual))
        ]
        loss = not usual and len(one.seen) == 1 and place is not None and peaks.loss_of(place) is not None
        if loss or any(place in peaks_of[other] for other in others):
            hidden.append(one.element)
        else:
            kept.append(one)
    return kept, hidden


def _hidden_note(hidden: Sequence[str]) -> tuple[str, ...]:
    if not hidden:
        return ()
    many = "1 element" if len(hidden) == 1 else f"{len(hidden)} elements"
    return (
        f"{many} would have the strongest line under one of a found element, or where a loss is, and can be neither "
        f"shown nor excluded by this survey: {', '.join(hidden)}",
    )


def _doubted(one: FoundElement, others: Sequence[FoundElement], peaks_of: dict[str, set[int]]) -> FoundElement:
    """The element; only possible where the others explain all of its peaks."""
    own = peaks_of[one.element]
    names = [other.element for other in others if peaks_of[other.element] & own]
    if not own <= set().union(*(peaks_of[name] for name in names)):
        return one
    note = f"its peaks are explained by {', '.join(names)} as well"
    if note in one.note:
        return one
    note = "; ".join(filter(None, [one.note, note]))
    return FoundElement(one.element, "possible", one.seen, one.missed, note)


def _outranks(other: FoundElement, one: FoundElement, peaks_of: dict[str, set[int]], peaks: Peaks) -> bool:
    """Whether another element's set is the better supported: whole, with more peaks, of an interphase, or stronger."""

    def rank(each: FoundElement) -> tuple[bool, int, bool, float]:
        strength = sum(float(peaks.significance[place]) for place in peaks_of[each.element])
        return each.status == "found", len(each.seen), each.element in USUAL_ELEMENTS, strength

    return rank(other) > rank(one)


def _offset(table: Sequence[_Line], peaks: Peaks, found: Sequence[FoundElement]) -> float:
    """The median distance of found main lines from the energies that the library's phases have."""
    lines = {each.name: each for each in table}
    apart = []
    for element in found:
        main = lines[element.seen[0]]
        place = peaks.between(main.low, main.high)
        if element.status == "found" and place is not None:
            at = float(peaks.energy[place])
            apart.append(at - float(np.clip(at, main.low + _TOLERANCE, main.high - _TOLERANCE)))
    return float(np.median(apart)) if apart else 0.0


def _explained(table: Sequence[_Line], peaks: Peaks, found: Sequence[FoundElement]) -> tuple[FoundLine, ...]:
    certain = {each.element: each.status == "found" for each in found}
    seen = {name for each in found for name in each.seen}
    lines = []
    for place in peaks.places:
        energy = float(peaks.energy[place])
        near = []
        for each in (line for line in table if line.name in seen):
            weaker = each.splitting if each.ratio else 0.0
            if each.low <= energy <= each.high or each.low <= energy - weaker <= each.high:
                near.append((not certain[each.element], each.auger, abs(energy - 0.5 * (each.low + each.high)), each))
        near.sort(key=lambda item: item[:3])
        sure = {each.element for doubtful, *_, each in near if not doubtful}
        lines.append(
            FoundLine(
                binding_energy=energy,
                significance=float(peaks.significance[place]),
                lines=tuple(each.name for *_, each in near),
                ambiguous=len(sure) > 1 or (not sure and bool(near)),
                loss_of=peaks.loss_of(int(place)),
            )
        )
    return tuple(lines)


def _open(line: FoundLine) -> bool:
    """Whether nothing explains a peak: no line, no losses, no valence band."""
    return not line.lines and line.loss_of is None and line.binding_energy > _VALENCE


def _faults(found: Sequence[FoundElement], offset: float, region: Region) -> tuple[str, ...]:
    told = [f"the record says: {each}" for each in region.warnings if "saturated" in each]
    if not found:
        told.append("no element's main line was found: is the scale the binding energy, or the sample charged?")
    if abs(offset) > _CHARGED:
        told.append(f"found lines lie {offset:+.1f} eV outside of where they may: the sample may be charged")
    return tuple(told)


def _flags(lines: Sequence[FoundLine], region: Region) -> tuple[str, ...]:
    """What must be said and is no fault."""
    other = [each for each in region.warnings if "saturated" not in each and "Poisson errors are not known" not in each]
    told = [f"the record says: {each}" for each in other]
    if not region.poisson:
        told.append("the counts behind the intensities are not known: the noise was taken from the scatter")
    for line in lines:
        if line.ambiguous:
            told.append(f"the peak at {line.binding_energy:.1f} eV may be {' or '.join(line.lines)}")
    unexplained = [f"{each.binding_energy:.1f}" for each in lines if _open(each)]
    if unexplained:
        told.append(f"peaks at {', '.join(unexplained)} eV are not explained: {_UNEXPLAINED}")
    return tuple(told)
