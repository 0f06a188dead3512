"""The field's standard protocols as plans: text steps, each with the part it plays, and the parameters they take.

`mossy.protocol.standard` makes protocols of them; a case names one in [protocol]. Defaults that a source gives name it;
the others are Mossy's choice and say so. What is written "0 s" or "0 V" is left out.

A strip that takes all there is ends at its cut-off. A shorted cell never reaches it, so such a strip also ends when
`longest` times the charge that was plated has passed, which at its constant current is `longest` times the nominal
time; 1.5 is Mossy's choice, far beyond what any electrode gives back, and 0 leaves that end out.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mossy.errors import InputError, suggest
from mossy.protocol.words import measure
from mossy.units import convert, split

MAXIMUM_CURRENTS = 10_000
LONGEST = 1.5


@dataclass(frozen=True)
class Part:
    """A step and the part it plays: "reservoir plate", "short strip", "rest"...

    `to_cut_off`: the voltage is meant to end it; any other end is there for a cell that cannot reach it.
    """

    role: str
    text: str
    to_cut_off: bool = False


@dataclass(frozen=True)
class Block:
    """Parts that are run several times over."""

    repeat: int
    parts: tuple[Part | Block, ...]


Plan = tuple[Part | Block, ...]


def modified_reservoir(
    *,
    current: str = "0.5 mA/cm^2",
    capacity: str = "1 mAh/cm^2",
    reservoir: str = "5 mAh/cm^2",
    cycles: int = 10,
    cut_off: str = "1 V",
    longest: float = LONGEST,
    rest: str = "0 s",
    impedance: bool = False,
) -> Plan:
    """Average Coulombic efficiency on a conditioned substrate (Li||Cu): Adams' modification of Aurbach's reservoir.

    The reservoir Q_T is plated and stripped to the cut-off once (conditioning), plated again, then Q_C is stripped and
    plated n times and the rest is stripped: CE = (n Q_C + Q_S)/(n Q_C + Q_T). A short strip also ends at the cut-off,
    where the reservoir is used up before its time.

    Source: B. D. Adams, J. Zheng, X. Ren, W. Xu, J.-G. Zhang, Adv. Energy Mater. 8 (2018) 1702097,
    10.1002/aenm.201702097. Defaults as the protocol is commonly run (5 and 1 mAh/cm2, ten cycles, 0.5 mA/cm2, 1 V),
    unverified against the paper's text; it has no rests.
    """
    conditioning = (
        *_half_cycle("conditioning plate", f"plate {current} for {reservoir}", rest, impedance),
        *_strip_all("conditioning strip", current, cut_off, reservoir, longest, rest, impedance),
    )
    return conditioning + _from_reservoir(current, capacity, reservoir, cycles, cut_off, longest, rest, impedance)


def reservoir(
    *,
    current: str = "0.5 mA/cm^2",
    capacity: str = "1 mAh/cm^2",
    reservoir: str = "5 mAh/cm^2",
    cycles: int = 10,
    cut_off: str = "1 V",
    longest: float = LONGEST,
    rest: str = "0 s",
    impedance: bool = False,
) -> Plan:
    """Average Coulombic efficiency by Aurbach's reservoir, without conditioning: the substrate's own loss counts too.

    Source: D. Aurbach, Y. Gofer, J. Langzam, J. Electrochem. Soc. 136 (1989) 3198, 10.1149/1.2096425 (unverified).
    Defaults are those of the modified protocol, so that the two compare.
    """
    return _from_reservoir(current, capacity, reservoir, cycles, cut_off, longest, rest, impedance)


def plate_strip(
    *,
    current: str = "1 mA/cm^2",
    capacity: str = "1 mAh/cm^2",
    cycles: int = 50,
    cut_off: str = "1 V",
    longest: float = LONGEST,
    rest: str = "5 min",
    impedance: bool = False,
) -> Plan:
    """Coulombic efficiency cycle by cycle (Li||Cu): plate Q, strip all of it to the cut-off.

    CE_n = Q_stripped/Q_plated. Without a reservoir each cycle begins on bare substrate. Defaults are Mossy's choice.
    """
    plated = _half_cycle("plate", f"plate {current} for {capacity}", rest, impedance)
    stripped = _strip_all("strip", current, cut_off, capacity, longest, rest, impedance)
    return (Block(cycles, plated + stripped),)


def symmetric_cycling(
    *,
    current: str = "1 mA/cm^2",
    capacity: str = "1 mAh/cm^2",
    cycles: int = 100,
    voltage_limit: str = "1 V",
    rest: str = "0 s",
    impedance: bool = False,
) -> Plan:
    """Polarisation of a symmetric cell (Li||Li): the same charge one way and the other.

    A half-cycle also ends at the voltage limit, either way, where a cell has failed. Defaults are Mossy's choice.
    """
    return (Block(cycles, _there_and_back(current, capacity, voltage_limit, rest, impedance)),)


def critical_current(
    *,
    start: str = "0.1 mA/cm^2",
    step: str = "0.1 mA/cm^2",
    stop: str = "2 mA/cm^2",
    half_cycle: str = "1 h",
    cycles_per_step: int = 1,
    voltage_limit: str = "1 V",
    rest: str = "5 min",
    impedance: bool = False,
) -> Plan:
    """Critical current density of a symmetric cell: current stepped up until the cell shorts or its voltage diverges.

    `half_cycle` is a time (each step then passes more charge) or an areal capacity (each step is then shorter); what is
    found depends on it: stripping more metal leaves more voids. A half-cycle that reaches the voltage limit ends, and
    the next begins; whether the experiment is over is for a person or the instrument's safety limits to say.

    Source: A. Sharafi, H. M. Meyer, J. Nanda, J. Wolfenstine, J. Sakamoto, J. Power Sources 302 (2016) 135,
    10.1016/j.jpowsour.2015.10.053 (unverified); on the capacity of a half-cycle "Standardizing critical current density
    measurements in lithium garnets", Commun. Chem. 6 (2023), 10.1038/s42004-023-01002-4. Defaults are Mossy's choice.
    """
    return tuple(
        Block(cycles_per_step, _there_and_back(current, half_cycle, voltage_limit, rest, impedance))
        for current in _currents(start, step, stop)
    )


def rest_pulse(
    *,
    current: str = "1 mA/cm^2",
    capacity: str = "1 mAh/cm^2",
    on: str = "6 min",
    off: str = "2 min",
    cycles: int = 3,
    voltage_limit: str = "0 V",
    rest: str = "10 min",
    impedance: bool = False,
) -> Plan:
    """Half-cycles in pulses, to split the overpotential: the jump at each interruption is ohmic, what decays within
    seconds is charge transfer and film, what decays over minutes is concentration.

    Pulses and relaxations as in W. Weppner, R. A. Huggins, J. Electrochem. Soc. 124 (1977) 1569, 10.1149/1.2133112
    (unverified). Defaults are Mossy's choice; there is no voltage limit, since instruments cannot leave pulses at one.
    The jump is there only in data recorded finely: an instrument's file asks for a reading every 0.1 s and 1 mV.
    """
    parts: Plan = ()
    for way, sign in (("plate", "-"), ("strip", "")):
        text = f"pulse {way} {current} {on} on {off} off for {capacity}{_or_until(sign, voltage_limit)}"
        parts += _half_cycle(f"pulsed {way}", text, rest, impedance)
    return (Block(cycles, parts),)


def _from_reservoir(
    current: str, capacity: str, reservoir: str, cycles: int, cut_off: str, longest: float, rest: str, impedance: bool
) -> Plan:
    plated, cycled = _size(reservoir), _size(capacity)
    if plated is not None and cycled is not None and plated[0] == cycled[0] and cycled[1] > plated[1]:
        problem = f"{capacity} is more than the reservoir of {reservoir}"
        raise InputError(problem, key="parameters.capacity", remedy="strip less in a cycle, or plate more before")
    short = (
        *_half_cycle("short strip", f"strip {current} for {capacity} or until {cut_off}", rest, impedance),
        *_half_cycle("short plate", f"plate {current} for {capacity}", rest, impedance),
    )
    return (
        *_half_cycle("reservoir plate", f"plate {current} for {reservoir}", rest, impedance),
        Block(cycles, short),
        *_strip_all("final strip", current, cut_off, reservoir, longest, rest, impedance),
    )


def _there_and_back(current: str, amount: str, voltage_limit: str, rest: str, impedance: bool) -> tuple[Part, ...]:
    plated = f"plate {current} for {amount}{_or_until('-', voltage_limit)}"
    stripped = f"strip {current} for {amount}{_or_until('', voltage_limit)}"
    return _half_cycle("plate", plated, rest, impedance) + _half_cycle("strip", stripped, rest, impedance)


def _strip_all(
    role: str, current: str, cut_off: str, plated: str, longest: float, rest: str, impedance: bool
) -> tuple[Part, ...]:
    """A strip to the cut-off, with the end of `longest` times what was plated."""
    text = f"strip {current} until {cut_off}"
    if longest:
        if "{" in plated:
            problem = f"the strip to the cut-off would end after {longest:g} times '{plated}', which is not yet known"
            remedy = "write that capacity out, or give longest = 0 and let the cut-off alone end it"
            raise InputError(problem, key="parameters.longest", remedy=remedy)
        amount, unit = split(plated)
        text += f" or for {longest * amount:.10g} {unit}"
    return _half_cycle(role, text, rest, impedance, to_cut_off=True)


def _half_cycle(role: str, text: str, rest: str, impedance: bool, *, to_cut_off: bool = False) -> tuple[Part, ...]:
    after = () if _is_zero(rest) else (Part("rest", f"rest for {rest}"),)
    return (Part(role, text, to_cut_off), *after, *((Part("impedance", "impedance"),) if impedance else ()))


def _or_until(sign: str, voltage: str) -> str:
    return "" if _is_zero(voltage) else f" or until {sign}{voltage}"


def _is_zero(text: str) -> bool:
    return "{" not in text and split(text)[0] == 0.0


def _size(text: str) -> tuple[bool, float] | None:
    """Whether an amount is per area, and its value; None for the name of a value."""
    if "{" in text:
        return None
    found = measure(text, ("capacity",), None)
    whole = measure(text, ("capacity",), 1.0)
    return (found is not None, whole[1]) if whole else None


def _currents(start: str, step: str, stop: str) -> list[str]:
    """The currents from `start` to `stop`, in the unit of `start`.

    >>> _currents("0.1 mA/cm^2", "100 uA/cm^2", "0.3 mA/cm^2")
    ['0.1 mA/cm^2', '0.2 mA/cm^2', '0.3 mA/cm^2']
    """
    for name, text in (("start", start), ("step", step), ("stop", stop)):
        if "{" in text or measure(text, ("current",), None) is None:
            problem = f"'{text}' is not a current per area, which the other currents are counted from"
            raise InputError(problem, key=f"parameters.{name}", remedy="write it as in 0.1 mA/cm^2")
    first, unit = split(start)
    each, last = (convert(*split(text), unit) for text in (step, stop))
    if last < first:
        problem = f"'{stop}' is less than the start, {start}"
        raise InputError(problem, key="parameters.stop", remedy="currents are stepped up: give a larger one")
    count = math.floor((last - first) / each + 1e-9) + 1
    if count > MAXIMUM_CURRENTS:
        problem = f"'{step}' makes {count:,} currents"
        raise InputError(problem, key="parameters.step", remedy=f"give a larger step, {MAXIMUM_CURRENTS:,} at most")
    return [f"{first + place * each:.10g} {unit}" for place in range(count)]


STANDARDS: dict[str, Callable[..., Plan]] = {
    "modified reservoir": modified_reservoir,
    "reservoir": reservoir,
    "plate strip": plate_strip,
    "symmetric cycling": symmetric_cycling,
    "critical current": critical_current,
    "rest pulse": rest_pulse,
}
OTHER_NAMES = {
    "aurbach": ("reservoir", "modified reservoir"),
    "modified aurbach": ("modified reservoir",),
    "aurbach modified": ("modified reservoir",),
    "adams": ("modified reservoir",),
    "pnnl": ("modified reservoir",),
    "coulombic efficiency": ("modified reservoir", "reservoir", "plate strip"),
    "ce": ("modified reservoir", "reservoir", "plate strip"),
    "half cell": ("plate strip", "modified reservoir"),
    "ccd": ("critical current",),
    "critical current density": ("critical current",),
    "symmetric": ("symmetric cycling",),
    "plating stripping": ("plate strip", "symmetric cycling"),
    "gitt": ("rest pulse",),
    "pulse": ("rest pulse",),
}
"""What people call them, and the names they have here."""

_CURRENT, _CAPACITY, _TIME, _VOLTAGE = ("current",), ("capacity",), ("time",), ("voltage",)
PARAMETERS: dict[str, tuple[tuple[str, ...], str]] = {
    "current": (_CURRENT, "current density of every half-cycle"),
    "capacity": (_CAPACITY, "areal capacity of a half-cycle (the short ones, Q_C, where there is a reservoir)"),
    "reservoir": (_CAPACITY, "areal capacity plated first, Q_T"),
    "cycles": (("count",), "how many (short) cycles, n"),
    "cut_off": (_VOLTAGE, "voltage at which everything has been stripped"),
    "longest": (("factor",), "a strip to the cut-off also ends after so many times the charge plated; 0: never"),
    "rest": (_TIME, "rest after each half-cycle; '0 s': none"),
    "voltage_limit": (_VOLTAGE, "voltage, either way, that also ends a half-cycle; '0 V': none"),
    "start": (_CURRENT, "first current density"),
    "step": (_CURRENT, "what each current density has more than the one before"),
    "stop": (_CURRENT, "last current density"),
    "half_cycle": (("time", "capacity"), "time or areal capacity of each half-cycle"),
    "cycles_per_step": (("count",), "cycles at each current density"),
    "on": (_TIME, "time of a pulse"),
    "off": (_TIME, "relaxation after a pulse"),
    "impedance": (("flag",), "a spectrum after each half-cycle (and its rest): true or false"),
}
"""By name: what a parameter measures, and what it is."""
_MAY_BE_ZERO = ("rest", "voltage_limit")
_EXAMPLES = {
    "current": "1 mA/cm^2",
    "capacity": "1 mAh/cm^2",
    "time": "5 min",
    "voltage": "1 V",
}


def standard_name(name: Any, key: str = "standard") -> str:
    """The standard's name from what was written: any case, with underscores or hyphens.

    >>> standard_name("Modified-Reservoir")
    'modified reservoir'
    >>> standard_name("Adams")
    Traceback (most recent call last):
    mossy.errors.InputError: standard: 'Adams' is not a standard protocol; did you mean 'modified reservoir'?
    """
    if not isinstance(name, str):
        raise InputError(f"{name!r} is not the name of a standard protocol", key=key, remedy=suggest("", STANDARDS))
    plain = " ".join(name.lower().replace("_", " ").replace("-", " ").replace("/", " ").split())
    if plain in STANDARDS:
        return plain
    if plain in OTHER_NAMES:
        remedy = "did you mean " + " or ".join(f"'{each}'" for each in OTHER_NAMES[plain]) + "?"
    else:
        remedy = suggest(plain, STANDARDS)
    raise InputError(f"'{name}' is not a standard protocol", key=key, remedy=remedy)


def defaults_of(name: str) -> dict[str, Any]:
    """The parameters of a standard and their defaults."""
    return {each.name: each.default for each in inspect.signature(STANDARDS[name]).parameters.values()}


def plan_of(name: str, parameters: Mapping[str, Any]) -> Plan:
    """The plan of a standard with its parameters checked. Raises InputError with the key "parameters.NAME"."""
    name = standard_name(name)
    known = defaults_of(name)
    for key, value in parameters.items():
        if key not in known:
            problem = f"'{key}' is not a parameter of '{name}'"
            raise InputError(problem, key=f"parameters.{key}", remedy=suggest(key, known))
        _check(key, value)
    return STANDARDS[name](**parameters)


def _check(name: str, value: Any) -> None:
    kinds, key = PARAMETERS[name][0], f"parameters.{name}"
    if kinds == ("flag",):
        if not isinstance(value, bool):
            raise InputError(f"{value!r} is neither true nor false", key=key, remedy="write true or false")
        return
    if kinds == ("count",):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{value!r} is not a number of cycles", key=key, remedy="give a whole number, 1 or more")
        return
    if kinds == ("factor",):
        _check_factor(value, key)
        return
    example = " or ".join(f"'{_EXAMPLES[kind]}'" for kind in kinds)
    if not isinstance(value, str):
        raise InputError(f"{value!r} is not text", key=key, remedy=f"write text with a unit such as {example}")
    if "{" in value:
        return  # the name of one of the protocol's values
    found = measure(value, kinds, 1.0)
    if found is None or not math.isfinite(found[1]):
        raise InputError(f"'{value}' is not what is wanted here", key=key, remedy=f"write it as in {example}")
    if found[1] < 0.0 or (found[1] == 0.0 and name not in _MAY_BE_ZERO):
        raise InputError(f"'{value}' is not more than zero", key=key, remedy=f"write it as in {example}")


def _check_factor(value: Any, key: str) -> None:
    remedy = f"give a number above 1, as in {LONGEST}, or 0 for no such end"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{value!r} is not a number", key=key, remedy=remedy)
    if value != 0 and value <= 1.0:
        problem = f"{value:g} times the charge plated would end a strip before everything could be stripped"
        raise InputError(problem, key=key, remedy=remedy)


def steps_of(plan: Plan) -> list[Any]:
    """A plan as the steps of a [protocol] table."""
    return [
        part.text if isinstance(part, Part) else {"repeat": part.repeat, "steps": steps_of(part.parts)} for part in plan
    ]


def parts_of(plan: Plan) -> Iterator[Part]:
    """The parts of every step carried out in one pass, in order."""
    for part in plan:
        if isinstance(part, Part):
            yield part
            continue
        for _ in range(part.repeat):
            yield from parts_of(part.parts)
