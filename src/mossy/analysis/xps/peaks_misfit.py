"""Where a fit leaves more than noise and more than lines deviate from every shape: a systematic floor.

Real lines deviate from any formula (the analyser's function, vibrations, charge over the spot) by some per cent of
their height. What is left within 2 % of the highest line nearby, and within 1 % of the highest of the region (losses
and backgrounds), is no evidence of another line, whatever the counts. Both are choices; with them, spectra of sodium
deposits get about as many lines as their authors fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mossy.analysis.xps.peaks_region import Region

FLOOR = 0.02
"""Of the highest line nearby: how far real lines deviate from a shape"""
_NEARBY = 1.5
"""eV"""
_ANYWHERE = 0.01
"""Of the highest line of the region: how far backgrounds and losses deviate from their formulas, at any energy"""
POOR = 2.0
"""Reduced chi squared, with the floor, above which a fit does not describe its region"""
_MISSED = 5.0
"""Standard errors, with the floor, of a line that would take up what is left"""
_MATCHED = 1.2
_MEDIAN_SQUARE = 0.4549
"""Of a Gaussian variable over its variance"""


@dataclass(frozen=True)
class Misfit:
    """`reduced` chi squared with the floor; `energy` where most is left, with its `significance`; what is left, counts
    eV beyond noise and floor (`unexplained`)."""

    reduced: float
    energy: float
    significance: float
    unexplained: float

    @property
    def poor(self) -> bool:
        """Whether more is left than noise and the deviations of real lines."""
        return self.reduced > POOR or self.significance > _MISSED


def floor_of(energy: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """(n,): the systematic error of the lines' counts, from the lines (n,) themselves."""
    near, above = np.abs(energy[:, None] - energy) <= _NEARBY, np.maximum(lines, 0.0)
    return np.maximum(FLOOR * np.max(np.where(near, above, 0.0), axis=1), _ANYWHERE * above.max())


def misfit_of(region: Region, modelled: np.ndarray, lines: np.ndarray, freedom: int) -> Misfit:
    """What `modelled` counts leave; `lines` (n,) are their part above the background."""
    left, level = region.counts - modelled, np.maximum(modelled, 1.0)
    variance = level if region.poisson else _scatter(left, np.maximum(modelled, 1e-12 * modelled.max()))
    floor = floor_of(region.energy, lines)
    floored = left / np.sqrt(variance + floor**2)
    kernel = np.exp(-4.0 * math.log(2.0) * ((region.energy[:, None] - region.energy) / _MATCHED) ** 2)
    gain = np.abs(kernel @ left) / np.sqrt(kernel**2 @ variance + (kernel @ floor) ** 2)
    worst = int(np.argmax(gain))
    steps = np.gradient(region.energy)
    beyond = np.sqrt(np.maximum(left**2 - 4.0 * (variance + floor**2), 0.0))
    return Misfit(
        float(floored @ floored) / freedom,
        float(region.energy[worst]),
        float(gain[worst]),
        float(beyond @ steps),
    )


def _scatter(left: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The variance of the noise, in proportion to the level, from second differences of what is left."""
    second = left[2:] - 2.0 * left[1:-1] + left[:-2]
    ratio = float(np.median(second**2 / (6.0 * level[1:-1]))) / _MEDIAN_SQUARE
    return np.maximum(ratio, 1e-12) * level
