"""From the [interphase] table of a case to a film: its phases, what its growth laws make of what, its layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from mossy import materials
from mossy.backend import jnp
from mossy.cells.film import INNER, OUTER, Channel, Constituent, Film, Reaction
from mossy.cells.interphase_tables import (
    GROWTH,
    NAMES_IN_LAW,
    GrowthTable,
    InterphaseTable,
    OuterLayerTable,
    PhaseTable,
    keywords_of,
)
from mossy.cells.outer_layer import OuterLayer
from mossy.errors import InputError, suggest
from mossy.laws import interphase, mixing
from mossy.laws.constants import FARADAY

UNSTATED = "film"
"""The phase whose composition nobody stated."""
LAYERS = {"inner": INNER, "outer": OUTER}


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a film needs to know of the cell: its metal, the electrolyte's additives (mol/m2), salt and conductivity."""

    metal: materials.Metal
    additives: list[str]
    concentrations: list[Any]
    """mol/m3 of each additive"""
    volume_per_area: Any
    """m, None where the case gives no volume"""
    salt: str
    pore_conductivity: Any
    holds: tuple[str, ...] | None
    """The molecules of a known electrolyte, its salt first; None where nobody said what it is made of"""

    def additive(self, name: str | None, key: str) -> int | None:
        """The index of an additive; refuses one the electrolyte does not hold."""
        if name is None:
            return None
        if name not in self.additives:
            hint = f"add [electrolyte.additives.{name}] with its concentration"
            remedy = suggest(name, self.additives) if self.additives else hint
            raise InputError(f"the electrolyte holds no additive called '{name}'", key=key, remedy=remedy)
        return self.additives.index(name)


class Parts:
    """The constituents of a film as they are found: each phase in a layer once, with its volume and its start."""

    def __init__(self, table: InterphaseTable, around: Surroundings) -> None:
        self.table, self.around = table, around
        self.constituents: list[Constituent] = []
        self.molar_volume: list[Any] = []
        self.initial: list[Any] = []

    def place(self, constituent: Constituent, molar_volume: Any) -> int:
        """The index of a constituent, new or old."""
        if constituent not in self.constituents:
            self.constituents.append(constituent)
            self.molar_volume.append(molar_volume)
            self.initial.append(0.0)
        return self.constituents.index(constituent)

    def phase(self, name: str, layer: int) -> int:
        """A phase of the library, or one that the case describes."""
        given = self.table.phases.get(name, PhaseTable())
        formula, volume = given.formula, given.molar_volume
        if formula is not None:
            self._refuse_another(name, formula)
        if formula is None or volume is None:
            try:
                found = materials.phase(name)
            except InputError as error:
                remedy = f"{error.remedy}, or describe it: [interphase.phases.{name}] with formula and molar_volume"
                raise InputError(error.problem, key="phases", remedy=remedy) from None
            if found.metal != self.around.metal.name and formula is None:
                remedy = f"the phases of {self.around.metal.name}: {', '.join(map(_name, self._known()))}"
                raise InputError(f"{found.name} is a phase of {found.metal}", key="phases", remedy=remedy)
            formula, volume = formula or found.formula, found.molar_volume if volume is None else volume
        return self.place(Constituent(name, formula, layer), volume)

    def _refuse_another(self, name: str, formula: str) -> None:
        """A phase of the library keeps its formula."""
        try:
            found = materials.phase(name)
        except InputError:
            return
        if materials.composition(found.formula) != materials.composition(formula):
            remedy = "leave the formula out, or give the phase another name"
            raise InputError(f"{name} is {found.formula}, not {formula}", key=f"phases.{name}.formula", remedy=remedy)

    def _known(self) -> list[materials.Phase]:
        return materials.phases_of(self.around.metal.name)

    def unstated(self, name: str, layer: int, molar_volume: Any) -> int:
        """A film of unknown composition."""
        return self.place(Constituent(name, "", layer), molar_volume)


def _name(phase: materials.Phase) -> str:
    return phase.name


