"""Plateaus, their parts, their shape and their asymmetry, against traces whose every part is known."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cells_for_tests import electrode, seen_at, simulate
from mossy.analysis import cycler_steps, overpotential
from mossy.analysis.overpotential.level import levels
from mossy.analysis.overpotential.pieces import grouped_median
from mossy.analysis.overpotential.reading import read
from mossy.analysis.overpotential.relaxation import finite_diffusion
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

PLATES_NEGATIVE = {"electrode_under_study": "working", "plating_current_sign": -1}
FRACTION = np.linspace(0.0, 1.0, 201)


def record(time: Any, voltage: Any, current: Any, kind: str | None = "symmetric", **metadata: Any) -> Cycling:
    table = {"test_time_second": time, "voltage_volt": voltage, "current_ampere": current}
    if kind is not None:
        metadata["cell_kind"] = kind
    return Cycling(pl.DataFrame(table, schema_overrides=dict.fromkeys(table, pl.Float64)), metadata)


def half_cycles(
    parts: list[tuple[float, Any]], hour: float = 3600.0, rest: float = 0.0, rested: float = 0.0
) -> dict[str, np.ndarray]:
    """Columns of half-cycles given as (current in A, |V| along them), with rests between of one voltage."""
    time, voltage, current, now = [], [], [], 0.0
    for amps, along in parts:
        shape = np.broadcast_to(along, FRACTION.shape)
        time.append(now + hour * FRACTION)
        voltage.append(np.sign(amps) * shape)
        current.append(np.full(len(FRACTION), amps))
        now += hour
        if rest > 0.0:
            time.append(now + np.linspace(rest / 20.0, rest, 20))
            voltage.append(np.full(20, rested))
            current.append(np.zeros(20))
            now += rest
    return {"time": np.concatenate(time), "voltage": np.concatenate(voltage), "current": np.concatenate(current)}


# Plateaus


def test_constant_plateaus_are_exact() -> None:
    columns = half_cycles([(-1e-3, 0.03), (1e-3, 0.02), (-1e-3, 0.03), (1e-3, 0.02)])
    area = {"electrode_area_square_metre": 2e-4}
    found = overpotential.plateaus(record(**columns, kind="substrate", roles=PLATES_NEGATIVE, **area))
    plating, stripping = found.of("plating"), found.of("stripping")
    assert [each.cell_voltage_mV for each in plating] == pytest.approx([30.0, 30.0], rel=1e-12)
    assert [each.cell_voltage_mV for each in stripping] == pytest.approx([20.0, 20.0], rel=1e-12)
    assert plating[0].resistance_ohm == pytest.approx(30.0, rel=1e-12)
    assert plating[0].resistance_ohm_cm2 == pytest.approx(60.0, rel=1e-12)
    assert plating[0].areal_current_mA_per_cm2 == pytest.approx(0.5, rel=1e-12)
    assert plating[0].charge_mAh == pytest.approx(1.0, rel=1e-12)
    assert plating[0].equilibrium_mV == 0.0
    assert plating[0].per_electrode_mV is None  # two unlike electrodes: nothing to halve


def test_the_area_is_never_guessed() -> None:
    found = overpotential.plateaus(record(**half_cycles([(1e-3, 0.03), (-1e-3, 0.03)])))
    assert found.plateaus[0].areal_current_mA_per_cm2 is None
    assert found.plateaus[0].resistance_ohm_cm2 is None
    assert any("area" in note for note in found.notes)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_standard_error_covers(correlation: float) -> None:
    """The median of 100 cycles is within one and two standard errors as often as of normal noise: 68 and 95 %."""
    rng = np.random.default_rng(7)
    parts = []
    for k in range(200):
        noise = rng.normal(0.0, 1e-4, len(FRACTION) + 50)
        for i in range(1, len(noise)):
            noise[i] += correlation * noise[i - 1]
        parts.append(((-1) ** k * 1e-3, 0.05 + noise[50:]))
    found = overpotential.plateaus(record(**half_cycles(parts)))
    z = np.array([(each.cell_voltage_mV - 50.0) / (each.standard_error_mV or np.nan) for each in found.plateaus])
    # 200 draws: the standard deviation of z is known to 5 %; an error told from 120 rows adds some
    assert z.std() == pytest.approx(1.0, abs=0.2)
    assert abs(z.mean()) < 3.0 / 200**0.5 * 1.2


def test_a_sloping_plateau_s_median_is_less_certain() -> None:
    """Against 2,000 draws of the noise itself: a slope of many sigma raises the error of the median as derived."""
    rng = np.random.default_rng(3)
    x = np.linspace(0.0, 1.0, 400)
    group, weight = np.zeros(400, int), np.ones(400)
    draws = [x + rng.normal(0.0, 0.05, 400) for _ in range(2000)]
    medians = [grouped_median(each[80:320], weight[80:320], group[80:320], 1)[0] for each in draws]
    claimed = np.median([levels(each, weight, group, x, 1).standard_error[0] for each in draws[:100]])
    assert claimed == pytest.approx(np.std(medians), rel=0.15)  # 2 % of sampling, and 10 % of the noise estimate


def test_a_weighted_median_is_the_plain_one_where_weights_are_alike() -> None:
    rng = np.random.default_rng(0)
    values, group = rng.normal(size=(7, 31)), np.arange(7).repeat(31)
    order = rng.permutation(values.size)
    found = grouped_median(values.ravel()[order], np.ones(values.size), group[order], 7)
    assert found == pytest.approx(np.median(values, axis=1), abs=1e-12)


def test_dense_rows_do_not_outweigh_the_charge() -> None:
    """An instrument that records on change writes most rows in a spike; the plateau is of the charge."""
    time = np.concatenate(
        [np.linspace(0.0, 1500.0, 151), np.linspace(1500.0, 1510.0, 1000), np.arange(1520.0, 3600.0, 10)]
    )
    voltage = np.where((time > 1500.0) & (time <= 1510.0), 0.3, 0.05)
    found = overpotential.plateaus(record(time, voltage, np.full(len(time), 1e-3)))
    assert found.plateaus[0].cell_voltage_mV == pytest.approx(50.0, rel=1e-12)


def test_every_level_of_a_stepped_current_has_its_own_resistance() -> None:
    columns = half_cycles([(1e-4, 0.004), (2e-4, 0.010), (4e-4, 0.028)])
    found = overpotential.plateaus(record(**columns))
    assert {each.half_cycle for each in found.plateaus} == {0}
    assert [each.resistance_ohm for each in found.plateaus] == pytest.approx([40.0, 50.0, 70.0], rel=1e-9)


def test_a_median_over_several_currents_is_told_from_one() -> None:
    stepped = overpotential.plateaus(
        record(**half_cycles([(1e-4, 0.004), (-1e-4, 0.004), (4e-4, 0.03), (-4e-4, 0.03)]))
    )
    assert stepped.currents_mA == pytest.approx((0.1, 0.4))
    assert not stepped.single_current
    # 1 % off is the instrument's, and each direction may have a current of its own
    cycled_once = overpotential.plateaus(
        record(**half_cycles([(1e-3, 0.03), (-5e-4, 0.02), (1.01e-3, 0.03), (-5e-4, 0.02)]))
    )
    assert cycled_once.currents_mA == pytest.approx((0.5, 1.005))
    assert cycled_once.single_current
    assert cycled_once.as_dict()["single_current"]


def test_a_strip_cut_off_by_voltage_keeps_its_plateau() -> None:
    cut = 0.02 + 0.98 * FRACTION**60
    columns = half_cycles([(-1e-3, 0.03), (1e-3, cut)])
    found = overpotential.plateaus(record(**columns, kind="substrate", roles=PLATES_NEGATIVE))
    strip = found.of("stripping")[0]
    assert strip.ended == "voltage"
    assert strip.cell_voltage_mV == pytest.approx(20.0, abs=0.01)  # 0.8^60 of 980 mV is 1.5 uV
    assert any("ended at a voltage" in note for note in found.notes)


def test_without_a_kind_only_voltages_are_told() -> None:
    found = overpotential.plateaus(record(**half_cycles([(1e-3, 0.03), (-1e-3, 0.03)]), kind=None))
    assert found.plateaus[0].cell_voltage_mV == pytest.approx(30.0)
    assert found.plateaus[0].resistance_ohm is None
    assert found.plateaus[0].equilibrium_mV is None


@pytest.mark.parametrize(
    ("kind", "factor", "key", "says"),
    [
        ("full", 1.0, "cell_kind", "no voltage of 0"),
        ("anode-free", 1.0, "cell_kind", "no voltage of 0"),
        ("symmetric", -1.0, "current_ampere", "opposite"),
        ("substrate", 1.0, "plating_current", "not stated"),
    ],
)
def test_what_no_overpotential_can_be_told_of_is_refused(kind: str, factor: float, key: str, says: str) -> None:
    columns = half_cycles([(1e-3, 0.03), (-1e-3, 0.03)])
    columns["voltage"] = factor * columns["voltage"]
    with pytest.raises(InputError, match=says) as caught:
        overpotential.plateaus(record(**columns, kind=kind))
    assert caught.value.key == key
    assert caught.value.remedy


def test_a_voltage_alone_is_refused_and_described_otherwise() -> None:
    time = np.arange(0.0, 7200.0, 10.0)
    voltage = np.where(time < 3600.0, 0.05, -0.04)
    bare = Cycling(pl.DataFrame({"test_time_second": time, "voltage_volt": voltage}), {"cell_kind": "symmetric"})
    with pytest.raises(InputError, match="trace_features"):
        overpotential.plateaus(bare)
    found = overpotential.trace_features(time, voltage)
    assert [(each.sign, each.voltage_mV) for each in found] == [(1, pytest.approx(50.0)), (-1, pytest.approx(40.0))]
    halved = overpotential.trace_features(time, voltage, every=1800.0)
    assert [each.voltage_mV for each in halved] == pytest.approx([50.0, 50.0, 40.0, 40.0])
    with pytest.raises(InputError, match="goes back"):
        overpotential.trace_features(time[::-1], voltage)


# Sweeps


def voltammogram(cycles: int = 3) -> dict[str, np.ndarray]:
    """1 mV/s between -0.2 and 1 V: plating below -0.03 V, a stripping peak on the way back, and a little noise."""
    time = np.arange(0.0, 2400.0 * cycles, 2.0)
    back = time % 2400.0 > 1200.0
    voltage = np.abs(time % 2400.0 - 1200.0) / 1000.0 - 0.2
    current = np.where(voltage < -0.03, 4e-3 * (voltage + 0.03), 0.0)
    current += np.where(back, 6e-4 * np.exp(-(((voltage - 0.1) / 0.05) ** 2)), 0.0)
    return {
        "time": time,
        "voltage": voltage + np.random.default_rng(0).normal(0.0, 1e-4, len(time)),
        "current": current,
    }


def test_a_sweep_has_no_plateau_no_shape_and_no_parts() -> None:
    given = record(**voltammogram(), kind="substrate", roles=PLATES_NEGATIVE)
    assert overpotential.is_sweep(cycler_steps.of(given))
    for told in (overpotential.plateaus, overpotential.shape, overpotential.split):
        with pytest.raises(InputError, match="swept in time") as caught:
            told(given)
        assert caught.value.remedy


@pytest.mark.parametrize(
    "along", [0.05 + 0.05 * FRACTION, 0.02 + 0.98 * FRACTION**60, 0.03 + 0.02 * np.exp(-FRACTION / 0.05)]
)
def test_a_constant_current_is_no_sweep_however_the_voltage_runs(along: np.ndarray) -> None:
    """Not even where the voltage is a straight line, and not where a ripple of the current changes it by a tenth."""
    columns = half_cycles([(-1e-3, along), (1e-3, along)])
    assert not overpotential.is_sweep(cycler_steps.of(record(**columns)))
    ripple = 1.0 + 0.1 * (-1.0) ** np.arange(len(columns["current"]))
    assert not overpotential.is_sweep(cycler_steps.of(record(**columns | {"current": columns["current"] * ripple})))


def test_a_sweep_within_a_test_of_constant_currents_is_left_out() -> None:
    columns = half_cycles([(-1e-3, 0.03), (1e-3, 0.02)] * 4)
    sweep = voltammogram(1)
    sweep["time"] = sweep["time"] + columns["time"][-1] + 10.0
    together = {name: np.concatenate([columns[name], sweep[name]]) for name in columns}
    found = overpotential.plateaus(record(**together, kind="substrate", roles=PLATES_NEGATIVE))
    assert [each.cell_voltage_mV for each in found.plateaus] == pytest.approx([30.0, 20.0] * 4, abs=1e-9)
    assert any("swept are left out" in note for note in found.notes)


# The law of the relaxation


def test_a_finite_layer_begins_with_the_square_root_of_time() -> None:
    """Against 20,000 terms of the series; the square-root law is 1 - 4 (x/pi^3)^1/2."""
    x = np.geomspace(1e-5, 10.0, 60)
    odd = np.arange(1, 40001, 2, dtype=float)
    series = 8.0 / np.pi**2 * (np.exp(-np.outer(x, odd**2)) / odd**2).sum(axis=1)
    assert finite_diffusion(x) == pytest.approx(series, abs=1e-4)
    early = np.array([1e-6, 4e-6])
    lost = 1.0 - finite_diffusion(early)
    assert lost[1] / lost[0] == pytest.approx(2.0, rel=1e-9)


def test_a_finite_layer_solves_the_diffusion_equation() -> None:
    """Closed faces, a steady profile at first: the difference between the faces, by finite volumes."""
    cells, time_constant = 200, 1.0
    diffusivity = 1.0 / np.pi**2 / time_constant
    step = 1.0 / cells
    laplacian = (np.eye(cells, k=1) + np.eye(cells, k=-1) - 2.0 * np.eye(cells)) / step**2
    laplacian[0, 0] = laplacian[-1, -1] = -1.0 / step**2
    values, vectors = np.linalg.eigh(diffusivity * laplacian)
    start = vectors.T @ (0.5 - (np.arange(cells) + 0.5) * step)
    for x in (0.05, 0.3, 1.0, 3.0):
        profile = vectors @ (np.exp(values * x) * start)
        # the faces lie half a cell outside the first and last centres, where the slope is that of the last two cells
        faces = (profile[0] - profile[-1]) + 0.5 * ((profile[0] - profile[1]) - (profile[-1] - profile[-2])) / 2.0
        assert faces == pytest.approx(float(finite_diffusion(np.array([x]))[0]), abs=2e-3)


def interrupted(
    relax: Callable[[np.ndarray], Any], noise: float = 0.0, first: float = 0.01, count: int = 40
) -> Cycling:
    """Half-cycles of 1 mA at 60 mV of either sign, each with a rest of half an hour."""
    rng = np.random.default_rng(5)
    rest = np.geomspace(first, 1800.0, 80)
    time, voltage, current, now = [], [], [], 0.0
    for k in range(count):
        sign = 1.0 - 2.0 * (k % 2)
        for seconds, along, amps in ((3600.0 * FRACTION, 0.06 + 0.0 * FRACTION, 1e-3), (rest, relax(rest), 0.0)):
            time.append(now + seconds)
            voltage.append(sign * along + rng.normal(0.0, noise, len(seconds)))
            current.append(np.full(len(seconds), sign * amps))
            now += seconds[-1]
    return record(np.concatenate(time), np.concatenate(voltage), np.concatenate(current))


def test_a_split_finds_every_part_it_was_made_of() -> None:
    """15 mV at once, 20 mV exponential in 2 s, 25 mV of diffusion in 200 s: within its errors, in every rest."""
    relax = lambda t: 0.02 * np.exp(-t / 2.0) + 0.025 * finite_diffusion(t / 200.0)  # noqa: E731
    found = overpotential.split(interrupted(relax, noise=5e-5))
    truth = {"ohmic": 15.0, "charge_transfer_and_film": 20.0, "concentration": 25.0, "unrelaxed": 0.0, "total": 60.0}
    for each in found.interruptions:
        assert each.relaxation == "exponential and diffusion"
        assert each.rival is None
        for name, value in truth.items():
            part = getattr(each, name)
            assert abs(part.mV - value) < 3.5 * part.standard_error_mV, name
            assert part.standard_error_mV < 0.5, name
            assert part.ohm == pytest.approx(part.mV, rel=1e-9)  # at 1 mA
        assert each.time_constants_second == pytest.approx((2.0, 200.0), rel=0.1)


@pytest.mark.parametrize(
    ("relax", "part", "none"),
    [
        (lambda t: 0.02 * np.exp(-t / 20.0), "charge_transfer_and_film", "concentration"),
        (lambda t: 0.02 * finite_diffusion(t / 200.0), "concentration", "charge_transfer_and_film"),
    ],
)
def test_a_relaxation_is_called_by_its_law(relax: Any, part: str, none: str) -> None:
    """An exponential is not taken for diffusion, nor diffusion for an exponential, however slow or fast they are."""
    for each in overpotential.split(interrupted(relax, noise=5e-5)).interruptions:
        assert getattr(each, none) is None
        assert getattr(each, part).mV == pytest.approx(20.0, abs=3.5 * getattr(each, part).standard_error_mV)


def test_a_relaxation_that_is_not_resolved_is_not_named() -> None:
    """Sampled only late, diffusion is an exponential too: the sum is told, the law not."""
    found = overpotential.split(interrupted(lambda t: 0.02 * finite_diffusion(t / 200.0), 5e-5, first=150.0))
    unnamed = [each for each in found.interruptions if each.rival is not None]
    assert len(unnamed) > 0.9 * len(found.interruptions)
    assert all(each.concentration is None and each.charge_transfer_and_film is None for each in unnamed)


def sampled(
    rows: np.ndarray, tau: float, *, law: Callable[[np.ndarray], Any] = finite_diffusion, late: float = 200.0
) -> Cycling:
    """20 mV ohmic, 30 mV of charge transfer in `tau` s, 50 mV by a law in `late` s; rows at the same times after each
    switch on and off, noise of 10 uV."""
    rng = np.random.default_rng(8)
    time, voltage, current, now = [np.array([0.0, 60.0])], [np.zeros(2)], [np.zeros(2)], 60.0
    for sign in (1.0, -1.0):
        left = 0.03 * np.exp(-rows / tau) + 0.05 * law(rows / late)
        for amps, along in ((1e-3 * sign, 0.1 - left), (0.0, left)):
            time.append(now + 1e-4 + rows)
            voltage.append(sign * along + rng.normal(0.0, 1e-5, len(rows)))
            current.append(np.full(len(rows), amps))
            now = time[-1][-1]
    return record(np.concatenate(time), np.concatenate(voltage), np.concatenate(current))


@pytest.mark.parametrize("first", [1e-3, 0.1, 0.5])
@pytest.mark.parametrize("every", [1.0, 5.0, 10.0, 30.0])
def test_what_falls_between_the_first_two_rows_is_not_carried_beyond_the_first(first: float, every: float) -> None:
    """Rows soon after the switch, then every so many seconds, time constants from below the first to ten seconds.

    The ohmic part is 20 mV or more than it by what is gone before the first row; where the time constant is three
    times the first row's or more, the first row has lost at most 0.4 of what it shows and the error covers that.
    """
    rows = np.concatenate([[first], np.arange(every, 3601.0, every)])
    for tau in (3e-4, 1e-3, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0):
        for each in overpotential.split(sampled(rows, tau)).interruptions:
            error = each.ohmic.standard_error_mV
            assert 20.0 - 3.0 * error < each.ohmic.mV <= 50.0 + 3.0 * error
            if tau >= first:
                assert each.ohmic_at_least_mV < 20.0 + 0.5  # noise and 0.5 % of the relaxation
            if tau >= 3.0 * first:
                assert each.ohmic.mV == pytest.approx(20.0, abs=3.0 * error)
            if tau < each.time_constants_second[0] and each.charge_transfer_and_film is None and each.fast is not None:
                lost = 30.0 * -np.expm1(-first / tau)
                assert each.fast.mV == pytest.approx(30.0 - lost, abs=3.0 * each.fast.standard_error_mV)
            if each.concentration is not None:
                assert each.concentration.mV == pytest.approx(50.0, abs=3.0 * each.concentration.standard_error_mV)
            if each.charge_transfer_and_film is not None:  # a law is told only of what more than one row shows
                assert tau > 0.9 * every
                assert each.charge_transfer_and_film.mV == pytest.approx(
                    30.0, abs=3.0 * each.charge_transfer_and_film.standard_error_mV
                )


def test_a_row_at_once_and_one_each_second_measure_the_jump() -> None:
    """The first row, 1 ms after the switch, has lost 0.1 mV of 30 in 0.3 s: the jump is the ohmic part. Of a time
    constant anywhere between 1 ms and 1 s the first row has lost up to 0.116 in two of three cases, 3.5 mV."""
    rows = np.concatenate([[1e-3], np.arange(1.0, 3601.0)])
    for each in overpotential.split(sampled(rows, 0.3)).interruptions:
        assert each.relaxation == "fast, then diffusion"
        assert each.ohmic.mV == pytest.approx(20.0, abs=0.3)
        assert each.ohmic.standard_error_mV == pytest.approx(30.0 * np.expm1((1e-3) ** 0.32), rel=0.1)
        assert each.charge_transfer_and_film is None
        assert each.fast is not None
        assert each.fast.mV == pytest.approx(30.0, abs=0.5)
        assert each.concentration is not None
        assert each.concentration.mV == pytest.approx(50.0, abs=0.5)


@pytest.mark.parametrize(("late", "slow"), [(200.0, True), (20.0, False)])
def test_an_exponential_of_minutes_is_no_interphase(late: float, slow: bool) -> None:
    """R C of a double layer or film ends at some 10 s: 200 s are called slow, and neither film nor concentration."""
    found = overpotential.split(sampled(np.geomspace(1e-3, 3600.0, 80), 1.0, law=lambda x: np.exp(-x), late=late))
    for each in found.interruptions:
        assert each.concentration is None
        assert each.charge_transfer_and_film is not None
        assert each.charge_transfer_and_film.mV == pytest.approx(30.0 if slow else 80.0, abs=1.0)
        assert (each.slow is not None) == slow
        assert each.slow is None or each.slow.mV == pytest.approx(50.0, abs=3.0 * each.slow.standard_error_mV)


def test_a_film_little_faster_than_the_diffusion_is_told_from_it() -> None:
    """10 s beside 30 s: the best of the grid's starts lies far from it, and the fit gets there."""
    for each in overpotential.split(sampled(np.geomspace(1e-2, 3600.0, 80), 10.0, late=30.0)).interruptions:
        assert each.relaxation == "exponential and diffusion"
        assert each.time_constants_second == pytest.approx((10.0, 30.0), rel=0.05)
        assert each.ohmic.mV == pytest.approx(20.0, abs=3.0 * each.ohmic.standard_error_mV)


