"""A protocol unrolled: every piece with one control, in order, as objects and as arrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mossy.errors import InputError, suggest
from mossy.protocol.steps import Step, parse_step
from mossy.protocol.tables import NAMED, ProtocolTable, RepeatBlock

MODES = {"current": 0, "voltage": 1, "table": 2, "impedance": 3}
MAXIMUM_SEGMENTS = 1_000_000
_SHOWN = 20  # lines of a description at either end
_COUNTABLE = 1e15  # pulses: far too many, yet a number to report
_TOLERANCE = 1e-9  # of a pulse's period: 0.1 s on, 0.2 s off for 0.3 s is one period, not two


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a protocol with one control. A plating current is positive.

    An end by the segment's own `duration` leads to the next segment; any other end to segment `next_step`.
    """

    mode: str  # "current", "voltage", "table", "impedance"
    value: float  # A/m^2; V; the index of the table; 0
    duration: float  # s; inf where time does not end it; 0 for an impedance
    capacity: float  # C/m^2 of |charge| since the step (not the segment) began; inf where none
    voltage_limit: float  # V; nan where none
    voltage_direction: int  # +1 ends at or above the limit, -1 at or below, 0 whichever way it is met from the start
    current_limit: float  # A/m^2: ends when |current| has fallen to it; nan where none
    cycle: int  # from 1
    step: int  # position in its own list of steps, from 1
    step_count: int  # of all steps carried out, from 1
    text: str  # the step as written
    starts_step: bool
    next_step: int  # index of the first segment after this step


@dataclass(frozen=True)
class Schedule:
    """A whole protocol: its segments, and the tables (times in s from 0, current densities in A/m^2) they follow.

    Between the points of a table the current is a straight line.
    """

    segments: tuple[Segment, ...]
    tables: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @property
    def cycles(self) -> int:
        """How many cycles there are."""
        return self.segments[-1].cycle if self.segments else 0

    def stripping_cycles(self, last: int) -> set[int]:
        """The cycles in which a current strips, of the segments up to index `last`: others have no efficiency."""
        return {each.cycle for each in self.segments[: last + 1] if each.mode == "current" and each.value < 0.0}

    def find(self, cycle: int, step: int) -> list[int]:
        """The indices of the segments of one step of one cycle; none where there is no such step."""
        return [index for index, segment in enumerate(self.segments) if segment.cycle == cycle and segment.step == step]

    def arrays(self) -> dict[str, np.ndarray]:
        """The segments as arrays by field name (`mode` as its code in MODES), and the tables.

        `table_time` and `table_current` have shape (tables, points), short ones with their last point repeated; where
        there are no tables, one of no current, so that they may always be indexed.
        """
        floats = ("value", "duration", "capacity", "voltage_limit", "current_limit")
        integers = ("voltage_direction", "cycle", "step", "step_count", "next_step")
        columns = {name: np.array([getattr(s, name) for s in self.segments], dtype=float) for name in floats}
        columns |= {name: np.array([getattr(s, name) for s in self.segments], dtype=np.int64) for name in integers}
        columns["mode"] = np.array([MODES[s.mode] for s in self.segments], dtype=np.int64)
        columns["starts_step"] = np.array([s.starts_step for s in self.segments], dtype=bool)
        tables = self.tables or ((np.array([0.0, 1.0]), np.zeros(2)),)
        longest = max(len(times) for times, _ in tables)
        for place, name in enumerate(("table_time", "table_current")):
            padded = [np.pad(table[place], (0, longest - len(table[place])), mode="edge") for table in tables]
            columns[name] = np.stack(padded)
        return columns

    def describe(self) -> list[str]:
        """Lines for people, equal cycles in one: "cycles 1-20: plate 1 mA/cm^2 for 1 h; strip 1 mA/cm^2 until 1 V"."""
        begun = (segment for segment in self.segments if segment.starts_step)
        by_cycle = itertools.groupby(begun, key=lambda segment: segment.cycle)
        told = [(cycle, "; ".join(segment.text for segment in steps)) for cycle, steps in by_cycle]
        lines = []
        for text, group in itertools.groupby(told, key=lambda entry: entry[1]):
            cycles = [cycle for cycle, _ in group]
            name = f"cycle {cycles[0]}" if len(cycles) == 1 else f"cycles {cycles[0]}-{cycles[-1]}"
            lines.append(f"{name}: {text}")
        if len(lines) > 2 * _SHOWN:
            lines[_SHOWN:-_SHOWN] = [f"... {len(lines) - 2 * _SHOWN} more ..."]
        return lines


@dataclass(frozen=True)
class _Leaf:
    step: Step
    position: int
    table: int  # index of the table it follows, -1 for none


@dataclass(frozen=True)
class _Branch:
    repeat: int
    items: tuple[_Leaf | _Branch, ...]


