"""A line of photoemission of a phase: where it lies, how surely, and how many atoms stand behind it."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal

from mossy.errors import InputError
from mossy.materials.catalogue import check_provenance
from mossy.materials.orbitals import orbital

SMALLEST_SPREAD = 0.05
"""eV: nobody places a line of an insulator better."""


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How far a line lies above another of its phase, eV: surer than either position, for charging cancels."""

    orbital: str
    environment: str
    value: float
    spread: float
    """One standard deviation"""
    source: str
    status: str


@dataclass(frozen=True, kw_only=True)
class CoreLine:
    """A core level of the atoms of a phase that share an environment; energies in eV of binding energy.

    Of a doublet, `binding_energy` is the stronger line (3/2, 5/2, 7/2): the other lies `splitting` higher with `ratio`
    of its area. `spread` is one standard deviation of a prior on the position, with the scatter of charge references.
    """

    phase: str
    element: str
    orbital: str
    environment: str
    binding_energy: float | None
    """None where no measurement is known"""
    spread: float | None
    stoichiometry: float
    """Atoms in a formula unit"""
    splitting: float
    ratio: float
    charge_reference: str
    source: str
    status: str
    """ "verified", "unverified", "unknown" or "given" """
    note: str
    separation: Separation | None

    @property
    def known(self) -> bool:
        """Whether its position is known, without which it cannot be used."""
        return self.binding_energy is not None

    @property
    def label(self) -> str:
        """The line as people name it.

        >>> from mossy.materials.photoemission import lines
        >>> lines("Li2CO3")[0].label
        'O 1s (CO3) of Li2CO3'
        """
        return f"{self.orbital} ({self.environment}) of {self.phase}"

    @property
    def position(self) -> float:
        """The binding energy, refused where it is unknown.

        >>> from mossy.materials.photoemission import lines
        >>> lines("Ca3N2")[0].position
        Traceback (most recent call last):
        mossy.errors.InputError: the position of N 1s (nitride) of Ca3N2 is unknown; measure it and give it with ...
        """
        if self.binding_energy is None:
            remedy = "measure it and give it with `.at(binding_energy, spread, source=...)`, or leave the phase out"
            raise InputError(f"the position of {self.label} is unknown", remedy=remedy)
        return self.binding_energy

    def at(self, binding_energy: float, spread: float, *, source: str) -> CoreLine:
        """The same line at a position of one's own; a separation that the library gives is dropped.

        >>> from mossy.materials.photoemission import lines
        >>> nitride = lines("Ca3N2")[0].at(396.0, 0.5, source="own pellet, C 1s at 284.8 eV")
        >>> nitride.position, nitride.status
        (396.0, 'given')
        """
        if not (math.isfinite(binding_energy) and binding_energy > 0.0):
            raise InputError(f"{binding_energy} eV is no binding energy", key=self.label, remedy="give eV above 0")
        if not (math.isfinite(spread) and spread >= SMALLEST_SPREAD):
            remedy = f"give {SMALLEST_SPREAD} eV or more: one standard deviation"
            raise InputError(f"{spread} eV is no spread of a position", key=self.label, remedy=remedy)
        if not source.strip():
            raise InputError("a position needs its source", key=self.label, remedy="say where it was measured")
        return replace(
            self,
            binding_energy=float(binding_energy),
            spread=float(spread),
            charge_reference="as given",
            source=source,
            status="given",
            note="",
            separation=None,
        )


def read_line(phase: str, table: dict[str, Any], place: str) -> CoreLine:
    """One line of a data file; a position without spread, sources or status is refused."""
    level = orbital(table["orbital"])
    position, spread = table.get("binding_energy"), table.get("spread")
    if (position is None) != (spread is None):
        raise InputError("a position goes with its spread", key=table["orbital"], file=place)
    source, status = "no measurement is known", "unknown"
    if position is not None:
        source, status = _cited(table, place, "record"), table["status"]
    return CoreLine(
        phase=phase,
        element=level.element,
        orbital=level.name,
        environment=table["environment"],
        binding_energy=None if position is None else float(position),
        spread=None if spread is None else float(spread),
        stoichiometry=float(table["stoichiometry"]),
        splitting=level.splitting,
        ratio=level.ratio,
        charge_reference=table.get("charge_reference", ""),
        source=source,
        status=status,
        note=table.get("note", ""),
        separation=_separation(table["separation"], place) if "separation" in table else None,
    )


def _separation(table: dict[str, Any], place: str) -> Separation:
    level, _, environment = table["from"].partition(" (")
    return Separation(
        orbital=level,
        environment=environment.removesuffix(")"),
        value=float(table["value"]),
        spread=float(table["spread"]),
        source=_cited(table, place, "study"),
        status=table["status"],
    )


def _cited(table: dict[str, Any], place: str, counted: Literal["record", "study"]) -> str:
    """The references of a value, and how many records or studies its median is of."""
    keys = table.get("sources", [])
    unknown = [key for key in keys if key not in sources()]
    if unknown:
        raise InputError(f"the source '{unknown[0]}' is not in photoemission_sources.toml", file=place)
    text = "; ".join(sources()[key] for key in keys)
    number = table.get("records", 0)
    if number == 1:
        text = f"one {counted}: {text}"
    elif number > 1:
        text = f"median of {number} {'records' if counted == 'record' else 'studies'}: {text}"
    check_provenance("lines", {"source": text, "status": table.get("status")}, place)
    return text


def of_orbital(lines: Iterable[CoreLine], orbital_name: str) -> tuple[CoreLine, ...]:
    """Those lines that are of one core level."""
    name = orbital(orbital_name).name
    return tuple(line for line in lines if line.orbital == name)


@functools.cache
def sources() -> dict[str, str]:
    """The references of the library's positions, by the keys that its files use."""
    file = resources.files("mossy.materials") / "data" / "photoemission_sources.toml"
    return dict(tomllib.loads(file.read_text(encoding="utf-8")))
