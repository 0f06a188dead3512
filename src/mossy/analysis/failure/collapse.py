"""Spikes and collapses of the voltage while the current stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from mossy.analysis.failure.course import SETTLED, Course
from mossy.analysis.failure.event import FailureEvent, hours

SHARE = 0.3
"""Least share of |V| that a collapse loses (that of `mossy.analysis.events.voltage`)."""
LEAST = 3e-3
"""V a collapse loses at least: below, contact noise of leads does the same."""
TIMES = 6.0
"""A collapse is at least this many usual changes from row to row: 20,000 rows of normal noise reach 4.2 of them."""
WITHIN, SLOWEST = 1.0, 60.0
"""s within which a collapse happens; where rows lie further apart, from row to row, up to the second number."""
TOGETHER = 600.0
"""s between collapses up to which they are told as one event."""
_DENSE = 64  # rows within the time of a collapse from which on every stretch is searched


def collapses(course: Course) -> list[FailureEvent]:
    """Collapses of |V| under constant current, those within `TOGETHER` of each other as one event.

    A dendrite that touches the counter electrode, and a passivating film that breaks, both let |V| fall by `SHARE` or
    more within a second while nothing else changes. The first `SETTLED` of each stretch of current is left out, where
    nucleation does so in a sound cell. The search itself is `mossy.analysis.events.voltage.voltage_events`.
    """
    if not course.polarised:
        return []
    trace = course.steps.trace
    found: list[tuple[Any, int | None]] = []
    for run in _suspects(course):
        a, b = course.runs[run]
        rows = np.arange(a, b + 1)[np.isfinite(trace.voltage[a : b + 1])]
        if len(rows) < 3:
            continue
        time, volt = trace.time[rows], trace.voltage[rows]
        half = int(course.run_half[run])
        settled = time[0] + SETTLED * (time[-1] - time[0])
        found += [(each, half) for each in _large(time, volt, trace.current[rows]) if each.coordinate >= settled]
    return _told(found, course)


def collapses_of_voltage(time: np.ndarray, voltage: np.ndarray) -> list[FailureEvent]:
    """The same where no current was recorded, over the whole trace."""
    return _told([(each, None) for each in _large(time, voltage, None)], None)


def _within(time: np.ndarray) -> float:
    usual = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return WITHIN if usual > SLOWEST else max(WITHIN, 1.2 * usual)


def _suspects(course: Course) -> np.ndarray:
    """The stretches in which |V| may fall far enough fast enough: only those are searched."""
    trace = course.steps.trace
    if not len(course.runs):
        return np.empty(0, dtype=int)
    mask = np.zeros(len(trace.time), dtype=bool)
    for a, b in course.runs:
        mask[a : b + 1] = True
    rows = np.flatnonzero(mask & np.isfinite(trace.voltage))
    if len(rows) < 3:
        return np.empty(0, dtype=int)
    run = np.searchsorted(course.runs[:, 0], rows, side="right") - 1
    start, end = (trace.time[course.runs[run, side]] for side in (0, 1))
    kept = trace.time[rows] >= start + SETTLED * (end - start)
    rows, run = rows[kept], run[kept]
    if len(rows) < 3:
        return np.empty(0, dtype=int)
    return np.unique(run[_falls(trace.time[rows], np.abs(trace.voltage[rows]), run)])


def _falls(time: np.ndarray, size: np.ndarray, run: np.ndarray) -> np.ndarray:
    """Rows from which |V| falls by `SHARE` within the time of a collapse; all of them where rows are very dense."""
    within = _within(time)
    most = int(np.max(np.searchsorted(time, time + within, side="right") - np.arange(len(time)))) - 1
    if most > _DENSE:
        return np.ones(len(time), dtype=bool)
    hit = np.zeros(len(time), dtype=bool)
    for lag in range(1, most + 1):
        fall = size[:-lag] - size[lag:]
        near = (time[lag:] - time[:-lag] <= within) & (run[lag:] == run[:-lag])
        hit[:-lag] |= near & (fall >= SHARE * size[:-lag]) & (fall >= LEAST)
    return hit


def _large(time: np.ndarray, voltage: np.ndarray, current: np.ndarray | None) -> list[Any]:
    """The collapses that are large enough."""
    from mossy.analysis.events.voltage import voltage_events  # its package loads JAX, which few cells need

    noise = 1.4826 * float(np.median(np.abs(np.diff(np.abs(voltage)))))
    kept, within = [], _within(time)
    for each in voltage_events(time, voltage, current, within=within):
        # it fell from the highest point within its time, which the moment may follow
        first, last = np.searchsorted(time, (each.coordinate - within, each.coordinate))
        fall = float(np.max(np.abs(voltage[first : last + 1]))) * (1.0 - each.factor)
        if fall >= max(LEAST, TIMES * noise):
            kept.append(each)
    return kept


def _told(found: list[tuple[Any, int | None]], course: Course | None) -> list[FailureEvent]:
    """One event for the collapses that follow each other closely."""
    groups: list[list[tuple[Any, int | None]]] = []
    for each in sorted(found, key=lambda one: float(one[0].coordinate)):
        near = bool(groups) and each[0].coordinate - groups[-1][-1][0].coordinate <= TOGETHER
        if near:
            groups[-1].append(each)
        else:
            groups.append([each])
    return [_event(group, course) for group in groups]


def _event(group: list[tuple[Any, int | None]], course: Course | None) -> FailureEvent:
    first, half = group[0]
    evidence = list(first.evidence)
    text = first.text
    if len(group) > 1:
        last = group[-1][0].coordinate
        text += f"; {len(group)} such collapses up to {hours(last)}"
        deepest = min(float(each.factor) for each, _ in group)
        evidence.insert(
            0, f"{len(group)} collapses in {last - first.coordinate:.0f} s, the deepest to {deepest:.2g} of |V|"
        )
    cycle = int(course.cycle[half]) if course is not None and half is not None else None
    bracket = (float(first.bracket[0]), float(group[-1][0].bracket[1]))
    return FailureEvent(
        "voltage collapse", float(first.coordinate), bracket, cycle, half, "warning", text, tuple(evidence)
    )


__all__ = ["LEAST", "SHARE", "TIMES", "TOGETHER", "WITHIN", "collapses", "collapses_of_voltage"]
