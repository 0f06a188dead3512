"""What a cycler does: text parsed once into steps, unrolled into segments the simulator runs."""

from mossy.protocol.labels import (
    ExpectedHalfCycle,
    Matching,
    StepRole,
    expected_half_cycles,
    match,
    roles_of_steps,
)
from mossy.protocol.points import Point, locate, parse_frequencies, parse_point
from mossy.protocol.schedule import MODES, Schedule, Segment, compile_protocol
from mossy.protocol.steps import Ends, Step, parse_step
from mossy.protocol.tables import ProtocolTable, RepeatBlock

__all__ = [
    "MODES",
    "Ends",
    "ExpectedHalfCycle",
    "Matching",
    "Point",
    "ProtocolTable",
    "RepeatBlock",
    "Schedule",
    "Segment",
    "Step",
    "StepRole",
    "compile_protocol",
    "expected_half_cycles",
    "locate",
    "match",
    "parse_frequencies",
    "parse_point",
    "parse_step",
    "roles_of_steps",
]
