"""How what a run gives moves with a case's parameters: exact derivatives, through the integrator and its events."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp
from mossy.case.batch import PROTOCOL
from mossy.case.fitting import limits_of
from mossy.case.model import Case, run
from mossy.errors import InputError
from mossy.numerics.bordered import default_elimination
from mossy.numerics.implicit import Plan, Rows
from mossy.numerics.replay import Record, record_of, replay
from mossy.numerics.rosenbrock import interpolate
from mossy.numerics.status import Status
from mossy.protocol import locate
from mossy.simulate import Run
from mossy.simulate.drive import plan_of
from mossy.simulate.observe import observables, spectrum_of
from mossy.simulate.run import driven, last_row_of_step

Array = jax.Array


TIGHTEST = 1e-10


@dataclasses.dataclass(frozen=True)
class Sensitivities:
    """Values of a run and, in `by`, their derivatives to each parameter (per SI unit of it). Shapes as the values'.

    time        s, the ends of the integrator's steps: each at a fixed time since its part of the protocol began, so it
                moves with the cut-offs before it; where an event ended that part, at the event
    voltage     V at those moving times; at a fixed time dV/dp is by["voltage"] - dV/dt by["time"]
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


class Predicted(NamedTuple):
    """What a run gives, as `Sensitivities` holds it."""

    time: Any
    voltage: Any
    end_time: Any
    cycles: dict[str, Any]
    spectra: Any


class Recorded(NamedTuple):
    """What a run has on record: its plan and steps, the last rows of its steps and cycles, and those at whose end a
    spectrum was taken (-1: at the start), under current or not."""

    plan: Plan
    record: Record
    steps: Array
    cycles: Array
    places: Array
    during: Array


Predict = Callable[[Array, Recorded], Predicted]
_ONE_NUMBER = "return one real number, such as jnp.sum(jnp.abs(found.spectra) ** 2)"


