"""The [cell], [electrolyte], [working] and [counter] tables of a case file, and their documented defaults."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictBool, StrictInt, ValidationInfo, field_validator, model_validator

from mossy.errors import InputError, suggest
from mossy.laws import interphase
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
    """A finite amount of something in the electrolyte that the growth of films uses up."""

    concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0, exclusive=True)]


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
    cation: str | None = default(None, "custom only: the metal of the salt's cation")
    cation_charge: StrictInt | None = Field(default=None, ge=1, le=3)
    anion_charge: StrictInt | None = Field(default=None, ge=-3, le=-1)


class KineticsTable(Table):
    """Charge transfer at the metal, with its double layer."""

    law: Literal["butler_volmer", "marcus_hush_chidsey"] = default("butler_volmer")
    exchange_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0, exclusive=True)] = default("2 mA/cm^2")
    symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(0.5, "cathodic; Butler-Volmer only")
    reorganisation_energy: Annotated[float, MolarEnergy()] | None = default(
        None, "Marcus-Hush-Chidsey only; in eV or kJ/mol", validate_default=False
    )
    double_layer_capacitance: Annotated[float, Quantity("F/m^2", minimum=0.0)] = default("10 uF/cm^2")

    @model_validator(mode="after")
    def _energy(self) -> KineticsTable:
        if self.law == "marcus_hush_chidsey" and self.reorganisation_energy is None:
            remedy = 'add reorganisation_energy = "0.22 eV"'
            raise InputError("Marcus-Hush-Chidsey needs a reorganisation energy", key="law", remedy=remedy)
        return self


GROWTH: dict[str, Callable[..., Any]] = {name: getattr(interphase, name) for name in interphase.REACTS_AT}


def keywords_of(law: Callable[..., Any]) -> list[str]:
    """The names of a law's keyword arguments."""
    kinds = inspect.signature(law).parameters.values()
    return [each.name for each in kinds if each.kind is inspect.Parameter.KEYWORD_ONLY]


class LawParameters(Table):
    """Parameters of the growth laws of `mossy.laws.interphase`: for all laws in [interphase], or for one law."""

    solvent_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] | None = None
    solvent_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] | None = None
    reaction_rate_constant: Annotated[float, Quantity("m/s", minimum=0.0)] | None = None
    side_exchange_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0)] | None = None
    side_symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] | None = None
    electron_conductivity: Annotated[float, Quantity("S/m", minimum=0.0)] | None = None
    interstitial_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] | None = None
    interstitial_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] | None = None
    inverse_tunnelling_length: Annotated[float, Quantity("1/m", minimum=0.0)] | None = None
    tunnelling_length: Annotated[float, Quantity("m", minimum=0.0)] | None = None
    film_molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0, exclusive=True)] | None = None
    metal_per_formula: Positive | None = None
    reduction_potential: Annotated[float, Quantity("V")] | None = None


class GrowthTable(LawParameters):
    """One growth law of a film. What is not given here is taken from the interphase.

    `{ law = "solvent_diffusion", solvent_diffusivity = "1e-22 m^2/s", consumes = "FEC" }`
    """

    law: Literal[tuple(interphase.REACTS_AT)]  # type: ignore[valid-type]
    consumes: str | None = default(None, "an additive of the electrolyte that this law uses up")
    consumed_per_electron: Annotated[float, Quantity("1", minimum=0.0)] = default(1, "mol of it per mol of electrons")
    order: Annotated[float, Quantity("1", minimum=0.0, maximum=4.0)] = default(
        1, "in the additive's concentration; 0: it does not matter until the additive is gone"
    )
    inhibited_by: str | None = default(None, "an additive that keeps this law from running while it lasts")

    def parameter(self, key: str, film: InterphaseTable) -> Any:
        """A parameter of the law: its own or the interphase's."""
        own = getattr(self, key, None)
        value = own if own is not None else getattr(film, key)
        if value is None:
            problem = f"the growth law '{self.law}' needs {key}, which has no default"
            raise InputError(problem, key=key, remedy="add it to [interphase], or to the law's own table")
        return value


class DissolutionTable(Table):
    """How the film dissolves into the electrolyte: evenly, k_d, as long as there is film."""

    velocity: Annotated[float, Quantity("m/s", minimum=0.0)] = default("0 m/s", "thickness lost per time")


