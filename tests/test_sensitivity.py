"""Derivatives against Taylor's theorem: what is left after the linear term falls with the square of the step."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import mossy
from mossy.backend import jax, jnp
from mossy.case import Case, parse_case, sensitivity

ISOLATED = "working.dead_metal.isolated_fraction"
KINETICS = "working.kinetics.exchange_current_density"
FILM = "working.interphase.conductivity"
PATHS = (ISOLATED, KINETICS, FILM)


def copper(model: str = "point", **others: Any) -> Case:
    return parse_case(
        {
            "cell": {"working": "copper", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7", "model": model},
            "working": {
                "interphase": {
                    "growth": "solvent_diffusion",
                    "solvent_diffusivity": "1e-19 m^2/s",
                    "conductivity": "1e-6 S/m",
                },
                "kinetics": {"exchange_current_density": "1 mA/cm^2"},
                "dead_metal": {"isolated_fraction": 0.05},
            },
            "protocol": {
                "repeat": 2,
                "steps": ["plate 1 mA/cm^2 for 0.2 mAh/cm^2", "rest for 5 min", "strip 1 mA/cm^2 until 0.3 V"],
            },
            "impedance": {"at": ["start", "cycle 2 step 1 during"], "frequencies": "100 kHz to 1 Hz, 1 per decade"},
            "numerics": {"nodes": 20},
        }
        | others
    )


def gathered(run: mossy.Run, time: np.ndarray) -> dict[str, np.ndarray]:
    """What `Sensitivities` holds, of a plain run, its voltages at given times."""
    from mossy.simulate.observe import observe, states_at

    rows, trajectory = run.trajectory.rows, run.trajectory
    begins = rows.origin + rows.elapsed
    row = np.maximum(np.searchsorted(begins, time, side="left") - 1, 0)
    length = np.where(rows.length[row] > 0.0, rows.length[row], 1.0)
    theta = np.clip((time - begins[row]) / length, 0.0, rows.theta[row])
    picked = type(rows)(*(np.asarray(leaf)[row] for leaf in rows))
    return {
        "voltage": observe(trajectory.cell, states_at(picked, theta[:, None])[:, 0])["voltage"],
        "end_time": np.array([event["time_s"] for event in run.summary["events"]]),
        "efficiency": np.array([cycle["coulombic_efficiency"] for cycle in run.summary["cycles"]]),
        "spectra": np.array([spectrum.impedance for spectrum in run.spectra]),
    }


@functools.cache
def slopes_of_copper() -> sensitivity.Sensitivities:
    return mossy.sensitivities(copper(), PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_derivatives_obey_taylor(path: str):
    """Cut-off times, efficiencies and spectra: the remainder is of second order in the step, and small."""
    found = slopes_of_copper()
    case = copper().with_tolerance(1e-8)  # as sensitivities themselves run
    before, slopes = gathered(found.run, found.time), found.by[path]
    value = case.value_at(path)
    remainders: dict[str, list[float]] = {}
    for share in (0.02, 0.01):
        after = gathered(mossy.run(case.with_value(path, value * (1.0 + share))), found.time)  # type: ignore[arg-type]
        for name, slope in (
            ("end_time", slopes["end_time"]),
            ("efficiency", slopes["cycles"]["coulombic_efficiency"]),
            ("spectra", slopes["spectra"]),
        ):
            linear = share * value * slope
            left = np.abs(after[name] - before[name] - linear).max()
            remainders.setdefault(name, []).append(left / max(np.abs(before[name]).max(), 1e-30))
    for name, (double, single) in remainders.items():
        # 4 for a second-order remainder, unless there is nothing but the integrator's own error left
        assert single < 2e-8 or double / single > 3.0, name
        assert single < 1e-3, name


@pytest.mark.parametrize("model", ["point", pytest.param("planar", marks=pytest.mark.slow)])
def test_derivatives_are_finite_everywhere(model: str):
    """Step rejections, cut-offs, rests at zero current."""
    found = slopes_of_copper() if model == "point" else mossy.sensitivities(copper(model), PATHS)
    for path in PATHS:
        for name in ("voltage", "end_time", "spectra"):
            assert np.all(np.isfinite(found.by[path][name])), (path, name)
        assert np.abs(found.by[path]["voltage"]).max() > 0.0
    cutoffs = found.by[ISOLATED]["end_time"][2::3]
    # what is isolated is not there to be stripped: each later, and the first by 0.2 mAh/cm2 at 1 mA/cm2
    assert cutoffs[0] == pytest.approx(-720.0, rel=2e-2)


def test_voltages_move_as_ohm_says():
    """A film of another conductivity: dV/d kappa = J L/kappa^2 while plating, at times held fixed."""
    still = copper(working={"interphase": {"growth": "none", "initial_thickness": "10 nm"}})
    found = mossy.sensitivities(still, [FILM])
    plating = np.abs(found.time - 300.0).argmin()
    slope = found.by[FILM]["voltage"][plating]
    assert slope == pytest.approx(10.0 * 10e-9 / 1e-12, rel=1e-5)


@pytest.mark.parametrize("model", ["point", pytest.param("planar", marks=pytest.mark.slow)])
def test_backwards_is_forwards(model: str):
    """One pass backwards gives of voltages, a cut-off's time, an efficiency, impedances what the forward one gives."""
    case = copper(model, protocol={"steps": HOLDING, "repeat": 2})
    found = mossy.sensitivities(case, PATHS)
    at, _, (predict, recorded) = sensitivity._prepared(case, PATHS)

    def parts(values: Any) -> Any:
        said = predict(values, recorded)
        efficiency, impedance = said.cycles["coulombic_efficiency"][-1], jnp.sum(jnp.abs(said.spectra) ** 2)
        return jnp.stack([jnp.sum(said.voltage**2), said.end_time[-2], efficiency, impedance])

    backwards = jax.jit(jax.jacrev(parts))(at)
    for k, path in enumerate(PATHS):
        slope = found.by[path]
        wanted = (
            np.sum(2.0 * found.voltage * slope["voltage"]),
            slope["end_time"][-2],
            slope["cycles"]["coulombic_efficiency"][-1],
            np.sum(2.0 * (np.conj(found.spectra) * slope["spectra"]).real),
        )
        # an efficiency hardly feels kinetics and conductivity: rounding leaves its slopes five digits
        for part, (got, value) in enumerate(zip(backwards[:, k], wanted, strict=True)):
            assert float(got) == pytest.approx(float(value), rel=1e-4 if part == 2 else 1e-7), (path, part)


