"""Backgrounds of electrons that lost energy, each a linear operator on the lines, so that a fit can hold it within.

All take `energy` (n,), binding energies in eV, ascending or descending, evenly spaced or not, and lines (..., n) on it.
"""

from __future__ import annotations

from mossy.backend import jax, jnp
from mossy.laws.constants import Real


def shirley(energy: Real, peaks: Real) -> jax.Array:
    """Shirley's background inside the model: B(E) = integral of the peaks at lower binding energies, P from E_low to E.

    Arguments: `energy` E (n,), eV; `peaks` P (..., n). Result: (..., n), unit of P times eV; times a constant k, 1/eV,
    it is the background, so that k is linear beside the peaks' areas. Trapezoidal rule on the given energies.
    Validity: for fits, not physics: a step as high as the losses at the far side of the line. What lies outside of
    the energies given is not seen. Limits: a step of the peak's area for a narrow peak; 0 at the low end.
    Source: D. A. Shirley, Phys. Rev. B 5 (1972) 4709, doi 10.1103/PhysRevB.5.4709; inside the model: A. Herrera-Gomez
    et al., Surf. Interface Anal. 46 (2014) 897, doi 10.1002/sia.5453 (doi unverified).

    >>> shirley(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.5, 1.0]
    >>> shirley(jnp.array([3.0, 2.0, 1.0]), jnp.array([0.0, 1.0, 0.0])).tolist()
    [1.0, 0.5, 0.0]
    """
    energy, peaks = jnp.asarray(energy, dtype=float), jnp.asarray(peaks, dtype=float)
    strips = 0.5 * (peaks[..., 1:] + peaks[..., :-1]) * jnp.diff(energy)
    passed = jnp.concatenate([jnp.zeros_like(peaks[..., :1]), jnp.cumsum(strips, axis=-1)], axis=-1)
    return passed - jnp.where(energy[-1] > energy[0], 0.0, passed[..., -1:])


def tougaard(
    energy: Real, peaks: Real, B: Real = 2866.0, C: Real = 1643.0, D: Real = 0.0, *, square: Real = 1.0
) -> jax.Array:
    """Tougaard's background: every line loses T with a probability density K, B(E) = integral K(E - E') P(E') dE'.

        K(T) = B T/[(C + q T^2)^2 + D T^2],   T > 0

    Arguments: `energy` (n,), eV; `peaks` P (..., n); `B`, eV2, `C`, eV2, `D`, eV2 and `square` q: the default is the
    universal loss function U2; the three-parameter one of oxides, polymers and narrow plasmons has q = -1 and D > 0.
    Result: (..., n), unit of P. Trapezoidal rule on the given energies.
    Validity: homogeneous depth, without surface excitations; a window of 30 eV or more beyond the line.
    Limits: an area of B/(2 C) of the peak's for U2 without end; q = -1 and D = 4 C is U2 again.
    Source: S. Tougaard, Surf. Interface Anal. 11 (1988) 453, doi 10.1002/sia.740110902 (U2); Surf. Interface Anal. 25
    (1997) 137, doi 10.1002/(SICI)1096-9918(199703)25:3<137::AID-SIA230>3.0.CO;2-L (three parameters; doi unverified).

    >>> tougaard(jnp.array([0.0, 10.0, 20.0]), jnp.array([0.1, 0.0, 0.0])).round(6).tolist()
    [0.0, 0.004717, 0.006867]
    """
    energy, peaks = jnp.asarray(energy, dtype=float), jnp.asarray(peaks, dtype=float)
    steps = jnp.abs(jnp.diff(energy))
    weights = 0.5 * (jnp.pad(steps, (0, 1)) + jnp.pad(steps, (1, 0)))
    loss = jnp.maximum(energy[:, None] - energy, 0.0)
    kernel = B * loss / ((C + square * loss**2) ** 2 + D * loss**2)
    return (peaks * weights) @ kernel.T


def linear_basis(energy: Real) -> jax.Array:
    """Two lines, one from 1 at the lowest energy to 0 at the highest, one from 0 to 1: every straight background.

    Arguments: `energy` (n,), eV. Result: (2, n); weights >= 0 make every line that is positive over the energies, and
    they are its values at the two ends. Limits: they add up to 1. Source: linear interpolation.

    >>> linear_basis(jnp.array([1.0, 2.0, 5.0])).tolist()
    [[1.0, 0.75, 0.0], [0.0, 0.25, 1.0]]
    """
    energy = jnp.asarray(energy, dtype=float)
    low, high = jnp.min(energy), jnp.max(energy)
    rise = (energy - low) / (high - low)
    return jnp.stack([1.0 - rise, rise])
