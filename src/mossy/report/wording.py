"""Numbers, durations and names as people read them. Everything here returns plain text, not HTML."""

from __future__ import annotations

import math
import numbers
import re
from typing import Any

UNKNOWN = "–"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_LADDERS = {
    "V": (0, "V"),
    "mV": (-3, "V"),
    "A": (0, "A"),
    "Hz": (0, "Hz"),
    "nm": (-9, "m"),
    "µm": (-6, "m"),
    "nm/s": (-9, "m/s"),
    "nmol/cm²": (-9, "mol/cm²"),
    "mAh/cm²": (-3, "Ah/cm²"),
    "mA/cm²": (-3, "A/cm²"),
    "mol/L": (0, "mol/L"),
    "Ω": (0, "Ω"),
    "Ω cm²": (0, "Ω cm²"),
    "s": (0, "s"),
    "F": (0, "F"),
}
_UNIT_ENDINGS = {
    "mA_per_cm2": "mA/cm²",
    "mAh_per_cm2": "mAh/cm²",
    "ohm_cm2": "Ω cm²",
    "mol_per_L": "mol/L",
    "nmol_per_cm2": "nmol/cm²",
    "mol_per_cm2": "mol/cm²",
    "ug_per_cm2": "µg/cm²",
    "nm_per_second": "nm/s",
    "celsius": "°C",
    "kelvin": "K",
    "cm2": "cm²",
    "ohm": "Ω",
    "nm": "nm",
    "um": "µm",
    "volt": "V",
    "mV": "mV",
    "second": "s",
    "seconds": "s",
    "s": "s",
    "hertz": "Hz",
}


def known(value: Any) -> float | None:
    """The value as a float where it is a finite number, of whichever library; None for anything else.

    >>> known(2), known(float("nan")), known(True), known("2")
    (2.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        return None
    return float(value)


def power_of_ten(exponent: int) -> str:
    """10 to an integer power, as a person writes it.

    >>> power_of_ten(-5)
    '10⁻⁵'
    """
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def number(value: Any, digits: int = 4) -> str:
    """A number with so many significant digits; a true minus sign, powers of ten written out, a dash where unknown.

    >>> number(-0.01234567), number(20), number(1234.5, 5), number(float("nan"))
    ('−0.01235', '20', '1234.5', '–')
    >>> number(123456.7) == "123\u202f457", number(1.2e-12, 2) == "1.2\u00a0×\u00a010⁻¹²"
    (True, True)
    """
    value = known(value)
    if value is None:
        return UNKNOWN
    if value == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 7:
        decimals = max(0, digits - 1 - exponent)
        text = f"{value:,.{decimals}f}" if exponent > 3 else f"{value:.{decimals}f}"
        text = text.replace(",", "\u202f")
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
    mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
    return f"{mantissa}\u00a0×\u00a0{power_of_ten(exponent)}".replace("-", "−")


def any_value(value: Any) -> str:
    """Whatever a summary may hold, as text: numbers rounded, truth as yes or no, lists joined.

    >>> any_value(0.123456), any_value(True), any_value([1, 2.5]), any_value(None), any_value("1 mol/L")
    ('0.1235', 'yes', '1, 2.5', '–', '1 mol/L')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Real):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(any_value(item) for item in value)
    return str(value)


def percent(fraction: Any, decimals: int = 2) -> str:
    """A fraction in per cent.

    >>> percent(0.98765), percent(None), percent(1.0)
    ('98.77 %', '–', '100.00 %')
    """
    value = known(fraction)
    return UNKNOWN if value is None else f"{100.0 * value:.{decimals}f} %".replace("-", "−")


def with_error(value: Any, error: Any) -> str:
    """A fitted value to the second digit of its standard error.

    >>> with_error(0.3812345, 0.0021), with_error(251.23456, 0.11), with_error(2.0, None)
    ('0.3812', '251.23', '2')
    """
    size, spread = known(value), known(error)
    if not size or not spread:
        return any_value(value)
    digits = 2 + math.floor(math.log10(abs(size))) - math.floor(math.log10(abs(spread)))
    return number(size, min(max(digits, 2), 9))


