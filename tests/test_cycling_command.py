"""`mossy cycling` and `mossy describe` as a person runs them: what is written, printed, refused and kept."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from cycler_traces import plate_and_strip, trace
from mossy import cycling_command
from mossy.cli import app
from mossy.cycling_command import Wanted, analyse
from mossy.errors import InputError

CELL = """
kind = "substrate"
electrode_under_study = "working"
plating_current = "negative"
area = "2 cm^2"
metal = "lithium"
"""


def write(path: Path, efficiency: float = 0.98, cycles: int = 6, seed: int = 1) -> None:
    """A csv of a Li||Cu test; the seed tells one cell's noise from another's."""
    record = trace(plate_and_strip(cycles, efficiency=efficiency), voltage_noise=1e-5, noise=1e-9, seed=seed)
    record.write(path)


def laboratory(folder: Path, cells: int = 3) -> Path:
    """A folder as people have them: cells, notes, a broken file, an empty one, another test's copy."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cell.toml").write_text(CELL)
    for number in range(cells):
        write(folder / f"cell_{number:02d}.csv", 0.95 + 0.01 * number, seed=number)
    (folder / "notes.md").write_text("# what we did")
    (folder / "empty.csv").write_text("")
    (folder / "broken.csv").write_text("Time,Potential\n1,two\n")
    (folder / "copy.csv").write_bytes((folder / "cell_00.csv").read_bytes())
    return folder


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit | InputError), result.exception
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_one_file_gives_a_summary_and_a_report(tmp_path):
    write(tmp_path / "cell.csv")
    (tmp_path / "cell.toml").write_text(CELL)
    code, said = run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")
    assert code == 0
    assert "efficiency 98.000" in said
    summary = json.loads((tmp_path / "out" / "cells" / "cell" / "summary.json").read_text())
    assert summary["coulombic_efficiency"] == pytest.approx([0.98] * 6, abs=1e-5)
    average = summary["average_coulombic_efficiency"]
    assert abs(average["value"] - 0.98) < 4.0 * average["standard_error"]
    assert average["method"]
    assert {"events", "plateau_mV", "warnings"} <= set(summary)
    assert summary["events"] == []
    page = (tmp_path / "out" / "cells" / "cell" / "report.html").read_text()
    assert page.count("<svg") >= 4
    assert "98.000" in page
    assert "http" not in page.replace("https://doi.org", "").replace("http://www.w3.org", "")


def test_a_folder_gives_tables_of_all_cells_and_lists_what_it_could_not_use(tmp_path):
    folder = laboratory(tmp_path / "data")
    code, said = run("cycling", folder, "--out", tmp_path / "out", "--quiet")
    assert code == 1  # two files were refused
    assert "empty.csv: is empty" in said
    assert "broken.csv" in said
    cells = pl.read_parquet(tmp_path / "out" / "cells.parquet")
    ok = cells.filter(pl.col("status") == "ok")
    assert ok["cell"].to_list() == ["cell_00", "cell_01", "cell_02", "copy"]
    assert ok["average_coulombic_efficiency"].to_list() == pytest.approx([0.95, 0.96, 0.97, 0.95], abs=1e-5)
    assert sorted(filter(None, ok["duplicate_of"])) in (["cell_00"], ["copy"])
    files = pl.read_parquet(tmp_path / "out" / "files.parquet")
    assert sorted(files.filter(pl.col("status") == "refused")["file"].str.split("/").list.last()) == [
        *("broken.csv", "empty.csv")
    ]
    with duckdb.connect(str(tmp_path / "out" / "mossy.duckdb"), read_only=True) as base:
        rows = base.execute("select cell, count(*) from cycles where complete group by cell order by cell").fetchall()
    assert rows == [("cell_00", 6), ("cell_01", 6), ("cell_02", 6), ("copy", 6)]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "notes.md" in page
    assert "cells/cell_00/report.html" in page
    assert (tmp_path / "out" / "cells" / "cell_00" / "report.html").exists()


