"""What is said about an event: its size against the trend, the fitted circuits, and the voltage around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.events.steps import SIDES, WINDOW, scatter, step_size
from mossy.analysis.events.traces import Span, Trace
from mossy.analysis.events.voltage import voltage_events
from mossy.analysis.spectra import Spectrum
from mossy.records import Impedance

LARGE = 1.5
"""Factor from which on a change of the voltage at rest is said to speak for a short."""


@dataclass(frozen=True, eq=False)
class Series:
    """What the description of an event draws on: `x` the coordinate, `breaks` the gaps with a step, `inflation` how far
    quiet neighbours differ beyond their noise, `voltage` under current as (time, V).
    """

    records: list[Any]
    known: list[Spectrum]
    x: np.ndarray
    noise: np.ndarray
    spans: Span
    traces: dict[str, Trace]
    breaks: list[int]
    inflation: float
    voltage: tuple[np.ndarray, np.ndarray] | None
    unit: str

    def at(self, value: float) -> str:
        """A coordinate in words."""
        hours = f" ({value / 3600.0:.2f} h)" if self.unit == "s" and abs(value) >= 3600.0 else ""
        return f"{value:.6g} {self.unit}".strip() + hours


def step_evidence(series: Series, gap: int) -> str:
    """How much the span and its two ends change against the trend of their neighbours."""
    spans = series.spans
    names = {"span": "the span", "low": f"Re Z({spans.lowest:.4g} Hz)", "high": f"Re Z({spans.highest:.4g} Hz)"}
    parts = []
    for name, title in names.items():
        step, error = _best_step(series, gap, name)
        if np.isfinite(error):
            ratio = np.exp(step)
            parts.append(f"{title} by a factor {ratio:.3g} +- {ratio * error:.2g} ({abs(step) / error:.1f} errors)")
    return "against the trend of its neighbours the spectrum changes in " + ", ".join(parts)


def _best_step(series: Series, gap: int, name: str) -> tuple[float, float]:
    """(step of a trace, standard error) in a gap, from the sides that tell it best."""
    y, error = series.traces[name]
    others = [each for each in series.breaks if each != gap]
    s = scatter(series.x, y, error)
    steps = [step_size(series.x, y, s, gap, others, sides) for sides in SIDES]
    return max(steps, key=lambda each: abs(each[0]) / each[1])


def floor_evidence(new: np.ndarray, within: tuple[float, float], measured: bool, lowest: float) -> list[str]:
    """Whether the smaller spectrum lies below the least R_inf that the larger allows, `within` ohm."""
    if not (measured and new.real[0] < within[0]):
        return []
    return [
        f"Re Z({lowest:.4g} Hz) is {new.real[0]:.4g} ohm, below R_inf of the larger spectrum: no interface does that"
    ]


def fit_evidence(traces: dict[str, Trace], gap: int, measured: bool) -> list[str]:
    """What the fitted circuits say of R_inf, R, C and R C on both sides."""
    names = {"R_inf": "resistance in series", "R": "arcs' resistance", "C": "capacitance", "tau": "time constant R C"}
    parts = []
    for name, title in names.items():
        if name in traces:
            y, e = traces[name]
            error = float(np.hypot(e[gap], e[gap + 1]))
            ratio = float(np.exp(y[gap + 1] - y[gap]))
            if np.isfinite(ratio) and np.isfinite(error):
                parts.append(f"{title} by {ratio:.3g} +- {ratio * error:.2g}")
    if not parts:
        return []
    doubt = "" if measured else ", with R_inf extrapolated beyond the highest frequency"
    expected = "a larger area keeps R C; a path beside the cell lowers it and multiplies C by (1 + R_inf/Z_s)^2"
    return [f"the fitted circuits change their {', '.join(parts)}{doubt} ({expected})"]


def return_evidence(series: Series, gap: int) -> list[str]:
    """A change that goes back within a few spectra."""
    y = series.traces["span"][0]
    change = y[gap + 1] - y[gap]
    for k in range(gap + 2, min(gap + 1 + WINDOW, len(y))):
        if np.isfinite(y[k]) and (y[k] - y[gap]) / change < 0.3:
            return [
                f"the span is back at {series.spans.difference[k]:.4g} ohm at {series.at(series.x[k])}: deposited "
                "metal and films hardly come and go so, while a filament may break and form again"
            ]
    return []


def rest_evidence(series: Series, gap: int) -> list[str]:
    """The mean voltage while the spectra were taken, where no current flowed that could explain it."""
    means = []
    for k in (gap, gap + 1):
        record = series.records[k]
        if not (isinstance(record, Impedance) and {"voltage_volt", "current_ampere"} <= set(record.table.columns)):
            return []
        columns = (record.table[name].to_numpy().astype(float) for name in ("voltage_volt", "current_ampere"))
        volt, ampere = (float(np.nanmean(each)) for each in columns)
        if not abs(ampere) * series.spans.low[k] < 0.1 * abs(volt):
            return []
        means.append((volt, ampere))
    (one, first), (other, second) = means
    said = (
        f"during the spectra, with mean currents of {1e6 * first:.2g} and {1e6 * second:.2g} uA, the cell keeps "
        f"{1e3 * one:.3g} mV before and {1e3 * other:.3g} mV after"
    )
    if abs(other) < abs(one) / LARGE:
        said += (
            ": the polarisation of the electrolyte that plating leaves has fallen, as when part of the current passed "
            "as electrons; a larger area alone would leave it"
        )
    return [said]


def voltage_evidence(series: Series, gap: int) -> tuple[list[str], float | None]:
    """(what the voltage under current does across the gap, when it passes half of the way in ln |V|)."""
    if series.voltage is None:
        return [], None
    time, volt = series.voltage
    x = series.x
    before = _level(time, volt, x[max(gap - 1, 0)], x[gap])
    after = _level(time, volt, x[gap + 1], x[min(gap + 2, len(x) - 1)])
    inside = (time > x[gap]) & (time < x[gap + 1])
    if before is None or inside.sum() < 8:
        return [], None
    end = after or _level(time, volt, 0.5 * (x[gap] + x[gap + 1]), x[gap + 1])
    if end is None:
        return [], None
    counted = _collapses_counted(series.voltage, x, gap) if series.unit == "s" else []
    grid = np.linspace(time[inside][0], time[inside][-1], 400)
    track = np.abs(np.interp(grid, time[inside], volt[inside]))
    smooth = np.array([np.median(track[max(k - 8, 0) : k + 9]) for k in range(len(track))])
    said = (
        f"the voltage under current is {1e3 * before[0]:.4g} mV (scatter {100 * before[1]:.2g} %) before and "
        f"{1e3 * end[0]:.4g} mV (scatter {100 * end[1]:.2g} %) after"
    )
    change = float(np.log(end[0] / before[0]))
    if end[1] > 2.0 * before[1] and end[1] > 0.1:
        said += ", noisier, as a path that breaks and forms makes it"
    if abs(change) < max(0.1, 2.0 * float(np.hypot(before[1], end[1]))):
        return [said, *counted], None
    half = np.sqrt(before[0] * end[0])
    beyond = smooth < half if change < 0.0 else smooth > half
    if not beyond.any():
        return [said, *counted], None
    moment = float(grid[int(np.argmax(beyond))])
    both = (
        "a short and a larger area both lower it"
        if change < 0.0
        else "the end of a short and a lost area both raise it"
    )
    return [f"{said}: {both}; it first passes half of the way at {series.at(moment)}", *counted], moment


def _collapses_counted(voltage: tuple[np.ndarray, np.ndarray], x: np.ndarray, gap: int) -> list[str]:
    """Sudden collapses of the voltage in the four intervals before and after."""
    time, volt = voltage
    counts = []
    for start, end in ((x[max(gap - 4, 0)], x[gap]), (x[gap + 1], x[min(gap + 5, len(x) - 1)])):
        inside = (time > start) & (time < end)
        if inside.sum() < 8:
            return []
        counts.append(f"{len(voltage_events(time[inside], volt[inside]))} times in the {end - start:.4g} s")
    return [f"the voltage collapses within a second {counts[0]} before and {counts[1]} after"]


def _level(time: np.ndarray, volt: np.ndarray, start: float, end: float) -> tuple[float, float] | None:
    """(median of |V| over time, half of its 16 to 84 % range relative to it); None where there are under 8 points."""
    inside = (time > start) & (time < end)
    if inside.sum() < 8:
        return None
    level = np.abs(np.interp(np.linspace(time[inside][0], time[inside][-1], 400), time[inside], volt[inside]))
    low, middle, high = (float(each) for each in np.percentile(level, (16, 50, 84)))
    return (middle, 0.5 * (high - low) / middle) if middle > 0.0 else None
