"""A case as Python has it: the documented defaults, values by dotted path, what is said of it, and its run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mossy
from cells_for_tests import CONSTANT, case, simulate
from mossy.case import Case, load_case, parameters_of, parse_case
from mossy.case.facts import unit_of
from mossy.case.measured import targets_of
from mossy.commands import schema_text
from mossy.errors import InputError
from mossy.numerics.status import Status
from mossy.units import to_si

REST = {"steps": ["rest for 1 min"]}
DEFAULTS: dict[str, Any] = {
    "cell.working": "copper",
    "cell.counter": "lithium",
    "cell.electrolyte": "LiPF6 EC:EMC 3:7",
    "cell.temperature": "25 degC",
    "cell.area": "1 cm^2",
    "cell.model": "planar",
    "cell.separator.thickness": "25 um",
    "cell.separator.porosity": 0.4,
    "cell.separator.bruggeman": 1.5,
    "cell.contact_resistance": "0 ohm cm^2",
    "working.initial_potential": "1.5 V",
    "working.kinetics.law": "butler_volmer",
    "working.kinetics.exchange_current_density": "2 mA/cm^2",
    "working.kinetics.symmetry": 0.5,
    "working.kinetics.double_layer_capacitance": "10 uF/cm^2",
    "working.interphase.growth": "none",
    "working.interphase.initial_thickness": "5 nm",
    "working.interphase.conductivity": "1e-6 S/m",
    "working.interphase.relative_permittivity": 10,
    "working.interphase.solvent_diffusivity": "2.5e-22 m^2/s",
    "working.interphase.solvent_concentration": "2636 mol/m^3",
    "working.interphase.film_molar_volume": "9.585e-5 m^3/mol",
    "working.interphase.metal_per_formula": 2,
    "working.interphase.reduction_potential": "0.4 V",
    "working.dead_metal.isolated_fraction": 0.0,
    "impedance.at": ["start", "end"],
    "impedance.frequencies": "1 MHz to 10 mHz, 10 per decade",
    "numerics.nodes": 50,
    "numerics.relative_tolerance": 1e-6,
}
"""What the contract of the case file says is taken where a key is left out, as it is written there."""


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """A case's dictionary from dotted paths."""
    tables: dict[str, Any] = {}
    for path, value in values.items():
        *heads, last = path.split(".")
        place = tables
        for head in heads:
            place = place.setdefault(head, {})
        place[last] = value
    return tables


