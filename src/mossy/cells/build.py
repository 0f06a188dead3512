"""From the tables of a case to a cell. Every number may be what JAX differentiates: nothing here decides on a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mossy import materials
from mossy.backend import jax, jnp
from mossy.cells.base import Cell
from mossy.cells.electrode import Electrode
from mossy.cells.electrolyte import Electrolyte, Property, Separator
from mossy.cells.planar import Planar
from mossy.cells.point import Point
from mossy.cells.tables import PROPERTY_UNITS, CellTable, ElectrodeTable, ElectrolyteTable, PropertyTable
from mossy.errors import InputError
from mossy.laws import charge_transfer, interphase, transport
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
GROWTH: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "solvent_diffusion": (
        interphase.solvent_diffusion,
        ("solvent_diffusivity", "solvent_concentration", "reduction_potential"),
    ),
}
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
    built = MODELS[cell.model](
        working=_electrode(working, what.working, what.metal),
        counter=_electrode(counter, what.counter, what.metal),
        electrolyte=_electrolyte(electrolyte, what),
        separator=separator,
        temperature=cell.temperature,  # type: ignore[arg-type]
        contact_resistance=cell.contact_resistance,  # type: ignore[arg-type]
        nodes=nodes if cell.model == "planar" else 0,  # and so no two models share a compilation
    )
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), built)


def metal_thickness(table: ElectrodeTable, material: materials.Metal | materials.Substrate) -> float:
    """The metal on an electrode at the start, m."""
    if table.metal_thickness is not None:
        return table.metal_thickness
    return FOIL if isinstance(material, materials.Metal) else 0.0


def _electrode(
    table: ElectrodeTable, material: materials.Metal | materials.Substrate, metal: materials.Metal
) -> Electrode:
    law, keywords = CHARGE_TRANSFER[table.kinetics.law]
    film = table.interphase
    growth, growth_keywords = GROWTH[film.growth] if film.growth != "none" else (None, ())
    thickness = metal_thickness(table, material)
    bare = isinstance(material, materials.Substrate) and isinstance(thickness, float) and thickness == 0.0
    return Electrode(
        exchange_current_density=table.kinetics.exchange_current_density,  # type: ignore[arg-type]
        double_layer_capacitance=table.kinetics.double_layer_capacitance,  # type: ignore[arg-type]
        kinetics={name: getattr(table.kinetics, name) for name in keywords},
        film_thickness=film.initial_thickness,  # type: ignore[arg-type]
        film_conductivity=film.conductivity,  # type: ignore[arg-type]
        film_relative_permittivity=film.relative_permittivity,  # type: ignore[arg-type]
        film_molar_volume=film.film_molar_volume,  # type: ignore[arg-type]
        metal_per_formula=film.metal_per_formula,  # type: ignore[arg-type]
        growth_parameters={name: getattr(film, name) for name in growth_keywords},
        isolated_fraction=table.dead_metal.isolated_fraction,  # type: ignore[arg-type]
        inventory=thickness * metal.charge_number * FARADAY / metal.molar_volume,  # type: ignore[arg-type]
        initial_overpotential=-table.initial_potential if bare else 0.0,  # type: ignore[arg-type]
        vanishing_charge=VANISHING_CHARGE,  # type: ignore[arg-type]
        charge_transfer=law,
        growth=growth,
        charge_number=metal.charge_number,
    )


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
