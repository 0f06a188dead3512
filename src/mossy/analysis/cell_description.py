"""What no cycler file says: which electrode is under study, which current plates it, its area. A `cell.toml` says it.

A description lies beside the data: `NAME.cell.toml` for the file NAME.*, or `cell.toml` for a folder and those in it;
its `[cells."PATTERN"]` tables change single keys for the files whose names match. What is not stated is not known.
"""

from __future__ import annotations

import fnmatch
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from mossy.errors import InputError
from mossy.protocol import ProtocolTable
from mossy.records import Cycling, Impedance, Record
from mossy.table_files import read_toml, readable
from mossy.tables import Table
from mossy.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "cell.toml"
_AREAL = Quantity("C/m^2", minimum=0.0)
_COULOMB = Quantity("C", minimum=0.0)


class CellDescription(Table):
    """The keys of a cell.toml; quantities are text with units, held in SI."""

    name: str | None = Field(None, description="what the cell is called; the file's name when left out")
    kind: Literal["substrate", "symmetric", "anode-free", "full"] | None = Field(
        None,
        description="substrate: metal plated on a foreign substrate, as Li||Cu; symmetric: Li||Li; anode-free: a full "
        "cell whose negative electrode begins without metal; full: a full cell with metal in excess",
    )
    electrode_under_study: Literal["working", "counter"] | None = Field(
        None, description="the electrode whose metal is studied: working (the red lead) or counter"
    )
    plating_current: Literal["negative", "positive"] | None = Field(
        None, description="the sign that the file's current has while metal is plated on the electrode under study"
    )
    current_sign: Literal["as written", "reversed"] | None = Field(
        None, description="reversed: where the instrument counts currents that oxidise the working electrode negative"
    )
    area: Annotated[float, Quantity("m^2", minimum=0.0, exclusive=True)] | None = Field(
        None, description='of the electrode under study, as in "1.54 cm^2"; without it charges stay in mAh'
    )
    metal: Literal["lithium", "sodium", "potassium", "magnesium", "calcium"] | None = None
    substrate: str | None = None
    counter: str | None = Field(None, description="the other electrode, as in lithium or NMC811")
    electrolyte: str | None = None
    electrolyte_volume: Annotated[float, Quantity("m^3", minimum=0.0, exclusive=True)] | None = None
    electrolyte_density: Annotated[float, Quantity("kg/m^3", minimum=0.0, exclusive=True)] | None = None
    initial_metal: Annotated[float, _AREAL] | None = Field(
        None, description="metal on the electrode under study before the test, as in 0 mAh/cm^2"
    )
    counter_metal: Annotated[float, _AREAL] | None = Field(
        None, description="metal on the other electrode before the test; 250 um of lithium are 51.5 mAh/cm^2"
    )
    theoretical_capacity: Annotated[float, _AREAL] | None = Field(None, description="of the positive electrode")
    stack_pressure: Annotated[float, Quantity("Pa", minimum=0.0)] | None = None
    temperature: Annotated[float, Quantity("K", minimum=100.0, maximum=1500.0)] | None = None
    strip_cut_off: Annotated[float, Quantity("V")] | None = Field(
        None, description="the voltage at which stripping ends, as in 1 V"
    )
    formation_cycles: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="how many first cycles are formation; else those that run at another current"
    )
    protocol: ProtocolTable | None = Field(
        None, description='what the cycler was told, as in a case: [protocol] standard = "modified reservoir"'
    )
    current_offset: Annotated[float, Quantity("1", minimum=0.0, maximum=0.1)] | None = Field(
        None, description="the cycler's offset as a share of its current range, a standard error; 3e-4 is assumed"
    )
    dead_metal: Annotated[float, _COULOMB] | None = Field(
        None, description="metal found by chemical titration after the last strip, as charge: 0.12 mAh"
    )
    dead_metal_standard_error: Annotated[float, _COULOMB] | None = None

    def applied(self, record: Record) -> Record:
        """The record with what the description says in its metadata; the file's own word stands where this is silent.

        With an area and roles the column `plating_current_density_mA_per_cm2` is added.
        """
        found: dict[str, Any] = {}
        turned = self.current_sign == "reversed"
        if turned and isinstance(record, Cycling) and "current_ampere" in record.table.columns:
            record = Cycling(record.table.with_columns(-record.table["current_ampere"]), record.metadata)
            found["current"] = f"{record.metadata.get('current', '')} sign reversed, as cell.toml says".strip()
        if self.electrode_under_study is not None and self.plating_current is not None:
            sign = -1 if (self.plating_current == "negative") != turned else 1
            found["roles"] = {"electrode_under_study": self.electrode_under_study, "plating_current_sign": sign}
        if self.kind is not None:
            found["cell_kind"] = self.kind
        if self.area is not None:
            found["electrode_area_square_metre"] = self.area
        if self.temperature is not None:
            found["temperature_celsius"] = self.temperature - 273.15
        if self.formation_cycles is not None:
            found["formation_cycles"] = self.formation_cycles
        rest = {name: getattr(self, name) for name in _CELL_KEYS if getattr(self, name) is not None}
        if rest:
            found["cell"] = {**(record.metadata.get("cell") or {}), **rest}
        record = record.with_metadata(**found)
        area = record.metadata.get("electrode_area_square_metre")
        if isinstance(record, Impedance):
            return record.per_area(area) if area else record
        return _with_density(record, area) if isinstance(record, Cycling) else record

    def missing(self) -> list[str]:
        """What is not stated and what cannot be told without it."""
        return [text for key, text in _NEEDED.items() if getattr(self, key) is None]


