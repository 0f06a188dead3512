"""A folder of spectra as one study: validity, distributions, one circuit for all, series, events, quantities."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis import arrhenius, drt, kramers_kronig
from mossy.analysis import impedance_physics as physics
from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.choice import Candidate, propose, sample_of
from mossy.analysis.circuits.fit import CircuitFit, Fitted
from mossy.analysis.circuits.form import fitted_form
from mossy.analysis.circuits.series import SeriesFit, row_of
from mossy.analysis.circuits.trends import COORDINATES, along
from mossy.analysis.measured import Measured
from mossy.analysis.spectra import Spectrum, spectrum_of
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

if TYPE_CHECKING:
    import polars as pl

MOST_DISTRIBUTIONS = 60
FEWEST_IN_SERIES = 3
FEWEST_FOR_EVENTS = 6
_NOTHING = Fitted(np.nan, np.nan, "")
_TEMPERATURE = re.compile(r"(?<![0-9.])(-?\d{1,4}(?:[.,]\d+)?)\s*[_ ]?(?:deg(?:rees)?[ _]?C?|°C|oC|C)(?![A-Za-z0-9])")
_KELVIN = re.compile(r"(?<![0-9.])(\d{2,4}(?:\.\d+)?)\s?K(?![A-Za-z0-9])")
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
    items, records, refused = _items(records)
    if not items:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused[:3])
        raise InputError(f"no spectrum can be used{f' ({reasons})' if reasons else ''}", remedy="give others")
    tell("Kramers-Kronig", 0, len(items))
    validity = _validity(items, records)
    distributions = _distributions(items, tell)
    found: dict[int, CircuitFit] = {}
    series, chosen = [], dict[tuple[float, ...], list[Candidate]]()
    for rows in _groups(items):
        candidates = _proposed([items[row].spectrum for row in rows], chosen, options, tell)
        circuit = Circuit(options.circuit or candidates[0].circuit)
        tell(f"fitting {circuit.text}", len(found), len(items))
        fits = circuit.fit_many([items[row].spectrum for row in rows], weighting=options.weighting)
        found |= dict(zip(rows, fits, strict=True))
        one = _series(circuit, candidates, items, rows, found, options, records, traces)
        if one.fit is not None:
            found |= dict(zip(one.rows, one.fit.fits, strict=True))
        series.append(one)
    fits = [found[row] for row in range(len(items))]
    quantities = _quantities(fits, items, options)
    return Study(items, validity, distributions, fits, series, quantities, _notes(items), refused)


def _items(records: Sequence[Impedance]) -> tuple[list[Item], list[Impedance], tuple[tuple[str, str], ...]]:
    """(items, their records, those that are no spectrum with the reason)."""
    items, kept, refused = [], [], []
    for record in records:
        try:
            items.append(_item(record))
            kept.append(record)
        except InputError as error:
            refused.append((str(record.metadata.get("source_path", "spectrum")), str(error)))
    return items, kept, tuple(refused)


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
    if "temperature_celsius" not in said and (named := temperature_in(Path(file).stem)) is not None:
        said["temperature_celsius"], said["temperature_from"] = named, "the file's name"
    spectrum = replace(spectrum_of(record), metadata=said)
    warned = tuple(map(str, said.get("warnings", [])))
    signed = any("Z'' is positive" in warning for warning in warned)
    flags = (*(flag for flag in spectrum.flags if not (signed and "Z'' is positive" in flag)), *warned)
    return Item(replace(spectrum, flags=flags), file, int(said.get("sweep", 1)), int(said.get("sweeps", 1)))


def temperature_in(name: str) -> float | None:
    """The temperature in a file's name, degC, where exactly one stands there.

    >>> [temperature_in(name) for name in ("s04147-140deg", "cell 25C run3", "C05_300K", "x")]
    [140.0, 25.0, 26.85, None]
    """
    found = [float(match.replace(",", ".")) for match in _TEMPERATURE.findall(name)]
    found += [round(float(match) - 273.15, 6) for match in _KELVIN.findall(name)]
    return found[0] if len(found) == 1 and found[0] > -273.15 else None


def _validity(items: list[Item], records: Sequence[Impedance]) -> list[Any]:
    """The Kramers-Kronig test of each spectrum that has the points for it."""
    found: list[Any] = [None] * len(items)
    long = [row for row, item in enumerate(items) if len(item.spectrum) >= kramers_kronig.FEWEST]
    tested = kramers_kronig.test_many([records[row] for row in long]) if long else []
    for row, validity in zip(long, tested, strict=True):
        found[row] = validity
    return found


def _distributions(items: list[Item], tell: Report) -> list[Any]:
    """The distributions of at most `MOST_DISTRIBUTIONS` spectra, evenly spread."""
    found: list[Any] = [None] * len(items)
    wanted = sample_of(range(len(items)), MOST_DISTRIBUTIONS)
    for done, row in enumerate(wanted):
        tell("relaxation times", done, len(wanted))
        try:
            found[row] = drt.distribution(items[row].spectrum)
        except InputError:
            continue
    return found


def _groups(items: list[Item]) -> list[list[int]]:
    """The rows that belong together: the sweeps of a file, or the single spectra of a folder over like frequencies."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, item in enumerate(items):
        frequency = item.spectrum.frequency
        ends = tuple(f"{2.0 * np.log10(end):.0f}" for end in (frequency.max(), frequency.min()))
        alone = (str(Path(item.file).parent), *ends, f"{3.0 * np.log2(len(frequency)):.0f}")
        groups.setdefault((item.file,) if item.sweeps > 1 else alone, []).append(row)
    return list(groups.values())


