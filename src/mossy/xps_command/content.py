"""Studied samples as the content of the report, and as rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.analysis.xps.sample_study import SampleStudy, level_of
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
    faulty = sum(bool(each.faults) for each in samples)
    if samples:
        facts.append(("samples with faults", str(faulty), "in a fit or its data: look before believing the numbers"))
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
        {
            "phases": _phase_tables(found),
            "peaks": [*_peak_tables(found), *_stored_table(found)],
            "survey": _survey_table(found),
        },
        found.warnings,
        found.faults,
        [*(flag for flag in found.flags if flag not in found.faults), *_notes(found)],
    )


def _facts(found: SampleStudy) -> list[tuple[str, str, str]]:
    facts = []
    if found.phases is not None and found.phases.amounts:
        ranked = sorted(found.phases.amounts.items(), key=lambda each: -each[1].value)[:5]
        told = ", ".join(f"{name} {amount_text(amount)}" for name, amount in ranked)
        facts.append(("mole fractions", told, "of the film's phases"))
    if found.phases is not None:
        facts.append(("reduced chi squared", number(found.phases.reduced_chi_squared, 3), found.phases.status))
    if found.composition is not None:
        parts = sorted(found.composition.elements.items(), key=lambda each: -each[1].value)
        told = ", ".join(f"{name} {each.value:.1f} ± {number(each.standard_error, 1)}" for name, each in parts)
        facts.append(("atomic percent", told, "if the sample is one mixture"))
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


def amount_text(amount: Any) -> str:
    """An amount without its unit: value with error, or its upper limit."""
    if amount.upper_limit is not None:
        return f"< {amount.upper_limit:.2g}"
    return f"{amount.value:.3g} ± {amount.standard_error:.1g}"


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
    """Measured regions and those of a simulated film: one factor and one shift of energy for all regions."""
    pairs = []
    for model in simulated:
        mine = next((fit for fit in found.peaks if fit.region == model.metadata["region"]), None)
        if mine is not None:
            order = np.argsort(_column(model, "binding_energy_electronvolt"))
            energy, intensity = _column(model, "binding_energy_electronvolt")[order], _intensity(model)[0][order]
            pairs.append((mine, energy, intensity - intensity.min()))
    if not pairs:
        return []
    shifts = np.arange(-4.0, 4.01, 0.05)
    agreement = [_agreement(pairs, shift) for shift in shifts]
    shift = float(shifts[int(np.argmax([each[0] for each in agreement]))])
    factor = agreement[int(np.argmax([each[0] for each in agreement]))][1]
    note = f"The film's lines on the measured background, shifted by {shift:+.2f} eV; one scale for all regions."
    shown = []
    for fit, energy, intensity in pairs:
        curve = fit.background + factor * np.interp(fit.energy, energy + shift, intensity)
        unit = fit.unit.replace("·eV", "").replace(" eV", "")
        shown.append(RegionShown(fit.region, fit.energy, fit.measured, curve, fit.background, [], None, unit, note))
    return shown


def _agreement(pairs: Sequence[tuple[Any, np.ndarray, np.ndarray]], shift: float) -> tuple[float, float]:
    """How well a shifted film agrees with what was measured above the backgrounds, and by which factor."""
    both = squares = 0.0
    for fit, energy, intensity in pairs:
        curve, line = np.interp(fit.energy, energy + shift, intensity), fit.measured - fit.background
        both, squares = both + float((curve * line).sum()), squares + float((curve * curve).sum())
    return both / max(squares, 1e-300) ** 0.5, both / max(squares, 1e-300)


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
            inside = "; ".join(f"{name} {amount_text(amount)}" for name, amount in layer.amounts.items())
            rows.append([layer.name, thick, nm, inside])
        tables.append(TableShown("Layers, outermost first", ["layer", "d/λ", "nm", "mole fractions in it"], rows))
    rows = [
        [name, amount_text(amount), str(fit.areal_amounts[name]) if name in fit.areal_amounts else ""]
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


def _shares(found: SampleStudy) -> dict[tuple[str, str], Any]:
    """The atomic percent of each component, by its region and name."""
    if found.composition is None:
        return {}
    return {(each.region, each.component): each.atomic_percent for each in found.composition.shares}


def _peak_tables(found: SampleStudy) -> list[TableShown]:
    shares = _shares(found)
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


def _stored_table(found: SampleStudy) -> list[TableShown]:
    """The fits that the files themselves hold, level by level beside the total area found here."""
    rows = []
    for record in found.records:
        stored = (record.metadata.get("fit") or {}).get("components") or []
        known = [each for each in stored if each.get("area") is not None]
        level = level_of(record)
        mine = next((fit for fit in found.peaks if fit.region == level), None)
        total = sum(float(each["area"]) for each in known)
        for place, each in enumerate(known):
            at = each.get("position_electronvolt")
            ours = ""
            if mine is not None and place == 0:
                error = float(np.sqrt(max(float(mine.area_covariance.sum()), 0.0)))
                ours = f"{number(sum(c.area.value for c in mine.components), 4)} ± {number(error, 2)}"
            rows.append(
                [
                    str(level or record.metadata.get("region", "")),
                    str(each.get("name", "")),
                    number(at, 5) if at is not None else "",
                    number(each["area"], 4),
                    number(total, 4) if place == 0 else "",
                    ours,
                ]
            )
    head = ["region", "component", "eV", "its area", "all of the region", "all, as fitted here"]
    note = "Areas in counts/s eV, as the file has them."
    return [TableShown("Fits that the files hold", head, rows, (2, 3, 4, 5), note)] if rows else []


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
        shares = _shares(found)
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
                "faults": found.faults,
                "flags": found.flags,
                "notes": found.notes,
            }
            for found in samples
        ],
        "refused": [{"file": name, "reason": reason} for name, reason in refused],
    }


def _without_curves(fit: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fit.items() if key != "regions"}
