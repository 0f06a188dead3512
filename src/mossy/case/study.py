"""Studies of a case: maps of quantities over parameters, and which parameters matter."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from mossy.backend import jax
from mossy.case.batch import PROTOCOL, run_batch
from mossy.case.facts import salt_transport
from mossy.case.fitting import limits_of
from mossy.case.model import Case
from mossy.cells import Cell
from mossy.errors import InputError, suggest
from mossy.laws import transport
from mossy.numerics.status import Status
from mossy.simulate.batch import Batch
from mossy.simulate.quantities import QUANTITIES
from mossy.simulate.tables import AxisTable
from mossy.units import split, to_si

Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Axis:
    """One parameter of a map: its path, its values in `unit`, and whether their logarithm is drawn."""

    path: str
    values: np.ndarray
    unit: str
    logarithmic: bool


@dataclasses.dataclass(frozen=True)
class Map:
    """A map: its axes (the second may be absent), the batch behind it, and one row a lane, x fastest."""

    axes: tuple[Axis, ...]
    quantities: tuple[str, ...]
    batch: Batch
    table: pl.DataFrame

    def grid(self, column: str) -> np.ndarray:
        """A column as (y, x); (x,) where there is one axis."""
        shape = tuple(len(axis.values) for axis in reversed(self.axes))
        return self.table[column].cast(float).fill_null(float("nan")).to_numpy().reshape(shape)


def map_of(case: Case, progress: Progress | None = None) -> Map:
    """The [map] of a case. A lane that fails leaves a gap and its status; closed forms stand beside what they tell of.

    Raises InputError where there is no [map], and for what `run_batch` refuses.
    """
    if case.map is None:
        raise InputError("the case has no [map] table", key="map", remedy="name its axes and quantities")
    tables = [("x", case.map.x), *([("y", case.map.y)] if case.map.y is not None else [])]
    found = [_axis(case, table, f"map.{name}") for name, table in tables]
    axes = tuple(axis for axis, _ in found)
    if len({axis.path for axis in axes}) < len(axes):
        raise InputError("both axes are the same parameter", key="map.y.parameter", remedy="name another")
    grids = np.meshgrid(*(np.arange(len(axis.values)) for axis in axes))
    lanes = {axis.path: [texts[k] for k in grid.ravel()] for (axis, texts), grid in zip(found, grids, strict=True)}
    batch = run_batch(case, lanes, progress=progress)
    columns: dict[str, Any] = {axis.path: axis.values[grid.ravel()] for axis, grid in zip(axes, grids, strict=True)}
    columns["status"] = [Status(int(code)).name.lower() for code in batch.status]
    columns |= {name: QUANTITIES[name].of(batch) for name in case.map.quantities}
    columns |= _closed_forms(case, batch)
    return Map(axes, tuple(case.map.quantities), batch, pl.DataFrame(columns))


def _axis(case: Case, table: AxisTable, key: str) -> tuple[Axis, list[str | float]]:
    if not table.parameter.startswith(PROTOCOL):
        limits_of(case, table.parameter, f"{key}.parameter")
    texts, numbers, unit = table.texts(key)
    return Axis(table.parameter, numbers, unit, table.scale == "log"), texts


def _closed_forms(case: Case, batch: Batch) -> dict[str, np.ndarray]:
    """Limiting current and Sand's time of each lane in a planar cell, for the first current that plates."""
    if case.cell.model != "planar":
        return {}
    currents = _currents(batch)
    limit, time = (np.asarray(each) for each in jax.jit(jax.vmap(_limits))(batch.cells, currents))
    return {
        "plating_current_mA_per_cm2": currents / 10.0,
        "limiting_current_mA_per_cm2": limit / 10.0,
        "sand_time_s": time,
    }


def _currents(batch: Batch) -> np.ndarray:
    def first(lane: int) -> float:
        plates = (each.value for each in batch.schedule(lane).segments if each.mode == "current" and each.value > 0.0)
        return next(plates, np.nan)

    return np.array([first(lane) for lane in range(batch.lanes)])


