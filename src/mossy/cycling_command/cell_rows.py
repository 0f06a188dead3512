"""A studied cell as rows of the tables of many cells, and as its summary.json."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from mossy.analysis.cycling_study import CellStudy
from mossy.analysis.efficiency import Reservoir
from mossy.cycling_command.store import Rows


def rows_of(found: CellStudy, files: Sequence[dict[str, Any]], status: str, fingerprint: str) -> Rows:
    """The rows of a cell."""
    average, cycles = found.average, _cycles(found)
    halves = found.steps.half_cycles if found.steps is not None else None
    critical = found.critical.as_dict() if found.critical is not None else {}
    metadata = found.main.metadata if found.main is not None else {}
    cell = {
        "cell": found.name,
        "status": status,
        "kind": metadata.get("cell_kind"),
        "files": len(files),
        "rows": found.main.table.height if found.main is not None else sum(row["rows"] or 0 for row in files),
        "start_time": metadata.get("start_time"),
        "duration_hour": duration_hour(found),
        "area_cm2": found.area_cm2,
        "half_cycles": halves.height if halves is not None else None,
        "cycles": len({row["cycle"] for row in cycles}) if cycles else None,
        "average_coulombic_efficiency": average["value"] if average else None,
        "average_coulombic_efficiency_standard_error": average["standard_error"] if average else None,
        "efficiency_method": average["method"] if average else None,
        "first_coulombic_efficiency": _first_efficiency(found),
        "plating_plateau_mV": plateau(found, "plating"),
        "stripping_plateau_mV": plateau(found, "stripping"),
        **critical_interval(critical),
        "events": len(found.events),
        "first_event": f"{found.events[0].kind}: {found.events[0].text}" if found.events else None,
        "warnings": "; ".join(found.warnings) or None,
        "missing": "; ".join(found.missing) or None,
        "notes": "; ".join(found.notes) or None,
        "no_efficiency": _no_efficiency(found) if average is None else None,
        "fingerprint": fingerprint,
    }
    events = [
        {
            "cell": found.name,
            **{key: getattr(each, key) for key in ("kind", "time_second", "cycle", "severity", "text")},
        }
        for each in found.events
    ]
    return Rows([cell], [{"cell": found.name, **row} for row in cycles], events, list(files))


def _no_efficiency(found: CellStudy) -> str | None:
    """Why there is none, where one was looked for."""
    told = [note.removeprefix("efficiency: ") for note in found.notes if note.startswith("efficiency: ")]
    if not told and found.efficiencies is not None:
        told = list(found.efficiencies.notes)
    return "; ".join(told) or None


def duration_hour(found: CellStudy) -> float | None:
    """From the first row of any trace to the last, h."""
    times = [each.table["test_time_second"] for each in (found.main, *found.others) if each is not None]
    return (max(each[-1] for each in times) - min(each[0] for each in times)) / 3600.0 if times else None


def _first_efficiency(found: CellStudy) -> float | None:
    if isinstance(found.efficiencies, Reservoir):
        return found.efficiencies.conditioning_efficiency
    cycles = found.per_cycle
    return cycles.cycles[0].coulombic_efficiency if cycles is not None and cycles.cycles else None


def plateau(found: CellStudy, process: str) -> float | None:
    """The median plateau of one process over the test, mV; None where there is none, or several currents were run."""
    if found.plateaus is None:
        return None
    some = [each for each in found.plateaus.of(process) if each.label != "formation"]
    currents = [each.current_mA for each in some]
    if not some or max(currents) > 1.1 * min(currents):  # of several currents a median tells nothing
        return None
    return float(np.median([each.cell_voltage_mV for each in some]))


def critical_interval(critical: dict[str, Any]) -> dict[str, Any]:
    """The interval of the critical current in mA/cm2 where the area is known, else in mA."""
    limit = critical.get("limit") or {}
    ending = "mA_per_cm2" if critical.get("area_cm2") else "mA"
    return {
        "critical_current_last_good": limit.get(f"last_good_{ending}"),
        "critical_current_first_bad": limit.get(f"first_bad_{ending}"),
        "critical_current_unit": (ending.replace("_per_", "/") if critical else None),
    }


def _cycles(found: CellStudy) -> list[dict[str, Any]]:
    """A row a cycle: its charges, efficiency and plateaus."""
    if found.steps is None:
        return []
    rows: dict[int, dict[str, Any]] = defaultdict(dict)
    halves = found.steps.half_cycles
    plates = "direction" if halves["direction"].null_count() == 0 else None
    for half in halves.iter_rows(named=True):
        row = rows[half["cycle"]]
        row.setdefault("cycle", half["cycle"])
        row.setdefault("label", half["label"])
        row.setdefault("start_second", half["start_second"])
        if plates:
            key = "plated_mAh" if half["direction"] > 0 else "stripped_mAh"
            row[key] = row.get(key, 0.0) + half["charge_coulomb"] / 3.6
    for level in found.plateaus.plateaus if found.plateaus is not None else ():
        if level.process in ("plating", "stripping"):
            rows[level.cycle][f"{level.process}_plateau_mV"] = level.cell_voltage_mV
    cycles = found.per_cycle
    for each in cycles.cycles if cycles is not None else ():
        rows[each.cycle] |= {
            "cycle": each.cycle,
            "plated_mAh": each.plated_mAh,
            "stripped_mAh": each.stripped_mAh,
            "coulombic_efficiency": each.coulombic_efficiency,
            "standard_error": each.standard_error,
            "complete": each.complete,
        }
    return [rows[cycle] for cycle in sorted(rows)]


def summary_of(found: CellStudy, files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What summary.json holds of a cell."""
    cycles = found.per_cycle
    return {
        "cell": found.name,
        "kind": found.main.metadata.get("cell_kind") if found.main is not None else None,
        "area_cm2": found.area_cm2,
        "duration_hour": duration_hour(found),
        "coulombic_efficiency": [each.coulombic_efficiency for each in cycles.cycles] if cycles is not None else [],
        "average_coulombic_efficiency": found.average,
        "efficiency": found.efficiencies.as_dict() if found.efficiencies is not None else None,
        "plateau_mV": [each.cell_voltage_mV for each in found.plateaus.plateaus] if found.plateaus is not None else [],
        "plateaus": found.plateaus.as_dict() if found.plateaus is not None else None,
        "polarisation": found.split.as_dict() if found.split is not None else None,
        "shapes": found.shapes.as_dict() if found.shapes is not None else None,
        "asymmetry": found.asymmetry.as_dict() if found.asymmetry is not None else None,
        "critical_current": found.critical.as_dict() if found.critical is not None else None,
        "spectra": found.pairs.to_dicts() if found.pairs is not None else [],
        "charge_check": found.main.metadata.get("charge_check") if found.main is not None else None,
        "events": [each.as_dict() for each in found.events],
        "practical": [_fact(each) for each in found.practical],
        "warnings": found.warnings,
        "notes": found.notes,
        "missing": found.missing,
        "files": list(files),
    }


def _fact(fact: Any) -> dict[str, Any]:
    return {
        "quantity": fact.quantity,
        "value": fact.value,
        "unit": fact.unit,
        "practical": fact.practical,
        "sentence": fact.sentence,
        "target": fact.target.words,
        "source": fact.target.source,
        "doi": fact.target.doi,
        "source_status": fact.target.status,
    }