def sensitivities(case: Case, paths: Sequence[str]) -> Sensitivities:
    """Runs a case and differentiates what it gives to the numbers at dotted paths, forwards through the integrator.

    The run is made at a hundredth of the case's relative tolerance, for the error of a derivative is not controlled.
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
    at, finished, (predict, recorded) = _prepared(case, paths)
    primal, slopes = jax.jit(_with_slopes(predict))(at, recorded)
    by = {path: jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), slopes)._asdict() for k, path in enumerate(paths)}
    return Sensitivities(finished, tuple(paths), **jax.tree.map(np.asarray, primal)._asdict(), by=by)


def gradient(
    case: Case, paths: Sequence[str], objective: Callable[[Predicted], Array]
) -> tuple[float, dict[str, float]]:
    """The value of a scalar of a run and its derivatives to the numbers at dotted paths, all by one pass backwards.

    Arguments: `objective` makes a scalar of a Predicted, in jax.numpy (NumPy cannot see through it).
    Result: (value, derivative by path, per SI unit of it). The price hardly depends on how many paths there are.
    Raises InputError like `sensitivities`, and for an objective that gives no real scalar.

    >>> from mossy.case import parse_case
    >>> case = parse_case({"cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7",
    ...     "model": "point"}, "working": {"interphase": {"initial_thickness": "10 nm"}},
    ...     "protocol": {"steps": ["plate 1 mA/cm^2 for 10 min"]}})
    >>> value, slopes = gradient(case, ["working.interphase.initial_thickness"], lambda found: found.voltage[-1])
    >>> round(slopes["working.interphase.initial_thickness"] * 1e-9, 6)  # V per nm
    -0.01
    """
    at, _, (predict, recorded) = _prepared(case, paths)

    def scalar(values: Array, known: Recorded) -> Array:
        return _scalar(objective, predict(values, known))

    value, slopes = jax.jit(jax.value_and_grad(scalar))(at, recorded)
    if not np.isfinite(value):
        raise InputError(f"the objective is {float(value)}", remedy="leave out what the run does not have")
    return float(value), dict(zip(paths, np.asarray(slopes).tolist(), strict=True))


def _scalar(objective: Callable[[Predicted], Array], predicted: Predicted) -> Array:
    """The one real number that an objective makes of what a run gives; InputError for anything else."""
    try:
        found = jnp.asarray(objective(predicted))
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        problem = "the objective makes plain numbers of what it is given, through which no derivative passes"
        raise InputError(problem, remedy="compute with jax.numpy alone") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"the objective failed: {error}", remedy=_ONE_NUMBER) from None
    if found.shape or not jnp.issubdtype(found.dtype, jnp.floating):
        problem = f"the objective gave an array of shape {found.shape} and type {found.dtype}"
        raise InputError(problem, remedy=_ONE_NUMBER)
    return found


def derivatives(case: Case, paths: Sequence[str]) -> Callable[[], tuple[Predicted, Predicted]]:
    """A call, compiled when first made, that gives (what a run gives, its derivatives with the parameters first)."""
    at, _, (predict, recorded) = _prepared(case, paths)
    compiled = jax.jit(_with_slopes(predict))
    return lambda: compiled(at, recorded)


def _prepared(case: Case, paths: Sequence[str]) -> tuple[Array, Run, tuple[Predict, Recorded]]:
    """(the values at the paths, the run, what it gives as a function of them and of its record)."""
    if isinstance(paths, str):
        raise InputError(f"'{paths}' is one text", remedy=f'give a list: ["{paths}"]')
    values = []
    for path in paths:
        if path.startswith(PROTOCOL):
            remedy = "map it with run_batch, or vary a number of the cell"
            raise InputError("a value of the protocol has no derivative here", key=path, remedy=remedy)
        limits_of(case, path, path)
        value = case.value_at(path)
        if value is None:
            raise InputError(
                "nothing is said of it, so that it has no value to vary", key=path, remedy="give it a value"
            )
        values.append(float(value))
    if not values:
        raise InputError("there is no parameter", remedy='give dotted paths, as in ["cell.temperature"]')
    # a derivative is that of the numerical solution: its error is not controlled, and wants shorter steps
    finished = run(case.with_tolerance(max(TIGHTEST, 1e-2 * case.numerics.relative_tolerance)))
    if finished.status != Status.DONE:
        raise InputError(f"the run failed: {finished.status.message}", remedy="mend the case first")
    return jnp.asarray(values), finished, _predictor(case, tuple(paths), finished)


def _with_slopes(predict: Predict) -> Callable[[Array, Recorded], tuple[Any, Any]]:
    """(value, derivatives along every parameter): the value is computed once, its loop is not batched."""

    def both(values: Array, known: Recorded) -> tuple[Any, Any]:
        push = jax.vmap(lambda seed: jax.jvp(lambda at: predict(at, known), (values,), (seed,)), out_axes=(None, 0))
        found: tuple[Any, Any] = push(jnp.eye(values.shape[0]))
        return found

    return both


def _ending(finished: Run, key: str) -> np.ndarray:
    """The last row of each step or cycle, whichever number `key` names, in the order they were come to."""
    rows, segments = finished.trajectory.rows, finished.trajectory.schedule.segments
    last = {getattr(segments[int(rows.segment[row])], key): row for row in np.flatnonzero(rows.ended >= 0)}
    return np.array(list(last.values()), dtype=np.int64)


def _spectra_at(case: Case, finished: Run) -> tuple[np.ndarray, np.ndarray]:
    """The row at whose end each point of [impedance] lies, -1 for the start; whether the current goes on there."""
    rows, during = [], []
    for point in case.points:
        at_start = point.kind == "start"
        row = -1 if at_start else last_row_of_step(finished.trajectory, locate(point, case.schedule), point.during)
        if row is not None:
            rows.append(row)
            during.append(point.during and not at_start)
    return np.array(rows, dtype=np.int64), np.array(during, dtype=bool)


def _predictor(case: Case, paths: tuple[str, ...], finished: Run) -> tuple[Predict, Recorded]:
    """All that `Sensitivities` holds, as a function of the parameters, and of what the run made has on record."""
    rows, schedule = finished.trajectory.rows, finished.trajectory.schedule
    count, frequency = len(rows.segment), jnp.asarray(case.frequencies)
    places, during = (jnp.asarray(each) for each in _spectra_at(case, finished))
    steps, cycles = (jnp.asarray(_ending(finished, key)) for key in ("step_count", "cycle"))
    recorded = Recorded(plan_of(schedule), record_of(rows), steps, cycles, places, during)

    def predict(values: Array, known: Recorded) -> Predicted:
        cell = case.with_values(dict(zip(paths, values, strict=True))).build()
        elimination = default_elimination(cell.shape)
        found = replay(driven(cell, schedule), known.plan, cell.initial(), known.record, elimination)
        found = jax.tree.map(lambda leaf: leaf[:count], found)
        seen = jax.vmap(partial(observables, cell))(_ends_of(found, known.cycles))
        plated, stripped = (jnp.diff(seen[name], prepend=0.0) for name in ("plated", "stripped"))
        last = _ends_of(found, jnp.maximum(known.places, 0))
        states = jnp.where(known.places[:, None] >= 0, last, cell.initial())
        times = found.origin + found.elapsed + found.theta * found.length
        return Predicted(
            times,
            jax.vmap(cell.voltage)(_ends_of(found, jnp.arange(count))),
            times[known.steps],
            seen | {"coulombic_efficiency": stripped / jnp.where(plated > 0.0, plated, jnp.nan)},
            jax.lax.map(lambda each: spectrum_of(cell, each[0], frequency, each[1]), (states, known.during)),
        )

    return predict, recorded


def _ends_of(rows: Rows, at: Array) -> Array:
    """The states at the ends of some rows."""
    picked = jax.tree.map(lambda leaf: leaf[at], rows)
    ends: Array = jax.vmap(lambda row: interpolate(row.start, row.end, row.dense, row.theta))(picked)
    return ends


__all__ = ["Predicted", "Sensitivities", "derivatives", "gradient", "sensitivities"]
