"""The [fit] table of a case file: which measurements, which parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictFloat, StrictInt, field_validator

from mossy.errors import InputError
from mossy.tables import Table, default
from mossy.units import Quantity

Seconds = Annotated[float, Quantity("s")]
Metres = Annotated[float, Quantity("m")]
Number = str | StrictFloat
Hertz = Annotated[float, Quantity("Hz", minimum=0.0, exclusive=True)]


class FitData(Table):
    """One file of measurements and what of it counts.

    cycling: voltage against time, the file's time `begins_at` counting as 0 of the protocol. impedance: the `sweep`-th
    spectrum of the file, measured `at` a point of the protocol. profile: concentrations at one `time` of the run.
    """

    kind: Literal["cycling", "impedance", "profile"]
    file: str
    columns: dict[str, list[Any]] | None = Field(
        default=None, description='of a file without headers: { test_time_second = [1, "h"], voltage_volt = [2, "V"] }'
    )
    begins_at: Seconds = default("0 s", "cycling: the time in the file at which the protocol starts")
    first_time: Seconds | None = None
    last_time: Seconds | None = None
    every: StrictInt = Field(default=1, ge=1, description="cycling: keep one point in so many")
    time: Seconds | None = Field(default=None, description="profile: when in the run it was measured")
    first_position: Metres | None = None
    last_position: Metres | None = None
    sweep: StrictInt = Field(default=1, ge=1, description="impedance: which spectrum of the file, from 1")
    at: str = default("start", "impedance: the point of the protocol, as in [impedance]")
    lowest_frequency: Hertz | None = None
    highest_frequency: Hertz | None = None
    standard_error: str | StrictFloat | None = Field(
        default=None,
        description='of one point: "1 mV", "0.05 mol/L", "2 ohm", or a fraction of the value such as 0.01; '
        "by default 1 mV, 0.02 of c_0, and 0.01 of |Z|",
    )


class FitParameter(Table):
    """Where a free parameter starts and what it may become; with positive bounds it is fitted as a logarithm."""

    initial: Number
    bounds: list[Number] = Field(min_length=2, max_length=2)
    prior: list[Number] | None = Field(
        default=None, min_length=2, max_length=2, description="what was known before: a value and its standard error"
    )
    also: list[str] = default([], "other dotted paths that take the same value")


class FitTable(Table):
    """Least squares of the model to measurements."""

    data: list[FitData] = Field(min_length=1)
    parameters: dict[str, FitParameter] = Field(min_length=1)
    maximum_iterations: StrictInt = Field(default=50, ge=1)

    @field_validator("parameters", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        """Refuses a path without quotation marks, which TOML reads as tables within tables."""
        for head, table in value.items() if isinstance(value, dict) else ():
            path, inner = head, table
            while isinstance(inner, dict) and len(inner) == 1 and isinstance(next(iter(inner.values())), dict):
                path, inner = f"{path}.{next(iter(inner))}", next(iter(inner.values()))
            if path != head:
                remedy = f'write "{path}" = {{ initial = ..., bounds = [...] }}'
                raise InputError(f"the path {path} needs quotation marks", remedy=remedy)
        return value


__all__ = ["FitData", "FitParameter", "FitTable"]
