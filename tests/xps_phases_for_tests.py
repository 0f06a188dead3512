"""Samples whose truth is drawn from what the phase fit takes for granted: lines, sensitivities, shifts and widths."""

from __future__ import annotations

from typing import Any

import numpy as np

from mossy.analysis.xps import Layer, Stack, simulate_spectra
from mossy.materials.photoemission import film
from mossy.records import Photoemission

WINDOWS = {"C 1s": (277.0, 297.0), "O 1s": (522.0, 541.0), "F 1s": (678.0, 692.0), "Li 1s": (46.0, 64.0)}
SWEEPS = {"Li 1s": 10, "C 1s": 3}
FILM = {"LiF": 0.2, "Li2CO3": 0.2, "LEDC": 0.3, "Li2O": 0.15, "hydrocarbon": 0.15}
"""Thirteen lines in the film."""
MIXED = Stack((Layer(FILM, 2.0), Layer({"Li": 1.0})))
LAYERED = Stack(
    (Layer({"LEDC": 0.6, "hydrocarbon": 0.4}, 1.5), Layer({"LiF": 0.5, "Li2O": 0.5}, 2.5), Layer({"Li": 1.0}))
)


def names(stack: Stack) -> list[list[str]]:
    """The phases of each layer."""
    return [list(layer.fractions) for layer in stack.layers]


def conditions(stack: Stack, chance: np.random.Generator, *, spread: float = 1.0) -> dict[str, Any]:
    """Of `simulate_spectra`: each line where its prior might have it, core levels 5 % off, the film shifted."""
    offsets: dict[str, float] = {}
    for name in dict.fromkeys(name for layer in stack.layers for name in layer.fractions):
        placed: dict[str, float] = {}
        lines = film(name).lines
        for line in lines:
            tied = line.separation
            if tied is None:
                place = line.position + spread * float(line.spread or 0.0) * chance.normal()
            else:
                parent = next(
                    each
                    for each in lines
                    if each.orbital == tied.orbital and tied.environment in ("", each.environment)
                )
                place = placed[parent.label] + tied.value + spread * tied.spread * chance.normal()
            placed[line.label] = place
            offsets[line.label] = place - line.position
    return {
        "offsets": offsets,
        "sensitivities": {name: float(np.exp(0.05 * spread * chance.normal())) for name in WINDOWS},
        "shifts": {"film": spread * chance.normal(), "metal": 0.2 * spread * chance.normal()},
        "width": {name: float(1.3 * np.exp(0.2 * chance.normal())) for name in WINDOWS},
    }


def samples(stack: Stack, count: int, *, counts: float = 2e4, seed: int = 5) -> list[list[Photoemission]]:
    """Of one film, each under conditions of its own."""
    chance = np.random.default_rng(seed)
    return [
        simulate_spectra(stack, WINDOWS, seed=number, counts=counts, sweeps=SWEEPS, **conditions(stack, chance))
        for number in range(count)
    ]
