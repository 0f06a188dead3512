"""What a batch of cells left, as people ask for it: one row a lane, one row a cycle, voltages, spectra."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from mossy.backend import jax, jnp
from mossy.cells import Cell
from mossy.numerics.lanes import INDEX
from mossy.numerics.status import Status
from mossy.protocol import Point, Schedule
from mossy.simulate.drive import EVENTS
from mossy.simulate.lanes import LanesResult
from mossy.simulate.observe import SIDES, observables, spectrum_of

Array = jax.Array
MILLIAMPERE_HOUR = 36000.0
_TOGETHER, _SPECTRA_TOGETHER = 1024, 64
_FINAL = (
    ("film_thickness", "film_thickness_nm", 1e9),
    ("film_resistance", "film_resistance_ohm_cm2", 1e4),
    ("film_charge", "film_charge_mAh_per_cm2", 1.0 / MILLIAMPERE_HOUR),
    ("dead", "dead_mAh_per_cm2", 1.0 / MILLIAMPERE_HOUR),
    ("active", "active_mAh_per_cm2", 1.0 / MILLIAMPERE_HOUR),
)
BALANCES = ("charge", "salt", "metal")


@dataclasses.dataclass(frozen=True)
class Batch:
    """Many cells of one structure after one protocol (or one each): a status a lane; tables computed when asked for.

    Lanes are in the order of the values given. A lane whose values were refused has Status.REFUSED and was not run;
    one that failed has what it came to.
    """

    parameters: Mapping[str, np.ndarray]
    """Of each dotted path, the values in SI (or, of a protocol, as text): one a lane."""
    status: np.ndarray
    """`mossy.Status` codes (lanes,)"""
    refusals: Mapping[int, str]
    """Why a lane was not run"""
    cells: Cell
    schedules: Sequence[Schedule]
    points: Sequence[Point]
    places: Sequence[int | None]
    frequency: np.ndarray
    result: LanesResult

    @property
    def lanes(self) -> int:
        """How many there are."""
        return len(self.status)

    def schedule(self, lane: int) -> Schedule:
        """The protocol of a lane."""
        return self.schedules[0 if len(self.schedules) == 1 else lane]

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """How many steps of each lane were saved."""
        return np.array([len(rows) for rows in self.result.rows])

    def _saved(self, column: int) -> np.ndarray:
        table = np.full((self.lanes, self.lengths.max(initial=0)), np.nan)
        for lane, rows in enumerate(self.result.rows):
            table[lane, : len(rows)] = rows[:, column]
        return table

    @functools.cached_property
    def time(self) -> np.ndarray:
        """s at the end of each step taken, (lanes, steps); NaN beyond a lane's last."""
        origin, elapsed, length, theta = (self._saved(k) for k in range(1, 5))
        return np.asarray(origin + elapsed + length * theta)

    @functools.cached_property
    def voltage(self) -> np.ndarray:
        """V at `time`, with the instrument's sign."""
        return self._saved(INDEX)

    @functools.cached_property
    def plating_current_density(self) -> np.ndarray:
        """A/m2 at `time`, > 0 plates on the working electrode."""
        return self._saved(INDEX + 1)

    @functools.cached_property
    def final(self) -> dict[str, np.ndarray]:
        """Every observable of each lane where it ended, SI."""
        return _observed(self.cells, self.result.final)

    @functools.cached_property
    def _cycle_ends(self) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """(lane, cycle, observables) at the end of every cycle that a lane came to, its last one maybe unfinished."""
        cycles = max(schedule.cycles for schedule in self.schedules)
        kept = self.result.kept[:, :cycles].copy()
        started = np.array(
            [self.schedule(lane).segments[self.result.segment[lane]].cycle - 1 for lane in range(self.lanes)]
        )
        broken = np.isin(self.status, (int(Status.DONE), int(Status.REFUSED)), invert=True)
        kept[np.flatnonzero(broken), started[broken]] = self.result.final[broken]
        lane, cycle = np.nonzero(np.isfinite(kept).all(axis=2))
        states = kept[lane, cycle]
        cells = jax.tree.map(lambda leaf: leaf[lane], self.cells)
        return lane, cycle + 1, _observed(cells, states)

    @functools.cached_property
    def cycles(self) -> pl.DataFrame:
        """One row a cycle of a lane: plated, stripped, efficiency; film and dead metal of both electrodes so far."""
        lane, cycle, seen = self._cycle_ends
        first = np.diff(lane, prepend=-1) != 0
        plated, stripped = (
            np.where(first, seen[name], np.diff(seen[name], prepend=0.0)) / MILLIAMPERE_HOUR
            for name in ("plated", "stripped")
        )
        stripping = [self.schedule(k).stripping_cycles(self.result.segment[k]) for k in range(self.lanes)]
        strips = np.array([c in stripping[k] for k, c in zip(lane, cycle, strict=True)], dtype=bool)
        whole = (plated > 0.0) & ((stripped > 0.0) | strips)
        efficiency = np.where(whole, stripped / np.where(plated > 0.0, plated, 1.0), np.nan)
        return pl.DataFrame(
            {
                "lane": lane,
                "cycle": cycle,
                "plated_mAh_per_cm2": plated,
                "stripped_mAh_per_cm2": stripped,
                "coulombic_efficiency": pl.Series(efficiency).fill_nan(None),
                "film_mAh_per_cm2": sum(seen[f"{side}_film_charge"] for side in SIDES) / MILLIAMPERE_HOUR,
                "dead_mAh_per_cm2": sum(seen[f"{side}_dead"] for side in SIDES) / MILLIAMPERE_HOUR,
            }
        )

    @functools.cached_property
    def summary(self) -> pl.DataFrame:
        """One row a lane: its parameters, status, how it ended, efficiency, films, dead metal, balances."""
        final, cycles = self.final, self.cycles
        columns: dict[str, Any] = {"lane": np.arange(self.lanes)}
        columns |= {name: np.asarray(values) for name, values in self.parameters.items()}
        columns["status"] = [Status(int(code)).name.lower() for code in self.status]
        columns["message"] = [self.refusals.get(k, Status(int(code)).message) for k, code in enumerate(self.status)]
        columns["ended_by"] = [self._kind(int(code)) for code in self.result.ended]
        columns["duration_s"] = self.result.time
        for name, key in (("plated", "plated_mAh_per_cm2"), ("stripped", "stripped_mAh_per_cm2")):
            columns[key] = final[name] / MILLIAMPERE_HOUR
        for side in SIDES:
            columns |= {f"{side}_{key}": final[f"{side}_{name}"] * factor for name, key, factor in _FINAL}
        columns |= {f"{name}_balance": final["balances"][:, k] for k, name in enumerate(BALANCES)}
        frame = pl.DataFrame(columns)
        ran = pl.Series(self.status != int(Status.REFUSED))
        numbers = [name for name, kind in frame.schema.items() if kind.is_float() and name not in self.parameters]
        frame = frame.with_columns(pl.when(ran).then(pl.col(name)).otherwise(None).alias(name) for name in numbers)
        known = cycles.filter(pl.col("coulombic_efficiency").is_not_null())
        grouped = known.group_by("lane", maintain_order=True).agg(
            pl.len().cast(pl.Int64).alias("cycles_stripped"),
            pl.col("coulombic_efficiency").mean().alias("average_coulombic_efficiency"),
            pl.col("coulombic_efficiency").last().alias("last_coulombic_efficiency"),
        )
        return frame.join(grouped, on="lane", how="left", maintain_order="left")

    @staticmethod
    def _kind(ended: int) -> str | None:
        return EVENTS[ended - 1] if ended > 0 else "time" if ended == 0 else None

    @functools.cached_property
    def spectra(self) -> np.ndarray:
        """ohm m2, complex (lanes, points, frequencies) at the points of [impedance]; NaN where a lane never came."""
        table = np.full((self.lanes, len(self.points), len(self.frequency)), np.nan + 0j)
        start = None
        for column, (point, place) in enumerate(zip(self.points, self.places, strict=True)):
            if place is None and start is None:
                start = np.asarray(jax.jit(jax.vmap(lambda cell: cell.initial()))(self.cells))
            states = start if place is None else self.result.kept[:, place]
            assert states is not None
            there = np.flatnonzero(np.isfinite(states).all(axis=1) & (self.status != int(Status.REFUSED)))
            cells = jax.tree.map(lambda leaf, at=there: leaf[at], self.cells)
            table[there, column] = spectra_of(cells, states[there], self.frequency, point.during)
        return table

    @functools.cached_property
    def impedance(self) -> pl.DataFrame:
        """The spectra as one table: lane, label, frequency, real and imaginary part in ohm cm2."""
        lanes, points, count = self.spectra.shape
        frame = pl.DataFrame(
            {
                "lane": np.repeat(np.arange(lanes), points * count),
                "label": np.tile(np.repeat([point.label for point in self.points], count), lanes),
                "frequency_hertz": np.tile(self.frequency, lanes * points),
                "real_impedance_ohm_cm2": self.spectra.real.ravel() * 1e4,
                "imaginary_impedance_ohm_cm2": self.spectra.imag.ravel() * 1e4,
            }
        )
        return frame.filter(pl.col("real_impedance_ohm_cm2").is_not_nan())


