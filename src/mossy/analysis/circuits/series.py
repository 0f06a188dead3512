"""A circuit fitted to a series of spectra along time, cycle, temperature, potential, salt or pressure, as one object.

Every parameter may follow a trend along the coordinate, tied to it in one of three ways:

- "free": each spectrum on its own, the trends fitted to what came out;
- "soft": y_s ~ N(X_s theta, S_s + diag(T)), the logarithm of each parameter about its trend with a scatter T of its
  own, estimated by restricted likelihood (`random_effects`); each spectrum is then fitted again with
  N(X_s theta, T) as its prior, so that what it cannot tell is taken from its neighbours, and what it can tell stays;
- "hard": no scatter, one least-squares problem for all spectra. Its lack of fit says whether that was allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.circuits.fit import CircuitFit
from mossy.analysis.circuits.form import FittedForm, fitted_form
from mossy.analysis.circuits.results import results_of
from mossy.analysis.circuits.search import Task, bounds_of, iterated, kernel_for
from mossy.analysis.circuits.trends import Trend, along, coordinate_of, default_trends, design_of, trend_of
from mossy.analysis.random_effects import random_effects
from mossy.analysis.spectra import Spectrum, spectra_of
from mossy.errors import InputError, suggest
from mossy.numerics.fit import least_squares
from mossy.numerics.many import Minima, linearised_at, minimise
from mossy.numerics.threads import one_blas_thread

if TYPE_CHECKING:
    import polars as pl

    from mossy.analysis.circuits import Circuit

TIES = ("free", "soft", "hard")
_LEAST_SCATTER = 1e-3


@dataclass(frozen=True, eq=False)
class SeriesFit:
    """A series fitted by one circuit. `fits` in the order of the spectra; `coordinate` of each; `trends` by parameter.

    `chi_squared` is the sum over the spectra; `free_parameters` counts what was fitted (for "soft" ties those of the
    separate fits); `data` two values a point; `correlated` the lag-one correlation of neighbouring residuals, by which
    the number of independent ones shrinks to `independent` = data (1 - r)/(1 + r); `bic` uses that number.
    """

    circuit: str
    kind: str
    ties: str
    coordinate: np.ndarray
    fits: list[CircuitFit]
    trends: dict[str, Trend]
    chi_squared: float
    free_parameters: int
    data: int
    correlated: float
    flags: tuple[str, ...] = field(default=())

    @property
    def independent(self) -> float:
        """The number of residuals that count as independent."""
        return self.data * (1.0 - self.correlated) / (1.0 + self.correlated)

    @property
    def bic(self) -> float:
        """n ln(chi squared/n) + k ln n with n the independent residuals."""
        n = self.independent
        return float(n * np.log(self.chi_squared / self.data) + self.free_parameters * np.log(n))

    def values(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(values, standard errors) of a parameter along the series."""
        if name not in self.fits[0].parameters:
            problem = f"'{name}' is no parameter of {self.circuit}"
            raise InputError(problem, remedy=suggest(name, self.fits[0].parameters))
        pairs = [(fit.parameters[name].value, fit.parameters[name].standard_error) for fit in self.fits]
        return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])

    def table(self) -> pl.DataFrame:
        """One row a spectrum: the coordinate, each parameter with its standard error, chi squared, status, flags."""
        import polars as pl

        rows = [along(self.kind, float(x)) | row_of(fit) for x, fit in zip(self.coordinate, self.fits, strict=True)]
        return pl.DataFrame(rows, infer_schema_length=None)


