"""A material as text: every value with its unit, conditions, source and status."""

from __future__ import annotations

import contextlib

from mossy.errors import InputError, suggest
from mossy.materials.catalogue import Value, names
from mossy.materials.core_lines import CoreLine
from mossy.materials.electrodes import electrode, film_defaults, metal
from mossy.materials.electrolytes import PropertySpec, electrolyte
from mossy.materials.phases import Phase, phase, phases_of
from mossy.materials.photoemission import FilmPhase, film, photoemission_phases
from mossy.materials.reductions import Reduction, reduction, reductions_of


def describe(name: str) -> str:
    """The values of a metal, a substrate, an electrolyte, a phase with its photoemission lines, or the "default" film.

    >>> print(describe("copper").splitlines()[0])
    copper (Cu)
    >>> print("\\n".join(describe("LiTFSI").splitlines()[:1]))
    LiTFSI: lithium bis(trifluoromethanesulfonyl)imide (LiN(SO2CF3)2), on lithium
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
    return "\n".join([*lines, *_photoemission(solid.symbol)])


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
    for text in (lambda: _phase(phase(name)), lambda: _film(film(name))):
        with contextlib.suppress(InputError):
            return text()
    try:
        found = electrolyte(name)
    except InputError:
        few = [*names("metals"), *names("substrates"), *names("electrolytes"), "default"]
        remedy = suggest(name, [*few, *names("phases"), *photoemission_phases()])
        if not remedy.startswith("did you mean"):
            remedy = f"{suggest(name, few)}, or a phase that `mossy materials` lists"
        raise InputError(f"no material is called '{name}'", remedy=remedy) from None
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
    if found.disagreement:
        lines.append(f"  note: {found.disagreement}")
    return "\n".join([*lines, *_photoemission(found.name)])


def _film(found: FilmPhase) -> str:
    """A phase that only photoemission knows."""
    place = f", on {found.metal}" if found.metal else ""
    lines = [f"{found.name}: {found.title} ({found.formula}){place}", _line("density", found.density)]
    return "\n".join([*lines, *_photoemission(found.name)])


def _photoemission(name: str) -> list[str]:
    """The lines of a phase that has any: eV of binding energy, with one standard deviation."""
    if name not in photoemission_phases():
        return []
    found = film(name)
    head = [_line("band_gap", found.band_gap), f"  valence_electrons = {found.valence_electrons:g} a formula unit"]
    shown = [text for line in found.lines for text in _core_line(line)]
    return [*head, "  photoemission lines:", *shown, *(f"  beware: {flag}" for flag in found.flags)]


def _core_line(line: CoreLine) -> list[str]:
    what = f"    {line.orbital} ({line.environment}), {line.stoichiometry:g} a formula unit"
    if line.binding_energy is None or line.spread is None:
        return [f"{what}: position unknown" + (f"; {line.note}" if line.note else "")]
    position = f"{line.binding_energy:.2f} +/- {line.spread:.2f} eV [{line.status}]; against {line.charge_reference}"
    lines = [f"{what} = {position}", f"      {line.source}"]
    if line.note:
        lines.append(f"      note: {line.note}")
    far = line.separation
    if far is not None:
        of = f"{far.orbital} ({far.environment})" if far.environment else far.orbital
        lines += [f"      {far.value:+.2f} +/- {far.spread:.2f} eV from its {of} [{far.status}]", f"      {far.source}"]
    return lines


def _line(key: str, value: Value) -> str:
    conditions = f"; {value.conditions}" if value.conditions else ""
    return f"  {key} = {float(value):.6g} {value.unit} [{value.status}]{conditions}\n      {value.source}"


def _property(key: str, spec: PropertySpec) -> str:
    shown = "table" if spec.correlation == "table" else f"({', '.join(f'{each:g}' for each in spec.coefficients)})"
    valid = "; ".join(f"{quantity} {low:g} to {high:g}" for quantity, (low, high) in spec.validity.items())
    return f"  {key} = {spec.correlation} {shown} {spec.unit} [{spec.status}]; valid {valid}\n      {spec.source}"
