"""Counters of charge and energy under any of their usual names -> columns whose scope is told from their values.

A heading like "Charge Capacity" does not say whether the counter starts anew at each cycle, each step or never, and
"Capacity" not even which way it counts. Both are found in the numbers, by the rules of `mossy.readers.accumulators`;
a column that follows none of them is left out with a warning, as is one that stands still while a current flows (a
nominal capacity, the result of a cycle in each of its rows). A column whose name is of the Battery Data Format goes
before those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.readers.accumulators import by_rule, marks, name_by_scope
from mossy.readers.charge_names import COUNTERS
from mossy.readers.cycler_table import Table

if TYPE_CHECKING:
    import polars as pl

_FLOWS = 1e-3
"""A current below this share of the largest gives a counter no direction: offsets of an instrument at rest."""
_ENOUGH = 10
"""So many intervals in which a current flows and a counter stands still show that it counts something else."""
_KINDS = {"capacity": "capacity_ah", "energy": "energy_wh"}


def counted_columns(
    columns: Mapping[str, pl.Series], places: Sequence[int]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """(columns with counters by their scope, {name of a counter left out: why, or nothing}, warnings)."""
    found = [name for name in columns if name in COUNTERS]
    if not found:
        return dict(columns), {}, []
    table = Table({name: values for name, values in columns.items() if name not in COUNTERS}, places)
    counters = Table({name: columns[name] for name in found}, places)
    _say_which_way(counters)
    paired: list[str] = []
    left_out: dict[str, str] = {}
    for kind, ending in _KINDS.items():
        scoped, unread = _of_one_kind(table, counters, kind, ending)
        paired += scoped
        left_out |= unread
    name_by_scope(table, paired)
    return table.columns, left_out, table.metadata.get("warnings", [])


def _say_which_way(counters: Table) -> None:
    """A column "Charge" counts either way, unless another one is "Discharge"."""
    if "__charge" in counters.columns:
        name = "__charging_capacity" if "__discharging_capacity" in counters.columns else "__capacity"
        counters.columns.setdefault(name, counters.columns.pop("__charge"))


def _of_one_kind(table: Table, counters: Table, kind: str, ending: str) -> tuple[list[str], dict[str, str]]:
    """Adds the counters of charge, or of energy: (those that count one way, {name of one left out: why})."""
    mine = [name for name in counters.columns if name.endswith(kind)]
    if any(name.endswith(ending) for name in table.columns):
        return [], dict.fromkeys(mine, "")
    flowing = _flowing(table)
    one_way, left_out = [], {}
    for name in (name for name in mine if name != f"__{kind}"):
        values = counters.numbers(name)
        if values is None or _stands_still(values, flowing):
            left_out[name] = _STILL
            continue
        turned = -1.0 if np.nanmax(values, initial=-np.inf) <= 0.0 else 1.0
        one_way.append(name.removeprefix("__").removesuffix(kind) + ending)
        table.columns[one_way[-1]] = counters.columns[name] * turned
    either = counters.numbers(f"__{kind}")
    if either is not None:
        why = "" if one_way else _either_way(table, either, flowing, ending)
        left_out |= {} if why is None else {f"__{kind}": why}
    return one_way, left_out


_STILL = "it stands still while a current flows"


def _either_way(table: Table, values: np.ndarray, flowing: np.ndarray | None, ending: str) -> str | None:
    """Adds what a counter of either direction counted each way; else why it cannot be told."""
    if flowing is None:
        return ""
    if _stands_still(values, flowing):
        return _STILL
    told = by_rule(values, flowing, *marks(table))
    if told is None:
        return "where it starts anew follows no rule that is known here"
    import polars as pl

    table.columns |= {f"{way}_{ending}": pl.Series(total) for way, total in told.items()}
    return None


def _flowing(table: Table) -> np.ndarray | None:
    """The direction of the current in each row, 0 where none flows; None where the table has no current."""
    current = table.numbers("current_ampere")
    if current is None:
        return None
    size = np.abs(np.nan_to_num(current, posinf=0.0, neginf=0.0))
    return np.where(size > _FLOWS * size.max(initial=0.0), np.sign(current), 0.0)


def _stands_still(values: np.ndarray, flowing: np.ndarray | None) -> bool:
    """Whether a column never changes from one row to the next while a current flows on in one direction."""
    if flowing is None or not np.isfinite(values).any():
        return not np.isfinite(values).any()
    going = (flowing[1:] != 0.0) & (flowing[1:] == flowing[:-1]) & np.isfinite(values[1:]) & np.isfinite(values[:-1])
    return bool(np.count_nonzero(going) >= _ENOUGH and not (np.diff(values)[going] != 0.0).any())
