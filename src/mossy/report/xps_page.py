"""The report of `mossy xps` as one page."""

from __future__ import annotations

from pathlib import Path

from mossy.report.canvas import figure_blocks, style
from mossy.report.cycling_page import shown_table
from mossy.report.draw_xps import draw_film, draw_profile, draw_regions, draw_survey
from mossy.report.markup import Html, bullets, cards, element, folded, join, table, text, versions_table
from mossy.report.page import assemble
from mossy.report.xps_content import SampleShown, XpsContent


def write_xps_report(path: Path, content: XpsContent) -> Path:
    """Writes the page; returns its path."""
    path.write_text(render_xps(content), encoding="utf-8")
    return path


def render_xps(content: XpsContent) -> str:
    """The page as text: a section a sample."""
    with style():
        parts = [("summary", "Summary", cards(content.facts) if content.facts else Html(""))]
        profile = figure_blocks(draw_profile(content.profile, content.profile_labels))
        parts.append(("profile", "Depth profile", profile))
        parts += [
            (f"sample_{place}", sample.name, _sample(sample, f"s{place}"))
            for place, sample in enumerate(content.samples, 1)
        ]
    parts += [
        ("refused", "Files that were not used", _refused(content)),
        ("versions", "Versions", versions_table(content.versions)),
    ]
    kept = [part for part in parts if part[2]]
    heading = element("h1", text(content.title))
    return assemble(content.title, heading, Html(""), kept, content.versions.get("mossy", ""))


def _sample(sample: SampleShown, name: str) -> Html:
    parts = [cards(sample.facts)] if sample.facts else []
    parts += [Html(f'<div class="alert" role="alert">{text(sentence)}</div>') for sentence in sample.warnings]
    if sample.flags:
        inside = bullets(list(sample.flags))
        parts.append(
            inside if len(sample.flags) <= 4 else folded(f"{len(sample.flags)} things to look at first", inside)
        )
    groups = (
        ("phases", "Phases, all regions together", draw_regions(sample.phases, f"{name}_phase")),
        ("peaks", "Peaks", draw_regions(sample.peaks, f"{name}_peak")),
        ("simulated", "As the simulated film would show", draw_regions(sample.simulated, f"{name}_beside")),
        ("film", "By depth of sputtering", draw_film(sample.film, f"{name}_film")),
        ("survey", "Elements", draw_survey(sample.survey, name)),
    )
    for key, title, drawings in groups:
        tables = sample.tables.get(key, ())
        if drawings or tables:
            parts.append(element("h3", text(title)))
            parts.append(figure_blocks(drawings))
            parts += [shown_table(each) for each in tables]
    if sample.notes:
        parts.append(folded("notes", bullets(list(sample.notes))))
    return join(part for part in parts if part)


def _refused(content: XpsContent) -> Html:
    if not content.refused:
        return Html("")
    return table(["file", "reason"], [[text(name), text(reason)] for name, reason in content.refused])
