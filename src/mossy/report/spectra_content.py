"""What the report of `mossy eis` is made of: plain arrays and words, so that it needs no part of the analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class SpectrumShown:
    """A spectrum: its name, frequency (Hz), measured and modelled impedance (ohm), and the fit as a smooth curve."""

    name: str
    frequency: np.ndarray
    measured: np.ndarray
    modelled: np.ndarray
    coordinate: float
    curve_frequency: np.ndarray
    curve: np.ndarray


@dataclass(frozen=True, eq=False)
class DistributionShown:
    """A distribution of relaxation times: tau (s), density and its 95 % band (ohm per ln tau), its peaks' tau."""

    coordinate: float
    name: str
    time_constants: np.ndarray
    density: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    peaks: np.ndarray


@dataclass(frozen=True, eq=False)
class SeriesShown:
    """Spectra along one coordinate. `parameters`: name -> (values, errors, unit); `lines`: Arrhenius lines as
    (name, words, kelvin, ln(R/T), its error, line there); `events` as (coordinate, sentence, evidence).
    """

    name: str
    kind: str
    label: str
    unit: str
    coordinate: np.ndarray
    spectra: Sequence[SpectrumShown]
    distributions: Sequence[DistributionShown]
    parameters: Mapping[str, tuple[np.ndarray, np.ndarray, str]]
    relative_rms: np.ndarray
    noise: np.ndarray
    lines: Sequence[tuple[str, str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = ()
    events: Sequence[tuple[float, str, Sequence[str]]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class SpectraContent:
    """The whole report: `facts` (word, value, note) for the top; `candidates`, by series, the circuits tried; `flagged`
    and `skipped` (name, reason); `rows` of a few spectra: name, then (parameter, value, error, unit, note) each.
    """

    title: str
    circuit: str
    facts: Sequence[tuple[str, str, str]]
    series: Sequence[SeriesShown]
    candidates: Mapping[str, Sequence[Mapping[str, Any]]]
    rows: Sequence[tuple[str, Sequence[tuple[str, float, float, str, str]]]]
    flagged: Sequence[tuple[str, str]]
    skipped: Sequence[tuple[str, str]]
    notes: Sequence[str]
    assumptions: Sequence[str]
    versions: Mapping[str, str] = field(default_factory=dict)
