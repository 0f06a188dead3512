"""Activation energy of a film from spectra at seven temperatures, and a model that ties too much together.

A symmetric Li|Li cell: electrolyte, two equal electrodes each with a film and a charge-transfer arc, salt diffusion.
The film's resistance has 0.60 eV; its capacitance differs by some 20 % from spectrum to spectrum, as real ones do. A
model with one capacitance for all temperatures is rejected by its lack of fit.

Run: python examples/arrhenius_of_an_interphase.py
"""

from __future__ import annotations

import numpy as np

from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.trends import compare
from mossy.laws.impedance_physics import BOLTZMANN

CIRCUIT = Circuit("R0-sym(p(R1,Q1)-p(R2,Q2))-Ws1")
TEMPERATURE = 273.15 + np.arange(0.0, 61.0, 10.0)
FILM_ENERGY, TRANSFER_ENERGY = 0.60, 0.70


def spectra(noise: float = 0.003) -> list[tuple[np.ndarray, np.ndarray]]:
    """Seven spectra from 200 kHz to 50 mHz with noise relative to the modulus."""
    random = np.random.default_rng(7)
    frequency = np.geomspace(2e5, 0.05, 54)
    found = []
    for kelvin in TEMPERATURE:
        warmer = 1.0 / (BOLTZMANN * kelvin) - 1.0 / (BOLTZMANN * 298.15)
        values = {
            "R0": 8.0 * kelvin / 298.15 * np.exp(0.15 * warmer),
            "R1": 60.0 * kelvin / 298.15 * np.exp(FILM_ENERGY * warmer),
            "Q1.Q": 4e-6 * np.exp(0.2 * random.standard_normal()),
            "Q1.alpha": 0.88,
            "R2": 35.0 * kelvin / 298.15 * np.exp(TRANSFER_ENERGY * warmer),
            "Q2.Q": 1.5e-3 * np.exp(0.2 * random.standard_normal()),
            "Q2.alpha": 0.90,
            "Ws1.R": 30.0 * kelvin / 298.15 * np.exp(0.2 * warmer),
            "Ws1.tau": 20.0 * np.exp(0.2 * warmer),
        }
        exact = CIRCUIT.impedance(frequency, values)
        scatter = random.standard_normal(54) + 1j * random.standard_normal(54)
        found.append((frequency, exact + noise * np.abs(exact) * scatter))
    return found


def main() -> tuple[float, float, bool]:
    """(activation energy of the film in eV, its standard error, whether the over-constrained model is rejected)."""
    series = spectra()
    lines = {"R1": "arrhenius", "R2": "arrhenius"}
    shared = lines | {"Q1.Q": "constant", "Q1.alpha": "constant", "Q2.Q": "constant", "Q2.alpha": "constant"}
    given = {"coordinate": TEMPERATURE, "kind": "temperature"}
    free = CIRCUIT.fit_series(series, ties="free", trends=lines, **given)
    tied = CIRCUIT.fit_series(series, ties="hard", trends=lines, **given)
    over = CIRCUIT.fit_series(series, ties="hard", trends=shared, **given)
    for name, found in (("free", free), ("lines", tied), ("shared", over)):
        energy, error = found.trends["R1"].coefficients["activation_energy"]
        print(f"{name:7} Ea(film) = {energy:.4f} +- {error:.4f} eV, chi squared {found.chi_squared:.3g}")
    last = next(each for each in compare([free, tied, over]) if each.free_parameters == over.free_parameters)
    verdict = "rejected" if last.rejected else "allowed"
    print(f"one capacitance for all temperatures: {verdict}, p = {max(last.p_value, 1e-300):.1g}")
    return *free.trends["R1"].coefficients["activation_energy"], last.rejected


if __name__ == "__main__":
    energy, error, rejected = main()
    assert abs(energy - FILM_ENERGY) < 3.0 * error  # the free fit's own error bar holds the truth
    assert rejected
