"""What [interphase], [dead_metal] and [electrolyte.additives] refuse, and how they say it."""

from __future__ import annotations

import pytest

from mossy.case import Case, parameters_of, parse_case, run
from mossy.case.facts import unit_of, warnings_of
from mossy.errors import InputError

FEC = {"volume": "5 uL", "additives": {"FEC": {"concentration": "1 mol/L"}}}


EC = {"law": "solvent_diffusion", "reduction": "EC to LEDC"}
OWN = {"law": "solvent_diffusion", "reactants": {"EC": 2}, "products": {"LEDC": 1}, "released": {"C2H4": 1}}


def case(interphase=None, dead_metal=None, electrolyte=None, working=None, cell=None) -> Case:
    return parse_case(
        {
            "cell": {"model": "point"} | (cell or {}),
            "electrolyte": electrolyte or {},
            "working": {"interphase": interphase or {}, "dead_metal": dead_metal or {}} | (working or {}),
            "protocol": {"steps": ["rest for 1 h"]},
        }
    ).check()


@pytest.mark.parametrize(
    ("tables", "key", "problem", "remedy"),
    [
        ({"interphase": {"growth": "solvent_difusion"}}, "growth", "solvent_difusion", "solvent_diffusion"),
        (
            {"interphase": {"growth": ["solvent_diffusion", "tunnelling"]}},
            "growth",
            "tunnelling",
            "electron_tunnelling",
        ),
        ({"interphase": {"growth": ["none"]}}, "growth", "none", ""),
        (
            {"interphase": {"growth": [{"law": "electron_tunnelling"}]}},
            "working.interphase.growth[0].side_exchange_current_density",
            "no default",
            "add it",
        ),
        (
            {"interphase": {"growth": ["solvent_diffusion", "electron_migration"]}},
            "working.interphase.growth[1].electron_conductivity",
            "no default",
            "add it",
        ),
        ({"interphase": {"growth": [{"law": "solvent_diffusion", "beta": 1}]}}, "growth", "beta", ""),
        ({"interphase": {"dissolution": {"velocity": "-1e-15 m/s"}}}, "dissolution.velocity", "-1e-15", ""),
        (
            {"interphase": {"growth": [{"law": "solvent_diffusion", "consumes": "FEC"}]}},
            "growth[0].consumes",
            "FEC",
            "[electrolyte.additives.FEC]",
        ),
        (
            {"interphase": {"growth": [{"law": "solvent_diffusion", "consumes": "VC"}]}, "electrolyte": FEC},
            "growth[0].consumes",
            "VC",
            "FEC",
        ),
        ({"electrolyte": {"additives": FEC["additives"]}}, "electrolyte.volume", "volume", "uL"),
        ({"electrolyte": FEC | {"additives": {"FEC": {}}}}, "electrolyte.additives.FEC.concentration", "missing", ""),
        ({"dead_metal": {"additive": "FEC"}}, "working.dead_metal.additive", "FEC", "[electrolyte.additives.FEC]"),
        ({"dead_metal": {"reconnection_rate": "-1 1/s"}}, "dead_metal.reconnection_rate", "-1", ""),
        ({"interphase": {"growth": [EC | {"reduction": "EC to LEDK"}]}}, "growth[0].reduction", "LEDK", "EC to LEDC"),
        ({"interphase": {"growth": [EC | {"reactants": {"EC": 1}}]}}, "growth", "both", "keep one"),
        ({"interphase": {"growth": [OWN | {"products": None}]}}, "growth", "needs products", "LEDC"),
        (
            {"interphase": {"growth": [OWN | {"products": {"Li2CO3": 1, "LiF": 1}}]}},
            "working.interphase.growth[0]",
            "with F, which nothing supplies",
            "reactant",
        ),
        ({"interphase": {"growth": [OWN | {"released": {}}]}}, "growth[0]", "does not balance", "mend"),
        ({"interphase": {"growth": [OWN | {"products": {"LiX": 1}}]}}, "growth[0]", "no phase is called", "formula"),
        ({"interphase": {"growth": [EC | {"layer": "outer"}]}}, "growth[0].layer", "no outer layer", "layers.outer"),
        ({"interphase": {"phases": {"LiF": {}}}}, "working.interphase.phases.LiF", "nothing makes LiF", "thickness"),
        (
            {"interphase": {"phases": {"Na2O": {"initial_thickness": "1 nm"}}}},
            "working.interphase.phases",
            "a phase of sodium",
            "Li2O",
        ),
        (
            {"interphase": {"phases": {"Li2": {"initial_thickness": "1 nm"}}}},
            "working.interphase.phases",
            "no phase is called 'Li2'",
            "molar_volume",
        ),
        ({"interphase": {"mixing": "brugman"}}, "working.interphase.mixing", "brugman", "bruggeman"),
        ({"interphase": {"dissolution": {"solubility": "1 mmol/L"}}}, "dissolution.solubility", "volume", "uL"),
        (
            {"interphase": {"dissolution": {"halide": "Cl", "corrosion_rate_constant": "1e-6 m^3/mol/s"}}},
            "dissolution.halide",
            "Cl",
            "additives.Cl",
        ),
        ({"interphase": {"dissolution": {"halide": "Cl"}}}, "dissolution", "corrosion_rate_constant", "leave"),
        (
            {"interphase": {"artificial": True, "initial_thickness": "0 nm"}},
            "initial_thickness",
            "no thickness",
            "give",
        ),
        (
            {"interphase": {"artificial": True, "growth": "solvent_diffusion"}},
            "interphase",
            "does not grow",
            "fracture",
        ),
        ({"interphase": {"growth": ["none"]}}, "growth", "stands alone", "none"),
        (
            {"interphase": {"growth": {"law": "solvent_diffusion", "electron_conductivity": "1e-9 S/m"}}},
            "growth[0]",
            "does not use it",
            "solvent_diffusivity",
        ),
        ({"interphase": {"growth": {"law": "solvent_diffusion", "order": 0}}}, "order", "no additive", "consumes"),
        ({"working": {"kinetics": {"second_step_ratio": 10}}}, "kinetics", "does not use it", "two_step"),
        ({"dead_metal": {"root_radius": "1 um"}}, "dead_metal", "surface diffusion", "root_radius"),
        (
            {"interphase": {"phases": {"LiF": {"formula": "Li2O", "initial_thickness": "1 nm"}}}},
            "LiF",
            "not Li2O",
            "leave",
        ),
        ({"interphase": {"dissolution": {"corrosion_rate_constant": "-1 m^3/mol/s"}}}, "dissolution", "-1", ""),
        (
            {"interphase": {"native": {"reduction": "O2 to rust", "dose": "1 umol/m^2"}}},
            "working.interphase.native.reduction",
            "rust",
            "mossy materials lithium",
        ),
        ({"interphase": {"native": {"reduction": "O2 to oxide"}}}, "native.dose", "missing", "add it"),
        ({"interphase": {"layers": {"outer": {"porosity": 1.5}}}}, "layers.outer.porosity", "1.5", "at most"),
        ({"working": {"kinetics": {"law": "two_step"}}}, "working.kinetics.law", "ratio", "second_step_ratio"),
        (
            {"working": {"kinetics": {"law": "two_step", "second_step_ratio": 10}}},
            "working.kinetics.law",
            "two charges",
            "butler_volmer",
        ),
        ({"working": {"roughness": {"largest": 1}}}, "working.roughness.largest", "too small", "more than 1"),
        ({"working": {"adlayer": {"additive": "Cl"}}}, "working.adlayer.additive", "Cl", "additives.Cl"),
        ({"working": {"galvanic": {"area": 0}}}, "working.galvanic.area", "too small", ""),
        (
            {"working": {"galvanic": {"interphase": {"growth": ["electron_migration"]}}}},
            "working.galvanic.interphase.growth[0]",
            "no default",
            "add it",
        ),
        ({"cell": {"working": "natrium"}}, "cell.working", "natrium", "sodium"),
    ],
)
def test_bad_input_says_where_and_what_to_do(tables, key, problem, remedy):
    with pytest.raises(InputError) as found:
        case(**tables)
    assert key in found.value.key
    assert problem in str(found.value)
    assert remedy in str(found.value)