def test_a_rest_that_begins_with_the_current_s_voltage_begins_a_row_later() -> None:
    """Some instruments write the last voltage under current once more: it says nothing of the jump."""
    rows = np.concatenate([[0.0], np.arange(1.0, 3601.0)])
    given = sampled(rows, 1e-3)
    table = given.table.with_row_index()
    again = (table["current_ampere"] == 0.0) & (table["current_ampere"].shift(1) != 0.0)
    table = table.with_columns(
        voltage_volt=pl.when(again).then(0.1 * pl.col("voltage_volt").sign()).otherwise("voltage_volt")
    )
    found = overpotential.split(Cycling(table.drop("index"), given.metadata))
    assert any("still shows the voltage under current" in note for note in found.notes)
    for each in found.interruptions:
        assert each.resolution_second == pytest.approx(1.0, abs=1e-3)
        assert each.ohmic.mV == pytest.approx(50.0, abs=3.0 * each.ohmic.standard_error_mV)  # with what is gone in 1 s


def test_a_rest_that_begins_above_the_current_s_voltage_is_not_split() -> None:
    found = overpotential.split(interrupted(lambda t: 0.07 * np.exp(-t / 5.0), noise=1e-5, count=4))
    assert not found.interruptions
    assert any("above the voltage under current" in note for note in found.notes)


