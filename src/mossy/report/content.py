"""What a report is made of: plain tables and dictionaries, so that it needs no part of the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

ELECTRODES = ("working", "counter")


@dataclass(frozen=True)
class ReportContent:
    """One run or fit as its report shows it.

    `summary` follows summary.json; `cycling`, `profiles`, `impedance` and `interphase` are the tables of the run;
    `parameters` are rows of path, value, source, doi and status; `fit` follows fit.json; `comparisons` hold what was
    measured and modelled.
    """

    title: str
    summary: Mapping[str, Any]
    cycling: pl.DataFrame
    profiles: pl.DataFrame | None
    impedance: pl.DataFrame | None
    parameters: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]
    case_text: str
    protocol: Sequence[str]
    fit: Mapping[str, Any] | None = None
    comparisons: Sequence[Mapping[str, Any]] = ()
    interphase: pl.DataFrame | None = None

    def items(self, key: str) -> list[Any]:
        """A list of the summary, empty where there is none."""
        return list(self.summary.get(key) or [])

    def table(self, key: str) -> dict[str, Any]:
        """A table of the summary, empty where there is none."""
        return dict(self.summary.get(key) or {})


def column(frame: pl.DataFrame | None, name: str) -> np.ndarray:
    """A column as floats, NaN where it is null; empty where the table or the column does not exist."""
    if frame is None or name not in frame.columns:
        return np.empty(0)
    return frame[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def cycle_numbers(frame: pl.DataFrame | None) -> np.ndarray:
    """The distinct cycle numbers of a table, in ascending order."""
    counts = column(frame, "cycle_count")
    return np.unique(counts[np.isfinite(counts)])
