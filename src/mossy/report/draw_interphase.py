"""Efficiency and capacity by cycle; the films, the metal inventory and the salt at the surfaces over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mossy.report.canvas import (
    ELECTRODE_COLOURS,
    NARROW,
    SEQUENCE,
    Drawing,
    common_scale,
    crowded,
    line,
    new_figure,
    peak,
    settle,
)
from mossy.report.content import ELECTRODES, column, cycle_numbers
from mossy.report.wording import known, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NOTHING = 1e-9  # in the unit of the column: below it a line would only show rounding

_MOST_SALT_CYCLES = 5
_LOSSES = (
    ("dead metal", "dead_mAh_per_cm2", SEQUENCE[7]),
    ("charge in the film", "film_charge_mAh_per_cm2", SEQUENCE[4]),
)


def efficiencies(cycles: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Cycle number and Coulombic efficiency wherever there is one."""
    pairs = ((known(item.get("cycle")), known(item.get("coulombic_efficiency"))) for item in cycles)
    return [(count, value) for count, value in pairs if count is not None and value is not None]


def draw_efficiency(cycles: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """Efficiency and capacities against cycle, from the second cycle on: a single point needs no axis."""
    points = efficiencies(cycles)
    drawings = [_efficiency(points)] if len(points) > 1 else []
    return drawings + ([_capacities(cycles)] if len(cycles) > 1 else [])


def _efficiency(points: list[tuple[float, float]]) -> Drawing:
    numbers, values = np.array(points).T
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    marker: dict[str, Any] = {"marker": "o"} if numbers.size <= 60 else {"marker": ".", "markersize": 2.0}
    axes.plot(numbers, 100.0 * values, color=SEQUENCE[2], **marker)
    low, high = 100.0 * values.min(), 100.0 * values.max()
    room = max(0.12 * (high - low), 0.25)
    axes.set_ylim(low - room, high + room)
    _count_cycles(axes)
    axes.set_ylabel("Coulombic efficiency (%)")
    caption = "Charge stripped over charge plated on the electrode under study, by the external current."
    return Drawing("efficiency", "Coulombic efficiency", caption, figure)


def _capacities(cycles: Sequence[Mapping[str, Any]]) -> Drawing:
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    series = [
        np.array([[_or_nan(row.get("cycle")), _or_nan(row.get(f"{word}_mAh_per_cm2"))] for row in cycles])
        for word in ("plated", "stripped")
    ]
    factor, unit = common_scale("mAh/cm²", *(part[:, 1] for part in series))
    looks = (("plated", SEQUENCE[0], "o"), ("stripped", SEQUENCE[1], "s"))
    for part, (word, colour, marker) in zip(series, looks, strict=True):
        marker = marker if len(cycles) <= 60 else ""
        axes.plot(part[:, 0], part[:, 1] * factor, color=colour, marker=marker, label=word)
    _count_cycles(axes)
    axes.set_ylabel(f"areal capacity ({unit})")
    axes.margins(y=0.15)
    settle(axes, 0.02)
    axes.legend(loc="best")
    return Drawing("capacities", "Plated and stripped", "Areal capacity moved in each cycle.", figure)


def _or_nan(value: Any) -> float:
    number = known(value)
    return float("nan") if number is None else number


def _count_cycles(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("cycle")


def draw_interphase(cycling: pl.DataFrame) -> list[Drawing]:
    """Film thickness and resistance, and the metal inventory of each electrode."""
    thickness = _both(
        cycling,
        ("film_thickness_nm", "nm", "film thickness"),
        ("film_thickness", "Film thickness", "Thickness of the interphase on each electrode."),
    )
    resistance = _both(
        cycling,
        ("film_resistance_ohm_cm2", "Ω cm²", "film resistance"),
        ("film_resistance", "Film resistance", "Ionic resistance of the interphase, thickness over conductivity."),
    )
    inventories = [_inventory(cycling, electrode) for electrode in ELECTRODES]
    return [drawing for drawing in (thickness, resistance, *inventories) if drawing is not None]


def draw_surface_salt(cycling: pl.DataFrame) -> list[Drawing]:
    """The salt at both surfaces over time; of many cycles only the last, since it returns in each."""
    cycles = cycle_numbers(cycling)
    caption = "Concentration of the salt at each electrode's surface."
    if cycles.size > _MOST_SALT_CYCLES:
        cycling = cycling.filter(pl.col("cycle_count") == cycles[-1])
        cycling = cycling.with_columns(pl.col("test_time_second") - pl.col("test_time_second").min())
        caption = f"{caption[:-1]}, in the last cycle ({cycles[-1]:.0f}) since it began."
    drawing = _both(
        cycling,
        ("surface_concentration_mol_per_L", "mol/L", "salt at the surface"),
        ("surface_salt", "Salt at the electrodes", caption),
    )
    return [drawing] if drawing is not None else []


def _both(cycling: pl.DataFrame, quantity: tuple[str, str, str], words: tuple[str, str, str]) -> Drawing | None:
    """One quantity of both electrodes against time."""
    time = column(cycling, "test_time_second")
    lines = {electrode: column(cycling, f"{electrode}_{quantity[0]}") for electrode in ELECTRODES}
    lines = {electrode: values for electrode, values in lines.items() if peak(values) > _NOTHING}
    if not lines or time.size < 2:
        return None
    size, unit_of_time = time_unit(float(np.ptp(time)))
    factor, unit = common_scale(quantity[1], *lines.values())
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for electrode, values in lines.items():
        dashes = "-" if electrode == "working" else "--"
        line(axes, time / size, values * factor, 1200, color=ELECTRODE_COLOURS[electrode], ls=dashes, label=electrode)
    axes.set_xlabel(f"time ({unit_of_time})")
    axes.set_ylabel(f"{quantity[2]} ({unit})")
    settle(axes, 0.02)
    figure.legend(loc="outside lower center", ncols=2)
    absent = [electrode for electrode in ELECTRODES if electrode not in lines]
    return Drawing(words[0], words[1], words[2] + (f" None on the {absent[0]} electrode." if absent else ""), figure)


def _inventory(cycling: pl.DataFrame, electrode: str) -> Drawing | None:
    """Active metal above; below it, on their own scale, what was lost to dead metal and to the film."""
    time = column(cycling, "test_time_second")
    active = column(cycling, f"{electrode}_active_mAh_per_cm2")
    lost = {name: column(cycling, f"{electrode}_{key}") for name, key, _ in _LOSSES}
    lost = {name: values for name, values in lost.items() if peak(values) > _NOTHING}
    if active.size < 2 or peak(active, *lost.values()) <= _NOTHING:
        return None
    size, unit_of_time = time_unit(float(np.ptp(time)))
    figure = new_figure(NARROW, 3.4 if lost else 2.6)
    rows = figure.subplots(2 if lost else 1, 1, sharex=True, squeeze=False)[:, 0]
    factor, unit = common_scale("mAh/cm²", active)
    line(
        rows[0],
        time / size,
        active * factor,
        1200,
        **crowded(cycle_numbers(cycling).size),
        color=ELECTRODE_COLOURS[electrode],
    )
    rows[0].set_ylabel(f"active ({unit})")
    settle(rows[0], 0.01)
    if lost:
        factor, unit = common_scale("mAh/cm²", *lost.values())
        for name, _, colour in _LOSSES:
            if name in lost:
                line(rows[1], time / size, lost[name] * factor, 1200, color=colour, label=name)
        rows[1].set_ylabel(f"lost ({unit})")
        rows[1].legend(loc="best")
        settle(rows[1], 0.02)
    rows[-1].set_xlabel(f"time ({unit_of_time})")
    caption = "Metal that can be stripped" + (", and metal and charge that cannot." if lost else "; nothing was lost.")
    return Drawing(f"{electrode}_inventory", f"Metal of the {electrode} electrode", caption, figure)