def test_the_parts_add_up_to_the_total() -> None:
    for relax in (lambda t: 0.03 * np.exp(-t / 5.0) + 0.001, lambda t: 0.01 * (t + 1.0) ** -0.2):
        for each in overpotential.split(interrupted(relax, noise=1e-4)).interruptions:
            together = each.ohmic.mV + each.relaxing.mV + each.unrelaxed.mV
            assert together == pytest.approx(each.total.mV, rel=1e-12)


def test_a_rest_of_few_rows_gives_bounds() -> None:
    columns = half_cycles([(1e-3, 0.06), (-1e-3, 0.06)])
    time = np.concatenate([columns["time"][:201], [3610.0, 3620.0, 3630.0], 30.0 + columns["time"][201:]])
    voltage = np.concatenate([columns["voltage"][:201], [0.03, 0.025, 0.02], columns["voltage"][201:]])
    current = np.concatenate([columns["current"][:201], [0.0, 0.0, 0.0], columns["current"][201:]])
    found = overpotential.split(record(time, voltage, current)).interruptions[0]
    assert found.relaxation is None
    assert found.ohmic.mV == pytest.approx(30.0)
    assert "at most" in found.ohmic.method
    assert found.resolution_second == pytest.approx(10.0)
    assert found.ohmic.mV + found.relaxing.mV + found.unrelaxed.mV == pytest.approx(60.0)