def build_film(table: InterphaseTable, around: Surroundings) -> Film:
    """The film of an [interphase] table; the messages name keys below it."""
    parts = Parts(table, around)
    _begin(parts)
    if table.artificial and not any(_above_zero(each) for each in parts.initial):
        problem = "an artificial film of no thickness does nothing"
        raise InputError(problem, key="initial_thickness", remedy="give it one, or a phase with one")
    channels = []
    for index, each in enumerate(table.channels()):
        try:
            channels.append(_channel(each, parts))
        except InputError as error:
            raise error.at(f"growth[{index}]") from None
    if all(each.layer == OUTER for each in parts.constituents):
        parts.unstated(UNSTATED, INNER, table.film_molar_volume)
    count = len(parts.constituents)
    _order(parts)
    loss, names = table.dissolution, [each.phase for each in parts.constituents]
    own = [table.phases.get(name, PhaseTable()) for name in names]
    velocities = [loss.velocity if each.dissolution_velocity is None else each.dissolution_velocity for each in own]
    conductivities = [table.conductivity if each.conductivity is None else each.conductivity for each in own]
    halide = around.additive(loss.halide, "dissolution.halide")
    concentration = loss.halide_concentration if halide is None else around.concentrations[halide]
    if loss.solubility is not None and around.volume_per_area is None:
        remedy = 'as in volume = "40 uL"'
        raise InputError(
            "a solubility needs the volume of the electrolyte", key="dissolution.solubility", remedy=remedy
        )
    saturates = loss.solubility is not None
    given = loss.model_fields_set & {"velocity", "corrosion_rate_constant"}
    return Film(
        initial=jnp.stack([jnp.asarray(each, dtype=float) for each in parts.initial]),
        molar_volume=jnp.stack([jnp.asarray(each, dtype=float) for each in parts.molar_volume]),
        conductivities=jnp.stack([jnp.asarray(each, dtype=float) for each in conductivities]),
        dissolution_velocity=jnp.stack([jnp.asarray(each, dtype=float) for each in velocities]),
        corrosion_rate=loss.corrosion_rate_constant * concentration,
        solubility=loss.solubility * around.volume_per_area if saturates else 1.0,
        relative_permittivity=table.relative_permittivity,
        fracture_length=table.fracture.length if table.fracture else 1.0,
        channels=tuple(_padded(channel, yields, count) for channel, yields in channels),
        outer=_outer(table, around),
        constituents=tuple(parts.constituents),
        mixing=mixing.RULES[table.mixing] if table.mixing else None,
        halide=halide,
        dissolves=bool(given) or any(each.dissolution_velocity is not None for each in own),
        saturates=saturates,
        cracks=table.fracture is not None,
        artificial=table.artificial,
    )


def _above_zero(value: Any) -> bool:
    """Whether a number is; what JAX puts in a number's place may be."""
    return not isinstance(value, float | int) or value > 0.0


def _begin(parts: Parts) -> None:
    """The film there is before the cell: of unknown phases, of phases with a thickness, of a dose of gas."""
    table = parts.table
    stated = table.native is not None or any(
        "initial_thickness" in each.model_fields_set for each in table.phases.values()
    )
    if not stated or "initial_thickness" in table.model_fields_set:
        place = parts.unstated(UNSTATED, INNER, table.film_molar_volume)
        parts.initial[place] = parts.initial[place] + table.initial_thickness
    for name, each in table.phases.items():
        layer = LAYERS[each.layer]
        if "initial_thickness" in each.model_fields_set:
            _need_outer(layer, table, f"phases.{name}.layer")
            place = parts.phase(name, layer)
            parts.initial[place] = parts.initial[place] + each.initial_thickness
    if table.native is not None:
        _native(parts)


def _native(parts: Parts) -> None:
    """Phases that cannot cover go into the porous layer where there is one."""
    table, native = parts.table, parts.table.native
    assert native is not None
    try:
        made = materials.reduction(native.reduction, parts.around.metal.name)
    except InputError as error:
        raise error.at("native.reduction") from None
    gas = next(iter(made.reactants.values()))
    for name, amount in made.products.items():
        found = materials.phase(name)
        place = parts.phase(name, OUTER if table.layers.outer is not None and not found.covers else INNER)
        volume = native.dose * amount / gas * parts.molar_volume[place]
        parts.initial[place] = parts.initial[place] + volume


