"""A spectrum as arrays, whatever it came as, checked once for everything that analyses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.records import Impedance, Record

SMALLEST, LARGEST = 1e-15, 1e18  # ohm


@dataclass(frozen=True, eq=False)
class Spectrum:
    """`frequency` (Hz) and `impedance` (complex, ohm, Im < 0 for capacitive arcs) in the order measured; `flags` say
    what a person should look at before trusting it.
    """

    frequency: np.ndarray
    impedance: np.ndarray
    metadata: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def angular_frequency(self) -> np.ndarray:
        """2 pi f, rad/s."""
        return 2.0 * np.pi * self.frequency

    @property
    def modulus(self) -> np.ndarray:
        """|Z|, ohm."""
        return np.abs(self.impedance)

    def __len__(self) -> int:
        return len(self.frequency)


def spectrum_of(given: Any, *, fewest: int = 2) -> Spectrum:
    """A `Spectrum` from an Impedance record, a Spectrum, or a pair (frequency in Hz, complex impedance in ohm).

    Raises InputError where a value is not finite, a frequency not positive, lengths differ, an impedance is zero, or
    fewer than `fewest` points are there. Repeated frequencies and mostly positive Z'' are kept and flagged.

    >>> spectrum_of(([100.0, 10.0, 1.0], [1.0, 2.0 - 1.0j, 3.0])).modulus.round(3).tolist()
    [1.0, 2.236, 3.0]
    """
    if isinstance(given, Spectrum):
        frequency, impedance, metadata = given.frequency, given.impedance, given.metadata
    elif isinstance(given, Impedance):
        table, metadata = given.table, given.metadata
        parts = (table[f"{part}_impedance_ohm"].to_numpy().astype(float) for part in ("real", "imaginary"))
        real, imaginary = parts
        frequency, impedance = table["frequency_hertz"].to_numpy().astype(float), real + 1j * imaginary
    elif isinstance(given, Record):
        raise InputError(f"a {given.kind} record is no spectrum", remedy="give an Impedance record")
    else:
        frequency, impedance, metadata = *_pair(given), {}
    _check(frequency, impedance, fewest)
    return Spectrum(frequency, impedance, dict(metadata), _flags(frequency, impedance))


def spectra_of(given: Iterable[Any], *, fewest: int = 2) -> list[Spectrum]:
    """`spectrum_of` for each; an error says which one, from 1."""
    found = []
    for number, each in enumerate(given, 1):
        try:
            found.append(spectrum_of(each, fewest=fewest))
        except InputError as error:
            raise error.at(f"spectrum {number}") from None
    if not found:
        raise InputError("no spectrum was given", remedy="give at least one")
    return found


def sweep_times(given: Any) -> np.ndarray | None:
    """When each point was measured, s: the record's `test_time_second` where it rises all along; else None."""
    if not (isinstance(given, Impedance) and "test_time_second" in given.table.columns):
        return None
    time = given.table["test_time_second"].to_numpy().astype(float)
    return time if len(time) > 1 and bool(np.all(np.diff(time) > 0.0)) else None


def _pair(given: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        frequency, impedance = given
        if np.iscomplexobj(frequency):
            raise TypeError("complex frequencies")
        return np.asarray(frequency, dtype=float), np.asarray(impedance, dtype=complex)
    except (TypeError, ValueError):
        remedy = "give an Impedance record of mossy.read, or a pair (frequency in Hz, complex impedance in ohm)"
        raise InputError(f"{type(given).__name__} is no spectrum", remedy=remedy) from None


def _check(frequency: np.ndarray, impedance: np.ndarray, fewest: int) -> None:
    if frequency.ndim != 1 or frequency.shape != impedance.shape:
        problem = f"{frequency.shape} frequencies and {impedance.shape} impedances"
        raise InputError(problem, remedy="give two arrays of one length")
    if len(frequency) < fewest:
        points = "1 point" if len(frequency) == 1 else f"{len(frequency)} points"
        raise InputError(f"the spectrum has {points}", remedy=f"at least {fewest} are needed here")
    wrong = {
        "the impedance is not finite": ~np.isfinite(impedance),
        "the frequency is not finite and positive": ~(np.isfinite(frequency) & (frequency > 0.0)),
        "the impedance is zero": impedance == 0.0,
        f"|Z| is outside {SMALLEST:g} to {LARGEST:g} ohm": ~_plausible(np.abs(impedance)),
    }
    for problem, where in wrong.items():
        if where.any():
            places = ", ".join(str(place + 1) for place in np.flatnonzero(where)[:5])
            raise InputError(f"{problem} at point {places}", remedy="leave such points out")


def _plausible(modulus: np.ndarray) -> np.ndarray:
    """What an instrument can measure, and where zero and infinity have errors of their own."""
    return ((modulus >= SMALLEST) & (modulus <= LARGEST)) | (modulus == 0.0) | ~np.isfinite(modulus)


def _flags(frequency: np.ndarray, impedance: np.ndarray) -> tuple[str, ...]:
    flags = []
    repeated = len(frequency) - len(np.unique(frequency))
    if repeated:
        flags.append(f"{repeated} frequencies are repeated; every point counts")
    if not impedance.imag.any():
        flags.append("every Z'' is zero")
    if np.mean(impedance.imag > 0.0) > 0.5:
        flags.append("most of Z'' is positive: the data may hold -Z''")
    return tuple(flags)


__all__ = ["Spectrum", "spectra_of", "spectrum_of", "sweep_times"]