_CELL_KEYS = (
    *("name", "metal", "substrate", "counter", "electrolyte", "electrolyte_volume", "electrolyte_density"),
    *("initial_metal", "counter_metal", "theoretical_capacity", "stack_pressure", "strip_cut_off"),
    *("dead_metal", "dead_metal_standard_error", "current_offset"),
)
_NEEDED = {
    "kind": "what the cell is (kind): whether cycles begin with plating, and what an efficiency means",
    "plating_current": "which current plates which electrode (electrode_under_study, plating_current): efficiencies",
    "area": "the electrode's area (area): charges stay in mAh and resistances in ohm",
    "counter_metal": "the metal in reserve (counter_metal, initial_metal): how far the cell is from a practical one",
    "electrolyte_volume": "the electrolyte's volume (electrolyte_volume): whether the cell is flooded",
}


def _with_density(record: Cycling, area: float | None) -> Cycling:
    roles = record.metadata.get("roles")
    if not area or not roles or "current_ampere" not in record.table.columns:
        return record
    density = record.table["current_ampere"] * (roles["plating_current_sign"] * 0.1 / area)
    return Cycling(record.table.with_columns(plating_current_density_mA_per_cm2=density), record.metadata)


def load(path: str | Path) -> dict[str, Any]:
    """A description file as it is written, its [cells] among it. Raises InputError naming file, key and remedy."""
    file = Path(path)
    data = read_toml(file, "a cell.toml", "`mossy describe FILE` prints a draft")[1]
    cells = data.get("cells", {})
    if not isinstance(cells, dict) or not all(isinstance(each, dict) for each in cells.values()):
        remedy = 'write [cells."cell_07*"] and below it area = "1.54 cm^2"'
        raise InputError("holds no tables", key="cells", file=file, remedy=remedy)
    for pattern, each in [("", {key: value for key, value in data.items() if key != "cells"}), *cells.items()]:
        try:
            _parsed(each)
        except InputError as error:
            raise error.at(f'cells."{pattern}"' if pattern else "", file) from None
    return data


def _parsed(data: Mapping[str, Any]) -> CellDescription:
    try:
        return CellDescription.model_validate(dict(data))
    except ValidationError as error:
        raise readable(error, data) from None


def files_for(path: str | Path, *, top: str | Path | None = None) -> list[Path]:
    """The files that describe a data file: the nearest cell.toml in its folder or one above it up to `top` (its own
    folder when left out), and NAME.cell.toml beside it.
    """
    path = Path(path).absolute()
    highest = Path(top).absolute() if top is not None else path.parent
    found = []
    for folder in (path.parent, *path.parent.parents):
        if _exists(folder / NAME):
            found.append(folder / NAME)
            break
        if folder == highest or highest not in folder.parents:
            break
    own = path.with_name(f"{path.stem}.{NAME}")
    return [*found, own] if _exists(own) else found


def of_file(path: str | Path, *, top: str | Path | None = None) -> tuple[CellDescription, list[Path]]:
    """What describes a data file, and the files that say so, the later overruling: see `files_for`."""
    path = Path(path)
    known: dict[str, Any] = {}
    said = files_for(path, top=top)
    for file in said:
        data = _cached(file, file.stat().st_mtime_ns)
        known |= {key: value for key, value in data.items() if key != "cells"}
        for pattern, changes in data.get("cells", {}).items():
            if fnmatch.fnmatchcase(path.name, pattern) or fnmatch.fnmatchcase(path.stem, pattern):
                known |= changes
    try:
        return _parsed(known), said
    except InputError as error:
        raise error.at(file=said[-1]) from None


