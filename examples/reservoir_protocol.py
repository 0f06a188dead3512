"""One protocol object runs in the simulator, labels the data that come of it, and is written for the instrument.

    python examples/reservoir_protocol.py results/reservoir

Adams' modified reservoir on Li||Cu, of which two per cent of the metal stripped is isolated. Half-cycles are told from
the current alone, as an instrument would record it, and matched to the protocol; then
CE = (n Q_C + Q_S)/(n Q_C + Q_T) (Adv. Energy Mater. 8 (2018) 1702097) is 0.98 exactly, but for the film and the double
layer. A second file ends before its final strip, and is said to.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

import mossy
from mossy.case import parse_case
from mossy.protocol import Matching, expected_half_cycles, match, standard
from mossy.protocol.unicycler import to_biologic_mps, to_neware_xml

ISOLATED = 0.02
PROTOCOL = standard.modified_reservoir(current="1 mA/cm^2", capacity="1 mAh/cm^2", reservoir="4 mAh/cm^2", cycles=5)


def simulated() -> pl.DataFrame:
    """What a cycler would record of the protocol."""
    case = parse_case(
        {
            "cell": {"working": "copper", "counter": "lithium", "model": "point"},
            "working": {
                "initial_potential": "1.5 V",
                "interphase": {"growth": "solvent_diffusion", "solvent_diffusivity": "0 m^2/s"},
                "dead_metal": {"isolated_fraction": ISOLATED},
            },
            "counter": {"interphase": {"growth": "solvent_diffusion", "solvent_diffusivity": "0 m^2/s"}},
            "protocol": PROTOCOL.model_dump(),
        }
    ).check()
    return mossy.run(case).cycling


def half_cycles(record: pl.DataFrame) -> list[tuple[str, float]]:
    """(direction, charge in C/m2) between reversals of the current; no step number is looked at."""
    time = record["test_time_second"].to_numpy()
    current = record["plating_current_density_mA_per_cm2"].to_numpy() * 10.0
    moving = np.flatnonzero(current != 0.0)
    bounds = np.flatnonzero(np.diff(np.sign(current[moving]))) + 1
    runs = np.split(moving, bounds)
    return [("plate" if current[run[0]] > 0.0 else "strip", abs(np.trapezoid(current[run], time[run]))) for run in runs]


def efficiency(found: Matching, measured: list[tuple[str, float]]) -> float:
    """Adams' average efficiency from labelled half-cycles."""
    charge = {
        label: sum(amount for each, (_, amount) in zip(found.labels, measured, strict=True) if each == label)
        for label in ("reservoir plate", "short strip", "short plate", "final strip")
    }
    gained = charge["short strip"] + charge["final strip"]
    return gained / (charge["short plate"] + charge["reservoir plate"])


def main(folder: str = "results/reservoir") -> float:
    """Runs, labels, asserts the efficiency, and writes the files for two instruments."""
    measured = half_cycles(simulated())
    expected = expected_half_cycles(PROTOCOL)
    found = match(expected, measured)
    assert found.complete, found.notes
    value = efficiency(found, measured)
    print(f"{len(measured)} half-cycles labelled; efficiency {value:.5f}, isolated fraction {ISOLATED}")
    # the double layer's 10 uF/cm2 over some 1.5 V is 4e-6 mAh/cm2 of 9 mAh/cm2
    assert abs(value - (1.0 - ISOLATED)) < 1e-5

    cut = match(expected, measured[:-1])
    print(f"without the last strip: {cut.notes[0]}")
    assert [each.label for each in cut.missing] == ["final strip"]

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    given = {"area": "1.54 cm^2", "sample_name": "Li-Cu 1"}
    (out / "protocol.mps").write_text(to_biologic_mps(PROTOCOL, **given), encoding="cp1252")
    (out / "protocol.xml").write_text(to_neware_xml(PROTOCOL, **given), encoding="utf-8")
    print(f"for the instruments: {out / 'protocol.mps'}, {out / 'protocol.xml'}")
    return value


if __name__ == "__main__":
    main(*sys.argv[1:])
