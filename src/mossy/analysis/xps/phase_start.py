"""Where the phase fit may look and where it begins: priors, bounds, and starts that need no guess.

For shifts on a grid and a few thicknesses, everything else but the widths is linear: amounts >= 0 and straight
backgrounds, with the running sum of the data for the step, are solved for by non-negative least squares; the best few
shifts begin.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from mossy.analysis.xps.phase_model import DATA, GROUPS, Data, Structure
from mossy.analysis.xps.phase_sample import Described
from mossy.analysis.xps.quantify import ASSUMED_EXPONENT, EXPONENT_ERROR

WIDTH, WIDTH_SPREAD, WIDTHS = 1.3, 0.35, (0.3, 4.0)
"""eV, and one sigma of its ln: what Gaussian widths of insulating films are like; and their bounds."""
DEEPEST = 8.0
"""Mean free paths: 3e-4 of the electrons below come through."""
TIMES_SPREAD = float(2.0 * np.log(10.0))
"""One sigma of the ln of a counting time that is not known, about what phases in like amounts would need."""
OFFSETS = 5.0
"""How many spreads a line may move, at most."""
FIRST = 4
"""Starts of every fit; the others are for those that stay poor."""
_SCAN = np.arange(-3.0, 3.01, 0.25)
_SCANNED_DEPTHS = (0.4, 1.2)
_COARSE = 3
_LEAST = 0.02


def priors_of(
    structure: Structure, described: Described, kinds: list[str], shift_spreads: list[float], line_error: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(centre, spread, lower, upper) of the vector; a spread of infinity is no prior."""
    n, at = structure.length, structure.slices
    centre, spread = np.zeros(n), np.full(n, np.inf)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    lower[at["amounts"]], upper[at["amounts"]] = 0.0, 2.0
    alone = structure.membership @ structure.membership.sum(axis=0) == 1.0
    lower[at["amounts"]] = np.where(alone, 1.0, 0.0)
    upper[at["amounts"]] = np.where(alone, 1.0, 2.0)
    lower[at["patches"]], upper[at["patches"]] = 0.0, 2.0
    lower[at["depths"]], upper[at["depths"]] = 0.0, DEEPEST
    spread[at["shifts"]] = shift_spreads
    lower[at["shifts"]], upper[at["shifts"]] = -8.0 * np.array(shift_spreads), 8.0 * np.array(shift_spreads)
    centre[at["widths"]], spread[at["widths"]] = np.log(WIDTH), WIDTH_SPREAD
    lower[at["widths"]], upper[at["widths"]] = np.log(WIDTHS)
    straight = [kind == "linear" for kind in kinds]
    lower[at["losses"]], upper[at["losses"]] = 0.0, np.where(straight, 0.0, 20.0)
    lower[at["constants"]], upper[at["constants"]] = 0.0, 5.0
    lower[at["slopes"]], upper[at["slopes"]] = -5.0, 5.0
    spread[at["offsets"]] = [line.spread for line in described.lines]
    lower[at["offsets"]], upper[at["offsets"]] = -OFFSETS * spread[at["offsets"]], OFFSETS * spread[at["offsets"]]
    spread[at["sensitivities"]] = line_error
    lower[at["sensitivities"]], upper[at["sensitivities"]] = -6.0 * line_error, 6.0 * line_error
    centre[at["exponents"]], spread[at["exponents"]] = ASSUMED_EXPONENT, EXPONENT_ERROR
    lower[at["exponents"]], upper[at["exponents"]] = -2.0, 3.0
    spread[at["times"]] = TIMES_SPREAD
    lower[at["times"]], upper[at["times"]] = -5.0 * TIMES_SPREAD, 5.0 * TIMES_SPREAD
    return centre, spread, lower, upper


