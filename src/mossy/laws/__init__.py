"""Pure physics: small functions of SI floats and arrays, differentiable and vectorisable, none of which knows another.

Signs: a current density J > 0 plates metal; an overpotential > 0 drives plating. Potentials in the electrolyte are
those of a reference electrode of the same metal in the local solution, so the metal's equilibrium potential is 0 at
every concentration.
"""

from mossy.laws import charge_transfer, constants, interphase, inventory, transport

__all__ = ["charge_transfer", "constants", "interphase", "inventory", "transport"]
