"""A protocol unrolled: cycles, pulses, arrays, points; and the shape of its table."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mossy.errors import InputError
from mossy.protocol import MODES, ProtocolTable, Schedule, compile_protocol, locate, parse_point

PLATE, REST, STRIP = "plate 1 mA/cm^2 for 1 h", "rest for 5 min", "strip 1 mA/cm^2 until 1 V"


def unroll(steps: list[Any], repeat: int = 1, **options: Any) -> Schedule:
    return compile_protocol(ProtocolTable(repeat=repeat, steps=steps), **options)


def test_segments_of_a_plain_protocol() -> None:
    schedule = unroll([PLATE, REST, STRIP], repeat=20)
    assert (len(schedule.segments), schedule.cycles) == (60, 20)
    plate, rest, strip = schedule.segments[57:]
    assert (plate.mode, plate.value, plate.duration, plate.capacity) == ("current", 10.0, 3600.0, math.inf)
    assert (rest.value, rest.duration, rest.voltage_direction) == (0.0, 300.0, 0)
    assert (strip.value, strip.duration, strip.voltage_limit, strip.voltage_direction) == (-10.0, math.inf, 1.0, 1)
    assert math.isnan(plate.voltage_limit)
    assert math.isnan(plate.current_limit)
    assert [(s.cycle, s.step, s.step_count, s.next_step) for s in schedule.segments[57:]] == [
        (20, 1, 58, 58),
        (20, 2, 59, 59),
        (20, 3, 60, 60),
    ]
    assert schedule.describe() == [f"cycles 1-20: {PLATE}; {REST}; {STRIP}"]


def test_reservoir_then_cycles_then_a_final_strip() -> None:
    schedule = unroll(["plate 1 mA/cm^2 for 4 h", {"repeat": 10, "steps": [STRIP, PLATE]}, "strip 2 mA/cm^2 until 1 V"])
    assert [s.cycle for s in schedule.segments] == [1, *[c for c in range(2, 12) for _ in range(2)], 12]
    assert [s.step for s in schedule.segments] == [1, *[1, 2] * 10, 3]
    assert [s.step_count for s in schedule.segments] == list(range(1, 23))
    assert schedule.find(12, 3) == [21]
    assert schedule.find(1, 2) == []
    assert [line.split(":")[0] for line in schedule.describe()] == ["cycle 1", "cycles 2-11", "cycle 12"]


def test_a_block_without_steps_of_its_own_is_no_cycle() -> None:
    nested = {"repeat": 2, "steps": [{"repeat": 3, "steps": [{"steps": [PLATE]}, REST]}]}
    schedule = unroll([nested])
    assert [s.cycle for s in schedule.segments] == list(range(1, 13))  # each plate and each rest: runs of one


def test_outer_repeat_counts_on() -> None:
    schedule = unroll([PLATE, {"repeat": 2, "steps": [STRIP]}], repeat=2)
    assert [s.cycle for s in schedule.segments] == [1, 2, 3, 4, 5, 6]


def test_hold_and_impedance() -> None:
    hold, impedance = unroll(["hold -50 mV until 0.05 mA/cm^2 or for 1 mAh/cm^2", "impedance"]).segments
    assert (hold.mode, hold.value, hold.current_limit, hold.capacity) == ("voltage", -0.05, 0.5, 36000.0)
    assert (impedance.mode, impedance.value, impedance.duration) == ("impedance", 0.0, 0.0)


def test_pulse_lasts_as_long_as_asked() -> None:
    schedule = unroll(["pulse 2 mA/cm^2 1 s on 3 s off for 10 min", REST])
    pulse = schedule.segments[:-1]
    assert len(pulse) == 300
    assert [s.value for s in pulse[:4]] == [20.0, 0.0, 20.0, 0.0]
    assert sum(s.duration for s in pulse) == 600.0
    assert {s.next_step for s in pulse} == {300}
    assert [s.starts_step for s in pulse] == [True] + [False] * 299
    assert schedule.find(1, 1) == list(range(300))


@pytest.mark.parametrize(
    ("text", "durations"),
    [
        ("5 s", [1.0, 3.0, 1.0]),
        ("4.5 s", [1.0, 3.0, 0.5]),
        ("6 s", [1.0, 3.0, 1.0, 1.0]),
        ("0.5 s", [0.5]),
        ("8 s", [1.0, 3.0, 1.0, 3.0]),
    ],
)
def test_last_pulse_is_shortened(text: str, durations: list[float]) -> None:
    assert [s.duration for s in unroll([f"pulse 2 mA/cm^2 1 s on 3 s off for {text}"]).segments] == durations


def test_rounding_adds_no_sliver_of_a_pulse() -> None:
    segments = unroll(["pulse 2 mA/cm^2 0.1 s on 0.2 s off for 0.9 s"]).segments  # 0.1 + 0.2 > 0.3 in floats
    assert [s.duration for s in segments] == [0.1, 0.2] * 3


def test_pulse_that_ends_at_a_capacity_leaves_the_last_one_to_it() -> None:
    segments = unroll(["pulse strip 2 mA/cm^2 1 s on 3 s off for 50 C/m^2"]).segments  # 20 C/m^2 each: 2.5 pulses
    assert [(s.value, s.duration) for s in segments] == [(-20.0, 1.0), (0.0, 3.0)] * 2 + [(-20.0, math.inf)]
    assert {s.capacity for s in segments} == {50.0}
    exact = unroll(["pulse 2 mA/cm^2 1 s on 3 s off for 40 C/m^2"]).segments
    assert [s.duration for s in exact] == [1.0, 3.0, math.inf]


def test_pulse_with_time_and_capacity_takes_the_first() -> None:
    by_time = unroll(["pulse 2 mA/cm^2 1 s on 3 s off for 1000 C/m^2 or for 5 s"]).segments
    assert [s.duration for s in by_time] == [1.0, 3.0, 1.0]
    by_capacity = unroll(["pulse 2 mA/cm^2 1 s on 3 s off for 40 C/m^2 or for 1 h"]).segments
    assert len(by_capacity) == 3


@given(
    current=st.floats(0.1, 1e3),
    on=st.floats(0.01, 10.0),
    off=st.floats(0.01, 10.0),
    time=st.floats(0.01, 500.0),
)
@settings(max_examples=60, deadline=None)
def test_pulses_fill_their_time(current: float, on: float, off: float, time: float) -> None:
    segments = unroll([f"pulse {current!r} A/m^2 {on!r} s on {off!r} s off for {time!r} s"]).segments
    # A remainder below 1e-9 of a period is dropped, so the sum is right to that.
    assert sum(s.duration for s in segments) == pytest.approx(time, rel=1e-9, abs=2e-9 * (on + off))
    assert all(s.duration > 0.0 for s in segments)


def test_too_many_pieces_are_counted_not_made() -> None:
    with pytest.raises(InputError, match="3,000,000,000 pieces"):
        unroll([{"repeat": 1_000_000, "steps": [PLATE, REST, STRIP]}], repeat=1000)
    with pytest.raises(InputError, match="1,800,000 pieces"):
        unroll(["pulse 2 mA/cm^2 1 ms on 3 ms off for 1 h"])
    with pytest.raises(InputError, match="pieces"):
        unroll(["pulse 2 mA/cm^2 1e-300 s on 1e-300 s off for 1e300 s"])


def test_arrays() -> None:
    schedule = unroll([PLATE, "hold 0 V until 1 A/m^2", "impedance"], repeat=2)
    arrays = schedule.arrays()
    assert arrays["mode"].tolist() == [MODES["current"], MODES["voltage"], MODES["impedance"]] * 2
    assert arrays["value"].tolist() == [10.0, 0.0, 0.0] * 2
    assert arrays["cycle"].tolist() == [1, 1, 1, 2, 2, 2]
    assert arrays["next_step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert arrays["starts_step"].dtype == bool
    assert arrays["table_time"].shape == arrays["table_current"].shape == (1, 2)
    assert np.isnan(arrays["current_limit"]).tolist() == [True, False, True] * 2


def test_errors_name_the_step_by_its_key() -> None:
    steps = [PLATE, PLATE, {"repeat": 2, "steps": ["strp 1 mA/cm^2 until 1 V"]}]
    with pytest.raises(InputError, match=r"^protocol\.steps\[2\]\.steps\[0\]: .*did you mean 'strip'\?"):
        unroll(steps)
    with pytest.raises(InputError, match=r"^protocol\.steps\[1\]: .*area"):
        unroll([PLATE, "plate 1 mA for 1 h"])
    assert unroll(["plate 1 mA for 1 h"], area=1e-4).segments[0].value == pytest.approx(10.0, rel=1e-15)


@pytest.mark.parametrize(
    ("table", "location", "part"),
    [
        ({"steps": []}, ("steps",), "add one such as 'plate 1 mA/cm^2 for 1 h'"),
        ({}, ("steps",), "required"),
        ({"steps": "rest for 1 h"}, ("steps",), "not a list of steps"),
        ({"steps": [REST], "repeat": 0}, ("repeat",), "0 cycles"),
        ({"steps": [REST], "repeat": -1}, ("repeat",), "-1 cycles"),
        ({"steps": [REST], "repeat": True}, ("repeat",), "True is not a whole number"),
        ({"steps": [REST], "repeat": 2.0}, ("repeat",), "2.0 is not a whole number"),
        ({"steps": [REST], "repeat": "2"}, ("repeat",), "'2' is not a whole number"),
        ({"steps": [REST, 3]}, ("steps", 1), "3 is not a step"),
        ({"steps": [REST, {"steps": [REST, {"repeat": 0, "steps": [REST]}]}]}, ("steps", 1, "steps", 1, "repeat"), "0"),
        ({"steps": [{"steps": []}]}, ("steps", 0, "steps"), "no steps"),
        ({"steps": [{"steps": [REST], "repat": 2}]}, ("steps", 0, "repat"), "Extra"),
        ({"steps": [REST], "repat": 2}, ("repat",), "Extra"),
    ],
)
def test_table_error(table: dict[str, Any], location: tuple[Any, ...], part: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ProtocolTable.model_validate(table)
    (error,) = caught.value.errors()
    assert error["loc"] == location
    assert part in error["msg"]


def test_nesting_too_deep_is_refused_at_any_depth() -> None:
    def nest(depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {"steps": [REST]}
        for _ in range(depth):
            table = {"steps": [table]}
        return table

    assert compile_protocol(ProtocolTable.model_validate(nest(40))).cycles == 1
    with pytest.raises(ValidationError, match="more than 50 deep"):
        ProtocolTable.model_validate(nest(5000))


def test_table_has_a_schema() -> None:
    properties = ProtocolTable.model_json_schema()["properties"]
    assert properties["repeat"]["minimum"] == 1
    assert {"type": "string"} in properties["steps"]["items"]["anyOf"]


def test_points() -> None:
    schedule = unroll([PLATE, "pulse 2 mA/cm^2 1 s on 3 s off for 8 s", STRIP], repeat=3)
    where = {text: locate(parse_point(text), schedule) for text in ("start", "END", "cycle 2 step 1", "cycle 2 step 3")}
    assert where == {"start": 0, "END": 17, "cycle 2 step 1": 6, "cycle 2 step 3": 11}
    assert locate(parse_point("cycle 2 step 2"), schedule) == 10
    assert locate(parse_point("Cycle 2 Step 2 during"), schedule) == 9  # the last piece under current
    assert parse_point(" Cycle 2  step 2 DURING").label == "cycle 2 step 2 during"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cycle 4 step 1", "the protocol has 3 cycles"),
        ("cycle 2 step 9", "cycle 2 has step 1, 2"),
        ("strat", "did you mean 'start'"),
        ("", "empty"),
        ("cycle 5", "'step' is missing at the end"),
        ("cycle x step 1", "number of the cycle is missing before 'x'"),
        ("cycle 0 step 1", "no cycle 0"),
        ("cycle 1 step 1 durign", "did you mean 'during'"),
        ("end now", "'now' is not understood"),
        (5, "5 is not a point"),
    ],
)
def test_point_error(text: Any, part: str) -> None:
    schedule = unroll([PLATE, STRIP], repeat=3)
    with pytest.raises(InputError) as caught:
        locate(parse_point(text, "impedance.at[0]"), schedule, "impedance.at[0]")
    assert part in str(caught.value)
    assert str(caught.value).startswith("impedance.at[0]: ")


def test_one_cycle_is_one_cycle() -> None:
    with pytest.raises(InputError, match=r"the protocol has 1 cycle$"):
        locate(parse_point("cycle 2 step 1"), unroll([PLATE]))
