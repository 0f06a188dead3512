"""The charge between two rows of a trace."""

from __future__ import annotations

import numpy as np

LEVEL = 0.05
"""Two currents are one level where they differ by less than this share of the larger."""


_APART = 6.0  # standard deviations of the change between rows


def same_level(current: np.ndarray) -> np.ndarray:
    """For each row whether its current is on the level of the row before, as far as its noise tells; the first is."""
    before, after = current[:-1], current[1:]
    change, size = np.abs(after - before), np.maximum(np.abs(before), np.abs(after))
    flows = (before * after > 0.0) & (change < 0.5 * size)
    noise = 1.4826 * float(np.median(change[flows])) if flows.any() else 0.0
    near = change <= np.maximum(LEVEL * size, _APART * noise)
    return np.concatenate([[True], near & (before * after >= 0.0)])


def interval_charges(time: np.ndarray, current: np.ndarray, *, mean: bool = False) -> np.ndarray:
    """The charge (C) that passed in the interval ending at each row; 0 at the first.

    Within a level and along a smooth change the trapezoid, dt (I_k-1 + I_k) / 2. Where the current jumps the step began
    right after the row before, so that the interval has the later current, dt I_k. With `mean` the instrument wrote
    means over the intervals, and dt I_k holds everywhere.
    Limits: exact for steps of constant current; of second order in dt where the current is smooth.

    >>> t, i = np.array([0.0, 10.0, 10.0, 20.0]), np.array([-1.0, -1.0, 2.0, 2.0])
    >>> interval_charges(t, i).tolist()
    [0.0, -10.0, 0.0, 20.0]
    """
    steps = np.diff(time, prepend=time[:1])
    later = steps * current
    if mean:
        return later + 0.0
    smooth = same_level(current) | decaying(current)
    before = np.concatenate([current[:1], current[:-1]])
    return np.where(smooth, 0.5 * steps * (before + current), later) + 0.0  # no minus zero


def decaying(current: np.ndarray) -> np.ndarray:
    """For each row whether the change to it is part of a decay, as under constant voltage: neighbouring changes of one
    sign and comparable size, unlike the jump between two levels.

    >>> decaying(np.array([8.0, 8.0, 5.0, 3.2, 2.1, 2.1])).tolist()
    [False, False, True, True, True, False]
    >>> decaying(np.array([8.0, 8.0, 8.0, 2.0, 2.0])).any()
    np.False_
    """
    change = np.diff(current)
    part = np.zeros(len(current), dtype=bool)
    if len(change) < 2:
        return part
    size = np.abs(change)
    like = (change[1:] * change[:-1] > 0.0) & (np.minimum(size[1:], size[:-1]) > 0.2 * np.maximum(size[1:], size[:-1]))
    like &= current[1:-1] * current[2:] > 0.0
    like &= current[:-2] * current[1:-1] > 0.0
    part[1:-1] |= like
    part[2:] |= like
    return part
