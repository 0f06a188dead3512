"""The critical current of a stepped-current test: the last good and the first bad step, and the rule that tells them.

Lithium and sodium against a solid or liquid electrolyte fail above a current in two ways: voids grow at the electrode
that is stripped faster than metal flows back, which raises its polarisation, and filaments grow at the one that is
plated, which end in a short. A protocol that raises the current step by step finds the limit as an interval between two
steps; the step size is its uncertainty, and the value depends on charge per step, area, pressure and temperature, which
belong beside it. In a symmetric cell with two electrodes one is plated while the other is stripped, so that the voltage
alone does not tell which of them failed; potentials against a reference electrode (working_potential_volt,
counter_potential_volt) do, and are used where the record has them.

The rules and their thresholds are in `rules`: "short", "voltage divergence", "cut-off".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mossy.analysis import cycler_steps
from mossy.analysis.critical_current.rules import Bad, first_bad, milliampere, opening_fall
from mossy.analysis.critical_current.stages import Stages, equal, stages_of
from mossy.analysis.cycler_steps import Steps
from mossy.analysis.failure.course import levels, stretches
from mossy.errors import InputError
from mossy.records import Cycling

MOST_REPEATS = 10
"""Stretches at one current and sign up to which a test of one or two currents counts as stepped, not as cycling."""
_WORDS = {-1: "negative current", 1: "positive current"}
_PARTS = {1: "plating", -1: "stripping"}


@dataclass(frozen=True)
class Limit:
    """The limit that one voltage and one direction of current show; currents in mA, None where a bound is open.

    `verdict`: "interval", "not reached" (the last good step is a lower bound), "failed at the first step" (the first
    bad one is an upper bound) or "not told" (the cell had shorted before, or may have as the test began). `value_mA`,
    the middle of the interval, has the standard error of a uniform distribution over it, step/sqrt(12).
    """

    electrode: str
    direction: str
    verdict: str
    last_good_mA: float | None
    first_bad_mA: float | None
    value_mA: float | None
    standard_error_mA: float | None
    last_good_mA_per_cm2: float | None
    first_bad_mA_per_cm2: float | None
    rule: str | None
    time_second: float | None
    evidence: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self) | {"evidence": list(self.evidence)}


@dataclass(frozen=True)
class CriticalCurrent:
    """The `limit` that came first, those of `plating` and `stripping` of the electrode under study (None where roles
    are not known), all of them in `limits`; `protocol` ("equal time", "equal charge", "mixed"), the `currents_mA` run,
    the electrode's area (None where not known), and `notes` on what the result rests on.
    """

    limit: Limit
    plating: Limit | None
    stripping: Limit | None
    limits: tuple[Limit, ...]
    protocol: str
    currents_mA: tuple[float, ...]
    area_cm2: float | None
    notes: tuple[str, ...]
    method: str = "the middle of the last good and the first bad step, uniform between them"

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)


def find(
    record: Cycling,
    steps: Steps | None = None,
    *,
    area_square_metre: float | None = None,
    cut_off_volt: float | None = None,
) -> CriticalCurrent:
    """The critical current of a stepped-current test of a symmetric cell, or of metal on a substrate.

    Each stretch of constant current is compared with the good ones of its sign before it; the first that breaks a rule
    is the first bad step, the highest current below it that was run without fault the last good one. A fault seen at a
    current that is lower than one run before belongs to that one: the test had returned from it.
    Arguments: `area_square_metre` (else the metadata's; without one no current density is given); `cut_off_volt`, the
    voltage limit of the test where known. Raises InputError for a full cell, whose voltage also holds the positive
    electrode, a cell whose kind is not stated, a record without voltage, and a test that is not stepped.

    >>> import polars as pl
    >>> t = np.arange(0.0, 5 * 7200.0, 60.0)
    >>> size = np.array([0.1, 0.2, 0.3, 0.4, 0.5])[(t // 7200.0).astype(int)] * 1e-3
    >>> current = np.where((t // 3600.0) % 2 == 0, -size, size)
    >>> volt = 100.0 * current * np.where((size > 0.45e-3) & (t % 3600.0 > 1800.0), 5.0, 1.0)
    >>> table = pl.DataFrame({"test_time_second": t, "current_ampere": current, "voltage_volt": volt})
    >>> found = find(Cycling(table, {"cell_kind": "symmetric"}), area_square_metre=1e-4).limit
    >>> found.last_good_mA_per_cm2, found.first_bad_mA_per_cm2, found.rule
    (0.4, 0.5, 'voltage divergence')
    """
    steps = cycler_steps.of(record) if steps is None else steps
    area = area_square_metre or record.metadata.get("electrode_area_square_metre")
    _check(record, steps, area, cut_off_volt)
    count = _check_stepped(steps)
    seen = [stages_of(record, steps, electrode) for electrode in _electrodes(record)]
    protocol = _protocol(seen[0])
    limits = _limits(seen, steps, protocol, cut_off_volt, area)
    overall = _overall(limits)
    if count == 1 and overall.rule is None:
        raise _not_stepped(count, max(int(np.sum(seen[0].sign == sign)) for sign in (-1, 1)))
    own = _under_study(record)
    electrode = own if len(seen) > 1 else "cell"
    chosen = {each.direction: each for each in limits if each.electrode == electrode}
    currents = tuple(float(f"{1e3 * each:.4g}") for each in _currents(seen[0]))
    notes = tuple(_notes(seen, overall, protocol, area, steps))
    return CriticalCurrent(
        overall,
        chosen.get("plating"),
        chosen.get("stripping"),
        tuple(limits),
        protocol,
        currents,
        None if area is None else 1e4 * area,
        notes,
    )


def _check(record: Cycling, steps: Steps, area: float | None, cut_off: float | None) -> None:
    for name, value in (("area_square_metre", area), ("cut_off_volt", cut_off)):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise InputError(f"{value} is not positive", key=name, remedy="give a positive number, or leave it out")
    if "voltage_volt" not in record.table.columns:
        raise InputError("the record has no voltage", key="voltage_volt", remedy="export the voltage with the current")
    if steps.kind is None:
        raise InputError("the kind of cell is not stated", key="cell_kind", remedy=cycler_steps.DESCRIBE)
    if steps.kind in ("full", "anode-free"):
        problem = "the voltage of a full cell also holds its positive electrode: no rule can read it"
        raise InputError(problem, key="cell_kind", remedy="use a symmetric cell or metal on a substrate")


def _electrodes(record: Cycling) -> list[str]:
    known = [each for each in ("working", "counter") if f"{each}_potential_volt" in record.table.columns]
    return ["cell", *known]


def _under_study(record: Cycling) -> str:
    return str((record.metadata.get("roles") or {}).get("electrode_under_study", "working"))


def _protocol(stages: Stages) -> str:
    length = stages.end - stages.start
    if equal(length):
        return "equal time"
    return "equal charge" if equal(stages.charge) else "mixed"


def _currents(stages: Stages) -> list[float]:
    return [float(np.median(stages.amperes[stages.level == each])) for each in np.unique(stages.level)]


def _limits(seen: list[Stages], steps: Steps, protocol: str, cut_off: float | None, area: float | None) -> list[Limit]:
    """That of each voltage and sign of current; what was run after a short tells nothing of either sign."""
    parts = [(stages, np.flatnonzero(stages.sign == sign), sign) for stages in seen for sign in (-1, 1)]
    parts = [part for part in parts if len(part[1])]
    bads = [first_bad(stages, places, protocol, cut_off) for stages, places, _ in parts]
    shorts = [
        float(stages.start[bad.place])
        for (stages, _, _), bad in zip(parts, bads, strict=True)
        if bad is not None and bad.rule == "short"
    ]
    shorted = min(shorts, default=np.inf)
    found = []
    for (stages, places, sign), bad in zip(parts, bads, strict=True):
        later = bad is not None and bad.rule != "short" and stages.start[bad.place] > shorted
        found.append(_limit(stages, places, None if later else bad, _direction(stages, steps, sign), area, shorted))
    return found


def _overall(limits: list[Limit]) -> Limit:
    """The one that came first; without any, one that tells nothing, as the cell then has no limit that is known."""
    bad = [each for each in limits if each.time_second is not None]
    if bad:
        return min(bad, key=lambda each: each.time_second or 0.0)
    untold = [each for each in limits if each.verdict == "not told"]
    return untold[0] if untold else max(limits, key=lambda each: each.last_good_mA or 0.0)


def _direction(stages: Stages, steps: Steps, sign: int) -> str:
    """In words: of an electrode with a potential of its own by its sign, of the cell by the electrode under study."""
    if stages.electrode != "cell":
        return _PARTS[-sign if stages.electrode == "working" else sign]
    return _WORDS[sign] if steps.plating_sign is None else _PARTS[sign * steps.plating_sign]


def _limit(
    stages: Stages, places: np.ndarray, bad: Bad | None, direction: str, area: float | None, shorted: float
) -> Limit:
    run = places if bad is None else places[places < bad.place]
    last: float | None = None
    broken: float | None = None
    evidence: tuple[str, ...] = ()
    if bad is None:
        whole, doubt = run[stages.start[run] < shorted], opening_fall(stages, run)
        last = float(stages.amperes[whole].max()) if len(whole) and not doubt else None
        late = len(run) - len(whole)
        evidence = (*doubt, *([f"{late} steps are left out: the cell had shorted before them"] if late else []))
    else:
        broken, more = _blamed(stages, run, bad)
        below = stages.amperes[run][stages.amperes[run] < 0.95 * broken]
        last = float(below.max()) if len(below) else None
        evidence = (*bad.evidence, *more)
    verdicts = {(True, True): "interval", (True, False): "not reached", (False, True): "failed at the first step"}
    verdict = verdicts.get((last is not None, broken is not None), "not told")
    per_cm2 = None if area is None else 0.1 / area
    return Limit(
        stages.electrode,
        direction,
        verdict,
        _milli(last),
        _milli(broken),
        _milli(0.5 * (last + broken)) if last is not None and broken is not None else None,
        _milli((broken - last) / np.sqrt(12.0)) if last is not None and broken is not None else None,
        None if per_cm2 is None or last is None else _rounded(last * per_cm2),
        None if per_cm2 is None or broken is None else _rounded(broken * per_cm2),
        None if bad is None else bad.rule,
        None if bad is None else float(stages.start[bad.place]),
        evidence,
    )


def _blamed(stages: Stages, run: np.ndarray, bad: Bad) -> tuple[float, list[str]]:
    """(the current, A, that the failure belongs to, what is to be said of it)."""
    now = float(stages.amperes[bad.place])
    highest = float(stages.amperes[run].max()) if len(run) else 0.0
    if now < 0.95 * highest:
        said = f"seen at the return to {milliampere(stages, bad.place)}; the step at {1e3 * highest:.4g} mA came before"
        return highest, [said]
    same = int(np.sum(stages.level[run] == stages.level[bad.place]))
    return now, [f"{same} steps at this current passed before it"] if same else []


def _milli(ampere: float | None) -> float | None:
    return None if ampere is None else _rounded(1e3 * ampere)


def _rounded(value: float) -> float:
    """Six digits: instruments write no more."""
    return float(f"{value:.6g}")


def _check_stepped(steps: Steps) -> int:
    """How many currents the test runs; InputError where it only cycles at one or two."""
    rows, _ = stretches(steps)
    if not len(rows):
        raise InputError("no step of constant current was found", remedy="give a stepped-current test")
    current = steps.trace.current[(rows[:, 0] + rows[:, 1]) // 2]
    level = levels(np.abs(current))
    count = int(level.max()) + 1
    _, repeats = np.unique(2 * level + (current > 0.0), return_counts=True)
    if count < 3 and repeats.max() > MOST_REPEATS:
        raise _not_stepped(count, int(repeats.max()))
    return count


def _not_stepped(count: int, repeats: int) -> InputError:
    problem = f"the test runs {count} current{'s' if count > 1 else ''}, each up to {repeats} times: it is not stepped"
    return InputError(problem, key="current_ampere", remedy="give a test whose current rises step by step")


def _notes(seen: list[Stages], limit: Limit, protocol: str, area: float | None, steps: Steps) -> list[str]:
    notes = []
    if area is None:
        notes.append("the electrode's area is not known: no current density is given")
    if limit.verdict == "not reached":
        notes.append("no step was bad: the highest current run is a lower bound")
    elif limit.verdict == "failed at the first step":
        notes.append("the first step was bad: its current is an upper bound")
    elif limit.verdict == "not told":
        notes.append("no critical current is told: " + "; ".join(limit.evidence))
    if len(seen) == 1 and steps.kind != "substrate":
        notes.append(
            "one electrode is plated while the other is stripped: without a reference electrode the voltage does not "
            "tell which of them failed"
        )
    if limit.rule == "short":
        notes.append("a fallen voltage alone does not tell a filament from a film that breaks or an area that grows")
    if protocol == "mixed":
        notes.append("the steps are of neither equal time nor equal charge: a higher current may have moved more metal")
    return notes


__all__ = ["MOST_REPEATS", "CriticalCurrent", "Limit", "find"]
