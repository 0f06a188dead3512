"""The tables of a cell design: what a person writes in the TOML file of `mossy cell-design`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, StrictBool, StrictInt, ValidationError, model_validator
from scipy import constants

from mossy import materials
from mossy.errors import InputError
from mossy.table_files import read_toml, readable
from mossy.tables import Table, default
from mossy.units import Quantity

FARADAY = constants.e * constants.N_A
"""Charge of a mole of electrons, C/mol."""

EXAMPLE_COMMAND = "mossy cell-design --example > design.toml"
Length = Annotated[float, Quantity("m", minimum=0.0, maximum=10.0)]
Extent = Annotated[float, Quantity("m", minimum=0.0, maximum=10.0, exclusive=True)]
Density = Annotated[float, Quantity("kg/m^3", minimum=0.0, maximum=3e4, exclusive=True)]
Mass = Annotated[float, Quantity("kg", minimum=0.0)]
ArealMass = Annotated[float, Quantity("kg/m^2", minimum=0.0, maximum=1e3)]
ArealCapacity = Annotated[float, Quantity("C/m^2", minimum=0.0, maximum=1e8, exclusive=True)]
Fraction = Annotated[float, Quantity("1", minimum=0.0, maximum=1.0)]
Share = Annotated[float, Quantity("1", minimum=0.0, maximum=0.95)]
Positive = Annotated[float, Quantity("1", minimum=0.0, maximum=1.0, exclusive=True)]
Ratio = Annotated[float, Quantity("1", minimum=0.0, maximum=1e4)]


def exactly_one(table: Table, *names: str) -> None:
    """Refuses a table that gives none or several of these keys."""
    given = [name for name in names if getattr(table, name) is not None]
    if len(given) == 1:
        return
    options = " or ".join(f"'{name}'" for name in names)
    if given:
        raise InputError(
            f"{' and '.join(given)} say the same thing twice", key=given[1], remedy=f"keep one of {options}"
        )
    raise InputError("it is missing", key=names[0], remedy=f"give {options}")


class FoilTable(Table):
    """A current collector; 0 um where there is none."""

    material: str = default("", "a name for the report")
    thickness: Length
    density: Density


class CathodeTable(Table):
    """The positive electrode. Capacity and loading are those of one side."""

    material: str = default("cathode", "a name for the report")
    specific_capacity: Annotated[float, Quantity("C/kg", minimum=0.0, maximum=1e8, exclusive=True)]
    mean_voltage: Annotated[float, Quantity("V", minimum=0.0, maximum=10.0, exclusive=True)]
    areal_capacity: ArealCapacity | None = Field(default=None, description="of one side; or give the loading")
    loading: ArealMass | None = Field(default=None, description="active mass of one side")
    active_fraction: Positive = default(0.95, "of the coating's mass")
    coating_density: Density
    porosity: Share = default(0.3, "of the coating; electrolyte fills it")
    usable_fraction: Positive = default(1.0, "what formation leaves of the areal capacity")
    brings_metal: StrictBool = default(True, "false where the metal comes from the negative electrode (sulfur, V2O5)")
    sides: Literal[1, 2] = default(2)
    collector: FoilTable

    @model_validator(mode="after")
    def _one_loading(self) -> CathodeTable:
        exactly_one(self, "areal_capacity", "loading")
        if self.loading == 0.0:
            raise InputError("a loading of 0 stores nothing", key="loading", remedy="give more")
        return self

    @property
    def capacity(self) -> float:
        """Of one side as made, C/m2."""
        if self.areal_capacity is not None:
            return self.areal_capacity
        assert self.loading is not None
        return self.loading * self.specific_capacity

    @property
    def coating_mass(self) -> float:
        """Of one side, kg/m2."""
        return self.capacity / self.specific_capacity / self.active_fraction

    @property
    def coating_thickness(self) -> float:
        """Of one side, m."""
        return self.coating_mass / self.coating_density


class HostTable(Table):
    """What holds the metal: a scaffold, or a graphite that takes all of it. One side, without the foil."""

    areal_mass: ArealMass
    thickness: Length
    porosity: Share = default(0.0, "of the host; electrolyte fills it")
    takes_plated_metal: StrictBool = default(False, "true where the plated metal adds no thickness")


class NegativeTable(Table):
    """The metal electrode: thickness or capacity_ratio (N/P) of the metal there at assembly, 0 for anode-free."""

    metal: str = default("lithium", "lithium, sodium, potassium, magnesium or calcium")
    thickness: Length | None = Field(default=None, description="of the metal on one side; 0 um for anode-free")
    capacity_ratio: Ratio | None = Field(default=None, description="metal at assembly over cathode capacity")
    plated_porosity: Share = default(0.0, "of the metal that charging plates; it swells the cell")
    outer_faces: StrictBool = default(False, "true where the outermost faces of the stack carry metal or host too")
    collector: FoilTable
    host: HostTable | None = None

    @model_validator(mode="after")
    def _known(self) -> NegativeTable:
        exactly_one(self, "thickness", "capacity_ratio")
        try:
            materials.metal(self.metal)
        except InputError as error:
            raise error.at("metal") from None
        return self

    @property
    def capacity_per_volume(self) -> float:
        """Of the dense metal, C/m3: z F/V_m."""
        return volumetric_capacity(self.metal)


class SeparatorTable(Table):
    """A separator filled with electrolyte, or a solid electrolyte (porosity 0)."""

    thickness: Extent
    porosity: Share = default(0.4, "0 for a solid electrolyte")
    density: Density = Field(description="of its solid part, pores not counted")

    @property
    def areal_mass(self) -> float:
        """Without electrolyte, kg/m2."""
        return self.thickness * (1.0 - self.porosity) * self.density


class ElectrolyteTable(Table):
    """The liquid: per capacity (E/C), per area of cathode face, or as a filling of the pores; 0 for none."""

    per_capacity: Annotated[float, Quantity("kg/C", minimum=0.0, maximum=1.0)] | None = Field(
        default=None, description="E/C, as in '3 g/Ah'"
    )
    volume_per_area: Annotated[float, Quantity("m", minimum=0.0, maximum=1.0)] | None = Field(
        default=None, description="for each face, as in '8 uL/cm^2'"
    )
    pore_filling: Ratio | None = Field(default=None, description="volume over that of all pores")
    density: Density = default("1.2 g/cm^3")

    @model_validator(mode="after")
    def _one_amount(self) -> ElectrolyteTable:
        exactly_one(self, "per_capacity", "volume_per_area", "pore_filling")
        return self


class StackTable(Table):
    """How many cathodes, and how large they are."""

    layers: Annotated[StrictInt, Field(ge=1, le=100000)] = Field(description="number of cathodes")
    length: Extent = Field(description="of a cathode")
    width: Extent
    overhang: Length = default("0 mm", "by which separator and negative electrode stand out on each side")
    pressure: Annotated[float, Quantity("Pa", minimum=0.0, maximum=1e10)] = default("0 MPa")
    fixture_mass: Mass = default("0 g", "of what makes the pressure, where it shall count")


class PackagingTable(Table):
    """The pouch: its laminate and margins, or its share of the cell's mass and volume."""

    mass_fraction: Share | None = Field(default=None, description="of the cell, with tabs; or give the laminate")
    volume_fraction: Share | None = None
    laminate_thickness: Extent | None = None
    laminate_density: Density | None = None
    margin_length: Length = default("0 mm", "by which the pouch is longer than the stack")
    margin_width: Length = default("0 mm")
    tab_length: Length = default("0 mm", "of the tabs outside the pouch, where it shall count in the volume")
    tabs_mass: Mass = default("0 g")
    other_mass: Mass = default("0 g")

    @model_validator(mode="after")
    def _one_way(self) -> PackagingTable:
        exactly_one(self, "mass_fraction", "laminate_thickness")
        fractions = self.mass_fraction is not None
        needed = "volume_fraction" if fractions else "laminate_density"
        if getattr(self, needed) is None:
            raise InputError("it is missing", key=needed, remedy=f"add it beside '{_beside(fractions)}'")
        geometry = ("laminate_density", "margin_length", "margin_width", "tab_length", "tabs_mass", "other_mass")
        for name in geometry if fractions else ("volume_fraction",):
            if name in self.model_fields_set:
                problem = f"it has no effect beside '{_beside(fractions)}'"
                raise InputError(problem, key=name, remedy="leave one of the two out")
        return self


