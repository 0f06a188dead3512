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

from mossy.analysis.spectra import Spectrum, spectra_of
from mossy.errors import InputError
from mossy.records import Impedance

ALARM = 0.01
"""Probability of rejecting a valid spectrum."""
TOLERANCE = 0.005
"""Violations below this part of |Z| are reported and tolerated: few instruments promise more."""
SMALLEST = 1e-4
"""So are those that explain no residual above this part of |Z|."""
NOISY = 0.02
"""Noise, as a part of |Z|, from which on a spectrum is flagged."""
WEAK = 0.03
"""Detectable drift from which on it is said that more would not be seen."""
CHANGED = 0.01
"""Change of |Z| while a spectrum was taken from which on a series' spectrum is flagged."""
FEWEST = 4
"""Distinct frequencies without which nothing is tested."""
_BATCH = 64
_ROUNDS = 6
_FIXED = 4
_BEYOND = 0.25
_SHARE_OUT = 0.2
_AS_GOOD = 0.8
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


@dataclass(frozen=True, eq=False)
class _Batch:
    """Spectra on one frequency grid, a row each: `sigma` weights (ohm), `kept` points that count."""

    omega: np.ndarray
    time: np.ndarray
    impedance: np.ndarray
    sigma: np.ndarray
    kept: np.ndarray

    def take(self, rows: np.ndarray) -> _Batch:
        return _Batch(self.omega, self.time, self.impedance[rows], self.sigma[rows], self.kept[rows])

    @property
    def weights(self) -> np.ndarray:
        return np.where(self.kept, 1.0 / self.sigma, 0.0)


