"""How likely a shell is ionised by a photon, and in which direction its electron leaves."""

from __future__ import annotations

from collections.abc import Mapping

from mossy.backend import jnp
from mossy.laws.constants import Real

Coefficients = Mapping[str, float]


def cross_section_cant(excitation_energy: Real, *, atomic_number: Real, coefficients: Coefficients) -> Real:
    """The cross section of a full subshell for hard X-rays, sigma = (a + m Z)(h nu + b + n Z + (p Z)^2)^k.

        k = q + r exp(-(Z/s)^t)

    Arguments: `excitation_energy` h nu, eV; `atomic_number` Z; `coefficients` a, m (cm2), b, n (eV), p (eV^(1/2)),
    q, r, s, t of the subshell. Result: barn an atom (1e-28 m2), all electrons of the subshell together.
    Validity: 1.5 to 10 keV, Z from 3 to 98, shells well inside the atom; negative, and meaningless, for Z < -a/m.
    Source: D. J. H. Cant, B. F. Spencer, W. R. Flavell, A. G. Shard, Surf. Interface Anal. 54 (2022) 442,
    doi 10.1002/sia.7059.

    >>> k_shell = dict(a=-1.63e-10, m=1.07e-10, b=242, n=-11.4, p=1.17, q=-2.37, r=-2.63, s=4.88, t=0.362)
    >>> round(float(cross_section_cant(5000.0, atomic_number=6, coefficients=k_shell)), 1)
    347.2
    """
    c = coefficients
    energy = excitation_energy + c["b"] + c["n"] * atomic_number + (c["p"] * atomic_number) ** 2
    power = c["q"] + c["r"] * jnp.exp(-((atomic_number / c["s"]) ** c["t"]))
    return 1e24 * (c["a"] + c["m"] * atomic_number) * energy**power


def dipole_asymmetry_cant_s(excitation_energy: Real, *, atomic_number: Real, coefficients: Coefficients) -> Real:
    """The dipole asymmetry of an s shell: beta = a + m z^q - n exp(s z), with z = Z/100 and E = h nu/keV.

        a = ca + da E,   m = dm E^gm,   q = dq E^gq,   n = dn E^gn,   s = ds E^gs

    Arguments: `excitation_energy` h nu, eV; `atomic_number` Z; `coefficients` ca, da, dm, gm, dq, gq, dn, gn, ds, gs.
    Result: 1. Validity and source: as `cross_section_cant`. Limits: 2 for a light atom, as for any s shell without
    relativity.

    >>> k_shell = dict(ca=2.0, da=-0.0103, dm=0.617, gm=0.158, dq=1.78, gq=0.0274, dn=0.0, gn=0.0, ds=0.0, gs=0.0)
    >>> round(float(dipole_asymmetry_cant_s(1500.0, atomic_number=6, coefficients=k_shell)), 4)
    1.9887
    """
    c, energy, charge = coefficients, excitation_energy / 1000.0, atomic_number / 100.0
    rise = c["dm"] * energy ** c["gm"] * charge ** (c["dq"] * energy ** c["gq"])
    fall = c["dn"] * energy ** c["gn"] * jnp.exp(c["ds"] * energy ** c["gs"] * charge)
    return c["ca"] + c["da"] * energy + rise - fall


def dipole_asymmetry_cant(
    excitation_energy: Real, *, atomic_number: Real, binding_energy: Real, coefficients: Coefficients
) -> Real:
    """The dipole asymmetry of a p, d or f shell: beta = a - m (z - b)^2 z^q - n exp(-t).

        a = ca + da E,   m = dm E^gm,   b = db E^gb,   q = dq E,   t = [(h nu - E_B)/(cr + dr E)]^(cs + ds/E)

    with z = Z/100 and E = h nu/keV. Arguments: `excitation_energy` h nu and `binding_energy` E_B, eV, h nu above E_B;
    `atomic_number` Z; `coefficients` ca, da, dm, gm, db, gb, dq, n, cs, ds, cr, dr. Result: 1.
    Validity and source: as `cross_section_cant`. Limits: falls towards 0 at high energy.

    >>> shell = dict(ca=1.55, da=0.0, dm=34.9, gm=-0.785, db=0.237, gb=0.457, dq=0.0107, n=1.31, cs=0.525, ds=0.00331)
    >>> shell |= dict(cr=60.9, dr=25.1)
    >>> sulfur = dipole_asymmetry_cant(1500.0, atomic_number=16, binding_energy=164.0, coefficients=shell)
    >>> round(float(sulfur), 3)
    1.138
    """
    c, energy, charge = coefficients, excitation_energy / 1000.0, atomic_number / 100.0
    bow = c["dm"] * energy ** c["gm"] * (charge - c["db"] * energy ** c["gb"]) ** 2 * charge ** (c["dq"] * energy)
    kinetic = (excitation_energy - binding_energy) / (c["cr"] + c["dr"] * energy)
    return c["ca"] + c["da"] * energy - bow - c["n"] * jnp.exp(-(kinetic ** (c["cs"] + c["ds"] / energy)))


def asymmetry_factor(beta: Real, angle: Real, *, gamma: Real = 0.0, delta: Real = 0.0) -> Real:
    """The intensity in a direction over the mean of all directions, for unpolarised light.

        W = 1 - (beta/4)(3 cos^2 psi - 1) + (delta + (gamma/2) sin^2 psi) cos psi

    Arguments: `beta` of the shell, -1 to 2; `angle` psi between the photons' flight and the electrons', rad; `gamma`
    and `delta` of the quadrupole terms (0: dipole alone, good below some 2 keV). Result: 1.
    Validity: one atom, or a solid whose elastic scattering leaves the direction; monochromators polarise a little.
    Limits: without quadrupole terms 1 for every beta at psi = arccos(1/sqrt 3), 54.7 degrees; 1 + beta/4 at 90 degrees.
    Source: R. F. Reilman, A. Msezane, S. T. Manson, J. Electron Spectrosc. 8 (1976) 389,
    doi 10.1016/0368-2048(76)80025-4 (doi unverified); quadrupole: J. W. Cooper, Phys. Rev. A 47 (1993) 1841,
    doi 10.1103/PhysRevA.47.1841.

    >>> float(asymmetry_factor(2.0, jnp.pi / 2))
    1.5
    """
    cosine = jnp.cos(angle)
    quadrupole = (delta + 0.5 * gamma * (1.0 - cosine**2)) * cosine
    return 1.0 - 0.25 * beta * (3.0 * cosine**2 - 1.0) + quadrupole


def polarised_asymmetry_factor(beta: Real, angle: Real) -> Real:
    """The intensity in a direction over the mean of all, for linearly polarised light: W = 1 + (beta/2)(3 cos^2 - 1).

    Arguments: `beta` of the shell, -1 to 2; `angle` between the electric field and the electrons' flight, rad.
    Result: 1. Limits: 1 + beta along the field, 1 - beta/2 across it, 1 on average over the sphere.
    Source: J. Cooper, R. N. Zare, J. Chem. Phys. 48 (1968) 942, doi 10.1063/1.1668742.

    >>> float(polarised_asymmetry_factor(2.0, 0.0))
    3.0
    """
    return 1.0 + 0.5 * beta * (3.0 * jnp.cos(angle) ** 2 - 1.0)
