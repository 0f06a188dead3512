"""The command line: `mossy run`, `fit`, `map`, `new`... Bad input is a message and exit code 2, no traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mossy.errors import InputError
from mossy.version import __version__

app = typer.Typer(
    help="Mossy: metal electrodes and their interphases. Simulate a case, fit it to measurements, read the report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
CaseFile = Annotated[Path, typer.Argument(help="a case file (TOML)")]
Out = Annotated[Path, typer.Option(help="the folder for the results; made if it is not there")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress bar")]
NUMERICAL_FAILURE, BAD_INPUT = 1, 2


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mossy {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="the version")] = False,
) -> None:
    pass


@app.command()
def run(case: CaseFile, out: Out = Path("results"), quiet: Quiet = False) -> None:
    """Run a case: voltage, efficiency, film and impedance into a folder, with report.html."""
    from mossy.commands import run_case

    raise typer.Exit(run_case(case, out, quiet))


@app.command()
def fit(case: CaseFile, out: Out = Path("results"), quiet: Quiet = False) -> None:
    """Fit the case's free parameters to its measurements: fit.json, and a report with both drawn together."""
    from mossy.commands import fit_case

    raise typer.Exit(fit_case(case, out, quiet))


@app.command(name="map")
def map_(case: CaseFile, out: Out = Path("results"), quiet: Quiet = False) -> None:
    """Run the case's \\[map]: quantities over one parameter or two, as a table and pictures."""
    from mossy.study_commands import map_case

    raise typer.Exit(map_case(case, out, quiet))


@app.command()
def sensitivity(case: CaseFile, out: Out = Path("results"), quiet: Quiet = False) -> None:
    """Run the case's \\[sensitivity]: which parameters matter, by Sobol's indices and local slopes."""
    from mossy.study_commands import rank_case

    raise typer.Exit(rank_case(case, out, quiet))


