"""How long metal and electrolyte last: capacity from the Coulombic efficiency and the excess of metal, and dry-out.

Every charge plates Q and every discharge takes Q back while there is metal to spare; the shortfall (1 - E) Q comes from
the excess. When it is gone, each discharge gives E times what the charge before it plated.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from mossy import materials
from mossy.analysis.cell_design.tables import FARADAY
from mossy.errors import InputError


def cycles_without_fade(efficiency: float, excess: float) -> float:
    """Cycles for which an excess of metal hides the loss: n_e = x/(1 - E).

    Arguments: `efficiency` E, Coulombic, above 0 and at most 1; `excess` x of metal in capacities of the cathode (N/P
    of the metal at assembly, less 1 where the cathode brings none). Result: infinite for E = 1.
    Raises InputError outside these limits.
    Source: the charge balance, counted cycle by cycle.

    >>> round(cycles_without_fade(0.99, 17.0))
    1700
    """
    _check(efficiency, excess)
    if efficiency == 1.0:
        return math.inf
    return excess / (1.0 - efficiency)


def retention(cycles: np.ndarray | float, efficiency: float, excess: float = 0.0) -> np.ndarray:
    """Capacity over that of the first cycle: 1 while the excess lasts, then E^(n - n_e).

    Arguments: `cycles` n, any shape; `efficiency`, `excess` as in `cycles_without_fade`. Result: its shape.

    >>> retention(np.array([0.0, 100.0, 500.0]), 0.9977710523).round(6).tolist()
    [1.0, 0.8, 0.32768]
    """
    gone = cycles_without_fade(efficiency, excess)
    beyond = np.maximum(np.asarray(cycles, dtype=float) - gone, 0.0)
    return np.asarray(efficiency**beyond)


def cycles_to_retention(efficiency: float, excess: float, left: float) -> float:
    """Cycles until the capacity is `left` of the first: n = x/(1 - E) + ln(left)/ln(E).

    >>> round(cycles_to_retention(0.9995538125, 0.0, 0.8), 3)
    500.0
    """
    _check_left(left)
    gone = cycles_without_fade(efficiency, excess)
    return gone if math.isinf(gone) or efficiency == 1.0 else gone + math.log(left) / math.log(efficiency)


def required_efficiency(cycles: float, excess: float, left: float) -> float:
    """The least Coulombic efficiency that keeps `left` of the capacity for so many cycles; 0 where none is needed.

    Without excess E = left^(1/n); else the root of x/(1 - E) + ln(left)/ln(E) = n.

    >>> round(required_efficiency(1000, 0.0, 0.8), 10), round(required_efficiency(1000, 1.0, 0.8), 5)
    (0.9997768813, 0.99878)
    """
    _check_left(left)
    if not cycles > 0.0:
        raise InputError(f"{cycles:g} cycles are no life", key="cycles", remedy="give a positive number")
    lowest = 1e-9
    if cycles_to_retention(lowest, excess, left) >= cycles:
        return 0.0
    bare = left ** (1.0 / cycles)
    if excess == 0.0:
        return bare

    def beyond(efficiency: float) -> float:
        return cycles_to_retention(efficiency, excess, left) - cycles

    return float(brentq(beyond, lowest, bare, xtol=1e-15))


def cycles_to_dry_out(efficiency: float, excess: float, electrolyte: float, consumed: float, left: float) -> float:
    """Cycles until `left` of the electrolyte remains, where each charge lost uses up some of it.

        lost after n cycles, in capacities: n (1 - E) while the excess lasts, then x + 1 - E^(n - n_e)
        dry when consumed x lost = (1 - left) electrolyte

    Arguments: `electrolyte`, E/C, and `consumed`, both kg/C; the others as above. Result: infinite where the metal is
    lost before the electrolyte is used up.

    >>> round(cycles_to_dry_out(0.99, 1.0, 3.0, 1.0, 0.5), 1)  # 1.5 capacities lost: 100 cycles, then ln(0.5)/ln(0.99)
    169.0
    """
    gone = cycles_without_fade(efficiency, excess)
    if consumed <= 0.0 or efficiency == 1.0:
        return math.inf
    allowed = (1.0 - left) * electrolyte / consumed
    if allowed <= excess:
        return allowed / (1.0 - efficiency)
    if allowed - excess >= 1.0:
        return math.inf
    return gone + math.log1p(excess - allowed) / math.log(efficiency)


def electrolyte_consumption(reduction: str, metal: str, share: float = 1.0) -> float:
    """Electrolyte that a lost charge uses up, kg/C: share sum(n_i M_i)/(n_e F).

    Arguments: `reduction`, a reaction of the library that makes film; `metal`; `share` of the lost charge that drives
    it, the rest leaving dead metal. Raises InputError for a reduction that the library does not have.

    >>> round(electrolyte_consumption("EC to LEDC", "lithium") * 3.6e6, 3)  # g/Ah
    3.286
    """
    found = materials.reduction(reduction, metal)
    mass = sum(n * materials.molar_mass(materials.molecule(name).formula) for name, n in found.reactants.items())
    return share * mass / (found.electrons * FARADAY)


def _check(efficiency: float, excess: float) -> None:
    if not 0.0 < efficiency <= 1.0:
        remedy = "give a Coulombic efficiency above 0 and at most 1"
        raise InputError(f"{efficiency:g} is no efficiency", key="coulombic_efficiency", remedy=remedy)
    if not excess >= 0.0:
        raise InputError(f"an excess of {excess:g} is not possible", key="excess", remedy="give 0 or more")


def _check_left(left: float) -> None:
    if not 0.0 < left < 1.0:
        raise InputError(f"{left:g} is no end of life", key="retention", remedy="give more than 0 and less than 1")
