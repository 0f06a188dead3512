"""The part that each half-cycle plays in its protocol, and measured half-cycles matched to it.

Measured half-cycles are told apart by their order, direction and charge, never by an instrument's step numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mossy.errors import InputError
from mossy.protocol.schedule import Schedule, Segment, compile_protocol
from mossy.protocol.tables import ProtocolTable
from mossy.units import convert

DIRECTIONS = ("plate", "strip")
TOLERANCE = 0.05
"""Of a charge: what an electrode's area and a cycler's current are known to."""
_TIE = 1e-9
"""Of two alignments that cost the same, the one whose gap comes later: equal half-cycles are counted from the first."""
MAXIMUM_PAIRS = 50_000_000
_EARLY, _DEVIATING, _EXTRA, _GAP, _HEAD, _EACH = 0.5, 1.5, 1.5, 1.0, 0.9, 1e-4
"""What it costs to end early at a cut-off; to have another charge; to have no counterpart in the protocol; to leave out
a run of the protocol (at its head), and each half-cycle of it. What the data end before costs nothing."""


@dataclass(frozen=True)
class StepRole:
    """A step carried out, counted from 1, and the part it plays ("plate", "strip", "rest"... without a standard)."""

    step_count: int
    cycle: int
    role: str
    text: str


@dataclass(frozen=True)
class ExpectedHalfCycle:
    """What a protocol has between two reversals of its current.

    `areal_capacity` in C/m2, None where only a voltage ends it (all that is there is stripped); `current_density` in
    A/m2, more than zero either way; `cut_off` in V, the voltage that may end it before its charge has passed.
    """

    label: str
    direction: str  # "plate" or "strip"
    areal_capacity: float | None
    current_density: float
    cycle: int
    cut_off: float | None = None


@dataclass(frozen=True)
class Matching:
    """Measured half-cycles against a protocol's: a label for each, None where none fits.

    `expected` holds for each the index of its counterpart, deviating ones too; `missing` the half-cycles of the
    protocol that the data do not have; `notes` say in words what is missing, ended early or deviates.
    """

    labels: list[str | None]
    expected: list[int | None]
    missing: list[ExpectedHalfCycle]
    notes: list[str]

    @property
    def complete(self) -> bool:
        """Whether every half-cycle of both has its counterpart."""
        return not self.missing and all(label is not None for label in self.labels)


def roles_of_steps(protocol: ProtocolTable, *, area: float | None = None) -> list[StepRole]:
    """The part that each step carried out plays, in order.

    >>> from mossy.protocol import standard
    >>> [step.role for step in roles_of_steps(standard.plate_strip(cycles=1))]
    ['plate', 'rest', 'strip', 'rest']
    """
    return _roles(protocol, compile_protocol(protocol, area=area))


def _roles(protocol: ProtocolTable, schedule: Schedule) -> list[StepRole]:
    begun = [segment for segment in schedule.segments if segment.starts_step]
    roles = protocol.roles() or [_plain_role(segment) for segment in begun]
    return [
        StepRole(segment.step_count, segment.cycle, role, segment.text)
        for segment, role in zip(begun, roles, strict=True)
    ]


def _plain_role(segment: Segment) -> str:
    if segment.mode != "current":
        return "hold" if segment.mode == "voltage" else segment.mode
    return "rest" if segment.value == 0.0 else DIRECTIONS[segment.value < 0.0]


def expected_half_cycles(protocol: ProtocolTable, *, area: float | None = None) -> list[ExpectedHalfCycle]:
    """The half-cycles of a protocol in order; `area` (m2) where its steps name a whole cell's currents.

    Steps one way, with what rests lie between them, are one half-cycle of the first one's label; a hold after them
    belongs to it, whose charge is then not known beforehand. Raises InputError where a step follows a file or holds a
    voltage with no current before it, since neither direction nor charge can be told.

    >>> from mossy.protocol import standard
    >>> half_cycles = expected_half_cycles(standard.modified_reservoir(cycles=2))
    >>> [each.label for each in half_cycles][:4], half_cycles[2].areal_capacity, half_cycles[1].areal_capacity
    (['conditioning plate', 'conditioning strip', 'reservoir plate', 'short strip'], 180000.0, None)
    """
    schedule = compile_protocol(protocol, area=area)
    roles = _roles(protocol, schedule)
    found: list[ExpectedHalfCycle] = []
    for role, pieces in zip(roles, _steps(schedule), strict=True):
        current = next((piece for piece in pieces if piece.mode == "current" and piece.value != 0.0), None)
        last = found[-1] if found else None
        if current is None:
            held = _of_other_modes(pieces[0], last)
            if held is not None:
                found[-1] = held
            continue
        half_cycle = _half_cycle(role, current, pieces)
        if last is not None and last.direction == half_cycle.direction:
            found[-1] = _joined(last, half_cycle)
        else:
            found.append(half_cycle)
    return found


def _steps(schedule: Schedule) -> Iterator[list[Segment]]:
    for _, pieces in itertools.groupby(schedule.segments, key=lambda segment: segment.step_count):
        yield list(pieces)


def _of_other_modes(piece: Segment, last: ExpectedHalfCycle | None) -> ExpectedHalfCycle | None:
    """The half-cycle that a hold continues; None for a rest or an impedance."""
    if piece.mode == "table" or (piece.mode == "voltage" and last is None):
        problem = f"which way '{piece.text}' drives the current is not known beforehand"
        raise InputError(problem, key="protocol", remedy="match data to a protocol of plate and strip steps")
    if piece.mode != "voltage" or last is None:
        return None
    return ExpectedHalfCycle(last.label, last.direction, None, last.current_density, last.cycle, last.cut_off)


def _half_cycle(role: StepRole, current: Segment, pieces: list[Segment]) -> ExpectedHalfCycle:
    time = math.fsum(piece.duration for piece in pieces if piece.value != 0.0)
    capacity = min(current.capacity, time * abs(current.value))
    return ExpectedHalfCycle(
        label=role.role,
        direction=DIRECTIONS[current.value < 0.0],
        areal_capacity=capacity if math.isfinite(capacity) else None,
        current_density=abs(current.value),
        cycle=role.cycle,
        cut_off=None if math.isnan(current.voltage_limit) else current.voltage_limit,
    )


def _joined(first: ExpectedHalfCycle, then: ExpectedHalfCycle) -> ExpectedHalfCycle:
    known = first.areal_capacity is not None and then.areal_capacity is not None
    capacity = (first.areal_capacity or 0.0) + (then.areal_capacity or 0.0) if known else None
    cut_off = first.cut_off if then.cut_off is None else then.cut_off
    return ExpectedHalfCycle(first.label, first.direction, capacity, first.current_density, first.cycle, cut_off)


def match(
    expected: Sequence[ExpectedHalfCycle],
    measured: Sequence[tuple[str, float | None]],
    *,
    tolerance: float = TOLERANCE,
) -> Matching:
    """Labels for measured half-cycles: (direction, areal capacity in C/m2) each; None for a charge that is not known.

    The cheapest alignment in order: a counterpart has the same direction and, within the relative `tolerance`, the same
    charge, or less of it where a cut-off may end it early or the data end within it. A half-cycle of another charge
    gets no label. Data may begin late, end early, or lack a run of half-cycles in between.

    >>> from mossy.protocol import standard
    >>> expected = expected_half_cycles(standard.reservoir(cycles=1))
    >>> found = match(expected, [("plate", 180000.0), ("strip", 36000.0), ("plate", 36000.0)])
    >>> found.labels
    ['reservoir plate', 'short strip', 'short plate']
    >>> found.notes
    ['the data end before final strip (half-cycle 4 of the protocol)']
    """
    directions = [_direction(direction, index) for index, (direction, _) in enumerate(measured)]
    charges = np.array([math.nan if charge is None else abs(charge) for _, charge in measured], dtype=float)
    costs = _Costs(expected, directions, charges, tolerance)
    counterparts: list[int | None] = [*range(len(measured))]
    if len(measured) > len(expected) or any(costs.of(index, index) > 0.0 for index in range(len(measured))):
        counterparts = _align(costs, len(measured), len(expected))
    return _told(expected, measured, counterparts, costs)


def _direction(word: str, index: int) -> bool:
    if word not in DIRECTIONS:
        raise InputError(f"'{word}' is no direction", key=f"measured[{index}]", remedy="write 'plate' or 'strip'")
    return word == "strip"


class _Costs:
    """What it costs to take a measured half-cycle for each one expected."""

    def __init__(
        self, expected: Sequence[ExpectedHalfCycle], directions: list[bool], charges: np.ndarray, tolerance: float
    ) -> None:
        self.directions, self.charges, self.tolerance = directions, charges, tolerance
        self.strips = np.array([each.direction == "strip" for each in expected], dtype=bool)
        wanted = [math.nan if each.areal_capacity is None else each.areal_capacity for each in expected]
        self.wanted = np.array(wanted, dtype=float)
        self.may_end_early = np.array([each.cut_off is not None for each in expected], dtype=bool)

    def of(self, index: int, place: int | slice = slice(None)) -> np.ndarray:
        """Of one measured half-cycle for the one expected at a place, or for all of them."""
        charge, last, wanted = self.charges[index], index == len(self.charges) - 1, self.wanted[place]
        fits = np.isnan(wanted) | np.isnan(charge) | (abs(charge - wanted) <= self.tolerance * wanted)
        early = (charge < wanted) & (self.may_end_early[place] | last)
        cost = np.where(fits, 0.0, np.where(early, _EARLY, _DEVIATING))
        return np.where(self.strips[place] == self.directions[index], cost, np.inf)


def _align(costs: _Costs, rows: int, columns: int) -> list[int | None]:
    """The cheapest alignment with affine gaps (O. Gotoh, J. Mol. Biol. 162 (1982) 705), a row at a time."""
    if rows * columns > MAXIMUM_PAIRS:
        problem = f"{rows:,} measured half-cycles are too many to align with {columns:,}"
        raise InputError(problem, key="measured", remedy="match a part of them")
    from_gap = np.zeros((rows + 1, columns + 1), dtype=bool)
    extends = np.zeros((rows + 1, columns + 1), dtype=bool)
    pairs = np.zeros((rows + 1, columns + 1), dtype=bool)
    base = np.full(columns + 1, np.inf)
    base[0] = 0.0
    best = _with_gaps(base, _HEAD, from_gap[0], extends[0])
    for index in range(rows):
        paired = np.concatenate([[np.inf], best[:-1] + costs.of(index)])
        extra = best + _EXTRA
        pairs[index + 1] = paired <= extra
        base = np.minimum(paired, extra)
        best = _with_gaps(base, _GAP, from_gap[index + 1], extends[index + 1])
    found: list[int | None] = [None] * rows
    row, column = rows, int(np.argmin(best))
    while row > 0 or column > 0:
        if from_gap[row, column]:
            while extends[row, column]:
                column -= 1
            column -= 1
        if row == 0:
            break
        if pairs[row, column]:
            column -= 1
            found[row - 1] = column
        row -= 1
    return found


def _with_gaps(base: np.ndarray, opening: float, from_gap: np.ndarray, extends: np.ndarray) -> np.ndarray:
    """The cost of a row with runs of expected half-cycles left out; marks where a run ends and where it goes on."""
    number = np.arange(len(base), dtype=float)
    level = base - _EACH * number
    lowest = np.minimum.accumulate(level)
    gap = np.full(len(base), np.inf)
    gap[1:] = lowest[:-1] + opening + _EACH * number[1:]
    from_gap[:] = gap <= base + _TIE
    extends[2:] = lowest[:-2] <= level[1:-1]
    return np.asarray(np.minimum(base, gap))


def _told(
    expected: Sequence[ExpectedHalfCycle],
    measured: Sequence[tuple[str, float | None]],
    counterparts: list[int | None],
    costs: _Costs,
) -> Matching:
    labels: list[str | None] = []
    notes: list[str] = []
    for index, ((direction, charge), place) in enumerate(zip(measured, counterparts, strict=True)):
        shown = f"half-cycle {index + 1} ({direction}{'' if charge is None else ', ' + _capacity(abs(charge))})"
        if place is None:
            labels.append(None)
            notes.append(f"{shown} is not in the protocol")
            continue
        each, cost = expected[place], costs.of(index, place)
        labels.append(each.label if cost < _DEVIATING else None)
        if cost == 0.0 or each.areal_capacity is None:
            continue
        wanted = f"{each.label} of {_capacity(each.areal_capacity)}"
        if cost == _DEVIATING:
            notes.append(f"{shown} stands where the protocol has a {wanted}")
        elif index == len(measured) - 1 and not each.cut_off:
            notes.append(f"the data end within the {wanted}: {shown}")
        else:
            notes.append(f"{shown} ended before its charge as a {wanted}")
    taken = {place for place in counterparts if place is not None}
    left = [place for place in range(len(expected)) if place not in taken]
    notes += [_missing(expected, run, max(taken, default=-1)) for run in _runs(left)]
    return Matching(labels, list(counterparts), [expected[place] for place in left], notes)


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    for _, group in itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        yield run[0], run[-1]


def _missing(expected: Sequence[ExpectedHalfCycle], run: tuple[int, int], last: int) -> str:
    first, end = run
    numbers = f"half-cycle {first + 1}" if first == end else f"half-cycles {first + 1} to {end + 1}"
    names = expected[first].label if first == end else f"{expected[first].label} to {expected[end].label}"
    how = "the data end before" if first > last else "the data begin after" if first == 0 else "the data lack"
    return f"{how} {names} ({numbers} of the protocol)"


def _capacity(charge: float) -> str:
    return f"{convert(charge, 'C/m^2', 'mAh/cm^2'):.4g} mAh/cm^2"
