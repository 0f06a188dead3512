"""The part each half-cycle plays: formation, conditioning, reservoir, short cycles, final strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

ALIKE, SMALLER, LEAST = 0.05, 0.7, 2
"""Charges within this share are alike; a short cycle is at most this share of the reservoir; least number of them."""


def labelled(halves: pl.DataFrame, formation_cycles: int | None = None, kind: str | None = None) -> pl.DataFrame:
    """The half-cycles with `label`; null for what plays no such part. A reservoir is a matter of a bare substrate."""
    import polars as pl

    labels: list[str | None] = [None] * halves.height
    if halves.height and halves["direction"].null_count() == 0 and kind in (None, "substrate"):
        found = reservoir_labels(halves["direction"].to_numpy(), halves["charge_coulomb"].to_numpy())
        labels = found or labels
    if not any(labels):
        count = _formation(halves) if formation_cycles is None else formation_cycles
        labels = ["formation" if cycle <= count else None for cycle in halves["cycle"]]
    return halves.with_columns(pl.Series("label", labels, dtype=pl.String))


def reservoir_labels(direction: np.ndarray, charge: np.ndarray) -> list[str | None] | None:
    """The labels of a reservoir protocol, or None where the charges are not those of one.

    A reservoir is a plate of charge Q_T, after which strips and plates of one smaller charge Q_C alternate at least
    twice; what strips more than Q_C or comes last is the final strip. A plate of the same Q_T before it, with the
    strip that followed, is the conditioning.

    >>> direction = np.array([1, -1, 1, -1, 1, -1, 1, -1])
    >>> reservoir_labels(direction, np.array([5.0, 4.9, 5.0, 1.0, 1.0, 1.0, 1.0, 4.8]))[1:5]
    ['conditioning strip', 'reservoir', 'short strip', 'short plate']
    """
    for place in np.flatnonzero(direction > 0):
        count = _short_cycles(direction[place + 1 :], charge[place + 1 :], charge[place])
        if count >= LEAST:
            return _write(direction, charge, int(place), count)
    return None


def _short_cycles(direction: np.ndarray, charge: np.ndarray, reservoir: float) -> int:
    """How many pairs of strip and plate of one charge follow a reservoir."""
    count = 0
    for strip in range(0, len(charge) - 1, 2):
        pair = charge[strip : strip + 2]
        if direction[strip] != -1 or pair.max() > SMALLER * reservoir:
            break
        if not _alike(pair[1], charge[1]) or pair[0] > (1.0 + ALIKE) * charge[1]:
            break
        if count == 0 and not _alike(pair[0], pair[1]):  # a full strip after a plate is no short cycle
            break
        count += 1
    return count


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= ALIKE * max(one, other)


def _write(direction: np.ndarray, charge: np.ndarray, place: int, count: int) -> list[str | None]:
    labels: list[str | None] = [None] * len(charge)
    labels[place] = "reservoir"
    if place >= 2 and _alike(charge[place - 2], charge[place]) and direction[place - 2] > 0:
        labels[place - 2], labels[place - 1] = "conditioning plate", "conditioning strip"
    for pair in range(count):
        labels[place + 1 + 2 * pair], labels[place + 2 + 2 * pair] = "short strip", "short plate"
    final = place + 1 + 2 * count
    if final < len(charge):
        labels[final] = "final strip"
    return labels


def _formation(halves: pl.DataFrame) -> int:
    """How many first cycles ran at another current than most of the rest: at most a fifth of all, and ten."""
    of, first = np.unique(halves["cycle"].to_numpy(), return_index=True)
    currents = halves["current_ampere"].to_numpy()[first[of > 0]]
    if len(currents) < 4:
        return 0
    usual = float(np.median(currents[len(currents) // 3 :]))
    apart = np.abs(currents - usual) > 0.1 * usual
    count = int(np.argmin(apart)) if not apart.all() else 0
    return count if count <= max(1, min(10, len(currents) // 5)) else 0
