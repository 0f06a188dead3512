"""The components of a fit that CasaXPS stored, computed again from its numbers.

CasaXPS's line shapes are functions of d = kinetic energy - position and a width F:

    GL(m)           exp(-4 ln2 (1 - m/100) d^2/F^2) / (1 + 4 (m/100) d^2/F^2)
    SGL(m)          (1 - m/100) exp(-4 ln2 d^2/F^2) + (m/100) l,   l = 1/(1 + 4 d^2/F^2)
    LA(a,b,n)       l^a where d < 0 (the side of high binding energy), l^b elsewhere
    LF(a,b,w,n,m)   as LA with the exponents 3 - (3 - a)/(1 + 4 d^2/(w F)^2), and b so: the tails are cut off
    DS(a,n)         cos(pi a/2 + (1-a) atan(2 d/F)) / (1 + 4 d^2/F^2)^((1-a)/2)

LA, LF and DS are convolved with a Gaussian whose width n stands for, m times (once unless said). Each is scaled to the
stored area, in counts/s x eV, over all energies; DS has no finite area, and is scaled within the region. LA(m) is
LA(1,1,14.01 (100 - m)), LA(a,n) is LA(a,a,n).

Formulas: CasaXPS manual and the "Cookbook" of Casa Software (2026), pages 65 to 67; LF: Major, Shah, Avval, Fernandez,
Fairley and Linford, Vacuum Technology & Coating, April 2020 (both seen only as others cite them: unverified). What was
checked here is one export of CasaXPS of a fit of its own (FeO, LF(0.54,10,80,100,6) and SGL(30)): the formulas above
meet its curves within 0.1 % of their height, with w counted in F and the areas over all energies. How n gives the
width of the Gaussian, and how F follows from the width CasaXPS shows, is not published: that export has F = 0.47934
and a Gaussian of 0.81458 times the width. For any other LA or LF the Gaussian is taken as proportional to n, and the
curve says so (`approximate`): its area is right all the same, its height and width need not be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.records import Photoemission

_FOUR_LN2 = 4.0 * math.log(2.0)
_TO_WIDTH = 0.47934
"""F over the width that CasaXPS shows, for n = 100 and m = 6."""
_PER_F = 0.81458 / 0.47934
"""The Gaussian's width over F there."""
_MEASURED = (100.0, 6.0)
_MEASURED_SHAPE = [0.54, 10.0, 80.0, *_MEASURED]
_SHAPE = re.compile(r"\s*(GL|SGL|LA|LF|DS)\(([-+\d.eE,\s]+)\)\s*")
_ENDS_AT_3 = 3.0
_PARAMETERS = {"GL": (1,), "SGL": (1,), "LA": (1, 2, 3), "LF": (4, 5), "DS": (2,)}


@dataclass(frozen=True)
class CasaCurve:
    """A component: counts/s at the record's energies, without background; why they are approximate, or nothing."""

    name: str
    shape: str
    values: np.ndarray
    area: float
    approximate: str = ""


@dataclass(frozen=True)
class _Shape:
    """A line shape before its Gaussian, of d and F, and how the Gaussian goes: n and m."""

    kernel: Callable[[np.ndarray, float], np.ndarray]
    n: float = 0.0
    m: float = 1.0
    bounded: bool = True
    checked: bool = True


def casa_curves(record: Photoemission) -> tuple[CasaCurve, ...]:
    """The components that CasaXPS stored with a region, in counts/s at its energies.

    Raises InputError for a record without such a fit, and for a line shape that is not among those above.

    >>> import numpy as np, polars as pl
    >>> energy = np.arange(320.0, 250.0, -0.05)
    >>> table = pl.DataFrame({"binding_energy_electronvolt": energy, "intensity_counts": np.ones(len(energy))})
    >>> component = {"name": "C-C", "shape": "GL(30)", "area": 500.0, "width_electronvolt": 1.1,
    ...              "position_electronvolt": 284.8}
    >>> curve, = casa_curves(Photoemission(table, {"fit": {"software": "CasaXPS", "components": [component]}}))
    >>> round(float(curve.values.sum() * 0.05), 1), round(float(energy[curve.values.argmax()]), 2)
    (500.0, 284.8)
    """
    fit = record.metadata.get("fit") or {}
    components = [each for each in fit.get("components", []) if {"shape", "width_electronvolt"} <= set(each)]
    if not components:
        remedy = "give a VAMAS file that CasaXPS wrote after the fit"
        raise InputError("the record holds no components with their line shapes", key="fit", remedy=remedy)
    energy = record.table["binding_energy_electronvolt"].to_numpy()
    return tuple(_curve(each, energy) for each in components)


def _curve(component: dict[str, Any], energy: np.ndarray) -> CasaCurve:
    name, text, area = component["name"], component["shape"], float(component["area"])
    width = float(component["width_electronvolt"])
    if not width > 0.0:
        raise InputError(f"'{name}' has a width of {width} eV", key="fit", remedy="fit it again in CasaXPS")
    shape = _shape(text, name)
    ratio = _PER_F * shape.n / _MEASURED[0] * math.sqrt(shape.m / _MEASURED[1])
    f = width / math.sqrt(1.0 + (_TO_WIDTH**-2 - 1.0) * (ratio / _PER_F) ** 2)
    offset = component["position_electronvolt"] - energy
    values = _convolved(shape.kernel, offset, f, ratio * f)
    scale = _integral(shape.kernel, f) if shape.bounded else _within(values, energy)
    return CasaCurve(name, text, values * (area / scale), area, _doubt(shape))


