"""A parsed circuit as a function: its parameters, its impedance, and the form in which it is fitted.

A resistor beside a constant phase element or a capacitor is fitted as an arc (R, tau, alpha), whose parameters hardly
correlate; `outward` turns them back, with Q = tau^alpha/R or C = tau/R. Two equal electrodes are fitted as one of twice
the impedance, so that their arcs stand in series like all others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.circuits.elements import COMBINATIONS, ELEMENTS, Element, ParameterSpec
from mossy.analysis.circuits.text import Leaf, Node, Tree, leaves, parse, written
from mossy.backend import jax, jnp
from mossy.laws import impedance_elements as laws

RC = Element("RC", "resistor beside a capacitor", lambda w, r, t: laws.zarc(w, r, t, 1.0), ELEMENTS["Z"].parameters[:2])
_KNOWN = {**ELEMENTS, "RC": RC}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a circuit: its name there, and what it is."""

    name: str
    spec: ParameterSpec


class Model:
    """The impedance of a tree as a JAX function of one vector."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.parameters: list[Parameter] = []
        self.places: dict[str, slice] = {}
        for leaf in leaves(tree):
            specs = _KNOWN[leaf.symbol].parameters
            single = len(specs) == 1
            first = len(self.parameters)
            self.parameters += [
                Parameter(leaf.label if single else f"{leaf.label}.{spec.name}", spec) for spec in specs
            ]
            self.places[leaf.label] = slice(first, len(self.parameters))

    @property
    def names(self) -> list[str]:
        """The names of the parameters in their order."""
        return [parameter.name for parameter in self.parameters]

    @functools.cached_property
    def logarithmic(self) -> np.ndarray:
        """Which parameters are iterated as logarithms."""
        return np.array([parameter.spec.logarithmic for parameter in self.parameters])

    def impedance(self, angular_frequency: Any, values: Any, tree: Tree | None = None) -> Any:
        """Z at each angular frequency (rad/s) for one vector of values, in the order of `parameters`."""
        tree = self.tree if tree is None else tree
        if isinstance(tree, Leaf):
            place = self.places[tree.label]
            arguments = [values[k] for k in range(place.start, place.stop)]
            return _KNOWN[tree.symbol].law(angular_frequency, *arguments)
        parts = [self.impedance(angular_frequency, values, part) for part in tree.parts]
        return sum(parts[1:], parts[0]) if tree.kind == "series" else COMBINATIONS[tree.kind].law(*parts)

    def from_iterated(self, x: Any) -> Any:
        """Values from what is iterated."""
        return jnp.where(self.logarithmic, jnp.exp(jnp.where(self.logarithmic, x, 0.0)), x)

    def _alike(self) -> list[tuple[Tree, np.ndarray]]:
        """The parts in series, like elements together: one of them, and the places of the parameters of each (k, n)."""
        groups: dict[str, tuple[Tree, list[np.ndarray]]] = {}
        for part in top_parts(self.tree):
            own = np.concatenate([np.arange(len(self.parameters))[self.places[leaf.label]] for leaf in leaves(part)])
            key = part.symbol if isinstance(part, Leaf) else f"{own}"
            groups.setdefault(key, (part, []))[1].append(own)
        return [(part, np.stack(places)) for part, places in groups.values()]

    def linearised(self, x: Any, data: Any) -> tuple[Any, Any]:
        """(weighted residuals (2 m,), their derivatives (n, 2 m) along what is iterated, x) of one spectrum.

        `data`: (omega, Re Z, Im Z, weight of Re, weight of Im); points padded with weight 0. Each part in series is
        linearised along its own parameters only, like elements together.
        """
        omega, real, imaginary, weight_real, weight_imaginary = data
        total, rows, order = 0.0j, [], []
        for part, places in self._alike():

            def one(inner: Any, part: Tree = part, own: np.ndarray = places[0]) -> tuple[Any, Any]:
                found, forward = jax.linearize(lambda *each: self._of_part(omega, part, own, each), *inner)
                units = np.eye(len(own))
                slopes = [forward(*(jnp.asarray(unit) for unit in row)) for row in units]
                split = [jnp.concatenate([s.real * weight_real, s.imag * weight_imaginary]) for s in slopes]
                return found, jnp.stack(split)

            value, slopes = jax.vmap(one)(x[places])
            total = total + value.sum(axis=0)
            rows.append(slopes.reshape(places.size, -1))
            order.append(places.ravel())
        jacobian = jnp.concatenate(rows)[np.argsort(np.concatenate(order))]
        residual = [(total.real - real) * weight_real, (total.imag - imaginary) * weight_imaginary]
        return jnp.concatenate(residual), jacobian

    def _of_part(self, omega: Any, part: Tree, own: np.ndarray, iterated: Any) -> Any:
        """The impedance of one part from what is iterated of its own parameters."""
        values: list[Any] = [None] * len(self.parameters)
        for place, value in zip(own, iterated, strict=True):
            values[place] = jnp.exp(value) if self.logarithmic[place] else value
        return self.impedance(omega, values, part)


@dataclass(frozen=True, eq=False)
class FittedForm:
    """A circuit as a person wrote it (`given`) and as it is fitted (`model`)."""

    given: Model
    model: Model
    arcs: dict[str, tuple[str, str]]
    """Label of each fitted arc -> the labels of the resistor and of the constant phase element or capacitor."""
    factors: dict[str, float]
    """Label of each fitted element -> how many times the impedance of the one written it has, where that is not 1."""

    def outward(self, values: Any) -> Any:
        """The parameters of the circuit as written, from those fitted."""
        out: list[Any] = [None] * len(self.given.parameters)
        for label, place in self.model.places.items():
            factor = self.factors.get(label, 1.0)
            if label in self.arcs:
                resistor, other = (self.given.places[each].start for each in self.arcs[label])
                alpha = values[place.start + 2] if place.stop - place.start == 3 else 1.0
                out[resistor] = values[place.start] / factor
                out[other] = values[place.start + 1] ** alpha / out[resistor]
                if place.stop - place.start == 3:
                    out[other + 1] = alpha
            else:
                for offset, k in enumerate(range(place.start, place.stop)):
                    power = self.model.parameters[k].spec.impedance
                    out[self.given.places[label].start + offset] = values[k] / factor**power
        return jnp.stack([jnp.asarray(each) for each in out])

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

    @functools.cached_property
    def slopes(self) -> Any:
        """The compiled derivatives of `outward`, for many spectra."""
        return jax.jit(jax.vmap(jax.jacfwd(self.outward)))

    @functools.cached_property
    def all_outward(self) -> Any:
        """`outward` for many spectra."""
        return jax.jit(jax.vmap(self.outward))


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
    return any(spec.impedance for spec in _KNOWN[leaf.symbol].parameters)


def in_series(parts: tuple[Tree, ...]) -> Tree:
    """Parts in series, those of parts that are themselves in series among them."""
    flat = tuple(one for part in parts for one in top_parts(part))
    return flat[0] if len(flat) == 1 else Node("series", flat)


def top_parts(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a circuit that lie in series."""
    return tree.parts if isinstance(tree, Node) and tree.kind == "series" else (tree,)
