"""Where and at which frequencies an impedance is asked for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.errors import InputError, suggest
from mossy.protocol.schedule import Schedule
from mossy.protocol.words import Reader
from mossy.units import split, to_si

MAXIMUM_FREQUENCIES = 100_000
_POINT_FORMS = "write 'start', 'end', 'cycle 5 step 2' (after it) or 'cycle 5 step 2 during' (under its current)"
_FREQUENCY_FORM = "write it as in '1 MHz to 10 mHz, 10 per decade'"


@dataclass(frozen=True)
class Point:
    """A moment of a protocol: its start, its end, or the end of a step, after its current or still under it."""

    kind: str  # "start", "end", "step"
    cycle: int = 0
    step: int = 0
    during: bool = False
    label: str = ""


def parse_point(text: Any, key: str = "impedance.at") -> Point:
    """A point of the protocol from its text.

    >>> parse_point("Cycle 5 step 2 during")
    Point(kind='step', cycle=5, step=2, during=True, label='cycle 5 step 2 during')
    """
    if not isinstance(text, str):
        raise InputError(f"{text!r} is not a point of the protocol", key=key, remedy=_POINT_FORMS)
    reader = Reader(text, key)
    if reader.done:
        raise InputError("the point is empty", key=key, remedy=_POINT_FORMS)
    kind = reader.accept("start", "end", "cycle")
    if not kind:
        reader.fail_word(("start", "end", "cycle"))
    point = _parse_step_point(reader) if kind == "cycle" else Point(kind, label=kind)
    if not reader.done:
        reader.fail_word(("during",), "" if kind == "cycle" and not point.during else _POINT_FORMS)
    return point


def _parse_step_point(reader: Reader) -> Point:
    cycle = _count(reader, "cycle")
    if not reader.accept("step"):
        reader.fail(f"'step' is missing {reader.here()}", _POINT_FORMS)
    step = _count(reader, "step")
    during = bool(reader.accept("during"))
    return Point("step", cycle, step, during, f"cycle {cycle} step {step}" + (" during" if during else ""))


def _count(reader: Reader, what: str) -> int:
    number = reader.word
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        reader.fail(f"the number of the {what} is missing {reader.here()}", _POINT_FORMS)
    if int(number) == 0:
        reader.fail(f"there is no {what} 0", f"{what}s are counted from 1")
    reader.place += 1
    return int(number)


def locate(point: Point, schedule: Schedule, key: str = "impedance.at") -> int:
    """The index of the segment that a point belongs to.

    "start" is before segment 0; "end" after the last; a step's point at the end of its last segment, and under
    its current at the end of its last segment that carries any (a pulse's last "on").
    """
    last = len(schedule.segments) - 1
    if point.kind != "step":
        return 0 if point.kind == "start" else last
    found = schedule.find(point.cycle, point.step)
    if not found:
        raise InputError(
            f"there is no {point.label.removesuffix(' during')}", key=key, remedy=_what_there_is(point, schedule)
        )
    if point.during:
        segments = schedule.segments
        found = [i for i in found if segments[i].mode != "current" or segments[i].value != 0.0] or found
    return found[-1]


def _what_there_is(point: Point, schedule: Schedule) -> str:
    if point.cycle > schedule.cycles:
        return "the protocol has 1 cycle" if schedule.cycles == 1 else f"the protocol has {schedule.cycles} cycles"
    steps = sorted({segment.step for segment in schedule.segments if segment.cycle == point.cycle})
    return f"cycle {point.cycle} has step {', '.join(str(step) for step in steps)}"


def parse_frequencies(value: Any, key: str = "impedance.frequencies") -> np.ndarray:
    """Frequencies in Hz, the highest first: a text "A to B, N per decade" (or "N points"), or a list of them.

    >>> len(parse_frequencies("1 MHz to 10 mHz, 10 per decade")), parse_frequencies(["1 Hz", "1 kHz", 10])
    (81, array([1000., 10., 1.]))
    """
    if isinstance(value, str):
        return _parse_sweep(value, key)
    if not isinstance(value, list | tuple | np.ndarray) or len(value) == 0:
        raise InputError(f"{value!r} is not a list of frequencies", key=key, remedy=_FREQUENCY_FORM)
    numbers = [_frequency(item, f"{key}[{index}]") for index, item in enumerate(value)]
    return np.unique(numbers)[::-1].copy()


def _frequency(item: Any, key: str) -> float:
    """A frequency in Hz. pint takes rad/s and rpm for Hz without their 2 pi, so only hertz are let through."""
    if isinstance(item, str) and not split(item, key)[1].lower().endswith(("hz", "hertz")):
        raise InputError(f"'{item}' is not a frequency in hertz", key=key, remedy="write it as in 10 kHz")
    number = to_si(item if isinstance(item, str) else _bare(item, key), "Hz", key)
    if not 0.0 < number < float("inf"):
        raise InputError(f"'{item}' is not a frequency above zero", key=key, remedy="write it as in 10 mHz")
    return number


def _bare(item: Any, key: str) -> str:
    if isinstance(item, bool) or not isinstance(item, int | float | np.number):
        raise InputError(f"{item!r} is not a frequency", key=key, remedy="write it as in 10 kHz")
    return f"{float(item)!r} Hz"


def _parse_sweep(text: str, key: str) -> np.ndarray:
    words = text.replace(",", " , ").split()
    lowered = [word.lower() for word in words]
    if "to" not in lowered:
        return np.array([_frequency(text, key)])
    middle = lowered.index("to")
    stops = (place + 1 for place, word in enumerate(lowered) if place > middle and word.endswith(("hz", "hertz")))
    stop = next(stops, len(words))
    ends = [_frequency(" ".join(part), key) for part in (words[:middle], words[middle + 1 : stop])]
    if ends[0] == ends[1]:
        raise InputError(f"'{text}' begins and ends at one frequency", key=key, remedy=_FREQUENCY_FORM)
    decades = abs(np.log10(ends[0] / ends[1]))
    points = _points([word for word in lowered[stop:] if word != ","], decades, text, key)
    if points > MAXIMUM_FREQUENCIES:
        raise InputError(f"'{text}' asks for {points:,} frequencies", key=key, remedy="ask for fewer per decade")
    return np.geomspace(max(ends), min(ends), points)


def _points(words: Sequence[str], decades: float, text: str, key: str) -> int:
    number = words[0] if words else ""
    rule = " ".join(words[1:])
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise InputError(
            f"'{text}' does not say how many points", key=key, remedy=_FREQUENCY_FORM + " or ', 60 points'"
        )
    if rule not in ("per decade", "points", "points per decade"):
        remedy = suggest(rule, ("per decade", "points"))
        raise InputError(f"in '{text}': '{rule}' is not understood", key=key, remedy=remedy)
    if int(number) == 0:
        raise InputError(f"'{text}' asks for no points", key=key, remedy=_FREQUENCY_FORM)
    if rule == "points":
        return max(int(number), 2)
    return max(round(decades * int(number)) + 1, 2)
