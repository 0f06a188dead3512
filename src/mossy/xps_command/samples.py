"""Which regions are of one sample: those of a file, or of files named alike but for a core level."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mossy.readers.many import FileRead
from mossy.records import Photoemission

_ENDING = re.compile(
    r"[ _.-]*(?:[A-Z][a-z]?[ _-]?[1-6][spdf](?:[ _-]?\d_?/?2?)?|survey\d*|wide|full|relative)$", re.IGNORECASE
)
_LEVEL = re.compile(r"(?:^|[ _.-])([A-Z][a-z]?)[ _-]?([1-6][spdf])(?:[ _-]?\d_?/?2?)?$")
_USUAL = {"C 1s": 285.0, "O 1s": 532.0, "F 1s": 685.5, "Li 1s": 55.5, "N 1s": 400.0, "Na 1s": 1071.5, "P 2p": 134.0}
"""Where the levels of interphases lie, eV, for a region that says nothing of itself."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample's name, its regions, and the sputter time (s) or etch level it was measured at."""

    name: str
    records: tuple[Photoemission, ...]
    level: float | None = None


def samples_of(reads: Sequence[FileRead]) -> list[Sample]:
    """The samples among files, in their order.

    Files whose names differ in a core level at the end are of one sample (a_C_1s.csv, a_F_1s.csv). Within a file, and
    among such files, regions of different `sample` metadata or etch levels are apart.

    >>> bare("20240228_Au_C_1s"), bare("x_survey2"), bare("cell 7")
    ('20240228_Au', 'x', 'cell 7')
    """
    groups: dict[tuple[Path, str, str, float | None], list[Photoemission]] = {}
    for each in reads:
        stem = bare(each.path.name.split(".")[0])
        for record in each.records:
            if isinstance(record, Photoemission):
                record = named(record, each.path)
                inner = str(record.metadata.get("sample") or "")
                groups.setdefault((each.path.parent, stem, inner, _level(record)), []).append(record)
    several = {(parent, stem) for parent, stem, *_ in groups}
    found = []
    for (parent, stem, inner, level), records in groups.items():
        same = [key for key in groups if key[:2] == (parent, stem)]
        alike = len({key[2] for key in same}) == 1
        name = stem if alike or not inner else f"{stem} {inner}"
        if sum(1 for _, other in several if other == stem) > 1:
            name = f"{parent.name}/{name}"
        if level is not None and len({key[3] for key in same}) > 1:
            name = f"{name} @ {level:g}"
        found.append(Sample(name, tuple(records), level))
    return found


def named(record: Photoemission, path: Path) -> Photoemission:
    """The record with its region: as the file says, else as its name ends, else the one usual level in its window."""
    if record.metadata.get("region"):
        return record
    match = _LEVEL.search(path.name.split(".")[0])
    if match:
        return record.with_metadata(region=f"{match[1]} {match[2]}", region_from="the file's name")  # type: ignore[return-value]
    energy = record.table["binding_energy_electronvolt"]
    low, high = float(energy.min()), float(energy.max())  # type: ignore[arg-type]
    inside = [level for level, at in _USUAL.items() if low + 1.0 < at < high - 1.0]
    if len(inside) == 1:
        return record.with_metadata(region=inside[0], region_from="its energies")  # type: ignore[return-value]
    return record


def bare(stem: str) -> str:
    """A file's name without the core level it ends in."""
    return _ENDING.sub("", stem) or stem


def _level(record: Photoemission) -> float | None:
    for key in ("sputter_time_second", "etch_level"):
        value = record.metadata.get(key)
        if isinstance(value, int | float):
            return float(value)
    return None