def test_switches_bound_the_ohmic_resistance_without_a_rest() -> None:
    """V = R I at every switch: on, reversal and level alike give R."""
    columns = half_cycles([(1e-3, 0.06), (-1e-3, 0.06), (-2e-3, 0.12)])
    found = overpotential.split(record(**columns))
    assert [each.switch for each in found.jumps] == ["reversal", "level"]
    assert [each.resistance_ohm for each in found.jumps] == pytest.approx([60.0, 60.0])
    assert not found.interruptions
    assert any("bound" in note for note in found.notes)


def test_a_strip_that_ran_out_of_metal_is_not_split() -> None:
    columns = half_cycles([(-1e-3, 0.03), (1e-3, 0.02 + 0.98 * FRACTION**60)], rest=600.0, rested=0.01)
    found = overpotential.split(record(**columns, kind="substrate", roles=PLATES_NEGATIVE))
    assert [each.process for each in found.interruptions] == ["plating"]
    assert any("cut-off" in note for note in found.notes)


def test_nothing_to_split_is_said() -> None:
    with pytest.raises(InputError, match="never switched"):
        overpotential.split(record(**half_cycles([(1e-3, 0.03)])))
    with pytest.raises(InputError, match="what kind of cell"):
        overpotential.split(record(**half_cycles([(1e-3, 0.03), (-1e-3, 0.03)]), kind=None))