def time_unit(seconds: float) -> tuple[float, str]:
    """How many seconds the unit that suits a span of time has, and its name.

    >>> time_unit(90), time_unit(7200), time_unit(1e5), time_unit(1e6)
    ((1.0, 's'), (60.0, 'min'), (3600.0, 'h'), (86400.0, 'd'))
    """
    for limit, size, name in ((300.0, 1.0, "s"), (3.0 * 3600.0, 60.0, "min"), (4.0 * 86400.0, 3600.0, "h")):
        if seconds <= limit:
            return size, name
    return 86400.0, "d"


def duration(seconds: Any) -> str:
    """A span or a point of time in the unit that suits it.

    >>> duration(4320), duration(360000), duration(None)
    ('72 min', '4.17 d', '–')
    """
    value = known(seconds)
    if value is None:
        return UNKNOWN
    size, name = time_unit(abs(value))
    return f"{number(value / size, 3)} {name}"


def scaled(peak: float, unit: str) -> tuple[float, str]:
    """What to multiply values of such a size by, and the unit they then have, so that an axis needs no powers of ten.

    >>> scaled(0.05, "V"), scaled(52000.0, "Ω cm²"), scaled(23.0, "nm"), scaled(0.0, "V"), scaled(2e-5, "kg")
    ((1000.0, 'mV'), (0.001, 'kΩ cm²'), (1.0, 'nm'), (1.0, 'V'), (100000.0, '10⁻⁵ kg'))
    """
    if not math.isfinite(peak) or peak == 0.0 or 0.3 <= abs(peak) < 3000.0:
        return 1.0, unit
    exponent = math.floor(math.log10(abs(peak)))
    if unit not in _LADDERS:
        return (1.0, unit) if -2 <= exponent < 4 else (10.0**-exponent, f"{power_of_ten(exponent)} {unit}".strip())
    own, base = _LADDERS[unit]
    wanted = min(max(3 * ((exponent + own) // 3), min(_PREFIXES)), max(_PREFIXES))
    return 10.0 ** (own - wanted), _PREFIXES[wanted] + base


def measure(value: float, unit: str, digits: int = 3) -> str:
    """A value in the unit that suits its size.

    >>> measure(3.2e-4, "V"), measure(0.025, "%"), measure(0.0, "V")
    ('320 µV', '0.025 %', '0 V')
    """
    factor, name = scaled(value, unit) if unit in _LADDERS else (1.0, unit)
    return f"{number(value * factor, digits)} {name}".strip()


def split_label(label: str) -> tuple[str, str]:
    """The name and the unit of an axis label.

    >>> split_label("voltage (V)"), split_label("time / s"), split_label("count")
    (('voltage', 'V'), ('time', 's'), ('count', ''))
    """
    match = re.fullmatch(r"(.*?)\s*(?:\(([^()]+)\)|\s/\s(.+))", label.strip())
    if match is None:
        return label.strip(), ""
    return match[1], tidy_unit(match[2] or match[3])


def tidy_unit(unit: str) -> str:
    """A unit with its typographic signs.

    >>> tidy_unit("ohm cm2"), tidy_unit("mA/cm^2"), tidy_unit("um"), tidy_unit("m^2/s"), tidy_unit("degC")
    ('Ω cm²', 'mA/cm²', 'µm', 'm²/s', '°C')
    """
    unit = unit.strip().replace("**", "^").replace("ohm", "Ω").replace("degC", "°C")
    unit = re.sub(r"\^(-?\d+)|(?<=m)([23])\b", lambda power: (power[1] or power[2]).translate(_SUPERSCRIPT), unit)
    return re.sub(r"\bu(?=[A-Za-z])", "µ", unit)


def quantity_name(key: str) -> str:
    """The name of a quantity and its unit from a key of the summary.

    >>> quantity_name("limiting_current_mA_per_cm2"), quantity_name("area_cm2"), quantity_name("model")
    ('limiting current (mA/cm²)', 'area (cm²)', 'model')
    """
    if key in _UNIT_ENDINGS:
        return f"amount ({_UNIT_ENDINGS[key]})"
    for ending, unit in _UNIT_ENDINGS.items():
        if key.endswith(f"_{ending}"):
            return f"{plain_words(key[: -len(ending) - 1])} ({unit})"
    return plain_words(key)


def plain_words(key: str) -> str:
    """A key as words.

    >>> plain_words("step_limit")
    'step limit'
    """
    return key.replace("_", " ").strip()
