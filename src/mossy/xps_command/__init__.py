"""`mossy xps`: photoelectron spectra read, calibrated, identified, fitted by peaks and by phases, and reported."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.commands import counted, made_folder, patient, stage_bar, versions_used, write_json
from mossy.errors import InputError
from mossy.readers.many import FileRead, read_many
from mossy.units import to_si
from mossy.xps_command.samples import Sample, samples_of

if TYPE_CHECKING:
    from mossy.analysis.xps.phase_scale import Scale
    from mossy.analysis.xps.sample_study import Plan, SampleStudy
    from mossy.analysis.xps.stack import Stack
    from mossy.records import Photoemission

_AREA = 3e4
"""Counts eV of the largest line of a simulated film."""
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
    beneath: str | None = None
    side: str | None = None
    charge: str | None = None
    electrons: str | None = None
    capacitance: str | None = None
    permittivity: float | None = None
    path_error: float | None = None
    sputter: str | None = None
    mixing: str | None = None
    counting_time: str | None = None
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
        _there(plan, samples)
        if samples and wanted.sputter is not None:
            problem = "is for a film alone; beside measured spectra it is drawn whole"
            raise InputError(problem, key="--sputter", remedy="leave out the files, or --sputter")
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


def _there(plan: Plan, samples: Sequence[Sample]) -> None:
    """Refuses components of core levels that no sample has."""
    from mossy.analysis.xps.sample_study import level_of

    levels = {level_of(record) for sample in samples for record in sample.records} - {None}
    for level in plan.components:
        if samples and level not in levels:
            remedy = f"choose among {', '.join(sorted(map(str, levels))) or 'the regions that are there'}"
            raise InputError(f"no sample has {level}", key="--components", remedy=remedy)


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
    _consistent(wanted)
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
        counting_time=_counting_time(wanted.counting_time),
    )


def _consistent(wanted: Wanted) -> None:
    """Refuses options that contradict one another or would do nothing."""
    from mossy.analysis.xps.calibration import reference_named

    if wanted.reference is not None:
        reference_named(wanted.reference)
    if wanted.phases is not None and wanted.layers is not None:
        raise InputError("--phases and --layers both name the phases", key="--layers", remedy="give one of them")
    of_a_film = {"--sputter": wanted.sputter, "--mixing": wanted.mixing}
    of_a_run = {"--side": wanted.side, "--beneath": wanted.beneath}
    for name, value in (of_a_film | of_a_run).items():
        if value is not None and wanted.film is None:
            raise InputError("is for a simulated film, and there is none", key=name, remedy="give --film")
    for name, value in of_a_run.items():
        if value is not None and wanted.film is not None and wanted.film.suffix == ".toml":
            raise InputError("is for a run's interphase.parquet; a TOML film states it itself", key=name)
    if wanted.side not in (None, "working", "counter"):
        raise InputError(f"'{wanted.side}' is no side", key="--side", remedy="choose 'working' or 'counter'")
    _lengths(wanted.sputter, "--sputter")
    _length(wanted.mixing, "--mixing")


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
    from mossy.analysis.xps.components import parse_components

    if text is None:
        return {}
    found = {}
    for part in filter(str.strip, text.split(";")):
        level, colon, inside = part.partition(":")
        if not colon or not inside.strip():
            remedy = 'write --components "C 1s: C-C 284.8, C-O +1.5; F 1s: LiF 685"'
            raise InputError(f"'{part.strip()}' names no level and components", key="--components", remedy=remedy)
        parse_components(inside.strip())
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


def _counting_time(text: str | None) -> float | str | None:
    """Seconds out of "2 s", or "equal"."""
    if text is None or text.strip().lower() == "equal":
        return text and "equal"
    seconds = to_si(text, "s", "--counting-time")
    if not seconds > 0.0:
        raise InputError(f"'{text}' is no time", key="--counting-time", remedy='give seconds above 0, or "equal"')
    return seconds


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
    found, notes = stack_of_interphase(
        read_interphase(wanted.film), side=wanted.side or "working", beneath=wanted.beneath or "Li"
    )
    return coarser(found), notes


def _simulated(wanted: Wanted, found: Sequence[SampleStudy]) -> tuple[dict[str, list[Photoemission]], list[str]]:
    """The spectra of a simulated film beside each sample; or alone, at each depth that it is sputtered to."""
    if wanted.film is None:
        return {}, []
    from mossy.analysis.xps.simulate import simulate_spectra

    stack, notes = _film(wanted)
    excitation = wanted.excitation or "Al Ka"
    if not found:
        records = _at_depths(stack, wanted, excitation)
        return {"": records}, notes
    result = {}
    for each in found:
        measured = [fit.region for fit in each.peaks if fit.region in _levels(stack)]
        if measured:
            result[each.name] = simulate_spectra(stack, measured, excitation=excitation)
    return result, notes


def _at_depths(stack: Stack, wanted: Wanted, excitation: str) -> list[Photoemission]:
    """The spectra at each depth: in the same windows, and on one scale."""
    from mossy.analysis.xps.from_interphase import sputtered
    from mossy.analysis.xps.simulate import excitation_energy, line_areas, simulate_spectra

    mixing, photon = _length(wanted.mixing, "--mixing"), excitation_energy(excitation)
    left = {depth: sputtered(stack, depth, mixing=mixing) for depth in _lengths(wanted.sputter, "--sputter") or [0.0]}
    windows: dict[str, tuple[float, float]] = {}
    for each in left.values():
        for record in simulate_spectra(each, _levels(each), excitation=excitation):
            name, energy = str(record.metadata["region"]), record.table["binding_energy_electronvolt"]
            low, high = windows.get(name, (float("inf"), 0.0))
            windows[name] = (min(low, float(energy.min())), max(high, float(energy.max())))  # type: ignore[arg-type]
    largest = max(area for each in left.values() for _, _, area in line_areas(each, photon).values())
    records: list[Photoemission] = []
    for depth, each in left.items():
        made = simulate_spectra(each, windows, excitation=excitation, scale=_AREA / largest)
        records += [one.with_metadata(label=f"{depth:g} nm", depth_nm=depth) for one in made]  # type: ignore[misc]
    return records


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
    faulty = sum(bool(each.faults) for each in found)
    if faulty:
        has = "has" if faulty == 1 else "have"
        print(f"{faulty} of {counted(len(found), 'sample')} {has} faults; the report names them")
    if stopped:
        print("stopped early: what was done by then is kept", file=sys.stderr)
    print(f"report: {folder / 'report.html'}")
    poor = any(each.phases is not None and each.phases.status != "done" for each in found)
    return 1 if problems or stopped or poor or any(each.failed for each in found) else 0


def _line(found: SampleStudy) -> str:
    from mossy.xps_command.content import amount_text

    parts = []
    if found.phases is not None:
        told = ", ".join(f"{name} {amount_text(amount)}" for name, amount in found.phases.amounts.items())
        chi = f"reduced chi squared {found.phases.reduced_chi_squared:.3g}"
        parts += [f"{told} (mole fractions)" if told else "no amounts", f"{found.phases.status}, {chi}"]
    elif found.composition is not None:
        ranked = sorted(found.composition.elements.items(), key=lambda each: -each[1].value)
        parts.append(", ".join(f"{name} {each.value:.1f}" for name, each in ranked[:6]) + " at.%")
    elif found.survey is not None:
        parts.append(f"survey: {', '.join(found.survey.symbols)}")
    return "; ".join(parts) or f"{len(found.records)} regions, nothing could be told"
