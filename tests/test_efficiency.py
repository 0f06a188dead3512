"""Efficiencies against charges that are known: of the simulator's inventory, and of traces made for the purpose."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from cells_for_tests import electrode, final, simulate
from efficiency_for_tests import CURRENT, cycles, reservoir_test, trace
from mossy.analysis import cycler_steps, efficiency
from mossy.analysis.efficiency import Accuracy, Titration
from mossy.errors import InputError
from mossy.records import Cycling
from mossy.simulate import Run

EXACT = Accuracy(0.0, 0.0)
"""A cycler that knows its current: what is left is noise and sampling."""
MILLIAMPERE_HOUR = 36000.0
"""C/m2 in 1 mAh/cm2; the simulated cells have 1 cm2, so mAh in mAh/cm2"""
PLATE = "plate 1 mA/cm^2 for 1 h"
STRIP = "strip 1 mA/cm^2 until 1 V"


def losing(steps: list[str], repeat: int = 1) -> Run:
    """Copper whose metal is lost to isolation and to a growing film; no double layer, which would borrow charge."""
    side = electrode(
        kinetics={"double_layer_capacitance": "0 F/m^2"},
        interphase={"growth": "solvent_diffusion", "solvent_diffusivity": "1e-19 m^2/s"},
        isolated_fraction=0.02,
    )
    return simulate(steps, repeat=repeat, cell={"working": "copper"}, working=side)


@pytest.fixture(scope="module")
def cycled() -> Run:
    return losing([PLATE, "rest for 5 min", STRIP, "rest for 5 min"], repeat=4)


@pytest.fixture(scope="module")
def drawn() -> Run:
    """Adams' protocol: conditioning, reservoir, five short cycles, final strip."""
    short = ["strip 1 mA/cm^2 for 1 h", PLATE] * 5
    return losing(["plate 1 mA/cm^2 for 5 h", STRIP, "plate 1 mA/cm^2 for 5 h", *short, STRIP])


def record(run: Run, *, noise: float = 0.0, seed: int = 0, sign: int = -1, rows: int | None = None) -> Cycling:
    """What a cycler would have written of a run; `sign` is that of the current that plates."""
    table = run.cycling.select("test_time_second", "voltage_volt", "current_ampere").head(rows or run.cycling.height)
    if noise:
        table = thinned(table)
    current = table["current_ampere"].to_numpy()
    flows = np.abs(current) > 1e-9
    drawn = np.random.default_rng(seed).normal(0.0, noise, len(current))
    current, voltage = np.where(flows, current + drawn, 0.0) * -sign, table["voltage_volt"].to_numpy() * -sign
    table = table.with_columns(pl.Series("current_ampere", current), pl.Series("voltage_volt", voltage))
    roles = {"electrode_under_study": "working", "plating_current_sign": sign}
    return Cycling(table, {"roles": roles, "cell_kind": "substrate", "electrode_area_square_metre": 1e-4})


def thinned(table: pl.DataFrame, every: float = 30.0) -> pl.DataFrame:
    """A row about every 30 s and those at which steps end, as a cycler would write; the simulator's lie denser."""
    current = table["current_ampere"].to_numpy()
    ends = np.append(np.sign(current[1:].round(9)) != np.sign(current[:-1].round(9)), True)
    bins = np.floor(table["test_time_second"].to_numpy() / every)
    return table.filter(pl.Series(ends | (np.diff(bins, prepend=-1.0) > 0.0)))


def lost(run: Run) -> float:
    """mAh that the inventory holds as dead metal, film, and metal left at the end."""
    end = final(run)
    return (end["working_dead"] + end["working_film_charge"] + end["working_active"]) / MILLIAMPERE_HOUR


