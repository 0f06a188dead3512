"""The film on an electrode: what grows it, through which channels, and what dissolves it.

Each growth law is a channel with its own charge q_k; channels run in parallel. The film is well mixed: dissolution
takes from every pool (the initial film, then one a channel) in proportion to what is left of it.

    T = L_0 - d_0 + sum_k (v_k q_k - d_k)        dd_k/dt = (share of pool k) x dissolution

Where the film cracks, fresh metal shows on a share a of the area, beside the intact film of thickness L = T - v_c.
There a film of its own grows from MINIMUM_GROWING_THICKNESS, L_c = L_min + v_c/a, and closes the crack as it gets as
thick as the intact one; an artificial film neither grows nor heals.

    da/dt = |v|/l (1 - a) - a w_c/L        dv_c/dt = a w_c - v_c w_c/L        w_c = sum_k v_k j_k(L_c)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from mossy.backend import jax, jnp, pytree
from mossy.laws import interphase

Array = jax.Array
MINIMUM_GROWING_THICKNESS = 1e-10
"""m: a film that grows starts with at least this thickness, because diffusion through it is singular at zero."""
NANOMETRE = 1e-9
SMALLEST_CRACK = 1e-9
"""Share of the area below which a crack's thickness stops being resolved."""
LAST_SHARE = 1e-6
"""An additive runs out over this share of its initial amount; before that a channel of order 0 does not feel it."""


@pytree
@dataclasses.dataclass(frozen=True)
class Channel:
    """One growth law with its keyword arguments, the film it makes (m3/C) and the additive it consumes (mol/C)."""

    parameters: dict[str, Array]
    volume_per_charge: Array
    consumed_per_charge: Array
    order: Array
    law: Callable[..., Array] = dataclasses.field(metadata={"static": True})
    name: str = dataclasses.field(metadata={"static": True})
    outside: bool = dataclasses.field(metadata={"static": True})
    sees_current: bool = dataclasses.field(metadata={"static": True})
    consumes: int | None = dataclasses.field(metadata={"static": True})
    inhibited_by: int | None = dataclasses.field(metadata={"static": True})

    def current(self, thickness: Array, potential: Array, ions: Array, temperature: Array, left: Array) -> Array:
        """Side current density, A/m2; `left`: share of each additive that is left; `ions`: what the film carries."""
        more: dict[str, Any] = {"film_current_density": ions} if self.sees_current else {}
        side = self.law(thickness, potential, temperature=temperature, **more, **self.parameters)
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
    """What changes: the charge of each channel, C/m2; what has dissolved of each pool, nm (empty if none does).

    Then the share of the area that is cracked and the volume of film in the cracks, nm (zeros if it does not crack).
    """

    side_charge: Array
    dissolved: Array
    cracked: Array
    crack_volume: Array


class Growth(NamedTuple):
    """What grows: the side current of each channel, and how fast the film in cracks gets thicker, m/s."""

    currents: Array
    in_cracks: Array


