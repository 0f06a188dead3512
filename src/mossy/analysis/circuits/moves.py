"""Ways out of a local minimum where parts of a circuit differ in kind, so that taking arcs out does not reach all.

From a minimum, one parameter at a time is moved far (a part that has become a mere capacitor or short of itself leaves
no slope to follow back), resistance and time constant of an arc together, and like elements of two parts exchange their
values (two parts that sit on each other's relaxation).
"""

from __future__ import annotations

import itertools

import numpy as np

from mossy.analysis.circuits.form import FittedForm
from mossy.analysis.circuits.model import top_parts
from mossy.analysis.circuits.text import Tree, leaves

LEAPS = (30.0, 1000.0)
SHARES = (0.4, 0.6)  # of the range between the bounds


def moved(form: FittedForm, x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """New starts (S, K, n) from what is iterated, x (S, n), within its bounds (S, n)."""
    free = np.all(lower < upper, axis=0)
    found = _exchanged(form, x)
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


def _exchanged(form: FittedForm, x: np.ndarray) -> list[np.ndarray]:
    """For every two parts in series of unlike kind: x with the first of each like element exchanged between them."""
    log = form.model.logarithmic
    given, _ = form.outward(np.where(log, np.exp(np.where(log, x, 0.0)), x))
    parts = [_first_of_each(form, part) for part in top_parts(form.given.tree)]
    found = []
    for one, other in itertools.combinations(parts, 2):
        like = one.keys() & other.keys()
        if not like or one.keys() == other.keys():
            continue
        values = given.copy()
        for symbol in like:
            values[:, one[symbol]], values[:, other[symbol]] = given[:, other[symbol]], given[:, one[symbol]]
        inward = np.stack([form.inward(each) for each in values])
        found.append(np.where(log, np.log(np.where(log, np.maximum(inward, 1e-300), 1.0)), inward))
    return found


def _first_of_each(form: FittedForm, part: Tree) -> dict[str, slice]:
    """Where the first element of each symbol of a part has its parameters."""
    found: dict[str, slice] = {}
    for leaf in leaves(part):
        found.setdefault(leaf.symbol, form.given.places[leaf.label])
    return found


__all__ = ["moved"]
