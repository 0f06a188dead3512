"""The stretches of constant current of a stepped protocol, as numbers the stop rules compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.failure.collapse import collapses
from mossy.analysis.failure.course import SETTLED, course_of, levels, stretches
from mossy.analysis.failure.drop import WINDOW, drops
from mossy.records import Cycling

EARLY, LATE = (0.1, 0.3), 0.95
"""Shares of a stretch's time between which its early voltage is measured, and from which on its late one is."""
ALIKE = 0.02
"""Durations, or charges, that scatter by less than this share (half the distance of their quartiles) are equal."""


@dataclass(frozen=True, eq=False)
class Stages:
    """One entry a stretch, in order of time: `sign` of the current, `direction` (+1 plates the electrode under study,
    0 not known), `amperes`, `level` (which current), `start`, `end` (s), `charge` (C, positive), `plateau`, `early`,
    `late` (median |V|), `highest` (of the polarisation from `SETTLED` on, medians of `WINDOW` rows), `opening` (before
    that, of three rows), `held` (a held voltage follows), `drop` (what a sudden drop within says, "" for none),
    `collapsed` (|V| collapses within it), `last` (the record ends in it), `bare` (strips a foreign substrate, where the
    voltage has to run away at the end).
    """

    electrode: str
    sign: np.ndarray
    direction: np.ndarray
    amperes: np.ndarray
    level: np.ndarray
    start: np.ndarray
    end: np.ndarray
    charge: np.ndarray
    plateau: np.ndarray
    early: np.ndarray
    late: np.ndarray
    highest: np.ndarray
    opening: np.ndarray
    held: np.ndarray
    drop: Sequence[str]
    collapsed: np.ndarray
    last: np.ndarray
    bare: np.ndarray

    def __len__(self) -> int:
        return len(self.sign)


def stages_of(record: Cycling, steps: Steps, electrode: str = "cell") -> Stages:
    """The stretches seen by the cell's voltage, or by the potential of an electrode ("working", "counter")."""
    seen = (
        steps
        if electrode == "cell"
        else replace(steps, trace=replace(steps.trace, voltage=_own(record, steps, electrode)))
    )
    rows, half = stretches(steps)
    trace, halves = seen.trace, steps.half_cycles
    sign = np.sign(np.array([_median(trace.current[a : b + 1]) for a, b in rows])).astype(int)
    amperes = np.array([_median(np.abs(trace.current[a : b + 1])) for a, b in rows])
    start = trace.time[np.maximum(rows[:, 0] - 1, 0)]
    seconds = trace.time[rows[:, 1]]
    size = np.abs(trace.voltage)
    parts = np.array([_medians(trace.time[a : b + 1], size[a : b + 1]) for a, b in rows]).reshape(-1, 3)
    along = -sign if electrode == "counter" else sign
    tops = np.array(
        [_tops(trace.time[a : b + 1], s * trace.voltage[a : b + 1]) for s, (a, b) in zip(along, rows, strict=True)]
    ).reshape(-1, 2)
    direction = halves["direction"].fill_null(0).to_numpy()[half]
    dropped, collapsed = _drops(record, seen, rows)
    return Stages(
        electrode,
        sign,
        direction,
        amperes,
        levels(amperes),
        start,
        seconds,
        np.array([abs(float(trace.charge[a : b + 1].sum())) for a, b in rows]),
        parts[:, 0],
        parts[:, 1],
        parts[:, 2],
        tops[:, 0],
        tops[:, 1],
        _held(steps, rows),
        dropped,
        collapsed,
        rows[:, 1] == len(trace.time) - 1,
        (direction != 1) & (steps.kind == "substrate"),
    )


def equal(values: np.ndarray) -> bool:
    """Whether most of the values are alike.

    >>> equal(np.array([3600.0, 3600.0, 3600.0, 1200.0])), equal(np.array([1.0, 2.0, 3.0, 4.0]))
    (True, False)
    """
    if len(values) < 2:
        return False
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), method="higher")
    return bool(0.5 * (high - low) <= ALIKE * middle)


def _own(record: Cycling, steps: Steps, electrode: str) -> np.ndarray:
    """The potential of an electrode less that at rest before the first current (0 where no rest comes first)."""
    column = record.table[f"{electrode}_potential_volt"].cast(float).fill_null(float("nan")).to_numpy()
    potential = column[steps.trace.rows]
    first = steps.table.row(0, named=True)
    rest = potential[first["last_row"]] if first["current_sign"] == 0 else 0.0
    return np.asarray(potential - (rest if np.isfinite(rest) else 0.0))


def _medians(time: np.ndarray, size: np.ndarray) -> tuple[float, float, float]:
    """(plateau, early, late)."""
    known = np.isfinite(size)
    time, size = time[known], size[known]
    if not len(size):
        return np.nan, np.nan, np.nan
    length = time[-1] - time[0]
    marks = np.searchsorted(time, time[0] + length * np.array([0.2, 0.8, *EARLY, LATE]))
    middle, early = size[marks[0] : max(marks[1], marks[0] + 1)], size[marks[2] : max(marks[3], marks[2] + 1)]
    return _median(middle), _median(early), _median(size[min(marks[4], len(size) - 1) :])


def _median(values: np.ndarray) -> float:
    """The plain median, without what makes NumPy's slow on thousands of short pieces."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ranked = np.partition(values, (low, high))
    return 0.5 * float(ranked[low] + ranked[high])


def _held(steps: Steps, rows: np.ndarray) -> np.ndarray:
    begins = {int(a): kind for a, kind in zip(steps.table["first_row"], steps.table["kind"], strict=True)}
    return np.array([begins.get(int(b) + 1) == "hold" for b in rows[:, 1]], dtype=bool)


def _tops(time: np.ndarray, polarisation: np.ndarray) -> tuple[float, float]:
    """(highest, opening)."""
    known = np.isfinite(polarisation)
    time, polarisation = time[known], polarisation[known]
    if not len(time):
        return np.nan, np.nan
    settled = min(int(np.searchsorted(time, time[0] + SETTLED * (time[-1] - time[0]))), len(time) - 1)
    return _top(polarisation[settled:], WINDOW), _top(polarisation[: max(settled, 1)], 3)


def _top(values: np.ndarray, window: int) -> float:
    """The largest median of so many neighbours."""
    window = min(window, len(values))
    return float(np.sort(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)[:, window // 2].max())


def _drops(record: Cycling, steps: Steps, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """What the search for sudden drops says of each stretch, and in which of them |V| collapses."""
    said, collapsed = [""] * len(rows), np.zeros(len(rows), dtype=bool)
    course = course_of(record, steps)
    if not course.polarised:
        return said, collapsed
    times = steps.trace.time[rows]
    for event in (*drops(course), *collapses(course)):
        place = int(np.searchsorted(times[:, 0], event.bracket[0], side="right")) - 1
        if place < 0 or event.bracket[0] > times[place, 1]:
            continue
        if event.kind == "voltage collapse":
            collapsed[place] = True
        elif event.bracket[1] <= times[place, 1]:
            said[place] = event.text
    return said, collapsed


__all__ = ["ALIKE", "EARLY", "LATE", "Stages", "equal", "stages_of"]
