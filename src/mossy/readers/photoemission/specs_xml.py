"""SPECS SpecsLab2 files (.xml): regions in groups, the counts of every channel of the detector apart.

A detector of several channels sees at each step one energy in each: kinetic energy + shift x pass energy, `shift` of
the channel. The steps ahead of and behind the region (`mcd_head`, `mcd_tail`) are those shifts in whole steps, so each
channel is moved by its whole number of steps and the counts are added: they stay whole numbers, with Poisson errors,
and no energy is off by more than half a step. Scans of a cycle are added up, cycles are records of their own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.photoemission.excitation import EXCITATION_OPTION, source_named
from mossy.readers.photoemission.levels import region_named
from mossy.readers.photoemission.regions import Region, noted_overlaps, only_kind, record_of
from mossy.records import Photoemission, Record

_AGAIN = "export it again from SpecsLab"
_DOCTYPE = re.compile(r"<!DOCTYPE\s+\w+\s*\[.*?\]\s*>", re.DOTALL)


def sniff(path: Path, head: bytes) -> bool:
    """XML of SpecsLab's serializer."""
    return head.lstrip().startswith(b"<?xml") and b"specs.de/Serializer" in head


def read(path: Path, request: Request) -> list[Record]:
    """The regions of every group that hold counts."""
    text = read_bytes(path).decode("latin-1")
    if "<!ENTITY" in text:
        raise InputError("defines entities, which no file of SpecsLab does", remedy=_AGAIN)
    try:
        root = ElementTree.fromstring(_DOCTYPE.sub("", text, count=1))
    except ElementTree.ParseError as error:
        raise InputError(f"is not whole ({error})", remedy=_AGAIN) from None
    found: list[Photoemission] = []
    for group in _of_type(root, "RegionGroup"):
        for region in _of_type(group, "RegionData"):
            for cycle, element in enumerate(_of_type(region, "Cycle")):
                counts = [_numbers(each) for each in element.iter("ulong") if each.get("type_name") == "Counts"]
                if counts:
                    found.append(_record(region, element, counts, _text(group, "name"), cycle, request))
    if not found:
        raise InputError("holds no region with counts", remedy="give a file of spectra")
    return only_kind(noted_overlaps(found), request)


def _of_type(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in element.iter("struct") if each.get("type_name") == name]


def _text(element: ElementTree.Element, name: str) -> str:
    """The text of the child of a name, or nothing."""
    found = next((child for child in element if child.get("name") == name), None)
    return (found.text or "").strip() if found is not None else ""


def _number(element: ElementTree.Element, name: str) -> float:
    text = _text(element, name)
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{text[:40]}' where a region has its {name}", remedy=_AGAIN) from None


def _numbers(element: ElementTree.Element) -> np.ndarray:
    try:
        return np.array((element.text or "").split(), dtype=float)
    except ValueError:
        raise InputError("a word stands among the counts of a region", remedy=_AGAIN) from None


def _record(
    region: ElementTree.Element,
    cycle: ElementTree.Element,
    counts: list[np.ndarray],
    group: str,
    number: int,
    request: Request,
) -> Photoemission:
    name = _text(region, "name")
    where = f"region '{name}': "
    definition = _of_type(region, "RegionDef")[0]
    step, start = _number(definition, "scan_delta"), _number(definition, "kinetic_energy")
    points, head = int(_number(definition, "values_per_curve")), int(_number(region, "mcd_head"))
    shifts = [_number(each, "shift") for each in _of_type(region, "Detector")] or [0.0]
    moved = [round(shift * _number(definition, "pass_energy") / step) for shift in shifts]
    steps = points + head + int(_number(region, "mcd_tail"))
    total = np.zeros(points)
    for scan in counts:
        if len(scan) != steps * len(shifts):
            problem = f"{where}{len(scan)} counts where {steps} steps of {len(shifts)} channels should be"
            raise InputError(problem, remedy=_AGAIN)
        channels = scan.reshape(steps, len(shifts))
        for channel, shift in enumerate(moved):
            first = head - shift
            if first < 0 or first + points > steps:
                problem = f"{where}channel {channel + 1} does not cover the region"
                raise InputError(problem, remedy=_AGAIN)
            total += channels[first : first + points, channel]
    metadata = _metadata(region, definition, group, len(counts)) | _when(cycle)
    metadata["settings"] |= {"cycle": number, "channels": len(shifts)}
    found = Region(np.round(start + step * np.arange(points), 6), total, "kinetic", False, where, metadata)
    found.transmission = _transmission(region, points)
    return record_of(found, request)


def _transmission(region: ElementTree.Element, points: int) -> np.ndarray | None:
    element = next((child for child in region if child.get("name") == "transmission"), None)
    values = next((_numbers(each) for each in element.iter("double")), None) if element is not None else None
    return values if values is not None and len(values) == points else None


def _when(cycle: ElementTree.Element) -> dict[str, str]:
    seconds = _text(cycle, "time")
    return {"start_time": datetime.fromtimestamp(int(seconds), UTC).isoformat()} if seconds.isdecimal() else {}


def _metadata(region: ElementTree.Element, definition: ElementTree.Element, group: str, scans: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "method": (_text(definition, "analysis_method") or "XPS").upper(),
        **region_named(_text(region, "name")),
        "excitation_energy_electronvolt": _number(definition, "excitation_energy"),
        "pass_energy_electronvolt": _number(definition, "pass_energy"),
        "analyser_work_function_electronvolt": _number(definition, "effective_workfunction"),
        # every channel spends the dwell time at each energy, so a rate in counts/s is that of all channels together
        "dwell_time_second": _number(definition, "dwell_time"),
        "sweeps": scans,
    }
    anode = next((each.text or "" for each in region.iter("enum") if each.get("type_name") == "Anode"), "")
    if source_named(anode):
        found["excitation_source"] = source_named(anode)
    analyser = next((_text(each, "name") for each in _of_type(region, "AnalyzerInfo")), "")
    if analyser:
        found["instrument"] = analyser
    if group:
        found["sample"] = group
    names = {"analyzer_lens": "Analyzer Lens", "analyzer_slit": "Analyzer Slit"}
    return found | {"settings": {said: _text(definition, key) for key, said in names.items() if _text(definition, key)}}


READER = Reader("SPECS .xml", (".xml",), sniff, read, (EXCITATION_OPTION,))
