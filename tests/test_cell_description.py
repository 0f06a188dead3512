"""cell.toml: what it says reaches the record, what it does not say stays unknown, and mistakes are named."""

from __future__ import annotations

import tomllib

import pytest

from cycler_traces import plate_and_strip, trace
from mossy.analysis import cell_description
from mossy.analysis.cell_description import CellDescription
from mossy.errors import InputError

TEXT = """
kind = "substrate"
electrode_under_study = "working"
plating_current = "negative"
area = "2 cm^2"
metal = "lithium"
counter_metal = "51.5 mAh/cm^2"
dead_metal = "0.1 mAh"
[cells."cell_0[12]"]
area = "1 cm^2"
"""


def test_what_is_stated_reaches_the_record(tmp_path):
    (tmp_path / "cell.toml").write_text(TEXT)
    found, said = cell_description.of_file(tmp_path / "run.csv")
    record = found.applied(trace(plate_and_strip(1)))
    assert said == [tmp_path / "cell.toml"]
    assert record.metadata["roles"] == {"electrode_under_study": "working", "plating_current_sign": -1}
    assert record.metadata["cell_kind"] == "substrate"
    assert record.metadata["cell"]["dead_metal"] == pytest.approx(0.36)
    # -1 mA on 2 cm2 plates at 0.5 mA/cm2
    assert record.table["plating_current_density_mA_per_cm2"][0] == pytest.approx(0.5)


def test_single_files_differ_by_pattern_and_by_a_file_of_their_own(tmp_path):
    (tmp_path / "cell.toml").write_text(TEXT)
    (tmp_path / "cell_02.cell.toml").write_text('area = "3 cm^2"')
    areas = [
        cell_description.of_file(tmp_path / name)[0].area for name in ("cell_01.csv", "cell_02.csv", "cell_03.csv")
    ]
    assert areas == pytest.approx([1e-4, 3e-4, 2e-4])


def test_a_folder_above_describes_only_up_to_the_one_named(tmp_path):
    (tmp_path / "cell.toml").write_text(TEXT)
    inner = tmp_path / "inner"
    inner.mkdir()
    assert cell_description.of_file(inner / "a.csv")[0].kind is None
    assert cell_description.of_file(inner / "a.csv", top=tmp_path)[0].kind == "substrate"


def test_nothing_stated_is_nothing_known():
    record = CellDescription().applied(trace(plate_and_strip(1)))
    assert "roles" not in record.metadata
    assert "plating_current_density_mA_per_cm2" not in record.table.columns
    assert CellDescription().missing()[0].startswith("what the cell is (kind)")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('aera = "1 cm^2"', "aera", "did you mean 'area'"),
        ("area = 1.54", "area", "has no unit"),
        ('area = "1.54 cm"', "area", "wrong unit"),
        ('area = "0 cm^2"', "area", "more than"),
        ('kind = "symetric"', "kind", "did you mean 'symmetric'"),
        ('plating_current = "down"', "plating_current", "not a choice"),
        ("formation_cycles = 1.5", "formation_cycles", "whole number"),
        ('[cells."a*"]\nareas = "1 cm^2"', 'cells."a*"', "did you mean 'area'"),
        ("cells = 3", "cells", "holds no tables"),
        ("area = ", "", "not valid TOML"),
    ],
)
def test_a_mistake_names_file_key_and_remedy(tmp_path, text, key, words):
    file = tmp_path / "cell.toml"
    file.write_text(text)
    with pytest.raises(InputError) as refusal:
        cell_description.of_file(tmp_path / "run.csv")
    message = str(refusal.value)
    assert str(file) in message
    assert key in message
    assert words in message


def test_the_draft_states_nothing_by_itself_and_is_a_description_once_uncommented():
    draft = cell_description.describe([trace(plate_and_strip(1))])
    assert "first current of the file is negative" in draft
    assert CellDescription.model_validate(tomllib.loads(draft)) == CellDescription()
    keys = [line.removeprefix("# ") for line in draft.splitlines() if " = " in line or line.startswith("# [")]
    parsed = tomllib.loads("\n".join(keys))
    assert list(parsed.pop("cells")) == ["cell_07*"]
    assert set(CellDescription.model_fields) - {"name"} == set(parsed)
    assert CellDescription.model_validate(parsed).missing() == []
