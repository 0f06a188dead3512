"""What the report of `mossy cycling` is made of: plain arrays and words, so that it needs no part of the analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class TraceShown:
    """Voltage (V) and current (A, or mA/cm2 that plates where `current_unit` says so) over time (s); NaN: not known."""

    name: str
    time: np.ndarray
    voltage: np.ndarray
    current: np.ndarray | None = None
    current_unit: str = "A"


@dataclass(frozen=True, eq=False)
class CurveShown:
    """The voltage (V) of a half-cycle against what had passed in it (in the content's unit of charge)."""

    cycle: int
    plating: bool | None
    passed: np.ndarray
    voltage: np.ndarray


@dataclass(frozen=True, eq=False)
class PointsShown:
    """One quantity against another with errors (NaN: not known); `kept` marks what a mean or a trend was made of."""

    label: str
    x: np.ndarray
    y: np.ndarray
    error: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True, eq=False)
class EfficiencyShown:
    """Efficiency by cycle as a fraction, its mean with standard error, and the cumulative loss."""

    points: PointsShown
    average: float | None
    standard_error: float | None
    lost: np.ndarray
    unit: str


@dataclass(frozen=True, eq=False)
class CriticalShown:
    """Resistance (ohm, or ohm cm2) by step of current (mA, or mA/cm2), and the interval the critical current is in."""

    series: Sequence[PointsShown]
    x_unit: str
    y_unit: str
    interval: tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class TableShown:
    """A table: its title, headings, rows of text, and which columns hold numbers."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    note: str = ""


@dataclass(frozen=True, eq=False)
class CyclingContent:
    """The whole report of a cell. `facts`: (word, value, note) for the top; `events`: (s, kind, sentence, evidence);
    `tables` by section; `split`: part -> mV by half-cycle; `impedance`: a quantity of spectra along the test.
    """

    title: str
    lead: str
    facts: Sequence[tuple[str, str, str]]
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    missing: Sequence[str] = ()
    events: Sequence[tuple[float | None, str, str, Sequence[str]]] = ()
    traces: Sequence[TraceShown] = ()
    curves: Sequence[CurveShown] = ()
    charge_unit: str = "mAh"
    efficiency: EfficiencyShown | None = None
    plateaus: Sequence[PointsShown] = ()
    split: Mapping[str, PointsShown] = field(default_factory=dict)
    critical: CriticalShown | None = None
    impedance: Sequence[PointsShown] = ()
    impedance_labels: tuple[str, str] = ("", "")
    tables: Mapping[str, Sequence[TableShown]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FolderContent:
    """The report of a folder: a row a cell, the files left out, and the mean efficiencies by cell."""

    title: str
    facts: Sequence[tuple[str, str, str]]
    cells: TableShown
    links: Mapping[str, str]
    refused: Sequence[tuple[str, str]]
    efficiencies: PointsShown | None
    names: Sequence[str]
    versions: Mapping[str, str] = field(default_factory=dict)
