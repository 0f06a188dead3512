"""What is fitted: the layers with their phases, the lines that fall into the regions, and where each may lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mossy.analysis.xps.phase_regions import Region
from mossy.analysis.xps.simulate import mean_free_paths
from mossy.errors import InputError, suggest
from mossy.materials.cross_sections import photoionisation_cross_section
from mossy.materials.photoemission import CoreLine, FilmPhase, film, orbital

REACH = 2.0
"""eV outside a region from where a line still counts as in it."""
Layers = Sequence[Sequence[str | FilmPhase]]
Sample = Layers | Mapping[str, Layers]


@dataclass(frozen=True)
class Entry:
    """A phase in a layer of a patch: places in their lists."""

    patch: int
    layer: int
    phase: int
    domain: int


@dataclass(frozen=True)
class Line:
    """A core line whose position is fitted: `base` eV, absolute or above the line at `parent`; `spread` 1 sigma."""

    line: CoreLine
    phase: int
    parent: int
    base: float
    spread: float


@dataclass(frozen=True)
class Component:
    """A line in a region, in one electrical domain."""

    region: int
    line: int
    domain: int


@dataclass(frozen=True, eq=False)
class Described:
    """The sample that is fitted, by lists and places in them. `layers` are numbered through all patches; `substrates`
    are the last of each patch.
    """

    phases: tuple[FilmPhase, ...]
    patches: tuple[str, ...]
    layers: tuple[tuple[int, int], ...]
    """(patch, number in it from 0) of each"""
    entries: tuple[Entry, ...]
    domains: tuple[str, ...]
    lines: tuple[Line, ...]
    components: tuple[Component, ...]

    @property
    def finite(self) -> tuple[int, ...]:
        """The layers that have something beneath them."""
        last = {patch: place for place, (patch, _) in enumerate(self.layers)}
        return tuple(place for place in range(len(self.layers)) if place not in last.values())

    @property
    def film_layers(self) -> tuple[int, ...]:
        """The layers whose phases make up the film: the finite ones, or all where no patch has any."""
        return self.finite or tuple(range(len(self.layers)))

    @property
    def film_phases(self) -> tuple[int, ...]:
        """The phases in the film."""
        inside = {entry.phase for entry in self.entries if entry.layer in self.film_layers}
        return tuple(place for place in range(len(self.phases)) if place in inside)

    @property
    def orbitals(self) -> tuple[str, ...]:
        """The core levels seen."""
        return tuple(sorted({self.lines[each.line].line.orbital for each in self.components}))

    def position(self, line: int) -> float:
        """Where the library has a line, eV, through those it is tied to."""
        each = self.lines[line]
        return each.base + (self.position(each.parent) if each.parent >= 0 else 0.0)

    def members(self, layer: int) -> tuple[int, ...]:
        """The entries of a layer."""
        return tuple(place for place, entry in enumerate(self.entries) if entry.layer == layer)


def described(
    phases: Sequence[str | FilmPhase] | None,
    layers: Sample | None,
    regions: Sequence[Region],
    *,
    shifts: str = "domain",
) -> Described:
    """The sample of phases, in given layers or as one film, on the metal where that is among them."""
    if shifts not in ("domain", "layer"):
        raise InputError(f"'{shifts}' is no way to shift", key="shifts", remedy=suggest(shifts, ("domain", "layer")))
    stacks = _stacks(phases, layers)
    listed: dict[str, FilmPhase] = {}
    for stack in stacks.values():
        for layer in stack:
            for phase in layer:
                listed.setdefault(phase.name, phase)
    order = list(listed)
    domains: list[str] = []
    entries: list[Entry] = []
    places: list[tuple[int, int]] = []
    for patch, stack in enumerate(stacks.values()):
        for number, layer in enumerate(stack):
            for phase in layer:
                name = phase.domain
                if shifts == "layer" and name != "metal":
                    name = f"{name}, layer {number + 1}"
                if name not in domains:
                    domains.append(name)
                entries.append(Entry(patch, len(places), order.index(phase.name), domains.index(name)))
            places.append((patch, number))
    lines, components = _lines(list(listed.values()), entries, regions)
    return Described(
        tuple(listed.values()), tuple(stacks), tuple(places), tuple(entries), tuple(domains), lines, components
    )


def _stacks(phases: Sequence[str | FilmPhase] | None, layers: Sample | None) -> dict[str, list[list[FilmPhase]]]:
    if isinstance(phases, str):
        raise InputError("phases are a list", key="phases", remedy=f"write phases=['{phases}']")
    if phases is not None and not isinstance(phases, Iterable):
        raise InputError(f"{phases!r} is no list of phases", key="phases", remedy="write phases=['LiF', 'Li2O']")
    named = _distinct([_film(each) for each in phases or ()])
    if layers is None:
        if not named:
            raise InputError("there are no phases", key="phases", remedy="name some, as phases=['LiF', 'Li2O']")
        metals = [each for each in named if each.domain == "metal"]
        rest = [each for each in named if each.domain != "metal"]
        return {"": [_distinct(each) for each in (rest, metals) if each]}
    given = layers if isinstance(layers, Mapping) else {"": layers}
    for stack in given.values():
        _check_stack(stack)
    stacks = {
        str(name): [_distinct([_film(each) for each in layer]) for layer in stack] for name, stack in given.items()
    }
    if not stacks or any(not stack or any(not layer for layer in stack) for stack in stacks.values()):
        remedy = "write layers=[['LEDC'], ['LiF', 'Li2O'], ['Li']], outermost first"
        raise InputError("an empty layer", key="layers", remedy=remedy)
    inside = {phase.name for stack in stacks.values() for layer in stack for phase in layer}
    left = [each.name for each in named if each.name not in inside]
    if left:
        raise InputError(f"{', '.join(left)} is in no layer", key="phases", remedy="name it in layers, or leave it out")
    more = sorted(inside - {each.name for each in named}) if named else []
    if more:
        remedy = "name the phases in layers alone, or alike in both"
        raise InputError(f"{', '.join(more)} in layers is not among phases", key="layers", remedy=remedy)
    return stacks


def _check_stack(stack: object) -> None:
    remedy = "write layers=[['LEDC'], ['LiF', 'Li2O'], ['Li']], outermost first"
    if isinstance(stack, str) or not isinstance(stack, Iterable):
        raise InputError(f"{stack!r} is no list of layers", key="layers", remedy=remedy)
    for layer in stack:
        if isinstance(layer, str) or not isinstance(layer, Iterable):
            raise InputError(f"the layer {layer!r} is no list of phases", key="layers", remedy=remedy)


def _film(given: str | FilmPhase) -> FilmPhase:
    if isinstance(given, FilmPhase):
        return given
    if not isinstance(given, str):
        raise InputError(f"{given!r} is no phase", key="phases", remedy="name phases, as phases=['LiF', 'Li2O']")
    return film(given)


def _distinct(phases: list[FilmPhase]) -> list[FilmPhase]:
    names = [each.name for each in phases]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{twice} is named twice", key="phases", remedy="name each phase once")
    return phases


def _within(energy: float, region: Region) -> bool:
    return bool(region.energy[0] - REACH <= energy <= region.energy[-1] + REACH)


def _lines(
    phases: list[FilmPhase], entries: list[Entry], regions: Sequence[Region]
) -> tuple[tuple[Line, ...], tuple[Component, ...]]:
    lines: list[Line] = []
    components: list[Component] = []
    silent = []
    for place, phase in enumerate(phases):
        domains = sorted({entry.domain for entry in entries if entry.phase == place})
        seen = 0
        for line in phase.lines:
            if not line.known and any(_within(orbital(line.orbital).binding_energy, each) for each in regions):
                _refuse(line)
            inside = [number for number, region in enumerate(regions) if line.known and _within(line.position, region)]
            if inside:
                own = _add(lines, phase, place, line)
                components += [Component(number, own, domain) for number in inside for domain in domains]
                seen += 1
        if not seen:
            silent.append(phase)
    if silent:
        names = ", ".join(each.name for each in silent)
        wanted = "; ".join(f"{each.name}: {', '.join(dict.fromkeys(x.orbital for x in each.lines))}" for each in silent)
        problem = f"{names} {'has' if len(silent) == 1 else 'have'} no line in {', '.join(r.name for r in regions)}"
        raise InputError(problem, key="phases", remedy=f"leave out, or measure one of ({wanted})")
    return tuple(lines), tuple(components)


def _refuse(line: CoreLine) -> None:
    """A line of unknown position in a region would be counted as absent."""
    remedy = "give the phase with its place, by `film` and `CoreLine.at`, or leave it out"
    raise InputError(f"the position of {line.label} is unknown", key="phases", remedy=remedy)


def _add(lines: list[Line], phase: FilmPhase, place: int, line: CoreLine) -> int:
    """The place of a line in the list, after that of the line it is tied to."""
    for known, each in enumerate(lines):
        if each.line is line:
            return known
    parent, base, spread = -1, line.position, float(line.spread or 0.0)
    if line.separation is not None:
        tied = line.separation
        named = [
            each
            for each in phase.lines
            if each.orbital == tied.orbital and tied.environment in ("", each.environment) and each.known
        ]
        if named and named[0] is not line:
            parent, base, spread = _add(lines, phase, place, named[0]), tied.value, tied.spread
    lines.append(Line(line, place, parent, base, spread))
    return len(lines) - 1


def check_sections(described: Described, regions: Sequence[Region]) -> np.ndarray:
    """Cross section (to C 1s at the same photons) times atoms in a formula unit, of each component."""
    found = []
    for each in described.components:
        line = described.lines[each.line].line
        section = photoionisation_cross_section(line.orbital, regions[each.region].photon_energy)
        found.append(section.relative * line.stoichiometry)
    return np.array(found)


def inverse_paths(described: Described, regions: Sequence[Region], scale: float) -> np.ndarray:
    """1/lambda in each phase, 1/nm, for the electrons of each component (components, phases)."""
    kinetic = [
        regions[each.region].photon_energy - described.lines[each.line].line.position for each in described.components
    ]
    return (1.0 / (scale * mean_free_paths(described.phases, kinetic))).T
