"""Every form of a step, every way to get one wrong, and the way back from a step to its text."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mossy.errors import InputError
from mossy.protocol import Ends, Step, parse_frequencies, parse_point, parse_step

HOUR, MILLIAMPERE_HOUR = 3600.0, 36000.0  # s, C/m^2 in 1 mAh/cm^2

FORMS = [
    ("plate 1 mA/cm^2 for 1 h", Step("plate", 10.0, ends=Ends(time=HOUR))),
    ("Strip 1 mA/cm^2 UNTIL 1 V", Step("strip", -10.0, ends=Ends(voltage=1.0))),
    ("plate 1 mA/cm^2 for 1 mAh/cm^2", Step("plate", 10.0, ends=Ends(capacity=MILLIAMPERE_HOUR))),
    ("plate 1 mA/cm^2 until 1 mAh/cm^2", Step("plate", 10.0, ends=Ends(capacity=MILLIAMPERE_HOUR))),
    ("strip 1 mA cm^-2 until 1 V or for 2 h", Step("strip", -10.0, ends=Ends(time=2 * HOUR, voltage=1.0))),
    ("strip 1 mA/cm^2 until 1 V or 2 h", Step("strip", -10.0, ends=Ends(time=2 * HOUR, voltage=1.0))),
    (
        "plate 1mA/cm² for 1h, until −0.5 V, or for 3 mAh/cm^2",
        Step("plate", 10.0, ends=Ends(HOUR, 3 * MILLIAMPERE_HOUR, -0.5)),
    ),
    ("  rest   for 5\tmin ", Step("rest", ends=Ends(time=300.0))),
    ("rest for 10 h or until 0.01 V", Step("rest", ends=Ends(time=10 * HOUR, voltage=0.01))),
    ("hold -50 mV until 0.05 mA/cm^2", Step("hold", voltage=-0.05, ends=Ends(current=0.5))),
    ("hold 0 V for 1 h", Step("hold", voltage=0.0, ends=Ends(time=HOUR))),
    (
        "hold 0.1 V for 1 mAh/cm^2 or for 1 h or until 1 A/m^2",
        Step("hold", voltage=0.1, ends=Ends(HOUR, MILLIAMPERE_HOUR, None, 1.0)),
    ),
    ("pulse 2 mA/cm^2 1 s on 3 s off for 10 min", Step("pulse", 20.0, on=1.0, off=3.0, ends=Ends(time=600.0))),
    (
        "pulse plate 2 mA/cm^2 1 s on, 3 s off for 1 mAh/cm^2",
        Step("pulse", 20.0, on=1.0, off=3.0, ends=Ends(capacity=MILLIAMPERE_HOUR)),
    ),
    (
        "pulse strip 2 mA/cm^2 1 s on 3 s off until 1 V or for 1 h",
        Step("pulse", -20.0, on=1.0, off=3.0, ends=Ends(time=HOUR, voltage=1.0)),
    ),
    ("impedance", Step("impedance")),
]


@pytest.mark.parametrize(("text", "step"), FORMS)
def test_form(text: str, step: Step) -> None:
    parsed = parse_step(text)
    assert parsed == step
    assert parsed.text == " ".join(text.split())
    assert parse_step(str(parsed)) == parsed


def test_whole_cell_amounts_are_divided_by_the_area() -> None:
    step = parse_step("plate 0.5 mA for 2 mAh", area=2e-4)
    assert step.current == pytest.approx(2.5, rel=1e-15)
    assert step.ends.capacity == pytest.approx(MILLIAMPERE_HOUR, rel=1e-15)
    assert parse_step("hold 0 V until 0.1 mA", area=1e-4).ends.current == pytest.approx(1.0, rel=1e-15)


def test_voltage_is_passed_in_the_direction_the_step_drives_it() -> None:
    texts = ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 for 1 h", "rest for 1 h", "hold 0 V for 1 h"]
    texts += ["pulse 1 mA/cm^2 1 s on 1 s off for 1 h", "pulse strip 1 mA/cm^2 1 s on 1 s off for 1 h"]
    assert [parse_step(text).voltage_direction for text in texts] == [-1, 1, 0, 0, -1, 1]


def test_rewritten_text_is_what_a_person_would_write() -> None:
    assert str(parse_step("strip 10 A/m^2 until 1000 mV or for 7200 s")) == "strip 1 mA/cm^2 for 2 h or until 1 V"
    assert str(parse_step("rest for 90 s")) == "rest for 1.5 min"


ERRORS = [
    ("plte 1 mA/cm^2 for 1 h", ["'plte'", "did you mean 'plate'"]),
    ("xyz", ["'xyz'", "choose one of 'plate'"]),
    ("", ["empty", "plate 1 mA/cm^2 for 1 h"]),
    ("plate 1 mA/cm^2", ["'plate 1 mA/cm^2' has no end", "add 'for 1 h' or 'until -0.5 V'"]),
    ("strip 1 mA/cm^2", ["has no end", "'until 1 V'"]),
    ("rest", ["has no end", "'for 5 min'"]),
    ("hold 0 V", ["has no end", "'until 0.05 mA/cm^2'"]),
    ("pulse 2 mA/cm^2 1 s on 3 s off", ["has no end", "'for 10 min'"]),
    ("pulse 2 mA/cm^2 1 s on 3 s off until 1 V", ["might never end", "or for 10 min"]),
    ("plate 1 mA/cm^2 fro 1 h", ["'fro'", "did you mean 'for'?"]),
    ("plate 1 mA/cm^2 for 1 h unitl 1 V", ["'unitl'", "did you mean 'until'?"]),
    ("plate 1 mA/cm^2 for 1 h until 1 V", ["not joined by 'or' before 'until'"]),
    ("plate 1 mA/cm^2 for 1 h and 1 V", ["not joined by 'or' before 'and'"]),
    ("plate 1 mA/cm^2 for 1 h or", ["an end is missing"]),
    ("plate 1 mA/cm^2 for", ["a time, an areal capacity", "missing at the end"]),
    ("plate for 1 h", ["a current density is missing before 'for'", "'1 mA/cm^2'"]),
    ("plate 1 for 1 h", ["'1' has no unit"]),
    ("rest 5 min", ["'5'", "'for', 'until' goes before"]),
    ("plate 1 ma/cm^2 for 1 h", ["'1 ma/cm^2' is not a current density", "did you mean 'mA/cm^2'?"]),
    ("plate 1 V for 1 h", ["'1 V' is not a current density"]),
    ("plate 1 mA/cm^2 for 1 furlong", ["'1 furlong'"]),
    ("plate 1,5 mA/cm^2 for 1 h", ["decimal comma"]),
    ("plate 0.5 mA for 1 h", ["'0.5 mA'", "area is not known", "cell.area"]),
    ("plate 1 mA/cm^2 for 1 mAh", ["'1 mAh'", "area is not known"]),
    ("plate -1 mA/cm^2 for 1 h", ["'-1 mA/cm^2' is negative", "use 'strip 1 mA/cm^2'"]),
    ("strip −1 mA/cm^2 for 1 h", ["use 'plate 1 mA/cm^2'"]),
    ("plate 0 mA/cm^2 for 1 h", ["no current", "'rest'"]),
    ("plate nan mA/cm^2 for 1 h", ["not a finite number"]),
    ("plate 1e308 MA/cm^2 for 1 h", ["not a finite amount"]),
    ("plate 1 mA/cm^2 for 0 h", ["'0 h' is not more than zero"]),
    ("plate 1 mA/cm^2 for -1 mAh/cm^2", ["not more than zero"]),
    ("plate 1 mA/cm^2 for -0.5 V", ["write 'until -0.5 V'"]),
    ("plate 1 mA/cm^2 until 2 h", ["write 'for 2 h'"]),
    ("plate 1 mA/cm^2 for 1 h or for 2 h", ["second end by time"]),
    ("plate 1 mA/cm^2 until 0.1 mA/cm^2", ["cannot end this step", "sets the current itself"]),
    ("rest until 0.1 mA/cm^2", ["no current flows"]),
    ("rest for 1 mAh/cm^2", ["no charge passes"]),
    ("hold 0 V until 1 V", ["keeps its voltage"]),
    ("hold 0 V until 0 mA/cm^2", ["not more than zero"]),
    ("pulse 2 mA/cm^2 until 1 V", ["a time is missing", "1 s on 3 s off"]),
    ("pulse 2 mA/cm^2 1 s 3 s for 1 h", ["'on' is missing before '3'"]),
    ("pulse 2 mA/cm^2 0 s on 3 s off for 1 h", ["'0 s' is not more than zero"]),
    ("impedance for 1 h", ["takes no time"]),
]


@pytest.mark.parametrize(("text", "parts"), ERRORS)
def test_error(text: str, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_step(text, key="protocol.steps[3]")
    message = str(caught.value)
    assert message.startswith("protocol.steps[3]: ")
    assert len(message.splitlines()) == 1
    for part in [" ".join(text.split()), *parts]:
        assert part in message


def test_what_is_no_text_or_has_no_area() -> None:
    with pytest.raises(InputError, match="3 is not a step"):
        parse_step(3)
    with pytest.raises(InputError, match=r"area of 0\.0 m"):
        parse_step("plate 1 mA for 1 h", area=0.0)


WORDS = """plate strip rest hold pulse impedance current from for until or and on off columns in positive plates
    strips , 1 -0.5 0 .5 1e3 nan -inf 1,5 V mV mA/cm^2 mA cm^-2 mAh/cm^2 h min s 'a b' ' " $NOPE ~nobody/x a.csv /
    start end cycle step during Hz kHz to points per decade"""


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_step_or_an_input_error(text: str) -> None:
    for parse in (parse_step, parse_point, parse_frequencies):
        try:
            parse(text)
        except InputError as error:
            assert str(error)  # noqa: PT017  the claim is that nothing else is raised


amounts = st.floats(1e-12, 1e12)
ends = st.builds(Ends, amounts | st.none(), amounts | st.none(), st.floats(-100.0, 100.0) | st.none()).filter(bool)
steps = st.one_of(
    st.builds(Step, st.just("plate"), amounts, ends=ends),
    st.builds(Step, st.just("strip"), amounts.map(lambda current: -current), ends=ends),
    st.builds(Step, st.just("rest"), ends=st.builds(Ends, amounts)),
    st.builds(Step, st.just("hold"), voltage=st.floats(-9.0, 9.0), ends=st.builds(Ends, amounts, current=amounts)),
    st.builds(Step, st.just("pulse"), amounts, on=amounts, off=amounts, ends=st.builds(Ends, amounts, amounts)),
)


@given(steps)
@settings(max_examples=200, deadline=None)
def test_a_step_written_and_read_again_is_the_same_to_the_last_bit(step: Step) -> None:
    assert parse_step(str(step)) == step


def test_frequencies_from_a_sweep() -> None:
    sweep = parse_frequencies("1 MHz to 10 mHz, 10 per decade")
    assert sweep[0] == 1e6
    assert sweep[-1] == 1e-2
    assert len(sweep) == 81
    # Log spacing is one ratio throughout, here 10^(1/10), to rounding.
    assert sweep[:-1] / sweep[1:] == pytest.approx(10**0.1, rel=1e-12)
    assert parse_frequencies("10 mHz to 1 MHz, 10 per decade") == pytest.approx(sweep, rel=1e-15)
    assert len(parse_frequencies("1 MHz to 10 mHz 60 points")) == 60


def test_frequencies_from_a_list() -> None:
    assert parse_frequencies(["1 Hz", "10 kHz", 5, 2.5]).tolist() == [1e4, 5.0, 2.5, 1.0]
    assert parse_frequencies("3 kHz").tolist() == [3000.0]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("1 MHz to 10 mHz", "does not say how many"),
        ("1 MHz to 10 mV, 10 per decade", "not a frequency in hertz"),
        ("0 Hz to 1 kHz, 10 per decade", "above zero"),
        ("-1 Hz to 1 kHz, 10 per decade", "above zero"),
        ("1 kHz to 1 kHz, 10 points", "one frequency"),
        ("1 kHz to 1 Hz, 10 per dcade", "did you mean 'per decade'"),
        ("1 kHz to 1 Hz, 0 points", "no points"),
        ("1 kHz to 1 Hz, 999999999 points", "999,999,999 frequencies"),
        ("10 rad/s", "not a frequency in hertz"),  # pint would take it for 10 Hz
        ([], "not a list"),
        ([1.0, 0], "frequencies[1]"),
        ([math.nan], "not a finite number"),
        ([True], "not a frequency"),
        (None, "not a list"),
    ],
)
def test_frequency_error(value: object, part: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_frequencies(value)
    assert part in str(caught.value)
    assert "impedance.frequencies" in str(caught.value)
