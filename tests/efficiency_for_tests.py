"""Traces whose every charge a test knows: constant currents, rests, and a voltage that runs away when metal is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mossy.records import Cycling

CURRENT = 1e-3
"""A"""


def trace(
    halves: Sequence[tuple[int, float, bool]],
    *,
    every: float = 60.0,
    rest: float = 300.0,
    noise: float = 0.0,
    offset: float = 0.0,
    gain: float = 0.0,
    seed: int | np.random.Generator = 0,
    fixed_clock: bool = False,
    currents: Sequence[float] | None = None,
    plating_sign: int = -1,
    kind: str | None = "substrate",
    **metadata: Any,
) -> Cycling:
    """A record of half-cycles (direction, mAh, whether its voltage runs away at the end), each followed by a rest.

    A row is written every `every` s and when a step ends, or on a fixed clock alone. The current read is that which
    flowed, times 1 + `gain`, plus `offset` (A) and white `noise` (A) while it flows.
    """
    rng = np.random.default_rng(seed) if isinstance(seed, int) else seed
    time, current, voltage, now = [np.zeros(1)], [np.zeros(1)], [np.zeros(1)], 0.0
    for k, (direction, charge, ran) in enumerate(halves):
        size = CURRENT if currents is None else currents[k]
        length = charge * 3.6 / size
        at = np.arange(every, length - 1e-6, every)
        at = np.append(at, length)
        sign = direction * plating_sign
        time.append(now + at)
        current.append(np.full(len(at), sign * size))
        voltage.append(sign * (0.03 + np.where(ran, np.maximum(at / length - 0.98, 0.0) * 48.5, 0.0)))
        now += length
        if rest:
            pause = np.append(np.arange(every, rest - 1e-6, every), rest)
            time.append(now + pause)
            current.append(np.zeros(len(pause)))
            voltage.append(np.zeros(len(pause)))
            now += rest
    t, i, v = (np.concatenate(each) for each in (time, current, voltage))
    i = np.where(i != 0.0, i * (1.0 + gain) + offset + rng.normal(0.0, noise, len(i)), 0.0)
    if fixed_clock:
        clock = np.arange(0.0, t[-1], every)
        row = np.searchsorted(t, clock)
        t, i, v = clock, i[row], v[row]
    table = pl.DataFrame({"test_time_second": t, "voltage_volt": v, "current_ampere": i})
    roles = {"electrode_under_study": "working", "plating_current_sign": plating_sign}
    known = {} if kind is None else {"cell_kind": kind}
    return Cycling(table, {"roles": roles, **known, **metadata})


def cycles(efficiencies: Sequence[float], plated: float = 1.0) -> list[tuple[int, float, bool]]:
    """Platings of one charge, each stripped whole."""
    return [half for value in efficiencies for half in ((1, plated, False), (-1, plated * float(value), True))]


def reservoir_test(
    short: int = 10, efficiency: float = 0.98, reservoir: float = 5.0, cycled: float = 1.0, conditioned: bool = True
) -> list[tuple[int, float, bool]]:
    """Adams' protocol with 1 - CE of each plated charge lost: what is left comes in the final strip."""
    halves = [(1, reservoir, False), (-1, 0.9513 * reservoir, True)] if conditioned else []
    halves.append((1, reservoir, False))
    halves += [(-1, cycled, False), (1, cycled, False)] * short
    plated = reservoir + short * cycled
    return [*halves, (-1, efficiency * plated - short * cycled, True)]
