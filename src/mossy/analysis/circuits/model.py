"""A parsed circuit as a function of its parameters: its impedance, and the linearised residuals of a spectrum."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.circuits.elements import COMBINATIONS, ELEMENTS, Element, ParameterSpec
from mossy.analysis.circuits.text import Leaf, Node, Tree, leaves
from mossy.backend import jax, jnp
from mossy.laws import impedance_elements as laws

_ARC = ELEMENTS["Z"].parameters[:2]
RC = Element("RC", "resistor beside a capacitor", "R/(1 + tau s)", lambda w, r, t: laws.zarc(w, r, t, 1.0), _ARC)
ELEMENTS_AND_ARCS = {**ELEMENTS, "RC": RC}
"""The elements of circuits, and the arc of a resistor beside a capacitor."""


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
            specs = ELEMENTS_AND_ARCS[leaf.symbol].parameters
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
            return ELEMENTS_AND_ARCS[tree.symbol].law(angular_frequency, *arguments)
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


def in_series(parts: tuple[Tree, ...]) -> Tree:
    """Parts in series, those of parts that are themselves in series among them."""
    flat = tuple(one for part in parts for one in top_parts(part))
    return flat[0] if len(flat) == 1 else Node("series", flat)


def top_parts(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a circuit that lie in series."""
    return tree.parts if isinstance(tree, Node) and tree.kind == "series" else (tree,)
