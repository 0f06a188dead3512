"""What people and vendors call a counter of charge or energy, and which way it counts.

"Charge Capacity", "Chg. Cap.", "Q charge", "Capacitance_Chg", "AhCha" count what was charged; "Discharge Capacity",
"DChg. Cap.", "Q discharge", "AhDch" what was discharged; "Capacity", "Q charge/discharge", "Charge" either. None of
them says when the counter starts anew: that is told from its values (`mossy.readers.counters`). German and Chinese
names are known too.
"""

from __future__ import annotations

import re

COUNTERS = {
    **{f"__{way}capacity": "A*h" for way in ("charging_", "discharging_", "")},
    **{f"__{way}energy": "W*h" for way in ("charging_", "discharging_", "")},
    "__charge": "A*h",
}
"""The names of such columns within a reader, and their units; "__charge" is a heading that says no more than that."""
_OUT = "discharge|discharging|discharged|dischg|disch|dis|dcharge|dchg|dch|entlade|\u653e\u7535"
_IN = "charge|charging|charged|chg|cha|ch|lade|\u5145\u7535"
_CHARGE = "capacity|capacitance|capa|cap|q|ah|kapazit\u00e4t|kapazitaet|\u5bb9\u91cf"
_ENERGY = "energy|ener|engy|energie|wh|\u80fd\u91cf"
_SCOPE = "(?:test|total|cumulative|accumulated|cycle|step|cell)?"
_NAME = re.compile(
    rf"{_SCOPE}(?:(?:(?P<out>{_OUT})|(?P<in>{_IN}))?(?:(?P<charge>{_CHARGE})|(?P<energy>{_ENERGY}))"
    rf"|(?:(?P<charge_>{_CHARGE})|(?P<energy_>{_ENERGY}))(?:(?P<out_>{_OUT})|(?P<in_>{_IN})))"
)
_EITHER = {"qcharge/discharge", "charge/dischargecapacity", "q(dis)charge", "(dis)chargecapacity"}
_BARE = {"charge": "__charge", "ladung": "__charge", "discharge": "__discharging_capacity"}
_LOOKS = re.compile(
    r"capacit(?:y|ies)\b|\bcapa?\b|kapazit|\u5bb9\u91cf|[\W_][num\u00b5]?A[ .*\u00b7]?h\b|amp-?hr|^Q\b",
    re.IGNORECASE,
)
_NO_COUNT = re.compile(r"retention|efficiency|rated|nominal|\bdQ|/ ?V\b", re.IGNORECASE)


def counter_named(plain: str) -> str:
    """The counter of this name, in small letters without spaces, points and underscores; nothing where it is none.

    >>> [counter_named(name) for name in ("chgcap", "dchgcap", "capacity", "qcharge/discharge", "engydchg")]
    ['__charging_capacity', '__discharging_capacity', '__capacity', '__capacity', '__discharging_energy']
    >>> counter_named("capacitydensity"), counter_named("charge"), counter_named("dq")
    ('', '__charge', '')
    """
    if plain in _EITHER:
        return "__capacity"
    if plain in _BARE:
        return _BARE[plain]
    match = _NAME.fullmatch(plain.replace("-", "").replace("(", "").replace(")", ""))
    if not match:
        return ""
    way = "discharging_" if match["out"] or match["out_"] else "charging_" if match["in"] or match["in_"] else ""
    return f"__{way}{'capacity' if match['charge'] or match['charge_'] else 'energy'}"


def looks_like_charge(heading: str) -> bool:
    """Whether a heading that was not understood seems to count charge.

    >>> [looks_like_charge(text) for text in ("Spec. Cap.(mAh/g)", "Q/mA.h", "Amp-hr", "dQ/dV(mAh/V)", "Quality")]
    [True, True, True, False, False]
    """
    return _LOOKS.search(heading) is not None and _NO_COUNT.search(heading) is None
