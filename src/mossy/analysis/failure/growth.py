"""Polarisation that grows, and half-cycles that run out of something before they end."""

from __future__ import annotations

import numpy as np

from mossy.analysis.failure.course import Course
from mossy.analysis.failure.event import FailureEvent, Severity, volts

GROWTH = 3.0
"""Times the baseline from which on the polarisation has grown; dead metal and dry-out reach ten and more."""
BREAK_IN, BASE = 2, 5
"""Half-cycles of one current and sign left out first, and how many after them are the baseline."""
DIVERGES = 3.0
"""Times its own plateau that |V| has at the end of a half-cycle which ran out of salt, solvent or metal: pits that are
emptied make it end at up to twice in sound cells."""
SOUND = 2.0
"""Up to this ratio the end of the earlier half-cycles counts as sound."""


def growth(course: Course) -> list[FailureEvent]:
    """Growth of the plateau over its baseline, and divergence within half-cycles, each once for all that follow.

    "polarisation growth": |plateau| >= `GROWTH` times the median of the half-cycles `BREAK_IN` to `BREAK_IN` + `BASE`
    of the same current and sign, and so to the last one. Films that thicken, dead metal in the way of ions, and
    electrolyte that is used up do so. "depletion": |V| at the end of a half-cycle >= `DIVERGES` times its own plateau,
    as salt depletion, dry-out or the end of the metal on one side make it; that a strip from a substrate ends so is
    what a sound cell does.
    """
    if not course.polarised:
        return []
    return [*_grown(course), *_depleted(course)]


def _grown(course: Course) -> list[FailureEvent]:
    starts: list[tuple[int, float]] = []
    for group in course.alike():
        base = group[BREAK_IN : BREAK_IN + BASE]
        if len(group) < BREAK_IN + BASE + 2:
            continue
        baseline = float(np.median(course.plateau[base]))
        high = course.plateau[group] >= GROWTH * baseline
        below = np.flatnonzero(~high)
        first = int(below[-1]) + 1 if len(below) else 0
        if baseline > 0.0 and len(group) - first >= 2 and course.comparable(int(group[first]), base):
            starts.append((int(group[first]), baseline))
    if not starts:
        return []
    k, baseline = min(starts)
    same = np.flatnonzero((course.level == course.level[k]) & (course.sign == course.sign[k]))
    last = int(same[-1])
    times = course.plateau[last] / baseline
    text = (
        f"|plateau| grows from {volts(baseline)} to {volts(float(course.plateau[last]))} by cycle "
        f"{course.cycle[last]}, {times:.3g} times; {GROWTH:g} times from cycle {course.cycle[k]} on"
    )
    steepest = _steepest(course, same)
    evidence = (
        steepest,
        "films, dead metal that ions have to pass, and electrolyte that is used up raise it alike; impedance tells the "
        "ohmic part from the interfaces",
    )
    bracket = (float(course.end[max(k - 1, 0)]), float(course.start[k]))
    return [
        FailureEvent("polarisation growth", bracket[1], bracket, int(course.cycle[k]), k, "warning", text, evidence)
    ]


def _steepest(course: Course, same: np.ndarray) -> str:
    """Whether the growth is even or sets in late."""
    plateau = course.plateau[same]
    half = len(plateau) // 2
    first, second = plateau[half] / plateau[min(BREAK_IN, half)], plateau[-1] / plateau[half]
    return f"it grows {first:.3g} times in the first half of the half-cycles and {second:.3g} times in the second"


def _depleted(course: Course) -> list[FailureEvent]:
    ratio = course.late / np.maximum(course.plateau, 1e-9)
    found: list[int] = []
    for group in course.alike():
        allowed = np.array([k for k in group if not course.strips_the_end(int(k))], dtype=int)
        allowed = allowed[np.isfinite(ratio[allowed])]
        hit = [place for place, k in enumerate(allowed) if place >= 1 and ratio[k] >= DIVERGES]
        found += [int(allowed[p]) for p in hit[:1] if np.median(ratio[allowed[:p]]) < SOUND]
    if not found:
        return []
    k = min(found)
    same = np.flatnonzero((course.level == course.level[k]) & (course.sign == course.sign[k]))
    later = same[same >= k]
    usual = float(np.median(course.charge[same[same < k]]))
    text = (
        f"in the half-cycle of cycle {course.cycle[k]} |V| runs from {volts(float(course.plateau[k]))} to "
        f"{volts(float(course.late[k]))} before it ends"
    )
    evidence = [
        f"earlier ones at this current ended at {np.median(ratio[same[same < k]]):.2g} times their plateau (median)",
        f"{int(np.sum(ratio[later] >= DIVERGES))} of {len(later)} half-cycles from there on end at {DIVERGES:g} times "
        "or more",
    ]
    short = course.charge[later] < 0.9 * usual
    if short.any():
        evidence.append(
            f"{int(short.sum())} of them are cut short, the shortest at {course.charge[later].min() / usual:.2g} of "
            "the usual charge"
        )
    evidence.append(
        "salt depletion, dry-out and the end of the metal on one side do so: the voltage does not tell which"
    )
    bracket = (float(course.start[k]), float(course.end[k]))
    severity: Severity = "failure" if short.any() else "warning"
    return [FailureEvent("depletion", bracket[1], bracket, int(course.cycle[k]), k, severity, text, tuple(evidence))]


__all__ = ["BASE", "DIVERGES", "GROWTH", "growth"]
