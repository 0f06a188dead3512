"""Shorts and other failures of a cell: what happened when, on what evidence, and no more than the evidence allows.

    kind                     what was seen                                                            rule in
    voltage collapse         |V| falls by 30 % or more within a second at constant current            `collapse`
    noise                    a half-cycle five times noisier than the cell usually is                 `noise`
    sudden drop              the level of |V| falls to 60 % or less and stays there                   `drop`
    soft short               polarisation at most 40 % of its baseline, and a sign of electrons       `soft_short`
    possible soft short      the same without such a sign; spectra that an area explains too          `impedance`
    cut-off never reached    a strip takes more metal than there is, or a charge goes on and on       `stripping`
    over-strip               a strip gives more than was plated, and its cut-off is reached           `stripping`
    polarisation growth      the plateau grows to three times its baseline                            `growth`
    depletion                |V| runs away before a half-cycle ends                                   `growth`

Every threshold is a constant of the rule's module, with its reason. A voltage alone does not tell a filament that
reaches across from a film that breaks or an area that grows; impedance, a rest or a charge balance may, and where they
do not the kind says "possible". In a full cell |V| is not the polarisation, so that only noise, charges that go on, and
falls of the voltage during charging are looked for. Where the direction of plating is not known the charge balances are
left out.

Measured on the synthetic cells of tests/failing_cells.py: no event in 3,000 sound noisy cells of ten families
(nucleation peaks, arcing, films that break in, several currents, drifting temperature, substrates, coarse and fine
sampling, full cells), so fewer than 1 in 1,000 with 95 % confidence. Of 40 faulty cells each, drops to 55 %, strips of
1.02 times what was plated, flicker of 4 % in a third of the rows, and shorts that leave 38 % are all found; drops to
62 % and shorts that leave 45 % are not. Measured cells are less regular: read the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mossy.analysis import cycler_steps
from mossy.analysis.cycler_steps import Steps
from mossy.analysis.failure.collapse import collapses, collapses_of_voltage
from mossy.analysis.failure.course import Course, course_of
from mossy.analysis.failure.drop import drops
from mossy.analysis.failure.event import FailureEvent
from mossy.analysis.failure.growth import growth
from mossy.analysis.failure.impedance import ohmic_floor, short_like, without_a_short
from mossy.analysis.failure.noise import bursts
from mossy.analysis.failure.soft_short import soft_shorts
from mossy.analysis.failure.stripping import charges
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

KINDS = (
    *("voltage collapse", "noise", "sudden drop", "soft short", "possible soft short", "cut-off never reached"),
    *("over-strip", "polarisation growth", "depletion"),
)
"""The kinds of events, as the module's table explains them."""


