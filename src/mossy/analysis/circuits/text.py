"""A circuit written as text, `R0-p(R1,Q1)-Wo1`, parsed into a tree; every error points at its character.

    circuit := part ("-" part)*                      in series
    part    := element | "(" circuit ")" | "p(" circuit ("," circuit)+ ")" | combination "(" circuit ("," circuit)* ")"
    element := symbol digits?                        R0, Q1, Wo2: a symbol of `elements.ELEMENTS`, and a number

White space makes no difference. A name may stand only once. `COMBINATIONS` of `elements` are ways to put circuits
together other than in series and side by side: a transmission line, the two equal electrodes of a symmetric cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mossy.analysis.circuits.elements import ALIASES, COMBINATIONS, ELEMENTS
from mossy.errors import InputError, suggest

_NAME = re.compile(r"([A-Za-z]+)([0-9]*)")
_LONGEST = 2000
_DEEPEST = 20


@dataclass(frozen=True)
class Leaf:
    """One element: its symbol and its name in the circuit."""

    symbol: str
    label: str


@dataclass(frozen=True)
class Node:
    """Parts put together: "series", "p" (parallel) or the name of a combination."""

    kind: str
    parts: tuple[Node | Leaf, ...]


Tree = Node | Leaf


def parse(text: str) -> Tree:
    """The tree of a circuit.

    >>> parse("R0-p(R1,C1)")
    Node(kind='series', parts=(Leaf(symbol='R', label='R0'), Node(kind='p', parts=(Leaf(symbol='R', label='R1'), \
Leaf(symbol='C', label='C1')))))
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{text!r} is no circuit", key="circuit", remedy="write one as in R0-p(R1,Q1)-W1")
    if len(text) > _LONGEST:
        raise InputError(f"the circuit has {len(text)} characters", key="circuit", remedy=f"at most {_LONGEST}")
    return _Parser(text).circuit()


def leaves(tree: Tree) -> Iterator[Leaf]:
    """The elements of a tree, from left to right."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in tree.parts:
            yield from leaves(part)


def written(tree: Tree) -> str:
    """The text of a tree.

    >>> written(parse(" R0 - p( R1, C1) "))
    'R0-p(R1,C1)'
    """
    if isinstance(tree, Leaf):
        return tree.label
    parts = [written(part) for part in tree.parts]
    if tree.kind == "series":
        return "-".join(parts)
    return f"{tree.kind}({','.join(parts)})"


class _Parser:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        self.seen: dict[str, int] = {}

    def circuit(self) -> Tree:
        """The whole text as one circuit."""
        tree = self._series()
        if self._next():
            raise self._error(f"'{self._next()}' is not expected here", "join parts with '-'")
        return tree

    def _next(self) -> str:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.text[self.place : self.place + 1]

    def _error(self, problem: str, remedy: str, place: int | None = None) -> InputError:
        place = self.place if place is None else place
        problem = f"{problem} (character {place + 1})"
        if len(self.text) <= 200 and "\n" not in self.text:
            remedy = f"{remedy}\n    {self.text}\n    {' ' * place}^"
        return InputError(problem, key="circuit", remedy=remedy)

    def _series(self) -> Tree:
        parts = [self._part()]
        while self._next() == "-":
            self.place += 1
            parts.append(self._part())
        if len(parts) == 1:
            return parts[0]
        flat: list[Tree] = []
        for part in parts:
            flat += part.parts if isinstance(part, Node) and part.kind == "series" else (part,)
        return Node("series", tuple(flat))

    def _part(self) -> Tree:
        here = self._next()
        if here == "(":
            return self._inside(1)[0]
        start = self.place
        match = _NAME.match(self.text, self.place)
        if match is None:
            found = f"'{here}' stands where" if here else "the text ends where"
            raise self._error(f"{found} an element should be", "write an element such as R1, or p(...)")
        self.place = match.end()
        word, number = match[1], match[2]
        if self._next() == "(":
            return self._combination(word + number, start)
        symbol = ALIASES.get(word, word)
        if symbol not in ELEMENTS:
            remedy = suggest(word, [*ELEMENTS, *ALIASES, *(f"{name}(...)" for name in COMBINATIONS)])
            raise self._error(f"there is no element '{word}'", remedy, start)
        label = symbol + number
        if label in self.seen:
            problem = f"'{label}' stands twice, at characters {self.seen[label] + 1} and {start + 1}"
            raise self._error(problem, "number the elements apart, as in R1, R2", start)
        self.seen[label] = start
        return Leaf(symbol, label)

    def _combination(self, word: str, start: int) -> Tree:
        if word not in COMBINATIONS:
            remedy = suggest(word, COMBINATIONS)
            raise self._error(f"'{word}(' does not begin a combination", remedy, start)
        fewest, most = COMBINATIONS[word].parts
        parts = self._inside(most)
        if len(parts) < fewest:
            wanted = f"{fewest} or more" if most > fewest else str(fewest)
            problem = f"'{word}' holds {len(parts)} part{'s' if len(parts) > 1 else ''}, not {wanted}"
            raise self._error(problem, f"write {COMBINATIONS[word].example}", start)
        return Node(word, tuple(parts))

    def _inside(self, most: int) -> list[Tree]:
        """The circuits between brackets, at most so many."""
        opened = self.place
        self.place += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"brackets go deeper than {_DEEPEST}", "write a simpler circuit", opened)
        parts = [self._series()]
        while self._next() == ",":
            if len(parts) == most:
                remedy = "put parts side by side with p(..., ...)" if most == 1 else f"at most {most} parts stand here"
                raise self._error("a comma is not expected here", remedy)
            self.place += 1
            parts.append(self._series())
        if self._next() != ")":
            found = f"'{self._next()}' stands" if self._next() else "the text ends"
            raise self._error(f"{found} before the bracket of character {opened + 1} is closed", "close it with ')'")
        self.place += 1
        self.depth -= 1
        return parts
