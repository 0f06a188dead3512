"""The stop rules: what makes a stretch of current a bad one, compared with the good ones before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.critical_current.stages import Stages
from mossy.analysis.failure.event import hours, volts

DIVERGES = 2.0
"""Divergence: V/I at the end of a stretch over the median of the good ones before; |V| at its end over its beginning.
Charge transfer makes V/I fall with the current, salt gradients below half the limiting current raise it by less."""
FALLS = 0.4
"""Short: share of |V| of the stretch before at the same or a smaller current. A passive cell's |V| rises with its
current, and a native film that breaks takes half of it. Also the share of the highest |V| of a stretch, from a tenth of
its time on, that is left at its end: a filament that grows through it."""
VERY_LOW = 0.15
"""The same share in the first stretch of a sign, where films break in and nothing is known to compare with, unless |V|
collapses there."""
LEAST = 3e-3
"""V by which |V| falls or rises at least: contacts and instruments do less."""
OHMIC, READING = 0.1, 3e-4
"""Stretches are one resistor's where |V| is off by no more than this share and so many V."""
CUT = 0.9
"""Cut-off: share of the usual duration (or charge) below which a stretch was cut short."""
AT_LIMIT = 0.98
"""Share of a stated voltage limit that counts as reached."""


@dataclass(frozen=True)
class Bad:
    """The first bad stretch: its place, the rule that it broke, and the reasons."""

    place: int
    rule: str
    evidence: tuple[str, ...]


def first_bad(stages: Stages, places: np.ndarray, protocol: str, cut_off_volt: float | None) -> Bad | None:
    """The first of the stretches (of one sign, in order) that breaks a rule, or None."""
    good: list[int] = []
    for place in places:
        if not np.isfinite(stages.plateau[place]):
            continue
        k = int(place)
        for rule, reasons in (
            ("short", _short(stages, k, good)),
            ("voltage divergence", _divergence(stages, k, good)),
            ("cut-off", _cut_off(stages, k, good, protocol, cut_off_volt)),
        ):
            if reasons:
                return Bad(k, rule, (*reasons, *_also(stages, k, good, protocol, cut_off_volt, rule)))
        good.append(k)
    return None


def _short(stages: Stages, k: int, good: list[int]) -> list[str]:
    reasons = [stages.drop[k]] if stages.drop[k] else _fall(stages, k, good)
    before = [g for g in good if stages.amperes[g] <= 1.05 * stages.amperes[k]]
    if before:
        last = before[-1]
        share = stages.plateau[k] / max(stages.plateau[last], 1e-12)
        if share <= FALLS:
            reasons.append(
                f"|V| is {volts(float(stages.plateau[k]))} at {milliampere(stages, k)}, {share:.2g} of the "
                f"{volts(float(stages.plateau[last]))} at {milliampere(stages, last)} before: V/I falls from "
                f"{stages.plateau[last] / stages.amperes[last]:.3g} to {stages.plateau[k] / stages.amperes[k]:.3g} ohm"
            )
    return reasons


def _fall(stages: Stages, k: int, good: list[int]) -> list[str]:
    """|V| that falls within the stretch and stays down, at once or over the whole of it."""
    share = float(stages.late[k] / max(stages.highest[k], 1e-12))
    known = bool(good) or bool(stages.collapsed[k])
    if share > (FALLS if known else VERY_LOW) or stages.highest[k] - stages.late[k] < LEAST:
        return []
    per = 1.0 / float(stages.amperes[k])
    return [
        f"|V| falls from {volts(float(stages.highest[k]))} to {volts(float(stages.late[k]))} within the step at "
        f"{milliampere(stages, k)} and stays there: V/I from {stages.highest[k] * per:.4g} to "
        f"{stages.late[k] * per:.4g} ohm"
    ]


