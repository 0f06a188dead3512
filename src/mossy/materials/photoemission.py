"""The phases that photoelectron spectra of an interphase may show: their lines, and what slows their electrons down.

Every line says whether it was read in its source. A position computed from NIST SRD 20 is the median of that database's
records of the compound, left out those referred to the valence band or taken under a bias; its spread is their standard
deviation, but 0.3 eV at least, and 0.4 eV for a single record. Separations are medians over studies that report both
lines, with 0.15 and 0.3 eV for the same.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, check_provenance, entries
from mossy.materials.core_lines import CoreLine, Separation, of_orbital, read_line
from mossy.materials.electrodes import electrode
from mossy.materials.electrodes import metal as metal_of
from mossy.materials.formulas import Composition, composition, molar_mass
from mossy.materials.orbitals import Orbital, SurveyLine, orbital, survey_lines, valence_electrons
from mossy.materials.phases import phase

__all__ = [
    "CoreLine",
    "FilmPhase",
    "Orbital",
    "Separation",
    "SurveyLine",
    "film",
    "lines",
    "of_orbital",
    "orbital",
    "overlaps",
    "photoemission_phases",
    "survey_lines",
    "valence_electrons",
]

DOMAINS = ("metal", "film")
CHEMICAL_MARGIN = 2.0
"""eV that a core level's region reaches beyond the lines of the library's phases, for charging and width."""


@dataclass(frozen=True, kw_only=True)
class FilmPhase:
    """A phase as photoelectron spectra see it."""

    name: str
    title: str
    formula: str
    kind: str
    metal: str | None
    """Its metal by name; None for organics, elements and substrates"""
    domain: str
    """The electrical domain: "metal" lies at the Fermi level, "film" floats with a shift of its own"""
    molar_mass: float
    """g/mol"""
    density: Value
    """g/cm3"""
    band_gap: Value
    """eV"""
    valence_electrons: float
    """Of a formula unit, counted as `orbitals.valence_electrons` says"""
    lines: tuple[CoreLine, ...]
    flags: tuple[str, ...]
    """What may deceive, with its source"""

    @property
    def composition(self) -> Composition:
        """Atoms in a formula unit."""
        return composition(self.formula)

    @property
    def path_inputs(self) -> dict[str, float]:
        """What `laws.photoemission.inelastic_mean_free_path` asks for: g/cm3, g/mol and eV.

        >>> film("LiF").path_inputs["valence_electrons"], film("LiF").path_inputs["band_gap"]
        (8.0, 13.6)
        """
        return {
            "valence_electrons": self.valence_electrons,
            "density": float(self.density),
            "molar_mass": self.molar_mass,
            "band_gap": float(self.band_gap),
        }

    @property
    def unknown(self) -> tuple[CoreLine, ...]:
        """The lines whose position nobody has measured, as far as the library knows."""
        return tuple(line for line in self.lines if not line.known)


def film(name: str) -> FilmPhase:
    """The phase of a name, formula, title or alias, whatever its case.

    >>> fluoride = film("lithium fluoride")
    >>> fluoride.name, round(float(fluoride.density), 2), fluoride.valence_electrons, fluoride.domain
    ('LiF', 2.63, 8.0, 'film')
    >>> film("lithium fluorid")
    Traceback (most recent call last):
    mossy.errors.InputError: no phase with photoemission lines is called 'lithium fluorid'; did you mean ...
    """
    found = _by_name().get(name.strip().lower())
    if found is None:
        options = {key: None for table in _files().values() for key in _called(table)}
        raise InputError(f"no phase with photoemission lines is called '{name}'", remedy=suggest(name, options))
    return _film(found)


def lines(phase_name: str, orbital_name: str | None = None) -> tuple[CoreLine, ...]:
    """The lines of a phase, or those of one core level.

    >>> [(line.orbital, line.environment, line.stoichiometry) for line in lines("LEDC", "C 1s")]
    [('C 1s', 'OCO2', 2.0), ('C 1s', 'CH2-O', 2.0)]
    >>> fluoride = lines("LiF")[0]
    >>> fluoride.orbital, fluoride.binding_energy, fluoride.status
    ('F 1s', 685.05, 'verified')
    """
    found = film(phase_name).lines
    return found if orbital_name is None else of_orbital(found, orbital_name)


def photoemission_phases(metal: str | None = None) -> list[str]:
    """The names of all phases with lines, or of those of a metal and those of none.

    >>> "LiF" in photoemission_phases("Na"), "NaF" in photoemission_phases("Na"), "PEO" in photoemission_phases("Na")
    (False, True, True)
    """
    of = None if metal is None else metal_of(metal).name
    return sorted(name for name, table in _files().items() if of is None or _identity(table)["metal"] in (of, None))


def overlaps(
    orbital_name: str, excitation_energy: float, elements: Iterable[str] | None = None
) -> tuple[SurveyLine, ...]:
    """The lines of other levels that reach into a core level's region: of the elements given, or of all.

    The region spans the level's lines in the library's phases, 2 eV further on both sides.

    >>> [line.name for line in overlaps("O 1s", 1486.6, ["Na", "F", "O"])]
    ['Na KL1L23']
    >>> [line.name for line in overlaps("C 1s", 1486.6, ["K", "O"])], overlaps("O 1s", 1253.6, ["Na", "F", "O"])
    (['K 2p'], ())
    """
    level = orbital(orbital_name)
    low, high = _region(level)
    found = []
    for line in survey_lines(excitation_energy, elements):
        below, above = _region(orbital(line.name)) if line.kind == "core" else _envelope(line)
        if line.name != level.name and below <= high - CHEMICAL_MARGIN and above >= low + CHEMICAL_MARGIN:
            found.append(line)
    return tuple(found)


def _envelope(line: SurveyLine) -> tuple[float, float]:
    half = line.width / 2 + CHEMICAL_MARGIN
    return line.binding_energy - half, line.binding_energy + half


def _region(level: Orbital) -> tuple[float, float]:
    low, high = _regions().get(level.name, (level.binding_energy, level.binding_energy))
    return low - CHEMICAL_MARGIN, high + level.splitting + CHEMICAL_MARGIN


@functools.cache
def _regions() -> dict[str, tuple[float, float]]:
    """The lowest and highest position of every core level that has one in the library."""
    found: dict[str, tuple[float, float]] = {}
    for table in _files().values():
        for each in table["lines"]:
            position = each.get("binding_energy")
            if position is not None:
                low, high = found.get(each["orbital"], (position, position))
                found[each["orbital"]] = (min(low, position), max(high, position))
    return found


@functools.cache
def _files() -> dict[str, dict[str, Any]]:
    """The data files as they are written, by the phase's name; not to be changed."""
    folder = resources.files("mossy.materials") / "data" / "core_lines"
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    tables = [tomllib.loads(each.read_text(encoding="utf-8")) for each in files]
    return {table["name"]: table for table in tables}


