"""From the parameters of an impedance fit to physical quantities: capacitances, films, conductivities, current shares.

Everything is in SI units; resistances and capacitances are those of the whole cell, as measured, beside their area.
"""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import FARADAY, GAS, VACUUM_PERMITTIVITY, Real

BOLTZMANN = GAS / FARADAY
"""Boltzmann constant, eV/K."""


def through_film_capacitance(resistance: Real, constant_phase: Real, exponent: Real) -> Real:
    """Capacitance of an arc R || Q whose time constants are spread through the thickness of a film.

        C = Q^(1/a) R^(1/a - 1) = (R Q)^(1/a)/R

    Arguments: `resistance` R, ohm; `constant_phase` Q of 1/Z = Q (i omega)^a, S s^a; `exponent` a. Result: F.
    Validity: the arc alone, without the resistance in series; a film whose properties vary along its thickness, or
    grains and their boundaries. Limits: Q for a = 1; R C is the time constant of the arc's top, omega R C = 1.
    Source: C. H. Hsu, F. Mansfeld, Corrosion 57 (2001) 747, doi 10.5006/1.3280607; which formula holds when:
    B. Hirschorn, M. E. Orazem, B. Tribollet, V. Vivier, I. Frateur, M. Musiani, Electrochim. Acta 55 (2010) 6218,
    doi 10.1016/j.electacta.2009.10.065.

    >>> f"{through_film_capacitance(1.462e5, 6.515e-11, 0.8382):.3e}"  # F
    '6.993e-12'
    """
    return (resistance * constant_phase) ** (1.0 / exponent) / resistance


def surface_capacitance(series_resistance: Real, resistance: Real, constant_phase: Real, exponent: Real) -> Real:
    """Capacitance of R_u + (R || Q) whose time constants are spread along the surface of an electrode.

        C = Q^(1/a) (1/R_u + 1/R)^((a - 1)/a)

    Arguments: `series_resistance` R_u, ohm, of the electrolyte; `resistance` R, ohm, infinite for a blocking
    electrode; `constant_phase` Q of 1/Z = Q (i omega)^a, S s^a; `exponent` a. Result: F.
    Validity: a double layer or charge transfer that varies from place to place, each place in series with its own
    electrolyte. Limits: Q for a = 1; below `through_film_capacitance`, which it becomes for R_u much above R.
    Source: G. J. Brug, A. L. G. van den Eeden, M. Sluyters-Rehbach, J. H. Sluyters, J. Electroanal. Chem. 176 (1984)
    275, doi 10.1016/S0022-0728(84)80324-1.

    >>> f"{surface_capacitance(5.0, 100.0, 2e-5, 0.9):.4e}"  # F
    '7.1488e-06'
    """
    conductance = 1.0 / jnp.asarray(series_resistance) + 1.0 / jnp.asarray(resistance)
    return constant_phase ** (1.0 / exponent) * conductance ** ((exponent - 1.0) / exponent)


def film_thickness(capacitance: Real, relative_permittivity: Real, area: Real) -> Real:
    """Thickness of a flat film from its capacitance, L = eps_0 eps_r A/C.

    Arguments: `capacitance` C, F; `relative_permittivity` eps_r; `area` A, m2. Result: m.
    Validity: a dense film of even thickness, much thinner than wide; on a rough surface A is the true area, and L comes
    out too small by the roughness where the flat area is put in.
    Source: J. D. Jackson, Classical Electrodynamics, 3rd edition, Wiley, 1999, chapter 1.

    >>> f"{film_thickness(1e-6, 10.0, 1e-4):.3e}"  # m, for 1 uF on 1 cm2
    '8.854e-09'
    """
    return VACUUM_PERMITTIVITY * relative_permittivity * area / capacitance


