"""The report of `mossy cell-design` as one page, from what cell_design.json holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mossy.report.canvas import figure_blocks, style
from mossy.report.draw_cell_design import draw_breakdown, draw_life
from mossy.report.markup import Html, badge, bullets, cards, doi_link, dotted, element, join, paragraph, table, text
from mossy.report.page import assemble
from mossy.report.wording import number, percent

_VERDICTS = {True: ("practical", "good"), False: ("not practical", "bad"), None: ("not known", "warn")}


@dataclass(frozen=True, eq=False)
class CellDesignContent:
    """What the page shows: cell_design.json's content, the retention curve, the design as written."""

    summary: Mapping[str, Any]
    cycles: np.ndarray
    retention: np.ndarray
    case_text: str
    versions: Mapping[str, str] = field(default_factory=dict)


def write_cell_design_report(path: Path, content: CellDesignContent) -> Path:
    """Writes the page; returns its path."""
    path.write_text(render_cell_design(content), encoding="utf-8")
    return path


def render_cell_design(content: CellDesignContent) -> str:
    """The page as text."""
    summary = content.summary
    with style():
        breakdown = figure_blocks(draw_breakdown(summary["parts"]))
        life = figure_blocks(draw_life(content.cycles, content.retention, summary["life"]))
    parts = [
        ("summary", "Summary", _cards(summary)),
        ("practical", "How far from practical", practical_table(summary["practical"])),
        ("breakdown", "Mass and volume", join([breakdown, _parts(summary["parts"])])),
        ("energy", "Energy", _energy(summary)),
        ("life", "Life", _life(summary["life"], life)),
        ("assumed", "Assumed", _assumed(summary["assumed"])),
        ("design", "The design", element("pre", element("code", text(content.case_text)))),
        ("versions", "Versions", table(["", "version"], [[text(a), text(b)] for a, b in content.versions.items()])),
    ]
    title = summary["title"] or "A cell design"
    heading = join([element("h1", text(title)), paragraph(_lead(summary), "lead")])
    return assemble(title, heading, Html(""), parts, content.versions.get("mossy", ""))


def practical_table(facts: Sequence[Mapping[str, Any]]) -> Html:
    """What is known of a cell beside what a practical cell has, with the sources of the targets."""
    rows = []
    for fact in facts:
        target = fact["target"]
        source = [text(target["source"]), doi_link(target["doi"])]
        if target["status"] == "transcribed":
            source.append(badge("read in a transcription", "warn"))
        words, kind = _VERDICTS[fact["practical"]]
        rows.append([text(fact["quantity"]), badge(words, kind), text(fact["sentence"]), join(source, " ")])
    return table(["Quantity", "", "This cell", "Who says so"], rows, css="told")


def _lead(summary: Mapping[str, Any]) -> str:
    cell = summary["cell"]
    size = f"{number(cell['capacity_Ah'], 3)} Ah, {number(cell['energy_Wh'], 3)} Wh, {number(cell['mass_g'], 3)} g"
    return f"{size}, {number(cell['volume_charged_mL'], 3)} mL charged"


def _cards(summary: Mapping[str, Any]) -> Html:
    cell, stack, life = summary["cell"], summary["stack"], summary["life"]
    ratio = summary["n_to_p_at_assembly"]
    facts = [
        (
            "Specific energy",
            f"{number(cell['specific_energy_Wh_per_kg'], 3)} Wh/kg",
            f"stack {number(stack['specific_energy_Wh_per_kg'], 3)}",
        ),
        (
            "Energy density, charged",
            f"{number(cell['energy_density_Wh_per_L'], 3)} Wh/L",
            f"as built {number(cell['energy_density_as_built_Wh_per_L'], 3)}; without the electrolyte beyond the pores "
            f"{number(cell['energy_density_as_laid_out_Wh_per_L'], 3)}",
        ),
        ("Swelling", f"{number(cell['swelling_percent'], 2)} %", "of the cell's volume, by the metal plated"),
        (
            "N/P",
            "anode-free" if ratio == 0.0 else number(ratio, 3),
            f"metal at assembly; {number(summary['n_to_p_charged'], 3)} with what is plated",
        ),
        (
            "Electrolyte",
            f"{number(summary['electrolyte_g_per_Ah'], 3)} g/Ah",
            f"{summary['electrolyte_class']}; {_filling(summary['pore_filling'])}",
        ),
    ]
    if life is not None:
        ended = "nothing ends it" if life["ended_by"] == "nothing" else f"ended by {life['ended_by']}"
        facts.append(("Life", _cycles(life["cycles"]), f"{ended}; wanted {life['wanted_cycles']}"))
    parts = [cards(facts)]
    if summary["notes"]:
        notes = join([element("h3", text("To keep in mind")), bullets(list(summary["notes"]))])
        parts.append(element("div", notes))
    return join(parts)


