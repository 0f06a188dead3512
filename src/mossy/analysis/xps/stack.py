"""A sample as photoelectrons see it, written down: layers from the vacuum inwards, each a fine mixture of phases."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.materials.photoemission import FilmPhase, film

_ADDS_UP = 1e-3


@dataclass(frozen=True)
class Layer:
    """Phases by fraction of the volume, adding up to 1; `thickness` in nm, None for the last, which has no end.

    >>> Layer({"lithium fluoride": 0.5, "Li2O": 0.5}, 3.0).fractions
    {'LiF': 0.5, 'Li2O': 0.5}
    """

    fractions: Mapping[str, float]
    thickness: float | None = None

    def __post_init__(self) -> None:
        named = {film(name).name: float(value) for name, value in self.fractions.items()}
        total = sum(named.values())
        if not named or min(named.values()) < 0.0 or abs(total - 1.0) > _ADDS_UP:
            problem = f"volume fractions {', '.join(f'{value:g}' for value in named.values())} add up to {total:g}"
            raise InputError(problem, key="fractions", remedy="give fractions of 0 or more that add up to 1")
        if self.thickness is not None and not (math.isfinite(self.thickness) and self.thickness >= 0.0):
            raise InputError(f"{self.thickness} nm is no thickness", key="thickness", remedy="give 0 nm or more")
        object.__setattr__(self, "fractions", {name: value / total for name, value in named.items()})

    @property
    def phases(self) -> tuple[FilmPhase, ...]:
        """Its phases from the library."""
        return tuple(film(name) for name in self.fractions)

    @property
    def molar_densities(self) -> dict[str, float]:
        """Formula units of each phase in the layer, mol/cm3."""
        return {p.name: self.fractions[p.name] * float(p.density) / p.molar_mass for p in self.phases}


@dataclass(frozen=True)
class Stack:
    """Layers, outermost first; only the last has no thickness."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise InputError("a stack without layers", key="layers", remedy="give at least one")
        for number, layer in enumerate(self.layers, 1):
            last = number == len(self.layers)
            if (layer.thickness is None) != last:
                problem = f"layer {number} of {len(self.layers)} has no thickness"
                problem = "the last layer has no end" if last else problem
                raise InputError(problem, key="thickness", remedy="give a thickness to every layer but the last")

    @property
    def mole_fractions(self) -> dict[str, float]:
        """Of the phases in all layers of finite thickness together; of a single layer, in it.

        >>> sample = Stack((Layer({"LiF": 1.0}, 1.0), Layer({"Li2O": 1.0}, 1.0), Layer({"Li": 1.0})))
        >>> {name: round(value, 3) for name, value in sample.mole_fractions.items()}
        {'LiF': 0.601, 'Li2O': 0.399}
        """
        amounts: dict[str, float] = {}
        for layer in self.layers[:-1] or self.layers:
            for name, density in layer.molar_densities.items():
                amounts[name] = amounts.get(name, 0.0) + density * (layer.thickness or 1.0)
        total = sum(amounts.values())
        return {name: value / total for name, value in amounts.items()}


def stack_of(table: Mapping[str, Any], file: object = "") -> Stack:
    """The stack of a table as a TOML file holds it: `layers`, each with `phases` and, but the last, `thickness_nm`.

    >>> film_on_metal = [{"phases": {"LiF": 1.0}, "thickness_nm": 2}, {"phases": {"Li": 1.0}}]
    >>> stack_of({"layers": film_on_metal}).layers[0].thickness
    2.0
    """
    layers = table.get("layers")
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        remedy = "write [[layers]] with phases = { LiF = 0.5, Li2O = 0.5 } and thickness_nm = 3, outermost first"
        raise InputError("there are no layers", key="layers", file=file, remedy=remedy)
    found = []
    for number, each in enumerate(layers, 1):
        unknown = [key for key in each if key not in ("phases", "thickness_nm")]
        if unknown or not isinstance(each.get("phases"), Mapping):
            problem = f"'{unknown[0]}' is not part of a layer" if unknown else "a layer needs its phases"
            raise InputError(problem, key=f"layers[{number}]", file=file, remedy="give phases and thickness_nm")
        thickness = each.get("thickness_nm")
        try:
            found.append(Layer(each["phases"], None if thickness is None else float(thickness)))
        except InputError as problem:
            raise problem.at(f"layers[{number}]", file) from None
        except (TypeError, ValueError):
            remedy = "write fractions and nm as numbers"
            raise InputError("not a number", key=f"layers[{number}]", file=file, remedy=remedy) from None
    try:
        return Stack(tuple(found))
    except InputError as problem:
        raise problem.at("layers", file) from None


def read_stack(path: str | Path) -> Stack:
    """The stack that a TOML file describes; see `stack_of`."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", file=path, remedy="give a TOML file of layers") from None
    return stack_of(table, path)


Sample = Stack | Sequence[tuple[float, Stack]]
"""One stack, or patches wide against the film's thickness: fractions of the area, each with its stack."""


def patches_of(sample: Sample) -> list[tuple[float, Stack]]:
    """The sample as patches, whose fractions of the area add up to 1."""
    if isinstance(sample, Stack):
        return [(1.0, sample)]
    patches = [(float(fraction), stack) for fraction, stack in sample]
    total = sum(fraction for fraction, _ in patches)
    if not patches or min(fraction for fraction, _ in patches) < 0.0 or abs(total - 1.0) > _ADDS_UP:
        remedy = "give (fraction, stack) pairs whose fractions add up to 1"
        raise InputError(f"the patches cover {total:g} of the area", key="stack", remedy=remedy)
    return patches
