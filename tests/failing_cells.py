"""Synthetic cells for the tests of failures: sound ones of many families drawn from a seed, and faults to put in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from mossy.records import Cycling

ROLES = {"electrode_under_study": "working", "plating_current_sign": -1}


@dataclass
class Cell:
    """A synthetic test, drawn from a seed: each half-cycle is a plateau with a nucleation peak, a slow rise and an end.

    `resistance(n)` (ohm) of half-cycle n; `fault(record arrays of half-cycle n)` may change its voltage.
    """

    seed: int
    kind: str = "symmetric"
    cycles: int = 20
    interval: float = 30.0
    rest: float = 300.0
    current: float = 1e-3
    duration: float = 3600.0
    noise: float = 2e-4
    peak: float = 1.0
    nucleation: float = 40.0
    arcing: float = 0.3
    rise: float = 0.2
    drift: float = 0.05
    efficiency: float = 0.97
    resolution: float = 1e-4
    rates: tuple[float, ...] = (1.0,)
    resistance: Any = None
    faults: dict[int, Any] = field(default_factory=dict)
    roles: bool = True
    shorted_from: int = 10**6  # half-cycles from which on nothing is left to relax at rest
    lengths: dict[int, float] = field(default_factory=dict)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def record(self) -> Cycling:
        """The record of all half-cycles with rests between."""
        self.random = np.random.default_rng(self.seed)
        self.clock, self.parts = 0.0, []
        for n in range(2 * self.cycles):
            self.half_cycle = n
            self._half_cycle(n)
            if self.rest:
                self._rest()
        time, current, volt = (np.concatenate(each) for each in zip(*self.parts, strict=True))
        volt = volt + self.noise * self.random.standard_normal(len(volt))
        volt = np.round(volt / self.resolution) * self.resolution
        table = pl.DataFrame({"test_time_second": time, "current_ampere": current, "voltage_volt": volt})
        return Cycling(table, {"cell_kind": self.kind} | ({"roles": ROLES} if self.roles else {}))

    def _half_cycle(self, n: int) -> None:
        sign = -1 if n % 2 == 0 else 1
        rate = self.rates[(n // 2) % len(self.rates)]
        bare = self.kind == "substrate" and sign > 0
        length = self.lengths.get(n, self.duration * (self.efficiency * self._scattered(2e-3) if bare else 1.0) / rate)
        local = np.linspace(0.0, length, int(length / self.interval) + 1)
        ohm = (self.resistance(n) if self.resistance else 60.0) * self._scattered(0.02)
        shape = 1.0 + self.peak * np.exp(-local / self.nucleation) + self.rise * (1.0 - np.exp(-local / 600.0))
        shape += self.arcing * np.exp((local - length) / 300.0)
        size = self.current * rate * ohm * shape * (1.0 + self.drift * np.sin(2e-5 * (self.clock + local) * np.pi))
        if bare:
            size = size + 0.95 * np.exp((local - length) / 15.0)
        size = self.faults[n](local, size) if n in self.faults else size
        self._append(local, np.full(len(local), sign * self.current * rate), sign * size)

    def _rest(self) -> None:
        local = np.linspace(self.interval / 3.0, self.rest, max(int(self.rest / self.interval), 2))
        last, current = self.parts[-1][2][-1], self.parts[-1][1][-1]
        left = 0.2 if self.half_cycle < self.shorted_from else 0.0
        slow = left * min(abs(last), 60.0 * abs(current)) * np.sign(last)
        self._append(local, np.zeros(len(local)), slow * np.exp(-local / 100.0))

    def _append(self, local: np.ndarray, current: np.ndarray, volt: np.ndarray) -> None:
        self.parts.append((self.clock + local, current, volt))
        self.clock += float(local[-1])

    def _scattered(self, relative: float) -> float:
        return float(1.0 + relative * self.random.standard_normal())


def break_in(n: int) -> float:
    """A native film that breaks in the first cycles, then one that grows: 110 to 55, then to 80 ohm."""
    return 55.0 * (1.0 + np.exp(-n / 4.0)) * (1.0 + 0.01 * n)


def sound(kind: str, seed: int) -> Cycling:
    """A sound cell of a family, its numbers drawn from the seed."""
    random = np.random.default_rng(1000 + seed)
    drawn: dict[str, Any] = {
        "seed": seed,
        "interval": float(random.choice([5.0, 10.0, 30.0, 60.0])),
        "noise": float(random.choice([5e-5, 3e-4, 1e-3])),
        "resolution": float(random.choice([1e-5, 1e-4, 1e-3])),
        "cycles": int(random.integers(3, 20)),
        "peak": float(random.uniform(0.0, 4.0)),
        "nucleation": float(random.uniform(5.0, 200.0)),
        "arcing": float(random.uniform(0.0, 0.8)),
        "rest": float(random.choice([0.0, 300.0, 600.0])),
    }
    families: dict[str, dict[str, Any]] = {
        "symmetric": {},
        "break-in": {"resistance": break_in},
        "warm and cold": {"drift": 0.15},
        "rates": {"rates": (0.5, 1.0, 2.0, 4.0, 1.0)},
        "substrate": {"kind": "substrate", "efficiency": float(random.uniform(0.85, 0.995))},
        "substrate rates": {"kind": "substrate", "rates": (1.0, 1.0, 2.0)},
        "unknown": {"roles": False, "kind": None},
        "slow": {"duration": 36000.0, "interval": 300.0, "peak": 0.3},
        "fast": {"duration": 900.0, "interval": 0.5, "cycles": 3, "nucleation": 4.0},
    }
    return Cell(**(drawn | families[kind])).record()


FAMILIES = (
    "symmetric",
    "break-in",
    "warm and cold",
    "rates",
    "substrate",
    "substrate rates",
    "unknown",
    "slow",
    "fast",
)


def full_cell(seed: int, fault: Any = None, kind: str = "full") -> Cycling:
    """A full cell between 3.0 and 4.2 V at constant current, charged then discharged, its capacity fading."""
    random = np.random.default_rng(seed)
    parts, clock = [], 0.0
    for n in range(20):
        charges = n % 2 == 0
        length = 3600.0 * 0.99**n
        local = np.arange(0.0, length, 20.0)
        share = local / length
        volt = 3.6 + 0.6 * share**3 + 0.1 * np.exp(-local / 60.0) * (n == 0) if charges else 4.1 - 1.1 * share**4
        current = np.full(len(local), 1e-3 if charges else -1e-3)
        if fault is not None:
            local, current, volt = fault(n, local, current, volt)
        parts.append((clock + local, current, volt + 5e-4 * random.standard_normal(len(local))))
        clock += float(local[-1]) + 20.0
    time, current, volt = (np.concatenate(each) for each in zip(*parts, strict=True))
    table = pl.DataFrame({"test_time_second": time, "current_ampere": current, "voltage_volt": volt})
    roles = {"electrode_under_study": "counter", "plating_current_sign": 1}
    return Cycling(table, {"cell_kind": kind, "roles": roles})


def spike(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The voltage rises to six times itself over a minute and collapses from one row to the next, at half time."""
    middle = 0.5 * local[-1]
    return size * (1.0 + 5.0 * np.exp((local - middle) / 30.0) * (local < middle))


def micro_shorts(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A third of the rows, at random, lose 15 % of the voltage."""
    random = np.random.default_rng(len(local))
    return size * (1.0 - 0.15 * (random.random(len(local)) < 0.33))


def fallen(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Two thirds of the voltage are gone from 60 % of the time on."""
    return np.where(local > 0.6 * local[-1], size / 3.0, size)


def flat(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A filament of 5 ohm carries the current of 1 mA."""
    return np.full(len(local), 5e-3)


def unstripped(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The strip goes on and the voltage stays where it is."""
    return np.full(len(local), 0.065)


def runs_away(local: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The salt is used up in the last minutes."""
    return size * (1.0 + 15.0 * np.exp((local - local[-1]) / 90.0))
