"""Maps: a quantity over one parameter or two, with the limiting current and Sand's time where they apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mossy.report.canvas import INK, SEQUENCE, WIDE, Drawing, new_figure, style

_LEVELS = 9
LIMIT, CURRENT, SAND = "limiting_current_mA_per_cm2", "plating_current_mA_per_cm2", "sand_time_s"


@dataclass(frozen=True)
class MapAxis:
    """A parameter as an axis: its dotted path, values, unit, and whether their logarithm is drawn."""

    path: str
    values: np.ndarray
    unit: str
    logarithmic: bool

    @property
    def label(self) -> str:
        """What stands at the axis."""
        name = self.path.rpartition(".")[2].replace("_", " ")
        return f"{name} ({self.unit.replace('^2', '²')})" if self.unit else name


@dataclass(frozen=True)
class MapContent:
    """One quantity on the grid of its axes (y, x), what it is called, and the closed forms on the same grid."""

    name: str
    words: str
    unit: str
    axes: Sequence[MapAxis]
    grid: np.ndarray
    closed: dict[str, np.ndarray]

    @property
    def label(self) -> str:
        """What stands at the colours."""
        return f"{self.words} ({self.unit})"


def draw_map(content: MapContent) -> Drawing:
    """Contours over two parameters, a line over one; a gap where a run has no such quantity."""
    figure = new_figure(WIDE, 4.6)
    axes = figure.subplots()
    axes.grid(False)
    (_line if len(content.axes) == 1 else _contours)(figure, axes, content)
    axes.set_xlabel(content.axes[0].label)
    if content.axes[0].logarithmic:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, content.axes[0].values)
    return Drawing(f"map_{content.name}", content.words, "", figure, wide=True)


def plain_ticks(axis: Any, values: np.ndarray) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each decade as plain numbers, fewer where there are many decades."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = float(values.min()), float(values.max())
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1.0, 2.0, 5.0) if len(decades) <= 4 else (1.0,)
    places = [step * 10.0**decade for decade in decades for step in steps]
    axis.set_major_locator(FixedLocator([place for place in places if 0.999 * low <= place <= 1.001 * high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def save_maps(folder: Path, contents: Sequence[MapContent]) -> list[Path]:
    """Writes each map as PNG; returns the paths."""
    paths = []
    with style():
        for content in contents:
            drawing = draw_map(content)
            paths.append(folder / f"{drawing.name}.png")
            drawing.figure.savefig(paths[-1], dpi=160)
    return paths


def _line(figure: Any, axes: Any, content: MapContent) -> None:
    x = content.axes[0].values
    axes.plot(x, content.grid, "o-", color=SEQUENCE[0], label="simulated")
    if content.name == "depletion_time" and SAND in content.closed:
        axes.plot(x, content.closed[SAND], "--", color=INK, label="Sand's time")
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, np.array(axes.get_ylim()))
    crossing = _crossing(x, content.closed)
    if crossing is not None:
        axes.axvline(crossing, color=SEQUENCE[1], lw=1.0, ls=":", label="limiting current")
    axes.set_ylabel(content.label)
    axes.legend(loc="best")


def _crossing(x: np.ndarray, closed: dict[str, np.ndarray]) -> float | None:
    """Where the current meets the limiting one along an axis."""
    if LIMIT not in closed:
        return None
    gap = closed[CURRENT] - closed[LIMIT]
    order = np.argsort(gap)
    return float(np.interp(0.0, gap[order], x[order])) if gap.min() < 0.0 < gap.max() else None


def round_levels(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round numbers strictly inside a range, for contours: 1, 2 and 5 of each decade, or evenly spaced.

    >>> round_levels(5.31, 560.0, True)
    [10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
    >>> round_levels(77.6, 99.9, False)
    [80.0, 84.0, 88.0, 92.0, 96.0]
    """
    from matplotlib.ticker import MaxNLocator

    if logarithmic:
        decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))))
        steps = (1.0, 2.0, 5.0) if len(decades) <= 4 else (1.0,)
        places = [step * 10.0**decade for decade in decades for step in steps]
    else:
        places = list(MaxNLocator(_LEVELS - 2, steps=[1, 2, 4, 5, 10]).tick_values(low, high))
    inside = [float(f"{place:.10g}") for place in places if low < place < high]
    return inside or [0.5 * (low + high)]


def _contours(figure: Any, axes: Any, content: MapContent) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.lines import Line2D

    x, y = (axis.values for axis in content.axes)
    known = content.grid[np.isfinite(content.grid)]
    if not known.size:
        axes.text(0.5, 0.5, "no run has this quantity", ha="center", transform=axes.transAxes)
        return
    positive = known.min() > 0.0 and known.max() > 30.0 * known.min()
    spaced = np.geomspace if positive else np.linspace
    low, high = float(known.min()), float(known.max())
    handles: list[Any] = []
    if high > low:
        levels = round_levels(low, high, positive)
        norm = {"norm": LogNorm(low, high)} if positive else {}
        filled = axes.contourf(x, y, content.grid, levels=spaced(low, high, 33), cmap="viridis", **norm)
        lines = axes.contour(x, y, content.grid, levels=levels, colors="white", linewidths=0.7)
        axes.clabel(lines, fmt=lambda value: f"{value:.4g}", fontsize=7)
        bar = figure.colorbar(filled, ax=axes, label=content.label, ticks=levels, fraction=0.05, pad=0.02)
        bar.ax.set_yticklabels([f"{tick:.4g}" for tick in levels])
        bar.ax.minorticks_off()
        if content.name == "depletion_time" and SAND in content.closed:
            axes.contour(x, y, content.closed[SAND], levels=levels, colors=INK, linewidths=1.0, linestyles="--")
            handles.append(Line2D([], [], color=INK, ls="--", label="Sand's time, the same levels"))
    else:
        axes.text(0.5, 0.5, f"{low:.4g} {content.unit} everywhere", ha="center", transform=axes.transAxes)
    if LIMIT in content.closed:
        gap = content.closed[CURRENT] - content.closed[LIMIT]
        if np.nanmin(gap) < 0.0 < np.nanmax(gap):
            axes.contour(x, y, gap, levels=[0.0], colors=SEQUENCE[1], linewidths=1.6)
            handles.append(Line2D([], [], color=SEQUENCE[1], label="limiting current"))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    axes.set_ylabel(content.axes[1].label)
    if content.axes[1].logarithmic:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, content.axes[1].values)
