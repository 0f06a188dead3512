"""Ways out of a local minimum where parts of a circuit differ in kind, so that taking arcs out does not reach all.

Parts that sit on each other's relaxation exchange them: a relaxation is a resistance and a time constant, R and tau of
an arc or of bounded diffusion, R and R C of a resistor and a capacity in one part. And from a minimum, one parameter at
a time is moved far (a part that has become a mere capacitor or short of itself leaves no slope to follow back), or
resistance and time constant of an arc together.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mossy.analysis.circuits.form import FittedForm
from mossy.analysis.circuits.model import ELEMENTS_AND_ARCS, Model, top_parts
from mossy.analysis.circuits.text import Leaf, leaves

LEAPS = (30.0, 1000.0)
SHARES = (0.4, 0.6)  # of the range between the bounds
ROUND = 0.8  # of the range of an exponent: that of an arc that is not known yet
MOST_EXCHANGED = 4
"""Up to so many relaxations all assignments are tried, beyond that every exchange of two."""


@dataclass(frozen=True)
class Relaxation:
    """Where a resistance and a time constant stand in the vector: the place of R, that of tau or of the capacity, that
    of the exponent (None: it is one), whether the second is a capacity, the kind of its part.
    """

    resistance: int
    time: int
    exponent: int | None
    is_capacity: bool
    kind: str

    def read(self, x: np.ndarray) -> np.ndarray:
        """(ln R, ln tau) of vectors x (S, n): (S, 2); tau = (R Q)^(1/alpha) of a capacity."""
        first, second = x[:, self.resistance], x[:, self.time]
        return np.stack([first, (first + second) / self._power(x) if self.is_capacity else second], axis=1)

    def write(self, x: np.ndarray, pair: np.ndarray) -> None:
        """Puts (ln R, ln tau) (S, 2) into x (S, n)."""
        x[:, self.resistance] = pair[:, 0]
        x[:, self.time] = pair[:, 1] * self._power(x) - pair[:, 0] if self.is_capacity else pair[:, 1]

    def _power(self, x: np.ndarray) -> np.ndarray:
        return np.ones(len(x)) if self.exponent is None else x[:, self.exponent]


def relaxations(model: Model) -> list[Relaxation]:
    """Those of a model's parts in series: of its arcs, and of every resistor with every capacity in the same part."""
    found = []
    for part in top_parts(model.tree):
        kind = part.symbol if isinstance(part, Leaf) else f"{part}"
        within = list(leaves(part))
        capacities = [leaf for leaf in within if leaf.symbol in "CQ" and len(within) > 1]
        for leaf in within:
            place, names = model.places[leaf.label], [each.name for each in ELEMENTS_AND_ARCS[leaf.symbol].parameters]
            if names[:2] == ["R", "tau"]:
                exponent = place.start + 2 if len(names) > 2 else None
                own = kind if leaf is part else f"{kind} {leaf.label}"
                found.append(Relaxation(place.start, place.start + 1, exponent, False, own))
            elif leaf.symbol == "R":
                for other in capacities:
                    at = model.places[other.label].start
                    exponent = at + 1 if other.symbol == "Q" else None
                    found.append(Relaxation(place.start, at, exponent, True, f"{kind} {leaf.label} {other.label}"))
    return found


def exchanged(form: FittedForm, x: np.ndarray, free: np.ndarray) -> list[np.ndarray]:
    """Vectors like x (S, n) with the relaxations of unlike parts exchanged, exponents kept and then made `ROUND`."""
    every = [each for each in relaxations(form.model) if free[[each.resistance, each.time]].all()]
    pairs = [each.read(x) for each in every]
    log = form.model.logarithmic
    found = []
    for order in _assignments([each.kind for each in every]):
        if len({place for each in every for place in (each.resistance, each.time)}) < 2 * len(every):
            moved_ones = [k for k, source in enumerate(order) if k != source]
        else:
            moved_ones = list(range(len(every)))
        for rounded in (False, True):
            new = x.copy()
            if rounded:
                exponents = [e.exponent for e in every if e.exponent is not None and free[e.exponent]]
                if not exponents:
                    continue
                for place in exponents:
                    low, high = form.model.parameters[place].spec.bounds
                    new[:, place] = low + ROUND * (high - low)
            for k in moved_ones:
                every[k].write(new, pairs[order[k]])
            found.append(new)
    return found


def _assignments(kinds: list[str]) -> list[tuple[int, ...]]:
    """Which relaxation each takes: all that differ in more than like ones, or all exchanges of two unlike ones."""
    own = tuple(range(len(kinds)))
    if len(kinds) <= MOST_EXCHANGED:
        found = {}
        for order in itertools.permutations(own):
            key = frozenset((source, kinds[k]) for k, source in enumerate(order))
            if key not in found:
                found[key] = order
        same = frozenset(zip(own, kinds))
        return [order for key, order in found.items() if key != same]
    swaps = []
    for one, other in itertools.combinations(own, 2):
        if kinds[one] != kinds[other]:
            order = list(own)
            order[one], order[other] = other, one
            swaps.append(tuple(order))
    return swaps


def moved(form: FittedForm, x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """New starts (S, K, n) from what is iterated, x (S, n), within its bounds (S, n)."""
    free = np.all(lower < upper, axis=0)
    found = []
    for places in _together(form, free):
        leaps = [sign * np.log(leap) for leap in LEAPS for sign in (-1.0, 1.0)]
        for leap in leaps:
            found.append(x.copy())
            found[-1][:, places] += leap
        for share in SHARES if len(places) == 1 else ():
            found.append(x.copy())
            found[-1][:, places] = (lower + share * (upper - lower))[:, places]
    return np.clip(np.stack(found, axis=1), lower[:, None, :], upper[:, None, :])


def _together(form: FittedForm, free: np.ndarray) -> list[list[int]]:
    """The places moved at once: each logarithm alone, and (R, tau) of every arc."""
    model = form.model
    alone = [[place] for place in np.flatnonzero(free & model.logarithmic).tolist()]
    pairs = [
        [place.start, place.start + 1]
        for place in model.places.values()
        if [parameter.spec.name for parameter in model.parameters[place][:2]] == ["R", "tau"]
    ]
    return alone + [pair for pair in pairs if free[pair].all()]


__all__ = ["exchanged", "moved", "relaxations"]
