"""One electrode: a metal or a substrate with a double layer, a film in series with it, an inventory, dead metal.

States, in this order (J > 0 plates on this electrode; all per geometric area, rho = 1 for a surface that stays flat):

    double_layer    rho eta, V     C_dl d(rho eta)/dt = J - J_ct - j_side - j_beside
    film_field      u, V           (eps/L_ref) du/dt = J - j_outside - j_beside - kappa_f u/L_ref;
                                   the dense layer's voltage is u L/(rho L_ref)
    active_change   C/m2           active metal gained since the start
    dead_charge     C/m2           metal isolated since the start
    film            the states of `cells.film`
    roughness, nuclei, coverage    those of `cells.surface` that the electrode has
    beside          the states of a second film, on bare substrate in contact with the metal (galvanic corrosion)

The film's state is its displacement field, so that its capacitance eps/L may change while its charge is conserved, and
its time constant eps/kappa_f does not depend on how thick it is. A law that reacts at metal|film sees the potential
-eta and lets the film carry the whole external current; one that reacts at film|electrolyte, at the outer side of the
dense layer, sees -(eta + V_film), and its electrons cross the film beside the ions. What grows beside the metal takes
its electrons from it, at that same potential.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.cells.film import Film, FilmState, Growth, presence
from mossy.cells.surface import FIRST_NUCLEI, Adlayer, Nucleation, Roughening
from mossy.laws import inventory, morphology
from mossy.laws.constants import FARADAY, GAS, VACUUM_PERMITTIVITY

Array = jax.Array
SHORTEST_DISSOLUTION = 1e-6
"""s: below it J0 exp(-(1-a) u)/Q* would make the last metal stiffer (1e46/s at 5 V) than double precision resolves."""
LARGEST_FRACTION = 0.999
"""Of the metal that stripping removes from contact."""
LEAST_BARE = 1e-3
"""Share of a substrate that nuclei never quite cover."""
OWN_STATES = ("double_layer", "film_field", "active_change", "dead_charge")


class ElectrodeState(NamedTuple):
    """The states of an electrode: OWN_STATES (the first as eta), the film's, and those it may have beside."""

    overpotential: Array
    film_field: Array
    active_change: Array
    dead_charge: Array
    film: FilmState
    roughness: Array
    nuclei: Array
    coverage: Array
    beside: FilmState | None

    @property
    def side_charge(self) -> Array:
        """All electrons spent on films since the start, C/m2."""
        own = jnp.sum(self.film.side_charge)
        return own if self.beside is None else own + jnp.sum(self.beside.side_charge)


