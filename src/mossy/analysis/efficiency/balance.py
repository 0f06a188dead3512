"""Where the charge went that was plated and not stripped: in total, and into dead metal and film where titrated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mossy.analysis.efficiency.charges import MILLIAMPERE_HOUR
from mossy.analysis.efficiency.results import Result
from mossy.errors import InputError

_BEYOND = 2.0
"""Standard errors by which a titrated amount may exceed a loss."""


@dataclass(frozen=True)
class Titration(Result):
    """Dead metal found by chemical titration of the whole cell, mAh, with its standard error."""

    dead_metal_mAh: float
    standard_error_mAh: float

    def __post_init__(self) -> None:
        for name in ("dead_metal_mAh", "standard_error_mAh"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"{value} mAh cannot be", key=f"titration.{name}", remedy="give 0 or more")


@dataclass(frozen=True)
class LossSplit(Result):
    """A loss divided into dead metal and interphase (film, and whatever else took charge), mAh, and the dead share."""

    lost_mAh: float
    lost_standard_error_mAh: float
    dead_metal_mAh: float
    dead_metal_standard_error_mAh: float
    film_mAh: float
    film_standard_error_mAh: float
    dead_share: float
    dead_share_standard_error: float


@dataclass(frozen=True)
class Balance(Result):
    """The charges behind an efficiency: all whole cycles together, mAh, and per cm2 where the area is known.

    `opening_strip_mAh` was stripped before anything was plated, `unstripped_mAh` plated at the end and not stripped
    whole; neither belongs to a cycle. `split` is None where no titration was given or it cannot be read.
    """

    plated_mAh: float
    plated_standard_error_mAh: float
    stripped_mAh: float
    stripped_standard_error_mAh: float
    lost_mAh: float
    lost_standard_error_mAh: float
    lost_mAh_per_cm2: float | None
    opening_strip_mAh: float
    unstripped_mAh: float
    split: LossSplit | None


def split_loss(lost_mAh: float, lost_standard_error_mAh: float, titration: Titration) -> LossSplit:
    """How much of a loss is dead metal and how much interphase: (1 - CE) Q = Q_dead + Q_film.

    The titrated charge is taken as it is; the film has the rest, with both errors. Raises InputError where the titrated
    metal exceeds the loss by more than two standard errors: then it held metal that was not lost in these cycles.
    Limits: all film where nothing is found; all dead metal where the amounts are equal.
    Source: C. Fang and others, Nature 572 (2019) 511, doi 10.1038/s41586-019-1481-z.

    >>> found = split_loss(1.0, 0.03, Titration(0.7, 0.04))
    >>> round(found.film_mAh, 6), round(found.film_standard_error_mAh, 6), found.dead_share
    (0.3, 0.05, 0.7)
    """
    dead, error = titration.dead_metal_mAh, titration.standard_error_mAh
    film, film_error = lost_mAh - dead, math.hypot(lost_standard_error_mAh, error)
    if lost_mAh <= 0.0 or -film > _BEYOND * film_error:
        problem = (
            f"{dead:.4g} +- {error:.2g} mAh of dead metal were titrated, and {lost_mAh:.4g} +- "
            f"{lost_standard_error_mAh:.2g} mAh were lost"
        )
        remedy = "titrate after a full strip, a cell without initial metal, and count all of its cycles"
        raise InputError(problem, key="titration", remedy=remedy)
    share = dead / lost_mAh
    share_error = math.hypot(error, share * lost_standard_error_mAh) / lost_mAh
    return LossSplit(lost_mAh, lost_standard_error_mAh, dead, error, film, film_error, share, share_error)


def titration_of(metadata: dict[str, Any]) -> Titration | None:
    """The titration that a record's description states (coulombs), or None. One without its error is refused."""
    cell = metadata.get("cell") or {}
    dead = cell.get("dead_metal")
    if dead is None:
        return None
    error = cell.get("dead_metal_standard_error")
    if error is None:
        problem = f"{dead / MILLIAMPERE_HOUR:.4g} mAh of dead metal without an error"
        raise InputError(problem, key="dead_metal_standard_error", remedy="state the error of the titration")
    return Titration(dead / MILLIAMPERE_HOUR, error / MILLIAMPERE_HOUR)
