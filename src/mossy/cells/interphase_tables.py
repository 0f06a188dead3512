"""The [working.interphase] and [counter.interphase] tables of a case file: growth, phases, layers, loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StrictBool, Tag, field_validator, model_validator

from mossy.errors import InputError, suggest
from mossy.laws import interphase
from mossy.laws.mixing import RULES as MIXING_RULES
from mossy.tables import Table, default, subtable
from mossy.units import Quantity

Positive = Annotated[float, Quantity("1", minimum=0.0, exclusive=True)]
GROWTH: dict[str, Callable[..., Any]] = {name: getattr(interphase, name) for name in interphase.REACTS_AT}


NAMES_IN_LAW = {"ion_conductivity": "conductivity"}
"""What some laws call another name than a case file does."""


def keywords_of(law: Callable[..., Any]) -> list[str]:
    """The names of a law's keyword arguments."""
    kinds = inspect.signature(law).parameters.values()
    return [each.name for each in kinds if each.kind is inspect.Parameter.KEYWORD_ONLY]


class LawParameters(Table):
    """Parameters of the growth laws of `mossy.laws.interphase`: for all laws in [interphase], or for one law."""

    solvent_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] | None = default(
        None, "of solvent in the film (solvent_diffusion, reaction_diffusion)", validate_default=False
    )
    solvent_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] | None = default(
        None, "of solvent outside the film (solvent_diffusion, reaction_diffusion)", validate_default=False
    )
    reaction_rate_constant: Annotated[float, Quantity("m/s", minimum=0.0)] | None = default(
        None, "at the potential of the reduction (reaction_diffusion)", validate_default=False
    )
    side_exchange_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0)] | None = default(
        None, "of the side reaction (reaction_limited, electron_tunnelling, crossover)", validate_default=False
    )
    side_symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] | None = default(
        None, "of the side reaction", validate_default=False
    )
    electron_conductivity: Annotated[float, Quantity("S/m", minimum=0.0)] | None = default(
        None, "of the film (electron_migration)", validate_default=False
    )
    interstitial_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] | None = default(
        None, "of neutral metal in the film (interstitial_diffusion, crossover)", validate_default=False
    )
    interstitial_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] | None = default(
        None, "of neutral metal in the film at the metal (interstitial_diffusion, crossover)", validate_default=False
    )
    inverse_tunnelling_length: Annotated[float, Quantity("1/m", minimum=0.0)] | None = default(
        None, "beta (electron_tunnelling)", validate_default=False
    )
    tunnelling_length: Annotated[float, Quantity("m", minimum=0.0)] | None = default(
        None, "that electrons pass freely (crossover)", validate_default=False
    )
    film_molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0, maximum=0.1, exclusive=True)] | None = default(
        None, "of a film without a reaction", validate_default=False
    )
    metal_per_formula: Positive | None = default(
        None, "metal atoms in a formula unit of such a film", validate_default=False
    )
    reduction_potential: Annotated[float, Quantity("V", minimum=-10.0, maximum=10.0)] | None = default(
        None, "below which the side reaction runs, against the metal", validate_default=False
    )


class GrowthTable(LawParameters):
    """One growth law of a film. What is not given here is taken from the interphase.

    `{ law = "solvent_diffusion", solvent_diffusivity = "1e-22 m^2/s", consumes = "FEC" }`
    """

    law: Literal[tuple(interphase.REACTS_AT)]  # type: ignore[valid-type]
    reduction: str | None = default(None, "a reaction of the library: `mossy materials lithium` lists them")
    reactants: dict[str, Positive] | None = default(None, "or your own, balanced but for the metal: { EC = 2 }")
    products: dict[str, Positive] | None = default(None, "phases: { LEDC = 1 }")
    released: dict[str, Positive] | None = default(None, "gases and dissolved products, by formula: { C2H4 = 1 }")
    layer: Literal["inner", "outer"] = default("inner", "where the film goes: outer needs layers.outer")
    consumes: str | None = default(
        None, "an additive of the electrolyte that limits this law; the reaction's first reactant that is one"
    )
    consumed_per_electron: Annotated[float, Quantity("1", minimum=0.0)] | None = default(
        None, "mol of it per mol of electrons; the reaction's, else 1", validate_default=False
    )
    order: Annotated[float, Quantity("1", minimum=0.0, maximum=4.0)] = default(
        1, "in the additive's concentration; 0: it does not matter until the additive is gone"
    )
    inhibited_by: str | None = default(None, "an additive that keeps this law from running while it lasts")

    @model_validator(mode="after")
    def _all_used(self) -> GrowthTable:
        """Refuses a parameter that this law does not take, and a volume where the reaction gives it."""
        taken = {NAMES_IN_LAW.get(name, name) for name in keywords_of(GROWTH[self.law])}
        own = {"film_molar_volume", "metal_per_formula"}
        for key in self.model_fields_set & set(LawParameters.model_fields):
            if key in own and self.reacts:
                raise InputError("the reaction's phases have their own volumes", key=key, remedy="leave it out")
            if key not in own | taken:
                known = ", ".join(sorted(taken & set(LawParameters.model_fields)))
                raise InputError(f"the growth law '{self.law}' does not use it", key=key, remedy=f"it takes {known}")
        return self

    @model_validator(mode="after")
    def _one_reaction(self) -> GrowthTable:
        own = self.reactants is not None or self.products is not None or self.released is not None
        if self.reduction is not None and own:
            remedy = "keep one of the two"
            raise InputError("both a reduction of the library and a reaction are given", key="reduction", remedy=remedy)
        if own and (not self.reactants or not self.products):
            missing = "products" if self.reactants else "reactants"
            remedy = "as in reactants = { EC = 2 }, products = { LEDC = 1 }, released = { C2H4 = 1 }"
            raise InputError(f"a reaction needs {missing}", key=missing, remedy=remedy)
        return self

    @property
    def reacts(self) -> bool:
        """Whether it is known what the law makes."""
        return self.reduction is not None or self.reactants is not None

    def parameter(self, key: str, film: InterphaseTable) -> Any:
        """A parameter of the law: its own or the interphase's."""
        own = getattr(self, key, None)
        value = own if own is not None else getattr(film, key)
        if value is None:
            problem = f"the growth law '{self.law}' needs {key}, which has no default"
            raise InputError(problem, key=key, remedy="add it to [interphase], or to the law's own table")
        return value


