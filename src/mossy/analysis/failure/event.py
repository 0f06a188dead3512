"""A failure, or what may become one, as every rule of `mossy.analysis.failure` reports it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["note", "warning", "failure"]

UNTOLD = (
    "voltage and current alone do not tell a filament that reaches across from a film that breaks or an area that grows"
)
"""What every verdict that rests on a fallen voltage has to add."""


@dataclass(frozen=True)
class FailureEvent:
    """What happened: `kind`; `time_second`, its moment within `bracket` (s); the `cycle` and `half_cycle` it lies in
    (None where no half-cycle is known); `severity`: "note" (worth knowing), "warning" (the cell may have failed),
    "failure" (from here on its numbers describe no sound electrode); `text` in a sentence, `evidence` the reasons.
    """

    kind: str
    time_second: float
    bracket: tuple[float, float]
    cycle: int | None
    half_cycle: int | None
    severity: Severity
    text: str
    evidence: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self) | {"bracket": list(self.bracket), "evidence": list(self.evidence)}


def hours(second: float) -> str:
    """A time in words, with digits that tell neighbouring samples apart.

    >>> hours(2546.023), hours(87480.0)
    ('2546.02 s', '24.30 h')
    """
    return f"{second:.2f} s" if abs(second) < 3600.0 else f"{second / 3600.0:.2f} h"


def volts(value: float) -> str:
    """A voltage in mV below 1 V.

    >>> volts(0.0631), volts(3.7)
    ('63.1 mV', '3.7 V')
    """
    return f"{1e3 * value:.3g} mV" if abs(value) < 1.0 else f"{value:.4g} V"


__all__ = ["UNTOLD", "FailureEvent", "Severity", "hours", "volts"]
