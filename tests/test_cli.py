"""The command line as a newcomer meets it: every mistake is one message and exit code 2, every run leaves its files."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mossy.case
from mossy import cli, commands
from mossy.case import load_case
from mossy.records import known_names

Command = Callable[..., tuple[int, str, str]]
REST = '[protocol]\nsteps = ["rest for 1 min"]\n'
# the structure of `cells_for_tests.case`, so that JAX compiles once for both
POINT = """
title = "a cell without gradients"
[cell]
working = "{working}"
counter = "lithium"
electrolyte = "custom"
model = "{model}"
[electrolyte]
concentration = "1 mol/L"
diffusivity = "3e-10 m^2/s"
transference_number = 0.38
conductivity = "1 S/m"
thermodynamic_factor = 1.0
[working.interphase]
growth = "solvent_diffusion"
solvent_diffusivity = "0 m^2/s"
[counter.interphase]
growth = "solvent_diffusion"
solvent_diffusivity = "0 m^2/s"
"""


def point(steps: str, working: str = "lithium", model: str = "point", repeat: int = 1, more: str = "") -> str:
    """A case file with these steps."""
    head = POINT.format(working=working, model=model)
    return f"{head}[protocol]\nrepeat = {repeat}\nsteps = [{steps}]\n{more}"


@pytest.fixture
def mossy_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`mossy ...` in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["mossy", *words])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        output = capsys.readouterr()
        code = exit_.value.code
        return int(code if code is not None else 0), output.out, output.err

    return call


def refused(command: Command, *words: str) -> str:
    """The message of a command that must fail for its input, without having done anything."""
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err.startswith("mossy: ")
    problem, _, remedy = err.removeprefix("mossy: ").strip().partition("; ")
    assert problem, err
    assert remedy or "did you mean" in err, err
    assert not Path("results").exists()
    return err


BAD_CASES = {
    # units and numbers
    "a wrong unit": ('[cell]\nseparator = { thickness = "25 s" }\n', "cell.separator.thickness", "wrong unit"),
    "an unknown unit": ('[cell]\narea = "1 florp"\n', "cell.area", "florp"),
    "a bare number": ("[cell]\nseparator = { thickness = 25 }\n", "cell.separator.thickness", "no unit"),
    "a bare temperature": ("[cell]\ntemperature = 25\n", "cell.temperature", "25 degC"),
    "a unit alone": ('[cell]\narea = "cm^2"\n', "cell.area", "number"),
    "a negative thickness": ('[cell.separator]\nthickness = "-25 um"\n', "cell.separator.thickness", "at least"),
    "a negative film": ('[counter.interphase]\ninitial_thickness = "-5 nm"\n', "initial_thickness", "at least 0"),
    "NaN in text": ('[cell]\ntemperature = "nan K"\n', "cell.temperature", "finite"),
    "a bare NaN": ("[cell.separator]\nporosity = nan\n", "cell.separator.porosity", "finite"),
    "infinity": ('[cell]\narea = "inf cm^2"\n', "cell.area", "finite"),
    "a bare infinity": ("[cell.separator]\nbruggeman = inf\n", "cell.separator.bruggeman", "finite"),
    "an overflow": ('[cell]\narea = "1e400 cm^2"\n', "cell.area", "finite"),
    "0 K": ('[cell]\ntemperature = "0 K"\n', "cell.temperature", "at least"),
    "below 0 K": ('[cell]\ntemperature = "-300 degC"\n', "cell.temperature", "at least"),
    "no area": ('[cell]\narea = "0 cm^2"\n', "cell.area", "more than 0"),
    "no porosity": ("[cell.separator]\nporosity = 0\n", "cell.separator.porosity", "at least"),
    "porosity above 1": ("[cell.separator]\nporosity = 1.5\n", "cell.separator.porosity", "at most 1"),
    "a true quantity": ("[cell]\narea = true\n", "cell.area", "1 cm^2"),
    "a list for a quantity": ('[cell]\narea = ["1 cm^2"]\n', "cell.area", "1 cm^2"),
    "no exchange current": ('[working.kinetics]\nexchange_current_density = "0 A/m^2"\n', "exchange_current", "more"),
    "symmetry of 2": ("[working.kinetics]\nsymmetry = 2\n", "working.kinetics.symmetry", "at most"),
    "a negative energy": (
        '[working.kinetics]\nlaw = "marcus_hush_chidsey"\nreorganisation_energy = "-1 eV"\n',
        "reorganisation_energy",
        "-1 eV is too small",
    ),
    "an energy missing": ('[working.kinetics]\nlaw = "marcus_hush_chidsey"\n', "working.kinetics", "0.22 eV"),
    "all metal dead": ("[working.dead_metal]\nisolated_fraction = 1.0\n", "isolated_fraction", "at most"),
    # unknown words
    "a misspelt key": ('titel = "x"\n', "titel", "'title'"),
    "a misspelt table": ("[celll]\n", "celll", "'cell'"),
    "a key of [cell]": ('[cell]\nworkin = "copper"\n', "cell", "'working'"),
    "a key of the separator": ('[cell.separator]\nthicknes = "1 um"\n', "cell.separator", "'thickness'"),
    "a key of [electrolyte]": ('[electrolyte]\ndifusivity = "1 m^2/s"\n', "electrolyte", "'diffusivity'"),
    "a table of [working]": ("[working.kinetic]\n", "working", "'kinetics'"),
    "a key of [kinetics]": ('[working.kinetics]\nsymetry = "0.5"\n', "working.kinetics", "'symmetry'"),
    "a key of the film": ('[counter.interphase]\ngrwth = "none"\n', "counter.interphase", "'growth'"),
    "a key of dead metal": ("[working.dead_metal]\nfraction = 0.1\n", "dead_metal", "'isolated_fraction'"),
    "a key of [impedance]": ('[impedance]\nfrequency = "1 Hz"\n', "impedance", "'frequencies'"),
    "a key of [numerics]": ("[numerics]\nnode = 5\n", "numerics", "'nodes'"),
    "a key of a property": (
        '[electrolyte]\ndiffusivity = { corelation = "polynomial" }\n',
        "electrolyte.diffusivity",
        "'correlation'",
    ),
    "an unknown metal": ('[cell]\nworking = "coper"\n', "cell.working", "'copper'"),
    "a metal not in the library": ('[cell]\nworking = "zirconium"\n', "cell.working", "'lithium'"),
    "an unknown electrolyte": ('[cell]\nelectrolyte = "LiPF6 EC:EMC 1:1"\n', "cell.electrolyte", "'LiPF6 EC:EMC 3:7'"),
    "an unknown law": ('[working.kinetics]\nlaw = "butler"\n', "working.kinetics.law", "'butler_volmer'"),
    "an unknown growth": ('[working.interphase]\ngrowth = "parabolic"\n', "growth", "'solvent_diffusion'"),
    "an unknown model": ('[cell]\nmodel = "plannar"\n', "cell.model", "'planar'"),
    # what does not belong together
    "two metals": ('[cell]\nworking = "sodium"\ncounter = "lithium"\n', "cell", "lithium and sodium"),
    "another salt": ('[cell]\nworking = "copper"\ncounter = "sodium"\n', "cell", "share one metal"),
    "a cation for the library's": ('[electrolyte]\ncation = "sodium"\n', "electrolyte.cation", '"custom"'),
    "no metal at all": (
        '[cell]\nworking = "copper"\ncounter = "copper"\nelectrolyte = "custom"\n',
        "electrolyte.cation",
        "cation",
    ),
    # electrolytes
    "no salt": ('[electrolyte]\nconcentration = "0 mol/L"\n', "electrolyte.concentration", "more than 0"),
    "a custom electrolyte of nothing": ('[cell]\nelectrolyte = "custom"\n', "electrolyte.diffusivity", "m^2/s"),
    "a custom electrolyte of some": (
        '[cell]\nelectrolyte = "custom"\n[electrolyte]\ndiffusivity = "1e-10 m^2/s"\nconductivity = "1 S/m"\n',
        "electrolyte.transference_number",
        "constant",
    ),
    "an unknown correlation": (
        '[electrolyte]\ndiffusivity = { correlation = "polynom", coefficients = [1] }\n',
        "electrolyte.diffusivity.correlation",
        "'polynomial'",
    ),
    "too few coefficients": (
        '[electrolyte]\nconductivity = { correlation = "landesfeind_conductivity", coefficients = [1] }\n',
        "electrolyte.conductivity.coefficients",
        "takes 6",
    ),
    "too many coefficients": (
        '[electrolyte]\nconductivity = { correlation = "constant", coefficients = [1, 2] }\n',
        "electrolyte.conductivity.coefficients",
        "takes 1",
    ),
    "a coefficient in words": (
        '[electrolyte]\nconductivity = { correlation = "constant", coefficients = ["many"] }\n',
        "electrolyte.conductivity.coefficients",
        "number",
    ),
    "a property of nothing": ("[electrolyte]\nconductivity = {}\n", "electrolyte.conductivity", "one of the two"),
    "a property twice": (
        '[electrolyte]\nconductivity = { correlation = "constant", coefficients = [1], table = [[1, 1], [2, 2]] }\n',
        "electrolyte.conductivity.table",
        "one of the two",
    ),
    "a negative conductivity": ('[electrolyte]\nconductivity = "-1 S/m"\n', "electrolyte.conductivity", "more than 0"),
    "a correlation that turns negative": (
        "[electrolyte]\ndiffusivity = "
        '{ correlation = "polynomial", coefficients = [-1e-10], reference_concentration = "1 mol/L" }\n',
        "electrolyte.diffusivity",
        "above zero",
    ),
    "a table that falls": (
        "[electrolyte]\nconductivity = { table = [[2, 1], [1, 2]] }\n",
        "electrolyte.conductivity.table",
        "increase",
    ),
    "a table of one row": ("[electrolyte]\nconductivity = { table = [[2, 1]] }\n", "conductivity.table", "two rows"),
    "a ragged table": ("[electrolyte]\nconductivity = { table = [[2, 1], [3]] }\n", "conductivity.table", "two"),
    "a table with NaN": ("[electrolyte]\nconductivity = { table = [[1, nan], [2, 1]] }\n", "table", "finite"),
    "a table below zero": ("[electrolyte]\nconductivity = { table = [[1, -1], [2, 1]] }\n", "table", "more than 0"),
    "a table of words": ('[electrolyte]\nconductivity = { table = [["a", "b"]] }\n', "table[0][0]", "number"),
    "a table in no file": ('[electrolyte]\nconductivity = { table = "no.csv" }\n', "conductivity.table", "no.csv"),
    "a table in a wrong unit": (
        '[electrolyte]\nconductivity = { table = [[1, 1], [2, 3]], unit = "m" }\n',
        "electrolyte.conductivity.unit",
        "wrong unit",
    ),
    # impedance and numerics
    "a point beyond the protocol": ('[impedance]\nat = ["cycle 9 step 1"]\n', "impedance.at[0]", "1 cycle"),
    "a step beyond the cycle": ('[impedance]\nat = ["cycle 1 step 9"]\n', "impedance.at[0]", "step 1"),
    "a point in other words": ('[impedance]\nat = ["middle"]\n', "impedance.at", "'start'"),
    "points without a list": ('[impedance]\nat = "start"\n', "impedance.at", "[ ]"),
    "frequencies in words": ('[impedance]\nfrequencies = "fast"\n', "impedance.frequencies", "number"),
    "no frequencies": ("[impedance]\nfrequencies = []\n", "impedance.frequencies", "per decade"),
    "a frequency of zero": ("[impedance]\nfrequencies = [1, 0]\n", "impedance.frequencies[1]: ", "above zero"),
    "a second point in other words": ('[impedance]\nat = ["end", "mid"]\n', "impedance.at[1]: ", "'start'"),
    "a negative sweep": ('[impedance]\nfrequencies = "-1 Hz to 9 Hz, 9 per decade"\n', "frequencies", "above zero"),
    "an endless sweep": ('[impedance]\nfrequencies = "1 Hz to 9 Hz, 99999999 per decade"\n', "frequencies", "fewer"),
    "a frequency of NaN": ("[impedance]\nfrequencies = [nan]\n", "impedance.frequencies", "finite"),
    "one node": ("[numerics]\nnodes = 1\n", "numerics.nodes", "at least 4"),
    "nodes in quotation marks": ('[numerics]\nnodes = "50"\n', "numerics.nodes", "without quotation marks"),
    "half a node": ("[numerics]\nnodes = 50.5\n", "numerics.nodes", "whole number"),
    "no tolerance": ("[numerics]\nrelative_tolerance = 0\n", "numerics.relative_tolerance", "at least"),
    "no steps allowed": ("[numerics]\nmaximum_steps = 0\n", "numerics.maximum_steps", "at least 1"),
    # shapes
    "text for a table": ('cell = "copper"\n', "cell", "is not a table"),
    "a list for a table": ("[[working]]\n", "working", "is not a table"),
    "a number for text": ("[cell]\nworking = 3\n", "cell.working", "is not text"),
    "a date for text": ("title = 2020-01-01\n", "title", "is not text"),
    "a charge in words": ('[electrolyte]\ncation_charge = "one"\n', "electrolyte.cation_charge", "whole number"),
    "a fit of nothing": ("[fit]\n", "fit.data", "missing"),
}

BAD_PROTOCOLS = {
    "an empty table": ("[protocol]\n", "protocol.steps", "missing"),
    "no steps": ("[protocol]\nsteps = []\n", "protocol.steps", "no steps"),
    "text for the table": ('protocol = "x"\n', "protocol", "is not a table"),
    "text for the steps": ('[protocol]\nsteps = "rest for 1 s"\n', "protocol.steps", "[ ]"),
    "no end": ('[protocol]\nsteps = ["plate 1 mA/cm^2"]\n', "protocol.steps[0]", "no end"),
    "no end, nested": (
        '[protocol]\nsteps = ["rest for 1 s", { repeat = 2, steps = ["strip 1 mA/cm^2"] }]\n',
        "protocol.steps[1].steps[0]",
        "no end",
    ),
    "a misspelt step": ('[protocol]\nsteps = ["plat 1 mA/cm^2 for 1 h"]\n', "protocol.steps[0]", "'plate'"),
    "a misspelt word": ('[protocol]\nsteps = ["plate 1 mA/cm^2 four 1 h"]\n', "protocol.steps[0]", "'for'"),
    "an empty step": ('[protocol]\nsteps = [""]\n', "protocol.steps[0]", "empty"),
    "a number for a step": ("[protocol]\nsteps = [3]\n", "protocol.steps[0]", "not a step"),
    "a step in kilograms": ('[protocol]\nsteps = ["plate 1 mA/cm^2 for 1 kg"]\n', "protocol.steps[0]", "1 kg"),
    "a step without a unit": ('[protocol]\nsteps = ["plate 1 for 1 h"]\n', "protocol.steps[0]", "unit"),
    "a negative current": ('[protocol]\nsteps = ["plate -1 mA/cm^2 for 1 h"]\n', "protocol.steps[0]", "strip"),
    "a current of NaN": ('[protocol]\nsteps = ["plate nan mA/cm^2 for 1 h"]\n', "protocol.steps[0]", "finite"),
    "0 cycles": ('[protocol]\nrepeat = 0\nsteps = ["rest for 1 s"]\n', "protocol.repeat", "1 or more"),
    "0 cycles, nested": ('[protocol]\nsteps = [{ repeat = 0, steps = ["rest for 1 s"] }]\n', "repeat", "1 or more"),
    "true cycles": ('[protocol]\nrepeat = true\nsteps = ["rest for 1 s"]\n', "protocol.repeat", "whole number"),
    "2.0 cycles": ('[protocol]\nrepeat = 2.0\nsteps = ["rest for 1 s"]\n', "protocol.repeat", "whole number"),
    "a billion cycles": ('[protocol]\nrepeat = 1000000000\nsteps = ["rest for 1 s"]\n', "protocol", "repeat less"),
    "a misspelt repeat": ('[protocol]\nrepet = 2\nsteps = ["rest for 1 s"]\n', "protocol", "'repeat'"),
    "a misspelt repeat, nested": (
        '[protocol]\nsteps = [{ repet = 2, steps = ["rest for 1 s"] }]\n',
        "protocol.steps[0]",
        "'repeat'",
    ),
    "a current in no file": ('[protocol]\nsteps = ["current from no.csv"]\n', "protocol.steps[0]", "no.csv"),
    "a current in a folder": ('[protocol]\nsteps = ["current from ."]\n', "protocol.steps[0]", "is not a file"),
}


@pytest.mark.parametrize("name", BAD_CASES)
def test_a_bad_case_is_one_message(name: str, mossy_command: Command):
    text, key, remedy = BAD_CASES[name]
    # top-level keys first: TOML gives what follows a table to that table
    Path("case.toml").write_text(text + REST)
    message = refused(mossy_command, "run", "case.toml")
    assert message.startswith("mossy: case.toml: ")
    assert key in message
    assert remedy in message


@pytest.mark.parametrize("name", BAD_PROTOCOLS)
def test_a_bad_protocol_is_one_message(name: str, mossy_command: Command):
    text, key, remedy = BAD_PROTOCOLS[name]
    Path("case.toml").write_text(text)
    message = refused(mossy_command, "run", "case.toml")
    assert message.startswith("mossy: case.toml: protocol")
    assert key in message
    assert remedy in message


def test_several_mistakes_are_told_at_once(mossy_command: Command):
    Path("case.toml").write_text('title = 3\n[cell]\nmodel = "x"\n[numerics]\nnodes = 1\n' + REST)
    lines = refused(mossy_command, "run", "case.toml").splitlines()
    assert [line.removeprefix("mossy: case.toml: ").split(":")[0] for line in lines] == [
        "title",
        "cell.model",
        "numerics.nodes",
    ]


BAD_FILES = {
    "empty": (b"", "is empty", "mossy new lithium-copper"),
    "blank": (b" \n\n\t\n", "is empty", "mossy new lithium-copper"),
    "binary": (bytes(range(256)), "not text in UTF-8", "TOML"),
    "not UTF-8": (b'title = "\xe9"\n', "not text in UTF-8", "TOML"),
    "not TOML": (b"[cell\n", "line 1", "mend"),
    "one key twice": (b'title = "a"\ntitle = "b"\n', "line 2", "mend"),
    "no protocol": (b'[cell]\nworking = "copper"\n', "protocol", "steps"),
}


@pytest.mark.parametrize("command", ["run", "fit"])
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_message(name: str, command: str, mossy_command: Command):
    content, problem, remedy = BAD_FILES[name]
    Path("case.toml").write_bytes(content)
    message = refused(mossy_command, command, "case.toml")
    assert message.startswith("mossy: case.toml: ")
    assert problem in message
    assert remedy in message


def test_a_case_that_is_not_there_or_a_folder(mossy_command: Command):
    assert "there is no such file" in refused(mossy_command, "run", "no.toml")
    Path("folder").mkdir()
    assert "folder: is a folder" in refused(mossy_command, "run", "folder")


def test_results_cannot_go_into_a_file(mossy_command: Command):
    Path("case.toml").write_text(REST)
    Path("taken").write_text("mine")
    for out in ("taken", "taken/deeper"):
        assert "--out" in refused(mossy_command, "run", "case.toml", "--out", out)
    assert Path("taken").read_text() == "mine"


def test_names_that_do_not_exist(mossy_command: Command):
    assert "'lithium-copper'" in refused(mossy_command, "new", "nonsense")
    assert "did you mean 'lithium-copper'" in refused(mossy_command, "new", "lithium-coper")
    assert "'lithium'" in refused(mossy_command, "materials", "nonsense")
    assert "'sodium'" in refused(mossy_command, "materials", "sodum")


@pytest.mark.parametrize("words", [("nonsense",), ("run",), ("run", "case.toml", "--bogus"), ("new",)])
def test_a_command_that_does_not_exist(words: tuple[str, ...], mossy_command: Command):
    code, out, err = mossy_command(*words)
    assert (code, out) == (2, "")
    assert "Usage" in err
    assert "Traceback" not in err


# fits

FREE = '"working.kinetics.exchange_current_density" = { initial = "1 mA/cm^2", bounds = ["0.1 mA/cm^2", "9 mA/cm^2"] }'
VOLTAGE = '[[fit.data]]\nkind = "cycling"\nfile = "voltage.csv"\n'
SPECTRUM = '[[fit.data]]\nkind = "impedance"\nfile = "spectrum.csv"\n'
PROFILE = '[[fit.data]]\nkind = "profile"\nfile = "profile.csv"\n'
PROFILE_COLUMNS = 'columns = { position_um = [1, "um"], concentration_mol_per_L = [2, "mol/L"] }\n'


def free(path: str, rest: str = 'initial = "1 mA/cm^2", bounds = ["0.1 mA/cm^2", "9 mA/cm^2"]') -> str:
    """A [fit.parameters] table of one parameter."""
    return f'[fit.parameters]\n"{path}" = {{ {rest} }}\n'


BAD_FITS = {
    "an unknown path": (VOLTAGE + free("working.kinetics.symetry"), 'fit.parameters."', "'symmetry'"),
    "an unknown table": (VOLTAGE + free("wrking.kinetics.symmetry"), 'fit.parameters."', "'working'"),
    "a path through a number": (VOLTAGE + free("working.kinetics.symmetry.x"), 'fit.parameters."', "number"),
    "a path to a table": (VOLTAGE + free("working.kinetics"), 'fit.parameters."', "number"),
    "a path to a name": (VOLTAGE + free("cell.working"), 'fit.parameters."', "number"),
    "a path to a choice": (VOLTAGE + free("working.kinetics.law"), 'fit.parameters."', "number"),
    "a path into the protocol": (VOLTAGE + free("protocol.repeat"), 'fit.parameters."', "number"),
    "a path without quotation marks": (
        VOLTAGE + "[fit.parameters]\nworking.kinetics.symmetry = { initial = 0.5, bounds = [0.1, 0.9] }\n",
        "working.kinetics.symmetry",
        "quotation marks",
    ),
    "another parameter that is not there": (
        VOLTAGE + free("working.kinetics.symmetry", 'initial = 0.5, bounds = [0.1, 0.9], also = ["counter.symmetry"]'),
        "also",
        "symmetry",
    ),
    "a wrong unit": (
        VOLTAGE + free("working.kinetics.exchange_current_density", 'initial = "1 V", bounds = ["0 V", "2 V"]'),
        "exchange_current_density",
        "wrong unit",
    ),
    "no unit": (
        VOLTAGE + free("working.kinetics.exchange_current_density", "initial = 1, bounds = [0.1, 10]"),
        "exchange_current_density",
        "no unit",
    ),
    "bounds beside the start": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [0.6, 0.9]"),
        "working.kinetics.symmetry",
        "bounds",
    ),
    "bounds the wrong way round": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [0.9, 0.1]"),
        "working.kinetics.symmetry",
        "bounds",
    ),
    "one bound": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [0.1]"),
        '"working.kinetics.symmetry".bounds',
        "at least 2",
    ),
    "endless bounds": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [-inf, inf]"),
        "working.kinetics.symmetry",
        "finite",
    ),
    "no bounds": (VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5"), "bounds", "missing"),
    "a start that is true": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = true, bounds = [0, 2]"),
        "initial",
        "number",
    ),
    "a misspelt key": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bound = [0, 1]"),
        "working.kinetics.symmetry",
        "'bounds'",
    ),
    "a certain prior": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [0.1, 0.9], prior = [0.5, 0]"),
        "prior",
        "above zero",
    ),
    "no parameters": (VOLTAGE, "fit.parameters", "missing"),
    "empty parameters": (VOLTAGE + "[fit.parameters]\n", "fit.parameters", "at least 1"),
    "no data": (f"[fit.parameters]\n{FREE}\n", "fit.data", "missing"),
    "empty data": (f"[fit]\ndata = []\n[fit.parameters]\n{FREE}\n", "fit.data", "at least 1"),
    "no file": (VOLTAGE.replace("voltage", "missing"), "fit.data[0].file", "missing.csv"),
    "a folder": (VOLTAGE.replace("voltage.csv", "."), "fit.data[0].file", "folder"),
    "a variable that is not set": (VOLTAGE.replace("voltage", "$NO_SUCH/v"), "fit.data[0].file", "NO_SUCH"),
    "an impossible file name": (VOLTAGE.replace("voltage", "v" * 5000), "fit.data[0].file", "name"),
    "an empty file": (VOLTAGE.replace("voltage", "empty"), "fit.data[0]", "empty"),
    "a file of noise": (VOLTAGE.replace("voltage", "noise"), "fit.data[0]", "column"),
    "a file of words": (VOLTAGE.replace("voltage", "words"), "fit.data[0]", "column"),
    "a voltage that is none": (VOLTAGE.replace("voltage", "current"), "fit.data[0].file", "voltage_volt"),
    "a spectrum of voltages": (VOLTAGE.replace("cycling", "impedance"), "fit.data[0].kind", "cycling"),
    "a voltage of spectra": (SPECTRUM.replace("impedance", "cycling"), "fit.data[0].kind", "impedance"),
    "a misspelt kind": (VOLTAGE.replace("cycling", "cyling"), "fit.data[0].kind", "'cycling'"),
    "a misspelt data key": (VOLTAGE + 'begin_at = "1 s"\n', "fit.data[0]", "'begins_at'"),
    "sweep 2 of 1": (SPECTRUM + "sweep = 2\n", "fit.data[0].sweep", "1 to 1"),
    "sweep 0": (SPECTRUM + "sweep = 0\n", "fit.data[0].sweep", "at least 1"),
    "a spectrum nowhere": (SPECTRUM + 'at = "cycle 4 step 1"\n', "fit.data[0].at", "1 cycle"),
    "a spectrum at noon": (SPECTRUM + 'at = "noon"\n', "fit.data[0].at", "'start'"),
    "no frequencies left": (SPECTRUM + 'lowest_frequency = "1 GHz"\n', "fit.data[0]", "widen"),
    "no times left": (VOLTAGE + 'first_time = "100 s"\n', "fit.data[0]", "widen"),
    "a time without a unit": (VOLTAGE + "first_time = 3\n", "fit.data[0].first_time", "no unit"),
    "times after the end": (VOLTAGE + 'begins_at = "-10 h"\n', "fit.data[0].last_time", "protocol"),
    "no error at all": (VOLTAGE + 'standard_error = "0 V"\n', "fit.data[0].standard_error", "above zero"),
    "an error in mol/L": (VOLTAGE + 'standard_error = "1 mol/L"\n', "fit.data[0].standard_error", "wrong unit"),
    "an error of NaN": (VOLTAGE + "standard_error = nan\n", "fit.data[0].standard_error", "finite"),
    "a true error": (VOLTAGE + "standard_error = true\n", "fit.data[0].standard_error", "number"),
    "a profile without a time": (PROFILE + PROFILE_COLUMNS, "fit.data[0].time", "20 min"),
    "a profile of a point": (PROFILE + PROFILE_COLUMNS + 'time = "1 min"\n', "fit.data[0].kind", "planar"),
    "a column Mossy does not know": (
        PROFILE + 'time = "1 min"\ncolumns = { position = [1, "um"] }\n',
        "fit.data[0].columns",
        "position_um",
    ),
    "nodes for a parameter": (
        VOLTAGE + free("numerics.nodes", "initial = 50, bounds = [10, 90]"),
        'fit.parameters."numerics.nodes"',
        "[working]",
    ),
    "bounds beyond the key": (
        VOLTAGE + free("working.kinetics.symmetry", "initial = 0.5, bounds = [0.1, 2]"),
        "working.kinetics.symmetry",
        "at most 0.99",
    ),
    "no iterations": (VOLTAGE + "[fit]\nmaximum_iterations = 0\n", "fit.maximum_iterations", "at least 1"),
}


def write_measurements(folder: Path) -> None:
    """Small files of each kind, good and bad."""
    (folder / "voltage.csv").write_text("test_time_second,voltage_volt\n0,0\n30,-0.01\n60,-0.02\n")
    (folder / "current.csv").write_text("test_time_second,current_ampere\n0,0\n30,-0.01\n60,-0.02\n")
    header = "frequency_hertz,real_impedance_ohm,imaginary_impedance_ohm\n"
    (folder / "spectrum.csv").write_text(header + "1000,10,-1\n100,20,-5\n10,30,-2\n")
    (folder / "profile.csv").write_text("0,1.0\n12.5,1.01\n25,1.0\n")
    (folder / "empty.csv").write_text("")
    (folder / "words.csv").write_text("hello world\nfoo\n")
    (folder / "noise.csv").write_bytes(bytes(range(128, 254)) * 3)


@pytest.mark.parametrize("name", BAD_FITS)
def test_a_bad_fit_is_one_message(name: str, mossy_command: Command):
    text, key, remedy = BAD_FITS[name]
    write_measurements(Path())
    if "parameters" not in text and "parameters" not in key:
        text += f"[fit.parameters]\n{FREE}\n"
    if "[fit]\nmax" in text:  # a table follows its own sub-tables' arrays only if it comes first
        text = "[fit]\nmaximum_iterations = 0\n" + text.replace("[fit]\nmaximum_iterations = 0\n", "")
    Path("case.toml").write_text(point('"plate 1 mA/cm^2 for 1 min"') + text)
    message = refused(mossy_command, "fit", "case.toml")
    assert key in message
    assert remedy in message


def test_a_profile_beyond_the_cell_or_the_protocol(mossy_command: Command):
    write_measurements(Path())
    head = point('"plate 1 mA/cm^2 for 1 min"', model="planar") + f"[fit.parameters]\n{FREE}\n" + PROFILE
    Path("case.toml").write_text(head + PROFILE_COLUMNS + 'time = "2 min"\n')
    assert "fit.data[0].time: 120 s lies outside" in refused(mossy_command, "fit", "case.toml")
    Path("case.toml").write_text(head + PROFILE_COLUMNS.replace('[1, "um"]', '[1, "mm"]') + 'time = "1 min"\n')
    assert "first_position" in refused(mossy_command, "fit", "case.toml")


def test_fit_without_a_fit_table(mossy_command: Command):
    Path("case.toml").write_text(REST)
    assert "case.toml: fit: the case has no [fit] table" in refused(mossy_command, "fit", "case.toml")


# runs


def finite(value: Any) -> None:
    """Refuses NaN and infinity anywhere in what JSON holds."""
    if isinstance(value, float):
        assert math.isfinite(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        finite(item)


def results(folder: str | Path = "results") -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """The summary and tables of a run, once everything about them that must always hold has been checked."""

    def constant(name: str) -> None:
        pytest.fail(f"{name} in summary.json")

    summary = json.loads(Path(folder, "summary.json").read_text(encoding="utf-8"), parse_constant=constant)
    finite(summary)
    frames = {name: pl.read_parquet(Path(folder, f"{name}.parquet")) for name in ("cycling", "impedance", "profiles")}
    for name, frame in frames.items():
        for column in frame.get_columns():
            assert column.null_count() == 0, (name, column.name)
            if column.dtype.is_float():
                assert column.is_finite().all(), (name, column.name)
        assert set(frame.columns) <= set(known_names())
        described = json.loads(pl.read_parquet_metadata(Path(folder, f"{name}.parquet"))["mossy_run"])
        assert set(described) == {"title", "sign"}
    check_report(Path(folder, "report.html").read_text(encoding="utf-8"))
    return summary, frames


def check_report(page: str) -> None:
    """One file that loads nothing from a network: its only addresses are links to be followed."""
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert not re.search(r"""(src|srcset|data|poster)\s*=\s*["']?\s*(https?:)?//""", page)
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", page)
    assert not re.search(r"<(script|link|iframe|object|embed)[^>]*(src|href)\s*=", page)
    for address in re.findall(r"""href\s*=\s*["']([^"'#][^"']*)["']""", page):
        assert address.startswith(("https://doi.org/", "data:image/")), address[:80]


