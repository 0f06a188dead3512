"""The course of a test as the rules see it: numbers for each half-cycle, and the stretches of steady current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.records import Cycling

SAME_CURRENT = 0.05
"""Half-cycles whose currents differ by less than this share are compared with each other."""
SETTLED = 0.10
"""The share of a stretch of steady current that nucleation and the first relaxation take: no rule looks there."""
MIDDLE = (0.2, 0.8)
"""Between these shares of a half-cycle's time its plateau is measured."""
WARMER = 5.0
"""K: half-cycles further apart in temperature are not compared (at 0.6 eV, 5 K change a resistance by 1.5)."""
UNSTEADY = 0.05
"""Share of the rows of a step whose current may be off by more than `SAME_CURRENT` (and one row more)."""
METAL_AGAINST_METAL = 1.5
"""V: a cell of unknown kind whose median |voltage| is above it is taken as a full cell."""
_AFTER = 5.0  # s after the end of the current at which the polarisation that is left is read


@dataclass(frozen=True, eq=False)
class Course:
    """Arrays with one entry a half-cycle: `number`, `cycle`, `sign` of the current, `direction` (+1 plates, -1 strips,
    0 not known), `amperes`, `charge` (C), `start` and `end` (s), `stopped` ("charge", "voltage", "file"), `plateau`
    (median |V| of the middle), `late` (|V| of the last row), `spread` ((q90 - q10)/median of |V|), `left`
    (share of |V| still there `_AFTER` s after the current stops, NaN without a rest), `level` (which current),
    `celsius` (NaN where not measured). `runs` are the stretches of steady current, (first, last) row of the trace.
    `at_start`: metal on the electrode under study before the record, C, NaN where not known.
    `polarised`: |V| is the polarisation (metal against metal), as it is not in a full cell.
    """

    steps: Steps
    kind: str | None
    polarised: bool
    number: np.ndarray
    cycle: np.ndarray
    sign: np.ndarray
    direction: np.ndarray
    amperes: np.ndarray
    charge: np.ndarray
    start: np.ndarray
    end: np.ndarray
    stopped: np.ndarray
    plateau: np.ndarray
    late: np.ndarray
    spread: np.ndarray
    left: np.ndarray
    level: np.ndarray
    celsius: np.ndarray
    runs: np.ndarray
    run_half: np.ndarray
    at_start: float

    def alike(self) -> list[np.ndarray]:
        """The half-cycles of one current and one sign, in order, for each such group."""
        key = self.level * 2 + (self.sign > 0)
        return [np.flatnonzero(key == each) for each in np.unique(key)]

    def strips_the_end(self, place: int) -> bool:
        """Whether a half-cycle strips a foreign substrate bare, where the voltage has to run away."""
        return self.kind == "substrate" and self.direction[place] != 1

    def comparable(self, place: int, others: np.ndarray) -> bool:
        """Whether the temperature of a half-cycle is that of the others, as far as it was measured."""
        apart = abs(self.celsius[place] - np.median(self.celsius[others]))
        return bool(not apart > WARMER)


