"""A design judged: energy, lean or flooded, how long it lasts and what ends it, how far from practical."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis.cell_design import life as laws
from mossy.analysis.cell_design.balance import WATT_HOUR, Balance, balance_of
from mossy.analysis.cell_design.practical import PracticalFact, distance_to_practical, electrolyte_class
from mossy.analysis.cell_design.tables import Design
from mossy.analysis.cell_design.wording import count, plain
from mossy.errors import InputError
from mossy.units import convert

_LABELS = ("title", "cathode.material", "cathode.collector.material", "negative.collector.material")


@dataclass(frozen=True)
class Life:
    """How long a cell lasts, in cycles; infinite where nothing ends it, None where it was not estimated."""

    coulombic_efficiency: float
    wanted: int
    retention: float
    without_fade: float
    to_retention: float
    to_dry_out: float | None
    electrolyte_per_lost_charge: float | None
    electrolyte_left: float
    required_efficiency: float
    retention_at_wanted: float

    @property
    def cycles(self) -> float:
        """Until the first of the two ends."""
        return min(self.to_retention, math.inf if self.to_dry_out is None else self.to_dry_out)

    @property
    def ended_by(self) -> str:
        """metal, electrolyte or nothing."""
        if math.isinf(self.cycles):
            return "nothing"
        return "metal" if self.to_retention <= self.cycles else "electrolyte"

    @property
    def sentence(self) -> str:
        """What ends the cell, when, and what was wanted."""
        if self.ended_by == "nothing":
            said = "Nothing counted here ends the cell"
        elif self.ended_by == "metal":
            left = f"{100.0 * self.retention:.3g} % of the capacity"
            said = f"After {count(self.cycles)} cycles {left} are left: metal runs out first"
        else:
            left = f"{100.0 * self.electrolyte_left:.3g} % of the electrolyte"
            said = f"After {count(self.cycles)} cycles {left} are left: it dries out first"
        if self.to_dry_out is None:
            said += " (dry-out was not estimated)"
        needed = f"{100.0 * self.required_efficiency:.4f} %"
        return f"{said}. {self.wanted} cycles need a Coulombic efficiency of {needed} for the metal to last."


@dataclass(frozen=True)
class Assessment:
    """A design with its balance, life (None where the design has no [life]), facts beside targets, and notes."""

    design: Design
    balance: Balance
    life: Life | None
    practical: list[PracticalFact]
    notes: list[str]

    @property
    def electrolyte_grams_per_ampere_hour(self) -> float:
        """E/C as people say it."""
        return convert(self.balance.electrolyte_ratio, "kg/C", "g/Ah")

    def curve(self, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
        """Cycles and retention for a figure: well beyond the wanted and the reached life."""
        if self.life is None:
            return np.empty(0), np.empty(0)
        reached = self.life.to_retention if math.isfinite(self.life.to_retention) else 0.0
        most = 1.3 * min(max(self.life.wanted, reached), 20.0 * self.life.wanted)
        cycles = np.linspace(0.0, most, points)
        return cycles, laws.retention(cycles, self.life.coulombic_efficiency, self.balance.excess)

    def summary(self) -> dict[str, Any]:
        """cell_design.json: units are in the names."""
        balance = self.balance
        return {
            "title": self.design.title,
            "cell": _energies(balance, stack=False),
            "stack": _energies(balance, stack=True),
            "parts": _parts(balance),
            "metal": self.design.negative.metal,
            "cycled_areal_capacity_mAh_per_cm2": convert(balance.cycled_areal_capacity, "C/m^2", "mAh/cm^2"),
            "metal_thickness_um": 1e6 * balance.metal_thickness,
            "plated_thickness_um": 1e6 * balance.plated_thickness,
            "n_to_p_at_assembly": balance.metal_ratio,
            "n_to_p_charged": balance.total_metal_ratio,
            "electrolyte_g_per_Ah": self.electrolyte_grams_per_ampere_hour,
            "electrolyte_class": electrolyte_class(self.electrolyte_grams_per_ampere_hour),
            "pore_filling": balance.pore_filling,
            "electrolyte_beyond_pores_mL": 1e6 * balance.beyond_pores,
            "stack_pressure_MPa": self.design.stack.pressure / 1e6,
            "life": _life_summary(self.life),
            "practical": [asdict(fact) for fact in self.practical],
            "assumed": self.assumed,
            "notes": self.notes,
        }

    @property
    def assumed(self) -> list[str]:
        """The values that the design did not give."""
        return [path for path in self.design.assumed() if path not in _LABELS]


def assess(design: Design) -> Assessment:
    """Everything about a design. Raises InputError for what it cannot be."""
    balance = balance_of(design)
    life = _life(design, balance)
    pressure = design.stack.pressure
    facts = distance_to_practical(
        metal=design.negative.metal,
        areal_capacity_mAh_per_cm2=convert(balance.cycled_areal_capacity, "C/m^2", "mAh/cm^2"),
        metal_areal_capacity_mAh_per_cm2=convert(balance.metal_areal_capacity, "C/m^2", "mAh/cm^2"),
        electrolyte_per_capacity_g_per_Ah=convert(balance.electrolyte_ratio, "kg/C", "g/Ah"),
        coulombic_efficiency=design.life.coulombic_efficiency if design.life else None,
        stack_pressure_pa=pressure,
        cathode_brings_metal=balance.brings_metal,
    )
    return Assessment(design, balance, life, facts, _notes(design, balance, life))


def _life(design: Design, balance: Balance) -> Life | None:
    table = design.life
    if table is None:
        return None
    efficiency, excess = table.coulombic_efficiency, balance.excess
    consumed = table.electrolyte_per_lost_charge
    if table.reduction is not None:
        consumed = _consumption(table.reduction, design.negative.metal, table.interphase_share)
    dry = None
    if consumed is not None and balance.electrolyte_ratio > 0.0:
        left = table.electrolyte_left
        dry = laws.cycles_to_dry_out(efficiency, excess, balance.electrolyte_ratio, consumed, left)
    return Life(
        coulombic_efficiency=efficiency,
        wanted=table.cycles,
        retention=table.retention,
        without_fade=laws.cycles_without_fade(efficiency, excess),
        to_retention=laws.cycles_to_retention(efficiency, excess, table.retention),
        to_dry_out=dry,
        electrolyte_per_lost_charge=consumed,
        electrolyte_left=table.electrolyte_left,
        required_efficiency=laws.required_efficiency(table.cycles, excess, table.retention),
        retention_at_wanted=float(laws.retention(table.cycles, efficiency, excess)),
    )


def _consumption(reduction: str, metal: str, share: float) -> float:
    try:
        return laws.electrolyte_consumption(reduction, metal, share)
    except InputError as error:
        remedy = f"`mossy materials {metal}` lists the reductions; or give electrolyte_per_lost_charge"
        raise InputError(error.problem, key="life.reduction", remedy=remedy) from None


def _notes(design: Design, balance: Balance, life: Life | None) -> list[str]:
    notes = []
    if balance.beyond_pores > 0.0:
        liquid = 1e6 * balance.electrolyte_mass / design.electrolyte.density
        notes.append(
            f"{plain(1e6 * balance.beyond_pores)} of the {plain(liquid)} mL of electrolyte find no pore in the charged "
            "cell and count as volume of their own, as if the margins had no room for them: "
            f"{balance.energy_density():.0f} Wh/L. As laid out, as published cells are often counted, it has "
            f"{balance.energy_density(beyond_pores=False):.0f} Wh/L."
        )
    elif balance.pore_filling < 1.0 and balance.electrolyte_mass > 0.0:
        notes.append(f"The electrolyte fills {plain(100.0 * balance.pore_filling)} % of the pores: some stay dry.")
    if design.stack.pressure > 0.0 and not design.stack.fixture_mass:
        notes.append(
            "What makes the stack pressure is in neither mass nor volume: give stack.fixture_mass to count it."
        )
    if balance.brings_metal and design.negative.plated_porosity == 0.0 and balance.plated_thickness > 0.0:
        notes.append(
            "Plated metal counts as dense: give negative.plated_porosity for the swelling of a porous deposit."
        )
    if life is None:
        notes.append("No life was estimated: add [life] with coulombic_efficiency.")
    elif life.to_dry_out is None and balance.electrolyte_mass > 0.0:
        notes.append("Dry-out was not estimated: give life.electrolyte_per_lost_charge, or life.reduction.")
    return notes


def _energies(balance: Balance, stack: bool) -> dict[str, float]:
    charged, built = balance.volume(stack), balance.volume(stack, charged=False)
    return {
        "specific_energy_Wh_per_kg": balance.specific_energy(stack),
        "energy_density_Wh_per_L": balance.energy_density(stack),
        "energy_density_as_built_Wh_per_L": balance.energy_density(stack, charged=False),
        "energy_density_as_laid_out_Wh_per_L": balance.energy_density(stack, beyond_pores=False),
        "energy_density_as_built_and_laid_out_Wh_per_L": balance.energy_density(
            stack, charged=False, beyond_pores=False
        ),
        "capacity_Ah": balance.capacity / WATT_HOUR,
        "energy_Wh": balance.energy / WATT_HOUR,
        "mass_g": 1e3 * balance.mass(stack),
        "volume_charged_mL": 1e6 * charged,
        "volume_as_built_mL": 1e6 * built,
        "swelling_percent": 100.0 * (charged / built - 1.0),
    }


def _parts(balance: Balance) -> list[dict[str, Any]]:
    mass, volume = balance.mass(), balance.volume()
    return [
        {
            "part": part.name,
            "in_stack": part.in_stack,
            "mass_g": 1e3 * part.mass,
            "mass_percent": 100.0 * part.mass / mass,
            "volume_mL": 1e6 * part.volume,
            "volume_percent": 100.0 * part.volume / volume,
        }
        for part in balance.parts
        if part.mass > 0.0 or part.volume > 0.0
    ]


def _life_summary(life: Life | None) -> dict[str, Any] | None:
    if life is None:
        return None
    consumed = life.electrolyte_per_lost_charge
    return {
        "coulombic_efficiency": life.coulombic_efficiency,
        "wanted_cycles": life.wanted,
        "end_of_life_retention": life.retention,
        "cycles": life.cycles,
        "ended_by": life.ended_by,
        "cycles_without_fade": life.without_fade,
        "cycles_to_retention": life.to_retention,
        "cycles_to_dry_out": life.to_dry_out,
        "electrolyte_per_lost_charge_g_per_Ah": None if consumed is None else convert(consumed, "kg/C", "g/Ah"),
        "required_coulombic_efficiency": life.required_efficiency,
        "retention_at_wanted_cycles": life.retention_at_wanted,
        "sentence": life.sentence,
    }
