"""The field's standard protocols, as the [protocol] table that a case takes.

Each is a function of texts with units; what is left out takes the default that its docstring explains.

>>> from mossy.protocol import compile_protocol, standard
>>> protocol = standard.reservoir(capacity="2 mAh/cm^2", cycles=3)
>>> for line in compile_protocol(protocol).describe():
...     print(line)
cycle 1: plate 0.5 mA/cm^2 for 5 mAh/cm^2
cycles 2-4: strip 0.5 mA/cm^2 for 2 mAh/cm^2 or until 1 V; plate 0.5 mA/cm^2 for 2 mAh/cm^2
cycle 5: strip 0.5 mA/cm^2 until 1 V or for 7.5 mAh/cm^2
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from mossy.protocol import plans
from mossy.protocol.plans import Plan
from mossy.protocol.tables import ProtocolTable

_P = ParamSpec("_P")


def _protocol_of(name: str, plan: Callable[_P, Plan]) -> Callable[_P, ProtocolTable]:
    @functools.wraps(plan, assigned=("__module__", "__name__", "__qualname__"))
    def protocol(*args: _P.args, **parameters: _P.kwargs) -> ProtocolTable:
        plans.plan_of(name, parameters)  # an InputError of its own, not one inside pydantic's
        return ProtocolTable.model_validate({"standard": name, "parameters": parameters})

    protocol.__doc__ = plan.__doc__
    return protocol


modified_reservoir = _protocol_of("modified reservoir", plans.modified_reservoir)
reservoir = _protocol_of("reservoir", plans.reservoir)
plate_strip = _protocol_of("plate strip", plans.plate_strip)
symmetric_cycling = _protocol_of("symmetric cycling", plans.symmetric_cycling)
critical_current = _protocol_of("critical current", plans.critical_current)
rest_pulse = _protocol_of("rest pulse", plans.rest_pulse)

__all__ = [
    "critical_current",
    "modified_reservoir",
    "plate_strip",
    "reservoir",
    "rest_pulse",
    "symmetric_cycling",
]
