"""The regions of a sample's spectra on rising binding energies, with their counts, their errors and what is amiss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.xps.phase_times import Time, counting_times
from mossy.analysis.xps.quantify import ASSUMED_EXPONENT, EXPONENT_ERROR
from mossy.analysis.xps.simulate import excitation_energy
from mossy.errors import InputError

if TYPE_CHECKING:
    from mossy.records import Photoemission

FEWEST_POINTS = 12
WIDEST = 60.0
"""eV: a wider record is a survey."""
_SATURATED = 4
_NOISE = 0.6745 * math.sqrt(6.0)
"""Median of |a - 2 b + c| of unit noise."""


@dataclass(frozen=True, eq=False)
class Region:
    """One region as the fit sees it: `energy` rising, eV; `counts` and the `variance` of each count over its
    expectation (1: Poisson), `excess`; `exposure`, s, all of a sample on one footing, `untimed` where that is not
    known; `transmission`, and ln of the kinetic energy, keV, where it is not known between regions (else 0); photon
    energy, eV; emission angle, rad.
    """

    name: str
    energy: np.ndarray
    counts: np.ndarray
    excess: float
    exposure: float
    transmission: np.ndarray
    photon_energy: float
    emission_angle: float
    notes: tuple[str, ...]
    faults: tuple[str, ...]
    log_kinetic: float
    untimed: bool


@dataclass(frozen=True, eq=False)
class Regions:
    """Those of one sample, by rising binding energy, what was assumed and what is wrong with them."""

    regions: list[Region]
    notes: tuple[str, ...]
    faults: tuple[str, ...]


def regions_of(
    records: Sequence[Photoemission] | Photoemission,
    *,
    excitation: float | str | None = None,
    emission_angle: float | None = None,
    transmission_exponent: float | None = None,
    counting_time: float | str | Mapping[str, float] | None = None,
) -> Regions:
    """The regions of one sample, with notes on those left out."""
    notes: list[str] = []
    named = [(str(each.metadata.get("region") or f"region {number}"), each) for number, each in _numbered(records)]
    surveys = [name for name, record in named if _is_survey(name, record)]
    if surveys:
        notes.append(f"{', '.join(dict.fromkeys(surveys))}: wider than a core level, left out")
    named = [(name, record) for name, record in named if not _is_survey(name, record)]
    if not named:
        remedy = "give the detailed regions of core levels, not the survey alone"
        raise InputError("there is no region to fit", key="records", remedy=remedy)
    if transmission_exponent is not None and not -5.0 <= transmission_exponent <= 5.0:
        problem = f"{transmission_exponent} is no exponent of a transmission"
        raise InputError(problem, key="transmission_exponent", remedy="give n of KE^-n, 0 to 1")
    times, unknown = counting_times(named, counting_time)
    found: list[Region] = []
    for (name, record), time in zip(named, times, strict=True):
        energy = record.table["binding_energy_electronvolt"].to_numpy()
        photon = _photon(record, excitation, name)
        _check_scale(energy, photon, name)
        angle = _angle(record, emission_angle, name)
        found.append(_region(record, name, time, photon, angle, transmission_exponent))
    found.sort(key=lambda region: (region.energy[0], region.emission_angle, region.photon_energy))
    _check_overlap(found)
    faults = [*unknown, *_transmissions(found, transmission_exponent, notes), *(x for r in found for x in r.faults)]
    passes = {record.metadata.get("pass_energy_electronvolt") for _, record in named}
    known = sorted(float(each) for each in passes if each is not None)
    if len(known) > 1:
        shown = ", ".join(f"{each:g}" for each in known)
        notes.append(f"pass energies of {shown} eV: areas compare only with the transmission of each")
    return Regions(_told_apart(found), tuple(notes), tuple(faults))


def _numbered(records: Sequence[Photoemission] | Photoemission) -> Iterable[tuple[int, Photoemission]]:
    from mossy.records import Photoemission

    if isinstance(records, Photoemission):
        return [(1, records)]
    remedy = "give a list of photoemission records, as `mossy.read` returns them"
    if isinstance(records, str | Mapping) or not isinstance(records, Iterable):
        raise InputError(f"{type(records).__name__} is no list of records", key="records", remedy=remedy)
    found = list(enumerate(records, 1))
    for number, each in found:
        if not isinstance(each, Photoemission):
            raise InputError(f"record {number} is {each!r:.60}", key="records", remedy=remedy)
    return found


def _angle(record: Photoemission, emission_angle: float | None, name: str) -> float:
    """rad."""
    given = record.metadata.get("emission_angle_degree", 0.0) if emission_angle is None else emission_angle
    if not (math.isfinite(given) and 0.0 <= abs(given) < 90.0):
        remedy = "give it from the surface normal, 0 to 89"
        raise InputError(f"{given} degrees is no emission angle", key=name, remedy=remedy)
    return math.radians(given)


def _transmissions(regions: Sequence[Region], given: float | None, notes: list[str]) -> list[str]:
    """What is wrong with the transmissions of the regions together; what was assumed goes to the notes."""
    unknown = [region.name for region in regions if region.log_kinetic != 0.0]
    if unknown and given is None:
        law = f"KE^-n with n = {ASSUMED_EXPONENT:g} ± {EXPONENT_ERROR:g}, which is in the errors"
        notes.append(f"the transmission of the analyser is not in the records: {law}; transmission_exponent= fixes n")
    elif given is not None:
        notes.append(f"transmission of the analyser: KE^-{given:g} where the records do not have it, as given")
    if unknown and len(unknown) < len(regions):
        what = f"the transmission of {', '.join(unknown)} is not known while that of other regions is"
        return [f"{what}: their areas may not compare"]
    return []


def _is_survey(name: str, record: Photoemission) -> bool:
    wide = np.ptp(record.table["binding_energy_electronvolt"].to_numpy()) > WIDEST
    return bool(wide or name.strip().lower() in ("survey", "wide"))


def _told_apart(regions: list[Region]) -> list[Region]:
    """With the angle and the photons in the names that are not alone."""
    names = [region.name for region in regions]
    return [
        replace(region, name=f"{region.name} ({np.degrees(region.emission_angle):.0f}°, {region.photon_energy:g} eV)")
        if names.count(region.name) > 1
        else region
        for region in regions
    ]


def _photon(record: Photoemission, excitation: float | str | None, name: str) -> float:
    known = record.metadata.get("excitation_energy_electronvolt") or record.metadata.get("excitation_source")
    given = excitation if excitation is not None else known
    if given is None:
        remedy = "give excitation='Al Ka', or the photon energy in eV"
        raise InputError("the photon energy is unknown", key=name, remedy=remedy)
    return excitation_energy(given)


def _check_scale(energy: np.ndarray, photon: float, name: str) -> None:
    if energy.max() >= photon:
        problem = f"binding energies up to {energy.max():g} eV with photons of {photon:g} eV"
        remedy = "is it a scale of kinetic energies? read the file again with excitation= its source"
        raise InputError(problem, key=name, remedy=remedy)


def _region(
    record: Photoemission,
    name: str,
    time: Time,
    photon: float,
    angle: float,
    transmission_exponent: float | None,
) -> Region:
    order = np.argsort(record.table["binding_energy_electronvolt"].to_numpy())
    energy = record.table["binding_energy_electronvolt"].to_numpy()[order].astype(float)
    if len(energy) < FEWEST_POINTS:
        raise InputError(f"{len(energy)} points are too few", key=name, remedy=f"give {FEWEST_POINTS} or more")
    counts, excess, notes = _counts(record, order, time, name)
    log_kinetic = 0.0
    if "transmission" in record.table.columns:
        transmission = record.table["transmission"].to_numpy()[order].astype(float)
    elif transmission_exponent is not None:
        transmission = ((photon - energy) / 1000.0) ** -transmission_exponent
    else:
        middle = photon - float(energy.mean())
        transmission = ((photon - energy) / middle) ** -ASSUMED_EXPONENT
        log_kinetic = math.log(middle / 1000.0)
    if not (np.isfinite(transmission).all() and (transmission > 0.0).all()):
        raise InputError("a transmission that is not positive", key=name, remedy="leave the column out")
    highest = np.count_nonzero(counts == counts.max())
    faults = []
    if highest >= _SATURATED and counts.max() > 100.0:
        faults.append(f"{name}: {highest} points share the highest count: is the detector saturated?")
    return Region(
        name=name,
        energy=energy,
        counts=counts,
        excess=excess,
        exposure=time.seconds,
        transmission=transmission,
        photon_energy=photon,
        emission_angle=angle,
        notes=tuple(notes),
        faults=tuple(faults),
        log_kinetic=log_kinetic,
        untimed=time.unknown,
    )


def _counts(record: Photoemission, order: Any, time: Time, name: str) -> tuple[np.ndarray, float, list[str]]:
    """Counts, how many times Poisson's their variance is, and notes."""
    notes: list[str] = []
    if "intensity_counts" in record.table.columns:
        counts, excess = record.table["intensity_counts"].to_numpy()[order].astype(float), 1.0
    else:
        counts = record.table["intensity_counts_per_second"].to_numpy()[order].astype(float) * time.seconds
        excess = 1.0
        if not time.counted:
            excess = _excess(counts)
            notes.append(f"{name}: counts/s without dwell time and sweeps: errors are from the scatter of the data")
    if not np.isfinite(counts).all() or counts.min() < 0.0:
        remedy = "give counts as measured, without a background taken off"
        raise InputError("counts below zero or not finite", key=name, remedy=remedy)
    if counts.max() <= 0.0:
        raise InputError("no counts at all", key=name, remedy="leave the region out")
    return counts, excess, notes


def _excess(counts: np.ndarray) -> float:
    """Variance over expectation, from second differences."""
    level = np.maximum(np.convolve(np.pad(counts, 2, mode="edge"), np.full(5, 0.2), mode="valid"), 1e-12)
    scatter = np.abs(counts[:-2] - 2.0 * counts[1:-1] + counts[2:]) / np.sqrt(level[1:-1])
    return max((float(np.median(scatter)) / _NOISE) ** 2, 1e-9 * float(level.max()))


def _check_overlap(regions: list[Region]) -> None:
    for place, one in enumerate(regions):
        for other in regions[place + 1 :]:
            alike = (one.photon_energy, one.emission_angle) == (other.photon_energy, other.emission_angle)
            shared = min(one.energy[-1], other.energy[-1]) - max(one.energy[0], other.energy[0])
            if alike and shared > 0.5 * min(np.ptp(one.energy), np.ptp(other.energy)):
                problem = f"{one.name} and {other.name} cover the same energies"
                remedy = "leave one out; several samples or etch levels go to fit_phases_many, each with its regions"
                raise InputError(problem, key="records", remedy=remedy)
