"""What is to be said of a case beside its results: its limits, and where every one of its values comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from pydantic.fields import FieldInfo

from mossy import materials
from mossy.cells import Cell
from mossy.cells.build import chemistry, metal_thickness
from mossy.cells.film import Film
from mossy.cells.interphase_tables import InterphaseTable
from mossy.cells.tables import PropertyTable, PropertyUnit
from mossy.errors import InputError
from mossy.laws import transport
from mossy.materials import PropertySpec, Reduction, Value
from mossy.tables import Table, tables_in
from mossy.units import Quantity, convert

if TYPE_CHECKING:
    from mossy.case.model import Case

_SHOWN = {
    "A/m^2": "mA/cm^2",
    "m": "um",
    "m^2": "cm^2",
    "ohm*m^2": "ohm cm^2",
    "F/m^2": "uF/cm^2",
    "mol/m^3": "mol/L",
    "m^3/mol": "cm^3/mol",
    "J/mol": "kJ/mol",
    "m^3": "uL",
}
_LEFT_OUT = ("title", "protocol", "fit", "impedance")


def salt_transport(cell: Cell) -> tuple[Any, Any, dict[str, Any]]:
    """(effective diffusivity in the separator, transference number, the ions) at the initial concentration."""
    electrolyte, c, temperature = cell.electrolyte, cell.electrolyte.concentration, cell.temperature
    ions = {"charge_number": electrolyte.charge_number, "cations_per_formula": electrolyte.cations_per_formula}
    diffusivity = electrolyte.diffusion_coefficient(c, temperature) * cell.separator.factor
    return diffusivity, electrolyte.transference_number(c, temperature), ions


def facts_of(case: Case) -> dict[str, Any]:
    """What the summary says of the case itself: names, limits, and which values nobody gave or verified."""
    cell = case.build()
    diffusivity, transference, salt = salt_transport(cell)
    limit = transport.limiting_current(
        cell.separator.thickness, cell.electrolyte.concentration, diffusivity, transference, **salt
    )
    return {
        "title": case.title,
        "model": case.cell.model,
        "working": case.cell.working,
        "counter": case.cell.counter,
        "electrolyte": case.cell.electrolyte,
        "area_cm2": case.cell.area * 1e4,
        "temperature_celsius": round(case.cell.temperature - 273.15, 9),
        "limiting_current_mA_per_cm2": float(limit) / 10.0 if np.isfinite(float(limit)) else None,
        "assumed": assumed(case),
        "unverified": [row["path"] for row in parameters_of(case) if row["status"] == "unverified"],
        "warnings": warnings_of(case),
    }


def assumed(case: Case) -> list[str]:
    """The dotted paths that took a default because the case does not give them."""
    kept = [path for path in case.assumed() if path.split(".")[0] not in _LEFT_OUT]
    for side in ("working", "counter"):
        if getattr(case, side).metal_thickness is None:
            kept.append(f"{side}.metal_thickness")
    if case.cell.electrolyte == "custom" and case.electrolyte.concentration is None:
        kept.append("electrolyte.concentration")
    return sorted(kept)


def warnings_of(case: Case) -> list[str]:
    """Values outside the range in which their correlation was measured; native films taken for what they are not."""
    cell, found = case.build(), []
    here = {"concentration": float(cell.electrolyte.concentration), "temperature": float(cell.temperature)}
    for path, spec in library(case).items():
        for quantity, (low, high) in getattr(spec, "validity", {}).items():
            if not low - 1e-9 <= here[quantity] <= high + 1e-9:
                unit = "mol/m^3" if quantity == "concentration" else "K"
                found.append(
                    f"{path}: {quantity} {here[quantity]:g} {unit} lies outside {low:g} to {high:g} {unit}, "
                    "where the correlation holds"
                )
    for prefix, table, film in _films(case):
        if table.native is not None and table.layers.outer is None:
            loose = [each.phase for each in film.constituents if each.formula and not _covers(each.phase)]
            found += [
                f"{prefix}.native: {name} cannot cover {cell_metal(case)} (Pilling-Bedworth ratio "
                f"{materials.phase(name).pilling_bedworth_ratio:.2f}) and is taken as dense all the same; "
                f"[{prefix}.layers.outer] makes it porous"
                for name in loose
            ]
        if "film_molar_volume" not in table.model_fields_set and _unstated(film) and cell_metal(case) != "lithium":
            found.append(
                f"{prefix}: the film on {cell_metal(case)} is taken for lithium's, {table.film_molar_volume * 1e6:.4g} "
                "cm^3/mol; give its growth laws a reduction, or film_molar_volume and metal_per_formula"
            )
    found += _usual_kinetics(case)
    if case.electrolyte.volume is not None and (cell.working.uses_salt or cell.counter.uses_salt):
        held = case.cell.pore_volume
        if case.electrolyte.volume > 1.01 * held:
            found.append(
                f"electrolyte.volume: films use up the salt of the separator's {held * 1e9:.3g} uL; the other "
                f"{(case.electrolyte.volume - held) * 1e9:.3g} uL feed additives, not the salt"
            )
    return found


def _usual_kinetics(case: Case) -> Iterator[str]:
    """Electrodes that take the default exchange current density where the library's for their metal is far from it."""
    known = chemistry(case.cell, case.electrolyte).metal.kinetics.get("exchange_current_density")
    for side in ("working", "counter"):
        kinetics = getattr(case, side).kinetics
        taken = kinetics.exchange_current_density
        given = "exchange_current_density" in kinetics.model_fields_set
        if not given and known is not None and not 0.2 < float(known) / taken < 5.0:
            yield (
                f"{side}.kinetics.exchange_current_density: the default, {taken / 10.0:g} mA/cm^2, is far from "
                f"what the library has for {cell_metal(case)}, {float(known) / 10.0:g} mA/cm^2"
            )


