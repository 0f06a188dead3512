"""Mossy against impedance.py and pyimpspec in one run on the same random spectra: R, three depressed arcs, diffusion.

`python benchmarks/spectra.py` prints one table and writes results/benchmark_spectra.json. 65 points from 1 MHz to
10 mHz, 0.3 % noise, 11 parameters (`tests/spectra_for_tests.py`). Mossy gets no starting values; its peers get a
generic start, the same for every spectrum, or the truth. Mossy and impedance.py minimise the sum of
|Z - Z model|^2/|Z|^2; pyimpspec has an objective of its own ("boukamp" is the nearest), whose minimum lies some 10 %
above in this sum. Each result is evaluated here, against the best known minimum (the least of Mossy started at the
truth and of everything in the table): equal to 1e-6, to 1 %, to 30 %. Times are wall clock of the second call, after
one that compiles. A peer that is not installed gives a line that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from spectra_for_tests import CIRCUIT, FREQUENCY, random_spectra  # noqa: E402

GENERIC = [100.0, 500.0, 1e-7, 0.85, 500.0, 1e-5, 0.85, 500.0, 1e-3, 0.85, 100.0]
"""A start that suits no spectrum in particular: time constants of 1e-5, 2e-3 and 0.4 s, middle resistances."""


@dataclass
class Row:
    """What one program did: spectra, wall-clock milliseconds each, and where it ended."""

    program: str
    task: str
    spectra: int
    milliseconds: float
    chi_squared: list[float] | None = None
    solved: float | None = None
    nearly: float | None = None
    roughly: float | None = None
    note: str = ""


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """(wall-clock seconds, result)."""
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


def misfit(values: np.ndarray, measured: np.ndarray) -> float:
    """Chi squared of a vector of `CIRCUIT`'s values, by plain NumPy."""
    if not np.isfinite(values).all():
        return float("inf")
    omega = 2.0 * np.pi * FREQUENCY
    model = values[0] + values[10] * (1.0 - 1.0j) / np.sqrt(omega)
    for k in (1, 4, 7):
        model = model + values[k] / (1.0 + values[k] * values[k + 1] * (1j * omega) ** values[k + 2])
    return float(np.sum(np.abs(model - measured) ** 2 / np.abs(measured) ** 2))


def mossy_fits(measured: np.ndarray, single: int) -> list[Row]:
    """Batch and one by one, without starting values."""
    from mossy.analysis.circuits import Circuit

    circuit = Circuit(CIRCUIT)
    spectra = [(FREQUENCY, each) for each in measured]
    circuit.fit_many(spectra[:20])
    circuit.fit(spectra[0])
    seconds, fits = timed(lambda: circuit.fit_many(spectra))
    chi = [misfit(fit.values, each) for fit, each in zip(fits, measured, strict=True)]
    rows = [Row("mossy", "fit, batch, no start", len(spectra), 1e3 * seconds / len(spectra), chi)]
    seconds, fits = timed(lambda: [circuit.fit(each) for each in spectra[:single]])
    chi = [misfit(fit.values, each) for fit, each in zip(fits, measured, strict=False)]
    return [*rows, Row("mossy", "fit, one by one, no start", single, 1e3 * seconds / single, chi)]


