"""A folder of spectra as one study: validity, distributions, one circuit for all, series, events, quantities."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis import arrhenius, drt, kramers_kronig
from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.choice import Candidate, median_of, propose, sample_of
from mossy.analysis.circuits.fit import CircuitFit, refused
from mossy.analysis.circuits.series import SeriesFit, row_of
from mossy.analysis.circuits.trends import COORDINATES, along, compare, temperature_in
from mossy.analysis.impedance_quantities import quantities_of
from mossy.analysis.measured import Measured
from mossy.analysis.spectra import Spectrum, spectrum_of
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

if TYPE_CHECKING:
    import polars as pl

MOST_DISTRIBUTIONS = 60
FEWEST_IN_SERIES = 3
FEWEST_FOR_EVENTS = 6
LACKING = 2.0  # times the noise
FAR_APART = 3.0  # standard errors
ALIKE = 0.5  # decades between the ends of two spectra of one series
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Item:
    """A spectrum and where it comes from."""

    spectrum: Spectrum
    file: str
    sweep: int
    sweeps: int

    @property
    def name(self) -> str:
        """The file's name, with the sweep where it has several."""
        stem = Path(self.file).name
        return f"{stem} sweep {self.sweep}" if self.sweeps > 1 else stem


@dataclass(frozen=True, eq=False)
class Series:
    """Spectra that belong together: their rows in the study, the coordinate, the circuit and those it was chosen from,
    the fit along the series, and what was found there.
    """

    name: str
    circuit: str
    candidates: list[Candidate]
    kind: str
    coordinate: np.ndarray
    rows: list[int]
    fit: SeriesFit | None
    events: tuple[Any, ...] = ()
    lines: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Study:
    """All that was found; `items`, `validity`, `fits` and `distributions` (None where not computed) by row; `refused`
    spectra with the reason.
    """

    items: list[Item]
    validity: list[Any]
    distributions: list[Any]
    fits: list[CircuitFit]
    series: list[Series]
    quantities: dict[str, Measured]
    notes: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()

    def table(self) -> pl.DataFrame:
        """One row a spectrum: file, sweep, coordinate, parameters with errors, derived quantities, validity, flags."""
        import polars as pl

        places = {row: (each, k) for each in self.series for k, row in enumerate(each.rows)}
        rows = []
        for row, (item, validity, fit) in enumerate(zip(self.items, self.validity, self.fits, strict=True)):
            entry: dict[str, Any] = {"file": item.file, "sweep": item.sweep, "points": len(item.spectrum)}
            if row in places:
                series, k = places[row]
                entry |= {"series": series.name} | along(series.kind, float(series.coordinate[k]))
            entry |= row_of(fit)
            for name, value in self.quantities.items():
                entry |= {name: _number(value.value[row]), f"{name}_standard_error": _number(value.standard_error[row])}
            if validity is not None:
                entry |= {"valid": validity.passed, "noise": float(validity.noise.proportional)}
            rows.append(entry)
        return pl.DataFrame(rows, infer_schema_length=None)


def _number(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


@dataclass(frozen=True)
class Options:
    """What a person may say: circuit, electrode area (m2), permittivity of the film, symmetry of the two electrodes,
    weighting, ties of a series, the coordinate it runs along.
    """

    circuit: str | None = None
    area: float | None = None
    permittivity: float | None = None
    symmetry: str | None = None
    weighting: str = "modulus"
    ties: str = "free"
    coordinate: str | None = None


def study(
    records: Sequence[Impedance], options: Options, report: Report | None = None, traces: Sequence[Cycling] = ()
) -> Study:
    """Everything `mossy eis` computes from Impedance records, with `traces` of voltage over time as further evidence.

    Raises InputError where there is no spectrum.
    """
    tell = report or (lambda stage, done, total: None)
    items, records, lost = _items(records)
    if not items:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in lost[:3])
        raise InputError(f"no spectrum can be used{f' ({reasons})' if reasons else ''}", remedy="give others")
    tell("Kramers-Kronig", 0, len(items))
    validity = _validity(items, records)
    distributions = _distributions(items, tell)
    found: dict[int, CircuitFit] = {}
    series: list[Series] = []
    groups = _groups(items)
    stopped: tuple[str, ...] = ()
    try:
        for name, rows in zip(_names(items, groups), groups, strict=True):
            tell(name, len(found), len(items))
            series.append(_series(name, rows, items, records, traces, options, found, tell))
    except KeyboardInterrupt:
        stopped = ("interrupted: the spectra without values were not fitted any more",)
    text = series[-1].circuit if series else options.circuit or "R0-p(R1,Q1)"
    fits = [
        found[row] if row in found else refused(text, "interrupted", item.spectrum) for row, item in enumerate(items)
    ]
    quantities = quantities_of(fits, np.array([_area(item, options) for item in items]), options)
    return Study(items, validity, distributions, fits, series, quantities, (*stopped, *_notes(items)), lost)


