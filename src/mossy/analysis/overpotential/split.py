"""A plateau taken apart: what jumps with the current, what relaxes after it and how, and what a spectrum shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis.cycler_steps import DESCRIBE, Steps
from mossy.analysis.overpotential.interruptions import LEAST_ROWS, Rests, Switches, rests, switches
from mossy.analysis.overpotential.pieces import (
    FLOWING,
    LEVEL,
    REFERRED,
    Pieces,
    check_kind,
    pieces_of,
    process,
    steps_of,
)
from mossy.analysis.overpotential.relaxation_choice import MODELS, SLOWEST_INTERPHASE, Relaxations, relaxations
from mossy.analysis.overpotential.spectrum_split import ImpedanceSplit, impedance_splits
from mossy.analysis.overpotential.value import Part, part
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

_SAME = 5e-3
"""Share of a voltage under current within which the first row of a rest shows the same."""
_TOTAL = "voltage at the end of the current, against 0 V"
_JUMP = "jump to the first row of the rest, carried back to its start: at most this, as what is faster is in it"
_RELAXING = "what relaxes from the start of the rest on, as far as its rows resolve it"
_NAMED = {
    "fast": (
        "fast",
        "first row of the rest less the law of the later ones: gone before the second row, by a law not told",
    ),
    "charge_transfer_and_film": ("interphase", "exponential relaxation, as of a resistance beside a capacitance"),
    "concentration": ("concentration", "relaxation by the law of a finite diffusion layer, t^1/2 at first"),
    "slow": (
        "slow",
        f"exponential relaxation slower than {SLOWEST_INTERPHASE:g} s: no double layer or film, else not told",
    ),
}
"""Of each field the part of a relaxation, and how it is told."""


@dataclass(frozen=True)
class Jump:
    """One switch of the current: change of voltage over change of current from the last reading before to the first
    after. `resistance_ohm` is the ohmic resistance at most: what is faster than `resolution_second` is in it.
    `switch`: "off", "on", "reversal", "level".
    """

    time_second: float
    switch: str
    current_before_mA: float
    current_after_mA: float
    resistance_ohm: float
    standard_error_ohm: float
    resolution_second: float


@dataclass(frozen=True)
class Interruption:
    """The voltage at the end of a current, taken apart by the rest after it; all along the current, against 0 V.

    total = ohmic + relaxing + unrelaxed, and relaxing = fast + charge_transfer_and_film + concentration + slow, each of
    them None where the relaxation shows nothing of it or its law is not told: `relaxation` names the law chosen,
    `rival` one of another kind that cannot be excluded. `ohmic` holds whatever is faster than `resolution_second`, the
    time of the first row; of what is not, the first row has lost a part, and so it lies between `ohmic_at_least_mV`,
    which it is where the time constant of `fast` is that time, and `ohmic`, which it is where it is much longer.
    `fast` is gone before the second row: charge transfer, film or a thin layer's concentration. `slow` is exponential
    with more than 30 s: no double layer or film; transport, if anything.
    """

    half_cycle: int | None
    cycle: int | None
    process: str
    time_second: float
    current_mA: float
    rest_second: float
    resolution_second: float
    total: Part
    ohmic: Part
    ohmic_at_least_mV: float
    fast: Part | None
    charge_transfer_and_film: Part | None
    concentration: Part | None
    slow: Part | None
    relaxing: Part
    unrelaxed: Part
    relaxation: str | None
    rival: str | None
    time_constants_second: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Split:
    """The interruptions of a record, its jumps, its spectra read beside the plateaus, and what to know."""

    interruptions: tuple[Interruption, ...]
    jumps: tuple[Jump, ...]
    spectra: tuple[ImpedanceSplit, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def split(record: Cycling, spectra: Sequence[Impedance] = (), steps: Steps | None = None) -> Split:
    """The parts of the polarisation: ohmic, charge transfer and film, concentration.

    At every interruption of the current, with V times the sign of the current,

        total = [V(0-) - V(0+)] + [V(0+) - V(inf)] + V(inf)
              = ohmic           + relaxing         + unrelaxed,

    V(0+) and V(inf) from the law that fits the rest best (`relaxation`, `relaxation_choice`): exponentials of up to
    30 s are charge transfer and film, slower ones no interphase's, the law of a finite diffusion layer is
    concentration. What falls between the first row of a rest and the second has no law; no law is carried beyond what
    the rows resolve. The ohmic part holds what is faster than the first row: its error has half of what the law
    extrapolates to time 0. The diffusion's law starts from a steady profile: after a current shorter than its time
    constant it does not hold, which is noted. A first row that still shows the voltage under current is left out, and a
    rest that begins above it is not split. With `spectra` of the same test and clock
    each is read beside the plateau it belongs to, which is linear only below about RT/F = 26 mV an electrode.
    Raises InputError for cells that have no voltage of 0 to refer to, and where there is nothing to split.

    >>> import polars as pl
    >>> t = np.arange(0.0, 101.0)
    >>> rest = np.arange(100.0, 131.0)
    >>> table = {
    ...     "test_time_second": [*t, *rest],
    ...     "voltage_volt": [*np.full(101, 0.05), *0.03 * np.exp(-(rest - 100.0) / 5.0)],
    ...     "current_ampere": [*np.full(101, 1e-3), *np.zeros(31)],
    ... }
    >>> found = split(Cycling(pl.DataFrame(table), {"cell_kind": "symmetric"})).interruptions[0]
    >>> round(found.ohmic.mV, 3), round(found.charge_transfer_and_film.mV, 3), found.relaxation
    (20.0, 30.0, 'exponential')
    """
    steps = steps_of(record, steps, spectra)
    pieces = pieces_of(steps)
    check_kind(steps, pieces)
    if steps.kind not in REFERRED:
        problem = "what kind of cell this is is not stated: its equilibrium voltage is not known"
        raise InputError(problem, key="cell_kind", remedy=DESCRIBE)
    found = switches(steps)
    places, notes = _usable(steps, found)
    broken, more = _interruptions(steps, found, places) if len(places) else ((), [])
    notes = [*notes, *more]
    read = impedance_splits(spectra, pieces)
    jumps = _jumps(found)
    if not (broken or read or jumps):
        problem = "the current is never switched while the voltage is known, and no spectrum is given"
        raise InputError(
            problem, key="record", remedy="add rests or pulses to the protocol, or give spectra of the test"
        )
    if not broken:
        notes = [*notes, "no rest follows a current: only the jumps at switches bound the ohmic part from above"]
    early = _unsteady(broken, pieces)
    if early:
        notes = [*notes, f"at {early} interruptions the current was shorter than the diffusion's time constant"]
    return Split(broken, jumps, read, tuple(notes))


def _usable(steps: Steps, found: Switches) -> tuple[np.ndarray, list[str]]:
    """Switches from current to rest, without those at the end of a strip that ran out of metal."""
    kinds = np.array(steps.table["kind"].to_list())
    flowing = np.isin(kinds, (*FLOWING, "pulse"))[:-1]
    resting = np.isin(kinds, ("rest",))[1:]
    places = np.flatnonzero(flowing & resting & np.isfinite(found.before) & np.isfinite(found.after))
    if steps.kind != "substrate":
        return places, []
    ended = {row["last_row"]: row["ended"] for row in steps.half_cycles.rows(named=True) if row["direction"] == -1}
    last = steps.table["last_row"].to_numpy()
    kept = np.array([k for k in places if ended.get(int(last[k])) != "voltage"], dtype=int)
    left = len(places) - len(kept)
    note = f"{left} rests after a strip to a cut-off are left out: with no metal left the voltage refers to nothing"
    return kept, [note] if left else []


def _interruptions(steps: Steps, found: Switches, places: np.ndarray) -> tuple[tuple[Interruption, ...], list[str]]:
    gathered = rests(steps, places + 1, np.sign(found.current_before[places]))
    before = np.sign(found.current_before[places]) * found.before[places]
    late, above = _begins(gathered, before, np.sqrt(found.before_variance[places] + found.noise[places] ** 2))
    gathered = gathered.without_first(late)
    enough = (gathered.rows >= LEAST_ROWS) & (gathered.longest > 0.0)
    fits = relaxations(gathered.time[enough], gathered.value[enough], gathered.variance[enough])
    of_fit = np.cumsum(enough) - 1
    rows = steps.table.rows(named=True)
    resolution, start = gathered.first()
    results = []
    for k in np.flatnonzero(~above):
        place = places[k]
        step, rest = rows[place], rows[place + 1]
        parts = (
            _fitted(fits, int(of_fit[k]), before[k], float(gathered.end[k]), found, place)
            if enough[k]
            else _bounded(before[k], float(start[k]), float(gathered.end[k]), found, place)
        )
        results.append(
            Interruption(
                half_cycle=step["half_cycle"],
                cycle=step["cycle"],
                process=process(step["direction"], step["current_sign"]),
                time_second=float(found.time[place]),
                current_mA=1e3 * abs(float(found.current_before[place])),
                rest_second=float(rest["end_second"] - rest["start_second"]),
                resolution_second=float(resolution[k]),
                **parts,
            )
        )
    notes = [f"{late.sum()} rests begin with a row that still shows the voltage under current: it is left out"]
    notes += [f"{above.sum()} rests begin above the voltage under current: they are not split"]
    return tuple(results), [note for note, which in zip(notes, (late, above), strict=True) if which.any()]


def _begins(gathered: Rests, before: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rests begin with a row of the current's own voltage, and which above it."""
    least = np.maximum(3.0 * noise, _SAME * np.abs(before))
    fall = before - gathered.first()[1]
    later = gathered.without_first(np.ones(len(before), dtype=bool)).first()[1]
    late = (np.abs(fall) <= least) & (before - later > 10.0 * least)
    return late, fall < -least


