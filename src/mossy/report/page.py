"""The page as a whole: which sections there are, and the one file they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from mossy.report import overview, provenance, sections
from mossy.report.canvas import Drawing, style
from mossy.report.content import ReportContent
from mossy.report.draw_film import draw_film
from mossy.report.draw_fit import draw_comparisons
from mossy.report.draw_history import draw_history
from mossy.report.draw_impedance import draw_impedance
from mossy.report.draw_interphase import draw_efficiency, draw_interphase, draw_surface_salt
from mossy.report.draw_profiles import draw_profiles
from mossy.report.draw_voltage import draw_voltage
from mossy.report.markup import Html, element, join, text


def write_report(path: str | Path, content: ReportContent) -> Path:
    """Writes the report as one HTML file that loads nothing; returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(content), encoding="utf-8")
    return path


def save_figures(folder: str | Path, content: ReportContent) -> list[Path]:
    """Writes every figure of the report as PNG into the folder, named as in the report; returns the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with style():
        for drawing in (drawing for group in _drawings(content).values() for drawing in group):
            paths.append(folder / f"{drawing.name}.png")
            drawing.figure.savefig(paths[-1], dpi=160)
    return paths


def render(content: ReportContent) -> str:
    """The report as text."""
    with style():
        parts = _sections(content, _drawings(content))
    title, version = content.title or "Untitled run", content.versions.get("mossy", "")
    return assemble(title, overview.heading(content), overview.warning(content), parts, version)


def assemble(title: str, heading: Html, warning: Html, parts: Sequence[tuple[str, str, Html]], version: str) -> str:
    """A whole page from its sections: (name, title, inside) each."""
    links = join(Html(f'<li><a href="#{name}">{text(title)}</a></li>') for name, title, _ in parts)
    body = join(
        Html(f'<section id="{name}">{element("h2", text(title))}\n{inner}</section>') for name, title, inner in parts
    )
    return Template(_resource("page.html")).substitute(
        title=text(title),
        style=_resource("page.css"),
        heading=heading,
        warning=warning,
        contents=links,
        sections=body,
        version=text(version),
    )


def _drawings(content: ReportContent) -> dict[str, list[Drawing]]:
    return {
        "voltage": draw_voltage(content.cycling),
        "efficiency": draw_efficiency(content.items("cycles")),
        "interphase": [
            *draw_interphase(content.cycling),
            *draw_history(content.interphase),
            *draw_film(content.interphase),
        ],
        "impedance": draw_impedance(content.impedance),
        "salt": [*draw_profiles(content.profiles), *draw_surface_salt(content.cycling)],
        "fit": draw_comparisons(content.comparisons),
    }


def _sections(content: ReportContent, drawings: Mapping[str, Sequence[Drawing]]) -> list[tuple[str, str, Html]]:
    """Name, title and inside of each section in its order; the fit stands first among them where there is one."""
    figures = sections.figures
    still = sections.still(content.cycling)
    parts = [
        ("summary", "Summary", overview.cards(content)),
        ("events", "What happened", overview.happened(content)),
        ("voltage", "Voltage", figures(drawings["voltage"], still or "No voltage was recorded.")),
        ("efficiency", "Efficiency", sections.efficiency(content, drawings["efficiency"])),
        (
            "interphase",
            "Film and metal",
            sections.interphase(content, drawings["interphase"], still or "There is neither film nor metal to show."),
        ),
        ("impedance", "Impedance", sections.impedance(content, drawings["impedance"])),
        ("salt", "Salt", figures(drawings["salt"], "No profiles: this model has no gradients, or none was kept.")),
        ("parameters", "Parameters", provenance.parameters(content)),
        ("versions", "Versions", provenance.versions(content)),
        ("case", "The case", provenance.case(content)),
    ]
    if content.fit is None and not content.comparisons:
        return parts
    parts.insert(1, ("fit", "Fit", sections.fit(content, drawings["fit"])))
    return [part for part in parts if part[0] in _shown_with_a_fit(content, drawings)]


def _shown_with_a_fit(content: ReportContent, drawings: Mapping[str, Sequence[Drawing]]) -> set[str]:
    """A fit need not hold a whole run: only sections with something in them stay."""
    shown = {"summary", "fit", "parameters", "versions", "case", *(name for name in drawings if drawings[name])}
    shown |= {"events"} if content.protocol or content.items("events") else set()
    return shown | ({"efficiency"} if content.items("cycles") else set())


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
