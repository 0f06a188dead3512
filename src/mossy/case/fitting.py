"""`mossy fit`: least squares of the model to a case's measurements, through the integrator's own sensitivities."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
from pydantic.fields import FieldInfo

from mossy.backend import jax, jnp
from mossy.case.measured import targets_of
from mossy.case.model import Case, run
from mossy.cells.tables import MolarEnergy, PropertyUnit
from mossy.errors import InputError
from mossy.infer.predict import ImpedanceTarget, ProfileTarget, Target, march, resistances, weighted_residuals
from mossy.infer.tables import FitParameter
from mossy.numerics.fit import Fit, least_squares
from mossy.numerics.status import Status
from mossy.simulate import Run
from mossy.simulate.drive import Driven, plan_of
from mossy.simulate.run import driven, integrate, last_row_of_step, step_segments
from mossy.tables import Table
from mossy.units import Quantity

Progress = Callable[[float, int, int], None]
FITTED = ("cell", "electrolyte", "working", "counter")
"""The tables of a case whose numbers can be fitted."""
_REMEDY = f"name a number of {', '.join(f'[{name}]' for name in FITTED)} by its dotted path, but not cell.area"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A fit: what `fit.json` holds, the case at the fitted values, its run, and measured against modelled."""

    report: dict[str, Any]
    case: Case
    run: Run | None
    comparisons: list[dict[str, Any]]
    result: Fit


@dataclasses.dataclass(frozen=True)
class Free:
    """The free parameters of a case in SI: each path, the other paths that take the same value, start and bounds."""

    paths: list[str]
    tied: list[list[str]]
    units: list[str]
    initial: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    priors: list[tuple[int, float, float]]

    def prior_residuals(self, values: Any) -> Any:
        """(value - known)/standard error of every parameter with a prior."""
        return jnp.stack([(values[index] - mean) / error for index, mean, error in self.priors])

    def apply(self, case: Case, values: Any) -> Case:
        """The case at other values, which may be what JAX differentiates."""
        changed: Any = case
        for index, path in enumerate(self.paths):
            for each in (path, *self.tied[index]):
                changed = changed.with_value(each, values[index])
        changed._folder, changed._text = case._folder, case._text
        return changed


def free_parameters(case: Case) -> Free:
    """The [fit.parameters] of a case, checked; an unknown path suggests the nearest."""
    assert case.fit is not None
    tied = [entry.also for entry in case.fit.parameters.values()]
    units: list[str] = []
    numbers: list[list[float]] = []
    priors: list[tuple[int, float, float]] = []
    for index, (path, entry) in enumerate(case.fit.parameters.items()):
        key = f'fit.parameters."{path}"'
        limits = limits_of(case, path, key)
        units.append(limits.unit)
        numbers.append(_within(limits, entry, key))
        for other in entry.also:
            _check_tied(limits_of(case, other, f"{key}.also"), other, entry, limits.unit, f"{key}.also")
        if entry.prior is not None:
            priors.append((index, *_prior(limits, entry.prior, f"{key}.prior")))
    paths = list(case.fit.parameters)
    _refuse_twice([*paths, *(other for others in tied for other in others)])
    initial, lower, upper = np.array(numbers).T
    return Free(paths, tied, units, initial, lower, upper, priors)


def limits_of(case: Case, path: str, key: str) -> Quantity:
    """The unit and the limits of the number at a path; refuses what cannot be fitted."""
    try:
        value = case.value_at(path)
    except InputError as error:
        raise InputError(error.problem, key=key, remedy=error.remedy) from None
    table, _, name = path.rpartition(".")
    owner = case.value_at(table) if table else case
    limits = None
    if isinstance(owner, Table):
        limits = _marker(type(owner).model_fields[name])
    elif table.endswith(".coefficients"):
        limits = Quantity("1")
    number = value is None or (isinstance(value, float | int) and not isinstance(value, bool))
    if limits is None or not number or path.partition(".")[0] not in FITTED or path == "cell.area":
        raise InputError("does not lead to a number that can be varied", key=key, remedy=_REMEDY)
    return limits


