"""One row a step, with what it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mossy.analysis.cycler_steps.segments import Segments

if TYPE_CHECKING:
    import polars as pl

PULSE, SHARE = 60.0, 0.02
"""A pulse lasts at most this long (s), and at most this share of what steps with current usually last."""
_WORDS = {1: "plate", -1: "strip"}


class Rows(Protocol):
    """The arrays a step table is made of."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def voltage(self) -> np.ndarray: ...
    @property
    def current(self) -> np.ndarray: ...
    @property
    def charge(self) -> np.ndarray: ...


def step_table(
    trace: Rows, found: Segments, plating_sign: int | None, spectra: Sequence[tuple[float, float]] = ()
) -> pl.DataFrame:
    """The steps between the cuts; a rest during which a spectrum was measured is of kind "impedance"."""
    import polars as pl

    first = found.starts
    last = np.append(first[1:], len(trace.time)) - 1
    # a step begins where the one before it ended: the interval before its first row is its own
    start = np.where(first > 0, trace.time[np.maximum(first - 1, 0)], trace.time[first])
    end = trace.time[last]
    charge = np.add.reduceat(trace.charge, first)
    pulses = _pulses(found.sign, end - start)
    direction = found.sign * plating_sign if plating_sign is not None else None
    kinds = []
    for k, (sign, held) in enumerate(zip(found.sign, found.held, strict=True)):
        if sign == 0:
            kinds.append("impedance" if _measured(start[k], end[k], spectra) else "rest")
        elif pulses[k]:
            kinds.append("pulse")
        elif held:
            kinds.append("hold")
        else:
            kinds.append(_WORDS[int(direction[k])] if direction is not None else ("negative", "", "positive")[sign + 1])
    columns: dict[str, Any] = {
        "step": np.arange(len(first)),
        "kind": kinds,
        "current_sign": found.sign,
        "direction": direction if direction is not None else [None] * len(first),
        "first_row": first,
        "last_row": last,
        "start_second": start,
        "end_second": end,
        "charge_coulomb": charge,
        "current_ampere": [_median(trace.current[a : b + 1]) for a, b in zip(first, last, strict=True)],
        "voltage_start_volt": trace.voltage[first],
        "voltage_end_volt": trace.voltage[last],
        "voltage_median_volt": [_median(trace.voltage[a : b + 1]) for a, b in zip(first, last, strict=True)],
    }
    return pl.DataFrame(columns, schema_overrides={"direction": pl.Int64})


def _median(values: np.ndarray) -> float:
    """The middle value, of the even counts the lower of the two: fast on thousands of short pieces."""
    return float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2])


def _pulses(sign: np.ndarray, duration: np.ndarray) -> np.ndarray:
    flowing = sign != 0
    if not flowing.any():
        return flowing
    spent = np.sort(duration[flowing])
    # the length of the step in which half of all time under current has passed
    usual = float(spent[np.searchsorted(np.cumsum(spent), 0.5 * spent.sum())])
    return flowing & (duration <= PULSE) & (duration <= SHARE * usual)


def _measured(start: float, end: float, spectra: Sequence[tuple[float, float]]) -> bool:
    return any(first >= start - 1.0 and last <= end + 1.0 for first, last in spectra)
