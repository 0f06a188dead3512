"""The reports of `mossy cycling`: a page a cell, and a page for a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from mossy.report.canvas import Drawing, figure_blocks, style
from mossy.report.cycling_content import CyclingContent, FolderContent, TableShown
from mossy.report.draw_cycling import draw_cell, draw_efficiencies
from mossy.report.markup import Html, bullets, cards, element, folded, join, paragraph, table, text, versions_table
from mossy.report.page import assemble
from mossy.report.wording import duration

_SECTIONS = (
    ("voltage", "Voltage"),
    ("efficiency", "Efficiency"),
    ("overpotential", "Overpotential"),
    ("critical", "Critical current"),
    ("impedance", "Impedance in the test"),
    ("practical", "How far from a practical cell"),
)
_LONG = 12  # rows of a table before it is folded


def write_cycling_report(path: Path, content: CyclingContent) -> Path:
    """Writes the page of a cell; returns its path."""
    path.write_text(render_cycling(content), encoding="utf-8")
    return path


def render_cycling(content: CyclingContent) -> str:
    """The page of a cell as text."""
    with style():
        drawn = draw_cell(content)
        parts = [
            ("summary", "Summary", _summary(content)),
            ("events", "Events", _events(content)),
            *((name, title, _section(drawn.get(name, []), content.tables.get(name, ()))) for name, title in _SECTIONS),
        ]
    parts += [
        ("missing", "What is missing", bullets(list(content.missing)) if content.missing else Html("")),
        ("files", "Files", _section([], content.tables.get("files", ()))),
        ("versions", "Versions", versions_table(content.versions)),
    ]
    kept = [part for part in parts if part[2]]
    heading = join([element("h1", text(content.title)), paragraph(content.lead, "lead")])
    return assemble(content.title, heading, Html(""), kept, content.versions.get("mossy", ""))


def _summary(content: CyclingContent) -> Html:
    parts = [cards(content.facts)]
    parts += [Html(f'<div class="alert" role="alert">{text(sentence)}</div>') for sentence in content.warnings]
    if content.notes:
        parts.append(bullets(list(content.notes)))
    return join(parts)


def _events(content: CyclingContent) -> Html:
    if not content.events:
        return Html("")
    parts = []
    for time, kind, sentence, evidence in content.events[:30]:
        when = f"{duration(time)}: " if time is not None else ""
        sentence = sentence.removeprefix(kind).removeprefix(":").lstrip()
        sentence = sentence[:1].upper() + sentence[1:]
        parts.append(element("p", join([element("strong", text(f"{when}{kind}. ")), text(sentence)], "")))
        if evidence:
            parts.append(folded("the evidence", bullets(list(evidence))))
    if len(content.events) > 30:
        parts.append(paragraph(f"{len(content.events) - 30} more are in summary.json.", "quiet"))
    return join(parts)


def _section(drawings: Sequence[Drawing], tables: Sequence[TableShown]) -> Html:
    parts = [figure_blocks(drawings), *(shown_table(each) for each in tables)]
    return join(part for part in parts if part)


def shown_table(shown: TableShown) -> Html:
    """A table with its title and note, folded where it is long."""
    rows = [[text(cell) for cell in row] for row in shown.rows]
    inside = table(shown.headings, rows, numeric=shown.numeric)
    if shown.note:
        inside = join([inside, paragraph(shown.note, "quiet")])
    if len(rows) > _LONG:
        return folded(f"{shown.title} ({len(rows)} rows)", inside)
    return join([element("h3", text(shown.title)), inside]) if shown.title else inside


def write_folder_report(path: Path, content: FolderContent) -> Path:
    """Writes the page of a folder; returns its path."""
    path.write_text(render_folder(content), encoding="utf-8")
    return path


def render_folder(content: FolderContent) -> str:
    """The page of a folder as text."""
    with style():
        drawings = draw_efficiencies(content.efficiencies, content.names) if content.efficiencies is not None else []
        figures = _section(drawings, ())
    parts = [
        ("summary", "Summary", cards(content.facts)),
        ("efficiency", "Efficiency", figures),
        ("cells", "Cells", _linked(content)),
        ("refused", "Files that were not used", _refused(content)),
        ("versions", "Versions", versions_table(content.versions)),
    ]
    kept = [part for part in parts if part[2]]
    return assemble(
        content.title, element("h1", text(content.title)), Html(""), kept, content.versions.get("mossy", "")
    )


def _linked(content: FolderContent) -> Html:
    """The table of cells, whose first column leads to the cell's own report where there is one."""
    rows = []
    for name, *cells in content.cells.rows:
        target = content.links.get(name)
        first = Html(f'<a href="{quote(target)}">{text(name)}</a>') if target else text(name)
        rows.append([first, *(text(cell) for cell in cells)])
    if not rows:
        return Html("")
    inside = table(content.cells.headings, rows, numeric=content.cells.numeric)
    return join([inside, paragraph(content.cells.note, "quiet")]) if content.cells.note else inside


def _refused(content: FolderContent) -> Html:
    if not content.refused:
        return Html("")
    return table(["file", "reason"], [[text(name), text(reason)] for name, reason in content.refused])
