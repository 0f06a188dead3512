"""`mossy cell-design`: a design in, its energy, life and distance from a practical cell out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mossy.commands import made_folder, versions_used, write_json
from mossy.errors import InputError

if TYPE_CHECKING:
    from mossy.analysis.cell_design import Assessment


def design_cell(path: Path | None, out: Path) -> int:
    """The command: cell_design.json and report.html into the folder, a short table on the terminal."""
    from mossy.analysis.cell_design import assess, load_design
    from mossy.report.cell_design_page import CellDesignContent, write_cell_design_report

    if path is None:
        raise InputError("no design was given", key="CASE", remedy="name a file, or print one with --example")
    design = load_design(path)
    try:
        found = assess(design)
    except InputError as error:
        raise error.at(file=path) from None
    folder, summary, versions = made_folder(out), found.summary(), versions_used()
    write_json(folder / "cell_design.json", summary | {"versions": versions})
    content = CellDesignContent(summary, *found.curve(), design.text, versions)
    write_cell_design_report(folder / "report.html", content)
    _say(found, folder)
    return 0


def example() -> str:
    """A commented design to begin from."""
    from mossy.analysis.cell_design import example_text

    return example_text()


def _say(found: Assessment, folder: Path) -> None:
    balance, kind = found.balance, found.summary()["electrolyte_class"]
    at_assembly = "anode-free" if balance.metal_ratio == 0.0 else f"{balance.metal_ratio:.2f} at assembly"
    rows = [
        ("", "stack", "cell"),
        ("Wh/kg", *(f"{balance.specific_energy(stack):.1f}" for stack in (True, False))),
        ("Wh/L charged", *(f"{balance.energy_density(stack):.0f}" for stack in (True, False))),
        ("Wh/L as built", *(f"{balance.energy_density(stack, charged=False):.0f}" for stack in (True, False))),
    ]
    if balance.beyond_pores > 0.0:
        for name, charged in (("charged", True), ("as built", False)):
            densities = [balance.energy_density(stack, charged, beyond_pores=False) for stack in (True, False)]
            rows.append((f"  {name}, without electrolyte beyond the pores", *(f"{each:.0f}" for each in densities)))
    width = max(len(name) for name, _, _ in rows) + 2
    for name, stack, cell in rows:
        print(f"{name:{width}}{stack:>6}{cell:>8}")
    print(f"N/P: {at_assembly}, {balance.total_metal_ratio:.2f} charged")
    print(f"E/C: {found.electrolyte_grams_per_ampere_hour:.2f} g/Ah, {kind}")
    if found.life is not None:
        print(f"life: {found.life.sentence}")
    for fact in found.practical:
        if fact.practical is False:
            print(f"not practical: {fact.sentence}")
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"report: {folder / 'report.html'}")