def _items(records: Sequence[Impedance]) -> tuple[list[Item], list[Impedance], tuple[tuple[str, str], ...]]:
    """(items, their records, those that are no spectrum with the reason)."""
    items, kept, lost = [], [], []
    for record in records:
        try:
            items.append(_item(record))
            kept.append(record)
        except InputError as error:
            lost.append((str(record.metadata.get("source_path", "spectrum")), str(error)))
    return items, kept, tuple(lost)


def _item(record: Impedance) -> Item:
    """A record as an item, with what its table and file name say of time, voltage and temperature."""
    said = dict(record.metadata)
    table = record.table
    if "test_time_second" in table.columns:
        said["series_time_second"] = float(table["test_time_second"][0])
    if "voltage_volt" in table.columns:
        said["series_voltage_volt"] = float(table["voltage_volt"].mean())  # type: ignore[arg-type]
    if "cycle_count" in table.columns and table["cycle_count"].null_count() == 0:
        said["series_cycle"] = int(table["cycle_count"][0])
    file = str(said.get("source_path", ""))
    if "temperature_celsius" not in said and temperature_in(Path(file).stem) is not None:
        said["temperature_from"] = "the file's name"
    spectrum = replace(spectrum_of(record), metadata=said)
    warned = tuple(map(str, said.get("warnings", [])))
    signed = any("Z'' is positive" in warning for warning in warned)
    flags = (*(flag for flag in spectrum.flags if not (signed and "Z'' is positive" in flag)), *warned)
    return Item(replace(spectrum, flags=flags), file, int(said.get("sweep", 1)), int(said.get("sweeps", 1)))


def _validity(items: list[Item], records: Sequence[Impedance]) -> list[Any]:
    """The Kramers-Kronig test of each spectrum that has the points for it."""
    found: list[Any] = [None] * len(items)
    enough = kramers_kronig.FEWEST
    long = [row for row, item in enumerate(items) if len(np.unique(item.spectrum.frequency)) >= enough]
    tested = kramers_kronig.test_many([records[row] for row in long]) if long else []
    for row, validity in zip(long, tested, strict=True):
        found[row] = validity
    return found


def _distributions(items: list[Item], tell: Report) -> list[Any]:
    """The distributions of at most `MOST_DISTRIBUTIONS` spectra, evenly spread; None where there is none."""
    found: list[Any] = [None] * len(items)
    wanted = sample_of(range(len(items)), MOST_DISTRIBUTIONS)
    for done, row in enumerate(wanted):
        tell("relaxation times", done, len(wanted))
        with contextlib.suppress(InputError):
            found[row] = drt.distribution(items[row].spectrum)
    return found


def _groups(items: list[Item]) -> list[list[int]]:
    """The rows that belong together: the sweeps of a file, or the single spectra of a folder over like frequencies."""
    groups: list[list[int]] = []
    for row, item in enumerate(items):
        home = next((group for group in groups if _belongs(item, items[group[0]])), None)
        if home is None:
            groups.append([row])
        else:
            home.append(row)
    return groups


def _belongs(item: Item, first: Item) -> bool:
    """Whether a spectrum is of the series that another began."""
    if item.sweeps > 1 or first.sweeps > 1:
        return item.file == first.file
    ends = [np.log10([each.spectrum.frequency.max(), each.spectrum.frequency.min()]) for each in (item, first)]
    return Path(item.file).parent == Path(first.file).parent and bool(np.all(np.abs(ends[0] - ends[1]) < ALIKE))


