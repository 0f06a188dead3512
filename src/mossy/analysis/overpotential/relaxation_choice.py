"""Which law a relaxation follows, what it is made of, and what its rows do not resolve.

Beside the laws of `relaxation` a "fast" part is allowed for where the second row of a rest comes much later than the
first: what is still there in the first row and gone, or nearly, in the second. Its law is not told. No law has a time
constant shorter than the first row's time, since it would make up a voltage before that row which nobody measured, and
an exponential shorter than the interval to the second row counts as fast. Of a fast process of time constant tau >= t_1
the first row, at t_1, has lost exp(t_1/tau) - 1 of what it shows; with ln(tau) anywhere between t_1 and t_2 alike, that
stays below exp((t_1/t_2)^0.32) - 1 in 68 of 100 cases, which is taken for its standard error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mossy.analysis.overpotential.relaxation import Fit, Grid, fit, gradient, grid_of, left

SLOWEST_INTERPHASE = 30.0
"""s: an exponential slower than this is no interphase's. A double layer or film relaxes in R C: the 1e4 ohm cm2 of a
heavily passivated metal with 1 mF/cm2, some 50 times a smooth electrode's 20 uF/cm2, gives 10 s; impedance, which
seldom goes below 10 mHz, sees arcs of up to 1/(2 pi 10 mHz) = 16 s. What relaxes later is transport, or not told."""
APART = 6.0
"""Bayesian information criterion by which one explanation must beat another of a different kind."""
_LAWS: tuple[tuple[str, ...], ...] = ((), ("e",), ("d",), ("e", "e"), ("e", "d"))
_WORDS = ("constant", "exponential", "diffusion", "two exponentials", "exponential and diffusion")
_COUNT = len(_LAWS)
MODELS = (*_WORDS, "fast", *(f"fast, then {each}" for each in _WORDS[1:]))
"""The explanations: the laws alone, and each after a fast part."""
_FLOOR = 5e-3
"""No model is taken to describe a relaxation better than to this share of its size."""
_SMALLEST = 1e-6  # V
_GAP, _ROUNDED, _SHORTEST = 1.5, 1e-3, 1.0 / 3.0
"""Ratio of the second to the first time from which a fast part is allowed for; a first time of 0 is as rounded to this
share of the second."""
_LIKELY, _EDGE = 0.32, 1.02
PARTS = ("fast", "interphase", "slow", "concentration")
QUANTITIES = ("start", "limit", "relaxing", *PARTS)


@dataclass(frozen=True, eq=False)
class Relaxations:
    """What K rests are made of, V and s: by name (see `QUANTITIES`) `value` and `error`; `told`, whether the law of a
    part is that of every explanation that cannot be excluded.

    `start` is the voltage at time 0, `limit` that at infinite time, `relaxing` the difference, in which are the parts:
    `fast`, gone before the second row; `interphase`, exponentials up to `SLOWEST_INTERPHASE`; `slow`, slower ones;
    `concentration`, by the diffusion's law. `model` and `rival`, the best explanation of another kind or -1 where there
    is none as good, are places in `MODELS`; `times` (K, 2) the time constants, NaN where there are fewer.
    """

    model: np.ndarray
    rival: np.ndarray
    value: dict[str, np.ndarray]
    error: dict[str, np.ndarray]
    told: dict[str, np.ndarray]
    times: np.ndarray


@dataclass(frozen=True, eq=False)
class _Rests:
    """Times, values and weights (K, B), and of each rest: how many rows count, the times of the first and second, the
    time constants below which no law is told and an exponential is fast, and the first row's value and variance."""

    time: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    count: np.ndarray
    first: np.ndarray
    second: np.ndarray
    interval: np.ndarray
    fast_below: np.ndarray
    shown: np.ndarray
    variance: np.ndarray


def relaxations(time: np.ndarray, value: np.ndarray, variance: np.ndarray) -> Relaxations:
    """Explains K rests: times (K, B) from the interruption, values, and their variances; padding has variance inf.

    The model is chosen by chi^2 + k ln N, with chi^2 scaled so that the best one has at most one per degree of freedom,
    and the simpler of two of which one holds the other where they are within `APART`.
    """
    used = np.isfinite(variance)
    size = np.ptp(np.where(used, value, value[np.arange(len(value)), used.argmax(axis=1)][:, None]), axis=1)
    noise = np.where(used, variance, 1.0) + np.maximum(_FLOOR * size, _SMALLEST)[:, None] ** 2
    every, one = np.arange(len(time)), used.argmax(axis=1)
    rest = used.copy()
    rest[every, one] = False
    two = rest.argmax(axis=1)
    first, second = time[every, one], time[every, two]
    interval, gap = np.maximum(first, second - first), second >= _GAP * first
    seen = _Rests(
        time=time,
        value=value,
        weight=np.where(used, 1.0 / noise, 0.0),
        count=used.sum(axis=1),
        first=first,
        second=second,
        interval=interval,
        fast_below=np.where(gap, interval, 0.0),
        shown=value[every, one],
        variance=noise[every, one],
    )
    shortest = np.maximum(first, _SHORTEST * (second - first))
    longest = np.maximum(3.0 * np.where(used, time, 0.0).max(axis=1), 2.0 * shortest)
    bounds, gaps = (np.log(shortest), np.log(longest)), np.flatnonzero(gap)
    grid = grid_of(time, bounds)
    plain = _all_laws(seen, seen.weight, bounds, grid, np.arange(len(time)))
    after = _all_laws(seen, np.where(rest, seen.weight, 0.0), bounds, grid, gaps)
    later = [_spread_out(each, gaps, len(time)) for each in after]
    for kinds, each in zip(_LAWS, later, strict=True):
        each.misfit[_fast(kinds, each, seen) <= 0.0] = np.inf
    return _chosen([*plain, *later], seen)


