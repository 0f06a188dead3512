"""Phases, their elements and their order in depth, through the integrator; two layers; loss to the electrolyte."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cells_for_tests import MILLIAMPERE_HOUR, electrode, final, observed_order, simulate
from mossy import materials
from mossy.laws import mixing, porous_layer
from mossy.laws.constants import FARADAY

NANOMOL = 1e5
"""nmol/cm2 in mol/m2"""
EC = {"law": "reaction_limited", "reduction": "EC to LEDC", "side_exchange_current_density": "1e-9 A/m^2"}
FEC = {
    "law": "interstitial_diffusion",
    "reduction": "FEC to fluoride and carbonate",
    "interstitial_diffusivity": "1e-19 m^2/s",
    "interstitial_concentration": "15 mol/m^3",
}
BATH = {"volume": "5 uL", "additives": {"FEC": {"concentration": "1 mol/L"}}}


def film(*growth, **others):
    return electrode(interphase={"growth": list(growth)} | others)


def charges(run, side="working"):
    """C/m2 of each channel at the end."""
    film = run.trajectory.cell.working.film if side == "working" else run.trajectory.cell.counter.film
    last = run.interphase.row(-1, named=True)
    names = [f"{side}_{k + 1}_{channel.name}_mAh_per_cm2" for k, channel in enumerate(film.channels)]
    return [last[name] * MILLIAMPERE_HOUR for name in names]


def test_phases_follow_the_stoichiometry_of_their_reactions():
    run = simulate(["rest for 100 h"], working=film(EC, FEC), electrolyte=BATH)
    ec, fec = charges(run)
    phases = run.summary["interphase"]["working"]["phases_nmol_per_cm2"]
    assert phases["LEDC"] == pytest.approx(ec / (2 * FARADAY) * NANOMOL, rel=1e-10)
    assert phases["Li2CO3"] == pytest.approx(fec / (3 * FARADAY) * NANOMOL, rel=1e-10)
    assert phases["LiF"] == pytest.approx(phases["Li2CO3"], rel=1e-12)
    used = 1.0 - run.summary["cycles"][-1]["additives"]["FEC"]["fraction_left"]
    assert used * 1000.0 * 5e-9 / 1e-4 == pytest.approx(fec / (3 * FARADAY), rel=1e-9)
    grown = sum(phases[name] / NANOMOL * materials.phase(name).molar_volume for name in ("LEDC", "Li2CO3", "LiF"))
    assert run.summary["interphase"]["working"]["thickness_nm"] == pytest.approx(5.0 + grown * 1e9, rel=1e-10)


def test_elements_are_conserved_over_two_hundred_cycles():
    """Electrolyte, metal, film, what dissolved, gas: atoms to 1e-10 of what moved; charge, salt, metal beside them."""
    side = film(
        EC,
        FEC,
        phases={"LEDC": {"dissolution_velocity": "1e-15 m/s"}},
        fracture={"length": "50 um"},
    ) | {"dead_metal": {"isolated_fraction": 0.01}}
    steps = ["plate 1 mA/cm^2 for 0.5 mAh/cm^2", "strip 1 mA/cm^2 until 1 V"]
    run = simulate(steps, repeat=200, working=side, electrolyte=BATH, cell={"working": "copper"})
    assert len(run.summary["cycles"]) == 200
    balances = run.summary["balances"]
    assert balances["elements"] < 1e-10
    assert max(balances.values()) < 1e-8
    elements = run.summary["interphase"]["working"]["elements_nmol_per_cm2"]
    assert set(elements) == {"Li", "C", "H", "O", "F"}
    assert elements["F"]["into_film"] == pytest.approx(elements["F"]["from_electrolyte"], rel=1e-12)
    assert elements["C"]["dissolved"] > 0.0
    ec, fec = charges(run)
    assert elements["Li"]["from_metal"] == pytest.approx((ec + fec) / FARADAY * NANOMOL, rel=1e-12)


def test_each_phase_dissolves_at_its_own_rate():
    """Two phases of the start, only one of which dissolves: dv/dt = -k v/(v + w), so v + w ln(v/v0) = v0 - k t."""
    phases = {
        "LEDC": {"initial_thickness": "60 nm", "dissolution_velocity": "1e-14 m/s"},
        "LiF": {"initial_thickness": "40 nm"},
    }
    run = simulate(["rest for 1000 h"], working=film(phases=phases), numerics={"relative_tolerance": 1e-8})
    amounts = run.summary["interphase"]["working"]["phases_nmol_per_cm2"]
    volume = {name: amounts[name] / NANOMOL * materials.phase(name).molar_volume * 1e9 for name in phases}
    assert volume["LiF"] == pytest.approx(40.0, rel=1e-12)
    left = volume["LEDC"] + 40.0 * math.log(volume["LEDC"] / 60.0)
    assert left == pytest.approx(60.0 - 1e-14 * 3.6e6 * 1e9, rel=1e-6)


def test_dissolution_stops_when_the_electrolyte_is_saturated():
    """d' = k (1 - d/s): d = s (1 - exp(-k t/s)), s the film that the volume of electrolyte can hold."""
    solid = {"Li2CO3": {"initial_thickness": "100 nm"}}
    loss = {"velocity": "1e-13 m/s", "solubility": "1 mmol/L"}
    run = simulate(
        ["rest for 100 h"],
        working=film(phases=solid, dissolution=loss),
        electrolyte={"volume": "5 uL"},
        numerics={"relative_tolerance": 1e-8},
    )
    holds = 1.0 * 5e-9 / 1e-4 * materials.phase("Li2CO3").molar_volume
    gone = 100.0 - run.summary["interphase"]["working"]["thickness_nm"]
    assert gone == pytest.approx(holds * (1 - math.exp(-1e-13 * 3.6e5 / holds)) * 1e9, rel=1e-6)