def test_every_charge_is_accounted_for(cycled: Run):
    """Plated is the protocol's charge, stripped the simulator's, lost what its inventory lost: to the rounding of times
    (1e-9 of the charges; the inventory is integrated to 1e-9 by the solver)."""
    found = efficiency.per_cycle(record(cycled))
    truth = cycled.summary["cycles"]
    assert [cycle.plated_mAh for cycle in found.cycles] == pytest.approx([1.0] * 4, rel=1e-9)
    stripped = [cycle["stripped_mAh_per_cm2"] for cycle in truth]
    assert [cycle.stripped_mAh for cycle in found.cycles] == pytest.approx(stripped, rel=1e-9)
    measured = [cycle.coulombic_efficiency for cycle in found.cycles]
    assert measured == pytest.approx([cycle["coulombic_efficiency"] for cycle in truth], rel=1e-9)
    assert found.balance.lost_mAh == pytest.approx(lost(cycled), abs=1e-9 * found.balance.plated_mAh)
    assert found.balance.lost_mAh_per_cm2 == found.balance.lost_mAh  # 1 cm2
    assert found.cycles[-1].cumulative_lost_mAh == pytest.approx(found.balance.lost_mAh, rel=1e-12)
    assert found.average is not None
    assert found.average.value == pytest.approx(1.0 - found.balance.lost_mAh / found.balance.plated_mAh, rel=1e-12)


def test_the_sign_of_the_instrument_does_not_matter(cycled: Run):
    """Roles say which sign plates; a cell wired the other way is the same cell."""
    here, there = (efficiency.per_cycle(record(cycled, sign=sign)) for sign in (-1, 1))
    assert here.as_dict() == there.as_dict()


def test_noise_is_inside_its_error(cycled: Run):
    truth = [cycle["coulombic_efficiency"] for cycle in cycled.summary["cycles"]]
    away = []
    for seed in range(20):
        found = efficiency.per_cycle(record(cycled, noise=5e-6, seed=seed), current_accuracy=EXACT)
        away += [
            (cycle.coulombic_efficiency - value) / cycle.standard_error
            for cycle, value in zip(found.cycles, truth, strict=True)
        ]
    # 80 standard normal numbers: their root mean square is 1 +- 0.08
    assert 0.76 < float(np.sqrt(np.mean(np.square(away)))) < 1.24


def test_the_dead_metal_and_the_film_are_told_apart_by_a_titration(cycled: Run):
    end = final(cycled)
    dead, film = (end[f"working_{name}"] / MILLIAMPERE_HOUR for name in ("dead", "film_charge"))
    split = efficiency.per_cycle(record(cycled), titration=Titration(dead, 1e-4)).balance.split
    assert split is not None
    assert split.film_mAh == pytest.approx(film, abs=1e-6)  # 2e-8 of metal was left
    assert split.dead_share == pytest.approx(dead / (dead + film), rel=1e-5)
    described = record(cycled).with_metadata(cell={"dead_metal": dead * 3.6, "dead_metal_standard_error": 3.6e-4})
    assert efficiency.per_cycle(described).balance.split == split


def test_more_dead_metal_than_was_lost_is_refused(cycled: Run):
    found = efficiency.per_cycle(record(cycled), titration=Titration(0.5, 0.01))
    assert found.balance.split is None
    assert any("the titration is not used: 0.5 +- 0.01 mAh" in note for note in found.notes)
    with pytest.raises(InputError, match="were titrated"):
        efficiency.split_loss(0.1, 0.001, Titration(0.2, 0.02))
    # half a standard error too much is no contradiction, and stays a slightly negative film
    assert efficiency.split_loss(0.1, 0.001, Titration(0.11, 0.02)).film_mAh == pytest.approx(-0.01)


def test_a_titration_with_metal_still_plated_says_nothing():
    halves = [*cycles([0.95, 0.95]), (1, 1.0, False)]
    found = efficiency.per_cycle(trace(halves), titration=Titration(0.05, 0.01))
    assert found.balance.split is None
    assert found.balance.unstripped_mAh == pytest.approx(1.0, rel=1e-9)
    assert any("metal was still plated" in note for note in found.notes)


