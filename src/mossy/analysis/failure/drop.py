"""Sudden drops of the polarisation, within a half-cycle or from one to the next of the same current."""

from __future__ import annotations

import numpy as np

from mossy.analysis.failure.course import Course
from mossy.analysis.failure.event import UNTOLD, FailureEvent, hours, volts

DROP = 0.6
"""A drop leaves at most this share of |V|: nothing that happens in a sound half-cycle after nucleation is as fast."""
BREAK_IN = 3
"""Half-cycles of one current and sign that are left out: native films break in the first cycles of sound cells."""
SCATTERS = 6.0
"""A drop is this many times the usual change from half-cycle to half-cycle, or of the noise from row to row."""
LEAST = 3e-3
"""V."""
AT_ONCE = 0.5
"""Least share of a drop within a half-cycle that happens from one row to the next: nucleation falls over many."""
FULL_CELL_FALL = 0.05
"""V by which the voltage of a full cell falls while it is charged at constant current: no electrode does that."""
WINDOW, GAP, LATER = 5, 2, 0.2
"""Rows of the levels before and after a drop, rows between them, and the share of a stretch that is left out."""


def drops(course: Course) -> list[FailureEvent]:
    """Drops within half-cycles and between them; in a full cell, falls of the voltage during charging."""
    if not course.polarised:
        return _falls_in_charging(course)
    return sorted([*_within(course), *_between(course)], key=lambda each: each.time_second)


