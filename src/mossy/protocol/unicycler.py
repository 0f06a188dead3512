"""Protocols to instruments and back, through aurora-unicycler: Neware, BioLogic, tomato, BattINFO.

What a step asks for that the exported file cannot say is refused with the reason, never left out. A plate reduces the
working electrode, so it is a negative current there, which its formats call a discharge; a strip is a charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.protocol.schedule import Schedule, compile_protocol
from mossy.protocol.tables import ProtocolTable
from mossy.protocol.unicycler_method import (
    Looped,
    MethodWriter,
    Sweep,
    flat,
    load_unicycler,
    made,
    opened,
    square_metres,
    tidy,
)
from mossy.protocol.unicycler_reader import from_unicycler
from mossy.protocol.unicycler_recording import Recording, check_decimals, recording_of
from mossy.units import to_si

if TYPE_CHECKING:
    from aurora_unicycler import CyclingProtocol

_RANGES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""mA, the current ranges of a BioLogic that unicycler chooses from."""
_ROUNDING = 5.1e-4
"""Relative: what three decimals do to a number of 1 or more, and a little for the float."""


def to_unicycler(
    protocol: ProtocolTable,
    *,
    area: str | float,
    sample_name: str = "mossy",
    record_time: str | None = None,
    record_voltage: str | None = None,
    sweep: Sweep | None = None,
    open_first: bool = False,
) -> CyclingProtocol:
    """The protocol as an aurora-unicycler CyclingProtocol; `area` as text with a unit, or in m2.

    aurora-unicycler ends a current by time or voltage only: an areal capacity Q at a constant current density J becomes
    the time t = Q/J, exactly. A loop that begins with the first step may be opened (`open_first`): one pass, then the
    others. Raises InputError, with the step's key, for what it cannot say: the capacity of a hold, a rest that waits
    for a voltage, pulses that end at one, a current from a file, a limit of 0 V.

    >>> from mossy.protocol import standard
    >>> first = to_unicycler(standard.reservoir(), area="2 cm^2").method[0]
    >>> first.current_mA, first.until_time_s
    (-1.0, 36000.0)
    >>> to_unicycler(standard.rest_pulse(), area="2 cm^2").record
    RecordParams(current_mA=None, voltage_V=0.001, time_s=0.1)
    """
    unicycler = load_unicycler()
    metres = square_metres(area)
    recording = recording_of(compile_protocol(protocol, area=metres), record_time, record_voltage)
    tree = MethodWriter(unicycler, protocol.values, metres, sweep or Sweep()).items(protocol.steps, "protocol")
    if protocol.repeat > 1:
        tree = [Looped(protocol.repeat, tree)]
    return made(
        lambda: unicycler.CyclingProtocol(
            sample=unicycler.SampleParams(name=sample_name),
            record=unicycler.RecordParams(time_s=recording.seconds, voltage_V=recording.volts),
            method=flat(opened(tree) if open_first else tree, unicycler),
        )
    )


def to_neware_xml(protocol: ProtocolTable, **settings: Any) -> str:
    """A Neware step file (XML); `settings` as of `to_unicycler`. It has no impedance, and no hold.

    A hold there is a charge or a discharge, which a voltage alone does not say.
    """
    exported = to_unicycler(protocol, **settings)
    _only(exported, "a Neware step file", {"impedance_spectroscopy": "has no impedance steps; leave them out"})
    _only(
        exported,
        "a Neware step file",
        {"constant_voltage": "calls a hold a charge or a discharge; write plate or strip steps"},
    )
    return made(exported.to_neware_xml)


def to_biologic_mps(
    protocol: ProtocolTable, *, voltage_range: tuple[str, str] = ("-5 V", "5 V"), **settings: Any
) -> str:
    """A BioLogic settings file (.mps, Modulo Bat); `settings` as of `to_unicycler`.

    `voltage_range` must hold every limit; aurora-unicycler's own, 0 to 5 V, would not let a plate be measured. The file
    keeps three decimals of uA or mA, s and V: what they change by more than 0.05 % is refused, and so is a current that
    would leave the range of the step before without a rest, where the instrument cannot change it.
    """
    exported = to_unicycler(protocol, **settings)
    low, high = (to_si(text, "V", "voltage_range") for text in voltage_range)
    _check_decimals(exported)
    metres = square_metres(settings["area"])
    schedule = compile_protocol(protocol, area=metres)
    check_decimals(recording_of(schedule, settings.get("record_time"), settings.get("record_voltage")))
    _check_ranges(schedule, metres)
    return made(lambda: exported.to_biologic_mps(range_V=(low, high)))


