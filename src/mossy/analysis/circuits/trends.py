"""Trends of a parameter along a coordinate, as designs X of a linear model of its logarithm (of itself, for exponents).

"constant"    y = a
"linear"      y = a + b (x - mean)
"arrhenius"   y = a + p ln T + E p/(k T) for a power p of the resistance: the line of ln(sigma T)
"power"       y = a + n ln x: a growth law
"smooth"      y = a polynomial of a degree that rises with the number of spectra, 3 at most
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from mossy.analysis.spectra import Spectrum
from mossy.errors import InputError, suggest
from mossy.laws.impedance_physics import BOLTZMANN

COLDEST = 100.0  # K; below it someone gave degrees Celsius
_TEMPERATURE = re.compile(r"(?<![0-9.])(-?\d{1,4}(?:[.,]\d+)?)\s*[_ ]?(?:deg(?:rees)?[ _]?C?|°C|oC|C)(?![A-Za-z0-9])")
_KELVIN = re.compile(r"(?<![0-9.])(\d{2,4}(?:\.\d+)?)\s?K(?![A-Za-z0-9])")
LAWS = ("constant", "linear", "arrhenius", "power", "smooth")
COORDINATES = {
    "time": ("test_time_second", "s"),
    "cycle": ("cycle_count", "1"),
    "temperature": ("temperature_kelvin", "K"),
    "potential": ("voltage_volt", "V"),
    "salt": ("salt_concentration_mol_per_L", "mol/L"),
    "pressure": ("stack_pressure_pascal", "Pa"),
    "number": ("number", "1"),
}
"""What a series can run along: the name of its column and its unit."""


@dataclass(frozen=True, eq=False)
class Design:
    """y = offset + matrix theta; the names of theta."""

    matrix: np.ndarray
    offset: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Trend:
    """A parameter's trend: `coefficients` name -> (value, standard error), `scatter` the standard deviation of the
    parameter's logarithm (of itself for exponents) about it beyond its errors, `p_value` of a trend without scatter.

    `at_data` and `at_data_variance` are the trend at each spectrum. An Arrhenius trend's `activation_energy` is in eV,
    that of ln(sigma T).
    """

    parameter: str
    law: str
    coefficients: dict[str, tuple[float, float]]
    scatter: float
    p_value: float
    at_data: np.ndarray
    at_data_variance: np.ndarray
    logarithmic: bool
    flags: tuple[str, ...] = ()


def design_of(law: str, kind: str, x: np.ndarray, power: float) -> Design:
    """The design of a law along a coordinate; `power` is that of the resistance in the parameter."""
    if law not in LAWS:
        raise InputError(f"'{law}' is no trend", key="trends", remedy=suggest(str(law), LAWS))
    one, none = np.ones_like(x), np.zeros_like(x)
    if law == "constant":
        return Design(one[:, None], none, ("level",))
    if law == "arrhenius":
        if kind != "temperature":
            problem = f"an Arrhenius trend along {kind}"
            raise InputError(problem, key="trends", remedy="use it along temperature, in K")
        sign = power or 1.0
        return Design(
            np.stack([one, sign / (BOLTZMANN * x)], axis=1), power * np.log(x), ("level", "activation_energy")
        )
    if law == "power":
        if not (x > 0.0).all():
            raise InputError("a power law from a coordinate of 0", key="trends", remedy="count from before the first")
        return Design(np.stack([one, np.log(x)], axis=1), none, ("level", "exponent"))
    centred = (x - x.mean()) / (np.ptp(x) or 1.0)
    if law == "linear":
        return Design(np.stack([one, centred], axis=1), none, ("level", "change"))
    degree = int(np.clip(len(x) // 5, 1, 3))
    basis = np.polynomial.legendre.legvander(2.0 * centred, degree)
    return Design(basis, none, ("level", *(f"order_{k}" for k in range(1, degree + 1))))


def trend_of(name: str, law: str, design: Design, found: Any, logarithmic: bool) -> Trend:
    """The trend from random effects, or from (coefficients, covariance) of a tied series."""
    if isinstance(found, tuple):
        theta, covariance, scatter, p_value = *found, 0.0, float("nan")
    else:
        theta, covariance = found.coefficients, found.covariance
        scatter, p_value = float(np.sqrt(found.variances[0])), float(found.p_value)
    errors = np.sqrt(np.diagonal(covariance))
    pairs = {key: (float(v), float(e)) for key, v, e in zip(design.names, theta, errors, strict=True)}
    at_data = design.offset + design.matrix @ theta
    variance = np.einsum("sp,pq,sq->s", design.matrix, covariance, design.matrix)
    flags = []
    if p_value < 1e-3:
        size = f"{100.0 * scatter:.2g} %" if logarithmic else f"{scatter:.2g}"
        flags.append(f"{name} scatters about its {law} trend by {size}, more than its errors (p = {p_value:.1g})")
    return Trend(name, law, pairs, scatter, p_value, at_data, variance, logarithmic, tuple(flags))


def default_trends(units: Mapping[str, str], kind: str) -> dict[str, str]:
    """What is expected of a circuit's parameters along a kind of coordinate."""
    if kind != "temperature":
        return dict.fromkeys(units, "smooth")
    found = {}
    for name, unit in units.items():
        found[name] = "arrhenius" if unit in ("ohm", "s") else "constant" if unit == "1" else "linear"
    return found


