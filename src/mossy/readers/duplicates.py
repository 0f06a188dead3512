"""Two files of one test: the same bytes, the same rows under another name or format, a partial export beside the whole.

A file is known by its hash, by instrument, channel, start and technique where it tells them, by a few of its rows
(time, voltage, current), four for each doubling of the row number, and by a sum over each four rows, which a change
anywhere changes: a partial export has those of the whole as far as it goes, to single precision (but for the last one
to three rows, where the whole goes on within the four). A file of few rows, or of rows at one voltage, proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mossy.records import Cycling, Record

_TELLING = 20
_PRECISION = 1e-6
_IDENTITY = ("instrument", "channel", "start_time", "technique")
_HEAD = 6
_TOGETHER = 4
_WEIGHTS = (1.0, 1.1, 1.3, 1.6)
"""Unlike, so that rows that change places change their sum."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a file is known by; `points` are rows of (s, V, A), NaN where unknown, `sums` those of each four rows.

    `largest` are the largest values, by which the rounding of sums is judged.
    """

    sha256: str
    rows: int
    points: np.ndarray
    identity: tuple[str, ...] | None = None
    sums: np.ndarray = field(default_factory=lambda: np.empty((0, 3), dtype=np.float32))
    largest: np.ndarray = field(default_factory=lambda: np.zeros(3))

    @property
    def telling(self) -> bool:
        """Whether no other test has such rows."""
        if self.rows < _TELLING:
            return False
        voltage = self.points[:, 1]
        known = voltage[np.isfinite(voltage)]
        return known.size > 1 and float(np.ptp(known)) > 100.0 * _PRECISION * float(np.abs(known).max())

    def begins(self, other: Fingerprint) -> bool:
        """Whether these rows are the first of the other's."""
        if self.rows > other.rows:
            return False
        if _apart(self.points, other.points[: len(self.points)]).any():
            return False
        known = len(self.sums) if self.rows == other.rows else self.rows // _TOGETHER
        rounding = sum(_WEIGHTS) * _PRECISION * np.minimum(self.largest, other.largest) + 1e-12
        return not (np.abs(self.sums[:known] - other.sums[:known]) > rounding).any()


def fingerprint(records: Sequence[Record]) -> Fingerprint | None:
    """What a file is known by, from the records that `mossy.read` found in it; None where it found none."""
    if not records:
        return None
    known = records[0].metadata
    traces = [record for record in records if isinstance(record, Cycling)]
    sha256 = str(known.get("source_sha256", ""))
    identity = tuple(str(known.get(key, "")) for key in _IDENTITY)
    told = identity if known.get("start_time") and known.get("channel") else None
    if not traces:
        return Fingerprint(sha256, 0, np.empty((0, 3)), told)
    table = traces[0].table
    places = _places(table.height)
    points = np.full((len(places), 3), np.nan)
    sums = np.zeros((-(-table.height // _TOGETHER), 3), dtype=np.float32)
    largest = np.zeros(3)
    for column, name in enumerate(("test_time_second", "voltage_volt", "current_ampere")):
        if name in table.columns:
            values = table[name].to_numpy()
            points[:, column] = values[places]
            sums[:, column], largest[column] = _sums(np.nan_to_num(values))
    return Fingerprint(sha256, table.height, points, told, sums, largest)


def _sums(values: np.ndarray) -> tuple[np.ndarray, float]:
    """(the weighted sum of each four values, the last of fewer; the largest value)."""
    filled = np.zeros(-(-len(values) // _TOGETHER) * _TOGETHER)
    filled[: len(values)] = values
    return filled.reshape(-1, _TOGETHER) @ np.array(_WEIGHTS), float(np.abs(values).max(initial=0.0))


def _places(rows: int) -> np.ndarray:
    """The rows that are looked at: four for each doubling."""
    places = np.unique(np.floor(2.0 ** (np.arange(4 * 40) / 4.0)).astype(np.int64)) - 1
    return places[places < rows]


def _apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where two values are known on both sides and differ."""
    size = np.maximum(np.abs(left), np.abs(right))
    return np.abs(left - right) > _PRECISION * size + 1e-12


def twins(prints: Mapping[Path, Fingerprint]) -> tuple[dict[Path, Path], list[str]]:
    """({file: the longer file of the same test, or the first by name}, a sentence for each pair to tell a person)."""
    order = sorted(prints, key=lambda path: (-prints[path].rows, path))
    heads = np.full((len(order), _HEAD, 3), np.nan)
    for number, path in enumerate(order):
        head = prints[path].points[:_HEAD]
        heads[number, : len(head)] = head
    found: dict[Path, Path] = {}
    said: list[str] = []
    for number, path in enumerate(order):
        like = np.flatnonzero(~_apart(heads[:number], heads[number]).any(axis=(1, 2)))
        for other in like:
            kept = order[other]
            if kept in found:
                continue
            reason = _same(prints[path], prints[kept])
            if reason:
                found[path] = kept
                said.append(f"{path} is of the same test as {kept} ({reason}): {kept.name} is kept")
                break
    return found, [*said, *_namesakes(prints, found)]


def _same(part: Fingerprint, whole: Fingerprint) -> str:
    """Why two files are of one test, or nothing."""
    if part.sha256 and part.sha256 == whole.sha256:
        return "the same bytes"
    if not (part.telling and part.begins(whole)):
        return ""
    return "the same rows" if part.rows == whole.rows else f"its {part.rows} rows are the first of {whole.rows}"


def _namesakes(prints: Mapping[Path, Fingerprint], found: Mapping[Path, Path]) -> list[str]:
    """Files that name the same test and are no parts of one another."""
    by_identity: dict[tuple[str, ...], list[Path]] = {}
    for path, print_ in prints.items():
        if print_.identity and print_.rows and path not in found:
            by_identity.setdefault(print_.identity, []).append(path)
    return [
        f"{' and '.join(str(path) for path in paths)} name the same instrument, channel, start and technique, but "
        "their rows differ: all are kept"
        for paths in by_identity.values()
        if len(paths) > 1
    ]