def _beside(fractions: bool) -> str:
    return "mass_fraction" if fractions else "laminate_thickness"


class LifeTable(Table):
    """What ends the cell: metal that is lost at each cycle, and electrolyte that is used up with it."""

    coulombic_efficiency: Positive = Field(description="of the metal electrode, once steady")
    retention: Positive = default(0.8, "of the first capacity, at the end of life")
    cycles: Annotated[StrictInt, Field(ge=1, le=10**9)] = default(500, "wanted")
    electrolyte_per_lost_charge: Annotated[float, Quantity("kg/C", minimum=0.0, maximum=1.0)] | None = Field(
        default=None, description="as in '1 g/Ah'; or name a reduction"
    )
    reduction: str | None = Field(default=None, description="a reduction of the library, as in 'EC to LEDC'")
    interphase_share: Fraction = default(1.0, "of the lost charge that reduces electrolyte; the rest is dead metal")
    electrolyte_left: Fraction = default(0.5, "of the first electrolyte, where the cell dries out")

    @model_validator(mode="after")
    def _one_consumption(self) -> LifeTable:
        if self.electrolyte_per_lost_charge is not None and self.reduction is not None:
            exactly_one(self, "electrolyte_per_lost_charge", "reduction")
        if self.reduction is None and "interphase_share" in self.model_fields_set:
            remedy = "name a reduction, or count the share in electrolyte_per_lost_charge"
            raise InputError("it has no effect without a reduction", key="interphase_share", remedy=remedy)
        if self.retention == 1.0:
            raise InputError("1 is no end of life", key="retention", remedy="give less than 1, as in 0.8")
        return self


