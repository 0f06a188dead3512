"""Charges that cannot be: strips that find more metal than there is, with the cut-off reached or never reached."""

from __future__ import annotations

import numpy as np

from mossy.analysis.failure.course import Course
from mossy.analysis.failure.event import FailureEvent, Severity, hours, volts

BEYOND = 0.05
"""Share of the metal there is by which a strip that never reaches its cut-off goes beyond it."""
OVER = 0.005
"""Share above 1 that currents calibrated to 0.1 % and the last interval of a half-cycle do not explain."""
USUAL = 3
"""Earlier strips that ended at the cut-off before one that does not is told."""
FULL_EXCESS, FULL_SHORT_OF = 1.2, 0.05
"""Charges of a full cell: times the usual charge, while the voltage stays this far (V) below where charging ended."""


def charges(course: Course) -> list[FailureEvent]:
    """Charge balances that a sound cell keeps.

    Metal on a foreign substrate: of the metal there is, Q_there = Q_left + Q_plated, a strip takes Q <= Q_there and
    then its voltage runs away. Electrons that pass through a filament strip nothing: the charge goes on and the voltage
    stays low ("cut-off never reached"). Where the cut-off is reached after Q > (1 + `OVER`) Q_plated, metal left by
    earlier cycles was connected again, the currents are off, or part of the charge leaked ("over-strip"). What is left
    after a strip that reached its cut-off counts as dead, so that Q_there is never overstated by it.
    Full cells: a charge that takes `FULL_EXCESS` times the usual one and does not reach the usual voltage.
    """
    if course.kind == "substrate":
        return _of_a_substrate(course)
    return [] if course.polarised else _of_a_full_cell(course)


def _of_a_substrate(course: Course) -> list[FailureEvent]:
    found: list[FailureEvent] = []
    over: list[tuple[int, float, float]] = []
    there, plated, reached, balance = course.at_start, 0.0, 0, 0.0
    share: list[float] = []
    for k in range(len(course.number)):
        charge = float(course.charge[k])
        if course.direction[k] == 1:
            there, plated, balance = there + charge, charge, balance + charge
            continue
        ended = course.stopped[k] == "voltage"
        margin = max(OVER, 2.0 * _interval(course, k) / max(course.end[k] - course.start[k], 1e-9))
        if plated > 0.0 and np.isfinite(there):
            if not ended and charge > (1.0 + max(BEYOND, margin)) * there:
                found.append(_never(course, k, charge, there, reached))
            elif not ended and _runs_to_its_limit(share, reached, charge / plated, course.stopped[k], margin):
                found.append(_no_longer(course, k, charge / plated, share, reached))
            elif ended and charge > (1.0 + margin) * there:
                over.append((k, charge / there, balance))
        if ended:
            reached += 1
            share += [charge / plated] if plated > 0.0 else []
        balance -= charge
        there = 0.0 if ended else max(there - charge, 0.0)
    return [*found, *_over_strips(course, over)]


def _interval(course: Course, half: int) -> float:
    time = course.steps.trace.time[course.steps.part(half)]
    return float(np.median(np.diff(time))) if len(time) > 1 else 0.0


def _runs_to_its_limit(share: list[float], reached: int, now: float, stopped: str, margin: float) -> bool:
    """Whether a strip that used to end at the cut-off ran to a limit of charge or time beyond what it used to find."""
    if reached < USUAL or stopped != "charge" or len(share) < USUAL:
        return False
    usual = float(np.median(share))
    scatter = 1.4826 * float(np.median(np.abs(np.array(share) - usual)))
    return now > usual + max(5.0 * scatter, margin)


def _never(course: Course, k: int, charge: float, there: float, reached: int) -> FailureEvent:
    milliampere_hours = charge / 3.6, there / 3.6
    text = (
        f"the strip of cycle {course.cycle[k]} takes {milliampere_hours[0]:.4g} mAh of {milliampere_hours[1]:.4g} mAh "
        f"that can be there, and its voltage stays at {volts(float(course.late[k]))}: the cut-off is never reached"
    )
    evidence = [
        f"charge stripped over metal there: {charge / there:.3g}; no electrode gives more metal than it holds",
        "electrons pass without metal dissolving: an internal short, unless another reaction at the substrate, or "
        "metal from before the record, gives the charge",
    ]
    if reached:
        evidence.append(f"{reached} earlier strips ended at their cut-off")
    return _at(course, k, "cut-off never reached", "failure", text, evidence)


