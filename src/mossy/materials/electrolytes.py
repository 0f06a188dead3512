"""Electrolytes: a binary salt in a solvent, and which correlation gives each of its transport coefficients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, check_provenance, entries, read_value
from mossy.materials.reductions import solvents_in

PROPERTIES = ("diffusivity", "conductivity", "transference_number", "thermodynamic_factor")


@dataclass(frozen=True, kw_only=True)
class PropertySpec:
    """One transport coefficient, as a function of concentration and temperature that `laws.transport` knows by name."""

    correlation: str
    """A name in `laws.transport.CORRELATIONS`"""
    coefficients: tuple[Any, ...]
    """What the correlation takes after concentration and temperature: floats; for "table" two tuples of floats,
    concentrations in mol/m3 and values"""
    unit: str
    """Of the result, SI"""
    source: str
    status: str
    validity: dict[str, tuple[float, float]]
    """Lowest and highest "concentration", mol/m3, and "temperature", K"""
    conditions: str = ""
    method: str = ""
    uncertainty: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Electrolyte:
    """A binary salt, `cations_per_formula` cations and `anions_per_formula` anions a formula unit, in a solvent."""

    name: str
    salt: str
    solvent: str
    cation_metal: str
    """The metal whose ions carry the current through the interface, a name for `metal`"""
    cation_charge: int
    anion_charge: int
    cations_per_formula: int
    anions_per_formula: int
    concentration: Value
    """Of the salt where a cell gives none, mol/m3"""
    properties: dict[str, PropertySpec]
    """diffusivity, m2/s; conductivity, S/m; transference_number and thermodynamic_factor"""

    @property
    def molecules(self) -> tuple[str, ...]:
        """The salt and the solvents, by the names that reductions use.

        >>> electrolyte("LiPF6 EC:EMC 3:7").molecules
        ('LiPF6', 'EC', 'EMC')
        """
        return (self.salt, *solvents_in(self.solvent))


def electrolyte(name: str) -> Electrolyte:
    """The electrolyte of a name: case, spaces and an "in" do not matter, nor does a missing ratio if only one fits.

    >>> electrolyte("lipf6 in ec:emc").name
    'LiPF6 EC:EMC 3:7'
    >>> electrolyte("LiPF6 EC:EMC 1:1")
    Traceback (most recent call last):
    mossy.errors.InputError: no electrolyte is called 'LiPF6 EC:EMC 1:1'; did you mean 'LiPF6 EC:EMC 3:7'?
    """
    known = entries("electrolytes")
    wanted = _plain(name)
    spellings = {full: [_plain(each) for each in (full, *table.get("aliases", []))] for full, table in known.items()}
    exact = [full for full, spelled in spellings.items() if wanted in spelled]
    mixture = _without_ratio(wanted)
    kin = [full for full, spelled in spellings.items() if mixture in map(_without_ratio, spelled)]
    found = exact or (kin if wanted == mixture else [])
    if len(found) > 1:
        raise InputError(f"'{name}' names {len(found)} electrolytes", remedy=suggest(name, found))
    if not found:
        raise InputError(f"no electrolyte is called '{name}'", remedy=suggest(name, kin or known))
    return _electrolyte(known[found[0]])


def _plain(name: str) -> str:
    """The letters, digits and colons of a name, without the word "in"."""
    return re.sub(r"[^a-z0-9:]", "", re.sub(r"\bin\b", " ", name.lower().replace("/", ":")))


def _without_ratio(plain: str) -> str:
    return re.sub(r"\d+(:\d+)+$", "", plain)


def _electrolyte(table: dict[str, Any]) -> Electrolyte:
    place = table["name"]
    if missing := [key for key in PROPERTIES if key not in table["properties"]]:
        raise InputError(f"an electrolyte needs {', '.join(missing)}", file=place)
    numbers = ("cation_charge", "anion_charge", "cations_per_formula", "anions_per_formula")
    return Electrolyte(
        **{key: table[key] for key in ("name", "salt", "solvent", "cation_metal", *numbers)},
        concentration=read_value("concentration", table["concentration"], place),
        properties={key: _property(key, table["properties"][key], place) for key in PROPERTIES},
    )


def _property(key: str, table: dict[str, Any], place: str) -> PropertySpec:
    check_provenance(key, table, place)
    correlation = table["correlation"]
    if correlation["name"] == "table":
        coefficients: tuple[Any, ...] = (tuple(correlation["concentrations"]), tuple(correlation["values"]))
    else:
        coefficients = tuple(correlation["coefficients"])
    validity = {quantity: (low, high) for quantity, (low, high) in table["validity"].items()}
    rest = {name: entry for name, entry in table.items() if name not in ("correlation", "validity")}
    return PropertySpec(correlation=correlation["name"], coefficients=coefficients, validity=validity, **rest)
