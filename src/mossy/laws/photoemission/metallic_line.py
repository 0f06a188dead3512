"""The line of a metal: Doniach and Sunjic's, seen through a Gaussian, with an area that is defined."""

from __future__ import annotations

import math

import numpy as np

from mossy.backend import jax, jnp
from mossy.laws.constants import Real

_NARROWEST = 1e-9
_FAR, _TERMS = 8.0, 12
_NODES_FROM, _NODES_TO, _NODES = -3.8, 2.35, 80


def _half_line_rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes t and weights/t of the trapezoidal rule in x, t = exp(x - exp(-x)), for integrals from 0 to some 10."""
    x, step = np.linspace(_NODES_FROM, _NODES_TO, _NODES, retstep=True)
    return np.exp(x - np.exp(-x)), step * (1.0 + np.exp(-x))


_NODE, _WEIGHT = _half_line_rule()
_LOG_NODE = np.log(_NODE)


def _smoothed_power(order: jax.Array, z: jax.Array) -> jax.Array:
    """H(s, z) = (1/Gamma(s)) int_0^inf t^(s - 1) exp(-t^2/2 - t z) dt: z^-s smoothed by a unit Gaussian along i z.

    Quadrature where |z| < 8, the asymptotic series beyond; Re z >= 0.
    """
    order, z = jnp.broadcast_arrays(order, z)
    far = z.real**2 + z.imag**2 > _FAR**2
    near, outside = jnp.where(far, 1.0, z), jnp.where(far, z, 2.0 * _FAR)
    weight = _WEIGHT * jnp.exp(order[..., None] * _LOG_NODE - 0.5 * _NODE**2)
    integral = jnp.sum(weight * jnp.exp(-near[..., None] * _NODE), axis=-1)
    inside = integral * jnp.exp(-jax.scipy.special.gammaln(order))
    term, total = jnp.ones_like(outside), jnp.ones_like(outside)
    for k in range(1, _TERMS):
        term = -term * (order + 2 * k - 2) * (order + 2 * k - 1) / (2.0 * k * outside**2)
        total = total + term
    return jnp.where(far, total * jnp.exp(-order * jnp.log(outside)), inside)


def doniach_sunjic(
    energy: Real,
    *,
    position: Real,
    gaussian_width: Real,
    lorentzian_width: Real,
    asymmetry: Real,
    window: Real = 10.0,
) -> jax.Array:
    """A core line of a metal, whose hole shakes electrons over the Fermi level: a tail to HIGH binding energy.

        DS = c Re[exp(i pi a/2) (g + i x)^-(1-a)] = c cos[pi a/2 - (1 - a) arctan(x/g)]/(x^2 + g^2)^((1-a)/2)
        x = E - E0,   g = lorentzian_width/2,   c = Gamma(1 + a) Gamma(1 - a)/(pi W^a)

    convolved exactly with a Gaussian of `gaussian_width` (a parabolic cylinder function).
    AREA: that of a Doniach-Sunjic line diverges. Here it is 1 from -infinity up to `window` W above the position, but
    for a part of some g/W: a Lorentzian convolved with losses of density a u^(a-1)/W^a up to W. Beyond W the tail goes
    on as sin(pi a) c x^-(1-a), about a/W at W. Areas of metals and areas of other lines compare for one W only.
    Arguments: `energy` E, `position` E0, eV (the singularity; the maximum lies up to g higher); `gaussian_width` and
    `lorentzian_width`, FWHM, eV, >= 0; `asymmetry` a, 0 to 0.5; `window` W, eV, far above both widths. Result: 1/eV.
    Validity: to 1e-8 of its maximum; a constant density of states at the Fermi level.
    Limits: `voigt` for a = 0; with both widths 0 a spike 1e-9 eV wide over a bare power.
    Source: S. Doniach, M. Sunjic, J. Phys. C 3 (1970) 285, doi 10.1088/0022-3719/3/2/010; the losses: G. D. Mahan,
    Phys. Rev. B 11 (1975) 4814, doi 10.1103/PhysRevB.11.4814.

    >>> line = dict(position=55.0, gaussian_width=0.5, lorentzian_width=0.1)
    >>> [round(float(doniach_sunjic(energy, **line, asymmetry=0.1)), 6) for energy in (53.0, 55.0, 57.0)]
    [0.003199, 1.091973, 0.046009]
    """
    spread = jnp.maximum(gaussian_width, _NARROWEST) / math.sqrt(8.0 * math.log(2.0))
    asymmetry = jnp.asarray(asymmetry, dtype=float)
    z = jnp.asarray(0.5 * lorentzian_width + 1j * (energy - position)) / spread
    turned = jnp.exp(0.5j * math.pi * asymmetry) * _smoothed_power(1.0 - asymmetry, z)
    gamma = jax.scipy.special.gammaln
    scale = gamma(1.0 + asymmetry) + gamma(1.0 - asymmetry) - asymmetry * jnp.log(window)
    return jnp.exp(scale - (1.0 - asymmetry) * jnp.log(spread)) * turned.real / math.pi
