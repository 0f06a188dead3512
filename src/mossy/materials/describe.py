"""A material as text: every value with its unit, conditions, source and status."""

from __future__ import annotations

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, names
from mossy.materials.electrodes import electrode, film_defaults, metal
from mossy.materials.electrolytes import PropertySpec, electrolyte
from mossy.materials.phases import Phase, phase, phases_of
from mossy.materials.reductions import Reduction, reduction, reductions_of


def describe(name: str) -> str:
    """The values of a metal, a substrate, an electrolyte, a phase or the "default" film.

    >>> print(describe("copper").splitlines()[0])
    copper (Cu)
    """
    if name.strip().lower() == "default":
        return "\n".join(["default film", *(_line(key, value) for key, value in film_defaults().items())])
    try:
        solid = electrode(name)
    except InputError:
        return _electrolyte(name)
    keys = ("molar_mass", "density", "lattice_parameter", "lattice_parameter_c", "molar_volume")
    own = {key: getattr(solid, key) for key in keys if getattr(solid, key) is not None}
    values = {**own, **solid.kinetics, **solid.mechanics}
    lines = [f"{solid.name} ({solid.symbol})", *(_line(key, value) for key, value in values.items())]
    if solid.disagreement:
        lines.append(f"  note: {solid.disagreement}")
    if solid.name in names("metals"):
        lines.append(f"  phases: {', '.join(each.name for each in phases_of(solid.name))}")
        lines += [_reaction(reduction(each, solid.name)) for each in reductions_of(solid.name)]
    return "\n".join(lines)


def _reaction(made: Reduction) -> str:
    return f"  {made.name}: {made.equation} [{made.status}]\n      {made.source}"


def native_films(metal_name: str) -> str:
    """What a metal's phases do in the place of the metal they consumed, as a table.

    PBR is the Pilling-Bedworth ratio, the porosity what it leaves in the metal's footprint; the last number is the
    thickness of the layer, pores included, that 1 nmol/cm2 of metal turns into.
    """
    of = metal(metal_name)
    head = ("phase", "V_m cm3/mol", "PBR", "covers", "porosity", "nm per nmol/cm2 of metal", "status")
    rows = [head, *(_native_row(each) for each in phases_of(of.name))]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    volume = f"{float(of.molar_volume) * 1e6:.3f} cm3/mol"
    notes = [f"{each.name}: {each.disagreement}" for each in phases_of(of.name) if each.disagreement]
    doses = ["thickness from a dose, pores included, nm per nmol/cm2 of gas that reacts:", *_doses(of.name)]
    title = f"native films of {of.name} ({of.symbol}, {volume})"
    return "\n".join([title, "", *lines, "", *doses, "", *notes]).rstrip()


def _doses(metal_name: str) -> list[str]:
    """What 1 nmol/cm2 of O2, H2O, CO2, N2 makes by each reaction of the library with that gas alone."""
    found = []
    for name in reductions_of(metal_name):
        made = reduction(name, metal_name)
        gas, *others = made.reactants.items()
        if others or gas[0] not in ("O2", "H2O", "CO2", "N2"):
            continue
        solid = {each: phase(each) for each in made.products}
        # as laws.native_film.native_film_thickness, without loading JAX
        thickness = sum(
            1e-5 * amount / gas[1] * solid[each].molar_volume / (1.0 - solid[each].footprint_porosity)
            for each, amount in made.products.items()
        )
        found.append(f"  {name}: {float(thickness) * 1e9:.4f} nm of {', '.join(solid)}")
    return found


def _native_row(each: Phase) -> tuple[str, ...]:
    per_metal = each.molar_volume / each.metal_per_formula / (1.0 - each.footprint_porosity)
    return (
        each.name,
        f"{float(each.molar_volume) * 1e6:.3f}",
        f"{each.pilling_bedworth_ratio:.3f}",
        "yes" if each.covers else "no",
        f"{each.footprint_porosity:.2f}",
        f"{per_metal * 1e-5 * 1e9:.4f}",
        each.molar_volume.status,
    )


def _electrolyte(name: str) -> str:
    try:
        return _phase(phase(name))
    except InputError:
        pass
    try:
        found = electrolyte(name)
    except InputError:
        known = [*names("metals"), *names("substrates"), *names("electrolytes"), *names("phases"), "default"]
        raise InputError(f"no material is called '{name}'", remedy=suggest(name, known)) from None
    lines = [f"{found.name}: {found.salt} in {found.solvent}", _line("concentration", found.concentration)]
    return "\n".join([*lines, *(_property(key, spec) for key, spec in found.properties.items())])


def _phase(found: Phase) -> str:
    kind = f"{found.name}: {found.title} ({found.formula}), on {found.metal}"
    ratio = found.pilling_bedworth_ratio
    covers = "can cover" if found.covers else "cannot cover"
    lines = [kind, _line("molar_volume", found.molar_volume)]
    if found.molar_volume_from_density is not None:
        lines.append(_line("molar_volume_from_density", found.molar_volume_from_density))
    lines += [_line(key, value) for key, value in found.values.items()]
    lines.append(f"  Pilling-Bedworth ratio = {ratio:.3f}: {covers}")
    return "\n".join([*lines, f"  note: {found.disagreement}"] if found.disagreement else lines)


def _line(key: str, value: Value) -> str:
    conditions = f"; {value.conditions}" if value.conditions else ""
    return f"  {key} = {float(value):.6g} {value.unit} [{value.status}]{conditions}\n      {value.source}"


def _property(key: str, spec: PropertySpec) -> str:
    shown = "table" if spec.correlation == "table" else f"({', '.join(f'{each:g}' for each in spec.coefficients)})"
    valid = "; ".join(f"{quantity} {low:g} to {high:g}" for quantity, (low, high) in spec.validity.items())
    return f"  {key} = {spec.correlation} {shown} {spec.unit} [{spec.status}]; valid {valid}\n      {spec.source}"
