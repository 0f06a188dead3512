"""Many stiff systems of one structure, each on its own clock, in one compiled loop: the lanes of a batch.

A turn of the loop is `implicit`'s own turn for every lane at once. A lane that has ended keeps what it has and waits;
the loop returns when so many have ended that the caller may put new ones in their place, or when a lane's rows are
full. So a queue of any length streams through one compiled shape, and no lane feels what another does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from mossy.backend import jax, jnp
from mossy.numerics.implicit import Carry, Plan, Tolerance, begin, turn
from mossy.numerics.status import Status

Array = jax.Array
INDEX = 6
"""Columns of a row before what is watched: segment, origin, elapsed, length, theta, ended (see `implicit.Rows`)."""


class Lanes(NamedTuple):
    """Where every lane stands: its carry, the states it has kept (lanes, slots, states), how its last segment ended."""

    carry: Carry
    kept: Array
    ended: Array


def begin_lanes(states: Array, slots: int) -> Lanes:
    """Lanes that start at `states` (lanes, states); a kept state that was never reached stays NaN."""
    kept = jnp.full((states.shape[0], slots, states.shape[1]), jnp.nan)
    return Lanes(jax.vmap(begin)(states), kept, jnp.full(states.shape[0], -1, jnp.int64))


def chosen(where: Array, those: Any, others: Any) -> Any:
    """Leaf by leaf with lanes first: `those` of the lanes where it is true, `others` elsewhere."""

    def choose(one: Array, other: Array) -> Array:
        return jnp.where(where.reshape(-1, *[1] * (one.ndim - 1)), one, other)

    return jax.tree.map(choose, those, others)


@functools.partial(jax.jit, static_argnames=("watch", "capacity", "elimination", "shared_plan"))
def advance_lanes(
    systems: Any,
    plans: Plan,
    lanes: Lanes,
    slots: Array,
    tolerance: Tolerance,
    ended_enough: Array,
    *,
    watch: Callable[[Any, Array], Array],
    capacity: int,
    elimination: str,
    shared_plan: bool,
) -> tuple[Lanes, Array, Array]:
    """Integrates lanes until `ended_enough` of them have ended or one has `capacity` rows: (lanes, rows, rows used).

    `systems` and `plans` have lanes as their first axis (`shared_plan`: one plan for all). A row holds INDEX columns
    and `watch(system, state)` at its end; with `capacity` 0 none is kept. `slots` (maps, segments): where the state at
    the end of a segment is kept; out of range for nowhere.
    """
    count, kept = lanes.kept.shape[0], lanes.kept.shape[1]
    at = jnp.arange(count)

    def one(system: Any, plan: Plan, carry: Carry) -> tuple[Carry, Array, Array]:
        moved, row, keep = turn(system, plan, carry, tolerance, elimination)
        return moved, jnp.concatenate([row[:INDEX], watch(system, moved.state)]), keep > 0

    every = jax.vmap(one, in_axes=(0, None if shared_plan else 0, 0))
    width = jax.eval_shape(every, systems, plans, lanes.carry)[1].shape[1]

    def unfinished(loop: tuple[Lanes, Array, Array]) -> Array:
        ended = jnp.sum(loop[0].carry.status != Status.RUNNING)
        room = jnp.all(loop[2] < capacity) if capacity else True
        return (ended < count) & (ended < ended_enough) & room

    def body(loop: tuple[Lanes, Array, Array]) -> tuple[Lanes, Array, Array]:
        lanes, table, used = loop
        running = lanes.carry.status == Status.RUNNING
        moved, row, keep = every(systems, plans, lanes.carry)
        carry = chosen(running, moved, lanes.carry)
        keep = keep & running
        table = table.at[at, jnp.where(keep, used, capacity)].set(row, mode="drop")
        states, closes = lanes.kept, keep & (row[:, INDEX - 1] >= 0.0)
        for place in slots:
            slot = jnp.where(closes, place[row[:, 0].astype(jnp.int64)], kept)
            states = states.at[at, slot].set(carry.state, mode="drop")
        ended = jnp.where(closes, row[:, INDEX - 1].astype(jnp.int64), lanes.ended)
        return Lanes(carry, states, ended), table, used + keep

    table = jnp.zeros((count, capacity, width))
    return jax.lax.while_loop(unfinished, body, (lanes, table, jnp.zeros(count, jnp.int64)))
