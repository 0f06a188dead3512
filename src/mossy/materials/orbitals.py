"""Core levels and Auger lines of the elements: where they are, how wide, how split."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from mossy.errors import InputError, suggest
from mossy.materials.formulas import atomic_weights, composition

_ORBITAL = re.compile(r"([A-Za-z]{1,2}?)\s*(\d[spdf])(\d/2)?")
_WEAKER_OVER_STRONGER = {"s": 0.0, "p": 1 / 2, "d": 2 / 3, "f": 3 / 4}
LOWEST_EXCITATION, HIGHEST_EXCITATION = 20.0, 20e3
"""eV: outside, a photon energy is a mistake of unit or of column."""


@dataclass(frozen=True, kw_only=True)
class Orbital:
    """A core level of an element; energies in eV."""

    element: str
    name: str
    """As in "S 2p": both lines of a doublet"""
    binding_energy: float
    """Where a survey shows its stronger line; chemical states are in the lines of phases"""
    natural_width: float
    """Full width at half maximum of the Lorentzian of the core hole's lifetime"""
    splitting: float
    """How much higher in binding energy the weaker line of the doublet lies; 0 for s levels, and where unresolved"""
    main: bool
    """Whether it is the line of its element to look for first"""
    source: str
    status: str

    @property
    def ratio(self) -> float:
        """Area of the weaker line over that of the stronger, from their degeneracies 2j + 1; 0 for a single line.

        >>> orbital("S 2p").ratio, orbital("Ag 3d").ratio, orbital("F 1s").ratio
        (0.5, 0.6666666666666666, 0.0)
        """
        return _WEAKER_OVER_STRONGER[self.name[-1]] if self.splitting else 0.0


@dataclass(frozen=True, kw_only=True)
class SurveyLine:
    """A line of a survey, eV; energies are referred to the Fermi level, so they add up to the excitation energy."""

    element: str
    name: str
    """As in "Na 1s" or "Na KLL" """
    kind: Literal["core", "Auger"]
    binding_energy: float
    kinetic_energy: float
    width: float
    """Full width of the envelope of an Auger line, natural width of a core line"""
    splitting: float
    main: bool
    source: str
    status: str


def orbital(name: str) -> Orbital:
    """The core level of a name.

    >>> fluorine = orbital("F 1s")
    >>> fluorine.natural_width, fluorine.splitting
    (0.2089, 0.0)
    >>> orbital("S2p3/2").name, orbital("S 2p").splitting
    ('S 2p', 1.18)
    >>> orbital("S 3p")
    Traceback (most recent call last):
    mossy.errors.InputError: no core level is called 'S 3p'; the library has S 2p, S 2s
    """
    known = _tables()["orbitals"]
    found = _ORBITAL.fullmatch(name.strip())
    wanted = f"{found[1].capitalize()} {found[2]}" if found else name
    if wanted not in known:
        own = [each for each in known if each.split()[:1] == wanted.split()[:1]]
        remedy = f"the library has {', '.join(own)}" if own else suggest(wanted, known)
        raise InputError(f"no core level is called '{name}'", remedy=remedy)
    return _orbital(wanted, known[wanted])


def survey_lines(excitation_energy: float, elements: Iterable[str] | None = None) -> tuple[SurveyLine, ...]:
    """The core and Auger lines that photons of an energy (eV) can show, by rising binding energy.

    `elements`: only of these. An Auger line keeps its kinetic energy, so its place moves with the source.

    >>> [line.name for line in survey_lines(1486.6, ["Na"])]
    ['Na 2p', 'Na 2s', 'Na KLL', 'Na KL1L23', 'Na 1s']
    >>> [round(line.binding_energy) for line in survey_lines(1253.6, ["Na"]) if line.kind == "Auger"]
    [264, 303]
    """
    energy = checked_excitation(excitation_energy)
    wanted = None if elements is None else {checked_element(each) for each in elements}
    lines = [_core(_orbital(name, table), energy) for name, table in _tables()["orbitals"].items()]
    lines += [_auger(name, table, energy) for name, table in _tables()["auger"].items()]
    seen = [line for line in lines if 0.0 < line.binding_energy < energy]
    kept = [line for line in seen if wanted is None or line.element in wanted]
    return tuple(sorted(kept, key=lambda line: line.binding_energy))


