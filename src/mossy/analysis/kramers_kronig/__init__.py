"""Whether a spectrum obeys the Kramers-Kronig relations: a linear test whose false alarms and power are known.

A circuit of a resistance, an inductance, a capacitance, a diffusion element and relaxations at fixed time constants,

    Z = R + i w L + 1/(i w C) + A/sqrt(i w) + sum_k R_k/(1 + i w tau_k),   all of either sign, weighted by 1/|Z|,

obeys the relations whatever its parameters, is linear in them and can follow any spectrum that obeys them (B. A.
Boukamp, J. Electrochem. Soc. 142 (1995) 1885, doi 10.1149/1.2044210). What it cannot follow is noise, or a violation.

How many relaxations: the least generalised cross-validation, the out-of-sample error with the hat matrix's diagonal
averaged (G. H. Golub, M. Heath, G. Wahba, Technometrics 21 (1979) 215, doi 10.1080/00401706.1979.10489751). Leaving one
frequency out at a time is ruled by the two end points, which every model has to extrapolate to; it takes too few
elements and calls what is left noise (4 % too much on 65 points, up to 100 % beside a single sharp arc). The rule that
stops where the R_k begin to alternate (M. Schönleber, D. Klotz, E. Ivers-Tiffée, Electrochim. Acta 131 (2014) 20, doi
10.1016/j.electacta.2014.01.034) rejects good data that have sharp features.

What decides: violations of known form are added one at a time, a drift of |Z| along the sweep and, every half decade,
the arc that runs backwards in time, 1/(1 - i w tau). Each has a Student t; the smallest p counts, corrected for how
many were tried, and the size of any form whose t is within a fifth of the best. The noise is estimated from the same
residuals, so nothing need be known beforehand.

Where the model stops at low frequency decides what is seen of a drift of the last points. Relaxations half a decade
beyond the range hide more of it; without one element for diffusion, A/sqrt(i w), a constant phase fails (20 to 67 %).

Measured, 65 points from 1 MHz to 10 mHz, R + 3 ZARC + tail, 600 spectra each. False alarms 0 to 1.8 %, 0.8 % on the
average of seven tails (Warburg, Gerischer, inductance, inductive loop, blocking, constant phase, arc beyond the range).

    found at a noise of                               0.03 %   0.1 %   0.3 %
    |Z| drifts 1 % along the points                    100 %    98 %    12 %
    |Z| drifts 3 % along the points                    100 %   100 %    99 %
    |Z| drifts 1 % in time, high frequencies first     100 %    32 %     3 %
    |Z| drifts 3 % in time                             100 %   100 %    33 %
    an arc of 1 % of |Z| runs backwards                 93 %    95 %    89 %
    an arc of 2 % of |Z| runs backwards                 97 %    98 %    99 %
    Z' is 1 % too large                                100 %   100 %    77 %

Arcs that escape lie at the ends of the range, where L, C or single points can stand for them.

Drift at large noise is hard to see for anyone: who knew the circuit and fitted its 11 parameters would find 20 % and
40 % of a drift of 1 %, along the points and in time, at 0.3 % noise; 100 % of both at 0.1 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from mossy.analysis.kramers_kronig.model import FIXED, Batch, Solution, choose, solve
from mossy.analysis.kramers_kronig.residuals import (
    ALARM,
    Evidence,
    backward_times,
    estimate_noise,
    keep_points,
    weigh_violations,
)
from mossy.analysis.spectra import Spectrum, spectra_of, sweep_times
from mossy.errors import InputError
from mossy.numerics.threads import one_blas_thread

TOLERANCE = 0.005
"""Violations below this part of |Z| are reported and tolerated: few instruments promise more."""
SMALLEST = 1e-4
"""So are those that explain no residual above this part of |Z|."""
NOISY = 0.02
"""Noise, as a part of |Z|, from which on a spectrum is flagged."""
WEAK = 0.03
"""Detectable drift from which on it is said that more would not be seen."""
FEWEST = 4
"""Distinct frequencies without which nothing is tested."""
_BATCH = 64
"""Spectra that are solved together."""
_ROUNDS = 6
"""Times, at most, that outliers and noise are found anew."""
_AS_GOOD = 0.8
"""Part of the largest Student t from which on a form of violation counts beside it."""
_TIME, _POINTS = "drift in time", "drift along the points"


@dataclass(frozen=True)
class NoiseModel:
    """Noise of Z' and of Z'' alike: variance (`proportional` |Z|)^2 + `additive_ohm`^2.

    >>> NoiseModel(0.003, 0.4).standard_deviation(60.0 - 80.0j).item()
    0.5
    """

    proportional: float
    additive_ohm: float

    def standard_deviation(self, impedance: Any) -> np.ndarray:
        """Of each component, ohm, at the impedance given (complex or its modulus, ohm)."""
        return np.hypot(self.proportional * np.abs(np.asarray(impedance)), self.additive_ohm)


@dataclass(frozen=True, eq=False)
class Validity:
    """What the test found.

    `elements`: relaxations of the model; `model`: its impedance, ohm; `residuals`: (Z - model)/|Z|; `noise`; `flagged`:
    outliers, which the model leaves out; `reasons`: why, by index of the point. `violation`: the form that fits the
    residuals best, `amplitude` its size relative to |Z| with `amplitude_error`; `statistic`: its Student t; `p_value`:
    the chance of one as large in a valid spectrum, all forms tried together. `detectable_drift`: the drift in time,
    relative to |Z| over the sweep, that would be found in 90 % of such spectra (infinite: none).
    """

    frequency: np.ndarray
    elements: int
    model: np.ndarray
    residuals: np.ndarray
    noise: NoiseModel
    flagged: np.ndarray
    reasons: dict[int, str]
    passed: bool
    violation: str
    amplitude: float
    amplitude_error: float
    statistic: float
    p_value: float
    detectable_drift: float
    flags: tuple[str, ...]


def test(spectrum: Any) -> Validity:
    """Tests one spectrum: an Impedance record, a Spectrum, or a pair (frequency in Hz, complex impedance in ohm).

    Points are taken in the order measured; each lasts as many periods as any other unless the record holds
    `test_time_second`. Raises InputError below `FEWEST` distinct frequencies.
    Validity: noise independent between points, with variance as in `NoiseModel`.
    Limits: false alarms and power as measured above; a drift proportional to the number of points is the constant phase
    (pi/2) drift/ln(f_max/f_min), 0.05 degree for 1 % over eight decades.

    >>> frequency = np.geomspace(1e5, 0.1, 49)
    >>> arc = 100.0 / (1 + (2j * np.pi * frequency * 1e-2) ** 0.8)
    >>> noise = 1e-3 * np.random.default_rng(3).normal(size=(2, 49))
    >>> sound = (10.0 + arc) * (1.0 + noise[0] + 1j * noise[1])
    >>> test((frequency, sound)).passed, test((frequency, sound + 0.05 * arc.conj())).passed
    (True, False)
    """
    return test_many([spectrum])[0]


@one_blas_thread
def test_many(spectra: Iterable[Any]) -> list[Validity]:
    """`test` for each; spectra on one frequency grid, measured at the same pace, are solved together."""
    given = list(spectra)
    known = spectra_of(given, fewest=FEWEST)
    groups: dict[bytes, list[int]] = {}
    times = [_times(record, spectrum) for record, spectrum in zip(given, known, strict=True)]
    for place, spectrum in enumerate(known):
        _check(spectrum, place, len(known))
        key = spectrum.frequency.tobytes() + np.round(times[place], 3).tobytes()
        groups.setdefault(key, []).append(place)
    found: dict[int, Validity] = {}
    for places in groups.values():
        for start in range(0, len(places), _BATCH):
            part = places[start : start + _BATCH]
            found |= zip(part, _test_group([known[place] for place in part], times[part[0]]), strict=True)
    return [found[place] for place in range(len(known))]


def _check(spectrum: Spectrum, place: int, count: int) -> None:
    distinct = len(np.unique(spectrum.frequency))
    if distinct < FEWEST:
        problem = f"the spectrum has {distinct} distinct frequencies"
        raise InputError(problem, key=f"spectrum {place + 1}" if count > 1 else "", remedy=f"give {FEWEST} or more")


def _times(given: Any, spectrum: Spectrum) -> np.ndarray:
    """When each point was measured, as a part of the sweep: as recorded, or as many periods a point."""
    time = sweep_times(given)
    if time is not None:
        return np.asarray((time - time[0]) / (time[-1] - time[0]))
    periods = np.cumsum(1.0 / spectrum.frequency)
    return np.asarray(periods / periods[-1])


def _test_group(spectra: list[Spectrum], time: np.ndarray) -> list[Validity]:
    """Every spectrum in turn until its outliers and its noise are the ones it was weighted with."""
    impedance = np.stack([spectrum.impedance for spectrum in spectra])
    kept = np.ones(impedance.shape, dtype=bool)
    batch = Batch(spectra[0].angular_frequency, time, impedance, np.abs(impedance), kept)
    found: dict[int, Validity] = {}
    pending = np.arange(len(spectra))
    for _ in range(_ROUNDS):
        part = batch.take(pending)
        elements = choose(part)
        changed = np.zeros(len(pending), dtype=bool)
        for size in np.unique(elements):
            members = np.flatnonzero(elements == size)
            group, places = part.take(members), pending[members]
            solution = solve(group, int(size))
            evidence = weigh_violations(group, solution)
            noise = estimate_noise(group, solution, evidence)
            results = _judge(group, solution, noise, evidence, [spectra[place] for place in places])
            found |= zip(places.tolist(), results, strict=True)
            batch.sigma[places] = sigma = np.hypot(noise[:, :1] * np.abs(group.impedance), noise[:, 1:])
            reweighted = np.ptp(np.log(sigma / group.sigma), axis=1) > np.log(1.3)
            keep = np.where(reweighted[:, None], group.kept, keep_points(group, solution, evidence))
            batch.kept[places] = keep
            changed[members] = np.any(keep != group.kept, axis=1) | reweighted
        pending = pending[changed]
        if not len(pending):
            break
    return [found[place] for place in range(len(spectra))]


def _judge(
    batch: Batch, solution: Solution, noise: np.ndarray, evidence: Evidence, spectra: list[Spectrum]
) -> list[Validity]:
    chance = evidence.chance
    size = np.abs(evidence.student)
    near = size >= _AS_GOOD * size.max(axis=1, keepdims=True)
    broken = near & (chance < ALARM) & (np.abs(evidence.amplitude) > TOLERANCE) & (evidence.explained > SMALLEST)
    worst = np.argmin(np.where(broken.any(axis=1, keepdims=True) & ~broken, 2.0, chance), axis=1)
    needed = stats.t.isf(ALARM / 8.0, solution.freedom - 1) + stats.norm.isf(0.1)
    tau = backward_times(batch.omega)
    found = []
    for row, (form, spectrum) in enumerate(zip(worst, spectra, strict=True)):
        name = (_TIME, _POINTS)[form] if form < 2 else f"arc that runs backwards in time, at {tau[form - 2]:.2g} s"
        deviation = spectrum.impedance - solution.model[row]
        validity = Validity(
            frequency=spectrum.frequency,
            elements=solution.basis.shape[2] - FIXED,
            model=solution.model[row],
            residuals=deviation / spectrum.modulus,
            noise=NoiseModel(*map(float, noise[row])),
            flagged=~batch.kept[row],
            reasons={},
            passed=not broken[row].any(),
            violation=name,
            amplitude=float(evidence.amplitude[row, form]),
            amplitude_error=float(evidence.error[row, form]),
            statistic=float(evidence.student[row, form]),
            p_value=float(chance[row, form]),
            detectable_drift=float(evidence.error[row, 0] * needed[row]),
            flags=(),
        )
        found.append(replace(validity, reasons=_reasons(validity), flags=spectrum.flags + _flags(validity)))
    return found


def _reasons(validity: Validity) -> dict[int, str]:
    sigma = validity.noise.standard_deviation(validity.model)
    modulus = np.abs(validity.model)
    reasons = {}
    for place in np.flatnonzero(validity.flagged):
        off = abs(validity.residuals[place])
        times = off * modulus[place] / sigma[place]
        text = f"{validity.frequency[place]:.4g} Hz: {100 * off:.2g} % of |Z|, {times:.1f} standard deviations,"
        reasons[int(place)] = f"{text} from what the other points imply"
    return reasons


def _flags(validity: Validity) -> tuple[str, ...]:
    flags = []
    size = f"{100 * abs(validity.amplitude):.2g} ± {100 * validity.amplitude_error:.1g} % of |Z|"
    evidence = f"{validity.violation} of {size}, p = {validity.p_value:.1g}"
    if not validity.passed:
        flags.append(f"the residuals are systematic: {evidence}")
    elif validity.p_value < ALARM:
        flags.append(f"systematic but too small to matter: {evidence}")
    if validity.flagged.any():
        flags.append(f"{validity.flagged.sum()} of {len(validity.flagged)} points are outliers")
    if validity.noise.proportional > NOISY:
        flags.append(f"noisy: {100 * validity.noise.proportional:.2g} % of |Z| on each part")
    if not validity.detectable_drift < WEAK:
        least = (
            f"below {100 * validity.detectable_drift:.2g} %" if np.isfinite(validity.detectable_drift) else "in time"
        )
        flags.append(f"a drift {least} over the sweep would not be seen in these points")
    return tuple(flags)