def film_capacitance(thickness: Real, relative_permittivity: Real, area: Real) -> Real:
    """Capacitance of a flat film, C = eps_0 eps_r A/L; the inverse of `film_thickness`.

    Arguments: `thickness` L, m; `relative_permittivity` eps_r; `area` A, m2. Result: F.

    >>> f"{film_capacitance(10e-9, 10.0, 1e-4):.3e}"
    '8.854e-07'
    """
    return VACUUM_PERMITTIVITY * relative_permittivity * area / thickness


def relative_permittivity(capacitance: Real, thickness: Real, area: Real) -> Real:
    """Relative permittivity of a flat film of known thickness, eps_r = C L/(eps_0 A).

    Arguments: `capacitance` C, F; `thickness` L, m; `area` A, m2. Result: 1.
    Validity: as `film_thickness`.

    >>> round(relative_permittivity(6.996e-12, 2.1e-3, 5.0265e-5), 2)  # a pellet of 8 mm and 2.1 mm
    33.01
    """
    return capacitance * thickness / (VACUUM_PERMITTIVITY * area)


def conductivity(resistance: Real, thickness: Real, area: Real) -> Real:
    """Conductivity of a flat sample, sigma = L/(R A).

    Arguments: `resistance` R, ohm; `thickness` L, m; `area` A, m2. Result: S/m.
    Validity: even current; of an arc that is one of several in series (grain boundaries), what results is referred to
    the thickness of the whole sample and is no property of the boundary itself.

    >>> f"{conductivity(1.462e5, 2.1e-3, 5.0265e-5):.3e}"  # S/m; 2.858e-6 S/cm
    '2.858e-04'
    """
    return thickness / (resistance * area)


def arrhenius_conductivity(temperature: Real, prefactor: Real, activation_energy: Real) -> Real:
    """Conductivity of the form ln(sigma) against 1/T, sigma = sigma_0 exp(-E/(k T)).

    Arguments: `temperature` T, K; `prefactor` sigma_0, S/m; `activation_energy` E, eV. Result: S/m.
    Limits: the same data give an E lower by k T, 26 meV at room temperature, than with
    `arrhenius_conductivity_temperature`.

    >>> f"{arrhenius_conductivity(298.15, 1e3, 0.6):.4e}"
    '7.2094e-08'
    """
    return prefactor * jnp.exp(-activation_energy / (BOLTZMANN * temperature))


def arrhenius_conductivity_temperature(temperature: Real, prefactor: Real, activation_energy: Real) -> Real:
    """Conductivity of the form ln(sigma T) against 1/T, sigma = (A/T) exp(-E/(k T)).

    Arguments: `temperature` T, K; `prefactor` A, S K/m; `activation_energy` E, eV. Result: S/m.
    Validity: hopping of ions whose number does not change, where the Nernst-Einstein relation brings the 1/T.
    Source: J. Maier, Physical Chemistry of Ionic Materials, Wiley, 2004 (from memory).

    >>> f"{arrhenius_conductivity_temperature(413.0, 1.609e6, 0.5869):.4e}"  # S/m
    '2.6838e-04'
    """
    return prefactor / temperature * jnp.exp(-activation_energy / (BOLTZMANN * temperature))


def vogel_fulcher_tammann(
    temperature: Real, prefactor: Real, pseudo_activation_energy: Real, ideal_temperature: Real
) -> Real:
    """Conductivity of polymers and supercooled liquids, sigma = sigma_0 exp(-B/(k (T - T_0))).

    Arguments: `temperature` T, K, above T_0; `prefactor` sigma_0, S/m; `pseudo_activation_energy` B, eV;
    `ideal_temperature` T_0, K. Result: S/m.
    Limits: Arrhenius for T_0 = 0; the slope of ln sigma against -1/(k T) is B (T/(T - T_0))^2, not B.
    Source: H. Vogel, Phys. Z. 22 (1921) 645; G. S. Fulcher, J. Am. Ceram. Soc. 8 (1925) 339, doi
    10.1111/j.1151-2916.1925.tb16731.x; G. Tammann, W. Hesse, Z. anorg. allg. Chem. 156 (1926) 245, doi
    10.1002/zaac.19261560121.

    >>> f"{vogel_fulcher_tammann(333.15, 10.0, 0.1, 200.0):.4e}"
    '1.6404e-03'
    """
    return prefactor * jnp.exp(-pseudo_activation_energy / (BOLTZMANN * (temperature - ideal_temperature)))


