"""From the tables of a case to a cell. Every number may be what JAX differentiates: nothing here decides on a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mossy import materials
from mossy.backend import jax, jnp
from mossy.cells.base import Cell
from mossy.cells.electrode import Electrode
from mossy.cells.electrolyte import Electrolyte, Property, Separator
from mossy.cells.film import Channel, Film
from mossy.cells.planar import Planar
from mossy.cells.point import Point
from mossy.cells.tables import (
    GROWTH,
    PROPERTY_UNITS,
    CellTable,
    ElectrodeTable,
    ElectrolyteTable,
    GrowthTable,
    InterphaseTable,
    PropertyTable,
    keywords_of,
)
from mossy.errors import InputError, suggest
from mossy.laws import charge_transfer, interphase, inventory, transport
from mossy.laws.constants import FARADAY

MODELS: dict[str, type[Cell]] = {"planar": Planar, "point": Point}
VANISHING_CHARGE = 1e-3
"""C/m2: Q* in a_M = Q/(Q + Q*), far below a monolayer (some 2 C/m2), so that a foil's activity is 1 to nine digits."""
FOIL = 250e-6
"""m: the metal on an electrode that is a metal, where the case says nothing."""
CHARGE_TRANSFER: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "butler_volmer": (charge_transfer.butler_volmer, ("symmetry",)),
    "marcus_hush_chidsey": (charge_transfer.marcus_hush_chidsey, ("reorganisation_energy",)),
}
NAMES_IN_LAW = {"ion_conductivity": "conductivity"}
"""Arguments of a growth law that another key of the interphase gives."""
NEEDED = ("diffusivity", "conductivity", "transference_number", "thermodynamic_factor")


class Chemistry(NamedTuple):
    """What the names of a case stand for: its materials, checked against each other."""

    metal: materials.Metal
    working: materials.Metal | materials.Substrate
    counter: materials.Metal | materials.Substrate
    electrolyte: materials.Electrolyte | None


def chemistry(cell: CellTable, electrolyte: ElectrolyteTable) -> Chemistry:
    """The materials of a case; refuses a salt whose cation is not the metal of the electrodes."""
    found = []
    for side in ("working", "counter"):
        try:
            found.append(materials.electrode(getattr(cell, side)))
        except InputError as error:
            raise error.at(f"cell.{side}") from None
    metals = {each.name for each in found if isinstance(each, materials.Metal)}
    library = None
    if cell.electrolyte != "custom":
        try:
            library = materials.electrolyte(cell.electrolyte)
        except InputError as error:
            raise error.at("cell.electrolyte") from None
        metals.add(library.cation_metal)
    elif electrolyte.cation is not None:
        metals.add(electrolyte.cation)
    if not metals:
        remedy = 'name the salt\'s cation, as in cation = "lithium"'
        raise InputError("no electrode is a metal", key="electrolyte.cation", remedy=remedy)
    if len(metals) > 1:
        names = " and ".join(sorted(metals))
        remedy = "electrodes and electrolyte must share one metal"
        raise InputError(f"the cell mixes {names}", key="cell", remedy=remedy)
    try:
        metal = materials.metal(metals.pop())
    except InputError as error:
        raise error.at("electrolyte.cation") from None
    charge = library.cation_charge if library else electrolyte.cation_charge or metal.charge_number
    if charge != metal.charge_number:
        remedy = f"it must be {metal.charge_number}"
        problem = f"{metal.name} ions do not carry {charge} charges"
        raise InputError(problem, key="electrolyte.cation_charge", remedy=remedy)
    return Chemistry(metal, found[0], found[1], library)


