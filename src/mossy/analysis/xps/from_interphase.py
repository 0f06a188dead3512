"""The film that a simulation grew (`interphase.parquet`) as a stack for spectra, whole or sputtered to a depth."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.analysis.xps.stack import Layer, Stack
from mossy.errors import InputError
from mossy.materials.photoemission import FilmPhase, film

if TYPE_CHECKING:
    import polars as pl

_ENDING, _SLIGHT, _SLICES = "_nmol_per_cm2", 0.05, 40
"""How columns of amounts end; the part of a film's volume that phases without spectra may have; slices a film at most
is made of."""


def stack_of_interphase(
    table: pl.DataFrame, *, side: str = "working", time: float | None = None, beneath: str = "Li"
) -> tuple[Stack, list[str]]:
    """The film of an electrode as layers on its metal, and what was left out of it.

    Arguments: `table`, a run's interphase table; `side`, "working" or "counter"; `time`, s, of which the last profile
    before it is taken (None: the last there is); `beneath`, the phase that the film stands on, without end.
    Thicknesses are of solid matter, sum n V_m: pores do not attenuate, so that XPS sees (1 - porosity) d. Slices of one
    composition are one layer. Raises InputError where there is no profile, or more than a twentieth of the volume is of
    phases without core lines.
    """
    column = f"{side}_depth_profile"
    if column not in table.columns:
        remedy = f"give one of {', '.join(_sides(table)) or 'a table that a run with a film has written'}"
        raise InputError(f"there is no '{column}'", key="side", remedy=remedy)
    rows = table.filter(table[column].is_not_null())
    if time is not None:
        rows = rows.filter(rows["test_time_second"] <= time)
    profiles = [each for each in rows[column].to_list() if each]
    if not profiles:
        raise InputError("no film had grown by then", key="time", remedy="take a later time, or the other side")
    slices, notes = _slices(profiles[-1])
    layers = [Layer(_fractions(each), sum(each.values())) for each in _merged(slices)]
    return Stack((*layers, Layer({beneath: 1.0}))), notes


def read_interphase(path: str | Path) -> pl.DataFrame:
    """The interphase table of a run."""
    import polars as pl

    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"cannot be read ({str(error)[:80]})", file=path, remedy="give interphase.parquet") from None
    if not _sides(table):
        raise InputError("holds no film", file=path, remedy="give the interphase.parquet that `mossy run` wrote")
    return table


def _sides(table: pl.DataFrame) -> list[str]:
    return [side for side in ("working", "counter") if f"{side}_depth_profile" in table.columns]


def _slices(profile: list[dict[str, Any]]) -> tuple[list[dict[str, float]], list[str]]:
    """nm of solid of each phase in each slice, from the outside; phases without core lines are left out and said."""
    known: dict[str, FilmPhase] = {}
    unknown: dict[str, float] = {}
    found = []
    for piece in profile:
        slice_: dict[str, float] = {}
        for key, amount in piece.items():
            if not key.endswith(_ENDING) or not amount:
                continue
            name = key.removesuffix(_ENDING)
            phase = known.get(name) or _phase(name)
            if phase is None:
                unknown[name] = unknown.get(name, 0.0) + amount
                continue
            known[name] = phase
            nm = amount * 1e-9 * phase.molar_mass / float(phase.density) * 1e7  # nmol/cm2 to nm of solid
            slice_[phase.name] = slice_.get(phase.name, 0.0) + nm
        if sum(slice_.values()) > 0.0:
            found.append(slice_)
    other = sum(unknown.values())
    total = sum(amount for piece in profile for key, amount in piece.items() if key.endswith(_ENDING) and amount)
    if not found or other > _SLIGHT * total:
        problem = f"the film holds {', '.join(unknown)}, of which no core lines are known"
        remedy = 'name reductions in the case, as in growth = [{ law = ..., reduction = "EC to LEDC" }]'
        raise InputError(problem, key="phases", remedy=f"{remedy}, so that it grows phases of the library")
    notes = [
        f"{name} has no core lines and was left out ({100.0 * unknown[name] / total:.2g} % of the amount)"
        for name in unknown
    ]
    return found, notes


def _phase(name: str) -> FilmPhase | None:
    try:
        return film(name)
    except InputError:
        return None


def _fractions(slice_: dict[str, float]) -> dict[str, float]:
    total = sum(slice_.values())
    return {name: value / total for name, value in slice_.items()}


def _merged(slices: list[dict[str, float]]) -> list[dict[str, float]]:
    """Neighbouring slices of one composition together."""
    merged: list[dict[str, float]] = []
    for each in slices:
        if merged and _alike(merged[-1], each):
            for name, value in each.items():
                merged[-1][name] = merged[-1].get(name, 0.0) + value
        else:
            merged.append(dict(each))
    return merged


def _alike(one: dict[str, float], other: dict[str, float]) -> bool:
    first, second = _fractions(one), _fractions(other)
    return all(abs(first.get(name, 0.0) - second.get(name, 0.0)) < 1e-3 for name in {*first, *second})


def sputtered(stack: Stack, depth: float, *, mixing: float = 0.0) -> Stack:
    """What is left of a stack when `depth` nm are gone; the uppermost `mixing` nm of it are one mixture.

    Ions mix what lies within their range: the composition at the surface is that of the mean over w (S. Hofmann, Surf.
    Interface Anal. 21 (1994) 673, doi 10.1002/sia.740210907, unverified, whose exponential front this rectangle stands
    for). Limits: the stack itself for 0 nm of both; its last layer when all else is gone.

    >>> film = Stack((Layer({"LiF": 1.0}, 2.0), Layer({"Li2O": 1.0}, 3.0), Layer({"Li": 1.0})))
    >>> [layer.thickness for layer in sputtered(film, 2.5).layers]
    [2.5, None]
    >>> sputtered(film, 0.0, mixing=4.0).layers[0].fractions
    {'LiF': 0.5, 'Li2O': 0.5}
    """
    if not (depth >= 0.0 and mixing >= 0.0):
        raise InputError(f"a depth of {depth} and a mixing of {mixing} nm", key="depth", remedy="give 0 nm or more")
    left = _removed(list(stack.layers), depth)
    if mixing == 0.0 or len(left) == 1:
        return Stack(tuple(left))
    mixed: dict[str, float] = {}
    rest = mixing
    for layer in left:
        taken = rest if layer.thickness is None else min(rest, layer.thickness)
        for name, fraction in layer.fractions.items() if taken else ():
            mixed[name] = mixed.get(name, 0.0) + fraction * taken
        rest -= taken
    return Stack((Layer(_fractions(mixed), mixing), *_removed(left, mixing)))


def _removed(layers: list[Layer], depth: float) -> list[Layer]:
    kept = []
    for layer in layers:
        if layer.thickness is None:
            kept.append(layer)
        elif layer.thickness > depth:
            kept.append(replace(layer, thickness=layer.thickness - depth) if depth else layer)
            depth = 0.0
        else:
            depth -= layer.thickness
    return kept


def coarser(stack: Stack, most: int = _SLICES) -> Stack:
    """The same with at most so many layers, neighbours of the like composition joined."""
    layers = list(stack.layers)
    while len(layers) > most:
        gaps = [_distance(a, b) for a, b in itertools.pairwise(layers[:-1])]
        place = gaps.index(min(gaps))
        one, other = layers[place], layers[place + 1]
        together = (one.thickness or 0.0) + (other.thickness or 0.0)
        names = dict.fromkeys([*one.fractions, *other.fractions])
        mixed = {
            name: (
                one.fractions.get(name, 0.0) * (one.thickness or 0.0)
                + other.fractions.get(name, 0.0) * (other.thickness or 0.0)
            )
            / together
            for name in names
        }
        layers[place : place + 2] = [Layer(mixed, together)]
    return Stack(tuple(layers))


def _distance(one: Layer, other: Layer) -> float:
    names = {*one.fractions, *other.fractions}
    return sum(abs(one.fractions.get(name, 0.0) - other.fractions.get(name, 0.0)) for name in names)
