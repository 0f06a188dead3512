"""Lines of unit area with their derivatives, in plain NumPy: a peak fit must not wait for a compiler.

The lines are those of `mossy.laws.photoemission` (where each one's equation, limits and source stand), stated a second
time with analytic derivatives and compared with them by a test. Only the metallic line, which few fits need, is the
law itself, compiled when it is first used.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special

Derivatives = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""The lines (l, n), and their derivatives by position, width, Lorentzian width and asymmetry."""
_LN2 = math.log(2.0)
_NARROWEST = 1e-9


def voigt(energy: np.ndarray, position: np.ndarray, width: np.ndarray, lorentzian_width: np.ndarray) -> Derivatives:
    """Lorentzians seen through Gaussians of FWHM `width`, by Faddeeva's function, w' = 2i/sqrt(pi) - 2 z w.

    Here as below `energy` is (n,) and the parameters of the lines are (l, 1).

    >>> value, *_ = voigt(np.array([285.0]), np.array([[284.8]]), np.array([[1.0]]), np.array([[0.1]]))
    >>> round(float(value[0, 0]), 8)
    0.77505667
    """
    spread = np.maximum(width, _NARROWEST) / math.sqrt(4.0 * _LN2)
    z = (energy - position + 0.5j * lorentzian_width) / spread
    w = special.wofz(z)
    slope = 2j / math.sqrt(math.pi) - 2.0 * z * w
    height = 1.0 / (spread * math.sqrt(math.pi))
    value = height * w.real
    by_position = -height / spread * slope.real
    by_width = -(value + height * (slope * z).real) / np.maximum(width, _NARROWEST)
    by_lorentzian = -0.5 * height / spread * slope.imag
    return value, by_position, by_width, by_lorentzian, np.zeros_like(value)


def _mixture(height: np.ndarray, slope: np.ndarray, x: np.ndarray, area: np.ndarray, width: np.ndarray) -> Derivatives:
    """Lines height(x)/(width area), x = (E - E0)/width."""
    value = height / (width * area)
    by_position = -slope / (width**2 * area)
    nothing = np.zeros_like(value)
    return value, by_position, by_position * x - value / width, nothing, nothing


def product(energy: np.ndarray, position: np.ndarray, width: np.ndarray, mixing: np.ndarray) -> Derivatives:
    """exp(-4 ln 2 (1 - m) x^2)/(1 + 4 m x^2) over its area: GL(100 m) of the field's software."""
    m = np.maximum(mixing, 1e-9)
    x = (energy - position) / width
    height = np.exp(-4.0 * _LN2 * (1.0 - m) * x**2) / (1.0 + 4.0 * m * x**2)
    slope = -8.0 * x * (_LN2 * (1.0 - m) + m / (1.0 + 4.0 * m * x**2)) * height
    area = 0.5 * math.pi * special.erfcx(np.sqrt(_LN2 * (1.0 - m) / m)) / np.sqrt(m)
    return _mixture(height, slope, x, area, width)


def mixed_sum(energy: np.ndarray, position: np.ndarray, width: np.ndarray, mixing: np.ndarray) -> Derivatives:
    """(1 - m) exp(-4 ln 2 x^2) + m/(1 + 4 x^2) over its area: SGL(100 m), a pseudo-Voigt line."""
    x = (energy - position) / width
    gauss, lorentz = (1.0 - mixing) * np.exp(-4.0 * _LN2 * x**2), mixing / (1.0 + 4.0 * x**2)
    slope = -8.0 * x * (_LN2 * gauss + lorentz / (1.0 + 4.0 * x**2))
    area = (1.0 - mixing) * 0.5 * math.sqrt(math.pi / _LN2) + mixing * 0.5 * math.pi
    return _mixture(gauss + lorentz, slope, x, area, width)


def metallic(
    energy: np.ndarray,
    position: np.ndarray,
    width: np.ndarray,
    lorentzian_width: np.ndarray,
    asymmetry: np.ndarray,
) -> Derivatives:
    """Doniach and Sunjic's lines seen through Gaussians; their area is 1 up to 10 eV above their positions."""
    padded = np.full(-(-len(energy) // 64) * 64, energy[-1])  # few lengths, so that few are compiled
    padded[: len(energy)] = energy
    given = np.concatenate(np.broadcast_arrays(position, width, lorentzian_width, asymmetry), axis=1)
    found = [_metallic_law()(padded, each) for each in given]
    value = np.array([np.asarray(line)[: len(energy)] for line, _ in found])
    slopes = np.array([np.asarray(slope)[: len(energy)] for _, slope in found])
    return value, slopes[..., 0], slopes[..., 1], slopes[..., 2], slopes[..., 3]


@functools.cache
def _metallic_law() -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    from mossy.backend import jax
    from mossy.laws.photoemission import doniach_sunjic

    def line(energy: jax.Array, given: jax.Array) -> jax.Array:
        position, width, lorentzian, asymmetry = given
        return doniach_sunjic(
            energy, position=position, gaussian_width=width, lorentzian_width=lorentzian, asymmetry=asymmetry
        )

    return jax.jit(lambda energy, given: (line(energy, given), jax.jacfwd(line, argnums=1)(energy, given)))


def full_width(gaussian_width: float, lorentzian_width: float) -> tuple[float, float, float]:
    """The FWHM of a Voigt line, 0.5346 L + sqrt(0.2166 L^2 + G^2), to 0.02 %; its derivatives by G and by L.

    Source: J. J. Olivero, R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17 (1977) 233,
    doi 10.1016/0022-4073(77)90161-3.

    >>> full_width(1.0, 0.0)[0], round(full_width(0.0, 1.0)[0], 4)
    (1.0, 1.0)
    """
    root = math.hypot(math.sqrt(0.2166) * lorentzian_width, gaussian_width)
    if root == 0.0:
        return 0.0, 1.0, 1.0
    by_lorentzian = 0.5346 + 0.2166 * lorentzian_width / root
    return 0.5346 * lorentzian_width + root, gaussian_width / root, by_lorentzian


def product_full_width(mixing: float) -> float:
    """The FWHM of a product line over its `width`: 1 for a Gaussian or a Lorentzian, some 4 % less between.

    >>> product_full_width(0.0), round(product_full_width(0.3), 3)
    (1.0, 0.961)
    """
    if mixing in (0.0, 1.0):
        return 1.0

    def above_half(x: float) -> float:
        return math.exp(-4.0 * _LN2 * (1.0 - mixing) * x**2) / (1.0 + 4.0 * mixing * x**2) - 0.5

    return 2.0 * float(optimize.brentq(above_half, 0.3, 0.6))
