"""The report of `mossy eis` as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mossy.report.canvas import Drawing, figure_blocks, style
from mossy.report.draw_spectra import draw_series
from mossy.report.markup import Html, bullets, cards, element, folded, join, paragraph, table, text, versions_table
from mossy.report.page import assemble
from mossy.report.spectra_content import SeriesShown, SpectraContent
from mossy.report.wording import duration, number

_SECTIONS = (
    ("spectra", "Spectra"),
    ("fit", "Fit"),
    ("times", "Relaxation times"),
    ("parameters", "Along the series"),
)


def write_spectra_report(path: Path, content: SpectraContent) -> Path:
    """Writes the page; returns its path."""
    path.write_text(render_spectra(content), encoding="utf-8")
    return path


def render_spectra(content: SpectraContent) -> str:
    """The page as text."""
    with style():
        drawn = [draw_series(series, place) for place, series in enumerate(content.series, 1)]
        parts = [
            ("summary", "Summary", _summary(content)),
            *((name, title, _figures(content, drawn, name)) for name, title in _SECTIONS),
        ]
    parts += [
        ("values", "Values", _values(content)),
        ("circuits", "Circuits tried", _candidates(content)),
        ("flagged", "Flagged", _flagged(content)),
        ("versions", "Versions", versions_table(content.versions)),
    ]
    kept = [part for part in parts if part[2]]
    lead = Html(f'<p class="lead">{element("code", text(content.circuit))}</p>')
    heading = join([element("h1", text(content.title)), lead])
    return assemble(content.title, heading, Html(""), kept, content.versions.get("mossy", ""))


def _summary(content: SpectraContent) -> Html:
    parts = [cards(content.facts)]
    for series in content.series:
        for _, sentence, evidence in series.events:
            parts.append(Html(f'<div class="alert" role="alert"><strong>{text(sentence)}</strong></div>'))
            parts.append(folded("the evidence", bullets(list(evidence))))
        if series.notes:
            parts.append(folded(f"{series.name}: notes", bullets(list(series.notes))))
    if content.notes:
        parts.append(element("h3", text("What the files say of themselves")))
        parts.append(bullets(list(content.notes)))
    if content.assumptions:
        parts.append(folded("What the derived quantities assume", bullets(list(content.assumptions))))
    return join(parts)


def _figures(content: SpectraContent, drawn: Sequence[dict[str, list[Drawing]]], name: str) -> Html:
    parts = []
    for series, figures in zip(content.series, drawn, strict=True):
        if not figures[name]:
            continue
        if len(content.series) > 1:
            parts.append(element("h3", text(_headline(series))))
        parts.append(figure_blocks(figures[name]))
    return join(parts)


def _headline(series: SeriesShown) -> str:
    count = f"{len(series.spectra)} spectra" if len(series.spectra) > 1 else "1 spectrum"
    if series.kind == "time" and len(series.coordinate) > 1:
        return f"{series.name}: {count} in {duration(float(series.coordinate.max() - series.coordinate.min()))}"
    return f"{series.name}: {count}"


def _values(content: SpectraContent) -> Html:
    parts = []
    for name, rows in content.rows:
        cells = [
            [text(each), text(number(value)), text(_error(error)), text(unit), text(note)]
            for each, value, error, unit, note in rows
        ]
        inside = table(["parameter", "value", "standard error", "unit", ""], cells, numeric=(1, 2))
        parts.append(inside if len(content.rows) == 1 else folded(name, inside))
    return join([*parts, paragraph("All of them are in impedance_fit.parquet.", "quiet")]) if parts else Html("")


def _error(error: float) -> str:
    return "not determined" if error == float("inf") else number(error, 2)


def _candidates(content: SpectraContent) -> Html:
    if not content.candidates:
        return Html("")
    words = (
        "Each was fitted to a sample of the spectra. The first is taken: the least Bayesian criterion among those of "
        "which all parameters are determined to half their value in most of the sample. Name another with --circuit."
    )
    parts = [paragraph(words)]
    for name, candidates in content.candidates.items():
        inside = _tried(candidates)
        parts.append(inside if len(content.candidates) == 1 else join([element("h3", text(name)), inside]))
    return join(parts)


def _tried(candidates: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [
            element("code", text(each["circuit"])),
            text(each["parameters"]),
            text(number(each["bic"], 5)),
            text(f"{100.0 * each['relative_rms']:.3g} %"),
            text(number(each["noise_ratio"], 3)),
            text(f"{100.0 * each['determined']:.0f} %"),
        ]
        for each in candidates
    ]
    head = ["circuit", "parameters", "sum of BIC", "residual", "over the noise", "determined"]
    return table(head, rows, numeric=(1, 2, 3, 4, 5))


def _flagged(content: SpectraContent) -> Html:
    parts = []
    if content.flagged:
        rows = [[text(name), text(reason)] for name, reason in content.flagged]
        parts += [element("h3", text("Spectra")), table(["spectrum", "reason"], rows)]
    if content.skipped:
        rows = [[text(name), text(reason)] for name, reason in content.skipped]
        parts += [element("h3", text("Files that were not used")), table(["file", "reason"], rows)]
    return join(parts) if parts else Html("")
