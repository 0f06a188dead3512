"""A trajectory as the tables people and other programs read: cycling, profiles, impedance, and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mossy.backend import jnp
from mossy.cells import PARTS, Planar
from mossy.simulate.drive import EVENTS
from mossy.simulate.films import films_of
from mossy.simulate.observe import SIDES, observe, profiles, states_at
from mossy.simulate.run import Spectrum, Trajectory

MILLIAMPERE_HOUR = 36000.0
"""C/m2 in 1 mAh/cm2."""
_INSIDE = np.array([1.0, 2.0, 3.0]) / 3.0
_PROFILED_STEPS, _PROFILES_A_STEP = 40, 4


def samples(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(time, segment, state) along a run: the start of each segment, then three moments in every step taken."""
    rows = trajectory.rows
    count = len(rows.segment)
    if not count:
        size = trajectory.cell.shape.size
        return np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, size))
    theta = np.concatenate([np.zeros((count, 1)), rows.theta[:, None] * _INSIDE], axis=1)
    first = np.concatenate([[True], rows.segment[1:] != rows.segment[:-1]])
    wanted = np.concatenate([first[:, None], np.repeat(rows.length[:, None] > 0.0, 3, axis=1)], axis=1)
    time = (rows.origin + rows.elapsed)[:, None] + theta * rows.length[:, None]
    segment = np.repeat(rows.segment[:, None], 4, axis=1)
    return np.maximum.accumulate(time[wanted]), np.asarray(segment[wanted]), states_at(rows, theta)[wanted]


def cycling_table(trajectory: Trajectory, area: float) -> pl.DataFrame:
    """The run as a cycler would have recorded it, with what a cycler cannot see."""
    time, segment, states = samples(trajectory)
    seen = observe(trajectory.cell, states) if len(states) else {}
    of = trajectory.schedule.segments
    columns: dict[str, Any] = {
        "test_time_second": time,
        "voltage_volt": seen.get("voltage", time),
        "current_ampere": -seen.get("current", time) * area,
        "cycle_count": np.array([of[s].cycle for s in segment], dtype=np.int64),
        "step_count": np.array([of[s].step_count for s in segment], dtype=np.int64),
        "step_index": np.array([of[s].step for s in segment], dtype=np.int64),
        "plating_current_density_mA_per_cm2": seen.get("current", time) / 10.0,
    }
    columns |= {f"{name}_volt": seen.get(f"{name}_volt", time) for name in PARTS}
    for side in SIDES:
        for quantity in ("active", "dead", "film_charge"):
            columns[f"{side}_{quantity}_mAh_per_cm2"] = seen.get(f"{side}_{quantity}", time) / MILLIAMPERE_HOUR
        columns[f"{side}_film_thickness_nm"] = seen.get(f"{side}_film_thickness", time) * 1e9
        columns[f"{side}_film_resistance_ohm_cm2"] = seen.get(f"{side}_film_resistance", time) * 1e4
        columns[f"{side}_surface_concentration_mol_per_L"] = seen.get(f"{side}_surface_concentration", time) / 1e3
    return pl.DataFrame(columns)


def profiles_table(trajectory: Trajectory) -> pl.DataFrame:
    """Salt (and solvent velocity, where it moves) across the separator at moments of up to forty of the steps."""
    rows, segments = trajectory.rows, trajectory.schedule.segments
    empty: dict[str, list[float]] = {"test_time_second": [], "position_um": [], "concentration_mol_per_L": []}
    if not isinstance(trajectory.cell, Planar) or not len(rows.segment):
        return pl.DataFrame(empty, schema=dict.fromkeys(empty, pl.Float64))
    steps = np.array([segments[s].step_count for s in rows.segment])
    chosen = np.unique(steps)
    if len(chosen) > _PROFILED_STEPS:
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, _PROFILED_STEPS).round().astype(int))]
    times = [0.0]
    for step in chosen:
        of = np.flatnonzero(steps == step)
        begin = rows.origin[of[0]] + rows.elapsed[of[0]]
        end = rows.origin[of[-1]] + rows.elapsed[of[-1]] + rows.theta[of[-1]] * rows.length[of[-1]]
        times += list(begin + (end - begin) * np.arange(1, _PROFILES_A_STEP + 1) / _PROFILES_A_STEP)
    return profiles_at(trajectory, np.unique(times))


