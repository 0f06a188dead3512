"""The figures of `mossy cycling`: traces, half-cycles against charge, efficiency, plateaus, critical current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.report.canvas import (
    INK,
    NARROW,
    SEQUENCE,
    SOFT,
    WIDE,
    Drawing,
    colour_bar,
    colour_of_time,
    common_scale,
    crowded,
    focus,
    line,
    new_figure,
    settle,
)
from mossy.report.cycling_content import (
    CriticalShown,
    CurveShown,
    CyclingContent,
    EfficiencyShown,
    PointsShown,
    TraceShown,
)
from mossy.report.wording import time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_CURVES, _MOST_MARKS = 12, 12


def draw_cell(content: CyclingContent) -> dict[str, list[Drawing]]:
    """The figures of each section."""
    events = [time for time, *_ in content.events if time is not None]
    return {
        "voltage": [
            *(_trace(trace, place, events) for place, trace in enumerate(content.traces, 1)),
            *_curves(content.curves, content.charge_unit),
        ],
        "efficiency": _efficiency(content.efficiency),
        "overpotential": [*_plateaus(content.plateaus), *_split(content.split)],
        "critical": _critical(content.critical),
        "impedance": _impedance(content.impedance, content.impedance_labels),
    }


def _trace(trace: TraceShown, place: int, events: Sequence[float]) -> Drawing:
    size, unit_of_time = time_unit(float(np.ptp(trace.time)))
    limits = focus(trace.time, [trace.voltage])
    factor, unit = common_scale("V", np.array(limits) if limits else trace.voltage)
    figure = new_figure(WIDE, 4.0 if trace.current is not None else 2.9)
    panels = figure.subplots(2, 1, sharex=True, height_ratios=[2.3, 1.0]) if trace.current is not None else None
    upper = panels[0] if panels is not None else figure.subplots()
    size_of_voltage = np.abs(np.nan_to_num(trace.voltage))
    large = trace.voltage[size_of_voltage > 0.1 * size_of_voltage.max()]
    changes = int(np.count_nonzero(np.diff(np.sign(large)))) // 2
    looks = {"linewidth": 1.0} | crowded(changes)
    line(upper, trace.time / size, trace.voltage * factor, 4000, **looks, color=INK)
    upper.set_ylabel(f"voltage ({unit})")
    inside = [time for time in events if trace.time[0] <= time <= trace.time[-1]]
    for time in inside[:_MOST_MARKS]:
        upper.axvline(time / size, color=SEQUENCE[1], linewidth=0.9, linestyle=":")
    if limits:
        upper.set_ylim(limits[0] * factor, limits[1] * factor)
    settle(upper)
    bottom = upper
    if panels is not None and trace.current is not None:
        bottom = panels[1]
        scale, unit_of_current = common_scale(trace.current_unit, trace.current)
        line(bottom, trace.time / size, trace.current * scale, 4000, **looks, color=SEQUENCE[0])
        bottom.set_ylabel(f"current\n({unit_of_current})")
        bottom.margins(y=0.15)
        settle(bottom)
        figure.align_ylabels([upper, bottom])
    bottom.set_xlabel(f"time ({unit_of_time})")
    caption = "Voltage is working minus counter."
    caption += " Current above zero plates the electrode under study." if trace.current_unit == "mA/cm²" else ""
    caption += " Dotted: events." if inside else ""
    caption += " The axis shows the range of 98 % of the time; brief excursions leave it." if limits else ""
    return Drawing(f"trace_{place}", trace.name, caption, figure, wide=True)


def _curves(curves: Sequence[CurveShown], unit: str) -> list[Drawing]:
    """Half-cycles against charge, early to late; both directions start from zero."""
    drawn = [curve for curve in curves if curve.passed.size > 1]
    if not drawn:
        return []
    cycles = np.unique([curve.cycle for curve in drawn])
    shown = cycles[np.unique(np.linspace(0, len(cycles) - 1, min(_MOST_CURVES, len(cycles))).round().astype(int))]
    drawn = [curve for curve in drawn if curve.cycle in shown]
    colours = colour_of_time(shown.astype(float))
    size = np.concatenate([np.linspace(0.0, 1.0, curve.passed.size) for curve in drawn])
    limits = focus(np.arange(size.size, dtype=float), [np.concatenate([curve.voltage for curve in drawn])])
    factor, unit_of_voltage = common_scale("V", np.array(limits) if limits else drawn[0].voltage)
    scale, unit_of_charge = common_scale(unit, *(curve.passed for curve in drawn))
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for curve in drawn:
        colour = colours.to_rgba(float(curve.cycle))
        line(axes, curve.passed * scale, curve.voltage * factor, 600, color=colour, linewidth=1.0)
    if limits:
        axes.set_ylim(limits[0] * factor, limits[1] * factor)
    settle(axes)
    axes.set_xlabel(f"charge passed ({unit_of_charge})")
    axes.set_ylabel(f"voltage ({unit_of_voltage})")
    if len(shown) > 1:
        colour_bar(figure, axes, colours, "cycle", whole=True)
    count = f"The half-cycles of {len(shown)} cycles" if len(shown) > 1 else "The half-cycles"
    cut = " Brief excursions leave the axis." if limits else ""
    return [Drawing("half_cycles", "Half-cycles", f"{count}, from their start.{cut}", figure)]


def _marker(count: int) -> dict[str, Any]:
    return {"marker": "o", "markersize": 3.5} if count <= 60 else {"marker": ".", "markersize": 2.5}


def _efficiency(shown: EfficiencyShown | None) -> list[Drawing]:
    if shown is None or shown.points.x.size == 0:
        return []
    points = shown.points
    if points.x.size == 1:
        return []
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    _points(axes, points, SEQUENCE[2], 100.0)
    if shown.average is not None:
        axes.axhline(100.0 * shown.average, color=SOFT, linewidth=0.9, linestyle="--")
    kept = 100.0 * points.y[points.kept & np.isfinite(points.y)]
    if kept.size:
        low, high = np.quantile(kept, [0.01, 0.99])
        room = max(0.25 * (high - low), 0.1)
        axes.set_ylim(low - room, high + room)
    _count(axes)
    axes.set_ylabel("Coulombic efficiency (%)")
    outside = np.isfinite(points.y) & (
        (100.0 * points.y < axes.get_ylim()[0]) | (100.0 * points.y > axes.get_ylim()[1])
    )
    caption = "Charge stripped over charge plated. Open: not in the average (dashed)."
    caption += f" {int(outside.sum())} outside the axis; the table has them." if outside.any() else ""
    drawings = [Drawing("efficiency", "Coulombic efficiency", caption, figure)]
    if np.isfinite(shown.lost).sum() > 1:
        scale, unit = common_scale(shown.unit, shown.lost)
        second = new_figure(NARROW, 3.1)
        axes = second.subplots()
        axes.plot(points.x, shown.lost * scale, color=SEQUENCE[1], **_marker(points.x.size))
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(shown.lost)) * scale))
        _count(axes)
        axes.set_ylabel(f"lost so far ({unit})")
        drawings.append(Drawing("loss", "Charge not recovered", "Plated less stripped, added up.", second))
    return drawings


def _points(axes: Axes, points: PointsShown, colour: str, factor: float, label: str = "") -> None:
    """Points with error bars; those not kept are open."""
    looks = _marker(points.x.size)
    error = np.where(np.isfinite(points.error), points.error, 0.0) * factor
    for mask, fill in ((points.kept, colour), (~points.kept, "white")):
        if mask.any():
            axes.errorbar(
                points.x[mask],
                points.y[mask] * factor,
                error[mask] if error[mask].any() else None,
                linestyle="",
                color=colour,
                markerfacecolor=fill,
                elinewidth=0.8,
                label=label or None,
                **looks,
            )
            label = ""


def _count(axes: Axes, label: str = "cycle") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.set_xlabel(label)


def _plateaus(series: Sequence[PointsShown]) -> list[Drawing]:
    series = [each for each in series if np.isfinite(each.y).any()]
    if not series or max(each.x.size for each in series) < 2:
        return []
    factor, unit = common_scale("mV", *(each.y for each in series))
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for each, colour in zip(series, (SEQUENCE[0], SEQUENCE[1], SEQUENCE[2]), strict=False):
        _points(axes, each, colour, factor, each.label)
    axes.set_ylim(0.0, 1.12 * factor * max(float(np.nanmax(each.y)) for each in series))
    _count(axes)
    axes.set_ylabel(f"plateau |V| ({unit})")
    figure.legend(loc="outside lower center", ncols=3)
    caption = "Median voltage of the plateau of each half-cycle; bars: its standard error."
    return [Drawing("plateaus", "Plateaus", caption, figure)]


def _split(parts: Mapping[str, PointsShown]) -> list[Drawing]:
    if not parts or max(each.x.size for each in parts.values()) < 1:
        return []
    factor, unit = common_scale("mV", *(each.y for each in parts.values()))
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for (name, each), colour in zip(parts.items(), SEQUENCE, strict=False):
        _points(axes, each, colour, factor, name)
    axes.set_ylim(
        min(0.0, axes.get_ylim()[0]), 1.12 * factor * max(float(np.nanmax(each.y)) for each in parts.values())
    )
    _count(axes)
    axes.set_ylabel(f"part of the voltage ({unit})")
    figure.legend(loc="outside lower center", ncols=2)
    caption = "What the voltage is made of, from its relaxation when the current stops."
    return [Drawing("split", "Parts of the polarisation", caption, figure)]


def _critical(shown: CriticalShown | None) -> list[Drawing]:
    if shown is None or not any(each.x.size for each in shown.series):
        return []
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for each, colour in zip(shown.series, SEQUENCE, strict=False):
        _points(axes, each, colour, 1.0, each.label)
    low, high = shown.interval
    if low is not None and high is not None:
        axes.axvspan(low, high, color=SEQUENCE[1], alpha=0.18, linewidth=0.0)
    elif low is not None or high is not None:
        axes.axvline(float(low if low is not None else high or 0.0), color=SEQUENCE[1], linestyle="--", linewidth=0.9)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(f"current ({shown.x_unit})")
    axes.set_ylabel(f"voltage over current ({shown.y_unit})")
    figure.legend(loc="outside lower center", ncols=2)
    caption = "Polarisation by step of current. Shaded: between the last good step and the first bad one."
    return [Drawing("critical_current", "Critical current", caption, figure)]


def _impedance(series: Sequence[PointsShown], labels: tuple[str, str]) -> list[Drawing]:
    series = [each for each in series if np.isfinite(each.y).sum() > 1]
    if not series:
        return []
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for each, colour in zip(series, SEQUENCE, strict=False):
        _points(axes, each, colour, 1.0, each.label)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    figure.legend(loc="outside lower center", ncols=2)
    caption = "Of each spectrum, placed in the test by its time. `mossy eis` fits them."
    return [Drawing("spectra_in_test", "Impedance along the test", caption, figure)]


def draw_efficiencies(points: PointsShown, names: Sequence[str]) -> list[Drawing]:
    """Mean efficiencies of many cells, from the least to the best."""
    known = np.flatnonzero(np.isfinite(points.y))
    if known.size < 2:
        return []
    order = known[np.argsort(points.y[known], kind="stable")]
    few = order.size <= 30
    figure = new_figure(WIDE, max(2.2, 0.22 * order.size + 0.9) if few else 3.0)
    axes = figure.subplots()
    error = np.where(np.isfinite(points.error[order]), points.error[order], 0.0) * 100.0
    value, place = 100.0 * points.y[order], np.arange(1, order.size + 1)
    looks: dict[str, Any] = {"linestyle": "", "color": SEQUENCE[2], "elinewidth": 0.8, **_marker(order.size)}
    if few:
        axes.errorbar(value, place, xerr=error, **looks)
        axes.set_yticks(place, [_short(names[k]) for k in order])
        axes.set_xlabel("mean Coulombic efficiency (%)")
    else:
        axes.errorbar(place, value, yerr=error, **looks)
        axes.set_xlabel("cell, from the least efficient")
        axes.set_ylabel("mean Coulombic efficiency (%)")
    return [Drawing("efficiencies", "Efficiency by cell", "Bars: standard errors.", figure, wide=True)]


def _short(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"…{name[1 - most :]}"
