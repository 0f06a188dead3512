"""What records alone tell: spectra (`kramers_kronig`, `drt`, `circuits`), series of them (`circuit_series`, `drift`,
`series_events`), the physics in them (`impedance_physics`, `steady_current`, `arrhenius`), how films grow (`growth`).
"""

from __future__ import annotations

import importlib
from typing import Any

_ROOMS = (
    *("arrhenius", "circuit_series", "circuit_trends", "circuits", "drift", "drt", "growth", "impedance_physics"),
    *("kramers_kronig", "measured", "random_effects", "series_events", "spectra", "steady_current", "voltage_events"),
)


def __getattr__(name: str) -> Any:
    """Loads a module of this package when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"mossy.analysis.{name}")
    raise AttributeError(f"module 'mossy.analysis' has no attribute '{name}'")
