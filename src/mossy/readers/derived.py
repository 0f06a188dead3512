"""A spectrum out of what stands for one: modulus and phase, admittance, angular frequency, impedance per area.

f = omega/(2 pi);  Z = |Z| exp(j phi);  Z = 1/(Y' + j Y'');  Z = (Z A)/A,

with f in Hz, omega in rad/s, Z in ohm, Y in S, Z A in ohm cm2, A in cm2. What a column of the record came from is
noted in `metadata["impedance"]` or in the warnings. A record's impedance is the whole cell's in ohm: from columns per
area it can be told only with the electrode area, out of the file or as the option `area="1.54 cm^2"`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Request
from mossy.units import to_si

if TYPE_CHECKING:
    from mossy.readers.tables import Measured

AREA_OPTION = "area"
_AREA = "electrode_area_square_metre"
_CARTESIAN = ("real_impedance_ohm", "imaginary_impedance_ohm")
_POLAR = ("absolute_impedance_ohm", "phase_degree")
_CARTESIAN_PER_AREA = ("real_impedance_ohm_cm2", "imaginary_impedance_ohm_cm2")
_POLAR_PER_AREA = ("__absolute_impedance_ohm_cm2", "phase_degree")
_ADMITTANCE = ("__real_admittance", "__imaginary_admittance")
_ADMITTANCE_PER_AREA = ("__real_admittance_per_area", "__imaginary_admittance_per_area")
SIGN_CARRIERS = (_CARTESIAN[1], _POLAR[1], _ADMITTANCE[1], _CARTESIAN_PER_AREA[1], _ADMITTANCE_PER_AREA[1])
"""The columns that carry the sign of Z'', in the order in which a spectrum is made of them."""


def with_spectrum(measured: Measured, request: Request) -> Measured:
    """The table with frequency in Hz, Z' and Z'' in ohm where it holds what they follow from."""
    measured = _with_frequency(_with_area(measured, request))
    names = set(measured.frame.columns)
    if "frequency_hertz" not in names or set(_CARTESIAN) & names:
        return measured
    if set(_POLAR) <= names:
        return _set(measured, _polar(measured, _POLAR), "from modulus and phase")
    if set(_ADMITTANCE) <= names:
        return _set(measured, _inverse(measured, _ADMITTANCE), "from admittance")
    if set(_CARTESIAN_PER_AREA) <= names:
        per_area = _complex(measured, _CARTESIAN_PER_AREA)
        return _set(measured, per_area / _square_centimetres(measured, "ohm cm2"), "from columns in ohm cm2")
    if set(_POLAR_PER_AREA) <= names:
        per_area = _polar(measured, _POLAR_PER_AREA)
        area = _square_centimetres(measured, "ohm cm2")
        return _set(measured, per_area / area, "from modulus in ohm cm2 and phase")
    if set(_ADMITTANCE_PER_AREA) <= names:
        per_area = _inverse(measured, _ADMITTANCE_PER_AREA)
        return _set(measured, per_area / _square_centimetres(measured, "S/cm2"), "from admittance in S/cm2")
    return measured


def stated_area(request: Request) -> float | None:
    """The electrode area the caller states, m2; None where none is."""
    given = request.options.get(AREA_OPTION)
    if given is None:
        return None
    area = to_si(given, "m^2", AREA_OPTION)
    if not area > 0.0:
        raise InputError(f"{given} is no area", key=AREA_OPTION, remedy='give a positive one, as in area="1.54 cm^2"')
    return area


def _with_area(measured: Measured, request: Request) -> Measured:
    """The table with the electrode area the caller states, which goes before that of the file."""
    area = stated_area(request)
    if area is None:
        return measured
    own = measured.metadata.get(_AREA)
    if own is not None and not math.isclose(own, area, rel_tol=1e-6):
        warning = f"the file states an electrode area of {1e4 * own:g} cm2; {1e4 * area:g} cm2 was used, as given"
        measured = measured.noting(warnings=[warning])
    return measured.noting(**{_AREA: area})


def _with_frequency(measured: Measured) -> Measured:
    names = measured.frame.columns
    if "__angular_frequency" not in names or "frequency_hertz" in names:
        return measured
    frame = measured.frame.with_columns(frequency_hertz=measured.frame["__angular_frequency"] / (2.0 * math.pi))
    warning = "the frequencies are the file's angular frequency divided by 2 pi"
    return replace(measured, frame=frame).noting(warnings=[warning])


def _square_centimetres(measured: Measured, unit: str) -> float:
    area = measured.metadata.get(_AREA)
    if not area:
        raise InputError(
            f"its impedance is per electrode area ({unit}), and the area is not known",
            remedy='give the area, as in area="1.54 cm^2" (--area "1.54 cm^2"), or write a line '
            "'Electrode area (cm2): 1.54' above the table",
        )
    return 1e4 * float(area)


def _complex(measured: Measured, names: tuple[str, str]) -> np.ndarray:
    real, imaginary = (measured.frame[name].cast(float).fill_null(np.nan).to_numpy() for name in names)
    return np.asarray(real + 1j * imaginary)


def _polar(measured: Measured, names: tuple[str, str]) -> np.ndarray:
    size, phase = (measured.frame[name].cast(float).fill_null(np.nan).to_numpy() for name in names)
    return np.asarray(size * np.exp(1j * np.radians(phase)))


def _inverse(measured: Measured, names: tuple[str, str]) -> np.ndarray:
    admittance = _complex(measured, names)
    nothing = np.flatnonzero(admittance == 0.0)
    if nothing.size:
        raise InputError(
            f"the admittance is 0 at {measured.at_rows(nothing)}: no impedance is its inverse",
            remedy="leave those rows out",
        )
    return np.asarray(1.0 / admittance)


def _set(measured: Measured, impedance: np.ndarray, source: str) -> Measured:
    frame = measured.frame.with_columns(real_impedance_ohm=impedance.real, imaginary_impedance_ohm=impedance.imag)
    return replace(measured, frame=frame).noting(impedance=source)
