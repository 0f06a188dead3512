"""What the cycler asks for is what the cell gets: charges, durations and limits are exact, holds find their current."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cells_for_tests import (
    DIFFUSIVITY,
    FACTOR,
    MILLIAMPERE_HOUR,
    SEPARATOR_RESISTANCE,
    TEMPERATURE,
    THERMAL,
    THICKNESS,
    TRANSFERENCE,
    electrode,
    final,
    kinds,
    polynomials,
    simulate,
)
from mossy.laws import transport
from mossy.numerics.status import Status

QUICK = {"exchange_current_density": "1e6 A/m^2"}


def charge(run) -> float:
    """Net charge plated, C/m2."""
    end = final(run)
    return end["plated"] - end["stripped"]


def test_a_step_by_time_takes_its_time_and_charge():
    run = simulate(["plate 1.3 mA/cm^2 for 17 min", "strip 0.7 mA/cm^2 for 333 s"])
    assert [event["time_s"] for event in run.summary["events"]] == pytest.approx([1020.0, 1353.0], rel=1e-13)
    end = final(run)
    assert end["plated"] == pytest.approx(13.0 * 1020.0, rel=1e-12)
    assert end["stripped"] == pytest.approx(7.0 * 333.0, rel=1e-12)


def test_a_step_by_capacity_ends_on_it():
    run = simulate(["plate 2 mA/cm^2 for 0.123 mAh/cm^2", "strip 2 mA/cm^2 for 0.1 mAh/cm^2 or for 1 h"])
    assert kinds(run) == ["capacity", "capacity"]
    end = final(run)
    # located on dense output: the event's own precision, 1e-13 of a step
    assert end["plated"] / MILLIAMPERE_HOUR == pytest.approx(0.123, rel=1e-11)
    assert end["stripped"] / MILLIAMPERE_HOUR == pytest.approx(0.1, rel=1e-11)
    assert run.summary["events"][-1]["time_s"] == pytest.approx(0.223 / 2.0 * 3600.0, rel=1e-11)


def test_a_step_by_voltage_ends_on_it():
    run = simulate(
        ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 until 0.8 V", "plate 1 mA/cm^2 until -0.12 V or for 1 h"],
        cell={"working": "copper"},
    )
    assert kinds(run) == ["time", "voltage", "voltage"]
    event = run.summary["events"][1]
    at = np.argmin(np.abs(run.cycling["test_time_second"].to_numpy() - event["time_s"]))
    assert run.cycling["voltage_volt"][int(at)] == pytest.approx(0.8, abs=1e-9)
    assert run.cycling["voltage_volt"][-1] == pytest.approx(-0.12, abs=1e-9)


def test_pulses_carry_the_charge_of_their_on_times():
    run = simulate(["pulse 2 mA/cm^2 1 s on 3 s off for 42.5 s"])
    assert charge(run) == pytest.approx(20.0 * 11.0, rel=1e-12)
    assert run.summary["events"][-1]["time_s"] == pytest.approx(42.5, rel=1e-13)
    assert len(run.summary["events"]) == 1
    strips = simulate(["pulse strip 2 mA/cm^2 1 s on 3 s off for 0.0125 mAh/cm^2"])
    assert kinds(strips) == ["capacity"]
    assert charge(strips) == pytest.approx(-450.0, rel=1e-11)
    assert strips.summary["events"][-1]["time_s"] == pytest.approx(22 * 4.0 + 0.5, rel=1e-11)


def test_a_hold_settles_at_its_voltage_over_the_resistance():
    """Butler-Volmer at J0 = 1e6 A/m2 is a resistance RT/(F J0) to (J/J0)^2 = 1e-11."""
    side = electrode(kinetics=QUICK)
    contact = {"contact_resistance": "2 ohm cm^2"}
    run = simulate(["hold -50 mV for 10 s"], working=side, counter=side, cell=contact)
    resistance = SEPARATOR_RESISTANCE + 2e-4 + 2.0 * (5e-3 + THERMAL / 1e6)
    assert run.cycling["plating_current_density_mA_per_cm2"][-1] == pytest.approx(5.0 / resistance / 1e3, rel=1e-8)
    assert run.cycling["voltage_volt"].to_numpy() == pytest.approx(-0.05, abs=1e-12)


def test_a_hold_ends_when_its_current_has_fallen():
    """One RC: the film's. I(t) = V/R_s [R_s/R + (1 - R_s/R) e^(-t/tau)], tau = C R_s R_f/(R_s + R_f)."""
    still = electrode(
        kinetics=QUICK | {"double_layer_capacitance": "0 F/m^2"},
        interphase={"relative_permittivity": 0, "conductivity": "1e6 S/m"},
    )
    film = electrode(
        kinetics=QUICK | {"double_layer_capacitance": "0 F/m^2"}, interphase={"relative_permittivity": 1e6}
    )
    run = simulate(["hold -10 mV until 0.5 mA/cm^2"], working=film, counter=still)
    assert kinds(run) == ["current"]
    ohmic, slow = SEPARATOR_RESISTANCE + 2.0 * THERMAL / 1e6 + 5e-15, 5e-3
    share = ohmic / (ohmic + slow)
    tau = 8.8541878128e-12 * 1e6 / 5e-9 * ohmic * slow / (ohmic + slow)
    time = tau * math.log((1.0 - share) / (5.0 * ohmic / 0.01 - share))
    assert run.summary["events"][-1]["time_s"] == pytest.approx(time, rel=1e-5)
    assert run.cycling["plating_current_density_mA_per_cm2"][-1] == pytest.approx(0.5, rel=1e-9)


