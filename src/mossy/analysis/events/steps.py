"""Steps in traces that also change slowly: in which gaps, and how large.

In each gap between two spectra

    y = a + b u + c u^2 + step H(u),   u = (x - x_gap)/width

is fitted to a few spectra on each side; the step beyond the threshold that is largest in its errors is taken, windows
end there, and the search goes on.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from mossy.analysis.events.traces import Trace

WINDOW = 6
"""Spectra on each side of a gap through which the slow trend is drawn."""
SIDES = ((WINDOW, WINDOW), (WINDOW, 1), (1, WINDOW))
"""How many spectra before and after a gap a step is fitted to: an onset that what follows blurs is seen from before."""
FEW = 6
"""Spectra that a step and a straight trend need at least."""
LEVEL = 1e-3
"""Chance of a false alarm in a series without events that the thresholds are set to, for normal scatter."""
LEAST = 0.05
"""Change of a logarithm below which a step is no event, however certain."""


def find_steps(x: np.ndarray, traces: list[Trace]) -> list[int]:
    """The gaps with a step, by the place of the spectrum before: greedy, then each again with all others known."""
    scaled = [(y, scatter(x, y, e)) for y, e in traces]
    threshold = float(stats.t.isf(LEVEL / (2.0 * len(traces) * (len(x) - 1)), len(x)))

    def statistic(gap: int, breaks: list[int]) -> float:
        sizes = [step_size(x, y, s, gap, breaks, sides) for y, s in scaled for sides in SIDES]
        return max((abs(step) / error for step, error in sizes if abs(step) > LEAST), default=0.0)

    breaks: list[int] = []
    sizes = np.array([statistic(gap, breaks) for gap in range(len(x) - 1)])
    while sizes.max() > threshold:
        found = int(sizes.argmax())
        breaks = sorted([*breaks, found])
        for gap in range(max(found - WINDOW, 0), min(found + WINDOW + 1, len(sizes))):
            sizes[gap] = 0.0 if gap in breaks else statistic(gap, breaks)
        sizes[found] = 0.0
    for gap in list(breaks):
        others = [each for each in breaks if each != gap]
        breaks = breaks if statistic(gap, others) > threshold else others
    return breaks


def scatter(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Standard deviation of each point: its noise, or what the points show against the line of their neighbours."""
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    off = (y[1:-1] - (1.0 - share) * y[:-2] - share * y[2:]) / np.sqrt(1.0 + share**2 + (1.0 - share) ** 2)
    off = off[np.isfinite(off)]
    shown = 1.4826 * float(np.median(np.abs(off))) if len(off) else np.inf
    return np.maximum(np.where(np.isfinite(error), error, 0.0), max(shown, 1e-6))


def step_size(
    x: np.ndarray, y: np.ndarray, s: np.ndarray, gap: int, breaks: list[int], sides: tuple[int, int]
) -> tuple[float, float]:
    """(step, standard error) of y in the gap after a spectrum, with at most so many spectra on its two `sides`.

    (0, infinity) where a step cannot be told from a trend.
    """
    first = max([each + 1 for each in breaks if each < gap], default=0)
    last = min([each for each in breaks if each > gap], default=len(x) - 1)
    before = [k for k in range(max(first, gap - sides[0] + 1), gap + 1) if np.isfinite(y[k])]
    after = [k for k in range(gap + 1, min(last, gap + sides[1]) + 1) if np.isfinite(y[k])]
    rows = np.array(before + after, dtype=int)
    if not before or not after or len(rows) < FEW or gap < 2 or not np.isfinite(s[rows]).all():
        return 0.0, np.inf
    degree = 2 if len(rows) >= 8 else 1
    u = (x[rows] - 0.5 * (x[gap] + x[gap + 1])) / np.ptp(x[rows])
    design = np.column_stack([u[:, None] ** np.arange(degree + 1), u > 0.0]) / s[rows, None]
    values, *_ = np.linalg.lstsq(design, y[rows] / s[rows], rcond=None)
    misfit = float(np.sum((y[rows] / s[rows] - design @ values) ** 2))
    scale = max(1.0, misfit / (len(rows) - design.shape[1]))
    variance = float(np.linalg.pinv(design.T @ design)[-1, -1])
    return float(values[-1]), float(np.sqrt(variance * scale))
