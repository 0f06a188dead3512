"""What is told about a spectrum before anybody fits it: its sign, its frequencies, columns without names or units.

The sign of Z'' is tested against the modulus. For a passive cell the phase follows the slope of the modulus,
phi ~ (pi/2) d ln|Z| / d ln f (Bode's relation; Ehm, Goehr, Kaus, Roeseler and Schiller, ACH Models in Chemistry
137 (2000) 145, build the Z-HIT test on it): where |Z| falls with frequency Z'' is negative. A file whose Z'' is
positive there holds -Z''. Nothing is turned without being asked: the reader says so, and
`imaginary_sign="positive"` says that the file's Z'' is positive for capacitive arcs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mossy.errors import InputError, suggest
from mossy.readers.base import Request

SIGN_OPTION = "imaginary_sign"
_SIGNS = ("negative", "positive")


def turned(request: Request) -> bool:
    """Whether the caller says that the file's Z'' is positive for capacitive arcs."""
    given = request.options.get(SIGN_OPTION, "negative")
    if given not in _SIGNS:
        raise InputError(f"{given!r} is no sign", key=SIGN_OPTION, remedy=suggest(str(given), _SIGNS))
    return bool(given == "positive")


def follows_modulus(frequency: np.ndarray, impedance: np.ndarray) -> float:
    """How well the sign of Z'' follows the slope of the modulus: 1 everywhere, -1 nowhere, 0 where it cannot be told.

    sum s_k / sum |s_k| with s_k = Z''/|Z| * d ln|Z| / d ln f between neighbouring points (frequency in Hz, impedance
    in any unit).

    >>> f = np.geomspace(1e4, 1.0, 9)
    >>> z = 1.0 + 10.0 / (1.0 + 2j * np.pi * f * 1e-3)
    >>> float(follows_modulus(f, z)), float(follows_modulus(f, z.conj()))
    (1.0, -1.0)
    """
    size = np.abs(impedance)
    kept = (frequency > 0.0) & (size > 0.0)
    if kept.sum() < 3:
        return 0.0
    frequency, impedance, size = frequency[kept], impedance[kept], size[kept]
    steps = np.diff(np.log(frequency))
    sine = (impedance.imag / size)[1:] + (impedance.imag / size)[:-1]
    shares = np.where(steps == 0.0, 0.0, sine * np.diff(np.log(size)) * np.sign(steps))
    total = float(np.abs(shares).sum())
    return float(shares.sum()) / total if total > 1e-9 else 0.0


def warnings_of(frequency: np.ndarray, impedance: np.ndarray) -> list[str]:
    """What a person should look at in a spectrum (frequency in Hz, positive; impedance in ohm)."""
    found = []
    share = float(np.mean(impedance.imag > 0.0))
    if share > 0.5:
        told = follows_modulus(frequency, impedance)
        turn = f'{SIGN_OPTION}="positive" turns it'
        if told < -0.5:
            found.append(
                f"most of Z'' is positive where |Z| falls with frequency: the file holds -Z''; {turn}; check before "
                "trusting the arcs"
            )
        elif told <= 0.5:
            found.append(f"most of Z'' is positive: the file may hold -Z''; {turn}; check before trusting the arcs")
        else:
            found.append("most of Z'' is positive, and |Z| rises with frequency: an inductance")
    if len(frequency) == 1:
        found.append("one point is no spectrum")
    repeated = len(frequency) - len(np.unique(frequency))
    if repeated:
        found.append(f"points that repeat a frequency: {repeated}")
    return found


def looks_like_kilohertz(frequency: np.ndarray) -> bool:
    """Whether frequencies of unknown unit could be kHz: a sweep that ends below 10 kHz would be a rare one in Hz.

    >>> looks_like_kilohertz(np.geomspace(1e-4, 1e2, 30)), looks_like_kilohertz(np.geomspace(0.1, 1e5, 30))
    (True, False)
    """
    return bool(len(frequency)) and float(frequency.max()) < 1e4


def are_frequencies(values: Sequence[float] | np.ndarray) -> bool:
    """Whether numbers without a name can only be the frequencies of one sweep.

    Positive, strictly rising or falling, over more than a decade, and spaced by a ratio rather than a difference: time
    and position are not. At least six of them.

    >>> are_frequencies(np.geomspace(1e5, 0.1, 30)), are_frequencies(np.linspace(1.0, 100.0, 30))
    (True, False)
    """
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 6 or not np.isfinite(numbers).all() or numbers.min() <= 0.0:
        return False
    steps, ratios = np.diff(numbers), np.diff(np.log(numbers))
    if not ((steps > 0.0).all() or (steps < 0.0).all()) or numbers.max() <= 10.0 * numbers.min():
        return False
    return float(np.std(ratios) / abs(np.mean(ratios))) < 0.5 < float(np.std(steps) / abs(np.mean(steps)))
