"""Tables in TOML files: read, and what is wrong with them said as one readable error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mossy.errors import InputError, suggest


def read_toml(file: Path, what: str, example: str) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it holds; `what` it should be, and where an `example` is, for the errors."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file", file=file, remedy=f"give the path of {what}") from None
    except IsADirectoryError:
        raise InputError("is a folder", file=file, remedy=f"give the path of {what} in it") from None
    except UnicodeDecodeError as error:
        problem = f"is not text in UTF-8 (its byte {error.start} is {error.object[error.start]:#04x})"
        raise InputError(problem, file=file, remedy=f"give {what} in TOML") from None
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(problem, file=file, remedy=f"give the path of {what}") from None
    if not text.strip():
        raise InputError("the file is empty", file=file, remedy=example)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not valid TOML: {error}", file=file, remedy="mend that line") from None


def readable(error: ValidationError, data: Any) -> InputError:
    """Every finding of pydantic as one message, the first one leading; one finding for each key."""
    findings: dict[str, InputError] = {}
    for each in error.errors():
        found = _finding(dict(each), data)
        before = findings.setdefault(found.key, found)
        if before is not found and found.remedy not in before.remedy:
            remedy = f"{before.remedy}, or {found.remedy}"
            findings[found.key] = InputError(before.problem, key=found.key, remedy=remedy)
    first, *others = findings.values()
    return InputError(first.problem, key=first.key, remedy="\n".join([first.remedy, *map(str, others[:7])]))


def _finding(error: dict[str, Any], data: Any) -> InputError:
    key, place = "", data
    for part in error["loc"]:
        inside = part in place if isinstance(place, Mapping) else isinstance(place, list) and isinstance(part, int)
        if isinstance(part, int):
            key += f"[{part}]"
        elif inside or (part.isidentifier() and part not in _TYPES):
            bare = part if part.replace("-", "_").isidentifier() else f'"{part}"'
            key += f".{bare}" if key else bare
        place = place[part] if inside else None
    context = error.get("ctx") or {}
    if isinstance(context.get("error"), InputError):
        found = context["error"]
        if found.key.startswith("["):  # a place in a list, not the name of a key
            return InputError(found.problem, key=key + found.key, remedy=found.remedy)
        return found.at(key)
    kind, shown = error["type"], _short(error["input"])
    if kind == "extra_forbidden":
        word = str(error["loc"][-1])
        place_of = key.removesuffix(word).rstrip(".")
        known = _STEPS if place_of.endswith("]") else (*_STEPS, "values", "standard", "parameters")
        return InputError(f"'{word}' is not a key here", key=place_of, remedy=suggest(word, known))
    if kind == "literal_error":
        choices = [each.strip("' ") for each in str(context["expected"]).replace(" or ", ",").split(",")]
        return InputError(f"{shown} is not a choice here", key=key, remedy=suggest(str(error["input"]), choices))
    if kind in _MISTAKES:
        problem, remedy = (text.format(shown=shown, **context) for text in _MISTAKES[kind])
        return InputError(problem, key=key, remedy=remedy)
    problem, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
    return InputError(problem[0].lower() + problem[1:], key=key, remedy=remedy)


def _short(value: Any) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_STEPS = ("repeat", "steps")
"""The keys of a block of steps; those of a whole protocol are more."""
_TYPES = ("str", "float", "int", "list", "RepeatBlock", "GrowthTable")
"""What pydantic puts in a place to tell the choices of a union apart."""
_TABLE = ("{shown} is not a table", "write it as a table, [name] or {{ key = value }}")
_COUNT = ("{shown} is not a whole number", "write one without quotation marks and without a point")
_MISTAKES = {
    "missing": ("it is missing", "add it"),
    "model_type": _TABLE,
    "dict_type": _TABLE,
    "list_type": ("{shown} is not a list", "write a list in [ ]"),
    "string_type": ("{shown} is not text", "write text in quotation marks"),
    "bool_type": ("{shown} is neither true nor false", "write true or false"),
    "int_type": _COUNT,
    "int_parsing": _COUNT,
    "int_from_float": _COUNT,
    "float_type": ("{shown} is not a number", "write a number without quotation marks"),
    "float_parsing": ("{shown} is not a number", "write a number without quotation marks"),
    "greater_than_equal": ("{shown} is too small", "it must be at least {ge}"),
    "less_than_equal": ("{shown} is too large", "it must be at most {le}"),
    "too_short": ("there are {actual_length} where at least {min_length} are needed", "add what is missing"),
    "too_long": ("there are {actual_length} where at most {max_length} are allowed", "leave out what is too much"),
}


__all__ = ["read_toml", "readable"]
