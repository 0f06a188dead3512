"""How a metal's surface changes shape: it roughens and smooths, and what hangs by a thin root comes off."""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import Real


def roughening_rate(
    roughness: Real,
    surface_velocity: Real,
    *,
    roughening_length: Real,
    smoothing_length: Real,
    largest_roughness: Real,
) -> Real:
    """How fast the true area per geometric area changes as metal is plated and stripped.

        d rho/dt = (v_plate/l_r) (rho_max - rho)/(rho_max - 1) - (v_strip/l_s) (rho - 1)

    Arguments: `roughness` rho >= 1; `surface_velocity` v of the dense metal's mean surface, m/s, > 0 plates;
    `roughening_length` l_r and `smoothing_length` l_s, m, thickness over which it roughens by one and smooths by a
    factor e; `largest_roughness` rho_max > 1. Result: 1/s.
    Limits: rho = 1 + h/l_r after little plating h; rho_max at last; back to 1 by stripping.
    Source: this library's closure for the growth of area; true area enters charge transfer, film and double layer.

    >>> shape = dict(roughening_length=1e-5, smoothing_length=1e-5, largest_roughness=5.0)
    >>> f"{roughening_rate(1.0, 1.35e-9, **shape):.3e}"
    '1.350e-04'
    """
    plates, strips = jnp.maximum(surface_velocity, 0.0), jnp.maximum(-surface_velocity, 0.0)
    room = (largest_roughness - roughness) / (largest_roughness - 1.0)
    return plates / roughening_length * room - strips / smoothing_length * (roughness - 1.0)


def pinch_off_rate(root_radius: Real, surface_mobility: Real) -> Real:
    """Fastest rate at which surface diffusion cuts a thin root: omega = B/(4 R^4).

    Arguments: `root_radius` R, m; `surface_mobility` B of Mullins, m4/s, in h_t = -B h_xxxx.
    Result: 1/s. Validity: a cylinder long against its radius, small perturbations; the fastest is
    2 sqrt(2) pi R long.
    Limits: sixteen times faster for half the radius.
    Source: F. A. Nichols, W. W. Mullins, Trans. Metall. Soc. AIME 233 (1965) 1840.

    >>> f"{pinch_off_rate(1e-7, 4e-32):.1e}"
    '1.0e-04'
    """
    return surface_mobility / (4.0 * root_radius**4)


def dead_layer_thickness(dead_volume: Real, porosity: Real) -> Real:
    """Thickness of the layer that isolated metal forms: d = v/(1 - eps).

    Arguments: `dead_volume` v of dense metal per area, m; `porosity` eps of the layer. Result: m.
    Limits: proportional to v. Source: K.-H. Chen and others, J. Mater. Chem. A 5 (2017) 11671, doi 10.1039/c7ta00371d
    (that the salt's way through it makes the voltage arc).

    >>> dead_layer_thickness(4e-6, 0.5)
    8e-06
    """
    return dead_volume / (1.0 - porosity)
