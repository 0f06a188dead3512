"""Mossy: models and measurements of metal electrodes and their interphases, for rechargeable metal batteries."""

from __future__ import annotations

import importlib
from typing import Any

from mossy.version import __version__

_HOMES = {
    "Case": "mossy.case",
    "load_case": "mossy.case",
    "run": "mossy.case",
    "fit": "mossy.case.fitting",
    "run_batch": "mossy.case.batch",
    "Batch": "mossy.simulate.batch",
    "sensitivities": "mossy.case.sensitivity",
    "gradient": "mossy.case.sensitivity",
    "Run": "mossy.simulate",
    "Status": "mossy.numerics.status",
    "read": "mossy.readers",
    "read_many": "mossy.readers.many",
    "InputError": "mossy.errors",
    "MossyError": "mossy.errors",
}
_ROOMS = ("analysis", "cells", "laws", "materials", "numerics", "protocol", "readers", "records", "simulate", "infer")
__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used (PEP 562), so that `import mossy` costs nothing."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"mossy.{name}")
    raise AttributeError(f"module 'mossy' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
