"""What the model says an instrument would have read, as a differentiable function of the cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.cells import Cell
from mossy.numerics.bordered import default_elimination
from mossy.numerics.implicit import Plan, Rows, Tolerance, advance, begin
from mossy.numerics.rosenbrock import interpolate
from mossy.simulate.drive import Driven
from mossy.simulate.observe import response, switched

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class VoltageTarget:
    """Voltages (V) at times of the protocol (s), each with its standard error."""

    time: np.ndarray
    measured: np.ndarray
    standard_error: np.ndarray
    label: str
    kind: str = "cycling"

    def predict(self, cell: Cell, rows: Rows | None) -> Array:
        """The voltages."""
        states = jax.vmap(lambda t: state_at(rows, t))(jnp.asarray(self.time))  # type: ignore[arg-type]
        return jax.vmap(cell.voltage)(states)


@dataclasses.dataclass(frozen=True)
class ProfileTarget:
    """Concentrations (mol/m3) at positions (m from the working electrode) at one time (s)."""

    time: float
    position: np.ndarray
    measured: np.ndarray
    standard_error: np.ndarray
    label: str
    kind: str = "profile"

    def predict(self, cell: Cell, rows: Rows | None) -> Array:
        """The concentrations."""
        positions, concentration = cell.profile(state_at(rows, jnp.asarray(self.time)))  # type: ignore[attr-defined,arg-type]
        return jnp.interp(jnp.asarray(self.position), positions, concentration)


@dataclasses.dataclass(frozen=True)
class ImpedanceTarget:
    """A spectrum, ohm m2, at the start (`segment` None) or at the end of a segment, at rest or `during` its current.

    `segments`: all at whose end it is taken, whichever is the last to be run; by default that one segment.
    """

    frequency: np.ndarray
    measured: np.ndarray
    standard_error: np.ndarray
    segment: int | None
    during: bool
    label: str
    kind: str = "impedance"
    segments: tuple[int, ...] = ()

    def predict(self, cell: Cell, rows: Rows | None) -> Array:
        """The spectrum, complex; NaN where the run never came to it."""
        ends = self.segments or (self.segment,)
        state = cell.initial() if self.segment is None else state_ending(rows, ends)  # type: ignore[arg-type]
        current = cell.border(state).current if self.during else jnp.zeros(())
        return response(cell, switched(cell, state, current), jnp.asarray(self.frequency))


Target = VoltageTarget | ProfileTarget | ImpedanceTarget


def state_at(rows: Rows, time: Array) -> Array:
    """The state at a time, by dense output; the end of a step belongs to that step."""
    begins = jnp.where(rows.segment >= 0, rows.origin + rows.elapsed, jnp.inf)
    row = jnp.maximum(jnp.searchsorted(jax.lax.stop_gradient(begins), time, side="left") - 1, 0)
    length = jnp.where(rows.length[row] > 0.0, rows.length[row], 1.0)
    theta = jnp.clip((time - begins[row]) / length, 0.0, rows.theta[row])
    return interpolate(rows.start[row], rows.end[row], rows.dense[row], theta)


def state_ending(rows: Rows, segments: Sequence[int]) -> Array:
    """The state at the end of the last of some segments that was run to its end; NaN where none of them was."""
    over = jnp.isin(rows.segment, jnp.asarray(segments)) & (rows.ended >= 0)
    row = jnp.max(jnp.where(over, jnp.arange(rows.segment.shape[0]), -1), initial=-1)
    state = interpolate(rows.start[row], rows.end[row], rows.dense[row], rows.theta[row])
    return jnp.where(row >= 0, state, jnp.nan)


def march(system: Driven, plan: Plan, relative_tolerance: float, capacity: int) -> tuple[Rows, Array]:
    """The whole protocol in one buffer (unused rows have segment -1), and the status."""
    tolerance = Tolerance(jnp.asarray(relative_tolerance), jnp.asarray(4 * capacity))
    carry, rows, used = advance(
        system,
        plan,
        begin(system.cell.initial()),
        tolerance,
        capacity=capacity,
        elimination=default_elimination(system.shape),
    )
    unused = jnp.arange(capacity) >= used
    return rows._replace(segment=jnp.where(unused, -1, rows.segment)), carry.status


def weighted_residuals(cell: Cell, rows: Rows | None, targets: Sequence[Target]) -> Array:
    """(model - measured)/standard error of every target, real and imaginary parts one after the other."""
    parts: list[Any] = []
    for target in targets:
        difference = (target.predict(cell, rows) - jnp.asarray(target.measured)) / jnp.asarray(target.standard_error)
        parts += [difference.real, difference.imag] if jnp.iscomplexobj(difference) else [difference]
    return jnp.concatenate(parts)


def resistances(cell: Cell) -> Array:
    """(ohmic, films, charge transfers) of the cell at rest before anything has passed, ohm m2."""
    state = cell.initial()
    border, surfaces = cell.border(state), cell.surfaces(state)

    def ohmic(current: Array) -> Array:
        index = cell.shape.size - 3
        parts = cell.parts(state.at[index].set(current))
        return -(parts[0] + parts[2])

    total = [jax.grad(ohmic)(jnp.zeros(())), jnp.zeros(()), jnp.zeros(())]
    for side, values, surface in (
        (cell.working, border.working, surfaces.working),
        (cell.counter, border.counter, surfaces.counter),
    ):
        total[1] = total[1] + side.film_resistance(values)

        def transferred(eta: Array, side: Any = side, values: Any = values, surface: Any = surface) -> Array:
            return side.charge_transfer_current(values._replace(overpotential=eta), surface, cell.temperature)

        total[2] = total[2] + 1.0 / jax.grad(transferred)(values.overpotential)
    return jnp.stack(total)