def test_a_second_run_does_only_what_changed(tmp_path, monkeypatch):
    folder = laboratory(tmp_path / "data")
    run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    before = pl.read_parquet(tmp_path / "out" / "cells.parquet")
    worked: list[str] = []
    work = cycling_command.work
    monkeypatch.setattr(cycling_command, "work", lambda task: (worked.append(task.cell.name), work(task))[1])
    run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    assert worked == []
    assert pl.read_parquet(tmp_path / "out" / "cells.parquet").equals(before)
    write(folder / "cell_01.csv", 0.9, seed=9)
    run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    assert worked == ["cell_01"]
    after = pl.read_parquet(tmp_path / "out" / "cells.parquet")
    assert after.filter(pl.col("cell") == "cell_01")["average_coulombic_efficiency"][0] == pytest.approx(0.9, abs=1e-5)
    worked.clear()
    (folder / "cell.toml").write_text(CELL.replace("2 cm^2", "1 cm^2"))  # every cell has another area now
    run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    assert {"cell_00", "cell_01", "cell_02"} <= set(worked)
    assert set(pl.read_parquet(tmp_path / "out" / "cells.parquet")["area_cm2"].drop_nulls().round(9)) == {1.0}


def test_the_tables_hold_every_cell_whose_files_are_there_and_nothing_stale(tmp_path):
    out = tmp_path / "out"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"{name}.csv", seed=ord(name))
        (tmp_path / name / "cell.toml").write_text(CELL)
        run("cycling", tmp_path / name, "--out", out, "--quiet")
    assert pl.read_parquet(out / "cells.parquet")["cell"].to_list() == ["b", "a"]  # this run's first
    (tmp_path / "a" / "a.csv").unlink()
    run("cycling", tmp_path / "b", "--out", out, "--quiet")
    assert pl.read_parquet(out / "cells.parquet")["cell"].to_list() == ["b"]
    assert not (out / "cells" / "a").exists()
    with (tmp_path / "b" / "b.csv").open("a") as file:
        file.write("junk\n")
    code, said = run("cycling", tmp_path / "b", "--out", out, "--quiet")
    assert code == 1
    assert "b.csv" in said
    assert pl.read_parquet(out / "cells.parquet")["report"].to_list() == [None]
    assert not (out / "cells" / "b").exists()  # no old efficiency beside a refusal


def test_a_broken_database_is_made_anew(tmp_path):
    folder = laboratory(tmp_path / "data", cells=1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mossy.duckdb").write_text("no database")
    run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    with duckdb.connect(str(tmp_path / "out" / "mossy.duckdb"), read_only=True) as base:
        assert base.execute("select count(*) from cells where status = 'ok'").fetchall() == [(2,)]


def test_a_pattern_that_matches_no_file_is_said(tmp_path):
    folder = laboratory(tmp_path / "data", cells=1)
    (folder / "cell.toml").write_text(CELL + '[cells."cel_00"]\narea = "1 cm^2"\n')
    assert (
        '[cells."cel_00"] matches none of its 4 files'
        in run("cycling", folder, "--out", tmp_path / "out", "--reports", "none")[1]
    )


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('"negative"', '"positive"'), "contradict the voltage"),
        (('"working"', '"counter"'), "contradict the voltage"),
        (('"substrate"', '"full"'), "no full cell's"),
        (('"2 cm^2"', '"0.5 mm^2"'), "see whether the area"),
    ],
)
def test_a_statement_that_the_file_contradicts_is_said_and_not_computed_on(tmp_path, change, key):
    write(tmp_path / "cell.csv")
    (tmp_path / "cell.toml").write_text(CELL.replace(*change))
    _, said = run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")
    assert key in said
    summary = json.loads((tmp_path / "out" / "cells" / "cell" / "summary.json").read_text())
    assert summary["warnings"]
    assert (summary["average_coulombic_efficiency"] is None) == ("area" not in key)


def test_an_instrument_of_the_other_sign_is_recognised_and_read_once_stated(tmp_path):
    record = trace(plate_and_strip(6), voltage_noise=1e-5, noise=1e-9)
    turned = record.table.with_columns(-pl.col("current_ampere"))
    turned.write_csv(tmp_path / "cell.csv")
    stated = CELL.replace('"negative"', '"positive"')
    (tmp_path / "cell.toml").write_text(stated)
    assert "current_sign = 'reversed'" in run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")[1]
    (tmp_path / "cell.toml").write_text('current_sign = "reversed"\n' + stated)
    assert "efficiency 98.000" in run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")[1]


def test_titration_without_its_error_leaves_the_efficiency(tmp_path):
    write(tmp_path / "cell.csv")
    (tmp_path / "cell.toml").write_text(CELL + 'dead_metal = "0.05 mAh"\n')
    assert "efficiency 98.000" in run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")[1]


