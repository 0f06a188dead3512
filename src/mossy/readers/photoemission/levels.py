"""What a region is called: "Fe2p", "F 1s", "Su1s", "wide" -> element, line, and one way to write them."""

from __future__ import annotations

import re

_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U"
)
_ELEMENTS = frozenset(re.findall(r"\w+", _SYMBOLS))
_LEVEL = re.compile(r"([A-Z][a-z]?)[\s_-]*([1-7])([spdf])[\s_-]*(?:([1357])(?:/2)?)?")
_AUGER = re.compile(r"([A-Z][a-z]?)[\s_-]*((?:K|L|M|N|O)(?:[KLMNOV]|\d){2,6})")
_SURVEY = re.compile(r"(?:xps)?\s*(?:su1s|1su|sur\d*|surv|survey|wide(?:\s*scan)?|overview)\b.*", re.IGNORECASE)
_TAIL = re.compile(r"[\s_]*(?:scan|region|spectrum)\b.*", re.IGNORECASE)


def region_named(text: str) -> dict[str, str]:
    """The metadata that the name of a region stands for: region, and element and line where it says them.

    >>> region_named("Fe2p")
    {'region': 'Fe 2p', 'element': 'Fe', 'line': '2p'}
    >>> region_named("Zn 2p3")["line"], region_named("Na KLL")["line"], region_named("Su1s"), region_named("edge")
    ('2p3/2', 'KLL', {'region': 'survey'}, {'region': 'edge'})
    """
    name = text.strip()
    if not name:
        return {}
    plain = _TAIL.sub("", name)
    if _SURVEY.fullmatch(name) or _SURVEY.fullmatch(plain):
        return {"region": "survey"}
    level = _LEVEL.fullmatch(plain)
    if level and level[1] in _ELEMENTS:
        line = level[2] + level[3] + (f"{level[4]}/2" if level[4] else "")
        return {"region": f"{level[1]} {line}", "element": level[1], "line": line}
    auger = _AUGER.fullmatch(plain)
    if auger and auger[1] in _ELEMENTS:
        return {"region": f"{auger[1]} {auger[2]}", "element": auger[1], "line": auger[2]}
    return {"region": name}
