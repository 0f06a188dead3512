"""What the films are made of: phases over time and in depth, layers; and what stands on the metal beside the film."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl

from mossy.report.canvas import NARROW, SEQUENCE, Drawing, common_scale, new_figure, peak
from mossy.report.content import ELECTRODES, column
from mossy.report.draw_history import lines_over_time

_NOTHING = 1e-12
_AMOUNT = "_nmol_per_cm2"
_SURFACE = (
    ("nuclei_per_cm2", "Nuclei", "nuclei", "1/cm²", "Number of nuclei on the substrate."),
    ("nucleus_radius_nm", "Size of the nuclei", "radius", "nm", "Radius of hemispheres that hold all active metal."),
    ("covered_fraction", "Covered substrate", "covered", "%", "Share of the substrate under metal."),
    ("adlayer_coverage", "Adsorbed layer", "coverage", "%", "Share of the metal's surface that the adlayer blocks."),
    ("roughness", "Roughness", "true area / area", "", "True over geometric area of the metal and its film."),
    ("dead_layer_thickness_um", "Dead layer", "thickness", "µm", "Dead metal and pores through which the salt must."),
    (
        "galvanic_film_thickness_nm",
        "Film on the bare substrate",
        "thickness",
        "nm",
        "Grown on the substrate beside it.",
    ),
    ("galvanic_mAh_per_cm2", "Galvanic corrosion", "charge", "mAh/cm²", "Metal spent on the film beside it."),
    ("outer_layer_thickness_nm", "Outer layer", "thickness", "nm", "Thickness of the porous layer of the film."),
    ("outer_layer_porosity", "Porosity of the outer layer", "porosity", "%", "Electrolyte's share of the outer layer."),
)
"""Column without its electrode, title, axis, unit and caption; shown where it changes, or is not trivial."""
_TRIVIAL = {"roughness": 1.0}


def draw_film(interphase: pl.DataFrame | None) -> list[Drawing]:
    """Composition of each film, and every quantity of the surface that `interphase.parquet` holds and that moves."""
    if interphase is None or interphase.height < 2:
        return []
    drawings: list[Drawing | None] = []
    for side in ELECTRODES:
        drawings += [_phases(interphase, side), _depth(interphase, side)]
    drawings += [_surface(interphase, *words) for words in _SURFACE]
    filled = column(interphase, "pores_filled_fraction")
    if peak(filled - 1.0) > _NOTHING:
        words = ("dry_out", "Electrolyte in the pores", "filled (%)")
        drawings.append(lines_over_time(interphase, {"pores": 100.0 * filled}, words, "Share of the pores filled."))
    return [drawing for drawing in drawings if drawing is not None]


def phase_name(column_name: str) -> str:
    """A phase as a legend says it; the film whose composition no case stated is called so.

    >>> phase_name("outer_Li2CO3"), phase_name("film")
    ('outer Li2CO3', 'film not stated')
    """
    return "film not stated" if column_name == "film" else column_name.replace("_", " ")


def _phases(interphase: pl.DataFrame, side: str) -> Drawing | None:
    """Amount of each phase, where there is more than one."""
    pattern = re.compile(rf"{side}_(.+){_AMOUNT}")
    found = {match[1]: column(interphase, match[0]) for match in map(pattern.fullmatch, interphase.columns) if match}
    lines = {name: values for name, values in found.items() if peak(values) > _NOTHING}
    if len(lines) < 2:
        return None
    factor, unit = common_scale("nmol/cm²", *lines.values())
    scaled = {phase_name(name): values * factor for name, values in lines.items()}
    words = (f"{side}_phases", f"Phases of the {side} electrode's film", f"amount ({unit})")
    return lines_over_time(interphase, scaled, words, "Amount of each phase in the film; what dissolved is gone.")


def _depth(interphase: pl.DataFrame, side: str) -> Drawing | None:
    """Composition in depth at the end: each phase's share of the formula units, stacked."""
    if f"{side}_depth_profile" not in interphase.columns:
        return None
    kept = interphase[f"{side}_depth_profile"].drop_nulls()
    slices: list[dict[str, Any]] = kept[-1].to_list() if kept.len() else []
    names = [name for name in (slices[0] if slices else {}) if name.endswith(_AMOUNT)]
    amounts = np.array([[each[name] for each in slices] for name in names])
    shown = [place for place in range(len(names)) if amounts[place].sum() > 1e-3 * amounts.sum()]
    if len(shown) < 2:
        return None
    amounts, names = amounts[shown], [names[place] for place in shown]
    thickness = np.array([each["thickness_nm"] for each in slices])
    shares = 100.0 * amounts / np.maximum(amounts.sum(axis=0), 1e-300)
    factor, unit = common_scale("nm", thickness.sum(keepdims=True))
    edges = np.concatenate([[0.0], np.cumsum(thickness)]) * factor
    figure = new_figure(NARROW, 3.1)
    axes = figure.subplots()
    floor = np.zeros(len(thickness))
    for place, (name, share) in enumerate(zip(names, shares, strict=True)):
        colour = SEQUENCE[place % len(SEQUENCE)]
        axes.stairs(
            floor + share,
            edges,
            baseline=floor,
            fill=True,
            color=colour,
            alpha=0.85,
            label=phase_name(name.removesuffix(_AMOUNT)),
        )
        floor = floor + share
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel(f"depth from the electrolyte ({unit})")
    axes.set_ylabel("formula units (%)")
    figure.legend(loc="outside lower center", ncols=3)
    caption = "In the order of deposition, at the end: the electrolyte is on the left, the metal on the right."
    return Drawing(f"{side}_depth", f"Composition of the {side} electrode's film", caption, figure)


def _surface(interphase: pl.DataFrame, name: str, title: str, axis: str, unit: str, caption: str) -> Drawing | None:
    lines = {side: column(interphase, f"{side}_{name}") for side in ELECTRODES}
    trivial = _TRIVIAL.get(name, 0.0)
    lines = {side: values for side, values in lines.items() if peak(values - trivial) > _NOTHING}
    if not lines:
        return None
    factor, unit = (100.0, unit) if unit == "%" else common_scale(unit, *lines.values())
    scaled = {side: values * factor for side, values in lines.items()}
    label = f"{axis} ({unit})" if unit else axis
    return lines_over_time(interphase, scaled, (name.split("_per_")[0], title, label), caption)
