"""The peaks of a distribution of relaxation times: found in one, and followed through a series."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

from mossy.errors import InputError

SMALLEST_SHARE = 0.003
"""Share of the polarisation resistance below which a maximum is no peak."""
SIGNIFICANT = 2.0
"""Standard errors that a peak's resistance, and its height above the valley beside it, must reach."""
LEAST_PROMINENCE = 0.01
"""Height above the valley beside it, as a part of the highest peak's, that a peak must have."""
LARGEST_STEP = float(np.log(4.0))
"""Change of ln tau from one spectrum to the next up to which a peak is the same."""
PATIENCE = 2
"""Spectra in a row that a peak may be missing from without its track ending."""


@dataclass(frozen=True)
class Peak:
    """One process: `time_constant` tau, s; `frequency` 1/(2 pi tau), Hz; `resistance`, the area from valley to valley,
    ohm, with `standard_error`; `width`, full at half of the height, in ln tau.
    """

    time_constant: float
    frequency: float
    resistance: float
    standard_error: float
    width: float


@dataclass
class Track:
    """One process through a series: `numbers` of its spectra (from 0), their `coordinate` and its `peaks` there.

    `born`: it is missing from the first spectrum; `died`: from the last.
    """

    numbers: list[int] = field(default_factory=list)
    coordinate: list[float] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)
    born: bool = False
    died: bool = False

    @property
    def time_constants(self) -> np.ndarray:
        """s."""
        return np.array([peak.time_constant for peak in self.peaks])

    @property
    def resistances(self) -> np.ndarray:
        """ohm."""
        return np.array([peak.resistance for peak in self.peaks])

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the resistances, ohm."""
        return np.array([peak.standard_error for peak in self.peaks])


class HasPeaks(Protocol):
    """What can be followed: a distribution, or anything else with peaks."""

    @property
    def peaks(self) -> tuple[Peak, ...]:
        """In rising time constant."""


def find_peaks(time_constants: np.ndarray, density: np.ndarray, covariance: np.ndarray) -> tuple[Peak, ...]:
    """The maxima of gamma between its valleys, the ends of the grid left out, in rising time constant.

    Arguments: `time_constants` tau on a logarithmic grid, s; `density` gamma, ohm per ln tau; its `covariance`.
    Limits: processes closer than the regularisation resolves are one peak of their summed resistance.

    >>> tau = np.geomspace(1e-4, 1.0, 81)
    >>> gamma = 10.0 * np.exp(-0.5 * np.log(tau / 0.01) ** 2) / np.sqrt(2.0 * np.pi)
    >>> peak = find_peaks(tau, gamma, 1e-6 * np.eye(81))[0]
    >>> round(peak.time_constant, 4), round(peak.resistance, 2)
    (0.01, 10.0)
    """
    step = float(np.log(time_constants[1] / time_constants[0]))
    total = step * density.sum()
    peaks = []
    for first, top, last in _segments(density, covariance):
        weights = np.zeros(len(density))
        weights[first : last + 1] = step
        weights[[place for place in (first, last) if density[place] > 0.0]] = 0.5 * step
        area, error = float(weights @ density), float(np.sqrt(max(weights @ covariance @ weights, 0.0)))
        if area > SMALLEST_SHARE * total and area > SIGNIFICANT * error:
            tau = float(time_constants[0] * np.exp(step * _centre(density, first, top, last)))
            width = step * _half_width(density[first : last + 1], top - first)
            peaks.append(Peak(tau, 1.0 / (2.0 * np.pi * tau), area, error, width))
    return tuple(peaks)


def _segments(density: np.ndarray, covariance: np.ndarray) -> list[tuple[int, int, int]]:
    """(valley, top, valley) of each maximum that is not at an end and stands out from the higher of its valleys."""
    rising = np.diff(np.concatenate([[-1.0], density])) > 0.0
    falling = np.diff(np.concatenate([density, [-1.0]])) <= 0.0
    tops = [int(place) for place in np.flatnonzero(rising & falling) if density[place] > 0.0]
    while True:
        valleys = [int(a + np.argmin(density[a : b + 1])) for a, b in itertools.pairwise(tops)]
        edges = [0, *valleys, len(density) - 1]
        heights = [
            _prominence(density, covariance, top, around) for top, around in zip(tops, _between(edges), strict=True)
        ]
        if not heights or min(heights) > 1.0:
            break
        del tops[int(np.argmin(heights))]
    found = zip(edges[:-1], tops, edges[1:], strict=True)
    return [(first, top, last) for first, top, last in found if 0 < top < len(density) - 1]


def _between(edges: list[int]) -> list[list[int]]:
    """The inner valleys beside each top."""
    inner = {*edges[1:-1]}
    return [[place for place in pair if place in inner] for pair in itertools.pairwise(edges)]


def _prominence(density: np.ndarray, covariance: np.ndarray, top: int, valleys: list[int]) -> float:
    """How far a maximum stands above the higher valley beside it, in units of what would be a peak."""
    if not valleys:
        return np.inf
    valley = max(valleys, key=lambda place: density[place])
    error = np.sqrt(max(covariance[top, top] + covariance[valley, valley] - 2.0 * covariance[top, valley], 0.0))
    least = max(SIGNIFICANT * error, LEAST_PROMINENCE * density.max(), 1e-300)
    return float((density[top] - density[valley]) / least)


def _centre(density: np.ndarray, first: int, top: int, last: int) -> float:
    """The place of a peak, in steps: the centroid of what rises above half of its height; of all if it is narrow."""
    within = density[first : last + 1]
    above = np.maximum(within - 0.5 * density[top], 0.0)
    if np.count_nonzero(above) <= 3:
        near = slice(max(top - 3, first), min(top + 3, last) + 1)
        return float(np.arange(len(density))[near] @ density[near] / density[near].sum())
    return float(first + np.arange(len(above)) @ above / above.sum())


def _half_width(values: np.ndarray, top: int) -> float:
    """Full width at half of the maximum, in steps; up to the valley where gamma does not fall as low."""
    half = 0.5 * values[top]
    width = 0.0
    for side in (values[top:], values[top::-1]):
        below = np.flatnonzero(side < half)
        if len(below):
            place = int(below[0])
            width += place - 1 + (side[place - 1] - half) / (side[place - 1] - side[place])
        else:
            width += len(side) - 1
    return float(width)


def track(distributions: Sequence[HasPeaks], coordinate: Any = None) -> list[Track]:
    """Peaks linked over a series: in each step the assignment of least summed |change of ln tau|, none above
    `LARGEST_STEP`; a peak without a partner begins a track, a track without one for more than `PATIENCE` spectra ends.

    Arguments: `distributions` in order; `coordinate` one number each (time, cycle, temperature), else 0, 1, 2...
    Result: the tracks in rising first time constant. Raises InputError where the numbers differ.
    Limits: two processes that cross in tau between two spectra are taken for each other.
    Source: the assignment of H. W. Kuhn, Nav. Res. Logist. Q. 2 (1955) 83, doi 10.1002/nav.3800020109.

    >>> class Spectrum:
    ...     def __init__(self, *taus): self.peaks = tuple(Peak(tau, 0.16 / tau, 1.0, 0.1, 1.0) for tau in taus)
    >>> [each.numbers for each in track([Spectrum(1e-3, 1.0), Spectrum(2e-3, 1.1), Spectrum(3e-3)])]
    [[0, 1, 2], [0, 1]]
    """
    places = np.arange(len(distributions), dtype=float) if coordinate is None else np.asarray(coordinate, dtype=float)
    if places.shape != (len(distributions),):
        problem = f"{len(distributions)} distributions and a coordinate of shape {places.shape}"
        raise InputError(problem, key="coordinate", remedy="give one number for each distribution")
    tracks: list[Track] = []
    for number, distribution in enumerate(distributions):
        open_tracks = [each for each in tracks if number - each.numbers[-1] <= PATIENCE + 1]
        partners = _assign(open_tracks, distribution.peaks)
        for peak, partner in zip(distribution.peaks, partners, strict=True):
            chosen = partner if partner is not None else Track(born=number > 0)
            if partner is None:
                tracks.append(chosen)
            chosen.numbers.append(number)
            chosen.coordinate.append(float(places[number]))
            chosen.peaks.append(peak)
    for each in tracks:
        each.died = each.numbers[-1] < len(distributions) - 1
    return sorted(tracks, key=lambda each: each.peaks[0].time_constant)


def _assign(tracks: list[Track], peaks: tuple[Peak, ...]) -> list[Track | None]:
    """For each peak its track, or None."""
    if not tracks or not peaks:
        return [None] * len(peaks)
    before = np.log([each.peaks[-1].time_constant for each in tracks])
    now = np.log([peak.time_constant for peak in peaks])
    cost = np.minimum(np.abs(now[:, None] - before), 2.0 * LARGEST_STEP)
    partners: list[Track | None] = [None] * len(peaks)
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        if cost[row, column] <= LARGEST_STEP:
            partners[row] = tracks[column]
    return partners