def _marker(field: FieldInfo) -> Quantity | None:
    """What says of a key which unit and limits it has; None where it is no quantity."""
    inside = (mark for choice in get_args(field.annotation) for mark in getattr(choice, "__metadata__", ()))
    for mark in (*field.metadata, *inside):
        if isinstance(mark, Quantity):
            return mark
        if isinstance(mark, PropertyUnit):
            least = -np.inf if mark.minimum is None else mark.minimum
            return Quantity(mark.unit, minimum=least, maximum=mark.maximum, exclusive=True)
    return None


def _within(limits: Quantity, entry: FitParameter, key: str) -> list[float]:
    """The initial value and the bounds in SI: in order, and inside what the key allows."""
    try:
        initial = limits.parse(entry.initial)
        low, high = (limits.parse(bound) for bound in entry.bounds)
    except InputError as error:
        raise error.at(key) from None
    if not low < initial < high:
        remedy = "give bounds = [lower, upper] on either side of it"
        raise InputError(f"the initial value {entry.initial} is not between its bounds", key=key, remedy=remedy)
    return [initial, low, high]


def _check_tied(limits: Quantity, path: str, entry: FitParameter, unit: str, key: str) -> None:
    """Refuses a tied path that cannot take the same values: another unit, or narrower limits."""
    if limits.unit != unit:
        problem = f"{path} is in {_named(limits.unit)}, the parameter in {_named(unit)}"
        raise InputError(problem, key=key, remedy="tie only quantities of one unit")
    try:
        _within(limits, entry, "")
    except InputError as error:
        raise InputError(f"for {path}, {error.problem}", key=key, remedy=error.remedy) from None


def _named(unit: str) -> str:
    return "no unit" if unit == "1" else unit


def _prior(limits: Quantity, prior: list[Any], key: str) -> tuple[float, float]:
    """What was known of a parameter, and its standard error, in SI."""
    read = limits if isinstance(limits, MolarEnergy) else Quantity(limits.unit)
    try:
        mean, error = (read.parse(text) for text in prior)
    except InputError as refusal:
        raise refusal.at(key) from None
    if error <= 0.0:
        raise InputError("a prior's standard error must be above zero", key=key, remedy="raise it")
    return mean, error


def _refuse_twice(paths: list[str]) -> None:
    for index, path in enumerate(paths):
        if path in paths[:index]:
            problem = f"{path} would take two values at once"
            raise InputError(problem, key="fit.parameters", remedy="name it once, as a parameter or in one `also`")


def check_fit(case: Case) -> None:
    """Refuses a [fit] table that names no such parameter or file, before anything is computed."""
    free_parameters(case)
    targets_of(case)


def fit(case: Case, progress: Progress | None = None) -> Outcome:
    """Fits a case's free parameters to its measurements; the report says how good and how certain it is.

    `progress(0, iteration, iterations)` is called now and then, and the run's own at the fitted values; an interrupt
    from the keyboard ends the fit and keeps the best values found so far.
    """
    assert case.fit is not None
    free, targets = free_parameters(case), [_placed(case, target) for target in targets_of(case)]
    start = free.apply(case, free.initial)
    needs_time = any(not isinstance(t, ImpedanceTarget) or t.segment is not None for t in targets)
    evaluate = _evaluator(start, free, targets, needs_time)
    most = case.fit.maximum_iterations

    def say(iteration: int, cost: np.ndarray) -> None:
        if progress is not None:
            progress(0.0, iteration, most)

    result = least_squares(evaluate, free.initial[None, :], free.lower, free.upper, maximum_iterations=most, report=say)
    fitted = free.apply(case, [float(value) for value in result.values[0]])
    finished = run(fitted, None if result.interrupted else progress)
    comparisons = _comparisons(fitted, targets, finished)
    return Outcome(_report(fitted, free, targets, result), fitted, finished, comparisons, result)


def _placed(case: Case, target: Target) -> Target:
    """A spectrum with every segment at the end of which it may have been taken: an event may end its step early."""
    if not isinstance(target, ImpedanceTarget) or target.segment is None:
        return target
    return dataclasses.replace(target, segments=step_segments(case.schedule, target.segment, target.during))


