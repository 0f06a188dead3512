"""The 1D cell: concentrated-solution transport of a binary salt between two planar electrodes.

    porosity dc/dt = -dN/dx,   N = -D_eff dc/dx + i t+/(z nu+ F) + c v_0,   i = -J  (x from working to counter)
    N = i/(z nu+ F) at both electrodes: no anion passes, whatever part of the current is capacitive

What films use up of the salt goes through the walls too. As the electrolyte dries, the state stays salt per volume of
pores, c times the filled share. Dead metal on an electrode is a layer without storage that the salt crosses.

Finite volumes of second order on a mesh that is fine at the electrodes and smooth in between. The interior holds c over
its initial value in each volume and, when the solvent moves, v_0 at the volume's right face in nm/s.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp, pytree
from mossy.cells.base import CONCENTRATION_FLOOR, Border, Cell, Surfaces
from mossy.laws.constants import FARADAY
from mossy.numerics.bordered import Shape

Array = jax.Array
STRETCHING = 0.5
VELOCITY_UNIT = 1e-9


class Mesh(NamedTuple):
    """Relative widths of the volumes, distances between their centres (inner faces), and the weight of the left one."""

    widths: np.ndarray
    spacings: np.ndarray
    left_weights: np.ndarray


def mesh(nodes: int) -> Mesh:
    """A mesh of the unit interval, faces at s - (STRETCHING/2 pi) sin(2 pi s), s uniform: half as wide at its ends.

    >>> m = mesh(50)
    >>> round(float(m.widths.sum()), 12), round(float(m.widths[0] * 50), 3)
    (1.0, 0.501)
    """
    uniform = np.linspace(0.0, 1.0, nodes + 1)
    faces = uniform - STRETCHING / (2.0 * np.pi) * np.sin(2.0 * np.pi * uniform)
    widths = np.diff(faces)
    spacings = 0.5 * (widths[1:] + widths[:-1])
    return Mesh(widths, spacings, 0.5 * widths[1:] / spacings)


@pytree
@dataclasses.dataclass(frozen=True)
class Planar(Cell):
    """1D: the electrolyte's concentration between the electrodes is a state."""

    @property
    def moves(self) -> bool:
        """Whether the solvent's velocity is a state."""
        return self.electrolyte.molar_volume is not None

    @property
    def shape(self) -> Shape:
        """One variable a node, two when the solvent moves."""
        return Shape(self.nodes, 2 if self.moves else 1, self.border_size)

    def initial_interior(self) -> Array:
        """Uniform salt, resting solvent."""
        return jnp.tile(jnp.array([1.0, 0.0]) if self.moves else jnp.ones(1), self.nodes)

    def interior_mass(self) -> Array:
        """The porosity; zero for the velocity's algebraic rows."""
        storage = jnp.asarray(self.separator.porosity) * jnp.ones(1)
        return jnp.tile(jnp.concatenate([storage, jnp.zeros(1)]) if self.moves else storage, self.nodes)

    def relative_concentration(self, state: Array) -> Array:
        """c over its initial value in each volume."""
        stored = self._stored(state)
        return stored / self.saturation(self.border(state)) if self.dries else stored

    def _stored(self, state: Array) -> Array:
        return state[: self.shape.interior].reshape(self.shape.nodes, self.shape.variables)[:, 0]

    def _factor(self, state: Array) -> Array:
        """Transport in the pores over that of the free electrolyte."""
        if not self.dries:
            return self.separator.factor
        return self.separator.factor * self.saturation(self.border(state)) ** self.separator.bruggeman

    def _sinks(self, state: Array) -> Array:
        """Salt that films use up at the working and the counter electrode, mol/(m2 s)."""
        uses = self.working.uses_salt or self.counter.uses_salt
        return jnp.stack(self.salt_sinks(self.border(state))) if uses else jnp.zeros(2)

    def velocity(self, state: Array) -> Array:
        """v_0 at the right face of each volume, m/s (zero where the solvent does not move)."""
        if not self.moves:
            return jnp.zeros(self.nodes)
        return state[: self.shape.interior].reshape(self.nodes, 2)[:, 1] * VELOCITY_UNIT

    def concentration(self, relative: Any) -> Array:
        """mol/m3, kept above the floor where a property is evaluated."""
        return self.electrolyte.concentration * jnp.maximum(relative, CONCENTRATION_FLOOR)

    def _salt_flux_per_current(self) -> float:
        electrolyte = self.electrolyte
        return 1.0 / (electrolyte.charge_number * electrolyte.cations_per_formula * FARADAY)

    def _diffusive_flux(self, state: Array) -> Array:
        """N without convection at the inner faces, mol/(m2 s)."""
        grid, c = mesh(self.nodes), self.relative_concentration(state)
        at_face = self.concentration(grid.left_weights * c[:-1] + (1.0 - grid.left_weights) * c[1:])
        diffusivity = self.electrolyte.diffusion_coefficient(at_face, self.temperature) * self._factor(state)
        gradient = (c[1:] - c[:-1]) * self.electrolyte.concentration / (grid.spacings * self.separator.thickness)
        migration = -self.border(state).current * self._salt_flux_per_current()
        return -diffusivity * gradient + migration * self.electrolyte.transference_number(at_face, self.temperature)

    def interior_residual(self, state: Array) -> Array:
        """-(N_right - N_left)/width over the initial concentration; and the solvent's continuity when it moves."""
        grid = mesh(self.nodes)
        inner, sinks = self._diffusive_flux(state), self._sinks(state)
        edge = -self.border(state).current * self._salt_flux_per_current() * jnp.ones(1)
        first, last = edge - sinks[0], edge + sinks[1]
        over = grid.widths * self.separator.thickness * self.electrolyte.concentration
        if not self.moves:
            flux = jnp.concatenate([first, inner, last])
            return -jnp.diff(flux) / over
        c, v = self.relative_concentration(state), self.velocity(state)
        at_face = grid.left_weights * c[:-1] + (1.0 - grid.left_weights) * c[1:]
        total = jnp.concatenate([first, inner + self.electrolyte.concentration * at_face * v[:-1], last])
        at_wall = self.electrolyte.concentration * self.walls(state)[1]
        without = jnp.concatenate([first, inner, last - at_wall * v[-1]])
        volume = self.electrolyte.molar_volume(self.concentration(c), self.temperature)  # type: ignore[misc]
        swelling = jnp.diff(jnp.concatenate([jnp.zeros(1), v])) + volume * jnp.diff(without)
        return jnp.stack([-jnp.diff(total) / over, -swelling / VELOCITY_UNIT], axis=1).reshape(-1)

    def walls(self, state: Array) -> Array:
        """Relative concentrations at the separator's ends.

        Third order: a parabola through two volume averages, with the slope the current demands.
        """
        grid, c, v = mesh(self.nodes), self.relative_concentration(state), self.velocity(state)
        drive = self.border(state).current * self._salt_flux_per_current()
        first, second = float(grid.widths[0]), float(grid.widths[1])
        near, far = first**2 / 3.0, first**2 + first * second + second**2 / 3.0

        sign, still, sinks = jnp.array([1.0, -1.0]), jnp.zeros(()), self._sinks(state)
        speed = jnp.stack([still, v[-1] if self.moves else still])
        value = near_wall = jnp.stack([c[0], c[-1]])
        beyond = jnp.stack([c[1], c[-2]])
        # the slope's own coefficients depend on the value at the wall
        for _ in range(1 if self.electrolyte.transports_evenly else 3):
            here = self.concentration(value)
            anions = 1.0 - self.electrolyte.transference_number(here, self.temperature)
            diffusivity = self.electrolyte.diffusion_coefficient(here, self.temperature) * self._factor(state)
            slope = sign * (drive * anions + here * speed) + sinks
            slope = slope * self.separator.thickness / (diffusivity * self.electrolyte.concentration)
            straight = near_wall - 0.5 * slope * first, beyond - slope * (first + 0.5 * second)
            value = (far * straight[0] - near * straight[1]) / (far - near)
        return value

    def _dead_layers(self, border: Border) -> Array:
        """Lengths of free electrolyte that resist as dead metal on the two electrodes does, m."""
        return jnp.stack([self.working.dead_layer(border.working), self.counter.dead_layer(border.counter)])

    def surfaces(self, state: Array) -> Surfaces:
        """The walls', less what drives the salt through a layer of dead metal: a straight profile without storage."""
        value = self.walls(state)
        if self.buries:
            border, here = self.border(state), self.concentration(value)
            drive = border.current * self._salt_flux_per_current()
            anions = 1.0 - self.electrolyte.transference_number(here, self.temperature)
            slope = jnp.array([1.0, -1.0]) * drive * anions + self._sinks(state)
            diffusivity = self.electrolyte.diffusion_coefficient(here, self.temperature)
            value = value - slope * self._dead_layers(border) / (diffusivity * self.electrolyte.concentration)
        return Surfaces(value[0], value[1])

    @property
    def buries(self) -> bool:
        """Whether dead metal lies in the salt's way."""
        return self.working.buries or self.counter.buries

    def electrolyte_potentials(self, state: Array, surfaces: Surfaces) -> tuple[Array, Array]:
        """-J int dx/kappa_eff, and -int (RT/zF)(nu/nu+)(1 - t+) chi dln c from the working to the counter electrode."""
        grid, c = mesh(self.nodes), self.relative_concentration(state)
        conductivity = self.electrolyte.conductivity(self.concentration(c), self.temperature)
        resistance = jnp.sum(grid.widths / conductivity) * self.separator.thickness / self._factor(state)
        path, weights = c, np.concatenate([[0.5], grid.left_weights, [0.5]])
        if self.buries:
            walls = self.walls(state)
            at_walls = self.electrolyte.conductivity(self.concentration(walls), self.temperature)
            resistance = resistance + jnp.sum(self._dead_layers(self.border(state)) / at_walls)
            path, weights = jnp.concatenate([walls[:1], c, walls[1:]]), np.concatenate([[0.5], weights, [0.5]])
        path = jnp.concatenate([surfaces.working[None], path, surfaces.counter[None]])
        between = weights * path[:-1] + (1.0 - weights) * path[1:]
        coefficient = self.electrolyte.potential_coefficient(self.concentration(between), self.temperature)
        steps = jnp.diff(jnp.log(jnp.maximum(path, CONCENTRATION_FLOOR)))
        return -self.border(state).current * resistance, -jnp.sum(coefficient * steps)

    def salt(self, state: Array) -> Array:
        """porosity x int c dx, mol/m2."""
        amount = jnp.sum(mesh(self.nodes).widths * self._stored(state))
        return amount * self.separator.porosity * self.electrolyte.concentration * self.separator.thickness

    def profile(self, state: Array) -> tuple[Array, Array]:
        """(x in m from the working electrode, c in mol/m3), both walls included."""
        faces = np.concatenate([[0.0], np.cumsum(mesh(self.nodes).widths)])
        positions = np.concatenate([[0.0], 0.5 * (faces[1:] + faces[:-1]), [1.0]])
        walls = self.walls(state)
        path = jnp.concatenate([walls[:1], self.relative_concentration(state), walls[1:]])
        return jnp.asarray(positions) * self.separator.thickness, path * self.electrolyte.concentration

    def velocity_profile(self, state: Array) -> Array:
        """v_0 at the positions of `profile`, m/s."""
        faces = jnp.concatenate([jnp.zeros(1), self.velocity(state)])
        return jnp.concatenate([faces[:1], 0.5 * (faces[1:] + faces[:-1]), faces[-1:]])