def build_cell(
    cell: CellTable, electrolyte: ElectrolyteTable, working: ElectrodeTable, counter: ElectrodeTable, nodes: int
) -> Cell:
    """The cell of a case's tables."""
    what = chemistry(cell, electrolyte)
    separator = Separator(cell.separator.thickness, cell.separator.porosity, cell.separator.bruggeman)
    sides, names = {}, list(electrolyte.additives)
    for side, table, material in (("working", working, what.working), ("counter", counter, what.counter)):
        try:
            sides[side] = _electrode(table, material, what.metal, names)
        except InputError as error:
            raise error.at(side) from None
    built = MODELS[cell.model](
        **sides,
        electrolyte=_electrolyte(electrolyte, what),
        separator=separator,
        temperature=cell.temperature,  # type: ignore[arg-type]
        contact_resistance=cell.contact_resistance,  # type: ignore[arg-type]
        additives=jnp.asarray(additive_amounts(electrolyte, cell.area), dtype=float),
        additive_names=tuple(electrolyte.additives),
        nodes=nodes if cell.model == "planar" else 0,  # and so no two models share a compilation
    )
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), built)


def metal_thickness(table: ElectrodeTable, material: materials.Metal | materials.Substrate) -> float:
    """The metal on an electrode at the start, m."""
    if table.metal_thickness is not None:
        return table.metal_thickness
    return FOIL if isinstance(material, materials.Metal) else 0.0


def _electrode(
    table: ElectrodeTable,
    material: materials.Metal | materials.Substrate,
    metal: materials.Metal,
    additives: list[str],
) -> Electrode:
    law, keywords = CHARGE_TRANSFER[table.kinetics.law]
    thickness = metal_thickness(table, material)
    bare = isinstance(material, materials.Substrate) and isinstance(thickness, float) and thickness == 0.0
    dead = table.dead_metal
    return Electrode(
        exchange_current_density=table.kinetics.exchange_current_density,  # type: ignore[arg-type]
        double_layer_capacitance=table.kinetics.double_layer_capacitance,  # type: ignore[arg-type]
        kinetics={name: getattr(table.kinetics, name) for name in keywords},
        film=_film(table.interphase, metal, additives),
        isolated_fraction=dead.isolated_fraction,  # type: ignore[arg-type]
        isolated_fraction_without_additive=dead.isolated_fraction_without_additive,  # type: ignore[arg-type]
        isolation={name: getattr(dead, name) for name in keywords_of(inventory.isolation_factor)},
        reconnection_rate=dead.reconnection_rate,  # type: ignore[arg-type]
        inventory=thickness * metal.charge_number * FARADAY / metal.molar_volume,  # type: ignore[arg-type]
        metal_molar_volume=metal.molar_volume,  # type: ignore[arg-type]
        initial_overpotential=-table.initial_potential if bare else 0.0,  # type: ignore[arg-type]
        vanishing_charge=VANISHING_CHARGE,  # type: ignore[arg-type]
        charge_transfer=law,
        charge_number=metal.charge_number,
        additive=_additive(dead.additive, additives, "dead_metal.additive"),
    )


def _film(table: InterphaseTable, metal: materials.Metal, additives: list[str]) -> Film:
    channels = []
    for index, each in enumerate(table.channels()):
        try:
            channels.append(_channel(each, table, metal, additives))
        except InputError as error:
            raise error.at(f"interphase.growth[{index}]") from None
    velocity = table.dissolution.velocity
    return Film(
        initial_thickness=table.initial_thickness,  # type: ignore[arg-type]
        conductivity=table.conductivity,  # type: ignore[arg-type]
        relative_permittivity=table.relative_permittivity,  # type: ignore[arg-type]
        dissolution_velocity=velocity,  # type: ignore[arg-type]
        fracture_length=table.fracture.length if table.fracture else 1.0,  # type: ignore[arg-type]
        channels=tuple(channels),
        dissolves="velocity" in table.dissolution.model_fields_set,
        cracks=table.fracture is not None,
        artificial=table.artificial,
    )


