"""One step of a protocol: text such as "plate 1 mA/cm^2 for 1 h", parsed once, and written back as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError, suggest
from mossy.protocol.current_file import CurrentFile, parse_current_file, read_current
from mossy.protocol.words import Reader, write_amount

KINDS = ("plate", "strip", "rest", "hold", "pulse", "impedance", "current")


@dataclass(frozen=True)
class Ends:
    """What ends a step, whichever comes first, in SI; None where nothing of the kind was asked for."""

    time: float | None = None  # s
    capacity: float | None = None  # C/m^2, of |charge| since the step began
    voltage: float | None = None  # V, the cell's: working minus counter
    current: float | None = None  # A/m^2, of |current|

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.time, self.capacity, self.voltage, self.current))

    def __str__(self) -> str:
        words = {"time": "for", "capacity": "for", "voltage": "until", "current": "until"}
        amounts = ((kind, getattr(self, kind)) for kind in words)
        parts = [f"{words[kind]} {write_amount(value, kind)}" for kind, value in amounts if value is not None]
        return " or ".join(parts)


@dataclass(frozen=True)
class Step:
    """What the cycler does until one of the ends is reached. J > 0 plates metal on the working electrode.

    `current` is the plating current density (A/m^2) of plate, strip and pulse; `voltage` (V) that of a hold;
    `on` and `off` (s) those of a pulse; `source` and `table` (times in s from 0, plating current densities in
    A/m^2) those of a current from a file. `text` is the step as written, `str(step)` the same step rewritten.
    """

    kind: str
    current: float = 0.0
    voltage: float | None = None
    on: float | None = None
    off: float | None = None
    source: CurrentFile | None = None
    ends: Ends = Ends()
    text: str = field(default="", compare=False)
    table: tuple[np.ndarray, np.ndarray] | None = field(default=None, compare=False, repr=False)

    @property
    def voltage_direction(self) -> int:
        """Which way the voltage passes its limit: +1 rising (strip), -1 falling (plate), 0 either."""
        if self.kind in ("plate", "strip", "pulse"):
            return 1 if self.current < 0.0 else -1
        return 0

    def __str__(self) -> str:
        ends = f" {self.ends}" if self.ends else ""
        if self.kind == "current":
            return f"{self.source}{ends}"
        amount = ""
        if self.voltage is not None:
            amount = " " + write_amount(self.voltage, "voltage")
        elif self.current:
            amount = " " + write_amount(abs(self.current), "current")
        if self.on is None or self.off is None:
            return self.kind + amount + ends
        direction = "strip" if self.current < 0.0 else "plate"
        times = f"{write_amount(self.on, 'time')} on {write_amount(self.off, 'time')} off"
        return f"{self.kind} {direction}{amount} {times}{ends}"


_FORMS = {
    "plate": "plate 1 mA/cm^2 for 1 h",
    "strip": "strip 1 mA/cm^2 until 1 V",
    "rest": "rest for 5 min",
    "hold": "hold -50 mV until 0.05 mA/cm^2",
    "pulse": "pulse 2 mA/cm^2 1 s on 3 s off for 10 min",
    "impedance": "impedance",
    "current": "current from FILE.csv",
}
_CONSTANT_CURRENT = {"current": "the step sets the current itself, so it cannot end at one"}
_REFUSED_ENDS = {
    "plate": _CONSTANT_CURRENT,
    "strip": _CONSTANT_CURRENT,
    "pulse": _CONSTANT_CURRENT,
    "current": {"current": "the file sets the current, so the step cannot end at one"},
    "rest": {
        "current": "no current flows in a rest, so it cannot end at one",
        "capacity": "no charge passes in a rest, so it cannot end at a capacity",
    },
    "hold": {"voltage": "a hold keeps its voltage, so it cannot end at another"},
}
_NEEDED_ENDS = {
    "plate": "add 'for 1 h' or 'until -0.5 V'",
    "strip": "add 'for 1 h' or 'until 1 V'",
    "pulse": "add 'for 10 min', 'for 1 mAh/cm^2' or 'until 1 V'",
    "rest": "add 'for 5 min'",
    "hold": "add 'for 1 h' or 'until 0.05 mA/cm^2'",
}
_OPPOSITE = {"plate": "strip", "strip": "plate"}


def parse_step(text: Any, key: str = "", area: float | None = None, folder: Path | str | None = None) -> Step:
    """A step from its text; a file it names is read, relative to `folder`. `area` (m^2) is for whole-cell currents.

    >>> step = parse_step("strip 1 mA/cm^2 until 1 V or for 2 h")
    >>> step.current, step.ends.voltage, step.ends.time
    (-10.0, 1.0, 7200.0)
    >>> print(step)
    strip 1 mA/cm^2 for 2 h or until 1 V
    """
    if not isinstance(text, str):
        raise InputError(f"{text!r} is not a step", key=key, remedy=f"write text such as '{_FORMS['plate']}'")
    if area is not None and not area > 0.0:
        raise InputError(f"an area of {area} m^2 carries no current", key=key, remedy="give an area above zero")
    reader = Reader(text, key, area)
    if reader.done:
        raise InputError("the step is empty", key=key, remedy=f"write one such as '{_FORMS['plate']}'")
    kind = reader.accept(*KINDS)
    if not kind:
        word = reader.words[0].text
        reader.fail(f"'{word}' is not a kind of step", suggest(word, KINDS))
    step = replace(_PARSERS[kind](reader, kind), text=" ".join(text.split()))
    if step.kind == "pulse" and step.ends.time is None and step.ends.capacity is None:
        problem = "a pulse that ends at a voltage only might never end"
        reader.fail(problem, "add 'or for 10 min' or 'or for 1 mAh/cm^2' as well")
    if step.source is not None:
        step = replace(step, table=read_current(step.source, folder, area, key))
    return step


def _parse_constant_current(reader: Reader, kind: str) -> Step:
    current = _current(reader, kind)
    return Step(kind, current, ends=_parse_ends(reader, kind))


def _parse_rest(reader: Reader, kind: str) -> Step:
    return Step(kind, ends=_parse_ends(reader, kind))


def _parse_hold(reader: Reader, kind: str) -> Step:
    voltage = reader.amount(("voltage",)).value
    return Step(kind, voltage=voltage, ends=_parse_ends(reader, kind))


def _parse_pulse(reader: Reader, kind: str) -> Step:
    current = _current(reader, reader.accept("plate", "strip") or "plate")
    form = f"write a pulse as in '{_FORMS['pulse']}'"
    times = []
    for word in ("on", "off"):
        reader.accept(",")
        times.append(_pulse_time(reader, form))
        reader.expect(word, form)
    return Step(kind, current, on=times[0], off=times[1], ends=_parse_ends(reader, kind))


def _parse_impedance(reader: Reader, kind: str) -> Step:
    if not reader.done:
        word = reader.words[reader.place].text
        reader.fail(f"'{word}' follows 'impedance', which takes no time", "write 'impedance' alone")
    return Step(kind)


def _parse_current(reader: Reader, kind: str) -> Step:
    source = parse_current_file(reader)
    return Step(kind, source=source, ends=_parse_ends(reader, kind))


_PARSERS: dict[str, Callable[[Reader, str], Step]] = {
    "plate": _parse_constant_current,
    "strip": _parse_constant_current,
    "rest": _parse_rest,
    "hold": _parse_hold,
    "pulse": _parse_pulse,
    "impedance": _parse_impedance,
    "current": _parse_current,
}


def _current(reader: Reader, direction: str) -> float:
    """The plating current density of a plate or strip whose magnitude stands next."""
    amount = reader.amount(("current",))
    if amount.value < 0.0:
        remedy = f"the word gives the direction: use '{_OPPOSITE[direction]} {amount.text.lstrip('-')}'"
        reader.fail(f"'{amount.text}' is negative", remedy)
    if amount.value == 0.0:
        reader.fail(f"'{amount.text}' is no current", "use 'rest', or give a current above zero")
    return amount.value if direction == "plate" else -amount.value


def _pulse_time(reader: Reader, form: str) -> float:
    amount = reader.amount(("time",), form)
    if amount.value <= 0.0:
        reader.fail(f"'{amount.text}' is not more than zero", "give a time above zero")
    return amount.value


def _parse_ends(reader: Reader, kind: str) -> Ends:
    """The ends after a step: "for ..." and "until ...", joined by "or" or commas."""
    found: dict[str, float] = {}
    word = reader.accept("for", "until")
    while word:
        _parse_end(reader, kind, word, found)
        joined = bool(reader.accept(",")) | bool(reader.accept("or"))
        if not joined:
            break
        if reader.done:
            reader.fail(
                "an end is missing after the last word", "add 'for 1 h' or 'until 1 V', or remove the last word"
            )
        word = reader.accept("for", "until") or "or"
    if not reader.done and reader.word in ("for", "until", "and") and found:
        reader.fail(f"two ends are not joined by 'or' {reader.here()}", "write as in 'for 1 h or until 1 V'")
    if not reader.done:
        reader.fail_word(("or", "for", "until") if found else ("for", "until"))
    if not found and kind in _NEEDED_ENDS:
        shown = " ".join(reader.text.split())
        raise InputError(f"'{shown}' has no end", key=reader.key, remedy=_NEEDED_ENDS[kind])
    return Ends(**found)


def _parse_end(reader: Reader, kind: str, word: str, found: dict[str, float]) -> None:
    refused = _REFUSED_ENDS[kind]
    amount = reader.amount(("time", "capacity", "voltage", "current"))
    if amount.kind in refused:
        allowed = _NEEDED_ENDS.get(kind, "add 'for 1 h' or 'until 1 V'").replace("add", "use")
        reader.fail(f"'{amount.text}' cannot end this step: {refused[amount.kind]}", allowed)
    if word == "for" and amount.kind in ("voltage", "current"):
        reader.fail(f"'for {amount.text}' gives no time or capacity", f"write 'until {amount.text}'")
    if word == "until" and amount.kind == "time":
        reader.fail(f"'until {amount.text}' gives a time", f"write 'for {amount.text}'")
    if amount.kind != "voltage" and amount.value <= 0.0:
        remedy = (
            "the amount counts whichever way the current flows" if amount.kind != "time" else "give a time above zero"
        )
        reader.fail(f"'{amount.text}' is not more than zero", remedy)
    if amount.kind in found:
        reader.fail(f"'{amount.text}' is a second end by {amount.kind}", "keep the one that comes first")
    found[amount.kind] = amount.value
