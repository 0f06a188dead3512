"""What a spectrum says without a model: the high-frequency intercept and the end of the arcs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.spectra import spectrum_of

_CLOSED, _RISE = 0.1, 0.05
"""An arc is closed where -Z'' has fallen below this share of its height; a tail must rise by this share of it."""


@dataclass(frozen=True)
class Reading:
    """ohm. `ohmic` is Z' where Z'' = 0 at high frequency, or, with `intercept` False, Z' at the highest frequency: at
    most that. `arcs` is the width from there to where the arcs end, or, with `closed` False, to the lowest frequency:
    at least that. The errors are half the distance to the neighbouring points: how finely the axis was sampled.
    """

    ohmic: float
    ohmic_error: float
    arcs: float
    arcs_error: float
    intercept: bool
    closed: bool
    highest_hertz: float
    end_hertz: float


def read(given: Any) -> Reading:
    """The intercept and the width of the arcs of one spectrum.

    The arcs end at the minimum of -Z'' before a low-frequency tail, or at the lowest frequency where -Z'' has fallen
    below a tenth of the arc's height; an arc of diffusion that closes within the sweep is among them.
    Limits: for R0 with one arc R1 the two resistances, within 1 % where the sweep covers a decade beyond both ends.

    >>> f = np.logspace(5, -2, 71)
    >>> found = read((f, 5.0 + 40.0 / (1.0 + 2j * np.pi * f * 1e-2)))
    >>> round(found.ohmic, 1), round(found.arcs, 1), found.closed
    (5.0, 40.0, True)
    """
    spectrum = spectrum_of(given, fewest=4)
    order = np.argsort(-spectrum.frequency, kind="stable")
    frequency = spectrum.frequency[order]
    real, height = spectrum.impedance.real[order], -spectrum.impedance.imag[order]
    crossing = _crossing(height)
    flat = bool(height[0] <= 0.01 * max(float(height.max()), 1e-300))
    if crossing is None:
        start, ohmic, intercept = 0, float(real[0]), flat
        ohmic_error = 0.5 * abs(float(real[1] - real[0]))
    else:
        start, intercept = crossing + 1, True
        share = height[crossing] / (height[crossing] - height[start])
        ohmic = float(real[crossing] + share * (real[start] - real[crossing]))
        ohmic_error = 0.5 * abs(float(real[start] - real[crossing]))
    end, closed = _end(height, start)
    near = [k for k in (end - 1, end + 1) if start <= k < len(real)]
    end_error = 0.5 * float(np.mean([abs(real[k] - real[end]) for k in near])) if near else 0.0
    arcs = max(float(real[end]) - ohmic, 0.0)
    error = float(np.hypot(ohmic_error, end_error))
    return Reading(ohmic, ohmic_error, arcs, error, intercept, closed, float(frequency[start]), float(frequency[end]))


def _crossing(height: np.ndarray) -> int | None:
    """The last point of the inductive part at the high frequencies, or None where there is none."""
    if height[0] >= 0.0 or not (height > 0.0).any():
        return None
    return int(np.argmax(height > 0.0)) - 1


def _end(height: np.ndarray, start: int) -> tuple[int, bool]:
    """Where the arcs end, and whether they do: at the minimum before the last rise of -Z'', else at the last point."""
    part = height[start:]
    least = _RISE * float(part.max())
    lowest = last = len(part) - 1
    for k in range(last - 1, -1, -1):
        if part[k] < part[lowest]:
            lowest = k
        elif part[k] > part[lowest] + least:
            break
    if part[last] - part[lowest] > least and part[:lowest].max(initial=-np.inf) - part[lowest] > least:
        return start + lowest, True
    return start + last, bool(part[last] <= _CLOSED * float(part.max()))
