"""Lines of unit area over the binding energy: Voigt's, its stand-ins in the field's software, and satellites.

Energies in eV, lines in 1/eV, widths as full widths at half maximum (FWHM) of the components named. All arguments
broadcast: energies of shape (n,) and positions of shape (lines, 1) give (lines, n).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mossy.backend import jax, jnp
from mossy.errors import InputError, suggest
from mossy.laws.constants import Real
from mossy.laws.photoemission.faddeeva import faddeeva

_LN2 = math.log(2.0)
_NARROWEST = 1e-9
"""eV: where a width of 0 is asked for; the line is then what it is without that width."""


def voigt(energy: Real, *, position: Real, gaussian_width: Real, lorentzian_width: Real) -> jax.Array:
    """A Lorentzian seen through a Gaussian: V = Re w(z)/(s sqrt(2 pi)), z = (E - E0 + i g)/(s sqrt 2).

        s = gaussian_width/(2 sqrt(2 ln 2)),   g = lorentzian_width/2

    Arguments: `energy` E and `position` E0, eV; `gaussian_width` (instrument, phonons) and `lorentzian_width` (life of
    the hole), FWHM, eV, >= 0. Result: 1/eV, area 1 from -infinity to infinity.
    Validity: relative error below 1e-8 for a Lorentzian width above 1e-3 of the Gaussian one.
    Limits: a Gaussian or a Lorentzian where the other width is 0; with both 0 a spike 1e-9 eV wide.
    Source: B. H. Armstrong, J. Quant. Spectrosc. Radiat. Transf. 7 (1967) 61, doi 10.1016/0022-4073(67)90057-X.

    >>> round(float(voigt(285.0, position=284.8, gaussian_width=1.0, lorentzian_width=0.1)), 8)
    0.77505667
    """
    spread = jnp.maximum(gaussian_width, _NARROWEST) / math.sqrt(4.0 * _LN2)  # s sqrt 2
    z = (energy - position + 0.5j * lorentzian_width) / spread
    return faddeeva(z).real / (spread * math.sqrt(math.pi))


def _product_area(mixing: jax.Array) -> jax.Array:
    """The area of exp(-4 ln 2 (1 - m) x^2)/(1 + 4 m x^2): (pi/2) erfcx(q)/sqrt(m), q = sqrt(ln 2 (1 - m)/m)."""
    mostly_gaussian = mixing < 0.15
    lorentzian = jnp.where(mostly_gaussian, 0.5, mixing)
    q = jnp.sqrt(jnp.maximum(_LN2 * (1.0 - lorentzian) / lorentzian, 1e-30))
    wide = 0.5 * math.pi * faddeeva(1j * q).real / jnp.sqrt(lorentzian)
    gaussian = jnp.where(mostly_gaussian, mixing, 0.0)
    inverse_square = gaussian / (_LN2 * (1.0 - gaussian))
    fraction = jnp.ones_like(inverse_square)
    for order in range(40, 0, -1):  # Laplace's fraction in 1/q^2, which reaches m = 0
        fraction = 1.0 + 0.5 * order * inverse_square / fraction
    narrow = 0.5 * jnp.sqrt(math.pi / (_LN2 * (1.0 - gaussian))) / fraction
    return jnp.where(mostly_gaussian, narrow, wide)


def _product(x: jax.Array, mixing: jax.Array) -> jax.Array:
    height = jnp.exp(-4.0 * _LN2 * (1.0 - mixing) * x**2) / (1.0 + 4.0 * mixing * x**2)
    return height / _product_area(mixing)


def _sum(x: jax.Array, mixing: jax.Array) -> jax.Array:
    height = (1.0 - mixing) * jnp.exp(-4.0 * _LN2 * x**2) + mixing / (1.0 + 4.0 * x**2)
    return height / ((1.0 - mixing) * 0.5 * math.sqrt(math.pi / _LN2) + mixing * 0.5 * math.pi)


KINDS = {"sum": _sum, "product": _product}
"""The mixtures of a Gaussian and a Lorentzian by name: the software's SGL(100 m) and GL(100 m)."""


