"""How a computation ended: a code for each lane of a batch, whose text is the remedy."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """Zero is success; everything else is a numerical failure with a remedy. Physical ends are events, not failures.

    >>> Status.STEP_LIMIT.message
    'the step limit was reached; raise numerics.maximum_steps or loosen numerics.relative_tolerance'
    """

    DONE = 0
    RUNNING = 1
    STEP_LIMIT = 2
    STEP_TOO_SMALL = 3
    NOT_FINITE = 4
    INCONSISTENT = 5
    INTERRUPTED = 6
    REFUSED = 7

    @property
    def message(self) -> str:
        """What happened and what to do next."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.DONE: "done",
    Status.RUNNING: "not finished; call again with the state returned",
    Status.STEP_LIMIT: "the step limit was reached; raise numerics.maximum_steps or loosen numerics.relative_tolerance",
    Status.STEP_TOO_SMALL: "the time step fell below the resolution of the clock; look for a parameter that is off by "
    "orders of magnitude, or loosen numerics.relative_tolerance",
    Status.NOT_FINITE: "the equations returned a value that is not finite; look for a parameter outside its validity",
    Status.INCONSISTENT: "no current was found that meets the voltage asked for at the start of a step; "
    "check the voltage of the hold against the cell's resistance",
    Status.INTERRUPTED: "interrupted; everything up to that moment is kept",
    Status.REFUSED: "not run, because a value is not allowed",
}