def _evaluator(case: Case, free: Free, targets: list[Target], needs_time: bool) -> Any:
    schedule, tolerance = case.schedule, case.numerics.relative_tolerance
    plan, tables = plan_of(schedule), driven(case.build(), schedule)
    capacity = 0
    if needs_time:
        trial = integrate(case.build(), schedule, relative_tolerance=tolerance)
        if trial.status not in (Status.DONE,):
            remedy = "choose other initial values"
            raise InputError(f"at the initial values: {trial.status.message}", key="fit.parameters", remedy=remedy)
        capacity = 1 << (2 * len(trial.rows.segment) + 64).bit_length()

    def residuals(values: Any) -> tuple[Any, Any]:
        cell = free.apply(case, values).build()
        rows, good = None, jnp.asarray(True)
        if needs_time:
            system = Driven(cell, tables.table_time, tables.table_current)
            rows, status = march(system, plan, tolerance, capacity)
            good = status == int(Status.DONE)
        value = weighted_residuals(cell, rows, targets)
        if free.priors:
            value = jnp.concatenate([value, free.prior_residuals(values)])
        value = jnp.where(good, value, jnp.inf)
        return value, value

    both = jax.jit(jax.jacfwd(residuals, has_aux=True))

    def evaluate(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes, value = both(jnp.asarray(values[0]))
        return np.asarray(value)[None], np.asarray(slopes)[None]

    return evaluate


def _report(case: Case, free: Free, targets: list[Target], result: Fit) -> dict[str, Any]:
    errors, correlations = result.standard_errors[0], np.nan_to_num(result.correlations[0])
    parameters = {}
    for index, path in enumerate(free.paths):
        known = bool(result.identified[0, index]) and np.isfinite(errors[index])
        parameters[path] = {
            "value": float(result.values[0, index]),
            "unit": "" if free.units[index] == "1" else free.units[index],
            "standard_error": float(errors[index]) if known else None,
            "initial": float(free.initial[index]),
            "bounds": [float(free.lower[index]), float(free.upper[index])],
            "at_bound": bool(result.at_bound[0, index]),
            "also": free.tied[index],
        }
    freedom = max(result.degrees_of_freedom, 0)
    converged = bool(result.converged[0])
    return {
        "status": "converged" if converged else "interrupted" if result.interrupted else "failed",
        "converged": converged,
        "message": f"fit {result.messages[0]} after {_iterations(int(result.iterations[0]))}",
        "parameters": parameters,
        "correlations": {"names": free.paths, "matrix": correlations.tolist()},
        "chi_squared": _number(result.chi_squared[0]),
        "degrees_of_freedom": freedom,
        "reduced_chi_squared": _number(result.chi_squared[0] / freedom) if freedom else None,
        "root_mean_square": _number(_root_mean(result.residuals[0] ** 2)),
        "data": _of_each(targets, result.residuals[0]),
        "derived": _derived(case, free, result),
        "notes": [*_unreached(targets, result.residuals[0]), *_notes(free, result, correlations)],
    }


def _iterations(count: int) -> str:
    return "1 iteration" if count == 1 else f"{count} iterations"


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _root_mean(squares: np.ndarray) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.sqrt(np.mean(squares)))


def _pieces(targets: list[Target], residuals: np.ndarray) -> Iterator[tuple[Target, np.ndarray]]:
    """Each measurement with its residuals, one row of them for a real quantity and two for a complex one."""
    place = 0
    for target in targets:
        count, parts = len(target.measured), 2 if np.iscomplexobj(target.measured) else 1
        yield target, residuals[place : place + parts * count].reshape(parts, count)
        place += parts * count


def _of_each(targets: list[Target], residuals: np.ndarray) -> list[dict[str, Any]]:
    """Root mean square misfit of each measurement, in its own unit and relative to the mean of what was measured."""
    rows = []
    for target, piece in _pieces(targets, residuals):
        misfit = _root_mean(np.sum((piece * target.standard_error) ** 2, axis=0))
        unit = {"cycling": "V", "impedance": "ohm m^2", "profile": "mol/m^3"}[target.kind]
        row: dict[str, Any] = {"label": target.label, "kind": target.kind, "points": len(target.measured)}
        size = float(np.mean(np.abs(target.measured)))
        row |= {"rms": _number(misfit), "unit": unit, "rms_over_mean": _number(misfit / size) if size else None}
        rows.append(row)
    return rows


def _unreached(targets: list[Target], residuals: np.ndarray) -> list[str]:
    """What the model could not say, where it could say something of the other measurements."""
    said = [(target.label, bool(np.all(np.isfinite(piece)))) for target, piece in _pieces(targets, residuals)]
    if not any(good for _, good in said):
        return []
    return [f"{label}: the model never came to where it was measured" for label, good in said if not good]