def gaussian_lorentzian(energy: Real, *, position: Real, width: Real, mixing: Real, kind: str = "sum") -> jax.Array:
    """A Gaussian and a Lorentzian of one width, added or multiplied, as peak fitting software has them.

        sum      (1 - m) exp(-4 ln 2 x^2) + m/(1 + 4 x^2)             x = (E - E0)/F
        product  exp(-4 ln 2 (1 - m) x^2)/(1 + 4 m x^2)

    each over its area F A(m), where CasaXPS gives both the height 1: its SGL(30) and GL(30) are m = 0.3.
    Arguments: `energy` E, `position` E0, eV; `width` F, eV, > 0, the FWHM of the parts (and of the sum; the product's
    differs); `mixing` m, 0 to 1; `kind`: "sum" or "product". Result: 1/eV, area 1.
    Limits: a Gaussian for m = 0, a Lorentzian for m = 1. Neither is a Voigt line: use `voigt` where you may choose.
    Source: CasaXPS manual, "Peak fitting in XPS" (Casa Software, 2006), from memory; the areas are derived here.

    >>> line = dict(position=284.8, width=1.0, mixing=0.3)
    >>> [round(float(gaussian_lorentzian(284.8, **line, kind=kind)), 6) for kind in ("sum", "product")]
    [0.822121, 0.959705]
    """
    if kind not in KINDS:
        raise InputError(f"no mixture is called '{kind}'", key="kind", remedy=suggest(kind, KINDS))
    width = jnp.maximum(width, _NARROWEST)
    return KINDS[kind](jnp.asarray(energy - position) / width, jnp.asarray(mixing, dtype=float)) / width


def asymmetric_lorentzian(
    energy: Real, *, position: Real, width: Real, high_exponent: Real = 1.0, low_exponent: Real = 1.0
) -> jax.Array:
    """A Lorentzian raised to a power on each side: [1 + 4 (E - E0)^2/F^2]^(-a), over its area.

        area = (F/4) sqrt(pi) [Gamma(a - 1/2)/Gamma(a) + Gamma(b - 1/2)/Gamma(b)]

    Arguments: `energy` E, `position` E0 of the maximum, eV; `width` F, eV, > 0; `high_exponent` a above and
    `low_exponent` b below the position on the binding-energy axis, > 1/2: the smaller has the longer tail.
    Result: 1/eV, area 1. It is CasaXPS's LA(a, b, 0), not yet convolved with the Gaussian of its third number.
    Limits: a Lorentzian of FWHM F for a = b = 1.
    Source: as `gaussian_lorentzian`; the area is derived here.

    >>> round(float(asymmetric_lorentzian(0.0, position=0.0, width=1.0)), 6)  # 2/pi
    0.63662
    """
    gamma = jax.scipy.special.gammaln
    width = jnp.maximum(width, _NARROWEST)
    x = jnp.asarray(energy - position) / width
    halves = sum(jnp.exp(gamma(side - 0.5) - gamma(side)) for side in (high_exponent, low_exponent))
    area = 0.25 * math.sqrt(math.pi) * width * halves
    return (1.0 + 4.0 * x**2) ** -jnp.where(x > 0, high_exponent, low_exponent) / area


def with_satellites(line: Callable[[Real], Real], energy: Real, *, displacements: Real, intensities: Real) -> jax.Array:
    """A line excited by all lines of a source without monochromator: S(E) = P(E) + sum r_j P(E + Delta_j).

    Arguments: `line` P of the energy; `energy` E, eV; `displacements` Delta_j of the source's satellites above its main
    line, eV (so their electrons appear at a lower binding energy), and `intensities` r_j relative to the main line.
    Result: as `line`, its area times 1 + sum r_j. Validity: satellites as wide as the main line.
    Source: M. O. Krause, J. G. Ferreira, J. Phys. B 8 (1975) 2007; the numbers of a source are in `mossy.materials`.

    >>> line = lambda energy: voigt(energy, position=285.0, gaussian_width=1.0, lorentzian_width=0.1)
    >>> round(float(with_satellites(line, 276.6, displacements=jnp.array([8.4]), intensities=jnp.array([0.08]))), 4)
    0.0688
    """
    total = jnp.asarray(line(energy))
    for displacement, intensity in zip(jnp.atleast_1d(displacements), jnp.atleast_1d(intensities), strict=True):
        total = total + intensity * line(energy + displacement)
    return total