def profiles_at(trajectory: Trajectory, times: np.ndarray) -> pl.DataFrame:
    """Concentration profiles of a planar cell at the times asked for, s; the end of a step belongs to that step."""
    rows, segments = trajectory.rows, trajectory.schedule.segments
    begins = rows.origin + rows.elapsed
    row = np.maximum(np.searchsorted(begins, times, side="left") - 1, 0)
    length = np.where(rows.length[row] > 0.0, rows.length[row], 1.0)
    theta = np.clip((times - begins[row]) / length, 0.0, rows.theta[row])
    picked = type(rows)(*(np.asarray(leaf)[row] for leaf in rows))
    positions, concentrations, velocities = profiles(trajectory.cell, states_at(picked, theta[:, None])[:, 0])
    points = positions.shape[1]
    of = [segments[s] for s in rows.segment[row]]
    columns = {
        "test_time_second": np.repeat(times, points),
        "label": np.repeat([f"cycle {s.cycle} step {s.step}" for s in of], points),
        "cycle_count": np.repeat([s.cycle for s in of], points),
        "step_count": np.repeat([s.step_count for s in of], points),
        "position_um": positions.ravel() * 1e6,
        "concentration_mol_per_L": concentrations.ravel() / 1e3,
    }
    if trajectory.cell.moves:  # type: ignore[attr-defined]
        columns["solvent_velocity_nm_per_second"] = velocities.ravel() * 1e9
    return pl.DataFrame(columns)


def impedance_table(spectra: Sequence[Spectrum], area: float) -> pl.DataFrame:
    """Spectra one under the other: the whole cell's ohm, and ohm cm2."""

    def column(per_spectrum: Any, kind: Any) -> pl.Series:
        values = [np.repeat(per_spectrum(s), len(s.frequency)) for s in spectra]
        return pl.Series(np.concatenate(values) if values else [], dtype=kind)

    whole = np.concatenate([s.impedance for s in spectra]) if spectra else np.zeros(0, dtype=complex)
    frequency = np.concatenate([s.frequency for s in spectra]) if spectra else np.zeros(0)
    return pl.DataFrame(
        {
            "frequency_hertz": frequency,
            "real_impedance_ohm": whole.real / area,
            "imaginary_impedance_ohm": whole.imag / area,
            "real_impedance_ohm_cm2": whole.real * 1e4,
            "imaginary_impedance_ohm_cm2": whole.imag * 1e4,
            "cycle_count": column(lambda s: s.cycle, pl.Int64),
            "step_count": column(lambda s: s.step_count, pl.Int64),
            "label": column(lambda s: s.label, pl.String),
            "test_time_second": column(lambda s: s.time, pl.Float64),
        }
    )


def summary_of(trajectory: Trajectory, area: float) -> dict[str, Any]:
    """The numbers of a run that fit on a card; every one of them finite or null."""
    rows, segments = trajectory.rows, trajectory.schedule.segments
    ends = trajectory.row_ends() if len(rows.segment) else trajectory.final[None, :]
    final = observe(trajectory.cell, ends[-1:])
    closing = np.flatnonzero(np.diff([segments[s].cycle for s in rows.segment], append=-1))
    seen = observe(trajectory.cell, ends[closing]) if len(closing) else final
    balances = np.max(seen["balances"], axis=0)
    films = films_of(trajectory, final)
    return {
        "status": trajectory.status.name.lower(),
        "message": trajectory.status.message,
        "duration_s": trajectory.time,
        "steps_taken": len(rows.segment),
        "cycles": _cycles(trajectory, seen, closing, area),
        "events": _events(trajectory, ends),
        "balances": {name: _finite(value) for name, value in zip(("charge", "salt", "metal"), balances, strict=True)}
        | {"elements": max(film.imbalance for film in films.values())},
        "interphase": {
            side: {
                "thickness_nm": _finite(final[f"{side}_film_thickness"][0] * 1e9),
                "resistance_ohm_cm2": _finite(final[f"{side}_film_resistance"][0] * 1e4),
                "film_mAh_per_cm2": _finite(final[f"{side}_film_charge"][0] / MILLIAMPERE_HOUR),
                **films[side].summary,
            }
            for side in SIDES
        },
        "dead_metal": {side: {"mAh_per_cm2": _finite(final[f"{side}_dead"][0] / MILLIAMPERE_HOUR)} for side in SIDES},
        "active_metal": {
            side: {"mAh_per_cm2": _finite(final[f"{side}_active"][0] / MILLIAMPERE_HOUR)} for side in SIDES
        },
    }


