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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from mossy.analysis.circuit_fit import CircuitFit
from mossy.analysis.circuit_model import fitted_form, top_parts
from mossy.analysis.circuit_text import Leaf, parse
from mossy.analysis.spectra import Spectrum, spectra_of
from mossy.errors import InputError
from mossy.records import Impedance, Record

WINDOW = 6
"""Spectra on each side of a gap through which the slow trend is drawn."""
SIDES = ((WINDOW, WINDOW), (WINDOW, 1), (1, WINDOW))
"""How many spectra before and after a gap a step is fitted to: an onset that what follows blurs is seen from before."""
FEW = 6
"""Spectra that a step and a straight trend need at least."""
LEVEL = 1e-3
"""Chance of a false alarm in a series without events that the thresholds are set to, for normal scatter."""
LEAST = 0.05
"""Change of a logarithm below which a step is no event, however certain."""
RIVAL = 0.05
"""Akaike weight relative to the best from which on another explanation stands."""
MISFIT = 1e-3
"""Chance of a misfit as large below which an explanation does not fit."""
CLOSED = 0.5
"""Part of its largest -Z'' to which an arc must have fallen at the highest frequency for R_inf to be measured."""
SHARE, TIMES, SAME = 0.3, 4.0, 0.02
"""A collapse: least share of |V| lost, and how many usual changes; change of current up to which it stays the same."""
QUIET = 40
"""Quiet neighbours, at most, by which the misfits are measured."""
LARGE = 1.5
"""Factor from which on a change of the voltage at rest is said to speak for a short."""
_NAMES = {
    "short": ("soft short", "end of a soft short"),
    "area": ("area growth or thinner film", "area loss or thicker film"),
    "path": ("faster interface", "slower interface"),
    "series": ("better contact", "loss of contact"),
    "whole": ("larger wetted area", "loss of wetted area"),
    "both": ("soft short and area growth", "end of a soft short and area loss"),
}


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


