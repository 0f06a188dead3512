"""A photoelectron record as a peak fit sees it: counts over rising binding energies, and what is wrong with them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from mossy.errors import InputError
from mossy.materials.photoemission import Orbital, orbital
from mossy.records import Photoemission

_FEWEST_POINTS = 10
_CHARGING = 15.0
"""eV: further than this no level is shifted by charging; the scale must be another."""
_ROUNDING = 1e-6
_FLAT, _FLAT_AT, _STEPPED = 4, 100.0, 0.3
_UNNAMED = "region"


@dataclass(frozen=True)
class Region:
    """`energy` (n,), eV, rising; `counts` (n,): of electrons where `poisson`, else in the record's unit."""

    name: str
    energy: np.ndarray
    counts: np.ndarray
    per_unit: float
    """Counts in one unit of the record's intensity"""
    unit: str
    """Of an area in the record's own intensity"""
    poisson: bool
    """Whether the counts are counts of electrons, so that their errors are known"""
    level: Orbital | None
    single_line: bool
    """Whether the record names one line of a doublet"""
    excitation_energy: float | None
    seconds: float | None
    """At each energy, all sweeps together"""
    transmission: np.ndarray | None
    warnings: tuple[str, ...]

    def cut(self, low: float, high: float) -> Region:
        """The part between two binding energies."""
        kept = (self.energy >= low - 1e-9) & (self.energy <= high + 1e-9)
        if kept.sum() < _FEWEST_POINTS:
            span = f"{self.energy[0]:.6g} to {self.energy[-1]:.6g} eV"
            problem = f"{int(kept.sum())} points lie between {low:.6g} and {high:.6g} eV"
            raise InputError(problem, key="window", remedy=f"give a window within {span}, with {_FEWEST_POINTS} points")
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        transmission = None if self.transmission is None else self.transmission[kept]
        cut = {"energy": self.energy[kept], "counts": self.counts[kept], "transmission": transmission}
        return Region(**(fields | cut))

    def level_of(self, name: str, level: str | None) -> tuple[Orbital | None, bool]:
        """The core level of a component, and whether it is one line of its doublet: its own, or the region's."""
        if level is not None:
            return orbital(level), "/" in level
        own, single = _level(name)
        return (own, single) if own is not None else (self.level, self.single_line)


def region_of(record: Photoemission, counting_time: float | None = None) -> Region:
    """The region of a record; raises InputError where no fit of it would mean anything.

    `counting_time`: seconds at each energy in all sweeps together, where the record does not have them.
    """
    if not isinstance(record, Photoemission):
        kind = getattr(record, "kind", type(record).__name__)
        raise InputError(f"a {kind} record has no lines", remedy="give a photoemission record")
    meta, table = record.metadata, record.table
    name = str(meta.get("region", _UNNAMED))
    counted = "intensity_counts" in table.columns
    column = "intensity_counts" if counted else "intensity_counts_per_second"
    energy = table["binding_energy_electronvolt"].to_numpy().astype(float)
    intensity = table[column].to_numpy().astype(float)
    seconds = _seconds(meta, counting_time, name)
    per_unit = 1.0 if counted or seconds is None else seconds
    transmission = table["transmission"].to_numpy().astype(float) if "transmission" in table.columns else None
    if energy[0] > energy[-1]:
        energy, intensity = energy[::-1], intensity[::-1]
        transmission = None if transmission is None else transmission[::-1]
    _refuse(name, energy, intensity)
    level, single = _level(name)
    excitation = meta.get("excitation_energy_electronvolt")
    if level is not None:
        _refuse_scale(name, energy, level, excitation)
    told = [str(each) for each in meta.get("warnings", [])]
    if not any("saturated" in each for each in told) and _flat_top(intensity):
        told.append(f"several points in a row stand at {intensity.max():.6g}: the detector may be saturated")
    return Region(
        name=name,
        energy=energy,
        counts=intensity * per_unit,
        per_unit=per_unit,
        unit="counts eV" if counted else "counts/s eV",
        poisson=_whole(intensity) if counted else seconds is not None,
        level=level,
        single_line=single,
        excitation_energy=None if excitation is None else float(excitation),
        seconds=seconds,
        transmission=transmission,
        warnings=tuple(told),
    )


def _seconds(meta: dict[str, object], counting_time: float | None, name: str) -> float | None:
    if counting_time is not None:
        if not (math.isfinite(counting_time) and counting_time > 0.0):
            problem = f"a counting time of {counting_time} s for '{name}'"
            raise InputError(problem, key="counting_time", remedy="give seconds above 0: dwell time times sweeps")
        return float(counting_time)
    dwell, sweeps = meta.get("dwell_time_second"), meta.get("sweeps")
    if isinstance(dwell, int | float) and isinstance(sweeps, int | float) and dwell * sweeps > 0.0:
        return float(dwell * sweeps)
    return None


def _refuse(name: str, energy: np.ndarray, intensity: np.ndarray) -> None:
    if len(energy) < _FEWEST_POINTS:
        problem = f"{len(energy)} points are too few to fit"
        raise InputError(problem, key=name, remedy=f"give a region of {_FEWEST_POINTS} points or more")
    if not intensity.any():
        raise InputError("no electron was counted", key=name, remedy="leave this region out")
    negative = int((intensity < 0.0).sum())
    if negative:
        problem = f"{negative} of {len(intensity)} intensities are negative (lowest {intensity.min():.6g})"
        remedy = "give the spectrum as measured, with its background: the fit models that itself"
        raise InputError(problem, key=name, remedy=remedy)


@functools.cache
def _level(name: str) -> tuple[Orbital | None, bool]:
    try:
        return orbital(name), "/" in name
    except InputError:
        return None, False


def _refuse_scale(name: str, energy: np.ndarray, level: Orbital, excitation: object) -> None:
    """A region that cannot hold the level it is called after: most often kinetic energies read as binding energies."""
    low, high = float(energy[0]), float(energy[-1])
    first, last = level.binding_energy - _CHARGING, level.binding_energy + level.splitting + _CHARGING
    if high >= first and low <= last:
        return
    near = f"{level.name} lies near {level.binding_energy:g} eV"
    problem = f"'{name}' reaches from {low:.6g} to {high:.6g} eV, but {near}"
    remedy = "check the region's name and the calibration"
    if isinstance(excitation, int | float) and excitation - high <= last and excitation - low >= first:
        remedy = f"these look like kinetic energies (photons of {excitation:g} eV): read the file on that scale"
    raise InputError(problem, key=name, remedy=remedy)


def _whole(counts: np.ndarray) -> bool:
    """Whether counts are counts, and not averaged, corrected or scaled."""
    return float((np.abs(counts - np.rint(counts)) > _ROUNDING).mean()) < _STEPPED


def _flat_top(intensity: np.ndarray) -> bool:
    """Whether neighbouring points stand at the very top, in data that are not stepped throughout."""
    top = (intensity == intensity.max()).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], top, [0]])))
    longest = int((edges[1::2] - edges[::2]).max())
    stepped = float((np.diff(intensity) == 0.0).mean()) > _STEPPED
    return longest >= _FLAT and intensity.max() >= _FLAT_AT and not stepped
