"""The [cell], [electrolyte], [working] and [counter] tables of a case file, and their documented defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictBool, StrictInt, ValidationInfo, model_validator

from mossy.errors import InputError, suggest
from mossy.laws.constants import AVOGADRO
from mossy.tables import Table, default, subtable
from mossy.units import Quantity, convert, split, to_si

Positive = Annotated[float, Quantity("1", minimum=0.0, exclusive=True)]
PROPERTY_UNITS = {
    "diffusivity": "m^2/s",
    "conductivity": "S/m",
    "transference_number": "1",
    "thermodynamic_factor": "1",
    "salt_molar_volume": "m^3/mol",
}


class MolarEnergy(Quantity):
    """An energy in kJ/mol, or in eV per particle, held in J/mol."""

    def __init__(self) -> None:
        super().__init__("J/mol", minimum=0.0, exclusive=True)

    def parse(self, value: Any) -> float:
        """J/mol from either."""
        if not isinstance(value, str) or not split(value)[1].endswith("eV"):
            return super().parse(value)
        try:
            return super().parse(f"{to_si(value, 'J') * AVOGADRO!r} J/mol")
        except InputError:
            raise InputError(f"{value} is too small", remedy="it must be more than 0 eV") from None


class SeparatorTable(Table):
    """What holds the electrolyte. Effective property = free value x porosity^bruggeman; storage = porosity x c."""

    thickness: Annotated[float, Quantity("m", minimum=1e-9)] = default("25 um")
    porosity: Annotated[float, Quantity("1", minimum=1e-3, maximum=1.0)] = default(0.4)
    bruggeman: Annotated[float, Quantity("1", minimum=0.0, maximum=10.0)] = default(1.5)


class CellTable(Table):
    """What the cell is made of."""

    working: str = default("copper", "a metal or a substrate; `mossy materials` lists them")
    counter: str = default("lithium", "a metal or a substrate")
    electrolyte: str = default("LiPF6 EC:EMC 3:7", 'a name of the library, or "custom"')
    temperature: Annotated[float, Quantity("K", minimum=100.0, maximum=1500.0)] = default("25 degC")
    area: Annotated[float, Quantity("m^2", minimum=0.0, exclusive=True)] = default("1 cm^2")
    model: Literal["planar", "point"] = default("planar", "planar: 1D electrolyte; point: no concentration gradients")
    separator: SeparatorTable = subtable(SeparatorTable)
    contact_resistance: Annotated[float, Quantity("ohm*m^2", minimum=0.0)] = default("0 ohm cm^2")

    @property
    def pore_volume(self) -> float:
        """What the separator's pores hold, m3."""
        return self.separator.thickness * self.separator.porosity * self.area


class PropertyTable(Table):
    """A property as a named correlation of `mossy.laws.transport` with its coefficients, or as a table of values.

    `{ correlation = "polynomial", coefficients = [0.4, -0.1], reference_concentration = "1 mol/L" }`
    `{ table = [[0.5, 2e-6], [1.5, 1e-6]], concentration_unit = "mol/L", unit = "cm^2/s" }`, or a file's name for
    the list: two columns, concentration and value. Between its points a table is a straight line; outside, constant.
    """

    correlation: str = default("table")
    coefficients: list[Any] = default([])
    reference_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0, exclusive=True)] | None = None
    table: list[list[float]] | str | None = None
    concentration_unit: str = default("mol/m^3")
    unit: str | None = default(None, "of the table's values; the SI unit of the property when not given")
    over_anion_transference: StrictBool = default(False, "the values are D/(1 - t+); for the diffusivity only")

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> PropertyTable:
        from mossy.laws.transport import CORRELATIONS, coefficient_count

        both = self.model_fields_set & {"correlation", "coefficients", "reference_concentration"}
        if self.table is not None and both:
            raise InputError(f"both a table and {min(both)} are given", key="table", remedy="keep one of the two")
        if self.table is not None:
            folder = (info.context or {}).get("folder")
            self.coefficients = _table_columns(self.table, self.concentration_unit, self.unit or "", folder)
            return self
        if self.correlation == "table":
            raise InputError("neither a correlation nor a table is given", remedy="name one of the two")
        if self.correlation not in CORRELATIONS:
            raise InputError(
                f"no correlation is called '{self.correlation}'",
                key="correlation",
                remedy=suggest(self.correlation, CORRELATIONS),
            )
        self.coefficients = [to_si(number, "1", "coefficients") for number in self.coefficients]
        given = len(self.coefficients) + (self.reference_concentration is not None)
        least, most = coefficient_count(self.correlation)
        if not least <= given <= most:
            wanted = f"{least}" if least == most else f"at least {least}"
            raise InputError(
                f"'{self.correlation}' takes {wanted} coefficients and {given} are given",
                key="coefficients",
                remedy="see its docstring in mossy.laws.transport; a reference_concentration counts as the first",
            )
        return self

    def arguments(self) -> list[Any]:
        """What the correlation takes after concentration and temperature."""
        if self.reference_concentration is not None:
            return [self.reference_concentration, *self.coefficients]
        return list(self.coefficients)


