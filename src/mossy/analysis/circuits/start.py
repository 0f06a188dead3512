"""Starting values that nobody has to guess: every part of a circuit picked from a dictionary of what it may look like.

The parts in series add up, and each is linear in its size: a part is an atom of its dictionary (an arc of each time
constant and depression; a nested part of drawn proportions) times an amplitude. From several beginnings the atoms are
exchanged one by one for the one that fits best with all amplitudes chosen again (coordinate descent over variable
projection: G. H. Golub, V. Pereyra, Inverse Problems 19 (2003) R1), which is small linear algebra.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.analysis.circuits.model import ELEMENTS_AND_ARCS, Model, Parameter, top_parts
from mossy.analysis.circuits.text import Leaf, Tree, leaves
from mossy.backend import jax, jnp

PER_DECADE = 3
SHARES = (0.55, 0.78, 0.97)  # of the range of an exponent
APART = 5.0  # factor between the time constants of two arcs to begin with: nearer ones model one arc together
NEAR = 6.0  # factor in time constant within which an arc keeps to where it is wanted
DRAWS = 1200
_SHARES_OF_DRAWS = 6
MOST = 1500


@dataclass(frozen=True)
class Block:
    """A part in series: which parameters are its own, its atoms' parameters (K, n) for an amplitude of one, the power
    of the amplitude in each, the atoms' impedances (K, m), and the logarithms of their time constants (NaN: none).
    """

    places: np.ndarray
    values: np.ndarray
    powers: np.ndarray
    atoms: np.ndarray
    times: np.ndarray

    @property
    def is_arc(self) -> bool:
        """Whether the amplitude is its first parameter, a resistance, and its atoms have time constants."""
        return len(self.places) > 1 and bool(np.isfinite(self.times).all())


def blocks_of(model: Model, omega: np.ndarray, fixed: dict[int, float]) -> list[Block]:
    """The dictionary of each part in series, at the angular frequencies of one grid."""
    shared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    blocks = []
    for part in top_parts(model.tree):
        places = np.concatenate([np.arange(*model.places[leaf.label].indices(10**6)) for leaf in leaves(part)])
        parameters = [model.parameters[k] for k in places]
        held = {k: fixed[int(place)] for k, place in enumerate(places) if int(place) in fixed}
        key = part.symbol if isinstance(part, Leaf) and not held else f"{places}"
        if key not in shared:
            values = _candidates(part, parameters, omega, held)
            shared[key] = values, _impedances(model, part, places, omega, values)
        values, atoms = shared[key]
        specs = [parameter.spec for parameter in parameters]
        powers = np.array([0.0 if k in held else spec.impedance or spec.size for k, spec in enumerate(specs)])
        at = [k for k, parameter in enumerate(parameters) if parameter.spec.name == "tau"]
        times = np.log(values[:, at[0]]) if isinstance(part, Leaf) and len(at) == 1 else np.full(len(values), np.nan)
        blocks.append(Block(places, values, powers, atoms, times))
    return blocks


def _impedances(model: Model, part: Tree, places: np.ndarray, omega: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The impedances (K, m) of a part's atoms."""
    if isinstance(part, Leaf):
        return np.asarray(_of_element(part.symbol)(jnp.asarray(omega), jnp.asarray(values)))
    whole = np.ones((len(values), len(model.parameters)))
    whole[:, places] = values
    return np.asarray(_of_part(model, part)(jnp.asarray(omega), jnp.asarray(whole)))


@functools.lru_cache(maxsize=64)
def _of_element(symbol: str) -> Any:
    """The compiled impedances of an element for many vectors of its parameters, shared by all circuits."""
    law = ELEMENTS_AND_ARCS[symbol].law
    return jax.jit(jax.vmap(lambda omega, vector: law(omega, *vector), in_axes=(None, 0)))


@functools.lru_cache(maxsize=512)
def _of_part(model: Model, part: Tree) -> Any:
    """The compiled impedances of a part for many vectors of the model's values."""
    return jax.jit(jax.vmap(lambda omega, vector: model.impedance(omega, vector, part), in_axes=(None, 0)))


