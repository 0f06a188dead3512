"""How a series of spectra changes, and so how much each changed while it was taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.spectra import Spectrum, spectra_of, sweep_times
from mossy.errors import InputError

CHANGED = 0.01
"""Change of |Z| while a spectrum was taken from which on a series' spectrum is flagged."""


@dataclass(frozen=True, eq=False)
class Drift:
    """How a series changes. `coordinate`: of each spectrum, s where `in_seconds`, else as given or the number;
    `frequency` (Hz): common to all; `slope`: d ln|Z|/d coordinate (spectra, frequencies); `between`: the largest
    |change of ln|Z|| to the next spectrum; `within`: the largest while the spectrum itself was taken, NaN where its
    times are not known.
    """

    coordinate: np.ndarray
    in_seconds: bool
    frequency: np.ndarray
    slope: np.ndarray
    between: np.ndarray
    within: np.ndarray
    flags: tuple[str, ...]


def drift(spectra: Iterable[Any], coordinate: Any = None) -> Drift:
    """How much each spectrum of a series changed while it was taken, from how the next ones differ from it.

        within_i = max over f of |d ln|Z(f)|/dt| (duration of sweep i),   slopes by central differences over the series

    Arguments: `spectra` in order, two or more; `coordinate` one number each; without it the mean time of each sweep, s,
    where every record holds `test_time_second`, else the number of the spectrum. Durations are those of the records and
    count only where the coordinate is that time. Raises InputError for a coordinate that does not increase, or spectra
    without two common frequencies.
    Limits: changes faster than the interval between sweeps are not seen; `kramers_kronig.test` looks for those within
    one sweep.
    Source: this library's measure of the stationarity that M. E. Orazem, B. Tribollet, Electrochemical Impedance
    Spectroscopy, Wiley 2008, doi 10.1002/9780470381588 (from memory), ask of a spectrum.

    >>> frequency = np.array([100.0, 10.0, 1.0])
    >>> drift([(frequency, np.full(3, size)) for size in (10.0, 11.0, 12.0)]).between.round(3).tolist()
    [0.095, 0.087]
    """
    given = list(spectra)
    known = spectra_of(given)
    if len(known) < 2:
        raise InputError("one spectrum is no series", remedy="give two or more")
    sweeps = [sweep_times(record) for record in given]
    in_seconds = coordinate is None and all(sweep is not None for sweep in sweeps)
    places = _coordinate(coordinate, [np.mean(sweep) for sweep in sweeps if sweep is not None], len(known))
    low, high = max(each.frequency.min() for each in known), min(each.frequency.max() for each in known)
    first = known[0].frequency
    frequency = np.unique(first[(first >= low * (1.0 - 1e-9)) & (first <= high * (1.0 + 1e-9))])
    if len(frequency) < 2:
        raise InputError("the spectra have no common range of frequency", remedy="give spectra that overlap")
    logarithms = np.stack([_log_modulus(each, frequency) for each in known])
    slope = np.gradient(logarithms, places, axis=0)
    lengths = np.array([np.ptp(sweep) if in_seconds and sweep is not None else np.nan for sweep in sweeps])
    within = np.abs(slope).max(axis=1) * lengths
    at = frequency[np.abs(slope).argmax(axis=1)]
    flags = [
        f"spectrum {place + 1} changed by {100 * within[place]:.1f} % at {at[place]:.3g} Hz"
        f" in the {lengths[place]:.3g} s it took"
        for place in np.flatnonzero(within > CHANGED)
    ]
    if not in_seconds:
        flags.append("the times of the points are not known: changes are those from one spectrum to the next")
    between = np.abs(np.diff(logarithms, axis=0)).max(axis=1)
    return Drift(places, in_seconds, frequency, slope, between, within, tuple(flags))


def _coordinate(given: Any, times: list[Any], count: int) -> np.ndarray:
    if given is None:
        places = np.array(times, dtype=float) if len(times) == count else np.arange(1.0, count + 1.0)
    else:
        places = np.asarray(given, dtype=float)
    if places.shape != (count,) or not np.all(np.diff(places) > 0.0):
        problem = f"{count} spectra and a coordinate of shape {places.shape} that must increase"
        raise InputError(problem, key="coordinate", remedy="give one number a spectrum, in rising order")
    return places


def _log_modulus(spectrum: Spectrum, frequency: np.ndarray) -> np.ndarray:
    order = np.argsort(spectrum.frequency, kind="stable")
    return np.interp(np.log(frequency), np.log(spectrum.frequency[order]), np.log(spectrum.modulus[order]))


__all__ = ["Drift", "drift"]
