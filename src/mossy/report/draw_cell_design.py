"""The figures of a cell design: where mass and volume are, and how the capacity lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.report.canvas import NARROW, SEQUENCE, SOFT, Drawing, new_figure
from mossy.report.wording import number

_IN_STACK, _AROUND = SEQUENCE[0], SOFT


def draw_breakdown(parts: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """One figure for the mass and one for the volume, a bar a part."""
    words = (
        ("mass", "Where the mass is", "mass_percent", "mass_g", "g"),
        ("volume", "Where the volume is, charged", "volume_percent", "volume_mL", "mL"),
    )
    return [_bars(parts, *each) for each in words]


def _bars(parts: Sequence[Mapping[str, Any]], name: str, title: str, share: str, amount: str, unit: str) -> Drawing:
    shown = [part for part in parts if part[amount] > 0.0]
    figure = new_figure(NARROW, 0.9 + 0.3 * len(shown))
    axes = figure.subplots()
    places = np.arange(len(shown))
    colours = [_IN_STACK if part["in_stack"] else _AROUND for part in shown]
    axes.barh(places, [part[share] for part in shown], height=0.62, color=colours)
    for place, part in zip(places, shown, strict=True):
        said = f"{number(part[share], 3)} %, {number(part[amount], 3)} {unit}"
        axes.annotate(said, (part[share], place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [part["part"] for part in shown])
    axes.set_ylim(len(shown) - 0.45, -0.55)
    axes.set_xlim(0.0, 1.62 * max(part[share] for part in shown))
    axes.set_xlabel(f"share of the cell's {name} (%)")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    return Drawing(f"breakdown_{name}", title, "Blue: the stack; grey: what is around it.", figure)


def draw_life(cycles: np.ndarray, retention: np.ndarray, life: Mapping[str, Any] | None) -> list[Drawing]:
    """Capacity over cycles, with what was wanted and where the electrolyte gives out."""
    if life is None or not cycles.size:
        return []
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    axes.plot(cycles, 100.0 * retention, color=SEQUENCE[0], label="capacity, from metal alone")
    end = life["end_of_life_retention"]
    axes.axhline(100.0 * end, color=SOFT, lw=0.8, ls=":")
    axes.axvline(life["wanted_cycles"], color=SEQUENCE[2], ls="--", label=f"wanted: {life['wanted_cycles']} cycles")
    dry = life["cycles_to_dry_out"]
    if dry is not None and math.isfinite(dry) and dry <= cycles[-1]:
        axes.axvline(dry, color=SEQUENCE[1], ls="-.", label=f"dried out: {dry:.0f} cycles")
    axes.set_xlim(0.0, float(cycles[-1]))
    axes.set_ylim(0.0, 105.0)
    axes.set_xlabel("cycle")
    axes.set_ylabel("capacity left (%)")
    figure.legend(loc="outside lower center", ncols=1)
    caption = f"Dotted: the end of life, {100.0 * end:.3g} %. Excess metal hides the losses until it is gone."
    return [Drawing("life", "How the capacity lasts", caption, figure)]
