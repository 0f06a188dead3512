"""Equivalent circuits fitted to spectra, one or thousands, without starting values and with honest errors.

    fit = Circuit("R0-p(R1,Q1)-W1").fit(spectrum)
    fit.parameters["R1"].value, fit.parameters["R1"].standard_error

A circuit is text (`text`), its elements are laws (`elements`). The search (`search`) needs no guess;
the covariance is that of the linearised model at the minimum, scaled by the residuals unless the weights are absolute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from mossy.analysis.circuits.elements import COMBINATIONS, ELEMENTS
from mossy.analysis.circuits.fit import CircuitFit, Fitted, refused
from mossy.analysis.circuits.form import FittedForm, fitted_form
from mossy.analysis.circuits.model import Model
from mossy.analysis.circuits.results import results_of
from mossy.analysis.circuits.search import Task, bounds_of, search
from mossy.analysis.circuits.text import parse, written
from mossy.analysis.spectra import Spectrum, spectrum_of
from mossy.backend import jnp
from mossy.errors import InputError, suggest
from mossy.numerics.threads import one_blas_thread

WEIGHTINGS = ("modulus", "noise", "unit")
_BATCH, _SPLIT = 512, 32
_SECOND_CHANCE, _BEGINNINGS = (
    1.15,
    4,
)  # of the noise: residuals from which on a search is repeated, with more beginnings
Report = Callable[[int, int], None]


class Circuit:
    """An equivalent circuit, such as `R0-p(R1,Q1)-p(R2,C2)-Wo1`: parts in series, `p(...)` side by side.

    Raises InputError, pointing at the character, for text that is no circuit. `names` are its parameters: `R1`, `C2`,
    `W1` where an element has one, `Q1.Q`, `Q1.alpha`, `Wo1.tau` where it has several; `units` theirs.

    >>> Circuit("R0-p(R1,Q1)").names
    ['R0', 'R1', 'Q1.Q', 'Q1.alpha']
    >>> Circuit("R0-p(R1,C1)").impedance([1e6, 1e-6], {"R0": 1.0, "R1": 2.0, "C1": 1.0}).round(4).tolist()
    [(1-0j), (3-0j)]
    """

    def __init__(self, text: str) -> None:
        self.text = written(parse(text))
        self._form = fitted_form(self.text)
        self.names = self._form.given.names
        self.units = {each.name: each.spec.unit for each in self._form.given.parameters}

    def __repr__(self) -> str:
        return f"Circuit({self.text!r})"

    def impedance(self, frequency: Any, parameters: Mapping[str, float] | Sequence[float]) -> np.ndarray:
        """Z in ohm at each `frequency`, Hz, for values by name (SI units) or in the order of `names`."""
        values = self._vector(parameters)
        try:
            frequency = np.atleast_1d(np.asarray(frequency, dtype=float))
        except (TypeError, ValueError):
            raise InputError(f"{frequency!r} is no frequency", remedy="give numbers in Hz") from None
        if not (np.isfinite(frequency).all() and (frequency > 0.0).all()):
            raise InputError("a frequency is not finite and positive", remedy="give frequencies in Hz")
        return np.asarray(self._form.given.impedance(jnp.asarray(2.0 * np.pi * frequency), jnp.asarray(values)))

    def _vector(self, parameters: Mapping[str, float] | Sequence[float]) -> np.ndarray:
        if not isinstance(parameters, Mapping):
            if len(parameters) != len(self.names):
                remedy = f"give {', '.join(self.names)}"
                raise InputError(f"{len(parameters)} values for {len(self.names)} parameters", remedy=remedy)
            parameters = dict(zip(self.names, parameters, strict=True))
        self._known(parameters, "parameters")
        assumed = {
            each.name: each.spec.assumed for each in self._form.given.parameters if each.spec.assumed is not None
        }
        parameters = assumed | dict(parameters)
        missing = [name for name in self.names if name not in parameters]
        if missing:
            raise InputError(f"no value for {', '.join(missing)}", key="parameters", remedy="give one for each")
        values = np.array([_number(parameters[name], f"parameters.{name}") for name in self.names])
        if not np.isfinite(values).all():
            raise InputError("a value is not finite", key="parameters", remedy="give finite numbers in SI units")
        return values

    def _known(self, names: Any, key: str) -> None:
        if not isinstance(names, Mapping):
            raise InputError(f"{names!r} does not name parameters", key=key, remedy='write {"R0": 10.0}')
        for name in names:
            if name not in self.names:
                raise InputError(f"'{name}' is no parameter of {self.text}", key=key, remedy=suggest(name, self.names))

    def fit(
        self,
        spectrum: Any,
        *,
        weighting: str | Any = "modulus",
        initial: Mapping[str, float] | None = None,
        fixed: Mapping[str, float] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
    ) -> CircuitFit:
        """The best fit to one spectrum: an Impedance record, or a pair (frequency in Hz, complex impedance in ohm).

        Minimises sum w_i^2 |Z_i - Z(f_i)|^2. `weighting`: "modulus", w = 1/|Z|; "noise", w = 1/s with s(|Z|) the noise
        that the Kramers-Kronig test finds (absolute: errors are not scaled by the residuals); "unit"; or an array of
        standard deviations in ohm (absolute). `initial`, a value for each parameter, is one more start; `fixed` values
        stay; `bounds` in SI. Raises InputError for what is no spectrum, more parameters than data, or names that are
        not the circuit's.
        """
        fits = self._fit([spectrum_of(spectrum)], weighting, initial, fixed, bounds, None, 1)
        if fits[0].status == "refused":
            raise InputError(fits[0].flags[0], remedy="give more points, or a circuit with fewer parameters")
        return fits[0]

    def fit_many(
        self,
        spectra: Iterable[Any],
        *,
        weighting: str | Any = "modulus",
        initial: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
        fixed: Mapping[str, float] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        report: Report | None = None,
        threads: int = 2,
    ) -> list[CircuitFit]:
        """`fit` for many spectra at once, each on its own. A spectrum that cannot be fitted has status "refused" and
        says why in `flags`; it never stops the others. `weighting` may be a list of arrays, one a spectrum.
        `report(done, count)` is called as it goes; where it raises KeyboardInterrupt, what is fitted by then is kept.
        """
        checked: list[Spectrum | InputError] = []
        for number, each in enumerate(spectra, 1):
            try:
                checked.append(spectrum_of(each))
            except InputError as error:
                checked.append(error.at(f"spectrum {number}"))
        good = [each for each in checked if isinstance(each, Spectrum)]
        fits = iter(self._fit(good, weighting, initial, fixed, bounds, report, threads))
        return [refused(self.text, str(each)) if isinstance(each, InputError) else next(fits) for each in checked]

    def fit_series(self, spectra: Iterable[Any], **options: Any) -> Any:
        """The spectra as one series along a coordinate: see `mossy.analysis.circuits.series.fit_series`."""
        from mossy.analysis.circuits.series import fit_series

        return fit_series(self, spectra, **options)

    @one_blas_thread
    def _fit(
        self,
        spectra: list[Spectrum],
        weighting: Any,
        initial: Any,
        fixed: Mapping[str, float] | None,
        bounds: Mapping[str, tuple[float, float]] | None,
        report: Report | None,
        threads: int,
    ) -> list[CircuitFit]:
        constraints = self._constrained(fixed or {}, bounds or {})
        starts = self._starts(constraints[0], initial, len(spectra))
        weightings = _weightings(weighting, len(spectra))
        found: list[CircuitFit | None] = [None] * len(spectra)
        done = 0

        def one(rows: np.ndarray) -> None:
            nonlocal done
            group = [spectra[row] for row in rows]
            begun = None if starts is None else starts[rows][:, None, :]
            own = [weightings[row] for row in rows]
            for row, fit in zip(rows, self._group(group, own, begun, *constraints), strict=True):
                found[row] = fit
            done += len(rows)
            if report is not None:
                report(done, len(spectra))

        parts = _parts(spectra, threads)
        try:
            if threads > 1 and len(parts) > 1:
                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(one, parts))
            else:
                for part in parts:
                    one(part)
        except KeyboardInterrupt:
            if report is None:
                raise
        rest = "interrupted before it was fitted"
        return [
            refused(self.text, rest, each) if fit is None else fit for fit, each in zip(found, spectra, strict=True)
        ]

    def _group(
        self,
        group: list[Spectrum],
        weightings: list[Any],
        starts: np.ndarray | None,
        form: FittedForm,
        held: dict[int, float],
        own: dict[int, tuple[float, float]],
    ) -> list[CircuitFit]:
        """The fits of spectra on one frequency grid."""
        free = len(form.model.parameters) - len(held)
        distinct = len(np.unique(group[0].frequency))
        if 2 * distinct <= free:
            points = "1 frequency" if distinct == 1 else f"{distinct} points"
            return [refused(self.text, f"{free} free parameters for {points}", each) for each in group]
        noise = _noise(group)
        weights = [_weight(each, how, level) for each, how, level in zip(group, weightings, noise, strict=True)]
        frequency, impedance = group[0].frequency, np.stack([each.impedance for each in group])
        bounds = bounds_of(form.model, frequency, impedance, own)
        task = Task(frequency, impedance, np.stack(weights), *bounds)
        absolute = not isinstance(weightings[0], str) or weightings[0] == "noise"
        minima = search(form, task, held, starts)
        fits = results_of(self.text, form, group, task, minima, held, own, absolute, noise)
        again = np.array([row for row, fit in enumerate(fits) if fit.noise_ratio > _SECOND_CHANCE], dtype=int)
        if not len(again):
            return fits
        other = search(form, task.part(again), held, beginnings=_BEGINNINGS)
        improved = other.cost < minima.cost[again]
        minima = minima.replaced(again[improved], other.rows(improved))
        return results_of(self.text, form, group, task, minima, held, own, absolute, noise)

    def _constrained(
        self, fixed: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]
    ) -> tuple[FittedForm, dict[int, float], dict[int, tuple[float, float]]]:
        """(the fitted form that can hold them, fixed values by place, own bounds by place)."""
        self._known(fixed, "fixed")
        self._known(bounds, "bounds")
        named = {name.partition(".")[0] for name in (*fixed, *bounds)}
        form = fitted_form(self.text, frozenset(named)) if named else self._form
        places = {name: place for place, name in enumerate(form.model.names)}
        held, own = {}, {}
        for name in fixed.keys() & bounds.keys():
            raise InputError("is fixed and has bounds", key=name, remedy="give one or the other")
        for name, value in fixed.items():
            _check_value(form.model, places[name], value, f"fixed.{name}")
            held[places[name]] = float(value)
            own[places[name]] = (float(value), float(value))
        for place, parameter in enumerate(form.model.parameters):
            assumed = parameter.spec.assumed
            if assumed is not None and parameter.name not in fixed and parameter.name not in bounds:
                held[place], own[place] = assumed, (assumed, assumed)
        for name, pair in bounds.items():
            key = f"bounds.{name}"
            if not isinstance(pair, Sequence) or len(pair) != 2 or not _number(pair[0], key) < _number(pair[1], key):
                raise InputError(f"{pair} is no range", key=key, remedy="give (lower, upper)")
            for value in pair:
                _check_value(form.model, places[name], value, key)
            own.setdefault(places[name], (float(pair[0]), float(pair[1])))
        return form, held, own

    def _starts(self, form: FittedForm, initial: Any, count: int) -> np.ndarray | None:
        if initial is None or not count:
            return None
        each = [initial] * count if isinstance(initial, Mapping) else list(initial)
        if len(each) != count:
            raise InputError(f"{len(each)} initial values for {count} spectra", remedy="give one, or one for each")
        for one in each:
            for place, value in enumerate(self._vector(one)):
                _check_value(form.given, place, value, f"initial.{self.names[place]}")
        return np.stack([form.inward(self._vector(one)) for one in each])


def _number(value: Any, key: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{value!r} is no number", key=key, remedy="give a number in SI units") from None


def _check_value(model: Model, place: int, value: Any, key: str) -> None:
    spec = model.parameters[place].spec
    number = _number(value, key)
    if not np.isfinite(number) or (spec.logarithmic and number <= 0.0):
        raise InputError(f"{value} is not finite and positive", key=key, remedy=f"give it in {spec.unit}")
    if spec.bounds is not None and not spec.bounds[0] <= number <= spec.bounds[1]:
        limits = f"{spec.bounds[0]} to {spec.bounds[1]}"
        raise InputError(f"{value} is outside {limits}", key=key, remedy="give a value within")


def _noise(spectra: list[Spectrum]) -> list[Any]:
    """What the Kramers-Kronig test says of each spectrum; None where it has too few points."""
    from mossy.analysis.kramers_kronig import FEWEST, test_many

    long = [row for row, each in enumerate(spectra) if len(np.unique(each.frequency)) >= FEWEST]
    found: list[Any] = [None] * len(spectra)
    for row, validity in zip(long, test_many([spectra[row] for row in long]) if long else [], strict=True):
        found[row] = validity
    return found


def _weight(spectrum: Spectrum, weighting: Any, validity: Any) -> np.ndarray:
    """1/standard deviation of each point, up to a factor unless it is absolute."""
    if isinstance(weighting, str):
        if weighting == "unit":
            return np.full(len(spectrum), 1.0 / np.median(spectrum.modulus))
        if weighting == "noise" and validity is not None:
            return np.asarray(1.0 / validity.noise.standard_deviation(spectrum.impedance))
        return 1.0 / spectrum.modulus
    try:
        sigma = np.asarray(weighting, dtype=float)
    except (TypeError, ValueError):
        sigma = np.empty(0)
    if sigma.shape != spectrum.frequency.shape or not (np.isfinite(sigma).all() and (sigma > 0.0).all()):
        remedy = "give one positive standard deviation in ohm for each point"
        raise InputError(f"standard deviations of shape {sigma.shape}", key="weighting", remedy=remedy)
    return 1.0 / sigma


def _weightings(weighting: Any, count: int) -> list[Any]:
    """The weighting of each spectrum: one for all, or a list of arrays."""
    if isinstance(weighting, str) and weighting not in WEIGHTINGS:
        raise InputError(f"'{weighting}' is no weighting", key="weighting", remedy=suggest(weighting, WEIGHTINGS))
    each = isinstance(weighting, list | tuple | np.ndarray) and len(weighting) > 0 and np.ndim(weighting[0]) == 1
    if not each:
        return [weighting] * count
    if len(weighting) != count:
        problem = f"{len(weighting)} arrays of standard deviations for {count} spectra"
        raise InputError(problem, key="weighting", remedy="give one for each")
    return list(weighting)


def _parts(spectra: list[Spectrum], threads: int) -> list[np.ndarray]:
    """The rows of spectra that share their frequencies, many of them split so that every thread has its share."""
    groups: dict[bytes, list[int]] = {}
    for row, each in enumerate(spectra):
        groups.setdefault(each.frequency.tobytes(), []).append(row)
    parts = []
    for rows in groups.values():
        count = max(-(-len(rows) // _BATCH), threads if len(rows) >= _SPLIT else 1)
        parts += np.array_split(np.array(rows), count)
    return parts


__all__ = ["COMBINATIONS", "ELEMENTS", "Circuit", "CircuitFit", "Fitted"]
