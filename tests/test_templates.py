"""What `mossy new` prints is valid, and its headline numbers hold; so are the two cases on measured data."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import pytest

from mossy.case import load_case, parse_case, run
from mossy.case.fitting import fit
from mossy.commands import EXAMPLES, example
from mossy.laws.constants import FARADAY
from mossy.materials import electrolyte

EXAMPLE_FOLDER = Path(__file__).resolve().parents[1] / "examples"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_template_is_a_valid_case(name: str, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(example(name), encoding="utf-8")
    assert load_case(file).title


def test_lithium_on_copper_loses_what_is_isolated_and_what_the_film_takes() -> None:
    data = tomllib.loads(example("lithium-copper"))
    data["protocol"]["repeat"] = 2
    data["impedance"]["at"] = ["cycle 2 step 2"]
    result = run(parse_case(data))
    second = result.summary["cycles"][1]
    film = result.cycling.filter(result.cycling["cycle_count"] == 2)["working_film_charge_mAh_per_cm2"]
    lost = 0.02 + (film[-1] - film[0])
    # the film is paid by plating current while there is metal, by corrosion at rest: 1e-4 bounds both, and 1 V on 10 uF
    assert second["coulombic_efficiency"] == pytest.approx(1.0 - lost, abs=1e-4)
    assert second["end"] == "time"
    arcs = result.impedance["real_impedance_ohm_cm2"]
    resistance = result.summary["interphase"]["working"]["resistance_ohm_cm2"]
    assert arcs.max() - arcs.min() > resistance  # the film's arc is within the spectrum


def test_symmetric_template_depletes_above_the_limiting_current() -> None:
    data = tomllib.loads(example("lithium-symmetric"))
    result = run(parse_case(data))
    summary = result.summary
    assert summary["limiting_current_mA_per_cm2"] < 30.0
    assert summary["events"][-1]["kind"] == "depletion"
    assert summary["events"][-1]["electrode"] == "working"
    assert max(summary["balances"].values()) < 1e-8


@pytest.mark.slow
def test_peo_profiles_are_met_as_well_as_by_their_source(mossy_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOSSY_DATA", str(mossy_data))
    report = fit(load_case(EXAMPLE_FOLDER / "peo_litfsi.toml")).report
    points = sum(entry["points"] for entry in report["data"])
    square = sum(entry["points"] * entry["rms"] ** 2 for entry in report["data"]) / points
    assert math.sqrt(square) / 1870.0 <= 0.0256  # the source's own fit, relative to the mean concentration
    names = [f"electrolyte.transference_number.coefficients.{index}" for index in (0, 1)]
    constant, slope = (report["parameters"][name]["value"] for name in names)
    assert constant == pytest.approx(-0.0376, abs=0.1)
    assert -2.0 < slope < -0.2


def test_a_narrow_sweep_and_its_voltage_determine_the_sum(mossy_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOSSY_DATA", str(mossy_data))
    report = fit(load_case(EXAMPLE_FOLDER / "lili_tegdme.toml")).report
    json.dumps(report, allow_nan=False)
    # 0.127 V at 0.4 mA, and Re(Z) = 266 ohm at 0.8 Hz, bound the sum of the resistances
    assert 266.0 < report["derived"]["sum_ohm_cm2"]["value"] < 330.0
    assert report["data"][0]["rms_over_mean"] < 0.06
    assert any("correlated" in note for note in report["notes"])


@pytest.mark.parametrize(
    ("name", "valence", "isolated"), [("potassium", 1, 0.03), ("magnesium", 2, 0.0), ("calcium", 2, 0.02)]
)
def test_metals_beyond_lithium_and_sodium(name: str, valence: int, isolated: float) -> None:
    """Efficiency is what isolation and the film leave; the limiting current is 2 z nu+ F D c0/((1 - t+) L)."""
    data = tomllib.loads(example(f"{name}-copper"))
    data["protocol"]["repeat"] = 2
    data["impedance"]["at"] = ["cycle 2 step 2"]
    case = parse_case(data)
    result = run(case)
    first, second = result.summary["cycles"]
    film = second["film_mAh_per_cm2"] - first["film_mAh_per_cm2"]
    # what is isolated is a share of the metal there was, that is of what the film left of 0.5 mAh/cm2
    assert second["coulombic_efficiency"] == pytest.approx((1.0 - isolated) * (1.0 - film / 0.5), abs=1e-3)
    assert all(abs(value) < 1e-8 for value in result.summary["balances"].values())
    assert result.summary["unverified"], "nobody measured these electrolytes as a whole"
    library = electrolyte(data["cell"]["electrolyte"])
    concentration = float(library.concentration)
    diffusivity, transference = (
        float(library.properties[key].coefficients[0]) for key in ("diffusivity", "transference_number")
    )
    separator = case.cell.separator
    flux = diffusivity * separator.porosity**separator.bruggeman * concentration / separator.thickness
    limit = 2.0 * valence * FARADAY * flux / (1.0 - transference)
    assert result.summary["limiting_current_mA_per_cm2"] == pytest.approx(limit / 10.0, rel=1e-9)
