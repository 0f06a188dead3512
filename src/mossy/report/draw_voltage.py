"""The voltage, the current, and the parts the voltage is made of."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mossy.report.canvas import (
    INK,
    SEQUENCE,
    WIDE,
    Drawing,
    common_scale,
    crowded,
    focus,
    line,
    new_figure,
    peak,
    settle,
)
from mossy.report.content import column, cycle_numbers
from mossy.report.wording import measure, scaled, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = {
    "ohmic_volt": ("ohmic", "#7b8794", "-"),
    "concentration_volt": ("concentration", "#2b6a99", "-"),
    "contact_volt": ("contact", "#b9a44c", "-"),
    "working_charge_transfer_volt": ("charge transfer, working", "#c0522b", "-"),
    "working_film_volt": ("film, working", "#e39a3b", "-"),
    "counter_charge_transfer_volt": ("charge transfer, counter", "#3f7d4e", "--"),
    "counter_film_volt": ("film, counter", "#8a5a9e", "--"),
}
_NOTHING = 1e-7  # volt: below it a line would only show rounding


def draw_voltage(cycling: pl.DataFrame) -> list[Drawing]:
    """The whole trace, the first cycle on the last where there are several, and the parts."""
    if column(cycling, "voltage_volt").size < 2 or column(cycling, "test_time_second").size < 2:
        return []
    drawings = [_whole_trace(cycling)]
    cycles = cycle_numbers(cycling)
    if cycles.size > 1:
        drawings.append(_first_on_last(cycling, (cycles[0], cycles[-1])))
    if any(peak(column(cycling, name)) > _NOTHING for name in PARTS):
        drawings.append(_parts(cycling, cycles))
    return drawings


def _whole_trace(cycling: pl.DataFrame) -> Drawing:
    time, voltage = column(cycling, "test_time_second"), column(cycling, "voltage_volt")
    current, quantity, unit = _current(cycling)
    size, unit_of_time = time_unit(float(np.ptp(time)))
    factor, unit_of_voltage = common_scale("V", voltage)
    looks = {"linewidth": 1.0} | crowded(cycle_numbers(cycling).size)
    figure = new_figure(WIDE, 4.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.3, 1.0])
    line(upper, time / size, voltage * factor, 3000, **looks, color=INK)
    upper.set_ylabel(f"voltage ({unit_of_voltage})")
    scale, unit = common_scale(unit, current)
    line(lower, time / size, current * scale, 3000, **looks, color=SEQUENCE[0])
    lower.set_ylabel(f"current\n({unit})")
    lower.set_xlabel(f"time ({unit_of_time})")
    lower.margins(y=0.15)
    for axes in (upper, lower):
        settle(axes)
    figure.align_ylabels([upper, lower])
    sign = "; above zero metal is plated on the electrode under study" if quantity == "current density" else ""
    return Drawing(
        "voltage",
        "Voltage and current",
        f"The cell's voltage, working minus counter, over the whole test. Below it the {quantity}{sign}.",
        figure,
        wide=True,
    )


def _current(cycling: pl.DataFrame) -> tuple[np.ndarray, str, str]:
    density = column(cycling, "plating_current_density_mA_per_cm2")
    if density.size:
        return density, "current density", "mA/cm²"
    current = column(cycling, "current_ampere")
    return (current, "current", "A") if current.size else (np.full(cycling.height, np.nan), "current", "A")


def _cycle(cycling: pl.DataFrame, count: float) -> pl.DataFrame:
    return cycling.filter(pl.col("cycle_count") == count)


def _first_on_last(cycling: pl.DataFrame, ends: tuple[float, float]) -> Drawing:
    tables = [_cycle(cycling, count) for count in ends]
    times = [column(table, "test_time_second") - column(table, "test_time_second")[0] for table in tables]
    voltages = [column(table, "voltage_volt") for table in tables]
    size, unit_of_time = time_unit(max(float(np.ptp(time)) for time in times))
    limits = _shared_limits([focus(time, [voltage]) for time, voltage in zip(times, voltages, strict=True)])
    factor, unit = scaled(max(np.abs(limits)), "V") if limits else common_scale("V", *voltages)
    figure = new_figure(WIDE, 2.9)
    axes = figure.subplots()
    for count, time, voltage, colour in zip(ends, times, voltages, (SEQUENCE[0], SEQUENCE[1]), strict=True):
        line(axes, time / size, voltage * factor, color=colour, label=f"cycle {count:.0f}")
    _apply(axes, limits, factor)
    axes.set_xlabel(f"time since the cycle began ({unit_of_time})")
    axes.set_ylabel(f"voltage ({unit})")
    figure.legend(loc="outside lower center", ncols=2)
    caption = f"Cycle {ends[0]:.0f} and cycle {ends[1]:.0f} from their first moment on.{_cut(limits)}"
    return Drawing("first_and_last_cycle", "First and last cycle", caption, figure, wide=True)


def _parts(cycling: pl.DataFrame, cycles: np.ndarray) -> Drawing:
    """One panel of parts, or two that share their axis: the first cycle and the last."""
    ends = [cycles[0], cycles[-1]] if cycles.size > 1 else [None]
    tables = [cycling if count is None else _cycle(cycling, count) for count in ends]
    spans = [column(table, "test_time_second") for table in tables]
    shown = [name for name in PARTS if peak(*(column(table, name) for table in tables)) > _NOTHING]
    curves = [[column(table, name) for name in ("voltage_volt", *shown)] for table in tables]
    limits = _shared_limits([focus(time, parts) for time, parts in zip(spans, curves, strict=True)])
    factor, unit = scaled(max(np.abs(limits)), "V") if limits else common_scale("V", *itertools.chain(*curves))
    size, unit_of_time = time_unit(max(float(np.ptp(time)) for time in spans))
    figure = new_figure(WIDE, 3.9)
    panels = figure.subplots(1, len(ends), sharey=True, squeeze=False)[0]
    for axes, table, count in zip(panels, tables, ends, strict=True):
        time = column(table, "test_time_second")
        start = 0.0 if count is None else time[0]
        line(axes, (time - start) / size, column(table, "voltage_volt") * factor, color=INK, label="voltage")
        for name in shown:
            label, colour, dashes = PARTS[name]
            line(axes, (time - start) / size, column(table, name) * factor, color=colour, ls=dashes, label=label)
        axes.set_xlabel(f"time ({unit_of_time})" if count is None else f"time since it began ({unit_of_time})")
        axes.set_title("" if count is None else f"cycle {count:.0f}")
    panels[0].set_ylabel(f"voltage and its parts ({unit})")
    _apply(panels[0], limits, factor)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3 if len(labels) < 7 else 4)
    caption = f"The parts with their sign.{_closure(cycling)}{_absent(cycling, shown)}{_cut(limits)}"
    return Drawing("voltage_parts", "What the voltage is made of", caption, figure, wide=True)


def _shared_limits(limits: list[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Limits that hold every panel; none where one panel needs its full range."""
    known = [pair for pair in limits if pair is not None]
    if not known or len(known) < len(limits):
        return None
    return min(pair[0] for pair in known), max(pair[1] for pair in known)


def _apply(axes: Axes, limits: tuple[float, float] | None, factor: float) -> None:
    if limits is not None:
        axes.set_ylim(limits[0] * factor, limits[1] * factor)
    settle(axes)


def _cut(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else " The axis shows the range of 98 % of the time; brief excursions leave it."


def _closure(cycling: pl.DataFrame) -> str:
    """How well the parts add up to the voltage."""
    if any(name not in cycling.columns for name in PARTS):
        return ""
    total = np.sum([column(cycling, name) for name in PARTS], axis=0)
    largest = peak(column(cycling, "voltage_volt") - total)
    if largest < 1e-9:
        return " They add up to the voltage."
    return f" They add up to the voltage within {measure(largest, 'V', 2)}."


def _absent(cycling: pl.DataFrame, shown: list[str]) -> str:
    names = [PARTS[name][0] for name in PARTS if name in cycling.columns and name not in shown]
    return f" Nothing to see from: {'; '.join(names)}." if names else ""
