"""What a cycler's own charge counters mean, told from where they start anew, and the sign that words give a current.

The Battery Data Format (ontology 1.3.0) names a counter by its scope: `charging_capacity_ah` never falls,
`cycle_charging_capacity_ah` starts anew at each cycle, `step_charging_capacity_ah` at each step, and
`schedule_charging_capacity_ah` where the programme says so. Files call all of them "Charge Capacity".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mossy.errors import InputError
from mossy.readers.cycler_table import Table

COUNTERS = ("charging_capacity_ah", "discharging_capacity_ah", "charging_energy_wh", "discharging_energy_wh")
_ROUNDING = 1e-9
"""A counter that falls by less than this share of its largest value does not fall."""
_DISCHARGE = re.compile(r"d(?:$|[_ (-])|dis|.*d-?chg|.*discharge|.*\u653e\u7535")
_CHARGE = re.compile(r"c(?:$|[_ (-])|.*chg|.*charge|.*\u5145\u7535")
_REST = re.compile(r"r(?:$|[_ (-])|rest|ocv|o$|.*\u9759\u7f6e|.*\u6401\u7f6e|idle")


def direction(word: str) -> int | None:
    """The sign of the current in a step of this name: 1 charge, -1 discharge, 0 rest, None where it does not say.

    >>> [direction(word) for word in ("C", "D_CC", "discharge CC", "R", "\u6052\u6d41\u653e\u7535", "C_Rate", "S")]
    [1, -1, -1, 0, -1, 1, None]
    """
    text = word.strip().lower()
    for sign, pattern in ((-1, _DISCHARGE), (1, _CHARGE), (0, _REST)):
        if pattern.match(text):
            return sign
    return None


def directions(words: Sequence[str], holds: Sequence[str] = ()) -> np.ndarray:
    """The sign of each row, NaN where its word does not say; a word among `holds` means what the row before meant."""
    known = {word: direction(word) for word in set(words)}
    signs = np.array([np.nan if known[word] is None else known[word] for word in words], dtype=float)
    for row in np.flatnonzero([word.strip() in holds for word in words]):
        signs[row] = signs[row - 1] if row else np.nan
    return signs


def signed_current(table: Table, signs: np.ndarray | None, heading: str) -> None:
    """The current with the sign of its step where the file writes it without; a signed one stays as it is.

    A file whose current is nowhere negative although it has steps of discharge is unsigned. One row of current whose
    step does not say its direction makes that a refusal: a guessed sign would be a wrong charge.
    """
    current = table.numbers("current_ampere")
    if current is None or (current < 0.0).any():
        return
    flowing = np.nan_to_num(current) != 0.0
    if signs is None or not flowing.any() or not (signs[flowing] < 0.0).any():
        unsure = flowing if signs is None else flowing & ~np.isin(signs, (1.0, -1.0))
        if signs is None and unsure.any():
            table.warn("no current is negative, and no column says charge or discharge: the current may be unsigned")
        return
    unsure = np.flatnonzero(flowing & ~np.isin(signs, (1.0, -1.0)))
    if unsure.size:
        place = table.places[int(unsure[0])]
        problem = f"{table.word} {place}: a current flows, but '{heading}' does not say whether it charges"
        raise InputError(problem, remedy="the file's currents have no sign; export them with one")
    values = table.columns["current_ampere"]
    table.columns["current_ampere"] = values * np.where(signs < 0.0, -1.0, 1.0)
    table.note({"settings": {"current": f"without sign in the file; that of each row is from the column '{heading}'"}})


def name_by_scope(table: Table, counters: Sequence[str] = COUNTERS) -> None:
    """Give the charging and discharging counters of a table the name of their scope."""
    counters = [name for name in counters if name in table.columns]
    of_charge = [name for name in counters if name.endswith("_ah")] or counters
    if not counters:
        return
    values = [values for name in of_charge if (values := table.numbers(name)) is not None]
    scope = scope_of(values, *marks(table))
    table.columns = {(f"{scope}{name}" if name in counters else name): column for name, column in table.columns.items()}


def marks(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Whether cycle, and whether cycle or step, change between neighbouring rows."""
    height = len(table.places)
    changed = []
    for names in (("cycle_count",), ("step_count", "step_id", "step_index")):
        column = next((values for name in names if (values := table.numbers(name)) is not None), np.zeros(height))
        changed.append(np.diff(column) != 0.0)
    return changed[0], changed[0] | changed[1]


def scope_of(counters: Sequence[np.ndarray], cycles: np.ndarray, steps: np.ndarray) -> str:
    """The prefix of the scope of counters that start anew together.

    `cycles` and `steps` say between which rows the cycle, and the cycle or step, change.

    >>> rising, anew = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> change, never = np.array([False, True, False]), np.array([False] * 3)
    >>> scope_of([rising], change, change), scope_of([anew], change, change), scope_of([anew], never, change)
    ('', 'cycle_', 'step_')
    >>> scope_of([anew], never, never)
    'schedule_'
    """
    falls = [np.diff(values) < -_ROUNDING * np.nanmax(np.abs(values), initial=1e-12) for values in counters]
    if not any(each.any() for each in falls):
        return ""
    for scope, change in (("cycle_", cycles), ("step_", steps)):
        elsewhere = any((each & ~change).any() for each in falls)
        carried = any(
            (change & ~each & (values[:-1] > 0.0)).any() for each, values in zip(falls, counters, strict=True)
        )
        if not elsewhere and not carried:
            return scope
    return "schedule_"