def test_a_law_of_a_list_takes_its_own_values_and_the_interphase_s():
    film = {
        "growth": ["solvent_diffusion", {"law": "solvent_diffusion", "solvent_diffusivity": "1e-21 m^2/s"}],
        "solvent_diffusivity": "3e-22 m^2/s",
    }
    built = case(interphase=film).build()
    values = [float(channel.parameters["solvent_diffusivity"]) for channel in built.working.film.channels]
    assert values == [3e-22, 1e-21]


def test_numbers_inside_lists_and_named_tables_have_a_dotted_path():
    film = {"growth": [{"law": "solvent_diffusion", "solvent_diffusivity": "1e-21 m^2/s", "consumes": "FEC"}]}
    given = case(interphase=film, electrolyte=FEC)
    path = "working.interphase.growth.0.solvent_diffusivity"
    assert given.value_at(path) == 1e-21
    assert given.with_value(path, 2e-21).value_at(path) == 2e-21
    assert given.value_at(path) == 1e-21
    inside = "electrolyte.additives.FEC.concentration"
    assert given.with_value(inside, 5.0).value_at(inside) == 5.0
    assert float(given.with_value(inside, 5.0).build().additives[0]) == pytest.approx(5.0 * 5e-9 / 1e-4)
    with pytest.raises(InputError, match="growth"):
        given.value_at("working.interphase.growth.3.solvent_diffusivity")


