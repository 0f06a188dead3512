"""Regions of photoelectron spectra whose lines and backgrounds are known, written with SciPy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import integrate, special

from mossy.records import Photoemission


def region(
    name: str,
    lines: Sequence[tuple[float, float]],
    *,
    span: tuple[float, float],
    step: float = 0.1,
    width: float = 1.2,
    lorentzian: float = 0.0868,
    ends: tuple[float, float] = (900.0, 1000.0),
    shirley: float = 0.0,
    tougaard: float = 0.0,
    doublet: tuple[float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Energies and expected counts of Voigt lines (position, area) over a straight line and their losses."""
    energy = np.arange(span[0], span[1] + 0.5 * step, step)
    total = np.zeros_like(energy)
    for position, area in lines:
        parts = [(position, area)]
        if doublet is not None:
            splitting, ratio = doublet
            parts = [(position, area / (1.0 + ratio)), (position + splitting, area * ratio / (1.0 + ratio))]
        for at, part in parts:
            total += part * special.voigt_profile(energy - at, width / np.sqrt(8.0 * np.log(2.0)), 0.5 * lorentzian)
    under = ends[0] + (ends[1] - ends[0]) * (energy - energy[0]) / (energy[-1] - energy[0])
    under = under + shirley * integrate.cumulative_trapezoid(total, energy, initial=0.0)
    if tougaard:
        loss = np.maximum(energy[:, None] - energy, 0.0)
        kernel = 2866.0 * loss / (1643.0 + loss**2) ** 2
        under = under + tougaard * integrate.trapezoid(kernel * total, energy, axis=1)
    return energy, total + under


def record(name: str, energy: np.ndarray, counts: np.ndarray, **metadata: object) -> Photoemission:
    """A record of counts with Al K alpha, energies falling as most instruments have them."""
    table = pl.DataFrame({"binding_energy_electronvolt": energy[::-1], "intensity_counts": counts[::-1].astype(float)})
    known = {"region": name, "excitation_energy_electronvolt": 1486.6}
    return Photoemission(table, known | metadata)


def noisy(name: str, energy: np.ndarray, expected: np.ndarray, seed: int, **metadata: object) -> Photoemission:
    """The record of one measurement: Poisson counts."""
    return record(name, energy, np.random.default_rng(seed).poisson(expected), **metadata)
