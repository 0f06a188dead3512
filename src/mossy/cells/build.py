"""From the tables of a case to a cell. Every number may be what JAX differentiates: nothing here decides on a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from mossy import materials
from mossy.backend import jax, jnp
from mossy.cells.base import Cell
from mossy.cells.build_film import Surroundings, build_film
from mossy.cells.electrode import Electrode
from mossy.cells.electrode_tables import ElectrodeTable, GalvanicTable
from mossy.cells.electrolyte import Electrolyte, Property, Separator
from mossy.cells.film import Film
from mossy.cells.interphase_tables import InterphaseTable, keywords_of
from mossy.cells.planar import Planar
from mossy.cells.point import Point
from mossy.cells.surface import Adlayer, Nucleation, Roughening
from mossy.cells.tables import PROPERTY_UNITS, AdditiveTable, CellTable, ElectrolyteTable, PropertyTable
from mossy.errors import InputError
from mossy.laws import charge_transfer, inventory, morphology, transport
from mossy.laws.constants import FARADAY

MODELS: dict[str, type[Cell]] = {"planar": Planar, "point": Point}
VANISHING_CHARGE = 1e-3
"""C/m2: Q* in a_M = Q/(Q + Q*), far below a monolayer (some 2 C/m2), so that a foil's activity is 1 to nine digits."""
FOIL = 250e-6
"""m: the metal on an electrode that is a metal, where the case says nothing."""
CHARGE_TRANSFER: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "butler_volmer": (charge_transfer.butler_volmer, ("symmetry",)),
    "marcus_hush_chidsey": (charge_transfer.marcus_hush_chidsey, ("reorganisation_energy",)),
    "two_step": (charge_transfer.two_step, ("symmetry", "second_step_ratio")),
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
    salt = _electrolyte(electrolyte, what)
    around = surroundings(cell, electrolyte, what, salt)
    sides = {}
    for side, table, material in (("working", working, what.working), ("counter", counter, what.counter)):
        try:
            sides[side] = _electrode(table, material, around)
        except InputError as error:
            raise error.at(side) from None
    built = MODELS[cell.model](
        **sides,
        electrolyte=salt,
        separator=separator,
        temperature=cell.temperature,
        contact_resistance=cell.contact_resistance,
        additives=jnp.asarray(additive_amounts(electrolyte, cell.area), dtype=float),
        additive_volumes=jnp.asarray([_liquid_volume(*each) for each in electrolyte.additives.items()], dtype=float),
        electrolyte_height=1.0 if around.volume_per_area is None else around.volume_per_area,
        dries=around.volume_per_area is not None and bool(electrolyte.additives),
        additive_names=tuple(electrolyte.additives),
        nodes=nodes if cell.model == "planar" else 0,  # and so no two models share a compilation
    )
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), built)


def metal_thickness(table: ElectrodeTable, material: materials.Metal | materials.Substrate) -> float:
    """The metal on an electrode at the start, m."""
    if table.metal_thickness is not None:
        return table.metal_thickness
    return FOIL if isinstance(material, materials.Metal) else 0.0


def surroundings(cell: CellTable, electrolyte: ElectrolyteTable, what: Chemistry, salt: Electrolyte) -> Surroundings:
    """What the films of a cell need to know of it."""
    volume, pores = electrolyte.volume, cell.pore_volume
    numbers = all(isinstance(each, float | int) for each in (volume, pores))  # not what JAX puts in their place
    if volume is not None and numbers and volume < pores * (1.0 - 1e-9):
        problem = f"{volume * 1e9:.4g} uL do not fill the separator's pores, which hold {pores * 1e9:.4g} uL"
        raise InputError(problem, key="electrolyte.volume", remedy="give more, or a thinner separator")
    return Surroundings(
        metal=what.metal,
        additives=list(electrolyte.additives),
        concentrations=[each.concentration for each in electrolyte.additives.values()],
        volume_per_area=None if electrolyte.volume is None else electrolyte.volume / cell.area,
        salt=what.electrolyte.salt if what.electrolyte is not None else electrolyte.salt or "",
        pore_conductivity=salt.conductivity(salt.concentration, cell.temperature),
        holds=what.electrolyte.molecules if what.electrolyte is not None else None,
    )


def _liquid_volume(name: str, table: AdditiveTable) -> Any:
    """m3/mol of an additive: its own, the library's, or nothing known, 0."""
    if table.molar_volume is not None:
        return table.molar_volume
    try:
        return materials.molecule(name).molar_volume or 0.0
    except InputError:
        return 0.0


