"""Protocols to aurora-unicycler and back, and the numbers in the files it writes for instruments."""

from __future__ import annotations

import json
import math
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from mossy.errors import InputError
from mossy.protocol import ProtocolTable, compile_protocol, standard
from mossy.protocol.unicycler import (
    Sweep,
    from_unicycler,
    to_battinfo_jsonld,
    to_biologic_mps,
    to_neware_xml,
    to_tomato_mpg2,
    to_unicycler,
)

unicycler = pytest.importorskip("aurora_unicycler")
AREA, CM2 = 1.54e-4, "1.54 cm^2"  # m2
STEPS = [
    "rest for 5 min",
    "plate 0.5 mA/cm^2 for 10 h or until -0.2 V",
    {"repeat": 3, "steps": ["strip 0.5 mA/cm^2 for 2 h", {"repeat": 2, "steps": ["plate 0.1 mA/cm^2 for 90 s"]}]},
    "hold -50 mV for 1 h or until 0.05 mA/cm^2",
    "impedance",
    "strip 0.5 mA/cm^2 until 1 V",
]


def segments_of(protocol: ProtocolTable) -> list[tuple[Any, ...]]:
    """What is carried out, without the words it was written in; NaN as None, so that it equals itself."""
    fields = ("mode", "value", "duration", "capacity", "voltage_limit", "current_limit", "cycle", "step")
    segments = compile_protocol(protocol, area=AREA).segments
    rows = [[getattr(segment, name) for name in fields] for segment in segments]
    return [tuple(None if isinstance(v, float) and math.isnan(v) else v for v in row) for row in rows]


@pytest.mark.parametrize("repeat", [1, 4])
@pytest.mark.parametrize("area", [CM2, None])
def test_there_and_back_is_the_same_protocol(repeat: int, area: str | None) -> None:
    protocol = ProtocolTable(steps=STEPS, repeat=repeat)
    back = from_unicycler(to_unicycler(protocol, area=CM2), area=area)
    assert back.repeat == repeat
    for found, wanted in zip(segments_of(back), segments_of(protocol), strict=True):
        # a current in mA is divided by the area again: the last digit
        assert found == tuple(pytest.approx(v, rel=1e-12) if isinstance(v, float) else v for v in wanted)
    if area is not None:
        assert from_unicycler(to_unicycler(back, area=CM2), area=area) == back


def test_texts_come_back_as_a_person_would_write_them() -> None:
    steps = from_unicycler(to_unicycler(ProtocolTable(steps=STEPS), area=CM2), area=CM2).steps
    assert steps[1] == "plate 0.5 mA/cm^2 for 10 h or until -0.2 V"
    assert steps[3] == "hold -0.05 V for 1 h or until 0.05 mA/cm^2"
    assert from_unicycler(to_unicycler(ProtocolTable(steps=STEPS), area=CM2)).steps[1].startswith("plate 0.77 mA for")


@pytest.mark.parametrize("name", standard.__all__)
def test_every_standard_passes_the_same_charge_there(name: str) -> None:
    """A capacity becomes the time t = Q/J, a plate a negative current: unrolled, the charges are the protocol's."""
    protocol: ProtocolTable = getattr(standard, name)()
    back = from_unicycler(to_unicycler(protocol, area=CM2), area=CM2)
    found = [(s.value, s.duration) for s in compile_protocol(back).segments]
    wanted, passed = [], 0.0
    for segment in compile_protocol(protocol).segments:
        passed = 0.0 if segment.starts_step else passed
        rate = abs(segment.value)
        time = min(segment.duration, (segment.capacity - passed) / rate) if rate else segment.duration
        passed += rate * time if math.isfinite(time) else 0.0
        wanted.append((segment.value, time))
    assert len(found) == len(wanted)
    for each, other in zip(found, wanted, strict=True):
        assert each == pytest.approx(other, rel=1e-11)


def test_a_plate_is_a_negative_current_and_ends_at_a_falling_voltage() -> None:
    protocol = ProtocolTable(steps=["plate 1 mA/cm^2 for 2 mAh/cm^2 or until -0.1 V", "strip 1 mA/cm^2 until 1 V"])
    plated, stripped = to_unicycler(protocol, area=CM2).method
    assert (plated.current_mA, plated.until_time_s, plated.until_voltage_V) == (-1.54, 7200.0, -0.1)
    assert (stripped.current_mA, stripped.until_time_s, stripped.until_voltage_V) == (1.54, None, 1.0)
    columns = mps_columns(to_biologic_mps(protocol, area=CM2))
    assert [column["ctrl1_val"] for column in columns] == ["-1.540", "1.540"]
    assert [columns[0]["lim2_comp"], columns[1]["lim1_comp"]] == ["<", ">"]
    types = [step.get("Step_Type") for step in neware_steps(to_neware_xml(protocol, area=CM2))]
    assert types == ["2", "1", "6"]  # discharge, charge, end


