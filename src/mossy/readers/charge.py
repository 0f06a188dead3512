"""The charge that passed, integrated from I(t), beside what the instrument counted.

Q = sum of I dt over the intervals between rows, charging (I > 0) and discharging (I < 0) apart. Within a step an
interval counts by the trapezoid of its two rows; where a step begins it belongs to the later row, with that row's
current; and where the current is the mean over each interval, by that mean. What the rows leave open, and so the
disagreement that the sampling explains, is half of |dI| dt within a step and the whole of it where a step begins.
Gaps (intervals far longer than those around them) are left out of both counts: nobody knows what happened there.

The instrument's own count is differenced: where a column that counts one way falls, it started again from zero; a net
column starts again where it drops to exactly zero, one of a cycle or step also where that begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import in_both

if TYPE_CHECKING:
    import polars as pl

_STEPS = ("step_count", "step_id", "step_index", "step_type", "half_cycle_count", "cycle_count")
_SCOPES = ("", "schedule_", "cycle_", "step_")
_BEGINNINGS = {"": (), "cycle_": ("cycle_count",), "step_": ("step_count", "step_id", "step_index")}
ACCURACY = 5e-3
"""Relative difference of two counts that is no news: what a mean current of a sweep or a range change may be off."""
_OPEN = 0.05
"""Relative difference of two counts that is said although the rows leave it open."""
_GAP = 20.0
_NOTHING = 1e-12  # Ah
_NEAR = 0.05
_FACTORS = {
    1e3: "as where mA are labelled A, or Ah are labelled mAh",
    1e6: "as where uA are labelled A, or Ah are labelled uAh",
    60.0: "as where seconds are labelled minutes",
    3600.0: "as where seconds are labelled hours, or Ah are labelled A s",
    3.6e6: "as where Ah are labelled mA s",
    1e-3: "as where A are labelled mA, or mAh are labelled Ah",
    1e-6: "as where A are labelled uA, or uAh are labelled Ah",
    1 / 60.0: "as where minutes are labelled seconds",
    1 / 3600.0: "as where hours are labelled seconds, or A s are labelled Ah",
    1 / 3.6e6: "as where mA s are labelled Ah",
}
_TURNED = (
    "positive current is what {} counts as discharging: its words and the sign of the current are not those of the "
    "Battery Data Format; the sign was kept, so check which of them is right before naming the electrode that plates"
)
_REMEDY = (
    'name the columns with the units they are in, as in columns={"current_ampere": ("Current", "mA")} '
    f"(--columns current_ampere=Current:mA); {in_both('trust', 'current')} reads the file as it stands"
)


@dataclass(frozen=True)
class Charge:
    """Charge of each interval in Ah, positive each way; None for a way that is not counted."""

    charging: np.ndarray | None
    discharging: np.ndarray | None
    uncertain: np.ndarray
    """Ah that sampling, or the resolution of a column, leaves open in each interval."""
    column: str = ""

    @property
    def ways(self) -> Iterator[tuple[str, np.ndarray]]:
        """The ways that are counted."""
        for way, counts in (("charging", self.charging), ("discharging", self.discharging)):
            if counts is not None:
                yield way, counts

    @property
    def totals(self) -> dict[str, float]:
        """Ah each way."""
        return {way: float(counts.sum()) for way, counts in self.ways}

    def within(self, keep: np.ndarray) -> Charge:
        """The same without what passed in some of the intervals."""
        both = {way: np.where(keep, counts, 0.0) for way, counts in self.ways}
        uncertain = np.where(keep, self.uncertain, 0.0)
        return replace(self, charging=both.get("charging"), discharging=both.get("discharging"), uncertain=uncertain)

    @property
    def net(self) -> np.ndarray:
        """Ah of each interval, negative for discharging."""
        return np.sum([counts if way == "charging" else -counts for way, counts in self.ways], axis=0)


def currents(table: pl.DataFrame) -> np.ndarray:
    """The current of each row, A; none where the instrument does not know it."""
    values = table["current_ampere"].to_numpy()
    return np.nan_to_num(values, nan=0.0) if table["current_ampere"].null_count() else values


def begins(table: pl.DataFrame, names: tuple[str, ...] = _STEPS) -> np.ndarray:
    """For each interval whether a step begins with its later row, by the columns that number or name steps."""
    changed = np.zeros(table.height - 1, dtype=bool)
    for name in names:
        if name in table.columns:
            column = table[name]
            if column.dtype.is_numeric() and not column.null_count():
                new = np.diff(column.to_numpy()) != 0
            else:
                new = (column != column.shift(1)).fill_null(False).to_numpy()[1:]
            if 2 * np.count_nonzero(new) <= len(new):  # some files number rows where others number steps
                changed |= new
    return changed


def gaps(table: pl.DataFrame, passed: Charge, vendor: Charge | None) -> np.ndarray:
    """For each interval whether it is a gap: twenty times longer than either neighbour and than the median.

    Where the instrument counted through it what the current of the row after it says, nothing is missing.
    """
    length = np.diff(table["test_time_second"].to_numpy())
    if len(length) < 3:
        return np.zeros(len(length), dtype=bool)
    beside = np.maximum(np.append(length[1:], 0.0), np.insert(length[:-1], 0, 0.0))
    gap = length > _GAP * np.maximum(beside, np.median(length))
    if vendor is not None and gap.any():
        ours, own = passed.net, vendor.net
        gap &= np.abs(ours - own) > 0.1 * np.abs(ours) + vendor.uncertain + _NOTHING
    return gap


def integrated(table: pl.DataFrame, means: bool = False) -> Charge:
    """The charge of each interval; `means` says that a row's current is the mean since the row before."""
    current = currents(table)
    before, after, hours = current[:-1], current[1:], np.diff(table["test_time_second"].to_numpy()) / 3600.0
    starts = begins(table) | (np.sign(before) != np.sign(after))
    charge = np.where(starts | means, after, 0.5 * (before + after)) * hours
    left_open = np.abs(after - before) * np.where(starts, 1.0, 0.5) * hours
    return Charge(np.maximum(charge, 0.0), np.maximum(-charge, 0.0), left_open)


