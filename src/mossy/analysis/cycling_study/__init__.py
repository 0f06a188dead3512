"""One cell, everything its cycling tells: steps, efficiency, plateaus, events, critical current, spectra in the test.

`study` never raises for what the data do not carry: what could not be told is a note with its reason.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mossy.analysis import critical_current, cycler_steps, efficiency, failure, impedance_pairing, overpotential
from mossy.analysis.cell_description import CellDescription
from mossy.analysis.cell_design import PracticalFact, distance_to_practical
from mossy.analysis.cycler_steps import Steps
from mossy.analysis.cycling_study.consistency import contradictions, roles_hold, sentences
from mossy.analysis.cycling_study.records import Joined, joined
from mossy.analysis.failure import FailureEvent
from mossy.errors import InputError
from mossy.records import Cycling, Impedance, Record

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
_MILLIAMPERE_HOUR = 36000.0  # C/m2 in 1 mAh/cm2
_LEVELS = 3
"""A stepped-current test has at least so many levels of current."""


@dataclass(eq=False)
class CellStudy:
    """What one cell's records tell. `main` is the trace with current, `others` those without; what is None was not
    told, and `notes` say why. `efficiencies` is a PerCycle, Reservoir or AnodeFree.
    """

    name: str
    main: Cycling | None
    others: tuple[Cycling, ...]
    spectra: tuple[Impedance, ...]
    steps: Steps | None = None
    efficiencies: Any = None
    plateaus: overpotential.Plateaus | None = None
    split: overpotential.Split | None = None
    shapes: overpotential.Shapes | None = None
    asymmetry: overpotential.Asymmetry | None = None
    critical: Any = None
    pairs: pl.DataFrame | None = None
    events: tuple[FailureEvent, ...] = ()
    practical: tuple[PracticalFact, ...] = ()
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def area_cm2(self) -> float | None:
        """The area of the electrode under study, where it is stated."""
        area = self.main.metadata.get("electrode_area_square_metre") if self.main is not None else None
        return area * 1e4 if area else None

    @property
    def per_cycle(self) -> efficiency.PerCycle | None:
        """The efficiencies cycle by cycle, where the test has them."""
        if isinstance(self.efficiencies, efficiency.AnodeFree):
            return self.efficiencies.per_cycle
        return self.efficiencies if isinstance(self.efficiencies, efficiency.PerCycle) else None

    @property
    def average(self) -> dict[str, Any] | None:
        """The average efficiency as {value, standard_error, method}."""
        if isinstance(self.efficiencies, efficiency.Reservoir):
            found = self.efficiencies
            if found.coulombic_efficiency is None:
                return None
            return _average(found.coulombic_efficiency, found.standard_error, found.method)
        cycles = self.per_cycle
        if cycles is None or cycles.average is None:
            return None
        return _average(cycles.average.value, cycles.average.standard_error, cycles.average.method)


def _average(value: float, error: float | None, method: str) -> dict[str, Any]:
    return {"value": value, "standard_error": error, "method": method}


def study(
    name: str, records: Sequence[Record], description: CellDescription | None = None, *, parts: bool = True
) -> CellStudy:
    """Everything the records of one cell tell.

    Arguments: `records` of one cell, as `mossy.read` gives them; `description`, what its cell.toml says; `parts`,
    whether the polarisation is split into its parts at every rest, which takes longer than all the rest.
    Raises nothing for data: what cannot be told is left None and said in `notes`.

    >>> import polars as pl
    >>> t = [0.0, 1800.0, 3600.0, 3600.0, 5400.0, 7020.0]
    >>> table = pl.DataFrame({"test_time_second": t, "current_ampere": [-1e-3] * 3 + [1e-3] * 3})
    >>> said = CellDescription(kind="substrate", electrode_under_study="working", plating_current="negative")
    >>> round(study("a cell", [Cycling(table)], said).average["value"], 12)
    0.95
    """
    description = description or CellDescription()
    lone = description.dead_metal is not None and description.dead_metal_standard_error is None
    if lone:
        description = description.model_copy(update={"dead_metal": None})
    split_up: Joined = joined([description.applied(record) for record in records])
    main = split_up.main
    found = CellStudy(name, main, split_up.others, split_up.spectra)
    found.notes += split_up.notes
    if lone:
        found.notes.append("dead_metal is stated without dead_metal_standard_error: the loss is not divided")
    found.warnings += list(dict.fromkeys(text for each in records for text in each.metadata.get("warnings", [])))
    found.missing += description.missing() if main is None else _missing(main, description)
    if main is not None:
        _electrochemistry(found, main, description)
        if parts:
            _split(found, main)
    _events(found)
    found.practical = tuple(_attempt(found, "practical cell", lambda: _practical(found, description)) or ())
    return found


def _missing(record: Cycling, description: CellDescription) -> list[str]:
    """What neither the description nor the file states."""
    stated = description.missing()
    if record.metadata.get("electrode_area_square_metre"):
        stated = [text for text in stated if "(area)" not in text]
    return stated


def _attempt(found: CellStudy, what: str, call: Callable[[], T]) -> T | None:
    """What a part of the study finds, or a note with the reason why it found nothing."""
    try:
        return call()
    except InputError as error:
        found.notes.append(f"{what}: {error.problem}{f'; {error.remedy}' if error.remedy else ''}")
        return None


def _electrochemistry(found: CellStudy, record: Cycling, description: CellDescription) -> None:
    steps = _attempt(found, "steps", lambda: cycler_steps.of(record, _timed(found.spectra)))
    found.steps = steps
    if steps is None:
        return
    found.notes += steps.notes
    if not steps.half_cycles.height:
        return
    contradicted = contradictions(steps, description, found.area_cm2)
    found.warnings += sentences(contradicted)
    if not roles_hold(contradicted):
        found.notes.append(
            "efficiency: what is stated of the cell contradicts its file; neither it nor plateaus are told"
        )
        return
    if description.protocol is not None:
        told = functools.partial(_with_protocol, found, steps, description)
        steps = found.steps = _attempt(found, "protocol", told) or steps
    found.plateaus = _attempt(found, "plateaus", lambda: overpotential.plateaus(record, steps))
    found.shapes = _attempt(found, "shapes", lambda: overpotential.shape(record, steps))
    if steps.kind == "symmetric":
        found.asymmetry = _attempt(found, "asymmetry", lambda: overpotential.asymmetry(record, steps))
    elif steps.plating_sign is not None:
        found.efficiencies = _attempt(found, "efficiency", lambda: _efficiency(record, steps))
    if _levels(steps) >= _LEVELS:
        found.critical = _attempt(found, "critical current", lambda: critical_current.find(record, steps))
    if found.spectra:
        found.pairs = _attempt(found, "spectra", lambda: impedance_pairing.pair(found.spectra, record, steps))


def _split(found: CellStudy, record: Cycling) -> None:
    """The parts of the polarisation, where something interrupts the current."""
    steps = found.steps
    if steps is None or found.plateaus is None or not steps.half_cycles.height or steps.kind in ("anode-free", "full"):
        return
    if steps.table["kind"].is_in(["rest", "pulse", "impedance"]).any():
        told = functools.partial(overpotential.split, record, _timed(found.spectra), steps)
        found.split = _attempt(found, "parts of the polarisation", told)


def _timed(spectra: Sequence[Impedance]) -> list[Impedance]:
    return [each for each in spectra if "test_time_second" in each.table.columns]


def _efficiency(record: Cycling, steps: Steps) -> Any:
    """By the method that the half-cycles are those of."""
    labels = set(steps.half_cycles["label"].to_list())
    if "reservoir" in labels:
        method = efficiency.modified_reservoir if "conditioning strip" in labels else efficiency.reservoir
        return method(record, steps)
    return (efficiency.anode_free if steps.kind == "anode-free" else efficiency.per_cycle)(record, steps)


def _levels(steps: Steps) -> int:
    """How many levels of current the half-cycles have, apart by a twentieth or more."""
    currents = np.sort(steps.half_cycles["current_ampere"].to_numpy())
    return 1 + int(np.count_nonzero(np.diff(currents) > 0.05 * currents[1:]))


def _with_protocol(found: CellStudy, steps: Steps, description: CellDescription) -> Steps:
    """The steps with labels from the protocol that is named; what is missing of it and what deviates is noted."""
    import polars as pl

    from mossy.protocol import expected_half_cycles, match

    if description.protocol is None:
        return steps
    cycler_steps.plating_sign(steps)
    area = description.area
    expected = expected_half_cycles(description.protocol, area=area)
    halves = steps.half_cycles
    words = {1: "plate", -1: "strip"}
    measured = [
        (words[direction], charge / area if area else None)
        for direction, charge in halves.select("direction", "charge_coulomb").iter_rows()
    ]
    result = match(expected, measured)
    found.notes += [f"protocol: {note}" for note in result.notes]
    labels = [own if own is not None else before for own, before in zip(result.labels, halves["label"], strict=True)]
    return dataclasses.replace(steps, half_cycles=halves.with_columns(pl.Series("label", labels, dtype=pl.String)))


def _events(found: CellStudy) -> None:
    """Events of every trace with a voltage, the spectra beside the first."""
    events: list[FailureEvent] = []
    traces = [each for each in (found.main, *found.others) if each is not None]
    for place, trace in enumerate(each for each in traces if "voltage_volt" in each.table.columns):
        steps = found.steps if trace is found.main else None
        spectra = _timed(found.spectra) if place == 0 else []
        one = _attempt(found, "events", functools.partial(failure.examine, trace, spectra, steps))
        if one is not None:
            events += one.events
            found.notes += one.notes
    found.events = tuple(sorted(events, key=lambda each: each.time_second))


def _practical(found: CellStudy, description: CellDescription) -> list[PracticalFact]:
    """How far the cell is from a practical one, where enough of it is stated to say anything."""
    area, metal = found.area_cm2, description.metal
    if metal is None or found.steps is None or not found.steps.half_cycles.height:
        return []
    halves = found.steps.half_cycles
    plates = halves.filter(halves["direction"] > 0) if halves["direction"].null_count() == 0 else halves
    cycled = float(np.median(plates["charge_coulomb"].to_numpy())) / 3.6 if plates.height else 0.0  # mAh
    held = [each for each in (description.counter_metal, description.initial_metal) if each is not None]
    grams = None
    if description.electrolyte_volume and description.electrolyte_density and cycled:
        grams = 1e6 * description.electrolyte_volume * description.electrolyte_density / cycled
    average = found.average
    return distance_to_practical(
        metal=metal,
        areal_capacity_mAh_per_cm2=cycled / area if area else None,
        metal_areal_capacity_mAh_per_cm2=sum(held) / _MILLIAMPERE_HOUR if held else None,
        electrolyte_per_capacity_g_per_Ah=grams,
        coulombic_efficiency=average["value"] if average else None,
        stack_pressure_pa=description.stack_pressure,
        cathode_brings_metal=found.steps.kind in ("anode-free", "full"),
    )


__all__ = ["CellStudy", "study"]
