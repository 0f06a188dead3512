"""How what a run gives moves with a case's parameters: exact derivatives, through the integrator and its events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.case.fitting import limits_of
from mossy.case.model import Case, run
from mossy.errors import InputError
from mossy.infer.predict import march, row_ending, state_at, state_ending
from mossy.numerics.status import Status
from mossy.protocol import locate
from mossy.simulate import Run
from mossy.simulate.drive import plan_of
from mossy.simulate.observe import observables, spectrum_of
from mossy.simulate.run import driven, last_row_of_step, step_segments

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Sensitivities:
    """Values of a run and, in `by`, their derivatives to each parameter (per SI unit of it). Shapes as the values'.

    voltage     V at `time` (s, the ends of the steps that the run took), the times held fixed
    end_time    s at which each step of the protocol ended; a cut-off's moves with the parameters
    cycles      every observable (SI) at the end of each cycle, and "coulombic_efficiency" of that cycle
    spectra     ohm m2, complex (points, frequencies), at the points of [impedance]
    """

    run: Run
    paths: tuple[str, ...]
    time: np.ndarray
    voltage: np.ndarray
    end_time: np.ndarray
    cycles: dict[str, np.ndarray]
    spectra: np.ndarray
    by: dict[str, dict[str, Any]]


def sensitivities(case: Case, paths: Sequence[str]) -> Sensitivities:
    """Runs a case and differentiates what it gives to the numbers at dotted paths, forwards through the integrator.

    Raises InputError for a path that leads to no number, or to none that can vary, and for a run that fails.

    >>> from mossy.case import parse_case
    >>> case = parse_case({"cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7",
    ...     "model": "point"}, "working": {"interphase": {"initial_thickness": "10 nm"}},
    ...     "protocol": {"steps": ["plate 1 mA/cm^2 for 10 min"]}})
    >>> found = sensitivities(case, ["working.interphase.initial_thickness"])
    >>> slope = found.by["working.interphase.initial_thickness"]["voltage"][-1]
    >>> round(float(slope) * 1e-9, 6)  # V per nm: 10 A/m2 over 1e-6 S/m
    -0.01
    """
    values = []
    for path in paths:
        limits_of(case, path, path)
        value = case.value_at(path)
        if value is None:
            raise InputError(
                "nothing is said of it, so that it has no value to vary", key=path, remedy="give it a value"
            )
        values.append(float(value))
    finished = run(case)
    if finished.status != Status.DONE:
        raise InputError(f"the run failed: {finished.status.message}", remedy="mend the case first")
    predict = _predictor(case, tuple(paths), finished)
    at = jnp.asarray(values)
    primal, slopes = jax.jit(_with_slopes(predict))(at)
    by = {path: jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), slopes) for k, path in enumerate(paths)}
    held = jax.tree.map(np.asarray, primal)
    times = _row_times(finished)
    return Sensitivities(
        finished, tuple(paths), times, held["voltage"], held["end_time"], held["cycles"], held["spectra"], by
    )


def _with_slopes(predict: Any) -> Any:
    """(value, derivatives along every parameter): the value is computed once, its loop is not batched."""

    def both(values: Array) -> tuple[Any, Any]:
        push = jax.vmap(lambda seed: jax.jvp(predict, (values,), (seed,)), out_axes=(None, 0))
        found: tuple[Any, Any] = push(jnp.eye(values.shape[0]))
        return found

    return both


def _row_times(finished: Run) -> np.ndarray:
    rows = finished.trajectory.rows
    return np.asarray(rows.origin + rows.elapsed + rows.theta * rows.length)


def _grouped(items: list[int], keys: list[int]) -> list[list[int]]:
    """The items that share a key, in the order of the keys."""
    return [[item for item, key in zip(items, keys, strict=True) if key == each] for each in dict.fromkeys(keys)]


def _predictor(case: Case, paths: tuple[str, ...], finished: Run) -> Any:
    """All that `Sensitivities` holds, as a function of the parameters; what ends is what ended in the run made."""
    trajectory = finished.trajectory
    rows, schedule = trajectory.rows, trajectory.schedule
    segments = schedule.segments
    reached = sorted({int(s) for s in rows.segment[rows.ended >= 0]})
    steps = _grouped(reached, [segments[s].step_count for s in reached])
    cycles = _grouped(reached, [segments[s].cycle for s in reached])
    frequency = jnp.asarray(case.frequencies)
    places: list[tuple[list[int] | None, bool]] = []
    for point in case.points:
        if point.kind == "start":
            places.append((None, False))
        elif last_row_of_step(trajectory, locate(point, schedule), point.during) is not None:
            places.append((list(step_segments(schedule, locate(point, schedule), point.during)), point.during))
    capacity = 1 << (len(rows.segment) + len(rows.segment) // 4 + 64).bit_length()  # rounding may add a step
    plan, tolerance = plan_of(schedule), case.numerics.relative_tolerance
    times = jnp.asarray(_row_times(finished))

    def predict(values: Array) -> dict[str, Any]:
        cell = case.with_values(dict(zip(paths, values, strict=True))).build()
        found, _ = march(driven(cell, schedule), plan, tolerance, capacity)
        states = jax.vmap(lambda time: state_at(found, time))(times)
        seen = jax.vmap(partial(observables, cell))(jnp.stack([state_ending(found, mine) for mine in cycles]))
        plated, stripped = (jnp.diff(seen[name], prepend=0.0) for name in ("plated", "stripped"))
        ends = jnp.stack([row_ending(found, mine) for mine in steps])
        begun = [(cell.initial() if mine is None else state_ending(found, mine), during) for mine, during in places]
        spectra = [spectrum_of(cell, state, frequency, jnp.asarray(during)) for state, during in begun]
        return {
            "voltage": jax.vmap(cell.voltage)(states),
            "end_time": found.origin[ends] + found.elapsed[ends] + found.theta[ends] * found.length[ends],
            "cycles": seen | {"coulombic_efficiency": stripped / jnp.where(plated > 0.0, plated, jnp.nan)},
            "spectra": jnp.stack(spectra) if spectra else jnp.zeros((0, frequency.shape[0]), complex),
        }

    return predict


__all__ = ["Sensitivities", "sensitivities"]
