"""A sudden change, as the search in spectra and the one in a voltage report it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Event:
    """A sudden change: `kind` is the verdict, `coordinate` where, within `bracket`; `factor` that of the span (of the
    voltage, for a voltage event) with its standard error; `text` says it in one sentence, `evidence` why.
    """

    kind: str
    coordinate: float
    bracket: tuple[float, float]
    factor: float
    factor_error: float
    text: str
    evidence: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; None for what is not finite."""
        found = asdict(self) | {"bracket": list(self.bracket), "evidence": list(self.evidence)}
        for name in ("factor", "factor_error"):
            found[name] = found[name] if np.isfinite(found[name]) else None
        return found


__all__ = ["Event"]
