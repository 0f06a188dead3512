"""How far a laboratory cell is from a practical one, said in sentences: what thick metal and much electrolyte hide.

Needs nothing but numbers, any of which may be unknown, so that every report can say it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mossy import materials
from mossy.analysis.cell_design.life import cycles_to_retention, cycles_without_fade, required_efficiency
from mossy.analysis.cell_design.tables import volumetric_capacity

END, WANTED = 0.8, 500
_CHARGE = 36000.0  # C/m2 in 1 mAh/cm2


@dataclass(frozen=True)
class Target:
    """What a practical cell has, and who says so; "unverified" where the source was not read."""

    limit: float
    words: str
    source: str
    doi: str
    status: str


@dataclass(frozen=True)
class PracticalFact:
    """One quantity of a cell beside its target: value (None: not known), verdict (None: cannot be told), sentence."""

    quantity: str
    value: float | None
    unit: str
    practical: bool | None
    sentence: str
    target: Target


_CRITICAL = "S. Chen and others, Joule 3 (2019) 1094, from memory"
_PATENT = "US 11,621,414 B2 (J. Xiao and others), abstract: N/P 0.02 to 5 and E/C 1 to 6 g/Ah for 300 Wh/kg or more"
_INDUSTRY = "J. T. Frith, M. J. Lacey, U. Ulissi, Nat. Commun. 14 (2023) 420, Table 1"
TARGETS = {
    "areal capacity": Target(
        4.0,
        "4 mAh/cm² or more",
        f"J. Liu and others, Nat. Energy 4 (2019) 180, from memory; read: an automotive cell has 5.02, {_INDUSTRY}",
        "10.1038/s41560-019-0338-x",
        "unverified",
    ),
    "metal at assembly": Target(
        3.0,
        "N/P of 3 or less",
        f"{_CRITICAL}; read: {_PATENT}",
        "10.1016/j.joule.2019.02.004",
        "unverified",
    ),
    "electrolyte": Target(
        3.0,
        "3 g/Ah or less",
        f"{_CRITICAL}; read: automotive cells have 1 g/Ah, laboratory coin cells far over 30, {_INDUSTRY}",
        "10.1016/j.joule.2019.02.004",
        "unverified",
    ),
    "Coulombic efficiency": Target(
        required_efficiency(WANTED, 0.0, END),
        f"{100.0 * required_efficiency(WANTED, 0.0, END):.3f} % or more, or metal in excess",
        f"computed: 80 % of the capacity after {WANTED} cycles without excess metal, E = {END}^(1/{WANTED})",
        "",
        "verified",
    ),
    "stack pressure": Target(
        1e6,
        "1 MPa or less",
        "this library's choice: three times the 350 kPa of C. Fang and others, Nat. Energy 6 (2021) 987, from memory",
        "10.1038/s41560-021-00917-3",
        "unverified",
    ),
}
LEAN = TARGETS["electrolyte"]
FLOODED = Target(6.0, "6 g/Ah", _PATENT, "", "verified")


def electrolyte_class(grams_per_ampere_hour: float) -> str:
    """lean, flooded, or between the two.

    >>> electrolyte_class(2.5), electrolyte_class(5.0), electrolyte_class(40.0), electrolyte_class(0.0)
    ('lean', 'between lean and flooded', 'flooded', 'dry')
    """
    if grams_per_ampere_hour == 0.0:
        return "dry"
    if grams_per_ampere_hour <= LEAN.limit * (1.0 + 1e-9):
        return "lean"
    return "flooded" if grams_per_ampere_hour > FLOODED.limit else "between lean and flooded"


def distance_to_practical(
    *,
    metal: str,
    areal_capacity_mAh_per_cm2: float | None = None,
    metal_areal_capacity_mAh_per_cm2: float | None = None,
    electrolyte_per_capacity_g_per_Ah: float | None = None,
    coulombic_efficiency: float | None = None,
    stack_pressure_pa: float | None = None,
    cathode_brings_metal: bool = True,
) -> list[PracticalFact]:
    """What is known of a cell beside what a practical cell has. What is not finite counts as not known.

    Arguments: `metal` of the electrode, a name of the library; `areal_capacity` cycled at each cycle;
    `metal_areal_capacity` of all metal there at assembly, on the electrode that feeds the cycling; the electrolyte's
    mass over the capacity; the average Coulombic efficiency as a fraction; the pressure; whether the other electrode
    brings the metal that is cycled. Result: one fact for each target, in the order of `TARGETS`.
    Raises InputError for a metal that the library does not have.

    >>> facts = distance_to_practical(
    ...     metal="lithium",
    ...     areal_capacity_mAh_per_cm2=3.0,
    ...     metal_areal_capacity_mAh_per_cm2=51.0,
    ...     coulombic_efficiency=0.99,
    ... )
    >>> print(facts[1].sentence)
    51 mAh/cm² of lithium (248 µm) are there at assembly, N/P 17, against N/P of 3 or less. At a Coulombic efficiency of
    99 % it shows no fade for 1700 cycles; with N/P 1 the reserve is gone after 100 and 80 % are left after 122.
    >>> [fact.practical for fact in facts]
    [False, False, None, False, None]
    """
    capacity, held = _positive(areal_capacity_mAh_per_cm2), _known(metal_areal_capacity_mAh_per_cm2)
    efficiency = _known(coulombic_efficiency)
    return [
        _capacity(capacity),
        _metal(metal, capacity, held, efficiency, cathode_brings_metal),
        _electrolyte(_known(electrolyte_per_capacity_g_per_Ah)),
        _efficiency(efficiency),
        _pressure(_known(stack_pressure_pa)),
    ]


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) or value < 0.0 else float(value)


def _positive(value: float | None) -> float | None:
    return _known(value) or None


def _missing(quantity: str, unit: str, sentence: str) -> PracticalFact:
    return PracticalFact(quantity, None, unit, None, sentence, TARGETS[quantity])


def _capacity(capacity: float | None) -> PracticalFact:
    name, unit = "areal capacity", "mAh/cm²"
    target = TARGETS[name]
    if capacity is None:
        words = "The areal capacity cycled is not known, so N/P and the depth of plating cannot be told: give the area."
        return _missing(name, unit, words)
    practical = capacity >= target.limit
    sentence = f"{capacity:.3g} mAh/cm² are cycled, against {target.words}."
    if not practical:
        sentence += (
            f" A practical cell plates and strips {target.limit / capacity:.2g} times as much metal at each cycle."
        )
    return PracticalFact(name, capacity, unit, practical, sentence, target)


def _metal(
    metal: str, capacity: float | None, held: float | None, efficiency: float | None, brings_metal: bool
) -> PracticalFact:
    name, unit = "metal at assembly", "N/P"
    target, per_volume = TARGETS[name], volumetric_capacity(metal)
    if held is None:
        words = "How much metal there is at assembly is not known, so what it hides cannot be told: give its thickness."
        return _missing(name, unit, words)
    thickness = held * _CHARGE / per_volume * 1e6
    what = (
        f"{held:.3g} mAh/cm² of {materials.metal(metal).name} ({thickness:.3g} µm) are there at assembly"
        if held
        else "The cell is anode-free"
    )
    if capacity is None:
        return PracticalFact(name, None, unit, None, f"{what}; N/P needs the areal capacity cycled.", target)
    ratio = held / capacity
    excess = max(ratio - (0.0 if brings_metal else 1.0), 0.0)
    sentence = f"{what}, N/P {ratio:.3g}, against {target.words}.{_hidden(excess, efficiency)}"
    return PracticalFact(name, ratio, unit, ratio <= target.limit, sentence, target)


def _hidden(excess: float, efficiency: float | None) -> str:
    """What the excess hides of the losses."""
    if efficiency is None or not 0.0 < efficiency < 1.0:
        if excess <= 0.0:
            return " Every loss shows."
        least = max(1.0 - excess / 100.0, 0.0)
        return f" A Coulombic efficiency as low as {_percent(least)} would show no fade in 100 cycles."
    gone, ends = cycles_without_fade(efficiency, 1.0), cycles_to_retention(efficiency, 1.0, END)
    bare = f"the reserve is gone after {_count(gone)} and 80 % are left after {_count(ends)}"
    if excess <= 1.0:
        left = _count(cycles_to_retention(efficiency, excess, END))
        return f" At a Coulombic efficiency of {_percent(efficiency)}, 80 % are left after {left} cycles."
    shown = _count(cycles_without_fade(efficiency, excess))
    return (
        f" At a Coulombic efficiency of {_percent(efficiency)} it shows no fade for {shown} cycles; with N/P 1 {bare}."
    )


def _electrolyte(ratio: float | None) -> PracticalFact:
    name, unit = "electrolyte", "g/Ah"
    target = TARGETS[name]
    if ratio is None:
        words = (
            "How much electrolyte there is for the capacity is not known, so dry-out cannot be told: give its volume."
        )
        return _missing(name, unit, words)
    kind = electrolyte_class(ratio)
    if kind == "dry":
        return PracticalFact(name, ratio, unit, True, "There is no liquid electrolyte to use up.", target)
    sentence = f"{ratio:.3g} g/Ah of electrolyte are {kind}, against {target.words}."
    if kind != "lean":
        times = ratio / target.limit
        sentence += (
            f" What would dry a practical cell in 100 cycles takes {_count(100.0 * times)} here, and stays hidden."
        )
    return PracticalFact(name, ratio, unit, kind == "lean", sentence, target)


def _efficiency(efficiency: float | None) -> PracticalFact:
    name, unit = "Coulombic efficiency", "%"
    target = TARGETS[name]
    if efficiency is None:
        return _missing(name, unit, "The Coulombic efficiency is not known, so no life can be told.")
    if efficiency > 1.0 or efficiency == 0.0:
        words = (
            f"A Coulombic efficiency of {_percent(efficiency)} tells nothing of life: only 0 to 100 % can be sustained."
        )
        return PracticalFact(name, 100.0 * efficiency, unit, None, words, target)
    if efficiency == 1.0:
        return PracticalFact(name, 100.0, unit, True, "No metal is lost.", target)
    ends = _count(cycles_to_retention(efficiency, 0.0, END))
    needed = _percent(target.limit)
    sentence = f"{_percent(efficiency)}: without excess metal 80 % of the capacity are left after {ends} cycles"
    sentence += f"; {WANTED} cycles need {needed}, with N/P 1 {_percent(required_efficiency(WANTED, 1.0, END))}."
    return PracticalFact(name, 100.0 * efficiency, unit, efficiency >= target.limit, sentence, target)


def _pressure(pressure: float | None) -> PracticalFact:
    name, unit = "stack pressure", "MPa"
    target = TARGETS[name]
    if pressure is None:
        return _missing(name, unit, "The stack pressure is not known.")
    practical = pressure <= target.limit
    sentence = f"{pressure / 1e6:.3g} MPa of stack pressure, against {target.words}."
    if not practical:
        sentence += " What holds such a pressure weighs more than it saves, and is not in the cell's mass."
    return PracticalFact(name, pressure / 1e6, unit, practical, sentence, target)


def _percent(fraction: float) -> str:
    """Per cent with as many digits as the distance to 100 % deserves."""
    lost = abs(1.0 - fraction)
    digits = 1 if lost <= 0.0 else max(0, 1 - math.floor(math.log10(100.0 * lost)))
    return (
        f"{100.0 * fraction:.{min(digits, 6)}f}".rstrip("0").rstrip(".") + " %"
        if digits
        else f"{100.0 * fraction:.0f} %"
    )


def _count(cycles: float) -> str:
    """A number of cycles as people say it.

    >>> _count(122.3), _count(12345.6), _count(math.inf)
    ('122', '12 300', 'any number of')
    """
    if math.isinf(cycles):
        return "any number of"
    rounded = round(cycles) if cycles < 1e4 else int(float(f"{cycles:.3g}"))
    return f"{rounded:,}".replace(",", " ") if rounded >= 1e4 else str(rounded)
