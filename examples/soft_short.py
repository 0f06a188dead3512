"""A soft short and a film that breaks: the same fall of the voltage, told apart by what relaxes and by impedance.

Two Li|Li cells cycle at 1 mA for 20 cycles with a rest and a spectrum after each half-cycle. From cycle 13 on, in one a
filament of 12 ohm lies beside the cell; in the other the films break and the interfaces keep a tenth of their
resistance. Either way the voltage falls to a third. The filament carries electrons, so that nothing is left to relax
when the current stops and the whole spectrum shrinks; the broken films leave the electrolyte and its salt gradients.

Run: python examples/soft_short.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from mossy.analysis import failure
from mossy.analysis.failure import FailureEvent
from mossy.analysis.impedance_pairing import along, pair
from mossy.records import Cycling, Impedance

ELECTROLYTE, SALT, INTERFACE, FILAMENT = 6.0, 3.0, 25.0, 12.0
"""ohm: of the electrolyte, of its salt gradients when steady, of both interfaces, of the filament"""
CURRENT, HALF_CYCLE, REST, BROKEN_FROM, CYCLES = 1e-3, 3600.0, 900.0, 12, 20
FREQUENCY = np.geomspace(1e5, 1.0, 41)
Cell = Callable[[bool], tuple[float, float, float]]
"""Whether something is broken -> (resistance without gradients, with steady gradients, share of them seen), ohm."""


def with_filament(broken: bool) -> tuple[float, float, float]:
    """Everything in parallel with the filament."""
    fast, steady = ELECTROLYTE + INTERFACE, ELECTROLYTE + INTERFACE + SALT
    if not broken:
        return fast, steady, 1.0
    return fast * FILAMENT / (fast + FILAMENT), steady * FILAMENT / (steady + FILAMENT), 0.0


def with_broken_films(broken: bool) -> tuple[float, float, float]:
    """The interfaces fall to a tenth."""
    fast = ELECTROLYTE + INTERFACE * (0.1 if broken else 1.0)
    return fast, fast + SALT, 1.0


def spectrum(cell: Cell, broken: bool, start: float, random: np.random.Generator) -> Impedance:
    """Electrolyte and one arc, with 0.2 % noise; a filament shrinks all of it, broken films the arc."""
    arc = INTERFACE * (0.1 if broken and cell is with_broken_films else 1.0)
    z = ELECTROLYTE + arc / (1.0 + 2j * np.pi * FREQUENCY * 1e-3)
    if broken and cell is with_filament:
        z = z * FILAMENT / (z + FILAMENT)
    z = z * (1.0 + 2e-3 * (random.standard_normal(len(z)) + 1j * random.standard_normal(len(z))))
    columns = {"frequency_hertz": FREQUENCY, "real_impedance_ohm": z.real, "imaginary_impedance_ohm": z.imag}
    columns["test_time_second"] = start + np.linspace(0.0, 60.0, len(z))
    return Impedance(pl.DataFrame(columns), {"source_path": "cell"})


def measured(cell: Cell) -> tuple[Cycling, list[Impedance]]:
    """The test of a cell, with 0.1 mV noise."""
    random, clock = np.random.default_rng(4), 0.0
    parts, spectra = [], []
    for half_cycle in range(2 * CYCLES):
        sign, broken = (-1) ** (half_cycle + 1), half_cycle // 2 >= BROKEN_FROM
        fast, steady, share = cell(broken)
        local = np.arange(0.0, HALF_CYCLE, 20.0)
        volt = CURRENT * (fast + (steady - fast) * (1.0 - np.exp(-local / 300.0)))
        parts.append((clock + local, np.full(len(local), sign * CURRENT), sign * volt))
        rest = np.arange(0.0, REST, 20.0) + 1.0
        left = sign * CURRENT * share * (steady - fast) * np.exp(-rest / 300.0)
        parts.append((clock + HALF_CYCLE + rest, np.zeros(len(rest)), left))
        spectra.append(spectrum(cell, broken, clock + HALF_CYCLE + REST - 100.0, random))
        clock += HALF_CYCLE + REST
    time, current, volt = (np.concatenate(column) for column in zip(*parts, strict=True))
    volt = volt + 1e-4 * random.standard_normal(len(volt))
    table = pl.DataFrame({"test_time_second": time, "current_ampere": current, "voltage_volt": volt})
    roles = {"electrode_under_study": "working", "plating_current_sign": -1}
    return Cycling(table, {"cell_kind": "symmetric", "roles": roles, "source_path": "cell"}), spectra


def main() -> dict[str, list[FailureEvent]]:
    """The events of both cells."""
    found = {}
    for name, cell in (("filament", with_filament), ("broken films", with_broken_films)):
        record, spectra = measured(cell)
        spans = along(pair(spectra, record), spectra, "span", against="cycle")
        before, after = (spans.filter(each)["value"].median() for each in (pl.col("cycle") < 13, pl.col("cycle") >= 13))
        found[name] = failure.events(record, spectra)
        print(f"{name}: span of the spectra {before:.3g} ohm before, {after:.3g} ohm after")
        for event in found[name]:
            print(f"  {event.kind} ({event.severity}): {event.text}")
            for line in event.evidence:
                print(f"    {line}")
    return found


if __name__ == "__main__":
    events = main()
    assert {each.kind for each in events["filament"]} == {"soft short"}
    assert {each.cycle for each in events["filament"]} <= {12, 13}
    assert {each.kind for each in events["broken films"]} == {"sudden drop"}  # impedance rules the short out
