"""Photon energies: of the usual sources by name, as a caller or a file gives them.

The energies of characteristic lines are those of J. A. Bearden, Rev. Mod. Phys. 39, 78 (1967),
doi:10.1103/RevModPhys.39.78; Al and Mg K alpha are the means of the unresolved doublet, as binding energies are tabled
against them (a monochromator passes K alpha 1 of Al, 1486.7 eV).
"""

from __future__ import annotations

import re
from typing import Any

from mossy.errors import InputError, suggest
from mossy.units import convert, split

EXCITATION_OPTION = "excitation"
SOURCES = {
    "Al Ka": 1486.6,
    "Mg Ka": 1253.6,
    "Zr La": 2042.36,
    "Ag La": 2984.31,
    "Ti Ka": 4510.84,
    "Cr Ka": 5414.72,
    "Cu Ka": 8047.78,
    "Ga Ka": 9251.74,
    "He I": 21.218,
    "He II": 40.814,
}
"""Photon energy of a source in eV."""
REMEDY = 'give the photon energy: excitation="Al Ka" or excitation="1486.6 eV" (--excitation in a terminal)'
_NEAR = 2.0
_LINES = {name.split()[0].lower(): name for name in SOURCES if not name.startswith("He")}


def stated_excitation(options: Any) -> tuple[float, str] | None:
    """The photon energy in eV that a caller states, and the name of its source ("" if it has none).

    >>> stated_excitation({"excitation": "Al Ka"}), stated_excitation({"excitation": "1.4866 keV"})
    ((1486.6, 'Al Ka'), (1486.6, 'Al Ka'))
    """
    given = options.get(EXCITATION_OPTION)
    if given is None:
        return None
    if not isinstance(given, str):
        raise InputError(f"{given!r} is no photon energy with a unit", key=EXCITATION_OPTION, remedy=REMEDY)
    name = source_named(given)
    if name:
        return SOURCES[name], name
    try:
        number, unit = split(given)
        energy = convert(number, unit, "eV") if unit else float("nan")
    except Exception:  # noqa: BLE001  pint raises a dozen kinds for bad text
        energy = float("nan")
    if not 0.0 < energy < 1e5:
        remedy = f"{suggest(given, SOURCES)} or write it with its unit, as in 1486.6 eV"
        raise InputError(f"'{given}' is no photon energy", key=EXCITATION_OPTION, remedy=remedy)
    return energy, source_near(energy)


def source_named(text: str) -> str:
    """The source that a text names, or nothing.

    >>> source_named("Al (mono)"), source_named("MgK\\u03b1"), source_named("AlMono"), source_named("synchrotron")
    ('Al Ka', 'Mg Ka', 'Al Ka', '')
    """
    plain = re.sub(r"[\s_()\-.:]+", "", text.strip().lower()).replace("\u03b1", "a").replace("alpha", "a")
    if re.fullmatch(r"he(?:i|ii|1|2)a?", plain):
        return "He II" if re.search(r"ii|2", plain) else "He I"
    found = re.fullmatch(r"(?:mono)?(al|mg|zr|ag|ti|cr|cu|ga)(?:[kl]a(?:12|1)?)?(?:anode|mono(?:chromat\w*)?)?", plain)
    return _LINES[found[1]] if found else ""


def source_near(energy: float) -> str:
    """The source whose line lies within 2 eV of a photon energy, or nothing.

    >>> source_near(1486.69), source_near(520.0)
    ('Al Ka', '')
    """
    return next((name for name, line in SOURCES.items() if abs(line - energy) < (0.5 if line < 100.0 else _NEAR)), "")
