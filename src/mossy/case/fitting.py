"""`mossy fit`: least squares of the model to a case's measurements, through the integrator's own sensitivities."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.case.facts import unit_of
from mossy.case.measured import targets_of
from mossy.case.model import Case, run
from mossy.cells.tables import PropertyTable
from mossy.errors import InputError
from mossy.infer.predict import ImpedanceTarget, ProfileTarget, Target, march, resistances, weighted_residuals
from mossy.numerics.fit import Fit, least_squares
from mossy.numerics.status import Status
from mossy.simulate import Run
from mossy.simulate.drive import Driven, plan_of
from mossy.simulate.run import driven, integrate
from mossy.tables import Table
from mossy.units import to_si

Progress = Callable[[float, int, int], None]


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
    paths: list[str] = []
    tied: list[list[str]] = []
    units: list[str] = []
    numbers: list[tuple[float, float, float]] = []
    priors: list[tuple[int, float, float]] = []
    for path, entry in case.fit.parameters.items():
        key = f'fit.parameters."{path}"'
        unit = _check_path(case, path, key)
        for other in entry.also:
            _check_path(case, other, f"{key}.also")
        initial, low, high = (to_si(text, unit, key) for text in (entry.initial, *entry.bounds))
        if not low < initial < high:
            remedy = "give bounds = [lower, upper] on either side of it"
            raise InputError(f"the initial value {entry.initial} is not between its bounds", key=key, remedy=remedy)
        if entry.prior is not None:
            mean, error = (to_si(text, unit, f"{key}.prior") for text in entry.prior)
            if error <= 0.0:
                raise InputError("a prior's standard error must be above zero", key=f"{key}.prior", remedy="raise it")
            priors.append((len(paths), mean, error))
        paths.append(path)
        tied.append(entry.also)
        units.append(unit)
        numbers.append((initial, low, high))
    initial, lower, upper = np.array(numbers).T
    return Free(paths, tied, units, initial, lower, upper, priors)


def _check_path(case: Case, path: str, key: str) -> str:
    try:
        value, unit = case.value_at(path), unit_of(case, path)
    except InputError as error:
        raise InputError(error.problem, key=key, remedy=error.remedy) from None
    fits = isinstance(value, float | int) or (value is None and unit != "1") or isinstance(value, np.floating)
    named = path.startswith("electrolyte.") and not isinstance(value, PropertyTable | Table)
    if isinstance(value, bool | str) or not (fits or named):
        raise InputError("does not lead to a number", key=key, remedy="name a number of the case by its dotted path")
    return unit


def check_fit(case: Case) -> None:
    """Refuses a [fit] table that names no such parameter or file, before anything is computed."""
    free_parameters(case)
    targets_of(case)


def fit(case: Case, progress: Progress | None = None) -> Outcome:
    """Fits a case's free parameters to its measurements; the report says how good and how certain it is."""
    assert case.fit is not None
    free, targets = free_parameters(case), targets_of(case)
    start = free.apply(case, free.initial)
    needs_time = any(not isinstance(t, ImpedanceTarget) or t.segment is not None for t in targets)
    evaluate = _evaluator(start, free, targets, needs_time)
    most = case.fit.maximum_iterations

    def say(iteration: int, cost: np.ndarray) -> None:
        if progress is not None:
            progress(0.0, iteration, most)

    result = least_squares(evaluate, free.initial[None, :], free.lower, free.upper, maximum_iterations=most, report=say)
    fitted = free.apply(case, [float(value) for value in result.values[0]])
    finished = run(fitted)
    comparisons = _comparisons(fitted, targets, finished)
    return Outcome(_report(fitted, free, targets, result), fitted, finished, comparisons, result)


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
        "status": "converged" if converged else "failed",
        "converged": converged,
        "message": f"fit {result.messages[0]} after {int(result.iterations[0])} iterations",
        "parameters": parameters,
        "correlations": {"names": free.paths, "matrix": correlations.tolist()},
        "chi_squared": _number(result.chi_squared[0]),
        "degrees_of_freedom": freedom,
        "reduced_chi_squared": _number(result.chi_squared[0] / freedom) if freedom else None,
        "root_mean_square": _number(np.sqrt(np.mean(result.residuals[0] ** 2))),
        "data": _of_each(targets, result.residuals[0]),
        "derived": _derived(case, free, result),
        "notes": _notes(free, result, correlations),
    }


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _of_each(targets: list[Target], residuals: np.ndarray) -> list[dict[str, Any]]:
    """Root mean square misfit of each measurement, in its own unit and relative to the mean of what was measured."""
    rows, place = [], 0
    for target in targets:
        count = len(target.measured)
        parts = 2 if np.iscomplexobj(target.measured) else 1
        piece = residuals[place : place + parts * count].reshape(parts, count) * target.standard_error
        misfit = float(np.sqrt(np.mean(np.sum(piece**2, axis=0))))
        unit = {"cycling": "V", "impedance": "ohm m^2", "profile": "mol/m^3"}[target.kind]
        relative = misfit / float(np.mean(np.abs(target.measured)))
        rows.append({"label": target.label, "kind": target.kind, "points": count, "rms": misfit, "unit": unit})
        rows[-1]["rms_over_mean"] = relative
        place += parts * count
    return rows


def _derived(case: Case, free: Free, result: Fit) -> dict[str, Any]:
    """Resistances at the start, standard errors by linear propagation; a narrow band may tell no more than sums."""

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
        known = np.isfinite(variance) and variance >= 0.0
        entries[f"{name}_ohm_cm2"] = {
            "value": _number(value * 1e4),
            "standard_error": float(np.sqrt(variance)) * 1e4 if known else None,
        }
    return entries


def _notes(free: Free, result: Fit, correlations: np.ndarray) -> list[str]:
    notes = []
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
    cell = case.build()
    rows = jax.tree.map(jnp.asarray, finished.trajectory.rows)
    shown = []
    for target in targets:
        modelled = np.asarray(target.predict(cell, rows))
        if isinstance(target, ImpedanceTarget):
            shown.append(
                {
                    "kind": "impedance",
                    "label": target.label,
                    "frequency": target.frequency,
                    "measured_real": target.measured.real * 1e4,
                    "measured_imaginary": target.measured.imag * 1e4,
                    "modelled_real": modelled.real * 1e4,
                    "modelled_imaginary": modelled.imag * 1e4,
                    "unit": "ohm cm2",
                }
            )
        elif isinstance(target, ProfileTarget):
            shown.append(
                {
                    "kind": "profile",
                    "label": f"{target.label}, {target.time / 60:.4g} min",
                    "x": target.position * 1e3,
                    "measured": target.measured / 1e3,
                    "modelled": modelled / 1e3,
                    "x_label": "position (mm)",
                    "y_label": "concentration (mol/L)",
                }
            )
        else:
            shown.append(
                {
                    "kind": "cycling",
                    "label": target.label,
                    "x": target.time,
                    "measured": target.measured,
                    "modelled": modelled,
                    "x_label": "time (s)",
                    "y_label": "voltage (V)",
                }
            )
    return shown
