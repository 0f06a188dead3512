"""The sections with figures: efficiency, impedance and the fit with their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from mossy.report.canvas import Drawing, figure_blocks
from mossy.report.content import ELECTRODES, ReportContent, column
from mossy.report.draw_film import phase_name
from mossy.report.draw_impedance import Spectrum, spectra
from mossy.report.draw_interphase import efficiencies
from mossy.report.markup import Html, alert, badge, bullets, dotted, element, folded, join, paragraph, table, text
from mossy.report.overview import finished
from mossy.report.wording import UNKNOWN, any_value, known, measure, number, percent, plain_words, tidy_unit, with_error

_ROWS_IN_SIGHT = 12
_NONE = ("0", UNKNOWN)


def figures(drawings: Sequence[Drawing], otherwise: str) -> Html:
    """The figures of a section, or the sentence that says why there are none."""
    return figure_blocks(drawings) or paragraph(otherwise, "quiet")


def still(cycling: pl.DataFrame) -> str:
    """What to say where time did not pass, and nothing where it did."""
    if cycling.height != 1:
        return ""
    voltage = column(cycling, "voltage_volt")
    value = f": {measure(float(voltage[0]), 'V', 4)}" if voltage.size and np.isfinite(voltage[0]) else ""
    return f"Only one moment was recorded{value}."


def efficiency(content: ReportContent, drawings: Sequence[Drawing]) -> Html:
    """The figures of efficiency and capacity, and a table of the cycles."""
    cycles = content.items("cycles")
    if not cycles:
        return paragraph("No cycle was completed.", "quiet")
    parts = [figures(drawings, "")] if drawings else []
    if not efficiencies(cycles):
        parts.append(
            paragraph("No cycle plated metal on the electrode under study, so there is no efficiency.", "quiet")
        )
    rows = [
        [
            text(any_value(row.get("cycle"))),
            text(number(row.get("plated_mAh_per_cm2"), 5)),
            text(number(row.get("stripped_mAh_per_cm2"), 5)),
            text(percent(row.get("coulombic_efficiency"), 3)),
            text(plain_words(str(row.get("end") or ""))),
        ]
        for row in cycles
    ]
    headings = ["Cycle", "Plated (mAh/cm²)", "Stripped (mAh/cm²)", "Coulombic efficiency", "Ended by"]
    listed = table(headings, rows, numeric=(0, 1, 2, 3))
    parts.append(listed if len(rows) <= _ROWS_IN_SIGHT else folded(f"All {len(rows)} cycles", listed))
    return join(parts)


def impedance(content: ReportContent, drawings: Sequence[Drawing]) -> Html:
    """The spectra and what can be read off each."""
    found = spectra(content.impedance)
    if not found:
        return paragraph("No impedance was asked for.", "quiet")
    unit = found[0].unit
    headings = ["Spectrum", "Highest frequency: Z′", "Lowest frequency: Z′", "Largest −Z″", "at"]
    listed = table(headings, [_spectrum_row(spectrum, unit) for spectrum in found], numeric=(1, 2, 3, 4))
    if len(found) > _ROWS_IN_SIGHT:
        listed = folded(f"All {len(found)} spectra", listed)
    return join([figures(drawings, ""), listed])


def interphase(content: ReportContent, drawings: Sequence[Drawing], otherwise: str) -> Html:
    """The figures of films and metal, what the films are made of at the end, and where their atoms came from."""
    films = {side: (content.table("interphase").get(side) or {}) for side in ELECTRODES}
    return join([figures(drawings, otherwise), _composition(films), _ledgers(films)])


def _composition(films: Mapping[str, Mapping[str, Any]]) -> Html:
    """Amounts of the phases, and each layer's thickness and porosity."""
    rows: dict[str, dict[str, Any]] = {}
    for side, film in films.items():
        for phase, amount in (film.get("phases_nmol_per_cm2") or {}).items():
            rows.setdefault(f"{phase_name(phase)} (nmol/cm²)", {})[side] = number(amount, 4)
        for name, layer in (film.get("layers") or {}).items():
            rows.setdefault(f"{name} layer: thickness (nm)", {})[side] = number(layer.get("thickness_nm"), 4)
            rows.setdefault(f"{name} layer: porosity", {})[side] = _share(layer.get("porosity"))
    rows = {name: values for name, values in rows.items() if any(value not in _NONE for value in values.values())}
    if not rows:
        return Html("")
    listed = [[text(name), *(text(values.get(side, UNKNOWN)) for side in ELECTRODES)] for name, values in rows.items()]
    return join(
        [
            element("h3", text("What the films are made of at the end")),
            table(["", "Working", "Counter"], listed, numeric=(1, 2)),
        ]
    )


