"""From areas to atomic percent, with everything that is assumed on the way said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.xps.peaks_results import Estimate, FittedComponent, PeakFit, fractions
from mossy.errors import InputError
from mossy.materials.cross_sections import dipole_asymmetry, photoionisation_cross_section
from mossy.materials.photoemission import film

ORGANIC = "organic"
ASSUMED_EXPONENT, EXPONENT_ERROR = 0.5, 0.3
"""Of the transmission, KE^-n, where neither the file nor the caller knows: between constant and 1/KE."""
_MAGIC_ANGLE = 54.7


@dataclass(frozen=True)
class Share:
    """One component's part of the sample: `sensitivity` is what its area was divided by."""

    region: str
    component: str
    level: str
    element: str
    kinetic_energy: float
    sensitivity: float
    atomic_percent: Estimate
    upper_limit: float | None = None
    """With 95 % probability the atomic percent is below; given where the component's area has such a limit"""


@dataclass(frozen=True)
class AtomicComposition:
    """Atomic percent of a homogeneous sample; of a layered one, what such a sample would look like."""

    shares: tuple[Share, ...]
    elements: dict[str, Estimate]
    assumptions: tuple[str, ...]
    flags: tuple[str, ...]
    faults: tuple[str, ...] = ()
    """Those of `flags` that say that something is wrong: poor fits, electrons that may count twice"""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "elements": {element: each.as_dict() for element, each in self.elements.items()},
            "components": [
                {key: value for key, value in each.__dict__.items() if key != "atomic_percent"}
                | {"atomic_percent": each.atomic_percent.as_dict()}
                for each in self.shares
            ],
            "assumptions": list(self.assumptions),
            "flags": list(self.flags),
            "faults": list(self.faults),
        }

    def text(self) -> str:
        """A table for a terminal."""
        lines = [f"{'element':28s}{'at.%':>8s}{'+-':>7s}"]
        for element, total in self.elements.items():
            lines.append(f"{element:28s}{total.value:8.2f}{total.standard_error:7.2f}")
            for each in self.shares:
                if each.element == element:
                    percent = each.atomic_percent
                    name = f"  {each.level} {each.component}"
                    limit = "" if each.upper_limit is None else f"  below {each.upper_limit:.2g} (95 %)"
                    lines.append(f"{name:28s}{percent.value:8.2f}{percent.standard_error:7.2f}{limit}")
        told = [*(f"! {flag}" for flag in self.flags), *(f"- {each}" for each in self.assumptions)]
        return "\n".join([*lines, *told])


@dataclass(frozen=True)
class _Line:
    fit: PeakFit
    component: FittedComponent
    level: str
    kinetic_energy: float

    @property
    def element(self) -> str:
        return self.level.split()[0]


