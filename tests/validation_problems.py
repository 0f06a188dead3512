"""Exact problems as objects: systems whose solution is known, against which every solver is run.

Each is a system in the sense of `mossy.numerics.implicit.System`, with its `exact` solution. Between them they have
all that a structured system can have: coupled nodes, a border, explicit time, stiffness, algebraic rows in both places.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape


def system(cls):
    """A frozen dataclass that JAX sees as the tree of its fields.

    Registered by hand: in JAX 0.10.2 the tree structures of any two classes given to `register_dataclass` are equal, so
    that `jit` may run what it has compiled for one on the other.
    """
    cls = dataclasses.dataclass(frozen=True)(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    jax.tree_util.register_pytree_node(
        cls, lambda one: ([getattr(one, name) for name in names], None), lambda _, leaves: cls(*leaves)
    )
    return cls


class Problem(abc.ABC):
    """A system with a known solution. Over `horizon` in `fixed_steps` equal steps its order shows, above rounding."""

    shape: ClassVar[Shape]
    horizon: ClassVar[float]
    fixed_steps: ClassVar[int] = 32

    @abc.abstractmethod
    def exact(self, time):
        """The state at `time`."""

    @abc.abstractmethod
    def residual(self, time, state, control):
        """The right-hand side of M dy/dt."""

    def mass(self):
        return jnp.ones(self.shape.size)

    def scale(self):
        return jnp.ones(self.shape.size)

    def gaps(self, time, state, reference, control):
        """Nothing ever happens."""
        return jnp.ones(1)


@system
class Volterra(Problem):
    """Volterra's chain dy_i/dt = -y_i (y_(i+1) - y_(i-1)), y_0 = 0, its last member in the border: y_i = i/(1 + 2 t).

    Nonlinear and autonomous, every node coupled to its neighbours.
    """

    shape: ClassVar[Shape] = Shape(5, 1, 1)
    horizon: ClassVar[float] = 1.0
    fixed_steps: ClassVar[int] = 64

    def exact(self, time):
        return jnp.arange(1.0, 7.0) / (1.0 + 2.0 * time)

    def residual(self, time, state, control):
        inner, last = state[:-1], state[-1:]
        chain = jnp.concatenate([jnp.zeros(1), inner, last])
        return jnp.concatenate([-inner * (chain[2:] - chain[:-2]), -2.0 * last**2 / 6.0])


@system
class ForcedLattice(Problem):
    """A manufactured solution, y_k = 1 + sin(t + 0.7 k)/2, of a lattice in which every block of the Jacobian is full.

    Non-autonomous: the forcing is what makes the solution exact.
    """

    shape: ClassVar[Shape] = Shape(4, 2, 2)
    horizon: ClassVar[float] = 2.0

    def exact(self, time):
        return 1.0 + 0.5 * jnp.sin(time + 0.7 * jnp.arange(10.0))

    def residual(self, time, state, control):
        exact, slope = jax.jvp(self.exact, (time,), (jnp.ones_like(time),))
        return slope + self._flow(time, state) - self._flow(time, exact)

    def _flow(self, time, state):
        nodes, border = state[:8].reshape(4, 2), state[8:]
        padded = jnp.concatenate([nodes[:1], nodes, nodes[-1:]])
        flux = (padded[1:] ** 2 - padded[:-1] ** 2) * jnp.array([1.0, 0.5]) - padded[1:, ::-1] * padded[:-1] * 0.2
        inner = flux[1:] - flux[:-1] + nodes * nodes[:, ::-1] * jnp.array([0.5, -0.5]) + jnp.cos(time) * border
        outer = jnp.mean(nodes**2, axis=0) - border * border[::-1]
        return jnp.concatenate([inner.reshape(-1), outer])


@system
class Kaps(Problem):
    """The differential-algebraic limit of Kaps' problem: 0 = y_2^2 - y_1, dy_2/dt = y_1 - y_2 - y_2^2.

    y = (exp(-2 t), exp(-t)); index 1, the algebraic row inside a node. K. Dekker & J. G. Verwer, Stability of
    Runge-Kutta Methods for Stiff Nonlinear Differential Equations, North-Holland 1984.
    """

    shape: ClassVar[Shape] = Shape(1, 2, 0)
    horizon: ClassVar[float] = 2.0

    def mass(self):
        return jnp.array([0.0, 1.0])

    def exact(self, time):
        return jnp.stack([jnp.exp(-2.0 * time), jnp.exp(-time)])

    def residual(self, time, state, control):
        first, second = state
        return jnp.stack([second**2 - first, first - second - second**2])


@system
class Discharge(Problem):
    """A capacitor emptied through a nonlinear resistor: dv/dt = -i, 0 = v - i - i^3, both in the border, no node.

    di/dt = -i/(1 + 3 i^2), so t = ln(i_0/i) + 3 (i_0^2 - i^2)/2: i^2 = W(3 i_0^2 exp(3 i_0^2 - 2 t))/3, W of Lambert.
    """

    shape: ClassVar[Shape] = Shape(0, 1, 2)
    horizon: ClassVar[float] = 3.0
    fixed_steps: ClassVar[int] = 64

    def mass(self):
        return jnp.array([1.0, 0.0])

    def exact(self, time):
        argument = 3.0 - 2.0 * time + jnp.log(3.0)
        w = jnp.logaddexp(0.0, argument)
        for _ in range(8):  # Newton's method on w + ln w = argument, quadratic: five would do
            w = w * (1.0 + argument - jnp.log(w)) / (1.0 + w)
        current = jnp.sqrt(w / 3.0)
        return jnp.stack([current + current**3, current])

    def residual(self, time, state, control):
        voltage, current = state
        return jnp.stack([-current, voltage - current - current**3])


@system
class ProtheroRobinson(Problem):
    """dy/dt = -rate (y - cos t) - sin t, y = cos t: stiff as `rate` grows, where many methods lose their order.

    A. Prothero & A. Robinson, Math. Comp. 28 (1974) 145.
    """

    rate: float = 1.0
    shape: ClassVar[Shape] = Shape(1, 1, 0)
    horizon: ClassVar[float] = 3.0

    def exact(self, time):
        return jnp.cos(time) * jnp.ones(1)

    def residual(self, time, state, control):
        return -self.rate * (state - jnp.cos(time)) - jnp.sin(time)


@system
class Decay(Problem):
    """dy/dt = -rate y, y = exp(-rate t)."""

    rate: float = 1.0
    shape: ClassVar[Shape] = Shape(1, 1, 0)
    horizon: ClassVar[float] = 1.0

    def exact(self, time):
        return jnp.exp(-self.rate * time) * jnp.ones(1)

    def residual(self, time, state, control):
        return -self.rate * state


EXACT = (Volterra(), ForcedLattice(), Kaps(), Discharge(), ProtheroRobinson())
