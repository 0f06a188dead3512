"""What Mossy takes on this machine: one cell, many cells, derivatives, spectra, and how that grows."""

from __future__ import annotations

import copy
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp
from mossy.case import Case, parse_case, run
from mossy.case.batch import run_batch
from mossy.case.sensitivity import derivatives
from mossy.numerics.bordered import default_elimination
from mossy.numerics.implicit import Tolerance, advance, begin
from mossy.simulate import impedance
from mossy.simulate.batch import spectra_of
from mossy.simulate.drive import plan_of
from mossy.simulate.run import driven
from mossy.simulate.workers import cores

CASE: dict[str, Any] = {
    "cell": {"working": "lithium", "counter": "lithium", "electrolyte": "custom"},
    "electrolyte": {
        "diffusivity": "3e-10 m^2/s",
        "transference_number": 0.38,
        "conductivity": "1 S/m",
        "thermodynamic_factor": 1.0,
    },
    "protocol": {
        "repeat": 10,
        "steps": ["plate 1 mA/cm^2 for 1 h", "rest for 5 min", "strip 1 mA/cm^2 for 1 h", "rest for 5 min"],
    },
    "numerics": {"nodes": 50, "relative_tolerance": 1e-4},
}
"""The cell that all figures are of: Li|Li, a film and a double layer on both sides, ten cycles."""
PATH = "working.kinetics.exchange_current_density"
FREQUENCIES = np.geomspace(1e6, 1e-2, 60)
Say = Callable[[str], None]


class Figure(NamedTuple):
    """One row of the table: least and median milliseconds of the repeated calls."""

    name: str
    least: float
    median: float


def case_of(nodes: int = 50, cycles: int = 10, tolerance: float = 1e-4) -> Case:
    """The cell on another mesh, through other numbers of cycles, at another tolerance."""
    table = copy.deepcopy(CASE)
    table["numerics"] = {"nodes": nodes, "relative_tolerance": tolerance}
    table["protocol"]["repeat"] = cycles
    return parse_case(table)


def timed(call: Callable[[], Any], repeats: int = 5) -> tuple[float, float]:
    """(least, median) milliseconds of repeated calls after a first one."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        times.append(1e3 * (time.perf_counter() - begun))
    return min(times), statistics.median(times)


def solver(case: Case, capacity: int = 2048) -> Callable[[], Any]:
    """A call that integrates the whole protocol and keeps every step."""
    cell = case.build()
    system, plan, start = driven(cell, case.schedule), plan_of(case.schedule), begin(cell.initial())
    limits = Tolerance(jnp.asarray(case.numerics.relative_tolerance), jnp.asarray(1_000_000))
    elimination = default_elimination(cell.shape)
    return lambda: advance(system, plan, start, limits, capacity=capacity, elimination=elimination)


def figures(lanes: Sequence[int] = (100, 1000), say: Say = lambda _: None) -> list[Figure]:
    """The rows of the table."""
    case = case_of()
    say("one cell, ten cycles")
    rows = [Figure("one cell, ten cycles", *timed(solver(case)))]
    say("its spectrum")
    cell, state = case.build(), case.build().initial()
    rows.append(Figure("spectrum of 60 frequencies", *timed(lambda: impedance(cell, state, FREQUENCIES), 20)))
    say("1,000 spectra")
    rows.append(Figure("1,000 spectra", *timed(_many_spectra(case), 3)))
    say("one sensitivity")
    rows.append(Figure("one sensitivity with the solve again", *timed(derivatives(case, [PATH]))))
    for count in lanes:
        say(f"{count:,} cells")
        least, median = timed(_batch(case, count), 2)
        rows.append(Figure(f"{count:,} cells, each", least / count, median / count))
    return rows


def _many_spectra(case: Case) -> Callable[[], Any]:
    """1,000 states along a cycle, one after the other."""
    trajectory = run(case).trajectory
    ends = trajectory.row_ends()
    states = ends[np.linspace(0, len(ends) - 1, 1000).astype(int)]
    cells = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (1000, *jnp.shape(leaf))), trajectory.cell)
    return lambda: spectra_of(cells, states, FREQUENCIES, False)


def exponents(say: Say = lambda _: None) -> dict[str, float]:
    """How the time grows: the power of the number of volumes, of cycles, of lanes in one process."""
    say("growth with volumes, cycles, lanes")
    found = {}
    sizes = [25, 50, 100, 200]
    found["volumes"] = _power(sizes, [timed(solver(case_of(nodes=n, cycles=2)))[0] for n in sizes])
    sizes = [2, 4, 8]
    found["cycles"] = _power(sizes, [timed(solver(case_of(cycles=n)))[0] for n in sizes])
    sizes = [128, 256, 512]
    found["lanes"] = _power(sizes, [timed(_batch(case_of(cycles=1), n, workers=1), 2)[0] for n in sizes])
    return found


def _batch(case: Case, count: int, workers: int | None = None) -> Callable[[], Any]:
    values = np.geomspace(5.0, 20.0, count)
    return lambda: run_batch(case, {PATH: values}, workers=workers).status


def _power(sizes: Sequence[int], times: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def kilobytes_per_lane() -> float:
    """What a batch keeps of each lane of ten cycles: every step's time, voltage and current, and its cycles' states."""
    result = run_batch(case_of(), {PATH: np.geomspace(5.0, 20.0, 8)}).result
    return result.nbytes / len(result.status) / 1e3


def device() -> str:
    """What JAX computes on here.

    >>> device().count("core") or device().count("GPU") or device().count("tpu")
    1
    """
    first = jax.devices()[0]
    return f"CPU, {cores()} cores" if first.platform == "cpu" else f"GPU {first.device_kind}"


def table_of(rows: Sequence[Figure]) -> str:
    """The rows as text.

    >>> print(table_of([Figure("one cell", 12.3456, 13.0)]))  # doctest: +NORMALIZE_WHITESPACE
                                                    least     median
    one cell                                      12.3 ms    13.0 ms
    """
    lines = [f"{'':40} {'least':>12} {'median':>10}"]
    return "\n".join(lines + [f"{row.name:40} {_short(row.least):>12} {_short(row.median):>10}" for row in rows])


def _short(value: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0.0 else 0
    return f"{value:.{min(digits, 4)}f} ms"


def main(lanes: Sequence[int], quiet: bool, check: Callable[[], None]) -> dict[str, Any]:
    """Measures, prints the table, and gives it as numbers; `check` is called before each part, and may raise."""

    def say(what: str) -> None:
        check()
        if not quiet:
            print(f"measuring: {what}", file=sys.stderr)

    rows, powers, memory = figures(lanes, say), exponents(say), kilobytes_per_lane()
    print(f"Li|Li, 50 volumes, film and double layer on both sides, relative tolerance 1e-4, on: {device()}")
    print(table_of(rows))
    print("time grows as " + ", ".join(f"{name}^{power:.2f}" for name, power in powers.items()))
    print(f"kept of each lane: {memory:.0f} kB")
    return {
        "device": device(),
        "figures": [row._asdict() for row in rows],
        "exponents": powers,
        "kilobytes_per_lane": memory,
    }


__all__ = ["CASE", "Figure", "case_of", "device", "exponents", "figures", "main", "solver", "table_of", "timed"]
