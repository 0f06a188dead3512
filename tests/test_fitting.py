"""Fits of a case: what may be free, what a fit says of what it cannot know, and what an interrupt leaves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mossy
from cells_for_tests import case, electrode
from mossy.backend import jax, jnp
from mossy.case import Case
from mossy.case.fitting import check_fit, fit, free_parameters
from mossy.case.measured import targets_of
from mossy.errors import InputError
from mossy.numerics.implicit import Rows
from mossy.simulate.run import step_segments

EXCHANGE = "working.kinetics.exchange_current_density"
CAPACITANCE = "working.kinetics.double_layer_capacitance"
START = {"initial": "1 mA/cm^2", "bounds": ["0.1 mA/cm^2", "50 mA/cm^2"]}
PLATE = ["plate 1 mA/cm^2 for 10 s"]
PULSE = ["plate 1 mA/cm^2 for 10 s", "pulse 100 mA/cm^2 10 s on 10 s off for 10 min or until -0.1 V", "rest for 1 min"]
SWEEP = "10 kHz to 1 Hz, 3 per decade"


def fitted_case(parameters: dict[str, Any], folder: Path | None = None, steps: Any = PLATE, **data: Any) -> Case:
    """A case with a [fit] table of these parameters and one spectrum, which need not be there."""
    table = {"kind": "impedance", "file": "spectrum.csv", **data}
    return case(steps, fit={"data": [table], "parameters": parameters}, folder=folder)


def write_spectrum(folder: Path, steps: Any, at: str, **tables: Any) -> None:
    """What the model itself says at a point of a protocol, with 3 mA/cm2 exchange current density."""
    working = electrode(kinetics={"exchange_current_density": "3 mA/cm^2"})
    made = case(steps, working=working, impedance={"at": [at], "frequencies": SWEEP}, **tables)
    (spectrum,) = mossy.run(made).spectra
    lines = ["frequency_hertz,real_impedance_ohm,imaginary_impedance_ohm"]
    values = spectrum.impedance / made.cell.area
    lines += [f"{f!r},{z.real!r},{z.imag!r}" for f, z in zip(spectrum.frequency.tolist(), values.tolist(), strict=True)]
    (folder / "spectrum.csv").write_text("\n".join([*lines, ""]))


# what may be free


@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("numerics.nodes", {"initial": 50, "bounds": [10, 100]}),
        ("numerics.relative_tolerance", {"initial": 1e-6, "bounds": [1e-8, 1e-4]}),
        ("fit.maximum_iterations", {"initial": 50, "bounds": [10, 100]}),
        ("fit.data.0.sweep", {"initial": 1.5, "bounds": [1, 2]}),
        ("cell.area", {"initial": "1 cm^2", "bounds": ["0.5 cm^2", "2 cm^2"]}),
        ("electrolyte.cation_charge", {"initial": 1, "bounds": [0.5, 2]}),
        ("electrolyte.anion_charge", {"initial": -1, "bounds": [-2, -0.5]}),
        ("electrolyte.cation", {"initial": 1, "bounds": [0.5, 2]}),
        ("electrolyte.additives", {"initial": 1, "bounds": [0.5, 2]}),
        ("title", {"initial": 1, "bounds": [0.5, 2]}),
    ],
)
def test_only_numbers_of_the_cell_can_be_fitted(path: str, start: dict[str, Any]):
    with pytest.raises(InputError) as refusal:
        fitted_case({path: start})
    assert refusal.value.key == f'fit.parameters."{path}"'
    assert "can be varied" in refusal.value.problem
    assert "[cell], [electrolyte], [working], [counter]" in refusal.value.remedy


@pytest.mark.parametrize(
    ("path", "start", "said"),
    [
        ("cell.separator.porosity", {"initial": 0.4, "bounds": [0.1, 1.5]}, "1.5 is too large; it must be at most 1"),
        (
            "working.kinetics.symmetry",
            {"initial": 0.5, "bounds": [0, 0.9]},
            "0.0 is too small; it must be at least 0.01",
        ),
        (EXCHANGE, START | {"bounds": ["-1 mA/cm^2", "9 mA/cm^2"]}, "-1 mA/cm^2 is too small; it must be more than 0"),
        ("electrolyte.transference_number", {"initial": 0.4, "bounds": [0.1, 1.2]}, "1.2 is too large"),
        (
            "electrolyte.diffusivity",
            {"initial": "1e-10 m^2/s", "bounds": ["0 m^2/s", "1e-9 m^2/s"]},
            "0 m^2/s is too small",
        ),
    ],
)
def test_bounds_stay_within_what_the_key_allows(path: str, start: dict[str, Any], said: str):
    with pytest.raises(InputError) as refusal:
        fitted_case({path: start})
    assert str(refusal.value).startswith(f'fit.parameters."{path}": {said}')
    assert not str(refusal.value).endswith(" ")


def test_tied_parameters_share_unit_and_limits():
    with pytest.raises(InputError, match=r"also: .* is in F/m\^2, the parameter in A/m\^2; tie only"):
        fitted_case({EXCHANGE: START | {"also": [CAPACITANCE]}})
    porosity = {"initial": 0.5, "bounds": [0.1, 2.0]}
    with pytest.raises(InputError, match=r"also: for working.kinetics.symmetry, 2.0 is too large"):
        fitted_case({"working.interphase.metal_per_formula": porosity | {"also": ["working.kinetics.symmetry"]}})
    with pytest.raises(InputError, match="would take two values at once"):
        fitted_case({EXCHANGE: START | {"also": [EXCHANGE]}})


def test_what_may_be_free_still_is():
    """Constants, coefficients, values that are not given yet, and energies in either unit."""
    made = fitted_case(
        {
            "electrolyte.transference_number": {"initial": 0.3, "bounds": [-0.5, 0.9]},
            "working.metal_thickness": {"initial": "20 um", "bounds": ["1 um", "50 um"]},
            "working.kinetics.reorganisation_energy": {"initial": "0.2 eV", "bounds": ["10 kJ/mol", "1 eV"]},
        }
    )
    free = free_parameters(made)
    assert free.units == ["1", "m", "J/mol"]
    np.testing.assert_allclose(free.initial[1:], [20e-6, 0.2 * 96485.33212], rtol=1e-9)
    np.testing.assert_allclose(free.lower, [-0.5, 1e-6, 1e4])


def test_the_measurements_are_looked_for_only_by_the_fit(tmp_path: Path):
    made = fitted_case({EXCHANGE: START}, tmp_path)
    assert mossy.run(made).summary["status"] == "done"
    with pytest.raises(InputError, match="there is no file"):
        check_fit(made)


# what it says


def test_what_no_parameter_acts_on_has_no_standard_error(tmp_path: Path):
    write_spectrum(tmp_path, PLATE, "start")
    report = fit(fitted_case({EXCHANGE: START}, tmp_path)).report
    assert report["converged"]
    assert report["parameters"][EXCHANGE]["value"] == pytest.approx(30.0, rel=1e-6)
    derived = report["derived"]
    assert derived["ohmic_ohm_cm2"]["value"] > 0.0
    assert derived["ohmic_ohm_cm2"]["standard_error"] is None
    assert derived["films_ohm_cm2"]["standard_error"] is None
    assert derived["charge_transfer_ohm_cm2"]["standard_error"] is not None


@pytest.mark.parametrize("at", ["cycle 1 step 2", "cycle 1 step 2 during"])
def test_a_spectrum_after_a_pulse_that_a_voltage_ends_can_be_fitted(tmp_path: Path, at: str):
    write_spectrum(tmp_path, PULSE, at)
    outcome = fit(fitted_case({EXCHANGE: START}, tmp_path, PULSE, at=at))
    assert outcome.report["converged"], outcome.report
    assert outcome.report["parameters"][EXCHANGE]["value"] == pytest.approx(30.0, rel=1e-4)
    (shown,) = outcome.comparisons
    np.testing.assert_allclose(shown["modelled_real"], shown["measured_real"], rtol=1e-4)


def test_a_moment_that_never_came_is_no_number(tmp_path: Path):
    """Not the start of the run: a target that was not reached is NaN, and the fit says so."""
    write_spectrum(tmp_path, PLATE, "end")
    made = fitted_case({EXCHANGE: START}, tmp_path, at="end")
    (target,) = targets_of(made)
    rows = mossy.run(made).trajectory.rows
    unfinished = Rows(*(jnp.asarray(leaf)[:-1] for leaf in rows))
    assert np.isfinite(target.predict(made.build(), jax.tree.map(jnp.asarray, rows))).all()
    assert np.isnan(target.predict(made.build(), unfinished)).all()
    nowhere = dataclasses.replace(target, segments=(7,))
    assert np.isnan(nowhere.predict(made.build(), jax.tree.map(jnp.asarray, rows))).all()


def test_the_segments_of_a_step():
    schedule = case([*PLATE, "pulse 1 mA/cm^2 1 s on 1 s off for 4 s", "rest for 1 s"]).schedule
    assert step_segments(schedule, 0, False) == (0,)
    assert step_segments(schedule, 4, False) == (1, 2, 3, 4)
    assert step_segments(schedule, 3, True) == (1, 3)
    assert step_segments(schedule, 5, True) == (5,)


# interrupts


def test_an_interrupt_keeps_the_best_found(tmp_path: Path):
    write_spectrum(tmp_path, PLATE, "start")
    seen: list[int] = []

    def impatient(time: float, iteration: int, iterations: int) -> None:
        seen.append(iteration)
        if iteration == 2:
            raise KeyboardInterrupt

    outcome = fit(fitted_case({EXCHANGE: START}, tmp_path), impatient)
    assert seen == [0, 1, 2]
    report = outcome.report
    assert (report["status"], report["converged"]) == ("interrupted", False)
    assert report["message"] == "fit not converged: interrupted after 2 iterations"
    assert report["notes"][0].startswith("interrupted")
    assert abs(report["parameters"][EXCHANGE]["value"] - 30.0) < 20.0  # it began at 10
    assert outcome.run is not None
    assert outcome.run.summary["status"] == "done"
    assert len(outcome.comparisons) == 1