def course_of(record: Cycling, steps: Steps) -> Course:
    """The course of a record whose steps are known."""
    halves, trace = steps.half_cycles, steps.trace
    first, last = halves["first_row"].to_numpy(), halves["last_row"].to_numpy()
    amperes = halves["current_ampere"].to_numpy()
    sign = halves["current_sign"].to_numpy()
    middle, late, spread = [], [], []
    for a, b, size, s in zip(first, last, amperes, sign, strict=True):
        time, volt = _steady(trace.time[a : b + 1], trace.voltage[a : b + 1], s * trace.current[a : b + 1], size)
        inner = np.sort(_between(time, volt))
        count = len(inner)
        middle.append(float(inner[count // 2]) if count else np.nan)
        late.append(float(volt[-1]) if len(volt) else np.nan)
        wide = float(inner[(9 * count) // 10] - inner[count // 10]) if count > 4 else np.nan
        spread.append(wide / middle[-1] if middle[-1] > 0.0 else np.nan)
    runs, run_half = stretches(steps)
    return Course(
        steps,
        steps.kind,
        _is_polarised(steps.kind, np.array(middle)),
        halves["half_cycle"].to_numpy(),
        halves["cycle"].to_numpy(),
        sign,
        halves["direction"].fill_null(0).to_numpy(),
        amperes,
        halves["charge_coulomb"].to_numpy(),
        halves["start_second"].to_numpy(),
        halves["end_second"].to_numpy(),
        np.array(halves["ended"].to_list(), dtype=object),
        np.array(middle),
        np.array(late),
        np.array(spread),
        _left(steps, last, np.array(late)),
        levels(amperes),
        _temperatures(record, steps, first, last),
        runs,
        run_half,
        _metal_at_the_start(record, halves["direction"].fill_null(0).to_numpy()),
    )


def levels(amperes: np.ndarray) -> np.ndarray:
    """A number for each current, the same for currents within `SAME_CURRENT` of the next smaller one.

    >>> levels(np.array([1.0, 2.0, 1.02, 0.5])).tolist()
    [1, 2, 1, 0]
    """
    order = np.argsort(amperes)
    ranked = amperes[order]
    apart = np.diff(ranked, prepend=ranked[:1]) > SAME_CURRENT * ranked
    found = np.empty(len(amperes), dtype=int)
    found[order] = np.cumsum(apart)
    return found


def _metal_at_the_start(record: Cycling, direction: np.ndarray) -> float:
    """As the description of the cell says; else none where plating comes first, and unknown where stripping does."""
    density = (record.metadata.get("cell") or {}).get("initial_metal")
    area = record.metadata.get("electrode_area_square_metre")
    if density is not None and area is not None:
        return float(density) * float(area)
    return 0.0 if density is None and len(direction) and direction[0] == 1 else float("nan")


def _steady(time: np.ndarray, voltage: np.ndarray, current: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Time and |V| of the rows at the half-cycle's own current."""
    kept = (np.abs(current - size) <= SAME_CURRENT * size) & np.isfinite(voltage)
    return time[kept], np.abs(voltage[kept])


def _between(time: np.ndarray, values: np.ndarray) -> np.ndarray:
    if not len(time):
        return values
    low, high = (time[0] + share * (time[-1] - time[0]) for share in MIDDLE)
    a, b = np.searchsorted(time, (low, high), side="left")
    return values[a : max(b, a + 1)]


def _is_polarised(kind: str | None, plateau: np.ndarray) -> bool:
    if kind is not None:
        return kind in ("substrate", "symmetric")
    known = plateau[np.isfinite(plateau)]
    return bool(len(known)) and float(np.median(known)) < METAL_AGAINST_METAL


def stretches(steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """(first row, last row) of each step at constant current in a half-cycle, and the half-cycle.

    Sweeps, whose current changes all along, and held voltages are none.
    """
    table, current = steps.table, steps.trace.current
    kinds, half = table["kind"].to_list(), table["half_cycle"].to_list()
    first, last = table["first_row"].to_numpy(), table["last_row"].to_numpy()
    usual = table["current_ampere"].to_numpy()
    off = np.abs(current - np.repeat(usual, last - first + 1)) > SAME_CURRENT * np.repeat(
        np.abs(usual), last - first + 1
    )
    constant = np.add.reduceat(off, first) <= UNSTEADY * (last - first + 1) + 1.0
    constant &= table["current_sign"].to_numpy() != 0
    kept = [k for k in np.flatnonzero(constant) if half[k] is not None and kinds[k] not in ("pulse", "hold")]
    rows = np.column_stack([first[kept], last[kept]]).astype(int)
    return rows, np.array([half[k] for k in kept], dtype=int)


def _left(steps: Steps, last: np.ndarray, late: np.ndarray) -> np.ndarray:
    """The share of |V| that is left some seconds after each half-cycle, where a rest follows."""
    trace = steps.trace
    found = np.full(len(last), np.nan)
    table = steps.table
    rests = {
        a: b
        for a, b, kind in zip(table["first_row"], table["last_row"], table["kind"], strict=True)
        if kind in ("rest", "impedance")
    }
    for place, row in enumerate(last):
        end = rests.get(int(row) + 1)
        if end is None or not late[place] > 0.0:
            continue
        at = int(row) + 1 + int(np.searchsorted(trace.time[row + 1 : end + 1], trace.time[row] + _AFTER))
        if at <= end and np.isfinite(trace.voltage[at]):
            found[place] = abs(trace.voltage[at]) / late[place]
    return found


def _temperatures(record: Cycling, steps: Steps, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    names = ("surface_temperature_celsius", "temperature_t1_celsius", "ambient_temperature_celsius")
    name = next((each for each in names if each in record.table.columns), None)
    if name is None:
        return np.full(len(first), np.nan)
    values = record.table[name].cast(float).fill_null(float("nan")).to_numpy()[steps.trace.rows]
    return np.array([float(np.median(values[a : b + 1])) for a, b in zip(first, last, strict=True)])


__all__ = ["MIDDLE", "SAME_CURRENT", "SETTLED", "WARMER", "Course", "course_of", "levels", "stretches"]