def _channel(given: GrowthTable, film: InterphaseTable, metal: materials.Metal, additives: list[str]) -> Channel:
    law = GROWTH[given.law]
    wanted = [name for name in keywords_of(law) if name not in ("temperature", "film_current_density")]
    parameters: dict[str, Any] = {}
    for name in wanted:
        key = NAMES_IN_LAW.get(name, name)
        value = metal.charge_number if key == "charge_number" else given.parameter(key, film)
        parameters[name] = value
    per_formula = given.parameter("metal_per_formula", film) * metal.charge_number
    return Channel(
        parameters=parameters,
        volume_per_charge=given.parameter("film_molar_volume", film) / (per_formula * FARADAY),
        consumed_per_charge=given.consumed_per_electron / FARADAY,  # type: ignore[arg-type]
        order=given.order,  # type: ignore[arg-type]
        law=law,
        name=given.law,
        outside=interphase.REACTS_AT[given.law] == interphase.FILM_ELECTROLYTE,
        sees_current="film_current_density" in keywords_of(law),
        consumes=_additive(given.consumes, additives, "consumes"),
        inhibited_by=_additive(given.inhibited_by, additives, "inhibited_by"),
    )


def _additive(name: str | None, additives: list[str], key: str) -> int | None:
    if name is None:
        return None
    if name not in additives:
        remedy = suggest(name, additives) if additives else f"add [electrolyte.additives.{name}] with its concentration"
        raise InputError(f"the electrolyte holds no additive called '{name}'", key=key, remedy=remedy)
    return additives.index(name)


def additive_amounts(table: ElectrolyteTable, area: float) -> list[Any]:
    """What the electrolyte holds of each additive, mol per m2 of electrode."""
    if not table.additives:
        return []
    if table.volume is None:
        raise InputError(
            "additives need the volume of the electrolyte", key="electrolyte.volume", remedy='as in volume = "40 uL"'
        )
    return [each.concentration * table.volume / area for each in table.additives.values()]


def _electrolyte(table: ElectrolyteTable, what: Chemistry) -> Electrolyte:
    library = what.electrolyte
    concentration = table.concentration
    if concentration is None:
        concentration = library.concentration if library else 1000.0
    properties = {name: _property(name, table, library) for name in NEEDED}
    volume = _property("salt_molar_volume", table, None) if table.salt_molar_volume is not None else None
    charge = library.cation_charge if library else table.cation_charge or what.metal.charge_number
    anion = library.anion_charge if library else table.anion_charge or -1
    cations, anions = _stoichiometry(charge, -anion)
    return Electrolyte(
        concentration=concentration,  # type: ignore[arg-type]
        molar_volume=volume,
        over_anion_transference=isinstance(table.diffusivity, PropertyTable)
        and table.diffusivity.over_anion_transference,
        charge_number=charge,
        cations_per_formula=cations,
        anions_per_formula=anions,
        **properties,
    )


def _stoichiometry(cation_charge: int, anion_charge: int) -> tuple[int, int]:
    """Cations and anions in the neutral formula unit: (1, 2) for Mg2+ and TFSI-."""
    import math

    common = math.gcd(cation_charge, anion_charge)
    return anion_charge // common, cation_charge // common


def _property(name: str, table: ElectrolyteTable, library: materials.Electrolyte | None) -> Property:
    given = getattr(table, name)
    if isinstance(given, PropertyTable):
        return Property(tuple(given.arguments()), transport.CORRELATIONS[given.correlation])
    if given is not None:
        return Property((given,), transport.constant)
    if library is None:
        unit = PROPERTY_UNITS[name]
        remedy = f"give a constant{'' if unit == '1' else ' in ' + unit}, a correlation or a table"
        raise InputError("a custom electrolyte needs it", key=f"electrolyte.{name}", remedy=remedy)
    spec = library.properties[name]
    coefficients = tuple(jnp.asarray(each, dtype=float) for each in spec.coefficients)
    return Property(coefficients, transport.CORRELATIONS[spec.correlation])
