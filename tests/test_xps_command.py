"""`mossy xps` as a person runs it: samples grouped, phases and peaks told, a simulated film shown, mistakes named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from mossy.analysis.xps import Layer, Stack, simulate_spectra
from mossy.analysis.xps.from_interphase import coarser, read_interphase, sputtered, stack_of_interphase
from mossy.analysis.xps.simulate import line_areas
from mossy.cli import app
from mossy.errors import InputError

FILM = Stack((Layer({"LiF": 0.4, "Li2CO3": 0.6}),))
FIVE = "thickness_nm = 5\n"
LEVELS = ("C 1s", "O 1s", "F 1s", "Li 1s")


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit | InputError), result.exception
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def write(folder: Path, name: str, stack: Stack = FILM, seed: int = 1) -> None:
    """One csv a core level, as instruments' software exports them."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in simulate_spectra(stack, LEVELS, seed=seed):
        table = record.table.select("binding_energy_electronvolt", "intensity_counts")
        named = table.rename({"binding_energy_electronvolt": "Binding Energy (eV)", "intensity_counts": "Counts"})
        named.write_csv(folder / f"{name}_{str(record.metadata['region']).replace(' ', '')}.csv")


def test_files_named_by_core_level_are_one_sample_and_its_phases_are_told(tmp_path):
    write(tmp_path / "data", "first")
    write(tmp_path / "data", "second", Stack((Layer({"LiF": 0.8, "Li2CO3": 0.2}),)), seed=2)
    (tmp_path / "data" / "broken.csv").write_text("nothing here\n")
    words = ["--phases", "LiF, Li2CO3", "--excitation", "Al Ka", "--quick", "--quiet", "--counting-time", "equal"]
    code, said = run("xps", tmp_path / "data", "--out", tmp_path / "out", *words)
    assert code == 1  # one file was refused
    assert "broken.csv" in said
    rows = pl.read_parquet(tmp_path / "out" / "xps_phases.parquet")
    assert rows["sample"].unique(maintain_order=True).to_list() == ["first", "second"]
    for name, stack in (("first", FILM), ("second", Stack((Layer({"LiF": 0.8, "Li2CO3": 0.2}),)))):
        row = rows.filter((pl.col("sample") == name) & (pl.col("phase") == "LiF"))
        assert abs(row["mole_fraction"][0] - stack.mole_fractions["LiF"]) < 4.0 * row["standard_error"][0]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["refused"][0]["file"].endswith("broken.csv")
    assert any("mean free path" in note for note in summary["samples"][0]["phases"]["notes"])  # why there are no nm
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") >= 16  # four regions by phases and by peaks, two samples
    assert "http" not in page.replace("https://doi.org", "").replace("http://www.w3.org", "")


def test_a_simulated_film_alone_gives_spectra_and_a_depth_profile(tmp_path):
    layers = (
        "[[layers]]\nphases = { LiF = 1.0 }\nthickness_nm = 5\n[[layers]]\nphases = { Li2O = 1.0 }\nthickness_nm = 5\n"
    )
    (tmp_path / "film.toml").write_text(layers + "[[layers]]\nphases = { Li = 1.0 }\n")
    code, _ = run("xps", "--film", tmp_path / "film.toml", "--sputter", "0, 4, 6 nm", "--out", tmp_path / "out")
    assert code == 0
    written = sorted(path.name for path in (tmp_path / "out").glob("simulated_*.parquet"))
    assert "simulated_F_1s_0nm.parquet" in written
    peak = {}
    for depth in (0, 4, 6):
        table = pl.read_parquet(tmp_path / "out" / f"simulated_F_1s_{depth}nm.parquet")
        peak[depth] = table["intensity_counts"].max() - table["intensity_counts"].min()
    # one scale: 1 nm of fluoride shows (1 - exp(-1/L))/(1 - exp(-5/L)) of 5 nm, L = 2.38 nm (JTP); none when it is gone
    assert peak[4] / peak[0] == pytest.approx((1 - np.exp(-1 / 2.38)) / (1 - np.exp(-5 / 2.38)), rel=0.02)
    assert peak[6] < 1e-3 * peak[0]
    assert "Depth profile" in (tmp_path / "out" / "report.html").read_text()


