"""One electrode: a metal or a substrate with a double layer, a film in series with it, an inventory, dead metal.

States, in this order (J > 0 plates on this electrode; all per area):

    overpotential   eta, V         C_dl deta/dt = J - J_ct - j_side
    film_field      u, V           (eps/L_ref) du/dt = J - kappa_f u / L_ref;  the film's voltage is u L / L_ref
    side_charge     C/m2           charge spent on the film since the start: L = L_0 + V_f q_side / (n z F)
    active_change   C/m2           active metal gained since the start
    dead_charge     C/m2           metal isolated since the start

The film's state is its displacement field, so that its capacitance eps/L may change while its charge is conserved, and
its time constant eps/kappa_f does not depend on how thick it is. Every growth law here reacts at the metal|film
interface: the film carries the whole external current.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.laws import inventory
from mossy.laws.constants import FARADAY, VACUUM_PERMITTIVITY

Array = jax.Array
MINIMUM_GROWING_THICKNESS = 1e-10
"""m: a film that grows starts with at least this thickness, because solvent diffusion is singular at zero."""
SHORTEST_DISSOLUTION = 1e-6
"""s: below it J0 exp(-(1-a) u)/Q* would make the last metal stiffer (1e46/s at 5 V) than double precision resolves."""
STATES = ("overpotential", "film_field", "side_charge", "active_change", "dead_charge")


class ElectrodeState(NamedTuple):
    """The five numbers of an electrode, in the order of STATES."""

    overpotential: Array
    film_field: Array
    side_charge: Array
    active_change: Array
    dead_charge: Array


@pytree
@dataclasses.dataclass(frozen=True)
class Electrode:
    """Parameters of one electrode in SI. `charge_transfer` and `growth` are laws; None where the film does not grow.

    `kinetics` and `growth_parameters` hold the keyword arguments of those laws; `inventory` is the active metal at the
    start (C/m2) and `vanishing_charge` the charge Q* over which the metal's activity falls to zero.
    """

    exchange_current_density: Array
    double_layer_capacitance: Array
    kinetics: dict[str, Array]
    film_thickness: Array
    film_conductivity: Array
    film_relative_permittivity: Array
    film_molar_volume: Array
    metal_per_formula: Array
    growth_parameters: dict[str, Array]
    isolated_fraction: Array
    inventory: Array
    initial_overpotential: Array
    vanishing_charge: Array
    charge_transfer: Callable[..., Array] = dataclasses.field(metadata={"static": True})
    growth: Callable[..., Array] | None = dataclasses.field(metadata={"static": True})
    charge_number: int = dataclasses.field(metadata={"static": True})

    def initial(self) -> Array:
        """The state at the start: no current through the film, nothing grown, nothing moved."""
        zero = jnp.zeros(())
        return jnp.stack([self.initial_overpotential + zero, zero, zero, zero, zero])

    def mass(self) -> Array:
        """What multiplies the rate of each state: the two capacitances, then ones."""
        one = jnp.ones(())
        field = VACUUM_PERMITTIVITY * self.film_relative_permittivity / self.reference_thickness
        return jnp.stack([self.double_layer_capacitance + 0.0 * one, field + 0.0 * one, one, one, one])

    @property
    def start_thickness(self) -> Array:
        """The film's thickness at the start, m."""
        if self.growth is None:
            return jnp.asarray(self.film_thickness)
        return jnp.maximum(self.film_thickness, MINIMUM_GROWING_THICKNESS)

    @property
    def reference_thickness(self) -> Array:
        """The length that turns the film's field into the state in volts, m."""
        return jnp.maximum(self.start_thickness, 1e-9)

    def thickness(self, state: ElectrodeState) -> Array:
        """The film's thickness, m."""
        per_charge = self.film_molar_volume / (self.metal_per_formula * self.charge_number * FARADAY)
        return self.start_thickness + per_charge * state.side_charge

    def film_voltage(self, state: ElectrodeState) -> Array:
        """The driving voltage across the film, V; positive while plating."""
        return state.film_field * self.thickness(state) / self.reference_thickness

    def film_resistance(self, state: ElectrodeState) -> Array:
        """L / kappa_f, ohm m2."""
        return self.thickness(state) / self.film_conductivity

    def active(self, state: ElectrodeState) -> Array:
        """Metal that can still be stripped, C/m2."""
        return self.inventory + state.active_change

    def charge_transfer_current(self, state: ElectrodeState, concentration_ratio: Array, temperature: Array) -> Array:
        """J_ct, A/m2, > 0 plates; the last metal dissolves within SHORTEST_DISSOLUTION, however high the potential."""

        def law(metal_activity: float) -> Array:
            return self.charge_transfer(
                state.overpotential,
                self.exchange_current_density,
                temperature=temperature,
                charge_number=self.charge_number,
                concentration_ratio=concentration_ratio,
                metal_activity=metal_activity,
                **self.kinetics,
            )

        plates, on_bulk_metal = law(0.0), law(1.0)  # every law is linear in the activity
        vanishing = self.vanishing_charge + SHORTEST_DISSOLUTION * jnp.maximum(-on_bulk_metal, 0.0)
        return plates - (plates - on_bulk_metal) * inventory.metal_activity(self.active(state), vanishing)

    def side_current(self, state: ElectrodeState, temperature: Array) -> Array:
        """The film-forming current at the metal|film interface, A/m2 (cathodic, >= 0), 0 where nothing grows."""
        if self.growth is None:
            return jnp.zeros(())
        potential = -state.overpotential
        return self.growth(self.thickness(state), potential, temperature=temperature, **self.growth_parameters)

    def residual(self, state: ElectrodeState, current: Array, concentration_ratio: Array, temperature: Array) -> Array:
        """mass x rate of the five states, given the external current density `current` (> 0 plates here)."""
        transferred = self.charge_transfer_current(state, concentration_ratio, temperature)
        side = self.side_current(state, temperature)
        left = jnp.maximum(inventory.metal_activity(self.active(state), self.vanishing_charge), 0.0)
        active, dead = inventory.metal_rates(transferred, side, self.isolated_fraction * left)
        conduction = self.film_conductivity * state.film_field / self.reference_thickness
        return jnp.stack([current - transferred - side, current - conduction, side, active, dead])

    def stored(self, state: ElectrodeState) -> Array:
        """Charge accounted for since the start, C/m2: active, dead, film and double layer; equals the charge passed."""
        capacitive = self.double_layer_capacitance * (state.overpotential - self.initial_overpotential)
        return state.active_change + state.dead_charge + state.side_charge + capacitive


__all__ = ["STATES", "Electrode", "ElectrodeState"]
