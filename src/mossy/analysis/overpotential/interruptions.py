"""Where a current is switched: the voltage right before, the jump, and the rest after it, gathered for all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.overpotential.pieces import noise_of
from mossy.analysis.overpotential.sweep import swept

BINS = 64
_BEFORE, _SHARE = 8, 0.05
"""The voltage before a switch is read from at most this many rows, in this last share of the step."""
LEAST_ROWS = 8
"""Rows of a rest from which a relaxation can be fitted."""


@dataclass(frozen=True, eq=False)
class Switches:
    """Every change from one step to the next: the step before, currents (A), voltages (V, NaN where not known) right
    before, its variance, first after, and the time (s) between the two readings.
    """

    step: np.ndarray
    current_before: np.ndarray
    current_after: np.ndarray
    before: np.ndarray
    before_variance: np.ndarray
    after: np.ndarray
    noise: np.ndarray
    resolution: np.ndarray
    time: np.ndarray


@dataclass(frozen=True, eq=False)
class Rests:
    """The voltage of K rests in bins even in the logarithm of time: seconds since the interruption, V, variances of
    the bins (infinite where one is empty), the rows of each rest, its last time and its last voltage.
    """

    time: np.ndarray
    value: np.ndarray
    variance: np.ndarray
    rows: np.ndarray
    longest: np.ndarray
    end: np.ndarray

    def first(self) -> tuple[np.ndarray, np.ndarray]:
        """Time and voltage of the first bin that is not empty."""
        every, place = np.arange(len(self.time)), np.isfinite(self.variance).argmax(axis=1)
        return self.time[every, place], self.value[every, place]

    def without_first(self, which: np.ndarray) -> Rests:
        """The same, the first bin of some rests left out where others are left."""
        variance = self.variance.copy()
        more = np.flatnonzero(which & (np.isfinite(variance).sum(axis=1) > 1))
        variance[more, np.isfinite(variance).argmax(axis=1)[more]] = np.inf
        return replace(self, variance=variance)


def switches(steps: Steps) -> Switches:
    """All switches of a record.

    The voltage before is the straight line through the last rows of the step, where it ends; fewer than four rows give
    the last value. Its noise is that of the step's own rows. Swept voltages are not known ones.
    """
    table, trace = steps.table, steps.trace
    first, last = table["first_row"].to_numpy(), table["last_row"].to_numpy()
    of_row = np.repeat(np.arange(len(first)), last - first + 1)
    noise = noise_of(trace.voltage, of_row, len(first))
    typical = float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0
    noise = np.where(np.isfinite(noise), noise, typical)
    step = np.arange(len(first) - 1)
    current = table["current_ampere"].to_numpy() * (table["current_sign"].to_numpy() != 0)
    before, variance = _line_ends(steps, first[:-1], last[:-1], noise[:-1])
    after = trace.voltage[first[1:]]
    moves = swept(steps)
    before, after = np.where(moves[:-1], np.nan, before), np.where(moves[1:], np.nan, after)
    resolution = trace.time[first[1:]] - trace.time[last[:-1]]
    time = trace.time[last[:-1]]
    return Switches(step, current[:-1], current[1:], before, variance, after, noise[:-1], resolution, time)


def _line_ends(steps: Steps, first: np.ndarray, last: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and variance, at its end, of the line through the last rows of each step."""
    trace = steps.trace
    rows = last[:, None] - np.arange(_BEFORE)
    inside = rows >= first[:, None]
    rows = np.maximum(rows, first[:, None])
    ago = trace.time[rows] - trace.time[last][:, None]
    duration = trace.time[last] - trace.time[first]
    inside &= ago >= -_SHARE * duration[:, None]
    inside &= np.isfinite(trace.voltage[rows])
    voltage = np.where(inside, trace.voltage[rows], 0.0)
    count = np.maximum(inside.sum(axis=1), 1)
    middle = np.where(inside, ago, 0.0).sum(axis=1) / count
    spread = np.where(inside, (ago - middle[:, None]) ** 2, 0.0).sum(axis=1)
    mean = voltage.sum(axis=1) / count
    slope = np.where(inside, (ago - middle[:, None]) * voltage, 0.0).sum(axis=1) / np.where(spread > 0.0, spread, 1.0)
    lined = (count >= 4) & (spread > 0.0)
    value = np.where(lined, mean - slope * middle, trace.voltage[last])
    leverage = np.where(lined, 1.0 / count + middle**2 / np.where(spread > 0.0, spread, 1.0), 1.0)
    return value, leverage * noise**2


def rests(steps: Steps, which: np.ndarray, sign: np.ndarray) -> Rests:
    """The voltage times `sign` in the rests that are the steps `which`, binned."""
    table, trace = steps.table, steps.trace
    first = table["first_row"].to_numpy()[which]
    last = table["last_row"].to_numpy()[which]
    length = last - first + 1
    rest = np.repeat(np.arange(len(which)), length)
    begin = np.concatenate([[0], np.cumsum(length)[:-1]])
    rows = first[rest] + np.arange(len(rest)) - begin[rest]
    off = trace.time[np.maximum(first - 1, 0)]
    time, value = trace.time[rows] - off[rest], sign[rest] * trace.voltage[rows]
    known = np.isfinite(value)
    rest, time, value = rest[known], time[known], value[known]
    noise = noise_of(value, rest, len(which))
    noise = np.where(np.isfinite(noise), noise, 0.0)
    place = rest * BINS + _bins(time, rest, len(which), np.bincount(rest, minlength=len(which)))
    count = np.bincount(place, minlength=len(which) * BINS)
    held = np.maximum(count, 1)
    times = np.bincount(place, time, len(count)) / held
    values = np.bincount(place, value, len(count)) / held
    variance = np.where(count > 0, noise.repeat(BINS) ** 2 / held, np.inf)
    shape = (len(which), BINS)
    rows_of = np.bincount(rest, minlength=len(which))
    last_of = np.cumsum(rows_of) - 1
    return Rests(
        times.reshape(shape), values.reshape(shape), variance.reshape(shape), rows_of, time[last_of], value[last_of]
    )


def _bins(time: np.ndarray, rest: np.ndarray, count: int, rows: np.ndarray) -> np.ndarray:
    """Rests of at most `BINS` rows keep every row; in longer ones what is at the switch itself has a bin of its own."""
    begin = np.concatenate([[0], np.cumsum(rows)[:-1]])
    order = np.arange(len(time)) - begin[rest]
    shortest, longest = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(shortest, rest[time > 0.0], time[time > 0.0])
    np.maximum.at(longest, rest, time)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(time / shortest[rest]) / np.log(longest / shortest)[rest]
    logarithmic = 1 + np.clip(np.nan_to_num(share * (BINS - 1), neginf=0.0), 0, BINS - 2).astype(int)
    return np.where(rows[rest] <= BINS, order, np.where(time > 0.0, logarithmic, 0))
