"""The plateau of every half-cycle: voltage, its spread and error, and the resistance it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.overpotential.level import FIRST, LAST, Levels, known, levels
from mossy.analysis.overpotential.pieces import LEVEL, REFERRED, Pieces, check_kind, pieces_of, steps_of
from mossy.records import Cycling

if TYPE_CHECKING:
    import polars as pl

METHOD = (
    f"median over the charge between {FIRST:.0%} and {LAST:.0%} of the half-cycle, weighted by charge; spread 1.4826 "
    "times the median absolute deviation; standard error of the median against the trace's own noise"
)
_IN_SERIES = (
    "cell_voltage_mV is the whole cell's: both electrodes' overpotentials and the electrolyte's drop in series, "
    "against 0 V without current"
)
_HALVED = "per_electrode_mV assumes two electrodes alike that share the whole cell's voltage, electrolyte included"
_SUBSTRATE = (
    "plating and stripping overpotentials refer to 0 V, the metal against the counter electrode of the same metal; "
    "they include that electrode's overpotential and the electrolyte's drop"
)
_UNKNOWN = (
    "what kind of cell this is is not stated: voltages along the current are given, overpotentials and resistances "
    "not; state cell_kind in a cell.toml"
)


@dataclass(frozen=True)
class Plateau:
    """One half-cycle, or one level of current within it.

    `cell_voltage_mV` is the voltage times the sign of the current: positive where it drives the current. `spread_mV`
    holds noise, slope and shape; `standard_error_mV` is the median's own. `equilibrium_mV` is what an overpotential
    refers to; where there is none, neither resistance is given. `areal_current_mA_per_cm2` and `resistance_ohm_cm2`
    need the area. `ended`: "charge", "voltage" or "file".
    """

    half_cycle: int
    cycle: int
    label: str | None
    process: str
    start_second: float
    duration_second: float
    charge_mAh: float
    current_mA: float
    areal_current_mA_per_cm2: float | None
    cell_voltage_mV: float
    spread_mV: float | None
    standard_error_mV: float | None
    equilibrium_mV: float | None
    per_electrode_mV: float | None
    resistance_ohm: float | None
    resistance_standard_error_ohm: float | None
    resistance_ohm_cm2: float | None
    ended: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Plateaus:
    """The plateaus of a record in the order of the test, how they were read, and what to know about them.

    `currents_mA` are the levels of current run after formation, which differ by more than 5 %; a median over all
    plateaus of a process stands for something only where `single_current` is true.
    """

    plateaus: tuple[Plateau, ...]
    kind: str | None
    noise_mV: float | None
    method: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.plateaus)

    def of(self, process: str) -> tuple[Plateau, ...]:
        """Those of one process: "plating", "stripping", "positive", "negative"."""
        return tuple(each for each in self.plateaus if each.process == process)

    @property
    def currents_mA(self) -> tuple[float, ...]:
        """The median current of each level, rising."""
        return _currents(self._after_formation())

    @property
    def single_current(self) -> bool:
        """Whether every process ran at one current after formation."""
        runs = self._after_formation()
        every = {each.process for each in runs}
        return all(len(_currents([each for each in runs if each.process == one])) == 1 for one in every)

    def _after_formation(self) -> list[Plateau]:
        return [each for each in self.plateaus if each.label != "formation"] or list(self.plateaus)

    @property
    def table(self) -> pl.DataFrame:
        """A row a plateau."""
        import polars as pl

        return pl.DataFrame([each.as_dict() for each in self.plateaus], infer_schema_length=None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"currents_mA": self.currents_mA, "single_current": self.single_current}


def _currents(some: Sequence[Plateau]) -> tuple[float, ...]:
    current = np.sort([each.current_mA for each in some])
    groups = np.split(current, np.flatnonzero(np.diff(current) > LEVEL * current[1:]) + 1)
    return tuple(float(np.median(each)) for each in groups)


def plateaus(record: Cycling, steps: Steps | None = None) -> Plateaus:
    """The plateau of each half-cycle, and of each level of current in a half-cycle with several.

    V_plateau = median of V sgn(I) over the charge from 20 to 80 %; R = V_plateau/|I|, which is the polarisation
    resistance at that current, not the slope of the polarisation curve. For one metal on both sides ("symmetric") the
    cell voltage is two electrodes' overpotentials and the electrolyte's drop in series; for metal on a substrate
    plating and stripping are told apart by the roles. Holds at constant voltage and pulses are left out.
    Raises InputError for full and anode-free cells, without a current, where the signs contradict each other, and for
    a substrate whose plating current is not stated.

    >>> import polars as pl
    >>> t = [10.0 * k for k in range(200)]
    >>> sign = [1 if k < 100 else -1 for k in range(200)]
    >>> voltage, current = [0.05 * s for s in sign], [1e-3 * s for s in sign]
    >>> table = pl.DataFrame({"test_time_second": t, "voltage_volt": voltage, "current_ampere": current})
    >>> found = plateaus(Cycling(table, {"cell_kind": "symmetric"}))
    >>> [(each.process, round(each.cell_voltage_mV, 6), round(each.resistance_ohm, 6)) for each in found.plateaus]
    [('positive', 50.0, 50.0), ('negative', 50.0, 50.0)]
    """
    steps = steps_of(record, steps)
    pieces = pieces_of(steps)
    check_kind(steps, pieces)
    found = levels(pieces.polarisation, pieces.weight, pieces.piece, pieces.fraction, len(pieces))
    area = record.metadata.get("electrode_area_square_metre")
    rows = tuple(_plateau(pieces, found, k, steps.kind, area) for k in range(len(pieces)))
    noise = known(1e3 * float(np.nanmedian(found.noise))) if np.isfinite(found.noise).any() else None
    return Plateaus(rows, steps.kind, noise, METHOD, _notes(steps, pieces, found, area))


def _plateau(pieces: Pieces, found: Levels, k: int, kind: str | None, area: float | None) -> Plateau:
    row, current = pieces.table[k], float(pieces.current[k])
    voltage, error = float(found.median[k]), known(found.standard_error[k])
    referred = kind in REFERRED
    resistance = voltage / current if referred else None
    return Plateau(
        half_cycle=row["half_cycle"],
        cycle=row["cycle"],
        label=row["label"],
        process=row["process"],
        start_second=float(row["start"]),
        duration_second=float(row["duration"]),
        charge_mAh=float(pieces.charge[k]) / 3.6,
        current_mA=1e3 * current,
        areal_current_mA_per_cm2=None if area is None else 0.1 * current / area,
        cell_voltage_mV=1e3 * voltage,
        spread_mV=known(1e3 * found.spread[k]) if error is not None else None,
        standard_error_mV=None if error is None else 1e3 * error,
        equilibrium_mV=0.0 if referred else None,
        per_electrode_mV=500.0 * voltage if kind == "symmetric" else None,
        resistance_ohm=resistance,
        resistance_standard_error_ohm=None if error is None or not referred else error / current,
        resistance_ohm_cm2=None if resistance is None or area is None else 1e4 * area * resistance,
        ended=row["ended"],
    )


def _notes(steps: Steps, pieces: Pieces, found: Levels, area: float | None) -> tuple[str, ...]:
    notes = {"symmetric": [_IN_SERIES, _HALVED], "substrate": [_SUBSTRATE]}.get(steps.kind or "", [_UNKNOWN])
    if area is None:
        notes = [*notes, "the electrode area is not stated: currents in mA and resistances in ohm of the whole cell"]
    cut = sum(row["ended"] == "voltage" for row in pieces.table)
    if cut:
        notes = [*notes, f"{cut} half-cycles ended at a voltage; their plateau is of the charge that passed until then"]
    if len(pieces) > len({row["half_cycle"] for row in pieces.table}):
        notes = [*notes, "half-cycles with several levels of current have a plateau for each"]
    held = sum(kind == "hold" for kind in steps.table["kind"])
    if held:
        notes = [*notes, f"{held} holds at constant voltage are left out"]
    if pieces.left_out:
        notes = [*notes, f"{pieces.left_out} steps whose voltage is swept are left out"]
    if found.correlated > 2.0:
        notes = [
            *notes,
            f"the noise is correlated: it averages out {found.correlated:.2g} times more slowly than white",
        ]
    unknown = int((~np.isfinite(found.standard_error)).sum())
    if unknown:
        notes = [*notes, f"{unknown} half-cycles have too few rows in the plateau for an error"]
    return tuple(notes)
