"""Sudden changes in a series of spectra: where they happen, and which explanations the data allow.

What the explanations predict of Z' after from Z before, R_inf the resistance above which the interfaces lie:

    soft short         Z' = 1/(1/Z + 1/Z_s)                          a path of electrons beside the whole cell
    area growth        Z' = R_inf + (Z - R_inf)/a                    mossy metal, or a film thinner by a: R/a, C a
    faster interface   Z' = R_inf + 1/(1/(Z - R_inf) + 1/R_p)        a path through the film: R falls, C stays
    series resistance  Z' = Z + dR                                   contact, electrolyte
    whole area         Z' = Z/k                                      wetting, pressure: everything scales alike

A larger area and a thinner film are one and the same here. Of an arc R, C a short makes another one, with

    tau' = tau (R_inf + Z_s)/(R + R_inf + Z_s),   C' = C (1 + R_inf/Z_s)^2,   R_inf' = R_inf Z_s/(R_inf + Z_s):

its time constant falls and its capacitance hardly changes, while area growth keeps R C. A faster interface with R_inf
= 0 is a short: only the high-frequency resistance tells the two apart, and where the spectra do not reach it, a short
and a larger area often cannot be told apart either. Steps that are slower than from one spectrum to the next are
trends here; what a film does slowly is a matter for `mossy.analysis.growth`.

Source: the equations are circuit algebra, derived here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mossy.analysis.circuits.fit import CircuitFit
from mossy.analysis.events.event import Event
from mossy.analysis.events.evidence import (
    Series,
    fit_evidence,
    floor_evidence,
    rest_evidence,
    return_evidence,
    step_evidence,
    voltage_evidence,
)
from mossy.analysis.events.explanations import (
    LAWS,
    deviation,
    explained,
    high_frequency_resistance,
    inflation_of,
    ordered,
    pair_beside,
    verdict,
)
from mossy.analysis.events.steps import FEW, find_steps, scatter
from mossy.analysis.events.traces import Span, fit_traces, relative_noise, span, span_of, span_traces
from mossy.analysis.spectra import spectra_of
from mossy.errors import InputError
from mossy.numerics.threads import one_blas_thread
from mossy.records import Record


@one_blas_thread
def events(
    spectra: Iterable[Any],
    coordinate: Any,
    fits: Sequence[CircuitFit] | None = None,
    voltage: Any = None,
    *,
    unit: str = "",
) -> list[Event]:
    """Where a series of spectra changes suddenly, with the explanations that its spectra allow.

    A step is looked for in the logarithms of the span, of Re Z at its two ends, and, with `fits`, of the resistance in
    series, the arcs' resistance, and the largest arc's capacitance and time constant. In each gap between two spectra

        y = a + b u + c u^2 + step H(u),   u = (x - x_gap)/width

    is fitted to at most `steps.WINDOW` spectra on each side, straight where few are left; scatter is the larger
    of the noise and of what the series shows. The largest step above the threshold is an event, windows end there, and
    the search goes on. The spectra on both sides are then compared by each explanation (see the module), misfits
    measured against those of quiet neighbours, and all explanations within an Akaike weight of
    `explanations.RIVAL` of the best are named.

    Arguments: `spectra` in order, six or more; `coordinate`, rising; `fits` of one circuit to them; `voltage` under
    current: a Cycling record, or (time, voltage) in the unit of the coordinate and V; `unit` of the coordinate.
    Raises InputError for fewer spectra, a coordinate that does not rise, fits of another number.
    Limits: the first two gaps are not searched, since a trend cannot be told from a step there; a change over several
    spectra is a trend. Measured with 1 % noise (43 points, films that grow slowly, the cells of
    tests/test_series_events.py): false alarms in 7 of 2,100 series of 8 to 45 spectra, 3 of 200 at most, where the film
    is young and grows as sqrt(t); of 40 series of 14, steps of the interface or the cell by a factor 1.1, 1.2, 1.3 and
    2 are found in 8-17, 38-39, 39-40 and 40.

    >>> f = np.geomspace(1e5, 0.1, 25)
    >>> noise = np.random.default_rng(1).normal(scale=1e-3, size=(12, 2, 25))
    >>> whole = [20.0 + 100.0 / (1.0 + 1e-3j * f) for _ in range(7)]
    >>> series = whole + [1.0 / (1.0 / z + 1.0 / 100.0) for z in whole[:5]]
    >>> series = [(f, z * (1.0 + n[0] + 1j * n[1])) for z, n in zip(series, noise)]
    >>> [(each.kind, each.bracket) for each in events(series, np.arange(12.0))]
    [('soft short', (6.0, 7.0))]
    """
    given = list(spectra)
    known = spectra_of(given)
    x = _checked(coordinate, len(known), fits)
    noise = relative_noise(known)
    spans = span_of(known, noise)
    traces = span_traces(spans) | (fit_traces(fits) if fits is not None else {})
    breaks = find_steps(x, list(traces.values()))
    if not breaks:
        return []
    inflation = inflation_of(known, noise, breaks)
    under_current = None if voltage is None else _voltage_of(voltage)
    series = Series(given, known, x, noise, spans, traces, breaks, inflation, under_current, unit)
    return [_event(series, gap) for gap in breaks]


def _checked(coordinate: Any, count: int, fits: Sequence[CircuitFit] | None) -> np.ndarray:
    x = np.asarray(coordinate, dtype=float)
    if x.shape != (count,) or not np.isfinite(x).all() or np.any(np.diff(x) <= 0.0):
        problem = f"a coordinate of shape {x.shape} for {count} spectra, or one that does not rise"
        raise InputError(problem, key="coordinate", remedy="give one finite number a spectrum, in rising order")
    if count < FEW:
        raise InputError(f"{count} spectra", remedy=f"a step is told from a trend with at least {FEW}")
    if fits is not None and len(fits) != count:
        raise InputError(f"{len(fits)} fits for {count} spectra", key="fits", remedy="give one for each")
    return x


def _voltage_of(given: Any) -> tuple[np.ndarray, np.ndarray]:
    """(time, voltage) of a Cycling record or a pair, in rising time."""
    if isinstance(given, Record):
        pair = tuple(given.table[name].to_numpy().astype(float) for name in ("test_time_second", "voltage_volt"))
    else:
        pair = tuple(np.asarray(each, dtype=float) for each in given[:2])
    time, volt = pair
    if time.ndim != 1 or time.shape != volt.shape:
        problem = f"{time.shape} times and {volt.shape} voltages"
        raise InputError(problem, key="voltage", remedy="give a Cycling record, or two arrays of one length")
    good = np.isfinite(time) & np.isfinite(volt)
    order = np.argsort(time[good], kind="stable")
    return time[good][order], volt[good][order]


def _event(series: Series, gap: int) -> Event:
    spans, x = series.spans, series.x
    one, other, errors = pair_beside(series.known, series.noise, gap)
    old, new = ordered(one, other)
    rises = old is not one
    errors = errors[::-1] if rises else errors
    within, words, measured = high_frequency_resistance(
        series.known[gap + 1 if rises else gap], new, float(np.hypot(*errors))
    )
    drift, wider = _usual_change(series), np.sqrt(series.inflation)
    found = {key: explained(key, old, new, wider * deviation(key, old, new, errors), within, drift) for key in LAWS}
    kind, reasons = verdict(found, rises)
    factor, error = _span_factor(series, gap)
    under_current, moment = voltage_evidence(series, gap)
    place = moment if moment is not None else 0.5 * float(x[gap] + x[gap + 1])
    text = (
        f"{kind} between {series.at(x[gap])} and {series.at(x[gap + 1])}: Re Z at {spans.lowest:.4g} Hz goes from "
        f"{spans.low[gap]:.4g} to {spans.low[gap + 1]:.4g} ohm, its span down to that at {spans.highest:.4g} Hz from "
        f"{spans.difference[gap]:.4g} to {spans.difference[gap + 1]:.4g} ohm"
    )
    evidence = (
        step_evidence(series, gap),
        words,
        *floor_evidence(new, within, measured, spans.lowest),
        *reasons,
        *fit_evidence(series.traces, gap, measured),
        *return_evidence(series, gap),
        *rest_evidence(series, gap),
        *under_current,
    )
    return Event(kind, place, (float(x[gap]), float(x[gap + 1])), factor, error, text, evidence)


def _span_factor(series: Series, gap: int) -> tuple[float, float]:
    """Factor of the span from one spectrum to the next with its error from the scatter of the series."""
    y, error = series.traces["span"]
    s = scatter(series.x, y, error)
    ratio = float(np.exp(y[gap + 1] - y[gap]))
    return ratio, ratio * float(np.hypot(s[gap], s[gap + 1]))


def _usual_change(series: Series) -> float:
    """How much ln(span) usually changes from one spectrum to the next where nothing happens."""
    change = np.delete(np.abs(np.diff(series.traces["span"][0])), series.breaks)
    change = change[np.isfinite(change)]
    return max(1.4826 * float(np.median(change)), 1e-3) if len(change) else 1e-3


__all__ = ["Event", "Span", "events", "span"]