def _share(value: Any) -> str:
    """A percentage, or nothing to say where it is 0."""
    return percent(value, 1) if known(value) else UNKNOWN


def _ledgers(films: Mapping[str, Mapping[str, Any]]) -> Html:
    """Every element that the films' reactions moved, from where to where."""
    places = ("from_metal", "from_electrolyte", "into_film", "dissolved", "released")
    rows = [
        [text(side), text(name), *(text(number(entry.get(place), 4)) for place in places)]
        for side, film in films.items()
        for name, entry in (film.get("elements_nmol_per_cm2") or {}).items()
        if any(known(entry.get(place)) for place in places)
    ]
    if not rows:
        return Html("")
    headings = ["Electrode", "Element", *(plain_words(place).capitalize() for place in places)]
    note = (
        "nmol/cm² by the films' reactions since the start: what came equals what is in the film, dissolved or released."
    )
    return folded(
        "Where the atoms of the films came from",
        join([table(headings, rows, numeric=range(2, 7)), paragraph(note, "quiet")]),
    )


def _spectrum_row(spectrum: Spectrum, unit: str) -> list[Html]:
    real, negative = spectrum.impedance.real, -spectrum.impedance.imag
    top = int(np.argmax(negative))
    values = (
        measure(float(real[np.argmax(spectrum.frequency)]), unit, 4),
        measure(float(real[np.argmin(spectrum.frequency)]), unit, 4),
        measure(float(negative[top]), unit, 4),
        measure(float(spectrum.frequency[top]), "Hz"),
    )
    return [text(spectrum.name), *(text(value) for value in values)]


def fit(content: ReportContent, drawings: Sequence[Drawing]) -> Html:
    """How the fit ended, its parameters, their correlations, and every comparison."""
    parts: list[Html] = []
    if content.fit is not None:
        result = content.fit
        status = str(result.get("status", "unknown"))
        if not finished(status):
            parts.append(alert("The fit did not converge.", f"It ended as: {plain_words(status)}."))
        parts += [_fitted(result.get("parameters") or {}), _correlations(result.get("correlations") or {})]
        if result.get("notes"):
            parts.append(bullets([str(note) for note in result["notes"]]))
    return join([*parts, figures(drawings, "There is no comparison to draw.")])


def _fitted(parameters: Mapping[str, Mapping[str, Any]]) -> Html:
    if not parameters:
        return paragraph("No parameter was free.", "quiet")
    rows = []
    for path, row in parameters.items():
        mark = badge("at its bound", "warn") if row.get("at_bound") else Html("")
        bounds = row.get("bounds") or []
        rows.append(
            [
                Html(f"{dotted(path)} {mark}"),
                text(with_error(row.get("value"), row.get("standard_error"))),
                text(number(row.get("standard_error"), 2)),
                text(tidy_unit(str(row.get("unit") or ""))),
                text(any_value(row.get("initial"))),
                element("span", text(" to ".join(any_value(bound) for bound in bounds)), "whole"),
            ]
        )
    headings = ["Parameter", "Value", "Standard error", "Unit", "Initial", "Bounds"]
    return table(headings, rows, numeric=(1, 2, 4))


def _correlations(correlations: Mapping[str, Any]) -> Html:
    """The matrix with its strong entries shaded; beyond 0.95 two parameters cannot be told apart."""
    names, matrix = list(correlations.get("names") or []), correlations.get("matrix")
    if len(names) < 2 or matrix is None:
        return Html("")
    rows = [
        [
            Html(f"{place}&ensp;{dotted(name)}"),
            *(text("1") if other == place else _shaded(value) for other, value in enumerate(line, start=1)),
        ]
        for place, (name, line) in enumerate(zip(names, matrix, strict=False), start=1)
    ]
    headings = ["", *(str(place) for place in range(1, len(names) + 1))]
    drawn = table(headings, rows, numeric=range(1, len(names) + 1), css="matrix")
    note = "Beyond ±0.95 the data hardly tell two parameters apart."
    return join([element("h3", text("Correlations")), drawn, paragraph(note, "quiet")])


def _shaded(value: Any) -> Html:
    value = known(value)
    if value is None:
        return text(any_value(None))
    colour = "192,82,43" if value > 0 else "43,106,153"
    strong = ";font-weight:650" if abs(value) > 0.95 else ""
    shown = f"{value:.2f}".replace("-", "−")
    return Html(f'<span class="shade" style="background:rgba({colour},{0.45 * abs(value):.2f}){strong}">{shown}</span>')
