"""What turns thickness over mean free path into nanometres: photoemission cannot, for the mean free path and every
amount are exactly confounded. A charge, a capacitance or a mean free path that is known can.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mossy.errors import InputError
from mossy.units import to_si

_FARADAY = 96485.33212
_VACUUM = 8.8541878128e-12


@dataclass(frozen=True)
class Scale:
    """`value` with `relative_error` of what is known: "charge" (nmol/cm2 of electrons), "thickness" (nm of all finite
    layers) or "path" (the true mean free paths over those assumed).
    """

    kind: str
    value: float
    relative_error: float
    electrons: Mapping[str, float]
    text: str

    def of(
        self, phases: list[str], amounts: np.ndarray, thicknesses: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """(true lengths over assumed ones; the derivatives of its ln along amounts, nmol/cm2, and thicknesses, nm)."""
        if self.kind == "path":
            return self.value, np.zeros(len(amounts)), np.zeros(len(thicknesses))
        if not len(thicknesses):
            remedy = "give layers, the last of which is what the film stands on"
            raise InputError("a film without end has no thickness or charge", key="scale", remedy=remedy)
        if self.kind == "thickness":
            total = float(thicknesses.sum())
            return self.value / total, np.zeros(len(amounts)), np.full(len(thicknesses), -1.0 / total)
        missing = [name for name in phases if name not in self.electrons]
        if missing:
            remedy = "give them for every phase of the film (0 where no charge made it)"
            raise InputError(f"no electrons per formula unit of {', '.join(missing)}", key="scale", remedy=remedy)
        each = np.array([self.electrons.get(name, 0.0) for name in phases])
        total = float(each @ amounts)
        if not total > 0.0:
            raise InputError("no phase of the film took charge", key="scale", remedy="give electrons per formula unit")
        return self.value / total, -each / total, np.zeros(len(thicknesses))


def areal_charge(charge: str, error: str, electrons: Mapping[str, float]) -> Scale:
    """A charge per area that made the film, with its error, and the electrons that a formula unit of each phase took.

        sum_p e_p N_p = Q/F

    >>> found = areal_charge("0.01 mAh/cm^2", "0.001 mAh/cm^2", {"LiF": 1, "Li2O": 2})
    >>> round(found.value, 1), round(found.relative_error, 3)
    (373.1, 0.1)
    """
    value, spread = (to_si(each, "C/m^2", "charge") for each in (charge, error))
    return Scale("charge", value / _FARADAY * 1e5, _relative(value, spread), dict(electrons), f"charge {charge}")


def film_capacitance(capacitance: str, relative_permittivity: float, relative_error: float) -> Scale:
    """A capacitance per area of the film, a plate capacitor, with the relative error of C and permittivity together.

        d = epsilon epsilon_0/C

    >>> round(film_capacitance("5 uF/cm^2", 10.0, 0.2).value, 2)
    1.77
    """
    value = to_si(capacitance, "F/m^2", "capacitance")
    if not relative_permittivity >= 1.0:
        problem = f"a relative permittivity of {relative_permittivity:g} is below that of vacuum"
        raise InputError(problem, key="relative_permittivity", remedy="give 1 or more")
    _relative(value, relative_error * abs(value))
    thickness = relative_permittivity * _VACUUM / value * 1e9
    return Scale("thickness", thickness, relative_error, {}, f"capacitance {capacitance}")


def known_path(relative_error: float, factor: float = 1.0) -> Scale:
    """The mean free paths assumed, times a factor, taken as known to a relative error (JTP: 0.15 to 0.2).

    >>> known_path(0.15).value
    1.0
    """
    _relative(factor, relative_error * abs(factor))
    return Scale("path", factor, relative_error, {}, "mean free paths")


def _relative(value: float, error: float) -> float:
    if not (math.isfinite(value) and value > 0.0 and math.isfinite(error) and error >= 0.0):
        raise InputError(f"{value:g} with an error of {error:g}", key="scale", remedy="give both, above 0")
    return error / value