_ROUNDING = 1e-12
"""Of an additive's inventory: what is left of the last of it when it is gone."""


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cycles(
    trajectory: Trajectory, seen: dict[str, np.ndarray], closing: np.ndarray, area: float
) -> list[dict[str, Any]]:
    rows, segments, cycles = trajectory.rows, trajectory.schedule.segments, []
    strips = trajectory.schedule.stripping_cycles(int(max(rows.segment, default=-1)))
    plated = np.diff(seen["plated"], prepend=0.0) / MILLIAMPERE_HOUR
    stripped = np.diff(seen["stripped"], prepend=0.0) / MILLIAMPERE_HOUR
    for place, row in enumerate(closing):
        segment = segments[rows.segment[row]]
        whole = plated[place] > 0.0 and (stripped[place] > 0.0 or segment.cycle in strips)
        efficiency = float(stripped[place] / plated[place]) if whole else None
        cycles.append(
            {
                "cycle": segment.cycle,
                "plated_mAh_per_cm2": float(plated[place]),
                "stripped_mAh_per_cm2": float(stripped[place]),
                "coulombic_efficiency": efficiency,
                "film_mAh_per_cm2": _both(seen, "film_charge", place),
                "dead_mAh_per_cm2": _both(seen, "dead", place),
                **_additives(trajectory, seen, place, area),
                "end": _kind(segment, int(rows.ended[row])),
            }
        )
    return cycles


def _both(seen: dict[str, np.ndarray], quantity: str, place: int) -> float:
    """On both electrodes together, mAh/cm2, since the start of the run."""
    return float(sum(seen[f"{side}_{quantity}"][place] for side in SIDES)) / MILLIAMPERE_HOUR


def _additives(trajectory: Trajectory, seen: dict[str, np.ndarray], place: int, area: float) -> dict[str, Any]:
    """What is left of each additive: a fraction, mol per cm2 of electrode, and mol in the cell."""
    names = trajectory.cell.additive_names
    if not names:
        return {}
    amounts = np.asarray(trajectory.cell.additives)
    left = [float(seen[f"additive_{k}"][place]) for k in range(len(names))]
    left = [0.0 if abs(share) < _ROUNDING else share for share in left]
    return {
        "additives": {
            name: {
                "fraction_left": left[k],
                "left_mol_per_cm2": float(left[k] * amounts[k] * 1e-4),
                "left_mol": float(left[k] * amounts[k] * area),
            }
            for k, name in enumerate(names)
        }
    }


def _kind(segment: Any, ended: int) -> str:
    if ended > 0:
        return EVENTS[ended - 1]
    if segment.mode == "impedance" and ended == 0:
        return "impedance"
    return "time" if ended == 0 else "unfinished"


def _events(trajectory: Trajectory, ends: np.ndarray) -> list[dict[str, Any]]:
    """How each step ended: when, by what, at which electrode where one is to blame."""
    rows, segments, events = trajectory.rows, trajectory.schedule.segments, []
    for row in np.flatnonzero(rows.ended >= 0):
        index, ended = int(rows.segment[row]), int(rows.ended[row])
        segment = segments[index]
        if ended == 0 and segment.next_step != index + 1:
            continue  # a pulse goes on
        kind = _kind(segment, ended)
        events.append(
            {
                "kind": kind,
                "time_s": float(rows.origin[row] + rows.elapsed[row] + rows.theta[row] * rows.length[row]),
                "electrode": _to_blame(trajectory, kind, ends[row]),
                "step": segment.step,
                "cycle": segment.cycle,
                "step_count": segment.step_count,
                "text": segment.text,
            }
        )
    return events


def _to_blame(trajectory: Trajectory, kind: str, state: np.ndarray) -> str | None:
    if kind == "depletion":
        surfaces = trajectory.cell.surfaces(jnp.asarray(state))
        return "working" if float(surfaces.working) <= float(surfaces.counter) else "counter"
    if kind == "exhausted":
        return "working" if float(trajectory.cell.border(jnp.asarray(state)).current) < 0.0 else "counter"
    return None
