"""All regions of a sample as a function of one vector, with its derivatives, compiled once a structure.

The vector holds, in this order: amounts of each phase in each layer (volume, relative), areas of patches, thickness of
each finite layer over the mean free path at the reference energy, ln of the intensity of each photon energy and angle,
shifts of the domains, ln of Gaussian widths, Shirley's or Tougaard's factors, constants and slopes of the regions,
offsets of lines, ln of the core levels' sensitivities.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.laws import photoemission as laws

GROUPS = (
    *("amounts", "patches", "depths", "scales", "shifts", "widths"),
    *("losses", "constants", "slopes", "offsets", "sensitivities", "exponents", "times"),
)
Data = tuple[np.ndarray, ...]
SOFTNESS = 0.02
"""How far amounts and areas may be from adding up to 1: only ratios of them matter."""


@dataclass(frozen=True)
class Structure:
    """What one compiled model serves: how many of each group, and who belongs to whom."""

    entries: tuple[tuple[int, int, int], ...]
    """(patch, layer, phase) of each amount"""
    stacks: tuple[tuple[int, ...], ...]
    """The layers of each patch"""
    parents: tuple[int, ...]
    """Of each line"""
    components: tuple[tuple[int, int, int, int], ...]
    """(region, line, domain, core level) of each component"""
    emitters: tuple[tuple[int, ...], ...]
    """The entries of each component"""
    regions: tuple[tuple[int, int, bool], ...]
    """(intensity, width, Tougaard rather than Shirley) of each region"""
    doublets: bool
    sizes: tuple[int, ...]
    """Of the groups of the vector, as in `GROUPS`"""

    @functools.cached_property
    def slices(self) -> dict[str, slice]:
        """Where each group lies in the vector."""
        ends = np.cumsum((0, *self.sizes))
        return {name: slice(int(ends[k]), int(ends[k + 1])) for k, name in enumerate(GROUPS)}

    @property
    def length(self) -> int:
        """Of the vector."""
        return sum(self.sizes)

    @property
    def finite(self) -> tuple[int, ...]:
        """The layers with something beneath them, in the order of the depths."""
        return tuple(sorted(layer for stack in self.stacks for layer in stack[:-1]))

    @functools.cached_property
    def moves(self) -> tuple[np.ndarray, np.ndarray]:
        """How the positions and the ln widths of the components (rows) follow the vector."""
        places, widths = np.zeros((2, len(self.components), self.length))
        for row, (region, line, domain, _) in enumerate(self.components):
            places[row, self.slices["shifts"].start + domain] = 1.0
            while line >= 0:
                places[row, self.slices["offsets"].start + line] = 1.0
                line = self.parents[line]
            widths[row, self.slices["widths"].start + self.regions[region][1]] = 1.0
        return places, widths

    @functools.cached_property
    def gains(self) -> np.ndarray:
        """How the ln areas of the components (rows) follow intensities and sensitivities."""
        gains = np.zeros((len(self.components), self.length))
        for row, (region, _, _, level) in enumerate(self.components):
            gains[row, self.slices["scales"].start + self.regions[region][0]] = 1.0
            gains[row, self.slices["sensitivities"].start + level] = 1.0
            if self.sizes[GROUPS.index("times")]:
                gains[row, self.slices["times"].start + region] = 1.0
        return gains

    @functools.cached_property
    def membership(self) -> np.ndarray:
        """1 where an entry (row) is in a layer (column)."""
        count = sum(len(stack) for stack in self.stacks)
        return np.array([[float(layer == column) for column in range(count)] for _, layer, _ in self.entries])

    @functools.cached_property
    def sources(self) -> np.ndarray:
        """1 where a component (row) comes from an entry (column)."""
        return np.array([[float(k in each) for k in range(len(self.entries))] for each in self.emitters])


DATA = (
    *("energy", "counts", "weight", "transmission", "level", "angle", "base", "strength"),
    *("inverse_paths", "reference", "molar_density", "lorentzian", "splitting", "ratio", "log_kinetic"),
)
"""What the model is told of one sample, in this order: the first four (regions, points); `level` (counts) and emission
`angle` (rad) of the regions; `base` position, `strength`, `lorentzian` width, doublet `splitting` and `ratio` of the
components; 1/lambda in each phase of each component and at the `reference` energy, 1/nm; `molar_density`, mol/cm3;
ln of the kinetic energy (keV) of the regions whose transmission is unknown, 0 of the others."""


def fractions_of(structure: Structure, head: Any) -> tuple[Any, Any]:
    """Volume fractions of the entries in their layers, and of the area for the patches."""
    amounts = head[structure.slices["amounts"]]
    share = amounts / (structure.membership @ (amounts @ structure.membership) + 1e-12)
    patches = head[structure.slices["patches"]]
    if not structure.sizes[1]:
        return share, jnp.ones(1)
    return share, patches / (jnp.sum(patches) + 1e-12)


def thicknesses_of(structure: Structure, head: Any, share: Any, reference: Any) -> tuple[Any, Any]:
    """Thickness of each finite layer, nm, and the mean free path of every layer at the reference energy."""
    phases = np.array([phase for _, _, phase in structure.entries])
    paths = 1.0 / ((share * reference[phases]) @ structure.membership)
    return head[structure.slices["depths"]] * paths[np.array(structure.finite, dtype=int)], paths


def gains_of(structure: Structure, data: dict[str, Any]) -> Any:
    """How the ln areas of the components (rows) follow the vector, the transmission KE^-n among it."""
    regions = np.array([region for region, *_ in structure.components])
    exponent = np.zeros(structure.length)
    exponent[structure.slices["exponents"]] = 1.0
    return structure.gains - data["log_kinetic"][regions][:, None] * exponent


def unscaled_areas(structure: Structure, head: Any, data: dict[str, Any]) -> Any:
    """Areas of the components without intensity and sensitivity, from amounts, patches and depths."""
    share, patches = fractions_of(structure, head)
    thickness, _ = thicknesses_of(structure, head, share, data["reference"])
    phases = np.array([phase for _, _, phase in structure.entries])
    paths = 1.0 / ((data["inverse_paths"][:, phases] * share) @ structure.membership)
    angle = data["angle"][np.array([region for region, *_ in structure.components])][:, None]
    escaped: list[Any] = [None] * structure.membership.shape[1]
    for patch, stack in enumerate(structure.stacks):
        depths = thickness[np.array([structure.finite.index(each) for each in stack[:-1]], dtype=int)]
        found = laws.layer_intensity(
            densities=patches[patch], thicknesses=depths, paths=paths[:, np.array(stack)], emission_angle=angle
        )
        for column, layer in enumerate(stack):
            escaped[layer] = found[:, column]
    layers = np.array([layer for _, layer, _ in structure.entries])
    emitted = structure.sources * (share * data["molar_density"][phases]) * jnp.stack(escaped, axis=-1)[:, layers]
    return data["strength"] * jnp.sum(emitted, axis=-1)


def shapes_of(structure: Structure, x: Any, data: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Lines of unit area (components, points) with their derivatives along position and ln width."""
    places, widths = structure.moves
    regions = np.array([region for region, *_ in structure.components])
    energy = data["energy"][regions]
    lorentzian = data["lorentzian"][:, None]

    def line(position: Any, log_width: Any) -> Any:
        width = jnp.exp(log_width)
        shape = laws.voigt(energy, position=position, gaussian_width=width, lorentzian_width=lorentzian)
        if not structure.doublets:
            return shape
        ratio, partner = data["ratio"][:, None], position + data["splitting"][:, None]
        second = laws.voigt(energy, position=partner, gaussian_width=width, lorentzian_width=lorentzian)
        return (shape + ratio * second) / (1.0 + ratio)

    at = (data["base"] + places @ x)[:, None], (widths @ x)[:, None]
    shape, forward = jax.linearize(line, *at)
    one, none = jnp.ones_like(at[0]), jnp.zeros_like(at[0])
    return shape, forward(one, none), forward(none, one)


