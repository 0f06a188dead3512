"""The effective conductivity of a film that is a mosaic of phases: named mixing rules.

Every rule takes `conductivities` (n, S/m, > 0) and `fractions` (n, of the volume, adding up to 1) along the last axis
and gives S/m. All lie between `series` and `parallel`, and give sigma for phases that are alike.
"""

from __future__ import annotations

from mossy.backend import jax, jnp

Array = jax.Array
_BISECTIONS, _POLISHES = 60, 2


def parallel(conductivities: Array, fractions: Array) -> Array:
    """Columns through the film, sigma = sum f_i sigma_i: Wiener's upper bound.

    Source: O. Wiener, Abh. Saechs. Akad. Wiss. 32 (1912) 509.

    >>> float(parallel(jnp.array([1.0, 3.0]), jnp.array([0.5, 0.5])))
    2.0
    """
    return jnp.sum(fractions * conductivities, axis=-1)


def series(conductivities: Array, fractions: Array) -> Array:
    """Sheets one on the other, 1/sigma = sum f_i/sigma_i: Wiener's lower bound.

    Source: O. Wiener, Abh. Saechs. Akad. Wiss. 32 (1912) 509.

    >>> float(series(jnp.array([1.0, 3.0]), jnp.array([0.5, 0.5])))
    1.5
    """
    return 1.0 / jnp.sum(fractions / conductivities, axis=-1)


def lichtenecker(conductivities: Array, fractions: Array) -> Array:
    """The geometric mean, ln sigma = sum f_i ln sigma_i: exact for two phases in equal parts in a plane.

    Source: K. Lichtenecker, Phys. Z. 27 (1926) 115; the exact case: A. M. Dykhne, Sov. Phys. JETP 32 (1971) 63.

    >>> float(lichtenecker(jnp.array([1.0, 4.0]), jnp.array([0.5, 0.5])))
    2.0
    """
    return jnp.exp(jnp.sum(fractions * jnp.log(conductivities), axis=-1))


def bruggeman(conductivities: Array, fractions: Array) -> Array:
    """Grains of every phase in a medium of their mean: the root of sum f_i (sigma_i - sigma)/(sigma_i + 2 sigma) = 0.

    Symmetric in the phases; a conducting phase percolates from one third of the volume. The root is bracketed by the
    bounds above, halved sixty times in ln sigma, and differentiated through two steps of Newton's method.
    Source: D. A. G. Bruggeman, Ann. Phys. 416 (1935) 636, doi 10.1002/andp.19354160705.

    >>> round(float(bruggeman(jnp.array([1.0, 1e-9]), jnp.array([0.5, 0.5]))), 6)  # (3 f - 1)/2 with an insulator
    0.25
    """

    def excess(log_mean: Array) -> Array:
        mean = jnp.exp(log_mean)[..., None]
        return jnp.sum(fractions * (conductivities - mean) / (conductivities + 2.0 * mean), axis=-1)

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (ends[0] + ends[1])
        above = excess(middle) > 0.0
        return jnp.where(above, middle, ends[0]), jnp.where(above, ends[1], middle)

    ends = jnp.log(series(conductivities, fractions)), jnp.log(parallel(conductivities, fractions))
    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, jax.lax.stop_gradient(ends))
    root = jax.lax.stop_gradient(0.5 * (low + high))
    for _ in range(_POLISHES):
        value, slope = excess(root), jax.jvp(excess, (root,), (jnp.ones_like(root),))[1]
        root = root - value / jnp.where(slope == 0.0, -1.0, slope)
    return jnp.exp(root)


RULES = {"parallel": parallel, "series": series, "lichtenecker": lichtenecker, "bruggeman": bruggeman}
"""The rules by name."""
