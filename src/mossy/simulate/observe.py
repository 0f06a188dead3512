"""What can be observed of a cell at any moment: the parts of its voltage, its inventories, its film, its salt."""

from __future__ import annotations

from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.cells import PARTS, Cell, Control, Electrode, ElectrodeState, Film
from mossy.cells.film import NANOMETRE, FilmState
from mossy.numerics.bordered import default_elimination
from mossy.numerics.implicit import Rows, consistent_state
from mossy.numerics.linear import frequency_response
from mossy.numerics.rosenbrock import interpolate

Array = jax.Array
_BATCH = 1024
SIDES = ("working", "counter")


def observables(cell: Cell, state: Array) -> dict[str, Array]:
    """Every observable of one state, SI."""
    border, surfaces, parts = cell.border(state), cell.surfaces(state), cell.parts(state)
    seen = dict(zip((f"{name}_volt" for name in PARTS), parts, strict=True))
    seen |= {"voltage": jnp.sum(parts), "current": border.current}
    seen |= {"plated": border.plated, "stripped": border.stripped}
    for side in SIDES:
        electrode, values = getattr(cell, side), getattr(border, side)
        seen |= {
            f"{side}_active": electrode.active(values),
            f"{side}_dead": values.dead_charge,
            f"{side}_film_charge": values.side_charge,
            **{f"{side}_channel_{k}": charge for k, charge in enumerate(values.film.side_charge)},
            f"{side}_cracked": values.film.cracked,
            f"{side}_film_thickness": electrode.thickness(values),
            **_film(electrode.film, values.film, side),
            **_surface(electrode, values, side),
            f"{side}_film_resistance": electrode.film_resistance(values),
            f"{side}_surface_concentration": getattr(surfaces, side) * cell.electrolyte.concentration,
        }
    seen["saturation"] = cell.saturation(border)
    left = cell.additives_left(border)
    seen |= {f"additive_{k}": left[k] for k in range(left.shape[0])}
    return seen | {"balances": cell.balances(state)}


@jax.jit
def _observe(cell: Cell, states: Array) -> dict[str, Array]:
    return jax.vmap(observables, (None, 0))(cell, states)


def _film(film: Film, state: FilmState, side: str) -> dict[str, Array]:
    """Of what a film is made, SI; `outer_`: its porous layer."""
    seen = {
        f"{side}_amounts": film.amounts(state),
        f"{side}_dissolved_amounts": film.dissolved_amounts(state),
        f"{side}_dissolved": jnp.sum(state.dissolved),
        f"{side}_film_conductivity": film.conductivity(state),
        f"{side}_roughness": state.roughness,
    }
    if film.outer is not None and state.outer is not None:
        seen[f"{side}_outer_thickness"] = state.outer.thickness * NANOMETRE
        seen[f"{side}_outer_porosity"] = film.outer.porosity_of(state.outer, film.outer_solid(state))
    return seen


def _surface(electrode: Electrode, values: ElectrodeState, side: str) -> dict[str, Array]:
    """Nuclei, adsorbed layer, dead layer, and the film beside the metal, where there are any."""
    seen, active = {}, electrode.active(values)
    if electrode.nucleation is not None:
        seen[f"{side}_nuclei"] = electrode.nucleation.density(values.nuclei)
        seen[f"{side}_nucleus_radius"] = electrode.nucleation.radius(values.nuclei, active)
        seen[f"{side}_covered"] = electrode.nucleation.covered(values.nuclei, active)
    if electrode.adlayer is not None:
        seen[f"{side}_adlayer"] = values.coverage
    if electrode.buries:
        seen[f"{side}_dead_layer"] = electrode.dead_layer(values) * electrode.dead_factor
    if electrode.beside is not None and values.beside is not None:
        seen[f"{side}_beside_thickness"] = electrode.beside.thickness(values.beside)
        seen[f"{side}_beside_charge"] = jnp.sum(values.beside.side_charge)
    return seen


def observe(cell: Cell, states: np.ndarray) -> dict[str, np.ndarray]:
    """Every observable of each state, SI; evaluated in batches of one size, so that one compilation serves them all."""
    parts = []
    for first in range(0, len(states), _BATCH):
        piece = states[first : first + _BATCH]
        padded = np.concatenate([piece, np.repeat(piece[-1:], _BATCH - len(piece), axis=0)])
        seen = jax.tree.map(np.asarray, _observe(cell, padded))
        parts.append({name: values[: len(piece)] for name, values in seen.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def spectrum_of(cell: Cell, state: Array, frequency: Array, during: Array) -> Array:
    """Z of a state, ohm m2, under its current (`during`) or an instant after it is off; differentiable."""
    current = jnp.where(during, cell.border(state).current, 0.0)
    return response(cell, switched(cell, state, current), frequency)


_spectrum = jax.jit(spectrum_of)


def switched(cell: Cell, state: Array, current: Array) -> Array:
    """The state an instant after the current (A/m2) is set: the same, but for what follows the current at once."""
    control = Control(jnp.asarray(False), current)
    return consistent_state(cell, control, state, default_elimination(cell.shape))[0]


def response(cell: Cell, state: Array, frequency: Array) -> Array:
    """-dV/dJ of the cell's residual, linearised about a state: ohm m2, complex, differentiable."""
    current = cell.border(state).current

    def residual(y: Array, target: Array) -> Array:
        return cell.residual(jnp.zeros(()), y, Control(jnp.asarray(False), target))

    def output(y: Array, target: Array) -> Array:
        return cell.voltage(y)

    omega = 2.0 * jnp.pi * frequency
    return -frequency_response(residual, output, state, current, cell.mass(), omega, cell.shape)


def impedance(cell: Cell, state: Any, frequency: Any, during: bool = True) -> np.ndarray:
    """Z = -dV/dJ about a state, ohm m2, at frequencies in Hz: the residual of the simulation, linearised.

    The state may carry a direct current (or, not `during` it, has just been freed of it) and need not be steady; its
    slow drift is frozen.
    """
    return np.asarray(_spectrum(cell, jnp.asarray(state), jnp.asarray(frequency, dtype=float), jnp.asarray(during)))


@jax.jit
def _profiles(cell: Any, states: Array) -> tuple[Array, Array, Array]:
    def one(state: Array) -> tuple[Array, Array, Array]:
        positions, concentration = cell.profile(state)
        return positions, concentration, cell.velocity_profile(state)

    return jax.vmap(one)(states)


def profiles(cell: Any, states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(positions in m, concentrations in mol/m3, solvent velocity in m/s) of each state of a planar cell."""
    positions, concentrations, velocities = (np.asarray(each) for each in _profiles(cell, jnp.asarray(states)))
    return positions, concentrations, velocities


def states_at(rows: Rows, theta: np.ndarray) -> np.ndarray:
    """The states inside accepted steps: `theta` (rows, points) fractions of each step; (rows, points, n)."""
    start, end, dense = (np.asarray(each)[:, None] for each in (rows.start, rows.end, rows.dense))
    at = theta[:, :, None]
    return np.asarray(interpolate(start, end, np.moveaxis(dense, 2, 0), at))


__all__ = ["SIDES", "impedance", "observables", "observe", "profiles", "response", "spectrum_of", "states_at"]
