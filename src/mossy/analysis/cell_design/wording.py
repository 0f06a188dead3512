"""Numbers as sentences hold them: no powers of ten, no more digits than they deserve."""

from __future__ import annotations

import math
from decimal import Decimal


def plain(value: float, digits: int = 3) -> str:
    """A finite number rounded to so many digits and written out.

    >>> plain(98.765, 2), plain(100.0, 2), plain(12345.6), plain(0.01234, 2)
    ('99', '100', '12 300', '0.012')
    """
    rounded = Decimal(f"{value:.{digits}g}")
    return f"{rounded:,f}".replace(",", " ") if abs(rounded) >= 10_000 else f"{rounded:f}"


def count(cycles: float) -> str:
    """A number of cycles as people say it.

    >>> count(122.3), count(12345.6), count(math.inf)
    ('122', '12 300', 'any number of')
    """
    if math.isinf(cycles):
        return "any number of"
    return str(round(cycles)) if cycles < 1e4 else plain(cycles)


def percent(fraction: float) -> str:
    """Per cent with as many digits as the distance to 100 % deserves.

    >>> percent(0.995), percent(0.99955), percent(0.5)
    ('99.5 %', '99.955 %', '50 %')
    """
    lost = abs(1.0 - fraction)
    digits = 1 if lost <= 0.0 else max(0, 1 - math.floor(math.log10(100.0 * lost)))
    written = f"{100.0 * fraction:.{min(digits, 6)}f}"
    return f"{written.rstrip('0').rstrip('.') if digits else written} %"