def _doubt(shape: _Shape) -> str:
    if not shape.bounded:
        return "this shape has no finite area: it was scaled to the stored area within the region"
    if not shape.checked:
        return (
            "how CasaXPS goes from the width it shows to the Lorentzian and the Gaussian of this shape is not "
            "published and was extrapolated: the area is that of CasaXPS, the height and width may differ"
        )
    return ""


def _shape(text: str, name: str) -> _Shape:
    match = _SHAPE.fullmatch(text)
    try:
        kind, given = (match[1], [float(word) for word in match[2].split(",")]) if match else ("", [])
    except ValueError:
        kind, given = "", []
    if not kind or len(given) not in _PARAMETERS[kind]:
        remedy = "shapes that are known: GL(m), SGL(m), LA(a,b,n), LF(a,b,w,n,m), DS(a,n); or fit it here"
        raise InputError(f"'{name}' has the line shape '{text}'", key="fit", remedy=remedy)
    found = _MAKERS[kind](given)
    if found is None:
        raise InputError(f"'{name}' has the line shape '{text}', whose numbers make no peak", key="fit")
    return found


def _gaussian_lorentzian(given: list[float], product: bool) -> _Shape | None:
    mixing = given[0] / 100.0
    if not 0.0 <= mixing <= 1.0:
        return None
    if product:
        return _Shape(
            lambda d, f: np.exp(-_FOUR_LN2 * (1.0 - mixing) * (d / f) ** 2) / (1.0 + 4.0 * mixing * (d / f) ** 2)
        )
    return _Shape(lambda d, f: (1.0 - mixing) * np.exp(-_FOUR_LN2 * (d / f) ** 2) + mixing * _lorentzian(d, f))


def _lorentzian(d: np.ndarray, f: float) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + 4.0 * (d / f) ** 2))


def _asymmetric(given: list[float]) -> _Shape | None:
    if len(given) == 1:
        low = high = 1.0
        n = 14.01 * (100.0 - given[0])
    else:
        low, high, n = given[0], given[-2], given[-1]
    if low <= 0.0 or high <= 0.0 or n < 0.0:
        return None
    bounded = min(low, high) > 0.5
    return _Shape(lambda d, f: _lorentzian(d, f) ** np.where(d < 0.0, low, high), n, 1.0, bounded, False)


def _finite(given: list[float]) -> _Shape | None:
    low, high, w, n = given[:4]
    m = given[4] if len(given) == 5 else 1.0
    if low <= 0.0 or high <= 0.0 or w <= 0.0 or n < 0.0 or m < 0.0:
        return None

    def kernel(d: np.ndarray, f: float) -> np.ndarray:
        exponent = _ENDS_AT_3 - (_ENDS_AT_3 - np.where(d < 0.0, low, high)) / (1.0 + 4.0 * (d / (w * f)) ** 2)
        return np.asarray(_lorentzian(d, f) ** exponent)

    return _Shape(kernel, n, m, checked=given == _MEASURED_SHAPE)


def _doniach_sunjic(given: list[float]) -> _Shape | None:
    a, n = given
    if not 0.0 <= a < 1.0 or n < 0.0:
        return None

    def kernel(d: np.ndarray, f: float) -> np.ndarray:
        angle = math.pi * a / 2.0 + (1.0 - a) * np.arctan(2.0 * d / f)
        return np.asarray(np.cos(angle) * _lorentzian(d, f) ** ((1.0 - a) / 2.0))

    return _Shape(kernel, n, 1.0, bounded=a == 0.0, checked=False)


_MAKERS: dict[str, Callable[[list[float]], _Shape | None]] = {
    "GL": lambda given: _gaussian_lorentzian(given, product=True),
    "SGL": lambda given: _gaussian_lorentzian(given, product=False),
    "LA": _asymmetric,
    "LF": _finite,
    "DS": _doniach_sunjic,
}


def _convolved(
    kernel: Callable[[np.ndarray, float], np.ndarray], offset: np.ndarray, f: float, gaussian: float
) -> np.ndarray:
    """The shape at some offsets after its Gaussian (full width at half maximum), by a sum over that Gaussian."""
    if gaussian == 0.0:
        return kernel(offset, f)
    step = min(f / 20.0, gaussian / 20.0)
    half = math.ceil(2.0 * gaussian / step)
    shifts = step * np.arange(-half, half + 1)
    weights = np.exp(-_FOUR_LN2 * (shifts / gaussian) ** 2)
    return np.asarray(kernel(offset[:, None] - shifts, f) @ (weights / weights.sum()))


def _integral(kernel: Callable[[np.ndarray, float], np.ndarray], f: float) -> float:
    """The area of a shape over all energies; its Gaussian leaves that as it is. Offsets spread as a hyperbolic sine."""
    place = np.linspace(-60.0, 60.0, 24_001)
    return float(np.trapezoid(kernel(f * np.sinh(place), f) * f * np.cosh(place), place))


def _within(values: np.ndarray, energy: np.ndarray) -> float:
    return abs(float(np.trapezoid(values, energy)))