def in_schema(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """What a JSON Schema says of a dotted path, its references followed."""
    place = schema
    for name in path.split("."):
        place = place["properties"][name]
        choices = [place, *place.get("anyOf", [])]
        reference = next((each["$ref"] for each in choices if "$ref" in each), None)
        if reference is not None:
            place = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return place


# defaults


@pytest.mark.parametrize("path", DEFAULTS)
def test_the_schema_shows_every_default_as_it_is_written(path: str):
    schema = json.loads(schema_text())
    assert in_schema(schema, path)["default"] == DEFAULTS[path]
    if path.startswith("working."):
        assert in_schema(schema, path.replace("working", "counter", 1))["default"] == DEFAULTS[path]


def test_the_schema_tells_what_no_single_default_says():
    """The metal on an electrode depends on what it is; an electrolyte's properties come from the library."""
    schema = json.loads(schema_text())
    assert schema["required"] == ["protocol"]
    assert '"250 um"' in in_schema(schema, "counter.metal_thickness")["description"]
    assert "1 mol/L" in in_schema(schema, "electrolyte.concentration")["description"]
    for table in ("cell", "electrolyte", "working", "working.kinetics", "cell.separator", "numerics", "protocol"):
        assert in_schema(schema, table)["additionalProperties"] is False


def test_a_case_that_writes_out_the_defaults_is_the_one_that_leaves_them_out():
    electrodes = {
        path.replace("working", "counter", 1): v for path, v in DEFAULTS.items() if path.startswith("working")
    }
    short = parse_case({"protocol": REST}).check()
    long = parse_case({**nested(DEFAULTS | electrodes), "protocol": REST}).check()
    for path, text in DEFAULTS.items():
        if path.startswith("impedance"):
            continue
        value = short.value_at(path)
        assert value == long.value_at(path)
        assert value == (to_si(text, unit_of(short, path)) if isinstance(value, float) else text)
    assert not any(path.startswith("working.kinetics") for path in mossy.case.facts.assumed(long))


def test_what_is_left_out_is_reported_as_assumed():
    given = {"cell": {"area": "2 cm^2"}, "working": {"kinetics": {"symmetry": 0.4}}, "protocol": REST}
    rows = {row["path"]: row for row in parameters_of(parse_case(given).check())}
    assert (rows["cell.area"]["value"], rows["cell.area"]["status"]) == ("2 cm^2", "given")
    assert (rows["working.kinetics.symmetry"]["value"], rows["working.kinetics.symmetry"]["status"]) == ("0.4", "given")
    assert rows["counter.kinetics.symmetry"]["status"] == "assumed"  # the counter electrode has its own defaults
    assert rows["counter.kinetics.symmetry"]["value"] == "0.5"
    assert (rows["working.metal_thickness"]["value"], rows["counter.metal_thickness"]["value"]) == ("0 nm", "250 um")
    assert rows["electrolyte.diffusivity"]["doi"].startswith("10.")


def test_a_custom_electrolyte_assumes_its_concentration_aloud():
    properties = {name: value for name, value in CONSTANT.items() if name != "concentration"}
    given = {"cell": {"electrolyte": "custom"}, "electrolyte": properties, "protocol": REST}
    rows = {row["path"]: row for row in parameters_of(parse_case(given).check())}
    assert rows["electrolyte.concentration"]["value"] == "1 mol/L"
    assert rows["electrolyte.concentration"]["status"] == "assumed"


def test_an_optional_value_keeps_its_unit():
    """Where a key may be left out the unit stands inside a union."""
    kinetics = {"law": "marcus_hush_chidsey", "reorganisation_energy": "0.2 eV"}
    given = {"working": {"metal_thickness": "20 um", "kinetics": kinetics}, "protocol": REST}
    made = parse_case({**given, "electrolyte": {"concentration": "1.2 mol/L"}})
    paths = ("electrolyte.concentration", "working.metal_thickness", "working.kinetics.reorganisation_energy")
    assert [unit_of(made, path) for path in paths] == ["mol/m^3", "m", "J/mol"]
    rows = {row["path"]: row["value"] for row in parameters_of(made)}
    # 0.2 eV per particle: 0.2 x 96485.33212 J/mol
    assert [rows[path] for path in paths] == ["1.2 mol/L", "20 um", "19.2971 kJ/mol"]


def test_a_correlation_outside_its_range_is_a_warning():
    cold = parse_case({"cell": {"temperature": "-20 degC"}, "protocol": REST}).check()
    assert any("temperature" in warning for warning in mossy.case.facts_of(cold)["warnings"])


def test_a_correlation_so_far_outside_that_it_makes_no_sense_is_an_error():
    """Landesfeind's conductivity of EC:EMC has a factor 1 + (T - 228 K), which turns negative below 227 K."""
    with pytest.raises(InputError, match=r"conductivity: it is -.* at 1 mol/L and 213.15 K"):
        parse_case({"cell": {"temperature": "-60 degC"}, "protocol": REST}).check()


# values by dotted path


def test_a_value_is_found_and_replaced_by_its_path():
    made = parse_case({"protocol": REST})
    path = "working.kinetics.exchange_current_density"
    changed = made.with_value(path, 30.0)
    assert (made.value_at(path), changed.value_at(path)) == (20.0, 30.0)
    assert changed.value_at("counter.kinetics.exchange_current_density") == 20.0
    assert isinstance(changed, Case)
    assert changed.protocol is made.protocol


def test_a_coefficient_is_found_and_replaced_by_its_place():
    polynomial = {"correlation": "polynomial", "coefficients": [0.4, -0.1], "reference_concentration": "1 mol/L"}
    made = parse_case({"electrolyte": {"transference_number": polynomial}, "protocol": REST})
    changed = made.with_value("electrolyte.transference_number.coefficients.1", 0.25)
    assert changed.value_at("electrolyte.transference_number.coefficients") == [0.4, 0.25]
    assert made.value_at("electrolyte.transference_number.coefficients.1") == -0.1


@pytest.mark.parametrize(
    "path",
    [
        "",
        "wrking",
        "working.kinetic",
        "working.kinetics.symetry",
        "working.kinetics.symmetry.0",
        "electrolyte.transference_number.coefficients.2",
        "electrolyte.transference_number.coefficients.-1",
        "electrolyte.transference_number.coefficients.\N{SUPERSCRIPT TWO}",
        "protocol.repeat",
    ],
)
def test_a_path_that_leads_nowhere_says_so(path: str):
    polynomial = {"correlation": "polynomial", "coefficients": [0.4, -0.1], "reference_concentration": "1 mol/L"}
    made = parse_case({"electrolyte": {"transference_number": polynomial}, "protocol": REST})
    for attempt in (made.value_at, lambda name: made.with_value(name, 1.0)):
        with pytest.raises(InputError) as error:
            attempt(path)
        assert error.value.key.startswith(path.rpartition(".")[0])
        assert error.value.remedy


def test_another_area_unrolls_the_protocol_again():
    """A step in mA is a density only once the area is known; what was unrolled for another area no longer holds."""
    made = parse_case({"protocol": {"steps": ["plate 1 mA for 1 h"]}})
    assert made.schedule.segments[0].value == pytest.approx(10.0, rel=1e-14)
    assert made.with_value("cell.area", 2e-4).schedule.segments[0].value == pytest.approx(5.0, rel=1e-14)
    assert made.with_value("cell.temperature", 300.0).schedule is made.schedule


# files


def test_files_are_looked_for_beside_the_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "current.csv").write_text("time / h, current density / mA/cm^2\n0, 1\n1, 1\n")
    (tmp_path / "conductivity.csv").write_text("500, 0.5\n1500, 1.5\n")
    text = '[electrolyte]\nconductivity = {{ table = "{}" }}\n[protocol]\nsteps = ["current from {}"]\n'
    (tmp_path / "case.toml").write_text(text.format("conductivity.csv", "current.csv"))
    made = load_case(tmp_path / "case.toml")
    assert made.schedule.segments[0].duration == 3600.0
    monkeypatch.setenv("MY_DATA", str(tmp_path))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "case.toml").write_text(text.format("$MY_DATA/conductivity.csv", "$MY_DATA/current.csv"))
    there = load_case(tmp_path / "deeper" / "case.toml")
    assert there.text.startswith("[electrolyte]")
    conductivity = there.build().electrolyte.conductivity
    assert float(conductivity(1000.0, 298.15)) == pytest.approx(1.0, rel=1e-14)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path):
    (tmp_path / "case.toml").write_bytes(b'\xef\xbb\xbf[protocol]\r\nsteps = ["rest for 1 s"]\r\n')
    assert load_case(tmp_path / "case.toml").schedule.cycles == 1


