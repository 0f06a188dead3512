"""What every cell shares: two electrodes, the current, the two charge counters, and the voltage they add up to.

The border of the state, in this order: the states of the working electrode, those of the counter electrode, the
current density J (A/m2, > 0 plates on the working electrode), the charges plated and stripped there (C/m2).
The voltage is working minus counter, so plating lowers it:

    V = -(eta_w + V_fw) + (eta_c + V_fc) - J (R_ohmic + R_contact) - (concentration potential)
"""

from __future__ import annotations

import abc
import dataclasses
from typing import NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.cells.electrode import Electrode, ElectrodeState
from mossy.cells.electrolyte import Electrolyte, Separator
from mossy.laws.constants import FARADAY
from mossy.numerics.bordered import Shape

Array = jax.Array
PARTS = (
    "ohmic",
    "concentration",
    "contact",
    "working_charge_transfer",
    "working_film",
    "counter_charge_transfer",
    "counter_film",
)


CONCENTRATION_FLOOR = 1e-7
"""Relative concentration below which properties and logarithms stop (depletion ends a step at 1e-5)."""
LEAST_MOVED = 1e-4
"""C/m2: when less has moved there is nothing to balance; a double layer of 10 uF/cm2 holds as much at 1 mV."""
LEAST_SATURATION = 1e-3
"""Share of the separator's pores below which drying stops to be resolved."""


class Control(NamedTuple):
    """What the cycler imposes: a voltage (V) where `holds_voltage`, else a current density (A/m2, > 0 plates)."""

    holds_voltage: Array
    target: Array


class Border(NamedTuple):
    """The border of a state, unpacked."""

    working: ElectrodeState
    counter: ElectrodeState
    current: Array
    plated: Array
    stripped: Array


class Surfaces(NamedTuple):
    """Salt concentration at the two electrodes over its initial value."""

    working: Array
    counter: Array


