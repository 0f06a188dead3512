"""The form in which a circuit is fitted.

A resistor beside a constant phase element or a capacitor is fitted as an arc (R, tau, alpha), whose parameters hardly
correlate; `outward` turns them back, with Q = tau^alpha/R or C = tau/R. Two equal electrodes are fitted as one of twice
the impedance, so that their arcs stand in series like all others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from mossy.analysis.circuits.model import ELEMENTS_AND_ARCS, Model, in_series, top_parts
from mossy.analysis.circuits.text import Leaf, Node, Tree, leaves, parse, written


@dataclass(frozen=True, eq=False)
class FittedForm:
    """A circuit as a person wrote it (`given`) and as it is fitted (`model`)."""

    given: Model
    model: Model
    arcs: dict[str, tuple[str, str]]
    """Label of each fitted arc -> the labels of the resistor and of the constant phase element or capacitor."""
    factors: dict[str, float]
    """Label of each fitted element -> how many times the impedance of the one written it has, where that is not 1."""

    def outward(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the parameters of the circuit as written (S, g), their derivatives (S, g, n)) from those fitted (S, n)."""
        out = np.empty((len(values), len(self.given.parameters)))
        slopes = np.zeros((*out.shape, values.shape[1]))
        for label, place in self.model.places.items():
            factor, k = self.factors.get(label, 1.0), place.start
            if label in self.arcs:
                resistor, other = (self.given.places[each].start for each in self.arcs[label])
                tau, has_alpha = values[:, k + 1], place.stop - k == 3
                alpha = values[:, k + 2] if has_alpha else np.ones(len(values))
                out[:, resistor] = values[:, k] / factor
                out[:, other] = tau**alpha / out[:, resistor]
                slopes[:, resistor, k] = 1.0 / factor
                slopes[:, other, k] = -out[:, other] / values[:, k]
                slopes[:, other, k + 1] = out[:, other] * alpha / tau
                if has_alpha:
                    out[:, other + 1] = alpha
                    slopes[:, other, k + 2] = out[:, other] * np.log(tau)
                    slopes[:, other + 1, k + 2] = 1.0
            else:
                own = np.arange(k, place.stop)
                scale = factor ** -np.array([parameter.spec.impedance for parameter in self.model.parameters[place]])
                given = own - k + self.given.places[label].start
                out[:, given] = values[:, own] * scale
                slopes[:, given, own] = scale
        return out, slopes

    def inward(self, values: np.ndarray) -> np.ndarray:
        """The fitted parameters from those of the circuit as written."""
        out = np.empty(len(self.model.parameters))
        for label, place in self.model.places.items():
            factor = self.factors.get(label, 1.0)
            if label in self.arcs:
                resistor, other = (self.given.places[each].start for each in self.arcs[label])
                resistance, size = values[resistor], values[other]
                alpha = values[other + 1] if place.stop - place.start == 3 else 1.0
                arc = [factor * resistance, (resistance * size) ** (1.0 / alpha), alpha]
                out[place] = arc[: place.stop - place.start]
            else:
                powers = np.array([parameter.spec.impedance for parameter in self.model.parameters[place]])
                out[place] = values[self.given.places[label]] * factor**powers
        return out


@functools.lru_cache(maxsize=256)
def fitted_form(text: str, kept: frozenset[str] = frozenset()) -> FittedForm:
    """The fitted form of a circuit; arcs with a name of `kept` in them (fixed or bounded there) stay as they are."""
    tree = parse(text)
    arcs: dict[str, tuple[str, str]] = {}
    factors: dict[str, float] = {}
    rewritten = _rewritten(tree, kept, arcs, factors, 1.0)
    return FittedForm(Model(tree), Model(in_series(top_parts(rewritten))), arcs, factors)


def _rewritten(
    tree: Tree, kept: frozenset[str], arcs: dict[str, tuple[str, str]], factors: dict[str, float], factor: float
) -> Tree:
    if isinstance(tree, Leaf):
        factors |= {tree.label: factor} if factor != 1.0 else {}
        return tree
    if tree.kind == "sym" and all(leaf.label not in kept and _scales(leaf) for leaf in leaves(tree)):
        return _rewritten(tree.parts[0], kept, arcs, factors, 2.0 * factor)
    if tree.kind == "p" and len(tree.parts) == 2 and all(isinstance(part, Leaf) for part in tree.parts):
        pair: dict[str, str] = {part.symbol: part.label for part in tree.parts if isinstance(part, Leaf)}
        other = next((symbol for symbol in ("Q", "C") if symbol in pair), None)
        if "R" in pair and other is not None and not kept & {pair["R"], pair[other]}:
            label = written(tree)
            arcs[label] = (pair["R"], pair[other])
            factors |= {label: factor} if factor != 1.0 else {}
            return Leaf("Z" if other == "Q" else "RC", label)
    parts = tuple(_rewritten(part, kept, arcs, factors, factor) for part in tree.parts)
    return in_series(parts) if tree.kind == "series" else Node(tree.kind, parts)


def _scales(leaf: Leaf) -> bool:
    """Whether an element's impedance is proportional to its parameters with the dimension of one."""
    return any(spec.impedance for spec in ELEMENTS_AND_ARCS[leaf.symbol].parameters)