def test_the_modified_reservoir_is_what_the_inventory_lost(drawn: Run):
    """CE = 1 - lost/plated of reservoir and short cycles, where lost is the inventory's whole loss less that of the
    conditioning; and the conditioning's own."""
    found = efficiency.modified_reservoir(record(drawn))
    conditioning = efficiency.per_cycle(record(losing(["plate 1 mA/cm^2 for 5 h", STRIP])))
    total = lost(drawn) - conditioning.balance.lost_mAh
    assert found.coulombic_efficiency == pytest.approx(1.0 - total / 10.0, abs=1e-9)
    assert found.lost_mAh == pytest.approx(total, abs=1e-8)
    assert found.conditioning_efficiency == pytest.approx(conditioning.cycles[0].coulombic_efficiency, rel=1e-9)
    assert (found.short_cycles, found.exhausted_in_cycle) == (5, None)
    assert found.reservoir_mAh == pytest.approx(5.0, rel=1e-9)
    assert found.cycled_mAh == pytest.approx(1.0, rel=1e-9)
    q_s = found.final_strip_mAh
    assert q_s is not None
    assert found.coulombic_efficiency == pytest.approx((5 * 1.0 + q_s) / (5 * 1.0 + 5.0), rel=1e-12)
    assert efficiency.reservoir(record(drawn)).coulombic_efficiency == found.coulombic_efficiency
    dead = final(drawn)["working_dead"] / MILLIAMPERE_HOUR
    split = efficiency.modified_reservoir(record(drawn), titration=Titration(dead, 1e-4)).split
    assert split is not None  # the whole cell was titrated, conditioning included
    assert split.film_mAh == pytest.approx(final(drawn)["working_film_charge"] / MILLIAMPERE_HOUR, abs=1e-6)


@pytest.mark.parametrize("where", ["before the final strip", "in the final strip"])
def test_without_the_whole_final_strip_there_are_bounds_that_hold_the_truth(drawn: Run, where: str):
    whole = efficiency.modified_reservoir(record(drawn))
    halves = cycler_steps.of(record(drawn)).half_cycles
    rows = halves["last_row"][-2] + 1
    if where == "in the final strip":
        time = drawn.cycling["test_time_second"].to_numpy()
        rows = int(np.searchsorted(time, time[rows] + 7200.0))
    cut = efficiency.modified_reservoir(record(drawn, rows=rows))
    assert cut.coulombic_efficiency is None
    assert cut.standard_error is None
    assert cut.lost_mAh is None
    assert cut.bounds is not None
    low, high = cut.bounds
    assert low < whole.coulombic_efficiency < high == 1.0
    assert cut.conditioning_efficiency == whole.conditioning_efficiency
    # what has certainly been stripped, less two errors of the default cycler, 2 x 3e-4 (1 + CE): the short cycles, and
    # where the final strip began the time until the record ends at 1 mA
    seen = record(drawn, rows=rows).table["test_time_second"][-1]
    certain = 5.0 if where.startswith("before") else 5.0 + (seen - halves["end_second"][-2]) / 3600.0
    assert low == pytest.approx(certain / 10.0, abs=2.1 * 3e-4 * 2.0)
    assert low < certain / 10.0


def test_an_exhausted_reservoir_counts_the_cycles_before():
    """5 mAh at 60 %: each mAh cycled loses 0.4 and the reservoir 2: after 5 whole cycles 1 mAh is left in the sixth."""
    halves = [(1, 5.0, False), *[(-1, 1.0, False), (1, 1.0, False)] * 5, (-1, 0.6 * 10.0 - 5.0 - 0.2, True)]
    found = efficiency.reservoir(trace(halves))
    assert (found.short_cycles, found.exhausted_in_cycle) == (5, 6)
    assert found.coulombic_efficiency == pytest.approx((5.0 + 0.8) / 10.0, rel=1e-9)
    # the cycler went on after it: those cycles no longer draw on the reservoir
    on = efficiency.reservoir(trace([*halves, (1, 1.0, False), (-1, 0.6, True), (1, 1.0, False), (-1, 0.6, True)]))
    assert on.coulombic_efficiency == pytest.approx(found.coulombic_efficiency, rel=1e-9)
    assert on.short_cycles == 5