def test_a_run_keeps_the_contract(mossy_command: Command):
    steps = '"plate 1 mA/cm^2 for 20 min", "rest for 1 min", "strip 1 mA/cm^2 until 1 V", "impedance"'
    more = (
        '[working.dead_metal]\nisolated_fraction = 0.05\n[impedance]\nat = ["start", "cycle 1 step 1 during", "end"]\n'
    )
    text = point(steps, working="copper", repeat=2, more=more)
    Path("case.toml").write_text(text)
    code, out, err = mossy_command("run", "case.toml", "--out", "results")
    assert (code, err) == (0, "")
    assert "2 cycles" in out
    assert "Coulombic efficiency: mean 0.95" in out
    assert "results/report.html" in out
    summary, frames = results()
    assert summary["status"] == "done"
    assert [cycle["cycle"] for cycle in summary["cycles"]] == [1, 2]
    for cycle in summary["cycles"]:
        assert set(cycle) >= {"plated_mAh_per_cm2", "stripped_mAh_per_cm2", "coulombic_efficiency", "end"}
        ratio = cycle["stripped_mAh_per_cm2"] / cycle["plated_mAh_per_cm2"]
        assert cycle["coulombic_efficiency"] == pytest.approx(ratio, rel=1e-15)
    # the copper's double layer, charged to 1.5 V at first and to 1 V after that, adds to what is stripped
    assert summary["cycles"][1]["coulombic_efficiency"] == pytest.approx(0.95, abs=2e-4)
    assert [event["kind"] for event in summary["events"]] == ["time", "time", "voltage", "impedance"] * 2
    for event in summary["events"]:
        assert set(event) >= {"kind", "time_s", "electrode", "step"}
    assert set(summary["balances"]) == {"charge", "salt", "metal", "elements"}
    assert all(abs(value) < 1e-8 for value in summary["balances"].values())
    for side in ("working", "counter"):
        assert summary["interphase"][side]["thickness_nm"] == pytest.approx(5.0, rel=1e-12)
    assert summary["dead_metal"]["working"]["mAh_per_cm2"] == pytest.approx(2 * 0.05 / 3.0, rel=1e-3)
    assert summary["dead_metal"]["counter"]["mAh_per_cm2"] == 0.0
    assert "working.metal_thickness" in summary["assumed"]
    assert "working.kinetics.symmetry" in summary["assumed"]
    assert "working.dead_metal.isolated_fraction" not in summary["assumed"]
    assert "working.interphase.conductivity" in summary["unverified"]
    named = {"test_time_second", "voltage_volt", "current_ampere", "cycle_count", "step_count"}
    assert named <= set(frames["cycling"].columns)
    named = {"frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm", "cycle_count", "label"}
    assert named | {"real_impedance_ohm_cm2", "imaginary_impedance_ohm_cm2"} <= set(frames["impedance"].columns)
    labels = frames["impedance"]["label"].unique(maintain_order=True).to_list()
    assert labels == ["start", "cycle 1 step 1 during", "cycle 1 step 4", "end", "cycle 2 step 4"]
    time_ = frames["cycling"]["test_time_second"]
    assert (time_.diff().drop_nulls() >= 0.0).all()
    # plating is negative current: it reduces the working electrode
    first = frames["cycling"].filter(pl.col("step_count") == 1)
    assert first["current_ampere"][-1] == pytest.approx(-1e-3, rel=1e-9)
    page = Path("results/report.html").read_text(encoding="utf-8")
    assert "a cell without gradients" in page
    assert "solvent_diffusion" in page  # the case itself


