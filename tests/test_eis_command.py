"""`mossy eis` as a person uses it: good folders, bad files, and what it says of both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy import cli
from mossy.analysis.circuits import Circuit

TRUE = {"R0": 10.0, "R1": 120.0, "Q1.Q": 2e-6, "Q1.alpha": 0.9}
FREQUENCY = np.geomspace(1e5, 0.1, 37)


def spectrum_text(scale: float = 1.0, head: str = "freq/Hz,Re(Z)/ohm,Im(Z)/ohm", imaginary: float = 1.0) -> str:
    """A csv file of the true circuit with 0.2 % noise, its film's resistance scaled."""
    random = np.random.default_rng(int(1000 * scale))
    z = Circuit("R0-p(R1,Q1)").impedance(FREQUENCY, TRUE | {"R1": 120.0 * scale})
    z = z + 0.002 * np.abs(z) * (random.standard_normal(37) + 1j * random.standard_normal(37))
    rows = zip(FREQUENCY, z.real, imaginary * z.imag, strict=True)
    return head + "\n" + "\n".join(f"{f:.9g},{re:.9g},{im:.9g}" for f, re, im in rows) + "\n"


def run(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        cli.app(list(arguments))
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven spectra at temperatures in their names, a broken one, and one that is no measurement."""
    path = tmp_path_factory.mktemp("cell")
    for number in range(7):
        warmer = 1.0 / (8.617333262e-5 * (283.15 + 10 * number)) - 1.0 / (8.617333262e-5 * 283.15)
        text = spectrum_text((283.15 + 10 * number) / 283.15 * float(np.exp(0.5 * warmer)))
        (path / f"cell_{10 + 10 * number}degC.csv").write_text(text, encoding="utf-8")
    (path / "cell_broken.csv").write_text("freq/Hz,Re(Z)/ohm,Im(Z)/ohm\n100,1\n", encoding="utf-8")
    (path / "notes.md").write_text("# not a measurement\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """(exit code, folder of results) of the seven with area and symmetry stated, their circuit named."""
    out = tmp_path_factory.mktemp("out")
    stated = ["--area", "2 cm^2", "--symmetry", "identical electrodes", "--permittivity", "10", "--quiet"]
    return run("eis", str(folder), "--out", str(out), "--circuit", "R0-p(R1,Q1)", *stated), out


def test_a_folder_is_fitted_and_its_bad_file_listed(results: tuple[int, Path]):
    code, out = results
    assert code == 1  # a file could not be used
    table = pl.read_parquet(out / "impedance_fit.parquet")
    assert table.height == 7
    assert (table["status"] == "done").all()
    assert table["temperature_kelvin"].to_list() == [283.15 + 10 * k for k in range(7)]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    files = {Path(each["file"]).name: each for each in summary["files"]}
    assert files["cell_broken.csv"]["problem"]
    assert not files["cell_broken.csv"]["skipped"]
    assert files["notes.md"]["skipped"]


def test_the_activation_energy_lies_within_its_error(results: tuple[int, Path]):
    summary = json.loads((results[1] / "summary.json").read_text(encoding="utf-8"))
    energy = summary["series"][0]["activation_energies_eV"]["R1"]
    assert abs(energy["value"] - 0.5) < 4.0 * energy["standard_error"] < 0.01
    assert any("files' names" in note for note in summary["series"][0]["notes"])


def test_derived_quantities_follow_from_what_was_stated(results: tuple[int, Path]):
    """Two identical electrodes in series: an arc is twice one electrode's, its capacitance half; R0 is the cell's."""
    table = pl.read_parquet(results[1] / "impedance_fit.parquet")
    area = 2.0  # cm2
    assert table["R1_per_electrode_ohm_cm2"].to_numpy() == pytest.approx(table["R1"].to_numpy() / 2 * area, rel=1e-9)
    assert table["R0_ohm_cm2"].to_numpy() == pytest.approx(table["R0"].to_numpy() * area, rel=1e-9)
    capacity = 2.0 * table["Q1.Q"] ** (1 / table["Q1.alpha"]) * table["R1"] ** (1 / table["Q1.alpha"] - 1)
    assert table["Q1_through_film_capacitance_farad"].to_numpy() == pytest.approx(capacity.to_numpy(), rel=1e-9)
    thickness = 8.8541878128e-12 * 10.0 * 2e-4 / capacity.to_numpy()
    assert table["Q1_film_thickness_metre"].to_numpy() == pytest.approx(thickness, rel=1e-6)
    assert (table["Q1_film_thickness_metre_standard_error"] > 0.0).all()


@pytest.mark.parametrize("circuit", ["R0-sym(p(R1,C1))", "R0-p(R1,C1)"])
def test_an_electrode_is_the_same_however_the_circuit_is_written(circuit: str, tmp_path: Path):
    """Per electrode 50 ohm cm2 and 10 nm of permittivity 10 on 2 cm2, the electrolyte 7 ohm cm2."""
    capacity = 8.8541878128e-12 * 10.0 / 10e-9 * 2e-4
    truth = {"R0": 3.5, "R1": 25.0, "C1": capacity}
    z = Circuit("R0-sym(p(R1,C1))").impedance(FREQUENCY, truth)
    rows = "\n".join(f"{f:.9g},{re:.9g},{im:.9g}" for f, re, im in zip(FREQUENCY, z.real, z.imag, strict=True))
    (tmp_path / "cell.csv").write_text(f"freq/Hz,Re(Z)/ohm,Im(Z)/ohm\n{rows}\n", encoding="utf-8")
    stated = ["--area", "2 cm^2", "--permittivity", "10", "--symmetry", "identical electrodes", "--quiet"]
    out = str(tmp_path / "out")
    assert run("eis", str(tmp_path / "cell.csv"), "--out", out, "--circuit", circuit, *stated) == 0
    table = pl.read_parquet(tmp_path / "out" / "impedance_fit.parquet")
    assert table["R1_per_electrode_ohm_cm2"][0] == pytest.approx(50.0, rel=1e-6)
    assert table["C1_film_thickness_metre"][0] == pytest.approx(10e-9, rel=1e-6)
    assert table["R0_ohm_cm2"][0] == pytest.approx(7.0, rel=1e-6)


def test_cells_of_one_sweep_programme_get_circuits_of_their_own(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    (one / "cell.csv").write_text(spectrum_text(), encoding="utf-8")
    values = TRUE | {"R2": 60.0, "Q2.Q": 1e-3, "Q2.alpha": 0.85}
    random = np.random.default_rng(3)
    z = Circuit("R0-p(R1,Q1)-p(R2,Q2)").impedance(FREQUENCY, values)
    z = z + 0.002 * np.abs(z) * (random.standard_normal(37) + 1j * random.standard_normal(37))
    rows = "\n".join(f"{f:.9g},{re:.9g},{im:.9g}" for f, re, im in zip(FREQUENCY, z.real, z.imag, strict=True))
    (two / "cell.csv").write_text(f"freq/Hz,Re(Z)/ohm,Im(Z)/ohm\n{rows}\n", encoding="utf-8")
    run("eis", str(one), str(two), "--out", str(tmp_path / "out"), "--quiet")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert [each["circuit"] for each in summary["series"]] == ["R0-p(R1,Q1)", "R0-p(R1,Q1)-p(R2,Q2)"]


def test_ties_that_the_data_reject_are_called_so(mossy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The trap of tying everything: 0.80 eV with a small error where the spectra by themselves say 0.60."""
    files = sorted((mossy_data / "solid_electrolyte_series").glob("s04147-*.txt"))
    named = ["--circuit", "p(R1,Q1)-p(R2,Q2)-Q3", "--ties", "hard", "--out", str(tmp_path), "--quiet"]
    run("eis", *map(str, files), *named)
    said = capsys.readouterr().err
    assert "rejected by their lack of fit" in said
    assert re.search(r"hard ties give R1 0\.80\d eV, free fits 0\.59\d", said)


def test_what_is_fitted_survives_an_interruption(tmp_path: Path):
    """A report that stops after the first group, as Ctrl-C does: the second is listed as not fitted."""
    from mossy import read
    from mossy.analysis.impedance_study import Options, study

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cell.csv").write_text(spectrum_text(), encoding="utf-8")
    records = [record for name in ("one", "two") for record in read(tmp_path / name / "cell.csv")]
    calls = []

    def report(stage: str, done: int, total: int) -> None:
        calls.append(stage)
        if sum(stage.startswith("fitting") for stage in calls) > 0:
            raise KeyboardInterrupt

    found = study(records, Options(circuit="R0-p(R1,Q1)"), report)
    assert [fit.status for fit in found.fits] == ["done", "refused"]
    assert "interrupted" in found.notes[0]


def test_the_report_stands_alone_and_names_everything(results: tuple[int, Path]):
    page = (results[1] / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="https?://(?!doi\.org)', page)
    for words in ("Nyquist", "Relaxation times", "Arrhenius", "cell_broken.csv", "R0-p(R1,Q1)", "Residuals"):
        assert words in page
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).lower().split()


def test_a_circuit_is_proposed_by_evidence(tmp_path: Path):
    (tmp_path / "one.csv").write_text(spectrum_text(), encoding="utf-8")
    assert run("eis", str(tmp_path / "one.csv"), "--out", str(tmp_path / "out"), "--quiet") == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["series"][0]["circuit"] == "R0-p(R1,Q1)"
    table = pl.read_parquet(tmp_path / "out" / "impedance_fit.parquet")
    for name, value in TRUE.items():
        assert abs(table[name][0] - value) < 4.0 * table[f"{name}_standard_error"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--circuit", "R0-p(R1,,Q1)"], "character 9"),
        (["--circuit", "R0-p(R1,Y1)"], "no element 'Y'"),
        (["--area", "2"], "no unit"),
        (["--area", "-2 cm^2"], "not above zero"),
        (["--symmetry", "same"], "identical electrodes"),
        (["--weighting", "modulos"], "did you mean 'modulus'"),
        (["--ties", "tight"], "free"),
        (["--missing", "fill"], "refuse"),
    ],
)
def test_bad_options_are_a_message_and_exit_code_2(
    arguments: list[str],
    said: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("sys.argv", ["mossy", "eis", str(folder), "--out", str(tmp_path), *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_files_without_any_spectrum_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "one.csv").write_text("freq/Hz,Re(Z)/ohm,Im(Z)/ohm\n100,1,-1\n", encoding="utf-8")
    for name, words in (("empty.csv", "is empty"), ("one.csv", "1 point"), ("none.csv", "No such file")):
        monkeypatch.setattr("sys.argv", ["mossy", "eis", str(tmp_path / name), "--out", str(tmp_path / "out")])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 2
        assert words in capsys.readouterr().err


def test_the_sign_is_detected_said_and_turned(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "turned.csv").write_text(spectrum_text(imaginary=-1.0), encoding="utf-8")
    named = ["eis", str(tmp_path / "turned.csv"), "--out", str(tmp_path / "out"), "--circuit", "R0-p(R1,Q1)", "--quiet"]
    run(*named)
    assert "--imaginary-sign positive" in capsys.readouterr().err
    assert run(*named, "--imaginary-sign", "positive") == 0
    table = pl.read_parquet(tmp_path / "out" / "impedance_fit.parquet")
    assert abs(table["R1"][0] - 120.0) < 4.0 * table["R1_standard_error"][0]


def test_more_parameters_than_data_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lines = spectrum_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join([lines[0], *lines[1:36:12]]) + "\n", encoding="utf-8")
    arguments = ["--circuit", "R0-p(R1,Q1)-p(R2,Q2)", "--out", str(tmp_path / "out"), "--quiet"]
    assert run("eis", str(tmp_path / "few.csv"), *arguments) == 1
    assert "7 free parameters for 3 points" in capsys.readouterr().err


def test_elements_are_listed(capsys: pytest.CaptureFixture[str]):
    assert run("elements") == 0
    said = capsys.readouterr().out
    assert "p(R1,Q1)" in said
    assert "porous interphase" in said
    assert "(also CPE)" in said
