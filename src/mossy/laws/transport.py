"""How a binary salt moves: correlations for its coefficients, the laws they enter, and exact solutions to test against.

Concentrations are mol/m3 and results SI; the coefficients of a correlation are those of its publication, in its units.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable

from mossy.backend import jax, jnp
from mossy.errors import InputError, suggest
from mossy.laws.constants import FARADAY, GAS, Real

_TRACE = 1e-3  # mol/m3; below it the correlations with a square root are held, so that no gradient turns NaN


def constant(concentration: Real, temperature: Real, value: Real) -> Real:
    """The same value at every concentration and temperature, in the shape of both; in and out in the unit of `value`.

    >>> float(constant(1000.0, 298.15, 0.38))
    0.38
    """
    return jnp.broadcast_arrays(value, concentration, temperature)[0]


def polynomial(concentration: Real, temperature: Real, reference_concentration: Real, *coefficients: Real) -> Real:
    """sum over k of a_k ((c - c_ref)/c_ref)^k, independent of temperature.

    Arguments: `concentration` c and `reference_concentration` c_ref, mol/m3; `coefficients` a_0, a_1, ... in the unit
    of the result. Limits: a_0 at c_ref.

    >>> round(float(polynomial(2000.0, 363.15, 1870.0, -0.0376, -0.474)), 6)  # a transference number in PEO-LiTFSI
    -0.070552
    """
    return _horner((concentration - reference_concentration) / reference_concentration, coefficients)


def exponential_polynomial(concentration: Real, temperature: Real, *coefficients: Real) -> Real:
    """exp(sum over k of a_k c^k), c in mol/L: always positive, for diffusivities; a_0 is the logarithm of the SI value.

    Arguments: `concentration`, mol/m3; `coefficients` a_k, (L/mol)^k. Limits: exp(a_0) at infinite dilution.

    >>> f"{exponential_polynomial(1000.0, 298.15, math.log(5.34e-10), -0.65):.6e}"  # DUALFOIL's LiPF6, m2/s
    '2.787724e-10'
    """
    return jnp.exp(_horner(concentration / 1000, coefficients))


def table(concentration: Real, temperature: Real, concentrations: Real, values: Real) -> Real:
    """Linear interpolation in concentration, held at the end values outside; independent of temperature.

    Arguments: `concentration`, mol/m3; `concentrations`, mol/m3, rising; `values` there, in the unit of the result.

    >>> float(table(750.0, 298.15, [500.0, 1000.0], [0.72, 0.883]))  # NaPF6 in EC:PC, S/m
    0.8015
    """
    return jnp.interp(jnp.asarray(concentration), jnp.asarray(concentrations), jnp.asarray(values))


def arrhenius(
    concentration: Real, temperature: Real, value: Real, activation_energy: Real, reference_temperature: Real
) -> Real:
    """value exp(-(E/R)(1/T - 1/T_ref)), independent of concentration.

    Arguments: `temperature` T, K; `value` at T_ref, in the unit of the result; `activation_energy` E, J/mol;
    `reference_temperature` T_ref, K. Limits: `value` at T_ref; never falls with T for E > 0.

    >>> round(float(arrhenius(1000.0, 308.15, 1.0, 20e3, 298.15)), 5)
    1.29929
    """
    scale = jnp.exp(activation_energy / GAS * (1 / reference_temperature - 1 / temperature))
    return constant(concentration, temperature, value * scale)


def landesfeind_conductivity(
    concentration: Real, temperature: Real, p1: Real, p2: Real, p3: Real, p4: Real, p5: Real, p6: Real
) -> Real:
    """Ionic conductivity of LiPF6 in a carbonate mixture, S/m, with c in mol/L, T in K.

        kappa = 0.1 p1 (1 + (T - p2)) c (1 + p3 sqrt(c) + p4 (1 + p5 e^(1000/T)) c) / (1 + p6 e^(1000/T) c^4)

    Validity: the fitted mixtures EC:DMC 1:1, EC:EMC 3:7 and EMC:FEC 19:1 by weight, each with its own six coefficients;
    held below 1e-3 mol/m3. Limits: proportional to c when dilute.
    Source: J. Landesfeind and H. A. Gasteiger, J. Electrochem. Soc. 166 (2019) A3079, doi 10.1149/2.0571912jes.

    >>> round(float(landesfeind_conductivity(1000.0, 283.15, 0.798, 228.0, -1.22, 0.509, -4e-3, 3.79e-3)), 6)  # EC:DMC
    0.870352
    """
    c = jnp.maximum(concentration, _TRACE) / 1000
    thermal = jnp.exp(1000 / temperature)
    mobility = 1 + p3 * jnp.sqrt(c) + p4 * (1 + p5 * thermal) * c
    return 0.1 * p1 * (1 + (temperature - p2)) * c * mobility / (1 + p6 * thermal * c**4)


def landesfeind_diffusivity(concentration: Real, temperature: Real, p1: Real, p2: Real, p3: Real, p4: Real) -> Real:
    """Salt diffusivity of LiPF6 in a carbonate mixture, m2/s, with c in mol/L, T in K.

        D = 1e-10 p1 e^(p2 c) e^(p3/T) e^(p4 c/T)

    Validity and source: as `landesfeind_conductivity`. Limits: positive everywhere.

    >>> f"{landesfeind_diffusivity(1000.0, 283.15, 1470.0, 1.33, -1690.0, -563.0):.5e}"  # EC:DMC 1:1
    '1.94664e-10'
    """
    c = concentration / 1000
    return 1e-10 * p1 * jnp.exp(p2 * c + (p3 + p4 * c) / temperature)


def landesfeind_polynomial(
    concentration: Real,
    temperature: Real,
    p1: Real,
    p2: Real,
    p3: Real,
    p4: Real,
    p5: Real,
    p6: Real,
    p7: Real,
    p8: Real,
    p9: Real,
) -> Real:
    """Thermodynamic factor, or transference number, of LiPF6 in a carbonate mixture, with c in mol/L, T in K.

        p1 + p2 c + p3 T + p4 c^2 + p5 c T + p6 T^2 + p7 c^3 + p8 c^2 T + p9 c T^2

    Validity and source: as `landesfeind_conductivity`; one form, two sets of coefficients. An empirical fit: it does
    not go to chi = 1 at infinite dilution, and some of its transference numbers are negative.

    >>> factor = (-5.58, 7.17, 3.80e-2, 1.91, -6.65e-2, -5.08e-5, 0.11, -6.10e-3, 1.51e-4)  # EC:DMC 1:1
    >>> round(float(landesfeind_polynomial(1000.0, 283.15, *factor)), 5)
    1.84644
    """
    c, t = concentration / 1000, temperature
    in_temperature = (p1 + (p3 + p6 * t) * t, p2 + (p5 + p9 * t) * t, p4 + p8 * t, p7)
    return _horner(c, in_temperature)


def valoen_reimers_conductivity(
    concentration: Real,
    temperature: Real,
    k00: Real = -10.5,
    k01: Real = 0.0740,
    k02: Real = -6.96e-5,
    k10: Real = 0.668,
    k11: Real = -0.0178,
    k12: Real = 2.80e-5,
    k20: Real = 0.494,
    k21: Real = -8.86e-4,
) -> Real:
    """Ionic conductivity of LiPF6 in PC:EC:DMC, S/m, with c in mol/L, T in K.

        kappa = 0.1 c [(k00 + k01 T + k02 T^2) + c (k10 + k11 T + k12 T^2) + c^2 (k20 + k21 T)]^2

    Validity: the one mixture, propylene, ethylene and dimethyl carbonate 10:27:63 by volume (some parameter sets call
    it EC:DMC). Limits: proportional to c when dilute.
    Source: L. O. Valoen and J. N. Reimers, J. Electrochem. Soc. 152 (2005) A882, doi 10.1149/1.1872737.

    >>> round(float(valoen_reimers_conductivity(1000.0, 298.15)), 6)
    1.194326
    """
    c, t = concentration / 1000, temperature
    root = _horner(c, (k00 + (k01 + k02 * t) * t, k10 + (k11 + k12 * t) * t, k20 + k21 * t))
    return 0.1 * jnp.maximum(c, _TRACE / 1000) * root**2


def valoen_reimers_diffusivity(
    concentration: Real,
    temperature: Real,
    d00: Real = -4.43,
    d01: Real = -54.0,
    d10: Real = -0.22,
    glass0: Real = 229.0,
    glass1: Real = 5.0,
) -> Real:
    """Salt diffusivity of LiPF6 in PC:EC:DMC, m2/s, with c in mol/L, T in K.

        D = 1e-4 * 10^(d00 + d01/(T - glass0 - glass1 c) + d10 c)

    Validity: as `valoen_reimers_conductivity`, and T well above glass0 + glass1 c. Limits: falls to 0 at that glass
    temperature. Source: as there; its thermodynamic factor is left out, for public transcriptions of it disagree.

    >>> f"{valoen_reimers_diffusivity(1000.0, 298.15):.6e}"
    '3.222723e-10'
    """
    c = concentration / 1000
    decades = d00 + d01 / (temperature - glass0 - glass1 * c) + d10 * c
    return 1e-4 * jnp.exp(math.log(10) * decades)


def molar_volume_from_density(concentration: Real, temperature: Real, molar_mass: Real, *density: Real) -> Real:
    """Partial molar volume of the salt from the density of its solution, V = (M - rho')/(rho - c rho').

    Arguments: `concentration` c, mol/m3; `temperature`, K (not used); `molar_mass` M of the salt, kg/mol; `density`
    coefficients a_k, kg/m3, of rho = sum_k a_k c_M^k with c_M in mol/L, and rho' = d rho/dc. Result: m3/mol.
    Validity: constant pressure and temperature. Limits: M/rho where the density does not depend on concentration.
    Source: J. Newman, K. E. Thomas-Alyea, Electrochemical Systems, 3rd edition, Wiley, 2004, chapter 12.

    >>> v = molar_volume_from_density(1870.0, 363.15, 0.28709, 1123.276, 106.822, 7.606)  # LiTFSI in PEO
    >>> f"{v * 1e6:.1f} cm3/mol"
    '138.4 cm3/mol'
    """
    c = concentration / 1000
    value = _horner(c, density)
    slope = _horner(c, tuple(power * each for power, each in enumerate(density))[1:] or (0.0,)) / 1000
    return (molar_mass - slope) / (value - concentration * slope)


CORRELATIONS: dict[str, Callable[..., Real]] = {
    law.__name__: law
    for law in (
        constant,
        polynomial,
        exponential_polynomial,
        table,
        arrhenius,
        landesfeind_conductivity,
        landesfeind_diffusivity,
        landesfeind_polynomial,
        valoen_reimers_conductivity,
        valoen_reimers_diffusivity,
        molar_volume_from_density,
    )
}
"""What a case file or a material may name: law(concentration, temperature, *coefficients)."""


def coefficient_count(name: str) -> tuple[int, int]:
    """How few and how many coefficients a correlation takes; a law with any number of them takes at least one.

    >>> coefficient_count("landesfeind_conductivity"), coefficient_count("valoen_reimers_conductivity")
    ((6, 6), (0, 8))
    >>> coefficient_count("polynomial")[0]  # the reference concentration and a_0
    2
    """
    if name not in CORRELATIONS:
        raise InputError(f"no transport correlation is called '{name}'", remedy=suggest(name, CORRELATIONS))
    coefficients = list(inspect.signature(CORRELATIONS[name]).parameters.values())[2:]
    fewest = sum(each.default is inspect.Parameter.empty for each in coefficients)
    endless = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in coefficients)
    return fewest, sys.maxsize if endless else len(coefficients)


def diffusion_potential_coefficient(
    temperature: Real,
    transference_number: Real,
    thermodynamic_factor: Real,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
    anions_per_formula: Real = 1,
) -> Real:
    """The volts per unit of ln c that a reference electrode of the same metal sees without current.

        U = (R T/(z F)) ((nu+ + nu-)/nu+) (1 - t+) chi,    grad phi = -i/kappa + U grad ln c

    Arguments: `temperature` K; `transference_number` t+ of the cation against the solvent; `thermodynamic_factor`
    chi = 1 + dln f/dln c; `charge_number` z of the cation; nu+ and nu- ions per formula unit. Result: V.
    Limits: (2 R T/F)(1 - t+) chi for 1:1; 0 for t+ = 1. It holds the Nernst potential of the metal: adding another ln c
    at the electrode counts it twice.
    Source: J. Newman and K. E. Thomas-Alyea, Electrochemical Systems, 3rd edition, Wiley, 2004, chapter 12.

    >>> round(float(diffusion_potential_coefficient(298.15, 0.38, 1.0)) * 1e3, 6)  # mV
    31.858798
    """
    ions = 1 + anions_per_formula / cations_per_formula
    return GAS * temperature / (charge_number * FARADAY) * ions * (1 - transference_number) * thermodynamic_factor


def salt_flux(
    concentration_gradient: Real,
    diffusivity: Real,
    current_density: Real,
    transference_number: Real,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
) -> Real:
    """Flux of salt against the solvent, counted by its cations: N = -D dc/dx + i t+/(z nu+ F).

    Arguments: `concentration_gradient` dc/dx, mol/m4; `diffusivity` D, m2/s; ionic `current_density` i along x, A/m2;
    `transference_number` t+; `charge_number` z; `cations_per_formula` nu+. Result: mol/(m2 s).
    Validity: concentrated binary electrolyte, no convection. Limits: at a metal electrode N = i/(z nu+ F), whence
    D dc/dx = -(1 - t+) i/(z nu+ F).
    Source: as `diffusion_potential_coefficient`.

    >>> f"{salt_flux(0.0, 3e-10, 10.0, 0.38):.6e}"
    '3.938422e-05'
    """
    migration = current_density * transference_number / (charge_number * cations_per_formula * FARADAY)
    return migration - diffusivity * concentration_gradient


def sand_time(
    current_density: Real,
    concentration: Real,
    diffusivity: Real,
    transference_number: Real,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
) -> Real:
    """Sand's time: when a constant current empties the electrolyte at an electrode that sees no other boundary.

        t = pi D (z nu+ F c/(2 J (1 - t+)))^2

    Arguments: `current_density` J, A/m2; `concentration` c of the bulk salt, mol/m3; `diffusivity` D, m2/s;
    `transference_number` t+ < 1; `charge_number` z; `cations_per_formula` nu+. Result: s.
    Validity: constant coefficients; before the diffusion layer reaches the far electrode, J well above the limiting
    current of `limiting_current` (`depletion_time_finite_cell` is exact).
    Limits: 1/J^2; infinite for t+ -> 1.
    Source: H. J. S. Sand, Philosophical Magazine 1 (1901) 45, doi 10.1080/14786440109462590.

    >>> round(sand_time(100.0, 1000.0, 3e-10, 0.38), 6)
    570.624415
    """
    charge = charge_number * cations_per_formula * FARADAY * concentration
    return math.pi * diffusivity * (charge / (2 * current_density * (1 - transference_number))) ** 2


def limiting_current(
    thickness: Real,
    concentration: Real,
    diffusivity: Real,
    transference_number: Real,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
) -> Real:
    """The largest current density a cell of two metal electrodes carries for ever: J = 2 z nu+ F D c/((1 - t+) L).

    Arguments: `thickness` L between the electrodes, m; the others as `sand_time`, with D the effective diffusivity
    (eps/tau times the free one) in a separator. Result: A/m2.
    Validity: constant coefficients, the salt conserved. Limits: c is 0 at the plating and 2 c at the stripping side.
    Source: as `diffusion_potential_coefficient`.

    >>> round(limiting_current(25e-6, 1000.0, 3e-10, 0.38), 3)
    3734.916
    """
    charge = charge_number * cations_per_formula * FARADAY * concentration
    return 2 * charge * diffusivity / ((1 - transference_number) * thickness)


def depletion_time_finite_cell(current_ratio: float, thickness: float, diffusivity: float) -> float:
    """When a constant current above the limiting one empties the plating side of a cell: Sand's time with the far wall.

        r [1 - (8/pi^2) sum over odd n of exp(-n^2 pi^2 D t/L^2)/n^2] = 1

    Arguments: `current_ratio` r = J/J_lim; `thickness` L, m; `diffusivity` D, m2/s; floats, for this is a reference to
    compare with and not a law to differentiate. Result: s, infinite for r <= 1.
    Validity: constant coefficients, equal and opposite fluxes at both sides. Limits: Sand's (pi/16) L^2/(D r^2) for
    large r, longer below.
    Source: separation of variables.

    >>> round(depletion_time_finite_cell(2.0, 1.0, 1.0), 12)
    0.049182684881
    """
    if current_ratio <= 1:
        return math.inf
    sand = math.pi / (16 * current_ratio**2)
    if current_ratio > 6:  # the far wall then changes the time by less than exp(-45)
        return sand * thickness**2 / diffusivity
    from scipy.optimize import brentq

    def spare(time: float) -> float:
        decay = sum(math.exp(-((n * math.pi) ** 2) * time) / n**2 for n in range(1, 400, 2))
        return 1 - 1 / current_ratio - 8 / math.pi**2 * decay

    latest = -math.log1p(-1 / current_ratio) / math.pi**2  # every mode decaying as slowly as the first
    return brentq(spare, sand / 2, latest, xtol=1e-16, rtol=1e-14) * thickness**2 / diffusivity


def steady_concentration_overpotential(
    current_ratio: Real,
    temperature: Real,
    transference_number: Real,
    thermodynamic_factor: Real = 1.0,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
    anions_per_formula: Real = 1,
) -> Real:
    """Voltage that the steady concentration profile of a cell of two metal electrodes costs, Nernst included.

        V = U ln((1 + r)/(1 - r)),    r = J/J_lim,    U of `diffusion_potential_coefficient`

    Arguments: `current_ratio` r, -1 to 1; the others as `diffusion_potential_coefficient`. Result: V.
    Validity: constant coefficients. Limits: 2 U r for small r, infinite at r = 1.
    Source: as `diffusion_potential_coefficient`.

    >>> round(float(steady_concentration_overpotential(0.5, 298.15, 0.38)) * 1e3, 8)  # mV
    35.00046711
    """
    coefficient = diffusion_potential_coefficient(
        temperature,
        transference_number,
        thermodynamic_factor,
        charge_number=charge_number,
        cations_per_formula=cations_per_formula,
        anions_per_formula=anions_per_formula,
    )
    return 2 * coefficient * jnp.arctanh(current_ratio)


def concentration_resistance(
    thickness: Real,
    concentration: Real,
    diffusivity: Real,
    temperature: Real,
    transference_number: Real,
    thermodynamic_factor: Real = 1.0,
    *,
    charge_number: Real = 1,
    cations_per_formula: Real = 1,
    anions_per_formula: Real = 1,
) -> Real:
    """Resistance of the steady concentration profile of a cell of two metal electrodes at small current.

        R = ((nu+ + nu-)/nu+^2) R T (1 - t+)^2 chi L/(z^2 F^2 D c)

    Arguments: as `limiting_current` and `diffusion_potential_coefficient`, with D the effective diffusivity.
    Result: ohm m2.
    Validity: small current, constant coefficients. Limits: 2 R T (1 - t+)^2 chi L/(F^2 D c) for 1:1; the slope of
    `steady_concentration_overpotential`; R kappa/L is Newman's number Ne of I_ss/I_0 = 1/(1 + Ne).
    Source: N. P. Balsara and J. Newman, J. Electrochem. Soc. 162 (2015) A2720, doi 10.1149/2.0651514jes.

    >>> round(float(concentration_resistance(25e-6, 1000.0, 3e-10, 298.15, 0.38)) * 1e4, 6)  # ohm cm2
    0.1706
    """
    ions = (cations_per_formula + anions_per_formula) / cations_per_formula**2
    factor = ions * (1 - transference_number) ** 2 * thermodynamic_factor
    thermal = GAS * temperature / (charge_number * FARADAY) ** 2
    return thermal * factor * thickness / (diffusivity * concentration)


def concentration_impedance(
    frequency: Real, thickness: Real, diffusivity: Real, resistance: Real, porosity: Real = 1.0
) -> Real:
    """Impedance of salt diffusion between two metal electrodes, the finite Warburg element.

        Z = R tanh(s)/s,    s = sqrt(i 2 pi f eps L^2/(4 D))

    Arguments: `frequency` f, Hz; `thickness` L between the electrodes, m; `diffusivity` D, m2/s, effective;
    `resistance` R of the steady profile, ohm m2 (`concentration_resistance`); `porosity` eps of the separator.
    Result: ohm m2, complex.
    Validity: small signal about rest, equal electrodes. Limits: R at f = 0; a 45 degree line at high frequency;
    -Im Z is largest, 0.4172 R, where 2 pi f eps L^2/(4 D) = 2.5406.
    Source: A. J. Bard and L. R. Faulkner, Electrochemical Methods, 2nd edition, Wiley, 2001, chapter 10.

    >>> f"{concentration_impedance(1.0, 25e-6, 3e-10, 1.0):.6f}"
    '0.481195-0.405138j'
    """
    angle = 2 * math.pi * frequency * porosity * thickness**2 / (4 * diffusivity)
    s = jnp.sqrt(1j * jnp.where(angle == 0, 1.0, angle))
    return resistance * jnp.where(angle == 0, 1.0, jnp.tanh(s) / s)


def _horner(x: Real, coefficients: tuple[Real, ...]) -> Real:
    """The polynomial with `coefficients` in rising order at `x`."""
    total: Real = jnp.zeros_like(x, dtype=jax.numpy.float64)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total
