"""Protocols of aurora-unicycler read as a case's [protocol]."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.protocol.steps import Ends, Step
from mossy.protocol.tables import ProtocolTable
from mossy.protocol.unicycler_method import load_unicycler, made, square_metres, tidy

if TYPE_CHECKING:
    from aurora_unicycler import CyclingProtocol


def from_unicycler(source: Any, *, area: str | float | None = None) -> ProtocolTable:
    """A protocol from an aurora-unicycler CyclingProtocol, its dictionary, or the path of its JSON file.

    With an `area` the currents are written per area, else as the whole cell's in mA. C-rates need the sample's
    capacity. The frequencies of an impedance belong in a case's [impedance]; what is recorded, and the limits that
    abandon an experiment, are the instrument's, not the protocol's. Raises InputError for voltage scans and for loops
    that cross each other.
    """
    protocol = _read(source)
    metres = None if area is None else square_metres(area)
    items: list[tuple[int, Any]] = []  # with the place in the method where each begins, from 1
    tags: dict[str, int] = {}
    for place, step in enumerate(protocol.method, 1):
        if step.step == "tag":
            tags[step.tag] = place
        elif step.step == "loop":
            target = tags[step.loop_to] if isinstance(step.loop_to, str) else step.loop_to
            body = [item for begin, item in items if begin >= target]
            items = [(begin, item) for begin, item in items if begin < target]
            if not body or any(begin < target <= _end(item, begin) for begin, item in items):
                problem = f"step {place} loops into the middle of another loop"
                raise InputError(problem, key="method", remedy="write the steps out")
            items.append((target, _Looped({"repeat": step.cycle_count, "steps": _plain(body)}, place)))
        else:
            items.append((place, _text(step, place, metres, protocol.sample.capacity_mAh)))
    steps = _plain([item for _, item in items])
    if not steps:
        raise InputError("there are no steps but tags", key="method", remedy="give a protocol with steps")
    if len(steps) == 1 and isinstance(steps[0], dict):
        return ProtocolTable.model_validate(steps[0])
    return ProtocolTable.model_validate({"steps": steps})


@dataclass(frozen=True)
class _Looped:
    block: dict[str, Any]
    end: int


def _end(item: Any, begin: int) -> int:
    return item.end if isinstance(item, _Looped) else begin


def _plain(items: list[Any]) -> list[Any]:
    return [item.block if isinstance(item, _Looped) else item for item in items]


def _text(step: Any, place: int, area: float | None, capacity: float | None) -> str:
    """A step of unicycler as text; a limit of 0 is none there."""
    time, voltage = getattr(step, "until_time_s", None) or None, getattr(step, "until_voltage_V", None) or None
    ends = str(Ends(time=time, voltage=voltage))
    if step.step == "open_circuit_voltage":
        return f"rest {ends}"
    if step.step == "impedance_spectroscopy":
        return "impedance"
    if step.step == "constant_current":
        milliampere = _milliampere(step.rate_C, step.current_mA, capacity, place)
        word = "plate" if milliampere < 0.0 else "strip"
        return f"{word} {_current(abs(milliampere), area)} {ends}"
    if step.step == "constant_voltage":
        held = Step("hold", voltage=step.voltage_V, ends=Ends(time=time))
        if not (step.until_rate_C or step.until_current_mA):
            return str(held)
        milliampere = _milliampere(step.until_rate_C, step.until_current_mA, capacity, place)
        return f"{held} {'or ' if time else ''}until {_current(abs(milliampere), area)}"
    problem = f"step {place} is a {step.step.replace('_', ' ')}, which no step of a protocol here says"
    raise InputError(problem, key="method", remedy="leave it out")


def _milliampere(rate: float | None, current: float | None, capacity: float | None, place: int) -> float:
    if not rate:
        return float(current or 0.0)
    if capacity is None:
        problem = f"step {place} has a C-rate, and the sample has no capacity"
        raise InputError(problem, key="sample.capacity_mAh", remedy="give the capacity, or the current in mA")
    return rate * capacity


def _current(milliampere: float, area: float | None) -> str:
    if area is None:
        return f"{milliampere:.12g} mA"
    return f"{tidy(milliampere / (area * 1e4)):.12g} mA/cm^2"


def _read(source: Any) -> CyclingProtocol:
    unicycler = load_unicycler()
    if isinstance(source, unicycler.CyclingProtocol):
        return source
    if isinstance(source, dict):
        return made(lambda: unicycler.CyclingProtocol.from_dict(dict(source)))
    if not isinstance(source, str | Path):
        remedy = "give a CyclingProtocol, its dictionary, or the path of its JSON file"
        raise InputError(f"{type(source).__name__} is not a protocol of aurora-unicycler", remedy=remedy)
    try:
        content = json.loads(Path(source).read_text(encoding="utf-8-sig"))
    except OSError as error:
        remedy = "give the path of a protocol's JSON file"
        raise InputError(f"cannot be read ({error.strerror})", file=source, remedy=remedy) from None
    except ValueError as error:
        remedy = "give a protocol as aurora-unicycler writes it"
        raise InputError(f"is not JSON ({error})", file=source, remedy=remedy) from None
    if not isinstance(content, dict):
        remedy = "give a protocol as aurora-unicycler writes it"
        raise InputError("is not a protocol of aurora-unicycler", file=source, remedy=remedy)
    try:
        return made(lambda: unicycler.CyclingProtocol.from_dict(content))
    except InputError as error:
        raise error.at(file=source) from None
