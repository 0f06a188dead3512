"""What photoelectron spectra alone tell: peaks (`fit_peaks`), elements (`identify`), atomic percent (`quantify`), the
energy scale (`calibrate`); phases (`fit_phases`) and the spectra of a sample (`simulate_spectra`).

Phases need JAX and are loaded when they are first used; the rest must be quick the first time too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mossy.analysis.xps.calibration import Calibration, calibrate, calibrated
from mossy.analysis.xps.components import Component, Fixed, Free, Link, parse_components
from mossy.analysis.xps.identify import Survey, identify
from mossy.analysis.xps.peaks import fit_peaks
from mossy.analysis.xps.peaks_results import Estimate, FittedComponent, PeakFit
from mossy.analysis.xps.quantify import AtomicComposition, quantify

if TYPE_CHECKING:
    from mossy.analysis.xps.phase_fit import fit_phases, fit_phases_many
    from mossy.analysis.xps.phase_results import Amount, PhaseFit
    from mossy.analysis.xps.phase_scale import Scale, areal_charge, film_capacitance, known_path
    from mossy.analysis.xps.simulate import simulate_spectra
    from mossy.analysis.xps.stack import Layer, Stack, read_stack, stack_of

_HOMES = {
    "phase_fit": ("fit_phases", "fit_phases_many"),
    "phase_results": ("Amount", "PhaseFit"),
    "phase_scale": ("Scale", "areal_charge", "film_capacitance", "known_path"),
    "simulate": ("simulate_spectra",),
    "stack": ("Layer", "Stack", "read_stack", "stack_of"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is first used."""
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


__all__ = [
    "Amount",
    "AtomicComposition",
    "Calibration",
    "Component",
    "Estimate",
    "FittedComponent",
    "Fixed",
    "Free",
    "Layer",
    "Link",
    "PeakFit",
    "PhaseFit",
    "Scale",
    "Stack",
    "Survey",
    "areal_charge",
    "calibrate",
    "calibrated",
    "film_capacitance",
    "fit_peaks",
    "fit_phases",
    "fit_phases_many",
    "identify",
    "known_path",
    "parse_components",
    "quantify",
    "read_stack",
    "simulate_spectra",
    "stack_of",
]
