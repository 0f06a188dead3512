"""Mass and volume of a cell, part by part, and what follows: specific energy, energy density, N/P, E/C.

One side of a cathode against one side of a negative electrode is a face. Cathodes coated on both sides have a negative
electrode on each side, so that n cathodes need n + 1; one-sided cathodes have one each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mossy import materials
from mossy.analysis.cell_design.tables import Design
from mossy.analysis.cell_design.wording import plain
from mossy.errors import InputError

WATT_HOUR = 3600.0


@dataclass(frozen=True)
class Part:
    """A part of the cell: mass, kg, and volume, m3; whether it belongs to the stack or only to the cell around it."""

    name: str
    mass: float
    volume: float
    in_stack: bool = True


@dataclass(frozen=True)
class Balance:
    """What a cell weighs, fills and stores, SI; areal quantities per area of one cathode face."""

    parts: tuple[Part, ...]
    swelling_volume: float
    """m3 by which the charged cell, whose volumes these are, is larger than as built, electrolyte aside"""
    beyond_pores: float
    """m3 of electrolyte that find no pore in the charged cell; its volume among the parts"""
    beyond_pores_as_built: float
    """The same before the first charge, which plates pores too where the deposit is porous"""
    capacity: float
    """C"""
    mean_voltage: float
    cycled_areal_capacity: float
    metal_areal_capacity: float
    """Of the metal there at assembly, C/m2"""
    metal_thickness: float
    plated_thickness: float
    cathode_thickness: float
    brings_metal: bool
    electrolyte_mass: float
    pore_filling: float
    """Volume of electrolyte over that of all pores as built; NaN where there are none"""

    @property
    def energy(self) -> float:
        """J: capacity times mean voltage of discharge."""
        return self.capacity * self.mean_voltage

    def mass(self, stack: bool = False) -> float:
        """Of the cell or its stack, kg."""
        return math.fsum(part.mass for part in self.parts if part.in_stack or not stack)

    def volume(self, stack: bool = False, charged: bool = True, beyond_pores: bool = True) -> float:
        """Of the cell or its stack, m3: with the metal that charging plates or as built, and with the electrolyte that
        finds no pore, as if nothing else had room for it, or as laid out, where only parts and pores count.
        """
        laid_out = math.fsum(part.volume for part in self.parts if part.in_stack or not stack) - self.beyond_pores
        if not charged:
            laid_out -= self._plated_volume if stack else self.swelling_volume
        if not beyond_pores:
            return laid_out
        return laid_out + (self.beyond_pores if charged else self.beyond_pores_as_built)

    def specific_energy(self, stack: bool = False) -> float:
        """Wh/kg."""
        return self.energy / WATT_HOUR / self.mass(stack)

    def energy_density(self, stack: bool = False, charged: bool = True, beyond_pores: bool = True) -> float:
        """Wh/L of the volume of the same arguments. The published cells of the tests are as laid out."""
        return self.energy / WATT_HOUR / (1e3 * self.volume(stack, charged, beyond_pores))

    @property
    def metal_ratio(self) -> float:
        """N/P as metal at assembly over cathode capacity: 0 is anode-free."""
        return self.metal_areal_capacity / self.cycled_areal_capacity

    @property
    def total_metal_ratio(self) -> float:
        """N/P as all metal on the negative electrode of the charged cell over cathode capacity: 1 is anode-free."""
        return self.metal_ratio + (1.0 if self.brings_metal else 0.0)

    @property
    def excess(self) -> float:
        """Metal that can be lost before the capacity falls, in capacities of the cathode."""
        return self.total_metal_ratio - 1.0

    @property
    def electrolyte_ratio(self) -> float:
        """E/C, kg/C."""
        return self.electrolyte_mass / self.capacity

    @property
    def _plated_volume(self) -> float:
        return next((part.volume for part in self.parts if part.name == PLATED), 0.0)


ELECTROLYTE = "electrolyte"
PLATED = "plated metal (swelling)"


@dataclass(frozen=True)
class _Layout:
    """Numbers and areas of the pieces of a stack."""

    faces: int
    negatives: int
    metal_faces: int
    area: float
    negative_area: float


def balance_of(design: Design) -> Balance:
    """The balance of a design.

        capacity = faces A Q u      energy = capacity V      N/P = t z F/(V_m Q u)

    with A of a cathode, areal capacity Q of one side, the fraction u that formation leaves of it, mean voltage V,
    thickness t of the metal at assembly. The charged cell is thicker by the metal that its first charge plates,
    Q V_m/(z F)/(1 - porosity) a face. Pores are part of the volume of what has them, the plated metal's too; what
    electrolyte they do not hold adds its own volume, though the margins of a pouch may have room for some of it. Metal
    in the overhang has mass but is not counted in N/P.

    Raises InputError where a cathode without metal gets less than it takes.
    """
    cathode, negative, separator = design.cathode, design.negative, design.separator
    if negative.outer_faces and cathode.sides == 1:
        problem = "one-sided cathodes leave no outer faces"
        raise InputError(problem, key="negative.outer_faces", remedy="leave it out, or give cathode.sides = 2")
    layout, metal = _layout(design), materials.metal(negative.metal)
    cycled = cathode.capacity * cathode.usable_fraction
    held = negative.capacity_per_volume
    ratio = negative.capacity_ratio
    thickness = negative.thickness if negative.thickness is not None else (ratio or 0.0) * cycled / held
    _check_metal(design, thickness * held / cycled)
    plates = cathode.brings_metal and not (negative.host and negative.host.takes_plated_metal)
    plated = cathode.capacity / held / (1.0 - negative.plated_porosity) if plates else 0.0
    capacity = layout.faces * layout.area * cycled
    pores = layout.faces * layout.area * cathode.coating_thickness * cathode.porosity
    pores += layout.faces * layout.negative_area * separator.thickness * separator.porosity
    if negative.host is not None:
        pores += layout.metal_faces * layout.negative_area * negative.host.thickness * negative.host.porosity
    liquid = _electrolyte_mass(design, layout, capacity, pores)
    filled = liquid / design.electrolyte.density
    plated_pores = layout.faces * layout.area * plated * negative.plated_porosity
    beyond = max(filled - pores - plated_pores, 0.0)
    metal_density = metal.molar_mass / metal.molar_volume
    wet = _stack_parts(design, layout, thickness, plated, metal_density, Part(ELECTROLYTE, liquid, beyond))
    around, swelling = _cell_parts(design, wet, _heights(design, layout, thickness, plated))
    return Balance(
        parts=(*wet, *around),
        swelling_volume=swelling,
        beyond_pores=beyond,
        beyond_pores_as_built=max(filled - pores, 0.0),
        capacity=capacity,
        mean_voltage=cathode.mean_voltage,
        cycled_areal_capacity=cycled,
        metal_areal_capacity=thickness * held,
        metal_thickness=thickness,
        plated_thickness=plated,
        cathode_thickness=cathode.coating_thickness,
        brings_metal=cathode.brings_metal,
        electrolyte_mass=liquid,
        pore_filling=filled / pores if pores > 0.0 else math.nan,
    )


def _layout(design: Design) -> _Layout:
    stack, sides = design.stack, design.cathode.sides
    faces = stack.layers * sides
    negatives = stack.layers + 1 if sides == 2 else stack.layers
    around = 2.0 * stack.overhang
    return _Layout(
        faces=faces,
        negatives=negatives,
        metal_faces=faces + 2 if design.negative.outer_faces else faces,
        area=stack.length * stack.width,
        negative_area=(stack.length + around) * (stack.width + around),
    )


def _check_metal(design: Design, ratio: float) -> None:
    if design.cathode.brings_metal or ratio >= 1.0:
        return
    key = "thickness" if design.negative.thickness is not None else "capacity_ratio"
    problem = f"the metal is {plain(ratio)} of what the cathode takes, and the cathode brings none"
    raise InputError(problem, key=f"negative.{key}", remedy="give more metal, or set cathode.brings_metal = true")


def _electrolyte_mass(design: Design, layout: _Layout, capacity: float, pores: float) -> float:
    table = design.electrolyte
    if table.per_capacity is not None:
        return table.per_capacity * capacity
    if table.volume_per_area is not None:
        return table.volume_per_area * layout.faces * layout.area * table.density
    return (table.pore_filling or 0.0) * pores * table.density


def _stack_parts(
    design: Design, layout: _Layout, thickness: float, plated: float, metal_density: float, electrolyte: Part
) -> list[Part]:
    """Everything between the outer foils. Plated metal has no mass of its own: it came from the cathode."""
    cathode, negative, separator = design.cathode, design.negative, design.separator
    coated, foils = layout.faces * layout.area, design.stack.layers * layout.area
    negative_foils = layout.negatives * layout.negative_area
    metal_area, separators = layout.metal_faces * layout.negative_area, layout.faces * layout.negative_area
    positive, negative_foil, host = cathode.collector, negative.collector, negative.host
    parts = [
        Part("cathode coating", coated * cathode.coating_mass, coated * cathode.coating_thickness),
        Part("cathode collector", foils * positive.thickness * positive.density, foils * positive.thickness),
        Part(
            f"{materials.metal(negative.metal).name} at assembly",
            metal_area * thickness * metal_density,
            metal_area * thickness,
        ),
        Part(PLATED, 0.0, coated * plated),
        Part(
            "negative collector",
            negative_foils * negative_foil.thickness * negative_foil.density,
            negative_foils * negative_foil.thickness,
        ),
        Part("separator", separators * separator.areal_mass, separators * separator.thickness),
        electrolyte,
    ]
    if host is not None:
        parts.insert(4, Part("host", metal_area * host.areal_mass, metal_area * host.thickness))
    return parts


def _heights(design: Design, layout: _Layout, thickness: float, plated: float) -> tuple[float, float]:
    """Of the stack, m: charged and as built."""
    cathode, negative = design.cathode, design.negative
    host = negative.host.thickness if negative.host is not None else 0.0
    built = math.fsum(
        (
            layout.faces * (cathode.coating_thickness + design.separator.thickness),
            design.stack.layers * cathode.collector.thickness,
            layout.negatives * negative.collector.thickness,
            layout.metal_faces * (thickness + host),
        )
    )
    return built + layout.faces * plated, built


def _cell_parts(design: Design, wet: list[Part], heights: tuple[float, float]) -> tuple[list[Part], float]:
    """What is around the stack as laid out, and by how much the cell swells."""
    packaging, stack = design.packaging, design.stack
    inside = math.fsum(part.volume for part in wet if part.name != ELECTROLYTE)
    fixture = [Part("pressure fixture", stack.fixture_mass, 0.0, in_stack=False)] if stack.fixture_mass else []
    if packaging.mass_fraction is not None:
        assert packaging.volume_fraction is not None
        mass = math.fsum(part.mass for part in wet) * packaging.mass_fraction / (1.0 - packaging.mass_fraction)
        grown = 1.0 / (1.0 - packaging.volume_fraction)
        plated = next(part.volume for part in wet if part.name == PLATED)
        return [Part("packaging", mass, inside * (grown - 1.0), in_stack=False), *fixture], plated * grown
    assert packaging.laminate_thickness is not None
    assert packaging.laminate_density is not None
    around = 2.0 * stack.overhang
    length = stack.length + around + packaging.margin_length
    width = stack.width + around + packaging.margin_width
    footprint = (length + packaging.tab_length) * width
    laminate = 2.0 * packaging.laminate_thickness
    whole, built = (footprint * (height + laminate) for height in heights)
    return [
        Part("pouch and margins", laminate * length * width * packaging.laminate_density, whole - inside, False),
        Part("tabs and the rest", packaging.tabs_mass + packaging.other_mass, 0.0, in_stack=False),
        *fixture,
    ], whole - built
