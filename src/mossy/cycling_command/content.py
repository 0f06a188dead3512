"""A studied cell as the content of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mossy.analysis.cycling_study import CellStudy
from mossy.analysis.efficiency import AnodeFree, Reservoir
from mossy.cycling_command.cell_rows import critical_interval, duration_hour, plateau
from mossy.records import Cycling
from mossy.report.cycling_content import (
    CriticalShown,
    CurveShown,
    CyclingContent,
    EfficiencyShown,
    PointsShown,
    TableShown,
    TraceShown,
)
from mossy.report.wording import duration, measure, number, percent

_MOST_ROWS = 200


def content_of(found: CellStudy, files: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> CyclingContent:
    """The report of a cell."""
    area = found.area_cm2
    unit = "mAh/cm²" if area else "mAh"
    impedance, labels = _impedance(found)
    return CyclingContent(
        title=_cell(found).get("name") or found.name,
        lead=_lead(found),
        facts=_facts(found),
        warnings=found.warnings,
        notes=list(dict.fromkeys([*found.notes, *_own_notes(found)])),
        missing=found.missing,
        events=[(each.time_second, each.kind, each.text, each.evidence) for each in found.events],
        traces=_traces(found),
        curves=_curves(found, area),
        charge_unit=unit,
        efficiency=_efficiency(found, area, unit),
        plateaus=_plateaus(found),
        split=_split(found),
        critical=_critical(found),
        impedance=impedance,
        impedance_labels=labels,
        tables=_tables(found, files),
        versions=versions,
    )


def _cell(found: CellStudy) -> dict[str, Any]:
    """What its description says of the cell."""
    return (found.main.metadata.get("cell") or {}) if found.main is not None else {}


def _lead(found: CellStudy) -> str:
    main = found.main
    words = []
    cell = _cell(found)
    names = {
        "substrate": f"{cell.get('metal', 'metal')} on {cell.get('substrate', 'a substrate')}",
        "symmetric": f"symmetric {cell.get('metal', 'metal')} cell",
        "anode-free": "anode-free cell",
        "full": "full cell",
    }
    if main is not None and main.metadata.get("cell_kind") in names:
        words.append(names[main.metadata["cell_kind"]])
    if cell.get("electrolyte"):
        words.append(cell["electrolyte"])
    hours = duration_hour(found)
    if hours is not None:
        words.append(duration(3600.0 * hours))
    started = main.metadata.get("start_time") if main is not None else None
    return ", ".join([*words, *([f"from {str(started)[:10]}"] if started else [])])


def _facts(found: CellStudy) -> list[tuple[str, str, str]]:
    facts = []
    average = found.average
    if average is not None:
        error = average["standard_error"]
        spread = f" ± {number(100.0 * error, 2)}" if error is not None else ""
        facts.append(
            ("average Coulombic efficiency", f"{100.0 * average['value']:.3f}{spread} %", str(average["method"]))
        )
    cycles = found.per_cycle
    if isinstance(found.efficiencies, Reservoir) and found.efficiencies.conditioning_efficiency is not None:
        facts.append(("conditioning cycle", percent(found.efficiencies.conditioning_efficiency), "not in the average"))
    if cycles is not None:
        facts.append(("cycles", str(len(cycles.cycles)), f"{sum(each.complete for each in cycles.cycles)} whole"))
        facts.append(("charge lost", f"{number(cycles.balance.lost_mAh, 3)} mAh", "plated less stripped"))
    elif found.steps is not None:
        facts.append(("half-cycles", str(found.steps.half_cycles.height), ""))
    for process in ("plating", "stripping", "positive", "negative"):
        value = plateau(found, process)
        if value is not None:
            facts.append((f"plateau, {process}", measure(value / 1000.0, "V", 3), "median over the test"))
    if found.critical is not None:
        facts.append(("critical current", *_interval(found.critical.as_dict())))
    facts.append(("events", str(len(found.events)), found.events[0].kind if found.events else "none found"))
    if found.spectra:
        facts.append(("spectra", str(len(found.spectra)), "in the test; `mossy eis` fits them"))
    return facts


def _interval(critical: dict[str, Any]) -> tuple[str, str]:
    found = critical_interval(critical)
    low, high = found["critical_current_last_good"], found["critical_current_first_bad"]
    unit = str(found["critical_current_unit"]).replace("cm2", "cm²")
    if low is not None and high is not None:
        return f"{number(low, 3)} to {number(high, 3)} {unit}", "last good step to first bad one"
    if low is not None:
        return f"above {number(low, 3)} {unit}", "not reached"
    return (f"below {number(high, 3)} {unit}", "the first step failed") if high is not None else ("not told", "")


def _own_notes(found: CellStudy) -> list[str]:
    parts = (found.efficiencies, found.plateaus, found.split, found.shapes, found.asymmetry, found.critical)
    return [note for part in parts if part is not None for note in part.notes]


def _traces(found: CellStudy) -> list[TraceShown]:
    traces = [each for each in (found.main, *found.others) if each is not None and "voltage_volt" in each.table.columns]
    return [_trace(each, len(traces) > 1) for each in traces]


def _trace(record: Cycling, several: bool) -> TraceShown:
    table = record.table
    time, voltage = (table[name].cast(float).to_numpy() for name in ("test_time_second", "voltage_volt"))
    current, unit = None, "A"
    if "plating_current_density_mA_per_cm2" in table.columns:
        current, unit = table["plating_current_density_mA_per_cm2"].cast(float).to_numpy(), "mA/cm²"
    elif "current_ampere" in table.columns:
        current = table["current_ampere"].cast(float).to_numpy()
    source = Path(str(record.metadata.get("source_path", ""))).name
    title = "Voltage and current" if current is not None else "Voltage"
    return TraceShown(f"{title}: {source}" if several and source else title, time, voltage, current, unit)


def _curves(found: CellStudy, area: float | None) -> list[CurveShown]:
    """Voltage against charge of the half-cycles of some cycles."""
    if found.steps is None or not np.isfinite(found.steps.trace.voltage).any():
        return []
    halves, trace = found.steps.half_cycles, found.steps.trace
    cycles = np.unique(halves["cycle"].to_numpy())
    chosen = set(cycles[np.unique(np.linspace(0, len(cycles) - 1, 12).round().astype(int))]) if len(cycles) else set()
    curves = []
    for half in halves.iter_rows(named=True):
        if half["cycle"] not in chosen:
            continue
        rows = slice(half["first_row"], half["last_row"] + 1)
        passed = np.cumsum(trace.charge[rows]) * half["current_sign"] / 3.6 / (area or 1.0)
        plating = None if half["direction"] is None else half["direction"] > 0
        curves.append(CurveShown(half["cycle"], plating, passed, trace.voltage[rows]))
    return curves


def _floats(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _efficiency(found: CellStudy, area: float | None, unit: str) -> EfficiencyShown | None:
    cycles = found.per_cycle
    if cycles is None:
        return None
    points = PointsShown(
        "",
        _floats([each.cycle for each in cycles.cycles]),
        _floats([each.coulombic_efficiency for each in cycles.cycles]),
        _floats([each.standard_error for each in cycles.cycles]),
        np.array([each.in_average for each in cycles.cycles], dtype=bool),
    )
    lost = _floats([each.cumulative_lost_mAh for each in cycles.cycles]) / (area or 1.0)
    average = cycles.average
    return EfficiencyShown(
        points, average.value if average else None, average.standard_error if average else None, lost, unit
    )


def _plateaus(found: CellStudy) -> list[PointsShown]:
    if found.plateaus is None:
        return []
    series = []
    for process in ("plating", "stripping", "negative", "positive"):
        some = found.plateaus.of(process)
        if some:
            series.append(
                PointsShown(
                    process,
                    _floats([each.cycle for each in some]),
                    _floats([each.cell_voltage_mV for each in some]),
                    _floats([each.standard_error_mV for each in some]),
                    np.array([each.label != "formation" for each in some], dtype=bool),
                )
            )
    return series


_PARTS = {
    "ohmic": "ohmic",
    "fast": "faster than the rows",
    "charge_transfer_and_film": "charge transfer and film",
    "concentration": "concentration",
    "slow": "slow, of no known law",
}


def _split(found: CellStudy) -> dict[str, PointsShown]:
    if found.split is None:
        return {}
    shown = {}
    for name, words in _PARTS.items():
        some = [(each, getattr(each, name)) for each in found.split.interruptions if each.cycle is not None]
        some = [(each, part) for each, part in some if part is not None]
        if some:
            shown[words] = PointsShown(
                words,
                _floats([each.cycle for each, _ in some]),
                _floats([part.mV for _, part in some]),
                _floats([part.standard_error_mV for _, part in some]),
                np.ones(len(some), dtype=bool),
            )
    return shown


def _critical(found: CellStudy) -> CriticalShown | None:
    if found.critical is None or found.plateaus is None:
        return None
    interval = critical_interval(found.critical.as_dict())
    per_area = interval["critical_current_unit"] == "mA/cm2"
    series = []
    for each in _processes(found):
        some = [p for p in found.plateaus.of(each) if p.resistance_ohm is not None]
        if some:
            series.append(
                PointsShown(
                    some[0].process,
                    _floats([p.areal_current_mA_per_cm2 if per_area else p.current_mA for p in some]),
                    _floats([p.resistance_ohm_cm2 if per_area else p.resistance_ohm for p in some]),
                    np.full(len(some), np.nan),
                    np.ones(len(some), dtype=bool),
                )
            )
    low, high = interval["critical_current_last_good"], interval["critical_current_first_bad"]
    units = ("mA/cm²", "Ω cm²") if per_area else ("mA", "Ω")
    return CriticalShown(series, *units, (low, high)) if series else None


def _processes(found: CellStudy) -> list[str]:
    return list(dict.fromkeys(each.process for each in found.plateaus.plateaus)) if found.plateaus else []


def _impedance(found: CellStudy) -> tuple[list[PointsShown], tuple[str, str]]:
    """The ends of each spectrum along the test."""
    placed = [each for each in found.spectra if "test_time_second" in each.table.columns]
    if len(placed) < 2:
        return [], ("", "")
    time = _floats([each.table["test_time_second"][0] for each in placed]) / 3600.0
    ends = {"highest frequency": "arg_max", "lowest frequency": "arg_min"}
    series = []
    for label, way in ends.items():
        real = [each.table["real_impedance_ohm"][getattr(each.table["frequency_hertz"], way)()] for each in placed]
        series.append(
            PointsShown(label, time, _floats(real), np.full(len(real), np.nan), np.ones(len(real), dtype=bool))
        )
    return series, ("time (h)", "Z′ at the ends of the spectrum (Ω)")


def _tables(found: CellStudy, files: Sequence[Mapping[str, Any]]) -> dict[str, list[TableShown]]:
    tables: dict[str, list[TableShown]] = {"efficiency": [*_cycle_table(found), *_balance(found)]}
    tables["overpotential"] = [*_shape_table(found)]
    tables["critical"] = _limits(found)
    tables["practical"] = _practical(found)
    rows = [[row["file"], str(row["records"]), row["reason"] or ""] for row in files]
    tables["files"] = [TableShown("", ["file", "records", ""], rows, (1,))]
    return tables


def _cycle_table(found: CellStudy) -> list[TableShown]:
    cycles = found.per_cycle
    if cycles is None:
        return []
    rows = [
        [
            str(each.cycle),
            number(each.plated_mAh, 5),
            number(each.stripped_mAh, 5),
            percent(each.coulombic_efficiency, 3),
            number(100.0 * each.standard_error, 2) if each.standard_error is not None else "",
            "" if each.in_average else "formation" if each.formation else "not in the average",
        ]
        for each in cycles.cycles[:_MOST_ROWS]
    ]
    note = "" if len(cycles.cycles) <= _MOST_ROWS else f"The first {_MOST_ROWS}; cycles.parquet has all."
    head = ["cycle", "plated (mAh)", "stripped (mAh)", "efficiency", "± (%)", ""]
    return [TableShown("Cycles", head, rows, (0, 1, 2, 3, 4), note)]


def _balance(found: CellStudy) -> list[TableShown]:
    """Where the charge went."""
    if isinstance(found.efficiencies, Reservoir):
        rows, lost, split = _reservoir_rows(found.efficiencies), found.efficiencies.lost_mAh, found.efficiencies.split
    elif (cycles := found.per_cycle) is not None:
        balance = cycles.balance
        rows = [
            ["plated", number(balance.plated_mAh, 6), _error(balance.plated_standard_error_mAh)],
            ["stripped", number(balance.stripped_mAh, 6), _error(balance.stripped_standard_error_mAh)],
            ["lost", number(balance.lost_mAh, 5), _error(balance.lost_standard_error_mAh)],
        ]
        lost, split = balance.lost_mAh, balance.split
    else:
        return []
    if split is not None:
        if lost is None or abs(split.lost_mAh - lost) > 1e-6 * abs(split.lost_mAh):  # conditioning lost some, too
            rows.append(["lost in the whole test", number(split.lost_mAh, 5), _error(split.lost_standard_error_mAh)])
        dead, film = number(split.dead_metal_mAh, 4), number(split.film_mAh, 4)
        rows.append(["of it dead metal (titrated)", dead, _error(split.dead_metal_standard_error_mAh)])
        rows.append(["of it in the film and beside", film, _error(split.film_standard_error_mAh)])
    note = _left(found.efficiencies) if isinstance(found.efficiencies, AnodeFree) else ""
    return [TableShown("Charge balance", ["", "mAh", "±"], rows, (1, 2), note)]


def _reservoir_rows(own: Reservoir) -> list[list[str]]:
    return [
        ["reservoir plated, Q_T", number(own.reservoir_mAh, 6), ""],
        [f"cycled each of {own.short_cycles} times, Q_C", number(own.cycled_mAh, 6), ""],
        ["stripped at the end, Q_S", number(own.final_strip_mAh, 6), ""],
        ["lost after the conditioning", number(own.lost_mAh, 5), _error(own.lost_standard_error_mAh)],
    ]


def _left(own: AnodeFree) -> str:
    text = f"Metal left: {number(own.inventory_left_mAh, 4)} of {number(own.initial_inventory_mAh, 4)} mAh."
    if own.retention is not None:
        text += f" The fade alone tells an efficiency of {percent(own.retention.coulombic_efficiency, 3)}."
    return text


def _error(value: float | None) -> str:
    return "" if value is None else number(value, 2)


def _shape_table(found: CellStudy) -> list[TableShown]:
    if found.shapes is None or not found.shapes.shapes:
        return []
    rows = [
        [
            str(each.cycle),
            each.process,
            each.shape,
            number(each.plateau_mV, 3),
            number(each.peak_mV, 3) if each.peak_mV is not None else "",
            number(each.slope_mV, 3) if each.slope_mV is not None else "",
        ]
        for each in found.shapes.shapes[:_MOST_ROWS]
    ]
    evolution = found.shapes.evolution
    note = (
        f"From {evolution.before} to {evolution.after} between cycles {evolution.last_cycle_before} and "
        f"{evolution.first_cycle_after}."
        if evolution is not None
        else ""
    )
    head = ["cycle", "process", "shape", "plateau (mV)", "first peak (mV)", "slope (mV)"]
    return [TableShown("Shapes of the traces", head, rows, (0, 3, 4, 5), note)]


def _limits(found: CellStudy) -> list[TableShown]:
    """The limit that each direction of current shows, and what broke it."""
    if found.critical is None:
        return []
    rows = []
    for limit in found.critical.limits:
        per_area = limit.last_good_mA_per_cm2 is not None or limit.first_bad_mA_per_cm2 is not None
        good = limit.last_good_mA_per_cm2 if per_area else limit.last_good_mA
        bad = limit.first_bad_mA_per_cm2 if per_area else limit.first_bad_mA
        why = "; ".join([*([limit.rule] if limit.rule else []), *limit.evidence])
        rows.append([limit.electrode, limit.direction, limit.verdict, number(good, 3), number(bad, 3), why])
    unit = "mA/cm²" if found.critical.area_cm2 else "mA"
    head = ["electrode", "current", "", f"last good ({unit})", f"first bad ({unit})", "why"]
    return [TableShown("", head, rows, (3, 4), f"{found.critical.protocol.capitalize()} a step.")]


def _practical(found: CellStudy) -> list[TableShown]:
    words = {True: "yes", False: "no", None: "not known"}
    rows = [[each.quantity, words[each.practical], each.sentence, each.target.words] for each in found.practical]
    return [TableShown("", ["quantity", "practical", "this cell", "practical cells"], rows)] if rows else []