def test_a_halide_holds_a_growing_film_at_a_steady_thickness():
    """B/L against k c L: L = sqrt(B/(k c)) where growth is by interstitials at 0 V."""
    law = {
        "law": "interstitial_diffusion",
        "interstitial_diffusivity": "1e-20 m^2/s",
        "interstitial_concentration": "15 mol/m^3",
    }
    loss = {"corrosion_rate_constant": "1e-8 m^3/mol/s", "halide_concentration": "0.1 mol/L"}
    run = simulate(["rest for 3000 h"], working=film(law, dissolution=loss))
    growth = 9.585e-5 / 2 * 1e-20 * 15.0
    thickness = run.summary["interphase"]["working"]["thickness_nm"]
    assert thickness == pytest.approx(math.sqrt(growth / (1e-8 * 100.0)) * 1e9, rel=1e-5)


@pytest.mark.parametrize("rule", mixing.RULES)
def test_a_mosaic_conducts_by_its_rule(rule):
    phases = {
        "LEDC": {"initial_thickness": "6 nm", "conductivity": "1e-6 S/m"},
        "LiF": {"initial_thickness": "4 nm", "conductivity": "1e-9 S/m"},
    }
    run = simulate(["rest for 1 s"], working=film(phases=phases, mixing=rule))
    expected = float(mixing.RULES[rule](np.array([1e-6, 1e-9]), np.array([0.6, 0.4])))
    resistance = run.cycling["working_film_resistance_ohm_cm2"][-1]
    assert resistance == pytest.approx(10e-9 / expected * 1e4, rel=1e-6)


def test_the_first_film_may_come_from_a_dose_of_gas():
    """1 umol/m2 of O2 becomes 2 of Li2O; in the porous layer, because it cannot cover."""
    native = {"native": {"reduction": "O2 to oxide", "dose": "100 umol/m^2"}}
    run = simulate(["rest for 1 s"], working=film(**native))
    oxide = materials.phase("Li2O")
    summary = run.summary["interphase"]["working"]
    assert summary["phases_nmol_per_cm2"] == pytest.approx({"Li2O": 20.0}, rel=1e-9)
    assert summary["thickness_nm"] == pytest.approx(2e-4 * oxide.molar_volume * 1e9, rel=1e-9)
    porosity = oxide.footprint_porosity
    outside = native | {"layers": {"outer": {"porosity": porosity}}}
    summary = simulate(["rest for 1 s"], working=film(**outside)).summary["interphase"]["working"]
    layer = summary["layers"]["outer"]
    assert layer["porosity"] == pytest.approx(porosity, rel=1e-9)
    # its thickness is that of the metal it consumed
    assert layer["thickness_nm"] == pytest.approx(4e-4 * materials.metal("Li").molar_volume * 1e9, rel=1e-6)


