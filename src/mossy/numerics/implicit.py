"""A stiff differential-algebraic system driven through a plan of segments: adaptive steps, events, a status per lane.

The whole plan runs in one compiled loop, so it can be batched (vmap) and differentiated forwards (jvp): the step sizes
sit behind `stop_gradient`, and an event's time moves with the parameters (one Newton correction of the located root
carries its derivative). Each turn of the loop linearises the system once and then does one of two things:

    settle   a segment has begun: Newton's method on the algebraic rows, the differential components held, until the
             state is consistent with the new control; then the events are looked at, for some may be past already
    step     otherwise: one Rosenbrock step, accepted or not, and the first event inside it

The loop stops when the plan is done, when something fails, or when its buffer of rows is full; called again with the
carry returned it goes on, so a run of any length streams through a buffer.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, Protocol

import numpy as np

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Bordered, Factors, Shape, blocks_of, factorise, shifted, solve
from mossy.numerics.rosenbrock import GAMMA, Step, interpolate, linearised, stages_of
from mossy.numerics.status import Status

Array = jax.Array
Bracket = tuple[Array, Array, Array, Array, Array, Array]
_LARGEST_GROWTH, _SMALLEST_SHRINK, _SAFETY = 8.0, 0.2, 0.9
_SETTLED, _UNSETTLED = 1e-10, 200


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
    """Where the integration stands. `origin` is the time at which the segment began; `settling` counts Newton steps.

    `settling` is -1 once the segment is under way; `step_size` is 0 until its first step has been chosen. `swing`: the
    fraction of the last Newton step that was taken, with the sign of that step.
    """

    origin: Array
    elapsed: Array
    segment: Array
    settling: Array
    state: Array
    reference: Array
    step_size: Array
    nearest: Array
    status: Array
    steps: Array
    attempts: Array
    swing: Array


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
    return Carry(zero, zero, index, index, state, state, zero, zero + 1.0, running, index, index, zero + 1.0)


@functools.partial(jax.jit, static_argnames=("capacity", "elimination"))
def advance(
    system: System, plan: Plan, carry: Carry, tolerance: Tolerance, *, capacity: int, elimination: str
) -> tuple[Carry, Rows, Array]:
    """Integrates until the plan is done, something fails, or `capacity` rows are full; (carry, rows, rows used)."""
    size = system.shape.size
    table = jnp.zeros((capacity, 6 + 5 * size))  # one array, so that a row is one write

    def unfinished(loop: tuple[Carry, Array, Array]) -> Array:
        return (loop[0].status == Status.RUNNING) & (loop[2] < capacity)

    def go_on(loop: tuple[Carry, Array, Array]) -> tuple[Carry, Array, Array]:
        carry, table, used = loop
        carry, row, keep = turn(system, plan, carry, tolerance, elimination)
        return carry, jax.lax.dynamic_update_slice(table, row[None], (used, 0)), used + keep

    carry, table, used = jax.lax.while_loop(unfinished, go_on, (carry, table, jnp.zeros((), jnp.int64)))
    return carry, _unpacked(table, size), used


def _unpacked(table: Array, size: int) -> Rows:
    segment, origin, elapsed, length, theta, ended = (table[:, k] for k in range(6))
    states = table[:, 6:].reshape(-1, 5, size)
    whole = (segment.astype(jnp.int64), origin, elapsed, length, theta, ended.astype(jnp.int64))
    return Rows(*whole, states[:, 0], states[:, 1], states[:, 2:])


def turn(
    system: System, plan: Plan, carry: Carry, tolerance: Tolerance, elimination: str
) -> tuple[Carry, Array, Array]:
    """One turn of the loop: (where it then stands, the row of the step, 1 if that row is to be kept)."""
    control = jax.tree.map(lambda leaf: leaf[carry.segment], plan.control)
    duration = plan.duration[carry.segment]
    mass, scale = system.mass(), system.scale()
    settling = carry.settling >= 0

    def function(time: Array, state: Array) -> Array:
        return system.residual(time, state, control)

    value, drift, blocks = linearised(function, carry.elapsed, carry.state, system.shape)
    proposed = jnp.where(carry.step_size > 0.0, carry.step_size, _first_length(value, mass, scale, carry, tolerance))
    length = _length(jnp.minimum(proposed, jnp.maximum(0.1 * duration, carry.step_size)), duration - carry.elapsed)
    length = jnp.where(settling, 1.0, length)
    stepping = shifted(1.0 / (GAMMA * length), mass, blocks, system.shape)
    matrix = jax.tree.map(lambda a, b: jnp.where(settling, a, b), _held(mass, blocks, system.shape), stepping)
    factors = factorise(matrix, elimination)
    change = jnp.where(settling, solve(factors, jnp.where(mass == 0.0, value, 0.0)), 0.0)
    relative = change / (scale + jnp.abs(carry.state))
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(relative)))
    settled = settling & (size <= _SETTLED)
    count = jnp.where(settling, 0, 8)
    step = stages_of(function, carry.elapsed, carry.state, length, mass, factors, drift, count)
    swing = _swing(carry.swing, relative)
    state = carry.state + _held_back(size, mass) * jnp.abs(swing) * change
    step = Step(
        *(
            jnp.where(settling, a, b)
            for a, b in zip((state, state, jnp.zeros_like(step.dense), change), step, strict=True)
        )
    )
    error = jnp.where(settling, 0.0, _error_norm(system, step, tolerance.relative))
    length = jnp.where(settling, 0.0, length)
    good = jnp.isfinite(error) & (error <= 1.0) & (~settling | settled)
    reference = jnp.where(settled & plan.starts_step[carry.segment], state, carry.reference)
    theta, event, nearest = _first_event(system, control, carry, reference, step, length, good)
    over = good & (event < 0) & (carry.elapsed + length >= duration * (1.0 - 1e-14))
    ended = jnp.where(event >= 0, event + 1, jnp.where(over, 0, -1))
    keep = good & (~settled | (ended >= 0))
    reached = jnp.where(
        good, interpolate(step.start, step.end, step.dense, theta), jnp.where(settling, state, carry.state)
    )
    index = (carry.segment, carry.origin, carry.elapsed, length, theta, ended)
    row = jnp.concatenate(
        [jnp.stack([each * jnp.ones(()) for each in index]), step.start, step.end, step.dense.ravel()]
    )
    moved = carry._replace(
        state=reached,
        reference=reference,
        elapsed=carry.elapsed + jnp.where(good, theta * length, 0.0),
        settling=jnp.where(settled, -1, jnp.where(settling, carry.settling + 1, -1)),
        step_size=jnp.where(settling, 0.0, _next_length(length, error, good)),
        nearest=jnp.where(good, nearest, carry.nearest),
        steps=carry.steps + (good & ~settling),
        attempts=carry.attempts + (~settling | (ended >= 0)),
        swing=jnp.where(settling & ~settled, swing, 1.0),
    )
    return _close(plan, moved, ended, settling, error, tolerance), row, keep.astype(jnp.int64)


def _held(mass: Array, blocks: Bordered, shape: Shape) -> Bordered:
    """The matrix of a Newton step on the algebraic rows alone: identity where the mass is not zero, -J elsewhere."""
    free = jnp.where(mass == 0.0, 1.0, 0.0)
    inner = free[: shape.interior].reshape(shape.nodes, shape.variables)
    border = free[shape.interior :]
    return Bordered(
        -blocks.lower * inner[:, :, None],
        -blocks.diagonal * inner[:, :, None] + (1.0 - inner)[:, :, None] * jnp.eye(shape.variables),
        -blocks.upper * inner[:, :, None],
        -blocks.column * inner[:, :, None],
        -blocks.row * border[:, None, None],
        -blocks.corner * border[:, None] + jnp.diag(1.0 - border),
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def consistent_state(system: Any, control: Any, state: Array, elimination: str) -> tuple[Array, Array]:
    """The state with its algebraic components solved for, the differential ones held; whether that converged.

    It can be differentiated forwards and backwards: by `follow`, no derivative passes through the search.
    """
    mass, scale = system.mass(), system.scale()

    def newton(loop: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        y, _, count, swing = loop
        value, factors = _linearised(system, control, y, elimination)
        change = solve(factors, jnp.where(mass == 0.0, value, 0.0))
        relative = change / (scale + jnp.abs(y))
        size, swing = jnp.max(jnp.abs(relative)), _swing(swing, relative)
        return y + _held_back(size, mass) * jnp.abs(swing) * change, size, count + 1, swing

    def unfinished(loop: tuple[Array, Array, Array, Array]) -> Array:
        return (loop[1] > _SETTLED) & (loop[2] < _UNSETTLED)

    begun = (state, jnp.full((), jnp.inf), jnp.zeros((), jnp.int64), jnp.ones(()))
    y, size, _, _ = jax.lax.while_loop(unfinished, newton, begun)
    return y, size <= 1e-8


@consistent_state.defjvp
def _consistent_state_jvp(elimination: str, primals: Any, tangents: Any) -> tuple[Any, Any]:
    solution, found = consistent_state(*primals, elimination)
    moved = jax.jvp(
        lambda system, control, state: follow(system, control, state, solution, elimination), primals, tangents
    )[1]
    return (solution, found), (moved, np.zeros(found.shape, jax.dtypes.float0))


def follow(system: Any, control: Any, state: Array, solution: Array, elimination: str) -> Array:
    """`solution` of the algebraic rows as a function of everything else: one Newton step from it, its matrix fixed.

    By the implicit function theorem its derivatives are those of the solution; `state` gives the differential ones.
    """
    fixed, held_control, known = jax.lax.stop_gradient((system, control, solution))
    mass = fixed.mass()
    known = jnp.where(mass == 0.0, known, state)
    _, factors = _linearised(fixed, held_control, jax.lax.stop_gradient(known), elimination)
    return known + solve(factors, jnp.where(mass == 0.0, system.residual(jnp.zeros(()), known, control), 0.0))


def _linearised(system: Any, control: Any, state: Array, elimination: str) -> tuple[Array, Factors]:
    """The residual at the start of a segment, and the factors of a Newton step on its algebraic rows."""
    value, forward = jax.linearize(lambda y: system.residual(jnp.zeros(()), y, control), state)
    blocks = blocks_of(forward, state, system.shape)
    return value, factorise(_held(system.mass(), blocks, system.shape), elimination)


def _swing(last: Array, change: Array) -> Array:
    """Halves the fraction of a Newton step that is taken when the steps turn back, and gives it back slowly.

    A current that all but empties the surface lies on a cliff of the logarithm: whole steps leap over it for ever.
    """
    way = jnp.sign(jax.lax.stop_gradient(jnp.sum(change)))
    fraction = jnp.abs(last)
    turned = way * last < 0.0
    return jnp.where(way == 0.0, 1.0, way) * jnp.where(turned, 0.5 * fraction, jnp.minimum(1.0, 1.25 * fraction))


def _held_back(size: Array, mass: Array) -> Array:
    """What fraction of a Newton step to take: from afar an exponential law throws the whole one far beyond the root.

    A single algebraic row is the cycler's own, a straight line, and takes the whole step.
    """
    fraction = 1.0 / jnp.maximum(1.0, 0.5 * jax.lax.stop_gradient(size))
    return jnp.where(jnp.count_nonzero(mass == 0.0) > 1, fraction, 1.0)


def _first_length(value: Array, mass: Array, scale: Array, carry: Carry, tolerance: Tolerance) -> Array:
    """A first step short enough that an exponential decay at the fastest rate seen would meet the tolerance."""
    rate = value / jnp.where(mass == 0.0, jnp.inf, mass)
    fastest = jnp.max(jnp.abs(rate) / (scale + jnp.abs(carry.state)))
    return jnp.clip(tolerance.relative**0.2 / jnp.maximum(fastest, 1e-30), 1e-12, 1e4)


def _length(proposed: Array, remaining: Array) -> Array:
    """The step to try: lands on the end exactly, and never leaves a sliver before it."""
    halved = jnp.where(proposed > 0.55 * remaining, 0.5 * remaining, proposed)
    return jax.lax.stop_gradient(jnp.where(proposed >= 0.999 * remaining, remaining, halved))


def _error_norm(system: System, step: Step, relative: Any) -> Array:
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
    system: System, control: Any, carry: Carry, reference: Array, step: Step, length: Array, good: Array
) -> tuple[Array, Array, Array]:
    """(fraction of the step at which the first event happens, its index, the smallest gap at the end of the step)."""

    def gaps(theta: Array) -> Array:
        state = interpolate(step.start, step.end, step.dense, theta)
        return system.gaps(carry.elapsed + theta * length, state, reference, control)

    def unfinished(loop: Bracket) -> Array:
        low, high, _, value_high, _, count = loop
        return (count == 0) | (good & (value_high <= 0.0) & (high - low > 1e-13) & (count < 100) & (length > 0.0))

    def narrow(loop: Bracket) -> Bracket:
        """The first look is at the end of the step; only if an event has happened by then is there a second."""
        low, high, value_low, value_high, last, count = loop
        chord = high - value_high * (high - low) / (value_high - value_low)
        edge = 1e-3 * (high - low)
        inside = jnp.clip(chord, low + edge, high - edge)
        middle = jnp.where((count % 3 == 2) | ~jnp.isfinite(inside), 0.5 * (low + high), inside)
        middle = jnp.where(count == 0, 1.0, middle)
        value = jnp.min(gaps(middle))
        past = (value <= 0.0) | (count == 0)
        return (
            jnp.where(past, low, middle),
            jnp.where(past, middle, high),
            jnp.where(past, value_low, value),
            jnp.where(past, value, value_high),
            jnp.where(count == 0, value, last),
            count + 1,
        )

    zero, one = jnp.zeros(()), jnp.ones(())
    found = jax.lax.while_loop(
        unfinished, narrow, (zero, one, jnp.maximum(carry.nearest, 1e-30), one, one, jnp.zeros((), jnp.int64))
    )
    theta, last = jax.lax.stop_gradient(found[1]), jax.lax.stop_gradient(found[4])
    happens = good & (last <= 0.0)
    values, slopes = jax.jvp(gaps, (theta,), (one,))
    event = jnp.argmin(values)
    gap, slope = values[event], jax.lax.stop_gradient(slopes[event])
    corrected = theta - (gap - jax.lax.stop_gradient(gap)) / jnp.where(slope == 0.0, 1.0, slope)
    return jnp.where(happens, corrected, 1.0), jnp.where(happens, event, -1), last


def _close(plan: Plan, carry: Carry, ended: Array, settling: Array, error: Array, tolerance: Tolerance) -> Carry:
    """Goes to the next segment where this one has ended, and says what failed where something did."""
    over = ended >= 0
    follows = jnp.where(ended > 0, plan.jump[carry.segment], carry.segment + 1)
    segment = jnp.where(over, follows, carry.segment)
    clock = jnp.maximum(1e-15, 1e-15 * carry.elapsed)
    running = int(Status.RUNNING)
    status = jnp.where(carry.attempts >= tolerance.maximum_steps, int(Status.STEP_LIMIT), carry.status)
    reason = jnp.where(jnp.isfinite(error), int(Status.STEP_TOO_SMALL), int(Status.NOT_FINITE))
    status = jnp.where(~over & ~settling & ~(carry.step_size >= clock), reason, status)  # NaN is too small as well
    status = jnp.where(settling & (carry.settling > _UNSETTLED), int(Status.INCONSISTENT), status)
    status = jnp.where(jnp.all(jnp.isfinite(carry.state)), status, int(Status.NOT_FINITE))
    finished = over & (segment >= plan.total) & ((status == running) | (status == int(Status.STEP_LIMIT)))
    return carry._replace(
        origin=jnp.where(over, carry.origin + carry.elapsed, carry.origin),
        elapsed=jnp.where(over, 0.0, carry.elapsed),
        segment=jnp.minimum(segment, plan.total - 1),
        settling=jnp.where(over, 0, carry.settling),
        step_size=jnp.where(over, 0.0, carry.step_size),
        status=jnp.where(finished, int(Status.DONE), status),
    )
