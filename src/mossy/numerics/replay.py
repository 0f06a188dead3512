"""A run made again from its own record: the same steps without the search for them, so that it has derivatives.

The record says which segments were visited, with what steps, and which event ended each. Made again, every step is the
same Rosenbrock step; only its state, and the instant of an event, follow the parameters. There is no loop of unknown
length left, so that derivatives can be taken forwards (jvp) as well as backwards (vjp, memory for one state a step):

    settle    y = y* + (dF/dy)^-1 F(y*, p) on the algebraic rows, y* the recorded solution (implicit function)
    event     theta = theta* - g(theta*, p)/(dg/dtheta), g the gap that closed at theta*: its instant moves with p
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp
from mossy.numerics.implicit import Plan, Rows, System, follow
from mossy.numerics.rosenbrock import Step, interpolate, rosenbrock_step

Array = jax.Array


class Record(NamedTuple):
    """What is kept of a run's rows: no derivative passes through it. `first`: the row that begins a segment."""

    segment: Array
    elapsed: Array
    length: Array
    theta: Array
    ended: Array
    start: Array
    first: Array


class _Place(NamedTuple):
    state: Array
    reference: Array
    origin: Array
    reached: Array


def record_of(rows: Rows) -> Record:
    """The record of a run, padded to a power of two (segment -1) so that runs of like length compile once."""
    count = len(rows.segment)
    segment = np.asarray(rows.segment)
    first = np.concatenate([np.ones(min(count, 1), bool), np.diff(segment) != 0])
    pad = (1 << max(count - 1, 63).bit_length()) - count

    def padded(values: Any, fill: Any) -> Array:
        values = np.asarray(values)
        return jnp.asarray(np.concatenate([values, np.full((pad, *values.shape[1:]), fill, values.dtype)]))

    elapsed, length, theta = (padded(each, 0.0) for each in (rows.elapsed, rows.length, rows.theta))
    ended, start = padded(rows.ended, -1), padded(rows.start, 0.0)
    return Record(padded(segment, -1), elapsed, length, theta, ended, start, padded(first, False))


def replay(system: System, plan: Plan, initial: Array, record: Record, elimination: str) -> Rows:
    """The rows of a recorded run, as a function of the system and its initial state that can be differentiated."""
    mass = system.mass()

    def again(place: _Place, row: Record) -> tuple[_Place, Rows]:
        real = row.segment >= 0
        control = jax.tree.map(lambda leaf: leaf[jnp.maximum(row.segment, 0)], plan.control)
        starts = row.first & real
        state = jax.lax.cond(
            starts, functools.partial(_settled, system, elimination), _as_it_is, place.state, row, control
        )
        reference = jnp.where(starts & plan.starts_step[jnp.maximum(row.segment, 0)], state, place.reference)
        take = functools.partial(_step, system, mass, elimination)
        step = jax.lax.cond(real & (row.length > 0.0), take, _standing, state, row, control)
        moves = real & (row.ended > 0) & (row.length > 0.0)
        theta = jax.lax.cond(moves, functools.partial(_instant, system), _recorded, step, reference, row, control)
        origin = place.origin + jnp.where(starts, place.reached, 0.0)
        reached = jnp.where(real, row.elapsed + theta * row.length, 0.0)
        end = interpolate(step.start, step.end, step.dense, theta)
        done = Rows(row.segment, origin, row.elapsed, row.length, theta, row.ended, step.start, step.end, step.dense)
        return _Place(end, reference, origin, reached), done

    zero = jnp.zeros(())
    begun = _Place(initial, initial, zero, zero)
    found: Rows = jax.lax.scan(jax.checkpoint(again), begun, record)[1]
    return found


def _settled(system: System, elimination: str, state: Array, row: Record, control: Any) -> Array:
    return follow(system, control, state, row.start, elimination)


def _step(system: System, mass: Array, elimination: str, state: Array, row: Record, control: Any) -> Step:
    def function(time: Array, y: Array) -> Array:
        return system.residual(time, y, control)

    return rosenbrock_step(function, row.elapsed, state, row.length, mass, system.shape, elimination)


def _instant(system: System, step: Step, reference: Array, row: Record, control: Any) -> Array:
    def gap(theta: Array) -> Array:
        state = interpolate(step.start, step.end, step.dense, theta)
        return system.gaps(row.elapsed + theta * row.length, state, reference, control)[jnp.maximum(row.ended - 1, 0)]

    value, slope = jax.jvp(gap, (row.theta,), (jnp.ones_like(row.theta),))
    slope = jax.lax.stop_gradient(slope)
    return row.theta - (value - jax.lax.stop_gradient(value)) / jnp.where(slope == 0.0, 1.0, slope)


def _as_it_is(state: Array, row: Record, control: Any) -> Array:
    del row, control
    return state


def _standing(state: Array, row: Record, control: Any) -> Step:
    del row, control
    return Step(state, state, jnp.zeros((3, *state.shape)), jnp.zeros_like(state))


def _recorded(step: Step, reference: Array, row: Record, control: Any) -> Array:
    del step, reference, control
    return row.theta


__all__ = ["Record", "record_of", "replay"]
