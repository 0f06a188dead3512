"""The level of a plateau: its median, how far it spreads, and how well the median is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.overpotential.pieces import NORMAL, grouped_mean, grouped_median, noise_of

FIRST, LAST = 0.2, 0.8
"""The plateau is what lies between these shares of a half-cycle's charge."""
_BLOCKS, _SHARED = 12, 20


@dataclass(frozen=True, eq=False)
class Levels:
    """One value a group, in the unit of the values; NaN where a group has too few rows to tell."""

    median: np.ndarray
    spread: np.ndarray
    standard_error: np.ndarray
    noise: np.ndarray
    correlated: float


def levels(values: np.ndarray, weights: np.ndarray, group: np.ndarray, fraction: np.ndarray, count: int) -> Levels:
    """Weighted median, spread and standard error of each group between the shares `FIRST` and `LAST`.

    The weights are what passed in each row's interval (charge, time), so that a trace recorded densely where it changes
    is not judged by those rows. spread = 1.4826 times the weighted median absolute deviation: noise, slope and shape
    together. The standard error is that of the median against noise alone: with sigma from second differences,

        se^2 = c max(pi/2, 0.564 R/sigma) sigma^2 / n,

    the second bound because a median of a trace that slopes by R is decided by the few rows near it. c >= 1 is how much
    more slowly than white noise the noise averages out, from third differences of twelve block means, over all groups.
    Groups with fewer than 5 rows in the plateau have no error.
    Limits: pi/2 sigma^2/n, the error of the median of n normal values, where nothing slopes.

    Source: the variance of an order statistic of unequal normals, sum F(1-F) / (sum f)^2; derived here.
    """
    inside = (fraction >= FIRST) & (fraction <= LAST)
    # a half-cycle of few rows may have none there: then all of it counts
    empty = np.bincount(group[inside], minlength=count) == 0
    inside |= empty[group]
    value, weight, of, share = values[inside], weights[inside], group[inside], fraction[inside]
    median = grouped_median(value, weight, of, count)
    spread = NORMAL * grouped_median(np.abs(value - median[of]), weight, of, count)
    noise = _steadied(noise_of(value, of, count), np.bincount(of, minlength=count))
    rows = np.bincount(of, minlength=count)
    block = np.clip(((share - FIRST) / (LAST - FIRST) * _BLOCKS).astype(int), 0, _BLOCKS - 1)
    means = grouped_mean(value, weight, of * _BLOCKS + block, count * _BLOCKS).reshape(count, _BLOCKS)
    correlated = _inflation(means, noise, rows)
    run = np.zeros(count)
    filled = np.isfinite(means).all(axis=1)
    run[filled] = np.ptp(means[filled], axis=1)
    squared = grouped_mean(weight, np.ones(len(weight)), of, count) ** 2
    effective = rows * squared / np.maximum(grouped_mean(weight**2, np.ones(len(weight)), of, count), 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        sloped = np.where(noise > 0.0, 0.564 * run / noise, 0.0)
        error = noise * np.sqrt(correlated * np.maximum(0.5 * np.pi, sloped) / effective)
    return Levels(median, spread, error, noise, correlated)


def _steadied(noise: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The noise of groups of few rows drawn towards that of all: the record's median counts as `_SHARED` rows."""
    if not np.isfinite(noise).any():
        return noise
    typical = float(np.nanmedian(noise))
    return np.sqrt((rows * noise**2 + _SHARED * typical**2) / (rows + _SHARED))


def _inflation(means: np.ndarray, noise: np.ndarray, rows: np.ndarray) -> float:
    """Variance of block means over that of white noise, at least 1: the median over groups that have rows enough."""
    third = np.diff(means, n=3, axis=1)
    usable = np.isfinite(third).all(axis=1) & (rows >= 4 * _BLOCKS) & (noise > 0.0)
    if not usable.any():
        return 1.0
    variance = (third[usable] ** 2).mean(axis=1) / 20.0  # 1 + 9 + 9 + 1
    return max(1.0, float(np.median(variance * rows[usable] / _BLOCKS / noise[usable] ** 2)))


def known(value: float) -> float | None:
    """The value, or None for NaN."""
    return float(value) if np.isfinite(value) else None
