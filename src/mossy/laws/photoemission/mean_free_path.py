"""How far a photoelectron goes before it loses energy (inelastic mean free path) or is lost to its peak (attenuation).

Kinetic energies in eV, lengths in nm, densities in g/cm3, molar masses in g/mol of the formula unit.
"""

from __future__ import annotations

from typing import NamedTuple

from mossy.backend import jnp
from mossy.errors import InputError, suggest
from mossy.laws.constants import AVOGADRO, Real

_ELECTRON_REST_ENERGY = 510998.95
"""eV (CODATA 2018)."""


class _Bethe(NamedTuple):
    """The four parameters of the modified Bethe equation."""

    beta: Real
    gamma: Real
    c: Real
    d: Real


def _tpp2m(electron_density: Real, plasmon_square: Real, band_gap: Real, density: Real) -> _Bethe:
    """S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 21 (1994) 165, doi 10.1002/sia.740210302."""
    beta = -1.0 + 9.44 / jnp.sqrt(plasmon_square + band_gap**2) + 0.69 * density**0.1
    gamma = 0.191 * density**-0.5
    return _Bethe(beta, gamma, 19.7 - 9.1 * electron_density, 534.0 - 208.0 * electron_density)


def _jtp(electron_density: Real, plasmon_square: Real, band_gap: Real, density: Real) -> _Bethe:
    """A. Jablonski, S. Tanuma, C. J. Powell, Surf. Interface Anal. 55 (2023) 609, doi 10.1002/sia.7217."""
    beta = 0.0539 + 17.0 / (plasmon_square + band_gap**2) ** 0.639 - 0.252 * density**-0.463
    gamma = 0.115 * density**-0.253
    return _Bethe(beta, gamma, 9.76 + 2.09 * electron_density, 97.5 + 223.0 * electron_density)


METHODS = {"JTP": _jtp, "TPP-2M": _tpp2m}
"""The parameters of the modified Bethe equation by name."""


def inelastic_mean_free_path(
    kinetic_energy: Real,
    *,
    valence_electrons: Real,
    density: Real,
    molar_mass: Real,
    band_gap: Real,
    method: str = "JTP",
) -> Real:
    """The mean free path between inelastic collisions, by the relativistic modified Bethe equation.

        lambda = alpha E/{Ep^2 [beta ln(gamma alpha E) - C/E + D/E^2]},   Ep = 28.816 sqrt(U),  U = Nv rho/M
        alpha = (1 + E/(2 m c^2))/(1 + E/(m c^2))^2

    Arguments: `kinetic_energy` E, eV; `valence_electrons` Nv per formula unit; `density` rho, g/cm3; `molar_mass` M,
    g/mol; `band_gap` Eg, eV; `method` of beta, gamma, C and D: "JTP" or "TPP-2M". Result: nm.
    Validity: 50 eV to 200 keV; 10 to 15 % on average, but TPP-2M gives 40 to 55 % more than JTP and `seah_s1` for
    fluorides of light metals (LiF, Nv rho/M high and gap wide): take JTP for interphases.
    Limits: grows as E/ln E; the same for the same Nv rho/M, rho and Eg whatever the formula unit.
    Sources: A. Jablonski, S. Tanuma, C. J. Powell, Surf. Interface Anal. 55 (2023) 609, doi 10.1002/sia.7217 (JTP);
    S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 21 (1994) 165, doi 10.1002/sia.740210302 (TPP-2M).

    >>> fluoride = dict(valence_electrons=8, density=2.64, molar_mass=25.94, band_gap=13.6)
    >>> round(float(inelastic_mean_free_path(801.6, **fluoride)), 2)
    2.38
    >>> round(float(inelastic_mean_free_path(801.6, **fluoride, method="TPP-2M")), 2)
    3.3
    """
    if method not in METHODS:
        raise InputError(f"no mean free path is called '{method}'", key="method", remedy=suggest(method, METHODS))
    electron_density = valence_electrons * density / molar_mass
    plasmon_square = 28.816**2 * electron_density
    bethe = METHODS[method](electron_density, plasmon_square, band_gap, density)
    rest = kinetic_energy / _ELECTRON_REST_ENERGY
    slowed = kinetic_energy * (1.0 + 0.5 * rest) / (1.0 + rest) ** 2
    bracket = bethe.beta * jnp.log(bethe.gamma * slowed) - bethe.c / kinetic_energy + bethe.d / kinetic_energy**2
    return slowed / (plasmon_square * bracket)


