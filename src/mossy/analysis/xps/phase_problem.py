"""One sample's least squares: the structure its model is compiled for, its data, priors, bounds and starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mossy.analysis.xps.phase_model import GROUPS, Data, Structure
from mossy.analysis.xps.phase_regions import Region, Regions
from mossy.analysis.xps.phase_sample import Described, check_sections, inverse_paths
from mossy.analysis.xps.phase_start import names_of, priors_of, starts_of
from mossy.analysis.xps.phase_times import check_regions, plain
from mossy.analysis.xps.simulate import mean_free_paths
from mossy.errors import InputError, suggest
from mossy.materials.photoemission import orbital

BACKGROUNDS = ("shirley", "tougaard", "linear")
SHIFT_SPREADS = {"metal": 0.2, "film": 1.0}
"""eV, one sigma: a metal lies at the Fermi level, a film floats."""
REFERENCE_BINDING_ENERGY = 285.0
"""eV: thicknesses are over the mean free path of electrons from this depth, C 1s."""
_SHARED = 16
"""Regions are filled up to multiples of so many points, which share a compiled model."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What `numerics.many.minimise` needs of one sample, and what its results mean."""

    described: Described
    regions: tuple[Region, ...]
    structure: Structure
    data: Data
    centre: np.ndarray
    spread: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    starts: np.ndarray
    names: tuple[str, ...]
    attenuation_scale: float
    notes: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def points(self) -> int:
        """Measured."""
        return sum(len(region.energy) for region in self.regions)

    def weighted(self, expected: np.ndarray) -> Data:
        """The data with errors of the counts expected (regions, points)."""
        found = list(self.data)
        excess = np.array([region.excess for region in self.regions])[:, None]
        floor = np.maximum(excess, 1e-12)
        found[2] = np.where(self.data[2] > 0.0, 1.0 / np.sqrt(np.maximum(expected * excess, floor)), 0.0)
        return tuple(found)


def problem_of(
    described: Described,
    measured: Regions,
    *,
    background: str | Mapping[str, str] = "shirley",
    widths: str = "region",
    shift_spread: Mapping[str, float] | None = None,
    line_error: float = 0.05,
    attenuation_scale: float = 1.0,
) -> Problem:
    """Sets one up; regions without a line of the phases are left out, and said so."""
    regions = measured.regions
    lit = sorted({each.region for each in described.components})
    dark = [region.name for place, region in enumerate(regions) if place not in lit]
    told, faults = list(measured.notes), list(measured.faults)
    if dark:
        faults.append(f"{', '.join(dark)}: no line of the phases, left out; what was measured there is not explained")
    _check_background(background, regions)
    kept = tuple(regions[place] for place in lit)
    described = _renumbered(described, lit)
    spreads = _shift_spreads(described, shift_spread)
    if not 0.0 < line_error <= 0.5:
        remedy = "give a part between 0 and 0.5, as 0.05"
        raise InputError(f"a relative error of {line_error:g}", key="line_error", remedy=remedy)
    if not 0.0 < attenuation_scale < 10.0:
        raise InputError(f"{attenuation_scale:g} is no factor", key="attenuation_scale", remedy="give one near 1")
    kinds = [_kind(background, region.name) for region in kept]
    structure = _structure(described, kept, kinds, widths)
    data = _data(described, kept, attenuation_scale)
    centre, spread, lower, upper = priors_of(structure, described, kinds, spreads, line_error)
    starts = starts_of(structure, data, kinds, centre, spread)
    scales = structure.slices["scales"]
    found = starts[np.isfinite(starts[:, 0]), scales]
    lower[scales], upper[scales] = found.min(axis=0) - 15.0, found.max(axis=0) + 15.0
    times = structure.slices["times"]
    centre[times] = starts[0, times]
    lower[times], upper[times] = centre[times] + lower[times], centre[times] + upper[times]
    if structure.sizes[GROUPS.index("times")]:  # of the brightest held: the intensity is free already
        held = times.start + int(np.argmax([region.counts.sum() for region in kept]))
        lower[held] = upper[held] = centre[held]
    names = names_of(structure, described, [region.name for region in kept])
    told += [note for region in kept for note in region.notes]
    return Problem(
        described,
        kept,
        structure,
        data,
        centre,
        spread,
        lower,
        upper,
        np.clip(starts, lower, upper),
        names,
        attenuation_scale,
        tuple(told),
        tuple(faults),
    )


def _renumbered(described: Described, kept: list[int]) -> Described:
    components = tuple(replace(each, region=kept.index(each.region)) for each in described.components)
    return replace(described, components=components)


def _kind(background: str | Mapping[str, str], name: str) -> str:
    if isinstance(background, str):
        return background
    return background.get(name, background.get(plain(name), "shirley"))


