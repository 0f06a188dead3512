"""A case file: every table of it, read with messages that say what is wrong where, and run."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError

from mossy.case.facts import facts_of
from mossy.cells import Cell
from mossy.cells.build import build_cell, chemistry
from mossy.cells.tables import CellTable, ElectrodeTable, ElectrolyteTable
from mossy.errors import InputError, suggest
from mossy.infer.tables import FitTable
from mossy.protocol import ProtocolTable, Schedule, compile_protocol, locate, parse_frequencies
from mossy.simulate import Run
from mossy.simulate import run as simulate
from mossy.simulate.run import Progress
from mossy.simulate.tables import ImpedanceTable, NumericsTable
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

    def build(self) -> Cell:
        """The cell."""
        return build_cell(self.cell, self.electrolyte, self.working, self.counter, self.numerics.nodes)

    def check(self) -> Case:
        """The case itself, once everything that can be known without running it has been checked."""
        schedule = self.schedule
        chemistry(self.cell, self.electrolyte)
        self.build()
        if self.impedance is not None:
            for index, point in enumerate(self.impedance.points()):
                locate(point, schedule, f"impedance.at[{index}]")
        if self.fit is not None:
            from mossy.case.fitting import check_fit

            check_fit(self)
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
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", file=file, remedy="give a text file in TOML") from None
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
    """Every finding of pydantic as one message, the first one leading."""
    findings = [_finding(dict(each), data) for each in error.errors()]
    first = findings[0]
    if len(findings) == 1:
        return first
    others = "".join(f"\n{other}" for other in findings[1:8])
    return InputError(first.problem, key=first.key, remedy=f"{first.remedy}{others}")


def _finding(error: dict[str, Any], data: Any) -> InputError:
    key, place = "", data
    for part in error["loc"]:
        inside = isinstance(place, Mapping | list) and (part in place if isinstance(place, Mapping) else True)
        if isinstance(part, int):
            key += f"[{part}]"
        elif inside or (isinstance(part, str) and part.isidentifier() and part not in ("str", "RepeatBlock")):
            key += f".{part}" if key else part
        place = place[part] if inside and (isinstance(place, Mapping) or isinstance(part, int)) else None
    inner = (error.get("ctx") or {}).get("error")
    if isinstance(inner, InputError):
        return inner.at(key)
    if error["type"] == "extra_forbidden":
        word = str(error["loc"][-1])
        return InputError("is not a key here", key=key, remedy=suggest(word, ("repeat", "steps")))
    message = error["msg"].removeprefix("Value error, ")
    shown = repr(error["input"])
    given = "" if shown[:20] in message or error["type"] == "missing" else f" (given: {shown[:60]})"
    remedy = _REMEDIES.get(error["type"], "")
    if error["type"] == "literal_error":
        choices = [each.strip("' ") for each in str(error["ctx"]["expected"]).replace(" or ", ",").split(",")]
        return InputError(f"{shown} is not a choice here", key=key, remedy=suggest(str(error["input"]), choices))
    return InputError(message[0].lower() + message[1:] + given, key=key, remedy=remedy)


_REMEDIES = {
    "missing": "add it",
    "model_type": "write it as a table, [name] or { key = value }",
    "dict_type": "write it as a table, [name] or { key = value }",
    "string_type": "write it in quotation marks",
}


def run(case: Case, progress: Progress | None = None) -> Run:
    """Runs a case: physics and numerics never raise, the run's status and events say what happened."""
    table = case.impedance
    frequency = parse_frequencies(table.frequencies if table else ImpedanceTable().frequencies)
    return simulate(
        case.build(),
        case.schedule,
        area=case.cell.area,
        points=table.points() if table else (),
        frequency=frequency,
        numerics=case.numerics,
        progress=progress,
        facts=facts_of(case),
    )


__all__ = ["Case", "load_case", "parse_case", "run"]
