"""What the commands do: a case in, files and a report out. Returns the exit code."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.version import __version__

EXAMPLES = {
    "lithium-copper": "lithium_copper.toml",
    "lithium-symmetric": "lithium_symmetric.toml",
    "sodium-copper": "sodium_copper.toml",
    "potassium-copper": "potassium_copper.toml",
    "magnesium-copper": "magnesium_copper.toml",
    "calcium-copper": "calcium_copper.toml",
}


def run_case(path: Path, out: Path, quiet: bool) -> int:
    """`mossy run`: every table that can be written is, whatever happened on the way."""
    with patient() as check:
        from mossy.case import load_case, run
        from mossy.numerics.status import Status

        case = load_case(path)
        folder = made_folder(out)
        with progress_bar(quiet, check) as progress:
            result = run(case, progress)
        write_run(case, result, folder)
        _say_run(result, folder)
    return 0 if result.status == Status.DONE else 1


def fit_case(path: Path, out: Path, quiet: bool) -> int:
    """`mossy fit`: the fitted values, the run at them, and a report with measured and modelled together.

    A Ctrl-C ends the search; what it had found by then is written, and the exit code is 1.
    """
    with patient() as check:
        from mossy.case import load_case
        from mossy.case.fitting import check_fit, fit
        from mossy.numerics.status import Status

        case = load_case(path)
        if case.fit is None:
            raise InputError("the case has no [fit] table", file=path, key="fit", remedy="name its data and parameters")
        try:
            check_fit(case)
        except InputError as refusal:
            raise refusal.at(file=path) from None
        folder = made_folder(out)
        with progress_bar(quiet, check) as progress:
            outcome = fit(case, progress)
        write_json(folder / "fit.json", outcome.report)
        if outcome.run is not None:
            write_run(outcome.case, outcome.run, folder, fit=outcome.report, comparisons=outcome.comparisons)
    for name, entry in outcome.report["parameters"].items():
        error = entry["standard_error"]
        spread = "not determined" if error is None else f"{error:.3g}"
        print(f"{name} = {entry['value']:.6g} +- {spread} {entry['unit']}".rstrip())
    for note in outcome.report["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(f"{outcome.report['message']}; report: {folder / 'report.html'}")
    return 0 if outcome.run is not None and outcome.run.status == Status.DONE and outcome.report["converged"] else 1


def write_run(
    case: Any,
    result: Any,
    folder: Path,
    fit: dict[str, Any] | None = None,
    comparisons: tuple[Any, ...] | list[Any] = (),
) -> None:
    """The files of a run: summary.json, cycling, impedance and profiles as Parquet, report.html."""
    from mossy.case import parameters_of
    from mossy.report import ReportContent, write_report

    parameters, versions = parameters_of(case), versions_used()
    summary = result.summary
    write_json(folder / "summary.json", summary | {"versions": versions})
    described = {
        "title": case.title,
        "sign": "voltage is working minus counter; plating on working is negative current",
    }
    for name in ("cycling", "impedance", "profiles", "interphase"):
        getattr(result, name).write_parquet(folder / f"{name}.parquet", metadata={"mossy_run": json.dumps(described)})
    content = ReportContent(
        title=case.title or "A Mossy run",
        summary=summary,
        cycling=result.cycling,
        profiles=result.profiles,
        impedance=result.impedance,
        parameters=parameters,
        versions=versions,
        case_text=case.text,
        protocol=case.schedule.describe(),
        fit=fit,
        comparisons=tuple(comparisons),
        interphase=result.interphase,
    )
    write_report(folder / "report.html", content)


def made_folder(out: Path) -> Path:
    """The folder for the results, made if it is not there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "give the path of a folder"
        raise InputError(f"cannot make the folder ({error.strerror})", key="--out", file=out, remedy=remedy) from None
    return out


