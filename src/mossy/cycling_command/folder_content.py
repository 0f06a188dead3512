"""The tables of many cells as the content of the folder's report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mossy.cycling_command.store import Rows
from mossy.report.cycling_content import FolderContent, PointsShown, TableShown
from mossy.report.wording import duration, number

_MOST = 1000
_HEAD = ("cell", "kind", "cycles", "efficiency (%)", "plating (mV)", "events", "remarks")


def folder_summary(rows: Rows, skipped: Sequence[tuple[Path, str]]) -> dict[str, Any]:
    """What summary.json holds of a folder: the cells' main numbers, and what was left out and why."""
    keys = ("cell", "status", "average_coulombic_efficiency", "average_coulombic_efficiency_standard_error")
    more = ("efficiency_method", "cycles", "events", "first_event", "duplicate_of", "warnings", "missing", "notes")
    return {
        "cells": [{key: row.get(key) for key in (*keys, *more)} for row in rows.cells],
        "refused": [{"file": row["file"], "reason": row["reason"]} for row in rows.files if row["status"] == "refused"],
        "skipped": [{"file": str(path), "reason": reason} for path, reason in skipped],
    }


def folder_content(
    rows: Rows, skipped: Sequence[tuple[Path, str]], folder: Path, versions: Mapping[str, str]
) -> FolderContent:
    """The report of a folder."""
    shown = [row for row in rows.cells if row["status"] in ("ok", "part")]
    known = [row for row in shown if row.get("average_coulombic_efficiency") is not None and not row["duplicate_of"]]
    links = {}
    for row in shown:
        if row.get("report"):
            links[row["cell"]] = Path(row["report"]).relative_to(folder).as_posix()
    refused = [(row["file"], row["reason"]) for row in rows.files if row["status"] == "refused"]
    others = [(row["cell"], row["notes"]) for row in rows.cells if row["status"] == "no cycling"]
    return FolderContent(
        title=f"{len(shown)} cells" if len(shown) != 1 else shown[0]["cell"],
        facts=_facts(rows, shown, known),
        cells=_table(shown, bool(links)),
        links=links,
        refused=[*refused, *others, *((str(path), reason) for path, reason in skipped)],
        efficiencies=_points(known),
        names=[row["cell"] for row in known],
        versions=versions,
    )


def _facts(rows: Rows, shown: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> list[Any]:
    read = Counter(row["status"] for row in rows.files)
    facts = [("cells", str(len(shown)), f"{read['read']} files read, {read['refused']} refused")]
    if known:
        values = 100.0 * np.array([row["average_coulombic_efficiency"] for row in known])
        facts.append(("median efficiency", f"{np.median(values):.2f} %", f"of {len(known)} cells that tell one"))
    events = sum(bool(row["events"]) for row in shown)
    facts.append(("cells with events", str(events), "shorts, noise, drops: see the table"))
    doubled = sum(bool(row["duplicate_of"]) for row in shown)
    if doubled:
        facts.append(("duplicates", str(doubled), "files of a test that is there already"))
    hours = sum(row["duration_hour"] or 0.0 for row in shown)
    facts.append(("time under test", duration(3600.0 * hours), "all cells together"))
    return facts


def _points(known: Sequence[Mapping[str, Any]]) -> PointsShown | None:
    if len(known) < 2:
        return None
    value = np.array([row["average_coulombic_efficiency"] for row in known])
    error = np.array([row["average_coulombic_efficiency_standard_error"] or np.nan for row in known], dtype=float)
    return PointsShown("", np.arange(len(known), dtype=float), value, error, np.ones(len(known), dtype=bool))


def _table(shown: Sequence[Mapping[str, Any]], linked: bool) -> TableShown:
    rows = [
        [
            row["cell"],
            row["kind"] or "",
            str(row["cycles"] if row["cycles"] is not None else ""),
            _efficiency(row),
            number(row["plating_plateau_mV"], 3) if row["plating_plateau_mV"] is not None else "",
            str(row["events"] or ""),
            _remark(row),
        ]
        for row in shown[:_MOST]
    ]
    note = "cells.parquet has every column." if linked else "`mossy cycling FILE` makes a cell's own report."
    if len(shown) > _MOST:
        note = f"The first {_MOST} of {len(shown)}. {note}"
    kept = [k for k in range(len(_HEAD)) if k == 0 or any(row[k] for row in rows)]
    numeric = [place for place, k in enumerate(kept) if 2 <= k <= 5]
    return TableShown("", [_HEAD[k] for k in kept], [[row[k] for k in kept] for row in rows], numeric, note)


def _efficiency(row: Mapping[str, Any]) -> str:
    value, error = row["average_coulombic_efficiency"], row["average_coulombic_efficiency_standard_error"]
    if value is None:
        return ""
    return f"{100.0 * value:.3f}" + (f" ± {number(100.0 * error, 2)}" if error is not None else "")


def _remark(row: Mapping[str, Any]) -> str:
    if row["duplicate_of"]:
        return f"the same test as {row['duplicate_of']}"
    not_stated = re.findall(r"\(([a-z_, ]+)\):", row["missing"] or "")
    missing = f"not stated: {', '.join(not_stated)}" if not_stated else ""
    why = f"no efficiency: {row['no_efficiency']}" if row["no_efficiency"] else ""
    text = row["first_event"] or row["warnings"] or why or missing
    return text if len(text) <= 140 else f"{text[:139]}…"