def test_what_a_run_writes_can_be_read_and_fitted(mossy_command: Command):
    """A simulated measurement gives back the two numbers it was made with, through the files."""
    steps = '"rest for 1 min", "plate 1 mA/cm^2 for 10 min"'
    kinetics = '[working.kinetics]\nexchange_current_density = "{}"\ndouble_layer_capacitance = "{}"\n'
    impedance = '[impedance]\nat = ["start", "end"]\nfrequencies = "100 kHz to 1 Hz, 10 per decade"\n'
    Path("truth.toml").write_text(point(steps, more=kinetics.format("3 mA/cm^2", "20 uF/cm^2") + impedance))
    assert mossy_command("run", "truth.toml", "--out", "truth")[0] == 0
    (cycling,) = mossy.read("truth/cycling.parquet")
    assert cycling.kind == "cycling"
    assert [record.kind for record in mossy.read("truth/impedance.parquet")] == ["impedance", "impedance"]
    path = "working.kinetics"
    fit = f"""
[[fit.data]]
kind = "cycling"
file = "truth/cycling.parquet"
every = 7
[[fit.data]]
kind = "impedance"
file = "truth/impedance.parquet"
sweep = 2
at = "end"
[fit.parameters]
"{path}.exchange_current_density" = {{ initial = "1 mA/cm^2", bounds = ["0.1 mA/cm^2", "50 mA/cm^2"] }}
"{path}.double_layer_capacitance" = {{ initial = "5 uF/cm^2", bounds = ["1 uF/cm^2", "500 uF/cm^2"] }}
"""
    Path("case.toml").write_text(point(steps, more=fit))
    code, out, err = mossy_command("fit", "case.toml")
    assert code == 0, err
    assert "converged" in out
    report = json.loads(Path("results/fit.json").read_text(encoding="utf-8"))
    finite(report)
    found = {name.rsplit(".", 1)[-1]: entry["value"] for name, entry in report["parameters"].items()}
    # the voltage was kept at the run's own steps, so what is left is the tolerance of the integration, 1e-6
    assert found["exchange_current_density"] == pytest.approx(30.0, rel=1e-4)
    assert found["double_layer_capacitance"] == pytest.approx(0.2, rel=1e-4)
    summary, _ = results()
    assert summary["status"] == "done"
    page = Path("results/report.html").read_text(encoding="utf-8")
    assert "exchange_current_density" in page


