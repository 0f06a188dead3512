"""The [impedance], [numerics], [map] and [sensitivity] tables of a case file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, field_validator

from mossy.errors import InputError
from mossy.protocol import Point, parse_frequencies, parse_point
from mossy.simulate.quantities import QUANTITIES
from mossy.tables import Table, default
from mossy.units import Quantity, split


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


class AxisTable(Table):
    """One parameter of a map: `count` values from `lowest` to `highest`, or the `values` themselves."""

    parameter: str = Field(description='its dotted path, such as "protocol.values.current"')
    lowest: str | float | None = default(None, "with the unit in which the axis is drawn", validate_default=False)
    highest: str | float | None = default(None, "in the same unit", validate_default=False)
    count: StrictInt = Field(default=15, ge=2, le=1000, description="how many values")
    scale: Literal["linear", "log"] = default("linear")
    values: list[str | float] | None = default(None, "instead of lowest and highest", validate_default=False)

    def texts(self, key: str) -> tuple[list[str | float], np.ndarray, str]:
        """(values as `run_batch` takes them, their numbers, the unit of both)."""
        given = self.values if self.values is not None else [self.lowest, self.highest]
        if any(each is None for each in given) or not given:
            raise InputError("the axis has no range", key=key, remedy='give lowest = "..." and highest = "..."')
        parts = [split(each, key) if isinstance(each, str) else (float(each), "") for each in given if each is not None]
        units = {unit for _, unit in parts}
        if len(units) > 1:
            raise InputError(f"it mixes units ({', '.join(sorted(units))})", key=key, remedy="write all in one unit")
        numbers, unit = np.array([number for number, _ in parts]), units.pop()
        if self.values is None:
            numbers = self._spaced(float(numbers[0]), float(numbers[1]), key)
        return [f"{float(number)!r} {unit}" if unit else float(number) for number in numbers], numbers, unit

    def _spaced(self, low: float, high: float, key: str) -> np.ndarray:
        if not low < high:
            raise InputError(f"{low:g} is not below {high:g}", key=key, remedy="give lowest below highest")
        if self.scale == "log" and low <= 0.0:
            raise InputError(f"{low:g} has no logarithm", key=f"{key}.lowest", remedy='raise it, or scale = "linear"')
        return np.geomspace(low, high, self.count) if self.scale == "log" else np.linspace(low, high, self.count)


class MapTable(Table):
    """What `mossy map` computes: quantities over one parameter or two."""

    x: AxisTable
    y: AxisTable | None = default(None, "given: a map of two parameters", validate_default=False)
    quantities: Annotated[list[Literal[tuple(QUANTITIES)]], Field(min_length=1)] = default(  # type: ignore[valid-type]
        ["average_coulombic_efficiency"]
    )


class SensitivityTable(Table):
    """What `mossy sensitivity` ranks: parameters over their ranges, by their influence on quantities."""

    parameters: dict[str, list[str | float]] = Field(
        description='by dotted path: { "cell.temperature" = ["15 degC", "35 degC"] }'
    )
    logarithmic: list[str] = default([], "the paths of those whose logarithm is spread evenly")
    quantities: Annotated[list[Literal[tuple(QUANTITIES)]], Field(min_length=1)] = default(  # type: ignore[valid-type]
        ["average_coulombic_efficiency"]
    )
    samples: StrictInt = Field(default=64, ge=4, le=65536, description="a power of 2; the runs are that times (n + 2)")
    seed: StrictInt = 0
