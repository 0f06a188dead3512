"""Studied samples as the content of the report, and as rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.analysis.xps.sample_study import SampleStudy
from mossy.records import Photoemission
from mossy.report.cycling_content import PointsShown, TableShown
from mossy.report.wording import number
from mossy.report.xps_content import RegionShown, SampleShown, SurveyShown, XpsContent


def content_of(
    title: str,
    samples: Sequence[SampleStudy],
    simulated: Mapping[str, Sequence[Photoemission]],
    refused: Sequence[tuple[str, str]],
    versions: Mapping[str, str],
) -> XpsContent:
    """The report of some samples; `simulated` spectra of a film by sample, "" for a film without measurements."""
    shown = [_sample(each, simulated.get(each.name, ())) for each in samples]
    if simulated.get(""):
        shown.append(_film_alone(simulated[""]))
    regions = sum(len(each.records) for each in samples)
    facts = [("samples", str(len(samples)), ""), ("regions", str(regions), "")] if samples else []
    flagged = sum(bool(each.flags) for each in samples)
    if samples:
        facts.append(("samples with flags", str(flagged), "things to look at before believing the numbers"))
    profile, labels = _profile(samples)
    if not samples and simulated.get(""):
        profile, labels = _simulated_profile(simulated[""])
    return XpsContent(title, facts, shown, profile, labels, refused, versions)


def _sample(found: SampleStudy, simulated: Sequence[Photoemission]) -> SampleShown:
    return SampleShown(
        found.name,
        _facts(found),
        _survey(found),
        [_peak_region(fit) for fit in found.peaks],
        [_phase_region(region) for region in found.phases.regions] if found.phases is not None else [],
        _beside(found, simulated),
        {"phases": _phase_tables(found), "peaks": _peak_tables(found), "survey": _survey_table(found)},
        found.warnings,
        found.flags,
        _notes(found),
    )


def _facts(found: SampleStudy) -> list[tuple[str, str, str]]:
    facts = []
    if found.phases is not None and found.phases.amounts:
        name, amount = max(found.phases.amounts.items(), key=lambda each: each[1].value)
        facts.append((f"most abundant: {name}", str(amount), "of all phases of the film"))
        facts.append(("reduced chi squared", number(found.phases.reduced_chi_squared, 3), "of the phase fit"))
    if found.composition is not None:
        ranked = sorted(found.composition.elements.items(), key=lambda each: -each[1].value)[:4]
        facts.append(("atomic percent", ", ".join(f"{name} {each.value:.1f}" for name, each in ranked), "of a mixture"))
    if found.survey is not None:
        facts.append(("in the survey", ", ".join(found.survey.symbols) or "nothing certain", "elements found"))
    energies = {
        str(record.metadata.get("excitation_source") or record.metadata.get("excitation_energy_electronvolt"))
        for record in found.records
    }
    facts.append(("excitation", ", ".join(sorted(energies - {"None"})) or "not known", ""))
    if found.calibration is not None:
        shift = found.calibration.shift
        words = f"{shift.value:+.2f} ± {shift.standard_error:.2f} eV"
        facts.append(("energies shifted", words, found.calibration.reference.name))
    else:
        facts.append(("energy scale", "as in the file", "--reference shifts it"))
    return facts


def _notes(found: SampleStudy) -> list[str]:
    told = list(found.notes)
    for part in (*found.peaks, found.phases):
        told += part.notes if part is not None else ()
    if found.composition is not None:
        told += [f"assumed: {each}" for each in found.composition.assumptions]
    if found.calibration is not None:
        told += [f"risk of the reference: {each}" for each in found.calibration.risks]
    return list(dict.fromkeys(told))


def _survey(found: SampleStudy) -> SurveyShown | None:
    record = found.survey_record
    if record is None:
        return None
    lines = [] if found.survey is None else [(e.binding_energy, e.lines[0]) for e in found.survey.lines if e.lines]
    return SurveyShown(_column(record, "binding_energy_electronvolt"), _intensity(record)[0], lines)


def _column(record: Photoemission, name: str) -> np.ndarray:
    return record.table[name].cast(float).to_numpy()


def _intensity(record: Photoemission) -> tuple[np.ndarray, str]:
    counts = "intensity_counts" in record.table.columns
    name = "intensity_counts" if counts else "intensity_counts_per_second"
    return _column(record, name), "counts" if counts else "counts/s"


def _peak_region(fit: Any) -> RegionShown:
    note = f"{fit.background_name} background, reduced χ² {fit.reduced_chi_squared:.3g}."
    components = [(each.name, each.curve) for each in fit.components]
    unit = fit.unit.replace(" eV", "")
    return RegionShown(
        fit.region, fit.energy, fit.measured, fit.modelled, fit.background, components, fit.residuals, unit, note
    )


def _phase_region(region: Any) -> RegionShown:
    by_phase: dict[str, np.ndarray] = {}
    for each in region.components:
        by_phase[each.phase] = by_phase.get(each.phase, 0.0) + each.curve
    note = f"Reduced χ² of the region {region.chi_squared / max(len(region.energy), 1):.3g}."
    return RegionShown(
        region.name,
        region.energy,
        region.measured,
        region.modelled,
        region.background,
        list(by_phase.items()),
        region.residual,
        "counts",
        note,
    )


def _beside(found: SampleStudy, simulated: Sequence[Photoemission]) -> list[RegionShown]:
    """Measured regions and those of a simulated film, on one scale: one factor for all regions."""
    pairs = []
    for model in simulated:
        name = str(model.metadata["region"])
        mine = next((fit for fit in found.peaks if fit.region == name), None)
        if mine is not None:
            energy = _column(model, "binding_energy_electronvolt")
            pairs.append((name, mine, energy, _intensity(model)[0]))
    if not pairs:
        return []
    lines = [(fit.measured - fit.background, np.interp(fit.energy, e, i - i.min())) for _, fit, e, i in pairs]
    top = sum(float((a * b).sum()) for a, b in lines)
    factor = top / max(sum(float((b * b).sum()) for _, b in lines), 1e-300)
    return [
        RegionShown(
            name,
            fit.energy,
            fit.measured,
            fit.background + factor * curve,
            fit.background,
            [],
            None,
            fit.unit,
            "The film's lines on the measured background; one scale for all regions.",
        )
        for (name, fit, _, _), (_, curve) in zip(pairs, lines, strict=True)
    ]


def _film_alone(simulated: Sequence[Photoemission]) -> SampleShown:
    """The spectra of a film by core level, at each depth that it was sputtered to."""
    levels: dict[str, list[tuple[str, np.ndarray, np.ndarray]]] = {}
    for model in simulated:
        curve = (str(model.metadata["label"]), _column(model, "binding_energy_electronvolt"), _intensity(model)[0])
        levels.setdefault(str(model.metadata["region"]), []).append(curve)
    return SampleShown("The simulated film", [], None, [], [], [], {}, film=levels)


def _phase_tables(found: SampleStudy) -> list[TableShown]:
    fit = found.phases
    if fit is None or not fit.amounts:
        return []
    tables = []
    if len(fit.layers) > 1:
        rows = []
        for layer in fit.layers:
            thick = str(layer.thickness_over_path) if layer.thickness_over_path is not None else "no end"
            nm = str(layer.thickness) if layer.thickness is not None else ""
            inside = "; ".join(f"{name} {amount}" for name, amount in layer.amounts.items())
            rows.append([layer.name, thick, nm, inside])
        tables.append(TableShown("Layers, outermost first", ["layer", "d/λ", "nm", "mole fractions in it"], rows))
    rows = [
        [name, str(amount), str(fit.areal_amounts[name]) if name in fit.areal_amounts else ""]
        for name, amount in fit.amounts.items()
    ]
    head, numeric = ["phase", "mole fraction", "areal amount"], (1,)
    if not fit.areal_amounts:
        head, rows = head[:2], [row[:2] for row in rows]
    note = ""
    if fit.indistinguishable:
        groups = "; ".join(" and ".join(group) for group in fit.indistinguishable)
        note = f"The data do not tell apart: {groups}."
    tables.append(TableShown("Phases", head, rows, numeric, note))
    return tables


def _peak_tables(found: SampleStudy) -> list[TableShown]:
    shares = {}
    if found.composition is not None:
        shares = {(each.region, each.component): each.atomic_percent for each in found.composition.shares}
    rows = []
    for fit in found.peaks:
        for each in fit.components:
            share = shares.get((fit.region, each.name))
            area = f"below {number(each.upper_limit, 3)}" if each.upper_limit is not None else _with(each.area)
            percent = "" if share is None else f"{share.value:.2f} ± {share.standard_error:.2g}"
            rows.append([fit.region, each.name, _with(each.position, 2), _with(each.width, 2), area, percent])
    head = ["region", "component", "eV", "width (eV)", "area", "at.%"]
    note = "Errors of areas hold the noise and what other backgrounds, ends and line shapes make of them."
    return [TableShown("Components", head, rows, (2, 3, 4, 5), note)] if rows else []


def _with(estimate: Any, decimals: int | None = None) -> str:
    if decimals is not None:
        return f"{estimate.value:.{decimals}f}"
    if not np.isfinite(estimate.standard_error):
        return "not determined"
    return f"{number(estimate.value, 4)} ± {number(estimate.standard_error, 2)}"


def _survey_table(found: SampleStudy) -> list[TableShown]:
    if found.survey is None:
        return []
    rows = [[e.element, e.status, ", ".join(e.seen), ", ".join(e.missed), e.note] for e in found.survey.elements]
    return [TableShown("Elements", ["element", "", "lines seen", "lines missed", ""], rows)] if rows else []


def _profile(samples: Sequence[SampleStudy]) -> tuple[list[PointsShown], tuple[str, str]]:
    """Amounts, or atomic percent, along the levels of a depth profile."""
    levels = [each for each in samples if each.level is not None]
    if len({each.level for each in levels}) < 3:
        return [], ("", "")
    levels.sort(key=lambda each: each.level or 0.0)
    if all(each.phases is not None and each.phases.amounts for each in levels):
        values = [{name: (a.value, a.standard_error) for name, a in each.phases.amounts.items()} for each in levels]  # type: ignore[union-attr]
        label = "mole fraction"
    else:
        levels = [each for each in levels if each.composition is not None]
        values = [{n: (e.value, e.standard_error) for n, e in each.composition.elements.items()} for each in levels]  # type: ignore[union-attr]
        label = "atomic percent"
    names = list(dict.fromkeys(name for each in values for name in each))
    x = np.array([each.level for each in levels], dtype=float)
    unknown = (np.nan, np.nan)
    series = []
    for name in names:
        pairs = np.array([each.get(name, unknown) for each in values], dtype=float)
        series.append(PointsShown(name, x, pairs[:, 0], pairs[:, 1], np.ones(len(x), dtype=bool)))
    return series, ("sputter time (s) or level", label)


def _simulated_profile(records: Sequence[Photoemission]) -> tuple[list[PointsShown], tuple[str, str]]:
    """Each level's area over its cross section, as per cent of all, by the depth sputtered to."""
    from mossy.materials.cross_sections import photoionisation_cross_section

    depths = sorted({float(record.metadata["depth_nm"]) for record in records})
    if len(depths) < 2:
        return [], ("", "")
    areas: dict[str, list[float]] = {}
    for record in records:
        name, photon = str(record.metadata["region"]), record.metadata["excitation_energy_electronvolt"]
        order = np.argsort(_column(record, "binding_energy_electronvolt"))
        energy, intensity = _column(record, "binding_energy_electronvolt")[order], _intensity(record)[0][order]
        line = np.interp(energy, energy[[0, -1]], intensity[[0, -1]])
        area = float(np.trapezoid(intensity - line, energy)) / photoionisation_cross_section(name, photon).relative
        areas.setdefault(name, [0.0] * len(depths))[depths.index(float(record.metadata["depth_nm"]))] = max(area, 0.0)
    total = np.sum(list(areas.values()), axis=0)
    x, unknown, kept = np.array(depths), np.full(len(depths), np.nan), np.ones(len(depths), dtype=bool)
    series = [PointsShown(name, x, 100.0 * np.array(values) / total, unknown, kept) for name, values in areas.items()]
    return series, ("sputtered (nm of solid)", "area over cross section (%)")


