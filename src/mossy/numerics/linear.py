"""The frequency response of a residual about any of its states, by the same elimination as the time steps."""

from __future__ import annotations

from collections.abc import Callable

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape, factorise, jacobian, shifted, solve

Array = jax.Array


def frequency_response(
    residual: Callable[[Array, Array], Array],
    output: Callable[[Array, Array], Array],
    state: Array,
    control: Array,
    mass: Array,
    angular_frequency: Array,
    shape: Shape,
) -> Array:
    """d output/d control at each angular frequency, complex, for M dy/dt = residual(y, u) and z = output(y, u).

    (i w M - df/dy) Y = df/du,   z' = dz/dy Y + dz/du.

    The state need not be steady: the response is that of the system frozen at this moment. Differentiable.
    """
    blocks = jacobian(lambda y: residual(y, control), state, shape)
    drive = jax.jvp(lambda u: residual(state, u), (control,), (jnp.ones_like(control),))[1]
    sense = jax.grad(output, argnums=0)(state, control)
    direct = jax.grad(output, argnums=1)(state, control)

    def at(omega: Array) -> Array:
        factors = factorise(shifted(1j * omega, mass, blocks, shape), "sequential")
        return sense @ solve(factors, drive.astype(complex)) + direct

    return jax.vmap(at)(angular_frequency)