def _derived(case: Case, free: Free, result: Fit) -> dict[str, Any]:
    """Resistances at the start, standard errors by linear propagation; a narrow band may tell no more than sums.

    What no parameter acts on has no standard error: this fit knows nothing of it.
    """

    def values(x: Any) -> Any:
        parts = resistances(free.apply(case, x).build())
        return jnp.concatenate([parts, jnp.sum(parts)[None], (parts[1] + parts[2])[None]])

    x = jnp.asarray(result.values[0])
    found, slopes = np.asarray(values(x)), np.asarray(jax.jacfwd(values)(x))
    names = ("ohmic", "films", "charge_transfer", "sum", "films_and_charge_transfer")
    covariance = result.covariance[0]
    entries = {}
    for name, value, slope in zip(names, found, slopes, strict=True):
        used = slope != 0.0
        variance = slope[used] @ covariance[np.ix_(used, used)] @ slope[used]
        known = bool(used.any()) and np.isfinite(variance) and variance >= 0.0
        entries[f"{name}_ohm_cm2"] = {
            "value": _number(value * 1e4),
            "standard_error": float(np.sqrt(variance)) * 1e4 if known else None,
        }
    return entries


def _notes(free: Free, result: Fit, correlations: np.ndarray) -> list[str]:
    notes = []
    if result.interrupted:
        notes.append("interrupted: these are the best values found so far; their standard errors mean little")
    for index, path in enumerate(free.paths):
        if not result.identified[0, index]:
            notes.append(f"{path} is not determined by these data")
        if result.at_bound[0, index]:
            notes.append(f"{path} lies at its bound; its standard error means little")
        for other in range(index):
            if abs(correlations[index, other]) > 0.95:
                value = correlations[index, other]
                notes.append(f"{free.paths[other]} and {path} are correlated ({value:.3f}): trust what they add up to")
    freedom = max(result.degrees_of_freedom, 1)
    if result.chi_squared[0] / freedom > 4.0:
        notes.append("the misfit is over twice the stated standard error: the model, or that error, is not right")
    return notes


def _comparisons(case: Case, targets: list[Target], finished: Run) -> list[dict[str, Any]]:
    """Measured and modelled together, as far as the run came."""
    cell, shown = case.build(), []
    rows = jax.tree.map(jnp.asarray, finished.trajectory.rows)
    for target in targets:
        reached = _reached(target, finished)
        if reached is not None:
            shown.append(_comparison(reached, np.asarray(reached.predict(cell, rows))))
    return shown


def _reached(target: Target, finished: Run) -> Target | None:
    """What of a measurement a run came to; None where it is nothing."""
    trajectory = finished.trajectory
    if isinstance(target, ImpedanceTarget):
        there = target.segment is None or last_row_of_step(trajectory, target.segment, target.during) is not None
        return target if there else None
    if finished.status == Status.DONE:
        return target
    if not len(trajectory.rows.segment):
        return None
    if isinstance(target, ProfileTarget):
        return target if target.time <= trajectory.time else None
    keep = target.time <= trajectory.time
    kept = {name: getattr(target, name)[keep] for name in ("time", "measured", "standard_error")}
    return dataclasses.replace(target, **kept) if keep.any() else None


def _comparison(target: Target, modelled: np.ndarray) -> dict[str, Any]:
    if isinstance(target, ImpedanceTarget):
        return {
            "kind": "impedance",
            "label": target.label,
            "frequency": target.frequency,
            "measured_real": target.measured.real * 1e4,
            "measured_imaginary": target.measured.imag * 1e4,
            "modelled_real": modelled.real * 1e4,
            "modelled_imaginary": modelled.imag * 1e4,
            "unit": "ohm cm2",
        }
    if isinstance(target, ProfileTarget):
        return {
            "kind": "profile",
            "label": f"{target.label}, {target.time / 60:.4g} min",
            "x": target.position * 1e3,
            "measured": target.measured / 1e3,
            "modelled": modelled / 1e3,
            "x_label": "position (mm)",
            "y_label": "concentration (mol/L)",
        }
    return {
        "kind": "cycling",
        "label": target.label,
        "x": target.time,
        "measured": target.measured,
        "modelled": modelled,
        "x_label": "time (s)",
        "y_label": "voltage (V)",
    }