def _all_laws(
    seen: _Rests, weight: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], grid: Grid, which: np.ndarray
) -> list[Fit]:
    """Every law fitted to some of the rests."""
    time = seen.time[which]
    given = time, seen.value[which], weight[which], (bounds[0][which], bounds[1][which])
    start = grid.of(which)
    single = [fit(kinds, *given, start) for kinds in _LAWS[:3]]
    start = start.also(np.log(np.concatenate([each.times for each in single], axis=1)), time)
    return [*single, *(fit(kinds, *given, start) for kinds in _LAWS[3:])]


def _spread_out(part: Fit, which: np.ndarray, count: int) -> Fit:
    """Fits of some rests as fits of all, those of the others with an infinite misfit."""
    found = {}
    for name, fill in (("parameters", 0.0), ("times", 1.0), ("misfit", np.inf), ("hessian", 0.0)):
        some = getattr(part, name)
        found[name] = np.full((count, *some.shape[1:]), fill)
        found[name][which] = some
    return Fit(**found)


def _fast(kinds: tuple[str, ...], fitted: Fit, seen: _Rests) -> np.ndarray:
    """What the first row shows above the law of the later ones."""
    return seen.shown - fitted.parameters[:, 0] - left(kinds, fitted, seen.first).sum(axis=1)


def _within(inner: int, outer: int) -> bool:
    """Whether a model is another without some of its parts; a fast part is the limit of an exponential."""
    few, many = Counter(_LAWS[inner % _COUNT]), Counter(_LAWS[outer % _COUNT])
    if inner >= _COUNT > outer:
        few["e"] += 1
    return not few - many


_WITHIN = np.array([[_within(inner, outer) for inner in range(2 * _COUNT)] for outer in range(2 * _COUNT)])
"""Whether the model of the column is the model of the row without some of its parts."""
_NUMBER = np.array([1 + 2 * len(kinds) + fast for fast in (0, 1) for kinds in _LAWS])


def _chosen(fits: list[Fit], seen: _Rests) -> Relaxations:
    """The simplest model within the best that is not clearly worse; rivals are those that share no such relation."""
    misfit = np.stack([each.misfit for each in fits], axis=1)
    misfit = np.where(seen.count[:, None] > _NUMBER, misfit, np.inf)
    misfit[:, 0] = fits[0].misfit
    scale = np.maximum((misfit / np.maximum(seen.count[:, None] - _NUMBER, 1)).min(axis=1), 1.0)
    criterion = misfit / scale[:, None] + _NUMBER * np.log(np.maximum(seen.count, 1))[:, None]
    behind = criterion - criterion.min(axis=1, keepdims=True)
    near = behind <= APART
    model = np.where(_WITHIN[criterion.argmin(axis=1)] & near, behind + 1e3 * _NUMBER, np.inf).argmin(axis=1)
    own = np.take_along_axis(criterion, model[:, None], axis=1)
    of_rivals = np.where(_WITHIN[model] | _WITHIN.T[model], np.inf, criterion)
    rivals = of_rivals - own < APART
    return _gathered(fits, seen, model, near | rivals, rivals, of_rivals, scale)


