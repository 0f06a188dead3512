"""How every figure looks, and how it becomes a part of the page. Matplotlib is loaded with the first figure."""

from __future__ import annotations

import html
import io
import itertools
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.report.markup import Html, join, text
from mossy.report.wording import measure, scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW, WIDE = 4.4, 7.6  # inches: two narrow figures stand side by side on a desktop, each legible on a phone
INK, SOFT = "#1c2430", "#5b6673"
ELECTRODE_COLOURS = {"working": "#c0522b", "counter": "#2b6a99"}
SEQUENCE = ("#2b6a99", "#c0522b", "#3f7d4e", "#8a5a9e", "#c79a1e", "#4aa3a2", "#9a3b52", "#6b7280")

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.titlecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-12, 12),
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.7,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.color": "#9aa5b1",
    "ytick.color": "#9aa5b1",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 1.6,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label from a file may hold a dollar sign
    "figure.constrained_layout.h_pad": 0.06,
}


@dataclass(frozen=True)
class Drawing:
    """A figure with its name (also its file's), its title and what to say below it."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False


def style() -> AbstractContextManager[None]:
    """The look of all figures, for as long as they are drawn."""
    import matplotlib

    return matplotlib.rc_context(_STYLE)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (inches) that belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def inline_svg(drawing: Drawing) -> Html:
    """The figure as SVG within HTML: it scales, reads its font from the page and shares no id with its neighbours."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": drawing.name}):
        drawing.figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None})
    source = buffer.getvalue()
    svg = source[source.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<style type="text/css">.*?</style>', "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{drawing.name}-", svg)
    svg = re.sub(r"\bd=\"[^\"]*\"", lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    svg = svg.replace("'DejaVu Sans'", "system-ui, sans-serif")
    svg = re.sub(r'^<svg width="[^"]*" height="[^"]*"', "<svg", svg)
    return Html(svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(drawing.title)}"', 1))


def figure_block(drawing: Drawing) -> Html:
    """The figure with its title and caption."""
    css = "wide" if drawing.wide else "narrow"
    return Html(
        f'<figure class="{css}" id="figure-{drawing.name}"><h3>{text(drawing.title)}</h3>'
        f'<div class="scroll">{inline_svg(drawing)}</div><figcaption>{text(drawing.caption)}</figcaption></figure>'
    )


def figure_blocks(drawings: Iterable[Drawing]) -> Html:
    """The figures of a section, side by side where there is room; nothing where there are none."""
    inside = join(figure_block(each) for each in drawings)
    return Html(f'<div class="figures">{inside}</div>' if inside else "")


def thin(x: np.ndarray, y: np.ndarray, most: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """At most so many points of a line: first, last, lowest and highest of each bin, so that no spike or step is lost.

    >>> x = np.arange(100000.0)
    >>> spike = np.where(x == 54321, 7.0, 0.0)
    >>> shorter, values = thin(x, spike)
    >>> len(shorter) <= 2000, values.max()
    (True, np.float64(7.0))
    """
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size <= most:
        return x, y
    bins = most // 4
    edges = np.linspace(0, x.size, bins).astype(int)
    if np.all(np.diff(x) >= 0.0):  # equal widths on the paper, however unevenly the points lie
        edges = np.unique(np.append(np.searchsorted(x, np.linspace(x[0], x[-1], bins)), x.size))
    ends = [0, x.size - 1]
    for first, last in itertools.pairwise(edges):
        inside = y[first:last]
        ends += [first, first + int(np.argmin(inside)), first + int(np.argmax(inside)), last - 1]
    kept = np.unique(ends)
    return x[kept], y[kept]


def sample(x: np.ndarray, y: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """At most so many points for markers, evenly picked: scatter must not look wider than it is."""
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if known.size > most:
        known = known[np.linspace(0, known.size - 1, most).round().astype(int)]
    return x[known], y[known]


def line(axes: Axes, x: np.ndarray, y: np.ndarray, most: int = 2000, **looks: Any) -> None:
    """A line, thinned, that stays visible when it has only a point or two."""
    x, y = thin(x, y, most)
    if x.size <= 2:
        looks.setdefault("marker", "o")
    axes.plot(x, y, **looks)


def crowded(cycles: int) -> dict[str, Any]:
    """A paler line where so many cycles stand side by side that they close to a band."""
    return {"alpha": 0.4, "linewidth": 0.8} if cycles > 60 else {}


def peak(*arrays: np.ndarray) -> float:
    """The largest finite magnitude among arrays, 0 where there is none."""
    finite = [np.abs(array[np.isfinite(array)]) for array in arrays]
    return max((float(part.max()) for part in finite if part.size), default=0.0)


def common_scale(unit: str, *arrays: np.ndarray) -> tuple[float, str]:
    """One factor and unit for values that share an axis."""
    return scaled(peak(*arrays), unit)


def settle(axes: Axes, relative: float = 0.005) -> None:
    """Keeps a nearly constant line from filling its panel with noise, and the ticks from endless digits."""
    low, high = axes.get_ylim()
    middle = 0.5 * (low + high)
    least = relative * abs(middle)
    if high - low < least:
        axes.set_ylim(middle - 0.5 * least, middle + 0.5 * least)


def focus(time: np.ndarray, curves: list[np.ndarray]) -> tuple[float, float] | None:
    """The limits within which the curves spend 98 % of the time, where brief excursions would hide everything else."""
    if time.size < 10:
        return None
    weights = np.clip(np.diff(time, append=time[-1]), 0.0, None)
    lows, highs = [], []
    for curve in curves:
        known = np.isfinite(curve)
        order = np.argsort(curve[known])
        share = np.cumsum(weights[known][order])
        if not share.size or share[-1] <= 0.0:
            return None
        places = np.searchsorted(share / share[-1], [0.01, 0.99])
        lows.append(curve[known][order][places[0]])
        highs.append(curve[known][order][min(places[1], share.size - 1)])
    low, high = float(min(lows)), float(max(highs))
    whole = max(np.nanmax(curve) for curve in curves) - min(np.nanmin(curve) for curve in curves)
    if high <= low or whole < 2.5 * (high - low):
        return None
    room = 0.15 * (high - low)
    return low - room, high + room


def decades(axis: Any, low: float, high: float, unit: str) -> None:
    """Ticks of a logarithmic axis at whole decades with plain prefixes (10 m, 1, 1 k), thinned so that none overlap."""
    from matplotlib.ticker import EngFormatter, FixedLocator, NullFormatter, NullLocator

    first, last = int(np.floor(np.log10(low) + 0.02)), int(np.ceil(np.log10(high) - 0.02))
    step = 1 + (last - first) // 6
    if last - first <= 2:
        places = [factor * 10.0**k for k in range(first, last + 1) for factor in (1.0, 2.0, 5.0)]
        axis.set_major_locator(FixedLocator([place for place in places if 0.9 * low <= place <= 1.1 * high] or [low]))
    else:
        axis.set_major_locator(FixedLocator([10.0**k for k in range(first, last + 1, step)]))
    axis.set_major_formatter(EngFormatter(unit=unit, sep=" "))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def few_ticks(axis: Any, unit: str) -> None:
    """A linear axis with the same plain prefixes, for a range of less than a decade."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=4))
    axis.set_major_formatter(EngFormatter(unit=unit, sep=" "))


def frequency_axis(axes: Axes, frequency: np.ndarray) -> None:
    """The horizontal axis of frequencies, Hz: logarithmic where they span a decade."""
    axes.set_xlabel("frequency")
    if frequency.max() > 10.0 * frequency.min():
        axes.set_xscale("log")
        decades(axes.xaxis, float(frequency.min()), float(frequency.max()), "Hz")
    else:
        few_ticks(axes.xaxis, "Hz")


def colour_of_time(seconds: np.ndarray) -> Any:
    """A map from time to colour, dark to light green, that survives a constant time."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    low, high = (float(np.min(seconds)), float(np.max(seconds))) if seconds.size else (0.0, 1.0)
    shades = LinearSegmentedColormap.from_list("calm", colormaps["viridis"](np.linspace(0.0, 0.88, 64)))
    return ScalarMappable(Normalize(low, high if high > low else low + 1.0), shades)


def colour_bar(figure: Figure, axes: Axes | list[Axes], colours: Any, label: str, *, whole: bool = False) -> None:
    """A slim colour scale, of `whole` numbers if asked; its ramp is one small picture, not hundreds of shapes."""
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(integer=True, nbins=6) if whole else None
    bar: Any = figure.colorbar(colours, ax=axes, label=label, fraction=0.05, pad=0.03, aspect=30, ticks=ticks)
    bar.outline.set_visible(False)
    bar.solids.set_rasterized(True)
    bar.ax.tick_params(length=0)


def size_of_difference(values: np.ndarray, unit: str) -> str:
    """The root of the mean square of differences, with a unit that suits it.

    >>> size_of_difference(np.array([3e-4, -3e-4]), "V")
    '300 µV'
    """
    known = values[np.isfinite(values)]
    size = float(np.sqrt(np.mean(known**2))) if known.size else float("nan")
    return measure(size, unit)