def _within(course: Course) -> list[FailureEvent]:
    """Where the medians of `WINDOW` rows before and after differ by `DROP`, and |V| stays below what came before.

    An excursion that only falls back to the level before it is a collapse, not a drop of the level.
    """
    trace = course.steps.trace
    size = np.abs(trace.voltage)
    if len(size) < 2 * WINDOW + GAP or not len(course.runs):
        return []
    level = np.sort(np.lib.stride_tricks.sliding_window_view(size, WINDOW), axis=1)[:, WINDOW // 2]
    before, after = level[: -WINDOW - GAP], level[WINDOW + GAP :]
    rows = np.flatnonzero((after <= DROP * before) & (before - after >= LEAST)) + WINDOW - 1
    run = np.searchsorted(course.runs[:, 0], rows, side="right") - 1
    first, last = (course.runs[np.maximum(run, 0), side] for side in (0, 1))
    late = trace.time[rows] >= trace.time[first] + LATER * (trace.time[last] - trace.time[first])
    inside = (run >= 0) & (rows - WINDOW + 1 >= first) & (rows + GAP + WINDOW <= last) & late
    found = []
    for number in np.unique(run[inside]):
        steps = rows[inside & (run == number)]
        change = level[steps - WINDOW + 1] - level[steps + GAP + 1]
        event = _level_drop(course, int(number), int(steps[np.argmax(change)]))
        if event is not None:
            found.append(event)
    return found


def _level_drop(course: Course, run: int, row: int) -> FailureEvent | None:
    trace = course.steps.trace
    a, b = course.runs[run]
    size = np.abs(trace.voltage)
    # medians of `WINDOW` rows see a fall up to half a window early or late
    around = slice(max(row - WINDOW // 2, a), min(row + GAP + WINDOW // 2, b - 1) + 1)
    falls = size[around] - size[around.start + 1 : around.stop + 1]
    at, at_once = around.start + int(np.argmax(falls)), float(np.max(falls))
    low = float(np.median(size[at + 1 : min(at + WINDOW, b) + 1]))
    high = float(np.median(size[a + int(0.1 * (at - a)) : at + 1]))
    noise = 1.4826 * float(np.median(np.abs(np.diff(size[a : b + 1]))))
    if not (low <= DROP * high and high - low >= SCATTERS * noise and at_once >= AT_ONCE * (high - low)):
        return None
    half = int(course.run_half[run])
    bracket = (float(trace.time[at]), float(trace.time[at + 1]))
    rest = float(np.median(size[at + 1 : b + 1]))
    text = f"|V| drops from {volts(high)} to {volts(low)} at {hours(bracket[0])} while the current stays the same"
    evidence = (
        f"the drop is {(high - low) / max(noise, 1e-12):.0f} times the usual change from row to row",
        f"the median of what is left of the half-cycle is {volts(rest)}, {rest / high:.2g} of the level before",
        UNTOLD,
    )
    return FailureEvent("sudden drop", bracket[0], bracket, int(course.cycle[half]), half, "warning", text, evidence)


def _between(course: Course) -> list[FailureEvent]:
    """From one half-cycle to the next of the same current and sign, after the first `BREAK_IN`."""
    found = []
    for group in course.alike():
        plateau = course.plateau[group]
        if len(group) <= BREAK_IN:
            continue
        before = np.median(np.lib.stride_tricks.sliding_window_view(plateau[:-1], BREAK_IN), axis=1)
        now = plateau[BREAK_IN:]
        low = (now <= DROP * before) & (before - now >= LEAST) & (plateau[BREAK_IN - 1 : -1] > DROP * before)
        change = np.abs(np.diff(np.log(np.maximum(plateau, 1e-9))))
        for k in np.flatnonzero(low) + BREAK_IN:
            high = float(before[k - BREAK_IN])
            usual = 1.4826 * float(np.median(change[: k - 1]))
            same = course.comparable(int(group[k]), group[k - BREAK_IN : k])
            if same and np.log(high / max(plateau[k], 1e-9)) >= SCATTERS * usual:
                found.append(_step_down(course, group, int(k), high))
    return found


def _step_down(course: Course, group: np.ndarray, k: int, high: float) -> FailureEvent:
    now, before = int(group[k]), int(group[k - 1])
    low = float(course.plateau[now])
    text = (
        f"|plateau| drops from {volts(high)} to {volts(low)} between cycles {course.cycle[before]} and "
        f"{course.cycle[now]} at the same current"
    )
    evidence = [f"the median of the {BREAK_IN} half-cycles before at this current and sign is {volts(high)}"]
    if k + 1 < len(group):
        later = float(np.median(course.plateau[group[k + 1 : k + 4]]))
        evidence.append(f"afterwards the plateau is {volts(later)}, {later / high:.2g} of the level before")
    bracket = (float(course.end[before]), float(course.start[now]))
    evidence.append(UNTOLD)
    return FailureEvent(
        "sudden drop", bracket[1], bracket, int(course.cycle[now]), now, "warning", text, tuple(evidence)
    )


def _falls_in_charging(course: Course) -> list[FailureEvent]:
    """Stretches of constant charging current in which the voltage falls below what it has reached."""
    trace = course.steps.trace
    found = []
    for (a, b), half in zip(course.runs, course.run_half, strict=True):
        if course.sign[half] < 0 or b - a < 2 * WINDOW:
            continue
        volt = trace.voltage[a + (b - a) // 10 : b + 1]
        under = np.maximum.accumulate(volt) - volt
        if not under.max() >= FULL_CELL_FALL:
            continue
        # a lone wrong reading is no fall: the level of `WINDOW` rows has to be down
        level = np.median(np.lib.stride_tricks.sliding_window_view(volt, WINDOW), axis=1)
        under = np.maximum.accumulate(level) - level
        low = int(np.argmax(under))
        if under[low] < FULL_CELL_FALL:
            continue
        top = int(np.argmax(level[: low + 1]))
        row = a + (b - a) // 10 + WINDOW // 2
        bracket = (float(trace.time[row + top]), float(trace.time[row + low]))
        text = (
            f"while it is charged the cell's voltage falls from {level[top]:.4g} to {level[low]:.4g} V between "
            f"{hours(bracket[0])} and {hours(bracket[1])}"
        )
        evidence = (
            "at constant current no electrode does that: electrons take another way, or a resistance has fallen",
            UNTOLD,
        )
        cycle = int(course.cycle[half])
        found.append(FailureEvent("sudden drop", bracket[0], bracket, cycle, int(half), "warning", text, evidence))
    return found


__all__ = ["BREAK_IN", "DROP", "FULL_CELL_FALL", "SCATTERS", "drops"]
