"""Measured and modelled, drawn together, with what is left between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.report.canvas import (
    SEQUENCE,
    WIDE,
    Drawing,
    common_scale,
    decades,
    line,
    new_figure,
    peak,
    sample,
    size_of_difference,
)
from mossy.report.draw_impedance import equal_axes
from mossy.report.wording import scaled, split_label, tidy_unit, time_unit

_MEASURED: dict[str, Any] = {
    "color": SEQUENCE[7],
    "ls": "",
    "marker": "o",
    "markersize": 2.8,
    "markerfacecolor": "none",
}
_MODELLED: dict[str, Any] = {"color": SEQUENCE[1], "linewidth": 1.4}
_MOST_MARKERS = 400


def draw_comparisons(comparisons: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """One figure for each comparison that holds any number."""
    drawings = []
    for place, item in enumerate(comparisons, start=1):
        draw = _spectrum if item.get("kind") == "impedance" else _curve
        drawing = draw(item, f"comparison_{place}")
        if drawing is not None:
            drawings.append(drawing)
    return drawings


def _array(item: Mapping[str, Any], key: str) -> np.ndarray:
    values = item.get(key)
    return np.array([], dtype=float) if values is None else np.asarray(values, dtype=float).ravel()


def _curve(item: Mapping[str, Any], name: str) -> Drawing | None:
    x, measured, modelled = (_array(item, key) for key in ("x", "measured", "modelled"))
    if not (np.isfinite(x).any() and np.isfinite(measured).any()):
        return None
    word_x, x, unit_x = _abscissa(x, str(item.get("x_label", "")))
    word_y, unit_y = split_label(str(item.get("y_label", "")))
    factor, shown = common_scale(unit_y, measured, modelled)
    residual = measured - modelled
    finer, finer_unit = scaled(peak(residual), unit_y)
    figure = new_figure(WIDE, 4.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.3, 1.0])
    upper.plot(*sample(x, measured * factor, _MOST_MARKERS), label="measured", **_MEASURED)
    line(upper, x, modelled * factor, label="modelled", **_MODELLED)
    upper.set_ylabel(_axis(word_y, shown))
    lower.axhline(0.0, color="#9aa5b1", linewidth=0.7)
    lower.plot(*sample(x, residual * finer, _MOST_MARKERS), **(_MEASURED | {"markersize": 2.0}))
    lower.set_ylabel(_axis("residual", finer_unit))
    lower.set_xlabel(_axis(word_x, unit_x))
    figure.align_ylabels([upper, lower])
    figure.legend(*upper.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    caption = f"Residual: measured minus modelled; root mean square {size_of_difference(residual, unit_y)}."
    return Drawing(name, str(item.get("label") or f"Comparison {name.rpartition('_')[2]}"), caption, figure, wide=True)


def _abscissa(x: np.ndarray, label: str) -> tuple[str, np.ndarray, str]:
    """The name, the values and the unit of the horizontal axis, seconds turned into what suits them."""
    word, unit = split_label(label)
    if unit == "s":
        size, unit = time_unit(float(np.nanmax(x) - np.nanmin(x)))
        return word, x / size, unit
    factor, unit = common_scale(unit, x)
    return word, x * factor, unit


def _axis(word: str, unit: str) -> str:
    return f"{word} ({unit})" if unit else word


def _spectrum(item: Mapping[str, Any], name: str) -> Drawing | None:
    """Nyquist at the left; at the right what is left, relative to the magnitude, against frequency."""
    measured = _array(item, "measured_real") + 1j * _array(item, "measured_imaginary")
    modelled = _array(item, "modelled_real") + 1j * _array(item, "modelled_imaginary")
    frequency = _array(item, "frequency")
    if not np.isfinite(measured).any():
        return None
    factor, unit = common_scale(tidy_unit(str(item.get("unit") or "ohm")), np.abs(measured), np.abs(modelled))
    figure = new_figure(WIDE, 3.3)
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1.0])
    left.plot(measured.real * factor, -measured.imag * factor, label="measured", **_MEASURED)
    left.plot(modelled.real * factor, -modelled.imag * factor, label="modelled", **_MODELLED)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    relative = 100.0 * (measured - modelled) / np.where(measured == 0.0, np.nan, np.abs(measured))
    right.axhline(0.0, color="#9aa5b1", linewidth=0.7)
    looks: dict[str, Any] = {"marker": "o", "markersize": 2.8, "linewidth": 0.8}
    for part, values, colour in (("Z′", relative.real, SEQUENCE[0]), ("Z″", relative.imag, SEQUENCE[2])):
        right.plot(frequency, values, color=colour, label=part, **looks)
    known = frequency[np.isfinite(frequency) & (frequency > 0.0)]
    if known.size and known.max() > 10.0 * known.min():
        right.set_xscale("log")
        decades(right.xaxis, known.min(), known.max(), "Hz")
    right.set_xlabel("frequency")
    right.set_ylabel("residual over |Z| (%)")
    right.legend(loc="best", ncols=2)
    size = size_of_difference(np.abs(relative), "%")
    equal_axes(figure, left, unit)
    caption = f"Residual: measured minus modelled, relative to the measured magnitude; root mean square {size}."
    return Drawing(name, str(item.get("label") or f"Comparison {name.rpartition('_')[2]}"), caption, figure, wide=True)
