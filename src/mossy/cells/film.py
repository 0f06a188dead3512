"""The film on an electrode: phases that growth laws make, that dissolve, in a dense layer and perhaps a porous one.

Each growth law is a channel with its own charge q_k; channels run in parallel. What a channel makes has a fixed
stoichiometry, so the volume of each constituent (a phase in a layer) follows from the charges and from what dissolved:

    v_p = v_p0 + sum_k y_kp q_k - d_p        dd_p/dt = k_p (v_p/T) min(T/L_m, 1) + k_X c_X v_p,   T = sum_p v_p

Volumes are per geometric area. The dense layer's thickness is L = (its v - v_c)/rho, rho the roughness of the metal.
Where it cracks, fresh metal shows on a share a of the area. There a film of its own grows from
MINIMUM_GROWING_THICKNESS, L_c = L_min + v_c/(a rho), and closes the crack as it gets as thick as the intact one; an
artificial film neither grows nor heals.

    da/dt = |v|/l (1 - a) - a w_c/L        dv_c/dt = rho a w_c - v_c w_c/L - v_c d'/T        w_c = sum_k y_k j_k(L_c)

d' is what dissolves of the dense layer's T: from cracks in proportion to what they hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.cells.outer_layer import OuterLayer, OuterState
from mossy.laws import interphase

Array = jax.Array
MINIMUM_GROWING_THICKNESS = 1e-10
"""m: a film that grows starts with at least this thickness, because diffusion through it is singular at zero."""
NANOMETRE = 1e-9
_NO_VOLUME = 1e-15
"""m: a film thinner than this has no composition, and nothing of it to lose."""
SMALLEST_CRACK = 1e-9
"""Share of the area below which a crack's thickness stops being resolved."""
LAST_SHARE = 1e-6
"""An additive runs out over this share of its initial amount; before that a channel of order 0 does not feel it."""
INNER, OUTER = 0, 1


@dataclasses.dataclass(frozen=True)
class Reaction:
    """What a channel does with atoms, in mol a turn: hashable, so that a compiled cell may carry it."""

    reactants: tuple[tuple[str, str, float], ...]
    """(name, formula, amount)"""
    products: tuple[tuple[str, float], ...]
    """(phase, amount)"""
    released: tuple[tuple[str, float], ...]
    """(formula, amount)"""
    metal: str
    """The symbol"""
    metal_atoms: float
    electrons: float


@dataclasses.dataclass(frozen=True)
class Constituent:
    """A phase in a layer. `formula` is empty for the film whose composition nobody stated."""

    phase: str
    formula: str
    layer: int

    @property
    def label(self) -> str:
        """For a column's name."""
        return f"outer_{self.phase}" if self.layer == OUTER else self.phase


@pytree
@dataclasses.dataclass(frozen=True)
class Channel:
    """One growth law with its keyword arguments, the film it makes (m3/C of each constituent), what it uses (mol/C)."""

    parameters: dict[str, Array]
    yields: Array
    consumption: Array
    """Of each additive"""
    salt_consumption: Array
    order: Array
    per_molecule: Array
    """Electrons a molecule of what diffuses takes in the reaction; 1 where the law counts electrons itself"""
    law: Callable[..., Array] = dataclasses.field(metadata={"static": True})
    name: str = dataclasses.field(metadata={"static": True})
    outside: bool = dataclasses.field(metadata={"static": True})
    """Reacts at film|electrolyte, so that the film does not carry its current as ions"""
    driven_outside: bool = dataclasses.field(metadata={"static": True})
    """The potential that drives it is the metal's against the ions there"""
    sees_current: bool = dataclasses.field(metadata={"static": True})
    consumes: int | None = dataclasses.field(metadata={"static": True})
    inhibited_by: int | None = dataclasses.field(metadata={"static": True})
    uses_salt: bool = dataclasses.field(metadata={"static": True})
    reaction: Reaction | None = dataclasses.field(metadata={"static": True})

    def current(self, thickness: Array, potential: Array, ions: Array, temperature: Array, left: Array) -> Array:
        """Side current density, A/m2; `left`: share of each additive that is left; `ions`: what the film carries."""
        more: dict[str, Any] = {"film_current_density": ions} if self.sees_current else {}
        side = self.per_molecule * self.law(thickness, potential, temperature=temperature, **more, **self.parameters)
        if self.consumes is not None:
            share = left[self.consumes]
            present = jnp.maximum(share, 1e-30)
            side = side * presence(share) * jnp.where(self.order == 0.0, 1.0, present**self.order)
        if self.inhibited_by is not None:
            side = side * (1.0 - presence(left[self.inhibited_by]))
        return side


