"""What a series of spectra is followed by: resistances at two frequencies, and parameters of fitted circuits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis import kramers_kronig
from mossy.analysis.circuits.fit import CircuitFit
from mossy.analysis.circuits.form import fitted_form
from mossy.analysis.circuits.model import top_parts
from mossy.analysis.circuits.text import Leaf, parse
from mossy.analysis.spectra import Spectrum, spectra_of
from mossy.errors import InputError

Trace = tuple[np.ndarray, np.ndarray]
"""(values, standard errors) by spectrum."""


@dataclass(frozen=True, eq=False)
class Span:
    """Re Z at the `highest` and the `lowest` frequency (Hz) that all spectra reach: `high`, `low` and their
    `difference`, ohm, by spectrum, with standard errors (NaN where the noise is not known).
    """

    lowest: float
    highest: float
    low: np.ndarray
    high: np.ndarray
    difference: np.ndarray
    low_error: np.ndarray
    high_error: np.ndarray
    difference_error: np.ndarray


def span(spectra: Iterable[Any], low: float | None = None, high: float | None = None) -> Span:
    """Re Z at the lowest and the highest frequency common to all spectra, and their difference.

    Arguments: `spectra`, Impedance records or pairs; `low`, `high` other frequencies, Hz, that all must reach. Between
    points Re Z is interpolated in ln f. Errors are those of the noise that the Kramers-Kronig test finds.
    Raises InputError for spectra without a common range, or a frequency outside it.

    >>> f = np.geomspace(1e3, 1.0, 13)
    >>> found = span([(f, 5.0 + size / (1.0 + 0.1j * f)) for size in (100.0, 50.0)], low=2.0, high=500.0)
    >>> found.difference.round(1).tolist()
    [95.7, 47.8]
    """
    known = spectra_of(spectra)
    return span_of(known, relative_noise(known), low, high)


def span_of(known: list[Spectrum], noise: np.ndarray, low: float | None = None, high: float | None = None) -> Span:
    """`span` of spectra whose relative noise is known."""
    least = max(float(each.frequency.min()) for each in known)
    most = min(float(each.frequency.max()) for each in known)
    lowest, highest = least if low is None else float(low), most if high is None else float(high)
    if not least <= lowest * (1 + 1e-9) < highest <= most * (1 + 1e-9):
        problem = f"{lowest:g} to {highest:g} Hz is not within {least:g} to {most:g} Hz, which all spectra share"
        raise InputError(problem, remedy="give frequencies within, or leave out the spectra that do not reach them")
    at = np.array([lowest, highest])
    values = np.stack([interpolated(each, at) for each in known])
    errors = noise[:, None] * np.abs(values)
    real = values.real
    return Span(
        lowest,
        highest,
        real[:, 0],
        real[:, 1],
        real[:, 0] - real[:, 1],
        errors[:, 0],
        errors[:, 1],
        np.hypot(errors[:, 0], errors[:, 1]),
    )


def interpolated(spectrum: Spectrum, frequency: np.ndarray) -> np.ndarray:
    """Complex Z, ohm, at frequencies (Hz) between the points, linear in ln f."""
    order = np.argsort(spectrum.frequency)
    x, z = np.log(spectrum.frequency[order]), spectrum.impedance[order]
    at = np.log(frequency)
    return np.asarray(np.interp(at, x, z.real) + 1j * np.interp(at, x, z.imag))


def relative_noise(known: list[Spectrum]) -> np.ndarray:
    """Standard deviation of Z' and Z'' over |Z|, at least half of the series' median; NaN where it cannot be known."""

    found = np.full(len(known), np.nan)
    long = [place for place, each in enumerate(known) if len(np.unique(each.frequency)) >= kramers_kronig.FEWEST]
    for place, validity in zip(long, kramers_kronig.test_many([known[k] for k in long]) if long else [], strict=True):
        sigma = validity.noise.standard_deviation(known[place].impedance) / known[place].modulus
        found[place] = float(np.sqrt(np.mean(sigma**2)))
    return np.maximum(found, 0.5 * np.nanmedian(found)) if len(long) else found


def span_traces(spans: Span) -> dict[str, Trace]:
    """Logarithms with their errors; NaN where a value is not positive."""
    parts = {
        "span": (spans.difference, spans.difference_error),
        "low": (spans.low, spans.low_error),
        "high": (spans.high, spans.high_error),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: (np.log(np.where(v > 0.0, v, np.nan)), e / np.abs(v)) for name, (v, e) in parts.items()}


def fit_traces(fits: Sequence[CircuitFit]) -> dict[str, Trace]:
    """ln of the series resistance, the arcs' resistance, the largest arc's capacitance and time constant."""
    circuit = next((fit.circuit for fit in fits if fit.status != "refused"), fits[0].circuit)
    arcs = [pair for pair in fitted_form(circuit).arcs.values()]
    series = [part.label for part in top_parts(parse(circuit)) if isinstance(part, Leaf) and part.symbol == "R"]
    largest = max(arcs, key=lambda pair: np.nanmedian([fit.parameters[pair[0]].value for fit in fits]), default=None)
    rows: dict[str, list[tuple[float, float]]] = {}
    for fit in fits:
        if series:
            rows.setdefault("R_inf", []).append(_log_sum(fit, series))
        if arcs:
            rows.setdefault("R", []).append(_log_sum(fit, [pair[0] for pair in arcs]))
        if largest is not None:
            capacitance, time = _log_arc(fit, *largest)
            rows.setdefault("C", []).append(capacitance)
            rows.setdefault("tau", []).append(time)
    found = {name: (np.array(row)[:, 0], np.array(row)[:, 1]) for name, row in rows.items()}
    return {name: (np.where(error < 0.5, value, np.nan), error) for name, (value, error) in found.items()}


def _log_sum(fit: CircuitFit, names: list[str]) -> tuple[float, float]:
    places = [fit.names.index(name) for name in names]
    total = float(sum(fit.values[places]))
    variance = float(fit.covariance[np.ix_(places, places)].sum())
    if not (total > 0.0 and np.isfinite(variance)):
        return np.nan, np.inf
    return float(np.log(total)), float(np.sqrt(variance)) / total


def _log_arc(fit: CircuitFit, resistor: str, other: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """(ln C, error) and (ln tau, error) with tau = (R Q)^(1/a), C = tau/R (through-film)."""
    names = [name for name in fit.names if name == resistor or name.partition(".")[0] == other]
    places = [fit.names.index(name) for name in names]
    values, covariance = fit.values[places], fit.covariance[np.ix_(places, places)]
    if not (np.isfinite(values).all() and np.isfinite(covariance).all() and (values > 0.0).all()):
        return (np.nan, np.inf), (np.nan, np.inf)
    alpha = values[2] if len(values) == 3 else 1.0
    time = float(np.log(values[0] * values[1]) / alpha)
    slope = np.array([1.0 / (alpha * values[0]), 1.0 / (alpha * values[1]), -time / alpha])[: len(values)]
    across = slope - np.array([1.0 / values[0], 0.0, 0.0])[: len(values)]
    error, other_error = (float(np.sqrt(max(each @ covariance @ each, 0.0))) for each in (across, slope))
    return (time - float(np.log(values[0])), error), (time, other_error)
