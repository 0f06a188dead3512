"""`mossy xps`: photoelectron spectra read, calibrated, identified, fitted by peaks and by phases, and reported."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.commands import made_folder, patient, stage_bar, versions_used, write_json
from mossy.errors import InputError
from mossy.readers.many import FileRead, read_many
from mossy.units import to_si
from mossy.xps_command.samples import Sample, samples_of

if TYPE_CHECKING:
    from mossy.analysis.xps.phase_scale import Scale
    from mossy.analysis.xps.sample_study import Plan, SampleStudy
    from mossy.analysis.xps.stack import Stack
    from mossy.records import Photoemission

_MOST = 40
"""So many samples at most are drawn; the tables hold all."""


@dataclass(frozen=True)
class Wanted:
    """What the caller of `mossy xps` asked for, as text."""

    phases: str | None = None
    layers: str | None = None
    components: str | None = None
    background: str = "shirley"
    reference: str | None = None
    excitation: str | None = None
    film: Path | None = None
    beneath: str = "Li"
    side: str = "working"
    charge: str | None = None
    electrons: str | None = None
    capacitance: str | None = None
    permittivity: float | None = None
    path_error: float | None = None
    sputter: str | None = None
    mixing: str | None = None
    quick: bool = False
    columns: Mapping[str, Any] | None = None


def analyse_files(paths: Sequence[Path], wanted: Wanted, out: Path, quiet: bool) -> int:
    """Every sample among `paths` into `out`. The exit code: 0, or 1 where something was left out or not told."""
    plan = plan_of(wanted)
    with patient() as check, stage_bar(quiet, check) as progress:
        progress("reading", 0, 0)
        given = {"excitation": wanted.excitation, "columns": wanted.columns}
        options = {name: value for name, value in given.items() if value is not None}
        reads = read_many(paths, "photoemission", **options) if paths else []
        samples = samples_of(reads)
        refused = [(str(each.path), each.problem or "") for each in reads if each.problem]
        if not samples and wanted.film is None:
            for name, reason in refused:
                print(f"warning: {name}: {reason}", file=sys.stderr)
            raise InputError("no photoelectron spectrum was found", file=", ".join(map(str, paths)), remedy=_REMEDY)
        folder = made_folder(out)
        found: list[SampleStudy] = []
        try:
            for place, sample in enumerate(samples):
                progress(sample.name, place, len(samples))
                found.append(_studied(sample, plan))
            stopped = False
        except KeyboardInterrupt:
            stopped = True
        simulated, notes = _simulated(wanted, found)
    _write(found, simulated, refused, folder)
    return _say(found, reads, notes, folder, stopped)


_REMEDY = "give files of spectra, or their folder; tables need headings such as 'Binding Energy (eV)' and 'Counts'"


def _studied(sample: Sample, plan: Plan) -> SampleStudy:
    from mossy.analysis.xps.sample_study import study

    found = study(sample.name, sample.records, plan)
    found.level = sample.level
    return found


def plan_of(wanted: Wanted) -> Plan:
    """The plan behind the options; InputError names the option that cannot be understood."""
    from mossy.analysis.xps.backgrounds import background_named
    from mossy.analysis.xps.sample_study import Plan

    background_named(wanted.background)
    layers = None
    if wanted.layers is not None:
        layers = tuple(tuple(_names(part.replace("+", ","), "--layers")) for part in wanted.layers.split("/"))
    phases = tuple(_names(wanted.phases, "--phases")) if wanted.phases is not None else ()
    return Plan(
        phases=phases,
        layers=layers,
        components=_components(wanted.components),
        background=wanted.background,
        choices=not wanted.quick,
        reference=wanted.reference,
        scale=_scale(wanted),
    )


def _names(text: str, key: str) -> list[str]:
    """Phases by name; an unknown one is an error that suggests the nearest."""
    from mossy.materials.photoemission import film

    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise InputError("names no phase", key=key, remedy='write --phases "LiF, Li2CO3, LEDC, Li2O"')
    try:
        return [film(name).name for name in names]
    except InputError as error:
        raise error.at(key) from None


def _components(text: str | None) -> dict[str, str]:
    """Components by core level: "C 1s: C-C 284.8, C-O +1.5; F 1s: LiF 685"."""
    if text is None:
        return {}
    found = {}
    for part in filter(str.strip, text.split(";")):
        level, colon, inside = part.partition(":")
        if not colon or not inside.strip():
            remedy = 'write --components "C 1s: C-C 284.8, C-O +1.5; F 1s: LiF 685"'
            raise InputError(f"'{part.strip()}' names no level and components", key="--components", remedy=remedy)
        found[" ".join(level.split())] = inside.strip()
    return found


def _scale(wanted: Wanted) -> Scale | None:
    """What fixes lengths and amounts, where one of the options states it."""
    from mossy.analysis.xps.phase_scale import areal_charge, film_capacitance, known_path

    stated = [wanted.charge is not None, wanted.capacitance is not None, wanted.path_error is not None]
    if sum(stated) > 1:
        raise InputError("a charge, a capacitance and a known path each fix the scale", remedy="give one of them")
    if wanted.charge is not None:
        return areal_charge(*_with_error(wanted.charge), _counts(wanted.electrons))
    if wanted.capacitance is not None:
        if wanted.permittivity is None:
            raise InputError("a capacitance needs --permittivity", key="--capacitance", remedy="give it, as in 10")
        return film_capacitance(wanted.capacitance, wanted.permittivity, 0.2)
    return known_path(wanted.path_error) if wanted.path_error is not None else None


def _with_error(text: str) -> tuple[str, str]:
    """A quantity and its error out of "0.05 +- 0.005 mAh/cm^2"."""
    match = re.fullmatch(r"\s*(\S+)\s*(?:\+-|±)\s*(\S+)\s+(\S.*)", text)
    if match is None:
        remedy = 'write --charge "0.05 +- 0.005 mAh/cm^2" --electrons "LiF=1, Li2O=2"'
        raise InputError(f"'{text}' is no charge with its error", key="--charge", remedy=remedy)
    return f"{match[1]} {match[3]}", f"{match[2]} {match[3]}"


def _counts(text: str | None) -> dict[str, float]:
    """Electrons per formula unit by phase."""
    found = {}
    remedy = 'write --electrons "LiF=1, Li2O=2"'
    for part in filter(str.strip, (text or "").split(",")):
        name, _, value = (each.strip() for each in part.partition("="))
        try:
            found[_names(name, "--electrons")[0]] = float(value)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            problem = f"'{part.strip()}' is no phase with its electrons"
            raise InputError(problem, key="--electrons", remedy=remedy) from None
    if not found:
        raise InputError("a charge needs the electrons that each phase took", key="--electrons", remedy=remedy)
    return found


def _film(wanted: Wanted) -> tuple[Stack, list[str]]:
    """The stack that `--film` names: of a run's interphase.parquet, or of a TOML file of layers."""
    from mossy.analysis.xps.from_interphase import coarser, read_interphase, stack_of_interphase
    from mossy.analysis.xps.stack import read_stack

    if wanted.film is None or wanted.film.suffix == ".toml":
        return read_stack(wanted.film or ""), []
    found, notes = stack_of_interphase(read_interphase(wanted.film), side=wanted.side, beneath=wanted.beneath)
    return coarser(found), notes


