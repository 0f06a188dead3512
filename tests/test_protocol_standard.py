"""Standard protocols: the same schedule as written by hand, exact charges, labels that measured half-cycles find."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import cells_for_tests as cells
from conftest import PROJECT
from mossy import cli
from mossy.case import parse_case
from mossy.errors import InputError
from mossy.protocol import (
    ExpectedHalfCycle,
    ProtocolTable,
    RepeatBlock,
    compile_protocol,
    expected_half_cycles,
    match,
    roles_of_steps,
    standard,
)
from mossy.protocol.plans import OTHER_NAMES, PARAMETERS, STANDARDS, defaults_of, plan_of
from mossy.protocol_command import FORMATS, RECORDED, case_text, export, list_text

MILLIAMPERE_HOUR = 36000.0  # C/m2 in 1 mAh/cm2
BY_HAND = {
    "steps": [
        "plate 0.5 mA/cm^2 for 5 mAh/cm^2",
        "strip 0.5 mA/cm^2 until 1 V or for 7.5 mAh/cm^2",
        "plate 0.5 mA/cm^2 for 5 mAh/cm^2",
        {
            "repeat": 10,
            "steps": ["strip 0.5 mA/cm^2 for 1 mAh/cm^2 or until 1 V", "plate 0.5 mA/cm^2 for 1 mAh/cm^2"],
        },
        "strip 0.5 mA/cm^2 until 1 V or for 7.5 mAh/cm^2",
    ]
}
Measured = list[tuple[str, float]]


def protocol_of(name: str, **parameters: Any) -> ProtocolTable:
    return ProtocolTable.model_validate({"standard": name, "parameters": parameters})


def as_expected(expected: list[ExpectedHalfCycle], stripped: float) -> Measured:
    """Data that do what the protocol says, and strip so much (C/m2) where only the voltage ends it."""
    return [(each.direction, each.areal_capacity or stripped) for each in expected]


def test_a_case_that_names_a_standard_runs_the_steps_written_by_hand() -> None:
    named = parse_case({"protocol": {"standard": "modified reservoir"}}).check()
    by_hand = parse_case({"protocol": BY_HAND}).check()
    assert repr(named.schedule) == repr(by_hand.schedule)  # repr: NaN equals NaN there
    assert repr(compile_protocol(standard.modified_reservoir())) == repr(by_hand.schedule)


def test_an_unconditioned_reservoir_is_the_same_without_its_first_cycle() -> None:
    whole = compile_protocol(standard.modified_reservoir(cycles=4)).segments
    short = compile_protocol(standard.reservoir(cycles=4)).segments
    assert [segment.text for segment in short] == [segment.text for segment in whole[2:]]


@pytest.mark.parametrize("name", STANDARDS)
@pytest.mark.parametrize("impedance", [False, True])
def test_every_step_has_its_role_and_every_half_cycle_its_spectrum(name: str, impedance: bool) -> None:
    protocol = protocol_of(name, impedance=impedance)
    steps = roles_of_steps(protocol)
    assert [step.step_count for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        word = step.text.split()[0]
        if word in ("rest", "impedance"):
            assert step.role == word
        else:  # the role ends in the direction that the text has
            assert step.role.split()[-1] in step.text.split()[:2]
    half_cycles = expected_half_cycles(protocol)
    assert [step.role for step in steps].count("impedance") == impedance * len(half_cycles)
    directions = [each.direction for each in half_cycles]
    assert all(a != b for a, b in itertools.pairwise(directions))


def balance(half_cycles: list[ExpectedHalfCycle]) -> float:
    """mAh/cm2 that the half-cycles of known charge leave plated."""
    signs = {"plate": 1.0, "strip": -1.0}
    return math.fsum(signs[each.direction] * (each.areal_capacity or 0.0) for each in half_cycles) / MILLIAMPERE_HOUR


@pytest.mark.parametrize(
    ("name", "parameters", "half_cycles", "left"),
    [
        ("modified reservoir", {}, 3 + 2 * 10 + 1, 10.0),  # twice the reservoir: both full strips are open
        ("reservoir", {"cycles": 3, "reservoir": "4 mAh/cm^2"}, 1 + 2 * 3 + 1, 4.0),
        ("plate strip", {"cycles": 7, "capacity": "2 mAh/cm^2"}, 14, 14.0),  # every strip is open
        ("symmetric cycling", {"cycles": 9}, 18, 0.0),
        ("critical current", {"cycles_per_step": 2}, 2 * 2 * 20, 0.0),
        ("rest pulse", {}, 6, 0.0),
    ],
)
def test_charge_balance_is_exact(name: str, parameters: dict[str, Any], half_cycles: int, left: float) -> None:
    found = expected_half_cycles(protocol_of(name, **parameters))
    assert len(found) == half_cycles
    assert balance(found) == left


def test_currents_are_stepped_up_at_constant_time_or_capacity() -> None:
    given = {"start": "0.1 mA/cm^2", "step": "50 uA/cm^2", "stop": "0.3 mA/cm^2"}
    by_time = expected_half_cycles(standard.critical_current(**given, half_cycle="30 min"))[::2]
    assert [each.current_density for each in by_time] == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0], rel=1e-15)
    assert [each.areal_capacity for each in by_time] == pytest.approx([1800.0, 2700.0, 3600.0, 4500.0, 5400.0])
    assert [each.cycle for each in by_time] == [1, 2, 3, 4, 5]
    by_charge = expected_half_cycles(standard.critical_current(**given, half_cycle="0.5 mAh/cm^2"))
    assert {each.areal_capacity for each in by_charge} == {0.5 * MILLIAMPERE_HOUR}
    assert [each.cut_off for each in by_charge[:2]] == [-1.0, 1.0]


@pytest.mark.parametrize("name", STANDARDS)
def test_every_step_ends_by_itself_in_a_shorted_cell(name: str) -> None:
    """A short holds the voltage at 0 V: without the ends by voltage, every step must still have one, and soon enough.

    With charge Q at current J the time is Q/J: nominal where it is a half-cycle's own, 1.5 times that of what was
    plated where the cut-off should have ended it.
    """
    for segment in compile_protocol(protocol_of(name)).segments:
        seconds = min(segment.duration, segment.capacity / abs(segment.value) if segment.value else math.inf)
        assert seconds <= 1.5 * 10.0 * 3600.0, segment.text  # the longest half-cycle is 5 mAh/cm2 at 0.5 mA/cm2


def test_a_strip_to_the_cut_off_ends_after_so_many_times_the_charge_plated() -> None:
    stripped = expected_half_cycles(standard.plate_strip(capacity="2 mAh/cm^2", longest=1.2, cycles=1))[1]
    assert (stripped.areal_capacity, stripped.cut_off) == (None, 1.0)
    assert stripped.at_most == pytest.approx(2.4 * MILLIAMPERE_HOUR, rel=1e-12)
    whole_cell = compile_protocol(standard.plate_strip(current="2 mA", capacity="3 mAh", cycles=1), area=2e-4).segments
    assert whole_cell[2].capacity == pytest.approx(2.25 * MILLIAMPERE_HOUR, rel=1e-12)  # 4.5 mAh on 2 cm2
    endless = standard.plate_strip(longest=0, cycles=1)
    assert endless.steps[0].steps[2] == "strip 1 mA/cm^2 until 1 V"
    assert roles_of_steps(endless)[2].to_cut_off


def test_a_shorted_cell_is_told_from_its_endless_strip() -> None:
    """1.5 times what was plated cannot come from the electrode: the note says so, and the labels stay."""
    found = match(EXPECTED, [*FULL[:-1], ("strip", 7.5 * MILLIAMPERE_HOUR)])
    assert found.complete
    assert found.labels == LABELS
    assert len(found.notes) == 1
    assert "half-cycle 24 (strip, 7.5 mAh/cm^2) passed the 7.5 mAh/cm^2 that a final strip may" in found.notes[0]
    cycles = expected_half_cycles(standard.plate_strip(cycles=30))
    shorted = [(each.direction, each.at_most or each.areal_capacity) for each in cycles]
    (note,) = match(cycles, shorted).notes
    assert note.startswith("30 of 60 half-cycles passed all they may, and no cut-off ended them: is the cell shorted?")


def test_named_values_reach_the_steps() -> None:
    table = {
        "standard": "plate strip",
        "parameters": {"current": "{current}", "rest": "{pause}"},
        "values": {"current": "3 mA/cm^2", "pause": "1 min"},
    }
    segments = compile_protocol(ProtocolTable.model_validate(table)).segments
    assert (segments[0].value, segments[1].duration) == (30.0, 60.0)
    changed = ProtocolTable.model_validate(table).with_values({"current": "1 mA/cm^2"})
    assert compile_protocol(changed).segments[0].value == 10.0


def test_whole_cell_amounts_need_the_area() -> None:
    protocol = standard.plate_strip(current="2 mA", capacity="2 mAh", cycles=1)
    (plated, _) = expected_half_cycles(protocol, area=2e-4)
    assert (plated.current_density, plated.areal_capacity) == pytest.approx((10.0, MILLIAMPERE_HOUR), rel=1e-15)
    with pytest.raises(InputError, match="area"):
        expected_half_cycles(protocol)


ERRORS: list[tuple[dict[str, Any], list[str]]] = [
    ({"standard": "Aurbach"}, ["standard", "'Aurbach'", "'reservoir' or 'modified reservoir'"]),
    ({"standard": "adams"}, ["did you mean 'modified reservoir'?"]),
    ({"standard": "CCD"}, ["did you mean 'critical current'?"]),
    ({"standard": "modified resevoir"}, ["did you mean 'modified reservoir'"]),
    ({"standard": "xyz"}, ["choose one of 'modified reservoir', 'reservoir'"]),
    ({"standard": 3}, ["3 is not the name"]),
    ({"parameters": {"cycles": 3}}, ["protocol.parameters", "no standard takes them"]),
    ({"standard": "reservoir", "parameters": 3}, ["protocol.parameters", "3 is not a table"]),
    ({"standard": "reservoir", "parameters": {"cycle": 3}}, ["protocol.parameters.cycle", "did you mean 'cycles'?"]),
    ({"standard": "reservoir", "parameters": {"cycles": 0}}, ["protocol.parameters.cycles", "1 or more"]),
    ({"standard": "reservoir", "parameters": {"cycles": True}}, ["protocol.parameters.cycles", "True"]),
    ({"standard": "reservoir", "parameters": {"impedance": 1}}, ["impedance", "write true or false"]),
    ({"standard": "reservoir", "parameters": {"current": 1}}, ["parameters.current", "'1 mA/cm^2'"]),
    ({"standard": "reservoir", "parameters": {"current": "1 V"}}, ["parameters.current", "'1 V'"]),
    ({"standard": "reservoir", "parameters": {"current": "-1 mA/cm^2"}}, ["not more than zero"]),
    ({"standard": "reservoir", "parameters": {"longest": 1.0}}, ["parameters.longest", "1 times", "or 0 for no such"]),
    ({"standard": "reservoir", "parameters": {"longest": True}}, ["parameters.longest", "True is not a number"]),
    ({"standard": "reservoir", "parameters": {"longest": "2 h"}}, ["parameters.longest", "as in 1.5"]),
    ({"standard": "reservoir", "parameters": {"longest": math.nan}}, ["parameters.longest", "nan is not a number"]),
    ({"standard": "plate strip", "parameters": {"capacity": "{q}"}}, ["parameters.longest", "'{q}'", "longest = 0"]),
    ({"standard": "reservoir", "parameters": {"cut_off": "0 V"}}, ["parameters.cut_off", "not more than zero"]),
    ({"standard": "reservoir", "parameters": {"rest": "-1 s"}}, ["parameters.rest", "not more than zero"]),
    ({"standard": "reservoir", "parameters": {"capacity": "6 mAh/cm^2"}}, ["parameters.capacity", "5 mAh/cm^2"]),
    ({"standard": "critical current", "parameters": {"step": "1 mA"}}, ["parameters.step", "not a current per area"]),
    ({"standard": "critical current", "parameters": {"stop": "1 uA/cm^2"}}, ["parameters.stop", "0.1 mA/cm^2"]),
    ({"standard": "critical current", "parameters": {"step": "1 nA/cm^2"}}, ["parameters.step", "1,900,001 currents"]),
    ({"standard": "reservoir", "steps": ["rest for 1 h"]}, ["protocol.steps", "not the steps of 'reservoir'"]),
]


@pytest.mark.parametrize(("table", "parts"), ERRORS)
def test_error(table: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_case({"protocol": table})
    for part in parts:
        assert part in str(caught.value)


def test_a_function_refuses_with_an_input_error_of_its_own() -> None:
    with pytest.raises(InputError, match=r"parameters.current: '1 V'"):
        standard.reservoir(current="1 V")
    with pytest.raises(ValidationError):
        ProtocolTable.model_validate({"standard": "reservoir", "steps": [], "repeat": 0})


def test_other_names_lead_to_standards_and_every_parameter_is_explained() -> None:
    assert {name for names in OTHER_NAMES.values() for name in names} <= set(STANDARDS)
    for name in STANDARDS:
        assert set(defaults_of(name)) <= set(PARAMETERS)
        assert plan_of(name, defaults_of(name)) == STANDARDS[name]()  # the defaults pass their own checks


# matching


@pytest.mark.parametrize("name", STANDARDS)
def test_data_that_do_what_the_protocol_says_are_labelled_completely(name: str) -> None:
    expected = expected_half_cycles(protocol_of(name))
    found = match(expected, as_expected(expected, 30000.0))
    assert found.complete
    assert found.labels == [each.label for each in expected]
    assert not found.notes


EXPECTED = expected_half_cycles(standard.modified_reservoir())
FULL = as_expected(EXPECTED, 170000.0)
LABELS = [each.label for each in EXPECTED]


def test_unknown_charges_match_by_order_and_direction() -> None:
    assert match(EXPECTED, [(direction, None) for direction, _ in FULL]).labels == LABELS


@pytest.mark.parametrize("count", [1, 2, 3, 6, 23])
def test_data_that_end_early_are_labelled_as_far_as_they_go(count: int) -> None:
    found = match(EXPECTED, FULL[:count])
    assert found.labels == LABELS[:count]
    assert [each.label for each in found.missing] == LABELS[count:]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("the data end before")


def test_data_that_end_within_a_half_cycle_say_so() -> None:
    found = match(EXPECTED, [*FULL[:6], ("plate", 9000.0)])
    assert found.labels == LABELS[:7]
    assert "the data end within the short plate of 1 mAh/cm^2" in found.notes[0]
    assert "0.25 mAh/cm^2" in found.notes[0]


def test_data_without_the_conditioning_begin_at_the_reservoir() -> None:
    found = match(EXPECTED, FULL[2:])
    assert found.labels == LABELS[2:]
    assert "half-cycles 1 to 2" in found.notes[0]


def test_a_program_stopped_by_hand_and_stripped_has_its_final_strip() -> None:
    found = match(EXPECTED, [*FULL[:9], FULL[-1]])
    assert found.labels == [*LABELS[:9], "final strip"]
    assert found.notes == ["the data lack short strip to short plate (half-cycles 10 to 23 of the protocol)"]


def test_half_cycles_that_the_protocol_does_not_have_get_no_label() -> None:
    found = match(EXPECTED, [*FULL[:3], ("strip", 50.0), ("plate", 3.0), *FULL[3:]])
    assert found.labels == [*LABELS[:3], None, None, *LABELS[3:]]
    assert not found.missing
    assert not found.complete


def test_a_deviating_charge_gets_no_label_and_the_others_keep_theirs() -> None:
    found = match(EXPECTED, [*FULL[:4], ("plate", 2.0 * MILLIAMPERE_HOUR), *FULL[5:]])
    assert found.labels == [*LABELS[:4], None, *LABELS[5:]]
    assert "2 mAh/cm^2) stands where the protocol has a short plate of 1 mAh/cm^2" in found.notes[0]


def test_a_reservoir_used_up_ends_a_short_strip_at_the_cut_off() -> None:
    found = match(EXPECTED, [*FULL[:5], ("strip", 0.4 * MILLIAMPERE_HOUR), *FULL[6:]])
    assert found.labels == LABELS
    assert "half-cycle 6 (strip, 0.4 mAh/cm^2) ended before its charge" in found.notes[0]


def test_the_other_direction_is_never_taken_for_a_half_cycle() -> None:
    """A cell recorded with the opposite sign: no plate gets the label of a strip."""
    turned = [({"plate": "strip", "strip": "plate"}[direction], charge) for direction, charge in FULL]
    found = match(EXPECTED, turned)
    for (direction, _), label in zip(turned, found.labels, strict=True):
        assert label is None or label.endswith(direction)
    assert not found.complete


def test_too_many_irregular_half_cycles_are_refused_and_regular_ones_are_not() -> None:
    expected = expected_half_cycles(standard.symmetric_cycling(cycles=5000))
    measured = as_expected(expected, 0.0)
    assert match(expected, measured).complete
    with pytest.raises(InputError, match="10,000"):
        match(expected, [("plate", 1.0), *measured[1:]])


def test_nothing_measured_and_nothing_expected() -> None:
    assert match(EXPECTED, []).missing == EXPECTED
    assert match([], FULL).labels == [None] * len(FULL)
    with pytest.raises(InputError, match="'charge' is no direction"):
        match(EXPECTED, [("charge", 1.0)])


def test_data_of_another_protocol_get_one_note() -> None:
    """A symmetric cell's 40 half-cycles against a reservoir's 24: what fits, fits by chance; one note says so."""
    other = [("plate", 3.0 * MILLIAMPERE_HOUR), ("strip", 3.0 * MILLIAMPERE_HOUR)] * 20
    found = match(EXPECTED, other)
    strays = sum(label is None for label in found.labels)
    assert strays > 30
    said = f"the data do not follow this protocol: {strays} of 40 half-cycles have no counterpart in the protocol, the "
    assert len(found.notes) == 1
    assert found.notes[0].startswith(said + "first: half-cycle 1 (plate, 3 mAh/cm^2)")


def test_many_notes_of_a_kind_are_told_as_one() -> None:
    """A few half-cycles keep a note each; ten short strips that met the cut-off share one, and so do ten gaps."""
    early = [
        (way, 0.5 * amount if label == "short strip" else amount)
        for (way, amount), label in zip(FULL, LABELS, strict=True)
    ]
    (note,) = match(EXPECTED, early).notes
    assert note.startswith("10 of 24 half-cycles ended before their charge, the first: half-cycle 4 (strip, 0.5 mAh")
    few = [each if index < 9 else FULL[index] for index, each in enumerate(early)]
    assert len(match(EXPECTED, few).notes) == 3
    steps = [{"repeat": 8, "steps": [f"{way} 1 mA/cm^2 for {n} h" for n in (1, 2, 3) for way in ("plate", "strip")]}]
    expected = expected_half_cycles(ProtocolTable.model_validate({"steps": steps}))
    measured = as_expected([each for place, each in enumerate(expected) if place % 6 not in (2, 3)], 0.0)
    found = match(expected, measured)
    assert len(found.missing) == 16
    assert found.notes[0].startswith(
        "the data lack 16 half-cycles of the protocol, in 8 places, the first: the data lack"
    )


def test_steps_one_way_are_one_half_cycle() -> None:
    steps = ["plate 1 mA/cm^2 for 1 h", "rest for 1 h", "plate 2 mA/cm^2 for 1 h", "strip 1 mA/cm^2 for 1 h"]
    plated, stripped = expected_half_cycles(ProtocolTable(steps=steps))
    assert (plated.label, plated.areal_capacity) == ("plate", 3.0 * MILLIAMPERE_HOUR)
    assert (stripped.label, stripped.areal_capacity) == ("strip", MILLIAMPERE_HOUR)
    held = [*steps[:1], "hold -0.1 V for 1 h", steps[3]]
    assert [each.areal_capacity for each in expected_half_cycles(ProtocolTable(steps=held))] == [None, MILLIAMPERE_HOUR]
    with pytest.raises(InputError, match=r"'hold -0\.1 V for 1 h'"):
        expected_half_cycles(ProtocolTable(steps=held[1:]))


def half_cycles_of(table: Any) -> Measured:
    """(direction, C/m2) between reversals of a run's recorded current."""
    time = table["test_time_second"].to_numpy()
    current = table["plating_current_density_mA_per_cm2"].to_numpy() * 10.0
    moving = np.flatnonzero(current != 0.0)
    runs = np.split(moving, np.flatnonzero(np.diff(np.sign(current[moving]))) + 1)
    return [("plate" if current[run[0]] > 0.0 else "strip", abs(np.trapezoid(current[run], time[run]))) for run in runs]


