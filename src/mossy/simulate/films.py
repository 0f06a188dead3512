"""The films of a run as people read them: their history as a table, and what they are at the end."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from mossy.cells import Film
from mossy.simulate.observe import SIDES, observe
from mossy.simulate.run import Trajectory
from mossy.simulate.species import (
    NANOMOL,
    depth_profile,
    film_mass,
    history_of,
    imbalance,
    ledger,
    phases_at_end,
    profile_dtype,
)

MILLIAMPERE_HOUR = 36000.0
_PROFILED = 40
"""Moments of a run, ends of cycles, at which the depth profile is kept."""
_OPTIONAL = (
    ("outer_thickness", "outer_layer_thickness_nm", 1e9),
    ("outer_porosity", "outer_layer_porosity", 1.0),
    ("nuclei", "nuclei_per_cm2", 1e-4),
    ("nucleus_radius", "nucleus_radius_nm", 1e9),
    ("covered", "covered_fraction", 1.0),
    ("adlayer", "adlayer_coverage", 1.0),
    ("dead_layer", "dead_layer_thickness_um", 1e6),
    ("beside_thickness", "galvanic_film_thickness_nm", 1e9),
    ("beside_charge", "galvanic_mAh_per_cm2", 1.0 / MILLIAMPERE_HOUR),
)
"""What only some electrodes have: its name to `observe`, its column, its factor."""


@dataclasses.dataclass(frozen=True)
class FilmResult:
    """What a film is at the end of a run, and how well its elements balance."""

    summary: dict[str, Any]
    imbalance: float


def interphase_table(trajectory: Trajectory) -> pl.DataFrame:
    """The films' history at the end of every step taken; at the ends of cycles their composition in depth too."""
    rows, cell, of = trajectory.rows, trajectory.cell, trajectory.schedule.segments
    time = rows.origin + rows.elapsed + rows.theta * rows.length
    cycle = np.array([of[s].cycle for s in rows.segment], dtype=np.int64)
    columns: dict[str, Any] = {
        "test_time_second": time,
        "cycle_count": cycle,
        "step_count": np.array([of[s].step_count for s in rows.segment], dtype=np.int64),
    }
    seen = observe(cell, trajectory.row_ends()) if len(time) else observe(cell, trajectory.final[None])
    seen = {name: values[: len(time)] for name, values in seen.items()}
    for side in SIDES:
        columns |= _side(getattr(cell, side).film, seen, side, cycle)
    for index, name in enumerate(cell.additive_names):
        columns[f"{name}_fraction_left"] = seen[f"additive_{index}"]
    if cell.dries:
        columns["pores_filled_fraction"] = seen["saturation"]
    return pl.DataFrame(columns)


def _side(film: Film, seen: dict[str, np.ndarray], side: str, cycle: np.ndarray) -> dict[str, Any]:
    columns: dict[str, Any] = {
        f"{side}_film_thickness_nm": seen[f"{side}_film_thickness"] * 1e9,
        f"{side}_film_resistance_ohm_cm2": seen[f"{side}_film_resistance"] * 1e4,
        f"{side}_dissolved_nm": seen[f"{side}_dissolved"],
        f"{side}_cracked_fraction": seen[f"{side}_cracked"],
        f"{side}_roughness": seen[f"{side}_roughness"],
    }
    for index, channel in enumerate(film.channels):
        charge = seen[f"{side}_channel_{index}"] / MILLIAMPERE_HOUR
        columns[f"{side}_{index + 1}_{channel.name}_mAh_per_cm2"] = charge
    for place, each in enumerate(film.constituents):
        columns[f"{side}_{each.label}_nmol_per_cm2"] = seen[f"{side}_amounts"][:, place] * NANOMOL
    columns |= {
        f"{side}_{column}": seen[f"{side}_{name}"] * factor
        for name, column, factor in _OPTIONAL
        if f"{side}_{name}" in seen
    }
    return columns | {f"{side}_depth_profile": _profiles(film, seen, side, cycle)}


def _profiles(film: Film, seen: dict[str, np.ndarray], side: str, cycle: np.ndarray) -> pl.Series:
    ends = np.flatnonzero(np.diff(cycle, append=-1))
    if len(ends) > _PROFILED:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, _PROFILED).round().astype(int))]
    history, kept = history_of(film, seen, side), set(ends.tolist())
    profiles = [depth_profile(film, history, row) if row in kept else None for row in range(len(cycle))]
    return pl.Series(profiles, dtype=profile_dtype(film))


def films_of(trajectory: Trajectory, final: dict[str, np.ndarray]) -> dict[str, FilmResult]:
    """What each film is made of at the end; `final` is what `observe` saw then."""
    found = {}
    for side in SIDES:
        film = getattr(trajectory.cell, side).film
        history = history_of(film, final, side)
        elements = ledger(film, history)
        outer = {}
        if f"{side}_outer_thickness" in final:
            outer["outer"] = {
                "thickness_nm": float(final[f"{side}_outer_thickness"][0] * 1e9),
                "porosity": float(final[f"{side}_outer_porosity"][0]),
            }
        dense = float(final[f"{side}_film_thickness"][0] * 1e9)
        summary = {
            "phases_nmol_per_cm2": phases_at_end(film, history),
            "layers": {"inner": {"thickness_nm": dense, "porosity": 0.0}} | outer,
            "cracked_fraction": float(final[f"{side}_cracked"][0]),
            "roughness": float(final[f"{side}_roughness"][0]),
            "mass_ug_per_cm2": film_mass(film, history),
            "elements_nmol_per_cm2": elements,
        }
        found[side] = FilmResult(summary, imbalance(elements))
    return found