@app.command()
def eis(
    files: Annotated[list[Path], typer.Argument(help="impedance files, or folders of them")],
    circuit: Annotated[
        str | None, typer.Option(help="the circuit, as in 'R0-p(R1,Q1)-W1'; the best of a set when left out")
    ] = None,
    out: Out = Path("results"),
    area: Annotated[str | None, typer.Option(help="electrode area, as in '1.54 cm^2'")] = None,
    permittivity: Annotated[
        float | None, typer.Option(help="relative permittivity of the film, for thicknesses")
    ] = None,
    symmetry: Annotated[
        str | None, typer.Option(help="how the two electrodes relate, as in 'identical electrodes'")
    ] = None,
    coordinate: Annotated[
        str | None, typer.Option(help="what a series runs along: time, cycle, temperature, potential, number")
    ] = None,
    weighting: Annotated[str, typer.Option(help="modulus, noise or unit")] = "modulus",
    ties: Annotated[str, typer.Option(help="how a series is tied to its trends: free, soft or hard")] = "free",
    missing: Annotated[str, typer.Option(help="rows with empty cells: refuse, or drop")] = "refuse",
    imaginary_sign: Annotated[
        str | None, typer.Option(help="'positive' where files hold -Z'' under the name of Z''")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="columns by number or heading, as in 'frequency_hertz=1:kHz,real_impedance_ohm=2'"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Read, test and fit impedance spectra: impedance_fit.parquet, summary.json and report.html into a folder."""
    from mossy.eis_command import Wanted, analyse_files

    given = {"imaginary_sign": imaginary_sign, "area": area, "columns": columns}
    options = {"missing": missing} | {name: value for name, value in given.items() if value is not None}
    wanted = Wanted(circuit, area, permittivity, symmetry, coordinate, weighting, ties, options)
    raise typer.Exit(analyse_files(files, wanted, out, quiet))


@app.command()
def cycling(
    files: Annotated[list[Path], typer.Argument(help="cycler files, or folders of them; a cell.toml beside them")],
    out: Out = Path("results"),
    area: Annotated[str | None, typer.Option(help="electrode area of every cell, as in '1.54 cm^2'")] = None,
    reports: Annotated[
        str, typer.Option(help="a report for each cell: auto (where there are few), all, none")
    ] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="study unchanged cells again, too")] = False,
    missing: Annotated[str, typer.Option(help="rows with empty cells: refuse, or drop")] = "refuse",
    times: Annotated[
        str | None, typer.Option(help="where the time goes back: drop single rows, or continue an appended run")
    ] = None,
    trust: Annotated[
        str | None, typer.Option(help="'current' reads files whose current and capacity contradict each other")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="columns by number or heading, as in 'test_time_second=1:h,voltage_volt=2'")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Cycling data: efficiency, plateaus, shorts, critical current; a report a cell, tables of all cells."""
    from mossy.cycling_command import Wanted, analyse
    from mossy.readers.base import columns_from_text

    given: dict[str, Any] = {"missing": missing if missing != "refuse" else None, "times": times, "trust": trust}
    given["columns"] = columns_from_text(columns) if columns is not None else None
    options = {name: value for name, value in given.items() if value is not None}
    raise typer.Exit(analyse(files, Wanted(area, reports, fresh, options), out, quiet))


@app.command()
def describe(
    file: Annotated[Path, typer.Argument(help="a cycler file, or a folder of them")],
) -> None:
    """Print a commented draft of cell.toml: what no cycler file says. mossy describe FILE > cell.toml"""
    from mossy.cycling_command import describe_file

    typer.echo(describe_file(file), nl=False)


@app.command()
def xps(
    files: Annotated[
        list[Path] | None, typer.Argument(help="files of photoelectron spectra, or folders of them")
    ] = None,
    out: Out = Path("results"),
    phases: Annotated[str | None, typer.Option(help="phases of the film, as in 'LiF, Li2CO3, LEDC, Li2O'")] = None,
    layers: Annotated[
        str | None, typer.Option(help="layers, outermost first, as in 'LEDC + Li2CO3 / LiF + Li2O / Li'")
    ] = None,
    components: Annotated[
        str | None, typer.Option(help="peaks by core level, as in 'C 1s: C-C 284.8, C-O +1.5; F 1s: LiF 685'")
    ] = None,
    background: Annotated[str, typer.Option(help="shirley, tougaard, linear")] = "shirley",
    reference: Annotated[
        str | None, typer.Option(help="what to put the energies on, as in 'C 1s', 'Au 4f7/2' or 'LiF F 1s'")
    ] = None,
    excitation: Annotated[str | None, typer.Option(help="'Al Ka' or '1486.6 eV', where files do not say")] = None,
    film: Annotated[
        Path | None, typer.Option(help="a run's interphase.parquet, or layers in TOML: its spectra beside the measured")
    ] = None,
    beneath: Annotated[str | None, typer.Option(help="what a run's film stands on; Li when left out")] = None,
    side: Annotated[str | None, typer.Option(help="whose film of a run: working or counter")] = None,
    sputter: Annotated[str | None, typer.Option(help="depths of a simulated film, as in '0, 2, 5 nm'")] = None,
    mixing: Annotated[str | None, typer.Option(help="how deep ions mix it, as in '1 nm'")] = None,
    charge: Annotated[
        str | None, typer.Option(help="what made the film, as in '0.05 +- 0.005 mAh/cm^2': then amounts in nmol/cm2")
    ] = None,
    electrons: Annotated[str | None, typer.Option(help="per formula unit, as in 'LiF=1, Li2CO3=2'")] = None,
    capacitance: Annotated[str | None, typer.Option(help="of the film, as in '5 uF/cm^2': then lengths in nm")] = None,
    permittivity: Annotated[float | None, typer.Option(help="relative, of the film")] = None,
    path_error: Annotated[
        float | None, typer.Option(help="relative error of the mean free path, as in 0.2: then lengths in nm")
    ] = None,
    counting_time: Annotated[
        str | None,
        typer.Option(help="of plain counts at each energy, as in '2 s', or 'equal' in all regions"),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="columns of plain tables by number or heading")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="errors from noise alone")] = False,
    quiet: Quiet = False,
) -> None:
    """Photoelectron spectra: elements, peaks, atomic percent, phases over all core levels; a report."""
    from mossy.readers.base import columns_from_text
    from mossy.xps_command import Wanted, analyse_files

    wanted = Wanted(
        phases=phases,
        layers=layers,
        components=components,
        background=background,
        reference=reference,
        excitation=excitation,
        film=film,
        beneath=beneath,
        side=side,
        charge=charge,
        electrons=electrons,
        capacitance=capacitance,
        permittivity=permittivity,
        path_error=path_error,
        sputter=sputter,
        mixing=mixing,
        counting_time=counting_time,
        quick=quick,
        columns=columns_from_text(columns) if columns is not None else None,
    )
    raise typer.Exit(analyse_files(files or [], wanted, out, quiet))


