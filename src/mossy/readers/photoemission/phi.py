"""PHI files (.spe, .pro; Quantum, VersaProbe): a header in words, and the spectra behind it in binary.

The header ends with EOFH. Behind it stand four 32-bit words (the second counts the spectra) and 24 words for each: its
number of points (sixth), its unit ("c/s", at byte 56), the type of its numbers ("f4" or "f8", at byte 72), how many
bytes and where (twentieth and twenty-first, counted from behind EOFH). A region is defined in the header by
`SpectralRegDef: n n name Z points step start end ... time pass-energy area`: its time is all of the time at each
energy, for intensity x time is a whole number (checked in three files of two instruments). In a profile (.pro) a
region has one spectrum after another, one for each level of etching (from other people's readers of such files;
none was at hand). Sample tilt and take-off angles are told as settings: they are counted from the surface or from its
normal by different programs.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.photoemission.excitation import EXCITATION_OPTION, source_named
from mossy.readers.photoemission.levels import region_named
from mossy.readers.photoemission.regions import Region, noted_overlaps, only_kind, record_of
from mossy.records import Photoemission, Record

_END = b"EOFH"
_AGAIN = "copy the file from the instrument again"
_WORDS = 24
_SETTINGS = ("StagePosition", "SourceAnalyserAngle", "XrayBeamDiameter", "XrayPower", "SputterIon", "SputterEnergy")


class _Definition(NamedTuple):
    name: str
    points: int
    start: float
    end: float
    time: float
    pass_energy: float


def sniff(path: Path, head: bytes) -> bool:
    """The word SOFH, alone on the first line."""
    return re.match(rb"SOFH\s*\r?\n", head) is not None


def read(path: Path, request: Request) -> list[Record]:
    """The regions of a file; those of a profile one after the other level."""
    data = read_bytes(path)
    place = data.find(_END)
    if place < 0:
        raise InputError("its header does not end (no EOFH): it is cut short", remedy=_AGAIN)
    entries, definitions = _header(data[:place].decode("latin-1"))
    technique = entries.get("Technique", "XPS").upper()
    if technique not in ("XPS", "UPS"):
        raise InputError(f"holds {technique}, no photoelectron spectra", remedy="give a file of XPS or UPS")
    body = data[place + len(_END) :]
    body = body[2:] if body.startswith(b"\r\n") else body[1:]
    spectra = _spectra(body)
    if len(spectra) != len(definitions):
        problem = f"its header defines {len(definitions)} regions, behind it are {len(spectra)} spectra"
        raise InputError(problem, remedy="export one area of the sample by itself")
    found: list[Photoemission] = []
    for number, (definition, (unit, values)) in enumerate(zip(definitions, spectra, strict=True), 1):
        found += _records(number, definition, unit, values, entries, request)
    return only_kind(noted_overlaps(found), request)


def _header(text: str) -> tuple[dict[str, str], list[_Definition]]:
    entries: dict[str, str] = {}
    definitions = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "SpectralRegDef":
            definitions.append(_definition(value))
        else:
            entries[name.strip()] = value.strip()
    if not definitions:
        raise InputError("its header defines no region", remedy=_AGAIN)
    return entries, definitions


def _definition(value: str) -> _Definition:
    """The name may hold blanks: the numbers before and behind it are counted from both ends."""
    match = re.fullmatch(r"\s*\d+\s+\d+\s+(.*?)\s+(\d+)\s+(\d+)((?:\s+-?[\d.]+){7})\s+\S+\s*", value)
    if match is None:
        raise InputError(f"the region '{value.strip()[:60]}' cannot be read", remedy=_AGAIN)
    step, start, end, *_, time, pass_energy = (float(word) for word in match[4].split())
    points = int(match[3])
    if points < 2 or abs(start + step * (points - 1) - end) > 0.51 * abs(step):
        problem = f"region {match[1]}: {points} points of {step} eV do not lead from {start} to {end} eV"
        raise InputError(problem, remedy=_AGAIN)
    return _Definition(match[1], points, start, start + step * (points - 1), time, pass_energy)


def _spectra(body: bytes) -> list[tuple[str, np.ndarray]]:
    """(unit, values of shape (spectra, points)) of each region."""
    try:
        _, count, _, first = struct.unpack_from("<4I", body)
        found = []
        for number in range(count):
            place = first + 4 * _WORDS * number
            words = struct.unpack_from(f"<{_WORDS}I", body, place)
            unit, kind = (body[place + at : place + at + 4].split(b"\0")[0].decode("latin-1") for at in (56, 72))
            points, size, start = words[5], words[19], words[20]
            if kind not in ("f4", "f8") or not points or size % (points * int(kind[1])) or start + size > len(body):
                problem = f"spectrum {number + 1}: {size} bytes of '{kind}' at {start} are not {points} points"
                raise InputError(f"{problem}, or the file ends before", remedy=_AGAIN)
            values = np.frombuffer(body, dtype=f"<{kind}", count=size // int(kind[1]), offset=start)
            found.append((unit, values.astype(float).reshape(-1, points)))
    except struct.error:
        raise InputError("ends within the table of its spectra: it is cut short", remedy=_AGAIN) from None
    return found


def _records(
    number: int, definition: _Definition, unit: str, values: np.ndarray, entries: dict[str, str], request: Request
) -> list[Photoemission]:
    where = f"region {number} ('{definition.name}'): "
    profile = "PROFILE" in entries.get("FileType", "").upper()
    if values.shape[1] != definition.points or (len(values) > 1 and not profile):
        problem = f"{where}{len(values)} x {values.shape[1]} points where the header has {definition.points}"
        raise InputError(problem, remedy=_AGAIN)
    if unit not in ("c/s", "c"):
        raise InputError(f"{where}intensities in '{unit}', not in c/s", remedy="export it in counts per second")
    energy = np.round(np.linspace(definition.start, definition.end, definition.points), 6)
    found = []
    for level, intensity in enumerate(values):
        metadata = _metadata(definition, entries) | ({"etch_level": level} if profile else {})
        found.append(record_of(Region(energy, intensity, "binding", unit == "c/s", where, metadata), request))
    return found


def _metadata(definition: _Definition, entries: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"method": entries.get("Technique", "XPS").upper(), **region_named(definition.name)}
    texts = {"sample": "FileDesc", "instrument": "InstrumentModel", "experiment": "ExperimentID"}
    found |= {key: entries[name] for key, name in texts.items() if entries.get(name, "none") not in ("", "none")}
    source = re.fullmatch(r"(\S+)\s+([\d.]+)\b.*", entries.get("XraySource", ""))
    if source:
        found["excitation_energy_electronvolt"] = float(source[2])
        if source_named(source[1]):
            found["excitation_source"] = source_named(source[1])
    work = re.match(r"([\d.]+)\s*eV", entries.get("AnalyserWorkFcn", ""))
    if work:
        found["analyser_work_function_electronvolt"] = float(work[1])
    sputtered = re.match(r"([\d.]+)\s*(s|min)\b", entries.get("PreAcqSputterTime", ""))
    if sputtered and float(sputtered[1]) > 0.0:
        found["sputter_time_second"] = float(sputtered[1]) * (60.0 if sputtered[2] == "min" else 1.0)
    shift = re.fullmatch(r"(?!none)(.*\S)\s+(-?[\d.]+)", entries.get("EnergyReference", ""))
    if shift and float(shift[2]):
        found["charge_correction_electronvolt"] = float(shift[2])
    date = re.fullmatch(r"(\d{4})\s+(\d{1,2})\s+(\d{1,2})", entries.get("AcqFileDate", ""))
    if date:
        found["start_time"] = f"{int(date[1]):04d}-{int(date[2]):02d}-{int(date[3]):02d}"
    if definition.time > 0.0:
        found |= {"dwell_time_second": definition.time, "sweeps": 1}
    found["pass_energy_electronvolt"] = definition.pass_energy
    settings = {name: entries[name] for name in _SETTINGS if entries.get(name)}
    return found | ({"settings": settings} if settings else {})


READER = Reader("PHI .spe", (".spe", ".pro"), sniff, read, (EXCITATION_OPTION,))