def _candidates(part: Tree, parameters: Sequence[Parameter], omega: np.ndarray, held: dict[int, float]) -> np.ndarray:
    """The parameters of a part's atoms (K, n): a grid for a leaf, draws for what is nested."""
    low, high = -np.log10(omega.max()), -np.log10(omega.min())
    if isinstance(part, Leaf):
        times = np.logspace(low - 0.7, high + 0.7, PER_DECADE * (int(np.ceil(high - low)) + 1) + 1)
        axes: list[Sequence[float]] = []
        for place, parameter in enumerate(parameters):
            spec = parameter.spec
            if place in held:
                axes.append([held[place]])
            elif spec.bounds is not None:
                axes.append([_within(share, spec.bounds) for share in SHARES])
            elif spec.decades is not None:
                axes.append(list(np.geomspace(*spec.decades, 3 * int(np.log10(spec.decades[1] / spec.decades[0])) + 1)))
            else:
                axes.append(list(times) if spec.time and not spec.impedance else [1.0])
        if _lumped(parameters) and np.prod([len(axis) for axis in axes]) <= MOST:
            return np.array(list(itertools.product(*axes)))
    random = np.random.default_rng(0)
    drawn = np.empty((DRAWS, len(parameters)))
    for place, parameter in enumerate(parameters):
        spec = parameter.spec
        if place in held:
            drawn[:, place] = held[place]
        elif spec.decades is not None:
            drawn[:, place] = np.exp(random.uniform(np.log(spec.decades[0]), np.log(spec.decades[1]), DRAWS))
        elif spec.bounds is not None:
            drawn[:, place] = [_within(share, spec.bounds) for share in random.uniform(0.1, 1.0, DRAWS)]
        else:
            time = 10.0 ** random.uniform(low, high, DRAWS)
            drawn[:, place] = time**spec.time * 10.0 ** (spec.impedance * random.uniform(-1.5, 1.5, DRAWS))
    return drawn


def _lumped(parameters: Sequence[Parameter]) -> bool:
    """Whether at most one parameter has the dimension of an impedance, so that one amplitude is all its size."""
    return sum(parameter.spec.impedance != 0.0 for parameter in parameters) <= 1


def _within(share: float, bounds: tuple[float, float]) -> float:
    return bounds[0] + share * (bounds[1] - bounds[0])


class Dictionary:
    """The atoms of a model's parts and their products with S spectra on the blocks' frequency grid.

    `impedance` (S, m) complex; `weight` (S, m), that of both parts.
    """

    def __init__(self, model: Model, blocks: list[Block], impedance: np.ndarray, weight: np.ndarray) -> None:
        self.model, self.blocks, self.lanes = model, blocks, len(impedance)
        self.atoms, self.right, self.norm, self.ranges = _scaled(blocks, impedance, weight)
        self.times = np.concatenate([block.times for block in _distinct(blocks)])

    def part(self, rows: np.ndarray) -> Dictionary:
        """That of some of the spectra."""
        other = copy.copy(self)
        other.lanes = len(rows)
        other.atoms, other.right, other.norm = self.atoms[rows], self.right[rows], self.norm[rows]
        return other

    def beginnings(self, numbers: Sequence[int], passes: int = 3) -> np.ndarray:
        """Starting vectors (S, K, n) of the model's values, one for each of the numbers, which make them differ."""
        found = []
        for number in numbers:
            chosen = _beginning(self.ranges, self.lanes, number)
            for _, place in itertools.product(range(passes), range(len(self.blocks))):
                if len(self.ranges[place]) > 1:
                    barred = _barred(self.blocks[place], self.times, chosen, place, self.ranges, number)
                    candidates = _share(self.blocks[place], self.ranges[place], number)
                    chosen[:, place] = self._best(chosen, place, candidates, barred)
            found.append(self._vectors(chosen))
        return np.stack(found, axis=1)

    def around(self, wanted: np.ndarray, passes: int = 2) -> np.ndarray:
        """The vector (S, n) of the best atoms near the wanted ln(time constants/s) (S, blocks), NaN: no wish."""
        chosen = _beginning(self.ranges, self.lanes, 0)
        far = {}
        for place, block in enumerate(self.blocks):
            off = np.abs(block.times[None, :] - wanted[:, place, None])
            far[place] = off > np.maximum(np.log(NEAR), off.min(axis=1, keepdims=True))
            if np.isfinite(wanted[:, place]).all() and len(self.ranges[place]) > 1:
                chosen[:, place] = self.ranges[place][np.argmin(off, axis=1)]
        for _, place in itertools.product(range(passes), range(len(self.blocks))):
            if len(self.ranges[place]) > 1:
                chosen[:, place] = self._best(chosen, place, self.ranges[place], far[place])
        return self._vectors(chosen)

    def _best(self, chosen: np.ndarray, place: int, candidates: np.ndarray, barred: np.ndarray | None) -> np.ndarray:
        return _best(self.atoms, self.right, chosen, place, candidates, barred)

    def _vectors(self, chosen: np.ndarray) -> np.ndarray:
        return _vectors(self.model, self.blocks, self.ranges, self.atoms, self.right, self.norm, chosen)


