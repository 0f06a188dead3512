"""What electrolytes and gases turn into on a metal: balanced reactions between molecules, the metal, and phases."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, entries, read_value
from mossy.materials.electrodes import metal
from mossy.materials.formulas import composition, molar_mass, total
from mossy.materials.phases import phase

_SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class Molecule:
    """What an electrolyte or a gas contributes."""

    name: str
    formula: str
    title: str
    kind: str
    density: Value | None

    @property
    def molar_volume(self) -> float | None:
        """Of the liquid, m3/mol, where its density is known."""
        return molar_mass(self.formula) / self.density if self.density is not None else None


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """A reaction that makes film: amounts in mol a turn, in which `electrons` pass."""

    name: str
    metal: str
    reactants: dict[str, float]
    """By the names of molecules, or by formula"""
    products: dict[str, float]
    """Phases, by name"""
    released: dict[str, float]
    """Gases and dissolved products, by formula"""
    electrons: float
    source: str
    status: str
    note: str

    @property
    def equation(self) -> str:
        """As chemists write it.

        >>> reduction("EC to LEDC", "lithium").equation
        '2 EC + 2 Li -> LEDC + C2H4'
        """
        of = metal(self.metal)
        left = {**self.reactants, of.symbol: self.electrons / of.charge_number}
        sides = (left, {**self.products, **self.released})
        return " -> ".join(" + ".join(_term(*each) for each in side.items()) for side in sides)


def _term(name: str, amount: float) -> str:
    return name if amount == 1.0 else f"{amount:g} {name}"


@functools.cache
def _molecules() -> dict[str, dict[str, Any]]:
    file = resources.files("mossy.materials") / "data" / "molecules.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def molecule(name: str) -> Molecule:
    """The molecule of a name; a formula that is none stands for itself.

    >>> molecule("EC").formula, round(molecule("CO2").molar_volume or 0)
    ('C3H4O3', 0)
    """
    known = _molecules()
    if name in known:
        table = known[name]
        density = read_value("density", table["density"], f"molecules/{name}") if "density" in table else None
        return Molecule(name=name, density=density, **{key: table[key] for key in ("formula", "title", "kind")})
    try:
        composition(name)
    except InputError as error:
        remedy = f"{suggest(name, known)}, or write its formula"
        raise InputError(f"no molecule is called '{name}', and {error.problem}", remedy=remedy) from None
    return Molecule(name=name, formula=name, title=name, kind="other", density=None)


def solvents_in(text: str) -> list[str]:
    """The short names of the solvents that a description names in full.

    >>> solvents_in("ethylene carbonate : diethyl carbonate, 1:1 by volume")
    ['EC', 'DEC']
    """
    titles = {name: str(table["title"]).split(", ")[0] for name, table in _molecules().items()}
    parts = [part.strip() for part in re.split(r" : |, ", text)]
    return [name for part in parts for name, title in titles.items() if title == part]


def reduction(name: str, metal_name: str) -> Reduction:
    """A reaction of the library.

    >>> made = reduction("EC to LEDC", "lithium")
    >>> made.reactants, made.products, made.electrons
    ({'EC': 2.0}, {'LEDC': 1.0}, 2.0)
    """
    known = entries("reductions").get(metal_name, {}).get("reductions", {})
    if name not in known:
        own = "write reactants, products and released yourself"
        remedy = f"{suggest(name, known)}, or {own}; `mossy materials {metal_name}` lists them" if known else own
        raise InputError(f"no reduction on {metal_name} is called '{name}'", remedy=remedy)
    table = known[name]
    parts = {key: table.get(key, {}) for key in ("reactants", "products", "released")}
    return balanced(
        name, metal_name, **parts, source=table["source"], status=table["status"], note=table.get("note", "")
    )


def balanced(
    name: str,
    metal_name: str,
    reactants: Mapping[str, float],
    products: Mapping[str, float],
    released: Mapping[str, float],
    *,
    formulas: Mapping[str, str] | None = None,
    source: str = "the case file",
    status: str = "given",
    note: str = "",
) -> Reduction:
    """A reaction whose every element but the metal balances; the metal it lacks gives the electrons.

    `formulas`: of phases that the library does not know, by name. Refuses what does not balance.
    """
    of = metal(metal_name)
    known = formulas or {}
    before = total([(molecule(each).formula, amount) for each, amount in reactants.items()])
    made = [(known.get(each) or phase(each).formula, amount) for each, amount in products.items()]
    after = total([*made, *released.items()])
    atoms = after.get(of.symbol, 0.0) - before.get(of.symbol, 0.0)
    elements = sorted({*before, *after} - {of.symbol})
    for element in elements:
        if element not in before:
            problem = f"'{name}' makes a phase with {element}, which nothing supplies"
            raise InputError(problem, remedy="name a reactant that holds it")
    for element in elements:
        missing = after.get(element, 0.0) - before[element]
        if abs(missing) > _SAME * max(1.0, before[element]):
            remedy = "mend the amounts of reactants, products and released"
            raise InputError(f"'{name}' does not balance: {missing:+g} {element} on the right", remedy=remedy)
    if not products or atoms <= 0.0:
        remedy = f"name at least one phase that binds {metal_name}"
        raise InputError(f"'{name}' binds no {metal_name}", key="products", remedy=remedy)
    return Reduction(
        name=name,
        metal=metal_name,
        reactants={each: float(amount) for each, amount in reactants.items()},
        products={each: float(amount) for each, amount in products.items()},
        released={each: float(amount) for each, amount in released.items()},
        electrons=atoms * of.charge_number,
        source=source,
        status=status,
        note=note,
    )


def reductions_of(metal_name: str) -> list[str]:
    """The names of the library's reactions on a metal."""
    return list(entries("reductions").get(metal_name, {}).get("reductions", {}))