def test_the_earlier_of_time_and_capacity_ends_a_current() -> None:
    steps = ["plate 1 mA/cm^2 for 1 h or for 2 mAh/cm^2", "plate 1 mA/cm^2 for 3 h or for 2 mAh/cm^2"]
    assert [step.until_time_s for step in to_unicycler(ProtocolTable(steps=steps), area=CM2).method] == [3600.0, 7200.0]


@pytest.mark.parametrize("end", ["1 mAh/cm^2", "1.03 mAh/cm^2", "73 min", "75 min", "8 min"])
def test_pulses_pass_the_same_charge_and_take_the_same_time(end: str) -> None:
    protocol = ProtocolTable(steps=[f"pulse 1 mA/cm^2 6 min on 2 min off for {end}"])
    found = compile_protocol(from_unicycler(to_unicycler(protocol, area=CM2), area=CM2)).segments
    on = math.fsum(segment.duration for segment in found if segment.value)
    pieces = compile_protocol(protocol).segments
    off = math.fsum(piece.duration for piece in pieces if not piece.value)
    wanted = min(
        math.fsum(piece.duration for piece in pieces if piece.value), pieces[0].capacity / abs(pieces[0].value)
    )
    assert on == pytest.approx(wanted, rel=1e-12)
    assert math.fsum(segment.duration for segment in found if not segment.value) == pytest.approx(off, rel=1e-12)


def mps_columns(text: str) -> list[dict[str, str]]:
    """The settings of each sequence: rows of a name and values, 20 characters each."""
    rows = text[text.index("\nNs ") + 1 :].splitlines()
    table = {row[:20].strip(): [row[k : k + 20].strip() for k in range(20, len(row), 20)] for row in rows if row}
    return [{name: values[k] for name, values in table.items() if k < len(values)} for k in range(len(table["Ns"]))]


def neware_steps(text: str) -> list[ElementTree.Element]:
    found = ElementTree.fromstring(text).find("config/Step_Info")
    assert found is not None
    return list(found)


def limit(step: ElementTree.Element, name: str) -> float:
    found = step.find(f"Limit/Main/{name}")
    assert found is not None
    return float(found.get("Value", "nan"))


def test_neware_has_the_protocol_s_currents_times_and_voltages() -> None:
    protocol = standard.modified_reservoir()
    first, full, _, short, short_plate, loop, final, end = neware_steps(to_neware_xml(protocol, area=CM2))
    assert limit(first, "Curr") == 0.77  # mA: 0.5 mA/cm2 times 1.54 cm2
    assert limit(first, "Time") == 36_000_000.0  # ms: 5 mAh/cm2 at 0.5 mA/cm2 is 10 h
    assert limit(full, "Stop_Volt") == 10_000.0  # 0.1 mV
    assert (limit(short, "Time"), limit(short_plate, "Time")) == (7_200_000.0, 7_200_000.0)
    assert [step.get("Step_Type") for step in (first, full, short, final, end)] == ["2", "1", "1", "1", "6"]
    other = {each.tag: each.get("Value") for each in loop.iter() if each.get("Value")}
    assert other == {"Start_Step": "4", "Cycle_Count": "10"}


def test_biologic_has_the_protocol_s_currents_times_and_voltages() -> None:
    text = to_biologic_mps(standard.modified_reservoir(impedance=True, rest="10 min"), area=CM2, sample_name="Li-Cu 7")
    assert "Ewe ctrl range : min = -5.00 V, max = 5.00 V" in text
    assert "Comments : Li-Cu 7" in text
    columns = mps_columns(text)
    kinds = [column["ctrl_type"] for column in columns]
    assert kinds[:6] == ["CC", "Rest", "PEIS", "CC", "Rest", "PEIS"]
    assert kinds.count("Loop") == 1
    first, rest, sweep = columns[:3]
    assert (first["ctrl1_val"], first["ctrl1_val_unit"], first["lim1_value"]) == ("-770.000", "uA", "36000.000")
    assert rest["lim1_value"] == "600.000"
    assert (sweep["ctrl1_val"], sweep["ctrl1_val_unit"], sweep["ctrl_Nd"]) == ("10.000", "mV", "10")
    assert [sweep[f"ctrl{n}_val"] + sweep[f"ctrl{n}_val_unit"] for n in (2, 3)] == ["1000.000kHz", "100.000mHz"]
    loop = columns[kinds.index("Loop")]
    assert (loop["ctrl_seq"], loop["ctrl_repeat"]) == ("9", "9")  # to the tenth sequence, nine times more
    text.encode("cp1252")  # what EC-Lab reads


