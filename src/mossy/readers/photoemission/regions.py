"""One region as a reader found it -> a record: the scale settled, what cannot be true refused, what is doubtful said.

A kinetic energy becomes a binding energy by the photon energy alone: instruments write kinetic energies against the
Fermi level, their work function taken in already. (Files of four vendors end at round binding energies only that way;
a reader that subtracts the work function is 4 to 5 eV off.) Nothing else is corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Request
from mossy.readers.photoemission.excitation import EXCITATION_OPTION, REMEDY, source_near, stated_excitation
from mossy.records import Photoemission, Record

_BELOW_FERMI = 60.0
"""A survey may start this far below the Fermi level; regions further below hold no photoelectrons of the line."""
_FLAT = 4
"""As many equal values at the very top are a detector at its limit, unless the whole region is stepped."""
_FLAT_AT = 100.0
_STEPPED = 0.3


@dataclass
class Region:
    """What a file holds of one region. `where` names it in messages; energies and intensities as the file has them."""

    energy: np.ndarray
    intensity: np.ndarray
    scale: str
    per_second: bool
    where: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    transmission: np.ndarray | None = None


def record_of(region: Region, request: Request) -> Photoemission:
    """The record of a region; raises InputError where its energies or intensities cannot be what they should."""
    import polars as pl

    _settle_excitation(region, request)
    _refuse_nonsense(region)
    photon = region.metadata.get("excitation_energy_electronvolt")
    binding = region.energy
    if region.scale == "kinetic":
        binding = np.round(region.metadata["excitation_energy_electronvolt"] - binding, 9) + 0.0  # no -0
    _refuse_scale(region, binding, photon)
    columns = {
        "binding_energy_electronvolt": binding,
        ("intensity_counts_per_second" if region.per_second else "intensity_counts"): region.intensity,
    }
    if region.scale == "kinetic":
        columns["kinetic_energy_electronvolt"] = region.energy
    if region.transmission is not None:
        columns["transmission"] = region.transmission
    warnings = [*region.warnings, *_doubts(region)]
    metadata = {**region.metadata, "energy_scale": region.scale, **({"warnings": warnings} if warnings else {})}
    return Photoemission(pl.DataFrame({name: np.asarray(each, float) for name, each in columns.items()}), metadata)


def _settle_excitation(region: Region, request: Request) -> None:
    """The photon energy: the caller's where there is one, else the file's."""
    stated, known = stated_excitation(request.options), region.metadata.get("excitation_energy_electronvolt")
    if stated:
        energy, source = stated
        if known is not None and abs(known - energy) > 0.5:
            region.warnings.append(
                f"the file says a photon energy of {known:.6g} eV; {energy:.6g} eV was taken, as the caller asked"
            )
        region.metadata |= {"excitation_energy_electronvolt": energy}
        region.metadata.pop("excitation_source", None)
        if source:
            region.metadata["excitation_source"] = source
    elif known is not None:
        if not (np.isfinite(known) and 0.0 < known < 1e5):
            raise InputError(f"{region.where}a photon energy of {known} eV", key=EXCITATION_OPTION, remedy=REMEDY)
        source = source_near(known)
        if source:
            region.metadata["excitation_source"] = source
    elif region.scale == "kinetic":
        problem = f"{region.where}kinetic energies without a photon energy"
        raise InputError(problem, key=EXCITATION_OPTION, remedy=REMEDY)


def _refuse_nonsense(region: Region) -> None:
    """Energies and intensities that no spectrum has."""
    energy, intensity = region.energy, region.intensity
    if len(energy) < 3:
        raise InputError(f"{region.where}{len(energy)} points are no spectrum", remedy="give a whole region")
    for name, values in (("energy", energy), ("intensity", intensity)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            problem = f"{region.where}the {name} of point {bad[0] + 1} is not a number"
            raise InputError(problem, remedy="leave incomplete points out")
    step = np.diff(energy)
    turns = np.flatnonzero(np.sign(step) != np.sign(energy[-1] - energy[0]))
    if turns.size:
        place = int(turns[0]) + 1
        problem = (
            f"{region.where}the energies turn back or repeat after point {place} "
            f"({energy[place - 1]:.7g} eV, then {energy[place]:.7g} eV): regions or sweeps stand behind each other"
        )
        raise InputError(problem, remedy="export each region by itself, and the sum of its sweeps")
    if not intensity.any():
        raise InputError(f"{region.where}no electron was counted in {len(energy)} points", remedy="leave it out")


def _refuse_scale(region: Region, binding: np.ndarray, photon: float | None) -> None:
    """Binding energies above the photon energy, or far below the Fermi level: the scale is not what it should be."""
    low, high = float(binding.min()), float(binding.max())
    other = "kinetic" if region.scale == "binding" else "binding"
    if photon is not None and high > photon + 5.0:
        problem = (
            f"{region.where}binding energies up to {high:.6g} eV, above the photon energy of {photon:.6g} eV: "
            f"the scale may be {other}, or the photon energy another"
        )
        raise InputError(problem, key=EXCITATION_OPTION, remedy=f"see which scale the file has; {REMEDY}")
    if high < 0.0 or low < -_BELOW_FERMI:
        problem = (
            f"{region.where}binding energies from {low:.6g} to {high:.6g} eV, below the Fermi level: "
            f"the scale may be {other}, or the photon energy another"
        )
        raise InputError(problem, key=EXCITATION_OPTION, remedy=f"see which scale the file has; {REMEDY}")


def _doubts(region: Region) -> list[str]:
    """What a person should know before a fit weighs these points."""
    intensity, found = region.intensity, []
    negative = int((intensity < 0.0).sum())
    if negative:
        found.append(
            f"{negative} of {len(intensity)} intensities are below zero (a background was taken off already, or a "
            "difference spectrum): they have no Poisson error"
        )
    equal = np.diff(intensity) == 0.0
    stepped = equal.mean() > _STEPPED and _many_levels(intensity)
    if stepped:
        found.append(f"{equal.mean():.0%} of the points repeat their neighbour: the data were interpolated or rounded")
    top = _longest_run(intensity, intensity.max())
    if not stepped and top >= _FLAT and intensity.max() >= _FLAT_AT:
        found.append(
            f"{top} points in a row stand at the largest value, {intensity.max():.6g}: the detector may be saturated"
        )
    dwell = "dwell_time_second" in region.metadata and "sweeps" in region.metadata
    if region.per_second and not dwell:
        found.append("counts per second without a dwell time and a number of sweeps: the Poisson errors are not known")
    if not region.per_second and not negative and not stepped and (intensity != np.rint(intensity)).mean() > 0.5:
        found.append(
            "the counts are not whole numbers (averaged, corrected or scaled): their errors may not be Poisson's"
        )
    return found


def _many_levels(intensity: np.ndarray) -> bool:
    """Whether counting alone would seldom make neighbours equal: their level is a hundred of its smallest steps."""
    levels = np.unique(intensity)
    return len(levels) > 1 and bool(np.median(intensity) > 100.0 * np.diff(levels).min())


def _longest_run(values: np.ndarray, value: float) -> int:
    at = np.concatenate([[0], (values == value).astype(int), [0]])
    edges = np.flatnonzero(np.diff(at))
    return int((edges[1::2] - edges[::2]).max())


def noted_overlaps(records: Sequence[Photoemission]) -> list[Record]:
    """The records of one file, each told which others of its sample cover the same energies."""
    spans = [(float(each.table[_BINDING].min()), float(each.table[_BINDING].max())) for each in records]  # type: ignore[arg-type]
    keys = ("sample", "region", "etch_level", "sputter_time_second", "method", "settings")
    marks = [tuple(str(each.metadata.get(key)) for key in keys) for each in records]
    out: list[Record] = []
    for number, (each, (low, high)) in enumerate(zip(records, spans, strict=True)):
        others = [
            str(other + 1)
            for other, (below, above) in enumerate(spans)
            if other != number and marks[other] == marks[number] and min(high, above) - max(low, below) > 0.0
        ]
        if others and each.metadata.get("region") != "survey":
            shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            out.append(told(each, f"region {shown} of the file covers the same energies of the sample; not added up"))
        else:
            out.append(each)
    return out


_BINDING = "binding_energy_electronvolt"


def told(record: Photoemission, warning: str) -> Photoemission:
    """The record with one more warning."""
    known = record.metadata | {"warnings": [*record.metadata.get("warnings", []), warning]}
    return Photoemission(record.table, known)


NO_LINE_END = "the last line has no line end: see whether the file was cut short"


def only_kind(found: list[Record], request: Request) -> list[Record]:
    """The records, unless another kind than theirs was asked for."""
    if request.kind not in (None, Photoemission.kind):
        remedy = f'ask for kind = "{Photoemission.kind}"'
        raise InputError(f"holds photoemission data, no {request.kind} data", key="kind", remedy=remedy)
    return found