def _unstated(film: Film) -> bool:
    """Whether some growth law makes a film that no reaction describes."""
    return any(channel.reaction is None for channel in film.channels)


def cell_metal(case: Case) -> str:
    """The name of the metal that is plated and stripped."""
    return chemistry(case.cell, case.electrolyte).metal.name


def _covers(phase: str) -> bool:
    try:
        return materials.phase(phase).covers
    except InputError:
        return True  # described by the case: not for the library to judge


def library(case: Case) -> dict[str, Value | PropertySpec | Reduction]:
    """What the case takes from the library of materials, by dotted path."""
    what, given = chemistry(case.cell, case.electrolyte), case.electrolyte
    taken: dict[str, Value | PropertySpec | Reduction] = {"cell.metal.molar_volume": what.metal.molar_volume}
    if what.electrolyte is not None:
        taken |= {
            f"electrolyte.{name}": spec
            for name, spec in what.electrolyte.properties.items()
            if getattr(given, name) is None
        }
        if given.concentration is None:
            taken["electrolyte.concentration"] = what.electrolyte.concentration
    defaults = set(assumed(case))
    for prefix, table, film in _films(case):
        taken |= _of_film(prefix, table, film, what.metal.name, defaults)
    for side in ("working", "counter"):
        nucleation = getattr(case, side).nucleation
        if nucleation is not None and nucleation.surface_energy is None:
            taken[f"{side}.nucleation.surface_energy"] = what.metal.mechanics["surface_energy"]
    return taken


def _films(case: Case) -> Iterator[tuple[str, InterphaseTable, Film]]:
    """Every film of a case: its dotted path, its table and what was built of it."""
    cell = case.build()
    for side in ("working", "counter"):
        table, built = getattr(case, side), getattr(cell, side)
        yield f"{side}.interphase", table.interphase, built.film
        if table.galvanic is not None:
            yield f"{side}.galvanic.interphase", table.galvanic.interphase, built.beside


def _of_film(
    prefix: str, table: InterphaseTable, film: Film, metal: str, defaults: set[str]
) -> dict[str, Value | PropertySpec | Reduction]:
    """What a film takes from the library: defaults, the volumes of its phases, reactions."""
    taken: dict[str, Value | PropertySpec | Reduction] = {}
    unstated = any(not each.reacts for each in table.channels())
    grows = ("solvent_diffusivity", "solvent_concentration", "reduction_potential")
    for name, value in materials.film_defaults().items():
        used = unstated if name in ("film_molar_volume", "metal_per_formula") else bool(table.channels())
        if f"{prefix}.{name}" in defaults and (used or name not in (*grows, "film_molar_volume", "metal_per_formula")):
            taken[f"{prefix}.{name}"] = value
    for each in film.constituents:
        given = table.phases.get(each.phase)
        if each.formula and (given is None or given.molar_volume is None):
            taken[f"{prefix}.phases.{each.phase}.molar_volume"] = materials.phase(each.phase).molar_volume
    for index, channel in enumerate(table.channels()):
        if channel.reduction is not None:
            taken[f"{prefix}.growth.{index}.reduction"] = materials.reduction(channel.reduction, metal)
    if table.native is not None:
        taken[f"{prefix}.native.reduction"] = materials.reduction(table.native.reduction, metal)
    return taken