@dataclass(frozen=True)
class Event:
    """A sudden change: `kind` is the verdict, `coordinate` where, within `bracket`; `factor` that of the span (of the
    voltage, for a voltage event) with its standard error; `text` says it in one sentence, `evidence` why.
    """

    kind: str
    coordinate: float
    bracket: tuple[float, float]
    factor: float
    factor_error: float
    text: str
    evidence: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; None for what is not finite."""
        found = asdict(self) | {"bracket": list(self.bracket), "evidence": list(self.evidence)}
        for name in ("factor", "factor_error"):
            found[name] = found[name] if np.isfinite(found[name]) else None
        return found


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
    return _span(known, _noise(known), low, high)


def _span(known: list[Spectrum], noise: np.ndarray, low: float | None, high: float | None) -> Span:
    least = max(float(each.frequency.min()) for each in known)
    most = min(float(each.frequency.max()) for each in known)
    lowest, highest = least if low is None else float(low), most if high is None else float(high)
    if not least <= lowest * (1 + 1e-9) < highest <= most * (1 + 1e-9):
        problem = f"{lowest:g} to {highest:g} Hz is not within {least:g} to {most:g} Hz, which all spectra share"
        raise InputError(problem, remedy="give frequencies within, or leave out the spectra that do not reach them")
    at = np.array([lowest, highest])
    values = np.stack([_interpolated(each, at) for each in known])
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


def _interpolated(spectrum: Spectrum, frequency: np.ndarray) -> np.ndarray:
    order = np.argsort(spectrum.frequency)
    x, z = np.log(spectrum.frequency[order]), spectrum.impedance[order]
    at = np.log(frequency)
    return np.asarray(np.interp(at, x, z.real) + 1j * np.interp(at, x, z.imag))


def _noise(known: list[Spectrum]) -> np.ndarray:
    """Standard deviation of Z' and Z'' over |Z|, at least half of the series' median; NaN where it cannot be known."""
    from mossy.analysis.kramers_kronig import FEWEST, test_many

    found = np.full(len(known), np.nan)
    long = [place for place, each in enumerate(known) if len(np.unique(each.frequency)) >= FEWEST]
    for place, validity in zip(long, test_many([known[k] for k in long]) if long else [], strict=True):
        sigma = validity.noise.standard_deviation(known[place].impedance) / known[place].modulus
        found[place] = float(np.sqrt(np.mean(sigma**2)))
    return np.maximum(found, 0.5 * np.nanmedian(found)) if len(long) else found


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

    is fitted to at most `WINDOW` spectra on each side, down to a constant where few are left; scatter is the larger of
    the noise and of what the series shows. The largest step above the threshold is an event, windows end there, and the
    search goes on. The spectra on both sides are then compared by each explanation (see the module), misfits measured
    against those of quiet neighbours, and all explanations within an Akaike weight of `RIVAL` of the best are named.

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
    noise = _noise(known)
    spans = _span(known, noise, None, None)
    traces = _traces(spans) | (_fit_traces(fits) if fits is not None else {})
    breaks = _steps(x, list(traces.values()))
    if not breaks:
        return []
    inflation = _inflation(known, noise, breaks)
    trace = None if voltage is None else _voltage_of(voltage)
    series = _Series(given, known, x, noise, spans, traces, breaks, inflation, trace, unit)
    return [_event(series, gap) for gap in breaks]


def _voltage_of(given: Any) -> Trace:
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


def _checked(coordinate: Any, count: int, fits: Sequence[CircuitFit] | None) -> np.ndarray:
    x = np.asarray(coordinate, dtype=float)
    if x.shape != (count,) or not np.isfinite(x).all() or np.any(np.diff(x) <= 0.0):
        problem = f"a coordinate of shape {x.shape} for {count} spectra, or one that does not rise"
        raise InputError(problem, key="coordinate", remedy="give one finite number a spectrum, in rising order")
    if count < 6:
        raise InputError(f"{count} spectra", remedy="a step is told from a trend with at least 6")
    if fits is not None and len(fits) != count:
        raise InputError(f"{len(fits)} fits for {count} spectra", key="fits", remedy="give one for each")
    return x


Trace = tuple[np.ndarray, np.ndarray]


def _traces(spans: Span) -> dict[str, Trace]:
    """Logarithms with their errors; NaN where a value is not positive."""
    parts = {
        "span": (spans.difference, spans.difference_error),
        "low": (spans.low, spans.low_error),
        "high": (spans.high, spans.high_error),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: (np.log(np.where(v > 0.0, v, np.nan)), e / np.abs(v)) for name, (v, e) in parts.items()}


def _fit_traces(fits: Sequence[CircuitFit]) -> dict[str, Trace]:
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


def _steps(x: np.ndarray, traces: list[Trace]) -> list[int]:
    """The gaps with a step, by the place of the spectrum before: greedy, then each again with all others known."""
    scaled = [(y, _scatter(x, y, e)) for y, e in traces]
    threshold = float(stats.t.isf(LEVEL / (2.0 * len(traces) * (len(x) - 1)), len(x)))

    def statistic(gap: int, breaks: list[int]) -> float:
        sizes = [_step(x, y, s, gap, breaks, sides) for y, s in scaled for sides in SIDES]
        return max((abs(step) / error for step, error in sizes if abs(step) > LEAST), default=0.0)

    breaks: list[int] = []
    sizes = np.array([statistic(gap, breaks) for gap in range(len(x) - 1)])
    while sizes.max() > threshold:
        found = int(sizes.argmax())
        breaks = sorted([*breaks, found])
        for gap in range(max(found - WINDOW, 0), min(found + WINDOW + 1, len(sizes))):
            sizes[gap] = 0.0 if gap in breaks else statistic(gap, breaks)
        sizes[found] = 0.0
    for gap in list(breaks):
        others = [each for each in breaks if each != gap]
        breaks = breaks if statistic(gap, others) > threshold else others
    return breaks


def _scatter(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Standard deviation of each point: its noise, or what the points show against the line of their neighbours."""
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    off = (y[1:-1] - (1.0 - share) * y[:-2] - share * y[2:]) / np.sqrt(1.0 + share**2 + (1.0 - share) ** 2)
    off = off[np.isfinite(off)]
    shown = 1.4826 * float(np.median(np.abs(off))) if len(off) else np.inf
    return np.maximum(np.where(np.isfinite(error), error, 0.0), max(shown, 1e-6))


def _step(
    x: np.ndarray, y: np.ndarray, s: np.ndarray, gap: int, breaks: list[int], sides: tuple[int, int]
) -> tuple[float, float]:
    """(step, standard error) of y in the gap after a spectrum, with at most so many spectra on its two `sides`.

    (0, infinity) where a step cannot be told from a trend.
    """
    first = max([each + 1 for each in breaks if each < gap], default=0)
    last = min([each for each in breaks if each > gap], default=len(x) - 1)
    before = [k for k in range(max(first, gap - sides[0] + 1), gap + 1) if np.isfinite(y[k])]
    after = [k for k in range(gap + 1, min(last, gap + sides[1]) + 1) if np.isfinite(y[k])]
    rows = np.array(before + after, dtype=int)
    if not before or not after or len(rows) < FEW or gap < 2 or not np.isfinite(s[rows]).all():
        return 0.0, np.inf
    degree = 2 if len(rows) >= 8 else 1
    u = (x[rows] - 0.5 * (x[gap] + x[gap + 1])) / np.ptp(x[rows])
    design = np.column_stack([u[:, None] ** np.arange(degree + 1), u > 0.0]) / s[rows, None]
    values, *_ = np.linalg.lstsq(design, y[rows] / s[rows], rcond=None)
    misfit = float(np.sum((y[rows] / s[rows] - design @ values) ** 2))
    scale = max(1.0, misfit / (len(rows) - design.shape[1]))
    variance = float(np.linalg.pinv(design.T @ design)[-1, -1])
    return float(values[-1]), float(np.sqrt(variance * scale))


