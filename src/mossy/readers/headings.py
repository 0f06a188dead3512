"""Column headings as people and instruments write them -> machine names and the way to their units.

A heading is a quantity and a unit: "Ewe/V", "<I>/mA", "Voltage / V", "Frequency (Hz)", "Z'' [ohm]", "test_time_ms".
A quantity that has a unit is recognised only together with a unit that fits it: a bare "time" could be minutes.
German headings are known too. What a record does not keep (`DERIVED`: angular frequency, admittance, a modulus per
area, a counter of charge whose scope the heading does not say) has a name that starts with two underscores;
`mossy.readers.derived` and `mossy.readers.counters` make the columns of a record of it.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from mossy.errors import InputError
from mossy.readers.charge_names import COUNTERS, counter_named
from mossy.records import known_names, unit_of
from mossy.units import convert


@dataclass(frozen=True)
class Heading:
    """A machine name, and value = written * scale + offset in the unit of that name."""

    name: str
    scale: float = 1.0
    offset: float = 0.0


DERIVED = {
    "__angular_frequency": "rad/s",
    "__real_admittance": "S",
    "__imaginary_admittance": "S",
    "__real_admittance_per_area": "S/cm^2",
    "__imaginary_admittance_per_area": "S/cm^2",
    "__absolute_impedance_ohm_cm2": "ohm*cm^2",
    **COUNTERS,
}
"""Quantities that columns of a record are made of, and their units."""
_PER_AREA = {
    **{f"{part}_impedance_ohm": f"{part}_impedance_ohm_cm2" for part in ("real", "imaginary")},
    "absolute_impedance_ohm": "__absolute_impedance_ohm_cm2",
    **{f"__{part}_admittance": f"__{part}_admittance_per_area" for part in ("real", "imaginary")},
}
_QUANTITIES = {
    "test_time_second": "testtime time t elapsedtime totaltime testtimes zeit",
    "step_time_second": "steptime",
    "unix_time_second": "unixtime datetime",
    "voltage_volt": "voltage potential e u v ewe ecell cellvoltage cellpotential spannung",
    "current_ampere": "current i strom",
    "cycle_count": "cycle cyclenumber cycleindex cyclecount cycledimensionless",
    "step_count": "stepcount stepdimensionless",
    "step_id": "step stepid stepindex stepnumber ns",
    "half_cycle_count": "halfcycle",
    "power_watt": "power p",
    "net_capacity_ah": "netcapacity qqo",
    "ambient_temperature_celsius": "ambienttemperature",
    "temperature_t1_celsius": "temperature temp temperatur",
    "frequency_hertz": "frequency freq f frequenz",
    "real_impedance_ohm": "realimpedance z' zre zreal rez re(z) re zs' zprime realteil realteilz realteil(z)",
    "imaginary_impedance_ohm": "imaginaryimpedance z'' zim zimg zimag imz im(z) im zs'' zdoubleprime "
    "imagin\u00e4rteil imagin\u00e4rteilz imagin\u00e4rteil(z) imaginaerteil imaginaerteilz imaginaerteil(z)",
    "absolute_impedance_ohm": "absoluteimpedance impedance z |z| zmod modulus impedanz betrag scheinwiderstand",
    "phase_degree": "phase phase(z) phaseangle zphase zphz theta phasenwinkel phasenverschiebung",
    "__angular_frequency": "omega \u03c9 angularfrequency circularfrequency radialfrequency kreisfrequenz",
    "__real_admittance": "realadmittance y' yre yreal rey re(y) conductance g",
    "__imaginary_admittance": "imaginaryadmittance y'' yim yimg yimag imy im(y) susceptance b",
    "position_um": "position distance depth x",
    "concentration_mol_per_L": "concentration saltconcentration c",
    "plating_current_density_mA_per_cm2": "platingcurrentdensity",
}
_NAMES = {word: name for name, words in _QUANTITIES.items() for word in words.split()}
_UNITS = {
    **dict.fromkeys(("v", "volt", "volts"), "V"),
    **dict.fromkeys(("a", "amp", "amps", "ampere"), "A"),
    **dict.fromkeys(("ma",), "mA"),
    **dict.fromkeys(("mv",), "mV"),
    **dict.fromkeys(("hz", "HZ", "hertz"), "Hz"),
    **dict.fromkeys(("KHz", "khz", "KHZ"), "kHz"),
    **dict.fromkeys(("Sec", "sec", "secs", "SEC", "S"), "s"),
    **dict.fromkeys(("Mins", "mins", "Min"), "min"),
    **dict.fromkeys(("hrs", "Hr", "Hrs", "H"), "h"),
    **dict.fromkeys(("ah", "ampere_hour", "A.h"), "A*h"),
    **dict.fromkeys(("mah", "mAH", "mA.h"), "mA*h"),
    **dict.fromkeys(("AH",), "A*h"),
    **dict.fromkeys(("uAh", "uah", "\u00b5Ah", "\u03bcAh"), "uA*h"),
    **dict.fromkeys(("As", "A.s"), "A*s"),  # pint's As is an attosecond
    **dict.fromkeys(("mAs", "mA.s"), "mA*s"),
    **dict.fromkeys(("mWh", "mwh"), "mW*h"),
    **dict.fromkeys(("Ws", "W.s"), "W*s"),
    **dict.fromkeys(("mWs", "mW.s"), "mW*s"),
    **dict.fromkeys(("wh", "watt_hour", "W.h"), "W*h"),
    **dict.fromkeys(("w",), "W"),
    **dict.fromkeys(("ohms", "Ohm", "Ohms", "OHM", "\u03a9", "\u2126"), "ohm"),
    **dict.fromkeys(("pa", "pascal"), "Pa"),
    **dict.fromkeys(("deg", "\u00b0", "grad", "Grad"), "degree"),  # German: pint's grad is a hundredth of a right angle
}
_SIEMENS = {
    **dict.fromkeys(("S", "Siemens", "1/ohm", "1/Ohm", "1/\u03a9", "\u03a9-1", "\u03a9^-1"), "S"),
    **dict.fromkeys(
        ("S/cm2", "S/cm\u00b2", "S cm-2", "S cm^-2", "S.cm-2", "S*cm^-2", "S\u00b7cm\u207b\u00b2"), "S/cm^2"
    ),
}
_OF_PARTICLES = frozenset(("e", "ev", "kev", "mev", "gev"))
"""Units of charge and energy that no cycler counts in."""
_PER_SECOND = {"1/s", "s-1", "s^-1", "1/sec", "s\u207b\u00b9"}

_CELSIUS = {"c", "C", "\u2103", "\u00b0C", "\u00b0c", "degC", "degc", "oC", "deg C", "celsius"}
_OHMS = re.compile(r"([kKmM\u00b5\u03bc]?)(?:[Oo]hms?|\u03a9|\u2126)")
_FACTOR = r"[A-Za-z\u00b5\u03bc]{1,12}(?:\^-?[1-4])?"
_UNIT = re.compile(rf"{_FACTOR}(?: ?[*/ ] ?{_FACTOR}){{0,4}}")  # nothing else of a file's text ever reaches pint
_MINUS = "-\u2212\u2013"
_NEGATED = re.compile(r"[(\[]?(?:negative|neg|minus)[)\]]?")
_SPECTRUM = frozenset(
    ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm", "absolute_impedance_ohm", "phase_degree")
)
_MACHINE_NAMES = frozenset(known_names())


@functools.lru_cache(maxsize=4096)
def recognise(heading: str) -> Heading | None:
    """What a heading says, or None.

    >>> recognise("<I>/mA")
    Heading(name='current_ampere', scale=0.001, offset=0.0)
    >>> recognise("-Im(Z)/Ohm")
    Heading(name='imaginary_impedance_ohm', scale=-1.0, offset=0.0)
    >>> recognise("Z'' (ohm)").name, recognise("time"), recognise("colour / nm")
    ('imaginary_impedance_ohm', None, None)
    """
    text = unicodedata.normalize("NFC", heading).strip().strip("\"'" if heading.count('"') == 2 else " ").strip()
    machine = re.sub(r"\s+", "_", text)
    for exact in (machine, machine.lower()):
        if exact in _MACHINE_NAMES:
            return Heading(exact)
    for quantity, unit in _readings(text):
        found = _match(quantity, unit)
        if found:
            return found
    return None


def recognise_bare(heading: str) -> Heading | None:
    """What a heading of a spectrum says when its unit is missing or was lost ("?"), taken as Hz, ohm or degree.

    >>> recognise_bare("-Zimg"), recognise_bare("Frequency (?)").name, recognise_bare("time")
    (Heading(name='imaginary_impedance_ohm', scale=-1.0, offset=0.0), 'frequency_hertz', None)
    """
    text = unicodedata.normalize("NFC", heading).strip()
    quantity = re.sub(r"[(\[/]\s*[?\ufffd]?\s*[)\]]?\s*$", "", text)
    for unit in ("Hz", "ohm", "degree"):
        found = _match(quantity, unit)
        if found and found.name in _SPECTRUM:
            return found
    return None


def negated(heading: str) -> bool:
    """Whether a heading says by itself that its column has the other sign.

    >>> negated("-Z'' (ohm)"), negated("Zim (negative)"), negated("Z''")
    (True, True, False)
    """
    plain = heading.strip().strip("\"'").strip().lower()
    return plain.startswith(tuple(_MINUS)) or _NEGATED.search(plain) is not None


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """Every way to tell a quantity from a unit in a heading, the likeliest first."""
    bracketed = re.fullmatch(r"(.*?)\s*[(\[]\s*([^()\[\]]*)\s*[)\]]\s*", text)
    if bracketed and bracketed[1]:
        yield bracketed[1], bracketed[2]
    text = text.replace("<", "").replace(">", "")
    for place in (match.start() for match in re.finditer("/", text)):
        yield text[:place], text[place + 1 :]
    for separator in (",", "_"):
        if separator in text:
            quantity, _, unit = text.rpartition(separator)
            yield quantity, unit
    yield text, ""


@functools.lru_cache(maxsize=4096)
def _match(quantity: str, unit: str) -> Heading | None:
    plain = re.sub(r"[\s_.<>]+", "", quantity.lower()).replace('"', "''")
    sign = -1.0 if plain.startswith(tuple(_MINUS)) else 1.0
    plain = plain.lstrip(_MINUS)
    if _NEGATED.search(plain):
        sign, plain = -sign, _NEGATED.sub("", plain)
    name = _NAMES.get(plain) or _NAMES.get(plain.replace("-", "").strip("()")) or _exact(quantity)
    name = name or counter_named(plain)
    if not name or (name in COUNTERS and unit.strip().lower() in _OF_PARTICLES):
        return None
    for each in (name, *([_PER_AREA[name]] if name in _PER_AREA else [])):
        try:
            scale, offset = conversion(unit.strip(), each)
        except InputError:
            continue
        return Heading(each, sign * scale, offset)
    return None


def _exact(quantity: str) -> str:
    """The machine name whose label this is: "Charging Capacity" with a unit apart is charging_capacity_ah."""
    stem = re.sub(r"[\s_]+", "_", quantity.strip().lower())
    return next((name for name in known_names() if name.rpartition("_")[0] == stem and unit_of(name) != "1"), "")


def conversion(unit: str, name: str) -> tuple[float, float]:
    """(scale, offset) from a written unit to that of a machine name; InputError where it does not fit.

    >>> conversion("h", "test_time_second"), conversion("K", "ambient_temperature_celsius")
    ((3600.0, 0.0), (1.0, -273.15))
    """
    target = DERIVED.get(name) or unit_of(name)
    if target == "1":
        if unit in ("", "1", "-", "#"):
            return 1.0, 0.0
        raise InputError(f"{name} is a count and has no unit '{unit}'", remedy="leave the unit out")
    refusal = InputError(f"'{unit}' is not a unit of {name}", remedy=f"give one that converts to {target}")
    if target == "degC":
        if unit in _CELSIUS or unit in ("K", "kelvin"):
            return 1.0, 0.0 if unit in _CELSIUS else -273.15
        raise refusal
    given = (target.startswith("S") and _SIEMENS.get(unit)) or _plain_unit(unit)
    if name == "__angular_frequency" and unit in _PER_SECOND:
        given = target
    if given == target:
        return 1.0, 0.0
    angular = "rad" in given  # pint takes an angle for a number: its 1 rad/s is 1 Hz
    if name == "__angular_frequency" and not angular:
        raise refusal
    if not _UNIT.fullmatch(given):
        raise refusal
    try:
        scale = convert(1.0, given, target)
    except Exception:  # noqa: BLE001  pint and the parser beneath it raise a dozen kinds for bad text
        raise refusal from None
    return scale / (2.0 * math.pi) if angular and target == "Hz" else scale, 0.0


def _plain_unit(unit: str) -> str:
    """A unit in pint's spelling: "mA.h" is mA*h, "cm2" is cm^2, "Ohm" is ohm."""
    unit = unit.strip()
    if unit.startswith("(") and unit.endswith(")"):
        unit = unit[1:-1]
    if unit in _UNITS:
        return _UNITS[unit]
    unit = _OHMS.sub(lambda match: match[1].replace("K", "k") + "ohm", unit)
    unit = (
        unit.replace(".", "*").replace("\u00b7", "*").replace("**", "^").replace("\u00b2", "^2").replace("\u00b3", "^3")
    )
    unit = re.sub(r"ohm[- ]?(?=[cm]?m\^?2)", "ohm*", unit)
    return re.sub(r"(?<=[A-Za-z])(-?[1-4])(?![0-9])", r"^\1", unit)