def valence_electrons(formula: str) -> float:
    """The valence electrons of a formula unit that the TPP-2M and JTP mean free paths ask for.

    s and p electrons of the main groups, s and d of the transition metals: S. Tanuma, C. J. Powell, D. R. Penn,
    Surf. Interface Anal. 21 (1994) 165, doi 10.1002/sia.740210302.

    >>> valence_electrons("LiF"), valence_electrons("Li2CO3"), valence_electrons("Cu")
    (8.0, 24.0, 11.0)
    """
    known = _tables()["valence_electrons"]
    atoms = composition(formula)
    for element in atoms:
        if element not in known:
            remedy = "give the number of valence electrons yourself"
            raise InputError(f"the valence electrons of {element} are not in the library", remedy=remedy)
    return float(sum(known[element] * count for element, count in atoms.items()))


def checked_excitation(energy: float) -> float:
    """A photon energy in eV, refused where it cannot be one."""
    if not LOWEST_EXCITATION <= energy <= HIGHEST_EXCITATION:
        remedy = f"give eV between {LOWEST_EXCITATION:g} and {HIGHEST_EXCITATION:g}, as 1486.6 for Al Ka"
        raise InputError(
            f"{energy:g} eV is no energy of a photoemission source", key="excitation_energy", remedy=remedy
        )
    return float(energy)


def checked_element(symbol: str) -> str:
    """An element's symbol, refused where it is none that has a line here."""
    known = {name.split()[0] for name in (*_tables()["orbitals"], *_tables()["auger"])}
    if symbol not in known:
        silent = " has no core level of its own and" if symbol in ("H", "He") else ""
        where = "" if silent or symbol in atomic_weights() else "; it is no element known here"
        problem = f"'{symbol}'{silent} has no line in the library{where}"
        raise InputError(problem, key="elements", remedy=suggest(symbol, sorted(known)))
    return symbol


@functools.cache
def _tables() -> dict[str, Any]:
    file = resources.files("mossy.materials") / "data" / "orbitals.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _orbital(name: str, table: dict[str, Any]) -> Orbital:
    keys = [table[key] for key in ("energy_source", "width_source", "splitting_source") if key in table]
    source, status = _provenance(keys)
    return Orbital(
        element=name.split()[0],
        name=name,
        binding_energy=float(table["binding_energy"]),
        natural_width=float(table["natural_width"]),
        splitting=float(table.get("splitting", 0.0)),
        main=table.get("main", False),
        source=source,
        status=status,
    )


def _provenance(keys: list[str]) -> tuple[str, str]:
    """The sources of an entry, and "verified" where every one of them was read."""
    used = [_tables()["sources"][key] for key in dict.fromkeys(keys)]
    verified = all(each["status"] == "verified" for each in used)
    return "; ".join(each["text"] for each in used), "verified" if verified else "unverified"


def _core(level: Orbital, excitation_energy: float) -> SurveyLine:
    return SurveyLine(
        element=level.element,
        name=level.name,
        kind="core",
        binding_energy=level.binding_energy,
        kinetic_energy=excitation_energy - level.binding_energy,
        width=level.natural_width,
        splitting=level.splitting,
        main=level.main,
        source=level.source,
        status=level.status,
    )


def _auger(name: str, table: dict[str, Any], excitation_energy: float) -> SurveyLine:
    source, status = _provenance([table["source"]])
    return SurveyLine(
        element=name.split()[0],
        name=name,
        kind="Auger",
        binding_energy=excitation_energy - table["kinetic_energy"],
        kinetic_energy=table["kinetic_energy"],
        width=table["width"],
        splitting=0.0,
        main=False,
        source=source,
        status=status,
    )
