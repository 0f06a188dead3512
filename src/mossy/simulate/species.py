"""What films are made of: amounts of phases, where their atoms came from and went, and the order in depth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from mossy.cells import Film
from mossy.cells.film import INNER, OUTER
from mossy.laws.constants import FARADAY
from mossy.materials import composition, molar_mass

NANOMOL = 1e5
"""nmol/cm2 in 1 mol/m2."""
SLICES = 40
"""Of equal thickness in a depth profile."""


class History(NamedTuple):
    """A film's states along a run, SI: rows first."""

    charges: np.ndarray
    """(rows, channels), C/m2"""
    volumes: np.ndarray
    """(rows, constituents), m3 per m2 of geometric area"""
    dissolved: np.ndarray
    """(rows, constituents), m3 per m2"""
    outer_thickness: np.ndarray
    """(rows,), m; zeros where there is no outer layer"""
    roughness: np.ndarray
    """(rows,)"""


def history_of(film: Film, seen: dict[str, np.ndarray], side: str) -> History:
    """The states that `observe` saw of the film on a side."""
    channels = [seen[f"{side}_channel_{k}"] for k in range(len(film.channels))]
    rows = len(seen[f"{side}_amounts"])
    volume = np.asarray(film.molar_volume)
    return History(
        np.stack(channels, axis=1) if channels else np.zeros((rows, 0)),
        seen[f"{side}_amounts"] * volume,
        seen[f"{side}_dissolved_amounts"] * volume,
        seen.get(f"{side}_outer_thickness", np.zeros(rows)),
        seen[f"{side}_roughness"],
    )


def phases_at_end(film: Film, history: History) -> dict[str, float]:
    """nmol/cm2 of each phase, both layers together; a film of unknown composition by its formula units."""
    last = history.volumes[-1] / np.asarray(film.molar_volume) * NANOMOL
    found: dict[str, float] = {}
    for place, each in enumerate(film.constituents):
        found[each.phase] = found.get(each.phase, 0.0) + float(last[place])
    return found


def ledger(film: Film, history: History) -> dict[str, dict[str, float]]:
    """nmol/cm2 of each element that growth laws moved: taken from metal and electrolyte, put into film, lost from it.

    Only what reactions account for: a film of unknown composition, and the film there was at the start, but for what
    dissolved of it, stay out.
    """
    entries: dict[str, dict[str, float]] = {}

    def book(element: str, place: str, amount: float) -> None:
        entry = entries.setdefault(
            element, {"from_electrolyte": 0.0, "from_metal": 0.0, "into_film": 0.0, "dissolved": 0.0, "released": 0.0}
        )
        entry[place] += amount * NANOMOL

    made = (history.volumes[-1] - np.asarray(film.start)) / np.asarray(film.molar_volume)
    gone = history.dissolved[-1] / np.asarray(film.molar_volume)
    for k, channel in enumerate(film.channels):
        if channel.reaction is None:
            continue
        turns = float(history.charges[-1, k]) / (channel.reaction.electrons * FARADAY)
        book(channel.reaction.metal, "from_metal", turns * channel.reaction.metal_atoms)
        for _, formula, amount in channel.reaction.reactants:
            for element, count in composition(formula).items():
                book(element, "from_electrolyte", turns * amount * count)
        for formula, amount in channel.reaction.released:
            for element, count in composition(formula).items():
                book(element, "released", turns * amount * count)
    for place, each in enumerate(film.constituents):
        if each.formula:
            for element, count in composition(each.formula).items():
                book(element, "into_film", made[place] * count)
                book(element, "dissolved", gone[place] * count)
    return entries


def imbalance(entries: dict[str, dict[str, float]]) -> float:
    """The largest amount of an element that came from nowhere, over the largest that moved."""
    worst, moved = 0.0, 0.0
    for entry in entries.values():
        gained = entry["into_film"] + entry["dissolved"] + entry["released"]
        lost = entry["from_electrolyte"] + entry["from_metal"]
        worst, moved = max(worst, abs(gained - lost)), max(moved, abs(lost))
    return worst / moved if moved > 0.0 else 0.0


