"""What a metal surface may do beside plating evenly: roughen, begin as nuclei, carry an adsorbed layer."""

from __future__ import annotations

import dataclasses

from mossy.backend import jax, jnp, pytree
from mossy.laws import adlayer, inventory, morphology, nucleation

Array = jax.Array
FIRST_NUCLEI = 1e-6
"""Of the reference density: the nuclei there are before any has formed."""
FORGETTING = 1.0
"""1/s: how fast sites are free again once the last metal on them is gone."""


@pytree
@dataclasses.dataclass(frozen=True)
class Roughening:
    """Keyword arguments of `laws.morphology.roughening_rate`; the state is the true area per geometric area."""

    parameters: dict[str, Array]

    def rate(self, roughness: Array, surface_velocity: Array) -> Array:
        """1/s."""
        return jnp.asarray(morphology.roughening_rate(roughness, surface_velocity, **self.parameters))


@pytree
@dataclasses.dataclass(frozen=True)
class Nucleation:
    """Nuclei of metal on a foreign surface; the state is their density over `site_density`.

        dN/dt = k exp(-W/kT) max(N_s(eta) - N, 0) (1 - covered) - (1 - a_M) N/(1 s)

    All share the metal as equal hemispheres that grow together; a nucleus smaller than critical dissolves, because
    curvature raises its activity.
    """

    rate_constant: Array
    site_density: Array
    reference_overpotential: Array
    site_exponent: Array
    seed_radius: Array
    surface_energy: Array
    wetting_factor: Array
    metal_molar_volume: Array
    charge_number: int = dataclasses.field(metadata={"static": True})

    def density(self, nuclei: Array) -> Array:
        """1/m2."""
        return jnp.maximum(nuclei, 0.1 * FIRST_NUCLEI) * self.site_density

    def radius(self, nuclei: Array, charge: Array) -> Array:
        """Of each nucleus when the metal in contact is `charge`, m."""
        volume = inventory.dense_thickness(charge, self.metal_molar_volume, self.charge_number)
        return jnp.asarray(nucleation.nucleus_radius(volume, self.density(nuclei), self.seed_radius))

    def area(self, nuclei: Array, charge: Array) -> Array:
        """Metal surface per geometric area."""
        return jnp.asarray(nucleation.metal_area(self.radius(nuclei, charge), self.density(nuclei)))

    def covered(self, nuclei: Array, charge: Array) -> Array:
        """Share of the substrate under metal."""
        return jnp.asarray(nucleation.covered_fraction(self.radius(nuclei, charge), self.density(nuclei)))

    def activity(self, nuclei: Array, charge: Array, temperature: Array) -> Array:
        """Of the metal in the nuclei over flat metal; it goes to 1 as they merge."""
        radius = self.radius(nuclei, charge)
        curved = nucleation.curvature_activity(
            radius,
            surface_energy=self.surface_energy,
            metal_molar_volume=self.metal_molar_volume,
            temperature=temperature,
        )
        return jnp.asarray(1.0 + (curved - 1.0) * (1.0 - nucleation.covered_fraction(radius, self.density(nuclei))))

    def rate(self, nuclei: Array, charge: Array, overpotential: Array, activity: Array, temperature: Array) -> Array:
        """1/s; `activity` of the metal that is left."""
        barrier = nucleation.nucleation_barrier(
            overpotential,
            surface_energy=self.surface_energy,
            metal_molar_volume=self.metal_molar_volume,
            wetting_factor=self.wetting_factor,
            charge_number=self.charge_number,
            temperature=temperature,
        )
        sites = nucleation.active_sites(
            overpotential,
            site_density=1.0,
            reference_overpotential=self.reference_overpotential,
            site_exponent=self.site_exponent,
        )
        free = jnp.maximum(sites - nuclei, 0.0) * (1.0 - self.covered(nuclei, charge))
        born = self.rate_constant * jnp.exp(-jnp.minimum(barrier, 500.0)) * free
        lost = FORGETTING * (1.0 - jnp.clip(activity, 0.0, 1.0)) * (nuclei - FIRST_NUCLEI)
        return born - lost


@pytree
@dataclasses.dataclass(frozen=True)
class Adlayer:
    """Keyword arguments of `laws.adlayer.adlayer_rate`; the state is the covered share."""

    parameters: dict[str, Array]
    covered_activity: Array
    initial_coverage: Array
    additive: int | None = dataclasses.field(metadata={"static": True})
    """Whose share left multiplies the adsorption"""

    def rate(self, coverage: Array, overpotential: Array, temperature: Array, left: Array) -> Array:
        """1/s."""
        parameters = dict(self.parameters)
        if self.additive is not None:
            parameters["adsorption_rate"] = parameters["adsorption_rate"] * jnp.maximum(left[self.additive], 0.0)
        return jnp.asarray(adlayer.adlayer_rate(coverage, overpotential, temperature=temperature, **parameters))

    def open(self, coverage: Array) -> Array:
        """Factor of the exchange current density."""
        return jnp.asarray(adlayer.open_fraction(coverage, self.covered_activity))