def _proposed(
    spectra: list[Spectrum], chosen: dict[tuple[float, ...], list[Candidate]], options: Options, tell: Report
) -> list[Candidate]:
    """The circuits tried on a group, or on an earlier one of the same frequencies; none where one was named."""
    if options.circuit is not None:
        return []
    key = (len(spectra[0]), float(spectra[0].frequency.max()), float(spectra[0].frequency.min()))
    if key in chosen:
        return chosen[key]
    count = 0

    def said(text: str) -> None:
        nonlocal count
        count += 1
        tell(f"trying {text}", count, 0)

    chosen[key] = propose(spectra, weighting=options.weighting, report=said)
    if not chosen[key]:  # too few points for any: the fits say so
        chosen[key] = [Candidate("R0-p(R1,Q1)", 4, np.inf, np.inf, np.inf, 0.0)]
    return chosen[key]


def _series(
    circuit: Circuit,
    candidates: list[Candidate],
    items: list[Item],
    rows: list[int],
    fits: dict[int, CircuitFit],
    options: Options,
    records: Sequence[Impedance],
    traces: Sequence[Cycling],
) -> Series:
    """What a group says along its coordinate; rows whose fit was refused stay out."""
    first = items[rows[0]]
    name = Path(first.file).name if first.sweeps > 1 or len(rows) == 1 else Path(first.file).parent.name
    rows = [row for row in rows if fits[row].status != "refused"]
    plain = partial(Series, name, circuit.text, candidates)
    spectra = [_with_clock(items[row].spectrum, items[rows[0]].spectrum) for row in rows]
    if len(rows) < FEWEST_IN_SERIES:
        return plain("number", np.arange(1.0, len(rows) + 1.0), rows, None)
    try:
        found = circuit.fit_series(
            spectra,
            coordinate=options.coordinate,
            ties=options.ties,
            weighting=options.weighting,
            fits=[fits[r] for r in rows],
        )
    except InputError as error:
        if options.coordinate is not None:
            raise
        return plain("number", np.arange(1.0, len(rows) + 1.0), rows, None, notes=(str(error),))
    order = np.argsort(found.coordinate, kind="stable")
    found = replace(found, coordinate=found.coordinate[order], fits=[found.fits[k] for k in order])
    rows = [rows[k] for k in order]
    lines = _arrhenius(found, circuit) if found.kind == "temperature" else {}
    events, notes = _events(found, [records[row] for row in rows], traces)
    notes += found.flags
    if found.kind == "temperature" and items[rows[0]].spectrum.metadata.get("temperature_from"):
        notes += ("temperatures were read from the files' names",)
    return plain(found.kind, found.coordinate, rows, found, events, lines, notes)


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