def _gathered(
    fits: list[Fit],
    seen: _Rests,
    model: np.ndarray,
    near: np.ndarray,
    rivals: np.ndarray,
    of_rivals: np.ndarray,
    scale: np.ndarray,
) -> Relaxations:
    """The chosen models' values, with errors that hold what as good ones differ by."""
    every = np.arange(len(model))
    table = {name: np.stack(each, axis=1) for name, each in _values(fits, seen).items()}
    value = {name: each[every, model] for name, each in table.items()}
    apart = {name: np.abs(each - value[name][:, None]) for name, each in table.items()}
    # what one model calls fast may be another's exponential: then they differ by the sum only
    both = table["fast"] + table["interphase"]
    for name in ("fast", "interphase"):
        apart[name] = np.minimum(apart[name], np.abs(both - both[every, model][:, None]))
    shows = {name: table[name] > 0.0 for name in PARTS} | {"fast": both > 0.0}
    told = {name: ~(rivals & (each != each[every, model][:, None])).any(axis=1) for name, each in shows.items()}
    hidden = table["fast"] * np.expm1(_share(seen))[:, None]
    for name in ("start", "relaxing", "fast"):
        apart[name] = np.hypot(apart[name], hidden)
    error = {name: np.where(near, each, 0.0).max(axis=1) for name, each in apart.items()}
    times = np.full((len(model), 2), np.nan)
    for place, fitted in enumerate(fits):
        rows = np.flatnonzero(model == place)
        if not len(rows):
            continue
        times[rows, : fitted.times.shape[1]] = fitted.times[rows]
        edge = fitted.times <= _EDGE * seen.interval[:, None]
        for name, mask in _letters(_LAWS[place % _COUNT], fitted, seen).items():
            told[name][rows] &= (name == "fast") | ~(mask * edge)[rows].any(axis=1)
        for name, own in _errors(place, _some(fitted, rows), _some(seen, rows)).items():
            error[name][rows] = np.hypot(error[name][rows], scale[rows] ** 0.5 * own)
    rival = np.where(rivals.any(axis=1), of_rivals.argmin(axis=1), -1)
    return Relaxations(model, rival, value, error, told, times)


def _share(seen: _Rests) -> np.ndarray:
    """The exponent of what a fast part has lost before the first row, in two of three cases at most."""
    return np.maximum(seen.first / seen.second, _ROUNDED) ** _LIKELY


def _letters(kinds: tuple[str, ...], fitted: Fit, seen: _Rests) -> dict[str, np.ndarray]:
    """Which processes belong to a part: (K, n) of 0 and 1."""
    early, late = fitted.times < seen.fast_below[:, None], fitted.times > SLOWEST_INTERPHASE
    exponential = np.array([kind == "e" for kind in kinds], dtype=bool)
    belongs = {
        "fast": exponential & early,
        "interphase": exponential & ~early & ~late,
        "slow": exponential & ~early & late,
        "concentration": ~exponential & (late | ~late),
    }
    return {name: each.astype(float) for name, each in belongs.items()}


def _values(fits: list[Fit], seen: _Rests) -> dict[str, list[np.ndarray]]:
    """Of every model, the quantities of each rest."""
    values: dict[str, list[np.ndarray]] = {name: [] for name in QUANTITIES}
    for place, fitted in enumerate(fits):
        kinds = _LAWS[place % _COUNT]
        amplitudes = np.nan_to_num(fitted.parameters[:, 1:])
        limit = fitted.parameters[:, 0]
        parts = {name: (mask * amplitudes).sum(axis=1) for name, mask in _letters(kinds, fitted, seen).items()}
        if place >= _COUNT:
            parts["fast"] = parts["fast"] + np.maximum(_fast(kinds, fitted, seen), 0.0)
        relaxing = sum(parts.values(), np.zeros(len(limit)))
        for name, each in ({"start": limit + relaxing, "limit": limit, "relaxing": relaxing} | parts).items():
            values[name].append(each)
    return values


def _errors(place: int, fitted: Fit, seen: _Rests) -> dict[str, np.ndarray]:
    """Standard errors of one model's values: of the fit, and half of what it extrapolates."""
    kinds, fast = _LAWS[place % _COUNT], float(place >= _COUNT)
    covariance, n = np.linalg.pinv(fitted.hessian, hermitian=True), len(kinds)
    masks = _letters(kinds, fitted, seen)
    slopes = {name: np.pad(mask, ((0, 0), (1, n))) for name, mask in masks.items()}
    slopes["fast"] = slopes["fast"] - fast * gradient(kinds, fitted, seen.first)
    slopes["limit"] = np.eye(1, 1 + 2 * n).repeat(len(seen.first), axis=0)
    slopes["relaxing"] = slopes["fast"] + slopes["interphase"] + slopes["slow"] + slopes["concentration"]
    slopes["start"] = slopes["relaxing"] + slopes["limit"]
    variance = {name: np.einsum("ki,kij,kj->k", each, covariance, each) for name, each in slopes.items()}
    at_once, first, second = (left(kinds, fitted, when) for when in (0.0 * seen.first, seen.first, seen.second))
    before, between = at_once - first, fast * (first - second)
    half = {name: 0.5 * (mask * (before + between)).sum(axis=1) for name, mask in masks.items()}
    half["fast"] = np.hypot(half["fast"], 0.5 * between.sum(axis=1))
    half["start"] = half["relaxing"] = 0.5 * before.sum(axis=1)
    for name in ("fast", "relaxing", "start"):
        variance[name] = variance[name] + fast * seen.variance
    return {name: np.sqrt(variance[name] + half.get(name, 0.0) ** 2) for name in QUANTITIES}


def _some(given: Any, rows: np.ndarray) -> Any:
    """Some of the rests of a `Fit` or `_Rests`."""
    return type(given)(**{each.name: getattr(given, each.name)[rows] for each in fields(given)})
