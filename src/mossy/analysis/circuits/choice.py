"""Which circuit? A documented set is tried on a sample of the spectra, and the evidence decides.

The set: one to four arcs p(R,Q); ending in nothing, semi-infinite diffusion W, diffusion to a fixed concentration Ws or
to a wall Wo, or a constant phase element Q; with a series resistance R0 or without; with an inductance where the
highest frequencies show one. Arcs are added while the sum of the Bayesian criteria over the sample falls, every
parameter stays determined (to half its value) in most of the sample, and the residuals still exceed the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.fit import CircuitFit
from mossy.analysis.spectra import Spectrum

TAILS = ("", "-W1", "-Ws1", "-Wo1", "-Q0")
SIMPLEST = ("", "-W1", "-Q0")  # tried with any number of arcs
MOST_ARCS = 4
SAMPLE = 8
POINTS_PER_PARAMETER = 3  # values measured a parameter, at least
MOST_OF_SAMPLE = 0.8
_NOISE_REACHED = 1.15


@dataclass(frozen=True)
class Candidate:
    """A circuit tried: the sum of its Bayesian criteria over the sample, its median residual over the noise, and the
    share of the sample in which every parameter is determined.
    """

    circuit: str
    parameters: int
    bic: float
    noise_ratio: float
    relative_rms: float
    determined: float

    @property
    def acceptable(self) -> bool:
        """Whether all its parameters are determined in most of the sample."""
        return self.determined >= MOST_OF_SAMPLE


def sample_of(spectra: Sequence[Any], count: int = SAMPLE) -> list[Any]:
    """At most so many of them, evenly spread."""
    rows = np.unique(np.linspace(0, len(spectra) - 1, min(count, len(spectra))).round().astype(int))
    return [spectra[row] for row in rows]


def propose(
    spectra: Sequence[Spectrum], *, weighting: Any = "modulus", report: Callable[[str], None] | None = None
) -> list[Candidate]:
    """Every circuit tried, the one to take first. At least one fits where the spectra have four points or more."""
    sample = sample_of(spectra)
    tried: dict[str, Candidate] = {}
    inductive = np.mean([each.impedance[np.argmax(each.frequency)].imag > 0.0 for each in sample]) > 0.5
    coil = "L0-" if inductive else ""

    def attempt(head: str, arcs: int, tail: str) -> Candidate | None:
        text = head + "-".join(f"p(R{k},Q{k})" for k in range(1, arcs + 1)) + tail
        fewest = min(len(np.unique(each.frequency)) for each in sample)
        if text not in tried and 2 * fewest >= POINTS_PER_PARAMETER * len(Circuit(text).names):
            if report is not None:
                report(text)
            tried[text] = _candidate(text, sample, weighting)
        return tried.get(text)

    best: Candidate | None = None
    tails: Sequence[str] = TAILS
    for arcs in range(1, MOST_ARCS + 1):
        found = [each for tail in tails if (each := attempt(f"{coil}R0-", arcs, tail)) is not None]
        found.sort(key=lambda each: each.bic)
        tails = list(dict.fromkeys([*(_tail(each) for each in found[:2]), *SIMPLEST]))
        bare = SIMPLEST if arcs == 1 else [_tail(each) for each in found[:1]]
        found += [each for tail in bare if (each := attempt(coil, arcs, tail)) is not None]
        better = min([*found, *([best] if best else [])], key=_order, default=None)
        if better is None or better is best:
            break
        best = better
        if best.noise_ratio < _NOISE_REACHED:
            break
    return sorted(tried.values(), key=_order)


def _tail(candidate: Candidate) -> str:
    """What stands behind the arcs of a circuit."""
    return candidate.circuit[candidate.circuit.rindex(")") + 1 :]


def _order(candidate: Candidate) -> tuple[float, float]:
    """Acceptable ones by their criterion, then the others by what they leave undetermined."""
    return (0.0, candidate.bic) if candidate.acceptable else (1.0 - candidate.determined, candidate.bic)


def _candidate(text: str, sample: Sequence[Spectrum], weighting: Any) -> Candidate:
    fits = [fit for fit in Circuit(text).fit_many(sample, weighting=weighting) if fit.status != "refused"]
    if not fits:
        return Candidate(text, len(Circuit(text).names), np.inf, np.inf, np.inf, 0.0)
    return Candidate(
        text,
        len(fits[0].names),
        float(sum(fit.bic for fit in fits)),
        median_of([fit.noise_ratio for fit in fits]),
        float(np.median([fit.relative_rms for fit in fits])),
        float(np.mean([_all_determined(fit) for fit in fits])),
    )


def median_of(values: Sequence[float]) -> float:
    """The median of the finite ones, NaN where there is none.

    >>> median_of([1.0, float("nan"), 3.0])
    2.0
    """
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def _all_determined(fit: CircuitFit) -> bool:
    """Whether every parameter is smaller than neither its error nor a bound; exponents may stand at 1."""
    return all(
        each.relative_error < 0.5 and (each.note == "" or name.endswith(".alpha"))
        for name, each in fit.parameters.items()
    )
