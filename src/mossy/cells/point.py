"""The cell without concentration gradients: two electrodes and the separator's ohmic resistance."""

from __future__ import annotations

import dataclasses

from mossy.backend import jax, jnp, pytree
from mossy.cells.base import Cell, Surfaces
from mossy.numerics.bordered import Shape

Array = jax.Array


@pytree
@dataclasses.dataclass(frozen=True)
class Point(Cell):
    """0D: the concentration stays at its initial value everywhere, the limit of a thin or well-stirred electrolyte."""

    @property
    def shape(self) -> Shape:
        """No interior: the border alone."""
        return Shape(0, 1, self.border_size)

    def initial_interior(self) -> Array:
        """Nothing."""
        return jnp.zeros(0)

    def interior_mass(self) -> Array:
        """Nothing."""
        return jnp.zeros(0)

    def interior_residual(self, state: Array) -> Array:
        """Nothing."""
        return jnp.zeros(0)

    def surfaces(self, state: Array) -> Surfaces:
        """One and one."""
        return Surfaces(jnp.ones(()), jnp.ones(()))

    def electrolyte_potentials(self, state: Array, surfaces: Surfaces) -> tuple[Array, Array]:
        """-J L / kappa_eff, and no concentration potential."""
        conductivity = self.electrolyte.conductivity(self.electrolyte.concentration, self.temperature)
        resistance = self.separator.thickness / (conductivity * self.separator.factor)
        return -self.border(state).current * resistance, jnp.zeros(())

    def salt(self, state: Array) -> Array:
        """porosity c L, mol/m2: constant."""
        return jnp.asarray(self.separator.porosity * self.electrolyte.concentration * self.separator.thickness)