LAYER = {
    "porosity": 0.4,
    "pore_radius": "20 nm",
    "wall_resistance": "50 ohm cm^2",
    "wall_capacitance": "1 uF/cm^2",
    "pore_conductivity": "1 mS/m",
    "conductivity": "2e-4 S/m",
}


def porous(**others):
    phases = {"LiF": {"initial_thickness": "600 nm", "layer": "outer"}}
    return film(phases=phases, layers={"outer": LAYER | others}, initial_thickness="10 nm")


def line(frequency):
    """The layer's impedance in closed form, ohm m2."""
    return porous_layer.porous_layer_impedance(
        600e-9 / 0.6,
        pore_resistivity=1.0 / (1e-3 * 0.4**1.5),
        solid_resistivity=1.0 / (2e-4 * 0.6**1.5),
        wall_admittance=1.0 / 50e-4 + 2j * np.pi * frequency * 0.01,
        wall_area=2 * 0.4 / 20e-9,
        top_area=0.6,
        bottom_area=0.4,
    )


def spectrum(side, still):
    table = {"at": ["start"], "frequencies": "10 kHz to 1 Hz, 5 per decade"}
    run = simulate(["rest for 1 s"], working=side, counter=still, impedance=table)
    whole = run.impedance
    z = whole["real_impedance_ohm_cm2"].to_numpy() + 1j * whole["imaginary_impedance_ohm_cm2"].to_numpy()
    return whole["frequency_hertz"].to_numpy(), z * 1e-4


def test_the_porous_layer_is_a_transmission_line_of_second_order():
    """The cell with the layer less the cell without is the closed form; the error is of second order."""
    thin = film(initial_thickness="10 nm")
    frequency, without = spectrum(thin, thin)
    sizes, errors = [], []
    for intervals in (12, 24, 48):
        _, z = spectrum(porous(intervals=intervals), thin)
        exact = np.asarray(line(frequency))
        errors.append(np.max(np.abs(z - without - exact)) / np.max(np.abs(exact)))
        sizes.append(1.0 / intervals)
    assert errors[-1] < 2e-3
    assert observed_order(sizes, errors) == pytest.approx(2.0, abs=0.15)


def test_the_porous_layer_carries_a_direct_current():
    """After its walls are charged the layer's voltage is J Z(0)."""
    run = simulate(["plate 0.1 mA/cm^2 for 5 s"], working=porous(intervals=32))
    film_drop = -run.cycling["working_film_volt"][-1]
    assert film_drop == pytest.approx(1.0 * (float(line(0.0).real) + 10e-9 / 1e-6), rel=1e-3)
    assert run.cycling["working_film_resistance_ohm_cm2"][-1] == pytest.approx(
        (float(line(0.0).real) + 10e-9 / 1e-6) * 1e4, rel=1e-9
    )


