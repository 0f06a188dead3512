"""What a cycler does: text parsed once into steps, unrolled into segments the simulator runs."""

from mossy.protocol.points import Point, locate, parse_frequencies, parse_point
from mossy.protocol.schedule import MODES, Schedule, Segment, compile_protocol
from mossy.protocol.steps import Ends, Step, parse_step
from mossy.protocol.tables import ProtocolTable, RepeatBlock

__all__ = [
    "MODES",
    "Ends",
    "Point",
    "ProtocolTable",
    "RepeatBlock",
    "Schedule",
    "Segment",
    "Step",
    "compile_protocol",
    "locate",
    "parse_frequencies",
    "parse_point",
    "parse_step",
]