def _no_longer(course: Course, k: int, now: float, share: list[float], reached: int) -> FailureEvent:
    text = (
        f"the strip of cycle {course.cycle[k]} ends by charge or time after {now:.4g} of what was plated, its voltage "
        f"at {volts(float(course.late[k]))}: the cut-off is not reached"
    )
    evidence = [
        f"{reached} earlier strips ended at their cut-off after {np.median(share):.4g} of what was plated (median)",
        "metal left by earlier cycles, or electrons that pass through a filament, let the strip go on",
    ]
    return _at(course, k, "cut-off never reached", "warning", text, evidence)


def _over_strips(course: Course, over: list[tuple[int, float, float]]) -> list[FailureEvent]:
    """One event for the over-strips of cycles that follow each other."""
    groups: list[list[tuple[int, float, float]]] = []
    for each in over:
        if groups and course.cycle[each[0]] - course.cycle[groups[-1][-1][0]] <= 1:
            groups[-1].append(each)
        else:
            groups.append([each])
    return [_over_strip(course, group) for group in groups]


def _over_strip(course: Course, group: list[tuple[int, float, float]]) -> FailureEvent:
    k, _, balance = group[0]
    most = max(ratio for _, ratio, _ in group)
    many = f" and in {len(group) - 1} cycles after it" if len(group) > 1 else ""
    text = f"the strip of cycle {course.cycle[k]} gives more than was plated{many}: up to {most:.4g} of it"
    left = balance - float(course.charge[k])
    if left >= 0.0:
        before = left + float(course.charge[k]) * (1.0 - 1.0 / most)
        said = (
            f"earlier cycles left {before / 3.6:.3g} mAh, which can account for it: isolated metal is connected again"
        )
        return _at(course, k, "over-strip", "note", text, [said])
    evidence = (
        f"all cycles together stripped {-left / 3.6:.3g} mAh more than they plated: metal from before the record, a "
        "current that is off, a charge that leaks through a filament, or another reaction at the cut-off"
    )
    return _at(course, k, "over-strip", "warning", text, [evidence])


def _of_a_full_cell(course: Course) -> list[FailureEvent]:
    found = []
    for group in course.alike():
        if course.sign[group[0]] < 0:
            continue
        for place, k in enumerate(group[2:], 2):
            earlier = group[max(place - 5, 0) : place]
            usual, top = float(np.median(course.charge[earlier])), float(np.median(course.late[earlier]))
            low = top - float(course.late[k])
            if course.charge[k] > FULL_EXCESS * usual and low > FULL_SHORT_OF:
                found.append(_charges_on(course, int(k), usual, top))
    return found


def _charges_on(course: Course, k: int, usual: float, top: float) -> FailureEvent:
    text = (
        f"the charge of cycle {course.cycle[k]} takes {course.charge[k] / 3.6:.4g} mAh, {course.charge[k] / usual:.3g} "
        f"times the usual one, and ends at {course.late[k]:.4g} V instead of {top:.4g} V"
    )
    evidence = ["charge goes in and the voltage does not rise: electrons pass inside the cell, through a filament"]
    return _at(course, k, "cut-off never reached", "failure", text, evidence)


def _at(course: Course, k: int, kind: str, severity: Severity, text: str, evidence: list[str]) -> FailureEvent:
    bracket = (float(course.start[k]), float(course.end[k]))
    when = f"{text} ({hours(bracket[0])} to {hours(bracket[1])})"
    return FailureEvent(kind, bracket[1], bracket, int(course.cycle[k]), k, severity, when, tuple(evidence))


__all__ = ["BEYOND", "FULL_EXCESS", "OVER", "charges"]
