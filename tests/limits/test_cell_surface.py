"""Surfaces that roughen, nucleate, adsorb, corrode; the layer of dead metal: through the integrator."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cells_for_tests import (
    BRUGGEMAN,
    CONCENTRATION,
    DIFFUSIVITY,
    FACTOR,
    MILLIAMPERE_HOUR,
    SEPARATOR_RESISTANCE,
    THERMAL,
    THICKNESS,
    TRANSFERENCE,
    electrode,
    final,
    kinds,
    simulate,
)
from mossy import materials
from mossy.laws import inventory, nucleation, transport
from mossy.laws.constants import FARADAY

LITHIUM = materials.metal("lithium")
PER_MILLIAMPERE_HOUR = 36000.0 * LITHIUM.molar_volume / FARADAY
"""m of dense lithium in 1 mAh/cm2"""


def test_a_surface_roughens_with_what_is_plated_and_smooths_with_what_is_stripped():
    """rho -> largest exponentially in the plated thickness, back to 1 exponentially in the stripped one."""
    shape = {"roughening_length": "5 um", "smoothing_length": "10 um", "largest": 4}
    steps = ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 for 1 h"]
    run = simulate(steps, working=electrode(roughness=shape))
    seen = run.interphase.group_by("step_count", maintain_order=True).last()["working_roughness"].to_numpy()
    plated = 4.0 - 3.0 * math.exp(-PER_MILLIAMPERE_HOUR / 5e-6 / 3.0)
    assert seen[0] == pytest.approx(plated, rel=1e-5)
    assert seen[1] == pytest.approx(1.0 + (plated - 1.0) * math.exp(-PER_MILLIAMPERE_HOUR / 10e-6), rel=1e-5)
    assert max(run.summary["balances"].values()) < 1e-8
    # at the end of plating the film and the charge transfer are those of rho times the area
    row = run.cycling.filter(run.cycling["step_index"] == 1).row(-1, named=True)
    film = run.interphase.filter(run.interphase["step_count"] == row["step_count"]).row(-1, named=True)
    assert film["working_film_thickness_nm"] == pytest.approx(5.0 / plated, rel=1e-5)
    assert row["working_film_volt"] == pytest.approx(-10.0 * 5e-9 / plated**2 / 1e-6, rel=1e-4)
    assert row["working_charge_transfer_volt"] == pytest.approx(
        -2 * THERMAL * math.asinh(10.0 / (2 * 20.0 * plated)), rel=1e-4
    )


NUCLEI = {"site_density": "1e8 1/cm^2", "surface_energy": "0.5 J/m^2", "wetting_factor": 1e-4}


def nucleating(current, *more, **others):
    steps = [f"plate {current} mA/cm^2 for 0.1 mAh/cm^2", *more]
    side = electrode(nucleation=NUCLEI | others)
    return simulate(steps, working=side, cell={"working": "copper"}, numerics={"relative_tolerance": 1e-6})


def test_plating_on_copper_dips_and_plating_on_lithium_does_not():
    """First the overpotential of nuclei, then a plateau; after an incomplete strip the next plating has no dip."""
    run = nucleating(0.5, "strip 0.5 mA/cm^2 for 0.05 mAh/cm^2", "plate 0.5 mA/cm^2 for 0.05 mAh/cm^2")
    first = run.cycling.filter(run.cycling["step_count"] == 1)
    again = run.cycling.filter(run.cycling["step_count"] == 3)
    plated = first["voltage_volt"].to_numpy()
    dip, plateau = plated.min(), plated[-1]
    assert dip < plateau - 0.03
    assert again["voltage_volt"].min() > dip + 0.03
    assert again["voltage_volt"].to_numpy()[-1] == pytest.approx(plateau, abs=3e-3)
    covered = run.interphase["working_covered_fraction"].to_numpy()
    assert covered.min() < 1e-3
    assert max(run.summary["balances"].values()) < 1e-8


def test_nuclei_share_the_metal_as_hemispheres():
    run = nucleating(0.5)
    seen = final(run)
    volume = inventory.dense_thickness(seen["working_active"], LITHIUM.molar_volume)
    radius = nucleation.nucleus_radius(volume, seen["working_nuclei"], 5e-9)
    assert seen["working_nucleus_radius"] == pytest.approx(float(radius), rel=1e-9)
    assert seen["working_covered"] == pytest.approx(
        float(nucleation.covered_fraction(radius, seen["working_nuclei"])), rel=1e-9
    )


def test_size_goes_inversely_and_number_as_the_cube_of_the_overpotential():
    """Held at an overpotential, the sites it wakes; at one charge their size follows, as Pei and others counted."""
    numbers, sizes = [], []
    fast = electrode(
        nucleation=NUCLEI | {"rate_constant": "1e4 1/s", "wetting_factor": 0.0, "site_density": "1e6 1/cm^2"},
        kinetics={"exchange_current_density": "1 mA/cm^2"},
        interphase={"initial_thickness": "1 nm"},
    )
    counter = electrode(kinetics={"exchange_current_density": "1e4 mA/cm^2"}, interphase={"initial_thickness": "1 nm"})
    held = (0.05, 0.1, 0.2)
    for volt in held:
        run = simulate(
            [f"hold {-1e3 * volt} mV for 0.02 mAh/cm^2"], working=fast, counter=counter, cell={"working": "copper"}
        )
        seen = final(run)
        assert seen["working_active"] == pytest.approx(0.02 * 36000, rel=1e-2)
        numbers.append(seen["working_nuclei"])
        sizes.append(seen["working_nucleus_radius"])
    slope = np.polyfit(np.log(held), np.log(numbers), 1)[0]
    assert slope == pytest.approx(3.0, abs=0.1)
    assert np.polyfit(np.log(held), np.log(sizes), 1)[0] == pytest.approx(-1.0, abs=0.05)


def test_nuclei_are_for_substrates_only():
    from mossy.errors import InputError

    with pytest.raises(InputError, match="needs no nuclei"):
        simulate(["rest for 1 s"], working=electrode(nucleation={}))


def test_an_adlayer_settles_and_slows_the_charge_transfer():
    layer = {"adsorption_rate": "0.03 1/s", "desorption_rate": "0.01 1/s", "covered_activity": 0.0}
    run = simulate(["rest for 1 h", "plate 0.1 mA/cm^2 for 1 ms"], working=electrode(adlayer=layer))
    rest = run.interphase.filter(run.interphase["step_count"] == 1)
    time = rest["test_time_second"].to_numpy()
    exact = 0.75 * (1 - np.exp(-0.04 * time))
    np.testing.assert_allclose(rest["working_adlayer_coverage"].to_numpy(), exact, atol=2e-5)
    table = {"at": ["start", "end"], "frequencies": "1 Hz to 1 mHz, 1 per decade"}
    run = simulate(["rest for 1 h"], working=electrode(adlayer=layer), impedance=table)
    spectra = run.impedance.filter(run.impedance["frequency_hertz"] < 0.0011)["real_impedance_ohm_cm2"].to_numpy()
    # of the charge transfer RT/(F J0) a quarter of the surface is left; an adlayer adds none at rest
    assert spectra[1] - spectra[0] == pytest.approx(THERMAL / 20.0 * 1e4 * 3.0, rel=1e-3)


def test_plating_lifts_an_adlayer():
    layer = {"adsorption_rate": "1 1/s", "desorption_rate": "0.1 1/s", "desorption_symmetry": 1.0}
    run = simulate(["rest for 1 min", "plate 5 mA/cm^2 for 1 min"], working=electrode(adlayer=layer))
    coverage = run.interphase.group_by("step_count", maintain_order=True).last()["working_adlayer_coverage"]
    assert coverage[0] == pytest.approx(1.0 / 1.1, rel=1e-4)
    assert coverage[1] < 0.5 * coverage[0]


def test_bare_copper_corrodes_the_lithium_it_touches():
    """A film on the copper beside grows by a parabola with lithium's electrons; the metal loses just that."""
    law = {
        "law": "interstitial_diffusion",
        "interstitial_diffusivity": "1e-18 m^2/s",
        "interstitial_concentration": "15 mol/m^3",
        "reduction": "EC to carbonate",
    }
    side = electrode(galvanic={"area": 3.0, "interphase": {"growth": [law], "initial_thickness": "2 nm"}}) | {
        "metal_thickness": "2 um"
    }
    run = simulate(["rest for 100 h"], working=side, cell={"working": "copper"}, numerics={"relative_tolerance": 1e-8})
    per_charge = materials.phase("Li2CO3").molar_volume / (2 * FARADAY)
    growth = per_charge * FARADAY * 1e-18 * 15.0
    thickness = math.sqrt(4e-18 + 2 * growth * 3.6e5)
    last = run.interphase.row(-1, named=True)
    # the couple sits some microvolts above the metal's own potential, and a growth law feels 1e-4 of that
    assert last["working_galvanic_film_thickness_nm"] == pytest.approx(thickness * 1e9, rel=2e-4)
    thickness = last["working_galvanic_film_thickness_nm"] * 1e-9
    charge = last["working_galvanic_mAh_per_cm2"] * MILLIAMPERE_HOUR
    assert charge == pytest.approx(3.0 * (thickness - 2e-9) / per_charge, rel=1e-5)
    lost = 2e-6 * FARADAY / LITHIUM.molar_volume - run.cycling["working_active_mAh_per_cm2"][-1] * MILLIAMPERE_HOUR
    assert lost == pytest.approx(charge, rel=1e-6)
    assert max(run.summary["balances"].values()) < 1e-8


