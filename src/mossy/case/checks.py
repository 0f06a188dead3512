"""What a case may not ask of its electrolyte, found before anything runs."""

from __future__ import annotations

import numpy as np

from mossy.cells import Cell
from mossy.cells.build import Chemistry
from mossy.cells.tables import ElectrolyteTable
from mossy.errors import InputError

CUSTOM_ONLY = ("salt", "cation", "cation_charge", "anion_charge")


def check_salt(what: Chemistry, table: ElectrolyteTable) -> None:
    """Refuses a description of the salt where the library's electrolyte has its own."""
    for name in CUSTOM_ONLY:
        if what.electrolyte is not None and getattr(table, name) is not None:
            problem = f"{what.electrolyte.name} has its own salt"
            remedy = 'leave it out, or set cell.electrolyte = "custom"'
            raise InputError(problem, key=f"electrolyte.{name}", remedy=remedy)


def check_properties(cell: Cell) -> None:
    """Refuses an electrolyte whose properties make no sense at the concentration and temperature of the case."""
    electrolyte = cell.electrolyte
    here = electrolyte.concentration, cell.temperature
    values = {
        "diffusivity": electrolyte.diffusion_coefficient(*here),
        "conductivity": electrolyte.conductivity(*here),
        "thermodynamic_factor": electrolyte.thermodynamic_factor(*here),
        "transference_number": electrolyte.transference_number(*here),
    }
    if electrolyte.molar_volume is not None:
        values["salt_molar_volume"] = electrolyte.molar_volume(*here)
    for name, value in values.items():
        known = bool(np.isfinite(value))
        if known and (name == "transference_number" or value > 0.0):
            continue
        place = f"{float(here[0]) / 1e3:g} mol/L and {float(here[1]):g} K"
        problem = f"it is {float(value):g} at {place}, and must be {'above zero' if known else 'finite'}"
        remedy = "give another concentration or temperature, or another correlation"
        raise InputError(problem, key=f"electrolyte.{name}", remedy=remedy)
