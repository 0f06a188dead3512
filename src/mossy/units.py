"""Text with units <-> SI floats. Nothing below this border knows units; nothing above it is without them."""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Annotated, Any

from mossy.errors import InputError

if TYPE_CHECKING:
    import pint

_NUMBER = re.compile(
    r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?nan|[-+]?inf(?:inity)?)\s*(.*)", re.IGNORECASE
)
_HOSTILE = re.compile(r"\d{4}|(\*\*|\^)[^*/\s]*(\*\*|\^)|.{80}")  # pint would raise any integer to any power
_CELSIUS = {"degc", "°c", "celsius", "oc", "degree_celsius"}


@functools.cache
def _registry() -> pint.UnitRegistry:
    import pint

    return pint.UnitRegistry()


@functools.lru_cache(maxsize=4096)
def _ratio(unit: str, target: str) -> tuple[float, float]:
    """What to multiply and to divide by to go from `unit` to `target`, so that 25 um is 2.5e-05 m to the last bit."""
    registry = _registry()
    raw = (1.0 * registry.parse_units(unit or "dimensionless")).to(registry.parse_units(target)).magnitude
    factor = float(f"{raw:.14g}")  # pint's own 1 mol/L is 999.9999999999999 mol/m^3
    return (factor, 1.0) if factor >= 1.0 else (1.0, float(f"{1.0 / factor:.14g}"))


def split(text: str, key: str = "") -> tuple[float, str]:
    """The number and the unit of a text, apart.

    >>> split("1.5 mA/cm^2"), split("25 degC"), split("-3e-2 V")
    ((1.5, 'mA/cm^2'), (25.0, 'degC'), (-0.03, 'V'))
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"'{text}' does not start with a number", key=key, remedy="write a number and a unit")
    return float(match[1]), match[2].strip()


def to_si(value: str | float, unit: str, key: str = "") -> float:
    """A text with a unit as a plain float in the SI `unit` named; a bare number only where the unit is "1".

    Temperatures may be given in degC or K. NaN and infinities are refused.

    >>> to_si("1 mA/cm^2", "A/m^2"), to_si("25 degC", "K"), to_si(0.4, "1"), to_si("1 mol/L", "mol/m^3")
    (10.0, 298.15, 0.4, 1000.0)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{value!r} is not a quantity", key=key, remedy=_example(unit))
    if isinstance(value, str):
        number, given = split(value, key)
    else:
        number, given = float(value), ""
    if not math.isfinite(number):
        raise InputError(f"{value} is not a finite number", key=key, remedy="give a finite number")
    if not given and unit != "1":
        raise InputError(f"{value!r} has no unit", key=key, remedy=_example(unit))
    if unit == "K" and given.lower() in _CELSIUS:
        return number + 273.15
    return _convert(number, given, unit, value, key)


def _convert(number: float, given: str, unit: str, value: object, key: str) -> float:
    try:
        if _HOSTILE.search(given):
            raise ValueError(given)
        return convert(number, given, "dimensionless" if unit == "1" else unit)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001  pint and the parser beneath it raise a dozen kinds for bad text
        known = type(error).__name__ == "DimensionalityError"
        what = "has the wrong unit" if known else f"has a unit that is not known ('{given}')"
        raise InputError(f"'{value}' {what}", key=key, remedy=_example(unit)) from None


def _example(unit: str) -> str:
    shown = {
        "K": "25 degC",
        "1": "0.4 (a plain number)",
        "A/m^2": "1 mA/cm^2",
        "m": "25 um or 5 nm",
        "m^2": "1 cm^2",
        "ohm*m^2": "1 ohm cm^2",
        "F/m^2": "10 uF/cm^2",
        "S/m": "1 S/m",
        "m^2/s": "3e-10 m^2/s",
        "mol/m^3": "1 mol/L",
        "C/m^2": "1 mAh/cm^2",
        "s": "1 h",
        "V": "0.5 V",
        "m^3": "50 uL",
        "m^3/mol": "1e-5 m^3/mol",
        "C/kg": "200 mAh/g",
        "kg/C": "3 g/Ah",
        "kg": "2 g",
        "kg/m^2": "20 mg/cm^2",
        "kg/m^3": "2.7 g/cm^3",
        "C": "5 mAh",
        "Pa": "0.35 MPa",
    }
    return f"write it as in {shown.get(unit, '1 ' + unit)}"


def convert(value: float, unit: str, target: str) -> float:
    """A plain number from one unit to another.

    >>> convert(36000.0, "C/m^2", "mAh/cm^2")
    1.0
    """
    multiply, divide = _ratio(unit, target)
    return value * multiply / divide


class Quantity:
    """A pydantic marker: the field is written as text with a unit and held as a float in the SI `unit`.

    `minimum` and `maximum` are allowed values themselves unless `exclusive`.

    >>> from pydantic import TypeAdapter
    >>> TypeAdapter(Annotated[float, Quantity("m", minimum=0.0)]).validate_python("25 um")
    2.5e-05
    """

    def __init__(
        self, unit: str, *, minimum: float = -math.inf, maximum: float = math.inf, exclusive: bool = False
    ) -> None:
        self.unit, self.minimum, self.maximum, self.exclusive = unit, minimum, maximum, exclusive

    def parse(self, value: Any) -> float:
        """The SI value of a text, refused outside the limits."""
        number = to_si(value, self.unit)
        low = number <= self.minimum if self.exclusive else number < self.minimum
        if low:
            word = "more than" if self.exclusive else "at least"
            raise InputError(f"{value} is too small", remedy=f"it must be {word} {self._limit(self.minimum)}")
        if number > self.maximum:
            raise InputError(f"{value} is too large", remedy=f"it must be at most {self._limit(self.maximum)}")
        return number

    def _limit(self, number: float) -> str:
        return f"{number:g} {self.shown}".rstrip()

    @property
    def shown(self) -> str:
        """The unit as people read it: nothing for a plain number."""
        return "" if self.unit == "1" else self.unit.replace("*", " ")

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        if self.unit == "1":
            return {"type": "number"}
        return {"type": "string", "description": f"a number and a unit that converts to {self.unit}"}


__all__ = ["Annotated", "Quantity", "convert", "split", "to_si"]
