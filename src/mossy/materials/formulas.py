"""Chemical formulas: which atoms, how heavy, and whether a reaction balances."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources

from mossy.errors import InputError, suggest

Composition = dict[str, float]
_TOKEN = re.compile(r"([A-Z][a-z]?)|(\()|(\))|(\d+(?:\.\d+)?)")


@functools.cache
def atomic_weights() -> dict[str, float]:
    """Standard atomic weights, g/mol.

    >>> atomic_weights()["Li"]
    6.94
    """
    file = resources.files("mossy.materials") / "data" / "elements.toml"
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))["atomic_weight"])


def composition(formula: str) -> Composition:
    """The atoms of a formula unit, by element.

    >>> composition("(CH2OCO2Li)2"), composition("Mg(OH)2")
    ({'C': 4.0, 'H': 4.0, 'O': 6.0, 'Li': 2.0}, {'Mg': 1.0, 'O': 2.0, 'H': 2.0})
    """
    stack: list[Composition] = [{}]
    last: Composition = {}
    place = 0
    while place < len(formula):
        match = _TOKEN.match(formula, place)
        if match is None:
            raise _refused(formula, f"'{formula[place]}' at place {place + 1} is no element, number or parenthesis")
        element, opens, closes, number = match.groups()
        if element:
            if element not in atomic_weights():
                remedy = suggest(element, atomic_weights())
                raise InputError(f"'{element}' in the formula '{formula}' is not an element known here", remedy=remedy)
            _add(stack[-1], last, 1.0)
            last = {element: 1.0}
        elif opens:
            _add(stack[-1], last, 1.0)
            last = {}
            stack.append({})
        elif closes:
            if len(stack) == 1:
                raise _refused(formula, "a parenthesis closes that never opened")
            _add(stack[-1], last, 1.0)
            last = stack.pop()
        else:
            if not last or float(number) == 0.0:
                raise _refused(formula, f"the number {number} follows nothing it could count")
            _add(stack[-1], last, float(number))
            last = {}
        place = match.end()
    _add(stack[-1], last, 1.0)
    if len(stack) > 1 or not stack[0]:
        raise _refused(formula, "a parenthesis is not closed" if len(stack) > 1 else "it is empty")
    return stack[0]


def _add(total: Composition, more: Mapping[str, float], times: float) -> None:
    for element, count in more.items():
        total[element] = total.get(element, 0.0) + times * count


def _refused(formula: str, problem: str) -> InputError:
    remedy = "write element symbols, numbers and parentheses, as in Mg(OH)2"
    return InputError(f"'{formula}' is not a formula: {problem}", remedy=remedy)


def molar_mass(formula: str) -> float:
    """The mass of a formula unit, kg/mol.

    >>> round(molar_mass("Li2CO3") * 1e3, 3)
    73.888
    """
    weights = atomic_weights()
    return sum(weights[element] * count for element, count in composition(formula).items()) / 1e3


def total(parts: Iterable[tuple[str, float]]) -> Composition:
    """The atoms in amounts of several formulas.

    >>> total([("C3H4O3", 2), ("H2", 1)])["H"]
    10.0
    """
    atoms: Composition = {}
    for formula, amount in parts:
        _add(atoms, composition(formula), amount)
    return atoms