def best_from_truth(truth: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """The chi squared that Mossy reaches with the truth among its starts."""
    from mossy.analysis.circuits import Circuit

    circuit = Circuit(CIRCUIT)
    starts = [dict(zip(circuit.names, row, strict=True)) for row in truth]
    fits = circuit.fit_many([(FREQUENCY, each) for each in measured], initial=starts)
    return np.array([misfit(fit.values, each) for fit, each in zip(fits, measured, strict=True)])


def mossy_validity(measured: np.ndarray) -> list[Row]:
    """Kramers-Kronig tests and distributions of relaxation times."""
    from mossy.analysis import drt, kramers_kronig

    spectra = [(FREQUENCY, each) for each in measured]
    rows = []
    for task, module, one, many in (
        ("Kramers-Kronig", kramers_kronig, "test", "test_many"),
        ("distribution of times", drt, "distribution", "distributions"),
    ):
        single, batch = getattr(module, one), getattr(module, many, None)
        single(spectra[0])
        seconds, _ = timed(lambda single=single: [single(each) for each in spectra[:20]])
        rows.append(Row("mossy", f"{task}, one by one", 20, 1e3 * seconds / 20))
        if batch is not None:
            batch(spectra[:20])
            seconds, _ = timed(lambda batch=batch: batch(spectra))
            rows.append(Row("mossy", f"{task}, batch", len(spectra), 1e3 * seconds / len(spectra)))
    return rows


def impedance_py(truth: np.ndarray, measured: np.ndarray) -> list[Row]:
    """impedance.py's `CustomCircuit.fit`, weighted by the modulus."""
    from impedance.models.circuits import CustomCircuit

    text = "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-W1"

    def fit(start: Sequence[float], spectrum: np.ndarray) -> np.ndarray:
        circuit = CustomCircuit(text, initial_guess=[float(each) for each in start])
        try:
            circuit.fit(FREQUENCY, spectrum, weight_by_modulus=True)
        except (RuntimeError, ValueError):
            return np.full(11, np.nan)
        return np.asarray(circuit.parameters_)

    rows = []
    for task, starts in (("generic start", [GENERIC] * len(truth)), ("from the truth", truth)):
        fit(starts[0], measured[0])
        seconds, found = timed(lambda starts=starts: [fit(*each) for each in zip(starts, measured, strict=True)])
        chi = [misfit(values, each) for values, each in zip(found, measured, strict=True)]
        rows.append(Row("impedance.py", f"fit, {task}", len(measured), 1e3 * seconds / len(measured), chi))
    return rows


def pyimpspec_fits(truth: np.ndarray, measured: np.ndarray, slow: bool) -> list[Row]:
    """pyimpspec: lmfit's least_squares, its Kramers-Kronig test, and its fastest distribution."""
    import pyimpspec

    sets = [pyimpspec.DataSet(FREQUENCY, each) for each in measured]
    names = {"R": ("R",), "Q": ("Y", "n"), "W": ("Y",)}

    def fit(start: Sequence[float], data: Any) -> np.ndarray:
        circuit = pyimpspec.parse_cdc("R(RQ)(RQ)(RQ)W")
        for (element, name), value in zip(ordered(circuit), theirs(start), strict=True):
            element.set_values(name, float(value))
        try:
            result = pyimpspec.fit_circuit(circuit, data, method="least_squares", weight="boukamp", num_procs=1)
        except pyimpspec.exceptions.FittingError:
            return np.full(11, np.nan)
        return theirs([element.get_value(name) for element, name in ordered(result.circuit)])

    def ordered(circuit: Any) -> list[tuple[Any, str]]:
        return [(element, name) for element in circuit.get_elements() for name in names[element.get_symbol()]]

    def theirs(values: Sequence[float]) -> np.ndarray:
        """Its Warburg is 1/(Y sqrt(i omega)), so A = 1/(Y sqrt 2), and back."""
        out = np.array(values, dtype=float)
        out[10] = 1.0 / (out[10] * np.sqrt(2.0))
        return out

    rows = []
    for task, starts in (("generic start", [GENERIC] * len(truth)), ("from the truth", truth)):
        fit(starts[0], sets[0])
        seconds, found = timed(lambda starts=starts: [fit(*each) for each in zip(starts, sets, strict=True)])
        chi = [misfit(values, each) for values, each in zip(found, measured, strict=True)]
        rows.append(Row("pyimpspec", f"fit, {task}", len(measured), 1e3 * seconds / len(measured), chi))
    pyimpspec.calculate_drt(sets[0], method="tr-nnls")
    seconds, _ = timed(lambda: [pyimpspec.calculate_drt(each, method="tr-nnls") for each in sets])
    rows.append(Row("pyimpspec", "distribution of times, tr-nnls", len(sets), 1e3 * seconds / len(sets)))
    if slow:
        seconds, _ = timed(lambda: pyimpspec.perform_kramers_kronig_test(sets[0]))
        rows.append(Row("pyimpspec", "Kramers-Kronig, its default", 1, 1e3 * seconds))
    return rows


def judged(rows: list[Row], best: np.ndarray) -> list[Row]:
    """The rows with the share of spectra at the best known minimum."""
    least = best.copy()
    for row in rows:
        if row.chi_squared is not None:
            least[: row.spectra] = np.fmin(least[: row.spectra], row.chi_squared)
    for row in rows:
        if row.chi_squared is not None:
            ratio = np.nan_to_num(np.array(row.chi_squared) / least[: row.spectra], nan=np.inf)
            row.solved, row.nearly, row.roughly = (float(np.mean(ratio <= 1.0 + x)) for x in (1e-6, 0.01, 0.3))
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text."""
    heads = f"{'global to 1e-6':>16s}{'to 1 %':>9s}{'to 30 %':>9s}"
    lines = [f"{'program':14s}{'task':34s}{'spectra':>8s}{'ms each':>10s}{heads}"]
    for row in rows:
        if row.note:
            lines.append(f"{row.program:14s}{row.note}")
            continue
        shares = [each for each in (row.solved, row.nearly, row.roughly) if each is not None]
        ends = "".join(f"{100.0 * share:{width}.1f} %" for share, width in zip(shares, (14, 7, 7), strict=False))
        lines.append(f"{row.program:14s}{row.task:34s}{row.spectra:8d}{row.milliseconds:10.2f}{ends}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=1000, help="how many Mossy fits in a batch")
    parser.add_argument("--peers", type=int, default=20, help="how many of them the peers fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", action="store_true", help="pyimpspec's Kramers-Kronig test too: tens of seconds")
    options = parser.parse_args(arguments)
    truth, _, measured = random_spectra(options.spectra, options.seed)
    few = min(options.peers, options.spectra)
    rows = [*mossy_fits(measured, min(50, options.spectra)), *mossy_validity(measured)]
    for name, call in (
        ("impedance.py", lambda: impedance_py(truth[:few], measured[:few])),
        ("pyimpspec", lambda: pyimpspec_fits(truth[:few], measured[:few], options.slow)),
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows += call()
        except ImportError as error:
            rows.append(Row(name, "", 0, 0.0, note=f"not installed ({error.name})"))
    rows = judged(rows, best_from_truth(truth, measured))
    print(f"{os.cpu_count()} CPU cores, load {os.getloadavg()[0]:.1f}; NumPy {np.__version__}; seed {options.seed}")
    print(table(rows))
    folder = ROOT / "results"
    folder.mkdir(exist_ok=True)
    kept = [{key: value for key, value in asdict(row).items() if key != "chi_squared"} for row in rows]
    (folder / "benchmark_spectra.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
