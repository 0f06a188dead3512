"""VAMAS files (ISO 14976; .vms, PHI MultiPak's .npl): every XPS and UPS block a record, with CasaXPS's fit if any.

Regular and irregular scan modes, empty lines ahead, any extension, latin-1, kinetic or binding scale. Intensities are
counts unless their unit or label says "per second". The work function a block names is told and never subtracted
(`regions`). Blocks of other techniques are named in the warnings.
"""

from __future__ import annotations

import contextlib
import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.photoemission.casa_fit import on_binding_scale, stored_fit
from mossy.readers.photoemission.excitation import EXCITATION_OPTION, source_named
from mossy.readers.photoemission.levels import region_named
from mossy.readers.photoemission.regions import Region, noted_overlaps, only_kind, record_of, told
from mossy.readers.photoemission.vamas_lines import START, Block, File, parse
from mossy.records import Photoemission, Record

_METHODS = ("XPS", "UPS")
_PER_SECOND = re.compile(r"c/s|cps|counts?\s*(?:/|per)\s*s|hz", re.IGNORECASE)
_NOTHING = ("", "not specified", "none", "unknown", "n/a")


def sniff(path: Path, head: bytes) -> bool:
    """The name of the format, after empty lines at most; a .vms that lacks it is told so, not read as a table."""
    return begins(head) or (path.suffix.lower() == ".vms" and b"\0" not in head)


