"""No charge, salt or metal is lost, whatever the case: the identity of every cycle, on random cells and protocols."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cells_for_tests import MILLIAMPERE_HOUR, electrode, polynomials, simulate
from mossy.numerics.status import Status
from mossy.simulate import Run


def decades(lowest: float, highest: float) -> st.SearchStrategy[float]:
    """Numbers uniform in their logarithm."""
    return st.floats(np.log10(lowest), np.log10(highest)).map(lambda exponent: float(f"{10.0**exponent:.6g}"))


@st.composite
def electrodes(draw: st.DrawFn, thinnest: float) -> dict[str, Any]:
    """One electrode; half of them grow a film, some have no capacitance at all.

    Those have metal to spare: what is left on a foil of 1e-12 of its metal cannot carry a current in double precision,
    and without a double layer nothing else does. (`test_cell_inventory` empties copper without one.)
    """
    capacitance = draw(st.one_of(st.just(0.0), decades(1e-6, 1.0)))
    return electrode(
        kinetics={
            "exchange_current_density": f"{draw(decades(1e-2, 1e3))} A/m^2",
            "symmetry": draw(st.floats(0.3, 0.7).map(lambda x: round(x, 3))),
            "double_layer_capacitance": f"{capacitance} F/m^2",
        },
        interphase={
            "initial_thickness": f"{draw(st.floats(0.0, 50.0).map(lambda x: round(x, 2)))} nm",
            "conductivity": f"{draw(decades(1e-7, 1e-4))} S/m",
            "relative_permittivity": draw(st.sampled_from([0.0, 10.0, 100.0])),
            "solvent_diffusivity": f"{draw(st.one_of(st.just(0.0), decades(1e-23, 1e-18)))} m^2/s",
        },
        isolated_fraction=draw(st.one_of(st.just(0.0), st.floats(0.001, 0.9).map(lambda x: round(x, 3)))),
        metal_thickness=f"{draw(decades(thinnest, 1e-4)) if capacitance else 1e-3} m",
    )


@st.composite
def protocols(draw: st.DrawFn) -> list[str]:
    """Plate, rest, strip, perhaps hold; currents of both directions and sizes, cut-offs inside and outside reach."""
    plated, stripped = draw(decades(0.02, 20.0)), draw(decades(0.02, 20.0))
    steps = [f"plate {plated} mA/cm^2 for {draw(decades(1.0, 7200.0))} s"]
    if draw(st.booleans()):
        steps.append(f"rest for {draw(decades(0.1, 1e5))} s")
    steps.append(f"strip {stripped} mA/cm^2 until {draw(decades(0.05, 2.0))} V or for {draw(decades(1.0, 7200.0))} s")
    if draw(st.booleans()):
        steps.append(f"hold {draw(st.sampled_from([-50, 20, 200]))} mV for {draw(decades(0.1, 600.0))} s")
    return steps


CASES = {
    "steps": protocols(),
    "copper": st.booleans(),
    "working": electrodes(1e-7),
    "counter": electrodes(1e-6),
}
FEW = settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


def check(run: Run) -> None:
    """The run came to its end, every table is finite, and the books of every cycle balance."""
    assert run.status == Status.DONE, run.status.message
    for frame in (run.cycling, run.profiles):
        for name in frame.columns:
            values = frame[name].to_numpy()
            assert values.dtype.kind != "f" or np.isfinite(values).all(), name
    assert max(run.summary["balances"].values()) < 1e-8
    cycles, capacitance = run.summary["cycles"], float(run.trajectory.cell.working.double_layer_capacitance)
    moved = sum(cycle[f"{way}_mAh_per_cm2"] for cycle in cycles for way in ("plated", "stripped")) * MILLIAMPERE_HOUR
    for cycle in cycles:
        unaccounted, plated = identity(run, cycle, capacitance)
        # the second term is rounding, for a cycle that ended before it plated anything
        assert abs(unaccounted) <= 1e-8 * plated + 1e-13 * moved, cycle


def identity(run: Run, cycle: dict[str, Any], capacitance: float) -> tuple[float, float]:
    """Q_plated - Q_stripped - (dQ_active + dQ_dead + int j_side + dQ_capacitive) of a cycle, and Q_plated; C/m2."""
    number = run.cycling["cycle_count"].to_numpy()
    rows = np.flatnonzero(number == cycle["cycle"])
    first = rows[0] - 1 if rows[0] else 0
    change = {}
    for name in ("active", "dead", "film_charge"):
        values = run.cycling[f"working_{name}_mAh_per_cm2"].to_numpy() * MILLIAMPERE_HOUR
        change[name] = values[rows[-1]] - values[first]
    eta = -run.cycling["working_charge_transfer_volt"].to_numpy()
    change["capacitive"] = capacitance * (eta[rows[-1]] - eta[first])
    passed = (cycle["plated_mAh_per_cm2"] - cycle["stripped_mAh_per_cm2"]) * MILLIAMPERE_HOUR
    return passed - sum(change.values()), cycle["plated_mAh_per_cm2"] * MILLIAMPERE_HOUR


def random_case(model: str, steps: list[str], copper: bool, working: dict[str, Any], counter: dict[str, Any]) -> Run:
    if copper:
        working = working | {"metal_thickness": "0 m"}
        if not capacitance_of(working):  # bare copper without a double layer carries no stripping current at all
            working["kinetics"] = working["kinetics"] | {"double_layer_capacitance": "1e-6 F/m^2"}
    return simulate(
        steps,
        repeat=2,
        model=model,
        cell={"working": "copper" if copper else "lithium"},
        electrolyte=polynomials() if model == "planar" else {},
        working=working,
        counter=counter,
        numerics={"maximum_steps": 20000},
    )


def capacitance_of(side: dict[str, Any]) -> float:
    return float(side["kinetics"]["double_layer_capacitance"].split()[0])


@FEW
@given(**CASES)
def test_nothing_is_lost_in_a_point_cell(steps, copper, working, counter):
    check(random_case("point", steps, copper, working, counter))


@FEW
@given(**CASES)
def test_nothing_is_lost_in_a_planar_cell(steps, copper, working, counter):
    check(random_case("planar", steps, copper, working, counter))


def test_the_identity_would_notice_a_small_part_going_missing():
    """A tenth of the double layer, a ten-thousandth of the film: the bound of 1e-8 is a test."""
    side = electrode(interphase={"solvent_diffusivity": "1e-19 m^2/s"}, isolated_fraction=0.1)
    steps = ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 until 1 V"]
    run = simulate(steps, cell={"working": "copper"}, working=side)
    cycle = run.summary["cycles"][0]
    unaccounted, plated = identity(run, cycle, 0.1)
    film = run.cycling["working_film_charge_mAh_per_cm2"][-1] * MILLIAMPERE_HOUR
    assert abs(unaccounted) < 1e-8 * plated
    assert 1e-4 * film > 1e-8 * plated
    assert abs(identity(run, cycle, 0.11)[0]) > 1e-8 * plated


@pytest.mark.parametrize("model", ["point", "planar"])
def test_the_balances_of_a_cell_at_rest_are_zero(model):
    electrolyte = polynomials() if model == "planar" else {}
    run = simulate(["rest for 1 h"], model=model, electrolyte=electrolyte)
    assert run.summary["balances"] == {"charge": 0.0, "salt": 0.0, "metal": 0.0, "elements": 0.0}
    assert run.summary["cycles"][0]["coulombic_efficiency"] is None