@pytree
@dataclasses.dataclass(frozen=True)
class Cell(abc.ABC):
    """Two planar electrodes and the electrolyte between them: a pytree of parameters with the contract of a system."""

    working: Electrode
    counter: Electrode
    electrolyte: Electrolyte
    separator: Separator
    temperature: Array
    contact_resistance: Array
    additives: Array
    """What the electrolyte holds of each additive at the start, mol per m2 of electrode"""
    additive_volumes: Array
    """Liquid that goes with each mol of an additive, m3"""
    electrolyte_height: Array
    """Volume of electrolyte per area, m"""
    additive_names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    nodes: int = dataclasses.field(metadata={"static": True})
    dries: bool = dataclasses.field(metadata={"static": True})
    """Whether the electrolyte shrinks as its additives are used up"""

    @property
    @abc.abstractmethod
    def shape(self) -> Shape:
        """The structure of the state."""

    @abc.abstractmethod
    def initial_interior(self) -> Array:
        """The interior at the start, flat."""

    @abc.abstractmethod
    def interior_mass(self) -> Array:
        """The interior's diagonal of the mass matrix, flat."""

    @abc.abstractmethod
    def interior_residual(self, state: Array) -> Array:
        """mass x rate of the interior, flat."""

    @abc.abstractmethod
    def surfaces(self, state: Array) -> Surfaces:
        """Relative salt concentrations at the electrodes, behind what dead metal may lie on them."""

    @abc.abstractmethod
    def electrolyte_potentials(self, state: Array, surfaces: Surfaces) -> tuple[Array, Array]:
        """Ohmic and concentration contributions of the electrolyte to the voltage, V."""

    @abc.abstractmethod
    def salt(self, state: Array) -> Array:
        """Salt in the separator, mol/m2."""

    def border(self, state: Array) -> Border:
        """The border of a flat state, by name."""
        values, first = state[self.shape.interior :], self.working.size
        both = first + self.counter.size
        working, counter = self.working.unpack(values[:first]), self.counter.unpack(values[first:both])
        return Border(working, counter, *(values[both + k] for k in range(3)))

    @property
    def border_size(self) -> int:
        """Number of states in the border."""
        return self.working.size + self.counter.size + 3

    def additives_left(self, border: Border) -> Array:
        """The share of each additive that is left in the electrolyte."""
        if not self.additives.shape[0]:
            return jnp.zeros(0)
        used = self.working.consumed(border.working) + self.counter.consumed(border.counter)
        return 1.0 - used / self.additives

    def saturation(self, border: Border) -> Array:
        """Share of the separator's pores that electrolyte fills: 1 until what is left of it is less than they hold."""
        if not self.dries:
            return jnp.ones(())
        used = self.additives * (1.0 - self.additives_left(border))
        left = self.electrolyte_height - jnp.sum(used * self.additive_volumes)
        pores = self.separator.porosity * self.separator.thickness
        return jnp.clip(left / jnp.minimum(pores, self.electrolyte_height), LEAST_SATURATION, 1.0)

    def salt_used(self, border: Border) -> Array:
        """Formula units of salt that films used up, mol/m2."""
        return self.working.salt_consumed(border.working) + self.counter.salt_consumed(border.counter)

    def salt_sinks(self, border: Border) -> tuple[Array, Array]:
        """mol/(m2 s) of salt that the films on the two electrodes use up."""
        left = self.additives_left(border)
        return (
            self.working.salt_rate(border.working, self.temperature, left),
            self.counter.salt_rate(border.counter, self.temperature, left),
        )

    def initial(self) -> Array:
        """The state before any current has passed."""
        return jnp.concatenate([self.initial_interior(), self.working.initial(), self.counter.initial(), jnp.zeros(3)])

    def mass(self) -> Array:
        """The diagonal mass: zero for the current, and for a capacitance that is zero."""
        tail = jnp.array([0.0, 1.0, 1.0])
        return jnp.concatenate([self.interior_mass(), self.working.mass(), self.counter.mass(), tail])

    def scale(self) -> Array:
        """Typical sizes: the absolute tolerance of a component is the relative one times this."""
        sides = self.working.scale(self.temperature), self.counter.scale(self.temperature)
        return jnp.concatenate([jnp.ones(self.shape.interior), *sides, jnp.array([1.0, 10.0, 10.0])])

    def residual(self, time: Array, state: Array, control: Control) -> Array:
        """mass x rate of the whole state; the current's row is the control's."""
        border, surfaces = self.border(state), self.surfaces(state)
        current = border.current
        voltage = jnp.sum(self.parts(state, surfaces))
        row = jnp.where(control.holds_voltage, voltage - control.target, control.target - current)
        counters = jnp.stack([row, jnp.maximum(current, 0.0), jnp.maximum(-current, 0.0)])
        left = self.additives_left(border)
        working = self.working.residual(border.working, current, surfaces.working, self.temperature, left)
        counter = self.counter.residual(border.counter, -current, surfaces.counter, self.temperature, left)
        return jnp.concatenate([self.interior_residual(state), working, counter, counters])

    def parts(self, state: Array, surfaces: Surfaces | None = None) -> Array:
        """The contributions to the voltage, V, in the order of PARTS; they add up to it."""
        border = self.border(state)
        ohmic, concentration = self.electrolyte_potentials(state, surfaces or self.surfaces(state))
        return jnp.stack(
            [
                ohmic,
                concentration,
                -border.current * self.contact_resistance,
                -border.working.overpotential,
                -self.working.film_voltage(border.working, border.current),
                border.counter.overpotential,
                self.counter.film_voltage(border.counter, -border.current),
            ]
        )

    def voltage(self, state: Array) -> Array:
        """Working minus counter, V."""
        return jnp.sum(self.parts(state))

    def balances(self, state: Array) -> Array:
        """(charge, salt, metal) not accounted for, each over what moved; 0 when less than LEAST_MOVED did.

        charge: external charge against active + dead + film + double layer, the worse of the two electrodes.
        salt: the separator's content against its initial one. metal: the sum over both electrodes.
        """
        border = self.border(state)
        passed = border.plated - border.stripped
        working, counter = self.working.stored(border.working), self.counter.stored(border.counter)
        side = border.working.side_charge + border.counter.side_charge
        moved = border.plated + border.stripped + side
        per_charge = 1.0 / (self.electrolyte.charge_number * self.electrolyte.cations_per_formula * FARADAY)
        salt_moved = (border.plated + border.stripped) * per_charge
        charge = jnp.maximum(jnp.abs(passed - working), jnp.abs(passed + counter))
        salt = jnp.abs(self.salt(state) + self.salt_used(border) - self.salt(self.initial()))
        values = jnp.stack([charge, salt, jnp.abs(working + counter)])
        over = jnp.stack([moved, salt_moved + self.salt_used(border), moved])
        least = jnp.stack([LEAST_MOVED, LEAST_MOVED * per_charge, LEAST_MOVED])
        return jnp.where(over > least, values / jnp.where(over > least, over, 1.0), 0.0)
