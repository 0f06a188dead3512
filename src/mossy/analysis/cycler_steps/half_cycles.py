"""Half-cycles and cycles from steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.cycler_steps.step_table import Rows

if TYPE_CHECKING:
    import polars as pl

SLIVER = 1e-3
"""A half-cycle that carries less than this share of the largest is switching, not a half-cycle."""
_STEEP = 5.0  # a half-cycle ended by voltage rises this many times faster at its end than in its middle
_ONE_VOLTAGE, _BEYOND = 2e-3, 0.02  # V: how alike the ends are, and how far beyond the middle of their half-cycle
PLATES_FIRST = ("substrate", "anode-free")


def half_cycle_table(trace: Rows, steps: pl.DataFrame, kind: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The steps with their half-cycle and cycle, and the half-cycles.

    Steps of one direction belong together whatever rests, holds and short pulses stand among them; a pulse the other
    way is counted against the half-cycle it interrupts.
    """
    import polars as pl

    sign, kinds = steps["current_sign"].to_numpy(), steps["kind"].to_list()
    charge = steps["charge_coulomb"].to_numpy()
    carrying = np.array([s != 0 and k != "pulse" for s, k in zip(sign, kinds, strict=True)], dtype=bool)
    if carrying.any():
        carrying &= np.abs(charge) > SLIVER * float(np.abs(charge[carrying]).max())
    groups = _groups(sign, carrying)
    number = np.full(steps.height, -1)
    rows: list[dict[str, Any]] = []
    for place, members in enumerate(groups):
        number[members[0] : members[-1] + 1] = place
        rows.append(_row(trace, steps, charge, sign, members, place, carrying))
    _ended_alike(rows)
    cycles = _cycles(rows, kind)
    for row, cycle in zip(rows, cycles, strict=True):
        row["cycle"] = cycle
    halves = pl.DataFrame(rows, schema=_SCHEMA)
    of = [cycles[k] if k >= 0 else None for k in number]
    known = [int(k) if k >= 0 else None for k in number]
    steps = steps.with_columns(pl.Series("half_cycle", known, dtype=pl.Int64), pl.Series("cycle", of, dtype=pl.Int64))
    return steps, halves


_SCHEMA: Any = {
    "half_cycle": int,
    "cycle": int,
    "current_sign": int,
    "direction": int,
    "first_row": int,
    "last_row": int,
    "start_second": float,
    "end_second": float,
    "charge_coulomb": float,
    "current_ampere": float,
    "voltage_start_volt": float,
    "voltage_end_volt": float,
    "voltage_median_volt": float,
    "rest_before_second": float,
    "ended": str,
}


def _groups(sign: np.ndarray, carrying: np.ndarray) -> list[list[int]]:
    """The carrying steps of each half-cycle."""
    groups: list[list[int]] = []
    for k in np.flatnonzero(carrying):
        if groups and sign[groups[-1][-1]] == sign[k]:
            groups[-1].append(int(k))
        else:
            groups.append([int(k)])
    return groups


def _row(
    trace: Rows,
    steps: pl.DataFrame,
    charge: np.ndarray,
    sign: np.ndarray,
    members: list[int],
    place: int,
    carrying: np.ndarray,
) -> dict[str, Any]:
    first, last = members[0], members[-1]
    main = max(members, key=lambda k: abs(charge[k]))
    start, end = steps["start_second"], steps["end_second"]
    before = np.flatnonzero(carrying[:first])
    rest = start[first] - (end[int(before[-1])] if len(before) else start[0])
    begin, stop = steps["first_row"][first], steps["last_row"][last]
    flowing = np.concatenate([np.arange(steps["first_row"][k], steps["last_row"][k] + 1) for k in members])
    return {
        "half_cycle": place,
        "current_sign": int(sign[first]),
        "direction": steps["direction"][first],
        "first_row": begin,
        "last_row": stop,
        "start_second": start[first],
        "end_second": end[last],
        "charge_coulomb": float(charge[first : last + 1].sum() * sign[first]),
        "current_ampere": abs(steps["current_ampere"][main]),
        "voltage_start_volt": float(trace.voltage[begin]),
        "voltage_end_volt": float(trace.voltage[stop]),
        "voltage_median_volt": float(np.median(trace.voltage[flowing])),
        "rest_before_second": float(rest),
        "ended": _ended(trace, flowing, last == steps.height - 1),
    }


def _ended(trace: Rows, rows: np.ndarray, at_end: bool) -> str:
    """What ended a half-cycle: a voltage that ran away, else charge or time; "file" where the record stops in it."""
    voltage, time = trace.voltage[rows], trace.time[rows]
    if len(rows) >= 8 and np.isfinite(voltage).all():
        middle = voltage[len(rows) // 4 : 3 * len(rows) // 4]
        spread = max(float(np.ptp(middle)), 1e-3)
        tail = time >= time[-1] - 0.02 * (time[-1] - time[0])
        run = abs(float(voltage[-1] - np.median(middle)))
        if run > _STEEP * spread or (tail.sum() > 1 and abs(float(np.ptp(voltage[tail]))) > _STEEP * spread):
            return "voltage"
    return "file" if at_end else "charge"


def _ended_alike(rows: list[dict[str, Any]]) -> None:
    """Half-cycles of one sign that end at one voltage though their charges differ were ended by that voltage."""
    for sign in (-1, 1):
        alike = [row for row in rows if row["current_sign"] == sign and row["ended"] == "charge"]
        ends = np.array([row["voltage_end_volt"] for row in alike])
        charge = np.array([row["charge_coulomb"] for row in alike])
        if len(alike) < 3 or not np.isfinite(ends).all():
            continue
        beyond = np.abs(ends - np.array([row["voltage_median_volt"] for row in alike])) > _BEYOND
        near = beyond & (np.abs(ends - np.median(ends)) <= _ONE_VOLTAGE)
        if near.sum() >= 3 and near.mean() > 0.5 and np.ptp(charge[near]) > 0.002 * charge[near].max():
            for row, same in zip(alike, near, strict=True):
                row["ended"] = "voltage" if same else row["ended"]


def _cycles(rows: list[dict[str, Any]], kind: str | None) -> list[int]:
    """The cycle of each half-cycle, from 1; 0 for a strip before the first plate of a cell that plates first."""
    if not rows:
        return []
    plates_first = kind in PLATES_FIRST and rows[0]["direction"] is not None
    opening = _sign_of_plating(rows) if plates_first else rows[0]["current_sign"]
    cycle, cycles = 0, []
    for row in rows:
        cycle += row["current_sign"] == opening
        cycles.append(cycle)
    return cycles


def _sign_of_plating(rows: list[dict[str, Any]]) -> int:
    return int(rows[0]["current_sign"] * rows[0]["direction"])
