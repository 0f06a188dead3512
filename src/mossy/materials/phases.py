"""The phases of interphases: what they are made of, how much room they take, whether they can cover their metal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, entries, read_value
from mossy.materials.electrodes import metal
from mossy.materials.formulas import Composition, composition, molar_mass

AVOGADRO = 6.02214076e23
"""1/mol, exact; the laws' own would bring JAX along."""
DISAGREE = 0.03
"""Relative difference of two molar volumes above which the data file must say which one to trust."""
_VALUES = ("cell_volume", "density", "conductivity", "relative_permittivity")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A solid that a film may hold. `values` has what its file gives of conductivity and relative_permittivity."""

    name: str
    title: str
    formula: str
    kind: str
    metal: str
    molar_volume: Value
    """m3 per mol of formula units: from the lattice where it is known, else from the density"""
    molar_volume_from_density: Value | None
    disagreement: str
    values: dict[str, Value]

    @property
    def composition(self) -> Composition:
        """Atoms in a formula unit."""
        return composition(self.formula)

    @property
    def molar_mass(self) -> float:
        """kg/mol."""
        return molar_mass(self.formula)

    @property
    def metal_per_formula(self) -> float:
        """Atoms of its metal in a formula unit."""
        return self.composition[metal(self.metal).symbol]

    @property
    def pilling_bedworth_ratio(self) -> float:
        """Its volume over that of the metal in it.

        >>> round(phase("Li2O").pilling_bedworth_ratio, 2)
        0.57
        """
        from mossy.laws.interphase import pilling_bedworth_ratio

        of = metal(self.metal).molar_volume
        return float(pilling_bedworth_ratio(self.molar_volume, self.metal_per_formula, of))

    @property
    def covers(self) -> bool:
        """Whether it takes at least the room of the metal it consumed."""
        return self.pilling_bedworth_ratio >= 1.0

    @property
    def footprint_porosity(self) -> float:
        """Pores left where it replaces its metal."""
        from mossy.laws.native_film import footprint_porosity

        return float(footprint_porosity(self.pilling_bedworth_ratio))


def phase(name: str) -> Phase:
    """The phase of a name or formula.

    >>> lithia = phase("Li2O")
    >>> round(lithia.molar_volume * 1e6, 1), lithia.molar_volume.unit, lithia.covers
    (14.8, 'm^3/mol', False)
    >>> phase("Mg0")
    Traceback (most recent call last):
    mossy.errors.InputError: no phase is called 'Mg0'; did you mean 'MgS' or 'MgO'?
    """
    known = entries("phases")
    wanted = name.strip().lower()
    for table in known.values():
        if wanted in (each.lower() for each in (table["name"], table["formula"], *table.get("aliases", []))):
            return _phase(table)
    raise InputError(f"no phase is called '{name}'", remedy=suggest(name, known))


def phases_of(metal_name: str) -> list[Phase]:
    """Every phase of a metal, by name.

    >>> "Na2O" in [each.name for each in phases_of("sodium")]
    True
    """
    return [_phase(table) for _, table in sorted(entries("phases").items()) if table["metal"] == metal_name]


def _phase(table: dict[str, Any]) -> Phase:
    place = f"phases/{table['name']}"
    values = {key: read_value(key, table[key], place) for key in _VALUES if key in table}
    lattice, density = values.pop("cell_volume", None), values.pop("density", None)
    by_lattice = by_density = None
    if lattice is not None:
        units = table["formula_units"]
        by_lattice = _derived(
            AVOGADRO * lattice / units, lattice, f"Avogadro constant times the cell's volume / {units}"
        )
    if density is not None:
        by_density = _derived(molar_mass(table["formula"]) / density, density, "molar mass over density")
    volume = by_lattice if by_lattice is not None else by_density
    if volume is None:
        raise InputError("a phase needs its cell_volume or its density", file=place)
    return Phase(
        **{key: table[key] for key in ("name", "title", "formula", "kind", "metal")},
        molar_volume=volume,
        molar_volume_from_density=by_density,
        disagreement=table.get("disagreement", ""),
        values=values,
    )


def _derived(number: float, of: Value, how: str) -> Value:
    return Value(
        number, "m^3/mol", source=of.source, status=of.status, conditions=of.conditions, method=how, note=of.note
    )
