"""The average efficiency of many cycles, and what its error stands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from mossy.analysis.efficiency.charges import Charges
from mossy.analysis.efficiency.results import Result

_STICKY = 0.9
"""Largest correlation between neighbouring cycles that is put into an error; beyond it there is no average."""


@dataclass(frozen=True)
class Average(Result):
    """Stripped over plated charge of several cycles together.

    `propagated`: from the errors of the charges; `scatter`: from how the cycles differ (None for fewer than 3), which
    also holds what varies in the cell; `systematic`: the current's offset, the same in all cycles. `standard_error` is
    the larger of the first two, with the systematic one added in quadrature; `method` says which it is.
    """

    value: float
    standard_error: float
    method: str
    propagated: float
    scatter: float | None
    systematic: float
    cycles: int


def average(charges: Charges, strips: np.ndarray, plates: np.ndarray) -> Average:
    """The average over cycles, each the strip and the plate of the same place in the two lists.

        CE = sum Q_s/sum Q_p,   scatter^2 = n/(n - 1) sum (Q_s - CE Q_p)^2/(sum Q_p)^2 (1 + r)/(1 - r)

    with r the correlation of neighbouring cycles' deviations where it is positive, and Student's t for few cycles put
    in as a wider error.
    """
    value, propagated, systematic = charges.ratio(strips.tolist(), plates.tolist())
    plated, count = charges.charge[plates], len(plates)
    scatter = None
    if count >= 3:
        away = charges.charge[strips] - value * plated
        together = float((away[1:] * away[:-1]).sum() / max(float((away**2).sum()), 1e-300))
        # an estimate of r from n values is 1/n too low on average
        sticky = min(max(together + 1.0 / count, 0.0) if count > 8 else 0.0, _STICKY)
        few = float(special.stdtrit(count - 1, 0.975)) / 1.96
        scatter = few * float(np.sqrt(count / (count - 1.0) * (away**2).sum() * (1 + sticky) / (1 - sticky)))
        scatter /= float(plated.sum())
    larger = max(propagated, scatter or 0.0)
    method = f"stripped over plated charge of {count} cycles; error from "
    method += "their scatter" if scatter is not None and scatter >= propagated else "those of the charges"
    method += f", and {charges.offset_words}" if systematic > 0.0 else ""
    return Average(value, float(np.hypot(larger, systematic)), method, propagated, scatter, systematic, count)
