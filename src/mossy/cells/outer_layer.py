"""The porous outer layer of a film: its thickness, and the potentials along its pores.

Ions go through the electrolyte in the pores and through the solid beside it, and change over at the walls: the line of
`laws.porous_layer`, on nodes x_j from the electrolyte (0) to the dense layer (N). With v the potential in the pore less
that in the solid and i the current in the pores,

    A_j (C dv/dt + v/R) = i_(j-1/2) - i_(j+1/2)        i = (J r_s - dv/dx)/(r_p + r_s)
    V = sum r_p i h + v_N

A_j is the area of wall that belongs to node j; the solid's tops add to the first, the pores' ends to the last. The mesh
is fine at both ends, where most of the current changes over.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from mossy.backend import jax, jnp, pytree
from mossy.laws.porous_layer import layer_growth_rate, porous_layer_impedance

Array = jax.Array
NANOMETRE = 1e-9
THINNEST = 1e-9
"""m: an outer layer begins with at least this thickness."""
LEAST_POROSITY = 1e-3
STRETCHING = 0.8


def spacings(intervals: int) -> np.ndarray:
    """Relative distances between nodes at s - (STRETCHING/2 pi) sin(2 pi s), s uniform: a fifth as wide at the ends.

    >>> round(float(spacings(12).sum()), 12), round(float(spacings(200)[0] * 200), 2)
    (1.0, 0.2)
    """
    uniform = np.linspace(0.0, 1.0, intervals + 1)
    return np.diff(uniform - STRETCHING / (2.0 * np.pi) * np.sin(2.0 * np.pi * uniform))


class OuterState(NamedTuple):
    """Thickness, nm; potential differences across the walls at the nodes, V."""

    thickness: Array
    walls: Array


class Line(NamedTuple):
    """The line at a moment: length (m), resistivities (ohm m), wall area (1/m), areas of tops and ends (1)."""

    length: Array
    pore_resistivity: Array
    solid_resistivity: Array
    wall_area: Array
    top_area: Array
    bottom_area: Array


@pytree
@dataclasses.dataclass(frozen=True)
class OuterLayer:
    """Parameters in SI; `intervals` of the line."""

    porosity: Array
    filling: Array
    pore_radius: Array
    wall_resistance: Array
    wall_capacitance: Array
    pore_conductivity: Array
    solid_conductivity: Array
    bruggeman: Array
    intervals: int = dataclasses.field(metadata={"static": True})

    @property
    def size(self) -> int:
        """Number of states."""
        return self.intervals + 2

    def unpack(self, values: Array) -> OuterState:
        """The states by name."""
        return OuterState(values[0], values[1:])

    def initial(self, solid: Array) -> Array:
        """As thick as its solid at the fresh porosity, at least THINNEST; no current."""
        thickness = jnp.maximum(solid / (1.0 - self.porosity), THINNEST)
        return jnp.zeros(self.size).at[0].set(thickness / NANOMETRE)

    def mass(self) -> Array:
        """1 for the thickness, the capacitance for the walls."""
        return jnp.concatenate([jnp.ones(1), self.wall_capacitance * jnp.ones(self.intervals + 1)])

    def scale(self) -> Array:
        """1 nm, 25 mV."""
        return jnp.concatenate([jnp.ones(1), 0.025 * jnp.ones(self.intervals + 1)])

    def porosity_of(self, state: OuterState, solid: Array) -> Array:
        """1 - S/L."""
        return jnp.clip(1.0 - solid / (NANOMETRE * state.thickness), LEAST_POROSITY, 1.0 - LEAST_POROSITY)

    def line(self, state: OuterState, solid: Array) -> Line:
        """The line's properties; walls of cylindrical pores, 2 eps/r."""
        porosity = self.porosity_of(state, solid)
        pore = 1.0 / (self.pore_conductivity * porosity**self.bruggeman)
        rail = 1.0 / (self.solid_conductivity * (1.0 - porosity) ** self.bruggeman)
        wall = 2.0 * porosity / self.pore_radius
        return Line(NANOMETRE * state.thickness, pore, rail, wall, 1.0 - porosity, porosity)

    def _pore_current(self, line: Line, walls: Array, current: Array) -> Array:
        slope = (walls[1:] - walls[:-1]) / (line.length * spacings(self.intervals))
        return (current * line.solid_resistivity - slope) / (line.pore_resistivity + line.solid_resistivity)

    def voltage(self, state: OuterState, solid: Array, current: Array) -> Array:
        """Across the layer, V, positive while plating."""
        line = self.line(state, solid)
        inside = self._pore_current(line, state.walls, current)
        drop = line.pore_resistivity * line.length * jnp.sum(inside * spacings(self.intervals))
        return drop + state.walls[-1]

    def rates(self, state: OuterState, solid: Array, gains: Array, losses: Array, current: Array) -> Array:
        """mass x rate: what is deposited fills pores and adds layer, what dissolves thins it at the same porosity."""
        line, porosity = self.line(state, solid), self.porosity_of(state, solid)
        grown = layer_growth_rate(gains, porosity, self.porosity, self.filling) - losses / (1.0 - porosity)
        inside = self._pore_current(line, state.walls, current)
        passing = jnp.concatenate([jnp.reshape(current, (1,)), inside, jnp.zeros(1)])
        apart = np.concatenate([[0.0], spacings(self.intervals), [0.0]])
        areas = line.wall_area * line.length * jnp.asarray(0.5 * (apart[1:] + apart[:-1]))
        areas = areas.at[0].add(line.top_area).at[-1].add(line.bottom_area)
        walls = (passing[:-1] - passing[1:]) / areas - state.walls / self.wall_resistance
        return jnp.concatenate([jnp.reshape(grown / NANOMETRE, (1,)), walls])

    def resistance(self, state: OuterState, solid: Array) -> Array:
        """To a direct current, ohm m2."""
        line = self.line(state, solid)
        return porous_layer_impedance(
            line.length,
            pore_resistivity=line.pore_resistivity,
            solid_resistivity=line.solid_resistivity,
            wall_admittance=1.0 / self.wall_resistance,
            wall_area=line.wall_area,
            top_area=line.top_area,
            bottom_area=line.bottom_area,
        )