def test_two_runs_are_the_same(tmp_path: Path):
    case = tmp_path / "case.toml"
    case.write_text(point('"plate 1 mA/cm^2 for 20 min", "strip 1 mA/cm^2 until 1 V"', working="copper"))
    first, second = (mossy.case.run(load_case(case)) for _ in range(2))
    assert first.summary == second.summary
    assert first.cycling.equals(second.cycling)


def test_exhausted_metal_is_a_result(mossy_command: Command):
    steps = '"plate 1 mA/cm^2 for 1 min", "strip 1 mA/cm^2 for 1 h", "rest for 1 min"'
    Path("case.toml").write_text(point(steps, working="copper"))
    code, out, _ = mossy_command("run", "case.toml")
    assert code == 0
    assert "exhausted at the working electrode" in out
    summary, _ = results()
    event = summary["events"][1]
    assert (summary["status"], event["kind"], event["electrode"]) == ("done", "exhausted", "working")
    # what was plated, and the double layer (10 uF/cm2 over some 7 V), are gone after another minute
    assert event["time_s"] == pytest.approx(120.0, abs=0.1)
    assert summary["events"][-1]["kind"] == "time"  # and the protocol goes on


def test_a_current_above_the_limiting_one_is_a_result(mossy_command: Command):
    Path("case.toml").write_text(point('"plate 1000 mA/cm^2 for 1 h", "rest for 1 min"', model="planar"))
    code, out, _ = mossy_command("run", "case.toml")
    assert code == 0
    assert "depletion at the working electrode" in out
    summary, frames = results()
    event = summary["events"][0]
    assert (summary["status"], event["kind"], event["electrode"]) == ("done", "depletion", "working")
    assert summary["limiting_current_mA_per_cm2"] < 1000.0
    # Sand's time pi D porosity^(1 + bruggeman) (F c/(2 J (1 - t+)))^2, exact so far above the limiting current
    sand = math.pi * 3e-10 * 0.4**2.5 * (96485.33212 * 1000.0 / (2.0 * 1e4 * 0.62)) ** 2
    assert event["time_s"] == pytest.approx(sand, rel=0.01)
    assert len(frames["profiles"]) > 0


