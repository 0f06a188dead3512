"""Average efficiency from a reservoir of metal that short cycles draw on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.efficiency import charges as half_charges
from mossy.analysis.efficiency.balance import LossSplit, Titration, split_loss, titration_of
from mossy.analysis.efficiency.charges import CYCLER, Accuracy, Charges
from mossy.analysis.efficiency.pairs import is_reservoir, ran_out, what_is_there
from mossy.analysis.efficiency.results import Result
from mossy.errors import InputError
from mossy.records import Cycling

_SHORT_OF = 0.995
"""A strip that ran out of metal before this share of its set charge exhausted the reservoir."""


@dataclass(frozen=True)
class Reservoir(Result):
    """The average efficiency of a reservoir protocol and the charges it is made of, mAh.

    `coulombic_efficiency`, `standard_error` are None where the final strip is missing or was cut off; `bounds` then
    hold the efficiency between what was stripped for certain and all that was there. `cycled_efficiency` ascribes the
    whole loss to the short cycles' own charge (None with the former). `conditioning_efficiency`, of the plate and full
    strip before the reservoir, is None where there was none. `exhausted_in_cycle`: the short cycle whose strip ran out
    of metal, where one did.
    """

    coulombic_efficiency: float | None
    standard_error: float | None
    bounds: tuple[float, float] | None
    cycled_efficiency: float | None
    reservoir_mAh: float
    cycled_mAh: float
    final_strip_mAh: float | None
    short_cycles: int
    exhausted_in_cycle: int | None
    lost_mAh: float | None
    lost_standard_error_mAh: float | None
    lost_mAh_per_cm2: float | None
    conditioning_efficiency: float | None
    conditioning_standard_error: float | None
    split: LossSplit | None
    method: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Parts:
    """Places of half-cycles: those counted, whether the last strip emptied the electrode, the short cycle that did."""

    reservoir: int
    plates: list[int]
    strips: list[int]
    full_cycles: int
    emptied: bool
    exhausted: int | None
    conditioning: tuple[int, int] | None


def reservoir(
    record: Cycling,
    steps: Steps | None = None,
    *,
    current_accuracy: Accuracy = CYCLER,
    titration: Titration | None = None,
) -> Reservoir:
    """The average efficiency of n short cycles on a reservoir of metal.

        CE = (n Q_C + Q_S)/(n Q_C + Q_T)

    with the reservoir Q_T plated first, Q_C stripped and plated in each short cycle, and Q_S what the final strip to
    the cut-off brings; charges as measured. Where a short strip runs out of metal the reservoir is exhausted: that
    strip is the final one and n the whole cycles before it. 1 - (Q_T - Q_S)/(n Q_C) is given too. A conditioned
    substrate is no error here; its cycle is given apart.
    Where the final strip is missing no efficiency is given but bounds: at least what was stripped, at most 1.
    Errors as in `per_cycle`; the n Q_C in both sums are the same cycles', whose noise is counted for each.
    Raises InputError where there is no reservoir.
    Source: D. Aurbach, Y. Gofer, J. Langzam, J. Electrochem. Soc. 136 (1989) 3198, doi 10.1149/1.2096425 (unverified).
    """
    return _measured(record, steps, current_accuracy, titration, conditioned=False)


def modified_reservoir(
    record: Cycling,
    steps: Steps | None = None,
    *,
    current_accuracy: Accuracy = CYCLER,
    titration: Titration | None = None,
) -> Reservoir:
    """The average efficiency after conditioning of the substrate: CE = (n Q_C + Q_S)/(n Q_C + Q_T).

    The conditioning, a plate of Q_T and a strip to the cut-off before the reservoir, is left out of the average, and
    its own efficiency given. Otherwise as `reservoir`. Raises InputError also where there was no conditioning.
    Source: B. D. Adams, J. Zheng, X. Ren, W. Xu, J.-G. Zhang, Adv. Energy Mater. 8 (2018) 1702097, doi
    10.1002/aenm.201702097.

    >>> import numpy as np, polars as pl
    >>> hours = np.cumsum([0.0, 5.0, 4.9, 5.0, 1.0, 1.0, 1.0, 1.0, 4.8])
    >>> time = np.sort(np.concatenate([hours, hours[1:-1]])) * 3600.0
    >>> current = np.repeat([-1e-3, 1e-3] * 4, 2)
    >>> table = pl.DataFrame({"test_time_second": time, "current_ampere": current})
    >>> roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    >>> found = modified_reservoir(Cycling(table, {"roles": roles, "cell_kind": "substrate"}))
    >>> round(found.coulombic_efficiency, 9), round((2 * 1.0 + 4.8) / (2 * 1.0 + 5.0), 9)
    (0.971428571, 0.971428571)
    >>> round(found.conditioning_efficiency, 9)
    0.98
    """
    return _measured(record, steps, current_accuracy, titration, conditioned=True)


def _measured(
    record: Cycling, steps: Steps | None, accuracy: Accuracy, titration: Titration | None, *, conditioned: bool
) -> Reservoir:
    steps, charges = half_charges.of(record, steps, accuracy, "reservoir")
    parts = _parts(record, steps, charges)
    if conditioned and parts.conditioning is None:
        raise InputError(
            f"no conditioning before the reservoir: {what_is_there(steps)}",
            key="protocol",
            remedy="plate the reservoir's charge and strip it to the cut-off first, or use `reservoir`",
        )
    value, random, systematic = charges.ratio(parts.strips, parts.plates)
    lost, lost_error = charges.loss(parts.strips, parts.plates)
    short = parts.plates[1:]
    cycled = float(charges.charge[short].sum())
    known = parts.emptied
    notes = list(steps.notes)
    if not known:
        notes.append("the final strip is missing or was cut off: only bounds can be given")
    elif value > 1.0 + 2.0 * float(np.hypot(random, systematic)):
        notes.append("more was stripped than plated: initial metal, a soft short, or the current's offset")
    if parts.exhausted is not None:
        notes.append(f"the reservoir was exhausted in short cycle {parts.exhausted}")
    if not conditioned and parts.conditioning is not None:
        notes.append("the substrate was conditioned before: the loss of the first plating is not in the average")
    condition: tuple[float | None, float | None] = (None, None)
    if parts.conditioning is not None:
        plate, strip = parts.conditioning
        first, noise, offset = charges.ratio([strip], [plate])
        condition = (first, float(np.hypot(noise, offset)))
    split, why = _split(record, charges, parts, steps, titration)
    area = record.metadata.get("electrode_area_square_metre")
    short_error = float(np.hypot(random, systematic))
    return Reservoir(
        value if known else None,
        short_error if known else None,
        None if known else (max(value - 2.0 * short_error, 0.0), 1.0),
        1.0 - lost / cycled if known and cycled > 0.0 else None,
        float(charges.charge[parts.reservoir]),
        cycled / max(len(short), 1),
        float(charges.charge[parts.strips[-1]]) if known else None,
        parts.full_cycles,
        parts.exhausted,
        lost if known else None,
        lost_error if known else None,
        lost / (area * 1e4) if known and area else None,
        *condition,
        split,
        f"(n Q_C + Q_S)/(n Q_C + Q_T), n = {parts.full_cycles}; error from noise, sampling and {charges.offset_words}",
        tuple(notes + why),
    )


def _parts(record: Cycling, steps: Steps, charges: Charges) -> _Parts:
    labels = steps.half_cycles["label"].to_list()
    if not is_reservoir(record, steps):
        raise InputError(
            f"no reservoir: {what_is_there(steps)}",
            key="protocol",
            remedy="a reservoir is a plate after which strips and plates of one smaller charge alternate; for full "
            "strips use `per_cycle`",
        )
    start = labels.index("reservoir")
    conditioning = (start - 2, start - 1) if start >= 2 and labels[start - 2] == "conditioning plate" else None
    ran = ran_out(record, steps)
    if conditioning is not None and ran[start - 1] == 0:
        conditioning = None
    short = [place for place, label in enumerate(labels) if label == "short strip"]
    usual = float(np.median(charges.charge[[place + 1 for place in short]]))
    final = next((place for place, label in enumerate(labels) if label == "final strip"), None)
    for number, place in enumerate([*short, *([] if final is None else [final])]):
        if ran[place] > 0 and charges.charge[place] < _SHORT_OF * usual:
            plates = list(range(start, place, 2))
            return _Parts(start, plates, [p + 1 for p in plates], number, True, number + 1, conditioning)
    plates = list(range(start, short[-1] + 2, 2))
    if final is None:
        return _Parts(start, plates, short, len(short), False, None, conditioning)
    emptied = bool(ran[final] > 0 or (ran[final] < 0 and charges.charge[final] > usual))
    return _Parts(start, plates, [*short, final], len(short), emptied, None, conditioning)


def _split(
    record: Cycling, charges: Charges, parts: _Parts, steps: Steps, titration: Titration | None
) -> tuple[LossSplit | None, list[str]]:
    """The loss of the whole test, conditioning included: that is what was titrated."""
    titration = titration_of(record.metadata) if titration is None else titration
    if titration is None:
        return None, []
    if not parts.emptied:
        return None, ["the titration is not used: metal was still plated when the record ended, and was titrated too"]
    direction = charges.direction
    lost, error = charges.loss(np.flatnonzero(direction < 0).tolist(), np.flatnonzero(direction > 0).tolist())
    try:
        return split_loss(lost, error, titration), []
    except InputError as refused:
        return None, [f"the titration is not used: {refused.problem}"]