def background_of(structure: Structure, region: int, energy: Any, lines: Any) -> Any:
    """The background of unit factor that lines (..., points) of a region leave behind them."""
    return laws.tougaard(energy, lines) if structure.regions[region][2] else laws.shirley(energy, lines)


def linearised(structure: Structure, x: Any, values: tuple[Any, ...]) -> tuple[Any, Any]:
    """(weighted residuals of all points and of the sums of amounts, their derivatives (n, m)) of one sample."""
    data = dict(zip(DATA, values, strict=True))
    head_length = structure.slices["scales"].start
    head = x[:head_length]
    gains = gains_of(structure, data)
    scale = jnp.exp(gains @ x)
    free, forward = jax.linearize(lambda each: unscaled_areas(structure, each, data), head)
    slopes = jax.vmap(forward)(jnp.eye(head_length)).T
    area = scale * free
    growth = area[:, None] * gains + jnp.pad(scale[:, None] * slopes, ((0, 0), (0, len(x) - head_length)))
    shape, along, wider = shapes_of(structure, x, data)
    places, widths = structure.moves
    residuals, jacobians = [], []
    for region in range(len(structure.regions)):
        own = np.array([k for k, each in enumerate(structure.components) if each[0] == region])
        energy, weight = data["energy"][region], data["weight"][region]
        place = [structure.slices[name].start + region for name in ("losses", "constants", "slopes")]
        columns = jnp.concatenate([shape[own], along[own], wider[own]]) * data["transmission"][region]
        lossy = background_of(structure, region, energy, columns)
        tilt = (energy - energy[0]) / (energy[-1] - energy[0]) - 0.5
        straight = jnp.stack([jnp.ones_like(tilt), tilt]) * data["level"][region]
        lost = area[own] @ lossy[: len(own)]
        model = area[own] @ columns[: len(own)] + x[place[0]] * lost + x[np.array(place[1:])] @ straight
        rows = [growth[own], area[own][:, None] * places[own], area[own][:, None] * widths[own]]
        rows.append(np.eye(len(x))[place])
        basis = jnp.concatenate([columns + x[place[0]] * lossy, lost[None], straight]) * weight
        residuals.append((model - data["counts"][region]) * weight)
        jacobians.append(jnp.concatenate(rows).T @ basis)
    off, rows = _sums(structure, x)
    return jnp.concatenate([*residuals, off]), jnp.concatenate([*jacobians, rows], axis=1)