def quantify(
    fits: Sequence[PeakFit],
    *,
    excitation_energy: float | None = None,
    transmission_exponent: float | None = None,
    mean_free_path: str = ORGANIC,
    source_angle_degree: float | None = None,
    sensitivity_factors: Mapping[str, float] | None = None,
    sensitivity_error: float = 0.05,
) -> AtomicComposition:
    """Atomic percent: x = (A/S)/sum(A/S), with S = sigma W T(KE) lambda(KE).

    Arguments: `fits`, one of each core level; `excitation_energy`, eV, where the records do not know.
    `transmission_exponent` n of T = KE^-n; None takes the file's own transmission, else n = 0.5 +- 0.3.
    `mean_free_path`: "organic", an attenuation length of 0.00837 KE^0.842 nm (M. P. Seah, S. J. Spencer, Surf.
    Interface Anal. 43 (2011) 744, doi 10.1002/sia.3607, unverified), or a phase of the library, by JTP.
    `source_angle_degree` between X-rays and electrons: W from the dipole asymmetry; None takes W = 1, exact at 54.7
    degrees. `sensitivity_factors`: S by core level in place of all that, on any one scale. `sensitivity_error`: the
    relative standard error of each level's S (Scofield's cross sections are good to some 5 %).

    Validity: a homogeneous sample. What lies above attenuates what lies below, more so at low kinetic energy: for
    layers fit phases. Errors: of the areas with their correlations, of S (one error a level) and of
    n; of a poor fit (`PeakFit.poor`) what it leaves unexplained too, which is a fault.

    >>> import polars as pl
    >>> from mossy.analysis.xps.peaks import fit_peaks
    >>> from mossy.records import Photoemission
    >>> energy = np.linspace(0.0, 12.0, 121)
    >>> fits = []
    >>> for level, start, height in (("C 1s", 279.0, 1000.0), ("F 1s", 679.0, 4430.0)):
    ...     counts = height * np.exp(-((energy - 6.0) ** 2)) + 100.0
    ...     table = pl.DataFrame({"binding_energy_electronvolt": start + energy, "intensity_counts": counts})
    ...     known = {"region": level, "dwell_time_second": 1.0, "sweeps": 1, "excitation_energy_electronvolt": 1486.6}
    ...     fits.append(fit_peaks(Photoemission(table, known), f"peak {start + 6.0} l=0!", "linear"))
    >>> fluorine = quantify(fits, sensitivity_factors={"C 1s": 1.0, "F 1s": 4.43}).elements["F"]
    >>> round(fluorine.value, 1), fluorine.standard_error < 3.0
    (50.0, True)
    """
    lines = _lines(fits, excitation_energy)
    faults = [*_poor(fits), *_overlapping(fits)]
    flags = [*faults, *_undetermined(lines)]
    if sensitivity_error < 0.0 or not math.isfinite(sensitivity_error):
        problem = f"a sensitivity error of {sensitivity_error}"
        raise InputError(problem, key="sensitivity_error", remedy="give a part, such as 0.05")
    if sensitivity_factors is not None:
        sensitivity = np.array([_given(each.level, sensitivity_factors) for each in lines])
        slope, assumed = np.zeros(len(lines)), ["sensitivity factors as given"]
    else:
        sensitivity, slope, assumed = _sensitivity(lines, transmission_exponent, mean_free_path, source_angle_degree)
    assumed.append(f"sensitivity factors are good to {100.0 * sensitivity_error:g} %, each level's by itself")
    assumed.append("the sample is homogeneous over the depth that is seen; H and He are not seen")
    rates, covariance, scales = _rates(fits)
    amounts = rates / sensitivity
    if amounts.sum() <= 0.0:
        raise InputError("every area is 0", key="fits", remedy="give a fit in which a line was found")
    alike = np.array([[one.level == other.level for other in lines] for one in lines])
    relative = sensitivity_error**2 * alike + np.outer(slope, slope)
    total = covariance / np.outer(sensitivity, sensitivity) + relative * np.outer(amounts, amounts)
    share, error = fractions(amounts, total)
    percents = [Estimate(100.0 * float(x), 100.0 * float(s)) for x, s in zip(share, error, strict=True)]
    limits = _limits(lines, amounts, scales / sensitivity)
    shares = tuple(
        Share(
            region=each.fit.region,
            component=each.component.name,
            level=each.level,
            element=each.element,
            kinetic_energy=each.kinetic_energy,
            sensitivity=float(s),
            atomic_percent=percent,
            upper_limit=limit,
        )
        for each, s, percent, limit in zip(lines, sensitivity, percents, limits, strict=True)
    )
    return AtomicComposition(shares, _by_element(lines, amounts, total), tuple(assumed), tuple(flags), tuple(faults))


def _limits(lines: Sequence[_Line], amounts: np.ndarray, per_area: np.ndarray) -> list[float | None]:
    """Atomic percent if a component's area were at its upper limit and all others as they are."""
    found: list[float | None] = []
    for each, amount, factor in zip(lines, amounts, per_area, strict=True):
        limit = each.component.upper_limit
        if limit is None:
            found.append(None)
        elif not math.isfinite(limit):
            found.append(100.0)
        else:
            most = limit * factor
            found.append(float(100.0 * most / (most + amounts.sum() - amount)))
    return found


def _poor(fits: Sequence[PeakFit]) -> list[str]:
    """Fits that do not describe their regions."""
    return [
        f"{fit.region}: its fit is poor (reduced chi squared {fit.reduced_chi_squared:.1f}; {fit.unexplained:.3g} "
        f"{fit.unit} unexplained, beside {fit.area.value:.3g} in lines): do not quote its atomic percent"
        for fit in fits
        if fit.poor
    ]