@app.command()
def elements() -> None:
    """List the elements of circuits and the ways to combine them, with their parameters and units."""
    from mossy.eis_command import elements_text

    typer.echo(elements_text())


@app.command(name="cell-design")
def cell_design(
    case: Annotated[Path | None, typer.Argument(help="a cell design (TOML)")] = None,
    out: Out = Path("results"),
    example: Annotated[bool, typer.Option("--example", help="print a commented design, to begin from")] = False,
) -> None:
    """Practical cells: Wh/kg, Wh/L, N/P, E/C, life; cell_design.json and report.html into a folder."""
    from mossy import cell_design_command

    if example:
        typer.echo(cell_design_command.example(), nl=False)
        return
    raise typer.Exit(cell_design_command.design_cell(case, out))


@app.command()
def bench(
    out: Out = Path("results"),
    lanes: Annotated[int, typer.Option(min=2, help="how many cells the large batch has")] = 1000,
    quiet: Quiet = False,
) -> None:
    """Measure what Mossy takes on this machine: a cell, a batch, a sensitivity, spectra, and how that grows."""
    from mossy.study_commands import bench as measure

    raise typer.Exit(measure(out, lanes, quiet))


@app.command()
def new(name: Annotated[str, typer.Argument(help="which example; lithium-copper, lithium-symmetric, ...")]) -> None:
    """Print a commented example case, to begin from: mossy new lithium-copper > case.toml"""
    from mossy.commands import example

    typer.echo(example(name), nl=False)


@app.command()
def protocol(
    name: Annotated[str | None, typer.Argument(help="which standard; --list shows them")] = None,
    list_: Annotated[bool, typer.Option("--list", help="the standards, their parameters and defaults")] = False,
    current: Annotated[str | None, typer.Option(help="current density, as in '1 mA/cm^2'")] = None,
    capacity: Annotated[str | None, typer.Option(help="areal capacity of a half-cycle, as in '1 mAh/cm^2'")] = None,
    cycles: Annotated[int | None, typer.Option(help="how many cycles")] = None,
    impedance: Annotated[bool, typer.Option("--impedance", help="a spectrum after each half-cycle")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="any other parameter, as in 'reservoir=5 mAh/cm^2'")
    ] = None,
    format_: Annotated[
        str,
        typer.Option("--format", help="mossy (a case's \\[protocol]), neware, biologic, tomato, battinfo, unicycler"),
    ] = "mossy",
    area: Annotated[str | None, typer.Option(help="electrode area, as in '1.54 cm^2'; an instrument needs it")] = None,
    sample: Annotated[str | None, typer.Option(help="the sample's name in an instrument's file")] = None,
    out: Annotated[Path | None, typer.Option(help="the file to write; printed when left out")] = None,
) -> None:
    """Write a standard protocol (Aurbach, Adams, critical current...) for a case or for an instrument."""
    from mossy.protocol_command import export, list_text

    given = {"current": current, "capacity": capacity, "cycles": cycles, "impedance": impedance or None}
    listed = list_text() if list_ else export(name, given, set_ or [], format_, area=area, sample=sample, out=out)
    typer.echo(listed)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a case file, with every key's default."""
    from mossy.commands import schema_text

    typer.echo(schema_text())


@app.command()
def materials(
    name: Annotated[str | None, typer.Argument(help="one material; all of them when left out")] = None,
) -> None:
    """List the library's materials, or print one's values with conditions, source and status."""
    from mossy.commands import materials_text

    typer.echo(materials_text(name))


@app.command(name="native-film")
def native_film(metal: Annotated[str, typer.Argument(help="lithium, sodium, potassium, magnesium, calcium")]) -> None:
    """Print which films of a metal can cover it: volumes, Pilling-Bedworth ratios, porosity, thickness."""
    from mossy.commands import native_film_text

    typer.echo(native_film_text(metal))


def main() -> None:
    """The `mossy` command."""
    try:
        app()
    except InputError as error:
        typer.echo(f"mossy: {error}", err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        problem = f"cannot be written or read ({error.strerror})"
        typer.echo(f"mossy: {error.filename}: {problem}; give another folder with --out", err=True)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
