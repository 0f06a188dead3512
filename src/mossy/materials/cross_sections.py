"""Photoionisation cross sections and angular asymmetry of subshells, and the X-ray sources that excite them."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from mossy.errors import InputError, suggest

_NEAR = 1.0
"""eV: how far an excitation energy may be from the tabulated one (cross sections then differ by 0.2 %)."""
_MARGIN = 50.0
"""eV: how far beyond the edge a cross section is known."""
_TRUSTED = 0.25
"""The largest part by which the formula for hard X-rays may miss the table at Al K-alpha."""
_ORBITAL = re.compile(r"([A-Z][a-z]?)\s*([1-6][spdf])\s*(\d/2)?")
_DOUBLET = {"p": ("1/2", "3/2"), "d": ("3/2", "5/2"), "f": ("5/2", "7/2")}


@dataclass(frozen=True, kw_only=True)
class CrossSection:
    """How likely a photon ionises an orbital: all its electrons in one atom together."""

    orbital: str
    excitation_energy: float
    """eV"""
    barn: float
    """1e-28 m2 an atom"""
    relative: float
    """To C 1s at the same excitation energy"""
    source: str
    status: str
    deviation: float
    """Of the formula from the table at Al K-alpha, a part; 0 where the table is used or does not reach"""


@dataclass(frozen=True, kw_only=True)
class XraySource:
    """A source's main line, eV, and its satellites without a monochromator: `displacements` above it, eV."""

    name: str
    energy: float
    displacements: tuple[float, ...]
    intensities: tuple[float, ...]
    """Relative to the main line"""
    source: str
    status: str
    satellites_source: str
    satellites_status: str


@functools.cache
def _table(name: str) -> dict[str, Any]:
    file = resources.files("mossy.materials") / "data" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _scofield() -> dict[str, Any]:
    return _table("cross_sections")["scofield"]


def _cant() -> dict[str, Any]:
    return _table("cross_sections")["cant"]


def xray_source(name: str) -> XraySource:
    """The source of a name.

    >>> aluminium = xray_source("Al Ka")
    >>> aluminium.energy, aluminium.displacements[:2], aluminium.intensities[:2]
    (1486.6, (9.8, 11.8), (0.064, 0.032))
    """
    known = {spelled.lower(): table for table in _table("xray_sources").values() for spelled in _spellings(table)}
    if name.strip().lower() not in known:
        names = [table["name"] for table in _table("xray_sources").values()]
        raise InputError(
            f"no X-ray source is called '{name}'", remedy=f"give an energy in eV, or one of {', '.join(names)}"
        )
    table = known[name.strip().lower()]
    satellites = table.get("satellites", {})
    return XraySource(
        name=table["name"],
        energy=table["energy_electronvolt"],
        displacements=tuple(satellites.get("displacement", ())),
        intensities=tuple(satellites.get("intensity", ())),
        source=table["source"],
        status=table["status"],
        satellites_source=satellites.get("source", ""),
        satellites_status=satellites.get("status", ""),
    )


def _spellings(table: dict[str, Any]) -> list[str]:
    return [table["name"], *table["aliases"]]


def subshells(orbital: str) -> tuple[str, tuple[str, ...]]:
    """The element of an orbital and the rows of the table that make it up.

    >>> subshells("S 2p"), subshells("S 2p3/2"), subshells("Li 1s")
    (('S', ('2p1/2', '2p3/2')), ('S', ('2p3/2',)), ('Li', ('1s',)))
    """
    match = _ORBITAL.fullmatch(orbital.strip())
    if match is None:
        remedy = "write element, shell and, if one of a doublet is meant, j: 'F 1s', 'S 2p' or 'S 2p3/2'"
        raise InputError(f"'{orbital}' is not an orbital", remedy=remedy)
    element, shell, spin = match.groups()
    elements = _scofield()["elements"]
    if element not in elements:
        raise InputError(f"no cross section of '{element}' is known", key=orbital, remedy=suggest(element, elements))
    rows = (shell,) if shell[1] == "s" else tuple(shell + j for j in ([spin] if spin else _DOUBLET[shell[1]]))
    missing = [row for row in rows if row not in elements[element]]
    if missing:
        held = [name for name in elements[element] if name != "atomic_number"]
        raise InputError(f"{element} has no {missing[0]} in the table", key=orbital, remedy=suggest(missing[0], held))
    return element, rows


