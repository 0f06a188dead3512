"""One case at many values of its parameters: `run_batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mossy.backend import jax, jnp, make_room
from mossy.case.fitting import limits_of
from mossy.case.model import Case
from mossy.cells import Cell
from mossy.errors import InputError, suggest
from mossy.numerics.status import Status
from mossy.protocol import Schedule, compile_protocol
from mossy.simulate.batch import Batch
from mossy.simulate.lanes import LanesResult, integrate_lanes, slots_of
from mossy.units import Quantity, split

PROTOCOL = "protocol.values."
"""Paths that begin so replace texts of the protocol; all others numbers of the cell."""
_STRUCTURAL = (
    jax.errors.TracerBoolConversionError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
)


def run_batch(
    case: Case,
    parameters: Mapping[str, Any],
    *,
    saves: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Batch:
    """Runs a case at many values of some of its parameters, all lanes through one compiled loop.

    Arguments: `parameters`, for each dotted path as many values as for every other (one value serves all lanes): SI
    floats, or texts with units; of "protocol.values.NAME" texts, or floats in the unit that the case writes there.
    `saves`: keep time, voltage and current of every step. `workers`: processes to spread the lanes over; by default
    one a core of a CPU where each gets 256 lanes, else none. `progress(lanes done, lanes)` is called now and then.
    Result: a Batch. It never raises for physics: each lane has a status, and one whose value its key does not allow is
    refused and not run. Raises InputError for a path that leads to no number, for arrays of unequal length, and for a
    parameter that would change the structure of the cell.

    >>> from mossy.case import parse_case
    >>> case = parse_case({"cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7",
    ...     "model": "point"}, "protocol": {"steps": ["plate 1 mA/cm^2 for 10 min"]}})
    >>> batch = run_batch(case, {"working.interphase.initial_thickness": ["5 nm", "10 nm", -1.0]})
    >>> batch.summary["status"].to_list()
    ['done', 'done', 'refused']
    >>> batch.voltage.shape[0]
    3
    """
    make_room()
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"{workers!r} is no number of processes", key="workers", remedy="give 1 or more")
    values, refusals = _values(case, parameters)
    count = len(next(iter(values.values())))
    ran = np.array([lane not in refusals for lane in range(count)])
    numbers = {path: each for path, each in values.items() if not path.startswith(PROTOCOL)}
    texts = {path: each for path, each in values.items() if path.startswith(PROTOCOL)}
    schedules, refused = _schedules(case, texts, ran)
    refusals |= refused
    ran = np.array([lane not in refusals for lane in range(count)])
    cells = _cells(case, numbers, count)
    if not ran.any():
        raise InputError(f"no lane can be run: {refusals[0]}", remedy="give values that the case allows")
    slots, places, kept = slots_of(schedules[0], case.points)
    at = np.flatnonzero(ran)
    found = integrate_lanes(
        jax.tree.map(lambda leaf: leaf[at], cells),
        schedules if len(schedules) == 1 else [schedules[lane] for lane in at],
        slots=slots,
        kept=kept,
        relative_tolerance=case.numerics.relative_tolerance,
        maximum_steps=case.numerics.maximum_steps,
        saves=saves,
        workers=workers,
        say=progress,
    )
    result = _spread(found, at, count)
    shown = {path: np.asarray(each) for path, each in values.items()}
    return Batch(shown, result.status, refusals, cells, schedules, case.points, places, case.frequencies, result)


def _values(case: Case, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[int, str]]:
    """The values of each path, all of one length; and which lanes have one that is not allowed."""
    if not isinstance(parameters, Mapping):
        remedy = 'give a dict, as in {"cell.temperature": [298.15, 308.15]}'
        raise InputError(f"the parameters are a {type(parameters).__name__}", remedy=remedy)
    if not parameters:
        raise InputError("there is no parameter", remedy='give one, as in {"cell.temperature": [298.15, 308.15]}')
    lists = {path: _listed(path, each) for path, each in parameters.items()}
    counts = {path: len(each) for path, each in lists.items()}
    count = max(counts.values())
    for path, length in counts.items():
        if length not in (1, count):
            others = ", ".join(f"{name}: {number}" for name, number in counts.items())
            raise InputError(f"the arrays differ in length ({others})", key=path, remedy="give equally many values")
    values: dict[str, Any] = {}
    refusals: dict[int, str] = {}
    for path, each in lists.items():
        read = _reader(case, path)
        column = []
        for lane, value in enumerate(each * (count if len(each) == 1 else 1)):
            try:
                column.append(read(value))
            except InputError as error:
                refusals.setdefault(lane, str(error.at(path)))
                column.append("" if path.startswith(PROTOCOL) else np.nan)
        values[path] = column
    return values, refusals


def _listed(path: str, values: Any) -> list[Any]:
    found = np.atleast_1d(np.asarray(values, dtype=object))
    if found.ndim != 1 or not found.size:
        raise InputError(f"the values have the shape {found.shape}", key=path, remedy="give a list of numbers or texts")
    return list(found)


def _reader(case: Case, path: str) -> Callable[[Any], Any]:
    """What turns one value of a path into a float in SI, or, of a protocol's, into text."""
    if path.startswith(PROTOCOL):
        name = path.removeprefix(PROTOCOL)
        if name not in case.protocol.values:
            remedy = suggest(name, case.protocol.values) if case.protocol.values else "add values to [protocol]"
            raise InputError(f"the protocol has no value '{name}'", key=path, remedy=remedy)
        unit = split(case.protocol.values[name], path)[1]
        return lambda value: value if isinstance(value, str) else f"{float(value)!r} {unit}".strip()
    try:
        limits = limits_of(case, path, path)
    except InputError:
        if _is_structural(case, path):
            raise _decides(path) from None
        raise
    plain = Quantity("1", minimum=limits.minimum, maximum=limits.maximum, exclusive=limits.exclusive)

    def read(value: Any) -> float:
        if isinstance(value, str):
            return float(limits.parse(value))
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
            raise InputError(f"{value!r} is no number", remedy="give SI floats, or texts with units")
        return float(plain.parse(float(value)))

    return read