def _electrode(
    table: ElectrodeTable, material: materials.Metal | materials.Substrate, around: Surroundings
) -> Electrode:
    law, keywords = CHARGE_TRANSFER[table.kinetics.law]
    metal, dead = around.metal, table.dead_metal
    if table.kinetics.law == "two_step" and metal.charge_number != 2:
        remedy = 'use "butler_volmer"'
        problem = f"two steps need an ion of two charges, and {metal.name}'s has {metal.charge_number}"
        raise InputError(problem, key="kinetics.law", remedy=remedy)
    thickness = metal_thickness(table, material)
    if table.nucleation is not None and table.metal_thickness:
        problem = "nuclei form on bare substrate, and this electrode carries metal"
        raise InputError(problem, key="metal_thickness", remedy="leave it out, or leave [nucleation] out")
    bare = isinstance(material, materials.Substrate) and isinstance(thickness, float) and thickness == 0.0
    galvanic = table.galvanic
    return Electrode(
        exchange_current_density=table.kinetics.exchange_current_density,
        double_layer_capacitance=table.kinetics.double_layer_capacitance,
        kinetics={name: getattr(table.kinetics, name) for name in keywords},
        film=_film_of(table.interphase, around, "interphase"),
        isolated_fraction=dead.isolated_fraction,
        isolated_fraction_without_additive=dead.isolated_fraction_without_additive,
        isolation={name: getattr(dead, name) for name in keywords_of(inventory.isolation_factor)},
        reconnection_rate=dead.reconnection_rate,
        pinch_off_rate=(
            0.0 if dead.root_radius is None else morphology.pinch_off_rate(dead.root_radius, dead.surface_mobility)
        ),
        dead_porosity=dead.porosity,
        dead_factor=dead.porosity**dead.bruggeman,
        inventory=thickness * metal.charge_number * FARADAY / metal.molar_volume,
        metal_molar_volume=metal.molar_volume,
        initial_overpotential=-table.initial_potential if bare else 0.0,
        vanishing_charge=VANISHING_CHARGE,
        roughening=_roughening(table),
        nucleation=_nucleation(table, material, metal),
        adlayer=_adlayer(table, around),
        beside=None if galvanic is None else _beside(galvanic, around),
        beside_area=0.0 if galvanic is None else galvanic.area,
        charge_transfer=law,
        charge_number=metal.charge_number,
        additive=around.additive(dead.additive, "dead_metal.additive"),
        buries=dead.buries,
    )


def _film_of(table: InterphaseTable, around: Surroundings, key: str) -> Film:
    try:
        return build_film(table, around)
    except InputError as error:
        raise error.at(key) from None


def _beside(galvanic: GalvanicTable, around: Surroundings) -> Film:
    """The film on bare substrate, its first volume per geometric area."""
    film = _film_of(galvanic.interphase, around, "galvanic.interphase")
    return dataclasses.replace(film, initial=film.initial * galvanic.area)


def _roughening(table: ElectrodeTable) -> Roughening | None:
    given = table.roughness
    if given is None:
        return None
    lengths = {"roughening_length": given.roughening_length, "smoothing_length": given.smoothing_length}
    return Roughening(lengths | {"largest_roughness": given.largest})


def _nucleation(
    table: ElectrodeTable, material: materials.Metal | materials.Substrate, metal: materials.Metal
) -> Nucleation | None:
    given = table.nucleation
    if given is None:
        return None
    if isinstance(material, materials.Metal):
        problem = f"metal on {material.name} needs no nuclei"
        raise InputError(problem, key="nucleation", remedy="leave it out, or plate on a substrate such as copper")
    energy = given.surface_energy
    return Nucleation(
        **{
            name: getattr(given, name)
            for name in (
                "rate_constant",
                "site_density",
                "reference_overpotential",
                "site_exponent",
                "seed_radius",
                "wetting_factor",
            )
        },
        surface_energy=metal.mechanics["surface_energy"] if energy is None else energy,
        metal_molar_volume=metal.molar_volume,
        charge_number=metal.charge_number,
    )


def _adlayer(table: ElectrodeTable, around: Surroundings) -> Adlayer | None:
    given = table.adlayer
    if given is None:
        return None
    return Adlayer(
        parameters={
            name: getattr(given, name) for name in ("adsorption_rate", "desorption_rate", "desorption_symmetry")
        },
        covered_activity=given.covered_activity,
        initial_coverage=given.initial_coverage,
        additive=around.additive(given.additive, "adlayer.additive"),
    )


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
        concentration=concentration,
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
