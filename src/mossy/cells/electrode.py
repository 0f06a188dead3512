"""One electrode: a metal or a substrate with a double layer, a film in series with it, an inventory, dead metal.

States, in this order (J > 0 plates on this electrode; all per area):

    overpotential   eta, V         C_dl deta/dt = J - J_ct - j_side
    film_field      u, V           (eps/L_ref) du/dt = J - j_outside - kappa_f u / L_ref;
                                   the film's voltage is u L / L_ref
    active_change   C/m2           active metal gained since the start
    dead_charge     C/m2           metal isolated since the start
    film            the states of `cells.film`: charge of each growth channel, what has dissolved

The film's state is its displacement field, so that its capacitance eps/L may change while its charge is conserved, and
its time constant eps/kappa_f does not depend on how thick it is. A law that reacts at metal|film sees the potential
-eta and lets the film carry the whole external current; one that reacts at film|electrolyte sees -(eta + V_film), and
its electrons cross the film beside the ions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.cells.film import Film, FilmState, Growth, presence
from mossy.laws import inventory
from mossy.laws.constants import FARADAY, GAS, VACUUM_PERMITTIVITY

Array = jax.Array
SHORTEST_DISSOLUTION = 1e-6
"""s: below it J0 exp(-(1-a) u)/Q* would make the last metal stiffer (1e46/s at 5 V) than double precision resolves."""
LARGEST_FRACTION = 0.999
"""Of the metal that stripping removes from contact."""
OWN_STATES = ("overpotential", "film_field", "active_change", "dead_charge")


class ElectrodeState(NamedTuple):
    """The states of an electrode: OWN_STATES, then the film's."""

    overpotential: Array
    film_field: Array
    active_change: Array
    dead_charge: Array
    film: FilmState

    @property
    def side_charge(self) -> Array:
        """All electrons spent on the film since the start, C/m2."""
        return jnp.sum(self.film.side_charge)


@pytree
@dataclasses.dataclass(frozen=True)
class Electrode:
    """Parameters of one electrode in SI. `charge_transfer` is a law and `kinetics` its keyword arguments.

    `inventory` is the active metal at the start (C/m2), `vanishing_charge` the charge Q* over which the metal's
    activity falls to zero, `reconnection_rate` r (1/s) the rate at which dead metal finds contact again.
    """

    exchange_current_density: Array
    double_layer_capacitance: Array
    kinetics: dict[str, Array]
    film: Film
    isolated_fraction: Array
    isolated_fraction_without_additive: Array
    isolation: dict[str, Array]
    """Keyword arguments of `laws.inventory.isolation_factor`"""
    reconnection_rate: Array
    inventory: Array
    metal_molar_volume: Array
    initial_overpotential: Array
    vanishing_charge: Array
    charge_transfer: Callable[..., Array] = dataclasses.field(metadata={"static": True})
    charge_number: int = dataclasses.field(metadata={"static": True})
    additive: int | None = dataclasses.field(metadata={"static": True})

    @property
    def size(self) -> int:
        """Number of states."""
        return len(OWN_STATES) + self.film.size

    def unpack(self, values: Array) -> ElectrodeState:
        """The states by name."""
        return ElectrodeState(values[0], values[1], values[2], values[3], self.film.unpack(values[len(OWN_STATES) :]))

    def initial(self) -> Array:
        """The state at the start: no current through the film, nothing grown, nothing moved."""
        return jnp.zeros(self.size).at[0].set(self.initial_overpotential)

    def mass(self) -> Array:
        """What multiplies the rate of each state: the two capacitances, then ones."""
        field = VACUUM_PERMITTIVITY * self.film.relative_permittivity / self.film.reference_thickness
        return jnp.ones(self.size).at[0].set(self.double_layer_capacitance).at[1].set(field)

    def scale(self, temperature: Array) -> Array:
        """Typical sizes."""
        thermal = GAS * temperature / FARADAY
        own = jnp.stack([thermal, thermal, 10.0 * jnp.ones(()), 10.0 * jnp.ones(())])
        return jnp.concatenate([own, self.film.scale()])

    def thickness(self, state: ElectrodeState) -> Array:
        """The film's thickness, m."""
        return self.film.thickness(state.film)

    def film_voltage(self, state: ElectrodeState) -> Array:
        """The driving voltage across the film, V; positive while plating."""
        return state.film_field * self.film.conducting_thickness(state.film) / self.film.reference_thickness

    def film_resistance(self, state: ElectrodeState) -> Array:
        """L / kappa_f, ohm m2."""
        return self.film.conducting_thickness(state.film) / self.film.conductivity

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

    def film_current(self, state: ElectrodeState) -> Array:
        """What the film carries as ions, A/m2."""
        return self.film.conductivity * state.film_field / self.film.reference_thickness

    def film_growth(self, state: ElectrodeState, temperature: Array, left: Array) -> Growth:
        """The film-forming current of each channel, A/m2 (cathodic, >= 0), and what it does in cracks."""
        inner = -state.overpotential
        outer = inner - self.film_voltage(state)
        return self.film.growth(state.film, inner, outer, self.film_current(state), temperature, left)

    def isolated(self, state: ElectrodeState, transferred: Array, left: Array) -> Array:
        """The isolated fraction, between its values with and without the additive that holds it down."""
        fraction = self.isolated_fraction
        if self.additive is not None:
            without = self.isolated_fraction_without_additive
            fraction = without + (fraction - without) * presence(left[self.additive])
        stripping, film = jnp.maximum(-transferred, 0.0), self.thickness(state)
        factor = inventory.isolation_factor(stripping, film, **self.isolation)
        return jnp.minimum(fraction * factor, LARGEST_FRACTION)

    def residual(
        self, state: ElectrodeState, current: Array, concentration_ratio: Array, temperature: Array, left: Array
    ) -> Array:
        """mass x rate of the states; `current` > 0 plates here, `left` is the share of each additive that is left."""
        transferred = self.charge_transfer_current(state, concentration_ratio, temperature)
        sides, in_cracks = self.film_growth(state, temperature, left)
        side = jnp.sum(sides)
        remains = jnp.maximum(inventory.metal_activity(self.active(state), self.vanishing_charge), 0.0)
        active, dead = inventory.metal_rates(transferred, side, self.isolated(state, transferred, left) * remains)
        reconnected = self.reconnection_rate * state.dead_charge
        ions = current - self.film.outside(sides)
        own = [current - transferred - side, ions - self.film_current(state), active + reconnected, dead - reconnected]
        parts = [jnp.stack(own), sides]
        if self.film.dissolves:
            parts.append(self.film.dissolution(state.film))
        if self.film.cracks:
            velocity = self.metal_molar_volume * transferred / (self.charge_number * FARADAY)
            parts.append(self.film.cracking(state.film, in_cracks, velocity))
        return jnp.concatenate(parts)

    def stored(self, state: ElectrodeState) -> Array:
        """Charge accounted for since the start, C/m2: active, dead, film and double layer; equals the charge passed."""
        capacitive = self.double_layer_capacitance * (state.overpotential - self.initial_overpotential)
        return state.active_change + state.dead_charge + state.side_charge + capacitive


__all__ = ["Electrode", "ElectrodeState"]
