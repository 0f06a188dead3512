"""A case file: every table of it, read with messages that say what is wrong where, and run."""

from __future__ import annotations

import functools
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
from mossy.errors import InputError
from mossy.infer.tables import FitTable
from mossy.protocol import Point, ProtocolTable, Schedule, compile_protocol, locate, parse_frequencies
from mossy.simulate import Run
from mossy.simulate import run as simulate
from mossy.simulate.run import Progress
from mossy.simulate.tables import ImpedanceTable, MapTable, NumericsTable, SensitivityTable
from mossy.table_files import read_toml, readable
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
    text, data = read_toml(file, "a case file", "`mossy new lithium-copper` prints an example")
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
        raise readable(error, data) from None
    case._folder = Path(folder) if folder is not None else None
    return case


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
