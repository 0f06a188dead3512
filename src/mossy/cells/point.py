"""The cell without concentration gradients: two electrodes and the separator's ohmic resistance."""

from __future__ import annotations

import dataclasses

from mossy.backend import jax, jnp, pytree
from mossy.cells.base import CONCENTRATION_FLOOR, Cell, Surfaces
from mossy.numerics.bordered import Shape

Array = jax.Array


@pytree
@dataclasses.dataclass(frozen=True)
class Point(Cell):
    """0D: the concentration is the same everywhere, the limit of a thin or well-stirred electrolyte.

    It stays at its initial value but for the salt that films use up.
    """

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

    def _content(self) -> Array:
        return jnp.asarray(self.separator.porosity * self.electrolyte.concentration * self.separator.thickness)

    def relative_concentration(self, state: Array) -> Array:
        """c over its initial value."""
        border = self.border(state)
        return (1.0 - self.salt_used(border) / self._content()) / self.saturation(border)

    def surfaces(self, state: Array) -> Surfaces:
        """The same twice."""
        everywhere = self.relative_concentration(state)
        return Surfaces(everywhere, everywhere)

    def electrolyte_potentials(self, state: Array, surfaces: Surfaces) -> tuple[Array, Array]:
        """-J L / kappa_eff, and no concentration potential."""
        border = self.border(state)
        here = self.electrolyte.concentration * jnp.maximum(surfaces.working, CONCENTRATION_FLOOR)
        conductivity = self.electrolyte.conductivity(here, self.temperature)
        factor = self.separator.factor * self.saturation(border) ** self.separator.bruggeman
        return -border.current * self.separator.thickness / (conductivity * factor), jnp.zeros(())

    def salt(self, state: Array) -> Array:
        """porosity c L, mol/m2."""
        return self._content() - self.salt_used(self.border(state))