def photoionisation_cross_section(orbital: str, excitation_energy: float | str) -> CrossSection:
    """The cross section of an orbital: Scofield's table at Al and Mg K-alpha, Cant's formula from 1.5 to 10 keV.

    `orbital` as "F 1s", "S 2p" (both lines of the doublet) or "S 2p3/2"; `excitation_energy` in eV or a source's name.
    Everything else is refused: other energies, photons that do not reach the shell, and for hard X-rays shells near the
    valence (the formula is for inner shells: it must agree with the table at Al K-alpha within 25 %).
    Sources: J. H. Scofield, UCRL-51326 (1973) and J. Electron Spectrosc. 8 (1976) 129,
    doi 10.1016/0368-2048(76)80015-1; D. J. H. Cant et al., Surf. Interface Anal. 54 (2022) 442, doi 10.1002/sia.7059.

    >>> found = photoionisation_cross_section("F 1s", "Al Ka")
    >>> round(found.relative, 2), round(found.barn)
    (4.43, 60369)
    >>> round(photoionisation_cross_section("Li 1s", 5414.7).barn, 1)
    11.1
    """
    energy = _energy(excitation_energy)
    element, rows = subshells(orbital)
    tables = _scofield()
    for column, key in ((2, "al_k_alpha"), (3, "mg_k_alpha")):
        if abs(energy - tables[f"{key}_electronvolt"]) <= _NEAR:
            entries = [tables["elements"][element][row] for row in rows]
            for entry in entries:
                _reaches(orbital, entry[0], energy)
            barn = sum(entry[column] for entry in entries)
            carbon, deviation, origin = tables["elements"]["C"]["1s"][column], 0.0, tables
            break
    else:
        parts = [_formula(orbital, element, row, energy) for row in rows]
        barn, deviation = sum(part[0] for part in parts), max((part[1] for part in parts), key=abs)
        carbon, origin = _formula("C 1s", "C", "1s", energy)[0], _cant()
    return CrossSection(
        orbital=orbital,
        excitation_energy=energy,
        barn=barn,
        relative=barn / carbon,
        source=origin["source"],
        status=origin["status"],
        deviation=deviation,
    )


def dipole_asymmetry(orbital: str, excitation_energy: float | str) -> float:
    """beta of an orbital, for `mossy.laws.photoemission.asymmetry_factor`, by Cant's formula from 1.5 to 10 keV.

    Al K-alpha, 0.9 % below that range, is let through; Mg K-alpha is refused. Of a doublet: its parts by intensity.
    Arguments and source: as `photoionisation_cross_section`.

    >>> [round(dipole_asymmetry(orbital, "Al Ka"), 2) for orbital in ("C 1s", "S 2p", "Ag 3d5/2", "Au 4f7/2")]
    [1.99, 1.14, 1.22, 1.04]
    """
    from mossy.laws import photoemission

    energy = _energy(excitation_energy)
    element, rows = subshells(orbital)
    atomic_number = _scofield()["elements"][element]["atomic_number"]
    total = weights = 0.0
    for row in rows:
        weight, _ = _formula(orbital, element, row, energy, lowest=_scofield()["al_k_alpha_electronvolt"] - _NEAR)
        if row in _cant()["dipole_asymmetry_s"]:
            coefficients = _cant()["dipole_asymmetry_s"][row]
            beta = photoemission.dipole_asymmetry_cant_s(energy, atomic_number=atomic_number, coefficients=coefficients)
        else:
            beta = photoemission.dipole_asymmetry_cant(
                energy,
                atomic_number=atomic_number,
                binding_energy=_scofield()["elements"][element][row][0],
                coefficients=_cant()["dipole_asymmetry"][row],
            )
        total, weights = total + weight * float(beta), weights + weight
    return total / weights


def _energy(given: float | str) -> float:
    return xray_source(given).energy if isinstance(given, str) else float(given)


def _reaches(orbital: str, edge: float, energy: float) -> None:
    """Refuses a photon that does not ionise a shell, or only just: cross sections are not smooth there."""
    if energy < edge + _MARGIN:
        problem = f"photons of {energy:g} eV do not reach {_MARGIN:g} eV beyond its edge at {edge:g} eV"
        raise InputError(problem, key=orbital, remedy="take another orbital of the element or a harder source")


def _formula(orbital: str, element: str, row: str, energy: float, lowest: float | None = None) -> tuple[float, float]:
    """Cant's cross section, barn, and how far it is from the table at Al K-alpha, a part."""
    from mossy.laws import photoemission

    tables, cant = _scofield(), _cant()
    lowest, highest = lowest or cant["lowest_electronvolt"], cant["highest_electronvolt"]
    if not lowest <= energy <= highest:
        problem = f"no cross section is known for photons of {energy:g} eV"
        given = f"{tables['al_k_alpha_electronvolt']} and {tables['mg_k_alpha_electronvolt']} eV"
        remedy = f"tables are for {given}, a formula for {lowest:g} to {highest:g} eV; give your own sensitivity factor"
        raise InputError(problem, key=orbital, remedy=remedy)
    edge, _, at_aluminium, _ = tables["elements"][element][row]
    _reaches(orbital, edge, energy)
    if row not in cant["cross_section"]:
        remedy = "give your own sensitivity factor, or measure another orbital of the element"
        raise InputError(f"no formula for {row} at {energy:g} eV is known", key=orbital, remedy=remedy)
    atomic_number, coefficients = tables["elements"][element]["atomic_number"], cant["cross_section"][row]
    at_energies = [energy, tables["al_k_alpha_electronvolt"]] if at_aluminium else [energy]
    found = [
        float(photoemission.cross_section_cant(each, atomic_number=atomic_number, coefficients=coefficients))
        for each in at_energies
    ]
    deviation = found[1] / at_aluminium - 1.0 if at_aluminium else 0.0
    if abs(deviation) > _TRUSTED:
        problem = f"the formula for hard X-rays misses {element} {row} at Al K-alpha by {100 * deviation:.0f} %"
        remedy = "it is for inner shells: take a deeper one, or give your own sensitivity factor"
        raise InputError(problem, key=orbital, remedy=remedy)
    return found[0], deviation