def _simulated(wanted: Wanted, found: Sequence[SampleStudy]) -> tuple[dict[str, list[Photoemission]], list[str]]:
    """The spectra of a simulated film beside each sample; or alone, at each depth that it is sputtered to."""
    if wanted.film is None:
        return {}, []
    from mossy.analysis.xps.from_interphase import sputtered
    from mossy.analysis.xps.simulate import simulate_spectra

    stack, notes = _film(wanted)
    excitation = wanted.excitation or "Al Ka"
    if not found:
        records: list[Photoemission] = []
        for depth in _lengths(wanted.sputter, "--sputter") or [0.0]:
            left = sputtered(stack, depth, mixing=_length(wanted.mixing, "--mixing"))
            made = simulate_spectra(left, _levels(left), excitation=excitation)
            records += [each.with_metadata(label=f"{depth:g} nm", depth_nm=depth) for each in made]  # type: ignore[misc]
        return {"": records}, notes
    result = {}
    for each in found:
        measured = [fit.region for fit in each.peaks if fit.region in _levels(stack)]
        if measured:
            result[each.name] = simulate_spectra(stack, measured, excitation=excitation)
    return result, notes


def _levels(stack: Stack) -> list[str]:
    """The core levels that a stack has."""
    lines = [line for layer in stack.layers for phase in layer.phases for line in phase.lines if line.known]
    return list(dict.fromkeys(line.orbital for line in lines))