def compile_protocol(
    table: ProtocolTable, *, area: float | None = None, folder: Path | str | None = None, key: str = "protocol"
) -> Schedule:
    """Parse every step of a protocol once and unroll it; files are relative to `folder`, `area` is in m^2.

    A cycle is an uninterrupted run of steps in one pass through one list: each pass of the protocol, or of a nested
    block with steps of its own, is a new cycle, and so are the outer steps that follow a nested block.

    >>> steps = ["plate 1 mA/cm^2 for 4 h", {"repeat": 10, "steps": ["strip 1 mA/cm^2 for 1 h"]}, "rest for 1 h"]
    >>> schedule = compile_protocol(ProtocolTable(steps=steps))
    >>> [(segment.cycle, segment.step) for segment in schedule.segments][:2], schedule.cycles
    ([(1, 1), (2, 1)], 12)
    """
    for name in table.values:
        if name not in table.used():
            remedy = f"write {{{name}}} in a step, or leave it out"
            raise InputError("no step names it", key=f"{key}.values.{name}", remedy=remedy)
    tables: list[tuple[np.ndarray, np.ndarray]] = []
    root = _parse_items(table, tables, table.values, area, folder, key)
    count = _count(root)
    if count > MAXIMUM_SEGMENTS:
        problem = f"the protocol has {count:,} pieces, more than {MAXIMUM_SEGMENTS:,}"
        raise InputError(problem, key=key, remedy="repeat less, or pulse more slowly")
    segments: list[Segment] = []
    for step_count, (cycle, leaf) in enumerate(_walk(root, itertools.count(1)), 1):
        _append(segments, leaf, cycle, step_count)
    return Schedule(tuple(segments), tuple(tables))


def _parse_items(
    block: ProtocolTable | RepeatBlock,
    tables: list[tuple[np.ndarray, np.ndarray]],
    values: dict[str, str],
    area: float | None,
    folder: Path | str | None,
    key: str,
) -> _Branch:
    items: list[_Leaf | _Branch] = []
    for index, item in enumerate(block.steps):
        place = f"{key}.steps[{index}]"
        if isinstance(item, RepeatBlock):
            items.append(_parse_items(item, tables, values, area, folder, place))
            continue
        step = parse_step(_filled(item, values, place), place, area, folder)
        if step.table is not None:
            tables.append(step.table)
        items.append(_Leaf(step, index + 1, len(tables) - 1 if step.table is not None else -1))
    return _Branch(block.repeat, tuple(items))


def _filled(text: str, values: dict[str, str], key: str) -> str:
    """A step with the values in the places of their names."""
    for name in NAMED.findall(text):
        if name not in values:
            remedy = suggest(name, values) if values else f'add values = {{ {name} = "..." }} to [protocol]'
            raise InputError(f"'{text}' names a value '{name}' that is not there", key=key, remedy=remedy)
    return NAMED.sub(lambda match: values[match[1]], text)


def _count(node: _Leaf | _Branch) -> int:
    if isinstance(node, _Branch):
        return node.repeat * sum(_count(item) for item in node.items)
    if node.step.kind != "pulse":
        return 1
    periods, rest = _pulse_plan(node.step)
    return 2 * periods + len(rest)


def _walk(branch: _Branch, cycles: Iterator[int]) -> Iterator[tuple[int, _Leaf]]:
    """Every step carried out, with its cycle."""
    for _ in range(branch.repeat):
        cycle = 0
        for item in branch.items:
            if isinstance(item, _Branch):
                yield from _walk(item, cycles)
                cycle = 0
            else:
                cycle = cycle or next(cycles)
                yield cycle, item


def _append(segments: list[Segment], leaf: _Leaf, cycle: int, step_count: int) -> None:
    """Add the segments of one step."""
    step, ends = leaf.step, leaf.step.ends
    pieces = _pieces(leaf)
    next_step = len(segments) + len(pieces)
    for index, (mode, value, duration) in enumerate(pieces):
        segment = Segment(
            mode=mode,
            value=value,
            duration=duration,
            capacity=math.inf if ends.capacity is None else ends.capacity,
            voltage_limit=math.nan if ends.voltage is None else ends.voltage,
            voltage_direction=step.voltage_direction,
            current_limit=math.nan if ends.current is None else ends.current,
            cycle=cycle,
            step=leaf.position,
            step_count=step_count,
            text=step.text,
            starts_step=index == 0,
            next_step=next_step,
        )
        segments.append(segment)


def _pieces(leaf: _Leaf) -> list[tuple[str, float, float]]:
    """The mode, value and duration of each segment of a step."""
    step = leaf.step
    duration = math.inf if step.ends.time is None else step.ends.time
    if step.kind == "hold" and step.voltage is not None:
        return [("voltage", step.voltage, duration)]
    if step.table is not None:
        return [("table", float(leaf.table), min(duration, float(step.table[0][-1])))]
    if step.kind == "impedance":
        return [("impedance", 0.0, 0.0)]
    if step.kind == "pulse" and step.on is not None and step.off is not None:
        periods, rest = _pulse_plan(step)
        period = [("current", step.current, step.on), ("current", 0.0, step.off)]
        return period * periods + [("current", value, time) for value, time in rest]
    return [("current", step.current, duration)]


def _pulse_plan(step: Step) -> tuple[int, list[tuple[float, float]]]:
    """The whole periods of a pulse, and the (current, duration) of what is left.

    A capacity is reached in the pulse that the constant current tells; that last one has no duration, so that it is
    the capacity that ends it, not the time it happens to coincide with.
    """
    on, off = step.on or 0.0, step.off or 0.0
    time = math.inf if step.ends.time is None else step.ends.time
    if step.ends.capacity is not None:
        needed = step.ends.capacity / abs(step.current)
        before = max(math.ceil(min(needed / on, _COUNTABLE) - _TOLERANCE) - 1, 0)
        if before * off + needed <= time * (1.0 + _TOLERANCE):
            return before, [(step.current, math.inf)]
    periods = math.floor(min(time / (on + off), _COUNTABLE) + _TOLERANCE)
    left = time - periods * (on + off)
    if left <= _TOLERANCE * (on + off):
        return periods, []
    rest = [(step.current, min(on, left))]
    if left > on * (1.0 + _TOLERANCE):
        rest.append((0.0, left - on))
    return periods, rest
