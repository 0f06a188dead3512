"""What lies under the lines of a region: inside the model by default, subtracted beforehand for compatibility.

Inside the model a background is a straight line (or a constant) >= 0 whose weights are solved for with the areas, and
losses: a linear operator on the lines times an amplitude that the fit adjusts. The operators are those of
`mossy.laws.photoemission.shirley` and `.tougaard`, as matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mossy.errors import InputError, suggest

_UNIVERSAL_B, _UNIVERSAL_C = 2866.0, 1643.0
"""eV2: S. Tougaard, Surf. Interface Anal. 11 (1988) 453, doi 10.1002/sia.740110902."""
_ROUNDS, _SETTLED = 50, 1e-6
_END_POINTS = 3


def shirley_matrix(energy: np.ndarray) -> np.ndarray:
    """The matrix that integrates lines from the lowest energy (trapezoidal rule); `energy` (n,) rises. Unit: eV.

    >>> (shirley_matrix(np.array([1.0, 2.0, 3.0])) @ np.array([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    half = 0.5 * np.diff(energy)
    matrix = np.tril(np.ones((len(energy), len(energy))), -1) * np.concatenate([half, [0.0]])
    matrix[1:, 1:] += np.tril(np.ones((len(energy) - 1, len(energy) - 1))) * half
    return matrix


def tougaard_matrix(energy: np.ndarray) -> np.ndarray:
    """The matrix of losses with the universal cross section, B T/(C + T^2)^2; `energy` (n,) rises. Unit: 1.

    >>> round(float((tougaard_matrix(np.array([0.0, 10.0, 20.0])) @ np.array([0.1, 0.0, 0.0]))[1]), 6)
    0.004717
    """
    steps = np.diff(energy)
    weights = 0.5 * (np.append(steps, 0.0) + np.append(0.0, steps))
    loss = np.maximum(energy[:, None] - energy, 0.0)
    return _UNIVERSAL_B * loss / (_UNIVERSAL_C + loss**2) ** 2 * weights


def line_columns(energy: np.ndarray) -> np.ndarray:
    """Two columns that make every straight line >= 0 over the energies with weights >= 0: its values at the ends."""
    rise = (energy - energy[0]) / (energy[-1] - energy[0])
    return np.stack([1.0 - rise, rise], axis=1)


def constant_column(energy: np.ndarray) -> np.ndarray:
    """One column of ones."""
    return np.ones((len(energy), 1))


@dataclass(frozen=True)
class Background:
    """How a background enters: columns solved for linearly, an operator on the lines with bounds of its amplitude."""

    columns: Callable[[np.ndarray], np.ndarray]
    operator: Callable[[np.ndarray], np.ndarray] | None = None
    amplitude: tuple[float, float] = (0.0, 1.0)
    static: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


def _nothing(energy: np.ndarray) -> np.ndarray:
    return np.empty((len(energy), 0))


def _ends(counts: np.ndarray) -> tuple[float, float]:
    points = min(_END_POINTS, len(counts) // 4 + 1)
    return float(np.mean(counts[:points])), float(np.mean(counts[-points:]))


def static_line(energy: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The straight line between the means of the three points at either end of a region."""
    low, high = _ends(counts)
    return low + (high - low) * (energy - energy[0]) / (energy[-1] - energy[0])


def static_shirley(energy: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Shirley's background between the ends of a region, iterated: B = low + (high - low) int_0^E (I - B)/int (I - B).

    Arguments: `energy` (n,), eV, rising; `counts` (n,). Result: (n,), unit of the counts. The ends are the means of
    three points. A straight line where nothing is left above it. Traps: it goes through the ends whatever their noise,
    and its uncertainty is in no covariance: prefer a background inside the model.
    Source: D. A. Shirley, Phys. Rev. B 5 (1972) 4709, doi 10.1103/PhysRevB.5.4709.

    >>> energy = np.linspace(-5.0, 5.0, 401)
    >>> peak = np.exp(-(energy**2))
    >>> step = 100.0 + 5.0 * shirley_matrix(energy) @ peak
    >>> bool(np.abs(static_shirley(energy, step + 50.0 * peak) - step).max() < 0.01)
    True
    """
    low, high = _ends(counts)
    background, matrix = static_line(energy, counts), shirley_matrix(energy)
    for _ in range(_ROUNDS):
        passed = matrix @ (counts - background)
        if passed[-1] <= 0.0:
            return static_line(energy, counts)
        renewed = low + (high - low) * passed / passed[-1]
        moved = np.max(np.abs(renewed - background))
        background = renewed
        if moved <= _SETTLED * max(abs(low), abs(high)):
            break
    return background


BACKGROUNDS: dict[str, Background] = {
    "shirley": Background(line_columns, shirley_matrix, (0.0, 1.0)),
    "shirley on a constant": Background(constant_column, shirley_matrix, (0.0, 1.0)),
    "tougaard": Background(line_columns, tougaard_matrix, (0.0, 20.0)),
    "tougaard on a constant": Background(constant_column, tougaard_matrix, (0.0, 20.0)),
    "linear": Background(line_columns),
    "constant": Background(constant_column),
    "static shirley": Background(_nothing, static=static_shirley),
    "static linear": Background(_nothing, static=static_line),
}
"""Backgrounds by name. Losses stand on a straight line unless said otherwise: what lines at lower binding energies
lose rises or falls under a region, and a step alone puts it into the peaks."""


def background_named(name: str) -> Background:
    """The background of a name; raises InputError with the nearest names."""
    if name not in BACKGROUNDS:
        raise InputError(f"no background is called '{name}'", key="background", remedy=suggest(name, BACKGROUNDS))
    return BACKGROUNDS[name]
