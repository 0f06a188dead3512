"""The spectra that a sample would give: every line of every phase, attenuated by what lies above, on its background.

It is written for one spectrum after another, from the laws themselves, and shares no code with the phase fit that is
tested with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.xps.stack import Sample, Stack, patches_of
from mossy.errors import InputError
from mossy.laws import photoemission as laws
from mossy.materials.cross_sections import photoionisation_cross_section, xray_source
from mossy.materials.photoemission import CoreLine, FilmPhase, orbital

if TYPE_CHECKING:
    from mossy.records import Photoemission

MARGIN = 5.0
"""eV that a default region reaches beyond its lines."""


def excitation_energy(given: float | str) -> float:
    """eV of a source's name or of a number.

    >>> excitation_energy("Al Ka"), excitation_energy(9251.7)
    (1486.6, 9251.7)
    """
    return xray_source(given).energy if isinstance(given, str) else float(given)


def mean_free_paths(phases: Sequence[FilmPhase], kinetic_energies: Any) -> np.ndarray:
    """The inelastic mean free path (JTP), nm, of each phase (rows) at each kinetic energy, eV.

    >>> from mossy.materials.photoemission import film
    >>> mean_free_paths([film("LiF")], [802.0]).round(2).tolist()
    [[2.38]]
    """
    energies = np.asarray(kinetic_energies, dtype=float)
    inputs = {key: np.array([phase.path_inputs[key] for phase in phases])[:, None] for key in phases[0].path_inputs}
    return np.asarray(laws.inelastic_mean_free_path(energies[None, :], **inputs))  # type: ignore[arg-type]


def line_areas(
    sample: Sample, photon_energy: float, *, emission_angle: float = 0.0, attenuation_scale: float = 1.0
) -> dict[str, tuple[CoreLine, FilmPhase, float]]:
    """The area of every line whose position is known, by its label; `emission_angle` in degrees.

    In units of an area of C 1s: cross section to C 1s times mol/cm3 times nm.

    >>> from mossy.analysis.xps.stack import Layer
    >>> lines = line_areas(Stack((Layer({"LiF": 1.0}),)), 1486.6)
    >>> fluorine, lithium = (lines[key][2] for key in ("F 1s (fluoride) of LiF", "Li 1s (fluoride) of LiF"))
    >>> float(round(fluorine/lithium, 1))  # cross sections 4.43 and 0.0568, paths 2.38 and 3.68 nm
    50.4
    """
    found: dict[str, tuple[CoreLine, FilmPhase, float]] = {}
    for share, stack in patches_of(sample):
        emitters = [(number, phase) for number, layer in enumerate(stack.layers) for phase in layer.phases]
        known = [(number, phase, line) for number, phase in emitters for line in phase.lines if line.known]
        kinetic = np.array([photon_energy - line.position for _, _, line in known])
        seen = np.flatnonzero(kinetic > 0.0)
        escape = _escaped(stack, kinetic[seen], emission_angle, attenuation_scale)
        for (number, phase, line), row in zip([known[k] for k in seen], escape, strict=True):
            density = stack.layers[number].molar_densities[phase.name] * line.stoichiometry
            area = share * _cross_section(line.orbital, photon_energy) * density * row[number]
            found[line.label] = (line, phase, found[line.label][2] + area if line.label in found else area)
    return found


def _cross_section(name: str, photon_energy: float) -> float:
    """To C 1s; 0 for a level that the photons do not reach or that the table lacks, which then has no line."""
    try:
        return photoionisation_cross_section(name, photon_energy).relative
    except InputError:
        return 0.0


def _escaped(stack: Stack, kinetic_energies: np.ndarray, emission_angle: float, scale: float) -> np.ndarray:
    """What escapes of each layer (columns) at each kinetic energy (rows), per density of its atoms, nm."""
    each = [
        laws.fine_mosaic_path(np.array(list(of.fractions.values())), mean_free_paths(of.phases, kinetic_energies).T)
        for of in stack.layers
    ]
    paths = scale * np.stack([np.asarray(path) for path in each], axis=-1)
    angle = math.radians(emission_angle)
    thicknesses = np.array([layer.thickness for layer in stack.layers[:-1]])
    return np.asarray(laws.layer_intensity(densities=1.0, thicknesses=thicknesses, paths=paths, emission_angle=angle))


def simulate_spectra(
    stack: Sample,
    regions: Sequence[str] | Mapping[str, tuple[float, float]],
    *,
    excitation: float | str = "Al Ka",
    emission_angle: float = 0.0,
    step: float = 0.1,
    counts: float = 2e4,
    scale: float | None = None,
    sweeps: Mapping[str, int] | None = None,
    width: float | Mapping[str, float] = 1.2,
    shifts: Mapping[str, float] | None = None,
    offsets: Mapping[str, float] | None = None,
    sensitivities: Mapping[str, float] | None = None,
    constant: float = 0.05,
    shirley: float = 0.02,
    attenuation_scale: float = 1.0,
    transmission_exponent: float = 0.0,
    seed: int | None = None,
) -> list[Photoemission]:
    """The records of the regions of a sample, in counts.

    `regions`: core levels ("C 1s"), or their windows in eV, {"C 1s": (280, 295)}; each shows every line that falls
    into it. `counts`: what the highest point of all regions has above its background in one sweep. `scale`: counts eV
    in one sweep per unit of `line_areas` instead, so that samples compare; `counts` is then of the background only.
    `sweeps` by region (1). `width`: Gaussian, eV, of all or by region; Lorentzians are the library's. `shifts` of the
    electrical domains, {"film": eV, "metal": eV}; `offsets` of lines by their label, eV; `sensitivities` of core
    levels, as factors. Background: `constant` as part of `counts`, and an active Shirley one, `shirley` per eV.
    `attenuation_scale` multiplies every mean free path (JTP). The analyser transmits (KE/keV)^-`transmission_exponent`,
    which the records hold. With a `seed` Poisson noise is drawn; without, counts are expectations.

    >>> from mossy.analysis.xps.stack import Layer
    >>> (fluorine,) = simulate_spectra(Stack((Layer({"LiF": 1.0}),)), ["F 1s"])
    >>> fluorine.metadata["region"], fluorine.metadata["excitation_energy_electronvolt"]
    ('F 1s', 1486.6)
    """
    photon = excitation_energy(excitation)
    geometry = {"emission_angle": emission_angle, "attenuation_scale": attenuation_scale}
    moved = [
        (line, (sensitivities or {}).get(line.orbital, 1.0) * area, _position(line, phase, shifts, offsets))
        for line, phase, area in line_areas(stack, photon, **geometry).values()
    ]
    windows = dict(regions) if isinstance(regions, Mapping) else {name: _window(name, moved) for name in regions}
    grids = {name: np.arange(low, high + step / 2, step) for name, (low, high) in windows.items()}
    passed = {name: (np.maximum(photon - grid, 1.0) / 1000.0) ** -transmission_exponent for name, grid in grids.items()}
    curves = {name: passed[name] * _peaks(grid, moved, _of(width, name)) for name, grid in grids.items()}
    highest = max(float(curve.max(initial=0.0)) for curve in curves.values())
    reached = any(
        low - MARGIN < place < high + MARGIN for low, high in windows.values() for _, each, place in moved if each > 0.0
    )
    if not (reached and highest > 0.0):
        raise InputError("no line of the sample lies in the regions", key="regions", remedy="give other windows")
    if scale is not None and not (math.isfinite(scale) and scale > 0.0):
        raise InputError(f"{scale} counts per unit of area", key="scale", remedy="give a number above 0, or None")
    factor = counts / highest if scale is None else scale
    chance = None if seed is None else np.random.default_rng(seed)
    metadata = {"excitation_energy_electronvolt": photon, "emission_angle_degree": emission_angle}
    return [
        _record(
            name,
            grids[name],
            factor * (curve + shirley * np.asarray(laws.shirley(grids[name], curve))) + constant * counts,
            passed[name],
            (sweeps or {}).get(name, 1),
            metadata,
            chance,
        )
        for name, curve in curves.items()
    ]


def _of(given: float | Mapping[str, float], name: str) -> float:
    if not isinstance(given, Mapping):
        return float(given)
    if name not in given:
        raise InputError(f"no width of {name} is given", key="width", remedy="give one for each region")
    return float(given[name])


def _position(
    line: CoreLine, phase: FilmPhase, shifts: Mapping[str, float] | None, offsets: Mapping[str, float] | None
) -> float:
    return line.position + (shifts or {}).get(phase.domain, 0.0) + (offsets or {}).get(line.label, 0.0)


def _window(name: str, moved: list[tuple[CoreLine, float, float]]) -> tuple[float, float]:
    level = orbital(name)
    places = [place for line, _, place in moved if line.orbital == level.name]
    if not places:
        remedy = "ask for a core level of its phases, or give the window: {'C 1s': (280, 295)}"
        raise InputError(f"no phase of the sample has a known line of {name}", key="regions", remedy=remedy)
    return math.floor(min(places) - MARGIN), math.ceil(max(places) + level.splitting + MARGIN)


def _peaks(grid: np.ndarray, moved: list[tuple[CoreLine, float, float]], width: float) -> np.ndarray:
    parts = [
        (area * height / (1.0 + line.ratio), place + distance, orbital(line.orbital).natural_width)
        for line, area, place in moved
        for height, distance in ((1.0, 0.0), (line.ratio, line.splitting))
    ]
    areas, places, natural = np.array(parts).T[:, :, None]
    shapes = laws.voigt(grid, position=places, gaussian_width=width, lorentzian_width=natural)
    return np.asarray(np.sum(areas * np.asarray(shapes), axis=0))


def _record(
    name: str,
    grid: np.ndarray,
    expected: np.ndarray,
    transmission: np.ndarray,
    sweeps: int,
    metadata: dict[str, Any],
    chance: np.random.Generator | None,
) -> Photoemission:
    import polars as pl

    from mossy.records import Photoemission

    total = expected * sweeps
    measured = total if chance is None else chance.poisson(total).astype(float)
    columns = {"binding_energy_electronvolt": grid, "intensity_counts": measured, "transmission": transmission}
    table = pl.DataFrame(columns)
    return Photoemission(table, {"region": name, "dwell_time_second": 1.0, "sweeps": sweeps, **metadata})