def to_tomato_mpg2(protocol: ProtocolTable, **settings: Any) -> str:
    """A tomato 0.2.3 payload (JSON) for an MPG2; `settings` as of `to_unicycler`. It has no impedance.

    Its current range is fixed at 10 mA and its voltage at +-5 V; of a hold it would leave out the current that ends it.
    """
    exported = to_unicycler(protocol, **settings)
    _only(exported, "a tomato payload", {"impedance_spectroscopy": "has no impedance steps; leave them out"})
    for step in exported.method:
        if getattr(step, "until_current_mA", None) is not None:
            raise InputError(
                "a tomato payload has no current that ends a hold", key="protocol", remedy="end it by time"
            )
        if abs(getattr(step, "current_mA", None) or 0.0) > 10.0:
            problem = f"{abs(step.current_mA):g} mA is more than the 10 mA of a tomato payload"
            raise InputError(problem, key="protocol", remedy="export a smaller current, or another format")
        if max(abs(getattr(step, name, None) or 0.0) for name in ("until_voltage_V", "voltage_V")) > 5.0:
            raise InputError("a voltage is outside the +-5 V of a tomato payload", key="protocol", remedy="lower it")
    return str(made(exported.to_tomato_mpg2))


def to_battinfo_jsonld(protocol: ProtocolTable, **settings: Any) -> dict[str, Any]:
    """The protocol's tasks in BattINFO's terms (JSON-LD); `settings` as of `to_unicycler`.

    A loop that begins with the first step is opened: aurora-unicycler 0.4.6 would write its steps once more than they
    are run.
    """
    exported = to_unicycler(protocol, open_first=True, **settings)
    return dict(made(exported.to_battinfo_jsonld))


def _only(exported: CyclingProtocol, file: str, refused: dict[str, str]) -> None:
    for step in exported.method:
        if step.step in refused:
            reason, _, remedy = refused[step.step].partition("; ")
            raise InputError(f"{file} {reason}", key="protocol", remedy=remedy)


def _check_decimals(protocol: CyclingProtocol) -> None:
    """Nothing may be lost to the three decimals that the file keeps; a small current is in uA, a frequency in mHz."""
    amounts = ("current_mA", "until_current_mA", "until_time_s", "until_voltage_V", "voltage_V", "end_frequency_Hz")
    for step in protocol.method:
        if getattr(step, "end_frequency_Hz", 1.0) < 1e-3:
            remedy = "end the sweep at a higher frequency"
            raise InputError("a BioLogic settings file has no frequency below 1 mHz", key="sweep", remedy=remedy)
        for name in amounts:
            value = abs(getattr(step, name, None) or 0.0)
            shown = value * 1e3 if value < 1.0 and name in ("current_mA", "end_frequency_Hz") else value
            if abs(round(shown, 3) - shown) > _ROUNDING * shown:
                amount = f"{value:g} {name.rpartition('_')[2]}"
                problem = f"a BioLogic settings file keeps three decimals, which changes {amount} by more than 0.05 %"
                raise InputError(problem, key="protocol", remedy="give a rounder or a larger amount")


def _check_ranges(schedule: Schedule, area: float) -> None:
    """A current range can change after a rest or an impedance only."""
    before: float | None = None
    for segment in schedule.segments:
        current = abs(segment.value) * area * 1e3
        if segment.mode != "current" or current == 0.0:
            before = None
            continue
        chosen = next((limit for limit in _RANGES if tidy(current) <= limit), None)
        if chosen is None:
            raise InputError(f"{current:g} mA is more than 1 A", key="protocol", remedy="export a smaller current")
        if before is not None and chosen != before:
            problem = f"'{segment.text}' follows a current of another range ({before:g} mA) without a rest"
            raise InputError(problem, key="protocol", remedy="put a rest between, such as 'rest for 1 min'")
        before = chosen


__all__ = [
    "Recording",
    "Sweep",
    "from_unicycler",
    "recording_of",
    "to_battinfo_jsonld",
    "to_biologic_mps",
    "to_neware_xml",
    "to_tomato_mpg2",
    "to_unicycler",
]
