"""A material as text: every value with its unit, conditions, source and status."""

from __future__ import annotations

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, names
from mossy.materials.electrodes import electrode, film_defaults
from mossy.materials.electrolytes import PropertySpec, electrolyte


def describe(name: str) -> str:
    """The values of a metal, a substrate, an electrolyte or the "default" film.

    >>> print(describe("copper").splitlines()[0])
    copper (Cu)
    """
    if name.strip().lower() == "default":
        return "\n".join(["default film", *(_line(key, value) for key, value in film_defaults().items())])
    try:
        solid = electrode(name)
    except InputError:
        return _electrolyte(name)
    heading = f"{solid.name} ({solid.symbol})"
    own = {key: getattr(solid, key) for key in ("molar_mass", "density", "lattice_parameter", "molar_volume")}
    values = {**own, **solid.kinetics, **solid.mechanics}
    return "\n".join([heading, *(_line(key, value) for key, value in values.items())])


def _electrolyte(name: str) -> str:
    try:
        found = electrolyte(name)
    except InputError:
        known = [*names("metals"), *names("substrates"), *names("electrolytes"), "default"]
        raise InputError(f"no material is called '{name}'", remedy=suggest(name, known)) from None
    lines = [f"{found.name}: {found.salt} in {found.solvent}", _line("concentration", found.concentration)]
    return "\n".join([*lines, *(_property(key, spec) for key, spec in found.properties.items())])


def _line(key: str, value: Value) -> str:
    conditions = f"; {value.conditions}" if value.conditions else ""
    return f"  {key} = {float(value):.6g} {value.unit} [{value.status}]{conditions}\n      {value.source}"


def _property(key: str, spec: PropertySpec) -> str:
    shown = "table" if spec.correlation == "table" else f"({', '.join(f'{each:g}' for each in spec.coefficients)})"
    valid = "; ".join(f"{quantity} {low:g} to {high:g}" for quantity, (low, high) in spec.validity.items())
    return f"  {key} = {spec.correlation} {shown} {spec.unit} [{spec.status}]; valid {valid}\n      {spec.source}"