def test_deposits_that_hang_by_thin_roots_come_off():
    """Q -> Q exp(-B t/(4 R^4)) at rest, and what goes is dead."""
    table = {"root_radius": "100 nm", "surface_mobility": "4e-32 m^4/s"}
    side = electrode() | {"dead_metal": table}
    run = simulate(["plate 1 mA/cm^2 for 1 min", "rest for 2 h"], working=side, cell={"working": "copper"})
    rest = run.cycling.filter(run.cycling["step_index"] == 2)
    active = rest["working_active_mAh_per_cm2"].to_numpy()
    elapsed = rest["test_time_second"].to_numpy() - rest["test_time_second"][0]
    np.testing.assert_allclose(active / active[0], np.exp(-1e-4 * elapsed), rtol=1e-4)
    dead = rest["working_dead_mAh_per_cm2"].to_numpy()
    np.testing.assert_allclose(active + dead, active[0] + dead[0], rtol=5e-6)  # the double layer lets go of 2e-6
    assert max(run.summary["balances"].values()) < 1e-8


BURIES = {"buries": True, "porosity": 0.5, "bruggeman": 2.0}


def dead_layer(charge):
    """Length of free electrolyte that resists as much as the dead metal of a charge, C/m2."""
    return charge * LITHIUM.molar_volume / FARADAY / (1 - 0.5) / 0.5**2.0


