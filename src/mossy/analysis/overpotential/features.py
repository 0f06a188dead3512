"""The shape of every trace in numbers: tenths of the charge, the peak at its start, its dip, rise, arch and end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.overpotential.level import Levels
from mossy.analysis.overpotential.pieces import Pieces, grouped_median

TENTHS = 10
SETTLED = 3
"""Tenths of the charge after which a trace that still rises does so for another reason than that the current began."""
_EARLY = 0.2
"""A peak at the start lies before this share of the charge."""


@dataclass(frozen=True, eq=False)
class Features:
    """Of each piece, V unless said otherwise; NaN where its rows do not fill the tenths.

    `tenths` (P, 10): medians; `error`: the standard error of one; `noise`: of one row. `fall`, `rise`: from the highest
    tenth before the lowest one down to it, and from it up to the highest after it; `late_rise`: from the tenth after
    `SETTLED` of the charge up to the highest after it. `arch`: the middle two tenths above
    the mean of the first and last: positive where concave. `slope`: of the plateau, V for the whole charge.
    `end_rise`: the last tenth above the line through the three before it. Of the peak at the start: `height` above the
    plateau's median; `threshold`, which noise alone passes in one trace of about a thousand; the shares of the charge
    passed at its `top` and when it has fallen to `half` its height, and the time (s) until then.
    """

    tenths: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    fall: np.ndarray
    rise: np.ndarray
    late_rise: np.ndarray
    arch: np.ndarray
    slope: np.ndarray
    end_rise: np.ndarray
    height: np.ndarray
    threshold: np.ndarray
    top: np.ndarray
    half: np.ndarray
    half_time: np.ndarray


def features(pieces: Pieces, found: Levels) -> Features:
    """The features of all pieces."""
    count = len(pieces)
    tenth = pieces.piece * TENTHS + np.minimum((pieces.fraction * TENTHS).astype(int), TENTHS - 1)
    medians = grouped_median(pieces.polarisation, pieces.weight, tenth, count * TENTHS).reshape(count, TENTHS)
    rows = np.bincount(tenth, minlength=count * TENTHS).reshape(count, TENTHS)
    # 1.2533 = (pi/2)^1/2, the median against the mean
    error = 1.2533 * found.noise * np.sqrt(found.correlated / np.maximum(np.median(rows, axis=1), 1.0))
    filled = np.isfinite(medians).all(axis=1)
    lowest = np.where(filled, np.nan_to_num(medians).argmin(axis=1), 0)
    place = np.arange(TENTHS)
    least = medians[np.arange(count), lowest]
    before = np.where(place <= lowest[:, None], medians, -np.inf).max(axis=1) - least
    after = np.where(place >= lowest[:, None], medians, -np.inf).max(axis=1) - least
    late = medians[:, SETTLED:].max(axis=1) - medians[:, SETTLED]
    arch = medians[:, 4:6].mean(axis=1) - 0.5 * (medians[:, 0] + medians[:, 9])
    weights = (place[2:8] - 4.5) / ((place[2:8] - 4.5) ** 2).sum()
    slope = TENTHS * medians[:, 2:8] @ weights
    line = medians[:, 6:9].mean(axis=1) + (medians[:, 8] - medians[:, 6])
    peak = _peak(pieces, found)
    return Features(medians, error, found.noise, before, after, late, arch, slope, medians[:, 9] - line, *peak)


def _peak(pieces: Pieces, found: Levels) -> tuple[np.ndarray, ...]:
    """Height, threshold, and where the peak stands and has fallen to half."""
    count = len(pieces)
    early = pieces.fraction < _EARLY
    piece, value = pieces.piece[early], pieces.polarisation[early] - found.median[pieces.piece[early]]
    height = np.full(count, -np.inf)
    np.maximum.at(height, piece, value)
    height[~np.isfinite(height)] = np.nan
    rows = np.bincount(piece, minlength=count)
    threshold = found.noise * (np.sqrt(2.0 * np.log(np.maximum(rows, 2))) + 3.0)
    at = np.flatnonzero(value == height[piece])
    first = np.full(count, -1)
    first[piece[at][::-1]] = at[::-1]
    place = np.flatnonzero(early)
    top_row = np.zeros(count, dtype=int)
    top_row[first >= 0] = place[first[first >= 0]]
    top = np.where(first >= 0, pieces.fraction[top_row], np.nan)
    half_row = _fallen(pieces, found, top_row, height)
    known = (half_row >= 0) & (first >= 0)
    begin = np.array([row["start"] for row in pieces.table])
    half = np.where(known, pieces.fraction[np.maximum(half_row, 0)], np.nan)
    half_time = np.where(known, pieces.time[np.maximum(half_row, 0)] - begin, np.nan)
    return height, threshold, top, half, half_time


def _fallen(pieces: Pieces, found: Levels, top_row: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The first row after the top that is below half the peak's height; -1 where there is none."""
    level = found.median + 0.5 * height
    below = (pieces.polarisation < level[pieces.piece]) & (np.arange(len(pieces.piece)) > top_row[pieces.piece])
    rows = np.flatnonzero(below)
    fallen = np.full(len(pieces), -1)
    fallen[pieces.piece[rows][::-1]] = rows[::-1]
    return fallen
