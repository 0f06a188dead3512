"""A cell and a protocol make a run; a run makes every observable."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mossy.backend import make_room
from mossy.cells import Cell
from mossy.numerics.status import Status
from mossy.protocol import Point, Schedule
from mossy.simulate import films, frames
from mossy.simulate.observe import impedance
from mossy.simulate.run import Progress, Spectrum, Trajectory, integrate, spectra
from mossy.simulate.tables import ImpedanceTable, NumericsTable


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of a simulation: tables computed when first asked for. It never raises for physics; see `status`."""

    trajectory: Trajectory
    area: float
    points: Sequence[Point] = ()
    frequency: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def status(self) -> Status:
        """How the integration ended; a physical event is Status.DONE."""
        return self.trajectory.status

    @functools.cached_property
    def cycling(self) -> pl.DataFrame:
        """Voltage, its parts, current and inventories against time, in Battery Data Format names."""
        return frames.cycling_table(self.trajectory, self.area)

    @functools.cached_property
    def interphase(self) -> pl.DataFrame:
        """The films' history: thickness, phases, what dissolved, cracks, charge of each law, depth; additives left."""
        return films.interphase_table(self.trajectory)

    @functools.cached_property
    def profiles(self) -> pl.DataFrame:
        """Salt concentration across the separator at moments of the run."""
        return frames.profiles_table(self.trajectory)

    def profiles_at(self, times: Any) -> pl.DataFrame:
        """Salt concentration across the separator at times in s."""
        return frames.profiles_at(self.trajectory, np.asarray(times, dtype=float))

    @functools.cached_property
    def spectra(self) -> list[Spectrum]:
        """The impedance at each point asked for."""
        return spectra(self.trajectory, self.points, self.frequency)

    @functools.cached_property
    def impedance(self) -> pl.DataFrame:
        """The impedance at each point asked for, as one table."""
        return frames.impedance_table(self.spectra, self.area)

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds."""
        return frames.summary_of(self.trajectory, self.area) | self.facts


def run(
    cell: Cell,
    schedule: Schedule,
    *,
    area: float = 1e-4,
    points: Sequence[Point] = (),
    frequency: np.ndarray | None = None,
    numerics: NumericsTable | None = None,
    progress: Progress | None = None,
    facts: dict[str, Any] | None = None,
) -> Run:
    """Integrates a cell through a schedule; `area` in m2 turns densities into what an instrument reads."""
    make_room()
    settings = numerics or NumericsTable()
    trajectory = integrate(
        cell,
        schedule,
        relative_tolerance=settings.relative_tolerance,
        maximum_steps=settings.maximum_steps,
        progress=progress,
    )
    return Run(trajectory, area, points, np.zeros(0) if frequency is None else frequency, facts or {})


__all__ = ["ImpedanceTable", "NumericsTable", "Run", "Spectrum", "Trajectory", "impedance", "integrate", "run"]
