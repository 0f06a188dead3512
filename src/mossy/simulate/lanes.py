"""Many cells of one structure through their protocols at once: a queue that streams through a few compiled lanes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp, platform
from mossy.cells import Cell
from mossy.numerics.implicit import Plan, Tolerance
from mossy.numerics.lanes import INDEX, Lanes, advance_lanes, begin_lanes, chosen
from mossy.numerics.status import Status
from mossy.protocol import Point, Schedule, locate
from mossy.simulate.drive import EVENTS, Driven, plan_of
from mossy.simulate.run import driven, ended_physically, step_segments
from mossy.simulate.workers import WorkerLost, cores, spread

Array = jax.Array
Say = Callable[[int, int], None]
_CAPACITY = 128
_REPAYS = 256
"""Lanes a worker process must have to be worth its start"""
_WIDEST = {"cpu": 128}
_WIDEST_ELSEWHERE = 16384
WATCHED = ("voltage", "current")


class _Settings(NamedTuple):
    """What holds for all lanes; see `integrate_lanes`."""

    slots: np.ndarray
    kept: int
    relative_tolerance: float
    maximum_steps: int
    saves: bool


@dataclasses.dataclass(frozen=True)
class LanesResult:
    """What each lane left; SI. `rows[lane]` (rows, INDEX + WATCHED) is empty where nothing was to be saved."""

    status: np.ndarray
    final: np.ndarray
    kept: np.ndarray
    ended: np.ndarray
    segment: np.ndarray
    time: np.ndarray
    rows: list[np.ndarray]

    @property
    def nbytes(self) -> int:
        """Bytes it all takes."""
        arrays = (getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "rows")
        return sum(array.nbytes for array in arrays) + sum(rows.nbytes for rows in self.rows)


def watch(system: Driven, state: Array) -> Array:
    """Voltage, V, and plating current density, A/m2."""
    return jnp.stack([system.cell.voltage(state), system.cell.border(state).current])


def slots_of(schedule: Schedule, points: Sequence[Point]) -> tuple[np.ndarray, list[int | None], int]:
    """(maps of segments to slots, the slot of each point or None for the start, how many slots there are).

    The first map keeps the state at the end of every cycle; the others those of the points of the protocol.
    """
    count, total = len(schedule.segments), schedule.cycles
    maps = [np.array([segment.cycle - 1 for segment in schedule.segments])]
    places: list[int | None] = []
    known: dict[tuple[int, ...], int] = {}
    for point in points:
        if point.kind == "start":
            places.append(None)
            continue
        segments = step_segments(schedule, locate(point, schedule), point.during)
        if segments not in known:
            known[segments], total = total, total + 1
            maps.append(np.full(count, -1))
            maps[-1][list(segments)] = known[segments]
        places.append(known[segments])
    table = np.array(maps)
    return np.where(table < 0, total, table), places, total


def integrate_lanes(
    cells: Cell,
    schedules: Sequence[Schedule],
    *,
    slots: np.ndarray,
    kept: int,
    relative_tolerance: float,
    maximum_steps: int,
    saves: bool = True,
    workers: int | None = None,
    say: Say | None = None,
) -> LanesResult:
    """Runs cells (lanes first on every leaf) through one schedule or one each. Never raises for physics or numerics.

    `workers`: processes to spread them over; by default one a core where there are enough lanes for that to pay.
    """
    count = len(jax.tree.leaves(cells)[0])
    settings = _Settings(slots, kept, relative_tolerance, maximum_steps, saves)
    workers = min(_workers(count) if workers is None else workers, count)
    if workers <= 1:
        return _integrate(cells, schedules, settings, say)
    done = [0] * workers
    cells = jax.tree.map(np.asarray, cells)
    shares = [np.arange(k, count, workers) for k in range(workers)]

    def task(k: int) -> tuple[Cell, Sequence[Schedule], _Settings]:
        mine = schedules if len(schedules) == 1 else [schedules[int(lane)] for lane in shares[k]]
        return jax.tree.map(lambda leaf: leaf[shares[k]], cells), mine, settings

    def hear(news: tuple[int, int]) -> None:
        done[news[0]] = news[1]
        if say is not None:
            say(sum(done), count)

    tasks = [task(k) for k in range(workers)]
    answers = spread(f"{__name__}:work", [(k, *each) for k, each in enumerate(tasks)], hear)
    parts = [
        _integrate(*each, None) if isinstance(answer, WorkerLost) else answer
        for each, answer in zip(tasks, answers, strict=True)
    ]
    return _woven(parts, shares)


def _workers(count: int) -> int:
    """A process a core on a CPU, none for fewer lanes than repay its start."""
    return min(cores(), count // _REPAYS) if platform() == "cpu" else 1


def work(
    worker: int,
    cells: Cell,
    schedules: Sequence[Schedule],
    settings: _Settings,
    report: Callable[[tuple[int, int]], None],
) -> LanesResult:
    """`integrate_lanes` in a worker process, whose progress is told as (worker, lanes done)."""
    return _integrate(cells, schedules, settings, lambda done, _: report((worker, done)))


def _integrate(cells: Cell, schedules: Sequence[Schedule], settings: _Settings, say: Say | None) -> LanesResult:
    queue = _Queue(cells, schedules, settings)
    tolerance = Tolerance(jnp.asarray(settings.relative_tolerance), jnp.asarray(settings.maximum_steps))
    widest = _WIDEST.get(platform(), _WIDEST_ELSEWHERE)
    queue.work(min(widest, 1 << (queue.count - 1).bit_length()), tolerance, say)
    return queue.result(schedules)


def _woven(parts: Sequence[LanesResult], shares: Sequence[np.ndarray]) -> LanesResult:
    """The results of the workers in the order of the lanes."""
    order = np.argsort(np.concatenate(shares))

    def together(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        if name == "rows":
            flat = [rows for each in values for rows in each]
            return [flat[place] for place in order]
        return np.concatenate(values)[order]

    return LanesResult(**{field.name: together(field.name) for field in dataclasses.fields(LanesResult)})


def _stacked(cells: Cell, schedules: Sequence[Schedule]) -> tuple[Plan, tuple[Array, Array], np.ndarray]:
    """(the different plans one after the other, their tables of current, which of them each lane follows)."""
    different = {id(schedule): schedule for schedule in schedules}
    numbers = {key: number for number, key in enumerate(different)}
    count = jax.tree.leaves(cells)[0].shape[0]
    which = np.array([numbers[id(schedule)] for schedule in schedules])
    parts = [driven(cells, schedule) for schedule in different.values()]
    plans: Plan = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(plan_of(each) for each in different.values()))
    tables = (jnp.stack([part.table_time for part in parts]), jnp.stack([part.table_current for part in parts]))
    return plans, tables, np.broadcast_to(which, count)


class _Queue:
    """Cells waiting for a lane, and what those that are done have left."""

    def __init__(self, cells: Cell, schedules: Sequence[Schedule], settings: _Settings) -> None:
        self.cells = cells
        self.plans, self.tables, self.which = _stacked(cells, schedules)
        slots, kept = settings.slots, settings.kept
        self.shared, self.kept, self.count = len(self.plans.duration) == 1, kept, len(self.which)
        count, length = self.count, self.plans.duration.shape[-1]
        self.slots = jnp.asarray(np.pad(slots, ((0, 0), (0, length - slots.shape[1])), constant_values=kept))
        self.capacity = _CAPACITY if settings.saves else 0
        self.states = jax.jit(jax.vmap(lambda cell: cell.initial()))(self.cells)
        self.elimination = "sequential" if platform() == "cpu" else "cyclic_reduction"
        self.waiting, self.done, self.left = iter(range(count)), 0, count
        size = self.states.shape[1]
        self.status = np.full(count, int(Status.RUNNING))
        self.final, self.all_kept = np.asarray(self.states).copy(), np.full((count, kept, size), np.nan)
        self.ended, self.segment = np.full(count, -1), np.zeros(count, dtype=np.int64)
        self.time = np.zeros(count)
        self.rows: list[list[np.ndarray]] = [[] for _ in range(count)]

    def take(self, most: int) -> list[int]:
        taken = list(itertools.islice(self.waiting, most))
        self.left -= len(taken)
        return taken

    def work(self, width: int, tolerance: Tolerance, say: Say | None) -> None:
        """Fills `width` lanes from the queue, runs them, and refills those that have ended, until nothing waits."""
        mine = self.take(width)
        if not mine:
            return
        holds = np.full(width, -1)
        holds[: len(mine)] = mine
        index = np.where(holds < 0, mine[0], holds)
        systems, plans, lanes = self._begun(index)
        idle = jnp.asarray(holds < 0)
        lanes = lanes._replace(carry=lanes.carry._replace(status=jnp.where(idle, int(Status.DONE), 1)))
        while (holds >= 0).any():
            busy = int((holds >= 0).sum())
            lanes, table, used = advance_lanes(
                systems,
                plans,
                lanes,
                self.slots,
                tolerance,
                jnp.asarray(width - busy + max(1, busy // 8) if self.left else width),
                watch=watch,
                capacity=self.capacity,
                elimination=self.elimination,
                shared_plan=self.shared,
            )
            self._keep_rows(holds, np.asarray(table), np.asarray(used))
            over = (np.asarray(lanes.carry.status) != Status.RUNNING) & (holds >= 0)
            if not over.any():
                continue
            self._finish(holds, lanes, over, say)
            holds[over] = -1
            new = self.take(int(over.sum()))
            if new:
                places = np.flatnonzero(over)[: len(new)]
                holds[places] = new
                index = np.where(holds < 0, index, holds)
                systems, plans, fresh = self._begun(index)
                lanes = chosen(jnp.asarray(np.isin(np.arange(width), places)), fresh, lanes)

    def _begun(self, index: np.ndarray) -> tuple[Driven, Plan, Lanes]:
        """Systems, plans and fresh lanes of the cells in each lane."""

        def pick(leaf: Array) -> Array:
            return leaf[index]

        which = self.which[index]
        systems = Driven(jax.tree.map(pick, self.cells), *(table[which] for table in self.tables))
        plans = jax.tree.map(lambda leaf: leaf[0 if self.shared else which], self.plans)
        return systems, plans, begin_lanes(self.states[index], self.kept)

    def _keep_rows(self, holds: np.ndarray, table: np.ndarray, used: np.ndarray) -> None:
        for place in np.flatnonzero((holds >= 0) & (used > 0)) if self.capacity else ():
            self.rows[holds[place]].append(table[place, : used[place]].copy())

    def _finish(self, holds: np.ndarray, lanes: Lanes, over: np.ndarray, say: Say | None) -> None:
        at = holds[over]
        carry = lanes.carry
        self.status[at], self.final[at] = np.asarray(carry.status)[over], np.asarray(carry.state)[over]
        self.all_kept[at], self.ended[at] = np.asarray(lanes.kept)[over], np.asarray(lanes.ended)[over]
        self.segment[at] = np.asarray(carry.segment)[over]
        self.time[at] = np.asarray(carry.origin + carry.elapsed)[over]
        self.done += len(at)
        if say is not None:
            say(self.done, self.count)

    def result(self, schedules: Sequence[Schedule]) -> LanesResult:
        """Everything, with a step size that collapsed on an empty electrode or electrolyte called by that name."""
        for lane in np.flatnonzero(self.status == Status.STEP_TOO_SMALL):
            cell = jax.tree.map(lambda leaf, k=lane: leaf[k], self.cells)
            kind = ended_physically(cell, jnp.asarray(self.final[lane]))
            segments = len(schedules[0 if len(schedules) == 1 else int(lane)].segments)
            if kind is not None and self.segment[lane] == segments - 1:
                self.status[lane], self.ended[lane] = int(Status.DONE), 1 + EVENTS.index(kind)
        empty = np.zeros((0, INDEX + len(WATCHED)))
        rows = [np.concatenate(parts) if parts else empty for parts in self.rows]
        return LanesResult(self.status, self.final, self.all_kept, self.ended, self.segment, self.time, rows)


__all__ = ["WATCHED", "LanesResult", "integrate_lanes", "slots_of"]