class DissolutionTable(Table):
    """How the film dissolves: evenly, k_d, as long as there is film; and by halide ions, k c_X L."""

    velocity: Annotated[float, Quantity("m/s", minimum=0.0)] = default("0 m/s", "thickness lost per time")
    solubility: Annotated[float, Quantity("mol/m^3", minimum=0.0, exclusive=True)] | None = default(
        None, "given: the electrolyte's volume saturates with the dissolved film", validate_default=False
    )
    corrosion_rate_constant: Annotated[float, Quantity("m^3/mol/s", minimum=0.0)] = default(
        "0 m^3/mol/s", "k of the halide"
    )
    halide_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] = default("0 mol/L", "c_X, constant")
    halide: str | None = default(None, "an additive whose concentration is c_X instead")

    @model_validator(mode="after")
    def _both_or_neither(self) -> DissolutionTable:
        given = self.model_fields_set
        if {"halide", "halide_concentration"} <= given:
            problem = "the halide's concentration is the additive's"
            raise InputError(problem, key="halide_concentration", remedy="leave it out")
        halide = bool(given & {"halide", "halide_concentration"})
        if halide != ("corrosion_rate_constant" in given):
            missing = "corrosion_rate_constant" if halide else "halide or halide_concentration"
            raise InputError(f"corrosion needs {missing} too", remedy="add it, or leave the other out")
        return self


class FractureTable(Table):
    """How the volume change of the metal tears the film and shows fresh metal in proportion to the stroke."""

    length: Annotated[float, Quantity("m", minimum=1e-9)] = default("100 um", "movement that would tear it all over")


class PhaseTable(Table):
    """A phase of the film. The library knows the volume and formula of the ones that `mossy materials` lists."""

    initial_thickness: Annotated[float, Quantity("m", minimum=0.0, maximum=1e-3)] = default(
        "0 nm", "of its solid at the start"
    )
    layer: Literal["inner", "outer"] = default("inner", "where that initial solid is")
    formula: str | None = default(None, "of a phase the library does not know")
    molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0, exclusive=True)] | None = default(
        None, "of a formula unit; the library's", validate_default=False
    )
    conductivity: Annotated[float, Quantity("S/m", minimum=0.0, exclusive=True)] | None = default(
        None, "of its ions; the film's", validate_default=False
    )
    dissolution_velocity: Annotated[float, Quantity("m/s", minimum=0.0)] | None = default(
        None, "of a film of this phase alone; the film's", validate_default=False
    )


