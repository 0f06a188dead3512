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
from mossy.analysis.circuits.text import Leaf, Node, Tree, leaves, written
from mossy.numerics.many import RivalMinima

LEAPS = (30.0, 1000.0)
SHARES = (0.4, 0.48, 0.56, 0.64, 0.72)  # of the range between the bounds
ALIKE = 4.0  # factor between time constants up to which they are one
APART = 25.0
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
    exponents = [each.exponent for each in every if each.exponent is not None and free[each.exponent]]
    round_ones = x.copy()
    for place in exponents:
        low, high = form.model.parameters[place].spec.bounds or (1.0, 1.0)
        round_ones[:, place] = low + ROUND * (high - low)
    found = []
    for order in assignments([each.kind for each in every]):
        for begun in (x, round_ones) if exponents else (x,):
            found.append(begun.copy())
            for place, source in enumerate(order):
                if place != source:
                    every[place].write(found[-1], pairs[source])
    return found


def assignments(kinds: list[str]) -> list[tuple[int, ...]]:
    """Which relaxation each part takes, of parts of these kinds, in every way in which unlike ones take others.

    >>> assignments(["Z", "Z", "Ws"])
    [(0, 2, 1), (1, 2, 0)]
    """
    own = tuple(range(len(kinds)))
    if len(kinds) <= MOST_EXCHANGED:
        orders = list(itertools.permutations(own))
    else:
        swaps = itertools.combinations(own, 2)
        orders = [own, *(tuple({a: b, b: a}.get(k, k) for k in own) for a, b in swaps)]
    distinct: dict[frozenset[tuple[int, str]], tuple[int, ...]] = {}
    for order in orders:
        distinct.setdefault(frozenset(zip(order, kinds, strict=True)), order)
    return list(distinct.values())[1:]


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


def mirrored(model: Model) -> list[Tree]:
    """The parts in series whose two inner parts any data leave exchangeable: a two-layer interphase, whose outer layer
    is an arc like the inner one; rails of two resistors, in whose impedance they are symmetric.
    """
    return [
        part
        for part in top_parts(model.tree)
        if (isinstance(part, Leaf) and part.symbol == "T")
        or (isinstance(part, Node) and part.kind == "rails" and all(_is_resistor(each) for each in part.parts[:2]))
    ]


def _is_resistor(tree: Tree) -> bool:
    return isinstance(tree, Leaf) and tree.symbol == "R"


def in_order(model: Model, x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Vectors x (S, K, n) with mirrored parts the one way round: the inner layer with the smaller time constant, the
    first rail with the smaller resistance; as they are where the other way is outside the bounds (S, n).
    """
    out = x.copy()
    for part in mirrored(model):
        places = [model.places[leaf.label] for leaf in leaves(part)][:2]
        new = out.copy()
        if isinstance(part, Leaf):
            turned = _other_layer(out[:, :, places[0]])
            new[:, :, places[0]] = turned
            wrong = turned[:, :, :2].sum(axis=2) < out[:, :, places[0]][:, :, :2].sum(axis=2)
        else:
            first, second = (place.start for place in places)
            new[:, :, [first, second]] = out[:, :, [second, first]]
            wrong = out[:, :, second] < out[:, :, first]
        inside = np.all((new >= lower[:, None, :]) & (new <= upper[:, None, :]), axis=2)
        out = np.where((wrong & inside)[:, :, None], new, out)
    return out


def _other_layer(layers: np.ndarray) -> np.ndarray:
    """The logarithms of (R_inner, C_inner, R_liquid, R_solid, C_solid) with the two layers exchanged: the outer one is
    R_liquid beside R_solid, whose ratio is kept, beside C_solid.
    """
    inner, capacity, liquid, solid, outer_capacity = np.moveaxis(layers, -1, 0)
    outer = liquid + solid - np.logaddexp(liquid, solid)
    return np.stack([outer, outer_capacity, liquid - outer + inner, solid - outer + inner, capacity], axis=-1)


def second_solutions(form: FittedForm, minima: RivalMinima, freedom: int, absolute: bool) -> list[str]:
    """For each spectrum what is to be said of its second minimum; nothing where that fits worse or is no other.

    It fits as well where it raises chi squared by less than 3.84 variances (95 % of one parameter), and is another
    where the best minimum's own parabola would rise by more than `APART` variances there, like arcs in like order.
    """
    variance = np.ones(len(minima.cost)) if absolute else minima.cost / freedom
    rival = _in_order_of(form.model, minima.rival, minima.values)
    off = rival - minima.values
    parabola = np.einsum("si,sij,sj->s", off, minima.normal, off)
    as_well = minima.rival_converged & (minima.rival_cost - minima.cost < 3.84 * variance)
    told = as_well & (parabola > APART * variance)
    pairs = zip(minima.values, rival, strict=True)
    return [_said(form, *pair) if tell else "" for tell, pair in zip(told, pairs, strict=True)]


def _in_order_of(model: Model, x: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Vectors x (S, n) with their like arcs where the other vectors have those of the same rank in time constant."""
    groups: dict[str, list[int]] = {}
    for each in relaxations(model):
        if not each.is_capacity:
            groups.setdefault(each.kind, []).append(each.resistance)
    out, lanes = x.copy(), np.arange(len(x))
    for kind, starts in groups.items():
        first = np.array(starts)
        from_, to = (first[np.argsort(v[:, first + 1], axis=1)] for v in (x, other))
        for k in range(len(ELEMENTS_AND_ARCS[kind.split(" ")[0]].parameters) if len(starts) > 1 else 0):
            out[lanes[:, None], to + k] = x[lanes[:, None], from_ + k]
    return out


def _said(form: FittedForm, best: np.ndarray, rival: np.ndarray) -> str:
    """Which parts are exchanged, or else which parameter is farthest away."""
    every = relaxations(form.model)
    times = [[float(each.read(x[None])[0, 1]) for each in every] for x in (best, rival)]
    for (one, first), (other, second) in itertools.combinations(enumerate(every), 2):
        near = max(abs(times[1][one] - times[0][other]), abs(times[1][other] - times[0][one])) < np.log(ALIKE)
        if near and first.kind != second.kind and abs(times[0][one] - times[0][other]) > np.log(ALIKE):
            names = [_part_with(form.model, each.resistance) for each in (first, second)]
            return f"another solution fits as well: {names[0]} and {names[1]} exchanged"
    log = form.model.logarithmic
    values, _ = form.outward(np.where(log, np.exp(np.where(log, [best, rival], 0.0)), [best, rival]))
    place = int(np.argmax(np.abs(np.log(values[1] / values[0]))))
    name = form.given.names[place]
    return f"another solution fits as well, with {name} at {values[1, place]:.4g} instead of {values[0, place]:.4g}"


def _part_with(model: Model, place: int) -> str:
    """The text of the part in series that has a place; of a nested part that of its resistance."""
    part = next(part for part in top_parts(model.tree) for leaf in leaves(part) if place in _span(model, leaf))
    label = next(leaf.label for leaf in leaves(part) if place in _span(model, leaf))
    return label if isinstance(part, Leaf) else f"{label} of {written(part)}"


def _span(model: Model, leaf: Leaf) -> range:
    return range(model.places[leaf.label].start, model.places[leaf.label].stop)


__all__ = ["assignments", "exchanged", "in_order", "mirrored", "moved", "relaxations", "second_solutions"]
