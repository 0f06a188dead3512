"""Random spectra of a resistor, three depressed arcs and semi-infinite diffusion, by plain NumPy."""

from __future__ import annotations

import numpy as np

CIRCUIT = "R0-p(R1,Q1)-p(R2,Q2)-p(R3,Q3)-W1"
FREQUENCY = np.logspace(6, -2, 65)
NOISE = 0.003
"""Standard deviation of both parts over |Z|."""


def random_spectra(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(values (count, 11) of `CIRCUIT` in its order, impedances without and with noise, (count, 65)), ohm.

    Time constants within the measured frequencies, a factor 10 or more apart; exponents from 0.7 to 1; resistances of
    arcs within a factor 30; R0 10 to 1000 ohm; the diffusion's modulus at 10 mHz 0.14 to 4.5 times the arcs together.
    """
    random, omega = np.random.default_rng(seed), 2.0 * np.pi * FREQUENCY
    drawn = [_parameters(random, omega) for _ in range(count)]
    resistance, time, alpha, first, diffusion = (np.stack(each) for each in zip(*drawn, strict=True))
    arcs = resistance[:, :, None] / (1.0 + (1j * omega * time[:, :, None]) ** alpha[:, :, None])
    clean = first[:, None] + arcs.sum(axis=1) + diffusion[:, None] * (1.0 - 1.0j) / np.sqrt(omega)
    noise = random.standard_normal((2, *clean.shape))
    values = np.column_stack([first, np.zeros((count, 9)), diffusion])
    values[:, 1:10:3], values[:, 2:10:3], values[:, 3:10:3] = resistance, time**alpha / resistance, alpha
    return values, clean, clean + NOISE * np.abs(clean) * (noise[0] + 1j * noise[1])


def _parameters(random: np.random.Generator, omega: np.ndarray) -> tuple[np.ndarray, ...]:
    """(R, tau, alpha of the arcs, R0, A) of one spectrum."""
    while True:
        decades = np.sort(random.uniform(-np.log10(omega[0]), -np.log10(omega[-1]), 3))
        if np.all(np.diff(decades) >= 1.0):
            break
    resistance = 100.0 * 30.0 ** random.uniform(0.0, 1.0, 3)
    diffusion = resistance.sum() * np.sqrt(omega[-1]) * 10.0 ** random.uniform(-1.0, 0.5)
    first = 10.0 ** random.uniform(1.0, 3.0)
    return resistance, 10.0**decades, random.uniform(0.7, 1.0, 3), np.float64(first), np.float64(diffusion)