def split_by_direction(table: Table, signs: np.ndarray) -> None:
    """One counter for both directions (`__capacity`, `__energy`) as two that never fall.

    The file's counter starts anew at each step, at each turn of the current or never; which of these it does is told
    from where it falls. One that follows no such rule is left out, and the warnings say so.
    """
    for name, ending in (("__capacity", "capacity_ah"), ("__energy", "energy_wh")):
        values = table.numbers(name)
        if values is None:
            continue
        both = accumulated(values, signs, *marks(table))
        if both is None:
            table.warn(f"the file's own counter of {ending[:-3]} follows no rule that is known here, and was not read")
            continue
        import polars as pl

        for way, total in zip(("charging", "discharging"), both, strict=True):
            table.columns[f"{way}_{ending}"] = pl.Series(total)


def by_rule(
    values: np.ndarray, signs: np.ndarray, cycles: np.ndarray, steps: np.ndarray
) -> dict[str, np.ndarray] | None:
    """What a counter of either direction counted: the totals of each way, or a net count; None where it is neither.

    >>> never = np.array([False] * 3)
    >>> by_rule(np.array([1.0, 2.0, 1.5, 1.0]), np.array([1.0, 1.0, -1.0, -1.0]), never, never)
    {'net': array([1. , 2. , 1.5, 1. ])}
    """
    both = accumulated(values, signs, cycles, steps)
    if both is not None:
        return dict(zip(("charging", "discharging"), both, strict=True))
    sense = _sense_of_net(values, signs, cycles, steps)
    return {"net": values * sense} if sense else None


def accumulated(
    values: np.ndarray, signs: np.ndarray, cycles: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """The totals charged and discharged out of a counter of either, or None where it follows no rule.

    `signs` is the direction of each row (0 or NaN: none); `cycles` and `steps` say between which rows the cycle, and
    the cycle or step, change. A counter may start anew where the current turns, where the cycle changes, where the
    step changes or after a rest, or at several of these together; at all that are alike, or at none.

    >>> counter, turns = np.array([1.0, 2.0, 0.5, 1.5, 1.0]), np.array([False, True, False, True])
    >>> charged, discharged = accumulated(counter, np.array([1.0, 1.0, -1.0, -1.0, 1.0]), turns, turns)
    >>> charged.tolist(), discharged.tolist()
    ([1.0, 2.0, 2.0, 2.0, 3.0], [0.0, 0.0, 0.5, 1.5, 1.5])
    """
    rows, boundary = _boundaries(values, signs, cycles, steps)
    zero = np.zeros(len(values))
    if not rows.size:
        return zero, zero.copy()
    counter, sign = np.abs(values[rows]), signs[rows]
    change = np.diff(counter)
    fallen = change < -_ROUNDING * counter.max()
    if fallen[boundary == 0].any():
        return None
    increments = np.concatenate([counter[:1], np.maximum(change, 0.0)])
    for kind in np.unique(boundary[boundary > 0]):
        alike = boundary == kind
        falls = fallen[alike & (counter[:-1] > 0.0)]
        if falls.any() and not falls.all():
            return None
        if falls.any():
            increments[1:][alike] = counter[1:][alike]
    totals = []
    for way in (1.0, -1.0):
        steps_taken = zero.copy()
        steps_taken[rows] = np.where(sign == way, increments, 0.0)
        totals.append(np.cumsum(steps_taken))
    return totals[0], totals[1]


def _boundaries(
    values: np.ndarray, signs: np.ndarray, cycles: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(the rows in which a current flows, what lies between each two of them: 0 nothing; 1 a change of the step or a
    rest, 2 a turn of the current, 4 a change of the cycle, added up)."""
    rows = np.flatnonzero(np.isin(signs, (1.0, -1.0)) & np.isfinite(values))
    cycle, step = (np.diff(np.concatenate([[0], np.cumsum(changed)])[rows]) != 0 for changed in (cycles, steps))
    turned = np.diff(signs[rows]) != 0.0
    return rows, 4 * cycle + 2 * turned + ((step & ~cycle & ~turned) | ((np.diff(rows) > 1) & ~turned & ~cycle))


def _sense_of_net(values: np.ndarray, signs: np.ndarray, cycles: np.ndarray, steps: np.ndarray) -> float:
    """1 for a counter that rises with a charging and falls with a discharging current and never starts anew, -1 for
    one that does the reverse, 0 for any other."""
    rows, boundary = _boundaries(values, signs, cycles, steps)
    if len(rows) < 2:
        return 0.0
    counter, within = values[rows], boundary == 0
    change = np.diff(counter)
    rounding = _ROUNDING * np.abs(counter).max()
    moved = within & (np.abs(change) > rounding)
    senses = np.unique(np.sign(change[moved]) * signs[rows][1:][moved])
    if len(senses) != 1 or np.abs(change[~within]).max(initial=0.0) > 3.0 * np.abs(change[within]).max() + rounding:
        return 0.0
    return float(senses[0])