def steady_current_fraction(newman_number: Real) -> Real:
    """Share of the initial current that a cell of two metal electrodes keeps in the steady state, 1/(1 + Ne).

    Argument: `newman_number` Ne. Result: 1.
    Validity: small voltage, binary electrolyte, both currents corrected for the interfaces. Limits: 1 for Ne = 0, which
    a transference number of one gives. In an ideal dilute 1:1 electrolyte it equals the transference number.
    Source: N. P. Balsara, J. Newman, J. Electrochem. Soc. 162 (2015) A2720, doi 10.1149/2.0651514jes;
    M. D. Galluzzo, J. A. Maslyn, D. B. Shah, N. P. Balsara, J. Chem. Phys. 151 (2019) 020901, doi 10.1063/1.5109684.

    >>> steady_current_fraction(4.0)
    0.2
    """
    return 1.0 / (1.0 + newman_number)


def newman_number(current_fraction: Real) -> Real:
    """Newman's number of a measured steady current fraction rho, Ne = 1/rho - 1; undoes `steady_current_fraction`.

    Argument: `current_fraction` rho, above 0. Result: 1.

    >>> newman_number(0.2)
    4.0
    """
    return 1.0 / current_fraction - 1.0


def newman_number_of_electrolyte(
    conductivity: Real,
    diffusivity: Real,
    concentration: Real,
    temperature: Real,
    transference_number: Real,
    thermodynamic_factor: Real = 1.0,
) -> Real:
    """Newman's number of a 1:1 electrolyte from its properties, resistance of the salt's profile over that of Ohm.

        Ne = 2 kappa R T (1 - t+)^2 chi/(F^2 D c)

    Arguments: `conductivity` kappa, S/m; `diffusivity` D of the salt, m2/s; `concentration` c, mol/m3; `temperature` T,
    K; `transference_number` t+ of the cation against the solvent; `thermodynamic_factor` chi = 1 + dln f/dln c.
    Result: 1. Kappa and D both of the free liquid, or both of the porous medium.
    Limits: with Nernst and Einstein's kappa = F^2 c (D+ + D-)/(R T), D = 2 D+ D-/(D+ + D-) and chi = 1 it is
    (1 - t+)/t+, so that the current fraction is t+.
    Source: N. P. Balsara, J. Newman, J. Electrochem. Soc. 162 (2015) A2720, doi 10.1149/2.0651514jes.

    >>> round(newman_number_of_electrolyte(0.9, 3e-10, 1000.0, 298.15, 0.38), 4)
    0.6142
    """
    thermal = GAS * temperature * (1.0 - transference_number) ** 2 * thermodynamic_factor
    return 2.0 * conductivity * thermal / (FARADAY**2 * diffusivity * concentration)


def initial_current(voltage: Real, bulk_resistance: Real, interface_resistance: Real) -> Real:
    """Current of a cell before any salt gradient, by Ohm's law: I_0 = dV/(R_b + R_0).

    Arguments: `voltage` dV, V; `bulk_resistance` R_b of the electrolyte and `interface_resistance` R_0 of both
    interfaces, ohm, from the impedance before. Result: A.
    Source: M. D. Galluzzo, J. A. Maslyn, D. B. Shah, N. P. Balsara, J. Chem. Phys. 151 (2019) 020901, doi
    10.1063/1.5109684, who prefer it to the first current recorded.

    >>> round(initial_current(0.010, 327.0, 243.0) * 1e6, 2)  # uA
    17.54
    """
    return voltage / (bulk_resistance + interface_resistance)