def _order(parts: Parts) -> None:
    """Refuses phases that the case describes and nothing makes."""
    named = {each.phase for each in parts.constituents}
    for name in parts.table.phases:
        if name not in named:
            remedy = "give it an initial_thickness, or a growth law that makes it"
            raise InputError(f"nothing makes {name}", key=f"phases.{name}", remedy=remedy)


def _need_outer(layer: int, table: InterphaseTable, key: str) -> None:
    if layer == OUTER and table.layers.outer is None:
        remedy = "add [interphase.layers.outer]"
        raise InputError("the film has no outer layer", key=key, remedy=remedy)


def _channel(given: GrowthTable, parts: Parts) -> tuple[Channel, dict[int, Any]]:
    table, around = parts.table, parts.around
    law: Callable[..., Any] = GROWTH[given.law]
    wanted = [name for name in keywords_of(law) if name not in ("temperature", "film_current_density")]
    parameters: dict[str, Any] = {}
    for name in wanted:
        key = NAMES_IN_LAW.get(name, name)
        parameters[name] = around.metal.charge_number if key == "charge_number" else given.parameter(key, table)
    layer = LAYERS[given.layer]
    _need_outer(layer, table, "layer")
    reaction = _reaction(given, parts)
    own = _own_concentration(given, table, around, reaction)
    if own is not None:
        parameters["solvent_concentration"] = own
    yields = _yields(given, parts, reaction, layer)
    consumes, consumption = _consumption(given, around, reaction)
    salt = 0.0
    if reaction is not None:
        salt = sum(amount for name, _, amount in reaction.reactants if name == around.salt) / reaction.electrons
    channel = Channel(
        parameters=parameters,
        yields=jnp.zeros(0),
        consumption=consumption,
        salt_consumption=salt / FARADAY,
        order=given.order,
        per_molecule=_electrons_per_molecule(given, reaction),
        law=law,
        name=given.law,
        outside=interphase.REACTS_AT[given.law] == interphase.FILM_ELECTROLYTE,
        driven_outside=interphase.POTENTIAL_AT[given.law] == interphase.FILM_ELECTROLYTE,
        sees_current="film_current_density" in keywords_of(law),
        consumes=consumes,
        inhibited_by=around.additive(given.inhibited_by, "inhibited_by"),
        uses_salt=salt > 0.0,
        reaction=reaction,
    )
    return channel, yields


def _reaction(given: GrowthTable, parts: Parts) -> Reaction | None:
    metal = parts.around.metal
    if given.reduction is not None:
        try:
            made = materials.reduction(given.reduction, metal.name)
        except InputError as error:
            raise error.at("reduction") from None
    elif given.reactants is not None and given.products is not None:
        described = parts.table.phases
        formulas = {name: each.formula for name, each in described.items() if each.formula is not None}
        for name in given.products:
            parts.phase(name, LAYERS[given.layer])  # refuses one that neither the library nor the case knows
        made = materials.balanced(
            given.law, metal.name, given.reactants, given.products, given.released or {}, formulas=formulas
        )
    else:
        return None
    for name in made.reactants:
        _supplied(name, parts.around, "reduction" if given.reduction is not None else "reactants")
    reactants = tuple((name, materials.molecule(name).formula, amount) for name, amount in made.reactants.items())
    products, released = tuple(made.products.items()), tuple(made.released.items())
    atoms = made.electrons / metal.charge_number
    return Reaction(reactants, products, released, metal.symbol, atoms, made.electrons)


def _supplied(name: str, around: Surroundings, key: str) -> None:
    """Refuses what neither the electrolyte nor its additives hold."""
    if around.holds is None or name in around.additives or name in around.holds:
        return
    remedy = f"add [electrolyte.additives.{name}] with its concentration"
    raise InputError(
        f"nothing supplies {name}; the electrolyte holds {', '.join(around.holds)}", key=key, remedy=remedy
    )