def _lengths(text: str | None, key: str) -> list[float]:
    """Several lengths in nm out of "0, 2, 5 nm": the unit stands once, at the end."""
    if text is None:
        return []
    number = re.fullmatch(r"\s*([\d.,\seE+-]+?)\s*([a-zA-Zµ]+)\s*", text)
    if number is None:
        raise InputError(f"'{text}' is no list of lengths", key=key, remedy='write "0, 2, 5 nm"')
    return [1e9 * to_si(f"{part.strip()} {number[2]}", "m", key) for part in number[1].split(",") if part.strip()]


def _length(text: str | None, key: str) -> float:
    return 1e9 * to_si(text, "m", key) if text is not None else 0.0


def _write(
    found: Sequence[SampleStudy],
    simulated: Mapping[str, Sequence[Photoemission]],
    refused: Sequence[tuple[str, str]],
    folder: Path,
) -> None:
    import polars as pl

    from mossy.report.xps_page import write_xps_report
    from mossy.xps_command.content import component_rows, content_of, phase_rows, summary_of

    for name, rows in (("components", component_rows(found)), ("phases", phase_rows(found))):
        path = folder / f"xps_{name}.parquet"
        if rows:
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        else:
            path.unlink(missing_ok=True)
    for record in simulated.get("", ()):
        level = str(record.metadata["region"]).replace(" ", "_").replace("/", "")
        record.write(folder / f"simulated_{level}_{record.metadata['depth_nm']:g}nm.parquet")
    versions = versions_used()
    write_json(folder / "summary.json", summary_of(found, refused) | {"versions": versions})
    title = found[0].name if len(found) == 1 else f"{len(found)} samples" if found else "Spectra of a simulated film"
    shown = list(found)[:_MOST]
    write_xps_report(folder / "report.html", content_of(title, shown, simulated, refused, versions))


def _say(
    found: Sequence[SampleStudy], reads: Sequence[FileRead], notes: Sequence[str], folder: Path, stopped: bool
) -> int:
    for each in found[:20]:
        print(f"{each.name}: {_line(each)}")
        if each.calibration is not None:
            for line in each.calibration.text().splitlines():
                print(f"  {line}")
        for note in each.notes:
            print(f"  note: {note}", file=sys.stderr)
    if len(found) > 20:
        print(f"... and {len(found) - 20} more samples; all are in the tables")
    for text in notes:
        print(f"note: {text}", file=sys.stderr)
    problems = [each for each in reads if each.problem and not each.skipped]
    for one in problems:
        print(f"warning: {one.path}: {one.problem}", file=sys.stderr)
    flagged = sum(bool(each.flags) for each in found)
    if flagged:
        print(f"{flagged} of {len(found)} samples are flagged; the report says why")
    if stopped:
        print("stopped early: what was done by then is kept", file=sys.stderr)
    print(f"report: {folder / 'report.html'}")
    untold = any(each.phases is None and any(note.startswith("phases: ") for note in each.notes) for each in found)
    return 1 if problems or stopped or untold else 0


def _line(found: SampleStudy) -> str:
    parts = []
    if found.phases is not None:
        parts.append(", ".join(f"{name} {amount}" for name, amount in found.phases.amounts.items()))
    elif found.composition is not None:
        ranked = sorted(found.composition.elements.items(), key=lambda each: -each[1].value)
        parts.append(", ".join(f"{name} {each.value:.1f}" for name, each in ranked[:6]) + " at.%")
    elif found.survey is not None:
        parts.append(f"survey: {', '.join(found.survey.symbols)}")
    return "; ".join(parts) or f"{len(found.records)} regions, nothing could be told"