@pytest.mark.parametrize("filling", [0.0, 0.6])
def test_a_porous_layer_fills_to_a_steady_porosity(filling):
    law = dict(EC) | {"layer": "outer", "side_exchange_current_density": "1e-8 A/m^2"}
    side = film(law, layers={"outer": {"porosity": 0.5, "filling": filling}})
    run = simulate(["rest for 10000 h"], working=side)
    layer = run.summary["interphase"]["working"]["layers"]["outer"]
    # (1 - e)(1 - phi e/e0) = 1 - e0
    a, b, c = filling / 0.5, -(1 + filling / 0.5), 0.5
    steady = c if filling == 0.0 else (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
    assert layer["porosity"] == pytest.approx(steady, rel=5e-3)
    solid = run.interphase["working_outer_LEDC_nmol_per_cm2"][-1] / NANOMOL * materials.phase("LEDC").molar_volume
    assert layer["thickness_nm"] * (1 - layer["porosity"]) == pytest.approx(solid * 1e9, rel=1e-9)


def test_depth_follows_the_order_of_deposition():
    """Fluoride first, by a law at film|electrolyte, then carbonate on top of it; LEDC at the metal all the while."""
    first = dict(FEC) | {"interstitial_diffusivity": "1e-18 m^2/s"}
    later = {
        "law": "interstitial_diffusion",
        "reactants": {"CO2": 2},
        "products": {"Li2CO3": 1},
        "released": {"CO": 1},
        "interstitial_diffusivity": "1e-18 m^2/s",
        "interstitial_concentration": "15 mol/m^3",
        "inhibited_by": "FEC",
    }
    bath = {"volume": "5 uL", "additives": {"FEC": {"concentration": "1 mmol/L"}}}
    run = simulate(["rest for 3000 h"], working=film(EC, first, later), electrolyte=bath)
    slices = run.interphase["working_depth_profile"][-1].to_list()
    depth = np.array([each["depth_nm"] for each in slices])
    assert depth[0] < depth[-1]
    fluoride, ledc, start = (
        np.array([each[f"{name}_nmol_per_cm2"] for each in slices]) for name in ("LiF", "LEDC", "film")
    )
    centre = {name: float(np.sum(depth * v) / np.sum(v)) for name, v in (("f", fluoride), ("l", ledc), ("s", start))}
    assert centre["f"] < centre["s"] < centre["l"]
    only = np.array([each["Li2CO3_nmol_per_cm2"] - each["LiF_nmol_per_cm2"] for each in slices])
    assert np.sum(depth * only) / np.sum(only) < centre["f"]
    phases = run.summary["interphase"]["working"]["phases_nmol_per_cm2"]
    for name, amount in phases.items():
        assert sum(each[f"{name}_nmol_per_cm2"] for each in slices) == pytest.approx(amount, rel=1e-9)
    whole = run.summary["interphase"]["working"]["thickness_nm"]
    assert sum(each["thickness_nm"] for each in slices) == pytest.approx(whole, rel=1e-9)


def test_salt_that_makes_fluoride_is_missing_from_the_electrolyte():
    """LiPF6 + 2 Li -> 3 LiF + PF3 takes one formula unit of salt for every two electrons."""
    law = {"law": "reaction_limited", "reduction": "LiPF6 to fluoride", "side_exchange_current_density": "1e-5 A/m^2"}
    for model in ("point", "planar"):
        run = simulate(["rest for 2 h"], working=film(law), electrolyte={"salt": "LiPF6"}, model=model)
        used = charges(run)[0] / (2 * FARADAY)
        content = 0.4 * 1000.0 * 25e-6
        assert 0.01 < used / content < 0.5
        left = run.cycling["working_surface_concentration_mol_per_L"][-1]
        assert left == pytest.approx(1.0 - used / content, rel=1e-2 if model == "planar" else 1e-9)
        assert run.summary["balances"]["salt"] < 1e-8
        assert run.summary["balances"]["elements"] < 1e-10


def test_a_solvent_that_is_used_up_leaves_pores_dry():
    """All of a small electrolyte is EC: its reaction empties the pores, which then conduct as saturation^1.5 less."""
    law = dict(EC) | {"side_exchange_current_density": "1e-3 A/m^2"}
    bath = {"volume": "1 uL", "additives": {"EC": {"concentration": "15 mol/L", "molar_volume": "66.7 cm^3/mol"}}}
    run = simulate(["rest for 1 h"], working=film(law), electrolyte=bath)
    used = charges(run)[0] / FARADAY * 66.7e-6
    filled = run.interphase["pores_filled_fraction"][-1]
    assert 0.1 < filled < 0.9
    assert filled == pytest.approx((1e-5 - used) / 1e-5, rel=1e-9)
    seen = final(run)
    assert seen["working_surface_concentration"] == pytest.approx(1000.0 / filled, rel=1e-9)


def test_a_film_that_tears_and_dissolves_stays_above_nothing():
    """What is in cracks dissolves with the rest: neither the intact part nor the torn one is ever less than nothing."""
    side = film(
        EC | {"side_exchange_current_density": "1e-7 A/m^2"},
        initial_thickness="10 nm",
        dissolution={"velocity": "2e-13 m/s"},
        fracture={"length": "3 um"},
    )
    steps = ["plate 1 mA/cm^2 for 1 mAh/cm^2", "strip 1 mA/cm^2 until 1 V", "rest for 5 h"]
    run = simulate(steps, repeat=6, working=side, cell={"working": "copper"})
    assert run.summary["status"] == "done"
    table = run.interphase
    for column in ("working_film_thickness_nm", "working_film_nmol_per_cm2", "working_LEDC_nmol_per_cm2"):
        assert table[column].min() >= -1e-6  # the tolerance of states of about 1 nm
    assert table["working_dissolved_nm"].max() > 10.0
    assert 0.3 < table["working_cracked_fraction"].max() <= 1.0
    assert max(run.summary["balances"].values()) < 1e-8