@dataclass(frozen=True)
class Explanation:
    """One explanation fitted to the two spectra beside a gap: `values` of the law's parameters with errors; `akaike` is
    -2 ln likelihood + 2 parameters, up to a constant of the pair; `largest` |Z|, ohm. It fits unless so large a misfit
    has a chance below `MISFIT`.
    """

    key: str
    values: dict[str, tuple[float, float]]
    chi_squared: float
    freedom: int
    akaike: float
    relative_rms: float
    largest: float

    @property
    def fits(self) -> bool:
        """Whether the spectra allow it at all."""
        return bool(stats.chi2.sf(self.chi_squared, self.freedom) > MISFIT)


Law = Callable[[np.ndarray, np.ndarray], np.ndarray]
_LAWS: dict[str, tuple[Law, tuple[str, ...]]] = {
    "short": (lambda z, p: z / (1.0 + p[0] * z), ("conductance",)),
    "area": (lambda z, p: p[1] + (z - p[1]) * np.exp(-p[0]), ("area", "R_inf")),
    "path": (lambda z, p: p[1] + (z - p[1]) / (1.0 + p[0] * (z - p[1])), ("conductance", "R_inf")),
    "series": (lambda z, p: z - p[0], ("resistance",)),
    "whole": (lambda z, p: z * np.exp(-p[0]), ("area",)),
    "both": (lambda z, p: _LAWS["short"][0](_LAWS["area"][0](z, p[1:]), p), ("conductance", "area", "R_inf")),
}
"""Z of the smaller impedance from that of the larger, and what its parameters are (ln of an area)."""


def _explained(
    key: str, old: np.ndarray, new: np.ndarray, sigma: np.ndarray, within: tuple[float, float], drift: float = 0.0
) -> Explanation:
    """One explanation of the smaller impedance `new` by the larger `old`, R_inf `within` (ohm).

    Where the explanation leaves the area of the interface as it is, it may have drifted as it usually does from one
    spectrum to the next: its logarithm has a normal prior of standard deviation `drift`, about the middle of `within`.
    """
    law, names = _LAWS[key]
    drifts = drift > 0.0 and "area" not in names
    middle = 0.5 * (within[0] + within[1])
    names = (*names, "drift") if drifts else names
    size = float(np.max(np.abs(old)))
    limits = {
        "conductance": (0.0, 1e3 / size),
        "area": (0.0, 10.0),
        "R_inf": within,
        "resistance": (0.0, size),
        "drift": (-1.0, 1.0),
    }
    lower, upper = np.array([limits[name] for name in names]).T
    guess = {
        "conductance": max(1.0 / np.abs(new).max() - 1.0 / size, 1e-3 / size),
        "area": max(float(np.log(size / np.abs(new).max())), 1e-3),
        "resistance": max(size - float(np.abs(new).max()), 1e-3 * size),
        "drift": 0.0,
    }

    def model(p: np.ndarray) -> np.ndarray:
        return law(_LAWS["area"][0](old, np.array([p[-1], middle])) if drifts else old, p)

    def residual(p: np.ndarray) -> np.ndarray:
        off = (new - model(p)) / sigma
        return np.concatenate([off.real, off.imag, p[-1:] / drift if drifts else []])

    searches = []
    for share in (0.1, 0.9) if "R_inf" in names else (0.5,):
        start = np.array([within[0] + share * (within[1] - within[0]) if n == "R_inf" else guess[n] for n in names])
        scale = np.where(start == 0.0, 0.1, np.maximum(np.abs(start), 1e-6 / size))
        searches.append(optimize.least_squares(residual, start, bounds=(lower, upper), x_scale=scale, max_nfev=200))
    best = min(searches, key=lambda each: float(each.cost))
    chi = float(2.0 * best.cost)
    count = len(names) - drifts
    freedom = 2 * len(old) - count
    akaike = chi + 4.0 * float(np.sum(np.log(sigma / size))) + 2.0 * count
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(best.jac.T @ best.jac)), 0.0) * max(1.0, chi / freedom))
    values = {name: (float(v), float(e)) for name, v, e in zip(names, best.x, errors, strict=True)}
    rms = float(np.sqrt(np.mean(np.abs((new - model(best.x)) / new) ** 2)))
    return Explanation(key, values, chi, freedom, akaike, rms, size)