def _limits(cell: Cell, current: Any) -> tuple[Any, Any]:
    """A/m2 and s, with the coefficients at the initial concentration."""
    c, porosity = cell.electrolyte.concentration, cell.separator.porosity
    diffusivity, transference, salt = salt_transport(cell)
    limit = transport.limiting_current(cell.separator.thickness, c, diffusivity, transference, **salt)
    # in pores both the salt and its diffusion fill only the porosity
    time = transport.sand_time(current / porosity, c, diffusivity / porosity, transference, **salt)
    return limit, time


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Influence of parameters on quantities: one row a quantity and parameter, the strongest first; runs that failed.

    first_order, total    Sobol's indices over the ranges, with their standard errors
    local                 d ln(quantity)/d ln(parameter) at the case's own values (d quantity per % where they are 0)
    """

    table: pl.DataFrame
    samples: int
    runs: int
    failed: int


def ranking_of(case: Case, progress: Progress | None = None) -> Ranking:
    """The [sensitivity] of a case: Sobol's indices (Saltelli's sampling, `scipy.stats`), and local slopes.

    A quantity that some run does not have is left out of the global indices with a null. Raises InputError where there
    is no [sensitivity], and for ranges and paths that are not allowed.
    """
    study = case.sensitivity
    if study is None:
        raise InputError("the case has no [sensitivity] table", key="sensitivity", remedy="name its parameters")
    if not study.parameters:
        raise InputError("there is no parameter", key="sensitivity.parameters", remedy="name some, with their ranges")
    ranges = {path: _range(case, path, given) for path, given in study.parameters.items()}
    for path in study.logarithmic:
        if path not in ranges:
            raise InputError(f"'{path}' is no parameter", key="sensitivity.logarithmic", remedy=suggest(path, ranges))
        if ranges[path][0] <= 0.0:
            key = f'sensitivity.parameters."{path}"'
            raise InputError(f"{ranges[path][0]:g} has no logarithm", key=key, remedy="raise it")
    count = 1 << (study.samples - 1).bit_length()
    held: dict[str, int] = {"runs": 0, "failed": 0}

    def evaluate(unit: np.ndarray) -> np.ndarray:
        """(quantities, points) at points (parameters, points) of the unit cube."""
        lanes = {
            path: _placed(unit[k], ranges[path], path in study.logarithmic) for k, path in enumerate(study.parameters)
        }
        batch = run_batch(case, _texted(case, lanes), progress=progress)
        held["runs"] += batch.lanes
        held["failed"] += int(np.sum(batch.status != 0))
        return np.array([QUANTITIES[name].of(batch) for name in study.quantities])

    # with a single parameter SciPy's shapes collapse: a second one, that nothing heeds, keeps them
    uniform = [stats.uniform() for _ in range(max(2, len(ranges)))]
    found = stats.sobol_indices(func=evaluate, n=count, dists=uniform, rng=np.random.default_rng(study.seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of confidence intervals that nobody asked for
        spread = found.bootstrap(n_resamples=200)
    local = _local(case, ranges)
    rows = []
    for q, name in enumerate(study.quantities):
        for k, path in enumerate(ranges):
            rows.append(
                {
                    "quantity": name,
                    "parameter": path,
                    "first_order": float(np.atleast_2d(found.first_order)[q, k]),
                    "first_order_error": float(np.atleast_2d(spread.first_order.standard_error)[q, k]),
                    "total": float(np.atleast_2d(found.total_order)[q, k]),
                    "total_error": float(np.atleast_2d(spread.total_order.standard_error)[q, k]),
                    "local": local[name][k],
                }
            )
    table = pl.DataFrame(rows).fill_nan(None).sort(["quantity", "total"], descending=[False, True], nulls_last=True)
    return Ranking(table, count, held["runs"], held["failed"])


def _range(case: Case, path: str, given: list[str | float]) -> tuple[float, float]:
    key = f'sensitivity.parameters."{path}"'
    if len(given) != 2:
        raise InputError(f"{len(given)} values are no range", key=key, remedy='give ["lowest", "highest"]')
    if path.startswith(PROTOCOL):
        low, high = (split(each, key)[0] if isinstance(each, str) else float(each) for each in given)
    else:
        limits = limits_of(case, path, key)
        try:
            low, high = (limits.parse(each) for each in given)
        except InputError as error:
            raise error.at(key) from None
    if not low < high:
        raise InputError(f"{low:g} is not below {high:g}", key=key, remedy="give the lower end first")
    return low, high


def _placed(unit: np.ndarray, ends: tuple[float, float], logarithmic: bool) -> np.ndarray:
    low, high = ends
    if logarithmic:
        return np.asarray(low * (high / low) ** unit)
    return np.asarray(low + (high - low) * unit)


def _texted(case: Case, lanes: dict[str, np.ndarray]) -> dict[str, Any]:
    """SI floats as they are; values of a protocol in the unit that its range was written in."""
    assert case.sensitivity is not None
    found: dict[str, Any] = dict(lanes)
    for path, values in lanes.items():
        given = case.sensitivity.parameters[path][0]
        if path.startswith(PROTOCOL) and isinstance(given, str):
            unit = split(given)[1]
            found[path] = [f"{float(value)!r} {unit}".strip() for value in values]
    return found


def _local(case: Case, ranges: dict[str, tuple[float, float]]) -> dict[str, list[float | None]]:
    """d ln q/d ln p about the case's own values by differences of 1 %: one batch of two runs a parameter."""
    assert case.sensitivity is not None
    paths, centre = list(ranges), {}
    for path, (low, high) in ranges.items():
        if path.startswith(PROTOCOL):
            text = case.protocol.values.get(path.removeprefix(PROTOCOL), "")
            given = case.sensitivity.parameters[path][0]
            unit = split(given)[1] if isinstance(given, str) else split(text)[1]
            centre[path] = to_si(text, unit) if unit else float(text)
        else:
            value = case.value_at(path)
            centre[path] = 0.5 * (low + high) if value is None else float(value)
    steps = {path: 0.01 * abs(centre[path]) or 0.01 * (high - low) for path, (low, high) in ranges.items()}
    lanes = {
        path: np.array([centre[path] + steps[path] * ((k == 2 * n + 1) - (k == 2 * n)) for k in range(2 * len(paths))])
        for n, path in enumerate(paths)
    }
    batch = run_batch(case, _texted(case, lanes))
    found: dict[str, list[float | None]] = {}
    for name in case.sensitivity.quantities:
        values = QUANTITIES[name].of(batch)
        column: list[float | None] = []
        for n, path in enumerate(paths):
            low, high = values[2 * n], values[2 * n + 1]
            slope = (high - low) / (2.0 * steps[path]) * (centre[path] or steps[path]) / (0.5 * (low + high) or 1.0)
            column.append(float(slope) if np.isfinite(slope) else None)
        found[name] = column
    return found


__all__ = ["Axis", "Map", "Ranking", "map_of", "ranking_of"]