# Spectra beside plateaus


def arcs(frequency: np.ndarray, tail: float = 0.0) -> np.ndarray:
    omega = 2.0j * np.pi * frequency
    return 5.0 + 40.0 / (1.0 + omega * 1e-3) + tail / np.sqrt(omega)


def test_a_spectrum_is_read_where_its_arcs_end() -> None:
    """1 % of the arc at the closed end; where a tail begins, what the tail adds to Z' there: 6 (2/w)^1/2/2, 1.2 ohm."""
    frequency = np.logspace(5, -2, 71)
    closed = read((frequency, arcs(frequency)))
    assert (closed.intercept, closed.closed) == (True, True)
    assert (closed.ohmic, closed.arcs) == (pytest.approx(5.0, rel=0.01), pytest.approx(40.0, rel=0.01))
    tailed = read((frequency[:61], arcs(frequency[:61], tail=6.0)))
    assert tailed.closed
    assert 1.0 < tailed.end_hertz < 30.0
    assert tailed.arcs == pytest.approx(40.0, abs=1.5)
    cut = read((np.logspace(2.5, 1.5, 11), arcs(np.logspace(2.5, 1.5, 11))))
    assert (cut.intercept, cut.closed) == (False, False)
    assert cut.ohmic > 5.0
    assert cut.arcs < 40.0