def test_each_method_refuses_what_is_not_its_own():
    with pytest.raises(InputError, match=r"no reservoir: plate 1, strip 0.98"):
        efficiency.reservoir(trace(cycles([0.98] * 3)))
    with pytest.raises(InputError, match="a reservoir protocol"):
        efficiency.per_cycle(trace(reservoir_test()))
    with pytest.raises(InputError, match="no conditioning before the reservoir: plate 5, strip 1"):
        efficiency.modified_reservoir(trace(reservoir_test(conditioned=False)))
    with pytest.raises(InputError, match="symmetric cell has no Coulombic efficiency"):
        efficiency.per_cycle(trace(cycles([1.0] * 3), kind="symmetric"))
    with pytest.raises(InputError, match="symmetric"):
        efficiency.modified_reservoir(trace(reservoir_test(), kind="symmetric"))
    with pytest.raises(InputError, match="which current plates"):
        efficiency.per_cycle(Cycling(trace(cycles([0.98])).table))
    with pytest.raises(InputError, match="no plating is followed by a whole stripping: plate 1 mAh"):
        efficiency.per_cycle(trace([(1, 1.0, False)]))
    with pytest.raises(InputError, match="no strip ran to its cut-off"):
        efficiency.per_cycle(trace([(1, 1.0, False), (-1, 1.0, False)] * 4))
    table = pl.DataFrame({"test_time_second": [0.0, 1.0], "current_ampere": [0.0, 0.0]})
    idle = Cycling(table, trace(cycles([0.9])).metadata)
    with pytest.raises(InputError, match="no half-cycle"):
        efficiency.per_cycle(idle)
    for kind in ("substrate", "full", None):
        with pytest.raises(InputError):
            efficiency.anode_free(trace(cycles([0.98] * 4), kind=kind))


@pytest.mark.parametrize("seen", ["noise", "a real cycler", "a fixed clock"])
def test_two_standard_errors_hold_the_truth(seen: str):
    """200 traces of ten cycles at CE = 0.99: the average within 2 standard errors in 95.4 %, and at least 91 % of 200
    but once in 300 tries; that errors are not simply wide is seen in the deviations' own spread."""
    rng = np.random.default_rng(11)
    inside, away = 0, []
    for _ in range(200):
        options: dict[str, Any] = {"noise": 5e-6, "seed": rng, "every": 120.0}
        accuracy = EXACT
        if seen == "a real cycler":
            accuracy = Accuracy()
            options |= {"offset": rng.normal(0.0, 3e-4 * CURRENT), "gain": rng.normal(0.0, 3e-4)}
        if seen == "a fixed clock":
            options |= {"fixed_clock": True, "every": 37.0, "rest": rng.uniform(200.0, 400.0)}
        plated = rng.uniform(0.9, 1.1)
        found = efficiency.per_cycle(trace(cycles([0.99] * 10, plated), **options), current_accuracy=accuracy)
        assert found.average is not None
        z = (found.average.value - 0.99) / found.average.standard_error
        inside += abs(z) < 2.0
        away.append(z)
    assert inside >= 182
    assert float(np.std(away)) > 0.6  # the errors are not simply large


def test_two_standard_errors_of_a_reservoir_hold_the_truth():
    rng = np.random.default_rng(5)
    away = []
    for _ in range(200):
        wrong = {"offset": rng.normal(0.0, 3e-4 * CURRENT), "gain": rng.normal(0.0, 3e-4)}
        found = efficiency.modified_reservoir(trace(reservoir_test(5), noise=5e-6, seed=rng, every=120.0, **wrong))
        assert found.coulombic_efficiency is not None
        away.append((found.coulombic_efficiency - 0.98) / found.standard_error)
    assert np.mean(np.abs(away) < 2.0) >= 0.91
    assert 0.8 < float(np.std(away)) < 1.2


def test_a_gain_cancels_in_the_ratio_and_not_in_the_charge():
    right, wrong = (efficiency.per_cycle(trace(cycles([0.97] * 4), gain=gain)) for gain in (0.0, 0.02))
    assert right.average is not None
    assert wrong.average is not None
    assert wrong.average.value == pytest.approx(right.average.value, rel=1e-12)
    assert wrong.balance.lost_mAh == pytest.approx(1.02 * right.balance.lost_mAh, rel=1e-9)
    told = efficiency.per_cycle(trace(cycles([0.97] * 4)), current_accuracy=Accuracy(gain=0.02, offset=0.0))
    assert told.average is not None
    assert told.average.standard_error == pytest.approx(0.0, abs=1e-12)
    assert told.balance.lost_standard_error_mAh == pytest.approx(0.02 * told.balance.lost_mAh, rel=1e-9)