def parameters_of(case: Case) -> list[dict[str, Any]]:
    """Every value a run uses: path, value with unit, source, DOI, and a status ("given", "assumed" or its source's)."""
    sourced, defaults, rows = library(case), set(assumed(case)), []
    for path, value, unit in _leaves(case, ""):
        if path.split(".")[0] in _LEFT_OUT or path in sourced or (value is None and path not in defaults):
            continue
        if path.endswith(".metal_thickness") and value is None:
            side = path.split(".")[0]
            value = metal_thickness(getattr(case, side), materials.electrode(getattr(case.cell, side)))
        if path == "electrolyte.concentration" and value is None:
            value = float(case.build().electrolyte.concentration)
        source = "the default that `mossy schema` documents" if path in defaults else "the case file"
        rows.append(_row(path, shown(value, unit), source, "assumed" if path in defaults else "given"))
    for path, entry in sourced.items():
        text = shown(float(entry), entry.unit) if isinstance(entry, Value) else _text(entry)
        rows.append(_row(path, text, entry.source, entry.status))
    order = ("cell", "electrolyte", "working", "counter", "numerics")
    return sorted(rows, key=lambda row: order.index(row["path"].split(".")[0]))


def _row(path: str, value: str, source: str, status: str) -> dict[str, Any]:
    found = re.search(r"10\.\d{4,9}/[^\s,;]+", source)
    return {"path": path, "value": value, "source": source, "doi": found[0] if found else "", "status": status}


def _leaves(table: Table, prefix: str) -> Iterator[tuple[str, Any, str]]:
    for name, field in type(table).model_fields.items():
        value, path = getattr(table, name), f"{prefix}{name}"
        if isinstance(value, Table) and not isinstance(value, PropertyTable):
            yield from _leaves(value, f"{path}.")
        elif inner := tables_in(value):
            for key, each in inner:
                yield from (leaf for leaf in _leaves(each, f"{path}.{key}.") if leaf[1] is not None)
            named = enumerate(value) if isinstance(value, list) else ()
            yield from ((f"{path}.{key}", each, "1") for key, each in named if not isinstance(each, Table))
        else:
            yield path, value, _unit(field)


def _unit(field: FieldInfo) -> str:
    """The unit of a field's marker, also inside a union: `Annotated[float, Quantity("m")] | None`."""
    inside = [mark for choice in get_args(field.annotation) for mark in getattr(choice, "__metadata__", ())]
    units = [mark.unit for mark in (*field.metadata, *inside) if isinstance(mark, Quantity | PropertyUnit)]
    return units[0] if units else "1"


def unit_of(table: Table, path: str) -> str:
    """The SI unit of the value at a dotted path, "1" for a plain number or a coefficient."""
    head, _, rest = path.partition(".")
    field = type(table).model_fields.get(head)
    if field is None:
        return "1"
    inner = getattr(table, head)
    if rest:
        index, _, deeper = rest.partition(".")
        within = dict(tables_in(inner)).get(index)
        if within is not None:
            return unit_of(within, deeper)
        return unit_of(inner, rest) if isinstance(inner, Table) else "1"
    return _unit(field)


def shown(value: Any, unit: str) -> str:
    """A value as people read it.

    >>> shown(20.0, "A/m^2"), shown(5e-9, "m"), shown(298.15, "K"), shown(True, "1")
    ('2 mA/cm^2', '5 nm', '25 degC', 'True')
    """
    if isinstance(value, PropertyTable):
        of = "a table" if value.table is not None else value.correlation
        return f"{of}({', '.join(f'{each:.5g}' for each in value.arguments())})" if value.table is None else of
    if not isinstance(value, float | int) or isinstance(value, bool):
        return str(value)
    if unit == "K":
        return f"{value - 273.15:.6g} degC"
    target = "nm" if unit == "m" and abs(value) < 1e-6 else _SHOWN.get(unit, unit)
    number = value if target == unit or unit == "1" else convert(value, unit, target)
    return f"{number:.6g}" + ("" if unit == "1" else f" {target}")


def _text(spec: PropertySpec | Reduction) -> str:
    if isinstance(spec, Reduction):
        return spec.equation
    if spec.correlation == "table":
        return f"table of {len(spec.coefficients[0])} points"
    return f"{spec.correlation}({', '.join(f'{each:g}' for each in spec.coefficients)})"
