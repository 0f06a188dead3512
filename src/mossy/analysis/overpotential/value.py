"""One part of a polarisation, with its error and how it was told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """mV and its standard error (None where there are too few rows to tell it), the same over the current in ohm of the
    whole cell, and how it was told.
    """

    mV: float
    standard_error_mV: float | None
    ohm: float
    standard_error_ohm: float | None
    method: str


def part(volt: float, error: float | None, current: float, method: str) -> Part:
    """From V and A."""
    volt = float(volt)
    if error is None:
        return Part(1e3 * volt, None, volt / current, None, method)
    return Part(1e3 * volt, 1e3 * float(error), volt / current, float(error) / current, method)