def test_a_step_limit_still_leaves_what_is_known(mossy_command: Command):
    more = "[numerics]\nmaximum_steps = 5\n[impedance]\n"
    Path("case.toml").write_text(point('"plate 1 mA/cm^2 for 1 h"', repeat=3, more=more))
    code, out, _ = mossy_command("run", "case.toml")
    assert code == 1
    assert "numerics.maximum_steps" in out
    summary, frames = results()
    assert summary["status"] == "step_limit"
    assert 0.0 < summary["duration_s"] < 3600.0
    assert summary["events"] == []
    assert summary["cycles"][0]["end"] == "unfinished"
    assert len(frames["cycling"]) > 5
    assert frames["impedance"]["label"].unique().to_list() == ["start"]


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """A shell starts what runs in the background with Ctrl-C ignored; here it is not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_ctrl_c_keeps_what_there_is(mossy_command: Command, monkeypatch: pytest.MonkeyPatch):
    """A Ctrl-C before the first step, when JAX may be compiling, waits until it can be obeyed safely."""
    steps = '"plate 1 mA/cm^2 for 20 min", "strip 1 mA/cm^2 until 1 V"'
    Path("case.toml").write_text(point(steps, working="copper", repeat=2000))
    before = signal.getsignal(signal.SIGINT)

    def interrupted(path: Path) -> Any:
        signal.raise_signal(signal.SIGINT)
        return load_case(path)

    monkeypatch.setattr(mossy.case, "load_case", interrupted)
    code, out, _ = mossy_command("run", "case.toml")
    assert code == 1
    assert "interrupted" in out
    assert signal.getsignal(signal.SIGINT) is before
    summary, frames = results()
    assert summary["status"] == "interrupted"
    assert 1 < len(summary["cycles"]) < 2000
    assert frames["cycling"]["cycle_count"].max() == len(summary["cycles"])


@pytest.mark.usefixtures("heeded_interrupts")
def test_ctrl_c_keeps_the_best_fit(mossy_command: Command, monkeypatch: pytest.MonkeyPatch):
    """The parameters found so far, the run at them and the report are written; the exit code says it is unfinished."""
    write_measurements(Path())
    Path("case.toml").write_text(point('"plate 1 mA/cm^2 for 1 min"', more=VOLTAGE + f"[fit.parameters]\n{FREE}\n"))

    def interrupted(path: Path) -> Any:
        signal.raise_signal(signal.SIGINT)
        return load_case(path)

    monkeypatch.setattr(mossy.case, "load_case", interrupted)
    code, out, err = mossy_command("fit", "case.toml")
    assert code == 1
    assert "interrupted after 0 iterations" in out
    assert "Traceback" not in err
    report = json.loads(Path("results/fit.json").read_text(encoding="utf-8"))
    finite(report)
    assert (report["status"], report["converged"]) == ("interrupted", False)
    entry = report["parameters"]["working.kinetics.exchange_current_density"]
    assert entry["value"] == pytest.approx(entry["initial"], rel=1e-9)
    summary, _ = results()
    assert summary["status"] == "done"
    assert "interrupted" in Path("results/report.html").read_text(encoding="utf-8")


def test_a_run_needs_no_measurements(mossy_command: Command):
    more = VOLTAGE.replace("voltage", "missing") + f"[fit.parameters]\n{FREE}\n"
    Path("case.toml").write_text(point('"plate 1 mA/cm^2 for 1 min"', more=more))
    message = refused(mossy_command, "fit", "case.toml")
    assert message.startswith("mossy: case.toml: fit.data[0].file: ")
    code, _, err = mossy_command("run", "case.toml")
    assert code == 0, err


@pytest.mark.usefixtures("heeded_interrupts")
def test_a_second_ctrl_c_stops_at_once(mossy_command: Command, monkeypatch: pytest.MonkeyPatch):
    def twice(path: Path) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it went on")

    monkeypatch.setattr(mossy.case, "load_case", twice)
    code, out, err = mossy_command("run", "case.toml")
    assert (code, out) == (130, "")
    assert "Traceback" not in err


def test_a_folder_that_stops_taking_files(mossy_command: Command):
    Path("case.toml").write_text(point('"rest for 1 min"'))
    Path("results/summary.json").mkdir(parents=True)
    code, out, err = mossy_command("run", "case.toml")
    assert (code, out) == (2, "")
    assert "summary.json" in err
    assert "Traceback" not in err


# the rest


def test_version_and_help(mossy_command: Command):
    code, out, _ = mossy_command("--version")
    assert (code, out) == (0, f"mossy {mossy.__version__}\n")
    code, out, _ = mossy_command("--help")
    assert code == 0
    for word in ("run", "fit", "new", "schema", "materials"):
        assert word in out
    for word in ("run", "fit", "new", "schema", "materials"):
        assert mossy_command(word, "--help")[0] == 0


def test_materials(mossy_command: Command):
    code, out, _ = mossy_command("materials")
    assert code == 0
    assert "LiPF6 EC:EMC 3:7" in out
    code, out, _ = mossy_command("materials", "Cu")
    assert code == 0
    assert "[verified]" in out


def test_help_loads_nothing_heavy():
    """The whole of `mossy --help`, and no JAX, polars or numpy behind it."""
    code = (
        "import sys\nimport mossy.cli\nsys.argv = ['mossy', '--help']\n"
        "try:\n    mossy.cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'jax', 'polars', 'numpy', 'pint', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lithium-copper" not in done.stderr


def test_help_is_quick():
    """Half a second beyond Python's own start; the quickest of three, because the machine may be busy."""

    def seconds(*words: str) -> float:
        best = math.inf
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, *words], capture_output=True, check=True, env=os.environ | {"COLUMNS": "80"}
            )
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds("-m", "mossy.cli", "--help") - seconds("-c", "pass") < 0.5


def test_commands_return_what_the_shell_needs(tmp_path: Path):
    case = tmp_path / "case.toml"
    case.write_text(point('"rest for 1 min"'))
    assert commands.run_case(case, tmp_path / "out", quiet=True) == 0