def counted(table: pl.DataFrame) -> Charge | None:
    """The instrument's own count by the first column, or pair of them, that it has; None where it has none."""
    names = table.columns
    for scope in _SCOPES:
        net = f"{scope}net_capacity_ah"
        if net in names and scope in _BEGINNINGS:
            values = _filled(table, net)
            restarts = begins(table, _BEGINNINGS[scope]) | _dropped_to_zero(values)
            change = np.where(restarts, values[1:], np.diff(values))
            return _resolved(net, np.maximum(change, 0.0), np.maximum(-change, 0.0), restarts)
        pair = [f"{scope}{way}_capacity_ah" for way in ("charging", "discharging")]
        there = [name for name in pair if name in names]
        if there:
            ways = [
                _one_way(table, name) if name in names else (None, np.zeros(table.height - 1, bool)) for name in pair
            ]
            return _resolved(" and ".join(there), ways[0][0], ways[1][0], ways[0][1] | ways[1][1])
    both = next((name for scope in _SCOPES if (name := f"{scope}cumulative_capacity_ah") in names), None)
    if both is None:
        return None
    change, restarts = _one_way(table, both)
    out = currents(table)[1:] < 0.0
    return _resolved(both, np.where(out, 0.0, change), np.where(out, change, 0.0), restarts)


def _filled(table: pl.DataFrame, name: str) -> np.ndarray:
    """A count that stands still where it is not written."""
    column = table[name]
    if column.null_count():
        column = column.fill_null(strategy="forward").fill_null(0.0)
    return column.to_numpy()


def _dropped_to_zero(values: np.ndarray) -> np.ndarray:
    """For each interval whether a net count was set to zero: by more than thrice of what is counted beside it."""
    size = np.abs(np.diff(values))
    beside = np.maximum(np.append(size[1:], 0.0), np.insert(size[:-1], 0, 0.0))
    return (values[1:] == 0.0) & (size > 3.0 * beside)


