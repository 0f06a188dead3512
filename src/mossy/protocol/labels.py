"""The part that each half-cycle plays in its protocol, and measured half-cycles matched to it.

Measured half-cycles are told apart by their order, direction and charge, never by an instrument's step numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mossy.errors import InputError
from mossy.protocol.plans import Part
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
FEW = 3
"""Of a kind, more notes than these are told as one."""
_MANY = {
    "stray": "{found} of {count} half-cycles have no counterpart in the protocol",
    "early": "{found} of {count} half-cycles ended before their charge",
    "endless": "{found} of {count} half-cycles passed all they may, and no cut-off ended them: is the cell shorted?",
    "missing": "the data lack {count} half-cycles of the protocol, in {found} places",
}


@dataclass(frozen=True)
class StepRole:
    """A step carried out, counted from 1, and the part it plays ("plate", "strip", "rest"... without a standard).

    `to_cut_off`: a voltage is meant to end it, and its other ends are there for a cell that cannot reach it.
    """

    step_count: int
    cycle: int
    role: str
    text: str
    to_cut_off: bool = False


@dataclass(frozen=True)
class ExpectedHalfCycle:
    """What a protocol has between two reversals of its current.

    `areal_capacity` in C/m2, None where a voltage is meant to end it (all that is there is stripped), and `at_most` in
    C/m2 what then ends it where the voltage is never reached; `current_density` in A/m2, more than zero either way;
    `cut_off` in V, the voltage that may end it before its charge has passed.
    """

    label: str
    direction: str  # "plate" or "strip"
    areal_capacity: float | None
    current_density: float
    cycle: int
    cut_off: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Matching:
    """Measured half-cycles against a protocol's: a label for each, None where none fits.

    `expected` holds for each the index of its counterpart, deviating ones too; `missing` the half-cycles of the
    protocol that the data do not have; `notes` say in words what is missing, ended early or deviates: one for each, one
    for all where there are many, and one in all where most of the data have no counterpart.
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
    parts = protocol.parts() or [Part(_plain_role(segment), segment.text) for segment in begun]
    return [
        StepRole(segment.step_count, segment.cycle, part.role, segment.text, part.to_cut_off)
        for segment, part in zip(begun, parts, strict=True)
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
    return replace(last, areal_capacity=None, at_most=None)


def _half_cycle(role: StepRole, current: Segment, pieces: list[Segment]) -> ExpectedHalfCycle:
    time = math.fsum(piece.duration for piece in pieces if piece.value != 0.0)
    capacity = min(current.capacity, time * abs(current.value))
    known = capacity if math.isfinite(capacity) else None
    return ExpectedHalfCycle(
        label=role.role,
        direction=DIRECTIONS[current.value < 0.0],
        areal_capacity=None if role.to_cut_off else known,
        current_density=abs(current.value),
        cycle=role.cycle,
        cut_off=None if math.isnan(current.voltage_limit) else current.voltage_limit,
        at_most=known if role.to_cut_off else None,
    )


def _joined(first: ExpectedHalfCycle, then: ExpectedHalfCycle) -> ExpectedHalfCycle:
    known = first.areal_capacity is not None and then.areal_capacity is not None
    capacity = (first.areal_capacity or 0.0) + (then.areal_capacity or 0.0) if known else None
    cut_off = first.cut_off if then.cut_off is None else then.cut_off
    return replace(first, areal_capacity=capacity, cut_off=cut_off, at_most=None)


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
    told: dict[str, list[str]] = {kind: [] for kind in (*_MANY, "end")}
    for index, ((direction, charge), place) in enumerate(zip(measured, counterparts, strict=True)):
        each = None if place is None else expected[place]
        cost = math.inf if place is None else float(costs.of(index, place))
        labels.append(None if each is None or cost >= _DEVIATING else each.label)
        kind, words = _judged(each, cost, charge, costs.tolerance, index == len(measured) - 1)
        if words:
            shown = f"half-cycle {index + 1} ({direction}{'' if charge is None else ', ' + _capacity(abs(charge))})"
            told[kind].append(f"{shown} {words}")
    taken = {place for place in counterparts if place is not None}
    left = [place for place in range(len(expected)) if place not in taken]
    missing = [expected[place] for place in left]
    strays = len(told["stray"])
    if strays > FEW and 2 * strays > len(measured):
        note = f"the data do not follow this protocol: {_summary('stray', told['stray'], len(measured))}"
        return Matching(labels, list(counterparts), missing, [note])
    notes = [note for kind, each in told.items() for note in _few(kind, each, len(measured))]
    notes += _few("missing", _missing(expected, left, max(taken, default=-1)), len(left))
    return Matching(labels, list(counterparts), missing, notes)


def _judged(
    each: ExpectedHalfCycle | None, cost: float, charge: float | None, tolerance: float, last: bool
) -> tuple[str, str]:
    """What there is to say of a measured half-cycle beside its counterpart, and of which kind; "" for nothing."""
    if each is None:
        return "stray", "is not in the protocol"
    if each.at_most is not None and charge is not None and abs(charge) >= (1.0 - tolerance) * each.at_most:
        return "endless", f"passed the {_capacity(each.at_most)} that a {each.label} may, and no cut-off ended it"
    if cost == 0.0 or each.areal_capacity is None:
        return "stray", ""
    wanted = f"{each.label} of {_capacity(each.areal_capacity)}"
    if cost == _DEVIATING:
        return "stray", f"stands where the protocol has a {wanted}"
    if last and not each.cut_off:
        return "end", f"is cut short: the data end within the {wanted}"
    return "early", f"ended before its charge as a {wanted}"


def _few(kind: str, notes: list[str], count: int) -> list[str]:
    """The notes of a kind, or one for all of them where they are more than a few."""
    return [_summary(kind, notes, count)] if len(notes) > FEW else notes


def _summary(kind: str, notes: list[str], count: int) -> str:
    return f"{_MANY[kind].format(found=len(notes), count=count)}, the first: {notes[0]}"


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    for _, group in itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        yield run[0], run[-1]


def _missing(expected: Sequence[ExpectedHalfCycle], left: list[int], last: int) -> list[str]:
    """A note for each run of the protocol's half-cycles that the data, up to the one at `last`, do not have."""
    notes = []
    for first, end in _runs(left):
        numbers = f"half-cycle {first + 1}" if first == end else f"half-cycles {first + 1} to {end + 1}"
        names = expected[first].label if first == end else f"{expected[first].label} to {expected[end].label}"
        how = "the data end before" if first > last else "the data begin after" if first == 0 else "the data lack"
        notes.append(f"{how} {names} ({numbers} of the protocol)")
    return notes


def _capacity(charge: float) -> str:
    return f"{convert(charge, 'C/m^2', 'mAh/cm^2'):.4g} mAh/cm^2"
