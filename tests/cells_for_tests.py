"""Cells whose every parameter a test knows. Few structures, many values: JAX compiles once for each structure.

A film that may grow but whose solvent does not diffuse stays as it is, so the tests with and without growth share one
structure, and so do kinetics and electrolytes that differ in numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.case import Case, parse_case, run
from mossy.laws import transport
from mossy.laws.constants import FARADAY, GAS
from mossy.simulate import Run
from mossy.simulate.observe import observe, states_at

TEMPERATURE = 298.15
THERMAL = GAS * TEMPERATURE / FARADAY
"""V"""
MILLIAMPERE_HOUR = 36000.0
"""C/m2 in 1 mAh/cm2"""
THICKNESS, POROSITY, BRUGGEMAN = 25e-6, 0.4, 1.5
CONCENTRATION, DIFFUSIVITY, TRANSFERENCE, CONDUCTIVITY = 1000.0, 3e-10, 0.38, 1.0
FACTOR = POROSITY**BRUGGEMAN
SEPARATOR_RESISTANCE = THICKNESS / (CONDUCTIVITY * FACTOR)
"""ohm m2"""
CONSTANT = {
    "concentration": "1 mol/L",
    "diffusivity": "3e-10 m^2/s",
    "transference_number": TRANSFERENCE,
    "conductivity": "1 S/m",
    "thermodynamic_factor": 1.0,
}
STILL = {"growth": "solvent_diffusion", "solvent_diffusivity": "0 m^2/s"}
"""A film whose solvent does not diffuse."""


def electrode(
    *,
    kinetics: Mapping[str, Any] | None = None,
    interphase: Mapping[str, Any] | None = None,
    isolated_fraction: float = 0.0,
    **others: Any,
) -> dict[str, Any]:
    """The table of one electrode with a still film unless `interphase` says otherwise."""
    return {
        "kinetics": dict(kinetics or {}),
        "interphase": STILL | dict(interphase or {}),
        "dead_metal": {"isolated_fraction": isolated_fraction},
        **others,
    }


def polynomials(
    diffusivity: Sequence[float] = (DIFFUSIVITY, 0.0),
    conductivity: Sequence[float] = (CONDUCTIVITY, 0.0, 0.0),
    transference_number: Sequence[float] = (TRANSFERENCE, 0.0),
    thermodynamic_factor: Sequence[float] = (1.0, 0.0),
) -> dict[str, Any]:
    """The [electrolyte] table of properties that are polynomials of c/c0 - 1; constant ones unless told otherwise."""
    given = {
        "diffusivity": diffusivity,
        "conductivity": conductivity,
        "transference_number": transference_number,
        "thermodynamic_factor": thermodynamic_factor,
    }
    reference = {"correlation": "polynomial", "reference_concentration": "1 mol/L"}
    return {name: reference | {"coefficients": list(values)} for name, values in given.items()}


def case(
    steps: Sequence[Any],
    *,
    model: str = "point",
    repeat: int = 1,
    cell: Mapping[str, Any] | None = None,
    electrolyte: Mapping[str, Any] | None = None,
    working: Mapping[str, Any] | None = None,
    counter: Mapping[str, Any] | None = None,
    folder: Any = None,
    **tables: Any,
) -> Case:
    """A Li|Li case with constant transport properties, unless told otherwise."""
    chosen = {"working": "lithium", "counter": "lithium", "electrolyte": "custom", "model": model}
    return parse_case(
        {
            "cell": chosen | dict(cell or {}),
            "electrolyte": CONSTANT | dict(electrolyte or {}),
            "working": dict(electrode() if working is None else working),
            "counter": dict(electrode() if counter is None else counter),
            "protocol": {"repeat": repeat, "steps": list(steps)},
            **tables,
        },
        folder=folder,
    ).check()


def simulate(steps: Sequence[Any], **options: Any) -> Run:
    """A case of `case`, run."""
    return run(case(steps, **options))


LIMIT = float(transport.limiting_current(THICKNESS, CONCENTRATION, DIFFUSIVITY * FACTOR, TRANSFERENCE))
"""The limiting current of the default separator, A/m2"""


def kinds(run_: Run) -> list[str]:
    """How each step ended."""
    return [event["kind"] for event in run_.summary["events"]]


def observed_order(sizes: Sequence[float], errors: Sequence[float]) -> float:
    """The slope of log error against log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0])


def seen_at(run_: Run, times: Any) -> dict[str, np.ndarray]:
    """Every observable at times in s, from the dense output; the end of a step belongs to that step."""
    rows, times = run_.trajectory.rows, np.asarray(times, dtype=float)
    begins = rows.origin + rows.elapsed
    row = np.maximum(np.searchsorted(begins, times, side="left") - 1, 0)
    theta = np.clip((times - begins[row]) / np.where(rows.length[row] > 0.0, rows.length[row], 1.0), 0.0, 1.0)
    picked = type(rows)(*(np.asarray(leaf)[row] for leaf in rows))
    return observe(run_.trajectory.cell, states_at(picked, theta[:, None])[:, 0])


def final(run_: Run) -> dict[str, float]:
    """Every scalar observable at the end of a run, SI."""
    seen = observe(run_.trajectory.cell, run_.trajectory.row_ends()[-1:])
    return {name: float(values[0]) for name, values in seen.items() if np.ndim(values[0]) == 0}