def atomic_spacing(*, density: Real, molar_mass: Real, atoms_per_formula: Real) -> Real:
    """a = (M/(rho N_A n))^(1/3): the edge of the cube that holds one atom, nm.

    Arguments: `density` rho, g/cm3; `molar_mass` M, g/mol; `atoms_per_formula` n.

    >>> round(float(atomic_spacing(density=2.64, molar_mass=25.94, atoms_per_formula=2)), 4)
    0.2013
    """
    return (1e21 * molar_mass / (density * AVOGADRO * atoms_per_formula)) ** (1.0 / 3.0)


def seah_s1(
    kinetic_energy: Real,
    *,
    atomic_number: Real,
    density: Real,
    molar_mass: Real,
    atoms_per_formula: Real,
    band_gap: Real,
) -> Real:
    """The inelastic mean free path S1: lambda = (4 + 0.44 Z^0.5 + 0.104 E^0.872) a^1.7/(Z^0.3 (1 - 0.02 Eg)).

    Arguments: `kinetic_energy` E, eV; `atomic_number` Z, the mean over the atoms; the others make `atomic_spacing` a;
    `band_gap` Eg, eV. Result: nm. Validity: 100 eV to 30 keV, Eg up to some 15 eV; 8 % on average.
    Source: M. P. Seah, Surf. Interface Anal. 44 (2012) 497, doi 10.1002/sia.4816.

    >>> fluoride = dict(atomic_number=6, density=2.64, molar_mass=25.94, atoms_per_formula=2, band_gap=13.6)
    >>> round(float(seah_s1(801.6, **fluoride)), 2)
    2.13
    """
    spacing = atomic_spacing(density=density, molar_mass=molar_mass, atoms_per_formula=atoms_per_formula)
    energy = 4.0 + 0.44 * atomic_number**0.5 + 0.104 * kinetic_energy**0.872
    return energy * spacing**1.7 / (atomic_number**0.3 * (1.0 - 0.02 * band_gap))


def seah_s2(kinetic_energy: Real, *, atomic_number: Real) -> Real:
    """The inelastic mean free path S2 where only the mean atomic number is known: (0.73 + 0.0095 E^0.872)/Z^0.3.

    Arguments: `kinetic_energy` E, eV; `atomic_number` Z. Result: nm. Validity: as `seah_s1`, with more scatter.
    Source: M. P. Seah, Surf. Interface Anal. 44 (2012) 497, doi 10.1002/sia.4816.

    >>> round(float(seah_s2(1000.0, atomic_number=6)), 4)
    2.7188
    """
    return (0.73 + 0.0095 * kinetic_energy**0.872) / atomic_number**0.3


def attenuation_length_s3(
    kinetic_energy: Real,
    *,
    atomic_number: Real,
    density: Real,
    molar_mass: Real,
    atoms_per_formula: Real,
    band_gap: Real,
) -> Real:
    """The attenuation length S3, L = (5.8 + 0.0041 Z^1.7 + 0.088 E^0.93) a^1.82/(Z^0.38 (1 - 0.02 Eg)).

    Elastic scattering makes the signal of a film decay faster than its inelastic mean free path: L in exp(-d/(L cos)).
    Arguments: as `seah_s1`. Result: nm. Validity: 100 eV to 30 keV, emission within 60 degrees of the normal.
    Source: M. P. Seah, Surf. Interface Anal. 44 (2012) 1353, doi 10.1002/sia.5033 (doi unverified).
    The band gap's term is that of S1.

    >>> fluoride = dict(atomic_number=6, density=2.64, molar_mass=25.94, atoms_per_formula=2, band_gap=13.6)
    >>> round(float(attenuation_length_s3(801.6, **fluoride)), 2)
    1.88
    """
    spacing = atomic_spacing(density=density, molar_mass=molar_mass, atoms_per_formula=atoms_per_formula)
    energy = 5.8 + 0.0041 * atomic_number**1.7 + 0.088 * kinetic_energy**0.93
    return energy * spacing**1.82 / (atomic_number**0.38 * (1.0 - 0.02 * band_gap))


def attenuation_length_s4(kinetic_energy: Real, *, atomic_number: Real) -> Real:
    """The attenuation length S4 where only the mean atomic number is known: (0.65 + 0.007 E^0.93)/Z^0.38.

    Arguments: `kinetic_energy` E, eV; `atomic_number` Z. Result: nm. Validity: as `attenuation_length_s3`.
    Source: M. P. Seah, Surf. Interface Anal. 44 (2012) 1353, doi 10.1002/sia.5033 (doi unverified).

    >>> round(float(attenuation_length_s4(1000.0, atomic_number=6)), 4)
    2.5138
    """
    return (0.65 + 0.007 * kinetic_energy**0.93) / atomic_number**0.38
