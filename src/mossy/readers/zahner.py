"""Zahner Thales spectra (.ism): a binary of big-endian numbers.

    6 bytes   version of the file, an integer
    6 bytes   number of points less one
    n x 8     frequency / Hz             n x 8  modulus / ohm
    n x 8     phase / rad                n x 8  time / s since 1980-01-01 (negative for points taken on the way back)
    n x 2     significance (per mille)
    strings   date, system, potential, current, temperature, time, four comments, area: each a length of 2 bytes and
              that many ASCII letters whose case is swapped

The layout is that of Zahner's own reader (zahner-analysis 26.42, MIT licence), whose writer made the file this one was
checked against; a file from an instrument was not at hand. Thales measures from a start frequency up to the highest
and down again: both ways are kept, as sweeps of their own. Currents and voltages of single points (in newer files,
behind the strings) and the cyclic voltammograms of .isc files are not read. Z'' is negative for capacitive arcs.
"""

from __future__ import annotations

import datetime
import struct
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.preamble import known
from mossy.readers.spectra import SIGN_OPTION
from mossy.readers.tables import Measured, assemble, records_in
from mossy.records import Record

_START = b"\x00\x00\xff\xff\xff\xfe"
_BYTES_PER_POINT = 4 * 8 + 2
_EPOCH = datetime.datetime(1980, 1, 1)
_STRINGS = ("date", "system", "potential", "current", "temperature", "time", *("comment",) * 4, "area")
_MOST_POINTS = 1_000_000


def sniff(path: Path, head: bytes) -> bool:
    """The first bytes Zahner's writer gives a file, or the extension and a plausible number of points."""
    if len(head) < 20:
        return False
    plausible = 0 <= int.from_bytes(head[6:12], "big", signed=True) < _MOST_POINTS
    return plausible and (head.startswith(_START) or (path.suffix.lower() == ".ism" and b"\0" in head[:12]))


def read(path: Path, request: Request) -> list[Record]:
    """The spectra of one file."""
    data = read_bytes(path)
    count = int.from_bytes(data[6:12], "big", signed=True) + 1
    if count < 1 or len(data) < 12 + count * _BYTES_PER_POINT:
        problem = f"says it has {count} points, which need more than its {len(data)} bytes: it is cut short"
        raise InputError(problem, remedy="copy the whole file again")
    numbers = np.frombuffer(data, ">f8", 4 * count, 12).reshape(4, count).astype(float)
    frequency, size, phase, time = numbers
    if (
        not np.isfinite(numbers[:3]).all()
        or (frequency <= 0.0).any()
        or (size < 0.0).any()
        or np.abs(phase).max() > 20.0
    ):
        raise InputError("holds numbers that are no spectrum", remedy="export it as text from Thales")
    metadata = _metadata(data[12 + count * _BYTES_PER_POINT :])
    columns = {
        "frequency_hertz": frequency,
        "real_impedance_ohm": size * np.cos(phase),
        "imaginary_impedance_ohm": size * np.sin(phase),
        "absolute_impedance_ohm": size,
        "phase_degree": np.degrees(phase),
    }
    since = np.abs(time)
    if np.isfinite(since).all() and since.max() > since.min() and since.max() < 4e9:
        columns["test_time_second"] = since - since.min()
        if since.min() > 1e8:
            metadata["start_time"] = (_EPOCH + datetime.timedelta(seconds=float(since.min()))).isoformat()
    measured = Measured(assemble(columns, height=count), list(range(1, count + 1)), "point", metadata)
    return records_in(measured, request)


def _metadata(tail: bytes) -> dict[str, Any]:
    """The strings behind the numbers; as far as they can be read, as versions of the format differ."""
    settings: dict[str, str] = {}
    place = 0
    for name in _STRINGS:
        if place + 2 > len(tail):
            break
        (length,) = struct.unpack_from(">h", tail, place)
        text = tail[place + 2 : place + 2 + max(length, 0)]
        if length < 0 or len(text) < length or not text.isascii():
            break
        place += 2 + length
        shown = text.decode("ascii").swapcase().strip()
        if shown and shown.isprintable():
            settings[name] = f"{settings[name]}\n{shown}" if name in settings else shown
    metadata: dict[str, Any] = {"instrument": "Zahner Thales", **known(settings)}
    metadata |= {"comments": settings["comment"]} if "comment" in settings else {}
    return metadata | ({"settings": settings} if settings else {})


READER = Reader("Zahner .ism", (".ism",), sniff, read, ("missing", SIGN_OPTION))
