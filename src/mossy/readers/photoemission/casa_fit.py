"""The fit that CasaXPS keeps in the comment lines of a VAMAS block, read completely.

After the line "Casa Info Follows" stand four lists, each behind its length: what was done to the data (`Calib`,
`KECalib`, `TransmissionSet`, `InCalib`, `Sm`...), annotations of two lines each, regions, components. Areas are in
counts/s x eV, widths in eV, and limits of regions and positions of components are kinetic energies.

Two traps. CasaXPS never moves the energies in the file: a `Calib` line ("M = measured A = aligned") says by how much
it moves them when it shows them, and the positions are those of the moved spectrum, unless the line has the words
`Regions` or `Comps`, by which they were moved back. A range for M ("M = 282.4,283.5") stands for the largest intensity
within it, on the scale as moved so far. The meaning of the entries was checked against files with the numbers that
CasaXPS shows for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mossy.errors import InputError

HEADING = "Casa Info Follows"
_WORDS = re.compile(r"\(\*(.*?)\*\)|(\S+)")
_CALIBRATION = re.compile(r"Calib\s+M\s*=\s*(\S+)\s+A\s*=\s*(\S+)\s*(.*)")


def stored_fit(comments: Sequence[str]) -> dict[str, Any] | None:
    """What the comment lines of a block hold of CasaXPS's work, its energies kinetic as written; None without any.

    >>> fit = stored_fit(["Casa Info Follows", "1", "Calib M = 285.1 A = 284.8 BE ADD", "0", "0", "0"])
    >>> fit["energy_calibrations"][0]["measured_electronvolt"], fit["components"]
    ([285.1], [])
    """
    place = next((index for index, line in enumerate(comments) if line.strip().startswith(HEADING)), None)
    if place is None:
        return None
    lists, rest = [], list(comments[place + 1 :])
    for height in (1, 2, 1, 1):
        if not rest or not re.fullmatch(r"\d{1,4}", rest[0].strip()):
            raise InputError(f"a list of CasaXPS's comment starts with '{(rest or [''])[0][:40]}', not with its length")
        count = int(rest[0]) * height
        if len(rest) < count + 1:
            raise InputError("CasaXPS's comment ends within a list")
        lists.append([line.strip() for line in rest[1 : count + 1]])
        rest = rest[count + 1 :]
    if not any(lists):
        return None
    steps, annotations, regions, components = lists
    return {
        "software": "CasaXPS",
        "area_unit": "counts/s*eV",
        "components": [_component(line) for line in components],
        "regions": [_region(line) for line in regions],
        "energy_calibrations": [_calibration(line) for line in steps if line.startswith("Calib")],
        "intensity_calibrations": [each for each in map(_intensity, steps) if each],
        "processing": steps,
        "annotations": [line for line in annotations if line],
    }


def _words(line: str, opening: str) -> list[str]:
    if not line.startswith(opening):
        raise InputError(f"'{line[:40]}' where CasaXPS writes '{opening}'")
    return [named if plain == "" else plain for named, plain in _WORDS.findall(line[len(opening) :])]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"'{word[:40]}' where CasaXPS writes a number") from None


def _region(line: str) -> dict[str, Any]:
    words = _words(line, "CASA region")
    if len(words) < 16:
        raise InputError(f"a region of CasaXPS has {len(words)} entries, not 16")
    numbers = [_number(word) for word in (*words[2:12], *words[13:16])]
    return {
        "name": words[0],
        "background": words[1],
        "kinetic_start_electronvolt": numbers[0],
        "kinetic_end_electronvolt": numbers[1],
        "rsf": numbers[2],
        "averaging_width": numbers[3],
        "start_offset_percent": numbers[4],
        "end_offset_percent": numbers[5],
        "cross_section": numbers[6:10],
        "tag": words[12],
        "mass": numbers[10],
        "rsf_effective": numbers[12],
    }


def _component(line: str) -> dict[str, Any]:
    words = _words(line, "CASA comp")
    if len(words) < 3:
        raise InputError("a component of CasaXPS without entries")
    found: dict[str, Any] = {"name": words[0], "shape": words[1]}
    for key, (name, keyword) in _VALUES.items():
        value, least, most, link, factor = (_number(word) for word in _after(words, keyword, 5))
        found[name] = value
        found.setdefault("constraints", {})[key] = {
            "minimum": least,
            "maximum": most,
            "linked_to": int(link) if link >= 0 else None,
            "factor": factor,
        }
    for name, keyword in (("rsf", "RSF"), ("mass", "MASS"), ("uncorrected_rsf", "UNCORRECTEDRSF")):
        if keyword in words:
            found[name] = _number(_after(words, keyword, 1)[0])
    if "INDEX" in words:
        index, tag = _after(words, "INDEX", 2)
        found |= {"index": int(_number(index)), "tag": tag}
    if "CONST" in words:
        found["constant"] = _after(words, "CONST", 1)[0]
    return found


_VALUES = {
    "area": ("area", "Area"),
    "width": ("width_electronvolt", "MFWHM"),
    "position": ("kinetic_position_electronvolt", "Position"),
}


def _after(words: list[str], keyword: str, count: int) -> list[str]:
    """The entries behind a keyword; the name and the shape, which stand first, are not searched."""
    place = words.index(keyword, 2) + 1 if keyword in words[2:] else len(words)
    if len(words) < place + count:
        raise InputError(f"a component of CasaXPS without {count} entries behind {keyword}")
    return words[place : place + count]


def _calibration(line: str) -> dict[str, Any]:
    match = _CALIBRATION.fullmatch(line)
    if match is None:
        raise InputError(f"CasaXPS's calibration '{line[:40]}' cannot be read")
    flags = match[3].upper().split()
    return {
        "measured_electronvolt": [_number(word) for word in match[1].split(",")],
        "aligned_electronvolt": _number(match[2]),
        "scale": "binding" if "BE" in flags or "KE" not in flags else "kinetic",
        "operation": "addition" if "ADD" in flags or len(flags) < 2 else " ".join(flags),
        "moved_regions": "REGIONS" in flags,
        "moved_components": "COMPS" in flags,
    }


def _intensity(line: str) -> dict[str, float] | None:
    """A correction of the intensities by a power of the energy, by a transmission column (its number), or by both."""
    words = line.split()
    if words[:1] == ["KECalib"] and len(words) == 2:
        return {"power": _number(words[1]), "transmission_column": 0}
    if words[:1] == ["TransmissionSet"] and len(words) == 3:
        return {"power": 0.0, "transmission_column": int(_number(words[2]))}
    if words[:1] == ["InCalib"] and len(words) == 3:
        return {"power": _number(words[1]), "transmission_column": int(_number(words[2]))}
    return None


def on_binding_scale(fit: dict[str, Any], photon: float, binding: np.ndarray, intensity: np.ndarray) -> dict[str, Any]:
    """The fit with its energies also as binding energies on the scale of the file, as measured.

    Adds `position_electronvolt` to components, `start_electronvolt` and `end_electronvolt` to regions,
    `shift_electronvolt` to calibrations (what CasaXPS adds to binding energies when it shows them).
    """
    total, of_regions, of_components, calibrations = 0.0, 0.0, 0.0, []
    for each in fit["energy_calibrations"]:
        shift = _shift(each, photon, binding + total, intensity)
        total += shift
        of_regions += 0.0 if each["moved_regions"] else shift
        of_components += 0.0 if each["moved_components"] else shift
        calibrations.append(each | {"shift_electronvolt": round(shift, 9)})
    components = [
        each | {"position_electronvolt": round(photon - each["kinetic_position_electronvolt"] - of_components, 9)}
        for each in fit["components"]
    ]
    regions = [
        each
        | {
            f"{end}_electronvolt": round(photon - each[f"kinetic_{end}_electronvolt"] - of_regions, 9)
            for end in ("start", "end")
        }
        for each in fit["regions"]
    ]
    known = {"shift_electronvolt": round(total, 9)} if calibrations else {}
    return fit | {"components": components, "regions": regions, "energy_calibrations": calibrations} | known


def _shift(calibration: dict[str, Any], photon: float, binding: np.ndarray, intensity: np.ndarray) -> float:
    measured, aligned = calibration["measured_electronvolt"], calibration["aligned_electronvolt"]
    if calibration["scale"] == "kinetic":
        binding, sign = photon - binding, -1.0
    else:
        sign = 1.0
    if len(measured) == 1:
        return float(sign * (aligned - measured[0]))
    within = (binding >= min(measured)) & (binding <= max(measured))
    if not within.any():
        raise InputError(
            f"CasaXPS aligned a peak between {measured[0]} and {measured[1]} eV, where there are no points"
        )
    peak = binding[within][np.argmax(intensity[within])]
    return float(sign * (aligned - peak))
