"""A cell through a protocol: the integration, streamed step by step, and all that was seen on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.cells import Cell
from mossy.numerics.bordered import default_elimination
from mossy.numerics.implicit import Carry, Rows, Tolerance, advance, begin
from mossy.numerics.status import Status
from mossy.protocol import Point, Schedule, locate
from mossy.simulate.drive import DEPLETED, EVENTS, Driven, plan_of
from mossy.simulate.observe import impedance

_BUFFER = 512
Progress = Callable[[float, int, int], None]


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """An impedance somewhere in a protocol: `impedance` in ohm m2 of one area."""

    label: str
    time: float
    cycle: int
    step_count: int
    frequency: np.ndarray
    impedance: np.ndarray


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """What the integration left: accepted steps, how it ended, and the states worth keeping."""

    cell: Cell
    schedule: Schedule
    rows: Rows
    status: Status
    final: np.ndarray
    attempts: int

    @property
    def time(self) -> float:
        """How far it came, s."""
        if not len(self.rows.segment):
            return 0.0
        last = -1
        reached = self.rows.elapsed[last] + self.rows.length[last] * self.rows.theta[last]
        return float(self.rows.origin[last] + reached)

    def row_ends(self) -> np.ndarray:
        """The state at the end of every row."""
        theta = self.rows.theta[:, None]
        bend = self.rows.dense[:, 0] + theta * (self.rows.dense[:, 1] + theta * self.rows.dense[:, 2])
        return np.asarray(self.rows.start * (1.0 - theta) + theta * (self.rows.end + (1.0 - theta) * bend))

    def last_row(self, segment: int) -> int | None:
        """The last row of a segment; None where the run never came to it."""
        found = np.flatnonzero(self.rows.segment == segment)
        return int(found[-1]) if len(found) else None


def driven(cell: Cell, schedule: Schedule) -> Driven:
    """The cell with the tables of current its protocol follows, padded so that files of similar length compile once."""
    columns = schedule.arrays()
    points = columns["table_time"].shape[1]
    length = 1 << max(points - 1, 1).bit_length() if schedule.tables else points
    tables = (
        np.pad(columns[name], ((0, 0), (0, length - points)), mode="edge") for name in ("table_time", "table_current")
    )
    return Driven(cell, *(jnp.asarray(table) for table in tables))


def integrate(
    cell: Cell,
    schedule: Schedule,
    *,
    relative_tolerance: float = 1e-6,
    maximum_steps: int = 1_000_000,
    progress: Progress | None = None,
) -> Trajectory:
    """Runs a cell through a schedule. Never raises for physics or numerics: the status says how it ended.

    `progress(time, segment, segments)` is called now and then; an interrupt from the keyboard ends the run and keeps
    what it has.
    """
    system, plan = driven(cell, schedule), plan_of(schedule)
    tolerance = Tolerance(jnp.asarray(relative_tolerance), jnp.asarray(maximum_steps))
    elimination = default_elimination(cell.shape)
    carry, chunks, interrupted = begin(cell.initial()), [], False
    try:
        while int(carry.status) == Status.RUNNING:
            carry, rows, used = advance(system, plan, carry, tolerance, capacity=_BUFFER, elimination=elimination)
            count = int(used)
            chunks.append(jax.tree.map(lambda leaf, n=count: np.asarray(leaf)[:n], rows))
            if progress is not None:
                progress(float(carry.origin + carry.elapsed), int(carry.segment), len(schedule.segments))
    except KeyboardInterrupt:
        interrupted = True
    rows = jax.tree.map(lambda *parts: np.concatenate(parts), *chunks) if chunks else _no_rows(cell)
    status = Status.INTERRUPTED if interrupted else Status(int(carry.status))
    rows, status = _physical_end(cell, schedule, rows, carry, status)
    return Trajectory(cell, schedule, rows, status, np.asarray(carry.state), int(carry.attempts))


def _no_rows(cell: Cell) -> Rows:
    size = cell.shape.size
    number, index, states = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, size))
    return Rows(index, number, number, number, number, index, states, states, np.zeros((0, 3, size)))


def _physical_end(cell: Cell, schedule: Schedule, rows: Rows, carry: Carry, status: Status) -> tuple[Rows, Status]:
    """A step size that collapses on an empty electrode or an empty electrolyte is that event, not a failure."""
    if status != Status.STEP_TOO_SMALL or not len(rows.segment):
        return rows, status
    kind = ended_physically(cell, carry.state)
    if kind is None or int(rows.segment[-1]) != len(schedule.segments) - 1:
        return rows, status
    rows.ended[-1] = 1 + EVENTS.index(kind)
    return rows, Status.DONE


def ended_physically(cell: Cell, state: Any) -> str | None:
    """What is empty in a state, the event that this is; None where nothing is."""
    border, surfaces = cell.border(state), cell.surfaces(state)
    gone = [
        bool(sign * border.current < 0.0) and float(side.active(values)) < 1e-3 * float(side.vanishing_charge)
        for sign, side, values in ((1.0, cell.working, border.working), (-1.0, cell.counter, border.counter))
    ]
    if any(gone):
        return "exhausted"
    return "depletion" if float(min(surfaces.working, surfaces.counter)) < 10.0 * DEPLETED else None


def spectra(
    trajectory: Trajectory, points: Sequence[Point], frequency: np.ndarray, *, in_protocol: bool = True
) -> list[Spectrum]:
    """The impedance at each point asked for, and at every "impedance" step of the protocol, in the order of time.

    After a step the current is off; "during" it is the step's own. Points the run never came to are left out.
    """
    schedule = trajectory.schedule
    found: list[tuple[str, float, int | None, Any, bool]] = []
    for point in points:
        if point.kind == "start":
            found.append((point.label, 0.0, None, trajectory.cell.initial(), False))
            continue
        row = last_row_of_step(trajectory, locate(point, schedule), point.during)
        if row is not None:
            found.append((point.label, *_moment(trajectory, row), point.during))
    for index, segment in enumerate(schedule.segments if in_protocol else ()):
        row = trajectory.last_row(index) if segment.mode == "impedance" else None
        if row is not None:
            label = f"cycle {segment.cycle} step {segment.step}"
            found.append((label, *_moment(trajectory, row), False))
    found.sort(key=lambda entry: entry[1])
    return [_spectrum(trajectory, *entry, frequency) for entry in found]


def last_row_of_step(trajectory: Trajectory, segment: int, under_current: bool) -> int | None:
    """The row at which a segment's step was over: an event may end a pulse before its last segment. None: it never was.

    Under current it is the last row of the step's segments that carry any.
    """
    rows, step = trajectory.rows, step_segments(trajectory.schedule, segment, False)
    last = np.flatnonzero(np.isin(rows.segment, step) & (rows.ended >= 0))
    if not len(last) or (rows.ended[last[-1]] == 0 and rows.segment[last[-1]] != step[-1]):
        return None
    if under_current:
        last = last[np.isin(rows.segment[last], step_segments(trajectory.schedule, segment, True))]
    return int(last[-1]) if len(last) else None


def step_segments(schedule: Schedule, segment: int, under_current: bool) -> tuple[int, ...]:
    """The segments of the step that a segment belongs to; under current those that carry any, if some do."""
    segments = schedule.segments
    step = tuple(i for i, each in enumerate(segments) if each.step_count == segments[segment].step_count)
    carrying = tuple(i for i in step if segments[i].mode != "current" or segments[i].value != 0.0)
    return carrying if under_current and carrying else step


def _moment(trajectory: Trajectory, row: int) -> tuple[float, int, np.ndarray]:
    rows = trajectory.rows
    time = float(rows.origin[row] + rows.elapsed[row] + rows.theta[row] * rows.length[row])
    return time, int(rows.segment[row]), trajectory.row_ends()[row]


def _spectrum(
    trajectory: Trajectory,
    label: str,
    time: float,
    segment: int | None,
    state: Any,
    during: bool,
    frequency: np.ndarray,
) -> Spectrum:
    cell = trajectory.cell
    place = trajectory.schedule.segments[segment] if segment is not None else None
    cycle, step_count = (place.cycle, place.step_count) if place else (0, 0)
    return Spectrum(label, time, cycle, step_count, frequency, impedance(cell, state, frequency, during))
