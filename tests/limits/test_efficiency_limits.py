"""What an average efficiency means for a life: closed forms, and errors that hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mossy.analysis.efficiency import cycles_to, from_retention, inventory, required
from mossy.analysis.efficiency.trend import knee, slope
from mossy.errors import InputError


def test_required_efficiencies():
    """0.8^(1/n) for n = 100, 500, 1000, to the ten digits that are printed."""
    for cycles, value in ((100, 0.9977710523), (500, 0.9995538125), (1000, 0.9997768813)):
        assert required(0.8, cycles) == pytest.approx(value, abs=5e-11)


@pytest.mark.parametrize("excess", [0.0, 0.3, 2.0, 20.0])
@pytest.mark.parametrize("retention", [0.5, 0.8, 0.999])
def test_the_three_functions_undo_each_other(excess: float, retention: float):
    value = required(retention, 300.0, excess)
    assert cycles_to(value, retention, excess) == pytest.approx(300.0, rel=1e-9)
    assert inventory(value, 300.0, excess) == pytest.approx((retention, 0.0), rel=1e-9, abs=1e-12)


def test_excess_metal_is_spent_cycle_by_cycle():
    """A balance counted out: (1 - CE) of the capacity is taken from the excess, then from the capacity itself."""
    efficiency, metal = 0.98, 1.3
    for cycle in range(1, 41):
        metal -= (1.0 - efficiency) * min(metal, 1.0)
        capacity, left = inventory(efficiency, cycle, excess=0.3)
        assert min(metal, 1.0) == pytest.approx(capacity, rel=2e-10)
        assert max(metal - 1.0, 0.0) == pytest.approx(left, abs=1e-12)


def test_limits_of_required():
    assert required(1.0, 50) == 1.0
    assert required(1.0, 50, excess=5.0) == pytest.approx(0.9, rel=1e-12)
    assert required(0.8, 50, excess=50.0) == 0.0
    assert required(0.8, 100, excess=1e-9) == pytest.approx(required(0.8, 100), abs=1e-8)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: required(0.0, 10), "retention"),
        (lambda: required(80.0, 10), "retention"),
        (lambda: required(0.8, 0), "cycles"),
        (lambda: required(0.8, 10, excess=-0.1), "excess"),
        (lambda: cycles_to(1.0), "coulombic_efficiency"),
        (lambda: inventory(1.1, 10), "coulombic_efficiency"),
        (lambda: from_retention([1, 2], [0.9, 0.8]), "cycles"),
        (lambda: from_retention([1, 2, 3], [0.9, 0.8, 0.0]), "capacity_ratio"),
        (lambda: from_retention([1, 2, 3], [0.9, 0.9, 0.9]), "capacity_ratio"),
        (lambda: from_retention([1, 3, 2], [0.9, 0.8, 0.7]), "cycles"),
        (lambda: from_retention([1, 2, 3], [0.9, 0.8, 0.7], standard_error=0.0), "standard_error"),
    ],
)
def test_what_cannot_be_is_refused(call, key: str):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.key == key
    assert refused.value.remedy


def test_one_point_carries_the_error_it_was_given_and_no_other():
    """d ln CE = d ln Q / n."""
    bare = from_retention(100, 0.8, amplitude=1.0)
    assert (bare.standard_error, bare.interval) == (None, None)
    told = from_retention(100, 0.8, standard_error=0.02, amplitude=1.0)
    assert told.standard_error == pytest.approx(told.coulombic_efficiency * 0.02 / 0.8 / 100.0, rel=1e-9)


def test_given_errors_and_least_squares_agree():
    """With white errors that are known, and no walk seen, the slope's error is that of a straight line or wider."""
    n, error = np.arange(1.0, 31.0), 2e-3
    ratio = 0.98**n * (1.0 + np.random.default_rng(1).normal(0.0, error, 30))
    found = from_retention(n, ratio, standard_error=error * ratio)
    assert found.standard_error is not None
    line = error / math.sqrt(float(((n - n.mean()) ** 2).sum()))
    assert line * 0.98 <= found.standard_error < 4.0 * line
    assert found.coulombic_efficiency == pytest.approx(0.98, abs=3.0 * found.standard_error)


@pytest.mark.parametrize("count", [8, 25, 80])
@pytest.mark.parametrize(("scatter", "wander"), [(1e-3, 0.0), (0.0, 1e-3), (1e-3, 3e-4)])
def test_intervals_hold_whether_points_scatter_or_wander(count: int, scatter: float, wander: float):
    """95 % intervals hold the truth in at least 90 % of 100 series (95 % less two deviations of counting), independent
    errors or a random walk alike; a line with independent errors would hold it in a third of the walks."""
    rng = np.random.default_rng(count)
    n, held = np.arange(1.0, count + 1), 0
    for _ in range(100):
        wandered = np.cumsum(rng.normal(0.0, wander, count)) + rng.normal(0.0, scatter, count)
        low, high = from_retention(n, 0.9 * np.exp(n * math.log(0.99) + wandered)).interval or (1.0, 0.0)
        held += low <= 0.99 <= high
    assert held >= 90


def test_an_efficiency_that_changes_is_not_called_one():
    n = np.arange(1.0, 41.0)
    noise = np.random.default_rng(3).normal(0.0, 2e-3, 40)
    assert from_retention(n, np.exp(n * math.log(0.99) + noise)).single is True
    bent = from_retention(n, np.exp(-0.01 * n - 4e-4 * n**2 + noise))
    assert bent.single is False
    # slopes of the halves: CE = exp(-0.01 - 8e-4 n) at their middles, n = 11 and 31
    assert bent.early == pytest.approx(math.exp(-0.01 - 8e-4 * 11), abs=2e-3)
    assert bent.late == pytest.approx(math.exp(-0.01 - 8e-4 * 31), abs=2e-3)


@pytest.mark.parametrize("wander", [0.0, 3e-4, 1e-3])
def test_knees_and_drifts_are_not_seen_in_noise(wander: float):
    """Knees below p = 0.01, so of 100 series 1 is expected and 5 would be one in 300; drifts at p = 0.05 and 0.01."""
    rng = np.random.default_rng(17)
    x, knees, drifts = np.arange(1.0, 61.0), 0, 0
    for _ in range(100):
        y = 0.99 + rng.normal(0.0, 1e-3, 60) + np.cumsum(rng.normal(0.0, wander, 60))
        knees += knee(x, y) is not None
        drifts += slope(x, y).p_value < 0.01
    assert knees < 5
    assert drifts < 9


def test_the_bracket_of_a_knee_holds_it():
    rng = np.random.default_rng(23)
    x, held, found = np.arange(1.0, 101.0), 0, 0
    for _ in range(60):
        seen = knee(x, 0.99 - 5e-4 * np.maximum(x - 70.0, 0.0) + rng.normal(0.0, 1e-3, 100))
        found += seen is not None
        held += seen is not None and seen.earliest <= 70.0 <= seen.latest
    assert found >= 58
    assert held >= 0.88 * found  # 95 % less two deviations of counting
    rising = 0.99 - 0.05 * np.exp(-x / 5.0)
    assert knee(x, rising + rng.normal(0.0, 1e-4, 100)) is None  # conditioning bends the other way
