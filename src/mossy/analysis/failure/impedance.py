"""What a series of spectra adds: its events that may be shorts, and the resistance no interface can go below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mossy.analysis.failure.course import Course
from mossy.analysis.failure.event import FailureEvent, Severity
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

if TYPE_CHECKING:
    from mossy.analysis.events import Event

FEWEST = 6
"""Spectra that `mossy.analysis.events` needs to tell a step from a trend."""
CLOSED = 0.05
"""The arcs are closed where -Z'' at the highest frequency is below this share of its largest value."""

NO_SHORT = ("area growth or thinner film", "better contact", "larger wetted area")
"""Verdicts on a series of spectra that explain a fall of the polarisation and leave no room for a short."""


def moments(spectra: Sequence[Impedance]) -> np.ndarray:
    """The middle of each spectrum's time, s; InputError for one without times."""
    found = []
    for number, each in enumerate(spectra, 1):
        if "test_time_second" not in each.table.columns:
            remedy = "leave it out, or give its points a time"
            raise InputError("the spectrum has no times", key=f"spectra {number}", remedy=remedy)
        time = each.table["test_time_second"].drop_nulls().to_numpy()
        if not len(time):
            raise InputError("the spectrum has no times", key=f"spectra {number}", remedy="leave it out")
        found.append(0.5 * float(time.min() + time.max()))
    return np.array(found)


def ohmic_floor(spectra: Sequence[Impedance]) -> float | None:
    """The least resistance in series (ohm) of all spectra whose arcs are closed at high frequency, Re Z - |Im Z|; None
    where no spectrum reaches it.
    """
    floors = []
    for each in spectra:
        order = np.argsort(each.table["frequency_hertz"].to_numpy())[::-1]
        real, height = (each.table[f"{part}_impedance_ohm"].to_numpy()[order] for part in ("real", "imaginary"))
        height = -height
        if len(real) > 2 and abs(height[0]) <= CLOSED * height.max() and height[2] > height[0]:
            floors.append(float(real[0] - abs(height[0])))
    positive = [each for each in floors if each > 0.0]
    return min(positive) if positive else None


def short_like(
    record: Cycling, spectra: Sequence[Impedance], course: Course | None
) -> tuple[list[FailureEvent], list[Event], list[str]]:
    """(events of the series that a short explains, those that none does, notes).

    The search and its verdicts are `mossy.analysis.events.events`, which loads JAX. Only "soft short" there is a soft
    short here; where a larger area or a thinner film explains the spectra as well it is a "possible soft short".
    """
    if len(spectra) < FEWEST:
        return [], [], [f"{len(spectra)} spectra: a step in their series is told from a trend with {FEWEST} or more"]
    from mossy.analysis.events import events

    time = moments(spectra)
    order = np.argsort(time, kind="stable")
    ranked = [spectra[k] for k in order]
    voltage = record if "voltage_volt" in record.table.columns else None
    found, other = [], []
    for each in events(ranked, time[order], voltage=voltage, unit="s"):
        if "short" not in each.kind or each.kind.startswith("end of"):
            other.append(each)
            continue
        certain = each.kind in ("soft short", "soft short and area growth")
        kind = "soft short" if certain else "possible soft short"
        half = _half_cycle_at(course, each.coordinate)
        cycle = None if course is None or half is None else int(course.cycle[half])
        severity: Severity = "failure" if certain else "warning"
        text = each.text if certain else f"possible soft short: {each.text}"
        found.append(FailureEvent(kind, each.coordinate, each.bracket, cycle, half, severity, text, each.evidence))
    notes = [f"the spectra also change suddenly, which no short explains: {each.text}" for each in other]
    return found, other, notes


def without_a_short(event: FailureEvent, other: list[Event]) -> FailureEvent:
    """A possible soft short that a change of the spectra at its time explains without one: then it is a drop."""
    for each in other:
        slack = each.bracket[1] - each.bracket[0]
        near = each.bracket[0] - slack <= event.bracket[1] and each.bracket[1] + slack >= event.bracket[0]
        if event.kind == "possible soft short" and near and each.kind in NO_SHORT:
            text = event.text.replace(event.kind, f"fall of the polarisation, {each.kind} by impedance,", 1)
            return replace(event, kind="sudden drop", text=text, evidence=(each.text, *each.evidence, *event.evidence))
    return event


def _half_cycle_at(course: Course | None, second: float) -> int | None:
    if course is None or not len(course.start):
        return None
    place = int(np.searchsorted(course.start, second, side="right")) - 1
    return place if place >= 0 and second <= course.end[place] else None


__all__ = ["CLOSED", "FEWEST", "NO_SHORT", "moments", "ohmic_floor", "short_like", "without_a_short"]