def _unexplained(fit: PeakFit) -> np.ndarray:
    """The covariance of areas by which a poor fit may be wrong: of their sum, and of how it is divided."""
    size = len(fit.components)
    if not fit.poor:
        return np.zeros((size, size))
    share = np.array([each.fraction.value for each in fit.components])
    between = np.eye(size) - np.full((size, size), 1.0 / size)
    return fit.unexplained**2 * (np.outer(share, share) + between)


def _lines(fits: Sequence[PeakFit], excitation_energy: float | None) -> list[_Line]:
    if not fits:
        raise InputError("no fits", key="fits", remedy="give the fit of one region of each element")
    found = []
    for fit in fits:
        photon = fit.excitation_energy if excitation_energy is None else excitation_energy
        if photon is None:
            remedy = "give excitation_energy in eV, as 1486.6 for Al Ka"
            raise InputError("the photon energy is not known", key=fit.region, remedy=remedy)
        for component in fit.components:
            if component.level is None:
                problem = f"'{component.name}' of '{fit.region}' belongs to no core level that is known"
                remedy = "name the region (or the component's level) as in 'C 1s'"
                raise InputError(problem, key=fit.region, remedy=remedy)
            kinetic = photon - component.position.value
            if kinetic <= 0.0:
                problem = f"{component.name} at {component.position.value:.6g} eV with photons of {photon:.6g} eV"
                raise InputError(problem, key=fit.region, remedy="check the photon energy")
            found.append(_Line(fit, component, component.level, kinetic))
    _refuse_repeats(found)
    return found


def _refuse_repeats(lines: Sequence[_Line]) -> None:
    """An element counted twice: by two fits of a level, or by two of its levels."""
    seen: dict[str, tuple[str, int]] = {}
    for each in lines:
        place = (each.level, id(each.fit))
        other = seen.setdefault(each.element, place)
        if other != place:
            again = "again" if other[0] == each.level else f"by {other[0]} and {each.level}"
            problem = f"{each.element} is counted {again}"
            remedy = "give one level of each element, of one sample and depth"
            raise InputError(problem, key=each.fit.region, remedy=remedy)


def _given(level: str, factors: Mapping[str, float]) -> float:
    value = factors.get(level, math.nan)
    if not value > 0.0:
        problem = f"no sensitivity factor above 0 for {level}"
        raise InputError(problem, key="sensitivity_factors", remedy=f"give one: {{'{level}': ...}}")
    return float(value)


