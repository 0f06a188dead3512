"""The parts of a record in which one constant current flows one way, and robust statistics over them all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis import cycler_steps
from mossy.analysis.cycler_steps import Steps
from mossy.analysis.overpotential.sweep import check_sweep
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

LEVEL = 0.05
"""Two currents are one level where they differ by less than this share."""
FLOWING = ("plate", "strip", "negative", "positive")
NORMAL = 1.4826022
"""Standard deviation over median absolute deviation of normal noise."""
_OFFSET = 5e-3  # V: a shorted cell shows no more than the instrument's offset, of either sign
REFERRED = ("symmetric", "substrate")
"""The cells whose voltage without current is 0 V: one metal on both sides."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Half-cycles, cut where the current changes to another level, and the rows while it flows.

    Of a piece: `half_cycle`, `cycle`, `label`, `direction` (None where not known), `sign` of the current, `current` (A,
    positive), `charge` (C), `duration` (s, under current), `start`, `end` (s), `ended`.
    Of a row: `piece`, `polarisation` (V times the sign of the current, V), `weight` (C that passed in the interval
    ending there), `fraction` of the piece's charge passed (0 to 1, at the middle of the interval), `time`.
    `left_out`: steps whose voltage is swept.
    """

    table: tuple[dict[str, Any], ...]
    sign: np.ndarray
    current: np.ndarray
    charge: np.ndarray
    piece: np.ndarray
    polarisation: np.ndarray
    weight: np.ndarray
    fraction: np.ndarray
    time: np.ndarray
    left_out: int

    def __len__(self) -> int:
        return len(self.table)


def steps_of(record: Cycling, steps: Steps | None, spectra: Sequence[Impedance] = ()) -> Steps:
    """The steps given, or those of the record; without a current the error names what voltage alone can tell."""
    if steps is not None:
        return steps
    if "current_ampere" not in record.table.columns:
        problem = "the record has no current: neither resistances, charges nor half-cycles can be told"
        remedy = "export the current too; `overpotential.trace_features(time, voltage)` describes a voltage alone"
        raise InputError(problem, key="current_ampere", remedy=remedy)
    return cycler_steps.of(record, spectra)


def pieces_of(steps: Steps) -> Pieces:
    """The pieces of a record; InputError where none has a voltage under constant current, or where it is swept."""
    swept = check_sweep(steps)
    groups = _groups(steps, swept)
    trace = steps.trace
    of_row = np.full(len(trace.time), -1)
    for place, members in enumerate(groups):
        for step in members:
            of_row[step["first_row"] : step["last_row"] + 1] = place
    rows = np.flatnonzero((of_row >= 0) & np.isfinite(trace.voltage) & (trace.charge != 0.0))
    kept, piece = np.unique(of_row[rows], return_inverse=True)
    if not len(kept):
        problem = "no half-cycle has a voltage under a constant current"
        raise InputError(problem, key="record", remedy="give a test in which a constant current flows")
    sign = np.array([groups[k][0]["current_sign"] for k in kept], dtype=float)
    weight = np.abs(trace.charge[rows])
    charge, fraction = fractions(weight, piece, len(kept))
    current = np.array([abs(_main(groups[k])["current_ampere"]) for k in kept])
    halves = steps.half_cycles.rows(named=True)
    by_number = {row["half_cycle"]: row for row in halves}
    table = tuple(_row(groups[k], by_number) for k in kept)
    polarisation = sign[piece] * trace.voltage[rows]
    left_out = int(swept.sum())
    return Pieces(table, sign, current, charge, piece, polarisation, weight, fraction, trace.time[rows], left_out)


def _groups(steps: Steps, swept: np.ndarray) -> list[list[dict[str, Any]]]:
    """The steps of each piece."""
    groups: list[list[dict[str, Any]]] = []
    for step, moves in zip(steps.table.rows(named=True), swept, strict=True):
        if step["half_cycle"] is None or step["kind"] not in FLOWING or moves:
            continue
        if groups:
            last = groups[-1][0]
            one, other = abs(last["current_ampere"]), abs(step["current_ampere"])
            alike = abs(one - other) <= LEVEL * max(one, other) and step["current_sign"] == last["current_sign"]
            if alike and step["half_cycle"] == last["half_cycle"]:
                groups[-1].append(step)
                continue
        groups.append([step])
    return groups


def _main(members: list[dict[str, Any]]) -> dict[str, Any]:
    return max(members, key=lambda step: abs(step["charge_coulomb"]))


def _row(members: list[dict[str, Any]], halves: dict[int, dict[str, Any]]) -> dict[str, Any]:
    half = halves[members[0]["half_cycle"]]
    return {
        "half_cycle": half["half_cycle"],
        "cycle": half["cycle"],
        "label": half["label"],
        "direction": members[0]["direction"],
        "process": process(members[0]["direction"], members[0]["current_sign"]),
        "start": members[0]["start_second"],
        "end": members[-1]["end_second"],
        "duration": sum(step["end_second"] - step["start_second"] for step in members),
        "ended": half["ended"] if members[-1]["end_second"] == half["end_second"] else "charge",
    }


def process(direction: int | None, sign: int) -> str:
    """What happens to the electrode under study: "plating", "stripping", or the sign of a current with no roles."""
    if direction is None:
        return "positive" if sign > 0 else "negative"
    return "plating" if direction > 0 else "stripping"


def check_kind(steps: Steps, pieces: Pieces) -> None:
    """InputError where the voltage is not a polarisation, or where the signs contradict a cell that stores nothing."""
    if steps.kind in ("full", "anode-free"):
        problem = f"a cell of kind '{steps.kind}' has no voltage of 0 to which an overpotential could refer"
        remedy = "its voltage holds the positive electrode's equilibrium: measure against a reference electrode"
        raise InputError(problem, key="cell_kind", remedy=remedy)
    if steps.kind not in REFERRED:
        return
    if steps.kind == "substrate":
        cycler_steps.plating_sign(steps)
    typical = grouped_median(pieces.polarisation, pieces.weight, pieces.piece, len(pieces))
    against = typical < -_OFFSET
    if 2 * against.sum() > len(typical):
        problem = f"voltage and current are opposite in {against.sum()} of {len(typical)} half-cycles"
        remedy = "metal on both sides delivers no energy: positive current must be the one that raises the voltage"
        raise InputError(problem, key="current_ampere", remedy=remedy)


def fractions(weight: np.ndarray, group: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What passes in each group, and of each row the share of it passed by the middle of its interval; groups in order.

    >>> fractions(np.array([1.0, 1.0, 2.0]), np.array([0, 0, 1]), 2)[1].tolist()
    [0.25, 0.75, 0.5]
    """
    total = np.bincount(group, weight, count)
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    return total, (np.cumsum(weight) - 0.5 * weight - before[group]) / total[group]