def _table_columns(table: list[list[float]] | str, concentration_unit: str, unit: str, folder: Any) -> list[Any]:
    if isinstance(table, str):
        path = resolve(table, folder, "table")
        try:
            text = path.read_text(encoding="utf-8-sig").replace(";", ",").replace("\t", ",")
            rows = np.array([[float(part) for part in line.split(",")] for line in text.splitlines() if line.strip()])
        except (OSError, ValueError) as error:
            remedy = "two numbers a line, concentration and value, no header"
            problem = f"cannot be read as two columns of numbers ({error})"
            raise InputError(problem, key="table", file=path, remedy=remedy) from None
    else:
        rows = np.array(table, dtype=float) if len({len(row) for row in table}) == 1 else np.zeros((0, 0))
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] != 2 or not np.all(np.isfinite(rows)):
        raise InputError(
            "a table needs two rows or more of two finite numbers", key="table", remedy="[[c, value], ...]"
        )
    if not np.all(np.diff(rows[:, 0]) > 0.0):
        raise InputError("the concentrations of a table must increase", key="table", remedy="sort the rows")
    columns = rows[:, 0] * to_si(f"1 {concentration_unit}", "mol/m^3", "concentration_unit"), rows[:, 1], unit
    return list(columns)


def resolve(name: str, folder: Any, key: str = "") -> Path:
    """A file named in a case: relative to the case's folder, `~` and environment variables expanded; it must exist."""
    expanded = os.path.expandvars(name)
    if "$" in expanded:
        variable = expanded[expanded.index("$") + 1 :].split("/")[0].strip("{}")
        problem = f"the environment variable {variable} of '{name}' is not set"
        raise InputError(problem, key=key, remedy=f"export {variable}=...")
    try:
        path = Path(folder or ".") / Path(expanded).expanduser()
        usable, exists = path.is_file(), path.exists()
    except (OSError, ValueError, RuntimeError):
        raise InputError(f"'{name[:60]}' cannot be the name of a file", key=key, remedy="mend it") from None
    if not usable:
        problem = f"'{path}' is a folder" if exists else f"there is no file '{path}'"
        raise InputError(problem, key=key, remedy="give a file's path, relative to the case file")
    return path


class PropertyUnit:
    """A pydantic marker: a property of the electrolyte, a constant text with a unit or a PropertyTable."""

    def __init__(self, unit: str, minimum: float | None = None, maximum: float = np.inf) -> None:
        self.unit, self.minimum, self.maximum = unit, minimum, maximum

    def parse(self, value: Any, info: ValidationInfo) -> float | PropertyTable:
        """A float for a constant; the table's values brought to SI."""
        if not isinstance(value, dict):
            least = -np.inf if self.minimum is None else self.minimum
            return Quantity(self.unit, minimum=least, maximum=self.maximum, exclusive=True).parse(value)
        table = PropertyTable.model_validate(value, context=info.context)
        if table.table is not None:
            concentrations, values, unit = table.coefficients
            factor = 1.0 if not unit else convert(to_si(f"1 {unit}", self.unit, "unit"), "", "dimensionless")
            table.coefficients = [concentrations, values * factor]
            if self.minimum is not None and not (values > self.minimum).all():
                remedy = f"every value must be more than {self.minimum:g}"
                raise InputError(f"{values.min():g} is too small", key="table", remedy=remedy)
        return table

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        constant: dict[str, Any] = {"type": "number"} if self.unit == "1" else {"type": "string"}
        return {"anyOf": [constant, {"type": "object", "description": PropertyTable.__doc__}]}


Property_ = float | PropertyTable | None


class AdditiveTable(Table):
    """A finite amount of something in the electrolyte that the growth of films uses up: an additive, a solvent, water.

    Where its molar volume is known (a molecule of the library has one) the electrolyte shrinks as it goes.
    """

    concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0, exclusive=True)]
    molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0)] | None = default(
        None, "of the liquid; the library's for a molecule it knows, else 0", validate_default=False
    )


class ElectrolyteTable(Table):
    """Overrides of the library's electrolyte; everything it needs when `cell.electrolyte = "custom"`."""

    concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0, exclusive=True)] | None = default(
        None, "the salt's; of the library's electrolyte, \"1 mol/L\" for a custom one", validate_default=False
    )
    diffusivity: Annotated[Property_, PropertyUnit("m^2/s", 0.0)] = default(None, validate_default=False)
    conductivity: Annotated[Property_, PropertyUnit("S/m", 0.0)] = default(None, validate_default=False)
    transference_number: Annotated[Property_, PropertyUnit("1", maximum=1.0)] = default(None, validate_default=False)
    thermodynamic_factor: Annotated[Property_, PropertyUnit("1", 0.0)] = default(None, validate_default=False)
    salt_molar_volume: Annotated[Property_, PropertyUnit("m^3/mol", 0.0)] = default(
        None, "given: the solvent moves, in the frame of the working electrode", validate_default=False
    )
    volume: Annotated[float, Quantity("m^3", minimum=0.0, exclusive=True)] | None = default(
        None, "of the whole cell's electrolyte; for additives", validate_default=False
    )
    additives: dict[str, AdditiveTable] = default({}, "by name: [electrolyte.additives.FEC]")
    salt: str | None = default(None, "custom only: its name, for reductions that use it up")
    cation: str | None = default(None, "custom only: the metal of the salt's cation")
    cation_charge: StrictInt | None = Field(default=None, ge=1, le=3)
    anion_charge: StrictInt | None = Field(default=None, ge=-3, le=-1)
