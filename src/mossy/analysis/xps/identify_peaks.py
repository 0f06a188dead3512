"""The peaks of a survey: maxima of a matched filter that neither steps nor humps pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SEEN = 6.0
"""Standard errors above the background, of a line as wide as the filter: noise makes none in 1000 widths."""
WIDTH = 2.5
"""eV: FWHM of the filter, that of a survey's core lines"""
_FLANKS = 8.0
"""eV: half of the span over which the filter adds up to nothing, so that steps and humps do not pass"""
_MEDIAN_SQUARE = 0.4549
"""Of a Gaussian variable over its variance"""
_CLIPPED = 12.0
"""eV: half of the widest peak that the background passes under"""
_LOSSES, _LOSS_RATIO = (9.0, 30.0), 0.4
"""eV beyond a stronger line, and of its significance at most: plasmons and other losses"""


@dataclass(frozen=True)
class Peaks:
    """Significance, in standard errors, and background of a survey over evenly spaced energies; its peaks.

    `background` is in counts of electrons; where these were not known, in what the scatter makes of them: one
    such count is `per_count` of the intensity given.
    """

    energy: np.ndarray
    significance: np.ndarray
    background: np.ndarray
    per_count: float
    places: np.ndarray
    """Indices of the maxima"""

    def all_between(self, low: float, high: float) -> set[int]:
        """Every peak between two energies."""
        at = self.energy[self.places]
        return {int(each) for each in self.places[(at >= low) & (at <= high)]}

    def between(self, low: float, high: float) -> int | None:
        """The most significant peak between two energies."""
        return max(self.all_between(low, high), key=lambda place: self.significance[place], default=None)

    def loss_of(self, place: int) -> float | None:
        """The energy of a peak whose losses may be this one."""
        apart = self.energy[place] - self.energy[self.places]
        strong = self.significance[self.places] * _LOSS_RATIO > self.significance[place]
        found = self.places[(apart > _LOSSES[0]) & (apart < _LOSSES[1]) & strong]
        return float(self.energy[found[np.argmax(self.significance[found])]]) if found.size else None


def found_peaks(energy: np.ndarray, counts: np.ndarray, poisson: bool) -> Peaks:
    """Maxima of the matched filter over a background that passes under all peaks."""
    step = float(np.median(np.diff(energy)))
    even = np.arange(energy[0], energy[-1], step)
    counts = np.interp(even, energy, counts)
    per_count = 1.0 if poisson else _per_count(counts)
    counts = counts / per_count
    background = _clipped(counts, max(int(_CLIPPED / step), 2))
    reach = math.ceil(1.5 * WIDTH / step)
    kernel = np.exp(-4.0 * math.log(2.0) * (np.arange(-reach, reach + 1) * step / WIDTH) ** 2)
    signal = np.convolve(counts - background, kernel, "same")
    noise = np.sqrt(np.convolve(np.maximum(background, 1.0), kernel**2, "same"))
    significance = signal / noise
    narrow = _narrow(counts, step) / np.sqrt(np.maximum(background, 1.0))
    significance = np.minimum(significance - float(np.median(significance)), narrow)
    higher = (significance[1:-1] > significance[:-2]) & (significance[1:-1] >= significance[2:])
    places = np.flatnonzero(higher & (significance[1:-1] > SEEN)) + 1
    return Peaks(even, significance, background, per_count, places)


def _narrow(counts: np.ndarray, step: float) -> np.ndarray:
    """The counts through a filter that adds up to nothing, over its noise per root of a count."""
    reach = math.ceil(_FLANKS / step)
    kernel = np.exp(-4.0 * math.log(2.0) * (np.arange(-reach, reach + 1) * step / WIDTH) ** 2)
    kernel -= kernel.mean()
    padded = np.pad(counts, reach, mode="edge")
    return np.convolve(padded, kernel, "valid") / math.sqrt(float(kernel @ kernel))


def _per_count(counts: np.ndarray) -> float:
    """Variance over intensity, from what second differences cannot be but noise."""
    second = counts[2:] - 2.0 * counts[1:-1] + counts[:-2]
    smooth = np.maximum(np.convolve(counts, np.full(3, 1.0 / 3.0), "valid"), 1e-9 * counts.max())
    ratio = float(np.median(second**2 / (6.0 * smooth))) / _MEDIAN_SQUARE
    return max(ratio, 1e-12 * float(counts.max()))


def _clipped(counts: np.ndarray, widest: int) -> np.ndarray:
    """Peaks clipped off between neighbours ever further apart (SNIP), on the logarithm of a logarithm of a root.

    Source: C. G. Ryan, E. Clayton, W. L. Griffin, S. H. Sie, D. R. Cousens, Nucl. Instrum. Methods B 34 (1988) 396,
    doi 10.1016/0168-583X(88)90063-8.
    """
    padded = np.pad(np.convolve(np.pad(counts, 2, mode="edge"), np.full(5, 0.2), "valid"), widest, mode="edge")
    level = np.log(np.log(np.sqrt(np.maximum(padded, 0.0) + 1.0) + 1.0) + 1.0)
    for apart in range(widest, 0, -1):
        inner = slice(apart, len(level) - apart)
        level[inner] = np.minimum(level[inner], 0.5 * (level[2 * apart :] + level[: -2 * apart]))
    return ((np.exp(np.exp(level) - 1.0) - 1.0) ** 2 - 1.0)[widest:-widest]