HOLDING = [
    "plate 1 mA/cm^2 for 0.2 mAh/cm^2",
    "hold -0.05 V for 5 min",
    "rest for 5 min",
    "strip 1 mA/cm^2 until 0.3 V",
    "rest for 1 min",
]


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (lambda found: found.voltage, "array of shape"),
        (lambda found: 1, "type int"),
        (lambda found: None, "failed"),
        (lambda found: float(found.voltage[0]), "plain numbers"),
    ],
)
def test_an_objective_that_is_no_scalar_is_refused(objective: Any, said: str):
    def refused(voltage: Any) -> Any:
        return sensitivity._scalar(objective, sensitivity.Predicted(voltage, voltage, voltage, {}, voltage))

    with pytest.raises(mossy.InputError, match=said):
        jax.eval_shape(refused, jnp.ones(3))


def test_an_objective_that_is_not_finite_is_refused():
    short = parse_case(
        {
            "cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7", "model": "point"},
            "protocol": {"steps": ["plate 1 mA/cm^2 for 10 min"]},
        }
    )
    with pytest.raises(mossy.InputError, match="is nan"):
        mossy.gradient(short, [KINETICS], lambda found: found.voltage[0] * jnp.nan)


def test_a_slope_of_a_film_is_as_exact_as_the_run():
    """At the default tolerance, where the derivative of the run's own steps is 4 % off."""
    slope = slopes_of_copper().by[ISOLATED]["cycles"]["working_film_thickness"][-1]
    batch = mossy.run_batch(copper(), {ISOLATED: [0.048, 0.052]})
    assert slope == pytest.approx(np.diff(batch.final["working_film_thickness"])[0] / 0.004, rel=5e-3)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["working.kinetics.exchange_current"], "exchange_current_density"),
        (["numerics.nodes"], "varied"),
        (["working.metal_thickness"], "nothing is said"),
        ("working.metal_thickness", "give a list"),
        (["protocol.values.current"], "of the protocol"),
    ],
)
def test_what_has_no_derivative_is_refused(paths: list[str], said: str):
    with pytest.raises(mossy.InputError) as refusal:
        mossy.sensitivities(copper(), paths)
    assert said in str(refusal.value)
