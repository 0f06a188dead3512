"""Where the metal is: able to strip, isolated, or how thick when dense."""

from __future__ import annotations

from mossy.backend import jnp
from mossy.laws.constants import FARADAY, Real


def metal_activity(inventory: Real, vanishing_charge: Real) -> Real:
    """Activity of the metal that is left to strip: a_M = Q/(Q + Q*).

    Arguments: `inventory` Q of metal in electronic contact, C/m2; `vanishing_charge` Q*, C/m2, the amount at which the
    last metal begins to run out. Result: below 1.
    Validity: a smooth closure, not a measured isotherm; Q* should be far below any inventory of interest.
    Limits: 1 for Q >> Q*, 1/2 at Q*, Q/Q* for Q << Q*. Below 0, where only a solver's undershoot can lead, the straight
    line goes on, which drives the inventory back to 0.
    Source: this library; the Langmuir form.

    >>> round(float(metal_activity(36000.0, 2.0)), 9)  # 1 mAh/cm2
    0.999944448
    """
    return inventory / (jnp.maximum(inventory, 0.0) + vanishing_charge)


def metal_rates(
    charge_transfer_current_density: Real, side_current_density: Real, isolated_fraction: Real
) -> tuple[Real, Real]:
    """What the current at the metal does to its inventory: (dQ_active/dt, dQ_dead/dt).

        plating     = max(J, 0)               dissolution = max(-J, 0)
        corrosion   = min(dissolution, max(j, 0))     stripped    = dissolution - corrosion
        dQ_dead/dt   = f/(1-f) stripped
        dQ_active/dt = plating - stripped/(1-f) - corrosion

    Stripping dissolves the roots too: for every 1 - f that dissolves a fraction f loses contact. Metal that dissolves
    to feed the side reaction beside it corrodes evenly and isolates nothing.

    Arguments: `charge_transfer_current_density` J through the metal surface, A/m2, positive plates (the external
    current less the side current); `side_current_density` j of electrons to the side reaction, A/m2, positive;
    `isolated_fraction` f of the metal removed from contact by stripping, 0 <= f < 1. Result: a pair, A/m2.
    Limits: the rates add up to J exactly; f = 0 makes no dead metal; at rest, J = -j, only corrosion is left.
    Source: the accounting of inactive metal follows C. Fang and others, Nature (2019): charge lost is dead metal plus
    interphase.

    >>> [round(float(rate), 6) for rate in metal_rates(-10.0, 1.0, 0.1)]
    [-11.0, 1.0]
    """
    plating = jnp.maximum(charge_transfer_current_density, 0.0)
    dissolution = plating - charge_transfer_current_density
    corrosion = jnp.minimum(dissolution, jnp.maximum(side_current_density, 0.0))
    removed = (dissolution - corrosion) / (1 - isolated_fraction)
    return plating - removed - corrosion, isolated_fraction * removed


def isolation_factor(
    stripping_current_density: Real,
    film_thickness: Real,
    *,
    current_exponent: Real,
    reference_current_density: Real,
    film_exponent: Real,
    reference_film_thickness: Real,
    pressure: Real,
    pressure_scale: Real,
) -> Real:
    """By what the isolated fraction changes with how the metal is stripped: (J/J_r)^m (L/L_r)^n exp(-p/p_0).

    Arguments: `stripping_current_density` J, A/m2, and `film_thickness` L, m, with their references and exponents m and
    n; stack `pressure` p and its scale p_0, Pa. Result: a factor of the fraction.
    Validity: an empirical closure; exponents are fitted. The current counts as at least 1e-6 of its reference.
    Limits: 1 with both exponents 0 and no pressure: a constant fraction.
    Source: this library; that pressure makes deposits dense and keeps them in contact: C. Fang and others, Nat. Energy
    6 (2021) 987, doi 10.1038/s41560-021-00917-3.

    >>> law = dict(current_exponent=0.5, reference_current_density=10.0, film_exponent=0.0, pressure=0.0)
    >>> float(isolation_factor(40.0, 5e-9, reference_film_thickness=5e-9, pressure_scale=1e5, **law))
    2.0
    """
    current = jnp.maximum(stripping_current_density / reference_current_density, 1e-6)
    film = jnp.maximum(film_thickness / reference_film_thickness, 1e-6)
    return current**current_exponent * film**film_exponent * jnp.exp(-pressure / pressure_scale)


def dense_thickness(charge: Real, molar_volume: Real, charge_number: Real = 1) -> Real:
    """Thickness of pore-free metal that a charge per area deposits, h = V Q/(z F).

    Arguments: `charge` Q, C/m2 (1 mAh/cm2 is 36000 C/m2); `molar_volume` V of the metal, m3/mol; `charge_number` z.
    Result: m.
    Limits: proportional to Q; divide by (1 - porosity) for a porous deposit.
    Source: M. Faraday's laws of electrolysis.

    >>> round(dense_thickness(36000.0, 13.021e-6) * 1e6, 4)  # lithium, um per mAh/cm2
    4.8583
    """
    return molar_volume * charge / (charge_number * FARADAY)
