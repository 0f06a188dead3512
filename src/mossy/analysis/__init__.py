"""What records alone tell: spectra (`kramers_kronig`, `drt`, `circuits`), events along series of them (`events`), the
physics in them (`impedance_physics`, `steady_current`, `arrhenius`), how films grow (`growth`). Of cycling: steps
(`cycler_steps`), `efficiency`, `overpotential`, `failure`, `critical_current`, where spectra belong in a test
(`impedance_pairing`), all of it for a cell (`cycling_study`), what a practical cell would be (`cell_design`).
"""

from __future__ import annotations

import importlib
from typing import Any

_ROOMS = (
    *("arrhenius", "circuits", "drt", "events", "growth", "impedance_physics", "kramers_kronig", "measured"),
    *("random_effects", "spectra", "steady_current", "cell_description", "cell_design", "critical_current"),
    *("cycler_steps", "cycling_study", "efficiency", "failure", "impedance_pairing", "overpotential", "xps"),
)


def __getattr__(name: str) -> Any:
    """Loads a module of this package when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"mossy.analysis.{name}")
    raise AttributeError(f"module 'mossy.analysis' has no attribute '{name}'")