def _fitted(fits: Relaxations, k: int, before: float, end: float, found: Switches, place: int) -> dict[str, Any]:
    current = abs(float(found.current_before[place]))
    variance = float(found.before_variance[place])
    value, error = ({name: float(each[k]) for name, each in table.items()} for table in (fits.value, fits.error))
    # what has not relaxed lies between 0 V and the last reading, whatever a fit of an unfinished rest says
    error["limit"] = min(error["limit"], max(abs(end), abs(value["limit"])))
    error["relaxing"] = min(error["relaxing"], float(np.hypot(error["start"], error["limit"])))
    named = {
        field: part(value[name], error[name], current, how) if fits.told[name][k] and value[name] > 0.0 else None
        for field, (name, how) in _NAMED.items()
    }
    ohmic = before - value["start"]
    return {
        "total": part(before, variance**0.5, current, _TOTAL),
        "ohmic": part(ohmic, float(np.hypot(variance**0.5, error["start"])), current, _JUMP),
        # exp(1) - 1 of what a process shows is lost after one time constant
        "ohmic_at_least_mV": max(0.0, 1e3 * (ohmic - np.expm1(1.0) * value["fast"])),
        **named,
        "relaxing": part(value["relaxing"], error["relaxing"], current, _RELAXING),
        "unrelaxed": part(value["limit"], error["limit"], current, "the rest's fitted limit"),
        "relaxation": MODELS[int(fits.model[k])],
        "rival": MODELS[int(fits.rival[k])] if fits.rival[k] >= 0 else None,
        "time_constants_second": tuple(float(each) for each in fits.times[k] if np.isfinite(each)),
    }