def test_the_report_lists_the_values_inside_lists_and_named_tables():
    law = {"law": "solvent_diffusion", "solvent_diffusivity": "1e-21 m^2/s", "consumes": "FEC"}
    given = case(interphase={"growth": [law, "solvent_diffusion"]}, electrolyte=FEC)
    rows = {row["path"]: (row["value"], row["status"]) for row in parameters_of(given)}
    assert rows["working.interphase.growth.0.solvent_diffusivity"] == ("1e-21 m^2/s", "given")
    assert rows["working.interphase.growth.0.order"] == ("1", "assumed")
    assert rows["electrolyte.additives.FEC.concentration"] == ("1 mol/L", "given")
    assert rows["electrolyte.volume"] == ("5 uL", "given")
    assert rows["working.interphase.growth.1"] == ("solvent_diffusion", "given")
    assert "working.interphase.growth" not in rows
    assert unit_of(given, "working.interphase.growth.0.solvent_diffusivity") == "m^2/s"


def test_a_phase_of_one_s_own_needs_its_formula_and_volume():
    film = {
        "growth": [OWN | {"products": {"polymer": 1}, "released": {"C2H4": 1}}],
        "phases": {"polymer": {"formula": "C4H4O6Li2", "molar_volume": "100 cm^3/mol", "conductivity": "1e-8 S/m"}},
    }
    built = case(interphase=film).build().working.film
    assert [each.label for each in built.constituents] == ["film", "polymer"]
    assert float(built.molar_volume[1]) == pytest.approx(1e-4)
    assert float(built.channels[0].yields[1]) == pytest.approx(1e-4 / (2 * 96485.33212))


def test_the_report_names_phases_and_reactions_with_their_sources():
    film = {"growth": [EC], "native": {"reduction": "O2 to oxide", "dose": "10 umol/m^2"}}
    given = case(interphase=film)
    rows = {row["path"]: row for row in parameters_of(given)}
    made = rows["working.interphase.growth.0.reduction"]
    assert made["value"] == "2 EC + 2 Li -> LEDC + C2H4"
    assert made["source"]
    assert rows["working.interphase.phases.Li2O.molar_volume"]["value"].startswith("14.8")
    assert rows["working.interphase.phases.Li2O.molar_volume"]["status"] == "verified"
    (warning,) = warnings_of(given)
    assert "Li2O cannot cover lithium" in warning
    assert "0.57" in warning
    outside = case(interphase=film | {"layers": {"outer": {}}})
    assert warnings_of(outside) == []


def test_reactants_that_are_additives_limit_the_law():
    law = {"law": "solvent_diffusion", "reduction": "FEC to fluoride and carbonate"}
    channel = case(interphase={"growth": [law]}, electrolyte=FEC).build().working.film.channels[0]
    assert channel.consumes == 0
    assert float(channel.consumption[0]) * 96485.33212 == pytest.approx(1 / 3)


@pytest.mark.parametrize("reduction", ["DME to methoxide", "O2 to oxide", "FEC to carbonate"])
def test_what_nothing_supplies_is_refused(reduction: str):
    """An electrolyte of the library holds its salt and solvents; anything else is an additive with a concentration."""
    table = {
        "cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7", "model": "point"},
        "working": {"interphase": {"growth": [{"law": "solvent_diffusion", "reduction": reduction}]}},
        "protocol": {"steps": ["rest for 1 h"]},
    }
    with pytest.raises(InputError) as refusal:
        parse_case(table).build()
    name = reduction.split()[0]
    assert refusal.value.key == "working.interphase.growth[0].reduction"
    assert f"nothing supplies {name}" in refusal.value.problem
    assert "LiPF6, EC, EMC" in str(refusal.value)
    table["electrolyte"] = {"volume": "40 uL", "additives": {name: {"concentration": "10 mmol/L"}}}
    parse_case(table).build()


def test_a_law_of_diffusion_counts_molecules_and_their_own_concentration():
    """Fick's flux of an additive: n F D c/L, with the electrons of its reaction and the concentration it has."""
    table = {
        "cell": {"working": "lithium", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7", "model": "point"},
        "electrolyte": {"volume": "40 uL", "additives": {"FEC": {"concentration": "20 mmol/L"}}},
        "working": {
            "interphase": {
                "growth": {"law": "solvent_diffusion", "reduction": "FEC to fluoride and carbonate", "order": 0},
                "solvent_diffusivity": "1e-18 m^2/s",
                "initial_thickness": "100 nm",
            }
        },
        "protocol": {"steps": ["rest for 1 s"]},
    }
    found = run(parse_case(table))
    charge = found.cycling["working_film_charge_mAh_per_cm2"][-1] * 36000.0
    assert charge == pytest.approx(3 * 96485.33212 * 1e-18 * 20.0 / 100e-9, rel=1e-4)
