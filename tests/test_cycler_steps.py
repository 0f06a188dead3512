"""Steps told from current and voltage: against synthetic tests of known content."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cycler_traces import PLATING, Part, plate_and_strip, trace
from mossy.analysis import cycler_steps
from mossy.analysis.cycler_steps.charge import interval_charges
from mossy.errors import InputError
from mossy.records import Cycling, Impedance


def test_plating_stripping_and_rests_with_their_charges():
    found = cycler_steps.of(trace(plate_and_strip(5), roles=PLATING, cell_kind="substrate"))
    assert found.half_cycles["direction"].to_list() == [1, -1] * 5
    assert found.half_cycles["cycle"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.table.filter(pl.col("kind") == "rest").height == 10
    charges = found.half_cycles["charge_coulomb"].to_numpy()
    np.testing.assert_allclose(charges, [3.6, 3.528] * 5, rtol=1e-12)  # constant currents: trapezoids are exact
    assert found.half_cycles.filter(pl.col("direction") == -1)["ended"].unique().to_list() == ["voltage"]
    assert found.half_cycles.filter(pl.col("direction") == 1)["ended"].unique().to_list() == ["charge"]
    assert found.half_cycles["rest_before_second"].to_list()[1:] == [300.0] * 9


@given(seed=st.integers(0, 2**31), interval=st.sampled_from([5.0, 30.0, 60.0, 300.0]), share=st.floats(0.0, 5e-4))
@settings(max_examples=30, deadline=None)
def test_noise_up_to_half_the_threshold_of_no_current_changes_no_step(seed, interval, share):
    record = trace(plate_and_strip(3), interval=interval, noise=0.3 * share * 1e-3, seed=seed, roles=PLATING)
    found = cycler_steps.of(record)
    assert found.half_cycles["direction"].to_list() == [1, -1] * 3
    np.testing.assert_allclose(found.half_cycles["charge_coulomb"], [3.6, 3.528] * 3, rtol=1e-3)


def test_a_noisy_current_is_one_level():
    """Two per cent of noise is more than a level may differ; it is told from the changes between rows."""
    record = trace(plate_and_strip(3), interval=10.0, noise=2e-5, roles=PLATING, cell_kind="substrate")
    resting = trace(plate_and_strip(3), interval=10.0).table["current_ampere"] == 0.0
    table = record.table.with_columns(current_ampere=pl.when(resting).then(0.0).otherwise("current_ampere"))
    found = cycler_steps.of(Cycling(table, record.metadata))
    assert found.half_cycles["direction"].to_list() == [1, -1] * 3
    assert "pulse" not in found.table["kind"].to_list()
    np.testing.assert_allclose(found.half_cycles["charge_coulomb"], [3.6, 3.528] * 3, rtol=5e-3)


def test_the_sum_of_all_charges_is_the_integral_of_the_current():
    record = trace([*plate_and_strip(2), Part(2e-3, 1800.0, (0.1, 1.0)), Part(2e-3, 3600.0, (1.0, 1.0), decay=900.0)])
    found = cycler_steps.of(record)
    assert found.table["charge_coulomb"].sum() == pytest.approx(found.trace.charge.sum(), abs=1e-15)


def test_a_held_voltage_is_a_step_of_its_own():
    record = trace([Part(1e-3, 3600.0, (3.0, 4.2)), Part(1e-3, 3600.0, (4.2, 4.2), decay=900.0)], interval=30.0)
    found = cycler_steps.of(record)
    assert found.table["kind"].to_list() == ["positive", "hold"]
    decayed = 1e-3 * 900.0 * (1.0 - np.exp(-4.0))
    # the trapezoid of an exponential errs by (dt/tau)^2/12 of it
    assert found.table["charge_coulomb"][1] == pytest.approx(decayed, rel=(30.0 / 900.0) ** 2 / 6.0)
    assert found.half_cycles.height == 1


def test_two_levels_of_current_are_two_steps_of_one_half_cycle():
    found = cycler_steps.of(trace([Part(-1e-3, 3600.0), Part(-3e-3, 1800.0), Part(1e-3, 3600.0)], roles=PLATING))
    assert found.table["kind"].to_list() == ["plate", "plate", "strip"]
    assert found.half_cycles["charge_coulomb"].to_list() == pytest.approx([9.0, 3.6])
    assert found.half_cycles["current_ampere"].to_list() == pytest.approx([3e-3, 1e-3])  # of what carried most


def test_short_pulses_interrupt_no_half_cycle():
    parts = [Part(-1e-3, 3600.0), Part(0.0, 60.0), Part(5e-3, 5.0, (0.1, 0.1)), Part(0.0, 60.0), Part(-1e-3, 3600.0)]
    found = cycler_steps.of(trace([*parts, Part(1e-3, 7000.0)], roles=PLATING))
    assert found.half_cycles["direction"].to_list() == [1, -1]
    assert found.table["kind"].to_list() == ["plate", "rest", "pulse", "rest", "plate", "strip"]
    assert found.half_cycles["charge_coulomb"][0] == pytest.approx(7.2 - 0.025)  # the pulse took some back


def test_a_cell_that_discharges_first_is_read_with_the_other_sign():
    record = trace(plate_and_strip(3), cell_kind="substrate")
    turned = Cycling(
        record.table.with_columns(-record.table["current_ampere"]),
        record.metadata | {"roles": PLATING | {"plating_current_sign": 1}},
    )
    found = cycler_steps.of(turned)
    assert found.half_cycles["direction"].to_list() == [1, -1] * 3
    assert found.half_cycles["current_sign"].to_list() == [1, -1] * 3


def test_a_strip_before_the_first_plate_is_cycle_zero():
    parts = [Part(1e-3, 900.0, (0.0, 1.0)), *plate_and_strip(2)]
    found = cycler_steps.of(trace(parts, roles=PLATING, cell_kind="substrate"))
    assert found.half_cycles["cycle"].to_list() == [0, 1, 1, 2, 2]


def test_without_roles_nothing_is_called_plating():
    found = cycler_steps.of(trace(plate_and_strip(2)))
    assert set(found.table["kind"]) == {"negative", "positive", "rest"}
    assert found.half_cycles["direction"].null_count() == 4
    with pytest.raises(InputError, match="plating_current") as refusal:
        cycler_steps.plating_sign(found)
    assert "mossy describe" in refusal.value.remedy


def reservoir_parts(short: int, final: float | None, conditioning: bool = True) -> list[Part]:
    parts = [Part(-1e-3, 18000.0), Part(1e-3, 17000.0, (0.05, 0.06))] if conditioning else []
    parts.append(Part(-1e-3, 18000.0))
    parts += [Part(1e-3, 3600.0), Part(-1e-3, 3600.0)] * short
    return parts if final is None else [*parts, Part(1e-3, final)]


@pytest.mark.parametrize("short", [2, 10])
@pytest.mark.parametrize("conditioning", [True, False])
@pytest.mark.parametrize("final", [17000.0, 2000.0, None])
def test_the_parts_of_a_reservoir_protocol_are_named(short, conditioning, final):
    found = cycler_steps.of(trace(reservoir_parts(short, final, conditioning), roles=PLATING, cell_kind="substrate"))
    first = ["conditioning plate", "conditioning strip"] if conditioning else []
    last = [] if final is None else ["final strip"]
    assert found.half_cycles["label"].to_list() == [*first, "reservoir", *["short strip", "short plate"] * short, *last]


def test_full_strips_are_no_reservoir_and_slow_first_cycles_are_formation():
    parts = [*plate_and_strip(2, current=2e-4, hours=5.0), *plate_and_strip(12)]
    found = cycler_steps.of(trace(parts, roles=PLATING, cell_kind="substrate"))
    assert found.half_cycles["label"].to_list() == ["formation"] * 4 + [None] * 24
    given_none = cycler_steps.of(trace(parts, roles=PLATING, cell_kind="substrate"), formation_cycles=0)
    assert given_none.half_cycles["label"].null_count() == 28


def test_a_spectrum_in_a_rest_makes_it_an_impedance_step():
    record = trace(plate_and_strip(1), roles=PLATING)
    rows = {"frequency_hertz": [1e3, 1.0], "real_impedance_ohm": [1.0, 2.0], "imaginary_impedance_ohm": [-0.1, -0.1]}
    spectrum = Impedance(pl.DataFrame(rows | {"test_time_second": [3650.0, 3700.0]}))
    found = cycler_steps.of(record, [spectrum])
    assert found.table["kind"].to_list()[:3] == ["plate", "impedance", "strip"]


def test_a_jump_takes_the_later_current_and_a_mean_current_holds_over_its_interval():
    t = np.array([0.0, 10.0, 20.0, 30.0])
    assert interval_charges(t, np.array([0.0, 1.0, 1.0, -1.0])).tolist() == [0.0, 10.0, 10.0, -10.0]
    ramp = np.array([1.0, 1.02, 1.04, 1.06])
    assert interval_charges(t, ramp).sum() == pytest.approx(30.9)
    assert interval_charges(t, ramp, mean=True).sum() == pytest.approx(31.2)


def test_a_switching_row_is_no_step():
    """Some instruments write one row of no current, or of the current before, as they switch."""
    record = trace(plate_and_strip(2), roles=PLATING)
    table = record.table
    place = int(np.flatnonzero(table["current_ampere"].to_numpy() > 0)[0])
    extra = table[place].with_columns(current_ampere=pl.lit(0.0))
    doubled = pl.concat([table[: place + 1], extra, table[place + 1 :]])
    found = cycler_steps.of(Cycling(doubled, record.metadata))
    assert found.half_cycles["direction"].to_list() == [1, -1, 1, -1]
    assert found.table.filter(pl.col("kind") == "strip").height == 2


def test_records_that_carry_no_steps_are_refused_with_a_remedy():
    times = [0.0, 1.0, 2.0]
    with pytest.raises(InputError, match="no current") as refusal:
        cycler_steps.of(Cycling(pl.DataFrame({"test_time_second": times, "voltage_volt": times})))
    assert refusal.value.remedy
    with pytest.raises(InputError, match="goes back"):
        cycler_steps.of(Cycling(pl.DataFrame({"test_time_second": [0.0, 2.0, 1.0], "current_ampere": [1.0] * 3})))
    resting = cycler_steps.of(Cycling(pl.DataFrame({"test_time_second": times, "current_ampere": [0.0] * 3})))
    assert resting.half_cycles.is_empty()
    assert "no current flows" in resting.notes[0]


def test_a_gap_while_current_flows_is_said():
    record = trace([Part(-1e-3, 3600.0), Part(1e-3, 3600.0)], interval=10.0)
    kept = record.table.filter((pl.col("test_time_second") < 1000.0) | (pl.col("test_time_second") > 2500.0))
    assert any("gaps in the recording" in note for note in cycler_steps.of(Cycling(kept)).notes)