def test_an_inductive_spectrum_crosses_the_axis() -> None:
    frequency = np.logspace(6, -1, 71)
    found = read((frequency, arcs(frequency) + 2.0j * np.pi * frequency * 1e-6))
    assert found.intercept
    assert found.ohmic == pytest.approx(5.0, abs=0.1)  # the arc's own Z' at the crossing is 0.04 ohm


def spectrum(time: float, area: float = 1.0) -> Impedance:
    frequency = np.logspace(5, -2, 71)
    impedance = arcs(frequency) / area
    return Impedance(
        pl.DataFrame(
            {
                "frequency_hertz": frequency,
                "real_impedance_ohm": impedance.real,
                "imaginary_impedance_ohm": impedance.imag,
                "test_time_second": time + np.arange(71.0),
            }
        )
    )


def test_spectra_split_the_plateau_beside_them() -> None:
    columns = half_cycles([(1e-3, 0.06), (-1e-3, 0.08)], rest=600.0)
    found = overpotential.split(record(**columns), [spectrum(3700.0), spectrum(7900.0)])
    first, second = found.spectra
    assert (first.half_cycle, second.half_cycle) == (0, 1)
    for each, total in ((first, 60.0), (second, 80.0)):
        assert each.total.mV == pytest.approx(total)
        assert each.ohmic.mV == pytest.approx(5.0, rel=0.01)  # 5 ohm at 1 mA
        assert each.charge_transfer_and_film.mV == pytest.approx(40.0, rel=0.01)
        together = each.ohmic.mV + each.charge_transfer_and_film.mV + each.remainder.mV
        assert together == pytest.approx(total, rel=1e-12)


def test_several_spectra_of_one_half_cycle_have_the_plateau_nearest_in_time() -> None:
    columns = half_cycles([(1e-3, 0.02 + 0.08 * FRACTION)])
    columns["current"][-1] = 1e-3
    found = overpotential.split(record(**columns), [spectrum(900.0), spectrum(2700.0)])
    # halves of the ramp: 40 and 80 mV, but for the spectra's half length of 35 s and the row that ends the first
    assert [each.total.mV for each in found.spectra] == pytest.approx([40.0, 80.0], abs=1.0)


def test_a_spectrum_without_times_is_refused() -> None:
    bare = Impedance(spectrum(0.0).table.drop("test_time_second"))
    with pytest.raises(InputError, match="time"):
        overpotential.split(record(**half_cycles([(1e-3, 0.03), (-1e-3, 0.03)])), [bare])


# The simulated cell, whose parts are columns

STEPS = ("strip 3 mA/cm^2 for 10 min", "rest for 5 min", "plate 3 mA/cm^2 for 10 min", "rest for 5 min")


@pytest.fixture(scope="module")
def point() -> Any:
    kinetics = {"exchange_current_density": "1 mA/cm^2"}
    area = {"area": "1 cm^2", "contact_resistance": "2 ohm*cm^2"}
    return simulate(STEPS, cell=area, working=electrode(kinetics=kinetics), counter=electrode(kinetics=kinetics))


@pytest.fixture(scope="module")
def planar() -> Any:
    """Slow salt, so that a third of the polarisation is concentration; film and double layer are done within 1 ms."""
    side = electrode(kinetics={"exchange_current_density": "20 mA/cm^2"}, interphase={"conductivity": "1e-5 S/m"})
    cell = {"area": "1 cm^2", "contact_resistance": "2 ohm*cm^2"}
    return simulate(
        STEPS, model="planar", cell=cell, electrolyte={"diffusivity": "3e-11 m^2/s"}, working=side, counter=side
    )


def seen(run: Any, **metadata: Any) -> Cycling:
    table = run.cycling.select("test_time_second", "voltage_volt", "current_ampere")
    return Cycling(table, {"cell_kind": "symmetric"} | metadata)


def ends(run: Any) -> list[dict[str, float]]:
    """The last row of each half-cycle."""
    flowing = run.cycling.filter(pl.col("current_ampere") != 0.0)
    return flowing.group_by("step_count", maintain_order=True).last().to_dicts()


def test_the_point_cell_s_ohmic_part_is_found(point: Any) -> None:
    """Electrolyte and contact jump; films and charge transfer relax; there is no concentration to relax."""
    found = overpotential.split(seen(point))
    assert len(found.interruptions) == 2
    for each, truth in zip(found.interruptions, ends(point), strict=True):
        ohmic = 1e3 * abs(truth["ohmic_volt"] + truth["contact_volt"])
        assert abs(each.ohmic.mV - ohmic) < 3.0 * (each.ohmic.standard_error_mV or 0.0)
        assert each.ohmic.standard_error_mV < 0.01 * each.total.mV
        assert each.total.mV == pytest.approx(1e3 * abs(truth["voltage_volt"]), rel=1e-4)
        assert each.concentration is None  # the bend of the kinetics is taken for no diffusion
        interphases = [
            truth[f"{side}_{part}_volt"] for side in ("working", "counter") for part in ("film", "charge_transfer")
        ]
        assert abs(each.relaxing.mV - 1e3 * abs(sum(interphases))) < 3.0 * (each.relaxing.standard_error_mV or 0.0)