def bruce_vincent_fraction(
    voltage: Real,
    initial_current: Real,
    steady_current: Real,
    initial_resistance: Real,
    steady_resistance: Real,
) -> Real:
    """Steady current fraction with the interfaces taken off, after Evans, Vincent and Bruce.

        rho = I_ss (dV - I_0 R_0)/(I_0 (dV - I_ss R_ss))

    Arguments: `voltage` dV, V; `initial_current` I_0 and `steady_current` I_ss, A; `initial_resistance` R_0 and
    `steady_resistance` R_ss of both interfaces, ohm. Result: 1.
    Validity: dV of 10 mV or less; interfaces that follow Ohm's law. Limits: I_ss/I_0 without interfaces.
    Source: J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324, doi 10.1016/0032-3861(87)90394-6 (whose second
    experiment of table 1, 0.48, is the number below); P. G. Bruce, C. A. Vincent, J. Electroanal. Chem. 225 (1987) 1,
    doi 10.1016/0022-0728(87)80001-3.

    >>> round(bruce_vincent_fraction(10e-3, 17.54e-6, 10.78e-6, 243.0, 250.0), 3)
    0.483
    """
    before = voltage - initial_current * initial_resistance
    after = voltage - steady_current * steady_resistance
    return steady_current * before / (initial_current * after)


def porous_liquid_factor(conductance: Real, liquid_conductivity: Real, area: Real) -> Real:
    """What the liquid branch of a porous film tells of its shape, eps/(tau L) = G/(sigma_l A).

    Arguments: `conductance` G of the liquid-filled channels, S; `liquid_conductivity` sigma_l, S/m, of the same liquid
    at the same temperature; `area` A, m2. Result: 1/m.
    Validity: straight or winding channels through the whole film in parallel with the solid (eps their share of the
    volume, tau >= 1 their tortuosity, L the thickness); channels far wider than the double layer. Neither eps nor tau
    nor L follows alone.

    >>> f"{porous_liquid_factor(0.125, 0.25, 1e-4):.0f}"  # 100 nm with 0.1 % of channels, tau = 2
    '5000'
    """
    return conductance / (liquid_conductivity * area)


def porous_solid_factor(capacitance: Real, relative_permittivity: Real, area: Real) -> Real:
    """What the geometric capacitance of a porous film tells of its shape, (1 - eps)/L = C/(eps_0 eps_r A).

    Arguments: `capacitance` C, F, of the solid part; `relative_permittivity` eps_r of the solid; `area` A, m2.
    Result: 1/m.
    Validity: as `porous_liquid_factor`; the channels' own capacitance beside the solid's is left out, which holds where
    eps eps_r(liquid) is small against (1 - eps) eps_r(solid).

    >>> f"{porous_solid_factor(2e-7, 10.0, 1e-4):.4e}"
    '2.2588e+07'
    """
    return capacitance / (VACUUM_PERMITTIVITY * relative_permittivity * area)


def porous_film_thickness(liquid_factor: Real, solid_factor: Real, tortuosity: Real) -> Real:
    """Thickness of a porous film once the tortuosity of its channels is stated, 1/L = tau x + y.

    Arguments: `liquid_factor` x = eps/(tau L), 1/m (`porous_liquid_factor`); `solid_factor` y = (1 - eps)/L, 1/m
    (`porous_solid_factor`); `tortuosity` tau. Result: m.
    Limits: 1/y for a dense film.

    >>> round(porous_film_thickness(1e6, 1.6e7, 4.0) * 1e9, 6)  # nm
    50.0
    """
    return 1.0 / (tortuosity * liquid_factor + solid_factor)


def porous_film_porosity(liquid_factor: Real, solid_factor: Real, tortuosity: Real) -> Real:
    """Porosity of a porous film once the tortuosity of its channels is stated, eps = tau x/(tau x + y).

    Arguments: as `porous_film_thickness`. Result: 1.

    >>> porous_film_porosity(1e6, 1.6e7, 4.0)
    0.2
    """
    return tortuosity * liquid_factor / (tortuosity * liquid_factor + solid_factor)