def test_a_simulated_reservoir_is_labelled_and_has_the_efficiency_put_in() -> None:
    """CE = (n Q_C + Q_S)/(n Q_C + Q_T) is 1 - f where a fraction f of all metal stripped is isolated."""
    protocol = standard.modified_reservoir(
        current="2 mA/cm^2", reservoir="2 mAh/cm^2", capacity="0.5 mAh/cm^2", cycles=3
    )
    run = cells.simulate(
        list(protocol.steps),
        cell={"working": "copper"},
        working=cells.electrode(isolated_fraction=0.05, initial_potential="1.5 V"),
    )
    measured = half_cycles_of(run.cycling)
    expected = expected_half_cycles(protocol)
    found = match(expected, measured)
    assert found.complete, found.notes
    charge: dict[str, float] = {}
    for label, (_, amount) in zip(found.labels, measured, strict=True):
        charge[str(label)] = charge.get(str(label), 0.0) + amount
    gained = charge["short strip"] + charge["final strip"]
    # the double layer of 10 uF/cm2 adds 4e-6 mAh/cm2 of 3.5
    assert gained / (charge["short plate"] + charge["reservoir plate"]) == pytest.approx(0.95, abs=1e-5)
    cut = match(expected, measured[:-1])
    assert cut.labels == found.labels[:-1]
    assert [each.label for each in cut.missing] == ["final strip"]