def test_tomato_has_the_protocol_s_currents_in_ampere() -> None:
    method = json.loads(to_tomato_mpg2(standard.reservoir(), area=CM2))["method"]
    assert [step.get("current") for step in method] == pytest.approx([-0.77e-3, 0.77e-3, -0.77e-3, None, 0.77e-3])
    assert method[3]["n_gotos"] == 9
    assert method[4]["limit_voltage_max"] == 1.0


def test_pulses_are_recorded_finely_in_the_files_themselves() -> None:
    """The jump where a pulse ends lies between two readings: 0.1 s apart, or less where the voltage moves by 1 mV.

    In the units of the files: ms and 0.1 mV (a Neware limit of 1 V is 10000 there), s and V.
    """
    protocol = standard.rest_pulse(current="1 mA/cm^2")
    record = ElementTree.fromstring(to_neware_xml(protocol, area=CM2)).find("config/Whole_Prt/Record/Main")
    assert record is not None
    assert {each.tag: float(each.get("Value", "nan")) for each in record} == {"Time": 100.0, "Volt": 10.0}
    columns = [each for each in mps_columns(to_biologic_mps(protocol, area=CM2)) if each["ctrl_type"] != "Loop"]
    assert {each["ctrl_type"] for each in columns} == {"CC", "Rest"}
    for each in columns:
        recorded = [each[f"rec{n}_{what}"] for n in (1, 2) for what in ("type", "value", "value_unit")]
        assert (each["rec_nb"], recorded) == ("2", ["Time", "0.100", "s", "Ewe", "0.001", "V"])
    steps = [each for each in json.loads(to_tomato_mpg2(protocol, area=CM2))["method"] if "technique" in each]
    assert {each["measure_every_dt"] for each in steps if "measure_every_dt" in each} == {0.1}
    assert {each["measure_every_dE"] for each in steps if "measure_every_dE" in each} == {0.001}


@pytest.mark.parametrize(
    ("steps", "seconds", "volts"),
    [
        (["pulse 1 mA/cm^2 1 min on 1 min off for 1 h"], 0.1, 1e-3),
        (["plate 1 mA/cm^2 for 1 h", "rest for 1 h"], 1.0, 1e-3),
        (["hold 50 mV for 1 h", "rest for 1 h"], 1.0, 1e-3),
        (["rest for 1 h", "plate 1 mA/cm^2 for 1 h"], 10.0, 1e-2),  # nothing to see in the rest of a new cell
        ([{"repeat": 2, "steps": ["rest for 1 h", "plate 1 mA/cm^2 for 1 h"]}], 1.0, 1e-3),  # but after the first loop
    ],
)
def test_what_is_recorded_follows_what_is_switched(steps: list[Any], seconds: float, volts: float) -> None:
    protocol = ProtocolTable.model_validate({"steps": steps})
    record = to_unicycler(protocol, area=CM2).record
    assert (record.time_s, record.voltage_V) == (seconds, volts)
    set_by_hand = to_unicycler(protocol, area=CM2, record_time="2 s", record_voltage="5 mV").record
    assert (set_by_hand.time_s, set_by_hand.voltage_V) == (2.0, 0.005)


def test_a_strip_to_the_cut_off_has_a_time_limit_in_every_file() -> None:
    """1.5 times 5 mAh/cm2 at 0.5 mA/cm2 are 15 h, beside the 1 V."""
    protocol = standard.reservoir(cycles=2)
    strip = neware_steps(to_neware_xml(protocol, area=CM2))[-2]
    assert (limit(strip, "Time"), limit(strip, "Stop_Volt")) == (15 * 3600e3, 10_000.0)
    column = mps_columns(to_biologic_mps(protocol, area=CM2))[-1]
    limits = [(column[f"lim{n}_type"], column[f"lim{n}_comp"], column[f"lim{n}_value"]) for n in (1, 2)]
    assert (column["lim_nb"], limits) == ("2", [("Time", ">", "54000.000"), ("Ewe", ">", "1.000")])
    assert json.loads(to_tomato_mpg2(protocol, area=CM2))["method"][-1]["time"] == 54_000.0


