"""The regions of a sample's spectra on rising binding energies, with their counts, their errors and what is amiss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

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
    expectation (1: Poisson); `exposure`, s, all of a sample on one footing; `transmission`; photon energy, eV; emission
    angle, rad.
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


def regions_of(
    records: Sequence[Photoemission],
    *,
    excitation: float | str | None = None,
    emission_angle: float | None = None,
    transmission_exponent: float | None = None,
) -> tuple[list[Region], list[str]]:
    """The regions of one sample, by rising binding energy, and notes on those left out."""
    found: list[Region] = []
    notes: list[str] = []
    named = [(str(each.metadata.get("region") or f"region {number}"), each) for number, each in enumerate(records, 1)]
    surveys = [name for name, record in named if _is_survey(name, record)]
    if surveys:
        notes.append(f"{', '.join(dict.fromkeys(surveys))}: wider than a core level, left out")
    named = [(name, record) for name, record in named if not _is_survey(name, record)]
    records = [record for _, record in named]
    exposures = _exposures(records, notes)
    for (name, record), exposure in zip(named, exposures, strict=True):
        energy = record.table["binding_energy_electronvolt"].to_numpy()
        photon = _photon(record, excitation, name)
        _check_scale(energy, photon, name)
        given = record.metadata.get("emission_angle_degree", 0.0) if emission_angle is None else emission_angle
        if not (math.isfinite(given) and 0.0 <= abs(given) < 90.0):
            remedy = "give it from the surface normal, 0 to 89"
            raise InputError(f"{given} degrees is no emission angle", key=name, remedy=remedy)
        angle = math.radians(given)
        found.append(_region(record, name, exposure, photon, angle, transmission_exponent))
    if not found:
        remedy = "give the detailed regions of core levels, not the survey alone"
        raise InputError("there is no region to fit", key="records", remedy=remedy)
    found.sort(key=lambda region: (region.energy[0], region.emission_angle, region.photon_energy))
    _check_overlap(found)
    passes = {record.metadata.get("pass_energy_electronvolt") for record in records}
    known = sorted(float(each) for each in passes if each is not None)
    if len(known) > 1:
        shown = ", ".join(f"{each:g}" for each in known)
        notes.append(f"pass energies of {shown} eV: areas compare only with the transmission of each")
    return _told_apart(found), notes


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


def _exposures(records: Sequence[Photoemission], notes: list[str]) -> list[float]:
    """Dwell time times sweeps of each record, s; 1 for all where no record knows it."""
    times = [
        float(record.metadata["dwell_time_second"]) * float(record.metadata.get("sweeps", 1))
        if record.metadata.get("dwell_time_second") and record.metadata.get("sweeps", 1)
        else None
        for record in records
    ]
    if all(time is not None for time in times):
        return [float(time) for time in times if time is not None]
    if any(time is not None for time in times):
        missing = [str(r.metadata.get("region")) for r, time in zip(records, times, strict=True) if time is None]
        remedy = "set metadata dwell_time_second and sweeps of every region, or of none"
        raise InputError(f"the dwell time of {', '.join(missing)} is missing", key="dwell_time_second", remedy=remedy)
    if any("intensity_counts" in record.table.columns for record in records):
        notes.append("no dwell times: every region is taken as counted equally long at each energy")
    return [1.0] * len(records)


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
    exposure: float,
    photon: float,
    angle: float,
    transmission_exponent: float | None,
) -> Region:
    order = np.argsort(record.table["binding_energy_electronvolt"].to_numpy())
    energy = record.table["binding_energy_electronvolt"].to_numpy()[order]
    if len(energy) < FEWEST_POINTS:
        raise InputError(f"{len(energy)} points are too few", key=name, remedy=f"give {FEWEST_POINTS} or more")
    counts, excess, notes = _counts(record, order, exposure, name)
    if "transmission" in record.table.columns:
        transmission = record.table["transmission"].to_numpy()[order].astype(float)
    else:
        transmission = ((photon - energy) / 1000.0) ** -(transmission_exponent or 0.0)
        if transmission_exponent is None:
            notes.append("no transmission of the analyser in the records: taken as the same at all energies")
    if not (np.isfinite(transmission).all() and (transmission > 0.0).all()):
        raise InputError("a transmission that is not positive", key=name, remedy="leave the column out")
    highest = np.count_nonzero(counts == counts.max())
    if highest >= _SATURATED and counts.max() > 100.0:
        notes.append(f"{name}: {highest} points share the highest count: is the detector saturated?")
    return Region(name, energy, counts, excess, exposure, transmission, photon, angle, tuple(notes))


def _counts(record: Photoemission, order: Any, exposure: float, name: str) -> tuple[np.ndarray, float, list[str]]:
    """Counts, how many times Poisson's their variance is, and notes."""
    notes: list[str] = []
    if "intensity_counts" in record.table.columns:
        counts, excess = record.table["intensity_counts"].to_numpy()[order].astype(float), 1.0
    else:
        counts, excess = record.table["intensity_counts_per_second"].to_numpy()[order].astype(float) * exposure, 1.0
        if not record.metadata.get("dwell_time_second"):
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