def _pair(known: list[Spectrum], noise: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Z before, Z after, relative noise of each) at rising frequencies where both spectra reach, above the tails of
    diffusion: an area of the interface leaves the electrolyte's as they are.
    """
    one, other = known[gap], known[gap + 1]
    least, most = other.frequency.min() * (1.0 - 1e-9), other.frequency.max() * (1.0 + 1e-9)
    frequency = np.unique(one.frequency[(one.frequency >= least) & (one.frequency <= most)])
    one_there, other_there = _interpolated(one, frequency), _interpolated(other, frequency)
    usual = float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.01
    errors = np.where(np.isfinite(noise[gap : gap + 2]), noise[gap : gap + 2], usual)
    relative = float(np.hypot(*errors))
    kept = slice(max(_tail(one_there, relative), _tail(other_there, relative)), None)
    return one_there[kept], other_there[kept], errors


def _tail(z: np.ndarray, relative: float) -> int:
    """How many points, from the lowest frequency, belong to a diffusion tail: there -Z'' falls as f rises."""
    height = -z.imag
    smooth = np.array([np.median(height[max(k - 1, 0) : k + 2]) for k in range(len(height))])
    bottom = 0
    for k in range(1, len(smooth)):
        if smooth[k] > smooth[bottom] + relative * abs(z[k]):
            break
        bottom = k if smooth[k] < smooth[bottom] else bottom
    deep = smooth[0] - smooth[bottom] > 2.0 * relative * abs(z[0])
    return bottom if deep and len(z) - bottom >= FEW else 0


def _inflation(known: list[Spectrum], noise: np.ndarray, breaks: list[int]) -> float:
    """How far quiet neighbours differ beyond their noise, in chi squared: what no explanation is asked to explain."""
    quiet = np.array([gap for gap in range(len(known) - 1) if gap not in breaks])
    chosen = (
        quiet[np.unique(np.linspace(0, len(quiet) - 1, min(len(quiet), QUIET)).astype(int))] if len(quiet) else quiet
    )
    sizes = [1.0]
    for gap in chosen:
        one, other, errors = _pair(known, noise, int(gap))
        if len(one) > 2:
            old, new = _ordered(one, other)
            sigma = _sigma("both", old, new, errors if old is one else errors[::-1])
            fit = _explained("both", old, new, sigma, (0.0, max(float(new.real.min()), 1e-9)))
            sizes.append(fit.chi_squared / fit.freedom)
    return max(1.0, float(np.median(sizes)))


def _sigma(key: str, old: np.ndarray, new: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Standard deviation of `new` less what an explanation makes of `old`, of which most scale the noise with Z;
    `errors` relative, of old and new.
    """
    carried = np.abs(old) if key == "series" else np.abs(new)
    return np.asarray(np.hypot(errors[1] * np.abs(new), errors[0] * carried))


def _drift(series: _Series) -> float:
    """How much ln(span) usually changes from one spectrum to the next where nothing happens."""
    change = np.delete(np.abs(np.diff(series.traces["span"][0])), series.breaks)
    change = change[np.isfinite(change)]
    return max(1.4826 * float(np.median(change)), 1e-3) if len(change) else 1e-3


