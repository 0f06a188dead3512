"""Whether what a description says of a cell fits what its file shows; what contradicts is said, and not computed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mossy.analysis.cell_description import CellDescription
from mossy.analysis.cycler_steps import Steps

if TYPE_CHECKING:
    import polars as pl

_LOW, _RESTS, _DENSE = 0.5, 0.1, 50.0
"""V below which a voltage under current is polarisation alone; V at which a symmetric cell does not rest; mA/cm2 that
no metal cell is cycled at."""


def contradictions(steps: Steps, description: CellDescription, area_cm2: float | None) -> list[tuple[str, str]]:
    """(key, sentence) for each statement that the file contradicts.

    A driven cell takes up power: V I > 0 where there is no voltage but polarisation. The working electrode is then
    oxidised by positive currents, so that it is plated by the file's negative ones, and the counter by positive ones.
    """
    halves = steps.half_cycles
    level = halves["voltage_median_volt"].to_numpy()
    if not halves.height or not np.isfinite(level).all():
        return []
    found = []
    full = steps.kind in ("full", "anode-free")
    polarisation = bool(np.median(np.abs(level)) < _LOW)
    if full and polarisation:
        found.append(
            ("kind", f"kind = '{steps.kind}', but the voltage under current is {_volts(level)}: no full cell's")
        )
    if steps.kind == "symmetric":
        found += _symmetric(steps)
    if polarisation and not full and description.plating_current and description.electrode_under_study:
        found += _signs(halves, level, description)
    found += _amounts(halves, description, area_cm2)
    return found


def _volts(level: np.ndarray) -> str:
    return f"{float(np.median(level[level > 0.0])) if (level > 0.0).any() else float(np.median(level)):.3g} V"


def _symmetric(steps: Steps) -> list[tuple[str, str]]:
    rests = steps.table.filter(steps.table["current_sign"] == 0)["voltage_end_volt"].to_numpy()
    rests = rests[np.isfinite(rests)]
    if len(rests) and abs(float(np.median(rests))) > _RESTS:
        return [("kind", f"kind = 'symmetric', but without current the voltage is {np.median(rests):.3g} V, not 0 V")]
    return []


def _signs(halves: pl.DataFrame, level: np.ndarray, description: CellDescription) -> list[tuple[str, str]]:
    power = float(np.sign(np.sum(np.sign(level * halves["current_sign"].to_numpy()))))
    if power == 0.0:
        return []
    stated = -1 if description.plating_current == "negative" else 1
    expected = -1 if description.electrode_under_study == "working" else 1
    if power < 0.0:
        text = "the voltage times the file's current is negative: one of their signs is the other way round"
        return [("current_sign", f"{text}; if it is the current's, state current_sign = 'reversed'")]
    file_sign = -stated if description.current_sign == "reversed" else stated
    if file_sign == expected:
        return []
    other = "positive" if description.plating_current == "negative" else "negative"
    text = (
        f"electrode_under_study = '{description.electrode_under_study}' and plating_current = "
        f"'{description.plating_current}' contradict the voltage, by which that electrode is stripped then; "
        f"plating_current = '{other}', or the other electrode, would fit"
    )
    return [("plating_current", text)]


def _amounts(halves: pl.DataFrame, description: CellDescription, area_cm2: float | None) -> list[tuple[str, str]]:
    if not area_cm2:
        return []
    found = []
    density = 1e3 * float(halves["current_ampere"].max()) / area_cm2  # type: ignore[arg-type]
    if density > _DENSE:
        text = f"{density:.3g} mA/cm2 flow: see whether the area and the unit of the current are right"
        found.append(("area", text))
    held = description.counter_metal
    moved = float(halves["charge_coulomb"].max()) / 3.6 / area_cm2  # type: ignore[arg-type]
    if held is not None and description.kind == "substrate" and moved > 1.1 * held / 36000.0:
        text = f"{moved:.3g} mAh/cm2 are moved, more than counter_metal = {held / 36000.0:.3g} mAh/cm2 holds"
        found.append(("counter_metal", text))
    return found


FATAL = ("kind", "plating_current", "current_sign")
"""Statements on which nothing is computed where the file contradicts them."""


def sentences(found: list[tuple[str, str]]) -> list[str]:
    """The sentences."""
    return [text for _, text in found]


def roles_hold(found: list[tuple[str, str]]) -> bool:
    """Whether efficiencies and overpotentials may be told."""
    return not any(key in FATAL for key, _ in found)


__all__ = ["FATAL", "contradictions", "roles_hold", "sentences"]