def battinfo_course(task: dict[str, Any] | None) -> list[str]:
    """The kinds of the tasks carried out, loops unrolled."""
    found: list[str] = []
    while task:
        if task["@type"] == "IterativeWorkflow":
            found += battinfo_course(task["hasTask"]) * int(task["hasInput"][0]["hasNumericalPart"]["hasNumberValue"])
        else:
            found.append(task["@type"])
        task = task.get("hasNext")
    return found


@pytest.mark.parametrize(
    "protocol",
    [
        standard.plate_strip(cycles=4),
        standard.reservoir(cycles=3, impedance=True),
        standard.rest_pulse(cycles=2),
        standard.critical_current(cycles_per_step=2, stop="0.3 mA/cm^2"),
        ProtocolTable(repeat=3, steps=[{"repeat": 2, "steps": ["plate 1 mA/cm^2 for 1 h"]}, "rest for 1 h"]),
    ],
)
def test_battinfo_carries_out_what_the_protocol_does(protocol: ProtocolTable) -> None:
    """Its loops, whichever step they begin with, unroll to the protocol's own steps."""
    kinds = {1: "ConstantCurrentDischarging", 0: "OpenCircuitHold", -1: "ConstantCurrentCharging"}
    wanted = [
        "ElectrochemicalImpedanceSpectroscopy"
        if segment.mode == "impedance"
        else kinds[(segment.value > 0.0) - (segment.value < 0.0)]
        for segment in compile_protocol(protocol).segments
    ]
    assert battinfo_course(to_battinfo_jsonld(protocol, area=CM2)) == wanted


def one(text: str) -> ProtocolTable:
    return ProtocolTable(steps=[text])


REFUSED = [
    (to_unicycler, one("hold 0.1 V for 1 mAh/cm^2 or for 1 h"), ["protocol.steps[0]", "no time"]),
    (to_unicycler, one("rest for 1 h or until 0.1 V"), ["ends by time only"]),
    (to_unicycler, one("strip 1 mA/cm^2 until 0 V or for 1 h"), ["limit of 0 V"]),
    (to_unicycler, one("pulse 1 mA/cm^2 1 s on 1 s off for 1 h or until -1 V"), ["one pulse"]),
    (to_unicycler, ProtocolTable(steps=[{"steps": ["rest until 1 V"]}]), ["protocol.steps[0].steps[0]"]),
    (to_neware_xml, one("impedance"), ["Neware", "no impedance"]),
    (to_neware_xml, one("hold 0.1 V for 1 h"), ["Neware", "a charge or a discharge"]),
    (to_tomato_mpg2, one("impedance"), ["tomato", "no impedance"]),
    (to_tomato_mpg2, one("hold 0.1 V until 0.1 mA/cm^2"), ["tomato", "ends a hold"]),
    (to_tomato_mpg2, one("plate 10 mA/cm^2 for 1 h"), ["15.4 mA"]),
    (to_tomato_mpg2, one("strip 1 mA/cm^2 until 6 V"), ["+-5 V"]),
    (to_biologic_mps, one("plate 0.1 nA/cm^2 for 1 h"), ["three decimals"]),
    (to_biologic_mps, one("strip 1 mA/cm^2 until 1.5 mV"), ["three decimals", "0.0015 V"]),
    (to_biologic_mps, one("strip 1 mA/cm^2 until 6 V"), ["aurora-unicycler refuses it", "outside of range"]),
    (to_biologic_mps, one("plate 1 A/cm^2 for 1 s"), ["more than 1 A"]),
    (
        to_biologic_mps,
        ProtocolTable(repeat=2, steps=["plate 0.5 mA/cm^2 for 1 h", "rest for 1 s", "strip 1 mA/cm^2 for 1 h"]),
        ["another range", "put a rest between"],  # at the turn of the loop
    ),
]


