"""The figures of `mossy xps`: surveys, regions with their components and residuals, amounts along a depth profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mossy.report.canvas import INK, NARROW, SEQUENCE, SOFT, WIDE, Drawing, line, new_figure
from mossy.report.cycling_content import PointsShown
from mossy.report.xps_content import RegionShown, SurveyShown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES, _APART = 26, 0.035
_FEW = 8  # components named in the legend


def draw_survey(survey: SurveyShown | None, name: str) -> list[Drawing]:
    """The survey, its lines named where there is room; binding energies fall to the right, as everybody draws them."""
    if survey is None:
        return []
    figure = new_figure(WIDE, 3.4)
    axes = figure.subplots()
    line(axes, survey.energy, survey.intensity, 4000, color=INK, linewidth=0.9)
    low, high = float(survey.energy.min()), float(survey.energy.max())
    axes.set_xlim(high, low)
    top = float(survey.intensity.max())
    axes.set_ylim(0.0, 1.28 * top)
    taken: list[float] = []
    for energy, label in sorted(survey.lines, key=lambda each: -_height(survey, each[0]))[:_MOST_NAMES]:
        if any(abs(energy - other) < _APART * (high - low) for other in taken):
            continue
        taken.append(energy)
        height = _height(survey, energy)
        axes.annotate(label, (energy, height), (0, 5), textcoords="offset points", rotation=90, ha="center", fontsize=7)
    _plain(axes, "intensity")
    axes.set_xlabel("binding energy (eV)")
    caption = "Lines as found; the strongest are named."
    return [Drawing(f"{name}_survey", "Survey", caption, figure, wide=True)]


def _height(survey: SurveyShown, energy: float) -> float:
    near = np.abs(survey.energy - energy) < 3.0
    return float(survey.intensity[near].max()) if near.any() else 0.0


def draw_regions(regions: Sequence[RegionShown], name: str) -> list[Drawing]:
    """A figure a region; what has one name has one colour in all of them."""
    names = list(dict.fromkeys(label for region in regions for label, _ in region.components))
    shared = len({label for region in regions for label, _ in region.components}) < sum(
        len(region.components) for region in regions
    )
    colours = dict(zip(names, _colours(len(names)), strict=True)) if shared else {}
    return [_region(region, f"{name}_{place}", colours) for place, region in enumerate(regions, 1)]


def _region(region: RegionShown, name: str, colours: Mapping[str, str]) -> Drawing:
    figure = new_figure(NARROW, 3.6)
    if region.residuals is not None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4.0, 1.0])
    else:
        upper, lower = figure.subplots(), None
    own = _colours(len(region.components))
    for (label, curve), usual in zip(region.components, own, strict=True):
        colour = colours.get(label, usual)
        upper.fill_between(
            region.energy,
            region.background,
            region.background + curve,
            color=colour,
            alpha=0.45,
            linewidth=0.0,
            label=label if len(region.components) <= _FEW else None,
        )
    upper.plot(region.energy, region.background, color=SOFT, linewidth=0.8, linestyle="--")
    upper.plot(region.energy, region.modelled, color=SEQUENCE[1], linewidth=1.2)
    if region.measured is not None:
        upper.plot(region.energy, region.measured, linestyle="", marker=".", markersize=2.5, color=INK)
    upper.set_xlim(float(region.energy.max()), float(region.energy.min()))
    _plain(upper, region.unit)
    bottom = upper
    if lower is not None and region.residuals is not None:
        lower.axhspan(-2.0, 2.0, color="#eef1f4", linewidth=0.0)
        lower.plot(region.energy, region.residuals, color=SEQUENCE[0], linewidth=0.8)
        size = max(4.0, min(float(np.abs(region.residuals).max()), 1e4))
        lower.set_ylim(-1.1 * size, 1.1 * size)
        lower.set_ylabel("residual\n(errors)")
        figure.align_ylabels([upper, lower])
        bottom = lower
    bottom.set_xlabel("binding energy (eV)")
    if 0 < len(region.components) <= _FEW:
        figure.legend(loc="outside lower center", ncols=2)
    caption = f"{region.note} " if region.note else ""
    caption += "Points: measured; line: model; dashed: background." if region.measured is not None else "As simulated."
    return Drawing(name, region.name, caption, figure)


def draw_film(film: Mapping[str, Sequence[tuple[str, np.ndarray, np.ndarray]]], name: str) -> list[Drawing]:
    """Simulated curves, a figure a core level."""
    drawings = []
    for place, (level, curves) in enumerate(film.items(), 1):
        figure = new_figure(NARROW, 3.1)
        axes = figure.subplots()
        for (label, energy, intensity), colour in zip(curves, _colours(len(curves)), strict=True):
            axes.plot(energy, intensity, color=colour, label=label)
        energies = np.concatenate([energy for _, energy, _ in curves])
        axes.set_xlim(float(energies.max()), float(energies.min()))
        _plain(axes, "counts")
        axes.set_xlabel("binding energy (eV)")
        if len(curves) > 1:
            figure.legend(loc="outside lower center", ncols=4)
        drawings.append(Drawing(f"{name}_{place}", level, "As simulated, without noise.", figure))
    return drawings


def _colours(count: int) -> list[str]:
    return [SEQUENCE[k % len(SEQUENCE)] for k in (0, 2, 4, 3, 5, 6, 7, 1)][:count] + [SOFT] * max(0, count - 8)


def _plain(axes: Axes, label: str) -> None:
    """Intensities with few ticks and a common power of ten rather than long numbers."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_ylabel(label)


def draw_profile(series: Sequence[PointsShown], labels: tuple[str, str]) -> list[Drawing]:
    """Amounts along sputtering."""
    if not series:
        return []
    figure = new_figure(WIDE, 3.4)
    axes = figure.subplots()
    for each, colour in zip(series, _colours(len(series)), strict=True):
        error = np.where(np.isfinite(each.error), each.error, 0.0)
        axes.errorbar(each.x, each.y, error if error.any() else None, marker="o", color=colour, label=each.label)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    figure.legend(loc="outside lower center", ncols=4)
    caption = (
        "By level of the depth profile. Ions mix a film, and make LiF and oxides out of other phases: what a simulated "
        "film shows here is as sharp as --mixing leaves it, and undamaged."
    )
    return [Drawing("depth_profile", "Amounts by depth", caption, figure, wide=True)]
