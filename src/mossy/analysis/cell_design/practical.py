"""How far a laboratory cell is from a practical one, said in sentences: what thick metal and much electrolyte hide.

Needs nothing but numbers, any of which may be unknown, so that every report can say it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mossy import materials
from mossy.analysis.cell_design.life import cycles_to_retention, cycles_without_fade, required_efficiency
from mossy.analysis.cell_design.tables import volumetric_capacity
from mossy.analysis.cell_design.wording import count, percent, plain

END, WANTED = 0.8, 500
_CHARGE = 36000.0  # C/m2 in 1 mAh/cm2


@dataclass(frozen=True)
class Target:
    """What a practical cell has, and who says so.

    `status`: "verified" where the number was read in the source named or follows from a computation, "transcribed"
    where it was read in another's transcription of the source, which is named too.
    """

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


_POUCH_CELL = (
    "S. Chen and others, Joule 3 (2019) 1094: their pouch cell for 300 Wh/kg has 3.5 mAh/cm², N/P 2.86 and 3 g/Ah; "
    "read in its abstract and, the numbers, as transcribed in the repository martinsj815/Battery-Park (commit 65e9b33)"
)
_PATENT = "US 11,189,828 (Battelle), abstract: N/P 0.02 to 5 and E/C 1 to 6 g/Ah for 300 Wh/kg or more"
_INDUSTRY = "J. T. Frith, M. J. Lacey, U. Ulissi, Nat. Commun. 14 (2023) 420, Table 1"
_REVIEW = "a review in eScience (December 2024), abstract at doaj.org/article/13cfc244d1d0446cbf4f49add87affee"
TARGETS = {
    "areal capacity": Target(
        3.5,
        "3.5 mAh/cm² or more",
        f"{_POUCH_CELL}. An automotive lithium-ion cell has 5.02, laboratory coin cells far below 2: {_INDUSTRY}",
        "",
        "transcribed",
    ),
    "metal at assembly": Target(
        3.0,
        "N/P of 3 or less",
        f"below 3: {_REVIEW}; 2.86: {_POUCH_CELL}. At most 30 µm of lithium: P. Albertus and others, Nat. Energy 3 "
        "(2018) 16, abstract; N/P 1, with 20 µm, is best: C. Niu and others, doi 10.1038/s41560-021-00852-3, abstract",
        "10.1038/s41560-017-0047-2",
        "verified",
    ),
    "electrolyte": Target(
        3.0,
        "3 g/Ah or less",
        f"{_POUCH_CELL}. {_PATENT}. Automotive cells have 1 g/Ah, laboratory coin cells far over 30: {_INDUSTRY}",
        "",
        "transcribed",
    ),
    "Coulombic efficiency": Target(
        required_efficiency(WANTED, 0.0, END),
        f"{100.0 * required_efficiency(WANTED, 0.0, END):.3f} % or more, or metal in excess",
        f"computed: 80 % of the capacity after {WANTED} cycles without excess metal, E = {END}^(1/{WANTED})",
        "",
        "verified",
    ),
    "stack pressure": Target(
        1.2e6,
        "1.2 MPa or less",
        "A. J. Louli and others, J. Electrochem. Soc. 166 (2019), issue 8, abstract: of 75 to 2205 kPa on anode-free "
        "pouch cells the most significant benefits come up to 1200 kPa",
        "10.1149/2.0091908jes",
        "verified",
    ),
}
LEAN = TARGETS["electrolyte"]
FLOODED = 6.0
"""g/Ah, the most that cells of 300 Wh/kg may hold, by the patent named in the electrolyte's target."""


