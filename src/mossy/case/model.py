"""A case file: every table of it, read with messages that say what is wrong where, and run."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError

from mossy.case.checks import check_properties, check_salt
from mossy.case.facts import facts_of
from mossy.cells import Cell
from mossy.cells.build import build_cell, chemistry
from mossy.cells.electrode_tables import ElectrodeTable
from mossy.cells.tables import CellTable, ElectrolyteTable
from mossy.errors import InputError, suggest
from mossy.infer.tables import FitTable
from mossy.protocol import Point, ProtocolTable, Schedule, compile_protocol, locate, parse_frequencies
from mossy.simulate import Run
from mossy.simulate import run as simulate
from mossy.simulate.run import Progress
from mossy.simulate.tables import ImpedanceTable, MapTable, NumericsTable, SensitivityTable
from mossy.tables import Table, default, subtable


class Case(Table):
    """A whole case: cell, electrolyte, both electrodes, protocol, and what to compute."""

    title: str = default("")
    cell: CellTable = subtable(CellTable)
    electrolyte: ElectrolyteTable = subtable(ElectrolyteTable)
    working: ElectrodeTable = subtable(ElectrodeTable)
    counter: ElectrodeTable = subtable(ElectrodeTable)
    protocol: ProtocolTable
    impedance: ImpedanceTable | None = None
    numerics: NumericsTable = subtable(NumericsTable)
    fit: FitTable | None = Field(default=None, description="what to fit, and to which measurements")
    map: MapTable | None = Field(default=None, description="what `mossy map` computes over which parameters")
    sensitivity: SensitivityTable | None = Field(default=None, description="which parameters `mossy sensitivity` ranks")
    _folder: Path | None = PrivateAttr(default=None)
    _text: str = PrivateAttr(default="")

    @property
    def folder(self) -> Path | None:
        """Where the files named in the case are looked for."""
        return self._folder

    @property
    def text(self) -> str:
        """The case as it was written."""
        return self._text

    @functools.cached_property
    def schedule(self) -> Schedule:
        """The protocol, parsed and unrolled."""
        return compile_protocol(self.protocol, area=self.cell.area, folder=self._folder)

    def with_value(self, path: str, value: Any) -> Case:
        """A copy with the SI value at a dotted path replaced (by a float, or by what JAX differentiates)."""
        changed = cast(Case, super().with_value(path, value))
        if path.startswith(("cell.area", "protocol")):
            changed.__dict__.pop("schedule", None)  # what the copy had unrolled before holds no more
        return changed

    def with_values(self, values: Mapping[str, Any]) -> Case:
        """A copy with the SI values at several dotted paths replaced."""
        changed = self
        for path, value in values.items():
            changed = changed.with_value(path, value)
        return changed

    def with_tolerance(self, relative: float) -> Case:
        """A copy integrated to another relative tolerance."""
        return self.model_copy(update={"numerics": self.numerics.model_copy(update={"relative_tolerance": relative})})

    @property
    def points(self) -> list[Point]:
        """Where the impedance is asked for."""
        return self.impedance.points() if self.impedance is not None else []

    @property
    def frequencies(self) -> np.ndarray:
        """Of every spectrum, Hz."""
        return parse_frequencies((self.impedance or ImpedanceTable()).frequencies)

    def build(self) -> Cell:
        """The cell."""
        return build_cell(self.cell, self.electrolyte, self.working, self.counter, self.numerics.nodes)

    def check(self) -> Case:
        """The case itself, once everything that a run needs has been checked; a fit's measurements it does not need."""
        schedule = self.schedule
        check_salt(chemistry(self.cell, self.electrolyte), self.electrolyte)
        check_properties(self.build())
        if self.impedance is not None:
            for index, point in enumerate(self.impedance.points()):
                locate(point, schedule, f"impedance.at[{index}]")
        if self.fit is not None:
            from mossy.case.fitting import free_parameters

            free_parameters(self)
        return self


def load_case(path: str | Path) -> Case:
    """Reads and checks a case file (TOML). Files it names are looked for in its own folder.

    Raises InputError naming the file, the key and the remedy.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file", file=file, remedy="give the path of a case file") from None
    except IsADirectoryError:
        raise InputError("is a folder", file=file, remedy="give the path of a case file in it") from None
    except UnicodeDecodeError as error:
        problem = f"is not text in UTF-8 (its byte {error.start} is {error.object[error.start]:#04x})"
        raise InputError(problem, file=file, remedy="give a case file in TOML") from None
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(problem, file=file, remedy="give the path of a case file") from None
    if not text.strip():
        remedy = "`mossy new lithium-copper` prints an example"
        raise InputError("the file is empty", file=file, remedy=remedy)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not valid TOML: {error}", file=file, remedy="mend that line") from None
    try:
        case = parse_case(data, folder=file.parent)
        case._text = text
        return case.check()
    except InputError as error:
        raise error.at(file=file) from None


def parse_case(data: Mapping[str, Any], folder: str | Path | None = None) -> Case:
    """A case from a dictionary of the same shape as the file; not yet checked against its files and materials."""
    if "protocol" not in data:
        remedy = 'add [protocol] with steps = ["plate 1 mA/cm^2 for 1 h"]'
        raise InputError("the case has no protocol", key="protocol", remedy=remedy)
    try:
        case = Case.model_validate(dict(data), context={"folder": folder})
    except ValidationError as error:
        raise _readable(error, data) from None
    case._folder = Path(folder) if folder is not None else None
    return case


def _readable(error: ValidationError, data: Any) -> InputError:
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
        return InputError(f"'{word}' is not a key here", key=place_of, remedy=suggest(word, ("repeat", "steps")))
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


def run(case: Case, progress: Progress | None = None) -> Run:
    """Runs a case: physics and numerics never raise, the run's status and events say what happened."""
    return simulate(
        case.build(),
        case.schedule,
        area=case.cell.area,
        points=case.points,
        frequency=case.frequencies,
        numerics=case.numerics,
        progress=progress,
        facts=facts_of(case),
    )


__all__ = ["Case", "load_case", "parse_case", "run"]