def test_results_beside_the_data_are_not_taken_for_data(tmp_path):
    folder = laboratory(tmp_path / "data")
    run("cycling", folder, "--out", folder / "results", "--quiet", "--reports", "none")
    run("cycling", folder, "--out", folder / "results", "--quiet", "--reports", "none")
    cells = pl.read_parquet(folder / "results" / "cells.parquet")
    assert "cells" not in cells["cell"].to_list()
    assert cells.height == 6


def test_many_cells_in_other_processes_give_what_one_process_gives(tmp_path, monkeypatch):
    folder = laboratory(tmp_path / "data", cells=14)
    analyse([folder], Wanted(reports="none"), tmp_path / "many", True)
    monkeypatch.setattr(cycling_command.os, "cpu_count", lambda: 1)
    analyse([folder], Wanted(reports="none"), tmp_path / "one", True)
    many, one = (pl.read_parquet(tmp_path / name / "cells.parquet") for name in ("many", "one"))
    assert many.drop("report").equals(one.drop("report"))
    assert many.filter(pl.col("status") == "ok").height == 15


def test_without_a_description_charges_stay_in_mah_and_what_is_missing_is_said(tmp_path):
    write(tmp_path / "cell.csv")
    code, said = run("cycling", tmp_path / "cell.csv", "--out", tmp_path / "out")
    assert code == 0
    assert "which current plates" in said
    summary = json.loads((tmp_path / "out" / "cells" / "cell" / "summary.json").read_text())
    assert summary["average_coulombic_efficiency"] is None
    assert summary["coulombic_efficiency"] == []
    assert any("(area)" in text for text in summary["missing"])
    assert "mAh/cm²" not in (tmp_path / "out" / "cells" / "cell" / "report.html").read_text()


def test_a_defect_in_one_cell_does_not_take_the_others_with_it(tmp_path, monkeypatch):
    folder = laboratory(tmp_path / "data")
    from mossy.analysis import cycling_study

    study = cycling_study.study

    def failing(name, *given, **how):
        if name == "cell_01":
            raise ZeroDivisionError("a bug")
        return study(name, *given, **how)

    monkeypatch.setattr(cycling_study, "study", failing)
    code, said = run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    assert code == 1
    assert "a defect of Mossy: ZeroDivisionError" in said
    cells = pl.read_parquet(tmp_path / "out" / "cells.parquet")
    assert cells.filter(pl.col("status") == "ok")["cell"].to_list() == ["cell_00", "cell_02", "copy"]


def test_a_stop_keeps_what_was_done(tmp_path, monkeypatch):
    folder = laboratory(tmp_path / "data")
    work, seen = cycling_command.work, []

    def stopping(task):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(task.cell.name)
        return work(task)

    monkeypatch.setattr(cycling_command, "work", stopping)
    assert analyse([folder], Wanted(reports="none"), tmp_path / "out", True) == 1
    cells = pl.read_parquet(tmp_path / "out" / "cells.parquet")
    assert cells["cell"].to_list() == seen
    monkeypatch.setattr(cycling_command, "work", work)
    analyse([folder], Wanted(reports="none"), tmp_path / "out", True)
    assert pl.read_parquet(tmp_path / "out" / "cells.parquet").height == 6


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        ([".", "--reports", "sometimes"], "--reports"),
        ([".", "--area", "3"], "has no unit"),
        ([".", "--columns", "time=1"], "not a column Mossy knows"),
    ],
)
def test_bad_input_is_a_message(tmp_path, monkeypatch, words, part):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    code, said = run("cycling", *words, "--out", tmp_path / "out")
    assert code != 0
    assert part in said


def test_a_mistake_in_the_description_is_named_and_refuses_the_cells_it_describes(tmp_path):
    folder = laboratory(tmp_path / "data")
    (folder / "cell.toml").write_text('kind = "substrat"')
    code, said = run("cycling", folder, "--out", tmp_path / "out", "--quiet", "--reports", "none")
    assert code == 1
    assert "did you mean 'substrate'" in said


def test_describe_prints_a_draft_that_the_command_takes(tmp_path):
    write(tmp_path / "a.csv")
    code, draft = run("describe", tmp_path / "a.csv")
    assert code == 0
    assert "first current of the file is negative" in draft
    (tmp_path / "cell.toml").write_text(draft)
    assert run("cycling", tmp_path / "a.csv", "--out", tmp_path / "out")[0] == 0