def depth_profile(film: Film, history: History, row: int) -> list[dict[str, float]]:
    """Slices of a film from the electrolyte inwards, in the order of deposition: SLICES a layer.

    What reacts at metal|film is added at the metal, what reacts at film|electrolyte on top, so the dense layer is a
    stack of the newest outer product, ..., the first film, ..., the newest inner product; the outer layer lies on it,
    its newest outermost. What dissolves goes from every depth alike, as the model has it.
    """
    found, depth = [], 0.0
    for layer in (OUTER, INNER):
        stack = _stack(film, history, row, layer)
        solid = stack.sum()
        if not np.isfinite(solid) or solid <= 0.0:
            continue
        thickness = solid / history.roughness[row]
        if layer == OUTER:
            thickness = max(float(history.outer_thickness[row]), thickness)
        below = np.concatenate([np.zeros((1, stack.shape[1])), np.cumsum(stack, axis=0)])
        reached = below.sum(axis=1)
        edges = np.linspace(0.0, reached[-1], SLICES + 1)
        cumulative = np.stack([np.interp(edges, reached, column) for column in below.T], axis=1)
        amounts = np.diff(cumulative, axis=0) / np.asarray(film.molar_volume) * NANOMOL
        step = thickness / SLICES * 1e9
        for piece in amounts:
            entry = {"depth_nm": depth + 0.5 * step, "thickness_nm": step}
            entry["porosity"] = float(1.0 - solid / history.roughness[row] / thickness)
            entry |= {_amount(each.phase): 0.0 for each in film.constituents}
            for place, each in enumerate(film.constituents):
                entry[_amount(each.phase)] += float(piece[place])
            found.append(entry)
            depth += step
    return found


def _amount(phase: str) -> str:
    return f"{phase}_nmol_per_cm2"


def _stack(film: Film, history: History, row: int, layer: int) -> np.ndarray:
    """(slices, constituents) of volume in a layer, from the electrolyte side to the metal; they add up to what is."""
    mine = np.array([each.layer == layer for each in film.constituents])
    grown = np.diff(history.charges[: row + 1], axis=0, prepend=0.0)
    survives = _survival(history, row)
    top, bottom = np.zeros((row + 1, len(mine))), np.zeros((row + 1, len(mine)))
    for k, channel in enumerate(film.channels):
        made = np.maximum(grown[:, k : k + 1], 0.0) * np.asarray(channel.yields) * survives
        if channel.outside or layer == OUTER:
            top += made
        else:
            bottom += made
    first = np.asarray(film.start)[None] * _since_start(history, row)
    stack = np.concatenate([top[::-1], first, bottom]) * mine
    have, want = stack.sum(axis=0), np.maximum(history.volumes[row], 0.0) * mine
    return np.asarray(stack * np.where(have > 0.0, want / np.where(have > 0.0, have, 1.0), 0.0))


def _losses(history: History, row: int) -> np.ndarray:
    """ln of the share of each constituent that stays, in each row."""
    lost = np.diff(history.dissolved[: row + 1], axis=0, prepend=0.0)
    there = np.maximum(history.volumes[: row + 1], 0.0)
    share = np.clip(lost / np.maximum(there + lost, 1e-30), 0.0, 1.0 - 1e-12)
    return np.asarray(np.log1p(-share))


def _survival(history: History, row: int) -> np.ndarray:
    """What is left at a row of what was deposited in each row before."""
    logs = _losses(history, row)
    total = np.cumsum(logs, axis=0)
    return np.asarray(np.exp(total[-1] - total))


def _since_start(history: History, row: int) -> np.ndarray:
    return np.asarray(np.exp(_losses(history, row).sum(axis=0)))


def profile_dtype(film: Film) -> pl.DataType:
    """The type of a column of depth profiles."""
    names = ["depth_nm", "thickness_nm", "porosity", *dict.fromkeys(_amount(each.phase) for each in film.constituents)]
    return pl.List(pl.Struct(dict.fromkeys(names, pl.Float64)))


def film_mass(film: Film, history: History) -> float | None:
    """ug/cm2 at the end; None where there is a phase without a formula."""
    amounts = history.volumes[-1] / np.asarray(film.molar_volume)
    if any(not each.formula and amount > 0.0 for each, amount in zip(film.constituents, amounts, strict=True)):
        return None
    weights = np.array([molar_mass(each.formula) if each.formula else 0.0 for each in film.constituents])
    return float(np.sum(amounts * weights) * 1e5)
