"""The binary electrolyte in a separator: properties of concentration and temperature, and what a moving frame needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from mossy.backend import jax, jnp, pytree
from mossy.laws import transport

Array = jax.Array


@pytree
@dataclasses.dataclass(frozen=True)
class Property:
    """A correlation of `laws.transport` with its coefficients: a function of c (mol/m3) and temperature (K).

    >>> float(Property((0.38,), transport.constant)(1000.0, 298.15))
    0.38
    """

    coefficients: tuple[Array, ...]
    correlation: Callable[..., Any] = dataclasses.field(metadata={"static": True})

    def __call__(self, concentration: Array, temperature: Array) -> Array:
        """The property's value, SI."""
        return self.correlation(concentration, temperature, *self.coefficients)


@pytree
@dataclasses.dataclass(frozen=True)
class Electrolyte:
    """A binary salt in a solvent. `diffusivity` may be given as D/(1 - t+), which steady profiles measure directly.

    `molar_volume` (m3/mol of salt, a function of concentration) switches on the solvent's motion: a frame fixed to
    the working electrode, d v_0/dx = -V (dN'/dx), N' the salt flux without convection.
    """

    concentration: Array
    diffusivity: Property
    conductivity: Property
    transference_number: Property
    thermodynamic_factor: Property
    molar_volume: Property | None
    over_anion_transference: bool = dataclasses.field(metadata={"static": True})
    charge_number: int = dataclasses.field(metadata={"static": True})
    cations_per_formula: int = dataclasses.field(metadata={"static": True})
    anions_per_formula: int = dataclasses.field(metadata={"static": True})

    @property
    def transports_evenly(self) -> bool:
        """Whether diffusivity and transference number are the same at every concentration."""
        laws = (self.diffusivity.correlation, self.transference_number.correlation)
        return all(law is transport.constant for law in laws)

    def diffusion_coefficient(self, concentration: Array, temperature: Array) -> Array:
        """D of the free electrolyte, m2/s."""
        value = self.diffusivity(concentration, temperature)
        if self.over_anion_transference:
            return value * (1.0 - self.transference_number(concentration, temperature))
        return value

    def potential_coefficient(self, concentration: Array, temperature: Array) -> Any:
        """(RT/zF)(nu/nu+)(1 - t+) chi, V per unit of ln c."""
        return transport.diffusion_potential_coefficient(
            temperature,
            self.transference_number(concentration, temperature),
            self.thermodynamic_factor(concentration, temperature),
            charge_number=self.charge_number,
            cations_per_formula=self.cations_per_formula,
            anions_per_formula=self.anions_per_formula,
        )


@pytree
@dataclasses.dataclass(frozen=True)
class Separator:
    """What holds the electrolyte: effective = free value x porosity^bruggeman, storage = porosity x concentration."""

    thickness: Any
    porosity: Any
    bruggeman: Any

    @property
    def factor(self) -> Array:
        """porosity^bruggeman."""
        return jnp.asarray(self.porosity) ** self.bruggeman
