"""Mossy's fits of photoelectron spectra against lmfit's in one run, on the same synthetic regions.

`python benchmarks/xps.py` prints one table and writes results/benchmark_xps.json. Regions: Voigt lines (scipy's) over a
sloping line and Shirley's step, Poisson noise. lmfit gets the same components, ties and natural widths, and the truth's
neighbourhood as its start; its background is the habit's, a Shirley background taken off beforehand (Mossy's own
`static_shirley`, so that only the fits differ). Errors are the root mean square of area over truth minus one, of all
components and samples. The last rows are a film of five
phases on lithium, whose Li 1s has five lines within 3 eV: how large a part of it each phase has, by all four levels
together (which know the library's distances, wrong within its spreads) or by Li 1s alone (which is told the true ones).
Times are wall clock of the second call on. A peer that is not installed gives a line that says so.
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
from mossy.records import Photoemission  # noqa: E402
from xps_peaks_for_tests import noisy, region  # noqa: E402
from xps_phases_for_tests import MIXED, conditions, names, samples  # noqa: E402


@dataclass
class Row:
    """What one program did: samples, wall-clock milliseconds each, and how far its amounts are from the truth."""

    program: str
    task: str
    samples: int
    milliseconds: float
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Case:
    """A region with known lines: (position, area); ties hold all distances and share one width."""

    level: str
    lines: tuple[tuple[float, float], ...]
    span: tuple[float, float]
    natural_width: float
    ends: tuple[float, float] = (900.0, 1000.0)

    def samples(self, count: int) -> list[Photoemission]:
        energy, expected = region(
            self.level, self.lines, span=self.span, lorentzian=self.natural_width, shirley=0.03, ends=self.ends
        )
        return [noisy(self.level, energy, expected, seed) for seed in range(count)]

    @property
    def truth(self) -> np.ndarray:
        return np.array([area for _, area in self.lines])

    @property
    def text(self) -> str:
        (first, _), *others = self.lines
        rest = [f"line{k} +{at - first:.6g}" for k, (at, _) in enumerate(others, 1)]
        return ", ".join([f"line0 {first - 0.1:.6g}", *rest])


CASES = (
    Case("C 1s", ((284.9, 2e4), (286.4, 8e3), (288.7, 3e3), (290.1, 6e3)), (280.0, 296.0), 0.0868),
    Case("Li 1s", ((53.7, 300.0), (54.9, 200.0), (55.2, 280.0), (56.0, 400.0)), (48.0, 62.0), 0.036, (300.0, 320.0)),
)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """(wall-clock seconds, result)."""
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


def row_of(program: str, task: str, case: Case, samples: list[Photoemission], fit: Callable[[Any], Any]) -> Row:
    """The row of a fit that takes a record and returns areas."""
    fit(samples[0])
    seconds, found = timed(lambda: [fit(each) for each in samples])
    error = float(np.sqrt(np.mean((np.array(found) / case.truth - 1.0) ** 2)))
    return Row(
        program, f"{case.level}, {len(case.lines)} peaks, {task}", len(samples), 1e3 * seconds / len(samples), error
    )


def mossy_peaks(count: int) -> list[Row]:
    """Background inside the model, no start; and with the spread over choices."""
    from mossy.analysis.xps import fit_peaks

    rows = []
    for case in CASES:
        samples = case.samples(count)
        for task, uncertainty in (("background inside", "statistical"), ("and 8 to 9 other choices", "with choices")):

            def fit(record: Photoemission, case: Case = case, uncertainty: str = uncertainty) -> list[float]:
                found = fit_peaks(record, case.text, uncertainty=uncertainty)  # type: ignore[arg-type]
                return [each.area.value for each in found.components]

            rows.append(row_of("mossy", task, case, samples, fit))
    return rows


def lmfit_peaks(count: int) -> list[Row]:
    """Voigt and pseudo-Voigt lines over a background that was taken off beforehand."""
    from lmfit import models

    from mossy.analysis.xps.backgrounds import static_shirley

    rows = []
    for case in CASES:
        for name, kind in (("Voigt", models.VoigtModel), ("pseudo-Voigt", models.PseudoVoigtModel)):
            model = kind(prefix="line0_")
            for k in range(1, len(case.lines)):
                model = model + kind(prefix=f"line{k}_")

            def fit(record: Photoemission, case: Case = case, name: str = name, model: Any = model) -> list[float]:
                energy = record.table["binding_energy_electronvolt"].to_numpy()[::-1]
                counts = record.table["intensity_counts"].to_numpy()[::-1]
                start = model.make_params()
                for k, (at, area) in enumerate(case.lines):
                    start[f"line{k}_amplitude"].set(value=area, min=0.0)
                    start[f"line{k}_center"].set(value=at - 0.1)
                    start[f"line{k}_sigma"].set(value=0.55, min=0.1)
                    if name == "Voigt":
                        start[f"line{k}_gamma"].set(value=0.5 * case.natural_width, vary=False, expr="")
                    if k:
                        start[f"line{k}_center"].set(expr=f"line0_center + {at - case.lines[0][0]!r}")
                        start[f"line{k}_sigma"].set(expr="line0_sigma")
                weights = 1.0 / np.sqrt(np.maximum(counts, 1.0))
                found = model.fit(counts - static_shirley(energy, counts), start, x=energy, weights=weights)
                return [found.params[f"line{k}_amplitude"].value for k in range(len(case.lines))]

            rows.append(row_of("lmfit", f"{name}, background taken off", case, case.samples(count), fit))
    return rows


def lithium_shares() -> dict[str, float]:
    """Of Li 1s of the film on lithium: the part of its area that each phase has in truth, sensitivities being one."""
    from mossy.analysis.xps.simulate import line_areas

    areas = {line.phase: area for line, _, area in line_areas(MIXED, 1486.6).values() if line.orbital == "Li 1s"}
    return {name: area / sum(areas.values()) for name, area in areas.items()}


def shares_row(program: str, task: str, found: list[dict[str, float]], seconds: float) -> Row:
    """How far the shares of Li 1s are from the truth."""
    truth = lithium_shares()
    off = [each[name] / share - 1.0 for each in found for name, share in truth.items()]
    return Row(program, task, len(found), 1e3 * seconds / len(found), float(np.sqrt(np.mean(np.square(off)))))


def mossy_phases(count: int) -> list[Row]:
    """Thirteen lines of five phases and that of the metal in four levels, by phases; every sample with lines,
    sensitivities, shifts and widths of its own.
    """
    from mossy.analysis.xps import PhaseFit, fit_phases, fit_phases_many

    def shares(fit: PhaseFit) -> dict[str, float]:
        lithium = next(each for each in fit.regions if each.name == "Li 1s")
        areas = {each.phase: each.area for each in lithium.components}
        return {name: area / sum(areas.values()) for name, area in areas.items()}

    records, layers = samples(MIXED, count), names(MIXED)
    rows = []
    for task, call in (
        ("phases, 4 levels, one by one", lambda: [fit_phases(each, layers=layers) for each in records]),
        ("phases, 4 levels, batch", lambda: fit_phases_many(records, layers=layers)),
    ):
        call()
        seconds, fits = timed(call)
        rows.append(shares_row("mossy", f"{task}: Li 1s by phase", [shares(each) for each in fits], seconds))
    return rows


def lmfit_lithium(count: int) -> list[Row]:
    """Li 1s of the same samples alone, told the phases: distances as drawn for the sample, one width, the truth's areas
    and places as the start.
    """
    from lmfit import models

    from mossy.analysis.xps.backgrounds import static_shirley
    from mossy.materials.photoemission import lines

    chance, truth = np.random.default_rng(5), lithium_shares()
    records, found, seconds = samples(MIXED, count), [], 0.0
    for sample in records:
        told = conditions(MIXED, chance)
        (record,) = [each for each in sample if each.metadata["region"] == "Li 1s"]
        energy = record.table["binding_energy_electronvolt"].to_numpy()[::-1]
        counts = record.table["intensity_counts"].to_numpy()[::-1]
        signal = counts - static_shirley(energy, counts)
        places = []
        for name in truth:
            (line,) = lines(name, "Li 1s")
            shift = told["shifts"]["metal" if name == "Li" else "film"]
            places.append(line.position + told["offsets"][line.label] + shift)
        model, start = None, None
        for k, (name, place) in enumerate(zip(truth, places, strict=True)):
            part = models.VoigtModel(prefix=f"line{k}_")
            model = part if model is None else model + part
            values = part.make_params(amplitude=truth[name] * 0.1 * signal.sum(), center=place, sigma=0.55)
            values[f"line{k}_amplitude"].set(min=0.0)
            values[f"line{k}_gamma"].set(value=0.018, vary=False, expr="")
            start = values if start is None else start + values
            if k:
                start[f"line{k}_center"].set(expr=f"line0_center + {place - places[0]!r}")
                start[f"line{k}_sigma"].set(expr="line0_sigma")
        assert model is not None
        weights = 1.0 / np.sqrt(np.maximum(counts, 1.0))
        spent, fit = timed(lambda m=model, y=signal, p=start, x=energy, w=weights: m.fit(y, p, x=x, weights=w))
        areas = {name: fit.params[f"line{k}_amplitude"].value for k, name in enumerate(truth)}
        found.append({name: area / sum(areas.values()) for name, area in areas.items()})
        seconds += spent
    return [shares_row("lmfit", f"Voigt, Li 1s alone, {len(truth)} tied lines, from the truth", found, seconds)]


PARTS: tuple[tuple[str, Callable[[int], list[Row]]], ...] = (
    ("mossy", mossy_peaks),
    ("lmfit", lmfit_peaks),
    ("mossy", mossy_phases),
    ("lmfit", lmfit_lithium),
)
"""What is measured, by program: takes a number of samples, returns rows."""


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines = [f"{'program':10s}{'task':52s}{'samples':>8s}{'ms each':>10s}{'rms error':>12s}"]
    for row in rows:
        if row.note:
            lines.append(f"{row.program:10s}{row.note}")
            continue
        error = "" if row.error is None else f"{100.0 * row.error:10.1f} %"
        lines.append(f"{row.program:10s}{row.task:52s}{row.samples:8d}{row.milliseconds:10.2f}{error}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20, help="how many measurements of each region are fitted")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for program, part in PARTS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows += part(options.samples)
        except ImportError as error:
            rows.append(Row(program, "", 0, 0.0, note=f"not installed ({error.name})"))
    print(f"{os.cpu_count()} CPU cores, load {os.getloadavg()[0]:.1f}; NumPy {np.__version__}")
    print(table(rows))
    folder = ROOT / "results"
    folder.mkdir(exist_ok=True)
    (folder / "benchmark_xps.json").write_text(
        json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