def test_a_simulated_strip_that_never_meets_its_cut_off_ends_all_the_same() -> None:
    """Lithium foil on both sides stays far below 1 V, as a short does: the strip takes 1.5 times what was plated."""
    protocol = standard.plate_strip(current="2 mA/cm^2", capacity="0.5 mAh/cm^2", cycles=1, rest="0 s")
    run = cells.simulate(list(protocol.steps))
    measured = half_cycles_of(run.cycling)
    charges = [charge / MILLIAMPERE_HOUR for _, charge in measured]
    assert charges == pytest.approx([0.5, 0.75], rel=1e-6)  # the record's time is a sum of rounded steps
    assert "no cut-off ended it" in match(expected_half_cycles(protocol), measured).notes[0]


def test_the_example_finds_the_isolated_fraction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("reservoir_protocol", PROJECT / "examples" / "reservoir_protocol.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(str(tmp_path)) == pytest.approx(0.98, abs=1e-5)
    assert "the data end before final strip" in capsys.readouterr().out
    assert {file.name for file in tmp_path.iterdir()} == {"protocol.mps", "protocol.xml"}


# the command


def test_what_the_command_prints_is_a_case_with_the_same_schedule() -> None:
    for name in STANDARDS:
        protocol = protocol_of(name, impedance=True)
        text = case_text(protocol)
        assert parse_case(tomllib.loads(text)).protocol == protocol
        parameters, steps = tomllib.loads(text)["protocol"]["parameters"], tomllib.loads(text)["protocol"]["steps"]
        assert parameters == {"impedance": True}
        assert repr(compile_protocol(ProtocolTable(steps=steps))) == repr(compile_protocol(protocol))


def test_the_list_names_every_standard_and_parameter() -> None:
    lines = list_text().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(STANDARDS)
    assert "record_time" in lines.pop()
    assert sum(line.startswith("    ") for line in lines) == sum(len(defaults_of(name)) for name in STANDARDS)


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`mossy protocol ...`: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mossy", "protocol", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        said = capsys.readouterr()
        return int(caught.value.code or 0), said.out, said.err

    return run


def test_command_prints_a_protocol(command: Command) -> None:
    code, out, _ = command("modified-reservoir", "--cycles", "3", "--set", "reservoir=4 mAh/cm^2", "--impedance")
    assert code == 0
    given = {"cycles": 3, "impedance": True, "reservoir": "4 mAh/cm^2"}
    assert parse_case(tomllib.loads(out)).protocol == protocol_of("modified reservoir", **given)
    code, out, _ = command("critical-current", "--set", "cycles-per-step=2")
    assert isinstance(parse_case(tomllib.loads(out)).protocol.steps[0], RepeatBlock)
    assert parse_case(tomllib.loads(out)).protocol.steps[0].repeat == 2


@pytest.mark.parametrize("format_", [each for each in FORMATS if each != "mossy"])
def test_command_writes_every_format(format_: str, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "protocol"
    code, out, err = command("reservoir", "--area", "1.54 cm^2", "--format", format_, "--out", str(file))
    assert (code, out) == (0, f"reservoir: {file}\n")
    assert ("recorded every 10 s and at every change of 10 mV: the instrument must" in err) == (format_ in RECORDED)
    text = file.read_text(encoding="cp1252" if format_ == "biologic" else "utf-8")
    assert text.endswith("\n")
    if format_ in ("tomato", "battinfo", "unicycler"):
        assert json.loads(text)


def test_the_recording_can_be_set(command: Command) -> None:
    words = ("rest-pulse", "--area", "1 cm^2", "--format", "unicycler", "--set", "longest=3")
    assert "'longest' is not a parameter of 'rest pulse'" in command(*words)[2]
    code, out, err = command(*words[:-2], "--set", "record_time=0.5 s", "--set", "record-voltage=2 mV")
    assert code == 0
    assert json.loads(out)["record"] == {"current_mA": None, "time_s": 0.5, "voltage_V": 0.002}
    assert "every 0.5 s and at every change of 2 mV" in err


def test_command_sets_the_safety_end(command: Command) -> None:
    _, out, _ = command("plate-strip", "--set", "longest=2")
    assert '"strip 1 mA/cm^2 until 1 V or for 2 mAh/cm^2"' in out


COMMAND_ERRORS = [
    (["rest-pulse", "--set", "record_time=1 s"], "--set: 'record_time' is of an instrument's file"),
    (["rest-pulse", "--set", "record_time=1 V", "--format", "neware", "--area", "1 cm^2"], "record_time: '1 V'"),
    (["rest-pulse", "--set", "record_time=0.1 ms", "--format", "biologic", "--area", "1 cm^2"], "whole ms and mV"),
    (["plate-strip", "--set", "longest=1 h"], "parameters.longest: '1 h' is not a number"),
    ([], "choose one of 'modified reservoir'"),
    (["Aurbach"], "did you mean 'reservoir' or 'modified reservoir'?"),
    (["reservoir", "--format", "nevare"], "--format: 'nevare' is not a format; did you mean 'neware'?"),
    (["reservoir", "--format", "neware"], "--area"),
    (["reservoir", "--format", "neware", "--area", "1.54"], "area: '1.54' has no unit"),
    (["reservoir", "--format", "neware", "--area", "1 cm^2", "--impedance"], "no impedance"),
    (["reservoir", "--set", "nonsense"], "--set: 'nonsense' sets nothing"),
    (["reservoir", "--set", "start=1 mA/cm^2"], "'start' is not a parameter of 'reservoir'"),
    (["critical-current", "--current", "1 mA/cm^2"], "'current' is not a parameter of 'critical current'"),
    (["reservoir", "--out", "no/such/folder/file"], "no/such/folder/file"),
]


@pytest.mark.parametrize(("words", "part"), COMMAND_ERRORS)
def test_command_error(words: list[str], part: str, command: Command) -> None:
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert part in err
    assert err.startswith("mossy: ")
    assert err.count("\n") == 1


def test_export_refuses_a_folder_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        export("reservoir", {}, [], out=tmp_path)
