"""Maps and rankings against what closed forms say of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import PROJECT
from mossy.case import load_case, parse_case
from mossy.case.study import ranking_of
from mossy.errors import InputError
from mossy.study_commands import map_case, rank_case


def shrunk(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """An example with some of its text replaced, so that it is quick."""
    text = (PROJECT / "examples" / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder / "case.toml"


def test_the_map_of_depletion_lies_on_sand_s_time(tmp_path: Path):
    """Three times above the limiting current the far electrode is not felt; below it nothing runs out."""
    case = shrunk("sand_map.toml", tmp_path, ("count = 20", "count = 6"), ("count = 15", "count = 4"))
    assert map_case(case, tmp_path / "out", True) == 0
    table = pl.read_parquet(tmp_path / "out" / "map.parquet")
    assert table.height == 24
    ratio = table["plating_current_mA_per_cm2"] / table["limiting_current_mA_per_cm2"]
    fast, slow = table.filter(ratio > 3.0), table.filter(ratio < 1.0)
    assert fast.height > 4
    assert slow.height > 2
    # 50 nodes and a tolerance of 1e-4
    np.testing.assert_allclose(fast["depletion_time"].to_numpy(), fast["sand_time_s"].to_numpy(), rtol=5e-3)
    assert slow["depletion_time"].is_nan().all()
    assert (tmp_path / "out" / "map_depletion_time.png").stat().st_size > 20_000


def test_efficiency_is_ranked_by_what_isolates_metal(tmp_path: Path):
    """The isolated fraction explains the efficiency; the exchange current, over two decades, the polarisation."""
    case = shrunk("efficiency_map.toml", tmp_path, ("repeat = 3", "repeat = 1"), ("samples = 64", "samples = 16"))
    assert rank_case(case, tmp_path / "out", True) == 0
    table = pl.read_parquet(tmp_path / "out" / "sensitivity.parquet")
    first = table.group_by("quantity", maintain_order=True).first()
    ranked = dict(zip(first["quantity"], first["parameter"], strict=True))
    assert ranked["average_coulombic_efficiency"] == "working.dead_metal.isolated_fraction"
    assert ranked["polarisation"] == "working.kinetics.exchange_current_density"
    assert first["total"].min() > 0.5


def test_studies_say_what_they_lack(tmp_path: Path):
    with pytest.raises(InputError, match=r"no \[map\] table"):
        map_case(PROJECT / "examples" / "fec_knee.toml", tmp_path, True)
    with pytest.raises(InputError, match=r"no \[sensitivity\] table"):
        rank_case(PROJECT / "examples" / "sand_map.toml", tmp_path, True)
    bad = shrunk("sand_map.toml", tmp_path, ('lowest = "3 mA/cm^2"', 'lowest = "30 mA/cm^2"'))
    with pytest.raises(InputError, match="not below"):
        map_case(bad, tmp_path / "out", True)
    assert load_case(bad).map is not None


def test_one_parameter_is_ranked_and_idle_tables_are_refused(tmp_path: Path):
    """The simplest use: SciPy's own shapes collapse there."""
    text = (PROJECT / "examples" / "efficiency_map.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    table.pop("map")
    path = "working.dead_metal.isolated_fraction"
    table["sensitivity"] = {"parameters": {path: [0.01, 0.1]}, "samples": 32}
    row = ranking_of(parse_case(table)).table.row(0, named=True)
    assert row["total"] == pytest.approx(1.0, abs=0.4)
    for key, value, said in (
        ("quantities", [], "at least 1"),
        ("logarithmic", ["cell.temperature"], "no parameter"),
        ("parameters", {}, "no parameter"),
    ):
        with pytest.raises(InputError, match=said):
            ranking_of(parse_case(table | {"sensitivity": table["sensitivity"] | {key: value}}))
