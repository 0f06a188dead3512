"""Where one step ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.cycler_steps.charge import decaying, same_level

NO_CURRENT = 1e-3
"""A current below this share of the largest common one is none."""
_HELD, _FALLS = 2e-3, 0.1  # V within which a voltage is held; least share by which the current changes meanwhile


@dataclass(frozen=True, eq=False)
class Segments:
    """First row of each segment, its sign of current, and whether its voltage is held while the current changes."""

    starts: np.ndarray
    sign: np.ndarray
    held: np.ndarray


def signs(current: np.ndarray) -> np.ndarray:
    """-1, 0, 1 for each row; what is below `NO_CURRENT` of the 95th percentile of the currents that flow is 0.

    >>> signs(np.array([0.0, 1e-7, 1e-3, -1e-3])).tolist()
    [0, 0, 1, -1]
    """
    size = np.abs(current)
    flowing = size[size > 0.0]
    if not len(flowing):
        return np.zeros(len(current), dtype=np.int64)
    threshold = NO_CURRENT * float(np.quantile(flowing, 0.95))
    return np.where(size > threshold, np.sign(current), 0.0).astype(np.int64)


def segments(time: np.ndarray, voltage: np.ndarray, current: np.ndarray) -> Segments:
    """The rows cut where the sign of the current changes, where it jumps to another level, and where a voltage begins
    to be held. A single row between two segments, as instruments write when they switch, joins the one after it.
    """
    sign = signs(current)
    jump = ~same_level(current) & ~decaying(current)
    cut = np.flatnonzero(np.concatenate([[True], (sign[1:] != sign[:-1]) | (jump[1:] & (sign[1:] != 0))]))
    cut = _without_glitches(cut, sign, time)
    lasts = np.append(cut[1:], len(current))
    starts, held = [], []
    low, high = np.minimum.reduceat(np.abs(current), cut), np.maximum.reduceat(np.abs(current), cut)
    of = sign[lasts - 1]
    for first, end, s, varies in zip(cut, lasts, of, low < (1.0 - _FALLS) * high, strict=True):
        place = _held_from(voltage[first:end], current[first:end]) if s != 0 and varies else None
        if place is None:
            starts.append(first)
            held.append(False)
            continue
        if place > 0:
            starts.append(first)
            held.append(False)
        starts.append(first + place)
        held.append(True)
    begin = np.array(starts, dtype=np.int64)
    return Segments(begin, sign[np.append(begin[1:], len(current)) - 1], np.array(held, dtype=bool))


def _without_glitches(cut: np.ndarray, sign: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The cuts without those that leave a single row which hardly any time passes in, or that splits one step."""
    if len(time) < 2:
        return cut
    lengths = np.diff(np.append(cut, len(sign)))
    gaps = np.diff(time)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    before = np.where(cut > 0, gaps[np.maximum(cut - 1, 0)], 0.0)
    ahead = np.where(cut < len(gaps), gaps[np.minimum(cut, len(gaps) - 1)], 0.0)
    brief = (lengths == 1) & (np.minimum(before, ahead) <= 0.1 * usual)
    brief[-1] = False
    cut = np.delete(cut, np.flatnonzero(brief) + 1)
    return _merged(cut, sign)


def _merged(cut: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """The cuts without single-row rests between two segments of one sign."""
    ends = np.append(cut[1:], len(sign))
    of = sign[ends - 1]
    lone = np.zeros(len(cut), dtype=bool)
    if len(cut) > 2:
        lone[1:-1] = (ends - cut == 1)[1:-1] & (of[1:-1] == 0) & (of[:-2] == of[2:]) & (of[2:] != 0)
    drop = lone | np.concatenate([[False], lone[:-1]])
    return cut[~drop]


def _held_from(voltage: np.ndarray, current: np.ndarray) -> int | None:
    """The row from which a voltage is held to the end while the current changes, or None."""
    if len(voltage) < 3 or not np.isfinite(voltage).all():
        return None
    last = float(np.median(voltage[-max(3, len(voltage) // 10) :]))
    away = np.flatnonzero(np.abs(voltage - last) > _HELD)
    place = int(away[-1]) + 1 if len(away) else 0
    size = np.abs(current[place:])
    if len(size) < 3:
        return None
    few = max(1, len(size) // 4)
    ends = float(np.median(size[:few])), float(np.median(size[-few:]))
    if min(ends) > (1.0 - _FALLS) * max(ends):
        return None
    fallen = np.flatnonzero(size < 0.99 * size[0])  # the rows before it still have the current that led there
    return place + (int(fallen[0]) if len(fallen) and size[0] > size[-1] else 0)
