"""A spectrum beside the plateau it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis.overpotential.level import Levels, known, levels
from mossy.analysis.overpotential.pieces import Pieces, fractions
from mossy.analysis.overpotential.reading import Reading, read
from mossy.analysis.overpotential.value import Part, part
from mossy.errors import InputError
from mossy.records import Impedance

THERMAL = 25.7  # mV, RT/F at 25 degC


@dataclass(frozen=True)
class ImpedanceSplit:
    """The plateau beside a spectrum taken apart by it: resistances times the plateau's current. It is that of the
    half-cycle around or before the spectrum, or, where several spectra share one, of the part nearest in time.

    `remainder` is what the arcs do not hold: concentration, what is slower than `end_hertz`, and, where the arcs carry
    more than about 26 mV an electrode, the bend of the kinetics, which lowers the true share of charge transfer.
    """

    half_cycle: int
    cycle: int
    spectrum: int
    time_second: float
    total: Part
    ohmic: Part
    charge_transfer_and_film: Part
    remainder: Part
    highest_hertz: float
    end_hertz: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def impedance_splits(spectra: Sequence[Impedance], pieces: Pieces) -> tuple[ImpedanceSplit, ...]:
    """One for each spectrum that a half-cycle holds or comes before, by the times of both."""
    if not spectra:
        return ()
    times = np.array([_time(each, number) for number, each in enumerate(spectra, 1)])
    starts = np.array([row["start"] for row in pieces.table])
    places = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    found = _levels(pieces, places, times)
    results = []
    for k, (each, place) in enumerate(zip(spectra, places, strict=True)):
        total = float(found.median[k]), known(found.standard_error[k])
        row, current = pieces.table[place], float(pieces.current[place])
        results.append(_split(read(each), total, current, row, k + 1, float(times[k])))
    return tuple(results)


def _time(spectrum: Impedance, number: int) -> float:
    if "test_time_second" not in spectrum.table.columns:
        problem = f"spectrum {number} has no times and cannot be placed"
        raise InputError(problem, key="spectra", remedy="leave it out, or give its test_time_second")
    return float(spectrum.table["test_time_second"].to_numpy().astype(float).mean())


def _levels(pieces: Pieces, places: np.ndarray, times: np.ndarray) -> Levels:
    """The plateau beside each spectrum: of its half-cycle, or, where several share one, of the part nearest in time."""
    rows = []
    for place, time in zip(places, times, strict=True):
        own = np.flatnonzero(pieces.piece == place)
        away = np.abs(pieces.time[own][:, None] - times[places == place])
        nearest = own[np.abs(pieces.time[own] - time) <= away.min(axis=1)]
        rows.append(nearest if len(nearest) else own)
    chosen, of = np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    weight = pieces.weight[chosen]
    _, fraction = fractions(weight, of, len(rows))
    return levels(pieces.polarisation[chosen], weight, of, fraction, len(rows))


def _split(
    reading: Reading, total: tuple[float, float | None], current: float, row: dict[str, Any], number: int, time: float
) -> ImpedanceSplit:
    ohmic, arcs = reading.ohmic * current, reading.arcs * current
    errors = reading.ohmic_error * current, reading.arcs_error * current
    rest = total[0] - ohmic - arcs
    rest_error = None if total[1] is None else float(np.hypot(total[1], errors[1]))
    how = "high-frequency intercept" if reading.intercept else "Z' at the highest frequency: at most this"
    width = "width of the arcs" if reading.closed else "Z' from there to the lowest frequency: at least this"
    notes = []
    if not reading.intercept:
        notes.append(f"at {reading.highest_hertz:.3g} Hz the arc has begun: the intercept is not reached")
    if not reading.closed:
        notes.append(f"at {reading.end_hertz:.3g} Hz the arc is not closed")
    if 1e3 * arcs > 2.0 * THERMAL:
        notes.append(f"the arcs would carry {1e3 * arcs:.3g} mV: more than a linear reading allows")
    if rest < -3.0 * (errors[1] if rest_error is None else rest_error):
        notes.append("the spectrum's resistance is more than the plateau's: another state, or the kinetics' bend")
    return ImpedanceSplit(
        half_cycle=row["half_cycle"],
        cycle=row["cycle"],
        spectrum=number,
        time_second=time,
        total=part(total[0], total[1], current, "median of the plateau beside the spectrum"),
        ohmic=part(ohmic, errors[0], current, how),
        charge_transfer_and_film=part(arcs, errors[1], current, width),
        remainder=part(rest, rest_error, current, "the plateau without the two"),
        highest_hertz=reading.highest_hertz,
        end_hertz=reading.end_hertz,
        notes=tuple(notes),
    )
