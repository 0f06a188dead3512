"""The history of the films: which growth law took what, cracks, and what is left of the additives."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import polars as pl

from mossy.report.canvas import (
    ELECTRODE_COLOURS,
    NARROW,
    SEQUENCE,
    Drawing,
    common_scale,
    line,
    new_figure,
    peak,
    settle,
)
from mossy.report.content import ELECTRODES, column
from mossy.report.wording import time_unit

_LEFT = "_fraction_left"
_STYLES = ("-", "--", "-.", ":")
_NOTHING = 1e-12


def draw_history(interphase: pl.DataFrame | None) -> list[Drawing]:
    """What `interphase.parquet` holds, where there is more to it than the thickness."""
    if interphase is None or interphase.height < 2:
        return []
    names = interphase.columns
    additives = {name.removesuffix(_LEFT): column(interphase, name) for name in names if name.endswith(_LEFT)}
    cracks = {side: column(interphase, f"{side}_cracked_fraction") for side in ELECTRODES}
    drawings = [_laws(interphase, side) for side in ELECTRODES]
    drawings.append(_shares(interphase, cracks, ("cracks", "Cracked share of the film", "cracked area (%)")))
    drawings.append(_shares(interphase, additives, ("additives", "Additives left in the electrolyte", "left (%)")))
    return [drawing for drawing in drawings if drawing is not None]


def _laws(interphase: pl.DataFrame, side: str) -> Drawing | None:
    """The charge of each growth law of one electrode, where there is more than one."""
    pattern = re.compile(rf"{side}_(\d+)_(.+)_mAh_per_cm2")
    found = [match for match in map(pattern.fullmatch, interphase.columns) if match]
    lines = {f"{match[1]}. {match[2].replace('_', ' ')}": column(interphase, match[0]) for match in found}
    if len(lines) < 2 or peak(*lines.values()) <= _NOTHING:
        return None
    factor, unit = common_scale("mAh/cm²", *lines.values())
    scaled = {name: values * factor for name, values in lines.items()}
    caption = "Charge that each growth law has spent; what dissolved is counted."
    words = (f"{side}_laws", f"Growth on the {side} electrode", f"charge ({unit})")
    return lines_over_time(interphase, scaled, words, caption)


def _shares(interphase: pl.DataFrame, shares: Mapping[str, np.ndarray], words: tuple[str, str, str]) -> Drawing | None:
    lines = {name: 100.0 * values for name, values in shares.items() if peak(values) > _NOTHING}
    if not lines:
        return None
    return lines_over_time(interphase, lines, words, f"{words[1]} over time.")


def lines_over_time(
    interphase: pl.DataFrame, lines: Mapping[str, np.ndarray], words: tuple[str, str, str], caption: str
) -> Drawing:
    """Named lines against the time of `interphase.parquet`; `words`: the figure's name, its title, the axis.

    Dashes differ beside colours, for lines may lie on each other: two phases of one reaction do.
    """
    time = column(interphase, "test_time_second")
    size, unit = time_unit(float(np.ptp(time)))
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    for place, (name, values) in enumerate(lines.items()):
        colour = ELECTRODE_COLOURS.get(name, SEQUENCE[place % len(SEQUENCE)])
        style = _STYLES[place % len(_STYLES)]
        line(axes, time / size, values, 1200, color=colour, ls=style, label=name)
    axes.set_xlabel(f"time ({unit})")
    axes.set_ylabel(words[2])
    settle(axes, 0.02)
    figure.legend(loc="outside lower center", ncols=1 if max(map(len, lines)) > 16 else 3)
    return Drawing(words[0], words[1], caption, figure)