@dataclass(frozen=True, eq=False)
class _Solution:
    """`basis`: orthonormal, of the weighted columns; `residual`: weighted, (rows, points, 2); `model`: ohm."""

    basis: np.ndarray
    residual: np.ndarray
    model: np.ndarray
    freedom: np.ndarray

    @property
    def leverage(self) -> np.ndarray:
        """The hat matrix's 2 x 2 block of each point."""
        rows, length, width = self.basis.shape
        halves = self.basis.reshape(rows, length // 2, 2, width)
        return np.einsum("bikp,bilp->bikl", halves, halves)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """Of each form of violation added alone (rows, forms): amplitude, its error, Student t, the chance of one as large
    with all forms tried, and the largest part of |Z| that it explains. `remainder`: the residual without the strongest.
    """

    amplitude: np.ndarray
    error: np.ndarray
    student: np.ndarray
    chance: np.ndarray
    explained: np.ndarray
    remainder: np.ndarray


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
    time = _sweep_times(given)
    if time is not None:
        return np.asarray((time - time[0]) / (time[-1] - time[0]))
    periods = np.cumsum(1.0 / spectrum.frequency)
    return np.asarray(periods / periods[-1])


def _test_group(spectra: list[Spectrum], time: np.ndarray) -> list[Validity]:
    """Every spectrum in turn until its outliers and its noise are the ones it was weighted with."""
    impedance = np.stack([spectrum.impedance for spectrum in spectra])
    kept = np.ones(impedance.shape, dtype=bool)
    batch = _Batch(spectra[0].angular_frequency, time, impedance, np.abs(impedance), kept)
    found: dict[int, Validity] = {}
    pending = np.arange(len(spectra))
    for _ in range(_ROUNDS):
        part = batch.take(pending)
        elements = _choose(part)
        changed = np.zeros(len(pending), dtype=bool)
        for size in np.unique(elements):
            members = np.flatnonzero(elements == size)
            group, places = part.take(members), pending[members]
            solution = _solve(group, int(size))
            evidence = _evidence(group, solution)
            noise = _noise(group, solution, evidence)
            results = _judge(group, solution, noise, evidence, [spectra[place] for place in places])
            found |= zip(places.tolist(), results, strict=True)
            batch.sigma[places] = sigma = np.hypot(noise[:, :1] * np.abs(group.impedance), noise[:, 1:])
            reweighted = np.ptp(np.log(sigma / group.sigma), axis=1) > np.log(1.3)
            keep = np.where(reweighted[:, None], group.kept, _keep(group, solution, evidence))
            batch.kept[places] = keep
            changed[members] = np.any(keep != group.kept, axis=1) | reweighted
        pending = pending[changed]
        if not len(pending):
            break
    return [found[place] for place in range(len(spectra))]


def _sizes(omega: np.ndarray) -> np.ndarray:
    """Numbers of elements to choose among: from one a decade to almost five, fewer than the points."""
    decades, distinct = float(np.log10(omega.max() / omega.min())), len(np.unique(omega))
    most = max(1, min(int(np.ceil(4.5 * decades)) + 2, int((1.0 - _SHARE_OUT) * distinct) - 2))
    fewest = min(most, max(1.0, 0.8 * decades))
    return np.unique(np.round(np.geomspace(fewest, most, 7)).astype(int))


def _columns(omega: np.ndarray, elements: int) -> np.ndarray:
    """R, L, C, the diffusion element and the relaxations, complex (points, elements + 4), each at most 1."""
    top, bottom, s = omega.max(), omega.min(), 1j * omega[:, None]
    fixed = [np.ones_like(s), s / top, bottom / s, np.sqrt(bottom / s)]
    tau = np.geomspace(10.0**-_BEYOND / top, 1.0 / bottom, elements) if elements > 1 else 1.0 / np.sqrt([top * bottom])
    return np.concatenate([*fixed, 1.0 / (1.0 + s * tau)], axis=1)


def _real(values: np.ndarray) -> np.ndarray:
    """Complex (..., points, columns) as real (..., 2 points, columns), the two parts of a point together."""
    parts = np.stack([values.real, values.imag], axis=-2)
    return parts.reshape(*values.shape[:-2], 2 * values.shape[-2], values.shape[-1])


def _solve(batch: _Batch, elements: int) -> _Solution:
    columns = _real(_columns(batch.omega, elements))
    weights = np.repeat(batch.weights, 2, axis=1)
    basis, triangle = np.linalg.qr(columns * weights[:, :, None])
    measured = _real(batch.impedance[:, :, None])[..., 0] * weights
    inner = np.einsum("bij,bi->bj", basis, measured)
    residual = (measured - np.einsum("bij,bj->bi", basis, inner)).reshape(*batch.impedance.shape, 2)
    model = batch.impedance - (residual[..., 0] + 1j * residual[..., 1]) * batch.sigma
    if not batch.kept.all():
        for row in np.flatnonzero(~batch.kept.all(axis=1)):
            values = np.linalg.lstsq(triangle[row], inner[row], rcond=None)[0]
            left_out = ~batch.kept[row]
            model[row, left_out] = (_columns(batch.omega, elements) @ values)[left_out]
    return _Solution(basis, residual, model, 2 * batch.kept.sum(axis=1) - basis.shape[2])


def _choose(batch: _Batch) -> np.ndarray:
    """The number of elements of least generalised cross-validation, by spectrum.

    The last entry of the triangle, the measured values being the last column, is the norm of the residual.
    """
    sizes = _sizes(batch.omega)
    weights = np.repeat(batch.weights, 2, axis=1)
    measured = (_real(batch.impedance[:, :, None])[..., 0] * weights)[:, :, None]
    rows = 2.0 * batch.kept.sum(axis=1)
    scores = []
    for size in sizes:
        columns = _real(_columns(batch.omega, int(size)))
        augmented = np.concatenate([columns * weights[:, :, None], measured], axis=2)
        triangle = np.asarray(np.linalg.qr(augmented, mode="r"))
        scores.append(triangle[:, -1, -1] ** 2 / (1.0 - columns.shape[1] / rows) ** 2)
    return sizes[np.argmin(scores, axis=0)]


def _noise(batch: _Batch, solution: _Solution, evidence: _Evidence) -> np.ndarray:
    """(proportional, additive in ohm) of each spectrum: the additive part by likelihood, where that gains 3, on a grid
    that is then made finer; a violation that is found counts as no noise.
    """
    modulus = np.abs(batch.impedance)
    freedom = np.where(batch.kept[..., None], 1.0 - np.einsum("bikk->bik", solution.leverage), 0.0)
    squares = (evidence.remainder * batch.sigma[..., None]) ** 2 / np.maximum(freedom, 1e-9)
    low, span = modulus.min(axis=1) / 3.0, 30.0 * modulus.max(axis=1) / modulus.min(axis=1)
    gain, scale = _likelihood(squares, freedom, modulus, np.zeros_like(low))
    gain, place = gain + 3.0, np.full_like(low, np.nan)
    centre = np.zeros_like(low)
    for shares in (np.linspace(0.0, 1.0, 10), np.linspace(-0.08, 0.08, 5)):
        for tried in centre + shares[:, None]:
            found, size = _likelihood(squares, freedom, modulus, low * span**tried)
            better = found > gain
            gain, scale, place = (
                np.where(better, new, old) for new, old in ((found, gain), (size, scale), (tried, place))
            )
        centre = place
        if not np.isfinite(place).any():
            break
    additive = np.where(np.isfinite(place), low * span**place, 0.0)
    return np.stack([scale, scale * additive], axis=1)


def _likelihood(
    squares: np.ndarray, freedom: np.ndarray, modulus: np.ndarray, ratio: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of additive over proportional noise, with Student's t of 4 degrees of freedom, which outliers hardly move; and
    the proportional noise then, from the squares with the large ones cut.
    """
    shape = modulus**2 + ratio[:, None] ** 2
    unit = squares / shape[..., None]
    total = freedom.sum(axis=(1, 2))
    scale = np.maximum((freedom * unit).sum(axis=(1, 2)) / total, 1e-300)
    for _ in range(5):
        pull = 5.0 / (4.0 + unit / scale[:, None, None])
        scale = np.maximum((freedom * pull * unit).sum(axis=(1, 2)) / total, 1e-300)
    spread = freedom.sum(axis=2) * np.log(shape * scale[:, None])
    tails = 5.0 * (freedom * np.log1p(unit / (4.0 * scale[:, None, None]))).sum(axis=2)
    core = np.minimum(unit, 9.0 * 1.5 * scale[:, None, None])
    return -0.5 * (spread + tails).sum(axis=1), np.sqrt((freedom * core).sum(axis=(1, 2)) / total)


def _deletion_squares(batch: _Batch, solution: _Solution) -> np.ndarray:
    """By how much the sum of squares falls when a point is left out, both parts together; 0 for those left out."""
    inverse = np.linalg.inv((1.0 + 1e-9) * np.eye(2) - solution.leverage)
    return np.einsum("bik,bikl,bil->bi", solution.residual, inverse, solution.residual)


def _keep(batch: _Batch, solution: _Solution, evidence: _Evidence) -> np.ndarray:
    """Which points to go on with. An outlier is a point whose leaving out explains more than a violation would, and
    which stands off, on the scale of the median, as one point in a hundred spectra does. A neighbour waits its turn;
    of the two points at either end only one may go, or the model would have to reach for the end.
    """
    squares = _deletion_squares(batch, solution)
    length = squares.shape[1]
    middle = np.nanmedian(np.where(batch.kept, squares, np.nan), axis=1, keepdims=True)
    scale = np.maximum(middle / stats.chi2.median(2), 1e-300)
    freedom = solution.freedom[:, None]
    chance = length * stats.f.sf(0.5 * squares / scale, 2, 0.45 * freedom)
    rest = np.maximum((solution.residual**2).sum(axis=(1, 2))[:, None] - squares, 1e-300) / np.maximum(freedom - 2, 1)
    plain = length * stats.f.sf(0.5 * squares / rest, 2, np.maximum(freedom - 2, 1))
    least = evidence.chance.min(axis=1, keepdims=True)
    preferred = (least > ALARM) | (plain.min(axis=1, keepdims=True) < least)
    beside = np.pad(squares, ((0, 0), (1, 1)))
    peak = squares >= np.maximum(beside[:, :-2], beside[:, 2:])
    peak[:, [1, -2]] &= batch.kept[:, [0, -1]]
    peak[:, [0, -1]] &= batch.kept[:, [1, -2]] & ~peak[:, [1, -2]]
    room = ((~batch.kept).sum(axis=1, keepdims=True) < int(_SHARE_OUT * length)) & (freedom > 6)
    return np.asarray(batch.kept & ~((chance < ALARM) & preferred & peak & room))


def _backward_times(omega: np.ndarray) -> np.ndarray:
    return np.asarray(10.0 ** np.arange(-np.log10(omega.max()), -np.log10(omega.min()) + 1e-9, 0.5))


def _violations(batch: _Batch, model: np.ndarray) -> np.ndarray:
    """Forms of violation, complex (rows, points, forms): two drifts, then arcs that run backwards in time."""
    backwards = 1.0 / (1.0 - 1j * batch.omega[:, None] * _backward_times(batch.omega))
    along = np.linspace(0.0, 1.0, len(batch.omega))
    drifts = model[:, :, None] * np.stack([batch.time, along], axis=1)
    return np.concatenate([drifts, np.abs(model)[:, :, None] * backwards], axis=2)


def _evidence(batch: _Batch, solution: _Solution) -> _Evidence:
    forms = _violations(batch, solution.model)
    weights = np.repeat(batch.weights, 2, axis=1)
    added = _real(forms) * weights[:, :, None]
    basis = solution.basis
    outside = added - basis @ (np.swapaxes(basis, 1, 2) @ added)
    norm = (outside**2).sum(axis=1)
    seen = norm > 1e-9 * (added**2).sum(axis=1)
    norm = np.where(seen, norm, 1.0)
    residual = solution.residual.reshape(len(weights), -1)
    product = np.where(seen, np.einsum("bik,bi->bk", outside, residual), 0.0)
    rest = np.maximum((residual**2).sum(axis=1)[:, None] - product**2 / norm, 1e-300)
    spread = np.sqrt(rest / (solution.freedom[:, None] - 1))
    amplitude = product / norm
    error = np.where(seen, spread / np.sqrt(norm), np.inf)
    to_modulus = np.repeat(batch.sigma / np.abs(solution.model), 2, axis=1)
    explained = np.abs(amplitude) * np.abs(outside * to_modulus[:, :, None]).max(axis=1)
    student = product / np.sqrt(norm) / spread
    arcs = student.shape[1] - 2
    tried = np.array([4.0, 4.0] + [2.0 * arcs] * arcs)
    chance = np.minimum(1.0, 2.0 * stats.t.sf(np.abs(student), solution.freedom[:, None] - 1) * tried)
    strongest = (np.arange(len(chance)), chance.argmin(axis=1))
    size = np.where(chance[strongest] < ALARM, amplitude[strongest], 0.0)
    remainder = residual - size[:, None] * np.swapaxes(outside, 1, 2)[strongest]
    return _Evidence(amplitude, error, student, chance, explained, remainder.reshape(solution.residual.shape))


def _judge(
    batch: _Batch, solution: _Solution, noise: np.ndarray, evidence: _Evidence, spectra: list[Spectrum]
) -> list[Validity]:
    chance = evidence.chance
    size = np.abs(evidence.student)
    near = size >= _AS_GOOD * size.max(axis=1, keepdims=True)
    broken = near & (chance < ALARM) & (np.abs(evidence.amplitude) > TOLERANCE) & (evidence.explained > SMALLEST)
    worst = np.argmin(np.where(broken.any(axis=1, keepdims=True) & ~broken, 2.0, chance), axis=1)
    needed = stats.t.isf(ALARM / 8.0, solution.freedom - 1) + stats.norm.isf(0.1)
    tau = _backward_times(batch.omega)
    found = []
    for row, (form, spectrum) in enumerate(zip(worst, spectra, strict=True)):
        name = (_TIME, _POINTS)[form] if form < 2 else f"arc that runs backwards in time, at {tau[form - 2]:.2g} s"
        deviation = spectrum.impedance - solution.model[row]
        validity = Validity(
            frequency=spectrum.frequency,
            elements=solution.basis.shape[2] - _FIXED,
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


def drift(spectra: Iterable[Any], coordinate: Any = None) -> Drift:
    """How much each spectrum of a series changed while it was taken, from how the next ones differ from it.

        within_i = max over f of |d ln|Z(f)|/dt| (duration of sweep i),   slopes by central differences over the series

    Arguments: `spectra` in order, two or more; `coordinate` one number each; without it the mean time of each sweep, s,
    where every record holds `test_time_second`, else the number of the spectrum. Durations are those of the records and
    count only where the coordinate is that time. Raises InputError for a coordinate that does not increase, or spectra
    without two common frequencies.
    Limits: changes faster than the interval between sweeps are not seen; `test` looks for those within one sweep.
    Source: this library's measure of the stationarity that M. E. Orazem, B. Tribollet, Electrochemical Impedance
    Spectroscopy, Wiley 2008, doi 10.1002/9780470381588, ask of a spectrum.

    >>> frequency = np.array([100.0, 10.0, 1.0])
    >>> drift([(frequency, np.full(3, size)) for size in (10.0, 11.0, 12.0)]).between.round(3).tolist()
    [0.095, 0.087]
    """
    given = list(spectra)
    known = spectra_of(given)
    if len(known) < 2:
        raise InputError("one spectrum is no series", remedy="give two or more")
    sweeps = [_sweep_times(record) for record in given]
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


def _sweep_times(given: Any) -> np.ndarray | None:
    if not (isinstance(given, Impedance) and "test_time_second" in given.table.columns):
        return None
    time = given.table["test_time_second"].to_numpy().astype(float)
    return time if len(time) > 1 and bool(np.all(np.diff(time) > 0.0)) else None


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