class OuterLayerTable(Table):
    """A porous layer outside the dense one, with electrolyte in its pores; laws with layer = "outer" feed it."""

    porosity: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(0.3, "of what is freshly added")
    filling: Annotated[float, Quantity("1", minimum=0.0, maximum=0.99)] = default(
        0.0, "share of the new solid that fills pores instead"
    )
    pore_radius: Annotated[float, Quantity("m", minimum=1e-10)] = default("5 nm")
    wall_resistance: Annotated[float, Quantity("ohm*m^2", minimum=0.0, exclusive=True)] = default(
        "1 ohm cm^2", "of ions that change between pore and solid, per area of wall"
    )
    wall_capacitance: Annotated[float, Quantity("F/m^2", minimum=0.0)] = default("1 uF/cm^2", "per area of wall")
    pore_conductivity: Annotated[float, Quantity("S/m", minimum=0.0, exclusive=True)] | None = default(
        None, "of the electrolyte in the pores; the cell's at its initial concentration", validate_default=False
    )
    conductivity: Annotated[float, Quantity("S/m", minimum=0.0, exclusive=True)] | None = default(
        None, "of the solid; the film's", validate_default=False
    )
    bruggeman: Annotated[float, Quantity("1", minimum=0.0, maximum=10.0)] = default(1.5)
    intervals: int = Field(default=12, ge=2, le=200, description="of the line along a pore")


class LayersTable(Table):
    """The layers of a film: a dense inner one, always; a porous outer one where its table is given."""

    outer: OuterLayerTable | None = default(None, "given: the film has a porous outer layer", validate_default=False)


class NativeFilmTable(Table):
    """The film from a dose of gas before the cell was made: `{ reduction = "O2 to oxide", dose = "0.1 nmol/cm^2" }`."""

    reduction: str
    dose: Annotated[float, Quantity("mol/m^2", minimum=0.0, maximum=10.0, exclusive=True)]


def _kind(value: Any) -> str:
    return "str" if isinstance(value, str) else "GrowthTable"


def _listed(value: Any) -> Any:
    """One table stands for a list of one; a name for itself."""
    return value if isinstance(value, str | list) else [value]


def _kind_of_all(value: Any) -> str:
    return "str" if isinstance(value, str) else "list"


Law = Annotated[Annotated[str, Tag("str")] | Annotated[GrowthTable, Tag("GrowthTable")], Discriminator(_kind)]
Laws = Annotated[
    Annotated[str, Tag("str")] | Annotated[list[Law], Tag("list")],
    Discriminator(_kind_of_all),
    BeforeValidator(_listed),
]


class InterphaseTable(LawParameters):
    """The film between metal and electrolyte, in series with the charge transfer.

    `growth` is "none", a law of `mossy.laws.interphase`, or a list of names and tables that run in parallel.
    """

    growth: Laws = default("none")
    initial_thickness: Annotated[float, Quantity("m", minimum=0.0, maximum=1e-3)] = default(
        "5 nm", "of a film of unknown phases; 0 where phases or native give the first film and this is not given"
    )
    phases: dict[str, PhaseTable] = default({}, "by name: [working.interphase.phases.LiF]")
    native: NativeFilmTable | None = default(None, "the film of a dose of gas", validate_default=False)
    layers: LayersTable = subtable(LayersTable)
    mixing: Literal[tuple(MIXING_RULES)] | None = default(  # type: ignore[valid-type]
        None, "the rule of laws.mixing for the dense layer's phases; without one all conduct alike"
    )
    conductivity: Annotated[float, Quantity("S/m", minimum=0.0, exclusive=True)] = default("1e-6 S/m")
    relative_permittivity: Annotated[float, Quantity("1", minimum=0.0)] = default(10)
    solvent_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] = default("2.5e-22 m^2/s")
    solvent_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] = default("2636 mol/m^3")
    film_molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0, exclusive=True)] = default("9.585e-5 m^3/mol")
    metal_per_formula: Positive = default(2)
    reduction_potential: Annotated[float, Quantity("V", minimum=-10.0, maximum=10.0)] = default("0.4 V")
    side_symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(0.5)
    dissolution: DissolutionTable = subtable(DissolutionTable)
    fracture: FractureTable | None = default(None, "given: the film cracks", validate_default=False)
    artificial: StrictBool = default(False, "the film was made: it does not grow, and its cracks do not close")

    @field_validator("growth")
    @classmethod
    def _known_laws(cls, value: Any) -> Any:
        for each in value if isinstance(value, list) else [value]:
            if each == "none" and isinstance(value, list):
                raise InputError("'none' stands alone", remedy='write growth = "none", or leave it out of the list')
            if isinstance(each, str) and each not in GROWTH and each != "none":
                raise InputError(f"no growth law is called '{each}'", remedy=suggest(each, [*GROWTH, "none"]))
        return value

    @model_validator(mode="after")
    def _grows_somewhere(self) -> InterphaseTable:
        if self.artificial and self.growth not in ("none", []) and self.fracture is None:
            remedy = "add fracture, in whose cracks it grows, or leave growth out"
            raise InputError("an artificial film does not grow", key="growth", remedy=remedy)
        return self

    def channels(self) -> list[GrowthTable]:
        """The growth laws that run in parallel."""
        named = self.growth if isinstance(self.growth, list) else [] if self.growth == "none" else [self.growth]
        return [GrowthTable(law=each) if isinstance(each, str) else each for each in named]