def coordinate_of(spectra: list[Spectrum], given: Any, kind: str) -> tuple[np.ndarray, str]:
    """(coordinate, kind) of a series: numbers as given, or what the records say of themselves."""
    if given is None or isinstance(given, str):
        names = [given] if given else [kind] if kind else ["temperature", "time", "cycle", "potential"]
        for name in names:
            if name not in COORDINATES:
                raise InputError(f"'{name}' is no coordinate", key="coordinate", remedy=suggest(name, COORDINATES))
            if name == "number":
                return np.arange(1.0, len(spectra) + 1.0), name
            found = [_said(each, name) for each in spectra]
            if all(value is not None for value in found) and (given or kind or len(set(found)) == len(found)):
                return np.array(found, dtype=float), name
        if given or kind:
            remedy = "give it as an array, one number a spectrum"
            raise InputError(f"the spectra do not say their {names[0]}", key="coordinate", remedy=remedy)
        return np.arange(1.0, len(spectra) + 1.0), "number"
    x = np.asarray(given, dtype=float)
    if x.shape != (len(spectra),) or not np.isfinite(x).all():
        problem = f"a coordinate of shape {x.shape} for {len(spectra)} spectra"
        raise InputError(problem, key="coordinate", remedy="give one finite number a spectrum")
    if kind and kind not in COORDINATES:
        raise InputError(f"'{kind}' is no kind of coordinate", key="kind", remedy=suggest(kind, COORDINATES))
    if kind == "temperature" and not (x > COLDEST).all():
        raise InputError(f"a temperature of {x.min():g} K", key="coordinate", remedy="give kelvin")
    return x, kind or "number"


def temperature_in(name: str) -> float | None:
    """The temperature in a file's name, degC, where exactly one stands there.

    >>> [temperature_in(name) for name in ("s04147-140deg", "cell 25C run3", "C05_300K", "x")]
    [140.0, 25.0, 26.85, None]
    """
    found = [float(match.replace(",", ".")) for match in _TEMPERATURE.findall(name)]
    found += [round(float(match) - 273.15, 6) for match in _KELVIN.findall(name)]
    return found[0] if len(found) == 1 and found[0] > -273.15 else None


def _said(spectrum: Spectrum, kind: str) -> float | None:
    """What a spectrum's metadata say of a coordinate."""
    said = spectrum.metadata
    if kind == "temperature":
        value = said.get("temperature_celsius", temperature_in(Path(str(said.get("source_path", ""))).stem))
        return None if value is None else float(value) + 273.15
    key = {"time": "series_time_second", "cycle": "series_cycle", "potential": "series_voltage_volt"}.get(kind)
    value = said.get(key or kind)
    return float(value) if isinstance(value, int | float) else None


def along(kind: str, value: float) -> dict[str, float]:
    """A coordinate as an entry of a table's row."""
    return {COORDINATES[kind][0]: value}


@dataclass(frozen=True)
class Ranked:
    """A way to fit a series among others: its Bayesian weight, and whether its lack of fit rejects it."""

    ties: str
    trends: str
    chi_squared: float
    free_parameters: int
    bic: float
    weight: float
    p_value: float
    rejected: bool


def compare(fits: list[Any], level: float = 0.01) -> list[Ranked]:
    """Ways to fit one series with one circuit, the best first, each tested against the one with most freedom.

        F = (chi2 - chi2_free)/(k_free - k) / (chi2_free/(n - k_free)),   n = data (1 - r)/(1 + r)

    with r the correlation of neighbouring residuals of the free fit: systematic misfit makes fewer of them count.
    `rejected` where the tail of F is below `level`. Weights exp(-BIC/2), normalised.

    Source: F test of nested models, as in G. A. F. Seber, C. J. Wild, Nonlinear Regression (Wiley, 1989), 5.9; the
    number of independent values, G. V. Bayley, J. M. Hammersley, J. R. Stat. Soc. 8 (1946) 184.
    """
    free = max(fits, key=lambda each: each.free_parameters)
    n = free.independent
    smallest = min(each.bic for each in fits)
    weights = np.array([np.exp(-0.5 * (each.bic - smallest)) for each in fits])
    ranked = []
    for each, weight in zip(fits, weights / weights.sum(), strict=True):
        fewer = free.free_parameters - each.free_parameters
        p = 1.0
        if fewer > 0:
            left = max(n - free.free_parameters, 1.0)
            ratio = (each.chi_squared - free.chi_squared) / fewer / (free.chi_squared / left)
            p = float(stats.f.sf(max(ratio, 0.0), fewer, left))
        trends = json.dumps({name: trend.law for name, trend in each.trends.items()})
        ranked.append(
            Ranked(each.ties, trends, each.chi_squared, each.free_parameters, each.bic, float(weight), p, p < level)
        )
    return sorted(ranked, key=lambda one: (one.rejected, one.bic))