def component_rows(samples: Sequence[SampleStudy]) -> list[dict[str, Any]]:
    """A row a component of every peak fit."""
    rows = []
    for found in samples:
        shares = {}
        if found.composition is not None:
            shares = {(each.region, each.component): each.atomic_percent for each in found.composition.shares}
        for fit in found.peaks:
            for each in fit.components:
                share = shares.get((fit.region, each.name))
                rows.append(
                    {
                        "sample": found.name,
                        "level": found.level,
                        "region": fit.region,
                        "component": each.name,
                        "binding_energy_electronvolt": each.position.value,
                        "binding_energy_standard_error": _finite(each.position.standard_error),
                        "width_electronvolt": each.width.value,
                        "area": each.area.value,
                        "area_standard_error": _finite(each.area.standard_error),
                        "area_unit": fit.unit,
                        "upper_limit": _finite(each.upper_limit),
                        "atomic_percent": share.value if share is not None else None,
                        "atomic_percent_standard_error": _finite(share.standard_error) if share is not None else None,
                        "reduced_chi_squared": _finite(fit.reduced_chi_squared),
                    }
                )
    return rows


def phase_rows(samples: Sequence[SampleStudy]) -> list[dict[str, Any]]:
    """A row a phase of every phase fit."""
    rows = []
    for found in samples:
        if found.phases is None:
            continue
        for name, amount in found.phases.amounts.items():
            areal = found.phases.areal_amounts.get(name)
            rows.append(
                {
                    "sample": found.name,
                    "level": found.level,
                    "phase": name,
                    "mole_fraction": amount.value,
                    "standard_error": _finite(amount.standard_error),
                    "upper_limit": _finite(amount.upper_limit),
                    "nmol_per_cm2": areal.value if areal is not None else None,
                    "nmol_per_cm2_standard_error": areal.standard_error if areal is not None else None,
                    "status": found.phases.status,
                    "reduced_chi_squared": _finite(found.phases.reduced_chi_squared),
                }
            )
    return rows


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def summary_of(samples: Sequence[SampleStudy], refused: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What summary.json holds."""
    return {
        "samples": [
            {
                "sample": found.name,
                "level": found.level,
                "survey": found.survey.as_dict() if found.survey is not None else None,
                "peaks": {fit.region: fit.as_dict() for fit in found.peaks},
                "composition": found.composition.as_dict() if found.composition is not None else None,
                "phases": _without_curves(found.phases.as_dict()) if found.phases is not None else None,
                "calibration": found.calibration.as_dict() if found.calibration is not None else None,
                "warnings": found.warnings,
                "flags": found.flags,
                "notes": found.notes,
            }
            for found in samples
        ],
        "refused": [{"file": name, "reason": reason} for name, reason in refused],
    }


def _without_curves(fit: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fit.items() if key != "regions"}