def test_a_profile_is_taken_at_its_time_from_a_file_of_many(tmp_path: Path):
    rows = [(time, x, 1.0 + time / 3600.0) for time in (0.0, 1800.0, 3600.0) for x in (0.0, 10.0, 20.0)]
    lines = ["test_time_second,position_um,concentration_mol_per_L", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "profiles.csv").write_text("\n".join(lines))
    data = {"kind": "profile", "file": "profiles.csv", "time": "30 min"}
    free = {"working.kinetics.symmetry": {"initial": 0.5, "bounds": [0.1, 0.9]}}
    given = {"protocol": {"steps": ["rest for 1 h"]}, "fit": {"data": [data], "parameters": free}}
    (target,) = targets_of(parse_case(given, folder=tmp_path))
    assert list(target.measured) == [1500.0] * 3
    data["time"] = "31 min"
    with pytest.raises(InputError, match="no profile at 1860 s; the nearest it holds is at 1800 s"):
        targets_of(parse_case(given, folder=tmp_path))


# the root package


def test_the_root_package_offers_the_public_names():
    for name in ("load_case", "run", "read", "Run", "Case", "Status", "InputError", "MossyError"):
        assert name in dir(mossy)
        assert getattr(mossy, name) is not None
    assert mossy.laws.charge_transfer.butler_volmer
    assert mossy.laws.charge_transfer.marcus_hush_chidsey
    assert mossy.laws.transport.sand_time
    assert mossy.laws.transport.limiting_current
    for name in mossy.__all__:
        assert getattr(mossy, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mossy.nonsense


def test_the_root_package_loads_nothing_until_asked():
    code = "import sys, mossy\nsys.exit(any(name in sys.modules for name in ('jax', 'polars', 'numpy', 'pydantic')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# runs


def test_a_run_never_raises_for_an_interrupt():
    """What had been computed when the interrupt came is all there, and only that."""
    seen: list[tuple[float, int, int]] = []

    def impatient(time: float, segment: int, segments: int) -> None:
        seen.append((time, segment, segments))
        if len(seen) == 2:
            raise KeyboardInterrupt

    made = case(
        ["plate 1 mA/cm^2 for 20 min", "strip 1 mA/cm^2 until 1 V"],
        repeat=500,
        cell={"working": "copper"},
        impedance={"at": ["start", "cycle 1 step 1", "cycle 500 step 2"], "frequencies": "1 kHz to 1 Hz, 5 per decade"},
    )
    run = mossy.run(made, impatient)
    assert run.status is Status.INTERRUPTED
    assert run.summary["status"] == "interrupted"
    assert run.summary["duration_s"] == pytest.approx(seen[-1][0], rel=1e-12)
    assert run.cycling["test_time_second"][-1] == pytest.approx(seen[-1][0], rel=1e-12)
    assert seen[-1][2] == 1000
    assert 1 < len(run.summary["cycles"]) < 500
    assert run.impedance["label"].unique(maintain_order=True).to_list() == ["start", "cycle 1 step 1"]


def test_a_run_that_moves_nothing_is_balanced():
    run = simulate(["rest for 1 min"])
    assert run.status is Status.DONE
    assert run.summary["cycles"][0]["coulombic_efficiency"] is None
    assert set(run.summary["balances"].values()) == {0.0}
    # two equal electrodes at rest
    assert np.abs(run.cycling["voltage_volt"].to_numpy()).max() == 0.0


@pytest.mark.parametrize("temperature", ["-20 degC", "298.15 K", "90 degC"])
def test_temperatures_in_either_unit(temperature: str):
    made = case(["rest for 1 s"], cell={"temperature": temperature})
    assert made.cell.temperature == to_si(temperature, "K")
