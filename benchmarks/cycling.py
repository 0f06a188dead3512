"""What `mossy cycling` takes for a laboratory's folder, and what reading costs beside the parsers it stands on.

`python benchmarks/cycling.py` prints one table and writes results/benchmark_cycling.json. The folder holds 500 cells of
20,000 rows (80 cycles of plating and stripping, csv in Battery Data Format names); it is studied twice, the second time
with nothing changed. Reading is timed beside polars' own parse of the same csv, and, where MOSSY_DATA holds the file,
`fastnda` on a Neware file of 252,951 rows: medians of seven. No peer computes what the folder's study does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from cycler_traces import plate_and_strip, trace  # noqa: E402

CELL = 'kind = "substrate"\nelectrode_under_study = "working"\nplating_current = "negative"\narea = "2 cm^2"\n'
NEWARE = "arbin_maccor_pec/20260302_IFE_BTS85_2_9_8_1.ndax"


def laboratory(folder: Path, cells: int) -> int:
    """Writes the cells' files; returns the rows of one."""
    folder.mkdir(parents=True)
    (folder / "cell.toml").write_text(CELL)
    rows = 0
    for number in range(cells):
        efficiency = 0.9 + 0.0999 * np.random.default_rng(number).random()
        parts = plate_and_strip(80, efficiency=efficiency)
        record = trace(parts, interval=32.0, noise=1e-7, voltage_noise=2e-5, seed=number)
        record.table.write_csv(folder / f"cell_{number:03d}.bdf.csv", float_precision=9)
        rows = record.table.height
    return rows


def command(folder: Path, out: Path) -> float:
    """Wall-clock seconds of the command in a process of its own."""
    begun = time.perf_counter()
    words = [sys.executable, "-m", "mossy.cli", "cycling", str(folder), "--out", str(out), "--quiet"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def median(call: Callable[[], Any], times: int = 7) -> float:
    """Milliseconds, the median of several calls after one that does not count."""
    call()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(taken)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("results"))
    given = parser.parse_args()
    from mossy import readers

    found: dict[str, Any] = {"cells": given.cells, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        found["rows_of_a_cell"] = laboratory(folder, given.cells)
        found["first_run_second"] = command(folder, Path(scratch) / "out")
        found["second_run_second"] = command(folder, Path(scratch) / "out")
        found["largest_process_megabyte"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0
        file = folder / "cell_000.bdf.csv"
        found["csv_mossy_millisecond"] = median(lambda: readers.read(file))
        found["csv_polars_millisecond"] = median(lambda: pl.read_csv(file))
    neware = Path(os.environ.get("MOSSY_DATA") or ROOT.parent / "shared" / "data") / NEWARE
    if neware.exists():
        import fastnda

        found["ndax_mossy_millisecond"] = median(lambda: readers.read(neware))
        found["ndax_fastnda_millisecond"] = median(lambda: fastnda.read(neware))
    for name, value in found.items():
        print(f"{name:32} {value:.4g}")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "benchmark_cycling.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