def opening_fall(stages: Stages, places: np.ndarray) -> list[str]:
    """Why the stretches of one sign, none of them bad, tell nothing: |V| fell as the first began, and all are ohmic.

    A native film that breaks as soon as a current flows does so, and a cell that shorts there; only what comes later
    could tell, and a resistor from there on may be either.
    """
    known = places[np.isfinite(stages.plateau[places])]
    if not len(known) or stages.bare[known[0]]:
        return []
    k, resistance = known[0], float(np.median(stages.plateau[known] / stages.amperes[known]))
    ohmic = resistance * stages.amperes[known]
    bends = bool(np.any(np.abs(stages.plateau[known] - ohmic) > OHMIC * ohmic + READING))
    fallen = stages.late[k] <= VERY_LOW * stages.opening[k] and stages.opening[k] - stages.late[k] >= LEAST
    if bends or not fallen:
        return []
    return [
        f"in the first tenth of the first step |V| falls from {volts(float(stages.opening[k]))} to "
        f"{volts(float(stages.late[k]))}, and every step after it is a resistor of {resistance:.3g} ohm: a "
        "film that breaks and a short look alike there"
    ]


def _divergence(stages: Stages, k: int, good: list[int]) -> list[str]:
    late = stages.plateau if stages.bare[k] else stages.late
    reasons = []
    if not stages.bare[k]:
        usual = max(1.0, float(np.median(stages.late[good] / stages.early[good]))) if good else 1.0
        rise = float(stages.late[k] / max(stages.early[k], 1e-12))
        if rise >= DIVERGES * usual and stages.late[k] - stages.early[k] >= LEAST:
            reasons.append(
                f"|V| rises from {volts(float(stages.early[k]))} to {volts(float(stages.late[k]))} within the step at "
                f"{milliampere(stages, k)}, {rise:.3g} times ({usual:.3g} times before)"
            )
    if good:
        usual = float(np.median(late[good] / stages.amperes[good]))
        now = float(late[k] / stages.amperes[k])
        if now >= DIVERGES * usual and (now - usual) * stages.amperes[k] >= LEAST:
            reasons.append(
                f"V/I reaches {now:.4g} ohm at {milliampere(stages, k)}, {now / usual:.3g} times the median of "
                f"{usual:.4g} ohm of the steps before"
            )
    return reasons


def _cut_off(stages: Stages, k: int, good: list[int], protocol: str, limit: float | None) -> list[str]:
    if stages.bare[k]:
        return []
    if limit is not None and stages.late[k] >= AT_LIMIT * limit:
        return [f"|V| reaches {volts(float(stages.late[k]))}, the stated limit is {limit:g} V"]
    if not good or stages.late[k] < float(np.max(stages.late[good])):
        return []
    if stages.held[k]:
        return [f"the voltage was held at {volts(float(stages.late[k]))} from {hours(float(stages.end[k]))} on"]
    share = _share_run(stages, k, good, protocol)
    if share is None or share >= CUT or stages.last[k]:
        return []
    return [
        f"the step at {milliampere(stages, k)} was cut short at {volts(float(stages.late[k]))}, after {share:.2g} of "
        f"the usual {'time' if protocol == 'equal time' else 'charge'}"
    ]


def _share_run(stages: Stages, k: int, good: list[int], protocol: str) -> float | None:
    if protocol == "equal time":
        length = stages.end - stages.start
        return float(length[k] / np.median(length[good]))
    return float(stages.charge[k] / np.median(stages.charge[good])) if protocol == "equal charge" else None


def _also(stages: Stages, k: int, good: list[int], protocol: str, limit: float | None, rule: str) -> list[str]:
    """What ended the step, where another rule named it."""
    return [] if rule == "cut-off" else _cut_off(stages, k, good, protocol, limit)


def milliampere(stages: Stages, k: int) -> str:
    """The current of a stretch in words."""
    return f"{1e3 * stages.amperes[k]:.4g} mA"


__all__ = ["AT_LIMIT", "CUT", "DIVERGES", "FALLS", "VERY_LOW", "Bad", "first_bad", "milliampere", "opening_fall"]