def _is_structural(case: Case, path: str) -> bool:
    """Whether a path that leads to no number that varies leads to a choice or a count."""
    try:
        return isinstance(case.value_at(path), str | bool | int)
    except InputError:
        return False


def _decides(path: str) -> InputError:
    problem = "it decides which equations there are, so it cannot vary"
    return InputError(problem, key=path, remedy="run one batch for each value of it")


def _schedules(
    case: Case, texts: Mapping[str, Sequence[str]], ran: np.ndarray
) -> tuple[list[Schedule], dict[int, str]]:
    """The protocol, or one a lane where it has values that vary; they must have equally many pieces."""
    if not texts:
        return [case.schedule], {}
    names = [path.removeprefix(PROTOCOL) for path in texts]
    known: dict[tuple[str, ...], Schedule] = {}
    found: list[Schedule] = []
    refusals: dict[int, str] = {}
    for lane, chosen in enumerate(zip(*texts.values(), strict=True)):
        if not ran[lane]:
            found.append(case.schedule)
            continue
        if chosen not in known:
            table = case.protocol.with_values(dict(zip(names, chosen, strict=True)))
            try:
                known[chosen] = compile_protocol(table, area=case.cell.area, folder=case.folder)
            except InputError as error:
                refusals[lane] = str(error)
                found.append(case.schedule)
                continue
        found.append(known[chosen])
    shapes = {len(schedule.segments) for schedule in found}
    if len(shapes) > 1:
        problem = f"these values give protocols of {min(shapes)} to {max(shapes)} pieces"
        remedy = "vary what does not change the number of pulses or steps"
        raise InputError(problem, key=next(iter(texts)), remedy=remedy)
    return found, refusals


def _cells(case: Case, numbers: Mapping[str, Sequence[float]], count: int) -> Cell:
    """The cells, lanes first on every leaf; what a lane that is not run has in the place of its value is no matter."""
    paths = list(numbers)
    columns = [np.asarray(numbers[path], dtype=float) for path in paths]
    columns = [np.where(np.isnan(each), np.nanmax(each) if np.isfinite(each).any() else 1.0, each) for each in columns]

    def build(values: Any) -> Cell:
        return case.with_values(dict(zip(paths, values, strict=True))).build()

    if not paths:
        single = case.build()
        return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), (count, *jnp.shape(leaf))), single)
    try:
        stacked: Cell = jax.jit(jax.vmap(build))([jnp.asarray(each) for each in columns])
    except _STRUCTURAL:
        raise _decides(_culprit(case, paths)) from None
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape[1:])), stacked)


def _culprit(case: Case, paths: Sequence[str]) -> str:
    """The first path at which JAX's stand-in for a number is refused by the building of a cell."""
    for path in paths:
        try:
            jax.eval_shape(lambda value, path=path: case.with_value(path, value).build(), 1.0)
        except _STRUCTURAL:
            return path
    return paths[0]


def _spread(found: LanesResult, at: np.ndarray, count: int) -> LanesResult:
    """The results of the lanes that ran among all lanes."""

    def among(values: np.ndarray, other: Any) -> np.ndarray:
        table = np.full((count, *values.shape[1:]), other, dtype=values.dtype)
        table[at] = values
        return table

    empty = found.rows[0][:0]
    rows = [empty] * count
    for place, lane in enumerate(at):
        rows[lane] = found.rows[place]
    final = among(found.final, 0.0)
    final[np.setdiff1d(np.arange(count), at)] = found.final[0]
    return LanesResult(
        among(found.status, int(Status.REFUSED)),
        final,
        among(found.kept, np.nan),
        among(found.ended, -1),
        among(found.segment, 0),
        among(found.time, 0.0),
        rows,
    )


__all__ = ["PROTOCOL", "run_batch"]
