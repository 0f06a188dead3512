"""`mossy eis`: files and folders in, fits and a report out. A bad file is listed and never stops the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.commands import made_folder, patient, stage_bar, versions_used, write_json
from mossy.errors import InputError, suggest
from mossy.units import to_si

if TYPE_CHECKING:
    from mossy.analysis.impedance_study import Series, Study
    from mossy.readers.many import FileRead
    from mossy.report.spectra_content import SeriesShown, SpectraContent

_LABELS = {
    "time": "time",
    "cycle": "cycle",
    "temperature": "temperature",
    "potential": "potential",
    "salt": "salt concentration",
    "pressure": "stack pressure",
    "number": "spectrum",
}
_ALONG = ("time", "cycle", "temperature", "potential", "number")
_VALUES_SHOWN = 12
_CURVE, _MOST_CURVES = 121, 200


@dataclass(frozen=True)
class Wanted:
    """The options as they were typed."""

    circuit: str | None
    area: str | None
    permittivity: float | None
    symmetry: str | None
    coordinate: str | None
    weighting: str
    ties: str
    reading: dict[str, str]


def analyse_files(files: list[Path], wanted: Wanted, out: Path, quiet: bool) -> int:
    """The command: 0 where every file and spectrum was used, 1 where some were not, 2 for bad input."""
    with patient() as check:
        from mossy.readers.base import columns_from_text
        from mossy.readers.many import read_many

        options = _options(wanted)
        reading: dict[str, Any] = dict(wanted.reading)
        if "columns" in reading:
            reading["columns"] = columns_from_text(reading["columns"])
        folder = made_folder(out)
        with stage_bar(quiet, check) as tell:
            tell("reading", 0, 0)
            reads = read_many(files, **reading)
            study = _studied(reads, options, tell)
            tell("writing", 0, 0)
            content = _content(study, reads, files)
            _write(study, reads, content, folder)
    _say(study, reads, folder)
    lost = [each for each in reads if each.problem and not each.skipped]
    return 1 if lost or study.refused or any(fit.status != "done" for fit in study.fits) else 0


def _options(wanted: Wanted) -> Any:
    """The options checked before anything is read."""
    from mossy.analysis.circuits import WEIGHTINGS, Circuit
    from mossy.analysis.circuits.series import TIES
    from mossy.analysis.impedance_physics import SYMMETRIES
    from mossy.analysis.impedance_study import Options

    for key, given, known in (
        ("--weighting", wanted.weighting, WEIGHTINGS),
        ("--ties", wanted.ties, TIES),
        ("--coordinate", wanted.coordinate, _ALONG),
        ("--symmetry", wanted.symmetry, tuple(SYMMETRIES)),
    ):
        if given is not None and given not in known:
            raise InputError(f"'{given}' cannot be used", key=key, remedy=suggest(given, known))
    area = None if wanted.area is None else to_si(wanted.area, "m^2", "--area")
    for key, number in (("--area", area), ("--permittivity", wanted.permittivity)):
        if number is not None and not (np.isfinite(number) and number > 0.0):
            raise InputError(f"{number} is not above zero", key=key, remedy="give a positive number")
    text = None if wanted.circuit is None else Circuit(wanted.circuit).text
    return Options(text, area, wanted.permittivity, wanted.symmetry, wanted.weighting, wanted.ties, wanted.coordinate)


def _studied(reads: list[FileRead], options: Any, tell: Callable[[str, int, int], None]) -> Study:
    from mossy.analysis.impedance_study import study
    from mossy.records import Cycling

    records: list[Any] = [record for each in reads for record in each.records if record.kind == "impedance"]
    if not records:
        reasons = [f"{each.path}: {each.problem or 'holds no spectrum'}" for each in reads]
        more = f" (and {len(reasons) - 3} more)" if len(reasons) > 3 else ""
        problem = "no spectrum could be read" + (f": {'; '.join(reasons[:3])}{more}" if reasons else "")
        raise InputError(problem, remedy="give files with frequency, real and imaginary impedance")
    return study(
        records, options, tell, [record for each in reads for record in each.records if isinstance(record, Cycling)]
    )


def _write(study: Study, reads: list[FileRead], content: SpectraContent, folder: Path) -> None:
    from mossy.report.spectra_page import write_spectra_report

    study.table().write_parquet(folder / "impedance_fit.parquet")
    write_json(folder / "summary.json", _summary(study, reads))
    write_spectra_report(folder / "report.html", content)


def _summary(study: Study, reads: list[FileRead]) -> dict[str, Any]:
    """summary.json: what was read, chosen, found, flagged."""
    return {
        "spectra": len(study.items),
        "units": _units(study),
        "series": [_series_summary(each) for each in study.series],
        "flagged": [{"spectrum": name, "reason": reason} for name, reason in _flagged(study)],
        "files": [
            {"file": str(each.path), "spectra": _spectra_in(each), "problem": _unused(each), "skipped": each.skipped}
            for each in reads
        ],
        "notes": list(study.notes),
        "assumptions": {name: list(value.assumptions) for name, value in study.quantities.items()},
        "versions": versions_used(),
    }


def _spectra_in(read: FileRead) -> int:
    return sum(record.kind == "impedance" for record in read.records)


def _unused(read: FileRead) -> str | None:
    """Why a file gave no spectrum, None where it gave one."""
    if read.problem or _spectra_in(read):
        return read.problem
    return f"holds {' and '.join(sorted({record.kind for record in read.records}))} data, no spectrum"


def _units(study: Study) -> dict[str, str]:
    units = {name: each.unit for fit in study.fits for name, each in fit.parameters.items()}
    return units | {name: value.unit for name, value in study.quantities.items()}


def _series_summary(series: Series) -> dict[str, Any]:
    found = series.fit
    return {
        "name": series.name,
        "circuit": series.circuit,
        "candidates": [vars(each) | {"acceptable": each.acceptable} for each in series.candidates],
        "coordinate": series.kind,
        "spectra": len(series.rows),
        "ties": found.ties if found else None,
        "trends": {
            name: {"law": trend.law, "scatter": trend.scatter, "coefficients": trend.coefficients}
            for name, trend in (found.trends if found else {}).items()
        },
        "activation_energies_eV": {
            name: {
                "value": line.activation_energy.value,
                "standard_error": line.activation_energy.standard_error,
                "form": line.form,
            }
            for name, line in series.lines.items()
            if hasattr(line, "activation_energy")
        },
        "events": [event.as_dict() for event in series.events],
        "notes": list(series.notes),
    }


def _flagged(study: Study) -> list[tuple[str, str]]:
    """(spectrum, reason): what is no spectrum, failed the Kramers-Kronig test, did not fit, or lacks something."""
    found = list(study.refused)
    for item, validity, fit in zip(study.items, study.validity, study.fits, strict=True):
        if validity is not None:
            found += [(item.name, str(flag)) for flag in (validity.flags if not validity.passed else ())]
            found += [(item.name, reason) for reason in validity.reasons.values()]
        found += [
            (item.name, flag) for flag in fit.flags if flag not in item.spectrum.flags and "told apart" not in flag
        ]
    return found


def _content(study: Study, reads: list[FileRead], files: list[Path]) -> SpectraContent:
    from mossy.report.spectra_content import SpectraContent

    title = files[0].name if len(files) == 1 else f"{len(files)} files"
    shown = [row for row in np.unique(np.linspace(0, len(study.items) - 1, _VALUES_SHOWN).round().astype(int))]
    return SpectraContent(
        title=f"Impedance of {title}",
        circuit=", ".join(dict.fromkeys(each.circuit for each in study.series)),
        facts=_facts(study, reads),
        series=[_series_shown(study, each) for each in study.series if each.rows],
        candidates={each.name: [vars(one) for one in each.candidates] for each in study.series if each.candidates},
        rows=[(study.items[row].name, _values(study, row)) for row in shown if study.fits[row].status != "refused"],
        flagged=_flagged(study),
        skipped=[(str(each.path), reason) for each in reads if (reason := _unused(each))],
        notes=study.notes,
        assumptions=[f"{name}: {said}" for name, value in study.quantities.items() for said in value.assumptions],
        versions=versions_used(),
    )


def _values(study: Study, row: int) -> list[tuple[str, float, float, str, str]]:
    fit = study.fits[row]
    rows = [(name, each.value, each.standard_error, each.unit, each.note) for name, each in fit.parameters.items()]
    for name, value in study.quantities.items():
        if np.isfinite(value.value[row]):
            words = name.replace("_", " ")
            rows.append((words, float(value.value[row]), float(value.standard_error[row]), value.unit, ""))
    return rows


def _facts(study: Study, reads: list[FileRead]) -> list[tuple[str, str, str]]:
    """The cards at the top."""
    from mossy.analysis.circuits.choice import median_of

    tested = [each for each in study.validity if each is not None]
    passed = sum(each.passed for each in tested)
    fits = [fit for fit in study.fits if fit.status != "refused"]
    rms, ratio = median_of([fit.relative_rms for fit in fits]), median_of([fit.noise_ratio for fit in fits])
    bad = sum(1 for each in reads if each.problem and not each.skipped)
    facts = [
        (
            "Spectra",
            str(len(study.items)),
            f"from {sum(1 for each in reads if _spectra_in(each))} files, {bad} unreadable",
        ),
        ("Kramers-Kronig", f"{passed} of {len(tested)} pass", "linear test, elements chosen out of sample"),
        ("Residual", f"{100.0 * rms:.2g} %", f"{ratio:.2g} times the noise" if np.isfinite(ratio) else "median"),
    ]
    for series in study.series:
        for name, line in list(series.lines.items())[:3]:
            energy = getattr(line, "activation_energy", None)
            if energy is not None:
                facts.append(
                    (f"Activation energy of {name}", f"{energy.value:.3f} ± {energy.standard_error:.3f} eV", line.form)
                )
        if series.events:
            facts.append(("Events", str(len(series.events)), series.events[0].kind))
    return facts


def _series_shown(study: Study, series: Series) -> SeriesShown:
    from mossy.analysis.circuits.trends import COORDINATES
    from mossy.report.spectra_content import DistributionShown, SeriesShown, SpectrumShown

    spectra, distributions = [], []
    for x, row in zip(series.coordinate, series.rows, strict=True):
        item, fit, found = study.items[row], study.fits[row], study.distributions[row]
        spectrum = item.spectrum
        fine = np.geomspace(spectrum.frequency.max(), spectrum.frequency.min(), _CURVE)
        curve = (fine, fit.impedance(fine)) if len(series.rows) <= _MOST_CURVES else (spectrum.frequency, fit.model)
        spectra.append(SpectrumShown(item.name, spectrum.frequency, spectrum.impedance, fit.model, float(x), *curve))
        if found is not None:
            peaks = np.array([peak.time_constant for peak in found.peaks])
            distributions.append(
                DistributionShown(
                    float(x), item.name, found.time_constants, found.density, found.lower, found.upper, peaks
                )
            )
    fits = [study.fits[row] for row in series.rows]
    units = {name: each.unit for name, each in fits[0].parameters.items()}
    parameters = {
        name: (
            np.array([fit.parameters[name].value for fit in fits]),
            np.array([fit.parameters[name].standard_error for fit in fits]),
            unit,
        )
        for name, unit in units.items()
    }
    noise = [_noise(study, row) for row in series.rows]
    return SeriesShown(
        name=series.name,
        kind=series.kind,
        label=_LABELS[series.kind],
        unit=COORDINATES[series.kind][1],
        coordinate=series.coordinate,
        spectra=spectra,
        distributions=distributions,
        parameters=parameters,
        relative_rms=np.array([fit.relative_rms for fit in fits]),
        noise=np.array(noise),
        lines=_lines(series),
        events=[(float(event.coordinate), event.text, event.evidence) for event in series.events],
        notes=series.notes,
    )


def _noise(study: Study, row: int) -> float:
    """The noise of each part of Z relative to |Z|, root mean square over the points."""
    validity, spectrum = study.validity[row], study.items[row].spectrum
    if validity is None:
        return float("nan")
    return float(np.sqrt(np.mean((validity.noise.standard_deviation(spectrum.impedance) / spectrum.modulus) ** 2)))


def _lines(series: Series) -> list[tuple[str, str, Any, Any, Any, Any]]:
    """The Arrhenius lines as drawn: name, words, kelvin, ln(R/T), its error, the line there."""
    found = []
    for name, line in series.lines.items():
        energy = getattr(line, "activation_energy", None)
        if energy is None or series.fit is None:
            continue
        values, errors = series.fit.values(name)
        known = np.isfinite(errors) & (values > 0.0) & (errors < values)
        kelvin = series.coordinate[known]
        measured = np.log(values[known] / kelvin)
        words = f"{energy.value:.3f} ± {energy.standard_error:.3f} eV"
        found.append((name, words, kelvin, measured, errors[known] / values[known], measured - line.residuals))
    return found


def _say(study: Study, reads: list[FileRead], folder: Path) -> None:
    """What is printed at the end."""
    for each in reads:
        if each.problem and not each.skipped:
            _warn(f"{each.path}: {each.problem}")
    for name, reason in study.refused:
        _warn(f"{name}: {reason}")
    for series in study.series:
        along = f" along {_LABELS[series.kind]}" if series.kind != "number" else ""
        if not series.rows:
            continue
        count = "1 spectrum" if len(series.rows) == 1 else f"{len(series.rows)} spectra"
        print(f"{series.name}: {count}{along}, circuit {series.circuit}")
        for name, line in series.lines.items():
            energy = getattr(line, "activation_energy", None)
            if energy is not None:
                print(
                    f"  activation energy of {name}: {energy.value:.4f} +- {energy.standard_error:.4f} eV ({line.form})"
                )
        for event in series.events:
            print(f"  {event.text}")
        for note in series.notes:
            if any(words in note for words in ("rejected", "times the noise", "hard ties")):
                _warn(f"{series.name}: {note}")
    for item, fit in zip(study.items, study.fits, strict=True):
        if fit.status == "refused":
            _warn(f"{item.name} was not fitted: {fit.flags[0]}")
    for note in study.notes:
        _warn(note)
    if len(study.items) == 1 and study.fits[0].status != "refused":
        for name, value, error, unit, note in _values(study, 0):
            print(f"  {name} = {value:.6g} +- {error:.2g} {unit} {note}".rstrip())
    flagged = _flagged(study)
    if flagged:
        number = len({name for name, _ in flagged})
        which = "1 spectrum is" if number == 1 else f"{number} spectra are"
        print(f"{which} flagged; the report and summary.json say why")
    print(f"report: {folder / 'report.html'}")


def _warn(text: str) -> None:
    """A warning on the terminal, with options as they are typed there."""
    typed = text.replace('imaginary_sign="positive"', "--imaginary-sign positive")
    print(f"warning: {typed}", file=sys.stderr)


def elements_text() -> str:
    """Every element and combination, a line each."""
    from mossy.analysis.circuits.elements import ALIASES, COMBINATIONS, ELEMENTS

    lines = ["Elements (a symbol and a number, as in R1; `-` puts them in series):"]
    for element in ELEMENTS.values():
        parameters = ", ".join(
            f"{spec.name} ({spec.unit}{'' if spec.assumed is None else f', {spec.assumed:g} unless given'})"
            for spec in element.parameters
        )
        also = ", ".join(alias for alias, symbol in ALIASES.items() if symbol == element.symbol)
        lines.append(f"  {element.symbol:3} {element.title}{f' (also {also})' if also else ''}")
        lines.append(f"      Z = {element.formula}; {parameters}")
    lines.append("with s = i omega, omega = 2 pi f, L the thickness. Ways to put circuits together:")
    lines += [f"  {each.example:24} {each.title}" for each in COMBINATIONS.values()]
    lines.append("Example: R0-p(R1,Q1)-p(R2,Q2)-Ws1")
    return "\n".join(lines)
