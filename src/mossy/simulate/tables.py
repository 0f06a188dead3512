"""The [impedance] and [numerics] tables of a case file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictInt, field_validator

from mossy.protocol import Point, parse_frequencies, parse_point
from mossy.tables import Table, default
from mossy.units import Quantity


class ImpedanceTable(Table):
    """Where in the protocol the impedance is computed, and at which frequencies."""

    at: list[str] = default(["start", "end"], '"start", "end", "cycle 5 step 2" (after it), "cycle 5 step 2 during"')
    frequencies: str | list[Any] = default("1 MHz to 10 mHz, 10 per decade")

    @field_validator("at")
    @classmethod
    def _points(cls, value: list[str]) -> list[str]:
        for index, text in enumerate(value):
            parse_point(text, f"[{index}]")
        return value

    @field_validator("frequencies")
    @classmethod
    def _sweep(cls, value: str | list[Any]) -> str | list[Any]:
        parse_frequencies(value, "")
        return value

    def points(self) -> list[Point]:
        """The points, parsed."""
        return [parse_point(text, f"impedance.at[{index}]") for index, text in enumerate(self.at)]


class NumericsTable(Table):
    """How finely the equations are solved."""

    nodes: StrictInt = Field(default=50, ge=4, le=20000, description="volumes across the separator")
    relative_tolerance: Annotated[float, Quantity("1", minimum=1e-12, maximum=1e-2)] = default(1e-6)
    maximum_steps: StrictInt = Field(
        default=1_000_000, ge=1, description="attempted time steps before the run gives up"
    )