def _check_background(background: str | Mapping[str, str], regions: Sequence[Region]) -> None:
    by_region = isinstance(background, Mapping)
    for kind in background.values() if isinstance(background, Mapping) else [background]:
        if kind not in BACKGROUNDS:
            remedy = suggest(str(kind), BACKGROUNDS)
            raise InputError(f"no background is called '{kind}'", key="background", remedy=remedy)
    check_regions(background if by_region else (), [each.name for each in regions], "background")


def _shift_spreads(described: Described, given: Mapping[str, float] | None) -> list[float]:
    known = {**SHIFT_SPREADS, **(given or {})}
    for name, value in known.items():
        if not value > 0.0:
            raise InputError(f"{value:g} eV is no spread", key=f"shift_spread.{name}", remedy="give eV above 0")
    unknown = [name for name in given or {} if name not in (*SHIFT_SPREADS, *described.domains)]
    if unknown:
        options = (*SHIFT_SPREADS, *described.domains)
        raise InputError(f"no domain is called '{unknown[0]}'", key="shift_spread", remedy=suggest(unknown[0], options))
    return [known.get(name, known["film"]) for name in described.domains]


def _structure(described: Described, regions: Sequence[Region], kinds: list[str], widths: str) -> Structure:
    if widths not in ("region", "shared"):
        options = ("region", "shared")
        raise InputError(f"'{widths}' is no choice of widths", key="widths", remedy=suggest(widths, options))
    sources = sorted({(region.photon_energy, region.emission_angle) for region in regions})
    orbitals = described.orbitals
    stacks: dict[int, list[int]] = {}
    for place, (patch, _) in enumerate(described.layers):
        stacks.setdefault(patch, []).append(place)
    emitters = [
        tuple(
            k
            for k, entry in enumerate(described.entries)
            if entry.phase == described.lines[each.line].phase and entry.domain == each.domain
        )
        for each in described.components
    ]
    patches = len(described.patches) if len(described.patches) > 1 else 0
    count = len(regions)
    own = count if widths == "region" else 1
    sizes = (len(described.entries), patches, len(described.finite), len(sources), len(described.domains))
    return Structure(
        entries=tuple((entry.patch, entry.layer, entry.phase) for entry in described.entries),
        stacks=tuple(tuple(stack) for stack in stacks.values()),
        parents=tuple(line.parent for line in described.lines),
        components=tuple(
            (each.region, each.line, each.domain, orbitals.index(described.lines[each.line].line.orbital))
            for each in described.components
        ),
        emitters=tuple(emitters),
        regions=tuple(
            (sources.index((region.photon_energy, region.emission_angle)), k if own > 1 else 0, kind == "tougaard")
            for k, (region, kind) in enumerate(zip(regions, kinds, strict=True))
        ),
        doublets=any(described.lines[each.line].line.ratio > 0.0 for each in described.components),
        sizes=(
            *(*sizes, own, count, count, count, len(described.lines), len(orbitals)),
            int(any(region.log_kinetic != 0.0 for region in regions)),
            count if count > 1 and any(region.untimed for region in regions) else 0,
        ),
    )


def _data(described: Described, regions: Sequence[Region], scale: float) -> Data:
    points = -(-max(len(region.energy) for region in regions) // _SHARED) * _SHARED

    def filled(values: Sequence[np.ndarray], end: str) -> np.ndarray:
        tails = [(0, points - len(each)) for each in values]
        return np.stack([np.pad(each, tail, mode=end) for each, tail in zip(values, tails, strict=True)])  # type: ignore[call-overload]

    counts = filled([region.counts for region in regions], "constant")
    typical = np.mean([region.exposure for region in regions])
    smooth = [np.convolve(np.pad(each.counts, 2, mode="edge"), np.full(5, 0.2), mode="valid") for each in regions]
    errors = [np.sqrt(np.maximum(s, 1.0) * each.excess) for s, each in zip(smooth, regions, strict=True)]
    lines = [described.lines[each.line] for each in described.components]
    reference = regions[0].photon_energy - REFERENCE_BINDING_ENERGY
    return (
        filled([region.energy for region in regions], "edge"),
        counts,
        filled([1.0 / error for error in errors], "constant"),
        filled([region.transmission * region.exposure / typical for region in regions], "edge"),
        np.array([region.counts.mean() for region in regions]),
        np.array([region.emission_angle for region in regions]),
        np.array([described.position(each.line) for each in described.components]),
        check_sections(described, regions),
        inverse_paths(described, regions, scale),
        1.0 / (scale * mean_free_paths(described.phases, [reference])[:, 0]),
        np.array([float(phase.density) / phase.molar_mass for phase in described.phases]),
        np.array([orbital(line.line.orbital).natural_width for line in lines]),
        np.array([line.line.splitting for line in lines]),
        np.array([line.line.ratio for line in lines]),
        np.array([region.log_kinetic for region in regions]),
    )