def test_a_film_beside_measured_spectra_is_drawn_with_them(tmp_path):
    write(tmp_path, "cell")
    (tmp_path / "film.toml").write_text("[[layers]]\nphases = { LiF = 0.4, Li2CO3 = 0.6 }\n")
    words = ["--film", tmp_path / "film.toml", "--excitation", "Al Ka", "--quick", "--out", tmp_path / "out"]
    assert run("xps", tmp_path / "cell_C1s.csv", tmp_path / "cell_F1s.csv", *words)[0] == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "As the simulated film would show" in page
    assert "shifted by +0.00 eV" in page or "shifted by \u22120.00 eV" in page or "shifted by -0.00 eV" in page


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--reference", "Foo"], "no reference is called"),
        (["--components", "X 9s: foo 12"], "no sample has X 9s"),
        (["--components", "C 1s: a 284.8, b +foo"], "+foo"),
        (["--sputter", "0, 5 nm"], "--film"),
        (["--side", "counter"], "--film"),
        (["--phases", "LiF", "--layers", "LiF / Li"], "give one of them"),
    ],
)
def test_options_that_would_do_nothing_or_are_mistyped_are_refused(tmp_path, words, part):
    write(tmp_path, "cell")
    code, said = run("xps", tmp_path / "cell_F1s.csv", "--excitation", "Al Ka", "--out", tmp_path / "out", *words)
    assert code != 0
    assert part in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--phases", "LiFF"], "did you mean"),
        (["--phases", ","], "names no phase"),
        (["--background", "shirly"], "did you mean"),
        (["--components", "284.8"], "names no level"),
        (["--charge", "0.05 mAh/cm^2", "--electrons", "LiF=1"], "no charge with its error"),
        (["--charge", "0.05 +- 0.01 mAh/cm^2"], "electrons"),
        (["--capacitance", "5 uF/cm^2"], "--permittivity"),
        (["--capacitance", "5 uF/cm^2", "--path-error", "0.2"], "give one of them"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(tmp_path, words, part):
    write(tmp_path, "cell")
    code, said = run("xps", tmp_path / "cell_F1s.csv", "--out", tmp_path / "out", *words)
    assert code != 0
    assert part in said
    assert not (tmp_path / "out").exists()


def test_nothing_to_read_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("no spectrum")
    assert "no photoelectron spectrum was found" in run("xps", tmp_path / "notes.txt", "--out", tmp_path / "o")[1]


def interphase(**profile: list[float]) -> pl.DataFrame:
    """An interphase table with one profile; nmol/cm2 by slice."""
    names = {f"{phase}_nmol_per_cm2": values for phase, values in profile.items()}
    count = len(next(iter(names.values())))
    pieces = [
        {"depth_nm": float(k), "thickness_nm": 1.0, "porosity": 0.0, **{name: v[k] for name, v in names.items()}}
        for k in range(count)
    ]
    return pl.DataFrame({"test_time_second": [10.0], "working_depth_profile": [pieces]})


def test_a_run_s_film_becomes_layers_of_solid(tmp_path):
    # 10 nmol/cm2 of LiF (25.94 g/mol, 2.64 g/cm3) are 0.983 nm, by hand
    table = interphase(LiF=[10.0, 10.0, 0.0], Li2O=[0.0, 0.0, 10.0])
    table.write_parquet(tmp_path / "interphase.parquet")
    stack, notes = stack_of_interphase(read_interphase(tmp_path / "interphase.parquet"))
    assert notes == []
    assert [set(layer.fractions) for layer in stack.layers] == [{"LiF"}, {"Li2O"}, {"Li"}]
    assert stack.layers[0].thickness == pytest.approx(2 * 10e-9 * 25.94 / 2.64 * 1e7, rel=0.01)
    assert stack.mole_fractions["LiF"] == pytest.approx(2.0 / 3.0, rel=1e-9)


def test_a_film_of_phases_without_lines_is_refused_and_a_trace_of_them_is_said():
    with pytest.raises(InputError, match="no core lines"):
        stack_of_interphase(interphase(film=[1.0], LiF=[1.0]))
    _, notes = stack_of_interphase(interphase(film=[0.01], LiF=[1.0]))
    assert "left out" in notes[0]
    with pytest.raises(InputError, match="side"):
        stack_of_interphase(interphase(LiF=[1.0]), side="counter")


def test_sputtering_takes_from_the_outside_and_mixing_keeps_amounts():
    stack = Stack((Layer({"LiF": 1.0}, 2.0), Layer({"Li2O": 1.0}, 3.0), Layer({"Li": 1.0})))
    assert sputtered(stack, 0.0) == stack
    assert sputtered(stack, 9.0).layers == (Layer({"Li": 1.0}),)
    mixed = sputtered(stack, 1.0, mixing=2.0)
    held = {
        name: sum((la.thickness or 0.0) * la.fractions.get(name, 0.0) for la in mixed.layers)
        for name in ("LiF", "Li2O")
    }
    assert held == pytest.approx({"LiF": 1.0, "Li2O": 3.0})


def test_many_slices_joined_leave_the_intensities():
    grading = np.linspace(0.0, 1.0, 80)
    slices = [
        Layer({"LiF": 1.0 - g, "Li2O": g} if 0.0 < g < 1.0 else {"Li2O" if g else "LiF": 1.0}, 0.1) for g in grading
    ]
    fine = Stack((*slices, Layer({"Li": 1.0})))
    few = coarser(fine, 40)
    assert len(few.layers) == 40
    whole, joined = (
        {
            label: area
            for label, (_, _, area) in line_areas(stack, 1486.6, emission_angle=0.0, attenuation_scale=1.0).items()
        }
        for stack in (fine, few)
    )
    for label, area in whole.items():
        assert joined[label] == pytest.approx(area, rel=5e-3)  # pairs of slices of 0.1 nm, of a path of some 3 nm
