"""What the lines above a table say: settings as the file has them, and the few that mean the same everywhere.

An instrument writes "key: value", "key = value" or a key and its value in two cells. Only what names its unit or has
a meaning that is certain becomes metadata: an area in cm2 or m2, a temperature, the instrument, the start of the test.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LINE = re.compile(r"\s*\"?([A-Za-z][^:=\t;]{0,58}?)\"?\s*(?:[:=\t;])\s*(.*)")
_NUMBER = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*(.*)")
_AREA = re.compile(r"(?:electrode|surface|sample|geometric(?:al)?|active|cell|working)?[ _]*(?:surface[ _]*)?area")
_DATED = re.compile(r"\s*[A-Za-z]{3,9}\.? \d{1,2}, \d{4}")
_SQUARE = {"cm2": 1e-4, "mm2": 1e-6, "m2": 1.0}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_SETTINGS = 400


def settings_in(lines: Iterable[str]) -> dict[str, str]:
    """Key and value of each line that has both, as they are written; of a key written twice, the first.

    >>> settings_in(["A.C. Impedance", "Init E (V) = 0", "Instrument Model:  CHI660E", "Header: "])
    {'Init E (V)': '0', 'Instrument Model': 'CHI660E'}
    """
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line.rstrip()) if len(line) < 400 else None
        value = match[2].strip().strip('"') if match else ""
        if match and value and len(found) < _SETTINGS and not _DATED.match(line):
            found.setdefault(match[1].strip(), value)
    return found


def known(settings: Mapping[str, str]) -> dict[str, Any]:
    """The metadata that settings hold under any of their usual names.

    >>> known({"Electrode area (cm2)": "0,5", "Temperature": "298.15 K", "Instrument Model": "CHI660E"})
    {'electrode_area_square_metre': 5e-05, 'temperature_celsius': 25.0, 'instrument': 'CHI660E'}
    >>> known({"Area": "3", "Temperature": "60"})
    {}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = re.sub(r"[(\[/].*", "", key).strip().lower()
        unit_in_key = re.sub(r".*[(\[/]|[)\]]", "", key).strip() if re.search(r"[(\[/]", key) else ""
        number = _NUMBER.fullmatch(value)
        if name in ("instrument model", "instrument", "device") and value:
            found.setdefault("instrument", value)
        elif number and _AREA.fullmatch(name):
            found |= area(float(number[1].replace(",", ".")), number[2] or unit_in_key)
        elif number and name in ("temperature", "cell temperature", "temp", "chamber temperature"):
            found |= _temperature(float(number[1].replace(",", ".")), number[2] or unit_in_key)
    return found


def described(lines: Sequence[str]) -> dict[str, Any]:
    """The metadata of the lines above a table: settings, what is known of them, the start of the test.

    >>> found = described(["Feb. 20, 2020   15:55:08", "A.C. Impedance", "Instrument Model:  CHI660E"])
    >>> found["start_time"], found["instrument"], found["technique"]
    ('2020-02-20T15:55:08', 'CH Instruments CHI660E', 'A.C. Impedance')
    """
    settings = settings_in(lines)
    found = known(settings)
    lowered = {key.lower(): value for key, value in settings.items()}
    dated = [lowered.get("date", lowered.get("start date", "")) + " " + lowered.get("time", "")]
    dated += [line for line in lines[:10] if len(line) < 40 and not re.match(r"[^\d:]{4,}:", line)]
    start, note = next(((iso, note) for iso, note in map(moment, dated) if iso), ("", ""))
    if start:
        found["start_time"] = start
    if note:
        found["warnings"] = [note]
    if str(found.get("instrument", "")).startswith("CHI") and len(lines) > 1:
        found |= {"instrument": f"CH Instruments {found['instrument']}", "technique": lines[1].strip()}
    return found | ({"settings": settings} if settings else {})


def area(value: float, unit: str) -> dict[str, float]:
    """An electrode area as metadata; nothing where the unit is not one of area or nobody entered it.

    >>> area(1.13, "cm²"), area(0.0, "cm2"), area(2.0, "")
    ({'electrode_area_square_metre': 0.000113}, {}, {})
    """
    plain = unit.strip().lower().replace("\u00b2", "2").replace("^", "")
    if plain not in _SQUARE or not 0.0 < value < 1e12:
        return {}
    return {"electrode_area_square_metre": float(f"{value * _SQUARE[plain]:.9g}")}


def _temperature(value: float, unit: str) -> dict[str, float]:
    plain = unit.strip().lstrip("\u00b0").lower()
    if plain in ("k", "kelvin") and value > 0.0:
        return {"temperature_celsius": round(value - 273.15, 6)}
    if plain in ("c", "degc", "deg c", "oc", "celsius") and value > -273.15:
        return {"temperature_celsius": value}
    return {}


def moment(date: str, time: str = "") -> tuple[str, str]:
    """(ISO 8601, a note where day and month could be the other way round); empty where it is no date.

    Slashes and hyphens put the month first, as instruments under American Windows do, unless that is no month.

    >>> moment("4/23/2018", "16:43:15"), moment("23.04.2018"), moment("Feb. 20, 2020   15:55:08")
    (('2018-04-23T16:43:15', ''), ('2018-04-23T00:00:00', ''), ('2020-02-20T15:55:08', ''))
    >>> moment("10-12-2018", "11:04:34")
    ('2018-10-12T11:04:34', "the date '10-12-2018' was read as month, day, year")
    """
    text = f"{date.strip()} {time.strip()}".strip()
    if len(text) > 80:
        return "", ""
    day, note = _date(text, date.strip())
    clock = re.search(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?", text)
    if day is None:
        return "", ""
    hour, minute, second = (int(clock[place] or 0) for place in (1, 2, 3)) if clock else (0, 0, 0)
    if clock and clock[4]:
        hour = hour % 12 + (12 if clock[4].lower() == "pm" else 0)
    try:
        return datetime.datetime.combine(day, datetime.time(hour, minute, second)).isoformat(), note
    except ValueError:
        return "", ""


def _date(text: str, shown: str) -> tuple[datetime.date | None, str]:
    def valid(year: int, month: int, day: int) -> datetime.date | None:
        try:
            return datetime.date(year, month, day)
        except ValueError:
            return None

    if match := re.search(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", text):
        return valid(int(match[1]), int(match[2]), int(match[3])), ""
    if match := re.search(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        return valid(int(match[3]), int(match[2]), int(match[1])), ""
    if match := re.search(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})", text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        unsure = first <= 12 and second <= 12 and first != second
        note = f"the date '{shown}' was read as month, day, year" if unsure else ""
        return valid(year, first, second) or valid(year, second, first), note
    if match := re.search(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})", text):
        month = match[1].lower()
        return (valid(int(match[3]), _MONTHS.index(month) + 1, int(match[2])) if month in _MONTHS else None), ""
    return None, ""