def begins(head: bytes) -> bool:
    """Whether a file begins with the name of the format."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(START.encode())


def read(path: Path, request: Request) -> list[Record]:
    """The spectra of a file, in its order."""
    data = read_bytes(path)
    if not begins(data[:1024]):
        problem = f"does not begin with '{START}...': it is a piece of a VAMAS file, or none"
        raise InputError(problem, remedy="give the whole file, as the instrument or CasaXPS wrote it")
    text = data.decode("latin-1").removeprefix("\xef\xbb\xbf").replace("\0", "")
    file = parse(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"))
    mine = [block for block in file.blocks if block.technique.upper() in _METHODS]
    others = [block for block in file.blocks if block not in mine]
    if not mine:
        kinds = ", ".join(sorted({block.technique for block in others})) or "no blocks"
        raise InputError(f"holds {kinds}, no XPS or UPS spectra", remedy="give a file of photoelectron spectra")
    found = [_record(block, file, request) for block in mine]
    if others:
        listed = ", ".join(f"{block.number} ({block.technique})" for block in others[:5])
        warning = f"blocks of other techniques were not read: {listed}" + (" and more" if len(others) > 5 else "")
        found = [told(each, warning) for each in found]
    return only_kind(noted_overlaps(found), request)


def _record(block: Block, file: File, request: Request) -> Photoemission:
    label, unit = block.labels[0]
    scale = next((each for each in ("kinetic", "binding") if each in label.lower()), None)
    where = f"block {block.number} ('{block.name}'): "
    if scale is None or unit.strip() not in ("eV", "ev", "EV"):
        problem = f"{where}its abscissa is '{label}' in '{unit}', not a kinetic or binding energy in eV"
        raise InputError(problem, remedy="export it over an energy scale")
    said = f"{block.labels[1][1]} {block.labels[1][0]} {block.name}"
    region = Region(
        block.columns[0],
        block.columns[1],
        scale,
        _PER_SECOND.search(said) is not None,
        where,
        _metadata(block, file),
    )
    for (name, _), values in list(zip(block.labels, block.columns, strict=True))[2:]:
        if "transmission" in name.lower() and region.transmission is None and np.isfinite(values).all():
            region.transmission = values
        else:
            region.metadata.setdefault("columns_not_read", []).append(name)
    _settle_time(block, region)
    if "pulse" not in block.signal_mode.lower():
        region.warnings.append(f"the signal is '{block.signal_mode}', not counted pulses: no Poisson error")
    try:
        fit = stored_fit(block.comments)
    except InputError as error:
        fit = None
        region.warnings.append(f"a fit of CasaXPS was not read: {error.problem}")
    record = record_of(region, request)
    return _with_fit(record, fit) if fit else record


def _with_fit(record: Photoemission, fit: dict[str, Any]) -> Photoemission:
    photon = record.metadata.get("excitation_energy_electronvolt")
    table = record.table
    if photon is None:
        return told(record, "a fit of CasaXPS was not read: its kinetic energies need the photon energy")
    intensity = table[next(name for name in table.columns if name.startswith("intensity"))].to_numpy()
    try:
        fit = on_binding_scale(fit, photon, table["binding_energy_electronvolt"].to_numpy(), intensity)
    except InputError as error:
        return told(record, f"a fit of CasaXPS was not read: {error.problem}")
    record = Photoemission(table, record.metadata | {"fit": fit})
    shift = fit.get("shift_electronvolt", 0.0)
    if shift:
        warning = (
            f"CasaXPS adds {shift:+.6g} eV to these binding energies when it shows them; here they are as measured"
        )
        record = told(record, warning)
    return record


def _settle_time(block: Block, region: Region) -> None:
    """Dwell time and sweeps; 1 s and 1 sweep beside counts per second are what exports write for want of them."""
    dwell, sweeps = block.numbers.get("dwell time", 0.0), block.numbers.get("sweeps", 0.0)
    if dwell <= 0.0 or sweeps < 1.0 or (region.per_second and dwell == sweeps == 1.0):
        return
    region.metadata |= {"dwell_time_second": dwell, "sweeps": int(sweeps)}


def _metadata(block: Block, file: File) -> dict[str, Any]:
    numbers = block.numbers
    line = f"{block.species}{block.transition}"
    name = region_named(line if block.transition else block.species or block.name)
    if "element" not in name and name.get("region") != "survey":
        name = region_named(block.name) if "element" in region_named(block.name) else name
    known: dict[str, Any] = {
        "sample": block.sample,
        "block": block.name,
        "instrument": file.entries["instrument"],
        "experiment": file.entries["experiment"],
        "comments": "\n".join(each for each in file.comments if each),
    }
    found = {key: value for key, value in known.items() if value.strip().lower() not in _NOTHING} | name
    found["method"] = block.technique.upper()
    for entry, key in _NUMBERS.items():
        if numbers.get(entry, 0.0) != 0.0:
            found[key] = numbers[entry]
    source = source_named(block.source)
    if source:
        found["excitation_source"] = source
    angle = _emission_angle(numbers)
    if angle is not None:
        found["emission_angle_degree"] = angle
    with contextlib.suppress(ValueError, OverflowError):  # exports shuffle the date, or write -1 or 0 for want of it
        year, month, day, hour, minute, second = (int(part) for part in block.date[:6])
        found["start_time"] = datetime(year, month, day, hour, minute, second).isoformat()
    return found | _variables(block)


_NUMBERS = {
    "photon energy": "excitation_energy_electronvolt",
    "pass energy": "pass_energy_electronvolt",
    "work function": "analyser_work_function_electronvolt",
}


def _variables(block: Block) -> dict[str, Any]:
    """The experimental variables: the time of sputtering where one is called so, all of them as settings."""
    found: dict[str, Any] = {}
    settings = {f"{label} ({unit})": value for label, (unit, value) in block.variables.items() if abs(value) < 1e36}
    if settings:
        found["settings"] = settings
    for label, (unit, value) in block.variables.items():
        if re.search(r"etch|sputter", label, re.IGNORECASE) and unit.strip() in ("s", "sec"):
            found["sputter_time_second"] = value
        elif re.search(r"etch\s*level", label, re.IGNORECASE):
            found["etch_level"] = int(value)
    return found


def _emission_angle(numbers: dict[str, float]) -> float | None:
    """The angle between the analyser's axis and the sample's normal; exports write 0 where they do not know."""
    polar, azimuth = numbers.get("polar angle", 0.0), numbers.get("azimuth", 0.0)
    if polar == 0.0:
        return None
    tilt, turned = numbers.get("tilt", 0.0), numbers.get("tilt azimuth", 0.0)
    first, second, between = math.radians(polar), math.radians(tilt), math.radians(azimuth - turned)
    cosine = math.cos(first) * math.cos(second) + math.sin(first) * math.sin(second) * math.cos(between)
    return round(math.degrees(math.acos(max(-1.0, min(1.0, cosine)))), 3)


READER = Reader("VAMAS .vms", (".vms", ".npl", ".vamas"), sniff, read, (EXCITATION_OPTION,))
