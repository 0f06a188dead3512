"""From minima to results: parameters as written, covariances, ordered arcs, and what must be said about each fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mossy.analysis.circuits.elements import ELEMENTS
from mossy.analysis.circuits.fit import CircuitFit, Fitted
from mossy.analysis.circuits.form import FittedForm, fitted_form
from mossy.analysis.circuits.model import top_parts
from mossy.analysis.circuits.moves import mirrored, second_solutions
from mossy.analysis.circuits.search import Task, iterated, kernel_for
from mossy.analysis.circuits.text import Leaf, leaves
from mossy.analysis.spectra import Spectrum
from mossy.errors import InputError
from mossy.numerics.many import Minima, RivalMinima, linearised_at, minimise

_ALIKE = 0.98
_LACKS = 1.5
_EDGE = 1e-6
_FINEST = 1e-5  # relative noise below which no instrument measures


def results_of(
    text: str,
    form: FittedForm,
    spectra: list[Spectrum],
    task: Task,
    minima: Minima,
    held: dict[int, float],
    own: dict[int, tuple[float, float]],
    absolute: bool,
    validities: list[Any],
    spread: np.ndarray | None = None,
) -> list[CircuitFit]:
    """The fit of each spectrum of a task; `spread`, the covariance of what is iterated, where it is known already."""
    order = _ordered(form, minima.values, own)
    x = np.take_along_axis(minima.values, order, axis=1)
    lanes = np.arange(len(x))[:, None, None]
    normal = minima.normal[lanes, order[:, :, None], order[:, None, :]]
    lower, upper = (np.take_along_axis(each, order, axis=1) for each in (task.lower, task.upper))
    log = form.model.logarithmic
    values = np.where(log, np.exp(np.where(log, x, 0.0)), x)
    outward, slopes = form.outward(values)
    slopes = slopes * np.where(log, values, 1.0)[:, None, :]
    model = _models(form, x, task)
    freedom = 2 * len(task.frequency) - (len(form.model.parameters) - len(held))
    second = [""] * len(spectra)
    if isinstance(minima, RivalMinima):
        second = second_solutions(form, minima, freedom, absolute)
    fits = []
    for lane, spectrum in enumerate(spectra):
        misfit = (spectrum.impedance - model[lane]) * task.weight[lane]
        cost = float(np.sum(np.abs(misfit) ** 2))
        variance = 1.0 if absolute else cost / freedom
        at_bound = _edges(x[lane], lower[lane], upper[lane], held)
        if spread is None:
            covariance = _covariance(normal[lane], slopes[lane], variance, held)
        else:
            covariance = slopes[lane] @ spread[lane] @ slopes[lane].T
        parameters = _fitted(form, outward[lane], covariance, at_bound, held)
        residuals = (spectrum.impedance - model[lane]) / spectrum.modulus
        fit = CircuitFit(
            circuit=text,
            parameters=parameters,
            chi_squared=cost,
            degrees_of_freedom=freedom,
            residuals=residuals,
            model=model[lane],
            covariance=covariance,
            absolute_weights=absolute,
            **_criteria(cost, freedom, len(form.model.parameters) - len(held), absolute),
            noise_ratio=_noise_ratio(residuals, spectrum, validities[lane], freedom),
            status="done" if minima.converged[lane] else "not converged",
            flags=(),
            spectrum=spectrum,
            validity=validities[lane],
            problem=(task.weight[lane], {form.model.names[place]: pair for place, pair in own.items()}),
        )
        fits.append(replace(fit, flags=_flags(fit, second[lane])))
    return fits


def _models(form: FittedForm, x: np.ndarray, task: Task) -> np.ndarray:
    """The modelled impedances (S, m), from the compiled residuals against nothing."""
    rows = task.data()
    short, points = rows[0].shape[1], len(task.frequency)
    nothing, one = np.zeros((len(x), short)), np.ones((len(x), short))
    value, _ = linearised_at(kernel_for(form), x, (rows[0], nothing, nothing, one, one))
    return np.asarray(value[:, :points] + 1j * value[:, short : short + points])


def _ordered(form: FittedForm, x: np.ndarray, own: dict[int, tuple[float, float]]) -> np.ndarray:
    """The order in which parameters are read so that like arcs stand in the order of their time constants."""
    order = np.tile(np.arange(x.shape[1]), (len(x), 1))
    groups: dict[str, list[slice]] = {}
    for part in top_parts(form.model.tree):
        if isinstance(part, Leaf) and (part.label in form.arcs or ELEMENTS[part.symbol].is_arc):
            place = form.model.places[part.label]
            if not any(place.start <= k < place.stop for k in own):
                groups.setdefault(part.symbol, []).append(place)
    for places in groups.values():
        starts = np.array([place.start for place in places])
        ranks = np.argsort(x[:, starts + 1], axis=1)
        for rank, place in enumerate(places):
            first = starts[ranks[:, rank]]
            order[:, place] = first[:, None] + np.arange(place.stop - place.start)
    return order


def _edges(x: np.ndarray, lower: np.ndarray, upper: np.ndarray, held: dict[int, float]) -> list[int]:
    """Which fitted parameters stand at a bound."""
    return [k for k in range(len(x)) if k not in held and min(x[k] - lower[k], upper[k] - x[k]) <= _EDGE]


def _covariance(normal: np.ndarray, slopes: np.ndarray, variance: float, held: dict[int, float]) -> np.ndarray:
    """variance G (J'J)^-1 G' of the circuit's parameters; infinite along what the data do not determine.

    A parameter at a bound counts as if it could pass it: held there, it would lend its neighbours a certainty that
    comes from the bound and not from the data.
    """
    free = np.array([k for k in range(len(normal)) if k not in held], dtype=int)
    inside = normal[np.ix_(free, free)]
    size = np.sqrt(np.maximum(np.diag(inside), 0.0))
    scale = np.where(size > 0.0, size, 1.0)
    values, vectors = np.linalg.eigh(inside / np.outer(scale, scale))
    known = values > 1e-13 * max(values.max(initial=0.0), 1e-300)
    along = slopes[:, free] / scale @ vectors
    covariance = variance * (along[:, known] / values[known]) @ along[:, known].T
    unknown = (np.abs(along[:, ~known]) > 1e-6 * np.linalg.norm(along, axis=1, keepdims=True)).any(axis=1)
    covariance[unknown, unknown] = np.inf
    return np.asarray(covariance)


def _fitted(
    form: FittedForm,
    values: np.ndarray,
    covariance: np.ndarray,
    at_bound: list[int],
    held: dict[int, float],
) -> dict[str, Fitted]:
    errors = np.sqrt(np.diagonal(covariance))
    named = {form.model.parameters[k].name for k in at_bound}
    for label, (resistor, other) in form.arcs.items():
        alpha = f"{label}.alpha"
        if f"{label}.R" in named:
            named.add(resistor)
        if alpha in named:
            named.add(f"{other}.alpha")
        if f"{label}.tau" in named:
            pair = [form.given.places[each].start for each in (resistor, other)]
            first, second = (errors[place] / values[place] for place in pair)
            named.add(form.given.parameters[pair[0] if first > second else pair[1]].name)
    still = {form.model.parameters[k].name for k in held}
    found = {}
    for parameter, value, error in zip(form.given.parameters, values, errors, strict=True):
        note = "fixed" if parameter.name in still else "at its bound" if parameter.name in named else ""
        if not note and not error < abs(value):
            note = "not determined" if not np.isfinite(error) else "smaller than its error"
        found[parameter.name] = Fitted(float(value), float(error), parameter.spec.unit, note)
    return found


def _criteria(cost: float, freedom: int, free: int, absolute: bool) -> dict[str, float]:
    """Akaike's and the Bayesian information criterion, up to what all circuits share for the same data."""
    count = freedom + free
    deviance = cost if absolute else count * np.log(max(cost, 1e-300) / count)
    return {"aic": float(deviance + 2.0 * free), "bic": float(deviance + free * np.log(count))}


def _noise_ratio(residuals: np.ndarray, spectrum: Spectrum, validity: Any, freedom: int) -> float:
    if validity is None:
        return float("nan")
    sigma = np.maximum(validity.noise.standard_deviation(spectrum.impedance) / spectrum.modulus, _FINEST)
    level = np.sqrt(np.mean(np.abs(residuals) ** 2) * len(residuals) / max(freedom, 1))
    expected = np.sqrt(np.mean(sigma**2))
    return float(level / expected) if expected > 0.0 else float("nan")


def _flags(fit: CircuitFit, rival: str = "") -> tuple[str, ...]:
    """What a person must know before using the values; `rival` is what is to be said of a second minimum."""
    flags = list(fit.spectrum.flags) if fit.spectrum is not None else []
    if fit.status != "done":
        flags.append("the search stopped before it had converged")
    unknown = [name for name, each in fit.parameters.items() if each.note not in ("", "fixed")]
    if unknown:
        flags.append("; ".join(f"{name} is {fit.parameters[name].note}" for name in unknown))
    correlations = fit.correlations
    for row, column in zip(*np.where(np.abs(np.triu(correlations, 1)) > _ALIKE), strict=True):
        first, second = fit.names[row], fit.names[column]
        if first.partition(".")[0] != second.partition(".")[0]:  # Q and alpha of one element always correlate
            size = correlations[row, column]
            flags.append(f"{first} and {second} can hardly be told apart (correlation {size:.3f})")
    if fit.noise_ratio > _LACKS:
        flags.append(f"lack of fit: residuals are {fit.noise_ratio:.1f} times the noise of the data")
    given = set() if fit.problem is None else {name.partition(".")[0] for name in fit.problem[1]}
    for part in mirrored(fitted_form(fit.circuit).model):
        labels = [leaf.label for leaf in leaves(part)]
        if given.isdisjoint(labels):
            flags.append(
                f"no data can tell which layer of {labels[0]} is the inner: it is given the smaller time constant"
                if isinstance(part, Leaf)
                else f"no data can tell rails {labels[0]} and {labels[1]} apart: the smaller is given as {labels[0]}"
            )
    return tuple([*flags, rival] if rival else flags)


def profile(fit: CircuitFit, name: str, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Chi squared along one parameter, from the fit onwards to both sides."""
    spectrum = fit.spectrum
    if fit.problem is None or spectrum is None:
        raise InputError("this spectrum was not fitted", key="profile", remedy="fit it first")
    weight, own = fit.problem
    form = fitted_form(fit.circuit, frozenset(each.partition(".")[0] for each in (name, *own)))
    place = form.model.names.index(name)
    here = fit.parameters[name]
    if values is None:
        width = min(3.0 * here.standard_error, 0.9 * abs(here.value))
        values = here.value + width * np.linspace(-1.0, 1.0, 21)
        limits = form.model.parameters[place].spec.bounds
        values = np.unique(np.clip(values, *limits)) if limits else values
    along = np.atleast_1d(np.asarray(values, dtype=float))
    log = form.model.logarithmic
    if not np.isfinite(along).all() or (log[place] and np.any(along <= 0.0)):
        problem = f"{name} cannot have every value asked for"
        raise InputError(problem, key="profile", remedy="give finite values, positive but for exponents")
    start = iterated(form.model, form.inward(fit.values))
    wide = 12.0
    bounds = np.array([parameter.spec.bounds or (0.0, 0.0) for parameter in form.model.parameters])
    lower, upper = np.where(log, start - wide, bounds[:, 0]), np.where(log, start + wide, bounds[:, 1])
    for each, pair in own.items():
        at = form.model.names.index(each)
        lower[at], upper[at] = np.log(pair) if log[at] else pair
    count = len(along)
    lower, upper, starts = (np.repeat(each[None, :], count, axis=0) for each in (lower, upper, start))
    fixed = np.log(along) if log[place] else along
    for each in (lower, upper, starts):
        each[:, place] = fixed
    task = Task(
        spectrum.frequency,
        np.repeat(spectrum.impedance[None], count, axis=0),
        np.repeat(weight[None], count, axis=0),
        lower,
        upper,
    )
    found = minimise(kernel_for(form), starts[:, None, :], task.data(), lower, upper, maximum_iterations=200)
    return along, found.cost