class FractureTable(Table):
    """How the volume change of the metal tears the film and shows fresh metal in proportion to the stroke."""

    length: Annotated[float, Quantity("m", minimum=1e-9)] = default("100 um", "movement that would tear it all over")


class InterphaseTable(LawParameters):
    """The film between metal and electrolyte, in series with the charge transfer.

    `growth` is "none", a law of `mossy.laws.interphase`, or a list of names and tables that run in parallel.
    """

    growth: str | list[str | GrowthTable] = default("none")
    initial_thickness: Annotated[float, Quantity("m", minimum=0.0)] = default("5 nm")
    conductivity: Annotated[float, Quantity("S/m", minimum=0.0, exclusive=True)] = default("1e-6 S/m")
    relative_permittivity: Annotated[float, Quantity("1", minimum=0.0)] = default(10)
    solvent_diffusivity: Annotated[float, Quantity("m^2/s", minimum=0.0)] = default("2.5e-22 m^2/s")
    solvent_concentration: Annotated[float, Quantity("mol/m^3", minimum=0.0)] = default("2636 mol/m^3")
    film_molar_volume: Annotated[float, Quantity("m^3/mol", minimum=0.0, exclusive=True)] = default("9.585e-5 m^3/mol")
    metal_per_formula: Positive = default(2)
    reduction_potential: Annotated[float, Quantity("V")] = default("0.4 V")
    side_symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(0.5)
    dissolution: DissolutionTable = subtable(DissolutionTable)
    fracture: FractureTable | None = default(None, "given: the film cracks", validate_default=False)
    artificial: StrictBool = default(False, "the film was made: it does not grow, and its cracks do not close")

    @field_validator("growth")
    @classmethod
    def _known_laws(cls, value: Any) -> Any:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and each not in GROWTH and not (each == "none" and isinstance(value, str)):
                raise InputError(f"no growth law is called '{each}'", remedy=suggest(each, [*GROWTH, "none"]))
        return value

    def channels(self) -> list[GrowthTable]:
        """The growth laws that run in parallel."""
        named = self.growth if isinstance(self.growth, list) else [] if self.growth == "none" else [self.growth]
        return [GrowthTable(law=each) if isinstance(each, str) else each for each in named]


class DeadMetalTable(Table):
    """Metal that loses contact while it is stripped: dQ_dead/dt = f/(1 - f) J_strip - r Q_dead; efficiency is 1 - f."""

    isolated_fraction: Annotated[float, Quantity("1", minimum=0.0, maximum=0.999)] = default(0.0)
    reconnection_rate: Annotated[float, Quantity("1/s", minimum=0.0)] = default("0 1/s", "r, of dead metal")
    current_exponent: Annotated[float, Quantity("1", minimum=-4.0, maximum=4.0)] = default(
        0.0, "m: the fraction goes as (stripping current/reference)^m"
    )
    reference_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0, exclusive=True)] = default("1 mA/cm^2")
    film_exponent: Annotated[float, Quantity("1", minimum=-4.0, maximum=4.0)] = default(
        0.0, "n: and as (film thickness/reference)^n"
    )
    reference_film_thickness: Annotated[float, Quantity("m", minimum=0.0, exclusive=True)] = default("5 nm")
    pressure: Annotated[float, Quantity("Pa", minimum=0.0)] = default(
        "0 kPa", "of the stack; the fraction falls with it"
    )
    pressure_scale: Annotated[float, Quantity("Pa", minimum=0.0, exclusive=True)] = default(
        "100 kPa", "p_0 in exp(-p/p_0)"
    )
    additive: str | None = default(None, "an additive that holds the isolated fraction down while it lasts")
    isolated_fraction_without_additive: Annotated[float, Quantity("1", minimum=0.0, maximum=0.999)] = default(
        0.0, "when that additive is gone"
    )


class ElectrodeTable(Table):
    """One electrode. A metal is 250 um thick where nothing is said, a substrate carries no metal."""

    metal_thickness: Annotated[float, Quantity("m", minimum=0.0)] | None = default(
        None, 'of metal at the start; "250 um" for a metal, "0 um" on a substrate', validate_default=False
    )
    initial_potential: Annotated[float, Quantity("V", minimum=-10.0, maximum=10.0)] = default(
        "1.5 V", "against the metal; only for a substrate without metal"
    )
    kinetics: KineticsTable = subtable(KineticsTable)
    interphase: InterphaseTable = subtable(InterphaseTable)
    dead_metal: DeadMetalTable = subtable(DeadMetalTable)
