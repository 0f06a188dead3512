"""Faddeeva's function, on which the Voigt line and the areas of other lines rest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mossy.backend import jax, jnp

_TERMS, _FAR, _FRACTIONS = 32, 7.0, 12
_SQRT_PI = math.sqrt(math.pi)


def _coefficients(terms: int) -> tuple[float, np.ndarray]:
    """The scale L and the polynomial of Weideman's expansion, highest power first."""
    scale = math.sqrt(terms / math.sqrt(2.0))
    angle = np.arange(1 - 2 * terms, 2 * terms) * math.pi / (2 * terms)
    nodes = scale * np.tan(angle / 2.0)
    samples = np.concatenate([[0.0], np.exp(-(nodes**2)) * (scale**2 + nodes**2)])
    return scale, np.real(np.fft.fft(np.fft.fftshift(samples)))[terms:0:-1] / (4 * terms)


_SCALE, _POLYNOMIAL = _coefficients(_TERMS)


@jax.custom_jvp
def faddeeva(z: Any) -> Any:
    """w(z) = exp(-z^2) erfc(-i z), for complex z with Im z >= 0.

    Weideman's rational expansion of 32 terms where |z| < 7, Laplace's continued fraction beyond; its derivative is
    exact, w' = 2 i/sqrt(pi) - 2 z w. Validity: relative to |w| right to 1e-12, the real part to 1e-8 of
    itself for Im z > 1e-3 (absolutely to 1e-13 nearer to the real axis, where it is the Gaussian exp(-x^2)).
    Limits: exp(-x^2) + 2 i D(x)/sqrt(pi) on the real axis; exp(y^2) erfc(y) on the imaginary one; i/(sqrt(pi) z) far.
    Source: J. A. C. Weideman, SIAM J. Numer. Anal. 31 (1994) 1497, doi 10.1137/0731077; the fraction: W. Gautschi, SIAM
    J. Numer. Anal. 7 (1970) 187, doi 10.1137/0707012.

    >>> f"{complex(faddeeva(1.0 + 1.0j)):.8f}"
    '0.30474421+0.20821894j'
    """
    z = jnp.asarray(z, dtype=complex)
    far = z.real**2 + z.imag**2 > _FAR**2
    near = jnp.where(far, 1.0j, z)
    outside = jnp.where(far, z, 2.0j * _FAR)
    fraction = outside
    for order in range(_FRACTIONS, 0, -1):
        fraction = outside - 0.5 * order / fraction
    below = 1.0 / (_SCALE - 1j * near)
    ratio = (_SCALE + 1j * near) * below
    value = jnp.full_like(ratio, _POLYNOMIAL[0])
    for coefficient in _POLYNOMIAL[1:]:
        value = value * ratio + coefficient
    return jnp.where(far, 1j / (_SQRT_PI * fraction), (2.0 * value * below + 1.0 / _SQRT_PI) * below)


@faddeeva.defjvp
def _faddeeva_slope(values: Any, tangents: Any) -> tuple[Any, Any]:
    (z,), (step,) = values, tangents
    found = faddeeva(z)
    return found, (2j / _SQRT_PI - 2.0 * z * found) * step
