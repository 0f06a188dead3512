"""Growth channels, dissolution, additives and reconnection through the integrator, against closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cells_for_tests import MILLIAMPERE_HOUR, electrode, simulate
from mossy.laws import growth_integrals
from mossy.laws.constants import FARADAY

YEAR = 365.25 * 86400.0
PER_CHARGE = 9.585e-5 / (2 * FARADAY)
"""m3/C"""
LAWS = {
    "interstitial_diffusion": (
        {"interstitial_diffusivity": "1e-20 m^2/s", "interstitial_concentration": "15 mol/m^3"},
        "5 nm",
        21.87965708140783,
    ),
    "electron_migration": ({"electron_conductivity": "8.95e-14 S/m"}, "5 nm", 33.87215486631499),
    "electron_tunnelling": (
        {"side_exchange_current_density": "1.5e-7 A/m^2", "inverse_tunnelling_length": "1e9 1/m"},
        "1 nm",
        1.6232455275,
    ),
}


def thickness(run):
    return run.summary["interphase"]["working"]["thickness_nm"]


@pytest.mark.parametrize("law", LAWS)
def test_growth_at_the_outer_interface_reaches_its_reference(law):
    parameters, start, expected = LAWS[law]
    side = electrode(interphase={"growth": [{"law": law} | parameters], "initial_thickness": start})
    run = simulate(["rest for 365.25 d"], working=side, numerics={"relative_tolerance": 1e-8})
    assert thickness(run) == pytest.approx(expected, rel=1e-6)
    assert max(run.summary["balances"].values()) < 1e-8


@pytest.mark.parametrize(("law", "feels_the_field"), [("interstitial_diffusion", False), ("electron_tunnelling", True)])
def test_neutral_interstitials_do_not_feel_the_field_of_the_film(law, feels_the_field):
    """Plating through a film that takes 50 mV, on a metal that takes none: only electrons gain by the drop outside."""
    parameters, _, _ = LAWS[law]
    kinetics = {"exchange_current_density": "1e6 A/m^2"}
    film = {"growth": [{"law": law} | parameters], "initial_thickness": "5 nm", "conductivity": "1e-6 S/m"}
    grown = []
    for step in ("rest for 30 h", "plate 1 mA/cm^2 for 30 h"):
        side = electrode(kinetics=kinetics, interphase=film)
        run = simulate([step], working=side, numerics={"relative_tolerance": 1e-8})
        grown.append(thickness(run) - 5.0)
    # 10 A/m2 over 1e-6 S/m: 10 mV a nm, and half of that in an exponent of 25.69 mV
    drop = 0.5 * 0.05 / 0.025693
    assert grown[1] / grown[0] == pytest.approx(math.exp(drop) if feels_the_field else 1.0, rel=2e-2)


def test_reaction_limited_and_deal_grove_growth():
    rate = {"law": "reaction_limited", "side_exchange_current_density": "1e-11 A/m^2"}
    run = simulate(["rest for 100 d"], working=electrode(interphase={"growth": [rate]}))
    side = 1e-11 * math.exp(0.5 * 0.4 * FARADAY / (8.31446261815324 * 298.15))
    assert thickness(run) == pytest.approx(5.0 + PER_CHARGE * side * 100 * 86400 * 1e9, rel=1e-6)
    both = {"law": "reaction_diffusion", "reaction_rate_constant": "1e-18 m/s", "solvent_diffusivity": "1e-21 m^2/s"}
    run = simulate(["rest for 365.25 d"], working=electrode(interphase={"growth": [both]}))
    velocity = PER_CHARGE * FARADAY * 2636.0 * 1e-18 * side / 1e-11
    exact = growth_integrals.linear_parabolic_thickness(YEAR, 5e-9, velocity, PER_CHARGE * FARADAY * 2636.0 * 1e-21)
    assert thickness(run) == pytest.approx(float(exact) * 1e9, rel=1e-6)


def test_two_halves_of_a_channel_are_the_whole():
    half = {"law": "solvent_diffusion", "solvent_diffusivity": "1.25e-22 m^2/s"}
    run = simulate(["rest for 365.25 d"], working=electrode(interphase={"growth": [half, half]}))
    assert thickness(run) == pytest.approx(44.92594503891932, rel=1e-6)
    last, film = run.cycling.row(-1, named=True), run.interphase.row(-1, named=True)
    first, second = (film[f"working_{k}_solvent_diffusion_mAh_per_cm2"] for k in (1, 2))
    assert first == pytest.approx(second, rel=1e-12)
    assert first + second == pytest.approx(last["working_film_charge_mAh_per_cm2"], rel=1e-12)


STEADY, LOSS = 100e-9, 1e-16
DIFFUSIVITY = STEADY * LOSS / (PER_CHARGE * FARADAY * 2636.0)


def dissolving(start: str):
    return electrode(
        interphase={
            "growth": "solvent_diffusion",
            "solvent_diffusivity": f"{DIFFUSIVITY!r} m^2/s",
            "initial_thickness": start,
            "reduction_potential": "1 V",
            "dissolution": {"velocity": f"{LOSS} m/s"},
        }
    )


def test_growth_against_dissolution_follows_lambert_in_the_cell():
    run = simulate([f"rest for {STEADY / LOSS} s"], working=dissolving("10 nm"), numerics={"relative_tolerance": 1e-8})
    assert thickness(run) == pytest.approx(84.24122374, rel=1e-6)


def test_the_loss_at_rest_goes_from_the_square_root_of_time_to_time():
    """A carbonate film on sodium: as it dissolves as fast as it grows, the loss never stops."""
    characteristic = STEADY / LOSS
    rests = [0.002, 0.008, 30.0, 30.0]  # of the characteristic time, one after the other
    run = simulate([f"rest for {each * characteristic} s" for each in rests], working=dissolving("0.1 nm"))
    table = run.cycling.group_by("step_count", maintain_order=True).last()
    time = table["test_time_second"].to_numpy()
    lost = table["working_film_charge_mAh_per_cm2"].to_numpy() * MILLIAMPERE_HOUR
    slope = np.diff(np.log(lost)) / np.diff(np.log(time))
    assert slope[0] == pytest.approx(0.5, abs=0.02)
    assert 0.96 <= slope[2] <= 1.0
    film = table["working_film_thickness_nm"].to_numpy()
    assert film[-1] == pytest.approx(100.0, rel=1e-6)
    # what was spent is what stays and what has dissolved
    np.testing.assert_allclose(lost * PER_CHARGE * 1e9, film - 0.1 + LOSS * 1e9 * time, rtol=1e-4)


def additive(order, **others):
    law = {"law": "solvent_diffusion", "consumes": "FEC", "order": order, "consumed_per_electron": 0.25} | others
    film = {"solvent_diffusivity": "1e-19 m^2/s", "solvent_concentration": "2636 mol/m^3", "reduction_potential": "1 V"}
    return electrode(interphase={"growth": [law]} | film)


FEC = {"volume": "1 uL", "additives": {"FEC": {"concentration": "4 mmol/L"}}}
AMOUNT = 4.0 * 1e-9 / 1e-4
"""mol/m2"""


def test_an_additive_is_gone_at_the_analytic_time():
    growth = PER_CHARGE * FARADAY * 2636.0 * 1e-19
    per_thickness = 0.25 / FARADAY / PER_CHARGE
    gone = growth_integrals.depletion_time(AMOUNT, growth, per_thickness, 5e-9)
    run = simulate([f"rest for {2 * gone} s"], working=additive(0), electrolyte=FEC, numerics={"nodes": 8})
    time, left = (run.interphase[name].to_numpy() for name in ("test_time_second", "FEC_fraction_left"))
    found = np.interp(-1e-3, -left, time)  # the last thousandth: sqrt-growth takes 2e-3 of the time for it
    assert found == pytest.approx(gone, rel=3e-3)
    exact = [growth_integrals.depletion_time(AMOUNT * (1 - x), growth, per_thickness, 5e-9) for x in left]
    lasts = left > 1e-3
    np.testing.assert_allclose(time[lasts][1:], np.array(exact)[lasts][1:], rtol=1e-3)
    charge = run.cycling["working_film_charge_mAh_per_cm2"][-1] * MILLIAMPERE_HOUR
    assert charge * 0.25 / FARADAY == pytest.approx(AMOUNT, rel=1e-4)
    assert -1e-6 < left[-1] < 1e-4
    entry = run.summary["cycles"][-1]["additives"]["FEC"]
    assert entry["fraction_left"] == pytest.approx(left[-1])
    assert entry["left_mol_per_cm2"] == pytest.approx(left[-1] * AMOUNT * 1e-4)


def test_what_an_additive_held_back_begins_when_it_is_gone():
    side = additive(0)
    side["interphase"]["growth"].append(
        {"law": "solvent_diffusion", "solvent_diffusivity": "1e-20 m^2/s", "inhibited_by": "FEC"}
    )
    run = simulate(["rest for 100 h"], working=side, electrolyte=FEC)
    table = run.interphase
    other = table["working_2_solvent_diffusion_mAh_per_cm2"].to_numpy()
    left = table["FEC_fraction_left"].to_numpy()
    assert other[left > 0.01].max() < 1e-3 * other[-1]
    assert other[-1] > 0.0


def test_efficiency_falls_at_the_knee():
    table = {"isolated_fraction": 0.01, "isolated_fraction_without_additive": 0.2, "additive": "FEC"}
    side = additive(0, solvent_diffusivity="1e-21 m^2/s") | {"dead_metal": table}
    steps = ["plate 1 mA/cm^2 for 10 h", "strip 1 mA/cm^2 until 1 V"]
    run = simulate(steps, repeat=12, working=side, electrolyte=FEC, cell={"working": "copper"})
    efficiency = [cycle["coulombic_efficiency"] for cycle in run.summary["cycles"]]
    left = [cycle["additives"]["FEC"]["fraction_left"] for cycle in run.summary["cycles"]]
    before = [value for value, share in zip(efficiency, left, strict=True) if share > 0.2]
    assert len(before) == 5
    assert all(later > earlier for earlier, later in itertools.pairwise(before))  # the film slows down
    assert efficiency[-1] == pytest.approx(0.8, abs=0.01)
    assert max(run.summary["balances"].values()) < 1e-8


def test_dead_metal_that_reconnects_decays_exponentially():
    side = electrode(isolated_fraction=0.2) | {
        "dead_metal": {"isolated_fraction": 0.2, "reconnection_rate": "1e-4 1/s"},
    }
    steps = ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 for 30 min", "rest for 3 h"]
    run = simulate(steps, working=side, cell={"working": "copper"})
    rest = run.cycling.filter(run.cycling["step_index"] == 3)
    dead = rest["working_dead_mAh_per_cm2"].to_numpy()
    elapsed = rest["test_time_second"].to_numpy() - rest["test_time_second"][0]
    np.testing.assert_allclose(dead, dead[0] * np.exp(-1e-4 * elapsed), rtol=1e-5)
    assert dead[0] == pytest.approx(0.25 * 1.0 * (1 - math.exp(-0.18)) / 3600 / 1e-4, rel=1e-5)
    active = rest["working_active_mAh_per_cm2"].to_numpy()
    np.testing.assert_allclose(active + dead, active[0] + dead[0], rtol=1e-6)
    assert max(run.summary["balances"].values()) < 1e-8


def test_retention_of_a_finite_source_is_a_power_of_the_efficiency():
    """Copper against just enough lithium: each stripping from copper brings 1 - f of it back."""
    finite = electrode() | {"metal_thickness": "4.8583 um"}
    run = simulate(
        ["plate 1 mA/cm^2 until -1 V", "strip 1 mA/cm^2 until 1 V"],
        repeat=6,
        working=electrode(isolated_fraction=0.1),
        counter=finite,
        cell={"working": "copper"},
    )
    plated = np.array([cycle["plated_mAh_per_cm2"] for cycle in run.summary["cycles"]])
    np.testing.assert_allclose(plated / plated[0], 0.9 ** np.arange(6), rtol=2e-3)


ROOM = "1e-20 m^2/s"
GROWTH = PER_CHARGE * FARADAY * 2636.0 * 1e-20


def cracking(**others):
    film = {"growth": "solvent_diffusion", "solvent_diffusivity": ROOM, "fracture": {"length": "10 um"}}
    return electrode(interphase=film | {"reduction_potential": "1 V"} | others)


def test_a_film_tears_with_the_stroke():
    side = cracking(solvent_diffusivity="0 m^2/s")
    run = simulate(["plate 1 mA/cm^2 for 1 mAh/cm^2", "strip 1 mA/cm^2 for 1 mAh/cm^2"], working=side)
    stroke = 2 * 36000.0 * 13.02094e-6 / FARADAY
    assert run.interphase["working_cracked_fraction"][-1] == pytest.approx(1 - math.exp(-stroke / 10e-6), rel=1e-5)
    resistance = run.cycling["working_film_resistance_ohm_cm2"][-1]
    cracked = run.interphase["working_cracked_fraction"][-1]
    assert resistance == pytest.approx(1e4 / 1e-6 / ((1 - cracked) / 5e-9 + cracked / 1e-10), rel=1e-6)


@pytest.mark.parametrize("artificial", [False, True])
def test_fresh_metal_in_cracks_grows_a_film_that_heals_only_a_natural_one(artificial):
    """A short stroke, then rest: in the cracks a parabola from 0.1 nm; they close as exp(-(L_c - L_min)/L)."""
    side = cracking(artificial=artificial, initial_thickness="1 um")
    steps = ["plate 100 mA/cm^2 for 1 s", "rest for 100 h"]
    run = simulate(steps, working=side, numerics={"relative_tolerance": 1e-8})
    rest = run.interphase.filter(run.interphase["test_time_second"] >= 1.0)
    cracked = rest["working_cracked_fraction"].to_numpy()
    stroke = 100.0 / 3600 * 36000.0 * 13.02094e-6 / FARADAY
    assert cracked[0] == pytest.approx(stroke / 10e-6, rel=1e-2)
    time = rest["test_time_second"][-1] - 0.5
    fresh = math.sqrt(1e-20 + 2 * GROWTH * time) - 1e-10
    heals = 1.0 if artificial else math.exp(-fresh / 1e-6)
    assert cracked[-1] / cracked[0] == pytest.approx(heals, rel=3e-3)
    if artificial:
        charge = run.cycling["working_film_charge_mAh_per_cm2"][-1] * MILLIAMPERE_HOUR
        assert charge * PER_CHARGE == pytest.approx(cracked[0] * fresh, rel=1e-2)
    assert max(run.summary["balances"].values()) < 1e-8


def test_cracks_keep_costing_charge():
    steps = ["plate 1 mA/cm^2 for 1 mAh/cm^2", "strip 1 mA/cm^2 until 1 V"]
    cell = {"working": "copper"}
    torn = simulate(steps, repeat=8, working=cracking(), cell=cell).summary["cycles"]
    whole = simulate(steps, repeat=8, working=cracking(fracture={"length": "1 m"}), cell=cell).summary["cycles"]

    def last(cycles):
        return cycles[-1]["film_mAh_per_cm2"] - cycles[-2]["film_mAh_per_cm2"]

    assert last(torn) > 1.5 * last(whole)
    assert torn[-1]["coulombic_efficiency"] < whole[-1]["coulombic_efficiency"]


@pytest.mark.parametrize(
    ("table", "factor"),
    [
        ({"current_exponent": 0.5}, math.sqrt(2.0)),
        ({"film_exponent": -1.0, "reference_film_thickness": "10 nm"}, 2.0),
        ({"pressure": "200 kPa"}, math.exp(-2.0)),
    ],
)
def test_the_isolated_fraction_follows_current_film_and_pressure(table, factor):
    side = electrode() | {"dead_metal": {"isolated_fraction": 0.1} | table}
    steps = ["plate 2 mA/cm^2 for 1 mAh/cm^2", "strip 2 mA/cm^2 until 1 V"]
    run = simulate(steps, working=side, cell={"working": "copper"})
    assert run.summary["cycles"][0]["coulombic_efficiency"] == pytest.approx(1 - 0.1 * factor, rel=2e-4)
    assert max(run.summary["balances"].values()) < 1e-8