def test_dead_metal_lengthens_the_salt_s_way():
    """J_lim = 2 F D c0/((1 - t+)(L/eps^1.5 + 2 d/eps_d^b)): just below it a step goes on, just above it depletes."""
    assert pytest.approx(0.4**BRUGGEMAN) == FACTOR
    layer = {"isolated_fraction": 0.5} | BURIES
    make = ["strip 2 mA/cm^2 for 2 h", "rest for 1 h"]
    probe = simulate(make, working=electrode() | {"dead_metal": layer}, model="planar")
    length = dead_layer(probe.cycling["working_dead_mAh_per_cm2"][-1] * MILLIAMPERE_HOUR)
    free = THICKNESS / FACTOR
    # plating on the working electrode depletes behind its own dead layer: c_w = c0 - g (L/2 + d)
    limit = float(transport.limiting_current(free + 2 * length, CONCENTRATION, DIFFUSIVITY, TRANSFERENCE))
    thin = float(transport.limiting_current(free, CONCENTRATION, DIFFUSIVITY, TRANSFERENCE))
    assert limit < 0.8 * thin
    for share, end in ((0.97, "time"), (1.03, "depletion")):
        step = f"plate {share * limit / 10} mA/cm^2 for 20 s"
        run = simulate([*make, step], working=electrode() | {"dead_metal": layer}, model="planar")
        assert kinds(run)[-1] == end
    assert max(run.summary["balances"].values()) < 1e-8


def test_the_voltage_arcs_more_as_dead_metal_builds_up():
    """Within a half cycle the concentration overpotential grows with the layer; the ohmic part by d/kappa."""
    layer = {"isolated_fraction": 0.1} | BURIES
    side = electrode() | {"dead_metal": layer}
    steps = ["plate 2 mA/cm^2 for 1 h", "strip 2 mA/cm^2 for 1 h"]
    run = simulate(steps, repeat=8, working=side, counter=side, model="planar")
    ends = run.cycling.filter(run.cycling["step_index"] == 1).group_by("cycle_count", maintain_order=True).last()
    arc = -ends["concentration_volt"].to_numpy()
    assert np.all(np.diff(arc) > 0)
    seen = ends.row(-1, named=True)
    charge = (seen["working_dead_mAh_per_cm2"] + seen["counter_dead_mAh_per_cm2"]) * MILLIAMPERE_HOUR
    assert seen["ohmic_volt"] == pytest.approx(-20.0 * (SEPARATOR_RESISTANCE + dead_layer(charge) / 1.0), rel=1e-6)


def test_magnesium_takes_its_electrons_one_after_the_other():
    """A Mg|Mg cell of a 2:1 salt: two-step kinetics, its impedance at rest RT/(2 F J0) an electrode, and J_lim."""
    side = electrode(kinetics={"law": "two_step", "second_step_ratio": 50.0, "exchange_current_density": "1 mA/cm^2"})
    salt = {"cation": "magnesium", "anion_charge": -1}
    table = {"at": ["start"], "frequencies": "10 Hz to 100 mHz, 5 per decade"}
    cell = {"working": "magnesium", "counter": "magnesium"}
    run = simulate(["rest for 1 s"], cell=cell, electrolyte=salt, working=side, counter=side, impedance=table)
    low = run.impedance["real_impedance_ohm_cm2"][-1]
    film = 5e-9 / 1e-6
    assert low == pytest.approx((SEPARATOR_RESISTANCE + 2 * film + 2 * THERMAL / (2 * 10.0)) * 1e4, rel=1e-3)
    from mossy.errors import InputError

    with pytest.raises(InputError, match="two steps need"):
        simulate(["rest for 1 s"], working=side)