@pytest.mark.parametrize(("export", "protocol", "parts"), REFUSED)
def test_what_a_file_cannot_say_is_refused(export: Any, protocol: ProtocolTable, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        export(protocol, area=CM2)
    for part in parts:
        assert part in str(caught.value)


def test_a_current_from_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "current.csv"
    file.write_text("time (s),current (mA/cm^2)\n0,1\n10,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="follows a file"):
        to_unicycler(one(f"current from '{file}'"), area=CM2)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"area": "0 cm^2"}, "area"),
        ({"area": -1.0}, "area"),
        ({"area": "1 cm"}, "area"),
        ({"area": CM2, "record_time": "0 s"}, "record_time"),
        ({"area": CM2, "record_voltage": "-1 mV"}, "record_voltage"),
        ({"area": CM2, "sweep": Sweep(amplitude="0 mV")}, "sweep.amplitude"),
        ({"area": CM2, "sweep": Sweep(frequencies="1 Hz")}, "sweep.frequencies"),
        ({"area": CM2, "sweep": Sweep(frequencies="1 kHz to 1 Hz, 5 points")}, "sweep.frequencies"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as caught:
        to_unicycler(one("impedance"), **settings)
    assert caught.value.key == part


def test_biologic_has_no_frequency_below_a_millihertz() -> None:
    sweep = Sweep(frequencies="1 kHz to 0.1 mHz, 5 per decade")
    with pytest.raises(InputError, match="below 1 mHz"):
        to_biologic_mps(one("impedance"), area=CM2, sweep=sweep)
    assert to_unicycler(one("impedance"), area=CM2, sweep=sweep).method[0].points_per_decade == 5


@pytest.mark.parametrize(("key", "text"), [("record_time", "0.4 ms"), ("record_voltage", "1.5 mV")])
def test_biologic_records_whole_milliseconds_and_millivolts(key: str, text: str) -> None:
    with pytest.raises(InputError, match="three decimals") as caught:
        to_biologic_mps(one("rest for 1 h"), area=CM2, **{key: text})
    assert caught.value.key == key


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aurora_unicycler", None)
    with pytest.raises(InputError, match=r'pip install "mossy\[protocols\]"'):
        to_unicycler(one("rest for 1 h"), area=CM2)


# reading


def method(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"record": {"time_s": 1}, "method": list(steps), **more}


CC = {"step": "constant_current", "current_mA": -1.54, "until_time_s": 60}
OCV = {"step": "open_circuit_voltage", "until_time_s": 60}


def test_a_file_is_read_as_its_object_is(tmp_path: Path) -> None:
    made = to_unicycler(ProtocolTable(steps=STEPS), area=CM2)
    made.to_json(tmp_path / "protocol.json")
    from_file = from_unicycler(tmp_path / "protocol.json", area=CM2)
    assert from_file == from_unicycler(made, area=CM2) == from_unicycler(made.to_dict(), area=CM2)


def test_loops_by_number_count_tags_too() -> None:
    loop = {"step": "loop", "loop_to": 2, "cycle_count": 5}
    (first, block) = from_unicycler(method(OCV, CC, OCV, loop), area=CM2).steps
    assert first == "rest for 1 min"
    assert (block.repeat, block.steps) == (5, ["plate 1 mA/cm^2 for 1 min", "rest for 1 min"])


def test_rates_need_the_sample_s_capacity() -> None:
    rate = {"step": "constant_current", "rate_C": "-1/2", "until_time_s": 60, "until_voltage_V": 0}
    found = from_unicycler(method(rate, sample={"name": "a", "capacity_mAh": 3.08}), area=CM2)
    assert found.steps == ["plate 1 mA/cm^2 for 1 min"]
    with pytest.raises(InputError, match=r"sample\.capacity_mAh"):
        from_unicycler(method(rate), area=CM2)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (method({"step": "voltage_scan", "start_voltage_V": 0, "end_voltage_V": 1, "scan_rate_mV_per_s": 1}), "scan"),
        (
            method(
                CC,
                OCV,
                {"step": "loop", "loop_to": 1, "cycle_count": 2},
                CC,
                {"step": "loop", "loop_to": 2, "cycle_count": 2},
            ),
            "middle",
        ),
        (method({"step": "tag", "tag": "a"}), "no steps"),
        (method({"step": "open_circuit_voltage", "until_time_s": -1}), "until_time_s"),
        ({"method": []}, "aurora-unicycler refuses it"),
        (3, "int is not a protocol"),
        ("no such file.json", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(source: Any, part: str) -> None:
    with pytest.raises(InputError, match=part):
        from_unicycler(source, area=CM2)


@pytest.mark.parametrize("text", ["{", "[1]", "{}"])
def test_a_file_that_is_no_protocol_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "protocol.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        from_unicycler(tmp_path / "protocol.json")
    assert "protocol.json" in str(caught.value)
