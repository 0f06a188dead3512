"""The shape of data, measured or simulated: a table, and the metadata that travels with it.

The conventions, written once:

- `current_ampere` and `voltage_volt` keep the instrument's sign (IUPAC, passive): voltage is working minus counter,
  positive current oxidises the working electrode. So for Li||Cu and Li||Li plating on the working electrode is
  negative current and negative voltage; in a full cell charging is positive and plates the counter electrode.
- Which electrode is under study and which sign plates it is metadata (`roles`), never guessed from a number. The
  unambiguous column is `plating_current_density_mA_per_cm2`: positive plates metal on the electrode under study.
- Impedance is the whole cell's, in ohm, Z'' negative for capacitive arcs (people see -Z'' drawn upwards). Columns per
  area (ohm cm2) are added where the area is known.
- Tables are polars frames with the machine names of the Battery Data Format, ontology 1.3.0 (`BATTERY_DATA_FORMAT`);
  the names Mossy adds are in `ADDITIONS`, and nowhere else. Every name of a quantity ends in its unit.
- Times are seconds since the start of the test, as the instrument counts them; they need not start at zero.
- A missing value is null. NaN and infinities are refused in the columns a record stands on.

Metadata is a flat dictionary that JSON can hold; a key that is not known is absent:

- `source_path`, `source_sha256`, `reader`: the file read, its hash, and what read it; `origin` holds the same three of
  the instrument's file where a file of Mossy's own was read;
- `instrument`, `channel`, `technique`, `start_time` (ISO 8601, the instrument's clock), `settings` (as the file has
  them), `comments`, `electrolyte`, `electrode_material`, `reference_electrode`;
- `electrode_area_square_metre`, `temperature_celsius`, `cell_kind` ("substrate", "symmetric", "anode-free", "full");
- `roles`: {"electrode_under_study": "working" or "counter", "plating_current_sign": -1 or 1}: which electrode's metal
  is studied, and the sign of `current_ampere` that plates metal on it;
- `open_circuit_voltage_volt`: the voltage at open circuit before the measurement, where the file notes it;
- `sweep`, `sweeps`: which of how many spectra of one file this is, from 1 (of a photoemission record `sweeps` is how
  often the region was swept over);
- `voltage`, `current`, `impedance`: how a column came about where it is not simply the instrument's own;
- `absent`: the columns of its kind that the file does not have; `columns_not_read`: what else the file holds;
- `dropped_rows`: how many incomplete rows were left out, because the caller asked for that;
- `charge_check`: {"integrated_ah": {"charging", "discharging"}, and where the instrument counts charge itself
  "vendor_ah": {the ways it counts}, "column": the columns it counts in, "relative_difference": the larger difference
  (integrated - vendor) of the two ways over the larger vendor_ah}; gaps are in neither count;
- `gaps`: [{"row": the row after it, from 1, "start_second", "duration_second", "charge_ah": what the current of that
  row would have carried, with its sign}], intervals far longer than those around them through which the instrument did
  not count that charge;
- `first_current`: "charge" (positive) or "discharge": the first current that flows. A cell of a metal electrode
  often starts with discharge, and the instrument's cycles then need not pair what was plated with what was stripped;
- `cycles_start_with`: "charge", "discharge" or "either": the first current in the instrument's own cycles after the
  first;
- `warnings`: what a person should look at before trusting the numbers.

A photoemission record is one region. Its binding energy is photon energy minus kinetic energy against the Fermi level
of the instrument, as measured (charging not taken out) unless `charge_correction_electronvolt` says otherwise, with
the rows in the order of the measurement. Its metadata:

- `region` ("C 1s", "survey", or as the file calls it), and where that is unmistakable `element`, `line` ("C", "1s");
- `excitation_energy_electronvolt`, `excitation_source` ("Al Ka"), `pass_energy_electronvolt`,
  `analyser_work_function_electronvolt` (told, never applied), `emission_angle_degree` from the surface normal;
- `dwell_time_second` at each energy in each of `sweeps` sweeps: counts = counts/s x dwell time x sweeps, and only where
  both are known do counts/s have a Poisson error;
- `sample`, `sputter_time_second`, `etch_level` (from 0), `charge_correction_electronvolt` (what the file has added to
  its binding energies already), `method` ("XPS", "UPS");
- `energy_scale`: "binding" or "kinetic", as measured;
- `fit`: what the file itself stores of a fit: {"software", "area_unit", "components": [{"name", "shape",
  "position_electronvolt", "width_electronvolt", "area", ...}], "background", "envelope" (values at each energy),
  "regions": [{"name", "background", "start_electronvolt", "end_electronvolt", ...}], ...}; a component may have its
  "curve", without the background.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mossy.errors import InputError, suggest

if TYPE_CHECKING:
    import polars as pl

_SCOPED = tuple(
    f"{scope}{way}_{quantity}"
    for scope in ("", "schedule_", "cycle_", "step_")
    for way in ("charging", "discharging", "net", "cumulative")
    for quantity in ("capacity_ah", "energy_wh")
    if (scope, way) not in {("schedule_", "net"), ("schedule_", "cumulative")}
)
BATTERY_DATA_FORMAT: tuple[str, ...] = (
    *("test_time_second", "voltage_volt", "current_ampere", "unix_time_second", "cycle_count", "step_count"),
    *("ambient_temperature_celsius", "step_id", "step_type", "step_index", "step_record_index", "record_index"),
    *("step_time_second", "power_watt", "frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"),
    *("absolute_impedance_ohm", "phase_degree", "internal_resistance_ohm", "ac_internal_resistance_ohm"),
    *("dc_internal_resistance_ohm", "surface_temperature_celsius", "ambient_pressure_pa", "applied_pressure_pa"),
    *("surface_pressure_pa", *(f"temperature_t{number}_celsius" for number in range(1, 6)), *_SCOPED),
)
"""The machine names of the Battery Data Format that Mossy reads and writes."""

_SIDES = {"working": "the working electrode", "counter": "the counter electrode"}
ADDITIONS: dict[str, str] = {
    "plating_current_density_mA_per_cm2": "current per electrode area; positive plates the electrode under study",
    "areal_capacity_mAh_per_cm2": "charge per electrode area since the start of the half-cycle",
    "half_cycle_count": "half-cycles as the instrument counts them",
    "real_impedance_ohm_cm2": "Z' of the whole cell times the electrode area",
    "imaginary_impedance_ohm_cm2": "Z'' of the whole cell times the electrode area, negative for capacitive arcs",
    "ohmic_volt": "part of the voltage: ohmic drop in the electrolyte",
    "concentration_volt": "part of the voltage: diffusion potential of the electrolyte",
    "contact_volt": "part of the voltage: contact resistance",
    "label": "where in the protocol a row belongs, in words",
    "position_um": "distance from the working electrode",
    "concentration_mol_per_L": "salt concentration",
    "solvent_velocity_nm_per_second": "velocity of the solvent, positive towards the counter electrode",
    "binding_energy_electronvolt": "photon energy minus kinetic energy of the photoelectrons",
    "kinetic_energy_electronvolt": "kinetic energy of the photoelectrons, where that was the scale of the measurement",
    "intensity_counts": "electrons counted at each energy",
    "intensity_counts_per_second": "electrons counted per second at each energy",
    "transmission": "relative transmission of the analyser at each energy, as the file has it",
}
for _side, _electrode in _SIDES.items():
    ADDITIONS |= {
        f"{_side}_potential_volt": f"potential of {_electrode} against the reference electrode",
        f"{_side}_real_impedance_ohm": f"Z' of {_electrode} against the reference electrode",
        f"{_side}_imaginary_impedance_ohm": f"Z'' of {_electrode} against the reference electrode",
        f"{_side}_charge_transfer_volt": f"part of the voltage: charge transfer at {_electrode}",
        f"{_side}_film_volt": f"part of the voltage: the film on {_electrode}",
        f"{_side}_active_mAh_per_cm2": f"metal on {_electrode} that can still be stripped",
        f"{_side}_dead_mAh_per_cm2": f"metal isolated on {_electrode}",
        f"{_side}_film_charge_mAh_per_cm2": f"charge bound in the film on {_electrode}",
        f"{_side}_film_thickness_nm": f"thickness of the film on {_electrode}",
        f"{_side}_film_resistance_ohm_cm2": f"ohmic resistance of the film on {_electrode}",
        f"{_side}_surface_concentration_mol_per_L": f"salt concentration at {_electrode}",
    }

MEAN_CURRENT = "mean over each interval"
"""What `metadata["current"]` starts with where the current of a row is the mean since the row before."""

TEXT_COLUMNS = frozenset({"label", "step_type"})
"""The columns that hold words; every other one holds numbers."""

_UNITS = {
    "_counts_per_second": "1/s",
    "_electronvolt": "eV",
    "_mA_per_cm2": "mA/cm^2",
    "_mAh_per_cm2": "mAh/cm^2",
    "_nm_per_second": "nm/s",
    "_mol_per_L": "mol/L",
    "_ohm_cm2": "ohm*cm^2",
    "_second": "s",
    "_volt": "V",
    "_ampere": "A",
    "_hertz": "Hz",
    "_ohm": "ohm",
    "_celsius": "degC",
    "_degree": "degree",
    "_watt": "W",
    "_ah": "A*h",
    "_wh": "W*h",
    "_pa": "Pa",
    "_nm": "nm",
    "_um": "um",
}


def unit_of(name: str) -> str:
    """The unit a column's name ends in; "1" for counts and words.

    >>> unit_of("current_ampere"), unit_of("working_film_thickness_nm"), unit_of("cycle_count")
    ('A', 'nm', '1')
    """
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "1")


def known_names() -> tuple[str, ...]:
    """Every column name a record may carry."""
    return (*BATTERY_DATA_FORMAT, *ADDITIONS)


@dataclass(frozen=True, eq=False)
class Record:
    """A table and its metadata. A kind names the columns it stands on: `required` must be there and complete."""

    table: pl.DataFrame
    metadata: dict[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = ""
    required: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", dict(self.metadata))
        if not self.kind:
            raise TypeError("a record has a kind: use Cycling, Impedance, Profile or Photoemission")
        if self.table.is_empty():
            raise InputError(f"a {self.kind} record without rows", remedy="give at least one row")
        for name in self.required:
            if name not in self.table.columns:
                needs = ", ".join(self.required)
                raise InputError(f"the column {name} is missing", remedy=f"a {self.kind} record needs {needs}")
            self._check_numbers(name)
            if self.table[name].null_count():
                raise InputError(f"the column {name} has empty cells", remedy="leave incomplete rows out")

    def _check_numbers(self, name: str) -> None:
        column = self.table[name]
        if not column.dtype.is_numeric():
            raise InputError(f"the column {name} holds {column.dtype}, not numbers", remedy="convert it to numbers")
        if column.dtype.is_float() and not _finite(column):
            raise InputError(f"the column {name} holds NaN or infinities", remedy="leave those cells empty (null)")

    def with_metadata(self, **entries: Any) -> Record:
        """The same table with more metadata."""
        return type(self)(self.table, self.metadata | entries)

    def write(self, path: str | Path) -> None:
        """Write the table: .parquet with its metadata inside, or .csv, which has no room for metadata."""
        path = Path(path)
        if path.suffix not in (".parquet", ".csv"):
            raise InputError(f"'{path.suffix}' is not a format to write", file=path, remedy="end in .parquet or .csv")
        part = path.with_name(path.name + ".part")  # an interrupted run leaves no half file under the real name
        try:
            if path.suffix == ".csv":
                self.table.write_csv(part)
            else:
                self.table.write_parquet(part, metadata={_KEY: self._as_json()})
            part.replace(path)
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror or error})", file=path) from None

    def _as_json(self) -> str:
        try:
            return json.dumps({"kind": self.kind, "metadata": self.metadata}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"the metadata cannot be written as JSON ({error})") from None

    @classmethod
    def read_parquet(cls, path: str | Path) -> Record:
        """A record as `write` left it, of the kind it was; called on a kind, of that kind only."""
        import polars as pl

        try:
            note = pl.read_parquet_metadata(path).get(_KEY)
            table = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(f"is not a parquet file that can be read ({error})", file=path) from None
        if note is None:
            raise InputError("is not a record that Mossy wrote", file=path, remedy="read it with mossy.read")
        kind, metadata = _decode(note, path)
        if not issubclass(kind, cls):
            raise InputError(f"holds a {kind.kind} record, not {cls.kind}", file=path)
        try:
            return kind(table, metadata)
        except InputError as error:
            raise error.at(file=path) from None


def _finite(column: pl.Series) -> bool:
    import numpy as np

    if column.null_count():
        column = column.drop_nulls()
    return bool(np.isfinite(column.to_numpy()).all())


_KEY = "mossy"


def _decode(note: str, path: str | Path) -> tuple[type[Record], dict[str, Any]]:
    try:
        content = json.loads(note)
        return KINDS[content["kind"]], dict(content["metadata"])
    except (ValueError, KeyError, TypeError):
        raise InputError("its Mossy metadata cannot be understood", file=path) from None


class Cycling(Record):
    """Time with voltage or current or both; the one that is missing is named in `metadata["absent"]`."""

    kind = "cycling"
    required = ("test_time_second",)

    def __post_init__(self) -> None:
        super().__post_init__()
        absent = [name for name in ("voltage_volt", "current_ampere") if name not in self.table.columns]
        if len(absent) == 2:
            raise InputError("neither voltage_volt nor current_ampere is there", remedy="a cycling record needs one")
        for name in ("voltage_volt", "current_ampere"):
            if name not in absent:
                self._check_numbers(name)
        if absent:
            self.metadata["absent"] = absent


class Impedance(Record):
    """One spectrum, in the order it was measured; the direct current and voltage of each point where known."""

    kind = "impedance"
    required = ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.table["frequency_hertz"] > 0).all():
            raise InputError("a frequency is not positive", remedy="leave the points at direct current out")

    def per_area(self, area_square_metre: float) -> Impedance:
        """The same spectrum with the columns per area (ohm cm2) added and the area noted."""
        if not area_square_metre > 0.0:
            raise InputError(f"an electrode area of {area_square_metre} m2", remedy="give a positive area")
        cm2 = area_square_metre * 1e4
        added = [(self.table[f"{part}_impedance_ohm"] * cm2).alias(f"{part}_impedance_ohm_cm2") for part in _PARTS]
        metadata = self.metadata | {"electrode_area_square_metre": area_square_metre}
        return Impedance(self.table.with_columns(added), metadata)


_PARTS = ("real", "imaginary")


class Profile(Record):
    """Salt concentration across the cell, at one or more times."""

    kind = "profile"
    required = ("position_um", "concentration_mol_per_L", "test_time_second")


class Photoemission(Record):
    """One region of a photoelectron spectrum: binding energies that rise or fall, with counts or counts/s at each."""

    kind = "photoemission"
    required = ("binding_energy_electronvolt",)

    def __post_init__(self) -> None:
        super().__post_init__()
        present = [name for name in _INTENSITIES if name in self.table.columns]
        if not present:
            remedy = f"a photoemission record needs {' or '.join(_INTENSITIES)}"
            raise InputError("there is no intensity", remedy=remedy)
        for name in present:
            self._check_numbers(name)
            if self.table[name].null_count():
                raise InputError(f"the column {name} has empty cells", remedy="leave incomplete rows out")
        step = self.table["binding_energy_electronvolt"].diff().drop_nulls()
        if not ((step > 0).all() or (step < 0).all()):
            problem = "the binding energies neither rise nor fall throughout"
            raise InputError(problem, remedy="give each region a record of its own, with every energy once")


_INTENSITIES = ("intensity_counts", "intensity_counts_per_second")


KINDS: dict[str, type[Record]] = {kind.kind: kind for kind in (Cycling, Impedance, Profile, Photoemission)}
"""The kinds of record by name."""


def kind_named(name: str) -> type[Record]:
    """The class of a kind.

    >>> kind_named("impedance").__name__
    'Impedance'
    """
    if name not in KINDS:
        raise InputError(f"'{name}' is not a kind of record", key="kind", remedy=suggest(name, KINDS))
    return KINDS[name]
