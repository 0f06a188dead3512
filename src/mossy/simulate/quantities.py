"""The numbers of a run that studies map and rank: one a lane of a batch, in the unit that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mossy.numerics.lanes import INDEX
from mossy.simulate.batch import Batch
from mossy.simulate.drive import EVENTS


class Studied(NamedTuple):
    """Words for an axis, the unit, and how it is taken from a batch: NaN where a lane has none."""

    words: str
    unit: str
    of: Callable[[Batch], np.ndarray]


def _column(name: str, factor: float = 1.0) -> Callable[[Batch], np.ndarray]:
    def of(batch: Batch) -> np.ndarray:
        values = batch.summary[name].cast(float).fill_null(float("nan")).to_numpy()
        return np.asarray(np.where(batch.status == 0, values, np.nan) * factor)

    return of


def _polarisation(batch: Batch) -> np.ndarray:
    """Mean of |V| over the time of the last step that plated, V."""
    found = np.full(batch.lanes, np.nan)
    for lane, rows in enumerate(batch.result.rows):
        segments = batch.schedule(lane).segments
        plating = [k for k, each in enumerate(segments) if each.mode == "current" and each.value > 0.0]
        mine = rows[np.isin(rows[:, 0], plating)] if len(rows) else rows
        last = mine[mine[:, 0] == mine[-1, 0]] if len(mine) else mine
        length = last[:, 3] * last[:, 4]
        if batch.status[lane] == 0 and len(last) and length.sum() > 0.0:
            found[lane] = np.sum(np.abs(last[:, INDEX]) * length) / length.sum()
    return found


def _depletion_time(batch: Batch) -> np.ndarray:
    """When the first step ended because the salt ran out, s since it began; NaN where none did."""
    code, found = 1 + EVENTS.index("depletion"), np.full(batch.lanes, np.nan)
    for lane, rows in enumerate(batch.result.rows):
        ended = np.flatnonzero(rows[:, 5] == code)
        if len(ended):
            row = rows[ended[0]]
            found[lane] = row[2] + row[3] * row[4]
    return found


def _resistance(batch: Batch) -> np.ndarray:
    """Real part at the lowest frequency of the last point of [impedance], ohm cm2."""
    if not len(batch.points):
        return np.full(batch.lanes, np.nan)
    return np.asarray(batch.spectra[:, -1, int(np.argmin(batch.frequency))].real * 1e4)


QUANTITIES = {
    "average_coulombic_efficiency": Studied(
        "average Coulombic efficiency", "%", _column("average_coulombic_efficiency", 100.0)
    ),
    "last_coulombic_efficiency": Studied("last Coulombic efficiency", "%", _column("last_coulombic_efficiency", 100.0)),
    "polarisation": Studied("polarisation while plating", "mV", lambda batch: 1e3 * _polarisation(batch)),
    "film_thickness": Studied("film thickness", "nm", _column("working_film_thickness_nm")),
    "film_resistance": Studied("film resistance", "Ω cm²", _column("working_film_resistance_ohm_cm2")),
    "film_charge": Studied("charge in the film", "mAh/cm²", _column("working_film_charge_mAh_per_cm2")),
    "dead_metal": Studied("dead metal", "mAh/cm²", _column("working_dead_mAh_per_cm2")),
    "plated": Studied("plated in all", "mAh/cm²", _column("plated_mAh_per_cm2")),
    "stripped": Studied("stripped in all", "mAh/cm²", _column("stripped_mAh_per_cm2")),
    "duration": Studied("duration", "h", _column("duration_s", 1.0 / 3600.0)),
    "depletion_time": Studied("time until the salt runs out", "s", _depletion_time),
    "resistance": Studied("resistance at the lowest frequency", "Ω cm²", _resistance),
}
"""By the name that a case file uses."""