def test_a_small_hold_falls_by_newmans_number():
    """I_ss/I_0 = 1/(1 + Ne), Ne = 2 kappa R T (1 - t+)^2 chi/(F^2 D c): Balsara and Newman. At 1 mV the concentrations
    move by 2 %, whose square is what the linear law leaves out. At the first instant the wall's slope stands for a
    diffusion layer of half a volume: half a percent."""
    side = electrode(
        kinetics={"exchange_current_density": "1e9 A/m^2", "double_layer_capacitance": "0 F/m^2"},
        interphase={"conductivity": "1e6 S/m", "relative_permittivity": 0},
    )
    run = simulate(["hold -1 mV for 10 min"], model="planar", electrolyte=polynomials(), working=side, counter=side)
    current = run.cycling["plating_current_density_mA_per_cm2"].to_numpy() * 10.0
    newman = (
        transport.concentration_resistance(THICKNESS, 1000.0, DIFFUSIVITY * FACTOR, TEMPERATURE, TRANSFERENCE)
        / SEPARATOR_RESISTANCE
    )
    assert current[0] == pytest.approx(1e-3 / SEPARATOR_RESISTANCE, rel=1e-2)
    assert current[-1] * SEPARATOR_RESISTANCE / 1e-3 == pytest.approx(1.0 / (1.0 + float(newman)), rel=1e-4)


def test_current_from_a_file_carries_the_files_charge(tmp_path):
    """Between its points the current is a straight line: the trapezoidal rule is its integral."""
    times, currents = np.array([0.0, 10.0, 40.0, 70.0, 100.0]), np.array([0.0, 1.0, 3.0, -2.0, 0.0])
    rows = "\n".join(f"{t},{j}" for t, j in zip(times, currents, strict=True))
    (tmp_path / "ramp.csv").write_text(f"time / s,plating current / mA/cm^2\n{rows}\n")
    step = "current from ramp.csv columns 1 in s and 2 in mA/cm^2 positive plates"
    run = simulate([step], folder=tmp_path)
    assert run.status == Status.DONE
    exact = np.trapezoid(10.0 * currents, times)
    # the ramp's kinks lie inside steps, whose error control holds the charge to the tolerance
    assert charge(run) == pytest.approx(exact, rel=1e-6)
    at = run.cycling["test_time_second"].to_numpy()
    found = run.cycling["plating_current_density_mA_per_cm2"].to_numpy()
    # the dense output rounds the kinks off over the step they lie in
    np.testing.assert_allclose(found, np.interp(at, times, currents), rtol=0, atol=3e-3)


def test_an_impedance_step_takes_no_time_and_gives_the_resting_cell():
    run = simulate(["rest for 1 s", "impedance", "plate 1 mA/cm^2 for 10 s", "impedance", "rest for 1 s"])
    assert kinds(run) == ["time", "impedance", "time", "impedance", "time"]
    assert run.summary["duration_s"] == pytest.approx(12.0, rel=1e-13)
    assert [each.label for each in run.spectra] == ["cycle 1 step 2", "cycle 1 step 4"]
    assert [each.time for each in run.spectra] == pytest.approx([1.0, 11.0], rel=1e-12)
    resting = SEPARATOR_RESISTANCE + 2.0 * (5e-3 + THERMAL / 20.0)
    assert run.spectra[0].impedance[-1].real == pytest.approx(resting, rel=1e-4)  # at 10 mHz


def test_blocks_repeat_inside_the_protocol():
    block = {"repeat": 3, "steps": ["plate 1 mA/cm^2 for 1 min", "strip 0.5 mA/cm^2 for 1 min"]}
    run = simulate(["plate 1 mA/cm^2 for 1 h", block, "rest for 1 min"])
    cycles = run.summary["cycles"]
    assert [cycle["cycle"] for cycle in cycles] == [1, 2, 3, 4, 5]
    assert [cycle["coulombic_efficiency"] for cycle in cycles[1:4]] == pytest.approx([0.5] * 3, rel=1e-10)
    assert cycles[-1]["coulombic_efficiency"] is None