def presence(share: Array) -> Array:
    """1 while an additive lasts, 0 when it is gone; below 0, where a solver may undershoot, a straight line."""
    return (1.0 + LAST_SHARE) * share / (jnp.maximum(share, 0.0) + LAST_SHARE)


class FilmState(NamedTuple):
    """What changes: the charge of each channel, C/m2; what has dissolved of each constituent, nm (empty if none does).

    Then the share of the area that is cracked and the volume of film in the cracks, nm (zeros if it does not crack);
    the outer layer's states (None if there is none); the roughness of the metal beneath.
    """

    side_charge: Array
    dissolved: Array
    cracked: Array
    crack_volume: Array
    outer: OuterState | None
    roughness: Array


class Growth(NamedTuple):
    """What grows: the side current of each channel, and how fast the film in cracks gets thicker, m/s."""

    currents: Array
    in_cracks: Array


@pytree
@dataclasses.dataclass(frozen=True)
class Film:
    """Parameters of a film in SI; arrays of `initial` (m), `molar_volume`, ... have one entry a constituent.

    Where the film is torn, the metal is bare until a film of the cracks' own covers it; what was torn stays as rubble
    that neither protects nor resists, and counts to the thickness of the intact part, over all of which what grows is
    spread.
    """

    initial: Array
    molar_volume: Array
    conductivities: Array
    dissolution_velocity: Array
    corrosion_rate: Array
    """k_X c_X of the halide at its initial concentration, 1/s"""
    solubility: Array
    """mol of film per m2 of electrode that saturate the electrolyte"""
    relative_permittivity: Array
    fracture_length: Array
    channels: tuple[Channel, ...]
    outer: OuterLayer | None
    constituents: tuple[Constituent, ...] = dataclasses.field(metadata={"static": True})
    mixing: Callable[..., Array] | None = dataclasses.field(metadata={"static": True})
    """A rule of `laws.mixing` over the dense layer's phases; None: all conduct as the first"""
    halide: int | None = dataclasses.field(metadata={"static": True})
    """The additive that corrodes the film; None: nothing does, or something that does not run out"""
    dissolves: bool = dataclasses.field(metadata={"static": True})
    saturates: bool = dataclasses.field(metadata={"static": True})
    cracks: bool = dataclasses.field(metadata={"static": True})
    artificial: bool = dataclasses.field(metadata={"static": True})

    @property
    def size(self) -> int:
        """Number of states."""
        own = len(self.channels) + (len(self.constituents) if self.dissolves else 0) + (2 if self.cracks else 0)
        return own + (self.outer.size if self.outer is not None else 0)

    def unpack(self, values: Array, roughness: Array) -> FilmState:
        """The states by name."""
        count, zero = len(self.channels), jnp.zeros(())
        after = count + (len(self.constituents) if self.dissolves else 0)
        cracked, volume = (values[after], values[after + 1]) if self.cracks else (zero, zero)
        last = after + (2 if self.cracks else 0)
        outer = self.outer.unpack(values[last:]) if self.outer is not None else None
        return FilmState(values[:count], values[count:after], cracked, volume, outer, roughness)

    def initial_state(self) -> Array:
        """Nothing grown; an outer layer as thick as what it holds."""
        own = jnp.zeros(self.size - (self.outer.size if self.outer is not None else 0))
        if self.outer is None:
            return own
        return jnp.concatenate([own, self.outer.initial(self._in_layer(self.initial, OUTER))])

    def mass(self) -> Array:
        """Ones, but for the capacitance of the outer layer's walls."""
        own = jnp.ones(self.size - (self.outer.size if self.outer is not None else 0))
        return own if self.outer is None else jnp.concatenate([own, self.outer.mass()])

    def scale(self) -> Array:
        """Typical sizes: 1 C/m2, 1 nm, 1; of the outer layer's walls 25 mV."""
        own = jnp.ones(self.size - (self.outer.size if self.outer is not None else 0))
        return own if self.outer is None else jnp.concatenate([own, self.outer.scale()])

    def _in_layer(self, volumes: Array, layer: int) -> Array:
        return jnp.sum(
            jnp.stack(
                [volumes[p] for p, each in enumerate(self.constituents) if each.layer == layer] or [0.0 * volumes[0]]
            )
        )

    @property
    def start(self) -> Array:
        """Volume of each constituent at the start, m; a film that grows has at least its minimum."""
        dense = self._in_layer(self.initial, INNER)
        if not self.channels:
            return self.initial
        inner = next(place for place, each in enumerate(self.constituents) if each.layer == INNER)
        return self.initial.at[inner].add(jnp.maximum(MINIMUM_GROWING_THICKNESS - dense, 0.0))

    @property
    def reference_thickness(self) -> Array:
        """The length that turns the film's field into a state in volts, m."""
        return jnp.maximum(self._in_layer(self.start, INNER), NANOMETRE)

    def volumes(self, state: FilmState) -> Array:
        """What there is of each constituent, m3 per m2 of geometric area."""
        volumes = self.start
        for k, channel in enumerate(self.channels):
            volumes = volumes + channel.yields * state.side_charge[k]
        return volumes - NANOMETRE * state.dissolved if self.dissolves else volumes

    def amounts(self, state: FilmState) -> Array:
        """mol/m2 of each constituent."""
        return self.volumes(state) / self.molar_volume

    def dissolved_amounts(self, state: FilmState) -> Array:
        """mol/m2 of each constituent that has gone into the electrolyte."""
        return NANOMETRE * state.dissolved / self.molar_volume if self.dissolves else 0.0 * self.molar_volume

    def thickness(self, state: FilmState) -> Array:
        """Of the intact dense layer, m."""
        dense = self._in_layer(self.volumes(state), INNER) - NANOMETRE * state.crack_volume
        return dense / state.roughness

    def crack_thickness(self, state: FilmState) -> Array:
        """Of the film in the cracks, m."""
        over = jnp.maximum(state.cracked, SMALLEST_CRACK) * state.roughness
        return MINIMUM_GROWING_THICKNESS + NANOMETRE * jnp.maximum(state.crack_volume, 0.0) / over

    def conducting_thickness(self, state: FilmState) -> Array:
        """Of a dense layer on a flat metal without cracks that would conduct as well, m."""
        whole = self.thickness(state)
        if self.cracks:
            intact = jnp.maximum(whole, MINIMUM_GROWING_THICKNESS)
            torn = jnp.clip(state.cracked, 0.0, 1.0)
            whole = 1.0 / ((1.0 - torn) / intact + torn / self.crack_thickness(state))
        return whole / state.roughness

    def conductivity(self, state: FilmState) -> Array:
        """Ionic, of the dense layer, S/m."""
        if self.mixing is None:
            return self.conductivities[0]
        inner = [p for p, each in enumerate(self.constituents) if each.layer == INNER]
        present = jnp.maximum(jnp.stack([self.volumes(state)[p] for p in inner]), 0.0)
        total = jnp.sum(present)
        fractions = (present + 1e-18) / (total + 1e-18 * len(inner))
        return self.mixing(jnp.stack([self.conductivities[p] for p in inner]), fractions)

    def outer_solid(self, state: FilmState) -> Array:
        """Solid in the outer layer per true area, m."""
        return self._in_layer(self.volumes(state), OUTER) / state.roughness

    def outer_voltage(self, state: FilmState, current: Array) -> Array:
        """Driving voltage across the outer layer that carries a current density per geometric area, V."""
        if self.outer is None or state.outer is None:
            return jnp.zeros(())
        return self.outer.voltage(state.outer, self.outer_solid(state), current / state.roughness)

    def resistance(self, state: FilmState) -> Array:
        """Of both layers to a direct current, ohm m2 of geometric area."""
        dense = self.conducting_thickness(state) / self.conductivity(state)
        if self.outer is None or state.outer is None:
            return dense
        return dense + self.outer.resistance(state.outer, self.outer_solid(state)) / state.roughness

    def dissolution(self, state: FilmState, left: Array) -> Array:
        """How fast each constituent dissolves, nm/s."""
        volumes = self.volumes(state)
        total = jnp.sum(volumes)
        share = volumes / jnp.where(jnp.abs(total) > _NO_VOLUME, total, _NO_VOLUME)
        saturation = jnp.sum(self.dissolved_amounts(state)) / self.solubility if self.saturates else jnp.zeros(())
        thickness = total / state.roughness
        spontaneous = interphase.dissolution_rate(thickness, self.dissolution_velocity, saturation)
        halide = left[self.halide] if self.halide is not None else 1.0
        corroded = interphase.halide_corrosion_rate(volumes, self.corrosion_rate, halide)
        return jnp.asarray(state.roughness * spontaneous * share + corroded) / NANOMETRE

    def growth(
        self, state: FilmState, inner: Array, outer: Array, ions: Array, temperature: Array, left: Array
    ) -> Growth:
        """What grows where the potentials on both sides of the dense layer are `inner` and `outer`, V."""

        def on(thickness: Array) -> Array:
            found = [
                channel.current(
                    thickness, outer if channel.driven_outside else inner, ions / state.roughness, temperature, left
                )
                for channel in self.channels
            ]
            return jnp.stack(found) if found else jnp.zeros(0)

        thickness = self.thickness(state)
        if self.dissolves:
            thickness = jnp.maximum(thickness, MINIMUM_GROWING_THICKNESS)
        intact = jnp.zeros(len(self.channels)) if self.artificial else on(thickness)
        if not self.cracks:
            return Growth(intact * state.roughness, jnp.zeros(()))
        cracks = on(self.crack_thickness(state))
        velocity = jnp.zeros(())
        for k, channel in enumerate(self.channels):
            velocity = velocity + self._in_layer(channel.yields, INNER) * cracks[k]
        torn = jnp.clip(state.cracked, 0.0, 1.0)
        currents = (1.0 - torn) * intact + torn * cracks
        return Growth(currents * state.roughness, velocity)

    def cracking(self, state: FilmState, in_cracks: Array, surface_velocity: Array, dissolution: Array) -> Array:
        """Rates of the cracked share, 1/s, and of the volume in it, nm/s."""
        torn = interphase.fracture_rate(surface_velocity, self.fracture_length, state.cracked)
        intact = jnp.maximum(self.thickness(state), MINIMUM_GROWING_THICKNESS)
        closing = jnp.zeros(()) if self.artificial else in_cracks / intact
        grown = state.roughness * state.cracked * in_cracks / NANOMETRE
        dense = jnp.maximum(self._in_layer(self.volumes(state), INNER), _NO_VOLUME)
        going = closing + self._in_layer(NANOMETRE * dissolution, INNER) / dense
        return jnp.stack([torn - state.cracked * closing, grown - state.crack_volume * going])

    def rates(
        self,
        state: FilmState,
        growth: Growth,
        surface_velocity: Array,
        current: Array,
        left: Array,
    ) -> Array:
        """mass x rate of every state."""
        parts = [growth.currents]
        dissolution = self.dissolution(state, left) if self.dissolves else jnp.zeros(len(self.constituents))
        if self.dissolves:
            parts.append(dissolution)
        if self.cracks:
            parts.append(self.cracking(state, growth.in_cracks, surface_velocity, dissolution))
        if self.outer is not None and state.outer is not None:
            made = jnp.zeros(len(self.constituents))
            for k, channel in enumerate(self.channels):
                made = made + channel.yields * growth.currents[k]
            gains = self._in_layer(made, OUTER) / state.roughness
            losses = self._in_layer(NANOMETRE * dissolution, OUTER) / state.roughness
            solid, local = self.outer_solid(state), current / state.roughness
            parts.append(self.outer.rates(state.outer, solid, gains, losses, local))
        return jnp.concatenate(parts)

    def outside(self, currents: Array) -> Array:
        """The part of the side current that reacts at film|electrolyte, which the film does not carry as ions."""
        where = jnp.array([float(channel.outside) for channel in self.channels])
        return jnp.sum(where * currents) if self.channels else jnp.zeros(())

    def consumed(self, state: FilmState) -> Array:
        """mol/m2 of each additive; 0 where there are no channels."""
        used = [channel.consumption * state.side_charge[k] for k, channel in enumerate(self.channels)]
        return sum(used[1:], used[0]) if used else jnp.zeros(())

    def salt_consumed(self, state: FilmState) -> Array:
        """mol/m2 of formula units of salt."""
        used = [channel.salt_consumption * state.side_charge[k] for k, channel in enumerate(self.channels)]
        return sum(used, jnp.zeros(()))

    def salt_rate(self, currents: Array) -> Array:
        """mol/(m2 s) of formula units of salt."""
        used = [channel.salt_consumption * currents[k] for k, channel in enumerate(self.channels)]
        return sum(used, jnp.zeros(()))


__all__ = ["INNER", "OUTER", "Channel", "Constituent", "Film", "FilmState", "Growth", "Reaction", "presence"]
