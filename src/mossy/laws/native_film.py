"""The film a metal has before it meets an electrolyte: how thick, and whether it can cover."""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import GAS, Real

LANGMUIR = 1e-6 * 133.322
"""Pa s: 1e-6 torr for one second."""


def footprint_porosity(pilling_bedworth: Real) -> Real:
    """Pores left when a film takes the place of the metal it consumed: max(0, 1 - P).

    Arguments: `pilling_bedworth` ratio P of the film's volume to the metal's. Result: 0 to 1.
    Validity: the film keeps the outline of the metal, and neither sinters nor cracks.
    Limits: 0 for a film that can cover (P >= 1), 1 for one of no volume.
    Source: N. B. Pilling, R. E. Bedworth, J. Inst. Met. 29 (1923) 529.

    >>> round(float(footprint_porosity(0.570)), 3)  # Li2O on lithium
    0.43
    """
    return jnp.maximum(0.0, 1.0 - pilling_bedworth)


def native_film_thickness(dose: Real, phase_per_gas: Real, film_molar_volume: Real, porosity: Real = 0.0) -> Real:
    """Thickness of the film that a dose of gas makes when all of it reacts: L = N nu V/(1 - eps).

    Arguments: `dose` N of gas that reacted, mol/m2; `phase_per_gas` nu, mol of film a mol of gas; `film_molar_volume`
    V, m3/mol; `porosity` eps of the film. Result: m.
    Validity: a uniform film of one phase. Limits: proportional to the dose; the solid alone for eps = 0.
    Source: conservation of the gas's atoms.

    >>> f"{native_film_thickness(1e-4, 2.0, 14.84e-6) * 1e9:.3f}"  # O2 + 4 Li -> 2 Li2O, nm
    '2.968'
    """
    return dose * phase_per_gas * film_molar_volume / (1.0 - porosity)


def gas_dose(exposure: Real, molar_mass: Real, temperature: Real = 298.15, sticking: Real = 1.0) -> Real:
    """What reacts of a gas that strikes a surface: N = s p t/sqrt(2 pi M R T).

    Arguments: `exposure` p t, Pa s (1 langmuir is 1.33322e-4 Pa s); `molar_mass` M, kg/mol; `temperature` T, K;
    `sticking` probability s, the share of molecules that react. Result: mol/m2.
    Validity: a gas at rest whose depletion at the surface is negligible. Limits: proportional to the exposure.
    Source: the Hertz-Knudsen flux; P. Atkins, J. de Paula, Physical Chemistry, 8th edition, Oxford, 2006, section 21.

    >>> f"{gas_dose(LANGMUIR, 0.032):.2e}"  # one langmuir of O2
    '5.97e-06'
    """
    return sticking * exposure / jnp.sqrt(2.0 * jnp.pi * molar_mass * GAS * temperature)