def _quantities(fits: list[CircuitFit], items: list[Item], options: Options) -> dict[str, Measured]:
    """Derived by row: capacitance of each arc, resistances per area or electrode, thicknesses; NaN where none."""
    areas = np.array([_area(item, options) for item in items])
    found: dict[str, Measured] = {}
    arcs = {pair for text in {fit.circuit for fit in fits} for pair in fitted_form(text).arcs.values()}
    for resistor, other in sorted(arcs):
        names = [resistor, f"{other}.Q", f"{other}.alpha"]
        if other.startswith("C"):
            continue
        capacity = _arc_capacitance(fits, names)
        found[f"{other}_through_film_capacitance_farad"] = capacity
        if options.permittivity is not None and np.isfinite(areas).any():
            known = Measured(options.permittivity, 0.0, "1", (f"permittivity {options.permittivity:g} as given",))
            found[f"{other}_film_thickness_metre"] = _rowwise(
                physics.film_thickness, capacity, known, Measured(areas, 0.0 * areas, "m^2", ("area as given",))
            )
    if np.isfinite(areas).any():
        resistances = {name for fit in fits for name, each in fit.parameters.items() if each.unit == "ohm"}
        for name in sorted(resistances):
            found[f"{name}_ohm_cm2"] = _per_area(fits, name, areas, options)
    return found


def _area(item: Item, options: Options) -> float:
    said = item.spectrum.metadata.get("electrode_area_square_metre")
    return float(options.area or said or np.nan)


def _arc_capacitance(fits: list[CircuitFit], names: list[str]) -> Measured:
    """Through-film capacitance of a resistor beside a constant phase element, with its covariance, by row."""
    values, covariance = np.full((len(fits), 3), np.nan), np.full((len(fits), 3, 3), np.nan)
    for row, fit in enumerate(fits):
        if set(names) <= set(fit.parameters):
            places = [fit.names.index(name) for name in names]
            values[row] = fit.values[places]
            covariance[row] = fit.covariance[np.ix_(places, places)]
    good = np.isfinite(values).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2))
    inside = [
        Measured(values[good, k], np.sqrt(covariance[good, k, k]), unit) for k, unit in enumerate(("ohm", "F", "1"))
    ]
    whole, errors = np.full((2, len(fits)), np.nan)
    assumptions: tuple[str, ...] = ()
    if good.any():
        got = physics.through_film_capacitance(inside[0], inside[1], inside[2], covariance=covariance[good])
        whole[good], errors[good], assumptions = got.value, got.standard_error, got.assumptions
    return Measured(whole, errors, "F", assumptions)


def _rowwise(law: Callable[..., Measured], *arguments: Measured) -> Measured:
    """A law on rows of which some are unknown."""
    arrays = [each for each in arguments if np.ndim(each.value)]
    good = np.all([np.isfinite(each.value) & np.isfinite(each.standard_error) for each in arrays], axis=0)
    whole, errors = np.full((2, len(good)), np.nan)
    given = [
        replace(each, value=each.value[good], standard_error=each.standard_error[good]) if np.ndim(each.value) else each
        for each in arguments
    ]
    got = law(*given) if good.any() else None
    if got is not None:
        whole[good], errors[good] = got.value, got.standard_error
    return Measured(whole, errors, got.unit if got else "m", got.assumptions if got else ())


def _per_area(fits: list[CircuitFit], name: str, areas: np.ndarray, options: Options) -> Measured:
    """A resistance per area, ohm cm2; per electrode where a symmetry was stated."""
    pairs = [fit.parameters.get(name, _NOTHING) for fit in fits]
    values, errors = (np.array([getattr(each, part) for each in pairs]) for part in ("value", "standard_error"))
    area = Measured(areas, 0.0 * areas, "m^2", ("area as given",))
    if options.symmetry is not None:
        symmetry = options.symmetry
        found = _rowwise(
            lambda r, a: physics.per_electrode(r, a, symmetry=symmetry), Measured(values, errors, "ohm"), area
        )
        return found.to("ohm*cm^2")
    return Measured(values * areas * 1e4, errors * areas * 1e4, "ohm*cm^2", ("of the whole cell", *area.assumptions))


def _notes(items: list[Item]) -> tuple[str, ...]:
    """What the files themselves warn of, each once with how many spectra it concerns."""
    counts: dict[str, int] = {}
    for item in items:
        for flag in item.spectrum.flags:
            counts[flag] = counts.get(flag, 0) + 1
    return tuple(
        f"{flag} ({count} of {len(items)} spectra)" if len(items) > 1 else flag for flag, count in counts.items()
    )


__all__ = ["COORDINATES", "Item", "Options", "Series", "Study", "study", "temperature_in"]
