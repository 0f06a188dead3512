"""How long each region was counted at each energy: from its record, as told, or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mossy.errors import InputError, suggest

if TYPE_CHECKING:
    from mossy.records import Photoemission

EQUAL = "equal"


@dataclass(frozen=True)
class Time:
    """`seconds` at each energy in all sweeps; `counted`: they turn a rate into counts; `unknown`: not even its ratio to
    that of other regions is known.
    """

    seconds: float = 1.0
    counted: bool = False
    unknown: bool = False


def plain(name: str) -> str:
    """The name of a region without the angle and the photons that tell it from others.

    >>> plain("C 1s (0°, 1486.6 eV)")
    'C 1s'
    """
    return name.split(" (")[0]


def check_regions(given: Iterable[str], names: Sequence[str], key: str) -> None:
    """Whatever is given by region names one that is there."""
    options = list(dict.fromkeys([*names, *(plain(name) for name in names)]))
    for name in given:
        if name not in options:
            raise InputError(f"there is no region '{name}'", key=key, remedy=suggest(str(name), options))


def counting_times(
    named: Sequence[tuple[str, Photoemission]], given: float | str | Mapping[str, float] | None
) -> tuple[list[Time], list[str]]:
    """The times of the regions, and what is wrong where they are not known.

    Rates compare without them; counts of unknown times tell only the ratios of lines within a region.
    """
    if given == EQUAL:
        return [Time() for _ in named], []
    times = _told(named, given)
    if all(time is not None for time in times):
        return [Time(time, counted=True) for time in times if time is not None], []
    missing = [name for (name, _), time in zip(named, times, strict=True) if time is None]
    if any(time is not None for time in times):
        remedy = "give counting_time={region: seconds at each energy in all sweeps} of those, or 'equal'"
        raise InputError(f"the dwell time of {', '.join(missing)} is missing", key="dwell_time_second", remedy=remedy)
    unknown = ["intensity_counts" in record.table.columns for _, record in named]
    if len(named) < 2 or not any(unknown):
        return [Time() for _ in named], []
    what = f"how long {', '.join(missing)} were counted is not known"
    remedy = "give counting_time={region: seconds}, or 'equal' where all were counted alike"
    text = f"{what}: only ratios of lines within a region tell of amounts; {remedy}"
    return [Time(unknown=each) for each in unknown], [text]


def _told(
    named: Sequence[tuple[str, Photoemission]], given: float | str | Mapping[str, float] | None
) -> list[float | None]:
    """Seconds by the argument, else by the record: dwell time times sweeps."""
    names = [name for name, _ in named]
    if isinstance(given, Mapping):
        check_regions(given, names, "counting_time")
        told = {name: _seconds(value) for name, value in given.items()}
    elif given is not None:
        told = dict.fromkeys(names, _seconds(given))
    else:
        told = {}
    return [told.get(name, _of_record(record)) for name, record in named]


def _seconds(value: float | str) -> float:
    if isinstance(value, bool | str) or not (math.isfinite(value) and value > 0.0):
        remedy = "give seconds at each energy in all sweeps, {region: seconds}, or 'equal'"
        raise InputError(f"{value!r} is no counting time", key="counting_time", remedy=remedy)
    return float(value)


def _of_record(record: Photoemission) -> float | None:
    dwell, sweeps = record.metadata.get("dwell_time_second"), record.metadata.get("sweeps", 1)
    return float(dwell) * float(sweeps) if dwell and sweeps else None