def row_of(fit: CircuitFit) -> dict[str, Any]:
    """A fit as one row of a table: values with their errors (null where there is none)."""
    row: dict[str, Any] = {"circuit": fit.circuit, "status": fit.status}
    for name, each in fit.parameters.items():
        error = each.standard_error
        row[name] = each.value if np.isfinite(each.value) else None
        row[f"{name}_standard_error"] = error if np.isfinite(error) else None
    return row | {
        "chi_squared": _finite(fit.chi_squared),
        "relative_rms": _finite(fit.relative_rms),
        "noise_ratio": _finite(fit.noise_ratio),
        "aic": _finite(fit.aic),
        "bic": _finite(fit.bic),
        "flags": "; ".join(fit.flags),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@one_blas_thread
def fit_series(
    circuit: Circuit,
    spectra: Iterable[Any],
    *,
    coordinate: Any = None,
    kind: str = "",
    ties: str = "soft",
    trends: Mapping[str, str] | None = None,
    weighting: Any = "modulus",
    fits: Sequence[CircuitFit] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> SeriesFit:
    """A circuit fitted to spectra along a coordinate.

    `coordinate`: one number a spectrum (K for temperature, s for time), with its `kind`, or the name of what the
    records say of themselves ("time", "cycle", "temperature", "potential"); by default the first they know. `trends`:
    parameter -> "arrhenius", "power" (growth: ln p = a + n ln x), "linear", "constant" or "smooth"; those left out are
    not tied; by default by the kind. `ties`: "free", "soft" or "hard". `fits`: the separate fits, where they are done
    already. Raises InputError for bad input.
    """
    checked = spectra_of(spectra)
    if ties not in TIES:
        raise InputError(f"'{ties}' is no way to tie", key="ties", remedy=suggest(str(ties), TIES))
    x, kind = coordinate_of(checked, coordinate, kind)
    wanted = _wanted(circuit, kind, trends)
    fits = list(fits) if fits is not None else circuit.fit_many(checked, weighting=weighting, report=report)
    bad = [number for number, fit in enumerate(fits, 1) if fit.status == "refused"]
    if bad:
        raise InputError(f"spectrum {bad[0]}: {fits[bad[0] - 1].flags[0]}", remedy="leave it out, or use fit_many")
    series = _Series(circuit.text, kind, x, checked, fits, wanted)
    if ties == "hard":
        return series.tied()
    return series.softened() if ties == "soft" and wanted else series.free()


def _wanted(circuit: Circuit, kind: str, trends: Mapping[str, str] | None) -> dict[str, str]:
    given = fitted_form(circuit.text).given.parameters
    assumed = {each.name for each in given if each.spec.assumed is not None}
    if trends is None:
        return default_trends({name: unit for name, unit in circuit.units.items() if name not in assumed}, kind)
    for name, law in trends.items():
        if name not in circuit.names:
            problem = f"'{name}' is no parameter of {circuit.text}"
            raise InputError(problem, key="trends", remedy=suggest(name, circuit.names))
        if name in assumed:
            raise InputError(f"'{name}' is assumed, not fitted", key="trends", remedy="leave it out")
        design_of(law, kind, np.array([300.0, 301.0]), 0.0)
    return dict(trends)


class _Series:
    """The separate fits of a series, and what can be made of them together."""

    def __init__(
        self,
        text: str,
        kind: str,
        x: np.ndarray,
        spectra: list[Spectrum],
        fits: list[CircuitFit],
        wanted: dict[str, str],
    ) -> None:
        self.text, self.kind, self.x, self.spectra, self.fits, self.wanted = text, kind, x, spectra, fits, wanted
        labels = frozenset(name.partition(".")[0] for name in fits[0].names)
        self.form: FittedForm = fitted_form(text, labels)
        self.log = self.form.model.logarithmic
        specs = [parameter.spec for parameter in self.form.model.parameters]
        self.held = {place: spec.assumed for place, spec in enumerate(specs) if spec.assumed is not None}

    def free(self) -> SeriesFit:
        """Each spectrum on its own."""
        return self._result("free", self.fits, self._trends(), self._count())

    def _count(self) -> int:
        """The free parameters of all separate fits."""
        return len(self.fits) * (len(self.form.model.parameters) - len(self.held))

    def _logs(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(what is iterated of one parameter, its variance) along the series; infinite where it is not determined."""
        place = self.form.model.names.index(name)
        values = np.array([fit.parameters[name].value for fit in self.fits])
        errors = np.array([fit.parameters[name].standard_error for fit in self.fits])
        if self.log[place]:
            return np.log(np.maximum(values, 1e-300)), (errors / values) ** 2
        return values, errors**2

    def _trends(self) -> dict[str, Trend]:
        """Each parameter's trend with the scatter about it, from the separate fits."""
        found = {}
        for name, law in self.wanted.items():
            values, variances = self._logs(name)
            place = self.form.model.names.index(name)
            design = design_of(law, self.kind, self.x, self._power(place))
            known = np.isfinite(variances)
            if known.sum() < design.matrix.shape[1] + 2:
                continue
            variances = np.where(known, np.maximum(variances, 1e-16), np.inf)
            effects = random_effects(
                (values - design.offset)[:, None], variances[:, None, None], design.matrix[:, None, :]
            )
            found[name] = trend_of(name, law, design, effects, bool(self.log[place]))
        return found

    def _power(self, place: int) -> float:
        """The power of resistance in a parameter: its Arrhenius line is that of (sigma T), so of R/T."""
        return float(np.sign(self.form.model.parameters[place].spec.impedance))

    def softened(self) -> SeriesFit:
        """Each spectrum fitted again with its trends as a prior."""
        trends = self._trends()
        count = len(self.form.model.parameters)
        prior, weight = np.zeros((len(self.fits), count)), np.zeros((len(self.fits), count))
        scale = np.array([np.sqrt(fit.reduced_chi_squared) if not fit.absolute_weights else 1.0 for fit in self.fits])
        for name, trend in trends.items():
            place = self.form.model.names.index(name)
            prior[:, place] = trend.at_data
            weight[:, place] = scale / np.sqrt(np.maximum(trend.scatter, _LEAST_SCATTER) ** 2 + trend.at_data_variance)
        task, rows = self._task()
        start = iterated(self.form.model, np.stack([self.form.inward(fit.values) for fit in self.fits]))
        begun = np.stack([start, np.where(weight > 0.0, prior, start)], axis=1)
        minima = minimise(
            kernel_for(self.form),
            begun,
            rows,
            task.lower,
            task.upper,
            prior=(prior, weight),
            tolerance=1e-10,
            maximum_iterations=200,
        )
        return self._result("soft", self._results(minima, task), trends, self._count())

    def tied(self) -> SeriesFit:
        """All spectra in one problem, each tied parameter exactly on its trend."""
        task, rows = self._task()
        maps, begun = self._maps()
        kernel = kernel_for(self.form)

        def evaluate(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            x = np.clip(maps.offset + np.einsum("snp,p->sn", maps.matrix, z[0]), task.lower - 5.0, task.upper + 5.0)
            residual, slopes = linearised_at(kernel, x, rows)
            return residual.reshape(1, -1), (slopes @ maps.matrix).reshape(1, -1, maps.matrix.shape[2])

        found = least_squares(evaluate, begun[None], maximum_iterations=300)
        z = found.values[0]
        _, slopes = evaluate(z[None])
        data = 2 * sum(len(each) for each in self.spectra)
        variance = 1.0 if self.fits[0].absolute_weights else found.chi_squared[0] / (data - len(z))
        spread = np.linalg.pinv(slopes[0].T @ slopes[0], rcond=1e-14, hermitian=True) * variance
        x = maps.offset + np.einsum("snp,p->sn", maps.matrix, z)
        each = np.einsum("snp,pq,smq->snm", maps.matrix, spread, maps.matrix)
        minima = _at(x, bool(found.converged[0]))
        trends = {
            name: maps.trend(name, z, spread, bool(self.log[self.form.model.names.index(name)])) for name in self.wanted
        }
        return self._result("hard", self._results(minima, task, each), trends, len(z))

    def _maps(self) -> tuple[_Maps, np.ndarray]:
        """How the unknowns z of a tied series make up what is iterated, x_s = offset_s + A_s z; where z begins."""
        spectra, count = len(self.fits), len(self.form.model.parameters)
        designs = {
            name: design_of(law, self.kind, self.x, self._power(self.form.model.names.index(name)))
            for name, law in self.wanted.items()
        }
        own = count - len(designs) - len(self.held)
        size = spectra * own + sum(design.matrix.shape[1] for design in designs.values())
        if size > 3000:
            remedy = "use ties='soft', or take fewer spectra"
            raise InputError(f"{size} unknowns in one problem are too many", key="ties", remedy=remedy)
        matrix, offset, begun = np.zeros((spectra, count, size)), np.zeros((spectra, count)), np.zeros(size)
        places: dict[str, slice] = {}
        next_one = 0
        for place, name in enumerate(self.form.model.names):
            values, _ = self._logs(name)
            if name in designs:
                design = designs[name]
                at = slice(next_one, next_one + design.matrix.shape[1])
                matrix[:, place, at], offset[:, place] = design.matrix, design.offset
                begun[at] = np.linalg.lstsq(design.matrix, values - design.offset, rcond=None)[0]
                places[name] = at
            elif place in self.held:
                offset[:, place] = values
                continue
            else:
                at = slice(next_one, next_one + spectra)
                matrix[np.arange(spectra), place, np.arange(next_one, next_one + spectra)] = 1.0
                begun[at] = values
            next_one = at.stop
        return _Maps(matrix, offset, places, self.wanted, designs), begun

    def _task(self) -> tuple[Task, tuple[np.ndarray, ...]]:
        """The whole series as one task (of the first grid, for its bounds), and the padded data of every spectrum."""
        model = self.form.model
        tasks = []
        for spectrum, fit in zip(self.spectra, self.fits, strict=True):
            own = {place: (value, value) for place, value in self.held.items()}
            bounds = bounds_of(model, spectrum.frequency, spectrum.impedance[None], own)
            tasks.append(Task(spectrum.frequency, spectrum.impedance[None], fit.problem[0][None], *bounds))
        rows = [task.data() for task in tasks]
        longest = max(row[0].shape[1] for row in rows)
        data = tuple(np.concatenate([_widened(row[k], longest) for row in rows]) for k in range(5))
        lower, upper = (np.concatenate([getattr(task, name) for task in tasks]) for name in ("lower", "upper"))
        first = self.spectra[0]
        return Task(first.frequency, first.impedance[None], self.fits[0].problem[0][None], lower, upper), data

    def _results(self, minima: Minima, task: Task, spread: np.ndarray | None = None) -> list[CircuitFit]:
        fits = []
        for lane, (spectrum, fit) in enumerate(zip(self.spectra, self.fits, strict=True)):
            one = slice(lane, lane + 1)
            own = Task(
                spectrum.frequency, spectrum.impedance[None], fit.problem[0][None], task.lower[one], task.upper[one]
            )
            here = Minima(*(getattr(minima, name)[one] for name in Minima.__dataclass_fields__))
            known = None if spread is None else spread[one]
            whole = {place: (0.0, 0.0) for place in range(len(self.log))}  # so that no arc is read in another's place
            said = fit.absolute_weights, [fit.validity], known
            found = results_of(self.text, self.form, [spectrum], own, here, self.held, whole, *said)
            fits += [replace(each, problem=fit.problem) for each in found]
        return fits

    def _result(self, ties: str, fits: list[CircuitFit], trends: dict[str, Trend], free: int) -> SeriesFit:
        return SeriesFit(
            circuit=self.text,
            kind=self.kind,
            ties=ties,
            coordinate=self.x,
            fits=fits,
            trends=trends,
            chi_squared=float(sum(fit.chi_squared for fit in fits)),
            free_parameters=free,
            data=2 * sum(len(each) for each in self.spectra),
            correlated=_lag_one(self.fits),
            flags=tuple(flag for trend in trends.values() for flag in trend.flags),
        )


@dataclass(frozen=True, eq=False)
class _Maps:
    """x_s = offset_s + matrix_s z, and where in z the coefficients of each tied parameter stand."""

    matrix: np.ndarray
    offset: np.ndarray
    places: dict[str, slice]
    laws: dict[str, str]
    designs: dict[str, Any]

    def trend(self, name: str, z: np.ndarray, spread: np.ndarray, logarithmic: bool) -> Trend:
        """The trend of a tied parameter at the solution."""
        at = self.places[name]
        return trend_of(name, self.laws[name], self.designs[name], (z[at], spread[at, at]), logarithmic)


def _at(x: np.ndarray, converged: bool) -> Minima:
    """Minima known already, without derivatives."""
    lanes, n = x.shape
    none = np.zeros(lanes)
    normal = np.broadcast_to(np.eye(n), (lanes, n, n))
    done = np.full(lanes, converged)
    return Minima(x, none, normal, np.zeros((lanes, n), dtype=bool), done, none)


def _widened(values: np.ndarray, length: int) -> np.ndarray:
    """Rows filled up with their last value: of padded points, which have no weight."""
    return np.pad(values, ((0, 0), (0, length - values.shape[1])), mode="edge")


def _lag_one(fits: Sequence[CircuitFit]) -> float:
    """The correlation of each residual with the next of its spectrum, of both parts, at least 0."""
    above, below = 0.0, 0.0
    for fit in fits:
        for part in (fit.residuals.real, fit.residuals.imag):
            above += float(np.sum(part[1:] * part[:-1]))
            below += float(np.sum(part**2))
    return min(max(above / below, 0.0), 0.98) if below > 0.0 else 0.0
