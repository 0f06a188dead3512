"""The charge of each half-cycle with its errors: the current's noise, the sampling, and the cycler's accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mossy.analysis import cycler_steps
from mossy.analysis.cycler_steps import Steps
from mossy.analysis.efficiency.pairs import ran_out
from mossy.errors import InputError
from mossy.records import Cycling

MILLIAMPERE_HOUR = 3.6
"""C in 1 mAh"""
_TRIMMED, _LEFT = 0.98, 0.9346
"""Share of second differences kept, and the standard deviation of a normal distribution cut there."""
_REGULAR, _LOGGED = 0.05, 0.25
"""A sampling interval is regular within this share; ends are logged where this share of intervals at them is not."""


@dataclass(frozen=True)
class Accuracy:
    """How well a cycler knows its current, as standard errors.

    `gain`: relative error of the current, the same in both directions. It is common to all charges, so it stays in a
    charge and cancels in an efficiency.
    `offset`: constant error as a share of the current range. It adds to one direction what it takes from the other, so
    it does not cancel: with equal currents it moves an efficiency by (1 + CE) times its share of the current.
    `range_ampere`: the current range; the record's largest current where not given.
    The defaults stand for a cycler specified to +-0.05 % of its range, read as a uniform distribution for each of the
    two: 0.0005/3^1/2. What a real channel does is measured with a resistor in the place of the cell.
    """

    gain: float = 3e-4
    offset: float = 3e-4
    range_ampere: float | None = None

    def __post_init__(self) -> None:
        for name in ("gain", "offset", "range_ampere"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0.0):
                problem = f"{value} is not an error of a current"
                raise InputError(problem, key=f"current_accuracy.{name}", remedy="give 0 or more")


CYCLER = Accuracy()
"""The default accuracy."""


@dataclass(frozen=True, eq=False)
class Charges:
    """The half-cycles' charges in mAh, positive, as arrays over half-cycles.

    `random`: standard error from noise and sampling, independent from one half-cycle to the next; `offset`: what one
    standard error of the current's offset adds to a charge in plating direction or takes from it in stripping
    direction, in all half-cycles together; `gain` relative, common to all.
    """

    charge: np.ndarray
    random: np.ndarray
    offset: np.ndarray
    direction: np.ndarray
    gain: float
    noise_ampere: float
    end_interval_second: float
    offset_share: float

    @property
    def offset_words(self) -> str:
        """The offset in words, for what an error is made of."""
        return f"a current offset of {100.0 * self.offset_share:.2g} % of its range (assumed unless stated)"

    def ratio(self, strips: Sequence[int], plates: Sequence[int]) -> tuple[float, float, float]:
        """Stripped over plated charge, with its random and its systematic standard error."""
        stripped, plated = float(self.charge[strips].sum()), float(self.charge[plates].sum())
        value = stripped / plated
        random = np.hypot(np.linalg.norm(self.random[strips]), value * np.linalg.norm(self.random[plates])) / plated
        systematic = (self.offset[strips].sum() + value * self.offset[plates].sum()) / plated
        return value, float(random), float(systematic)

    def loss(self, strips: Sequence[int], plates: Sequence[int]) -> tuple[float, float]:
        """Plated less stripped charge, mAh, with its standard error."""
        value = float(self.charge[plates].sum() - self.charge[strips].sum())
        random = np.linalg.norm(np.concatenate([self.random[plates], self.random[strips]]))
        offset = self.offset[plates].sum() + self.offset[strips].sum()
        return value, float(np.sqrt(random**2 + offset**2 + (self.gain * value) ** 2))

    def total(self, members: Sequence[int]) -> tuple[float, float]:
        """Their sum, mAh, with its standard error."""
        value, offset = float(self.charge[members].sum()), self.offset[members].sum()
        random = np.linalg.norm(self.random[members])
        return value, float(np.sqrt(random**2 + offset**2 + (self.gain * value) ** 2))


def of(record: Cycling, steps: Steps | None, accuracy: Accuracy, purpose: str) -> tuple[Steps, Charges]:
    """The steps (made where None) and the charges of their half-cycles.

    Raises InputError where no current flows, the roles are not known, or the cell is symmetric.
    """
    steps = cycler_steps.of(record) if steps is None else steps
    if steps.kind == "symmetric":
        raise InputError(
            f"a symmetric cell has no {purpose}: each half-cycle strips one electrode and plates the other, and thick "
            "metal covers what is lost",
            key="cell_kind",
            remedy="use a cell with metal on a substrate, or read the overpotential",
        )
    cycler_steps.plating_sign(steps)
    halves = steps.half_cycles
    if not halves.height:
        raise InputError("no half-cycle: no current flows for long", remedy="give a test that plates and strips")
    stated = (record.metadata.get("cell") or {}).get("current_offset")
    if accuracy is CYCLER and stated is not None:
        accuracy = Accuracy(offset=stated)
    trace = steps.trace
    first, last = halves["first_row"].to_numpy(), halves["last_row"].to_numpy()
    current = halves["current_ampere"].to_numpy()
    noise = current_noise(trace.current, first, last)
    squares = np.concatenate([[0.0], np.cumsum(np.diff(trace.time, prepend=trace.time[:1]) ** 2)])
    sampled = noise * np.sqrt(squares[last + 1] - squares[first])
    ends = end_intervals(trace.time, first, last, ran_out(record, steps) > 0)
    duration = (halves["end_second"] - halves["start_second"]).to_numpy()
    span = accuracy.range_ampere or float(np.abs(trace.current).max())
    random = np.hypot(sampled, current * np.linalg.norm(ends, axis=0) / np.sqrt(8.0))
    return steps, Charges(
        halves["charge_coulomb"].to_numpy() / MILLIAMPERE_HOUR,
        random / MILLIAMPERE_HOUR,
        accuracy.offset * span * duration / MILLIAMPERE_HOUR,
        halves["direction"].to_numpy(),
        accuracy.gain,
        noise,
        float(ends.max()),
        accuracy.offset,
    )


def current_noise(current: np.ndarray, first: np.ndarray, last: np.ndarray) -> float:
    """Standard deviation of the current's noise, A, from second differences inside half-cycles, var = 6 sigma2.

    Smooth courses drop out of second differences; the largest 2 % of them, where levels change, are left out and what
    that takes from a normal distribution is put back.

    >>> steady = 1e-3 + np.random.default_rng(1).normal(0.0, 1e-6, 4000)
    >>> bool(abs(current_noise(steady, np.array([0]), np.array([3999])) / 1e-6 - 1.0) < 0.05)
    True
    """
    if len(current) < 3:
        return 0.0
    inside = np.zeros(len(current) + 1)
    np.add.at(inside, np.minimum(first + 2, last + 1), 1.0)
    np.add.at(inside, last + 1, -1.0)
    second = np.abs(np.diff(current, 2))[np.cumsum(inside)[2:-1] > 0.0]
    kept = np.sort(second)[: int(_TRIMMED * len(second))]
    return float(np.sqrt(np.mean(kept**2) / 6.0) / _LEFT) if len(kept) else 0.0


def end_intervals(time: np.ndarray, first: np.ndarray, last: np.ndarray, ran: np.ndarray) -> np.ndarray:
    """The intervals (s; two rows: start, end) in which a half-cycle began and ended without a row that says when.

    Instruments that write a row when a step ends leave intervals of odd length there, at least where a voltage ended it
    (`ran`), as set times are often whole numbers of intervals; where they do, nothing is uncertain, and all are 0. On a
    fixed clock a step that lasts m + f intervals is seen for m or m + 1 of them, so that its charge is off by
    (f - f^2)^1/2 of an interval's, at most a half: 1/8^1/2 for either end.

    >>> clock = np.arange(0.0, 100.0, 10.0)
    >>> voltage = np.array([False, True])
    >>> end_intervals(clock, np.array([1, 5]), np.array([4, 8]), voltage).tolist()
    [[10.0, 10.0], [10.0, 10.0]]
    >>> logged = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 53.2])
    >>> end_intervals(logged, np.array([1, 4]), np.array([3, 6]), voltage).max()
    np.float64(0.0)
    """
    step = np.diff(time)
    if not len(step) or not (step > 0.0).any():
        return np.zeros((2, len(first)))
    usual = float(np.median(step[step > 0.0]))
    before = np.where(first > 0, step[np.maximum(first - 1, 0)], 0.0)
    after = np.where(last < len(step), step[np.minimum(last, len(step) - 1)], 0.0)
    own = step[np.maximum(last - 1, 0)]
    odd = np.abs(own - usual) > _REGULAR * usual
    odd |= (last < len(step)) & (np.abs(after - usual) > _REGULAR * usual)
    if odd.mean() > _LOGGED or (ran.any() and odd[ran].mean() > _LOGGED):
        return np.zeros((2, len(first)))
    return np.stack([np.minimum(before, usual), np.minimum(after, usual)])
