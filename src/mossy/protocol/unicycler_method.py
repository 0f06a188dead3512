"""The steps of a protocol as aurora-unicycler's method; what its reader and its exports share with that."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from mossy.errors import InputError
from mossy.protocol.points import parse_frequencies
from mossy.protocol.schedule import Segment, compile_protocol
from mossy.protocol.steps import Step, parse_step
from mossy.protocol.tables import NAMED, ProtocolTable, RepeatBlock
from mossy.units import to_si

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sweep:
    """What an impedance step measures on an instrument, where a case says it in [impedance]."""

    frequencies: str = "1 MHz to 100 mHz, 10 per decade"
    amplitude: str = "10 mV"


@dataclass(frozen=True)
class Looped:
    """Steps of unicycler that run several times over."""

    count: int
    steps: Tree


Tree = list[Any]
"""Steps of unicycler, and `Looped` ones."""


def flat(tree: Tree, unicycler: Any, tags: Iterator[int] | None = None) -> list[Any]:
    """The method that unicycler has for a tree: a tag before and a loop after what runs several times."""
    tags = tags or itertools.count(1)
    method: list[Any] = []
    for item in tree:
        if not isinstance(item, Looped):
            method.append(item)
            continue
        tag = f"loop {next(tags)}"
        body = flat(item.steps, unicycler, tags)
        method += [unicycler.Tag(tag=tag), *body, unicycler.Loop(loop_to=tag, cycle_count=item.count)]
    return method


def opened(tree: Tree) -> Tree:
    """The same course with its first step outside any loop: a loop there runs once, then as often as is left."""
    first, *others = tree
    if not isinstance(first, Looped):
        return tree
    again = [Looped(first.count - 1, first.steps)] if first.count > 1 else []
    return [*opened(first.steps), *again, *others]


class MethodWriter:
    """What unicycler has for the steps of a protocol."""

    def __init__(self, unicycler: Any, values: dict[str, str], area: float, sweep: Sweep) -> None:
        self.unicycler, self.values, self.area, self.sweep = unicycler, values, area, sweep

    def items(self, items: Sequence[str | RepeatBlock], key: str) -> Tree:
        """Steps and blocks of them."""
        tree: Tree = []
        for index, item in enumerate(items):
            place = f"{key}.steps[{index}]"
            if isinstance(item, RepeatBlock):
                tree.append(Looped(item.repeat, self.items(item.steps, place)))
            else:
                text = NAMED.sub(lambda match: self.values[match[1]], item)
                tree += self.step(parse_step(text, place, self.area), place)
        return tree

    def step(self, step: Step, key: str) -> Tree:
        """One step."""
        if step.ends.voltage == 0.0:
            _refuse(step, key, "aurora-unicycler takes a limit of 0 V for none", "end it at 1 mV, or by time")
        if step.kind == "pulse":
            return self.pulse(step, key)
        if step.kind in ("plate", "strip"):
            times = [step.ends.time, None if step.ends.capacity is None else step.ends.capacity / abs(step.current)]
            time = min((time for time in times if time is not None), default=None)
            return [self.current(step.current, time, step.ends.voltage)]
        if step.kind == "rest":
            if step.ends.voltage is not None or step.ends.time is None:
                _refuse(step, key, "a rest there ends by time only", "give it a time and no voltage")
            return [self.unicycler.OpenCircuitVoltage(until_time_s=step.ends.time)]
        if step.kind == "hold":
            return [self.hold(step, key)]
        if step.kind == "impedance":
            return [self.impedance()]
        return _refuse(step, key, "it follows a file", "write it as plate and strip steps")

    def current(self, density: float, time: float | None, voltage: float | None = None) -> Any:
        """A constant current: plating is negative."""
        milliampere = tidy(-density * self.area * 1e3)
        seconds = None if time is None else tidy(time)
        return self.unicycler.ConstantCurrent(current_mA=milliampere, until_time_s=seconds, until_voltage_V=voltage)

    def hold(self, step: Step, key: str) -> Any:
        """A constant voltage, by time and current."""
        if step.ends.capacity is not None:
            reason = "the current of a hold is not constant, so its capacity is no time"
            _refuse(step, key, reason, "end it by time or current")
        current = None if step.ends.current is None else tidy(step.ends.current * self.area * 1e3)
        return self.unicycler.ConstantVoltage(
            voltage_V=step.voltage, until_time_s=step.ends.time, until_current_mA=current
        )

    def pulse(self, step: Step, key: str) -> Tree:
        """A loop of current and rest, and what is left of a period; the last pulse of a capacity makes it up."""
        if step.ends.voltage is not None:
            _refuse(step, key, "a voltage would end one pulse there, not all of them", "end it by time or capacity")
        pieces = compile_protocol(ProtocolTable(steps=[step.text]), area=self.area).segments
        pairs = zip(pieces[::2], pieces[1::2], strict=False)
        periods = sum((pulse.duration, relaxation.duration) == (step.on, step.off) for pulse, relaxation in pairs)
        passed = periods * abs(step.current) * (step.on or 0.0)
        period = [self.piece(piece, 0.0) for piece in pieces[: 2 * periods][:2]]
        rest = [self.piece(piece, passed) for piece in pieces[2 * periods :]]
        return ([Looped(periods, period)] if periods else []) + rest

    def piece(self, piece: Segment, passed: float) -> Any:
        """A part of a pulse, before which the step had `passed` a charge (C/m2)."""
        if piece.value == 0.0:
            return self.unicycler.OpenCircuitVoltage(until_time_s=piece.duration)
        left = (piece.capacity - passed) / abs(piece.value)
        return self.current(piece.value, piece.duration if math.isfinite(piece.duration) else left)

    def impedance(self) -> Any:
        """A potentiostatic sweep."""
        frequencies = parse_frequencies(self.sweep.frequencies, "sweep.frequencies")
        decades = math.log10(frequencies[0] / frequencies[-1])
        per_decade = (len(frequencies) - 1) / decades if decades else 0.5
        if abs(per_decade - round(per_decade)) > 1e-6:
            problem = f"'{self.sweep.frequencies}' has no whole number of frequencies per decade"
            remedy = "write it as in '1 MHz to 100 mHz, 10 per decade'"
            raise InputError(problem, key="sweep.frequencies", remedy=remedy)
        return made(
            lambda: self.unicycler.ImpedanceSpectroscopy(
                amplitude_V=above_zero(self.sweep.amplitude, "V", "sweep.amplitude"),
                start_frequency_Hz=tidy(float(frequencies[0])),
                end_frequency_Hz=tidy(float(frequencies[-1])),
                points_per_decade=round(per_decade),
            )
        )


def _refuse(step: Step, key: str, reason: str, remedy: str) -> NoReturn:
    raise InputError(f"'{step.text}' cannot be exported: {reason}", key=key, remedy=remedy)


def made(make: Callable[[], _T]) -> _T:
    """What unicycler makes; what it refuses, as an InputError."""
    try:
        return make()
    except (ValueError, NotImplementedError) as error:
        if isinstance(error, InputError):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        problem = "; ".join(line for line in lines if "errors.pydantic.dev" not in line)
        remedy = "change the protocol, or choose another format"
        raise InputError(f"aurora-unicycler refuses it ({problem})", key="protocol", remedy=remedy) from None


def load_unicycler() -> Any:
    """The package, which is an extra."""
    try:
        import aurora_unicycler
    except ImportError:
        remedy = 'install it: pip install "mossy[protocols]"'
        raise InputError("aurora-unicycler, which writes instruments' files, is not installed", remedy=remedy) from None
    return aurora_unicycler


def square_metres(area: str | float) -> float:
    """An area from text with a unit, or in m2."""
    if isinstance(area, str):
        return above_zero(area, "m^2", "area")
    if isinstance(area, bool) or not isinstance(area, int | float) or not 0.0 < area < float("inf"):
        raise InputError(f"{area!r} is no area", key="area", remedy="write it as in '1.54 cm^2'")
    return float(area)


def above_zero(text: str, unit: str, key: str) -> float:
    """A text's SI value, refused where it is not more than zero."""
    value = to_si(text, unit, key)
    if not value > 0.0:
        raise InputError(f"'{text}' is not more than zero", key=key, remedy="give more than zero")
    return value


def tidy(number: float) -> float:
    """Without the last digits of a float, which no instrument keeps: 1.54 mA, not 1.5400000000000003."""
    return float(f"{number:.12g}")