def _filling(filling: float) -> str:
    return f"{number(filling, 2)} times the pores" if np.isfinite(filling) else "there are no pores"


def _cycles(cycles: float) -> str:
    return f"{number(round(cycles), 3)} cycles" if np.isfinite(cycles) else "no end"


def _parts(parts: Sequence[Mapping[str, Any]]) -> Html:
    columns = ("mass_g", "mass_percent", "volume_mL", "volume_percent")
    rows = [[text(part["part"]), *(text(number(part[each], 3)) for each in columns)] for part in parts]
    rows.append([element("strong", text("cell")), *(text(number(sum(p[each] for p in parts), 4)) for each in columns)])
    return table(["Part", "mass (g)", "mass (%)", "volume (mL)", "volume (%)"], rows, numeric=(1, 2, 3, 4))


def _energy(summary: Mapping[str, Any]) -> Html:
    words = {
        "specific_energy_Wh_per_kg": "specific energy (Wh/kg)",
        "energy_density_Wh_per_L": "energy density, charged (Wh/L)",
        "energy_density_as_built_Wh_per_L": "energy density, as built (Wh/L)",
        "energy_density_as_laid_out_Wh_per_L": "as laid out, charged (Wh/L)",
        "energy_density_as_built_and_laid_out_Wh_per_L": "as laid out, as built (Wh/L)",
        "mass_g": "mass (g)",
        "volume_charged_mL": "volume, charged (mL)",
        "volume_as_built_mL": "volume, as built (mL)",
        "capacity_Ah": "capacity (Ah)",
        "energy_Wh": "energy (Wh)",
    }
    rows = [
        [text(words[key]), text(number(summary["stack"][key])), text(number(summary["cell"][key]))] for key in words
    ]
    note = (
        "Energy is capacity times mean voltage. The stack is electrodes, foils, separators and electrolyte. "
        "Charged, the volume holds the metal that the first charge plates; as built, it does not. Electrolyte that "
        f"finds no pore ({number(summary['electrolyte_beyond_pores_mL'], 3)} mL in the charged cell) counts as volume "
        "of its own; as laid out it does not, as in the published cells that this calculator is checked by."
    )
    return join([table(["", "stack", "cell"], rows, numeric=(1, 2)), paragraph(note, "quiet")])


def _life(life: Mapping[str, Any] | None, figures: Html) -> Html:
    if life is None:
        return paragraph("The design has no [life].", "quiet")
    dry = life["cycles_to_dry_out"]
    rows = [
        ("Coulombic efficiency", percent(life["coulombic_efficiency"], 4)),
        ("no fade for", _cycles(life["cycles_without_fade"])),
        (f"{percent(life['end_of_life_retention'], 0)} of the capacity after", _cycles(life["cycles_to_retention"])),
        ("dried out after", "not estimated" if dry is None else _cycles(dry)),
        (f"capacity left after {life['wanted_cycles']} cycles", percent(life["retention_at_wanted_cycles"], 1)),
        (f"Coulombic efficiency that {life['wanted_cycles']} need", percent(life["required_coulombic_efficiency"], 4)),
    ]
    consumed = life["electrolyte_per_lost_charge_g_per_Ah"]
    if consumed is not None:
        rows.append(("electrolyte that a lost charge uses up", f"{number(consumed, 3)} g/Ah"))
    body = table(["", ""], [[text(name), text(value)] for name, value in rows], numeric=(1,))
    return join([paragraph(life["sentence"]), figures, body])


def _assumed(paths: Sequence[str]) -> Html:
    if not paths:
        return paragraph("No value had to be assumed.", "quiet")
    words = "The design does not give these; they took their defaults."
    return join([paragraph(words), element("ul", join(element("li", dotted(path)) for path in paths))])