def test_an_offset_moves_every_cycle_alike():
    """By (1 + CE) b/I, as the plated charge is too small and the stripped too large by b times their own hours, which
    for 3e-4 is 5.9e-4; averaging does not help."""
    found = efficiency.per_cycle(trace(cycles([0.97] * 16)), current_accuracy=Accuracy(gain=0.0, offset=3e-4))
    assert found.average is not None
    assert found.average.standard_error == pytest.approx(3e-4 * (0.97 + 0.97), rel=1e-6)
    shifted = efficiency.per_cycle(trace(cycles([0.97] * 16), offset=3e-4 * CURRENT), current_accuracy=EXACT)
    assert shifted.average is not None
    assert shifted.average.value - 0.97 == pytest.approx(3e-4 * (0.97 + 0.97), rel=1e-3)


def test_what_varies_from_cycle_to_cycle_is_in_the_error():
    values = 0.98 + np.random.default_rng(3).normal(0.0, 5e-3, 40)
    found = efficiency.per_cycle(trace(cycles(values)), current_accuracy=EXACT).average
    assert found is not None
    assert found.scatter is not None
    assert found.propagated == pytest.approx(0.0, abs=1e-9)
    assert found.standard_error == found.scatter
    assert found.scatter == pytest.approx(5e-3 / math.sqrt(40.0), rel=0.35)  # 40 numbers give 11 %, correlation more
    assert "their scatter" in found.method


def test_a_strip_first_belongs_to_no_cycle():
    """Metal that was there before: given apart, so that no cycle is wrong."""
    for kind in ("substrate", "full", None):
        found = efficiency.per_cycle(trace([(-1, 0.4, True), *cycles([0.98] * 3)], kind=kind))
        assert [cycle.coulombic_efficiency for cycle in found.cycles] == pytest.approx([0.98] * 3, rel=1e-9)
        assert found.balance.opening_strip_mAh == pytest.approx(0.4, rel=1e-9)
        assert any("0.4 mAh were stripped before the first plating" in note for note in found.notes)


def test_a_missing_or_cut_last_strip_is_left_out():
    whole = cycles([0.98] * 3)
    for rest in ([(1, 1.0, False)], [(1, 1.0, False), (-1, 0.3, False)]):
        found = efficiency.per_cycle(trace([*whole, *rest], rest=0.0))
        last = found.cycles[-1]
        assert (last.complete, last.coulombic_efficiency, last.in_average) == (False, None, False)
        assert found.average is not None
        assert found.average.cycles == 3
        assert found.balance.lost_mAh == pytest.approx(0.06, rel=1e-9)
        assert any("left out" in note for note in found.notes)


def test_a_sloping_voltage_does_not_make_a_cut_strip_whole():
    """A discharge whose voltage falls all along, cut at a third: only its end beside those before tells."""
    base = trace(cycles([0.98] * 4), plating_sign=1, kind="full", rest=0.0)
    time, current = base.table["test_time_second"].to_numpy(), base.table["current_ampere"].to_numpy()
    passed = np.cumsum(np.diff(time, prepend=0.0) * current) / 3.6
    table = base.table.with_columns(pl.Series("voltage_volt", 3.3 + 0.8 * (passed + 0.02 * np.floor(time / 7128.0))))
    whole = efficiency.per_cycle(Cycling(table, base.metadata))
    cut = efficiency.per_cycle(Cycling(table.filter(pl.col("test_time_second") < time[-1] - 2400.0), base.metadata))
    assert [cycle.complete for cycle in whole.cycles] == [True] * 4
    assert [cycle.complete for cycle in cut.cycles] == [True, True, True, False]
    assert cut.average is not None
    assert cut.average.value == pytest.approx(0.98, rel=1e-9)


def test_more_than_was_plated_is_told_not_clipped():
    found = efficiency.per_cycle(trace(cycles([0.98, 0.98, 1.05, 0.98])))
    assert found.cycles[2].coulombic_efficiency == pytest.approx(1.05, rel=1e-9)
    assert found.cycles[2].lost_mAh == pytest.approx(-0.05, rel=1e-9)
    assert any(note.startswith("cycle 3 stripped more than was plated") for note in found.notes)


