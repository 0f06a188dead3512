"""A stiff differential-algebraic system driven through a plan of segments: adaptive steps, events, a status per lane.

The whole plan runs in one compiled loop over steps, so it can be batched (vmap) and differentiated forwards (jvp): the
step sizes sit behind `stop_gradient`, and an event's time moves with the parameters (one Newton correction of the
located root carries its derivative). The loop stops when the plan is done, when something fails, or when its buffer of
rows is full; called again with the carry returned it goes on, so a run of any length streams through a buffer.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, Protocol

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape, factorise, jacobian, shifted, solve
from mossy.numerics.rosenbrock import Step, interpolate, rosenbrock_step
from mossy.numerics.status import Status

Array = jax.Array
Bracket = tuple[Array, Array, Array, Array, Array]
_LARGEST_GROWTH, _SMALLEST_SHRINK, _SAFETY = 8.0, 0.2, 0.9


class System(Protocol):
    """What the integrator asks of a system: M dy/dt = residual, with events where a gap falls to zero."""

    @property
    def shape(self) -> Shape:
        """The structure of the state."""

    def mass(self) -> Array:
        """The diagonal of M, zero for an algebraic row."""

    def scale(self) -> Array:
        """The typical size of each component: absolute tolerance = relative tolerance x scale."""

    def residual(self, time: Array, state: Array, control: Any) -> Array:
        """The right-hand side; `time` counts from the start of the segment."""

    def gaps(self, time: Array, state: Array, reference: Array, control: Any) -> Array:
        """One number per event, positive until it happens; `reference` is the state when the step began."""


class Plan(NamedTuple):
    """The segments: a pytree of controls, durations in seconds, where an event leads, which segments begin a step.

    The arrays may be longer than `total`, the number of segments, so that plans of many lengths compile once.
    """

    control: Any
    duration: Array
    jump: Array
    starts_step: Array
    total: Array


class Carry(NamedTuple):
    """Where the integration stands. `origin` is the time at which the segment began."""

    origin: Array
    elapsed: Array
    segment: Array
    fresh: Array
    state: Array
    reference: Array
    step_size: Array
    status: Array
    steps: Array
    attempts: Array


class Rows(NamedTuple):
    """Accepted steps. `ended`: -1 while the segment goes on, 0 when its duration is over, k for event k - 1.

    A segment that ends as soon as it begins leaves one row with `length` 0.
    """

    segment: Any
    origin: Any
    elapsed: Any
    length: Any
    theta: Any
    ended: Any
    start: Any
    end: Any
    dense: Any


class Tolerance(NamedTuple):
    """Relative tolerance of the local error, and the largest number of steps attempted."""

    relative: Any = 1e-6
    maximum_steps: Any = 1_000_000


def begin(state: Array) -> Carry:
    """The carry of an integration that starts at `state`."""
    zero = jnp.zeros(())
    index = jnp.zeros((), jnp.int64)
    running = jnp.asarray(int(Status.RUNNING))
    return Carry(zero, zero, index, jnp.asarray(True), state, state, zero, running, index, index)


@functools.partial(jax.jit, static_argnames=("capacity", "elimination"))
def advance(
    system: System, plan: Plan, carry: Carry, tolerance: Tolerance, *, capacity: int, elimination: str
) -> tuple[Carry, Rows, Array]:
    """Integrates until the plan is done, something fails, or `capacity` rows are full; (carry, rows, rows used)."""
    size = system.shape.size
    number, index = jnp.zeros((capacity,)), jnp.zeros((capacity,), jnp.int64)
    states = jnp.zeros((capacity, size))
    rows = Rows(index, number, number, number, number, index, states, states, jnp.zeros((capacity, 3, size)))

    def unfinished(loop: tuple[Carry, Rows, Array]) -> Array:
        return (loop[0].status == Status.RUNNING) & (loop[2] < capacity)

    def attempt(loop: tuple[Carry, Rows, Array]) -> tuple[Carry, Rows, Array]:
        carry, rows, used = loop
        carry, row, keep = _attempt(system, plan, carry, tolerance, elimination)
        rows = jax.tree.map(lambda all_, one: all_.at[used].set(one), rows, row)  # overwritten unless kept
        return carry, rows, used + keep

    return jax.lax.while_loop(unfinished, attempt, (carry, rows, jnp.zeros((), jnp.int64)))


def _attempt(
    system: System, plan: Plan, carry: Carry, tolerance: Tolerance, elimination: str
) -> tuple[Carry, Rows, Array]:
    control = jax.tree.map(lambda leaf: leaf[carry.segment], plan.control)
    duration = plan.duration[carry.segment]
    carry, already = jax.lax.cond(
        carry.fresh,
        lambda: _open(system, control, duration, plan.starts_step[carry.segment], carry, tolerance, elimination),
        lambda: (carry, jnp.full((), -1)),
    )
    length = _length(carry.step_size, duration - carry.elapsed)
    step = rosenbrock_step(
        lambda t, y: system.residual(t, y, control),
        carry.elapsed,
        carry.state,
        length,
        system.mass(),
        system.shape,
        elimination,
    )
    error = _error_norm(system, step, tolerance.relative)
    good = jnp.isfinite(error) & (error <= 1.0) & (already < 0)
    theta, event = _first_event(system, control, carry, step, length, good)
    over = good & (event < 0) & (carry.elapsed + length >= duration * (1.0 - 1e-14))
    ended = jnp.where(already >= 0, already, jnp.where(event >= 0, event + 1, jnp.where(over, 0, -1)))
    keep = good | (already >= 0)
    moved = jnp.where(good, theta * length, 0.0)
    reached = jnp.where(good, interpolate(step.start, step.end, step.dense, theta), carry.state)
    row = Rows(
        carry.segment,
        carry.origin,
        carry.elapsed,
        jnp.where(good, length, 0.0),
        jnp.where(good, theta, 1.0),
        ended,
        carry.state,
        jnp.where(good, step.end, carry.state),
        jnp.where(good, step.dense, 0.0),
    )
    carry = carry._replace(
        state=reached,
        elapsed=carry.elapsed + moved,
        step_size=_next_length(length, error, good),
        steps=carry.steps + good,
        attempts=carry.attempts + 1,
    )
    return _close(plan, carry, ended, length, tolerance), row, keep.astype(jnp.int64)


def _open(
    system: System,
    control: Any,
    duration: Array,
    starts_step: Array,
    carry: Carry,
    tolerance: Tolerance,
    elimination: str,
) -> tuple[Carry, Array]:
    """Begins a segment: a consistent state, the reference of a new step, a first step size, events already past."""
    state, consistent = consistent_state(system, control, carry.state, elimination)
    reference = jnp.where(starts_step, state, carry.reference)
    gaps = system.gaps(jnp.zeros(()), state, reference, control)
    already = jnp.where(jnp.any(gaps <= 0.0), jnp.argmin(gaps) + 1, jnp.where(duration <= 0.0, 0, -1))
    mass, scale = system.mass(), system.scale()
    rate = system.residual(jnp.zeros(()), state, control) / jnp.where(mass == 0.0, jnp.inf, mass)
    fastest = jnp.max(jnp.abs(rate) / (scale + jnp.abs(state)))
    first = jnp.minimum(tolerance.relative**0.2 / jnp.maximum(fastest, 1e-30), jnp.minimum(0.1 * duration, 1e4))
    carry = carry._replace(
        state=state,
        reference=reference,
        step_size=jax.lax.stop_gradient(jnp.maximum(first, 1e-12)),
        fresh=jnp.asarray(False),
        status=jnp.where(consistent, carry.status, int(Status.INCONSISTENT)),
    )
    return carry, already


def consistent_state(system: System, control: Any, state: Array, elimination: str) -> tuple[Array, Array]:
    """Newton's method on the algebraic rows, the differential components held; whether it converged."""
    mass, scale = system.mass(), system.scale()
    held = jnp.where(mass == 0.0, 0.0, 1.0)

    def rows(y: Array, fixed: Array) -> Array:
        return jnp.where(held > 0.0, fixed - y, system.residual(jnp.zeros(()), y, control))

    def newton(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        y, _, count = loop
        blocks = jacobian(lambda z: rows(z, state), y, system.shape)
        factors = factorise(shifted(0.0, mass, blocks, system.shape), elimination)
        change = solve(factors, rows(y, state))
        size = jnp.max(jnp.abs(change) / (scale + jnp.abs(y)))
        return y + change, jax.lax.stop_gradient(size), count + 1

    def unfinished(loop: tuple[Array, Array, Array]) -> Array:
        return (loop[1] > 1e-12) & (loop[2] < 30)

    y, size, _ = jax.lax.while_loop(unfinished, newton, (state, jnp.full((), jnp.inf), jnp.zeros((), jnp.int64)))
    return y, size <= 1e-8


def _length(proposed: Array, remaining: Array) -> Array:
    """The step to try: lands on the end exactly, and never leaves a sliver before it."""
    halved = jnp.where(proposed > 0.55 * remaining, 0.5 * remaining, proposed)
    return jax.lax.stop_gradient(jnp.where(proposed >= 0.999 * remaining, remaining, halved))


def _error_norm(system: System, step: Step, relative: float) -> Array:
    """The local error over its tolerance: root mean square over the interior, maximum over the border."""
    allowed = relative * (system.scale() + jnp.maximum(jnp.abs(step.start), jnp.abs(step.end)))
    error = step.error / allowed
    inner, border = error[: system.shape.interior], error[system.shape.interior :]
    root = jnp.sqrt(jnp.sum(inner**2) / max(system.shape.interior, 1))
    return jax.lax.stop_gradient(jnp.maximum(root, jnp.max(jnp.abs(border), initial=0.0)))


def _next_length(length: Array, error: Array, good: Array) -> Array:
    factor = _SAFETY * jnp.maximum(error, 1e-10) ** (-0.2)
    factor = jnp.clip(jnp.where(jnp.isfinite(error), factor, 0.0), _SMALLEST_SHRINK, _LARGEST_GROWTH)
    return length * jnp.where(good, factor, jnp.minimum(factor, 0.9))


def _first_event(
    system: System, control: Any, carry: Carry, step: Step, length: Array, good: Array
) -> tuple[Array, Array]:
    """(fraction of the step at which the first event happens, its index); (1, -1) when none does."""

    def gaps(theta: Array) -> Array:
        state = interpolate(step.start, step.end, step.dense, theta)
        return system.gaps(carry.elapsed + theta * length, state, carry.reference, control)

    at_end = gaps(jnp.ones(()))
    happens = good & jnp.any(at_end <= 0.0)

    def unfinished(loop: Bracket) -> Array:
        low, high, _, _, count = loop
        return happens & (high - low > 1e-13) & (count < 100)

    def narrow(loop: Bracket) -> Bracket:
        low, high, value_low, value_high, count = loop
        chord = high - value_high * (high - low) / (value_high - value_low)
        edge = 1e-3 * (high - low)
        inside = jnp.clip(chord, low + edge, high - edge)
        middle = jnp.where((count % 3 == 2) | ~jnp.isfinite(inside), 0.5 * (low + high), inside)
        value = jnp.min(gaps(middle))
        past = value <= 0.0
        return (
            jnp.where(past, low, middle),
            jnp.where(past, middle, high),
            jnp.where(past, value_low, value),
            jnp.where(past, value, value_high),
            count + 1,
        )

    zero, one = jnp.zeros(()), jnp.ones(())
    started = (zero, one, jnp.min(gaps(zero)), jnp.min(at_end), jnp.zeros((), jnp.int64))
    theta = jax.lax.stop_gradient(jax.lax.while_loop(unfinished, narrow, started)[1])
    event = jnp.argmin(gaps(theta))
    gap, slope = jax.jvp(lambda at: gaps(at)[event], (theta,), (one,))
    corrected = theta - (gap - jax.lax.stop_gradient(gap)) / jax.lax.stop_gradient(jnp.where(slope == 0.0, 1.0, slope))
    return jnp.where(happens, corrected, 1.0), jnp.where(happens, event, -1)


def _close(plan: Plan, carry: Carry, ended: Array, length: Array, tolerance: Tolerance) -> Carry:
    """Goes to the next segment where this one has ended, and says what failed where something did."""
    over = ended >= 0
    follows = jnp.where(ended > 0, plan.jump[carry.segment], carry.segment + 1)
    segment = jnp.where(over, follows, carry.segment)
    clock = jnp.maximum(1e-15, 1e-15 * carry.elapsed)
    status = jnp.where(carry.attempts >= tolerance.maximum_steps, int(Status.STEP_LIMIT), carry.status)
    status = jnp.where(~over & (carry.step_size < clock), int(Status.STEP_TOO_SMALL), status)
    status = jnp.where(jnp.all(jnp.isfinite(carry.state)), status, int(Status.NOT_FINITE))
    finished = over & (segment >= plan.total) & (status == int(Status.RUNNING))
    return carry._replace(
        origin=jnp.where(over, carry.origin + carry.elapsed, carry.origin),
        elapsed=jnp.where(over, 0.0, carry.elapsed),
        segment=jnp.minimum(segment, plan.total - 1),
        fresh=over,
        status=jnp.where(finished, int(Status.DONE), status),
    )
