"""The solid side of the interface: metals, the substrates they are plated on, and the film that grows on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, entries, read_value, read_values


@dataclass(frozen=True, kw_only=True)
class Solid:
    """What metals and substrates share: an element in its cubic or hexagonal lattice."""

    name: str
    symbol: str
    atoms_per_cell: int
    molar_mass: Value
    """kg/mol"""
    density: Value
    """kg/m3"""
    lattice_parameter: Value
    """Edge a of the cubic or hexagonal cell, m"""
    lattice_parameter_c: Value | None
    """Height of a hexagonal cell, m; None where it is cubic"""
    molar_volume: Value
    """From the lattice, m3/mol"""
    kinetics: dict[str, Value]
    """Defaults of charge transfer and double layer, by the names `laws.charge_transfer` gives its arguments"""
    mechanics: dict[str, Value]
    """What is known of youngs_modulus, yield_strength, creep_exponent, surface_energy"""
    disagreement: str
    """Which molar volume to trust where lattice and density differ by more than 1 %"""

    @property
    def cell_volume(self) -> float:
        """Of the unit cell, m3: a^3, or sqrt(3)/2 a^2 c.

        >>> round(metal("Mg").cell_volume * 1e30, 1), round(metal("Li").cell_volume * 1e30, 1)
        (46.5, 43.2)
        """
        if self.lattice_parameter_c is None:
            return self.lattice_parameter**3
        return math.sqrt(3.0) / 2.0 * self.lattice_parameter**2 * self.lattice_parameter_c

    @property
    def molar_volume_from_density(self) -> float:
        """Molar mass over density, m3/mol: a check on `molar_volume` by other measurements.

        >>> lithium = metal("lithium")
        >>> round(lithium.molar_volume_from_density / lithium.molar_volume - 1, 4)
        -0.0019
        """
        return self.molar_mass / self.density


@dataclass(frozen=True, kw_only=True)
class Substrate(Solid):
    """A conductor that takes no part in the charge transfer: metal is plated on it and stripped from it."""


@dataclass(frozen=True, kw_only=True)
class Metal(Solid):
    """A metal that is plated and stripped as ions of `charge_number`."""

    charge_number: int


def metal(name: str) -> Metal:
    """The metal of a name or symbol, whatever its case.

    >>> metal("Li").name, metal("sodium").charge_number
    ('lithium', 1)
    >>> metal("lithum")
    Traceback (most recent call last):
    mossy.errors.InputError: no metal is called 'lithum'; did you mean 'lithium' or 'calcium'?
    """
    return _metal(_find(name, "metal", ["metals"])[1])


def substrate(name: str) -> Substrate:
    """The substrate of a name or symbol, whatever its case.

    >>> substrate("Cu").symbol
    'Cu'
    """
    return _substrate(_find(name, "substrate", ["substrates"])[1])


def electrode(name: str) -> Metal | Substrate:
    """The metal or the substrate of a name or symbol, whatever its case.

    >>> isinstance(electrode("Cu"), Substrate), isinstance(electrode("Na"), Metal)
    (True, True)
    """
    kind, table = _find(name, "electrode material", ["metals", "substrates"])
    return _metal(table) if kind == "metals" else _substrate(table)


def film_defaults() -> dict[str, Value]:
    """What an interphase is made of where nothing else is said, by the names `laws.interphase` gives its arguments.

    >>> film = film_defaults()
    >>> film["initial_thickness"], film["conductivity"], film["relative_permittivity"], film["conductivity"].status
    (5e-09, 1e-06, 10.0, 'unverified')
    """
    return read_values(entries("films")["default"], "films/default")


def _find(name: str, what: str, kinds: list[str]) -> tuple[str, dict[str, Any]]:
    wanted = name.strip().lower()
    for kind in kinds:
        for table in entries(kind).values():
            if wanted in (table["name"], table["symbol"].lower()):
                return kind, table
    options = [option for kind in kinds for option in entries(kind)]
    raise InputError(f"no {what} is called '{name}'", remedy=suggest(name, options))


def _metal(table: dict[str, Any]) -> Metal:
    return Metal(**_shared(table), charge_number=table["charge_number"])


def _substrate(table: dict[str, Any]) -> Substrate:
    return Substrate(**_shared(table))


def _shared(table: dict[str, Any]) -> dict[str, Any]:
    place = table["name"]
    fields: dict[str, Any] = {key: table[key] for key in ("name", "symbol", "atoms_per_cell")}
    for key in ("molar_mass", "density", "lattice_parameter", "molar_volume"):
        fields[key] = read_value(key, table[key], place)
    height = table.get("lattice_parameter_c")
    fields["lattice_parameter_c"] = read_value("lattice_parameter_c", height, place) if height else None
    fields["disagreement"] = table.get("disagreement", "")
    for key in ("kinetics", "mechanics"):
        fields[key] = read_values(table.get(key, {}), place)
    return fields