def unmatched(described: Mapping[Path, list[Path]]) -> list[str]:
    """The patterns of [cells] tables that match none of the data files that each description is asked for."""
    said = []
    for file, data_files in described.items():
        try:
            patterns = _cached(file, file.stat().st_mtime_ns).get("cells", {})
        except InputError:
            continue  # said with the cells that it describes
        names = {name for each in data_files for name in (each.name, each.stem)}
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
                said.append(f'{file}: [cells."{pattern}"] matches none of its {len(data_files)} files')
    return said


def _exists(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False


@functools.lru_cache(maxsize=256)
def _cached(file: Path, changed: int) -> dict[str, Any]:
    return load(file)


def describe(records: list[Record]) -> str:
    """A commented draft of a cell.toml for a file, with what the file itself suggests, for a person to confirm.

    Roles are never filled in: they stand as comments with the evidence beside them.
    """
    first = next((record for record in records if isinstance(record, Cycling)), None)
    metadata = records[0].metadata if records else {}
    lines = [
        "# What the cycler's file does not say. Remove the '#' from what you can state; what is left out is not known."
    ]
    source = metadata.get("source_path")
    lines += [f"# Draft for {Path(source).name}" if source else "# Draft", ""]
    lines += _roles_lines(first)
    area = metadata.get("electrode_area_square_metre")
    lines.append(
        f'area = "{area * 1e4:.6g} cm^2"  # as the file says'
        if area
        else '# area = "1.54 cm^2"                   # without it charges stay in mAh'
    )
    return "\n".join([*lines, *_REST]) + "\n"


def _roles_lines(record: Cycling | None) -> list[str]:
    kind = '# kind = "substrate"                  # substrate (Li||Cu), symmetric (Li||Li), anode-free, full'
    study = '# electrode_under_study = "working"   # working (red lead) or counter'
    plating = '# plating_current = "negative"        # the sign of the file\'s current while that electrode is plated'
    return [*_evidence(record), kind, study, plating]


def _evidence(record: Cycling | None) -> list[str]:
    """What the first current and voltage look like, for a person to judge by."""
    if record is None or "current_ampere" not in record.table.columns:
        return ["# The file holds no current: steps, charges and efficiencies cannot be told from it."]
    current = record.table["current_ampere"].fill_null(0.0).to_numpy()
    flowing = np.flatnonzero(np.abs(current) > 1e-3 * max(float(np.abs(current).max()), 1e-300))
    if not len(flowing):
        return ["# No current flows in this file."]
    word = "negative" if current[flowing[0]] < 0.0 else "positive"
    lines = [f"# The first current of the file is {word}."]
    if "voltage_volt" in record.table.columns:
        voltage = record.table["voltage_volt"].to_numpy()
        for sign, name in ((-1, "negative"), (1, "positive")):
            under = voltage[flowing][np.sign(current[flowing]) == sign]
            if len(under):
                lines.append(f"# Under {name} current the voltage is {np.nanmedian(under):.4g} V (median).")
        lines.append(
            "# Metal on a substrate is plated at a voltage below zero, and stripped above it up to the cut-off."
        )
    return lines


_REST = [
    '# current_sign = "reversed"           # where currents that oxidise the working electrode are written negative',
    '# metal = "lithium"                   # lithium, sodium, potassium, magnesium, calcium',
    '# substrate = "copper"',
    '# counter = "lithium"',
    '# electrolyte = "1 M LiPF6 in EC:EMC 3:7"',
    '# electrolyte_volume = "40 uL"',
    '# electrolyte_density = "1.2 g/mL"',
    '# initial_metal = "0 mAh/cm^2"        # on the electrode under study, before the test',
    '# counter_metal = "51.5 mAh/cm^2"     # 250 um of lithium',
    '# theoretical_capacity = "3 mAh/cm^2" # of the positive electrode of a full or anode-free cell',
    '# stack_pressure = "350 kPa"',
    '# temperature = "25 degC"',
    '# strip_cut_off = "1 V"',
    "# formation_cycles = 1",
    "# current_offset = 3e-4                # of the cycler, as a share of its current range (a standard error)",
    '# dead_metal = "0.12 mAh"             # by titration after the last strip, with its error',
    '# dead_metal_standard_error = "0.01 mAh"',
    "",
    '# [cells."cell_07*"]                   # single keys for the files whose names match',
    '# area = "0.785 cm^2"',
    "",
    "# [protocol]                            # what the cycler was told; `mossy protocol --list` names the standards",
    '# standard = "modified reservoir"',
    '# parameters = { current = "0.5 mA/cm^2", capacity = "1 mAh/cm^2", reservoir = "5 mAh/cm^2", cycles = 10 }',
]

__all__ = ["NAME", "CellDescription", "describe", "files_for", "load", "of_file", "unmatched"]
