"""Platings and the strippings after them, and whether these were whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.records import Cycling

_RAN, _NEAR, _SAME = 0.1, 0.02, 1e-3
"""V beyond its median that a half-cycle runs when metal is gone; V and share within which ends, charges are alike."""
_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Pairs:
    """Places of half-cycles: `plates`, the `strips` after them (-1 where missing), `opening` strips before the first.

    `complete`: the strip is there and was not cut off by the end of the record; `exhausted`: 1 where it ran to its
    cut-off, 0 where it did not, -1 where no voltage tells.
    """

    plates: np.ndarray
    strips: np.ndarray
    opening: np.ndarray
    complete: np.ndarray
    exhausted: np.ndarray
    formation: np.ndarray
    notes: tuple[str, ...]


def pairs(record: Cycling, steps: Steps) -> Pairs:
    """The cycles of a test, from its half-cycles, which alternate."""
    halves = steps.half_cycles
    direction = halves["direction"].to_numpy()
    plates = np.flatnonzero(direction > 0)
    strips = np.where(plates + 1 < halves.height, plates + 1, -1)
    opening = np.flatnonzero(direction < 0)[:1] if halves.height and direction[0] < 0 else np.array([], dtype=int)
    ran = ran_out(record, steps)
    complete = strips >= 0
    notes = []
    if len(opening):
        charge = halves["charge_coulomb"][0] / 3.6
        notes.append(f"{charge:.4g} mAh were stripped before the first plating; they belong to no cycle")
    if len(strips) and strips[-1] >= 0 and cut_off(steps, ran):
        complete[-1] = False
        notes.append(f"the strip of cycle {len(plates)} ends with the record: it is left out")
    elif len(strips) and strips[-1] < 0:
        notes.append(f"cycle {len(plates)} has no strip: it is left out")
    exhausted = np.where(strips >= 0, ran[strips], 0)
    formation = np.array([label == "formation" for label in halves["label"].gather(plates.tolist())], dtype=bool)
    if is_full(steps):
        exhausted = np.where(complete, 1, 0)
    if (exhausted[complete] < 0).any():
        notes.append("no voltage: whether the strips ran to their cut-off is not known")
    early = int((complete & (exhausted == 0)).sum())
    if early:
        notes.append(
            f"strips that did not reach their cut-off: {early}; metal was left, or a short carried the current"
        )
    return Pairs(plates, strips, opening, complete, exhausted, formation, tuple(notes))


def is_full(steps: Steps) -> bool:
    """Whether the other electrode limits what is stripped, as in cells with a positive electrode."""
    return steps.kind in ("full", "anode-free")


def ran_out(record: Cycling, steps: Steps) -> np.ndarray:
    """For each half-cycle 1 where its voltage ran to the cut-off, 0 where not, -1 where there is no voltage."""
    halves = steps.half_cycles
    end, middle = halves["voltage_end_volt"].to_numpy(), halves["voltage_median_volt"].to_numpy()
    sign = halves["current_sign"].to_numpy()
    beyond = (end - middle) * sign
    ran = (halves["ended"] == "voltage").to_numpy() & (beyond > _NEAR)
    if not is_full(steps):  # a positive electrode's voltage slopes all along
        ran |= beyond > _RAN
    cut = (record.metadata.get("cell") or {}).get("strip_cut_off")
    if cut is not None:
        ran |= (halves["direction"].to_numpy() < 0) & (np.abs(end) >= abs(cut) - _NEAR)
    return np.where(np.isfinite(end), ran.astype(int), -1)


def cut_off(steps: Steps, ran: np.ndarray) -> bool:
    """Whether the last half-cycle of a record stops in the middle.

    It does not where its voltage ran out, or where it ends as those of its direction before it did: at their voltage
    or at their charge. Without a voltage and another half-cycle to compare with, it is taken to be whole.
    """
    halves = steps.half_cycles
    last = halves.height - 1
    before = np.arange(last - 2, -1, -2)
    if ran[last] > 0 and not (is_full(steps) and len(before)):
        return False
    charge, end = halves["charge_coulomb"].to_numpy(), halves["voltage_end_volt"].to_numpy()
    if ran[last] < 0 and not len(before):
        return False
    if not len(before):
        return bool(halves["ended"][last] == "file")
    same_charge = np.abs(charge[before] - charge[last]) < _SAME * charge[last]
    same_end = np.abs(end[before] - end[last]) < _NEAR
    alike = np.abs(end[before] - np.median(end[before])).max() < _NEAR if np.isfinite(end[before]).all() else False
    if ran[last] < 0:
        # without a voltage: much less than any strip before it
        return bool(charge[last] < 0.9 * charge[before].min())
    return not (same_charge.any() or (alike and same_end.any()))


def is_reservoir(record: Cycling, steps: Steps) -> bool:
    """Whether the half-cycles are those of a reservoir protocol: short strips that stop at a set charge."""
    labels = steps.half_cycles["label"].to_list()
    if is_full(steps) or "reservoir" not in labels:
        return False
    return bool(ran_out(record, steps)[labels.index("reservoir") + 1] <= 0)


def what_is_there(steps: Steps) -> str:
    """The half-cycles in words, for a message.

    >>> from types import SimpleNamespace
    >>> import polars as pl
    >>> what_is_there(SimpleNamespace(half_cycles=pl.DataFrame({"direction": [1, -1], "charge_coulomb": [3.6, 3.4]})))
    'plate 1, strip 0.9444 mAh'
    """
    halves = steps.half_cycles
    words = []
    for direction, charge in halves.select("direction", "charge_coulomb").head(_SHOWN).rows():
        word = {1: "plate", -1: "strip"}.get(direction, "half-cycle")
        words.append(f"{word} {charge / 3.6:.4g}")
    if not words:
        return "no half-cycle"
    more = f", and {halves.height - _SHOWN} more" if halves.height > _SHOWN else ""
    return ", ".join(words) + " mAh" + more
