"""What [interphase], [dead_metal] and [electrolyte.additives] refuse, and how they say it."""

from __future__ import annotations

import pytest

from mossy.case import Case, parameters_of, parse_case
from mossy.case.facts import unit_of
from mossy.errors import InputError

FEC = {"volume": "5 uL", "additives": {"FEC": {"concentration": "1 mol/L"}}}


def case(interphase=None, dead_metal=None, electrolyte=None) -> Case:
    return parse_case(
        {
            "cell": {"model": "point"},
            "electrolyte": electrolyte or {},
            "working": {"interphase": interphase or {}, "dead_metal": dead_metal or {}},
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
