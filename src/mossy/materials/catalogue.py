"""The data files: one TOML file a material, every number in it with its unit, source and status."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from mossy import units
from mossy.errors import InputError, suggest

KINDS = ("metals", "substrates", "electrolytes", "films", "phases", "reductions")
STATUSES = ("verified", "unverified")

_SI_UNITS = {
    "molar_mass": "kg/mol",
    "density": "kg/m^3",
    "lattice_parameter": "m",
    "lattice_parameter_c": "m",
    "cell_volume": "m^3",
    "molar_volume": "m^3/mol",
    "concentration": "mol/m^3",
    "exchange_current_density": "A/m^2",
    "reference_concentration": "mol/m^3",
    "symmetry": "1",
    "reorganisation_energy": "J/mol",
    "double_layer_capacitance": "F/m^2",
    "youngs_modulus": "Pa",
    "yield_strength": "Pa",
    "creep_exponent": "1",
    "surface_energy": "J/m^2",
    "initial_thickness": "m",
    "conductivity": "S/m",
    "relative_permittivity": "1",
    "film_molar_volume": "m^3/mol",
    "metal_per_formula": "1",
    "solvent_diffusivity": "m^2/s",
    "solvent_concentration": "mol/m^3",
    "reduction_potential": "V",
}


class Value(float):
    """A number in SI that remembers where it comes from; arithmetic with it gives plain floats.

    `status` is "verified" where the number was read in its source (or computed from numbers that were), which says
    nothing about one's own cell, and "unverified" where it comes from memory or is a choice.

    >>> density = Value(534.0, "kg/m^3", source="CRC Handbook", status="verified")
    >>> density / 1000, density.unit, density.status
    (0.534, 'kg/m^3', 'verified')
    """

    unit: str
    source: str
    status: str
    conditions: str
    method: str
    uncertainty: str
    note: str

    def __new__(
        cls,
        number: float,
        unit: str = "1",
        *,
        source: str = "",
        status: str = "unverified",
        conditions: str = "",
        method: str = "",
        uncertainty: str = "",
        note: str = "",
    ) -> Value:
        value = super().__new__(cls, number)
        value.unit, value.source, value.status = unit, source, status
        value.conditions, value.method, value.uncertainty, value.note = conditions, method, uncertainty, note
        return value


def names(kind: str) -> list[str]:
    """The names of all materials of a kind.

    >>> names("metals"), names("substrates")
    (['calcium', 'lithium', 'magnesium', 'potassium', 'sodium'], ['copper'])
    """
    if kind not in KINDS:
        raise InputError(f"no kind of material is called '{kind}'", remedy=suggest(kind, KINDS))
    return sorted(entries(kind))


@functools.cache
def entries(kind: str) -> dict[str, dict[str, Any]]:
    """The files of a kind as they are written, by the material's name; read once, not to be changed."""
    folder = resources.files("mossy.materials") / "data" / kind
    tables = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            tables[table.get("name", file.name.removesuffix(".toml"))] = table
    return tables


def read_value(key: str, table: Mapping[str, Any], place: str) -> Value:
    """One number of a file, in SI; a number without unit, source or status is refused."""
    provenance = dict(table)
    number, given = provenance.pop("value", None), provenance.pop("unit", None)
    if number is None or given is None or key not in _SI_UNITS:
        raise InputError("a value needs its number and a unit this library knows", key=key, file=place)
    check_provenance(key, table, place)
    unit = _SI_UNITS[key]
    return Value(number if given == unit else units.convert(number, given, unit), unit, **provenance)


def read_values(table: Mapping[str, Any], place: str) -> dict[str, Value]:
    """Every number of a table, by key."""
    return {key: read_value(key, entry, place) for key, entry in table.items()}


def check_provenance(key: str, table: Mapping[str, Any], place: str) -> None:
    """Refuses an entry that does not say where it comes from and whether that was checked."""
    if not table.get("source") or table.get("status") not in STATUSES:
        raise InputError("a value does not ship without a source and a status", key=key, file=place)
