"""What an instrument records of a protocol: finely where it switches a current off, or what that shows is lost."""

from __future__ import annotations

from dataclasses import dataclass

from mossy.errors import InputError
from mossy.protocol.schedule import Schedule
from mossy.protocol.unicycler_method import above_zero

_DECIMALS = 3  # of the seconds and volts of a BioLogic settings file


@dataclass(frozen=True)
class Recording:
    """A reading after so much time, and whenever the voltage has changed by so much; texts with a unit."""

    time: str
    voltage: str

    @property
    def seconds(self) -> float:
        """The time between readings."""
        return above_zero(self.time, "s", "record_time")

    @property
    def volts(self) -> float:
        """The change of voltage that is recorded."""
        return above_zero(self.voltage, "V", "record_voltage")

    def __str__(self) -> str:
        return (
            f"recorded every {self.time} and at every change of {self.voltage}: the instrument must sample and resolve "
            "that, in the voltage range it is set to, and write as many rows"
        )


_PULSES, _RESTS, _PLAIN = Recording("0.1 s", "1 mV"), Recording("1 s", "1 mV"), Recording("10 s", "10 mV")


def recording_of(schedule: Schedule, time: str | None = None, voltage: str | None = None) -> Recording:
    """The recording asked for, and what is left out by what the protocol switches.

    Readings before and after a current is switched off are as far apart as the time says, unless the change of voltage
    brings one earlier: whatever relaxes in between counts as ohmic. So pulses are recorded every 0.1 s and 1 mV, a
    protocol that rests after a current every second and 1 mV, any other every 10 s and 10 mV. The instruments' files
    that aurora-unicycler writes have one recording for all steps. Mossy's choice.
    """
    pieces = schedule.segments
    idle = [piece.mode == "current" and piece.value == 0.0 for piece in pieces]
    pulsed = any(rests and not piece.starts_step for rests, piece in zip(idle, pieces, strict=True))
    driven = [piece.mode != "impedance" and not rests for rests, piece in zip(idle, pieces, strict=True)]
    rested = any(before and rests for before, rests in zip(driven, idle[1:], strict=False))
    usual = _PULSES if pulsed else _RESTS if rested else _PLAIN
    return Recording(time or usual.time, voltage or usual.voltage)


def check_decimals(recording: Recording) -> None:
    """Refuses what a BioLogic settings file would round to something else."""
    for key, text, value in (
        ("record_time", recording.time, recording.seconds),
        ("record_voltage", recording.voltage, recording.volts),
    ):
        if abs(round(value, _DECIMALS) - value) > 5.1e-4 * value:
            problem = f"'{text}' has more than the three decimals, of s and V, that a BioLogic settings file keeps"
            raise InputError(problem, key=key, remedy="give whole ms and mV, 1 or more")