def write_json(path: Path, content: Any) -> None:
    """Writes JSON that every reader takes: null stands for what is not finite."""
    text = json.dumps(_finite(content), indent=2, allow_nan=False, default=float)
    path.write_text(text + "\n", encoding="utf-8")


def _finite(content: Any) -> Any:
    """The same with null for what is not finite, which a run that failed may hold."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def versions_used() -> dict[str, str]:
    """Mossy, Python, and the libraries whose numbers the result rests on."""
    found = {"mossy": __version__, "python": platform.python_version()}
    for name in ("jax", "numpy", "scipy", "polars"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@contextlib.contextmanager
def patient() -> Iterator[Callable[[], None]]:
    """Holds a first Ctrl-C back until the function it gives is called: inside a compiler it would end the process."""
    asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        os.write(2, b"\nstopping, and keeping what there is; once more stops at once\n")

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_main_thread():
        yield check
        return
    signal.signal(signal.SIGINT, ask)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def progress_bar(quiet: bool, check: Callable[[], None]) -> Iterator[Callable[[float, int, int], None]]:
    """A callback (time, segment, segments): `stage_bar` for a simulation."""
    with stage_bar(quiet, check) as move:
        yield lambda time, segment, segments: move(f"{_duration(time)} simulated", segment, segments)


@contextlib.contextmanager
def stage_bar(quiet: bool, check: Callable[[], None]) -> Iterator[Callable[[str, int, int], None]]:
    """A callback (what, done, total; 0: unknown) that moves a bar on a terminal, and where a Ctrl-C takes effect."""
    if quiet or not sys.stderr.isatty():
        yield lambda what, done, total: check()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("preparing", total=None)

        def move(what: str, done: int, total: int) -> None:
            check()
            bar.update(task, completed=done, total=total or None, description=what)

        yield move


def counted(number: int, word: str) -> str:
    """A number with its word.

    >>> counted(1, "cell"), counted(3, "cell")
    ('1 cell', '3 cells')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _say_run(result: Any, folder: Path) -> None:
    summary = result.summary
    efficiencies = [cycle["coulombic_efficiency"] for cycle in summary["cycles"] if cycle["end"] != "unfinished"]
    known = [value for value in efficiencies if value is not None]
    count = len(summary["cycles"])
    cycles = "1 cycle" if count == 1 else f"{count} cycles"
    print(f"{cycles}, {_duration(summary['duration_s'])} simulated: {summary['message']}")
    if known:
        print(f"Coulombic efficiency: mean {math.fsum(known) / len(known):.5f}, last {known[-1]:.5f}")
    special = [event for event in summary["events"] if event["kind"] in ("depletion", "exhausted")]
    for event in special[:5]:
        print(
            f"{event['kind']} at the {event['electrode']} electrode after {_duration(event['time_s'])}: {event['text']}"
        )
    for warning in summary["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"report: {folder / 'report.html'}")


def example(name: str) -> str:
    """The text of an example case."""
    if name not in EXAMPLES:
        raise InputError(f"there is no example called '{name}'", remedy=suggest(name, EXAMPLES))
    return (resources.files("mossy") / "templates" / EXAMPLES[name]).read_text(encoding="utf-8")


def schema_text() -> str:
    """The JSON Schema of a case."""
    from mossy.case import Case

    return json.dumps(Case.model_json_schema(), indent=2)


def materials_text(name: str | None) -> str:
    """The library's materials, or one of them with all its values."""
    from mossy import materials

    if name is None:
        kinds = ("metals", "substrates", "electrolytes", "phases")
        lines = [f"{kind}: {', '.join(materials.names(kind))}" for kind in kinds]
        others = [name for name in materials.photoemission_phases() if name not in materials.names("phases")]
        return "\n".join([*lines, f"for photoelectron spectra also: {', '.join(others)}"])
    return materials.describe(name)


def native_film_text(metal: str) -> str:
    """What the phases of a metal do in the place of the metal they consumed."""
    from mossy import materials

    return materials.native_films(metal)
