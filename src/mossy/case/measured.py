"""The measurements a case names, selected and brought to SI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mossy.cells.tables import resolve
from mossy.errors import InputError
from mossy.infer.predict import ImpedanceTarget, ProfileTarget, Target, VoltageTarget
from mossy.infer.tables import FitData
from mossy.protocol import locate, parse_point
from mossy.readers import read
from mossy.records import Record
from mossy.units import split, to_si

if TYPE_CHECKING:
    from mossy.case.model import Case


def targets_of(case: Case) -> list[Target]:
    """Every measurement of the case's [fit] table; errors name the entry and the file."""
    assert case.fit is not None
    targets = []
    for index, data in enumerate(case.fit.data):
        try:
            targets.append(_target(case, data))
        except InputError as error:
            raise error.at(f"fit.data[{index}]") from None
    return targets


def _target(case: Case, data: FitData) -> Target:
    if data.kind == "profile" and data.time is None:
        raise InputError("a profile needs the time at which it was measured", key="time", remedy='time = "20 min"')
    path = resolve(data.file, case.folder, "file")
    columns = None if data.columns is None else {name: tuple(value) for name, value in data.columns.items()}
    found = _profile_at(path, columns, data) if data.kind == "profile" else read(path, kind=data.kind, columns=columns)
    records = [record for record in found if record.kind == data.kind]
    if not records:
        remedy = "check `kind`, or name its columns with `columns`"
        raise InputError(f"'{path.name}' holds no {data.kind} data", key="file", remedy=remedy)
    make: dict[str, Callable[[Case, FitData, list[Record]], Target]]
    make = {"cycling": _voltage, "impedance": _impedance, "profile": _profile}
    return make[data.kind](case, data, records)


def _profile_at(path: Path, columns: Any, data: FitData) -> list[Record]:
    """The profile of one time: of the times a file itself knows, or else of the file as a whole."""
    try:
        records = read(path, kind=data.kind, columns=columns)
    except InputError:
        return read(path, kind=data.kind, columns=columns, constants={"test_time_second": f"{data.time!r} s"})
    times = records[0].table["test_time_second"]
    assert data.time is not None
    table = records[0].table.filter((times - data.time).abs() <= 1e-6 * max(abs(data.time), 1.0))
    if table.is_empty():
        nearest = times[int((times - data.time).abs().arg_min() or 0)]
        problem = f"'{path.name}' holds no profile at {data.time:g} s"
        raise InputError(problem, key="time", remedy=f"the nearest it holds is at {nearest:g} s")
    return [type(records[0])(table, records[0].metadata)]


def _kept(keep: np.ndarray, what: str) -> np.ndarray:
    if not np.any(keep):
        raise InputError(f"no {what} of the file is left by the selection", remedy="widen it")
    return keep


def _columns(record: Record, *names: str) -> list[np.ndarray]:
    """Columns of a record where all of them hold a finite number."""
    if missing := [name for name in names if name not in record.table.columns]:
        raise InputError(f"the file has no {missing[0]}", key="file", remedy="name its column with `columns`")
    values = record.table.select(names).cast(pl.Float64).to_numpy()
    return list(values[np.isfinite(values).all(axis=1)].T)


def _check_times(case: Case, time: np.ndarray, key: str, remedy: str) -> None:
    """Refuses measurements from before or after the protocol, which the model cannot follow."""
    end = sum(segment.duration for segment in case.schedule.segments)
    if time.min() < 0.0 or time.max() > end * (1.0 + 1e-9):
        outside = time.min() if time.min() < 0.0 else time.max()
        problem = f"{outside:g} s lies outside the protocol, which takes from 0 s to {end:g} s"
        raise InputError(problem, key=key, remedy=remedy)


def _error_of(data: FitData, unit: str, values: np.ndarray, default: np.ndarray) -> np.ndarray:
    """The standard error of each point: absolute with a unit, a fraction of the value without."""
    given = data.standard_error
    if given is None:
        return default
    if isinstance(given, str) and split(given, "standard_error")[1]:
        size = np.full(values.shape, to_si(given, unit, "standard_error"))
    else:
        size = to_si(given, "1", "standard_error") * np.abs(values)
    if not np.all(size > 0.0):
        raise InputError(f"{given!r} is not above zero everywhere", key="standard_error", remedy="give it with a unit")
    return size


def _voltage(case: Case, data: FitData, records: list[Record]) -> VoltageTarget:
    time, voltage = _columns(records[0], "test_time_second", "voltage_volt")
    time = time - data.begins_at
    low = 0.0 if data.first_time is None else data.first_time
    high = np.inf if data.last_time is None else data.last_time
    keep = _kept((time >= low) & (time <= high), "voltage")
    time, voltage = time[keep][:: data.every], voltage[keep][:: data.every]
    _check_times(case, time, "last_time", "select what belongs to it with begins_at, first_time and last_time")
    error = _error_of(data, "V", voltage, np.full(voltage.shape, 1e-3))
    return VoltageTarget(time, voltage, error, data.file.rsplit("/", 1)[-1])


def _impedance(case: Case, data: FitData, records: list[Record]) -> ImpedanceTarget:
    if data.sweep > len(records):
        problem = f"there is no sweep {data.sweep} in '{data.file.rsplit('/', 1)[-1]}'"
        raise InputError(problem, key="sweep", remedy=f"give a number from 1 to {len(records)}")
    frequency, real, imaginary = _columns(
        records[data.sweep - 1], "frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"
    )
    whole = real + 1j * imaginary
    low = 0.0 if data.lowest_frequency is None else data.lowest_frequency
    high = np.inf if data.highest_frequency is None else data.highest_frequency
    keep = _kept((frequency >= low * (1 - 1e-9)) & (frequency <= high * (1 + 1e-9)), "frequency")
    measured = whole[keep]
    error = _error_of(data, "ohm", measured, 0.01 * np.abs(measured))
    point = parse_point(data.at, "at")
    segment = None if point.kind == "start" else locate(point, case.schedule, "at")
    area = case.cell.area
    label = f"{data.file.rsplit('/', 1)[-1]}, sweep {data.sweep}"
    return ImpedanceTarget(frequency[keep], measured * area, error * area, segment, point.during, label)


def _profile(case: Case, data: FitData, records: list[Record]) -> ProfileTarget:
    assert data.time is not None
    if case.cell.model != "planar":
        raise InputError("a profile needs a cell with gradients", key="kind", remedy='cell.model = "planar"')
    _check_times(case, np.array([data.time]), "time", "give the time since the protocol began")
    position, concentration = _columns(records[0], "position_um", "concentration_mol_per_L")
    position, concentration = position * 1e-6, concentration * 1e3
    low = -np.inf if data.first_position is None else data.first_position
    high = np.inf if data.last_position is None else data.last_position
    keep = _kept((position >= low) & (position <= high), "position")
    thickness = case.cell.separator.thickness
    if position[keep].min() < -1e-9 * thickness or position[keep].max() > thickness * (1.0 + 1e-9):
        problem = f"positions go beyond the separator, from 0 um to {thickness * 1e6:g} um"
        remedy = "select those inside with first_position and last_position"
        raise InputError(problem, key="last_position", remedy=remedy)
    mean = float(case.build().electrolyte.concentration)
    error = _error_of(data, "mol/m^3", concentration[keep], np.full(int(keep.sum()), 0.02 * mean))
    return ProfileTarget(data.time, position[keep], concentration[keep], error, data.file.rsplit("/", 1)[-1])