def _sensitivity(
    lines: Sequence[_Line], exponent: float | None, mean_free_path: str, angle: float | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """S of each line (relative), d ln S over the error of the transmission's exponent, and what was assumed."""
    kinetic = np.array([each.kinetic_energy for each in lines])
    photons = [each.kinetic_energy + each.component.position.value for each in lines]
    sections = [photoionisation_cross_section(each.level, photon) for each, photon in zip(lines, photons, strict=True)]
    transmission, slope, told = _transmission(lines, kinetic, exponent)
    path, about_path = _path(kinetic, mean_free_path)
    asymmetry, about_angle = np.ones(len(lines)), f"no asymmetry: X-rays and electrons at {_MAGIC_ANGLE} degrees"
    if angle is not None:
        from mossy.laws.photoemission import asymmetry_factor

        betas = [dipole_asymmetry(each.level, photon) for each, photon in zip(lines, photons, strict=True)]
        asymmetry = np.array([float(asymmetry_factor(beta, math.radians(angle))) for beta in betas])
        about_angle = f"dipole asymmetry at {angle:g} degrees between X-rays and electrons"
    sources = "; ".join(sorted({each.source for each in sections}))
    assumed = [f"cross sections: {sources}", about_angle, told, about_path]
    return np.array([each.barn for each in sections]) * asymmetry * transmission * path, slope, assumed


def _transmission(
    lines: Sequence[_Line], kinetic: np.ndarray, exponent: float | None
) -> tuple[np.ndarray, np.ndarray, str]:
    held = [each.fit.transmission is not None for each in lines]
    nothing = np.zeros(len(lines))
    if exponent is not None:
        if not math.isfinite(exponent):
            raise InputError(f"an exponent of {exponent}", key="transmission_exponent", remedy="give n of KE^-n")
        return kinetic**-exponent, nothing, f"transmission KE^-{exponent:g}, as given"
    if all(held):
        at = [float(np.interp(e.component.position.value, e.fit.energy, e.fit.transmission)) for e in lines]  # type: ignore[arg-type]
        if min(at) <= 0.0:
            problem = "the file's transmission is not above 0"
            raise InputError(problem, key="transmission", remedy="give transmission_exponent")
        return np.array(at), nothing, "transmission of the analyser as the file has it"
    if any(held):
        problem = "some records have the analyser's transmission and some do not"
        raise InputError(problem, key="transmission", remedy="give transmission_exponent, n of KE^-n, for all")
    told = (
        f"transmission KE^-{ASSUMED_EXPONENT:g}, n +- {EXPONENT_ERROR:g} carried into the errors: neither the file nor "
        "you gave it (transmission_exponent)"
    )
    return kinetic**-ASSUMED_EXPONENT, EXPONENT_ERROR * np.log(kinetic), told


def _path(kinetic: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    if name == ORGANIC:
        return 0.00837 * kinetic**0.842, "attenuation length of a mean organic material, 0.00837 KE^0.842 nm"
    phase = film(name)
    from mossy.laws.photoemission import inelastic_mean_free_path

    given: dict[str, Any] = phase.path_inputs
    path = np.array([float(inelastic_mean_free_path(each, **given)) for each in kinetic])
    return path, f"inelastic mean free path of {phase.name} (JTP)"


def _rates(fits: Sequence[PeakFit]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Areas on one scale (per second where any fit is in counts), their covariance, and that scale over each's own."""
    scales = []
    for fit in fits:
        if fit.unit != "counts eV":
            scales.append(1.0)
        elif fit.seconds is not None:
            scales.append(1.0 / fit.seconds)
        elif len(fits) == 1:
            scales.append(1.0)
        else:
            problem = "counts of an unknown counting time cannot be compared with another region's"
            remedy = "give fit_peaks the counting_time, dwell time times sweeps (--counting-time)"
            raise InputError(problem, key=fit.region, remedy=remedy)
    each_fit = list(zip(fits, scales, strict=True))
    areas = np.array([scale * each.area.value for fit, scale in each_fit for each in fit.components])
    covariance = np.zeros((len(areas), len(areas)))
    place = 0
    for fit, scale in each_fit:
        size = len(fit.components)
        covariance[place : place + size, place : place + size] = scale**2 * (fit.area_covariance + _unexplained(fit))
        place += size
    return areas, covariance, np.array([scale for fit, scale in each_fit for _ in fit.components])


def _by_element(lines: Sequence[_Line], amounts: np.ndarray, covariance: np.ndarray) -> dict[str, Estimate]:
    elements = list(dict.fromkeys(each.element for each in lines))
    of = np.array([[float(each.element == element) for each in lines] for element in elements])
    finite = np.where(np.isfinite(covariance), covariance, 0.0)
    total = of @ finite @ of.T
    unknown = of[:, ~np.isfinite(np.diag(covariance))].any(axis=1)
    total[unknown, unknown] = np.inf
    share, error = fractions(of @ amounts, total)
    percents = [Estimate(100.0 * float(x), 100.0 * float(s)) for x, s in zip(share, error, strict=True)]
    return dict(zip(elements, percents, strict=True))


def _overlapping(fits: Sequence[PeakFit]) -> list[str]:
    """Fits whose energies overlap may count the same electrons twice."""
    told = []
    for number, fit in enumerate(fits):
        for other in fits[:number]:
            low, high = max(fit.energy[0], other.energy[0]), min(fit.energy[-1], other.energy[-1])
            if low < high:
                told.append(
                    f"{other.region} and {fit.region} overlap from {low:.1f} to {high:.1f} eV: fit both together, with "
                    "the other level's line as a component, or its electrons count twice"
                )
    return told


def _undetermined(lines: Sequence[_Line]) -> list[str]:
    weak = [f"{each.level} {each.component.name}" for each in lines if not each.component.determined]
    return [f"areas that are not determined: {', '.join(weak)}"] if weak else []