def _yields(given: GrowthTable, parts: Parts, reaction: Reaction | None, layer: int) -> dict[int, Any]:
    """m3/C of each constituent."""
    table, metal = parts.table, parts.around.metal
    if reaction is not None:
        places = {parts.phase(name, layer): amount for name, amount in reaction.products}
        turns = reaction.electrons * FARADAY
        return {place: amount * parts.molar_volume[place] / turns for place, amount in places.items()}
    volume = given.parameter("film_molar_volume", table)
    own = given.film_molar_volume is not None
    place = parts.unstated(f"{given.law} {UNSTATED}" if own else UNSTATED, layer, volume)
    per_formula = given.parameter("metal_per_formula", table) * metal.charge_number
    return {place: volume / (per_formula * FARADAY)}


def _own_concentration(
    given: GrowthTable, table: InterphaseTable, around: Surroundings, reaction: Reaction | None
) -> Any:
    """Of the additive that a diffusion law consumes, mol/m3, where the case does not say what is outside the film."""
    told = given.solvent_concentration is not None or "solvent_concentration" in table.model_fields_set
    if told or given.law not in interphase.DIFFUSES_MOLECULES:
        return None
    names = [given.consumes] if given.consumes is not None else []
    names += [name for name, _, _ in reaction.reactants] if reaction is not None else []
    at = next((around.additives.index(name) for name in names if name in around.additives), None)
    return None if at is None else around.concentrations[at]


def _electrons_per_molecule(given: GrowthTable, reaction: Reaction | None) -> float:
    """What the flux of molecules is multiplied by where a law diffuses them: it counts one electron for each."""
    if reaction is None or given.law not in interphase.DIFFUSES_MOLECULES:
        return 1.0
    return float(reaction.electrons / sum(amount for _, _, amount in reaction.reactants))


def _consumption(given: GrowthTable, around: Surroundings, reaction: Reaction | None) -> tuple[int | None, Any]:
    """The additive that limits the law, and mol/C of every additive."""
    used = [0.0] * len(around.additives)
    consumes = around.additive(given.consumes, "consumes")
    if reaction is not None:
        for name, _, amount in reaction.reactants:
            if name in around.additives:
                place = around.additives.index(name)
                used[place] = amount / reaction.electrons
                consumes = place if consumes is None else consumes
    by_reaction = consumes is not None and reaction is not None and used[consumes] > 0.0
    if by_reaction and given.consumed_per_electron is not None:
        problem = "the reaction says how much of it an electron uses up"
        raise InputError(problem, key="consumed_per_electron", remedy="leave it out")
    if consumes is None and given.model_fields_set & {"consumed_per_electron", "order"}:
        key = "consumed_per_electron" if "consumed_per_electron" in given.model_fields_set else "order"
        raise InputError("the law consumes no additive", key=key, remedy="add consumes = ..., or leave it out")
    if consumes is not None and given.inhibited_by == around.additives[consumes]:
        problem = f"a law that {given.inhibited_by} holds back cannot consume it"
        raise InputError(problem, key="inhibited_by", remedy="name another additive, or leave it out")
    if consumes is not None and given.consumed_per_electron is not None:
        used[consumes] = given.consumed_per_electron
    elif consumes is not None and used[consumes] == 0.0:
        used[consumes] = 1.0
    stacked = [jnp.asarray(each, dtype=float) / FARADAY for each in used]
    return consumes, jnp.stack(stacked) if stacked else jnp.zeros(0)


def _padded(channel: Channel, yields: dict[int, Any], count: int) -> Channel:
    """With one yield a constituent, zero where it makes none."""
    full = jnp.stack([jnp.asarray(yields.get(place, 0.0), dtype=float) for place in range(count)])
    return dataclasses.replace(channel, yields=full)


def _outer(table: InterphaseTable, around: Surroundings) -> OuterLayer | None:
    given: OuterLayerTable | None = table.layers.outer
    if given is None:
        return None
    pore, solid = given.pore_conductivity, given.conductivity
    return OuterLayer(
        porosity=given.porosity,
        filling=given.filling,
        pore_radius=given.pore_radius,
        wall_resistance=given.wall_resistance,
        wall_capacitance=given.wall_capacitance,
        pore_conductivity=around.pore_conductivity if pore is None else pore,
        solid_conductivity=table.conductivity if solid is None else solid,
        bruggeman=given.bruggeman,
        intervals=given.intervals,
    )
