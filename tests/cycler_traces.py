"""Cycler records of known content for tests: constant currents, rests and held voltages, sampled as instruments do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mossy.records import Cycling

PLATING = {"electrode_under_study": "working", "plating_current_sign": -1}


@dataclass(frozen=True)
class Part:
    """A step of a synthetic test: A (positive oxidises the working electrode), s, and the voltage along it (V)."""

    current: float
    duration: float
    voltage: tuple[float, float] = (0.0, 0.0)
    decay: float = 0.0  # s: the current decays with this time constant (a held voltage)


def trace(
    parts: Sequence[Part],
    *,
    interval: float = 60.0,
    noise: float = 0.0,
    voltage_noise: float = 0.0,
    seed: int = 0,
    **metadata: Any,
) -> Cycling:
    """The record of parts one after the other; each begins with a row at its own first moment.

    `noise` (A) goes on every current, those of rests among them, `voltage_noise` (V) on every voltage.
    """
    time, current, voltage, start = [], [], [], 0.0
    for part in parts:
        count = max(int(np.ceil(part.duration / interval)), 1)
        local = np.linspace(0.0, part.duration, count + 1)
        time.append(start + local)
        shape = np.exp(-local / part.decay) if part.decay else np.ones(len(local))
        current.append(part.current * shape)
        voltage.append(np.linspace(*part.voltage, len(local)))
        start += part.duration
    t, i, v = (np.concatenate(each) for each in (time, current, voltage))
    random = np.random.default_rng(seed)
    i = i + noise * random.standard_normal(len(i))
    v = v + voltage_noise * random.standard_normal(len(v))
    table = pl.DataFrame({"test_time_second": t, "voltage_volt": v, "current_ampere": i})
    return Cycling(table, metadata)


def plate_and_strip(
    cycles: int, *, efficiency: float = 0.98, current: float = 1e-3, hours: float = 1.0, rest: float = 300.0
) -> list[Part]:
    """Plating `hours` at `current` and stripping what the efficiency leaves, up to 1 V, with rests between."""
    length = 3600.0 * hours
    parts = []
    for _ in range(cycles):
        parts += [Part(-current, length, (-0.05, -0.05)), Part(0.0, rest, (0.0, 0.0))]
        parts += [Part(current, 0.99 * efficiency * length, (0.04, 0.05))]
        parts += [Part(current, 0.01 * efficiency * length, (0.05, 1.0)), Part(0.0, rest, (0.5, 0.2))]
    return parts
