"""Impedance spectra: Nyquist and Bode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mossy.report.canvas import (
    NARROW,
    SEQUENCE,
    Drawing,
    colour_bar,
    colour_of_time,
    common_scale,
    decades,
    frequency_axis,
    new_figure,
    thin,
)
from mossy.report.content import column
from mossy.report.wording import time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 8  # more spectra than this get a colour scale instead of a legend
_IDENTITY = ("test_time_second", "cycle_count", "step_count", "label")


@dataclass(frozen=True)
class Spectrum:
    """One spectrum: its name, when it was taken, and its impedance in `unit`."""

    name: str
    time: float
    frequency: np.ndarray
    impedance: np.ndarray
    unit: str


def spectra(table: pl.DataFrame | None) -> list[Spectrum]:
    """The spectra of a table in the order in which they stand there, per area where that is known."""
    if table is None or table.height == 0 or "frequency_hertz" not in table.columns:
        return []
    per_area = "real_impedance_ohm_cm2" in table.columns and table["real_impedance_ohm_cm2"].null_count() < table.height
    suffix, unit = ("ohm_cm2", "Ω cm²") if per_area else ("ohm", "Ω")
    keys = [name for name in _IDENTITY if name in table.columns]
    parts = table.partition_by(keys, maintain_order=True) if keys else [table]
    names = _names(parts)
    found: list[Spectrum] = []
    for part, name in zip(parts, names, strict=True):
        frequency = column(part, "frequency_hertz")
        impedance = column(part, f"real_impedance_{suffix}") + 1j * column(part, f"imaginary_impedance_{suffix}")
        known = np.isfinite(frequency) & np.isfinite(impedance) & (frequency > 0.0)
        if known.any():
            time = column(part, "test_time_second")
            when = float(time[0]) if time.size and np.isfinite(time[0]) else float(len(found))
            found.append(Spectrum(name, when, frequency[known], impedance[known], unit))
    return found


def _names(parts: list[pl.DataFrame]) -> list[str]:
    """The label of each spectrum, with its cycle and step where the label alone would be ambiguous."""
    labels = [str(part["label"][0] or "") if "label" in part.columns else "" for part in parts]
    names = []
    for place, (part, label) in enumerate(zip(parts, labels, strict=True)):
        details = [
            f"{word} {part[name][0]}"
            for word, name in (("cycle", "cycle_count"), ("step", "step_count"))
            if name in part.columns and part[name][0] is not None
        ]
        if label and labels.count(label) == 1:
            names.append(label)
        else:
            names.append(", ".join([label, *details] if label else details) or f"spectrum {place + 1}")
    return names


def draw_impedance(table: pl.DataFrame | None) -> list[Drawing]:
    """The Nyquist and the Bode figure."""
    found = spectra(table)
    if not found:
        return []
    colours = _colours(found)
    return [_nyquist(found, colours), _bode(found, colours)]


def _colours(found: list[Spectrum]) -> list[Any]:
    if len(found) <= MOST_NAMED:
        return list(SEQUENCE[: len(found)])
    times = np.array([spectrum.time for spectrum in found])
    return list(colour_of_time(times).to_rgba(times))


def _nyquist(found: list[Spectrum], colours: list[Any]) -> Drawing:
    factor, unit = common_scale(found[0].unit, *(np.abs(spectrum.impedance) for spectrum in found))
    figure = new_figure(NARROW, 3.4)
    axes = figure.subplots()
    for spectrum, colour in zip(found, colours, strict=True):
        axes.plot(
            spectrum.impedance.real * factor, -spectrum.impedance.imag * factor, color=colour, label=spectrum.name
        )
        if len(found) <= MOST_NAMED:
            marked = spectrum.impedance[_whole_decades(spectrum.frequency)] * factor
            axes.plot(marked.real, -marked.imag, "o", color=colour, markersize=3.0)
    _explain(figure, axes, found)
    equal_axes(figure, axes, unit)
    dots = "Dots mark whole decades of frequency; both" if len(found) <= MOST_NAMED else "Both"
    caption = f"{dots} axes have the same scale."
    return Drawing("nyquist", "Impedance, Nyquist", caption, figure)


def _whole_decades(frequency: np.ndarray) -> np.ndarray:
    power = np.log10(frequency)
    return np.abs(power - np.round(power)) < 1e-3


def equal_axes(figure: Figure, axes: Axes, unit: str) -> None:
    """Real and negative imaginary part on one scale, with the zero line in sight and any spare room above the arcs."""
    axes.axhline(0.0, color="#9aa5b1", linewidth=0.7, zorder=1)
    axes.locator_params(nbins=6)
    axes.set_xlabel(f"Z′ ({unit})")
    axes.set_ylabel(f"−Z″ ({unit})")
    figure.draw_without_rendering()  # only the finished layout knows the shape of the panel
    panel = axes.get_window_extent()
    shape = panel.height / panel.width
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.set_xlim(left, left + max(right - left, (high - low) / shape))
    axes.set_ylim(low, low + max(high - low, (right - left) * shape))
    axes.set_aspect("equal", adjustable="box")


def _bode(found: list[Spectrum], colours: list[Any]) -> Drawing:
    factor, unit = common_scale(found[0].unit, *(np.abs(spectrum.impedance) for spectrum in found))
    figure = new_figure(NARROW, 3.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for spectrum, colour in zip(found, colours, strict=True):
        marker = "o" if spectrum.frequency.size == 1 else ""
        looks: dict[str, Any] = {"color": colour, "marker": marker, "label": spectrum.name}
        upper.plot(*thin(spectrum.frequency, np.abs(spectrum.impedance) * factor), **looks)
        lower.plot(*thin(spectrum.frequency, -np.degrees(np.angle(spectrum.impedance))), **looks)
    frequencies = np.concatenate([spectrum.frequency for spectrum in found])
    sizes = np.concatenate([np.abs(spectrum.impedance) for spectrum in found]) * factor
    frequency_axis(lower, frequencies)
    if sizes.min() > 0.0 and sizes.max() > 4.0 * sizes.min():
        upper.set_yscale("log")
        decades(upper.yaxis, sizes.min(), sizes.max(), "")
    else:
        upper.set_ylim(0.0, 1.15 * sizes.max() or 1.0)
    upper.set_ylabel(f"|Z| ({unit})")
    lower.set_ylabel("−phase (°)")
    figure.align_ylabels([upper, lower])
    _explain(figure, [upper, lower], found)
    return Drawing("bode", "Impedance, Bode", "Magnitude and negative phase against frequency.", figure)


def _explain(figure: Figure, axes: Any, found: list[Spectrum]) -> None:
    """A legend for a few spectra, a scale of time for many."""
    if len(found) > MOST_NAMED:
        times = np.array([spectrum.time for spectrum in found])
        size, unit = time_unit(float(np.ptp(times)))
        colour_bar(figure, axes, colour_of_time(times / size), f"time ({unit})")
    elif len(found) > 1:
        one = axes[0] if isinstance(axes, list) else axes
        handles, labels = one.get_legend_handles_labels()
        shortest = 3 if max(map(len, labels)) < 12 else 2
        figure.legend(handles, labels, loc="outside lower center", ncols=min(shortest, len(labels)))