def _names(items: list[Item], groups: list[list[int]]) -> list[str]:
    """What each series is called: its file, its folder, or the first of its files where a folder holds several."""
    homes = [Path(items[rows[0]].file).parent for rows in groups]
    names = []
    for rows, home in zip(groups, homes, strict=True):
        first = Path(items[rows[0]].file).name
        if len(rows) == 1 or items[rows[0]].sweeps > 1:
            names.append(first)
        elif homes.count(home) > 1 or not home.name:
            names.append(f"{first} and {len(rows) - 1} more")
        else:
            names.append(home.name)
    return names


def _proposed(spectra: list[Spectrum], options: Options, tell: Report) -> list[Candidate]:
    """The circuits tried on a group; none where one was named."""
    if options.circuit is not None:
        return []
    count = 0

    def said(text: str) -> None:
        nonlocal count
        count += 1
        tell(f"trying {text}", count, 0)

    found = propose(spectra, weighting=options.weighting, report=said)
    return found or [Candidate("R0-p(R1,Q1)", 4, np.inf, np.inf, np.inf, 0.0)]  # too few points: the fits say so


def _series(
    name: str,
    rows: list[int],
    items: list[Item],
    records: Sequence[Impedance],
    traces: Sequence[Cycling],
    options: Options,
    fits: dict[int, CircuitFit],
    tell: Report,
) -> Series:
    """A group fitted, and what it says along its coordinate; adds to `fits`. Rows that were refused stay out."""
    candidates = _proposed([items[row].spectrum for row in rows], options, tell)
    circuit = Circuit(options.circuit or candidates[0].circuit)
    clocked = {row: _with_clock(items[row].spectrum, items[rows[0]].spectrum) for row in rows}
    done = circuit.fit_many(
        clocked.values(), weighting=options.weighting, report=lambda n, all_: tell(f"fitting {circuit.text}", n, all_)
    )
    fits |= dict(zip(rows, done, strict=True))
    rows = [row for row in rows if fits[row].status != "refused"]
    plain = partial(Series, name, circuit.text, candidates)
    if len(rows) < FEWEST_IN_SERIES:
        return plain("number", np.arange(1.0, len(rows) + 1.0), rows, None)
    spectra = [clocked[row] for row in rows]
    wanted = {"coordinate": options.coordinate, "weighting": options.weighting, "fits": [fits[row] for row in rows]}
    try:
        found = circuit.fit_series(spectra, ties=options.ties, **wanted)
    except InputError as error:
        if options.coordinate is not None:
            raise
        return plain("number", np.arange(1.0, len(rows) + 1.0), rows, None, notes=(str(error),))
    free = circuit.fit_series(spectra, ties="free", **wanted) if options.ties == "hard" else found
    notes = _doubts(found, free)
    order = np.argsort(found.coordinate, kind="stable")
    found = replace(found, coordinate=found.coordinate[order], fits=[found.fits[k] for k in order])
    rows = [rows[k] for k in order]
    fits |= dict(zip(rows, found.fits, strict=True))
    lines = _arrhenius(found, circuit) if found.kind == "temperature" else {}
    events, silent = _events(found, [records[row] for row in rows], traces)
    notes += (*silent, *found.flags)
    if found.kind == "temperature" and items[rows[0]].spectrum.metadata.get("temperature_from"):
        notes += ("temperatures were read from the files' names",)
    return plain(found.kind, found.coordinate, rows, found, events, lines, notes)


