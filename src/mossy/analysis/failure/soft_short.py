"""Soft shorts as the voltage shows them: a polarisation far below what it was, with or without a sign of electrons."""

from __future__ import annotations

import numpy as np

from mossy.analysis.failure.course import Course
from mossy.analysis.failure.event import UNTOLD, FailureEvent, Severity, volts

LOW = 0.4
"""A soft short leaves at most this share of the baseline at the same current: break-in leaves a half."""
VERY_LOW = 0.15
"""Below this share a low polarisation is told without anything that supports it."""
BREAK_IN, BASE = 2, 5
"""Half-cycles of one current and sign left out first, and how many after them are the baseline."""
FLATTER, FLAT = 1.0 / 3.0, 0.1
"""The half-cycle's shape is ohmic where (q90 - q10)/median is below the second number and this share of what it was."""
SLOW, VANISHES = 0.05, 1.0 / 3.0
"""Share of |V| left some seconds after the current stops in the baseline, and the share of that which is left now."""
LEAST = 3e-3
"""V by which the plateau falls at least."""
PASSES_ELECTRONS = ("cut-off never reached",)
"""Events of other rules that nothing but electrons inside the cell explains."""


def soft_shorts(course: Course, others: list[FailureEvent], floor: float | None) -> list[FailureEvent]:
    """Half-cycles from which on |plateau| is at most `LOW` of its baseline, judged by what else is seen.

    A filament of resistance R_s beside the cell makes of its resistance R the smaller R R_s/(R + R_s), which is ohmic:
    |V| = I R_s neither rises with concentration nor relaxes when the current stops. A larger area or a broken film also
    lowers |V|, and may flatten it, but leaves the electrolyte's concentration polarisation. Therefore

        "soft short"            with a sign of electrons: the polarisation left after the current stops vanishes, a
                                cut-off is never reached, or V/I is below the resistance at high frequency
        "possible soft short"   with the shape gone flat, with a sudden onset, with noise, or below `VERY_LOW` alone

    and nothing where a polarisation falls slowly with none of them: lithium that roughens does so in sound cells.
    Arguments: `others`, the events of the other rules; `floor`, the least ohmic resistance (ohm) that impedance leaves
    open, or None.
    """
    if not course.polarised:
        return []
    found = [event for group in course.alike() if (event := _of_group(course, group, others, floor)) is not None]
    return sorted(found, key=lambda each: each.time_second)[:1]


def _of_group(
    course: Course, group: np.ndarray, others: list[FailureEvent], floor: float | None
) -> FailureEvent | None:
    base = group[BREAK_IN : BREAK_IN + BASE]
    if len(base) < BASE:
        return None
    baseline = float(np.median(course.plateau[base]))
    low = (course.plateau[group] <= LOW * baseline) & (baseline - course.plateau[group] >= LEAST)
    low[: BREAK_IN + 1] = False
    start = _lasting(low)
    if start is None or not course.comparable(int(group[start]), base):
        return None
    later = group[start:][low[start:]]
    share = float(np.median(course.plateau[later])) / baseline
    electrons = [*_vanishing_rest(course, base, later), *_named(course, int(group[start]), others, PASSES_ELECTRONS)]
    electrons += _below_floor(course, later, floor)
    signs = [*_flat(course, base, later), *_named(course, int(group[start]), others, ("noise", "sudden drop"))]
    signs += _named(course, int(group[start]), others, ("voltage collapse",))
    if not electrons and not signs and share > VERY_LOW:
        return None
    return _event(course, group, start, later, (baseline, share), electrons, signs)


def _lasting(low: np.ndarray) -> int | None:
    """The first of at least two low half-cycles in a row, or of a single last one."""
    for k in np.flatnonzero(low):
        if k + 1 == len(low) or low[k + 1]:
            return int(k)
    return None


def _vanishing_rest(course: Course, base: np.ndarray, later: np.ndarray) -> list[str]:
    before, now = course.left[base], course.left[later]
    if not (np.isfinite(before).sum() >= 2 and np.isfinite(now).any()):
        return []
    usual, left = float(np.nanmedian(before)), float(np.nanmedian(now))
    if usual < SLOW or left > VANISHES * usual:
        return []
    return [
        f"seconds after the current stops {100.0 * left:.2g} % of |V| is left, {100.0 * usual:.2g} % in the baseline: "
        "what relaxes slowly in the electrolyte is bypassed"
    ]


def _flat(course: Course, base: np.ndarray, later: np.ndarray) -> list[str]:
    usual, now = float(np.nanmedian(course.spread[base])), float(np.nanmedian(course.spread[later]))
    if not (now <= FLAT and now <= FLATTER * usual):
        return []
    return [f"|V| varies by {100.0 * now:.2g} % in a half-cycle, by {100.0 * usual:.2g} % in the baseline: it is ohmic"]


def _below_floor(course: Course, later: np.ndarray, floor: float | None) -> list[str]:
    if floor is None:
        return []
    resistance = float(np.median(course.plateau[later] / course.amperes[later]))
    if not resistance < floor:
        return []
    return [
        f"V/I is {resistance:.3g} ohm, below the {floor:.3g} ohm that impedance found at high frequency: no interface "
        "does that"
    ]


def _named(course: Course, half: int, others: list[FailureEvent], kinds: tuple[str, ...]) -> list[str]:
    """What other rules found in this half-cycle, the one before, or later."""
    return [each.text for each in others if each.kind in kinds and (each.half_cycle or 0) >= half - 2][:2]


def _no_electrons(course: Course, later: np.ndarray) -> str:
    """What was measured that would have shown electrons inside the cell."""
    left = course.left[later]
    if not np.isfinite(left).any() or np.nanmedian(left) < SLOW:
        return "nothing that tells electrons from ions was measured: a rest after the current, a cut-off, impedance"
    share = 100.0 * float(np.nanmedian(left))
    return f"no sign of electrons: seconds after the current stops {share:.2g} % of |V| is still there to relax"


def _event(
    course: Course,
    group: np.ndarray,
    start: int,
    later: np.ndarray,
    fall: tuple[float, float],
    electrons: list[str],
    signs: list[str],
) -> FailureEvent:
    baseline, share = fall
    k = int(group[start])
    kind = "soft short" if electrons else "possible soft short"
    level = share * baseline
    text = (
        f"{kind} from cycle {course.cycle[k]} on: |plateau| is {volts(level)}, {share:.2g} of the baseline of "
        f"{volts(baseline)} at the same current"
    )
    bracket = (float(course.end[group[start - 1]]), float(course.start[k]))
    evidence = [*electrons, *signs]
    if not electrons:
        evidence.append(_no_electrons(course, later))
    evidence.append(UNTOLD)
    severity: Severity = "failure" if electrons else "warning"
    told = tuple(dict.fromkeys(evidence))
    return FailureEvent(kind, bracket[1], bracket, int(course.cycle[k]), k, severity, text, told)


__all__ = ["BASE", "FLAT", "FLATTER", "LOW", "SLOW", "VANISHES", "VERY_LOW", "soft_shorts"]