class Design(Table):
    """A whole cell design."""

    title: str = default("")
    cathode: CathodeTable
    negative: NegativeTable
    separator: SeparatorTable
    electrolyte: ElectrolyteTable
    stack: StackTable
    packaging: PackagingTable
    life: LifeTable | None = None
    _text: str = PrivateAttr(default="")

    @property
    def text(self) -> str:
        """The design as it was written."""
        return self._text


def volumetric_capacity(metal: str) -> float:
    """Charge that a volume of dense metal holds, C/m3: z F/V_m, V_m from the lattice.

    >>> round(volumetric_capacity("lithium") / 3.6e6)  # mAh/cm3
    2058
    """
    found = materials.metal(metal)
    return found.charge_number * FARADAY / found.molar_volume


def parse_design(data: Mapping[str, Any]) -> Design:
    """A design from a dictionary of the file's shape. Raises InputError naming the key."""
    try:
        return Design.model_validate(dict(data))
    except ValidationError as error:
        raise readable(error, data) from None


def load_design(path: str | Path) -> Design:
    """Reads a design (TOML). Raises InputError naming the file, the key and the remedy."""
    file = Path(path)
    text, data = read_toml(file, "a cell design", f"`{EXAMPLE_COMMAND}` writes an example")
    try:
        design = parse_design(data)
    except InputError as error:
        raise error.at(file=file) from None
    design._text = text
    return design


def example_text() -> str:
    """A commented design to begin from."""
    return resources.files(__package__).joinpath("example.toml").read_text(encoding="utf-8")