def _doubts(found: SeriesFit, free: SeriesFit) -> tuple[str, ...]:
    """Why the numbers along a series should not be trusted: rejected ties, residuals far above the noise."""
    doubts = []
    if found is not free:
        tied = next(each for each in compare([free, found]) if each.ties == "hard")
        if tied.rejected:
            doubts.append(
                f"the hard ties are rejected by their lack of fit (chi squared {found.chi_squared:.3g} against "
                f"{free.chi_squared:.3g} without, p = {max(tied.p_value, 1e-300):.1g}): do not use what they give"
            )
    for name, trend in free.trends.items() if found is not free else ():
        for key, (value, error) in trend.coefficients.items():
            tied_value, tied_error = found.trends[name].coefficients[key]
            apart = abs(tied_value - value) / np.hypot(error, tied_error)
            if key == "activation_energy" and apart > FAR_APART:
                doubts.append(f"the hard ties give {name} {tied_value:.3f} eV, free fits {value:.3f} +- {error:.3f} eV")
    ratio = median_of([fit.noise_ratio for fit in found.fits])
    if ratio > LACKING:
        doubts.append(f"residuals are {ratio:.2g} times the noise in the median: errors may be too small")
    return tuple(doubts)


def _with_clock(spectrum: Spectrum, first: Spectrum) -> Spectrum:
    """The spectrum with its time since the first one's start, where both say when they began."""
    said = dict(spectrum.metadata)
    begun, origin = (_clock(each.metadata.get("start_time")) for each in (spectrum, first))
    if begun is not None and origin is not None:
        said["series_time_second"] = said.get("series_time_second", 0.0) + (begun - origin).total_seconds()
    return replace(spectrum, metadata=said)


def _clock(said: Any) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(said)).replace(tzinfo=None)
    except ValueError:
        return None


def _arrhenius(found: SeriesFit, circuit: Circuit) -> dict[str, Any]:
    """The Arrhenius line of each resistance, as ln(R/T), and whether it breaks."""
    lines: dict[str, Any] = {}
    for name, unit in circuit.units.items():
        values, errors = found.values(name)
        known = np.isfinite(errors) & (values > 0.0) & (errors < values)
        if unit != "ohm" or known.sum() < 3:
            continue
        kelvin = found.coordinate[known]
        try:
            lines[name] = arrhenius.fit(kelvin, values[known], errors[known], form="ln(R/T)")
            if known.sum() >= 8:
                lines[f"{name} break"] = arrhenius.with_break(kelvin, values[known], errors[known], form="ln(R/T)")
        except InputError:
            continue
    return lines


def _events(
    found: SeriesFit, records: Sequence[Impedance], traces: Sequence[Cycling]
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """(events along a series that is not one of temperatures, why none were looked for)."""
    from mossy.analysis.events import events

    if found.kind == "temperature" or len(found.fits) < FEWEST_FOR_EVENTS:
        return (), ()
    voltage = _trace_beside(traces, found.coordinate) if found.kind == "time" else None
    unit = {"time": "s", "number": ""}.get(found.kind, COORDINATES[found.kind][1])
    try:
        return tuple(events(records, found.coordinate, fits=found.fits, voltage=voltage, unit=unit)), ()
    except InputError as error:
        return (), (f"events were not looked for: {error}",)


def _trace_beside(traces: Sequence[Cycling], time: np.ndarray) -> Cycling | None:
    """The trace of voltage that covers most of a series and has the most points; None where none covers the half."""
    found = []
    for trace in traces:
        if "voltage_volt" in trace.table.columns:
            t = trace.table["test_time_second"].to_numpy()
            covered = float(np.mean((time >= t.min()) & (time <= t.max())))
            found.append((round(covered, 2), len(t), trace))
    best = max(found, key=lambda each: each[:2], default=None)
    return best[2] if best is not None and best[0] >= 0.5 else None


def _area(item: Item, options: Options) -> float:
    said = item.spectrum.metadata.get("electrode_area_square_metre")
    return float(options.area or said or np.nan)


def _notes(items: list[Item]) -> tuple[str, ...]:
    """What the files themselves warn of, each once with how many spectra it concerns."""
    counts: dict[str, int] = {}
    for item in items:
        for flag in item.spectrum.flags:
            counts[flag] = counts.get(flag, 0) + 1
    return tuple(
        f"{flag} ({count} of {len(items)} spectra)" if len(items) > 1 else flag for flag, count in counts.items()
    )


__all__ = ["COORDINATES", "Item", "Options", "Series", "Study", "study"]