def grouped_median(values: np.ndarray, weights: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """The weighted median of each group 0 .. count - 1; NaN where a group is empty.

    Where half of the weight falls between two values it interpolates, as the plain median does. Groups need no order.

    >>> grouped_median(np.array([3.0, 1.0, 2.0, 9.0]), np.ones(4), np.array([0, 0, 0, 2]), 3)
    array([ 2., nan,  9.])
    """
    found = np.full(count, np.nan)
    if not len(values):
        return found
    low, span = values.min(), np.ptp(values) or 1.0
    order = np.argsort(group + 0.999 * (values - low) / span)
    total = np.bincount(group, weights, count)
    passed = np.cumsum(weights[order])
    begin = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    full = total > 0.0
    found[full] = np.interp((begin + 0.5 * total)[full], passed - 0.5 * weights[order], values[order])
    return found


def grouped_mean(values: np.ndarray, weights: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """The weighted mean of each group; NaN where a group is empty."""
    total = np.bincount(group, weights, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0.0, np.bincount(group, weights * values, count) / total, np.nan)


def noise_of(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Standard deviation of white noise on each group's trace, from its second differences, which know no slope.

    sigma = 1.4826 median|v_k-1 - 2 v_k + v_k+1| / 6^1/2; the root mean square where most of them are zero, as on a
    coarse converter; NaN below five values.

    >>> rng = np.random.default_rng(1)
    >>> noise_of(np.linspace(0.0, 5.0, 4000) + rng.normal(0.0, 2.0, 4000), np.zeros(4000, int), 1).round(1)
    array([2.])
    """
    inside = group[2:] == group[:-2]
    second = np.abs(values[:-2] - 2.0 * values[1:-1] + values[2:])[inside]
    of = group[2:][inside]
    ones = np.ones(len(second))
    robust = NORMAL * grouped_median(second, ones, of, count)
    square = np.sqrt(grouped_mean(second**2, ones, of, count))
    sigma = np.where(robust > 0.0, robust, square) / np.sqrt(6.0)
    return np.where(np.bincount(of, minlength=count) >= 3, sigma, np.nan)
