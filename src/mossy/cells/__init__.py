"""Cells: a pytree of parameters with the contract of a system. `planar` is 1D, `point` is 0D."""

from __future__ import annotations

from mossy.cells.base import PARTS, Cell, Control
from mossy.cells.electrode import Electrode, ElectrodeState
from mossy.cells.electrolyte import Electrolyte, Property, Separator
from mossy.cells.film import Film
from mossy.cells.planar import Planar
from mossy.cells.point import Point

__all__ = [
    "PARTS",
    "Cell",
    "Control",
    "Electrode",
    "ElectrodeState",
    "Electrolyte",
    "Film",
    "Planar",
    "Point",
    "Property",
    "Separator",
]
