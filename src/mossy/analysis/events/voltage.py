"""Sudden collapses of the voltage of a cell: where they happen, and what speaks for a short or a film that breaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mossy.analysis.events.event import Event
from mossy.errors import InputError

SHARE, TIMES, SAME = 0.3, 4.0, 0.02
"""A collapse: least share of |V| lost, and how many usual changes; change of current up to which it stays the same."""


def voltage_events(time: Any, voltage: Any, current: Any = None, *, within: float = 1.0) -> list[Event]:
    """Sudden collapses of the voltage that no change of the current explains.

    At each point the lowest |V| of the next `within` seconds is compared with |V|: a collapse loses at least `SHARE` of
    |V| and `TIMES` the median change from point to point. Neighbouring ones are one event, at the last point that keeps
    nine tenths of the fall; its bracket ends where half of it is lost.

    Arguments: `time`, s, rising; `voltage`, V; `current`, A, or None where it was not recorded: then a change of
    current cannot be ruled out, which the evidence says. Result: events of kind "voltage collapse", `factor` the ratio
    of |V| after to before. Raises InputError for arrays of different lengths or times that fall.
    Limits: pauses longer than `within` are not looked across, so that what a protocol does between its steps is left
    out; the voltage alone does not tell a breaking film from a filament that reaches across.

    >>> t = np.arange(0.0, 200.0, 0.5)
    >>> volt = 0.1 + 0.5 * np.exp(-(((t - 100.0) / 20.0) ** 2)) * (t < 100.2) + 1e-3 * np.sin(7.0 * t)
    >>> [(each.kind, each.coordinate, round(each.factor, 2)) for each in voltage_events(t, volt, np.ones(400))]
    [('voltage collapse', 100.0, 0.17)]
    """
    t, v = (np.asarray(each, dtype=float) for each in (time, voltage))
    amperes = None if current is None else np.asarray(current, dtype=float)
    if t.ndim != 1 or t.shape != v.shape or len(t) < 3 or (amperes is not None and amperes.shape != t.shape):
        raise InputError(f"{t.shape} times and {v.shape} voltages", remedy="give arrays of one length, 3 or more")
    if np.any(np.diff(t) < 0.0) or not (np.isfinite(t).all() and np.isfinite(v).all()):
        raise InputError("times fall, or a value is not finite", key="time", remedy="sort by time, leave out gaps")
    size = np.abs(v)
    end = np.searchsorted(t, t + within, side="right")
    lowest = _least(size, end)
    noise = 1.4826 * float(np.median(np.abs(np.diff(v))))
    fall = size - lowest
    falls = np.flatnonzero((fall >= SHARE * size) & (fall > TIMES * noise) & (fall > 0.0))
    groups = np.split(falls, np.flatnonzero(np.diff(t[falls]) > within) + 1) if len(falls) else []
    found = [_collapse(t, size, amperes, noise, end, int(group[np.argmax(size[group])])) for group in groups]
    return [each for each in found if each is not None]


def _least(size: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The least of size[k:end[k]] for each k, from minima over powers of two."""
    count = np.maximum(end - np.arange(len(size)), 1)
    level = np.floor(np.log2(count)).astype(int)
    found, width, table = np.empty_like(size), 1, size
    for k in range(int(level.max()) + 1):
        here = np.flatnonzero(level == k)
        found[here] = np.minimum(table[here], table[here + count[here] - width])
        table = np.minimum(table, np.concatenate([table[width:], np.full(min(width, len(table)), np.inf)]))
        width *= 2
    return found


def _collapse(
    t: np.ndarray, size: np.ndarray, current: np.ndarray | None, noise: float, end: np.ndarray, top: int
) -> Event | None:
    """The collapse after a point; None where the current changed with it."""
    bottom = top + int(np.argmin(size[top : end[top]]))
    if current is not None:
        flow = current[max(top - 1, 0) : bottom + 1]
        if np.ptp(flow) > SAME * float(np.max(np.abs(flow))):
            return None
    high, low = float(size[top]), float(size[bottom])
    path = size[top : bottom + 1]
    last = top + int(np.flatnonzero(path >= high - 0.1 * (high - low))[-1])
    half = last + int(np.flatnonzero(size[last : bottom + 1] <= 0.5 * (high + low))[0])
    before = size[(t >= t[top] - 60.0) & (t < t[top] - 1.0)]
    after = size[(t > t[bottom] + 1.0) & (t <= t[bottom] + 60.0)]
    text = f"voltage collapse at {t[last]:.2f} s: |V| falls from {high:.4g} to {low:.4g} V, half of it within "
    text += _duration(float(t[half] - t[last]))
    evidence = []
    if noise > 0.0:
        evidence.append(f"the fall is {(high - low) / noise:.0f} times the usual change from point to point")
    if len(before) and high > 1.5 * np.median(before):
        evidence.append(f"it ends a rise from {np.median(before):.3g} V, the median of the minute before")
    if len(before) and len(after):
        evidence.append(f"the median of the minute after is {np.median(after) / np.median(before):.3g} of that before")
    if current is None:
        evidence.append("the current was not recorded: a change of current is not ruled out")
    else:
        evidence.append(f"the current stays within {100.0 * SAME:g} % of {np.abs(current[top]):.4g} A")
    evidence.append("a film that breaks and a filament that reaches across both do so: look at the spectra beside it")
    error = noise / high * float(np.hypot(1.0, low / high))
    bracket = (float(t[last]), float(t[half]))
    return Event("voltage collapse", bracket[0], bracket, low / high, error, text, tuple(evidence))


def _duration(second: float) -> str:
    """A time in the unit that keeps it short.

    >>> _duration(3.5e-4), _duration(30.0), _duration(600.0)
    ('0.35 ms', '30 s', '10 min')
    """
    if second < 1.0:
        return f"{1e3 * second:.3g} ms"
    return f"{second:.3g} s" if second < 120.0 else f"{second / 60.0:.3g} min"


__all__ = ["voltage_events"]
