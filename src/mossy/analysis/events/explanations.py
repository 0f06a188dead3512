"""Which physical changes turn one spectrum of a series into the next: each fitted to the pair, and what stands.

The equations are those of `mossy.analysis.events`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from mossy.analysis.events.traces import interpolated
from mossy.analysis.spectra import Spectrum

RIVAL = 0.05
"""Akaike weight relative to the best from which on another explanation stands."""
MISFIT = 1e-3
"""Chance of a misfit as large below which an explanation does not fit."""
CLOSED = 0.5
"""Part of its largest -Z'' to which an arc must have fallen at the highest frequency for R_inf to be measured."""
LEAST_POINTS = 6
"""Points that must be left where a tail of diffusion is cut off."""
QUIET = 40
"""Quiet neighbours, at most, by which the misfits are measured."""
_NAMES = {
    "short": ("soft short", "end of a soft short"),
    "area": ("area growth or thinner film", "area loss or thicker film"),
    "path": ("faster interface", "slower interface"),
    "series": ("better contact", "loss of contact"),
    "whole": ("larger wetted area", "loss of wetted area"),
    "both": ("soft short and area growth", "end of a soft short and area loss"),
}
Law = Callable[[np.ndarray, np.ndarray], np.ndarray]
LAWS: dict[str, tuple[Law, tuple[str, ...]]] = {
    "short": (lambda z, p: z / (1.0 + p[0] * z), ("conductance",)),
    "area": (lambda z, p: p[1] + (z - p[1]) * np.exp(-p[0]), ("area", "R_inf")),
    "path": (lambda z, p: p[1] + (z - p[1]) / (1.0 + p[0] * (z - p[1])), ("conductance", "R_inf")),
    "series": (lambda z, p: z - p[0], ("resistance",)),
    "whole": (lambda z, p: z * np.exp(-p[0]), ("area",)),
    "both": (lambda z, p: LAWS["short"][0](LAWS["area"][0](z, p[1:]), p), ("conductance", "area", "R_inf")),
}
"""Z of the smaller impedance from that of the larger, and what its parameters are (ln of an area)."""


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


def explained(
    key: str, old: np.ndarray, new: np.ndarray, sigma: np.ndarray, within: tuple[float, float], drift: float = 0.0
) -> Explanation:
    """One explanation of the smaller impedance `new` by the larger `old`, R_inf `within` (ohm).

    Where the explanation leaves the area of the interface as it is, it may have drifted as it usually does from one
    spectrum to the next: its logarithm has a normal prior of standard deviation `drift`, about the middle of `within`.
    """
    law, names = LAWS[key]
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
        return law(LAWS["area"][0](old, np.array([p[-1], middle])) if drifts else old, p)

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


def pair_beside(known: list[Spectrum], noise: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Z before, Z after, relative noise of each) at rising frequencies where both spectra reach, above the tails of
    diffusion: an area of the interface leaves the electrolyte's as they are.
    """
    one, other = known[gap], known[gap + 1]
    least, most = other.frequency.min() * (1.0 - 1e-9), other.frequency.max() * (1.0 + 1e-9)
    frequency = np.unique(one.frequency[(one.frequency >= least) & (one.frequency <= most)])
    one_there, other_there = interpolated(one, frequency), interpolated(other, frequency)
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
    return bottom if deep and len(z) - bottom >= LEAST_POINTS else 0


def inflation_of(known: list[Spectrum], noise: np.ndarray, breaks: list[int]) -> float:
    """How far quiet neighbours differ beyond their noise, in chi squared: what no explanation is asked to explain."""
    quiet = np.array([gap for gap in range(len(known) - 1) if gap not in breaks])
    chosen = (
        quiet[np.unique(np.linspace(0, len(quiet) - 1, min(len(quiet), QUIET)).astype(int))] if len(quiet) else quiet
    )
    sizes = [1.0]
    for gap in chosen:
        one, other, errors = pair_beside(known, noise, int(gap))
        if len(one) > 2:
            old, new = ordered(one, other)
            sigma = deviation("both", old, new, errors if old is one else errors[::-1])
            fit = explained("both", old, new, sigma, (0.0, max(float(new.real.min()), 1e-9)))
            sizes.append(fit.chi_squared / fit.freedom)
    return max(1.0, float(np.median(sizes)))


def deviation(key: str, old: np.ndarray, new: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Standard deviation of `new` less what an explanation makes of `old`, of which most scale the noise with Z;
    `errors` relative, of old and new.
    """
    carried = np.abs(old) if key == "series" else np.abs(new)
    return np.asarray(np.hypot(errors[1] * np.abs(new), errors[0] * carried))


def ordered(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(larger, smaller) by Re Z at the lowest frequency, which comes first."""
    return (one, other) if one.real[0] >= other.real[0] else (other, one)


def high_frequency_resistance(
    spectrum: Spectrum, new: np.ndarray, relative: float
) -> tuple[tuple[float, float], str, bool]:
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


def verdict(found: dict[str, Explanation], rises: bool) -> tuple[str, list[str]]:
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
