"""Where the metal goes: Coulombic efficiency, dead metal, exhausted electrodes, bare copper, corrosion at rest."""

from __future__ import annotations

import numpy as np
import pytest

from cells_for_tests import MILLIAMPERE_HOUR, THERMAL, electrode, final, kinds, simulate
from mossy import materials
from mossy.laws.constants import FARADAY
from mossy.numerics.status import Status

COPPER = {"working": "copper"}
PLATE = "plate 1 mA/cm^2 for 1 h"
CAPACITANCE = 0.1
MOLAR_VOLUME = float(materials.metal("lithium").molar_volume)
GROWING = {"growth": "solvent_diffusion", "solvent_diffusivity": "1e-18 m^2/s"}


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.5, 0.9])
def test_without_a_film_reaction_the_efficiency_is_what_does_not_get_isolated(fraction):
    """CE = 1 - f, but for the charge C (1 V) that every half cycle spends on the double layer and gets back whole, and
    for the last Q* of metal, which dissolves without leaving any behind: f Q* ln(Q/Q*), a millionth."""
    side = electrode(isolated_fraction=fraction)
    run = simulate([PLATE, "strip 1 mA/cm^2 until 1 V"], repeat=3, cell=COPPER, working=side)
    assert kinds(run) == ["time", "voltage"] * 3
    last = run.summary["cycles"][-1]
    exact = 1.0 - fraction * (1.0 - CAPACITANCE / MILLIAMPERE_HOUR)
    assert last["coulombic_efficiency"] == pytest.approx(exact, abs=1e-6)
    dead = run.summary["dead_metal"]["working"]["mAh_per_cm2"]
    assert dead == pytest.approx(3.0 * fraction, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("capacitance", ["0 F/m^2", "1e-6 F/m^2", "0.1 F/m^2"])
@pytest.mark.parametrize("fraction", [0.0, 0.9])
def test_stripping_for_longer_than_there_is_metal_ends_exhausted(capacitance, fraction):
    side = electrode(kinetics={"double_layer_capacitance": capacitance}, isolated_fraction=fraction)
    run = simulate([PLATE, "strip 1 mA/cm^2 for 2 h"], repeat=2, cell=COPPER, working=side)
    assert run.status == Status.DONE
    assert kinds(run) == ["time", "exhausted"] * 2
    assert [event["electrode"] for event in run.summary["events"]] == [None, "working"] * 2
    # the time: metal there is, plus the double layer's few volts; 1e-4 of the step is far below either doubt
    assert run.summary["events"][1]["time_s"] == pytest.approx(3600.0 * (2.0 - fraction), rel=1e-4)
    assert max(run.summary["balances"].values()) < 1e-12
    assert run.trajectory.cell.working.active(run.trajectory.cell.border(run.trajectory.final).working) < 2e-5


@pytest.mark.parametrize("current", [1.0, 100.0, 1000.0])
def test_a_thin_counter_electrode_is_exhausted_when_its_metal_is_gone(current):
    """1 um of lithium holds F/V_m x 1 um; then the double layer takes C x (5 V + the overpotential of Tafel's law)."""
    run = simulate([f"plate {current} A/m^2 for 10 h"], counter=electrode(metal_thickness="1 um"))
    event = run.summary["events"][-1]
    assert run.status == Status.DONE
    assert (event["kind"], event["electrode"]) == ("exhausted", "counter")
    charge = event["time_s"] * current
    assert 0.0 < charge - 1e-6 * FARADAY / MOLAR_VOLUME < CAPACITANCE * 6.0
    assert max(run.summary["balances"].values()) < 1e-12


def test_thick_metal_is_not_exhausted():
    run = simulate(["plate 1 mA/cm^2 for 50 h"])
    assert kinds(run) == ["time"]
    left = run.summary["active_metal"]["counter"]["mAh_per_cm2"]
    assert left == pytest.approx(250e-6 * FARADAY / MOLAR_VOLUME / MILLIAMPERE_HOUR - 50.0, abs=1e-6)


def test_a_voltage_already_passed_ends_the_step_at_once():
    run = simulate(["strip 1 mA/cm^2 until -1 V", "plate 1 mA/cm^2 until 0.5 V", "rest for 1 min"])
    assert kinds(run) == ["voltage", "voltage", "time"]
    assert [event["time_s"] for event in run.summary["events"]] == pytest.approx([0.0, 0.0, 60.0], abs=1e-12)
    assert run.summary["cycles"][0]["coulombic_efficiency"] is None


def test_copper_starts_where_it_is_put_and_metal_does_not():
    for potential in (1.5, 0.7):
        run = simulate(["rest for 1 s"], cell=COPPER, working=electrode(initial_potential=f"{potential} V"))
        assert run.cycling["voltage_volt"][0] == pytest.approx(potential, rel=1e-12)
    plated = electrode(initial_potential="1.5 V", metal_thickness="1 um")
    assert simulate(["rest for 1 s"], cell=COPPER, working=plated).cycling["voltage_volt"][0] == 0.0


def test_without_current_bare_copper_rises_until_the_solvent_is_no_longer_reduced():
    """C dphi/dt = j(phi) = j0/(1 + e^{(phi - U)/v}), v = RT/F: (phi - phi0)/v + e^{(phi-U)/v} - e^{(phi0-U)/v} =
    j0 t/(C v). The 1e-3 that is allowed for is the film's growth, which j0 follows, and traces of metal."""
    side = electrode(interphase=GROWING, initial_potential="0.35 V")
    run = simulate(["rest for 1 h"], cell=COPPER, working=side)
    volt, time = run.cycling["voltage_volt"].to_numpy(), run.cycling["test_time_second"].to_numpy()
    assert np.all(np.diff(volt) > -1e-9)
    j0 = FARADAY * 1e-18 * 2636.0 / 5e-9
    x = (volt - 0.4) / THERMAL
    implied = (x - x[0] + np.exp(x) - np.exp(x[0])) * CAPACITANCE * THERMAL / j0
    late = time > 1.0
    np.testing.assert_allclose(np.log(implied[late]), np.log(time[late]), rtol=0, atol=0.03)
    # ten times longer lifts the potential by v ln 10, 59 mV: the reaction has all but stopped
    tenth = np.interp(360.0, time, volt)
    assert volt[-1] - tenth == pytest.approx(THERMAL * np.log(10.0), rel=0.01)


def test_bare_copper_at_a_high_potential_stays_there():
    run = simulate(["rest for 1 h"], cell=COPPER, working=electrode(interphase=GROWING))
    volt = run.cycling["voltage_volt"].to_numpy()
    # at 1.5 V the reaction is e^-43 of its 0.05 A/m2
    assert volt == pytest.approx(1.5, abs=1e-9)
    assert run.summary["interphase"]["working"]["thickness_nm"] == pytest.approx(5.0, rel=1e-12)


def test_at_rest_lithium_corrodes_by_what_the_film_takes():
    """dQ_active = -int j_side, but for C d eta, where eta = -j R_ct is microvolts, and for dead metal: none by the law,
    a millionth by the integrator, whose errors of either sign the law turns into a little of one."""
    side = electrode(interphase=GROWING, isolated_fraction=0.3)
    run = simulate(["rest for 10 h"], working=side, counter=side)
    end, start = final(run), run.trajectory.cell.working
    film, active = end["working_film_charge"], end["working_active"] - float(start.inventory)
    capacitive = -CAPACITANCE * end["working_charge_transfer_volt"]
    assert film > 10.0
    assert active == pytest.approx(-film - end["working_dead"] - capacitive, rel=1e-10)
    assert active == pytest.approx(-film, rel=1e-5)
    assert 0.0 <= end["working_dead"] < 1e-5 * film  # corrosion isolates nothing
    grown = end["working_film_thickness"] - 5e-9
    assert grown == pytest.approx(9.585e-5 * film / (2.0 * FARADAY), rel=1e-9)  # Faraday


def test_the_reaction_costs_efficiency_what_it_costs_in_charge():
    """On copper, without dead metal: stripped = plated - film, but for the double layer's start at 1.5 V."""
    side = electrode(interphase={"growth": "solvent_diffusion", "solvent_diffusivity": "1e-19 m^2/s"})
    run = simulate([PLATE, "strip 1 mA/cm^2 until 1 V"], repeat=3, cell=COPPER, working=side)
    plated = sum(cycle["plated_mAh_per_cm2"] for cycle in run.summary["cycles"])
    stripped = sum(cycle["stripped_mAh_per_cm2"] for cycle in run.summary["cycles"])
    film = run.summary["interphase"]["working"]["film_mAh_per_cm2"]
    assert film > 1e-3
    # capacitive: C x 0.5 V less, and Q* of metal
    assert plated - stripped - film == pytest.approx(0.5 * CAPACITANCE / MILLIAMPERE_HOUR, abs=1e-6)