def starts_of(structure: Structure, data: Data, kinds: list[str], centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Vectors (starts, n): the best `FIRST` shifts of the films and thicknesses, then others all over the grid."""
    named = dict(zip(DATA, data, strict=True))
    film = np.flatnonzero(spread[structure.slices["shifts"]] > _SCAN[1] - _SCAN[0])
    found = []
    times = _times(structure, named)
    for depth in _SCANNED_DEPTHS if structure.sizes[2] else _SCANNED_DEPTHS[:1]:
        design, right = _normal(structure, named, kinds, film, depth, times)
        solved = [_solved(*pair) for pair in zip(design, right, strict=True)]
        cost = np.array([each[1] for each in solved]) + (_SCAN / 2.0) ** 2
        lowest = _minima(cost)
        for place in {*lowest, *range(0, len(_SCAN), _COARSE)}:
            x = _vector(structure, centre, solved[place][0], film, _SCAN[place], depth)
            x[structure.slices["times"]] = times[: structure.sizes[GROUPS.index("times")]]
            found.append((place not in lowest[: FIRST - 1], cost[place], x))
    found.sort(key=lambda each: each[:2])
    best = [x for other, _, x in found if not other][:FIRST]
    return np.stack(
        [*best, *[np.full_like(centre, np.nan)] * (FIRST - len(best)), *[x for other, _, x in found if other]]
    )


def _times(structure: Structure, data: dict[str, np.ndarray]) -> np.ndarray:
    """Ln counting times of the regions where they are not known: what each has above a straight line through its ends,
    over what it had if all phases were there alike; 0 where they are known.
    """
    regions = len(structure.regions)
    if not structure.sizes[GROUPS.index("times")]:
        return np.zeros(regions)
    gain = _gains(structure, data, _SCANNED_DEPTHS[0]).sum(axis=1)
    where = np.array([each[0] for each in structure.components])
    found = np.zeros(regions)
    for region in range(regions):
        kept = data["weight"][region] > 0.0
        energy, counts = data["energy"][region][kept], data["counts"][region][kept]
        line = np.interp(energy, [energy[0], energy[-1]], [counts[:3].mean(), counts[-3:].mean()])
        area = np.trapezoid(counts - line, energy)
        found[region] = np.log(max(float(area), float(np.sqrt(counts.sum()))) / gain[where == region].sum())
    return np.asarray(found - found.mean())


def _minima(cost: np.ndarray) -> list[int]:
    """Places of the local minima, least first."""
    around = np.pad(cost, 1, constant_values=np.inf)
    places = np.flatnonzero((cost <= around[:-2]) & (cost <= around[2:]))
    return sorted((int(place) for place in places), key=lambda place: float(cost[place]))


def _normal(
    structure: Structure,
    data: dict[str, np.ndarray],
    kinds: list[str],
    film: np.ndarray,
    depth: float,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """A'A and A'y of every shift, the last row and column of A'A those of y itself; A: amounts, then backgrounds."""
    entries, regions = len(structure.entries), len(structure.regions)
    where = np.array([each[0] for each in structure.components])
    moved = np.isin([each[2] for each in structure.components], film)
    energy, weight = data["energy"], data["weight"]
    place = data["base"][None, :, None] + (_SCAN[:, None] * moved)[:, :, None]
    spread = (WIDTH + data["lorentzian"][None, :, None]) / 2.3548
    lines = np.exp(-0.5 * ((energy[where][None] - place) / spread) ** 2)
    partner = np.exp(-0.5 * ((energy[where][None] - place - data["splitting"][:, None]) / spread) ** 2)
    ratio = data["ratio"][:, None]
    lines = (lines + ratio * partner) / (1.0 + ratio) / (spread * np.sqrt(2.0 * np.pi)) * data["transmission"][where]
    gain = _gains(structure, data, depth) * np.exp(times[where])[:, None]
    design = np.zeros((len(_SCAN), entries + 3 * regions + 1, *energy.shape))
    for component, region in enumerate(where):
        design[:, :entries, region] += gain[component][None, :, None] * lines[:, component, None, :]
    for region in range(regions):
        rise = (energy[region] - energy[region, 0]) / np.ptp(energy[region])
        above = data["counts"][region] - data["counts"][region][data["weight"][region] > 0.0].min()
        step = np.concatenate([[0.0], np.cumsum(above[1:] * np.diff(energy[region]))])
        straight = kinds[region] == "linear"
        design[:, entries + 3 * region : entries + 3 * region + 3, region] = np.stack(
            [1.0 - rise, rise, np.zeros_like(step) if straight else step]
        )
    design[:, -1] = data["counts"]
    flat = (design * weight).reshape(len(_SCAN), design.shape[1], -1)
    normal = flat @ flat.transpose(0, 2, 1)
    return normal, normal[:, :-1, -1]


def _gains(structure: Structure, data: dict[str, np.ndarray], depth: float) -> np.ndarray:
    """Area of each component (rows) per amount of each entry, layers `depth` paths thick and evenly mixed."""
    share = structure.membership / np.maximum(structure.membership.sum(axis=0), 1.0)
    phases = np.array([phase for _, _, phase in structure.entries])
    paths = 1.0 / (data["inverse_paths"][:, phases] @ share)
    thick = depth / (data["reference"][phases] @ share)
    cosine = np.cos(data["angle"])[np.array([each[0] for each in structure.components])][:, None]
    escaped = np.zeros_like(paths)
    for stack in structure.stacks:
        above = np.ones((len(paths), 1))
        for layer in stack:
            kept = np.exp(-thick[layer] / (paths[:, layer : layer + 1] * cosine))
            whole = layer == stack[-1]
            reach = paths[:, layer : layer + 1] * cosine
            escaped[:, layer : layer + 1] = reach * above * (1.0 if whole else 1.0 - kept)
            above = above * kept
    layers = np.array([layer for _, layer, _ in structure.entries])
    density = data["molar_density"][phases]
    regions = np.array([each[0] for each in structure.components])
    strength = data["strength"] * np.exp(-ASSUMED_EXPONENT * data["log_kinetic"][regions])
    gain: np.ndarray = structure.sources * density * escaped[:, layers] * strength[:, None]
    return gain


def _solved(normal: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """The coefficients >= 0 and what they leave of the squares."""
    inner = normal[:-1, :-1]
    size = np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
    scaled = inner / np.outer(size, size) + 1e-9 * np.eye(len(inner))
    root = np.linalg.cholesky(scaled)
    found, left = nnls(root.T, np.linalg.solve(root, right / size))
    whole = np.linalg.solve(root, right / size)
    return found / size, float(left**2 + normal[-1, -1] - whole @ whole)


def _vector(
    structure: Structure, centre: np.ndarray, solved: np.ndarray, film: np.ndarray, shift: float, depth: float
) -> np.ndarray:
    at, entries = structure.slices, len(structure.entries)
    x = centre.copy()
    amounts = solved[:entries]
    sums = amounts @ structure.membership
    share = np.where(structure.membership @ sums > 0.0, amounts, 1.0)
    share = np.maximum(share / (structure.membership @ (share @ structure.membership)), _LEAST)
    x[at["amounts"]] = share / (structure.membership @ (share @ structure.membership))
    x[at["patches"]] = 1.0 / max(structure.sizes[1], 1)
    x[at["depths"]] = depth
    x[at["scales"]] = np.log(max(float(sums.max()), 1e-300))
    x[at["shifts"]][film] = shift
    return x


def names_of(structure: Structure, described: Described, regions: list[str]) -> tuple[str, ...]:
    """Of the entries of the vector, as people read them."""
    several = len(described.layers) > 1
    layers = [
        " of ".join(filter(None, (f"layer {number + 1}", described.patches[patch])))
        for patch, number in described.layers
    ]
    shared = structure.sizes[5] == 1
    named: list[str] = [
        described.phases[entry.phase].name + (f", {layers[entry.layer]}" if several else "")
        for entry in described.entries
    ]
    named += [f"area of {patch}" for patch in described.patches] if structure.sizes[1] else []
    named += [f"thickness of {layers[place]}" for place in described.finite]
    named += [f"intensity {number + 1}" for number in range(structure.sizes[3])]
    named += [f"shift of {domain}" for domain in described.domains]
    named += ["width"] if shared else [f"width of {name}" for name in regions]
    named += [f"{what} of {name}" for what in ("losses", "constant", "slope") for name in regions]
    named += [f"position of {line.line.label}" for line in described.lines]
    named += [f"sensitivity of {name}" for name in described.orbitals]
    named += ["transmission exponent"] * structure.sizes[GROUPS.index("exponents")]
    named += [f"ln counting time of {name}" for name in regions] if structure.sizes[GROUPS.index("times")] else []
    return tuple(named)