def _ordered(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(larger, smaller) by Re Z at the lowest frequency, which comes first."""
    return (one, other) if one.real[0] >= other.real[0] else (other, one)


def _high_frequency(spectrum: Spectrum, new: np.ndarray, relative: float) -> tuple[tuple[float, float], str, bool]:
    """(range that R_inf can have, ohm; the sentence that says why; whether it was measured)."""
    order = np.argsort(spectrum.frequency)[::-1]
    z, top = spectrum.impedance[order], float(spectrum.frequency[order[0]])
    height, most = float(-z[0].imag), float(np.max(-z.imag))
    closed = height <= CLOSED * most and height < float(-z[min(2, len(z) - 1)].imag)
    if closed:
        slack = 3.0 * relative * abs(z[0])
        low, high = max(0.0, float(z[0].real) - abs(height) - slack), float(z[0].real) + slack
        return (low, high), f"the arcs are closed at {top:.4g} Hz: R_inf is {low:.4g} to {high:.4g} ohm", True
    high = float(min(spectrum.impedance.real.min(), new.real.min()))
    text = (
        f"the arcs are not closed at {top:.4g} Hz, where -Z'' is {height:.3g} of at most {most:.3g} ohm: R_inf was not "
        f"measured, and 0 to {high:.4g} ohm are allowed"
    )
    return (0.0, max(high, 1e-9)), text, False


def _below(new: np.ndarray, within: tuple[float, float], measured: bool, lowest: float) -> list[str]:
    if not (measured and new.real[0] < within[0]):
        return []
    return [
        f"Re Z({lowest:.4g} Hz) is {new.real[0]:.4g} ohm, below R_inf of the larger spectrum: no interface does that"
    ]


@dataclass(frozen=True, eq=False)
class _Series:
    """What the description of an event draws on."""

    records: list[Any]
    known: list[Spectrum]
    x: np.ndarray
    noise: np.ndarray
    spans: Span
    traces: dict[str, Trace]
    breaks: list[int]
    inflation: float
    voltage: Trace | None
    unit: str

    def at(self, value: float) -> str:
        """A coordinate in words."""
        hours = f" ({value / 3600.0:.2f} h)" if self.unit == "s" and abs(value) >= 3600.0 else ""
        return f"{value:.6g} {self.unit}".strip() + hours


def _event(series: _Series, gap: int) -> Event:
    spans, x = series.spans, series.x
    one, other, errors = _pair(series.known, series.noise, gap)
    old, new = _ordered(one, other)
    rises = old is not one
    errors = errors[::-1] if rises else errors
    within, words, measured = _high_frequency(series.known[gap + 1 if rises else gap], new, float(np.hypot(*errors)))
    drift, wider = _drift(series), np.sqrt(series.inflation)
    found = {key: _explained(key, old, new, wider * _sigma(key, old, new, errors), within, drift) for key in _LAWS}
    kind, reasons = _verdict(found, rises)
    factor, error = _factor(series, gap)
    under_current, moment = _voltage_evidence(series, gap)
    place = moment if moment is not None else 0.5 * float(x[gap] + x[gap + 1])
    text = (
        f"{kind} between {series.at(x[gap])} and {series.at(x[gap + 1])}: Re Z at {spans.lowest:.4g} Hz goes from "
        f"{spans.low[gap]:.4g} to {spans.low[gap + 1]:.4g} ohm, its span down to that at {spans.highest:.4g} Hz from "
        f"{spans.difference[gap]:.4g} to {spans.difference[gap + 1]:.4g} ohm"
    )
    evidence = (
        _step_words(series, gap),
        words,
        *_below(new, within, measured, spans.lowest),
        *reasons,
        *_fit_evidence(series.traces, gap, measured),
        *_return_evidence(series, gap),
        *_rest_evidence(series, gap),
        *under_current,
    )
    return Event(kind, place, (float(x[gap]), float(x[gap + 1])), factor, error, text, evidence)


def _step_size(series: _Series, gap: int, name: str) -> tuple[float, float]:
    """(step of a trace, standard error) in a gap, from the sides that tell it best."""
    y, error = series.traces[name]
    others = [each for each in series.breaks if each != gap]
    s = _scatter(series.x, y, error)
    steps = [_step(series.x, y, s, gap, others, sides) for sides in SIDES]
    return max(steps, key=lambda each: abs(each[0]) / each[1])


def _factor(series: _Series, gap: int) -> tuple[float, float]:
    """Factor of the span from one spectrum to the next with its error from the scatter of the series."""
    y, error = series.traces["span"]
    s = _scatter(series.x, y, error)
    ratio = float(np.exp(y[gap + 1] - y[gap]))
    return ratio, ratio * float(np.hypot(s[gap], s[gap + 1]))


def _step_words(series: _Series, gap: int) -> str:
    spans = series.spans
    names = {"span": "the span", "low": f"Re Z({spans.lowest:.4g} Hz)", "high": f"Re Z({spans.highest:.4g} Hz)"}
    parts = []
    for name, title in names.items():
        step, error = _step_size(series, gap, name)
        if np.isfinite(error):
            ratio = np.exp(step)
            parts.append(f"{title} by a factor {ratio:.3g} +- {ratio * error:.2g} ({abs(step) / error:.1f} errors)")
    return "against the trend of its neighbours the spectrum changes in " + ", ".join(parts)


def _verdict(found: dict[str, Explanation], rises: bool) -> tuple[str, list[str]]:
    """(kind, sentences for and against each explanation)."""
    single = {key: each for key, each in found.items() if key != "both"}
    best = min(single.values(), key=lambda each: each.akaike)
    gap = -2.0 * np.log(RIVAL)
    standing = [key for key, each in single.items() if each.fits and each.akaike - best.akaike < gap]
    needed = not standing and found["both"].fits
    reasons = []
    for key, each in found.items():
        if key == "both" and not needed:
            continue
        stands = key in standing or (key == "both" and needed)
        reasons.append(f"{'for' if stands else 'against'} {_NAMES[key][rises]}: {_words(each, best)}")
    if "area" in standing:
        reasons.append("a larger area and a thinner film divide R and multiply C alike: impedance cannot tell which")
    if "path" in standing and "short" in standing:
        reasons.append("a short and a path through the film differ in R_inf alone, which these spectra leave open")
    if needed:
        return _NAMES["both"][rises], reasons
    if not standing:
        return "unexplained", reasons
    if "short" in standing and "area" in standing:
        return ("end of a short or area loss" if rises else "short or area growth"), reasons
    return " or ".join(_NAMES[key][rises] for key in standing), reasons


def _words(each: Explanation, best: Explanation) -> str:
    value = each.values
    parts = []
    if "conductance" in value:
        conductance, error = value["conductance"]
        small = conductance * each.largest < 1e-6
        size = "no path" if small else f"a path of {1.0 / conductance:.4g} +- {error / conductance**2:.2g} ohm"
        parts.append(size)
    if "area" in value:
        factor = np.exp(value["area"][0])
        parts.append(f"a factor {factor:.3g} +- {factor * value['area'][1]:.2g}")
    if "resistance" in value:
        resistance, error = value["resistance"]
        small = resistance < 1e-6 * each.largest
        parts.append("nothing in series" if small else f"{resistance:.4g} +- {error:.2g} ohm in series")
    if "R_inf" in value:
        parts.append(f"R_inf {value['R_inf'][0]:.4g} ohm")
    if abs(value.get("drift", (0.0, 0.0))[0]) > 0.02:
        parts.append(f"a drift of the interface by a factor {np.exp(-value['drift'][0]):.3g}")
    fit = f"leaves {100.0 * each.relative_rms:.2g} % of |Z|, chi squared {each.chi_squared:.1f} for {each.freedom} "
    rival = "" if each is best else f", {each.akaike - best.akaike:+.1f} in AIC against the best"
    return f"{', '.join(parts)} {fit}degrees of freedom{rival}"


def _fit_evidence(traces: dict[str, Trace], gap: int, measured: bool) -> list[str]:
    """What the fitted circuits say of R_inf, R, C and R C on both sides."""
    names = {"R_inf": "resistance in series", "R": "arcs' resistance", "C": "capacitance", "tau": "time constant R C"}
    parts = []
    for name, title in names.items():
        if name in traces:
            y, e = traces[name]
            error = float(np.hypot(e[gap], e[gap + 1]))
            ratio = float(np.exp(y[gap + 1] - y[gap]))
            if np.isfinite(ratio) and np.isfinite(error):
                parts.append(f"{title} by {ratio:.3g} +- {ratio * error:.2g}")
    if not parts:
        return []
    doubt = "" if measured else ", with R_inf extrapolated beyond the highest frequency"
    expected = "a larger area keeps R C; a path beside the cell lowers it and multiplies C by (1 + R_inf/Z_s)^2"
    return [f"the fitted circuits change their {', '.join(parts)}{doubt} ({expected})"]


def _return_evidence(series: _Series, gap: int) -> list[str]:
    """A change that goes back within a few spectra."""
    y = series.traces["span"][0]
    change = y[gap + 1] - y[gap]
    for k in range(gap + 2, min(gap + 1 + WINDOW, len(y))):
        if np.isfinite(y[k]) and (y[k] - y[gap]) / change < 0.3:
            return [
                f"the span is back at {series.spans.difference[k]:.4g} ohm at {series.at(series.x[k])}: deposited "
                "metal and films hardly come and go so, while a filament may break and form again"
            ]
    return []


def _rest_evidence(series: _Series, gap: int) -> list[str]:
    """The mean voltage while the spectra were taken, where no current flowed that could explain it."""
    means = []
    for k in (gap, gap + 1):
        record = series.records[k]
        if not (isinstance(record, Impedance) and {"voltage_volt", "current_ampere"} <= set(record.table.columns)):
            return []
        columns = (record.table[name].to_numpy().astype(float) for name in ("voltage_volt", "current_ampere"))
        volt, ampere = (float(np.nanmean(each)) for each in columns)
        if not abs(ampere) * series.spans.low[k] < 0.1 * abs(volt):
            return []
        means.append((volt, ampere))
    (one, first), (other, second) = means
    said = (
        f"during the spectra, with mean currents of {1e6 * first:.2g} and {1e6 * second:.2g} uA, the cell keeps "
        f"{1e3 * one:.3g} mV before and {1e3 * other:.3g} mV after"
    )
    if abs(other) < abs(one) / LARGE:
        said += (
            ": the polarisation of the electrolyte that plating leaves has fallen, as when part of the current passed "
            "as electrons; a larger area alone would leave it"
        )
    return [said]


def _voltage_evidence(series: _Series, gap: int) -> tuple[list[str], float | None]:
    """(what the voltage under current does across the gap, when it passes half of the way in ln |V|)."""
    if series.voltage is None:
        return [], None
    time, volt = series.voltage
    x = series.x
    before = _level(time, volt, x[max(gap - 1, 0)], x[gap])
    after = _level(time, volt, x[gap + 1], x[min(gap + 2, len(x) - 1)])
    inside = (time > x[gap]) & (time < x[gap + 1])
    if before is None or inside.sum() < 8:
        return [], None
    end = after or _level(time, volt, 0.5 * (x[gap] + x[gap + 1]), x[gap + 1])
    if end is None:
        return [], None
    counted = _collapses_counted(series.voltage, x, gap) if series.unit == "s" else []
    grid = np.linspace(time[inside][0], time[inside][-1], 400)
    track = np.abs(np.interp(grid, time[inside], volt[inside]))
    smooth = np.array([np.median(track[max(k - 8, 0) : k + 9]) for k in range(len(track))])
    said = (
        f"the voltage under current is {1e3 * before[0]:.4g} mV (scatter {100 * before[1]:.2g} %) before and "
        f"{1e3 * end[0]:.4g} mV (scatter {100 * end[1]:.2g} %) after"
    )
    change = float(np.log(end[0] / before[0]))
    if end[1] > 2.0 * before[1] and end[1] > 0.1:
        said += ", noisier, as a path that breaks and forms makes it"
    if abs(change) < max(0.1, 2.0 * float(np.hypot(before[1], end[1]))):
        return [said, *counted], None
    half = np.sqrt(before[0] * end[0])
    beyond = smooth < half if change < 0.0 else smooth > half
    if not beyond.any():
        return [said, *counted], None
    moment = float(grid[int(np.argmax(beyond))])
    both = (
        "a short and a larger area both lower it"
        if change < 0.0
        else "the end of a short and a lost area both raise it"
    )
    return [f"{said}: {both}; it first passes half of the way at {series.at(moment)}", *counted], moment


def _collapses_counted(voltage: Trace, x: np.ndarray, gap: int) -> list[str]:
    """Sudden collapses of the voltage in the four intervals before and after."""
    time, volt = voltage
    counts = []
    for start, end in ((x[max(gap - 4, 0)], x[gap]), (x[gap + 1], x[min(gap + 5, len(x) - 1)])):
        inside = (time > start) & (time < end)
        if inside.sum() < 8:
            return []
        counts.append(f"{len(voltage_events(time[inside], volt[inside]))} times in the {end - start:.4g} s")
    return [f"the voltage collapses within a second {counts[0]} before and {counts[1]} after"]


def _level(time: np.ndarray, volt: np.ndarray, start: float, end: float) -> tuple[float, float] | None:
    """(median of |V| over time, half of its 16 to 84 % range relative to it); None where there are under 8 points."""
    inside = (time > start) & (time < end)
    if inside.sum() < 8:
        return None
    level = np.abs(np.interp(np.linspace(time[inside][0], time[inside][-1], 400), time[inside], volt[inside]))
    low, middle, high = (float(each) for each in np.percentile(level, (16, 50, 84)))
    return (middle, 0.5 * (high - low) / middle) if middle > 0.0 else None


def voltage_events(time: Any, voltage: Any, current: Any = None, *, within: float = 1.0) -> list[Event]:
    """Sudden collapses of the voltage that no change of the current explains.

    At each point the lowest |V| of the next `within` seconds is compared with |V|: a collapse loses at least `SHARE` of
    |V| and `TIMES` the median change from point to point. Neighbouring ones are one event, at its highest point.

    Arguments: `time`, s, rising; `voltage`, V; `current`, A, or None where it was not recorded: then a change of
    current cannot be ruled out, which the evidence says. Result: events of kind "voltage collapse", `factor` the ratio
    of |V| after to before. Raises InputError for arrays of different lengths or times that fall.
    Limits: pauses longer than `within` are not looked across, so that what a protocol does between its steps is left
    out; the voltage alone does not tell a breaking film from a filament that reaches across.

    >>> t = np.arange(0.0, 200.0, 0.5)
    >>> volt = 0.1 + 0.5 * np.exp(-(((t - 100.0) / 20.0) ** 2)) * (t < 100.2) + 1e-3 * np.sin(7.0 * t)
    >>> [(each.kind, each.coordinate, round(each.factor, 2)) for each in voltage_events(t, volt, np.ones(400))]
    [('voltage collapse', 100.0, 0.17)]
    """
    t, v = (np.asarray(each, dtype=float) for each in (time, voltage))
    amperes = None if current is None else np.asarray(current, dtype=float)
    if t.ndim != 1 or t.shape != v.shape or len(t) < 3 or (amperes is not None and amperes.shape != t.shape):
        raise InputError(f"{t.shape} times and {v.shape} voltages", remedy="give arrays of one length, 3 or more")
    if np.any(np.diff(t) < 0.0) or not (np.isfinite(t).all() and np.isfinite(v).all()):
        raise InputError("times fall, or a value is not finite", key="time", remedy="sort by time, leave out gaps")
    size = np.abs(v)
    end = np.searchsorted(t, t + within, side="right")
    lowest = _least(size, end)
    noise = 1.4826 * float(np.median(np.abs(np.diff(v))))
    fall = size - lowest
    falls = np.flatnonzero((fall >= SHARE * size) & (fall > TIMES * noise) & (fall > 0.0))
    groups = np.split(falls, np.flatnonzero(np.diff(t[falls]) > within) + 1) if len(falls) else []
    found = [_collapse(t, size, amperes, noise, end, int(group[np.argmax(size[group])])) for group in groups]
    return [each for each in found if each is not None]


def _least(size: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The least of size[k:end[k]] for each k, from minima over powers of two."""
    count = np.maximum(end - np.arange(len(size)), 1)
    level = np.floor(np.log2(count)).astype(int)
    found, width, table = np.empty_like(size), 1, size
    for k in range(int(level.max()) + 1):
        here = np.flatnonzero(level == k)
        found[here] = np.minimum(table[here], table[here + count[here] - width])
        table = np.minimum(table, np.concatenate([table[width:], np.full(min(width, len(table)), np.inf)]))
        width *= 2
    return found


def _collapse(
    t: np.ndarray, size: np.ndarray, current: np.ndarray | None, noise: float, end: np.ndarray, top: int
) -> Event | None:
    """The collapse after a point; None where the current changed with it."""
    bottom = top + int(np.argmin(size[top : end[top]]))
    if current is not None:
        flow = current[max(top - 1, 0) : bottom + 1]
        if np.ptp(flow) > SAME * float(np.max(np.abs(flow))):
            return None
    high, low = float(size[top]), float(size[bottom])
    path = size[top : bottom + 1]
    last = top + int(np.flatnonzero(path >= high - 0.1 * (high - low))[-1])
    half = last + int(np.flatnonzero(size[last : bottom + 1] <= 0.5 * (high + low))[0])
    before = size[(t >= t[top] - 60.0) & (t < t[top] - 1.0)]
    after = size[(t > t[bottom] + 1.0) & (t <= t[bottom] + 60.0)]
    text = f"voltage collapse at {t[top]:.2f} s: |V| falls from {high:.4g} to {low:.4g} V, half of it within "
    text += f"{1e3 * (t[half] - t[last]):.3g} ms"
    evidence = [
        f"the fall is {(high - low) / noise:.0f} times the usual change from point to point" if noise > 0.0 else text
    ]
    if len(before) and high > 1.5 * np.median(before):
        evidence.append(f"it ends a rise from {np.median(before):.3g} V, the median of the minute before")
    if len(before) and len(after):
        evidence.append(f"the median of the minute after is {np.median(after) / np.median(before):.3g} of that before")
    if current is None:
        evidence.append("the current was not recorded: a change of current is not ruled out")
    else:
        evidence.append(f"the current stays within {100.0 * SAME:g} % of {np.abs(current[top]):.4g} A")
    evidence.append("a film that breaks and a filament that reaches across both do so: look at the spectra beside it")
    error = noise / high * float(np.hypot(1.0, low / high))
    bracket = (float(t[last]), float(t[half]))
    return Event("voltage collapse", float(t[top]), bracket, low / high, error, text, tuple(evidence))


__all__ = ["Event", "Explanation", "Span", "events", "span", "voltage_events"]
