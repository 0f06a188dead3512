"""What `mossy cycling` prints at the end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mossy.commands import counted
from mossy.cycling_command.store import Rows

_FEW, _WHOLE = 25, 5
"""So many cells or refusals are printed; up to so many refusals in full."""


def say(
    rows: Rows,
    skipped: Sequence[tuple[Path, str]],
    folder: Path,
    said: Sequence[str],
    *,
    reused: int,
    others: int,
    stopped: bool,
) -> int:
    """The cells' main numbers, what was left out, and where the results lie; returns the exit code."""
    shown = [row for row in rows.cells if row["status"] in ("ok", "part")]
    for row in shown[:_FEW]:
        print(f"{row['cell']}: {_line(row)}")
        if len(shown) <= 3:
            _say_more(row)
    if len(shown) > _FEW:
        print(f"... and {len(shown) - _FEW} more cells; all are in cells.parquet")
    for text in said:
        print(f"warning: {text}", file=sys.stderr)
    refused = [row for row in rows.files if row["status"] == "refused"]
    _say_refused(refused)
    without = [row["cell"] for row in rows.cells if row["status"] == "no cycling"]
    if without:
        few = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if len(without) > 3 else "")
        print(f"no cycling in {few}: `mossy eis` reads impedance, `mossy xps` photoelectron spectra")
    data = [path for path, _ in skipped if not path.name.endswith("cell.toml")]
    if data:
        print(f"{counted(len(data), 'file')} skipped that {'are' if len(data) > 1 else 'is'} no measurement")
    if reused:
        print(f"{reused} of {counted(len(rows.cells), 'cell')} had not changed since the last run (--fresh: all again)")
    if others:
        print(f"{counted(others, 'cell')} of earlier runs are in the tables as well")
    if stopped:
        print("stopped early: what was done by then is kept", file=sys.stderr)
    lone = shown[0].get("report") if len(shown) == 1 else None
    print(f"report: {lone or folder / 'report.html'}")
    return 1 if refused or stopped or not shown else 0


def _say_more(row: Mapping[str, Any]) -> None:
    """What is worth knowing of a cell, where there are few."""
    for word, key in (("event", "first_event"), ("no efficiency", "no_efficiency"), ("warning", "warnings")):
        if row.get(key):
            print(f"  {word}: {row[key]}", file=sys.stderr if word == "warning" else sys.stdout)
    for text in str(row.get("missing") or "").split("; "):
        if text:
            print(f"  not stated: {text}")


def _say_refused(refused: Sequence[Mapping[str, Any]]) -> None:
    """What was refused and why, a line for each reason; in full where there are few."""
    reasons: dict[str, list[str]] = {}
    for row in refused:
        reasons.setdefault(row["reason"], []).append(row["file"])
    for reason, files in list(reasons.items())[:_FEW]:
        shown = reason if len(reasons) <= _WHOLE else reason.partition("; ")[0]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        print(f"warning: {files[0]}{more}: {shown}", file=sys.stderr)
    if len(reasons) > _WHOLE:
        left = sum(len(files) for files in list(reasons.values())[_FEW:])
        more = f"{left} more files were refused; " if left else ""
        print(f"{more}files.parquet and the report have every reason in full, and what to do", file=sys.stderr)


def _line(row: Mapping[str, Any]) -> str:
    parts = []
    if row.get("average_coulombic_efficiency") is not None:
        error = row["average_coulombic_efficiency_standard_error"]
        spread = f" +- {100.0 * error:.2g}" if error is not None else ""
        parts.append(f"efficiency {100.0 * row['average_coulombic_efficiency']:.3f}{spread} %")
    if row.get("cycles"):
        parts.append(f"{row['cycles']} cycles" if row["cycles"] != 1 else "1 cycle")
    if row.get("plating_plateau_mV") is not None:
        parts.append(f"plating at {row['plating_plateau_mV']:.3g} mV")
    low, high = row.get("critical_current_last_good"), row.get("critical_current_first_bad")
    if low is not None or high is not None:
        parts.append(f"critical current {_interval(low, high)} {row['critical_current_unit']}")
    if row.get("events"):
        parts.append(f"{row['events']} events" if row["events"] != 1 else "1 event")
    if row.get("duplicate_of"):
        parts.append(f"the same test as {row['duplicate_of']}")
    return ", ".join(parts) or str(row.get("notes") or "nothing could be told")


def _interval(low: float | None, high: float | None) -> str:
    if low is None:
        return f"below {high:.3g}"
    return f"above {low:.3g}" if high is None else f"{low:.3g} to {high:.3g}"