def _one_way(table: pl.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(what a column that only grows counts in each interval, where it started again)."""
    values = np.abs(_filled(table, name))
    restarts = np.diff(values) < 0.0
    return np.where(restarts, values[1:], np.diff(values)), restarts


def _resolved(column: str, charging: np.ndarray | None, discharging: np.ndarray | None, restarts: np.ndarray) -> Charge:
    """A count with its resolution, the smallest charge it told, open at the start and wherever it started again."""
    ways = [counts for counts in (charging, discharging) if counts is not None]
    told = np.concatenate([counts[counts > 0.0] for counts in ways])
    opened = restarts.astype(float)
    opened[0] = 1.0
    return Charge(charging, discharging, opened * (told.min() if told.size else 0.0), column)


def compared(
    current: np.ndarray, passed: Charge, vendor: Charge | None, trust: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """(`charge_check` of the metadata, warnings); refuses what contradicts itself, unless the current is trusted."""
    check: dict[str, Any] = {"integrated_ah": passed.totals}
    if vendor is None:
        return check, []
    own, ours = vendor.totals, passed.totals
    if max(*own.values(), *ours.values()) < _NOTHING:
        return check, []
    turned, unsigned = _direction(passed, vendor)
    if turned:
        ours = {"charging": ours["discharging"], "discharging": ours["charging"]}
    scale = max(own.values()) or max(ours.values())
    worst = max((ours[way] - own[way] for way in own), key=abs)
    check |= {"vendor_ah": own, "column": vendor.column, "relative_difference": worst / scale}
    warnings = [_TURNED.format(vendor.column)] if turned else []
    said = f"{_words(passed.totals)} by integrating the current, {_words(own)} by {vendor.column}"
    if abs(worst) <= ACCURACY * scale + passed.uncertain.sum() + vendor.uncertain.sum():
        far = [f"the rows are too far apart, or too coarse, to integrate: {said}"] if abs(worst) > _OPEN * scale else []
        return check, [*warnings, *far]
    contradiction = _contradiction(ours, own, unsigned)
    if contradiction and not trust:
        raise InputError(f"{contradiction}: {said}", key="current_ampere", remedy=_REMEDY)
    share = f"{100.0 * abs(worst) / scale:.2g} %" if abs(worst) < 2.0 * scale else f"a factor {1.0 + worst / scale:.3g}"
    why = f"; {contradiction}" if contradiction else coarseness(current)
    return check, [
        *warnings,
        f"two counts of the charge differ by {share}, more than the sampling explains: {said}{why}",
    ]


def coarseness(current: np.ndarray) -> str:
    """In which steps a current is written, where they are wide for its size."""
    values = np.unique(np.abs(current[:: 1 + len(current) // 5000]))
    if not 1 < len(values) < 500:
        return ""
    step = float(np.diff(values).min())
    return f"; the current is written in steps of {step:.2g} A" if step > ACCURACY * values[-1] else ""


def _direction(passed: Charge, vendor: Charge) -> tuple[bool, bool]:
    """(whether the instrument's words are the reverse of the sign, whether the current has no sign at all)."""
    with_sign = against = discharged = 0.0
    into, out = (counts > 0.0 for _, counts in passed.ways)
    for way, counts in vendor.ways:
        same, other = (into, out) if way == "charging" else (out, into)
        with_sign += float(counts[same].sum())
        against += float(counts[other].sum())
        discharged += float(counts.sum()) if way == "discharging" else 0.0
    whole = with_sign + against
    if not whole > 0.5 * sum(vendor.totals.values()):  # most was counted while no current is written: noise at rest
        return False, False
    unsigned = not out.any() and discharged > 0.05 * whole and with_sign > 0.05 * whole
    return against > 0.9 * whole, unsigned


def _contradiction(ours: dict[str, float], own: dict[str, float], unsigned: bool) -> str:
    """What is certainly wrong between the two counts, or nothing: a unit is wrong by one factor whichever way."""
    if unsigned:
        return "the current is never negative although charge was taken out again, so its sign is lost"
    total, largest = sum(own.values()), max(own.values())
    if not total > 0.0 or any(ours[way] <= 0.0 for way, amount in own.items() if amount > _NEAR * largest):
        return ""
    factor = sum(ours[way] for way in own) / total
    near = next((words for known, words in _FACTORS.items() if abs(math.log(factor / known)) < _NEAR), "")
    return near and f"current and capacity differ by a factor {factor:.4g}, {near}"


def _words(ways: dict[str, float]) -> str:
    return " and ".join(f"{amount:.4g} Ah {way}" for way, amount in ways.items())
