"""What can go wrong with input, said so that a person can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST, _FEW = 85, 8  # a list of more options than this is cut to the nearest few


class MossyError(Exception):
    """The root of every error Mossy raises on purpose."""


class InputError(MossyError, ValueError):
    """Something a person gave cannot be used: what, where, and what to do next.

    >>> print(InputError("-5 nm is negative", key="working.interphase.initial_thickness", remedy="give 0 nm or more"))
    working.interphase.initial_thickness: -5 nm is negative; give 0 nm or more
    """

    def __init__(self, problem: str, *, key: str = "", file: object = "", remedy: str = "") -> None:
        self.problem, self.key, self.file, self.remedy = problem, key, str(file), remedy
        super().__init__(problem)

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        text = f"{place}: {self.problem}" if place else self.problem
        return f"{text}; {self.remedy}" if self.remedy else text

    def at(self, key: str = "", file: object = "") -> InputError:
        """The same error, seen from further out: its key prefixed and its file named where it had none.

        >>> str(InputError("no unit", key="thickness").at("cell.separator", "a.toml"))
        'a.toml: cell.separator.thickness: no unit'
        """
        path = ".".join(part for part in (key, self.key) if part)
        return InputError(self.problem, key=path, file=self.file or file, remedy=self.remedy)


def suggest(word: str, options: Iterable[str]) -> str:
    """The remedy for a word that is not among the options: the nearest ones first.

    >>> suggest("lithum", ["lithium", "sodium", "copper"])
    "did you mean 'lithium'?"
    >>> suggest("xyz", ["lithium", "sodium"])
    "choose one of 'lithium', 'sodium'"
    """
    options = list(options)
    lowered = {option.lower(): option for option in options}
    near = [lowered[match] for match in difflib.get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)]
    if near:
        return "did you mean " + " or ".join(f"'{option}'" for option in near) + "?"
    shown = options
    if len(options) > _MOST:
        shown = difflib.get_close_matches(word.lower(), lowered, n=_FEW, cutoff=0.0)
        shown = [lowered[match] for match in shown]
    more = f" ({len(options)} in all)" if len(shown) < len(options) else ""
    return "choose one of " + ", ".join(f"'{option}'" for option in shown) + more