@dataclass(frozen=True)
class Failures:
    """The events of a test in order of time, and `notes` on what could not be looked for and why."""

    events: tuple[FailureEvent, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {"events": [each.as_dict() for each in self.events], "notes": list(self.notes)}


def examine(record: Cycling, spectra: Sequence[Impedance] = (), steps: Steps | None = None) -> Failures:
    """The failures of a test with notes on what was left out.

    Arguments: `record`, with current and voltage, or with the voltage alone: then only collapses are looked for, over
    the whole trace; `spectra` of the same test on the same clock, six or more to be followed; `steps` of the record
    where they are known. Raises InputError for a record without voltage, times that fall, spectra without times.

    >>> import polars as pl
    >>> t = np.arange(0.0, 200.0, 0.5)
    >>> volt = 0.1 + 0.5 * np.exp(-(((t - 100.0) / 20.0) ** 2)) * (t < 100.2) + 1e-3 * np.sin(7.0 * t)
    >>> found = examine(Cycling(pl.DataFrame({"test_time_second": t, "voltage_volt": volt})))
    >>> [(each.kind, each.time_second) for each in found.events]
    [('voltage collapse', 100.0)]
    >>> found.notes
    ('no current was recorded: only collapses of the voltage were looked for',)
    """
    if "voltage_volt" not in record.table.columns:
        problem = "the record has no voltage: failures are told by it"
        raise InputError(problem, key="voltage_volt", remedy="export the voltage with the time and current")
    if steps is None and "current_ampere" in record.table.columns:
        steps = cycler_steps.of(record, spectra)
    course, notes = None, []
    if steps is None:
        found = collapses_of_voltage(*_voltage(record))
        notes.append("no current was recorded: only collapses of the voltage were looked for")
    else:
        course = course_of(record, steps)
        found = _all_rules(course, ohmic_floor(spectra) if spectra else None)
        notes += _notes(course)
    if spectra:
        more, other, said = short_like(record, spectra, course)
        found, notes = [*(without_a_short(each, other) for each in found), *more], [*notes, *said]
    return Failures(tuple(sorted(found, key=lambda each: each.time_second)), tuple(notes))


def events(record: Cycling, spectra: Sequence[Impedance] = (), steps: Steps | None = None) -> list[FailureEvent]:
    """The events of `examine`, in order of time; an empty list where nothing was found.

    >>> import polars as pl
    >>> t = np.arange(0.0, 7200.0, 10.0)
    >>> current = np.where(t < 3600.0, -1e-3, 1e-3)
    >>> table = pl.DataFrame({"test_time_second": t, "current_ampere": current, "voltage_volt": 40.0 * current})
    >>> events(Cycling(table, {"cell_kind": "symmetric"}))
    []
    """
    return list(examine(record, spectra, steps).events)


def _all_rules(course: Course, floor: float | None) -> list[FailureEvent]:
    collapsed, dropped = _joined(collapses(course), drops(course))
    others = [*collapsed, *bursts(course), *dropped, *charges(course), *growth(course)]
    shorted = soft_shorts(course, others, floor)
    said = {text for each in shorted for text in each.evidence}
    return [*(each for each in others if each.kind != "sudden drop" or each.text not in said), *shorted]


def _joined(
    collapsed: list[FailureEvent], dropped: list[FailureEvent]
) -> tuple[list[FailureEvent], list[FailureEvent]]:
    """A collapse after which the level stays down is one event, the drop, with the evidence of both."""
    kept = list(collapsed)
    joined = []
    for drop in dropped:
        slack = max(1.0, drop.bracket[1] - drop.bracket[0])
        same = [
            each
            for each in kept
            if each.bracket[0] <= drop.bracket[1] + slack and each.bracket[1] >= drop.bracket[0] - slack
        ]
        kept = [each for each in kept if each not in same]
        text = tuple(each.text for each in same)
        joined.append(replace(drop, evidence=(*text, *drop.evidence)))
    return kept, joined


def _voltage(record: Cycling) -> tuple[np.ndarray, np.ndarray]:
    table = record.table.select("test_time_second", "voltage_volt").drop_nulls()
    time, volt = (table[name].to_numpy().astype(float) for name in table.columns)
    if len(time) < 3:
        raise InputError(f"{len(time)} rows have a voltage", key="voltage_volt", remedy="give a whole test")
    if np.any(np.diff(time) < 0.0):
        raise InputError("the time goes back", key="test_time_second", remedy="mend the file")
    return time, volt


def _notes(course: Course) -> list[str]:
    notes = []
    if not len(course.number):
        return ["no half-cycle was found: nothing was looked for"]
    if not course.polarised:
        notes.append(
            "the voltage of a full cell is not its polarisation: only noise, charges that go on and falls of the "
            "voltage during charging were looked for"
        )
    if course.kind is None:
        notes.append("the kind of cell is not stated: it was told from its voltage, and charge balances were left out")
    elif course.kind == "substrate" and not course.direction.any():
        notes.append(f"which current plates is not stated: charge balances were left out; {cycler_steps.DESCRIBE}")
    return notes


__all__ = ["KINDS", "FailureEvent", "Failures", "events", "examine"]