def _bounded(before: float, after: float, end: float, found: Switches, place: int) -> dict[str, Any]:
    """Too few rows to fit: the first and last readings of the rest stand for its start and its limit."""
    current, variance = abs(float(found.current_before[place])), float(found.before_variance[place])
    noise = float(found.noise[place])
    return {
        "total": part(before, variance**0.5, current, _TOTAL),
        "ohmic": part(
            before - after, (variance + noise**2) ** 0.5, current, "jump to the first reading of the rest: at most this"
        ),
        "ohmic_at_least_mV": 0.0,
        **dict.fromkeys(_NAMED),
        "relaxing": part(after - end, 2**0.5 * noise, current, "first to last reading of the rest: at least this"),
        "unrelaxed": part(end, noise, current, "last reading of the rest: at most this"),
        "relaxation": None,
        "rival": None,
        "time_constants_second": (),
    }


def _jumps(found: Switches) -> tuple[Jump, ...]:
    """Every switch with a known change of current."""
    change = found.current_after - found.current_before
    largest = np.maximum(np.abs(found.current_before), np.abs(found.current_after))
    known = np.isfinite(found.before) & np.isfinite(found.after) & (np.abs(change) > LEVEL * largest)
    results = []
    for k in np.flatnonzero(known):
        one, other = float(found.current_before[k]), float(found.current_after[k])
        reversal = "reversal" if one * other < 0.0 else "level"
        switch = "on" if one == 0.0 else "off" if other == 0.0 else reversal
        error = float((found.before_variance[k] + found.noise[k] ** 2) ** 0.5 / abs(change[k]))
        resistance = float((found.after[k] - found.before[k]) / change[k])
        results.append(
            Jump(
                time_second=float(found.time[k]),
                switch=switch,
                current_before_mA=1e3 * one,
                current_after_mA=1e3 * other,
                resistance_ohm=resistance,
                standard_error_ohm=error,
                resolution_second=float(found.resolution[k]),
            )
        )
    return tuple(results)


def _unsteady(broken: tuple[Interruption, ...], pieces: Pieces) -> int:
    """How many diffusive relaxations followed a current too short for a steady profile."""
    duration = {row["half_cycle"]: row["duration"] for row in pieces.table}
    return sum(
        each.concentration is not None and duration.get(each.half_cycle, np.inf) < each.time_constants_second[-1]
        for each in broken
    )
