"""What the report of `mossy xps` is made of: plain arrays and words, so that it needs no part of the analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mossy.report.cycling_content import PointsShown, TableShown


@dataclass(frozen=True, eq=False)
class RegionShown:
    """A region: binding energy (eV), measured and modelled intensity in `unit`, background, components above it as
    (name, curve), and residuals over their errors (None for what was only simulated).
    """

    name: str
    energy: np.ndarray
    measured: np.ndarray | None
    modelled: np.ndarray
    background: np.ndarray
    components: Sequence[tuple[str, np.ndarray]]
    residuals: np.ndarray | None
    unit: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class SurveyShown:
    """A survey and where its lines were found: (eV, name)."""

    energy: np.ndarray
    intensity: np.ndarray
    lines: Sequence[tuple[float, str]]


@dataclass(frozen=True, eq=False)
class SampleShown:
    """One sample: `peaks` and `phases` as fitted regions, `simulated` ones beside the measured; `film`: simulated
    curves (label, eV, counts) by core level.
    """

    name: str
    facts: Sequence[tuple[str, str, str]]
    survey: SurveyShown | None
    peaks: Sequence[RegionShown]
    phases: Sequence[RegionShown]
    simulated: Sequence[RegionShown]
    tables: Mapping[str, Sequence[TableShown]]
    warnings: Sequence[str] = ()
    flags: Sequence[str] = ()
    notes: Sequence[str] = ()
    film: Mapping[str, Sequence[tuple[str, np.ndarray, np.ndarray]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class XpsContent:
    """The whole report; `profile`: amounts along sputtering, by name, where samples are levels of one."""

    title: str
    facts: Sequence[tuple[str, str, str]]
    samples: Sequence[SampleShown]
    profile: Sequence[PointsShown] = ()
    profile_labels: tuple[str, str] = ("", "")
    refused: Sequence[tuple[str, str]] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
