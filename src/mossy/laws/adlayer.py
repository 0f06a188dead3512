"""What adsorbs on the metal: a layer that blocks it, or that keeps it open."""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import FARADAY, GAS, Real


def adlayer_rate(
    coverage: Real,
    overpotential: Real,
    *,
    adsorption_rate: Real,
    desorption_rate: Real,
    desorption_symmetry: Real,
    temperature: Real = 298.15,
) -> Real:
    """How fast a surface is covered: d theta/dt = k_a (1 - theta) - k_d exp(s F eta/(R T)) theta.

    Arguments: `coverage` theta, 0 to 1; `overpotential` eta, V, > 0 drives plating; `adsorption_rate` k_a (the rate
    constant times the concentration) and `desorption_rate` k_d at rest, 1/s; `desorption_symmetry` s; `temperature` T,
    K. Result: 1/s. Validity: Langmuir's surface, adsorption that does not feel the potential; the exponent stops at 40.
    Limits: k_a/(k_a + k_d) at rest; plating clears the surface (s > 0), so that onset and return differ.
    Source: Langmuir kinetics; that adsorbed layers on magnesium in Grignard and amide solutions come and go with the
    potential: D. Aurbach, M. Moshkovich, A. Schechter, R. Turgeman, Electrochem. Solid-State Lett. 3 (2000) 31.

    >>> float(adlayer_rate(0.5, 0.0, adsorption_rate=0.2, desorption_rate=0.1, desorption_symmetry=1.0))
    0.05
    """
    lifted = jnp.exp(jnp.clip(desorption_symmetry * FARADAY * overpotential / (GAS * temperature), -40.0, 40.0))
    return adsorption_rate * (1.0 - coverage) - desorption_rate * lifted * coverage


def open_fraction(coverage: Real, covered_activity: Real) -> Real:
    """What a partly covered surface lets through: 1 - theta (1 - g).

    Arguments: `coverage` theta; `covered_activity` g of the covered part against the bare one: below 1 the layer
    blocks, above 1 it helps. Result: a factor of the exchange current density. Limits: 1 when bare, g when covered.
    Source: two surfaces side by side.

    >>> open_fraction(0.25, 0.0)
    0.75
    """
    return 1.0 - coverage * (1.0 - covered_activity)
