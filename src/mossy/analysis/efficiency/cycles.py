"""Coulombic efficiency cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.efficiency import charges as half_charges
from mossy.analysis.efficiency.averages import Average, average
from mossy.analysis.efficiency.balance import Balance, LossSplit, Titration, split_loss, titration_of
from mossy.analysis.efficiency.charges import CYCLER, Accuracy, Charges
from mossy.analysis.efficiency.course import Course, course
from mossy.analysis.efficiency.pairs import Pairs, is_reservoir, pairs, what_is_there
from mossy.analysis.efficiency.results import Result
from mossy.errors import InputError
from mossy.records import Cycling

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Cycle(Result):
    """One plating and the stripping after it.

    `coulombic_efficiency` and its `standard_error` are None where `complete` is False: the strip is missing or was cut
    off. `exhausted`: whether the strip ran to its cut-off, so that all metal in contact came back (None where no
    voltage tells); where it did not, the efficiency is what the cycler was told. The cumulative loss counts from the
    first plating on, whole cycles only.
    """

    cycle: int
    plated_mAh: float
    stripped_mAh: float | None
    lost_mAh: float | None
    cumulative_lost_mAh: float | None
    coulombic_efficiency: float | None
    standard_error: float | None
    complete: bool
    exhausted: bool | None
    formation: bool
    in_average: bool


@dataclass(frozen=True)
class PerCycle(Result):
    """The efficiencies of a test. `average` leaves out formation (`formation` holds those), incomplete cycles and
    strips that did not reach their cut-off; it is None where nothing is left, and a note says why.
    """

    cycles: tuple[Cycle, ...]
    average: Average | None
    formation: Average | None
    course: Course
    balance: Balance
    area_cm2: float | None
    current_noise_ampere: float
    notes: tuple[str, ...]

    @property
    def table(self) -> pl.DataFrame:
        """A row a cycle, with the fields of `Cycle`, and the losses per cm2 where the area is known."""
        import polars as pl

        names = [each.name for each in fields(Cycle)]
        columns: dict[str, Any] = {name: [getattr(cycle, name) for cycle in self.cycles] for name in names}
        types: dict[str, Any] = {name: pl.Float64 for name in names if name.endswith("_mAh")}
        types |= {"coulombic_efficiency": pl.Float64, "standard_error": pl.Float64, "exhausted": pl.Boolean}
        frame = pl.DataFrame(columns, schema_overrides=types)
        if self.area_cm2 is None:
            return frame
        per_area = [(pl.col(name) / self.area_cm2).alias(f"{name}_per_cm2") for name in names if name.endswith("_mAh")]
        return frame.with_columns(per_area)


def per_cycle(
    record: Cycling,
    steps: Steps | None = None,
    *,
    current_accuracy: Accuracy = CYCLER,
    titration: Titration | None = None,
) -> PerCycle:
    """The Coulombic efficiency of each cycle, CE = Q_stripped/Q_plated, their average and the charges behind them.

    A cycle is a plating and the stripping after it, numbered by platings from 1, whichever came first in the test; what
    was stripped before the first plating is given apart. In a full cell the charge plates the metal, so this is
    discharge over charge. Errors: the current's noise, sampled ends of steps, and the cycler's accuracy, see
    `Accuracy`; a gain error cancels. The average is the ratio of the sums, so that (1 - CE) times the plated charge is
    the charge lost. `titration`, or the record's own, divides the loss into dead metal and film.
    Raises InputError for symmetric cells, for reservoir protocols (whose strips stop at a set charge), where no strip
    reached its cut-off, and where no plating is followed by a stripping.
    Source: the definition; for its errors A. J. Smith, J. C. Burns, S. Trussler, J. R. Dahn, J. Electrochem. Soc. 157
    (2010) A196, doi 10.1149/1.3268129 (unverified).

    >>> import polars as pl
    >>> t = [0.0, 1800.0, 3600.0, 3600.0, 5400.0, 7020.0]
    >>> table = pl.DataFrame({"test_time_second": t, "current_ampere": [-1e-3] * 3 + [1e-3] * 3})
    >>> roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    >>> found = per_cycle(Cycling(table, {"roles": roles, "cell_kind": "substrate"}))
    >>> round(found.cycles[0].coulombic_efficiency, 12), round(found.balance.lost_mAh, 12)
    (0.95, 0.05)
    """
    steps, charges = half_charges.of(record, steps, current_accuracy, "Coulombic efficiency")
    return of_charges(record, steps, charges, titration_of(record.metadata) if titration is None else titration)


def of_charges(record: Cycling, steps: Steps, charges: Charges, titration: Titration | None) -> PerCycle:
    """`per_cycle` of charges that are there."""
    if is_reservoir(record, steps):
        raise InputError(
            f"a reservoir protocol, whose short strips stop at a set charge: {what_is_there(steps)}",
            key="protocol",
            remedy="use `modified_reservoir` (after a conditioning cycle) or `reservoir`",
        )
    found = pairs(record, steps)
    whole = np.flatnonzero(found.complete)
    if not len(whole):
        problem = f"no plating is followed by a whole stripping: {what_is_there(steps)}"
        raise InputError(problem, key="cycles", remedy="give a test with whole cycles, and the sign that plates")
    free = whole[found.exhausted[whole] != 0]
    if not len(free):
        problem = "no strip ran to its cut-off, so the cycler's charge was stripped, not what there was"
        remedy = "strip until a voltage at which no metal is left, as 1 V, or use a reservoir protocol"
        raise InputError(problem, key="cycles", remedy=remedy)
    chosen = free[~found.formation[free]]
    apart = whole[found.formation[whole]]
    cycles = _cycles(charges, found, set(chosen.tolist()))
    with_strips, with_plates = found.strips[chosen], found.plates[chosen]
    ratio = charges.charge[with_strips] / charges.charge[with_plates]
    error = _random_errors(charges, with_strips, with_plates)
    run = course(chosen + 1, ratio, error, charges.charge[with_plates])
    metres = record.metadata.get("electrode_area_square_metre")
    area = metres * 1e4 if metres else None
    balance, why = _balance(record, charges, found, whole, area, titration)
    averaged = average(charges, with_strips, with_plates) if len(chosen) else None
    formed = average(charges, found.strips[apart], found.plates[apart]) if len(apart) else None
    notes = [*found.notes, *_notes(steps, charges, found, chosen, error, averaged, run), *why]
    return PerCycle(cycles, averaged, formed, run, balance, area, charges.noise_ampere, tuple(notes))


def _random_errors(charges: Charges, strips: np.ndarray, plates: np.ndarray) -> np.ndarray:
    ratio = charges.charge[strips] / charges.charge[plates]
    return np.hypot(charges.random[strips], ratio * charges.random[plates]) / charges.charge[plates]


def _cycles(charges: Charges, found: Pairs, chosen: set[int]) -> tuple[Cycle, ...]:
    cycles, lost = [], 0.0
    for place, plate in enumerate(found.plates.tolist()):
        strip, complete = int(found.strips[place]), bool(found.complete[place])
        plated = float(charges.charge[plate])
        stripped = float(charges.charge[strip]) if strip >= 0 else None
        value = error = loss = total = None
        if complete and stripped is not None:
            value, random, systematic = charges.ratio([strip], [plate])
            error, loss = float(np.hypot(random, systematic)), plated - stripped
            lost += loss
            total = lost
        cycles.append(
            Cycle(
                place + 1,
                plated,
                stripped,
                loss,
                total,
                value,
                error,
                complete,
                None if found.exhausted[place] < 0 else bool(found.exhausted[place]),
                bool(found.formation[place]),
                place in chosen,
            )
        )
    return tuple(cycles)


def _balance(
    record: Cycling,
    charges: Charges,
    found: Pairs,
    whole: np.ndarray,
    area: float | None,
    titration: Titration | None,
) -> tuple[Balance, list[str]]:
    strips, plates = found.strips[whole].tolist(), found.plates[whole].tolist()
    lost, error = charges.loss(strips, plates)
    open_plates = found.plates[~found.complete]
    open_strips = found.strips[~found.complete]
    left = float(charges.charge[open_plates].sum() - charges.charge[open_strips[open_strips >= 0]].sum())
    opening = float(charges.charge[found.opening].sum()) if len(found.opening) else 0.0
    split, why = _split(record, lost, error, left, opening, titration)
    per_area = lost / area if area else None
    totals = (*charges.total(plates), *charges.total(strips))
    return Balance(*totals, lost, error, per_area, opening, left, split), why


def _split(
    record: Cycling, lost: float, error: float, left: float, opening: float, titration: Titration | None
) -> tuple[LossSplit | None, list[str]]:
    if titration is None:
        return None, []
    if left > 1e-3 * abs(lost):
        return None, ["the titration is not used: metal was still plated when the record ended, and was titrated too"]
    if opening > 0.0 or ((record.metadata.get("cell") or {}).get("initial_metal") or 0.0) > 0.0:
        return None, ["the titration is not used: the electrode held metal before the first plating"]
    try:
        return split_loss(lost, error, titration), []
    except InputError as refused:
        return None, [f"the titration is not used: {refused.problem}"]


def _notes(
    steps: Steps,
    charges: Charges,
    found: Pairs,
    chosen: np.ndarray,
    error: np.ndarray,
    averaged: Average | None,
    run: Course,
) -> list[str]:
    notes = list(steps.notes)
    if averaged is None:
        notes.append("no average: every whole cycle is formation or stopped short of its cut-off")
    if steps.kind == "full":
        notes.append("a full cell with excess metal: its ratio is that of the whole cell, losses of metal do not show")
    if steps.kind is None:
        notes.append("the kind of cell is not stated: what else took charge cannot be told")
    plated = charges.charge[found.plates[chosen]]
    ratio = charges.charge[found.strips[chosen]] / plated
    doubt = error + (charges.offset[found.strips[chosen]] + charges.offset[found.plates[chosen]]) / plated
    more = chosen[ratio - 1.0 > 2.0 * doubt]
    if len(more):
        notes.append(
            f"{_listed(more + 1)} stripped more than was plated: metal left from cycles before, initial metal, the "
            "other electrode through a soft short, or the current's offset"
        )
    if charges.end_interval_second > 0.0:
        notes.append(
            f"rows are written every {charges.end_interval_second:.4g} s, not when steps end: that is in the errors"
        )
    settled = run.settling
    if settled is not None and not settled.settled:
        notes.append("the efficiency had not settled when half of the cycles were over")
    elif settled is not None and settled.unsettled_cycles:
        notes.append(
            f"the first {settled.unsettled_cycles} of the averaged cycles lost {settled.excess_loss_mAh:.3g} +- "
            f"{settled.excess_loss_standard_error_mAh:.1g} mAh beyond the steady loss"
        )
    if run.knee is not None:
        knee = run.knee
        notes.append(f"the efficiency turns down between cycles {knee.earliest:g} and {knee.latest:g}")
    notes += [
        f"the efficiency falls at cycle {drop.cycle} from {drop.before:.4f} to {drop.after:.4f}" for drop in run.drops
    ]
    return notes + _short(steps, found, chosen, ratio)


def _short(steps: Steps, found: Pairs, chosen: np.ndarray, ratio: np.ndarray) -> list[str]:
    """A suspicion of a soft short: efficiencies near 1 while the cell needs less and less voltage."""
    if len(chosen) < 9 or steps.kind == "full" or steps.kind == "anode-free":
        return []
    volt = steps.half_cycles["voltage_median_volt"].to_numpy()
    between = np.abs(volt[found.strips[chosen]] - volt[found.plates[chosen]])
    third = len(chosen) // 3
    early, late = float(np.median(between[:third])), float(np.median(between[-third:]))
    if late < 0.5 * early and float(np.median(ratio[-third:])) > 0.998:
        return [
            f"the voltage between plating and stripping fell from {early * 1e3:.3g} to {late * 1e3:.3g} mV with "
            "efficiencies near 1: a soft short may carry part of the current"
        ]
    return []


def _listed(cycles: Sequence[int] | np.ndarray) -> str:
    shown = ", ".join(str(int(cycle)) for cycle in cycles[:5])
    more = f" and {len(cycles) - 5} more" if len(cycles) > 5 else ""
    return f"cycle{'s' if len(cycles) > 1 else ''} {shown}{more}"
