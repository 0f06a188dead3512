"""`mossy map` and `mossy sensitivity`: studies of a case, as tables and pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mossy.commands import made_folder, patient, progress_bar, versions_used, write_json
from mossy.errors import InputError


def _studied(path: Path, out: Path, quiet: bool, name: str) -> tuple[str, Path, Any]:
    """(title of the case, folder for the results, what the function of `mossy.case.study` found)."""
    with patient() as check:
        from mossy.case import load_case, study

        case = load_case(path)
        compute: Callable[..., Any] = getattr(study, name)
        folder = made_folder(out)
        with progress_bar(quiet, check) as move:
            try:
                return case.title, folder, compute(case, lambda done, count: move(0.0, done, count))
            except InputError as error:
                raise error.at(file=path) from None


def map_case(path: Path, out: Path, quiet: bool) -> int:
    """`mossy map`: map.parquet, summary.json, and a picture of each quantity."""
    title, folder, found = _studied(path, out, quiet, "map_of")
    found.table.write_parquet(folder / "map.parquet")
    counts = found.table["status"].value_counts().rows()
    summary = {
        "title": title,
        "axes": [{"parameter": axis.path, "unit": axis.unit, "values": axis.values.tolist()} for axis in found.axes],
        "quantities": list(found.quantities),
        "status": dict(counts),
        "versions": versions_used(),
    }
    write_json(folder / "summary.json", summary)
    for picture in _pictures(found, folder):
        print(f"picture: {picture}")
    said = ", ".join(f"{number} {status}" for status, number in sorted(counts))
    print(f"{found.table.height} runs: {said}; table: {folder / 'map.parquet'}")
    return 0 if dict(counts).get("done") else 1


def _pictures(found: Any, folder: Path) -> list[Path]:
    from mossy.report.draw_map import CURRENT, LIMIT, SAND, MapAxis, MapContent, save_maps
    from mossy.simulate.quantities import QUANTITIES

    axes = [MapAxis(axis.path, axis.values, axis.unit, axis.logarithmic) for axis in found.axes]
    closed = {name: found.grid(name) for name in (CURRENT, LIMIT, SAND) if name in found.table.columns}
    contents = [
        MapContent(name, QUANTITIES[name].words, QUANTITIES[name].unit, axes, found.grid(name), closed)
        for name in found.quantities
    ]
    return save_maps(folder, contents)


def rank_case(path: Path, out: Path, quiet: bool) -> int:
    """`mossy sensitivity`: sensitivity.parquet, summary.json, and the ranking printed."""
    title, folder, found = _studied(path, out, quiet, "ranking_of")
    found.table.write_parquet(folder / "sensitivity.parquet")
    rows = found.table.rows(named=True)
    summary = {
        "title": title,
        "samples": found.samples,
        "runs": found.runs,
        "failed": found.failed,
        "ranking": rows,
    }
    write_json(folder / "summary.json", summary | {"versions": versions_used()})
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        print(f"{quantity.replace('_', ' ')}: share of its variance, alone / with others; slope d ln/d ln")
        for row in (row for row in rows if row["quantity"] == quantity):
            alone, total = (_with_error(row[key], row[f"{key}_error"]) for key in ("first_order", "total"))
            print(f"  {row['parameter']:50} {alone:>15} / {total:>15}   {_short(row['local']):>8}")
    if any(max(row["first_order_error"] or 0.0, row["total_error"] or 0.0) > 0.1 for row in rows):
        print(f"warning: {found.samples} samples leave errors above 0.1; raise sensitivity.samples", file=sys.stderr)
    if found.failed:
        print(f"warning: {found.failed} of {found.runs} runs have no such quantity; see status", file=sys.stderr)
    print(f"{found.runs} runs; table: {folder / 'sensitivity.parquet'}")
    return 0


def bench(out: Path, lanes: int, quiet: bool) -> int:
    """`mossy bench`: the table printed, and as benchmark.json."""
    with patient() as check:
        from mossy.bench import main

        folder = made_folder(out)
        write_json(folder / "benchmark.json", main((100, lanes), quiet, check) | {"versions": versions_used()})
    print(f"figures: {folder / 'benchmark.json'}")
    return 0


def _with_error(value: float | None, error: float | None) -> str:
    return "-" if value is None else f"{value:.3f} +- {error or 0.0:.3f}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
