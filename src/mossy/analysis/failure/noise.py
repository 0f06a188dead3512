"""Bursts of voltage noise, as micro-shorts that form and burn off make them."""

from __future__ import annotations

import numpy as np

from mossy.analysis.failure.course import SETTLED, Course
from mossy.analysis.failure.event import UNTOLD, FailureEvent, hours, volts

FACTOR = 5.0
"""A burst is this many times the cell's quiet level: blocks of normal noise scatter by a quarter."""
LEAST = 5e-4
"""V of noise below which no burst is told: ranging and contacts of sound cells reach it."""
BLOCK, FEWEST = 32, 6
"""Points of a block; blocks of a cell from which on it has a quiet level."""
QUIET = 0.25
"""The quiet level is this quantile of the cell's own blocks: bursts may fill the rest."""
ALTERNATES = 0.4
"""Least share of neighbouring second differences of opposite sign: noise has 0.73, a smooth bend none."""
TOGETHER = 4
"""Half-cycles apart up to which bursts are one event."""
REGULAR = 0.2
"""Points whose two intervals differ by more than this share have no second difference here."""
_TO_SIGMA = 1.1503 * np.sqrt(6.0)  # the 75 % quantile of |V[k-1] - 2 V[k] + V[k+1]| of normal noise, in sigma
_ENDS = 0.95


def bursts(course: Course) -> list[FailureEvent]:
    """Half-cycles in which the voltage is far noisier than the cell usually is.

    The noise of a block of `BLOCK` points is the 75 % quantile of |V[k-1] - 2 V[k] + V[k+1]| over 1.15 sqrt(6): second
    differences do not see the slow course of the voltage, and a quantile does not see single glitches. It is compared
    with the `QUIET` quantile of all blocks at the same current. Blocks of which the current's own noise explains half,
    and those that bend smoothly, do not count; neither do the first `SETTLED` and the last 5 % of each stretch.
    Limits: a cell that is noisy in more than three quarters of its test has no quiet level to compare with.
    """
    blocks, half = _blocks(course)
    if len(blocks) < FEWEST:
        return []
    trace = course.steps.trace
    volt, current = trace.voltage, trace.current
    second = volt[blocks - 1] - 2.0 * volt[blocks] + volt[blocks + 1]
    noise = _scale(second)
    relative = _scale(current[blocks - 1] - 2.0 * current[blocks] + current[blocks + 1])
    carried = relative / np.abs(current[blocks[:, 0]]) * np.median(np.abs(volt[blocks]), axis=1)
    alternates = np.mean(second[:, 1:] * second[:, :-1] < 0.0, axis=1)
    quiet = _quiet(noise, course.level[half], course.amperes[half], _resolution(volt))
    loud = (noise > FACTOR * quiet) & (noise > LEAST) & (alternates > ALTERNATES) & (carried < 0.5 * noise)
    return _told(course, blocks, half, noise, quiet, loud)


def _blocks(course: Course) -> tuple[np.ndarray, np.ndarray]:
    """(rows of the middle points, a row a block; half-cycle of each block)."""
    trace = course.steps.trace
    step = np.diff(trace.time)
    good = np.zeros(len(trace.time), dtype=bool)
    if len(step) > 1:
        larger, smaller = np.maximum(step[1:], step[:-1]), np.minimum(step[1:], step[:-1])
        good[1:-1] = (larger - smaller <= REGULAR * larger) & (smaller > 0.0)
        good[1:-1] &= np.isfinite(trace.voltage[2:] + trace.voltage[1:-1] + trace.voltage[:-2])
    rows, half = [], []
    for (a, b), number in zip(course.runs, course.run_half, strict=True):
        start, length = trace.time[a], trace.time[b] - trace.time[a]
        low, high = np.searchsorted(trace.time[a : b + 1], (start + SETTLED * length, start + _ENDS * length)) + a
        kept = np.flatnonzero(good[max(low, a + 1) : min(high, b)]) + max(low, a + 1)
        whole = len(kept) // BLOCK
        rows.append(kept[: whole * BLOCK])
        half += [number] * whole
    found = np.concatenate(rows) if rows else np.empty(0, dtype=int)
    return found.reshape(-1, BLOCK).astype(int), np.array(half, dtype=int)


def _scale(second: np.ndarray) -> np.ndarray:
    place = (3 * BLOCK) // 4
    return np.asarray(np.partition(np.abs(second), place, axis=1)[:, place] / _TO_SIGMA)


def _resolution(voltage: np.ndarray) -> float:
    """The step in which the instrument writes its voltage, halved; 10 uV at least."""
    change = np.abs(np.diff(voltage))
    change = change[change > 1e-7]
    return max(0.5 * float(np.quantile(change, 0.01)), 1e-5) if len(change) else 1e-5


def _quiet(noise: np.ndarray, level: np.ndarray, amperes: np.ndarray, least: float) -> np.ndarray:
    """The quiet level that each block is compared with: that of its own current where this has enough blocks."""
    found = np.empty(len(noise))
    overall, usual = float(np.quantile(noise, QUIET)), float(np.median(amperes))
    for each in np.unique(level):
        own = level == each
        enough = int(own.sum()) >= FEWEST
        found[own] = np.quantile(noise[own], QUIET) if enough else overall * np.maximum(1.0, amperes[own] / usual)
    return np.maximum(found, least)


def _told(
    course: Course, blocks: np.ndarray, half: np.ndarray, noise: np.ndarray, quiet: np.ndarray, loud: np.ndarray
) -> list[FailureEvent]:
    """One event for the bursts of half-cycles close to each other."""
    places = np.flatnonzero(loud)
    if not len(places):
        return []
    time = course.steps.trace.time
    found = []
    for group in np.split(places, np.flatnonzero(np.diff(half[places]) > TOGETHER) + 1):
        worst = int(group[np.argmax(noise[group] / quiet[group])])
        first, last = int(group[0]), int(group[-1])
        begin, end = float(time[blocks[first, 0] - 1]), float(time[blocks[last, -1] + 1])
        ratio = noise[worst] / quiet[worst]
        cycles = sorted({int(course.cycle[k]) for k in half[group]})
        span = f"cycle {cycles[0]}" if len(cycles) == 1 else f"cycles {cycles[0]} to {cycles[-1]}"
        text = (
            f"noise from {hours(begin)} to {hours(end)} ({span}): up to {volts(float(noise[worst]))}, "
            f"{ratio:.0f} times the cell's quiet level of {volts(float(quiet[worst]))}"
        )
        evidence = (
            f"{len(group)} of {int(np.isin(half, half[group]).sum())} blocks of {BLOCK} points in these half-cycles "
            f"are above {FACTOR:g} times the quiet level, {int(loud.sum())} of {len(noise)} in the whole test",
            "the current is steady meanwhile: its own noise explains less than half of it",
            "micro-shorts that form and burn off make such bursts, and so do loose contacts and gas bubbles; " + UNTOLD,
        )
        number = int(half[first])
        found.append(
            FailureEvent("noise", begin, (begin, end), int(course.cycle[number]), number, "warning", text, evidence)
        )
    return found


__all__ = ["ALTERNATES", "BLOCK", "FACTOR", "LEAST", "QUIET", "bursts"]
