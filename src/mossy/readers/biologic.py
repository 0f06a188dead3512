"""What BioLogic's text and binary files have in common: the columns of EC-Lab and what they mean.

Signs are EC-Lab's, which are Mossy's (positive current oxidises the working electrode), except that its files hold
-Im(Z). Where a counter electrode potential Ece was recorded, Ewe and Ece are against a reference electrode: the
cell's voltage is then Ewe - Ece, its impedance Zwe-ce, and the single electrodes get columns of their own.
An area of 0 or 0.001 cm2 is what EC-Lab writes when nobody entered one: it is taken for unknown. Its "step time" stands
still in some steps and starts at the time of the test in others: it is not the time since a step began, and not read.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.readers.headings import conversion
from mossy.readers.tables import LOOP, Measured, assemble

if TYPE_CHECKING:
    import polars as pl

_WORKING_POWER = "working_power_watt"  # Ewe I: with a reference electrode it is not the cell's, and is not kept
COLUMNS = {
    "time": ("test_time_second", 1.0),
    "Ewe": ("working_potential_volt", 1.0),
    "Ecell": ("voltage_volt", 1.0),
    "Ewe-Ece": ("voltage_volt", 1.0),
    "Ece": ("counter_potential_volt", 1.0),
    "Ecv": ("counter_potential_volt", 1.0),  # what galvani calls <Ece>
    "I": ("current_ampere", 1.0),
    "cycle number": ("cycle_count", 1.0),
    "half cycle": ("half_cycle_count", 1.0),
    "Ns": ("step_id", 1.0),
    "(Q-Qo)": ("net_capacity_ah", 1.0),
    "P": (_WORKING_POWER, 1.0),
    "Pwe": (_WORKING_POWER, 1.0),
    "Pwe-ce": ("power_watt", 1.0),
    "Temperature": ("temperature_t1_celsius", 1.0),
    "freq": ("frequency_hertz", 1.0),
    "Re(Z)": ("working_real_impedance_ohm", 1.0),
    "-Im(Z)": ("working_imaginary_impedance_ohm", -1.0),
    "|Z|": ("absolute_impedance_ohm", 1.0),
    "Phase(Z)": ("phase_degree", 1.0),
    "Re(Zce)": ("counter_real_impedance_ohm", 1.0),
    "-Im(Zce)": ("counter_imaginary_impedance_ohm", -1.0),
    "Re(Zwe-ce)": ("real_impedance_ohm", 1.0),
    "-Im(Zwe-ce)": ("imaginary_impedance_ohm", -1.0),
}
"""EC-Lab's quantity -> Mossy's column and the sign between them; angle brackets (means) make no difference."""
_WHOLE_CELL = {
    "working_potential_volt": "voltage_volt",
    "working_real_impedance_ohm": "real_impedance_ohm",
    "working_imaginary_impedance_ohm": "imaginary_impedance_ohm",
    _WORKING_POWER: "power_watt",
}
_AGAINST_REFERENCE = ("working_potential_volt", _WORKING_POWER)
_DATES = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")
_TIMES = ("%H:%M:%S.%f", "%H:%M:%S")
_UNSET_AREAS = (0.0, 0.001)


def meaning(heading: str) -> tuple[str, float] | None:
    """The column and the factor of an EC-Lab heading, or None.

    >>> meaning("<I>/mA"), meaning("-Im(Z)/Ohm"), meaning("<Ewe/V>"), meaning("control/V/mA")
    (('current_ampere', 0.001), ('working_imaginary_impedance_ohm', -1.0), ('working_potential_volt', 1.0), None)
    """
    quantity, _, unit = heading.replace("<", "").replace(">", "").strip().rpartition("/")
    if not quantity:
        quantity, unit = unit, ""
    if quantity not in COLUMNS:
        return None
    name, sign = COLUMNS[quantity]
    try:
        return name, sign * conversion(unit, name)[0]
    except InputError:
        return None


def choose(headings: Sequence[str]) -> dict[str, tuple[int, float]]:
    """Mossy's column -> (index, factor); of a value and its mean over the interval, the first written."""
    chosen: dict[str, tuple[int, float]] = {}
    for place, heading in enumerate(headings):
        found = meaning(heading)
        if found:
            chosen.setdefault(found[0], (place, found[1]))
    return chosen


def measured(
    columns: Mapping[str, pl.Series], loops: Sequence[int], places: Sequence[int], word: str, metadata: dict[str, Any]
) -> Measured:
    """The columns read, as those of the whole cell; `loops` are the rows where the programme's loops begin."""
    columns = dict(columns)
    metadata = dict(metadata)
    three = "counter_potential_volt" in columns
    if not three or "counter_real_impedance_ohm" not in columns:
        pairs = {key: name for key, name in _WHOLE_CELL.items() if not (three and key in _AGAINST_REFERENCE)}
        for single, whole in pairs.items():
            if single in columns:
                columns[whole] = columns.pop(single)
    if three and "working_potential_volt" in columns:
        columns.setdefault("voltage_volt", columns["working_potential_volt"] - columns["counter_potential_volt"])
        metadata["voltage"] = "Ewe - Ece"
    if three and "working_real_impedance_ohm" in columns:
        metadata["impedance"] = "Zwe-ce"
        columns = {
            name: values for name, values in columns.items() if name not in ("absolute_impedance_ohm", "phase_degree")
        }
    elif three and "real_impedance_ohm" in columns:
        metadata["impedance"] = "Z of the working electrode against the reference: Zwe-ce is not in the file"
    if columns.pop(_WORKING_POWER, None) is not None:
        unread = metadata.get("columns_not_read", [])
        metadata["columns_not_read"] = [*unread, "power of the working electrode against the reference"]
    height = len(next(iter(columns.values()))) if columns else 0
    frame = assemble(columns, height=height)
    if len(loops) > 1:
        import polars as pl

        frame = frame.with_columns(pl.Series(LOOP, _loop_of_rows(loops, height)))
    return Measured(frame, places, word, metadata)


def _loop_of_rows(starts: Sequence[int], height: int) -> list[int]:
    import numpy as np

    return np.searchsorted(np.asarray(starts), np.arange(height), side="right").tolist()


def start_time(written: str) -> str | None:
    """EC-Lab's month/day/year as ISO 8601; None for what is not such a date.

    >>> start_time("03/02/2021 16:17:59.000"), start_time("13/13/2021 00:00:00")
    ('2021-03-02T16:17:59', None)
    """
    for date in _DATES:
        for time in _TIMES:
            try:
                return datetime.datetime.strptime(written.strip(), f"{date} {time}").isoformat()
            except ValueError:
                continue
    return None


def area(square_centimetre: float) -> dict[str, float]:
    """The metadata of an electrode area as EC-Lab holds it: nothing where it was never entered."""
    if not square_centimetre > 0.0 or round(square_centimetre, 6) in _UNSET_AREAS:
        return {}
    return {"electrode_area_square_metre": float(f"{square_centimetre * 1e-4:.7g}")}


def number(text: str) -> float | None:
    """The number a setting starts with, in either decimal mark."""
    match = re.match(r"\s*(-?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)", text)
    return float(match[1].replace(",", ".")) if match else None
