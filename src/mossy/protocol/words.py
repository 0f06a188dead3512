"""The words of a step: a small tokeniser and the reader that walks along it and points at what it cannot use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from mossy.errors import InputError, suggest
from mossy.units import convert, to_si

KEYWORDS = ("for", "until", "or", "and", "on", "off", "columns", "positive", ",")
TARGETS = {"time": "s", "capacity": "C/m^2", "current": "A/m^2", "voltage": "V"}
_WHOLE_CELL = {"capacity": "C", "current": "A"}
_NAMES = {"time": "a time", "capacity": "an areal capacity", "current": "a current density", "voltage": "a voltage"}
_EXAMPLES = {"time": "1 h", "capacity": "1 mAh/cm^2", "current": "1 mA/cm^2", "voltage": "-0.5 V"}
_PEOPLE = {
    "time": ("d", "h", "min", "s", "ms"),
    "capacity": ("mAh/cm^2", "C/m^2", "mAh"),
    "current": ("mA/cm^2", "uA/cm^2", "A/m^2", "mA"),
    "voltage": ("V", "mV"),
}


@dataclass(frozen=True)
class Word:
    """One word of a text and where it stands."""

    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(frozen=True)
class Amount:
    """A quantity read from a step: what it measures, its SI value per area, and the words it was written with."""

    kind: str
    value: float
    text: str


def split_words(text: str) -> list[Word]:
    """The words of a text: apart by spaces, commas (not the decimal ones) on their own, quoted names whole.

    >>> [word.text for word in split_words("plate 1 mA/cm^2 for 1 h, or until -0.5 V")]
    ['plate', '1', 'mA/cm^2', 'for', '1', 'h', ',', 'or', 'until', '-0.5', 'V']
    """
    words: list[Word] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        word = _word_at(text, place)
        words.append(word)
        place = word.end
    return words


def _word_at(text: str, start: int) -> Word:
    if text[start] == ",":
        return Word(",", start, start + 1)
    if text[start] in "'\"":
        close = text.find(text[start], start + 1)
        if close > 0:
            return Word(text[start + 1 : close], start, close + 1, quoted=True)
    end = start + 1
    while end < len(text) and not text[end].isspace() and not _is_separating_comma(text, end):
        end += 1
    return Word(text[start:end], start, end)


def _is_separating_comma(text: str, place: int) -> bool:
    beside = text[place - 1 : place] + text[place + 1 : place + 2]
    return text[place] == "," and not (len(beside) == 2 and beside[0].isdecimal() and beside[1].isdecimal())


def starts_number(text: str) -> bool:
    """Whether a word begins as a number does: 1, -0.5, .5, nan."""
    bare = text.lstrip("+-\N{MINUS SIGN}")
    return bare.lstrip(".")[:1].isdecimal() or bare.lower() in ("nan", "inf", "infinity")


class Reader:
    """Walks along the words of a text; every failure quotes the text and the words it is about."""

    def __init__(self, text: str, key: str = "", area: float | None = None) -> None:
        self.text = text.strip()
        self.key, self.area = key, area
        self.words = split_words(self.text)
        self.place = 0

    @property
    def done(self) -> bool:
        """Whether every word has been read."""
        return self.place >= len(self.words)

    @property
    def word(self) -> str:
        """The next word in lower case; nothing at the end or where a quoted name stands."""
        if self.done or self.words[self.place].quoted:
            return ""
        return self.words[self.place].text.lower()

    def accept(self, *options: str) -> str:
        """The next word if it is one of the options, then passed; else nothing."""
        word = self.word
        if word and word in options:
            self.place += 1
            return word
        return ""

    def expect(self, option: str, remedy: str) -> None:
        """Pass one word that must stand here."""
        if not self.accept(option):
            self.fail(f"'{option}' is missing {self.here()}", remedy)

    def here(self) -> str:
        """Where the reader stands, in words."""
        return "at the end" if self.done else f"before '{self.words[self.place].text}'"

    def slice(self, start: int, stop: int) -> str:
        """The text as written from one word up to another."""
        return self.text[self.words[start].start : self.words[stop - 1].end] if stop > start else ""

    def name_until(self, *stops: str) -> tuple[str, bool]:
        """A name up to one of the stop words, and whether it was quoted (then it may hold any word)."""
        start = self.place
        if not self.done and self.words[start].quoted:
            self.place += 1
            return self.words[start].text, True
        while not self.done and self.word not in stops:
            self.place += 1
        return self.slice(start, self.place).rstrip(", "), False

    def fail(self, problem: str, remedy: str = "") -> NoReturn:
        """Refuse the text, quoting it."""
        shown = " ".join(self.text.split())
        shown = shown if len(shown) <= 100 else shown[:97] + "..."
        raise InputError(f"in '{shown}': {problem}", key=self.key, remedy=remedy)

    def fail_word(self, options: Iterable[str], remedy: str = "") -> NoReturn:
        """Refuse the next word, suggesting the options."""
        word = self.words[self.place].text
        options = list(options)
        if starts_number(word):
            remedy = "one of " + ", ".join(f"'{option}'" for option in options) + " goes before a number"
        self.fail(f"'{word}' is not understood here", remedy or suggest(word, options))

    def amount(self, kinds: tuple[str, ...], form: str = "") -> Amount:
        """The quantity at this place, of one of the kinds, with the longest unit that makes one."""
        wanted = _either([_NAMES[kind] for kind in kinds])
        example = _either([f"'{_EXAMPLES[kind]}'" for kind in kinds])
        if self.done or not starts_number(self.words[self.place].text):
            self.fail(f"{wanted} is missing {self.here()}", form or f"write a number and a unit such as {example}")
        start = self.place
        stop = start + 1
        while stop < len(self.words) and not self._ends_unit(self.words[stop]) and stop - start < 8:
            stop += 1
        for end in range(stop, start, -1):
            text = self.slice(start, end).replace("\N{MINUS SIGN}", "-")
            found = measure(text, kinds, self.area)
            if found is not None:
                self.place = end
                return Amount(found[0], self._finite(found[1], text), text)
        return self._fail_amount(self.slice(start, stop), kinds, f"such as {example}")

    def _ends_unit(self, word: Word) -> bool:
        return word.quoted or word.text.lower() in KEYWORDS or starts_number(word.text)

    def _finite(self, value: float, text: str) -> float:
        if not math.isfinite(value):
            self.fail(f"'{text}' is not a finite amount", "give a smaller number")
        return value

    def _fail_amount(self, text: str, kinds: tuple[str, ...], example: str) -> NoReturn:
        wanted = _either([_NAMES[kind] for kind in kinds])
        unit = text.lstrip("+-.0123456789").strip()
        if text.lstrip("+-").lower().startswith(("nan", "inf")):
            self.fail(f"'{text}' is not a finite number", f"write {wanted} {example}")
        if not unit:
            self.fail(f"'{text}' has no unit", f"write {wanted} {example}")
        if self.area is None and any(_si(text, _WHOLE_CELL[kind]) is not None for kind in kinds if kind in _WHOLE_CELL):
            remedy = "give the cell's area (cell.area), or write the amount per area such as '1 mA/cm^2'"
            self.fail(f"'{text}' is for the whole cell, whose area is not known", remedy)
        if unit.startswith(",") and unit[1:2].isdecimal():
            self.fail(f"'{text}' has a decimal comma", "write a decimal point")
        known = [name for names in _PEOPLE.values() for name in names]
        same = [name for name in known if name.lower() == unit.lower() and name != unit]
        remedy = f"did you mean '{same[0]}'?" if same else f"write one {example}"
        self.fail(f"'{text}' is not {wanted}", remedy)


def _either(options: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(options[:-1]), options[-1]) if part)


def measure(text: str, kinds: Iterable[str], area: float | None) -> tuple[str, float] | None:
    """What a quantity measures and its SI value (per area; the whole cell's is divided by the area), or None.

    >>> measure("1 h", ["time", "voltage"], None), measure("2 mA", ["current"], 1e-4)
    (('time', 3600.0), ('current', 20.0))
    """
    for kind in kinds:
        value = _si(text, TARGETS[kind])
        if value is not None:
            return kind, value
        if area is not None and kind in _WHOLE_CELL:
            value = _si(text, _WHOLE_CELL[kind])
            if value is not None:
                return kind, value / area
    return None


def _si(text: str, unit: str) -> float | None:
    try:
        return to_si(text, unit)
    except InputError:
        return None


def write_amount(value: float, kind: str) -> str:
    """An SI value as text in the unit people read, exact: read again it is the same float.

    >>> write_amount(10.0, "current"), write_amount(600.0, "time"), write_amount(-0.05, "voltage")
    ('1 mA/cm^2', '10 min', '-0.05 V')
    """
    unit = TARGETS[kind]
    units: Mapping[str, tuple[str, ...]] = {
        "time": ("h", "min", "s"),
        "capacity": ("mAh/cm^2",),
        "current": ("mA/cm^2",),
        "voltage": ("V",),
    }
    for shown in units[kind]:
        number = f"{convert(value, unit, shown):.6g}"
        if kind == "time" and float(number) < 1.0:
            continue
        if to_si(f"{number} {shown}", unit) == value:
            return f"{number} {shown}"
    return f"{value!r} {unit}"