def test_strips_that_stop_short_are_not_averaged():
    """A strip that ends at the cycler's charge tells nothing: metal was left, or a short carried the current."""
    halves = [*cycles([0.97] * 3), (1, 1.0, False), (-1, 1.0, False), *cycles([0.97] * 2)]
    found = efficiency.per_cycle(trace(halves))
    assert [cycle.exhausted for cycle in found.cycles] == [True, True, True, False, True, True]
    assert [cycle.in_average for cycle in found.cycles] == [True, True, True, False, True, True]
    assert found.average is not None
    assert found.average.value == pytest.approx(0.97, rel=1e-9)


def test_formation_is_given_apart():
    halves = [*cycles([0.8, 0.9]), *cycles([0.99] * 10)]
    currents = [2e-4] * 4 + [1e-3] * 20
    found = efficiency.per_cycle(trace(halves, currents=currents))
    assert [cycle.formation for cycle in found.cycles] == [True] * 2 + [False] * 10
    assert found.average is not None
    assert found.formation is not None
    assert found.average.value == pytest.approx(0.99, rel=1e-9)
    assert found.formation.value == pytest.approx(0.85, rel=1e-9)


def test_without_voltage_or_area_nothing_is_made_up():
    table = trace(cycles([0.98] * 3)).table.drop("voltage_volt")
    found = efficiency.per_cycle(Cycling(table, trace(cycles([0.98])).metadata))
    assert [cycle.exhausted for cycle in found.cycles] == [None] * 3
    assert any("no voltage" in note for note in found.notes)
    assert found.area_cm2 is None
    assert found.balance.lost_mAh_per_cm2 is None
    assert not any(name.endswith("per_cm2") for name in found.table.columns)


def test_the_table_and_the_dictionary():
    """A row a cycle, per cm2 where the area is known; JSON takes it."""
    found = efficiency.per_cycle(
        trace([*cycles([0.98] * 3), (1, 1.0, False)], electrode_area_square_metre=2e-4), current_accuracy=EXACT
    )
    per_area = found.table["lost_mAh_per_cm2"]
    assert per_area.head(3).to_list() == pytest.approx([0.01] * 3, rel=1e-6)
    assert per_area[3] is None
    assert found.table["coulombic_efficiency"].to_list()[3] is None
    words = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert words["average"]["value"] == pytest.approx(0.98, rel=1e-9)
    assert set(words["average"]) >= {"value", "standard_error", "method"}


def test_the_first_cycles_loss_and_the_steady_one():
    """1 - CE = 0.01 + 0.1 e^-k: above three deviations of 1e-3 for k <= 3, a loss of 0.1 (1 + 1/e + ...) beyond it."""
    k = np.arange(30)
    excess = 0.1 * np.exp(-k)
    values = 0.99 - excess + np.random.default_rng(4).normal(0.0, 1e-3, 30)
    settling = efficiency.per_cycle(trace(cycles(values)), current_accuracy=EXACT).course.settling
    assert settling is not None
    assert settling.settled
    assert settling.unsettled_cycles in (3, 4, 5)
    assert settling.steady_coulombic_efficiency == pytest.approx(0.99, abs=1e-3)
    assert settling.first_loss_mAh == pytest.approx(0.1, abs=3.0 * settling.first_loss_standard_error_mAh)
    counted = float(excess[: settling.unsettled_cycles].sum())
    assert settling.excess_loss_mAh == pytest.approx(counted, abs=3.0 * settling.excess_loss_standard_error_mAh)
    flat = efficiency.per_cycle(trace(cycles(0.99 + 1e-3 * np.cos(7.0 * k**2)))).course.settling
    assert flat is not None
    assert flat.unsettled_cycles == 0


