"""A cell driven by a cycler: the control of each segment, and the events that end it."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from mossy.backend import jax, jnp, pytree
from mossy.cells import Cell, Control, Electrode, ElectrodeState
from mossy.cells.electrode import SHORTEST_DISSOLUTION
from mossy.numerics.bordered import Shape
from mossy.numerics.implicit import Plan
from mossy.protocol import Schedule

Array = jax.Array
CURRENT, VOLTAGE, TABLE, IMPEDANCE = 0, 1, 2, 3
DEPLETED = 1e-5
"""Surface concentration over the initial one at which a step ends by depletion."""
BEYOND_METAL = 5.0
"""V above its metal: an electrode that is stripped and has risen so far has none left; the step ends, exhausted."""
EVENTS = ("capacity", "voltage", "current", "depletion", "exhausted")


class Segment(NamedTuple):
    """What the integrator needs to know of one segment (arrays over segments in a plan)."""

    mode: Array
    value: Array
    capacity: Array
    voltage_limit: Array
    voltage_direction: Array
    current_limit: Array


@pytree
@dataclasses.dataclass(frozen=True)
class Driven:
    """A cell and the tables of current its protocol names: what `numerics.implicit.advance` integrates."""

    cell: Cell
    table_time: Array
    table_current: Array

    @property
    def shape(self) -> Shape:
        """The cell's."""
        return self.cell.shape

    def mass(self) -> Array:
        """The cell's."""
        return self.cell.mass()

    def scale(self) -> Array:
        """The cell's."""
        return self.cell.scale()

    def control(self, time: Array, segment: Segment) -> Control:
        """What the cycler imposes at a time within a segment."""
        target = segment.value
        if self.table_time.shape[0]:
            row = jnp.where(segment.mode == TABLE, segment.value, 0.0).astype(jnp.int64)
            tabled = jnp.interp(time, self.table_time[row], self.table_current[row])
            target = jnp.where(segment.mode == TABLE, tabled, target)
        return Control(segment.mode == VOLTAGE, jnp.where(segment.mode == IMPEDANCE, 0.0, target))

    def residual(self, time: Array, state: Array, segment: Segment) -> Array:
        """The cell's, under the segment's control."""
        return self.cell.residual(time, state, self.control(time, segment))

    def gaps(self, time: Array, state: Array, reference: Array, segment: Segment) -> Array:
        """How far each of EVENTS is from happening; positive until it does."""
        cell = self.cell
        now, then = cell.border(state), cell.border(reference)
        passed = jnp.abs((now.plated - now.stripped) - (then.plated - then.stripped))
        capacity = jnp.where(jnp.isinf(segment.capacity), 1.0, segment.capacity - passed)
        surfaces = cell.surfaces(state)
        seen = jnp.sum(cell.parts(state, surfaces))
        voltage, metal = self._voltage_gap(seen, reference, segment), self._metal_gap(state, segment)
        gap, ways = self._instant_gap(state, segment)
        passes = ~jnp.isnan(segment.voltage_limit) & (ways * segment.voltage_direction >= 0)
        voltage = jnp.where(passes, jnp.minimum(voltage, gap), voltage)
        metal = jnp.where(passes, metal, jnp.minimum(metal, gap))
        limit = jnp.isnan(segment.current_limit)
        current = jnp.where(limit, 1.0, jnp.abs(now.current) - jnp.where(limit, 0.0, segment.current_limit))
        depletion = jnp.minimum(surfaces.working, surfaces.counter) - DEPLETED
        return jnp.stack([capacity, voltage, current, depletion, metal])

    def _voltage_gap(self, voltage: Array, reference: Array, segment: Segment) -> Array:
        none = jnp.isnan(segment.voltage_limit)
        limit = jnp.where(none, 0.0, segment.voltage_limit)
        from_below = jnp.where(self.cell.voltage(reference) <= limit, 1.0, -1.0)
        direction = jnp.where(segment.voltage_direction == 0, from_below, segment.voltage_direction)
        return jnp.where(none, 1.0, direction * (limit - voltage))

    def _instant_gap(self, state: Array, segment: Segment) -> tuple[Array, Array]:
        """Positive while metal carries the current; then which way (1 up, -1 down) the voltage goes.

        Without a double layer nothing else can carry it, and the voltage passes every limit in the same instant.
        """
        border, cell = self.cell.border(state), self.cell
        least = 1.001 * jnp.abs(border.current) * SHORTEST_DISSOLUTION

        def gap(electrode: Electrode, values: ElectrodeState, stripped: Array) -> Array:
            alone = stripped & (electrode.double_layer_capacitance == 0.0) & (segment.mode != VOLTAGE)
            return jnp.where(alone, electrode.active(values) - least, 1.0)

        working = gap(cell.working, border.working, border.current < 0.0)
        return jnp.minimum(working, gap(cell.counter, border.counter, border.current > 0.0)), -jnp.sign(border.current)

    def _metal_gap(self, state: Array, segment: Segment) -> Array:
        """Positive while no electrode that is stripped is both out of metal and far above the metal's potential."""
        border, cell = self.cell.border(state), self.cell
        limit = jnp.where(jnp.isnan(segment.voltage_limit), 0.0, jnp.abs(segment.voltage_limit))

        def gap(electrode: Array, inventory: Array, least: Array, stripped: Array) -> Array:
            return jnp.where(stripped & (inventory < least), BEYOND_METAL + limit + electrode, 1.0)

        working, counter = border.working, border.counter
        return jnp.minimum(
            gap(
                working.overpotential,
                cell.working.active(working),
                cell.working.vanishing_charge,
                border.current < 0.0,
            ),
            gap(
                counter.overpotential,
                cell.counter.active(counter),
                cell.counter.vanishing_charge,
                border.current > 0.0,
            ),
        )


def plan_of(schedule: Schedule) -> Plan:
    """A protocol's schedule as the arrays the integrator walks through."""
    columns, count = schedule.arrays(), len(schedule.segments)
    length = max(64, 1 << (count - 1).bit_length())  # plans of similar length share one compilation
    padded = {name: np.pad(columns[name], (0, length - count)) for name in columns if len(columns[name]) == count}
    control = Segment(*(jnp.asarray(padded[name]) for name in Segment._fields))
    return Plan(
        control,
        jnp.asarray(padded["duration"]),
        jnp.asarray(padded["next_step"]),
        jnp.asarray(padded["starts_step"]),
        jnp.asarray(count),
    )