def _sums(structure: Structure, x: Any) -> tuple[Any, Any]:
    """How far the amounts of each layer, and the patches, are from adding up to 1, softly, with derivatives."""
    sums = np.zeros((structure.length, structure.membership.shape[1] + 1))
    sums[structure.slices["amounts"], :-1] = structure.membership
    sums[structure.slices["patches"], -1] = 1.0
    columns = sums[:, : -1 if not structure.sizes[1] else None] / SOFTNESS
    return x @ columns - 1.0 / SOFTNESS, columns


def curves(structure: Structure, x: Any, values: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """(each component without background (components, points), each region's background, areas) of one sample."""
    data = dict(zip(DATA, values, strict=True))
    area = jnp.exp(gains_of(structure, data) @ x) * unscaled_areas(
        structure, x[: structure.slices["scales"].start], data
    )
    regions = np.array([region for region, *_ in structure.components])
    lines = area[:, None] * shapes_of(structure, x, data)[0] * data["transmission"][regions]
    backgrounds = []
    for region in range(len(structure.regions)):
        energy = data["energy"][region]
        place = [x[structure.slices[name].start + region] for name in ("losses", "constants", "slopes")]
        lost = background_of(structure, region, energy, jnp.sum(lines[regions == region], axis=0))
        tilt = (energy - energy[0]) / (energy[-1] - energy[0]) - 0.5
        backgrounds.append(place[0] * lost + data["level"][region] * (place[1] + place[2] * tilt))
    return lines, jnp.stack(backgrounds), area


def quantities(structure: Structure, film: tuple[int, ...], x: Any, values: tuple[Any, ...]) -> Any:
    """What is reported, in one vector: volume fractions and mole fractions of the entries in their layers, areas of
    patches, thicknesses of the finite layers, nm, mean free paths of all layers at the reference energy, nm, and the
    areal amounts of each phase in the `film` layers, nmol/cm2 (per nm of an endless one).
    """
    data = dict(zip(DATA, values, strict=True))
    share, patches = fractions_of(structure, x)
    thickness, paths = thicknesses_of(structure, x, share, data["reference"])
    phases = np.array([phase for _, _, phase in structure.entries])
    density = share * data["molar_density"][phases]
    molar = density / (structure.membership @ (density @ structure.membership))
    deep = {layer: thickness[place] for place, layer in enumerate(structure.finite)}
    amounts = [0.0 * x[0]] * (int(phases.max()) + 1)
    for place, (patch, layer, phase) in enumerate(structure.entries):
        if layer in film:
            amounts[phase] = amounts[phase] + 100.0 * density[place] * patches[patch] * deep.get(layer, 1.0)
    return jnp.concatenate([share, molar, patches, thickness, paths, jnp.stack(amounts)])


@functools.lru_cache(maxsize=64)
def kernel_for(structure: Structure) -> Any:
    """The compiled least squares of a structure, over several vectors and samples."""
    return jax.jit(jax.vmap(functools.partial(linearised, structure)))


@functools.lru_cache(maxsize=64)
def result_for(structure: Structure, film: tuple[int, ...]) -> Any:
    """Compiled: (components, backgrounds, areas, quantities, their derivatives) of one sample."""

    def result(x: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
        found = functools.partial(quantities, structure, film, values=values)
        return (*curves(structure, x, values), found(x), jax.jacfwd(found)(x))

    return jax.jit(result)
