"""Profiles across the electrolyte, coloured by time."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mossy.report.canvas import (
    NARROW,
    SEQUENCE,
    Drawing,
    colour_bar,
    colour_of_time,
    common_scale,
    line,
    new_figure,
    peak,
    settle,
)
from mossy.report.content import column
from mossy.report.wording import duration, time_unit

_MOST_NAMED, _MOST_DRAWN = 5, 40
_QUANTITIES = (
    ("concentration_mol_per_L", "mol/L", "salt", "salt_profiles", "Salt across the cell"),
    ("electrolyte_potential_volt", "V", "potential", "potential_profiles", "Potential of the electrolyte"),
    ("solvent_velocity_nm_per_second", "nm/s", "solvent velocity", "velocity_profiles", "Velocity of the solvent"),
)


def draw_profiles(table: pl.DataFrame | None) -> list[Drawing]:
    """One figure for each quantity the table holds."""
    if table is None or table.height == 0 or "position_um" not in table.columns:
        return []
    keys = [name for name in ("test_time_second", "label") if name in table.columns]
    parts = table.partition_by(keys, maintain_order=True) if keys else [table]
    if len(parts) > _MOST_DRAWN:
        parts = [parts[place] for place in np.linspace(0, len(parts) - 1, _MOST_DRAWN).round().astype(int)]
    present = (row for row in _QUANTITIES if peak(column(table, row[0])) > 0.0)
    return [_profile(parts, *row) for row in present]


def _profile(parts: list[pl.DataFrame], name: str, unit: str, axis: str, slug: str, title: str) -> Drawing:
    factor, unit = common_scale(unit, *(column(part, name) for part in parts))
    times = np.array(
        [column(part, "test_time_second")[0] if "test_time_second" in part.columns else 0 for part in parts]
    )
    size, unit_of_time = time_unit(float(np.ptp(times)))
    many = len(parts) > _MOST_NAMED
    scale = colour_of_time(times / size)
    colours: list[Any] = list(scale.to_rgba(times / size)) if many else list(SEQUENCE[: len(parts)])
    figure = new_figure(NARROW, 3.3)
    axes = figure.subplots()
    labels = _labels(parts, times)
    for part, label, colour in zip(parts, labels, colours, strict=True):
        line(axes, column(part, "position_um"), column(part, name) * factor, 400, color=colour, label=label)
    axes.set_xlabel("distance from the working electrode (µm)")
    axes.set_ylabel(f"{axis} ({unit})")
    settle(axes, 0.02)
    if many:
        colour_bar(figure, axes, scale, f"time ({unit_of_time})")
    elif len(parts) > 1:
        figure.legend(loc="outside lower center", ncols=1 if max(map(len, labels)) > 24 else 2)
    caption = f"{len(parts)} profiles from {duration(float(times.min()))} to {duration(float(times.max()))}."
    return Drawing(slug, title, caption if len(parts) > 1 else f"At {duration(float(times[0]))}.", figure)


def _labels(parts: list[pl.DataFrame], times: np.ndarray) -> list[str]:
    """The label of each profile, with its time where the label alone would be ambiguous."""
    words = [str(part["label"][0] or "") if "label" in part.columns else "" for part in parts]
    moments = [duration(float(time)) for time in times]
    if len(set(words)) == len(words):
        return words
    return [f"{word} ({moment})" if word else moment for word, moment in zip(words, moments, strict=True)]
