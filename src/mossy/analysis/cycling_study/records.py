"""Which records of a cell are its cycling, joined where they are one test, and which are its spectra."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from mossy.records import Cycling, Impedance, Record


@dataclass(frozen=True, eq=False)
class Joined:
    """`main`: the trace with current; `others`: traces without, or of another clock; spectra; what to know of it."""

    main: Cycling | None
    others: tuple[Cycling, ...]
    spectra: tuple[Impedance, ...]
    notes: tuple[str, ...]


def joined(records: Sequence[Record]) -> Joined:
    """The records of a cell put together: parts of one test, on one clock and one after the other, become one trace."""
    traces = [each for each in records if isinstance(each, Cycling)]
    spectra = tuple(each for each in records if isinstance(each, Impedance))
    with_current = [each for each in traces if "current_ampere" in each.table.columns]
    without = tuple(each for each in traces if "current_ampere" not in each.table.columns)
    if not with_current:
        said = "no file holds a current: steps, charges and efficiencies cannot be told"
        return Joined(None, without, spectra, (said,) if traces else ())
    main = max(with_current, key=lambda each: each.table.height)
    rest = [each for each in with_current if each is not main]
    parts = sorted([main, *(each for each in rest if _same_clock(each, main))], key=_first)
    if len(parts) > 1 and all(_last(a) <= _first(b) for a, b in itertools.pairwise(parts)):
        rest = [each for each in rest if not _same_clock(each, main)]
        main = _concatenated(parts, main)
    notes = tuple(f"{_name(each)} is of another test of this cell and is left out of the charges" for each in rest)
    return Joined(main, (*without, *rest), spectra, notes)


def _same_clock(one: Cycling, other: Cycling) -> bool:
    start = one.metadata.get("start_time")
    return bool(start) and start == other.metadata.get("start_time")


def _first(record: Cycling) -> float:
    return float(record.table["test_time_second"][0])


def _last(record: Cycling) -> float:
    return float(record.table["test_time_second"][-1])


def _name(record: Cycling) -> str:
    metadata = record.metadata
    return str(metadata.get("source_path") or metadata.get("technique") or "a trace")


def _concatenated(parts: Sequence[Cycling], main: Cycling) -> Cycling:
    import polars as pl

    table = pl.concat([part.table for part in parts], how="diagonal_relaxed")
    files = [_name(part) for part in parts]
    return Cycling(table, main.metadata | {"parts": files})