def test_the_point_cell_s_plateau_is_its_voltage(point: Any) -> None:
    found = overpotential.plateaus(seen(point, electrode_area_square_metre=1e-4))
    for each, truth in zip(found.plateaus, ends(point), strict=True):
        assert each.cell_voltage_mV == pytest.approx(1e3 * abs(truth["voltage_volt"]), rel=1e-3)
        assert each.resistance_ohm_cm2 == pytest.approx(each.cell_voltage_mV / 3.0, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 5e-5])
def test_the_planar_cell_s_concentration_part_is_found(planar: Any, noise: float) -> None:
    """Sampled as a cycler does, from 1 ms: what jumps is then all but the salt, which relaxes by its own law."""
    begins = np.arange(2) * 900.0
    rest = np.geomspace(1e-3, 300.0, 60)
    times = np.concatenate([begin + np.concatenate([np.linspace(10.0, 600.0, 60), 600.0 + rest]) for begin in begins])
    current = np.repeat([3e-3, 0.0, -3e-3, 0.0], 60)
    voltage = seen_at(planar, times)["voltage"] + np.random.default_rng(2).normal(0.0, noise, len(times))
    found = overpotential.split(record(times, voltage, current))
    for each, truth in zip(found.interruptions, ends(planar), strict=True):
        concentration = 1e3 * abs(truth["concentration_volt"])
        assert concentration > 20.0
        part = each.concentration
        assert part is not None
        assert abs(part.mV - concentration) < 3.0 * (part.standard_error_mV or 0.0)
        others = 1e3 * abs(truth["voltage_volt"]) - concentration
        assert abs(each.ohmic.mV - others) < 3.0 * (each.ohmic.standard_error_mV or 0.0) + 3e3 * noise
        # tau = L^2/(pi^2 D eps^0.5), to the few per cent by which the logarithm of the concentrations is no line
        assert each.time_constants_second[-1] == pytest.approx((25e-6) ** 2 / (np.pi**2 * 3e-11 * 0.4**0.5), rel=0.07)


# Shape

SHAPES = {
    "flat": 0.0 * FRACTION,
    "falling": 0.02 * np.exp(-3.0 * FRACTION),
    "peaking": 0.02 * (2.0 * FRACTION - 1.0) ** 2,
    "settling": 0.02 * (1.0 - finite_diffusion(18.0 * FRACTION)),
    "arcing": 0.02 * (1.0 - finite_diffusion(2.0 * FRACTION)),
    "rising": 0.02 * FRACTION,
    "end rise": 0.04 * FRACTION**12,
}


def shapes_of(along: np.ndarray, noise: float = 0.0, seed: int = 0, count: int = 4) -> overpotential.Shapes:
    rng = np.random.default_rng(seed)
    parts = [((-1) ** k * 1e-3, 0.05 + along + rng.normal(0.0, noise, len(along))) for k in range(count)]
    return overpotential.shape(record(**half_cycles(parts)))


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_called_by_its_name_and_noise_does_not_change_it(name: str) -> None:
    """0.3 mV of noise on features of several mV: the class holds in each of 100 traces."""
    clean = shapes_of(SHAPES[name])
    assert {each.shape for each in clean.shapes} == {name}
    noisy = shapes_of(SHAPES[name], noise=3e-4, count=100)
    assert {each.shape for each in noisy.shapes} == {name}


@pytest.mark.parametrize("height", [0.002, 0.0025, 0.003, 0.0035])
def test_near_a_boundary_no_class_is_given(height: float) -> None:
    """A rise about as large as counts (5 % of 50 mV) under much noise: undecided, and never two classes."""
    found = shapes_of(height * 2.0 * (FRACTION - 0.5), noise=1e-3, count=100)
    classes = {each.shape for each in found.shapes} - {"undecided"}
    assert len(classes) <= 1
    assert all(each.between for each in found.shapes if each.shape == "undecided")


def test_the_features_are_those_of_the_trace() -> None:
    """Of a monotonic trace the median of a tenth is its value in the tenth's middle.

    A row stands at the end of the interval whose charge it counts: half a row of 200 further on.
    """
    middle = (np.arange(10) + 0.5) / 10.0 + 1.0 / 400.0
    arc = shapes_of(SHAPES["arcing"]).shapes[0]
    at = 50.0 + 20.0 * (1.0 - finite_diffusion(2.0 * middle))
    assert arc.tenths_mV == pytest.approx(at, abs=0.05)
    assert arc.rise_mV == pytest.approx(at[9] - at[0], abs=0.05)
    assert arc.arch_mV == pytest.approx(at[4:6].mean() - 0.5 * (at[0] + at[9]), abs=0.05)
    ramp = shapes_of(SHAPES["rising"]).shapes[0]
    assert ramp.slope_mV == pytest.approx(20.0, rel=0.01)
    assert ramp.end_rise_mV == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(("height", "shape"), [(0.005, "flat"), (0.03, "falling")])
def test_a_nucleation_peak_has_its_height_and_width(height: float, shape: str) -> None:
    """Height A over a plateau with a decay A exp(-q/q0), q0 = 0.03 of 1 mAh: half is reached after q0 ln 2."""
    along = height * np.exp(-FRACTION / 0.03)
    for each in shapes_of(along, noise=5e-5).shapes:
        # the first row with charge is a two-hundredth of the way: 1 - 1/6 of the height remain
        assert each.peak_mV == pytest.approx(1e3 * height * np.exp(-0.005 / 0.03), abs=0.3)
        at_half = 0.03 * np.log(2.0) + 0.005  # from the first row with charge
        assert each.peak_width_mAh == pytest.approx(at_half, abs=0.006)  # one row
        assert each.peak_width_second == pytest.approx(3600.0 * at_half, abs=20.0)
        # of the first tenth's middle 19 % of the height are left: 0.9 mV do not count against 2.5 mV, 5.7 mV do
        assert each.shape == shape


