"""The components of a peak fit: which parameters are free, held, or tied to another component's; and their text form.

A doublet is one component: its position is that of the stronger line, its area that of both lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mossy.errors import InputError, suggest


@dataclass(frozen=True)
class Free:
    """A parameter that the fit moves, from `start`, within bounds; where none are given, the usual ones of its kind."""

    start: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Fixed:
    """A parameter that the fit leaves alone."""

    value: float


@dataclass(frozen=True)
class Link:
    """`factor` times the same parameter of another component, plus `offset`, which may be free within bounds."""

    to: str
    offset: float | Free = 0.0
    factor: float = 1.0


Quantity = float | Free | Fixed | Link
"""A plain number is where a free parameter starts."""

SHAPES = ("voigt", "product", "sum", "metallic")
"""Voigt; a Gaussian times or plus a Lorentzian of one width (GL, SGL of the field's software); Doniach-Sunjic."""
_SHARED = "of all components that do not say otherwise"


@dataclass(frozen=True)
class Component:
    """One line (or doublet) of a region. Energies and widths in eV; widths are full widths at half maximum.

    - `position`: binding energy; a plain number is free within the fit's `tolerance`.
    - `gaussian_width`: None shares one width with all others that say None (of a product or sum: their one width).
    - `lorentzian_width`: None holds the natural width of the level.
    - `area`: None is free and >= 0; a `Link` ties it to another's (only its factor counts).
    - `doublet`: None splits the line where the level has spin and orbit; `splitting` and `ratio` (area of the weaker
      over that of the stronger line): None holds the library's; `Free` frees them.
    - `level`: the core level if it is not the region's, as "K 2p" within C 1s; a name that is one ("K 2p") says it too.
    - `shape`: one of `SHAPES`; `mixing` of "product" and "sum", 0 (Gaussian) to 1; `asymmetry` of "metallic".

    >>> Component("C-O", Link("C-C", 1.5)).shape
    'voigt'
    """

    name: str
    position: Quantity
    gaussian_width: Quantity | None = None
    lorentzian_width: Quantity | None = None
    area: Link | None = None
    doublet: bool | None = None
    splitting: Quantity | None = None
    ratio: Quantity | None = None
    shape: str = "voigt"
    mixing: float = 0.3
    asymmetry: Quantity = field(default_factory=lambda: Fixed(0.0))
    level: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("a component without a name", key="components", remedy="give each a name")
        if self.shape not in SHAPES:
            raise InputError(f"no line is called '{self.shape}'", key=self.name, remedy=suggest(self.shape, SHAPES))
        if not 0.0 <= self.mixing <= 1.0:
            raise InputError(f"a mixing of {self.mixing}", key=self.name, remedy="give 0 (Gaussian) to 1 (Lorentzian)")
        if self.shape != "metallic" and self.asymmetry != Fixed(0.0):
            problem = f"an asymmetry, but the shape '{self.shape}' is symmetric"
            raise InputError(problem, key=self.name, remedy="give the shape 'metallic', or no asymmetry")


_ITEM = re.compile(
    r"(?P<name>\S(?:.*?\S)?)\s+(?P<position>[+-]?\d+(?:\.\d+)?)(?:@(?P<to>[^\s~!]+))?(?P<held>!|~\d+(?:\.\d+)?)?"
    r"(?P<options>(?:\s+[a-z]+=\S+)*)"
)
_OPTIONS = ("w", "l", "area", "shape", "asym", "doublet", "split", "ratio")
GRAMMAR = (
    "write 'C-C 284.8, C-O +1.5, C=O +3.8~0.3, CO3 289.9!': a name and a binding energy in eV, or a distance from the "
    "first component (+1.5@NAME: from another); ~0.3 lets it move by that much, ! holds it; then w= (Gaussian FWHM), "
    "l= (Lorentzian FWHM), area=0.5@NAME, shape=voigt|glNN|sglNN|metallic, asym=, doublet=no, split=, ratio="
)


def parse_components(text: str) -> list[Component]:
    """Components from text, as a terminal takes them.

    >>> first, second = parse_components("C-C 284.8, C-O +1.5")
    >>> first.position, second.position
    (284.8, Link(to='C-C', offset=1.5, factor=1.0))
    >>> parse_components("F 685.0~0.3 w=1.6!, S2 +1.2 area=0.5@F shape=gl30")[0].gaussian_width
    Fixed(value=1.6)
    """
    found: list[Component] = []
    for item in (part.strip() for part in text.split(",")):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise InputError(f"'{item}' is no component", key="components", remedy=GRAMMAR)
        found.append(_parsed(match, found))
    return found


def _parsed(match: re.Match[str], before: list[Component]) -> Component:
    value, held, name = float(match["position"]), match["held"] or "", match["name"]
    relative = match["position"][0] in "+-"
    moves = float(held[1:]) if held.startswith("~") else None
    around = Free(value, value - moves, value + moves) if moves is not None else None
    if not relative and match["to"]:
        raise InputError(f"'{name}' has a binding energy and '@'", key="components", remedy=GRAMMAR)
    if relative and not before:
        problem = f"'{name}' is the first component, with a distance of {match['position']} from none"
        raise InputError(problem, key="components", remedy="give the first its binding energy in eV")
    position: Quantity
    if relative:
        position = Link(match["to"] or before[0].name, around or value)
    else:
        position = Fixed(value) if held == "!" else around or value
    component = Component(name, position)
    for word in match["options"].split():
        component = _with_option(component, *word.split("=", 1))
    return component


def _with_option(component: Component, option: str, value: str) -> Component:
    if option not in _OPTIONS:
        raise InputError(f"no option is called '{option}'", key=component.name, remedy=suggest(option, _OPTIONS))
    if option == "area":
        ratio, _, other = value.partition("@")
        if not other:
            raise InputError(f"'area={value}'", key=component.name, remedy="write area=0.5@NAME of another component")
        return replace(component, area=Link(other, factor=_number(ratio, component.name)))
    if option == "doublet":
        if value not in ("yes", "no"):
            raise InputError(f"'doublet={value}'", key=component.name, remedy="write doublet=yes or doublet=no")
        return replace(component, doublet=value == "yes")
    if option == "shape":
        return _shaped(component, value)
    number = _number(value.rstrip("!"), component.name)
    quantity: Quantity = Fixed(number) if value.endswith("!") else Free(number)
    if option == "asym":
        return replace(component, shape="metallic", asymmetry=quantity)
    key = {"w": "gaussian_width", "l": "lorentzian_width", "split": "splitting", "ratio": "ratio"}[option]
    return replace(component, **{key: quantity})  # type: ignore[arg-type]


def _shaped(component: Component, value: str) -> Component:
    mixture = re.fullmatch(r"(s?)gl(\d{1,3})", value.lower())
    if mixture and int(mixture[2]) <= 100:
        return replace(component, shape="sum" if mixture[1] else "product", mixing=int(mixture[2]) / 100.0)
    if value.lower() == "metallic":
        asymmetry = component.asymmetry if component.shape == "metallic" else Free(0.1)
        return replace(component, shape="metallic", asymmetry=asymmetry)
    if value.lower() != "voigt":
        options = ("voigt", "gl30", "sgl30", "metallic")
        raise InputError(f"no line is called '{value}'", key=component.name, remedy=suggest(value, options))
    return replace(component, shape="voigt")


def _number(word: str, name: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"'{word}' is no number", key=name, remedy=GRAMMAR)
    return number


DEFAULTS = {
    "C 1s": "C-C 284.8~2, C-O +1.6~0.3, C=O +3.6~0.4, CO3 +5.2~0.4",
    "O 1s": "C=O or CO3 531.6~2, C-O +1.4~0.4",
    "F 1s": "metal fluoride 685.0~2, C-F or P-F +2.6~0.8",
}
"""Where to begin if a person says nothing: rules of thumb for interphases; they fit no spectrum in particular."""


def checked(components: Iterable[Component]) -> list[Component]:
    """The components, if each has a name of its own and ties lead, without circles, to components that are there."""
    found = list(components)
    if not found:
        raise InputError("no components", key="components", remedy=GRAMMAR)
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"two components are called '{twice}'", key="components", remedy="give each its own name")
    for each in found:
        for key in ("position", "gaussian_width", "lorentzian_width", "area", "splitting", "ratio", "asymmetry"):
            _follow(each, key, {other.name: other for other in found})
    return found


def _follow(component: Component, key: str, by_name: dict[str, Component]) -> None:
    seen, link = [component.name], getattr(component, key)
    while isinstance(link, Link):
        if link.to not in by_name:
            raise InputError(
                f"tied to '{link.to}', which is not there",
                key=f"{component.name}.{key}",
                remedy=suggest(link.to, by_name),
            )
        if link.to in seen:
            raise InputError(
                f"tied in a circle ({', '.join([*seen, link.to])})",
                key=f"{component.name}.{key}",
                remedy="let one of them be free",
            )
        seen.append(link.to)
        link = getattr(by_name[link.to], key)