def _identity(table: dict[str, Any]) -> dict[str, Any]:
    """Title, formula, kind, metal and aliases: from the library of phases, where it has the phase."""
    of = entries("phases").get(table["name"], table)
    aliases = [*of.get("aliases", []), *(table.get("aliases", []) if of is not table else [])]
    return {**{key: of.get(key) for key in ("title", "formula", "kind", "metal")}, "aliases": aliases}


def _called(table: dict[str, Any]) -> list[str]:
    known = _identity(table)
    return list(dict.fromkeys([table["name"], known["formula"], known["title"], *known["aliases"]]))


@functools.cache
def _by_name() -> dict[str, str]:
    return {called.lower(): name for name, table in _files().items() for called in _called(table)}


@functools.cache
def _film(name: str) -> FilmPhase:
    table, place = _files()[name], f"core_lines/{name}"
    known = _identity(table)
    if table["domain"] not in DOMAINS:
        raise InputError(f"'{table['domain']}' is no electrical domain", file=place, remedy=suggest("film", DOMAINS))
    return FilmPhase(
        name=name,
        **{key: known[key] for key in ("title", "formula", "kind", "metal")},
        domain=table["domain"],
        molar_mass=molar_mass(known["formula"]) * 1e3,
        density=_density(name, known["formula"], table, place),
        band_gap=_value("band_gap", table["band_gap"], "eV", place),
        valence_electrons=valence_electrons(known["formula"]),
        lines=tuple(read_line(name, each, place) for each in table["lines"]),
        flags=tuple(table.get("flags", ())),
    )


def _density(name: str, formula: str, table: dict[str, Any], place: str) -> Value:
    """From its file, or from what the library of phases, metals and substrates knows already."""
    if "density" in table:
        return _value("density", table["density"], "g/cm^3", place)
    if name in entries("phases"):
        volume = phase(name).molar_volume
        number, of, how = molar_mass(formula) / volume, volume, "molar mass over the molar volume of the phase"
    else:
        of = electrode(name).density
        number, how = float(of), of.method
    return Value(number / 1e3, "g/cm^3", source=of.source, status=of.status, conditions=of.conditions, method=how)


def _value(key: str, table: dict[str, Any], unit: str, place: str) -> Value:
    check_provenance(key, table, place)
    if table.get("unit") != unit:
        raise InputError(f"a {key} is written in {unit}", key=key, file=place)
    provenance = {name: text for name, text in table.items() if name not in ("value", "unit")}
    return Value(table["value"], unit, **provenance)
