"""How metal begins on a foreign surface: critical nuclei, how many, how large, how much they cover."""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import AVOGADRO, FARADAY, GAS, Real

_LEAST_OVERPOTENTIAL = 1e-6


def critical_radius(
    overpotential: Real, *, surface_energy: Real, metal_molar_volume: Real, charge_number: Real = 1
) -> Real:
    """Radius of the nucleus that neither grows nor dissolves: r* = 2 gamma V/(z F eta).

    Arguments: `overpotential` eta, V, > 0 drives plating; `surface_energy` gamma, J/m2; `metal_molar_volume` V, m3/mol;
    `charge_number` z. Result: m. Validity: a spherical cap of bulk metal. Limits: inversely as eta, what sizes of
    deposits follow too (A. Pei and others, Nano Lett. 17 (2017) 1132, doi 10.1021/acs.nanolett.6b04755).
    Source: J. W. Gibbs; W. Thomson.

    >>> lithium = dict(surface_energy=0.5, metal_molar_volume=13.021e-6)
    >>> round(float(critical_radius(0.05, **lithium)) * 1e9, 4)
    2.6991
    """
    driven = jnp.maximum(overpotential, _LEAST_OVERPOTENTIAL)
    return 2.0 * surface_energy * metal_molar_volume / (charge_number * FARADAY * driven)


def nucleation_barrier(
    overpotential: Real,
    *,
    surface_energy: Real,
    metal_molar_volume: Real,
    wetting_factor: Real,
    charge_number: Real = 1,
    temperature: Real = 298.15,
) -> Real:
    """Work to form a critical nucleus over k T: 16 pi gamma^3 V^2 f/(3 (z F eta)^2 k T).

    Arguments: as `critical_radius`; `wetting_factor` f = (2 + cos a)(1 - cos a)^2/4 of the contact angle a, 1 for a
    nucleus that touches nothing; `temperature` T, K. Result: 1.
    Limits: inversely as eta^2; 3707 for lithium at 50 mV without a wall, so only walls and defects do it.
    Source: the classical theory, as in D. R. Ely, R. E. Garcia, J. Electrochem. Soc. 160 (2013) A662.

    >>> wall = dict(surface_energy=0.5, metal_molar_volume=13.021e-6, wetting_factor=1.0)
    >>> round(float(nucleation_barrier(0.05, **wall)))
    3707
    """
    driven = charge_number * FARADAY * jnp.maximum(overpotential, _LEAST_OVERPOTENTIAL)
    work = 16.0 * jnp.pi * surface_energy**3 * metal_molar_volume**2 * wetting_factor / (3.0 * driven**2)
    return work * AVOGADRO / (GAS * temperature)


def wetting_factor(contact_angle: Real) -> Real:
    """Share of a sphere's barrier that is left on a wall: f = (2 + cos a)(1 - cos a)^2/4, a in rad.

    Limits: 1 at pi (no contact), 1/2 for a hemisphere, 0 for a film that spreads.
    Source: D. Turnbull, J. Chem. Phys. 18 (1950) 198.

    >>> round(float(wetting_factor(jnp.pi / 2)), 12)
    0.5
    """
    cosine = jnp.cos(contact_angle)
    return (2.0 + cosine) * (1.0 - cosine) ** 2 / 4.0


def active_sites(
    overpotential: Real, *, site_density: Real, reference_overpotential: Real, site_exponent: Real
) -> Real:
    """How many sites per area an overpotential can wake: N = N_r (eta/eta_r)^m.

    Arguments: `overpotential` eta, V; `site_density` N_r, 1/m2, at `reference_overpotential` eta_r, V; `site_exponent`
    m. Result: 1/m2. Limits: m = 0, a fixed number; m = 3, as lithium on copper was counted; 0 where eta <= 0 and m > 0.
    Source: A. Pei, G. Zheng, F. Shi, Y. Li, Y. Cui, Nano Lett. 17 (2017) 1132, doi 10.1021/acs.nanolett.6b04755.

    >>> float(active_sites(0.2, site_density=1e12, reference_overpotential=0.1, site_exponent=3.0))
    8000000000000.0
    """
    scaled = jnp.maximum(overpotential, 0.0) / reference_overpotential
    return site_density * jnp.maximum(scaled, 1e-12) ** site_exponent


def nucleus_radius(volume: Real, density: Real, seed_radius: Real) -> Real:
    """Radius of equal hemispheres that share a deposit: R^3 = R_0^3 + 3 v/(2 pi N).

    Arguments: `volume` v of metal per area, m; `density` N of nuclei, 1/m2; `seed_radius` R_0, m, at the
    start. Result: m. Validity: before they merge. Limits: R_0 without a deposit; as the cube root of v/N.
    Source: the volume of a hemisphere.

    >>> round(float(nucleus_radius(4.8583e-8, 1e12, 5e-9)) * 1e9, 2)
    285.2
    """
    return (seed_radius**3 + 3.0 * jnp.maximum(volume, 0.0) / (2.0 * jnp.pi * density)) ** (1.0 / 3.0)


def covered_fraction(radius: Real, density: Real) -> Real:
    """Share of the surface under hemispheres that lie anywhere and overlap: 1 - exp(-pi R^2 N).

    Arguments: `radius` R, m; `density` N, 1/m2. Result: 0 to 1. Limits: pi R^2 N while few, 1 when they have merged.
    Source: M. Avrami, J. Chem. Phys. 7 (1939) 1103.

    >>> round(float(covered_fraction(1e-7, 1e12)), 4)
    0.0309
    """
    return -jnp.expm1(-jnp.pi * radius**2 * density)


def metal_area(radius: Real, density: Real) -> Real:
    """Surface of metal over that of the substrate, while nuclei grow together: 1 - exp(-2 pi R^2 N).

    Arguments: `radius` R, m; `density` N, 1/m2. Result: 0 to 1. Validity: hemispheres, flat once they have merged.
    Limits: 2 pi R^2 N while few; 1 at last. Source: the overlap of M. Avrami with the area of a hemisphere.

    >>> round(float(metal_area(1e-7, 1e12)), 4)
    0.0609
    """
    return -jnp.expm1(-2.0 * jnp.pi * radius**2 * density)


def curvature_activity(
    radius: Real, *, surface_energy: Real, metal_molar_volume: Real, temperature: Real = 298.15
) -> Real:
    """Activity of metal in a sphere over that of flat metal: exp(2 gamma V/(R_g T R)).

    Arguments: `radius` R, m; `surface_energy` gamma, J/m2; `metal_molar_volume` V, m3/mol; `temperature` T, K. Result:
    > 1. Limits: 1 on flat metal; a nucleus of `critical_radius` is in equilibrium at its overpotential.
    Source: W. Thomson, Phil. Mag. 42 (1871) 448.

    >>> round(float(curvature_activity(5e-9, surface_energy=0.5, metal_molar_volume=13.021e-6)), 4)
    2.8591
    """
    return jnp.exp(2.0 * surface_energy * metal_molar_volume / (GAS * temperature * radius))
