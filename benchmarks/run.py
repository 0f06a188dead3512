"""Mossy against PyBaMM + IDAKLU in one run: the ten-cycle Li|Li cell with double layers and films, same saved points.

`python benchmarks/run.py` prints one table and writes results/benchmarks.json. Both programs solve the same equations
on 50 volumes; what is saved is the voltage at 20 points a segment. Times are the least and the median of repeated calls
taken in turns; a ratio above 1 says Mossy is faster. The error is the largest difference from a program's own tight
solution.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "peers"))
REPEATS = 15
POINTS = 20
CYCLE = [(10.0, 3600.0), (0.0, 300.0), (-10.0, 3600.0), (0.0, 300.0)]
SEGMENTS = CYCLE * 10


def saved_times() -> np.ndarray:
    """20 equally spaced times in (start, end] of each segment, as the peer saves them."""
    ends = np.cumsum([duration for _, duration in SEGMENTS])
    starts = ends - [duration for _, duration in SEGMENTS]
    return np.concatenate([a + (b - a) * np.arange(1, POINTS + 1) / POINTS for a, b in zip(starts, ends, strict=True)])


def mossy_solver(tolerance: float) -> Callable[[], np.ndarray]:
    """A call that integrates the whole protocol and gives the voltage at the saved times."""
    from mossy.backend import jax, jnp
    from mossy.bench import case_of, solver
    from mossy.infer.predict import state_at

    case = case_of(tolerance=tolerance)
    cell, advance = case.build(), solver(case, 16384 if tolerance < 1e-7 else 2048)
    times = jnp.asarray(saved_times() - 1e-6)  # a microsecond early: never in the next segment

    @jax.jit
    def voltages(rows: Any, used: Any) -> Any:
        rows = rows._replace(segment=jnp.where(jnp.arange(rows.segment.shape[0]) < used, rows.segment, -1))
        return jax.vmap(lambda t: cell.voltage(state_at(rows, t)))(times)

    def solve() -> np.ndarray:
        _, rows, used = advance()
        solve.steps = int(used)  # type: ignore[attr-defined]
        return np.asarray(voltages(rows, used))

    return solve


def peer_solver(tolerance: float, compiled: bool) -> Callable[[], np.ndarray]:
    """The same from PyBaMM."""
    import pybamm_symmetric as peer

    cell, absolute = peer.build({"nodes": 50}), 1e-6 if tolerance > 1e-7 else 1e-8

    def solve() -> np.ndarray:
        run = peer.solve(
            cell,
            SEGMENTS,
            tolerance,
            absolute,
            POINTS,
            outputs=("voltage",),
            compiled=compiled,
        )
        return np.asarray(run["voltage"])

    return solve


def timed(solvers: dict[str, Callable[[], np.ndarray]], repeats: int = REPEATS) -> dict[str, tuple[float, float]]:
    """(least, median) milliseconds of each, called in turns after a first call."""
    times: dict[str, list[float]] = {name: [] for name in solvers}
    for solve in solvers.values():
        solve()
    for _ in range(repeats):
        for name, solve in solvers.items():
            begun = time.perf_counter()
            solve()
            times[name].append(1e3 * (time.perf_counter() - begun))
    return {name: (min(each), statistics.median(each)) for name, each in times.items()}


def second_calls() -> list[dict[str, Any]]:
    """Time and error of both at several tolerances."""
    tight = {"mossy": mossy_solver(1e-9)(), "pybamm": peer_solver(1e-8, False)()}
    print(f"largest difference of the two tight solutions: {np.abs(tight['mossy'] - tight['pybamm']).max():.2e} V")
    solvers: dict[str, Callable[[], np.ndarray]] = {}
    for tolerance in (1e-3, 1e-4, 1e-5, 1e-6):
        solvers[f"mossy {tolerance:g}"] = mossy_solver(tolerance)
        if tolerance in (1e-4, 1e-6):
            solvers[f"pybamm {tolerance:g}"] = peer_solver(tolerance, False)
            solvers[f"pybamm compiled {tolerance:g}"] = peer_solver(tolerance, True)
    rows = []
    for name, (least, median) in timed(solvers).items():
        error = float(np.abs(solvers[name]() - tight[name.split()[0]]).max())
        steps = getattr(solvers[name], "steps", None)
        rows.append({"solver": name, "least_ms": least, "median_ms": median, "error_V": error, "steps": steps})
    return rows


_FIRST = {
    "mossy": "import sys; sys.path.insert(0, {here!r}); import run; s = run.mossy_solver(1e-6)",
    "pybamm": "import sys; sys.path.insert(0, {here!r}); import run; s = run.peer_solver(1e-6, False)",
}


def first_call(name: str) -> tuple[float, float]:
    """(seconds of import and building, seconds of the first solve) in a fresh process, its caches warm."""
    code = _FIRST[name].format(here=str(Path(__file__).parent))
    clock = "time.perf_counter()"
    code = f"import time; a = {clock}; {code}; b = {clock}; s(); print(b - a, {clock} - b)"
    for _ in range(2):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    build, solve = (float(each) for each in out.split()[-2:])
    return build, solve


def many_cells() -> dict[str, float]:
    """Milliseconds a cell of 100 cells that differ in their exchange current, both at 1e-4, in turns."""
    from mossy.bench import PATH, case_of
    from mossy.case.batch import run_batch

    case, values, peer = case_of(), np.geomspace(5.0, 20.0, 100), peer_solver(1e-4, False)
    found = timed(
        {
            "mossy": lambda: run_batch(case, {PATH: values}).status,
            "mossy with 2 workers": lambda: run_batch(case, {PATH: values}, workers=2).status,
            "pybamm one by one": lambda: [peer() for _ in range(10)],  # type: ignore[dict-item, return-value]
        },
        repeats=3,
    )
    return {name: least / (10 if "pybamm" in name else 100) for name, (least, _) in found.items()}


def main() -> None:
    """Prints the table and keeps it."""
    from mossy.bench import main as bench

    rows = second_calls()
    print(f"\n{'second call':24} {'least/ms':>9} {'median/ms':>10} {'error/V':>9} {'steps':>6}")
    for row in rows:
        steps = row["steps"] or ""
        print(f"{row['solver']:24} {row['least_ms']:9.1f} {row['median_ms']:10.1f} {row['error_V']:9.1e} {steps:>6}")
    by_name = {row["solver"]: row["least_ms"] for row in rows}
    for tolerance in ("0.0001", "1e-06"):
        for peer in ("pybamm", "pybamm compiled"):
            print(
                f"{peer} / mossy at {tolerance}: {by_name[f'{peer} {tolerance}'] / by_name[f'mossy {tolerance}']:.2f}"
            )
    firsts = {name: first_call(name) for name in _FIRST}
    for name, (build, solve) in firsts.items():
        print(f"fresh process, {name}: import and build {build:.2f} s, first solve {solve:.2f} s")
    each = many_cells()
    for name, value in each.items():
        print(f"100 cells, each, {name}: {value:.1f} ms")
    own = bench((100, 1000), True, lambda: None)
    folder = ROOT / "results"
    folder.mkdir(exist_ok=True)
    kept = {"second_calls": rows, "first_calls": firsts, "hundred_cells_ms": each, "mossy": own}
    (folder / "benchmarks.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