@pytree
@dataclasses.dataclass(frozen=True)
class Electrode:
    """Parameters of one electrode in SI. `charge_transfer` is a law and `kinetics` its keyword arguments.

    `inventory` is the active metal at the start (C/m2), `vanishing_charge` the charge Q* over which the metal's
    activity falls to zero, `reconnection_rate` r (1/s) the rate at which dead metal finds contact again,
    `pinch_off_rate` (1/s) the rate at which deposited metal loses it by itself. The dead metal forms a layer of
    `dead_porosity` that the salt crosses at `dead_factor` of its free transport.
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
    pinch_off_rate: Array
    dead_porosity: Array
    dead_factor: Array
    inventory: Array
    metal_molar_volume: Array
    initial_overpotential: Array
    vanishing_charge: Array
    roughening: Roughening | None
    nucleation: Nucleation | None
    adlayer: Adlayer | None
    beside: Film | None
    beside_area: Array
    """Bare substrate per geometric area that a deposit is in contact with; the film there counts it as roughness"""
    charge_transfer: Callable[..., Array] = dataclasses.field(metadata={"static": True})
    charge_number: int = dataclasses.field(metadata={"static": True})
    additive: int | None = dataclasses.field(metadata={"static": True})
    buries: bool = dataclasses.field(metadata={"static": True})
    """Whether dead metal lengthens the salt's way"""

    @property
    def uses_salt(self) -> bool:
        """Whether a film here uses up salt."""
        films = [self.film] if self.beside is None else [self.film, self.beside]
        return any(channel.uses_salt for film in films for channel in film.channels)

    @property
    def _extras(self) -> int:
        return sum(each is not None for each in (self.roughening, self.nucleation, self.adlayer))

    @property
    def size(self) -> int:
        """Number of states."""
        beside = self.beside.size if self.beside is not None else 0
        return len(OWN_STATES) + self.film.size + self._extras + beside

    def unpack(self, values: Array) -> ElectrodeState:
        """The states by name."""
        first = len(OWN_STATES) + self.film.size
        extras = iter([values[first + k] for k in range(self._extras)])
        one, zero = jnp.ones(()), jnp.zeros(())
        roughness = next(extras) if self.roughening is not None else one
        nuclei = next(extras) if self.nucleation is not None else zero
        coverage = next(extras) if self.adlayer is not None else zero
        rest = values[first + self._extras :]
        beside = self.beside.unpack(rest, self._bare_area(nuclei, values[2])) if self.beside is not None else None
        film = self.film.unpack(values[len(OWN_STATES) : first], roughness)
        return ElectrodeState(
            values[0] / roughness, values[1], values[2], values[3], film, roughness, nuclei, coverage, beside
        )

    def _bare_area(self, nuclei: Array, active_change: Array) -> Array:
        """Bare substrate per geometric area; a film there is as thick as if all its charge had gone into this area."""
        area = jnp.asarray(self.beside_area)
        if self.nucleation is None:
            return area
        return area * jnp.maximum(1.0 - self.nucleation.covered(nuclei, self.inventory + active_change), LEAST_BARE)

    def _initial_extras(self) -> Array:
        extras = []
        if self.roughening is not None:
            extras.append(jnp.ones(()))
        if self.nucleation is not None:
            extras.append(jnp.asarray(FIRST_NUCLEI))
        if self.adlayer is not None:
            extras.append(jnp.asarray(self.adlayer.initial_coverage))
        return jnp.stack(extras) if extras else jnp.zeros(0)

    def initial(self) -> Array:
        """The state at the start: no current through the film, nothing grown, nothing moved."""
        own = jnp.zeros(len(OWN_STATES)).at[0].set(self.initial_overpotential)
        beside = self.beside.initial_state() if self.beside is not None else jnp.zeros(0)
        return jnp.concatenate([own, self.film.initial_state(), self._initial_extras(), beside])

    def mass(self) -> Array:
        """What multiplies the rate of each state: the two capacitances, then ones and the film's own."""
        field = VACUUM_PERMITTIVITY * self.film.relative_permittivity / self.film.reference_thickness
        own = jnp.ones(len(OWN_STATES)).at[0].set(self.double_layer_capacitance).at[1].set(field)
        beside = self.beside.mass() if self.beside is not None else jnp.zeros(0)
        return jnp.concatenate([own, self.film.mass(), jnp.ones(self._extras), beside])

    def scale(self, temperature: Array) -> Array:
        """Typical sizes."""
        thermal = GAS * temperature / FARADAY
        own = jnp.stack([thermal, thermal, 10.0 * jnp.ones(()), 10.0 * jnp.ones(())])
        beside = self.beside.scale() if self.beside is not None else jnp.zeros(0)
        return jnp.concatenate([own, self.film.scale(), jnp.ones(self._extras), beside])

    def thickness(self, state: ElectrodeState) -> Array:
        """The dense film's thickness, m."""
        return self.film.thickness(state.film)

    def dense_voltage(self, state: ElectrodeState) -> Array:
        """The driving voltage across the dense layer, V; positive while plating."""
        return state.film_field * self.film.conducting_thickness(state.film) / self.film.reference_thickness

    def film_voltage(self, state: ElectrodeState, current: Array) -> Array:
        """The driving voltage across the film that passes a current density, V; positive while plating."""
        return self.dense_voltage(state) + self.film.outer_voltage(state.film, current)

    def film_resistance(self, state: ElectrodeState) -> Array:
        """Of all the film, ohm m2."""
        return self.film.resistance(state.film)

    def active(self, state: ElectrodeState) -> Array:
        """Metal that can still be stripped, C/m2."""
        return self.inventory + state.active_change

    def metal_surface(self, state: ElectrodeState) -> Array:
        """Metal open to charge transfer per geometric area."""
        surface = state.roughness
        if self.nucleation is not None:
            surface = surface * self.nucleation.area(state.nuclei, self.active(state))
        return surface * self.adlayer.open(state.coverage) if self.adlayer is not None else surface

    def charge_transfer_current(self, state: ElectrodeState, concentration_ratio: Array, temperature: Array) -> Array:
        """J_ct, A/m2, > 0 plates; the last metal dissolves within SHORTEST_DISSOLUTION, however high the potential."""

        def law(metal_activity: float) -> Array:
            return self.metal_surface(state) * self.charge_transfer(
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
        activity = inventory.metal_activity(self.active(state), vanishing)
        if self.nucleation is not None:
            activity = activity * self.nucleation.activity(state.nuclei, self.active(state), temperature)
        return plates - (plates - on_bulk_metal) * activity

    def film_current(self, state: ElectrodeState) -> Array:
        """What the film carries as ions, A/m2."""
        return self.film.conductivity(state.film) * state.film_field / self.film.reference_thickness

    def film_growth(self, state: ElectrodeState, temperature: Array, left: Array) -> Growth:
        """The film-forming current of each channel, A/m2 (cathodic, >= 0), and what it does in cracks."""
        inner = -state.overpotential
        outer = inner - self.dense_voltage(state)
        return self.film.growth(state.film, inner, outer, self.film_current(state), temperature, left)

    def growth_beside(self, state: ElectrodeState, temperature: Array, left: Array) -> Growth | None:
        """The same on bare substrate in contact with the metal, per geometric area."""
        if self.beside is None or state.beside is None:
            return None
        outer = -state.overpotential - self.dense_voltage(state)
        return self.beside.growth(state.beside, outer, outer, jnp.zeros(()), temperature, left)

    def isolated(self, state: ElectrodeState, transferred: Array, left: Array) -> Array:
        """The isolated fraction, between its values with and without the additive that holds it down."""
        fraction = self.isolated_fraction
        if self.additive is not None:
            without = self.isolated_fraction_without_additive
            fraction = without + (fraction - without) * presence(left[self.additive])
        stripping, film = jnp.maximum(-transferred, 0.0), self.thickness(state)
        factor = inventory.isolation_factor(stripping, film, **self.isolation)
        return jnp.minimum(fraction * factor, LARGEST_FRACTION)

    def dead_layer(self, state: ElectrodeState) -> Array:
        """Length of free electrolyte that resists the salt as the dead layer does, m."""
        volume = inventory.dense_thickness(
            jnp.maximum(state.dead_charge, 0.0), self.metal_molar_volume, self.charge_number
        )
        return jnp.asarray(morphology.dead_layer_thickness(volume, self.dead_porosity) / self.dead_factor)

    def residual(
        self, state: ElectrodeState, current: Array, concentration_ratio: Array, temperature: Array, left: Array
    ) -> Array:
        """mass x rate of the states; `current` > 0 plates here, `left` is the share of each additive that is left."""
        transferred = self.charge_transfer_current(state, concentration_ratio, temperature)
        growth, beside = self.film_growth(state, temperature, left), self.growth_beside(state, temperature, left)
        elsewhere = jnp.sum(beside.currents) if beside is not None else jnp.zeros(())
        side = jnp.sum(growth.currents) + elsewhere
        remains = jnp.maximum(inventory.metal_activity(self.active(state), self.vanishing_charge), 0.0)
        active, dead = inventory.metal_rates(transferred, side, self.isolated(state, transferred, left) * remains)
        # what comes off by itself less what finds contact again
        lost = self.pinch_off_rate * jnp.maximum(state.active_change, 0.0) - self.reconnection_rate * state.dead_charge
        ions = current - self.film.outside(growth.currents) - elsewhere
        own = jnp.stack([current - transferred - side, ions - self.film_current(state), active - lost, dead + lost])
        velocity = self.metal_molar_volume * transferred / (self.charge_number * FARADAY)
        parts = [own, self.film.rates(state.film, growth, velocity, current, left)]
        parts.append(self._extra_rates(state, velocity, temperature, left))
        if self.beside is not None and state.beside is not None and beside is not None:
            parts.append(self.beside.rates(state.beside, beside, velocity, jnp.zeros(()), left))
        return jnp.concatenate(parts)

    def _extra_rates(self, state: ElectrodeState, velocity: Array, temperature: Array, left: Array) -> Array:
        rates = []
        if self.roughening is not None:
            rates.append(self.roughening.rate(state.roughness, velocity))
        if self.nucleation is not None:
            active = self.active(state)
            activity = jnp.asarray(inventory.metal_activity(active, self.vanishing_charge))
            rates.append(self.nucleation.rate(state.nuclei, active, state.overpotential, activity, temperature))
        if self.adlayer is not None:
            rates.append(self.adlayer.rate(state.coverage, state.overpotential, temperature, left))
        return jnp.stack(rates) if rates else jnp.zeros(0)

    def consumed(self, state: ElectrodeState) -> Array:
        """mol/m2 of each additive that films here used up."""
        used = self.film.consumed(state.film)
        if self.beside is not None and state.beside is not None:
            used = used + self.beside.consumed(state.beside)
        return used

    def salt_consumed(self, state: ElectrodeState) -> Array:
        """mol/m2 of salt that films here used up."""
        used = self.film.salt_consumed(state.film)
        if self.beside is not None and state.beside is not None:
            used = used + self.beside.salt_consumed(state.beside)
        return used

    def salt_rate(self, state: ElectrodeState, temperature: Array, left: Array) -> Array:
        """mol/(m2 s) of salt that films here use up."""
        rate = self.film.salt_rate(self.film_growth(state, temperature, left).currents)
        beside = self.growth_beside(state, temperature, left)
        if self.beside is not None and beside is not None:
            rate = rate + self.beside.salt_rate(beside.currents)
        return rate

    def stored(self, state: ElectrodeState) -> Array:
        """Charge accounted for since the start, C/m2: active, dead, film and double layer; equals the charge passed."""
        charged = state.roughness * state.overpotential - self.initial_overpotential
        capacitive = self.double_layer_capacitance * charged
        return state.active_change + state.dead_charge + state.side_charge + capacitive


__all__ = ["Electrode", "ElectrodeState"]
