"""Full cells built without metal at the negative electrode: what their capacity says of the metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.cycler_steps import DESCRIBE, Steps
from mossy.analysis.efficiency import charges as half_charges
from mossy.analysis.efficiency.charges import CYCLER, Accuracy
from mossy.analysis.efficiency.cycles import PerCycle, of_charges
from mossy.analysis.efficiency.results import Result
from mossy.analysis.efficiency.retention import Retention, cycles_to, from_retention
from mossy.errors import InputError
from mossy.records import Cycling

_APART = 3.0


@dataclass(frozen=True)
class AnodeFree(Result):
    """Efficiencies of an anode-free cell, two ways, and the metal that is left.

    `per_cycle`: discharge over charge; `retention` gives the efficiency that the fade of the discharge capacity tells,
    Q_n/Q_1 = CE^(n - 1), in which errors of the current's gain and offset cancel; it is None with fewer than 3 whole
    cycles after formation. `capacity_ratio`: last over first discharge after formation; `initial_inventory_mAh`: the
    metal of the first charge; `inventory_left_mAh`: what the last whole strip brought back; `cycles_to_80`: cycles
    after formation until 80 % of the first discharge, with the interval (95 %), from the retention, None where it does
    not fade.
    """

    per_cycle: PerCycle
    retention: Retention | None
    capacity_ratio: float
    initial_inventory_mAh: float
    inventory_left_mAh: float
    inventory_left_standard_error_mAh: float
    inventory_share: float
    cycles_to_80: float | None
    cycles_to_80_interval: tuple[float, float | None] | None
    notes: tuple[str, ...]


def anode_free(record: Cycling, steps: Steps | None = None, *, current_accuracy: Accuracy = CYCLER) -> AnodeFree:
    """The efficiency of the metal in a full cell without initial metal, from each cycle and from retention.

    Each charge plates what the positive electrode gives, each discharge returns it, so the capacity is the inventory of
    metal: Q_n/Q_1 = CE^(n - 1). Formation is left out of the retention; the first cycle's loss holds the positive
    electrode's own.
    Raises InputError for other kinds of cells: excess metal hides losses, and no kind means no such reading.
    Source: as `retention.required`.
    """
    steps, charges = half_charges.of(record, steps, current_accuracy, "retention")
    _check_kind(steps)
    cycles = of_charges(record, steps, charges, None)
    whole = [each for each in cycles.cycles if each.complete and each.stripped_mAh is not None]
    used = [each for each in whole if each.in_average] or whole
    number = np.array([each.cycle for each in used], dtype=float)
    stripped = np.array([each.stripped_mAh for each in used])
    ratio = stripped / stripped[0]
    retention = from_retention(number - number[0], ratio) if len(used) >= 3 else None
    first, last = whole[0].plated_mAh, float(whole[-1].stripped_mAh or 0.0)
    last_plate = int(np.flatnonzero(charges.direction > 0)[whole[-1].cycle - 1])
    _, error = charges.total([last_plate + 1])
    life, interval = _life(retention)
    notes = [*cycles.notes, *(retention.notes if retention is not None else ()), *_against(cycles, retention)]
    notes.append("the first cycle's loss holds the irreversible loss of the positive electrode too")
    if retention is None:
        notes.append(f"{len(used)} whole cycles after formation: no retention to fit")
    return AnodeFree(
        cycles, retention, float(ratio[-1]), first, last, error, last / first, life, interval, tuple(notes)
    )


def _check_kind(steps: Steps) -> None:
    if steps.kind == "anode-free":
        return
    if steps.kind is None:
        raise InputError("the kind of cell is not stated", key="cell_kind", remedy=DESCRIBE)
    why = {
        "substrate": "its other electrode is metal, so its capacity does not fade with the metal",
        "full": "its excess metal covers what is lost, so its capacity does not tell the metal's efficiency",
    }.get(steps.kind, "its capacity is not its metal")
    raise InputError(f"a cell of kind '{steps.kind}': {why}", key="cell_kind", remedy="use `per_cycle`")


def _life(retention: Retention | None) -> tuple[float | None, tuple[float, float | None] | None]:
    if retention is None or retention.coulombic_efficiency >= 1.0 or retention.interval is None:
        return None, None
    low, high = retention.interval
    most = cycles_to(high) if high < 1.0 else None
    return cycles_to(retention.coulombic_efficiency), (cycles_to(low), most)


def _against(cycles: PerCycle, retention: Retention | None) -> list[str]:
    if retention is None or retention.standard_error is None or cycles.average is None:
        return []
    between = cycles.average.value - retention.coulombic_efficiency
    error = float(np.hypot(cycles.average.standard_error, retention.standard_error))
    if abs(between) <= _APART * error:
        return []
    return [
        f"discharge over charge ({cycles.average.value:.5f}) and the fade ({retention.coulombic_efficiency:.5f}) "
        f"differ by {abs(between) / error:.1f} standard errors: the positive electrode fades or stores charge "
        "too, or the current is off"
    ]