def electrolyte_class(grams_per_ampere_hour: float) -> str:
    """lean, flooded, or between the two.

    >>> electrolyte_class(2.5), electrolyte_class(5.0), electrolyte_class(40.0), electrolyte_class(0.0)
    ('lean', 'between lean and flooded', 'flooded', 'dry')
    """
    if grams_per_ampere_hour == 0.0:
        return "dry"
    if grams_per_ampere_hour <= LEAN.limit * (1.0 + 1e-9):
        return "lean"
    return "flooded" if grams_per_ampere_hour > FLOODED else "between lean and flooded"


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
    sentence = f"{plain(capacity)} mAh/cm² are cycled, against {target.words}."
    if not practical:
        times = plain(target.limit / capacity, 2)
        sentence += f" A practical cell plates and strips {times} times as much metal at each cycle."
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
        f"{plain(held)} mAh/cm² of {materials.metal(metal).name} ({plain(thickness)} µm) are there at assembly"
        if held
        else "The cell is anode-free"
    )
    if capacity is None:
        return PracticalFact(name, None, unit, None, f"{what}; N/P needs the areal capacity cycled.", target)
    ratio = held / capacity
    excess = max(ratio - (0.0 if brings_metal else 1.0), 0.0)
    sentence = f"{what}, N/P {plain(ratio)}, against {target.words}.{_hidden(excess, efficiency)}"
    return PracticalFact(name, ratio, unit, ratio <= target.limit, sentence, target)


def _hidden(excess: float, efficiency: float | None) -> str:
    """What the excess hides of the losses."""
    if efficiency is None or not 0.0 < efficiency < 1.0:
        if excess <= 0.0:
            return " Every loss shows."
        least = max(1.0 - excess / 100.0, 0.0)
        return f" A Coulombic efficiency as low as {percent(least)} would show no fade in 100 cycles."
    gone, ends = cycles_without_fade(efficiency, 1.0), cycles_to_retention(efficiency, 1.0, END)
    bare = f"the reserve is gone after {count(gone)} and 80 % are left after {count(ends)}"
    if excess <= 1.0:
        left = count(cycles_to_retention(efficiency, excess, END))
        return f" At a Coulombic efficiency of {percent(efficiency)}, 80 % are left after {left} cycles."
    shown = count(cycles_without_fade(efficiency, excess))
    return (
        f" At a Coulombic efficiency of {percent(efficiency)} it shows no fade for {shown} cycles; with N/P 1 {bare}."
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
    sentence = f"{plain(ratio)} g/Ah of electrolyte are {kind}, against {target.words}."
    if kind != "lean":
        times = ratio / target.limit
        sentence += (
            f" What would dry a practical cell in 100 cycles takes {count(100.0 * times)} here, and stays hidden."
        )
    return PracticalFact(name, ratio, unit, kind == "lean", sentence, target)


def _efficiency(efficiency: float | None) -> PracticalFact:
    name, unit = "Coulombic efficiency", "%"
    target = TARGETS[name]
    if efficiency is None:
        return _missing(name, unit, "The Coulombic efficiency is not known, so no life can be told.")
    if efficiency > 1.0 or efficiency == 0.0:
        words = (
            f"A Coulombic efficiency of {percent(efficiency)} tells nothing of life: only 0 to 100 % can be sustained."
        )
        return PracticalFact(name, 100.0 * efficiency, unit, None, words, target)
    if efficiency == 1.0:
        return PracticalFact(name, 100.0, unit, True, "No metal is lost.", target)
    ends = count(cycles_to_retention(efficiency, 0.0, END))
    needed = percent(target.limit)
    sentence = f"{percent(efficiency)}: without excess metal 80 % of the capacity are left after {ends} cycles"
    sentence += f"; {WANTED} cycles need {needed}, with N/P 1 {percent(required_efficiency(WANTED, 1.0, END))}."
    return PracticalFact(name, 100.0 * efficiency, unit, efficiency >= target.limit, sentence, target)


def _pressure(pressure: float | None) -> PracticalFact:
    name, unit = "stack pressure", "MPa"
    target = TARGETS[name]
    if pressure is None:
        return _missing(name, unit, "The stack pressure is not known.")
    practical = pressure <= target.limit
    sentence = f"{plain(pressure / 1e6)} MPa of stack pressure, against {target.words}."
    if not practical:
        sentence += " What makes such a pressure has mass and volume, which count only where the design gives them."
    return PracticalFact(name, pressure / 1e6, unit, practical, sentence, target)
