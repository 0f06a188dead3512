"""Critical currents of synthetic stepped-current tests of known content."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from conftest import PROJECT
from mossy.analysis import critical_current
from mossy.errors import InputError
from mossy.records import Cycling

ROLES = {"electrode_under_study": "working", "plating_current_sign": -1}
STEPS = tuple(round(0.1 * k, 1) for k in range(1, 11))
AREA = 0.5e-4
"""m2: half a square centimetre."""
Voltage = Callable[[float, int, np.ndarray], np.ndarray]
"""(current in mA, sign, share of the step's time) -> |V| in V."""


def sound(current: float, sign: int, share: np.ndarray) -> np.ndarray:
    """|V| of 40 ohm and of charge transfer, which makes V/I fall with the current; a peak at the start, a slow rise."""
    transfer = 2.0 * 0.0514 * np.arcsinh(current / 0.4)
    return (0.04 * current + transfer) * (1.0 + 0.5 * np.exp(-share / 0.02) + 0.15 * (1.0 - np.exp(-share / 0.3)))


def stepped(
    levels: Sequence[float],
    voltage: Voltage = sound,
    *,
    each: int = 1,
    hours: float = 1.0,
    charge: float | None = None,
    end: Callable[[float, int], float] = lambda current, sign: 1.0,
    noise: float = 2e-4,
    seed: int = 0,
    **metadata: object,
) -> Cycling:
    """A test that runs each current (mA) `each` times either way for `hours`, or a `charge` (mAh); `end` cuts steps."""
    random, clock = np.random.default_rng(seed), 0.0
    parts = []
    for level in levels:
        for _ in range(each):
            for sign in (-1, 1):
                length = 3600.0 * (hours if charge is None else charge / level)
                local = np.linspace(0.0, length, 121)
                local = local[local <= end(level, sign) * length]
                size = voltage(level, sign, local / length)
                parts.append((clock + local, np.full(len(local), sign * level * 1e-3), sign * size))
                clock += float(local[-1])
    time, current, volt = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = {"test_time_second": time, "current_ampere": current}
    columns["voltage_volt"] = volt + noise * random.standard_normal(len(volt))
    described = {"cell_kind": "symmetric", "roles": ROLES, "electrode_area_square_metre": AREA}
    return Cycling(pl.DataFrame(columns), described | metadata)


def void(at: float, sign: int = 0) -> Voltage:
    """From a current on (of a sign, or either) voids grow: |V| rises five-fold within the step."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        grown = 1.0 + 4.0 * share**2 if current >= at and sign in (0, now) else 1.0
        return sound(current, now, share) * grown

    return voltage


def shorted(at: float, share_of_step: float = 0.0) -> Voltage:
    """From some moment of a current's plating on, a filament of 3 ohm carries everything."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        there = (current > at) | ((current == at) & ((now > 0) | (share >= share_of_step)))
        return np.where(there, 3e-3 * current, sound(current, now, share))

    return voltage


def test_a_test_without_a_fault_gives_a_lower_bound():
    """Twenty noisy tests over a decade of currents: no rule is broken by charge transfer, peaks or slow rises."""
    for seed in range(20):
        found = critical_current.find(stepped(STEPS, seed=seed, noise=1e-3))
        assert (found.limit.verdict, found.limit.rule) == ("not reached", None)
        assert (found.limit.last_good_mA, found.limit.first_bad_mA) == (1.0, None)
        assert any("lower bound" in note for note in found.notes)


def test_divergence_is_an_interval_of_one_step():
    found = critical_current.find(stepped(STEPS, void(0.7)))
    limit = found.limit
    assert (limit.verdict, limit.rule) == ("interval", "voltage divergence")
    assert (limit.last_good_mA, limit.first_bad_mA) == pytest.approx((0.6, 0.7))
    assert (limit.last_good_mA_per_cm2, limit.first_bad_mA_per_cm2) == pytest.approx((1.2, 1.4))  # 0.5 cm2
    assert limit.value_mA == pytest.approx(0.65)
    assert limit.standard_error_mA == pytest.approx(0.1 / np.sqrt(12.0), rel=1e-5)
    assert limit.time_second == pytest.approx(12 * 3600.0)
    assert found.protocol == "equal time"
    assert found.currents_mA == STEPS
    assert any("does not tell which of them failed" in note for note in found.notes)


@pytest.mark.parametrize("moment", [0.0, 0.6])
def test_a_short_within_a_step_or_from_its_beginning(moment: float):
    found = critical_current.find(stepped(STEPS, shorted(0.5, moment)))
    limit = found.limit
    assert (limit.rule, limit.last_good_mA, limit.first_bad_mA) == ("short", 0.4, 0.5)
    assert limit.direction == "plating"
    assert any("fallen voltage alone" in note for note in found.notes)


def test_plating_and_stripping_are_told_apart():
    """Voids only where the electrode under study is stripped (positive current) from 0.5 mA on."""
    found = critical_current.find(stepped(STEPS, void(0.5, sign=1)))
    assert found.stripping is not None
    assert found.plating is not None
    assert (found.stripping.first_bad_mA, found.plating.verdict) == (0.5, "not reached")
    assert found.plating.last_good_mA == 1.0
    assert found.limit == found.stripping


def test_without_roles_the_currents_are_named_by_their_sign():
    record = stepped(STEPS, void(0.5, sign=1))
    bare = Cycling(record.table, {"cell_kind": "symmetric"})
    found = critical_current.find(bare)
    assert found.limit.direction == "positive current"
    assert (found.plating, found.stripping) == (None, None)
    assert found.limit.first_bad_mA_per_cm2 is None
    assert any("area is not known" in note for note in found.notes)
    assert critical_current.find(bare, area_square_metre=AREA).limit.first_bad_mA_per_cm2 == pytest.approx(1.0)


def test_a_reference_electrode_tells_which_electrode_failed():
    """The counter electrode grows voids when it is stripped, at negative current: its potential alone shows it."""
    record = stepped(STEPS, noise=0.0)
    volt, current = (record.table[name].to_numpy() for name in ("voltage_volt", "current_ampere"))
    time = record.table["test_time_second"].to_numpy()
    late = (time % 3600.0) / 3600.0
    grown = np.where((current <= -0.6e-3), 1.0 + 4.0 * late**2, 1.0)
    working, counter = 0.5 * volt, -0.5 * volt * grown
    table = record.table.with_columns(
        voltage_volt=pl.Series(working - counter),
        working_potential_volt=pl.Series(working),
        counter_potential_volt=pl.Series(counter),
    )
    found = critical_current.find(Cycling(table, record.metadata))
    by = {(each.electrode, each.direction): each for each in found.limits}
    assert (by["counter", "stripping"].last_good_mA, by["counter", "stripping"].first_bad_mA) == (0.5, 0.6)
    assert {by[key].verdict for key in (("counter", "plating"), ("working", "plating"), ("working", "stripping"))} == {
        "not reached"
    }
    assert found.plating is by["working", "plating"]
    assert not any("does not tell which of them failed" in note for note in found.notes)


def test_equal_charge_and_a_step_cut_short_by_the_voltage_limit():
    """1 mAh at each current; at 0.8 mA the plating ends after 40 % of it, at a voltage no step reached before."""
    record = stepped(
        STEPS, charge=0.1, end=lambda current, sign: 0.4 if (current, sign) == (0.8, -1) else 1.0, noise=5e-5
    )
    found = critical_current.find(record)
    assert found.protocol == "equal charge"
    assert (found.limit.rule, found.limit.last_good_mA, found.limit.first_bad_mA) == ("cut-off", 0.7, 0.8)
    assert "cut short" in found.limit.evidence[0]


def test_a_stated_limit_is_the_cut_off():
    reached = float(sound(0.75, -1, np.array([1.0]))[0])
    limit = critical_current.find(stepped(STEPS), cut_off_volt=reached).limit
    assert (limit.rule, limit.last_good_mA, limit.first_bad_mA) == ("cut-off", 0.7, 0.8)


def test_a_fault_in_the_first_step_gives_an_upper_bound():
    found = critical_current.find(stepped((0.1,), void(0.1)))
    assert found.limit.verdict == "failed at the first step"
    assert (found.limit.last_good_mA, found.limit.first_bad_mA, found.limit.value_mA) == (None, 0.1, None)
    assert any("upper bound" in note for note in found.notes)


def falls_within(at: float, left: float, begin: float = 0.0) -> Voltage:
    """150 ohm; from `begin` of the plating at a current on a filament grows until `left` ohm carry everything."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        if current < at or (current == at and now > 0 and begin > 0.0):
            return 0.15 * current * np.ones(len(share))
        grown = np.clip((share - begin) / (1.0 - begin), 0.0, 1.0) if current == at else np.ones(len(share))
        return 1e-3 * current * (150.0 - (150.0 - left) * grown)

    return voltage


def shorts_in_the_first_step(share_of_step: float) -> Voltage:
    """150 ohm until a share of the first step, and 4.5 ohm ever after."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        sound_yet = (current == 0.1) & (now < 0) & (share < share_of_step)
        return current * np.where(sound_yet, 0.15, 0.0045)

    return voltage


@pytest.mark.parametrize("moment", [1.0 / 6.0, 0.5])
def test_a_cell_that_shorts_in_its_first_step_failed_there(moment: float):
    """No step before it to compare with: the step itself begins at 150 ohm and ends at 4.5. The other direction was
    never run with a sound cell."""
    found = critical_current.find(stepped(STEPS, shorts_in_the_first_step(moment)))
    limit = found.limit
    assert (limit.verdict, limit.rule, limit.direction) == ("failed at the first step", "short", "plating")
    assert (limit.last_good_mA, limit.first_bad_mA) == (None, 0.1)
    assert found.stripping is not None
    assert (found.stripping.verdict, found.stripping.last_good_mA) == ("not told", None)
    assert any("had shorted before" in line for line in found.stripping.evidence)


def test_a_short_as_the_first_step_begins_is_no_verdict():
    """In the first tenth of the first step films break in as well: neither "not reached" nor a failure can be told."""
    found = critical_current.find(stepped(STEPS, shorts_in_the_first_step(0.04)))
    assert (found.limit.verdict, found.limit.rule, found.limit.last_good_mA) == ("not told", None, None)
    assert any("a film that breaks and a short look alike" in note for note in found.notes)


def test_a_film_that_breaks_in_as_the_first_step_begins_is_sound():
    """A peak of eight times the plateau in the first minutes; later steps bend as charge transfer does."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        peak = 7.0 * np.exp(-share / 0.02) if current == 0.1 else 0.0
        return sound(current, now, share) * (1.0 + peak)

    found = critical_current.find(stepped(STEPS, voltage))
    assert (found.limit.verdict, found.limit.last_good_mA) == ("not reached", 1.0)


@pytest.mark.parametrize("begin", [0.0, 0.3])
def test_a_short_that_grows_through_a_step_makes_that_step_bad(begin: float):
    """V/I from 150 to 15 ohm within the step at 0.7 mA, at no moment suddenly."""
    limit = critical_current.find(stepped(STEPS, falls_within(0.7, 15.0, begin))).limit
    assert (limit.verdict, limit.rule) == ("interval", "short")
    assert (limit.last_good_mA, limit.first_bad_mA) == (0.6, 0.7)
    assert any("within the step at 0.7 mA" in line for line in limit.evidence)


def test_what_follows_a_short_is_no_good_step_of_the_other_direction():
    """Plating shorts at 0.5 mA: stripping was run with a sound cell up to 0.4 mA, not up to 1 mA."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        return 0.15 * current * np.ones(len(share)) if now > 0 else shorted(0.5)(current, now, share)

    found = critical_current.find(stepped(STEPS, voltage))
    assert (found.limit.direction, found.limit.first_bad_mA) == ("plating", 0.5)
    assert found.stripping is not None
    assert (found.stripping.verdict, found.stripping.last_good_mA) == ("not reached", 0.4)


def test_repeated_cycles_that_fail_late_say_how_many_passed():
    """Three cycles a current; the third at 0.5 mA shorts."""
    count = {"seen": 0}

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        count["seen"] += current == 0.5 and now < 0
        broken = current > 0.5 or (current == 0.5 and count["seen"] >= 3)
        return 3e-3 * current * np.ones(len(share)) if broken else sound(current, now, share)

    limit = critical_current.find(stepped((0.1, 0.3, 0.5, 0.7), voltage, each=3)).limit
    assert (limit.rule, limit.last_good_mA, limit.first_bad_mA) == ("short", 0.3, 0.5)
    assert "2 steps at this current passed before it" in limit.evidence


def test_a_return_to_low_current_blames_the_step_before():
    """0.1 mA after every step: the cell shorts at the end of 0.4 mA and shows it at the return."""
    order = [0.1, 0.2, 0.1, 0.3, 0.1, 0.4, 0.1, 0.5]
    seen: list[float] = []

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        seen.append(current)
        broken = 0.4 in seen and current != 0.4
        return 3e-3 * current * np.ones(len(share)) if broken else sound(current, now, share)

    limit = critical_current.find(stepped(order, voltage)).limit
    assert (limit.last_good_mA, limit.first_bad_mA) == (0.3, 0.4)
    assert any("seen at the return to 0.1 mA; the step at 0.4 mA came before" in line for line in limit.evidence)


def test_currents_in_any_order():
    """0.1, 0.4, 0.2, 0.6, 0.3 mA with a fault at 0.6 mA: the last good one is the highest below it."""
    limit = critical_current.find(stepped((0.1, 0.4, 0.2, 0.6, 0.3), void(0.6))).limit
    assert (limit.last_good_mA, limit.first_bad_mA) == (0.4, 0.6)


def test_stripping_a_substrate_bare_is_no_fault():
    """Li||Cu: every strip ends with the voltage running away; plating shorts at 0.8 mA."""

    def voltage(current: float, now: int, share: np.ndarray) -> np.ndarray:
        size = shorted(0.8)(current, now, share) if now < 0 else sound(current, now, share)
        return size + (np.exp((share - 1.0) / 0.004) if now > 0 else 0.0)

    found = critical_current.find(stepped(STEPS, voltage, cell_kind="substrate"))
    assert (found.limit.direction, found.limit.rule, found.limit.first_bad_mA) == ("plating", "short", 0.8)
    assert found.stripping is not None
    assert found.stripping.verdict == "not reached"


def test_what_is_no_stepped_test_is_refused():
    with pytest.raises(InputError, match="1 current, each up to 6 times: it is not stepped"):
        critical_current.find(stepped((0.3,), each=6))
    with pytest.raises(InputError, match="2 currents, each up to 30 times"):
        critical_current.find(stepped((0.1, 0.3), each=30))
    with pytest.raises(InputError, match="the kind of cell is not stated"):
        critical_current.find(Cycling(stepped(STEPS).table, {}))
    with pytest.raises(InputError, match="full cell"):
        critical_current.find(stepped(STEPS, cell_kind="full"))
    with pytest.raises(InputError, match="area_square_metre"):
        critical_current.find(stepped(STEPS), area_square_metre=-1.0)
    with pytest.raises(InputError, match="no voltage"):
        critical_current.find(Cycling(stepped(STEPS).table.drop("voltage_volt"), {}))


def test_the_salt_limit_of_a_simulated_cell_lies_in_the_interval():
    """The example: a simulated Li|Li cell whose limiting current is known in closed form, and salt that runs out."""
    where = PROJECT / "examples" / "critical_current.py"
    spec = importlib.util.spec_from_file_location("critical_current_example", where)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    limit = example.main().limit
    assert limit.last_good_mA_per_cm2 < example.limit() < limit.first_bad_mA_per_cm2
    assert (limit.verdict, limit.rule) == ("interval", "voltage divergence")


def test_the_result_is_what_json_holds():
    found = critical_current.find(stepped(STEPS, void(0.7)))
    text = json.dumps(found.as_dict(), allow_nan=False)
    assert json.loads(text)["limit"]["rule"] == "voltage divergence"
    assert json.loads(text)["area_cm2"] == pytest.approx(0.5)
