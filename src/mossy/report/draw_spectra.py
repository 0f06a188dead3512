"""Figures of `mossy eis`: spectra with their fits, residuals, relaxation times, and parameters along the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.report.canvas import (
    NARROW,
    SEQUENCE,
    SOFT,
    WIDE,
    Drawing,
    colour_bar,
    colour_of_time,
    common_scale,
    decades,
    frequency_axis,
    new_figure,
)
from mossy.report.draw_impedance import equal_axes
from mossy.report.draw_map import plain_ticks
from mossy.report.spectra_content import SeriesShown, SpectrumShown
from mossy.report.wording import time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 8
MOST_LINES = 60
MOST_DISTRIBUTIONS = 12
_PANELS = 3


def draw_series(series: SeriesShown, number: int) -> dict[str, list[Drawing]]:
    """The figures of one series, by section."""
    along = _Along(series)
    spectra = _spread(list(series.spectra), MOST_LINES)
    return {
        "spectra": [_nyquist(series, along, spectra, number), _bode(series, along, spectra, number)],
        "fit": [_examples(series, number), _residuals(series, along, spectra, number)],
        "times": [_times(series, along, number)] if series.distributions else [],
        "parameters": [
            *([_parameters(series, along, number)] if len(series.coordinate) > 1 and series.parameters else []),
            *([_lines(series, number)] if series.lines else []),
        ],
    }


class _Along:
    """The coordinate as it is shown: in a unit that suits it, with its colours."""

    def __init__(self, series: SeriesShown) -> None:
        self.factor, self.offset, unit = 1.0, 0.0, series.unit
        if series.kind == "time":
            size, unit = time_unit(float(np.ptp(series.coordinate)) if len(series.coordinate) else 1.0)
            self.factor = 1.0 / size
        elif series.kind == "temperature":
            self.offset, unit = -273.15, "°C"
        self.label = f"{series.label} ({unit})" if unit not in ("", "1") else series.label
        self.colours = colour_of_time(self.shown(np.asarray(series.coordinate)))

    def shown(self, values: Any) -> Any:
        """A coordinate in the unit shown."""
        return np.asarray(values, dtype=float) * self.factor + self.offset

    def colour(self, value: float) -> Any:
        """The colour of one spectrum."""
        return self.colours.to_rgba(float(self.shown(value)))


def _spread(items: list[Any], most: int) -> list[Any]:
    rows = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[row] for row in rows]


def _explain(figure: Figure, axes: Any, series: SeriesShown, along: _Along, spectra: list[SpectrumShown]) -> None:
    """A legend for a few spectra, a colour scale for many."""
    if len(spectra) > MOST_NAMED:
        colour_bar(figure, axes, along.colours, along.label)
    elif len(spectra) > 1:
        one = axes[0] if isinstance(axes, list) else axes
        figure.legend(*one.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def _look(along: _Along, spectra: list[SpectrumShown], place: int) -> Any:
    return along.colour(spectra[place].coordinate) if len(spectra) > MOST_NAMED else SEQUENCE[place]


def _nyquist(series: SeriesShown, along: _Along, spectra: list[SpectrumShown], number: int) -> Drawing:
    factor, unit = common_scale("Ω", *(np.abs(each.measured) for each in spectra))
    figure = new_figure(NARROW, 3.6)
    axes = figure.subplots()
    for place, each in enumerate(spectra):
        colour = _look(along, spectra, place)
        axes.plot(
            each.measured.real * factor,
            -each.measured.imag * factor,
            "o",
            color=colour,
            markersize=2.4,
            label=_name(series, along, each),
        )
        axes.plot(each.curve.real * factor, -each.curve.imag * factor, color=colour, linewidth=0.9)
    _explain(figure, axes, series, along, spectra)
    equal_axes(figure, axes, unit)
    shown = "" if len(spectra) == len(series.spectra) else f" {len(spectra)} of {len(series.spectra)} are drawn."
    caption = f"Points measured, lines fitted; both axes have the same scale.{shown}"
    return Drawing(f"nyquist_{number}", "Nyquist", caption, figure)


def _name(series: SeriesShown, along: _Along, spectrum: SpectrumShown) -> str:
    if series.kind == "number" or len(series.spectra) == 1:
        return spectrum.name
    unit = along.label.rpartition("(")[2].rstrip(")") if "(" in along.label else ""
    return f"{float(along.shown(spectrum.coordinate)):.4g} {unit}".strip()


def _bode(series: SeriesShown, along: _Along, spectra: list[SpectrumShown], number: int) -> Drawing:
    factor, unit = common_scale("Ω", *(np.abs(each.measured) for each in spectra))
    figure = new_figure(NARROW, 3.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for place, each in enumerate(spectra):
        looks: dict[str, Any] = {"color": _look(along, spectra, place)}
        marks = looks | {"marker": "o", "markersize": 2.2, "linestyle": "", "label": _name(series, along, each)}
        upper.plot(each.frequency, np.abs(each.measured) * factor, **marks)
        lower.plot(each.frequency, -np.degrees(np.angle(each.measured)), **marks)
        upper.plot(each.curve_frequency, np.abs(each.curve) * factor, linewidth=0.9, **looks)
        lower.plot(each.curve_frequency, -np.degrees(np.angle(each.curve)), linewidth=0.9, **looks)
    sizes = np.concatenate([np.abs(each.measured) for each in spectra]) * factor
    frequency_axis(lower, np.concatenate([each.frequency for each in spectra]))
    if sizes.max() > 4.0 * sizes.min():
        upper.set_yscale("log")
        decades(upper.yaxis, sizes.min(), sizes.max(), "")
    else:
        upper.set_ylim(0.0, 1.15 * sizes.max())
    upper.set_ylabel(f"|Z| ({unit})")
    lower.set_ylabel("−phase (°)")
    figure.align_ylabels([upper, lower])
    _explain(figure, [upper, lower], series, along, spectra)
    return Drawing(f"bode_{number}", "Bode", "Magnitude and negative phase; points measured, lines fitted.", figure)


def _examples(series: SeriesShown, number: int) -> Drawing:
    """A few spectra one by one: Nyquist with the fit."""
    chosen = _spread(list(series.spectra), 6)
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = new_figure(WIDE, 2.6 * rows + 0.2)
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for panel, each in zip(panels, chosen, strict=False):
        factor, unit = common_scale("Ω", np.abs(each.measured))
        panel.plot(each.measured.real * factor, -each.measured.imag * factor, "o", color=SEQUENCE[7], markersize=2.8)
        panel.plot(each.curve.real * factor, -each.curve.imag * factor, color=SEQUENCE[1])
        panel.set_title(each.name if len(each.name) < 34 else f"…{each.name[-30:]}", fontsize=7.5)
        panel.locator_params(nbins=4)
        panel.set_xlabel(f"Z′ ({unit})")
        panel.set_ylabel(f"−Z″ ({unit})")
        panel.set_aspect("equal", adjustable="datalim")
    for panel in panels[len(chosen) :]:
        panel.set_visible(False)
    title = "Measured and fitted" if len(chosen) == len(series.spectra) else "Measured and fitted, some of them"
    return Drawing(f"examples_{number}", title, "Points measured, lines fitted; equal scales.", figure, wide=True)


def _residuals(series: SeriesShown, along: _Along, spectra: list[SpectrumShown], number: int) -> Drawing:
    figure = new_figure(WIDE, 3.0)
    left, right = figure.subplots(1, 2, sharey=True)
    for place, each in enumerate(spectra):
        relative = 100.0 * (each.measured - each.modelled) / np.abs(each.measured)
        looks: dict[str, Any] = {"color": _look(along, spectra, place), "linewidth": 0.8, "alpha": 0.9}
        left.plot(each.frequency, relative.real, **looks)
        right.plot(each.frequency, relative.imag, **looks)
    for panel, word in ((left, "Z′"), (right, "Z″")):
        panel.axhline(0.0, color="#9aa5b1", linewidth=0.7)
        panel.set_title(word)
        frequency_axis(panel, np.concatenate([each.frequency for each in spectra]))
    left.set_ylabel("residual over |Z| (%)")
    if len(spectra) > MOST_NAMED:
        colour_bar(figure, [left, right], along.colours, along.label)
    rms, noise = (values[np.isfinite(values)] for values in (series.relative_rms, series.noise))
    against = f", the noise of each part found without a circuit {100.0 * np.median(noise):.2g} %" if noise.size else ""
    size = f" Median root mean square {100.0 * np.median(rms):.2g} %{against}." if rms.size else ""
    caption = f"Measured less fitted, relative to |Z|.{size}"
    return Drawing(f"residuals_{number}", "Residuals", caption, figure, wide=True)


def _times(series: SeriesShown, along: _Along, number: int) -> Drawing:
    shown = _spread(list(series.distributions), MOST_DISTRIBUTIONS)
    factor, unit = common_scale("Ω", *(each.density for each in shown))
    figure = new_figure(WIDE, 3.2)
    axes = figure.subplots()
    for place, each in enumerate(shown):
        colour = along.colour(each.coordinate) if len(shown) > MOST_NAMED else SEQUENCE[place]
        axes.plot(each.time_constants, each.density * factor, color=colour, linewidth=1.1, label=each.name)
        if len(shown) <= 3:
            axes.fill_between(
                each.time_constants, each.lower * factor, each.upper * factor, color=colour, alpha=0.15, linewidth=0
            )
        marks = np.interp(each.peaks, each.time_constants, each.density) * factor
        axes.plot(each.peaks, marks, "v", color=colour, markersize=4.0)
    axes.set_xscale("log")
    times = np.concatenate([each.time_constants for each in shown])
    decades(axes.xaxis, float(times.min()), float(times.max()), "s")
    axes.set_xlabel("relaxation time τ")
    axes.set_ylabel(f"γ(ln τ) ({unit})")
    if len(shown) > MOST_NAMED:
        colour_bar(figure, axes, along.colours, along.label)
    elif len(shown) > 1:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    caption = "Distribution of relaxation times (regularisation by generalised cross-validation); triangles mark peaks."
    if len(shown) < len(series.distributions):
        caption += f" {len(shown)} of {len(series.spectra)} spectra are drawn."
    heights = np.concatenate([np.interp(each.peaks, each.time_constants, each.density) for each in shown]) * factor
    top = max(float(each.density.max()) for each in shown) * factor
    if heights.size and 0.0 < 2.0 * heights.max() < top:
        axes.set_ylim(-0.03 * heights.max(), 1.3 * heights.max())
        caption += " What rises beyond the peaks belongs to processes outside the measured frequencies and is cut off."
    if len(shown) <= 3:
        caption += " The band is the 95 % credible interval."
    return Drawing(f"times_{number}", "Relaxation times", caption, figure, wide=True)


def _parameters(series: SeriesShown, along: _Along, number: int) -> Drawing:
    """Each parameter along the series with its standard error; infinite errors are left out and said."""
    names = list(series.parameters)
    columns = min(_PANELS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(WIDE, 1.9 * rows + 0.3)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    x = along.shown(series.coordinate)
    for panel, name in zip(panels, names, strict=False):
        _parameter(panel, x, *series.parameters[name], name)
        for where, _, _ in series.events:
            panel.axvline(float(along.shown(where)), color=SEQUENCE[1], linewidth=0.8, linestyle=":")
    for place, panel in enumerate(panels):
        if place >= len(names):
            panel.set_visible(False)
        elif place + columns >= len(names):
            panel.set_xlabel(along.label)
            panel.tick_params(labelbottom=True)
    caption = "Bars are standard errors; open symbols are not determined by their spectrum."
    if series.events:
        caption += " Dotted lines mark events."
    return Drawing(f"parameters_{number}", "Parameters along the series", caption, figure, wide=True)


def _parameter(panel: Axes, x: np.ndarray, values: np.ndarray, errors: np.ndarray, unit: str, name: str) -> None:
    known = np.isfinite(errors) & (errors < np.abs(values))
    factor, shown = common_scale(
        {"ohm": "Ω", "s": "s", "F": "F"}.get(unit, ""), values[known] if known.any() else values
    )
    if not shown:
        factor, shown = 1.0, {"1": "", "s^alpha/ohm": "s^α/Ω", "ohm/s^0.5": "Ω/s^½"}.get(unit, unit)
    panel.errorbar(
        x[known],
        values[known] * factor,
        errors[known] * factor,
        fmt="o",
        color=SEQUENCE[0],
        markersize=2.8,
        linewidth=0.9,
    )
    panel.set_title(f"{name} ({shown})" if shown else name, color=SOFT)
    panel.margins(x=0.05)
    if known.any():
        inside = values[known] * factor
        if inside.min() > 0.0 and inside.max() > 20.0 * inside.min():
            panel.set_yscale("log")
            plain_ticks(panel.yaxis, inside)
        low, high = panel.get_ylim()
        lost = ~known & (values * factor >= low) & (values * factor <= high)
        panel.plot(x[lost], values[lost] * factor, "o", color=SEQUENCE[0], markerfacecolor="none", markersize=2.8)
        panel.set_ylim(low, high)
    else:
        panel.text(0.5, 0.5, "not determined", ha="center", va="center", transform=panel.transAxes, color=SOFT)
    panel.locator_params(axis="x", nbins=5)


def _lines(series: SeriesShown, number: int) -> Drawing:
    figure = new_figure(WIDE, 3.2)
    axes = figure.subplots()
    for place, (name, words, kelvin, measured, errors, line) in enumerate(series.lines):
        colour = SEQUENCE[place % len(SEQUENCE)]
        axes.errorbar(1000.0 / kelvin, measured, errors, fmt="o", color=colour, markersize=3.2, linewidth=0.9)
        axes.plot(1000.0 / kelvin, line, color=colour, label=f"{name}: {words}")
    axes.set_xlabel("1000/T (1/K)")
    axes.set_ylabel("ln(R/T), R in Ω and T in K")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    caption = "Arrhenius lines of the resistances as ln(R/T), the same as ln(σT); bars are standard errors."
    return Drawing(f"arrhenius_{number}", "Arrhenius lines", caption, figure, wide=True)