def test_a_drop_and_a_knee_are_found_and_none_is_made_up():
    rng = np.random.default_rng(8)
    k = np.arange(60)
    plain = 0.99 + rng.normal(0.0, 1e-3, 60)
    quiet = efficiency.per_cycle(trace(cycles(plain), every=300.0)).course
    assert (quiet.knee, quiet.drops) == (None, ())
    assert quiet.drift is not None
    assert quiet.drift.p_value > 0.05
    falling = efficiency.per_cycle(trace(cycles(plain - 2e-3 * np.maximum(k - 39, 0)), every=300.0)).course.knee
    assert falling is not None
    assert falling.earliest <= 40 <= falling.latest
    assert falling.slope_after == pytest.approx(-2e-3, abs=4.0 * falling.slope_after_standard_error)
    dropped = plain.copy()
    dropped[30:] -= 0.05
    found = efficiency.per_cycle(trace(cycles(dropped), every=300.0)).course.drops
    assert [(drop.cycle, drop.recovered) for drop in found] == [(31, False)]
    drifting = efficiency.per_cycle(trace(cycles(plain - 2e-4 * k), every=300.0)).course.drift
    assert drifting is not None
    assert drifting.value == pytest.approx(-2e-4, abs=4.0 * drifting.standard_error)
    assert drifting.p_value < 1e-3


def test_a_soft_short_is_suspected():
    """Half-cycles that need less and less voltage while everything comes back."""
    base = trace(cycles([0.9995] * 12))
    share = np.linspace(1.0, 0.2, base.table.height)
    volt = base.table["voltage_volt"].to_numpy() * share
    found = efficiency.per_cycle(Cycling(base.table.with_columns(pl.Series("voltage_volt", volt)), base.metadata))
    assert any("soft short" in note for note in found.notes)
    assert not any("soft short" in note for note in efficiency.per_cycle(base).notes)


def fading(values: np.ndarray, kind: str = "anode-free", **options: Any) -> Cycling:
    """A cell whose every charge is what the discharge before gave back."""
    left, halves = 3.0, []
    for value in values:
        halves += [(1, left, False), (-1, left * value, True)]
        left *= value
    return trace(halves, plating_sign=1, kind=kind, **options)


def test_an_anode_free_cell_tells_its_efficiency_twice():
    """Discharge over charge, and the fade; and the second does not feel the current's offset."""
    for offset in (0.0, 3e-3 * CURRENT):
        found = efficiency.anode_free(fading(np.full(12, 0.985), offset=offset), current_accuracy=EXACT)
        assert found.retention is not None
        assert found.retention.coulombic_efficiency == pytest.approx(0.985, rel=1e-9)
        assert found.per_cycle.average is not None
        shift = -2.0 * 3e-3 * 0.985 if offset else 0.0  # charging is positive and plates: it reads too much
        assert found.per_cycle.average.value - 0.985 == pytest.approx(shift, abs=3e-5)
        assert found.capacity_ratio == pytest.approx(0.985**11, rel=1e-9)
        differ = [note for note in found.notes if "differ by" in note]
        assert len(differ) == (1 if offset else 0)
    assert found.cycles_to_80 == pytest.approx(math.log(0.8) / math.log(0.985), rel=1e-6)
    assert found.inventory_share == pytest.approx(0.985**12, rel=1e-2)


def test_an_anode_free_cell_that_varies_and_one_that_fails():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(40):
        found = efficiency.anode_free(fading(0.98 + rng.normal(0.0, 4e-3, 20), noise=5e-6, seed=rng, every=300.0))
        assert found.retention is not None
        low, high = found.retention.interval or (0.0, 0.0)
        held += low < 0.98 < high
    assert held >= 35  # 95 % of 40, less two deviations
    failing = efficiency.anode_free(fading(0.99 - 4e-3 * np.maximum(np.arange(20) - 9, 0)))
    assert failing.retention is not None
    assert failing.retention.single is False
    short = efficiency.anode_free(fading(np.array([0.9, 0.98])))
    assert short.retention is None
    assert short.capacity_ratio == pytest.approx(0.98, rel=1e-9)


@pytest.mark.parametrize("key", ["gain", "offset", "range_ampere"])
def test_an_accuracy_below_nothing_is_refused(key: str):
    with pytest.raises(InputError, match="not an error of a current"):
        Accuracy(**{key: -1.0})


def test_a_titration_needs_its_error():
    with pytest.raises(InputError, match="without an error"):
        efficiency.per_cycle(trace(cycles([0.9] * 2), cell={"dead_metal": 0.1}))