@jax.jit
def _observables(cells: Cell, states: Array) -> dict[str, Array]:
    return jax.vmap(observables)(cells, states)


def spectra_of(cells: Cell, states: np.ndarray, frequency: np.ndarray, during: bool) -> np.ndarray:
    """The impedance, ohm m2 (lanes, frequencies), of each state of its own cell, at rest or under its current."""
    found = np.zeros((len(states), len(frequency)), dtype=complex)
    for first in range(0, len(states), _SPECTRA_TOGETHER):
        piece = np.arange(first, min(first + _SPECTRA_TOGETHER, len(states)))
        padded = np.pad(piece, (0, _SPECTRA_TOGETHER - len(piece)), mode="edge")
        some = jax.tree.map(lambda leaf, at=padded: leaf[at], cells)
        z = _spectra_of(some, states[padded], jnp.asarray(frequency), jnp.asarray(during))
        found[piece] = np.asarray(z)[: len(piece)]
    return found


@jax.jit
def _spectra_of(cells: Cell, states: Array, frequency: Array, during: Array) -> Array:
    return jax.vmap(spectrum_of, (0, 0, None, None))(cells, states, frequency, during)


def _observed(cells: Cell, states: np.ndarray) -> dict[str, np.ndarray]:
    """Every observable of each state of its own cell; pieces of one size, so that one compilation serves them all."""
    parts = []
    for first in range(0, len(states), _TOGETHER):
        piece = np.arange(first, min(first + _TOGETHER, len(states)))
        size = _TOGETHER if len(states) > _TOGETHER else 1 << (len(states) - 1).bit_length()
        padded = np.pad(piece, (0, size - len(piece)), mode="edge")
        seen = _observables(jax.tree.map(lambda leaf, at=padded: leaf[at], cells), states[padded])
        parts.append({name: np.asarray(values)[: len(piece)] for name, values in seen.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


__all__ = ["Batch", "spectra_of"]