def _scaled(
    blocks: list[Block], impedance: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """(atoms weighted and scaled to length one, their products with the data, their lengths, the atoms of a block)."""
    stacked = np.concatenate([block.atoms for block in _distinct(blocks)])
    both = np.concatenate([weight, weight], axis=1)
    data = np.concatenate([impedance.real, impedance.imag], axis=1) * both
    weighted = np.concatenate([stacked.real, stacked.imag], axis=1)[None, :, :] * both[:, None, :]
    norm = np.sqrt(np.einsum("skm,skm->sk", weighted, weighted))
    norm = np.where(norm > 0.0, norm, 1.0)
    weighted /= norm[:, :, None]
    offsets, total = {}, 0
    for block in _distinct(blocks):
        offsets[id(block.atoms)] = total
        total += len(block.atoms)
    ranges = [np.arange(len(block.values)) + offsets[id(block.atoms)] for block in blocks]
    return weighted, np.einsum("skm,sm->sk", weighted, data), norm, ranges


def _distinct(blocks: list[Block]) -> list[Block]:
    """The blocks without those that share the dictionary of an earlier one."""
    return [block for k, block in enumerate(blocks) if all(block.atoms is not other.atoms for other in blocks[:k])]


def _beginning(ranges: list[np.ndarray], lanes: int, number: int) -> np.ndarray:
    """Which atom each part begins with: spread over its dictionary, then at random."""
    chosen = np.empty((lanes, len(ranges)), dtype=int)
    random = np.random.default_rng(number)  # one draw for all spectra: none depends on the others
    choosing = [place for place, each in enumerate(ranges) if len(each) > 1]
    for place, each in enumerate(ranges):
        if len(each) == 1:
            chosen[:, place] = each[0]
        elif number == 0:
            chosen[:, place] = each[int((choosing.index(place) + 0.5) / len(choosing) * len(each))]
        else:
            chosen[:, place] = random.choice(each)
    return chosen


def _barred(
    block: Block, times: np.ndarray, chosen: np.ndarray, place: int, ranges: list[np.ndarray], number: int
) -> np.ndarray | None:
    """Which candidates (S, K) an arc must not take: it stays a factor `APART` in time constant from the others, but at
    every fourth beginning.
    """
    if not block.is_arc or number % 4 == 3:
        return None
    others = times[np.delete(chosen, place, axis=1)]
    return np.any(np.abs(times[ranges[place]][None, :, None] - others[:, None, :]) < np.log(APART), axis=2)


def _share(block: Block, candidates: np.ndarray, number: int) -> np.ndarray:
    """The candidates of one beginning: of drawn proportions each but the first has its own share of them."""
    if block.is_arc or number == 0 or len(block.values) < DRAWS:
        return candidates
    return candidates[np.random.default_rng(number).permutation(len(candidates)) % _SHARES_OF_DRAWS == 0]


def _best(
    atoms: np.ndarray,
    right: np.ndarray,
    chosen: np.ndarray,
    place: int,
    candidates: np.ndarray,
    barred: np.ndarray | None,
) -> np.ndarray:
    """The atom for one part that leaves the least, all amplitudes chosen again and none below zero."""
    others = np.delete(chosen, place, axis=1)
    rest = np.take_along_axis(atoms, others[:, :, None], axis=1)
    inside = rest @ rest.transpose(0, 2, 1) + 1e-9 * np.eye(others.shape[1])
    cross = rest @ atoms[:, candidates].transpose(0, 2, 1)
    b_inside, b_candidate = np.take_along_axis(right, others, axis=1), right[:, candidates]
    solved = np.linalg.solve(inside, np.concatenate([b_inside[:, :, None], cross], axis=2))
    base, spread = solved[:, :, 0], solved[:, :, 1:]
    left = np.maximum(1.0 - np.einsum("sok,sok->sk", cross, spread), 1e-9)
    own = np.maximum((b_candidate - np.einsum("sok,so->sk", cross, base)) / left, 0.0)
    amplitudes = np.maximum(base[:, :, None] - spread * own[:, None, :], 0.0)
    product = np.einsum("sop,spk->sok", inside, amplitudes)
    cost = np.einsum("sok,sok->sk", amplitudes, product - 2.0 * b_inside[:, :, None])
    cost += own * (own - 2.0 * b_candidate + 2.0 * np.einsum("sok,sok->sk", cross, amplitudes))
    if barred is not None:
        cost = np.where(barred, np.inf, cost)
    return candidates[np.argmin(cost, axis=1)]


def _vectors(
    model: Model,
    blocks: list[Block],
    ranges: list[np.ndarray],
    atoms: np.ndarray,
    right: np.ndarray,
    norm: np.ndarray,
    chosen: np.ndarray,
) -> np.ndarray:
    """The model's values for chosen atoms with the amplitudes that fit best."""
    own = np.take_along_axis(atoms, chosen[:, :, None], axis=1)
    inside = own @ own.transpose(0, 2, 1) + 1e-6 * np.eye(chosen.shape[1])
    wanted = np.take_along_axis(right, chosen, axis=1)
    amplitude = np.linalg.solve(inside, wanted[:, :, None])[:, :, 0]
    least = 1e-3 * np.max(np.abs(wanted), axis=1, keepdims=True)
    amplitude = np.maximum(amplitude, least) / np.take_along_axis(norm, chosen, axis=1)
    values = np.ones((len(chosen), len(model.parameters)))
    for place, (block, reach) in enumerate(zip(blocks, ranges, strict=True)):
        shapes = block.values[chosen[:, place] - reach[0]]
        values[:, block.places] = shapes * amplitude[:, place, None] ** block.powers
    return values