def test_a_profile_that_becomes_steady_settles_and_does_not_arc() -> None:
    """Salt of 200 s in half-cycles of an hour: 16 mV of rise, all of it within the first tenths."""
    for each in overpotential.shape(sampled(np.arange(10.0, 3601.0, 10.0), 1.0)).shapes:
        assert each.shape == "settling"
        assert each.late_rise_mV < 0.2
        assert each.rise_mV > 10.0


def test_noise_is_no_nucleation_peak() -> None:
    found = shapes_of(SHAPES["flat"], noise=1e-3, count=200)
    assert sum(each.peak_mV is not None for each in found.shapes) <= 2


def test_the_turn_from_peaking_to_arcing_is_bracketed() -> None:
    rng = np.random.default_rng(1)
    parts = []
    for k in range(40):
        along = SHAPES["peaking"] if k < 20 else SHAPES["arcing"]
        parts.append(((-1) ** k * 1e-3, 0.05 + along + rng.normal(0.0, 2e-4, len(along))))
    found = overpotential.shape(record(**half_cycles(parts))).evolution
    assert found is not None
    assert (found.last_cycle_before, found.first_cycle_after, found.contradicting) == (10, 11, 0)
    assert shapes_of(SHAPES["peaking"], count=20).evolution is None


# Both directions compared


def cycled(offset: float, extra: float, currents: list[float], rest: float, noise: float = 5e-5) -> Cycling:
    """40 ohm with negative current, 40 + `extra` with positive, and an offset voltage everywhere."""
    rng = np.random.default_rng(4)
    parts = []
    for current in currents:
        parts += [(current, (40.0 + extra) * current + offset), (-current, 40.0 * current - offset)]
    parts = [(amps, level + rng.normal(0.0, noise, len(FRACTION))) for amps, level in parts]
    return record(**half_cycles(parts, rest=rest, rested=offset))


def test_rests_tell_an_offset_from_unlike_resistances() -> None:
    found = overpotential.asymmetry(cycled(0.003, 5.0, [1e-3] * 12, rest=600.0))
    assert found.excess_mV.value == pytest.approx(2.0 * 3.0 + 5.0, abs=4.0 * found.excess_mV.standard_error)
    assert found.offset_mV is not None
    assert found.resistance_difference_ohm is not None
    assert found.offset_mV.value == pytest.approx(3.0, abs=0.01)
    difference = found.resistance_difference_ohm
    assert difference.value == pytest.approx(5.0, abs=4.0 * difference.standard_error)
    assert difference.standard_error < 0.1


def test_two_currents_tell_an_offset_from_unlike_resistances() -> None:
    found = overpotential.asymmetry(cycled(0.003, 5.0, [5e-4, 1e-3, 2e-3] * 4, rest=0.0))
    assert found.offset_mV is not None
    assert found.offset_mV.value == pytest.approx(3.0, abs=4.0 * found.offset_mV.standard_error)
    assert found.offset_mV.standard_error < 0.05
    assert found.resistance_difference_ohm is not None
    difference = found.resistance_difference_ohm
    assert difference.value == pytest.approx(5.0, abs=4.0 * difference.standard_error)


def test_one_current_without_rests_cannot_tell_them_apart() -> None:
    found = overpotential.asymmetry(cycled(0.003, 5.0, [1e-3] * 12, rest=0.0))
    assert found.offset_mV is None
    assert found.resistance_difference_ohm is None
    assert any("look alike" in note for note in found.notes)


def test_a_drifting_asymmetry_has_its_trend() -> None:
    parts: list[tuple[float, Any]] = []
    rng = np.random.default_rng(6)
    for k in range(20):
        noise = rng.normal(0.0, 5e-5, (2, len(FRACTION)))
        parts += [(1e-3, 0.05 + 2e-4 * k + noise[0]), (-1e-3, 0.05 + noise[1])]
    drift = overpotential.asymmetry(record(**half_cycles(parts))).drift_mV_per_cycle
    assert drift is not None
    assert drift.value == pytest.approx(0.2, abs=4.0 * drift.standard_error)
    assert drift.standard_error < 0.005


def test_an_asymmetry_needs_a_symmetric_cell_and_both_directions() -> None:
    columns = half_cycles([(-1e-3, 0.03), (1e-3, 0.02)])
    with pytest.raises(InputError, match="unlike by make"):
        overpotential.asymmetry(record(**columns, kind="substrate", roles=PLATES_NEGATIVE))
    with pytest.raises(InputError, match="not stated"):
        overpotential.asymmetry(record(**columns, kind=None))
    with pytest.raises(InputError, match="opposite signs"):
        overpotential.asymmetry(record(**half_cycles([(1e-3, 0.03)])))


# What everything shares


def test_every_result_is_json() -> None:
    given = cycled(0.003, 5.0, [1e-3] * 3, rest=600.0)
    spectra = [spectrum(3700.0)]
    for found in (
        overpotential.plateaus(given),
        overpotential.split(given, spectra),
        overpotential.shape(given),
        overpotential.asymmetry(given),
    ):
        json.dumps(found.as_dict(), allow_nan=False)
    assert overpotential.plateaus(given).table.height == 6


def test_no_jax_is_loaded() -> None:
    code = "import sys; from mossy.analysis import overpotential; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_example(tmp_path: Path) -> None:
    """Its asserts hold, and the picture is drawn."""
    path = Path(__file__).resolve().parent.parent / "examples" / "symmetric_overpotential.py"
    spec = importlib.util.spec_from_file_location("symmetric_overpotential", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main(str(tmp_path / "parts.png"))
    assert found.concentration is not None
    assert (tmp_path / "parts.png").stat().st_size > 20_000