@pytree
@dataclasses.dataclass(frozen=True)
class Film:
    """Parameters of a film in SI; `dissolves` says whether its loss is a state."""

    initial_thickness: Array
    conductivity: Array
    relative_permittivity: Array
    dissolution_velocity: Array
    fracture_length: Array
    channels: tuple[Channel, ...]
    dissolves: bool = dataclasses.field(metadata={"static": True})
    cracks: bool = dataclasses.field(metadata={"static": True})
    artificial: bool = dataclasses.field(metadata={"static": True})

    @property
    def size(self) -> int:
        """Number of states."""
        count = len(self.channels)
        return count + (count + 1 if self.dissolves else 0) + (2 if self.cracks else 0)

    def unpack(self, values: Array) -> FilmState:
        """The states by name."""
        count, zero = len(self.channels), jnp.zeros(())
        last = self.size - (2 if self.cracks else 0)
        cracked, volume = (values[last], values[last + 1]) if self.cracks else (zero, zero)
        return FilmState(values[:count], values[count:last], cracked, volume)

    def scale(self) -> Array:
        """Typical sizes: 1 C/m2, 1 nm, 1."""
        return jnp.ones(self.size)

    @property
    def start_thickness(self) -> Array:
        """The thickness at the start, m."""
        if not self.channels:
            return jnp.asarray(self.initial_thickness)
        return jnp.maximum(self.initial_thickness, MINIMUM_GROWING_THICKNESS)

    @property
    def reference_thickness(self) -> Array:
        """The length that turns the film's field into a state in volts, m."""
        return jnp.maximum(self.start_thickness, NANOMETRE)

    def pools(self, state: FilmState) -> Array:
        """What is left of the initial film and of each channel's, m."""
        grown = [channel.volume_per_charge * state.side_charge[k] for k, channel in enumerate(self.channels)]
        pools = jnp.stack([self.start_thickness, *grown])
        return pools - NANOMETRE * state.dissolved if self.dissolves else pools

    def thickness(self, state: FilmState) -> Array:
        """Of the intact film, m."""
        return jnp.sum(self.pools(state)) - NANOMETRE * state.crack_volume

    def crack_thickness(self, state: FilmState) -> Array:
        """Of the film in the cracks, m."""
        over = jnp.maximum(state.cracked, SMALLEST_CRACK)
        return MINIMUM_GROWING_THICKNESS + NANOMETRE * jnp.maximum(state.crack_volume, 0.0) / over

    def conducting_thickness(self, state: FilmState) -> Array:
        """Of a film without cracks that would conduct as well, m."""
        if not self.cracks:
            return self.thickness(state)
        return 1.0 / (1.0 / self.thickness(state) + state.cracked / self.crack_thickness(state))

    def dissolution(self, state: FilmState) -> Array:
        """How fast each pool dissolves, nm/s."""
        pools = self.pools(state)
        total = jnp.sum(pools)
        rate = interphase.dissolution_rate(total, self.dissolution_velocity)
        share = pools / jnp.where(jnp.abs(total) > 1e-15, total, 1e-15)
        return jnp.asarray(rate * share / NANOMETRE)

    def growth(
        self, state: FilmState, inner: Array, outer: Array, ions: Array, temperature: Array, left: Array
    ) -> Growth:
        """What grows where the potentials on both sides of the film are `inner` and `outer`, V."""

        def on(thickness: Array) -> Array:
            found = [
                channel.current(thickness, outer if channel.outside else inner, ions, temperature, left)
                for channel in self.channels
            ]
            return jnp.stack(found) if found else jnp.zeros(0)

        thickness = self.thickness(state)
        if self.dissolves:
            thickness = jnp.maximum(thickness, MINIMUM_GROWING_THICKNESS)
        intact = jnp.zeros(len(self.channels)) if self.artificial else on(thickness)
        if not self.cracks:
            return Growth(intact, jnp.zeros(()))
        cracks = on(self.crack_thickness(state))
        per_charge = jnp.stack([each.volume_per_charge for each in self.channels] or [jnp.zeros(())])
        velocity = jnp.sum(per_charge * cracks) if self.channels else jnp.zeros(())
        return Growth(intact + jnp.maximum(state.cracked, 0.0) * cracks, velocity)

    def cracking(self, state: FilmState, in_cracks: Array, surface_velocity: Array) -> Array:
        """Rates of the cracked share, 1/s, and of the volume in it, nm/s."""
        torn = interphase.fracture_rate(surface_velocity, self.fracture_length, state.cracked)
        closing = jnp.zeros(()) if self.artificial else in_cracks / self.thickness(state)
        grown = state.cracked * in_cracks / NANOMETRE
        return jnp.stack([torn - state.cracked * closing, grown - state.crack_volume * closing])

    def outside(self, currents: Array) -> Array:
        """The part of the side current that reacts at film|electrolyte, which the film does not carry as ions."""
        where = jnp.array([float(channel.outside) for channel in self.channels])
        return jnp.sum(where * currents) if self.channels else jnp.zeros(())

    def consumed(self, state: FilmState, additive: int) -> Array:
        """mol/m2 of an additive."""
        used = [
            channel.consumed_per_charge * state.side_charge[k]
            for k, channel in enumerate(self.channels)
            if channel.consumes == additive
        ]
        return sum(used, jnp.zeros(()))


__all__ = ["Channel", "Film", "FilmState", "presence"]
